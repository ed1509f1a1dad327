"""The documents say what the command line does, and their links lead somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tunebook.cli.main import app
from tunebook.core.factor import FACTOR_KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"^tunebook (\w+)", re.MULTILINE)


def generated_cli_page() -> str:
    """docs/cli.md: the help of every command as it stands."""
    commands = typer.main.get_command(app).commands
    parts = ["# Command line\n\nMade from the commands' own help; `make golden` writes it again.\n"]
    for name in commands:
        shown = CliRunner().invoke(app, [name, "--help"], terminal_width=100, prog_name="tunebook").output
        parts.append(f"## {name}\n\n```text\n{shown.strip()}\n```\n")
    parts.append(
        "## Exit codes\n\n| code | meaning |\n|---|---|\n| 0 | done (`audit` and `compare` whatever they find) |\n"
        "| 1 | the study ended with failed trials, `rerun` differs, something is missing (`doctor`), or a fault of our "
        "own |\n| 2 | bad input: one clear message |\n| 75 | stopped by the environment (disk, lock, database); `run` "
        "goes on |\n| 130, 143 | interrupted; `run` goes on |\n"
    )
    return "\n".join(parts)


def test_the_command_line_page_is_the_help_as_it_stands() -> None:
    page = ROOT / "docs" / "cli.md"
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        page.write_text(generated_cli_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == generated_cli_page()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    local = [t for t in targets if not t.startswith(("http:", "https:", "mailto:"))]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_shown_exist(page: Path) -> None:
    blocks = re.findall(r"```(?:\w+)?\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    known = set(typer.main.get_command(app).commands)
    assert {name for block in blocks for name in COMMAND.findall(block)} <= known


def test_the_examples_of_extending_are_the_package_that_is_tested() -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    package = ROOT / "tests" / "fixtures" / "plugin_package"
    files = {path.read_text(encoding="utf-8").strip() for path in package.rglob("*.py")}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 5
    assert {block.strip() for block in blocks} <= files
    declared = (package / "tunebook_example-1.2.0.dist-info" / "entry_points.txt").read_text(encoding="utf-8")
    for name, reference in re.findall(r'^(\w+) = "([\w.]+:\w+)"$', text, flags=re.MULTILINE):
        assert f"{name} = {reference}" in declared


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_a_reader_sees_a_picture_and_the_example_before_anything_is_installed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    before = text[: text.index("```")]
    assert "](docs/images/" in before
    assert "](docs/example/" in before
    assert "--language zh" in text
    assert "`lora_r`" in text  # the table of what each setting does here


def test_every_factor_and_the_page_on_two_cards_are_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/two-cards.md)" in text
    assert not [name for name in FACTOR_KINDS if f"`{name}`" not in text and name not in text]
