"""Where training breaks, in words: one reading for the round, the insights, the reasons and the figure. Pure."""

from __future__ import annotations

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS
from tunebook.core.study import TrialState
from tunebook.record.view import View
from tunebook.words import Words

__all__ = ["boundary_sentence", "near_the_edge"]

NEAR_EDGE = 4.0
"""A learning rate within this ratio below one that failed is near the edge."""


def boundary_sentence(view: View, words: Words, number: int | None = None) -> str:
    """Where training breaks, with the settings that the trials of the bracket share; or that it broke at no rate tried.
    Empty when neither is known.

    Args:
        number: as it was known at the end of this round; None: as it is known now.
    """
    boundary = view.conclusions.boundary if number is None else view.boundary_after(number)
    if boundary is None:
        return _not_found(view, words) if number is None else ""
    rate = view.spec.baseline.learning_rate
    shared = {
        view.history.trials[i].trial.configuration.with_values(learning_rate=rate)
        for i in boundary.trials
        if i in view.history.trials
    }
    if len(shared) != 1:
        return words.bracket(boundary)
    configuration = shared.pop()
    where = words.changes(configuration, view.spec.baseline)
    lead = "" if where == words.label("baseline") else where
    fixed = [words.setting(name, getattr(configuration, name)) for name in _moving_the_edge(view)]
    return words.join([words.bracket(boundary, lead), words.bracket_fixed(fixed) if fixed else ""])


def _not_found(view: View, words: Words) -> str:
    """That training broke at no learning rate, where several were tried."""
    tried = {fact.trial.effective.learning_rate for fact in view.trials if fact.state is TrialState.COMPLETED}
    broke = any(view.evidence.how_it_ended(fact) is not None for fact in view.trials)
    return words.no_break(max(tried)) if len(tried) > 1 and not broke else ""


def _moving_the_edge(view: View) -> list[str]:
    """The factors of the study that move the best learning rate, and so probably the one at which training breaks."""
    varied = (factor.name for factor in view.spec.space.factors)
    return [name for name in varied if name != "learning_rate" and FACTOR_KINDS[name].moves_learning_rate]


def near_the_edge(view: View, words: Words, configuration: Configuration) -> str:
    """How far below the rate that failed the recommended one lies, if the edge was looked for at its own settings."""
    boundary = view.conclusions.boundary
    if boundary is None or boundary.failed_at is None:
        return ""
    own = configuration.with_values(learning_rate=1.0)
    asked = [view.history.trials[i].trial.configuration for i in boundary.trials if i in view.history.trials]
    ratio = boundary.failed_at / configuration.learning_rate
    here = any(each.with_values(learning_rate=1.0) == own for each in asked)
    return words.near_edge(boundary.failed_at, ratio) if here and 1 < ratio <= NEAR_EDGE else ""
