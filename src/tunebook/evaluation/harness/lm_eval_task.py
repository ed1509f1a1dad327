"""`metric: lm_eval:TASK`: a task of lm-evaluation-harness scores the adapters.

lm_eval says which documents there are, what is asked about each and how answers are scored; the study's engine answers.
Of the task's numbers the first one counts, or the one that is named: `lm_eval:TASK:acc_norm`.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.harness_metric import AskedModel, JudgedDocuments, OpenTask, TaskAbout, TaskSplit
from tunebook.core.metric import ExampleMetric
from tunebook.core.notice import Notice
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.trial_result import RawScores
from tunebook.errors import StudyFileError, UserError
from tunebook.escaping import quoted
from tunebook.evaluation.harness.documents import Document, digest_of, divided, fewest
from tunebook.evaluation.harness.task_files import TaskFile, code_beside, config_of, find_task, local_files
from tunebook.evaluation.judging import jackknifed
from tunebook.phrases import Phrase

__all__ = ["LmEvalTask"]

TEST_SHARE = 0.5
"""Of a task with one split, the share of the documents that confirm."""
FILE_KINDS = frozenset({"json", "csv", "parquet", "text", "arrow"})
"""What tasks write for `dataset_path` where their documents are files."""
RIGHT_OR_WRONG = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"})
BOUNDS: Mapping[str, tuple[float | None, float | None]] = {
    **dict.fromkeys((*RIGHT_OR_WRONG, "f1", "em"), (0.0, 1.0)),
    "mcc": (-1.0, 1.0),
    **dict.fromkeys(("bleu", "chrf"), (0.0, 100.0)),
    **dict.fromkeys(("ter", "perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"), (0.0, None)),
}
"""Bounds of lm_eval's own numbers; others are taken as unbounded."""
GOLD_ENOUGH = 0.99
"""A task by whose own rule fewer right answers than this are right is doubted."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
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


class LmEvalTask(ExampleMetric):
    """A task of lm_eval.

    Args:
        argument: TASK, or TASK:NUMBER where another than the task's first number is to decide.
        include_path: folder of the task's file, from the study file's; else it is looked for beside the study file and
            then in lm_eval.
        num_fewshot: solved examples before each document; None: as the task says.
        filter: which of the task's filters of answers counts; empty: its first.
        test_share: of a task with one split, the share of its documents that confirm the choice; 0: none.
        limit: at most so many documents a split.
        low, high: bounds of a number that lm_eval does not know.
        study_folder: the study file's folder.
    """

    def __init__(
        self,
        argument: str,
        /,
        *,
        include_path: str = "",
        num_fewshot: int | None = None,
        filter: str = "",
        test_share: float | None = None,
        limit: int | None = None,
        low: float | None = None,
        high: float | None = None,
        study_folder: str = ".",
    ) -> None:
        self.name = f"lm_eval:{argument}"
        self._task_name, _, self._measure = argument.partition(":")
        self._include, self._base, self._filter = include_path, Path(study_folder), filter
        self._shots, self._test_share, self._limit = num_fewshot, test_share, limit
        self._low, self._high = low, high
        if test_share is not None and not 0 <= test_share < 1:
            raise ValueError("test_share: a number from 0, below 1")
        if limit is not None and limit < 1:
            raise ValueError("limit: a whole number, at least 1")
        if num_fewshot is not None and num_fewshot < 0:
            raise ValueError("num_fewshot: a whole number, at least 0")

    def code_files(self) -> Sequence[str]:
        """The task's file beside the study file, whose templates and functions are code, and its neighbours."""
        found = self._local()
        return () if found is None else [str(file) for file in code_beside(found.path)]

    def _local(self) -> TaskFile | None:
        return find_task(self._task_name, self._base / self._include)

    def open(self, model: AskedModel) -> OpenTask:
        """See `HarnessMetric.open`."""
        if importlib.util.find_spec("lm_eval") is None:
            raise StudyFileError(
                "metric: found {name}; lm_eval is not installed. Run pip install 'tunebook[lm-eval]'.", name=self.name
            )
        from tunebook.evaluation.harness import lm_eval_gateway

        self._lm_eval, self._model = lm_eval_gateway, model
        found = self._local() or find_task(self._task_name, lm_eval_gateway.task_folder())
        if found is None:
            raise self._refusal(
                "no file beside the study file and none of lm_eval's defines the task {task}. Correct the name, or "
                "name the folder of its file: include_path.",
                task=self._task_name,
            )
        if found.is_group:
            raise self._refusal(
                "{task} is a group of tasks. Name one of them ({path} lists them).",
                task=self._task_name,
                path=found.path,
            )
        self._config = config_of(found.path)
        self._task = self._loaded(found)
        self._check_task()
        self._choose_number()
        self._asked = {name: self._requests(*part) for name, part in self._parts().items()}
        return OpenTask(
            about=self._about(),
            splits={name: asked.split for name, asked in self._asked.items()},
            scoring=self._scoring(),
            doubts=self._doubts(),
        )

    def _refusal(self, template: str, **values: object) -> StudyFileError:
        return StudyFileError("metric: found {name}; {problem}", name=self.name, problem=Phrase(template, **values))

    @property
    def _source(self) -> tuple[str, bool]:
        """Where the documents come from, and whether that is the hub."""
        path = str(self._config.get("dataset_path") or "")
        files = (self._config.get("dataset_kwargs") or {}).get("data_files")
        if path in FILE_KINDS and files:
            flat = list(files.values()) if isinstance(files, dict) else files
            return (", ".join(map(str, flat)) if isinstance(flat, list) else str(flat)), False
        name = self._config.get("dataset_name")
        is_hub = bool(path) and not Path(path).exists()
        return f"{path} ({name})" if name else path, is_hub

    def _loaded(self, found: TaskFile) -> Any:
        overrides: dict[str, Any] = {}
        files = local_files(self._config, found.path.parent)
        if files is not None:
            overrides["dataset_kwargs"] = {**self._config["dataset_kwargs"], "data_files": files}
        if self._shots is not None:
            overrides["num_fewshot"] = self._shots
        try:
            return self._lm_eval.load_task(self._task_name, found.path.parent, overrides)
        except Exception as error:  # the task's own functions and the data set's reader may raise anything
            source, from_hub = self._source
            if from_hub:
                raise self._refusal(
                    "its documents are the data set {source} of the hub, which cannot be read here ({kind}: {error}). "
                    "Let it be downloaded (HF_HUB_OFFLINE unset, with a connection), or write a task with files of "
                    "your own.",
                    source=source,
                    kind=type(error).__name__,
                    error=quoted(str(error), 200),
                ) from error
            raise self._refusal(
                "lm_eval cannot load it from {path} ({kind}: {error}). Correct the task's file.",
                path=found.path,
                kind=type(error).__name__,
                error=quoted(str(error), 200),
            ) from error

    def _check_task(self) -> None:
        """Refuse what cannot be compared between trials, or is not for a language model of texts."""
        task, kinds = self._task, self._lm_eval
        own_way = not isinstance(task, kinds.ConfigurableTask) or (
            type(task).test_docs is not kinds.ConfigurableTask.test_docs
        )
        if own_way:
            raise self._refusal("it is a Python class with documents of its own way. Use a task in YAML.")
        if getattr(task, "MULTIMODAL", False):
            raise self._refusal("it shows pictures or sound. Use a task of texts.")
        if getattr(task, "UNSAFE_CODE", False):
            raise self._refusal(
                "it runs code that the model writes, without limits. Use metric pass@1, which limits it."
            )
        self._until: list[str] = []
        self._longest = 0
        if task.OUTPUT_TYPE == "generate_until":
            self._until, self._longest, is_drawn = kinds.generation_settings(dict(task.config.generation_kwargs or {}))
            if is_drawn:
                raise self._refusal(
                    "it draws answers by chance (do_sample). Trials are compared on the likeliest answer: write "
                    "do_sample: false in a copy of the task."
                )
            self._longest = self._model.max_new_tokens or self._longest

    def _choose_number(self) -> None:
        numbers = list(self._task.aggregation())
        self._measure = self._measure or (numbers[0] if numbers else "")
        if self._measure not in numbers:
            raise self._refusal(
                "the task has no number {measure}; it has {numbers}. Name one of them: lm_eval:TASK:NUMBER.",
                measure=self._measure,
                numbers=", ".join(map(str, numbers)),
            )
        filters = [str(each["name"]) for each in self._task.config.filter_list or ()] or ["none"]
        self._filter = self._filter or filters[0]
        if self._filter not in filters:
            raise self._refusal(
                "the task has no filter {filter}; it has {filters}. Correct the option filter.",
                filter=self._filter,
                filters=", ".join(filters),
            )
        self._is_mean = self._lm_eval.is_mean(self._task.aggregation()[self._measure])
        self.scale = self._scale()

    def _scale(self) -> ScoreScale:
        low, high = BOUNDS.get(self._measure, (None, None))
        own_rule = callable(self._task.config.process_results)
        is_share = self._is_mean and self._measure in RIGHT_OR_WRONG and not own_rule
        kind = ScoreKind.SHARE if is_share else ScoreKind.MEAN if self._is_mean else ScoreKind.STATISTIC
        return ScoreScale(
            kind=kind,
            low=low if self._low is None else float(self._low),
            high=high if self._high is None else float(self._high),
            higher_is_better=bool(self._task.higher_is_better().get(self._measure, True)),
            noun="" if is_share else self._measure,
        )

    # -- documents and requests

    def _parts(self) -> dict[str, tuple[str, list[Document]]]:
        """The documents of validation and test, each with the task's split that they are in."""
        config = self._task.config
        names = [name for name in (config.validation_split, config.test_split) if name]
        names = list(dict.fromkeys(names))
        if not names:
            raise self._refusal("it has neither validation_split nor test_split. Name one in the task's file.")
        self._encoders: dict[str, tuple[Any, list[Any]]] = {}
        documents = {name: self._documents(name) for name in names}
        self._is_divided = len(names) == 1 and (self._test_share is None or self._test_share > 0)
        if len(names) == 2:
            if self._test_share is not None:
                raise self._refusal("test_share: the task has a validation and a test split. Leave test_share out.")
            parts = [(name, documents[name]) for name in names]
        else:
            share = TEST_SHARE if self._test_share is None else self._test_share
            parts = [(names[0], part) for part in divided(documents[names[0]], share)]
        found = zip(("validation", "test"), parts, strict=True)
        return {name: (split, fewest(part, self._limit)) for name, (split, part) in found if part}

    def _documents(self, split: str) -> list[Document]:
        """The documents of one of the task's splits; keeps their requests."""
        try:
            self._encoders[split] = self._lm_eval.instances_of(self._task, split, self._model)
        except Exception as error:  # templates and functions of the task may raise anything
            raise self._refusal(
                "its requests for split {split} cannot be written ({kind}: {error}). Correct the task's file.",
                split=split,
                kind=type(error).__name__,
                error=quoted(str(error), 200),
            ) from error
        docs = {instance.doc_id: instance.doc for instance in self._encoders[split][1]}
        return [Document(index=index, text=self._text(index, doc)) for index, doc in docs.items()]

    def _text(self, index: int, doc: Any) -> ExampleText:
        """A document as the record shows it."""
        kind = self._task.OUTPUT_TYPE
        if kind == "loglikelihood_rolling":
            return ExampleText(index, "", str(self._task.doc_to_target(doc)))
        prompt, target = self._task.doc_to_text(doc), self._task.doc_to_target(doc)
        if not self._task.config.doc_to_choice:
            golds = [str(each) for each in (target if isinstance(target, list) else [target])] or [""]
            return ExampleText(index, str(prompt), golds[0], None, tuple(golds[1:]))
        choices = [str(choice) for choice in self._task.doc_to_choice(doc)]
        wanted = [choices[i] for i in self._gold_indices(doc) if 0 <= i < len(choices)] or [""]
        shown = " / ".join(choices) if self._task.multiple_input else str(prompt)
        return ExampleText(index, shown, wanted[0], None, tuple(wanted[1:]))

    def _gold_indices(self, doc: Any) -> list[int]:
        """Which choices are right."""
        task = self._task
        gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
        choices = list(task.doc_to_choice(doc))
        golds = gold if isinstance(gold, list) else [gold]
        return [
            choices.index(each) if each in choices else -1 if isinstance(each, str) else int(each) for each in golds
        ]

    def _requests(self, split: str, documents: Sequence[Document]) -> _Asked:
        """The rows that the engine runs: first one a document, with its right answer, then all others once."""
        lm, every = self._encoders[split]
        by_document: dict[int, list[Any]] = {}
        for instance in every:
            by_document.setdefault(instance.doc_id, []).append(instance)
        instances: list[Any] = []
        gold_of: list[int] = []
        rows_of_each: list[list[TokenizedExample]] = []
        for document in documents:
            asked = sorted(by_document[document.index], key=lambda each: each.idx)
            gold_of.append(len(instances) + self._gold_of(asked))
            instances += asked
            rows_of_each += [[self._row(pair, document.text) for pair in lm.pairs(each)] for each in asked]
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
        return _Asked(
            instances=instances,
            rows_of=[tuple(known[row] for row in each) for each in rows_of_each],
            gold_of=gold_of,
            split=TaskSplit(examples=examples, rows=tuple(rows), digest=digest_of(examples, rows)),
        )

    def _gold_of(self, asked: Sequence[Any]) -> int:
        if self._task.OUTPUT_TYPE != "multiple_choice":
            return 0
        first = self._gold_indices(asked[0].doc)[:1]
        return first[0] if first and 0 <= first[0] < len(asked) else 0

    def _row(self, pair: tuple[tuple[int, ...], tuple[int, ...]], text: ExampleText) -> TokenizedExample:
        """A request as a row, whose prompt loses its beginning where both do not fit into the context."""
        context, rest = pair
        follows = rest or self._model.answer_ids(text.gold)
        if self._model.context_tokens is not None:
            room = max(len(follows), self._longest if not rest else 0)
            context = context[-max(1, self._model.context_tokens - room) :]
        return TokenizedExample(context, follows)

    @property
    def _needs_greedy(self) -> bool:
        """Whether it is asked if an answer is what the model itself would write."""
        kind = self._task.OUTPUT_TYPE
        own_rule = callable(self._task.config.process_results)
        return kind == "loglikelihood" or (kind == "multiple_choice" and (own_rule or self._measure == "exact_match"))

    def _scoring(self) -> Scoring:
        if self._task.OUTPUT_TYPE == "generate_until":
            encoded = [self._model.tokenizer.encode(text, add_special_tokens=False) for text in self._until]
            ends = tuple(
                ids[0] for text, ids in zip(self._until, encoded, strict=True) if text.isspace() and len(ids) == 1
            )
            stops = tuple(dict.fromkeys((*self._model.stop_ids, *ends)))
            return Scoring(kind="generate", max_new_tokens=self._longest, stop_ids=stops)
        if self._needs_greedy:
            longest = max(len(row.completion_ids) for asked in self._asked.values() for row in asked.split.rows)
            return Scoring(kind="generate", max_new_tokens=longest, stop_ids=self._model.stop_ids)
        return Scoring(kind="likelihood", stop_ids=self._model.stop_ids)

    def _about(self) -> TaskAbout:
        asked = self._asked["validation"]
        n = max(1, next((i for i, each in enumerate(asked.instances) if each.doc_id != asked.instances[0].doc_id), 1))
        golds = [asked.gold_of[0], *(i for i in range(n) if i != asked.gold_of[0])]
        rows = [asked.split.rows[asked.rows_of[i][0]] for i in golds]
        decode = self._model.tokenizer.decode
        source, from_hub = self._source
        several = self._task.config.filter_list
        return TaskAbout(
            harness="lm_eval",
            version=self._lm_eval.version_text(),
            task=self._task_name,
            kind=str(self._task.OUTPUT_TYPE),
            measure=f"{self._measure}, {self._filter}" if several else self._measure,
            shots=int(self._task.config.num_fewshot or 0),
            divided=self._is_divided,
            source=source,
            from_hub=from_hub,
            shown=(decode(rows[0].prompt_ids), *(decode(row.completion_ids) for row in rows)),
        )

    # -- scores

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Never asked: a task scores what its requests gave."""
        raise NotImplementedError("a task of lm_eval scores what its requests gave")

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        """See `HarnessMetric.judge`."""
        asked = self._asked[split]
        nll = [float(sum(raw.nll[row] for row in rows)) for rows in asked.rows_of]
        responses = [
            self._response(instance, rows, nll[i], raw, asked.split.rows)
            for i, (instance, rows) in enumerate(zip(asked.instances, asked.rows_of, strict=True))
        ]
        scores = self._standard(self._items(asked, responses))
        tokens = [sum(len(asked.split.rows[row].completion_ids) for row in asked.rows_of[i]) for i in asked.gold_of]
        of_documents = RawScores(
            answers=(),
            nll=np.array([nll[i] for i in asked.gold_of]),
            n_label_tokens=tuple(tokens),
            texts=self._answers(asked, responses),
        )
        return JudgedDocuments(raw=of_documents, scores=scores)

    def _response(
        self, instance: Any, rows: tuple[int, ...], nll: float, raw: RawScores, all_rows: Sequence[TokenizedExample]
    ) -> Any:
        """What lm_eval is told of a request: a text, a log-likelihood, or that and whether the model would write it."""
        likelihood = -nll if math.isfinite(nll) else -math.inf
        if instance.request_type == "generate_until":
            return self._lm_eval.cut_at_stops(self._written(rows[0], raw), self._until)
        if instance.request_type == "loglikelihood_rolling":
            return likelihood
        ids = all_rows[rows[0]].completion_ids
        return likelihood, self._needs_greedy and self._written_ids(rows[0], raw)[: len(ids)] == ids

    def _written_ids(self, row: int, raw: RawScores) -> tuple[int, ...]:
        ids = raw.answers[row]
        return ids if isinstance(ids, tuple) else ()

    def _written(self, row: int, raw: RawScores) -> str:
        if raw.texts:
            return raw.texts[row]
        text: str = self._model.tokenizer.decode(list(self._written_ids(row, raw)), skip_special_tokens=True)
        return text.rstrip("\N{REPLACEMENT CHARACTER}")  # it may have been cut within a character

    def _items(self, asked: _Asked, responses: Sequence[Any]) -> list[Any]:
        """What the task says of each document: a score, or what its number of all documents is made of."""
        items = []
        for index, results in self._lm_eval.results_of(self._task, asked.instances, responses, self._filter):
            try:
                items.append(results()[self._measure])
            except Exception as error:  # the task's own function may raise anything
                raise UserError(
                    "metric {name}: the task failed on its document {index} with {kind}: {error}. Correct its file.",
                    name=self.name,
                    index=index,
                    kind=type(error).__name__,
                    error=quoted(str(error), 200),
                ) from error
        return items

    def _standard(self, items: list[Any]) -> Floats:
        if self._is_mean:
            return np.array([self.scale.standard(self._held(item)) for item in items])
        whole, n = self._aggregated(items), len(items)
        without = [self._aggregated([*items[:i], *items[i + 1 :]]) for i in range(n)] if n > 1 else []
        return np.array([self.scale.standard(value) for value in jackknifed(whole, np.array(without), n)])

    def _aggregated(self, items: list[Any]) -> float:
        return self._held(self._task.aggregation()[self._measure](items))

    def _held(self, value: Any) -> float:
        """A number of the task, within its scale.

        Raises: UserError: it is none, or lies outside.
        """
        if isinstance(value, bool | int | float | np.number) and math.isfinite(value):
            if self.scale.contains(float(value)):
                return float(value)
            raise UserError(
                "metric {name}: the task gave {value}, and {measure} was taken to lie from {low} to {high}. Write "
                "low and high beside the metric's name.",
                name=self.name,
                value=value,
                measure=self._measure,
                low=self.scale.low,
                high=self.scale.high,
            )
        raise UserError(
            "metric {name}: the task gave {value} as {measure}, which is no number. Name another of its numbers.",
            name=self.name,
            value=quoted(value),
            measure=self._measure,
        )

    def _answers(self, asked: _Asked, responses: Sequence[Any]) -> tuple[str, ...]:
        """Each document's answer as text: what was written, or the likeliest choice; empty where there is none."""
        kind = self._task.OUTPUT_TYPE
        if kind == "generate_until":
            return tuple(str(responses[i]) for i in asked.gold_of)
        if kind != "multiple_choice":
            return ()
        likelihoods: dict[int, list[float]] = {}
        for instance, response in zip(asked.instances, responses, strict=True):
            likelihoods.setdefault(instance.doc_id, []).append(response[0])
        docs = {instance.doc_id: instance.doc for instance in asked.instances}
        return tuple(self._chosen(docs[index], found) for index, found in likelihoods.items())

    def _chosen(self, doc: Any, likelihoods: Sequence[float]) -> str:
        choices = [str(choice) for choice in self._task.doc_to_choice(doc)]
        lengths = {"acc_norm": [len(c) for c in choices], "acc_bytes": [len(c.encode()) for c in choices]}
        by = lengths.get(self._measure, [1] * len(choices))
        return choices[int(np.argmax(np.array(likelihoods[: len(choices)]) / by))]

    def _doubts(self) -> tuple[Notice, ...]:
        """Whether the task takes its own right answers as right, and where it comes from."""
        source, from_hub = self._source
        found = [Notice("task_from_hub", {"source": source})] if from_hub else []
        asked = self._asked["validation"]
        if self._task.OUTPUT_TYPE == "loglikelihood_rolling" or not self.scale.in_points:
            return tuple(found)
        texts = dict(zip(asked.gold_of, (example.gold for example in asked.split.examples), strict=True))
        right = [self._right(instance, texts.get(i)) for i, instance in enumerate(asked.instances)]
        share = float(self._standard(self._items(asked, right)).mean())
        if share < GOLD_ENOUGH:
            found.append(Notice("task_doubts_its_answers", {"task": self._task_name, "share": share}))
        return tuple(found)

    def _right(self, instance: Any, gold: str | None) -> Any:
        """The response of a model that knows the right answer."""
        if instance.request_type == "generate_until":
            return gold or ""
        return (0.0, True) if gold is not None else (-100.0, False)
