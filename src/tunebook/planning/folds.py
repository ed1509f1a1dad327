"""Settings that cost nothing, with why and what that saved, for `plan` and the record."""

from __future__ import annotations

from dataclasses import replace

from tunebook.core.configuration import Configuration
from tunebook.core.space import fold_reasons
from tunebook.core.study import Fold, Trial, Wave
from tunebook.planning.problem import Problem

__all__ = ["fold_of", "with_checkpoint_folds"]

ABOUT = {
    "batch_split": {"per_device_train_batch_size", "gradient_accumulation_steps"},
    "rslora": {"use_rslora", "lora_alpha"},
    "warmup": {"warmup_steps", "lr_scheduler_type"},
}
"""Which factors a reason for folding is about; the other reasons are named after their factor."""


def fold_of(
    problem: Problem, asked: Configuration, same: Configuration, saved_trials: int, factor: str | None = None
) -> Fold:
    """A configuration that acts as another one does, with the reasons that concern where the two differ."""
    longest = problem.facts.longest_tokens
    reasons = (*fold_reasons(asked, problem.folding, longest), *fold_reasons(same, problem.folding, longest))
    changed = set(asked.changes_from(same))
    telling = [reason for reason in reasons if ABOUT.get(reason, {reason}) & changed]
    return Fold(asked, problem.effective(asked).key, tuple(dict.fromkeys(telling or reasons)), saved_trials, factor)


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
