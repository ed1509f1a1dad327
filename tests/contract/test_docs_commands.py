"""Every command that the documents show is run as it stands, page by page, in an empty folder with data beside it.

A page's `sh` blocks are one session: what one makes, the next finds. The only thing exchanged is the engine, for the
simulated one with at most 20 trials, so that minutes become seconds, and records have two pictures. A block that
needs the network, a GPU or another program says so in a comment before it: `<!-- not run: why -->`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from forked import bash

from tunebook.api import Study
from tunebook.cli.main import app
from tunebook.record.plots import gallery

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<note><!--[^>]*-->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)
REASON = re.compile(r"<!-- not run: .{10,} -->")
COMMAND_LIKE = re.compile(r"^(\$ )?(tunebook|pip|make|python|tensorboard|mkdocs|git) ", re.MULTILINE)
INLINE = re.compile(r"`tunebook ([a-z]+)([^`]*)`")
NAME = "trec"
"""Folder of the session, and so the name of the study that `init` makes there."""


def simulated() -> None:
    """In the process of a command: the simulated engine and at most 20 trials; two pictures."""
    load = Study.load.__func__  # type: ignore[attr-defined]

    def loaded(cls: type[Study], *given: object, **named: object) -> Study:
        study = load(cls, *given, **named)
        budget = replace(study.spec.budget, trials=min(study.spec.budget.trials or 20, 20))
        study.spec = replace(study.spec, engine="simulated", budget=budget)
        return study

    Study.load = classmethod(loaded)  # type: ignore[assignment]
    gallery.PAINTERS = gallery.PAINTERS[:2]


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(note before it, kind, text) of every fenced block."""
    return [(m["note"] or "", m["kind"], m["text"]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def shown(page: Path) -> list[str]:
    """The blocks that are run."""
    return [
        re.sub(r"^\$ ", "", text, flags=re.MULTILINE)
        for note, kind, text in blocks(page)
        if kind in ("sh", "console") and not REASON.search(note)
    ]


def session(folder: Path) -> dict[str, str]:
    """A folder with data, a hand-written record; gives the environment."""
    folder.mkdir()
    labels = ("red", "green", "blue", "grey")
    for number, split in enumerate(("train", "validation", "test")):
        rows = [
            {"prompt": f"Question {1000 * number + i}?", "completion": labels[i * 7 % 4], "label": labels[i * 7 % 4]}
            for i in range(60)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
    record = ROOT / "tests" / "fixtures" / "records" / "rounds_en.md"
    (folder / "notes.md").write_text(record.read_text(encoding="utf-8"), encoding="utf-8")
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": paths, "HF_HUB_OFFLINE": "1", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [p for p in PAGES if shown(p) and p.name != "README.zh.md"], ids=lambda p: p.name)
def test_every_command_shown_runs_as_it_stands(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    environment = session(folder)
    for text in shown(page):
        done = bash(text, folder, environment, tmp_path / "bin", simulated)
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_the_chinese_readme_shows_the_commands_of_the_english_one() -> None:
    """Which are run above: so those need not be run again."""
    english, chinese = (
        [re.sub(r" --language zh|\s*#.*", "", line) for text in shown(ROOT / name) for line in text.splitlines()]
        for name in ("README.md", "README.zh.md")
    )
    assert chinese == english


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_are_marked_as_such(page: Path) -> None:
    for note, kind, text in blocks(page):
        if kind in ("", "text") and page.name != "cli.md":
            assert not COMMAND_LIKE.search(text), f"mark this block sh or console:\n{text}"
        if "not run" in note:
            assert REASON.search(note), f"say why it is not run: {note}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_within_the_text_exist_with_their_options(page: Path) -> None:
    commands = typer.main.get_command(app).commands
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for name, rest in INLINE.findall(text):
        assert name in commands, name
        known = {o for p in commands[name].params for o in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known | {"--help"}, f"tunebook {name}{rest}"


@pytest.mark.slow
def test_the_documentation_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "start" / "index.html").is_file()
