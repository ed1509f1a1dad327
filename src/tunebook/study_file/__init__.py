"""The study file: YAML to `StudySpec` and back, and what changed between two versions of it.

The file is read as a YAML 1.2 node tree (`document`), never as objects; its form is validated by pydantic (`schema`),
its values against the known factors (`factors`) and against each other (`checks`). Every problem is collected, and one
`StudyFileError` names them all with their lines.
"""

from __future__ import annotations

from tunebook.study_file.changes import accepted_changes, changed_keys
from tunebook.study_file.reader import load_study, parse_study, raise_together, with_line
from tunebook.study_file.writer import write_study

__all__ = [
    "accepted_changes",
    "changed_keys",
    "load_study",
    "parse_study",
    "raise_together",
    "with_line",
    "write_study",
]
