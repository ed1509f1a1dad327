import os
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from tunebook.record.tensorboard import TensorBoardWriter, rebuild, run_name


@pytest.fixture(scope="module")
def board(study, tmp_path_factory):
    spec, _, history, _, _ = study
    folder = tmp_path_factory.mktemp("board")
    rebuild(folder, history, spec)
    return folder


def loaded(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def hparams(accumulator, tag):
    content = accumulator.summary_metadata[tag].plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def test_curves_are_those_of_the_ledger(board, study):
    spec, _, history, _, _ = study
    fact = history.trials[8]
    run = loaded(board / run_name(fact.trial, spec.baseline.as_dict()))
    assert [event.step for event in run.Scalars("train/loss")] == [s.step for s in fact.curve.steps]
    assert run.Scalars("train/loss")[-1].value == pytest.approx(fact.curve.steps[-1].loss, rel=1e-6)
    assert [event.step for event in run.Scalars("epoch/validation_loss")] == [1, 2, 3]
    assert [event.step for event in run.Scalars("epoch/train_loss")] == [1, 2, 3]
    assert {"train/learning_rate", "train/gradient_norm"} <= set(run.Tags()["scalars"])
    accuracy = fact.outcomes["validation"].accuracy
    assert run.Scalars("result/validation_accuracy")[0].value == pytest.approx(accuracy, rel=1e-6)


def test_runs_are_named_by_trial_and_change(study):
    spec, _, history, _, _ = study
    names = {i: run_name(f.trial, spec.baseline.as_dict()) for i, f in history.trials.items()}
    assert names[1] == "round-1-explore/trial-001 baseline"
    assert names[8] == "round-1-explore/trial-008 learning_rate=0.0006"
    assert len(set(names.values())) == len(names)
    assert all(".." not in name and Path(name).parts[0].startswith("round-") for name in names.values())


def test_hparams_have_values_metrics_and_an_end(board, study):
    spec, _, history, _, _ = study
    experiment = hparams(loaded(board), metadata.EXPERIMENT_TAG).experiment
    shown = {info.name for info in experiment.hparam_infos}
    assert shown == {"learning_rate", "lora_r", "lora_dropout", "num_train_epochs", "effective_batch_size",
                     "purpose"}  # fmt: skip
    metrics = {info.name.tag for info in experiment.metric_infos}
    run = loaded(board / run_name(history.trials[8].trial, spec.baseline.as_dict()))
    start = hparams(run, metadata.SESSION_START_INFO_TAG).session_start_info
    assert start.hparams["learning_rate"].number_value == 6e-4
    assert metrics <= set(run.Tags()["scalars"])
    assert hparams(run, metadata.SESSION_END_INFO_TAG).session_end_info.status == 1


def test_custom_scalars_group_each_round(board):
    folders = sorted(path for path in board.iterdir() if path.is_dir())
    assert len(folders) == 5
    for number, folder in enumerate(folders, 1):
        tensor = loaded(folder).Tensors(layout_metadata.CONFIG_SUMMARY_TAG)[0].tensor_proto
        layout = layout_pb2.Layout.FromString(tensor.string_val[0])
        assert layout.category[0].chart[0].multiline.tag == [rf"loss_by_round/round_{number}$"]


def test_unwritable_folder_is_one_warning_and_never_an_end(study, tmp_path):
    spec, _, history, _, _ = study
    (tmp_path / "board").write_text("in the way", encoding="utf-8")
    told = []
    writer = TensorBoardWriter(tmp_path / "board", spec, told.append)
    fact = history.trials[1]
    for step in fact.curve.steps:
        writer.step(fact.trial, step)
    writer.finished(fact)
    writer.close()
    assert len(told) == 1
    assert "study goes on" in told[0]


def test_report_writes_the_curves_again_where_their_folder_is_gone(written, study):
    runs = {path.name for path in (written / "tensorboard").rglob("trial-*")}
    assert len(runs) == sum(bool(f.trial.id) for f in study[2].trials.values())


def test_board_that_is_deleted_is_rebuilt(study, tmp_path):
    spec, _, history, _, _ = study
    (tmp_path / "stale").mkdir()
    rebuild(tmp_path, history, spec)
    assert not (tmp_path / "stale").exists()
    assert os.listdir(tmp_path / "round-1-explore")
