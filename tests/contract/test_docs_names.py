"""Every path and every dotted name of tunebook that the documents mention exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tunebook import plugins
from tunebook.ledger.schema import METADATA

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tunebook"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?<![\w/.<{*-])((?:[\w-]+/)+(?:[\w-]+(?:\.\w+)*)?)(?![\w<{*/-])")
NAME = re.compile(r"(?<![\w./:@-])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?![\w/]|\.\w)")
FOLDERS = {"src", "tests", "benchmarks", "recipes", "docs"}
PACKAGES = {path.stem for path in SOURCE.iterdir() if path.is_dir() or path.suffix == ".py"}
ELSEWHERE = {"data", "report", "html", *METADATA.tables}
"""Keys of the study file, tables of the ledger and a module of Python that are called like a module of tunebook."""
ENTRY_POINTS = {each.group for each in vars(plugins).values() if isinstance(each, plugins.PluginGroup)}
COLUMNS = {"src/tgt"}
"""A pair of columns of a dataset that looks like a path."""
FILE_ENDINGS = {"md", "html", "json", "jsonl", "csv", "yaml", "sqlite", "svg", "log"}


@cache
def modules() -> dict[str, Path]:
    """Every module and package of tunebook by its dotted name."""
    found = {"tunebook": SOURCE}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(("tunebook", *(part for part in parts if part != "__init__")))] = path
    return {name: path / "__init__.py" if path.is_dir() else path for name, path in found.items()}


@cache
def members(path: Path) -> dict[str, set[str] | None]:
    """The names that a module defines or imports; of a class without bases its own names, of others None."""
    found: dict[str, set[str] | None] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            own = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
            own |= {each.target.id for each in node.body if isinstance(each, ast.AnnAssign)}
            found[node.name] = None if node.bases else own
        elif isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, set())
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, None)
        elif isinstance(node, ast.ImportFrom):
            found.update(dict.fromkeys((alias.asname or alias.name for alias in node.names), None))
    return found


def exists(name: str) -> bool:
    """Whether a dotted name below `tunebook` is a module, or something in one."""
    module, rest = name, []
    while module not in modules():
        module, _, last = module.rpartition(".")
        if not module:
            return False
        rest.insert(0, last)
    if not rest:
        return True
    known = members(modules()[module])
    if rest[0] not in known or len(rest) > 2:
        return False
    inside = known[rest[0]]
    return len(rest) == 1 or inside is None or rest[1] in inside


def starts(name: str) -> list[str]:
    """What a dotted name may stand for: seen from `tunebook`, from one of its packages, or from a folder in one."""
    if name.startswith("tunebook."):
        return [name]
    first = name.partition(".")[0]
    above = {module.rpartition(".")[0] for module in modules() if module.rpartition(".")[2] == first}
    return [f"{package}.{name}" for package in above]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_the_documents_exist(page: Path) -> None:
    missing = []
    for code in CODE.findall(page.read_text(encoding="utf-8")):
        for path in PATH.findall(code.partition("::")[0]):
            if path.partition("/")[0] in FOLDERS | PACKAGES and path not in COLUMNS:
                missing += [] if any((base / path).exists() for base in (ROOT, SOURCE)) else [path]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_in_the_documents_exist(page: Path) -> None:
    missing = []
    for code in CODE.findall(page.read_text(encoding="utf-8")):
        for name in NAME.findall(code):
            first, last = name.partition(".")[0], name.rpartition(".")[2]
            if name in ENTRY_POINTS or first in ELSEWHERE or last in FILE_ENDINGS or last == "py":
                continue
            candidates = starts(name)
            missing += [] if not candidates or any(map(exists, candidates)) else [name]
    assert not missing


def test_the_table_of_packages_names_every_package_and_its_entry_function() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| package |")[2].partition("\n\n")[0].splitlines()[2:]
    packages: set[str] = set()
    for row in table:
        _, first, _, entry, _ = re.split(r"\|", row)
        here = CODE.findall(first)
        packages |= set(here)
        for code in CODE.findall(entry):
            name = re.match(r"[\w.]+", code)[0]
            inside = [module for module in modules() for package in here if module.startswith(f"tunebook.{package}")]
            assert any(exists(f"{module}.{name}") for module in inside), f"{here}: {name}"
    missing = (
        PACKAGES - packages - {"__init__", "__main__", "__pycache__", "api", "cli", "stats", "demo", "json_values"}
    )
    assert not missing
