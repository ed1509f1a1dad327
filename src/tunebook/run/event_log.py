"""Appends a run's events to a file in the study folder as lines of JSON, for anything that watches: `status`, a live
page.

Every line is an object with `time` (seconds since 1970), `run` (which run wrote it), `event`, and the fields of that
event. `step` and `progress` are written at most once per second and trial. Nothing is decided from the file: it is cut
when it grows too long, and when the disk is full or read-only only events are lost. Durable facts are in the ledger.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from tunebook.core.events import Event, Finished, Progress, Recorded, RoundClosed, Step, WaveStarted
from tunebook.core.facts import History
from tunebook.json_values import to_json
from tunebook.run.observers import Silent
from tunebook.run.scores import unscored

__all__ = ["EVENTS_FILE", "EventLog", "UnderWay", "follow", "under_way"]

EVENTS_FILE = "events.jsonl"
_OLDER_FILE = "events.1.jsonl"
_MOST_BYTES = 8_000_000
"""Bytes at which the file is renamed to the older file; the previous older file is deleted."""
_APART_SECONDS = 1.0
_AFTER_ERROR_SECONDS = 30.0
"""Seconds to wait before the next attempt after the file could not be written."""
_TAIL_BYTES = 1_000_000
"""Bytes from the end that `under_way` reads: some minutes of a large cohort, and little enough to read every two
seconds."""


class EventLog(Silent):
    """An observer that appends each event to `events.jsonl`. Use as a context manager.

    Args:
        folder: the study folder.
        warn: called once, with a sentence, if the file cannot be written.
        most_bytes: size at which a new file is started.
        clock, monotonic: seconds since 1970, and seconds that never jump.
    """

    def __init__(
        self,
        folder: Path,
        warn: Callable[[str], None],
        *,
        most_bytes: int = _MOST_BYTES,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._older = folder / EVENTS_FILE, folder / _OLDER_FILE
        self._warn, self._most_bytes = warn, most_bytes
        self._clock, self._monotonic = clock, monotonic
        self._run = uuid4().hex[:8]
        self._file: int | None = None
        self._size = 0
        self._mid_line = True  # a killed run may have left an incomplete line
        self._last: dict[tuple[type, int], float] = {}
        self._not_before = -math.inf
        self._has_warned = False

    def __enter__(self) -> EventLog:
        self._write("run_started", {"process": os.getpid()})
        return self

    def __exit__(self, *error: object) -> None:
        self._write("run_ended", {})
        self._close()

    def event(self, event: Event) -> None:
        if isinstance(event, Step | Progress) and not self._is_due(event):
            return
        self._write(_kind(event), _as_values(event))

    def phase(self, text: str) -> None:
        self._write("phase", {"text": text})

    def warning(self, text: str) -> None:
        self._write("warning", {"text": text})

    def _is_due(self, event: Step | Progress) -> bool:
        key, now = (type(event), event.trial), self._monotonic()
        if now - self._last.get(key, -math.inf) < _APART_SECONDS:
            return False
        self._last[key] = now
        return True

    def _write(self, kind: str, values: dict[str, Any]) -> None:
        if self._monotonic() < self._not_before:
            return
        line = {"time": round(self._clock(), 3), "run": self._run, "event": kind, **values}
        try:
            self._append((json.dumps(to_json(line), allow_nan=False) + "\n").encode())
        except OSError as error:
            self._close()
            self._not_before = self._monotonic() + _AFTER_ERROR_SECONDS
            if not self._has_warned:
                self._has_warned = True
                self._warn(
                    f"{self._path}: cannot be written ({error.strerror or error}). `tunebook status` shows less of "
                    "trials under way; the study goes on and the ledger is complete."
                )

    def _append(self, line: bytes) -> None:
        if self._file is not None and self._size + len(line) > self._most_bytes:
            self._close()
            self._path.replace(self._older)
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            self._size = os.fstat(self._file).st_size
            self._mid_line = self._size > 0
        if self._mid_line:
            line = b"\n" + line  # ends an incomplete line left by a full disk or a killed run; readers skip it
        self._mid_line = True
        written = os.write(self._file, line)
        self._size += written
        self._mid_line = written < len(line)

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None


def _kind(event: Event) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def _as_values(event: Event) -> dict[str, Any]:
    """The line for an event: numbers and short texts, never whole results."""
    match event:
        case WaveStarted(wave):
            return {
                "round": wave.round,
                "kind": wave.kind,
                "wave": wave.number,
                "trials": [trial.id for trial in wave.trials],
            }
        case Recorded(fact):
            scores = {split: outcomes.accuracy for split, outcomes in fact.outcomes.items()}
            return {"trial": fact.trial.id, "state": fact.state, "reason": fact.reason, "accuracy": scores}
        case RoundClosed(kind, _, paragraph):
            return {"kind": kind, "paragraph": paragraph}
        case Finished():
            return {"trial": event.trial}
        case _:
            return {each.name: getattr(event, each.name) for each in fields(event)}


# --- reading -----------------------------------------------------------------------------------------------------


def follow(
    path: Path, *, until: Callable[[], bool] = lambda: False, pause_seconds: float = 0.5
) -> Iterator[dict[str, Any]]:
    """Yield every event of a file, then each further one as it is written, also when a new file is started.

    Args:
        path: `events.jsonl` in a study folder; it need not exist yet.
        until: called whenever there is nothing new; True ends the iteration.
    """
    file: IO[bytes] | None = None
    rest = b""
    try:
        while True:
            is_last = until()
            if file is None:
                with suppress(FileNotFoundError):
                    file = path.open("rb")
            has_moved = file is not None and _has_moved(file, path)
            if file is not None and (content := file.read()):
                *lines, rest = (rest + content).split(b"\n")
                yield from _parsed(lines)
            elif file is not None and has_moved:  # read to its end; continue with the new file
                file.close()
                file, rest = None, b""
            elif is_last:
                return
            else:
                time.sleep(pause_seconds)
    finally:
        if file is not None:
            file.close()


def _has_moved(file: IO[bytes], path: Path) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(file.fileno())
    return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino)


def _parsed(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """The lines that are complete events."""
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "event" in value:
            yield value


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """A trial that has started and has no result yet.

    Attributes:
        phase, done: what it is doing ("train", "score"), and the share of that which is done, in [0, 1].
        step, loss: the last known optimiser step, with its training loss in nats per label token.
        saved_step: an interruption loses everything after this step; None: nothing is saved.
        total_steps: optimiser steps of the whole trial; None: not known.
        heard_seconds_ago: seconds since its last event.
    """

    trial: int
    phase: str = ""
    done: float = 0.0
    step: int | None = None
    loss: float | None = None
    saved_step: int | None = None
    heard_seconds_ago: float = 0.0
    total_steps: int | None = None


def under_way(folder: Path, history: History, now: float | None = None) -> tuple[UnderWay, ...]:
    """The trials that have started and that the ledger does not hold as final, ordered by id: from the end of the event
    file, and from the states that the packed engine saved in the trials' folders."""
    clock = time.time() if now is None else now
    by_trial: dict[int, UnderWay] = {}
    for event in _parsed(_tail(folder)):
        trial = event.get("trial")
        fact = history.trials.get(trial) if isinstance(trial, int) else None
        if fact is None or fact.state.is_final:
            continue
        with suppress(KeyError, TypeError, ValueError):  # another program has written into the file
            before = by_trial.get(fact.trial.id, UnderWay(trial=fact.trial.id))
            by_trial[fact.trial.id] = replace(_after(before, event), heard_seconds_ago=max(0.0, clock - event["time"]))
    for number, fact in history.trials.items():
        if fact.state.is_final:
            continue
        saved = _saved_step(folder / "adapters" / str(number))
        if saved is None and number in by_trial and unscored.waits(folder / "adapters", number):
            saved = by_trial[number].step  # the last one: its answers are kept and wait for their scores
        if saved is not None:
            by_trial[number] = replace(by_trial.get(number, UnderWay(trial=number)), saved_step=saved)
    return tuple(by_trial[number] for number in sorted(by_trial))


def _saved_step(trial_folder: Path) -> int | None:
    """The last optimiser step of a trial's saved state, or None where there is none to go on from; the state is
    `engines.packed.training.checkpoint`'s."""
    for name in ("resume", ".resume.old"):
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            state = json.loads((trial_folder / name / "state.json").read_text(encoding="utf-8"))
            return int(state["steps"][-1]["step"])
    return None


def _after(before: UnderWay, event: dict[str, Any]) -> UnderWay:
    match event["event"]:
        case "started":
            return UnderWay(trial=before.trial, saved_step=before.saved_step)
        case "step":
            record = event["record"]
            return replace(before, step=int(record["step"]), loss=record["loss"])
        case "progress":
            return replace(before, phase=str(event["phase"]), done=float(event["done"]))
        case "saved":
            return replace(before, saved_step=int(event["step"]))
        case _:
            return before


def _tail(folder: Path) -> list[bytes]:
    """The last lines of both files, in order."""
    content = b""
    for name in (EVENTS_FILE, _OLDER_FILE):
        with suppress(OSError), (folder / name).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - (_TAIL_BYTES - len(content))))
            content = file.read(_TAIL_BYTES) + content
        if len(content) >= _TAIL_BYTES:
            break
    return content.split(b"\n")
