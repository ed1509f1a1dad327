"""What more devices are worth: speed-up and idle share of whole studies on 1 to 32 devices, in virtual time.

    python -m benchmarks.devices --json FILE [--trials 75] [--design one_factor] [--saturation 1 8]

The planner plans its real waves in a simulated world, and the executor's own queue deals them. A device trains up to
`SLOTS` trials at once, each at most at the speed of a trial alone, all together at most at `saturation` times that: 1
is an engine without cohorts, 8 is what the packed engine aims at on a GPU. A wave begins when the one before has ended,
as in a run; `speed_up_without_waves` is the bound if all trials of the study could be dealt at once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.simulate import run_study, study_spec
from benchmarks.worlds import World
from tunebook.core.cost import expected_work
from tunebook.core.facts import DataFacts, History
from tunebook.core.ports import TrialJob
from tunebook.executors.job_queue import JobQueue, Limits

__all__ = ["Row", "measure", "wave_seconds"]

DEVICES = (1, 2, 4, 8, 32)
SLOTS = 64


@dataclass(frozen=True, kw_only=True)
class Row:
    """A study on so many devices.

    Attributes:
        saturation: how many trials together make full use of a device.
        speed_up, speed_up_without_waves: over one device of the same saturation.
        idle_share: of all devices' time, the part in which a device has no trial.
    """

    saturation: float
    devices: int
    speed_up: float
    speed_up_without_waves: float
    idle_share: float


def waves_of(history: History, facts: DataFacts) -> list[list[TrialJob]]:
    """The jobs of each wave of a study."""
    waves = []
    for wave in history.waves:
        jobs = [
            TrialJob(
                id=trial.id, configuration=trial.effective, seed=trial.seed, splits=trial.splits, folder="",
                work=expected_work(trial.effective, trial.splits, facts),
            )
            for trial in wave.trials
            if trial.has_training
        ]  # fmt: skip
        waves += [jobs] if jobs else []
    return waves


def wave_seconds(jobs: Sequence[TrialJob], devices: int, saturation: float) -> tuple[float, float]:
    """Time until a wave has ended, and the time in which devices had a trial, summed; in units of work at full speed
    of one trial."""
    queue = JobQueue(Limits(), n_workers=devices)
    queue.add(jobs)
    left: list[dict[int, float]] = [{} for _ in range(devices)]
    now, busy = 0.0, 0.0
    while True:
        while taken := [(d, job) for d in range(devices) for job in queue.take(d, SLOTS - len(left[d]))]:
            for device, job in taken:
                left[device][job.id] = job.work
        speeds = [min(1.0, saturation / len(mine)) if mine else 0.0 for mine in left]
        if not any(speeds):
            return now, busy
        step = min(min(mine.values()) / speed for mine, speed in zip(left, speeds, strict=True) if mine)
        now += step
        busy += step * sum(bool(mine) for mine in left)
        for mine, speed in zip(left, speeds, strict=True):
            for number in list(mine):
                mine[number] -= step * speed
                if mine[number] <= 1e-9 * now:
                    del mine[number]
                    queue.finished(number)


def measure(waves: Sequence[Sequence[TrialJob]], saturation: float) -> list[Row]:
    """One study on every number of devices."""
    alone = sum(wave_seconds(jobs, 1, saturation)[0] for jobs in waves)
    together = [job for jobs in waves for job in jobs]
    rows = []
    for devices in DEVICES:
        spans = [wave_seconds(jobs, devices, saturation) for jobs in waves]
        seconds, busy = (sum(part) for part in zip(*spans, strict=True))
        rows.append(
            Row(
                saturation=saturation,
                devices=devices,
                speed_up=alone / seconds,
                speed_up_without_waves=alone / wave_seconds(together, devices, saturation)[0],
                idle_share=1 - busy / (devices * seconds),
            )
        )
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=75, help="budget of the study")
    parser.add_argument("--design", default="one_factor")
    parser.add_argument("--saturation", type=float, nargs="+", default=[1, 8])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    world = World(seed=0, n_test=358)
    history = run_study(world, study_spec(trials=asked.trials, design=asked.design))
    waves = waves_of(history, world.facts)
    print(f"waves of {', '.join(str(len(jobs)) for jobs in waves)} trials")
    rows = [row for saturation in asked.saturation for row in measure(waves, saturation)]
    for row in rows:
        print(
            f"saturation {row.saturation:g}, {row.devices:2} devices: {row.speed_up:.2f} times one, "
            f"idle {100 * row.idle_share:.0f} %; without waves {row.speed_up_without_waves:.2f}"
        )
    if asked.json:
        found = {"waves": [len(jobs) for jobs in waves], "rows": [asdict(row) for row in rows]}
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
