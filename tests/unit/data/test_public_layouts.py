"""Data in the columns of well-known public data sets is read as it is meant, or refused with the reason."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
import yaml
from more_public_layouts import ASKED, KEPT_APART, MENDED
from public_layouts import HELD_OUT, LAYOUTS, SECOND_HELD_OUT, Layout

from tunebook.data import Reading, load_rows
from tunebook.data.inspect import inspect_data
from tunebook.errors import DataError


def written(layout: Layout, folder: Path) -> Path:
    path, rows = folder / f"data.{layout.container}", layout.rows
    if layout.container in ("csv", "tsv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if layout.container == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif layout.container == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    elif layout.container == "json":
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


EVERY = [*LAYOUTS, *HELD_OUT, *SECOND_HELD_OUT, *MENDED, *KEPT_APART]


@pytest.mark.parametrize("layout", EVERY, ids=lambda layout: layout.name)
def test_public_layouts_are_read_as_they_are_meant(layout: Layout, tmp_path: Path) -> None:
    path = written(layout, tmp_path)
    if layout.refused:
        with pytest.raises(DataError, match=layout.refused):
            inspect_data(str(path), tmp_path)
        return
    told = None
    if layout.name in ASKED:
        with pytest.raises(DataError, match="takes the same as --prompt") as refusal:
            inspect_data(str(path), tmp_path)
        lines = re.findall(r'data: (\{prompt: ".*?", completion: ".*?"\})', str(refusal.value))
        told = Reading(**yaml.safe_load(lines[ASKED[layout.name]]))
    example = inspect_data(str(path), tmp_path, told=told).rows["train"].examples[0]
    asked = "\n\n".join(text for role, text in example.messages if role != "system")
    assert asked == layout.prompt
    assert (example.completion, *example.references) == layout.answers


@pytest.mark.parametrize(
    "parts", ["data-00000-of-00001.arrow", "train/data-00000-of-00001.arrow", "data/train-00000-of-00001.parquet"]
)
def test_folders_as_datasets_and_the_hub_write_them(parts: str, tmp_path: Path) -> None:
    import datasets

    names = datasets.ClassLabel(names=["no", "yes"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    rows = datasets.Dataset.from_list([{"text": f"a{i}", "label": i % 2} for i in range(12)], features=features)
    if parts.startswith("data/"):
        (tmp_path / "d/data").mkdir(parents=True)
        rows.to_parquet(str(tmp_path / "d" / parts))
    elif parts.startswith("train/"):
        datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(str(tmp_path / "d"))
    else:
        rows.save_to_disk(str(tmp_path / "d"))
    seen = inspect_data(str(tmp_path / "d"), tmp_path)
    assert seen.sources["train"] == f"d/{parts}"
    assert ("test" in seen.sources) is parts.startswith("train/")
    assert [example.completion for example in seen.rows["train"].examples[:2]] == ["no", "yes"]


def test_an_answer_that_is_an_object_is_its_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a", "fields": {"z": "é", "a": [1, 2.50]}, "list": [{"b": null}], "n": NaN}\n', encoding="utf-8"
    )

    def answers(template: str) -> tuple[str, ...]:
        example = load_rows("a.jsonl", tmp_path, Reading(prompt="{text}", completion=template)).examples[0]
        return (example.completion, *example.references)

    assert answers("{fields}") == ('{"z": "é", "a": [1, 2.5]}',)
    assert answers("{list}") == ('[{"b": null}]',)
    assert answers("JSON: {fields.a}") == ("JSON: [1, 2.5]",)
    assert answers("{fields.a}") == ("1", "2.5")  # a list of plain values holds several right answers
    with pytest.raises(DataError, match="n: found nan"):
        answers("{n}")


def test_numbers_of_options_count_from_one_where_zero_never_occurs(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "choices": ["x", "y", "z"], "answer": i % 3 + 1} for i in range(6)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert [example.completion for example in load_rows("a.json", tmp_path).examples[:3]] == ["A", "B", "C"]
