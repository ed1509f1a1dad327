"""The ledger's tables, one schema for SQLite and PostgreSQL. docs/ledger.md describes each table and column.

Values that programs need only as a whole (a wave, a trial's definition, a finding) are JSON text in a `definition`
column, written by `codec`. Whatever is searched, counted or joined has its own column. A trial's curve and outcomes are
one compressed value, written by `blob` (decision 049).

Three rules hold everywhere. Times are seconds since 1970 in UTC and only inform people; nothing is ordered by them.
NULL in a measured column is NaN, which SQLite does not have; infinity is stored as it is. A `digest` column holds the
checksum of its row, because a disk may return other bytes than were written (decision 041).
"""

from __future__ import annotations

import json
import math
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

__all__ = [
    "METADATA",
    "SCHEMA_REVISION",
    "AnyText",
    "Measured",
    "attempts",
    "examples",
    "findings",
    "notes",
    "results",
    "rounds",
    "scored_splits",
    "sealed",
    "studies",
    "trials",
    "waves",
    "writers",
]

SCHEMA_REVISION = "0008"
"""The newest migration in `migrations/versions`; a test holds the two equal."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ESCAPE = "\x1bjson:"


class AnyText(TypeDecorator[str]):
    """Untrusted text. PostgreSQL refuses NUL, and SQLite's driver refuses lone surrogates: text with either is written
    as JSON after a mark and read back exactly."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or not _needs_escape(value):
            return value
        return _ESCAPE + json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        # A value that is not text, or not JSON after the mark, was damaged; the row's checksum will report it.
        if not isinstance(value, str) or not value.startswith(_ESCAPE):
            return value
        try:
            return str(json.loads(value[len(_ESCAPE) :]))
        except ValueError:
            return value


def _needs_escape(value: str) -> bool:
    if "\x00" in value or value.startswith(_ESCAPE):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


class Measured(TypeDecorator[float]):
    """A measured number. NaN is stored as NULL, and NULL read as NaN; infinity is kept."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> float | None:
        return float(value) if isinstance(value, int | float) else math.nan  # any other type is damage; see AnyText


_STUDY = "studies.id"
_TRIAL = ["trials.study_id", "trials.id"]

# PostgreSQL's counters are 64 bits wide; SQLite only counts up in a column called exactly INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")


def _study(**options: Any) -> Column[int]:
    return Column("study_id", Integer, ForeignKey(_STUDY, ondelete="CASCADE"), nullable=False, **options)


def _part() -> Column[int]:
    """The column for a row's study, in tables whose foreign key points to another row of the same study."""
    return Column("study_id", Integer, primary_key=True)


def _trial_table(name: str, *columns: Any) -> Table:
    """A table whose rows belong to one trial."""
    return Table(
        name,
        METADATA,
        _part(),
        Column("trial_id", Integer, primary_key=True),
        *columns,
        ForeignKeyConstraint(["study_id", "trial_id"], _TRIAL, ondelete="CASCADE"),
    )


studies = Table(
    "studies",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", AnyText, nullable=False, unique=True),
    Column("spec", AnyText, nullable=False),
    Column("facts", AnyText, nullable=False),
    Column("examples_digest", Text, nullable=False),
    Column("tunebook_version", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_autoincrement=True,
)

examples = Table(
    "examples",
    METADATA,
    _study(primary_key=True),
    Column("split", AnyText, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("example_index", Integer, nullable=False),
    Column("prompt", AnyText, nullable=False),
    Column("gold", AnyText, nullable=False),
    Column("group_name", AnyText),
)

rounds = Table(
    "rounds",
    METADATA,
    _study(primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("n_findings", Integer, nullable=False),
    Column("closed_at", Double),
    Column("digest", Text, nullable=False),
)

waves = Table(
    "waves",
    METADATA,
    _part(),
    Column("round_number", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("definition", AnyText, nullable=False),
    Column("planned_at", Double, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("study_id", "position", name="uq_waves_position"),
    ForeignKeyConstraint(["study_id", "round_number"], ["rounds.study_id", "rounds.number"], ondelete="CASCADE"),
)

trials = Table(
    "trials",
    METADATA,
    _part(),
    Column("id", Integer, primary_key=True),
    Column("round_number", Integer, nullable=False),
    Column("wave_number", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("effective_key", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("definition", AnyText, nullable=False),
    Column("state", Text, nullable=False),
    Column("token", _Counter),
    Column("diverged_step", Integer),
    Column("reason", AnyText),
    Column("cost", AnyText),
    Column("result_digest", Text),
    Column("finished_at", Double),
    Column("digest", Text, nullable=False),
    ForeignKeyConstraint(
        ["study_id", "round_number", "wave_number"],
        ["waves.study_id", "waves.round_number", "waves.number"],
        ondelete="CASCADE",
    ),
    Index("ix_trials_state", "study_id", "state", "id"),
)

attempts = Table(
    "attempts",
    METADATA,
    Column("token", _Counter, primary_key=True, autoincrement=True),
    Column("study_id", Integer, nullable=False),
    Column("trial_id", Integer, nullable=False),
    Column("worker", AnyText, nullable=False),
    Column("nonce", Text, nullable=False, unique=True),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("ended", Text),
    Column("reason", AnyText),
    ForeignKeyConstraint(["study_id", "trial_id"], _TRIAL, ondelete="CASCADE"),
    Index("ix_attempts_trial", "study_id", "trial_id"),
    sqlite_autoincrement=True,
)

results = _trial_table("results", Column("content", LargeBinary, nullable=False))

scored_splits = _trial_table(
    "scored_splits",
    Column("split", AnyText, primary_key=True),
    Column("n_examples", Integer, nullable=False),
    Column("has_answers", Boolean, nullable=False),
    Column("accuracy", Measured),
    Column("loss", Measured),
)

findings = Table(
    "findings",
    METADATA,
    _part(),
    Column("round_number", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("label", AnyText, nullable=False),
    Column("family", AnyText, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("definition", AnyText, nullable=False),
    Column("digest", Text, nullable=False),
    ForeignKeyConstraint(["study_id", "round_number"], ["rounds.study_id", "rounds.number"], ondelete="CASCADE"),
)

writers = Table(
    "writers",
    METADATA,
    Column("study_name", AnyText, primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("holder", AnyText, nullable=False),
    Column("since", Double, nullable=False),
)

sealed = Table(
    "sealed",
    METADATA,
    _study(primary_key=True),
    Column("role", AnyText, primary_key=True),
    Column("effective_key", Text, nullable=False),
    Column("n_roles", Integer, nullable=False),
    Column("sealed_at", Double, nullable=False),
    Column("digest", Text, nullable=False),
)

notes = Table(
    "notes",
    METADATA,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _study(index=True),
    Column("code", AnyText, nullable=False),
    Column("details", AnyText, nullable=False),
    Column("nonce", Text, nullable=False, unique=True),
    Column("noted_at", Double, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_autoincrement=True,
)


def create_all(engine: Engine) -> None:
    """Create the newest schema directly; for tests that compare it with the result of the migrations."""
    METADATA.create_all(engine)
