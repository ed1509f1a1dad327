"""Comparisons of a record's trials, judged: what holds, what cannot hold, what depends on the pairing.

Two families, each at an error rate of 0.05 (decision 061):

- *against the baseline*: every trial with other settings than the baseline. Both bounds are adjusted by Holm's method
  over this family; the best of the record is one of them, so its having been picked is paid for.
- *picked pairs*: all other comparisons that a claim or a factor's effect needs. They were chosen after seeing the
  table. The favourable bound is adjusted by Holm over the pairs judged here only; the strict bound by Bonferroni over
  all pairs of trials with different settings that could have been picked. So both bounds stay bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tunebook.audit.judge import bounds
from tunebook.audit.judge.noise import SeedNoise
from tunebook.audit.judge.trials import TrialTable
from tunebook.audit.model import MeasureKind

ALPHA = 0.05

Pairs = tuple[tuple[str, str], ...]
"""(treatment, control) keys."""


class SupportVerdict(StrEnum):
    """What the record's numbers say of a claim."""

    HOLDS = "holds"  # however the outcomes pair, as far as two unrelated trials, and beyond seed noise
    DEPENDS = "depends_on_pairing"
    NOT_CORRECTED = "not_after_correction"  # by itself it might, among as many comparisons it does not
    WITHIN_CHANCE = "within_chance"  # the table has this order, and no pairing puts it beyond chance
    CANNOT_HOLD = "cannot_hold"  # the table has the other sign
    NOT_SHOWN = "not_shown"  # no comparison of this record isolates it
    UNCHECKED = "unchecked"  # not read, or nothing in the tables to hold it against


class Reason(StrEnum):
    """Why; the languages put it into words."""

    SIGNIFICANT = "significant"
    PAIRING = "pairing"
    TOO_SMALL = "too_small"
    CORRECTED = "corrected"  # not after correction for the number of comparisons
    CONTRADICTED = "contradicted"  # every pair that it means has the other sign, beyond rounding
    MIXED_SIGNS = "mixed_signs"  # pairs of both signs, together on the other side
    NO_DIFFERENCE = "no_difference"  # the table has the same number on both sides
    SEED_NOISE = "seed_noise"  # the two runs differ, one seed each does not show that the settings do
    SAME_TRAINING = "same_training"  # equal effective settings
    CONFOUNDED = "confounded"
    FEW_RUNS = "few_runs"  # all failed, but too few to say that most do, or not at the level itself
    OPEN_SIDE = "open_side"  # a range, and nothing was tried on one side of it
    MIXED_RUNS = "mixed_runs"  # some trained there, some failed
    ABSENCE = "absence"  # no difference found is not no difference
    DIFFERENCE_FOUND = "difference_found"  # claimed none, there is one
    ORDER_UNKNOWN = "order_unknown"
    NOT_BEST = "not_best"  # another trial did better
    FAILED = "failed"  # the trial did not work, which needs no test
    UNREAD = "unread"
    EXAMPLES_UNKNOWN = "examples_unknown"
    NO_SHARE = "no_share"  # a loss or another score: order only


@dataclass(frozen=True)
class Question:
    """A comparison to judge: the mean difference over pairs, in the claimed direction (0: either)."""

    pairs: Pairs
    sign: int = 0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One judged comparison. Results and effects as `AuditTrial.value`, differences in examples."""

    pairs: Pairs
    effect: float  # treatment minus control, the mean over pairs
    effects: tuple[float, ...] = ()  # by pair
    doubts: tuple[float, ...] = ()  # by how much each may be off because of the printed precision
    differences: tuple[int, ...] = ()  # in examples; none without their number, and for means over seeds
    interval: tuple[float, float] | None = None  # 95 % for this pair alone, as independent samples
    p_favourable: float = 1.0  # the two bounds, and the second with the seed's variance added
    p_independent: float = 1.0
    p_seed: float = 1.0
    p_favourable_adjusted: float = 1.0  # for many comparisons: see the module's header
    p_independent_adjusted: float = 1.0
    p_seed_adjusted: float = 1.0
    family: str = "picked"  # or "baseline"
    n_judged: int = 1  # comparisons that the first bound was adjusted for
    family_size: int = 1  # and the second
    verdict: SupportVerdict = SupportVerdict.UNCHECKED  # for the claimed direction
    reason: Reason = Reason.EXAMPLES_UNKNOWN

    @property
    def doubt(self) -> float:
        """By how much the effect may be off because of the printed precision."""
        return sum(self.doubts) / len(self.doubts) if self.doubts else 0.0

    def is_mixed(self, sign: int) -> bool:
        """Whether some pair has the other sign beyond rounding, and some pair has this one."""
        signs = {
            effect * sign > 0 for effect, doubt in zip(self.effects, self.doubts, strict=True) if abs(effect) > doubt
        }
        return len(signs) == 2

    def is_opposite(self, sign: int) -> bool:
        """Whether every pair has the other sign, or none, and the whole has it beyond rounding."""
        each = zip(self.effects, self.doubts, strict=True)
        return self.effect * sign < -self.doubt and all(effect * sign <= doubt for effect, doubt in each)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many answers were right, where that is known."""

    n: int | None  # examples; None when unknown or where results are no shares
    seeds: int = 1  # over which each result is a mean; counts are then out of n times as many
    correct: Mapping[str, int] = field(default_factory=dict)  # by key
    slack: Mapping[str, int] = field(default_factory=dict)  # by how many each may be off because of rounding

    @property
    def total(self) -> int:
        """Answers behind one result."""
        return (self.n or 0) * self.seeds


