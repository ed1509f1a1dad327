"""Figures of loss against epoch: the best configuration's, and those of all trials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunebook.core.facts import Curve, TrialFact
from tunebook.core.study import TrialState
from tunebook.record.facts import counts
from tunebook.record.plots.style import BLUE, GREEN, GREY, VERMILLION, WIDTH, Paper
from tunebook.record.view import View
from tunebook.statistics.curves import rose_again, still_falling
from tunebook.words import Words
from tunebook.words.numbers import number

__all__ = ["best", "everyone", "smoothed", "trend"]

MOST_POINTS = 120
"""Largest number of points of one curve; more could not be told apart."""
MOST_CURVES = 150
"""Largest number of trials whose curves are drawn together."""
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
    figure, axes = paper.subplots(figsize=(WIDTH, 4.0))
    last: list[float] = []
    for i, fact in enumerate(facts):
        axes.plot(
            *smoothed(fact.curve), color=BLUE, lw=1.2, alpha=0.8, label=words.label("leg_training") if i == 0 else None
        )
        epochs, losses = validation(fact)
        if losses:
            label = words.label("leg_validation") if not last else None
            axes.plot(epochs, losses, color=VERMILLION, ls="--", lw=1.0, label=label)
            for epoch, loss in zip(epochs, losses, strict=True):
                says = words.says_loss(fact.trial.id, epoch, loss)
                paper.mark(axes, epoch, loss, says, color=VERMILLION, marker="o", ms=4)
            last.append(losses[-1])
    _finish(axes, words)
    return figure, trend(words, facts)


def trend(words: Words, facts: list[TrialFact]) -> str:
    """Whether the loss rose again, was still falling at the end, or neither, with every seed."""
    turns, falls = [rose_again(f.curve) for f in facts], [still_falling(f.curve) for f in facts]
    if all(turns) and turns[0] is not None:
        _, lowest, last = turns[0]
        return words.says_curve("rose", (lowest, last))
    if all(falls) and falls[0] is not None and not any(turns):
        is_followed = all(len(validation(f)[1]) > 1 for f in facts)
        return words.says_curve("falls" if is_followed else "falls_in_training", falls[0])
    if any(turns) or any(falls):
        return words.says_curves_differ(sum(map(bool, falls)), sum(map(bool, turns)), len(facts))
    return words.says_curve("level", None)


def everyone(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Training loss of every trial on the left, validation loss on the right."""
    facts = [f for f in view.final if f.curve.steps]
    if len(facts) < 2:
        return None
    has_validation = any(validation(f)[0] for f in facts)
    figure, panels = paper.subplots(1, 2 if has_validation else 1, figsize=(WIDTH, 4.0), squeeze=False)
    chosen = view.conclusions.best
    order = sorted(_some(facts), key=lambda f: _importance(view, f, chosen.key if chosen else ""))
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
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    became = counts(view)
    return figure, words.says_curves(became["trained"], became["broke"])


def _some(facts: list[TrialFact]) -> list[TrialFact]:
    """All trials, or as many as can be told apart, spread over the study."""
    places = np.unique(np.linspace(0, len(facts) - 1, min(MOST_CURVES, len(facts))).astype(int))
    return [facts[i] for i in places]


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
