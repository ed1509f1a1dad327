"""A third party's harness: tasks of inspect_ai with one answer a sample, written against tunebook's public seam alone.

inspect_ai runs solver and scorer itself, with its own stand-in for a model: first to see what it asks, then with the
answers of the study's engine.
"""

from __future__ import annotations

import json
import runpy
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.core.facts import ExampleText
from tunebook.core.harness_metric import AskedModel, JudgedDocuments, OpenTask, TaskAbout, TaskSplit
from tunebook.core.metric import ExampleMetric
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.core.score import SHARE
from tunebook.core.trial_result import RawScores
from tunebook.evaluation.harness.documents import Document, digest_of, divided

Asked = list[dict[str, str]]


class InspectTask(ExampleMetric):
    """`inspect_ai:FILE.py@TASK`: the first scorer's value of each sample."""

    def __init__(self, argument: str, /, *, study_folder: str = ".") -> None:
        self.name, self.scale, self._argument = f"inspect_ai:{argument}", SHARE, argument
        file, _, self._function = argument.partition("@")
        self._file = Path(study_folder) / file

    def code_files(self) -> Sequence[str]:
        return [str(self._file)]

    def open(self, model: AskedModel) -> OpenTask:
        self._model = model
        asked: dict[str, Asked] = {}
        samples = self._run(lambda key, _: asked.setdefault(key, json.loads(key)) and "")
        documents, self._keys = [], {}
        for i, sample in enumerate(samples):
            key = _key(sample.messages[:-1])
            target = sample.target if isinstance(sample.target, str) else sample.target[0]
            documents.append(Document(index=i, text=ExampleText(i, key, target)))
        splits = {}
        for name, part in zip(("validation", "test"), divided(documents, 0.5), strict=True):
            self._keys[name] = [document.text.prompt for document in part]
            examples = tuple(
                ExampleText(i, asked[d.text.prompt][-1]["content"], d.text.gold) for i, d in enumerate(part)
            )
            rows = tuple(self._row(asked[d.text.prompt], d.text.gold) for d in part)
            splits[name] = TaskSplit(examples=examples, rows=rows, digest=digest_of(examples, rows))
        decode, first = model.tokenizer.decode, splits["validation"].rows[0]
        return OpenTask(
            about=TaskAbout(
                harness="inspect_ai",
                version=version("inspect_ai"),
                task=self._argument,
                kind="generate",
                measure="score",
                shots=0,
                divided=True,
                source=str(self._file),
                from_hub=False,
                shown=(decode(first.prompt_ids), decode(first.completion_ids)),
            ),
            splits=splits,
            scoring=Scoring(kind="generate", max_new_tokens=model.max_new_tokens or 64, stop_ids=model.stop_ids),
        )

    def _row(self, messages: Asked, gold: str) -> TokenizedExample:
        ids = self._model.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        return TokenizedExample(tuple(ids), self._model.answer_ids(gold))

    def _run(self, answer: Callable[[str, Any], str]) -> list[Any]:
        from inspect_ai import eval as evaluate
        from inspect_ai.model import ModelOutput, ModelUsage, get_model

        def reply(messages: Any, tools: Any, choice: Any, config: Any) -> ModelOutput:
            output = ModelOutput.from_content("mockllm", answer(_key(messages), config))
            output.usage = ModelUsage()  # else it fetches a tokenizer to count
            return output

        task = runpy.run_path(str(self._file))[self._function]()
        with tempfile.TemporaryDirectory() as folder:
            (log,) = evaluate(
                task,
                model=get_model("mockllm/model", custom_outputs=reply, memoize=False),
                log_dir=folder,
                display="none",
                score=True,
            )
            if log.status != "success":
                raise RuntimeError(str(log.error))
            return sorted(log.samples, key=lambda sample: int(sample.id))  # read from the folder only now

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        texts = [
            raw.texts[i]
            if raw.texts
            else self._model.tokenizer.decode(list(ids if isinstance(ids, tuple) else ()), skip_special_tokens=True)
            for i, ids in enumerate(raw.answers)
        ]
        known = dict(zip(self._keys[split], texts, strict=True))
        scores = {}
        for sample in self._run(lambda key, _: known.get(key, "")):
            (score,) = sample.scores.values()
            scores[_key(sample.messages[:-1])] = (
                score.as_float() if score.value not in ("C", "I") else score.value == "C"
            )
        values = np.array([float(scores[key]) for key in self._keys[split]])
        return JudgedDocuments(raw=RawScores((), raw.nll, raw.n_label_tokens, tuple(texts)), scores=values)

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        raise NotImplementedError("inspect_ai scores what its requests gave")


def _key(messages: Any) -> str:
    return json.dumps([{"role": each.role, "content": each.text} for each in messages])
