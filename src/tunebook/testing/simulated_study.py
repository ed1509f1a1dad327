"""A whole study in memory: the real planner and the real judging with a simulated world, without ledger or engine.

The trials of a wave run side by side: each is told to the planner as its evaluations come, and may be stopped at one.

Takes milliseconds a trial. For tests, null worlds and benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tunebook.core.cost import relative_cost
from tunebook.core.divergence import worse_than_untrained
from tunebook.core.facts import Cost, Curve, DataFacts, EvaluationRecord, History, Outcomes, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.ports import CancelsTrials, Planner, PlansBeside
from tunebook.core.study import RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.world import World

__all__ = ["Judge", "OnTheWay", "Oracle", "planned", "simulated_history", "trained", "with_wave", "world_oracle"]

Oracle = Callable[[Trial, History], TrialFact]
"""Gives the result of a trial."""
OnTheWay = Callable[[float], World]
"""The world as an evaluation at a share of the training sees it."""
Judge = Callable[[History, int, StudySpec, DataFacts], tuple[Finding, ...]]
"""Judges a closed round, like `statistics.judge_round.judge_round`."""

SECONDS_A_UNIT = 1 / 400
"""Simulated seconds per unit of `core.cost.relative_cost`."""


def world_oracle(world: World, facts: DataFacts, on_the_way: OnTheWay | None = None) -> Oracle:
    """An oracle that draws results from a world.

    Args:
        on_the_way: what an evaluation at a share of the training sees; None: a training of so many epochs less.
    """
    n_examples = {"validation": facts.n_validation, "test": facts.n_test}

    def outcomes(trial: Trial, collapsed: bool) -> dict[str, Outcomes]:
        result = {}
        for split in trial.splits:
            right, nll = world.answers(trial.effective, trial.seed, split, n_examples[split])
            scores = np.zeros(right.size) if collapsed else right.astype(float)
            result[split] = Outcomes(scores, nll + 0.5 * collapsed)
        return result

    def evaluations(trial: Trial, end: Outcomes | None) -> tuple[EvaluationRecord, ...]:
        epochs, records = trial.effective.num_train_epochs, []
        for epoch in range(1, epochs) if end is not None else ():
            seen, as_if = (world, trial.effective.with_values(num_train_epochs=epoch))
            if on_the_way is not None:
                seen, as_if = on_the_way(epoch / epochs), trial.effective
            _, nll = seen.answers(as_if, trial.seed, "validation", n_examples["validation"])
            records.append(EvaluationRecord(epoch, float(epoch), "validation", float(nll.mean())))
        if records and end is not None:
            records.append(EvaluationRecord(epochs, float(epochs), "validation", end.loss))
        return tuple(records)

    def answer(trial: Trial, history: History) -> TrialFact:
        cost = Cost(train_seconds=relative_cost(trial.effective, facts)[0] * SECONDS_A_UNIT)
        fate = world.breaking(trial.effective, trial.seed)
        if fate == "diverges":
            return TrialFact(trial=trial, state=TrialState.DIVERGED, cost=cost, diverged_step=2, reason="loss_rose")
        found = outcomes(trial, fate is not None)
        curve = Curve((), evaluations(trial, found.get("validation")))
        fact = TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=found, curve=curve, cost=cost)
        if fate is not None:
            return replace(fact, state=TrialState.COLLAPSED, reason="constant_answer")
        return _held_against_untrained(fact, history)

    return answer


def _held_against_untrained(fact: TrialFact, history: History) -> TrialFact:
    reference = history.trials.get(0)
    if fact.trial.effective.num_train_epochs == 0 or reference is None or "validation" not in reference.outcomes:
        return fact
    if worse_than_untrained(fact.outcomes["validation"].loss, reference.outcomes["validation"].loss):
        return replace(fact, state=TrialState.DIVERGED, reason="worse_than_untrained")
    return fact


def planned(history: History, wave: Wave) -> History:
    """The history after a wave has been planned, none of its trials begun."""
    fresh = {trial.id: TrialFact(trial=trial) for trial in wave.trials}
    return replace(
        history,
        waves=(*history.waves, wave),
        trials={**history.trials, **fresh},
        sealed=history.sealed or wave.sealed,
    )


def trained(history: History, oracle: Oracle, planner: object = None) -> History:
    """The history after all its trials have become final.

    Args:
        planner: it may stop trials on the way; None: all are trained to their end.
    """
    found = {number: oracle(f.trial, history) for number, f in history.trials.items() if not f.state.is_final}
    if isinstance(planner, CancelsTrials):
        found = _raced(history, found, planner)
    seconds = sum(fact.cost.train_seconds for fact in found.values() if fact.trial.has_training)
    return replace(history, trials={**history.trials, **found}, spent_seconds=history.spent_seconds + seconds)


def with_wave(history: History, wave: Wave, oracle: Oracle, planner: object = None) -> History:
    """The history after a wave has been planned and all its trials are final; see `trained`."""
    return trained(planned(history, wave), oracle, planner)


def _raced(history: History, found: dict[int, TrialFact], planner: CancelsTrials) -> dict[int, TrialFact]:
    """The trials of a wave side by side, those stopped that the planner cancels."""
    stopped: dict[int, TrialFact] = {}

    def at(share: float) -> dict[int, TrialFact]:
        return {i: stopped.get(i) or _as_seen(fact, share) for i, fact in found.items()}

    for share in sorted({_share(fact, e) for fact in found.values() for e in fact.curve.evaluations} - {1.0}):
        now = at(share)
        for number in planner.to_cancel(replace(history, trials={**history.trials, **now})):
            if number in found and not now[number].state.is_final:
                stopped[number] = replace(now[number], state=TrialState.STOPPED)
    return {i: stopped.get(i, fact) for i, fact in found.items()}


def _share(fact: TrialFact, record: EvaluationRecord) -> float:
    return record.epoch / fact.trial.effective.num_train_epochs


def _as_seen(fact: TrialFact, share: float) -> TrialFact:
    """A trial when this share of its training is done. One that broke did so early."""
    if fact.state is not TrialState.COMPLETED or not fact.curve.evaluations:
        return fact
    seen = tuple(e for e in fact.curve.evaluations if _share(fact, e) <= share + 1e-9)
    cost = replace(fact.cost, train_seconds=fact.cost.train_seconds * share, score_seconds=0.0)
    return TrialFact(trial=fact.trial, state=TrialState.RUNNING, curve=Curve((), seen), cost=cost)


def simulated_history(
    planner: Planner,
    spec: StudySpec,
    facts: DataFacts,
    oracle: Oracle,
    judge: Judge = judge_round,
    history: History | None = None,
    on_wave: Callable[[History, Wave], None] | None = None,
    devices: int = 1,
) -> History:
    """Run a study until the planner has no further question.

    Args:
        judge: judges each closed round.
        history: the history to continue; None: from the start.
        on_wave: called with each wave, before its results exist, and the history that it was planned from.
        devices: with several, waves that do not depend on each other are trained together.
    """
    history = history if history is not None else History()
    while True:
        if (wave := _asked(planner, history, devices)) is not None:
            if on_wave is not None:
                on_wave(history, wave)
            history = planned(history, wave)
        elif _is_open(history):
            history = trained(history, oracle, planner)
        elif (last := history.to_judge) is not None:
            history = _judged(history, last, spec, facts, judge)
        else:
            return history


def _asked(planner: Planner, history: History, devices: int) -> Wave | None:
    if _is_open(history):
        return planner.beside(history, devices) if isinstance(planner, PlansBeside) else None
    return None if history.to_judge is not None else planner.next_wave(history)


def _is_open(history: History) -> bool:
    return any(not fact.state.is_final for fact in history.trials.values())


def _judged(history: History, wave: Wave, spec: StudySpec, facts: DataFacts, judge: Judge) -> History:
    findings = () if wave.kind is RoundKind.REFERENCE else judge(history, wave.round, spec, facts)
    return replace(history, findings=(*history.findings, *findings), closed_rounds=(*history.closed_rounds, wave.round))
