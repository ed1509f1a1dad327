"""Any space, any budget, any outcomes: the planner keeps every rule of the conformance suite, and ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import Cost, DataFacts, History, Outcomes, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import ERROR_SHARES, Budget, DataSpec, SeedCounts, StudySpec, TrialState
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import checked_history
from tunebook.testing.simulated_study import simulated_history

LEVELS = {
    "learning_rate": [1e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3],
    "lora_r": [1, 4, 8, 16, 64],
    "lora_alpha": [8, 16, 32, 64],
    "lora_dropout": [0.0, 0.05, 0.1, 0.3],
    "num_train_epochs": [1, 2, 3, 5],
    "per_device_train_batch_size": [1, 2, 4, 8],
    "gradient_accumulation_steps": [1, 2, 4, 8],
    "max_length": [64, 128, 512],
    "lr_scheduler_type": ["linear", "cosine", "constant"],
    "use_rslora": [False, True],
    "gradient_checkpointing": [False, True],
    "weight_decay": [0.0, 0.01, 0.1],
    "target_modules": ["all-linear", ("q_proj", "v_proj")],
}
RANGES = {
    "learning_rate": (5e-6, 2e-4, 6e-3),
    "lora_r": (2, 8, 128),
    "lora_dropout": (0.0, 0.1, 0.4),
    "num_train_epochs": (1, 3, 8),
    "per_device_train_batch_size": (1, 8, 32),
    "weight_decay": (0.0, 0.01, 0.2),
}


@st.composite
def factors(draw, name):
    """A factor with a list or a range, and a value of the baseline within it."""
    if name in RANGES and draw(st.booleans()):
        low, own, high = RANGES[name]
        low = own if draw(st.integers(0, 4)) == 0 else low
        return Factor(name, low=low, high=high), own
    levels = draw(st.lists(st.sampled_from(LEVELS[name]), min_size=1, max_size=5, unique=True))
    return Factor(name, tuple(levels)), draw(st.sampled_from(levels))


@st.composite
def studies(draw):
    names = draw(st.lists(st.sampled_from(sorted(LEVELS)), min_size=1, max_size=5, unique=True))
    made = [draw(factors(name)) for name in names]
    schedule = draw(st.sampled_from(["linear", "constant"]))
    start = Configuration(learning_rate=2e-4, lora_alpha=32, lr_scheduler_type=schedule)
    baseline = start.with_values(**{factor.name: own for factor, own in made})
    hours = draw(st.none() | st.floats(0.01, 20))
    trials = draw(st.integers(4, 90)) if hours is None else draw(st.none() | st.integers(4, 90))
    return StudySpec(
        name="any",
        model="none",
        data=DataSpec(train="none"),
        metric="exact_match",
        baseline=baseline,
        space=SearchSpace(tuple(factor for factor, _ in made)),
        budget=Budget(trials, hours),
        design="one_factor",
        alpha_rule=draw(st.sampled_from(["proportional", "fixed"])),
        seeds=SeedCounts(draw(st.integers(1, 3)), draw(st.integers(3, 6))),
        seed=draw(st.integers(0, 5)),
        extrapolate=draw(st.sampled_from([1, 10])),
    )


foldings = st.builds(Folding, *[st.booleans()] * 5)
facts = st.builds(
    DataFacts,
    n_train=st.just(200),
    n_validation=st.just(20),
    n_test=st.sampled_from([0, 30]),
    longest_tokens=st.sampled_from([None, 100]),
    mean_tokens=st.sampled_from([None, 60.0]),
)


def random_oracle(world):
    """Outcomes drawn anew for each configuration and seed, with all the states that there are."""

    def answer(trial, history):
        draw = np.random.default_rng([world, int(trial.effective.key, 16), trial.seed])
        cost = Cost(train_seconds=float(draw.uniform(1, 400)))
        states = [TrialState.COMPLETED] * 7 + [TrialState.DIVERGED, TrialState.COLLAPSED, TrialState.FAILED]
        state = states[int(draw.integers(len(states)))]
        if state in (TrialState.FAILED, TrialState.DIVERGED):
            return TrialFact(trial=trial, state=state, cost=cost)
        n = {"validation": 20, "test": 30}
        outcomes = {
            split: Outcomes((draw.random(n[split]) < 0.5).astype(float), draw.random(n[split]) * 3)
            for split in trial.splits
        }
        return TrialFact(trial=trial, state=state, outcomes=outcomes, cost=cost)

    return answer


def random_judge(world):
    """Verdicts out of the blue: the planner must keep its rules whatever the statistics say."""

    def judge(history, number, spec, facts):
        wave = next(wave for wave in history.waves if wave.round == number)
        contrasts = [c for w in history.waves if w.round == number for c in w.contrasts]
        draw = np.random.default_rng([world, number])
        return tuple(_finding(contrast, number, wave.kind, draw) for contrast in contrasts)

    return judge


def _finding(contrast, number, kind, draw):
    verdict = list(Verdict)[int(draw.integers(len(list(Verdict))))]
    effect = float(draw.normal(0, 0.05))
    loss = (effect - 0.05, effect + 0.05) if draw.random() < 0.7 else None
    return Finding.without_numbers(
        contrast,
        (number, kind),
        ERROR_SHARES[kind],
        effect=effect,
        standard_error=0.02,
        degrees_of_freedom=10,
        verdict=verdict,
        loss_interval=loss,
    )


@settings(deadline=None, max_examples=150)
@given(studies(), facts, foldings, st.integers(0, 1000), st.booleans(), st.integers(1, 2))
def test_any_study_keeps_every_rule_and_ends(spec, data, folding, world, measured, devices):
    calibration = (
        Calibration(
            train_tokens_per_second=400.0,
            score_examples_per_second=20.0,
            one_by_one_tokens_per_second=100.0,
            base_bytes=1,
            trial_bytes=1,
            device="none",
        )
        if measured
        else None
    )

    def planner(spec, facts, folding):
        return StudyPlanner(spec, facts, folding, calibration=calibration)

    checked_history(planner, spec, data, folding, random_oracle(world), random_judge(world), devices=devices)


@settings(deadline=None, max_examples=40)
@given(studies(), facts, foldings, st.integers(0, 1000), st.integers(1, 60))
def test_raised_budget_never_repeats_what_is_there(spec, data, folding, world, more):
    oracle, judge = random_oracle(world), random_judge(world)
    history = checked_history(StudyPlanner, spec, data, folding, oracle, judge)
    larger = replace(spec, budget=Budget((spec.budget.trials or 50) + more))
    checked_history(StudyPlanner, larger, data, folding, oracle, judge, history=history)


@settings(deadline=None, max_examples=40)
@given(studies(), facts, foldings, st.integers(0, 1000), st.integers(1, 3), st.data())
def test_study_that_was_cut_anywhere_goes_on_as_if_unbroken(spec, data, folding, world, devices, pick):
    oracle, judge = random_oracle(world), random_judge(world)
    whole = checked_history(StudyPlanner, spec, data, folding, oracle, judge, devices=devices)
    n = pick.draw(st.integers(0, len(whole.waves)))
    broken = _Stops(StudyPlanner(spec, data, folding), n)
    history = simulated_history(broken, spec, data, oracle, judge, devices=devices)
    assert len(history.waves) == n
    resumed = checked_history(StudyPlanner, spec, data, folding, oracle, judge, history=history, devices=devices)
    assert resumed.waves == whole.waves


@settings(deadline=None, max_examples=30)
@given(studies(), facts, foldings, st.integers(0, 1000), st.data())
def test_study_may_change_the_number_of_devices_anywhere(spec, data, folding, world, pick):
    oracle, judge = random_oracle(world), random_judge(world)
    history = History()
    for _ in range(3):
        n = len(history.waves) + pick.draw(st.integers(0, 4))
        broken = _Stops(StudyPlanner(spec, data, folding), n)
        history = simulated_history(broken, spec, data, oracle, judge, history, devices=pick.draw(st.integers(1, 2)))
    checked_history(StudyPlanner, spec, data, folding, oracle, judge, history, devices=pick.draw(st.integers(1, 2)))


class _Stops:
    """A planner that is interrupted once a study has so many waves."""

    def __init__(self, planner, n):
        self._planner, self._n = planner, n

    def next_wave(self, history):
        return self._planner.next_wave(history) if len(history.waves) < self._n else None

    def beside(self, history, devices):
        return self._planner.beside(history, devices) if len(history.waves) < self._n else None


@settings(deadline=None, max_examples=60)
@given(studies(), facts, foldings)
def test_outlook_stays_within_the_budget(spec, data, folding):
    planner = StudyPlanner(spec, data, folding)
    outlook = planner.outlook(History())
    if spec.budget.trials is not None:
        assert outlook.most_trials <= spec.budget.trials
        assert all(each.n_trials <= spec.budget.trials for each in outlook.rounds)
    assert all(each.n_trials > 0 for each in outlook.rounds)
