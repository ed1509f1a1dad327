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

from tunebook.core.configuration import Configuration
from tunebook.core.facts import (
    Cost,
    Curve,
    DataFacts,
    ExampleText,
    History,
    Outcomes,
    StepRecord,
    StudyFacts,
    TrialFact,
)
from tunebook.core.ports import TrialEnd
from tunebook.core.space import Folding
from tunebook.core.study import Budget, StudySpec, Trial, TrialState, Wave
from tunebook.ledger import open_ledger
from tunebook.ledger.store import SqlLedger
from tunebook.planning.planner import StudyPlanner
from tunebook.run.commands.report import write_record
from tunebook.run.commands.status import status_of
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import read_study
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.sample_study import sample_facts, sample_spec, sample_wave

T = TypeVar("T")

SPAN = {"worker": "here", "slot": 0, "start": 1.0, "end": 2.0}
TOGETHER = 8
"""Trials of a cohort."""
ANSWERS = ("abbreviation", "description", "entity", "human", "location", "number")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One database.

    Attributes:
        trials_per_second: starts and results, eight at a time; one_by_one_per_second: a transaction for each result.
        trials_per_processor_second: eight at a time, by this process's work alone: without waiting for the disk, for a
            server, or for other programs.
        probe_per_second: bare transactions with a value of the same size; None where not measured.
        cold_read_seconds: opening and `history()` of `n_read` trials; of it the second number is this process's work.
        bytes_per_trial: growth of the file; None where it is not ours to measure.
    """

    database: str
    n_written: int
    trials_per_second: float
    trials_per_processor_second: float
    one_by_one_per_second: float
    probe_per_second: float | None
    n_read: int
    cold_read_seconds: float
    cold_read_processor_seconds: float
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


def write(
    ledger: SqlLedger, trials: Sequence[Trial], n_examples: int, n_steps: int, together: int = TOGETHER
) -> tuple[float, float]:
    """Write the trials' results, `TOGETHER` started at once and `together` ended at once. Returns seconds, and those of
    this process's work."""
    facts = [result_of(trial, n_examples, n_steps) for trial in trials]
    began, worked = time.perf_counter(), time.process_time()
    for cohort in _parts(facts, TOGETHER):
        tokens = ledger.start_trials([fact.trial.id for fact in cohort], "here")
        ends = [
            TrialEnd(fact=fact, token=token, notes=(("trial_span", {"trial": fact.trial.id, **SPAN}),))
            for fact, token in zip(cohort, tokens, strict=True)
        ]
        for part in _parts(ends, together):
            ledger.finish_trials(part)
    return time.perf_counter() - began, time.process_time() - worked


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
        seconds, writing_work = write(ledger, wave.trials[:n_write], n_examples, n_steps)
        one_by_one, _ = write(ledger, wave.trials[n_write : 2 * n_write], n_examples, n_steps, together=1)
        write(ledger, wave.trials[2 * n_write :], n_examples, n_steps)
    began, worked = time.perf_counter(), time.process_time()
    with open_ledger(address, write=False, study=name) as ledger:
        n_facts = sum(fact.state.is_final for fact in ledger.history().trials.values())
    reading, reading_work = time.perf_counter() - began, time.process_time() - worked
    file = Path(address) / "ledger.sqlite" if "://" not in str(address) else None
    return Measured(
        database="postgresql" if file is None else "sqlite",
        n_written=n_write,
        trials_per_second=n_write / seconds,
        trials_per_processor_second=n_write / writing_work,
        one_by_one_per_second=n_write / one_by_one,
        probe_per_second=None if file is None else probe(file.parent, 3 * n_write, 8000),
        n_read=n_facts,
        cold_read_seconds=reading,
        cold_read_processor_seconds=reading_work,
        bytes_per_trial=None if file is None else file.stat().st_size / n_facts,
    )


@dataclass(frozen=True, kw_only=True)
class Wide:
    """A study whose first round is a table of `n_rows` configurations.

    Attributes:
        planning_seconds, judging_seconds: of the table's round, in memory.
        outlook_seconds: what is foreseen after it.
        status_seconds, record_seconds: reading where the study in a folder stands, and writing its record.
        html_megabytes: of the record's page.
    """

    n_rows: int
    n_examples: int
    planning_seconds: float
    judging_seconds: float
    outlook_seconds: float
    n_trials: int
    status_seconds: float
    record_seconds: float
    html_megabytes: float


def table_of(n: int) -> tuple[Configuration, ...]:
    """Different configurations, as somebody would write them who tries rates, ranks and batch sizes at random."""
    rng = np.random.default_rng(1)
    rates, ranks = np.unique(np.round(10 ** rng.uniform(-4.5, -2.5, 2 * n), 7))[:n], (4, 8, 16, 32)
    return tuple(
        replace(
            Configuration(learning_rate=float(rate)), lora_r=int(rng.choice(ranks)),
            per_device_train_batch_size=int(rng.choice((8, 16))),
        )
        for rate in rates
    )  # fmt: skip


