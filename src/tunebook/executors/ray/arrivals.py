"""Adapters that come from other machines: written beside their place, checked, and put there as a whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tunebook.errors import TunebookError
from tunebook.executors.ray.messages import Piece
from tunebook.files import sync, writing

__all__ = ["Arrivals", "DamagedAdapter"]


class DamagedAdapter(TunebookError):
    """What arrived is not what was sent."""


class Arrivals:
    """The adapters that one seat sends."""

    def __init__(self) -> None:
        self._homes: dict[int, Path] = {}
        self._digests: dict[tuple[int, str], hashlib._Hash] = {}

    def expect(self, trial: int, home: Path) -> None:
        """The folder that a trial's adapter belongs into. What an earlier attempt left half sent is removed."""
        self._homes[trial] = home
        shutil.rmtree(_beside(home), ignore_errors=True)

    def take(self, piece: Piece) -> None:
        """Write a piece. Raises: DamagedAdapter; DiskFull, UnwritableFolder."""
        if piece.trial not in self._homes or piece.name in ("", ".", "..") or Path(piece.name).name != piece.name:
            raise DamagedAdapter(f"found a file {piece.name!r} of trial {piece.trial}, which this worker has not got")
        folder = _beside(self._homes[piece.trial])
        if piece.offset == 0:
            self._digests[piece.trial, piece.name] = hashlib.sha256()
        digest = self._digests[piece.trial, piece.name]
        digest.update(piece.data)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / piece.name).open("wb" if piece.offset == 0 else "ab") as file:
                file.write(piece.data)
                file.flush()
                if piece.sha256:
                    os.fsync(file.fileno())
        if piece.sha256 and digest.hexdigest() != piece.sha256:
            raise DamagedAdapter(f"{piece.name} of trial {piece.trial} has other contents than were sent")

    def put_in_place(self, trial: int) -> None:
        """All files of an adapter have come. Raises: DiskFull, UnwritableFolder."""
        home = self._homes[trial]
        beside = _beside(home)
        with writing(home):
            home.mkdir(parents=True, exist_ok=True)
            for path in sorted(beside.iterdir()):
                path.replace(home / path.name)
            sync(home)
            beside.rmdir()


def _beside(home: Path) -> Path:
    return home.with_name(f".{home.name}.arriving")
