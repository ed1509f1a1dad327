"""Fingerprints of files, by which an edit between two runs is noticed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tunebook.data.sources import is_hub_id
from tunebook.errors import DataError

__all__ = ["changed_files", "sha256_of"]


def sha256_of(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}). Put the file back as it was.") from None


def changed_files(sources: dict[str, str], hashes: dict[str, str], base_folder: str | Path) -> dict[str, str]:
    """The sources whose files no longer have the hashes of when the study was created.

    Args:
        sources: role ("train") to source as written in the study file; hub ids are pinned by their content when read
            and are passed over here.
        hashes: role to sha256.

    Returns: role to source, for those that changed.
    """
    files = {
        role: source
        for role, source in sources.items()
        if role in hashes and not (is_hub_id(source) and not (Path(base_folder) / source).exists())
    }
    return {
        role: source
        for role, source in files.items()
        if sha256_of(Path(base_folder) / os.path.expanduser(source)) != hashes[role]
    }
