"""`metric: judge`: a language model grades answers by a rubric, or says which of two is better.

Scores come from a service, so they are asked for in the runner's process, many at once, beside the training
(`core.service_metric.ServiceMetric`). Each judgement is kept and used again for the same answer of any trial and after
an interruption. A share of the answers is judged twice, which shows how much the judge differs from itself; that noise
is independent between answers and so is part of the spread over examples, from which intervals are made (decision 095).
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.service_metric import AskedAnswers, ExpectedRequests, ServiceExampleMetric, ServiceUsage
from tunebook.errors import EnvironmentStop, StudyFileError, UserError
from tunebook.escaping import quoted
from tunebook.evaluation.chat_service import (
    KEY_VARIABLE,
    URL_VARIABLE,
    ChatService,
    Reply,
    ServiceFailed,
    ServiceRefused,
    read_address,
)
from tunebook.evaluation.judge_request import (
    GARBLED,
    grade_of,
    graded_request,
    pairwise_request,
    preferred,
    reminder,
)
from tunebook.evaluation.judgements import Judgements, digest_of

__all__ = ["Judge"]

REMINDERS = 2
"""How often a reply without a grade is answered with a reminder of the form."""
ROUNDS = 2
"""How often all answers are gone through; the second time those that the service failed to answer, retries and all."""
FAILURES_IN_A_ROW = 10
"""After as many answers without any reply the service counts as down."""
MOST_ANSWER_TOKENS = 1000
_MOST_MEASURED = 200
"""Examples whose lengths are measured for a prediction."""
_OWN_SETTINGS = frozenset({"model", "messages", "stream", "n"})
_MODES = ("graded", "pairwise")
_OPPONENTS = ("reference", "untrained")


@dataclass(frozen=True)
class _Question:
    """One request: its digest, and how to make its messages with a random word."""

    digest: str
    texts: tuple[str, ...]
    messages: Callable[[str], list[dict[str, str]]]


class _Unjudged(Exception):
    """An answer that got no judgement."""


class Judge(ServiceExampleMetric):
    """A language model's judgement by a rubric, asked for from an OpenAI-compatible service.

    Args:
        model: its name at the service.
        rubric: what a good answer is, and what each grade means.
        rubric_file: a file with the rubric, beside the study file, instead.
        mode: "graded", or "pairwise": which of two answers is better, asked in both orders; a tie counts half.
        against: what answers are compared with in pairs: the "reference" answer or that of the "untrained" model.
        low, high: the scale of grades.
        see_reference: whether the reference answers are shown for a grade.
        twice: share of the answers that are judged twice, to measure the judge's own noise.
        parallel: requests at once.
        timeout_seconds: for one request.
        retries: how often a request that failed is repeated.
        price_per_million_tokens: one number, or {input: ..., output: ...}.
        request: further settings of the request; null takes one out.
        study_folder: where `rubric_file` is looked for; no option.
    """

    name = "judge"
    may_change = frozenset({"parallel", "timeout_seconds", "retries", "price_per_million_tokens"})

    def __init__(
        self,
        model: str,
        rubric: str = "",
        rubric_file: str = "",
        mode: str = "graded",
        against: str = "reference",
        low: float = 1.0,
        high: float = 5.0,
        see_reference: bool = True,
        twice: float = 0.05,
        parallel: int = 8,
        timeout_seconds: float = 60.0,
        retries: int = 5,
        price_per_million_tokens: float | Mapping[str, float] | None = None,
        request: Mapping[str, Any] | None = None,
        study_folder: str = ".",
    ) -> None:
        _check(mode in _MODES, f"mode: {mode!r} is neither graded nor pairwise")
        _check(against in _OPPONENTS, f"against: {against!r} is neither reference nor untrained")
        _check(bool(model.strip()), "model: empty")
        _check(bool(rubric.strip()) != bool(rubric_file), "it needs a rubric, or a rubric_file, and not both")
        _check(low < high, "low is below high")
        _check(0 <= twice <= 1, f"twice: {twice!r} is no share from 0 to 1")
        _check(1 <= parallel <= 256, f"parallel: {parallel!r} is not from 1 to 256")
        _check(timeout_seconds > 0 and 0 <= retries <= 20, "timeout_seconds is above 0, retries from 0 to 20")
        _check(not _OWN_SETTINGS & (request or {}).keys(), "request: model, messages, stream and n are set by tunebook")
        self._prices = _prices(price_per_million_tokens)
        self._model, self._mode, self._against, self._twice = model, mode, against, twice
        self._low, self._high, self._see_reference = float(low), float(high), see_reference
        self._parallel, self._timeout, self._retries = parallel, timeout_seconds, retries
        self._settings = {"temperature": 0, "max_tokens": MOST_ANSWER_TOKENS, **(request or {})}
        self._rubric, self._rubric_file = rubric, Path(study_folder) / rubric_file if rubric_file else None
        self._service: ChatService | None = None
        self._kept = Judgements()
        self._refused: set[tuple[str, int]] = set()  # what this run need not ask again for other trials
        self._tried: list[Callable[[Judgements], None]] = []
        self._tokens_tried = (0.0, 0.0)
        self.scale = (
            ScoreScale(kind=ScoreKind.MEAN, noun="win rate")
            if mode == "pairwise"
            else ScoreScale(kind=ScoreKind.MEAN, low=self._low, high=self._high, unit="grades", noun="mean grade")
        )

    @property
    def needs_untrained(self) -> bool:  # type: ignore[override]
        """Whether answers are compared with those of the untrained model."""
        return self._mode == "pairwise" and self._against == "untrained"

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """A digest of the rubric, which may stand in a file of its own."""
        return digest_of(self._the_rubric())

    # -- before and between the trials

    def try_out(self, example: ExampleText) -> None:
        """Ask the service once, about the reference answer.

        Raises: UserError: there is no address, the service does not answer, or its reply has no grade.
        """
        service = ChatService(read_address(os.environ), self._timeout, self._retries, waits_for_network=False)
        question = self._questions(example.gold, example, f"{example.gold} ")[0]
        replies: list[Reply] = []

        def failed(kind: str, reply: Reply | None = None) -> None:
            replies.extend([reply] if reply else [])
            self._tried.append(lambda kept: kept.keep_failure(kind, reply))

        def judged(reply: Reply) -> None:
            self._tried.append(lambda kept: kept.keep(question.digest, 0, self._read(reply), reply))
            size = _size(question)
            self._tokens_tried = (reply.prompt_tokens / size, float(reply.completion_tokens))

        try:
            self._ask(service, question, failed, judged)
        except ServiceFailed as error:
            raise UserError(
                "metric: judge: the service at {host} does not answer ({error}); it is asked once before anything is "
                "trained. Check {url}, {key}, metric.model and the network.",
                host=service.address.host,
                error=error,
                url=URL_VARIABLE,
                key=KEY_VARIABLE,
            ) from None
        except _Unjudged:
            raise UserError(
                "metric: judge: {model} at {host} replies {reply}, where it was asked for JSON with a judgement. Name "
                "another model, give it more tokens ({more}), or say in the rubric what to reply.",
                model=self._model,
                host=service.address.host,
                reply=quoted(replies[-1].text[:200]),
                more=f"metric.request: {{max_tokens: {2 * MOST_ANSWER_TOKENS}}}",
            ) from None

    def open(self, folder: str, is_wanted: Callable[[], bool]) -> None:
        """Read what is kept of earlier judgements in the study's folder, and keep further ones there.

        Args:
            is_wanted: asked before each request and each pause; when it says no, what is not judged yet stays so.
        """
        super().open(folder, is_wanted)
        self._kept = Judgements(Path(folder))
        for keep in self._tried:
            keep(self._kept)
        self._tried.clear()
        self._service = ChatService(read_address(os.environ), self._timeout, self._retries, is_wanted)

    def expected(self, examples: Sequence[ExampleText]) -> ExpectedRequests:
        """The most requests that a trial on these examples takes, with their tokens as the request that was tried took
        them; answers are assumed to be as long as the right ones."""
        requests = len(examples) * (2 if self._mode == "pairwise" else 1) * (1 + self._twice)
        asked = [self._questions(each.gold, each, f"{each.gold} ")[0] for each in examples[:_MOST_MEASURED]]
        size = float(np.mean([_size(question) for question in asked])) if asked else 0.0
        tokens = requests * size * self._tokens_tried[0], requests * self._tokens_tried[1]
        return ExpectedRequests(requests=requests, tokens=tokens, price=self._price(*tokens))

    def usage(self) -> ServiceUsage:
        """What has been asked so far, over all runs of the study, and how much the judge differs from itself."""
        totals, twice = self._kept.totals(), np.array(self._kept.twice())
        first = self._kept.firsts() if self._mode == "pairwise" else []
        return ServiceUsage(
            requests=totals.requests,
            judgements=totals.judgements,
            prompt_tokens=totals.prompt_tokens,
            completion_tokens=totals.completion_tokens,
            price=self._price(totals.prompt_tokens, totals.completion_tokens),
            failures=totals.failures,
            models=totals.models,
            judged_twice=len(twice),
            judged_the_same=int((twice[:, 0] == twice[:, 1]).sum()) if len(twice) else 0,
            noise=self._noise(twice) if len(twice) else None,
            first_preferred=float(np.mean(first)) if first else None,
        )

    def _noise(self, twice: Floats) -> float:
        """Standard deviation of a score between two judgings of the same answer, on the standard scale."""
        variance = float(np.mean((twice[:, 0] - twice[:, 1]) ** 2)) / 2
        if self._mode == "pairwise":
            return math.sqrt(variance / 2)  # a score is the mean of two orders
        return math.sqrt(variance) / (self._high - self._low)

    def _price(self, prompt_tokens: float, completion_tokens: float) -> float | None:
        if self._prices is None:
            return None
        return (self._prices[0] * prompt_tokens + self._prices[1] * completion_tokens) / 1e6

    # -- judging

    def score_answers(self, asked: AskedAnswers) -> Sequence[float]:
        """One score an answer, nan where there is none.

        Raises: EnvironmentStop: the service does not answer any more, or refuses. What was judged is kept.
        """
        opponents = asked.untrained if self.needs_untrained else [example.gold for example in asked.examples]
        of_answer = [
            self._questions(answer, example, opponent)
            for answer, example, opponent in zip(asked.answers, asked.examples, opponents, strict=True)
        ]
        questions = {question.digest: question for questions in of_answer for question in questions}
        judged = self._all_judged(list(questions.values()))
        return [self._score([judged.get(question.digest, math.nan) for question in each]) for each in of_answer]

    def _score(self, judgements: list[float]) -> float:
        if self._mode == "graded":
            return judgements[0]
        if not judgements:
            return 0.5  # the same text on both sides
        as_first, as_second = judgements
        return (as_first + 1 - as_second) / 2

    def _questions(self, answer: str, example: ExampleText, opponent: str) -> list[_Question]:
        """The requests that an answer takes: one for a grade, one in each order for a pair, none for equal texts."""
        if self._mode == "graded":
            golds = example.golds if self._see_reference else ()
            material = {"question": example.prompt, **({"reference": list(golds)} if golds else {}), "answer": answer}
            texts = (example.prompt, *golds, answer)

            def messages(word: str) -> list[dict[str, str]]:
                return graded_request(self._the_rubric(), self._low, self._high, material, word)

            return [_Question(self._digest(*texts), texts, messages)]
        if answer == opponent:
            return []
        return [self._pair(example.prompt, *pair) for pair in ((answer, opponent), (opponent, answer))]

    def _pair(self, prompt: str, first: str, second: str) -> _Question:
        material = {"question": prompt, "first": first, "second": second}

        def messages(word: str) -> list[dict[str, str]]:
            return pairwise_request(self._the_rubric(), material, word)

        return _Question(self._digest(prompt, first, second), (prompt, first, second), messages)

    def _digest(self, *texts: str) -> str:
        scale = (self._low, self._high) if self._mode == "graded" else ()
        return digest_of(self._model, self._mode, self._the_rubric(), scale, self._settings, texts)

    def _the_rubric(self) -> str:
        if self._rubric_file is not None and not self._rubric:
            try:
                self._rubric = self._rubric_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise StudyFileError(
                    "metric.rubric_file: found {file}, which cannot be read ({error}). Write the file beside the "
                    "study file.",
                    file=self._rubric_file.name,
                    error=error,
                ) from error
            if not self._rubric.strip():
                raise StudyFileError(
                    "metric.rubric_file: {file} is empty. Write the rubric.", file=self._rubric_file.name
                )
        return self._rubric

    def _all_judged(self, questions: list[_Question]) -> dict[str, float]:
        """The judgements by digest, those that came; a pair's second order by its own."""
        wanted = [(question, n) for question in questions for n in range(2 if self._is_sampled(question) else 1)]
        missing = [(question, n) for question, n in wanted if self._kept.find(question.digest, n) is None]
        down = _Down(FAILURES_IN_A_ROW)
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="judge") as pool:
            for _ in range(ROUNDS):
                answered = pool.map(lambda each: self._judge(each[0], each[1], down), missing)
                missing = [each for each, is_answered in zip(missing, answered, strict=True) if not is_answered]
        if down.why is not None:
            raise EnvironmentStop(
                "metric: judge: the service at {host} does not answer ({why}). What it has judged so far is kept, and "
                "so are the trained answers. Run again when it answers.",
                host=down.host,
                why=down.why,
            )
        found = ((question.digest, self._kept.find(question.digest, 0)) for question in questions)
        return {digest: judgement for digest, judgement in found if judgement is not None}

    def _is_sampled(self, question: _Question) -> bool:
        """Whether this one is judged twice: always the same ones, and no matter of what the answer is worth."""
        return int(question.digest[:8], 16) < self._twice * 16**8

    def _judge(self, question: _Question, time: int, down: _Down) -> bool:
        """Ask for one judgement and keep it; False where asking again later may help."""
        if (question.digest, time) in self._refused:
            return True
        if down.why is not None or not self.is_wanted():
            return False
        service = self._service or ChatService(read_address(os.environ), self._timeout, self._retries, self.is_wanted)

        def judged(reply: Reply) -> None:
            self._kept.keep(question.digest, time, self._read(reply), reply)

        try:
            self._ask(service, question, self._kept.keep_failure, judged)
        except ServiceFailed as error:
            down.failed(error, service.address.host)
            if error.passing:
                return False
            self._refused.add((question.digest, time))
            return True
        except _Unjudged:
            self._refused.add((question.digest, time))
        down.answered()
        return True

    def _ask(
        self,
        service: ChatService,
        question: _Question,
        on_failure: Callable[..., None],
        on_judgement: Callable[[Reply], None],
    ) -> None:
        messages = question.messages(_word(question.texts))
        for _ in range(1 + REMINDERS):
            body = {"model": self._model, "messages": messages, **self._settings}
            body = {name: value for name, value in body.items() if value is not None}
            reply = service.ask(body, on_failure)
            if not math.isnan(self._read(reply)):
                on_judgement(reply)
                return
            on_failure(GARBLED, reply)
            if not self.is_wanted():
                break
            messages = reminder(question.messages(_word(question.texts)))
        raise _Unjudged

    def _read(self, reply: Reply) -> float:
        """The judgement of a reply, for the first of a pair; nan where there is none."""
        found = preferred(reply.text) if self._mode == "pairwise" else grade_of(reply.text, self._low, self._high)
        return math.nan if found is None else found


