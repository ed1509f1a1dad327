"""The ledger: the durable record of one study, on SQLite or PostgreSQL.

Every public method is one transaction. The ledger knows nothing about rounds, statistics, or why a trial is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tunebook.core.facts import History, StudyFacts, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.ports import TrialEnd
from tunebook.core.study import OWN_TRIALS, OwnTrials, StudySpec, Trial, TrialState, Wave, last_waves
from tunebook.errors import IllegalTransition, NotFoundError, UnwritableFolder, UserError
from tunebook.ledger import rows
from tunebook.ledger.codec import encode
from tunebook.ledger.database import Database
from tunebook.ledger.digest import Row, check_row, damaged, sealed_row
from tunebook.ledger.schema import notes, rounds, sealed, studies, trials, waves
from tunebook.ledger.transitions import Ending, TrialTransitions, attempts_of, stale

__all__ = ["KnownFacts", "SqlLedger"]

T = TypeVar("T")

KnownFacts = dict[int, tuple[str, TrialFact]]
"""Facts by trial, each with the checksum of its row."""

_ROLES = ("best", "baseline", "cheapest", "runner_up")


def _place_of_role(role: str) -> tuple[int, str]:
    return (_ROLES.index(role) if role in _ROLES else len(_ROLES), role)


class SqlLedger:
    """The ledger of one study; implements `core.ports.Ledger`.

    Args:
        database: where it is kept.
        study: the study's name; None if the database holds only one study (the file in a study folder).

    Attributes:
        known: facts that have been read, which are not read again as long as their rows stay the same. They may be
            given to a ledger of the same study that is opened later.
    """

    def __init__(self, database: Database, study: str | None = None) -> None:
        self._database = database
        self._name = study
        self._study_id: int | None = None
        self.known: KnownFacts = {}

    # --- the study -----------------------------------------------------------------------------------------------

    def create_study(self, spec: StudySpec, facts: StudyFacts) -> None:
        """Write the study, its examples and fingerprints. Writing the same study again changes nothing.

        Raises: UserError: the ledger already holds another study.
        """

        def work(connection: Connection) -> int:
            row = rows.study_row(spec, facts, version("tunebook"), self._database.now(connection))
            existing = self._study_row(connection)
            if existing is not None:
                if any(existing[column] != row[column] for column in ("spec", "facts", "examples_digest")):
                    raise UserError(
                        "{place}: holds study {name!r} already, with other settings; one study is created once. Choose "
                        "another name for the new study.",
                        place=self._place,
                        name=existing["name"],
                    )
                return int(existing["id"])
            return rows.insert_study(connection, row, facts)

        if self._name is not None and spec.name != self._name:
            raise UserError(
                "{place}: was opened for study {name!r}, not {other!r}. Open it again.",
                place=self._place,
                name=self._name,
                other=spec.name,
            )
        self._name = spec.name
        self._study_id = self._write(work)

    def spec(self) -> StudySpec | None:
        """The study as it was created, with accepted later changes; None before `create_study`."""

        def work(connection: Connection) -> StudySpec | None:
            row = self._study_row(connection)
            return None if row is None else rows.decoded_spec(row["spec"], self._place)

        return self._read(work)

    def facts(self) -> StudyFacts:
        """The facts fixed when the study was created, with the examples' texts."""

        def work(connection: Connection) -> StudyFacts:
            self._id(connection)
            row = self._study_row(connection)
            assert row is not None, "its number was found in this transaction"
            return rows.read_facts(connection, row, self._place)

        return self._read(work)

    def update_spec(self, spec: StudySpec) -> None:
        """Accept a changed study file. The caller decides which changes are harmless; the name never changes."""

        def work(connection: Connection) -> None:
            study_id = self._id(connection)
            row = self._study_row(connection)
            assert row is not None, "its number was found in this transaction"
            if spec.name != row["name"]:
                raise UserError(
                    "{place}: study {old!r} cannot become {name!r}. Start a new one.",
                    place=self._place,
                    old=row["name"],
                    name=spec.name,
                )
            new = sealed_row(studies, {**row, "spec": encode(spec)})
            connection.execute(update(studies).where(studies.c.id == study_id).values(new))

        self._write(work)

    # --- reading -------------------------------------------------------------------------------------------------

    def history(self) -> History:
        """Everything that the planner and the statistics see, as of one moment."""

        def work(connection: Connection) -> History:
            study_id = self._id(connection)
            self.known = rows.read_trial_facts(connection, study_id, self._place, self.known)
            facts = {number: fact for number, (_, fact) in self.known.items()}
            of_trials = {number: fact.trial for number, fact in facts.items()}
            judged = self._closed_rounds(connection, study_id)
            return History(
                waves=rows.read_waves(connection, study_id, of_trials, self._place),
                trials=facts,
                spent_seconds=sum(f.cost.train_seconds + f.cost.score_seconds for f in facts.values()),
                sealed=self._sealed(connection, study_id),
                findings=tuple(finding for number in sorted(judged) for finding in judged[number]),
                closed_rounds=tuple(sorted(judged)),
                own=self._own_trials(connection, study_id),
            )

        return self._read(work)

    def trials(self) -> Sequence[Trial]:
        """Every trial planned so far, in order."""
        return tuple(fact.trial for fact in self.history().trials.values())

    def closed_rounds(self) -> dict[int, tuple[Finding, ...]]:
        """The judged rounds with their findings, which may be none."""
        return self._read(lambda connection: self._closed_rounds(connection, self._id(connection)))

    def attempts(self) -> Sequence[Row]:
        """Every attempt at a trial, in order: token, trial_id, worker, started_at, ended_at, ended, reason."""
        return self._read(lambda connection: attempts_of(connection, self._id(connection)))

    # --- planning ------------------------------------------------------------------------------------------------

    def add_wave(self, wave: Wave) -> None:
        """Write a planned wave with its trials. Writing the same wave again changes nothing.

        Raises: IllegalTransition: another wave of that number, or one of its trials, was planned before.
        """

        def work(connection: Connection) -> None:
            study_id = self._id(connection)
            if self._wave_is_there(connection, study_id, wave):
                return
            self._open_round(connection, study_id, wave)
            last = select(func.max(waves.c.position)).where(waves.c.study_id == study_id)
            position = 1 + (connection.execute(last).scalar_one() or 0)
            try:
                rows.insert_wave(connection, study_id, wave, position, self._now(connection))
            except IntegrityError as error:
                raise self._planned_twice(wave) from error

        self._write(work)

    def close_round(self, round_number: int, findings: Sequence[Finding]) -> None:
        """Write a round's findings, once. Writing the same findings again changes nothing.

        Raises: IllegalTransition: the round was judged with other findings before, or was never planned.
        """

        def work(connection: Connection) -> None:
            study_id = self._id(connection)
            row = self._round_row(connection, study_id, round_number)
            if row is None:
                raise self._fault(f"round {round_number} was never planned and cannot be judged")
            if row["closed"]:
                before = self._closed_rounds(connection, study_id)[round_number]
                if [encode(finding) for finding in before] != [encode(finding) for finding in findings]:
                    raise self._fault(f"round {round_number} was judged before, with other findings")
                return
            closed = {**row, "closed": True, "n_findings": len(findings), "closed_at": self._now(connection)}
            where = (rounds.c.study_id == study_id, rounds.c.number == round_number)
            connection.execute(update(rounds).where(*where).values(sealed_row(rounds, closed)))
            rows.insert_findings(connection, study_id, round_number, findings)

        self._write(work)

    def seal(self, configurations: dict[str, str]) -> None:
        """Fix the confirm list before the test split is opened. Sealing the same list again changes nothing.

        Raises: IllegalTransition: another list was sealed before, or the list is empty.
        """

        def work(connection: Connection) -> None:
            study_id = self._id(connection)
            before = self._sealed(connection, study_id)
            if before == configurations and before:
                return
            if before or not configurations:
                raise self._fault(f"the confirm list is sealed once: {before or 'nothing'} is not {configurations}")
            now = self._now(connection)
            for role, key in configurations.items():
                own = {"study_id": study_id, "role": role, "effective_key": key, "n_roles": len(configurations)}
                connection.execute(insert(sealed).values(sealed_row(sealed, {**own, "sealed_at": now})))

        self._write(work)

    # --- trials --------------------------------------------------------------------------------------------------

    def start_trials(self, trial_ids: Sequence[int], worker: str) -> list[int]:
        """Change trials from planned to running, all or none. Returns the attempts' fencing tokens, which only grow."""
        nonce = uuid4().hex
        return self._write(lambda connection: self._transitions(connection).start(trial_ids, worker, nonce))

    def start_trial(self, trial_id: int, worker: str) -> int:
        """Change one trial from planned to running; see `start_trials`."""
        return self.start_trials([trial_id], worker)[0]

    def finish_trials(self, ends: Sequence[TrialEnd]) -> tuple[int, ...]:
        """Write results that came together, each with its notes, in one transaction: on a slow disk, each transaction
        costs more than what is in it. Finishing the same attempt twice changes nothing.

        Returns: ids of the trials whose token is no longer valid; nothing of these is written.

        Raises: IllegalTransition: not a final state, or a result for another definition of the trial. Nothing is
            written then.
        """
        prepared = {end.fact.trial.id: rows.prepared_result(end.fact) for end in ends}
        endings = [
            Ending(trial_id=number, token=end.token, state=end.fact.state, result=prepared[number].columns)
            for number, end in zip(prepared, ends, strict=True)
        ]

        def work(connection: Connection) -> tuple[int, ...]:
            study_id, transitions = self._id(connection), self._transitions(connection)
            before = transitions.locked(list(prepared))
            for end in ends:
                if not self._defines(before[end.fact.trial.id]["definition"], end.fact.trial):
                    raise self._fault(
                        f"trial {end.fact.trial.id}: the result belongs to a trial that was defined otherwise"
                    )
            ended, refused = transitions.finish(before, endings)
            rows.insert_results(connection, study_id, [prepared[number] for number in ended])
            kept = [note for end in ends if end.fact.trial.id in ended for note in end.notes]
            self._insert_notes(connection, ((code, encode(values), uuid4().hex) for code, values in kept))
            return tuple(refused)

        return self._write(work)

    def finish_trial(self, fact: TrialFact, token: int, notes: Sequence[tuple[str, dict[str, Any]]] = ()) -> None:
        """Write one result; see `finish_trials`. Raises: StaleToken: the trial was started anew, or has ended."""
        if self.finish_trials([TrialEnd(fact=fact, token=token, notes=tuple(notes))]):
            raise stale(fact.trial.id, token)

    def release_trial(self, trial_id: int, token: int, reason: str) -> None:
        """Change a trial from running back to planned, and close the attempt with a reason."""
        self._write(lambda connection: self._transitions(connection).release(trial_id, token, reason))

    def release_running(self, reason: str) -> None:
        """Put the trials that a dead runner left running back to planned."""
        self._write(lambda connection: self._transitions(connection).recover(reason))

    def retry_failed(self) -> list[int]:
        """Put every failed trial back to planned. Returns their ids.

        If one of them belongs to a round of the last waves, that round is reopened and its findings are deleted,
        because nothing has been planned from them yet. Findings of earlier rounds stay as they were judged (decision
        046).
        """

        def work(connection: Connection) -> list[int]:
            study_id = self._id(connection)
            failed = select(trials.c.id, trials.c.round_number).where(
                trials.c.study_id == study_id, trials.c.state == TrialState.FAILED.value
            )
            of_round = {row.id: row.round_number for row in connection.execute(failed.order_by(trials.c.id))}
            for number in of_round:
                rows.forget_result(connection, study_id, number)
            self._transitions(connection).retry(list(of_round))
            facts = rows.read_trial_facts(connection, study_id, self._place, {})
            planned = rows.read_waves(connection, study_id, {n: f.trial for n, (_, f) in facts.items()}, self._place)
            for number in {wave.round for wave in last_waves(planned)} & set(of_round.values()):
                self._reopen_round(connection, study_id, number)
            return list(of_round)

        return self._write(work)

    # --- notes ---------------------------------------------------------------------------------------------------

    def note(self, code: str, values: dict[str, Any]) -> None:
        """Keep a note of something that happened, with the time."""
        nonce, details = uuid4().hex, encode(values)

        def work(connection: Connection) -> None:
            if connection.execute(select(notes.c.id).where(notes.c.nonce == nonce)).first() is None:
                self._insert_notes(connection, [(code, details, nonce)])

        self._write(work)

    def notes(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """All notes in order, as (code, values)."""

        def work(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
            return [
                (row["code"], rows.decoded(dict[str, Any], row["details"], self._place))
                for row in self._note_rows(connection, self._id(connection))
            ]

        return self._read(work)

    def close(self) -> None:
        """Close the database. A closed ledger cannot be used again."""
        self._database.close()

    def __enter__(self) -> SqlLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- inside --------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return self._database.place

    def _now(self, connection: Connection) -> float:
        return self._database.now(connection)

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._database.transaction(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        if not self._database.writable:
            raise UnwritableFolder(
                "{place}: was opened for reading. Open it with write=True to change it.", place=self._place
            )
        return self._database.transaction(work)

    def _transitions(self, connection: Connection) -> TrialTransitions:
        return TrialTransitions(connection, self._id(connection), self._place, self._now(connection))

    def _study_row(self, connection: Connection) -> Row | None:
        asked = select(studies).order_by(studies.c.id)
        if self._name is not None:
            asked = asked.where(studies.c.name == self._name)
        rows_read = connection.execute(asked).mappings().all()
        for row in rows_read:
            check_row(studies, row, self._place)
        if len(rows_read) > 1:
            names = ", ".join(row["name"] for row in rows_read[:5])
            raise UserError(
                "{place}: holds {n} studies ({names}); say which one is meant.",
                place=self._place,
                n=len(rows_read),
                names=names,
            )
        return rows_read[0] if rows_read else None

    def _id(self, connection: Connection) -> int:
        if self._study_id is None:
            row = self._study_row(connection)
            if row is None:
                raise NotFoundError(
                    "{place}: holds no study yet. Start it with `tunebook run`."
                    if self._name is None
                    else "{place}: holds no study {name!r} yet. Start it with `tunebook run`.",
                    place=self._place,
                    name=self._name,
                )
            self._study_id = int(row["id"])
        return self._study_id

    def _defines(self, definition: str, trial: Trial) -> bool:
        """Whether this is the text of that very trial; an earlier version may have written it in other words."""
        return definition == encode(trial) or rows.decoded_trial(definition, self._place) == trial

    def _note_rows(self, connection: Connection, study_id: int, code: str | None = None) -> list[Row]:
        """The notes in order, of one code or all."""
        asked = select(notes).where(notes.c.study_id == study_id).order_by(notes.c.id)
        read = connection.execute(asked if code is None else asked.where(notes.c.code == code)).mappings().all()
        for row in read:
            check_row(notes, row, self._place)
        return [dict(row) for row in read]

    def _insert_notes(self, connection: Connection, texts: Iterable[tuple[str, str, str]]) -> None:
        """Write notes, each with its code, its details as text and its nonce."""
        shared = {"study_id": self._id(connection), "noted_at": self._now(connection)}
        rows.insert_many(
            connection,
            notes,
            [
                sealed_row(notes, {**shared, "code": code, "details": details, "nonce": nonce})
                for code, details, nonce in texts
            ],
        )

    def _own_trials(self, connection: Connection, study_id: int) -> tuple[OwnTrials, ...]:
        """What the user asked to add, each request once: a runner that died may have noted one twice."""
        asked = self._note_rows(connection, study_id, OWN_TRIALS)
        by_id = {own.id: own for own in (rows.decoded(OwnTrials, row["details"], self._place) for row in asked)}
        return tuple(by_id.values())

    def _wave_is_there(self, connection: Connection, study_id: int, wave: Wave) -> bool:
        where = (waves.c.study_id == study_id, waves.c.round_number == wave.round, waves.c.number == wave.number)
        definition = connection.execute(select(waves.c.definition).where(*where)).scalar_one_or_none()
        if definition is None:
            return False
        planned = self._transitions(connection).locked([trial.id for trial in wave.trials])
        same = all(self._defines(planned[trial.id]["definition"], trial) for trial in wave.trials)
        if definition != rows.wave_text(wave) or not same:
            raise self._planned_twice(wave)
        return True

    def _open_round(self, connection: Connection, study_id: int, wave: Wave) -> None:
        row = self._round_row(connection, study_id, wave.round)
        if row is None:
            own = {"study_id": study_id, "number": wave.round, "kind": wave.kind.value}
            connection.execute(insert(rounds).values(sealed_row(rounds, {**own, "closed": False, "n_findings": 0})))
        elif row["closed"]:
            raise self._fault(f"round {wave.round} has been judged; wave {wave.number} comes too late")

    def _reopen_round(self, connection: Connection, study_id: int, number: int) -> None:
        row = self._round_row(connection, study_id, number)
        assert row is not None, "it has trials"
        rows.forget_findings(connection, study_id, number)
        opened = sealed_row(rounds, {**row, "closed": False, "n_findings": 0, "closed_at": None})
        where = (rounds.c.study_id == study_id, rounds.c.number == number)
        connection.execute(update(rounds).where(*where).values(opened))

    def _round_row(self, connection: Connection, study_id: int, number: int) -> Row | None:
        asked = select(rounds).where(rounds.c.study_id == study_id, rounds.c.number == number).with_for_update()
        row = connection.execute(asked).mappings().first()
        if row is not None:
            check_row(rounds, row, self._place)
        return row

    def _closed_rounds(self, connection: Connection, study_id: int) -> dict[int, tuple[Finding, ...]]:
        judged = rows.read_findings(connection, study_id, self._place)
        closed: dict[int, tuple[Finding, ...]] = {}
        for row in connection.execute(select(rounds).where(rounds.c.study_id == study_id)).mappings():
            check_row(rounds, row, self._place)
            if len(judged.get(row["number"], ())) != row["n_findings"]:
                raise damaged(self._place, f"table findings: round {row['number']} has not all of its findings")
            if row["closed"]:
                closed[row["number"]] = judged.get(row["number"], ())
        return dict(sorted(closed.items()))

    def _sealed(self, connection: Connection, study_id: int) -> dict[str, str]:
        by_role = {}
        for row in connection.execute(select(sealed).where(sealed.c.study_id == study_id)).mappings():
            check_row(sealed, row, self._place)
            by_role[row["role"]] = row["effective_key"]
            n_roles = row["n_roles"]
        if by_role and len(by_role) != n_roles:
            raise damaged(self._place, "table sealed: not all of the confirm list is there")
        # in the planner's order, because confirm's trials are numbered in it
        return {role: by_role[role] for role in sorted(by_role, key=_place_of_role)}

    def _planned_twice(self, wave: Wave) -> IllegalTransition:
        return self._fault(
            f"round {wave.round}, wave {wave.number}: it or one of its trials was planned otherwise before"
        )

    def _fault(self, what: str) -> IllegalTransition:
        return IllegalTransition(f"{self._place}: {what}. This is a fault of tunebook's own: please report it.")
