"""From a claim to the comparisons that decide it, and from their verdicts to the claim's.

`case_of` finds the trials that a claim is about and the one-factor pairs that bear on it; `conclude` gives the verdict
when the pairs are judged. A claim about a factor is decided by pairs that differ by this factor alone. Where there is
none the record cannot show it, however large the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from tunebook.audit.judge.structure import EFFECTIVE_BATCH, Structure, acting, level_in, moved
from tunebook.audit.judge.trials import AuditTrial, TrialTable, difference_fits
from tunebook.audit.judge.verdicts import Comparison, Question, Reason, SupportVerdict
from tunebook.audit.model import UNSAID, Claim, ClaimKind, MeasureKind
from tunebook.core.factor import Level

ENOUGH_FAILURES = 5
"""With five of five failed, the share that fails is above one half (exact binomial, one-sided 95 %: 0.05^(1/5))."""


@dataclass(frozen=True)
class ConfoundedPair:
    """Two trials that a claim could have been read from, though they differ in more than the claimed factor."""

    treatment: str
    control: str
    also: tuple[str, ...]
    effect: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim with what decides it, and with its verdict once judged; trials by key."""

    claim: Claim
    questions: tuple[Question, ...] = ()  # comparisons that all must hold
    verdict: SupportVerdict | None = None  # when no comparison decides it, or what caps it
    reason: Reason | None = None
    confounded: tuple[ConfoundedPair, ...] = ()  # pairs with further differences that bear on it
    trials: tuple[str, ...] = ()  # that it is about
    facts: Mapping[str, object] = field(default_factory=dict)  # further values for the sentence


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim with its verdict."""

    case: Case
    verdict: SupportVerdict
    reason: Reason
    comparisons: tuple[Comparison, ...] = ()
    deciding: Comparison | None = None  # the comparison that decided it

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.case.claim

    @property
    def trials(self) -> tuple[str, ...]:
        """Keys of the trials that it is about."""
        return self.case.trials


def _fixed(
    claim: Claim,
    verdict: SupportVerdict,
    reason: Reason,
    trials: tuple[str, ...] = (),
    confounded: tuple[ConfoundedPair, ...] = (),
    **facts: object,
) -> Case:
    return Case(claim=claim, verdict=verdict, reason=reason, trials=trials, confounded=confounded, facts=facts)


def _unchecked(claim: Claim, reason: Reason, trials: tuple[str, ...] = ()) -> Case:
    return _fixed(claim, SupportVerdict.UNCHECKED, reason, trials)


def _not_shown(claim: Claim, reason: Reason, *more: tuple[str, ...], **facts: object) -> Case:
    return _fixed(claim, SupportVerdict.NOT_SHOWN, reason, *more, **facts)  # type: ignore[arg-type]


def label_key(trial: AuditTrial) -> str:
    """The key of a trial's label, whichever seed it had."""
    return trial.key.partition("/seed")[0]


