"""Which documents of a task choose and which confirm; how a task is found by its name without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.core.facts import ExampleText
from tunebook.evaluation.harness.documents import Document, divided, fewest
from tunebook.evaluation.harness.task_files import config_of, find_task, local_files


def documents(n: int, first: int = 0) -> list[Document]:
    return [Document(index=i, text=ExampleText(i, f"question {first + i}", "yes")) for i in range(n)]


def keys(documents: list[Document]) -> set[str]:
    return {document.key for document in documents}


def test_equal_documents_are_on_one_side_and_further_ones_move_none() -> None:
    validation, test = divided(documents(400), 0.5)
    assert 160 < len(validation) < 240
    assert len(validation) + len(test) == 400
    assert not keys(validation) & keys(test)
    twice = divided([*documents(400), *documents(400)], 0.5)
    assert not keys(twice[0]) & keys(twice[1])
    more = divided(documents(700), 0.5)
    assert keys(validation) < keys(more[0])
    assert keys(test) < keys(more[1])
    assert divided(documents(20), 0.0) == (documents(20), [])


def test_a_larger_limit_keeps_the_documents_of_a_smaller_one_in_their_order() -> None:
    all_of_them = documents(100)
    few, more = fewest(all_of_them, 10), fewest(all_of_them, 30)
    assert (len(few), len(more)) == (10, 30)
    assert keys(few) < keys(more)
    assert [each.index for each in more] == sorted(each.index for each in more)
    assert fewest(all_of_them, None) == fewest(all_of_them, 100) == all_of_them


@pytest.mark.parametrize("line", ["task: kinds", '"task": "kinds"', "task: kinds  # of questions", "'task': 'kinds'"])
def test_a_task_is_found_by_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "copy.yaml").write_text("task: kinds\n", encoding="utf-8")
    assert find_task("kinds", tmp_path) is None
    (tmp_path / "tasks").mkdir()
    file = tmp_path / "tasks" / "any.yaml"
    file.write_text(f"include: base.yaml\n{line}\n", encoding="utf-8")
    found = find_task("kinds", tmp_path)
    assert found is not None
    assert (found.path, found.is_group) == (file, False)
    assert find_task("kind", tmp_path) is None
    file.write_text("group: kinds\ntask:\n  - kinds_a\n", encoding="utf-8")
    found = find_task("kinds", tmp_path)
    assert found is not None
    assert found.is_group


def test_what_a_task_includes_is_read_and_no_function_is_run(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "dataset_path: json\ndataset_kwargs: {data_files: {test: rows.jsonl, train: https://example.org/a.jsonl}}\n"
        "process_docs: !function helpers.explode\n",
        encoding="utf-8",
    )
    (tmp_path / "mine.yaml").write_text("include: base.yaml\ntask: mine\n", encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text("{}", encoding="utf-8")
    config = config_of(tmp_path / "mine.yaml")
    assert config["task"] == "mine"
    assert local_files(config, tmp_path) == {
        "test": str(tmp_path / "rows.jsonl"),
        "train": "https://example.org/a.jsonl",
    }
    assert local_files({"dataset_path": "json"}, tmp_path) is None