def wide(n_rows: int, n_in_folder: int, n_examples: int, n_steps: int) -> Wide:
    """Plan and judge a table in memory; then write a study of such a round to a folder, and read it."""
    spec = replace(sample_spec(), name="wide", budget=Budget(trials=n_rows + 100))
    data = DataFacts(n_train=500, n_validation=n_examples)
    made = _table_round(spec, data, table_of(n_rows), n_examples, n_steps)
    began = time.perf_counter()
    findings = judge_round(made.history, made.wave.round, spec, data)
    judging = time.perf_counter() - began
    closed = replace(made.history, findings=findings, closed_rounds=(made.wave.round,))
    began = time.perf_counter()
    made.planner.outlook(closed)
    outlook = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        status, record, size = _in_folder(Path(folder) / "wide", spec, data, n_in_folder, n_examples, n_steps)
    return Wide(
        n_rows=n_rows, n_examples=n_examples, planning_seconds=made.seconds, judging_seconds=judging,
        outlook_seconds=outlook, n_trials=n_in_folder, status_seconds=status, record_seconds=record,
        html_megabytes=size / 1e6,
    )  # fmt: skip


@dataclass(frozen=True)
class _TableRound:
    planner: StudyPlanner
    reference: Wave
    wave: Wave
    history: History
    seconds: float


def _table_round(
    spec: StudySpec, data: DataFacts, table: tuple[Configuration, ...], n_examples: int, n_steps: int
) -> _TableRound:
    """The first round of a study, planned and with results."""
    planner = StudyPlanner(spec, data, Folding(), table)
    reference = planner.next_wave(History())
    assert reference is not None
    history = _with_results(History(), reference, n_examples, n_steps)
    began = time.perf_counter()
    wave = planner.next_wave(history)
    assert wave is not None
    seconds = time.perf_counter() - began
    return _TableRound(planner, reference, wave, _with_results(history, wave, n_examples, n_steps), seconds)


def _with_results(history: History, wave: Wave, n_examples: int, n_steps: int) -> History:
    facts = {trial.id: result_of(trial, n_examples, n_steps) for trial in wave.trials}
    return replace(history, waves=(*history.waves, wave), trials={**history.trials, **facts})


def _in_folder(
    folder: Path, spec: StudySpec, data: DataFacts, n_trials: int, n_examples: int, n_steps: int
) -> tuple[float, float, int]:
    """Seconds of status and of the record, and the bytes of its page, of a study with a judged table."""
    made = _table_round(spec, data, table_of(n_trials), n_examples, n_steps)
    texts = tuple(ExampleText(i, f"what is {i}?", ANSWERS[i % len(ANSWERS)]) for i in range(n_examples))
    facts = StudyFacts(data=data, examples={"validation": texts}, table=table_of(n_trials), folding=Folding())
    with open_ledger(folder, write=True, study=spec.name) as ledger:
        ledger.create_study(spec, facts)
        for wave in (made.reference, made.wave):
            ledger.add_wave(wave)
            write(ledger, wave.trials, n_examples, n_steps)
            ledger.close_round(wave.round, judge_round(ledger.history(), wave.round, spec, data))
    paths = StudyPaths(None, folder, spec.name)
    began = time.perf_counter()
    status_of(paths)
    status = time.perf_counter() - began
    began = time.perf_counter()
    written = write_record(read_study(paths), folder)
    return status, time.perf_counter() - began, written["record.html"].stat().st_size


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300, help="trials whose writing is timed")
    parser.add_argument("--read", type=int, default=1100, help="trials that are read")
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--table", type=int, help="a table of so many configurations instead of the ledger's speed")
    parser.add_argument("--folder", type=int, default=1000, help="with --table: trials of the study in a folder")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    found = _wide_found(asked) if asked.table else _ledgers_found(asked)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")


def _wide_found(asked: argparse.Namespace) -> list[Wide]:
    one = wide(asked.table, asked.folder, asked.examples, asked.steps)
    print(
        f"{one.n_rows} configurations: planned in {one.planning_seconds:.1f} s, judged in {one.judging_seconds:.1f} s, "
        f"the rest foreseen in {one.outlook_seconds:.1f} s; {one.n_trials} trials in a folder: status "
        f"{one.status_seconds:.1f} s, record {one.record_seconds:.1f} s, its page {one.html_megabytes:.1f} MB"
    )
    return [one]


def _ledgers_found(asked: argparse.Namespace) -> list[Measured]:
    size = asked.trials, asked.read, asked.examples, asked.steps
    with tempfile.TemporaryDirectory() as folder:
        found = [measure(Path(folder), "ledger-benchmark", *size)]
    if address := os.environ.get("TUNEBOOK_TEST_POSTGRES"):
        found.append(measure(address, f"ledger-benchmark-{uuid4().hex[:8]}", *size))
    for one in found:
        print(
            f"{one.database}: {one.trials_per_second:.0f} trials/s, {one.trials_per_processor_second:.0f} a processor "
            f"second ({one.one_by_one_per_second:.0f} one by one"
            + (f", probe {one.probe_per_second:.0f} transactions/s" if one.probe_per_second else "")
            + f"); {one.n_read} trials read cold in {one.cold_read_seconds:.2f} s "
            f"({one.cold_read_processor_seconds:.2f} s of a processor)"
            + (f"; {one.bytes_per_trial / 1000:.1f} kB a trial" if one.bytes_per_trial else "")
        )
    return found


if __name__ == "__main__":
    main()
