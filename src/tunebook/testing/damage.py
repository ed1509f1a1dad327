"""Damage to a study folder's ledger, as a disk or a hand would do it, for tests of what notices it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from tunebook.core.facts import Outcomes
from tunebook.ledger.blob import pack, unpack

__all__ = ["change_scores"]


def change_scores(folder: Path, trial_id: int, split: str = "validation") -> None:
    """Turn a trial's first two scores on a split round, right and wrong, so that no mean changes; checksums stay."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        where = "WHERE trial_id = ?"
        (content,) = connection.execute(f"SELECT content FROM results {where}", (trial_id,)).fetchone()
        curve, outcomes = unpack(content)
        scores = outcomes[split].scores
        other = int(np.flatnonzero(scores != scores[0])[0])
        scores = scores.copy()
        scores[[0, other]] = scores[[other, 0]]
        changed = Outcomes(scores, outcomes[split].nll, outcomes[split].answers)
        content = pack(curve, {**outcomes, split: changed})
        connection.execute(f"UPDATE results SET content = ? {where}", (content, trial_id))
