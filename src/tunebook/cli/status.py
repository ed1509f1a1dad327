"""`tunebook status`: rounds, trials, best so far, time left; with `--watch` again and again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tunebook.cli.options import Folder, Json, StudyArgument
from tunebook.cli.output import print_json, results

if TYPE_CHECKING:
    from tunebook.api import Study
    from tunebook.run.status import RoundStatus, StudyStatus

EXAMPLE = "Example: tunebook status runs/demo --watch"
REFRESH_SECONDS = 2.0
LEAST_IMPORTANT = ("speed", "baseline", "training now", "could not be trained")
"""Left out in this order where a window is too small."""


def status(
    study: StudyArgument,
    folder: Folder = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show it anew until the study ends.")] = False,
    as_json: Json = False,
) -> None:
    """Show where a study stands: rounds, trials, best so far, speed, time left. Works while it runs."""
    from tunebook.api import Study

    opened = Study.load(study, folder)
    console = results()
    if as_json:
        print_json(opened.status())
    elif not watch:
        console.print(_view(opened.status()))
    elif console.is_terminal:
        _watch_terminal(opened, console)
    else:
        _watch_pipe(opened, console)


def _watch_terminal(opened: Study, console: Console) -> None:
    """The whole view, refreshed; what the window has no room for is left out of the table of rounds."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            now = opened.status()
            live.update(_view(now, console.size.width, console.size.height), refresh=True)
            if now.finished:
                return
            time.sleep(REFRESH_SECONDS)


def _watch_pipe(opened: Study, console: Console) -> None:
    """One plain line whenever something has changed."""
    last = ""
    while True:
        now = opened.status()
        line = _line(now)
        if line != last:
            console.print(Text(line))
            last = line
        if now.finished:
            return
        time.sleep(REFRESH_SECONDS)


def _view(s: StudyStatus, width: int | None = None, height: int | None = None) -> RenderableType:
    """Title, rounds and facts. Given a window's size, as many rounds as it has room for, the running one among them."""
    facts = _facts(s)
    rounds = list(s.rounds)
    if width is not None and height is not None:
        facts = _fitting(facts, width, height - 4)
        rounds = _around_now(rounds, max(1, height - 3 - _lines(facts, width)))
    rows = [("round", "state", "trials"), *((_round_name(r), r.state, _counts(r.trials)) for r in rounds)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = Text("\n".join(f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in rows))
    if width is not None:
        table.no_wrap, table.overflow = True, "ellipsis"
    title = Text(f"study {s.study}: {'done' if s.finished else 'not finished'}", style="bold")
    return Group(title, table, *(Text(fact) for fact in facts))


def _lines(facts: list[str], width: int) -> int:
    """Lines that the facts take in a window of that width; words are not broken, so a little is allowed for."""
    return sum(-(-len(fact) // max(1, width - 4)) if len(fact) > width else 1 for fact in facts)


def _fitting(facts: list[str], width: int, lines: int) -> list[str]:
    """The facts without the least important ones, where they would take more lines than there are."""
    for name in LEAST_IMPORTANT:
        if _lines(facts, width) > lines:
            facts = [fact for fact in facts if not fact.startswith(name)]
    return facts


def _around_now(rounds: list[RoundStatus], room: int) -> list[RoundStatus]:
    """At most `room` rounds: the one that runs (or the last that is done), then those to come, then those before."""
    now = max((i for i, each in enumerate(rounds) if each.state != "to come"), default=0)
    first = max(0, min(now, len(rounds) - room))
    return rounds[first : first + room]


def _round_name(each: RoundStatus) -> str:
    return f"{'' if each.number is None else each.number} {each.kind}".strip()


def _counts(trials: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in trials.items())


def _line(s: StudyStatus) -> str:
    """Everything that matters in one line."""
    from tunebook.words.numbers import percent

    running = next((each for each in s.rounds if each.state == "running"), None)
    parts = [f"study {s.study}: {'done' if s.finished else 'not finished'}", _spent(s)]
    parts += [f"round {_round_name(running)} ({_counts(running.trials)})"] if running else []
    parts += [f"leading {percent(s.best.accuracy)}"] if s.best else []
    return "; ".join(parts)


def _facts(s: StudyStatus) -> list[str]:
    return list(_tell(s))


def _tell(s: StudyStatus) -> Iterable[str]:
    from tunebook.words.numbers import duration, percent, trial_list, value

    if s.best:
        changes = ", ".join(f"{name} {value(name, new)}" for name, (_, new) in s.best.changes.items())
        interval = f"{100 * s.best.low:.1f} to {100 * s.best.high:.1f}"
        yield f"leading: {percent(s.best.accuracy)} ({interval}): {changes or 'the baseline'}"
    if s.baseline_accuracy is not None:
        yield f"baseline: {percent(s.baseline_accuracy)}"
    yield f"spent: {_spent(s)}"
    if s.cohort:
        yield f"training now: {len(s.cohort)} side by side, trials {trial_list(s.cohort)}"
    if s.trials_per_hour:
        yield f"speed: {s.trials_per_hour:.1f} trials an hour"
    if s.seconds_left:
        yield f"left: at most about {duration(s.seconds_left)}"
    if s.failed:
        yield f"could not be trained: trials {trial_list(s.failed)}"


def _spent(s: StudyStatus) -> str:
    from tunebook.words.numbers import duration

    budget = f" of {s.budget_trials}" if s.budget_trials is not None else ""
    hours = f" of {s.budget_hours:g} h" if s.budget_hours is not None else ""
    return f"{s.spent_trials}{budget} trials, {duration(s.spent_seconds)}{hours}"
