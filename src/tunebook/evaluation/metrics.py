"""A study's metric: found by name, and asked for scores that are held to its own promises."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from tunebook.core.facts import ExampleText
from tunebook.core.metric import Metric
from tunebook.core.score import SHARE, ScoreScale
from tunebook.errors import StudyFileError, UserError
from tunebook.escaping import quoted
from tunebook.evaluation.function import FunctionMetric, load_function
from tunebook.phrases import Phrase
from tunebook.plugins import HARNESSES, METRICS, harness_of

__all__ = ["load_metric", "scale_of", "scored"]


def load_metric(name: str, folder: str | Path = ".", options: Mapping[str, Any] | None = None) -> Metric:
    """The metric of that name.

    Args:
        name: an installed metric, module:function, or a harness and its task ("lm_eval:TASK").
        folder: where a user's module or a task is looked for first.
        options: what the study file says beside the name.

    Raises:
        StudyFileError: there is no such metric, it cannot be imported, or it does not take these options.
    """
    options = dict(options or {})
    harness = harness_of(name)
    if ":" in name and harness is None:
        return load_function(name, Path(folder), options)
    factory: Callable[..., Metric] = METRICS.load(name) if harness is None else HARNESSES.load(harness)
    _check_options(name, factory, options)
    place = {FOLDER: str(folder)} if _takes_folder(factory) else {}
    task = () if harness is None else (name.partition(":")[2],)
    try:
        return factory(*task, **options, **place)
    except (TypeError, ValueError) as error:
        raise StudyFileError(
            "metric: {name} does not take these options ({error}). Correct them.", name=name, error=error
        ) from error


FOLDER = "study_folder"
"""A metric with this argument is told where the study file is; it is no option."""
_SECRETS = ("key", "token", "secret", "password")
_VALUES, _LIST = "names with their values, in the study file itself", "a list"
_KINDS: dict[Any, str] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
    Mapping: _VALUES,
    dict: _VALUES,
    Sequence: _LIST,
    list: _LIST,
    tuple: _LIST,
}
"""What the values of a type are called."""


def _check_options(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that the metric does not have or whose values are of another type than it says, by annotation or
    by default: most metrics would find out only while they score. Refuse also that a needed one is missing."""
    try:
        parameters = inspect.signature(factory).parameters.items()
        known = {name: each for name, each in parameters if name != FOLDER and each.kind is not each.POSITIONAL_ONLY}
        hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    except (TypeError, ValueError, NameError):  # a factory that cannot be looked into says so itself
        return
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values())
    for option, value in options.items():
        if option not in known and not takes_any:
            is_secret = any(word in option.casefold() for word in _SECRETS)
            raise StudyFileError(
                "metric.{option}: found {value}; {name} has no such option, it takes {known}. Correct it."
                if known
                else "metric.{option}: found {value}; {name} takes no options. Remove it.",
                option=option,
                value="***" if is_secret else quoted(value),
                name=name,
                known=", ".join(known),
            )
        default = known[option].default if option in known else None
        wanted = hints.get(option, type(default) if type(default) in _KINDS else Any)
        if not _is_of(value, wanted):
            raise StudyFileError(
                "metric.{option}: found {value}; for {name} it must be {rule}. Correct it.",
                option=option,
                value=quoted(value),
                name=name,
                rule=_kind(wanted),
            )
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for option, each in known.items():
        if each.kind in named and each.default is inspect.Parameter.empty and option not in options:
            raise StudyFileError(
                "metric: {name} needs the option {option}. Write metric: {{name: {name}, {option}: ...}}.",
                name=name,
                option=option,
            )


def _kind(wanted: Any) -> Phrase:
    """What a value of a type is called; of a type or None, the type."""
    types = [each for each in get_args(wanted) if each is not NoneType] if NoneType in get_args(wanted) else [wanted]
    kind = types[0] if len(types) == 1 else wanted
    known = _KINDS.get(kind) or _KINDS.get(get_origin(kind))
    return Phrase(known) if known else Phrase("of type {kind}", kind=kind)


def _takes_folder(factory: Callable[..., Any]) -> bool:
    try:
        return FOLDER in inspect.signature(factory).parameters
    except (TypeError, ValueError):  # it cannot be looked into
        return False


def _is_of(value: Any, wanted: Any) -> bool:
    """Whether a value of a study file is of a type; a list may stand for a tuple, a whole number for a number."""
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    try:
        TypeAdapter(wanted).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    except (PydanticUserError, TypeError, ValueError):  # a type that cannot be checked, or a date
        return True
    return True


def scale_of(name: str, options: Mapping[str, Any] | None = None) -> ScoreScale:
    """What a metric measures, without importing a user's function: what the study file says of it.

    Raises:
        StudyFileError: as `load_metric`.
    """
    if harness_of(name) is not None:
        return SHARE.called(name)  # known when the task is open; the ledger keeps it
    if ":" not in name:
        scale = load_metric(name, options=options).scale
    else:
        told = FunctionMetric(name, lambda answer, gold: 0.0, **(options or {}))
        scale = told.scale
    return scale.called(name)


def scored(metric: Metric, answer: str, example: ExampleText) -> float:
    """The score of an answer, as the metric's scale promises it; of several right answers the nearest counts.

    Raises:
        UserError: the metric failed, or gave no number within its bounds; the message names metric and example.
    """
    best = max if metric.scale.higher_is_better else min
    return best(_scored(metric, answer, gold, example) for gold in example.golds)


def _scored(metric: Metric, answer: str, gold: str, example: ExampleText) -> float:
    try:
        value = metric.score(answer, gold, example)
    except Exception as error:  # somebody else's code may raise anything
        raise UserError(
            "metric {name}: failed on example {index} with {kind}: {error}; a metric gives a score for any "
            "answer, also an empty one. Correct the function.",
            name=metric.name,
            index=example.index,
            kind=type(error).__name__,
            error=error,
        ) from error
    if isinstance(value, bool | int | float) and math.isfinite(value) and metric.scale.contains(value):
        return float(value)
    low = "-∞" if metric.scale.low is None else f"{metric.scale.low:g}"
    high = "∞" if metric.scale.high is None else f"{metric.scale.high:g}"
    raise UserError(
        "metric {name}: gave {value!r} on example {index}; a score is a number from {low} to {high}. Correct "
        "the function.",
        name=metric.name,
        value=value,
        index=example.index,
        low=low,
        high=high,
    )
