"""The seam for harnesses takes inspect_ai: its solver writes the requests, its scorer judges the engine's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inspect_task import InspectTask

from tunebook.core.harness_metric import AskedModel
from tunebook.run.scores.documents import AskedSettings, asked_model
from tunebook.testing.harness_suite import HarnessSuite, right_answers
from tunebook.testing.tiny_model import letter_tokenizer

pytest.importorskip("inspect_ai")

TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<end>{% endfor %}<assistant>"
TASK = """\
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate, prompt_template, system_message


@task
def sums():
    samples = [Sample(id=i, input=f"{i} + {i * i % 7} = ?", target=str(i + i * i % 7)) for i in range(1, 25)]
    solver = [system_message("Be short."), prompt_template("{prompt} Write a number."), generate()]
    return Task(dataset=MemoryDataset(samples), solver=solver, scorer=match())
"""


class TestInspect(HarnessSuite):
    @pytest.fixture(scope="class")
    def model(self) -> AskedModel:
        special = ["<user>", "<assistant>", "<system>", "<end>", "</s>"]
        return asked_model(letter_tokenizer(TEMPLATE, special, "</s>"), AskedSettings())

    @pytest.fixture
    def metric(self, tmp_path: Path) -> InspectTask:
        (tmp_path / "sums.py").write_text(TASK, encoding="utf-8")
        return InspectTask("sums.py@sums", study_folder=str(tmp_path))

    def test_what_its_solver_writes_is_what_the_model_is_asked(self, task: Any, model: AskedModel) -> None:
        asked = model.tokenizer.decode(task.splits["validation"].rows[0].prompt_ids)
        assert asked.startswith("<system>Be short.<end><user>")
        assert asked.endswith("= ? Write a number.<end><assistant>")

    def test_its_scorer_judges(self, metric: InspectTask, task: Any) -> None:
        judged = metric.judge("test", right_answers(task, task.splits["test"]))
        assert judged.scores.tolist() == [1.0] * len(task.splits["test"].examples)
        assert judged.raw.texts == tuple(example.gold for example in task.splits["test"].examples)
