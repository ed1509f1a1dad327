"""The audit of a hand-written record as plain JSON values. docs/audit.md lists every key.

Numbers are unrounded; trials are named as the record names them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.next_trials import NextTrial
from tunebook.audit.judge.report import AuditReport, TrialVerdict
from tunebook.audit.judge.structure import Boundary
from tunebook.audit.judge.trials import UNSAID, TrialTable
from tunebook.audit.judge.verdicts import Comparison
from tunebook.audit.model import MeasureKind, Note, Score
from tunebook.core.factor import FACTOR_KINDS
from tunebook.escaping import clean
from tunebook.json_values import to_json

__all__ = ["audit_values", "n_left_out", "next_trials_csv"]

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.][\w.\-]*")
"""Text that may go into the CSV as it is; nothing that a spreadsheet takes for a formula."""


def audit_values(report: AuditReport) -> dict[str, Any]:
    """The whole audit as JSON values."""
    names = _Names(report.table)
    return {
        "source": clean(report.record.source),
        "language": report.record.language,
        "measure": {
            "column": clean(report.table.measure.name),
            "kind": report.table.measure.kind.value,
            "split": report.table.measure.split,
            "other_columns": [clean(name) for name in report.table.measure.others],
            "seeds": report.record.seeds,
        },
        "columns": [
            {"line": use.line, "header": clean(use.header), "role": use.role, "factor": use.factor or None}
            for use in report.record.columns
        ],
        "unread_cells": [
            {"line": c.line, "trial": clean(c.trial), "column": clean(c.column), "cell": clean(c.cell), "why": c.why}
            for c in report.record.unread_cells
        ],
        "examples": _examples(report),
        "baseline": {"trial": names[report.table.baseline], "named": report.table.baseline_named},
        "best": names[report.best],
        "best_against_baseline": _comparison(report.best_claim, names),
        "not_told_from_best": [names[key] for key in report.tied_with_best],
        "smallest_detectable_difference": _detectable(report),
        "seed_noise": _noise(report, names),
        "trials": [_trial(verdict, report.table, names) for verdict in report.trials],
        "one_factor_trials": {names[key]: moves[0] for key, moves in report.structure.moves.items() if len(moves) == 1},
        "several_factor_trials": {
            names[key]: list(moves) for key, moves in report.structure.moves.items() if len(moves) > 1
        },
        "factors": [_factor(effect, names) for effect in report.effects],
        "confounded": [
            {"code": c.code, "factors": list(c.factors), "levels": [_said(level) for level in c.levels]}
            for c in report.structure.confounded
        ],
        "boundaries": [_boundary(boundary, names) for boundary in report.structure.boundaries],
        "claims": [_claim(judged, names) for judged in report.claims],
        "inconsistencies": [_note(note, names) for note in report.inconsistencies],
        "next_trials": [_next(trial, report.table) for trial in report.next_trials],
        "next_trials_csv": next_trials_csv(report),
        "families": {"against_baseline": report.family_sizes[0], "all_pairs": report.family_sizes[1]},
        "notes": [_note(note, names) for note in (*report.record.notes, *report.table.notes)],
    }


class _Names:
    """Labels by key; a key without a trial stands for itself."""

    def __init__(self, table: TrialTable) -> None:
        self._labels = {trial.key: trial.label for trial in table.trials}

    def __getitem__(self, key: str) -> str:
        return clean(self._labels.get(key, key))


def _examples(report: AuditReport) -> dict[str, Any]:
    e = report.examples
    scored = [v.trial.label for v in report.trials if v.trial.score is not None]
    return {
        "n": e.n,
        "how": e.how,
        "smallest_that_fits": e.smallest,
        "chance_of_fitting_by_luck": e.luck,
        "also_fit": list(e.alternatives),
        "chance_that_all_counts_are_even": e.common_factor_chance,
        "do_not_fit": [scored[i] for i in e.misfits],
        "stated_but_contradicted": e.stated_misfit,
        "count_uncertain_by": report.slack,
        "needed_for_best_against_baseline": report.needed_examples_if_unknown,
    }


def _comparison(c: Comparison | None, names: _Names) -> dict[str, Any] | None:
    if c is None:
        return None
    return {
        "pairs": [[names[a], names[b]] for a, b in c.pairs],
        "effect": c.effect,
        "differences_in_examples": list(c.differences),
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


def _detectable(report: AuditReport) -> dict[str, Any] | None:
    d = report.detectable
    if d is None:
        return None
    return {
        "comparisons": d.comparisons,
        "power": 0.8,
        "favourable": d.favourable,
        "independent": d.independent,
        "with_seed_noise": d.with_seed,
        "one_comparison_favourable": d.single_favourable,
        "one_comparison_independent": d.single_independent,
        "examples_needed_favourable_pairing": d.needed[0],
        "examples_to_settle_best_against_baseline": list(d.to_settle) if d.to_settle else None,
    }


def _noise(report: AuditReport, names: _Names) -> dict[str, Any]:
    n = report.noise
    return {
        "deviation_measured": n.measured,
        "degrees_of_freedom": n.freedom,
        "interval": n.interval,
        "deviation_used": n.used,
        "from_prior": n.from_prior,
        "equal_settings": [[names[k] for k in keys] for keys in n.groups],
        "deviation_if_no_example_is_longer": n.if_short,
        "degrees_of_freedom_if_no_example_is_longer": n.if_short_freedom,
        "equal_if_no_example_is_longer": [
            {"tokens": length, "trials": [names[k] for k in keys]} for length, keys in n.if_short_groups
        ],
    }


def _trial(v: TrialVerdict, table: TrialTable, names: _Names) -> dict[str, Any]:
    known = v.trial.configuration.as_dict()
    return {
        "trial": names[v.trial.key],
        "line": v.trial.row.line,
        "values": {n: _said(known[n]) for n in table.factors},
        "settings_read": not v.trial.unread,
        "other_settings": {clean(name): clean(level) for name, level in v.trial.extra.items()},
        "accuracy": v.trial.score.value if v.trial.score and table.measure.kind is MeasureKind.SHARE else None,
        "result": v.trial.score.value if v.trial.score else None,
        "correct": v.correct,
        "interval": v.interval,
        "failed": v.trial.failed,
        "differs_from_baseline_in": list(v.moves) if v.moves is not None else None,
        "same_training_as": clean(v.same_as) if v.same_as else None,
        "against_baseline": _comparison(v.comparison, names),
    }


def _factor(effect: Any, names: _Names) -> dict[str, Any]:
    return {
        "factor": effect.factor,
        "levels": to_json(effect.levels, clean),
        "one_factor_pairs": effect.n_pairs,
        "one_factor_trials": [names[k] for k in effect.alone_from_baseline],
        "widest": _comparison(effect.widest, names),
        "broke": [names[k] for k in effect.broke] if effect.broke else None,
    }


def _boundary(b: Boundary, names: _Names) -> dict[str, Any]:
    return {
        "factor": b.factor,
        "side": "above" if b.above else "below",
        "failed": [names[k] for k in b.failed],
        "nearest_trained": names[b.trained],
        "differ_in": list(b.moves),
        "confounded": len(b.moves) > 1,
        "one_factor_bracket": [names[b.clean], names[b.clean_failed]] if b.clean and b.clean_failed else None,
    }


def _claim(j: Judged, names: _Names) -> dict[str, Any]:
    c = j.claim
    return {
        "text": clean(c.text),
        "line": c.line,
        "section": clean(c.section),
        "kind": c.kind.value,
        "factor": c.factor,
        "levels": list(c.levels),
        "against": list(c.against),
        "order": list(c.order),
        "direction": c.direction,
        "denied": {1: "better", -1: "worse"}.get(c.no_more),
        "settings": dict(c.values),
        "trials": [names[k] for k in j.trials],
        "verdict": j.verdict.value,
        "reason": j.reason.value,
        "comparisons": [_comparison(x, names) for x in j.comparisons],
        "confounded_pairs": [
            {"pair": [names[p.treatment], names[p.control]], "also_differ_in": list(p.also), "effect": p.effect}
            for p in j.confounded
        ],
    }


def _note(note: Note, names: _Names) -> dict[str, Any]:
    values = {name: each.value if isinstance(each, Score) else each for name, each in note.values.items()}
    return {"code": note.code, **to_json(values, clean)}


def _said(level: Any) -> Any:
    """A level, or None where the record does not give it."""
    return None if level == UNSAID and not isinstance(level, bool) else level


def _next(t: NextTrial, table: TrialTable) -> dict[str, Any]:
    known = t.configuration.as_dict()
    return {
        "values": {n: _said(known[n]) for n in table.factors},
        "why": t.why,
        "factor": t.factor,
        "level": _said(t.level),
        "another_seed_of": clean(t.again) if t.again else None,
        "cost_in_baseline_trainings": t.cost,
    }


def next_trials_csv(report: AuditReport) -> str:
    """The next trials as a CSV that a study file's `trials` takes: a column for each factor of the record, by its full
    name, and `why`, which the study ignores. Trials that no study takes are left out (`n_left_out`). Empty without
    any."""
    factors = list(report.table.factors)
    taken = [trial for trial in report.next_trials if _is_taken(trial, factors)]
    if not factors or not taken:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*factors, "why"])
    for trial in taken:
        known = trial.configuration.as_dict()
        writer.writerow([*(_csv_value(_said(known[name])) for name in factors), trial.why])
    return text.getvalue()


def n_left_out(report: AuditReport) -> int:
    """How many of the next trials are not in `next_trials_csv`."""
    return sum(not _is_taken(trial, report.table.factors) for trial in report.next_trials)


def _is_taken(trial: NextTrial, factors: Iterable[str]) -> bool:
    """Whether a study file's `trials` takes these settings; a record may train half an epoch, a study does not."""
    known = trial.configuration.as_dict()
    values = ((name, _said(known[name])) for name in factors)
    return all(value is None or FACTOR_KINDS[name].problem(value) is None for name, value in values)


def _csv_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    words: Sequence[object] = value if isinstance(value, list | tuple) else (value,)
    return " ".join(w for word in words if _PLAIN_WORD.fullmatch(w := str(word)))
