"""The simulated engine: deterministic trials, rates that break and collapse, checkpoints, a world of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled
from tunebook.core.ports import Engine, EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.testing.event_recorder import EventRecorder
from tunebook.testing.simulated_engine import SimulatedEngine
from tunebook.testing.world import World

BASE = Configuration(
    learning_rate=2e-4, per_device_train_batch_size=8, lora_r=8, lora_alpha=32, lora_dropout=0.05, max_length=512
)
STOP = 2


def example(i: int) -> TokenizedExample:
    return TokenizedExample((5, 6, 7 + i), (10 + i % 4, STOP))


def workload(kind: str = "generate") -> Workload:
    examples = tuple(example(i) for i in range(200))
    choices = tuple((10 + i, STOP) for i in range(4)) if kind == "choice" else ()
    return Workload(examples, {"validation": examples, "test": examples[:50]}, Scoring(kind, 4, (STOP,), choices), 50)


def run(configuration, seed=1, world=None, kind="generate", folder="", checkpoints=(), splits=("validation",)):
    job = TrialJob(id=7, configuration=configuration, seed=seed, splits=splits, folder=folder, checkpoints=checkpoints)
    recorder = EventRecorder([job])
    SimulatedEngine(EngineOptions(model="none"), world).run(recorder, workload(kind), recorder)
    return recorder


def share_right(result, split="validation"):
    golds = [(e.completion_ids[0],) for e in workload().splits[split]]
    return np.mean([a == g for a, g in zip(result.scores[split].answers, golds, strict=True)])


def test_engine_fulfils_the_protocol():
    assert isinstance(SimulatedEngine(EngineOptions(model="none")), Engine)


def test_trial_depends_on_configuration_and_seed_alone():
    first, again = run(BASE).results[7], run(BASE).results[7]
    other = run(BASE, seed=2).results[7]
    assert first.scores["validation"].answers == again.scores["validation"].answers
    assert np.array_equal(first.scores["validation"].nll, again.scores["validation"].nll)
    assert first.curve == again.curve
    assert first.scores["validation"].answers != other.scores["validation"].answers


def test_mean_accuracy_over_seeds_is_that_of_the_surface():
    world = World(seed=3)
    n = 4000
    means = [world.answers(BASE, seed, "validation", n)[0].mean() for seed in range(40)]
    assert abs(np.mean(means) - world.accuracy(BASE)) < 3 * 0.5 / np.sqrt(n) + 0.005


def test_seed_deviation_is_that_of_the_world():
    world = World(seed_deviation=0.03)
    means = np.array([world.answers(BASE, seed, "validation", 20_000)[0].mean() for seed in range(200)])
    assert 0.025 < means.std(ddof=1) < 0.036


def test_loss_is_lower_where_accuracy_is_higher():
    world = World()
    better = BASE.with_values(learning_rate=6e-4)
    assert world.accuracy(better) > world.accuracy(BASE)
    assert world.answers(better, 1, "validation", 500)[1].mean() < world.answers(BASE, 1, "validation", 500)[1].mean()


def test_rate_far_above_the_cliff_diverges_at_a_step():
    result = run(BASE.with_values(learning_rate=0.02)).results[7]
    assert result.broke_at_step is not None
    assert result.reason in ("loss_rose", "non_finite_loss")
    assert result.scores == {}
    assert result.curve.steps[-1].loss > 1.5 * result.curve.steps[0].loss


def test_rate_just_below_the_edge_gives_one_constant_answer():
    world = World(cliff_deviation=0.0, collapse_below=0.5)
    result = run(BASE.with_values(learning_rate=0.8 * world.cliff_of(BASE)), world=world).results[7]
    assert result.broke_at_step is None
    assert len(set(result.scores["validation"].answers)) == 1


def test_null_world_has_one_accuracy_everywhere_and_no_edge():
    world = World.null(0.5)
    configurations = [BASE.with_values(learning_rate=rate, lora_r=r) for rate in (1e-5, 1e-1) for r in (4, 64)]
    assert {world.accuracy(c) for c in configurations} == {0.5}
    assert all(world.breaking(c, 1) is None for c in configurations)


def test_checkpoint_scores_as_the_shorter_trial_would():
    longer = BASE.with_values(lr_scheduler_type="constant", num_train_epochs=5)
    result = run(longer, checkpoints=((3, 9),)).results
    alone = run(longer.with_values(num_train_epochs=3)).results[7]
    assert result[9].scores["validation"].answers == alone.scores["validation"].answers
    assert result[9].cost.train_seconds == 0
    assert result[9].curve.steps[-1].step == 75


def test_choice_answers_are_indices_of_the_options():
    answers = run(BASE, kind="choice").results[7].scores["validation"].answers
    assert set(answers) <= {0, 1, 2, 3}


def test_untrained_reference_is_weak_and_has_no_steps():
    sink = run(BASE.with_values(num_train_epochs=0))
    assert sink.losses == {}
    assert share_right(sink.results[7]) < 0.3


def test_answers_are_right_as_often_as_the_world_says():
    right, _ = World().answers(BASE, 1, "validation", 200)
    assert share_right(run(BASE).results[7]) == right.mean()


def test_stop_request_leaves_the_trial_unfinished():
    recorder = EventRecorder(
        [TrialJob(id=1, configuration=BASE, seed=1, splits=("validation",), folder="")], lambda told: True
    )
    SimulatedEngine(EngineOptions(model="none")).run(recorder, workload(), recorder)
    assert recorder.events == []


def test_a_cancelled_trial_has_no_result_and_the_next_one_has():
    jobs = [TrialJob(id=number, configuration=BASE, seed=1, splits=("validation",), folder="") for number in (1, 2)]
    recorder = EventRecorder(jobs, cancelled=[1])
    SimulatedEngine(EngineOptions(model="none", extra={"sleep_seconds": 0.01})).run(recorder, workload(), recorder)
    assert recorder.of(Cancelled) == [Cancelled(1)]
    assert list(recorder.results) == [2]


def test_adapter_is_written_in_pefts_form(tmp_path):
    run(BASE, folder=str(tmp_path / "7"))
    assert {path.name for path in (tmp_path / "7").iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}


def test_world_is_read_from_the_options():
    engine = SimulatedEngine(EngineOptions(model="none", extra={"world": {"cliff": 0.002, "seed": 4}}))
    assert engine.world == World(cliff=0.002, seed=4)


def test_unknown_setting_of_the_world_is_refused():
    with pytest.raises(TypeError):
        SimulatedEngine(EngineOptions(model="none", extra={"world": {"clif": 1}}))
