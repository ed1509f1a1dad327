"""The rounds after explore: what each asks, from histories written by hand or answered by a simulated world."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from tunebook.core.divergence import tried_rates
from tunebook.core.factor import Factor
from tunebook.core.facts import Cost, History, Outcomes, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import Budget, Purpose, RoundKind, SeedCounts, TrialState
from tunebook.planning.planner import StudyPlanner, foreseen
from tunebook.planning.problem import Problem
from tunebook.planning.rounds.boundary import edge
from tunebook.planning.rounds.table import changed_factor
from tunebook.planning.state import PlanningState
from tunebook.statistics.response import divergence_bracket
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.sample_study import bare_trial
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

FACTS = example_facts()
N = FACTS.n_validation


def quality(accuracy_by_change, broken=lambda c: False):
    """An oracle from a plain function: accuracy of an effective configuration; loss is 1 - accuracy, without noise."""

    def answer(trial, history):
        if trial.effective.num_train_epochs > 0 and broken(trial.effective):
            return TrialFact(trial=trial, state=TrialState.DIVERGED)
        share = 0.1 if trial.effective.num_train_epochs == 0 else accuracy_by_change(trial.effective)
        outcomes = {}
        for split in trial.splits:
            n = N if split == "validation" else FACTS.n_test
            scores = np.zeros(n)
            scores[: round(share * n)] = 1
            outcomes[split] = Outcomes(scores, np.full(n, 1 - share))
        return TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=outcomes, cost=Cost(train_seconds=10))

    return answer


def exact_judge(history, number, spec, facts):
    """The world has no noise, so any difference of accuracy is a finding."""
    kind = next(wave.kind for wave in history.waves if wave.round == number)
    found = []
    for contrast in (c for wave in history.waves if wave.round == number for c in wave.contrasts):
        sides = [
            [history.trials[i] for i in ids if history.trials[i].state.did_train]
            for ids in (contrast.treatment, contrast.control)
        ]
        effect, verdict = float("nan"), Verdict.DIVERGED
        if all(sides):
            effect = sides[0][0].outcomes[contrast.split].accuracy - sides[1][0].outcomes[contrast.split].accuracy
            verdict = Verdict.BETTER if effect > 0 else Verdict.WORSE if effect < 0 else Verdict.INCONCLUSIVE
        found.append(Finding.without_numbers(contrast, (number, kind), 0.01, effect=effect, verdict=verdict))
    return tuple(found)


def study(accuracy, trials=75, broken=lambda c: False, **changes):
    spec = example_study(trials, **changes)
    planner = StudyPlanner(spec, FACTS, Folding.everything())
    return simulated_history(planner, spec, FACTS, quality(accuracy, broken), exact_judge)


def waves(history, kind):
    return [wave for wave in history.waves if wave.kind is kind]


def values(wave, factor):
    return sorted({getattr(trial.configuration, factor) for trial in wave.trials if trial.factor == factor})


def by_rate(c):
    """Best at 1e-3, symmetric on the log scale."""
    return 0.6 - 0.05 * abs(np.log(c.learning_rate / 1e-3))


# -- explore


def test_second_wave_compares_both_sides_at_their_own_chosen_rates():
    def accuracy(c):
        best = 2e-4 if c.lora_r > 8 else 6.3e-4
        return 0.6 - 0.05 * abs(np.log(c.learning_rate / best))

    history = study(accuracy)
    contrast = next(c for c in history.waves[2].contrasts if c.label == "lora_r=32")
    treated, control = (history.trials[ids[0]].trial.effective for ids in (contrast.treatment, contrast.control))
    assert (treated.lora_r, treated.learning_rate) == (32, 2e-4)
    assert (control.lora_r, control.learning_rate) == (8, 6.3e-4)


def test_baseline_that_keeps_its_rate_is_not_trained_again():
    history = study(lambda c: 0.6 - 0.05 * abs(np.log(c.learning_rate / 2e-4)))
    assert {trial.lora_r for trial in (t.effective for t in history.waves[2].trials)} == {16, 32, 64}
    assert all(contrast.control == (1, 2, 3, 4, 5) for contrast in history.waves[2].contrasts)


def test_level_at_which_no_rate_trained_is_claimed_at_the_lowest():
    history = study(by_rate, broken=lambda c: c.lora_r == 64)
    chosen = next(c for c in history.waves[2].contrasts if c.label == "lora_r=64")
    assert history.trials[chosen.treatment[0]].trial.effective.learning_rate == 2e-4


def test_a_cancelled_trial_says_nothing_about_its_rate():
    """Left out, not taken for a rate that broke; a level with no answer at all keeps the baseline's own rate."""
    spec = example_study(75)

    def stopped(trial):
        rank, rate = trial.effective.lora_r, trial.effective.learning_rate
        return trial.purpose is Purpose.BRACKET and (rank == 64 or (rank, rate) == (32, 2e-4))

    def answer(trial, history):
        return (
            TrialFact(trial=trial, state=TrialState.CANCELLED) if stopped(trial) else quality(by_rate)(trial, history)
        )

    history = simulated_history(StudyPlanner(spec, FACTS, Folding.everything()), spec, FACTS, answer, exact_judge)
    chosen = {each.level: each for each in history.waves[2].chosen_rates if each.factor == "lora_r"}
    assert [rate for rate, _ in chosen[16].losses] == [2e-4, 6.3e-4]
    assert [rate for rate, _ in chosen[32].losses] == [6.3e-4]
    assert (chosen[64].losses, chosen[64].learning_rate) == ((), spec.baseline.learning_rate)


