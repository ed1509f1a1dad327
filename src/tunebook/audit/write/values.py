"""The audit of a hand-written record as plain JSON values. docs/audit.md lists every key.

Numbers are unrounded; trials are named as the record names them.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tunebook.audit.judge.bounds import POWER
from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.next_trials import NextTrial
from tunebook.audit.judge.report import AuditReport, FactorEffect, TrialVerdict
from tunebook.audit.judge.structure import Boundary
from tunebook.audit.judge.verdicts import Comparison
from tunebook.audit.model import UNSAID, MeasureKind, Score
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS
from tunebook.escaping import clean
from tunebook.json_values import to_json

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.][\w.\-]*")
"""Text that may go into the CSV as it is; nothing that a spreadsheet takes for a formula."""


def audit_values(report: AuditReport) -> dict[str, Any]:
    """The whole audit as JSON values."""
    values: dict[str, Any] = to_json(_Values(report).all(), clean)
    return {**values, "next_trials_csv": next_trials_csv(report)[0]}


def _of(item: Any, names: str, **others: str) -> dict[str, Any]:
    """Attributes by their own names, and by the documented ones where these are others."""
    return {name: getattr(item, name) for name in names.split()} | {
        key: getattr(item, name) for key, name in others.items()
    }


class _Values:
    """Raw values by the documented keys; trials' keys become labels."""

    def __init__(self, report: AuditReport) -> None:
        self.report = report
        self.names = {trial.key: trial.label for trial in report.table.trials}

    def labels(self, keys: Any) -> list[str]:
        return [self.names.get(key, key) for key in keys or ()]

    def all(self) -> dict[str, Any]:
        report = self.report
        record, table, moves = report.record, report.table, report.structure.moves
        return {
            **_of(record, "source language"),
            "measure": {
                **_of(table.measure, "kind split", column="name", other_columns="others"),
                "seeds": record.seeds,
            },
            "columns": [{**vars(use), "factor": use.factor or None} for use in record.columns],
            "unread_cells": [vars(cell) for cell in record.unread_cells],
            "examples": self.examples(),
            "baseline": {"trial": self.names[table.baseline], "named": table.baseline_named},
            "best": self.names[report.best],
            "best_against_baseline": self.comparison(report.best_claim),
            "not_told_from_best": self.labels(report.tied_with_best),
            "smallest_detectable_difference": self.detectable(),
            "seed_noise": self.noise(),
            "trials": [self.trial(verdict) for verdict in report.trials],
            "one_factor_trials": {self.names[key]: names[0] for key, names in moves.items() if len(names) == 1},
            "several_factor_trials": {self.names[key]: names for key, names in moves.items() if len(names) > 1},
            "factors": [self.factor(effect) for effect in report.effects],
            "confounded": [
                {**_of(c, "code factors"), "levels": list(map(_said, c.levels))} for c in report.structure.confounded
            ],
            "boundaries": [self.boundary(boundary) for boundary in report.structure.boundaries],
            "claims": [self.claim(judged) for judged in report.claims],
            "inconsistencies": [_note(note) for note in report.inconsistencies],
            "next_trials": [self.next(trial) for trial in report.next_trials],
            "families": {"against_baseline": report.family_sizes[0], "all_pairs": report.family_sizes[1]},
            "notes": [_note(note) for note in (*record.notes, *table.notes)],
        }

    def examples(self) -> dict[str, Any]:
        e = self.report.examples
        scored = [v.trial.label for v in self.report.trials if v.trial.score is not None]
        return {
            **_of(e, "n how", smallest_that_fits="smallest", chance_of_fitting_by_luck="luck", also_fit="alternatives",
                  chance_that_all_counts_are_even="common_factor_chance", stated_but_contradicted="stated_misfit"),
            **_of(self.report, "", count_uncertain_by="slack",
                  needed_for_best_against_baseline="needed_examples_if_unknown"),
            "do_not_fit": [scored[i] for i in e.misfits],
        }  # fmt: skip

    def comparison(self, c: Comparison | None) -> dict[str, Any] | None:
        if c is None:
            return None
        names = "effect p_favourable p_independent p_favourable_adjusted p_independent_adjusted family family_size"
        return {
            "pairs": [self.labels(pair) for pair in c.pairs],
            **_of(c, f"{names} verdict reason", differences_in_examples="differences", interval_independent="interval",
                  p_with_seed_noise="p_seed", p_with_seed_noise_adjusted="p_seed_adjusted"),
        }  # fmt: skip

    def detectable(self) -> dict[str, Any] | None:
        d = self.report.detectable
        if d is None:
            return None
        return {
            **_of(d, "comparisons favourable independent", with_seed_noise="with_seed",
                  one_comparison_favourable="single_favourable", one_comparison_independent="single_independent",
                  examples_to_settle_best_against_baseline="to_settle"),
            "power": POWER,
        }  # fmt: skip

    def noise(self) -> dict[str, Any]:
        n = self.report.noise
        short = [{"tokens": length, "trials": self.labels(keys)} for length, keys in n.if_short_groups]
        return {
            **_of(n, "interval from_prior", deviation_measured="measured", degrees_of_freedom="freedom",
                  deviation_used="used"),
            "equal_settings": [self.labels(keys) for keys in n.groups],
            "equal_if_no_example_is_longer": short,
        }  # fmt: skip

    def levels(self, configuration: Configuration) -> dict[str, Any]:
        return {name: _said(getattr(configuration, name)) for name in self.report.table.factors}

    def trial(self, v: TrialVerdict) -> dict[str, Any]:
        t = v.trial
        result = t.score.value if t.score else None
        return {
            **_of(t, "failed", trial="label", other_settings="extra"),
            **_of(v, "correct interval", differs_from_baseline_in="moves", same_training_as="same_as"),
            "line": t.row.line,
            "values": self.levels(t.configuration),
            "settings_read": not t.unread,
            "accuracy": result if self.report.table.measure.kind is MeasureKind.SHARE else None,
            "result": result,
            "against_baseline": self.comparison(v.comparison),
        }

    def factor(self, effect: FactorEffect) -> dict[str, Any]:
        return {
            **_of(effect, "factor levels", one_factor_pairs="n_pairs"),
            "widest": self.comparison(effect.widest),
        }

    def boundary(self, b: Boundary) -> dict[str, Any]:
        return {
            **_of(b, "factor", differ_in="moves"),
            "side": "above" if b.above else "below",
            "failed": self.labels(b.failed),
            "nearest_trained": self.names[b.trained],
            "confounded": len(b.moves) > 1,
            "one_factor_bracket": self.labels([b.clean, b.clean_failed]) if b.clean else None,
        }

    def claim(self, j: Judged) -> dict[str, Any]:
        return {
            **_of(j.claim, "text line section kind factor levels against order direction", settings="values"),
            **_of(j, "verdict reason"),
            "denied": {1: "better", -1: "worse"}.get(j.claim.no_more),
            "trials": self.labels(j.trials),
            "comparisons": [self.comparison(x) for x in j.comparisons],
            "confounded_pairs": [
                {**_of(pair, "", also_differ_in="also"), "pair": self.labels([pair.treatment, pair.control])}
                for pair in j.confounded
            ],
        }

    def next(self, t: NextTrial) -> dict[str, Any]:
        return {
            **_of(t, "why factor", another_seed_of="again", cost_in_baseline_trainings="cost"),
            "values": self.levels(t.configuration),
            "level": _said(t.level),
        }


