"""Figures of the whole study: accuracy against cost, round by round, validation against test, and what ran when."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from tunebook.core.facts import TrialFact
from tunebook.core.study import SCORED_PART, TRAINED_AHEAD, Purpose, RoundKind, TrialState
from tunebook.record.cost import relative_work
from tunebook.record.names import name
from tunebook.record.plots.style import BLUE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, SKY, VERMILLION, WIDTH, Paper
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import times

__all__ = ["confirmation", "cost", "rounds", "timeline"]

WIDE_RANGE = 8.0
"""Costs that differ by more than this factor are shown on a log scale."""
ROUND_STYLES = ((BLUE, None), (ORANGE, "//"), (GREEN, "\\\\"), (PURPLE, "xx"), (SKY, ".."), (GREY, None))
BESIDE = {TRAINED_AHEAD: "|||", SCORED_PART: "---"}
"""Notes on what workers did beside the trials that were theirs, with their hatches; drawn below a worker's slots."""
BELOW = 1 << 30


def cost(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Every configuration that trained: validation accuracy with its 95 % interval against training work."""
    conclusions = view.conclusions
    best_key = conclusions.best.key if conclusions.best else ""
    dots: dict[str, list[tuple[float, float, float, float]]] = {}
    names: dict[tuple[str, int], str] = {}
    for key in view.by_key:
        measured = view.accuracy(view.replicates(key))
        work = relative_work(view, key)
        if measured is None or work is None:
            continue
        role = (
            "leg_best"
            if key == best_key
            else "leg_baseline"
            if key == view.baseline_key
            else "leg_tie"
            if key in conclusions.tie_set
            else "leg_other"
        )
        dots.setdefault(role, []).append((work, measured[0], *measured[1]))
        names[role, len(dots[role]) - 1] = name(view, words, key)
    every = [dot for group in dots.values() for dot in group]
    if len(every) < 2:
        return None
    figure, axes = paper.subplots(figsize=(WIDTH, 4.0))
    styles = {
        "leg_other": ("o", GREY, PAPER, 5),
        "leg_tie": ("o", BLUE, BLUE, 6),
        "leg_baseline": ("D", GREEN, GREEN, 7),
        "leg_best": ("*", VERMILLION, VERMILLION, 14),
    }
    for role, (marker, colour, fill, size) in styles.items():
        for i, (x, y, low, high) in enumerate(dots.get(role, [])):
            axes.plot([x, x], [*map(view.scale.shown, (low, high))], color=colour, lw=1, alpha=0.7)
            paper.mark(
                axes,
                x,
                view.scale.shown(y),
                words.colon(names[role, i], words.comma.join([words.accuracy(y, (low, high)), times(x)])),
                marker=marker,
                color=colour,
                mfc=fill,
                ms=size,
                label=words.label(role) if i == 0 else None,
            )
    xs = [dot[0] for dot in every]
    if max(xs) > WIDE_RANGE * min(xs):
        axes.set_xscale("log")
        paper.log_ticks(axes.xaxis, lambda x: f"{x:g}")
    axes.set_xlabel(words.label("ax_work"))
    axes.set_ylabel(words.label("ax_validation"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    top, base = (dots.get(role, [None])[0] for role in ("leg_best", "leg_baseline"))
    return figure, words.says_cost(top[1] - base[1], top[0] / base[0]) if top and base else ""


def rounds(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Every trial by round, and the leading configuration after each round."""
    split_rounds = [
        (n, k)
        for n, k in view.rounds
        if k is not RoundKind.CONFIRM and any("validation" in f.outcomes for f in view.history.of_round(n))
    ]
    if len(split_rounds) < 2:
        return None
    figure, axes = paper.subplots(figsize=(WIDTH, 3.8))
    leaders, first = [], True
    for place, (number_, _) in enumerate(split_rounds):
        facts = [
            f
            for f in view.history.of_round(number_)
            if f.state is TrialState.COMPLETED
            and "validation" in f.outcomes
            and f.trial.purpose is not Purpose.REFERENCE
        ]
        spread = [place + 0.5 * ((i + 1) / (len(facts) + 1) - 0.5) for i in range(len(facts))]
        axes.plot(
            spread,
            [view.scale.shown(f.outcomes["validation"].accuracy) for f in facts],
            ls="",
            marker="o",
            ms=4,
            mfc=PAPER,
            color=GREY,
            label=words.label("leg_trial") if first else None,
        )
        first = False
        leader = view.leader_after(number_)
        leaders.append((place, view.scale.shown(leader[1]) if leader else float("nan")))
    axes.step([p for p, _ in leaders], [y for _, y in leaders], where="mid", color=BLUE, lw=2)
    axes.plot(
        [p for p, _ in leaders],
        [y for _, y in leaders],
        ls="",
        marker="_",
        ms=26,
        mew=2.5,
        color=BLUE,
        label=words.label("leg_leader"),
    )
    colon = words.label("colon")
    headings = [
        words.round_heading(n, k).replace(f"{colon} ", colon).replace(colon, f"{colon}\n") for n, k in split_rounds
    ]
    axes.set_xticks(range(len(split_rounds)), headings, fontsize=9)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(words.label("ax_validation"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure, _rose_most(view, words, split_rounds)


def _rose_most(view: View, words: Words, shown: Sequence[tuple[int, RoundKind]]) -> str:
    """In which round the leader rose most."""
    led = [leader[1] if (leader := view.leader_after(n)) else None for n, _ in shown]
    gains = [
        (after - before, place + 1)
        for place, (before, after) in enumerate(itertools.pairwise(led))
        if before is not None and after is not None
    ]
    gain, place = max(gains, default=(0.0, 0))
    if gain > 0:
        return words.says_rounds(words.round_heading(*shown[place]), gain)
    return words.says_first_round(led[0]) if led[0] is not None and len(gains) == len(led) - 1 else ""


def confirmation(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Validation accuracy as measured and corrected for the selection, and with fresh seeds, on the test split where
    there is one: shows the winner's curse."""
    confirmed = view.conclusions.confirmation
    if confirmed is None or not confirmed.accuracies:
        return None
    roles = [r for r in ("best", "runner_up", "cheapest", "baseline") if r in confirmed.accuracies]
    figure, axes = paper.subplots(figsize=(WIDTH, 3.6))
    best = view.conclusions.best
    fresh = "leg_test" if view.evidence.confirm_split == "test" else "leg_fresh"
    series: dict[str, list[tuple[float, float, tuple[float, float]]]] = {}
    for place, role in enumerate(roles):
        key = confirmed.keys[role]
        measured = view.accuracy(_chosen_on(view, key))
        if measured:
            series.setdefault("leg_raw", []).append((place - 0.26, measured[0], measured[1]))
        if best is not None and key == best.key:
            series.setdefault("leg_corrected", []).append((place, best.corrected, best.corrected_interval))
        series.setdefault(fresh, []).append((place + 0.26, confirmed.accuracies[role], confirmed.intervals[role]))
    styles = {"leg_raw": (GREY, "o"), "leg_corrected": (ORANGE, "s"), fresh: (BLUE, "D")}
    for label, dots in series.items():
        colour, marker = styles[label]
        for i, (x, y, interval) in enumerate(dots):
            ends, at = [view.scale.shown(end) for end in interval], view.scale.shown(y)
            axes.plot([x, x], ends, color=colour, lw=2)
            shown = words.colon(words.label(label), words.accuracy(y, interval))
            paper.mark(
                axes, x, at, shown, marker=marker, color=colour, ms=8, label=words.label(label) if i == 0 else None
            )
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8.5}
            axes.annotate(words.measured(y), (x, max(ends)), **above)
    titles = {
        "best": "leg_best" if best is not None and confirmed.keys.get("best") == best.key else "leg_led",
        "runner_up": "runner_up",
        "cheapest": "cheapest_candidate",
        "baseline": "leg_baseline",
    }
    axes.set_xticks(range(len(roles)), [words.label(titles[r]) for r in roles])
    axes.set_xlim(-0.5, len(roles) - 0.5)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(words.label("ax_accuracy"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    mine = [confirmed.accuracies[r] for r in roles if best is not None and confirmed.keys[r] == best.key]
    return figure, words.says_confirmed(best.raw, mine[0]) if best is not None and mine else ""


def _chosen_on(view: View, key: str) -> list[TrialFact]:
    """The trials on which a configuration was selected: not those of a bracket, nor those of confirm."""
    left_out = (Purpose.BRACKET, Purpose.CONFIRM)
    return [f for f in view.by_key.get(key, []) if f.trial.purpose not in left_out]


def timeline(paper: Paper, view: View, words: Words) -> tuple[Any, str] | None:
    """Which trial ran in which slot and when, from the ledger's notes "trial_span" (seconds since the study began), and
    what workers did beside their own trials."""
    shown = {fact.trial.id for fact in view.trials}  # the reference is in no round that is shown
    spans = [v for code, v in view.notes if code == "trial_span" and v.get("trial") in shown]
    if not spans:
        return None
    beside = [(code, v) for code, v in view.notes if code in BESIDE and "start" in v]
    begin = min(float(v["start"]) for v in (*spans, *(v for _, v in beside)))
    slots = {(str(v.get("worker", "")), int(v["slot"])) for v in spans}
    lanes = sorted(slots | {(str(v["worker"]), BELOW) for _, v in beside})
    order = list(dict.fromkeys(n for n, _ in view.rounds))
    figure, axes = paper.subplots(figsize=(WIDTH, 1.7 + 0.28 * len(lanes)))
    labelled: set[int] = set()
    for v in spans:
        fact = view.history.trials[v["trial"]]
        number_ = fact.trial.round
        colour, hatch = ROUND_STYLES[order.index(number_) % len(ROUND_STYLES)] if number_ in order else (GREY, None)
        lane = lanes.index((str(v.get("worker", "")), int(v["slot"])))
        start, width = (float(v["start"]) - begin) / 60, (float(v["end"]) - float(v["start"])) / 60
        axes.barh(
            lane,
            width,
            left=start,
            height=0.82,
            facecolor=colour,
            edgecolor=PAPER,
            hatch=hatch,
            lw=0.8,
            alpha=0.85,
            label=None if number_ in labelled else words.round_heading(number_, dict(view.rounds)[number_]),
        )
        labelled.add(number_)
        if fact.state is not TrialState.COMPLETED and fact.state.is_final:
            axes.plot(start + width, lane, marker="x", color=INK, ms=6, mew=1.6)
    for code in dict.fromkeys(code for code, _ in beside):
        bars = [v for each, v in beside if each == code]
        axes.barh(
            [lanes.index((str(v["worker"]), BELOW)) for v in bars],
            [(float(v["end"]) - float(v["start"])) / 60 for v in bars],
            left=[(float(v["start"]) - begin) / 60 for v in bars],
            height=0.82,
            facecolor=PAPER,
            edgecolor=GREY,
            hatch=BESIDE[code],
            lw=0.8,
            label=words.label(f"leg_{code}"),
        )
    at = [i for i, (_, slot) in enumerate(lanes) if slot != BELOW]
    axes.set_yticks(at, [str(n + 1) for n in range(len(at))])
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(words.label("ax_minutes"))
    axes.set_ylabel(words.label("ax_slot"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure, words.says_timeline(len(spans), len(slots), bool(beside))
