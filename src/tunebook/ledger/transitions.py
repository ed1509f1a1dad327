"""Changes of a trial's state: started, claimed, finished, released. The only module that writes `trials.state`.

Each start creates an attempt with a token larger than all earlier ones. Whoever ends a trial presents the token of its
attempt; an older token is refused. A call that is repeated because its answer was lost (PostgreSQL) is recognised by
the attempt's nonce or token, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, insert, literal, or_, select, update

from tunebook.core.study import TrialState, can_become
from tunebook.errors import IllegalTransition, NotFoundError, StaleLease
from tunebook.ledger.digest import Row, check_row, sealed_row
from tunebook.ledger.schema import attempts, trials

__all__ = ["TrialTransitions", "attempts_of", "never_planned"]

FINISHED, RELEASED, LOST, EXPIRED = "finished", "released", "lost", "expired"
"""How an attempt ends: with a result, by release, because its runner died, or because its lease ended."""


_FILLED_WHEN_FINISHED = ("diverged_step", "reason", "cost", "result_digest", "finished_at", "token", "lease_until")


def never_planned(place: str, trial_id: int) -> NotFoundError:
    """The error for a trial that is not in the ledger."""
    return NotFoundError(
        "{place}: trial {trial_id} was never planned. `tunebook status` lists the trials.",
        place=place,
        trial_id=trial_id,
    )


class TrialTransitions:
    """State changes of one study's trials within one transaction.

    Args:
        now: seconds since 1970 by the clock that decides when leases end.
    """

    def __init__(self, connection: Connection, study_id: int, place: str, now: float) -> None:
        self._connection = connection
        self._study_id = study_id
        self._place = place
        self._now = now

    def start(self, trial_id: int, worker: str, nonce: str, lease_seconds: float | None) -> int:
        """Change a trial from planned to running. Returns the new attempt's token, or the same token for the same
        nonce."""
        row = self._locked(trial_id)
        made = self._connection.execute(select(attempts.c.token).where(attempts.c.nonce == nonce)).scalar_one_or_none()
        if made is not None:
            return int(made)
        self._allow(row, TrialState.RUNNING)
        return self._begin(row, worker, nonce, lease_seconds)

    def claim(self, worker: str, n: int, nonce: str, lease_seconds: float) -> list[tuple[int, int]]:
        """Take up to n trials that are planned or whose lease has ended, as (trial, token), ordered by id."""
        made = self._connection.execute(
            select(attempts.c.trial_id, attempts.c.token)
            .where(attempts.c.nonce.startswith(f"{nonce}:", autoescape=True))
            .order_by(attempts.c.trial_id)
        ).all()
        if made:
            return [(row.trial_id, row.token) for row in made]
        expired = and_(trials.c.state == TrialState.RUNNING.value, trials.c.lease_until < self._now)
        free = (
            select(trials)
            .where(trials.c.study_id == self._study_id, or_(trials.c.state == TrialState.PLANNED.value, expired))
            .order_by(trials.c.id)
            .limit(n)
            .with_for_update(skip_locked=True)
        )
        claimed = []
        for row in self._connection.execute(free).mappings().all():
            check_row(trials, row, self._place)
            running = row["state"] == TrialState.RUNNING.value
            planned = self._put_back(row, EXPIRED, "the lease ran out") if running else row
            claimed.append((row["id"], self._begin(planned, worker, f"{nonce}:{row['id']}", lease_seconds)))
        return claimed

    def renew(self, token: int, lease_seconds: float) -> None:
        """Extend a lease to `lease_seconds` from now. Raises StaleLease if it was given to another worker."""
        row = self._of_token(token)
        changed = self._connection.execute(
            update(trials)
            .where(self._key(row["trial_id"]), trials.c.token == token, trials.c.state == TrialState.RUNNING.value)
            .values(lease_until=self._now + lease_seconds)
        )
        if changed.rowcount == 0:
            raise self._stale(row["trial_id"], token)

    def finish(self, trial_id: int, token: int, result: Row, state: TrialState) -> bool:
        """Change a trial from running to a final state and write the result's columns. False if this attempt has
        finished already."""
        row = self._locked(trial_id)
        if self._ended(trial_id, token) == FINISHED:
            return False
        self._hold(row, token)
        if not state.is_final:
            raise self._illegal(row, state)
        self._allow(row, state)
        self._close_attempt(token, FINISHED, None)
        self._write(row, state=state.value, lease_until=None, finished_at=self._now, **result)
        return True

    def release(self, trial_id: int, token: int, reason: str) -> None:
        """Change a trial from running back to planned. Repeating it changes nothing."""
        row = self._locked(trial_id)
        if self._ended(trial_id, token) == RELEASED:
            return
        self._hold(row, token)
        self._put_back(row, RELEASED, reason)

    def recover(self, reason: str, everything: bool) -> None:
        """Put trials that a dead runner left running back to planned: all of them, or those without a lease or with one
        that has ended."""
        left = (
            select(trials)
            .where(
                trials.c.study_id == self._study_id,
                trials.c.state == TrialState.RUNNING.value,
                or_(literal(everything), trials.c.lease_until.is_(None), trials.c.lease_until < self._now),
            )
            .order_by(trials.c.id)
            .with_for_update()
        )
        rows = self._connection.execute(left).mappings().all()
        for row in rows:
            check_row(trials, row, self._place)
            self._put_back(row, LOST, reason)

    def retry(self, trial_id: int) -> None:
        """Change a trial from failed back to planned, so that it is tried again. Its earlier attempts are kept."""
        row = self._locked(trial_id)
        if row["state"] != TrialState.FAILED.value:
            raise self._illegal(row, TrialState.PLANNED)
        self._allow(row, TrialState.PLANNED)
        self._write(row, state=TrialState.PLANNED.value, **dict.fromkeys(_FILLED_WHEN_FINISHED))

    def _begin(self, row: Row, worker: str, nonce: str, lease_seconds: float | None) -> int:
        values = {"study_id": self._study_id, "trial_id": row["id"], "worker": worker, "nonce": nonce}
        values["started_at"] = self._now
        token = self._connection.execute(insert(attempts).values(values).returning(attempts.c.token)).scalar_one()
        until = None if lease_seconds is None else self._now + lease_seconds
        self._write(row, state=TrialState.RUNNING.value, token=token, lease_until=until)
        return int(token)

    def _put_back(self, row: Row, ended: str, reason: str) -> Row:
        self._allow(row, TrialState.PLANNED)
        self._close_attempt(row["token"], ended, reason)
        return self._write(row, state=TrialState.PLANNED.value, token=None, lease_until=None)

    def _close_attempt(self, token: int, ended: str, reason: str | None) -> None:
        values = {"ended": ended, "ended_at": self._now, "reason": reason}
        self._connection.execute(update(attempts).where(attempts.c.token == token).values(values))

    def _write(self, row: Row, **changes: Any) -> Row:
        new = sealed_row(trials, {**row, **changes})
        self._connection.execute(update(trials).where(self._key(row["id"])).values(new))
        return new

    def _locked(self, trial_id: int) -> Row:
        asked = select(trials).where(self._key(trial_id)).with_for_update()
        row = self._connection.execute(asked).mappings().first()
        if row is None:
            raise never_planned(self._place, trial_id)
        check_row(trials, row, self._place)
        return row

    def _key(self, trial_id: int) -> Any:
        return and_(trials.c.study_id == self._study_id, trials.c.id == trial_id)

    def _of_token(self, token: int) -> Row:
        asked = select(attempts).where(attempts.c.token == token, attempts.c.study_id == self._study_id)
        row = self._connection.execute(asked).mappings().first()
        if row is None:
            raise StaleLease(f"{self._place}: token {token} belongs to no attempt of this study. Claim a trial first.")
        return row

    def _ended(self, trial_id: int, token: int) -> str | None:
        attempt = self._of_token(token)
        return attempt["ended"] if attempt["trial_id"] == trial_id else None

    def _hold(self, row: Row, token: int) -> None:
        if row["token"] != token or row["state"] != TrialState.RUNNING.value:
            raise self._stale(row["id"], token)

    def _stale(self, trial_id: int, token: int) -> StaleLease:
        return StaleLease(
            f"trial {trial_id}: token {token} is no longer valid; the trial was given to another worker, or has ended. "
            "This result is refused; nothing needs to be done."
        )

    def _allow(self, row: Row, new: TrialState) -> None:
        if not can_become(TrialState(row["state"]), new):
            raise self._illegal(row, new)

    def _illegal(self, row: Row, new: TrialState) -> IllegalTransition:
        return IllegalTransition(
            f"trial {row['id']}: {row['state']} cannot become {new.value}; see core.study.can_become. "
            "This is a fault of tunebook's own: please report it."
        )


def attempts_of(connection: Connection, study_id: int) -> Sequence[Row]:
    """Every attempt of a study in order."""
    asked = select(attempts).where(attempts.c.study_id == study_id).order_by(attempts.c.token)
    return connection.execute(asked).mappings().all()
