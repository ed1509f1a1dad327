"""Loads and checks a study's data, model and machine for the runner. Reads everything, writes nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook.core.facts import StudyFacts
from tunebook.core.metric import Metric
from tunebook.core.notice import Notice
from tunebook.core.ports import (
    Calibration,
    EngineEntry,
    EngineOptions,
    Executor,
    ExecutorSetup,
    Workload,
)
from tunebook.core.study import StudySpec
from tunebook.data import PreparedData
from tunebook.data import prepare as prepare_data
from tunebook.data.plain_tokenizer import PlainTokenizer
from tunebook.data.trials_table import TrialsTable, read_trials_table
from tunebook.errors import UserError
from tunebook.evaluation import check_data, load_metric
from tunebook.executors import LocalExecutor, Transform, options_by_device, resolve
from tunebook.plugins import ENGINES, EXECUTORS, PLANNERS, TRACKERS
from tunebook.run.answers import JudgeSpec
from tunebook.run.engines import EngineChoice, RoutingExecutor, able, check_space
from tunebook.run.environment import changed_versions, describe_environment
from tunebook.run.paths import StudyPaths
from tunebook.study_file import with_line

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A study that is ready to be planned and run.

    Attributes:
        base: the folder that relative paths of the study file start from.
        metric: judges the answers.
        engines: the engine that trains, and the fallbacks for what it refuses.
        data: the data, with the test split closed.
        devices: the devices, each with one worker process.
        warnings: what may mislead.
    """

    spec: StudySpec
    place: StudyPaths
    base: Path
    metric: Metric
    engines: EngineChoice
    options: EngineOptions
    data: PreparedData
    facts: StudyFacts
    devices: tuple[str, ...]
    warnings: tuple[Notice, ...] = ()
    tokenizer: Any = field(default=None, repr=False)

    def workload(self, splits: tuple[str, ...]) -> Workload:
        """Training and scored examples; naming "test" opens the test split."""
        return self.data.with_test() if "test" in splits else self.data.workload

    @property
    def engine(self) -> EngineEntry:
        """The engine that trains whatever it does not refuse."""
        return self.engines.first

    def calibrate(self) -> Calibration | None:
        """Speeds measured on this machine; None if the engine cannot be measured. Measured in a worker, so that the
        runner keeps no model in memory. Writes nothing.

        Raises: TrialFailed: the measurement failed. Only predictions depend on it; trials may still train.
        """
        if not self.engine.calibrates:
            return None
        if self.engine.in_process:
            made: Calibration = resolve(self.engine.factory)(self.options).calibrate(self.data.workload)
            return made
        workers = options_by_device(self.options, self.devices)
        executor = LocalExecutor(self.engine.factory, workers, self.data.workload)
        try:
            return executor.calibrate()
        finally:
            executor.close()

    def make_executor(self, splits: tuple[str, ...]) -> Executor:
        """The executor that trains on this machine's devices, each trial with an engine that can train it."""
        make = EXECUTORS.load(self.spec.executor)
        return RoutingExecutor(self.engines, lambda name: make(self._setup(name, splits)))

    def _setup(self, engine: str, splits: tuple[str, ...]) -> ExecutorSetup:
        entry = ENGINES.load(engine)
        tokenizer = None if entry.needs_model else self.tokenizer
        return ExecutorSetup(
            engine=entry.factory,
            in_process=entry.in_process,
            options=self.options,
            devices=self.devices,
            workload=self.workload(splits),
            transform=Transform("tunebook.run.answers:judging_sink", (self._judge(splits), tokenizer)),
            logs=str(self.place.folder / "logs"),
        )

    def changed_since(self, facts: StudyFacts) -> dict[str, tuple[str, str]]:
        """Libraries and devices that differ from when the study was created."""
        return changed_versions(facts.environment, self.facts.environment)

    def _judge(self, splits: tuple[str, ...]) -> JudgeSpec:
        return JudgeSpec(
            metric=self.spec.metric,
            options=self.spec.metric_options,
            base_folder=str(self.base),
            model=self.options.model if self.engine.needs_model else None,
            examples={name: texts for name, texts in self.data.examples.items() if name in splits},
            choices=self.data.choices,
            commonest_share=self.data.facts.commonest_share,
            trust_remote_code=self.options.trust_remote_code,
        )


