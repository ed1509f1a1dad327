"""Raw answers become texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunebook.core.events import Finished
from tunebook.core.facts import Cost, Curve, ExampleText
from tunebook.core.ports import RawScores, RawTrial
from tunebook.run.scores.answers import JudgeSpec, judging_sink
from tunebook.testing.event_recorder import EventRecorder


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        return bytes(ids).decode("utf-8", errors="replace")


def test_an_answer_cut_within_a_character_ends_before_it() -> None:
    gold = "价格"
    cut = tuple(gold.encode())[:-1]
    recorder = EventRecorder()
    spec = JudgeSpec(
        metric="exact_match", base_folder=".", model=None, examples={"validation": (ExampleText(0, "?", gold),)}
    )
    scores = RawScores((cut,), np.array([1.0]), (3,))
    trial = RawTrial(
        id=1,
        scores={"validation": scores},
        curve=Curve(),
        cost=Cost(train_seconds=0, score_seconds=0, raw_tokens=0, computed_tokens=0, peak_bytes=0, adapter_bytes=0),
    )
    judging_sink(recorder, spec, Bytes()).emit(Finished(trial))
    (event,) = recorder.events
    assert event.result.outcomes["validation"].answers == ("价",)
