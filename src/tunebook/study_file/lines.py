"""Where a key stands in a study file, for messages about values whose faults show only later: the model, the metric."""

from __future__ import annotations

from pathlib import Path

from tunebook.errors import StudyFileError
from tunebook.study_file.document import parse_document, read_text
from tunebook.study_file.keys import KEYS

__all__ = ["with_line"]


def with_line(message: str, file: Path) -> str:
    """A message that begins with a key of the study file ("model: ...", "metric.floor: ..."), after its file and line.

    A factor is looked for in `baseline`, then in `space`. A message that begins with anything else is given back as it
    is; so is one about a file that cannot be read any more.
    """
    key = message.partition(":")[0]
    path = tuple(key.split("."))
    paths = [path, path[:1]] if path[:1] in KEYS else [("baseline", key), ("space", key)]
    try:
        lines = parse_document(read_text(file), file.name).lines
    except StudyFileError:
        return message
    line = next((lines[path] for path in paths if path in lines), None)
    return message if line is None else f"{file.name}:{line}: {message}"
