"""From answers to one score for each example, on the standard scale (`core.score`).

A metric by example scores each answer. A statistic of all rows is spread over the examples by the jackknife: the value
of example i is T + (n - 1)(mean of the leave-one-out values - T without i), so that the mean of the values is T itself
and their variance over n estimates that of T. Source: Tukey 1958 (Ann. Math. Stat. 29, 614); Efron, Stein 1981 (Ann.
Stat. 9, 586). Assumption: T is a smooth function of the rows, so that one row changes it little; decision 091.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import LikelihoodMetric, Metric, SetMetric
from tunebook.errors import UserError
from tunebook.evaluation.metrics import scored

__all__ = ["jackknifed", "likelihood_scores", "pseudo_values", "standard_scores", "statistic"]


def likelihood_scores(metric: LikelihoodMetric, nll: Floats, n_tokens: Sequence[int]) -> NDArray[np.float64]:
    """As `standard_scores`, of a metric that judges likelihoods.

    Args:
        nll, n_tokens: as `LikelihoodMetric.score_likelihoods`.
    """
    tokens, n = np.asarray(n_tokens, float), len(nll)
    whole = metric.score_likelihoods(nll, tokens)
    without = [metric.score_likelihoods(np.delete(nll, i), np.delete(tokens, i)) for i in range(n)] if n > 1 else []
    return np.array([metric.scale.standard(value) for value in jackknifed(whole, np.array(without), n)])


def standard_scores(metric: Metric, answers: Sequence[str], examples: Sequence[ExampleText]) -> NDArray[np.float64]:
    """One score an example on the standard scale, shape (n,); their mean is the metric's result.

    Raises:
        UserError: the metric failed, or gave no number within its bounds.
    """
    if metric.scale.is_by_example:
        scores = [scored(metric, answer, example) for answer, example in zip(answers, examples, strict=True)]
    else:
        scores = list(pseudo_values(metric, answers, examples))
    return np.array([metric.scale.standard(score) for score in scores])


def pseudo_values(metric: Metric, answers: Sequence[str], examples: Sequence[ExampleText]) -> NDArray[np.float64]:
    """The jackknife pseudo-values of a statistic of all rows, in its own unit, shape (n,).

    Rows with the same answer and the same right answers have the same value, so labels take few evaluations. A metric
    that can do better has a method `leave_one_out(answers, examples)`.

    Raises:
        UserError: as `statistic`.
    """
    whole, n = statistic(metric, answers, examples), len(answers)
    if n < 2:
        return jackknifed(whole, np.empty(0), n)
    faster = getattr(metric, "leave_one_out", None)
    without = np.asarray(faster(answers, examples), float) if faster else _without_each(metric, answers, examples)
    return jackknifed(whole, without, n)


def jackknifed(whole: float, without: Floats, n: int) -> NDArray[np.float64]:
    """Pseudo-values from a statistic of all n rows and of those without each."""
    return np.full(n, whole) if n < 2 else np.asarray(whole + (n - 1) * (without.mean() - without))


def _without_each(metric: Metric, answers: Sequence[str], examples: Sequence[ExampleText]) -> NDArray[np.float64]:
    known: dict[tuple[str, tuple[str, ...]], float] = {}
    values = []
    for i, (answer, example) in enumerate(zip(answers, examples, strict=True)):
        alike = (answer, example.golds)
        if alike not in known:
            rest = [*answers[:i], *answers[i + 1 :]], [*examples[:i], *examples[i + 1 :]]
            known[alike] = statistic(metric, *rest)
        values.append(known[alike])
    return np.array(values)


def statistic(metric: Metric, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
    """A metric's result on a whole split, in its own unit.

    Raises:
        UserError: the metric failed, or gave no number within its bounds.
    """
    if not isinstance(metric, SetMetric):
        raise UserError(
            "metric {name}: its result is {scale}, and it has no method score_all. Correct the metric.",
            name=metric.name,
            scale=metric.scale,
        )
    try:
        value = metric.score_all(answers, examples)
    except Exception as error:  # somebody else's code may raise anything
        raise UserError(
            "metric {name}: failed on {n_answers} rows with {kind}: {error}; a metric gives a score for any "
            "answers, also empty ones. Correct the function.",
            name=metric.name,
            n_answers=len(answers),
            kind=type(error).__name__,
            error=error,
        ) from error
    if isinstance(value, bool | int | float | np.floating) and math.isfinite(value) and metric.scale.contains(value):
        return float(value)
    low = "-∞" if metric.scale.low is None else f"{metric.scale.low:g}"
    high = "∞" if metric.scale.high is None else f"{metric.scale.high:g}"
    raise UserError(
        "metric {name}: gave {value!r} on {n_answers} rows; a score is a number from {low} to {high}. "
        "Correct the function.",
        name=metric.name,
        value=value,
        n_answers=len(answers),
        low=low,
        high=high,
    )
