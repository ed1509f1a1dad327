"""A whole study in memory: the real planner, the real judging and the real conclusions in a simulated world.

Answers and curves, which the world does not have, are added here: a wrong answer is the next label, a curve falls
exponentially and, where training broke, rises at the end.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np

from tunebook.core.factor import Factor
from tunebook.core.facts import (
    Cost,
    Curve,
    EvaluationRecord,
    ExampleText,
    StepRecord,
    StudyFacts,
    TrialFact,
)
from tunebook.core.order import steps_per_epoch
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import Budget, DataSpec
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.conclusions import conclude
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.sample_study import RecordInputs
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

LABELS = ("abbreviation", "description", "entity", "human", "location", "number")
WORLD = World(seed=11, peak=0.66, width=1.1, rank_gain=0.025, epoch_gain=0.01)


def make(language: str = "en", trials: int = 80, world: World = WORLD):
    """(spec, facts, history, conclusions, notes) of a finished study with a test split."""
    spec = example_study(trials, language=language)
    spec = replace(
        spec,
        data=DataSpec(
            train="train.jsonl", validation="validation.jsonl", test="test.jsonl", group="label", train_rows=500
        ),
        budget=Budget(trials),
        baseline_given=tuple(spec.baseline.as_dict())[:8],
        space=SearchSpace((*spec.space.factors, Factor("max_length", (512, 768)))),
    )
    texts = {split: _examples(split, n) for split, n in (("validation", 400), ("test", 600))}
    groups = tuple(example.group for example in texts["validation"])
    data = replace(example_facts(400, 600), groups=groups, commonest_share=max(map(groups.count, groups)) / len(groups))
    planner = StudyPlanner(spec, data, Folding.everything())
    history = simulated_history(planner, spec, data, world_oracle(world, data))
    known = {i: _with_texts(fact, texts) for i, fact in history.trials.items()}
    history = replace(history, trials=known)
    facts = StudyFacts(
        data=data,
        examples=texts,
        hashes={"train": "0" * 64},
        model={"name": "smollm2", "parameters": 134515008, "dtype": "float32"},
        summary={"rows": {"train": {"read": 2000, "used": 500}}, "validation_from": "file"},
        environment={
            "device_name": "Simulated processor, 2 cores",
            "memory_bytes": 16 * 2**30,
            "system": "Linux 6.8",
            "python": "3.12.4",
            "versions": {"tunebook": "0.1.0", "torch": "2.13.0", "peft": "0.21.2"},
        },
    )
    measured = Calibration(
        train_tokens_per_second=400.0,
        score_examples_per_second=1e6,
        one_by_one_tokens_per_second=115.0,
        base_bytes=600 * 2**20,
        trial_bytes=12 * 2**20,
        device="cpu",
    )
    notes = [("calibration", asdict(measured))]
    return RecordInputs(spec, facts, history, conclude(history, spec, data), notes)


def _examples(split: str, n: int) -> tuple[ExampleText, ...]:
    rng = np.random.default_rng(n)
    labels = [LABELS[i] for i in rng.choice(6, n, p=[0.03, 0.23, 0.22, 0.22, 0.15, 0.15])]
    return tuple(ExampleText(i, f"Question {i} of {split}. Kind:", label, label) for i, label in enumerate(labels))


def _with_texts(fact: TrialFact, texts: dict[str, tuple[ExampleText, ...]]) -> TrialFact:
    outcomes = {
        split: replace(
            outcome,
            answers=tuple(
                example.gold if score else LABELS[(LABELS.index(example.gold) + 1) % 6]
                for example, score in zip(texts[split], outcome.scores, strict=True)
            ),
        )
        for split, outcome in fact.outcomes.items()
    }
    c = fact.trial.effective
    cost = Cost(
        train_seconds=fact.cost.train_seconds,
        score_seconds=3.0,
        raw_tokens=37_000 * c.num_train_epochs,
        computed_tokens=24_000 * c.num_train_epochs,
        peak_bytes=1_200_000_000 + 6_000_000 * c.lora_r,
        adapter_bytes=230_000 * c.lora_r,
    )
    return replace(fact, outcomes=outcomes, curve=_curve(fact), cost=cost)


def _curve(fact: TrialFact) -> Curve:
    c, steps, evaluations = fact.trial.effective, [], []
    per_epoch = steps_per_epoch(500, c.effective_batch_size)
    total = per_epoch * c.num_train_epochs
    end = fact.diverged_step or total
    for step in range(1, end + 1):
        loss = 0.4 + 2.0 * math.exp(-step * c.learning_rate * 40)
        if fact.diverged_step and step > 3:
            loss *= 1.2 ** (step - 3)
        steps.append(StepRecord(step, step / per_epoch, loss, c.learning_rate * (1 - step / total), 1.0))
        if step % per_epoch == 0 and "validation" in fact.outcomes:
            left = math.exp(-step / per_epoch)
            loss = fact.outcomes["validation"].loss * (1 + left)
            evaluations.append(EvaluationRecord(step, step / per_epoch, "validation", loss))
    return Curve(tuple(steps), tuple(evaluations))
