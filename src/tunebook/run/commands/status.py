"""The progress of a study: from its ledger, and for running trials from the end of its event file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunebook.core.facts import History, TrialFact
from tunebook.core.findings import NothingLearned, StudyFindings
from tunebook.core.order import steps_per_epoch
from tunebook.core.outlook import Outlook
from tunebook.core.study import Purpose, StudySpec, Trial, TrialState, Wave, time_ahead
from tunebook.plugins import is_simulated
from tunebook.run.event_log import UnderWay, under_way
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import StudyRead, StudyReader, added_trials
from tunebook.statistics.evidence import Evidence

__all__ = ["BestSoFar", "ConfigurationStatus", "RoundStatus", "StudyStatus", "status_of", "study_status"]


@dataclass(frozen=True)
class RoundStatus:
    """One round: `state` is "done", "running" or "to come"; trials counted by state (a round to come: at most), without
    those at a checkpoint of another trial."""

    number: int | None
    kind: str
    state: str
    trials: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class BestSoFar:
    """The leading configuration: accuracy with its 95 % interval, and its differences from the baseline."""

    key: str
    accuracy: float
    low: float
    high: float
    changes: dict[str, tuple[Any, Any]]
    trials: tuple[int, ...]


@dataclass(frozen=True)
class ConfigurationStatus:
    """A scored configuration: its key, as `compare` takes it, accuracy, and what it changes from the baseline."""

    key: str
    accuracy: float
    changes: dict[str, tuple[Any, Any]]
    trials: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """Everything that `tunebook status` shows.

    Attributes:
        budget_trials, spent_trials: trials allowed (None: no such budget) and trials used.
        trials_per_hour: speed so far, from the time that trials took which ran to their end, or were stopped at a known
            part of it; None before the first such result, and where nothing is trained.
        seconds_left: upper bound, predicted from that speed and the trials to come.
        cohort: ids of the trials now running.
        planned: ids of those that wait, and of those that the user added and `run` plans next; like the counts without
            those at a checkpoint of another trial, which cost no training and cannot be stopped.
        under_way: trials that have started and have no result; after an interruption, with what was saved.
        deaths: workers that ended without being asked to, as (worker, reason), in order.
        ahead: seconds that devices trained ahead of the last round, and how many of its trials went on from that.
        configurations: those that have been scored, the most accurate first.
        nothing_learned: set if no configuration is shown better than no training; `best` is then None.
        price: of the device time used, by the study file's `price_per_hour`; None: it has none.
        simulated_by: the engine, if it trains nothing, so that every number is made up.
    """

    study: str
    finished: bool
    rounds: tuple[RoundStatus, ...]
    best: BestSoFar | None
    baseline_accuracy: float | None
    cohort: tuple[int, ...]
    budget_trials: int | None
    spent_trials: int
    budget_hours: float | None
    spent_seconds: float
    trials_per_hour: float | None
    seconds_left: float | None
    failed: tuple[int, ...]
    under_way: tuple[UnderWay, ...] = ()
    deaths: tuple[tuple[str, str], ...] = ()
    ahead: tuple[float, int] = (0.0, 0)
    configurations: tuple[ConfigurationStatus, ...] = ()
    simulated_by: str | None = None
    price: float | None = None
    planned: tuple[int, ...] = ()
    nothing_learned: NothingLearned | None = None


def status_of(paths: StudyPaths, reader: StudyReader | None = None) -> StudyStatus:
    """The status of a study. Works while another process runs it.

    Args:
        reader: has read this study before; None: it is read anew.

    Raises: NotFoundError: it has not been started.
    """
    found = (reader or StudyReader(paths)).read()
    status = study_status(found.spec, found.history, found.conclusions, found.outlook)
    deaths = tuple(
        (values["worker"], values["reason"])
        for code, values in found.notes
        if code in ("worker_died", "worker_retired")
    )
    trials = under_way(paths.folder, found.history)
    known = tuple(replace(t, total_steps=_total_steps(found, t.trial)) for t in trials)
    planned = status.planned + added_trials(found)
    return replace(status, under_way=known, planned=planned, deaths=deaths, ahead=time_ahead(found.notes))


def _total_steps(study: StudyRead, trial: int) -> int | None:
    """Optimiser steps of a whole trial."""
    effective, n = study.history.trials[trial].trial.effective, study.facts.data.n_train
    return steps_per_epoch(n, effective.effective_batch_size) * effective.num_train_epochs if n > 0 else None


def study_status(spec: StudySpec, history: History, conclusions: StudyFindings | None, outlook: Outlook) -> StudyStatus:
    """The status from the ledger alone, as plain values."""
    spent = [f for f in history.trials.values() if f.trial.has_training and f.state.is_final]
    simulated = is_simulated(spec.engine)
    speed = None if simulated else _trials_per_hour(spent)
    to_come = outlook.most_trials
    return StudyStatus(
        study=spec.name,
        finished=bool(history.trials) and not to_come,
        rounds=tuple(_past_rounds(history))
        + tuple(RoundStatus(None, str(each.kind), "to come", {"planned": each.n_trials}) for each in outlook.rounds),
        best=_best(spec, history, conclusions),
        baseline_accuracy=_baseline(spec, history, conclusions),
        cohort=_in_state(history, TrialState.RUNNING),
        planned=_in_state(history, TrialState.PLANNED),
        nothing_learned=conclusions.nothing_learned if conclusions else None,
        budget_trials=spec.budget.trials,
        spent_trials=math.ceil(sum(f.budget_units for f in spent) - 1e-9),
        budget_hours=spec.budget.hours,
        spent_seconds=history.spent_seconds,
        trials_per_hour=speed,
        seconds_left=3600 * to_come / speed if speed else None,
        failed=tuple(f.trial.id for f in history.trials.values() if f.state is TrialState.FAILED),
        configurations=_configurations(spec, history, conclusions),
        price=None if spec.price_per_hour is None else spec.price_per_hour * history.spent_seconds / 3600,
        simulated_by=spec.engine if simulated else None,
    )


def _trials_per_hour(ended: Sequence[TrialFact]) -> float | None:
    """Trials that broke, failed or were cancelled took an unknown part of a whole one's time."""
    counted = [f for f in ended if f.state in (TrialState.COMPLETED, TrialState.COLLAPSED, TrialState.STOPPED)]
    seconds = sum(f.cost.seconds for f in counted)
    return 3600 * sum(f.share for f in counted) / seconds if seconds > 0 else None


