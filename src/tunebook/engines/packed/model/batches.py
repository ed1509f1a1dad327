"""Token batches without padding: prompt trees, laid end to end.

A `Tree` holds the token sequences of one trial's step (or of what is scored): sequences that begin with the same
tokens share a node. A `Batch` lays the nodes of several trees one after another in one long row, each trial's tokens
contiguous, with position ids that count along the branch. Which rows a node may attend to is in `Batch.nodes`:
its ancestors, whole, and itself, causally.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.multiplies import padding
from tunebook.engines.packed.model.transfer import to_device

__all__ = [
    "Batch",
    "LaidNode",
    "Node",
    "Part",
    "Reading",
    "Run",
    "Tree",
    "cut",
    "evenly",
    "lay_out",
    "reading",
]

_Piece = TypeVar("_Piece")

_LIMITS_TRIED = 16

Rows = tuple[int, int]
"""A range of rows, [start, stop)."""


@dataclass(frozen=True)
class Node:
    """A run of tokens that continues its parent's.

    Attributes:
        tokens: token ids.
        parent: index of the parent in its tree, -1 for a root.
        start: position of the first token in its sequence.
        key: what tells its dropout masks from those of other nodes in the step: an example's index, or
            -1, -2, ... for shared prompts.
    """

    tokens: tuple[int, ...]
    parent: int = -1
    start: int = 0
    key: int = 0


@dataclass(frozen=True)
class Tree:
    """Nodes of one trial, parents before children."""

    nodes: tuple[Node, ...]

    @property
    def n_tokens(self) -> int:
        """Computed tokens."""
        return sum(len(node.tokens) for node in self.nodes)


@dataclass(frozen=True)
class Part:
    """A tree to be run with one adapter (None: the base model alone).

    Attributes:
        step_key: 64-bit number of the trial's seed and step, for dropout; only while training.
    """

    adapter: Adapter | None
    tree: Tree
    step_key: int = 0


@dataclass(frozen=True)
class LaidNode:
    """A node's place in a batch.

    Attributes:
        rows: its rows in the batch.
        keys: ranges of rows that all its tokens attend to: its ancestors.
        start: position of its first token; the rows of `keys`, one after another, are the positions just before it.
    """

    rows: Rows
    keys: tuple[Rows, ...]
    start: int


@dataclass(frozen=True)
class Run:
    """The rows of one trial: contiguous.

    Attributes:
        nodes: its nodes in the batch.
        picked: in a batch of the rows that are read (`reading`): which rows of the trial's tree these are.
    """

    adapter: Adapter | None
    rows: Rows
    nodes: tuple[LaidNode, ...]
    part: Part
    picked: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Reading:
    """The rows of a batch whose hidden states are wanted: beyond the last layer's attention only they are computed.

    Attributes:
        batch: they as a batch of their own, padded like any other; only its runs mean something.
        rows: which rows of the whole batch they are, shape (M,), int64, padding included.
    """

    batch: Batch
    rows: Tensor


@dataclass(frozen=True)
class Batch:
    """What one forward computes.

    Attributes:
        input_ids, position_ids: shape (N,), int64, on the model's device; rows from `n_rows` on are padding that
            nobody attends to.
        runs: one for each part, in order.
        multiple: to a multiple of how many rows few rows are padded (`multiplies.padding`).
        reading: the rows that are read, None: all.
        memo: what was derived from this batch once and is used in every layer.
    """

    input_ids: Tensor
    position_ids: Tensor
    runs: tuple[Run, ...]
    n_rows: int
    multiple: int
    reading: Reading | None = None
    memo: dict[object, object] = field(default_factory=dict, compare=False)


def reading(batch: Batch, picked: Sequence[Sequence[int]]) -> Batch:
    """The batch with the wish that only some rows of it are read.

    Args:
        picked: for each run which of its rows, each once.
    """
    runs, rows = [], list[int]()
    for run, own in zip(batch.runs, picked, strict=True):
        if not own:
            continue
        at = (len(rows), len(rows) + len(own))
        rows += [run.rows[0] + row for row in own]
        runs.append(Run(run.adapter, at, (), run.part, tuple(own)))
    n_rows = len(rows)
    missing = padding(n_rows, batch.multiple) if rows else batch.multiple
    (index,) = to_device(batch.input_ids.device, np.array(rows + [0] * missing, dtype=np.int64))
    read = Batch(batch.input_ids[index], batch.position_ids[index], tuple(runs), n_rows, batch.multiple)
    return replace(batch, reading=Reading(read, index))


def lay_out(parts: Sequence[Part], multiple: int, device: torch.device | str = "cpu") -> Batch:
    """Lay trees end to end, in the order given; nodes of a tree in their order.

    Args:
        multiple: of how many rows few rows become a multiple (`multiplies.padding`).
    """
    ids: list[int] = []
    positions: list[int] = []
    runs = []
    for part in parts:
        first = len(ids)
        nodes: list[LaidNode] = []
        for node in part.tree.nodes:
            nodes.append(_laid(node, nodes, len(ids)))
            ids.extend(node.tokens)
            positions.extend(range(node.start, node.start + len(node.tokens)))
        runs.append(Run(part.adapter, (first, len(ids)), tuple(nodes), part))
    n_rows = len(ids)
    missing = [0] * padding(n_rows, multiple)
    both = np.array([ids + missing, positions + missing], dtype=np.int64)
    input_ids, position_ids = to_device(torch.device(device), *both)
    return Batch(input_ids, position_ids, tuple(runs), n_rows, multiple)


def _laid(node: Node, before: Sequence[LaidNode], row: int) -> LaidNode:
    keys: tuple[Rows, ...] = ()
    if node.parent >= 0:
        parent = before[node.parent]
        keys = (*parent.keys, parent.rows)
    return LaidNode((row, row + len(node.tokens)), keys, node.start)


def cut(sizes: Sequence[tuple[int, int]], max_rows: int) -> list[tuple[int, int, int]]:
    """Neighbours together as long as they fit: [start, stop) and rows of each piece.

    Args:
        sizes: tokens of each sequence, and how many of them the one before it has too, if it is in the same piece.
    """
    pieces = [(0, 1, sizes[0][0])]
    for index, (tokens, reused) in enumerate(sizes[1:], start=1):
        start, stop, rows = pieces[-1]
        if rows + tokens - reused <= max_rows:
            pieces[-1] = (start, stop + 1, rows + tokens - reused)
        else:
            pieces.append((index, index + 1, tokens))
    return pieces


def evenly(cut: Callable[[int], list[_Piece]], n_rows: Callable[[_Piece], int], max_rows: int) -> list[_Piece]:
    """One piece where that is enough, else an even number of about equal ones, so that two lanes can share them.

    Args:
        cut: cuts something into pieces of at most so many rows.
        n_rows: rows of a piece.
    """
    pieces = cut(max_rows)
    if len(pieces) == 1:
        return pieces
    wanted = len(pieces) + len(pieces) % 2
    least = -(-sum(n_rows(piece) for piece in pieces) // wanted)
    for limit in range(least, max_rows, -(-max_rows // _LIMITS_TRIED)):
        if len(shorter := cut(limit)) <= wanted:
            return shorter
    return pieces
