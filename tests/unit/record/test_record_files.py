import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tunebook.errors import UnwritableFolder
from tunebook.record.files import write_atomically
from tunebook.record.markdown import render


def test_every_file_of_the_record_is_written(written):
    names = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    assert {"record.md", "record.html", "results.json", "trials.csv"} <= names
    for figure in ("effects", "learning_rate", "curve_best", "curves", "importance", "cost", "rounds", "confirmation"):
        assert {f"figures/{figure}.svg", f"figures/{figure}.png"} <= names
    assert not [name for name in names if "tmp" in name]


def test_pictures_of_the_markdown_are_there(written):
    links = re.findall(r"\]\((figures/[^)]+)\)", (written / "record.md").read_text(encoding="utf-8"))
    assert len(links) >= 8
    assert all((written / link).is_file() for link in links)


def test_markdown_tables_are_whole(record):
    lines = render(record).splitlines()
    for before, line in pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            cells = [len(re.findall(r"(?<!\\)\|", text)) for text in (before, line)]
            assert cells[0] == cells[1], line


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "record.md"
    write_atomically(path, "old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no room"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "figures").write_text("not a folder", encoding="utf-8")
    with pytest.raises(UnwritableFolder, match=re.escape(str(Path("figures") / "a.svg"))):
        write_atomically(tmp_path / "figures" / "a.svg", "x")
