"""The audit of a hand-written record as JSON values: the judge's own types, under their attributes' names.

docs/audit.md tells the keys. Numbers are unrounded; trials stand under their `key` in `trials`.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import fields
from typing import Any

from tunebook.audit.judge.report import AuditReport
from tunebook.escaping import clean
from tunebook.json_values import to_json

SCHEMA_VERSION = 2

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.][\w.\-]*")
"""Text that may go into the CSV as it is; nothing that a spreadsheet takes for a formula."""


def audit_values(report: AuditReport) -> dict[str, Any]:
    """The whole audit as JSON values, with their `schema_version`."""
    record, table = report.record, report.table
    values = {
        "schema_version": SCHEMA_VERSION,
        **_own(record, "rows", "claims", "said", "notes"),
        **_own(report, "record", "table", "structure", "trials", "claims", "next_trials", "inconsistencies"),
        "baseline": {"trial": table.baseline, "named": table.baseline_named},
        "trials": [
            {"trial": v.trial.label} | _own(v, "trial") | _own(v.trial, "label", "levels", "row", "unread")
            | {"line": v.trial.row.line, "settings_read": not v.trial.unread,
               "values": {name: v.trial.levels.get(name) for name in table.factors}}
            for v in report.trials
        ],
        "confounded": report.structure.confounded,
        "boundaries": report.structure.boundaries,
        "claims": [
            _own(j.claim) | _own(j, "claim", "questions", "fixed", "facts", "deciding", "wrong_gap")
            for j in report.claims
        ],
        "inconsistencies": [{"code": note.code, **note.values} for note in report.inconsistencies],
        "notes": [{"code": note.code, **note.values} for note in (*record.notes, *table.notes)],
        "next_trials": report.next_trials,
        "next_trials_csv": next_trials_csv(report),
    }  # fmt: skip
    return dict(to_json(values, clean))


def _own(item: Any, *without: str) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item) if field.name not in without}


def next_trials_csv(report: AuditReport) -> str:
    """The next trials as a CSV that a study file's `trials` takes, "" without any: a column for each factor of the
    record, by its full name, and `why`, which the study ignores."""
    names = report.table.factors
    rows = [[*(_cell(t.configuration.get(name)) for name in names), t.why] for t in report.next_trials]
    text = io.StringIO()
    if rows:
        csv.writer(text, lineterminator="\n").writerows([[*report.table.factors, "why"], *rows])
    return text.getvalue()


def _cell(level: Any) -> str:
    if isinstance(level, bool):
        return str(level).lower()
    level = int(level) if isinstance(level, float) and level.is_integer() else level
    words = level if isinstance(level, list | tuple) else () if level is None else (level,)
    return " ".join(filter(_PLAIN_WORD.fullmatch, map(str, words)))
