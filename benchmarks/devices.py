"""What more devices are worth: speed-up and idle share of whole studies on 1 to 32 devices, in virtual time.

    python -m benchmarks.devices --json FILE [--trials 75] [--design one_factor] [--saturation 1 8] [--worlds 12]

The planner plans its real waves in simulated worlds (half of them without any effect; the others have a best rate; all
have a rate at which training breaks), and the executor's own queue deals them. Figures are of all studies' time
together. A device trains up to `SLOTS` trials at once, each at most at the speed of a trial alone, all together at most
at `saturation` times that: 1 is an engine without cohorts, 8 is what the packed engine aims at on a GPU. With several
devices, waves that do not depend on each other are trained together, and the next begin when all have ended, as in a
run. Beside that it is computed what it would be with one wave after another, and what bounds it (decision 105).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.simulate import run_study, study_spec
from benchmarks.worlds import World
from tunebook.core.configuration import Configuration
from tunebook.core.cost import expected_work
from tunebook.core.facts import DataFacts, History
from tunebook.core.ports import TrialJob
from tunebook.core.study import RoundKind
from tunebook.executors.job_queue import JobQueue, Limits

__all__ = ["Row", "measure", "study_seconds"]

DEVICES = (1, 2, 4, 8, 32)
SLOTS = 64
N_TEST = 358
CLIFFS = (2.5e-3, 5e-3, 7.5e-3)
"""Learning rates at which training breaks."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A study on so many devices.

    Attributes:
        saturation: how many trials together make full use of a device.
        speed_up: over one device of the same saturation.
        speed_up_one_by_one: the same with the plan for one device, one wave after another.
        speed_up_dealt: the bound if trials were dealt perfectly: what begins together ends after its longest trial, or
            when all devices have done all work at full speed.
        speed_up_in_parts: the same if all devices that have no more to train shared the scoring as well.
        speed_up_confirm_ahead: the bound if all trials of confirm were trained ahead, once explore has ended.
        speed_up_without_waves: the bound if all trials of the study could be dealt at once.
        idle_share: of all devices' time, the part in which a device has no trial.
        idle_share_one_by_one: the same one wave after another.
    """

    saturation: float
    devices: int
    speed_up: float
    speed_up_one_by_one: float
    speed_up_dealt: float
    speed_up_in_parts: float
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


def bound_seconds(waves: Sequence[StudyWave], devices: int, saturation: float, in_parts: bool = False) -> float:
    """Time of a study if nothing but the waves' order and the longest trial of each held it up.

    Args:
        in_parts: a trial's scoring takes an equal share of it on each device, so that only its training is long.
    """
    total = 0.0
    for together in _together(waves):
        jobs = [job for wave in together for job in wave.jobs]
        longest = max(job.work - scoring_work(job) * (1 - 1 / devices) * in_parts for job in jobs)
        total += max(longest, sum(job.work for job in jobs) / (devices * saturation))
    return total


def scoring_work(job: TrialJob) -> float:
    """The part of a job's work that is scoring."""
    facts = World(seed=0, n_test=N_TEST).facts
    return job.work - expected_work(job.configuration, (), facts)


def _together(waves: Sequence[StudyWave]) -> list[list[StudyWave]]:
    found: list[list[StudyWave]] = []
    for wave in waves:
        if not wave.beside:
            found.append([])
        found[-1].append(wave)
    return found


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


@dataclass(frozen=True)
class Study:
    """A study's waves as they are planned for one device, and for several."""

    one: list[StudyWave]
    several: list[StudyWave]


def studies_of(worlds: int, trials: int, design: str) -> list[Study]:
    """The same studies in so many worlds of either kind."""
    found = []
    for seed, has_effect in ((seed, has_effect) for has_effect in (False, True) for seed in range(worlds)):
        kind = {"effect": _effect} if has_effect else {}
        world = World(seed=seed, n_test=N_TEST, cliff=CLIFFS[seed % len(CLIFFS)], **kind)
        spec = study_spec(trials=trials, design=design)
        found.append(Study(*(waves_of(run_study(world, spec, devices), world.facts) for devices in (1, 2))))
    return found


def _effect(c: Configuration) -> float:
    """A rate that is best, ranks and epochs that help a little, dropout that harms."""
    of_rate = -0.02 * math.log(c.learning_rate / 6e-4) ** 2
    return of_rate + 0.02 * (math.log2(c.lora_r) - 3) / 3 + 0.01 * (c.num_train_epochs > 3) - 0.1 * c.lora_dropout