class Subjects:
    """Finds a record's trials by label, by level and by settings."""

    def __init__(self, table: TrialTable, structure: Structure) -> None:
        self.table = table
        self.structure = structure
        self.scored = [t for t in table.trials if t.score is not None]
        self.trained = [t for t in self.scored if not t.failed]
        found = table.get(table.baseline)
        assert found is not None
        self.baseline = found
        self.best = max(self.trained, key=lambda t: t.value, default=found)

    def named(self, name: str, section: str) -> AuditTrial | None:
        """A trial by the name a text gives it; "baseline" and "best" are allowed."""
        known = {"baseline": self.baseline, "best": self.best}
        return known.get(name) or self.table.resolve(name, section)

    def best_before(self, trial: AuditTrial | None) -> AuditTrial | None:
        """The best of the trials that stand before a trial: what "the best so far" meant when it was planned."""
        earlier = [t for t in self.trained if trial is not None and t.order < trial.order]
        return max(earlier, key=lambda t: t.value, default=None)

    def within(self, claim: Claim, trial: AuditTrial) -> list[AuditTrial]:
        """The scored trials among which a claim says that a trial is the best: all, those up to it, or its round's."""
        if claim.so_far:
            return [t for t in self.scored if t.order <= trial.order]
        rows = [*self.table.text_rows, *((t.row, t.key) for t in self.scored)]
        keys = {key for row, key in rows if claim.round and row.round == claim.round}
        return [t for t in self.scored if t.key in keys] if trial.key in keys else self.scored

    def matching(self, values: Mapping[str, Level]) -> list[AuditTrial]:
        """Trials with these settings, the best first."""
        found = [t for t in self.scored if not t.unread and all(level_in(t, n) == v for n, v in values.items())]
        return sorted(found, key=lambda t: -t.value)

    def at(self, factor: str, levels: Sequence[Level]) -> list[AuditTrial]:
        """Scored trials at one of the levels of a factor, settings known."""
        return [t for t in self.scored if not t.unread and level_in(t, factor) in levels]

    def runs(self, trial: AuditTrial) -> list[AuditTrial]:
        """The scored runs of a label, of which a record may give one a seed."""
        return [t for t in self.scored if label_key(t) == label_key(trial)]

    def levels(self, factor: str) -> list[Level]:
        """All levels of a factor among scored trials."""
        return list(dict.fromkeys(level_in(t, factor) for t in self.scored if not t.unread))

    def pairs(self, factor: str, trials: Sequence[AuditTrial]) -> list[tuple[str, str]]:
        """(higher, lower) keys of the pairs among these trials that differ in a factor alone."""
        keys = {t.key for t in trials}
        return [(p.high, p.low) for p in self.structure.pairs if p.factor == factor and {p.high, p.low} <= keys]

    def widest(self, factor: str) -> Question | None:
        """The pair of trained trials with the largest difference by a factor alone."""
        values = {t.key: t.value for t in self.trained}
        pairs = self.pairs(factor, self.trained)
        return Question((max(pairs, key=lambda p: abs(values[p[0]] - values[p[1]])),)) if pairs else None


def case_of(claim: Claim, subjects: Subjects) -> Case:
    """What decides a claim."""
    if claim.kind is ClaimKind.UNREAD:
        return _unchecked(claim, Reason.UNREAD)
    if claim.factor is not None and claim.factor not in subjects.table.factors:
        return _unchecked(claim, Reason.NOT_VARIED)
    return _BUILDERS[claim.kind](claim, subjects)


_BY_STRENGTH = (
    SupportVerdict.CANNOT_HOLD,
    SupportVerdict.WITHIN_CHANCE,
    SupportVerdict.UNCHECKED,
    SupportVerdict.NOT_SHOWN,
    SupportVerdict.NOT_CORRECTED,
    SupportVerdict.DEPENDS,
    SupportVerdict.HOLDS,
)
_STRENGTH = {verdict: strength for strength, verdict in enumerate(_BY_STRENGTH)}
_FALSE = (Reason.CONTRADICTED, Reason.NOT_BEST, Reason.MIXED_SIGNS, Reason.NO_DIFFERENCE)


def conclude(case: Case, answers: Mapping[Question, Comparison], subjects: Subjects) -> Judged:
    """The verdict on a claim: the least supported of its comparisons, capped by what the case says. A claim that
    another result column bears out is not called false."""
    comparisons = tuple(answers[question] for question in case.questions)
    if _is_doubtful(case, comparisons, subjects):
        unread = replace(case.claim, kind=ClaimKind.UNREAD)
        return Judged(case=replace(case, claim=unread), verdict=SupportVerdict.UNCHECKED, reason=Reason.UNREAD)
    if case.claim.direction == 0:
        return _no_difference(case, comparisons)
    deciding = min(comparisons, key=lambda c: (_STRENGTH[c.verdict], -c.p_favourable), default=None)
    verdict, reason = case.verdict or SupportVerdict.UNCHECKED, case.reason or Reason.UNREAD
    known = deciding is not None and deciding.verdict is not SupportVerdict.UNCHECKED
    if deciding is not None and (
        case.verdict is None or (known and _STRENGTH[case.verdict] > _STRENGTH[deciding.verdict])
    ):
        verdict, reason = deciding.verdict, deciding.reason
    of_each = case.claim.kind is ClaimKind.TREND  # "the more the better" is said of every step
    if of_each and any(c.is_mixed(case.claim.direction) for c in comparisons):
        reason = Reason.MIXED_SIGNS
        kept = (SupportVerdict.CANNOT_HOLD, SupportVerdict.UNCHECKED)
        verdict = verdict if verdict in kept else SupportVerdict.NOT_SHOWN
    if reason in _FALSE and "worked" not in case.facts and _borne_out_elsewhere(case, subjects):
        verdict, reason = SupportVerdict.UNCHECKED, Reason.OTHER_RESULT
    return Judged(case=case, verdict=verdict, reason=reason, comparisons=comparisons, deciding=deciding)


