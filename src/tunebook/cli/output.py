"""How commands speak: results to standard output, progress and messages to standard error, JSON where asked."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from typing import Any

import numpy as np
from rich.console import Console

__all__ = ["SCHEMA_VERSION", "messages", "print_json", "results", "to_json"]

SCHEMA_VERSION = 1
"""Of every `--json` output; raised when a key changes its meaning or goes away."""


def results() -> Console:
    """Console for results: standard output; plain when that is not a terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """Console for progress and messages: standard error."""
    return Console(stderr=True, highlight=False)


def to_json(value: Any) -> Any:
    """A value as JSON knows it. NaN and infinities become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(each) for each in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document on standard output, with its `schema_version`."""
    document = {"schema_version": SCHEMA_VERSION} | to_json(value)
    print(json.dumps(document, ensure_ascii=False, indent=2))