def _in_state(history: History, state: TrialState) -> tuple[int, ...]:
    facts = history.trials.values()
    return tuple(f.trial.id for f in facts if f.state is state and f.trial.checkpoint_of is None)


def _configurations(
    spec: StudySpec, history: History, conclusions: StudyFindings | None
) -> tuple[ConfigurationStatus, ...]:
    by_key: dict[str, list[Trial]] = {}
    for fact in history.trials.values():
        if "validation" in fact.outcomes and fact.trial.purpose is not Purpose.REFERENCE:
            by_key.setdefault(fact.trial.effective.key, []).append(fact.trial)
    accuracies = conclusions.accuracies if conclusions else {}
    found = [
        ConfigurationStatus(
            key,
            accuracies[key][0],
            trials[0].configuration.changes_from(spec.baseline),
            tuple(trial.id for trial in trials),
        )
        for key, trials in by_key.items()
        if key in accuracies
    ]
    return tuple(sorted(found, key=lambda each: (-each.accuracy, each.key)))


def _past_rounds(history: History) -> Sequence[RoundStatus]:
    last: dict[int, Wave] = {wave.round: wave for wave in history.waves}
    return [
        RoundStatus(
            number,
            str(wave.kind),
            "done" if number in history.closed_rounds else "running",
            dict(Counter(str(f.state) for f in history.of_round(number) if f.trial.checkpoint_of is None)),
        )
        for number, wave in last.items()
    ]


def _best(spec: StudySpec, history: History, conclusions: StudyFindings | None) -> BestSoFar | None:
    if conclusions is None or conclusions.best is None:
        return None
    best = conclusions.best
    accuracy, low, high = conclusions.accuracies[best.key]
    configuration = history.trials[best.trials[0]].trial.configuration
    return BestSoFar(
        key=best.key,
        accuracy=accuracy,
        low=low,
        high=high,
        changes=configuration.changes_from(spec.baseline),
        trials=best.trials,
    )


def _baseline(spec: StudySpec, history: History, conclusions: StudyFindings | None) -> float | None:
    known = conclusions.accuracies.get(Evidence(history, spec.baseline).baseline_key) if conclusions else None
    return None if known is None else known[0]
