"""How fast a ledger takes results and gives them back, and how large it gets.

    python -m benchmarks.ledger --trials 300 --read 1100 --examples 1000 --steps 120 --json FILE

Writes trials as a runner does (those that a worker takes together are started together; results that come together are
one transaction with their notes on the time line, synced to disk): once with eight results at a time, once with a
transaction for each. Then opens the ledger anew and reads the whole history. SQLite in a temporary folder; PostgreSQL
where `TUNEBOOK_TEST_POSTGRES` holds an address. `probe` is the rate of bare transactions of the same size on the same
disk, measured in turn: no ledger with that many transactions can be faster.

    python -m benchmarks.ledger --table 2500 --json FILE

What a wide study costs instead: planning and judging a table of so many configurations (in memory), and for as many
trials in a study folder reading its status and the size of its record.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np

from tunebook.core.facts import Cost, Curve, Outcomes, StepRecord, TrialFact
from tunebook.core.ports import TrialEnd
from tunebook.core.study import Trial, TrialState, Wave
from tunebook.ledger import open_ledger
from tunebook.ledger.store import SqlLedger
from tunebook.testing.sample_study import sample_facts, sample_spec, sample_wave

T = TypeVar("T")

TOGETHER = 8
"""Trials of a cohort."""
ANSWERS = ("abbreviation", "description", "entity", "human", "location", "number")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One database.

    Attributes:
        trials_per_second: starts and results, eight at a time; one_by_one_per_second: a transaction for each result.
        probe_per_second: bare transactions with a value of the same size; None where not measured.
        cold_read_seconds: opening and `history()` of `n_read` trials.
        bytes_per_trial: growth of the file; None where it is not ours to measure.
    """

    database: str
    n_written: int
    trials_per_second: float
    one_by_one_per_second: float
    probe_per_second: float | None
    n_read: int
    cold_read_seconds: float
    bytes_per_trial: float | None


def result_of(trial: Trial, n_examples: int, n_steps: int) -> TrialFact:
    """A result of a given size."""
    rng = np.random.default_rng(trial.id)
    scores = (rng.random(n_examples) < 0.7).astype(np.float64)
    answers = tuple(ANSWERS[index] for index in rng.integers(0, len(ANSWERS), n_examples))
    outcomes = {"validation": Outcomes(scores, rng.exponential(1.0, n_examples), answers)}
    losses = rng.exponential(1.0, (n_steps, 2)).tolist()
    steps = tuple(StepRecord(i + 1, (i + 1) / n_steps, loss, 2e-4, norm) for i, (loss, norm) in enumerate(losses))
    cost = Cost(train_seconds=12.5, score_seconds=3.5, raw_tokens=10_000, computed_tokens=8_000)
    return TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=outcomes, curve=Curve(steps), cost=cost)


def wave_of(n: int) -> Wave:
    """A wave of n trials."""
    like = sample_wave(1)
    return replace(like, trials=tuple(replace(like.trials[0], id=i + 1, seed=i) for i in range(n)), contrasts=())


def write(ledger: SqlLedger, trials: Sequence[Trial], n_examples: int, n_steps: int, together: int = TOGETHER) -> float:
    """Write the trials' results, `TOGETHER` started at once and `together` ended at once. Returns seconds."""
    facts = [result_of(trial, n_examples, n_steps) for trial in trials]
    began = time.perf_counter()
    for cohort in _parts(facts, TOGETHER):
        tokens = ledger.start_trials([fact.trial.id for fact in cohort], "here")
        ends = [
            TrialEnd(fact=fact, token=token, notes=(("trial_span", {"trial": fact.trial.id, "seconds": 12.5}),))
            for fact, token in zip(cohort, tokens, strict=True)
        ]
        for part in _parts(ends, together):
            ledger.finish_trials(part)
    return time.perf_counter() - began


def _parts(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[first : first + size] for first in range(0, len(values), size)]


def probe(folder: Path, n: int, size: int) -> float:
    """Bare transactions a second: one value of `size` bytes each, synced."""
    connection = sqlite3.connect(folder / "probe.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)")
    content, began = os.urandom(size), time.perf_counter()
    for _ in range(n):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (content) VALUES (?)", (content,))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return n / seconds


def measure(address: str | Path, name: str, n_write: int, n_read: int, n_examples: int, n_steps: int) -> Measured:
    """One database: `n_write` trials timed, more until there are `n_read`, then a cold read."""
    spec, wave = replace(sample_spec(), name=name), wave_of(max(2 * n_write, n_read))
    with open_ledger(address, write=True, study=name) as ledger:
        ledger.create_study(spec, sample_facts())
        ledger.add_wave(wave)
        seconds = write(ledger, wave.trials[:n_write], n_examples, n_steps)
        one_by_one = write(ledger, wave.trials[n_write : 2 * n_write], n_examples, n_steps, together=1)
        write(ledger, wave.trials[2 * n_write :], n_examples, n_steps)
    began = time.perf_counter()
    with open_ledger(address, write=False, study=name) as ledger:
        n_facts = sum(fact.state.is_final for fact in ledger.history().trials.values())
    reading = time.perf_counter() - began
    file = Path(address) / "ledger.sqlite" if "://" not in str(address) else None
    return Measured(
        database="postgresql" if file is None else "sqlite",
        n_written=n_write,
        trials_per_second=n_write / seconds,
        one_by_one_per_second=n_write / one_by_one,
        probe_per_second=None if file is None else probe(file.parent, 3 * n_write, 8000),
        n_read=n_facts,
        cold_read_seconds=reading,
        bytes_per_trial=None if file is None else file.stat().st_size / n_facts,
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300, help="trials whose writing is timed")
    parser.add_argument("--read", type=int, default=1100, help="trials that are read")
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    size = asked.trials, asked.read, asked.examples, asked.steps
    with tempfile.TemporaryDirectory() as folder:
        found = [measure(Path(folder), "ledger-benchmark", *size)]
    if address := os.environ.get("TUNEBOOK_TEST_POSTGRES"):
        found.append(measure(address, f"ledger-benchmark-{uuid4().hex[:8]}", *size))
    for one in found:
        print(
            f"{one.database}: {one.trials_per_second:.0f} trials/s ({one.one_by_one_per_second:.0f} one by one"
            + (f", probe {one.probe_per_second:.0f} transactions/s" if one.probe_per_second else "")
            + f"); {one.n_read} trials read cold in {one.cold_read_seconds:.2f} s"
            + (f"; {one.bytes_per_trial / 1000:.1f} kB a trial" if one.bytes_per_trial else "")
        )
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
