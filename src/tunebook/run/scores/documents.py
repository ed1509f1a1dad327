"""The documents of a harness's task as a study's scored examples: its validation and test rows are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.core.harness_metric import AskedModel, OpenTask
from tunebook.data import PreparedData
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.template import Encoder
from tunebook.errors import UserError

__all__ = ["AskedSettings", "asked_model", "check_documents", "rows_of_documents", "with_requests"]


@dataclass(frozen=True, kw_only=True)
class AskedSettings:
    """What the requests of a task depend on beside model and task; see `core.harness_metric.AskedModel`."""

    system: str | None = None
    stops: tuple[int, ...] = ()
    context_tokens: int | None = None
    max_new_tokens: int | None = None


def asked_model(tokenizer: Any, settings: AskedSettings) -> AskedModel:
    """The model as a task sees it.

    Args:
        tokenizer: the base model's.
    """
    encoder = Encoder(tokenizer, settings.system, settings.stops)
    return AskedModel(
        tokenizer=tokenizer,
        system=settings.system or None,
        stop_ids=encoder.stop_ids,
        answer_ids=encoder.completion_ids,
        context_tokens=settings.context_tokens,
        max_new_tokens=settings.max_new_tokens,
    )


def rows_of_documents(task: OpenTask) -> dict[str, LoadedRows]:
    """The documents of an open task as rows that were read, by split."""
    return {name: _rows(task, name, split.examples, split.digest) for name, split in task.splits.items()}


def _rows(task: OpenTask, split: str, examples: tuple[ExampleText, ...], digest: str) -> LoadedRows:
    about = task.about
    rows = (
        DataExample(
            index=i,
            messages=(("user", each.prompt),),
            completion=each.gold,
            line=i + 1,
            references=each.references,
        )
        for i, each in enumerate(examples)
    )
    return LoadedRows(
        source=f"{about.harness}:{about.task} ({split})",
        container=about.harness,
        format=about.kind,
        keys=(),
        examples=tuple(rows),
        sha256=digest,
        unit="document",
    )


def with_requests(data: PreparedData, task: OpenTask) -> PreparedData:
    """The data with the task's requests in place of its documents' own rows: they are what an engine runs."""
    splits, workload = task.splits, data.workload
    validation = splits["validation"]
    per_example = len(validation.rows) / len(validation.examples)
    return replace(
        data,
        workload=replace(
            workload,
            splits={**workload.splits, "validation": validation.rows},
            scoring=task.scoring,
            curve_examples=min(workload.curve_examples, len(validation.examples)),
        ),
        test=splits["test"].rows if "test" in splits else (),
        facts=replace(data.facts, rows_per_example=per_example),
        summary={**data.summary, "task": asdict(task.about)},
    )


def check_documents(task: OpenTask, examples: Mapping[str, tuple[ExampleText, ...]]) -> None:
    """Refuse documents that are not those that the study was begun with.

    Raises: UserError: a file of the task changed, or it draws its documents anew each time.
    """
    for split, told in examples.items():
        if task.splits[split].examples != told:
            raise UserError(
                "metric {name}: the documents of {split} are not those that the run began with. Leave the task's "
                "files as they are while a study runs; a task that draws its documents needs a fixed seed.",
                name=f"{task.about.harness}:{task.about.task}",
                split=split,
            )