@pytest.mark.parametrize(
    ("accuracy", "floor", "goes_on"), [(0.1, "ask", False), (0.1, "go_on", True), (0.2, "ask", True)]
)
def test_a_study_whose_first_round_is_no_better_than_no_training_stops_and_asks(accuracy, floor, goes_on):
    history = study(lambda c: accuracy, floor=floor)
    assert (len({wave.round for wave in history.waves}) > 2) == goes_on
    planner = StudyPlanner(example_study(75, floor=floor), FACTS, Folding.everything())
    assert (planner.next_wave(history) is None) or goes_on
    assert goes_on or planner.outlook(history).rounds == ()


# -- refine


def test_refine_halves_the_intervals_beside_the_best_rate_on_a_log_scale():
    history = study(lambda c: 0.6 - 0.05 * abs(np.log(c.learning_rate / 6.3e-4)))
    assert values(waves(history, RoundKind.REFINE)[0], "learning_rate") == [3.5e-4, 1.1e-3]


def test_refine_looks_first_where_least_is_known_beside_a_rate_that_broke():
    history = study(
        lambda c: 0.6 - 0.05 * abs(np.log(c.learning_rate / 2e-4)), trials=24, broken=lambda c: c.learning_rate >= 2e-3
    )
    assert values(waves(history, RoundKind.REFINE)[0], "learning_rate") == [6.3e-4]


def test_factor_without_effect_is_not_refined_and_the_record_is_told_why():
    wave = waves(study(by_rate), RoundKind.REFINE)[0]
    why = {values["factor"]: values["why"] for code, values in wave.notes if code == "not_refined"}
    assert why["lora_dropout"] == "no_effect_seen"
    assert {trial.factor for trial in wave.trials} == {"learning_rate"}


def test_dropout_that_helped_is_refined_beside_its_best_level():
    history = study(lambda c: 0.5 + 0.2 * c.lora_dropout, trials=90)
    assert values(waves(history, RoundKind.REFINE)[0], "lora_dropout") == [0.15]


# -- combine


