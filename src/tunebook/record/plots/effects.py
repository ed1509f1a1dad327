"""Figures of what matters: effects with their simultaneous intervals, learning rate with the rate where training
breaks, importance."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np

from tunebook.core.facts import TrialFact
from tunebook.core.findings import Finding, Importance, SweetSpot, Verdict
from tunebook.record.names import control_name, is_baseline, name
from tunebook.record.plots.style import BLUE, GREEN, GREY, PAPER, SERIES, VERMILLION, WIDTH, Paper
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import rate, value

__all__ = ["effects", "importance", "learning_rate"]

MOST_ROWS = 30
LABEL_CHARACTERS = {"en": 25, "zh": 15}
"""Width in characters of the lines that a long name is broken into. Nothing is cut: two rows could look alike."""
FEWEST_RATES = 3
"""A configuration gets its own line if it was trained at this many rates or more."""


def effects(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """A forest plot of every difference from the baseline, in the order in which the questions were asked."""
    shown = [
        f
        for f in view.findings()
        if (f.kind.is_fitted or (is_baseline(view, f.control_key) and f.kind.value == "difference"))
        and math.isfinite(f.effect)
    ][-MOST_ROWS:]
    if not shown:
        return None
    names = _row_names(view, words, shown)
    lines = max(text.count("\n") + 1 for text in names)
    figure, axes = paper.subplots(figsize=(WIDTH, 1.6 + (0.15 + 0.17 * lines) * len(shown)))
    labels: set[str] = set()
    for row, finding in enumerate(shown):
        _whisker(paper, axes, words, row, finding, labels, _named(view, words, finding))
    _margin_bands(axes, view, words, shown)
    axes.axvline(0, color=GREEN, lw=1.2)
    axes.set_yticks(range(len(shown)), names, fontsize=9)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(words.label("ax_effect"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    better, worse = (sum(f.verdict is verdict for f in shown) for verdict in (Verdict.BETTER, Verdict.WORSE))
    to_baseline = not any(f.kind.is_fitted for f in shown)
    return figure, words.says_effects(better, worse, len(shown) - better - worse, to_baseline)


def _margin_bands(axes: Any, view: View, words: Words, shown: list[Finding]) -> None:
    """The margin behind the rows: that which each round was judged with, which the user may have changed since."""
    top = -0.5
    label: str | None = words.label("leg_margin")
    for margin, rows in groupby(shown, key=lambda finding: view.margin_of(finding.round) * view.scale.step):
        bottom = top + len(list(rows))
        axes.fill_betweenx([top, bottom], -margin, margin, color=GREY, alpha=0.13, lw=0, label=label)
        top, label = bottom, None


def _whisker(paper: Paper, axes: Any, words: Words, row: int, finding: Finding, labels: set[str], what: str) -> None:
    decided = finding.is_difference
    key = {Verdict.BETTER: "better", Verdict.WORSE: "worse"}.get(finding.verdict, "leg_no_verdict")
    colour = {Verdict.BETTER: BLUE, Verdict.WORSE: VERMILLION}.get(finding.verdict, GREY)
    low, high = map(words.scale.shown_difference, finding.interval)
    axes.plot([low, high], [row, row], color=colour, lw=1.8 if decided else 1.2, solid_capstyle="butt")
    marker = {Verdict.BETTER: "o", Verdict.WORSE: "s"}.get(finding.verdict, "D")
    paper.mark(
        axes,
        words.scale.shown_difference(finding.effect),
        row,
        words.colon(what, words.effect_points(finding)),
        marker=marker,
        color=colour,
        mfc=colour if decided else PAPER,
        ms=6,
        label=words.label(key) if key not in labels else None,
    )
    labels.add(key)


def _named(view: View, words: Words, finding: Finding) -> str:
    """What is compared; of a balanced design the two levels."""
    if finding.kind.is_fitted and finding.factor is not None and len(finding.levels) == 2:
        low, high = (value(finding.factor, level) for level in finding.levels)
        if finding.kind.value == "curvature":
            return words.middle_of(finding.factor, low, high)
        return f"{words.factor(finding.factor)} {low} → {high}"
    return name(view, words, finding.treatment_key)


def _row_names(view: View, words: Words, shown: list[Finding]) -> list[str]:
    """A name for each row, no two alike: of two with the same treatment the other one's control is named too."""
    texts = []
    for finding in shown:
        text = _named(view, words, finding)
        if finding.split == "test":
            text = f"{text}{words.label('word_gap')}{words.bracketed(words.label(finding.split))}"
        texts.append(text)
    for i, finding in enumerate(shown):
        if texts.count(texts[i]) > 1 and finding.control_key not in ("", view.baseline_key):
            other = words.versus(control_name(view, words, finding.control_key))
            texts[i] += words.label("enum_gap") + other.strip()
    width = LABEL_CHARACTERS[words.language]
    return ["\n".join(_broken(text, words.label("enum_gap"), width)) for text in texts]


