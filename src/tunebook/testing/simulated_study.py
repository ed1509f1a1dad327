"""A whole study in memory: the real planner and the real judging with a simulated world, without ledger or engine.

Takes milliseconds a trial. For tests, null worlds and benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tunebook.core.cost import relative_cost
from tunebook.core.divergence import worse_than_untrained
from tunebook.core.facts import Cost, DataFacts, History, Outcomes, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.ports import Planner
from tunebook.core.study import RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.world import World

__all__ = ["Judge", "Oracle", "simulated_history", "with_wave", "world_oracle"]

Oracle = Callable[[Trial, History], TrialFact]
"""Gives the result of a trial."""
Judge = Callable[[History, int, StudySpec, DataFacts], tuple[Finding, ...]]
"""Judges a closed round, like `statistics.judge_round.judge_round`."""

SECONDS_A_UNIT = 1 / 400
"""Simulated seconds per unit of `core.cost.relative_cost`."""


def world_oracle(world: World, facts: DataFacts) -> Oracle:
    """An oracle that draws results from a world."""
    n_examples = {"validation": facts.n_validation, "test": facts.n_test}

    def outcomes(trial: Trial, collapsed: bool) -> dict[str, Outcomes]:
        result = {}
        for split in trial.splits:
            right, nll = world.answers(trial.effective, trial.seed, split, n_examples[split])
            scores = np.zeros(right.size) if collapsed else right.astype(float)
            result[split] = Outcomes(scores, nll + 0.5 * collapsed)
        return result

    def answer(trial: Trial, history: History) -> TrialFact:
        cost = Cost(train_seconds=relative_cost(trial.effective, facts)[0] * SECONDS_A_UNIT)
        fate = world.breaking(trial.effective, trial.seed)
        if fate == "diverges":
            return TrialFact(trial=trial, state=TrialState.DIVERGED, cost=cost, diverged_step=2, reason="loss_rose")
        fact = TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=outcomes(trial, fate is not None), cost=cost)
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


def with_wave(history: History, wave: Wave, oracle: Oracle) -> History:
    """The history after a wave has been planned and all its trials are final."""
    trials = dict(history.trials)
    for trial in wave.trials:
        trials[trial.id] = oracle(trial, history)
    seconds = sum(trials[t.id].cost.train_seconds for t in wave.trials if t.has_training)
    return replace(
        history,
        waves=(*history.waves, wave),
        trials=trials,
        spent_seconds=history.spent_seconds + seconds,
        sealed=history.sealed or wave.sealed,
    )


def simulated_history(
    planner: Planner,
    spec: StudySpec,
    facts: DataFacts,
    oracle: Oracle,
    judge: Judge = judge_round,
    history: History | None = None,
    on_wave: Callable[[History, Wave], None] | None = None,
) -> History:
    """Run a study until the planner has no further question.

    Args:
        judge: judges each closed round.
        history: the history to continue; None: from the start.
        on_wave: called with each wave, before its results exist, and the history that it was planned from.
    """
    history = history if history is not None else History()
    while (wave := planner.next_wave(history)) is not None:
        if on_wave is not None:
            on_wave(history, wave)
        history = with_wave(history, wave, oracle)
        if wave.closes_round:
            history = _judged(history, wave, spec, facts, judge)
    return history


def _judged(history: History, wave: Wave, spec: StudySpec, facts: DataFacts, judge: Judge) -> History:
    findings = () if wave.kind is RoundKind.REFERENCE else judge(history, wave.round, spec, facts)
    return replace(history, findings=(*history.findings, *findings), closed_rounds=(*history.closed_rounds, wave.round))
