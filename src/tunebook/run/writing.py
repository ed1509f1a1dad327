"""Writing files that are not the record: what stands in the way is said in a sentence, never as a bare system error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunebook.errors import DiskFull, EnvironmentStop, UnwritableFolder
from tunebook.executors.faults import stops_the_study

__all__ = ["writing"]


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """While inside, a file system that refuses is told as such; `place` is what is being written.

    Raises: DiskFull: no room. UnwritableFolder: anything else that the system says about the place.
    """
    try:
        yield
    except EnvironmentStop:
        raise
    except Exception as error:
        if isinstance(stops_the_study(error), DiskFull):  # safetensors has an error class of its own
            raise DiskFull(
                f"{place}: no room left to write it ({error}). Free some space, then repeat this."
            ) from error
        if not isinstance(error, OSError):
            raise
        raise UnwritableFolder(
            f"{place}: cannot be written ({error.strerror or error}). "
            "Make the place writable or name another one, then repeat this."
        ) from error
