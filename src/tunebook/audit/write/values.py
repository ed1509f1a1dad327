"""The audit of a hand-written record as plain JSON values. docs/audit.md lists every key.

Numbers are unrounded; trials are named as the record names them.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.next_trials import NextTrial
from tunebook.audit.judge.report import AuditReport, FactorEffect, TrialVerdict
from tunebook.audit.judge.structure import Boundary
from tunebook.audit.judge.verdicts import Comparison
from tunebook.audit.model import UNSAID, MeasureKind, Score
from tunebook.core.factor import FACTOR_KINDS
from tunebook.escaping import clean
from tunebook.json_values import to_json

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.][\w.\-]*")
"""Text that may go into the CSV as it is; nothing that a spreadsheet takes for a formula."""


def audit_values(report: AuditReport) -> dict[str, Any]:
    """The whole audit as JSON values."""
    values: dict[str, Any] = to_json(_Values(report).all(), clean)
    return {**values, "next_trials_csv": next_trials_csv(report)[0]}


class _Values:
    """Raw values by the documented keys; `names` are trials' labels by key."""

    def __init__(self, report: AuditReport) -> None:
        self.report = report
        self.names = {trial.key: trial.label for trial in report.table.trials}

    def labels(self, keys: Any) -> list[str]:
        return [self.names.get(key, key) for key in keys or ()]

    def all(self) -> dict[str, Any]:
        report = self.report
        record, table, measure, moves = report.record, report.table, report.table.measure, report.structure.moves
        return {
            "source": record.source,
            "language": record.language,
            "measure": {
                "column": measure.name,
                "kind": measure.kind.value,
                "split": measure.split,
                "other_columns": measure.others,
                "seeds": record.seeds,
            },
            "columns": [
                {"line": use.line, "header": use.header, "role": use.role, "factor": use.factor or None}
                for use in record.columns
            ],
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
                {"code": c.code, "factors": c.factors, "levels": list(map(_said, c.levels))}
                for c in report.structure.confounded
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
            "n": e.n,
            "how": e.how,
            "smallest_that_fits": e.smallest,
            "chance_of_fitting_by_luck": e.luck,
            "also_fit": e.alternatives,
            "chance_that_all_counts_are_even": e.common_factor_chance,
            "do_not_fit": [scored[i] for i in e.misfits],
            "stated_but_contradicted": e.stated_misfit,
            "count_uncertain_by": self.report.slack,
            "needed_for_best_against_baseline": self.report.needed_examples_if_unknown,
        }

    def comparison(self, c: Comparison | None) -> dict[str, Any] | None:
        return (
            None
            if c is None
            else {
                "pairs": [self.labels(pair) for pair in c.pairs],
                "effect": c.effect,
                "differences_in_examples": c.differences,
                "interval_independent": c.interval,
                "p_favourable": c.p_favourable,
                "p_independent": c.p_independent,
                "p_with_seed_noise": c.p_seed,
                "p_favourable_adjusted": c.p_favourable_adjusted,
                "p_independent_adjusted": c.p_independent_adjusted,
                "p_with_seed_noise_adjusted": c.p_seed_adjusted,
                "family": c.family,
                "family_size": c.family_size,
                "verdict": c.verdict.value,
                "reason": c.reason.value,
            }
        )

    def detectable(self) -> dict[str, Any] | None:
        d = self.report.detectable
        return (
            None
            if d is None
            else {
                "comparisons": d.comparisons,
                "power": 0.8,
                "favourable": d.favourable,
                "independent": d.independent,
                "with_seed_noise": d.with_seed,
                "one_comparison_favourable": d.single_favourable,
                "one_comparison_independent": d.single_independent,
                "examples_needed_favourable_pairing": d.needed[0],
                "examples_to_settle_best_against_baseline": d.to_settle,
            }
        )

    def noise(self) -> dict[str, Any]:
        n = self.report.noise
        return {
            "deviation_measured": n.measured,
            "degrees_of_freedom": n.freedom,
            "interval": n.interval,
            "deviation_used": n.used,
            "from_prior": n.from_prior,
            "equal_settings": [self.labels(keys) for keys in n.groups],
            "deviation_if_no_example_is_longer": n.if_short,
            "degrees_of_freedom_if_no_example_is_longer": n.if_short_freedom,
            "equal_if_no_example_is_longer": [
                {"tokens": length, "trials": self.labels(keys)} for length, keys in n.if_short_groups
            ],
        }

    def trial(self, v: TrialVerdict) -> dict[str, Any]:
        known, score = v.trial.configuration.as_dict(), v.trial.score
        result = score.value if score else None
        return {
            "trial": v.trial.label,
            "line": v.trial.row.line,
            "values": {n: _said(known[n]) for n in self.report.table.factors},
            "settings_read": not v.trial.unread,
            "other_settings": v.trial.extra,
            "accuracy": result if self.report.table.measure.kind is MeasureKind.SHARE else None,
            "result": result,
            "correct": v.correct,
            "interval": v.interval,
            "failed": v.trial.failed,
            "differs_from_baseline_in": v.moves,
            "same_training_as": v.same_as,
            "against_baseline": self.comparison(v.comparison),
        }

    def factor(self, effect: FactorEffect) -> dict[str, Any]:
        return {
            "factor": effect.factor,
            "levels": effect.levels,
            "one_factor_pairs": effect.n_pairs,
            "one_factor_trials": self.labels(effect.alone_from_baseline),
            "widest": self.comparison(effect.widest),
            "broke": self.labels(effect.broke) or None,
        }

    def boundary(self, b: Boundary) -> dict[str, Any]:
        return {
            "factor": b.factor,
            "side": "above" if b.above else "below",
            "failed": self.labels(b.failed),
            "nearest_trained": self.names[b.trained],
            "differ_in": b.moves,
            "confounded": len(b.moves) > 1,
            "one_factor_bracket": self.labels([b.clean, b.clean_failed]) if b.clean else None,
        }

    def claim(self, j: Judged) -> dict[str, Any]:
        c = j.claim
        return {
            "text": c.text,
            "line": c.line,
            "section": c.section,
            "kind": c.kind.value,
            "factor": c.factor,
            "levels": c.levels,
            "against": c.against,
            "order": c.order,
            "direction": c.direction,
            "denied": {1: "better", -1: "worse"}.get(c.no_more),
            "settings": c.values,
            "trials": self.labels(j.trials),
            "verdict": j.verdict.value,
            "reason": j.reason.value,
            "comparisons": [self.comparison(x) for x in j.comparisons],
            "confounded_pairs": [
                {"pair": self.labels([p.treatment, p.control]), "also_differ_in": p.also, "effect": p.effect}
                for p in j.case.confounded
            ],
        }

    def next(self, t: NextTrial) -> dict[str, Any]:
        known = t.configuration.as_dict()
        return {
            "values": {n: _said(known[n]) for n in self.report.table.factors},
            "why": t.why,
            "factor": t.factor,
            "level": _said(t.level),
            "another_seed_of": t.again,
            "cost_in_baseline_trainings": t.cost,
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
        if all(v is None or FACTOR_KINDS[name].problem(v) is None for name, v in values.items()):
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
