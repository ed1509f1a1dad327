"""Every message for users can be told in Chinese: each template has a translation with the same values."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_studies import BAD
from phrase_templates import Template, spliced_errors, templates

from tunebook.errors import StudyFileError
from tunebook.phrases import Phrase
from tunebook.study_file import load_study, parse_study
from tunebook.words import words_for
from tunebook.words.chinese.phrases import PHRASES

LANGUAGE_FREE = re.compile(r"(\{[^{}]*\}|[^A-Za-z])*")
"""Values and signs alone."""


@pytest.fixture(scope="module")
def found() -> list[Template]:
    """Every template of the sources; read by the tests that look at them, not whenever tests are collected."""
    return list(templates())


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_template_has_a_translation_and_none_is_left_over(found: list[Template]):
    known = {each.text for each in found}
    assert len(known) > 500
    missing = {f"{each.where} {each.text}" for each in found if not LANGUAGE_FREE.fullmatch(each.text)} - {
        f"{each.where} {each.text}" for each in found if each.text in PHRASES
    }
    assert not missing
    assert set(PHRASES) <= known


def test_a_key_or_place_is_followed_by_the_same_colon_in_chinese_as_in_every_other_line():
    """As in "study.yaml:5: margin: ...", which is put together where the file is read."""
    keyed = {key: text for key, text in PHRASES.items() if re.match(r"[\w.{}!\[\]]+: ", key)}
    assert len(keyed) > 100
    assert not [text for text in keyed.values() if re.match(r"[a-zA-Z_.{}!\[\]]+：", text)]


def test_a_template_and_its_translation_have_the_values_that_are_given(found: list[Template]):
    with_values = [each for each in found if each.values]
    assert len(with_values) > 300
    assert not [each for each in with_values if not each.fields <= (each.values or set())]
    assert not [each for each in with_values if fields(PHRASES.get(each.text, each.text)) != each.fields]


def test_no_error_for_users_is_spliced_together():
    assert spliced_errors() == []


def phrase_of(action: Callable[[], object]) -> Phrase:
    with pytest.raises(StudyFileError) as caught:
        action()
    return caught.value.phrase


@pytest.mark.parametrize("name", BAD)
def test_the_problems_of_a_study_file_are_told_in_both_languages(name: str):
    phrase, asked = phrase_of(lambda: parse_study(BAD[name][0])), set()
    told = phrase.told(lambda template: (asked.add(template), PHRASES.get(template, template))[1])
    assert not {each for each in asked if each not in PHRASES and not LANGUAGE_FREE.fullmatch(each)}
    assert told == words_for("zh").translated(phrase)
    assert words_for("en").translated(phrase) == str(phrase)
    for problem in str(phrase).splitlines():
        assert not re.search(r"; it is (a|an|one|at|above|below|true)\b", problem), "a rule is told as `must be`"


FILES = {"latin1.yaml": b"study: \xe9\n", "utf16.yaml": "study: a".encode("utf-16"), "long.yaml": b"#" * 70_000}
UNREADABLE = ("none.yaml", ".", "no\0path.yaml", *FILES)
SELDOM = {
    "{name}: not readable as YAML ({error}). Write it as in docs/study-file.md.",  # whatever the YAML library fails on
    "{place}: {message}",  # a place before a message that comes later
}


def test_the_bad_study_files_cover_what_can_be_wrong_with_one(tmp_path: Path, found: list[Template]):
    asked: set[str] = set()
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    phrases = [phrase_of(lambda text=text: parse_study(text)) for text, _ in BAD.values()]
    phrases += [phrase_of(lambda name=name: load_study(tmp_path / name)) for name in UNREADABLE]
    for phrase in phrases:
        phrase.told(lambda template: (asked.add(template), template)[1])
    of_files = {each.text for each in found if each.where.startswith("study_file/") and each.fields}
    assert of_files - asked == SELDOM