def measure(studies: Sequence[Study], saturation: float) -> list[Row]:
    """Studies on every number of devices."""
    alone = sum(study_seconds(as_run(study.one), 1, saturation)[0] for study in studies)
    rows = []
    for devices in DEVICES:
        plans = [study.one if devices == 1 else study.several for study in studies]

        def taken(planned: Iterable[Sequence[Planned]], devices: int = devices) -> tuple[float, float]:
            both = [study_seconds(each, devices, saturation) for each in planned]
            return sum(seconds for seconds, _ in both), sum(busy for _, busy in both)

        seconds, busy = taken(map(as_run, plans))
        in_turn, busy_in_turn = taken(as_run(study.one) for study in studies)
        rows.append(
            Row(
                saturation=saturation,
                devices=devices,
                speed_up=alone / seconds,
                speed_up_one_by_one=alone / in_turn,
                speed_up_dealt=alone / sum(bound_seconds(plan, devices, saturation) for plan in plans),
                speed_up_in_parts=alone / sum(bound_seconds(plan, devices, saturation, True) for plan in plans),
                speed_up_confirm_ahead=alone / taken(as_run(plan, confirm_ahead=True) for plan in plans)[0],
                speed_up_without_waves=alone / taken([Planned(wave.jobs) for wave in plan] for plan in plans)[0],
                idle_share=1 - busy / (devices * seconds),
                idle_share_one_by_one=1 - busy_in_turn / (devices * in_turn),
            )
        )
    return rows


def lost_by_wave(studies: Sequence[Study], devices: int, saturation: float) -> list[tuple[str, float, float, float]]:
    """Where the time goes: of what begins together, its rounds, and in shares of all time how long it takes, how long
    its longest trial takes, and how long its work takes on full devices. In the order in which studies have them."""
    found: dict[str, list[float]] = {}
    for together in (each for study in studies for each in _together(study.several)):
        name = " + ".join(wave.kind.value for wave in together)
        works = [job.work for wave in together for job in wave.jobs]
        seconds, _ = study_seconds([Planned(wave.jobs) for wave in together], devices, saturation)
        own = found.setdefault(name, [0.0, 0.0, 0.0])
        for i, part in enumerate((seconds, max(works), sum(works) / (devices * saturation))):
            own[i] += part
    total = sum(own[0] for own in found.values())
    return [(name, *(part / total for part in own)) for name, own in found.items()]  # type: ignore[misc]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=75, help="budget of a study")
    parser.add_argument("--design", default="one_factor")
    parser.add_argument("--saturation", type=float, nargs="+", default=[1, 8])
    parser.add_argument("--worlds", type=int, default=12, help="worlds without an effect, and as many with")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    studies = studies_of(asked.worlds, asked.trials, asked.design)
    for waves in (studies[0].one, studies[0].several):
        print(", ".join(f"{'beside it ' if wave.beside else ''}{wave.kind.value} {len(wave.jobs)}" for wave in waves))
    for name, took, longest, full in lost_by_wave(studies, 2, asked.saturation[-1]):
        print(
            f"  {name}: {100 * took:.1f} % of the time of two devices of saturation {asked.saturation[-1]:g}; "
            f"its longest trials {100 * longest:.1f} %, its work on full devices {100 * full:.1f} %"
        )
    rows = [row for saturation in asked.saturation for row in measure(studies, saturation)]
    for row in rows:
        print(
            f"saturation {row.saturation:g}, {row.devices:2} devices: {row.speed_up:.2f} times one, "
            f"idle {100 * row.idle_share:.0f} %; one wave after another {row.speed_up_one_by_one:.2f}, "
            f"idle {100 * row.idle_share_one_by_one:.0f} %; bounds: dealt perfectly {row.speed_up_dealt:.2f}, "
            f"scored in parts too {row.speed_up_in_parts:.2f}, confirm ahead {row.speed_up_confirm_ahead:.2f}, "
            f"without waves {row.speed_up_without_waves:.2f}"
        )
    if asked.json:
        found = {
            "studies": [
                {
                    "waves_one": [len(wave.jobs) for wave in study.one],
                    "waves_several": [{"trials": len(wave.jobs), "beside": wave.beside} for wave in study.several],
                }
                for study in studies
            ],
            "rows": [asdict(row) for row in rows],
        }
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
