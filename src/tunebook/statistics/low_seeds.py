"""Seeds that came out far below their replicates.

A configuration of which one seed in five loses fifteen points is a risk that its mean hides. A seed is named when it
lies below the mean of its replicates by at least `FAR`, and by more than the noise between all other seeds of the study
explains (externally studentised residual, Student's t, Bonferroni over the trials that have replicates; Cook, Weisberg
1982, section 2.2). It describes what happened and claims nothing about the settings.
"""

from __future__ import annotations

import math

from scipy import special

from tunebook.core.facts import TrialFact
from tunebook.core.findings import LowSeed
from tunebook.statistics.evidence import VALIDATION, Evidence

__all__ = ["low_seeds"]

FAR = 0.05
"""Accuracy below the others' mean from which it is worth a sentence."""
LEVEL = 0.01
FEWEST = 3
"""Seeds of a configuration; of two nobody knows which one is off."""
FEWEST_DF = 4


def low_seeds(evidence: Evidence) -> tuple[LowSeed, ...]:
    """In order of the trials."""
    groups = [facts for facts in evidence.replicates().values() if len(facts) > 1]
    n = sum(map(len, groups))
    found = (_lowest(facts, groups, n) for facts in groups if len(facts) >= FEWEST)
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.trial))


def _lowest(facts: tuple[TrialFact, ...], groups: list[tuple[TrialFact, ...]], n: int) -> LowSeed | None:
    lowest = min(facts, key=_accuracy)
    others = [fact for fact in facts if fact is not lowest]
    mean = sum(map(_accuracy, others)) / len(others)
    total, df = 0.0, 0
    for group in groups:
        values = [_accuracy(fact) for fact in group if fact is not lowest]
        centre = sum(values) / len(values)
        total += sum((value - centre) ** 2 for value in values)
        df += len(values) - 1
    gap = mean - _accuracy(lowest)
    if df < FEWEST_DF or gap < FAR:
        return None
    error = math.sqrt(total / df * (1 + 1 / len(others)))
    p = n * float(special.stdtr(df, -gap / error)) if error > 0 else 0.0
    if p >= LEVEL:
        return None
    return LowSeed(trial=lowest.trial.id, accuracy=_accuracy(lowest), others=mean, n_others=len(others))


def _accuracy(fact: TrialFact) -> float:
    return fact.outcomes[VALIDATION].accuracy
