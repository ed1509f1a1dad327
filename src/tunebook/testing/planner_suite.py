"""A conformance suite for planners. `checked_history` runs a whole study and checks each of its waves.

    class TestMyPlanner(PlannerSuite):
        @pytest.fixture
        def make_planner(self):
            return MyPlanner            # called with (spec, facts, folding)

The checks do not depend on how a planner chooses: nothing is trained twice, the budget is kept, every contrast is
between replicates and fixed before its results, no trial that served to choose enters a claim, the test split is opened
once, and the same history gives the same wave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import DataFacts, History, TrialFact
from tunebook.core.ports import Planner, PlansBeside
from tunebook.core.space import Folding, SearchSpace, effective
from tunebook.core.study import Budget, Contrast, DataSpec, Purpose, RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.simulated_study import Judge, Oracle, simulated_history, trained, world_oracle
from tunebook.testing.world import World

__all__ = ["MakePlanner", "PlannerSuite", "checked_history", "example_facts", "example_study"]

MakePlanner = Callable[[StudySpec, DataFacts, Folding], Planner]

MOST_WAVES = 80
"""Most waves of a study; a planner that plans more is assumed not to end."""


def example_study(trials: int | None = 75, **changes: object) -> StudySpec:
    """A study of four factors with a budget of `trials` trials."""
    baseline = Configuration(
        learning_rate=2e-4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        lora_r=8,
        lora_alpha=32,
        lora_dropout=0.1,
        num_train_epochs=3,
        max_length=512,
    )
    space = SearchSpace(
        (
            Factor("learning_rate", low=5e-5, high=2e-3),
            Factor("lora_r", (8, 16, 32, 64)),
            Factor("lora_dropout", (0.0, 0.05, 0.1, 0.2)),
            Factor("num_train_epochs", (3, 4, 5)),
        )
    )
    spec = StudySpec(
        name="trec",
        model="smollm2",
        data=DataSpec(train="train.jsonl"),
        metric="exact_match",
        baseline=baseline,
        space=space,
        budget=Budget(trials),
        design="one_factor",
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def example_facts(n_validation: int = 358, n_test: int = 500) -> DataFacts:
    """Facts of data of the usual size: some hundred examples per split."""
    return DataFacts(n_train=500, n_validation=n_validation, n_test=n_test, longest_tokens=120, mean_tokens=74.0)


def checked_history(
    make_planner: MakePlanner,
    spec: StudySpec,
    facts: DataFacts,
    folding: Folding,
    oracle: Oracle,
    judge: Judge = judge_round,
    history: History | None = None,
    devices: int = 1,
) -> History:
    """Run a study to its end, as `simulated_history` does. An assertion fails at the first wave that breaks a rule."""
    planner = make_planner(spec, facts, folding)

    def check(before: History, wave: Wave) -> None:
        assert len(before.waves) < MOST_WAVES, "the study does not end"
        again = make_planner(spec, facts, folding)
        if wave.beside:
            assert isinstance(again, PlansBeside)
            assert wave == again.beside(before, devices), "the same history gave another wave"
            later = trained(before, oracle)
            open_ = [number for number, fact in before.trials.items() if not fact.state.is_final]
            results = {number: later.trials[number] for number in open_[:-1]}
            partly = replace(before, trials=before.trials | results, spent_seconds=later.spent_seconds)
            assert wave == again.beside(partly, devices), "a wave depends on results of those beside it"
        else:
            assert wave == again.next_wave(before), "the same history gave another wave"
        check_wave(before, wave, spec, facts, folding)

    return simulated_history(planner, spec, facts, oracle, judge, history, check, devices)


def check_wave(before: History, wave: Wave, spec: StudySpec, facts: DataFacts, folding: Folding) -> None:
    """Check every rule that one wave can break."""
    _check_numbers(before, wave)
    _check_trials(before, wave, facts, folding)
    _check_budget(before, wave, spec)
    _check_contrasts(before, wave)
    _check_splits(before, wave, facts)


def _check_numbers(before: History, wave: Wave) -> None:
    first = max(before.trials, default=-1) + 1
    assert [trial.id for trial in wave.trials] == list(range(first, first + len(wave.trials)))
    assert all((trial.round, trial.kind) == (wave.round, wave.kind) for trial in wave.trials)
    if not before.waves:
        assert (wave.kind, wave.round, wave.number, wave.beside) == (RoundKind.REFERENCE, 0, 1, False)
        return
    ends = {each.round: each for each in before.waves}
    if wave.round in ends:
        of_round = ends[wave.round]
        assert not of_round.closes_round
        assert (wave.number, wave.kind) == (of_round.number + 1, of_round.kind)
        assert wave.trials or wave.closes_round, "a wave without trials only closes its round"
    else:
        assert (wave.round, wave.number) == (max(ends) + 1, 1)
        assert wave.trials, "a round begins with trials"
        opened = {each.round: each for each in reversed(before.waves)}
        going_on = [number for number in ends if not ends[number].closes_round and not opened[number].beside]
        assert not going_on or wave.beside, "a round begins when the one before has come to its end"
    assert wave.beside == any(not fact.state.is_final for fact in before.trials.values())


def _check_trials(before: History, wave: Wave, facts: DataFacts, folding: Folding) -> None:
    settings = [(f.trial.effective, f.trial.seed) for f in before.trials.values()]
    settings += [(trial.effective, trial.seed) for trial in wave.trials]
    assert len(settings) == len(set(settings)), "an equal effective configuration and seed is trained once"
    for trial in wave.trials:
        assert trial.effective == effective(trial.configuration, folding, facts.longest_tokens)
        assert (trial.purpose is Purpose.REFERENCE) == (trial.configuration.num_train_epochs == 0)
    _check_checkpoints({trial.id: trial for trial in wave.trials}, folding)


def _check_checkpoints(trials: dict[int, Trial], folding: Folding) -> None:
    for trial in trials.values():
        if trial.checkpoint_of is None:
            continue
        assert folding.checkpoints
        parent = trials[trial.checkpoint_of]
        assert parent.checkpoint_of is None
        assert (parent.seed, parent.splits) == (trial.seed, trial.splits)
        assert parent.effective.num_train_epochs > trial.effective.num_train_epochs > 0
        assert parent.effective.with_values(num_train_epochs=1) == trial.effective.with_values(num_train_epochs=1)


def _check_budget(before: History, wave: Wave, spec: StudySpec) -> None:
    if spec.budget.trials is not None:
        spent = sum(fact.budget_units for fact in before.trials.values())
        spent += sum(trial.costs_budget for trial in wave.trials)
        assert spent <= spec.budget.trials, "the budget is a limit"
    if spec.budget.hours is not None and before.spent_seconds >= spec.budget.hours * 3600:
        assert not any(trial.costs_budget for trial in wave.trials), "no time is left"


def _check_contrasts(before: History, wave: Wave) -> None:
    trials = {number: fact.trial for number, fact in before.trials.items()} | {t.id: t for t in wave.trials}
    labels = [c.label for c in wave.contrasts]
    assert len(labels) == len(set(labels)), "a label names one contrast of its round"
    asked = {c.label: c for c in before.contrasts_of(wave.round)}
    for contrast in wave.contrasts:
        if (earlier := asked.get(contrast.label)) is not None:
            assert set(contrast.treatment) > set(earlier.treatment), "it is asked again only with further seeds"
            assert contrast.control == earlier.control
        if contrast.kind.is_fitted:
            _check_fitted(contrast, trials)
            continue
        assert not set(contrast.treatment) & set(contrast.control)
        sides = []
        for side in (contrast.treatment, contrast.control):
            group = [trials[number] for number in side]
            assert group
            assert len({trial.effective for trial in group}) == 1, "a side is replicates of one configuration"
            assert len({trial.seed for trial in group}) == len(group)
            assert all(contrast.split in trial.splits for trial in group)
            assert not any(trial.purpose.only_chooses or trial.purpose is Purpose.REFERENCE for trial in group)
            sides.append(group[0].effective)
        assert sides[0] != sides[1]
        fresh = {trial.id for trial in wave.trials}
        assert fresh & set(contrast.treatment), "a question is fixed before its results are seen"


def _check_fitted(contrast: Contrast, trials: Mapping[int, Trial]) -> None:
    """A question to one model over a whole design."""
    group = [trials[number] for number in contrast.treatment]
    assert not contrast.control
    assert all(trial.purpose is Purpose.DESIGN for trial in group)
    assert len({getattr(trial.configuration, str(contrast.factor)) for trial in group}) > 1


def _check_splits(before: History, wave: Wave, facts: DataFacts) -> None:
    opens = any("test" in trial.splits for trial in wave.trials)
    if opens:
        assert facts.n_test > 0
        assert wave.kind is RoundKind.CONFIRM
    if wave.kind is RoundKind.CONFIRM and wave.number == 1:
        assert all(w.kind is not RoundKind.CONFIRM for w in before.waves), "there is one confirm round"
        keys = {trial.effective.key for trial in wave.trials}
        assert all(w.round in before.closed_rounds for w in before.waves), "confirm knows the findings of all rounds"
        assert wave.sealed
        assert {key for role, key in wave.sealed.items() if role != "runner_up"} <= keys
        seeds = {fact.trial.seed for fact in before.trials.values()}
        assert not seeds & {trial.seed for trial in wave.trials}, "confirm has fresh seeds"


class PlannerSuite:
    """What every planner must do."""

    @pytest.mark.parametrize("trials", [5, 12, 15, 20, 24, 40, 75, 120])
    def test_study_of_any_size_keeps_every_rule(self, make_planner: MakePlanner, trials: int) -> None:
        spec, facts = example_study(trials), example_facts()
        checked_history(make_planner, spec, facts, Folding.everything(), world_oracle(World(), facts))

    def test_study_without_test_split_confirms_on_validation(self, make_planner: MakePlanner) -> None:
        spec, facts = example_study(), example_facts(n_test=0)
        history = checked_history(make_planner, spec, facts, Folding(), world_oracle(World(), facts))
        assert history.waves[-1].kind is RoundKind.CONFIRM
        assert {c.split for w in history.waves for c in w.contrasts} == {"validation"}

    @pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.CANCELLED])
    def test_trials_without_an_answer_do_not_stop_the_study(self, make_planner: MakePlanner, state: TrialState) -> None:
        spec, facts = example_study(), example_facts()
        works = world_oracle(World(), facts)

        def every_third_gives_none(trial: Trial, history: History) -> TrialFact:
            return TrialFact(trial=trial, state=state) if trial.id % 3 == 2 else works(trial, history)

        history = checked_history(make_planner, spec, facts, Folding.everything(), every_third_gives_none)
        assert history.waves[-1].kind is RoundKind.CONFIRM

    @pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.CANCELLED])
    def test_study_without_an_answer_ends(self, make_planner: MakePlanner, state: TrialState) -> None:
        def fails(trial: Trial, history: History) -> TrialFact:
            return TrialFact(trial=trial, state=state)

        checked_history(make_planner, example_study(), example_facts(), Folding(), fails)

    def test_finished_study_stays_finished(self, make_planner: MakePlanner) -> None:
        spec, facts = example_study(24), example_facts()
        history = checked_history(make_planner, spec, facts, Folding.everything(), world_oracle(World(), facts))
        assert make_planner(spec, facts, Folding.everything()).next_wave(history) is None

    def test_more_budget_after_confirm_stays_on_validation(self, make_planner: MakePlanner) -> None:
        spec, facts = example_study(24, margin=1e-6), example_facts()
        oracle = world_oracle(World(), facts)
        history = checked_history(make_planner, spec, facts, Folding.everything(), oracle)
        more = replace(spec, budget=Budget(36))
        longer = checked_history(make_planner, more, facts, Folding.everything(), oracle, history=history)
        assert len(longer.waves) > len(history.waves)
        assert len({wave.round for wave in longer.waves if wave.kind is RoundKind.CONFIRM}) == 1
