"""Token batches without padding: prompt trees, laid end to end.

A `Tree` holds the token sequences of one trial's step (or of what is scored): sequences that begin with the same
tokens share a node. A `Batch` lays the nodes of several trees one after another in one long row, each trial's tokens
contiguous, with position ids that count along the branch. Which rows a node may attend to is in `Batch.nodes`:
its ancestors, whole, and itself, causally.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.transfer import to_device

__all__ = [
    "Batch",
    "LaidNode",
    "Layout",
    "Node",
    "Part",
    "Reading",
    "Run",
    "Tree",
    "arrays_of",
    "batch_from",
    "cut",
    "evenly",
    "lay_out",
    "layout_of",
    "reading_layout",
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
class Layout:
    """Where the rows of a batch lie, known before anything is on the device.

    Attributes:
        ids, positions: shape (N,), int64; rows from `n_rows` on are padding that nobody attends to.
        runs: one for each part, in order.
        index: for a batch of rows that are read, which rows of the whole batch they are, shape (N,), int64.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    runs: tuple[Run, ...]
    n_rows: int
    index: NDArray[np.int64] | None = None

    @property
    def size(self) -> int:
        """Rows, padding included."""
        return len(self.ids)


@dataclass(frozen=True)
class Reading:
    """The rows of a batch whose hidden states are wanted: beyond the last layer's attention only they are computed.

    Attributes:
        batch: they as a batch of their own (`reading_layout`).
        rows: which rows of the whole batch they are, shape (M,), int64, padding included.
    """

    batch: Batch
    rows: Tensor


@dataclass(frozen=True)
class Batch:
    """What one forward computes.

    Attributes:
        layout: where its rows lie.
        input_ids, position_ids: the layout's, on the model's device.
        reading: the rows that are read, None: all.
        memo: what was derived from this batch once and is used in every layer.
    """

    layout: Layout
    input_ids: Tensor
    position_ids: Tensor
    reading: Reading | None = None
    memo: dict[object, object] = field(default_factory=dict, compare=False)

    @property
    def runs(self) -> tuple[Run, ...]:
        return self.layout.runs

    @property
    def n_rows(self) -> int:
        return self.layout.n_rows


def lay_out(parts: Sequence[Part], sizes: RowSizes, device: torch.device | str = "cpu") -> Batch:
    """Lay trees end to end, in the order given; nodes of a tree in their order."""
    whole = layout_of(parts, sizes)
    return batch_from(whole, None, to_device(torch.device(device), *arrays_of(whole, None)))[0]


def arrays_of(whole: Layout, read: Layout | None) -> list[NDArray[np.int64]]:
    """What a batch has on the device, for `batch_from`."""
    own = [] if read is None or read.index is None else [read.ids, read.positions, read.index]
    return [whole.ids, whole.positions, *own]


def batch_from(whole: Layout, read: Layout | None, tensors: Sequence[Tensor]) -> tuple[Batch, list[Tensor]]:
    """A batch from what became of `arrays_of` on the device, and the tensors after these."""
    ids, positions, *rest = tensors
    reading = None
    if read is not None:
        read_ids, read_positions, rows, *rest = rest
        reading = Reading(Batch(read, read_ids, read_positions), rows)
    return Batch(whole, ids, positions, reading), rest


def layout_of(parts: Sequence[Part], sizes: RowSizes) -> Layout:
    """As `lay_out`, with nothing on a device yet."""
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
    missing = [0] * (sizes.size(n_rows) - n_rows)
    both = np.array([ids + missing, positions + missing], dtype=np.int64)
    return Layout(both[0], both[1], tuple(runs), n_rows)


def reading_layout(whole: Layout, picked: Sequence[Sequence[int]], sizes: RowSizes) -> Layout:
    """The rows that are read as a batch of their own, padded like any other; only its runs mean something.

    Args:
        picked: for each run which of its rows, each once.
    """
    runs, rows = [], list[int]()
    for run, own in zip(whole.runs, picked, strict=True):
        if not own:
            continue
        at = (len(rows), len(rows) + len(own))
        rows += [run.rows[0] + row for row in own]
        runs.append(Run(run.adapter, at, (), run.part, tuple(own)))
    n_rows = len(rows)
    index = np.array(rows + [0] * (sizes.size(n_rows) - n_rows), dtype=np.int64)
    return Layout(whole.ids[index], whole.positions[index], tuple(runs), n_rows, index)


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
