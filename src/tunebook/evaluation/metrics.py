"""A study's metric: found by name, checked on the data, and asked for scores that are held to its own promises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.core.metric import Metric
from tunebook.core.notice import Notice
from tunebook.errors import StudyFileError, UserError
from tunebook.evaluation.function import load_function
from tunebook.plugins import METRICS

__all__ = ["check_data", "load_metric", "scored"]


def load_metric(name: str, folder: str | Path = ".", options: Mapping[str, Any] | None = None) -> Metric:
    """The metric of that name.

    Args:
        name: an installed metric, or module:function.
        folder: where a user's module is looked for first.
        options: what the study file says beside the name.

    Raises:
        StudyFileError: there is no such metric, it cannot be imported, or it does not take these options.
    """
    options = dict(options or {})
    if ":" in name:
        if options:
            raise StudyFileError(
                f"metric: found options {', '.join(options)} for {name}; a function has none. Write them into it."
            )
        return load_function(name, Path(folder))
    factory = METRICS.load(name)
    try:
        return factory(**options)
    except (TypeError, ValueError) as error:
        raise StudyFileError(f"metric: {name} does not take these options ({error}). Correct them.") from error


def check_data(
    metric: Metric,
    examples: Mapping[str, Sequence[ExampleText]],
    places: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Notice, ...]:
    """Refuse a metric that cannot judge these examples, or whose result the statistics cannot judge.

    Args:
        examples: the scored examples by split.
        places: where they stand ("validation.jsonl:7"), by split; without it messages count the split's rows.

    Returns: what may mislead.

    Raises:
        StudyFileError: its scores are no mean over examples within [0, 1].
        DataError: a gold text that the metric cannot judge, with split, row and text.
        UserError: it fails on a gold text, which is the easiest answer there is.
    """
    if not metric.scale.is_judged:
        raise StudyFileError(
            f"metric: found {metric.name}, whose result is {metric.scale}; findings are judged for shares and for "
            "means of scores from 0 to 1, higher being better. Use a metric that scores each example from 0 to 1."
        )
    if places is None:
        places = {split: [f"{split} row {row.index + 1}" for row in rows] for split, rows in examples.items()}
    doubts = [_notice(doubt) for doubt in metric.check(examples, places)]
    for rows in examples.values():
        if rows:
            scored(metric, rows[0].gold, rows[0])
    return tuple(doubts)


def _notice(doubt: str | Notice) -> Notice:
    return Notice("said", {"text": doubt}) if isinstance(doubt, str) else doubt


def scored(metric: Metric, answer: str, example: ExampleText) -> float:
    """The score of an answer, as the metric's scale promises it; of several right answers the nearest counts.

    Raises:
        UserError: the metric failed, or gave no number within its bounds; the message names metric and example.
    """
    best = max if metric.scale.higher_is_better else min
    return best(_scored(metric, answer, gold, example) for gold in example.golds)


def _scored(metric: Metric, answer: str, gold: str, example: ExampleText) -> float:
    where = f"metric {metric.name}: "
    try:
        value = metric.score(answer, gold, example)
    except Exception as error:  # somebody else's code may raise anything
        raise UserError(
            f"{where}failed on example {example.index} with {type(error).__name__}: {error}; a metric gives a "
            "score for any answer, also an empty one. Correct the function."
        ) from error
    if isinstance(value, bool | int | float) and math.isfinite(value) and metric.scale.contains(value):
        return float(value)
    low, high = ("any number" if end is None else f"{end:g}" for end in (metric.scale.low, metric.scale.high))
    raise UserError(
        f"{where}gave {value!r} on example {example.index}; a score is a number from {low} to {high}. "
        "Correct the function."
    )
