"""Builds and loads `kernels.c` with the machine's own C compiler, where there is one.

The library is built once (a second or two), kept in the user's cache folder under a name made of the source, the
compiler and the processor, and loaded with ctypes. Where it cannot be built or loaded, `library()` is None and the
torch forms in `kernels.py` do the same work. `TUNEBOOK_NATIVE=0` turns it off; `TUNEBOOK_NATIVE=x86-64-v3`, or another
name that the compiler's -march takes, builds for that processor instead of for this one.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tunebook.engines.user_cache import user_cache
from tunebook.files import write_atomically

__all__ = ["library", "processor"]

_SOURCE = Path(__file__).with_name("kernels.c")
_FLAGS = [
    "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fvisibility=hidden",
    "-fopenmp", "-fPIC", "-shared",
]  # fmt: skip
_BUILD_SECONDS = 60
_POINTER, _COUNT, _NUMBER = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float

_SIGNATURES: dict[str, list[type]] = {
    "set_threads": [_COUNT],
    "end_threads": [],
    "hold_threads": [_COUNT],
    "keep_masks": [_POINTER] * 3 + [_COUNT] * 3,
    "masked_copy": [_POINTER, _COUNT, _POINTER, _COUNT, _POINTER, _COUNT, _COUNT],
    "masked_add": [_POINTER, _POINTER, _COUNT, _POINTER, _COUNT, _COUNT, _COUNT],
    "update": [_POINTER, _COUNT, _POINTER, _COUNT, _POINTER, _COUNT, _POINTER, _POINTER, *[_COUNT] * 3, _NUMBER],
    "update_backward": [
        _POINTER,
        _COUNT,
        _POINTER,
        _COUNT,
        _POINTER,
        _COUNT,
        *[_POINTER] * 4,
        *[_COUNT] * 3,
        _NUMBER,
    ],
    "silu_gate": [_POINTER] * 3 + [_COUNT],
    "silu_gate_backward": [_POINTER] * 5 + [_COUNT],
    "rms_norm": [_POINTER] * 4 + [_COUNT] * 2 + [_NUMBER],
    "rms_norm_backward": [_POINTER] * 6 + [_COUNT] * 2,
    "attend": [*[_POINTER] * 5, _COUNT, _POINTER, *[_COUNT] * 4, _NUMBER],
    "attend_backward": [*[_POINTER] * 8, _COUNT, _POINTER, *[_COUNT] * 4, _NUMBER],
    "attend_rows": [*[_POINTER] * 5, _COUNT, _POINTER, *[_COUNT] * 5, _NUMBER],
    "rotate": [_POINTER] * 4 + [_COUNT] * 3,
}


@functools.cache
def library() -> ctypes.CDLL | None:
    """The loaded kernels, or None. Looked for once a process."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    wanted = os.environ.get("TUNEBOOK_NATIVE", "1")
    if wanted == "0" or compiler is None or platform.system() != "Linux":
        return None
    try:
        path = _built(compiler, [f"-march={'native' if wanted == '1' else wanted}", *_FLAGS])
        loaded = ctypes.CDLL(str(path))
        for name, arguments in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.argtypes, function.restype = arguments, _COUNT if name.startswith("attend") else None
    except (OSError, subprocess.SubprocessError, AttributeError):
        return None
    return loaded


def _built(compiler: str, flags: Sequence[str]) -> Path:
    """The library's file, built when it is not there yet."""
    name = f"kernels-{_identity(compiler, flags)}.so"
    target = user_cache() / "native" / name
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="tunebook-") as scratch:
            fresh = Path(scratch) / name
            command = [compiler, *flags, "-o", str(fresh), str(_SOURCE), "-lm"]
            subprocess.run(command, check=True, capture_output=True, timeout=_BUILD_SECONDS)
            write_atomically(target, fresh.read_bytes())  # several processes may build at once; any of them will do
    return target


def _identity(compiler: str, flags: Sequence[str]) -> str:
    """What a built library depends on, as hexadecimal digits."""
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=_BUILD_SECONDS).stdout
    described = "".join(line for line in processor() if line.startswith(("flags", "Features", "model name")))
    parts = [_SOURCE.read_bytes(), version, " ".join(flags).encode(), described.encode(), platform.machine().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def processor() -> list[str]:
    """Lines that describe the first processor; none where the system has no such file."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.split("\n\n", 1)[0].splitlines()
