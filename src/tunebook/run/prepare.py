"""Loads and checks a study's data, model and machine for the runner. Reads everything, writes nothing."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from tunebook.core.class_weights import example_weights
from tunebook.core.facts import PriorTrial, StudyFacts
from tunebook.core.harness_metric import HarnessMetric, OpenTask
from tunebook.core.metric import AnswerSource, Metric
from tunebook.core.notice import Notice
from tunebook.core.ports import (
    Calibration,
    EngineEntry,
    EngineOptions,
    Executor,
    ExecutorSetup,
    Observer,
    Workload,
    torch_device,
)
from tunebook.core.quantisation import NONE
from tunebook.core.service_metric import ServiceMetric
from tunebook.core.study import Purpose, SeedCounts, StudySpec
from tunebook.data import PreparedData, check_source, may_exceed
from tunebook.data import prepare as prepare_data
from tunebook.data.labels import MOST_LABELS
from tunebook.data.plain_tokenizer import PlainTokenizer
from tunebook.data.trials_table import TrialsTable, read_trials_table
from tunebook.errors import StudyFileError, UserError
from tunebook.evaluation import check_data, load_metric, standard_scores
from tunebook.evaluation.likelihood import LARGEST_NATS
from tunebook.executors import Transform
from tunebook.plugins import ENGINES, EXECUTORS, METRICS, PLANNERS, TRACKERS
from tunebook.run.engines import EngineChoice, RoutingExecutor, able, check_space
from tunebook.run.environment import changed_versions, describe_environment
from tunebook.run.observers import Silent
from tunebook.run.paths import StudyPaths, locate
from tunebook.run.reading import read_study, untrained_answers
from tunebook.run.requests.meanwhile import meanwhile
from tunebook.run.scores.answers import JudgeSpec
from tunebook.run.scores.documents import AskedSettings, asked_model, rows_of_documents, with_requests
from tunebook.run.scores.service_scores import ScoringExecutor
from tunebook.study_file import raise_together, with_line
from tunebook.words import words_for

__all__ = ["Prepared", "check_model_and_rows", "computes_elsewhere", "prepare", "unused_packages"]

CONVERTING_TOLD_SECONDS = 5.0
_SEEDS_USED = {
    "one_factor": {"configuration", "baseline", "doubtful"},
    "table": {"configuration", "baseline"},
    "balanced": {"baseline"},
}
"""The numbers of seeds that each design asks for; `model` decides for itself."""
FEWEST_PRIOR_RATES = 3
"""Learning rates that an earlier study must have trained at."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study that is ready to be planned and run.

    Attributes:
        base: the folder that relative paths of the study file start from.
        metric: judges the answers.
        engines: the engine that trains, and the fallbacks for what it refuses.
        data: the data, with the test split closed.
        devices: the devices, each with one worker process.
        warnings: what may mislead.
        asked: what the requests of a harness's task were written with, for workers.
    """

    spec: StudySpec
    paths: StudyPaths
    base: Path
    metric: Metric
    engines: EngineChoice
    options: EngineOptions
    data: PreparedData
    facts: StudyFacts
    devices: tuple[str, ...]
    warnings: tuple[Notice, ...] = ()
    tokenizer: Any = field(default=None, repr=False)
    asked: AskedSettings | None = None

    def workload(self, splits: tuple[str, ...]) -> Workload:
        """Training and scored examples; naming "test" opens the test split."""
        return self.data.with_test() if "test" in splits else self.data.workload

    @property
    def engine(self) -> EngineEntry:
        """The engine that trains whatever it does not refuse."""
        return self.engines.first

    def calibrate(self, executor: Executor) -> Calibration | None:
        """Speeds measured on this machine by the executor; None if the engine cannot be measured. Writes nothing.

        Raises: TrialFailed: the measurement failed. Only predictions depend on it; trials may still train.
        """
        return executor.calibrate() if self.engine.calibrates else None

    def make_executor(
        self, splits: tuple[str, ...] = ("validation",), logs: bool = True, keeps: bool = True
    ) -> Executor:
        """The executor that trains on this machine's devices, each trial with the engine that can. Nothing is started
        before it is asked for something.

        Args:
            splits: what trials are scored on; "test" opens the test split.
            logs: keep what the workers print in the study folder.
            keeps: keep answers that wait for a service's scores, for trials of the ledger.
        """
        make = EXECUTORS.load(self.spec.executor)
        trains = RoutingExecutor(self.engines, lambda name: make(self._setup(name, splits, logs)))
        if not isinstance(self.metric, ServiceMetric):
            return trains
        return ScoringExecutor(
            trains,
            self.metric,
            examples=self.data.examples,
            commonest_share=self.data.facts.commonest_share,
            folder=self.paths.folder,
            untrained=lambda: untrained_answers(self.paths),
            keeps=keeps,
        )

    def _setup(self, engine: str, splits: tuple[str, ...], logs: bool) -> ExecutorSetup:
        entry = ENGINES.load(engine)
        return ExecutorSetup(
            engine=entry.factory,
            in_process=entry.in_process,
            options=self.options,
            devices=self.devices,
            workload=self.workload(splits),
            transform=self._judging(entry, splits),
            logs=str(self.paths.folder / "logs") if logs else "",
            argument=self.spec.executor.partition(":")[2],
            model_hash=self.facts.hashes.get("model", "") if entry.needs_model else "",
        )

    def open_test(self, executor: Executor) -> None:
        """Let an executor score the test split too; its workers stay."""
        splits = ("validation", "test")
        executor.use(self.workload(splits), self._judging(self.engine, splits))

    def _judging(self, entry: EngineEntry, splits: tuple[str, ...]) -> Transform:
        tokenizer = None if entry.needs_model else self.tokenizer
        return Transform("tunebook.run.scores.answers:judging_sink", (self._judge(splits), tokenizer))

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
            asked=self.asked,
        )


def prepare(
    spec: StudySpec, paths: StudyPaths, trust_remote_code: bool = False, observer: Observer | None = None
) -> Prepared:
    """Load and check everything that a study needs.

    Args:
        observer: told what takes a while.

    Raises: UserError: bad data, model, device or metric; nothing was written or spent.
    """
    check_files(spec, paths)
    try:
        _convert_model(spec, observer or Silent())
        return _checked(spec, paths, trust_remote_code)
    except UserError as error:
        if paths.file is None:
            raise
        raise type(error)(with_line(error.phrase, paths.file)) from error


def _convert_model(spec: StudySpec, observer: Observer) -> None:
    """Bring the built-in model into a form that can be loaded, where that has not been done, and say how far it is."""
    from tunebook.engines import base_model

    if spec.model != base_model.BUILT_IN or not ENGINES.load(spec.engine).needs_model:
        return
    if base_model.built_in_is_cached() or base_model.built_in_wheel() is None:
        return
    words = words_for(spec.language)
    observer.phase(words.phase_converting())
    began, counts = time.monotonic(), (0, 0)

    def keep(done: int, total: int) -> None:
        nonlocal counts
        counts = done, total

    def tell() -> None:
        observer.phase(words.phase_converted(*counts, time.monotonic() - began))

    with meanwhile(CONVERTING_TOLD_SECONDS, tell):
        base_model.resolve_model(spec.model, told=keep)


def check_files(spec: StudySpec, paths: StudyPaths) -> None:
    """Refuse, all at once, what the study file names and is not there or cannot be opened: data files, the table of
    trials, the earlier study. Quick, and before anything that takes long.

    Raises: StudyFileError: each with its line.
    """
    base, data = paths.base, spec.data
    sources = {"train": data.train, "validation": data.validation, "test": data.test}
    looks: dict[tuple[str | int, ...], Callable[[], object]] = {
        ("data", role): partial(check_source, source, base, role) for role, source in sources.items() if source
    }
    if spec.trials:
        looks["trials",] = partial(read_trials_table, base / spec.trials, spec.baseline)
    if spec.prior:
        looks["prior",] = partial(locate, base / spec.prior)
    found = {}
    for path, look in looks.items():
        try:
            look()
        except UserError as error:
            found[path] = error.phrase
    raise_together(found, paths.file)


def _checked(spec: StudySpec, paths: StudyPaths, trust_remote_code: bool) -> Prepared:
    base = paths.base
    for group, names in ((PLANNERS, (spec.planner,)), (EXECUTORS, (spec.executor,)), (TRACKERS, spec.trackers)):
        for name in names:
            group.load(name)
    entry = ENGINES.load(spec.engine)
    metric = load_metric(spec.metric, base, dict(spec.metric_options))
    options, model, tokenizer, devices = _machine(spec, base, entry, trust_remote_code)
    judged = _judged(spec, metric, entry)
    asked = _asked(spec, metric, entry, model, options)
    task = metric.open(asked_model(tokenizer, asked)) if isinstance(metric, HarnessMetric) else None
    model_options = options if entry.needs_model else None
    data = _data(spec, base, _answers(metric, judged), model, tokenizer, model_options, task)
    doubts = check_data(metric, data.examples, data.places) if task is None else task.doubts
    data = replace(data, facts=replace(data.facts, constant_score=_constant_score(metric, data)))
    if spec.data.group and not metric.scale.is_by_example:
        doubts = (*doubts, Notice("no_groups", {"metric": metric.name}))
        data = replace(data, facts=replace(data.facts, groups=()))
    engines, reason = able(spec.engine, options)
    table = read_trials_table(base / spec.trials, spec.baseline) if spec.trials else None
    prior = _prior(spec, base)
    refused = check_space(spec, table.configurations if table else (), engines)
    _check_class_weights(spec, table, data)
    warnings = (*data.warnings, *doubts, *reason, *refused, *_table_warnings(spec, table), *_seed_warnings(spec))
    facts = StudyFacts(
        data=replace(data.facts, prior=prior),
        examples=data.examples,
        hashes={**data.hashes, **_hashes(paths, options, engines.first, metric)},
        model=model,
        summary={**data.summary, "warnings": [warning.as_json() for warning in warnings]},
        environment=describe_environment(
            options.device, options.threads, spec, options.quantization != NONE, computes_elsewhere(spec)
        ),
        scale=metric.scale.called(metric.name),
        answer_tokens=_answer_tokens(data) if AnswerSource.LIKELIHOOD in judged else {},
        table=table.configurations if table else (),
        folding=engines.first.folding,
    )
    return Prepared(
        spec=spec,
        paths=paths,
        base=base,
        metric=metric,
        engines=engines,
        options=options,
        data=data,
        facts=facts,
        devices=devices,
        warnings=warnings,
        tokenizer=tokenizer,
        asked=asked,
    )


def _check_class_weights(spec: StudySpec, table: TrialsTable | None, data: PreparedData) -> None:
    """Refuse balanced classes where answers are no classes, or all are equally frequent.

    Raises: StudyFileError: with the number of different answers.
    """
    factor = spec.space.get("class_weights")
    levels = {spec.baseline.class_weights, *(factor.levels if factor else ())}
    levels |= {configuration.class_weights for configuration in (table.configurations if table else ())}
    if levels == {"none"}:
        return
    weights = example_weights(spec.baseline.with_values(class_weights="balanced"), data.workload.train)
    n, classes = len(data.workload.train), {example.completion_ids for example in data.workload.train}
    if 2 * len(classes) > n or len(classes) > MOST_LABELS:
        raise StudyFileError(
            "class_weights: found balanced, and the {n} training rows have {answers} different answers; "
            "classes are at most {most} answers, each in several rows. Leave class_weights out.",
            n=n,
            answers=len(classes),
            most=MOST_LABELS,
        )
    if len(set((weights or {}).values())) == 1:
        raise StudyFileError(
            "class_weights: found balanced, and each of the {answers} answers stands in equally many training "
            "rows, so that all weights are 1. Leave class_weights out.",
            answers=len(classes),
        )


def _judged(spec: StudySpec, metric: Metric, entry: EngineEntry) -> tuple[AnswerSource, ...]:
    """What each of the study's metrics judges.

    Raises: StudyFileError: a program of the user's own trains, and a metric that does not decide judges likelihoods.
    """
    others = tuple(load_metric(name).answers for name in spec.metrics[1:])
    if entry.runs_command and AnswerSource.LIKELIHOOD in others:
        name = spec.metrics[1 + others.index(AnswerSource.LIKELIHOOD)]
        raise StudyFileError(
            "metrics: found {name}; with engine {engine} the tokens of its texts are the program's own and are "
            "kept only where it decides. Put it first, or leave it out.",
            name=name,
            engine=spec.engine,
        )
    return (metric.answers, *others)


def _answers(metric: Metric, judged: tuple[AnswerSource, ...]) -> AnswerSource:
    """Where answers come from: nothing is generated where every metric judges likelihoods."""
    answers = [source for source in judged if source is not AnswerSource.LIKELIHOOD]
    return answers[0] if answers else metric.answers


def _answer_tokens(data: PreparedData) -> dict[str, tuple[int, ...]]:
    splits = {**data.workload.splits, "test": data.test}
    golds = {split: rows[: len(data.examples[split])] for split, rows in splits.items() if rows}
    return {split: tuple(len(e.completion_ids) for e in rows) for split, rows in golds.items()}


def _prior(spec: StudySpec, base: Path) -> tuple[PriorTrial, ...]:
    """The trials of the study that `prior` names which were trained to their end.

    Raises: NotFoundError: there is no such study; StudyFileError: it says nothing that can be used.
    """
    if spec.prior is None:
        return ()
    history = read_study(locate(base / spec.prior)).history
    ended = [f for f in history.trials.values() if f.state.did_train and f.trial.purpose is not Purpose.REFERENCE]
    losses = [(f.trial.configuration, f.outcomes["validation"].loss) for f in ended if "validation" in f.outcomes]
    found = tuple(PriorTrial(c, loss) for c, loss in losses if 0 < loss < math.inf)
    if len({trial.configuration.learning_rate for trial in found}) < FEWEST_PRIOR_RATES:
        raise StudyFileError(
            "prior: found {prior}, which has trained trials at fewer than {fewest_prior_rates} learning rates "
            "and cannot say where to look. Leave the key out.",
            prior=spec.prior,
            fewest_prior_rates=FEWEST_PRIOR_RATES,
        )
    return found


def _constant_score(metric: Metric, data: PreparedData) -> float | None:
    """What the commonest gold answer scores when it is given to every validation example, on the standard scale."""
    rows = data.examples["validation"]
    counts = Counter(row.gold for row in rows)
    if metric.scale.counts_right_answers or not counts:
        return None
    if isinstance(metric, ServiceMetric | HarnessMetric):  # nobody is asked what was not trained
        return 0.0  # the untrained model is the floor
    if metric.answers is AnswerSource.LIKELIHOOD:  # there is no answer to give
        return metric.scale.standard(LARGEST_NATS)
    return float(standard_scores(metric, [counts.most_common(1)[0][0]] * len(rows), rows).mean())


def _known_folder(model: str, base: Path) -> str:
    """The model's folder if there is one, else its name, which an external trainer may know."""
    from tunebook.engines import base_model

    is_known = model == base_model.BUILT_IN or (base / model / "config.json").is_file()
    return str(base_model.resolve_model(model, base)) if is_known else model


