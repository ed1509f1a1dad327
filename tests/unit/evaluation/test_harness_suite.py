"""A harness of somebody else passes the conformance suite through the same seam as lm_eval; broken ones do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tunebook.core.facts import ExampleText
from tunebook.core.harness_metric import AskedModel, JudgedDocuments, OpenTask, TaskAbout, TaskSplit
from tunebook.core.metric import ExampleMetric
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.core.score import SHARE
from tunebook.core.trial_result import RawScores
from tunebook.evaluation.harness.documents import digest_of
from tunebook.run.scores.documents import AskedSettings, asked_model
from tunebook.testing.harness_suite import HarnessSuite
from tunebook.testing.tiny_model import letter_tokenizer

COLOURS = ("red", "blue", "green")


class Pretended(ExampleMetric):
    """A harness that asks for the likeliest of three colours."""

    def __init__(self, argument: str = "colours") -> None:
        self.name, self.scale, self._task = f"pretended:{argument}", SHARE, argument

    def code_files(self) -> Sequence[str]:
        return ()

    def open(self, model: AskedModel) -> OpenTask:
        splits = {"validation": self._split(model, range(8)), "test": self._split(model, range(8, 14))}
        self._sizes = {name: len(split.examples) for name, split in splits.items()}
        return OpenTask(
            about=TaskAbout(
                harness="pretended",
                version="1",
                task=self._task,
                kind="choice",
                measure="acc",
                shots=0,
                divided=False,
                source="made up",
                from_hub=False,
                shown=("What colour?", *COLOURS),
            ),
            splits=splits,
            scoring=Scoring(kind="likelihood", stop_ids=model.stop_ids),
        )

    def _split(self, model: AskedModel, numbers: range) -> TaskSplit:
        examples = tuple(ExampleText(i, f"What colour has {n}?", COLOURS[n % 3]) for i, n in enumerate(numbers))
        golds = [self._row(model, example.prompt, example.gold) for example in examples]
        others = [self._row(model, e.prompt, colour) for e in examples for colour in COLOURS if colour != e.gold]
        return TaskSplit(examples=examples, rows=(*golds, *others), digest=digest_of(examples, [*golds, *others]))

    def _row(self, model: AskedModel, prompt: str, answer: str) -> TokenizedExample:
        return TokenizedExample(tuple(model.tokenizer.encode(prompt)), model.answer_ids(answer))

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        n = self._sizes[split]
        others = raw.nll[n:].reshape(n, len(COLOURS) - 1)
        scores = (raw.nll[:n] < others.min(axis=1)).astype(float)
        return JudgedDocuments(raw=RawScores((), raw.nll[:n], raw.n_label_tokens[:n]), scores=scores)

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        raise NotImplementedError


class Shuffled(Pretended):
    """Asks something else every time it is opened."""

    opened = 0

    def _split(self, model: AskedModel, numbers: range) -> TaskSplit:
        self.opened += 1
        return super()._split(model, range(self.opened, self.opened + len(numbers)))


class Leaking(Pretended):
    """Chooses and confirms on the same documents."""

    def open(self, model: AskedModel) -> OpenTask:
        task = super().open(model)
        return replace(task, splits={**task.splits, "test": task.splits["validation"]})


class Backwards(Pretended):
    """Takes the right answers as wrong."""

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        judged = super().judge(split, raw)
        return replace(judged, scores=1 - judged.scores)


class Short(Pretended):
    """Forgets a document."""

    def judge(self, split: str, raw: RawScores) -> JudgedDocuments:
        judged = super().judge(split, raw)
        return replace(judged, scores=np.array(judged.scores[1:]))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return letter_tokenizer(None, ["</s>"], "</s>")


class TestPretended(HarnessSuite):
    @pytest.fixture
    def metric(self) -> Pretended:
        return Pretended()

    @pytest.fixture
    def model(self, tokenizer: Any) -> AskedModel:
        return asked_model(tokenizer, AskedSettings())


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Leaking, "test_no_document_chooses_and_confirms"),
        (Backwards, "test_right_answers_score_better_than_others"),
        (Short, "test_each_document_has_a_score_within_the_scale"),
    ],
)
def test_the_suite_finds_what_is_broken(broken: type[Pretended], check: str, tokenizer: Any) -> None:
    metric = broken()
    task = metric.open(asked_model(tokenizer, AskedSettings()))
    arguments = (task,) if broken is Leaking else (metric, task)
    with pytest.raises(AssertionError):
        getattr(HarnessSuite(), check)(*arguments)


def test_the_suite_finds_requests_that_change(tokenizer: Any) -> None:
    metric, model = Shuffled(), asked_model(tokenizer, AskedSettings())
    with pytest.raises(AssertionError):
        HarnessSuite().test_it_asks_the_same_every_time(metric, model, metric.open(model))
