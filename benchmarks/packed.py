"""The packed engine on rows of the trial table, as one cohort, in a process of its own.

    python -m benchmarks.packed --model DIR --data DIR --rows 120 --test-rows 100 --only exp1,exp16 --json FILE

Uses the engine through its port only (core.ports.Engine), as the runner does. A trial's seconds are its share of its
cohort's time, as the ledger records them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.child import ChildTask, RowResult, child_main, peak_bytes
from benchmarks.table import TableRow, read_examples
from tunebook.core.ports import EngineOptions, RawScores, RawTrial, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.core.space import Folding, effective
from tunebook.testing.event_recorder import EventRecorder

__all__ = ["jobs_of", "run", "workload_of"]


def workload_of(task: ChildTask) -> Workload:
    """The same rows as the yardstick's, scored by generation with the same bound on new tokens."""
    tokenizer = task.tokenizer()
    train = read_examples(tokenizer, task.train_rows())
    scored = read_examples(tokenizer, task.scored_rows())
    scoring = Scoring(max_new_tokens=task.max_new_tokens, stop_ids=(tokenizer.eos_token_id,))
    return Workload(train=train, splits={"validation": scored}, scoring=scoring)


def jobs_of(
    rows: Sequence[TableRow], task: ChildTask, workload: Workload, folding: Folding, folder: str
) -> dict[str, TrialJob]:
    """One job a row of the table; with folding, rows of equal effective configuration share the first one's job."""
    longest = max(example.n_tokens for example in workload.train)
    splits = ("validation",) if workload.splits["validation"] else ()
    jobs: dict[str, TrialJob] = {}
    by_key: dict[str, TrialJob] = {}
    for number, row in enumerate(rows, start=1):
        configuration = effective(row.configuration, folding, longest)
        job = TrialJob(
            id=number,
            configuration=configuration,
            seed=task.seed,
            splits=splits,
            folder=str(Path(folder) / str(number)),
        )
        jobs[row.name] = by_key.setdefault(configuration.key, job) if task.fold else job
    return jobs


def run(task: ChildTask) -> list[RowResult]:
    """Train and score every row of the task in one run of the engine."""
    from tunebook.engines.packed.engine import PackedEngine

    workload = workload_of(task)
    extra = {"max_steps": task.max_steps} if task.max_steps else {}
    engine = PackedEngine(
        EngineOptions(model=task.model, device=task.device, dtype=task.dtype, threads=task.threads, extra=extra)
    )
    with tempfile.TemporaryDirectory(prefix="packed-") as folder:
        jobs = jobs_of(task.table_rows(), task, workload, engine.folding, folder)
        sink = EventRecorder(list({job.id: job for job in jobs.values()}.values()))
        engine.run(sink, workload, sink)
    if sink.failures:
        raise RuntimeError(f"trials failed: {sink.failures}")
    peak = peak_bytes(task.device)
    trained = {job.id: name for name, job in reversed(jobs.items())}
    return [
        _row_result(name, jobs[name], sink.results[number], workload, task, peak)
        for number, name in sorted(trained.items())
    ]


def _row_result(
    name: str, job: TrialJob, result: RawTrial, workload: Workload, task: ChildTask, peak: int
) -> RowResult:
    raw_per_example = sum(example.n_tokens for example in workload.train) / len(workload.train)
    labels_per_example = sum(len(example.completion_ids) for example in workload.train) / len(workload.train)
    examples = result.cost.raw_tokens / raw_per_example
    scores = result.scores.get("validation")
    return RowResult(
        trial=name,
        rank=job.configuration.lora_r,
        train_seconds=result.cost.train_seconds,
        score_seconds=result.cost.score_seconds,
        train_examples=examples,
        raw_tokens=result.cost.raw_tokens,
        computed_tokens=result.cost.computed_tokens,
        label_tokens=examples * labels_per_example,
        test_examples=len(workload.splits["validation"]) if scores else 0,
        accuracy=_exact_match(scores, workload.splits["validation"], task) if scores else float("nan"),
        peak_bytes=peak,
        train_peak_bytes=peak,
    )


def _exact_match(scores: RawScores, examples: Sequence[TokenizedExample], task: ChildTask) -> float:
    tokenizer = task.tokenizer()
    golds = [tokenizer.decode(example.completion_ids, skip_special_tokens=True) for example in examples]
    answers = [tokenizer.decode(answer, skip_special_tokens=True) for answer in scores.answers]
    return sum(a.strip().lower() == g.strip().lower() for a, g in zip(answers, golds, strict=True)) / len(golds)


if __name__ == "__main__":
    child_main(__doc__, run)
