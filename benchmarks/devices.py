"""What more devices are worth: speed-up and idle share of whole studies on 1 to 32 devices, in virtual time.

    python -m benchmarks.devices --json FILE [--trials 75] [--design model balanced one_factor] [--saturation 1 8]

The planner plans its real waves in simulated worlds (half of them without any effect; the others have a best rate; all
have a rate at which training breaks), and the executor's own queue deals them. Figures are of all studies' time
together. A device trains up to `SLOTS` trials at once, each at most at the speed of a trial alone, all together at most
at `saturation` times that: 1 is an engine without cohorts, 8 is what the packed engine aims at on a GPU. With several
devices, waves that do not depend on each other are trained together, and the next begin when all have ended, as in a
run; and devices train ahead for round confirm what the planner guesses: with nothing else to do, and, where a device
holds fewer trials than make full use of it, beside those (decision 106). A trial's scoring is divided, when it begins,
among its device and those that hold fewer trials than make full use of them; a part counts as a trial there (decision
132). Beside that it is computed what it would be without these, and what bounds it (decision 105).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.simulate import study_spec
from benchmarks.worlds import World
from tunebook.core.configuration import Configuration
from tunebook.core.cost import expected_work
from tunebook.core.facts import History
from tunebook.core.ports import TrialJob
from tunebook.core.space import Folding
from tunebook.core.study import DESIGNS, RoundKind, StudySpec, Trial, Wave
from tunebook.executors.job_queue import JobQueue, Limits
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.simulated_study import planned, simulated_history

__all__ = ["Row", "measure", "study_seconds"]

DEVICES = (1, 2, 4, 8, 32)
SLOTS = 64
MOST_PARTS = 7
"""Parts of a scoring of 358 short examples: 14 groups, two of them a part (`engines.packed.scheduling.divided`)."""
N_TEST = 358
CLIFFS = (2.5e-3, 5e-3, 7.5e-3)
"""Learning rates at which training breaks."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A study on so many devices.

    Attributes:
        design: the study's.
        saturation: how many trials together make full use of a device.
        speed_up: over one device of the same saturation.
        speed_up_undivided: the same if every trial were scored by its device alone.
        speed_up_not_ahead: that if nothing were trained ahead either.
        speed_up_one_by_one: the same with the plan for one device, one wave after another.
        speed_up_dealt: the bound if trials were dealt perfectly: what begins together ends after its longest trial, or
            when all devices have done all work at full speed.
        speed_up_in_parts: the same if all devices that have no more to train shared the scoring as well.
        speed_up_confirm_ahead: the bound if all trials of confirm were guessed rightly once explore has ended; 0 where
            there is no such round.
        confirm_ahead: of confirm's training, the part that was done ahead.
        asked_for: of what was trained ahead, the part that confirm asked for.
        speed_up_without_waves: the bound if all trials of the study could be dealt at once.
        idle_share: of all devices' time, the part in which a device has no trial, trials ahead included.
        idle_share_one_by_one: the same one wave after another.
    """

    design: str
    saturation: float
    devices: int
    speed_up: float
    speed_up_undivided: float
    speed_up_not_ahead: float
    speed_up_one_by_one: float
    speed_up_dealt: float
    speed_up_in_parts: float
    speed_up_confirm_ahead: float
    confirm_ahead: float
    asked_for: float
    speed_up_without_waves: float
    idle_share: float
    idle_share_one_by_one: float


@dataclass(frozen=True)
class StudyWave:
    """A wave of a study: its kind, its jobs, whether it is trained beside the one before it, and what may be trained
    ahead meanwhile."""

    kind: RoundKind
    jobs: tuple[TrialJob, ...]
    beside: bool = False
    ahead: tuple[TrialJob, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A wave: its jobs, the places of the waves that must have ended before it begins, and what may be trained ahead
    meanwhile."""

    jobs: tuple[TrialJob, ...]
    after: tuple[int, ...] = ()
    ahead: tuple[TrialJob, ...] = ()