def _machine(
    spec: StudySpec, base: Path, entry: EngineEntry, trust: bool
) -> tuple[EngineOptions, dict[str, Any], Any, tuple[str, ...]]:
    """Engine options, facts of the model, tokenizer and devices."""
    from tunebook.engines.devices import device_names

    elsewhere = computes_elsewhere(spec)
    threads = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    extra = _command_settings(spec)
    if not entry.needs_model:
        _refuse_quantization(spec)
        name = spec.model if entry.in_process else _known_folder(spec.model, base)
        is_here = entry.in_process and not elsewhere
        devices = ("cpu",) if is_here else device_names(spec.device, foreign=True, elsewhere=elsewhere)
        options = EngineOptions(
            model=name, device=torch_device(devices[0]), threads=threads, share_prompts=spec.share_prompts, extra=extra
        )
        return options, {"name": spec.model}, PlainTokenizer(), devices
    from tunebook.engines import base_model
    from tunebook.engines.quantisation import quantization_of, resolve_quantization

    folder = base_model.resolve_model(spec.model, base)
    devices = device_names(spec.device, elsewhere=elsewhere)
    if elsewhere and spec.dtype == "auto" and devices[0].startswith("cuda"):
        raise StudyFileError(
            "dtype: found auto, but with executor {executor} the GPU is another machine's and is not known yet. "
            "Name bfloat16 or float16.",
            executor=spec.executor,
        )
    dtype = base_model.resolve_dtype(spec.dtype, devices[0])
    quantization = resolve_quantization(folder, spec.quantization, dtype)
    options = EngineOptions(
        model=str(folder),
        device=torch_device(devices[0]),
        dtype=dtype,
        threads=threads,
        share_prompts=spec.share_prompts,
        trust_remote_code=trust,
        extra=extra,
        quantization=quantization,
        unused=unused_packages(spec, quantization, devices),
    )
    model = base_model.describe_model(spec.model, folder) | {"dtype": dtype, "quantization": quantization}
    if quantization_of(folder) != NONE:
        model["quantised_folder"] = True
    return options, model, base_model.load_tokenizer(folder, trust), devices


