"""The audit of a hand-written record: from what it says to what of it holds.

`audit` is the one entry. It infers the number of test examples, folds equal settings, finds what can be compared,
judges every claim, and proposes the trials that would settle the rest. Pure: the same record gives the same report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunebook.audit.judge import bounds
from tunebook.audit.judge.cases import Case, Judged, Subjects, case_of, conclude, value_of
from tunebook.audit.judge.consistency import inconsistencies
from tunebook.audit.judge.counts import Examples, correct_of, settle_examples, slack_of
from tunebook.audit.judge.next_trials import NextTrial, next_trials
from tunebook.audit.judge.noise import SeedNoise, seed_noise
from tunebook.audit.judge.structure import Structure, level_in, structure_of
from tunebook.audit.judge.trials import AuditTrial, TrialTable, trials_of
from tunebook.audit.judge.verdicts import ALPHA, Comparison, Judge, Question, SupportVerdict
from tunebook.audit.model import Claim, ClaimKind, HandRecord, Note

__all__ = ["AuditReport", "Detectable", "FactorEffect", "TrialVerdict", "audit"]


@dataclass(frozen=True)
class TrialVerdict:
    """One trial as the audit sees it.

    Attributes:
        trial: the trial.
        correct: correct answers, None when the number of examples is unknown.
        interval: Wilson 95 %, of this trial alone.
        moves: factors on which it differs from the baseline; None when its settings could not be read.
        same_as: label of an earlier trial with equal effective settings.
        comparison: with the baseline; None for the baseline, for equal settings and without a result.
    """

    trial: AuditTrial
    correct: int | None
    interval: tuple[float, float] | None
    moves: tuple[str, ...] | None
    same_as: str | None
    comparison: Comparison | None


@dataclass(frozen=True)
class FactorEffect:
    """What the record shows of one factor.

    Attributes:
        levels: how many levels were tried.
        n_pairs: pairs of trained trials that differ by this factor alone.
        widest: the pair with the largest difference (higher level minus lower), judged; None without a pair.
        alone_from_baseline: trials that differ from the baseline by this factor alone.
        broke: the nearest pair that differs by this factor alone of which one trained and one failed, as keys.
    """

    factor: str
    levels: int
    n_pairs: int
    widest: Comparison | None
    alone_from_baseline: tuple[str, ...]
    broke: tuple[str, str] | None


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference that this record finds with power 0.8, as bounds over all pairings.

    Attributes:
        comparisons: in the family against the baseline.
        favourable, independent: adjusted for these comparisons (Bonferroni); favourable None: too few examples.
        single_favourable, single_independent: for one comparison fixed beforehand.
        needed: the difference in examples that the most favourable pairing must reach: adjusted; for one comparison.
        with_seed: as `independent`, with the seed noise of one seed on each side.
        to_settle: examples for power 0.8 at the difference seen between best and baseline, one comparison, as
            (favourable, independent); None when there is no such difference.
    """

    comparisons: int
    favourable: float | None
    independent: float
    single_favourable: float | None
    single_independent: float
    needed: tuple[int, int]
    with_seed: float
    to_settle: tuple[int, int] | None


@dataclass(frozen=True)
class AuditReport:
    """Everything the audit found. `best_claim` is the record's standing claim, best against baseline; `slack` the most
    examples by which a count may be off because accuracies were printed coarsely."""

    record: HandRecord
    table: TrialTable
    structure: Structure
    examples: Examples
    noise: SeedNoise
    trials: tuple[TrialVerdict, ...]
    best: str
    best_claim: Comparison | None
    tied_with_best: tuple[str, ...]
    detectable: Detectable | None
    effects: tuple[FactorEffect, ...]
    claims: tuple[Judged, ...]
    inconsistencies: tuple[Note, ...]
    next_trials: tuple[NextTrial, ...]
    family_sizes: tuple[int, int]
    needed_examples_if_unknown: int | None = None
    slack: int = 0


