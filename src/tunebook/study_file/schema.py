"""The form of a study file: its keys, their types and bounds, as pydantic models.

Every field carries a description that completes the sentence "it is ..." and an example; both make the message when a
value does not fit. `baseline` and `space` are maps of factors and are validated by `factors`.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

__all__ = [
    "FORMATS",
    "BudgetSection",
    "CommandLimitsSection",
    "DataSection",
    "ReportSection",
    "SeedsSection",
    "StudySection",
]

FORMATS = ("prompt_completion", "alpaca", "messages", "sharegpt")
"""The forms of data rows, as `data.format` names them."""
NAME_PATTERN = r"^\w[\w.-]{0,63}$"


def _no_path(name: str) -> str:
    if name.endswith(".") or ".." in name:
        raise ValueError("a name that could be taken for a path")
    return name


def _no_control_characters(text: str) -> str:
    """Names and paths are shown in terminals, where control characters would act."""
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError("a text with control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_no_control_characters)]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN), AfterValidator(_no_path)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class DataSection(_Section):
    """Where the data lies and how to read it."""

    train: Text = Field(description="a data file (.jsonl .json .csv .parquet) or a hub id", examples=["train.jsonl"])
    validation: Text | None = Field(
        default=None,
        description="a data file or a hub id; without it a part of the training data",
        examples=["validation.jsonl"],
    )
    test: Text | None = Field(
        default=None, description="a data file or a hub id, opened once at the end", examples=["test.jsonl"]
    )
    format: Literal[FORMATS] | None = Field(  # type: ignore[valid-type]
        default=None, description="one of " + ", ".join(FORMATS), examples=["messages"]
    )
    group: Text | None = Field(default=None, description="the name of a field of the data rows", examples=["label"])
    train_rows: int | None = Field(default=None, ge=1, description="a whole number of rows, at least 1", examples=[500])
    system: str | None = Field(
        default=None,
        description="a text, the system message of rows that have none",
        examples=['"Answer with one word."'],
    )
    choices: Annotated[list[Text], Field(min_length=2)] = Field(
        default_factory=list, description="a list of at least two answers", examples=["[yes, no]"]
    )
    allow_overlap: bool = Field(default=False, description="true or false", examples=["true"])


class MetricSection(_Section):
    """A metric's name, and beside it whatever options it takes."""

    model_config = ConfigDict(extra="allow")

    name: Text = Field(description="the name of an installed metric", examples=["exact_match"])


def _named(value: Any) -> Any:
    """A metric written as its name alone is a metric without options."""
    return {"name": value} if isinstance(value, str) else value


class BudgetSection(_Section):
    """What may be spent."""

    trials: int | None = Field(default=None, ge=1, description="a whole number of trials, at least 1", examples=[75])
    hours: float | None = Field(default=None, gt=0, description="a number of hours above 0", examples=[8])


class SeedsSection(_Section):
    """Seeds for every configuration and for the baseline."""

    configuration: int = Field(default=2, ge=1, le=50, description="a whole number of seeds from 1 to 50", examples=[2])
    baseline: int = Field(
        default=5,
        ge=3,
        le=50,
        description="a whole number of seeds from 3 to 50 (fewer than three say nothing about the noise)",
        examples=[5],
    )


class CommandLimitsSection(_Section):
    """What one trial of an external trainer may take."""

    hours: float = Field(
        default=4.0, gt=0, le=10_000, description="a number of hours above 0, at most 10000", examples=[4]
    )
    output_megabytes: float = Field(
        default=10.0, gt=0, le=10_000, description="a number of megabytes above 0, at most 10000", examples=[10]
    )


class ReportSection(_Section):
    """How the record is written."""

    language: Literal["en", "zh"] = Field(default="en", description="en or zh", examples=["en"])


