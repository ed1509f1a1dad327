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
from tunebook.planning.state import Board
from tunebook.planning.wave_builder import Draft

__all__ = ["chosen_rates_wave", "explore_wave", "level_label"]


def level_label(factor: str, value: Level) -> str:
    """The short stable name of a level: "lora_r=32"."""
    if isinstance(value, float):
        return f"{factor}={value:g}"
    return f"{factor}={'+'.join(value) if isinstance(value, tuple) else value}"


def explore_wave(board: Board, round_number: int) -> Wave:
    """The round's first wave; it closes the round when there is no bracket to choose from."""
    ground = board.ground
    room = board.allowance(RoundKind.EXPLORE)
    design, cuts = fitted(ground, room)
    draft = Draft(board, RoundKind.EXPLORE, round_number, 1, room)
    draft.folds.extend(design.folds)
    draft.cuts.extend(cuts)
    study_seed = ground.spec.seed
    baseline_seeds = seed_numbers(study_seed, SeedUse.CLAIM, design.baseline_seeds)
    baseline = draft.replicates(ground.spec.baseline, baseline_seeds, Purpose.BASELINE)
    for factor in design.factors:
        if not (factor.bracketed and design.rates):
            _levels(draft, factor, baseline)
    if not design.has_brackets:
        return with_checkpoint_folds(draft.wave())
    _brackets(draft, design)
    return with_checkpoint_folds(draft.wave(closes_round=False))


def _levels(draft: Draft, factor: FactorDesign, baseline: tuple[int, ...]) -> None:
    seeds = seed_numbers(draft.board.ground.spec.seed, SeedUse.CLAIM, factor.seeds)
    for level in factor.levels:
        ids = draft.replicates(level.configuration, seeds, Purpose.LEVEL, factor.name)
        draft.contrast(ids, baseline, level_label(factor.name, level.value), factor.name)


def _brackets(draft: Draft, design: Design) -> None:
    ground = draft.board.ground
    seeds = seed_numbers(ground.spec.seed, SeedUse.SELECTION, 1)
    for rate in design.rates:
        draft.replicates(ground.spec.baseline.with_values(learning_rate=rate), seeds, Purpose.BRACKET)
    for factor in design.factors:
        if factor.bracketed:
            for level in factor.levels:
                for rate in design.rates:
                    configuration = level.configuration.with_values(learning_rate=rate)
                    draft.replicates(configuration, seeds, Purpose.BRACKET, factor.name)
    bracketed = [factor.name for factor in design.factors if factor.bracketed]
    draft.note(
        "bracket",
        {
            "rates": list(design.rates),
            "factors": bracketed,
            "baseline_seeds": design.baseline_seeds,
            "seeds": {factor.name: factor.seeds for factor in design.factors if factor.bracketed},
        },
    )


def chosen_rates_wave(board: Board, first: Wave) -> Wave:
    """The round's second wave: claims at the chosen rates."""
    ground = board.ground
    plan = dict(first.notes)["bracket"]
    draft = Draft(board, RoundKind.EXPLORE, first.round, first.number + 1, board.allowance(RoundKind.EXPLORE))
    brackets = read_brackets(board, first)
    rates = [chosen_rate(bracket) for bracket in brackets]
    levels = list(zip(brackets[1:], rates[1:], strict=True))
    reserve = sum(plan["seeds"][bracket.factor] for bracket, _ in levels)
    control = _baseline_at(draft, rates[0], int(plan["baseline_seeds"]), reserve)
    note_choice(draft, brackets[0], rates[0])
    for bracket, rate in levels:
        note_choice(draft, bracket, rate)
        seeds = seed_numbers(ground.spec.seed, SeedUse.CLAIM, plan["seeds"][bracket.factor])
        configuration = bracket.configuration.with_values(learning_rate=rate)
        ids = draft.replicates(configuration, seeds, Purpose.CHOSEN, bracket.factor)
        if len(ids) < len(seeds):
            draft.cut("second_seeds", len(seeds) - len(ids), bracket.factor)
        draft.contrast(ids, control, level_label(str(bracket.factor), bracket.value), bracket.factor)
    return with_checkpoint_folds(draft.wave())


def _baseline_at(draft: Draft, rate: float, wanted: int, reserve: int) -> tuple[int, ...]:
    """The baseline's trials at its chosen rate; at a rate other than its own it gets as many seeds as the share leaves
    beside the levels' claims, at least three and at most its usual number."""
    spec = draft.board.ground.spec
    configuration = spec.baseline.with_values(learning_rate=rate)
    least = min(BASELINE_SEEDS_LEAST, wanted)
    n = wanted
    while n > least and draft.missing(configuration, seed_numbers(spec.seed, SeedUse.CLAIM, n)) > max(
        0.0, draft.room.trials - reserve
    ):
        n -= 1
    purpose = Purpose.BASELINE if configuration == spec.baseline else Purpose.CHOSEN
    return draft.replicates(configuration, seed_numbers(spec.seed, SeedUse.CLAIM, n), purpose)
