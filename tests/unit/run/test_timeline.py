"""Slots are reused, spans continue over runs."""

from __future__ import annotations

from typing import Any

from tunebook.run.runner import SPAN, TimeLine


def test_a_free_slot_is_taken_again_and_time_goes_on_over_runs() -> None:
    clock = [100.0]
    notes: list[tuple[str, dict[str, Any]]] = []
    first = TimeLine(notes, lambda: clock[0])
    first.started(1, "a")
    first.started(2, "a")
    first.started(3, "b")
    clock[0] = 110.0
    notes += first.ended(1)
    first.started(4, "a")
    clock[0] = 130.0
    notes += first.ended(4)
    first.dropped(2)
    notes += first.ended(2)
    spans = [values for code, values in notes if code == SPAN]
    assert [(s["trial"], s["slot"], s["start"], s["end"]) for s in spans] == [(1, 0, 0.0, 10.0), (4, 0, 10.0, 30.0)]
    clock[0] = 7.0  # another process, another monotonic clock
    second = TimeLine(notes, lambda: clock[0])
    second.started(5, "a")
    clock[0] = 9.0
    notes += second.ended(5)
    assert (notes[-1][1]["start"], notes[-1][1]["end"]) == (30.0, 32.0)
    assert second.until_now(1.5) == {"start": 30.5, "end": 32.0}
