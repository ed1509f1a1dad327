"""What changed between two versions of a study file, and whether a running study can take it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.space import SearchSpace
from tunebook.core.study import StudySpec
from tunebook.errors import StudyFileError
from tunebook.plugins import METRICS
from tunebook.study_file.keys import CHILDREN, KEYS, FileKey, value_at

__all__ = ["accepted_changes", "changed_keys"]


def changed_keys(old: StudySpec, new: StudySpec) -> dict[str, bool]:
    """The keys of the study file that differ, and whether the change is harmless.

    Which may change in a begun study says each key's row in `core.study_spec`. Everything else changes what the trials
    mean or which are planned, so it needs another study name. A default that is now written out is no change.

    Returns: key ("budget.trials", "space.lora_r") to harmless, in the order of the study file.
    """
    changed: dict[str, bool] = {}
    for key in KEYS.values():
        if key.path in CHILDREN:
            continue
        before, after = _flat(old, key), _flat(new, key)
        for name in [name for name in {**before, **after} if before.get(name) != after.get(name)]:
            is_free = key.name == "metric.name" and name != "metric"
            changed[name] = is_free or _is_harmless(key, before.get(name), after.get(name))
    return changed


def accepted_changes() -> dict[str, bool]:
    """The keys that a begun study lets change, and whether any other value is accepted (else only a larger one)."""
    changing = (key for key in KEYS.values() if key.about.may_change or key.about.may_grow)
    return {key.name: key.about.may_change for key in changing}


def _is_harmless(key: FileKey, old: Any, new: Any) -> bool:
    grows = new is None or (old is not None and new >= old) if key.about.may_grow else False
    return key.about.may_change or grows


def _free_options(metric: str) -> frozenset[str]:
    """Options of a metric that change no score: how a service is asked, and what it costs."""
    try:
        return frozenset(getattr(METRICS.load(metric), "may_change", ()))
    except StudyFileError:  # a user's function, or its package is not installed
        return frozenset()


def _flat(spec: StudySpec, key: FileKey) -> dict[str, Any]:
    """The value of a key by its name; of a map of factors the value of each."""
    value = value_at(spec, key)
    if key.hint is Configuration:
        return {f"{key.name}.{field.name}": getattr(value, field.name) for field in fields(value)}
    if key.hint is SearchSpace:
        return {f"{key.name}.{factor.name}": factor for factor in value}
    if key.name == "metric.name":
        free = _free_options(spec.metric)
        options = dict(spec.metric_options)
        fixed = tuple((name, each) for name, each in spec.metric_options if name not in free)
        return {"metric": (value, fixed), **{f"metric.{name}": options.get(name) for name in sorted(free)}}
    return {key.name: value}
