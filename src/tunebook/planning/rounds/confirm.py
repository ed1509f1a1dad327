"""Round confirm: the best, the cheapest that may be as good, and the baseline, with fresh seeds on the test split.

This is the only time that the test split is opened. Without one the same questions are asked on validation, with fresh
seeds. The reference is scored on the test split too, at no cost to the budget.

A runner-up is sealed together with the best. It is trained only when a seed of the best breaks, and as far as the
budget goes; it is then asked what was asked of the best, in the same family. Where the baseline itself leads there is
nothing else to compare it with, so the runner-up is trained at once.
"""

from __future__ import annotations

import math

from tunebook.core.study import ContrastKind, Purpose, RoundKind, Trial, Wave
from tunebook.planning.problem import Allowance, Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder
from tunebook.statistics.evidence import BROKE, Candidate, effective_key

__all__ = ["Confirm", "likely_confirmed"]

SEEDS = (5, 4, 3)
"""Seeds each: five if the budget allows, at least three."""
FEWEST_SEEDS = (2, 1)
"""For budgets too small even for three; then without the cheapest."""

USUALLY_PROPOSED = 40
"""Pilots and proposals after which little is left to gain in most studies: they then end, whatever the budget."""


class Confirm(Round):
    """Best, cheapest as good and baseline, with fresh seeds."""

    kind = RoundKind.CONFIRM

    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The round's only wave, or None when the budget has no room for best and baseline or nothing has trained."""
        problem = state.problem
        splits = ("validation", "test") if problem.facts.n_test else ("validation",)
        builder = WaveBuilder(state, self.kind, round_number, 1, state.allowance(self.kind))
        roles = _roles(state)
        if roles is None:
            return None
        n, roles = _seeds_each(state, builder, roles, splits)
        if n == 0:
            return None
        seeds = seed_numbers(problem.spec.seed, SeedUse.CONFIRM, n)
        configurations = {
            role: problem.spec.baseline if role == "baseline" else group.configuration for role, group in roles.items()
        }
        ids = {role: builder.replicates(c, seeds, Purpose.CONFIRM, None, splits) for role, c in configurations.items()}
        if problem.facts.n_test:
            reference = problem.spec.baseline.with_values(num_train_epochs=0)
            builder.replicates(reference, seeds[:1], Purpose.REFERENCE, None, ("test",))
        split = splits[-1]
        builder.contrast(ids["best"], ids["baseline"], "best", split=split)
        if "runner_up" in ids:
            builder.contrast(ids["runner_up"], ids["baseline"], "runner_up", split=split)
        if "cheapest" in ids:
            builder.contrast(ids["cheapest"], ids["best"], "cheapest", kind=ContrastKind.NON_INFERIORITY, split=split)
        runner_up = roles.get("runner_up") or _runner_up(state, roles)
        sealed = {role: group.key for role, group in roles.items()}
        sealed |= {"runner_up": runner_up.key} if runner_up is not None else {}
        builder.sealed = state.history.sealed or sealed
        if runner_up is None or "runner_up" in roles:
            return builder.wave()
        return builder.wave(closes_round=not _covered(state, builder, {"runner_up": runner_up}, 1, splits))

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """The runner-up where a seed of the best broke; else nothing more."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, state.allowance(self.kind))
        of_round = state.history.of_round(last.round)
        key, sealed = last.sealed.get("runner_up"), state.history.sealed or last.sealed
        best = [fact for fact in of_round if effective_key(fact) == sealed["best"]]
        group = state.evidence.claiming.get(str(key))
        if group is None or sealed["best"] == sealed["baseline"] or not any(fact.state in BROKE for fact in best):
            return builder.wave()
        split, seeds = best[0].trial.splits[-1], [fact.trial.seed for fact in best]
        ids = builder.replicates(group.configuration, seeds, Purpose.CONFIRM, None, best[0].trial.splits)
        baseline = [fact.trial.id for fact in of_round if effective_key(fact) == sealed["baseline"]]
        builder.contrast(ids, tuple(baseline), "runner_up", split=split)
        builder.note("runner_up", {"trials": [fact.trial.id for fact in best if fact.state in BROKE]})
        return builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """Best, cheapest and baseline with all their seeds; where a model proposes, with those that its proposals leave
        room for."""
        left = math.inf
        if problem.proposes_all and problem.spec.budget.trials is not None:
            left = problem.spec.budget.trials - min(problem.allowance(RoundKind.REFINE).trials, USUALLY_PROPOSED)
        wanted = [(n, 3) for n in SEEDS] + [(n, 2) for n in (SEEDS[-1], *FEWEST_SEEDS)]
        n, roles = next(((n, roles) for n, roles in wanted if n * roles <= left), (1, 2))
        return Shape(
            kind=self.kind,
            n_trials=n * roles,
            n_comparisons=roles - 1,
            m_treatment=n,
            m_control=n,
            noise_df=(n - 1) * roles + 2,  # best and baseline have been trained before
        )

    def at_most(self, problem: Problem) -> int:
        """The runner-up as well, where the best breaks."""
        return 4 * SEEDS[0]


def likely_confirmed(state: PlanningState) -> tuple[Trial, ...]:
    """Trials that a confirm round would have, or might have by then; their numbers mean nothing.

    In the order in which they are worth training before it is known: the baseline, which is always confirmed; who leads
    now; a combination that is being trained; the cheapest; who leads without the best.
    """
    problem, roles = state.problem, _roles(state) or {}
    under_way = [f.trial for f in state.history.trials.values() if not f.state.is_final]
    combined = [trial.configuration for trial in under_way if trial.purpose is Purpose.COMBINE]
    nominated = {role: group.configuration for role, group in roles.items() if role != "baseline"}
    nominated["baseline"] = problem.spec.baseline
    nominated |= {"combined": combined[0]} if combined else {}
    next_best = _runner_up(state, roles) if roles and "runner_up" not in roles else None
    nominated |= {"runner_up": next_best.configuration} if next_best is not None else {}
    builder = WaveBuilder(state, RoundKind.CONFIRM, state.next_round, 1, Allowance(math.inf, math.inf))
    seeds = seed_numbers(problem.spec.seed, SeedUse.CONFIRM, SEEDS[0])
    for role in ("baseline", "best", "combined", "cheapest", "runner_up"):
        if role in nominated:
            builder.replicates(nominated[role], seeds, Purpose.CONFIRM)
    return builder.trials


def _roles(state: PlanningState) -> dict[str, Candidate] | None:
    """Who is confirmed: the list that was sealed, or else what the rounds so far nominate; None when nothing trained.

    A list may be sealed without its wave when the run was killed between the two; it is then kept as it is, whatever
    has changed since.
    """
    sealed = state.history.sealed
    if sealed:
        known, at_once = state.evidence.claiming, sealed["best"] == sealed["baseline"]
        return {role: known[key] for role, key in sealed.items() if key in known and (role != "runner_up" or at_once)}
    best = state.leading
    if best is None:
        return None
    roles = {"best": best, "baseline": state.baseline}
    runner_up = _runner_up(state, roles) if best.key == state.baseline.key else None
    cheapest = state.evidence.cheapest_near(best, state.problem.facts, state.problem.spec.margin)
    others = {"runner_up": runner_up, "cheapest": cheapest}
    return roles | {role: group for role, group in others.items() if group is not None}


def _runner_up(state: PlanningState, roles: dict[str, Candidate]) -> Candidate | None:
    """Who leads without the best: of the sealed list, or else by the rule for the best. Not the baseline, which is
    trained anyway."""
    key = state.history.sealed.get("runner_up")
    if state.history.sealed:
        return state.evidence.claiming.get(str(key))
    taken = {roles[role].key for role in ("best", "baseline")}
    return state.evidence.leading_without(taken)


def _seeds_each(
    state: PlanningState, builder: WaveBuilder, roles: dict[str, Candidate], splits: tuple[str, ...]
) -> tuple[int, dict[str, Candidate]]:
    """Seeds each and the roles that the room covers: all roles with five to three seeds, else best and baseline with
    three, two or one."""
    for n in SEEDS:
        if _covered(state, builder, roles, n, splits):
            return n, roles
    fewer = {role: group for role, group in roles.items() if role != "cheapest"}
    for n in (SEEDS[-1], *FEWEST_SEEDS):
        if _covered(state, builder, fewer, n, splits):
            if len(fewer) < len(roles):
                builder.cut("cheapest", n)
            if n < SEEDS[-1]:
                builder.cut("confirm_seeds", (SEEDS[-1] - n) * len(fewer))
            return n, fewer
    return 0, {}


def _covered(
    state: PlanningState, builder: WaveBuilder, roles: dict[str, Candidate], n: int, splits: tuple[str, ...]
) -> bool:
    distinct = {group.effective for group in roles.values()}
    seconds = sum(state.seconds(configuration, splits) for configuration in distinct)
    return builder.room.covers(n * len(distinct), n * seconds)
