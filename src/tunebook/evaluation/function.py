"""The user's own metric, `module:function`. It is the user's code and runs with the user's rights.

The module is looked for in the study file's folder first, then among the installed packages. The function takes
(answer, gold) or (answer, gold, example) and gives a score in [0, 1], or true or false. A function over all rows takes
the lists of answers and gold texts; it is told apart by its arguments' names or types, or by the option `kind`. Further
options say what its number is: low, high, unit, lower_is_better, span.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric, ScoreKind, ScoreScale
from tunebook.core.notice import Notice
from tunebook.errors import StudyFileError
from tunebook.escaping import quoted

__all__ = ["FunctionMetric", "load_function", "metric_file", "require_module"]

LIST_ARGUMENTS = frozenset(
    {"answers", "golds", "predictions", "preds", "references", "refs", "targets", "labels", "outputs", "y_true"}
)
"""Names that people give to the lists which a metric of all rows takes."""
LIST_TYPES = ("list", "List", "Sequence", "Iterable", "tuple", "ndarray", "Series")


class FunctionMetric(ExampleMetric):
    """A metric made of a user's function.

    Args:
        name: module:function, as in the study file.
        function: what was found under that name.
        kind: "mean" (by example) or "statistic" (over all rows); None: as the arguments say.
        low, high: bounds of its number; None: unbounded.
        unit: what it counts; empty: points.
        lower_is_better: for errors and losses.
        span: of an unbounded number, the difference that counts as 1 against the study's margin.

    Raises:
        ValueError: options that contradict each other.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        kind: str | None = None,
        low: float | None = 0.0,
        high: float | None = 1.0,
        unit: str = "",
        lower_is_better: bool = False,
        span: float = 1.0,
    ) -> None:
        self.name = name
        self._function = function
        self._takes_example = _takes_example(function, name)
        known = {"mean": False, "statistic": True, None: _takes_lists(function)}
        if kind not in known:
            raise ValueError(f"kind: {kind!r} is neither mean nor statistic")
        if low is not None and high is not None and not low < high:
            raise ValueError("low is below high")
        if not span > 0:
            raise ValueError("span: a number above 0")
        self.scale = ScoreScale(
            kind=ScoreKind.STATISTIC if known[kind] else ScoreKind.MEAN,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            unit=str(unit),
            higher_is_better=not lower_is_better,
            span=float(span),
        )

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """What the function gives; `evaluation.scored` checks it."""
        given: float = self._function(*((answer, gold, example) if self._takes_example else (answer, gold)))
        return given

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """What the function gives for all rows."""
        given: float = self._function(list(answers), [example.gold for example in examples])
        return given

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[Notice, ...]:
        """Refuses empty gold texts, and a function whose arguments' names mislead about whether it takes lists."""
        super().check(examples, places)
        rows = next((rows for rows in examples.values() if rows), ())
        if rows and self.scale.kind is ScoreKind.MEAN and not self._works_on(rows[0]) and self._works_on_all(rows):
            raise StudyFileError(
                "metric: found {name}; it fails on one answer and works on lists of them, so it is one number of all "
                "rows. Write metric: {{name: {quoted}, kind: statistic}}.",
                name=self.name,
                quoted=quoted(self.name),
            )
        if rows and self.scale.kind is ScoreKind.STATISTIC and not self._works_on_all(rows) and self._works_on(rows[0]):
            raise StudyFileError(
                "metric: found {name}; by the names of its arguments it is given lists, fails on them, and works on "
                "one answer. Write metric: {{name: {quoted}, kind: mean}}, or call the arguments answer and gold.",
                name=self.name,
                quoted=quoted(self.name),
            )
        return ()

    def _works_on(self, row: ExampleText) -> bool:
        try:
            return isinstance(self.score(row.gold, row.gold, row), int | float)
        except Exception:  # the user's code may raise anything; why it does is told by `evaluation.scored`
            return False

    def _works_on_all(self, rows: Sequence[ExampleText]) -> bool:
        golds = [row.gold for row in rows]
        try:
            return isinstance(self._function(golds, golds), int | float)
        except Exception:  # the user's code may raise anything
            return False