def waves_of(world: World, spec: StudySpec, devices: int) -> list[StudyWave]:
    """The waves of a study that train something."""
    planner, waves = StudyPlanner(spec, world.facts, Folding.everything()), []

    def jobs_of(trials: Iterable[Trial], splits: tuple[str, ...] | None = None) -> tuple[TrialJob, ...]:
        return tuple(
            TrialJob(
                id=trial.id, configuration=trial.effective, seed=trial.seed, splits=trial.splits, folder="",
                work=expected_work(trial.effective, trial.splits if splits is None else splits, world.facts),
            )
            for trial in trials
            if trial.has_training
        )  # fmt: skip

    def on_wave(before: History, wave: Wave) -> None:
        if jobs := jobs_of(wave.trials):
            ahead = jobs_of(planner.ahead(planned(before, wave)), splits=()) if devices > 1 else ()
            waves.append(StudyWave(wave.kind, jobs, wave.beside, ahead))

    simulated_history(planner, spec, world.facts, lambda trial, _: world.run(trial), on_wave=on_wave, devices=devices)
    return waves


def as_run(waves: Sequence[StudyWave], confirm_ahead: bool = False, ahead: bool = False) -> list[Planned]:
    """As a run does: waves that are planned together wait for all of those planned before.

    Args:
        confirm_ahead: round confirm waits for explore alone.
        ahead: let devices train ahead.
    """
    found: list[Planned] = []
    before: tuple[int, ...] = ()
    together: list[int] = []
    explored: tuple[int, ...] = ()
    for i, wave in enumerate(waves):
        if not wave.beside:
            before, together = tuple(together), []
        if wave.kind is RoundKind.CONFIRM and confirm_ahead:
            found.append(Planned(wave.jobs, explored))
            continue
        together.append(i)
        explored = (i,) if wave.kind in (RoundKind.TABLE, RoundKind.EXPLORE) else explored
        found.append(Planned(wave.jobs, before, wave.ahead if ahead else ()))
    return found


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


@dataclass(frozen=True, kw_only=True)
class Took:
    """What a study took, in units of work at full speed of one trial.

    Attributes:
        seconds: until all waves have ended.
        busy: time in which devices had a trial, summed.
        ahead: work that was done ahead.
        asked_for: the part of it that a later wave asked for.
    """

    seconds: float
    busy: float
    ahead: float
    asked_for: float


Key = tuple[Configuration, int]


class Devices:
    """Devices and what they hold.

    Attributes:
        left: of each device's trials by number the work that is left, scoring included.
        parts: likewise of parts of other devices' trials.
        ahead: what each device trains ahead.
    """

    def __init__(self, n: int, saturation: float) -> None:
        self.left: list[dict[int, float]] = [{} for _ in range(n)]
        self.parts: list[dict[int, float]] = [{} for _ in range(n)]
        self.ahead: list[set[Key]] = [set() for _ in range(n)]
        self.saturation = saturation
        self._full = max(1, int(saturation))

    def deal_ahead(self, wanted: Iterable[Key]) -> None:
        """Trials ahead go where most is free: on a device without a trial as many as make full use of it, on another
        what it lacks of them."""
        self.ahead = [set() for _ in self.left]
        for key in wanted:
            free = [self._room(i) - len(own) for i, own in enumerate(self.ahead)]
            device = max(range(len(free)), key=lambda i: free[i])
            if free[device] > 0 and (self.saturation > 1 or self._room(device) == self._full):
                self.ahead[device].add(key)

    def divide(self, number: int, device: int) -> None:
        """A trial's scoring begins: it is divided among its device and those that have room."""
        others = [i for i in range(len(self.left)) if i != device and self._room(i) > 0]
        others = sorted(others, key=self._room, reverse=True)[: MOST_PARTS - 1]
        part = self.left[device][number] / (1 + len(others))
        self.left[device][number] = part
        for other in others:
            self.parts[other][number] = part

    def is_scored(self, number: int) -> bool:
        return not any(number in each for each in (*self.left, *self.parts))

    def speeds(self) -> list[float]:
        held = [len(mine) + len(parts) + len(own) for mine, parts, own in self._each()]
        return [min(1.0, self.saturation / n) if n else 0.0 for n in held]

    def _room(self, device: int) -> int:
        return self._full - len(self.left[device]) - len(self.parts[device])

    def _each(self) -> list[tuple[dict[int, float], dict[int, float], set[Key]]]:
        return list(zip(self.left, self.parts, self.ahead, strict=True))


