"""The speeds of this machine, measured once and kept for all studies on it.

They are kept in the user's cache folder, one file for each machine, model, set of versions and way of computing. They
are facts of that machine that can be measured again, so nothing is lost with the folder; a study notes in its ledger
those that it was begun with.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from tunebook.core.ports import Calibration, Executor, Observer
from tunebook.engines.user_cache import user_cache
from tunebook.errors import TunebookError
from tunebook.files import write_atomically
from tunebook.run.prepare import Prepared
from tunebook.run.requests.meanwhile import meanwhile
from tunebook.words import words_for

__all__ = ["kept_speeds", "measured_speeds", "telling_progress"]

TOLD_EVERY_SECONDS = 10.0
LIKE = 1.25
"""Mean lengths that differ by at most this factor are the same kind of workload."""


def kept_speeds(prepared: Prepared) -> Calibration | None:
    """The speeds kept for this machine, model and versions, fitted to this study's data; None: nothing is kept."""
    if not prepared.engine.calibrates or not prepared.engine.needs_model:
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_file(prepared).read_text(encoding="utf-8"))
        known = Calibration(**{field.name: kept["calibration"][field.name] for field in fields(Calibration)})
        return _fitted(known, kept["workload"], _workload(prepared))
    return None


def measured_speeds(prepared: Prepared, executor: Executor) -> Calibration | None:
    """Measure the machine, and keep the speeds; None for an engine that cannot be measured.

    Raises: TrialFailed: it could not be measured. Only predictions depend on it.
    """
    measured = prepared.calibrate(executor)
    if measured is not None and prepared.engine.needs_model:
        text = json.dumps({"calibration": asdict(measured), "workload": _workload(prepared)}, indent=1)
        with suppress(TunebookError):  # a folder that cannot be written costs the next study a measurement
            write_atomically(_file(prepared), text)
    return measured


@contextmanager
def telling_progress(prepared: Prepared, observer: Observer) -> Iterator[None]:
    """Say that the machine is being measured, and every few seconds for how long it has been; nothing for an engine
    that knows its speeds."""
    if not prepared.engine.needs_model:
        yield
        return
    words = words_for(prepared.spec.language)
    observer.phase(words.phase_measuring())
    began = time.monotonic()
    with meanwhile(TOLD_EVERY_SECONDS, lambda: observer.phase(words.phase_measured_for(time.monotonic() - began))):
        yield


def _file(prepared: Prepared) -> Path:
    """Named by everything that speeds depend on, beside the data."""
    facts, options = prepared.facts, prepared.options
    environment = {name: facts.environment.get(name) for name in ("device", "device_name", "threads", "memory_bytes")}
    key = {
        **environment,
        "versions": facts.environment.get("versions"),
        "commit": facts.environment.get("commit"),
        "model": facts.hashes.get("model"),
        "engine": prepared.engines.names[0],
        "dtype": options.dtype,
        "quantization": options.quantization,
        "share_prompts": options.share_prompts,
    }
    name = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:24]
    return user_cache() / "speeds" / f"{name}.json"


def _workload(prepared: Prepared) -> dict[str, Any]:
    """What of a study's data speeds depend on: mean tokens of a training and of a scored example, how it is scored."""
    workload = prepared.data.workload
    scored = next((split for split in workload.splits.values() if split), workload.train)
    means = [sum(example.n_tokens for example in rows) / max(1, len(rows)) for rows in (workload.train, scored)]
    return {"train_tokens": means[0], "scored_tokens": means[1], "scoring": workload.scoring.kind}


def _fitted(known: Calibration, then: dict[str, Any], now: dict[str, Any]) -> Calibration:
    """Speeds of another study's data for this one: examples are scored at the same tokens a second."""
    ratios = [float(then[name]) / float(now[name]) for name in ("train_tokens", "scored_tokens")]
    is_like = then["scoring"] == now["scoring"] and all(1 / LIKE <= ratio <= LIKE for ratio in ratios)
    return replace(
        known,
        score_examples_per_second=known.score_examples_per_second * ratios[1],
        values={**known.values, "other_workload": not is_like},
    )
