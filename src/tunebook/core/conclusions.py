"""What a whole study supports, from its history: `conclude`."""

from __future__ import annotations

import numpy as np

from tunebook.core.facts import DataFacts, History
from tunebook.core.findings import Noise, StudyFindings
from tunebook.core.stats.intervals import accuracy_interval
from tunebook.core.stats.noise import pooled_noise, replicates
from tunebook.core.study import StudySpec

__all__ = ["conclude"]


def conclude(history: History, spec: StudySpec, facts: DataFacts) -> StudyFindings:
    """Everything that the study supports, as of now."""
    deviation, df, from_prior = pooled_noise(history)
    accuracies = {}
    for key, group in replicates(history).items():
        scores = np.stack([f.outcomes["validation"].scores for f in group])
        low, high = accuracy_interval(scores, deviation, df or float("inf"))
        accuracies[key] = (float(scores.mean()), low, high)
    return StudyFindings(Noise(deviation, df, from_prior, {}, 1.0), tuple(history.findings), accuracies)
