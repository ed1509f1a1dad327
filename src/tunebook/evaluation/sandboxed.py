"""The process in which model-written code runs: `python sandboxed.py`, started by `evaluation.sandbox` alone.

Takes away from itself what the code must not have, then runs the code and its tests and tells through a pipe how they
ended. On Linux, Landlock leaves it the temporary folder for writing and Python's own folders for reading, and a seccomp
filter refuses new processes, sockets, signals and changes of other processes. Nothing of tunebook is imported.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

_PASSED, _SYNTAX, _ASSERTION, _MEMORY, _ERROR, _EXIT = "passed", "syntax", "assertion", "memory", "error", "exit"
_READABLE = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom")
_READ = 0b1101
"""Landlock's rights to execute, read files and read folders."""
_FILE_RIGHTS = 0b101
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights each version of Landlock knows; later ones 16."""
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_THREAD = 0x10000
"""clone's flag for a thread."""
_X32 = 0x40000000
# Sockets, processes, signals, limits, tracing, namespaces, other ways to compute in the kernel, changes of files that
# Landlock does not cover (modes, owners, times, attributes).
_REFUSED = {
    "x86_64": (
        0xC000003E, 56,
        (41, 42, 49, 53, 57, 58, 59, 322, 62, 200, 234, 129, 297, 424, 434, 438, 101, 310, 311, 425, 302, 160, 141,
         203, 272, 308, 165, 321, 250, 248, 29, 68, 64, 298, 323, 90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280,
         188, 189, 190, 112, 109),
    ),
    "aarch64": (
        0xC00000B7, 220,
        (198, 199, 200, 203, 221, 281, 129, 130, 131, 138, 240, 424, 434, 438, 117, 270, 271, 425, 261, 164, 140, 122,
         97, 268, 40, 280, 219, 217, 194, 186, 190, 241, 282, 52, 53, 452, 54, 55, 88, 5, 6, 7, 157, 154),
    ),
}  # fmt: skip
_CLONE3 = 435


def main() -> None:
    """Read the task from standard input, run it, tell the result."""
    told, folder, seconds, memory_bytes, file_bytes = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    task = json.loads(sys.stdin.buffer.read())
    if "unittest" in task.get("tests", ""):
        import unittest  # noqa: F401  (before limits of processor time and memory count)
    os.chdir(folder)
    confined = _confine(folder, seconds, memory_bytes, file_bytes)
    os.write(told, b"\n")  # from here on the clock counts
    verdict = {"kind": _PASSED, "detail": ""} if task.get("probe") else _verdict(task["code"], task["tests"])
    os.write(told, json.dumps({**verdict, "word": task["word"], "confined": confined}).encode())
    os._exit(0)  # threads of the code and what it registered for the end do not run on


def _confine(folder: str, seconds: int, memory_bytes: int, file_bytes: int) -> dict[str, bool]:
    """Take the rights away; gives what this machine could do of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if sys.platform != "linux":
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    files = calls = False
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) == 0:  # no new privileges, which both of the following ask for
            files = _only_files(libc, folder)
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
            calls = _only_harmless_calls(libc)  # after which no limit can be set
    return {"files": files, "calls": calls}


def _only_files(libc: Any, folder: str) -> bool:
    """Landlock: write in `folder` alone, read there and what Python needs. Source: landlock(7)."""
    version = libc.syscall(444, None, 0, 1)
    if version < 1:
        return False
    every = (1 << _RIGHTS_OF_ABI.get(version, 16)) - 1
    rules = libc.syscall(444, struct.pack("Q", every), 8, 0)
    if rules < 0:
        return False
    rights = dict.fromkeys((*_READABLE, sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)), _READ)
    for path, right in {**rights, folder: every}.items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = right if os.path.isdir(path) else right & _FILE_RIGHTS
        libc.syscall(445, rules, 1, struct.pack("<Qi", allowed, place), 0)
        os.close(place)
    held = libc.syscall(446, rules, 0) == 0
    os.close(rules)
    return bool(held)


def _only_harmless_calls(libc: Any) -> bool:
    """A seccomp filter. Source: seccomp(2)."""
    known = _REFUSED.get(platform.machine())
    if known is None:
        return False
    arch, clone, refused = known

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    program = [step(0x20, 4), step(0x15, arch, 1, 0), step(0x06, _KILL), step(0x20, 0)]
    program += [step(0x35, _X32, 0, 1), step(0x06, _REFUSE)]
    for number in refused:
        program += [step(0x15, number, 0, 1), step(0x06, _REFUSE)]
    program += [step(0x15, _CLONE3, 0, 1), step(0x06, _UNKNOWN)]  # glibc then makes threads by clone
    program += [step(0x15, clone, 0, 3), step(0x20, 16), step(0x45, _THREAD, 1, 0), step(0x06, _REFUSE)]
    program.append(step(0x06, _ALLOW))
    kept = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept))
    return bool(libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0)


def _verdict(code: str, tests: str) -> dict[str, str]:
    try:
        compiled = compile(code, "<answer>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _told(_SYNTAX, error)
    try:
        names: dict[str, Any] = {"__name__": "answer"}
        exec(compiled, names)
        exec(compile(tests, "<tests>", "exec"), names)
        _run_test_functions(names, tests)
    except AssertionError as error:
        return _told(_ASSERTION, error)
    except MemoryError as error:
        return _told(_MEMORY, error)
    except SystemExit as error:
        return _told(_EXIT, error)
    except BaseException as error:  # whatever the code raises
        return _told(_ERROR, error)
    return {"kind": _PASSED, "detail": ""}


def _run_test_functions(names: dict[str, Any], tests: str) -> None:
    """Call what the tests only define: functions test... without arguments, and unittest's cases."""
    for name, value in list(names.items()):
        if name.startswith("test") and f"def {name}()" in tests:
            value()
        elif f"class {name}(" in tests and "unittest" in tests:
            import unittest

            result = unittest.TestResult()
            unittest.defaultTestLoader.loadTestsFromTestCase(value).run(result)
            if not result.wasSuccessful():
                raise AssertionError([*result.failures, *result.errors][0][1][-200:])


def _told(kind: str, error: BaseException) -> dict[str, str]:
    try:
        text = str(error)[:200]
    except BaseException:  # an exception of the code's own class
        text = ""
    return {"kind": kind, "detail": f"{type(error).__name__}: {text}"}


if __name__ == "__main__":
    main()
