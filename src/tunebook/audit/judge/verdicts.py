"""Comparisons of a record's trials, judged: what holds, what cannot hold, what depends on the pairing.

Two families, each at an error rate of 0.05:

- *against the baseline*: every trial with other settings than the baseline. Both bounds are adjusted by Holm's method
  over this family; the best of the record is one of them, so its having been picked is paid for.
- *picked pairs*: all other comparisons that a claim or a factor's effect needs. They were chosen after seeing the
  table. The favourable bound is adjusted by Holm over the pairs judged here only; the strict bound by Bonferroni over
  all pairs of trials with different settings that could have been picked. So both bounds stay bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tunebook.audit.judge import bounds
from tunebook.audit.judge.noise import SeedNoise
from tunebook.audit.judge.trials import AuditTrial, TrialTable

__all__ = ["ALPHA", "Comparison", "Judge", "Question", "Reason", "SupportVerdict"]

ALPHA = 0.05

Pairs = tuple[tuple[str, str], ...]
"""(treatment, control) keys."""


class SupportVerdict(StrEnum):
    """What the record's numbers say of a claim."""

    HOLDS = "holds"  # however the outcomes pair, as far as two unrelated trials, and beyond seed noise
    DEPENDS = "depends_on_pairing"
    CANNOT_HOLD = "cannot_hold"  # not in the most favourable pairing
    NOT_SHOWN = "not_shown"  # no comparison of this record isolates it
    UNCHECKED = "unchecked"  # nothing in the tables to hold it against


class Reason(StrEnum):
    """Why; the templates put it into words."""

    SIGNIFICANT = "significant"
    PAIRING = "pairing"
    TOO_SMALL = "too_small"
    CONTRADICTED = "contradicted"  # the table says the opposite
    NO_DIFFERENCE = "no_difference"  # the table has the same number on both sides
    SEED_NOISE = "seed_noise"  # the two runs differ, one seed each does not show that the settings do
    SAME_TRAINING = "same_training"  # equal effective settings
    CONFOUNDED = "confounded"
    ONE_TRIAL = "one_trial"
    FEW_RUNS = "few_runs"  # all failed, but too few to say that most do
    EDGE_OPEN = "edge_open"  # it fails somewhere above; where is not shown
    ABSENCE = "absence"  # no difference found is not no difference
    DIFFERENCE_FOUND = "difference_found"  # claimed none, there is one
    ORDER_UNKNOWN = "order_unknown"
    NOT_BEST = "not_best"  # another trial scored higher
    FAILED = "failed"  # the trial did not work, which needs no test
    NO_TRIAL = "no_trial"
    NOT_VARIED = "not_varied"
    UNREAD = "unread"
    EXAMPLES_UNKNOWN = "examples_unknown"


@dataclass(frozen=True)
class Question:
    """A comparison to judge: the mean difference over pairs, in the claimed direction (0: either)."""

    pairs: Pairs
    sign: int = 0


@dataclass(frozen=True)
class Comparison:
    """One judged comparison. Accuracies and effects are in [-1, 1], differences in examples.

    Attributes:
        pairs: (treatment, control) keys; the effect is the mean over them.
        effect: treatment minus control.
        differences: by pair, in examples; empty without a known number of examples.
        interval: 95 % for this comparison alone, as independent samples (one pair only), or None.
        p_favourable, p_independent: the two bounds, unadjusted.
        p_favourable_adjusted, p_independent_adjusted: see the module's header.
        p_seed_adjusted: the independent bound with the seed's variance added.
        family: "baseline" or "picked"; family_size: comparisons it was adjusted for in the strict bound.
        verdict, reason: for the claimed direction.
        doubt: by how much the effect may be off because of the printed precision.
    """

    pairs: Pairs
    effect: float
    differences: tuple[int, ...] = ()
    interval: tuple[float, float] | None = None
    p_favourable: float = 1.0
    p_independent: float = 1.0
    p_seed: float = 1.0
    p_favourable_adjusted: float = 1.0
    p_independent_adjusted: float = 1.0
    p_seed_adjusted: float = 1.0
    family: str = "picked"
    family_size: int = 1
    verdict: SupportVerdict = SupportVerdict.UNCHECKED
    reason: Reason = Reason.EXAMPLES_UNKNOWN
    doubt: float = 0.0