def test_levels_that_helped_meet_in_one_configuration():
    history = study(lambda c: by_rate(c) + 0.3 * (0.1 - c.lora_dropout) + 0.02 * (c.num_train_epochs - 3))
    combined = [t for wave in waves(history, RoundKind.COMBINE) for t in wave.trials if t.purpose is Purpose.COMBINE]
    assert (combined[0].effective.lora_dropout, combined[0].effective.num_train_epochs) == (0.0, 5)
    assert combined[0].effective.learning_rate > 2e-4


def test_combination_is_claimed_with_seeds_that_did_not_choose_its_rate():
    history = study(lambda c: by_rate(c) + 0.02 * (c.num_train_epochs - 3))
    first, second = waves(history, RoundKind.COMBINE)
    chose = {trial.seed for trial in first.trials}
    assert {trial.purpose for trial in first.trials} == {Purpose.BRACKET}
    assert not chose & {trial.seed for trial in second.trials}
    assert [contrast.label for contrast in second.contrasts] == ["combined"]


def test_nothing_is_combined_when_nothing_leads():
    history = study(lambda c: 0.6 if c == replace_machine(example_study().baseline) else 0.5)
    assert waves(history, RoundKind.COMBINE) == []
    notes = [note for wave in history.waves for note in wave.notes]
    assert ("round_skipped", {"kind": "combine", "why": "nothing_to_ask"}) in notes


def test_a_round_for_which_the_budget_leaves_nothing_is_said_to_have_been_left_out_for_that():
    history = study(lambda c: by_rate(c) + 0.3 * (0.1 - c.lora_dropout), trials=14)
    notes = [values for wave in history.waves for code, values in wave.notes if code == "round_skipped"]
    assert {"kind": "boundary", "why": "budget"} in notes


def replace_machine(c):
    return Problem(spec=example_study(), facts=FACTS, folding=Folding.everything()).effective(c)


def test_alpha_follows_the_rank_into_the_combination():
    problem = Problem(spec=example_study(), facts=FACTS, folding=Folding.everything())
    both = problem.configure({"lora_r": 32, "lora_alpha": 64})
    assert both.lora_alpha == 256
    fixed = Problem(spec=example_study(alpha_rule="fixed"), facts=FACTS, folding=Folding.everything())
    assert fixed.configure({"lora_r": 32, "lora_alpha": 64}).lora_alpha == 64


# -- boundary


def test_boundary_brackets_the_rate_at_which_training_breaks():
    history = study(by_rate, broken=lambda c: c.learning_rate > 3e-3)
    state = PlanningState(Problem(spec=example_study(), facts=FACTS, folding=Folding.everything()), history)
    probe = next(t for wave in waves(history, RoundKind.BOUNDARY) for t in wave.trials if t.factor == "learning_rate")
    found = edge(state, probe.configuration)
    assert found.highest_trained < 3e-3 < found.lowest_failed
    assert found.raw_failed / found.raw_trained <= 2.0


def test_search_for_the_edge_takes_at_most_eight_trials():
    history = study(by_rate, trials=300, broken=lambda c: c.learning_rate > 3e-3)
    probes = [t for w in waves(history, RoundKind.BOUNDARY) for t in w.trials if t.factor == "learning_rate"]
    assert 0 < len(probes) <= 8


@pytest.mark.parametrize(("extrapolate", "limit"), [(1.0, 2e-3), (3.0, 6e-3), (10.0, 2e-2)])
def test_boundary_leaves_the_range_only_as_far_as_allowed(extrapolate, limit):
    history = study(by_rate, extrapolate=extrapolate)
    assert max(fact.trial.effective.learning_rate for fact in history.trials.values()) <= limit


def test_rank_goes_on_outwards_while_it_pays():
    history = study(lambda c: 0.4 + 0.03 * np.log2(c.lora_r), trials=150)
    tried = {fact.trial.effective.lora_r for fact in history.trials.values()}
    assert 128 in tried


