"""The benchmark of the description of factors holds it against the world's truth."""

from __future__ import annotations

import pytest

from benchmarks.described import Tally, count, described, true_loss


def test_a_study_is_counted_against_the_truth():
    ground, factors, best = described("bell", 1, 20)
    assert best is not None
    tally = Tally()
    count(tally, ground, factors, best)
    assert tally.levels > 4
    assert 0 < tally.held <= tally.levels
    assert tally.wrong <= tally.told


def test_the_true_loss_is_what_trials_come_to_on_average():
    ground, _, best = described("bell", 1, 20)
    n = ground.facts.n_validation
    seen = [ground.world.answers(best, seed, "validation", n)[1].mean() for seed in range(40)]
    assert true_loss(ground.world, best, n) == pytest.approx(sum(seen) / len(seen), rel=0.02)
