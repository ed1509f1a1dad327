"""Round table: the user's own configurations, each against the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.configuration import Configuration
from tunebook.core.facts import History
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.explore_design import BASELINE_SEEDS_LEAST
from tunebook.planning.levels import level_label
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape, shape_of
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import FACTORS_OF_FOLD, WaveBuilder, fold_of, with_checkpoint_folds

__all__ = ["Table", "changed_factor"]


class Table(Round):
    """Compares every row with the baseline, each with the study's number of seeds as far as the budget allows."""

    kind = RoundKind.TABLE
    is_first = True

    def applies(self, problem: Problem) -> bool:
        """Only when the study file names a table of trials."""
        return bool(problem.table)

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """The round's only wave. When its share of the budget is too small, the last rows get a single seed or are left
        out."""
        problem = state.problem
        builder = WaveBuilder(state, self.kind, round_number, 1, state.allowance(self.kind))
        rows = _distinct_rows(builder)
        fit = _fit(builder, len(rows))
        seed, n = problem.spec.seed, problem.spec.seeds.configuration
        baseline_seeds = seed_numbers(seed, SeedUse.CLAIM, fit.n_baseline)
        baseline = builder.replicates(problem.spec.baseline, baseline_seeds, Purpose.BASELINE)
        for i, (number, configuration) in enumerate(rows[: fit.n_rows]):
            factor = changed_factor(problem, configuration)
            label = f"row {number}" if factor is None else level_label(factor, getattr(configuration, factor))
            seeds = seed_numbers(seed, SeedUse.CLAIM, n if i < fit.n_full else 1)
            builder.contrast(builder.replicates(configuration, seeds, Purpose.TABLE, factor), baseline, label, factor)
        return with_checkpoint_folds(builder.wave())

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The shape of the wave itself, because it does not depend on any result."""
        return shape_of(self.first_wave(PlanningState(problem, History()), 1))


@dataclass(frozen=True)
class _Fit:
    """The part of a table that fits: seeds of the baseline, rows, and how many of these have all their seeds."""

    n_baseline: int
    n_rows: int
    n_full: int


def changed_factor(problem: Problem, configuration: Configuration) -> str | None:
    """The one factor in which a row differs from the baseline, alpha following the rank; else None.

    Settings without an effect (a memory setting, a max_length above the longest example) do not count.
    """
    baseline = problem.spec.baseline
    acting = set(problem.effective(configuration).changes_from(problem.effective(baseline)))
    changed = {name for name in configuration.changes_from(baseline) if _acts(name, acting)}
    follows = abs(configuration.lora_alpha * baseline.lora_r - baseline.lora_alpha * configuration.lora_r) < 1e-9
    if problem.spec.alpha_rule == "proportional" and follows and {"lora_r", "lora_alpha"} <= changed:
        changed.discard("lora_alpha")
    return changed.pop() if len(changed) == 1 else None


def _acts(name: str, acting: set[str]) -> bool:
    """Whether a changed setting has an effect, itself or together with the settings that it is folded with."""
    together = next((names for names in FACTORS_OF_FOLD.values() if name in names), {name})
    return bool(together & acting)


def _distinct_rows(builder: WaveBuilder) -> list[tuple[int, Configuration]]:
    """The rows, numbered from 1, whose effective configuration is neither the baseline's nor an earlier row's. The
    others become folds."""
    problem = builder.state.problem
    seen = {problem.effective(problem.spec.baseline): problem.spec.baseline}
    rows = []
    for number, configuration in enumerate(problem.table, start=1):
        effective = problem.effective(configuration)
        if effective not in seen:
            seen[effective] = configuration
            rows.append((number, configuration))
        elif configuration != seen[effective]:
            saved = problem.spec.seeds.configuration
            builder.folds.append(fold_of(problem, configuration, seen[effective], saved))
    return rows


def _fit(builder: WaveBuilder, n_rows: int) -> _Fit:
    """What the budget allows. Cut in this order: further seeds, from the last row on; seeds of the baseline; rows, from
    the last on."""
    spec = builder.state.problem.spec
    seconds = builder.state.seconds(spec.baseline)
    fit = _Fit(spec.seeds.baseline, n_rows, n_rows)
    further = spec.seeds.configuration - 1

    def covered(fit: _Fit) -> bool:
        n = fit.n_baseline + fit.n_rows + further * fit.n_full
        return builder.room.covers(n, n * seconds)

    while fit.n_full > 0 and further and not covered(fit):
        fit = _Fit(fit.n_baseline, fit.n_rows, fit.n_full - 1)
    while fit.n_baseline > BASELINE_SEEDS_LEAST and not covered(fit):
        fit = _Fit(fit.n_baseline - 1, fit.n_rows, fit.n_full)
    while fit.n_rows > 1 and not covered(fit):
        fit = _Fit(fit.n_baseline, fit.n_rows - 1, min(fit.n_full, fit.n_rows - 1))
    for code, count in (
        ("second_seeds", further * (n_rows - fit.n_full)),
        ("baseline_seeds", spec.seeds.baseline - fit.n_baseline),
        ("rows", n_rows - fit.n_rows),
    ):
        if count:
            builder.cut(code, count)
    return fit
