"""Levels of every factor other than its default, made from the table of factors: a new factor is in at once."""

from __future__ import annotations

from tunebook.core.factor import FactorKind, Level


def levels_beside_the_default(kind: FactorKind) -> list[Level]:
    """At least one; every word of a closed list."""
    if kind.value_type is bool:
        return [not kind.default]
    if kind.is_list:
        return ["all-linear", ("q_proj", "v_proj")]
    if kind.value_type is str:
        words = [word.replace("N", "16") for word in kind.words]
        return [word for word in words if word != kind.default]
    if kind.maximum == 1.0:
        return [0.5]
    assert isinstance(kind.default, int | float)
    return [kind.default * 2 or 1]
