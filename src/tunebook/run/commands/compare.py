"""Compares any two trials or configurations of a study example by example, and resolves the names that users type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunebook.core.factor import ALIASES, FACTOR_KINDS
from tunebook.core.facts import Floats, History, StudyFacts, TrialFact
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.study import Purpose, StudySpec
from tunebook.errors import NotFoundError
from tunebook.statistics import judge_round
from tunebook.statistics.evidence import VALIDATION
from tunebook.words import Words, words_for

__all__ = ["Comparison", "Differing", "Reference", "compare", "resolve"]

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
            digits (four at least), or a factor's level such as "lora_r=32" or "lr=5e-3": the configuration that moves
            this factor alone, else the baseline where it has that level, else the only configuration that has it.

    Raises: NotFoundError: the name stands for nothing in this study, or for more than one configuration.
    """
    if (text.isdigit() and len(text) < SHORTEST_KEY) or (text.isdigit() and int(text) in history.trials):
        fact = history.trials.get(int(text))
        if fact is None:
            raise NotFoundError(words_for(language).refused_trial(text, sorted(history.trials)))
        return Reference(text, fact.trial.effective.key, (fact.trial.id,))
    words = words_for(language)
    key = _named(text, history, conclusions) or _level(text, history, words) or _by_prefix(text, history, words)
    return Reference(text, key, tuple(f.trial.id for f in _scored(history) if f.trial.effective.key == key))


def _scored(history: History) -> list[TrialFact]:
    return [fact for fact in history.trials.values() if "validation" in fact.outcomes]


def _named(text: str, history: History, conclusions: StudyFindings | None) -> str | None:
    if text == "baseline":
        keys = (f.trial.effective.key for f in history.trials.values() if f.trial.purpose is Purpose.BASELINE)
        return next(keys, history.sealed.get("baseline"))  # where a model proposes, confirm alone trains it
    if conclusions is None:
        return None
    if text == "best" and conclusions.best:
        return conclusions.best.key
    if text == "cheapest" and conclusions.cheapest:
        return conclusions.cheapest.key
    return None


def _level(text: str, history: History, words: Words) -> str | None:
    """The configuration meant by "factor=level", in the study file's own words."""
    name, equals, level = (part.strip() for part in text.partition("="))
    factor = ALIASES.get(name, name)
    if not equals or factor not in FACTOR_KINDS:
        return None
    trials = [fact.trial for fact in history.trials.values() if fact.trial.purpose is not Purpose.REFERENCE]
    having = [trial for trial in trials if _same(trial.configuration.as_dict()[factor], level)]
    for meant in (
        [trial for trial in having if trial.factor == factor],
        [trial for trial in having if trial.purpose is Purpose.BASELINE],
    ):
        if meant:
            return meant[0].effective.key
    keys = sorted({trial.effective.key for trial in having})
    if len(keys) > 1:
        raise NotFoundError(words.refused_reference(text, keys, sorted(history.trials)))
    return keys[0] if keys else None


def _same(value: object, text: str) -> bool:
    if isinstance(value, list | tuple):
        return list(value) == [name.strip() for name in text.strip("[]").split(",")]
    try:
        return float(value) == float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ("null" if value is None else str(value).casefold()) == text.casefold()


def _by_prefix(text: str, history: History, words: Words) -> str:
    keys = sorted({fact.trial.effective.key for fact in history.trials.values()})
    matches = [key for key in keys if key.startswith(text)] if len(text) >= SHORTEST_KEY else []
    if len(matches) == 1:
        return matches[0]
    raise NotFoundError(words.refused_reference(text, matches, sorted(history.trials)))


