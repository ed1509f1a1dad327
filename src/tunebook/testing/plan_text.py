"""Waves as plain text, for golden files and for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import History
from tunebook.core.study import Contrast, Trial, Wave

__all__ = ["history_text", "wave_text"]


def history_text(history: History, baseline: Configuration) -> str:
    """All waves of a study, and how its budget was spent."""
    trials = [fact.trial for fact in history.trials.values()]
    spent = sum(trial.costs_budget for trial in trials)
    rounds: dict[str, int] = {}
    for trial in trials:
        rounds[trial.kind] = rounds.get(trial.kind, 0) + trial.costs_budget
    shares = ", ".join(f"{kind} {n}" for kind, n in rounds.items() if n)
    return "\n".join([f"{spent} trials: {shares}", *(wave_text(wave, baseline) for wave in history.waves)]) + "\n"


def wave_text(wave: Wave, baseline: Configuration) -> str:
    """One wave: its trials with equal settings on one line, its contrasts, what was folded and cut, its notes."""
    n = sum(trial.costs_budget for trial in wave.trials)
    lines = [
        "",
        f"round {wave.round} {wave.kind}, wave {wave.number}: {n} trials"
        + ("" if wave.closes_round else " (the round goes on)"),
    ]
    lines += [f"  {line}" for line in _trial_lines(wave.trials, baseline)]
    lines += [f"  ? {_question(contrast)}" for contrast in wave.contrasts]
    lines += [
        f"  folded: {fold.factor} {_changes(fold.configuration, baseline)}, {', '.join(fold.reasons)},"
        f" saves {fold.saved_trials}"
        for fold in wave.folds
    ]
    lines += [f"  cut: {cut.code}, {cut.count} trials {', '.join(cut.factors)}".rstrip() for cut in wave.cuts]
    lines += [
        f"  note: {code} " + ", ".join(f"{name}={_plain(value)}" for name, value in values.items())
        for code, values in (*wave.notes, *_decisions(wave))
    ]
    return "\n".join(lines)


def _decisions(wave: Wave) -> Iterator[tuple[str, dict[str, Any]]]:
    """The wave's decisions, except the confirm list, whose keys mean nothing to a reader."""
    if wave.bracket is not None:
        of_factors = {"factors": list(wave.bracket.seeds), **asdict(wave.bracket)}
        yield "bracket", {name: of_factors[name] for name in ("rates", "factors", "baseline_seeds", "seeds")}
    for chosen in wave.chosen_rates:
        yield "chosen_rate", asdict(chosen)
    if wave.combined:
        yield "combined", wave.combined
    if wave.budget is not None:
        yield "budget", asdict(wave.budget)


def _trial_lines(trials: Iterable[Trial], baseline: Configuration) -> list[str]:
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        key = (trial.purpose, trial.factor, trial.configuration, trial.splits, trial.checkpoint_of is None)
        groups.setdefault(key, []).append(trial)
    return [_line(group, baseline) for group in groups.values()]


def _line(group: list[Trial], baseline: Configuration) -> str:
    first = group[0]
    about = f" of {first.factor}" if first.factor else ""
    words = f"{_numbers(t.id for t in group)} {first.purpose}{about}: {_changes(first.configuration, baseline)}"
    words += f"; seeds {_numbers(t.seed for t in group)}"
    if first.splits != ("validation",):
        words += f"; on {' and '.join(first.splits)}"
    if first.checkpoint_of is not None:
        words += f"; checkpoints of {_numbers(t.checkpoint_of for t in group if t.checkpoint_of is not None)}"
    return words


def _changes(configuration: Configuration, baseline: Configuration) -> str:
    changes = configuration.changes_from(baseline)
    return ", ".join(f"{name}={_plain(new)}" for name, (_, new) in changes.items()) or "baseline"


def _question(contrast: Contrast) -> str:
    return (
        f"{contrast.label}: {contrast.kind} of {_numbers(contrast.treatment)} against"
        f" {_numbers(contrast.control)} on {contrast.split}"
    )


def _numbers(values: Iterable[int]) -> str:
    """Numbers, with consecutive ones as "3-5"."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(each) for each in value) + "]"
    return str(value)
