"""Kills studies at random and compares what comes out with studies that nothing disturbed.

    python -m benchmarks.soak            200 kills in all: `make soak`
    python -m benchmarks.soak --quick    a short version for CI

One study on the simulated engine, one on a tiny real model with two workers (in the long version of 75 trials, with
rounds beside one another, trials trained ahead, and scorings divided that are not in the undisturbed study), and, in
the long version and where Ray is
installed, the same on a cluster of two nodes on this machine; each run by the command line's own code. Most kills hit
the runner, some only a worker, and on the cluster some a seat or a whole node. Afterwards every trial, outcome, curve,
finding and adapter is compared, bit for bit; only measured times may differ. Prints one JSON line for each study and
one for all.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.ray_cluster import RAY_ENVIRONMENT, LocalCluster
from benchmarks.soak_worker import WHOLE
from tunebook.cli.main import main as command_line
from tunebook.core.facts import Cost, History, TrialFact
from tunebook.core.study import SCORED_PART
from tunebook.ledger import SqlLedger, open_ledger
from tunebook.ledger.codec import encode
from tunebook.testing.tiny_model import write_tiny_model

__all__ = [
    "Child",
    "Comparison",
    "Soak",
    "compare",
    "main",
    "make_real_study",
    "make_simulated_study",
    "make_wide_study",
    "soak",
]

_MUST_BE_NONE = ("trials_lost", "trials_doubled", "differences")
_COUNTED = ("kills", "resumes", "trials", *_MUST_BE_NONE)
_REACH = 0.3
"""Kills come from early in the start until this share of the work is done: each run gets somewhere, none far."""
_WORKER_SHARE = 0.25
"""Share of the kills that hit a worker instead of the runner."""
_LONGEST_RUN_SECONDS = 900.0
_LABELS = ("red", "green", "blue", "grey")
_COMMON = """
metric: exact_match
design: one_factor
baseline: {learning_rate: 2e-3, per_device_train_batch_size: 8, lora_r: 4, lora_alpha: 8, num_train_epochs: 1}
space:
  learning_rate: {low: 5e-4, high: 2e-2}
  lora_r: [4, 8]
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}
"""


_WIDE = (
    ("num_train_epochs: 1", "num_train_epochs: 4"),
    ("lora_r: [4, 8]", "lora_r: [4, 8, 16]\n  lora_dropout: [0.0, 0.1]\n  num_train_epochs: [2, 4, 6]"),
)
"""What makes a study of a real model one with rounds beside one another, and trials that are worth training ahead."""


def make_simulated_study(folder: Path, trials: int) -> Path:
    """Write a study on the simulated engine; gives its file."""
    return _write_study(folder, "study: soak\nmodel: none\nengine: simulated\n", trials, rows=60)


def make_real_study(folder: Path, trials: int, quantization: str = "none", where: str = "device: cpu:2") -> Path:
    """Write a tiny random model and a study that really trains it; gives the study's file.

    Args:
        where: lines of the study file that say by which processes it is trained.
    """
    words = [*_LABELS, *(str(n) for n in range(120)), "Question", "what", "colour", "has"]
    write_tiny_model(folder / "model", words)
    head = f"study: soak\nmodel: ./model\nengine: packed\n{where}\nquantization: {quantization}\n"
    return _write_study(folder, head, trials, rows=24)


def make_wide_study(folder: Path, trials: int = 75) -> Path:
    """The same with four factors and longer trials."""
    file = make_real_study(folder, trials)
    text = file.read_text(encoding="utf-8")
    for short, wide in _WIDE:
        text = text.replace(short, wide)
    file.write_text(text, encoding="utf-8")
    return file


def make_cluster_study(folder: Path, trials: int) -> Path:
    """The same on a Ray cluster."""
    file = make_real_study(folder, trials)
    file.write_text(f"executor: ray\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    return file


def _write_study(folder: Path, head: str, trials: int, rows: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(("train", "validation", "test")):
        lines = [
            {"prompt": f"Question what colour has {i}", "completion": _LABELS[i * 7 % 4]}
            for i in range(number * rows, (number + 1) * rows)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    file = folder / "study.yaml"
    file.write_text(f"{head}{_COMMON}budget: {{trials: {trials}}}\nseed: 3\nfloor: go_on\n", encoding="utf-8")
    return file


class Child:
    """A `tunebook run` in a forked child: everything is imported already, so most of its life is work.

    Args:
        log: what it prints is added there.
        whole: divide no scoring.
    """

    def __init__(self, file: Path, log: Path, whole: bool = False) -> None:
        importlib.import_module("tunebook.run.session")  # once, before the first fork; and one version for all
        self.started = time.time()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                with log.open("a", encoding="utf-8") as out:
                    os.dup2(out.fileno(), 1)
                    os.dup2(out.fileno(), 2)
                    sys.stdout = sys.stderr = out
                    _divide_scorings(whole)
                    try:
                        code = command_line(["run", str(file), "--quiet", "--no-measure"])
                    finally:
                        out.flush()
            finally:
                os._exit(code)

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when it still runs after so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def kill_a_worker(self, rng: random.Random) -> bool:
        """Kill one of its workers; gives whether there was one."""
        workers = psutil.Process(self.pid).children()
        if workers:
            workers[0].kill()
        return bool(workers)


def _divide_scorings(whole: bool) -> None:
    """Have this process start workers that divide the shortest scorings, or none."""
    process = importlib.import_module("tunebook.executors.process")
    plain = process.own_process

    def own_process(module: str, environment: Mapping[str, str]) -> Any:
        return plain("benchmarks.soak_worker" if module == "tunebook.executors.worker" else module, environment)

    process.own_process = own_process  # type: ignore[attr-defined]
    if whole:
        os.environ[WHOLE] = "1"


class ClusterKills:
    """What can be killed on a cluster beside the runner: a worker process, a seat, and a node, which is replaced."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    def __call__(self, child: Child, rng: random.Random) -> bool:
        """Kill one of them; gives whether there was one."""
        seats = self._cluster.seats()
        if not seats:
            return False
        seat = rng.choice(seats)
        with suppress(psutil.Error):
            workers, node = seat.children(), seat.parent()
            victim = rng.choice([*workers[:1], seat, node])
            victim.kill()
            if victim is node:
                self._cluster.add_node()
            return True
        return False


