"""What all tests share: threads held down, no hub, signals that programs under test heed."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("TUNEBOOK_LEDGER", None)

# a shared machine may be slow without anything being wrong
settings.register_profile("tunebook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tunebook")


def pytest_configure(config: pytest.Config) -> None:
    """Under `nohup make test &` the tests' process goes on ignoring signals, but the programs that it starts heed them.

    A handler that does nothing, unlike SIG_IGN, is not inherited by what is executed.
    """
    if config.getoption("dist", "no") != "no":
        return  # this process only hands out tests; its workers inherit what it ignores and come here in turn
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
