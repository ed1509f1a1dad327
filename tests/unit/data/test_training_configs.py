"""Data sections of other trainers, and columns of unknown names, become what a study file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from init_text import init_text

from tunebook.data import read_splits
from tunebook.data.guess import guess_columns
from tunebook.data.training_configs import data_section
from tunebook.errors import DataError
from tunebook.study_file import parse_study


def write(file: Path, rows: list[dict]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def first_example(data: str, folder: Path) -> tuple[str, str]:
    spec = parse_study(init_text(data, folder))
    example = min(read_splits(spec.data, 0, folder).train_pool, key=lambda each: each.index)
    return example.prompt.partition(" ")[0], example.completion


TURNS = [{"who": "customer", "said": "ask 1"}, {"who": "agent", "said": "x"}]
DIALOGS = [{"dialog": [{**TURNS[0], "said": f"ask {i}"}, {**TURNS[1], "said": "xy"[i % 2]}]} for i in range(60)]
ASKED = [{"ask": f"ask {i}", "more": "", "reply": "xy"[i % 2]} for i in range(60)]


def llama_factory(folder: Path, **entries: dict) -> Path:
    (folder / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder / "dataset_info.json"


def test_llama_factory_entries_are_read_by_name_and_beside_their_file(tmp_path: Path) -> None:
    write(tmp_path / "chats.jsonl", DIALOGS)
    write(tmp_path / "asked.jsonl", ASKED)
    tags = {"role_tag": "who", "content_tag": "said", "user_tag": "customer", "assistant_tag": "agent"}
    chats = {"file_name": "chats.jsonl", "formatting": "sharegpt", "columns": {"messages": "dialog"}, "tags": tags}
    asked = {"file_name": "asked.jsonl", "columns": {"prompt": "ask", "query": "more", "response": "reply"}}
    info = llama_factory(tmp_path, chats=chats, asked=asked)
    for data in (f"{info}:chats", f"{info}:asked", str(tmp_path / "chats.jsonl"), str(tmp_path / "asked.jsonl")):
        prompt, completion = first_example(data, tmp_path)
        assert prompt == "ask", data
        assert completion in "xy", data
    with pytest.raises(
        DataError, match=r"found 2 data sets; they are chats, asked\. Name one: .*dataset_info.json:chats"
    ):
        init_text(str(info), tmp_path)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"file_name": "a.jsonl", "ranking": True}, "preference data"),
        ({"file_name": "a.jsonl", "columns": {"kto_tag": "label"}}, r"columns\.kto_tag"),
        ({"file_name": "a.jsonl", "columns": {"images": "pictures"}}, r"columns\.images"),
        ({"file_name": "a.jsonl", "formatting": "odd"}, 'formatting "odd"'),
        ({"file_name": "a.jsonl", "columns": {"prompt": 3}}, r"columns\.prompt: found 3"),
        ({"file_name": "a.jsonl", "columns": []}, None),
        ({"file_name": "a.jsonl", "columns": ["x"]}, "columns: found"),
        ({"script_url": "a"}, "found no file_name"),
    ],
)
def test_llama_factory_entries_that_do_not_fit_are_refused(tmp_path: Path, entry: dict, told: str | None) -> None:
    info = llama_factory(tmp_path, one=entry)
    if told is None:
        assert data_section(str(info)) is not None
        return
    with pytest.raises(DataError, match=told):
        data_section(str(info))


AXOLOTL = """
base_model: x
datasets:
  - path: chats.jsonl
    ds_type: json
    type: chat_template
    field_messages: dialog
    message_property_mappings: {role: who, content: said}
    roles: {user: [human, customer], assistant: [agent]}
"""


def test_axolotl_sections_are_read(tmp_path: Path) -> None:
    write(tmp_path / "chats.jsonl", DIALOGS)
    write(tmp_path / "asked.jsonl", ASKED)
    config = tmp_path / "qlora.yml"
    config.write_text(AXOLOTL, encoding="utf-8")
    assert first_example(str(config), tmp_path)[0] == "ask"
    fields = "{field_instruction: ask, field_output: reply, format: '[INST] {instruction}'}"
    config.write_text(
        f"datasets:\n  - path: chats.jsonl\n    type: alpaca\n  - path: asked.jsonl\n    type: {fields}\n"
    )
    assert first_example(f"{config}:2", tmp_path)[0] == "ask"
    with pytest.raises(DataError, match=r"found 2 data sets .*Name one: .*qlora.yml:1"):
        init_text(str(config), tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("datasets: [{path: a.jsonl, type: completion}]", "pretraining data"),
        ("rl: dpo\ndatasets: [{path: a.jsonl, type: chatml.intel}]", "preference data"),
        ("datasets: [{path: a.jsonl, type: some.strategy}]", 'type "some.strategy"'),
        ("datasets: [{path: a.jsonl}]", "type: found null"),
        ("datasets: [{type: alpaca}]", "path: found null"),
        ("datasets: [{path: a.jsonl, type: {system_prompt: Be brief.}}]", "data.system"),
        ("datasets: [", "not readable as YAML"),
        ("!!python/object/apply:os.system ['touch x']", "not readable as YAML"),
    ],
)
def test_axolotl_sections_that_do_not_fit_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        data_section(str(tmp_path / "a.yml"))


def test_a_study_file_is_no_data_section(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("study: x\n", encoding="utf-8")
    assert data_section(str(tmp_path / "a.yml")) is None


def test_columns_of_unknown_names_are_guessed_by_what_stands_in_them(tmp_path: Path) -> None:
    rows = [{"nr": i, "ticket": f"my screen {i} is broken", "desk": ["hw", "sw"][i % 2]} for i in range(60)]
    text = init_text(str(write(tmp_path / "a.jsonl", rows)), tmp_path)
    spec = parse_study(text)
    assert (spec.data.prompt, spec.data.completion, spec.metric) == ("{ticket}", "{desk}", "choice")
    assert "a guess from the columns" in text
    nested = [{"id": i, "body": {"mail": f"order {i}", "sent_at": f"day {i}"}, "fields": f"f {i}"} for i in range(60)]
    found = guess_columns([{**row, "body": {"mail": row["body"]["mail"]}} for row in nested])
    assert found is not None
    assert (found.prompt, found.completion) == ("{body.mail}", "{fields}")
    two = [{"abstract": f"long text {i}", "tldr": f"short {i}"} for i in range(9)]
    found = guess_columns(two)
    assert found is not None
    assert (found.prompt, found.completion) == ("{abstract}", "{tldr}")


@pytest.mark.parametrize(
    "rows",
    [
        [{"ticket": f"t {i}", "desk": "ab"[i % 2], "floor": "cd"[i % 2]} for i in range(60)],  # which of the two?
        [{"a": f"x {i}", "b": f"y {i}", "c": f"z {i}"} for i in range(60)],
        [{"desk": "ab"[i % 2]} for i in range(60)],
    ],
)
def test_what_is_not_plain_is_not_guessed(tmp_path: Path, rows: list[dict]) -> None:
    assert guess_columns(rows) is None
    with pytest.raises(DataError, match=r"Say which columns are which|in columns of their own"):
        init_text(str(write(tmp_path / "a.jsonl", rows)), tmp_path)


def test_answers_that_are_numbers_ask_for_names(tmp_path: Path) -> None:
    rows = [{"text": f"t {i}", "label": i % 2} for i in range(60)]
    assert "# names: [first, second]" in init_text(str(write(tmp_path / "a.jsonl", rows)), tmp_path)
