"""The audit of a hand-written record: from what it says to what of it holds.

`audit` is the one entry. It infers the number of test examples, folds equal settings, finds what can be compared,
judges every claim, and proposes the trials that would settle the rest. Pure: the same record gives the same report.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunebook.audit.judge import bounds
from tunebook.audit.judge.cases import Judged, Subjects, case_of, conclude
from tunebook.audit.judge.consistency import gaps, inconsistencies
from tunebook.audit.judge.counts import Examples, correct_of, settle_examples, slack_of
from tunebook.audit.judge.next_trials import NextTrial, next_trials
from tunebook.audit.judge.noise import SeedNoise, seed_noise
from tunebook.audit.judge.structure import Structure, level_in, structure_of
from tunebook.audit.judge.trials import AuditTrial, TrialTable, trials_of
from tunebook.audit.judge.verdicts import ALPHA, Comparison, Counts, Judge, Question, SupportVerdict
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
    alone_from_baseline: tuple[str, ...]  # trials that differ from the baseline by this factor alone
    broke: tuple[str, str] | None  # the nearest pair by this factor alone of which one trained and one failed


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest true difference that this record finds with power 0.8, as bounds over all pairings."""

    comparisons: int  # in the family against the baseline, for which the first two are adjusted (Bonferroni)
    favourable: float | None  # None: too few examples
    independent: float
    single_favourable: float | None  # for one comparison fixed beforehand
    single_independent: float
    needed: tuple[int, int]  # examples that the most favourable pairing must differ by: adjusted; one comparison
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
    structure = structure_of(table)
    subjects = Subjects(table, structure)
    size, counts = _counts(record, subjects, examples)
    noise = _noise(subjects, counts)
    comparable = [t.key for t in subjects.scored if structure.moves.get(t.key) != () and t.key != table.baseline]
    judge = Judge(table, counts, noise, comparable, _different_pairs(subjects))
    cases = [case_of(claim, subjects) for claim in record.claims]
    widest = {factor: subjects.widest(factor) for factor in structure.varied}
    best_question = _best_question(subjects)
    asked = [*(q for case in cases for q in case.questions), *widest.values(), best_question]
    judge.settle([question for question in asked if question])
    claims = tuple(conclude(case, {q: judge.answer(q) for q in case.questions}, subjects) for case in cases)
    trials = tuple(_trial_verdicts(subjects, counts, judge))
    open_trials = [v.trial for v in trials if v.comparison and v.comparison.verdict is SupportVerdict.DEPENDS]
    return AuditReport(
        record=record,
        table=table,
        structure=structure,
        examples=size,
        noise=noise,
        trials=trials,
        best=subjects.best.key,
        best_claim=judge.answer(best_question) if best_question else None,
        tied_with_best=_tied(subjects, counts),
        detectable=_detectable(subjects, counts, judge, noise),
        effects=tuple(_effects(subjects, widest, judge)),
        claims=claims,
        inconsistencies=(*inconsistencies(record, table, subjects), *gaps(claims, subjects)),
        next_trials=next_trials(subjects, claims, open_trials),
        family_sizes=judge.family_sizes,
        needed_examples_if_unknown=_needed_if_unknown(subjects) if size.n is None else None,
        slack=max(counts.slack.values(), default=0),
    )


def _counts(record: HandRecord, subjects: Subjects, given: int | None) -> tuple[Examples, Counts]:
    """The number of examples and the right answers of each trial; nothing where results are no shares."""
    seeds = record.seeds or 1
    scores = {t.key: t.score for t in subjects.scored if t.score is not None}
    if record.measure.kind is not MeasureKind.SHARE:
        return Examples(None, "no_share"), Counts(n=None)
    if record.averaged and given is None:
        return Examples(None, "unknown"), Counts(n=None)
    size = settle_examples(list(scores.values()), given, record.stated_examples, seeds)
    if size.n is None:
        return size, Counts(n=None, seeds=seeds)
    total = size.n * seeds
    least = int(record.averaged)  # a mean over an unknown number of seeds is no whole number of answers
    slack = {key: slack for key, score in scores.items() if (slack := max(least, slack_of(score, total)))}
    correct = {key: correct_of(score, total) for key, score in scores.items()}
    return size, Counts(n=size.n, seeds=seeds, correct=correct, slack=slack)


def _noise(subjects: Subjects, counts: Counts) -> SeedNoise:
    trained = {t.key: counts.correct[t.key] / counts.total if counts.n else t.value for t in subjects.trained}
    spreads = [t.score.spread for t in subjects.trained if t.score and t.score.spread is not None]
    known = [tuple(k for k in keys if k in trained) for keys in subjects.structure.equal]
    short = [(length, tuple(k for k in keys if k in trained)) for length, keys in subjects.structure.equal_if_short]
    return seed_noise(
        trained, [g for g in known if len(g) > 1], [s for s in short if len(s[1]) > 1], spreads, counts.seeds
    )


