"""Why the recommended configuration lies where it does. Pure."""

from __future__ import annotations

from tunebook.record.boundary import near_the_edge
from tunebook.record.view import View
from tunebook.statistics.curves import loss_by_quarter, rose_again, still_falling
from tunebook.words import Words
from tunebook.words.numbers import value

__all__ = ["why"]

MORE_TRAINING = {"learning_rate", "lora_r", "num_train_epochs"}
"""Changes that train a model further."""


def why(view: View, words: Words) -> list[str]:
    """Why the recommended configuration lies where it does, as sentences: what dropping each change costs, what the
    curves say, single-factor findings that point elsewhere, how near the edge it is."""
    best, evidence = view.conclusions.best, view.evidence
    configuration = view.configurations.get(best.key) if best is not None else None
    baseline = evidence.candidates.get(view.baseline_key)
    if best is None or configuration is None:
        return []
    neighbours = view.conclusions.neighbours
    dropped = [(words.setting(each.factor, each.level), each.effect, each.interval) for each in neighbours]
    changes = set(configuration.changes_from(view.spec.baseline)) - {"lora_alpha"}
    found = [words.dropped(dropped)] if dropped else []
    kept = [name for name in configuration.as_dict() if name in changes - {each.factor for each in neighbours}]
    if dropped and kept:
        found.append(words.not_dropped([words.setting(name, getattr(configuration, name)) for name in kept]))
    if not dropped and len(changes) > 1:
        found.append(words.nothing_dropped())
    quarters = [loss_by_quarter(f.curve) for f in baseline.trained if still_falling(f.curve)] if baseline else []
    if baseline and quarters and len(quarters) == len(baseline.trained) and changes & MORE_TRAINING:
        found.append(words.under_trained(quarters[0] or ()))
    turns = [rose_again(f.curve) for f in evidence.candidates[best.key].trained]
    if turns and all(turns):
        found.append(words.over_fitted((turns[0] or (0.0,))[0]))
    for spot in view.conclusions.sweet_spots:
        level = getattr(configuration, spot.factor)
        if len(changes) > 1 and isinstance(level, int | float) and not spot.low * 0.999 <= level <= spot.high * 1.001:
            low, high = (value(spot.factor, end) for end in (spot.low, spot.high))
            span = words.span(low, high) if low != high else low
            found.append(words.elsewhere_alone(words.setting(spot.factor, level), span))
    found.append(near_the_edge(view, words, configuration))
    return [sentence for sentence in found if sentence]
