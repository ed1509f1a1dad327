"""Joins the pure core to the edges: prepares a study, runs its rounds, resumes, reports."""
