"""Functions by name ("module:function"), so that a worker builds what it needs itself instead of receiving it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunebook.core.ports import Sink, SinkWrapper

__all__ = ["Transform", "resolve", "wrapped"]


def resolve(reference: str) -> Callable[..., Any]:
    """The function or class that "module:name" stands for."""
    module, _, name = reference.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


@dataclass(frozen=True)
class Transform:
    """A function that is called in the worker with its sink and `arguments` and returns the sink the engine reports to.

    It may pass on other events than it gets, as long as each trial ends in one `Finished`, `Failed` or `Cancelled`.
    """

    reference: str
    arguments: tuple[Any, ...] = ()

    def wrap(self, sink: Sink) -> Sink:
        found: Sink = resolve(self.reference)(sink, *self.arguments)
        return found


def wrapped(sink: Sink, wrapper: SinkWrapper | None) -> Sink:
    """The sink that an engine reports to."""
    return sink if wrapper is None else wrapper.wrap(sink)