def load_function(name: str, folder: Path, options: Mapping[str, Any] | None = None) -> FunctionMetric:
    """Import a user's metric.

    Args:
        name: module:function.
        folder: the study file's folder.
        options: what the study file says about its number.

    Raises:
        StudyFileError: no such module or function, it cannot be imported, it takes another number of arguments, or the
            options do not fit.
    """
    module_name, _, function_name = name.partition(":")
    function = getattr(_module(module_name, name, folder), function_name, None)
    if not callable(function):
        raise StudyFileError(
            "metric: found {name}; module {module_name} has no function {function_name}, and no installed "
            "package brings a harness {module_name}. Write it, or correct the name.",
            name=name,
            module_name=module_name,
            function_name=function_name,
        )
    try:
        return FunctionMetric(name, function, **(options or {}))
    except StudyFileError:
        raise
    except (TypeError, ValueError) as error:
        raise StudyFileError(
            "metric: {name} does not take these options ({error}); a function has kind, low, high, unit, "
            "lower_is_better and span. Correct them.",
            name=name,
            error=error,
        ) from error


def metric_file(name: str, folder: Path) -> Path | None:
    """The file beside the study file that holds the metric `module:function`; None: an installed module."""
    file = _file_of(name.partition(":")[0], folder)
    return file if file.is_file() else None


def require_module(name: str, folder: Path) -> None:
    """Refuse the metric `module:function` if there is neither a file nor an installed package of that name; imports
    nothing.

    Raises:
        StudyFileError: so it is.
    """
    module_name = name.partition(":")[0]
    top = module_name.partition(".")[0]
    if metric_file(name, folder):
        return
    if not module_name.endswith(".py") and (top in sys.modules or importlib.util.find_spec(top)):
        return
    raise _not_there(name, _file_of(module_name, folder), top)


def _file_of(module_name: str, folder: Path) -> Path:
    return folder.joinpath(*module_name.split(".")).with_suffix(".py")


def _not_there(name: str, file: Path, missing: str | None) -> StudyFileError:
    module_name, _, function_name = name.partition(":")
    if module_name.endswith(".py"):
        right = ".".join(Path(module_name).with_suffix("").parts)
        return StudyFileError(
            "metric: found {name}; a module is named without .py, and folders by dots. Write {right}.",
            name=name,
            right=f"{right}:{function_name}",
        )
    return StudyFileError(
        "metric: found {name}; there is no {file} and no installed module {missing}, and no installed package "
        "brings a harness of that name. Write the file beside the study file, install the package, or correct the "
        "name.",
        name=name,
        file=file,
        missing=missing,
    )


def _module(module_name: str, name: str, folder: Path) -> ModuleType:
    file = _file_of(module_name, folder)
    try:
        return _from_file(module_name, file) if file.is_file() else importlib.import_module(module_name)
    except Exception as error:  # importing runs the user's code, which may raise anything
        is_absent = isinstance(error, ModuleNotFoundError) and _is_named(error.name, module_name)
        if not file.is_file() and (is_absent or module_name.endswith(".py")):
            raise _not_there(name, file, getattr(error, "name", None)) from None
        if isinstance(error, ModuleNotFoundError) and error.name:
            raise StudyFileError(
                "metric: found {name}; {module_name} imports {missing}, which is not installed here. Install it, or "
                "write the metric without it.",
                name=name,
                module_name=module_name,
                missing=error.name,
            ) from error
        raise StudyFileError(
            "metric: importing {module_name} failed with {kind}: {error}. Correct the module.",
            module_name=module_name,
            kind=type(error).__name__,
            error=error,
        ) from error


def _is_named(missing: str | None, module_name: str) -> bool:
    """Whether what is missing is the module that was named, or a package that it would lie in."""
    return missing is not None and f"{module_name}.".startswith(f"{missing}.")


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
        "metric: {name} takes {signature}; a metric takes (answer, gold) or (answer, gold, example). Change "
        "its arguments.",
        name=name,
        signature=signature,
    )


def _takes_lists(function: Callable[..., Any]) -> bool:
    """Whether the first two arguments are lists, by their names or by their types."""
    try:
        first = list(inspect.signature(function).parameters.values())[:2]
    except (TypeError, ValueError):
        return False
    return bool(first) and all(each.name in LIST_ARGUMENTS or _is_list(each.annotation) for each in first)


def _is_list(annotation: Any) -> bool:
    """Whether an annotation, as a type or as text, is one of a list: `list[str]`, "Sequence[str]", `np.ndarray`."""
    text = annotation if isinstance(annotation, str) else str(getattr(annotation, "__name__", annotation))
    return text.partition("[")[0].rpartition(".")[2] in LIST_TYPES
