"""`tunebook status`: rounds, trials, best so far, time left; with `--watch` again and again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tunebook.cli.options import Folder, Json, StudyArgument
from tunebook.cli.output import print_json, results, table_of
from tunebook.core.study import RoundKind, TrialState
from tunebook.words.marks import plain_text
from tunebook.words.numbers import trial_list
from tunebook.words.values import Spending

if TYPE_CHECKING:
    from tunebook.api import Study
    from tunebook.run.commands.status import RoundStatus, StudyStatus
    from tunebook.run.event_log import UnderWay
    from tunebook.words import Words

EXAMPLE = "Example: tunebook status runs/demo --watch"
REFRESH_SECONDS = 2.0
KEY_DIGITS = 8
"""Of a configuration's key; `compare` takes its beginning."""
SILENT_SECONDS = 10.0
"""Seconds without an event after which that time is shown beside a trial."""
MOST_UNDER_WAY = 6
"""Largest number of running trials shown one by one."""
LEAST_IMPORTANT = (
    *(f"under_way_{n}" for n in reversed(range(MOST_UNDER_WAY))),
    "speed",
    "ahead",
    "deaths",
    "baseline",
    "planned",
    "interrupted",
    "cohort",
    "failed",
)
"""Facts that are left out, in this order, if the window is too small."""


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
        now = opened.status()
        console.print(_view(now, opened.words))
        if now.configurations:
            console.print(Text(), _configurations(now, opened.words))
    elif console.is_terminal:
        _watch_terminal(opened, console)
    else:
        _watch_pipe(opened, console)


def _configurations(s: StudyStatus, words: Words) -> Table:
    """Every scored configuration with the key by which `compare` takes it."""
    table = table_of((heading, "left") for heading in words.status_configurations())
    for each in s.configurations:
        changes = words.comma.join(words.setting(name, new) for name, (_, new) in each.changes.items())
        cells = (each.key[:KEY_DIGITS], words.measured(each.accuracy), trial_list(each.trials))
        table.add_row(*cells, Text(changes or words.label("the_baseline")))
    return table


def _watch_terminal(opened: Study, console: Console) -> None:
    """Show the whole view and refresh it. Rounds that do not fit into the window are left out."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            now = opened.status()
            live.update(_view(now, opened.words, console.size.width, console.size.height), refresh=True)
            if now.finished:
                return
            time.sleep(REFRESH_SECONDS)


def _watch_pipe(opened: Study, console: Console) -> None:
    """Print one plain line whenever something has changed."""
    last = ""
    while True:
        now = opened.status()
        line = _line(now, opened.words)
        if line != last:
            console.print(Text(line))
            last = line
        if now.finished:
            return
        time.sleep(REFRESH_SECONDS)


def _view(s: StudyStatus, words: Words, width: int | None = None, height: int | None = None) -> RenderableType:
    """Title, rounds and facts. With a window's size: as many rounds as fit, including the running one."""
    facts = _facts(s, words)
    rounds = list(s.rounds)
    if width is not None and height is not None:
        facts = _fitting(facts, width, height - 4)
        rounds = _around_now(rounds, max(1, height - 3 - _lines(facts, width)))
    rows = [words.status_columns(), *(_row(each, words) for each in rounds)]
    widths = [max(cell_len(row[column]) for row in rows) for column in (0, 1)]
    table = Text("\n".join(f"{set_cell_size(a, widths[0])}  {set_cell_size(b, widths[1])}  {c}" for a, b, c in rows))
    if width is not None:
        table.no_wrap, table.overflow = True, "ellipsis"
    title = Text(words.status_title(s.study, s.finished), style="bold")
    return Group(title, table, *map(Text, facts.values()))


def _row(each: RoundStatus, words: Words) -> tuple[str, str, str]:
    return words.round_name(each.number, RoundKind(each.kind)), words.round_state(each.state), _counts(each, words)


def _counts(each: RoundStatus, words: Words) -> str:
    return words.state_counts({TrialState(state): n for state, n in each.trials.items()})


