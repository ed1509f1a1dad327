"""Answers as labels: which data has them, and how many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunebook.data.examples import DataExample

__all__ = ["MOST_LABELS", "labels_of", "repeated_labels"]

MOST_LABELS = 50
"""With more different answers than this, answers are texts, not labels."""


def labels_of(examples: Sequence[DataExample]) -> dict[str, int] | None:
    """Count of every answer, commonest first, or None when the answers are no labels (more than 50 of them)."""
    counts = Counter(example.completion.strip() for example in examples)
    return dict(counts.most_common()) if len(counts) <= MOST_LABELS else None


def repeated_labels(examples: Sequence[DataExample]) -> dict[str, int] | None:
    """As `labels_of`, or None too when answers hardly ever repeat: those are texts."""
    labels = labels_of(examples)
    return labels if labels is not None and 2 * len(labels) <= len(examples) else None
