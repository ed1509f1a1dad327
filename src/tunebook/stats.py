"""tunebook's judge for outcomes from anywhere: two groups of runs, scored on the same examples, compared as a study
compares two configurations. Loads NumPy and SciPy, no model.

    >>> import numpy as np
    >>> from tunebook.stats import compare
    >>> rng = np.random.default_rng(0)
    >>> easy = rng.random(400)
    >>> new = [(easy + rng.normal(0, 0.1, 400) < 0.75).astype(float) for _ in range(3)]
    >>> old = [(easy + rng.normal(0, 0.1, 400) < 0.60).astype(float) for _ in range(3)]
    >>> found = compare(new, old)
    >>> found.verdict.value, found.interval[0] > 0
    ('better', True)

docs/method.md says how the numbers are made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tunebook.core.configuration import Configuration
from tunebook.core.facts import Floats, History, Outcomes, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import Contrast, ContrastKind, Purpose, RoundKind, Trial, TrialState
from tunebook.errors import UserError
from tunebook.statistics.judge_round import judge

__all__ = ["Finding", "Verdict", "compare"]


def compare(a: ArrayLike, b: ArrayLike, margin: float = 0.03, alpha: float = 0.05) -> Finding:
    """Compare two groups of runs, paired example by example.

    Args:
        a, b: scores in [0, 1], shape (seeds, examples), or (examples,) for a single run. Both have the same examples in
            the same order; the numbers of seeds may differ.
        margin: differences smaller than this do not matter to you; for the verdict "equivalent".
        alpha: error rate of this one comparison. Whoever makes several divides it by their number.

    Returns: the difference a - b with its interval at level 1 - alpha, p-value and verdict. With less than four degrees
        of freedom for the noise between seeds (fewer than six runs in the two groups) it is provisional: a stated prior
        of two points stands in for what is missing. With a single run on a side it has no verdict and the warning
        "one_seed": between two runs `p_mcnemar` speaks of these two alone.

    Raises: UserError: arrays of other shapes, or scores outside [0, 1].
    """
    sides = [_scores("a", a), _scores("b", b)]
    if sides[0].shape[1] != sides[1].shape[1]:
        raise UserError(
            "compare: a has {n_a} examples and b {n_b}; both are scored on the same ones, in the same "
            "order. Leave out what only one of them has.",
            n_a=sides[0].shape[1],
            n_b=sides[1].shape[1],
        )
    rows = [(rank, row) for rank, side in enumerate(sides, start=1) for row in side]
    trials = {number: _fact(number, rank, row) for number, (rank, row) in enumerate(rows)}
    first, second = range(len(sides[0])), range(len(sides[0]), len(rows))
    contrast = Contrast(kind=ContrastKind.DIFFERENCE, treatment=tuple(first), control=tuple(second), label="compare")
    return judge((contrast,), History(trials=trials), alpha, margin)[0]


def _scores(name: str, values: ArrayLike) -> Floats:
    scores = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if scores.ndim != 2 or scores.size == 0:
        raise UserError(
            "compare: {name} has shape {shape}; it is (seeds, examples). Give one row a run.",
            name=name,
            shape=scores.shape,
        )
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1):
        raise UserError(
            "compare: {name} has scores outside [0, 1], or nan. Scale them, or leave such runs out.", name=name
        )
    return scores


def _fact(number: int, group: int, scores: Floats) -> TrialFact:
    """A run as the judge knows it; the two groups differ in a setting that stands for whatever they differ in."""
    c = Configuration(lora_r=group)
    trial = Trial(
        id=number, round=1, kind=RoundKind.EXPLORE, purpose=Purpose.LEVEL, configuration=c, effective=c, seed=number
    )
    return TrialFact(
        trial=trial, state=TrialState.COMPLETED, outcomes={"validation": Outcomes(scores, np.full(len(scores), np.nan))}
    )
