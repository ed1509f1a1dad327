"""The metrics by name, and whether one fits the data."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tunebook.core.facts import ExampleText
from tunebook.core.notice import Notice
from tunebook.errors import DataError, StudyFileError
from tunebook.escaping import quoted
from tunebook.evaluation.function import load_function
from tunebook.evaluation.number import Number
from tunebook.evaluation.text import Choice, Contains, ExactMatch

__all__ = ["METRICS", "Metric", "check_metric", "load_metric"]

LONG_GOLD_CHARACTERS = 100
"""Gold texts of this mean length are hardly ever met word for word."""


class Metric(Protocol):
    """Judges one answer."""

    @property
    def name(self) -> str:
        """As in the study file."""
        ...

    @property
    def kind(self) -> str:
        """How answers are obtained: "generate" or "choice"."""
        ...

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """How right the answer is, in [0, 1]."""
        ...

    def parsable(self, answer: str) -> bool:
        """Whether the answer is one that could be right at all; many that are not show a collapsed model."""
        ...


METRICS: dict[str, Metric] = {metric.name: metric for metric in (ExactMatch(), Choice(), Number(), Contains())}
"""The built-in metrics."""


def load_metric(name: str, folder: str | Path = ".") -> Metric:
    """The metric of that name.

    Args:
        name: exact_match, choice, number, contains or module:function.
        folder: where a user's module is looked for first.

    Raises:
        StudyFileError: there is no such metric.
    """
    if name in METRICS:
        return METRICS[name]
    if ":" in name:
        return load_function(name, Path(folder))
    raise StudyFileError(
        f"metric: found {name!r}; it is one of {', '.join(METRICS)}, or module:function. Correct it in the study file."
    )


def check_metric(
    name: str,
    folder: str | Path,
    examples: Mapping[str, Sequence[ExampleText]],
    places: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Notice, ...]:
    """Refuse a metric that cannot judge these examples.

    Args:
        name, folder: as for `load_metric`.
        examples: the scored examples by split.
        places: where they stand ("validation.jsonl:7"), by split; without it messages count the split's rows.

    Returns: what may mislead.

    Raises:
        DataError: a gold text that the metric cannot judge, with split, row and text.
        UserError: the user's function fails on a gold text, which is the easiest answer there is.
    """
    metric = load_metric(name, folder)
    for split, rows in examples.items():
        for row in rows:
            if not metric.parsable(row.gold):
                place = places[split][row.index] if places else f"{split} row {row.index + 1}"
                raise DataError(_unfit(name, row, place))
        if ":" in name and rows:
            metric.score(rows[0].gold, rows[0].gold, rows[0])
    return _doubts(name, examples)


def _unfit(name: str, row: ExampleText, place: str) -> str:
    needed, other = ("a number", ", or use exact_match or contains") if name == "number" else ("a text", "")
    return (
        f"{place}: completion: found {quoted(row.gold)}; metric {name} needs {needed} in every "
        f"gold answer. Correct the row{other}."
    )


def _doubts(name: str, examples: Mapping[str, Sequence[ExampleText]]) -> tuple[Notice, ...]:
    golds = [row.gold for rows in examples.values() for row in rows]
    if name != "exact_match" or not golds:
        return ()
    mean = statistics.fmean(len(gold) for gold in golds)
    if mean < LONG_GOLD_CHARACTERS:
        return ()
    numbers = all(METRICS["number"].parsable(gold) for gold in golds)
    return (Notice("long_golds", {"characters": round(mean), "all_numbers": numbers}),)
