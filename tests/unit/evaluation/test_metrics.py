"""Judging answers: what counts as right, and whether a metric fits the data."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tunebook.core.facts import ExampleText
from tunebook.core.metric import AnswerSource, ScoreKind
from tunebook.errors import DataError, StudyFileError, UserError
from tunebook.evaluation import check_data, load_metric, scored, standard_scores
from tunebook.evaluation.text import last_number


@pytest.mark.parametrize(
    ("metric", "answer", "gold", "score"),
    [
        ("exact_match", " Human\n", "human", 1),
        ("exact_match", "New  York", "new york", 1),
        ("exact_match", "STRASSE", "straße", 1),
        ("exact_match", "human.", "human", 0),
        ("exact_match", "", "human", 0),
        ("exact_match", "教育 ", "教育", 1),
        ("contains", "The answer is Human.", "human", 1),
        ("contains", "nothing", "no", 0),
        ("contains", "I say no!", "no", 1),
        ("contains", "not now, no", "no", 1),
        ("contains", "it costs 128 dollars", "28", 0),
        ("contains", "这是教育类", "教育", 1),
        ("contains", "C++ it is", "c++", 1),
        ("contains", "", "x", 0),
        ("number", "He has 8 left.", "#### 8", 1),
        ("number", "16 - 8 = 8", "8.0", 1),
        ("number", "It is 1,234 in all", "1234", 1),
        ("number", "minus: -3", "-3", 1),
        ("number", "16-3", "3", 1),
        ("number", "no number", "3", 0),
        ("number", "8 or 9", "8", 0),
        ("number", "0.5", ".50", 1),
        ("choice", " yes", "yes", 1),
        ("choice", "Yes", "yes", 0),
    ],
)
def test_answer_is_scored(metric: str, answer: str, gold: str, score: float) -> None:
    assert load_metric(metric).score(answer, gold) == score


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 1,234.50", "1234.50"),
        ("$1,000,000", "1000000"),
        ("3.5.", "3.5"),
        ("80%", "80"),
        ("\u22127", "-7"),
        ("1\u00a0000", "1000"),
        ("12'345", "12345"),
        ("1,5", "5"),
        ("1,2345", "2345"),
        ("1e5", "1e5"),
        ("2e", "2"),
        ("", None),
        ("none", None),
        ("-", None),
        ("1" * 400, "1" * 400),
    ],
)
def test_last_number_of_a_text(text: str, number: str | None) -> None:
    assert last_number(text) == (None if number is None else Decimal(number))


def test_unparsable_answers_are_known() -> None:
    assert not load_metric("number").parsable("no idea")
    assert not load_metric("exact_match").parsable(" \n")
    assert load_metric("choice").parsable("")


def test_only_choice_needs_options() -> None:
    names = ("exact_match", "choice", "number", "contains")
    assert [name for name in names if load_metric(name).answers is AnswerSource.CHOICE] == ["choice"]
    assert {load_metric(name).scale.kind for name in names} == {ScoreKind.SHARE}


def examples(*golds: str) -> dict[str, list[ExampleText]]:
    return {"validation": [ExampleText(i, f"q{i}", gold) for i, gold in enumerate(golds)]}


def test_number_metric_refuses_gold_without_a_number(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'validation row 2: completion: found "human"; metric number needs a number'):
        check_data(load_metric("number", tmp_path), examples("8", "human"))
    with pytest.raises(DataError, match=r'^b.jsonl:7: completion: found "human"'):
        check_data(load_metric("number", tmp_path), examples("8", "human"), {"validation": ("b.jsonl:6", "b.jsonl:7")})
    assert check_data(load_metric("number", tmp_path), examples("8", "#### 9")) == ()


def test_exact_match_of_long_texts_is_doubted(tmp_path: Path) -> None:
    metric = load_metric("exact_match", tmp_path)
    [number] = check_data(metric, examples("so " * 50 + "9"))
    assert (number.code, number.values) == ("long_golds", {"characters": 151, "all_numbers": True})
    [text] = check_data(metric, examples("so " * 50))
    assert not text.values["all_numbers"]
    assert check_data(metric, examples("human")) == ()


OWN = """
from neighbour import bonus
def loose(answer, gold):
    return gold in answer
def with_example(answer, gold, example):
    return bonus(example.index) if answer == gold else 0
def broken(answer, gold):
    return 1 / len(answer)
def wrong(answer, gold):
    return 7
def text(answer, gold):
    return "good"
def one(answer):
    return 1
constant = 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "neighbour.py").write_text("def bonus(index):\n    return 1 / (index + 1)\n")
    return tmp_path


