"""What is not known, and what would settle it. Pure."""

from __future__ import annotations

import math

from tunebook.core.configuration import Configuration
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind
from tunebook.record.grouped import by_factor
from tunebook.record.names import control_name, name
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import value

__all__ = ["unknown"]

LOWEST = {"num_train_epochs": 1, "lora_r": 1, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 1}
"""Levels below which there are none; of other factors 0."""


def unknown(view: View, words: Words) -> tuple[str, ...]:
    """A sentence for each open question: factors below the noise, open comparisons of the best configuration,
    interactions, factors that no round asked about, differences too small to be seen; then what more spending would
    bring."""
    conclusions = view.conclusions
    items = [*_factors(view, words), *_of_best(view, words)]
    pairs = [" × ".join(words.factor(f) for f in i.factors) for i in conclusions.interactions if not i.known]
    if pairs:
        items.append(words.unknown_interactions(pairs))
    if view.described or (view.spec.layout == "model" and conclusions.best is not None and view.has_comparison):
        items.append(words.factors_not_tested())
    if view.has_comparison and conclusions.best is not None:
        beyond = _beyond(view, words, view.configurations[conclusions.best.key])
        items.append(words.join([_not_varied(view, words), beyond]))
    unseen = min(conclusions.noise.smallest_detectable_effect.values(), default=0.0)
    if view.has_comparison and conclusions.nothing_learned is None and 0 < unseen < 1:
        items.append(words.unseen(unseen))
    if not items and view.findings() and not any(f.verdict is Verdict.INCONCLUSIVE for f in view.findings()):
        items.append(words.nothing_open())
    if conclusions.more_money:
        items.append(words.more_money(conclusions.more_money))
    return tuple(dict.fromkeys(filter(None, items)))


def _factors(view: View, words: Words) -> list[str]:
    """Factors whose effect is not above the noise, with what would settle their largest difference."""
    grouped = by_factor(view, view.findings())
    alike: dict[str, list[str]] = {}
    for each in view.conclusions.importance:
        if not each.ranked:
            opened = [f for f in grouped.get(each.factor, []) if _is_open(f)]
            largest = max(opened, key=lambda f: abs(f.effect), default=None)
            settle = words.settle(largest) if largest is not None else ""
            named = words.unknown_factor(words.factor_phrase(each.factor), each.nothing_above)
            alike.setdefault(settle, []).append(named)
    for factor, farthest in _open_in_design(view).items():
        alike.setdefault("", []).append(words.unknown_factor(words.factor_phrase(factor), farthest))
    return [words.unknown_factors(named, settle) for settle, named in alike.items()]


def _not_varied(view: View, words: Words) -> str:
    """The factors of the study that have one level in every trial."""
    tried = {factor.name: view.levels_tried(factor.name) for factor in view.spec.space.factors}
    alone = {name: levels[0] for name, levels in tried.items() if len(levels) == 1}
    names = [words.factor_phrase(name) for name in alone]
    return words.not_varied(names, [words.setting(*each) for each in alone.items()]) if alone else ""


def _beyond(view: View, words: Words, best: Configuration) -> str:
    """The numeric factors whose best level is the highest or the lowest that was tried, where there are others beyond
    it."""
    beyond = []
    for factor in view.spec.space.factors:
        levels, level = view.levels_tried(factor.name), getattr(best, factor.name)
        if len(levels) < 2 or not all(isinstance(each, float | int) and not isinstance(each, bool) for each in levels):
            continue
        if level == levels[-1] or (level == levels[0] and level > LOWEST.get(factor.name, 0)):
            beyond.append((words.factor_phrase(factor.name), value(factor.name, level), level == levels[-1]))
    return words.beyond(beyond) if beyond else ""


def _open_in_design(view: View) -> dict[str, float]:
    """Factors of a balanced design of which nothing is shown, with the farthest end of their intervals."""
    fitted = [f for f in view.findings() if f.kind.is_fitted and f.factor is not None]
    decided = {f.factor for f in fitted if f.verdict is not Verdict.INCONCLUSIVE}
    opened: dict[str, float] = {}
    for finding in fitted:
        if finding.factor is not None and finding.factor not in decided and not math.isnan(finding.effect):
            farthest = max(map(abs, finding.interval))
            opened[finding.factor] = max(farthest, opened.get(finding.factor, 0.0))
    return opened


def _is_open(finding: Finding) -> bool:
    return finding.verdict is Verdict.INCONCLUSIVE and not math.isnan(finding.effect)


def _of_best(view: View, words: Words) -> list[str]:
    best = view.conclusions.best.key if view.conclusions.best else None
    return [
        words.unknown_contrast(
            name(view, words, finding.treatment_key), finding, control_name(view, words, finding.control_key)
        )
        for finding in view.findings()
        if _is_open(finding)
        and finding.kind is ContrastKind.DIFFERENCE
        and finding.treatment_key == best
        and finding.control_key != view.baseline_key
    ]
