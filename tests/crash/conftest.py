"""Disks that fill up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Sized = Callable[[Path, int], bool]


@pytest.fixture
def small_if_possible() -> Iterator[Sized]:
    """Makes a folder a file system of so many kilobytes, or grows it; gives whether that can be done here."""
    mounted: list[Path] = []

    def size(folder: Path, kilobytes: int) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={kilobytes}k" if folder not in mounted else f"remount,size={kilobytes}k"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, text=True, check=False).returncode:
            return False
        mounted.append(folder)
        return True

    yield size
    for folder in mounted[:1]:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture
def small(small_if_possible: Sized) -> Callable[[Path, int], Path]:
    """The same; the test is skipped where it cannot be done. Gives the folder."""

    def size(folder: Path, kilobytes: int) -> Path:
        if not small_if_possible(folder, kilobytes):
            pytest.skip("no file system can be mounted here")
        return folder

    return size
