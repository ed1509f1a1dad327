"""Round explore: measure the noise between seeds, then change one factor at a time.

The first wave trains the baseline with all its seeds and the levels of factors that do not move the best learning rate.
For the other factors, each level and the baseline get a small learning-rate bracket with one selection seed a rate. The
second wave then trains each bracketed level at the rate of lowest validation loss, with fresh seeds, and compares it
with the baseline at the rate chosen for that.

With `seeds: {doubtful: N}` a last wave gives N further seeds to a third of the levels: those that differ most from the
baseline and are not settled. All levels are judged after it, as one family, as if all had gone on. That levels which do
not go on add no false claims beyond the rate is shown by simulation (decision 116).
"""

from __future__ import annotations

import math

from tunebook.core.findings import SEEDS_TO_TEST, Verdict
from tunebook.core.study import BracketPlan, Contrast, Purpose, RoundKind, Wave
from tunebook.planning.explore_design import (
    BASELINE_SEEDS_LEAST,
    Design,
    FactorDesign,
    fitted,
    full_design,
    most_doubtful,
    most_trials,
    price,
)
from tunebook.planning.levels import level_label
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.rate_bracket import keep_choice, read_brackets
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder, with_checkpoint_folds
from tunebook.statistics.judge_round import SETTLED_ALPHA, judge

__all__ = ["Explore"]


class Explore(Round):
    """The noise between seeds, and one factor at a time."""

    kind = RoundKind.EXPLORE
    is_first = True

    def applies(self, problem: Problem) -> bool:
        """Without a table of the user's own, and one factor at a time."""
        return not problem.table and problem.design == "one_factor"

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """The round's first wave; it closes the round when there is no bracket to choose from."""
        problem = state.problem
        room = state.allowance(self.kind)
        design, cuts = fitted(problem, room)
        builder = WaveBuilder(state, self.kind, round_number, 1, room)
        builder.folds.extend(design.folds)
        builder.cuts.extend(cuts)
        baseline_seeds = seed_numbers(problem.spec.seed, SeedUse.CLAIM, design.baseline_seeds)
        baseline = builder.replicates(problem.spec.baseline, baseline_seeds, Purpose.BASELINE)
        for factor in design.factors:
            if not (factor.bracketed and design.rates):
                _levels(builder, factor, baseline)
        if design.has_brackets:
            _brackets(builder, design)
        is_last = not design.has_brackets and not problem.spec.seeds.doubtful
        return with_checkpoint_folds(builder.wave(closes_round=is_last))

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """After brackets the claims at the chosen rates; then further seeds where the doubt is."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, state.allowance(self.kind))
        plan = last.bracket
        if plan is None:
            _further_seeds(builder, last.round)
            return with_checkpoint_folds(builder.wave())
        of_baseline, *of_levels = read_brackets(state, last)
        reserve = sum(plan.seeds[str(bracket.factor)] for bracket in of_levels)
        doubtful = state.problem.spec.seeds.doubtful
        reserve += doubtful * most_doubtful(len(last.contrasts) + len(of_levels))
        rate = keep_choice(builder, of_baseline).learning_rate
        control = _baseline_at(builder, rate, plan.baseline_seeds, reserve)
        for bracket in of_levels:
            factor = str(bracket.factor)
            configuration = keep_choice(builder, bracket)
            seeds = seed_numbers(state.problem.spec.seed, SeedUse.CLAIM, plan.seeds[factor])
            ids = builder.replicates(configuration, seeds, Purpose.CHOSEN, factor)
            if len(ids) < len(seeds):
                builder.cut("second_seeds", len(seeds) - len(ids), factor)
            builder.contrast(ids, control, level_label(factor, bracket.value), factor)
        return with_checkpoint_folds(builder.wave(closes_round=not doubtful))

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The design that fits the round's share."""
        design, _ = fitted(problem, problem.allowance(self.kind))
        return _shape(problem, design)

    def at_most(self, problem: Problem) -> int:
        """Every trial of the design, none of which turns out to be another one or a checkpoint of it."""
        design, _ = fitted(problem, problem.allowance(self.kind))
        return most_trials(design)

    def wanted(self, problem: Problem) -> Shape:
        """Everything that the study file asks for."""
        return _shape(problem, full_design(problem))


def _shape(problem: Problem, design: Design) -> Shape:
    further = sum(len(factor.levels) * (factor.seeds - 1) for factor in design.factors)
    tested = [factor for factor in design.factors if factor.seeds >= SEEDS_TO_TEST]
    return Shape(
        kind=RoundKind.EXPLORE,
        n_trials=price(problem, design)[0],
        n_comparisons=design.n_levels,
        n_single=sum(len(factor.levels) for factor in design.factors if factor not in tested),
        m_treatment=min((factor.seeds for factor in tested), default=1) + design.doubtful,
        m_control=design.baseline_seeds,
        noise_df=max(1, design.baseline_seeds - 1 + further + design.n_doubtful * design.doubtful),
    )


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
    bracketed = {factor.name: factor.seeds for factor in design.factors if factor.bracketed}
    builder.bracket = BracketPlan(design.rates, design.baseline_seeds, bracketed)


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


def _further_seeds(builder: WaveBuilder, round_number: int) -> None:
    """Further seeds for the levels in doubt, as far as the room goes, and their questions anew."""
    state, problem = builder.state, builder.state.problem
    n = problem.spec.seeds.doubtful
    asked = state.history.contrasts_of(round_number)
    for contrast in _in_doubt(state, asked, round_number)[: most_doubtful(len(asked))]:
        trained = [state.history.trials[number].trial for number in contrast.treatment]
        numbers = seed_numbers(problem.spec.seed, SeedUse.CLAIM, len(trained) + n)[-n:]
        ids = builder.replicates(trained[0].configuration, numbers, trained[0].purpose, contrast.factor)
        builder.contrast((*contrast.treatment, *ids), contrast.control, contrast.label, contrast.factor)


def _in_doubt(state: PlanningState, asked: tuple[Contrast, ...], round_number: int) -> list[Contrast]:
    """The questions that are not settled, the largest differences first; none about a level with a single seed, for
    nothing tells whether that was a bad one (decision 116)."""
    found = judge(asked, state.history, SETTLED_ALPHA, state.problem.spec.margin, (), round_number, RoundKind.EXPLORE)
    open_ones = [
        (abs(finding.effect), contrast)
        for contrast, finding in zip(asked, found, strict=True)
        if finding.verdict in (Verdict.INCONCLUSIVE, Verdict.EQUIVALENT)
        and len(contrast.treatment) >= SEEDS_TO_TEST
        and not math.isnan(finding.effect)
    ]
    return [contrast for _, contrast in sorted(open_ones, key=lambda pair: -pair[0])]
