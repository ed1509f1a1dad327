"""The machine as the ledger keeps it: which commit of tunebook, and what changed between two runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tunebook.run.environment import changed_versions, own_commit


def git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "module.py").write_text("a = 1\n", encoding="utf-8")
    git(tmp_path, "add", "module.py")
    git(tmp_path, "commit", "-m", "one")
    return tmp_path


def test_a_checkout_names_its_commit_and_says_when_files_are_changed(checkout: Path) -> None:
    commit = own_commit(checkout / "module.py")
    assert commit is not None
    assert not commit.endswith("+")
    (checkout / "module.py").write_text("a = 2\n", encoding="utf-8")
    assert own_commit(checkout / "module.py") == commit + "+"


def test_the_commit_of_a_project_that_merely_holds_the_installation_is_not_ours(checkout: Path) -> None:
    installed = checkout / ".venv" / "module.py"
    installed.parent.mkdir()
    installed.write_text("a = 1\n", encoding="utf-8")
    assert own_commit(installed) is None


def test_another_commit_counts_as_a_change() -> None:
    then = {"versions": {"torch": "2.13"}, "python": "3.11.7", "commit": "aaaa"}
    assert changed_versions(then, then) == {}
    assert changed_versions(then, {**then, "commit": "bbbb"}) == {"commit": ("aaaa", "bbbb")}
