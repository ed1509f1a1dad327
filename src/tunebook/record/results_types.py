"""What results.json holds, key by key. Its JSON schema is made from these types (`record.results_schema`).

Numbers are unrounded. A plain `float` that is not finite is null in JSON; `Finite` never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, WithJsonSchema

from tunebook.core.findings import (
    Confirmation,
    DescribedFactor,
    DivergenceBracket,
    Interaction,
    LevelMean,
    Neighbour,
    NothingLearned,
    SweetSpot,
    Verdict,
)
from tunebook.core.score import ScoreScale
from tunebook.core.study import Budget, ContrastKind, Purpose, RoundKind, SeedCounts, TrialState

__all__ = [
    "BestResult",
    "CheapestResult",
    "CurvePointResult",
    "DataResult",
    "Evidence",
    "FindingResult",
    "ImportanceResult",
    "KeyedConfiguration",
    "LearningCurveResult",
    "NoiseResult",
    "PluginResult",
    "ReferenceResult",
    "Results",
    "SavingsResult",
    "StudyResult",
    "TrialCost",
    "TrialResult",
]


def _one_of(*words: str) -> Any:
    return Field(json_schema_extra={"enum": list(words)})


Finite: TypeAlias = Annotated[float, WithJsonSchema({"type": "number"})]
Amount: TypeAlias = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0})]
Count: TypeAlias = Annotated[int, Field(ge=0)]
TrialId: TypeAlias = Annotated[int, Field(ge=1)]
Key: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
Interval: TypeAlias = tuple[float, float]
Factors: TypeAlias = dict[str, Any]
"""A configuration: every factor under its library name."""


class _Object:
    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, kw_only=True)
class StudyResult(_Object):
    """What was asked."""

    name: str
    model: str
    metric: str
    scale: ScoreScale
    """what the metric's number is; every accuracy below is on its standard scale, on which higher is better and a
    bounded score lies in [0, 1]"""
    metric_options: dict[str, Any]
    seed: int
    engine: str
    is_simulated: bool
    """whether the engine trains nothing, so that every number is made up"""
    margin: Finite
    alpha_rule: Annotated[str, _one_of("proportional", "fixed")]
    design: Annotated[str, _one_of("one_factor", "balanced", "model")]
    baseline: Factors
    """every factor under its library name"""
    baseline_key: Key
    budget: Budget
    seeds: SeedCounts
    space: dict[str, dict[str, Any]]
    """by factor: levels, or low and high"""


@dataclass(frozen=True, kw_only=True)
class PluginResult(_Object):
    """A metric, planner, engine, executor or tracker of another package."""

    kind: str
    """the study file's key that names it"""
    name: str
    package: str
    version: str


@dataclass(frozen=True, kw_only=True)
class DataResult(_Object):
    """The data and the base model."""

    n_train: int
    n_validation: int
    n_test: int
    longest_tokens: int | None
    """longest training example, prompt, completion and end-of-text together"""
    hashes: dict[str, str]
    """SHA-256 by role"""
    summary: dict[str, Any]
    """format, rows, labels, lengths"""
    model: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReferenceResult(_Object):
    """What is reached without training."""

    base_accuracy: float | None
    base_loss: float | None
    commonest_answer_accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class NoiseResult(_Object):
    """How much the same settings differ with another seed, and what this study can see."""

    seed_deviation: Finite
    """pooled standard deviation of accuracy between replicates"""
    degrees_of_freedom: float
    from_prior: bool
    """no configuration has two seeds: the deviation is the stated prior"""
    smallest_detectable_effect: dict[str, float]
    """by round kind, power 0.8"""
    smallest_margin: float
    """the smallest margin that could be shown equivalent"""
    loss_deviation: float | None


@dataclass(frozen=True, kw_only=True)
class TrialCost(_Object):
    """What a trial cost."""

    train_seconds: Amount
    score_seconds: Amount
    raw_tokens: Count
    """tokens as one-after-another training would count them"""
    computed_tokens: Count
    """tokens that went through the model"""
    peak_bytes: Count
    adapter_bytes: Count


