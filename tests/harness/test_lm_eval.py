"""Tasks of lm_eval as metrics: their numbers are those of lm_eval's own evaluator, document by document."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunebook.core.harness_metric import AskedModel, HarnessMetric, OpenTask
from tunebook.core.ports import TokenizedExample
from tunebook.core.score import ScoreKind
from tunebook.core.trial_result import RawScores
from tunebook.errors import StudyFileError, UserError
from tunebook.evaluation import load_metric
from tunebook.run.scores.documents import AskedSettings, asked_model, check_documents, rows_of_documents
from tunebook.testing.harness_suite import HarnessSuite
from tunebook.testing.tiny_model import letter_tokenizer

lm_eval = pytest.importorskip("lm_eval")

TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
COLOURS = ("red", "dark green", "blue")
CHOICE = """\
task: colours
dataset_path: json
dataset_kwargs: {data_files: {check: check.jsonl, final: final.jsonl}}
output_type: multiple_choice
validation_split: check
test_split: final
doc_to_text: "What colour has {{thing}}?"
doc_to_choice: [red, dark green, blue]
doc_to_target: "{{['red', 'dark green', 'blue'].index(colour)}}"
metric_list: [{metric: acc}, {metric: acc_norm}, {metric: exact_match}, {metric: mcc}]
"""
WRITTEN = """\
task: written
dataset_path: json
dataset_kwargs: {data_files: {final: final.jsonl}}
output_type: generate_until
test_split: final
doc_to_text: "What colour has {{thing}}?"
doc_to_target: "{{colour}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 12}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}]
filter_list:
  - {name: plain, filter: [{function: take_first}]}
  - {name: first, filter: [{function: regex, regex_pattern: "(red|blue)"}, {function: take_first}]}
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    for name, first, n in (("check", 0, 14), ("final", 100, 30)):
        rows = [{"thing": f"thing {first + i}", "colour": COLOURS[i * i % 3]} for i in range(n)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "colours.yaml").write_text(CHOICE, encoding="utf-8")
    (folder / "written.yaml").write_text(WRITTEN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return letter_tokenizer(TEMPLATE, ["<user>", "<assistant>", "<system>", "<end>", "</s>"], "</s>")


@pytest.fixture(scope="module")
def opened(tasks: Path, tokenizer: Any) -> Callable[..., tuple[HarnessMetric, OpenTask]]:
    def load(name: str, folder: Path = tasks, **options: Any) -> tuple[HarnessMetric, OpenTask]:
        metric = load_metric(name, folder, options)
        assert isinstance(metric, HarnessMetric)
        return metric, metric.open(asked_model(tokenizer, AskedSettings(system="Be short.", context_tokens=512)))

    return load


def chance(*ids: Sequence[int]) -> float:
    """A number that a made-up model gives to token ids, the same every time."""
    return int(hashlib.sha256(json.dumps(list(map(list, ids))).encode()).hexdigest()[:8], 16) / 2**32


def likelihood(context: Sequence[int], follows: Sequence[int]) -> float:
    return -5.0 * chance(context, follows)


def is_greedy(context: Sequence[int], follows: Sequence[int]) -> bool:
    return chance(follows, context) < 0.3


def written(context: Sequence[int]) -> str:
    texts = ["red", "Red\nand blue", "it is blue", "dark green", ""]
    return texts[int(5 * chance(context))]


def answered(rows: Sequence[TokenizedExample], tokenizer: Any, generates: bool) -> RawScores:
    """What an engine gives for these rows of the made-up model."""
    nll = np.array([-likelihood(row.prompt_ids, row.completion_ids) for row in rows])
    answers: tuple[Any, ...] = tuple(
        tuple(tokenizer.encode(written(row.prompt_ids)))
        if generates
        else (row.completion_ids if is_greedy(row.prompt_ids, row.completion_ids) else ())
        for row in rows
    )
    return RawScores(answers, nll, tuple(len(row.completion_ids) for row in rows))


@pytest.fixture(scope="module")
def by_lm_eval(tasks: Path, tokenizer: Any) -> Callable[[str], dict[str, Any]]:
    """What lm_eval's own evaluator says of the made-up model on a task's test documents."""
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    class MadeUp(HFLM):  # encodes as lm_eval's model for transformers does
        def __init__(self) -> None:
            self.tokenizer, self.add_bos_token, self.custom_prefix_token_id = tokenizer, None, None
            self.backend, self._rank, self._world_size = "causal", 0, 1
            self.chat_template_args, self.enable_thinking = {}, False

        def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[tuple[float, bool]]:
            return [(likelihood(c, f), is_greedy(c, f)) for _, c, f in requests]

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            return [written(self.tok_encode(each.args[0])).split("\n")[0] for each in requests]

        def get_model_info(self) -> dict[str, Any]:
            return {}

    @cache
    def run(task: str) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tasks)
            return lm_eval.simple_evaluate(
                model=MadeUp(),
                tasks=[task],
                task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
                apply_chat_template=True,
                system_instruction="Be short.",
                bootstrap_iters=0,
            )

    return run


