"""Builds a wave: numbers its trials, reuses those that exist, stays within its budget, finds checkpoints and folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.space import checkpoint_family, fold_reasons
from tunebook.core.study import (
    BracketPlan,
    ChosenRate,
    Contrast,
    ContrastKind,
    Cut,
    Floor,
    Fold,
    Purpose,
    RoundKind,
    Trial,
    Wave,
)
from tunebook.planning.levels import level_label
from tunebook.planning.problem import Allowance, Problem
from tunebook.planning.state import PlanningState

__all__ = ["FACTORS_OF_FOLD", "WaveBuilder", "fold_of", "with_checkpoint_folds"]

FACTORS_OF_FOLD = {
    "batch_split": {"per_device_train_batch_size", "gradient_accumulation_steps"},
    "rslora": {"use_rslora", "lora_alpha"},
    "warmup": {"warmup_steps", "lr_scheduler_type"},
}
"""The factors that a reason for folding concerns; every other reason has the name of its only factor."""


class WaveBuilder:
    """Collects the trials and contrasts of one wave.

    Args:
        state: what has happened so far.
        kind, round_number, number: of the wave.
        room: what the wave may spend.

    Attributes:
        bracket, chosen_rates, combined, sealed, floor: of the wave, see `core.study.Wave`; set by the round.
    """

    def __init__(self, state: PlanningState, kind: RoundKind, round_number: int, number: int, room: Allowance) -> None:
        self.state = state
        self.kind = kind
        self.room = room
        self._round = round_number
        self.number = number
        self._trials: list[Trial] = []
        self._known = dict(state.by_setting)
        self._runs: dict[tuple[Configuration, int, tuple[str, ...]], float] = {}
        self._first_id = self._next_id = max(state.whole.trials, default=-1) + 1
        self._contrasts: list[Contrast] = []
        self.folds: list[Fold] = []
        self.cuts: list[Cut] = []
        self.bracket: BracketPlan | None = None
        self.chosen_rates: list[ChosenRate] = []
        self.combined: dict[str, Level] = {}
        self.sealed: dict[str, str] = {}
        self.floor: Floor | None = None
        self._notes: list[tuple[str, dict[str, Any]]] = []

    @property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(self._trials)

    def missing(self, configuration: Configuration, seeds: Iterable[int]) -> int:
        """How many of these replicates are not there yet."""
        effective = self.state.problem.effective(configuration)
        return sum((effective, seed) not in self._known for seed in seeds)

    def covers(self, configuration: Configuration, seeds: Iterable[int], splits: tuple[str, ...]) -> bool:
        """Whether the room covers the replicates that are not there yet."""
        n = self.missing(configuration, seeds)
        return self.room.covers(n, n * self.state.seconds(configuration, splits))

    def replicates(
        self,
        configuration: Configuration,
        seeds: Iterable[int],
        purpose: Purpose,
        factor: str | None = None,
        splits: tuple[str, ...] = ("validation",),
    ) -> tuple[int, ...]:
        """Ids of one configuration's trials, those already there included; new ones as far as the room goes."""
        ids = (self._one(configuration, seed, purpose, factor, splits) for seed in seeds)
        return tuple(trial_id for trial_id in ids if trial_id is not None)

    def _one(
        self,
        configuration: Configuration,
        seed: int,
        purpose: Purpose,
        factor: str | None,
        splits: tuple[str, ...],
    ) -> int | None:
        problem = self.state.problem
        effective = problem.effective(configuration)
        known = self._known.get((effective, seed))
        if known is not None:
            return known
        if purpose is not Purpose.REFERENCE and not self._pay(effective, seed, splits):
            return None
        trial = Trial(
            id=self._next_id,
            round=self._round,
            kind=self.kind,
            purpose=purpose,
            configuration=configuration,
            effective=effective,
            seed=seed,
            splits=splits,
            factor=factor,
        )
        self._next_id += 1
        self._trials.append(trial)
        self._known[effective, seed] = trial.id
        return trial.id

    def _pay(self, effective: Configuration, seed: int, splits: tuple[str, ...]) -> bool:
        """Spend one trial, if the room allows it. A further checkpoint of the same run costs only what it makes the
        run longer."""
        seconds = self.state.seconds(effective, splits)
        family = checkpoint_family(effective) if self.state.problem.folding.checkpoints else None
        paid = self._runs.get((family, seed, splits)) if family is not None else None
        price: tuple[float, float] = (1, seconds) if paid is None else (0, max(0.0, seconds - paid))
        if not self.room.covers(*price):
            return False
        self.room = self.room.less(*price)
        if family is not None:
            self._runs[family, seed, splits] = max(seconds, paid or 0.0)
        return True

    def fitted(self, trials: tuple[int, ...], factor: str, kind: ContrastKind, level: Level | None = None) -> None:
        """Add a question about one coefficient of the model over all trials of a balanced design."""
        label = f"{factor}^2" if kind is ContrastKind.CURVATURE else factor
        if kind is ContrastKind.LEVEL:
            label = level_label(factor, level)
        self._contrasts.append(
            Contrast(kind=kind, treatment=trials, control=(), label=label, factor=factor, level=level)
        )

    def contrast(
        self,
        treatment: tuple[int, ...],
        control: tuple[int, ...],
        label: str,
        factor: str | None = None,
        kind: ContrastKind = ContrastKind.DIFFERENCE,
        split: str = "validation",
    ) -> None:
        """Add a comparison, unless one side has no trials, both are one configuration, or it has been made already."""
        if treatment and control and self._acting(treatment) != self._acting(control) and self._is_new(treatment):
            self._contrasts.append(
                Contrast(kind=kind, treatment=treatment, control=control, label=label, factor=factor, split=split)
            )

    def _acting(self, ids: tuple[int, ...]) -> Configuration:
        return self._trial(ids[0]).effective

    def _trial(self, number: int) -> Trial:
        known = self.state.whole.trials.get(number)
        return known.trial if known is not None else self._trials[number - self._first_id]

    def _is_new(self, ids: tuple[int, ...]) -> bool:
        return any(number >= self._first_id for number in ids)

    def cut(self, code: str, count: int, factor: str | None = None) -> None:
        """Record what the budget did not allow; counts of one code add up."""
        factors = () if factor is None else (factor,)
        for i, known in enumerate(self.cuts):
            if known.code == code:
                self.cuts[i] = Cut(code, known.count + count, tuple(dict.fromkeys((*known.factors, *factors))))
                return
        self.cuts.append(Cut(code, count, factors))

    def note(self, code: str, values: Mapping[str, Any]) -> None:
        """Add a note for the record; nothing may be decided from it."""
        self._notes.append((code, dict(values)))

    def is_empty(self) -> bool:
        """Whether nothing would be trained."""
        return not self._trials

    def wave(self, closes_round: bool = True) -> Wave:
        """The finished wave."""
        trials = _with_checkpoints(self._trials) if self.state.problem.folding.checkpoints else tuple(self._trials)
        return Wave(
            round=self._round,
            kind=self.kind,
            number=self.number,
            trials=trials,
            contrasts=tuple(self._contrasts),
            folds=tuple(self.folds),
            cuts=tuple(self.cuts),
            closes_round=closes_round,
            bracket=self.bracket,
            chosen_rates=tuple(self.chosen_rates),
            combined=self.combined,
            sealed=self.sealed,
            floor=self.floor,
            notes=tuple(self._notes),
        )


