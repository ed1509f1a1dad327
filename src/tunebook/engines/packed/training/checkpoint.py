"""Resume state of a trial: weights, moments and how far it is, in `<folder>/resume/`.

Two files, safetensors and JSON, no pickle. They are written beside and renamed as one folder, so what is there is
whole or not there; a state that cannot be read, or belongs to another configuration, is ignored: the trial starts
again. All randomness of a trial is a function of its seed and step, so nothing of it needs saving.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunebook.core.facts import EvaluationRecord, StepRecord
from tunebook.engines.packed.training.saving import SAFE
from tunebook.files import replaced_folder

__all__ = ["Saved", "clear_state", "load_state", "save_state"]

_FORMAT = 1
"""Raised when the files change their meaning; other numbers are ignored."""


@dataclass(frozen=True)
class Saved:
    """What was saved.

    Attributes:
        tensors: by name, on the CPU.
        steps, evaluations: the curve so far.
        facts: plain JSON values: counters and what must be kept to go on bit for bit (`max_rows`, `scored`).
    """

    tensors: dict[str, Tensor]
    steps: tuple[StepRecord, ...]
    evaluations: tuple[EvaluationRecord, ...]
    facts: dict[str, Any]


def save_state(folder: Path, identity: dict[str, Any], saved: Saved) -> None:
    """Write a trial's state, replacing the one before; durable when it returns.

    Args:
        folder: the trial's folder; the state goes into its subfolder `resume`.
        identity: what the state belongs to (configuration, seed, ...), JSON values; compared when it is loaded.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in saved.tensors.items()}
    text = json.dumps(  # floats as their shortest exact text; NaN and infinity as Python writes and reads them
        {
            "format": _FORMAT,
            "identity": identity,
            "steps": [asdict(r) for r in saved.steps],
            "evaluations": [asdict(r) for r in saved.evaluations],
            "facts": saved.facts,
        }
    )
    with replaced_folder(folder / "resume", SAFE) as scratch:
        save_file(tensors, scratch / "state.safetensors")
        (scratch / "state.json").write_text(text, encoding="utf-8")


def load_state(folder: Path, identity: dict[str, Any]) -> Saved | None:
    """The state saved in a trial's folder, or None when there is none that can be used."""
    for name in ("resume", ".resume.old"):  # a kill between the two renames leaves the old one alone
        saved = _load(folder / name, identity)
        if saved is not None:
            return saved
    return None


def clear_state(folder: Path) -> None:
    """Delete a trial's resume state."""
    for name in ("resume", ".resume.old", ".resume.writing"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _load(folder: Path, identity: dict[str, Any]) -> Saved | None:
    try:
        values = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if values["format"] != _FORMAT or values["identity"] != json.loads(json.dumps(identity)):
            return None
        steps = tuple(StepRecord(**r) for r in values["steps"])
        evaluations = tuple(EvaluationRecord(**r) for r in values["evaluations"])
        return Saved(load_file(folder / "state.safetensors"), steps, evaluations, values["facts"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None
