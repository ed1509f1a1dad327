"""What configurations and the study cost, in terms that do not depend on what else a machine does. Pure.

Steps and computed tokens are counted. Seconds alone and the memory of one trial are predicted from the measured speeds.
Seconds that passed are the trials' shares of what ran side by side, on a machine that others may have used as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.cost import RANK_REFERENCE, Prediction, predict_trial, relative_cost
from tunebook.core.facts import TrialFact
from tunebook.core.ports import Calibration
from tunebook.core.study import TrialState
from tunebook.record.view import View
from tunebook.words.values import OneByOne

__all__ = ["TrialCost", "one_by_one", "relative_work", "trial_cost"]

STEADY = 1.5
"""The study took at most this multiple of the predicted time, and at least its inverse: the load was about the same."""
UNUSABLE = 5.0
"""Beyond this multiple, or below its inverse, the measured speeds say nothing about the time that the study took."""


@dataclass(frozen=True, kw_only=True)
class TrialCost:
    """What one trial of a configuration costs; None where that is not known.

    Attributes:
        steps: optimiser steps.
        tokens: tokens that went through the model in training, mean over its trials.
        seconds: wall time of training and scoring, its share of what ran side by side, mean over its trials.
        seconds_alone, bytes_alone: predicted for it alone on the machine: time to train and to score the validation
            examples, memory.
        peak_bytes: most memory that the process held while it ran.
        adapter_bytes: size of the adapter.
    """

    steps: int | None = None
    tokens: float | None = None
    seconds: float | None = None
    seconds_alone: float | None = None
    bytes_alone: float | None = None
    peak_bytes: float | None = None
    adapter_bytes: float | None = None


def trial_cost(view: View, key: str) -> TrialCost:
    """What one trial of the configuration with this effective key costs."""
    facts = [f for f in view.by_key.get(key, []) if f.state is TrialState.COMPLETED]
    if not facts:
        return TrialCost()
    trial, costs = facts[0].trial, [fact.cost for fact in facts]
    measured = calibration(view)
    predicted = _alone(view, trial.effective, measured) if measured is not None else None
    return TrialCost(
        steps=view.total_steps(trial),
        tokens=None if view.counts_words else _mean([c.computed_tokens for c in costs]),
        seconds=_mean([c.seconds for c in costs]),
        seconds_alone=predicted.seconds if predicted is not None else None,
        bytes_alone=_bytes_alone(measured, trial.effective.lora_r) if measured is not None else None,
        peak_bytes=max((c.peak_bytes for c in costs), default=0) or None,
        adapter_bytes=_mean([c.adapter_bytes for c in costs]),
    )


def relative_work(view: View, key: str) -> float | None:
    """What a configuration takes to train as a multiple of the baseline: by the tokens that were computed, or where an
    engine does not count them, by `core.cost.relative_cost`. None where the configuration has not been trained."""
    mine, base = trial_cost(view, key).tokens, trial_cost(view, view.baseline_key).tokens
    if mine is not None and base is not None:
        return mine / base
    facts = [f for f in view.by_key.get(key, []) if f.state is TrialState.COMPLETED]
    if not facts:
        return None
    whole = relative_cost(view.spec.baseline, view.facts.data)[0]
    return relative_cost(facts[0].trial.effective, view.facts.data)[0] / whole if whole else None


def calibration(view: View) -> Calibration | None:
    """The speeds measured for this study, or None where there are none, or not all."""
    known = next((values for code, values in reversed(view.notes) if code == "calibration"), None)
    names = {field.name for field in fields(Calibration)}
    if known is None or not names - {"values"} <= known.keys():
        return None
    return Calibration(**{name: known[name] for name in names & known.keys()})


def one_by_one(view: View) -> OneByOne | None:
    """What the trials would have taken one after another.

    It follows from speeds measured at the start, as the time of one trial alone does. Where the study itself took much
    longer, or shorter, than the same measurement predicts, the load of the machine changed: the ranges then cover both
    loads, and beyond `UNUSABLE` nothing is said.
    """
    measured = calibration(view)
    final = [fact for fact in view.final if fact.cost.raw_tokens]
    if measured is None or not final:
        return None
    predictions = [_predicted(view, fact, measured) for fact in final]
    here, peft = sum(p.seconds for p in predictions), sum(p.one_by_one_seconds for p in predictions)
    change = view.history.spent_seconds / here if here > 0 else 1.0
    if not 1 / UNUSABLE <= change <= UNUSABLE:
        return None
    loads = (1.0,) if 1 / STEADY <= change <= STEADY else (1.0, change)
    return OneByOne(here=(here * min(loads), here * max(loads)), peft=(peft * min(loads), peft * max(loads)))


def _predicted(view: View, fact: TrialFact, measured: Calibration) -> Prediction:
    trial = fact.trial
    is_checkpoint = trial.checkpoint_of is not None
    return predict_trial(trial.effective, trial.splits, view.facts.data, measured, is_checkpoint)


def _alone(view: View, configuration: Configuration, measured: Calibration) -> Prediction:
    """A trial from its first step on, scored on validation examples: the same for every configuration, whichever
    splits its trials were scored on and whether they were checkpoints of others."""
    return predict_trial(configuration, ("validation",), view.facts.data, measured)


def _bytes_alone(measured: Calibration, rank: int) -> float:
    return measured.base_bytes + measured.trial_bytes * rank / RANK_REFERENCE


def _mean(amounts: Sequence[float]) -> float | None:
    known = [amount for amount in amounts if amount > 0]
    return float(np.mean(known)) if known else None