@dataclass(frozen=True, kw_only=True)
class TrialResult(_Object):
    """One trial."""

    id: TrialId
    round: Count
    kind: RoundKind
    """purpose of the round"""
    purpose: Purpose
    factor: str | None
    """the factor that the trial is about, if it is about one"""
    configuration: Factors
    """as asked; every factor under its library name"""
    effective_configuration: Factors
    """what acts; every factor under its library name"""
    key: Key
    """of the effective configuration"""
    seed: int
    state: TrialState
    accuracy: float | None
    """on validation"""
    interval: Interval | None
    """of the accuracy, 95 % (Wilson; exact near 0 and 1): [low, high]"""
    groups: dict[str, Finite] | None
    """accuracy by group"""
    loss: float | None
    """mean over examples of the summed negative log-likelihood, nats"""
    loss_finite: bool | None
    test_accuracy: float | None
    loss_by_quarter: tuple[Finite, ...] | None
    """mean training loss of each quarter of the steps, nats a label token"""
    validation_losses: tuple[tuple[Finite, Finite], ...]
    """of the curve: [epoch, loss in nats a label token]; losses that are not finite are left out"""
    diverged_step: int | None
    reason: str | None
    checkpoint_of: int | None
    """the trial of which this one is an earlier checkpoint"""
    cost: TrialCost
    tags: tuple[str, ...]
    """given by the user"""
    note: str
    """of the user; empty: none"""


@dataclass(frozen=True, kw_only=True)
class AccuracyResult(_Object):
    """Trials of one configuration together."""

    key: Key
    trials: tuple[TrialId, ...]
    split: Annotated[str, _one_of("validation", "test")]
    accuracy: Finite
    """mean of the trials that trained"""
    interval: Interval
    """95 %, with the noise between seeds: [low, high]"""
    loss: float | None
    """mean of the trials that trained, nats an example; null where no loss is finite"""


@dataclass(frozen=True, kw_only=True)
class RoundResult(_Object):
    """One round."""

    round: int
    kind: RoundKind
    rows: tuple[AccuracyResult, ...]
    """of its table, where something trained; rows that only choose a learning rate are left out"""


@dataclass(frozen=True, kw_only=True)
class Evidence(_Object):
    """The trials on both sides of a finding."""

    treatment: tuple[TrialId, ...]
    control: tuple[TrialId, ...]


@dataclass(frozen=True, kw_only=True)
class FindingResult(_Object):
    """One judged comparison, treatment minus control."""

    claim: str
    """a short stable label"""
    kind: ContrastKind
    round: int
    round_kind: RoundKind
    split: Annotated[str, _one_of("validation", "test")]
    factor: str | None
    family: str
    """main, or group:<name>"""
    treatment: Key | None
    """None for a fitted contrast, which is about no single configuration"""
    control: Key | None
    effect: float
    effect_defined: bool
    interval: Interval
    """simultaneous over the round's family: [low, high]"""
    interval_level: Finite
    margin: Finite
    """what its round was judged with; the study's may have been changed since"""
    plain_interval_95: Interval
    """for this comparison alone: [low, high]"""
    p_raw: float
    p_adjusted: float
    alpha: Finite
    """the round's share of the error rate"""
    verdict: Verdict
    provisional: bool
    """the seed noise was judged from few seeds, or from a stated prior"""
    standard_error: float
    degrees_of_freedom: float
    loss_effect: float | None
    loss_interval: Interval | None
    witnesses_disagree: bool
    """accuracy and loss point in different directions, both beyond their intervals"""
    p_mcnemar: float | None
    examples_needed: int | None
    """in all, to settle an inconclusive finding"""
    seeds_needed: int | None
    """of each side in all, to settle an inconclusive finding"""
    examples_gained: int | None
    """right in the treatment and wrong in the control, on average over pairs of seeds"""
    examples_lost: int | None
    evidence: Evidence
    levels: tuple[Any, ...]
    """of a fitted contrast: the two levels compared, or the lowest and the highest"""
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BestResult(_Object):
    """The configuration to use."""

    key: Key
    configuration: Factors | None
    trials: tuple[TrialId, ...]
    chosen_by: Annotated[str, _one_of("confirmed", "claim", "leading")]
    accuracy_raw: float
    """mean validation accuracy of the trials that it was chosen by"""
    accuracy_corrected: float
    """with the winner's curse taken out"""
    corrected_interval: Interval
    """95 %: [low, high]"""


