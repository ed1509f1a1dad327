"""Where a record disagrees with itself: numbers, settings and results that its text and its tables give differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.structure import Structure, acting, moved
from tunebook.audit.judge.trials import AuditTrial, difference_fits, row_key, same_result
from tunebook.audit.labels import key_of
from tunebook.audit.model import HandRecord, MeasureKind, Note, Row, TableKind


def inconsistencies(record: HandRecord, structure: Structure, claims: Sequence[Judged]) -> Iterator[Note]:
    """Every disagreement, in the order in which a reader would meet it; the codes are those of docs/audit.md."""
    table = structure.table
    missing = _missing_numbers(record, [t.key for t in table.trials])
    if missing:
        yield Note("missing_numbers", {"numbers": missing})
    renumbered: dict[int, list[tuple[Row, str]]] = {}
    for row, key in table.text_rows:
        if key != row_key(row):
            renumbered.setdefault(row.table, []).append((row, key))
    for rows in renumbered.values():
        first, pairs = rows[0][0], tuple((row_key(row), key) for row, key in rows)
        yield Note("renumbered", {"section": first.section, "line": first.line, "pairs": pairs})
    for row in table.repeated:
        trial = table.get(row_key(row))
        if trial is not None:
            first = trial.row
            other = any(row.values[n] != first.values[n] for n in row.values.keys() & first.values.keys())
            values = {"settings": other, "text": row.score, "table": first.score}
            yield Note("repeated", {"trial": row.trial, "line": row.line, **values})
    described = [(t.row, t.key) for t in table.trials if t.row.kind is TableKind.SETTINGS and t.row.described]
    for row, key in (*table.text_rows, *described):
        trial = table.get(key)
        if trial is not None:
            yield from _row_notes(row, trial, structure)
    if record.measure.kind is MeasureKind.SHARE:
        yield from _said(record, structure)
        yield from _differences(record, structure)
        yield from _gaps(claims, structure)


def _missing_numbers(record: HandRecord, keys: Sequence[str]) -> tuple[int, ...]:
    """Numbers left out between the first and the last trial, of which no row speaks either."""
    numbers = sorted({int(key) for key in keys if key.isdigit() and len(key) < 7})
    if len(numbers) < max(3, len(keys)) or numbers[-1] - numbers[0] > 3 * len(numbers):
        return ()
    rows = [n.values for n in record.notes if n.code in ("no_result_rows", "reference_row")]
    listed = {key_of(str(label)) for values in rows for label in (values.get("trial"), *values.get("trials", ()))}
    return tuple(n for n in range(numbers[0], numbers[-1]) if n not in numbers and str(n) not in listed)


def _row_notes(row: Row, trial: AuditTrial, structure: Structure) -> Iterator[Note]:
    """Where what a row says in words is not what the trial's own row gives."""
    base = {"trial": row.trial, "as": trial.label, "line": row.line}
    if not same_result(row, trial.row) and (row.score or row.failed):
        yield Note("result_differs", {**base, "text": row.score, "table": trial.score})
    own = trial.row.values
    wrong = {n: (level, own[n]) for n, level in row.described.items() if n in own and own[n] != level}
    if wrong:
        yield Note("settings_differ", {**base, "settings": wrong})
    elif row.fully_described and not row.is_baseline and not trial.unread and row is not trial.row:
        yield from _described_short(row, trial, structure, base)


def _described_short(row: Row, trial: AuditTrial, structure: Structure, base: dict[str, object]) -> Iterator[Note]:
    """A description that names fewer settings than differ from what a reader will take as its starting point."""
    named = {acting(name) for name in row.described}
    named |= {"lora_alpha"} if "lora_r" in named else set()
    of_best = row.builds_on == "best"
    ground = structure.best_before(trial) if of_best else structure.named(row.builds_on or "baseline", row.section)
    reference = ground or structure.baseline
    undeclared = tuple(n for n in moved(trial, reference) if n not in named)
    earlier = [t for t in structure.scored if t.order < trial.order and not t.unread]
    near = [t for t in earlier if (names := moved(trial, t)) and set(names) <= named]
    if undeclared and not (of_best and near):
        values = {"named": tuple(row.described), "undeclared": undeclared, "reference": reference.label}
        yield Note("described_short", {**base, **values, "fits": tuple(t.label for t in near[:3])})


def _said(record: HandRecord, structure: Structure) -> Iterator[Note]:
    """Accuracies in sentences that are not those of the trial they name."""
    for said in record.said:
        trial = structure.table.resolve(said.trial, said.section)
        if trial is None or trial.score is None or len(structure.runs(trial)) > 1:
            continue
        if not any(said.score.agrees(own) for own in (trial.score, *trial.row.others.values())):
            values = {"trial": trial.label, "line": said.line, "text": said.score, "table": trial.score}
            yield Note("said_differs", values)


def _gaps(claims: Sequence[Judged], structure: Structure) -> Iterator[Note]:
    """Differences that sentences give with the right sign, and that are not those of the one pair that they mean."""
    for judged in claims:
        gap, wrong = judged.claim.gap, judged.wrong_gap
        if gap is not None and wrong is not None and wrong.effect * judged.claim.direction > 0:
            labels = {t.key: t.label for t in structure.scored}
            (a, b), points = wrong.pairs[0], 100 * wrong.effect
            values = {"trial": labels[a], "reference": labels[b], "said": gap.value, "points": points}
            yield Note("said_gap_differs", {"line": judged.claim.line, **values})


def _differences(record: HandRecord, structure: Structure) -> Iterator[Note]:
    """Printed differences from the baseline that are neither the points nor the per cent that the accuracies give.
    Where most of a column are not, the column compares with something else, which is said instead."""
    base = structure.baseline.score
    if base is None or base.value <= 0:
        return
    printed = [(row, row.difference, row.score) for row in record.rows if row.difference and row.score]
    wrong = [each for each in printed if not difference_fits(each[1], each[2], base)]
    if 2 * len(wrong) > len(printed):
        labels = tuple(row.trial for row, _, _ in wrong)
        yield Note("differences_unread", {"line": printed[0][0].line, "trials": labels})
        return
    for row, said, score in wrong:
        gap = 100 * (score.value - base.value)
        values = {"said": said.value, "points": gap, "relative": gap / base.value}
        yield Note("difference_wrong", {"trial": row.trial, "line": row.line, **values})
