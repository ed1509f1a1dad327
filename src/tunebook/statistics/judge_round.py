"""From contrasts and outcomes to findings: every claim of a round judged as one family.

`judge_round` is what the runner calls when a round is complete: all contrasts of its waves are one family at the
round's share of the study's error rate (`core.study.ERROR_SHARES`), and with groups a second family. `compare` asks the
same of any two groups of trials, outside the study's error budget, and says so.

Only trials up to the judged round are looked at, so that judging a round again gives the same findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.facts import DataFacts, Floats, History, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import Contrast, ContrastKind, RoundKind, StudySpec, TrialState, error_share
from tunebook.statistics.balanced import BalancedModel
from tunebook.statistics.evidence import VALIDATION, Evidence, effective_key
from tunebook.statistics.intervals import largest_difference
from tunebook.statistics.multiple import MaxT
from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import Estimates, contrast_matrix, estimate, mcnemar_exact
from tunebook.statistics.power import examples_needed, seeds_needed

__all__ = ["EXPLORATORY_ALPHA", "Side", "balanced_model", "compare", "judge", "judge_fitted", "judge_round", "side_of"]

EXPLORATORY_ALPHA = 0.05
"""Error rate of a comparison that was not planned: a family of one, outside the study's error budget."""

PLAIN_LEVEL = 0.95
SMALLEST_GROUP = 20
"""Groups of fewer examples get an accuracy but no verdict: the normal approximation is not to be trusted there."""

Block = tuple[str, NDArray[np.intp]]
"""A family's name and the indices of its examples."""


@dataclass(frozen=True)
class Side:
    """One side of a contrast: which of its trials count, and what became of the others."""

    counted: tuple[TrialFact, ...]
    n_broke: int = 0
    n_failed: int = 0

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(fact.trial.id for fact in self.counted)

    @property
    def diverged(self) -> bool:
        """Whether the majority of those that could be trained did not train."""
        return self.n_broke > len(self.counted)

    def warnings(self, name: str) -> tuple[str, ...]:
        """Codes of what happened to trials that do not count."""
        found = []
        if self.n_broke and not self.diverged:
            found.append(f"{name}_replicates_diverged")
        if self.n_failed:
            found.append(f"{name}_trials_failed")
        return tuple(found)


def judge_round(history: History, round_number: int, spec: StudySpec, facts: DataFacts) -> tuple[Finding, ...]:
    """Judge all contrasts of a round's waves: the main family, then the groups'.

    Args:
        history: all trials of the round are final. Later rounds may be there; they are not looked at.
        facts: `groups` gives the group of every validation example; empty: no group family.

    Returns: one finding a contrast, in the order of the waves, then one a group and contrast (family "group:<name>").
    """
    waves = [wave for wave in history.waves if wave.round == round_number]
    contrasts = tuple(contrast for wave in waves for contrast in wave.contrasts)
    if not contrasts:
        return ()
    kind = waves[0].kind
    alpha = error_share(kind, spec.design)
    if all(contrast.kind.is_fitted for contrast in contrasts):
        return judge_fitted(contrasts, history, spec.baseline, alpha, spec.margin, (round_number, kind))
    found = judge(contrasts, history, alpha, spec.margin, facts.groups, round_number, kind)
    if any(wave.kind is kind and wave.round < round_number for wave in history.waves):
        # a further round of a kind, after the budget was raised: its share of the error rate has been spent
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
    contrast = Contrast(ContrastKind.DIFFERENCE, tuple(treatment), tuple(control), "compare", split=split)
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


