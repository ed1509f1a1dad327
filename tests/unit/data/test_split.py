"""Splitting validation off, taking a part, and finding the same example twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.data.examples import DataExample
from tunebook.data.split import (
    find_repeats,
    question_key,
    seeded_part,
    split_off_validation,
    validation_size,
)
from tunebook.errors import DataError


def example(index: int, prompt: str, completion: str = "x") -> DataExample:
    return DataExample(index=index, messages=(("user", prompt),), completion=completion, line=index + 1)


def examples(n: int) -> list[DataExample]:
    return [example(i, f"question {i}", str(i % 3)) for i in range(n)]


@pytest.mark.parametrize(
    ("rows", "size"), [(10, 5), (60, 30), (100, 50), (250, 50), (1000, 200), (2500, 500), (100_000, 500)]
)
def test_validation_takes_a_fifth_between_50_and_500_and_never_more_than_half(rows: int, size: int) -> None:
    assert validation_size(rows) == size


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=10, max_size=120), st.integers(0, 2**32 - 1))
def test_no_example_is_lost_doubled_or_on_both_sides(questions: list[int], seed: int) -> None:
    rows = [example(i, f"question {q}") for i, q in enumerate(questions)]
    if len(set(questions)) < 2:
        return
    try:
        train, validation = split_off_validation(rows, seed, "a.jsonl")
    except DataError:
        assert max(map(questions.count, questions)) > validation_size(len(rows)) / 2
        return
    assert sorted(e.index for e in (*train, *validation)) == list(range(len(rows)))
    assert not {question_key(e) for e in train} & {question_key(e) for e in validation}
    assert 1 <= len(validation) <= validation_size(len(rows))


def test_split_depends_on_the_seed_alone_and_keeps_file_order() -> None:
    rows = examples(300)
    first, second = split_off_validation(rows, 1, "a"), split_off_validation(rows, 1, "a")
    assert first == second
    assert [e.index for e in first[1]] == sorted(e.index for e in first[1])
    assert first[1] != split_off_validation(rows, 2, "a")[1]


def test_too_few_rows_are_not_split() -> None:
    with pytest.raises(DataError, match=r"a.jsonl: found 9 rows; .* at least 10.*data.validation"):
        split_off_validation(examples(9), 0, "a.jsonl")


def test_part_is_seeded_and_in_file_order() -> None:
    rows = examples(100)
    part = seeded_part(rows, 30, 5, "a")
    assert part == seeded_part(rows, 30, 5, "a")
    assert [e.index for e in part] == sorted(e.index for e in part)
    assert len(part) == 30
    assert part != seeded_part(rows, 30, 6, "a")
    with pytest.raises(DataError, match=r"data.train_rows is 101, but there are 100"):
        seeded_part(rows, 101, 5, "a")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=8), st.integers(0, 2**32 - 1), st.data())
def test_part_keeps_every_label_with_its_share(counts: list[int], seed: int, data) -> None:
    rows = [example(i, f"q{i}", str(label)) for i, label in enumerate(np.repeat(range(len(counts)), counts))]
    if 2 * len(counts) > len(rows):
        return
    n = data.draw(st.integers(len(counts), len(rows)))
    part = seeded_part(rows, n, seed, "a")
    assert len(part) == n == len({e.index for e in part})
    assert [e.index for e in part] == sorted(e.index for e in part)
    found = Counter(e.completion for e in part)
    for label, count in enumerate(counts):
        share = n * count / len(rows)
        assert 1 <= found[str(label)] <= max(1, share + 1)
        assert found[str(label)] >= int(share) - len(counts)


def test_part_of_texts_is_drawn_plainly() -> None:
    rows = [example(i, f"q{i}", f"text {i}") for i in range(80)]
    assert len(seeded_part(rows, 3, 0, "a")) == 3


def test_same_question_is_found_whatever_its_case_blanks_and_unicode_form() -> None:
    assert question_key(example(0, "What  is\nA?")) == question_key(example(1, "what is a? "))
    assert question_key(example(0, "Ａ１")) == question_key(example(1, "a1"))
    assert question_key(example(0, "3 + 2")) != question_key(example(1, "3 - 2"))


def test_system_message_does_not_make_another_question() -> None:
    with_system = DataExample(index=0, messages=(("system", "Be brief."), ("user", "a")), completion="x")
    assert question_key(with_system) == question_key(example(1, "a"))


def test_same_example_and_same_question_with_another_answer_are_told_apart() -> None:
    train = [example(0, "a", "1"), example(1, "b", "2"), example(2, "a", "3")]
    test = [example(0, "A", "1 "), example(1, "b", "9"), example(2, "a", "3"), example(3, "c")]
    found = find_repeats({"train": train, "test": test})["test", "train"]
    assert [(a.index, b.index) for a, b in found.same] == [(0, 0), (2, 2)]
    assert [(a.index, b.index) for a, b in found.other_answer] == [(1, 1)]
    within = find_repeats({"train": [*train, example(3, "b", "2")]})["train", "train"]
    assert [(a.index, b.index) for a, b in within.same] == [(3, 1)]
    assert [(a.index, b.index) for a, b in within.other_answer] == [(2, 0)]
