"""Figures of loss against epoch: the best configuration's, and those of all trials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunebook.core.facts import Curve, TrialFact
from tunebook.core.learning_curve import points_of
from tunebook.core.study import TrialState
from tunebook.record.plots.style import BLUE, GREEN, GREY, PAPER, VERMILLION, Paper
from tunebook.record.view import View
from tunebook.statistics.learning_curve import forecast
from tunebook.words import Words
from tunebook.words.numbers import number

__all__ = ["best", "everyone", "more_rows", "smoothed"]

MOST_POINTS = 120
"""Largest number of points of one curve; more could not be told apart."""
SMOOTHING_SHARE = 0.04
"""Share of the steps that the running mean covers (at least three steps)."""


def smoothed(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(epochs, running mean of the training loss), thinned to `MOST_POINTS`; finite losses only."""
    points = [(s.epoch, s.loss) for s in curve.steps if math.isfinite(s.loss)]
    if not points:
        return np.array([]), np.array([])
    epochs, losses = np.array(points).T
    width = min(len(losses), max(3, int(SMOOTHING_SHARE * len(losses))))
    sums = np.cumsum(np.concatenate([np.zeros(1), losses]))
    starts = np.maximum(0, np.arange(1, len(losses) + 1) - width)
    means = (sums[1:] - sums[starts]) / (np.arange(1, len(losses) + 1) - starts)
    keep = np.unique(np.linspace(0, len(means) - 1, min(MOST_POINTS, len(means))).astype(int))
    return epochs[keep], means[keep]


def validation(fact: TrialFact) -> tuple[list[float], list[float]]:
    """(epochs, validation losses) of a trial's curve."""
    taken = [(e.epoch, e.loss) for e in fact.curve.evaluations if math.isfinite(e.loss) and e.split == "validation"]
    return [e for e, _ in taken], [loss for _, loss in taken]


def best(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Training and validation loss of every replicate of the best configuration."""
    chosen = view.conclusions.best
    facts = [f for f in view.by_key.get(chosen.key, []) if f.curve.steps] if chosen else []
    if chosen is None or not facts:
        return None
    figure, axes = paper.subplots(figsize=(7.2, 4.0))
    last: list[float] = []
    for i, fact in enumerate(facts):
        axes.plot(
            *smoothed(fact.curve), color=BLUE, lw=1.2, alpha=0.8, label=words.label("leg_training") if i == 0 else None
        )
        epochs, losses = validation(fact)
        if losses:
            axes.plot(
                epochs,
                losses,
                color=VERMILLION,
                ls="--",
                marker="o",
                ms=4,
                lw=1.0,
                label=words.label("leg_validation") if not last else None,
            )
            last.append(losses[-1])
    _finish(axes, words)
    lowest = f"{words.label('list_gap')}{words.label('leg_validation')} {number(float(np.mean(last)))}" if last else ""
    return figure, f"{words.label('fig_curve_best')} {words.settings(view.configurations[chosen.key])}{lowest}"


def everyone(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Training loss of every trial on the left, validation loss on the right."""
    facts = [f for f in view.final if f.curve.steps]
    if len(facts) < 2:
        return None
    has_validation = any(validation(f)[0] for f in facts)
    figure, panels = paper.subplots(1, 2 if has_validation else 1, figsize=(7.2, 4.0), squeeze=False)
    chosen = view.conclusions.best
    order = sorted(facts, key=lambda f: _importance(view, f, chosen.key if chosen else ""))
    seen: set[str] = set()
    for fact in order:
        label, style = _style(view, fact, chosen.key if chosen else "")
        name = words.label(label) if label not in seen else None
        seen.add(label)
        epochs, losses = smoothed(fact.curve)
        panels[0][0].plot(epochs, losses, label=name, **style)
        if fact.state is TrialState.DIVERGED and len(losses):
            panels[0][0].plot(epochs[-1], losses[-1], marker="x", color=VERMILLION, ms=7, mew=1.8)
        if has_validation and validation(fact)[0]:
            panels[0][1].plot(*validation(fact), marker="o", ms=2, **style)
    for axes, title in zip(panels[0], ("leg_training", "leg_validation"), strict=False):
        axes.set_yscale("log")
        paper.log_ticks(axes.yaxis, lambda y: number(y, 2))
        axes.set_title(words.label(title), fontweight="normal", fontsize=10)
        axes.set_xlabel(words.label("ax_epoch"))
    panels[0][0].set_ylabel(words.label("ax_loss"))
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure, f"{words.label('fig_curves')} {words.n_trials(len(facts))}"


def _importance(view: View, fact: TrialFact, best_key: str) -> int:
    key = fact.trial.effective.key
    return 3 if key == best_key else 2 if key == view.baseline_key else int(fact.state is TrialState.DIVERGED)


def _style(view: View, fact: TrialFact, best_key: str) -> tuple[str, dict[str, Any]]:
    if fact.trial.effective.key == best_key:
        return "leg_best", {"color": BLUE, "lw": 1.4, "ls": "-"}
    if fact.trial.effective.key == view.baseline_key:
        return "leg_baseline", {"color": GREEN, "lw": 1.2, "ls": "--"}
    if fact.state is TrialState.DIVERGED:
        return "leg_diverged", {"color": VERMILLION, "lw": 1.2, "ls": ":"}
    return "leg_all", {"color": GREY, "lw": 0.7, "ls": "-", "alpha": 0.7}


def _finish(axes: Any, words: Words) -> None:
    axes.set_xlabel(words.label("ax_epoch"))
    axes.set_ylabel(words.label("ax_loss"))
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.legend()


def more_rows(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """The learning curve over training rows, and the forecast for twice as many."""
    points = [point for point in points_of(view.notes) if point.scores]
    if len({point.rows for point in points}) < 2:
        return None
    found = forecast(points_of(view.notes))
    at = [(point.rows, sum(point.scores) / len(point.scores)) for point in points]
    figure, axes = paper.subplots(figsize=(6.4, 3.2))
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
    return figure, words.join(words.curve_lines(points_of(view.notes), found))
