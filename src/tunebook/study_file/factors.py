"""The two maps of factors in a study file, `baseline` and `space`: names, aliases, values, levels and ranges."""

from __future__ import annotations

import math
import re
from typing import Any

from tunebook.core.configuration import ALL_LINEAR
from tunebook.core.factor import ALIASES, FACTOR_KINDS, Factor, FactorKind, Level, Role, Scale
from tunebook.phrases import Phrase
from tunebook.study_file.problems import KeyPath, Problems, nearest, shown

__all__ = ["looks_numeric", "read_baseline", "read_space"]

MAX_LEVELS = 64
_MODULE = re.compile(r"[\w.-]+")


def read_baseline(values: dict[str, Any], problems: Problems) -> dict[str, Level]:
    """The baseline's factors by their full names, in the file's order; values that do not fit are left out."""
    named = _full_names(values, ("baseline",), problems)
    return {
        name: level
        for name, (path, value) in named.items()
        for level in _baseline_level(FACTOR_KINDS[name], value, path, problems)
    }


def read_space(values: dict[str, Any], problems: Problems) -> tuple[Factor, ...]:
    """The varied factors in the file's order; those with problems are left out."""
    named = _full_names(values, ("space",), problems)
    factors = (_factor(FACTOR_KINDS[name], value, path, problems) for name, (path, value) in named.items())
    return tuple(factor for factor in factors if factor is not None)


def _full_names(values: dict[str, Any], where: KeyPath, problems: Problems) -> dict[str, tuple[KeyPath, Any]]:
    named: dict[str, tuple[KeyPath, Any]] = {}
    for key, value in values.items():
        path = (*where, key)
        name = ALIASES.get(key, key)
        if name not in FACTOR_KINDS:
            problems.add(path, _unknown(key))
        elif name in named:
            other = named[name][0]
            problems.add(
                path,
                "a second name for {name}, which stands on line {line} as {other}; every factor stands once. "
                "Remove one of them.",
                name=name,
                line=problems.line_of(other),
                other=other[-1],
            )
        else:
            named[name] = (path, value)
    return named


def _unknown(key: str) -> Phrase:
    guess = nearest(key, [*FACTOR_KINDS, *ALIASES])
    if guess is not None:
        return Phrase("there is no such factor. Did you mean {guess}?", guess=ALIASES.get(guess, guess))
    return Phrase(
        "there is no such factor; known are {known}. Use one of them or remove the line.",
        known=", ".join(FACTOR_KINDS),
    )


def _baseline_level(kind: FactorKind, value: Any, path: KeyPath, problems: Problems) -> list[Level]:
    if problems.has(path):  # it could not be read
        return []
    if value is None and kind.null is not None:
        return [None]
    if isinstance(value, dict) or (isinstance(value, list) and not kind.is_list):
        problems.add(
            path,
            "found {value}; the baseline has one value for each factor. Write one value here and the levels "
            "under space.{name}.",
            value=shown(value),
            name=kind.name,
        )
        return []
    rule = value_problem(kind, value)
    if rule:
        problems.add(path, _value_text(kind, value, rule))
        return []
    return [as_level(kind, value)]


def value_problem(kind: FactorKind, value: Any) -> Phrase | None:
    """The rule that a value of a factor breaks ("must be at least 1"), or None."""
    if value is None and kind.value_type is bool:
        return Phrase("must be true or false")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return Phrase("must be at most 2^53 in size")
    rule = kind.problem(value)
    if rule is None and kind.count_or_share and value >= 1 and value != int(value):
        return Phrase("must be a whole number of steps, or below 1 a fraction of all steps")
    if rule is None and kind.is_list and isinstance(value, str) and not _MODULE.fullmatch(value):
        return Phrase('must be "all-linear" or a list of module names')
    return rule


def _value_text(kind: FactorKind, value: Any, rule: Phrase) -> Phrase:
    return Phrase("found {value}; {rule}. {step}", value=shown(value), rule=rule, step=_next_step(kind, value))


def _next_step(kind: FactorKind, value: Any) -> Phrase:
    if isinstance(value, str) and kind.value_type in (int, float) and looks_numeric(value):
        return Phrase("Write it without quotes.")
    guess = nearest(value, kind.choices) if kind.choices and isinstance(value, str) else None
    if guess is not None:
        return Phrase("Did you mean {guess}?", guess=guess)
    usual = kind.choices[0] if kind.choices and isinstance(value, str) else kind.example
    return Phrase("Write {example}, for example.", example="true" if kind.value_type is bool else usual)


