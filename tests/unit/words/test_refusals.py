"""What a refusal says beyond the keys that changed."""

from __future__ import annotations

import pytest

from tunebook.words import words_for


@pytest.mark.parametrize(("language", "part"), [("en", "How many seeds a round takes is fixed"), ("zh", "增加种子")])
def test_a_refusal_of_more_seeds_says_that_a_begun_study_cannot_be_given_them(language: str, part: str) -> None:
    words = words_for(language)
    assert part in words.refused_study_changed("study.yaml", "trec", ["seeds.configuration"])
    assert part not in words.refused_study_changed("study.yaml", "trec", ["margin"])
