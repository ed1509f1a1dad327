"""The built-in data and study: true by construction, the same everywhere, ready to run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from tunebook.data import read_splits
from tunebook.data.checks import check_splits
from tunebook.demo import KINDS, SIZES, generate, write_demo, write_questions
from tunebook.demo.words import ADJECTIVES, CATEGORIES, OPPOSITES, PAST_TENSES
from tunebook.errors import UserError
from tunebook.study_file import load_study
from tunebook.words import words_for


def test_splits_have_their_sizes_and_every_kind_equally_often() -> None:
    splits = generate()
    assert {name: len(rows) for name, rows in splits.items()} == SIZES
    for name, rows in splits.items():
        assert Counter(row.kind for row in rows) == dict.fromkeys(KINDS, SIZES[name] // len(KINDS))


def test_no_question_is_asked_twice() -> None:
    prompts = [row.prompt for rows in generate().values() for row in rows]
    assert len(set(prompts)) == len(prompts)


def test_answers_are_true() -> None:
    for row in (row for rows in generate(3).values() for row in rows):
        words = row.prompt.rstrip("?").replace(",", "").split()
        if row.kind == "larger":
            assert int(row.completion) == max(int(words[1]), int(words[3]))
        elif row.kind == "next":
            a, b, c = map(int, words[1:])
            assert int(row.completion) - c == c - b == b - a
        elif row.kind == "first":
            assert words[-1].startswith(row.completion)
            assert len(row.completion) == 1
        elif row.kind == "box":
            assert words[-1] in CATEGORIES[row.completion]
        elif row.kind == "sign":
            assert words[-1] in ADJECTIVES[row.completion]
        elif row.kind == "past":
            assert PAST_TENSES[words[-1]] == row.completion
        else:
            assert (words[-1], row.completion) in OPPOSITES


def test_no_word_stands_for_two_answers() -> None:
    things = [thing for things in CATEGORIES.values() for thing in things]
    asked = [word for word, _ in OPPOSITES]
    assert len(set(things)) == len(things)
    assert len(set(asked)) == len(asked)


def test_same_seed_gives_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    files = write_questions(tmp_path)
    digest = hashlib.sha256(b"".join(files[name].read_bytes() for name in ("train", "validation", "test"))).hexdigest()
    assert digest == "fb2966a572fd15c50f08cc2d7ff20eb072f133aeffe25e326e10579be36c2cea"
    assert json.loads(files["train"].read_text().splitlines()[0]).keys() == {"prompt", "completion", "kind"}
    assert generate(1) != generate(0)


def test_more_questions_than_there_are_is_told() -> None:
    with pytest.raises(UserError, match="questions of kind box wanted; there are 120"):
        generate(0, {"train": 7 * 121})


def test_built_in_study_reads_and_its_data_pass_every_check(tmp_path: Path) -> None:
    spec = load_study(write_demo(tmp_path / "runs" / "demo"))
    splits = read_splits(spec.data, spec.seed, tmp_path / "runs" / "demo")
    assert spec.data.group == "kind"
    assert spec.budget.trials == 18
    assert check_splits(splits, spec.data, spec.metric, words_for("en")) == []


def test_options_change_their_own_lines_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = write_demo(tmp_path, trials=14, engine="peft", language="zh")
    spec = load_study(file)
    assert (spec.budget.trials, spec.engine, spec.language) == (14, "peft", "zh")
    file.write_text(file.read_text() + "# mine\n")
    write_demo(tmp_path, trials=20)
    assert load_study(file).budget.trials == 20
    assert load_study(file).engine == "peft"
    assert "# mine" in file.read_text()


def test_edited_data_are_not_written_over(tmp_path: Path) -> None:
    write_demo(tmp_path)
    train = tmp_path / "data" / "train.jsonl"
    train.write_text("mine\n")
    write_demo(tmp_path)
    assert train.read_text() == "mine\n"
