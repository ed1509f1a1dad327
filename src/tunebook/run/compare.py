"""Any two trials or configurations of a study, paired example by example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.core.facts import Floats, History, StudyFacts
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.study import StudySpec
from tunebook.run.references import Reference, resolve
from tunebook.statistics import judge_round

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """A against B on the validation split, as a question of its own outside the study's rounds.

    Attributes:
        a, b: what was compared, with the trials.
        changes: factors on which the two differ: name to (b's value, a's value).
        overall: the finding, a family of one at 0.05: exploratory; None when a side has no trained trial.
        groups: the same by group, a family of its own.
        won, lost: numbers of examples on which A's mean score is above and below B's.
    """

    a: Reference
    b: Reference
    changes: dict[str, tuple[Any, Any]]
    overall: Finding | None
    groups: tuple[Finding, ...]
    won: int
    lost: int


def compare(
    a: str, b: str, spec: StudySpec, facts: StudyFacts, history: History, conclusions: StudyFindings
) -> Comparison:
    """Compare two references. Raises NotFoundError for an unknown one, or one without outcomes."""
    first, second = resolve(a, history, conclusions), resolve(b, history, conclusions)
    judged = judge_round.compare(history, first.trials, second.trials, spec, facts.data)
    mine = history.trials[first.trials[0]].trial.effective
    changes = mine.changes_from(history.trials[second.trials[0]].trial.effective)
    won, lost = _wins(history, first.trials, second.trials)
    return Comparison(first, second, changes, judged[0] if judged else None, tuple(judged[1:]), won, lost)


def _wins(history: History, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, int]:
    def mean(ids: tuple[int, ...]) -> Floats | None:
        scores = [s for s in (history.trials[each].scores() for each in ids) if s is not None]
        return np.mean(scores, axis=0) if scores else None

    first, second = mean(a), mean(b)
    if first is None or second is None:
        return 0, 0
    difference = first - second
    return int((difference > 0).sum()), int((difference < 0).sum())
