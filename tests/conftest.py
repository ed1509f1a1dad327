"""What all tests share: threads held down, no hub, signals that programs under test heed, studies that have ended."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from processor_time import ProcessorTime

if TYPE_CHECKING:
    from benchmarks.soak import Soak

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait would spin, and take the other tests' time
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports triton: its kernels then run on the CPU
os.environ.pop("TUNEBOOK_LEDGER", None)
# Where bytecode is not kept, as is usual in containers, every program that a test starts would compile tunebook anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples every time, so that a change passes or fails for what it changes; HYPOTHESIS_PROFILE=search looks
# for new ones (`make search`). No deadlines: a shared machine may be slow without anything being wrong.
settings.register_profile("tunebook", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("tunebook"), derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tunebook"))

SECRET = "correct-horse-battery"
"""The hub's token while `trained` was made."""


def pytest_configure(config: pytest.Config) -> None:
    """Under `nohup make test &` the tests' process goes on ignoring signals, but the programs that it starts heed them.

    A handler that does nothing, unlike SIG_IGN, is not inherited by what is executed.
    """
    config.pluginmanager.register(ProcessorTime())
    if config.getoption("dist", "no") != "no":
        return  # this process only hands out tests; its workers inherit what it ignores and come here in turn
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="module", autouse=True)
def _what_stays() -> None:
    """What was imported stays until the end: a garbage collection, which engines ask for, need not look at it.

    Looked after at each file, for most of what tests import comes with the first test that needs it: without it, a
    test that runs out of memory took five seconds at the end of a whole run, and half a second alone.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    """A simulated study of 14 trials that nothing disturbed. Only to be read; `study` is a copy."""
    from benchmarks.soak import make_simulated_study

    with _one_picture():
        return _made_once(tmp_path_factory, "finished", lambda folder: make_simulated_study(folder, 14))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    """A study of 8 trials that really trained a tiny model, and that nothing disturbed. Only to be read."""
    from benchmarks.soak import make_real_study

    with _one_picture() as patched:
        patched.setenv("HF_TOKEN", SECRET)
        return _made_once(tmp_path_factory, "trained", lambda folder: make_real_study(folder, 8))


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Soak:
    """The study, run by whichever worker of xdist asks first, for all of them."""
    from benchmarks.soak import Soak

    root = factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / name
    times = folder / "times.json"
    with FileLock(f"{folder}.lock"):
        if times.exists():
            startup, work = json.loads(times.read_text())
            return Soak(folder / "study.yaml", random.Random(0), startup_seconds=startup, work_seconds=work)
        soak = Soak(make(folder), random.Random(0))
        soak.run()
        times.write_text(json.dumps([soak.startup_seconds, soak.work_seconds]))
    return soak


@pytest.fixture
def study(finished: Soak, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may harm: the study file. Its folder is `runs/soak` beside it."""
    shutil.copytree(finished.file.parent, tmp_path / "copy")
    return tmp_path / "copy" / "study.yaml"


@pytest.fixture(scope="module")
def few_pictures() -> Iterator[None]:
    """Records get one of their pictures; all of them are half the time of a simulated study."""
    with _one_picture():
        yield


@pytest.fixture
def one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies train on one thread: as on each of two devices here, and safe in a process that was forked."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)


@contextmanager
def _one_picture() -> Iterator[pytest.MonkeyPatch]:
    from tunebook.record.plots import gallery

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gallery, "PAINTERS", [p for p in gallery.PAINTERS if p[0] == "cost"])
        yield patched
