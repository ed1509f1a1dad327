"""Finds a task of lm_eval by its name, among the study's own files and those of the package, without running any.

lm_eval's own index reads all its 14,000 files as YAML, which takes half a minute; here only lines are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.errors import StudyFileError

__all__ = ["TaskFile", "code_beside", "config_of", "find_task", "local_files", "names_in_group"]

_LEFT_OUT = frozenset({".git", ".venv", "venv", "node_modules", "runs", "__pycache__"})
MOST_FILES = 20_000


@dataclass(frozen=True)
class TaskFile:
    """The YAML file in which a task was found, and whether the name is that of a group of tasks."""

    path: Path
    is_group: bool


def find_task(name: str, folder: Path) -> TaskFile | None:
    """The YAML file below a folder that defines the task or group of that name; None: there is none."""
    named = re.compile(rf"^(?:[\"']?(task|group)[\"']?)\s*:\s*[\"']?{re.escape(name)}[\"']?\s*(?:#.*)?$", re.MULTILINE)
    for path in _yaml_files(folder):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if name in text and (match := named.search(text)):
            return TaskFile(path, match.group(1) == "group")
    return None


def _yaml_files(folder: Path) -> Iterator[Path]:
    """YAML files of a folder, then those of the folders in it; sorted."""
    waiting, seen = [folder], 0
    while waiting and seen < MOST_FILES:
        here = waiting.pop(0)
        try:
            entries = sorted(here.iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.suffix in (".yaml", ".yml") and entry.is_file():
                seen += 1
                yield entry
        waiting += [entry for entry in entries if entry.is_dir() and entry.name not in _LEFT_OUT]


def code_beside(path: Path) -> list[Path]:
    """The files of a task's folder that may take part in it: YAML files, which hold templates, and Python files."""
    return [file for file in sorted(path.parent.iterdir()) if file.suffix in (".yaml", ".yml", ".py")]


def config_of(path: Path) -> dict[str, Any]:
    """What a task's file says, with what it includes. Functions (`!function`) are left as they are written.

    Raises: StudyFileError: it is no YAML map.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        config = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise StudyFileError(
            "metric: {path}: the task's file cannot be read: {error}. Correct it.", path=path, error=error
        ) from error
    if not isinstance(config, dict):
        raise StudyFileError("metric: {path}: the task's file is no map of keys and values. Correct it.", path=path)
    includes = config.pop("include", None) or []
    merged: dict[str, Any] = {}
    for include in includes if isinstance(includes, list) else [includes]:
        merged |= config_of(path.parent / str(include))
    return merged | dict(config)


def names_in_group(path: Path) -> list[str]:
    """The names of the tasks (or groups) that the file of a group lists.

    Raises: StudyFileError: it is no YAML map.
    """
    listed = config_of(path).get("task") or []
    entries = [listed] if isinstance(listed, str) else listed
    each = [entry.get("task") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in each if isinstance(name, str)]


def local_files(config: dict[str, Any], folder: Path) -> Any:
    """`dataset_kwargs.data_files` with the paths of files that lie beside the task written out; None: it names none.

    lm_eval takes them from the working folder, which differs between a terminal and a worker.
    """
    files = (config.get("dataset_kwargs") or {}).get("data_files")
    return None if files is None else _written_out(files, folder)


def _written_out(files: Any, folder: Path) -> Any:
    if isinstance(files, dict):
        return {str(name): _written_out(each, folder) for name, each in files.items()}
    if isinstance(files, list):
        return [_written_out(each, folder) for each in files]
    beside = folder / str(files)
    return str(beside.resolve()) if beside.is_file() else str(files)