@dataclass(frozen=True, kw_only=True)
class Differing:
    """A validation example on which A and B differ.

    Attributes:
        difference: A's mean score less B's.
        prompt, gold: empty where the ledger keeps no texts.
        a, b: the answer of each side's first trial.
    """

    index: int
    difference: float
    prompt: str
    gold: str
    a: str
    b: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A compared with B on one split, outside the study's planned contrasts.

    Attributes:
        a, b: the two sides with their trials.
        changes: the factors on which the two differ, as name to (b's value, a's value).
        overall: the finding, a family of one at 0.05 and therefore exploratory; None when a side has no trained trial.
        groups: the findings by group, a family of their own.
        won, lost: numbers of examples on which A's mean score is above and below B's.
        differing: those examples, the largest differences first.
        split, n_examples: on which they were compared.
    """

    a: Reference
    b: Reference
    changes: dict[str, tuple[Any, Any]]
    overall: Finding | None
    groups: tuple[Finding, ...]
    won: int
    lost: int
    differing: tuple[Differing, ...] = ()
    split: str = VALIDATION
    n_examples: int = 0


def compare(
    a: str, b: str, spec: StudySpec, facts: StudyFacts, history: History, conclusions: StudyFindings
) -> Comparison:
    """Compare two references. Raises NotFoundError for an unknown one, or for one without outcomes."""
    first, second = (resolve(each, history, conclusions, spec.language) for each in (a, b))
    judged = judge_round.compare(history, first.trials, second.trials, spec, facts.data)
    mine = history.trials[first.trials[0]].trial.effective
    changes = mine.changes_from(history.trials[second.trials[0]].trial.effective)
    difference = _difference(history, first.trials, second.trials)
    if facts.scale is not None and not facts.scale.is_by_example:
        # of a statistic of all rows, a pseudo-value moves with the other rows too
        difference = difference * _answered_otherwise(history, first.trials, second.trials, len(difference))
    return Comparison(
        a=first,
        b=second,
        changes=changes,
        overall=judged[0] if judged else None,
        groups=tuple(judged[1:]),
        won=int((difference > 0).sum()),
        lost=int((difference < 0).sum()),
        differing=_differing(difference, facts, history, first.trials, second.trials),
        n_examples=len(difference),
    )


def _difference(history: History, a: tuple[int, ...], b: tuple[int, ...]) -> Floats:
    """A's mean score less B's, by validation example; empty where one of them has none."""

    def mean(ids: tuple[int, ...]) -> Floats | None:
        scores = [s for s in (history.trials[each].scores() for each in ids) if s is not None]
        return np.mean(scores, axis=0) if scores else None

    first, second = mean(a), mean(b)
    return np.zeros(0) if first is None or second is None else first - second


def _answered_otherwise(history: History, a: tuple[int, ...], b: tuple[int, ...], n: int) -> NDArray[np.bool_]:
    """Which validation examples the two sides have other answers to, shape (n,)."""

    def answers(ids: tuple[int, ...], index: int) -> set[str]:
        found = (history.trials[each].outcomes.get("validation") for each in ids)
        return {outcomes.answers[index] for outcomes in found if outcomes and outcomes.answers}

    return np.array([answers(a, i) != answers(b, i) for i in range(n)], dtype=bool)


def _differing(
    difference: Floats, facts: StudyFacts, history: History, a: tuple[int, ...], b: tuple[int, ...]
) -> tuple[Differing, ...]:
    texts = facts.examples.get("validation", ())

    def answers(ids: tuple[int, ...], index: int) -> str:
        """The answers of all seeds, with how many gave each where they disagree: one seed's may be the other side's."""
        found = (history.trials[each].outcomes.get("validation") for each in ids)
        counted = Counter(outcomes.answers[index] for outcomes in found if outcomes and outcomes.answers)
        if len(counted) < 2:
            return "".join(counted)
        return " / ".join(f"{answer} ({n})" for answer, n in counted.most_common())

    order = np.argsort(-np.abs(difference), kind="stable").tolist()
    return tuple(
        Differing(
            index=i,
            difference=float(difference[i]),
            prompt=texts[i].prompt if i < len(texts) else "",
            gold=texts[i].gold if i < len(texts) else "",
            a=answers(a, i),
            b=answers(b, i),
        )
        for i in order
        if difference[i]
    )
