"""Looks at the machine and the installation: what is there, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from tunebook.engines import base_model

__all__ = ["Check", "examine_machine"]

GIB = 2**30
LEAST_MEMORY_GIB = 4
LEAST_DISK_GIB = 2


@dataclass(frozen=True)
class Check:
    """One thing looked at. `level` is "ok", "missing" (something will not work) or "hint" (it would be better with)."""

    name: str
    level: str
    found: str
    advice: str = ""


def examine_machine(folder: Path | None = None) -> list[Check]:
    """Everything that a study needs from the machine, in the order of importance."""
    return [
        *(_library(name) for name in ("torch", "transformers", "peft", "datasets", "sqlalchemy", "tensorboard")),
        _device(),
        _memory(),
        _disk(folder or Path.cwd()),
        _built_in_model(),
        _extra("gguf", "demo", "reads the built-in model"),
        _extra("psycopg", "postgres", "a ledger for several machines"),
        _font(),
        _locks(folder or Path.cwd()),
    ]


def _library(name: str) -> Check:
    try:
        return Check(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "missing", "not installed", "pip install tunebook")


def _device() -> Check:
    from tunebook.run.environment import device_name

    devices = base_model.device_names("auto")
    found = ", ".join(f"{device} ({device_name(device)})" for device in devices)
    if devices[0].startswith("cuda"):
        return Check("device", "ok", found)
    return Check("device", "hint", f"{found}; no GPU", "Works here; a CUDA build of torch on a GPU is faster.")


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    if free >= LEAST_MEMORY_GIB:
        return Check("memory", "ok", f"{free:.1f} GiB free")
    return Check("memory", "hint", f"{free:.1f} GiB free", "Close other programs, or choose a smaller model.")


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / GIB
    if free >= LEAST_DISK_GIB:
        return Check("disk", "ok", f"{free:.1f} GiB free in {folder}")
    return Check("disk", "hint", f"{free:.1f} GiB free in {folder}", "Adapters and the ledger need room; free some.")


def _built_in_model() -> Check:
    if base_model.built_in_is_cached():
        return Check("built-in model", "ok", "smollm2, ready")
    if base_model.built_in_wheel() is not None:
        return Check("built-in model", "ok", "smollm2, converted at first use (about 30 s)")
    return Check("built-in model", "missing", "not installed", base_model.INSTALL_BUILT_IN)


def _extra(module: str, extra: str, why: str) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(f"extra {extra}", "ok", f"{module} ({why})")
    return Check(f"extra {extra}", "hint", f"{module} is not installed ({why})", f'pip install "tunebook[{extra}]"')


def _font() -> Check:
    from tunebook.record.plots.style import chinese_font

    try:
        font = chinese_font()
    except Exception as error:  # whatever is wrong with matplotlib, this is the place to say so
        found = f"matplotlib cannot be used ({type(error).__name__}: {error}); records have no figures"
        return Check("figures", "missing", found, "pip install --force-reinstall matplotlib")
    if font:
        return Check("Chinese font", "ok", font)
    return Check(
        "Chinese font",
        "hint",
        "none; figures of Chinese records keep English labels",
        "Install one, such as the package fonts-noto-cjk.",
    )


def _locks(folder: Path) -> Check:
    """Whether this folder can be written and locked, as a ledger needs."""
    from tunebook.ledger.lock import system_lock

    probe = folder / f".tunebook-probe-{os.getpid()}"
    try:
        system_lock(probe).release()
    except OSError as error:  # filelock's Timeout is one too
        return Check("folder", "missing", f"{folder} cannot be written or locked ({error})", "Choose a local folder.")
    finally:
        with suppress(OSError):  # a read-only folder refuses this as well
            probe.unlink(missing_ok=True)
    return Check("folder", "ok", f"{folder} can be written and locked")
