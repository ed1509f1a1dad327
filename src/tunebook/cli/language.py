"""The language in which a command speaks before its study has been read, or when that fails."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from tunebook.words import LANGUAGES

__all__ = ["language_of", "spoken_language"]

_IN_FILE = re.compile(r"""^\s*(?:["']?report["']?\s*:\s*\{\s*)?["']?language["']?\s*:\s*["']?(\w+)""", re.MULTILINE)
_LONGEST = 64 * 1024


def spoken_language(arguments: Sequence[str]) -> str:
    """The language for the messages of a command: that of `--language`, else that of the study it names, else English.

    Args:
        arguments: of the command line, which may be wrong.
    """
    for i, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--language":
            asked = value if equals else "".join(arguments[i + 1 : i + 2])
            return asked if asked in LANGUAGES else LANGUAGES[0]
    for argument in arguments[1:]:
        with contextlib.suppress(OSError, ValueError):  # too long for a path, or not a path
            if not argument.startswith("-") and Path(argument).exists():
                return language_of(Path(argument))
    return LANGUAGES[0]


def language_of(study: Path) -> str:
    """The language of a study file, whatever else is wrong with it, or of a study folder; English if it has none."""
    if study.is_dir():
        return _of_ledger(study)
    try:
        with study.open("rb") as file:
            found = _IN_FILE.search(file.read(_LONGEST).decode("utf-8", "replace"))
    except OSError:
        return LANGUAGES[0]
    return found[1] if found and found[1] in LANGUAGES else LANGUAGES[0]


def _of_ledger(folder: Path) -> str:
    from tunebook.errors import TunebookError
    from tunebook.ledger import open_ledger

    try:
        with open_ledger(folder, write=False) as ledger:
            spec = ledger.spec()
    except (TunebookError, OSError):
        return LANGUAGES[0]
    return spec.language if spec else LANGUAGES[0]
