"""The built-in executors as the study file names them."""

from __future__ import annotations

from pathlib import Path

from tunebook.core.ports import Executor, ExecutorSetup
from tunebook.executors.inline import InlineExecutor
from tunebook.executors.local import LocalExecutor, options_by_device
from tunebook.executors.references import resolve

__all__ = ["inline", "local"]


def local(setup: ExecutorSetup) -> Executor:
    """One worker process for each device of this machine; none for an engine that trains nothing."""
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
    """The runner's own process on the first device, for debugging; a hang is not noticed."""
    return InlineExecutor(resolve(setup.engine)(setup.options), setup.workload, transform=setup.transform)