def unused_packages(spec: StudySpec, quantization: str, devices: tuple[str, ...]) -> tuple[str, ...]:
    """bitsandbytes, which PEFT imports wherever it is installed, and with it torch's compiler, unless something may use
    it: quantised weights, an optimiser, which takes a GPU, or code that is not tunebook's."""
    is_own = ENGINES.is_own(spec.engine) and all(map(METRICS.is_own, spec.metrics))
    return ("bitsandbytes",) if is_own and quantization == NONE and devices[0].startswith("cpu") else ()


def _refuse_quantization(spec: StudySpec) -> None:
    if spec.quantization != NONE:
        raise StudyFileError(
            "quantization: found {quantization}, but engine {engine} does not load the model itself. Set it in "
            "your own program and take the line out.",
            quantization=spec.quantization,
            engine=spec.engine,
        )


def _data(
    spec: StudySpec,
    base: Path,
    answers: AnswerSource,
    model: dict[str, Any],
    tokenizer: Any,
    options: EngineOptions | None,
    task: OpenTask | None = None,
) -> PreparedData:
    """The data with a tokenizer; `options` where that is the base model's, `task` where the metric is one."""
    data = prepare_data(
        spec,
        tokenizer,
        base,
        model.get("context"),
        answers=answers,
        stops=_stops(options) if options is not None else (),
        vocabulary=model.get("vocabulary"),
        with_tests=any(getattr(METRICS.load(name), "needs_tests", False) for name in spec.installed_metrics),
        documents=rows_of_documents(task) if task is not None else None,
    )
    return with_requests(data, task) if task is not None else data


