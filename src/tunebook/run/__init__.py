"""Joins the pure core with disk, engines and terminal: prepares a study, runs its rounds, resumes, reports."""
