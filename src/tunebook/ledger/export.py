"""The ledger as plain files for other programs: JSON Lines with everything, CSV with one trial or one outcome per
row.

Text in CSV is not trusted: a cell that a spreadsheet would run as a formula is prefixed with an apostrophe.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tunebook.core.facts import StudyFacts, TrialFact
from tunebook.escaping import csv_cell
from tunebook.ledger.codec import encode
from tunebook.ledger.store import SqlLedger

__all__ = ["export_csv", "export_jsonl"]

SCHEMA_VERSION = 1


def export_jsonl(ledger: SqlLedger, path: Path) -> int:
    """Write the whole ledger, one object per line, each with its `kind`: study, wave, trial, finding, attempt, note.

    Numbers that JSON cannot express are written as {"~float": "nan"}. Returns: the number of lines.
    """
    n = 0
    with path.open("w", encoding="ascii") as file:
        for kind, text in _objects(ledger):
            file.write(f'{{"kind":"{kind}","value":{text}}}\n')
            n += 1
    return n


def _objects(ledger: SqlLedger) -> Iterator[tuple[str, str]]:
    history = ledger.history()
    yield "header", json.dumps({"schema_version": SCHEMA_VERSION})
    yield "study", encode({"spec": ledger.spec(), "facts": ledger.facts()})
    for wave in history.waves:
        yield "wave", encode(wave)
    for fact in history.trials.values():
        yield "trial", encode(_plain_fact(fact))
    for finding in history.findings:
        yield "finding", encode(finding)
    for attempt in ledger.attempts():
        yield "attempt", encode({name: value for name, value in attempt.items() if name not in ("study_id", "nonce")})
    for code, values in ledger.notes():
        yield "note", encode({"code": code, "values": values})


def _plain_fact(fact: TrialFact) -> dict[str, Any]:
    """A fact with its arrays as lists."""
    return {
        "trial": fact.trial,
        "state": fact.state,
        "diverged_step": fact.diverged_step,
        "reason": fact.reason,
        "cost": fact.cost,
        "curve": fact.curve,
        "outcomes": {
            split: {"scores": o.scores.tolist(), "nll": o.nll.tolist(), "answers": list(o.answers)}
            for split, o in fact.outcomes.items()
        },
    }


def export_csv(ledger: SqlLedger, folder: Path) -> tuple[Path, Path]:
    """Write `ledger_trials.csv` and `ledger_outcomes.csv`. Returns their paths."""
    history, facts = ledger.history(), ledger.facts()
    of_trials, of_outcomes = folder / "ledger_trials.csv", folder / "ledger_outcomes.csv"
    _write(of_trials, (_trial_row(fact) for fact in history.trials.values()))
    _write(of_outcomes, (row for fact in history.trials.values() for row in _outcome_rows(fact, facts)))
    return of_trials, of_outcomes


def _trial_row(fact: TrialFact) -> dict[str, Any]:
    trial, validation = fact.trial, fact.outcomes.get("validation")
    return {
        "trial": trial.id,
        "round": trial.round,
        "kind": trial.kind.value,
        "purpose": trial.purpose.value,
        "seed": trial.seed,
        "state": fact.state.value,
        "accuracy": validation.accuracy if validation else "",
        "loss": validation.loss if validation else "",
        "train_seconds": fact.cost.train_seconds,
        "peak_bytes": fact.cost.peak_bytes,
        "reason": fact.reason or "",
        **trial.effective.as_dict(),
    }


def _outcome_rows(fact: TrialFact, facts: StudyFacts) -> Iterator[dict[str, Any]]:
    for split, outcomes in fact.outcomes.items():
        texts = facts.examples.get(split, ())
        for position, (score, nll) in enumerate(zip(outcomes.scores.tolist(), outcomes.nll.tolist(), strict=True)):
            yield {
                "trial": fact.trial.id,
                "split": split,
                "example": texts[position].index if position < len(texts) else position,
                "score": score,
                "nll": nll,
                "answer": outcomes.answers[position] if outcomes.answers else "",
            }


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return csv_cell(value)
