"""Keys and values of answers that are being written, in pages, and attention over them.

All adapters' answers share one store. It is cut into pages of a few rows, which an answer takes one by one as it grows
and gives back when it is complete, so that nothing is copied when answers grow or leave. Rows that several answers have
in common (the shared prompt of an adapter, the beginnings of prompts that agree) are stored once.

Axes: R rows of the store, G key heads, J query heads for each of them, B answers, W keys of an answer, E head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.kernels import native_for
from tunebook.engines.packed.model.multiplies import exact_threads
from tunebook.engines.packed.scoring.group_attention import Hidden, KeyValue, attended

__all__ = ["Pages", "Rows", "StepAttention", "StepRows"]

PAGE = 16
"""Rows of a page."""
_UNBOUNDED = 1 << 62

Rows = NDArray[np.int64]
"""Rows of the store, in the order of the tokens whose keys and values they hold."""


class Pages:
    """The store. A page is in use as long as somebody has taken one of its rows.

    Attributes:
        layers: keys and values of each layer, each (R, G, E).
    """

    def __init__(self) -> None:
        self.layers: list[KeyValue] = []
        self._users = np.zeros(0, dtype=np.int64)
        self._free: list[int] = []

    def store(self, layers: Sequence[KeyValue]) -> Rows:
        """Put rows into fresh pages that nobody has taken yet; gives where they lie.

        Args:
            layers: keys and values of each layer, each (G, n, E).
        """
        keys = layers[0][0]
        n = keys.shape[1]
        if not self.layers:
            self.layers = [tuple(t.new_empty(0, t.shape[0], t.shape[2]) for t in layer) for layer in layers]  # type: ignore[misc]
        rows = self.room(n)[:n]
        index = torch.from_numpy(rows).to(keys.device)
        for own, more in zip(self.layers, layers, strict=True):
            for kept, new in zip(own, more, strict=True):
                kept.index_copy_(0, index, new.transpose(0, 1))
        return rows

    def room(self, n: int) -> Rows:
        """At least n rows of fresh pages that nobody has taken yet."""
        wanted = -(-n // PAGE)
        if wanted > len(self._free):
            self._grow(max(wanted - len(self._free), len(self._users)))
        pages = np.array([self._free.pop() for _ in range(wanted)], dtype=np.int64)
        return (pages[:, None] * PAGE + np.arange(PAGE)).ravel()

    def take(self, rows: Rows) -> None:
        """Have these rows; of each page at least one must be kept by somebody until it is given back."""
        self._users[np.unique(rows // PAGE)] += 1

    def give_back(self, rows: Rows) -> None:
        """Undo `take` of the same rows."""
        pages = np.unique(rows // PAGE)
        self._users[pages] -= 1
        self._free += pages[self._users[pages] == 0].tolist()

    def _grow(self, pages: int) -> None:
        n = len(self._users)
        self._users = np.concatenate([self._users, np.zeros(pages, dtype=np.int64)])
        self._free = [*range(n + pages - 1, n - 1, -1), *self._free]
        self.layers = [(_longer(k, pages * PAGE), _longer(v, pages * PAGE)) for k, v in self.layers]


def _longer(rows: Tensor, more: int) -> Tensor:
    longer = rows.new_empty(len(rows) + more, *rows.shape[1:])
    longer[: len(rows)] = rows
    return longer


@dataclass(frozen=True, kw_only=True)
class StepRows:
    """The answers of a step, those of each adapter side by side.

    Attributes:
        table: rows of each answer's keys with room for new ones, (B, W), int64; the shared prompt comes first.
        counts: keys that each answer has, (B,), int64; a step adds one.
        longest: the most of these for each adapter.
        sizes: answers of each adapter.
        shared: keys and values of each adapter's shared prompt in every layer, each (G, P, E), or None.
        n_shared: its tokens.
    """

    table: Tensor
    counts: Tensor
    longest: Sequence[int]
    sizes: Sequence[int]
    shared: Sequence[Sequence[KeyValue] | None]
    n_shared: int

    def after(self, steps: int) -> StepRows:
        """The same when each answer has so many keys more."""
        return StepRows(
            table=self.table, counts=self.counts + steps, longest=[n + steps for n in self.longest],
            sizes=self.sizes, shared=self.shared, n_shared=self.n_shared,
        )  # fmt: skip


class StepAttention:
    """Attention of one new token of every answer, for several adapters; it stores the token's keys and values.

    In the native form an answer's numbers do not depend on the others; in torch's their last bits may, as multiplies
    have other shapes.
    """

    def __init__(self, pages: Pages, rows: StepRows) -> None:
        self._pages, self._rows = pages, rows
        self._new = rows.table.gather(1, rows.counts[:, None])[:, 0]
        self._memo: dict[int | None, list[tuple[Tensor, Hidden]]] = {}

    def attend(
        self, layer: int, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        """Attention of all adapters' rows, shape (H, N, E); padding rows get zeros."""
        n = len(self._new)
        k_RGE, v_RGE = self._pages.layers[layer]
        k_RGE.index_copy_(0, self._new, k_GNE[:, :n].transpose(0, 1))
        v_RGE.index_copy_(0, self._new, v_GNE[:, :n].transpose(0, 1))
        q_NHE = q_HNE.transpose(0, 1).contiguous()
        out_NHE = torch.zeros_like(q_NHE)
        native = None if softcap is not None else native_for(q_NHE, k_RGE, v_RGE)
        if native is None:
            self._torch(layer, q_NHE, out_NHE, scaling, window, softcap)
            return out_NHE.transpose(0, 1)
        table, counts = self._rows.table, self._rows.counts
        with exact_threads():
            failed = native.attend_rows(
                *(t.data_ptr() for t in (q_NHE, k_RGE, v_RGE, out_NHE, table)), table.shape[1], counts.data_ptr(), n,
                q_NHE.shape[1], k_RGE.shape[1], k_RGE.shape[2], window or _UNBOUNDED, scaling,
            )  # fmt: skip
        if failed:
            raise MemoryError("attention: no memory for the scores of one answer")
        return out_NHE.transpose(0, 1)

    def _torch(
        self, layer: int, q_NHE: Tensor, out_NHE: Tensor, scaling: float, window: int | None, softcap: float | None
    ) -> None:
        (k_RGE, v_RGE), rows = self._pages.layers[layer], self._rows
        n_groups, size = k_RGE.shape[1:]
        repeats, start = q_NHE.shape[1] // n_groups, 0
        if window not in self._memo:
            self._memo[window] = [self._own(slot, n_groups, repeats, window) for slot in range(len(rows.sizes))]
        for n, shared, (index, hidden) in zip(rows.sizes, rows.shared, self._memo[window], strict=True):
            here = slice(start, start + n)
            start += n
            if not n:
                continue
            own = (k_RGE.view(-1, size).index_select(0, index).view(n_groups * n, -1, size),
                   v_RGE.view(-1, size).index_select(0, index).view(n_groups * n, -1, size))  # fmt: skip
            q = q_NHE[here].view(n, n_groups, repeats, size).transpose(0, 1).reshape(-1, repeats, size)
            out = attended(q, own, None if shared is None else shared[layer], hidden, scaling, softcap)
            out_NHE[here] = out.view(n_groups, n, repeats, size).transpose(0, 1).reshape(n, -1, size)

    def _own(self, slot: int, n_groups: int, repeats: int, window: int | None) -> tuple[Tensor, Hidden]:
        """Of one adapter's answers: where their own keys lie among (R·G, E), (G, B, W), and what is hidden of these."""
        rows, n = self._rows, self._rows.sizes[slot]
        first = sum(rows.sizes[:slot])
        longest = rows.longest[slot] - rows.n_shared + 1 if n else 0
        table = rows.table[first : first + n, rows.n_shared : rows.n_shared + longest]
        groups = torch.arange(n_groups, device=table.device)[:, None, None]
        before, shared = (rows.counts[first : first + n] - rows.n_shared)[:, None], None
        distance = before - torch.arange(longest, device=before.device)
        own = distance < 0
        if window is not None:
            own |= distance >= window
            if rows.n_shared and rows.longest[slot] >= window:
                far = before + rows.n_shared - torch.arange(rows.n_shared, device=before.device) >= window
                shared = far[None, :, None, None]
        hidden = Hidden((n_groups, n, repeats, 1), own[None, :, None, None], shared)
        seen = torch.where(distance < 0, table[:, :1], table)  # a row not yet written, or another's, may hold NaN
        return (seen[None] * n_groups + groups).flatten(), hidden
