"""What a refusal says beyond the keys that changed."""

from __future__ import annotations

import pytest

from tunebook.words import words_for


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refused_change_says_what_would_be_accepted(language: str) -> None:
    text = words_for(language).refused_study_changed(
        "study.yaml", "trec", ["space.lora_r"], ["budget.trials", "seeds.baseline"], ["margin"]
    )
    for part in ("space.lora_r", "budget.trials", "seeds.baseline", "margin", "tunebook add"):
        assert part in text