def judge_fitted(
    contrasts: Sequence[Contrast],
    history: History,
    baseline: Configuration,
    alpha: float,
    margin: float,
    judged_in: tuple[int, RoundKind],
) -> tuple[Finding, ...]:
    """Judge the coefficients of one model over a balanced design as one family at error rate alpha.

    Groups of examples are not judged. What the trials that trained cannot tell (a level of which none is left) stays
    open.
    """
    side = side_of(contrasts[0].treatment, history, VALIDATION)
    model = balanced_model(contrasts, history, baseline)
    rows = [None if model is None else model.row(contrast) for contrast in contrasts]
    asked = np.array([row for row in rows if row is not None])
    blank = [_fitted_blank(contrast, side, model, alpha, judged_in) for contrast in contrasts]
    if model is None or not len(asked):
        return tuple(blank)
    estimates = model.estimate(asked)
    losses, limit = _fitted_losses(model, asked, side), largest_difference(model.scores)
    family = MaxT(estimates.correlation)
    critical = family.critical(alpha, estimates.df)
    t = np.abs(estimates.effect) / np.maximum(estimates.standard_error, 1e-300)
    raw = np.minimum(1.0, 2 * special.stdtr(estimates.df, -t))
    adjusted = family.p_values(t, estimates.df)
    found, j = [], 0
    for without, row in zip(blank, rows, strict=True):
        if row is None:
            found.append(without)
            continue
        effect, se, df = float(estimates.effect[j]), float(estimates.standard_error[j]), float(estimates.df[j])
        interval = _around(effect, float(critical[j]) * se, limit)
        finding = replace(
            without,
            effect=effect,
            interval=interval,
            plain_interval=_around(effect, float(special.stdtrit(df, 0.5 + PLAIN_LEVEL / 2)) * se, limit),
            p_raw=float(raw[j]),
            p_adjusted=float(adjusted[j]),
            standard_error=se,
            degrees_of_freedom=df,
            verdict=_verdict(without.kind, effect, interval, float(adjusted[j]), alpha, margin),
            warnings=(
                *(warning for warning in without.warnings if warning != "no_outcomes"),
                *(("correlated_examples",) if estimates.inflation > 1 else ()),
            ),
        )
        found.append(_with_loss(finding, j, losses))
        j += 1
    return tuple(found)


def balanced_model(contrasts: Sequence[Contrast], history: History, baseline: Configuration) -> BalancedModel | None:
    """The model that a round's fitted contrasts are about, over those of its trials that trained; None: none did."""
    counted = side_of(contrasts[0].treatment, history, VALIDATION).counted
    if not counted:
        return None
    return BalancedModel(
        [fact.trial.configuration for fact in counted],
        np.stack([fact.outcomes[VALIDATION].scores for fact in counted]),
        [str(contrast.factor) for contrast in contrasts],
        baseline,
        [str(contrast.factor) for contrast in contrasts if contrast.kind is ContrastKind.CURVATURE],
    )


def _fitted_losses(model: BalancedModel, rows: Floats, side: Side) -> Estimates | None:
    losses = np.stack([fact.outcomes[VALIDATION].nll for fact in side.counted])
    return model.estimate(rows, losses, pseudo=0.0) if np.all(np.isfinite(losses)) else None


def _around(effect: float, half: float, limit: float) -> tuple[float, float]:
    return max(-limit, effect - half), min(limit, effect + half)


def _fitted_blank(
    contrast: Contrast, side: Side, model: BalancedModel | None, alpha: float, judged_in: tuple[int, RoundKind]
) -> Finding:
    """A fitted contrast's finding before it has numbers."""
    levels: tuple[Level, ...] = ()
    if model is not None and contrast.factor in model.columns:
        ends = model.columns[contrast.factor].levels
        levels = (ends[0], contrast.level if contrast.kind is ContrastKind.LEVEL else ends[-1])
    return Finding(
        label=contrast.label,
        factor=contrast.factor,
        kind=contrast.kind,
        split=contrast.split,
        round=judged_in[0],
        round_kind=judged_in[1],
        treatment_key="",
        control_key="",
        treatment_trials=side.ids,
        control_trials=(),
        effect=math.nan,
        interval=(-1.0, 1.0),
        plain_interval=(-1.0, 1.0),
        p_raw=1.0,
        p_adjusted=1.0,
        alpha=alpha,
        standard_error=math.nan,
        degrees_of_freedom=math.nan,
        verdict=Verdict.INCONCLUSIVE,
        levels=levels,
        warnings=(*side.warnings("treatment"), "no_outcomes"),
    )


