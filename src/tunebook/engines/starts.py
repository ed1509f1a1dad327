"""How an adapter may begin, and what no engine can begin with. Imports no torch; the values are in `initial.py`."""

from __future__ import annotations

from tunebook.core.configuration import Configuration
from tunebook.phrases import Phrase

__all__ = ["DRAWN", "initial_problem"]

DRAWN = ("kaiming", "gaussian", "orthogonal")
"""Levels of `init_lora_weights` whose values `initial.initial_values` draws. The others come from the base weights, and
are PEFT's own."""


def initial_problem(configuration: Configuration) -> Phrase | None:
    """Why no engine can begin with this configuration, as the end of a sentence, or None."""
    kind = configuration.init_lora_weights
    if kind == "orthogonal" and configuration.lora_r % 2:
        return Phrase("an orthogonal start needs an even rank, and this one is {rank}", rank=configuration.lora_r)
    if configuration.use_dora and kind not in DRAWN:
        return Phrase(
            "DoRA and a start in the base weights ({kind}) do not go together: no adapter for the base could be saved",
            kind=kind,
        )
    return None
