"""Curves and hyperparameters for TensorBoard, written while trials run, and rebuilt from the ledger if lost.

One run per trial, in a folder per round: `round-1-explore/trial-012 lora_r=32`. Tags: `train/...` by step, `epoch/...`
by epoch, `loss_by_round/round_<n>` (the same loss, so that the custom-scalars page can show a round's trials together),
`result/...` once. HParams has one row per trial, and only the factors that the study varies. Nothing here may end a
study: the first error becomes a warning, and nothing is written after it. Uses the writer of the tensorboard package,
not torch's.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.events import Evaluation, Event, Recorded, Step, WaveStarted
from tunebook.core.factor import FACTOR_KINDS, Scale
from tunebook.core.facts import EvaluationRecord, History, StepRecord, TrialFact
from tunebook.core.notice import Notice
from tunebook.core.score import ScoreScale
from tunebook.core.study import Purpose, RoundKind, StudySpec, Trial, TrialState
from tunebook.record.view import assumed_scale
from tunebook.words import words_for

__all__ = ["TensorBoardTracker", "TensorBoardWriter", "rebuild", "run_name"]

FLUSH_SECONDS = 20
"""Seconds between flushes: how much of the curves a killed process may lose. The ledger loses nothing."""
LONGEST_CHANGE = 80
OTHER_METRICS = (
    ("result/validation_loss", "loss (nats)"),
    ("result/train_seconds", "training (s)"),
    ("result/peak_gib", "memory (GiB)"),
)
"""Tags of the HParams metrics (on validation) beside the study's, with their display names, which are short enough for
the titles of parallel axes. Parallel coordinates show only trials that have all metrics, so the result on the test
split, which few trials have, is a scalar only."""
WIDEST = 1e3
"""HParams needs an interval for each number; it is wider than the study's range by this factor on both sides."""

BATCH, BATCH_PARTS = "effective_batch_size", ("per_device_train_batch_size", "gradient_accumulation_steps")
MACHINE_FACTORS = ("max_length", "gradient_checkpointing")
"""Factors that mostly change memory and time; they get no columns."""

_log = logging.getLogger(__name__)


def run_name(trial: Trial, baseline: Mapping[str, Any]) -> str:
    """The name of a trial's run: its round's folder, its number and what it changes. Only characters that are safe in
    paths."""
    changed = {k: v for k, v in trial.configuration.as_dict().items() if v != baseline.get(k)}
    if "lora_r" in changed:
        changed.pop("lora_alpha", None)
    text = ",".join(f"{name}={_short(level)}" for name, level in changed.items()) or "baseline"
    text = re.sub(r"[^A-Za-z0-9=.,_+-]", "_", text)[:LONGEST_CHANGE]
    return f"round-{trial.round}-{trial.kind.value}/trial-{trial.id:03d} {text}"