@dataclass
class Soak:
    """One study, run to its end however often it is killed on the way.

    Attributes:
        file: the study file.
        kill_a_worker: kills a process that is not the runner; gives whether there was one.
        kills: how often a process was killed, of that `worker_kills` times a worker only.
        resumes: how often the study was taken up again.
    """

    file: Path
    rng: random.Random
    kills: int = 0
    worker_kills: int = 0
    resumes: int = -1
    startup_seconds: float = 0.0
    work_seconds: float = 0.0
    worker_share: float = _WORKER_SHARE
    kill_a_worker: Callable[[Child, random.Random], bool] = Child.kill_a_worker

    @property
    def folder(self) -> Path:
        return self.file.parent / "runs" / "soak"

    def run(self, kills: int = 0, like: Soak | None = None) -> None:
        """Run to the end, with up to so many kills.

        Args:
            like: an unbroken run of the same study, whose times say when a kill hits work and not only the start.
        """
        while True:
            self.resumes += 1
            child = Child(self.file, self._log, whole=like is None)
            if like is not None and self.kills < kills:
                code = self._disturb(child, like, kills)
            else:
                code = child.wait(_LONGEST_RUN_SECONDS)
            if code is None:
                child.kill()
                raise SystemExit("soak: the study hangs")
            if code == 0:
                self._measure(child)
                return
            if code != -signal.SIGKILL:
                raise SystemExit(f"soak: the study ended with code {code}:\n{self._log.read_text()[-3000:]}")

    @property
    def _log(self) -> Path:
        return self.file.parent / "soak.log"

    def n_parts(self) -> int:
        """How many parts of scorings a worker did for another one."""
        with open_ledger(self.folder, write=False) as ledger:
            return sum(code == SCORED_PART for code, _ in ledger.notes())

    def _measure(self, child: Child) -> None:
        with open_ledger(self.folder, write=False) as ledger:
            begun = min(float(attempt["started_at"]) for attempt in ledger.attempts())
        self.startup_seconds = max(0.1, begun - child.started)
        self.work_seconds = max(0.1, time.time() - begun)

    def _disturb(self, child: Child, like: Soak, kills: int) -> int | None:
        """Kill a worker or the runner at random times until the runner is dead or done; gives its exit code."""
        while self.kills < kills:
            latest = like.startup_seconds + _REACH * like.work_seconds
            code = child.wait(self.rng.uniform(0.2 * like.startup_seconds, latest))
            if code is not None:
                return code
            self.kills += 1
            if self.rng.random() < self.worker_share and self.kill_a_worker(child, self.rng):
                self.worker_kills += 1
            else:
                child.kill()
                return -signal.SIGKILL
        return child.wait(_LONGEST_RUN_SECONDS)


@dataclass(frozen=True)
class Comparison:
    """What a killed study lacks or has twice, and where it differs from the unbroken one."""

    trials: int
    trials_lost: int
    trials_doubled: int
    differences: tuple[str, ...]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.trials, self.trials_lost, self.trials_doubled, len(self.differences)


def compare(unbroken: Path, killed: Path) -> Comparison:
    """Compare two study folders: every fact, finding and adapter; measured times and memory excepted."""
    with open_ledger(unbroken, write=False) as one, open_ledger(killed, write=False) as other:
        before, after = one.history(), other.history()
        lost = [n for n in before.trials if n not in after.trials or not after.trials[n].state.is_final]
        return Comparison(
            len(before.trials), len(lost), _doubled(other), tuple(_differences(before, after, unbroken, killed))
        )


