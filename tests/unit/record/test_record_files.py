import re
from itertools import pairwise

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