class _Down:
    """Whether a service has stopped answering: so many answers in a row without any reply, or a refusal."""

    def __init__(self, most: int) -> None:
        self._most, self._in_a_row = most, 0
        self.why: str | None = None
        self.host = ""

    def answered(self) -> None:
        self._in_a_row = 0

    def failed(self, error: ServiceFailed, host: str) -> None:
        self.host = host
        self._in_a_row += error.passing
        if isinstance(error, ServiceRefused) or self._in_a_row >= self._most:
            self.why = str(error)


def _check(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ValueError(otherwise)


def _prices(told: float | Mapping[str, float] | None) -> tuple[float, float] | None:
    """Of a million tokens: of the request and of the reply."""
    if told is None:
        return None
    if isinstance(told, Mapping):
        _check(set(told) == {"input", "output"}, "price_per_million_tokens: a number, or {input: ..., output: ...}")
        prices = float(told["input"]), float(told["output"])
    else:
        prices = float(told), float(told)
    _check(all(0 <= price < math.inf for price in prices), "price_per_million_tokens: a number of 0 or more")
    return prices


def _word(texts: Sequence[str]) -> str:
    """A random word that none of the texts holds."""
    while True:
        word = secrets.token_hex(8)
        if not any(word in text for text in texts):
            return word


def _size(question: _Question) -> int:
    """Characters of a request."""
    return sum(len(message["content"]) for message in question.messages("0" * 16))
