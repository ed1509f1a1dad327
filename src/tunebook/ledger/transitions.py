"""Changes of trials' states: started, finished, released, tried again. The only module that writes `trials.state`.

Each start creates an attempt with a token larger than all earlier ones. Whoever ends a trial presents the token of its
attempt; an older token is refused. A call that is repeated because its answer was lost (PostgreSQL) is recognised by
the attempt's nonce or token, and changes nothing.

Trials that start or end together are read by one statement and written by one for each table: on a server every
statement is a round trip, and each costs more than the rows in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from tunebook.core.study import TrialState, can_become
from tunebook.errors import IllegalTransition, NotFoundError, StaleToken
from tunebook.ledger.digest import Row, check_row, sealed_row
from tunebook.ledger.schema import attempts, trials

__all__ = ["Ending", "TrialTransitions", "attempts_of", "never_planned", "stale"]

FINISHED, RELEASED, LOST = "finished", "released", "lost"
"""How an attempt ends: with a result, by release, or because its runner died."""

_FILLED_WHEN_FINISHED = ("diverged_step", "reason", "cost", "result_digest", "finished_at", "token")

_OF_STUDY = trials.c.study_id == bindparam("of_study")
_SOME = select(trials).where(_OF_STUDY, trials.c.id.in_(bindparam("ids", expanding=True))).with_for_update()
_RUNNING = select(trials).where(_OF_STUDY, trials.c.state == TrialState.RUNNING.value).order_by(trials.c.id)
_WITH_NONCES = select(attempts.c.trial_id, attempts.c.token).where(
    attempts.c.nonce.in_(bindparam("nonces", expanding=True))
)
_WITH_TOKENS = select(attempts).where(
    attempts.c.study_id == bindparam("of_study"), attempts.c.token.in_(bindparam("tokens", expanding=True))
)
_NEW_ATTEMPTS = insert(attempts).returning(attempts.c.token, sort_by_parameter_order=True)
_END_ATTEMPT = update(attempts).where(attempts.c.token == bindparam("of_token"))
_CHANGE = update(trials).where(_OF_STUDY, trials.c.id == bindparam("of_trial"))


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a trial ends: its final state, the columns that its result fills, and the token of its attempt."""

    trial_id: int
    token: int
    state: TrialState
    result: Row


def never_planned(place: str, trial_id: int) -> NotFoundError:
    """The error for a trial that is not in the ledger."""
    return NotFoundError(
        "{place}: trial {trial_id} was never planned. `tunebook status` lists the trials.",
        place=place,
        trial_id=trial_id,
    )


def stale(trial_id: int, token: int) -> StaleToken:
    """The error for a result or a release that comes too late."""
    return StaleToken(
        f"trial {trial_id}: token {token} is no longer valid; the trial was started anew, or has ended. This result is "
        "refused; nothing needs to be done."
    )


