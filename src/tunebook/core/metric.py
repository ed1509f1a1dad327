"""What a metric is: how it gets answers, what its score is, and how it judges them. Pure.

A metric by example scores each answer by itself, and the study's result is the mean. A metric of all rows (macro-F1,
BLEU) is one number of a whole split. Which of the two a metric is, its `ScoreScale` says; the statistics judge those
whose `is_judged` holds. `docs/extending.md` shows a whole metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from tunebook.core.facts import ExampleText
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.errors import DataError
from tunebook.escaping import quoted

__all__ = ["AnswerSource", "ExampleMetric", "Metric", "ScoreKind", "ScoreScale", "SetMetric"]


class AnswerSource(StrEnum):
    """Where the judged answer comes from."""

    GENERATION = "generate"
    """Greedy generation."""
    CHOICE = "choice"
    """The option of the highest log-likelihood."""
    LIKELIHOOD = "likelihood"
    """No answer: the log-likelihood of the gold text alone."""


@runtime_checkable
class Metric(Protocol):
    """Judges answers. Made from its plugin with the options of the study file as keyword arguments."""

    @property
    def name(self) -> str:
        """As in the study file."""
        ...

    @property
    def scale(self) -> ScoreScale:
        """What kind of number its result is."""
        ...

    @property
    def answers(self) -> AnswerSource:
        """Where the judged answer comes from."""
        ...

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """The score of one answer, within the scale's bounds. For a metric of all rows: that of a set of one row."""
        ...

    def parsable(self, answer: str) -> bool:
        """Whether the answer is one that could be right at all; many that are not show a collapsed model."""
        ...

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """Look at the scored examples by split before anything is spent.

        Args:
            places: where each example stands ("validation.jsonl:7"), by split.

        Returns: sentences on what may mislead.
        Raises: DataError: a gold text that this metric cannot judge, with its place.
        """
        ...


@runtime_checkable
class SetMetric(Metric, Protocol):
    """A metric of all rows."""

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """The one score of a whole split; answers and examples in the same order."""
        ...


class ExampleMetric:
    """A base for metrics by example: give it `name` and `score`, and change what differs from a share of right ones.

    Attributes:
        gold_rule: what every gold text has to be, to end the sentence "metric NAME needs ... in every gold answer".
        gold_advice: what else the user might do about a gold text that is not.
    """

    name: str
    scale: ScoreScale = ScoreScale(kind=ScoreKind.SHARE)
    answers: AnswerSource = AnswerSource.GENERATION
    gold_rule: str = "a text"
    gold_advice: str = ""

    def parsable(self, answer: str) -> bool:
        """Whether there is an answer at all."""
        return bool(answer.strip())

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """Refuses the first gold text that is not `parsable`; see `Metric.check`."""
        for split, rows in examples.items():
            for row, place in zip(rows, places[split], strict=True):
                if not self.parsable(row.gold):
                    raise DataError(
                        f"{place}: completion: found {quoted(row.gold)}; metric {self.name} needs {self.gold_rule} in "
                        f"every gold answer. Correct the row{self.gold_advice}."
                    )
        return ()
