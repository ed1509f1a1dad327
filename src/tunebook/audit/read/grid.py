"""Tables as plain grids, whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Document", "Grid", "Statement"]


@dataclass(frozen=True)
class Grid:
    """One table: header cells, and its lines with their line numbers in the file.

    Attributes:
        section: the nearest heading above.
        line: of the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    line: int
    section: str = ""


@dataclass(frozen=True)
class Statement:
    """A bullet, a paragraph's line or a line of a code block, with its place. `is_code`: from a fenced block."""

    text: str
    line: int
    section: str = ""
    is_code: bool = False


@dataclass(frozen=True)
class Document:
    """What a file holds: its tables and its sentences, in order."""

    grids: tuple[Grid, ...]
    statements: tuple[Statement, ...] = ()
    notes: tuple[tuple[str, dict[str, object]], ...] = ()