def _stops(options: EngineOptions) -> tuple[int, ...]:
    from tunebook.engines.base_model import stop_tokens

    return stop_tokens(Path(options.model))


def _asked(
    spec: StudySpec, metric: Metric, entry: EngineEntry, model: dict[str, Any], options: EngineOptions
) -> AskedSettings:
    """What the requests of a task are written with.

    Raises: StudyFileError: the metric is a task, and the engine cannot be asked by requests.
    """
    if not isinstance(metric, HarnessMetric):
        return AskedSettings()
    if not entry.needs_model:
        raise StudyFileError(
            "metric: found {metric} with engine {engine}; the requests of a task are put to a model that the engine "
            "loads. Write engine: packed, or peft.",
            metric=spec.metric,
            engine=spec.engine,
        )
    return AskedSettings(
        system=spec.data.system,
        stops=_stops(options),
        context_tokens=model.get("context"),
        max_new_tokens=spec.max_new_tokens,
    )


def computes_elsewhere(spec: StudySpec) -> bool:
    """Whether the study's executor computes on other machines than this one."""
    return bool(getattr(EXECUTORS.load(spec.executor), "computes_elsewhere", False))


def check_model_and_rows(spec: StudySpec, base: Path) -> None:
    """Refuse what `prepare` would refuse of a model that is not there, and of rows that may be longer than the model's
    context, where it is at hand. Quick where no row can be; no hub is asked.

    Raises: UserError: as `prepare`.
    """
    from tunebook.engines import base_model

    entry = ENGINES.load(spec.engine)
    at_hand = base_model.built_in_is_cached() if spec.model == base_model.BUILT_IN else (base / spec.model).is_dir()
    if entry.needs_model and not at_hand and not base_model.may_be_hub_id(spec.model):
        base_model.resolve_model(spec.model, base)
    if not entry.needs_model or not at_hand:
        return
    model = base_model.describe_model(spec.model, base_model.resolve_model(spec.model, base))
    if model["context"] is None or not may_exceed(spec, base, model["context"]):
        return
    options, model, tokenizer, _ = _machine(spec, base, entry, trust=False)
    metric = load_metric(spec.metric, base, dict(spec.metric_options))
    _data(spec, base, _answers(metric, _judged(spec, metric, entry)), model, tokenizer, options)


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


