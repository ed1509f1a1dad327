"""Compares any two trials or configurations of a study example by example, and resolves the names that users type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.core.facts import Floats, History, StudyFacts, TrialFact
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.study import Purpose, StudySpec
from tunebook.errors import NotFoundError
from tunebook.statistics import judge_round
from tunebook.words import Words, words_for

__all__ = ["Comparison", "Reference", "compare", "resolve"]

SHORTEST_KEY = 4


"""Smallest number of digits of a configuration's key that identifies it."""


@dataclass(frozen=True)
class Reference:
    """A trial or a configuration that the user named.

    Attributes:
        text: what the user typed.
        key: key of the effective configuration.
        trials: the trials that it stands for: one, or all replicates of a configuration.
    """

    text: str
    key: str
    trials: tuple[int, ...]


def resolve(text: str, history: History, conclusions: StudyFindings | None = None, language: str = "en") -> Reference:
    """The trials that a name stands for.

    Args:
        text: a trial's number ("12"), "baseline", "best", "cheapest", the key of a configuration or its first
            digits (four at least), or a factor's level such as "lora_r=32" (the trials of explore that moved it).

    Raises: NotFoundError: the name stands for nothing in this study, or for more than one configuration.
    """
    if (text.isdigit() and len(text) < SHORTEST_KEY) or (text.isdigit() and int(text) in history.trials):
        fact = history.trials.get(int(text))
        if fact is None:
            raise NotFoundError(words_for(language).refused_trial(text, sorted(history.trials)))
        return Reference(text, fact.trial.effective.key, (fact.trial.id,))
    key = _named(text, history, conclusions) or _level(text, history) or _by_prefix(text, history, words_for(language))
    return Reference(text, key, tuple(f.trial.id for f in _scored(history) if f.trial.effective.key == key))


def _scored(history: History) -> list[TrialFact]:
    return [fact for fact in history.trials.values() if "validation" in fact.outcomes]


def _named(text: str, history: History, conclusions: StudyFindings | None) -> str | None:
    if text == "baseline":
        keys = (f.trial.effective.key for f in history.trials.values() if f.trial.purpose is Purpose.BASELINE)
        return next(keys, None)
    if conclusions is None:
        return None
    if text == "best" and conclusions.best:
        return conclusions.best.key
    if text == "cheapest" and conclusions.cheapest:
        return conclusions.cheapest.key
    return None


def _level(text: str, history: History) -> str | None:
    """The configuration of the trials that changed one factor, named as "factor=level"."""
    factor, equals, level = text.partition("=")
    if not equals:
        return None
    for fact in history.trials.values():
        values = fact.trial.configuration.as_dict()
        if fact.trial.factor == factor and factor in values and _same(values[factor], level):
            return fact.trial.effective.key
    return None


def _same(value: object, text: str) -> bool:
    try:
        return float(value) == float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value).casefold() == text.casefold()


def _by_prefix(text: str, history: History, words: Words) -> str:
    keys = sorted({fact.trial.effective.key for fact in history.trials.values()})
    matches = [key for key in keys if key.startswith(text)] if len(text) >= SHORTEST_KEY else []
    if len(matches) == 1:
        return matches[0]
    raise NotFoundError(words.refused_reference(text, matches, sorted(history.trials)))


@dataclass(frozen=True)
class Comparison:
    """A compared with B on the validation split, outside the study's planned contrasts.

    Attributes:
        a, b: the two sides with their trials.
        changes: the factors on which the two differ, as name to (b's value, a's value).
        overall: the finding, a family of one at 0.05 and therefore exploratory; None when a side has no trained trial.
        groups: the findings by group, a family of their own.
        won, lost: numbers of examples on which A's mean score is above and below B's.
    """

    a: Reference
    b: Reference
    changes: dict[str, tuple[Any, Any]]
    overall: Finding | None
    groups: tuple[Finding, ...]
    won: int
    lost: int


def compare(
    a: str, b: str, spec: StudySpec, facts: StudyFacts, history: History, conclusions: StudyFindings
) -> Comparison:
    """Compare two references. Raises NotFoundError for an unknown one, or for one without outcomes."""
    first, second = (resolve(each, history, conclusions, spec.language) for each in (a, b))
    judged = judge_round.compare(history, first.trials, second.trials, spec, facts.data)
    mine = history.trials[first.trials[0]].trial.effective
    changes = mine.changes_from(history.trials[second.trials[0]].trial.effective)
    won, lost = _wins(history, first.trials, second.trials)
    return Comparison(first, second, changes, judged[0] if judged else None, tuple(judged[1:]), won, lost)


def _wins(history: History, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, int]:
    def mean(ids: tuple[int, ...]) -> Floats | None:
        scores = [s for s in (history.trials[each].scores() for each in ids) if s is not None]
        return np.mean(scores, axis=0) if scores else None

    first, second = mean(a), mean(b)
    if first is None or second is None:
        return 0, 0
    difference = first - second
    return int((difference > 0).sum()), int((difference < 0).sum())
