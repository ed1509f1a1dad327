"""What a task of lm_eval asks: the task is found and loaded, and its documents are written as rows for an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.core.harness_metric import AskedModel, TaskSplit
from tunebook.core.ports import TokenizedExample
from tunebook.errors import StudyFileError
from tunebook.escaping import quoted
from tunebook.evaluation.harness import lm_eval_gateway
from tunebook.evaluation.harness.documents import Document, digest_of, divided, fewest
from tunebook.evaluation.harness.task_files import TaskFile, config_of, local_files

__all__ = ["Asked", "ReadTask", "Refusal", "gold_indices", "read_task"]

TEST_SHARE = 0.5
"""Of a task with one split, the share of the documents that confirm."""
FILE_KINDS = frozenset({"json", "csv", "parquet", "text", "arrow"})
"""What tasks write for `dataset_path` where their documents are files."""

Refusal = Callable[..., StudyFileError]
"""Makes an error about the metric from a template and its values."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The requests of one split.

    Attributes:
        instances: lm_eval's, document by document.
        rows_of: for each of them, the rows whose likelihoods make its own.
        gold_of: for each document, the index of the instance with the right answer.
        split: documents and rows.
    """

    instances: list[Any]
    rows_of: list[tuple[int, ...]]
    gold_of: list[int]
    split: TaskSplit


@dataclass(frozen=True, kw_only=True)
class ReadTask:
    """A task that has been loaded.

    Attributes:
        task: lm_eval's own.
        source: where its documents come from: a data set's name, or a file.
        from_hub: whether that is a data set of the hub.
        until: texts that end an answer that is generated.
        longest: its most tokens; 0: none is generated.
    """

    task: Any
    source: str
    from_hub: bool
    until: list[str]
    longest: int

    @property
    def kind(self) -> str:
        """What it asks for, in lm_eval's words."""
        return str(self.task.OUTPUT_TYPE)

    def splits(
        self, model: AskedModel, refusal: Refusal, test_share: float | None, limit: int | None
    ) -> tuple[dict[str, Asked], bool]:
        """The requests for validation and test, and whether one split of the task was divided into them.

        Args:
            test_share: of a task with one split, the share of its documents that confirm; None: the default.
            limit: at most so many documents a split.

        Raises: StudyFileError: it has no split to score, or its requests cannot be written.
        """
        config = self.task.config
        names = list(dict.fromkeys(name for name in (config.validation_split, config.test_split) if name))
        if not names:
            raise refusal("it has neither validation_split nor test_split. Name one in the task's file.")
        if len(names) == 2 and test_share is not None:
            raise refusal("test_share: the task has a validation and a test split. Leave test_share out.")
        read = {name: self._documents(name, model, refusal) for name in names}
        share = TEST_SHARE if test_share is None else test_share
        is_divided = len(names) == 1 and share > 0
        if len(names) == 2:
            parts = [(each, each.documents) for each in read.values()]
        else:
            parts = [(read[names[0]], part) for part in divided(read[names[0]].documents, share)]
        found = zip(("validation", "test"), parts, strict=True)
        asked = {name: self._requests(each, fewest(part, limit), model) for name, (each, part) in found if part}
        return asked, is_divided

    def _documents(self, split: str, model: AskedModel, refusal: Refusal) -> _ReadSplit:
        try:
            encoder, instances = lm_eval_gateway.instances_of(self.task, split, model)
        except Exception as error:  # templates and functions of the task may raise anything
            raise refusal(
                "its requests for split {split} cannot be written ({kind}: {error}). Correct the task's file.",
                split=split,
                kind=type(error).__name__,
                error=quoted(str(error), 200),
            ) from error
        docs: dict[int, Any] = {instance.doc_id: instance.doc for instance in instances}
        documents = [Document(index=index, text=_text(self.task, index, doc)) for index, doc in docs.items()]
        return _ReadSplit(encoder=encoder, instances=instances, documents=documents)

    def _requests(self, read: _ReadSplit, documents: Sequence[Document], model: AskedModel) -> Asked:
        """The rows that the engine runs: first one a document, with its right answer, then all others once."""
        by_document: dict[int, list[Any]] = {}
        for instance in read.instances:
            by_document.setdefault(instance.doc_id, []).append(instance)
        instances: list[Any] = []
        gold_of: list[int] = []
        rows_of_each: list[list[TokenizedExample]] = []
        for document in documents:
            asked = sorted(by_document[document.index], key=lambda each: each.idx)
            gold_of.append(len(instances) + self._gold_of(asked))
            instances += asked
            rows_of_each += [
                [self._row(pair, document.text, model) for pair in read.encoder.pairs(each)] for each in asked
            ]
        rows = [rows_of_each[index][0] for index in gold_of]
        known = {row: place for place, row in reversed(list(enumerate(rows)))}
        for row in (row for each in rows_of_each for row in each):
            if row not in known:
                known[row] = len(rows)
                rows.append(row)
        examples = tuple(
            ExampleText(i, each.text.prompt, each.text.gold, None, each.text.references)
            for i, each in enumerate(documents)
        )
        return Asked(
            instances=instances,
            rows_of=[tuple(known[row] for row in each) for each in rows_of_each],
            gold_of=gold_of,
            split=TaskSplit(examples=examples, rows=tuple(rows), digest=digest_of(examples, rows)),
        )

    def _gold_of(self, asked: Sequence[Any]) -> int:
        if self.task.OUTPUT_TYPE != "multiple_choice":
            return 0
        first = gold_indices(self.task, asked[0].doc)[:1]
        return first[0] if first and 0 <= first[0] < len(asked) else 0

    def _row(
        self, pair: tuple[tuple[int, ...], tuple[int, ...]], text: ExampleText, model: AskedModel
    ) -> TokenizedExample:
        """A request as a row, whose prompt loses its beginning where both do not fit into the context."""
        context, rest = pair
        follows = rest or model.answer_ids(text.gold)
        if model.context_tokens is not None:
            room = max(len(follows), self.longest if not rest else 0)
            context = context[-max(1, model.context_tokens - room) :]
        return TokenizedExample(context, follows)


