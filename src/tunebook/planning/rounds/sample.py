"""Round refine by a sampler of Optuna: `planner: optuna:TPESampler`, for people who trust one, and to compare.

The planner keeps nothing between calls: every wave tells a fresh sampler all trials so far, and asks it. What it is
told is the log of the validation loss. Its trials are judged by the same findings as others; they claim nothing.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, is_ordered
from tunebook.core.facts import TrialFact
from tunebook.core.study import Purpose
from tunebook.errors import StudyFileError
from tunebook.planning.candidates import RATE, Space, space_of
from tunebook.planning.problem import Problem
from tunebook.planning.proposing import Proposing
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder
from tunebook.statistics.evidence import BROKE

__all__ = ["Sample", "sampler_of"]

DEFAULT = "TPESampler"
MOST_ASKED = 20
"""Times that a sampler is asked before it is taken to know nothing new."""
BROKEN = math.log(1.5)
"""Added to the highest log loss for a trial that broke: samplers need a number."""


class Sample(Proposing):
    """Settings that one of Optuna's samplers proposes."""

    def applies(self, problem: Problem) -> bool:
        """Where the study file names a sampler as its planner."""
        return problem.sampler is not None

    def propose(self, state: PlanningState, n: int, builder: WaveBuilder) -> list[Configuration]:
        """What the sampler asks for, told all trials so far."""
        return _asked(state, n)


def sampler_of(name: str, seed: int) -> Any:
    """A sampler by its name in `optuna.samplers`.

    Raises: StudyFileError: Optuna is not installed or has no such sampler, or the sampler needs more than a seed.
    """
    try:
        from optuna import samplers
    except ImportError as error:
        raise StudyFileError(
            'planner: found "optuna:{name}", and Optuna is not installed. `pip install "tunebook[optuna]"` brings it.',
            name=name,
        ) from error
    made = getattr(samplers, name, None)
    if not (inspect.isclass(made) and issubclass(made, samplers.BaseSampler) and _takes_a_seed(made)):
        usable = [each for each in samplers.__all__ if _takes_a_seed(getattr(samplers, each))]
        raise StudyFileError(
            'planner: found "optuna:{name}"; a sampler of optuna.samplers that can be made from a seed alone is '
            "asked for. Name one of {usable}.",
            name=name,
            usable=", ".join(usable),
        )
    maker: Any = made
    return maker(seed=seed)


def _takes_a_seed(made: Any) -> bool:
    """Whether a seed is all that it must be given."""
    if not inspect.isclass(made) or inspect.isabstract(made):
        return False
    asked = inspect.signature(made).parameters.values()
    needed = [p for p in asked if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return not needed and any(p.name == "seed" for p in asked)


def _asked(state: PlanningState, n: int) -> list[Configuration]:
    """The next n settings that were not trained yet; fewer when the sampler knows no others."""
    import optuna

    space, told = space_of(state.problem), _told(state)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        seed = 1000 * state.problem.spec.seed + len(told)
        study = optuna.create_study(sampler=sampler_of(str(state.problem.sampler), seed))
        axes = _axes(space)
        for fact, value in told:
            study.add_trial(optuna.trial.create_trial(params=_parameters(space, fact), distributions=axes, value=value))
        found: dict[Configuration, Configuration] = {}
        for _ in range(MOST_ASKED if axes else 0):
            made = _configuration(state.problem, space, study.ask(axes).params)
            if state.is_new(made):
                found.setdefault(state.problem.effective(made), made)
            if len(found) == n:
                break
        return list(found.values())
    finally:
        optuna.logging.set_verbosity(verbosity)


def _told(state: PlanningState) -> list[tuple[TrialFact, float]]:
    """The sampler's own trials with their log losses; broken ones a little above the highest."""
    own = [f for f in state.history.trials.values() if f.trial.purpose is Purpose.REFINE]
    losses = {f.trial.id: math.log(loss) for f in own if f.state.did_train and 0 < (loss := _loss(f)) < math.inf}
    broken = max(losses.values(), default=0.0) + BROKEN
    return [(f, losses.get(f.trial.id, broken)) for f in own if f.trial.id in losses or f.state in BROKE]


def _loss(fact: TrialFact) -> float:
    return fact.outcomes["validation"].loss if "validation" in fact.outcomes else math.inf


def _axes(space: Space) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    axes: dict[str, Any] = {}
    for name, levels in space.levels.items():
        if name == RATE:
            axes[name] = FloatDistribution(float(levels[0]), float(levels[-1]), log=True)  # type: ignore[arg-type]
        elif is_ordered(name):
            axes[name] = IntDistribution(0, len(levels) - 1)
        else:
            axes[name] = CategoricalDistribution(range(len(levels)))
    return axes


def _parameters(space: Space, fact: TrialFact) -> dict[str, Any]:
    """A trial as the sampler names it: the rate, of other factors the number of the level."""
    c = fact.trial.configuration
    return {
        name: c.learning_rate if name == RATE else levels.index(getattr(c, name))
        for name, levels in space.levels.items()
    }


def _within(rate: float, levels: tuple[Level, ...]) -> float:
    """With three digits, and not beyond the ends for the rounding."""
    low, high = float(levels[0]), float(levels[-1])  # type: ignore[arg-type]
    return min(high, max(low, float(f"{rate:.3g}")))


def _configuration(problem: Problem, space: Space, parameters: dict[str, Any]) -> Configuration:
    return problem.configure(
        {
            name: _within(parameters[name], levels) if name == RATE else levels[parameters[name]]
            for name, levels in space.levels.items()
        }
    )
