"""Predicts what a trial will cost: tokens, seconds and bytes.

Seconds are computed from rates that the engine measured on this machine (`core.ports.Calibration`); nothing is measured
here. The prediction accounts for passes over the data, truncation and the adapter's own multiplications. It does not
know which trials will share a forward pass, so it is an upper bound for an engine that packs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts
from tunebook.core.ports import Calibration
from tunebook.core.study import Trial

__all__ = [
    "ONE_BY_ONE_SCORING",
    "RANK_REFERENCE",
    "Prediction",
    "expected_work",
    "predict_trial",
    "predict_trials",
    "relative_cost",
    "time_range",
    "training_tokens",
]

ONE_BY_ONE_SCORING = "one_by_one_score_examples_per_second"
"""Key in `Calibration.values` of the examples per second that plain generation scores; without it the engine's own rate
is used."""
RANK_REFERENCE = 8
"""Rank at which calibrations are measured."""
RANK_COST = 0.004
"""Extra training time per unit of rank above `REFERENCE_RANK`, as a share, when the calibration has no `rank_cost`.
Measured with PEFT on SmolLM2-135M, r 8 against r 32 (docs/log.md)."""
SPREAD, OTHER_WORKLOAD = 1.3, 2.0
"""Factors within which predicted times are right, measured on the workload itself and on another one."""
ASSUMED_TOKENS = 100.0
"""Assumed mean tokens per training example when it is not known; then only ratios of costs are meaningful."""


@dataclass(frozen=True)
class Prediction:
    """Predicted cost of one or more trials.

    Attributes:
        train_tokens: raw tokens of training, as one trial after another would compute them.
        seconds: device time for training and scoring.
        one_by_one_seconds: device time with PEFT and the Trainer, one trial after another.
        peak_bytes: memory of the base model and of a full cohort of trials as large as the largest one.
    """

    train_tokens: int = 0
    seconds: float = 0.0
    one_by_one_seconds: float = 0.0
    peak_bytes: int = 0

    def __add__(self, other: Prediction) -> Prediction:
        return Prediction(
            self.train_tokens + other.train_tokens,
            self.seconds + other.seconds,
            self.one_by_one_seconds + other.one_by_one_seconds,
            max(self.peak_bytes, other.peak_bytes),
        )


def training_tokens(configuration: Configuration, facts: DataFacts) -> int:
    """Raw tokens of one training run: passes x examples x mean length. Truncation is applied to the mean length, so the
    count is slightly high when only some examples are truncated."""
    mean = facts.mean_tokens if facts.mean_tokens is not None else ASSUMED_TOKENS
    return round(configuration.num_train_epochs * facts.n_train * min(mean, configuration.max_length))


def relative_cost(configuration: Configuration, facts: DataFacts) -> tuple[float, int]:
    """A sort key for cost that needs no measurement: training time in arbitrary units, then rank (adapter size)."""
    return _rank_factor(configuration) * training_tokens(configuration, facts), configuration.lora_r


def expected_work(
    configuration: Configuration, splits: Sequence[str], facts: DataFacts, n_checkpoints: int = 0
) -> float:
    """A trial's work relative to others', above 0, without any measurement: its training in tokens, and a third of the
    tokens that are scored, which only go forward."""
    mean = facts.mean_tokens if facts.mean_tokens is not None else ASSUMED_TOKENS
    n_scored = (1 + n_checkpoints) * sum(_n_examples(facts, split) for split in splits)
    return 1 + relative_cost(configuration, facts)[0] + n_scored * mean / 3


def predict_trial(
    configuration: Configuration,
    splits: tuple[str, ...],
    facts: DataFacts,
    calibration: Calibration,
    is_checkpoint: bool = False,
) -> Prediction:
    """The predicted cost of one trial. A checkpoint of another trial is only scored."""
    tokens = 0 if is_checkpoint else training_tokens(configuration, facts)
    n_scored = sum(_n_examples(facts, split) for split in splits)
    scoring = n_scored / calibration.score_examples_per_second
    weighted = tokens * _rank_factor(configuration, float(calibration.values.get("rank_cost", RANK_COST)))
    slots = int(calibration.values.get("slots", 1))
    plain_scoring = float(calibration.values.get(ONE_BY_ONE_SCORING, calibration.score_examples_per_second))
    return Prediction(
        train_tokens=tokens,
        seconds=weighted / calibration.train_tokens_per_second + scoring,
        one_by_one_seconds=weighted / calibration.one_by_one_tokens_per_second + n_scored / plain_scoring,
        peak_bytes=calibration.base_bytes + slots * calibration.trial_bytes * configuration.lora_r // RANK_REFERENCE,
    )


def time_range(seconds: float, calibration: Calibration) -> tuple[float, float]:
    """The range in which a predicted time is expected to lie.

    A measurement of seconds on the workload itself is right within `SPREAD`; speeds that were kept from another
    workload within `OTHER_WORKLOAD`. The lower end also allows for other programs that took a share of the processors
    while it was measured, and may be gone.
    """
    spread = OTHER_WORKLOAD if calibration.values.get("other_workload") else SPREAD
    free = 1.0 - min(0.9, max(0.0, float(calibration.values.get("others_busy", 0.0))))
    return seconds * free / spread, seconds * spread


def predict_trials(trials: Iterable[Trial], facts: DataFacts, calibration: Calibration) -> Prediction:
    """The predicted cost of several trials together."""
    total = Prediction()
    for trial in trials:
        checkpoint = trial.checkpoint_of is not None
        total += predict_trial(trial.effective, trial.splits, facts, calibration, checkpoint)
    return total


def _n_examples(facts: DataFacts, split: str) -> float:
    return {"validation": facts.n_validation, "test": facts.n_test}.get(split, 0) * facts.rows_per_example


def _rank_factor(configuration: Configuration, rank_cost: float = RANK_COST) -> float:
    return max(0.5, 1 + rank_cost * (configuration.lora_r - RANK_REFERENCE))
