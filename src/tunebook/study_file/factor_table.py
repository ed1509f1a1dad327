"""The table of factors in docs/study-file.md: `python -m tunebook.study_file.factor_table` prints it."""

from __future__ import annotations

from tunebook.core.factor import FACTOR_KINDS, FactorKind
from tunebook.study_file.writer import number_text

__all__ = ["factor_table"]

_HEAD = ("| factor | short | default | values |", "|---|---|---|---|")


def factor_table() -> str:
    """The table as Markdown, a line for each factor."""
    return "\n".join((*_HEAD, *map(_line, FACTOR_KINDS.values())))


def _line(kind: FactorKind) -> str:
    short = ", ".join(f"`{alias}`" for alias in kind.aliases)
    return f"| `{kind.name}` | {short + ' ' if short else ''}| {_default(kind)} | {_values(kind)}; {kind.description} |"


def _default(kind: FactorKind) -> str:
    if kind.default is None:
        return str(kind.null)
    if isinstance(kind.default, bool):
        return str(kind.default).lower()
    return number_text(kind.default) if isinstance(kind.default, int | float) else str(kind.default)


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
    print(factor_table())
