"""A conformance suite for engines. Subclass `EngineSuite` and give it your engine.

    class TestMyEngine(EngineSuite):
        entry = MY_ENGINE

        @pytest.fixture
        def options(self, tmp_path):
            return EngineOptions(str(my_tiny_model(tmp_path)), threads=1)

The workload consists of token ids from 7 to 59, with 3 as the end of an answer; `testing.tiny_model` writes a model for
it (`write_tiny_model(folder, WORDS)`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Step
from tunebook.core.order import steps_per_epoch
from tunebook.core.ports import Engine, EngineEntry, EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.core.trial_result import RawTrial
from tunebook.executors import resolve
from tunebook.testing.event_recorder import EventRecorder

__all__ = ["WORDS", "EngineSuite"]

WORDS = tuple(f"word{i}" for i in range(60))
"""A vocabulary that is large enough for the workload."""
END = 3


def _examples(n: int, seed: int) -> tuple[TokenizedExample, ...]:
    random = np.random.default_rng(seed)
    return tuple(
        TokenizedExample(tuple(map(int, random.integers(7, 60, 6))), (int(random.integers(7, 12)), END))
        for _ in range(n)
    )


class EngineSuite:
    """What every engine must do. Takes seconds with a tiny model.

    Attributes:
        entry: the engine's entry.
        configuration: the configuration to train unless a test changes it.
        breaking: a configuration whose training breaks; None: there is none.
        failing: a configuration that this engine cannot train on the workload and reports as failed; None: there is
            none.
        refused: a configuration that `refuses` gives a reason for; None: it refuses none.
    """

    entry: ClassVar[EngineEntry]
    configuration: ClassVar[Configuration] = Configuration(
        learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=2, lora_r=4, lora_alpha=8,
        target_modules="all-linear", lr_scheduler_type="constant",
    )  # fmt: skip
    breaking: ClassVar[Configuration | None] = None
    failing: ClassVar[Configuration | None] = None
    refused: ClassVar[Configuration | None] = None

    @pytest.fixture
    def options(self) -> EngineOptions:
        """The options that the engine is created with."""
        raise NotImplementedError("give the suite a fixture `options`")

    @pytest.fixture
    def engine(self, options: EngineOptions) -> Engine:
        """A new engine, created as in the worker."""
        made: Engine = resolve(self.entry.factory)(options)
        return made

    @pytest.fixture
    def workload(self) -> Workload:
        """Ten training and six validation examples."""
        scoring = Scoring(max_new_tokens=4, stop_ids=(END,))
        return Workload(_examples(10, 0), {"validation": _examples(6, 1)}, scoring, curve_examples=3)

    # --- what the study file promises --------------------------------------------------------------------------

    def test_the_entry_says_what_the_engine_is(self, engine: Engine) -> None:
        assert isinstance(engine, Engine)
        assert engine.folding == self.entry.folding

    def test_it_refuses_what_it_cannot_train_and_nothing_else(self, engine: Engine) -> None:
        assert engine.refuses(self.configuration) is None
        if self.refused is not None:
            reason = engine.refuses(self.refused)
            assert reason
            assert engine.refuses(self.refused) == reason

    # --- training and scoring ----------------------------------------------------------------------------------

    def test_a_trial_is_trained_and_scored(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        recorder = _run(engine, workload, self._job(tmp_path))
        result = recorder.results[1]
        scores = result.scores["validation"]
        assert len(scores.answers or scores.texts) == len(workload.splits["validation"])
        assert np.isfinite(scores.nll).all()
        assert (scores.nll > 0).all()
        assert scores.n_label_tokens == tuple(len(e.completion_ids) for e in workload.splits["validation"])
        assert result.cost.train_seconds >= 0
        if self.entry.trains:
            assert (tmp_path / "1" / "adapter_model.safetensors").is_file()

    def test_its_curve_has_every_step_and_epoch(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        recorder = _run(engine, workload, self._job(tmp_path))
        c = self.configuration
        total = steps_per_epoch(len(workload.train), c.effective_batch_size) * c.num_train_epochs
        records = [event.record for event in recorder.of(Step)]
        assert [record.step for record in records] == list(range(1, total + 1))
        assert recorder.results[1].curve.steps == tuple(records)
        assert all(math.isfinite(record.loss) for record in records)
        assert math.isclose(records[-1].epoch, c.num_train_epochs, rel_tol=1e-6)
        assert [each.epoch for each in recorder.results[1].curve.evaluations] == [1.0, 2.0]
        assert records[-1].loss < records[0].loss

    def test_no_epochs_score_the_base_model(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        recorder = _run(engine, workload, self._job(tmp_path, 0, self.configuration.with_values(num_train_epochs=0)))
        assert recorder.of(Step) == []
        assert len(recorder.results[0].scores["validation"].nll) == len(workload.splits["validation"])

    def test_it_scores_the_splits_that_are_asked_for(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        both = replace(workload, splits={**workload.splits, "test": _examples(5, 2)})
        recorder = _run(
            engine, both, replace(self._job(tmp_path), splits=("validation", "test")), self._job(tmp_path, 2)
        )
        assert {split: len(s.nll) for split, s in recorder.results[1].scores.items()} == {"validation": 6, "test": 5}
        assert recorder.results[2].scores.keys() == {"validation"}

    def test_a_checkpoint_is_the_shorter_trial(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        if not self.entry.folding.checkpoints:
            pytest.skip("it folds no checkpoints")
        longer = replace(self._job(tmp_path / "a"), checkpoints=((1, 5),))
        shorter = self._job(tmp_path / "b", 2, self.configuration.with_values(num_train_epochs=1))
        recorder = _run(engine, workload, longer, shorter)
        assert _equal(recorder.results[5], recorder.results[2], 1e-6)

    # --- randomness --------------------------------------------------------------------------------------------

    def test_a_seed_is_a_result(
        self, engine: Engine, options: EngineOptions, workload: Workload, tmp_path: Path
    ) -> None:
        """The same seed gives the same trial, also in another process; another seed gives another trial."""
        once = _run(engine, workload, self._job(tmp_path / "a")).results[1]
        fresh: Engine = resolve(self.entry.factory)(options)
        again = _run(fresh, workload, self._job(tmp_path / "b")).results[1]
        other = _run(fresh, workload, replace(self._job(tmp_path / "c"), seed=8)).results[1]
        assert _equal(once, again)
        assert [s.loss for s in once.curve.steps] == [s.loss for s in again.curve.steps]
        assert not _equal(once, other)

    def test_a_result_does_not_depend_on_the_other_trials(
        self, engine: Engine, workload: Workload, tmp_path: Path
    ) -> None:
        alone = _run(engine, workload, self._job(tmp_path / "a", 3)).results[3]
        others = [self.configuration.with_values(lora_r=8), self.configuration.with_values(num_train_epochs=1)]
        jobs = [self._job(tmp_path / "b", i + 1, c) for i, c in enumerate([*others, self.configuration])]
        assert _equal(alone, _run(engine, workload, *jobs).results[3])

    # --- trouble -----------------------------------------------------------------------------------------------

    def test_every_trial_ends_once(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        recorder = _run(engine, workload, *(self._job(tmp_path, i) for i in range(1, 3)))
        ends = Counter(event.trial for event in recorder.events if isinstance(event, Finished | Failed | Cancelled))
        assert ends == {1: 1, 2: 1}

    def test_a_training_that_breaks_is_a_result(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        if self.breaking is None:
            pytest.skip("no configuration breaks it")
        recorder = _run(engine, workload, self._job(tmp_path, 1, self.breaking), self._job(tmp_path, 2))
        assert recorder.results[1].broke_at_step is not None
        assert recorder.results[1].reason
        assert recorder.results[1].scores == {}
        assert recorder.results[2].broke_at_step is None

    def test_a_trial_that_fails_leaves_the_others_alone(
        self, engine: Engine, workload: Workload, tmp_path: Path
    ) -> None:
        if self.failing is None:
            pytest.skip("no configuration fails")
        recorder = _run(engine, workload, self._job(tmp_path, 1, self.failing), self._job(tmp_path, 2))
        assert recorder.failures[1].message
        assert recorder.results.keys() == {2}
        assert _equal(recorder.results[2], _run(engine, workload, self._job(tmp_path, 2)).results[2])

    def test_it_takes_nothing_once_it_is_told_to_stop(self, engine: Engine, workload: Workload, tmp_path: Path) -> None:
        recorder = EventRecorder([self._job(tmp_path)], lambda _: True)
        engine.run(recorder, workload, recorder)
        assert not recorder.results

    def test_it_stops_when_asked_and_goes_on_where_it_was(
        self, engine: Engine, options: EngineOptions, workload: Workload, tmp_path: Path
    ) -> None:
        jobs = [self._job(tmp_path, i) for i in range(1, 4)]
        stopped = EventRecorder(jobs, lambda told: len(told.of(Step)) > 1)
        engine.run(stopped, workload, stopped)
        rest = [job for job in jobs if job.id not in stopped.results]
        assert stopped.events
        assert rest
        fresh: Engine = resolve(self.entry.factory)(options)
        results = stopped.results | _run(fresh, workload, *rest).results
        unbroken = _run(fresh, workload, *(replace(job, folder=str(tmp_path / "u" / str(job.id))) for job in jobs))
        assert results.keys() == unbroken.results.keys()
        assert all(_equal(results[number], unbroken.results[number]) for number in results)

    def test_a_cancelled_trial_ends_and_the_others_go_on(
        self, engine: Engine, workload: Workload, tmp_path: Path
    ) -> None:
        recorder = EventRecorder([self._job(tmp_path, i) for i in (1, 2)], cancelled=(1,))
        engine.run(recorder, workload, recorder)
        assert [event.trial for event in recorder.of(Cancelled)] == [1]
        assert recorder.results.keys() == {2}

    def _job(self, folder: Path, number: int = 1, configuration: Configuration | None = None) -> TrialJob:
        return TrialJob(
            id=number,
            configuration=configuration or self.configuration,
            seed=7,
            splits=("validation",),
            folder=str(folder / str(number)),
        )


def _run(engine: Engine, workload: Workload, *jobs: TrialJob) -> EventRecorder:
    recorder = EventRecorder(jobs)
    engine.run(recorder, workload, recorder)
    return recorder


def _equal(a: RawTrial, b: RawTrial, tolerance: float = 0.0) -> bool:
    """Whether two trials have the same answers and likelihoods."""
    one, other = a.scores["validation"], b.scores["validation"]
    same_answers = one.answers == other.answers and one.texts == other.texts
    return same_answers and np.allclose(one.nll, other.nll, rtol=tolerance, atol=0)