def test_mixed_rates_lie_inside_the_bracket():
    spec = example_study()
    problem = Problem(spec=spec, facts=FACTS, folding=Folding.everything())
    first = StudyPlanner(spec, FACTS, Folding.everything()).next_wave(History()).trials[0]
    trials = {}
    for i, (rate, works) in enumerate([(1e-3, 1), (1e-3, 1), (2e-3, 1), (2e-3, 0), (4e-3, 0), (4e-3, 0)], start=1):
        c = spec.baseline.with_values(learning_rate=rate)
        trial = replace(first, id=i, purpose=Purpose.BOUNDARY, configuration=c, effective=problem.effective(c), seed=i)
        trials[i] = TrialFact(trial=trial, state=TrialState.COMPLETED if works else TrialState.DIVERGED)
    found = edge(PlanningState(problem, History(trials=trials)), spec.baseline)
    assert (found.raw_trained, found.raw_failed, found.mixed) == (1e-3, 4e-3, (2e-3,))


def test_rate_too_low_to_learn_is_not_taken_for_the_edge():
    def too_low_or_too_high(c):
        return c.learning_rate < 1e-4 or c.learning_rate > 1.5e-3

    history = study(by_rate, broken=too_low_or_too_high)
    state = PlanningState(Problem(spec=example_study(), facts=FACTS, folding=Folding.everything()), history)
    found = edge(state, example_study().baseline)
    assert found.raw_trained >= 6.3e-4
    assert 1.5e-3 < found.raw_failed <= 2e-3


def a_trial(rate, state, reason=None):
    spec, number = example_study(), next(NUMBERS)
    c = Problem(spec=spec, facts=FACTS, folding=Folding.everything()).effective(
        spec.baseline.with_values(learning_rate=rate)
    )
    return TrialFact(
        trial=bare_trial(number, c),
        state=state,
        reason=reason,
    )


NUMBERS = count(1)


def test_a_rate_too_low_to_train_is_no_divergence():
    """Its loss is no better than the untrained model's, or it gives one answer: neither is the upper edge."""
    done, diverged, collapsed = TrialState.COMPLETED, TrialState.DIVERGED, TrialState.COLLAPSED
    facts = [a_trial(1e-6, diverged, "worse_than_untrained"), a_trial(3e-6, collapsed, "constant_answer")]
    facts += [a_trial(1e-4, done) for _ in range(4)] + [a_trial(1e-3, diverged, "worse_than_untrained")] * 4
    tried = tried_rates(facts)
    assert set(tried) == {1e-4, 1e-3}
    assert divergence_bracket(tried).highest_trained == 1e-4


def test_a_loss_that_rose_below_rates_that_trained_is_divergence_all_the_same():
    facts = [a_trial(1e-3, TrialState.DIVERGED, "loss_rose"), a_trial(2e-3, TrialState.COMPLETED)]
    assert tried_rates(facts) == {1e-3: [False], 2e-3: [True]}


def test_a_completed_trial_without_a_right_answer_did_not_train_where_the_baseline_has_some():
    def scored(rate, right, n=80):
        outcomes = {"validation": Outcomes(np.arange(n) < right, np.ones(n))}
        return replace(a_trial(rate, TrialState.COMPLETED), outcomes=outcomes)

    facts = [scored(1e-4, 12), scored(1e-3, 0), scored(2e-3, 1)]
    assert tried_rates(facts, usual=0.18) == {1e-4: [True], 1e-3: [False], 2e-3: [False]}
    assert tried_rates(facts, usual=0.02) == {1e-4: [True], 1e-3: [True], 2e-3: [True]}
    assert tried_rates([scored(1e-5, 0), *facts], usual=0.18).keys() == {1e-4, 1e-3, 2e-3}, "too slow is not too high"


def test_failed_trials_say_nothing_about_the_edge():
    assert tried_rates([a_trial(1e-3, TrialState.FAILED), a_trial(1e-3, TrialState.PLANNED)]) == {}


