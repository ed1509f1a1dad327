"""Where a record disagrees with itself: numbers, settings and results that its text and its tables give differently."""

from __future__ import annotations

from collections.abc import Iterator

from tunebook.audit.judge.cases import Subjects, acting
from tunebook.audit.judge.structure import level_in, moved
from tunebook.audit.judge.trials import AuditTrial, TrialTable, row_key, same_result, same_score
from tunebook.audit.model import BestBlock, HandRecord, MeasureKind, Note, Row, Score, TableKind

__all__ = ["inconsistencies"]


def inconsistencies(record: HandRecord, table: TrialTable, subjects: Subjects) -> tuple[Note, ...]:
    """Every disagreement, in the order in which a reader would meet it. Codes:

    missing_numbers, renumbered, repeated, only_in_text, not_in_text, result_differs, settings_differ, described_short,
    said_differs, said_gap_differs, difference_wrong, differences_unread, best_block_no_trial, best_block_settings,
    best_block_result, best_block_not_best.
    """
    found = [Note("missing_numbers", {"numbers": table.missing})] if table.missing else []
    found += [Note("renumbered", {"section": r.section, "line": r.line, "pairs": r.pairs}) for r in table.renumbered]
    found += _repeated(table)
    found += _coverage(record, table)
    for row, key in table.text_rows:
        trial = table.get(key)
        if trial is not None and trial.row is not row:
            found += _row_notes(row, trial, subjects)
    for trial in table.trials:
        if trial.row.kind is TableKind.SETTINGS and trial.row.described:
            found += _row_notes(trial.row, trial, subjects)
    if record.measure.kind is MeasureKind.SHARE:
        found += [*_said(record, subjects), *_said_gaps(record, subjects), *_differences(record, subjects)]
    for block in record.best_blocks:
        found += _block_notes(block, subjects)
    return tuple(found)


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
    own = trial.configuration.as_dict()
    wrong = {n: (v, own[n]) for n, v in row.described.items() if n in trial.row.values and trial.row.values[n] != v}
    if wrong:
        yield Note("settings_differ", {**base, "settings": wrong})
        return
    yield from _described_short(row, trial, subjects, base)


def _described_short(row: Row, trial: AuditTrial, subjects: Subjects, base: dict[str, object]) -> Iterator[Note]:
    """A description that names fewer settings than differ from what a reader will take as its starting point."""
    if not row.fully_described or row.is_baseline or trial.unread:
        return
    named = {acting(name) for name in row.described}
    if "lora_r" in named:
        named.add("lora_alpha")
    reference = subjects.baseline
    if row.builds_on not in (None, "baseline", "best"):
        reference = subjects.named(row.builds_on or "", row.section) or reference
    undeclared = tuple(n for n in moved(trial, reference) if n not in named)
    near = [
        t
        for t in subjects.scored
        if t.order < trial.order
        and t.key != trial.key
        and not t.unread
        and len(names := moved(trial, t)) > 0
        and set(names) <= named
    ]
    if not undeclared or (row.builds_on == "best" and near):
        return
    yield Note(
        "described_short",
        {
            **base,
            "named": tuple(row.described),
            "undeclared": undeclared,
            "reference": reference.label,
            "fits": tuple(t.label for t in near[:3]),
        },
    )


def _said(record: HandRecord, subjects: Subjects) -> Iterator[Note]:
    """Accuracies in sentences that are not those of the trial they name."""
    for said in record.said:
        trial = subjects.table.resolve(said.trial, said.section)
        if trial is not None and trial.score is not None and not same_score(said.score, trial.score):
            values = {"trial": trial.label, "line": said.line, "text": said.score, "table": trial.score}
            yield Note("said_differs", values)


def _said_gaps(record: HandRecord, subjects: Subjects) -> Iterator[Note]:
    """Differences of two trials in sentences that are not those of their accuracies."""
    for claim in record.claims:
        named = [subjects.named(name, claim.section) for name in (*claim.trials[:1], *claim.against_trials[:1])]
        if claim.gap is None or len(named) < 2:
            continue
        a, b = named
        if a is None or b is None or a.score is None or b.score is None:
            continue
        gap, slack = a.score.value - b.score.value, (a.score.unit + b.score.unit) / 2
        unit = claim.gap.unit / (2 if claim.gap.points else 1)  # per cents are often cut off
        scales = [100.0] if claim.gap.points or b.score.value <= 0 else [100.0, 100.0 / b.score.value]
        if all(abs(x * abs(gap) - claim.gap.value) > unit + x * slack + 1e-6 for x in scales):
            values = {"line": claim.line, "said": claim.gap.value, "points": 100 * gap}
            yield Note("said_gap_differs", {"trial": a.label, "reference": b.label, **values})


def _differences(record: HandRecord, subjects: Subjects) -> list[Note]:
    """Printed differences from the baseline that are neither the points nor the per cent that the accuracies give.
    Where most of a column are not, the column compares with something else, which is said instead."""
    base = subjects.baseline.score
    rows = [row for row in record.rows if row.difference is not None and row.score is not None]
    if base is None or base.value <= 0 or not rows:
        return []
    wrong = [row for row in rows if not _difference_fits(row, base)]
    if 2 * len(wrong) > len(rows):
        return [Note("differences_unread", {"line": rows[0].line, "trials": tuple(row.trial for row in wrong)})]
    return [
        Note(
            "difference_wrong",
            {
                "trial": row.trial,
                "line": row.line,
                "said": row.difference.value,
                "points": 100 * gap,
                "relative": 100 * gap / base.value,
            },
        )
        for row in wrong
        if row.difference is not None and row.score is not None
        for gap in [row.score.value - base.value]
    ]


def _difference_fits(row: Row, base: Score) -> bool:
    said, own = row.difference, row.score
    assert said is not None
    assert own is not None
    gap, slack = own.value - base.value, (own.unit + base.unit) / 2
    scales = [100.0] if said.points else [100.0, 100.0 / base.value]
    scales += [1.0] if said.points is None else []
    return any(abs(said.value - scale * gap) <= said.unit / 2 + scale * slack + 1e-6 for scale in scales)


def _block_notes(block: BestBlock, subjects: Subjects) -> Iterator[Note]:
    known = {n: v for n, v in block.values.items() if n in subjects.table.factors}
    matching = subjects.matching(known)
    named = subjects.table.resolve(block.trial, "") if block.trial else None
    if named is not None:
        wrong = {n: (v, level_in(named, n)) for n, v in known.items() if level_in(named, n) != v}
        if wrong:
            yield Note("best_block_settings", {"line": block.line, "trial": named.label, "settings": wrong})
    elif not matching:
        yield Note("best_block_no_trial", {"line": block.line, "settings": known})
    trial = named or (matching[0] if matching else None)
    if trial is None:
        return
    said = block.score
    share = subjects.table.measure.kind is MeasureKind.SHARE
    if share and said and trial.score and not same_score(said, trial.score):
        values = {"line": block.line, "trial": trial.label, "text": said, "table": trial.score}
        yield Note("best_block_result", values)
    if subjects.best.value > trial.value:
        yield Note("best_block_not_best", {"line": block.line, "trial": trial.label, "best": subjects.best.label})
