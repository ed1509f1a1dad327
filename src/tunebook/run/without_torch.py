"""Keeps torch out of a process that only reads: a command that hands all training to workers.

transformers imports torch wherever it is installed, and with it torch's compiler and distributed tensors: four seconds
of a processor and some hundred megabytes. Tokenizers and configurations need none of it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from tunebook.core.configuration import ALL_LINEAR
from tunebook.core.study import StudySpec
from tunebook.engines import base_model
from tunebook.engines.devices import has_driver
from tunebook.engines.packed.trainable import SUPPORTED_MODEL_TYPES
from tunebook.plugins import ENGINES, METRICS, PLANNERS, TRACKERS

__all__ = ["leave_out_torch", "needs_torch"]

_OWN_ENGINES = ("packed", "peft")


def leave_out_torch(spec: StudySpec, base: Path) -> None:
    """Have transformers do in this process as if torch were not installed, where the study lets it.

    Only for a process that ends with its command: transformers remembers what it found. Nothing is done where either of
    them is imported already.

    Args:
        base: the folder that relative paths of the study file start from.
    """
    if needs_torch(spec, base) or {"torch", "transformers"} & sys.modules.keys():
        return
    quiet = "TRANSFORMERS_NO_ADVISORY_WARNINGS"
    before = os.environ.get(quiet)
    os.environ[quiet] = "1"
    sys.modules["torch"] = None  # type: ignore[assignment]  # not found while transformers looks for it
    try:
        from transformers.utils import is_torch_available

        is_torch_available()
    finally:
        del sys.modules["torch"]
        os.environ.pop(quiet)
        if before is not None:
            os.environ[quiet] = before


def needs_torch(spec: StudySpec, base: Path) -> bool:
    """Whether something of a study may import torch in the runner's process: code that is not tunebook's, GPUs to look
    at, modules to find in the model, a model whose configuration or tokenizer is not known to do without it."""
    is_own = (
        ENGINES.is_own(spec.engine)
        and PLANNERS.is_own(spec.planner.partition(":")[0])
        and all(map(METRICS.is_own, spec.metrics))
        and all(map(TRACKERS.is_own, spec.trackers))
    )
    targets = spec.space.get("target_modules") is not None or spec.baseline.target_modules != ALL_LINEAR
    return (
        spec.engine not in _OWN_ENGINES
        or spec.executor != "local"
        or spec.trials is not None
        or targets
        or has_driver()
        or not is_own
        or not _is_known(spec.model, base)
    )


def _is_known(model: str, base: Path) -> bool:
    """Whether a model is at hand and of a family that engine packed runs, without code of its own."""
    if model == base_model.BUILT_IN:
        return base_model.built_in_is_cached()
    with suppress(OSError, ValueError, AttributeError):
        config = json.loads((base / model / "config.json").read_text(encoding="utf-8"))
        return config.get("model_type") in SUPPORTED_MODEL_TYPES and "auto_map" not in config
    return False
