"""From contrasts and outcomes to findings: every claim of a round judged as one family.

`judge_round` is what the runner calls when a round is complete: all contrasts of its waves are one family at the
round's share of the study's error rate (`core.study.ERROR_SHARES`), and with groups a second family. `compare` asks the
same of any two groups of trials, outside the study's error budget, and says so.

Only trials up to the judged round are looked at, so that judging a round again gives the same findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tunebook.core.facts import DataFacts, History
from tunebook.core.findings import ONE_SEED, SEEDS_TO_TEST, Finding, Verdict
from tunebook.core.study import Contrast, ContrastKind, RoundKind, StudySpec, error_share
from tunebook.statistics.evidence import VALIDATION, Evidence, effective_key
from tunebook.statistics.intervals import largest_difference
from tunebook.statistics.judge_fitted import judge_fitted
from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import Estimates, contrast_matrix, estimate, mcnemar_exact
from tunebook.statistics.power import examples_needed, seeds_needed
from tunebook.statistics.verdicts import FamilyNumbers, Side, side_of

__all__ = ["EXPLORATORY_ALPHA", "SETTLED_ALPHA", "compare", "judge", "judge_round"]

EXPLORATORY_ALPHA = 0.05
"""Error rate of a comparison that was not planned: a family of one, outside the study's error budget."""

SETTLED_ALPHA = 0.001
"""Of explore's share of the error rate, what it takes to leave out of a round's further seeds what is settled already
(Haybittle 1971, British Journal of Radiology 44, 793)."""

SMALLEST_GROUP = 20
"""Groups of fewer examples get an accuracy but no verdict: the normal approximation is not to be trusted there."""

Block = tuple[str, NDArray[np.intp]]
"""A family's name and the indices of its examples."""


def judge_round(history: History, round_number: int, spec: StudySpec, facts: DataFacts) -> tuple[Finding, ...]:
    """Judge all contrasts of a round's waves: the main family, then the groups'.

    Args:
        history: all trials of the round are final. Later rounds may be there; they are not looked at.
        facts: `groups` gives the group of every validation example; empty: no group family.

    Returns: one finding a contrast, in the order of the waves, then one a group and contrast (family "group:<name>").
    """
    contrasts = history.contrasts_of(round_number)
    if not contrasts:
        return ()
    kind = next(wave.kind for wave in history.waves if wave.round == round_number)
    alpha = error_share(kind, spec.layout)
    if kind is RoundKind.EXPLORE and spec.seeds.doubtful:
        alpha -= SETTLED_ALPHA
    if all(contrast.kind.is_fitted for contrast in contrasts):
        return judge_fitted(contrasts, history, spec.baseline, alpha, spec.margin, (round_number, kind))
    found = judge(contrasts, history, alpha, spec.margin, facts.groups, round_number, kind)
    if kind is RoundKind.OWN or any(wave.kind is kind and wave.round < round_number for wave in history.waves):
        # a further round of a kind, after the budget was raised: its share of the error rate has been spent; trials
        # that the user added were chosen with results in sight
        return tuple(replace(finding, warnings=(*finding.warnings, "exploratory")) for finding in found)
    return found


def compare(
    history: History,
    treatment: Sequence[int],
    control: Sequence[int],
    spec: StudySpec,
    facts: DataFacts,
    split: str = VALIDATION,
) -> tuple[Finding, ...]:
    """Compare any two groups of trials, paired, all examples first and then by group.

    The findings carry the warning "exploratory": they are a family of one at 0.05, not part of the study's claims.
    """
    last = max((wave.round for wave in history.waves), default=0)
    contrast = Contrast(
        kind=ContrastKind.DIFFERENCE, treatment=tuple(treatment), control=tuple(control), label="compare", split=split
    )
    found = judge((contrast,), history, EXPLORATORY_ALPHA, spec.margin, facts.groups, last, RoundKind.REFERENCE)
    return tuple(replace(finding, warnings=(*finding.warnings, "exploratory")) for finding in found)


