"""Whatever is handed to the readers, they give a value or a UserError: never another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from bad_data import BAD as BAD_DATA
from bad_data import GOOD_ROWS, lines
from bad_studies import GOOD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from init_text import init_text
from search_depth import examples

from tunebook.core.configuration import Configuration
from tunebook.core.factor import ALIASES, FACTOR_KINDS
from tunebook.data import Reading, load_rows
from tunebook.data.trials_table import read_trials_table
from tunebook.errors import UserError
from tunebook.study_file import load_study, parse_study

FUZZ = settings(deadline=None, max_examples=examples(120), suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["low", "high", "role", "content", "from", "value", "function", "text", "type", "tool_calls"]
            )
            | st.text(max_size=6),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def tolerant(action) -> None:
    try:
        action()
    except UserError as error:
        text = str(error)
        assert text.strip()
        assert len(text) < 20_000
        assert "\x1b" not in text


@st.composite
def mutated(draw, original: bytes) -> bytes:
    """A good file with a few bytes removed, changed, doubled or added."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        piece = draw(
            st.binary(max_size=4)
            | st.sampled_from(
                [
                    b'"',
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b"\n",
                    b"\t",
                    b"\x00",
                    b"\xff",
                    b"&a ",
                    b"*a",
                    b"!!x ",
                    b"null",
                    b"- ",
                    b"\\ud800",
                    b"1e999",
                    b"<<: ",
                    b"\xef\xbb\xbf",
                    b"|\n",
                    b">",
                    b"%",
                    b"? ",
                ]
            )
        )
        data[at : at + draw(st.integers(0, 12))] = piece
    return bytes(data)


@FUZZ
@given(st.binary(max_size=200) | mutated(GOOD.encode()))
def test_no_study_file_gives_a_traceback(folder: Path, data: bytes) -> None:
    file = folder / "study.yaml"
    file.write_bytes(data)
    tolerant(lambda: load_study(file))


keys = st.sampled_from(
    [
        "study",
        "model",
        "data",
        "metric",
        "baseline",
        "space",
        "budget",
        "margin",
        "seed",
        "seeds",
        "report",
        "engine",
        "device",
        "trials",
        "command",
        "extrapolate",
        "alpha_rule",
    ]
) | st.text(max_size=5)
factors = st.dictionaries(st.sampled_from([*FACTOR_KINDS, *ALIASES]) | st.text(max_size=5), values, max_size=4)


@FUZZ
@given(st.dictionaries(keys, values, max_size=5), factors, factors)
def test_no_structure_of_a_study_file_gives_a_traceback(top, baseline, space) -> None:
    study = {
        "study": "a",
        "model": "m",
        "data": {"train": "a.jsonl"},
        "metric": "number",
        "budget": {"trials": 9},
        "baseline": baseline,
        "space": space,
        **top,
    }
    tolerant(lambda: parse_study(json.dumps(study)))


@FUZZ
@given(
    st.sampled_from(["a.jsonl", "a.json", "a.csv"]),
    st.binary(max_size=200)
    | mutated(lines(*GOOD_ROWS))
    | mutated(json.dumps(GOOD_ROWS, indent=1).encode())
    | mutated(b'prompt,completion\n"a, ""b""",c\nd,e\n'),
)
def test_no_data_file_gives_a_traceback(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    tolerant(lambda: load_rows(name, folder))
    tolerant(lambda: init_text(str(folder / name), folder))


row_keys = st.sampled_from(
    [
        "prompt",
        "completion",
        "instruction",
        "input",
        "output",
        "history",
        "messages",
        "system",
        "conversations",
        "tools",
        "question",
        "answer",
        "answers",
        "choices",
        "label",
        "text",
        "kind",
    ]
)
turns = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["user", "assistant", "system", "tool", "x"]) | values,
            "content": values,
            "from": st.sampled_from(["human", "gpt"]) | values,
            "value": values,
            "tool_calls": values,
        },
    ),
    max_size=3,
)


@FUZZ
@given(
    st.lists(st.dictionaries(row_keys, values | turns, max_size=5), min_size=1, max_size=3),
    st.sampled_from([None, "prompt_completion", "alpaca", "messages", "sharegpt", "options"]),
    st.sampled_from([None, "kind"]),
)
def test_no_structure_of_a_row_gives_a_traceback(folder: Path, rows, format, group) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tolerant(lambda: load_rows("rows.jsonl", folder, Reading(format=format, group=group)))


@settings(parent=FUZZ, max_examples=examples(40))
@given(st.data())
def test_no_damaged_parquet_file_gives_a_traceback(folder: Path, data) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(GOOD_ROWS), file)
    file.write_bytes(data.draw(mutated(file.read_bytes())))
    tolerant(lambda: load_rows("a.parquet", folder))


TABLE = (
    b"trial,learning_rate,batch_size,lora_r,target_modules,grad_checkpoint,overall_accuracy\nexp1,2e-4,2,8,,False,0.3\n"
)


@FUZZ
@given(st.binary(max_size=200) | mutated(TABLE))
def test_no_table_of_trials_gives_a_traceback(folder: Path, data: bytes) -> None:
    (folder / "mine.csv").write_bytes(data)
    tolerant(lambda: read_trials_table(folder / "mine.csv", Configuration()))


def test_no_source_name_gives_a_traceback(folder: Path) -> None:
    for source in ("", ".", "..", "~", "a" * 5000 + ".jsonl", "a\nb.csv", "con.json/", "\ud800.csv", *list(BAD_DATA)):
        tolerant(lambda source=source: load_rows(source, folder))
