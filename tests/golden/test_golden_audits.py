"""Whole audits as text, for the records in tests/fixtures. `make golden` rewrites them; the diff is reviewed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tunebook.audit.api import audit_path, audit_stream
from tunebook.json_values import to_json

HERE = Path(__file__).parent / "audit"
RECORDS = Path(__file__).parents[1] / "fixtures" / "records"
PROSE = [("nineteen.csv", "en"), ("nineteen.csv", "zh"), ("rounds_en.md", "en"), ("rounds_zh.md", "zh")]
"""Audits whose whole text is reviewed; of the others only what was found."""
NAMES = sorted(path.name for path in RECORDS.iterdir())


def compare_with_golden(path: Path, text: str) -> None:
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name} has changed; `make golden` rewrites it"


@pytest.mark.parametrize(("name", "language"), PROSE)
def test_the_audit_reads_as_reviewed(name: str, language: str) -> None:
    text = audit_path(str(RECORDS / name)).markdown(language)
    compare_with_golden(HERE / f"{Path(name).stem}.{language}.md", text)


def findings(values: dict) -> dict:
    """What an audit found, without the floats that follow from it."""
    return {
        "measure": values["measure"],
        "examples": {name: values["examples"][name] for name in ("n", "how")},
        "baseline": values["baseline"],
        "best": values["best"],
        "tied_with_best": values["tied_with_best"],
        "equal_settings": values["noise"]["groups"],
        "trials": {
            t["trial"]: f"{t['correct']} right, differs in {', '.join(t['moves'] or ()) or 'nothing'}"
            + (f": {t['comparison']['verdict']}" if t["comparison"] else "")
            for t in values["trials"]
        },
        "claims": [f"{c['line']} {c['text']}: {c['kind']}, {c['verdict']} ({c['reason']})" for c in values["claims"]],
        "factors": {f["factor"]: f"{f['n_pairs']} pairs" for f in values["effects"]},
        "confounded": [f"{c['code']}: {', '.join(c['factors'])}" for c in values["confounded"]],
        "boundaries": [
            f"{b['factor']} {'above' if b['above'] else 'below'}: {', '.join(b['failed'])}"
            for b in values["boundaries"]
        ],
        "inconsistencies": [note["code"] for note in values["inconsistencies"]],
        "next_trials_csv": values["next_trials_csv"].splitlines(),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_audit_finds_what_was_reviewed(name: str) -> None:
    values = to_json(audit_path(str(RECORDS / name)).values())
    json.dumps(values, allow_nan=False)
    text = json.dumps(findings(values), indent=1, ensure_ascii=False) + "\n"
    compare_with_golden(HERE / f"{Path(name).stem}.json", text)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_the_audit_has_as_many_cells_as_columns(name: str, language: str) -> None:
    for line_cells in _tables(audit_path(str(RECORDS / name)).markdown(language)):
        assert len({len(cells) for cells in line_cells}) == 1


def _tables(text: str) -> list[list[list[str]]]:
    tables: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level >= 4:
            tables[-1][-1].append(token.content)
        assert token.type not in ("html_block",)
        assert not any(child.type in ("html_inline", "image", "link_open") for child in token.children or ())
    return tables


HOSTILE = """# <script>alert(1)</script>

| trial | lr | r | accuracy | analysis |
|---|---|---|---|---|
| a\\|b<img src=x onerror=alert(1)> | 1e-4 | 8 | 40/100 | [click](javascript:alert(1)) is better |
| `x` ](y) | 2e-4 | 8 | 45/100 | <b>r=32</b> is better than r=8 \\| more |
| =cmd() | 2e-4 | 32 | 50/100 | \x1b[31m best ![i](http://x/y.png) |

- exp\x07 **r=32** is better than r=8 <script>alert(2)</script> | pipe
"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_strangers_text_can_do_no_harm(language: str, tmp_path: Path) -> None:
    path = tmp_path / "x|<i>y.md"
    path.write_text(HOSTILE, encoding="utf-8")
    audited = audit_path(str(path))
    text = audited.markdown(language)
    assert not any(ord(c) < 32 and c != "\n" for c in text)
    for cells in _tables(text):
        assert len({len(row) for row in cells}) == 1
    csv = audited.values()["next_trials_csv"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in csv.splitlines() for cell in line.split(","))


def test_the_audit_is_the_same_every_time() -> None:
    path = RECORDS / "rounds_en.md"
    with path.open("rb") as stream:
        assert audit_stream(stream, path.name).markdown("en") == audit_path(str(path)).markdown("en")
