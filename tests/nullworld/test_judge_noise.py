"""The intervals hold the noise of a judge, and hold it once (decision 095)."""

from __future__ import annotations

import pytest

from benchmarks.judgenoise import coverage


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_intervals_hold_the_noise_of_a_judge(noise: float) -> None:
    made, added = coverage(80, noise, pairs=600)
    assert 0.93 <= made <= 0.97  # standard error 0.9 points
    assert added == made if noise == 0 else added > 0.975