class TrialTransitions:
    """State changes of one study's trials within one transaction.

    Args:
        now: seconds since 1970, for people.
    """

    def __init__(self, connection: Connection, study_id: int, place: str, now: float) -> None:
        self._connection = connection
        self._study_id = study_id
        self._place = place
        self._now = now

    def locked(self, trial_ids: Sequence[int]) -> dict[int, Row]:
        """The rows of trials, checked, for this transaction alone. Raises: NotFoundError."""
        asked = {"of_study": self._study_id, "ids": list(trial_ids)}
        rows: dict[int, Row] = {row["id"]: row for row in self._connection.execute(_SOME, asked).mappings()}
        for trial_id in trial_ids:
            if trial_id not in rows:
                raise never_planned(self._place, trial_id)
            check_row(trials, rows[trial_id], self._place)
        return rows

    def start(self, trial_ids: Sequence[int], worker: str, nonce: str) -> list[int]:
        """Change trials from planned to running. Returns their new attempts' tokens, or the same tokens for the same
        nonce."""
        if not trial_ids:
            return []
        rows, nonces = self.locked(trial_ids), {number: f"{nonce}:{number}" for number in trial_ids}
        made = dict(self._connection.execute(_WITH_NONCES, {"nonces": list(nonces.values())}).tuples().all())
        if made:
            return [made[number] for number in trial_ids]
        for number in trial_ids:
            self._allow(rows[number], TrialState.RUNNING)
        shared = {"study_id": self._study_id, "worker": worker, "started_at": self._now}
        new = [{**shared, "trial_id": number, "nonce": own} for number, own in nonces.items()]
        tokens = list(self._connection.execute(_NEW_ATTEMPTS, new).scalars())
        self._change(
            (rows[number], {"state": TrialState.RUNNING.value, "token": token})
            for number, token in zip(trial_ids, tokens, strict=True)
        )
        return tokens

    def finish(self, rows: dict[int, Row], endings: Sequence[Ending]) -> tuple[list[int], list[int]]:
        """Change trials from running to their final states, with the columns of their results.

        Args:
            rows: of these trials, from `locked`.

        Returns: ids of the trials that ended now, and of those whose token is no longer valid, which stay as they are.
        Those that this same attempt has ended before are in neither.
        """
        ended, refused, changes = [], [], []
        before = self._attempts([ending.token for ending in endings])
        for ending in endings:
            row, attempt = rows[ending.trial_id], before.get(ending.token, {})
            if (attempt.get("trial_id"), attempt.get("ended")) == (ending.trial_id, FINISHED):
                continue
            if not _holds(row, ending.token):
                refused.append(ending.trial_id)
                continue
            if not ending.state.is_final:
                raise self._illegal(row, ending.state)
            self._allow(row, ending.state)
            ended.append(ending.trial_id)
            changes.append((row, {"state": ending.state.value, "finished_at": self._now, **ending.result}))
        self._end_attempts([row["token"] for row, _ in changes], FINISHED, None)
        self._change(changes)
        return ended, refused

    def release(self, trial_id: int, token: int, reason: str) -> None:
        """Change a trial from running back to planned. Repeating it changes nothing. Raises: StaleToken."""
        row = self.locked([trial_id])[trial_id]
        attempt = self._attempts([token]).get(token)
        if attempt is None or attempt["trial_id"] != trial_id:
            raise stale(trial_id, token)
        if attempt["ended"] == RELEASED:
            return
        if not _holds(row, token):
            raise stale(trial_id, token)
        self._put_back([row], RELEASED, reason)

    def recover(self, reason: str) -> None:
        """Put all trials that a dead runner left running back to planned."""
        left = self._connection.execute(_RUNNING, {"of_study": self._study_id}).mappings().all()
        for row in left:
            check_row(trials, row, self._place)
        self._put_back(left, LOST, reason)

    def retry(self, trial_ids: Sequence[int]) -> None:
        """Change failed trials back to planned, so that they are tried again. Their earlier attempts are kept."""
        rows = self.locked(trial_ids) if trial_ids else {}
        for row in rows.values():
            if row["state"] != TrialState.FAILED.value:
                raise self._illegal(row, TrialState.PLANNED)
            self._allow(row, TrialState.PLANNED)
        emptied = {"state": TrialState.PLANNED.value, **dict.fromkeys(_FILLED_WHEN_FINISHED)}
        self._change((row, emptied) for row in rows.values())

    def _put_back(self, rows: Sequence[Row], ended: str, reason: str) -> None:
        for row in rows:
            self._allow(row, TrialState.PLANNED)
        self._end_attempts([row["token"] for row in rows], ended, reason)
        self._change((row, {"state": TrialState.PLANNED.value, "token": None}) for row in rows)

    def _attempts(self, tokens: Sequence[int]) -> dict[int, Row]:
        asked = {"of_study": self._study_id, "tokens": list(tokens)}
        return {row["token"]: row for row in self._connection.execute(_WITH_TOKENS, asked).mappings()}

    def _end_attempts(self, tokens: Sequence[int], ended: str, reason: str | None) -> None:
        if tokens:
            values = {"ended": ended, "ended_at": self._now, "reason": reason}
            self._connection.execute(_END_ATTEMPT, [{**values, "of_token": token} for token in tokens])

    def _change(self, changes: Iterable[tuple[Row, dict[str, Any]]]) -> None:
        """Write the same columns of several trials, and their checksums."""
        written = [
            {
                **new,
                "digest": sealed_row(trials, {**row, **new})["digest"],
                "of_study": self._study_id,
                "of_trial": row["id"],
            }
            for row, new in changes
        ]
        if written:
            self._connection.execute(_CHANGE, written)

    def _allow(self, row: Row, new: TrialState) -> None:
        if not can_become(TrialState(row["state"]), new):
            raise self._illegal(row, new)

    def _illegal(self, row: Row, new: TrialState) -> IllegalTransition:
        return IllegalTransition(
            f"trial {row['id']}: {row['state']} cannot become {new.value}; see core.study.can_become. "
            "This is a fault of tunebook's own: please report it."
        )


def _holds(row: Row, token: int) -> bool:
    """Whether this token's attempt is the one that is running the trial."""
    return bool(row["token"] == token and row["state"] == TrialState.RUNNING.value)


def attempts_of(connection: Connection, study_id: int) -> Sequence[Row]:
    """Every attempt of a study in order."""
    asked = select(attempts).where(attempts.c.study_id == study_id).order_by(attempts.c.token)
    return connection.execute(asked).mappings().all()
