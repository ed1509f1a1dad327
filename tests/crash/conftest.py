"""Disks that fill up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small() -> Iterator[Callable[[Path, int], Path]]:
    """Makes a folder a file system of so many kilobytes, or grows it, and gives the folder; where that cannot be done
    the test is skipped."""
    mounted: list[Path] = []

    def size(folder: Path, kilobytes: int) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={kilobytes}k" if folder not in mounted else f"remount,size={kilobytes}k"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, text=True, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        mounted.append(folder)
        return folder

    yield size
    for folder in mounted[:1]:
        subprocess.run(["umount", "-l", str(folder)], check=False)
