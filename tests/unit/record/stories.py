"""Small studies told round by round, for sentences that follow from a whole history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import Curve, DataFacts, ExampleText, History, Outcomes, StepRecord, StudyFacts, TrialFact
from tunebook.core.space import SearchSpace
from tunebook.core.study import (
    Budget,
    Contrast,
    ContrastKind,
    DataSpec,
    Purpose,
    RoundKind,
    StudySpec,
    Trial,
    TrialState,
    Wave,
)
from tunebook.record import View, build
from tunebook.statistics.conclusions import conclude
from tunebook.statistics.judge_round import judge_round
from tunebook.words.marks import plain_text


def _of(right, split):
    return right[split] if isinstance(right, dict) else right


BASE = Configuration(learning_rate=2e-4, lora_r=16, lora_alpha=32)


class Story:
    """A study told round by round. The easiest `right` of each split's examples are answered rightly, the seeds differ
    in a few examples; "a" is the gold answer of the share `common`, "b", "c", ... those of the others."""

    def __init__(self, n: int = 300, common: float = 0.65, labels: int = 2, factors: tuple[Factor, ...] = ()) -> None:
        self.n = n
        space = SearchSpace(factors or (Factor("learning_rate", low=5e-5, high=2e-3), Factor("lora_r", (8, 16, 32))))
        self.spec = StudySpec(
            name="story",
            model="m",
            data=DataSpec(train="t"),
            metric="exact_match",
            baseline=BASE,
            space=space,
            budget=Budget(60),
            engine="packed",
            design="one_factor",
        )
        golds = ["a" if i < n * common else "bcdefghij"[i % (labels - 1)] for i in range(n)]
        texts = tuple(ExampleText(i, f"Question {i}", gold) for i, gold in enumerate(golds))
        data = DataFacts(n_train=64, n_validation=n, n_test=n, mean_tokens=100.0, commonest_share=common)
        self.facts = StudyFacts(data=data, examples={"validation": texts, "test": texts})
        self.hard = np.random.default_rng(0).permutation(n)
        self.history = History()
        self.new: list[TrialFact] = []
        self.contrasts: list[Contrast] = []

    @property
    def round(self) -> int:
        return len(self.history.waves)

    def reference(self, right: float, loss: float = 3.0) -> None:
        untrained = BASE.with_values(num_train_epochs=0)
        self.trials(RoundKind.REFERENCE, Purpose.REFERENCE, untrained, right, seeds=1, loss=loss, number=0)
        self.close(RoundKind.REFERENCE)

    def trials(
        self, kind, purpose, configuration, right, *, seeds=2, factor=None, splits=("validation",), loss=None,
        state=TrialState.COMPLETED, answers=(), losses=(), number=None, reason=None,
    ):  # fmt: skip
        """Trials of one configuration; gives their ids. `right` is a share, or one for each split."""
        ids = []
        for seed in range(seeds):
            trial_id = number if number is not None else sum(i > 0 for i in self._known()) + 1
            trial = Trial(
                id=trial_id,
                round=self.round,
                kind=kind,
                purpose=purpose,
                configuration=configuration,
                effective=configuration,
                seed=trial_id,
                splits=splits,
                factor=factor,
            )
            scored = {split: self._outcomes(_of(right, split), trial_id, seed, loss, answers) for split in splits}
            curve = Curve(tuple(StepRecord(i + 1, i / 10, x, 1e-4, 1.0) for i, x in enumerate(losses)))
            outcomes = scored if state is TrialState.COMPLETED else {}
            self.new.append(TrialFact(trial=trial, state=state, outcomes=outcomes, curve=curve, reason=reason))
            ids.append(trial_id)
        return tuple(ids)

    def _outcomes(self, right, trial_id, seed, loss, answers):
        scores = (self.hard < right * self.n).astype(float)
        other = np.random.default_rng(trial_id).permutation(self.n)[: seed * max(1, self.n // 100)]
        if right not in (0.0, 1.0):
            scores[other] = 1 - scores[other]
        mean = loss if loss is not None else 2.0 - right
        nll = np.full(self.n, mean) + 0.02 * np.random.default_rng(trial_id + 99).standard_normal(self.n)
        return Outcomes(scores, nll, tuple(answers))

    def _known(self):
        return [*self.history.trials, *(fact.trial.id for fact in self.new)]

    def ask(self, treatment, control, label, factor=None, kind=ContrastKind.DIFFERENCE, split="validation"):
        self.contrasts.append(
            Contrast(kind=kind, treatment=treatment, control=control, label=label, factor=factor, split=split)
        )

    def close(self, kind, sealed=None, **extra):
        trials = tuple(fact.trial for fact in self.new)
        wave = Wave(round=self.round, kind=kind, number=1, trials=trials, contrasts=tuple(self.contrasts), **extra)
        known = {**self.history.trials, **{fact.trial.id: fact for fact in self.new}}
        waves, sealed = (*self.history.waves, wave), sealed or self.history.sealed
        before = replace(self.history, waves=waves, trials=known, sealed=sealed)
        found = judge_round(before, wave.round, self.spec, self.facts.data)
        closed = (*self.history.closed_rounds, wave.round)
        self.history = replace(before, findings=(*self.history.findings, *found), closed_rounds=closed)
        self.new, self.contrasts = [], []

    def conclusions(self):
        return conclude(self.history, self.spec, self.facts.data)

    def view(self):
        return View(spec=self.spec, facts=self.facts, history=self.history, conclusions=self.conclusions())

    def record(self, language="en"):
        return build(self.view(), language)

    def answer(self, language="en"):
        """The answer's paragraphs as plain text."""
        return [plain_text(text) for text in self.record(language).answer]
