"""Findings: claims with effect, interval, adjusted p-value, evidence and a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tunebook.core.factor import Level
from tunebook.core.study import Contrast, ContrastKind, RoundKind

__all__ = [
    "BestConfiguration",
    "CheapestAsGood",
    "Confirmation",
    "DescribedFactor",
    "DescribedLevel",
    "DivergenceBracket",
    "Finding",
    "Importance",
    "Interaction",
    "LevelMean",
    "MoreMoney",
    "Neighbour",
    "Noise",
    "NothingLearned",
    "RateTried",
    "StudyFindings",
    "SweetSpot",
    "Verdict",
]

SEEDS_TO_TEST = 2
"""With fewer seeds on a side nothing tells whether its only seed was a bad one: the difference is then described and
not tested (decision 129)."""

ONE_SEED = "one_seed"
"""The warning of a finding that is described for that reason."""


class Verdict(StrEnum):
    """What the numbers support. `inconclusive` never means "no difference"."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NOT_INFERIOR = "not_inferior"
    INCONCLUSIVE = "inconclusive"
    DIVERGED = "diverged"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One judged contrast. Effects are differences of accuracy in [-1, 1], treatment minus control.

    Attributes:
        label, factor, kind, split: from the contrast.
        round, round_kind: where it was judged.
        family: "main" or "group:<name>".
        treatment_key, control_key: effective keys of the two configurations.
        treatment_trials, control_trials: the evidence: the trials that trained and enter the estimate.
        effect: mean paired difference; NaN when there is none because one side diverged or has no outcomes (the
            interval is then (-1, 1) and the p-values are 1).
        interval: simultaneous over the round's family, at the round's share of the error rate. Non-inferiority is
            one-sided: only the lower end is a bound, the upper is 1.
        plain_interval: 95 % interval for this contrast alone; labelled as such wherever it is shown. Chance on single
            answers counts once in it, and twice in `interval`, the p-values and `standard_error` (decision 117).
        p_raw, p_adjusted: two-sided (one-sided for non-inferiority); adjusted within the round's family.
        alpha: the round's share of the study's error rate, which p_adjusted is held against.
        standard_error, degrees_of_freedom: of the effect.
        verdict: see `Verdict`.
        provisional: whether the seed noise was estimated from fewer than four degrees of freedom, or from the prior.
        loss_effect, loss_interval: the paired difference of the negative log-likelihood (nats per example) with its
            plain 95 % interval, as a second measure of the same contrast.
        witnesses_disagree: accuracy and loss point in opposite directions, and both plain intervals exclude zero.
        p_mcnemar: p-value of the exact McNemar test, when each side is a single trial.
        examples_needed, seeds_needed: the total number of examples (seeds unchanged), or of seeds on each side
            (examples unchanged), that would settle an inconclusive finding at the observed effect with power 0.8, as a
            difference or as an equivalence, whichever takes fewer; None: more than 20 times the present number.
        levels: of a fitted contrast, the level (or lowest level) compared with and the level (or highest) compared; the
            keys are then empty and the effect is an average over the design's other settings.
        warnings: codes of what may mislead: treatment_replicates_diverged, control_replicates_diverged (some did; the
            estimate covers those that trained), control_diverged, treatment_trials_failed, control_trials_failed
            (judged without them), no_outcomes, exploratory (not planned: outside the study's error rate),
            unequal_noise, control_unequal_noise (that side's seeds differ more than all others', so it is judged by its
            own noise),
            uneven_noise (seeds of some configurations differ far more than others'; all intervals are wider for it),
            correlated_examples (neighbouring examples in the file are correlated; the interval is widened),
            alpha_over_r_constant (alpha/r is the same everywhere in this study, so rank and alpha cannot be told
            apart), one_seed (a side has a single seed: described and not tested, so inconclusive whatever the
            p-values).
    """

    label: str
    factor: str | None
    kind: ContrastKind
    split: str
    round: int
    round_kind: RoundKind
    treatment_key: str
    control_key: str
    treatment_trials: tuple[int, ...]
    control_trials: tuple[int, ...]
    effect: float
    interval: tuple[float, float]
    plain_interval: tuple[float, float]
    p_raw: float
    p_adjusted: float
    alpha: float
    standard_error: float
    degrees_of_freedom: float
    verdict: Verdict
    provisional: bool = False
    family: str = "main"
    loss_effect: float | None = None
    loss_interval: tuple[float, float] | None = None
    witnesses_disagree: bool = False
    p_mcnemar: float | None = None
    examples_needed: int | None = None
    seeds_needed: int | None = None
    levels: tuple[Level, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_tested(self) -> bool:
        """Whether there are seeds enough for a verdict."""
        return ONE_SEED not in self.warnings

    @property
    def is_difference(self) -> bool:
        """Whether the verdict is that one side is better."""
        return self.verdict in (Verdict.BETTER, Verdict.WORSE)

    @classmethod
    def without_numbers(
        cls, contrast: Contrast, judged_in: tuple[int, RoundKind], alpha: float, **known: Any
    ) -> Finding:
        """A contrast's finding before it has numbers: no effect, the widest intervals, inconclusive.

        Args:
            judged_in: number and kind of the round.
            alpha: the round's share of the study's error rate.
            known: the fields that are known already.
        """
        blank: dict[str, Any] = {
            "label": contrast.label,
            "factor": contrast.factor,
            "kind": contrast.kind,
            "split": contrast.split,
            "round": judged_in[0],
            "round_kind": judged_in[1],
            "treatment_key": "",
            "control_key": "",
            "treatment_trials": contrast.treatment,
            "control_trials": contrast.control,
            "effect": math.nan,
            "interval": (-1.0, 1.0),
            "plain_interval": (-1.0, 1.0),
            "p_raw": 1.0,
            "p_adjusted": 1.0,
            "alpha": alpha,
            "standard_error": math.nan,
            "degrees_of_freedom": math.nan,
            "verdict": Verdict.INCONCLUSIVE,
        }
        return cls(**(blank | known))


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How much trials with equal settings differ between seeds, and what this study can detect.

    Attributes:
        seed_deviation: pooled standard deviation of accuracy between replicates, in [0, 1].
        degrees_of_freedom: of `seed_deviation`; 0 when it is the prior.
        from_prior: whether `seed_deviation` is the prior.
        smallest_detectable_effect: by round kind, power 0.8, adjusted for the round's comparisons.
        smallest_margin: the smallest margin within which equivalence could be shown.
        loss_deviation: pooled standard deviation of the loss between replicates, nats per example.
        noisier: by effective key, the configurations that are judged by their own noise, with its deviation and degrees
            of freedom.
    """

    seed_deviation: float
    degrees_of_freedom: float
    from_prior: bool
    smallest_detectable_effect: dict[str, float]
    smallest_margin: float
    loss_deviation: float | None = None
    noisier: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BestConfiguration:
    """The recommended configuration. `chosen_by`: "confirmed", "claim" (a finding supports it) or "leading" (ahead, but
    not shown to be better).

    `raw` is the mean validation accuracy of its trials. `corrected` removes the winner's curse (re-selection bootstrap
    over examples and seeds) and has a 95 % interval.
    """

    key: str
    trials: tuple[int, ...]
    raw: float
    corrected: float
    corrected_interval: tuple[float, float]
    chosen_by: str


@dataclass(frozen=True, kw_only=True)
class NothingLearned:
    """No configuration is shown better than no training at all. Nothing is then recommended.

    Attributes:
        key, trials: the configuration that leads all the same, and the trials by which it does.
        accuracy: their mean on validation; `corrected_interval` is that of `BestConfiguration`.
        bar: what its interval does not lie above: the accuracy of the untrained model, or of always giving the
            commonest answer, whichever is higher.
        bar_is: "untrained" or "commonest".
        untrained_loss, loss: nats an example, of the untrained model and of the leading configuration; None: unknown.
        still_falling: mean training loss of the third and the last quarter of its steps, nats a token, if it clearly
            still fell with every seed.
        other_seeds_accuracy: mean accuracy on validation of the replicates by which it does not lead; None without any.
        n_other_seeds: how many those are.
    """

    key: str
    trials: tuple[int, ...]
    accuracy: float
    corrected_interval: tuple[float, float]
    bar: float
    bar_is: str
    untrained_loss: float | None = None
    loss: float | None = None
    still_falling: tuple[float, float] | None = None
    other_seeds_accuracy: float | None = None
    n_other_seeds: int = 0


@dataclass(frozen=True)
class CheapestAsGood:
    """The cheapest configuration shown to be worse than the best by no more than the margin. With `key` None: the
    cheapest candidate, and how much worse it may be."""

    key: str | None
    candidate: str | None
    may_be_worse_by: float | None
    cost_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The share of the variance between configurations that a factor explains over the levels tried.

    Attributes:
        share: of variance beyond noise, in [0, 1].
        rank, rank_interval: 1 is the most important; 95 % bootstrap interval.
        first_share: share of resamplings in which it ranked first.
        ranked: False when no level of it is shown better or worse; `nothing_above` is then the smallest effect that
            would have been seen.
    """

    factor: str
    share: float
    rank: int
    rank_interval: tuple[int, int]
    first_share: float
    ranked: bool
    nothing_above: float
    levels: tuple[object, ...] = ()


@dataclass(frozen=True)
class Interaction:
    """Whether two factors' effects add up. `known` is False, and the numbers are None, when the needed trials do not
    exist."""

    factors: tuple[str, str]
    known: bool
    effect: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class LowSeed:
    """One seed of a configuration came out far below its replicates. It describes and claims nothing.

    Attributes:
        trial: its number.
        accuracy: its validation accuracy; others: the mean of its replicates, in [0, 1].
        n_others: replicates beside it.
    """

    trial: int
    accuracy: float
    others: float
    n_others: int


@dataclass(frozen=True, kw_only=True)
class LevelMean:
    """Accuracy at one level of a factor of a balanced design, adjusted to the mean of all other factors.

    Attributes:
        mean, interval: in [0, 1]; the interval is plain, 95 %: it describes.
        trials: those that trained at this level.
    """

    factor: str
    level: Level
    mean: float
    interval: tuple[float, float]
    trials: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DescribedLevel:
    """What the validation loss of the best configuration would be with another level of one factor, by a model of the
    loss over all trials.

    Attributes:
        change: expected loss over that of the best as it is, less 1; interval: the same, plain, 95 %. They describe.
        difference: of accuracy, as the trials' losses and accuracies go together; None: not known.
        trials: those at this level that trained to their end; of a learning rate, none between rates.
    """

    level: Level
    change: float
    interval: tuple[float, float]
    difference: float | None
    trials: tuple[int, ...]

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval leaves 0 out."""
        return not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True, kw_only=True)
class DescribedFactor:
    """One factor by the model of the loss, where no round asked about it.

    Attributes:
        own: its level in the best configuration.
        levels: the others.
        span: of the learning rate, the lowest and the highest rate around its own up to which no rate is told to be
            worse; None: of other factors, whose levels say it.
    """

    factor: str
    own: Level
    levels: tuple[DescribedLevel, ...]
    span: tuple[float, float] | None = None

    @property
    def matters(self) -> bool:
        """Whether another level is told apart from that of the best."""
        return any(level.is_told_apart for level in self.levels)

    @property
    def worst(self) -> DescribedLevel:
        """The level that would change the loss most, of those told apart where there are any."""
        among = [level for level in self.levels if level.is_told_apart] or list(self.levels)
        return max(among, key=lambda level: abs(level.change))

    @property
    def at_most(self) -> float:
        """The farthest end of the intervals: no level changes the loss by more."""
        return max(abs(end) for level in self.levels for end in level.interval)

    @property
    def good(self) -> tuple[Level, ...]:
        """The levels that are not told to be worse than that of the best, which comes first."""
        return (self.own, *(level.level for level in self.levels if level.interval[0] <= 0))


@dataclass(frozen=True)
class SweetSpot:
    """The range of a numeric factor whose fitted response cannot be told from the best (for the learning rate: a
    quadratic in the log rate, without the rates that diverged, ended where a replicate did not train). `fitted` False:
    too few levels for a fit; the range then holds the levels themselves."""

    factor: str
    low: float
    high: float
    best: float
    fitted: bool


@dataclass(frozen=True)
class RateTried:
    """The replicates at one learning rate of a bracket.

    Attributes:
        trained, tried: how many trained, and of how many.
        endings: how the others ended, each way once: "diverged", "collapsed", or "learned_nothing" (completed without
            anything learned).
    """

    rate: float
    trained: int
    tried: int
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DivergenceBracket:
    """Where training breaks, over trials that differ in nothing but learning rate and seed.

    Attributes:
        rates: what was tried, lowest rate first; everything else follows from it.
        held_at: the highest rate up to which every replicate trained.
        failed_at: the lowest rate at which most replicates did not; None: there is none.
        highest_trained, lowest_failed: the same moved outwards until the replicates exclude an edge beyond them.
        mixed: whether rates between `held_at` and `failed_at` were tried.
        how: how those at `failed_at` and above ended: "diverged", "collapsed", "learned_nothing" or "both".
    """

    rates: tuple[RateTried, ...]
    held_at: float
    failed_at: float | None
    highest_trained: float
    lowest_failed: float | None
    trials: tuple[int, ...]
    how: str
    mixed: bool = False

    def at(self, rate: float) -> RateTried:
        """The replicates at a rate that was tried."""
        return next(each for each in self.rates if each.rate == rate)

    @property
    def between(self) -> tuple[RateTried, ...]:
        """The rates above the one that held and below the one that failed."""
        return tuple(r for r in self.rates if self.held_at < r.rate < (self.failed_at or math.inf))


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What fresh seeds said of the configurations on the sealed list, on the test split where there is one: it is
    opened once.

    Attributes:
        keys: effective keys by role ("best", "cheapest", "baseline"). "best" is the one that was to be confirmed; if it
            failed, another one is recommended.
        accuracies, intervals: by role, of the replicates that trained.
        trained: by role, how many of the fresh seeds trained, and of how many.
        endings: how the others of "best" ended, as in `RateTried`.
        outcome: "held" (shown better than the baseline), "broke" (a fresh seed did not train), "worse" (shown worse
            than the baseline), "not_shown", "baseline" (the baseline itself was the best), "runner_up" (it was, and the
            runner-up was shown better than it), or "open" (not judged yet).
        gain, gain_interval: of "best" over the baseline; of the runner-up where it took its place, or where the
            baseline itself was the best.
        n_examples: scored on that split; 0: nothing trained.
    """

    keys: dict[str, str]
    outcome: str
    trained: dict[str, tuple[int, int]]
    endings: tuple[str, ...]
    accuracies: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    gain: float | None
    gain_interval: tuple[float, float] | None
    n_examples: int


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """The recommended configuration against the same with one of its changes dropped. Describes, claims nothing.

    Attributes:
        factor: what is at the baseline's value again (the rank together with its alpha).
        level: its value in the recommended configuration.
        key: the neighbour's.
        effect, interval: accuracy of the recommended one minus the neighbour's on validation; simultaneous, 95 %.
    """

    factor: str
    level: Level
    key: str
    effect: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class MoreMoney:
    """What further spending would bring: the main finding's half-width now, with more trials, and with more
    examples of its split."""

    half_width: float
    extra_trials: int
    half_width_with_trials: float
    extra_examples: int
    half_width_with_examples: float
    split: str = "validation"


@dataclass(frozen=True, kw_only=True)
class StudyFindings:
    """Everything that a study supports so far. `findings` are those of all closed rounds, in order, those by group
    included.

    `best` is None while nothing has trained, and where `nothing_learned` says why nothing is recommended.

    `accuracies`: (mean accuracy, low, high) by effective key. The interval is Wilson's for one trial and includes the
    seed noise for several.
    """

    noise: Noise
    findings: tuple[Finding, ...]
    accuracies: dict[str, tuple[float, float, float]]
    best: BestConfiguration | None = None
    nothing_learned: NothingLearned | None = None
    tie_set: tuple[str, ...] = ()
    cheapest: CheapestAsGood | None = None
    importance: tuple[Importance, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    sweet_spots: tuple[SweetSpot, ...] = ()
    boundary: DivergenceBracket | None = None
    confirmation: Confirmation | None = None
    more_money: MoreMoney | None = None
    neighbours: tuple[Neighbour, ...] = ()
    level_means: tuple[LevelMean, ...] = ()
    low_seeds: tuple[LowSeed, ...] = ()