def _is_doubtful(case: Case, comparisons: Sequence[Comparison], subjects: Subjects) -> bool:
    """Whether a claim is better listed as not read: the difference that it gives is not that of its pair, or all that
    keeps its trials apart is a column of which it is not sure that it holds settings."""
    gap, share = case.claim.gap, subjects.table.measure.kind is MeasureKind.SHARE
    rows = {t.key: t.score for t in subjects.scored}
    scores = [(rows.get(a), rows.get(b)) for c in comparisons for a, b in c.pairs if len(c.pairs) == 1]
    known = [(a, b) for a, b in scores if a is not None and b is not None] if gap is not None and share else []
    if gap is not None and known and not any(difference_fits(gap, a, b, signed=False) for a, b in known):
        return gap_of_levels(case.claim, comparisons) is None
    return any(subjects.table.unsure.intersection(pair.also) for pair in case.confounded)


def gap_of_levels(claim: Claim, comparisons: Sequence[Comparison]) -> tuple[str, str] | None:
    """The one pair of which a sentence on two levels gives the difference in points, where it has the claimed sign."""
    pairs = [pair for c in comparisons for pair in c.pairs]
    named = claim.kind is ClaimKind.LEVELS and claim.against and claim.direction and claim.gap and claim.gap.points
    return pairs[0] if named and len(pairs) == 1 and comparisons[0].effect * claim.direction > 0 else None


def _borne_out_elsewhere(case: Case, subjects: Subjects) -> bool:
    """Whether some other result column has every comparison of the claim on the claimed side."""
    rows = {t.key: t.row for t in subjects.table.trials}
    higher = case.facts.get("higher")
    pairs = [(pair, q.sign) for q in case.questions for pair in q.pairs]
    pairs += [((case.trials[0], key), 1) for key in higher] if isinstance(higher, tuple) else []
    measure = subjects.table.measure
    if measure.decided:
        return False
    for name, kind in zip(measure.others, measure.other_kinds, strict=True):
        if kind is MeasureKind.LOSS and measure.kind is not kind:
            continue  # trackers log a loss beside the result; sentences seldom speak of it
        both = [(rows[a].others.get(name), rows[b].others.get(name), sign) for (a, b), sign in pairs]
        if both and all(a and b and (a.value - b.value) * sign * kind.sign > 0 for a, b, sign in both):
            return True
    return False


def _no_difference(case: Case, comparisons: tuple[Comparison, ...]) -> Judged:
    """ "No effect", "no better": refuted by a difference on the side that is denied, true of settings that change
    nothing and of a difference that holds on the other side, else never shown."""
    side = case.claim.no_more
    held = [c for c in comparisons if c.verdict is SupportVerdict.HOLDS]
    found = next((c for c in held if not side or c.effect * side > 0), None)
    other = next((c for c in held if side and c.effect * side < 0), None)
    if found is not None:
        verdict, reason = SupportVerdict.CANNOT_HOLD, Reason.DIFFERENCE_FOUND
    elif case.reason is not None:
        verdict, reason = case.verdict or SupportVerdict.UNCHECKED, case.reason
    elif other is not None and len(held) == len(comparisons):
        verdict, reason = SupportVerdict.HOLDS, Reason.SIGNIFICANT
    else:
        verdict, reason = SupportVerdict.NOT_SHOWN, Reason.ABSENCE
    deciding = found or other or max(comparisons, key=lambda c: abs(c.effect), default=None)
    return Judged(case=case, verdict=verdict, reason=reason, comparisons=comparisons, deciding=deciding)


