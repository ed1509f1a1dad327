"""A small study as values, for tests of ledgers: nothing is random or trained, and it contains every difficult
number.

`result_of` is a pure function of the trial, so that two runs of the same study can be compared exactly.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import (
    Cost,
    Curve,
    DataFacts,
    EvaluationRecord,
    ExampleText,
    History,
    Outcomes,
    StepRecord,
    StudyFacts,
    TrialFact,
)
from tunebook.core.findings import Finding, StudyFindings, Verdict
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import (
    BracketPlan,
    Budget,
    ChosenRate,
    Contrast,
    ContrastKind,
    Cut,
    DataSpec,
    Fold,
    Purpose,
    RoundKind,
    StudySpec,
    Trial,
    TrialState,
    Wave,
)

__all__ = [
    "N_EXAMPLES",
    "RecordInputs",
    "bare_spec",
    "bare_trial",
    "finding_of",
    "result_of",
    "sample_facts",
    "sample_spec",
    "sample_wave",
]

N_EXAMPLES = 5

_AWKWARD = ("plain", "", "NUL \x00 inside", "half a pair \ud83d", "\x1bjson:", "=1+1", "学习率\n第二行")
_STATES = (TrialState.COMPLETED, TrialState.DIVERGED, TrialState.COLLAPSED, TrialState.FAILED)


class RecordInputs(NamedTuple):
    """Everything that a record is written from; the fields are those of `record.view.View`."""

    spec: StudySpec
    facts: StudyFacts
    history: History
    conclusions: StudyFindings
    notes: list[tuple[str, dict[str, Any]]]


def bare_spec(**changes: Any) -> StudySpec:
    """A study in which only the given fields matter."""
    values: dict[str, Any] = {
        "name": "s",
        "model": "m",
        "data": DataSpec(train="t"),
        "metric": "exact_match",
        "baseline": Configuration(),
        "space": SearchSpace(),
        "budget": Budget(trials=40),
        "design": "one_factor",
    }
    return StudySpec(**(values | changes))


def bare_trial(number: int, configuration: Configuration | None = None, **changes: Any) -> Trial:
    """A trial of explore without anything folded; its seed is its number."""
    configuration = configuration or Configuration()
    values: dict[str, Any] = {
        "id": number,
        "round": 1,
        "kind": RoundKind.EXPLORE,
        "purpose": Purpose.LEVEL,
        "configuration": configuration,
        "effective": configuration,
        "seed": number,
    }
    return Trial(**(values | changes))


def sample_spec(name: str = "sample") -> StudySpec:
    """A study over two factors."""
    factors = (Factor("learning_rate", low=5e-5, high=2e-3), Factor("lora_r", levels=(8, 16, 32)))
    return StudySpec(
        name=name,
        model="smollm2",
        data=DataSpec(train="train.jsonl", choices=("yes", "no")),
        metric="exact_match",
        baseline=Configuration(learning_rate=2e-4, lora_alpha=32.5, target_modules=("q_proj", "v_proj")),
        space=SearchSpace(factors),
        budget=Budget(trials=20, hours=1.5),
        design="one_factor",
        baseline_given=("learning_rate", "lora_alpha"),
    )


def sample_facts() -> StudyFacts:
    """Facts with texts that are difficult for databases and JSON."""
    examples = tuple(
        ExampleText(i, f"prompt {i} {_AWKWARD[i % len(_AWKWARD)]}", _AWKWARD[(i + 1) % len(_AWKWARD)], f"g{i % 2}")
        for i in range(N_EXAMPLES)
    )
    return StudyFacts(
        data=DataFacts(
            n_train=100,
            n_validation=N_EXAMPLES,
            n_test=0,
            longest_tokens=64,
            mean_tokens=40.25,
            groups=("g0", "g1", "g0", "g1", "g0"),
            commonest_share=0.4,
        ),
        examples={"validation": examples, "test": ()},
        hashes={"train": "ab" * 32},
        model={"name": "smollm2", "layers": 30},
        summary={"lengths": {"mean": 40.25, "max": math.inf}, "truncated": {"512": 0}},
        environment={"versions": {"torch": "2.13.0"}, "threads": 2},
        table=(Configuration(lora_r=16), Configuration(target_modules=("q_proj", "v_proj"))),
        folding=Folding.everything(),
    )


def sample_wave(number: int, n_trials: int = 3, round_number: int = 1, first_id: int | None = None) -> Wave:
    """The `number`-th wave of a round (from 1). Its trials are numbered after those of the waves before it."""
    first = 1 + (number - 1) * n_trials if first_id is None else first_id
    trials = tuple(_trial(first + i, round_number) for i in range(n_trials))
    ids = tuple(trial.id for trial in trials)
    return Wave(
        round=round_number,
        kind=RoundKind.EXPLORE,
        number=number,
        trials=trials,
        contrasts=(
            Contrast(
                kind=ContrastKind.DIFFERENCE, treatment=ids[:1], control=ids[1:], label="lora_r=16", factor="lora_r"
            ),
        ),
        folds=(Fold(Configuration(use_rslora=True), "0123456789ab", ("rslora",), 1, "use_rslora"),),
        cuts=(Cut("bracket_ends", 2, ("lora_r",)),),
        closes_round=False,
        bracket=BracketPlan((1e-4, 2e-4), 5, {"lora_r": 2}),
        chosen_rates=(ChosenRate("lora_r", 16, 1e-4, ((1e-4, 0.5), (2e-4, None))),),
        combined={"target_modules": ("q_proj", "v_proj"), "use_rslora": True},
        sealed={"best": "0123456789ab"},
        budget=Budget(trials=20, hours=1.5),
        notes=(("not_refined", {"factor": "lora_r", "rates": (1e-4, math.nan), "~float": "a key like a tag"}),),
    )


def _trial(number: int, round_number: int) -> Trial:
    asked = Configuration(lora_r=8 * number, lora_alpha=16.0 * number, learning_rate=1e-4 * number)
    effective = asked.with_values(max_length=64)
    factor = "lora_r" if number % 2 else None
    return Trial(
        id=number,
        round=round_number,
        kind=RoundKind.EXPLORE,
        purpose=Purpose.LEVEL,
        configuration=asked,
        effective=effective,
        seed=number + 7,
        factor=factor,
    )


def result_of(trial: Trial, state: TrialState | None = None) -> TrialFact:
    """The result of a trial: the same every time, with NaN and infinity in it."""
    state = state or _STATES[0 if trial.id % 4 else trial.id // 4 % len(_STATES)]
    if state is TrialState.FAILED:
        return TrialFact(trial=trial, state=state, cost=Cost(train_seconds=0.5), reason="out of luck \x00")
    rng = np.random.default_rng(trial.id)
    scores = rng.integers(0, 2, N_EXAMPLES).astype(np.float64)
    nll = rng.exponential(1.0, N_EXAMPLES)
    if state is TrialState.DIVERGED:
        nll[0], nll[1] = math.nan, math.inf
    answers = tuple(_AWKWARD[(trial.id + i) % len(_AWKWARD)] for i in range(N_EXAMPLES))
    steps = tuple(
        StepRecord(i, i / 4, math.nan if state is TrialState.DIVERGED else 1 / i, 1e-4, 0.5) for i in (1, 2, 3)
    )
    evaluations = (
        EvaluationRecord(3, 0.75, "validation", float(nll.mean()), None),
        EvaluationRecord(3, 0.75, "validation", 1.0, float(scores.mean())),
    )
    diverged = 3 if state is TrialState.DIVERGED else None
    reason = None if state is TrialState.COMPLETED else "non_finite_loss"
    cost = Cost(
        train_seconds=1.5 * trial.id,
        score_seconds=0.25,
        raw_tokens=1000,
        computed_tokens=800,
        peak_bytes=1 << 33,
        adapter_bytes=4096,
    )
    outcomes = {"validation": Outcomes(scores, nll, answers), "test": Outcomes(scores[:2], nll[:2])}
    return TrialFact(
        trial=trial,
        state=state,
        outcomes=outcomes,
        curve=Curve(steps, evaluations),
        cost=cost,
        diverged_step=diverged,
        reason=reason,
    )


def finding_of(round_number: int, label: str = "lora_r=16") -> Finding:
    """A finding without an estimate, with NaN in place of numbers."""
    return Finding(
        label=label,
        factor="lora_r",
        kind=ContrastKind.DIFFERENCE,
        split="validation",
        round=round_number,
        round_kind=RoundKind.EXPLORE,
        treatment_key="0123456789ab",
        control_key="ba9876543210",
        treatment_trials=(1,),
        control_trials=(2, 3),
        effect=math.nan,
        interval=(-1.0, 1.0),
        plain_interval=(-math.inf, 0.25),
        p_raw=0.03,
        p_adjusted=0.06,
        alpha=0.02,
        standard_error=0.011,
        degrees_of_freedom=math.inf,
        verdict=Verdict.INCONCLUSIVE,
        loss_interval=(0.1, 0.2),
        warnings=("no_outcomes",),
    )
