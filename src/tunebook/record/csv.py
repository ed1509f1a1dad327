"""trials.csv: one line a trial, every factor under its library name, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math

from tunebook.record.text import csv_cell
from tunebook.record.view import View

__all__ = ["render"]


def render(view: View) -> str:
    """CSV with a header line. Numbers are unrounded; unknown ones are empty; a loss that is not finite is "nan"."""
    factors = list(view.spec.baseline.as_dict())
    header = [
        "trial",
        "round",
        "kind",
        "purpose",
        "factor",
        *factors,
        "effective_key",
        "seed",
        "state",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "loss",
        "test_accuracy",
        "test_loss",
        "diverged_step",
        "reason",
        "train_seconds",
        "score_seconds",
        "raw_tokens",
        "computed_tokens",
        "peak_bytes",
        "adapter_bytes",
        "checkpoint_of",
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for fact in view.history.trials.values():
        t, cost = fact.trial, fact.cost
        scored = {split: fact.outcomes.get(split) for split in ("validation", "test")}
        measured = view.accuracy([fact])
        low, high = measured[1] if measured else (None, None)
        levels = t.configuration.as_dict()
        row = [
            t.id,
            t.round,
            t.kind.value,
            t.purpose.value,
            t.factor,
            *(_level(levels[name]) for name in factors),
            t.effective.key,
            t.seed,
            fact.state.value,
            *(
                (scored["validation"].accuracy, low, high, _finite(scored["validation"].loss))
                if scored["validation"]
                else (None,) * 4
            ),
            *((scored["test"].accuracy, _finite(scored["test"].loss)) if scored["test"] else (None, None)),
            fact.diverged_step,
            fact.reason,
            cost.train_seconds,
            cost.score_seconds,
            cost.raw_tokens,
            cost.computed_tokens,
            cost.peak_bytes,
            cost.adapter_bytes,
            t.checkpoint_of,
        ]
        writer.writerow([csv_cell(cell) for cell in row])
    return out.getvalue()


def _level(level: object) -> object:
    return " ".join(str(item) for item in level) if isinstance(level, list) else level


def _finite(x: float) -> float | str:
    return x if math.isfinite(x) else "nan"
