"""What configurations and the two sides of a comparison are called. Pure."""

from __future__ import annotations

from tunebook.core.findings import Finding
from tunebook.core.study import ContrastKind
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import value

__all__ = ["control_name", "is_baseline", "name", "retuned_rate", "sides"]


def name(view: View, words: Words, key: str) -> str:
    """A configuration in words: its differences from the baseline."""
    if key == view.baseline_key:
        return words.label("the_baseline")
    configuration = view.configurations.get(key)
    return words.changes(configuration, view.spec.baseline) if configuration else key


def control_name(view: View, words: Words, key: str) -> str:
    """The other side of a comparison in words. The baseline at another learning rate is still called the baseline
    (decision 053)."""
    rate = retuned_rate(view, key)
    return words.baseline_at(rate) if rate is not None else name(view, words, key)


def sides(view: View, words: Words, finding: Finding, alone: bool = True) -> tuple[str, str]:
    """What a finding compares with what: two configurations, or two levels of a balanced design.

    Args:
        alone: whether the sentence has to say for itself that the other settings are averaged over.
    """
    if not finding.kind.is_fitted or finding.factor is None:
        return name(view, words, finding.treatment_key), control_name(view, words, finding.control_key)
    factor = finding.factor
    if len(finding.levels) < 2:
        what, against = words.factor(factor), words.label("their_ends")
    elif finding.kind is ContrastKind.CURVATURE:
        low, high = (value(factor, level) for level in finding.levels)
        what, against = words.middle_of(factor, low, high), words.label("their_ends")
    else:
        what, against = words.setting(factor, finding.levels[1]), words.setting(factor, finding.levels[0])
    return (words.on_average(what) if alone else what), against


def is_baseline(view: View, key: str) -> bool:
    """Whether it is the baseline, possibly at another learning rate."""
    return key == view.baseline_key or retuned_rate(view, key) is not None


def retuned_rate(view: View, key: str) -> float | None:
    """The learning rate of a configuration that differs from the baseline only in its rate; None for any other."""
    configuration = view.configurations.get(key)
    if configuration is None or set(configuration.changes_from(view.spec.baseline)) != {"learning_rate"}:
        return None
    return configuration.learning_rate
