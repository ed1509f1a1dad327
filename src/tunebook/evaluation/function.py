"""The user's own metric, `module:function`. It is the user's code and runs with the user's rights.

The module is looked for in the study file's folder first, then among the installed packages. The function takes
(answer, gold) or (answer, gold, example) and gives a score in [0, 1], or true or false.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.errors import StudyFileError, UserError

__all__ = ["FunctionMetric", "load_function", "metric_file"]


@dataclass(frozen=True)
class FunctionMetric:
    """A metric made of a user's function.

    Attributes:
        name: module:function, as in the study file.
        function: what was found under that name.
        takes_example: whether it wants the example (prompt, gold, group) as third argument.
    """

    name: str
    function: Callable[..., Any]
    takes_example: bool
    kind: str = "generate"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """The function's score.

        Raises:
            UserError: it failed, or gave no number in [0, 1]; the message names function and example.
        """
        arguments = (answer, gold, example) if self.takes_example else (answer, gold)
        where = "" if example is None else f" on example {example.index}"
        try:
            value = self.function(*arguments)
        except Exception as error:  # the user's code may raise anything
            raise UserError(
                f"metric {self.name}: failed{where} with {type(error).__name__}: {error}; a metric gives a "
                "score for any answer, also an empty one. Correct the function."
            ) from error
        if isinstance(value, bool | int | float) and math.isfinite(value) and 0 <= value <= 1:
            return float(value)
        raise UserError(
            f"metric {self.name}: gave {value!r}{where}; a score is a number from 0 to 1. Correct the function."
        )

    def parsable(self, answer: str) -> bool:
        """Whether there is an answer at all."""
        return bool(answer.strip())


def load_function(name: str, folder: Path) -> FunctionMetric:
    """Import a user's metric.

    Args:
        name: module:function.
        folder: the study file's folder.

    Raises:
        StudyFileError: no such module or function, or it takes another number of arguments.
    """
    module_name, _, function_name = name.partition(":")
    function = getattr(_module(module_name, name, folder), function_name, None)
    if not callable(function):
        raise StudyFileError(
            f"metric: found {name}; module {module_name} has no function {function_name}. "
            "Write it, or correct the name."
        )
    return FunctionMetric(name, function, _takes_example(function, name))


def metric_file(name: str, folder: Path) -> Path | None:
    """The file beside the study file that holds the metric `module:function`; None: an installed module."""
    file = folder.joinpath(*name.partition(":")[0].split(".")).with_suffix(".py")
    return file if file.is_file() else None


def _module(module_name: str, name: str, folder: Path) -> ModuleType:
    file = folder.joinpath(*module_name.split(".")).with_suffix(".py")
    try:
        return _from_file(module_name, file) if file.is_file() else importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise StudyFileError(
            f"metric: found {name}; there is no {file} and no installed module {error.name}. "
            "Write the file beside the study file, or correct the name."
        ) from None
    except Exception as error:  # importing runs the user's code, which may raise anything
        raise StudyFileError(
            f"metric: importing {module_name} failed with {type(error).__name__}: {error}. Correct the module."
        ) from error


def _from_file(module_name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tunebook_user_metric.{module_name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))  # so that the module finds its own neighbours
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module


def _takes_example(function: Callable[..., Any], name: str) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    for n_arguments in (3, 2):
        try:
            signature.bind(*range(n_arguments))
        except TypeError:
            continue
        return n_arguments == 3
    raise StudyFileError(
        f"metric: {name} takes {signature}; a metric takes (answer, gold) or (answer, gold, example). "
        "Change its arguments."
    )
