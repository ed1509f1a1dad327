"""What idle devices train before the confirm round is opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.core.space import Folding
from tunebook.core.study import Purpose, RoundKind, Trial
from tunebook.planning.planner import StudyPlanner
from tunebook.run.ahead import AheadFolder
from tunebook.run.runner import job_of
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import planned, simulated_history, world_oracle
from tunebook.testing.world import World


class Seen:
    """A study, and what was guessed at each of its waves."""

    def __init__(self, design: str) -> None:
        spec, facts = example_study(design=design), example_facts()
        self.planner = StudyPlanner(spec, facts, Folding.everything())
        self.guesses: list[tuple[Trial, ...]] = []

        def on_wave(before, wave):
            after = planned(before, wave)
            self.guesses.append(tuple(self.planner.ahead(after)))
            if self.guesses[-1]:
                self.before = after

        oracle = world_oracle(World(), facts)
        self.history = simulated_history(self.planner, spec, facts, oracle, on_wave=on_wave, devices=2)


@pytest.fixture(scope="module")
def one_factor() -> Seen:
    return Seen("one_factor")


def test_baseline_is_guessed_from_the_start_and_confirm_is_what_was_guessed(one_factor):
    confirm = [t for wave in one_factor.history.waves if wave.kind is RoundKind.CONFIRM for t in wave.trials]
    asked = {(t.effective, t.seed) for t in confirm if t.purpose is Purpose.CONFIRM}
    first, last = one_factor.guesses[1], [each for each in one_factor.guesses if each][-1]
    assert len({t.effective for t in first}) == 1
    assert len(asked & {(t.effective, t.seed) for t in first}) >= 3
    assert len(asked & {(t.effective, t.seed) for t in last}) >= 6
    assert one_factor.guesses[-1] == (), "nothing once it is open"


def test_only_what_confirm_asks_for_is_handed_over(one_factor, tmp_path):
    before, after, ahead = one_factor.before, one_factor.history, AheadFolder(tmp_path)
    guesses = ahead.guesses(one_factor.planner, before, example_facts())
    assert all(job.ahead and job.id < 0 and not job.splits for job in guesses)
    for job in guesses:
        (tmp_path / "ahead" / f"{job.configuration.key}-{job.seed}" / "resume").mkdir(parents=True)
    confirm = next(wave for wave in after.waves if wave.kind is RoundKind.CONFIRM)
    jobs = [job_of(t, tmp_path / "adapters") for t in confirm.trials if t.has_training]
    assert ahead.hand_over(before, jobs) == set(), "confirm is not open"
    rider = replace(jobs[0], checkpoints=((1, 999),))  # a state after the last step is too late for it
    given = ahead.hand_over(after, [rider, *jobs[1:]])
    assert jobs[0].id not in given
    wanted = {(job.configuration, job.seed) for job in guesses}
    assert given == {job.id for job in jobs[1:] if (job.configuration, job.seed) in wanted}
    assert all((tmp_path / "adapters" / str(number) / "resume").is_dir() for number in given)
    assert not (tmp_path / "ahead").exists()
    assert ahead.hand_over(after, jobs) == set(), "a second time gives nothing"
