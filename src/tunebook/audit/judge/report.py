"""The audit of a hand-written record: from what it says to what of it holds.

`audit` is the one entry. It infers the number of test examples, folds equal settings, finds what can be compared,
judges every claim, and proposes the trials that would settle the rest. Pure: the same record gives the same report.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tunebook.audit.judge import bounds
from tunebook.audit.judge.cases import Judged, case_of, conclude, widest
from tunebook.audit.judge.consistency import inconsistencies
from tunebook.audit.judge.counts import Counts, Examples, count_answers
from tunebook.audit.judge.next_trials import NextTrial, next_trials
from tunebook.audit.judge.noise import SeedNoise, seed_noise
from tunebook.audit.judge.structure import Structure
from tunebook.audit.judge.trials import AuditTrial, TrialTable, trials_of
from tunebook.audit.judge.verdicts import ALPHA, Comparison, Judge, Question, SupportVerdict
from tunebook.audit.model import HandRecord, MeasureKind, Note
from tunebook.statistics.intervals import wilson


@dataclass(frozen=True, kw_only=True)
class TrialVerdict:
    """One trial as the audit sees it."""

    trial: AuditTrial
    correct: int | None  # right answers, where the number of examples is known
    interval: tuple[float, float] | None  # Wilson 95 %, of this trial alone
    moves: tuple[str, ...] | None  # factors in which it differs from the baseline; None: its settings are unread
    same_as: str | None  # label of an earlier trial with equal effective settings
    comparison: Comparison | None  # with the baseline; None for equal settings and without a result


@dataclass(frozen=True, kw_only=True)
class FactorEffect:
    """What the record shows of one factor."""

    factor: str
    levels: int  # that were tried
    n_pairs: int  # pairs of trained trials that differ by this factor alone
    widest: Comparison | None  # the pair of these with the largest difference, higher level minus lower


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest true difference that this record finds with power 0.8, as bounds over all pairings."""

    comparisons: int  # in the family against the baseline, for which the first two are adjusted (Bonferroni)
    favourable: float | None  # None: too few examples
    independent: float
    single_favourable: float | None  # for one comparison fixed beforehand
    single_independent: float
    with_seed: float  # as `independent`, with the seed noise of one seed on each side
    to_settle: tuple[int, int] | None  # examples for power 0.8 at the best's lead, one comparison, by both bounds


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """Everything the audit found."""

    record: HandRecord
    table: TrialTable
    structure: Structure
    examples: Examples
    noise: SeedNoise
    trials: tuple[TrialVerdict, ...]
    best: str  # key
    best_claim: Comparison | None  # the record's standing claim, best against baseline
    tied_with_best: tuple[str, ...]
    detectable: Detectable | None
    effects: tuple[FactorEffect, ...]
    claims: tuple[Judged, ...]
    inconsistencies: tuple[Note, ...]
    next_trials: tuple[NextTrial, ...]
    family_sizes: tuple[int, int]
    needed_examples_if_unknown: int | None
    slack: int  # the most examples by which a count may be off because accuracies were printed coarsely


def audit(record: HandRecord, examples: int | None = None) -> AuditReport:
    """Which claims of a hand-written record hold.

    Args:
        record: as read; at least one row.
        examples: the number of test examples, when the caller knows it.
    """
    table = trials_of(record)
    structure = Structure(table)
    scored = {t.key: t.score for t in structure.scored if t.score is not None}
    size, counts = count_answers(record, scored, examples)
    results = {t.key: counts.correct[t.key] / counts.total if counts.n else t.value for t in structure.trained}
    noise = seed_noise(structure, results, counts.seeds)
    base, best = structure.baseline, structure.best
    against = {
        t.key: Question(((t.key, base.key),))
        for t in structure.scored
        if t is not base and base.score is not None and structure.moves.get(t.key) != ()
    }
    cases = [case_of(claim, structure) for claim in record.claims]
    alone = [n for n in structure.varied if n != "lora_alpha" or not structure.ratio_is_constant]
    effects = {factor: widest(factor, structure) for factor in alone}
    asked = [*(q for case in cases for q in case.questions), *filter(None, effects.values())]
    judge = Judge(structure.scored, counts, noise, against.values(), asked, _different_pairs(structure))
    claims = tuple(conclude(case, {q: judge.answer(q) for q in case.questions}, structure) for case in cases)
    trials = tuple(_trial_verdicts(structure, counts, judge, against))
    open_trials = [v.trial for v in trials if v.comparison and v.comparison.verdict is SupportVerdict.DEPENDS]
    return AuditReport(
        record=record,
        table=table,
        structure=structure,
        examples=size,
        noise=noise,
        trials=trials,
        best=best.key,
        best_claim=judge.answer(replace(against[best.key], sign=1)) if best.key in against else None,
        tied_with_best=_tied(structure, counts),
        detectable=_detectable(structure, counts, judge, noise),
        effects=tuple(_effects(effects, structure, judge)),
        claims=claims,
        inconsistencies=tuple(inconsistencies(record, structure, claims)),
        next_trials=next_trials(structure, claims, open_trials),
        family_sizes=judge.family_sizes,
        needed_examples_if_unknown=_needed_if_unknown(structure) if size.n is None else None,
        slack=max(counts.slack.values(), default=0),
    )


