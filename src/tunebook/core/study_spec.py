"""What a study file says, as values: one question about a model, its data and a space of configurations.

Each field is the one definition of a key of the study file: see `core.study_key`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.space import SearchSpace
from tunebook.core.study_key import StudyKey, key

__all__ = ["Budget", "ColumnNames", "CommandLimits", "DataSpec", "SeedCounts", "StudySpec"]

_FORMATS = ("prompt_completion", "alpaca", "messages", "sharegpt", "options")


@dataclass(frozen=True)
class Budget:
    """What may be spent: trials, hours, or both (whichever ends first)."""

    trials: int | None = key(
        None, "a whole number of trials, at least 1", "how many trials may be trained",
        example="75", default="no limit", minimum=1, may_grow=True, later="more trials, in the rounds to come",
    )  # fmt: skip
    hours: float | None = key(
        None, "a number of hours above 0", "how many hours of device time may be used",
        example="8", default="no limit", minimum=0, minimum_open=True, may_grow=True,
        later="more trials, in the rounds to come",
    )  # fmt: skip


@dataclass(frozen=True)
class SeedCounts:
    """Seeds for every configuration and for the baseline, fixed before results are seen."""

    configuration: int = key(
        2, "a whole number of seeds from 1 to 50", "trials of each configuration, with different seeds, with "
        "`design: one_factor` or a table of trials, and of each that `tunebook add` adds",
        example="2", minimum=1, maximum=50, may_grow=True,
        later="rounds that are planned from then on; `tunebook add` gives more seeds to what was trained before",
    )  # fmt: skip
    baseline: int = key(
        5, "a whole number of seeds from 3 to 50 (fewer than three say nothing about the noise)",
        "trials of the baseline, with different seeds, at least 3, where the design tests single settings "
        "(`one_factor`, `balanced`, a table of trials); a small budget cuts them, and `plan` says so. `model` gives "
        "the baseline as many seeds as each configuration that it confirms", example="5", minimum=3, maximum=50,
        may_grow=True,
        later="rounds that are planned from then on; `tunebook add` gives more seeds to what was trained before",
    )  # fmt: skip
    doubtful: int = key(
        0, "a whole number of seeds from 0 to 50",
        "with `design: one_factor`: further seeds for a third of the levels, those that differ most from the baseline "
        "and are not settled yet; 0 for none", example="2", minimum=0, maximum=50,
    )  # fmt: skip


@dataclass(frozen=True)
class CommandLimits:
    """What one trial of an external trainer may take. Its inside cannot be watched."""

    hours: float = key(
        4.0, "a number of hours above 0, at most 10000",
        "for engine `command`: a trial's program is ended after so many hours, and the trial failed",
        example="4", minimum=0, minimum_open=True, maximum=10_000, may_change=True,
        later="trials that start afterwards",
    )  # fmt: skip
    output_megabytes: float = key(
        10.0, "a number of megabytes above 0, at most 10000",
        "for engine `command`: so much of what a trial's program prints is kept, in megabytes (10^6 bytes); the rest "
        "is dropped", example="10", minimum=0, minimum_open=True, maximum=10_000, may_change=True,
        later="trials that start afterwards",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ColumnNames:
    """What the rows call the columns, keys of turns and roles of the known forms; None: by their usual names."""

    instruction: str | None = key(
        None, "the name of a column", "column of the instruction in form `alpaca`", example="ask", default="instruction"
    )
    input: str | None = key(
        None, "the name of a column", "column of the input that belongs to an instruction", example="extra",
        default="input",
    )  # fmt: skip
    output: str | None = key(
        None, "the name of a column", "column of the answer to an instruction", example="reply",
        default="output, response, label, answer",
    )  # fmt: skip
    system: str | None = key(
        None, "the name of a column", "column of a row's system message", example="role_card", default="system"
    )
    history: str | None = key(
        None, "the name of a column", "column of earlier pairs of question and answer", example="past",
        default="history",
    )  # fmt: skip
    messages: str | None = key(
        None, "the name of a column", "column of the turns of a chat", example="dialog",
        default="messages, conversations",
    )  # fmt: skip
    tools: str | None = key(
        None, "the name of a column", "column of the tools that a chat may call", example="functions", default="tools"
    )
    role: str | None = key(
        None, "the name of a key", "key of a turn that says who speaks", example="speaker", default="role, from"
    )
    content: str | None = key(
        None, "the name of a key", "key of a turn that holds its text", example="utterance", default="content, value"
    )
    user: str | None = key(
        None, "a role's name", "what the rows call the role that asks", example="customer", default="user, human"
    )
    assistant: str | None = key(
        None, "a role's name", "what the rows call the role that answers", example="agent",
        default="assistant, gpt, ...",
    )  # fmt: skip

    @property
    def given(self) -> dict[str, str]:
        """Those that are named, by their standard names."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Where the data lies and how to read it; paths are as written in the study file, resolved against its folder."""

    train: str = key(
        ..., "a data file (.jsonl .json .csv .parquet) or a hub id", "training rows; see [data](data.md)",
        example="train.jsonl",
    )  # fmt: skip
    validation: str | None = key(
        None, "a data file or a hub id; without it a part of the training data",
        "rows that choose between configurations: a fifth of the training rows, at least 50 (at most half), at most "
        "500", example="validation.jsonl", default="split off train",
    )  # fmt: skip
    test: str | None = key(
        None, "a data file or a hub id, opened once at the end",
        "rows that are scored once, at the end, by the configurations that are to be confirmed", example="test.jsonl",
    )  # fmt: skip
    format: str | None = key(
        None, "one of " + ", ".join(_FORMATS), "`prompt_completion`, `alpaca`, `messages`, `sharegpt` or `options`",
        example="messages", default="found out", choices=_FORMATS,
    )  # fmt: skip
    prompt: str | None = key(
        None, "a text with columns in braces", "the prompt, with columns in braces: see [templates](data.md#templates)",
        example='"{text}\\nIntent:"', default="found out", free_text=True,
    )  # fmt: skip
    completion: str | None = key(
        None, "a text with columns in braces", "the answer, with columns in braces", example='"{intent}"',
        default="found out", free_text=True,
    )  # fmt: skip
    tests: str | None = key(
        None, "a text with columns in braces", "for metric `pass@1`: the code that tests an answer, with columns in "
        "braces; a list is written as lines", example='"{test}"', default="tests, test or test_list", free_text=True,
    )  # fmt: skip
    columns: ColumnNames = key(
        ColumnNames(), "a map of standard names to those of the rows", example="{messages: dialog, role: speaker}"
    )  # fmt: skip
    names: tuple[str, ...] = key(
        (), "a list of at least two names", "what the numbers 0, 1, ... in the answers stand for",
        example="[negative, positive]", default="those of the data set", min_items=2,
    )  # fmt: skip
    group: str | None = key(
        None, "the name of a field of the data rows",
        "field of the rows; accuracy is also reported for each of its values", example="label",
    )  # fmt: skip
    train_rows: int | None = key(
        None, "a whole number of rows, at least 1",
        "train on this many rows, drawn by the seed; the record says so, and `--final` trains on all",
        example="500", default="all", minimum=1,
    )  # fmt: skip
    system: str | None = key(
        None, "a text, the system message of rows that have none",
        "system message of rows that have none; empty is the model's own", example='"Answer with one word."',
        default="the model's own", free_text=True,
    )  # fmt: skip
    choices: tuple[str, ...] = key(
        (), "a list of at least two answers",
        "the options of metric `choice` (at most 50 when they are taken from the data)", example="[yes, no]",
        default="training completions", min_items=2,
    )  # fmt: skip
    allow_overlap: bool = key(
        False, "true or false", "go on although an example stands in two splits", example="true", may_change=True,
        later="whether the study may go on",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """One question: model, data, metric, search space, budget, seed.

    Beside the keys of the study file:
        baseline_given: the factors that the study file named; the others took defaults (the record lists them).
        metric_options: (name, value) of what the study file says beside the metric's name.
    """

    name: str = key(
        ..., "a name of letters, digits, _ - and . (at most 64, no path); it names the folder",
        "name of the study and of its folder `runs/<study>/`", example="trec", path="study",
        pattern=r"(?!.*\.\.)\w[\w.-]{0,63}(?<!\.)",
    )  # fmt: skip
    model: str = key(
        ..., "a model folder, a hub id (id@revision), or the built-in smollm2",
        "a model folder with safetensors, a hub id (`id@revision`), or `smollm2`; `none` for an engine that loads no "
        "model, such as `simulated`", example="smollm2",
    )  # fmt: skip
    data: DataSpec = key(
        ..., "a map with train, and optionally validation and test", example="{train: train.jsonl}"
    )  # fmt: skip
    metric: str = key(
        ..., "the name of an installed metric", "the metric's name, where its options stand beside it",
        example="exact_match", path="metric.name", section=StudyKey(
            what="the name of an installed metric, a map of its name and its options, or module:function",
            meaning="a name, `{name: ..., option: ...}`, or `module:function`; see [metrics](data.md#metrics)",
            example="exact_match",
        ),
    )  # fmt: skip
    baseline: Configuration = key(
        ..., "a map of factors to values",
        "the configuration that everything is compared with; one value a factor",
        example="{learning_rate: 2e-4, lora_r: 8}", default="defaults below",
    )  # fmt: skip
    space: SearchSpace = key(
        ..., "a map of factors to lists of levels or ranges {low, high}", "what is varied",
        example="{learning_rate: {low: 5e-5, high: 2e-3}, lora_r: [8, 16, 32]}",
        default="required, unless there is `trials`",
    )  # fmt: skip
    budget: Budget = key(
        ..., "a map with trials, hours, or both", "`trials`, `hours`, or both: whichever ends first",
        example="{trials: 75}",
    )  # fmt: skip
    metrics: tuple[str, ...] = key(
        (), "a list of names of installed metrics; the first decides",
        "in place of `metric`: the first decides, the others are reported with their own intervals; see "
        "[several metrics](data.md#several-metrics)", example="[macro_f1, exact_match, length]", min_items=1,
        may_change=True, later="what the record reports; the first stays",
    )  # fmt: skip
    at_most: dict[str, float] | None = key(
        None, "a map of metrics to numbers", "a configuration with more of one of `metrics` than this is not the best",
        example="{length: 200}", default="no limit", path="max",
    )  # fmt: skip
    baseline_given: tuple[str, ...] = ()
    alpha_rule: str = key(
        "proportional", "proportional (keep alpha/r while the rank varies) or fixed (keep alpha)",
        "while `lora_r` varies: keep alpha/r, or (`fixed`) keep alpha", example="proportional",
        choices=("proportional", "fixed"), always_written=True,
    )  # fmt: skip
    design: str = key(
        "model",
        "one_factor (each level against the baseline), balanced (all factors at once) or model (good settings)",
        "how the study is laid out. `model`: a model proposes every trial, so that good settings are found in few, and "
        "what each factor does is described, not tested; `one_factor`: each level against the baseline, every answer "
        "tested; `balanced`: all factors at once around a piloted learning rate, one tested answer a factor. With a "
        "table of trials it is always `one_factor`", example="balanced", choices=("one_factor", "balanced", "model"),
    )  # fmt: skip
    prior: str | None = key(
        None, "the folder of an earlier study",
        "folder of an earlier study whose losses tell where to look first, with `design: balanced` or `model`; its "
        "trials enter no claim", example="runs/other",
    )  # fmt: skip
    floor: str = key(
        "ask", "ask (stop when the first trials learn nothing) or go_on",
        "stop when the pilots or the first round learn nothing; `go_on` compares all the same", example="go_on",
        choices=("ask", "go_on"), may_change=True, later="whether a study that stopped at the floor goes on",
    )  # fmt: skip
    margin: float = key(
        0.03, "a difference of accuracy between 0 and 1 (0.03 is 3 points)",
        "differences of accuracy smaller than this do not matter to you", example="0.03",
        minimum=0, minimum_open=True, maximum=1, maximum_open=True, always_written=True, may_change=True,
        later="rounds that are judged afterwards; the record names the margin that earlier rounds were judged with",
    )  # fmt: skip
    seed: int = key(
        0, "a whole number from 0 to 4294967295", "splits, parts, trial seeds and plans follow from it", example="0",
        minimum=0, maximum=2**32 - 1, always_written=True,
    )  # fmt: skip
    language: str = key(
        "en", "en or zh", "language of the record, `en` or `zh`", example="en", path="report.language",
        section=StudyKey(what="a map with language", example="{language: en}"), choices=("en", "zh"),
        always_written=True, may_change=True, later="record and terminal",
    )  # fmt: skip
    engine: str = key(
        "packed", "the name of an installed engine",
        "`packed`, `peft`, `command` (your own trainer), `simulated`, or that of [another package](extending.md)",
        example="packed",
    )  # fmt: skip
    executor: str = key(
        "local", "the name of an installed executor",
        "where trials run: `local` (a worker process for each device), `ray` (a worker on each device of a "
        "[Ray cluster](cluster.md); `ray:8`: eight at most) or `inline` (this process, for debugging)",
        example="local", may_change=True, later="trials that start afterwards",
    )  # fmt: skip
    planner: str = key(
        "rounds", "the name of an installed planner",
        "decides which trials come next: `rounds`, or `optuna:` and one of its samplers; "
        "[another package](extending.md) may bring one", example="optuna:TPESampler",
    )  # fmt: skip
    trackers: tuple[str, ...] = key(
        ("tensorboard",), "a list of names of installed trackers", "who follows the run; `[]`: nobody",
        example="[tensorboard]", may_change=True, later="what is shown elsewhere",
    )  # fmt: skip
    metric_options: tuple[tuple[str, Any], ...] = ()
    device: str | tuple[str, ...] = key(
        "auto", "auto, cpu, cpu:N, cuda, cuda:N or a list of these",
        "where to compute, one worker each: `auto` (every GPU, else the processor), `cpu`, `cpu:2` (two workers that "
        "share the processor), `cuda` (every GPU), `cuda:1`, or a list such as `[cuda:0, cuda:2]`",
        example="[cuda:0, cuda:1]", pattern=r"auto|cpu(:[1-9][0-9]?)?|cuda(:[0-9]{1,3})?", min_items=1, may_change=True,
        later="trials that start afterwards; the record names both devices",
    )  # fmt: skip
    dtype: str = key(
        "auto", "auto, float32, bfloat16, float16 or float64", "`auto`, `float32`, `bfloat16`, `float16` (GPUs) or "
        "`float64`", example="auto", choices=("auto", "float32", "bfloat16", "float16", "float64"),
    )  # fmt: skip
    quantization: str = key(
        "none", "nf4, int8 or none (as the model folder has them)",
        "how the base model's weights are kept: `nf4` (4 bits), `int8`, or as the model's folder has them; see "
        "[quantised models](quantised.md)", example="nf4", choices=("nf4", "int8", "none"),
    )  # fmt: skip
    seeds: SeedCounts = key(
        SeedCounts(), "a map with configuration and baseline", example="{configuration: 2, baseline: 5}"
    )  # fmt: skip
    extrapolate: float = key(
        10.0, "a factor of at least 1 by which the boundary round may leave low and high (1: never)",
        "how far the boundary round may leave `low` and `high`, as a factor; 1: never", example="10", minimum=1,
    )  # fmt: skip
    trials: str | None = key(
        None, "a CSV file with one configuration a line",
        "a CSV table of configurations that make the first round; see [data](data.md#a-table-of-your-own-trials)",
        example="mine.csv",
    )  # fmt: skip
    max_new_tokens: int | None = key(
        None, "a whole number of tokens from 1 to 8192", "bound of a generated answer, in tokens", example="32",
        default="longest training answer + 8", minimum=1, maximum=8192,
    )  # fmt: skip
    final: bool = key(
        False, "true or false", "at the end train the recommended configuration on all rows", example="true",
        may_change=True, later="whether it is trained at the end",
    )  # fmt: skip
    price_per_hour: float | None = key(
        None, "a number above 0: what an hour of a device costs",
        "what an hour of one device costs, in your currency; plan, status and the record then say a price",
        example="2.5", minimum=0, minimum_open=True, may_change=True, later="the price that is said",
    )  # fmt: skip
    per_token: bool = key(
        False, "true or false", "metric `choice` compares likelihood per token", example="true"
    )  # fmt: skip
    share_prompts: bool = key(
        True, "true or false", "compute tokens that examples of a step have in common once", example="true"
    )  # fmt: skip
    command: tuple[str, ...] = key(
        (), "a list: the program and its arguments",
        "for engine `command`: the program and its arguments, as a list; no shell", example="[python, train.py]",
        min_items=1,
    )  # fmt: skip
    command_limits: CommandLimits = key(
        CommandLimits(), "a map with hours and output_megabytes", example="{hours: 4, output_megabytes: 10}"
    )  # fmt: skip

    @property
    def layout(self) -> str:
        """The design that acts: a table of trials is judged as one factor at a time, and what a sampler of Optuna
        proposed as a model's proposals are, by confirm alone."""
        if self.trials is not None:
            return "one_factor"
        return "model" if self.planner.partition(":")[0] == "optuna" else self.design

    @property
    def installed_metrics(self) -> tuple[str, ...]:
        """The names of its metrics that are plugins: all but a function of the user's own."""
        return tuple(name for name in self.metrics or (self.metric,) if ":" not in name)
