"""trials.csv: one line per trial, with every factor under its library name, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math

from tunebook.core.facts import TrialFact
from tunebook.escaping import csv_cell
from tunebook.record.view import View

__all__ = ["render"]


IDENTITY = ("trial", "round", "kind", "purpose", "factor")
"""Columns before the factors."""
OUTCOME = (
    "effective_key", "seed", "state", "accuracy", "accuracy_low", "accuracy_high", "loss", "test_accuracy", "test_loss",
    "diverged_step", "reason", "train_seconds", "score_seconds", "raw_tokens", "computed_tokens", "peak_bytes",
    "adapter_bytes", "checkpoint_of", "tags", "note",
)  # fmt: skip
"""Columns after the factors."""


def render(view: View) -> str:
    """CSV with a header line. Numbers are not rounded; unknown ones are empty; a loss that is not finite is "nan".

    What is no share of right answers is called a score, and is in the metric's own unit.
    """
    factors = list(view.spec.baseline.as_dict())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    right = view.scale.counts_right_answers
    outcome = OUTCOME if right else [name.replace("accuracy", "score") for name in OUTCOME]
    writer.writerow([*IDENTITY, *factors, *outcome])
    for fact in view.history.trials.values():
        trial, levels = fact.trial, fact.trial.configuration.as_dict()
        identity = (trial.id, trial.round, trial.kind.value, trial.purpose.value, trial.factor)
        row = (*identity, *(_level(levels[name]) for name in factors), *_outcome(view, fact))
        writer.writerow([csv_cell(cell) for cell in row])
    return out.getvalue()


def _outcome(view: View, fact: TrialFact) -> tuple[object, ...]:
    trial, cost = fact.trial, fact.cost
    measured = view.accuracy([fact])
    low, high = measured[1] if measured else (None, None)
    validation, test = fact.outcomes.get("validation"), fact.outcomes.get("test")
    own = view.scale.score
    ends = (None, None) if low is None or high is None else sorted((own(low), own(high)))
    on_validation = (own(validation.accuracy), *ends, _finite(validation.loss)) if validation else (None,) * 4
    on_test = (own(test.accuracy), _finite(test.loss)) if test else (None, None)
    ending = (fact.diverged_step, fact.reason)
    spent = (cost.train_seconds, cost.score_seconds, cost.raw_tokens, cost.computed_tokens, cost.peak_bytes)
    identity = (trial.effective.key, trial.seed, fact.state.value)
    said = view.remark(trial.id)
    kept = (cost.adapter_bytes, trial.checkpoint_of, " ".join(said.tags), said.note)
    return (*identity, *on_validation, *on_test, *ending, *spent, *kept)


def _level(level: object) -> object:
    return " ".join(str(item) for item in level) if isinstance(level, list) else level


def _finite(x: float) -> float | str:
    return x if math.isfinite(x) else "nan"