def _different_pairs(subjects: Subjects) -> int:
    """Pairs of scored trials with different settings: what a claim or a factor could have picked from."""
    scored = {t.key for t in subjects.scored}
    equal = sum(math.comb(len(scored.intersection(group)), 2) for group in subjects.structure.equal)
    return math.comb(len(scored), 2) - equal


def _best_question(subjects: Subjects) -> Question | None:
    best, base = subjects.best, subjects.baseline
    if best.key == base.key or base.score is None or subjects.structure.moves.get(best.key) == ():
        return None
    return Question(((best.key, base.key),), 1)


def _trial_verdicts(subjects: Subjects, counts: Counts, judge: Judge) -> Iterator[TrialVerdict]:
    earlier = {key: group[0] for group in subjects.structure.equal for key in group[1:]}
    base = subjects.baseline
    for trial in subjects.table.trials:
        count, moves = counts.correct.get(trial.key), subjects.structure.moves.get(trial.key)
        same = subjects.table.get(earlier[trial.key]) if trial.key in earlier else None
        comparable = trial.key != base.key and moves != () and trial.score is not None and base.score is not None
        yield TrialVerdict(
            trial=trial,
            correct=count if counts.seeds == 1 else None,
            interval=wilson(count / counts.seeds, counts.n) if count is not None and counts.n else None,
            moves=moves,
            same_as=same.label if same else None,
            comparison=judge.answer(Question(((trial.key, base.key),))) if comparable else None,
        )


def _tied(subjects: Subjects, counts: Counts) -> tuple[str, ...]:
    """Trials that even the most favourable pairing does not tell from the best, one comparison each, unadjusted."""
    best, slack = subjects.best.key, counts.slack
    if best not in counts.correct:
        return ()
    top = counts.correct[best] + slack.get(best, 0)
    leads = {t.key: top - counts.correct[t.key] + slack.get(t.key, 0) for t in subjects.trained if t.key != best}
    return tuple(key for key, lead in leads.items() if bounds.favourable_p([lead]) > ALPHA)


def _detectable(subjects: Subjects, counts: Counts, judge: Judge, noise: SeedNoise) -> Detectable | None:
    n, base = counts.n, subjects.baseline.key
    if n is None or base not in counts.correct or counts.seeds > 1:
        return None
    family = max(1, judge.family_sizes[0])
    accuracy = counts.correct[base] / n
    gain = (counts.correct.get(subjects.best.key, 0) - counts.correct[base]) / n
    return Detectable(
        comparisons=family,
        favourable=bounds.detectable_favourable(n, ALPHA / family),
        independent=bounds.detectable_independent(n, accuracy, ALPHA / family),
        single_favourable=bounds.detectable_favourable(n, ALPHA),
        single_independent=bounds.detectable_independent(n, accuracy, ALPHA),
        needed=(bounds.discordance_needed(ALPHA / family), bounds.discordance_needed(ALPHA)),
        with_seed=bounds.detectable_independent(n, accuracy, ALPHA / family, noise.used),
        to_settle=bounds.examples_needed(gain, accuracy, ALPHA) if gain > 0 and 0 < accuracy < 1 else None,
    )


def _effects(subjects: Subjects, widest: Mapping[str, Question | None], judge: Judge) -> Iterator[FactorEffect]:
    structure = subjects.structure
    broke = {b.factor: (b.clean, b.clean_failed) for b in structure.boundaries if b.clean and b.clean_failed}
    for factor, question in widest.items():
        if factor != "lora_alpha" or not structure.ratio_is_constant:
            yield FactorEffect(
                factor=factor,
                levels=len({level_in(t, factor) for t in subjects.table.trials if not t.unread}),
                n_pairs=len(subjects.pairs(factor, subjects.trained)),
                widest=judge.answer(question) if question else None,
                alone_from_baseline=tuple(key for key, moves in structure.moves.items() if moves == (factor,)),
                broke=broke.get(factor),
            )


def _needed_if_unknown(subjects: Subjects) -> int | None:
    """Examples from which best against baseline could hold in the most favourable pairing, for one comparison."""
    gain = subjects.best.value - subjects.baseline.value
    share = subjects.table.measure.kind is MeasureKind.SHARE and subjects.baseline.score is not None
    return int(-(-bounds.discordance_needed(ALPHA) // gain)) if share and gain > 0 else None
