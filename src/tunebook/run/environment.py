"""What the machine and the installed libraries are: written into the ledger and the record."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

__all__ = ["changed_versions", "describe_environment", "device_name", "free_bytes"]

LIBRARIES = ("tunebook", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy", "scipy")


def describe_environment(device: str, threads: int) -> dict[str, Any]:
    """JSON facts: device, processor, memory, system, versions of what the results depend on."""
    return {
        "device": device,
        "device_name": device_name(device),
        "threads": threads,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def device_name(device: str) -> str:
    """The device as people call it: the GPU's or the processor's name."""
    if device.startswith("cuda"):
        from tunebook.engines.base_model import cuda_name

        return cuda_name(device)
    name = _processor()
    return f"{name}, {os.cpu_count()} cores"


def changed_versions(then: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Libraries and devices that differ between two environments: name to (then, now)."""
    before, after = then.get("versions", {}), now.get("versions", {})
    changes = {name: (before.get(name), after.get(name)) for name in after if before.get(name) != after.get(name)}
    for name in ("device_name", "threads", "python"):
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


def _commit() -> str | None:
    """tunebook's own commit when it runs from a checkout, with "+" when files are changed."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=10"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def free_bytes(device: str) -> int:
    """Memory free on a device, in bytes."""
    if device.startswith("cuda"):
        from tunebook.engines.base_model import cuda_free_bytes

        return cuda_free_bytes(device)
    return int(psutil.virtual_memory().available)