def _broken(text: str, comma: str, width: int) -> list[str]:
    """Lines of about `width` characters, broken only after commas."""
    lines = [""]
    for part in text.split(comma):
        if not lines[-1]:
            lines[-1] = part
        elif len(lines[-1]) + len(comma) + len(part) <= width:
            lines[-1] += comma + part
        else:
            lines[-1] += comma.rstrip()
            lines.append(part)
    return lines


def learning_rate(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Accuracy against learning rate, one line for each configuration tried at several rates, and where it breaks."""
    families: dict[str, list[TrialFact]] = {}
    for fact in view.final:
        if fact.state.is_answer and ("validation" in fact.outcomes or not fact.state.did_train):
            families.setdefault(fact.trial.effective.with_values(learning_rate=1.0).key, []).append(fact)
    rates = {f.trial.effective.learning_rate for family in families.values() for f in family}
    if len(rates) < FEWEST_RATES:
        return None
    ranked = sorted(
        families.values(), key=lambda fs: (-len({f.trial.effective.learning_rate for f in fs}), fs[0].trial.id)
    )
    lined = [fs for fs in ranked if len({f.trial.effective.learning_rate for f in fs}) >= FEWEST_RATES][: len(SERIES)]
    figure, axes = paper.subplots(figsize=(WIDTH, 4.3))
    _zones(axes, view, words)
    rest = [f for fs in ranked if fs not in lined for f in fs if view.evidence.how_it_ended(f) is None]
    axes.plot(
        [f.trial.effective.learning_rate for f in rest],
        [view.scale.shown(_mean_accuracy([f])) for f in rest],
        ls="",
        marker=".",
        color=GREY,
        label=words.label("leg_other") if rest else None,
    )
    for (colour, marker, line), family in zip(SERIES, lined, strict=False):
        _rate_line(paper, axes, view, words, family, (colour, marker, line))
    floor = axes.get_ylim()[0]
    broken = [f for fs in ranked for f in fs if view.evidence.how_it_ended(f) is not None]
    axes.plot(
        [f.trial.effective.learning_rate for f in broken],
        [floor] * len(broken),
        ls="",
        marker="x",
        ms=8,
        mew=2,
        color=VERMILLION,
        clip_on=False,
        label=words.label("leg_failed") if broken else None,
    )
    axes.set_ylim(bottom=floor)
    axes.set_xscale("log")
    paper.log_ticks(axes.xaxis, rate)
    axes.set_xlabel(words.label("ax_rate"))
    axes.set_ylabel(words.label("ax_validation"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    spot = _sweet_rate(view)
    boundary = view.conclusions.boundary
    ends = (rate(spot.low), rate(spot.high)) if spot is not None else None
    return figure, words.says_rate(ends, boundary.failed_at if boundary is not None else None)


def _sweet_rate(view: View) -> SweetSpot | None:
    return next((s for s in view.conclusions.sweet_spots if s.factor == "learning_rate"), None)


def _zones(axes: Any, view: View, words: Words) -> None:
    spot = _sweet_rate(view)
    if spot is not None:
        axes.axvspan(spot.low, spot.high, color=GREEN, alpha=0.15, lw=0, label=words.label("leg_sweet"))
    boundary = view.conclusions.boundary
    if boundary is None or boundary.failed_at is None or boundary.lowest_failed is None:
        return
    zone = {"facecolor": "none", "edgecolor": VERMILLION, "lw": 0}
    axes.axvspan(boundary.held_at, boundary.failed_at, alpha=0.5, hatch="///", label=words.label("leg_zone"), **zone)
    beyond = [(boundary.highest_trained, boundary.held_at), (boundary.failed_at, boundary.lowest_failed)]
    for i, (low, high) in enumerate(ends for ends in beyond if ends[0] < ends[1]):
        axes.axvspan(low, high, alpha=0.3, hatch="/", label=words.label("leg_beyond") if i == 0 else None, **zone)


def _rate_line(
    paper: Paper, axes: Any, view: View, words: Words, family: list[TrialFact], series: tuple[str, str, str]
) -> None:
    """The mean at each rate with its 95 % interval, joined by a line; `series` is its colour, marker and line style."""
    colour, marker, line = series
    by_rate: dict[float, list[TrialFact]] = {}
    for fact in family:
        if view.evidence.how_it_ended(fact) is None:
            by_rate.setdefault(fact.trial.effective.learning_rate, []).append(fact)
    xs = sorted(by_rate)
    base = view.spec.baseline.learning_rate
    label = words.changes(family[0].trial.configuration.with_values(learning_rate=base), view.spec.baseline)
    means = [view.scale.shown(_mean_accuracy(by_rate[x])) for x in xs]
    axes.plot(xs, means, color=colour, ls=line, lw=1.4, marker=marker, ms=5.5, label=label)
    for x in xs:
        measured = view.accuracy(by_rate[x])
        if measured:
            axes.plot([x, x], [*map(view.scale.shown, measured[1])], color=colour, lw=1, alpha=0.8)
            says = words.colon(words.setting("learning_rate", x), words.accuracy(*measured))
            at = view.scale.shown(_mean_accuracy(by_rate[x]))
            paper.mark(axes, x, at, says, color=colour, marker=marker, ms=5.5)


def _mean_accuracy(facts: list[TrialFact]) -> float:
    return float(np.mean([fact.outcomes["validation"].accuracy for fact in facts]))


def importance(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Share of variance on the left; rank with its bootstrap interval on the right. Factors below the noise are
    hollow."""
    rows = sorted(view.conclusions.importance, key=lambda i: (not i.ranked, i.rank))
    if not rows:
        return None
    figure, (left, right) = paper.subplots(1, 2, figsize=(WIDTH, 1.6 + 0.36 * len(rows)), sharey=True)
    for y, item in enumerate(rows):
        colour = BLUE if item.ranked else GREY
        paper.mark(left, item.share * 100, y, _weighed(words, item), marker="|", color=colour, ms=12)
        left.barh(
            y,
            item.share * 100,
            height=0.6,
            color=colour if item.ranked else "none",
            edgecolor=colour,
            hatch=None if item.ranked else "////",
            lw=1,
        )
        if item.ranked:
            low, high = item.rank_interval
            right.plot([low, high], [y, y], color=colour, lw=2)
            right.plot(item.rank, y, marker="o", color=colour, ms=7)
        else:
            right.text(
                0.98,
                y,
                words.no_effect_above(item.nothing_above),
                va="center",
                ha="right",
                fontsize=7.5,
                transform=right.get_yaxis_transform(),
            )
    left.set_yticks(range(len(rows)), [words.factor(i.factor) for i in rows])
    left.set_ylim(len(rows) - 0.5, -0.5)
    left.set_xlabel(words.label("ax_share"), fontsize=8)
    right.set_xlabel(words.label("ax_rank"), fontsize=8)
    right.set_xticks(range(1, len(rows) + 1))
    right.set_xlim(0.5, len(rows) + 0.5)
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
    top = rows[0]
    return figure, words.says_importance(top.factor if top.ranked else None, top.share)


def _weighed(words: Words, item: Importance) -> str:
    """A factor's share, or how large an effect would have been seen."""
    told = words.percent(item.share, 0) if item.ranked else words.no_effect_above(item.nothing_above)
    return words.colon(words.factor(item.factor), told)
