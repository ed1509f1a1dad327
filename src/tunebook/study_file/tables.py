"""The tables of docs/study-file.md: keys, factors, and what may change in a begun study.

`python -m tunebook.study_file.tables` prints them.
"""

from __future__ import annotations

from tunebook.core.factor import FACTOR_KINDS, FactorKind
from tunebook.study_file.keys import KEYS, FileKey
from tunebook.study_file.writer import number_text

__all__ = ["change_table", "factor_table", "key_table"]

_KEYS_HEAD = ("| key | default | meaning |", "|---|---|---|")
_FACTORS_HEAD = ("| factor | short | default | values |", "|---|---|---|---|")


_CHANGES_HEAD = ("| key | accepted | what it affects |", "|---|---|---|")
_NO_OTHER_CHANGE = "| every other key | no change | it would change what the trials mean: take another study name |"


def key_table() -> str:
    """The keys as Markdown, a line for each that has a meaning of its own."""
    return "\n".join((*_KEYS_HEAD, *(_key_line(key) for key in KEYS.values() if key.about.meaning)))


def _key_line(key: FileKey) -> str:
    default = _key_default(key)
    return f"| `{key.name}` | {default + ' ' if default else ''}| {key.about.meaning} |"


def _key_default(key: FileKey) -> str:
    if key.about.default:
        return key.about.default
    if key.is_required:
        return "required" if key.about.section is None else ""
    if key.default in (None, ()):
        return "none"
    if isinstance(key.default, tuple):
        return f"`[{', '.join(key.default)}]`"
    return f"`{_value_text(key.default)}`"


def change_table() -> str:
    """What a begun study accepts, a line for each key."""
    lines = [
        f"| `{key.name}` | {_accepted(key)} | {key.about.later} |"
        for key in KEYS.values()
        if key.about.may_change or key.about.may_grow
    ]
    return "\n".join((*_CHANGES_HEAD, *lines, _NO_OTHER_CHANGE))


def _accepted(key: FileKey) -> str:
    if key.about.may_change:
        return "any value"
    return "larger, or none" if key.default is None else "larger"


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(value) if isinstance(value, int | float) else str(value)


def factor_table() -> str:
    """The table as Markdown, a line for each factor."""
    return "\n".join((*_FACTORS_HEAD, *map(_factor_line, FACTOR_KINDS.values())))


def _factor_line(kind: FactorKind) -> str:
    short = ", ".join(f"`{alias}`" for alias in kind.aliases)
    default = _factor_default(kind)
    return f"| `{kind.name}` | {short + ' ' if short else ''}| {default} | {_values(kind)}; {kind.description} |"


def _factor_default(kind: FactorKind) -> str:
    if kind.default is None:
        return str(kind.null)
    return _value_text(kind.default)


def _values(kind: FactorKind) -> str:
    null = " or null" if kind.null else ""
    if kind.value_type is bool:
        return f"true, false{null}"
    if kind.is_list:
        return f"all-linear, a list of module names{null}"
    if kind.words:
        return ", ".join(f"`{word}`" for word in kind.words)
    return ", ".join(filter(None, ("whole" if kind.value_type is int else "", _bounds(kind))))


def _bounds(kind: FactorKind) -> str:
    low = "" if kind.minimum is None else f"{'above' if kind.minimum_open else 'at least'} {kind.minimum:g}"
    high = "" if kind.maximum is None else f"{'below' if kind.maximum_open else 'at most'} {kind.maximum:g}"
    return ", ".join(filter(None, (low, high)))


if __name__ == "__main__":
    print(key_table(), factor_table(), change_table(), sep="\n\n")
