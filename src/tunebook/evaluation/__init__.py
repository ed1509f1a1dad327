"""Judging text: from an answer and the gold text to a score in [0, 1]. Pure, except for the user's own function."""

from __future__ import annotations

from tunebook.evaluation.metrics import METRICS, Metric, check_metric, load_metric

__all__ = ["METRICS", "Metric", "check_metric", "load_metric"]