def judge(
    contrasts: Sequence[Contrast],
    history: History,
    alpha: float,
    margin: float,
    groups: Sequence[str] = (),
    round_number: int = 0,
    round_kind: RoundKind = RoundKind.REFERENCE,
) -> tuple[Finding, ...]:
    """Judge contrasts as one family at error rate alpha, and with groups (of the validation examples) as a second one.

    Contrasts on different splits are judged in one family with Bonferroni's share for each split.
    """
    last = round_number if any(wave.round == round_number for wave in history.waves) else None
    splits = tuple(dict.fromkeys(contrast.split for contrast in contrasts))
    main: list[tuple[int, Finding]] = []
    by_group: list[Finding] = []
    for split in splits:
        here = [(i, contrast) for i, contrast in enumerate(contrasts) if contrast.split == split]
        family = _Family(
            [c for _, c in here], history, alpha / len(splits), margin, split, last, (round_number, round_kind)
        )
        main += zip((i for i, _ in here), family.judged(()), strict=True)
        blocks = _blocks(groups) if split == VALIDATION else ()
        by_group += family.judged(blocks) if blocks else ()
    return (*(finding for _, finding in sorted(main, key=lambda pair: pair[0])), *by_group)


def _blocks(groups: Sequence[str]) -> tuple[Block, ...]:
    names = np.asarray(groups)
    found = [(str(name), np.flatnonzero(names == name)) for name in dict.fromkeys(groups)]
    return tuple((f"group:{name}", block) for name, block in found if len(block) >= SMALLEST_GROUP)


