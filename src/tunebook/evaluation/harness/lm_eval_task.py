"""`metric: lm_eval:TASK`: a task of lm-evaluation-harness scores the adapters.

lm_eval says which documents there are, what is asked about each (`lm_eval_reader`) and how answers are scored
(`lm_eval_judge`); the study's engine answers. Of the task's numbers the first one counts, or the one that is named:
`lm_eval:TASK:acc_norm`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunebook.core.facts import ExampleText
from tunebook.core.harness_metric import AskedModel, JudgedDocuments, OpenTask, TaskAbout
from tunebook.core.metric import ExampleMetric
from tunebook.core.notice import Notice
from tunebook.core.ports import Scoring
from tunebook.core.trial_result import RawScores
from tunebook.errors import StudyFileError
from tunebook.evaluation.harness.task_files import TaskFile, code_beside, find_task, names_in_group
from tunebook.phrases import Phrase

if TYPE_CHECKING:  # these import lm_eval, which takes seconds and may not be installed
    from tunebook.evaluation.harness.lm_eval_reader import ReadTask

__all__ = ["LmEvalTask"]

LISTED = 8
GOLD_ENOUGH = 0.99
"""A task by whose own rule fewer right answers than this are right is doubted."""


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
        from tunebook.evaluation.harness.lm_eval_gateway import task_folder
        from tunebook.evaluation.harness.lm_eval_judge import TaskJudge, chosen_number
        from tunebook.evaluation.harness.lm_eval_reader import read_task

        found = self._local() or find_task(self._task_name, task_folder())
        if found is None:
            raise self._refusal(
                "no file beside the study file and none of lm_eval's defines the task {task}. Correct the name, or "
                "name the folder of its file: include_path.",
                task=self._task_name,
            )
        if found.is_group:
            names = names_in_group(found.path)
            raise self._refusal(
                "{task} is a group of tasks, and trials are compared document by document on one number of one task. "
                "Name the task that decides (lm_eval:{first}); the group as a whole can be scored on the exported "
                "adapter. Its tasks: {names} ({path}).",
                task=self._task_name,
                first=names[0] if names else "TASK",
                names=", ".join(names[:LISTED]) + (f", and {len(names) - LISTED} more" if len(names) > LISTED else ""),
                path=found.path,
            )
        read = read_task(self._task_name, found, model, self._shots, self._refusal)
        number = chosen_number(read.task, self._measure, self._filter, (self._low, self._high), self._refusal)
        self.scale = number.scale
        self._judge = TaskJudge(metric=self.name, read=read, number=number, tokenizer=model.tokenizer)
        self._asked, is_divided = read.splits(model, self._refusal, self._test_share, self._limit)
        return OpenTask(
            about=self._about(read, is_divided, model),
            splits={name: asked.split for name, asked in self._asked.items()},
            scoring=self._scoring(read, model),
            doubts=self._doubts(read),
        )

    def _refusal(self, template: str, **values: object) -> StudyFileError:
        return StudyFileError("metric: found {name}; {problem}", name=self.name, problem=Phrase(template, **values))

    def _scoring(self, read: ReadTask, model: AskedModel) -> Scoring:
        if read.kind == "generate_until":
            encoded = [model.tokenizer.encode(text, add_special_tokens=False) for text in read.until]
            ends = tuple(
                ids[0] for text, ids in zip(read.until, encoded, strict=True) if text.isspace() and len(ids) == 1
            )
            stops = tuple(dict.fromkeys((*model.stop_ids, *ends)))
            return Scoring(kind="generate", max_new_tokens=read.longest, stop_ids=stops)
        if self._judge.needs_greedy:
            longest = max(len(row.completion_ids) for asked in self._asked.values() for row in asked.split.rows)
            return Scoring(kind="generate", max_new_tokens=longest, stop_ids=model.stop_ids)
        return Scoring(kind="likelihood", stop_ids=model.stop_ids)

    def _about(self, read: ReadTask, is_divided: bool, model: AskedModel) -> TaskAbout:
        from tunebook.evaluation.harness.lm_eval_gateway import version_text

        asked = self._asked["validation"]
        n = max(1, next((i for i, each in enumerate(asked.instances) if each.doc_id != asked.instances[0].doc_id), 1))
        golds = [asked.gold_of[0], *(i for i in range(n) if i != asked.gold_of[0])]
        rows = [asked.split.rows[asked.rows_of[i][0]] for i in golds]
        decode = model.tokenizer.decode
        number = self._judge.number
        return TaskAbout(
            harness="lm_eval",
            version=version_text(),
            task=self._task_name,
            kind=read.kind,
            measure=f"{number.name}, {number.filter}" if read.task.config.filter_list else number.name,
            shots=int(read.task.config.num_fewshot or 0),
            divided=is_divided,
            source=read.source,
            from_hub=read.from_hub,
            shown=(decode(rows[0].prompt_ids), *(decode(row.completion_ids) for row in rows)),
        )

    def _doubts(self, read: ReadTask) -> tuple[Notice, ...]:
        """Whether the task takes its own right answers as right, and where it comes from."""
        found = [Notice("task_from_hub", {"source": read.source})] if read.from_hub else []
        if read.kind == "loglikelihood_rolling" or not self.scale.in_points:
            return tuple(found)
        share = self._judge.share_of_right(self._asked["validation"])
        if share < GOLD_ENOUGH:
            found.append(Notice("task_doubts_its_answers", {"task": self._task_name, "share": share}))
        return tuple(found)

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Never asked: a task scores what its requests gave."""
        raise NotImplementedError("a task of lm_eval scores what its requests gave")

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        """See `HarnessMetric.judge`."""
        return self._judge.scores(self._asked[split], raw)