def _hashes(paths: StudyPaths, options: EngineOptions, entry: EngineEntry, metric: Metric) -> dict[str, str]:
    hashes = {"metric": metric.fingerprint} if isinstance(metric, ServiceMetric) else {}
    if entry.needs_model:
        from tunebook.engines.base_model import fingerprint

        hashes["model"] = fingerprint(Path(options.model), options.quantization)
    if paths.file is not None:
        hashes["study_file"] = hashlib.sha256(paths.file.read_bytes()).hexdigest()
    return hashes


def _seed_warnings(spec: StudySpec) -> tuple[Notice, ...]:
    """Numbers of seeds that the study file sets and its design has no use for."""
    design = "table" if spec.trials else spec.layout
    usual = SeedCounts()
    set_ = {field.name for field in fields(usual) if getattr(spec.seeds, field.name) != getattr(usual, field.name)}
    unused = sorted(set_ - _SEEDS_USED.get(design, set()))
    keys = [f"seeds.{name}" for name in unused]
    return (Notice("seeds_not_used", {"keys": keys, "design": design}),) if keys else ()


def _table_warnings(spec: StudySpec, table: TrialsTable | None) -> tuple[Notice, ...]:
    ignored = table.ignored if table else ()
    return (Notice("columns_ignored", {"file": str(spec.trials), "columns": list(ignored)}),) if ignored else ()