@dataclass(frozen=True, kw_only=True)
class _ReadSplit:
    """A split of a task: its documents, lm_eval's requests for them, and what encodes these."""

    encoder: lm_eval_gateway.RequestRows
    instances: list[Any]
    documents: list[Document]


def _text(task: Any, index: int, doc: Any) -> ExampleText:
    """A document as the record shows it."""
    kind = task.OUTPUT_TYPE
    if kind == "loglikelihood_rolling":
        return ExampleText(index, "", str(task.doc_to_target(doc)))
    prompt, target = task.doc_to_text(doc), task.doc_to_target(doc)
    if not task.config.doc_to_choice:
        golds = [str(each) for each in (target if isinstance(target, list) else [target])] or [""]
        return ExampleText(index, str(prompt), golds[0], None, tuple(golds[1:]))
    choices = [str(choice) for choice in task.doc_to_choice(doc)]
    wanted = [choices[i] for i in gold_indices(task, doc) if 0 <= i < len(choices)] or [""]
    shown = " / ".join(choices) if task.multiple_input else str(prompt)
    return ExampleText(index, shown, wanted[0], None, tuple(wanted[1:]))


def gold_indices(task: Any, doc: Any) -> list[int]:
    """Which choices are right."""
    gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
    choices = list(task.doc_to_choice(doc))
    golds = gold if isinstance(gold, list) else [gold]
    return [choices.index(each) if each in choices else -1 if isinstance(each, str) else int(each) for each in golds]


def read_task(name: str, found: TaskFile, model: AskedModel, shots: int | None, refusal: Refusal) -> ReadTask:
    """Load a task from the file that defines it.

    Args:
        shots: solved examples before each document; None: as the task says.

    Raises: StudyFileError: it cannot be loaded, or asks for what cannot be compared between trials.
    """
    config = config_of(found.path)
    task = _loaded(name, found, config, shots, refusal)
    _check(task, refusal)
    until, longest = _generation(task, model, refusal)
    source, from_hub = _source(config)
    return ReadTask(task=task, source=source, from_hub=from_hub, until=until, longest=longest)


def _source(config: Mapping[str, Any]) -> tuple[str, bool]:
    """Where the documents come from, and whether that is the hub."""
    path = str(config.get("dataset_path") or "")
    files = (config.get("dataset_kwargs") or {}).get("data_files")
    if path in FILE_KINDS and files:
        flat = list(files.values()) if isinstance(files, dict) else files
        return (", ".join(map(str, flat)) if isinstance(flat, list) else str(flat)), False
    name = config.get("dataset_name")
    is_hub = bool(path) and not Path(path).exists()
    return f"{path} ({name})" if name else path, is_hub


def _loaded(name: str, found: TaskFile, config: dict[str, Any], shots: int | None, refusal: Refusal) -> Any:
    overrides: dict[str, Any] = {}
    files = local_files(config, found.path.parent)
    if files is not None:
        overrides["dataset_kwargs"] = {**config["dataset_kwargs"], "data_files": files}
    if shots is not None:
        overrides["num_fewshot"] = shots
    try:
        return lm_eval_gateway.load_task(name, found.path.parent, overrides)
    except Exception as error:  # the task's own functions and the data set's reader may raise anything
        source, from_hub = _source(config)
        if from_hub:
            raise refusal(
                "its documents are the data set {source} of the hub, which cannot be read here ({kind}: {error}). "
                "Let it be downloaded (HF_HUB_OFFLINE unset, with a connection), or write a task with files of "
                "your own.",
                source=source,
                kind=type(error).__name__,
                error=quoted(str(error), 200),
            ) from error
        raise refusal(
            "lm_eval cannot load it from {path} ({kind}: {error}). Correct the task's file.",
            path=found.path,
            kind=type(error).__name__,
            error=quoted(str(error), 200),
        ) from error


def _check(task: Any, refusal: Refusal) -> None:
    """Refuse what cannot be compared between trials, or is not for a language model of texts."""
    kinds = lm_eval_gateway
    own_way = not isinstance(task, kinds.ConfigurableTask) or (
        type(task).test_docs is not kinds.ConfigurableTask.test_docs
    )
    if own_way:
        raise refusal("it is a Python class with documents of its own way. Use a task in YAML.")
    if getattr(task, "MULTIMODAL", False):
        raise refusal("it shows pictures or sound. Use a task of texts.")
    if getattr(task, "UNSAFE_CODE", False):
        raise refusal("it runs code that the model writes, without limits. Use metric pass@1, which limits it.")


def _generation(task: Any, model: AskedModel, refusal: Refusal) -> tuple[list[str], int]:
    """The texts that end an answer, and its most tokens."""
    if task.OUTPUT_TYPE != "generate_until":
        return [], 0
    until, longest, is_drawn = lm_eval_gateway.generation_settings(dict(task.config.generation_kwargs or {}))
    if is_drawn:
        raise refusal(
            "it draws answers by chance (do_sample). Trials are compared on the likeliest answer: write "
            "do_sample: false in a copy of the task."
        )
    return until, model.max_new_tokens or longest
