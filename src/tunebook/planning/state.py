"""What has happened so far, laid out for planning: configurations, their losses, the verdicts on their levels.

It is computed from the history alone at every call, so that a resumed study plans what an unbroken one would have
planned. `statistics.evidence` decides which trials count for a configuration, and who leads.

Rounds that are trained side by side do not see each other's results: what one asks must not depend on how far the other
is. They see each other's trials only to number their own, to train nothing twice, and to keep the budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.facts import History
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import Contrast, ContrastKind, RoundKind, Wave, last_waves
from tunebook.planning.levels import position
from tunebook.planning.problem import Allowance, Problem
from tunebook.statistics.evidence import Candidate, Evidence, key_of

__all__ = ["LevelSeen", "PlanningState", "Point", "TriedLevel", "tried_levels", "waves_apart"]

FEWEST_FINISHED = 3
"""Trials that must have finished before their time is taken for what trials take."""


@dataclass(frozen=True)
class LevelSeen:
    """A level of a factor that was compared with the baseline."""

    factor: str
    value: Level
    group: Candidate
    control: Candidate
    finding: Finding | None

    @property
    def verdict(self) -> Verdict:
        return self.finding.verdict if self.finding is not None else Verdict.INCONCLUSIVE

    @property
    def loss_change(self) -> float:
        """Loss of the level minus that of its control, nats an example; infinite when it broke."""
        return self.group.loss - self.control.loss if math.isfinite(self.control.loss) else math.nan

    @property
    def helps(self) -> bool:
        """Whether a finding says so, or none speaks against it and the loss is lower by its plain interval."""
        if self.verdict is Verdict.BETTER:
            return self.group.trains
        if self.verdict in (Verdict.WORSE, Verdict.DIVERGED) or not self.group.trains:
            return False
        interval = self.finding.loss_interval if self.finding is not None else None
        return interval is not None and interval[1] < 0

    @property
    def leads(self) -> bool:
        """Whether no finding speaks against it and the loss is lower, significantly or not."""
        return self.helps or (
            self.group.trains and self.verdict not in (Verdict.WORSE, Verdict.DIVERGED) and self.loss_change < 0
        )

    @property
    def matters(self) -> bool:
        """Whether a difference from the baseline was found, in accuracy or in loss."""
        if self.verdict in (Verdict.BETTER, Verdict.WORSE, Verdict.DIVERGED):
            return True
        interval = self.finding.loss_interval if self.finding is not None else None
        return interval is not None and (interval[1] < 0 or interval[0] > 0)


class PlanningState:
    """A history as the rounds see it.

    Args:
        history: everything so far.
        apart: kinds of the rounds that are trained beside the one that asks (`waves_apart`).
        kept: what is kept of the budget for these rounds; None: what they have taken, because they ask for no more.

    Attributes:
        whole: everything so far.
        history: the same without the waves beside.
        apart: as given.
    """

    def __init__(
        self,
        problem: Problem,
        history: History,
        apart: tuple[RoundKind, ...] = (),
        kept: Allowance | None = None,
    ) -> None:
        self.problem = problem
        self.whole = history
        self.history = _without(history, apart) if apart else history
        self.apart = apart
        self._kept = kept

    @cached_property
    def by_setting(self) -> dict[tuple[Configuration, int], int]:
        """Trial id by effective configuration and seed."""
        return {(f.trial.effective, f.trial.seed): f.trial.id for f in self.whole.trials.values()}

    @cached_property
    def evidence(self) -> Evidence:
        """The history as the statistics read it."""
        return Evidence(self.history, self.problem.spec.baseline)

    @property
    def leading(self) -> Candidate | None:
        """The configuration to go on with, or None when nothing has trained."""
        return self.evidence.leading

    @cached_property
    def baseline(self) -> Candidate:
        """The baseline as the study file gives it, without trials before it has been planned."""
        known = self.evidence.claiming.get(self.evidence.baseline_key)
        return known or Candidate(self.problem.effective(self.problem.spec.baseline), ())

    def is_new(self, configuration: Configuration) -> bool:
        """Whether no claiming trial of an equivalent configuration has been planned yet."""
        return key_of(self.problem.effective(configuration)) not in self.evidence.claiming

    @cached_property
    def last_wave(self) -> Wave | None:
        """The last wave that the planner planned: what the user added since then changes no order of rounds."""
        return next((wave for wave in reversed(self.history.waves) if wave.kind is not RoundKind.OWN), None)

    @cached_property
    def last_in_line(self) -> Wave | None:
        """The last wave of a round that was opened in its turn, not beside another one."""
        beside = {wave.round for wave in self.history.waves if wave.number == 1 and wave.beside}
        waves = (wave for wave in reversed(self.history.waves) if wave.round not in beside)
        return next((wave for wave in waves if wave.kind is not RoundKind.OWN), None)

    @cached_property
    def going_on(self) -> tuple[Wave, ...]:
        """The last waves of the rounds that have not come to their end, in order; not the user's own."""
        last = {wave.round: wave for wave in self.history.waves if wave.kind is not RoundKind.OWN}
        return tuple(last[number] for number in sorted(last) if not last[number].closes_round)

    @property
    def together(self) -> tuple[Wave, ...]:
        """The last waves that were planned to be trained together: one, and those beside it."""
        return last_waves(self.history.waves)

    @property
    def is_last_beside(self) -> bool:
        """Whether the rounds beside the one that asks end with the waves that are planned: it can ask once beside
        them."""
        ends = {wave.kind for wave in waves_apart(self.whole, self.apart) if wave.closes_round}
        return bool(self.apart) and ends == set(self.apart)

    @property
    def next_round(self) -> int:
        """Number of the next round."""
        return max(wave.round for wave in self.whole.waves) + 1

    @cached_property
    def is_confirmed(self) -> bool:
        """Whether a confirm round has been planned: there is only one."""
        return any(wave.kind is RoundKind.CONFIRM for wave in self.history.waves)

    def seconds(self, configuration: Configuration, splits: tuple[str, ...] = ("validation",)) -> float:
        """Expected seconds of one trial; 0 while nothing is known of it, or when the study has no limit in hours.

        Predictions are corrected by what finished trials took; without a calibration they rest on those alone.
        """
        if self.problem.spec.budget.hours is None:
            return 0.0
        return self._second_rate * self.problem.work(configuration, splits)

    @cached_property
    def _second_rate(self) -> float:
        """Seconds taken for each unit of work expected: 1 is a perfect calibration."""
        finished = [
            fact.trial for fact in self.history.trials.values() if fact.state.is_final and fact.trial.has_training
        ]
        work = sum(self.problem.work(trial.configuration, trial.splits) for trial in finished)
        if len(finished) < FEWEST_FINISHED or work <= 0 or self.history.spent_seconds <= 0:
            return 1.0 if self.problem.calibration is not None else 0.0
        return self.history.spent_seconds / work

    def rounds_of(self, kind: RoundKind) -> int:
        """How many rounds of this kind there have been."""
        return len({wave.round for wave in self.history.waves if wave.kind is kind})

    def allowance(self, kind: RoundKind) -> Allowance:
        """What a round of this kind may still take."""
        own = self.share_left(kind)
        if not self.apart:
            return own
        taken, seconds = _used(self.whole)
        if self._kept is not None:
            taken, seconds = _used(self.history)
            taken, seconds = taken + self._kept.trials, seconds + self._kept.seconds
        last = max((kind, *self.apart), key=list(RoundKind).index)
        return own.within(self.problem.allowance(last, taken, seconds))

    def share_left(self, kind: RoundKind) -> Allowance:
        """What the shares up to this kind leave, whatever rounds beside it take."""
        return self.problem.allowance(kind, *_used(self.history))

    def room(self, kind: RoundKind) -> Allowance:
        """What a round of this kind may take of all that is left: its share, and after the confirm round everything."""
        return self.allowance(RoundKind.CONFIRM if self.is_confirmed else kind)

    @cached_property
    def levels(self) -> tuple[LevelSeen, ...]:
        """Every level compared with the baseline on validation so far, in order of planning."""
        found = {(f.round, f.label): f for f in self.history.findings if f.family == "main"}
        seen = []
        kinds = {wave.round: wave.kind for wave in self.history.waves}
        for number, kind in kinds.items():
            if kind is RoundKind.OWN:
                continue  # what the user added answers the user's question, and is no level that a round goes on from
            for contrast in self.history.contrasts_of(number):
                level = self._level(contrast, found.get((number, contrast.label)))
                if level is not None:
                    seen.append(level)
        return tuple(seen)

    def levels_of(self, factor: str) -> tuple[LevelSeen, ...]:
        """The levels seen of one factor."""
        return self._levels_by_factor.get(factor, ())

    @cached_property
    def _levels_by_factor(self) -> dict[str, tuple[LevelSeen, ...]]:
        names = dict.fromkeys(level.factor for level in self.levels)
        return {name: tuple(level for level in self.levels if level.factor == name) for name in names}

    def _level(self, contrast: Contrast, finding: Finding | None) -> LevelSeen | None:
        if contrast.factor is None or contrast.kind is not ContrastKind.DIFFERENCE or contrast.split != "validation":
            return None
        treatment, control = self._group_of(contrast.treatment), self._group_of(contrast.control)
        if treatment is None or control is None:
            return None
        value = getattr(treatment.configuration, contrast.factor)
        return LevelSeen(contrast.factor, value, treatment, control, finding)

    def _group_of(self, ids: tuple[int, ...]) -> Candidate | None:
        return self.evidence.claiming.get(key_of(self.history.trials[ids[0]].trial.effective)) if ids else None


