"""The collection of records: what is read of it is read rightly, and most of it is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.audit_collection import COLLECTION, Score, records_in, score_record, total
from benchmarks.audit_layouts import made
from tunebook.audit.words.languages import ChineseAudit, EnglishAudit


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return total()


def test_there_are_forty_records_and_half_are_chinese() -> None:
    names = [record.stem for record, _ in records_in(COLLECTION)]
    assert len(names) >= 40
    assert sum(name.endswith("_zh") for name in names) * 2 >= len(names)


@pytest.mark.parametrize("what", ["columns", "cells", "sentences", "verdicts"])
def test_nothing_is_read_wrongly(scores: dict[str, Score], what: str) -> None:
    assert scores[what].wrong == []


@pytest.mark.parametrize("folder", ["held_out", *(f"held_out_{i}" for i in range(2, 12))])
def test_nothing_is_read_wrongly_in_records_of_others(folder: str) -> None:
    assert {what: score.wrong for what, score in total(COLLECTION / folder).items() if score.wrong} == {}


def test_nothing_is_read_wrongly_in_made_up_layouts(tmp_path: Path) -> None:
    """Some of the seeds with which the reader was wrong before it was mended."""
    for seed in (1104, 1154, 1247, 1361, 1374, 9238, *range(5)):
        name, text, expected = made(seed)
        record = tmp_path / name
        record.write_text(text, encoding="utf-8")
        assert {what: score.wrong for what, score in score_record(record, expected).items() if score.wrong} == {}


@pytest.mark.parametrize(("what", "share"), [("columns", 0.95), ("cells", 0.95), ("sentences", 0.6), ("verdicts", 1.0)])
def test_most_is_read(scores: dict[str, Score], what: str, share: float) -> None:
    assert scores[what].recall >= share, scores[what].missed


@pytest.mark.parametrize("name", ["says", "counted"])
def test_both_languages_have_the_same_sentences_with_the_same_places(name: str) -> None:
    english, chinese = getattr(EnglishAudit, name), getattr(ChineseAudit, name)
    assert english.keys() == chinese.keys()
    for code in english:
        places = [set(re.findall(r"{(\w+:?\w*)}", str(words[code]))) for words in (english, chinese)]
        assert places[0] == places[1] or name == "counted", code
