"""The planner: from a study's history to its next wave of trials.

Pure and stateless: the same history gives the same answer, so a study that was interrupted plans what an unbroken one
would have planned. Each round has its own module; here is only their order.

A wave may have no trials: it then only closes its round (a bisection knows that it is over after its last answer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History
from tunebook.core.outlook import Outlook
from tunebook.core.planning.board import Board
from tunebook.core.planning.boundary import boundary_wave
from tunebook.core.planning.combine import combine_wave
from tunebook.core.planning.confirm import confirm_wave
from tunebook.core.planning.explore import chosen_rates_wave, explore_wave
from tunebook.core.planning.foresight import outlook
from tunebook.core.planning.ground import Ground
from tunebook.core.planning.refine import refine_wave
from tunebook.core.planning.table import table_wave
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding
from tunebook.core.study import Purpose, RoundKind, StudySpec, Trial, Wave

__all__ = ["StudyPlanner"]


class StudyPlanner:
    """Decides what to ask next; fulfils `core.ports.Planner`.

    Args:
        spec: the study.
        facts: counts and lengths of its data.
        folding: what the engine promises does not change the mathematics.
        table: configurations given by hand; they then make the first round.
        calibration: measured rates, to keep to a budget in hours; None: hours only stop what follows.
    """

    def __init__(
        self,
        spec: StudySpec,
        facts: DataFacts,
        folding: Folding,
        table: tuple[Configuration, ...] = (),
        calibration: Calibration | None = None,
    ) -> None:
        self._ground = Ground(spec, facts, folding, table, calibration)

    def next_wave(self, history: History) -> Wave | None:
        """The next trials with their contrasts, or None when the study is done."""
        board = Board(self._ground, history)
        last = board.last_wave
        if last is None:
            return _reference_wave(self._ground)
        if not last.closes_round:
            return self._same_round(board, last)
        return self._next_round(board, last)

    def outlook(self, history: History) -> Outlook:
        """The rounds to come as far as they can be foreseen."""
        board = Board(self._ground, history)
        wave = self.next_wave(history) if board.last_wave is not None else None
        return outlook(board, wave)

    def _same_round(self, board: Board, last: Wave) -> Wave | None:
        if last.kind is RoundKind.EXPLORE:
            return chosen_rates_wave(board, last)
        return boundary_wave(board, last.round, last.number + 1)

    def _next_round(self, board: Board, last: Wave) -> Wave | None:
        skipped: list[tuple[str, dict[str, Any]]] = []
        for kind in _kinds_after(board, last.kind):
            wave = self._first_wave(board, kind, last.round + 1)
            if wave is not None:
                return replace(wave, notes=(*skipped, *wave.notes))
            skipped.append(("round_skipped", {"kind": kind.value}))
        return None

    def _first_wave(self, board: Board, kind: RoundKind, number: int) -> Wave | None:
        openers: dict[RoundKind, Callable[[], Wave | None]] = {
            RoundKind.TABLE: lambda: table_wave(board, number),
            RoundKind.EXPLORE: lambda: explore_wave(board, number),
            RoundKind.REFINE: lambda: refine_wave(board, number, board.allowance(kind)),
            RoundKind.COMBINE: lambda: combine_wave(board, number, board.allowance(kind)),
            RoundKind.BOUNDARY: lambda: boundary_wave(board, number, 1),
            RoundKind.CONFIRM: lambda: confirm_wave(board, number),
        }
        return openers[kind]()


def _kinds_after(board: Board, kind: RoundKind) -> tuple[RoundKind, ...]:
    first = RoundKind.TABLE if board.ground.table else RoundKind.EXPLORE
    order = (
        RoundKind.REFERENCE, first, RoundKind.REFINE, RoundKind.COMBINE, RoundKind.BOUNDARY, RoundKind.CONFIRM
    )
    return order[order.index(kind) + 1 :]


def _reference_wave(ground: Ground) -> Wave:
    """Round 0: the base model without adapter, and nothing trained."""
    asked = ground.spec.baseline.with_values(num_train_epochs=0)
    seed = ground.spec.seed * 1000
    trial = Trial(0, 0, RoundKind.REFERENCE, Purpose.REFERENCE, asked, ground.effective(asked), seed)
    return Wave(0, RoundKind.REFERENCE, 1, (trial,))
