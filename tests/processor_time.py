"""What each test costs in processor time, its child processes included, and which tests cost too much.

Processor time hardly depends on what else the machine does, so it can be compared and limited; wall time cannot. Of a
test, its own call is limited: what fixtures make is shared, and counted where it was made first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest

__all__ = ["ProcessorTime"]

LIMIT_SECONDS = 30.0
"""A test that takes more fails unless it is marked slow. Ten times what CONTRIBUTING.md allows: a slow or busy machine
fails none that is cheap."""
SHOWN = 10
NAME = "processor seconds"


def spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class ProcessorTime:
    """A plugin for pytest, in xdist's workers and in the process that prints.

    Args:
        limit: seconds above which a test fails unless it is marked slow.
        shown: of how many files and tests the seconds are printed.
    """

    def __init__(self, limit: float = LIMIT_SECONDS, shown: int = SHOWN) -> None:
        self._limit, self._shown = limit, shown
        self._tests: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._began = spent()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        began = spent()
        yield
        taken = spent() - began
        if taken > self._limit and item.get_closest_marker("slow") is None:
            pytest.fail(
                f"took {taken:.1f} seconds of processor time; a test may take {self._limit:g}. Make it cheaper "
                "(CONTRIBUTING.md), or mark it slow where what it shows cannot be had for less.",
                pytrace=False,
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "teardown":
            report.user_properties.append((NAME, spent() - self._began))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._tests[report.nodeid] += dict(report.user_properties).get(NAME, 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self._tests) <= self._shown:
            return
        files: Counter[str] = Counter()
        for test, seconds in self._tests.items():
            files[test.partition("::")[0]] += seconds
        terminalreporter.section(f"slowest in processor time, of {self._tests.total():.0f} s")
        for table in (files, self._tests):
            for name, seconds in table.most_common(self._shown):
                terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
