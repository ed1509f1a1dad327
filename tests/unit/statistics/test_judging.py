"""A round's contrasts as one family: verdicts, warnings, groups, divergence, second witness."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History, Outcomes, TrialFact
from tunebook.core.findings import Verdict
from tunebook.core.study import (
    ERROR_SHARES,
    Contrast,
    ContrastKind,
    Purpose,
    RoundKind,
    TrialState,
    Wave,
)
from tunebook.statistics.judge_round import compare, judge, judge_round
from tunebook.testing.sample_study import bare_spec, bare_trial

BASE = Configuration()
SPEC = bare_spec(baseline=BASE, margin=0.03)


class Bench:
    """Builds a history of one explore round by hand."""

    def __init__(self, n=400, seed=0):
        self.rng = np.random.default_rng(seed)
        self.n = n
        self.chance = self.rng.random(n)
        self.trials = {}
        self.contrasts = []

    def add(self, configuration, seeds=2, rate=0.6, state=TrialState.COMPLETED, wobble=0.05):
        ids = []
        for seed in range(seeds):
            number = len(self.trials) + 1
            trial = bare_trial(number, configuration, seed=seed)
            # mostly the same examples are right, a few change with the seed
            flips = self.rng.random(self.n) < wobble
            scores = np.where(flips, self.rng.random(self.n) < rate, self.chance < rate).astype(float)
            outcome = Outcomes(scores, 1.5 - scores + self.rng.normal(0, 0.1, self.n))
            outcomes = {"validation": outcome} if state is TrialState.COMPLETED else {}
            self.trials[number] = TrialFact(trial=trial, state=state, outcomes=outcomes)
            ids.append(number)
        return tuple(ids)

    def ask(self, treatment, control, kind=ContrastKind.DIFFERENCE, label=None):
        label = label or f"question {len(self.contrasts) + 1}"
        self.contrasts.append(Contrast(kind=kind, treatment=treatment, control=control, label=label, factor="lora_r"))

    def history(self):
        trials = tuple(fact.trial for fact in self.trials.values())
        return History(
            waves=(Wave(round=1, kind=RoundKind.EXPLORE, number=1, trials=trials, contrasts=tuple(self.contrasts)),),
            trials=dict(self.trials),
        )

    def judged(self, groups=()):
        return judge_round(self.history(), 1, SPEC, DataFacts(n_train=100, n_validation=self.n, groups=groups))


def rank(r):
    return BASE.with_values(lora_r=r)


def test_a_large_effect_is_found_with_its_sign():
    bench = Bench()
    base = bench.add(BASE, 5)
    bench.ask(bench.add(rank(16), rate=0.8), base)
    bench.ask(bench.add(rank(32), rate=0.4), base)
    bench.ask(bench.add(rank(64)), base)
    verdicts = [finding.verdict for finding in bench.judged()]
    assert verdicts[:2] == [Verdict.BETTER, Verdict.WORSE]
    assert verdicts[2] not in (Verdict.BETTER, Verdict.WORSE)


def test_findings_keep_the_order_of_the_contrasts_and_the_rounds_error_share():
    bench = Bench()
    base = bench.add(BASE, 3)
    for r in (16, 32, 64):
        bench.ask(bench.add(rank(r)), base, label=f"lora_r={r}")
    findings = bench.judged()
    assert [finding.label for finding in findings] == ["lora_r=16", "lora_r=32", "lora_r=64"]
    assert {finding.alpha for finding in findings} == {ERROR_SHARES[RoundKind.EXPLORE]}


def test_equal_configurations_on_many_examples_are_shown_equivalent():
    bench = Bench(n=20_000)
    bench.ask(bench.add(rank(16), 3, wobble=0.02), bench.add(BASE, 5, wobble=0.02))
    (finding,) = bench.judged()
    assert finding.verdict is Verdict.EQUIVALENT
    assert max(map(abs, finding.interval)) < SPEC.margin


def test_no_difference_found_is_inconclusive_and_says_what_would_settle_it():
    bench = Bench(n=200)
    bench.ask(bench.add(rank(16), rate=0.64), bench.add(BASE, 5))
    (finding,) = bench.judged()
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.examples_needed is None or finding.examples_needed > 200
    assert finding.seeds_needed is None or finding.seeds_needed > 2


def test_a_slightly_worse_cheaper_configuration_is_not_inferior_within_the_margin():
    bench = Bench(n=20_000)
    cheap, best = bench.add(rank(4), 3, rate=0.59, wobble=0.02), bench.add(BASE, 5, wobble=0.02)
    bench.ask(cheap, best, ContrastKind.NON_INFERIORITY)
    (finding,) = bench.judged()
    assert finding.verdict is Verdict.NOT_INFERIOR
    assert finding.interval[0] > -SPEC.margin
    assert finding.interval[1] == 1.0


def test_a_clearly_worse_configuration_is_not_called_not_inferior():
    bench = Bench(n=2000)
    bench.ask(bench.add(rank(4), 3, rate=0.5), bench.add(BASE, 5), ContrastKind.NON_INFERIORITY)
    assert bench.judged()[0].verdict is Verdict.INCONCLUSIVE


def test_an_equivalence_contrast_is_held_against_the_margin():
    bench = Bench(n=20_000)
    base = bench.add(BASE, 5, wobble=0.02)
    bench.ask(bench.add(rank(16), 3, wobble=0.02), base, ContrastKind.EQUIVALENCE)
    bench.ask(bench.add(rank(32), 3, rate=0.7, wobble=0.02), base, ContrastKind.EQUIVALENCE)
    near, far = bench.judged()
    assert (near.verdict, far.verdict) == (Verdict.EQUIVALENT, Verdict.INCONCLUSIVE)
    assert near.p_adjusted < near.alpha
    assert far.p_adjusted == 1.0


def test_a_group_of_replicates_that_mostly_diverged_has_verdict_diverged():
    bench = Bench()
    base = bench.add(BASE, 3)
    bench.ask(bench.add(rank(64), 2, state=TrialState.DIVERGED), base)
    (finding,) = bench.judged()
    assert finding.verdict is Verdict.DIVERGED
    assert math.isnan(finding.effect)


def test_some_diverged_replicates_are_left_out_with_a_warning():
    bench = Bench()
    base = bench.add(BASE, 3)
    bench.ask((*bench.add(rank(64), 2), *bench.add(rank(64), 1, state=TrialState.COLLAPSED)), base)
    (finding,) = bench.judged()
    assert len(finding.treatment_trials) == 2
    assert "treatment_replicates_diverged" in finding.warnings


def test_failed_trials_are_gone_on_without_and_it_is_said():
    bench = Bench()
    base = bench.add(BASE, 3)
    bench.ask((*bench.add(rank(16), 1), *bench.add(rank(16), 1, state=TrialState.FAILED)), base)
    bench.ask(bench.add(rank(32), 2, state=TrialState.FAILED), base)
    some, none = bench.judged()
    assert "treatment_trials_failed" in some.warnings
    assert not math.isnan(some.effect)
    assert (none.verdict, none.p_adjusted) == (Verdict.INCONCLUSIVE, 1.0)
    assert "no_outcomes" in none.warnings


def test_noise_from_few_replicates_or_from_the_prior_is_provisional():
    few, none = Bench(), Bench()
    few.ask(few.add(rank(16), 1), few.add(BASE, 3))
    none.ask(none.add(rank(16), 1), none.add(BASE, 1))
    assert few.judged()[0].provisional
    assert none.judged()[0].provisional
    assert none.judged()[0].p_mcnemar is not None


def test_groups_are_a_family_of_their_own():
    bench = Bench(n=600)
    base = bench.add(BASE, 5)
    bench.ask(bench.add(rank(16), rate=0.75), base)
    groups = tuple("abc"[i % 3] for i in range(590)) + ("rare",) * 10
    findings = bench.judged(groups)
    assert [finding.family for finding in findings] == ["main", "group:a", "group:b", "group:c"]
    assert all(finding.p_adjusted >= finding.p_raw for finding in findings)


def test_loss_that_contradicts_accuracy_is_said():
    bench = Bench(n=2000)
    treatment, base = bench.add(rank(16), rate=0.75), bench.add(BASE, 3)
    bench.ask(treatment, base)
    for number in treatment:
        fact = bench.trials[number]
        worse = replace(fact.outcomes["validation"], nll=fact.outcomes["validation"].nll + 0.5)
        bench.trials[number] = replace(fact, outcomes={"validation": worse})
    (finding,) = bench.judged()
    assert finding.effect > 0
    assert finding.loss_effect > 0
    assert finding.witnesses_disagree


def test_a_round_without_contrasts_has_no_findings():
    bench = Bench()
    bench.add(BASE, 2)
    assert bench.judged() == ()


def test_later_rounds_change_nothing_about_an_earlier_one():
    bench = Bench()
    base = bench.add(BASE, 3)
    bench.ask(bench.add(rank(16)), base)
    first = bench.judged()
    history = bench.history()
    later = bare_trial(99, BASE, round=2, kind=RoundKind.REFINE, purpose=Purpose.REFINE, seed=77)
    fact = TrialFact(
        trial=later, state=TrialState.COMPLETED, outcomes={"validation": bench.trials[1].outcomes["validation"]}
    )
    more = replace(
        history,
        waves=(*history.waves, Wave(round=2, kind=RoundKind.REFINE, number=1, trials=(later,))),
        trials={**history.trials, 99: fact},
    )
    assert judge_round(more, 1, SPEC, DataFacts(n_train=100, n_validation=bench.n)) == first


def test_a_comparison_that_was_not_planned_says_so():
    bench = Bench()
    base, other = bench.add(BASE, 3), bench.add(rank(16))
    (finding,) = compare(bench.history(), other, base, SPEC, DataFacts(n_train=100, n_validation=bench.n))
    assert "exploratory" in finding.warnings
    assert finding.alpha == 0.05


def test_more_contrasts_make_each_claim_harder():
    bench = Bench()
    base = bench.add(BASE, 5)
    treatments = [bench.add(rank(r)) for r in range(9, 21)]
    contrasts = [Contrast(kind=ContrastKind.DIFFERENCE, treatment=t, control=base, label=str(t)) for t in treatments]
    alone = judge(contrasts[:1], bench.history(), 0.02, 0.03)[0]
    among = judge(contrasts, bench.history(), 0.02, 0.03)[0]
    assert among.p_adjusted >= alone.p_adjusted
    assert among.interval[1] - among.interval[0] > alone.interval[1] - alone.interval[0]
    assert among.p_raw == pytest.approx(alone.p_raw)


def test_rank_at_constant_alpha_over_r_carries_a_warning():
    constant, varied = Bench(), Bench()
    for bench, alpha in ((constant, 16), (varied, 8)):
        base = bench.add(BASE, 3)
        bench.ask(bench.add(BASE.with_values(lora_r=16, lora_alpha=alpha)), base)
    assert "alpha_over_r_constant" in constant.judged()[0].warnings
    assert "alpha_over_r_constant" not in varied.judged()[0].warnings


def test_clustered_examples_widen_the_interval_and_it_is_said():
    bench = Bench(n=1000)
    base, other = bench.add(BASE, 3), bench.add(rank(16))
    bench.ask(other, base)
    plain = bench.judged()[0]
    for number in other:
        fact = bench.trials[number]
        scores = fact.outcomes["validation"].scores.copy()
        for start in bench.rng.choice(200, 60, replace=False) * 5:
            scores[start : start + 5] = bench.rng.integers(0, 2)
        outcome = replace(fact.outcomes["validation"], scores=scores)
        bench.trials[number] = replace(fact, outcomes={"validation": outcome})
    clustered = bench.judged()[0]
    assert "correlated_examples" not in plain.warnings
    assert "correlated_examples" in clustered.warnings


def test_a_configuration_that_is_much_noisier_is_judged_by_its_own_noise():
    bench = Bench(n=2000)
    base = bench.add(BASE, 5, wobble=0.01)
    quiet, wild = bench.add(rank(16), 3, wobble=0.01), bench.add(rank(32), 1, rate=0.75, wobble=0.01)
    wild += bench.add(rank(32), 1, rate=0.5, wobble=0.01) + bench.add(rank(32), 1, rate=0.8, wobble=0.01)
    bench.ask(quiet, base)
    bench.ask(wild, base)
    calm, noisy = bench.judged()
    assert "unequal_noise" in noisy.warnings
    assert "unequal_noise" not in calm.warnings
    assert noisy.standard_error > 5 * calm.standard_error
    assert noisy.degrees_of_freedom < 4
    bench.contrasts = []
    bench.ask(quiet, wild)
    (finding,) = bench.judged()  # of its two sides it is the other one
    assert "control_unequal_noise" in finding.warnings
    assert "unequal_noise" not in finding.warnings


def test_a_small_test_round_borrows_its_noise_from_validation():
    bench = Bench()
    base, other = bench.add(BASE, 5), bench.add(rank(16), 3)
    for number in (*base[:1], *other[:1]):
        fact = bench.trials[number]
        outcomes = {**fact.outcomes, "test": fact.outcomes["validation"]}
        bench.trials[number] = replace(fact, outcomes=outcomes)
    bench.contrasts.append(
        Contrast(kind=ContrastKind.DIFFERENCE, treatment=other[:1], control=base[:1], label="best", split="test")
    )
    (finding,) = bench.judged()
    assert not finding.provisional
    assert finding.split == "test"


@pytest.mark.parametrize("single", ["treatment", "control"])
def test_a_difference_with_one_seed_on_a_side_is_described_and_not_tested(single):
    bench = Bench()
    base = bench.add(BASE, seeds=5)
    one = bench.add(rank(16), seeds=1, rate=0.2)
    two = bench.add(rank(32), rate=0.2)
    sides = {"treatment": (one, base), "control": (two, base[:1])}
    bench.ask(*sides[single])
    bench.ask(two, base)
    described, tested = judge_round(bench.history(), 1, SPEC, DataFacts(n_train=100, n_validation=400))
    assert described.verdict is Verdict.INCONCLUSIVE
    assert not described.is_tested
    assert described.interval[1] < 0, "the difference is given as it is"
    assert described.examples_needed is None
    assert described.seeds_needed is None
    assert tested.verdict is Verdict.WORSE
    assert tested.is_tested


def test_a_level_that_lost_a_seed_on_the_way_is_not_tested_either():
    bench = Bench()
    base = bench.add(BASE, seeds=5)
    level = rank(16)
    bench.ask(bench.add(level, 1, 0.2) + bench.add(level, 1, state=TrialState.FAILED), base)
    (finding,) = judge_round(bench.history(), 1, SPEC, DataFacts(n_train=100, n_validation=400))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "one_seed" in finding.warnings
