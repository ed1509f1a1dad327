"""Strangers' text in the terminal: control sequences and markup do nothing there."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tunebook.cli.output import messages, printable, results
from tunebook.cli.progress import TerminalObserver
from tunebook.core.events import Recorded
from tunebook.core.facts import TrialFact
from tunebook.core.study import Purpose, RoundKind, TrialState
from tunebook.testing.sample_study import bare_trial

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m[bold red]the last line[/] :skull: \x08\x08"


def test_a_failed_trials_last_words_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    trial = bare_trial(3, seed=7)
    with TerminalObserver(5) as observer:
        observer.event(Recorded(TrialFact(trial=trial, state=TrialState.FAILED, reason=ATTACK)))
        observer.warning(ATTACK)
        observer.phase(ATTACK)
    said = capsys.readouterr().err
    assert said.replace("\n", "").count("[bold red]the last line[/] :skull:") == 3
    assert [c for c in said if c != "\n" and not c.isprintable()] == []


def test_both_streams_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    results().print(ATTACK)
    messages().print(ATTACK)
    told = capsys.readouterr()
    for said in (told.out, told.err):
        assert "\x1b" not in said
        assert "[bold red]the last line[/] :skull:" in said.replace("\n", " ")


def test_what_stands_in_tables_and_groups_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(ATTACK)
    table.add_row(Text(ATTACK))
    table.add_row(ATTACK)
    results().print(Group(Text(ATTACK), Panel(table)))
    with Live(Group(Text(ATTACK), table), console=messages()):
        pass
    told = capsys.readouterr()
    for said in (told.out, told.err):
        assert said.count("owned") >= 3
        assert not {"\x07", "\x08", "\x9b"} & set(said)
        assert "\x1b]" not in said


def test_lines_and_tabs_are_kept() -> None:
    assert printable("a\tb\nc\u202ed") == "a\tb\nc\N{REPLACEMENT CHARACTER}d"


def test_trials_are_counted_as_the_budget_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    trial = bare_trial(2, purpose=Purpose.BASELINE, seed=7)
    reference = bare_trial(1, round=0, kind=RoundKind.REFERENCE, purpose=Purpose.REFERENCE, seed=0)
    with TerminalObserver(1) as observer:
        for each in (reference, trial, replace(trial, id=3, checkpoint_of=2)):
            observer.event(Recorded(TrialFact(trial=each, state=TrialState.COMPLETED)))
    assert re.findall(r"\[(\d/\d) ", capsys.readouterr().err) == ["0/1", "1/1", "1/1"]