def _different_pairs(structure: Structure) -> int:
    """Pairs of scored trials with different settings: what a claim or a factor could have picked from."""
    scored = {t.key for t in structure.scored}
    equal = sum(math.comb(len(scored.intersection(group)), 2) for group in structure.equal)
    return math.comb(len(scored), 2) - equal


def _trial_verdicts(
    structure: Structure, counts: Counts, judge: Judge, against: Mapping[str, Question]
) -> Iterator[TrialVerdict]:
    labels = {t.key: t.label for t in structure.table.trials}
    same = {key: labels[group[0]] for group in structure.equal for key in group[1:]}
    for trial in structure.table.trials:
        key = trial.key
        yield TrialVerdict(
            trial=trial,
            correct=counts.correct.get(key) if counts.seeds == 1 else None,
            interval=wilson(counts.correct[key] / counts.seeds, counts.n) if counts.n and trial.score else None,
            moves=structure.moves.get(key),
            same_as=same.get(key),
            comparison=judge.answer(against[key]) if key in against else None,
        )


def _effects(asked: Mapping[str, Question | None], structure: Structure, judge: Judge) -> Iterator[FactorEffect]:
    for factor, question in asked.items():
        yield FactorEffect(
            factor=factor,
            levels=len([n for n in structure.levels(factor, structure.known) if n is not None]),
            n_pairs=len(structure.one_factor(factor, structure.trained)),
            widest=judge.answer(question) if question else None,
        )


def _tied(structure: Structure, counts: Counts) -> tuple[str, ...]:
    """Trials that even the most favourable pairing does not tell from the best, one comparison each, unadjusted."""
    best, slack, correct = structure.best.key, counts.slack, counts.correct
    leads = {
        t.key: correct[best] + slack[best] - correct[t.key] + slack[t.key]
        for t in structure.trained
        if t.key != best and best in correct
    }
    return tuple(key for key, lead in leads.items() if bounds.favourable_p([lead]) > ALPHA)


def _detectable(structure: Structure, counts: Counts, judge: Judge, noise: SeedNoise) -> Detectable | None:
    n, base = counts.n, structure.baseline.key
    if n is None or base not in counts.correct or counts.seeds > 1:
        return None
    family = max(1, judge.family_sizes[0])
    accuracy = counts.correct[base] / n
    gain = (counts.correct[structure.best.key] - counts.correct[base]) / n
    return Detectable(
        comparisons=family,
        favourable=bounds.detectable_favourable(n, ALPHA / family),
        independent=bounds.detectable_independent(n, accuracy, ALPHA / family),
        single_favourable=bounds.detectable_favourable(n, ALPHA),
        single_independent=bounds.detectable_independent(n, accuracy, ALPHA),
        with_seed=bounds.detectable_independent(n, accuracy, ALPHA / family, noise.used),
        to_settle=bounds.examples_needed(gain, accuracy, ALPHA) if gain > 0 and 0 < accuracy < 1 else None,
    )


def _needed_if_unknown(structure: Structure) -> int | None:
    """Examples from which best against baseline could hold in the most favourable pairing, for one comparison."""
    gain = structure.best.value - structure.baseline.value
    share = structure.table.measure.kind is MeasureKind.SHARE and structure.baseline.score is not None
    return int(-(-bounds.discordance_needed(ALPHA) // gain)) if share and gain > 0 else None
