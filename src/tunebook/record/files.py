"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from tunebook.errors import DiskFull, UnwritableFolder

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises: DiskFull, UnwritableFolder: the old file, if any, is untouched.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink(missing_ok=True)
        raise _told(path, error) from error
    return path


def _told(path: Path, error: OSError) -> OSError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"{path.name}: no room to write it; the numbers are safe in the ledger. "
            "Make room, then `tunebook report` writes it again."
        )
    return UnwritableFolder(
        f"{path}: cannot be written ({error.strerror}); the numbers are safe in the ledger. "
        "Mend the folder's permissions, then `tunebook report` writes it again."
    )