def test_own_function_is_found_beside_the_study_file(own: Path) -> None:
    assert load_metric("mine:loose", own).score("it is 8", "8") == 1.0
    assert load_metric("mine:with_example", own).score("a", "a", ExampleText(3, "q", "a")) == 0.25
    assert check_data(load_metric("mine:with_example", own), examples("a", "b")) == ()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (
            "nowhere:f",
            "there is no .*nowhere.py and no installed module nowhere, and no installed package brings a harness",
        ),
        ("mine.py:loose", r"named without \.py, and folders by dots\. Write mine:loose\."),
        ("./own/mine.py:loose", r"Write own\.mine:loose\."),
        ("mine:nothing", "has no function nothing, and no installed package brings a harness mine"),
        ("mine:constant", "module mine has no function constant"),
        ("mine:one", r"^metric: mine:one takes \(answer\); a metric takes \(answer, gold\)"),
        (
            "accuracy",
            'found "accuracy"; installed are exact_match, choice, number, contains, .*; or it is module:function',
        ),
    ],
)
def test_own_function_that_is_not_there_is_told(own: Path, name: str, part: str) -> None:
    with pytest.raises(StudyFileError, match=part):
        load_metric(name, own)


def test_own_module_that_fails_on_import_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(StudyFileError, match="importing bad failed with ZeroDivisionError: division by zero"):
        load_metric("bad:f", tmp_path)


@pytest.mark.parametrize(
    ("name", "answer", "part"),
    [
        ("mine:broken", "", "metric mine:broken: failed on example 4 with ZeroDivisionError"),
        ("mine:wrong", "x", "metric mine:wrong: gave 7 on example 4; a score is a number from 0 to 1"),
        ("mine:text", "x", "gave 'good' on example 4"),
    ],
)
def test_own_function_that_misbehaves_is_told_with_the_example(own: Path, name: str, answer: str, part: str) -> None:
    with pytest.raises(UserError) as caught:
        scored(load_metric(name, own), answer, ExampleText(4, "q", "x"))
    assert part in str(caught.value)
    if name == "mine:wrong":
        with pytest.raises(UserError, match="gave 7 on example 0"):
            check_data(load_metric(name, own), examples("x"))


def test_a_module_that_needs_another_one_names_that_one(tmp_path: Path) -> None:
    (tmp_path / "needy.py").write_text("import no_such_library\n")
    with pytest.raises(StudyFileError, match="needy imports no_such_library, which is not installed here"):
        load_metric("needy:f", tmp_path)


OVER_ALL_ROWS = """
from collections.abc import Sequence
def by_names(predictions, references):
    return 1.0
def by_types(a: list[str], b: "Sequence[str]"):
    return 1.0
def silent(a, b):
    assert isinstance(a, list)
    return 1.0
def by_example(answer: str, gold: str):
    return 1.0
def misnamed(answers, golds):
    return float(answers.strip() == golds.strip())
"""


def test_a_function_over_all_rows_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OVER_ALL_ROWS)
    for name in ("by_names", "by_types", "by_example"):
        metric = load_metric(f"mine:{name}", tmp_path)
        assert metric.scale.is_by_example == (name == "by_example")
        assert check_data(metric, examples("a", "b")) == ()
    with pytest.raises(StudyFileError, match=r"so it is one number of all rows. Write metric: .*kind: statistic"):
        check_data(load_metric("mine:silent", tmp_path), examples("a", "b"))
    assert check_data(load_metric("mine:silent", tmp_path, {"kind": "statistic"}), examples("a", "b")) == ()
    with pytest.raises(StudyFileError, match=r"it is given lists, fails on them, and works on one answer.*kind: mean"):
        check_data(load_metric("mine:misnamed", tmp_path), examples("a", "b"))
    assert check_data(load_metric("mine:misnamed", tmp_path, {"kind": "mean"}), examples("a", "b")) == ()


def test_a_function_says_what_its_number_is(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def loss(answer, gold):\n    return 7.5\n")
    with pytest.raises(UserError, match="a score is a number from 0 to 1"):
        check_data(load_metric("mine:loss", tmp_path), examples("a"))
    told = {"low": 0, "high": None, "unit": "nats", "lower_is_better": True, "span": 5}
    metric = load_metric("mine:loss", tmp_path, told)
    assert check_data(metric, examples("a")) == ()
    assert standard_scores(metric, ["x"], examples("a")["validation"]).tolist() == [-1.5]
    for wrong in ({"kind": "odd"}, {"low": 1, "high": 0}, {"span": 0}, {"digits": 3}):
        with pytest.raises(StudyFileError, match="mine:loss does not take these options"):
            load_metric("mine:loss", tmp_path, wrong)


def test_options_that_a_metric_does_not_take_are_told() -> None:
    with pytest.raises(StudyFileError, match=r"metric.digits: found 3; number takes no options"):
        load_metric("number", options={"digits": 3})


def test_an_option_that_a_metric_needs_is_told_by_name() -> None:
    with pytest.raises(StudyFileError, match=r"metric: mae needs the option span. Write metric: {name: mae, span: "):
        load_metric("mae")
