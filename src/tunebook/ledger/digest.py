"""Checksums of rows and results, so that a flipped bit is reported instead of becoming a number.

SQLite and PostgreSQL (without data checksums) return whatever the disk returns. Each row of the small tables has a
checksum of its own columns; a trial has one checksum for all rows of its curve and outcomes (decision 041).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Table

from tunebook.core.facts import Curve, ExampleText, Floats, Outcomes
from tunebook.errors import LedgerDamaged
from tunebook.phrases import Phrase, as_phrase

__all__ = ["Row", "check_row", "damaged", "examples_digest", "result_digest", "sealed_row"]

Row = Mapping[Any, Any]
"""A row: values by column name."""


def damaged(place: str, what: str) -> LedgerDamaged:
    """The error for a ledger whose contents differ from what was written; `what` is best a phrase."""
    return LedgerDamaged(
        "{place}: {what}; the contents are not what tunebook wrote (a disk fault, or an edit by hand). Nothing was "
        "changed. See what can be rescued with `tunebook doctor --ledger`, or put a backup in its place.",
        place=place,
        what=as_phrase(what),
    )


def sealed_row(table: Table, values: Row) -> dict[str, Any]:
    """The row with its checksum; columns that are not given count as NULL."""
    return {**values, "digest": _row_digest(table, values)}


def check_row(table: Table, row: Row, place: str) -> None:
    """Raise LedgerDamaged if a row does not match its checksum."""
    if row["digest"] != _row_digest(table, row):
        key = ", ".join(str(row[column.name]) for column in table.primary_key.columns)
        raise damaged(place, Phrase("table {table}, row {key}: the checksum does not match", table=table.name, key=key))


def examples_digest(splits: Mapping[str, Sequence[ExampleText]]) -> str:
    """Checksum of the scored examples, including their order."""
    lines = (
        (split, e.index, e.prompt, e.gold, e.group, *filter(None, (e.references, e.tests)))
        for split in sorted(splits)
        for e in splits[split]
    )
    return _hash(_framed(_text(line)) for line in lines)


def result_digest(curve: Curve, outcomes: Mapping[str, Outcomes]) -> str:
    """Checksum of a trial's curve and outcomes. The sign of a zero and the bits of a NaN are ignored."""

    def parts() -> Iterable[bytes]:
        if curve.steps:
            rows = [(s.step, s.epoch, s.loss, s.learning_rate, s.gradient_norm) for s in curve.steps]
            yield _framed(_float_bytes(rows), n=len(rows))
        for e in curve.evaluations:
            yield _framed(_text([e.split, e.accuracy is None]))
            yield _framed(_float_bytes([e.step, e.epoch, e.loss, 0.0 if e.accuracy is None else e.accuracy]))
        for split in sorted(outcomes):
            of_split = outcomes[split]
            yield _framed(_text([split, len(of_split.scores), list(of_split.answers)]))
            yield _framed(_float_bytes(of_split.scores) + _float_bytes(of_split.nll))

    return _hash(parts())


def _float_bytes(values: Sequence[float] | Sequence[tuple[float, ...]] | Floats) -> bytes:
    array = np.asarray(values, dtype="<f8") + 0.0
    return np.where(np.isnan(array), np.nan, array).astype("<f8").tobytes()


def _row_digest(table: Table, values: Row) -> str:
    return _hash([_framed(_text([values.get(name) for name in _checked_columns(table)]))])


@cache
def _checked_columns(table: Table) -> tuple[str, ...]:
    generated = table.autoincrement_column
    return tuple(c.name for c in table.columns if c.name != "digest" and c is not generated)


def _text(values: Any) -> bytes:
    """Values as text; a damaged file can hold values that JSON cannot express."""
    return json.dumps(values, default=repr).encode()


def _framed(part: bytes, n: int = 1) -> bytes:
    """`n` parts of equal length, each behind its length, so that no two lists of parts give the same bytes."""
    if n == 1:
        return len(part).to_bytes(8, "little") + part
    length = np.full((n, 1), len(part) // n, dtype="<u8").view(np.uint8)
    return np.concatenate([length, np.frombuffer(part, dtype=np.uint8).reshape(n, -1)], axis=1).tobytes()


def _hash(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:32]
