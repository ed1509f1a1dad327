"""Commands of tunebook as processes of their own, forked from this one: without the seconds that imports would take.

What a command is given (arguments, folder, environment, standard streams) and gives (exit code, output) are those of a
process. What only a new one shows, what is imported and when, is for tests that start a program. Torch computes on one
thread in a forked process: the threads that it had before are not there.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

__all__ = ["Forked", "bash", "command_line", "script", "tunebook"]

Prepare = Callable[[], None]
LINE = "TUNEBOOK_TEST_COMMANDS"
ASKS = f"""#!{sys.executable} -IS
import json, os, socket, sys
answer, write = os.pipe()
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(socket.socket(fileno=int(os.environ["{LINE}"])), [request], [0, 1, 2, write])
os.close(write)
os._exit(int(os.read(answer, 10) or 70))
"""
"""The program `tunebook` of a session: asks the tests' process to fork, hands over its streams, ends as the command."""


def command_line(*arguments: object) -> Callable[[], int]:
    def work() -> int:
        from tunebook.cli.main import main

        return main(list(map(str, arguments)))

    return work


def script(path: Path, *arguments: object) -> Callable[[], int]:
    """A Python file, run as a program."""

    def work() -> int:
        sys.argv = [str(path), *map(str, arguments)]
        sys.path.insert(0, str(path.parent))
        runpy.run_path(str(path), run_name="__main__")
        return 0

    return work


def fork(
    work: Callable[[], int],
    streams: Sequence[int],
    *,
    environment: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    told: int | None = None,
) -> int:
    """Fork a process that does some work and ends with the code that it gives; gives its number.

    Args:
        streams: its standard input, output and error.
        told: a pipe into which it writes the code too.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, encoding="utf-8", closefd=False) for n in (1, 2))
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        if folder is not None:
            os.chdir(folder)
        _one_thread()
        code = work()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        print(ended.code if isinstance(ended.code, str) else "", end="", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        if told is not None:
            os.write(told, str(code).encode())
        os._exit(code)


def _one_thread() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
        torch.set_num_threads = lambda n: None


class Forked:
    """Work in a forked process; what it prints goes into files."""

    def __init__(
        self, work: Callable[[], int], environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        self._out, self._err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115  (read later)
        with open(os.devnull, "rb") as nothing:
            streams = [nothing.fileno(), self._out.fileno(), self._err.fileno()]
            self.pid = fork(work, streams, environment=environment, folder=folder)

    @property
    def printed(self) -> str:
        return _text(self._out)

    @property
    def errors(self) -> str:
        return _text(self._err)

    def ended(self) -> int | None:
        """Its exit code (negative: the signal), or None while it runs. Not to be asked again once it has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def tunebook(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command, with what it printed once it has ended."""
    process = Forked(command_line(*arguments), environment)
    code = process.wait()
    return subprocess.CompletedProcess(list(map(str, arguments)), code, process.printed, process.errors)


def bash(
    text: str, folder: Path, environment: Mapping[str, str], programs: Path, prepare: Prepare, seconds: float = 600
) -> subprocess.CompletedProcess[str]:
    """Lines of a shell in which `tunebook` is a program that is forked from here.

    Args:
        folder: they run there.
        programs: an empty folder for the program, or one with it.
        prepare: called in each forked process, before the command.
    """
    program = programs / "tunebook"
    if not program.exists():
        programs.mkdir(exist_ok=True)
        program.write_text(ASKS, encoding="utf-8")
        program.chmod(0o755)
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.pathsep.join([str(programs), environment["PATH"]])
    given = {**environment, "PATH": path, LINE: str(theirs.fileno())}
    forked: list[int] = []
    until = time.monotonic() + seconds
    with mine, theirs, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        shell = subprocess.Popen(
            ["bash", "-euc", text], cwd=folder, env=given, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            pass_fds=[theirs.fileno()],
        )  # fmt: skip
        while shell.poll() is None:
            if time.monotonic() > until:
                for pid in [shell.pid, *forked]:
                    os.kill(pid, signal.SIGKILL)
            if select.select([mine], [], [], 0.02)[0]:
                forked.append(_answer(mine, prepare))
        for pid in forked:
            os.waitpid(pid, 0)
        return subprocess.CompletedProcess(text, shell.returncode, _text(out), _text(err))


def _answer(line: socket.socket, prepare: Prepare) -> int:
    request, streams, _, _ = socket.recv_fds(line, 1 << 20, 4)
    arguments, folder, environment = json.loads(request)

    def work() -> int:
        prepare()
        return command_line(*arguments)()

    pid = fork(work, streams[:3], environment=environment, folder=folder, told=streams[3])
    for stream in streams:
        os.close(stream)
    return pid


def _text(file: IO[bytes]) -> str:
    """All of it; where it is written next, which processes share, is left as it is."""
    return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")
