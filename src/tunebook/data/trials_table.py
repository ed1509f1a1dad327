"""A user's own table of configurations (`trials: mine.csv`): the first round of a study.

One configuration a line. Columns are factors, by their names or aliases; empty cells take the baseline's value. Other
columns (a trial's name, an accuracy measured elsewhere) are ignored, unless they look like a misspelt factor.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import ALIASES, FACTOR_KINDS, FactorKind, Level
from tunebook.data.examples import quoted
from tunebook.data.text_files import Row, decode, read_csv
from tunebook.errors import DataError, UserError

__all__ = ["TrialsTable", "read_trials_table", "settings_of"]

_FLAGS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_LIKE_A_FACTOR = 0.8
"""A column whose name is this similar to a factor's is taken for a slip (learning_rat), not for a note."""


@dataclass(frozen=True)
class TrialsTable:
    """A table of configurations.

    Attributes:
        configurations: in the order of the lines; equal ones are kept (they fold later, and `plan` says so).
        lines: the line of each.
        factors: the factors that the table has columns for.
        ignored: the columns that are no factors.
    """

    configurations: tuple[Configuration, ...]
    lines: tuple[int, ...]
    factors: tuple[str, ...]
    ignored: tuple[str, ...]


def read_trials_table(path: str | Path, baseline: Configuration) -> TrialsTable:
    """Read a CSV table of configurations.

    Args:
        path: the CSV file, with a header.
        baseline: gives the values of factors without a column, and of empty cells.

    Raises:
        DataError: it cannot be read, or a cell does not fit; the message names line and column. All wrong cells are
            told at once.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(
            f"trials: {path} cannot be read ({getattr(error, 'strerror', None) or error}). Give the path of a CSV file."
        ) from None
    rows = read_csv(decode(data, path.name), path.name)
    if not rows:
        raise DataError(
            f"{path.name}: no configurations in it; a table has a header and at least one line. "
            "Write one configuration a line."
        )
    columns, ignored = _columns(list(rows[0][1]), path.name)
    problems: list[str] = []
    configurations = tuple(_configuration(row, columns, baseline, path.name, problems) for row in rows)
    if problems:
        raise DataError("\n".join(problems))
    return TrialsTable(configurations, tuple(line for line, _ in rows), tuple(columns.values()), ignored)


def settings_of(text: str) -> dict[str, Level]:
    """The settings of one configuration as people type them: "lora_r=64 learning_rate=3e-4".

    Raises: UserError: a word that is no setting, an unknown factor, one that is there twice, or a value that cannot be.
    """
    values: dict[str, Level] = {}
    for word in text.split():
        name, equals, level = word.partition("=")
        factor = ALIASES.get(name.casefold(), name.casefold())
        if not equals or factor not in FACTOR_KINDS:
            close = difflib.get_close_matches(name.casefold(), [*FACTOR_KINDS, *ALIASES], n=1)
            hint = f" Did you mean {ALIASES.get(close[0], close[0])}?" if close else ""
            what = f"{quoted(name)} is no factor" if equals else "a setting is a factor, = and its value"
            raise UserError(f"{quoted(word)}: {what}; write it such as lora_r=64.{hint}")
        if factor in values:
            raise UserError(f"{quoted(word)}: {factor} is there twice. Give it once.")
        kind = FACTOR_KINDS[factor]
        value = _parsed(kind, level.strip("[]") if kind.is_list else level)
        rule = kind.problem(value)
        if rule:
            raise UserError(f"{quoted(word)}: {rule}. Correct the value.")
        values[factor] = int(value) if kind.value_type is int else value
    return values


def _columns(header: list[str], name: str) -> tuple[dict[str, str], tuple[str, ...]]:
    columns: dict[str, str] = {}
    ignored: list[str] = []
    for column in header:
        factor = ALIASES.get(column.casefold(), column.casefold())
        if factor not in FACTOR_KINDS:
            _refuse_slip(column, name)
            ignored.append(column)
        elif factor in columns.values():
            other = next(c for c, f in columns.items() if f == factor)
            raise DataError(
                f"{name}:1: columns {quoted(other)} and {quoted(column)} are both {factor}; every factor "
                "has one column. Remove one of them."
            )
        else:
            columns[column] = factor
    if not columns:
        raise DataError(
            f"{name}:1: found the columns {', '.join(map(quoted, header[:12]))}; at least one is a factor "
            f"({', '.join(FACTOR_KINDS)}). Rename the columns."
        )
    return columns, tuple(ignored)


def _refuse_slip(column: str, name: str) -> None:
    close = difflib.get_close_matches(
        column.casefold(), [*FACTOR_KINDS, *(a for a in ALIASES if len(a) > 4)], n=1, cutoff=_LIKE_A_FACTOR
    )
    if close:
        raise DataError(
            f"{name}:1: column {quoted(column)}: there is no such factor. Did you mean "
            f"{ALIASES.get(close[0], close[0])}? Columns that are no factors have other names."
        )


def _configuration(
    row: Row, columns: dict[str, str], baseline: Configuration, name: str, problems: list[str]
) -> Configuration:
    line, cells = row
    values: dict[str, Level] = {}
    for column, factor in columns.items():
        text = cells[column].strip()
        if not text:
            continue
        kind = FACTOR_KINDS[factor]
        value = _parsed(kind, text)
        rule = kind.problem(value)
        if rule:
            problems.append(
                f"{name}:{line}: {column}: found {quoted(text)}; {rule}. Correct the cell, or leave it "
                "empty for the baseline's value."
            )
        else:
            values[factor] = int(value) if kind.value_type is int else value
    return baseline.with_values(**values)


def _parsed(kind: FactorKind, text: str) -> Any:
    """A cell's value in the factor's type, or the text itself when it is none (the kind then says the rule)."""
    if kind.value_type is bool:
        return _FLAGS.get(text.casefold(), text)
    if kind.name == "target_modules":
        words = text.replace(";", " ").replace(",", " ").split()
        return words[0] if words == ["all-linear"] else tuple(words)
    if kind.value_type is str:
        return text
    try:
        return float(text)
    except ValueError:
        return text
