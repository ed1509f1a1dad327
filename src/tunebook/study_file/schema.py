"""The form of a study file as pydantic models, one for each map in it, made from `keys.KEYS`.

`baseline` and `space` are maps of factors, whose values `factors` validates.
"""

from __future__ import annotations

import re
import types
import unicodedata
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, create_model

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FactorKind
from tunebook.core.space import SearchSpace
from tunebook.core.study_key import StudyKey
from tunebook.study_file.keys import CHILDREN, FileKey, Path

__all__ = ["SECTIONS", "StudySection", "bounds"]


def _no_control_characters(text: str) -> str:
    """Names and paths are shown in terminals, where control characters would act."""
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError("a text with control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_no_control_characters)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _MetricSection(_Section):
    """Beside the metric's name whatever options it takes."""

    model_config = ConfigDict(extra="allow")


def _named(value: Any) -> Any:
    """A metric written as its name alone is a metric without options."""
    return {"name": value} if isinstance(value, str) else value


def _fits(pattern: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError("a text that does not fit")
        return text

    return AfterValidator(check)


def _type(key: FileKey) -> Any:
    if key.path in CHILDREN:
        section = SECTIONS[key.path]
        return Annotated[section, BeforeValidator(_named)] if key.path == ("metric",) else section
    if key.hint in (Configuration, SearchSpace):
        return dict[str, Any]
    options = [_simple(option, key.about) for option in _options(key.hint)]
    return Union[tuple(options)]  # noqa: UP007 - made from a tuple


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _simple(hint: Any, about: StudyKey) -> Any:
    """What pydantic calls the values of a key that has one type."""
    if about.choices and hint is str:
        return Literal[about.choices]
    if about.pattern and hint is str:
        return Annotated[str, _fits(about.pattern)]
    if hint is str:
        return str if about.free_text else Text
    if get_origin(hint) is tuple:
        item = Annotated[str, _fits(about.pattern)] if about.pattern else Text
        return Annotated[list[item], Field(min_length=about.min_items)]  # type: ignore[valid-type]
    return Annotated[hint, Field(**bounds(about))] if hint in (int, float) else hint


def bounds(about: StudyKey | FactorKind) -> dict[str, Any]:
    """The bounds of a number, as pydantic names them."""
    low, high = "gt" if about.minimum_open else "ge", "lt" if about.maximum_open else "le"
    return {name: end for name, end in ((low, about.minimum), (high, about.maximum)) if end is not None}


def _field(key: FileKey) -> Any:
    description = _plain_text(key.about.meaning) or key.about.what
    if key.hint in (Configuration, SearchSpace):
        return Field(default_factory=dict, description=description)
    if key.is_required:
        return Field(description=description)
    if key.path in CHILDREN:
        return Field(default_factory=SECTIONS[key.path], description=description)
    default = list(key.default) if isinstance(key.default, tuple) else key.default
    return Field(default=default, description=description)


def _plain_text(markdown: str) -> str:
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "")


def _section(path: Path) -> type[_Section]:
    base = _MetricSection if path == ("metric",) else _Section
    children = {key.path[-1]: (_type(key), _field(key)) for key in CHILDREN[path]}
    model: type[_Section] = create_model(".".join(path) or "study", __base__=base, **children)  # type: ignore[call-overload]
    return model


SECTIONS: dict[Path, type[_Section]] = {}
"""The models by the key path that they describe."""
for _path in sorted(CHILDREN, key=len, reverse=True):  # a map after those in it
    SECTIONS[_path] = _section(_path)
StudySection = SECTIONS[()]
