"""The deciding metric against another one, where they pull apart: the configurations that none beats in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.record.plots.style import BLUE, GREEN, GREY, PAPER, VERMILLION, Paper
from tunebook.record.view import OtherMetric, View
from tunebook.words import Words, words_for

__all__ = ["front", "pull_apart", "trade_offs"]

MOST_PANELS = 3
Measured = tuple[float, tuple[float, float]]
"""A mean with its 95 % interval, on the standard scale: more is better."""


@dataclass(frozen=True)
class _Both:
    """A configuration by both metrics."""

    key: str
    deciding: Measured
    other: Measured


def trade_offs(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """A panel for each metric that pulls the other way than the deciding one; None: there is none."""
    deciding = {key: found for key in view.configurations if (found := view.accuracy(view.replicates(key)))}
    panels = [(other, both) for other in view.others if pull_apart(both := _by_both(deciding, other.configurations))]
    panels = panels[:MOST_PANELS]
    if not panels:
        return None
    figure, all_axes = paper.subplots(1, len(panels), figsize=(min(7.2, 1.6 + 2.8 * len(panels)), 3.4), squeeze=False)
    for axes, (other, both) in zip(all_axes[0], panels, strict=True):
        _panel(axes, view, words, other, both)
    figure.legend(*all_axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure, words.join([_says(words, other, front(both)) for other, both in panels])


def _says(words: Words, other: OtherMetric, ends: list[_Both]) -> str:
    own = words_for(words.language, other.scale)
    first, last = ((words.measured(end.deciding[0]), own.measured(end.other[0])) for end in (ends[0], ends[-1]))
    return words.says_trade_off(own.measure, len(ends), first, last)


def front(both: list[_Both]) -> list[_Both]:
    """Those that no other beats in one metric without being worse in the other, the best by the deciding one first."""
    found: list[_Both] = []
    for each in sorted(both, key=lambda b: (-b.deciding[0], -b.other[0])):
        if not found or each.other[0] > found[-1].other[0]:
            found.append(each)
    return found


def pull_apart(both: list[_Both]) -> bool:
    """Whether the ends of the front differ by more than noise: their intervals lie apart in one of the metrics, and by
    the other they are further apart than half an interval."""
    ends = front(both)
    if len(ends) < 2:
        return False
    first, last = ends[0], ends[-1]
    gaps = [
        (first.deciding[0] - last.deciding[0], _half(first.deciding), _half(last.deciding)),
        (last.other[0] - first.other[0], _half(first.other), _half(last.other)),
    ]
    apart = [gap > one + two for gap, one, two in gaps]
    some = [gap > max(one, two) / 2 for gap, one, two in gaps]
    return any(apart) and all(some)


def _half(measured: Measured) -> float:
    return (measured[1][1] - measured[1][0]) / 2


def _by_both(deciding: Mapping[str, Measured], other: Mapping[str, Measured]) -> list[_Both]:
    return [_Both(key, found, other[key]) for key, found in deciding.items() if key in other]


def _panel(axes: Any, view: View, words: Words, other: OtherMetric, both: list[_Both]) -> None:
    shown, own = view.scale.shown, other.scale.shown
    best = view.conclusions.best.key if view.conclusions.best else None
    ends = front(both)
    axes.plot(
        [shown(b.deciding[0]) for b in ends], [own(b.other[0]) for b in ends],
        color=BLUE, lw=1.2, label=words.label("leg_front"),
    )  # fmt: skip
    told: set[str] = set()
    for each in both:
        role, marker, colour, size = (
            ("leg_best", "*", VERMILLION, 13)
            if each.key == best
            else ("leg_baseline", "D", GREEN, 7)
            if each.key == view.baseline_key
            else ("leg_other", "o", GREY, 5)
        )
        x, y = shown(each.deciding[0]), own(each.other[0])
        axes.plot([*map(shown, each.deciding[1])], [y, y], color=colour, lw=0.8, alpha=0.6)
        axes.plot([x, x], [*map(own, each.other[1])], color=colour, lw=0.8, alpha=0.6)
        label = None if role in told else words.label(role)
        told.add(role)
        axes.plot(
            x, y, marker=marker, color=colour, mfc=PAPER if role == "leg_other" else colour, ms=size, ls="", label=label
        )
    axes.set_xlabel(words.label("ax_validation"))
    named = words_for(words.language, other.scale)
    axes.set_ylabel(f"{other.scale.noun} {named.bracketed(named.unit)}")
