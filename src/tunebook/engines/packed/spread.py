"""Pieces of work that do not depend on one another, and the order in which a single thread does them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__ = ["Spread", "one_by_one"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Spread = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Does a piece of work for each of several items that do not depend on one another; results in the items' order."""


def one_by_one(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """The `Spread` of a single thread."""
    return [work(item) for item in items]