class TensorBoardWriter:
    """Writes a study's curves. If the folder cannot be written, it warns once.

    Args:
        folder: TensorBoard's log folder, created when first needed.
        spec: the study's specification: which factors vary, and the baseline.
        warn: called with one sentence at the first error; default: the log.
    """

    def __init__(self, folder: Path, spec: StudySpec, warn: Callable[[str], None] | None = None) -> None:
        self._folder, self._spec = Path(folder), spec
        self._warn = warn or _log.warning
        self._baseline = spec.baseline.as_dict()
        self._files: dict[str, Any] = {}
        self._rounds: set[int] = set()
        self._broken = self._started = False

    def step(self, trial: Trial, record: StepRecord) -> None:
        """Write one optimiser step of a running trial."""
        values = {
            "train/loss": record.loss,
            "train/learning_rate": record.learning_rate,
            "train/gradient_norm": record.gradient_norm,
            f"loss_by_round/round_{trial.round}": record.loss,
        }
        self._guarded(lambda: self._scalars(trial, record.step, values))

    def evaluation(self, trial: Trial, record: EvaluationRecord) -> None:
        """Write a loss or score measured during training."""
        values = {f"epoch/{record.split}_loss": record.loss}
        if record.accuracy is not None:
            values[f"epoch/{record.split}_score"] = record.accuracy
        self._guarded(lambda: self._scalars(trial, round(record.epoch), values))

    def finished(self, fact: TrialFact) -> None:
        """Write a trial's end: training loss by epoch, results, HParams status; closes its file."""
        if fact.trial.purpose is Purpose.REFERENCE:
            return

        def write() -> None:
            for epoch, loss in _loss_by_epoch(fact).items():
                self._scalars(fact.trial, epoch, {"epoch/train_loss": loss})
            self._scalars(fact.trial, 0, _results(fact, assumed_scale(self._spec)))
            self._event(fact.trial, _session_end(fact.state))
            self._files.pop(run_name(fact.trial, self._baseline)).close()

        self._guarded(write)

    def close(self) -> None:
        """Write everything out and close the files."""
        files, self._files = self._files, {}
        for file in files.values():
            with contextlib.suppress(OSError):
                file.close()

    def _guarded(self, write: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            if not self._started:
                self._start()
            write()
        except OSError as error:
            self._broken = True
            values = {"folder": str(self._folder), "reason": str(error.strerror or error)}
            self._warn(words_for(self._spec.language).notice(Notice("no_curves", values)))

    def _start(self) -> None:
        self._started = True
        file = _open(self._folder)
        file.add_event(_as_event(_experiment(self._spec)))
        file.close()

    def _scalars(self, trial: Trial, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        pairs = [Summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items()]
        self._event(trial, Summary(value=pairs), step)

    def _event(self, trial: Trial, summary: Any, step: int = 0) -> None:
        self._file(trial).add_event(_as_event(summary, step))

    def _file(self, trial: Trial) -> Any:
        name = run_name(trial, self._baseline)
        if name not in self._files:
            if trial.round not in self._rounds:
                self._rounds.add(trial.round)
                self._layout(trial)
            self._files[name] = _open(self._folder / name)
            self._files[name].add_event(_as_event(_session_start(trial, self._spec, name)))
        return self._files[name]

    def _layout(self, trial: Trial) -> None:
        file = _open(self._folder / Path(run_name(trial, self._baseline)).parent)
        file.add_event(_as_event(_custom_scalars(trial.round, trial.kind)))
        file.close()


class TensorBoardTracker:
    """Writes TensorBoard's curves while trials run; implements `core.ports.Tracker`."""

    def __init__(self, folder: str, spec: StudySpec, warn: Callable[[str], None]) -> None:
        self._board = TensorBoardWriter(Path(folder), spec, warn)
        self._history = History()

    def event(self, event: Event) -> None:
        """Write steps, evaluations and results; ignore other events."""
        match event:
            case WaveStarted():
                self._history = event.history
            case Step(trial_id, record) if trial_id in self._history.trials:
                self._board.step(self._history.trials[trial_id].trial, record)
            case Evaluation(trial_id, record) if trial_id in self._history.trials:
                self._board.evaluation(self._history.trials[trial_id].trial, record)
            case Recorded(fact):
                self._board.finished(fact)

    def close(self) -> None:
        """Close all open files."""
        self._board.close()


def rebuild(folder: Path, history: History, spec: StudySpec) -> None:
    """Write all curves again from the ledger's facts, replacing the folder's contents."""
    shutil.rmtree(folder, ignore_errors=True)
    writer = TensorBoardWriter(folder, spec)
    for fact in history.trials.values():
        for step in fact.curve.steps:
            writer.step(fact.trial, step)
        for evaluation in fact.curve.evaluations:
            writer.evaluation(fact.trial, evaluation)
        if fact.state.is_final:
            writer.finished(fact)
    writer.close()


def _open(folder: Path) -> Any:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder.mkdir(parents=True, exist_ok=True)
    return EventFileWriter(str(folder), flush_secs=FLUSH_SECONDS)


def _as_event(summary: Any, step: int = 0) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time.time(), step=step, summary=summary)


def _loss_by_epoch(fact: TrialFact) -> dict[int, float]:
    sums: dict[int, list[float]] = {}
    for step in fact.curve.steps:
        sums.setdefault(max(1, math.ceil(step.epoch - 1e-9)), []).append(step.loss)
    return {epoch: sum(losses) / len(losses) for epoch, losses in sums.items()}


def _word(scale: ScoreScale) -> str:
    """What a tag calls the study's result: a share of right answers is an accuracy, all else a score."""
    return "accuracy" if scale.counts_right_answers else "score"


def _results(fact: TrialFact, scale: ScoreScale) -> dict[str, float]:
    cost = fact.cost
    values = {"result/train_seconds": cost.train_seconds, "result/peak_gib": cost.peak_bytes / 2**30}
    validation, test = fact.outcomes.get("validation"), fact.outcomes.get("test")
    if validation is not None:
        values[f"result/validation_{_word(scale)}"] = scale.score(validation.accuracy)
        values["result/validation_loss"] = validation.loss
    if test is not None:
        values[f"result/test_{_word(scale)}"] = scale.score(test.accuracy)
    return values


def _varied(spec: StudySpec) -> list[str]:
    """The factors that HParams shows: the learning rate and the factors of the space that have an effect. TensorBoard
    shows the first five by default."""
    names = ["learning_rate"]
    for factor in spec.space.factors:
        names.append(BATCH if factor.name in BATCH_PARTS else factor.name)
    if spec.space.get("lora_r") and spec.alpha_rule == "fixed":
        names.append("lora_alpha")
    return [name for name in dict.fromkeys(names) if name not in MACHINE_FACTORS]


def _levels(configuration: Configuration) -> dict[str, Any]:
    return {**configuration.as_dict(), BATCH: configuration.effective_batch_size}


def _session_start(trial: Trial, spec: StudySpec, name: str) -> Any:
    from tensorboard.plugins.hparams import summary_v2

    levels = _levels(trial.configuration)
    values = {factor: _hparam(levels[factor]) for factor in _varied(spec)}
    shown = name.rpartition("/")[2]  # the table shows only the first letters, so the trial's number comes first
    purpose = words_for(spec.language).purpose(trial.purpose)
    return summary_v2.hparams_pb({**values, "purpose": purpose}, trial_id=shown)


def _session_end(state: TrialState) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = api_pb2.STATUS_SUCCESS if state.is_answer or state is TrialState.STOPPED else api_pb2.STATUS_FAILURE
    data = plugin_data_pb2.HParamsPluginData(
        version=metadata.PLUGIN_DATA_VERSION,
        session_end_info=plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time()),
    )
    plugin = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString())
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=SummaryMetadata(plugin_data=plugin),
        tensor=metadata.NULL_TENSOR,
    )
    return Summary(value=[value])


