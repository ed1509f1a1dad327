"""Where a study's configurations stand: their claiming trials, accuracies and losses, from the history alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import Floats, History, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.study import ContrastKind, Purpose, RoundKind, StudySpec, TrialState
from tunebook.statistics.intervals import accuracy_interval
from tunebook.statistics.noise import PROVISIONAL_DF, SeedNoise, effective_key, pooled_covariance, replicates
from tunebook.statistics.paired import Estimates, contrast_matrix, estimate
from tunebook.statistics.selection import Field

__all__ = ["Candidate", "Evidence"]

VALIDATION = "validation"


@dataclass(frozen=True)
class Candidate:
    """One effective configuration.

    Attributes:
        facts: trials that trained and were scored on validation; those of a bracket only when there are no others.
        claiming: whether `facts` are not only a bracket's.
        n_broke: replicates that diverged or collapsed.
    """

    key: str
    facts: tuple[TrialFact, ...]
    claiming: bool
    n_broke: int

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(fact.trial.id for fact in self.facts)

    @property
    def effective(self) -> Configuration:
        return self.facts[0].trial.effective

    @cached_property
    def scores(self) -> Floats:
        """One row a replicate, shape (m, n)."""
        return np.stack([fact.outcomes[VALIDATION].scores for fact in self.facts])

    @cached_property
    def nll(self) -> Floats:
        """One row a replicate, nats an example, shape (m, n)."""
        return np.stack([fact.outcomes[VALIDATION].nll for fact in self.facts])

    @property
    def accuracy(self) -> float:
        return float(self.scores.mean())


class Evidence:
    """What the history says about every configuration, laid out for the conclusions."""

    def __init__(self, history: History, spec: StudySpec) -> None:
        self.history = history
        self.spec = spec

    @cached_property
    def noise(self) -> SeedNoise:
        """Of the accuracy on validation."""
        return self.noise_on(VALIDATION)

    def noise_on(self, split: str) -> SeedNoise:
        """Of the accuracy on a split."""

        def accuracies(facts: tuple[TrialFact, ...]) -> Floats:
            return np.array([[fact.outcomes[split].accuracy] for fact in facts])

        return pooled_covariance({key: accuracies(facts) for key, facts in replicates(self.history, split).items()})

    @cached_property
    def joint_noise(self) -> SeedNoise:
        """Of (accuracy, loss) on validation; without finite losses, or without replicates, the loss has none."""
        values = [
            np.array([[f.outcomes[VALIDATION].accuracy, f.outcomes[VALIDATION].loss] for f in facts])
            for facts in replicates(self.history).values()
        ]
        joint = pooled_covariance((v for v in values if np.isfinite(v).all()), prior=None)
        if joint.df < PROVISIONAL_DF:
            assumed, df = self.noise.assumed
            return SeedNoise(np.diag([assumed[0, 0], 0.0]), df, self.noise.from_prior)
        return joint

    @cached_property
    def candidates(self) -> dict[str, Candidate]:
        """Every configuration that trained at least once, by effective key, in order of planning."""
        found = {}
        for key, facts in replicates(self.history).items():
            claiming = tuple(f for f in facts if f.trial.purpose is not Purpose.BRACKET)
            broke = sum(
                f.state in (TrialState.DIVERGED, TrialState.COLLAPSED)
                for f in self.history.trials.values()
                if effective_key(f) == key
            )
            found[key] = Candidate(key, claiming or facts, bool(claiming), broke)
        return found

    @cached_property
    def contenders(self) -> tuple[Candidate, ...]:
        """Configurations among which the best is looked for: claiming, and with no replicate that broke (where every
        one has broken replicates: with the majority trained)."""
        claiming = [candidate for candidate in self.candidates.values() if candidate.claiming]
        clean = [candidate for candidate in claiming if candidate.n_broke == 0]
        return tuple(clean or [candidate for candidate in claiming if candidate.n_broke < len(candidate.facts)])

    @cached_property
    def baseline_key(self) -> str | None:
        """Effective key of the baseline as the study file gives it, or None before it has been planned."""
        for fact in self.history.trials.values():
            if fact.trial.purpose is Purpose.BASELINE or fact.trial.configuration == self.spec.baseline:
                return fact.trial.effective.key
        return None

    def field(self, candidates: tuple[Candidate, ...]) -> Field:
        """The same as arrays."""
        joint = self.joint_noise
        return Field(
            np.stack([candidate.scores.mean(axis=0) for candidate in candidates]),
            np.stack([candidate.nll.mean(axis=0) for candidate in candidates]),
            np.array([float(len(candidate.facts)) for candidate in candidates]),
            joint.covariance,
            self._answer_covariance,
            joint.effective_df,
        )

    @cached_property
    def _answer_covariance(self) -> Floats:
        """Of a single example's (score, loss) between seeds, the seed's shift of all examples taken out; (2, 2)."""
        total, df = np.zeros((2, 2)), 0
        for candidate in self.candidates.values():
            m, n = candidate.scores.shape
            if m > 1 and np.isfinite(candidate.nll).all():
                both = np.stack([candidate.scores, candidate.nll])
                both = both - both.mean(axis=1, keepdims=True)
                both = both - both.mean(axis=2, keepdims=True)
                total += np.einsum("amn,bmn->ab", both, both)
                df += (m - 1) * (n - 1)
        return total / df if df else total

    @cached_property
    def chosen_from(self) -> tuple[Candidate, ...]:
        """The contenders as they stood when the best was chosen: without the trials of confirm."""
        before = []
        for candidate in self.contenders:
            facts = tuple(f for f in candidate.facts if f.trial.kind is not RoundKind.CONFIRM)
            if facts:
                before.append(Candidate(candidate.key, facts, True, candidate.n_broke))
        return tuple(before)

    @cached_property
    def accuracies(self) -> dict[str, tuple[float, float, float]]:
        """By effective key: mean accuracy on validation with its 95 % interval."""
        noise = self.noise
        found = {}
        for key, candidate in self.candidates.items():
            low, high = accuracy_interval(candidate.scores, *noise.of(key))
            found[key] = (candidate.accuracy, low, high)
        return found

    @cached_property
    def levels(self) -> tuple[Finding, ...]:
        """The judged differences of one factor's level from its control on validation, those that have an effect; of
        a level judged twice the later one."""
        found: dict[tuple[str, str], Finding] = {}
        for finding in self.history.findings:
            about_level = finding.factor is not None and finding.kind is ContrastKind.DIFFERENCE
            here = finding.family == "main" and finding.split == VALIDATION and not math.isnan(finding.effect)
            if about_level and here:
                found[finding.factor, finding.treatment_key] = finding
        return tuple(found.values())

    def estimates(self, pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> Estimates:
        """Paired differences on validation of any groups of trials, jointly."""
        trials = sorted({trial for pair in pairs for side in pair for trial in side})
        return self.weighted(contrast_matrix(pairs, trials), trials)

    def weighted(self, weights: Floats, trials: list[int]) -> Estimates:
        """Any contrasts over trials on validation, jointly."""
        scores = np.stack([self.history.trials[trial].outcomes[VALIDATION].scores for trial in trials])
        names = [effective_key(self.history.trials[trial]) for trial in trials]
        return estimate(scores, weights, self.noise, names=names)

    def value_of(self, finding: Finding) -> object:
        """The level that a finding is about."""
        configuration = self.history.trials[finding.treatment_trials[0]].trial.configuration
        return getattr(configuration, finding.factor) if finding.factor else None

    def control_value(self, finding: Finding) -> object:
        """The level of its control."""
        configuration = self.history.trials[finding.control_trials[0]].trial.configuration
        return getattr(configuration, finding.factor) if finding.factor else None