def side_of(trials: Iterable[int], history: History, split: str) -> Side:
    """Which trials of one side count: completed and scored on the split."""
    facts = [history.trials[i] for i in trials]
    counted = tuple(f for f in facts if f.state is TrialState.COMPLETED and split in f.outcomes)
    broke = sum(f.state in (TrialState.DIVERGED, TrialState.COLLAPSED) for f in facts)
    return Side(counted, broke, len(facts) - len(counted) - broke)


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
        self.round, self.round_kind = judged_in
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
        numbers = self._numbers([indices for _, indices in blocks])
        row = {k: j for j, k in enumerate(self.judgeable)}
        found = []
        for g, name in enumerate(names):
            for k in range(len(self.contrasts)):
                j = g * len(self.judgeable) + row[k] if k in row else None
                found.append(self._without_numbers(k, name) if j is None else self._finding(k, j, name, numbers))
        return found

    def _numbers(self, indices: Sequence[NDArray[np.intp]]) -> _Numbers:
        scores = np.stack([f.outcomes[self.split].scores for f in self.facts])
        noise = self.evidence.noise_on(self.split, indices)
        estimates = estimate(scores, self.weights, noise, indices, names=self.names)
        kinds = [self.contrasts[k].kind for k in self.judgeable] * max(1, len(indices))
        one_sided = np.array([kind is ContrastKind.NON_INFERIORITY for kind in kinds])
        family = MaxT(estimates.correlation, ~one_sided)
        t = _statistics(estimates, kinds, self.margin)
        raw = np.minimum(1.0, np.where(one_sided, 1.0, 2.0) * special.stdtr(estimates.df, -t))
        # an equivalence that the estimate itself contradicts: nothing to test
        adjusted = np.where(np.isneginf(t), 1.0, family.p_values(np.where(np.isneginf(t), 0.0, t), estimates.df))
        losses = None if indices else self._loss_estimates()
        critical = family.critical(self.alpha, estimates.df)
        return _Numbers(
            estimates=estimates,
            noise=noise,
            p_raw=raw,
            p_adjusted=adjusted,
            critical=critical,
            one_sided=one_sided,
            losses=losses,
            limit=largest_difference(scores),
        )

    def _loss_estimates(self) -> Estimates | None:
        losses = np.stack([f.outcomes[self.split].nll for f in self.facts])
        if not np.all(np.isfinite(losses)):
            return None
        noise = self.evidence.loss_noise_on(self.split)
        return None if noise.from_prior else estimate(losses, self.weights, noise, pseudo=0.0, names=self.names)

    def _finding(self, k: int, j: int, family: str, numbers: _Numbers) -> Finding:
        contrast, (treatment, control) = self.contrasts[k], self.sides[k]
        effect, se, df = numbers.effect(j)
        interval = numbers.interval(j)
        p_raw, p_adjusted = float(numbers.p_raw[j]), float(numbers.p_adjusted[j])
        verdict = _verdict(contrast.kind, effect, interval, p_adjusted, self.alpha, self.margin)
        half = float(special.stdtrit(df, 0.5 + PLAIN_LEVEL / 2)) * se
        plain = _around(effect, half, numbers.limit)
        without = self._unjudged(k, family)
        finding = replace(
            without,
            effect=effect,
            interval=interval,
            plain_interval=plain,
            p_raw=p_raw,
            p_adjusted=p_adjusted,
            standard_error=se,
            degrees_of_freedom=df,
            verdict=verdict,
            provisional=numbers.noise.provisional,
            p_mcnemar=self._mcnemar(treatment, control) if family == "main" else None,
            warnings=(*without.warnings, *self._doubts(contrast, numbers)),
        )
        finding = _with_loss(finding, j, numbers.losses)
        return self._with_needs(finding, j, numbers, len(self.facts[0].outcomes[self.split].scores), family)

    def _doubts(self, contrast: Contrast, numbers: _Numbers) -> list[str]:
        """Codes of assumptions that do not hold here (the numbers are widened for it), and of what is confounded."""
        keys = {self._key(contrast.treatment), self._key(contrast.control)}
        found = ["unequal_noise"] if keys & set(numbers.noise.own) else []
        if numbers.estimates.inflation > 1:
            found.append("correlated_examples")
        if contrast.factor in ("lora_r", "lora_alpha") and len(self.scalings) == 1:
            found.append("alpha_over_r_constant")
        return found

    def _with_needs(self, finding: Finding, j: int, numbers: _Numbers, n: int, family: str) -> Finding:
        if finding.verdict is not Verdict.INCONCLUSIVE or family != "main":
            return finding
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
        diverged = treatment.diverged
        finding = self._unjudged(k, family)
        warnings = [*finding.warnings]
        if control.diverged:
            warnings.append("control_diverged")
        if not diverged and not control.diverged:
            warnings.append("no_outcomes")
        verdict = Verdict.DIVERGED if diverged else Verdict.INCONCLUSIVE
        return replace(finding, verdict=verdict, warnings=tuple(warnings))

    def _unjudged(self, k: int, family: str) -> Finding:
        """A contrast's finding before it has numbers."""
        contrast, (treatment, control) = self.contrasts[k], self.sides[k]
        return Finding(
            label=contrast.label,
            factor=contrast.factor,
            kind=contrast.kind,
            split=self.split,
            round=self.round,
            round_kind=self.round_kind,
            treatment_key=self._key(contrast.treatment),
            control_key=self._key(contrast.control),
            treatment_trials=treatment.ids,
            control_trials=control.ids,
            effect=math.nan,
            interval=(-1.0, 1.0),
            plain_interval=(-1.0, 1.0),
            p_raw=1.0,
            p_adjusted=1.0,
            alpha=self.alpha,
            standard_error=math.nan,
            degrees_of_freedom=math.nan,
            verdict=Verdict.INCONCLUSIVE,
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


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """A family's estimates with its simultaneous distribution."""

    estimates: Estimates
    noise: SeedNoise
    p_raw: Floats
    p_adjusted: Floats
    critical: Floats
    one_sided: NDArray[np.bool_]
    losses: Estimates | None
    limit: float

    def effect(self, j: int) -> tuple[float, float, float]:
        e = self.estimates
        return float(e.effect[j]), float(e.standard_error[j]), float(e.df[j])

    def interval(self, j: int) -> tuple[float, float]:
        """Simultaneous; for non-inferiority only the lower end is a bound, the upper is 1 (or the effect's own, if that
        is more)."""
        effect, se, _ = self.effect(j)
        low, high = _around(effect, float(self.critical[j]) * se, self.limit)
        return low, max(1.0, high) if self.one_sided[j] else high


def _with_loss(finding: Finding, j: int, losses: Estimates | None) -> Finding:
    """The finding with the loss as second witness."""
    if losses is None:
        return finding
    effect, se = float(losses.effect[j]), float(losses.standard_error[j])
    half = float(special.stdtrit(losses.df[j], 0.5 + PLAIN_LEVEL / 2)) * se
    low, high = finding.plain_interval
    # better accuracy goes with a lower loss, so equal signs disagree
    disagree = (low > 0 and effect - half > 0) or (high < 0 and effect + half < 0)
    return replace(
        finding, loss_effect=effect, loss_interval=(effect - half, effect + half), witnesses_disagree=disagree
    )


def _statistics(estimates: Estimates, kinds: Sequence[ContrastKind], margin: float) -> Floats:
    """Distance from what is to be refuted, in standard errors: from zero (difference), from being worse by the margin
    (non-inferiority), from the nearer end of +-margin (equivalence; minus infinity outside)."""
    effect = estimates.effect
    by_kind = {
        ContrastKind.DIFFERENCE: np.abs(effect),
        ContrastKind.NON_INFERIORITY: effect + margin,
        ContrastKind.EQUIVALENCE: np.where(np.abs(effect) < margin, margin - np.abs(effect), -math.inf),
    }
    distance = np.array([by_kind[kind][j] for j, kind in enumerate(kinds)])
    se = estimates.standard_error
    without_noise = np.where(distance > 0, math.inf, np.minimum(distance, 0.0))
    return np.where(se > 0, distance / np.where(se > 0, se, 1.0), without_noise)


def _can_be_judged(treatment: Side, control: Side) -> bool:
    return bool(treatment.counted and control.counted) and not treatment.diverged and not control.diverged


def _verdict(
    kind: ContrastKind, effect: float, interval: tuple[float, float], p_adjusted: float, alpha: float, margin: float
) -> Verdict:
    if kind is ContrastKind.NON_INFERIORITY:
        return Verdict.NOT_INFERIOR if p_adjusted < alpha else Verdict.INCONCLUSIVE
    if kind.is_two_sided and p_adjusted < alpha:
        return Verdict.BETTER if effect > 0 else Verdict.WORSE
    inside = -margin < interval[0] and interval[1] < margin
    return Verdict.EQUIVALENT if inside else Verdict.INCONCLUSIVE
