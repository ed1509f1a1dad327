"""Round explore as a balanced design: all factors at once, around the piloted learning rate, one seed a trial.

Every trial sets every factor, and each level occurs equally often. One model over all of these trials estimates each
factor's effect on accuracy, averaged over the other settings around the piloted rate. The baseline's seeds are not in
the model: they give the headline number and the noise between seeds.
"""

from __future__ import annotations

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import tried_rates
from tunebook.core.factor import Level, is_ordered
from tunebook.core.study import ContrastKind, Purpose, RoundKind, Wave
from tunebook.planning.balanced_design import design_of
from tunebook.planning.balanced_plan import LEAST_BASELINE, MOST_TRIALS, RATE, Plan, plan_of
from tunebook.planning.explore_design import full_design
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape, trend_side
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Balanced"]

PILOT_UNITS = 5.0
"""About what the pilots cost, in trials."""


class Balanced(Round):
    """A balanced design around the piloted rate."""

    kind = RoundKind.EXPLORE
    is_first = True

    def applies(self, problem: Problem) -> bool:
        """Where the study file asks for it."""
        return problem.is_balanced

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """The round's only wave."""
        problem = state.problem
        builder = WaveBuilder(state, self.kind, round_number, 1, state.allowance(self.kind))
        builder.folds.extend(full_design(problem).folds)
        plan = plan_of(problem, builder.room.trials, _piloted(state), _broke_at(state))
        for name in plan.left_out:
            builder.cut("factors", 0, name)
        seed = problem.spec.seed
        builder.replicates(problem.spec.baseline, seed_numbers(seed, SeedUse.CLAIM, plan.baseline), Purpose.BASELINE)
        seeds = seed_numbers(seed, SeedUse.DESIGN, plan.n)
        ids: list[int] = []
        for own, levels in zip(seeds, design_of(plan.columns, plan.n, seed), strict=True):
            ids += builder.replicates(_configuration(problem, plan, levels), (own,), Purpose.DESIGN)
        if not plan.claims:
            builder.note("nothing_claimed", {})
        for name, every in plan.factors if plan.claims else ():
            _ask(builder, tuple(ids), name, every)
        return builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The design that fits the round's share, after the pilots."""
        piloted = 0.0 if problem.rate_factor is None else PILOT_UNITS
        plan = plan_of(problem, problem.allowance(self.kind).trials - piloted, None, None)
        side = trend_side(plan.n)
        return Shape(
            kind=self.kind,
            n_trials=plan.n + plan.baseline,
            n_comparisons=plan.n_coefficients if plan.claims else 0,
            m_treatment=side,
            m_control=side,
            noise_df=max(1, plan.n - plan.n_coefficients - 1),
        )

    def at_most(self, problem: Problem) -> int:
        """The largest design that there is: pilots that were stopped leave it more room than can be foreseen."""
        return MOST_TRIALS + max(LEAST_BASELINE, problem.spec.seeds.baseline)


def _piloted(state: PlanningState) -> float | None:
    chosen = [c for wave in state.history.waves if wave.kind is RoundKind.PILOT for c in wave.chosen_rates]
    return chosen[-1].learning_rate if chosen else None


def _broke_at(state: PlanningState) -> float | None:
    """The lowest rate at which a pilot broke, those aside whose rate was too low to learn anything."""
    pilots = [f for f in state.history.trials.values() if f.trial.purpose is Purpose.PILOT]
    return min((rate for rate, trained in tried_rates(pilots).items() if not all(trained)), default=None)


def _configuration(problem: Problem, plan: Plan, levels: tuple[int, ...]) -> Configuration:
    return problem.configure({name: every[i] for (name, every), i in zip(plan.factors, levels, strict=True)})


def _ask(builder: WaveBuilder, ids: tuple[int, ...], name: str, levels: tuple[Level, ...]) -> None:
    """The claims about one factor, fixed before any result is seen."""
    if not is_ordered(name):
        for level in levels[1:]:
            builder.fitted(ids, name, ContrastKind.LEVEL, level)
        return
    builder.fitted(ids, name, ContrastKind.TREND)
    if name == RATE:
        builder.fitted(ids, name, ContrastKind.CURVATURE)
