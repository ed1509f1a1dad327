"""Judging text: from an answer and the gold text to a score. Pure, except for the user's own function."""

from __future__ import annotations

from tunebook.evaluation.metrics import check_data, load_metric, scored

__all__ = ["check_data", "load_metric", "scored"]
