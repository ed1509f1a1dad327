"""What `tunebook doctor` checks: versions, devices, what is missing, and a damaged ledger that it can rescue."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from tunebook.engines import base_model
from tunebook.errors import NotFoundError, UnwritableFolder, UserError
from tunebook.files import replaced_folder
from tunebook.ledger import SqlLedger, examine, rescue
from tunebook.ledger.sqlite import SqliteDatabase
from tunebook.phrases import Phrase
from tunebook.plugins import GROUPS
from tunebook.run.paths import LEDGER_FILE
from tunebook.run.reading import last_note

__all__ = ["Check", "InstalledPlugin", "Rescued", "examine_machine", "installed_plugins", "rescue_study"]

GIB = 2**30


LEAST_MEMORY_GIB = 4


LEAST_DISK_GIB = 2


@dataclass(frozen=True)
class Check:
    """One result of a check. `level` is "ok", "missing" (something will not work) or "hint" (it would work better with
    this)."""

    name: str
    level: str
    found: str
    advice: str = ""


def examine_machine() -> list[Check]:
    """Everything that a study needs from the machine, most important first."""
    return [
        *(_library(name) for name in ("torch", "transformers", "peft", "datasets", "sqlalchemy", "tensorboard")),
        _device(),
        _memory(),
        _disk(Path.cwd()),
        _built_in_model(),
        _extra("gguf", "demo", Phrase("reads the built-in model")),
        _extra("bitsandbytes", "quant", Phrase("base models in 4 or 8 bits, optimisers in 8")),
        _extra("ray", "ray", Phrase("trials on the machines of a Ray cluster")),
        _extra("psycopg", "postgres", Phrase("a ledger for several machines")),
        _font(),
        _locks(Path.cwd()),
    ]


def _library(name: str) -> Check:
    try:
        return Check(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "missing", Phrase("not installed"), "pip install tunebook")


def _device() -> Check:
    from tunebook.engines.devices import device_names
    from tunebook.run.environment import device_name

    devices = device_names("auto")
    names = ", ".join(f"{device} ({device_name(device)})" for device in devices)
    if devices[0].startswith("cuda"):
        return Check("device", "ok", names)
    return Check(
        "device",
        "hint",
        Phrase("{names}; no GPU", names=names),
        Phrase("Works here; a CUDA build of torch on a GPU is faster."),
    )


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    found = Phrase("{free:.1f} GiB free", free=free)
    if free >= LEAST_MEMORY_GIB:
        return Check("memory", "ok", found)
    return Check("memory", "hint", found, Phrase("Close other programs, or choose a smaller model."))


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / GIB
    found = Phrase("{free:.1f} GiB free in {folder}", free=free, folder=folder)
    if free >= LEAST_DISK_GIB:
        return Check("disk", "ok", found)
    return Check("disk", "hint", found, Phrase("Adapters and the ledger need room; free some."))


def _built_in_model() -> Check:
    if base_model.built_in_is_cached():
        return Check("built-in model", "ok", Phrase("smollm2, ready"))
    if base_model.built_in_wheel() is not None:
        return Check("built-in model", "ok", Phrase("smollm2, converted at first use (about 30 s)"))
    return Check("built-in model", "missing", Phrase("not installed"), base_model.INSTALL_BUILT_IN)


def _extra(module: str, extra: str, why: Phrase) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(f"extra {extra}", "ok", Phrase("{module} ({why})", module=module, why=why))
    return Check(
        f"extra {extra}",
        "hint",
        Phrase("{module} is not installed ({why})", module=module, why=why),
        f'pip install "tunebook[{extra}]"',
    )


def _font() -> Check:
    from tunebook.record.plots.style import chinese_font

    try:
        font = chinese_font()
    except Exception as error:  # report any problem with matplotlib
        problem = Phrase(
            "matplotlib cannot be used ({kind}: {error}); records have no figures",
            kind=type(error).__name__,
            error=error,
        )
        return Check("figures", "missing", problem, "pip install --force-reinstall matplotlib")
    if font:
        return Check("Chinese font", "ok", font)
    return Check(
        "Chinese font",
        "hint",
        Phrase("none; figures of Chinese records keep English labels"),
        Phrase("Install one, such as the package fonts-noto-cjk."),
    )


def _locks(folder: Path) -> Check:
    """Whether this folder can be written and locked, as a ledger requires."""
    from tunebook.ledger.lock import system_lock

    probe = folder / f".tunebook-probe-{os.getpid()}"
    try:
        system_lock(probe).release()
    except OSError as error:  # includes filelock's Timeout
        problem = Phrase("{folder} cannot be written or locked ({error})", folder=folder, error=error)
        return Check("folder", "missing", problem, Phrase("Choose a local folder."))
    finally:
        with suppress(OSError):  # fails in a read-only folder too
            probe.unlink(missing_ok=True)
    return Check("folder", "ok", Phrase("{folder} can be written and locked", folder=folder))


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin that a study file can name. `trouble` says why it cannot be used; empty if it can."""

    group: str
    name: str
    package: str
    version: str
    trouble: str = ""