def _with_checkpoints(trials: list[Trial]) -> tuple[Trial, ...]:
    """The same trials; of those that differ only in epochs, the shorter ones become checkpoints of the longest."""
    longest: dict[object, Trial] = {}
    for trial in trials:
        family = checkpoint_family(trial.effective)
        if family is not None and trial.effective.num_train_epochs > 0:
            key = (family, trial.seed, trial.splits)
            if key not in longest or trial.effective.num_train_epochs > longest[key].effective.num_train_epochs:
                longest[key] = trial
    result = []
    for trial in trials:
        family = checkpoint_family(trial.effective)
        parent = longest.get((family, trial.seed, trial.splits)) if family is not None else None
        is_shorter = parent is not None and parent.id != trial.id and trial.effective.num_train_epochs > 0
        result.append(replace(trial, checkpoint_of=parent.id) if parent is not None and is_shorter else trial)
    return tuple(result)


def with_checkpoint_folds(wave: Wave) -> Wave:
    """The wave with a fold for each level, rates and seeds together, that is an earlier checkpoint of longer trials."""
    by_id = {trial.id: trial for trial in wave.trials}
    levels: dict[tuple[object, ...], list[Trial]] = {}
    for trial in wave.trials:
        if trial.checkpoint_of is not None:
            level = (trial.factor, trial.effective.with_values(learning_rate=1.0))
            levels.setdefault(level, []).append(trial)
    folds = tuple(_checkpoint_fold(trials, by_id) for trials in levels.values())
    return replace(wave, folds=(*wave.folds, *folds)) if folds else wave


def _checkpoint_fold(trials: list[Trial], by_id: dict[int, Trial]) -> Fold:
    first = trials[0]
    assert first.checkpoint_of is not None
    return Fold(
        first.configuration, by_id[first.checkpoint_of].effective.key, ("checkpoint",), len(trials), first.factor
    )


def fold_of(
    problem: Problem, asked: Configuration, same: Configuration, saved_trials: int, factor: str | None = None
) -> Fold:
    """The fold of a configuration into an equivalent one, with the reasons that concern their differences."""
    longest = problem.facts.longest_tokens
    reasons = (*fold_reasons(asked, problem.folding, longest), *fold_reasons(same, problem.folding, longest))
    changed = set(asked.changes_from(same))
    concerned = [reason for reason in reasons if FACTORS_OF_FOLD.get(reason, {reason}) & changed]
    return Fold(asked, problem.effective(asked).key, tuple(dict.fromkeys(concerned or reasons)), saved_trials, factor)
