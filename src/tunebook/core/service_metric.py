"""A metric whose scores come from a service: what it is, and a base class for one. Pure.

Such a metric is a plugin like any other; `docs/extending.md` shows a whole one, and `run.service_scores` asks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric, Metric
from tunebook.errors import UserError

__all__ = [
    "SERVICE_USAGE",
    "UNSCORED_ANSWERS",
    "AskedAnswers",
    "ExpectedRequests",
    "ServiceExampleMetric",
    "ServiceMetric",
    "ServiceUsage",
]

SERVICE_USAGE, UNSCORED_ANSWERS = "service_usage", "unscored_answers"
"""Codes of notes in the ledger: what a study has asked of a metric's service so far, and a trial with answers that got
no score."""


@dataclass(frozen=True, kw_only=True)
class AskedAnswers:
    """A trial's answers on one split, for a metric that asks a service; all in the same order.

    Attributes:
        untrained: the untrained model's answers, where the metric needs them.
    """

    answers: tuple[str, ...]
    examples: tuple[ExampleText, ...]
    untrained: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExpectedRequests:
    """What scoring some answers will ask of a service, at most.

    Attributes:
        requests: how many.
        tokens: of the requests and of the replies; 0 where the service does not count them.
        price: in the currency of the study file's price; None: it has none.
    """

    requests: float
    tokens: tuple[float, float] = (0.0, 0.0)
    price: float | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceUsage:
    """What a study has asked of a service so far, over all its runs. JSON values: it is noted in the ledger.

    Attributes:
        requests: answered or failed.
        judgements: requests that gave a judgement.
        prompt_tokens, completion_tokens: as the service counted them.
        price: what they cost, in the currency of the study file's price; None: it has none.
        failures: requests that gave none, by kind.
        models: judgements by the model that gave them, by its own account.
        judged_twice, judged_the_same: requests made twice, and those of them with the same judgement both times.
        noise: standard deviation of a score between two judgings of the same answer, on the standard scale; None: not
            measured.
        first_preferred: of two answers, how often the one that stood first was preferred; None: there were no pairs.
    """

    requests: int = 0
    judgements: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    price: float | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)
    judged_twice: int = 0
    judged_the_same: int = 0
    noise: float | None = None
    first_preferred: float | None = None


@runtime_checkable
class ServiceMetric(Metric, Protocol):
    """A metric by example whose scores come from a service, which is slow, fails at times and may cost money.

    It is asked in the runner's process, beside the training, for the answers of a whole split at once, and keeps what
    it was told in the study's folder, so that nothing is asked twice. No score is made up: an answer without one is
    nan, and the record counts such answers.
    """

    @property
    def fingerprint(self) -> str:
        """A digest of what scores depend on beside the options; a begun study does not go on with another one."""
        ...

    @property
    def needs_untrained(self) -> bool:
        """Whether the untrained model's answers are needed."""
        ...

    def try_out(self, example: ExampleText) -> None:
        """Ask the service once. Called when a study is planned or run, before anything is trained.

        Raises: UserError: it cannot be asked, with the next step; no text names a key or a password.
        """
        ...

    def open(self, folder: str, is_wanted: Callable[[], bool]) -> None:
        """Read what earlier runs kept in the study's folder, and keep further scores there; called before
        `score_answers`. When `is_wanted` says no, give up soon: what is not scored yet is asked for again later."""
        ...

    def score_answers(self, asked: AskedAnswers) -> Sequence[float]:
        """One score an answer within the scale's bounds, nan where there is none; called from a thread of its own.

        Raises: EnvironmentStop: the service does not answer any more; `run` goes on later.
        """
        ...

    def expected(self, examples: Sequence[ExampleText]) -> ExpectedRequests:
        """The most that one trial will ask for, for `plan`; called after `try_out`."""
        ...

    def usage(self) -> ServiceUsage | None:
        """What has been asked so far, over all runs of the study; None: it is not counted."""
        ...


class ServiceExampleMetric(ExampleMetric):
    """A base class for metrics that ask a service: define `name`, `scale` and `score_answers`, and override what
    differs.

    Attributes:
        folder: the study's folder, where scores may be kept; "" before `open`.
        is_wanted: whether scores are still asked for.
    """

    fingerprint: str = ""
    needs_untrained: bool = False
    folder: str = ""

    @staticmethod
    def is_wanted() -> bool:
        return True

    def score_answers(self, asked: AskedAnswers) -> Sequence[float]:
        """See `ServiceMetric.score_answers`."""
        raise NotImplementedError

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """The score of one answer, nan where there is none."""
        asked = example if example is not None else ExampleText(0, "", gold)
        return self.score_answers(AskedAnswers(answers=(answer,), examples=(asked,), untrained=(gold,)))[0]

    def try_out(self, example: ExampleText) -> None:
        """Ask for the score of the right answer; see `ServiceMetric.try_out`."""
        if math.isnan(self.score(example.gold, example.gold, example)):
            raise UserError(
                "metric {name}: its service gives no score. See that it answers, then try again.", name=self.name
            )

    def open(self, folder: str, is_wanted: Callable[[], bool]) -> None:
        """See `ServiceMetric.open`."""
        self.folder, self.is_wanted = folder, is_wanted  # type: ignore[method-assign]

    def expected(self, examples: Sequence[ExampleText]) -> ExpectedRequests:
        """One request an answer."""
        return ExpectedRequests(requests=len(examples))

    def usage(self) -> ServiceUsage | None:
        """None: it does not count."""
        return None
