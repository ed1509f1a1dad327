"""The built-in executors as the study file names them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from tunebook.core.ports import Executor, ExecutorSetup
from tunebook.errors import MissingExtraError, StudyFileError
from tunebook.executors.inline import InlineExecutor
from tunebook.executors.local import LocalExecutor
from tunebook.executors.pool import options_by_device
from tunebook.executors.references import resolve

__all__ = ["inline", "local", "ray"]


def local(setup: ExecutorSetup) -> Executor:
    """One worker process for each device of this machine; none for an engine that trains nothing."""
    _refuse_argument("local", setup)
    if setup.in_process:
        return inline(setup)
    return LocalExecutor(
        setup.engine,
        options_by_device(setup.options, setup.devices),
        setup.workload,
        transform=setup.transform,
        logs=Path(setup.logs) if setup.logs else None,
    )


def inline(setup: ExecutorSetup) -> Executor:
    """The runner's own process on the first device, for debugging; a trial that hangs is not noticed."""
    _refuse_argument("inline", setup)
    return InlineExecutor(resolve(setup.engine)(setup.options), setup.workload, transform=setup.transform)


def ray(setup: ExecutorSetup) -> Executor:
    """Workers on the devices of a Ray cluster that is already running; `ray:8` takes at most eight."""
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError(
            "executor ray needs the package ray. Install it with `{command}`.", command='pip install "tunebook[ray]"'
        )
    from tunebook.executors.ray.executor import RayExecutor
    from tunebook.executors.ray.messages import ADDRESS, INSECURE, Wanted

    if setup.argument and not (setup.argument.isdecimal() and int(setup.argument)):
        raise StudyFileError(
            "executor: found ray:{found}; the part after the colon is the largest number of workers, a whole "
            "number above 0. Correct it, or leave it out.",
            found=setup.argument,
        )
    [options, *_] = options_by_device(setup.options, setup.devices)
    gpu = options.device.startswith("cuda")
    wanted = Wanted(
        address=os.environ.get(ADDRESS, "auto"),
        insecure=os.environ.get(INSECURE) == "1",
        gpu=gpu,
        cpus=1 if gpu else options.threads,
    )
    return RayExecutor(
        setup.engine,
        options,
        setup.workload,
        wanted=wanted,
        n_workers=int(setup.argument) if setup.argument else None,
        model_hash=setup.model_hash,
        transform=setup.transform,
    )


ray.computes_elsewhere = True  # type: ignore[attr-defined]


def _refuse_argument(name: str, setup: ExecutorSetup) -> None:
    if setup.argument:
        raise StudyFileError(
            "executor: found {name}:{found}; {name} takes nothing after its name. Leave it out.",
            name=name,
            found=setup.argument,
        )
