"""What is still to come: rounds, trials, comparisons, and what the study could detect.

Trials of the next wave are exact; those of later ones are upper bounds, since what one round finds decides what the
next one asks. Together they may be more than the budget, which bounds their sum. Effects come from `statistics.power`:
with the stated priors before anything has run, later with the noise that was measured.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tunebook.core.facts import History
from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.study import RoundKind, Trial, Wave, error_share
from tunebook.planning.problem import Problem, shares_of
from tunebook.planning.round import Round, Shape, shape_of
from tunebook.planning.rounds import round_of, rounds_of
from tunebook.planning.state import PlanningState
from tunebook.statistics.noise import SEED_DEVIATION_PRIOR
from tunebook.statistics.power import ContrastDesign, smallest_detectable_effect, smallest_margin

__all__ = ["outlook", "waiting_waves", "with_waiting"]


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What the smallest detectable effect depends on: the number of examples, and noise with its degrees of freedom."""

    n_validation: int
    n_test: int
    seed_deviation: float
    df: float
    design: str = "one_factor"
    measured: bool = False

    def effect(self, shape: Shape) -> float | None:
        """The round's smallest detectable effect; None when it tests nothing."""
        return smallest_detectable_effect(self._design(shape)) if shape.n_tested else None

    def margin(self, shape: Shape) -> float | None:
        """The smallest margin within which the round could show two configurations equivalent."""
        return smallest_margin(self._design(shape)) if shape.n_tested else None

    def _design(self, shape: Shape) -> ContrastDesign:
        averaged = self.design == "balanced" and shape.kind is RoundKind.EXPLORE
        return ContrastDesign(
            n_examples=self.n_test if _on_test(shape, self.n_test) else self.n_validation,
            m_treatment=shape.m_treatment,
            m_control=shape.m_control,
            seed_deviation=self.seed_deviation,
            df=self.df,
            alpha=error_share(shape.kind, self.design),
            n_comparisons=shape.n_comparisons,
            measured=self.measured,
            averaged=averaged,
        )


def _on_test(shape: Shape, n_test: int) -> bool:
    """Whether the round compares on the test split."""
    return shape.kind is RoundKind.CONFIRM and n_test > 0


def outlook(state: PlanningState, kinds: tuple[RoundKind, ...], wave: Wave | None, effects: bool = True) -> Outlook:
    """The rounds to come.

    Args:
        kinds: those that may still be opened, in order.
        wave: the next wave, when it is known to be more than the reference.
        effects: whether to compute what can be detected, and what was cut.
    """
    rounds = rounds_of(state.problem)
    first = next((each for each in rounds if each.is_first), rounds[0])
    opening = first.most(state.problem, 0)
    shapes = tuple(_shapes(state, opening, kinds, wave))
    left = state.allowance(RoundKind.CONFIRM).trials + _unspent(state)
    foreseen = Outlook(
        rounds=tuple(
            RoundOutlook(
                kind=s.kind,
                n_trials=s.n_trials,
                n_comparisons=s.n_comparisons,
                smallest_detectable_effect=None,
                on_test=_on_test(s, state.problem.facts.n_test),
                n_described=s.n_comparisons - s.n_tested,
            )
            for s in shapes
        ),
        trials_left=None if math.isinf(left) else _whole(left),
    )
    return _with_effects(foreseen, state, first, shapes) if effects else foreseen


def _with_effects(foreseen: Outlook, state: PlanningState, first: Round, shapes: tuple[Shape, ...]) -> Outlook:
    """With what can be detected, and what was folded and cut."""
    opening, uncut = first.most(state.problem, 0), first.most(state.problem.without_limits, 0)
    sensitivity = _sensitivity(state, opening, shapes)
    margins = [(sensitivity.margin(s), each.on_test) for s, each in zip(shapes, foreseen.rounds, strict=True)]
    smallest, on_test = min(((m, t) for m, t in margins if m is not None), default=(None, False))
    planned = _planned(state, first)
    return replace(
        foreseen,
        rounds=tuple(
            replace(each, smallest_detectable_effect=sensitivity.effect(shape))
            for each, shape in zip(foreseen.rounds, shapes, strict=True)
        ),
        folds=tuple(fold for each in planned for fold in each.folds),
        cuts=tuple(cut for each in planned for cut in each.cuts),
        detectable_without_cuts=_sensitivity(state, uncut, shapes).effect(uncut),
        smallest_margin=smallest,
        margin_on_test=on_test,
        wanted_trials=math.ceil(uncut.n_trials / _share(state.problem, first.kind)),
    )


def waiting_waves(history: History) -> tuple[Wave, ...]:
    """The waves under way, each with its trials that have no result yet: one, or several that are trained together."""
    waiting = {trial.id for trial in _without_result(history)}
    waves = (replace(wave, trials=tuple(t for t in wave.trials if t.id in waiting)) for wave in history.waves)
    return tuple(wave for wave in waves if wave.trials)


