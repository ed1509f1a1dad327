"""The figure of a learning curve, with what twice the rows would bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunebook.core.learning_curve import points_of
from tunebook.record.plots.style import BLUE, PAPER, VERMILLION, WIDTH, Paper
from tunebook.record.view import View
from tunebook.statistics.learning_curve import forecast
from tunebook.words import Words

__all__ = ["more_rows"]


def more_rows(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """The learning curve over training rows, and the forecast for twice as many."""
    points = [point for point in points_of(view.notes) if point.scores]
    if len({point.rows for point in points}) < 2:
        return None
    found = forecast(points_of(view.notes), view.facts.data.n_train)
    at = [(point.rows, sum(point.scores) / len(point.scores)) for point in points]
    figure, axes = paper.subplots(figsize=(WIDTH, 3.2))
    axes.plot(
        [x for x, _ in at], [view.scale.shown(y) for _, y in at],
        marker="o", color=BLUE, mfc=PAPER, ls="", label=words.label("leg_measured"),
    )  # fmt: skip
    rows = sorted({x for x, _ in at})
    means = [view.scale.shown(float(np.mean([y for x, y in at if x == each]))) for each in rows]
    axes.plot(rows, means, color=BLUE, lw=1.2)
    if found.gain is not None and found.interval is not None:
        last = float(np.mean([y for x, y in at if x == rows[-1]]))
        ends = [view.scale.shown(last + end) for end in found.interval]
        style = {"color": VERMILLION, "lw": 2}
        axes.plot([2 * found.rows] * 2, ends, **style)
        axes.plot(
            2 * found.rows, view.scale.shown(last + found.gain),
            marker="D", color=VERMILLION, ls="", label=words.label("leg_forecast"),
        )  # fmt: skip
    axes.set_xscale("log")
    paper.log_ticks(axes.xaxis, lambda x: f"{x:g}")
    axes.set_xlabel(words.label("ax_rows"))
    axes.set_ylabel(words.label("ax_validation"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure, words.curve_lines(points_of(view.notes), found)[-1]
