"""The record's data row says what the terminal warned of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.record.builder import build
from tunebook.record.view import View


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "; a.jsonl: 3 rows of train repeat an earlier question"),
        ("zh", "；a.jsonl：训练集有 3 条与前面的问题重复"),
    ],
)
def test_warnings_stand_in_the_data_row(study, language, told) -> None:
    repeats = {"code": "duplicates", "values": {"source": "a.jsonl", "split": "train", "count": 3, "contradicting": 0}}
    of_another_version = [{"code": "unheard_of", "values": {}}, {"code": "duplicates", "values": {"rows": 3}}, "text"]
    summary = {**study.facts.summary, "warnings": [*of_another_version, repeats]}
    record = build(View(**study._replace(facts=replace(study.facts, summary=summary))._asdict()), language)
    row = dict(record.facts)[{"en": "Data", "zh": "数据"}[language]]
    assert row.endswith(told)
