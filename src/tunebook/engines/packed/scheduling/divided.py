"""A trial's scoring that workers share: which part is next here, and what the others have brought."""

from __future__ import annotations

from tunebook.core.events import PartScored
from tunebook.core.ports import RawScores, ScoringPart
from tunebook.core.trial_result import PartialScores, merged

__all__ = ["MIN_GROUPS", "Divided"]

MIN_GROUPS = 2
"""Groups of examples that a part has at least: fewer take less time than sending them."""


class Divided:
    """The scoring of one trial in `of` parts, the first of which is scored here.

    Args:
        rows: see `core.ports.ScoringPart`.

    Attributes:
        part: what is scored here next, or now; None: nothing is left but what others score.
        seconds: that the others took.
    """

    def __init__(self, of: int, rows: int) -> None:
        self._of, self._rows = of, rows
        self._found: dict[int, dict[str, PartialScores]] = {}
        self._left: list[int] = []
        self.part: ScoringPart | None = ScoringPart(0, of, rows)
        self.seconds = 0.0

    def scored_here(self, scores: dict[str, PartialScores]) -> None:
        """The part that was scored here has ended."""
        assert self.part is not None
        self._found[self.part.index] = scores
        self._next()

    def told(self, event: PartScored) -> None:
        """What has become of a part that another worker was to score; without scores it is scored here."""
        self.seconds += event.seconds
        if event.scores is not None:
            self._found[event.index] = event.scores
        else:
            self._left.append(event.index)
            if self.part is None:
                self._next()

    def scores(self) -> dict[str, RawScores] | None:
        """The scores of all parts together, by split, once they are there."""
        if len(self._found) < self._of:
            return None
        parts = list(self._found.values())
        return {split: merged([part[split] for part in parts]) for split in parts[0]}

    def _next(self) -> None:
        self.part = ScoringPart(self._left.pop(), self._of, self._rows) if self._left else None
