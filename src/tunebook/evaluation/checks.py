"""A metric held against the data before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunebook.core.facts import ExampleText
from tunebook.core.metric import AnswerSource, Metric
from tunebook.core.notice import Notice
from tunebook.core.service_metric import ServiceMetric
from tunebook.evaluation.judging import statistic
from tunebook.evaluation.metrics import scored

__all__ = ["check_data"]


def check_data(
    metric: Metric,
    examples: Mapping[str, Sequence[ExampleText]],
    places: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Notice, ...]:
    """Refuse a metric that cannot judge these examples.

    Args:
        examples: the scored examples by split.
        places: where they stand ("validation.jsonl:7"), by split; without it messages count the split's rows.

    Returns: what may mislead.

    Raises:
        DataError: a gold text that the metric cannot judge, with split, row and text.
        UserError: it fails on a gold text, which is the easiest answer there is, or on empty answers; or the service
            that it asks does not answer.
    """
    if places is None:
        places = {split: [f"{split} row {row.index + 1}" for row in rows] for split, rows in examples.items()}
    doubts = [_notice(doubt) for doubt in metric.check(examples, places)]
    if isinstance(metric, ServiceMetric):
        metric.try_out(next(rows[0] for rows in examples.values() if rows))
        return tuple(doubts)
    for rows in examples.values():
        if metric.answers is AnswerSource.LIKELIHOOD:
            continue
        if rows and metric.scale.is_by_example:
            scored(metric, rows[0].gold, rows[0])
        elif rows:
            statistic(metric, [row.gold for row in rows], rows)
            statistic(metric, [""] * len(rows), rows)
    return tuple(doubts)


def _notice(doubt: str | Notice) -> Notice:
    return Notice("said", {"text": doubt}) if isinstance(doubt, str) else doubt
