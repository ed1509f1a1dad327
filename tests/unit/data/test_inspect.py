"""What init writes: a study file that runs, whatever the data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from init_text import init_text

from tunebook.core.outlook import RoundOutlook
from tunebook.core.study import RoundKind
from tunebook.data import inspect_data
from tunebook.errors import DataError
from tunebook.study_file import parse_study


def write(file: Path, rows: list[dict]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def compared(effect: float = 0.171, *, on_test: bool = False) -> RoundOutlook:
    """A first round that compares, for what `init` says of it."""
    return RoundOutlook(RoundKind.CONFIRM, 4, 1, effect, on_test)


def labelled(n: int, start: int = 0) -> list[dict]:
    return [
        {"prompt": f"question {i}", "completion": ["yes", "no"][i % 2], "kind": f"k{i % 3}"}
        for i in range(start, start + n)
    ]


def test_folder_of_three_files_gives_a_study_file_that_reads(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("validation", 900), ("test", 1200)):
        write(tmp_path / "data" / f"{name}.jsonl", labelled(800 if name == "train" else 100, start))

    def shown(*_: object) -> RoundOutlook:
        return compared(on_test=True)

    text = init_text(
        str(tmp_path / "data"),
        tmp_path,
        model="my model",
        trials=40,
        language="zh",
        shown=shown,
    )
    spec = parse_study(text)
    assert spec.data.train == "data/train.jsonl"
    assert (spec.data.validation, spec.data.test) == ("data/validation.jsonl", "data/test.jsonl")
    assert (spec.data.group, spec.data.train_rows) == ("kind", 500)
    assert (spec.model, spec.metric, spec.budget.trials, spec.language) == ("my model", "choice", 40, "zh")
    assert "100 个样本，只在最后使用一次，最先的比较在其上进行，能检出 17.1 个百分点以上的差异" in text
    assert "2 种答案：yes、no" in text
    english = init_text(str(tmp_path / "data"), tmp_path, shown=shown)
    assert "at the end; the first comparisons are made on them and detect differences of 17.1 points or more" in english
    assert "2 different answers: yes, no" in english
    values = [line for line in text.splitlines() if re.match(r"(  |metric|alpha_rule|budget|margin|seed|report)", line)]
    assert all("#" in line for line in values)


def test_training_file_alone_says_what_is_split_off(tmp_path: Path) -> None:
    write(tmp_path / "my data.jsonl", labelled(200))
    text = init_text(str(tmp_path / "my data.jsonl"), tmp_path)
    spec = parse_study(text)
    assert spec.name == "my-data"
    assert spec.data.train == "my data.jsonl"
    assert spec.data.validation is None
    assert "about 50 rows are split off train" in text
    assert "without one nothing is confirmed" in text


def test_a_file_of_one_row_is_not_divided_by_nothing(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", labelled(1))
    seen = []
    text = init_text(str(tmp_path / "one.jsonl"), tmp_path, shown=lambda _, *n: seen.append(n) or compared(1.0))
    told = "; the first comparisons are made on them and detect differences of 100.0 points or more"
    assert f"about 0 rows are split off train{told}" in text
    assert seen == [(1, 1, 0)]


def test_siblings_of_a_training_file_are_found_and_paths_are_relative(tmp_path: Path) -> None:
    write(tmp_path / "set" / "train.jsonl", labelled(60))
    write(tmp_path / "set" / "dev.jsonl", labelled(60, 100))
    (tmp_path / "elsewhere").mkdir()
    spec = parse_study(init_text(str(tmp_path / "set" / "train.jsonl"), tmp_path / "elsewhere"))
    assert spec.name == "set"
    assert (spec.data.train, spec.data.validation) == ("../set/train.jsonl", "../set/dev.jsonl")


@pytest.mark.parametrize(
    ("answers", "metric"),
    [
        ([f"so {i} ... \n#### {i}" for i in range(60)], "number"),
        ([f"{i:,}" for i in range(60, 120)], "number"),
        (["1", "2", "3"] * 20, "choice"),
        (["yes", "no\n"] * 30, "choice"),
        ([*["yes", "no"] * 29, "maybe"], "exact_match"),  # a rare answer may be split off
        (["yes", "no", "No"] * 20, "exact_match"),  # metric choice would let them compete
        (["yes"] * 60, "exact_match"),
        ([f"label {i % 25}" for i in range(100)], "exact_match"),
        ([f"answer {i}" for i in range(60)], "exact_match"),
    ],
)
def test_metric_fits_the_answers(tmp_path: Path, answers: list[str], metric: str) -> None:
    write(tmp_path / "a.jsonl", [{"prompt": f"q{i}", "completion": a} for i, a in enumerate(answers)])
    assert parse_study(init_text(str(tmp_path / "a.jsonl"), tmp_path)).metric == metric


def test_an_answer_that_training_lacks_is_no_option(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", labelled(60))
    write(tmp_path / "test.jsonl", [*labelled(60, 100), {"prompt": "new", "completion": "perhaps"}])
    assert parse_study(init_text(str(tmp_path / "train.jsonl"), tmp_path)).metric == "exact_match"


def test_free_texts_are_called_what_they_are(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"instruction": f"q{i}", "output": f"{i} " + "long text " * 20} for i in range(60)])
    text = init_text(str(tmp_path / "a.jsonl"), tmp_path)
    assert "answers are free texts" in text
    assert parse_study(text).metric == "token_f1"


def test_answers_that_are_json_are_judged_by_their_fields(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"prompt": f"q{i}", "completion": json.dumps({"order": i})} for i in range(60)])
    assert parse_study(init_text(str(tmp_path / "a.jsonl"), tmp_path)).metric == "json_fields"


def test_max_length_covers_the_longest_row(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"prompt": f"q{i} " + "word " * 200, "completion": str(i % 2)} for i in range(60)])
    assert parse_study(init_text(str(tmp_path / "a.jsonl"), tmp_path)).baseline.max_length == 512


def test_few_trials_vary_few_factors(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", labelled(60))
    spec = parse_study(init_text(str(tmp_path / "a.jsonl"), tmp_path, trials=20))
    assert [factor.name for factor in spec.space] == ["learning_rate", "lora_r"]


def test_folder_without_training_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no file train\.jsonl"):
        init_text(str(tmp_path), tmp_path)


def test_the_folder_one_stands_in_names_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tickets" / "train.jsonl", labelled(200))
    monkeypatch.chdir(tmp_path / "tickets")
    for data in (".", "train.jsonl", "../tickets"):
        assert parse_study(init_text(data, Path())).name == "tickets", data


def test_a_file_whose_name_begins_with_a_tilde_is_no_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("~x.jsonl"), labelled(60))
    assert parse_study(init_text("~x.jsonl", ".")).data.train == "./~x.jsonl"


def test_a_csv_file_without_a_header_is_noticed(tmp_path: Path) -> None:
    rows = [f"Ticket {i} is broken,{('billing', 'network')[i % 2]}\n" for i in range(60)]
    (tmp_path / "a.csv").write_text("".join(rows), encoding="utf-8")
    with pytest.raises(DataError, match=r'a\.csv:1: found "billing" as the name.*for example text, label,'):
        init_text(str(tmp_path / "a.csv"), tmp_path)
    (tmp_path / "a.csv").write_text("ticket,desk\n" + "".join(rows), encoding="utf-8")
    assert parse_study(init_text(str(tmp_path / "a.csv"), tmp_path)).data.completion == "{desk}"


@pytest.mark.parametrize(
    ("language", "absent", "odd"),
    [("en", "none found", "looked for only beside a file train.*"), ("zh", "未找到", "只在名为 train.* 的文件旁寻找")],
)
def test_beside_a_file_with_a_name_of_its_own_none_is_said_to_be_missing(
    tmp_path: Path, language: str, absent: str, odd: str
) -> None:
    for name in ("mine", "validation", "test"):
        write(tmp_path / f"{name}.jsonl", labelled(100))
    text = init_text(str(tmp_path / "mine.jsonl"), tmp_path, language=language)
    assert (text.count(odd), text.count(absent)) == (2, 0)
    write(tmp_path / "alone" / "train.jsonl", labelled(100))
    text = init_text(str(tmp_path / "alone" / "train.jsonl"), tmp_path, language=language)
    assert (text.count(odd), text.count(absent)) == (0, 2)


def test_columns_that_are_left_out_are_named_in_the_study_file(tmp_path: Path) -> None:
    rows = [{"text": f"a{i}", "label": "yes" if i % 2 else "no", "page": i, "note: x": "b"} for i in range(60)]
    write(tmp_path / "a.jsonl", rows)
    assert '  # not used: "page", "note: x"' in init_text(str(tmp_path / "a.jsonl"), tmp_path).splitlines()
    assert "  # 未使用的列：" in init_text(str(tmp_path / "a.jsonl"), tmp_path, language="zh")


def filled(text: str, i: int) -> str:
    return text.replace("{i}", str(i)).replace("{h}", str(i // 3)).replace("{m}", "abc"[i % 3])


@pytest.mark.parametrize(
    ("columns", "used"),
    [
        (
            {"question": "Who? {i}", "answer": "Ann", "background": "Ann went to the shop. {i}"},
            "{background}\n\n{question}",
        ),
        (
            {"memo": "A long memo of Ann. {i}", "query_text": "Who was it? {i}", "reply": "Ann {i}"},
            "{memo}\n\n{query_text}",
        ),
        ({"sentence": "The soup was cold. {i}", "label": "bad", "aspect": "soup {i}"}, "{sentence}\n\n{aspect}"),
        ({"source": "Hello {h}.", "target": "T {i}", "tgt_lang": "{m}"}, "{source}\n\n{tgt_lang}"),
        ({"question": "Who? {i}", "answer": "Ann", "explanation": "Ann went to the shop. {i}"}, ""),
        ({"question": "Who? {i}", "answer": "Ann", "template": "Answer in a word. Who? {i} Answer:"}, ""),
        ({"question": "Who? {i}", "answer": "Ann", "background": "Always the same long text."}, ""),
        ({"question": "Who went there? {i}", "answer": "Ann", "place": "Rome {i}"}, ""),
    ],
)
def test_nothing_is_guessed_where_a_longer_text_would_be_left_out(
    columns: dict[str, str], used: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.jsonl", [{k: filled(v, i) for k, v in columns.items()} for i in range(60)])
    if not used:
        inspect_data(str(tmp_path / "a.jsonl"), tmp_path)
        return
    with pytest.raises(DataError, match="would not be used") as refusal:
        inspect_data(str(tmp_path / "a.jsonl"), tmp_path)
    assert json.dumps(used) in str(refusal.value)
