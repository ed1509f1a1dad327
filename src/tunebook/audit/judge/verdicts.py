"""Comparisons of a record's trials, judged: what holds, what cannot hold, what depends on the pairing.

Two families, each at an error rate of 0.05 (decision 061):

- *against the baseline*: every trial with other settings than the baseline. Both bounds are adjusted by Holm's method
  over this family; the best of the record is one of them, so its having been picked is paid for.
- *picked pairs*: all other comparisons that a claim or a factor's effect needs. They were chosen after seeing the
  table. The favourable bound is adjusted by Holm over the pairs judged here only; the strict bound by Bonferroni over
  all pairs of trials with different settings that could have been picked. So both bounds stay bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tunebook.audit.judge import bounds
from tunebook.audit.judge.counts import Counts
from tunebook.audit.judge.noise import SeedNoise
from tunebook.audit.judge.trials import AuditTrial

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
    effects: tuple[float, ...]  # by pair
    doubts: tuple[float, ...]  # by how much each may be off because of the printed precision
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
        return sum(self.doubts) / len(self.doubts)

    @property
    def signs(self) -> set[int]:
        """The signs that its pairs have beyond rounding."""
        each = zip(self.effects, self.doubts, strict=True)
        return {1 if effect > 0 else -1 for effect, doubt in each if abs(effect) > doubt}


class Judge:
    """Judges all comparisons of one record.

    The favourable bound takes the largest difference that the printed results allow, the strict one the smallest.
    Without a number of examples only the direction can be checked.

    Args:
        trials: those with a result.
        against: questions against the baseline, the first family.
        picked: every other question that will be asked, the second family.
        different: how many pairs of trials have different settings.
    """

    def __init__(
        self, trials: Sequence[AuditTrial], counts: Counts, noise: SeedNoise, against: Iterable[Question],
        picked: Iterable[Question], different: int,
    ) -> None:  # fmt: skip
        self._counts, self._noise = counts, noise
        self._results: Mapping[str, float] = counts.correct or {t.key: t.value for t in trials}
        units = {t.key: t.score.unit / 2 * (1 - 1e-9) for t in trials if t.score}
        self._slack: Mapping[str, float] = counts.slack or units
        self._adjusted: dict[Hashable, dict[str, Any]] = {}
        self._adjust(against, "baseline")
        self.family_sizes = len(self._adjusted), max(1, different)
        self._adjust(picked, "picked", different)

    def answer(self, question: Question) -> Comparison:
        """The verdict on a question that the judge was told of."""
        found = replace(self._measure(question.pairs), **self._adjusted.get(_who(question.pairs), {}))
        against = _against(found, question.sign)
        if against is not None:
            return replace(found, verdict=SupportVerdict.CANNOT_HOLD, reason=against)
        return _bounded(found) if self._counts.n else found

    def _adjust(self, questions: Iterable[Question], family: str, out_of: int = 0) -> None:
        """What many comparisons make of the p-values of each. `out_of`: how many pairs these were picked from."""
        asked = {_who(q.pairs): q.pairs for q in questions if self._counts.n}
        measured = {who: self._measure(pairs) for who, pairs in asked.items() if who not in self._adjusted}
        size = max(len(measured), out_of)

        def strict(p_values: Sequence[float]) -> Sequence[float]:
            return [min(1.0, p * size) for p in p_values] if out_of else bounds.holm(p_values)

        adjusted = {
            "p_favourable_adjusted": bounds.holm([c.p_favourable for c in measured.values()]),
            "p_independent_adjusted": strict([c.p_independent for c in measured.values()]),
            "p_seed_adjusted": strict([c.p_seed for c in measured.values()]),
        }
        for i, who in enumerate(measured):
            own = {name: p_values[i] for name, p_values in adjusted.items()}
            self._adjusted[who] = {**own, "family": family, "n_judged": len(measured), "family_size": size}

    def _measure(self, pairs: Pairs) -> Comparison:
        results, slack, counts = self._results, self._slack, self._counts
        differences = [results[a] - results[b] for a, b in pairs]
        slacks = [slack[a] + slack[b] for a, b in pairs]
        scale = counts.total or 1
        effect = sum(differences) / len(pairs) / scale
        found = Comparison(
            pairs=pairs,
            effect=effect,
            effects=tuple(d / scale for d in differences),
            doubts=tuple(each / scale for each in slacks),
            reason=Reason.EXAMPLES_UNKNOWN if counts.is_share else Reason.NO_SHARE,
        )
        if not counts.n:
            return found
        weights: dict[str, float] = defaultdict(float)
        for a, b in pairs:
            weights[a] += 1 / len(pairs)
            weights[b] -= 1 / len(pairs)
        examples = sum(w * w * self._variance(key) for key, w in weights.items())
        seed = self._noise.used**2 / counts.seeds * sum(w * w for w in weights.values())
        near = max(0.0, abs(effect) - sum(abs(w) * slack[key] for key, w in weights.items()) / scale)
        farther = -1 if effect < 0 else 1
        favourable = bounds.favourable_p([int(d + farther * s) for d, s in zip(differences, slacks, strict=True)])
        independent, interval = bounds.seed_p(near, examples), None
        if len(pairs) == 1 and counts.seeds == 1:
            (a, b) = pairs[0]
            independent = bounds.fisher_p(*self._nearest(a, b), scale)
            interval = bounds.independent_interval(counts.correct[a], counts.correct[b], scale)
        return replace(
            found,
            differences=tuple(map(int, differences)) if counts.seeds == 1 else (),
            interval=interval,
            p_favourable=favourable,
            p_independent=independent,
            p_seed=max(independent, bounds.seed_p(near, examples, seed, self._noise.used_freedom)),
        )

    def _nearest(self, treatment: str, control: str) -> tuple[int, int]:
        """Two counts as near to one another as the printed results allow."""
        a, b = self._counts.correct[treatment], self._counts.correct[control]
        towards = 1 if a < b else -1
        first = min(abs(a - b), self._counts.slack[treatment])
        return a + towards * first, b - towards * min(abs(a - b) - first, self._counts.slack[control])

    def _variance(self, key: str) -> float:
        """Of one result, kept above 0 at the ends (Agresti and Coull's two added answers on each side). The same
        examples come up with every seed, so more seeds do not make it smaller."""
        n = self._counts.n or 1
        share = (self._counts.correct[key] / self._counts.seeds + 2) / (n + 4)
        return share * (1 - share) / n


def _who(pairs: Pairs) -> Hashable:
    """A single pair counts once, whichever way it is asked for."""
    return frozenset(pairs[0]) if len(pairs) == 1 else pairs


def _against(c: Comparison, sign: int) -> Reason | None:
    """Why the table's own numbers speak against a claimed direction, or None."""
    if not c.doubt and not any(c.effects):
        return Reason.NO_DIFFERENCE
    if not sign or c.effect * sign >= -c.doubt:
        return None
    return Reason.MIXED_SIGNS if sign in c.signs else Reason.CONTRADICTED


def _bounded(c: Comparison) -> Comparison:
    """With the verdict that its p-values give: the first of them above `ALPHA` says why it does not hold."""
    steps = (
        (c.p_favourable, SupportVerdict.WITHIN_CHANCE, Reason.TOO_SMALL),
        (c.p_favourable_adjusted, SupportVerdict.NOT_CORRECTED, Reason.CORRECTED),
        (c.p_independent_adjusted, SupportVerdict.DEPENDS, Reason.PAIRING),
        (c.p_seed_adjusted, SupportVerdict.NOT_SHOWN, Reason.SEED_NOISE),
        (1.0, SupportVerdict.HOLDS, Reason.SIGNIFICANT),
    )
    verdict, reason = next((verdict, reason) for p, verdict, reason in steps if p > ALPHA)
    return replace(c, verdict=verdict, reason=reason)
