"""Judging text: from an answer and the gold text to a score. Pure, except for the user's own function."""

from __future__ import annotations

from tunebook.evaluation.checks import check_data
from tunebook.evaluation.judging import likelihood_scores, standard_scores, statistic
from tunebook.evaluation.metrics import load_metric, scale_of, scored

__all__ = ["check_data", "likelihood_scores", "load_metric", "scale_of", "scored", "standard_scores", "statistic"]
