"""What the operating system says while an adapter or a checkpoint is written, as errors of the study."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from tunebook.errors import DiskFull, UnwritableFolder

__all__ = ["writing"]


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the operating system says while a folder is written into what the study does about it.

    Raises: DiskFull: no room; UnwritableFolder: it cannot be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        text = str(error)
        full = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
        if getattr(error, "errno", None) in full or "No space left" in text:
            raise DiskFull(
                f"folder: {folder} could not be written ({text}). Adapters and resume state need room on this disk. "
                "Free some and run again: nothing that was finished is lost."
            ) from error
        raise UnwritableFolder(
            f"folder: {folder} could not be written ({text}). The study folder must be writable. Change its "
            "permissions, or move the study, and run again."
        ) from error
