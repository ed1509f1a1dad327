"""Both languages can say the same: methods with equal signatures, tables with equal keys, words for every notice."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import tunebook
from tunebook.audit.judge.verdicts import Reason
from tunebook.audit.read.cells import Why
from tunebook.audit.words.languages import ChineseAudit, EnglishAudit
from tunebook.words.chinese import Chinese, codes, labels, study_file
from tunebook.words.english import English
from tunebook.words.english import codes as english_codes
from tunebook.words.english import labels as english_labels
from tunebook.words.english import study_file as english_study_file

SOURCE = Path(tunebook.__file__).parent
CLASSES = [(English, Chinese), (EnglishAudit, ChineseAudit)]
ENGLISH_ONLY = {"seeds"}
"""Helpers of one language's grammar, which no other module may use."""


def public_methods(cls: type) -> dict[str, str]:
    found = inspect.getmembers(cls, inspect.isfunction)
    return {name: str(inspect.signature(each)) for name, each in found if not name.startswith("_")}


def tables(module) -> dict[str, set]:
    """The keys of every table of a module: words by code."""
    return {name: set(value) for name, value in vars(module).items() if name.isupper() and isinstance(value, dict)}


@pytest.mark.parametrize(("english", "chinese"), CLASSES)
def test_both_languages_have_the_same_methods(english, chinese):
    first, second = public_methods(english), public_methods(chinese)
    assert {name: text for name, text in first.items() if name not in ENGLISH_ONLY} == second


@pytest.mark.parametrize(("english", "chinese"), CLASSES)
def test_both_languages_have_the_same_tables_as_attributes(english, chinese):
    names = {name for name in dir(english) if not name.startswith("_") and not callable(getattr(english, name))}
    assert "phrases" in names, "the translations, of which English has none: see test_phrases.py"
    assert names == {name for name in dir(chinese) if not name.startswith("_") and not callable(getattr(chinese, name))}
    for name in names:
        if isinstance(getattr(english, name), dict) and name != "phrases":
            assert set(getattr(english, name)) == set(getattr(chinese, name)), name


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (english_codes, codes),
        (english_labels, labels),
        (english_study_file, study_file),
    ],
)
def test_both_languages_have_the_same_codes(english, chinese):
    first, second = tables(english), tables(chinese)
    both = set(first) & set(second)
    assert both >= set(first) - {"ENDINGS"}
    assert both >= set(second) - {"STATES"}
    assert {name: first[name] for name in both} == {name: second[name] for name in both}


def test_every_notice_has_words():
    emitted = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Notice":
                assert isinstance(node.args[0], ast.Constant), path
                emitted.add(f"notice_{node.args[0].value}")
    told = {name for name in public_methods(English) if name.startswith("notice_")}
    assert len(emitted) > 15
    assert emitted == told


def test_every_sentence_of_an_audit_is_said_somewhere():
    """By its code, by the beginning of a code that the program completes, or by such a form in another sentence."""
    audit = "\n".join(path.read_text(encoding="utf-8") for path in (SOURCE / "audit").rglob("*.py"))
    begun = set(re.findall(r'f"(\w+_){', audit)) | {
        f"{form}_" for form in re.findall(r":(\w+)}", str(EnglishAudit.says))
    }
    said = {*re.findall(r"[\"'](\w+)[\"']", audit), *Reason}
    assert [code for code in EnglishAudit.says if code not in said and not code.startswith(tuple(begun))] == []
    assert {code for code in EnglishAudit.says if code.startswith("why_")} == {f"why_{why.value}" for why in Why}