def test_edge_of_a_noisy_cliff_is_inside_the_bracket():
    """Cliffs whose seeds differ by 8 % of the rate: at least 36 of 40 brackets hold (of 300: 97 %)."""
    held = 0
    facts = example_facts(n_validation=40, n_test=0)
    for number in range(40):
        cliff = float(np.exp(np.random.default_rng([7, number]).uniform(np.log(6e-4), np.log(1.5e-2))))
        world = World(seed=number, cliff=cliff, cliff_deviation=0.08, best_rate=min(6e-4, cliff / 3), collapse_below=1)
        spec = example_study(75)
        planner = StudyPlanner(spec, facts, Folding.everything())
        history = simulated_history(planner, spec, facts, world_oracle(world, facts), lambda *_: ())
        probe = next(t for w in waves(history, RoundKind.BOUNDARY) for t in w.trials if t.factor == "learning_rate")
        found = edge(
            PlanningState(Problem(spec=spec, facts=facts, folding=Folding.everything()), history), probe.configuration
        )
        held += (found.highest_trained or 0) <= world.cliff_of(probe.effective) <= (found.lowest_failed or float("inf"))
    assert held >= 36


# -- confirm


def confirm_wave(history):
    return next(wave for wave in history.waves if wave.kind is RoundKind.CONFIRM)


def test_confirm_seals_best_cheapest_and_baseline_and_opens_the_test_split():
    history = study(lambda c: by_rate(c) + 0.002 * (c.num_train_epochs - 3))
    wave = confirm_wave(history)
    assert set(wave.sealed) == {"best", "runner_up", "cheapest", "baseline"}
    trained = [trial for trial in wave.trials if trial.purpose is Purpose.CONFIRM]
    assert {trial.splits for trial in trained} == {("validation", "test")}
    assert [contrast.label for contrast in wave.contrasts] == ["best", "cheapest"]


def test_list_that_was_sealed_before_a_crash_is_the_one_that_is_confirmed():
    spec = example_study(40)
    whole = study(by_rate, trials=40)
    before = replace(
        whole,
        waves=tuple(wave for wave in whole.waves if wave.kind is not RoundKind.CONFIRM),
        trials={number: fact for number, fact in whole.trials.items() if fact.trial.kind is not RoundKind.CONFIRM},
    )
    groups = PlanningState(
        Problem(spec=spec, facts=FACTS, folding=Folding.everything()), before
    ).evidence.claiming.values()
    other = next(group for group in groups if group.trains and group.key not in whole.sealed.values())
    sealed = {"best": other.key, "baseline": whole.sealed["baseline"]}
    wave = StudyPlanner(spec, FACTS, Folding.everything()).next_wave(replace(before, sealed=sealed))
    assert wave.sealed == sealed
    trained = {t.effective.key for t in wave.trials if t.purpose is Purpose.CONFIRM}
    assert trained == set(sealed.values())


def test_reference_is_scored_on_test_without_costing_budget():
    reference = [t for t in confirm_wave(study(by_rate)).trials if t.purpose is Purpose.REFERENCE]
    assert [(t.splits, t.costs_budget, t.effective.num_train_epochs) for t in reference] == [(("test",), False, 0)]


def test_cheapest_is_within_the_margin_and_cheaper_than_the_best():
    def accuracy(c):
        return 0.5 + 0.01 * (c.num_train_epochs - 3) + 0.005 * np.log2(c.lora_r / 8)

    history = study(accuracy, trials=60)
    state = PlanningState(Problem(spec=example_study(), facts=FACTS, folding=Folding.everything()), history)
    best = state.leading
    cheaper = state.evidence.cheapest_near(best, FACTS, example_study().margin)
    assert cheaper.accuracy >= best.accuracy - example_study().margin
    assert cheaper.effective.num_train_epochs < best.effective.num_train_epochs


