"""The built-in engines as the study file names them. Nothing here imports torch."""

from __future__ import annotations

from tunebook.core.ports import EngineEntry
from tunebook.core.space import Folding

__all__ = ["COMMAND", "PACKED", "PEFT", "RECORDED", "SIMULATED"]

PACKED = EngineEntry(
    factory="tunebook.engines.packed.engine:PackedEngine",
    folding=Folding.everything(),
    fallbacks=("peft",),
    refuses_model="tunebook.engines.packed.trainable:unsupported",
    refuses="tunebook.engines.packed.trainable:refusal",
)
PEFT = EngineEntry(
    factory="tunebook.engines.peft:PeftEngine",
    folding=Folding.everything(),
    refuses="tunebook.engines.peft_trainable:refusal",
)
COMMAND = EngineEntry(
    factory="tunebook.engines.command:CommandEngine", needs_model=False, calibrates=False, runs_command=True
)
SIMULATED = EngineEntry(
    factory="tunebook.testing.simulated_engine:SimulatedEngine",
    folding=Folding.everything(),
    in_process=True,
    needs_model=False,
    trains=False,
)
RECORDED = EngineEntry(
    factory="tunebook.testing.recorded_engine:RecordedEngine", in_process=True, needs_model=False, trains=False
)
