"""What a reference that means nothing is told."""

from __future__ import annotations

import pytest

from tunebook.core.facts import History
from tunebook.errors import NotFoundError
from tunebook.run.commands.compare import resolve


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cheapest", "cheapest: this study has shown no configuration as good as the best."),
        ("best", "best: this study has no best configuration yet."),
        ("zebra", "zebra: means no trial or configuration here."),
    ],
)
def test_a_name_without_a_trial_says_why(text: str, said: str) -> None:
    with pytest.raises(NotFoundError) as error:
        resolve(text, History())
    assert str(error.value).startswith(said)