def prepare(spec: StudySpec, place: StudyPaths, trust_remote_code: bool = False) -> Prepared:
    """Load and check everything that a study needs.

    Raises: UserError: bad data, model, device or metric; nothing was written or spent.
    """
    try:
        return _checked(spec, place, trust_remote_code)
    except UserError as error:
        if place.file is None:
            raise
        raise type(error)(with_line(str(error), place.file)) from error


def _checked(spec: StudySpec, place: StudyPaths, trust_remote_code: bool) -> Prepared:
    base = place.base
    for group, names in ((PLANNERS, (spec.planner,)), (EXECUTORS, (spec.executor,)), (TRACKERS, spec.trackers)):
        for name in names:
            group.load(name)
    entry = ENGINES.load(spec.engine)
    metric = load_metric(spec.metric, base, dict(spec.metric_options))
    options, model, tokenizer, devices = _machine(spec, base, entry, trust_remote_code)
    data = prepare_data(spec, tokenizer, base, model.get("context"), answers=metric.answers)
    doubts = check_data(metric, data.examples, data.places)
    engines, reason = able(spec.engine, options)
    table = read_trials_table(base / spec.trials, spec.baseline) if spec.trials else None
    refused = check_space(spec, table.configurations if table else (), engines)
    facts = StudyFacts(
        data=data.facts,
        examples=data.examples,
        hashes={**data.hashes, **_hashes(place, options, engines.first)},
        model=model,
        summary=data.summary,
        environment=describe_environment(options.device, options.threads),
        scale=metric.scale,
        table=table.configurations if table else (),
        folding=engines.first.folding,
    )
    warnings = (*data.warnings, *doubts, *reason, *refused, *_table_warnings(spec, table))
    return Prepared(
        spec=spec,
        place=place,
        base=base,
        metric=metric,
        engines=engines,
        options=options,
        data=data,
        facts=facts,
        devices=devices,
        warnings=warnings,
        tokenizer=tokenizer,
    )


def _known_folder(model: str, base: Path) -> str:
    """The model's folder if there is one, else its name, which an external trainer may know."""
    from tunebook.engines import base_model

    is_known = model == base_model.BUILT_IN or (base / model / "config.json").is_file()
    return str(base_model.resolve_model(model, base)) if is_known else model


def _machine(
    spec: StudySpec, base: Path, entry: EngineEntry, trust: bool
) -> tuple[EngineOptions, dict[str, Any], Any, tuple[str, ...]]:
    """Engine options, facts of the model, tokenizer and devices."""
    threads = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    extra = _command_settings(spec)
    if not entry.needs_model:
        name = spec.model if entry.in_process else _known_folder(spec.model, base)
        options = EngineOptions(name, threads=threads, share_prompts=spec.share_prompts, extra=extra)
        return options, {"name": spec.model}, PlainTokenizer(), ("cpu",)
    from tunebook.engines import base_model

    folder = base_model.resolve_model(spec.model, base)
    devices = tuple(base_model.device_names(spec.device))
    dtype = base_model.resolve_dtype(spec.dtype, devices[0])
    options = EngineOptions(
        str(folder),
        devices[0],
        dtype,
        threads,
        spec.share_prompts,
        trust_remote_code=trust,
        extra=extra,
    )
    model = base_model.describe_model(spec.model, folder) | {"dtype": dtype}
    return options, model, base_model.load_tokenizer(folder, trust), devices


def _command_settings(spec: StudySpec) -> dict[str, Any]:
    """The settings of engine `command`: the program and its limits."""
    if not spec.command:
        return {}
    limits = spec.command_limits
    return {
        "command": list(spec.command),
        "time_limit_seconds": 3600 * limits.hours,
        "output_limit_bytes": int(1e6 * limits.output_megabytes),
    }


def _hashes(place: StudyPaths, options: EngineOptions, entry: EngineEntry) -> dict[str, str]:
    hashes = {}
    if entry.needs_model:
        from tunebook.engines.base_model import fingerprint

        hashes["model"] = fingerprint(Path(options.model))
    if place.file is not None:
        hashes["study_file"] = hashlib.sha256(place.file.read_bytes()).hexdigest()
    return hashes


def _table_warnings(spec: StudySpec, table: TrialsTable | None) -> tuple[Notice, ...]:
    ignored = table.ignored if table else ()
    return (Notice("columns_ignored", {"file": str(spec.trials), "columns": list(ignored)}),) if ignored else ()
