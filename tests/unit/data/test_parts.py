"""Data in several files is read as one, in the order of the names, and is refused where a part is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook.data import load_rows
from tunebook.data.inspect import find_files, inspect_data
from tunebook.errors import DataError
from tunebook.words import words_for


def write(folder: Path, *names: str, first: int = 0) -> None:
    for i, name in enumerate(names, first):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"prompt": f"q{i}.{j}", "completion": f"a{i}.{j}"} for j in range(3)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


SHARDS = [f"data/train-{i:05d}-of-00003.jsonl" for i in range(3)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            [
                *SHARDS,
                "data/validation-00000-of-00001.jsonl",
                "data/test-00000-of-00002.jsonl",
                "data/test-00001-of-00002.jsonl",
            ],
            {
                "train": "d/data/train-*-of-00003.jsonl",
                "validation": "d/data/validation-00000-of-00001.jsonl",
                "test": "d/data/test-*-of-00002.jsonl",
            },
        ),
        (["part-0.jsonl", "part-1.jsonl"], {"train": "d/part-*.jsonl"}),
        (
            ["train/a.jsonl", "train/b.jsonl", "dev/a.jsonl"],
            {"train": "d/train/*.jsonl", "validation": "d/dev/a.jsonl"},
        ),
        (
            ["plain/train-00000-of-00002-aaaabbbbccccdddd.jsonl", "plain/train-00001-of-00002-0aaabbbbccccdddd.jsonl"],
            {"train": "d/plain/train-*.jsonl"},
        ),
        (["sql_train.x.jsonl", "sql_test.x.jsonl"], {"train": "d/sql_train.x.jsonl", "test": "d/sql_test.x.jsonl"}),
        (
            ["data/train_sft-00000-of-00001.jsonl", "data/test_sft-00000-of-00001.jsonl"],
            {
                "train": "d/data/train_sft-00000-of-00001.jsonl",
                "test": "d/data/test_sft-00000-of-00001.jsonl",
            },
        ),
        (["train_1.jsonl", "train_2.jsonl", "val.jsonl"], {"train": "d/train_*.jsonl", "validation": "d/val.jsonl"}),
    ],
)
def test_parts_in_a_folder_are_found_by_their_names(names: list[str], found: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "d", *names)
    assert find_files(str(tmp_path / "d"), tmp_path) == found
    n_parts = sum("train" in name or "part" in name for name in names)
    for source in ("d", found["train"]):
        read = load_rows(source, tmp_path)
        assert len(read.examples) == 3 * n_parts
        assert read.source == source
        assert n_parts == 1 or read.place(read.examples[4]) == f"d/{names[1]}:2"
    assert inspect_data(str(tmp_path / "d"), tmp_path).sources == found


def test_every_part_counts_for_the_hash(tmp_path: Path) -> None:
    write(tmp_path, "x-0.jsonl", "x-1.jsonl")
    before = load_rows("x-*.jsonl", tmp_path).sha256
    write(tmp_path, "x-1.jsonl", first=7)
    assert load_rows("x-*.jsonl", tmp_path).sha256 != before
    assert load_rows("x-1*.jsonl", tmp_path).sha256 == load_rows("x-1.jsonl", tmp_path).sha256


def test_parts_that_are_absent_or_do_not_fit_are_named(tmp_path: Path) -> None:
    write(tmp_path / "d", *SHARDS)
    (tmp_path / "d" / SHARDS[1]).unlink()
    for source in ("d", "d/data/train-*.jsonl"):
        with pytest.raises(DataError, match=r"train-00001-of-00003\.jsonl is absent"):
            load_rows(source, tmp_path)
    write(tmp_path / "e", "part-0.jsonl", "part-1.jsonl")
    with (tmp_path / "e/part-1.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "q"}\n')
    with pytest.raises(DataError, match=r"part-1\.jsonl:4: completion"):
        load_rows("e", tmp_path)
    (tmp_path / "e/part-2.csv").write_text("prompt,completion\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="have one format"):
        load_rows("e/*", tmp_path)
    with pytest.raises(DataError, match="no file in"):
        load_rows("e/none-*.jsonl", tmp_path)


def test_numbered_parts_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, *(f"part-{i}.jsonl" for i in (10, 2, 1)))
    assert [*dict.fromkeys(e.file for e in load_rows("part-*.jsonl", tmp_path).examples)] == [
        "part-1.jsonl",
        "part-2.jsonl",
        "part-10.jsonl",
    ]


def test_a_part_that_is_given_alone_is_read_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, SHARDS[0].rpartition("/")[2])
    (notice,) = inspect_data(str(tmp_path / "train-00000-of-00003.jsonl"), tmp_path).notices
    assert notice.values["names"] == ["train-00001-of-00003.jsonl", "train-00002-of-00003.jsonl"]
    assert "2 others were not read (train-00001" in words_for("en").notice(notice)
    write(tmp_path, "x-00000-of-00001.jsonl")
    assert not inspect_data(str(tmp_path / "x-00000-of-00001.jsonl"), tmp_path).notices


def test_parts_of_several_sets_are_not_read_as_one(tmp_path: Path) -> None:
    write(tmp_path / "d", "train_sft-0.jsonl", "train_gen-0.jsonl")
    with pytest.raises(DataError, match=r'"train_gen-0.jsonl" and "train_sft-0.jsonl", parts of several sets'):
        find_files(str(tmp_path / "d"), tmp_path)


def test_a_test_file_without_answers_is_left_out_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", "dev.jsonl")
    (tmp_path / "test.jsonl").write_text('{"prompt": "q"}\n', encoding="utf-8")
    seen = inspect_data(str(tmp_path / "train.jsonl"), tmp_path)
    assert seen.sources == {"train": "train.jsonl", "validation": "dev.jsonl"}
    assert [words_for("en").notice(n) for n in seen.notices] == [
        "test.jsonl has no column of answers, so nothing can be scored on it; it is left out."
    ]


@pytest.mark.parametrize("names", ['["no", "yes"]', '{"0": "no", "1": "yes"}', '{"yes": 1, "no": 0}'])
def test_names_of_labels_in_a_file_beside_the_data_are_used(names: str, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(names, encoding="utf-8")
    (tmp_path / "a.csv").write_text("text,label\na,1\nb,0\n", encoding="utf-8")
    assert [each.completion for each in load_rows("a.csv", tmp_path).examples] == ["yes", "no"]