@dataclass(frozen=True, kw_only=True)
class CheapestResult(_Object):
    """The cheapest configuration shown not inferior to the best within the margin, or the candidate."""

    key: Key | None
    configuration: Factors | None
    candidate: Key | None
    candidate_configuration: Factors | None
    may_be_worse_by: float | None
    cost_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class KeyedConfiguration(_Object):
    """A configuration by its key."""

    key: Key
    configuration: Factors | None


@dataclass(frozen=True, kw_only=True)
class ImportanceResult(_Object):
    """How much of the variance between configurations a factor explains over the levels tried."""

    factor: str
    share: float
    """of variance beyond noise"""
    rank: int | None
    """1 is the most important; null: below the noise"""
    rank_interval: tuple[int, int] | None
    first_share: float
    """share of resamplings in which it came first"""
    ranked: bool
    nothing_above: float
    """the farthest end of its intervals: the effect is at most this, as far as it was tested"""
    levels: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class SavingsResult(_Object):
    """What the study spent, and what it did not have to."""

    folded_trials: Count
    checkpoint_trials: Count
    trained_trials: Count
    broken_trials: Count
    failed_trials: Count
    raw_tokens: Count
    computed_tokens: Count
    seconds: Finite
    """device time as it passed"""
    one_by_one_seconds: Interval | None
    """[low, high] of what PEFT and the Trainer would have taken; null where unknown, or where the load of the machine
    changed too much to say"""
    price: float | None
    """of the device time, by the study file's `price_per_hour`"""


@dataclass(frozen=True, kw_only=True)
class CurvePointResult(_Object):
    """One training on a part of the training rows."""

    rows: Count
    seed: int
    state: Annotated[str, _one_of("completed", "diverged", "collapsed")]
    accuracy: float | None
    """on validation; null unless completed"""


@dataclass(frozen=True, kw_only=True)
class LearningCurveResult(_Object):
    """The best configuration on parts of the training rows, and what twice the rows would bring."""

    key: Key
    points: tuple[CurvePointResult, ...]
    """fewest rows first"""
    rows: Count
    """training rows of the whole study; the forecast is for twice as many"""
    gain: float | None
    """change of the accuracy with twice the rows; null: not known"""
    gain_interval: Interval | None
    """95 %"""
    why_not: Annotated[str, _one_of("", "few", "misfit")]
    """why the gain is not known: a part is missing or broke, or the points follow no power law"""


@dataclass(frozen=True, kw_only=True)
class Results(_Object):
    """What a study says, for programs. Shares, accuracies and effects lie in [0, 1] or [-1, 1], unrounded; times are
    seconds, sizes bytes, losses nats. NaN is null, with a field beside it that says so."""

    schema_version: int
    study: StudyResult
    device: dict[str, Any]
    """what the machine was when the study began"""
    versions: dict[str, Any]
    """of tunebook and the libraries that the results depend on"""
    plugins: tuple[PluginResult, ...]
    """what the study takes from other packages than tunebook"""
    data: DataResult
    reference: ReferenceResult
    noise: NoiseResult
    trials: tuple[TrialResult, ...]
    """every trial but the reference, in order"""
    rounds: tuple[RoundResult, ...]
    """every planned round but the reference, in order"""
    accuracies: tuple[AccuracyResult, ...]
    """every configuration that trained, over all its trials on validation that did more than choose a learning rate"""
    findings: tuple[FindingResult, ...]
    """every judged comparison, in order"""
    best: BestResult | None
    nothing_learned: NothingLearned | None
    """why nothing is recommended: no configuration is shown better than no training"""
    neighbours: tuple[Neighbour, ...]
    """the best against the same with one of its changes dropped"""
    cheapest_as_good: CheapestResult | None
    tie_set: tuple[KeyedConfiguration, ...]
    """configurations that cannot be told from the best, the best among them"""
    importance: tuple[ImportanceResult, ...]
    interactions: tuple[Interaction, ...]
    level_means: tuple[LevelMean, ...]
    """of a balanced design: accuracy at each level, adjusted to the mean of the other factors"""
    described: tuple[DescribedFactor, ...]
    """where no round asked about factors: the loss of the best with another level of one, by a model of the loss"""
    sweet_spots: tuple[SweetSpot, ...]
    boundary: DivergenceBracket | None
    confirmation: Confirmation | None
    learning_curve: LearningCurveResult | None
    """what `tunebook rows` measured; null: nothing"""
    savings: SavingsResult