def test_configuration_of_which_a_replicate_broke_is_not_the_best():
    spec = example_study()
    problem = Problem(spec=spec, facts=FACTS, folding=Folding.everything())
    history = study(by_rate, trials=40)
    state = PlanningState(problem, history)
    best = state.leading
    spoiled = best.facts[0].trial.id
    facts = dict(history.trials)
    facts[spoiled] = TrialFact(trial=facts[spoiled].trial, state=TrialState.DIVERGED)
    assert PlanningState(problem, replace(history, trials=facts)).leading.effective != best.effective


def test_no_second_confirm_after_more_budget():
    spec = example_study(40)
    history = study(by_rate, trials=40)
    more = StudyPlanner(replace(spec, budget=Budget(80)), FACTS, Folding.everything())
    wave = more.next_wave(history)
    assert wave.kind is RoundKind.REFINE
    assert all(trial.splits == ("validation",) for trial in wave.trials)


# -- table


def test_rows_are_compared_with_the_baseline_and_named_by_their_change():
    spec = example_study(40)
    base = spec.baseline
    rows = (base.with_values(learning_rate=5e-4), base.with_values(lora_r=16, lora_alpha=64, num_train_epochs=4))
    planner = StudyPlanner(spec, FACTS, Folding.everything(), rows)
    history = simulated_history(planner, spec, FACTS, quality(by_rate), exact_judge)
    wave = history.waves[1]
    assert wave.kind is RoundKind.TABLE
    assert [(c.label, c.factor) for c in wave.contrasts] == [("learning_rate=0.0005", "learning_rate"), ("row 2", None)]


def test_long_table_is_cut_from_its_end_after_its_second_seeds():
    spec = example_study(20)
    rows = tuple(spec.baseline.with_values(learning_rate=rate) for rate in np.geomspace(1e-5, 1e-3, 30).tolist())
    wave = foreseen(StudyPlanner(spec, FACTS, Folding.everything(), rows), History())[1]
    assert [cut.code for cut in wave.cuts] == ["second_seeds", "baseline_seeds", "rows"]
    assert len(wave.trials) == 10


def test_first_rows_keep_their_second_seeds_as_far_as_the_share_goes():
    spec = example_study(40)
    rows = tuple(spec.baseline.with_values(learning_rate=rate) for rate in np.geomspace(1e-5, 1e-3, 10).tolist())
    wave = foreseen(StudyPlanner(spec, FACTS, Folding.everything(), rows), History())[1]
    assert [len(contrast.treatment) for contrast in wave.contrasts] == [2] * 5 + [1] * 5
    assert [(cut.code, cut.count) for cut in wave.cuts] == [("second_seeds", 5)]


def test_changed_factor_knows_that_alpha_follows_the_rank():
    base = example_study().baseline
    proportional, fixed = (
        Problem(spec=example_study(alpha_rule=rule), facts=FACTS, folding=Folding.everything())
        for rule in ("proportional", "fixed")
    )
    rank = base.with_values(lora_r=16, lora_alpha=64)
    assert changed_factor(proportional, rank) == "lora_r"
    assert changed_factor(fixed, rank) is None
    assert changed_factor(fixed, base.with_values(lora_r=16)) == "lora_r"


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({"learning_rate": 5e-4, "gradient_checkpointing": False, "max_length": 1024}, "learning_rate"),
        ({"gradient_accumulation_steps": 8}, "gradient_accumulation_steps"),
        ({"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8, "lora_dropout": 0.0}, "lora_dropout"),
        ({"use_rslora": True}, "use_rslora"),
        ({"learning_rate": 5e-4, "lora_dropout": 0.0}, None),
    ],
)
def test_words_that_change_nothing_do_not_hide_the_factor_of_a_row(changes, factor):
    problem = Problem(spec=example_study(), facts=FACTS, folding=Folding.everything())
    assert changed_factor(problem, problem.spec.baseline.with_values(**changes)) == factor


def test_outlook_of_a_table_counts_its_rows():
    spec = example_study(40)
    rows = tuple(spec.baseline.with_values(learning_rate=rate) for rate in (1e-4, 5e-4, 1e-3))
    outlook = StudyPlanner(spec, FACTS, Folding.everything(), rows).outlook(History())
    assert (outlook.rounds[0].kind, outlook.rounds[0].n_trials, outlook.rounds[0].n_comparisons) == ("table", 11, 3)
    assert outlook.cuts == ()


