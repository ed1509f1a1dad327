"""What each factor does, one line each, the order of importance, and what to do next. Pure."""

from __future__ import annotations

import math
from typing import Any

from tunebook.core.factor import Factor
from tunebook.core.findings import DescribedFactor, Finding, SweetSpot, Verdict
from tunebook.core.study import ContrastKind, RoundKind
from tunebook.escaping import clean
from tunebook.record.grouped import by_factor, by_verdict
from tunebook.record.model import Cell, Table
from tunebook.record.names import sides
from tunebook.record.view import View
from tunebook.statistics.described import told_worse
from tunebook.words import Words
from tunebook.words.numbers import value

__all__ = ["factor_table", "has_order", "importance_line", "strategy", "sweet_spot", "wisdom"]

USUAL_RATES = (1e-4, 3e-4)
"""Learning rates at which LoRA is mostly trained (the defaults of PEFT's examples, LLaMA-Factory and axolotl)."""
MORE_IS_EXPECTED = {
    "lora_r": "rank_more",
    "num_train_epochs": "epochs_more",
    "lora_dropout": "dropout_more",
    "per_device_train_batch_size": "batch_more",
}
"""Factors of which more is commonly expected to help, with the code of the rule of thumb."""


def importance_line(view: View, words: Words) -> str:
    """The order of importance in one line; where no round asked about factors, as a model of the loss describes it."""
    importance, described = view.conclusions.importance, view.described
    if described:
        return words.described_line(described)
    if not importance:
        too_few = view.spec.layout == "model" and view.conclusions.best is not None and view.has_comparison
        return words.too_few_to_describe() if too_few else ""
    ranked = sorted((i for i in importance if i.ranked), key=lambda i: i.rank)
    return words.importance_line(ranked, [i.factor for i in importance if not i.ranked])


def has_order(view: View) -> bool:
    """Whether anything puts the factors in order: one that matters by its verdicts, or by the model of the loss."""
    return any(i.ranked for i in view.conclusions.importance) or any(each.matters for each in view.described)


def factor_table(view: View, words: Words) -> Table | None:
    """A line for each factor of the study: the levels tried, their effect, the sweet spot, what to do."""
    grouped = by_factor(view, view.findings())
    order = [i.factor for i in sorted(view.conclusions.importance, key=lambda i: (not i.ranked, i.rank))]
    order = order or [each.factor for each in view.described]
    varied = [f for f in view.spec.space.factors if len(view.levels_tried(f.name)) > 1]
    factors = sorted(varied, key=lambda f: order.index(f.name) if f.name in order else len(order))
    if not factors or not view.findings():
        return None
    best = view.conclusions.best
    rows = tuple(_row(view, words, factor, grouped.get(factor.name, [])) for factor in factors)
    effect = "described_of" if view.described else "effect_of"
    columns = ("factor", "levels", effect, "sweet", *(("advice",) if best is not None else ()))
    return Table(tuple(words.label(c) for c in columns), rows)


def _row(view: View, words: Words, factor: Factor, findings: list[Finding]) -> tuple[Cell, ...]:
    none = words.label("none")
    levels = [_level(words, factor.name, level) for level in view.levels_tried(factor.name)]
    cells = [
        Cell(words.factor(factor.name)),
        Cell(clean(words.label("enum_gap").join(levels)) or none),
        Cell(_effect(view, words, factor.name, findings) or none),
        Cell(_sweet(view, words, factor.name) or none),
    ]
    if view.conclusions.best is not None:
        cells.append(Cell(_advice(view, words, factor.name, findings)))
    return tuple(cells)


def _level(words: Words, factor: str, level: Any) -> str:
    return words.label("none") if level is None else value(factor, level)


def _effect(view: View, words: Words, factor: str, findings: list[Finding]) -> str:
    """What the decided comparisons say of a factor; where none is decided, how large its effect may be at most."""
    clauses = by_verdict(view, words, findings)
    fitted = {(f.factor, f.kind): f for f in view.findings() if f.kind.is_fitted and f.factor == factor}
    for finding in fitted.values():
        what, against = sides(view, words, finding, alone=False)
        if finding.verdict is not Verdict.INCONCLUSIVE:
            clauses.append(words.short_found(finding, what, against, view.margin_of(finding.round)))
    if clauses:
        return words.label("list_gap").join(clauses)
    told = _described(view, factor)
    if told is not None:
        colon = words.label("colon") + words.label("word_gap")
        levels = [f"{value(factor, x.level)}{colon}{words.described_level(x)}" for x in told.levels]
        return words.label("list_gap").join(filter(None, [*levels, _contradicted(view, words, told)]))
    known = next((i for i in view.conclusions.importance if i.factor == factor), None)
    if known is not None:
        return words.share_of(known.share) if known.ranked else words.no_effect_above(known.nothing_above)
    opened = by_verdict(view, words, findings, with_open=True)
    for finding in fitted.values():
        if not math.isnan(finding.effect):
            opened.append(words.open_effect(*sides(view, words, finding, alone=False), finding))
    return words.label("list_gap").join(opened)


def _contradicted(view: View, words: Words, told: DescribedFactor) -> str:
    """That the accuracies of the same two configurations point the other way than the model of the loss, or nothing."""
    for each in view.conclusions.neighbours:
        level = getattr(view.configurations[each.key], told.factor)
        loss = next((x.change for x in told.levels if x.level == level), 0.0)
        if each.factor == told.factor and loss * -each.effect > 0:  # more loss, and a higher accuracy
            return words.accuracies_point_elsewhere(value(told.factor, level), -each.effect)
    return ""


