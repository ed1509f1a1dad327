"""Records a table of real trials, on which planners are replayed: many configurations, each with every seed.

    python -m benchmarks.recorded --data DIR --name trec6 --out FOLDER [--configurations 160] [--first N] [--minutes N]
    python -m benchmarks.recorded summary FOLDER

The configurations are a scrambled Sobol sequence over rate, rank, alpha, batch size, epochs, dropout, schedule and
warm-up, taken in its order, so that any beginning of the run fills the space. After 15, 25 and 50 % of its steps a
trial's loss is taken on the first validation examples, at its end loss and score on all of them, example by example.
It may be killed at any time and goes on with the same command; what is lost are the trials in work. A trial's numbers
depend on its configuration and seed alone, not on which trials ran beside it; its seconds are processor time.

The engine's port gives no losses by example in the middle of an epoch, so its parts are driven here: a trainee is
stepped, and evaluated, as the engine does it.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from benchmarks.table import model_folder, read_examples, read_rows
from tunebook.core.configuration import Configuration
from tunebook.core.divergence import collapse_reason, worse_than_untrained
from tunebook.core.ports import RawScores, Scoring, TokenizedExample, TrialJob
from tunebook.engines.base_model import load_model, load_tokenizer
from tunebook.engines.packed.model.kernels import kernel_kind
from tunebook.engines.packed.model.multiplies import multiply_kind, use_threads
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.score import losses, score
from tunebook.engines.packed.training.loop import choose, train_together
from tunebook.engines.packed.training.trainee import Trainee
from tunebook.evaluation import load_metric
from tunebook.testing import recorded_table as files
from tunebook.testing.recorded_table import RecordedTable, TrialRow, load

__all__ = ["RecordedTable", "Task", "load", "record"]

MAX_ROWS = 512
"""Computed tokens of a forward."""
ROOM_TOKENS = 2
"""A generated answer may be this much longer than the longest gold answer."""

Judge = Callable[[RawScores], tuple[Sequence[float], Sequence[str], Sequence[bool]]]
"""Scores, answers as text, and whether each is one that could be right."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is recorded.

    Attributes:
        train, validation: as token ids.
        n_partial: of how many validation examples (the first ones) the loss is taken before the end.
        judge: judges the answers on the validation examples.
        commonest_share: share of the commonest gold answer, in [0, 1].
        cohort: configurations that are trained together, with all their seeds, and written as one shard.
        header: further values for `table.json`.
    """

    name: str
    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...]
    split: tuple[str, ...]
    train: tuple[TokenizedExample, ...]
    validation: tuple[TokenizedExample, ...]
    n_partial: int
    scoring: Scoring
    judge: Judge
    commonest_share: float
    header: dict[str, Any]
    cohort: int = 2

    @property
    def cohorts(self) -> list[range]:
        """The configurations of each shard."""
        n = len(self.configurations)
        return [range(start, min(start + self.cohort, n)) for start in range(0, n, self.cohort)]


def record(
    packed: PackedModel, task: Task, folder: Path, *, first: int | None = None, threads: int = 1,
    go_on: Callable[[], bool] = lambda: True, tell: Callable[[str], None] = lambda line: None,
) -> None:  # fmt: skip
    """Train and write what is missing of the table, in the order of the design.

    Args:
        first: only so many configurations for now, the first ones; None: all.
        threads: cohorts computed side by side, each on one thread.
        go_on: asked before each cohort; no: those in work are ended, and the rest is left.
        tell: told a line after each shard.

    Raises: ValueError: the folder holds another table.
    """
    known = files.read_header(folder) if files.is_table(folder) else None
    untrained = known["untrained"] if known is not None else _untrained(packed, task)
    files.write_header(folder, {**_header(packed, task), "untrained": untrained})
    untrained_loss = float(np.mean(untrained["losses"]))
    finished = files.finished_shards(folder)
    wanted = [members for members in task.cohorts if first is None or members.start < first]
    todo = iter([(n, members) for n, members in enumerate(wanted) if n not in finished])

    def work(number: int, members: Sequence[int]) -> str:
        began = time.perf_counter()
        trials = train_cohort(packed, task, members, untrained_loss)
        files.write_shard(folder, number, trials)
        seconds = time.perf_counter() - began
        return f"shard {number}: {len(trials)} trials in {seconds:.0f} s; " + "; ".join(map(_line, trials))

    with ThreadPoolExecutor(threads, initializer=use_threads, initargs=(1,)) as pool:
        running: set[Future[str]] = set()
        while True:
            while len(running) < threads and go_on() and (next_one := next(todo, None)) is not None:
                running.add(pool.submit(work, *next_one))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                tell(future.result())


def train_cohort(packed: PackedModel, task: Task, members: Iterable[int], untrained_loss: float) -> list[TrialRow]:
    """Train some configurations with every seed, evaluating on the way; one row a trial."""
    trainees = {
        (number, seed): _trainee(packed, task, task.configurations[number], seed)
        for number in members
        for seed in task.seeds
    }
    taken: dict[Trainee, dict[int, np.ndarray]] = {trainee: {} for trainee in trainees.values()}
    live = list(trainees.values())
    while live:
        chosen = choose(live, MAX_ROWS)
        train_together(packed, chosen, time.thread_time)
        for trainee in chosen:
            if not trainee.is_trained and trainee.n_done in files.marks(trainee.total_steps):
                taken[trainee][trainee.n_done] = _partial(packed, task, trainee)
        live = [t for t in live if t not in chosen] + [t for t in chosen if not t.is_trained]
    return [_row(packed, task, *key, trainee, taken[trainee], untrained_loss) for key, trainee in trainees.items()]


def _trainee(packed: PackedModel, task: Task, configuration: Configuration, seed: int) -> Trainee:
    job = TrialJob(id=0, configuration=configuration, seed=seed, splits=("validation",), folder="")
    shapes = packed.shapes(configuration.target_modules)
    return Trainee(job, task.train, shapes, MAX_ROWS, dtype=packed.adapter_dtype, device=packed.device)


def _partial(packed: PackedModel, task: Task, trainee: Trainee) -> np.ndarray:
    """Losses of the first validation examples now; NaN for the others."""
    began = time.thread_time()
    found = np.full(len(task.validation), np.nan)
    found[: task.n_partial] = losses(packed, [trainee.adapter], task.validation[: task.n_partial])[0]
    trainee.score_seconds += time.thread_time() - began
    return found


def _row(
    packed: PackedModel, task: Task, number: int, seed: int, trainee: Trainee, taken: dict[int, np.ndarray],
    untrained_loss: float,
) -> TrialRow:  # fmt: skip
    at_marks = np.full((len(files.FRACTIONS), len(task.validation)), np.nan)
    scores = np.full(len(task.validation), np.nan)
    broke_at, reason = trainee.broke or (None, "")
    trainee.end_training()
    if broke_at is None:
        began = time.thread_time()
        raw = score(packed, [trainee.adapter], task.validation, task.scoring)[0]
        trainee.score_seconds += time.thread_time() - began
        taken = {**taken, trainee.n_done: raw.nll}
        scored, answers, parsable = task.judge(raw)
        scores = np.array(scored, dtype=np.float64)
        if worse_than_untrained(float(raw.nll.mean()), untrained_loss):
            reason = "worse_than_untrained"
        else:
            reason = collapse_reason(answers, parsable, task.commonest_share, float(scores.mean())) or ""
    for row, mark in enumerate(files.marks(trainee.total_steps)):
        at_marks[row] = taken.get(mark, np.nan)
    return TrialRow(
        configuration=number, seed=seed, losses=at_marks, scores=scores,
        steps=np.array([step.loss for step in trainee.steps]), broke_at_step=broke_at, reason=reason,
        train_seconds=trainee.train_seconds, score_seconds=trainee.score_seconds,
        raw_tokens=trainee.raw_tokens, computed_tokens=trainee.computed_tokens,
    )  # fmt: skip


def _line(trial: TrialRow) -> str:
    accuracy = "-" if trial.broke_at_step else f"{100 * trial.scores.mean():.1f} %"
    return (
        f"{trial.configuration}/{trial.seed} {accuracy} loss {trial.losses[-1].mean():.3f} "
        f"{trial.reason or 'trained'} {trial.train_seconds:.0f}+{trial.score_seconds:.0f} s"
    )


def _untrained(packed: PackedModel, task: Task) -> dict[str, Any]:
    raw = score(packed, [None], task.validation, task.scoring)[0]
    return {"losses": [round(float(value), 3) for value in raw.nll], "scores": list(map(float, task.judge(raw)[0]))}


def _header(packed: PackedModel, task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "configurations": [configuration.as_dict() for configuration in task.configurations],
        "seeds": list(task.seeds),
        "split": list(task.split),
        "fractions": list(files.FRACTIONS),
        "n_train": len(task.train),
        "n_validation": len(task.validation),
        "n_partial": task.n_partial,
        "cohort": task.cohort,
        "commonest_share": task.commonest_share,
        "numbers_depend_on": {
            "kernels": kernel_kind(packed.device, packed.adapter_dtype),
            "multiplies": multiply_kind(packed.device, packed.dtype),
            "machine": platform.machine(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        **task.header,
    }


# -- command line


def read_task(arguments: argparse.Namespace, tokenizer: Any) -> Task:
    """The task that the options name, with the data read."""
    data = Path(arguments.data)
    train = read_examples(tokenizer, read_rows(data / "train.jsonl", arguments.rows))
    rows = read_rows(data / "validation.jsonl", arguments.validation)
    golds = [row["completion"] for row in rows]
    metric = load_metric(arguments.metric)

    def judge(raw: RawScores) -> tuple[Sequence[float], Sequence[str], Sequence[bool]]:
        answers = [tokenizer.decode(ids, skip_special_tokens=True) for ids in raw.answers]
        scores = [metric.score(answer, gold) for answer, gold in zip(answers, golds, strict=True)]
        return scores, answers, [metric.parsable(answer) for answer in answers]

    configurations = files.design(arguments.configurations)
    split = (files.KEPT_OUT,) * len(configurations) if arguments.kept_out else files.split_of(configurations)
    longest = max(len(example.completion_ids) for example in train)
    return Task(
        name=arguments.name,
        configurations=configurations,
        seeds=tuple(range(arguments.seeds)),
        split=split,
        train=train,
        validation=read_examples(tokenizer, rows),
        n_partial=min(arguments.partial, len(rows)),
        scoring=Scoring(max_new_tokens=longest + ROOM_TOKENS, stop_ids=(tokenizer.eos_token_id,)),
        judge=judge,
        commonest_share=max(golds.count(gold) for gold in set(golds)) / len(golds),
        header={
            "model": arguments.model,
            "metric": arguments.metric,
            "hashes": {
                split: hashlib.sha256((data / f"{split}.jsonl").read_bytes()).hexdigest()
                for split in ("train", "validation")
            },
        },
    )


def summary(table: RecordedTable) -> str:
    """A line a configuration, best first; how well early losses rank the trials; what did not train, and costs."""
    untrained = f"untrained {100 * table.untrained_scores.mean():.1f} %, loss {table.untrained_losses.mean():.3f}"
    lines = [f"{table.name}: {len(table.configurations)} configurations x {len(table.seeds)} seeds; {untrained}"]
    shares = " ".join(f"{100 * fraction:.0f} %" for fraction in table.fractions)
    lines.append(f"  no    rate  r a/r bs ep  drop schedule               split     accuracy by seed, loss at {shares}")
    best_first = np.argsort(-table.accuracy.mean(axis=1), kind="stable")
    lines += [_configuration_line(table, index) for index in best_first]
    lines += _rank_lines(table)
    counts = [f"{reason} {(table.reasons == reason).sum()}" for reason in np.unique(table.reasons) if reason]
    lines.append(f"trials that did not train: {', '.join(counts) or 'none'}")
    training, scoring = table.train_seconds.mean(), table.score_seconds.mean()
    lines.append(f"processor seconds a trial: {training:.1f} training, {scoring:.1f} evaluation")
    return "\n".join(lines)


def _configuration_line(table: RecordedTable, index: int) -> str:
    c = table.configurations[index]
    schedule = c.lr_scheduler_type + (f" {c.warmup_steps}" if c.warmup_steps else "")
    settings = (
        f"{index:4} {c.learning_rate:7.2g} {c.lora_r:2} {c.scaling:3.0f} {c.effective_batch_size:2} "
        f"{c.num_train_epochs:2} {c.lora_dropout:5} {schedule:22}"
    )
    accuracies = " ".join(f"{100 * value:5.1f}" for value in table.accuracy[index])
    losses = " ".join(f"{value:7.3f}" for value in table.loss_at[index].mean(axis=0))
    reasons = ", ".join(reason for reason in np.unique(table.reasons[index]) if reason)
    return f"{settings} {table.split[index]:9} {accuracies}  {losses}  {reasons}".rstrip()


def _rank_lines(table: RecordedTable) -> list[str]:
    from scipy.stats import spearmanr

    done = table.broke_at_step == 0
    lines = [f"rank correlation of losses on the first {table.header['n_partial']} examples with the final loss and "
             f"accuracy on all, {done.sum()} trials that ran to their end:"]  # fmt: skip
    for k, fraction in enumerate(table.fractions):
        loss, accuracy = (
            spearmanr(table.loss_at[..., k][done], end[done]).statistic for end in (table.loss, -table.accuracy)
        )
        lines.append(f"  after {100 * fraction:.0f} %: {loss:.3f}, {accuracy:.3f}")
    if len(table.seeds) > 1:
        seeds = spearmanr(table.accuracy[:, 0], table.accuracy[:, 1]).statistic
        deviation = 100 * np.sqrt(table.accuracy.var(axis=1, ddof=1).mean())
        lines.append(f"accuracies of two seeds: rank correlation {seeds:.3f}, deviation {deviation:.1f} points")
    return lines


def main(words: Sequence[str]) -> None:
    if words[:1] == ["summary"]:
        for folder in words[1:]:
            print(summary(load(folder)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with train.jsonl and validation.jsonl")
    parser.add_argument("--name", required=True, help="of the table")
    parser.add_argument("--out", type=Path, required=True, help="folder of the table")
    parser.add_argument("--configurations", type=int, default=160)
    parser.add_argument("--first", type=int, help="train only so many of them for now, the first ones")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=64, help="training rows (the first ones)")
    parser.add_argument("--validation", type=int, default=192, help="validation rows (the first ones)")
    parser.add_argument("--partial", type=int, default=96, help="validation rows whose loss is taken on the way")
    parser.add_argument("--metric", default="exact_match")
    parser.add_argument("--kept-out", action="store_true", help="the whole table is kept out of tuning")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--threads", type=int, default=2, help="cohorts side by side, each on one thread")
    parser.add_argument("--minutes", type=float, help="begin no further trials after so long")
    arguments = parser.parse_args(words)
    use_threads(1)
    model = str(model_folder(arguments.model))
    packed = PackedModel(load_model(model, "float32", "cpu"))
    task = read_task(arguments, load_tokenizer(model))
    end = time.monotonic() + 60 * arguments.minutes if arguments.minutes else float("inf")
    record(
        packed, task, arguments.out, first=arguments.first, threads=arguments.threads,
        go_on=lambda: time.monotonic() < end, tell=lambda line: print(line, flush=True),
    )  # fmt: skip


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(sys.argv[1:])
