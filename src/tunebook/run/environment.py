"""Describes the machine and the installed libraries, for the ledger and the record."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

__all__ = ["changed_versions", "describe_environment", "device_name", "free_bytes", "own_commit"]

LIBRARIES = ("tunebook", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")


def describe_environment(device: str, threads: int, quantised: bool = False) -> dict[str, Any]:
    """JSON facts: device, processor, memory, system, and the versions that results depend on.

    Args:
        quantised: whether the base model's weights are kept in 4 or 8 bits.
    """
    return {
        "device": device,
        "device_name": device_name(device),
        "threads": threads,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in (*LIBRARIES, *(("bitsandbytes",) if quantised else ()))},
        "commit": own_commit(),
    }


def device_name(device: str) -> str:
    """The device's name for people: that of the GPU or of the processor."""
    if device.startswith("cuda"):
        from tunebook.engines.base_model import cuda_name

        return cuda_name(device)
    name = _processor()
    return f"{name}, {os.cpu_count()} cores"


def changed_versions(then: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Libraries, devices and tunebook's own commit that differ between two environments, as name to (then, now)."""
    before, after = then.get("versions", {}), now.get("versions", {})
    changes = {name: (before.get(name), after.get(name)) for name in after if before.get(name) != after.get(name)}
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
        from tunebook.engines.base_model import cuda_free_bytes

        return cuda_free_bytes(device)
    return int(psutil.virtual_memory().available)
