"""The model of everything trained so far."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.statistics.surrogate import expected_improvement, fit


def bowl(log_rate: np.ndarray) -> np.ndarray:
    return 0.5 + 0.1 * (log_rate + 7.0) ** 2


def test_it_finds_the_bottom_between_the_trials_and_is_surer_near_them():
    x = np.array([[-9.5], [-8.3], [-6.4], [-5.2]])
    model = fit(x, np.ones(4), bowl(x[:, 0]))
    grid = np.linspace(-9.5, -5.2, 44)[:, None]
    mean, deviation = model.mean_and_deviation(grid)
    assert abs(grid[mean.argmin(), 0] + 7.0) < 0.4
    assert deviation[np.abs(grid[:, 0] + 8.3).argmin()] < deviation[np.abs(grid[:, 0] + 7.3).argmin()]
    assert np.allclose(np.sqrt(np.diag(model.covariance(grid))), deviation, atol=1e-4)


def test_stopped_trials_tell_where_the_bottom_lies():
    """One trial to its end and five stopped ones, whose losses are all higher by the same."""
    rates = np.linspace(-9.5, -5.2, 6)
    x = np.append(rates, -9.5)[:, None]
    shares = np.append(np.full(6, 0.33), 1.0)
    model = fit(x, shares, np.append(bowl(rates) + 0.6, bowl(np.array([-9.5]))))
    mean = model.mean(np.array([[-9.5], [-7.0]]))
    assert mean[1] < mean[0] - 0.1


def test_a_trial_that_came_out_as_expected_leaves_the_mean_and_lowers_the_doubt():
    x = np.array([[-9.0, 0.0], [-8.0, 1.0], [-7.0, 0.0]])
    model = fit(x, np.ones(3), np.array([1.0, 0.8, 0.9]))
    at = np.array([[-7.5, 1.0]])
    after = model.with_expected(at[0])
    assert after.mean(at) == pytest.approx(model.mean(at), abs=0.02)
    assert after.mean_and_deviation(at)[1] < 0.7 * model.mean_and_deviation(at)[1]


def test_expected_improvement_of_a_sure_value_is_the_difference():
    gain = expected_improvement(1.0, np.array([0.8, 1.2]), np.array([1e-9, 1e-9]))
    assert gain == pytest.approx([0.2, 0.0])