class Judge:
    """Judges all comparisons of one record.

    The favourable bound takes the largest difference that the printed results allow, the strict one the smallest.

    Args:
        comparable: keys of the trials whose settings differ from the baseline's, in order.
        different: how many pairs of trials have different settings.
    """

    def __init__(
        self, table: TrialTable, counts: Counts, noise: SeedNoise, comparable: Sequence[str], different: int
    ) -> None:
        self._trials = {trial.key: trial for trial in table.trials}
        self._share = table.measure.kind is MeasureKind.SHARE
        self._baseline = table.baseline
        self._counts = counts
        self._noise = noise
        self._all_pairs = max(1, different)
        keys = [key for key in comparable if key in counts.correct] if table.baseline in counts.correct else []
        self._against_baseline = self._adjust([self._measure(((key, table.baseline),)) for key in keys], "baseline")
        self._picked: dict[Pairs, Comparison] = {}

    @property
    def family_sizes(self) -> tuple[int, int]:
        """Comparisons against the baseline, and all pairs of trials with different settings."""
        return len(self._against_baseline), self._all_pairs

    def settle(self, questions: Iterable[Question]) -> None:
        """Fix the family of picked pairs: every question that will be asked. Called once, before `answer`."""
        wanted = dict.fromkeys(q.pairs for q in questions if q.pairs and self._of_family(q.pairs) is None)
        known = [pairs for pairs in wanted if all(key in self._counts.correct for pair in pairs for key in pair)]
        self._picked = self._adjust([self._measure(pairs) for pairs in known], "picked")

    def answer(self, question: Question) -> Comparison:
        """The verdict on a question that `settle` was told of."""
        known = self._of_family(question.pairs) or self._picked.get(question.pairs)
        if known is None:
            return self._by_sign(question.pairs, question.sign)
        verdict, reason = _verdict(known, question.sign)
        return replace(known, verdict=verdict, reason=reason)

    def _of_family(self, pairs: Pairs) -> Comparison | None:
        if len(pairs) != 1:
            return None
        mirrored = self._against_baseline.get(((pairs[0][1], pairs[0][0]),))
        return self._against_baseline.get(pairs) or (_mirrored(mirrored) if mirrored else None)

    def _by_sign(self, pairs: Pairs, sign: int) -> Comparison:
        """Without a number of examples only the direction can be checked."""
        effects = tuple(self._trials[a].value - self._trials[b].value for a, b in pairs)
        units = {key: trial.score.unit if trial.score else 0.0 for key, trial in self._trials.items()}
        doubts = tuple((units[a] + units[b]) / 2 * (1 - 1e-9) for a, b in pairs)
        found = Comparison(pairs=pairs, effect=sum(effects) / len(effects), effects=effects, doubts=doubts)
        against = _against(found, sign)
        if against is not None:
            return replace(found, verdict=SupportVerdict.CANNOT_HOLD, reason=against)
        return found if self._share else replace(found, reason=Reason.NO_SHARE)

    def _measure(self, pairs: Pairs) -> Comparison:
        counts, total = self._counts, self._counts.total
        differences = [counts.correct[a] - counts.correct[b] for a, b in pairs]
        slacks = [counts.slack.get(a, 0) + counts.slack.get(b, 0) for a, b in pairs]
        effect = sum(differences) / len(pairs) / total
        weights: dict[str, float] = {}
        for a, b in pairs:
            weights[a] = weights.get(a, 0.0) + 1 / len(pairs)
            weights[b] = weights.get(b, 0.0) - 1 / len(pairs)
        spread = sum(w * w * self._variance(key) for key, w in weights.items())
        seed = self._noise.used**2 / counts.seeds * sum(w * w for w in weights.values())
        near = max(0.0, abs(effect) - sum(abs(w) * counts.slack.get(key, 0) for key, w in weights.items()) / total)
        single = pairs[0] if len(pairs) == 1 and counts.seeds == 1 else None
        independent = self._fisher(*single) if single else bounds.sum_p(near, spread)
        farther = -1 if effect < 0 else 1
        return Comparison(
            pairs=pairs,
            effect=effect,
            effects=tuple(d / total for d in differences),
            doubts=tuple(slack / total for slack in slacks),
            differences=tuple(differences) if counts.seeds == 1 else (),
            interval=self._interval(*single) if single else None,
            p_favourable=bounds.favourable_p([d + farther * s for d, s in zip(differences, slacks, strict=True)]),
            p_independent=independent,
            p_seed=max(independent, bounds.seed_p(near, spread, seed, self._noise.used_freedom)),
        )

    def _interval(self, treatment: str, control: str) -> tuple[float, float]:
        correct = self._counts.correct
        return bounds.independent_interval(correct[treatment], correct[control], self._counts.total)

    def _fisher(self, treatment: str, control: str) -> float:
        """With counts as near to one another as the printed results allow."""
        a, b = self._counts.correct[treatment], self._counts.correct[control]
        towards = 1 if a < b else -1
        first = min(abs(a - b), self._counts.slack.get(treatment, 0))
        second = min(abs(a - b) - first, self._counts.slack.get(control, 0))
        return bounds.fisher_p(a + towards * first, b - towards * second, self._counts.total)

    def _variance(self, key: str) -> float:
        """Of one result, kept above 0 at the ends (Agresti and Coull's two added answers on each side). The same
        examples come up with every seed, so more seeds do not make it smaller."""
        n = self._counts.n or 1
        share = (self._counts.correct[key] / self._counts.seeds + 2) / (n + 4)
        return share * (1 - share) / n

    def _adjust(self, family: list[Comparison], name: str) -> dict[Pairs, Comparison]:
        size = len(family) if name == "baseline" else max(self._all_pairs, len(family))
        strict = bounds.holm if name == "baseline" else lambda ps: bounds.bonferroni(ps, size)
        adjusted = zip(
            family,
            bounds.holm([c.p_favourable for c in family]),
            strict([c.p_independent for c in family]),
            strict([c.p_seed for c in family]),
            strict=True,
        )
        return {
            c.pairs: replace(
                c, p_favourable_adjusted=favourable, p_independent_adjusted=independent, p_seed_adjusted=seed,
                family=name, n_judged=len(family), family_size=size,
            )
            for c, favourable, independent, seed in adjusted
        }  # fmt: skip


