"""Every template of a `phrases.Phrase` in the sources, read from their syntax trees."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tunebook
from tunebook import errors
from tunebook.audit.read.reader import _EXPECTED, _MEND, _REFUSED
from tunebook.engines.packed.training.saving import SAFE
from tunebook.evaluation.metrics import _KINDS
from tunebook.plugins import GROUPS
from tunebook.study_file.keys import KEYS

SOURCE = Path(tunebook.__file__).parent
ERRORS = {name for name in errors.__all__ if name[0].isupper()}
MAKERS = ERRORS | {"Phrase", "as_phrase", "_refusal", "refusal"}
"""Calls whose first argument is a template."""
METHODS = {("problems", "add"): 1, ("where", "error"): 1, ("where", "absent"): 2}
"""Calls of methods whose arguments from this one on are templates, by the object and the method."""
DEVELOPER = {"TrialFailed", "OutOfMemory", "PackingError", "IllegalTransition", "StaleToken", "TunebookError"}
"""Errors of a worker or of a bug: in English on purpose."""


@dataclass(frozen=True)
class Template:
    """A template as it stands in the sources; `values` are the names of its values, None where they are not known."""

    text: str
    where: str
    values: frozenset[str] | None

    @property
    def fields(self) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax trees of the sources, by path."""
    paths = sorted(SOURCE.rglob("*.py"))
    return {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def templates() -> Iterator[Template]:
    """Those that are written in a call, then those of the tables."""
    for where, tree in trees().items():
        if where.startswith(("phrases", "errors", "testing/")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                names = [each.arg for each in node.keywords if each.arg != "at_line"]
                values = None if None in names else frozenset(filter(None, names))
                for text in _texts(node):
                    yield Template(text, f"{where}:{node.lineno}", values)
    for text in _tabled():
        yield Template(text, "tables", frozenset())


def _texts(node: ast.Call) -> Iterator[str]:
    name = _name(node.func)
    owner = _name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name in MAKERS or (name in ("Check", "Problem") and len(node.args) > 2):
        arguments = node.args[: 2 if name in ("Check", "Problem") else 1]
    elif (owner, name) in METHODS:
        arguments = node.args[METHODS[owner, name] :]
    else:
        return
    for argument in arguments:
        yield from _literals(argument)


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _tabled() -> Iterator[str]:
    yield from (key.about.what for key in KEYS.values())
    for group in GROUPS:
        yield from (group._rule, group._also)
    yield from _KINDS.values()
    yield "Point `model` at the model in full precision, with quantization: nf4 where memory is short."
    yield from ("a text", "a label", "a number", "JSON that fits the schema", ", or use exact_match or contains")
    yield from (_EXPECTED, _MEND, *_REFUSED.values())
    yield from ("What was written before is safe; the last step was not written.", SAFE)


def spliced_errors() -> list[str]:
    """Where an error for users is made of a text that cannot be told in another language: an f-string or a sum."""
    found = []
    for where, tree in trees().items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and _name(node.func) in ERRORS and node.args):
                continue
            developer = _name(node.func) in DEVELOPER or where.startswith(("audit/", "testing/"))
            if isinstance(node.args[0], ast.JoinedStr | ast.BinOp) and not developer:
                found.append(f"{where}:{node.lineno}")
    return found
