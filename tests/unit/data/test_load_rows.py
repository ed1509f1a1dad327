"""Reading data files: every form gives the same examples, every fault its line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_data import BAD, GOOD_ROWS, lines

from tunebook.data import Reading, load_rows
from tunebook.data.checks import left_out
from tunebook.errors import DataError
from tunebook.words import words_for

GOOD = [(row["prompt"], row["completion"]) for row in GOOD_ROWS]


def read(folder: Path, name: str, content: bytes, **options):
    (folder / name).write_bytes(content)
    return load_rows(name, folder, Reading(**options))


def pairs(rows) -> list[tuple[str, str]]:
    return [(example.prompt, example.completion) for example in rows.examples]


@pytest.mark.parametrize("name", BAD)
def test_bad_data_file_is_told_with_file_line_and_key(tmp_path: Path, name: str) -> None:
    file, content, options, parts = BAD[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path, file, content, **options)
    for part in parts:
        assert part in str(caught.value)


CSV = "prompt,completion\n" + "".join(f"{p},{c}\n" for p, c in GOOD)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines(*GOOD_ROWS)),
        ("a.jsonl", lines(*GOOD_ROWS).rstrip(b"\n")),
        ("a.jsonl", b"\xef\xbb\xbf" + lines(*GOOD_ROWS)),
        ("a.jsonl", lines(*GOOD_ROWS).replace(b"\n", b"\r\n")),
        ("a.jsonl", lines(*GOOD_ROWS).replace(b"\n", b"\n\n")),
        ("a.jsonl", json.dumps(GOOD_ROWS).encode()),
        ("a.json", json.dumps(GOOD_ROWS, indent=2).encode()),
        ("a.json", lines(*GOOD_ROWS)),
        ("a.ndjson", lines(*GOOD_ROWS)),
        ("a.csv", CSV.encode()),
        ("a.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
        ("a.csv", CSV.replace(",", ";").encode()),
        ("a.tsv", CSV.replace(",", "\t").encode()),
        ("A.JSONL", lines(*GOOD_ROWS)),
        ("a.jsonl", lines(*GOOD_ROWS).replace(b"\n", b"\r")),
        ("a.csv", CSV.replace("\n", "\r").encode()),
    ],
)
def test_all_containers_give_the_same_examples(tmp_path: Path, name: str, content: bytes) -> None:
    rows = read(tmp_path, name, content)
    assert pairs(rows) == GOOD
    assert rows.format == "prompt_completion"
    assert [example.index for example in rows.examples] == list(range(10))


def test_parquet_gives_the_same_examples_and_counts_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(GOOD_ROWS), tmp_path / "a.parquet")
    rows = load_rows("a.parquet", tmp_path)
    assert pairs(rows) == GOOD
    assert rows.place(rows.examples[6]) == "a.parquet, row 7"


def test_numbers_and_truth_values_are_written_as_json_writes_them(tmp_path: Path) -> None:
    for value, text in ((3, "3"), (0.5, "0.5"), (True, "true"), (1e30, "1e+30")):
        assert pairs(read(tmp_path, "a.jsonl", lines({"prompt": 7, "completion": value}))) == [("7", text)]


def test_prompt_completion_alpaca_messages_and_sharegpt_say_the_same(tmp_path: Path) -> None:
    forms = {
        "prompt_completion": {"prompt": "Add.\n1 and 2", "completion": "3"},
        "alpaca": {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        "messages": {"messages": [{"role": "user", "content": "Add.\n1 and 2"}, {"role": "assistant", "content": "3"}]},
        "sharegpt": {"conversations": [{"from": "human", "value": "Add.\n1 and 2"}, {"from": "gpt", "value": "3"}]},
    }
    for form, row in forms.items():
        rows = read(tmp_path, f"{form}.jsonl", lines(row))
        assert rows.format == form
        assert rows.examples[0].messages == (("user", "Add.\n1 and 2"),)
        assert rows.examples[0].completion == "3"


@pytest.mark.parametrize(
    ("row", "format", "keys"),
    [
        ({"question": "a", "answer": "b"}, "prompt_completion", ("question", "answer")),
        ({"text": "a", "label": "b"}, "prompt_completion", ("text", "label")),
        ({"input": "a", "output": "b"}, "prompt_completion", ("input", "output")),
        ({"prompt": "a", "completion": "b", "label": "c"}, "prompt_completion", ("prompt", "completion")),
        ({"instruction": "a", "response": "b"}, "alpaca", ("instruction", "response")),
        (
            {"conversations": [{"from": "human", "content": "a"}, {"from": "gpt", "content": "b"}]},
            "sharegpt",
            ("conversations",),
        ),
        (
            {"conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "messages",
            ("conversations",),
        ),
        (
            {"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]},
            "prompt_completion",
            ("prompt", "completion"),
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "a"}]},
                    {"role": "assistant", "content": "b"},
                ]
            },
            "messages",
            ("messages",),
        ),
    ],
)
def test_forms_are_recognised_by_their_keys(tmp_path: Path, row, format: str, keys: tuple[str, ...]) -> None:
    rows = read(tmp_path, "a.jsonl", lines(row))
    assert (rows.format, rows.keys) == (format, keys)
    assert pairs(rows) == [("a", "b")]


def test_format_overrides_what_would_be_recognised(tmp_path: Path) -> None:
    row = {
        "prompt": "a",
        "completion": "b",
        "messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}],
    }
    assert pairs(read(tmp_path, "a.jsonl", lines(row))) == [("c", "d")]
    assert pairs(read(tmp_path, "a.jsonl", lines(row), format="prompt_completion")) == [("a", "b")]


def test_answer_of_a_long_chat_is_the_last_turn_of_the_assistant(tmp_path: Path) -> None:
    turns = [
        ("system", "S"),
        ("human", "1"),
        ("gpt", "2"),
        ("human", "3"),
        ("function_call", "{}"),
        ("observation", "4"),
        ("gpt", "5"),
        ("human", "6"),
    ]
    row = {"conversations": [{"from": role, "value": text} for role, text in turns], "tools": '[{"name": "f"}]'}
    example = read(tmp_path, "a.jsonl", lines(row)).examples[0]
    assert example.completion == "5"
    assert example.messages == (
        ("system", "S"),
        ("user", "1"),
        ("assistant", "2"),
        ("user", "3"),
        ("assistant", "{}"),
        ("tool", "4"),
    )
    assert example.tools == '[{"name": "f"}]'
    assert example.prompt.splitlines() == ["user: 1", "assistant: 2", "user: 3", "assistant: {}", "tool: 4"]


def test_call_without_text_becomes_its_json(tmp_path: Path) -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    row = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [call]}]}
    example = read(tmp_path, "a.jsonl", lines(row)).examples[0]
    assert json.loads(example.completion) == [{"name": "add", "arguments": {"a": 1}}]


def test_function_call_is_read_as_a_call(tmp_path: Path) -> None:
    call = {"name": "add", "arguments": '{"a": 1}'}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "function_call": call}]
    assert json.loads(read(tmp_path, "a.jsonl", lines({"messages": turns})).examples[0].completion) == [call]


def test_a_turn_of_weight_0_is_not_the_answer(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "weight": 1},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d", "weight": 0},
    ]
    example = read(tmp_path, "a.jsonl", lines({"messages": turns})).examples[0]
    assert (example.messages, example.completion) == ((("user", "a"),), "b")
    with pytest.raises(DataError, match="messages: found weight 0 in every turn of the assistant"):
        read(tmp_path, "b.jsonl", lines({"messages": turns[2:]}))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "content": "b"}]},
            'conversations[1].value: found no such key, but the keys "from", "content"; a turn has value. '
            "Rename one of them to value, or add it.",
        ),
        (
            {"messages": [{"speaker": "human", "content": "a"}]},
            'messages[0].role: found no such key, but the keys "speaker", "content"',
        ),
        ({"prompt": "a", "note": "b"}, 'for example data: {prompt: "{prompt}", completion: "{note}"}'),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, 'data: {prompt: "{prompt}", completion: "{chosen}"}'),
        ({"chosen": [], "rejected": []}, "data: {columns: {messages: chosen}}"),
        ({"chosen": "Human: a", "rejected": "b"}, "rename chosen to text"),
        ({"frage": "a"}, "a pair such as prompt/completion, prompt/response, question/answer"),
    ],
)
def test_a_key_that_is_absent_is_called_absent(tmp_path: Path, row: dict, told: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "a.jsonl", lines(row))
    assert told in str(caught.value)
    assert "null" not in str(caught.value)


def test_nulls_by_which_parquet_fills_up_tools_are_left_out(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    tools = [[{"name": "f", "parameters": {"city": {"type": "string"}}}], [{"name": "g", "parameters": {"day": [1]}}]]
    rows = [{"messages": turns, "tools": each} for each in tools]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert [json.loads(e.tools) for e in load_rows("a.parquet", tmp_path).examples] == tools


def test_alpaca_history_and_system_come_first(tmp_path: Path) -> None:
    row = {"instruction": "c", "input": " ", "output": "d", "system": "S", "history": [["a", "b"]]}
    example = read(tmp_path, "a.jsonl", lines(row)).examples[0]
    assert example.messages == (("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c"))


@pytest.mark.parametrize("inner", [False, True])
def test_rows_whose_list_of_answers_is_empty_are_left_out_and_counted(tmp_path: Path, inner: bool) -> None:
    def row(i: int) -> dict:
        texts = [] if i in (0, 3) else [f"yes {i}", "yes"]
        answers = {"text": texts, "answer_start": [0] * len(texts)} if inner else texts
        return {"context": f"Text {i}.", "question": f"Is it {i}?", "answers": answers}

    (tmp_path / "a.jsonl").write_bytes(lines(*map(row, range(6))))
    rows = load_rows("a.jsonl", tmp_path)
    assert [(e.index, e.line, e.completion) for e in rows.examples][:2] == [(1, 2, "yes 1"), (2, 3, "yes 2")]
    assert (len(rows.examples), rows.unanswerable) == (4, 2)
    (notice,) = left_out({"train": rows})
    assert (
        words_for("en").notice(notice).startswith("a.jsonl: 2 of 6 rows have an empty list of answers and are left out")
    )
    assert "6 条中有 2 条" in words_for("zh").notice(notice)
    (tmp_path / "a.jsonl").write_bytes(lines(row(0), row(3)))
    with pytest.raises(DataError, match=r"a\.jsonl:1: answers: found an empty list"):
        load_rows("a.jsonl", tmp_path)


def test_group_is_kept_as_text(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.jsonl", lines({**GOOD_ROWS[0], "level": 3}, {**GOOD_ROWS[1], "level": "x"}), group="level")
    assert [example.group for example in rows.examples] == ["3", "x"]


def test_emoji_control_characters_and_line_separators_are_kept(tmp_path: Path) -> None:
    row = {"prompt": "a\u2028b\x00c \U0001f600 \x1b[31m", "completion": "\u200d\U0001f468"}
    rows = read(tmp_path, "a.jsonl", json.dumps(row, ensure_ascii=False).encode() + b"\n" + lines(GOOD_ROWS[0]))
    assert pairs(rows)[0] == (row["prompt"], row["completion"])
    assert rows.examples[1].line == 2


def test_five_megabyte_line_is_read(tmp_path: Path) -> None:
    long = "word " * 1_000_000
    rows = read(tmp_path, "a.jsonl", lines({"prompt": long, "completion": "x"}))
    assert len(rows.examples[0].prompt) == 5_000_000
    assert pairs(read(tmp_path, "a.csv", f'prompt,completion\n"{long}",x\n'.encode()))[0][0] == long


def test_missing_file_folder_and_strange_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.jsonl: no such file"):
        load_rows("none.jsonl", tmp_path)
    with pytest.raises(DataError, match="a folder in which no parts"):
        load_rows(".", tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        load_rows("a\x00b.jsonl", tmp_path)


def test_hub_id_without_network_says_how_to_point_to_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nobody/nothing: .*Without a network give the path of a file"):
        load_rows("nobody/nothing", tmp_path)


def test_hub_rows_are_named_and_classes_become_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    made = datasets.Dataset.from_list([{"text": "a", "label": 1}, {"text": "b", "label": 0}], features=features)
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: asked.append((args, options)) or made)
    rows = load_rows("owner/name/part@v1:dev", tmp_path)
    assert asked == [(("owner/name", "part"), {"revision": "v1", "split": "dev"})]
    assert pairs(rows) == [("a", "yes"), ("b", "no")]
    load_rows("owner/name", tmp_path, split="validation")
    assert asked[1] == (("owner/name", None), {"revision": None, "split": "validation"})


@pytest.mark.parametrize(("text", "encoding", "named"), [
    ("prompt,completion\n第一号工单，屏幕坏了,网络\n", "gb18030", "GB18030"),
    ("prompt,completion\nDéjà vu in the old town by the river and over,it was the café\n", "latin-1", "Windows-1252"),
    ("prompt,completion\nZürich and the müller of the town by the river,ü\n", "cp1252", "Windows-1252"),
    ("prompt,completion\nquote \u201cx\u201d and a dash of something more,y and z\n", "cp1252", "Windows-1252"),
    ("prompt,completion\nwhat,ä\n", "utf-16", "UTF-16"),
    ("prompt,completion\nwhat,ä\n", "utf-8-sig", ""),
])  # fmt: skip
def test_other_encodings_are_read_and_named(tmp_path: Path, text: str, encoding: str, named: str) -> None:
    rows = read(tmp_path, "a.csv", text.encode(encoding))
    assert rows.encoding == named
    prompt, _, completion = text.split("\n")[1].partition(",")
    assert pairs(rows) == [(prompt, completion)]
    told = [notice.values for notice in left_out({"train": rows}) if notice.code == "encoding"]
    assert told == ([{"source": "a.csv", "encoding": named}] if named else [])


def test_korean_is_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "prompt,completion\n" + "이 표는 어디에서 살 수 있습니까,지하철\n배송이 늦어지는 이유가 무엇입니까,배송\n"
    with pytest.raises(DataError, match="is not UTF-8"):
        read(tmp_path, "a.csv", text.encode("cp949"))


def test_utf8_that_is_damaged_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    good = "".join(f"Zürich {i},é\n" for i in range(20)).encode()
    with pytest.raises(DataError, match=r"a\.csv:22: byte 0xff is not UTF-8"):
        read(tmp_path, "a.csv", b"prompt,completion\n" + good + b"x\xff,y\n")


def test_the_chosen_chats_of_preferences_are_read_where_the_study_file_says_so(tmp_path: Path) -> None:
    chats = [[{"role": "user", "content": "a"}, {"role": "assistant", "content": text}] for text in "bc"]
    row = {"prompt": "a", "chosen": chats[0], "rejected": chats[1]}
    assert pairs(read(tmp_path, "a.jsonl", lines(row), columns={"messages": "chosen"})) == [("a", "b")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_packed_rows_are_read(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    assert pairs(read(tmp_path, name, pack(lines(*GOOD_ROWS)))) == GOOD


@pytest.mark.parametrize(("name", "start", "said"), [
    ("a.jsonl", b"\x1f\x8b\x08", r"a\.jsonl: packed, and cannot be unpacked"),
    ("a.csv", b"PK\x03\x04", "packed .zip."),
    ("a.json", b"\x28\xb5\x2f\xfd", "zstd"),
    ("a.jsonl.zst", b"\x28\xb5\x2f\xfd", r'ends in "\.zst".*Unpack it, and give the file in it\.'),
    ("a.xlsx", b"PK\x03\x04", "Save the sheet as CSV"),
])  # fmt: skip
def test_packed_files_are_told_to_be_unpacked(tmp_path: Path, name: str, start: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, name, start)
