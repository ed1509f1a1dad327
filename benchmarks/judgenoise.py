"""Whether intervals hold the noise of a judge that differs from itself (decision 095).

    python -m benchmarks.judgenoise            # ten seconds

Two trials whose answers differ in half of the examples, graded by a judge with noise; equal answers share a judgement.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import contrast_matrix, estimate

__all__ = ["coverage", "main"]

PAIRS = 4000
SPREAD = 0.25
"""Standard deviation of the true quality of answers, on a scale from 0 to 1."""
SHARE_DIFFERENT = 0.5


def coverage(n: int, noise: float, pairs: int = PAIRS, seed: int = 0) -> tuple[float, float]:
    """How often the 95 % interval holds the true difference, as it is made and with 2 noise^2 / n added.

    Args:
        n: examples.
        noise: standard deviation of a judgement around the true quality, on the same scale.
    """
    chance = np.random.default_rng(seed)
    weights, none = contrast_matrix([((0,), (1,))], [0, 1]), SeedNoise(np.zeros((1, 1)), 1e6)
    held = np.zeros(2)
    for _ in range(pairs):
        quality = 0.5 + SPREAD * chance.standard_normal((2, n))
        scores = quality + noise * chance.standard_normal((2, n))
        same = chance.random(n) >= SHARE_DIFFERENT
        scores[1, same] = scores[0, same]
        found = estimate(scores, weights, none, pseudo=0.0)
        variance, t = float(found.covariance[0, 0]), float(special.stdtrit(found.df[0], 0.975))
        added = 2 * noise**2 * SHARE_DIFFERENT / n
        for i, each in enumerate((variance, variance + added)):
            held[i] += abs(float(found.effect[0])) <= t * np.sqrt(each)
    return float(held[0] / pairs), float(held[1] / pairs)


def main() -> None:
    """Print a table of cells."""
    print("| examples | noise of a judgement | as made | added once more |\n|---|---|---|---|")
    for n in (50, 358):
        for noise in (0.0, 0.1, 0.25, 0.5):
            made, added = coverage(n, noise)
            print(f"| {n} | {noise:g} | {100 * made:.1f} % | {100 * added:.1f} % |")


if __name__ == "__main__":
    main()
