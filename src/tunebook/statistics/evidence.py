"""The one reading of a study's history: which trials speak for which configuration, how noisy seeds are, who leads.

The planner, the judging of a round, the conclusions and the record all ask `Evidence`, so that they cannot disagree.
It reads a history as it is, or as it stood at the end of any round (decision 027).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.cost import relative_cost
from tunebook.core.divergence import how_it_ended
from tunebook.core.facts import DataFacts, Floats, History, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind, Purpose, RoundKind, TrialState
from tunebook.statistics.intervals import accuracy_interval
from tunebook.statistics.noise import PROVISIONAL_DF, SeedNoise, answer_variance, pooled_covariance
from tunebook.statistics.paired import Estimates, contrast_matrix, estimate
from tunebook.statistics.selection import Field, leader

__all__ = ["BROKE", "VALIDATION", "Candidate", "Evidence", "effective_key", "key_of"]

VALIDATION = "validation"
BROKE = (TrialState.DIVERGED, TrialState.COLLAPSED)


@lru_cache(maxsize=4096)
def key_of(configuration: Configuration) -> str:
    """The configuration's key; remembered, because it is asked for at every judgement."""
    return configuration.key


def effective_key(fact: TrialFact) -> str:
    """Key of a trial's effective configuration."""
    return key_of(fact.trial.effective)


@dataclass(frozen=True)
class Candidate:
    """One effective configuration with its replicates.

    Attributes:
        effective: what acts.
        facts: its claiming trials in order of planning, whatever became of them. A bracket's trials chose a learning
            rate and claim nothing: they are here only for a configuration that has no others.
        claims: whether `facts` are claiming trials.
    """

    effective: Configuration
    facts: tuple[TrialFact, ...]
    claims: bool = True

    @property
    def key(self) -> str:
        return key_of(self.effective)

    @property
    def configuration(self) -> Configuration:
        """As it was asked for first."""
        return self.facts[0].trial.configuration

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(fact.trial.id for fact in self.facts)

    @cached_property
    def trained(self) -> tuple[TrialFact, ...]:
        """The replicates that trained and were scored on validation."""
        return tuple(fact for fact in self.facts if _is_scored(fact, VALIDATION))

    @property
    def trained_ids(self) -> tuple[int, ...]:
        return tuple(fact.trial.id for fact in self.trained)

    @cached_property
    def n_broke(self) -> int:
        """Replicates that diverged or collapsed; failed ones did neither."""
        return sum(fact.state in BROKE for fact in self.facts)

    @property
    def trains(self) -> bool:
        """Whether more replicates trained than broke."""
        return len(self.trained) > self.n_broke

    @cached_property
    def accuracy(self) -> float:
        """Mean validation accuracy of the replicates that trained; nan when none did."""
        return _mean([fact.outcomes[VALIDATION].accuracy for fact in self.trained])

    @cached_property
    def loss(self) -> float:
        """Mean validation loss in nats an example; infinite when it is not finite, or when most replicates broke."""
        loss = _mean([fact.outcomes[VALIDATION].loss for fact in self.trained]) if self.trains else math.inf
        return loss if math.isfinite(loss) else math.inf

    @cached_property
    def scores(self) -> Floats:
        """One row for each replicate that trained, shape (m, n)."""
        return np.stack([fact.outcomes[VALIDATION].scores for fact in self.trained])

    @cached_property
    def nll(self) -> Floats:
        """One row for each replicate that trained, nats an example, shape (m, n)."""
        return np.stack([fact.outcomes[VALIDATION].nll for fact in self.trained])

    def before_confirm(self) -> Candidate:
        """The same without the trials of the confirm round, which confirm a choice and do not make it."""
        return replace(self, facts=tuple(f for f in self.facts if f.trial.kind is not RoundKind.CONFIRM))