class StudySection(_Section):
    """A whole study file."""

    study: Name = Field(
        description="a name of letters, digits, _ - and . (at most 64, no path); it names the folder", examples=["trec"]
    )
    model: Text = Field(
        description="a model folder, a hub id (id@revision), or the built-in smollm2", examples=["smollm2"]
    )
    data: DataSection = Field(
        description="a map with train, and optionally validation and test", examples=["{train: train.jsonl}"]
    )
    metric: Annotated[MetricSection, BeforeValidator(_named)] = Field(
        description="the name of an installed metric, a map of its name and its options, or module:function",
        examples=["exact_match"],
    )
    baseline: dict[str, Any] = Field(
        default_factory=dict, description="a map of factors to values", examples=["{learning_rate: 2e-4, lora_r: 8}"]
    )
    space: dict[str, Any] = Field(
        default_factory=dict,
        description="a map of factors to lists of levels or ranges {low, high}",
        examples=["{learning_rate: {low: 5e-5, high: 2e-3}, lora_r: [8, 16, 32]}"],
    )
    budget: BudgetSection = Field(description="a map with trials, hours, or both", examples=["{trials: 75}"])
    alpha_rule: Literal["proportional", "fixed"] = Field(
        default="proportional",
        description="proportional (keep alpha/r while the rank varies) or fixed (keep alpha)",
        examples=["proportional"],
    )
    design: Literal["one_factor", "balanced"] = Field(
        default="one_factor",
        description="one_factor (each level against the baseline) or balanced (all factors at once)",
        examples=["balanced"],
    )
    floor: Literal["ask", "go_on"] = Field(
        default="ask",
        description="ask (stop when no pilot of a balanced design learns anything) or go_on",
        examples=["go_on"],
    )
    margin: float = Field(
        default=0.03,
        gt=0,
        lt=1,
        description="a difference of accuracy between 0 and 1 (0.03 is 3 points)",
        examples=[0.03],
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="a whole number from 0 to 4294967295", examples=[0])
    report: ReportSection = Field(
        default_factory=ReportSection, description="a map with language", examples=["{language: en}"]
    )
    engine: Text = Field(default="packed", description="the name of an installed engine", examples=["packed"])
    executor: Text = Field(default="local", description="the name of an installed executor", examples=["local"])
    planner: Text = Field(default="rounds", description="the name of an installed planner", examples=["rounds"])
    trackers: list[Text] = Field(
        default_factory=lambda: ["tensorboard"],
        description="a list of names of installed trackers",
        examples=["[tensorboard]"],
    )
    device: Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:\d{1,3})?)$")] = Field(
        default="auto", description="auto, cpu, cuda or cuda:N", examples=["auto"]
    )
    dtype: Literal["auto", "float32", "bfloat16", "float64"] = Field(
        default="auto", description="auto, float32, bfloat16 or float64", examples=["auto"]
    )
    seeds: SeedsSection = Field(
        default_factory=SeedsSection,
        description="a map with configuration and baseline",
        examples=["{configuration: 2, baseline: 5}"],
    )
    extrapolate: float = Field(
        default=10.0,
        ge=1,
        description="a factor of at least 1 by which the boundary round may leave low and high (1: never)",
        examples=[10],
    )
    trials: Text | None = Field(
        default=None, description="a CSV file with one configuration a line", examples=["mine.csv"]
    )
    max_new_tokens: int | None = Field(
        default=None, ge=1, le=8192, description="a whole number of tokens from 1 to 8192", examples=[32]
    )
    final: bool = Field(default=False, description="true or false", examples=["true"])
    share_prompts: bool = Field(default=True, description="true or false", examples=["true"])
    per_token: bool = Field(default=False, description="true or false", examples=["true"])
    command: Annotated[list[Text], Field(min_length=1)] = Field(
        default_factory=list, description="a list: the program and its arguments", examples=["[python, train.py]"]
    )
    command_limits: CommandLimitsSection = Field(
        default_factory=CommandLimitsSection,
        description="a map with hours and output_megabytes",
        examples=["{hours: 4, output_megabytes: 10}"],
    )


SECTIONS: dict[tuple[str, ...], type[_Section]] = {
    (): StudySection,
    ("data",): DataSection,
    ("budget",): BudgetSection,
    ("metric",): MetricSection,
    ("seeds",): SeedsSection,
    ("report",): ReportSection,
    ("command_limits",): CommandLimitsSection,
}
"""The models by the key path that they describe."""