def audit(record: HandRecord, examples: int | None = None) -> AuditReport:
    """Which claims of a hand-written record hold.

    Args:
        record: as read; at least one row.
        examples: the number of test examples, when the caller knows it.
    """
    table = trials_of(record)
    structure = structure_of(table)
    subjects = Subjects(table, structure)
    size = settle_examples([t.accuracy for t in subjects.scored if t.accuracy], examples, record.stated_examples)
    correct = _counts(subjects.scored, size.n)
    noise = _noise(subjects, structure, correct, size.n)
    comparable = [t.key for t in subjects.scored if structure.moves.get(t.key) != () and t.key != table.baseline]
    slack = _slack(subjects.scored, size.n)
    judge = Judge(table, correct, slack, size.n, noise, comparable, _different_pairs(subjects, structure))
    cases = _cases(_claims(record), subjects)
    widest = _widest(subjects, structure)
    best_question = _best_question(subjects, structure)
    judge.settle(
        [
            *(q for case in cases for q in case.questions),
            *(q for q in widest.values() if q),
            *([best_question] if best_question else []),
        ]
    )
    claims = tuple(_conclude(case, judge) for case in cases)
    trials = _trial_verdicts(subjects, structure, correct, size.n, judge)
    open_trials = [v.trial for v in trials if v.comparison and v.comparison.verdict is SupportVerdict.DEPENDS]
    return AuditReport(
        record,
        table,
        structure,
        size,
        noise,
        trials,
        subjects.best.key,
        judge.answer(best_question) if best_question else None,
        _tied(subjects, correct, size.n),
        _detectable(subjects, correct, size.n, judge, noise),
        _effects(subjects, structure, widest, judge),
        claims,
        inconsistencies(record, table, subjects),
        next_trials(subjects, structure, claims, open_trials),
        judge.family_sizes,
        _needed_if_unknown(subjects) if size.n is None else None,
        max(slack.values(), default=0),
    )


def _cases(claims: Sequence[Claim], subjects: Subjects) -> list[Case]:
    """What decides each claim; sentences that say the same are looked up once."""
    known: dict[tuple[object, ...], Case] = {}
    cases = []
    for claim in claims:
        values = tuple(sorted(claim.values.items(), key=lambda item: item[0]))
        meaning = (
            claim.kind,
            claim.factor,
            claim.levels,
            claim.against,
            claim.is_range,
            claim.direction,
            claim.trials,
            claim.against_trials,
            claim.so_far,
            claim.round,
            claim.section if claim.trials else "",
            values,
        )
        if meaning not in known:
            known[meaning] = case_of(claim, subjects)
        cases.append(replace(known[meaning], claim=claim))
    return cases


def _counts(scored: Sequence[AuditTrial], n: int | None) -> dict[str, int]:
    if n is None:
        return {}
    return {t.key: correct_of(t.accuracy, n) for t in scored if t.accuracy is not None}


def _slack(scored: Sequence[AuditTrial], n: int | None) -> dict[str, int]:
    if n is None:
        return {}
    return {t.key: slack for t in scored if t.accuracy is not None and (slack := slack_of(t.accuracy, n))}


def _noise(subjects: Subjects, structure: Structure, correct: dict[str, int], n: int | None) -> SeedNoise:
    trained = {t.key: correct[t.key] / n if n else value_of(t) for t in subjects.trained}
    return seed_noise(
        trained,
        [g for keys in structure.equal if len(g := tuple(k for k in keys if k in trained)) > 1],
        [
            (length, g)
            for length, keys in structure.equal_if_short
            if len(g := tuple(k for k in keys if k in trained)) > 1
        ],
    )


def _different_pairs(subjects: Subjects, structure: Structure) -> int:
    """Pairs of scored trials with different settings: what a claim or a factor could have picked from."""
    scored = {t.key for t in subjects.scored}
    equal = sum(math.comb(len(scored.intersection(group)), 2) for group in structure.equal)
    return math.comb(len(scored), 2) - equal


def _claims(record: HandRecord) -> list[Claim]:
    """The record's claims, and its best-configuration blocks as claims of their own, in the order of the document."""
    claims = list(record.claims)
    for block in record.best_blocks:
        claims.append(
            Claim(
                ClaimKind.BEST_TRIAL, "", block.line, values=block.values, trials=(block.trial,) if block.trial else ()
            )
        )
    return sorted(claims, key=lambda claim: claim.line)


def _conclude(case: Case, judge: Judge) -> Judged:
    return conclude(case, {question: judge.answer(question) for question in case.questions})


def _best_question(subjects: Subjects, structure: Structure) -> Question | None:
    best, base = subjects.best, subjects.baseline
    if best.key == base.key or base.accuracy is None or structure.moves.get(best.key) == ():
        return None
    return Question(((best.key, base.key),), 1)


