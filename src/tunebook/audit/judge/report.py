"""The audit of a hand-written record: from what it says to what of it holds.

`audit` is the one entry. It infers the number of test examples, folds equal settings, finds what can be compared,
judges every claim, and proposes the trials that would settle the rest. Pure: the same record gives the same report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tunebook.audit.judge import bounds
from tunebook.audit.judge.cases import Judged, Subjects, case_of, conclude
from tunebook.audit.judge.consistency import inconsistencies
from tunebook.audit.judge.counts import Examples, correct_of, settle_examples, slack_of
from tunebook.audit.judge.next_trials import NextTrial, next_trials
from tunebook.audit.judge.noise import SeedNoise, seed_noise
from tunebook.audit.judge.structure import Structure, level_in, structure_of
from tunebook.audit.judge.trials import AuditTrial, TrialTable, trials_of
from tunebook.audit.judge.verdicts import ALPHA, Comparison, Counts, Judge, Question, SupportVerdict
from tunebook.audit.model import Claim, ClaimKind, HandRecord, MeasureKind, Note
from tunebook.statistics.intervals import wilson

__all__ = ["AuditReport", "Detectable", "FactorEffect", "TrialVerdict", "audit"]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    size, counts = _counts(record, subjects, examples)
    noise = _noise(subjects, structure, counts)
    comparable = [t.key for t in subjects.scored if structure.moves.get(t.key) != () and t.key != table.baseline]
    judge = Judge(table, counts, noise, comparable, _different_pairs(subjects, structure))
    cases = [case_of(claim, subjects) for claim in _claims(record)]
    widest = _widest(subjects, structure)
    best_question = _best_question(subjects, structure)
    asked = [*(q for case in cases for q in case.questions), *widest.values(), best_question]
    judge.settle([question for question in asked if question])
    claims = tuple(conclude(case, {q: judge.answer(q) for q in case.questions}, subjects) for case in cases)
    trials = _trial_verdicts(subjects, structure, counts, judge)
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
        effects=_effects(subjects, structure, widest, judge),
        claims=claims,
        inconsistencies=inconsistencies(record, table, subjects),
        next_trials=next_trials(subjects, structure, claims, open_trials),
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
    size = settle_examples(list(scores.values()), given, record.stated_examples, seeds)
    if size.n is None:
        return size, Counts(n=None, seeds=seeds)
    total = size.n * seeds
    slack = {key: slack for key, score in scores.items() if (slack := slack_of(score, total))}
    correct = {key: correct_of(score, total) for key, score in scores.items()}
    return size, Counts(n=size.n, seeds=seeds, correct=correct, slack=slack)


def _noise(subjects: Subjects, structure: Structure, counts: Counts) -> SeedNoise:
    trained = {t.key: counts.correct[t.key] / counts.total if counts.n else t.value for t in subjects.trained}
    spreads = [t.score.spread for t in subjects.trained if t.score and t.score.spread is not None]
    known = [tuple(k for k in keys if k in trained) for keys in structure.equal]
    short = [(length, tuple(k for k in keys if k in trained)) for length, keys in structure.equal_if_short]
    return seed_noise(
        trained, [g for g in known if len(g) > 1], [s for s in short if len(s[1]) > 1], spreads, counts.seeds
    )


def _different_pairs(subjects: Subjects, structure: Structure) -> int:
    """Pairs of scored trials with different settings: what a claim or a factor could have picked from."""
    scored = {t.key for t in subjects.scored}
    equal = sum(math.comb(len(scored.intersection(group)), 2) for group in structure.equal)
    return math.comb(len(scored), 2) - equal


def _claims(record: HandRecord) -> list[Claim]:
    """The record's claims, and its best-configuration blocks as claims of their own, in the order of the document."""
    blocks = [
        Claim(
            kind=ClaimKind.BEST_TRIAL,
            text="",
            line=block.line,
            values=block.values,
            trials=(block.trial,) if block.trial else (),
            block=True,
        )
        for block in record.best_blocks
    ]
    return sorted([*record.claims, *blocks], key=lambda claim: claim.line)


def _best_question(subjects: Subjects, structure: Structure) -> Question | None:
    best, base = subjects.best, subjects.baseline
    if best.key == base.key or base.score is None or structure.moves.get(best.key) == ():
        return None
    return Question(((best.key, base.key),), 1)


def _trial_verdicts(subjects: Subjects, structure: Structure, counts: Counts, judge: Judge) -> tuple[TrialVerdict, ...]:
    earlier = {key: group[0] for group in structure.equal for key in group[1:]}
    result = []
    for trial in subjects.table.trials:
        count = counts.correct.get(trial.key)
        moves = structure.moves.get(trial.key)
        same = subjects.table.get(earlier[trial.key]) if trial.key in earlier else None
        comparison = None
        others = trial.key != subjects.baseline.key and moves != ()
        if others and trial.score is not None and subjects.baseline.score is not None:
            comparison = judge.answer(Question(((trial.key, subjects.baseline.key),)))
        result.append(
            TrialVerdict(
                trial=trial,
                correct=count if counts.seeds == 1 else None,
                interval=wilson(count / counts.seeds, counts.n) if count is not None and counts.n else None,
                moves=moves,
                same_as=same.label if same else None,
                comparison=comparison,
            )
        )
    return tuple(result)


def _tied(subjects: Subjects, counts: Counts) -> tuple[str, ...]:
    """Trials that even the most favourable pairing does not tell from the best, one comparison each, unadjusted."""
    if subjects.best.key not in counts.correct:
        return ()
    top = counts.correct[subjects.best.key] + counts.slack.get(subjects.best.key, 0)
    return tuple(
        t.key
        for t in subjects.trained
        if t.key != subjects.best.key
        and bounds.favourable_p([top - counts.correct[t.key] + counts.slack.get(t.key, 0)]) > ALPHA
    )


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


def _widest(subjects: Subjects, structure: Structure) -> dict[str, Question | None]:
    """For each factor the one-factor pair of trained trials with the largest difference."""
    trained = {t.key: t.value for t in subjects.trained}
    found: dict[str, Question | None] = {}
    for factor in structure.varied:
        pairs = [(p.high, p.low) for p in structure.pairs if p.factor == factor and {p.low, p.high} <= trained.keys()]
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
    return tuple(
        FactorEffect(
            factor=factor,
            levels=len({level_in(t, factor) for t in subjects.table.trials if not t.unread}),
            n_pairs=sum(p.factor == factor and {p.low, p.high} <= trained for p in structure.pairs),
            widest=judge.answer(question) if question else None,
            alone_from_baseline=tuple(key for key, moves in structure.moves.items() if moves == (factor,)),
            broke=broke.get(factor),
        )
        for factor, question in widest.items()
        if factor not in hidden
    )


def _needed_if_unknown(subjects: Subjects) -> int | None:
    """Examples from which best against baseline could hold in the most favourable pairing, for one comparison."""
    gain = subjects.best.value - subjects.baseline.value
    share = subjects.table.measure.kind is MeasureKind.SHARE and subjects.baseline.score is not None
    return int(-(-bounds.discordance_needed(ALPHA) // gain)) if share and gain > 0 else None
