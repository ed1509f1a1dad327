"""Finds the code that a study file would run, and remembers which of it this user has confirmed.

A study file can name a program (engine `command`), a metric (`module:function`), a task of a harness whose file lies
beside it (`lm_eval:TASK`), or a metric that runs code that the model writes (pass@1). These run with the user's
rights, the last with limits, so a study file from elsewhere must be read before it is run, as a script must.
Confirmations are kept per user, as a hash of exactly what was named and of the contents of the named files
(decision 075).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tunebook.core.harness_metric import HarnessMetric
from tunebook.core.study import StudySpec
from tunebook.errors import StudyFileError, UserError
from tunebook.escaping import quoted, shell_line
from tunebook.evaluation import load_metric
from tunebook.evaluation.function import metric_file, require_module
from tunebook.phrases import Phrase
from tunebook.plugins import METRICS, harness_of
from tunebook.run.paths import StudyPaths
from tunebook.study_file import with_line

__all__ = ["NamedCode", "confirm", "require_confirmed", "unconfirmed_code"]


@dataclass(frozen=True)
class NamedCode:
    """A program or a metric named in a study file.

    Attributes:
        key: the study file's key, `command` or `metric`.
        text: the code that would run, on one line.
        digest: SHA-256 of the text and of the contents of the named files.
    """

    key: str
    text: str
    digest: str

    @property
    def is_confirmed(self) -> bool:
        """Whether this user has confirmed exactly this code."""
        return (_folder() / self.digest).is_file()


def unconfirmed_code(spec: StudySpec, paths: StudyPaths, starts_program: bool) -> tuple[NamedCode, ...]:
    """The code that a command would run and that this user has not confirmed.

    Args:
        starts_program: whether the command starts the program. The metric is imported by every command that reads the
            data.

    Raises:
        UserError: the metric's module is not there, so there is nothing to confirm.
    """
    named = []
    if starts_program and spec.command:
        named.append(_program(spec.command))
    if harness_of(spec.metric) is not None:
        named += _task(spec, paths.base)
    elif ":" in spec.metric:
        _require_there(spec.metric, paths)
        named.append(_metric(spec.metric, paths.base))
    named += [
        _runs_answers(name) for name in spec.installed_metrics if getattr(METRICS.load(name), "runs_answers", False)
    ]
    return tuple(code for code in named if not code.is_confirmed)


def _require_there(metric: str, paths: StudyPaths) -> None:
    try:
        require_module(metric, paths.base)
    except StudyFileError as error:
        if paths.file is None:
            raise
        raise StudyFileError(with_line(error.phrase, paths.file)) from None


def _runs_answers(name: str) -> NamedCode:
    text = f"{name} runs code that the model writes, and that of the data set, in a process with limits"
    return NamedCode("metric", text, _digest("metric", name))


def confirm(codes: Iterable[NamedCode]) -> None:
    """Remember that this user has confirmed the code. Raises OSError if that cannot be written."""
    for code in codes:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / code.digest).write_text(f"{code.key}: {code.text}\n", encoding="utf-8")


def require_confirmed(spec: StudySpec, paths: StudyPaths, starts_program: bool, trusted: bool) -> None:
    """Refuse code that has not been confirmed, before any of it has run.

    Raises: UserError: code is not confirmed; the message names it and says how to confirm it.
    """
    missing = () if trusted else unconfirmed_code(spec, paths, starts_program)
    if not missing:
        return
    code = missing[0]
    text = Phrase(
        "{key}: found `{code}`, which would run with your rights and which you have not confirmed on this machine, or "
        "which has changed since. Read it. If you trust it, run the same command in a terminal and answer yes, or give "
        "--trust-study-code (in Python: Study.load(..., trust_study_code=True)).",
        key=code.key,
        code=code.text,
    )
    raise UserError(with_line(text, paths.file) if paths.file else text)


def _program(command: tuple[str, ...]) -> NamedCode:
    files = {part: _hash(Path(part)) for part in command if _is_file(Path(part))}
    return NamedCode("command", shell_line(command), _digest("command", list(command), files))


def _metric(name: str, base: Path) -> NamedCode:
    file = metric_file(name, base)
    where = f"{name} of {quoted(str(file), 200)}" if file else f"{name} of an installed module"
    return NamedCode("metric", where, _digest("metric", name, {"file": _hash(file) if file else None}))


def _task(spec: StudySpec, base: Path) -> list[NamedCode]:
    """A task beside the study file: its templates and functions are code. One of the harness's own is a library's."""
    metric = load_metric(spec.metric, base, dict(spec.metric_options))
    files = [Path(file) for file in metric.code_files()] if isinstance(metric, HarnessMetric) else []
    if not files:
        return []
    where = f"{spec.metric} with the task files in {quoted(str(files[0].parent), 200)}"
    return [NamedCode("metric", where, _digest("metric", spec.metric, {str(file): _hash(file) for file in files}))]


def _digest(*named: object) -> str:
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a path, or not a path
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder() -> Path:
    return platformdirs.user_state_path("tunebook") / "confirmed"