def _mirrored(c: Comparison) -> Comparison:
    return replace(
        c,
        pairs=tuple((b, a) for a, b in c.pairs),
        effect=-c.effect,
        effects=tuple(-e for e in c.effects),
        differences=tuple(-d for d in c.differences),
        interval=(-c.interval[1], -c.interval[0]) if c.interval else None,
    )


def _against(c: Comparison, sign: int) -> Reason | None:
    """Why the table's own numbers speak against a claimed direction, or None."""
    if not c.doubt and not any(c.effects):
        return Reason.NO_DIFFERENCE
    if sign and c.is_opposite(sign):
        return Reason.CONTRADICTED
    return Reason.MIXED_SIGNS if sign and c.effect * sign < -c.doubt else None


def _verdict(c: Comparison, sign: int) -> tuple[SupportVerdict, Reason]:
    against = _against(c, sign)
    if against is not None:
        return SupportVerdict.CANNOT_HOLD, against
    if c.p_favourable > ALPHA:
        return SupportVerdict.WITHIN_CHANCE, Reason.TOO_SMALL
    if c.p_favourable_adjusted > ALPHA:
        return SupportVerdict.NOT_CORRECTED, Reason.CORRECTED
    if c.p_independent_adjusted > ALPHA:
        return SupportVerdict.DEPENDS, Reason.PAIRING
    if c.p_seed_adjusted > ALPHA:
        return SupportVerdict.NOT_SHOWN, Reason.SEED_NOISE
    return SupportVerdict.HOLDS, Reason.SIGNIFICANT
