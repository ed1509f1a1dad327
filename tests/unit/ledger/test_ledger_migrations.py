"""Schemas: what the migrations make is what the tables say; every released schema opens for ever."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from forked import Forked
from sqlalchemy import Engine, create_engine, event

from tunebook.ledger import open_ledger
from tunebook.ledger.migrate import KNOWN_REVISIONS, migrate
from tunebook.ledger.schema import METADATA, SCHEMA_REVISION
from tunebook.testing.ledger_suite import same_fact
from tunebook.testing.sample_study import result_of, sample_facts, sample_spec, sample_wave

RELEASED = sorted((Path(__file__).parents[2] / "ledgers").glob("*.sqlite"))


def facts_kept_by(released):
    """What each schema kept of the sample's facts."""
    facts = sample_facts()
    return replace(facts, table=(), folding=None) if released.stem == "schema-0001" else facts


def test_migrations_make_the_schema_that_the_code_uses():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, "memory")
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_newest_revision_is_the_one_the_code_knows():
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__code__.co_filename).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == SCHEMA_REVISION == KNOWN_REVISIONS[-1]
    assert {script.revision for script in scripts.walk_revisions()} == set(KNOWN_REVISIONS)


def test_every_released_schema_is_kept():
    assert {path.stem.removeprefix("schema-") for path in RELEASED} == set(KNOWN_REVISIONS)


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
@pytest.mark.parametrize("write", [False, True])
def test_a_released_ledger_opens_and_goes_on(released, write, tmp_path):
    shutil.copyfile(released, tmp_path / "ledger.sqlite")
    with open_ledger(tmp_path, write=write) as ledger:
        assert ledger.spec() == sample_spec()
        assert ledger.facts() == facts_kept_by(released)
        history = ledger.history()
        assert history.sealed == {"best": "0123456789ab"}
        assert history.closed_rounds == (1,)
        assert all(same_fact(history.trials[n], result_of(sample_wave(1).trials[n - 1])) for n in (1, 2))
        if write:
            ledger.finish_trial(result_of(sample_wave(1).trials[2]), ledger.start_trial(3, "now"))
            assert ledger.history().trials[3].state.is_final


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_reading_a_released_ledger_leaves_it_as_it_is(released, tmp_path):
    shutil.copyfile(released, tmp_path / "ledger.sqlite")
    with open_ledger(tmp_path, write=False) as ledger:
        ledger.history()
    assert (tmp_path / "ledger.sqlite").read_bytes() == released.read_bytes()


@pytest.mark.parametrize("statement", [1, 3, 6, 9, 12])
def test_a_migration_killed_anywhere_leaves_the_ledger_as_it_was(statement, tmp_path):
    """The process is gone at its n-th statement; the next one opens what was there, and goes on."""
    released = next(path for path in RELEASED if path.stem == "schema-0001")
    shutil.copyfile(released, tmp_path / "ledger.sqlite")

    def opened() -> int:
        left = [statement]

        def count(connection, cursor, text, *rest):
            left[0] -= text.startswith(("CREATE", "INSERT", "DROP", "UPDATE", "SELECT s"))
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        open_ledger(tmp_path, write=True).close()
        return 0

    assert Forked(opened).wait() == -signal.SIGKILL
    with open_ledger(tmp_path, write=True) as ledger:
        history = ledger.history()
    assert all(same_fact(history.trials[n], result_of(sample_wave(1).trials[n - 1])) for n in (1, 2))