def looks_numeric(text: str) -> bool:
    """Whether a text is a number that was put in quotes."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def as_level(kind: FactorKind, value: Any) -> Level:
    """A valid value in the factor's own type: whole numbers as int, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(value)
    if kind.is_list and isinstance(value, str) and value != ALL_LINEAR:
        return (value,)
    if kind.value_type is int:
        return int(value)
    if kind.value_type is float:
        return float(value)
    level: Level = value
    return level


def _factor(kind: FactorKind, value: Any, path: KeyPath, problems: Problems) -> Factor | None:
    if problems.has(path):  # something in it could not be read
        return None
    if isinstance(value, list):
        return _levels(kind, value, path, Role.SCIENTIFIC, problems)
    if isinstance(value, dict):
        return _factor_map(kind, value, path, problems)
    problems.add(
        path,
        "found {value}; a varied factor is a list of levels or a range {{low, high}}. Write a list, or put "
        "the one value under baseline.{name}.",
        value=shown(value),
        name=kind.name,
    )
    return None


def _factor_map(kind: FactorKind, value: dict[str, Any], path: KeyPath, problems: Problems) -> Factor | None:
    before = len(problems.found)
    known = ("low", "high", "levels", "role")
    for key in value:
        if key not in known:
            guess = nearest(key, known)
            problems.add(
                (*path, key),
                "there is no such key here; known are low, high, levels and role. {step}",
                step=Phrase("Did you mean {guess}?", guess=guess) if guess else Phrase("Remove it."),
            )
    role = value.get("role", "scientific")
    if role not in ("scientific", "nuisance"):
        problems.add(
            (*path, "role"),
            "found {role}; must be scientific (asked about) or nuisance (re-tuned so that comparisons are fair). "
            "Write one of the two.",
            role=shown(role),
        )
    if len(problems.found) > before:
        return None
    if "levels" in value and not ({"low", "high"} & set(value)):
        if isinstance(value["levels"], list):
            return _levels(kind, value["levels"], (*path, "levels"), Role(role), problems)
        problems.add(
            (*path, "levels"), "found {value}; must be a list of levels. Write [a, b].", value=shown(value["levels"])
        )
        return None
    if set(value) - {"role"} != {"low", "high"}:
        problems.add(
            path,
            "found {value}; a range has low and high, a list has levels. Write both ends, or a list of levels.",
            value=shown(value),
        )
        return None
    return _range(kind, value["low"], value["high"], path, Role(role), problems)


def _levels(kind: FactorKind, values: list[Any], path: KeyPath, role: Role, problems: Problems) -> Factor | None:
    before = len(problems.found)
    if not values:
        problems.add(path, "found an empty list; a varied factor has at least two levels. Write levels or remove it.")
    if len(values) > MAX_LEVELS:
        problems.add(
            path,
            "found {n_values} levels; at most {max_levels} make sense. Write fewer, or a range.",
            n_values=len(values),
            max_levels=MAX_LEVELS,
        )
        return None
    seen: dict[Level, int] = {}
    for i, value in enumerate(values):
        rule = value_problem(kind, value)
        if rule:
            problems.add((*path, i), _value_text(kind, value, rule))
        elif as_level(kind, value) in seen:
            problems.add(
                (*path, i), "found {value} a second time; every level stands once. Remove it.", value=shown(value)
            )
        else:
            seen[as_level(kind, value)] = i
    if len(values) == 1 and len(problems.found) == before:
        problems.add(
            path,
            "found one level, {values}; a comparison needs two. Add a level, or put this one under baseline.{name}.",
            values=shown(values[0]),
            name=kind.name,
        )
    return Factor(kind.name, tuple(seen), role=role) if len(problems.found) == before else None


def _range(kind: FactorKind, low: Any, high: Any, path: KeyPath, role: Role, problems: Problems) -> Factor | None:
    if kind.scale not in (Scale.LOG, Scale.LINEAR):
        problems.add(path, "found a range; {name} has no order. Write a list of levels.", name=kind.name)
        return None
    before = len(problems.found)
    for end, value in (("low", low), ("high", high)):
        rule = value_problem(kind, value)
        if rule:
            problems.add((*path, end), _value_text(kind, value, rule))
    if len(problems.found) > before:
        return None
    if kind.count_or_share and high >= 1:
        problems.add(
            path,
            "found {low} to {high}; below 1 {factor} is a fraction of all steps, from 1 on a count, and a "
            "range holds one of them. Write a list of levels, or stay below 1.",
            low=shown(low),
            high=shown(high),
            factor=kind.name,
        )
        return None
    if low >= high:
        problems.add(
            path,
            "low is {low} and high is {high}; low must be below high. {step}",
            low=shown(low),
            high=shown(high),
            step=Phrase("Exchange them." if low > high else "Write two different ends."),
        )
        return None
    return Factor(kind.name, (), as_level(kind, low), as_level(kind, high), role)  # type: ignore[arg-type]
