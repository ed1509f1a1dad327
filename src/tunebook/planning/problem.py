"""What does not change while a study runs: the question, the data, the engine's promises, the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tunebook.core.configuration import Configuration
from tunebook.core.cost import predict_trial, relative_cost
from tunebook.core.factor import Factor, Level, Role
from tunebook.core.facts import DataFacts, TrialFact
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, effective
from tunebook.core.study import StudySpec
from tunebook.planning.levels import bracket_rates

__all__ = ["Problem"]


@dataclass
class Problem:
    """The planner's fixed surroundings.

    Attributes:
        table: configurations given by hand, which then make the first round.
        calibration: measured rates; None: a budget in hours is kept by what finished trials took.
    """

    spec: StudySpec
    facts: DataFacts
    folding: Folding
    table: tuple[Configuration, ...] = ()
    calibration: Calibration | None = None
    _effective: dict[Configuration, Configuration] = field(default_factory=dict)
    _families: dict[Configuration, Configuration] = field(default_factory=dict)
    _means: dict[int, tuple[TrialFact, float, float]] = field(default_factory=dict)

    def effective(self, configuration: Configuration) -> Configuration:
        """What acts, once everything is folded away that the engine says changes nothing."""
        known = self._effective.get(configuration)
        if known is None:
            known = effective(configuration, self.folding, self.facts.longest_tokens)
            self._effective[configuration] = known
        return known

    def family(self, effective: Configuration) -> Configuration:
        """What configurations that differ in the learning rate alone have in common."""
        known = self._families.get(effective)
        if known is None:
            known = self._families[effective] = effective.with_values(learning_rate=1.0)
        return known

    def means(self, fact: TrialFact) -> tuple[float, float]:
        """Mean validation loss (nats an example) and accuracy of a trial that has outcomes."""
        known = self._means.get(fact.trial.id)
        if known is None or known[0] is not fact:  # another history may know another result of the same trial
            outcomes = fact.outcomes["validation"]
            known = self._means[fact.trial.id] = (fact, outcomes.loss, outcomes.accuracy)
        return known[1], known[2]

    def configure(self, changes: Mapping[str, Level]) -> Configuration:
        """The baseline with some factors changed.

        With `alpha_rule: proportional` alpha follows the rank at the baseline's alpha/r; a changed alpha is read at
        the baseline's rank and follows it too.
        """
        changed = self.spec.baseline.with_values(**changes)
        if self.spec.alpha_rule == "proportional" and changed.lora_r != self.spec.baseline.lora_r:
            alpha = changed.lora_alpha * changed.lora_r / self.spec.baseline.lora_r
            changed = changed.with_values(lora_alpha=float(f"{alpha:.12g}"))
        return changed

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that are asked about, in the order of the study file."""
        asked = (factor for factor in self.spec.space if factor.role is not Role.FIXED)
        return tuple(f for f in asked if not (f.name == "learning_rate" and f.role is Role.NUISANCE))

    @cached_property
    def rate_factor(self) -> Factor | None:
        """The learning rate as a factor of the space, or None when the study keeps it fixed."""
        factor = self.spec.space.get("learning_rate")
        return None if factor is None or factor.role is Role.FIXED else factor

    @cached_property
    def rates(self) -> tuple[float, ...]:
        """The learning-rate bracket of the study; empty when the rate is fixed."""
        return bracket_rates(self.rate_factor, self.spec.baseline)

    def work(self, configuration: Configuration, splits: tuple[str, ...] = ("validation",)) -> float:
        """What one trial takes: seconds predicted from the calibration, or without one in units of training tokens."""
        acting = self.effective(configuration)
        if self.calibration is None:
            return relative_cost(acting, self.facts)[0]
        return predict_trial(acting, splits, self.facts, self.calibration).seconds