class _Family:
    """The contrasts of one family on one split, with what is common to them."""

    def __init__(
        self,
        contrasts: Sequence[Contrast],
        history: History,
        alpha: float,
        margin: float,
        split: str,
        last_round: int | None,
        judged_in: tuple[int, RoundKind],
    ) -> None:
        self.contrasts, self.history = contrasts, history
        self.alpha, self.margin, self.split = alpha, margin, split
        self.judged_in = judged_in
        self.sides = [(side_of(c.treatment, history, split), side_of(c.control, history, split)) for c in contrasts]
        self.judgeable = [k for k, (a, b) in enumerate(self.sides) if _can_be_judged(a, b)]
        self.evidence = Evidence(history, up_to_round=last_round)
        self.scalings = {facts[0].trial.effective.scaling for facts in self.evidence.replicates(split).values()}
        members = {f.trial.id: f for k in self.judgeable for side in self.sides[k] for f in side.counted}
        self.trials = tuple(sorted(members))
        self.facts = [members[i] for i in self.trials]
        self.names = [effective_key(f) for f in self.facts]
        pairs = [(self.sides[k][0].ids, self.sides[k][1].ids) for k in self.judgeable]
        self.weights = contrast_matrix(pairs, self.trials)

    def judged(self, blocks: Sequence[Block]) -> list[Finding]:
        """Findings in the order of the contrasts (with blocks: for each block in turn)."""
        names = [name for name, _ in blocks] or ["main"]
        if not self.judgeable:
            return [self._without_numbers(k, name) for name in names for k in range(len(self.contrasts))]
        indices = [each for _, each in blocks]
        noise = self.evidence.noise_on(self.split, indices)
        numbers = self._numbers(indices, noise)
        row = {k: j for j, k in enumerate(self.judgeable)}
        found = []
        for g, name in enumerate(names):
            for k in range(len(self.contrasts)):
                j = g * len(self.judgeable) + row[k] if k in row else None
                if j is None:
                    found.append(self._without_numbers(k, name))
                    continue
                block = indices[g] if indices else None
                found.append(self._finding(k, j, name, numbers, noise, block))
        return found

    def _numbers(self, indices: Sequence[NDArray[np.intp]], noise: SeedNoise) -> FamilyNumbers:
        scores = np.stack([f.outcomes[self.split].scores for f in self.facts])
        estimates = estimate(scores, self.weights, noise, indices, names=self.names)
        kinds = [self.contrasts[k].kind for k in self.judgeable] * max(1, len(indices))
        losses = None if indices else self._loss_estimates()
        return FamilyNumbers(
            estimates=estimates,
            kinds=kinds,
            alpha=self.alpha,
            margin=self.margin,
            losses=losses,
            limit=largest_difference(scores),
        )

    def _loss_estimates(self) -> Estimates | None:
        losses = np.stack([f.outcomes[self.split].nll for f in self.facts])
        if not np.all(np.isfinite(losses)):
            return None
        noise = self.evidence.loss_noise_on(self.split)
        return None if noise.from_prior else estimate(losses, self.weights, noise, pseudo=0.0, names=self.names)

    def _finding(
        self,
        k: int,
        j: int,
        family: str,
        numbers: FamilyNumbers,
        noise: SeedNoise,
        block: NDArray[np.intp] | None,
    ) -> Finding:
        blank = self._blank(k, family)
        blank = replace(
            blank,
            provisional=noise.provisional,
            p_mcnemar=self._mcnemar(*self.sides[k]) if family == "main" else None,
            warnings=(*blank.warnings, *self._doubts(self.contrasts[k], numbers, noise)),
        )
        n = len(self.facts[0].outcomes[self.split].scores) if block is None else len(block)
        treatment, control = (_end(side, self.split, block) for side in self.sides[k])
        room = numbers.room(j, (treatment, control), n)
        found = numbers.judged(blank, j, room)
        if min(len(side.counted) for side in self.sides[k]) < SEEDS_TO_TEST:
            # it stays in its family, so that the others' error rate does not depend on which trials broke
            return replace(found, verdict=Verdict.INCONCLUSIVE, warnings=(*found.warnings, ONE_SEED))
        return self._with_needs(found, j, numbers)

    def _doubts(self, contrast: Contrast, numbers: FamilyNumbers, noise: SeedNoise) -> list[str]:
        """Codes of assumptions that do not hold here (the numbers are widened for it), and of what is confounded."""
        found = [
            code
            for code, side in (("unequal_noise", contrast.treatment), ("control_unequal_noise", contrast.control))
            if self._key(side) in noise.own
        ]
        if noise.uneven_df is not None:
            found.append("uneven_noise")
        if numbers.estimates.inflation > 1:
            found.append("correlated_examples")
        if contrast.factor in ("lora_r", "lora_alpha") and len(self.scalings) == 1:
            found.append("alpha_over_r_constant")
        return found

    def _with_needs(self, finding: Finding, j: int, numbers: FamilyNumbers) -> Finding:
        """With the number of examples, or of seeds, that would settle it."""
        if finding.verdict is not Verdict.INCONCLUSIVE or finding.family != "main":
            return finding
        n = len(self.facts[0].outcomes[self.split].scores)
        effect, critical = finding.effect, float(numbers.critical[j])
        margin: float | None = self.margin
        if finding.kind is ContrastKind.NON_INFERIORITY:
            effect, margin = effect + self.margin, None  # it is settled when the effect is told from -margin
        parts = float(numbers.estimates.from_examples[j]), float(numbers.estimates.from_seeds[j])
        m = min(len(finding.treatment_trials), len(finding.control_trials))
        return replace(
            finding,
            examples_needed=examples_needed(effect, critical, *parts, n, margin),
            seeds_needed=seeds_needed(effect, critical, *parts, m, margin),
        )

    def _without_numbers(self, k: int, family: str) -> Finding:
        treatment, control = self.sides[k]
        blank = self._blank(k, family)
        warnings = [*blank.warnings]
        if control.diverged:
            warnings.append("control_diverged")
        if not treatment.diverged and not control.diverged:
            warnings.append("no_outcomes")
        verdict = Verdict.DIVERGED if treatment.diverged else Verdict.INCONCLUSIVE
        return replace(blank, verdict=verdict, warnings=tuple(warnings))

    def _blank(self, k: int, family: str) -> Finding:
        contrast, (treatment, control) = self.contrasts[k], self.sides[k]
        return Finding.without_numbers(
            contrast,
            self.judged_in,
            self.alpha,
            treatment_key=self._key(contrast.treatment),
            control_key=self._key(contrast.control),
            treatment_trials=treatment.ids,
            control_trials=control.ids,
            family=family,
            warnings=(*treatment.warnings("treatment"), *control.warnings("control")),
        )

    def _key(self, trials: Sequence[int]) -> str:
        return effective_key(self.history.trials[trials[0]])

    def _mcnemar(self, treatment: Side, control: Side) -> float | None:
        if len(treatment.counted) != 1 or len(control.counted) != 1:
            return None
        one, other = (side.counted[0].outcomes[self.split].scores for side in (treatment, control))
        return mcnemar_exact(one, other)


def _end(side: Side, split: str, block: NDArray[np.intp] | None) -> float | None:
    """0.0 where every answer of every trial of a side is wrong, 1.0 where all are right, else None."""
    scores = [fact.outcomes[split].scores for fact in side.counted]
    mean = float(np.mean([each.mean() if block is None else each[block].mean() for each in scores]))
    return mean if mean in (0.0, 1.0) else None


def _can_be_judged(treatment: Side, control: Side) -> bool:
    return bool(treatment.counted and control.counted) and not treatment.diverged and not control.diverged
