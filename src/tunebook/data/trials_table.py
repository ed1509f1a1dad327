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
from tunebook.data.decoding import decode
from tunebook.data.examples import quoted
from tunebook.data.text_files import Row, read_csv
from tunebook.errors import DataError, UserError
from tunebook.files import reason
from tunebook.phrases import Phrase, joined

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
            "{path}: cannot be read ({why}). Give the path of a CSV file.",
            path=path,
            why=reason(error),
        ) from None
    text, _ = decode(data, path.name)
    rows = read_csv(text, path.name)
    if not rows:
        raise DataError(
            "{name}: no configurations in it; a table has a header and at least one line. Write one "
            "configuration a line.",
            name=path.name,
        )
    columns, ignored = _columns(list(rows[0][1]), path.name)
    problems: list[Phrase] = []
    configurations = tuple(_configuration(row, columns, baseline, path.name, problems) for row in rows)
    if problems:
        raise DataError(joined(problems))
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
            meant = Phrase(" Did you mean {factor}?", factor=ALIASES.get(close[0], close[0])) if close else ""
            raise UserError(
                "{word}: {name} is no factor. Write a setting such as lora_r=64.{meant}"
                if equals
                else "{word}: a setting is a factor, = and its value. Write it such as lora_r=64.{meant}",
                word=quoted(word),
                name=quoted(name),
                meant=meant,
            )
        if "=" in level or level.endswith((",", ";", "\uff0c", "\uff1b")):
            raise UserError(
                "{word}: settings are separated by blanks, as in 'lora_r=64 learning_rate=3e-4'. Write a blank between "
                "them, and nothing else.",
                word=quoted(word),
            )
        if factor in values:
            raise UserError("{word}: {factor} is there twice. Give it once.", word=quoted(word), factor=factor)
        kind = FACTOR_KINDS[factor]
        value = _parsed(kind, level.strip("[]") if kind.is_list else level)
        rule = kind.problem(value)
        if rule:
            raise UserError("{word}: {rule}. Correct the value.", word=quoted(word), rule=rule)
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
                "{name}:1: columns {other} and {column} are both {factor}; every factor has one column. Remove one "
                "of them.",
                name=name,
                other=quoted(other),
                column=quoted(column),
                factor=factor,
            )
        else:
            columns[column] = factor
    if not columns:
        raise DataError(
            "{name}:1: found the columns {header}; at least one is a factor ({factor_kinds}). Rename the columns.",
            name=name,
            header=", ".join(map(quoted, header[:12])),
            factor_kinds=", ".join(FACTOR_KINDS),
        )
    return columns, tuple(ignored)


def _refuse_slip(column: str, name: str) -> None:
    close = difflib.get_close_matches(
        column.casefold(), [*FACTOR_KINDS, *(a for a in ALIASES if len(a) > 4)], n=1, cutoff=_LIKE_A_FACTOR
    )
    if close:
        raise DataError(
            "{name}:1: column {column}: there is no such factor. Did you mean {factor}? Columns that are no factors "
            "have other names.",
            name=name,
            column=quoted(column),
            factor=ALIASES.get(close[0], close[0]),
        )


def _configuration(
    row: Row, columns: dict[str, str], baseline: Configuration, name: str, problems: list[Phrase]
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
                Phrase(
                    "{name}:{line}: {column}: found {text}; {rule}. Correct the cell, or leave it empty for the "
                    "baseline's value.",
                    name=name,
                    line=line,
                    column=column,
                    text=quoted(text),
                    rule=rule,
                )
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