class Judge:
    """Judges all comparisons of one record.

    Args:
        table: the record's trials.
        correct: correct answers by key; trials without a count are missing.
        slack: by how many examples each count may be off; the favourable bound takes the largest difference that the
            printed accuracies allow, the strict one the smallest.
        n: number of examples, None when unknown.
        noise: the seed noise to allow for.
        comparable: keys of the trials whose settings differ from the baseline's, in order.
        different: how many pairs of trials have different settings.
    """

    def __init__(
        self,
        table: TrialTable,
        correct: dict[str, int],
        slack: dict[str, int],
        n: int | None,
        noise: SeedNoise,
        comparable: Sequence[str],
        different: int,
    ) -> None:
        self._slack = slack
        self._trials = {trial.key: trial for trial in table.trials}
        self._baseline = table.baseline
        self._correct = correct
        self._n = n
        self._noise = noise
        self._all_pairs = max(1, different)
        keys = [key for key in comparable if key in correct] if table.baseline in correct else []
        self._against_baseline = self._adjust([self._measure(((key, table.baseline),)) for key in keys], "baseline")
        self._picked: dict[Pairs, Comparison] = {}

    @property
    def family_sizes(self) -> tuple[int, int]:
        """Comparisons against the baseline, and all pairs of trials with different settings."""
        return len(self._against_baseline), self._all_pairs

    def settle(self, questions: Iterable[Question]) -> None:
        """Fix the family of picked pairs: every question that will be asked. Called once, before `answer`."""
        wanted = dict.fromkeys(q.pairs for q in questions if q.pairs and self._of_family(q.pairs) is None)
        if self._n is not None:
            self._picked = self._adjust([self._measure(pairs) for pairs in wanted], "picked")

    def answer(self, question: Question) -> Comparison:
        """The verdict on a question that `settle` was told of."""
        known = self._of_family(question.pairs) or self._picked.get(question.pairs)
        if known is None:
            return self._by_sign(self._without_counts(question.pairs), question.sign)
        return _judged(known, question.sign)

    def _of_family(self, pairs: Pairs) -> Comparison | None:
        if len(pairs) != 1:
            return None
        ((treatment, control),) = pairs
        if control == self._baseline:
            return self._against_baseline.get(pairs)
        if treatment == self._baseline and (mirror := self._against_baseline.get(((control, treatment),))):
            return _mirrored(mirror)
        return None

    def _without_counts(self, pairs: Pairs) -> Comparison:
        effects = [_value(self._trials[a]) - _value(self._trials[b]) for a, b in pairs]
        return Comparison(pairs, sum(effects) / len(effects))

    def _by_sign(self, comparison: Comparison, sign: int) -> Comparison:
        """Without a number of examples only the direction can be checked."""
        if sign and comparison.effect * sign <= 0:
            reason = Reason.CONTRADICTED if comparison.effect else Reason.NO_DIFFERENCE
            return replace(comparison, verdict=SupportVerdict.CANNOT_HOLD, reason=reason)
        return comparison

    def _measure(self, pairs: Pairs) -> Comparison:
        assert self._n is not None
        n = self._n
        differences = tuple(self._correct[a] - self._correct[b] for a, b in pairs)
        effect = sum(differences) / len(pairs) / n
        weights: dict[str, float] = {}
        for a, b in pairs:
            weights[a] = weights.get(a, 0.0) + 1 / len(pairs)
            weights[b] = weights.get(b, 0.0) - 1 / len(pairs)
        spread = sum(w * w * self._variance(key) for key, w in weights.items())
        seed = self._noise.used**2 * sum(w * w for w in weights.values())
        single = pairs[0] if len(pairs) == 1 else None
        doubt = sum(abs(w) * self._slack.get(key, 0) for key, w in weights.items()) / n
        near = max(0.0, abs(effect) - doubt)
        independent = self._fisher(*single) if single else bounds.sum_p(near, spread)
        interval = (
            bounds.independent_interval(self._correct[single[0]], self._correct[single[1]], n) if single else None
        )
        with_seed = max(independent, bounds.seed_p(near, spread, seed, self._noise.used_freedom))
        favourable = bounds.favourable_p(self._farthest(pairs, differences, effect))
        return Comparison(pairs, effect, differences, interval, favourable, independent, with_seed, doubt=doubt)

    def _fisher(self, treatment: str, control: str) -> float:
        """With counts as near to one another as the printed accuracies allow."""
        assert self._n is not None
        a, b = self._correct[treatment], self._correct[control]
        towards = 1 if a < b else -1
        gap = abs(a - b)
        first = min(gap, self._slack.get(treatment, 0))
        second = min(gap - first, self._slack.get(control, 0))
        return bounds.fisher_p(a + towards * first, b - towards * second, self._n)

    def _farthest(self, pairs: Pairs, differences: Sequence[int], effect: float) -> list[int]:
        """The differences with every count moved as far as the printed accuracies allow in the effect's direction."""
        sign = -1 if effect < 0 else 1
        return [
            d + sign * (self._slack.get(a, 0) + self._slack.get(b, 0))
            for d, (a, b) in zip(differences, pairs, strict=True)
        ]

    def _variance(self, key: str) -> float:
        """Of one accuracy, kept above 0 at the ends (Agresti and Coull's two added answers on each side)."""
        assert self._n is not None
        share = (self._correct[key] + 2) / (self._n + 4)
        return share * (1 - share) / self._n

    def _adjust(self, family: list[Comparison], name: str) -> dict[Pairs, Comparison]:
        favourable = bounds.holm([c.p_favourable for c in family])
        if name == "baseline":
            size = len(family)
            independent = bounds.holm([c.p_independent for c in family])
            seed = bounds.holm([c.p_seed for c in family])
        else:
            size = max(self._all_pairs, len(family))
            independent = [bounds.bonferroni(c.p_independent, size) for c in family]
            seed = [bounds.bonferroni(c.p_seed, size) for c in family]
        return {
            c.pairs: replace(
                c,
                p_favourable_adjusted=favourable[i],
                p_independent_adjusted=independent[i],
                p_seed_adjusted=seed[i],
                family=name,
                family_size=size,
            )
            for i, c in enumerate(family)
        }


