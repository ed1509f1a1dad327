"""The comparison of a trial with its repetition, which `rerun` reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunebook.core.study import TrialState

__all__ = ["Reproduction"]

LOSS_TOLERANCE = 1e-4
"""Largest relative difference of an example's negative log-likelihood that still counts as the same result."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How a repetition compares with the original trial.

    Attributes:
        states: the states of the original and of the repetition.
        bit_for_bit: whether outcomes and adapter are identical.
        answers_differ: number of examples with a different answer.
        largest_loss_difference: largest relative difference over all examples; None without outcomes.
        adapter_equal: whether the adapters are equal; None when one of them no longer exists.
        changed_versions: libraries and devices that differ from when the study was created.
    """

    trial: int
    states: tuple[TrialState, TrialState]
    bit_for_bit: bool
    answers_differ: int
    n_examples: int
    largest_loss_difference: float | None
    adapter_equal: bool | None
    changed_versions: Mapping[str, tuple[str, str]]

    @property
    def reproduces(self) -> bool:
        """Same state, same answers, and likelihoods within the tolerance."""
        close = self.largest_loss_difference is None or self.largest_loss_difference <= LOSS_TOLERANCE
        return self.states[0] == self.states[1] and self.answers_differ == 0 and close
