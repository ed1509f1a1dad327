"""What each training example counts in the loss where classes are weighted (factor `class_weights`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample

__all__ = ["example_weights"]


def example_weights(
    configuration: Configuration, examples: Sequence[TokenizedExample], rows: Sequence[int] = ()
) -> Mapping[int, float] | None:
    """The weight of each training example by its index, or None: all count the same.

    Args:
        rows: the indices that are trained on; empty: all.

    "balanced" is n / (classes x rows of the example's class), as scikit-learn's `compute_class_weight`: every class
    counts the same in the loss, and the mean weight is 1. A class is a whole answer, before max_length cuts it. The
    loss of a step is the weighted sum over its label tokens, divided by their number, as without weights.
    """
    if configuration.class_weights != "balanced":
        return None
    answers = {index: examples[index].completion_ids for index in rows or range(len(examples))}
    counts = Counter(answers.values())
    return {index: len(answers) / (len(counts) * counts[answer]) for index, answer in answers.items()}