def _described(view: View, factor: str) -> DescribedFactor | None:
    return next((each for each in view.described if each.factor == factor), None)


def sweet_spot(view: View, factor: str) -> SweetSpot | None:
    """The good range of a numeric factor: as it was found, or as the model of the loss describes it."""
    found = next((spot for spot in view.conclusions.sweet_spots if spot.factor == factor), None)
    told = _described(view, factor)
    if found is not None or told is None or not isinstance(told.own, int | float):
        return found
    own = float(told.own)
    bad = [float(str(x.level)) for x in told.levels if x.level not in told.good]
    bad += told_worse(view.evidence, view.spec, factor, told.own)
    low, high = max((x for x in bad if x < own), default=-math.inf), min((x for x in bad if x > own), default=math.inf)
    good = [x for x in (float(str(level)) for level in (own, *(told.span or told.good))) if low < x < high]
    return SweetSpot(factor, min(good), max(good), own, fitted=True)


def _sweet(view: View, words: Words, factor: str) -> str:
    spot = sweet_spot(view, factor)
    if spot is None:
        return ""
    every = [float(x) for x in view.levels_tried(factor) if isinstance(x, int | float)]
    numbers = _alone(view, factor) if spot in view.conclusions.sweet_spots else every
    at_low, at_high = (bool(numbers) and spot.low <= min(numbers), bool(numbers) and spot.high >= max(numbers))
    edge = "all" if at_low and at_high else "highest" if at_high else "lowest" if at_low else ""
    alone = bool(edge) and (min(every) < min(numbers) or max(every) > max(numbers))
    if spot.low == spot.high and edge == "all":
        edge = ""
    return words.good_levels(value(factor, spot.low), value(factor, spot.high), edge, alone)


def _alone(view: View, factor: str) -> list[float]:
    """The levels of a numeric factor that were compared with the baseline by themselves, and the baseline's."""
    compared = by_factor(view, view.findings()).get(factor, [])
    configurations = [view.spec.baseline, *(view.configurations[f.treatment_key] for f in compared)]
    return [float(getattr(each, factor)) for each in configurations]


def _advice(view: View, words: Words, factor: str, findings: list[Finding]) -> str:
    best = view.conclusions.best
    chosen = view.configurations.get(best.key) if best is not None else None
    if chosen is None:
        return ""
    level, own = getattr(chosen, factor), getattr(view.spec.baseline, factor)
    text = _level(words, factor, level)
    better = [f for f in findings if f.verdict is Verdict.BETTER]
    if level != own:
        levels = {getattr(view.configurations[f.treatment_key], factor) for f in better}
        near = any(isinstance(x, int | float) and min(own, level) < x <= max(own, level) for x in levels - {level})
        return words.advice("use" if level in levels or near else "leads", text)
    return words.advice("keep_alone" if better else "keep", text)


def strategy(view: View, words: Words) -> str:
    """What to do first when tuning this again; nothing where nothing is shown."""
    described = view.described
    ranked = [i.factor for i in sorted((i for i in view.conclusions.importance if i.ranked), key=lambda i: i.rank)]
    ranked += [each.factor for each in described if each.matters]
    if view.conclusions.best is None or not ranked:
        return ""
    spot, boundary = sweet_spot(view, "learning_rate"), view.conclusions.boundary
    chosen = view.configurations[view.conclusions.best.key].learning_rate
    is_within = spot is not None and spot.low * 0.999 <= chosen <= spot.high * 1.001  # alone it may lie elsewhere
    span = None
    if spot is not None and is_within:
        span = (value("learning_rate", spot.low), value("learning_rate", spot.high))
    settled = {name for name, found in by_factor(view, view.findings()).items() if any(f.is_difference for f in found)}
    leave = [i.factor for i in view.conclusions.importance if not i.ranked]
    leave += [each.factor for each in described if not each.matters]
    leave = [name for name in leave if name not in settled]
    order, last = ([words.factor(name) for name in names] for names in (ranked, leave))
    return words.strategy(order, span, boundary.failed_at if boundary else None, last)


def wisdom(view: View, words: Words) -> list[str]:
    """Findings that go against a common rule of thumb."""
    told = []
    planned = [f for f in view.findings() if f.round_kind is not RoundKind.OWN]
    for factor, findings in by_factor(view, planned).items():
        own = getattr(view.spec.baseline, factor)
        against = [(code, f) for f in findings if (code := _against(view, factor, own, f)) is not None]
        if against:
            code, finding = max(against, key=lambda each: abs(each[1].effect))
            level = getattr(view.configurations[finding.treatment_key], factor)
            told.append(words.wisdom(code, words.setting(factor, level), finding))
    return told


def _against(view: View, factor: str, own: Any, finding: Finding) -> str | None:
    """The code of the rule of thumb that a finding contradicts."""
    level = getattr(view.configurations[finding.treatment_key], factor)
    if finding.kind is not ContrastKind.DIFFERENCE or not isinstance(level, int | float) or math.isnan(finding.effect):
        return None
    if factor == "learning_rate":
        low, high = USUAL_RATES
        is_high = finding.verdict is Verdict.BETTER and level > high and low <= own <= high
        return "rate_high" if is_high else None
    code = MORE_IS_EXPECTED.get(factor)
    wrong = Verdict.WORSE if level > own else Verdict.BETTER
    return code if finding.verdict is wrong else None
