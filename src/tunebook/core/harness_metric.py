"""A metric that is a task of an evaluation harness: it brings its own scored documents and puts requests to the model.

The requests of all documents are known before anything is trained, so an engine answers them like the rows of any
split, many adapters at once, and knows nothing of the harness. What the model answered is then scored by the harness,
document by document (decision 115).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import Metric
from tunebook.core.notice import Notice
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.core.trial_result import RawScores

__all__ = ["AskedModel", "HarnessMetric", "JudgedDocuments", "OpenTask", "TaskAbout", "TaskSplit"]


@dataclass(frozen=True, kw_only=True)
class AskedModel:
    """What a task has to know of the model in order to write requests for it.

    Attributes:
        tokenizer: the base model's; its chat template is applied where it has one, as in training.
        system: the study's system message; None: none.
        stop_ids: tokens that end an answer.
        answer_ids: token ids of an answer as it is trained, its end included.
        context_tokens: the longest input; None: unbounded.
        max_new_tokens: the study's bound of an answer; None: the task's own.
    """

    tokenizer: Any
    system: str | None
    stop_ids: tuple[int, ...]
    answer_ids: Callable[[str], tuple[int, ...]]
    context_tokens: int | None = None
    max_new_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaskSplit:
    """The documents of one split and the requests that they put to the model.

    Attributes:
        examples: the documents as text; `gold` is the right answer.
        rows: the requests as token ids. The first `len(examples)` of them are one a document, with the right answer
            where the task names one.
        digest: SHA-256 of documents and requests.
    """

    examples: tuple[ExampleText, ...]
    rows: tuple[TokenizedExample, ...]
    digest: str


@dataclass(frozen=True, kw_only=True)
class TaskAbout:
    """What is told of a task.

    Attributes:
        harness, version: the package and its version.
        task: its name.
        kind: what it asks for, by the harness's own word ("multiple_choice").
        measure: which of the task's numbers decides, with its filter where there are several.
        shots: solved examples before each document.
        divided: whether one split of the task was divided into validation and test.
        source: where its documents come from: a data set's name or a file.
        from_hub: whether that is a data set of the hub.
        shown: one document as it is put to the model: the prompt, then the answers that are compared, the right one
            first.
    """

    harness: str
    version: str
    task: str
    kind: str
    measure: str
    shots: int
    divided: bool
    source: str
    from_hub: bool
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """A task that has been read, for a model.

    Attributes:
        splits: "validation" and, where there is one, "test".
        scoring: how an engine answers the requests.
        doubts: what may mislead.
    """

    about: TaskAbout
    splits: Mapping[str, TaskSplit]
    scoring: Scoring
    doubts: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JudgedDocuments:
    """A split's documents with their scores.

    Attributes:
        raw: likelihoods of the right answers and answers as text, one a document.
        scores: on the metric's standard scale, (n,).
    """

    raw: RawScores
    scores: Floats = field(repr=False)


@runtime_checkable
class HarnessMetric(Metric, Protocol):
    """A task of a harness as a metric. Its `scale` is known once it is open; its `score` is never asked."""

    def code_files(self) -> Sequence[str]:
        """The paths of the files beside the study file that would run as code when it is opened; imports nothing."""
        ...

    def open(self, model: AskedModel) -> OpenTask:
        """Read the task and write its requests; the same task and model give the same requests.

        Raises: UserError: the harness is not installed, there is no such task, its documents cannot be read, or it asks
            for something that cannot be compared between trials.
        """
        ...

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        """Score what an engine answered to the requests of a split. Called after `open`.

        Raises: UserError: the harness failed, or gave no number within the scale.
        """
        ...
