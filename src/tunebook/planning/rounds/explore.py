"""Round explore: the noise, then one factor at a time.

First wave: the baseline's seeds; the levels of factors that leave the best learning rate where it is; and for the
others a small learning-rate bracket at each level and at the baseline, one selection seed each. Second wave: each
bracketed level at the rate of lowest validation loss, with fresh seeds, against the baseline at its own chosen rate.
"""

from __future__ import annotations

from tunebook.core.factor import Level
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.explore_design import BASELINE_SEEDS_LEAST, Design, FactorDesign, fitted
from tunebook.planning.folds import with_checkpoint_folds
from tunebook.planning.rate_bracket import chosen_rate, note_choice, read_brackets
from tunebook.planning.seeds import SeedUse, seed_numbers
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["chosen_rates_wave", "explore_wave", "level_label"]


def level_label(factor: str, value: Level) -> str:
    """The short stable name of a level: "lora_r=32"."""
    if isinstance(value, float):
        return f"{factor}={value:g}"
    return f"{factor}={'+'.join(value) if isinstance(value, tuple) else value}"


def explore_wave(state: PlanningState, round_number: int) -> Wave:
    """The round's first wave; it closes the round when there is no bracket to choose from."""
    problem = state.problem
    room = state.allowance(RoundKind.EXPLORE)
    design, cuts = fitted(problem, room)
    builder = WaveBuilder(state, RoundKind.EXPLORE, round_number, 1, room)
    builder.folds.extend(design.folds)
    builder.cuts.extend(cuts)
    study_seed = problem.spec.seed
    baseline_seeds = seed_numbers(study_seed, SeedUse.CLAIM, design.baseline_seeds)
    baseline = builder.replicates(problem.spec.baseline, baseline_seeds, Purpose.BASELINE)
    for factor in design.factors:
        if not (factor.bracketed and design.rates):
            _levels(builder, factor, baseline)
    if not design.has_brackets:
        return with_checkpoint_folds(builder.wave())
    _brackets(builder, design)
    return with_checkpoint_folds(builder.wave(closes_round=False))


def _levels(builder: WaveBuilder, factor: FactorDesign, baseline: tuple[int, ...]) -> None:
    seeds = seed_numbers(builder.state.problem.spec.seed, SeedUse.CLAIM, factor.seeds)
    for level in factor.levels:
        ids = builder.replicates(level.configuration, seeds, Purpose.LEVEL, factor.name)
        builder.contrast(ids, baseline, level_label(factor.name, level.value), factor.name)


def _brackets(builder: WaveBuilder, design: Design) -> None:
    problem = builder.state.problem
    seeds = seed_numbers(problem.spec.seed, SeedUse.SELECTION, 1)
    for rate in design.rates:
        builder.replicates(problem.spec.baseline.with_values(learning_rate=rate), seeds, Purpose.BRACKET)
    for factor in design.factors:
        if factor.bracketed:
            for level in factor.levels:
                for rate in design.rates:
                    configuration = level.configuration.with_values(learning_rate=rate)
                    builder.replicates(configuration, seeds, Purpose.BRACKET, factor.name)
    bracketed = [factor.name for factor in design.factors if factor.bracketed]
    builder.note(
        "bracket",
        {
            "rates": list(design.rates),
            "factors": bracketed,
            "baseline_seeds": design.baseline_seeds,
            "seeds": {factor.name: factor.seeds for factor in design.factors if factor.bracketed},
        },
    )


def chosen_rates_wave(state: PlanningState, first: Wave) -> Wave:
    """The round's second wave: claims at the chosen rates."""
    problem = state.problem
    plan = dict(first.notes)["bracket"]
    builder = WaveBuilder(state, RoundKind.EXPLORE, first.round, first.number + 1, state.allowance(RoundKind.EXPLORE))
    brackets = read_brackets(state, first)
    rates = [chosen_rate(bracket) for bracket in brackets]
    levels = list(zip(brackets[1:], rates[1:], strict=True))
    reserve = sum(plan["seeds"][bracket.factor] for bracket, _ in levels)
    control = _baseline_at(builder, rates[0], int(plan["baseline_seeds"]), reserve)
    note_choice(builder, brackets[0], rates[0])
    for bracket, rate in levels:
        note_choice(builder, bracket, rate)
        seeds = seed_numbers(problem.spec.seed, SeedUse.CLAIM, plan["seeds"][bracket.factor])
        configuration = bracket.configuration.with_values(learning_rate=rate)
        ids = builder.replicates(configuration, seeds, Purpose.CHOSEN, bracket.factor)
        if len(ids) < len(seeds):
            builder.cut("second_seeds", len(seeds) - len(ids), bracket.factor)
        builder.contrast(ids, control, level_label(str(bracket.factor), bracket.value), bracket.factor)
    return with_checkpoint_folds(builder.wave())


def _baseline_at(builder: WaveBuilder, rate: float, wanted: int, reserve: int) -> tuple[int, ...]:
    """The baseline's trials at its chosen rate; at a rate other than its own it gets as many seeds as the share leaves
    beside the levels' claims, at least three and at most its usual number."""
    spec = builder.state.problem.spec
    configuration = spec.baseline.with_values(learning_rate=rate)
    least = min(BASELINE_SEEDS_LEAST, wanted)
    n = wanted
    while n > least and builder.missing(configuration, seed_numbers(spec.seed, SeedUse.CLAIM, n)) > max(
        0.0, builder.room.trials - reserve
    ):
        n -= 1
    purpose = Purpose.BASELINE if configuration == spec.baseline else Purpose.CHOSEN
    return builder.replicates(configuration, seed_numbers(spec.seed, SeedUse.CLAIM, n), purpose)
