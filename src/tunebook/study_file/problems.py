"""Problems of a study file, collected so that all are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.errors import StudyFileError
from tunebook.escaping import one_line, quoted

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
    text: str


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

    def add(self, path: KeyPath, text: str, line: int | None = None) -> None:
        """Note a problem with the value at a path; its line, unless given, is that of the path or nearest parent."""
        self.found.append(Problem(self.line_of(path) if line is None else line, dotted(path), text))

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


def _message(file: str, problems: list[Problem]) -> str:
    lines = [f"{file}{f':{p.line}' if p.line else ''}: {f'{p.key}: ' if p.key else ''}{p.text}" for p in problems]
    if len(lines) == 1:
        return lines[0]
    return f"{file} has {len(lines)} problems:\n" + "\n".join(f"  {line}" for line in lines)


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
