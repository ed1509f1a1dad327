"""What more devices are worth: speed-up and idle share of whole studies on 1 to 32 devices, in virtual time.

    python -m benchmarks.devices --json FILE [--trials 75] [--design one_factor] [--saturation 1 8]

The planner plans its real waves in a simulated world, and the executor's own queue deals them. A device trains up to
`SLOTS` trials at once, each at most at the speed of a trial alone, all together at most at `saturation` times that: 1
is an engine without cohorts, 8 is what the packed engine aims at on a GPU. With several devices, waves that do not
depend on each other are trained together, and the next begin when all have ended, as in a run. Beside that it is
computed what it would be with one wave after another, and if some trials did not wait.
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
from tunebook.core.study import RoundKind
from tunebook.executors.job_queue import JobQueue, Limits

__all__ = ["Row", "measure", "study_seconds"]

DEVICES = (1, 2, 4, 8, 32)
SLOTS = 64


@dataclass(frozen=True, kw_only=True)
class Row:
    """A study on so many devices.

    Attributes:
        saturation: how many trials together make full use of a device.
        speed_up: over one device of the same saturation.
        speed_up_one_by_one: the same with the plan for one device, one wave after another.
        speed_up_own_pace: if each wave waited only for those on which it depends, not for those beside them.
        speed_up_confirm_ahead: the bound if all trials of confirm were trained ahead, once explore has ended.
        speed_up_without_waves: the bound if all trials of the study could be dealt at once.
        idle_share: of all devices' time, the part in which a device has no trial.
        idle_share_one_by_one: the same one wave after another.
    """

    saturation: float
    devices: int
    speed_up: float
    speed_up_one_by_one: float
    speed_up_own_pace: float
    speed_up_confirm_ahead: float
    speed_up_without_waves: float
    idle_share: float
    idle_share_one_by_one: float


@dataclass(frozen=True)
class StudyWave:
    """A wave of a study: its kind, its jobs, and whether it is trained beside the one before it."""

    kind: RoundKind
    jobs: tuple[TrialJob, ...]
    beside: bool = False


@dataclass(frozen=True)
class Planned:
    """A wave: its jobs, and the places of the waves that must have ended before it begins."""

    jobs: tuple[TrialJob, ...]
    after: tuple[int, ...] = ()


def waves_of(history: History, facts: DataFacts) -> list[StudyWave]:
    """The waves of a study that train something."""
    waves = []
    for wave in history.waves:
        jobs = tuple(
            TrialJob(
                id=trial.id, configuration=trial.effective, seed=trial.seed, splits=trial.splits, folder="",
                work=expected_work(trial.effective, trial.splits, facts),
            )
            for trial in wave.trials
            if trial.has_training
        )  # fmt: skip
        waves += [StudyWave(wave.kind, jobs, wave.beside)] if jobs else []
    return waves


def as_run(waves: Sequence[StudyWave], confirm_ahead: bool = False) -> list[Planned]:
    """As a run does: waves that are planned together wait for all of those planned before."""
    planned: list[Planned] = []
    before: tuple[int, ...] = ()
    together: list[int] = []
    explored: tuple[int, ...] = ()
    for i, wave in enumerate(waves):
        if not wave.beside:
            before, together = tuple(together), []
        if wave.kind is RoundKind.CONFIRM and confirm_ahead:
            planned.append(Planned(wave.jobs, explored))
            continue
        together.append(i)
        explored = (i,) if wave.kind in (RoundKind.TABLE, RoundKind.EXPLORE) else explored
        planned.append(Planned(wave.jobs, before))
    return planned


def at_own_pace(waves: Sequence[StudyWave]) -> list[Planned]:
    """The waves of round boundary wait for explore and for each other; confirm waits for all."""
    planned: list[Planned] = []
    last = last_explored = last_of_boundary = -1
    for i, (kind, jobs) in enumerate((wave.kind, wave.jobs) for wave in waves):
        if kind is RoundKind.BOUNDARY:
            before = {last_of_boundary if last_of_boundary >= 0 else last_explored}
            last_of_boundary = i
        else:
            before = {last, last_of_boundary} if kind is RoundKind.CONFIRM else {last}
            last = i
        if kind in (RoundKind.TABLE, RoundKind.EXPLORE):
            last_explored = i
        planned.append(Planned(jobs, tuple(sorted(place for place in before if place >= 0))))
    return planned


def study_seconds(waves: Sequence[Planned], devices: int, saturation: float) -> tuple[float, float]:
    """Time until all waves have ended, and the time in which devices had a trial, summed; in units of work at full
    speed of one trial."""
    queue = JobQueue(Limits(), n_workers=devices)
    open_trials = {i: {job.id for job in wave.jobs} for i, wave in enumerate(waves)}
    waiting = set(open_trials)
    left: list[dict[int, float]] = [{} for _ in range(devices)]
    now, busy = 0.0, 0.0
    while True:
        for i in sorted(waiting):
            if not any(open_trials[before] for before in waves[i].after):
                waiting.remove(i)
                queue.add(waves[i].jobs)
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
                    for trials in open_trials.values():
                        trials.discard(number)


def measure(one: Sequence[StudyWave], several: Sequence[StudyWave], saturation: float) -> list[Row]:
    """A study on every number of devices.

    Args:
        one, several: its waves as they are planned for one device, and for several.
    """
    chain = as_run(one)
    alone, _ = study_seconds(chain, 1, saturation)
    rows = []
    for devices in DEVICES:
        waves = one if devices == 1 else several
        seconds, busy = study_seconds(as_run(waves), devices, saturation)
        in_turn, busy_in_turn = study_seconds(chain, devices, saturation)

        def speed_up(planned: Sequence[Planned], devices: int = devices) -> float:
            return alone / study_seconds(planned, devices, saturation)[0]

        rows.append(
            Row(
                saturation=saturation,
                devices=devices,
                speed_up=alone / seconds,
                speed_up_one_by_one=alone / in_turn,
                speed_up_own_pace=speed_up(at_own_pace(waves)),
                speed_up_confirm_ahead=speed_up(as_run(waves, confirm_ahead=True)),
                speed_up_without_waves=speed_up([Planned(wave.jobs) for wave in waves]),
                idle_share=1 - busy / (devices * seconds),
                idle_share_one_by_one=1 - busy_in_turn / (devices * in_turn),
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
    spec = study_spec(trials=asked.trials, design=asked.design)
    one, several = (waves_of(run_study(world, spec, devices), world.facts) for devices in (1, 2))
    for waves in (one, several):
        print(", ".join(f"{'beside it ' if wave.beside else ''}{wave.kind.value} {len(wave.jobs)}" for wave in waves))
    rows = [row for saturation in asked.saturation for row in measure(one, several, saturation)]
    for row in rows:
        print(
            f"saturation {row.saturation:g}, {row.devices:2} devices: {row.speed_up:.2f} times one, "
            f"idle {100 * row.idle_share:.0f} %; one wave after another {row.speed_up_one_by_one:.2f}, "
            f"idle {100 * row.idle_share_one_by_one:.0f} %; waves at their own pace {row.speed_up_own_pace:.2f}, "
            f"confirm ahead {row.speed_up_confirm_ahead:.2f}, without waves {row.speed_up_without_waves:.2f}"
        )
    if asked.json:
        found = {
            "waves_one": [len(wave.jobs) for wave in one],
            "waves_several": [{"trials": len(wave.jobs), "beside": wave.beside} for wave in several],
            "rows": [asdict(row) for row in rows],
        }
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