def study_seconds(waves: Sequence[Planned], devices: int, saturation: float, in_parts: bool = False) -> Took:
    """What a study takes. What is trained ahead is left where it is when a device is wanted, and gone on with.

    Args:
        in_parts: devices with room score parts of others' trials.
    """
    queue = JobQueue(Limits(), n_workers=devices)
    open_trials = {i: {job.id for job in wave.jobs} for i, wave in enumerate(waves)}
    waiting = set(open_trials)
    machine = Devices(devices, saturation)
    under_way: set[int] = set()
    in_training: dict[int, int] = {}
    scoring: dict[int, float] = {}
    offered: dict[Key, float] = {}
    done: dict[Key, float] = {}
    now, busy, asked_for = 0.0, 0.0, 0.0
    while True:
        for i in sorted(waiting):
            if not any(open_trials[before] for before in waves[i].after):
                waiting.remove(i)
                for job in waves[i].jobs:
                    asked_for += done.get(_key(job), 0.0)
                    scoring[job.id] = scoring_work(job)
                queue.add([replace(job, work=job.work - done.get(_key(job), 0.0)) for job in waves[i].jobs])
                offered = {_key(job): job.work for job in waves[i].ahead}
        while taken := [(d, job) for d in range(devices) for job in queue.take(d, SLOTS - len(machine.left[d]))]:
            for device, job in taken:
                machine.left[device][job.id] = job.work
                in_training[job.id] = device
                under_way.add(job.id)
        if not under_way:
            return Took(seconds=now, busy=busy, ahead=sum(done.values()), asked_for=asked_for)
        for number, device in tuple(in_training.items()):
            if machine.left[device][number] <= scoring[number] * (1 + 1e-9):
                del in_training[number]
                if in_parts and not queue.has_waiting:
                    machine.divide(number, device)
        machine.deal_ahead(key for key, work in offered.items() if done.get(key, 0.0) < work * (1 - 1e-9))
        steps = []
        speeds = machine.speeds()
        for mine, parts, own, speed in zip(machine.left, machine.parts, machine.ahead, speeds, strict=True):
            works = [work - scoring[number] * (number in in_training) for number, work in mine.items()]
            works += [*parts.values(), *(offered[key] - done.get(key, 0.0) for key in own)]
            steps += [work / speed for work in works]
        step = min(steps)
        now += step
        busy += step * sum(bool(speed) for speed in speeds)
        for mine, parts, own, speed in zip(machine.left, machine.parts, machine.ahead, speeds, strict=True):
            for key in own:
                done[key] = done.get(key, 0.0) + step * speed
            for held in (mine, parts):
                for number in list(held):
                    held[number] -= step * speed
                    if held[number] <= 1e-9 * now:
                        del held[number]
                        in_training.pop(number, None)
        for number in [number for number in under_way if machine.is_scored(number)]:
            under_way.remove(number)
            queue.finished(number)
            for trials in open_trials.values():
                trials.discard(number)


def _key(job: TrialJob) -> Key:
    return job.configuration, job.seed


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
        found.append(Study(*(waves_of(world, spec, devices) for devices in (1, 2))))
    return found


def _effect(c: Configuration) -> float:
    """A rate that is best, ranks and epochs that help a little, dropout that harms."""
    of_rate = -0.02 * math.log(c.learning_rate / 6e-4) ** 2
    return of_rate + 0.02 * (math.log2(c.lora_r) - 3) / 3 + 0.01 * (c.num_train_epochs > 3) - 0.1 * c.lora_dropout


def measure(studies: Sequence[Study], saturation: float, design: str) -> list[Row]:
    """Studies on every number of devices."""
    alone = sum(study_seconds(as_run(study.one), 1, saturation).seconds for study in studies)
    confirm = sum(_training(wave.jobs) for s in studies for wave in s.several if wave.kind is RoundKind.CONFIRM)
    rows = []
    for devices in DEVICES:
        plans = [study.one if devices == 1 else study.several for study in studies]

        def taken(waves: Iterable[Sequence[Planned]], in_parts: bool = False, devices: int = devices) -> Took:
            each = [study_seconds(of_study, devices, saturation, in_parts) for of_study in waves]
            return Took(**{name: sum(getattr(took, name) for took in each) for name in Took.__dataclass_fields__})

        run = [as_run(plan, ahead=True) for plan in plans]
        took, undivided, not_ahead = taken(run, in_parts=True), taken(run), taken(map(as_run, plans))
        in_turn = taken(as_run(study.one) for study in studies)
        explores = any(wave.kind is RoundKind.EXPLORE for plan in plans for wave in plan)
        guessed = taken(as_run(plan, confirm_ahead=True) for plan in plans).seconds
        rows.append(
            Row(
                design=design,
                saturation=saturation,
                devices=devices,
                speed_up=alone / took.seconds,
                speed_up_undivided=alone / undivided.seconds,
                speed_up_not_ahead=alone / not_ahead.seconds,
                speed_up_one_by_one=alone / in_turn.seconds,
                speed_up_dealt=alone / sum(bound_seconds(plan, devices, saturation) for plan in plans),
                speed_up_in_parts=alone / sum(bound_seconds(plan, devices, saturation, True) for plan in plans),
                speed_up_confirm_ahead=alone / guessed if explores else 0.0,
                confirm_ahead=took.asked_for / confirm,
                asked_for=took.asked_for / took.ahead if took.ahead else 0.0,
                speed_up_without_waves=alone / taken([Planned(wave.jobs) for wave in plan] for plan in plans).seconds,
                idle_share=1 - took.busy / (devices * took.seconds),
                idle_share_one_by_one=1 - in_turn.busy / (devices * in_turn.seconds),
            )
        )
    return rows


