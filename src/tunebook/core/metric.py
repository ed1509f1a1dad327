"""What a metric is: how it gets answers, what its score means, and how it judges an answer. Pure.

A metric by example scores each answer on its own, and the study's result is the mean. A set metric (macro-F1, BLEU) is
one number for a whole split. The metric's `ScoreScale` says which of the two it is, and what its number means.
`docs/extending.md` shows a whole metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.notice import Notice
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.errors import DataError
from tunebook.escaping import quoted
from tunebook.phrases import Phrase

__all__ = [
    "CJK",
    "AnswerSource",
    "ExampleMetric",
    "LikelihoodMetric",
    "Metric",
    "ScoreKind",
    "ScoreScale",
    "SetMetric",
    "compared",
]


CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Chinese and Japanese characters, for a class of a regular expression. They have no blanks between words, so that each
of them counts as a word, wherever words are counted."""


def compared(text: str) -> str:
    """Text as exact_match compares it: without regard to case and blanks."""
    return " ".join(text.casefold().split())


class AnswerSource(StrEnum):
    """Where the answer to be judged comes from."""

    GENERATION = "generate"
    """Greedy generation."""
    CHOICE = "choice"
    """The option of the highest log-likelihood."""
    LIKELIHOOD = "likelihood"
    """No answer: the likelihood of the gold text is judged (`LikelihoodMetric`)."""


@runtime_checkable
class Metric(Protocol):
    """Judges answers. Created from its plugin, with the options in the study file as keyword arguments."""

    @property
    def name(self) -> str:
        """The name in the study file."""
        ...

    @property
    def scale(self) -> ScoreScale:
        """What kind of number the result is."""
        ...

    @property
    def answers(self) -> AnswerSource:
        """Where the answer to be judged comes from."""
        ...

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """The score of one answer, within the scale's bounds. For a set metric: the score of a set of one row."""
        ...

    def parsable(self, answer: str) -> bool:
        """Whether the answer could be right at all. Many unparsable answers show a collapsed model."""
        ...

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str | Notice, ...]:
        """Check the scored examples by split before any training.

        Args:
            places: the location of each example ("validation.jsonl:7"), by split.

        Returns: warnings, as sentences or as notices, which are put into words in the study's language. Raises:
        DataError: a gold text that this metric cannot judge, with its location.
        """
        ...


@runtime_checkable
class SetMetric(Metric, Protocol):
    """A metric that scores a whole split at once.

    It may also have `leave_one_out(answers, examples)`, which gives the score of the split without each row in turn,
    where that takes less than scoring n times.
    """

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """The score of a whole split; answers and examples are in the same order."""
        ...


@runtime_checkable
class LikelihoodMetric(Metric, Protocol):
    """A metric of how likely the model finds the gold texts; its `answers` are `AnswerSource.LIKELIHOOD`, its kind is a
    statistic of all rows. Its `score` is never asked."""

    def score_likelihoods(self, nll: Floats, n_tokens: Floats) -> float:
        """The result on a whole split.

        Args:
            nll: negative log-likelihood of each gold text, summed over its tokens, end-of-text included; nats, (n,).
            n_tokens: the tokens of each gold text, (n,).
        """
        ...


class ExampleMetric:
    """A base class for metrics by example: define `name` and `score`, and override what differs from a share of right
    answers.

    Attributes:
        gold_rule: what every gold text must have; completes the sentence "metric NAME needs ... in every gold answer".
        gold_advice: what else the user can do about a gold text that breaks the rule.
    """

    name: str
    scale: ScoreScale = ScoreScale(kind=ScoreKind.SHARE)
    answers: AnswerSource = AnswerSource.GENERATION
    gold_rule: str = "a text"
    gold_advice: str = ""

    def parsable(self, answer: str) -> bool:
        """Whether there is any answer."""
        return bool(answer.strip())

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str | Notice, ...]:
        """Refuses the first gold text that is not `parsable`; see `Metric.check`."""
        for split, rows in examples.items():
            for row, place in zip(rows, places[split], strict=True):
                if not self.parsable(row.gold):
                    raise DataError(
                        "{place}: completion: found {gold}; metric {name} needs {rule} in every gold answer. "
                        "Correct the row{advice}.",
                        place=place,
                        gold=quoted(row.gold),
                        name=self.name,
                        rule=Phrase(self.gold_rule),
                        advice=Phrase(self.gold_advice),
                    )
        return ()