def installed_plugins() -> list[InstalledPlugin]:
    """Every plugin that a study file can name, by group. Those of other packages are imported, to see whether that
    works."""
    return [
        InstalledPlugin(group.group, plugin.name, plugin.package, plugin.version, group.trouble(plugin) or "")
        if plugin.package != "tunebook"
        else InstalledPlugin(group.group, plugin.name, plugin.package, metadata.version("tunebook"))
        for group in GROUPS
        for plugin in group.plugins
    ]


@dataclass(frozen=True)
class Rescued:
    """The result of a rescue.

    Attributes:
        folder: the new study folder.
        finished: ids of the trials whose results were saved.
        lost: ids of the trials whose results could not be read; they will be trained again.
        damage: what could not be read, one sentence each.
    """

    folder: Path
    finished: tuple[int, ...]
    lost: tuple[int, ...]
    damage: tuple[str, ...]


def rescue_study(folder: Path, target: Path) -> Rescued:
    """Write the undamaged part of a study folder to a new one: plan, results, notes and adapters.

    The new folder is created complete or not at all. Its findings are judged by the next run, from the same outcomes.

    Raises: UserError: the ledger is not damaged. NotFoundError: there is none. LedgerDamaged: the study itself cannot
        be read. UnwritableFolder: the target exists already, or cannot be written. DiskFull: no space is left.
    """
    _check(folder, target)
    with replaced_folder(target) as scratch:
        salvaged = rescue(folder, scratch)
        _point_to_data(scratch, target, _data_root(folder, salvaged.notes))
        _copy(folder / "adapters", scratch / "adapters")
    return Rescued(target, tuple(sorted(salvaged.finished)), tuple(salvaged.lost), tuple(salvaged.damage))


def _check(folder: Path, target: Path) -> None:
    if not (folder / LEDGER_FILE).is_file():
        raise NotFoundError(
            "{folder}: there is no {ledger_file} in it. Name the folder of a study (runs/<study>).",
            folder=folder,
            ledger_file=LEDGER_FILE,
        )
    report = examine(folder)
    if not report.is_damaged:
        why = report.problems[0].found if any(p.level == "missing" for p in report.problems) else report.summary
        raise UserError(
            "{folder}: {why} There is nothing to rescue. To keep a copy, copy the folder.", folder=folder, why=why
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UnwritableFolder(
            "{target}: is there already; a rescue never overwrites anything. Name a new folder.", target=target
        )


def _data_root(folder: Path, notes: list[tuple[str, dict[str, Any]]]) -> Path | None:
    """The folder that the study's relative paths start from; None if it was not recorded."""
    if (folder / "study.yaml").is_file():
        return folder
    noted = last_note(notes, "data_root")
    return folder / noted["relative"] if noted else None


def _point_to_data(scratch: Path, target: Path, root: Path | None) -> None:
    if root is not None:
        relative = os.path.relpath(root.absolute(), target.absolute())
        with SqlLedger(SqliteDatabase(scratch, write=True)) as ledger:
            ledger.note("data_root", {"relative": relative})


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