def _training(jobs: Iterable[TrialJob]) -> float:
    """The work of the jobs without their scoring."""
    return sum(job.work - scoring_work(job) for job in jobs)


def lost_by_wave(studies: Sequence[Study], devices: int, saturation: float) -> list[tuple[str, float, float, float]]:
    """Where the time goes: of what begins together, its rounds, and in shares of all time how long it takes, how long
    its longest trial takes, and how long its work takes on full devices. In the order in which studies have them."""
    found: dict[str, list[float]] = {}
    for together in (each for study in studies for each in _together(study.several)):
        name = " + ".join(wave.kind.value for wave in together)
        works = [job.work for wave in together for job in wave.jobs]
        seconds = study_seconds([Planned(wave.jobs) for wave in together], devices, saturation).seconds
        own = found.setdefault(name, [0.0, 0.0, 0.0])
        for i, part in enumerate((seconds, max(works), sum(works) / (devices * saturation))):
            own[i] += part
    total = sum(own[0] for own in found.values())
    return [(name, *(part / total for part in own)) for name, own in found.items()]  # type: ignore[misc]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=75, help="budget of a study")
    parser.add_argument("--design", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--saturation", type=float, nargs="+", default=[1, 8])
    parser.add_argument("--worlds", type=int, default=12, help="worlds without an effect, and as many with")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    found: dict[str, list[Any]] = {"studies": [], "rows": []}
    for design in asked.design:
        print(f"\ndesign: {design}")
        studies = studies_of(asked.worlds, asked.trials, design)
        rows = [row for saturation in asked.saturation for row in measure(studies, saturation, design)]
        _show(studies, rows)
        found["rows"] += [asdict(row) for row in rows]
        found["studies"] += [
            {
                "design": design,
                "waves_one": [len(wave.jobs) for wave in study.one],
                "waves_several": [{"trials": len(wave.jobs), "beside": wave.beside} for wave in study.several],
            }
            for study in studies
        ]
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _show(studies: Sequence[Study], rows: Sequence[Row]) -> None:
    for waves in (studies[0].one, studies[0].several):
        print(", ".join(f"{'beside it ' if wave.beside else ''}{wave.kind.value} {len(wave.jobs)}" for wave in waves))
    for name, took, longest, full in lost_by_wave(studies, 2, rows[-1].saturation):
        print(
            f"  {name}: {100 * took:.1f} % of the time of two devices of saturation {rows[-1].saturation:g}; "
            f"its longest trials {100 * longest:.1f} %, its work on full devices {100 * full:.1f} %"
        )
    for row in rows:
        print(
            f"saturation {row.saturation:g}, {row.devices:2} devices: {row.speed_up:.2f} times one, "
            f"idle {100 * row.idle_share:.0f} %, of confirm {100 * row.confirm_ahead:.0f} % trained ahead "
            f"({100 * row.asked_for:.0f} % of what was); scored by one device each {row.speed_up_undivided:.2f}; "
            f"and nothing ahead {row.speed_up_not_ahead:.2f}; "
            f"one wave after another {row.speed_up_one_by_one:.2f}, idle {100 * row.idle_share_one_by_one:.0f} %; "
            f"bounds: dealt perfectly {row.speed_up_dealt:.2f}, scored in parts too {row.speed_up_in_parts:.2f}, "
            f"confirm guessed rightly {row.speed_up_confirm_ahead:.2f}, without waves {row.speed_up_without_waves:.2f}"
        )


if __name__ == "__main__":
    main()
