"""Problems of a study file, collected so that all are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.errors import StudyFileError
from tunebook.escaping import one_line, quoted
from tunebook.phrases import Phrase, as_phrase, joined

__all__ = ["KeyPath", "Problem", "Problems", "nearest", "shown"]

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("baseline", "lora_r") or ("space", "lora_r", 2)."""

SHOWN_CHARACTERS = 60
"""Found values are quoted up to this length."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend. `line` counts from 1; 0 when the thing is missing from the file."""

    line: int
    key: str
    text: Phrase

    def told(self, file: str) -> Phrase:
        """The problem behind its place."""
        place = f"{file}{f':{self.line}' if self.line else ''}: {f'{self.key}: ' if self.key else ''}"
        return Phrase("{place}{text}", place=place, text=self.text)


@dataclass
class Problems:
    """Collects problems of one file.

    Attributes:
        file: the file's name as it is told to people.
        lines: the line of each key path.
    """

    file: str
    lines: Mapping[KeyPath, int]
    found: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, text: str, /, at_line: int | None = None, **values: object) -> None:
        """Note a problem with the value at a path.

        Args:
            text: what was found, the rule and the next step, with `values` in its braces (`phrases.Phrase`).
            at_line: its line; None: that of the path or its nearest parent.
        """
        line = self.line_of(path) if at_line is None else at_line
        self.found.append(Problem(line, dotted(path), as_phrase(text, **values)))

    def line_of(self, path: KeyPath) -> int:
        """Line of a path, or of its nearest parent that is in the file; 0 when none is."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 0

    def has(self, path: KeyPath) -> bool:
        """Whether a problem with this very path, or with something under it, was found."""
        name = dotted(path)
        return any(p.key == name or p.key.startswith((name + ".", name + "[")) for p in self.found)

    def raise_if_any(self) -> None:
        """Raise one StudyFileError that names all problems in the order of the file."""
        if self.found:
            raise StudyFileError(_message(self.file, sorted(set(self.found))))


def _message(file: str, problems: list[Problem]) -> Phrase:
    told = [problem.told(file) for problem in problems]
    if len(told) == 1:
        return told[0]
    return Phrase("{file} has {n} problems:\n  {problems}", file=file, n=len(told), problems=joined(told, "\n  "))


def dotted(path: KeyPath) -> str:
    """A path as people write it, safe for a terminal: space.lora_r[2]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_safe(part)}" if text else _safe(part)
    return text


def _safe(text: str) -> str:
    return one_line(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None when none is like it."""
    close = difflib.get_close_matches(name.casefold(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def shown(value: Any) -> str:
    """A value as it stands in the file, safe for a terminal and not too long."""
    return quoted(value, SHOWN_CHARACTERS)