def _doubled(ledger: SqlLedger) -> int:
    ends = [attempt["trial_id"] for attempt in ledger.attempts() if attempt["ended"] == "finished"]
    return len(ends) - len(set(ends))


def _differences(before: History, after: History, unbroken: Path, killed: Path) -> Iterator[str]:
    for number in sorted(before.trials.keys() ^ after.trials.keys()):
        yield f"trial {number}: in one of the two only"
    for number in sorted(before.trials.keys() & after.trials.keys()):
        if _trial_digest(before.trials[number]) != _trial_digest(after.trials[number]):
            yield f"trial {number}: its result differs"
    if encode(before.waves) != encode(after.waves):
        yield "waves: planned differently"
    if encode(before.findings) != encode(after.findings):
        yield "findings: judged differently"
    if before.sealed != after.sealed:
        yield "the sealed list differs"
    one, other = _adapters(unbroken), _adapters(killed)
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"{name}: {'differs' if name in one and name in other else 'in one of the two only'}"


def _trial_digest(fact: TrialFact) -> str:
    """Everything that must be equal: what was planned, what came of it; not what it cost on that day."""
    digest = hashlib.sha256(encode(replace(fact, outcomes={}, cost=Cost())).encode())
    for split in sorted(fact.outcomes):
        outcomes = fact.outcomes[split]
        digest.update(split.encode() + outcomes.scores.tobytes() + np.nan_to_num(outcomes.nll, nan=-1.0).tobytes())
        digest.update(encode(outcomes.answers).encode())
    return digest.hexdigest()


def _adapters(folder: Path) -> dict[str, str]:
    """Checksums of the weights of every adapter, and of the best one."""
    found = [*folder.glob("adapters/*/adapter_model.safetensors"), *folder.glob("best/adapter_model.safetensors")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def soak(name: str, make: Callable[[Path], Path], kills: int, seed: int, **others: Any) -> dict[str, Any]:
    """Run a study once undisturbed, then under kills, again from nothing until there were enough; the line to print.

    Args:
        others: further fields of `Soak`.
    """
    started = time.monotonic()
    rng = random.Random(seed)
    line: dict[str, Any] = {"study": name, **dict.fromkeys(("studies", *_COUNTED), 0), "of_workers": 0, "parts": 0}
    differences: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tunebook-soak-") as root:
        calm = Soak(make(Path(root) / "unbroken"), rng, **others)
        calm.run()
        while line["kills"] < kills:
            harried = Soak(make(Path(root) / f"killed-{line['studies']}"), rng, **others)
            harried.run(kills - line["kills"], like=calm)
            found = compare(calm.folder, harried.folder)
            differences += found.differences
            line["studies"] += 1
            line["of_workers"] += harried.worker_kills
            line["parts"] += harried.n_parts()
            for key, more in zip(_COUNTED, (harried.kills, harried.resumes, *found.counts), strict=True):
                line[key] += more
    return {**line, "first_differences": differences[:5], "seconds": round(time.monotonic() - started, 1)}


def _soak_on_cluster(kills: int, seed: int) -> dict[str, Any]:
    os.environ.update(RAY_ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="tunebook-soak-cluster-") as folder:
        cluster = LocalCluster(2, Path(folder) / "log")
        try:
            os.environ["RAY_ADDRESS"] = cluster.address
            killer = ClusterKills(cluster)
            return soak(
                "cluster", lambda folder: make_cluster_study(folder, 16), kills, seed,
                kill_a_worker=killer, worker_share=0.6,
            )  # fmt: skip
        finally:
            cluster.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the soak; gives 0 when nothing was lost, doubled or different."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 kills instead of 200, on smaller studies")
    parser.add_argument(
        "--kills", type=int, nargs=3, metavar=("SIMULATED", "REAL", "CLUSTER"), help="how many kills on each"
    )
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    simulated, real, on_cluster = chosen.kills or ((14, 6, 0) if chosen.quick else (120, 60, 20))
    trials = 16 if chosen.quick else 40
    make_small = partial(make_real_study, trials=16)
    parts: list[tuple[int, Callable[[int, int], dict[str, Any]]]] = [
        (simulated, lambda n, seed: soak("simulated", lambda folder: make_simulated_study(folder, trials), n, seed)),
        (real, lambda n, seed: soak("real", make_small if chosen.quick else make_wide_study, n, seed)),
    ]
    if importlib.util.find_spec("ray") is not None:
        parts.append((on_cluster, _soak_on_cluster))
    lines = []
    for number, (kills, part) in enumerate(parts):
        if kills:
            lines.append(part(kills, chosen.seed + number))
            print(json.dumps(lines[-1]), flush=True)
    total = {key: sum(line[key] for line in lines) for key in _COUNTED}
    print(json.dumps({"study": "all", **total}), flush=True)
    return int(any(total[key] for key in _MUST_BE_NONE))


if __name__ == "__main__":
    sys.exit(main())
