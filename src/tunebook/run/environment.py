"""Describes the machine and the installed libraries, for the ledger and the record."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from tunebook.core.study import StudySpec
from tunebook.plugins import ENGINES, EXECUTORS, HARNESSES, METRICS, OWN_PACKAGE, PLANNERS, TRACKERS, harness_of

__all__ = ["changed_versions", "describe_environment", "device_name", "free_bytes", "own_commit"]

LIBRARIES = ("tunebook", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")


def describe_environment(
    device: str, threads: int, spec: StudySpec, quantised: bool = False, elsewhere: bool = False
) -> dict[str, Any]:
    """JSON facts: device, processor, memory, system, and the versions that results depend on, those of other packages'
    metrics, planners, ... that the study names among them.

    Args:
        quantised: whether the base model's weights are kept in 4 or 8 bits.
        elsewhere: whether other machines compute, whose devices are not known before trials run.
    """
    foreign = _foreign_plugins(spec)
    own_harness = ("lm_eval",) if harness_of(spec.metric) == "lm_eval" else ()
    extras = (*own_harness, *(("bitsandbytes",) if quantised else ()))
    libraries = (*LIBRARIES, *extras, *(each["package"] for each in foreign))
    return {
        "device": device,
        "device_name": f"executor {spec.executor}" if elsewhere else device_name(device),
        "threads": threads,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in libraries},
        "plugins": foreign,
        "commit": own_commit(),
    }


def _foreign_plugins(spec: StudySpec) -> list[dict[str, str]]:
    """What the study takes from other packages: kind, name, package and version of each."""
    named = (
        (METRICS, (spec.metric,)),
        (HARNESSES, (harness_of(spec.metric) or "",)),
        (PLANNERS, (spec.planner,)),
        (ENGINES, (spec.engine,)),
        (EXECUTORS, (spec.executor,)),
        (TRACKERS, spec.trackers),
    )
    found = [(group.key, plugin) for group, names in named for name in names if (plugin := group.origin(name))]
    return [
        {"kind": kind, "name": plugin.name, "package": plugin.package, "version": plugin.version}
        for kind, plugin in found
        if plugin.package != OWN_PACKAGE
    ]


def device_name(device: str) -> str:
    """The device's name for people: that of the GPU or of the processor."""
    if device.startswith("cuda"):
        from tunebook.engines.devices import cuda_name

        return cuda_name(device)
    name = _processor()
    return f"{name}, {os.cpu_count()} cores"


def changed_versions(then: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Libraries, devices and tunebook's own commit that differ between two environments, as name to (then, now)."""
    before, after = then.get("versions", {}), now.get("versions", {})
    changes = {name: (before[name], after[name]) for name in after if name in before and before[name] != after[name]}
    for name in ("device_name", "threads", "python", "commit"):
        if then.get(name) != now.get(name):
            changes[name] = (str(then.get(name)), str(now.get(name)))
    return changes


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def own_commit(file: Path = Path(__file__)) -> str | None:
    """tunebook's own commit if it runs from a checkout, with "+" if files are changed; else None.

    An installation by pip may lie inside another project's checkout, whose commit is not tunebook's.

    Args:
        file: a file of tunebook; it is a checkout if git tracks this file.
    """
    file = file.resolve()
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    return _git(file.parent, "describe", "--always", "--dirty=+", "--abbrev=10")


def _git(folder: Path, *arguments: str) -> str | None:
    """Git's output, or None if git fails or is not installed."""
    try:
        completed = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return completed.stdout.strip() or None if completed.returncode == 0 else None


def free_bytes(device: str) -> int:
    """Memory free on a device, in bytes."""
    if device.startswith("cuda"):
        from tunebook.engines.devices import cuda_free_bytes

        return cuda_free_bytes(device)
    return int(psutil.virtual_memory().available)
