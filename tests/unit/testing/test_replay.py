"""Recorded trials that stand for configurations which were not recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunebook.testing.recorded_table import KEPT_OUT, TUNING, load
from tunebook.testing.replay import Answer, Replay

FOLDER = Path(__file__).parents[3] / "benchmarks/results/recorded/trec6"


@pytest.fixture(scope="module")
def replay() -> Replay:
    table = load(FOLDER)
    return Replay(table, [i for i, split in enumerate(table.split) if split == TUNING])


@pytest.mark.slow
def test_configurations_that_are_left_out_are_predicted_better_than_by_the_mean(replay):
    """Of every other one: each costs a fit of the model."""
    found = Replay(replay.table, replay.rows[::2]).held_out()
    assert found.n == len(replay.rows[::2])
    assert found.accuracy > 0.6
    assert found.accuracy_error < 0.75 * found.spread


def test_only_the_rows_that_were_given_answer(replay):
    kept_out = [i for i, split in enumerate(replay.table.split) if split == KEPT_OUT]
    answered = {replay.answer(replay.table.configurations[i], seed).at[0] for i in kept_out for seed in range(3)}
    assert answered <= set(replay.rows)


def test_seeds_differ_about_as_much_as_recorded_ones(replay):
    c = replay.table.configurations[replay.rows[5]]
    accuracies = [replay.answer(c, seed).scores.mean() for seed in range(40)]
    recorded = np.sqrt(replay.table.accuracy[replay.rows].var(axis=1, ddof=1).mean())
    assert 0.3 * recorded < np.std(accuracies) < 2 * recorded
    assert np.mean(accuracies) == pytest.approx(replay.expected(c)[1], abs=0.04)


def test_a_loss_on_the_way_lies_between_those_that_were_recorded(replay):
    row = next(i for i in replay.rows if not replay.table.broke_at_step[i].any())
    early, quarter, half, end = replay.table.loss_at[row, 0]
    recorded = Answer((row, 0), np.zeros(1), np.zeros(1), 1.0)
    assert replay.loss_at(recorded, 0.25) == pytest.approx(quarter)
    assert min(quarter, half) <= replay.loss_at(recorded, 1 / 3) <= max(quarter, half)
    assert replay.loss_at(recorded, 1.0) == pytest.approx(end)
    assert replay.loss_at(recorded, 0.01) == pytest.approx(early)


def test_a_training_that_broke_has_no_loss_afterwards(replay):
    broke = [(r, c) for r in range(len(replay.table.split)) for c in range(2) if replay.table.broke_at_step[r, c]]
    assert broke
    assert all(replay.loss_at(Answer(at, np.zeros(1), np.zeros(1), 1.0), 1.0) == np.inf for at in broke)