def _lines(facts: Mapping[str, str], width: int) -> int:
    """Number of lines that the facts take in a window of that width. Words are not broken, so some slack is added."""
    sizes = map(cell_len, facts.values())
    return sum(-(-size // max(1, width - 4)) if size > width else 1 for size in sizes)


def _fitting(facts: Mapping[str, str], width: int, lines: int) -> Mapping[str, str]:
    """The facts, without the least important ones if they would take more lines than there are."""
    for name in LEAST_IMPORTANT:
        if _lines(facts, width) > lines:
            facts = {key: text for key, text in facts.items() if key != name}
    return facts


def _around_now(rounds: list[RoundStatus], room: int) -> list[RoundStatus]:
    """At most `room` rounds: the running one (or the last that is done), then later ones, then earlier ones."""
    now = max((i for i, each in enumerate(rounds) if each.state != "to come"), default=0)
    first = max(0, min(now, len(rounds) - room))
    return rounds[first : first + room]


def _line(s: StudyStatus, words: Words) -> str:
    """The most important facts in one line."""
    running = next((each for each in s.rounds if each.state == "running"), None)
    parts = [words.status_title(s.study, s.finished), words.spent(_spending(s))]
    if running:
        name = words.round_name(running.number, RoundKind(running.kind))
        parts.append(words.running_round(name, _counts(running, words)))
    if s.best:
        parts.append(words.leading(s.best.accuracy, None, ""))
    return words.label("list_gap").join(parts)


def _facts(s: StudyStatus, words: Words) -> Mapping[str, str]:
    """The facts by name, one line each."""
    facts = {"spent": words.spent(_spending(s)) + ("" if s.price is None else words.at_price(s.price))}
    if s.nothing_learned is not None:
        said = words.status_nothing_learned(s.nothing_learned)
        facts = {"nothing_learned": said, **facts}
    if s.simulated_by is not None:
        facts = {"simulated": plain_text(words.simulated(s.simulated_by)), **facts}
    if s.best:
        changes = words.comma.join(words.setting(name, new) for name, (_, new) in s.best.changes.items())
        span = (s.best.low, s.best.high)
        facts = {"leading": words.leading(s.best.accuracy, span, changes or words.label("the_baseline")), **facts}
    if s.baseline_accuracy is not None:
        facts["baseline"] = words.baseline_accuracy(s.baseline_accuracy)
    if s.cohort:
        facts["cohort"] = words.training_now(s.cohort)
    running = [each for each in s.under_way if each.trial in s.cohort]
    for n, each in enumerate(running[:MOST_UNDER_WAY]):
        facts[f"under_way_{n}"] = _running(each, words)
    waiting = [(t.trial, t.saved_step, t.total_steps) for t in s.under_way if t.trial not in s.cohort]
    if waiting:
        facts["interrupted"] = words.interrupted_trials(waiting)
    begun = {trial for trial, _, _ in waiting}
    if planned := [trial for trial in s.planned if trial not in begun]:
        facts["planned"] = words.waiting(planned)
    if s.trials_per_hour:
        facts["speed"] = words.speed(s.trials_per_hour)
    if s.seconds_left:
        facts["left"] = words.time_left(s.seconds_left)
    if s.failed:
        facts["failed"] = words.not_trained(s.failed)
    if s.ahead[0] >= 1:
        facts["ahead"] = words.trained_ahead(*s.ahead)
    if s.deaths:
        facts["deaths"] = words.workers_died(len(s.deaths), *s.deaths[-1])
    return facts


def _running(trial: UnderWay, words: Words) -> str:
    """How far a trial is."""
    return words.running_trial(
        trial.trial,
        phase=trial.phase,
        done=trial.done,
        step=trial.step,
        loss=trial.loss,
        saved_step=trial.saved_step,
        total_steps=trial.total_steps,
        silent_seconds=trial.heard_seconds_ago if trial.heard_seconds_ago > SILENT_SECONDS else None,
    )


def _spending(s: StudyStatus) -> Spending:
    return Spending(
        trials=s.spent_trials,
        budget_trials=s.budget_trials,
        seconds=s.spent_seconds,
        budget_hours=s.budget_hours,
    )
