"""Whether the best's corrected interval holds its true accuracy, by a second simulation that shares nothing with the
benchmarks' worlds: no planner, no judging, examples of Beta-distributed difficulty, answers by thresholds.

Full size: `python tests/nullworld/test_corrected_coverage.py 1000`.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tunebook.statistics.selection import Field, corrected_accuracy, leader

CONFIGURATIONS, SEEDS, EXAMPLES = 16, 2, 358


def study(rng: np.random.Generator, spread: float, seed_deviation: float) -> tuple[Field, np.ndarray]:
    """One field of configurations whose true accuracies have that spread, and those accuracies.

    An example is right with probability q_i ** e, q_i ~ Beta(2, 1) and e so that the mean is the wanted accuracy:
    E[q^e] = 2 / (2 + e). Loss is the negative log-likelihood of being right, with a little noise.
    """
    truth = 0.62 + spread * rng.standard_normal(CONFIGURATIONS)
    shift = seed_deviation * rng.standard_normal((CONFIGURATIONS, SEEDS))
    exponent = 2 / np.clip(truth[:, None] + shift, 0.05, 0.99) - 2
    right = rng.beta(2, 1, EXAMPLES) ** exponent[..., None]
    scores = (rng.random(right.shape) < right).astype(float)
    losses = -np.log(right) + 0.05 * rng.standard_normal(right.shape)
    return _field(scores, losses), truth


def _field(scores: np.ndarray, losses: np.ndarray) -> Field:
    """The noise as an outsider would estimate it: between replicates, and what is left of each single answer."""
    both = np.stack([scores, losses])
    both = both - both.mean(axis=2, keepdims=True)
    df = CONFIGURATIONS * (SEEDS - 1)
    shift = both.mean(axis=3)
    between = np.einsum("acs,bcs->ab", shift, shift) / df
    rest = both - shift[..., None]
    single = np.einsum("acsn,bcsn->ab", rest, rest) / (df * (EXAMPLES - 1))
    replicates = np.full(CONFIGURATIONS, float(SEEDS))
    return Field(
        scores=scores.mean(axis=1),
        losses=losses.mean(axis=1),
        replicates=replicates,
        seed_covariance=between,
        answer_covariance=single,
        seed_df=float(df),
    )


def covered(first: int, studies: int, spread: float, seed_deviation: float) -> tuple[float, float, float]:
    """(share of intervals that hold the truth, mean excess of the raw accuracy, mean excess of the corrected one)."""
    held, raw, corrected = 0, [], []
    for number in range(first, first + studies):
        field, truth = study(np.random.default_rng([2026, number]), spread, seed_deviation)
        best = leader(field.scores, field.loss)
        found = corrected_accuracy(field, best, seed=number)
        held += found.low <= truth[best] <= found.high
        raw.append(found.raw - truth[best])
        corrected.append(found.corrected - truth[best])
    return held / studies, float(np.mean(raw)), float(np.mean(corrected))


CASES = [(0.0, 0.02), (0.01, 0.01), (0.02, 0.01), (0.05, 0.02)]


@pytest.mark.parametrize(("spread", "seed_deviation"), CASES)
def test_the_corrected_interval_holds_the_true_accuracy(spread: float, seed_deviation: float) -> None:
    """60 studies at 95 %: fewer than 52 held has a probability of 0.5 %."""
    share, raw, corrected = covered(0, 60, spread, seed_deviation)
    assert share >= 52 / 60
    assert abs(corrected) < max(0.008, abs(raw))


def main() -> None:
    """Print every case at full size."""
    studies = int(sys.argv[1])
    for spread, deviation in CASES:
        share, raw, corrected = covered(10_000, studies, spread, deviation)
        print(
            f"spread {spread:g}, seeds {deviation:g}: {share:.1%} of {studies} hold; raw {100 * raw:+.2f} points, "
            f"corrected {100 * corrected:+.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