def _value(trial: AuditTrial) -> float:
    return trial.accuracy.value if trial.accuracy else 0.0


def _mirrored(comparison: Comparison) -> Comparison:
    return replace(
        comparison,
        pairs=tuple((b, a) for a, b in comparison.pairs),
        effect=-comparison.effect,
        differences=tuple(-d for d in comparison.differences),
        interval=(-comparison.interval[1], -comparison.interval[0]) if comparison.interval else None,
    )


def _judged(comparison: Comparison, sign: int) -> Comparison:
    verdict, reason = _verdict(comparison, sign)
    return replace(comparison, verdict=verdict, reason=reason)


def _verdict(c: Comparison, sign: int) -> tuple[SupportVerdict, Reason]:
    if c.effect == 0 and not c.doubt:
        return SupportVerdict.CANNOT_HOLD, Reason.NO_DIFFERENCE
    if sign and c.effect * sign < -c.doubt:
        return SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED
    if c.p_favourable_adjusted > ALPHA:
        return SupportVerdict.CANNOT_HOLD, Reason.TOO_SMALL
    if c.p_independent_adjusted > ALPHA:
        return SupportVerdict.DEPENDS, Reason.PAIRING
    if c.p_seed_adjusted > ALPHA:
        return SupportVerdict.NOT_SHOWN, Reason.SEED_NOISE
    return SupportVerdict.HOLDS, Reason.SIGNIFICANT
