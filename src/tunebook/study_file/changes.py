"""What changed between two versions of a study file, and whether a running study can take it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from tunebook.core.study import Budget, StudySpec

__all__ = ["changed_keys"]

_HARMLESS = frozenset(
    {
        "report.language",
        "device",
        "executor",
        "trackers",
        "final",
        "floor",
        "data.allow_overlap",
        "command_limits.hours",
        "command_limits.output_megabytes",
    }
)
"""They change neither what was measured nor how it is judged."""
_NAMES = {"name": "study", "language": "report.language"}
"""Attributes of StudySpec that the study file calls otherwise."""


def changed_keys(old: StudySpec, new: StudySpec) -> dict[str, bool]:
    """The keys of the study file that differ, and whether the change is harmless.

    Harmless: a larger budget (or a removed limit), language, device, executor, trackers, final, an external trainer's
    limits.
    Everything else changes what the trials mean or which are planned, so it needs another study name. A default that
    is now written out is no change.

    Returns: key ("budget.trials", "space.lora_r") to harmless, in the order of the study file.
    """
    before, after = _flat(old), _flat(new)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: _harmless(key, old.budget, new.budget) for key in keys}


def _harmless(key: str, old: Budget, new: Budget) -> bool:
    if key == "budget.trials":
        return new.trials is None or (old.trials is not None and new.trials >= old.trials)
    if key == "budget.hours":
        return new.hours is None or (old.hours is not None and new.hours >= old.hours)
    return key in _HARMLESS


def _flat(spec: StudySpec) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name == "space":
            values.update({f"space.{factor.name}": factor for factor in value})
        elif is_dataclass(value):
            values.update({f"{field.name}.{inner.name}": getattr(value, inner.name) for inner in fields(value)})
        elif field.name != "baseline_given":
            values[_NAMES.get(field.name, field.name)] = value
    return values
