"""Engine `command`: an external program trains; it gets a configuration as a file and writes predictions as a file.

For each trial a folder is made with `config.json`, `train.jsonl` and one file for each scored split; the program is
started with the argument list of the study file (no shell), and must leave `predictions.jsonl` in its output folder,
one line for each example: {"index": 0, "answer": "...", "nll": 1.25}. docs/external-trainers.md is the contract.

Nothing is guessed: an exit code other than 0, a missing, doubled or superfluous prediction, a line that cannot be read
fail the trial, with the program's last lines. Nothing is folded, because tunebook does not know what the program does.
This module does not import torch.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import DivergenceMonitor
from tunebook.core.events import Cancelled, Failed, Finished, Progress, Step
from tunebook.core.facts import Cost, Curve, StepRecord
from tunebook.core.ports import Calibration, EngineOptions, RawTrial, Sink, TrialJob, TrialSource, Workload
from tunebook.core.space import Folding
from tunebook.engines.command_files import Problem, delete_inputs, read_scores, read_steps, write_inputs
from tunebook.engines.command_process import Ended, ProcessLimits, run_program
from tunebook.errors import StudyFileError
from tunebook.files import disk_full

__all__ = ["CommandEngine"]

PLACEHOLDERS = ("config", "output")
LEAST_FREE_BYTES = 1 << 20
"""A program that fails while the disk has less free space than this is taken to have failed because of it."""


class CommandEngine:
    """Engine `command`; fulfils `core.ports.Engine`.

    Args:
        options: `extra["command"]` is the argument list; {config} and {output} in it are replaced by paths.
            `extra["time_limit_seconds"]` and `extra["output_limit_bytes"]` bound it; without them the defaults of the
            study file's `command_limits` do.

    Raises: StudyFileError: no command, or an unknown placeholder.
    """

    name = "command"
    folding = Folding()

    def __init__(self, options: EngineOptions) -> None:
        self._command = tuple(str(part) for part in options.extra.get("command", ()))
        self._limits = ProcessLimits.from_extra(options.extra)
        self._model = options.model
        if not self._command:
            raise StudyFileError(
                "command: nothing given; engine `command` needs the program and its arguments as a list. Add for "
                "instance `command: [python, train.py, '{config}', '{output}']` to the study file."
            )
        for part in self._command:
            _filled(part, {name: "" for name in PLACEHOLDERS})

    def refuses(self, configuration: Configuration) -> str | None:
        """None: the program refuses by failing the trial."""
        return None

    def calibrate(self, workload: Workload) -> Calibration:
        """Nothing is known of a program before it has run: zeros, which `plan` shows as unknown."""
        return Calibration(
            train_tokens_per_second=0.0,
            score_examples_per_second=0.0,
            one_by_one_tokens_per_second=0.0,
            base_bytes=0,
            trial_bytes=0,
            device="external program",
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Train and score one trial after another with the program."""
        while not sink.should_stop():
            jobs = source.take(1)
            if not jobs:
                return
            _OneTrial(self, jobs[0], workload, sink).run()

    def arguments(self, config: Path, output: Path) -> list[str]:
        """The program's argument list for one trial."""
        values = {"config": str(config), "output": str(output)}
        return [_filled(part, values) for part in self._command]

    @property
    def model(self) -> str:
        """The model as the program is told: a folder, or a name that it knows."""
        return self._model

    @property
    def limits(self) -> ProcessLimits:
        """How much the program may take."""
        return self._limits


@dataclass(frozen=True)
class _OneTrial:
    engine: CommandEngine
    job: TrialJob
    workload: Workload
    sink: Sink

    def run(self) -> None:
        folder = Path(self.job.folder).absolute() / "command"  # the program may change its working directory
        if folder.exists():
            shutil.rmtree(folder)  # of an earlier attempt, whose predictions must not be taken for this one's
        output = folder / "output"
        config = write_inputs(folder, output, self.job, self.workload, self.engine.model)
        started = time.monotonic()
        ended = run_program(
            self.engine.arguments(config, output), folder, self.engine.limits, self._alive, self._must_end
        )
        if ended.stopped:
            if not self.sink.should_stop():
                self.sink.emit(Cancelled(self.job.id))
            return
        try:
            self._report(ended, output, time.monotonic() - started)
            delete_inputs(folder)
        except Problem as problem:
            _check_room(folder, ended)
            self.sink.emit(Failed(self.job.id, f"{problem}{ended.tail_clause}"))

    def _alive(self, share_of_time: float) -> None:
        self.sink.emit(Progress(self.job.id, share_of_time, "train"))

    def _must_end(self) -> bool:
        return self.sink.should_stop() or self.sink.is_cancelled(self.job.id)

    def _report(self, ended: Ended, output: Path, seconds: float) -> None:
        if ended.problem:
            raise Problem(ended.problem)
        steps = read_steps(output)
        for record in steps:
            self.sink.emit(Step(self.job.id, record))
        broke_at, reason = _broke(steps)
        scores = {} if reason else {split: read_scores(output, split, self.workload) for split in self.job.splits}
        adapter_bytes = _keep_adapter(output, Path(self.job.folder))
        cost = Cost(train_seconds=seconds, peak_bytes=ended.peak_bytes, adapter_bytes=adapter_bytes)
        self.sink.emit(
            Finished(
                RawTrial(
                    id=self.job.id, scores=scores, curve=Curve(steps), cost=cost, broke_at_step=broke_at, reason=reason
                )
            )
        )


def _check_room(folder: Path, ended: Ended) -> None:
    """Raise DiskFull where a program failed because the disk is full: the trial is not to blame."""
    if "No space left on device" in ended.tail or shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise disk_full(
            folder,
            f"The trial's program failed because of this{ended.tail_clause}. Everything before this trial is safe; the "
            "trial is trained again.",
        )


def _broke(steps: tuple[StepRecord, ...]) -> tuple[int | None, str | None]:
    """By the rules that hold for every engine, where the program wrote down its losses."""
    monitor = DivergenceMonitor(len(steps))
    for record in steps:
        reason = monitor.observe(record.loss, record.gradient_norm)
        if reason is not None:
            return record.step, reason
    return None, None


def _keep_adapter(output: Path, folder: Path) -> int:
    """Take a PEFT adapter over, when the program left one; gives its size."""
    if not (output / "adapter_model.safetensors").is_file():
        return 0
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        if (output / name).is_file():
            shutil.copyfile(output / name, folder / name)
    return (folder / "adapter_model.safetensors").stat().st_size


def _filled(part: str, values: dict[str, str]) -> str:
    """One argument with its placeholders replaced; other braces are left alone, so that JSON can be an argument."""
    filled = part
    for name, value in values.items():
        filled = filled.replace("{" + name + "}", value)
    return filled