# -- hours and the outlook


def calibration(tokens_per_second=400.0):
    return Calibration(
        train_tokens_per_second=tokens_per_second,
        score_examples_per_second=20.0,
        one_by_one_tokens_per_second=100.0,
        base_bytes=500_000_000,
        trial_bytes=20_000_000,
        device="test",
    )


def test_budget_in_hours_is_kept():
    spec = replace(example_study(), budget=Budget(hours=3.0))
    planner = StudyPlanner(spec, FACTS, Folding.everything(), calibration=calibration())
    history = simulated_history(planner, spec, FACTS, world_oracle(World(), FACTS))
    assert 0.6 * 3 * 3600 < history.spent_seconds <= 1.05 * 3 * 3600
    assert history.waves[-1].kind is RoundKind.CONFIRM


def test_hours_are_kept_without_a_calibration_by_what_trials_took():
    spec = replace(example_study(), budget=Budget(60, hours=3.0))
    planner = StudyPlanner(spec, FACTS, Folding())
    history = simulated_history(planner, spec, FACTS, world_oracle(World(), FACTS))
    last = history.trials[max(history.trials)]
    assert history.spent_seconds <= 3 * 3600 + last.cost.train_seconds


def test_outlook_of_a_new_study_foresees_every_round():
    outlook = StudyPlanner(example_study(), FACTS, Folding.everything()).outlook(History())
    assert [each.kind for each in outlook.rounds] == [
        kind for kind in list(RoundKind)[2:] if kind not in (RoundKind.PILOT, RoundKind.OWN)
    ]
    assert outlook.rounds[0].n_trials == 37, "its share, which it need not use up"
    assert outlook.most_trials == 75
    assert outlook.wanted_trials == 92
    assert 0.02 < outlook.smallest_margin < 0.2
    assert all(0.02 < each.smallest_detectable_effect < 0.3 for each in outlook.rounds)


def test_outlook_of_a_finished_study_is_empty():
    history = study(by_rate)
    assert StudyPlanner(example_study(), FACTS, Folding.everything()).outlook(history).rounds == ()


def test_outlook_while_trials_are_running_promises_no_more_than_the_budget():
    planner = StudyPlanner(example_study(), FACTS, Folding.everything())
    reference, explore = foreseen(planner, History())
    trials = {t.id: TrialFact(trial=t) for wave in (reference, explore) for t in wave.trials}
    outlook = planner.outlook(History(waves=(reference, explore), trials=trials))
    assert outlook.most_trials <= 75 - len(explore.trials)
    assert [each.kind for each in outlook.rounds] == [
        kind for kind in list(RoundKind)[2:] if kind not in (RoundKind.PILOT, RoundKind.OWN)
    ]
    assert outlook.rounds[0].n_trials == 37 - len(explore.trials)


def test_more_seeds_than_the_default_are_honoured():
    wave = foreseen(StudyPlanner(example_study(150, seeds=SeedCounts(3, 6)), FACTS, Folding.everything()), History())[1]
    assert sum(trial.purpose is Purpose.BASELINE for trial in wave.trials) == 6
    assert {trial.seed for trial in wave.trials if trial.factor == "lora_dropout"} == {1, 2, 3}


def test_space_of_one_flag_is_a_study():
    spec = example_study(20, space=SearchSpace((Factor("use_rslora", (True,)),)))
    history = simulated_history(
        StudyPlanner(spec, FACTS, Folding()), spec, FACTS, quality(lambda c: 0.6 if c.use_rslora else 0.5), exact_judge
    )
    assert [wave.kind for wave in history.waves] == [RoundKind.REFERENCE, RoundKind.EXPLORE, RoundKind.CONFIRM]
