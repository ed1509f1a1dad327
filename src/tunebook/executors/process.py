"""One worker process as the runner sees it: started, listened to, stopped, killed.

Plain pipes instead of `multiprocessing`, so that the user's own script is not imported again in the worker and nothing
but the pipe connects the two. Each worker leads a process group of its own: Ctrl-C does not reach it, and it can be
killed with everything it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from tunebook.core.ports import SECRET_VARIABLES, EngineOptions
from tunebook.executors.channel import Receiver, Sender
from tunebook.executors.faults import MemoryWatch, death_by_exit
from tunebook.executors.handle import GONE, OnMessage
from tunebook.executors.job_queue import Death
from tunebook.executors.worker import Assignment

__all__ = ["WorkerProcess", "own_process"]

_START = "import sys; sys.path[:] = sys.argv[1:]; from {module} import main; main()"
_KEPT_LINES = 30
_KEPT_CHARACTERS = 300
_LAST_LINES = 3
_EXIT_SECONDS = 10.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


def own_process(module: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process that runs `main` of a module of tunebook's, with pipes for all that it reads and writes, as the leader
    of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START.format(module=module), *(entry for entry in sys.path if entry)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )


class WorkerProcess:
    """A running worker; fulfils `WorkerHandle`.

    Args:
        assignment: what it is for.
        log: file to which what the worker prints is added; None: only the last lines are kept, for error messages.
    """

    def __init__(self, assignment: Assignment, log: Path | None = None) -> None:
        self._log = log
        self._printed: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process = own_process("tunebook.executors.worker", _environment(assignment.options))
        self._memory = MemoryWatch(self._process.pid)
        assert self._process.stdin is not None
        self._assignment = replace(assignment, options=_on_own_card(assignment.options))
        self._sender = Sender(self._process.stdin)  # type: ignore[arg-type]
        self._printing = self._thread(self._keep_printed)

    is_waiting = False

    def listen(self, on_message: OnMessage) -> None:
        """Hand the worker its assignment, and call `on_message` with (kind, value) for each of its messages, lastly
        with (GONE, None); from a thread of its own."""
        self._thread(self._listen, on_message)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, kind: str, value: Any = None) -> None:
        """Send an order. That a worker has gone shows in its last message, not here."""
        with suppress(OSError, ValueError):
            self._sender.send((kind, value))

    def kill(self) -> None:
        """End the worker and everything in its process group at once."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def look(self) -> None:
        """Take a sample of its memory. If the worker has ended, end its children: a forked child would keep the pipe
        open, and nobody would notice that the worker has ended."""
        if self._process.poll() is not None:
            self.kill()
        self._memory.look()

    def ended(self) -> Death:
        """How it ended, once its pipe has."""
        return death_by_exit(self._exit_code(), self._memory, self._last_lines())

    def _exit_code(self) -> int | None:
        """The code that it ended with; negative: the signal. Whatever is left of its group is ended too."""
        try:
            code = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            code = None  # it closed its pipe and went on
        self.kill()
        self._process.wait()
        return code

    def _last_lines(self) -> str:
        """What it printed last, for messages."""
        self._printing.join(timeout=1.0)
        lines = [line for line in self._printed if line]
        return " | ".join(lines[-_LAST_LINES:])

    def close(self) -> None:
        """Ask it to end, then see that it has."""
        self.send("exit")
        with suppress(OSError):
            self._sender.close()
        self._exit_code()

    def _listen(self, on_message: OnMessage) -> None:
        assert self._process.stdout is not None
        receiver = Receiver(self._process.stdout)  # type: ignore[arg-type]
        try:
            self._sender.send(self._assignment)
            while True:
                kind, value = receiver.receive()
                on_message(kind, value)
        except (EOFError, OSError, ValueError):
            on_message(GONE, None)

    def _keep_printed(self) -> None:
        assert self._process.stderr is not None
        log = _opened(self._log) if self._log else None
        try:
            for line in self._process.stderr:
                self._printed.append(line.decode(errors="replace").rstrip()[-_KEPT_CHARACTERS:])
                if log is not None:
                    log.write(line)
                    log.flush()
        except (OSError, ValueError):
            return  # a full disk or a closed pipe must not disturb the study
        finally:
            if log is not None:
                log.close()

    def _thread(self, target: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        return thread


def _opened(log: Path) -> IO[bytes] | None:
    """A log to add to, or None: a study goes on without what its workers print."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError:
        return None


def _environment(options: EngineOptions) -> dict[str, str]:
    """The runner's environment with the number of threads fixed, because results depend on it in the last bit, without
    the ledger's and the judge's address and key, which no worker needs, and with the worker's own GPU alone.

    Whatever the worker runs sees that GPU alone too: the Trainer, which would compute on all it sees and multiply the
    batch, and external programs. A worker on the processor leaves the GPUs as they are: an external program may use
    them where tunebook's own torch cannot.
    """
    fixed = dict.fromkeys(_THREAD_VARIABLES, str(options.threads))
    inherited = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
    if options.device.startswith("cuda"):
        fixed[_VISIBLE] = _card(options.device)
    return {**inherited, **fixed, "TOKENIZERS_PARALLELISM": "false"}


def _card(device: str) -> str:
    """A GPU as CUDA_VISIBLE_DEVICES names it: "cuda:1" is the second of those that the runner itself sees."""
    index = int(device.partition(":")[2] or 0)
    seen = [name.strip() for name in os.environ.get(_VISIBLE, "").split(",") if name.strip()]
    return seen[index] if index < len(seen) else str(index)


def _on_own_card(options: EngineOptions) -> EngineOptions:
    """The options as the worker must read them: its GPU is the only one there."""
    return replace(options, device="cuda:0") if options.device.startswith("cuda") else options