@pytest.mark.parametrize("measure", ["acc", "acc_norm", "exact_match"])
def test_choices_are_scored_as_lm_eval_scores_them(opened: Any, by_lm_eval: Any, tokenizer: Any, measure: str) -> None:
    metric, task = opened(f"lm_eval:colours:{measure}")
    split = task.splits["test"]
    judged = metric.judge("test", answered(split.rows, tokenizer, generates=False))
    theirs = [each[measure] for each in by_lm_eval("colours")["samples"]["colours"]]
    assert judged.scores.tolist() == theirs
    assert 0 < sum(theirs) < len(theirs)
    assert metric.scale.kind is ScoreKind.SHARE
    assert set(judged.raw.texts) <= set(COLOURS)
    golds = [likelihood(row.prompt_ids, row.completion_ids) for row in split.rows[: len(split.examples)]]
    assert judged.raw.nll == pytest.approx(-np.array(golds))


class TestColours(HarnessSuite):
    @pytest.fixture
    def metric(self, tasks: Path) -> HarnessMetric:
        metric = load_metric("lm_eval:colours", tasks, {})
        assert isinstance(metric, HarnessMetric)
        return metric

    @pytest.fixture
    def model(self, tokenizer: Any) -> AskedModel:
        return asked_model(tokenizer, AskedSettings(context_tokens=512))


def test_a_number_of_all_documents_is_spread_over_them(opened: Any, by_lm_eval: Any, tokenizer: Any) -> None:
    metric, task = opened("lm_eval:colours:mcc")
    judged = metric.judge("test", answered(task.splits["test"].rows, tokenizer, generates=False))
    whole = by_lm_eval("colours")["results"]["colours"]["mcc,none"]
    assert metric.scale.kind is ScoreKind.STATISTIC
    assert metric.scale.score(judged.scores.mean()) == pytest.approx(whole)
    assert judged.scores.std() > 0.1


@pytest.mark.parametrize("name", ["plain", "first"])
def test_written_answers_pass_the_filter_that_counts(opened: Any, by_lm_eval: Any, tokenizer: Any, name: str) -> None:
    metric, task = opened("lm_eval:written", filter=name, test_share=0.0)
    rows = task.splits["validation"].rows
    assert (task.scoring.kind, task.scoring.max_new_tokens) == ("generate", 12)
    assert tokenizer.encode("\n")[0] in task.scoring.stop_ids
    judged = metric.judge("validation", answered(rows, tokenizer, generates=True))
    samples = by_lm_eval("written")["samples"]["written"]
    theirs = [each["exact_match"] for each in samples if each["filter"] == name]
    assert judged.scores.tolist() == theirs
    assert 0 < sum(theirs) < len(theirs)