def _experiment(spec: StudySpec) -> Any:
    from tensorboard.plugins.hparams import summary_v2

    factors = [summary_v2.HParam(name, _domain(spec, name)) for name in _varied(spec)]
    factors.append(summary_v2.HParam("purpose", summary_v2.Discrete([purpose.value for purpose in Purpose])))
    scale = assumed_scale(spec)
    word = _word(scale)
    own = (f"result/validation_{word}", word if scale.counts_right_answers else scale.noun)
    metrics = [summary_v2.Metric(tag, display_name=title) for tag, title in (own, *OTHER_METRICS)]
    return summary_v2.hparams_config_pb(factors, metrics)


def _domain(spec: StudySpec, name: str) -> Any:
    from tensorboard.plugins.hparams import summary_v2

    factor = spec.space.get(name)
    levels = [_levels(spec.baseline)[name], *(factor.levels if factor else ())]
    if factor is not None and factor.is_range:
        levels += [factor.low, factor.high]
    numbers = [float(v) for v in levels if isinstance(v, int | float) and not isinstance(v, bool)]
    kind = FACTOR_KINDS.get(name)
    if not numbers or (kind is not None and kind.scale in (Scale.CHOICE, Scale.FLAG)):
        words = [*map(_short, levels), *(kind.choices if kind else ())]
        return summary_v2.Discrete(list(dict.fromkeys(words)), dtype=str)
    return summary_v2.RealInterval(min(numbers) / WIDEST, max([1.0, *numbers]) * WIDEST)


def _custom_scalars(round_number: int, kind: RoundKind) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.plugins.custom_scalar import layout_pb2, metadata

    chart = layout_pb2.Chart(
        title=f"Round {round_number}: {kind.value}",
        multiline=layout_pb2.MultilineChartContent(tag=[rf"loss_by_round/round_{round_number}$"]),
    )
    layout = layout_pb2.Layout(category=[layout_pb2.Category(title="Training loss by round", chart=[chart])])
    tensor = TensorProto(dtype=DT_STRING, string_val=[layout.SerializeToString()])
    value = Summary.Value(tag=metadata.CONFIG_SUMMARY_TAG, metadata=metadata.create_summary_metadata(), tensor=tensor)
    return Summary(value=[value])


def _hparam(level: Any) -> Any:
    return float(level) if isinstance(level, int | float) and not isinstance(level, bool) else _short(level)


def _short(level: Any) -> str:
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float):
        return f"{level:g}"
    return "+".join(map(str, level)) if isinstance(level, list | tuple) else str(level)
