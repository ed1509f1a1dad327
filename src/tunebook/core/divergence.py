"""Decides from a loss series and outcomes whether a trial trained, diverged or collapsed.

*Diverged* (training broke): non-finite loss or gradient; or smoothed training loss above 1.5 times its start for 20
steps, or for the last quarter of a shorter run; or validation loss after training worse than the untrained model's.
*Collapsed*: a finite loss, but one constant or unparsable answer on more than 90 % of the examples. Both are results
about the configuration, not errors.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tunebook.core.facts import TrialFact
from tunebook.core.study import Purpose

__all__ = [
    "COLLAPSED_SHARE",
    "DivergenceMonitor",
    "collapse_reason",
    "collapse_share",
    "how_it_ended",
    "tried_rates",
    "worse_than_untrained",
]

BROKE_IN_TRAINING = ("non_finite_loss", "non_finite_gradient", "loss_rose")
"""Reason codes for a divergence seen during training."""

LOSS_FACTOR = 1.5
"""A smoothed loss above this multiple of its start counts as too high."""
PATIENCE_STEPS = 20
"""Number of consecutive steps for which the loss must be too high (for a shorter run: its last quarter)."""
SMOOTHING = 0.8
"""Weight of the past in the exponential mean of the loss (about five steps)."""
START_STEPS = 3
"""The starting loss is the mean of this many first steps, because a single batch is noisy."""
COLLAPSED_SHARE = 0.9
NOTHING_SHARE = 0.1
"""A completed trial below this share of the baseline's accuracy has learned nothing, if it is not chance."""
NOTHING_CHANCE = 1e-3
"""Largest probability at which it may be chance."""


class DivergenceMonitor:
    """Watches one trial's training loss step by step.

    Args:
        total_steps: optimiser steps in the whole trial.
    """

    def __init__(self, total_steps: int) -> None:
        self._patience = min(PATIENCE_STEPS, max(1, math.ceil(total_steps / 4)))
        self._first: list[float] = []
        self._smoothed = 0.0
        self._too_high = 0

    def observe(self, loss: float, gradient_norm: float) -> str | None:
        """Take one step's mean loss (nats per label token) and gradient norm.

        Returns: the reason to stop training now ("non_finite_loss", "non_finite_gradient", "loss_rose"), or None.
        """
        if not math.isfinite(loss):
            return "non_finite_loss"
        if not math.isfinite(gradient_norm):
            return "non_finite_gradient"
        if len(self._first) < START_STEPS:
            self._first.append(loss)
            self._smoothed = sum(self._first) / len(self._first)
            return None
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * loss
        start = sum(self._first) / len(self._first)
        self._too_high = self._too_high + 1 if self._smoothed > LOSS_FACTOR * start else 0
        return "loss_rose" if self._too_high >= self._patience else None


def worse_than_untrained(loss: float, untrained_loss: float) -> bool:
    """Whether the validation loss after training is above the untrained model's; a non-finite loss always is."""
    return not math.isfinite(loss) or loss > untrained_loss


def collapse_share(answers: Sequence[str], parsable: Sequence[bool]) -> tuple[float, str]:
    """The larger of two shares of the examples: those that got the same constant answer, and those that got an
    unparsable one; and which of the two it is."""
    if not answers:
        return 0.0, "constant_answer"
    constant = Counter(answers).most_common(1)[0][1] / len(answers)
    unparsable = sum(not ok for ok in parsable) / len(answers)
    return (unparsable, "unparsable_answers") if unparsable > constant else (constant, "constant_answer")


def collapse_reason(
    answers: Sequence[str], parsable: Sequence[bool], commonest_gold_share: float, accuracy: float
) -> str | None:
    """The reason why a trained model counts as collapsed ("constant_answer", "unparsable_answers"), or None.

    On data whose gold answers are nearly all the same, a constant answer is not a collapse: its share must also exceed
    that of the commonest gold answer by 0.1. Nor is it one where the model is right more often than always giving the
    commonest gold answer would be: such a model is weak, and has learned something all the same.
    """
    share, reason = collapse_share(answers, parsable)
    if reason == "constant_answer" and accuracy > commonest_gold_share > 0:
        return "unparsable_answers" if sum(not ok for ok in parsable) > COLLAPSED_SHARE * len(answers) else None
    limit = max(COLLAPSED_SHARE, min(1.0, commonest_gold_share + 0.1) if reason == "constant_answer" else 0.0)
    return reason if share > limit else None


def how_it_ended(fact: TrialFact, usual: float = math.nan) -> str | None:
    """How a trial ended that did not train: "diverged", "collapsed", or "learned_nothing", when it completed and is
    right on less than a tenth of the usual accuracy, which chance does not explain; None: it trained.

    Args:
        usual: the baseline's accuracy on validation, in [0, 1]; nan: not known.
    """
    if not fact.state.did_train:
        return fact.state.value
    outcome = fact.outcomes.get("validation")
    if outcome is None or math.isnan(usual):
        return None
    n, accuracy = len(outcome.scores), outcome.accuracy
    if usual < 0:  # of an unbounded score there is no share of it to fall below
        return None
    by_chance = (1 - usual) ** (n * (1 - accuracy)) if usual < 1 else 0.0
    return "learned_nothing" if accuracy < NOTHING_SHARE * usual and by_chance < NOTHING_CHANCE else None


def tried_rates(facts: Iterable[TrialFact], usual: float = math.nan) -> dict[float, list[bool]]:
    """For each learning rate, whether each replicate trained; see `how_it_ended` for `usual`. Failed and unfinished
    trials and the reference are left out.

    A learning rate too low to learn anything also leaves a model no better than the untrained one, or with its constant
    answer. Such trials are left out when they lie below the lowest rate at which most replicates trained. A loss that
    rose or was not finite counts as divergence at any rate.
    """
    answers = [fact for fact in facts if fact.trial.purpose is not Purpose.REFERENCE and fact.state.is_answer]
    by_rate: dict[float, list[bool]] = defaultdict(list)
    for fact in answers:
        by_rate[fact.trial.effective.learning_rate].append(how_it_ended(fact, usual) is None)
    lowest = min((rate for rate, trained in by_rate.items() if 2 * sum(trained) > len(trained)), default=0.0)
    tried: dict[float, list[bool]] = defaultdict(list)
    for fact in answers:
        rate = fact.trial.effective.learning_rate
        did_train = how_it_ended(fact, usual) is None
        if did_train or rate >= lowest or not _may_be_too_slow(fact):
            tried[rate].append(did_train)
    return dict(tried)


def _may_be_too_slow(fact: TrialFact) -> bool:
    return not (fact.reason or "").startswith(BROKE_IN_TRAINING)