class Evidence:
    """What a history says about every configuration.

    Args:
        history: everything so far.
        baseline: the study's baseline as it was asked for; None where nobody asks which configuration it is.
        up_to_round: read the history as it stood at the end of this round; None: all of it.
    """

    def __init__(self, history: History, baseline: Configuration | None = None, up_to_round: int | None = None) -> None:
        self.history = history if up_to_round is None else _until(history, up_to_round)
        self.baseline = baseline
        self._rounds: dict[int, Evidence] = {}
        self._noise: dict[str, SeedNoise] = {}

    def up_to(self, round_number: int) -> Evidence:
        """The evidence as it stood at the end of a round."""
        if round_number not in self._rounds:
            self._rounds[round_number] = Evidence(self.history, self.baseline, round_number)
        return self._rounds[round_number]

    # -- which trials speak for which configuration

    @cached_property
    def by_key(self) -> dict[str, tuple[TrialFact, ...]]:
        """All trials but the reference, by effective key, in order of planning."""
        grouped: dict[str, list[TrialFact]] = {}
        for fact in self.history.trials.values():
            if fact.trial.purpose is not Purpose.REFERENCE:
                grouped.setdefault(effective_key(fact), []).append(fact)
        return {key: tuple(facts) for key, facts in grouped.items()}

    @cached_property
    def candidates(self) -> dict[str, Candidate]:
        """Every configuration that has been planned, by effective key, in order of planning."""
        return {key: _candidate(facts) for key, facts in self.by_key.items()}

    @cached_property
    def claiming(self) -> dict[str, Candidate]:
        """The configurations with trials that speak about accuracy, by effective key."""
        return {key: candidate for key, candidate in self.candidates.items() if candidate.claims}

    @cached_property
    def baseline_key(self) -> str:
        """Effective key of the baseline; before it has been planned, its key as it was asked for."""
        for key, facts in self.by_key.items():
            if any(f.trial.purpose is Purpose.BASELINE or f.trial.configuration == self.baseline for f in facts):
                return key
        return key_of(self.baseline) if self.baseline is not None else ""

    @cached_property
    def usual_accuracy(self) -> float:
        """The baseline's mean accuracy on validation; nan when none of its trials trained."""
        baseline = self.candidates.get(self.baseline_key)
        return baseline.accuracy if baseline is not None else math.nan

    def how_it_ended(self, fact: TrialFact) -> str | None:
        """How a trial ended that did not train; None: it trained. See `core.divergence.how_it_ended`."""
        return how_it_ended(fact, self.usual_accuracy)

    def replicates(self, split: str = VALIDATION) -> dict[str, tuple[TrialFact, ...]]:
        """By effective key the trials that trained and were scored on the split, a bracket's among them."""
        scored = {key: tuple(f for f in facts if _is_scored(f, split)) for key, facts in self.by_key.items()}
        return {key: facts for key, facts in scored.items() if facts}

    # -- who leads

    @cached_property
    def contenders(self) -> tuple[Candidate, ...]:
        """The configurations among which the best is looked for: those of which no replicate broke, or when there are
        none of these, those that trained more often than they broke; without those that a limit keeps out."""
        excluded = self.history.excluded
        trains = [each for each in self.claiming.values() if each.trains and each.key not in excluded]
        return tuple([candidate for candidate in trains if candidate.n_broke == 0] or trains)

    @cached_property
    def chosen_from(self) -> tuple[Candidate, ...]:
        """The contenders with the trials by which the best is chosen, so without those of confirm."""
        before = (candidate.before_confirm() for candidate in self.contenders)
        return tuple(candidate for candidate in before if candidate.trained)

    @cached_property
    def leading(self) -> Candidate | None:
        """The configuration that leads, with the trials by which it leads; None while nothing has trained.

        Once the confirm list is sealed it is the best of that list, or the runner-up where the best broke with fresh
        seeds, was shown worse than the baseline, or is the baseline and was shown worse than the runner-up. Until then,
        and where neither is left, the rule of `statistics.selection.leader` decides.
        """
        by_key = {candidate.key: candidate for candidate in self.chosen_from}
        failed = {self.history.sealed["best"]} if self.confirmed_as in ("worse", "runner_up") else set()
        for role in ("best", "runner_up"):
            key = self.history.sealed.get(role)
            if key in by_key and key not in failed:
                return by_key[key]
        return self.leading_without(failed)

    @cached_property
    def unconfirmed(self) -> Candidate | None:
        """The configuration that would lead by the rule of `statistics.selection.leader`, if it was trained only after
        the confirm round and has a higher accuracy than the one that leads; else None."""
        confirm = [f.trial.id for f in self.history.trials.values() if f.trial.kind is RoundKind.CONFIRM]
        ahead, leads = self.leading_without(()), self.leading
        if not confirm or ahead is None or leads is None or ahead.accuracy <= leads.accuracy:
            return None
        return ahead if min(ahead.trained_ids) > max(confirm) else None

    def leading_without(self, keys: Collection[str]) -> Candidate | None:
        """The configuration that leads by the rule of `statistics.selection.leader`, these left out."""
        others = [candidate for candidate in self.chosen_from if candidate.key not in keys]
        if not others:
            return None
        scores = np.stack([candidate.scores.mean(axis=0) for candidate in others])
        return others[leader(scores, np.array([candidate.loss for candidate in others]))]

    def bar(self, facts: DataFacts) -> tuple[float, str]:
        """What is right without any training: the accuracy of the untrained model ("untrained") or of always giving the
        commonest answer ("commonest"), whichever is higher."""
        reference = self.history.trials.get(0)
        untrained = reference.outcomes.get(VALIDATION) if reference is not None else None
        if untrained is not None and untrained.accuracy > facts.score_of_commonest:
            return untrained.accuracy, "untrained"
        return facts.score_of_commonest, "commonest"

    # -- the confirmation

    @cached_property
    def confirm_split(self) -> str:
        """The split on which the confirm round is judged: validation, where there is no test split."""
        confirm = [trial for wave in self.history.waves if wave.kind is RoundKind.CONFIRM for trial in wave.trials]
        return "test" if any("test" in trial.splits for trial in confirm) else VALIDATION

    def confirm_finding(self, role: str) -> Finding | None:
        """The confirm round's finding about a sealed role ("best", "runner_up") against the baseline, if it has an
        estimate."""
        found = [
            f
            for f in self.history.findings
            if f.round_kind is RoundKind.CONFIRM and f.label == role and f.family == "main"
        ]
        return found[-1] if found and not math.isnan(found[-1].effect) else None

    @cached_property
    def confirmed_as(self) -> str:
        """What the confirm round said of the sealed best: see `core.findings.Confirmation.outcome`."""
        sealed = self.history.sealed.get("best")
        if sealed is None:
            return "open"
        if sealed == self.baseline_key:
            rival = self.confirm_finding("runner_up")
            return "runner_up" if rival is not None and rival.verdict is Verdict.BETTER else "baseline"
        fresh = [f for f in self.by_key.get(sealed, ()) if f.trial.kind is RoundKind.CONFIRM]
        if any(f.state in BROKE for f in fresh):
            return "broke"
        if not any(f.round_kind is RoundKind.CONFIRM for f in self.history.findings):
            return "open"
        confirming = self.confirm_finding("best")
        verdict = confirming.verdict if confirming is not None else Verdict.INCONCLUSIVE
        return {Verdict.BETTER: "held", Verdict.WORSE: "worse"}.get(verdict, "not_shown")

    def cheaper_than(self, best: Candidate, facts: DataFacts) -> list[Candidate]:
        """The contenders that cost less to train than the best."""
        price = relative_cost(best.effective, facts)
        return [candidate for candidate in self.contenders if relative_cost(candidate.effective, facts) < price]

    def cheapest_near(self, best: Candidate, facts: DataFacts, margin: float) -> Candidate | None:
        """The cheapest contender that is cheaper than the best and less than the margin below it, or None."""
        near = [c for c in self.cheaper_than(best, facts) if c.accuracy >= best.accuracy - margin]
        return min(near, key=lambda c: (relative_cost(c.effective, facts), c.loss), default=None)

    # -- how noisy

    @property
    def noise(self) -> SeedNoise:
        """Of the accuracy on validation."""
        return self.noise_on(VALIDATION)

    def noise_on(self, split: str, blocks: Sequence[NDArray[np.intp]] = ()) -> SeedNoise:
        """Of the accuracy on a split, or on blocks of its examples.

        The few replicates of a small confirm round are too few for the test split: the noise on validation, where the
        same settings were repeated more often, then stands in.
        """
        if blocks:
            return self._pooled(split, blocks)
        if split not in self._noise:
            noise = self._pooled(split, ())
            if split != VALIDATION and noise.provisional and self.noise.df > noise.df:
                noise = self.noise
            self._noise[split] = noise
        return self._noise[split]

    def _pooled(self, split: str, blocks: Sequence[NDArray[np.intp]]) -> SeedNoise:
        def means(fact: TrialFact) -> list[float]:
            scores = fact.outcomes[split].scores
            return [float(scores[block].mean()) for block in blocks] or [float(scores.mean())]

        noise = pooled_covariance({k: np.array([means(f) for f in fs]) for k, fs in self.replicates(split).items()})
        residuals, df = self._residuals(split)
        parts = [residuals[:, block] for block in blocks] or [residuals]
        return replace(noise, from_answers=tuple(answer_variance(part, df) / max(part.shape[1], 1) for part in parts))

    def _residuals(self, split: str) -> tuple[Floats, int]:
        """The scores of trials with replicates less the means of their configurations, shape (trials, n), and the
        degrees of freedom of a column."""
        repeated = [
            np.stack([fact.outcomes[split].scores for fact in facts])
            for facts in self.replicates(split).values()
            if len(facts) > 1
        ]
        if not repeated:
            return np.empty((0, self._n_examples(split))), 0
        residuals = np.concatenate([scores - scores.mean(axis=0) for scores in repeated])
        return residuals, len(residuals) - len(repeated)

    def _n_examples(self, split: str) -> int:
        return next((len(facts[0].outcomes[split].scores) for facts in self.replicates(split).values()), 0)

    def loss_noise_on(self, split: str) -> SeedNoise:
        """Of the loss on a split, over the configurations whose losses are finite; it has no prior."""
        losses = {k: np.array([[f.outcomes[split].loss] for f in fs]) for k, fs in self.replicates(split).items()}
        return pooled_covariance({k: each for k, each in losses.items() if np.isfinite(each).all()}, prior=None)

    @cached_property
    def joint_noise(self) -> SeedNoise:
        """Of (accuracy, loss) on validation; without finite losses, or without replicates, the loss has none."""
        values = [
            np.array([[f.outcomes[VALIDATION].accuracy, f.outcomes[VALIDATION].loss] for f in facts])
            for facts in self.replicates().values()
        ]
        joint = pooled_covariance((v for v in values if np.isfinite(v).all()), prior=None)
        if joint.df < PROVISIONAL_DF:
            assumed, df = self.noise.assumed
            return SeedNoise(np.diag([assumed[0, 0], 0.0]), df, from_prior=self.noise.from_prior)
        return joint

    def accuracy(self, facts: Iterable[TrialFact], split: str = VALIDATION) -> tuple[float, tuple[float, float]] | None:
        """Mean accuracy of the trials that trained, with its 95 % interval: Wilson's for one trial, for several from
        the spread over examples and the seed noise. None when none trained."""
        scored = [fact for fact in facts if _is_scored(fact, split)]
        if not scored:
            return None
        scores = np.stack([fact.outcomes[split].scores for fact in scored])
        noise = self.noise_on(split).of(effective_key(scored[0]))
        interval = accuracy_interval(scores, *noise, has_bounds=self.history.has_bounds)
        return _mean([fact.outcomes[split].accuracy for fact in scored]), interval

    # -- for the conclusions

    def field(self, candidates: tuple[Candidate, ...]) -> Field:
        """Candidates as arrays, for the statistics of selection."""
        joint = self.joint_noise
        return Field(
            scores=np.stack([candidate.scores.mean(axis=0) for candidate in candidates]),
            losses=np.stack([candidate.nll.mean(axis=0) for candidate in candidates]),
            replicates=np.array([float(len(candidate.trained)) for candidate in candidates]),
            seed_covariance=joint.covariance,
            answer_covariance=self._answer_covariance,
            seed_df=joint.effective_df,
            has_bounds=self.history.has_bounds,
        )

    @cached_property
    def _answer_covariance(self) -> Floats:
        """Of a single example's (score, loss) between seeds, the seed's shift of all examples taken out; (2, 2)."""
        total, df = np.zeros((2, 2)), 0
        for candidate in self.candidates.values():
            if len(candidate.trained) > 1 and np.isfinite(candidate.nll).all():
                both = np.stack([candidate.scores, candidate.nll])
                both = both - both.mean(axis=1, keepdims=True)
                both = both - both.mean(axis=2, keepdims=True)
                total += np.einsum("amn,bmn->ab", both, both)
                df += (both.shape[1] - 1) * (both.shape[2] - 1)
        return total / df if df else total

    @cached_property
    def levels(self) -> tuple[Finding, ...]:
        """The judged differences of one factor's level from its control on validation, those that have an effect; of
        a level judged twice the later one. Without the user's own trials, which ask about what was seen already."""
        found: dict[tuple[str, str], Finding] = {}
        for finding in self.history.findings:
            about_level = finding.factor is not None and finding.kind is ContrastKind.DIFFERENCE
            about_level = about_level and finding.round_kind is not RoundKind.OWN
            here = finding.family == "main" and finding.split == VALIDATION and not math.isnan(finding.effect)
            if about_level and here:
                found[str(finding.factor), finding.treatment_key] = finding
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
        return self._level(finding, finding.treatment_trials)

    def control_value(self, finding: Finding) -> object:
        """The level of its control."""
        return self._level(finding, finding.control_trials)

    def _level(self, finding: Finding, trials: tuple[int, ...]) -> object:
        configuration = self.history.trials[trials[0]].trial.configuration
        return getattr(configuration, finding.factor) if finding.factor else None


def _is_scored(fact: TrialFact, split: str) -> bool:
    return fact.state is TrialState.COMPLETED and split in fact.outcomes


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _candidate(facts: tuple[TrialFact, ...]) -> Candidate:
    claiming = tuple(fact for fact in facts if not fact.trial.purpose.only_chooses)
    return Candidate(facts[0].trial.effective, claiming or facts, bool(claiming))


def _until(history: History, round_number: int) -> History:
    """A history as it stood at the end of a round."""
    waves = tuple(wave for wave in history.waves if wave.round <= round_number)
    return replace(
        history,
        waves=waves,
        trials={number: fact for number, fact in history.trials.items() if fact.trial.round <= round_number},
        findings=tuple(finding for finding in history.findings if finding.round <= round_number),
        closed_rounds=tuple(number for number in history.closed_rounds if number <= round_number),
        sealed=history.sealed if any(wave.kind is RoundKind.CONFIRM for wave in waves) else {},
    )
