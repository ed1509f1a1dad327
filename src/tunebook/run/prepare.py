"""Joins a study's data, model and machine into what the runner needs. Reads everything, writes nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import StudyFacts
from tunebook.core.ports import Calibration, Engine, EngineOptions, Executor, Workload
from tunebook.core.study import StudySpec
from tunebook.data import PreparedData
from tunebook.data import prepare as prepare_data
from tunebook.data.plain_tokenizer import PlainTokenizer
from tunebook.data.trials_table import TrialsTable, read_trials_table
from tunebook.errors import StudyFileError, UserError
from tunebook.evaluation import check_metric
from tunebook.executors import InlineExecutor, LocalExecutor, Transform, options_by_device, resolve
from tunebook.run.answers import JudgeSpec
from tunebook.run.engines import ENGINES, EngineEntry
from tunebook.run.environment import changed_versions, describe_environment
from tunebook.run.paths import StudyPaths
from tunebook.study_file import with_line

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A study that is ready to be planned and run.

    Attributes:
        base: what relative paths of the study file start from.
        data: the data, test split closed.
        devices: one worker process each.
        table: the configurations of the user's own table; empty: there is none.
        warnings: what may mislead, as sentences.
    """

    spec: StudySpec
    place: StudyPaths
    base: Path
    engine: EngineEntry
    options: EngineOptions
    data: PreparedData
    facts: StudyFacts
    devices: tuple[str, ...]
    table: tuple[Configuration, ...] = ()
    warnings: tuple[str, ...] = ()
    tokenizer: Any = field(default=None, repr=False)

    def workload(self, splits: tuple[str, ...]) -> Workload:
        """Training and scored examples; "test" among the splits opens the test split."""
        return self.data.with_test() if "test" in splits else self.data.workload

    def make_engine(self) -> Engine:
        """The engine in this process."""
        made: Engine = resolve(self.engine.factory)(self.options)
        return made

    def calibrate(self, executor: Executor) -> Calibration | None:
        """Seconds measured on this machine by the executor; None where nothing is to be measured. Writes nothing.

        Raises: TrialFailed: it could not be measured; predictions are a convenience, trials may train all the same.
        """
        return None if self.spec.engine == "command" else executor.calibrate()

    def make_executor(self, splits: tuple[str, ...] = ("validation",), logs: bool = True) -> Executor:
        """The executor that trains on this machine's devices. Nothing is started before it is asked for something.

        Args:
            splits: what trials are scored on; "test" opens the test split.
            logs: keep what the workers print in the study folder.
        """
        if self.engine.in_process:
            return InlineExecutor(self.make_engine(), self.workload(splits), transform=self._judging(splits))
        return LocalExecutor(
            self.engine.factory,
            options_by_device(self.options, self.devices),
            self.workload(splits),
            transform=self._judging(splits),
            logs=self.place.folder / "logs" if logs else None,
        )

    def open_test(self, executor: Executor) -> None:
        """Let an executor score the test split too; its workers stay."""
        splits = ("validation", "test")
        executor.use(self.workload(splits), self._judging(splits))

    def _judging(self, splits: tuple[str, ...]) -> Transform:
        tokenizer = None if self.engine.needs_model else self.tokenizer
        return Transform("tunebook.run.answers:judging_sink", (self._judge(splits), tokenizer))

    def changed_since(self, facts: StudyFacts) -> dict[str, tuple[str, str]]:
        """Libraries and devices that differ from when the study was created."""
        return changed_versions(facts.environment, self.facts.environment)

    def _judge(self, splits: tuple[str, ...]) -> JudgeSpec:
        return JudgeSpec(
            metric=self.spec.metric,
            base_folder=str(self.base),
            model=self.options.model if self.engine.needs_model else None,
            examples={name: texts for name, texts in self.data.examples.items() if name in splits},
            choices=self.data.choices,
            commonest_share=self.data.facts.commonest_share,
            trust_remote_code=self.options.trust_remote_code,
        )


def prepare(spec: StudySpec, place: StudyPaths, trust_remote_code: bool = False) -> Prepared:
    """Everything that a study needs, checked.

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
    entry = ENGINES.get(spec.engine)
    if entry is None:
        raise StudyFileError(
            f"engine: found {spec.engine!r}; it is one of {', '.join(ENGINES)}. Correct `engine` in the study file."
        )
    options, model, tokenizer, devices = _machine(spec, base, entry, trust_remote_code)
    data = prepare_data(spec, tokenizer, base, model.get("context"))
    doubts = check_metric(spec.metric, base, data.examples, data.places)
    entry, reason = _able(entry, spec.engine, options)
    facts = StudyFacts(
        data=data.facts,
        examples=data.examples,
        hashes={**data.hashes, **_hashes(place, options, entry)},
        model=model,
        summary=data.summary,
        environment=describe_environment(options.device, options.threads),
    )
    table = read_trials_table(base / spec.trials, spec.baseline) if spec.trials else None
    warnings = (*(each.text for each in data.warnings), *doubts, *reason, *_table_warnings(spec, table))
    configurations = table.configurations if table else ()
    return Prepared(spec, place, base, entry, options, data, facts, devices, configurations, warnings, tokenizer)


def _known_folder(model: str, base: Path) -> str:
    """The model's folder where there is one, else its name: an external trainer may know it."""
    from tunebook.engines import base_model

    found = model == base_model.BUILT_IN or (base / model / "config.json").is_file()
    return str(base_model.resolve_model(model, base)) if found else model


def _able(entry: EngineEntry, name: str, options: EngineOptions) -> tuple[EngineEntry, tuple[str, ...]]:
    """The engine that can run this model: `packed` says why it cannot, and `peft` takes its place."""
    if name != "packed":
        return entry, ()
    from tunebook.engines.packed.engine import unsupported

    why = unsupported(options.model, options.trust_remote_code)
    return (
        (entry, ())
        if why is None
        else (ENGINES["peft"], (f"engine packed cannot run this model: {why}; engine peft takes its place",))
    )


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
    """What engine `command` is told beside the trial: the program and its bounds."""
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


def _table_warnings(spec: StudySpec, table: TrialsTable | None) -> tuple[str, ...]:
    ignored = table.ignored if table else ()
    return (f"{spec.trials}: columns that are no factors are ignored: {', '.join(ignored)}",) if ignored else ()
