"""Any two trials or configurations of a study, paired example by example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunebook.core import judging
from tunebook.core.facts import History, StudyFacts
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.study import StudySpec
from tunebook.run.references import Reference, resolve

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """A against B on the validation split, as a question of its own outside the study's rounds.

    Attributes:
        a, b: what was compared, with the trials.
        changes: factors on which the two differ: name to (b's value, a's value).
        overall: the finding, a family of one at 0.05: exploratory.
        groups: the same by group, a family of its own.
        won, lost: numbers of examples on which A's mean score is above and below B's.
    """

    a: Reference
    b: Reference
    changes: dict[str, tuple[Any, Any]]
    overall: Finding
    groups: tuple[Finding, ...]
    won: int
    lost: int


def compare(
    a: str, b: str, spec: StudySpec, facts: StudyFacts, history: History, conclusions: StudyFindings
) -> Comparison:
    """Compare two references. Raises NotFoundError for an unknown one, or one without outcomes."""
    first, second = resolve(a, history, conclusions), resolve(b, history, conclusions)
    judged = judging.compare(history, first.trials, second.trials, spec, facts.data)
    mine = history.trials[first.trials[0]].trial.effective
    changes = mine.changes_from(history.trials[second.trials[0]].trial.effective)
    won, lost = _wins(history, first.trials, second.trials)
    return Comparison(first, second, changes, judged[0], tuple(judged[1:]), won, lost)


def _wins(history: History, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, int]:
    def mean(ids: tuple[int, ...]) -> Any:
        scores = [history.trials[each].scores() for each in ids]
        return sum(s for s in scores if s is not None) / len(ids)

    difference = mean(a) - mean(b)
    return int((difference > 0).sum()), int((difference < 0).sum())