def with_waiting(outlook: Outlook, history: History) -> Outlook:
    """The outlook with the trials that wait, for each round under way."""
    counted = Counter(trial.kind for trial in _without_result(history))
    contrasts = {wave.kind: len(wave.contrasts) for wave in history.waves}
    waiting = (RoundOutlook(kind, n, contrasts[kind], None) for kind, n in counted.items())
    return replace(outlook, waiting=tuple(waiting))


def _without_result(history: History) -> tuple[Trial, ...]:
    """The trials that are planned or under way."""
    return tuple(f.trial for f in history.trials.values() if f.trial.has_training and not f.state.is_final)


def _share(problem: Problem, kind: RoundKind) -> float:
    shares = shares_of(problem.design)
    return shares.get(kind) or shares[RoundKind.EXPLORE]


def _planned(state: PlanningState, first: Round) -> tuple[Wave, ...]:
    """The waves after the reference; while there are none, the wave that opens the study, which depends on no
    result."""
    planned = tuple(wave for wave in state.history.waves if wave.kind is not RoundKind.REFERENCE)
    opening = None if planned else first.first_wave(PlanningState(state.problem, History()), 1)
    return planned if opening is None else (opening,)


def _sensitivity(state: PlanningState, opening: Shape, shapes: tuple[Shape, ...]) -> Sensitivity:
    """The measured noise, as findings use it, once replicates give it degrees of freedom; until then the prior, with
    the degrees of freedom that the first round will bring, or where it compares nothing, those of a later one."""
    facts, noise, design = state.problem.facts, state.evidence.noise, state.problem.design
    brought = opening.noise_df if opening.n_comparisons else max((shape.noise_df for shape in shapes), default=1)
    return Sensitivity(
        n_validation=facts.n_validation,
        n_test=facts.n_test,
        seed_deviation=SEED_DEVIATION_PRIOR if noise.from_prior else noise.assumed_deviation,
        df=brought if noise.from_prior else noise.df if noise.provisional else noise.effective_df,
        design=design,
        measured=not noise.from_prior,
    )


def _shapes(state: PlanningState, opening: Shape, kinds: tuple[RoundKind, ...], wave: Wave | None) -> Iterator[Shape]:
    """The rounds in order. Each is bounded by its own maximum and by what its share of the budget leaves after what is
    certain to be spent before it: the rounds in between may turn out to need nothing."""
    certain = -_unspent(state)
    if wave is not None:
        certain += _least(state, wave.kind, _costing(wave))
        yield _current_shape(state, opening, wave, is_planned=False)
    for last in state.going_on:
        if wave is None or last.round != wave.round:
            shape = _current_shape(state, opening, last, is_planned=True)
            if shape.n_trials:
                yield shape
    for coming in (round_of(kind, state.problem) for kind in kinds):
        if wave is not None and coming.kind is wave.kind:
            continue
        n = _whole(min(coming.at_most(state.problem), coming.room(state).trials - certain))
        if n > 0:
            most = coming.most(state.problem, opening.m_control)
            compared = most.n_comparisons if coming.is_first else min(most.n_comparisons, n)
            yield replace(most, n_trials=n, n_comparisons=compared)


def _current_shape(state: PlanningState, opening: Shape, wave: Wave, is_planned: bool) -> Shape:
    """The round under way: its next wave, if that is not planned yet, and the waves that may follow it."""
    own, rest = 0 if is_planned else _costing(wave), 0
    if not wave.closes_round:
        planned = sum(fact.trial.costs_budget for fact in state.history.of_round(wave.round))
        asks = round_of(wave.kind, state.problem)
        left = asks.room(state).trials + _unspent(state) - _least(state, wave.kind, own)
        rest = max(0, _whole(min(asks.at_most(state.problem) - planned - own, left)))
    shape = shape_of(wave)
    if wave.kind is opening.kind:
        shape = replace(shape, n_comparisons=opening.n_comparisons, n_single=opening.n_single)
    if wave.kind is opening.kind and state.problem.spec.seeds.doubtful:
        shape = replace(shape, m_treatment=opening.m_treatment)
    return replace(shape, n_trials=rest + own)


def _costing(wave: Wave) -> int:
    """Trials of a wave that cost budget."""
    return sum(trial.costs_budget for trial in wave.trials)


def _least(state: PlanningState, kind: RoundKind, n: int) -> float:
    """What n trials of a round take of the budget at least."""
    return next((each.least(n) for each in rounds_of(state.problem) if each.kind is kind), n)


def _unspent(state: PlanningState) -> float:
    """What trials under way, counted as whole ones, may leave when they are stopped."""
    under_way = Counter(
        fact.trial.kind for fact in state.history.trials.values() if fact.trial.costs_budget and not fact.state.is_final
    )
    return sum(n - _least(state, kind, n) for kind, n in under_way.items())


def _whole(trials: float) -> int:
    return math.floor(trials + 1e-9)
