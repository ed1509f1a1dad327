"""What a task of lm_eval says of answers: its own number of each document, on the metric's scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.core.facts import Floats
from tunebook.core.harness_metric import JudgedDocuments
from tunebook.core.ports import TokenizedExample
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.trial_result import RawScores
from tunebook.errors import UserError
from tunebook.escaping import quoted
from tunebook.evaluation.harness import lm_eval_gateway
from tunebook.evaluation.harness.lm_eval_reader import Asked, ReadTask, Refusal
from tunebook.evaluation.judging import jackknifed

__all__ = ["Number", "TaskJudge", "chosen_number"]

RIGHT_OR_WRONG = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"})
BOUNDS: Mapping[str, tuple[float | None, float | None]] = {
    **dict.fromkeys((*RIGHT_OR_WRONG, "f1", "em"), (0.0, 1.0)),
    "mcc": (-1.0, 1.0),
    **dict.fromkeys(("bleu", "chrf"), (0.0, 100.0)),
    **dict.fromkeys(("ter", "perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"), (0.0, None)),
}
"""Bounds of lm_eval's own numbers; others are taken as unbounded."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """The number of a task that decides.

    Attributes:
        name: as the task calls it.
        filter: which of the task's filters of answers counts.
        is_mean: whether the task's result is its mean over documents.
        scale: what it can be.
    """

    name: str
    filter: str
    is_mean: bool
    scale: ScoreScale


def chosen_number(
    task: Any, name: str, filter_name: str, bounds: tuple[float | None, float | None], refusal: Refusal
) -> Number:
    """The number that is named, else the task's first.

    Args:
        filter_name: empty: the task's first.
        bounds: of a number that lm_eval does not know.

    Raises: StudyFileError: the task has no such number, or no such filter.
    """
    numbers = list(task.aggregation())
    name = name or (numbers[0] if numbers else "")
    if name not in numbers:
        raise refusal(
            "the task has no number {measure}; it has {numbers}. Name one of them: lm_eval:TASK:NUMBER.",
            measure=name,
            numbers=", ".join(map(str, numbers)),
        )
    filters = [str(each["name"]) for each in task.config.filter_list or ()] or ["none"]
    filter_name = filter_name or filters[0]
    if filter_name not in filters:
        raise refusal(
            "the task has no filter {filter}; it has {filters}. Correct the option filter.",
            filter=filter_name,
            filters=", ".join(filters),
        )
    is_mean = lm_eval_gateway.is_mean(task.aggregation()[name])
    return Number(name=name, filter=filter_name, is_mean=is_mean, scale=_scale(task, name, is_mean, bounds))


def _scale(task: Any, name: str, is_mean: bool, bounds: tuple[float | None, float | None]) -> ScoreScale:
    known = BOUNDS.get(name, (None, None))
    low, high = (own if told is None else float(told) for told, own in zip(bounds, known, strict=True))
    is_share = is_mean and name in RIGHT_OR_WRONG and not callable(task.config.process_results)
    return ScoreScale(
        kind=ScoreKind.SHARE if is_share else ScoreKind.MEAN if is_mean else ScoreKind.STATISTIC,
        low=low,
        high=high,
        higher_is_better=bool(task.higher_is_better().get(name, True)),
        noun="" if is_share else name,
    )


@dataclass(frozen=True, kw_only=True)
class TaskJudge:
    """Scores what an engine answered to a task's requests.

    Attributes:
        metric: its name, for messages.
        read: the task.
        number: what decides.
        tokenizer: the base model's.
    """

    metric: str
    read: ReadTask
    number: Number
    tokenizer: Any

    @property
    def needs_greedy(self) -> bool:
        """Whether it is asked if an answer is what the model itself would write."""
        own_rule = callable(self.read.task.config.process_results)
        is_choice = self.read.kind == "multiple_choice"
        return self.read.kind == "loglikelihood" or (is_choice and (own_rule or self.number.name == "exact_match"))

    def scores(self, asked: Asked, raw: RawScores) -> JudgedDocuments:
        """The documents of a split with their scores."""
        nll = [float(sum(raw.nll[row] for row in rows)) for rows in asked.rows_of]
        responses = [
            self._response(instance, rows, nll[i], raw, asked.split.rows)
            for i, (instance, rows) in enumerate(zip(asked.instances, asked.rows_of, strict=True))
        ]
        scores = self._standard(self._items(asked, responses))
        tokens = [sum(len(asked.split.rows[row].completion_ids) for row in asked.rows_of[i]) for i in asked.gold_of]
        of_documents = RawScores(
            answers=(),
            nll=np.array([nll[i] for i in asked.gold_of]),
            n_label_tokens=tuple(tokens),
            texts=self._answers(asked, responses),
        )
        return JudgedDocuments(raw=of_documents, scores=scores)

    def _response(
        self, instance: Any, rows: tuple[int, ...], nll: float, raw: RawScores, all_rows: Sequence[TokenizedExample]
    ) -> Any:
        """What lm_eval is told of a request: a text, a log-likelihood, or that and whether the model would write it."""
        likelihood = -nll if math.isfinite(nll) else -math.inf
        if instance.request_type == "generate_until":
            return lm_eval_gateway.cut_at_stops(self._written(rows[0], raw), self.read.until)
        if instance.request_type == "loglikelihood_rolling":
            return likelihood
        ids = all_rows[rows[0]].completion_ids
        return likelihood, self.needs_greedy and self._written_ids(rows[0], raw)[: len(ids)] == ids

    def _written_ids(self, row: int, raw: RawScores) -> tuple[int, ...]:
        ids = raw.answers[row]
        return ids if isinstance(ids, tuple) else ()

    def _written(self, row: int, raw: RawScores) -> str:
        if raw.texts:
            return raw.texts[row]
        text: str = self.tokenizer.decode(list(self._written_ids(row, raw)), skip_special_tokens=True)
        return text.rstrip("\N{REPLACEMENT CHARACTER}")  # it may have been cut within a character

    def _items(self, asked: Asked, responses: Sequence[Any]) -> list[Any]:
        """What the task says of each document: a score, or what its number of all documents is made of."""
        items = []
        for index, results in lm_eval_gateway.results_of(
            self.read.task, asked.instances, responses, self.number.filter
        ):
            try:
                items.append(results()[self.number.name])
            except Exception as error:  # the task's own function may raise anything
                raise UserError(
                    "metric {name}: the task failed on its document {index} with {kind}: {error}. Correct its file.",
                    name=self.metric,
                    index=index,
                    kind=type(error).__name__,
                    error=quoted(str(error), 200),
                ) from error
        return items

    def _standard(self, items: list[Any]) -> Floats:
        if self.number.is_mean:
            return np.array([self.number.scale.standard(self._held(item)) for item in items])
        whole, n = self._aggregated(items), len(items)
        without = [self._aggregated([*items[:i], *items[i + 1 :]]) for i in range(n)] if n > 1 else []
        return np.array([self.number.scale.standard(value) for value in jackknifed(whole, np.array(without), n)])

    def _aggregated(self, items: list[Any]) -> float:
        return self._held(self.read.task.aggregation()[self.number.name](items))

    def _held(self, value: Any) -> float:
        """A number of the task, within its scale.

        Raises: UserError: it is none, or lies outside.
        """
        if isinstance(value, bool | int | float | np.number) and math.isfinite(value):
            if self.number.scale.contains(float(value)):
                return float(value)
            raise UserError(
                "metric {name}: the task gave {value}, and {measure} was taken to lie from {low} to {high}. Write "
                "low and high beside the metric's name.",
                name=self.metric,
                value=value,
                measure=self.number.name,
                low=self.number.scale.low,
                high=self.number.scale.high,
            )
        raise UserError(
            "metric {name}: the task gave {value} as {measure}, which is no number. Name another of its numbers.",
            name=self.metric,
            value=quoted(value),
            measure=self.number.name,
        )

    def _answers(self, asked: Asked, responses: Sequence[Any]) -> tuple[str, ...]:
        """Each document's answer as text: what was written, or the likeliest choice; empty where there is none."""
        kind = self.read.kind
        if kind == "generate_until":
            return tuple(str(responses[i]) for i in asked.gold_of)
        if kind != "multiple_choice":
            return ()
        likelihoods: dict[int, list[float]] = {}
        for instance, response in zip(asked.instances, responses, strict=True):
            likelihoods.setdefault(instance.doc_id, []).append(response[0])
        docs = {instance.doc_id: instance.doc for instance in asked.instances}
        return tuple(self._chosen(docs[index], found) for index, found in likelihoods.items())

    def _chosen(self, doc: Any, likelihoods: Sequence[float]) -> str:
        choices = [str(choice) for choice in self.read.task.doc_to_choice(doc)]
        lengths = {"acc_norm": [len(c) for c in choices], "acc_bytes": [len(c.encode()) for c in choices]}
        by = lengths.get(self.number.name, [1] * len(choices))
        return choices[int(np.argmax(np.array(likelihoods[: len(choices)]) / by))]

    def share_of_right(self, asked: Asked) -> float:
        """What the task makes of its own right answers, on the standard scale."""
        texts = dict(zip(asked.gold_of, (example.gold for example in asked.split.examples), strict=True))
        right = [_right(instance, texts.get(i)) for i, instance in enumerate(asked.instances)]
        return float(self._standard(self._items(asked, right)).mean())


def _right(instance: Any, gold: str | None) -> Any:
    """The response of a model that knows the right answer."""
    if instance.request_type == "generate_until":
        return gold or ""
    return (0.0, True) if gold is not None else (-100.0, False)
