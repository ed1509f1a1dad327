"""Slots are reused, spans continue over runs."""

from __future__ import annotations

from typing import Any

from tunebook.run.runner import SPAN, TimeLine


class Notes:
    def __init__(self) -> None:
        self.kept: list[tuple[str, dict[str, Any]]] = []

    def note(self, code: str, values: dict[str, Any]) -> None:
        self.kept.append((code, values))


def line(notes: Notes, clock: list[float]) -> TimeLine:
    return TimeLine(notes, notes.kept, lambda: clock[0])  # type: ignore[arg-type]


def test_a_free_slot_is_taken_again_and_time_goes_on_over_runs() -> None:
    notes, clock = Notes(), [100.0]
    first = line(notes, clock)
    first.started(1, "a")
    first.started(2, "a")
    first.started(3, "b")
    clock[0] = 110.0
    first.ended(1)
    first.started(4, "a")
    clock[0] = 130.0
    first.ended(4)
    first.dropped(2)
    first.ended(2)
    spans = [values for code, values in notes.kept if code == SPAN]
    assert [(s["trial"], s["slot"], s["start"], s["end"]) for s in spans] == [(1, 0, 0.0, 10.0), (4, 0, 10.0, 30.0)]
    clock[0] = 7.0  # another process, another monotonic clock
    second = line(notes, clock)
    second.started(5, "a")
    clock[0] = 9.0
    second.ended(5)
    assert (notes.kept[-1][1]["start"], notes.kept[-1][1]["end"]) == (30.0, 32.0)
