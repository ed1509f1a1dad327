"""Names of functions, so that a worker builds what it needs and nothing heavy travels: "module:function"."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tunebook.core.ports import Sink, Transform

__all__ = ["Transform", "resolve", "wrapped"]


def resolve(reference: str) -> Callable[..., Any]:
    """The function or class that "module:name" stands for."""
    module, _, name = reference.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def wrapped(sink: Sink, transform: Transform | None) -> Sink:
    """The sink that an engine reports to."""
    if transform is None:
        return sink
    found: Sink = resolve(transform.reference)(sink, *transform.arguments)
    return found