def _trial_verdicts(
    subjects: Subjects,
    structure: Structure,
    correct: dict[str, int],
    n: int | None,
    judge: Judge,
) -> tuple[TrialVerdict, ...]:
    earlier = {key: group[0] for group in structure.equal for key in group[1:]}
    result = []
    for trial in subjects.table.trials:
        count = correct.get(trial.key)
        interval = bounds.wilson(count, n) if count is not None and n else None
        moves = structure.moves.get(trial.key)
        same = subjects.table.get(earlier[trial.key]) if trial.key in earlier else None
        comparison = None
        if trial.accuracy is not None and moves != () and subjects.baseline.accuracy is not None:
            comparison = judge.answer(Question(((trial.key, subjects.baseline.key),)))
        result.append(TrialVerdict(trial, count, interval, moves, same.label if same else None, comparison))
    return tuple(result)


def _tied(subjects: Subjects, correct: dict[str, int], n: int | None) -> tuple[str, ...]:
    """Trials that even the most favourable pairing does not tell from the best, one comparison each, unadjusted."""
    if n is None or subjects.best.key not in correct:
        return ()
    top = correct[subjects.best.key]
    slack = _slack(subjects.trained, n)
    return tuple(
        t.key
        for t in subjects.trained
        if t.key != subjects.best.key
        and bounds.favourable_p([top - correct[t.key] + slack.get(t.key, 0) + slack.get(subjects.best.key, 0)]) > ALPHA
    )


def _detectable(
    subjects: Subjects,
    correct: dict[str, int],
    n: int | None,
    judge: Judge,
    noise: SeedNoise,
) -> Detectable | None:
    if n is None or subjects.baseline.key not in correct:
        return None
    family = max(1, judge.family_sizes[0])
    accuracy = correct[subjects.baseline.key] / n
    gain = (correct.get(subjects.best.key, 0) - correct[subjects.baseline.key]) / n
    return Detectable(
        family,
        bounds.detectable_favourable(n, ALPHA / family),
        bounds.detectable_independent(n, accuracy, ALPHA / family),
        bounds.detectable_favourable(n, ALPHA),
        bounds.detectable_independent(n, accuracy, ALPHA),
        (bounds.discordance_needed(ALPHA / family), bounds.discordance_needed(ALPHA)),
        bounds.detectable_independent(n, accuracy, ALPHA / family, noise.used),
        bounds.examples_needed(gain, accuracy, ALPHA) if gain > 0 and 0 < accuracy < 1 else None,
    )


def _widest(subjects: Subjects, structure: Structure) -> dict[str, Question | None]:
    """For each factor the one-factor pair of trained trials with the largest difference."""
    trained = {t.key: value_of(t) for t in subjects.trained}
    found: dict[str, Question | None] = {}
    for factor in structure.varied:
        pairs = [
            (p.high, p.low) for p in structure.pairs if p.factor == factor and p.low in trained and p.high in trained
        ]
        widest = max(pairs, key=lambda p: abs(trained[p[0]] - trained[p[1]]), default=None)
        found[factor] = Question((widest,)) if widest else None
    return found


def _effects(
    subjects: Subjects,
    structure: Structure,
    widest: dict[str, Question | None],
    judge: Judge,
) -> tuple[FactorEffect, ...]:
    trained = {t.key for t in subjects.trained}
    hidden = {"lora_alpha"} if any(c.code == "ratio_constant" for c in structure.confounded) else set()
    broke = {b.factor: (b.clean, b.clean_failed) for b in structure.boundaries if b.clean and b.clean_failed}
    result = []
    for factor, question in widest.items():
        if factor in hidden:
            continue
        n_pairs = sum(p.factor == factor and {p.low, p.high} <= trained for p in structure.pairs)
        alone = tuple(key for key, moves in structure.moves.items() if moves == (factor,))
        pair = broke.get(factor)
        result.append(
            FactorEffect(
                factor,
                len({level_in(t.configuration, factor) for t in subjects.table.trials if not t.unread}),
                n_pairs,
                judge.answer(question) if question else None,
                alone,
                (pair[0], pair[1]) if pair and pair[0] and pair[1] else None,
            )
        )
    return tuple(result)


def _needed_if_unknown(subjects: Subjects) -> int | None:
    """Examples from which best against baseline could hold in the most favourable pairing, for one comparison."""
    gain = value_of(subjects.best) - value_of(subjects.baseline)
    return int(-(-bounds.discordance_needed(ALPHA) // gain)) if gain > 0 else None
