"""The key cache of packed scoring: keys and values of every token run so far, of all branches and slots, in one row.

Which of its rows a node may see is said by the node (`batches.Node.past`), so one cache serves many branches and many
adapters, and a shared prompt is kept once.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["KeyCache"]


class KeyCache:
    """Keys and values by layer; grows by the rows of every batch that is run with it.

    Args:
        n_layers: layers of the model.
    """

    def __init__(self, n_layers: int) -> None:
        self._keys: list[Tensor | None] = [None] * n_layers
        self._values: list[Tensor | None] = [None] * n_layers

    @property
    def n_rows(self) -> int:
        """Rows held, C: the `n_past` of the next batch."""
        return 0 if self._keys[-1] is None else self._keys[-1].shape[1]

    def append(self, layer: int, k_GNE: Tensor, v_GNE: Tensor) -> tuple[Tensor, Tensor]:
        """Add a batch's rows to one layer and give all rows of key space: two tensors (G, C + N, E)."""
        keys, values = self._keys[layer], self._values[layer]
        if keys is not None and values is not None:
            k_GNE, v_GNE = torch.cat([keys, k_GNE], dim=1), torch.cat([values, v_GNE], dim=1)
        self._keys[layer], self._values[layer] = k_GNE, v_GNE
        return k_GNE, v_GNE