def _levels(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    against = claim.against or (level_in(subjects.baseline, claim.factor),)
    levels = tuple(level for level in claim.levels if level not in against)
    if not levels:
        others = tuple(level for level in subjects.levels(claim.factor) if level not in claim.levels)
        levels, against = claim.levels, others
    return _compared(claim, subjects, claim.factor, levels, against)


def _compared(claim: Claim, subjects: Subjects, factor: str, levels: Sequence[Level], against: Sequence[Level]) -> Case:
    """Levels against others, by the pairs that differ in the factor alone; else by why there is none: pairs of equal
    training, or, for each treatment, the pair that differs in least."""
    treatments, controls = subjects.at(factor, levels), subjects.at(factor, against)
    if not treatments or not controls:
        return _unchecked(claim, Reason.NO_TRIAL)
    clean: list[tuple[str, str]] = []
    same: list[tuple[str, str]] = []
    mixed: list[ConfoundedPair] = []
    for a in treatments:
        moves = [(moved(a, b), b) for b in controls]
        clean += [(a.key, b.key) for names, b in moves if names == (acting(factor),)]
        same += [(a.key, b.key) for names, b in moves if not names]
        if not any(names in ((acting(factor),), ()) for names, _ in moves):
            mixed.append(_confounded(a, min(moves, key=lambda m: len(m[0]))[1], factor))
    own = subjects.named(claim.trials[0], claim.section) if claim.trials else None
    if own is not None and any(own.key in pair for pair in clean):  # a remark speaks of its row's own comparison
        clean = [pair for pair in clean if own.key in pair]
    trials, facts = tuple(t.key for t in treatments), {"levels": tuple(levels), "against": tuple(against)}
    if clean:
        question = Question(tuple(clean), claim.direction)
        return Case(claim=claim, questions=(question,), confounded=tuple(mixed), trials=trials, facts=facts)
    if same:
        verdict = SupportVerdict.CANNOT_HOLD if claim.direction else SupportVerdict.HOLDS
        return _fixed(claim, verdict, Reason.SAME_TRAINING, trials, same=tuple(same))
    return _fixed(claim, SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED, trials, tuple(mixed), **facts)


def _confounded(a: AuditTrial, b: AuditTrial, factor: str) -> ConfoundedPair:
    return ConfoundedPair(a.key, b.key, tuple(n for n in moved(a, b) if n != acting(factor)), a.value - b.value)


def _best_level(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor, tried = claim.factor, subjects.levels(claim.factor)
    inside = tuple(level for level in tried if _within(level, claim))
    outside = [level for level in tried if level not in inside]
    if not inside:
        return _unchecked(claim, Reason.NO_TRIAL)
    if not outside:
        return _not_shown(claim, Reason.OPEN_SIDE) if claim.is_range else _unchecked(claim, Reason.NOT_VARIED)
    parts = [_compared(claim, subjects, factor, inside, (level,)) for level in outside]
    capped = [p for p in parts if p.verdict is not None]
    if claim.is_range and not _is_bracketed(inside, outside):
        capped.append(_not_shown(claim, Reason.OPEN_SIDE))
    fixed = min(capped, key=lambda p: _STRENGTH[p.verdict or SupportVerdict.HOLDS], default=None)
    return Case(
        claim=claim,
        questions=tuple(q for part in parts for q in part.questions),
        verdict=fixed.verdict if fixed else None,
        reason=fixed.reason if fixed else None,
        confounded=tuple(c for part in parts for c in part.confounded),
        trials=parts[0].trials,
        facts=fixed.facts if fixed else {},
    )


def _is_bracketed(inside: Sequence[Level], outside: Sequence[Level]) -> bool:
    """Whether levels were tried below and above a range."""
    numbers = [v for v in inside if isinstance(v, int | float)]
    others = [v for v in outside if isinstance(v, int | float) and v != UNSAID]
    return bool(others) and min(others) < min(numbers) and max(others) > max(numbers)


def _within(level: Level, claim: Claim) -> bool:
    if not claim.is_range:
        return level in claim.levels
    numbers = [v for v in claim.levels if isinstance(v, int | float)]
    return isinstance(level, int | float) and bool(numbers) and min(numbers) <= level <= max(numbers)


def _trend(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor = acting(claim.factor)
    if len(subjects.levels(factor)) < 2:
        return _unchecked(claim, Reason.NOT_VARIED)
    pairs = tuple(subjects.pairs(factor, [t for t in subjects.trained if level_in(t, factor) != UNSAID]))
    if not pairs:
        return _not_shown(claim, Reason.CONFOUNDED)
    trials = tuple(dict.fromkeys(key for pair in pairs for key in pair))
    return Case(claim=claim, questions=(Question(pairs, claim.direction),), trials=trials)


def _boundary(claim: Claim, subjects: Subjects) -> Case:
    factor, sign, edge = claim.factor or "", claim.direction, claim.levels[0]
    assert isinstance(edge, int | float)

    def beyond(trial: AuditTrial) -> bool:
        level = level_in(trial, factor)
        if not isinstance(level, int | float) or level == UNSAID:
            return False
        return level == edge if claim.exact else sign * level >= sign * edge

    known = [t for t in subjects.table.trials if not t.unread and beyond(t)]
    failed = [t for t in known if t.failed]
    at_edge_failed = claim.inclusive or any(level_in(t, factor) == edge for t in failed)
    trained_well = [t for t in subjects.trained if not t.row.said_to_fail and not _is_far_below(t, subjects.trained)]
    counts_edge = claim.exact or at_edge_failed
    worked = tuple(t.key for t in known if t in trained_well and (counts_edge or level_in(t, factor) != edge))
    trials = tuple(t.key for t in failed)
    if worked and failed and claim.exact:
        return _not_shown(claim, Reason.MIXED_RUNS, trials, worked=worked)
    if worked:
        return _fixed(claim, SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED, trials, worked=worked)
    if not failed:
        low = tuple(t.key for t in known if t.score is not None and t not in trained_well)
        return _unchecked(claim, Reason.LOW_RESULT if low else Reason.NO_TRIAL, low)
    of_factor = (b for b in subjects.structure.boundaries if b.factor == acting(factor) and b.above == (sign > 0))
    boundary = next(of_factor, None)
    trained = subjects.table.get(boundary.trained) if boundary is not None else None
    if boundary is None or trained is None:
        return _not_shown(claim, Reason.CONFOUNDED, trials)
    if len(boundary.moves) > 1:
        pair = _confounded(subjects.table.get(boundary.failed[0]) or failed[0], trained, boundary.factor)
        return _fixed(claim, SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED, trials, (pair,), boundary=boundary)
    if len(failed) == 1:
        return _not_shown(claim, Reason.ONE_TRIAL, trials, boundary=boundary)
    if not at_edge_failed:
        return _not_shown(claim, Reason.EDGE_OPEN, trials, boundary=boundary)
    if len(failed) < ENOUGH_FAILURES:
        return _not_shown(claim, Reason.FEW_RUNS, trials, boundary=boundary)
    return _fixed(claim, SupportVerdict.HOLDS, Reason.FAILED, trials, boundary=boundary)


def _is_far_below(trial: AuditTrial, others: Sequence[AuditTrial]) -> bool:
    """Whether a result is so far below all others (a fifth of the next) that somebody may call the training broken."""
    values = [t.value for t in others if t.key != trial.key]
    return bool(values) and trial.value < min(values) - 0.2 * abs(min(values))


def _no_effect(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor = acting(claim.factor)
    if claim.factor == "gradient_checkpointing":
        return _fixed(claim, SupportVerdict.HOLDS, Reason.SAME_TRAINING)
    named = {t.key for t in subjects.scored if not claim.levels or level_in(t, claim.factor) in claim.levels}
    pairs = [pair for pair in subjects.pairs(factor, subjects.scored) if named & set(pair)]
    if pairs:
        return Case(claim=claim, questions=tuple(Question((pair,)) for pair in pairs))
    if len(subjects.levels(claim.factor)) < 2:
        return _unchecked(claim, Reason.NOT_VARIED)
    if factor == EFFECTIVE_BATCH and len(subjects.levels(EFFECTIVE_BATCH)) == 1:
        return _fixed(claim, SupportVerdict.HOLDS, Reason.SAME_TRAINING)
    return _not_shown(claim, Reason.CONFOUNDED)


def _importance(claim: Claim, subjects: Subjects) -> Case:
    """The order of factors is a comparison of differences, which a record cannot carry; the first factor's own largest
    difference is shown beside where the table has this order."""
    assert claim.factor is not None
    if any(name not in subjects.table.factors for name in claim.order):
        return _unchecked(claim, Reason.NOT_VARIED)
    question = subjects.widest(acting(claim.factor))
    if question is None:
        return _not_shown(claim, Reason.CONFOUNDED)
    sizes = [_size(other, subjects) for name in claim.order if (other := subjects.widest(acting(name))) is not None]
    if sizes != sorted(sizes, reverse=True):
        return _not_shown(claim, Reason.ORDER_UNKNOWN)
    return Case(claim=claim, questions=(question,), verdict=SupportVerdict.NOT_SHOWN, reason=Reason.ORDER_UNKNOWN)


def _size(question: Question, subjects: Subjects) -> float:
    """The size of a mean difference over pairs, as the table gives it."""
    values = {trial.key: trial.value for trial in subjects.scored}
    return abs(sum(values[a] - values[b] for a, b in question.pairs) / len(question.pairs))


def _trials(claim: Claim, subjects: Subjects) -> Case:
    treatment = subjects.named(claim.trials[0], claim.section) if claim.trials else None
    against = (claim.against_trials or ("baseline",))[0]
    control = subjects.best_before(treatment) if against == "best" else subjects.named(against, claim.section)
    if treatment is None or control is None or treatment.key == control.key:
        return _unchecked(claim, Reason.NO_TRIAL)
    trials = (treatment.key, control.key)
    if treatment.failed and claim.direction < 0:
        return _fixed(claim, SupportVerdict.HOLDS, Reason.FAILED, trials)
    if treatment.score is None or control.score is None:
        return _unchecked(claim, Reason.NO_TRIAL, trials)
    if not (treatment.unread or control.unread) and not moved(treatment, control):
        verdict = SupportVerdict.CANNOT_HOLD if claim.direction else SupportVerdict.HOLDS
        return _fixed(claim, verdict, Reason.SAME_TRAINING, trials, same=(trials,))
    pairs = tuple((a.key, b.key) for a in subjects.runs(treatment) for b in subjects.runs(control))
    return Case(claim=claim, questions=(Question(pairs, claim.direction),), trials=trials)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _best_trial(claim: Claim, subjects: Subjects) -> Case:
    found = subjects.matching(claim.values) if claim.values and not claim.trials else []
    treatment = subjects.named(claim.trials[0], claim.section) if claim.trials else found[0] if found else None
    if treatment is None or treatment.score is None:
        return _unchecked(claim, Reason.NO_TRIAL)
    pool, unit = subjects.within(claim, treatment), treatment.score.unit
    means = {key: _mean(t.value for t in pool if label_key(t) == key) for key in map(label_key, pool)}
    if len(means) < len(pool):  # a run a seed: the best by its mean, or by its best run
        own = label_key(treatment)
        second = max((key for key in means if key != own), key=lambda key: means[key], default=None)
        if second is not None and means[own] >= means[second]:
            pairs = tuple(product((t.key for t in subjects.runs(treatment)),
                                  (t.key for t in pool if label_key(t) == second)))  # fmt: skip
            return Case(claim=claim, questions=(Question(pairs, 1),), trials=(treatment.key,))
        treatment = max(subjects.runs(treatment), key=lambda t: t.value)
        assert treatment.score is not None
    higher = [t for t in pool if t.score and t.value - treatment.value > (unit + t.score.unit) / 2 * (1 - 1e-9)]
    if higher:
        keys = tuple(t.key for t in sorted(higher, key=lambda t: -t.value))
        return _fixed(claim, SupportVerdict.CANNOT_HOLD, Reason.NOT_BEST, (treatment.key,), higher=keys)
    rivals = [t for t in pool if not t.failed and t.key != treatment.key and (t.unread or moved(t, treatment))]
    rival = max(rivals, key=lambda t: t.value, default=None)
    keys = tuple(dict.fromkeys(t.key for t in (rival, subjects.baseline) if t is not None and t in rivals))
    if not keys:
        return _unchecked(claim, Reason.NO_TRIAL, (treatment.key,))
    questions = tuple(Question(((treatment.key, key),), 1) for key in keys)
    return Case(claim=claim, questions=questions, trials=(treatment.key,))


_BUILDERS: dict[ClaimKind, Callable[[Claim, Subjects], Case]] = {
    ClaimKind.LEVELS: _levels,
    ClaimKind.BEST_LEVEL: _best_level,
    ClaimKind.TREND: _trend,
    ClaimKind.BOUNDARY: _boundary,
    ClaimKind.NO_EFFECT: _no_effect,
    ClaimKind.IMPORTANCE: _importance,
    ClaimKind.TRIALS: _trials,
    ClaimKind.BEST_TRIAL: _best_trial,
}
