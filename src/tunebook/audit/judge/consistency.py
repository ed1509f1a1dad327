"""Where a record disagrees with itself: numbers, settings and results that its text and its tables give differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunebook.audit.judge.cases import Judged, Subjects
from tunebook.audit.judge.structure import acting, moved
from tunebook.audit.judge.trials import AuditTrial, TrialTable, difference_fits, row_key, same_result, same_score
from tunebook.audit.model import HandRecord, MeasureKind, Note, Row, TableKind


def inconsistencies(record: HandRecord, table: TrialTable, subjects: Subjects) -> Iterator[Note]:
    """Every disagreement, in the order in which a reader would meet it; the codes are those of docs/audit.md."""
    if table.missing:
        yield Note("missing_numbers", {"numbers": table.missing})
    for renumbering in table.renumbered:
        values = {"section": renumbering.section, "line": renumbering.line, "pairs": renumbering.pairs}
        yield Note("renumbered", values)
    yield from _repeated(table)
    yield from _coverage(record, table)
    for row, key in table.text_rows:
        trial = table.get(key)
        if trial is not None and trial.row is not row:
            yield from _row_notes(row, trial, subjects)
    for trial in table.trials:
        if trial.row.kind is TableKind.SETTINGS and trial.row.described:
            yield from _row_notes(trial.row, trial, subjects)
    if record.measure.kind is MeasureKind.SHARE:
        yield from _said(record, subjects)
        yield from _differences(record, subjects)


def _repeated(table: TrialTable) -> Iterator[Note]:
    for row in table.repeated:
        trial = table.get(row_key(row))
        if trial is not None:
            first = trial.row
            other = any(row.values[n] != first.values[n] for n in row.values.keys() & first.values.keys())
            values = {"settings": other, "text": row.score, "table": first.score}
            yield Note("repeated", {"trial": row.trial, "line": row.line, **values})


def _coverage(record: HandRecord, table: TrialTable) -> Iterator[Note]:
    only = tuple(t.label for t in table.trials if t.only_in_text)
    if only:
        yield Note("only_in_text", {"trials": only})
    described = {key for _, key in table.text_rows}
    silent = tuple(t.label for t in table.trials if t.key not in described)
    has_both = any(row.kind is TableKind.SETTINGS for row in record.rows) and bool(table.text_rows)
    if has_both and silent and len(silent) < len(table.trials):
        yield Note("not_in_text", {"trials": silent})


def _row_notes(row: Row, trial: AuditTrial, subjects: Subjects) -> Iterator[Note]:
    base = {"trial": row.trial, "as": trial.label, "line": row.line}
    if row is not trial.row and not same_result(row, trial.row) and (row.score or row.failed):
        yield Note("result_differs", {**base, "text": row.score, "table": trial.score})
    own = trial.row.values
    wrong = {n: (level, own[n]) for n, level in row.described.items() if n in own and own[n] != level}
    if wrong:
        yield Note("settings_differ", {**base, "settings": wrong})
    elif row.fully_described and not row.is_baseline and not trial.unread and row is not trial.row:
        yield from _described_short(row, trial, subjects, base)


def _described_short(row: Row, trial: AuditTrial, subjects: Subjects, base: dict[str, object]) -> Iterator[Note]:
    """A description that names fewer settings than differ from what a reader will take as its starting point."""
    named = {acting(name) for name in row.described}
    named |= {"lora_alpha"} if "lora_r" in named else set()
    reference = subjects.baseline
    if row.builds_on == "best":
        reference = subjects.best_before(trial) or reference
    elif row.builds_on not in (None, "baseline"):
        reference = subjects.named(row.builds_on or "", row.section) or reference
    undeclared = tuple(n for n in moved(trial, reference) if n not in named)
    earlier = [t for t in subjects.scored if t.order < trial.order and not t.unread]
    near = [t for t in earlier if (names := moved(trial, t)) and set(names) <= named]
    if undeclared and not (row.builds_on == "best" and near):
        values = {"named": tuple(row.described), "undeclared": undeclared, "reference": reference.label}
        yield Note("described_short", {**base, **values, "fits": tuple(t.label for t in near[:3])})


def _said(record: HandRecord, subjects: Subjects) -> Iterator[Note]:
    """Accuracies in sentences that are not those of the trial they name."""
    for said in record.said:
        trial = subjects.table.resolve(said.trial, said.section)
        if trial is None or trial.score is None or len(subjects.runs(trial)) > 1:
            continue
        if not any(same_score(said.score, own) for own in (trial.score, *trial.row.others.values())):
            values = {"trial": trial.label, "line": said.line, "text": said.score, "table": trial.score}
            yield Note("said_differs", values)


def gaps(claims: Sequence[Judged], subjects: Subjects) -> Iterator[Note]:
    """Differences that sentences give with the right sign, and that are not those of the one pair that they mean."""
    for judged in claims:
        gap, wrong = judged.claim.gap, judged.wrong_gap
        right = wrong is not None and wrong.effect * judged.claim.direction > 0
        a, b = map(subjects.table.get, wrong.pairs[0]) if wrong is not None and right else (None, None)
        if gap is not None and a is not None and b is not None and a.score is not None and b.score is not None:
            values = {"line": judged.claim.line, "said": gap.value, "points": 100 * (a.score.value - b.score.value)}
            yield Note("said_gap_differs", {"trial": a.label, "reference": b.label, **values})


def _differences(record: HandRecord, subjects: Subjects) -> Iterator[Note]:
    """Printed differences from the baseline that are neither the points nor the per cent that the accuracies give.
    Where most of a column are not, the column compares with something else, which is said instead."""
    base = subjects.baseline.score
    rows = [row for row in record.rows if row.difference is not None and row.score is not None]
    if base is None or base.value <= 0:
        return
    wrong = [r for r in rows if r.difference and r.score and not difference_fits(r.difference, r.score, base)]
    if 2 * len(wrong) > len(rows):
        yield Note("differences_unread", {"line": rows[0].line, "trials": tuple(row.trial for row in wrong)})
        return
    for row in wrong:
        assert row.difference is not None
        assert row.score is not None
        gap = 100 * (row.score.value - base.value)
        values = {"said": row.difference.value, "points": gap, "relative": gap / base.value}
        yield Note("difference_wrong", {"trial": row.trial, "line": row.line, **values})
