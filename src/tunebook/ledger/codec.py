"""Converts dataclasses to JSON text and back without loss.

The core's values are frozen dataclasses of scalars, enums, tuples and dictionaries. Decoding follows the type hints, so
the text contains no class names, and fields that were added later take their defaults. JSON has no NaN, no infinity and
no tuples: where the hint does not give the type (`Any`), such values are written as an object with one tag (decision
040).

`json_values.to_json` is for readers and loses what JSON has no word for; this must not.

It does not handle numpy arrays (they have their own tables) or classes that are not dataclasses.
"""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import numpy as np

__all__ = ["CodecError", "decode", "encode"]

T = TypeVar("T")

_FLOAT, _TUPLE, _DICT = "~float", "~tuple", "~dict"
_TAGS = (_FLOAT, _TUPLE, _DICT)
_SCALARS = {int, float, str, bool, type(None)}


class CodecError(ValueError):
    """Text that is not a value of the expected type, or a value that cannot be written."""


def encode(value: Any) -> str:
    """A value as JSON text in ASCII. Equal values give equal text, because keys keep the order of the fields.

    Raises: CodecError: the value has a class that the codec does not handle.
    """
    return json.dumps(_exact(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def decode(hint: type[T], text: str) -> T:
    """The inverse of `encode` for a value of type `hint` (a class, or any type expression such as `tuple[int, ...]`).

    Raises: CodecError: the text is not JSON, or not a value of that type. Fields that `hint` does not have are an error
    too, because dropping them would lose what a newer version wrote.
    """
    try:
        return typing.cast(T, _value(hint, json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"not a {getattr(hint, '__name__', hint)}: {error}") from error


def _exact(value: Any) -> Any:
    """The value in JSON types. Typed sequences become plain lists; `_untyped` handles the others."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        return {f.name: _by_hint(hints[f.name], getattr(value, f.name)) for f in fields(value)}
    return _untyped(value)


def _by_hint(hint: Any, value: Any) -> Any:
    """Like `_exact`, but a tuple needs no tag where the hint says tuple."""
    if isinstance(value, tuple):
        items = _tuple_items(hint, len(value))
        if items is not None:
            return [_by_hint(item, element) for item, element in zip(items, value, strict=True)]
    if isinstance(value, dict):
        item = _dict_item(hint)
        if item is not None and all(isinstance(key, str) and key not in _TAGS for key in value):
            return {str(key): _by_hint(item, element) for key, element in value.items()}
    return _exact(value)


def _untyped(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return _untyped(value.item())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT: repr(float(value))}
    if isinstance(value, list):
        return [_exact(element) for element in value]
    if isinstance(value, tuple):
        return {_TUPLE: [_exact(element) for element in value]}
    if isinstance(value, dict):
        return _untyped_dict(value)
    raise CodecError(
        f"{type(value).__name__}: {value!r:.80} cannot be written to the ledger; it takes numbers, text, lists, "
        "tuples, dictionaries and dataclasses. Convert it before it is handed over."
    )


def _untyped_dict(value: dict[Any, Any]) -> Any:
    if all(isinstance(key, str) and key not in _TAGS for key in value):
        return {str(key): _exact(element) for key, element in value.items()}
    return {_DICT: [[_exact(key), _exact(element)] for key, element in value.items()]}


def _value(hint: Any, raw: Any) -> Any:
    _check_scalar(hint, raw)
    if isinstance(raw, dict) and len(raw) == 1:
        tag = next(iter(raw))
        if tag == _FLOAT:
            return float(raw[tag])
        if tag == _TUPLE:
            return tuple(_value(Any, element) for element in raw[tag])
        if tag == _DICT:
            return _tagged_dict(hint, raw[tag])
    if raw is None and isinstance(hint, type) and is_dataclass(hint):
        raise CodecError(f"{hint.__name__}: null is not an object")
    for option in _options(hint) if raw is not None else ():
        if is_dataclass(option) and isinstance(option, type) and (isinstance(raw, dict) or option is hint):
            return _dataclass(option, raw)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(raw)
    if isinstance(raw, list):
        items = _tuple_items(hint, len(raw))
        if items is not None:
            return tuple(_value(item, element) for item, element in zip(items, raw, strict=True))
        return [_value(Any, element) for element in raw]
    if isinstance(raw, dict):
        item = _dict_item(hint)
        return {key: _value(Any if item is None else item, element) for key, element in raw.items()}
    return _scalar(hint, raw)


def _tagged_dict(hint: Any, pairs: list[Any]) -> dict[Any, Any]:
    item = _dict_item(hint)
    return {_value(Any, key): _value(Any if item is None else item, element) for key, element in pairs}


def _dataclass(hint: type, raw: Any) -> Any:
    if not isinstance(raw, dict):
        raise CodecError(f"{hint.__name__}: {raw!r:.80} is not an object")
    hints = _hints(hint)
    unknown = sorted(set(raw) - set(hints))
    if unknown:
        raise CodecError(f"{hint.__name__}: unknown field {unknown[0]!r}, written by a newer version of tunebook")
    for f in fields(hint):
        if f.name not in raw and f.default is MISSING and f.default_factory is MISSING:
            raise CodecError(f"{hint.__name__}: field {f.name!r} is missing")
    return hint(**{name: _value(hints[name], element) for name, element in raw.items()})


def _scalar(hint: Any, raw: Any) -> Any:
    """A scalar, checked against the hint. An enum inside a union is found by its value."""
    options = _options(hint)
    for option in options:
        if isinstance(option, type) and issubclass(option, Enum) and raw is not None:
            return option(raw)
    return raw


def _check_scalar(hint: Any, raw: Any) -> None:
    """Check that a value has a type that its hint allows. Ledgers can come from strangers, and trial numbers become
    paths."""
    options, kind = _options(hint), type(raw)
    if not set(options) <= _SCALARS or kind in options or (kind is int and float in options):
        return
    if not (float in options and isinstance(raw, dict) and list(raw) == [_FLOAT]):
        raise CodecError(f"{raw!r:.80} is not {' or '.join(option.__name__ for option in options)}")


@cache
def _hints(cls: type) -> dict[str, Any]:
    known = typing.get_type_hints(cls)
    return {f.name: known[f.name] for f in fields(cls)}


@cache
def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _tuple_items(hint: Any, n: int) -> tuple[Any, ...] | None:
    """The hints of a tuple's n elements, or None if the hint is not a tuple of that length."""
    for option in _options(hint):
        if typing.get_origin(option) is tuple:
            args = typing.get_args(option)
            if len(args) == 2 and args[1] is Ellipsis:
                return (args[0],) * n
            if len(args) == n:
                return args
    return None


def _dict_item(hint: Any) -> Any | None:
    """The hint of a dictionary's values, or None if the hint is not a dictionary with text keys."""
    for option in _options(hint):
        if typing.get_origin(option) is dict and typing.get_args(option)[0] is str:
            return typing.get_args(option)[1]
    return None
