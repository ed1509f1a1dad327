"""The rounds of a study after the reference, in order: the one list of them.

A study has those that apply to it. The first is the user's own table or explore. A balanced explore comes after pilots,
and a model proposes trials after it.
"""

from __future__ import annotations

from tunebook.core.study import RoundKind
from tunebook.planning.problem import Problem
from tunebook.planning.round import Round
from tunebook.planning.rounds.balanced import Balanced
from tunebook.planning.rounds.boundary import Boundary
from tunebook.planning.rounds.combine import Combine
from tunebook.planning.rounds.confirm import Confirm
from tunebook.planning.rounds.explore import Explore
from tunebook.planning.rounds.pilot import Pilot
from tunebook.planning.rounds.propose import Propose
from tunebook.planning.rounds.refine import Refine
from tunebook.planning.rounds.table import Table

__all__ = ["ROUNDS", "round_of", "rounds_of"]

ROUNDS: tuple[Round, ...] = (
    Table(),
    Pilot(),
    Balanced(),
    Explore(),
    Propose(),
    Refine(),
    Combine(),
    Boundary(),
    Confirm(),
)


def rounds_of(problem: Problem) -> tuple[Round, ...]:
    """The rounds of a study, in order."""
    return tuple(each for each in ROUNDS if each.applies(problem))


def round_of(kind: RoundKind, problem: Problem) -> Round:
    """A study's round of a kind."""
    return next(each for each in rounds_of(problem) if each.kind is kind)