def test_first_rows_are_right_answers_and_contexts_are_the_models_chats(opened: Any, tokenizer: Any) -> None:
    _, task = opened("lm_eval:colours")
    split = task.splits["validation"]
    assert len(split.rows) == 3 * len(split.examples) == 42
    first = split.rows[1]
    assert tokenizer.decode(first.prompt_ids) == "<system>Be short.<end><user>What colour has thing 1?<end><assistant>"
    assert [tokenizer.decode(row.completion_ids) for row in split.rows[:14]] == [e.gold for e in split.examples]
    assert task.about.shown[1:] == ("red", "dark green", "blue")
    assert not task.doubts
    rows = rows_of_documents(task)["validation"]
    assert rows.place(rows.examples[1]).endswith("2")
    again = opened("lm_eval:colours")[1]
    assert again == task
    check_documents(again, {"test": task.splits["test"].examples})
    with pytest.raises(UserError, match="the documents of test are not those"):
        check_documents(task, {"test": split.examples})


def test_one_split_is_divided_and_never_shared(opened: Any) -> None:
    _, task = opened("lm_eval:written")
    parts = [{each.prompt for each in split.examples} for split in task.splits.values()]
    assert task.about.divided
    assert len(parts[0]) + len(parts[1]) == 30
    assert not parts[0] & parts[1]
    assert len(opened("lm_eval:written", limit=4)[1].splits["test"].examples) == 4


def test_a_task_that_takes_its_own_answers_as_wrong_is_doubted(opened: Any, tmp_path: Path, tasks: Path) -> None:
    for file in tasks.glob("*.jsonl"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    hidden = WRITTEN.replace("{{colour}}", "hidden ({{colour}})").replace("written", "hidden")
    (tmp_path / "hidden.yaml").write_text(hidden.replace("- {name: plain", "- {name: none"), encoding="utf-8")
    assert not opened("lm_eval:hidden", tmp_path)[1].doubts
    doubts = opened("lm_eval:hidden", tmp_path, filter="first")[1].doubts
    assert [each.code for each in doubts] == ["task_doubts_its_answers"]


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("lm_eval:nothing_like_it", ("", ""), "defines the task nothing_like_it"),
        ("lm_eval:written:acc", ("", ""), "no number acc; it has exact_match"),
        ("lm_eval:written", ("max_gen_toks: 12", "do_sample: true"), "draws answers by chance"),
        ("lm_eval:written", ("test_split: final", "training_split: final"), "must have valid or test docs"),
        ("lm_eval:written", ("final.jsonl", "gone.jsonl"), "cannot load it from .*gone.jsonl"),
        ("lm_eval:written", ("dataset_path: json", "dataset_path: someone/else"), "data set someone/else of the hub"),
        ("lm_eval:written", ("task: written", "unsafe_code: true\ntask: written"), "runs code that the model writes"),
        (
            "lm_eval:written",
            ("task: written", "group: written\ntask: [one, {task: two}]"),
            r"is a group of tasks.*decides .lm_eval:one.*Its tasks: one, two ",
        ),
        ("lm_eval:written", ("{{thing}}", "{{ 1 / 0 }}"), "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    opened: Any, tmp_path: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Any, why: str
) -> None:
    monkeypatch.setattr("tunebook.evaluation.harness.lm_eval_gateway.task_folder", lambda: tmp_path / "none")
    (tmp_path / "final.jsonl").write_bytes((tasks / "final.jsonl").read_bytes())
    (tmp_path / "written.yaml").write_text(WRITTEN.replace(*change) if change[0] else WRITTEN, encoding="utf-8")
    with pytest.raises(StudyFileError, match=why):
        opened(name, tmp_path)


def test_without_lm_eval_the_message_says_how_to_install_it(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudyFileError, match=r"pip install 'tunebook\[lm-eval\]'"):
        opened("lm_eval:colours")


def test_a_task_of_the_package_is_found_there(opened: Any) -> None:
    with pytest.raises(StudyFileError, match=r"documents are the data set allenai/ai2_arc \(ARC-Easy\) of the hub"):
        opened("lm_eval:arc_easy")
