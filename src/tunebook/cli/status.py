"""`tunebook status`: rounds, trials, best so far, time left; with `--watch` again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tunebook.cli.options import Folder, Json, StudyArgument
from tunebook.cli.output import print_json, results

if TYPE_CHECKING:
    from tunebook.run.status import StudyStatus

EXAMPLE = "Example: tunebook status runs/demo --watch"
REFRESH_SECONDS = 2.0


def status(
    study: StudyArgument,
    folder: Folder = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it every two seconds until the study ends.")] = False,
    as_json: Json = False,
) -> None:
    """Show where a study stands: rounds, trials, best so far, speed, time left. Works while it runs."""
    from tunebook.api import Study

    opened = Study.load(study, folder)
    console = results()
    if as_json:
        print_json(opened.status())
    elif watch and console.is_terminal:
        with Live(_view(opened.status()), console=console, refresh_per_second=2) as live:
            while not (now := opened.status()).finished:
                live.update(_view(now))
                time.sleep(REFRESH_SECONDS)
            live.update(_view(now))
    else:
        console.print(_view(opened.status()))


def _view(s: StudyStatus) -> RenderableType:
    rounds = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for heading in ("round", "state", "trials"):
        rounds.add_column(heading)
    for each in s.rounds:
        counts = ", ".join(f"{n} {state}" for state, n in each.trials.items())
        rounds.add_row(f"{'' if each.number is None else each.number} {each.kind}".strip(), each.state, counts)
    lines: list[RenderableType] = [
        Text(f"study {s.study}: {'done' if s.finished else 'not finished'}", style="bold"),
        rounds,
    ]
    lines += [Text(line) for line in _facts(s)]
    return Group(*lines)


def _facts(s: StudyStatus) -> list[str]:
    facts = []
    if s.best:
        changes = ", ".join(f"{name} {new}" for name, (_, new) in s.best.changes.items()) or "the baseline"
        facts.append(
            f"leading: {100 * s.best.accuracy:.1f} % ({100 * s.best.low:.1f} to {100 * s.best.high:.1f}): {changes}"
        )
    if s.baseline_accuracy is not None:
        facts.append(f"baseline: {100 * s.baseline_accuracy:.1f} %")
    budget = f" of {s.budget_trials}" if s.budget_trials is not None else ""
    hours = f" of {s.budget_hours:g} h" if s.budget_hours is not None else ""
    facts.append(f"spent: {s.spent_trials}{budget} trials, {_duration(s.spent_seconds)}{hours}")
    if s.cohort:
        facts.append(f"training now: trials {', '.join(map(str, s.cohort))}")
    if s.trials_per_hour:
        facts.append(f"speed: {s.trials_per_hour:.1f} trials an hour")
    if s.seconds_left:
        facts.append(f"left: at most about {_duration(s.seconds_left)}")
    if s.failed:
        facts.append(f"could not be trained: trials {', '.join(map(str, s.failed))}")
    return facts


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"
