"""A test that takes too much processor time fails, unless it is marked slow."""

from __future__ import annotations

import pytest
from processor_time import ProcessorTime

pytest_plugins = ["pytester"]

TESTS = """
import time
import pytest

def work():
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass

@pytest.fixture(scope="session")
def shared():
    work()

def test_long(): work()
def test_short(shared): pass
@pytest.mark.slow
def test_long_and_marked(): work()
def test_that_fails(): assert not "for its own reason"
"""


def test_what_takes_too_long_fails_unless_it_is_marked(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeini("[pytest]\nmarkers = slow")
    pytester.makepyfile(TESTS)
    result = pytester.inline_run("-p", "no:cacheprovider", plugins=[ProcessorTime(limit=0.05, shown=2)])
    passed, _, failed = result.listoutcomes()
    assert [report.nodeid.split("::")[1] for report in passed] == ["test_short", "test_long_and_marked"]
    long, other = (str(report.longrepr) for report in failed)
    assert "seconds of processor time" in long
    assert "for its own reason" in other
    assert "slowest in processor time" in capsys.readouterr().out