@dataclass(frozen=True)
class TriedLevel:
    """A level of an ordered factor with its trials and those of its control."""

    value: Level
    group: Candidate
    control: Candidate

    @property
    def loss_change(self) -> float:
        """Validation loss minus that of its control, nats an example; infinite when it broke."""
        return self.group.loss - self.control.loss if math.isfinite(self.group.loss) else math.inf


@dataclass(frozen=True)
class Point:
    """A new level to try."""

    factor: str
    value: Level
    configuration: Configuration
    control: Candidate


def waves_apart(history: History, kinds: tuple[RoundKind, ...]) -> tuple[Wave, ...]:
    """The waves of these kinds that a round beside them does not see. All see the wave that opens a study."""
    return tuple(w for w in history.waves if w.kind in kinds and not (w.kind is RoundKind.EXPLORE and w.number == 1))


def _without(history: History, kinds: tuple[RoundKind, ...]) -> History:
    """A history as if there were no such waves, and their rounds had not been judged."""
    waves = waves_apart(history, kinds)
    dropped = {trial.id for wave in waves for trial in wave.trials}
    costs = [(history.trials[n].cost, history.trials[n].trial.has_training) for n in dropped]
    seconds = sum(cost.train_seconds * trains + cost.score_seconds for cost, trains in costs)
    rounds = {wave.round for wave in waves}
    return replace(
        history,
        waves=tuple(wave for wave in history.waves if wave not in waves),
        trials={number: fact for number, fact in history.trials.items() if number not in dropped},
        spent_seconds=max(0.0, history.spent_seconds - seconds),
        findings=tuple(finding for finding in history.findings if finding.round not in rounds),
        closed_rounds=tuple(number for number in history.closed_rounds if number not in rounds),
    )


def _used(history: History) -> tuple[float, float]:
    """What has been spent of a budget: trials, and seconds."""
    return sum(fact.budget_units for fact in history.trials.values()), history.spent_seconds


def tried_levels(state: PlanningState, factor: str) -> list[TriedLevel]:
    """The levels of an ordered factor from low to high, the baseline's own among them."""
    seen = state.levels_of(factor)
    control = seen[-1].control if seen else state.baseline
    own = TriedLevel(getattr(state.problem.spec.baseline, factor), control, control)
    tried = {own.value: own}
    for level in seen:
        if not any(fact.state.is_answer for fact in level.group.facts):
            continue  # all its trials failed or were cancelled: nothing is known of it
        tried[level.value] = TriedLevel(level.value, level.group, level.control)
    return sorted(tried.values(), key=lambda each: position(factor, each.value))
