"""Reads the undamaged part of a ledger file and writes it to a new one. The damaged file is never changed.

Each trial is read on its own and checked against its checksums, so damage affects only the trials that it hit. Lost
trials are in state planned in the new ledger and are trained again; findings are judged again from the outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from tunebook.core.facts import StudyFacts, TrialFact
from tunebook.core.study import StudySpec, Trial, Wave
from tunebook.errors import LedgerDamaged, NotFoundError, TunebookError, UnwritableFolder
from tunebook.ledger import rows
from tunebook.ledger.digest import check_row
from tunebook.ledger.schema import notes, sealed, studies, trials, waves
from tunebook.ledger.sqlite import LEDGER_FILE, SqliteDatabase, readonly_engine
from tunebook.ledger.store import SqlLedger
from tunebook.phrases import Phrase, as_phrase

__all__ = ["Salvage", "rescue", "salvage", "without_advice"]

T = TypeVar("T")


@dataclass(kw_only=True)
class Salvage:
    """What could be read of a damaged ledger.

    Attributes:
        spec, facts: the study; None: they are damaged, and nothing can be rescued.
        waves: the waves before the first damaged one.
        finished: trials of these waves with an undamaged result.
        notes: the notes that could be read, in order.
        lost: ids of trials that could not be read, or were planned after a damaged wave.
        damage: what could not be read, one sentence each.
    """

    spec: StudySpec | None = None
    facts: StudyFacts | None = None
    waves: tuple[Wave, ...] = ()
    finished: dict[int, TrialFact] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)


def salvage(path: Path) -> Salvage:
    """Read everything that is undamaged in a ledger file."""
    salvaged = Salvage()
    try:
        engine = readonly_engine(path)
        with engine.connect() as connection:
            _Reader(connection, path.name, salvaged).read()
        engine.dispose()
    except (DBAPIError, OSError) as error:
        salvaged.damage.append(Phrase("{what}: {error}", what=path.name, error=_short(error)))
    return salvaged


def rescue(folder: Path, target: Path) -> Salvage:
    """Write the undamaged part of a study folder's ledger to a new ledger in another folder.

    Raises: LedgerDamaged: the study itself cannot be read. UnwritableFolder: the target already has a ledger.
    """
    salvaged = salvage(folder / LEDGER_FILE)
    if salvaged.spec is None or salvaged.facts is None:
        raise LedgerDamaged(
            "{value}: the study's own row cannot be read ({damage}); nothing can be rescued from it. Put a "
            "backup in its place.",
            value=folder / LEDGER_FILE,
            damage="; ".join(salvaged.damage[:2]),
        )
    if (target / LEDGER_FILE).exists():
        raise UnwritableFolder(
            "{target}: has a ledger already; a rescue never overwrites one. Name a new folder.", target=target
        )
    with SqlLedger(SqliteDatabase(target, write=True)) as ledger:
        ledger.create_study(salvaged.spec, salvaged.facts)
        if salvaged.sealed:
            ledger.seal(salvaged.sealed)
        for wave in salvaged.waves:
            ledger.add_wave(wave)
            for trial in wave.trials:
                if trial.id in salvaged.finished:
                    ledger.finish_trial(salvaged.finished[trial.id], ledger.start_trial(trial.id, "rescue"))
        for code, values in salvaged.notes:
            ledger.note(code, values)
        ledger.note("rescued", {"damage": salvaged.damage})
    return salvaged


class _Reader:
    def __init__(self, connection: Connection, place: str, salvaged: Salvage) -> None:
        self._connection = connection
        self._place = place
        self._found = salvaged
        self._study_id = 0

    def read(self) -> None:
        self._try("the study", self._read_study)
        if self._found.spec is None:
            return
        known = self._try("the list of trials", self._read_numbers) or set()
        facts = {}
        for number in sorted(known):
            fact = self._try(f"trial {number}", partial(self._read_trial, number))
            if fact is None:
                self._found.lost.append(number)
            else:
                facts[number] = fact
        self._found.finished = {number: fact for number, fact in facts.items() if fact.state.is_final}
        self._read_waves()
        self._try("the sealed confirm list", self._read_sealed)
        for number in self._try("the list of notes", self._read_note_numbers) or ():
            self._try(f"note {number}", partial(self._read_note, number))

    def _read_study(self) -> None:
        row = self._connection.execute(select(studies).order_by(studies.c.id).limit(1)).mappings().first()
        if row is None:
            raise NotFoundError("there is no study in it")
        check_row(studies, row, self._place)
        self._study_id = row["id"]
        self._found.facts = rows.read_facts(self._connection, row, self._place)
        self._found.spec = rows.decoded_spec(row["spec"], self._place)

    def _read_numbers(self) -> set[int]:
        asked = select(trials.c.id).where(trials.c.study_id == self._study_id)
        return set(self._connection.execute(asked).scalars())

    def _read_trial(self, number: int) -> TrialFact | None:
        facts = rows.read_trial_facts(self._connection, self._study_id, self._place, {}, only=number)
        return facts[number][1] if number in facts else None

    def _read_waves(self) -> None:
        """Read the waves. They contain the definitions of all their trials, also of those whose results are lost."""
        of_trials = {}
        for number in self._try("the list of trials", self._read_numbers) or set():
            trial = self._try(f"the plan of trial {number}", partial(self._read_definition, number))
            if trial is not None:
                of_trials[number] = trial
        asked = select(waves.c.position).where(waves.c.study_id == self._study_id).order_by(waves.c.position)
        positions = self._try("the list of waves", lambda: list(self._connection.execute(asked).scalars())) or []
        for position in positions:
            wave = self._try(
                f"wave {position}",
                partial(rows.read_waves, self._connection, self._study_id, of_trials, self._place, only=position),
            )
            if not wave:  # later waves were planned from it
                break
            self._found.waves += wave
        self._forget_later_trials()

    def _forget_later_trials(self) -> None:
        kept = {trial.id for wave in self._found.waves for trial in wave.trials}
        later = sorted(self._found.finished.keys() - kept)
        if later:
            self._found.damage.append(
                Phrase("{n} finished trials were planned with or after it and go with it", n=len(later))
            )
            self._found.lost = sorted([*self._found.lost, *later])
            self._found.finished = {n: fact for n, fact in self._found.finished.items() if n in kept}

    def _read_definition(self, number: int) -> Trial | None:
        where = (trials.c.study_id == self._study_id, trials.c.id == number)
        text = self._connection.execute(select(trials.c.definition).where(*where)).scalar_one_or_none()
        return None if text is None else rows.decoded_trial(text, self._place)

    def _read_sealed(self) -> None:
        for row in self._connection.execute(select(sealed).where(sealed.c.study_id == self._study_id)).mappings():
            check_row(sealed, row, self._place)
            self._found.sealed[row["role"]] = row["effective_key"]

    def _read_note_numbers(self) -> list[int]:
        asked = select(notes.c.id).where(notes.c.study_id == self._study_id).order_by(notes.c.id)
        return list(self._connection.execute(asked).scalars())

    def _read_note(self, number: int) -> None:
        row = self._connection.execute(select(notes).where(notes.c.id == number)).mappings().one()
        check_row(notes, row, self._place)
        self._found.notes.append((row["code"], rows.decoded(dict[str, Any], row["details"], self._place)))

    def _try(self, what: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (DBAPIError, TunebookError, ValueError, UnicodeDecodeError) as error:
            self._found.damage.append(Phrase("{what}: {error}", what=as_phrase(what), error=_short(error)))
            return None


def _short(error: Exception) -> Phrase:
    return without_advice(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)


def without_advice(error: BaseException) -> Phrase:
    """What is damaged, without the advice to come where the user already is."""
    if isinstance(error, LedgerDamaged) and "what" in error.phrase.values:
        return Phrase("{place}: {what}", **{name: error.phrase.values[name] for name in ("place", "what")})
    return Phrase(str(error))
