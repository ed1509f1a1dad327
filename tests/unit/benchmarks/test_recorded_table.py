"""The recorded table: its design, and that a run that was killed goes on to the same table."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import numpy as np
import pytest
from forked import Forked

from benchmarks.recorded import Task, record, summary
from tests.equivalence.tiny_models import END, examples, tiny_model
from tunebook.core.configuration import Configuration
from tunebook.core.ports import Scoring
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.testing.recorded_table import (
    FRACTIONS,
    KEPT_OUT,
    TUNING,
    design,
    finished_shards,
    load,
    marks,
    split_of,
)

CONFIGURATIONS = (
    Configuration(learning_rate=1e-3, lora_r=4, num_train_epochs=2, per_device_train_batch_size=2),
    Configuration(learning_rate=1e-2, lora_r=8, num_train_epochs=2, per_device_train_batch_size=4, lora_dropout=0.1),
    Configuration(learning_rate=1e30, lora_alpha=1e30, lora_r=4, num_train_epochs=2, per_device_train_batch_size=2),
    Configuration(learning_rate=3e-3, lora_r=4, num_train_epochs=4, per_device_train_batch_size=1),
)


def judge(raw):
    answers = [" ".join(map(str, ids)) for ids in raw.answers]
    return [float(len(answer) % 2) for answer in answers], answers, [True] * len(answers)


def task(**changes):
    values = {
        "name": "tiny", "configurations": CONFIGURATIONS, "seeds": (0, 1), "split": split_of(CONFIGURATIONS),
        "train": examples(8), "validation": examples(6, seed=1), "n_partial": 4,
        "scoring": Scoring(max_new_tokens=3, stop_ids=(END,)), "judge": judge, "commonest_share": 0.5, "header": {},
        "cohort": 1,
    }  # fmt: skip
    return Task(**{**values, **changes})


@pytest.fixture(scope="module")
def packed():
    return PackedModel(tiny_model())


@pytest.fixture(scope="module")
def whole(packed, tmp_path_factory):
    """The folder of a table that was recorded at once."""
    folder = tmp_path_factory.mktemp("whole")
    record(packed, task(), folder)
    return folder


def same(a, b):
    """Whether two tables hold the same numbers, times aside."""
    curves = all(
        np.array_equal(x, y, equal_nan=True)
        for one, other in zip(a.curves, b.curves, strict=True)
        for x, y in zip(one, other, strict=True)
    )
    fields = ("losses", "scores", "raw_tokens", "broke_at_step", "untrained_losses")
    numbers = all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in fields)
    return curves and numbers and a.configurations == b.configurations and (a.reasons == b.reasons).all()


def test_any_beginning_of_the_design_fills_the_space():
    whole = design(160)
    assert design(64) == whole[:64]
    assert len({c.key for c in whole}) == 160
    for part in (whole[:16], whole):
        octaves = Counter(int(4 * np.log(c.learning_rate / 5e-5) / np.log(400)) for c in part)
        assert all(octaves[quarter] == len(part) // 4 for quarter in range(4))
        for name in ("lora_r", "per_device_train_batch_size", "num_train_epochs", "lora_dropout"):
            counts = Counter(getattr(c, name) for c in part)
            assert min(counts.values()) >= len(part) / len(counts) - 2
    assert {c.lr_scheduler_type for c in whole} == {"linear", "cosine", "constant", "constant_with_warmup"}


def test_half_of_any_beginning_is_kept_out():
    splits = split_of(design(160))
    for n in (16, 100, 160):
        assert splits[:n].count(KEPT_OUT) == splits[:n].count(TUNING) == n / 2
    assert len(set(splits[::2])) == 2, "which of two neighbours is kept out must vary"


def test_marks_are_steps():
    assert marks(16) == (2, 4, 8, 16)
    assert marks(3) == (1, 1, 2, 3)


def test_a_table_holds_every_trial(whole):
    table = load(whole)
    assert table.configurations == CONFIGURATIONS
    assert table.losses.shape == (4, 2, len(FRACTIONS), 6)
    trained = table.broke_at_step == 0
    assert trained[[0, 1, 3]].all()
    assert np.isfinite(table.losses[0, :, :, :4]).all()
    assert np.isnan(table.losses[0, :, :-1, 4:]).all(), "only the first examples are evaluated before the end"
    assert np.isfinite(table.losses[0, :, -1]).all()
    assert set(np.unique(table.scores[trained])) <= {0.0, 1.0}
    assert [len(curve) for curve in table.curves[0]] == [8, 8]
    assert not np.array_equal(table.losses[0, 0], table.losses[0, 1], equal_nan=True), "seeds differ"


def test_a_trial_that_broke_is_a_fact(whole):
    table = load(whole)
    assert (table.broke_at_step[2] > 0).all()
    assert (table.reasons[2] != "").all()
    assert np.isnan(table.scores[2]).all()
    assert (table.accuracy[2] == 0).all()
    assert np.isinf(table.loss[2]).all()
    assert np.isinf(table.loss_at[2, :, -1]).all()
    assert np.isfinite(table.loss_at[[0, 1, 3]]).all()
    assert table.loss_at[0, 0, 1] == table.losses[0, 0, 1, :4].mean()
    assert "trials that did not train" in summary(table)


def test_numbers_depend_on_configuration_and_seed_alone(packed, whole, tmp_path):
    record(packed, task(cohort=3), tmp_path, threads=2)
    assert same(load(tmp_path), load(whole))


def test_a_killed_run_goes_on_to_the_same_table(packed, whole, tmp_path):
    def slowly() -> int:
        record(PackedModel(tiny_model()), task(), tmp_path, tell=lambda line: time.sleep(60))
        return 0

    child = Forked(slowly)
    while not list(tmp_path.glob("shards/*.npz")):
        assert child.ended() is None, child.errors
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = finished_shards(tmp_path)
    assert 0 < len(before) < len(CONFIGURATIONS)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.glob("shards/*.npz")}
    record(packed, task(), tmp_path)
    assert same(load(tmp_path), load(whole))
    assert all(file.stat().st_mtime_ns == when for file, when in kept.items()), "what was there is not done again"


def test_half_a_shard_is_not_a_shard(packed, whole, tmp_path):
    record(packed, task(), tmp_path, go_on=iter([True, False]).__next__)
    record(packed, task(), tmp_path, first=2)
    assert finished_shards(tmp_path) == {0, 1}
    assert load(tmp_path).configurations == CONFIGURATIONS[:2]
    (tmp_path / "shards" / ".00002.npz.writing").write_bytes(b"PK")
    record(packed, task(), tmp_path)
    assert same(load(tmp_path), load(whole))


def test_another_table_is_refused(packed, whole):
    with pytest.raises(ValueError, match=r"another table.*n_train differ"):
        record(packed, task(train=examples(7)), whole)