def _note(note: Any) -> dict[str, Any]:
    values = {name: each.value if isinstance(each, Score) else each for name, each in note.values.items()}
    return {"code": note.code, **values}


def _said(level: Any) -> Any:
    """A level, or None where the record does not give it."""
    return None if level == UNSAID and not isinstance(level, bool) else level


def next_trials_csv(report: AuditReport) -> tuple[str, int]:
    """The next trials as a CSV that a study file's `trials` takes, "" without any; and how many of them no study takes
    (a record may train half an epoch) and were left out. A column for each factor of the record, by its full name, and
    `why`, which the study ignores."""
    factors = report.table.factors
    taken = []
    for trial in report.next_trials:
        known = trial.configuration.as_dict()
        values = {name: _said(known[name]) for name in factors}
        if any(v is not None for v in values.values()) and all(
            v is None or FACTOR_KINDS[name].problem(v) is None for name, v in values.items()
        ):
            taken.append([*map(_csv_value, values.values()), trial.why])
    text = io.StringIO()
    if factors and taken:
        csv.writer(text, lineterminator="\n").writerows([[*factors, "why"], *taken])
    return text.getvalue(), len(report.next_trials) - len(taken)


def _csv_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    words = value if isinstance(value, list | tuple) else (value,)
    return " ".join(w for word in words if _PLAIN_WORD.fullmatch(w := str(word)))
