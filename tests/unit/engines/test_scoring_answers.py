"""How far a greedy answer is known from the gold completion's own pass."""

from __future__ import annotations

import pytest

from tunebook.core.ports import Scoring
from tunebook.engines.packed.scoring.generation import accepted

END, STOP = 2, 9
SCORING = Scoring("generate", max_new_tokens=4, stop_ids=(END, STOP))


@pytest.mark.parametrize(
    ("gold", "greedy", "answer", "complete"),
    [
        ((5, 6, END), (5, 6, END), [5, 6], True),  # the gold answer
        ((5, 6, END), (5, STOP, 7), [5], True),  # another stop token ends it earlier
        ((END,), (END,), [], True),  # the empty answer
        ((5, 6, END), (7, 6, END), [7], False),  # parts at once
        ((5, 6, END), (5, 6, 8), [5, 6, 8], False),  # goes on after the gold answer
        ((5, 6, 7, 8, END), (5, 6, 7, 8, 8), [5, 6, 7, 8], True),  # the bound on new tokens
        ((5, 6), (5, 6), [5, 6], False),  # gold without a stop token: nobody knows what follows
    ],
)
def test_answer_is_known_as_far_as_it_agrees_with_gold(gold, greedy, answer, complete):
    assert accepted(gold, greedy, SCORING) == (answer, complete)
