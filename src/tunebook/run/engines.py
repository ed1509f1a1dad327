"""Which engines there are, and what each promises to fold. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.space import Folding

__all__ = ["ENGINES", "EngineEntry"]


@dataclass(frozen=True)
class EngineEntry:
    """An engine as the runner needs it before it is loaded.

    Attributes:
        factory: "module:class", called with `EngineOptions` in the worker.
        folding: what the engine promises not to change the mathematics (equal to the class's own attribute).
        in_process: run in the runner's own process; for engines that train nothing.
        needs_model: whether a base model and its tokenizer are loaded.
    """

    factory: str
    folding: Folding
    in_process: bool = False
    needs_model: bool = True


ENGINES: dict[str, EngineEntry] = {
    "packed": EngineEntry("tunebook.engines.packed.engine:PackedEngine", Folding.everything()),
    "peft": EngineEntry("tunebook.engines.peft:PeftEngine", Folding.everything()),
    "command": EngineEntry("tunebook.engines.command:CommandEngine", Folding(), needs_model=False),
    "simulated": EngineEntry(
        "tunebook.testing.simulated_engine:SimulatedEngine", Folding.everything(), in_process=True, needs_model=False
    ),
}
