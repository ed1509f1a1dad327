"""Data in the columns that people use: usual names, templates, options, several right answers, numbers with names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bad_data import lines

from tunebook.core.row_template import RowTemplate, template_problem
from tunebook.data import Reading, load_rows
from tunebook.errors import DataError


def one(folder: Path, row: dict, **options):
    (folder / "a.jsonl").write_bytes(lines(row))
    rows = load_rows("a.jsonl", folder, Reading(**options))
    example = rows.examples[0]
    return rows, example.prompt, (example.completion, *example.references)


@pytest.mark.parametrize(
    ("row", "prompt", "answers"),
    [
        ({"text": "a", "intent": "b"}, "a", ["b"]),
        ({"Review Text": "no", "Text": "a", "Category": "b"}, "a", ["b"]),
        ({"text": "a", "label": 2, "label_text": "b"}, "a", ["b"]),
        ({"text": "a", "label": 2}, "a", ["2"]),
        ({"文本": "a", "标签": "b"}, "a", ["b"]),
        ({"instruction": "Which desk?", "input": "a", "label": "b"}, "Which desk?\na", ["b"]),
        ({"premise": "a", "hypothesis": "b", "label": 1}, "a\nb", ["1"]),
        ({"context": "c", "question": "a", "answers": {"text": ["b", "d"], "answer_start": [1]}}, "c\n\na", ["b", "d"]),
        ({"passage": "c", "question": "a", "answer": True}, "c\n\na", ["true"]),
        ({"question": "a", "answer": ["b", "d", "b"]}, "a", ["b", "d"]),
        ({"question": "a", "answer": {"value": "b", "aliases": ["d"]}}, "a", ["b", "d"]),
    ],
)
def test_usual_columns_are_found(tmp_path: Path, row: dict, prompt: str, answers: list[str]) -> None:
    _, *found = one(tmp_path, row)
    assert found == [prompt, tuple(answers)]


OPTIONS = "a\nA. x\nB. y"


@pytest.mark.parametrize(
    "row",
    [
        {"question": "a", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"},
        {"question": "a", "choices": ["x", "y"], "answer": 1},
        {"question": "a", "options": ["x", "y"], "answer": "y"},
        {"question": "a", "options": {"A": "x", "B": "y"}, "answer_idx": "B", "answer": "ignored"},
        {"question": "a", "choices": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}], "answerKey": "B"},
        {"ctx": "a", "endings": ["x", "y"], "label": "1"},
    ],
)
def test_options_stand_in_the_prompt_and_the_answer_is_a_letter(tmp_path: Path, row: dict) -> None:
    rows, *found = one(tmp_path, row)
    assert found == [OPTIONS, ("B",)]
    assert rows.format == "options"


def test_columns_of_letters_are_options_and_a_passage_stands_before_them(tmp_path: Path) -> None:
    row = {"article": "p", "question": "a", "A": "w", "B": "x", "C": "y", "D": "z", "answer": "C"}
    assert one(tmp_path, row)[1:] == ("p\n\na\nA. w\nB. x\nC. y\nD. z", ("C",))


@pytest.mark.parametrize(
    ("row", "prompt", "completion", "found"),
    [
        ({"text": "a {b}", "intent": "c"}, "{text}\nIntent:", "{intent}", ("a {b}\nIntent:", ("c",))),
        (
            {"q": {"title": "a", "tags": ["x", "y"]}, "d": 3},
            "{q.title} {{{q.tags.1}}}",
            "desk {d}",
            ("a {y}", ("desk 3",)),
        ),
        ({"a.b": "dots", "a": {"b": "nested"}, "d": "x"}, "{a.b}", "{d}", ("dots", ("x",))),
        ({"Review Text": "a", "stars!r": "x"}, "{Review Text}", "{stars!r}", ("a", ("x",))),
        ({"q": "a", "gold": {"all": ["x", "y"]}}, "{q}", "{gold.all}", ("a", ("x", "y"))),
    ],
)
def test_templates_over_columns(tmp_path: Path, row: dict, prompt: str, completion: str, found: tuple) -> None:
    assert one(tmp_path, row, prompt=prompt, completion=completion)[1:] == found


def test_a_template_never_evaluates_anything(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"text\.__class__: found no such key"):
        one(tmp_path, {"text": "a", "label": "b"}, prompt="{text.__class__}", completion="{label}")


def test_templates_with_wrong_braces_are_told() -> None:
    assert template_problem("{a}") is None
    assert template_problem("{a} }") == "a single } at position 4"
    assert template_problem("{a {b}") == "a single { at position 0"
    assert template_problem("{}") == "braces without a column at position 0"
    assert template_problem("{{a}}") == "no column in it"
    assert RowTemplate("{{{a}}}{a}").columns == ("a",)


def test_numbers_get_the_names_of_the_study_file_or_of_the_data_set(tmp_path: Path) -> None:
    assert one(tmp_path, {"text": "a", "label": 1}, names=("no", "yes"))[2] == ("yes",)
    assert one(tmp_path, {"text": "a", "label": "yes"}, names=("no", "yes"))[2] == ("yes",)
    assert one(tmp_path, {"passage": "p", "question": "a", "answer": False}, names=("no", "yes"))[2] == ("no",)
    info = {"features": {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}}
    for name, content in (("dataset_info.json", info), ("dataset_infos.json", {"default": info})):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        assert one(tmp_path, {"text": "a", "label": 1})[2] == ("good",)
        (tmp_path / name).unlink()
    (tmp_path / "dataset_info.json").write_text("[", encoding="utf-8")
    assert one(tmp_path, {"text": "a", "label": 1})[2] == ("1",)


def test_numbers_of_a_parquet_file_get_the_names_in_its_metadata(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = datasets.Dataset.from_list([{"text": "a", "label": 1}], features=features)
    rows.to_parquet(str(tmp_path / "a.parquet"))
    assert load_rows("a.parquet", tmp_path).examples[0].completion == "yes"


def test_messages_may_be_json_text_and_have_other_names(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert one(tmp_path, {"messages": json.dumps(turns)})[1:] == ("a", ("b",))
    spoken = [{"speaker": "Customer", "said": "a"}, {"speaker": "agent", "said": "b"}]
    columns = {"messages": "dialog", "role": "speaker", "content": "said", "user": "customer", "assistant": "agent"}
    assert one(tmp_path, {"dialog": spoken}, columns=columns)[1:] == ("a", ("b",))


def test_columns_of_an_instruction_may_have_other_names(tmp_path: Path) -> None:
    row = {"ask": "a", "extra": "b", "reply": "c", "past": [["d", "e"]]}
    columns = {"instruction": "ask", "input": "extra", "output": "reply", "history": "past"}
    rows, _, answers = one(tmp_path, row, columns=columns)
    assert (rows.format, answers) == ("alpaca", ("c",))
    assert rows.examples[0].messages == (("user", "d"), ("assistant", "e"), ("user", "a\nb"))
