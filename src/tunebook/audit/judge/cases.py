"""From a claim to the comparisons that decide it, and from their verdicts to the claim's.

`case_of` finds the trials that a claim is about and the one-factor pairs that bear on it; `conclude` gives the verdict
when the pairs are judged. A claim about a factor is decided by pairs that differ by this factor alone. Where there is
none the record cannot show it, however large the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from tunebook.audit.judge.structure import Structure, acting, level_in, moved
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
    wrong_gap: Comparison | None = None  # of an unread one: the pair of which its difference is not that of the table

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.case.claim

    @property
    def trials(self) -> tuple[str, ...]:
        """Keys of the trials that it is about."""
        return self.case.trials


def _fixed(
    claim: Claim, verdict: SupportVerdict, reason: Reason, trials: tuple[str, ...] = (), **facts: object
) -> Case:
    return Case(claim=claim, verdict=verdict, reason=reason, trials=trials, facts=facts)


def _not_shown(claim: Claim, reason: Reason, trials: tuple[str, ...] = (), **facts: object) -> Case:
    return _fixed(claim, SupportVerdict.NOT_SHOWN, reason, trials, **facts)


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
    """What decides a claim. One that no trial of the tables bears on is better listed as not read: the tables may have
    been misread as well as the sentence."""
    known = claim.kind is not ClaimKind.UNREAD and (claim.factor is None or claim.factor in subjects.table.factors)
    found = _BUILDERS[claim.kind](claim, subjects) if known else None
    return found or _listed(claim)


def _listed(claim: Claim) -> Case:
    return _fixed(replace(claim, kind=ClaimKind.UNREAD), SupportVerdict.UNCHECKED, Reason.UNREAD)


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
    """The verdict on a claim: the least supported of its comparisons, capped by what the case says. What another result
    column bears out, or a difference that is not that of its pair, leaves it unread."""
    comparisons = tuple(answers[question] for question in case.questions)
    wrong = _wrong_gap(case, comparisons, subjects)
    if wrong or any(_is_unsure(case, pair, subjects) for pair in case.confounded):
        return _unread(case, wrong)
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
        return _unread(case)
    return Judged(case=case, verdict=verdict, reason=reason, comparisons=comparisons, deciding=deciding)


def _is_unsure(case: Case, pair: ConfoundedPair, subjects: Subjects) -> bool:
    """Whether it is not sure that two trials differ in more than a claim's factor: in a column that may be a setting,
    or, where the claim rests on the pair, in what one of them does not give."""
    a, b = (subjects.table.get(key) for key in (pair.treatment, pair.control))
    assert a is not None
    assert b is not None
    unknown = case.reason is Reason.CONFOUNDED and len(_known(pair.also, a, b)) < len(pair.also)
    return unknown or bool(subjects.table.unsure.intersection(pair.also))


def _known(names: Iterable[str], a: AuditTrial, b: AuditTrial) -> list[str]:
    """Settings on which two trials differ for certain: both give them, and not the table alone sets them apart."""
    kept = (name for name in names if name != "table")
    return [n for n in kept if n in {*a.extra, *b.extra} or not {level_in(a, n), level_in(b, n)} & {UNSAID, ""}]


def _unread(case: Case, wrong: Comparison | None = None) -> Judged:
    listed = _listed(case.claim)
    return Judged(case=listed, verdict=SupportVerdict.UNCHECKED, reason=Reason.UNREAD, wrong_gap=wrong)


def _wrong_gap(case: Case, comparisons: Sequence[Comparison], subjects: Subjects) -> Comparison | None:
    """The comparison of one pair of which a sentence gives the difference, and not as the table does."""
    gap, scores = case.claim.gap, {t.key: t.score for t in subjects.scored}
    if gap is None or subjects.table.measure.kind is not MeasureKind.SHARE:
        return None
    single = [c for c in comparisons if len(c.pairs) == 1]
    known = [(a, b) for c in single for a, b in [map(scores.get, c.pairs[0])] if a is not None and b is not None]
    if not known or any(difference_fits(gap, a, b, signed=False) for a, b in known):
        return None
    return single[0]


def _borne_out_elsewhere(case: Case, subjects: Subjects) -> bool:
    """Whether some other result column has every comparison of the claim on the claimed side."""
    rows, higher, measure = (
        {t.key: t.row for t in subjects.table.trials},
        case.facts.get("higher"),
        subjects.table.measure,
    )
    pairs = [(pair, q.sign) for q in case.questions for pair in q.pairs]
    pairs += [((case.trials[0], key), 1) for key in higher] if isinstance(higher, tuple) else []
    for name, kind in zip(measure.others, measure.other_kinds, strict=True) if not measure.decided else ():
        both = [(rows[a].others.get(name), rows[b].others.get(name), sign) for (a, b), sign in pairs]
        logged = kind is MeasureKind.LOSS and measure.kind is not kind  # of which sentences seldom speak
        if both and not logged and all(a and b and (a.value - b.value) * sign * kind.sign > 0 for a, b, sign in both):
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


def _levels(claim: Claim, subjects: Subjects) -> Case | None:
    assert claim.factor is not None
    against = claim.against or (level_in(subjects.baseline, claim.factor),)
    levels = tuple(level for level in claim.levels if level not in against)
    if not levels:
        others = tuple(level for level in subjects.levels(claim.factor) if level not in claim.levels)
        levels, against = claim.levels, others
    return _compared(claim, subjects, claim.factor, levels, against)


def _compared(
    claim: Claim, subjects: Subjects, factor: str, levels: Sequence[Level], against: Sequence[Level]
) -> Case | None:
    """Levels against others, by the pairs that differ in the factor alone; else by why there is none: pairs of equal
    training, or, for each treatment, the pair that differs in least."""
    treatments, controls = subjects.at(factor, levels), subjects.at(factor, against)
    if not treatments or not controls:
        return None
    clean: list[tuple[str, str]] = []
    same: list[tuple[str, str]] = []
    mixed: list[ConfoundedPair] = []
    for a in treatments:
        moves = [(moved(a, b), b) for b in controls]
        clean += [(a.key, b.key) for names, b in moves if names == (acting(factor),)]
        same += [(a.key, b.key) for names, b in moves if not names]
        if not any(names in ((acting(factor),), ()) for names, _ in moves):
            nearest = min(moves, key=lambda m: (len(_known(m[0], a, m[1])), len(m[0])))
            mixed.append(_confounded(a, nearest[1], factor))
    own = subjects.named(claim.trials[0], claim.section) if claim.trials else None
    if own is not None and any(own.key in pair for pair in clean):  # a remark speaks of its row's own comparison
        clean = [pair for pair in clean if own.key in pair]
    trials, facts = tuple(t.key for t in treatments), {"levels": tuple(levels), "against": tuple(against)}
    if clean:
        question = Question(tuple(clean), claim.direction)
        return Case(claim=claim, questions=(question,), confounded=tuple(mixed), trials=trials, facts=facts)
    if same:
        return _same_training(claim, trials, tuple(same))
    return replace(_not_shown(claim, Reason.CONFOUNDED, trials, **facts), confounded=tuple(mixed))


def _same_training(claim: Claim, trials: tuple[str, ...] = (), same: tuple[tuple[str, str], ...] = ()) -> Case:
    """Equal effective settings: a difference is chance, and no difference is true without a test."""
    verdict = SupportVerdict.CANNOT_HOLD if claim.direction else SupportVerdict.HOLDS
    return _fixed(claim, verdict, Reason.SAME_TRAINING, trials, **({"same": same} if same else {}))


def _confounded(a: AuditTrial, b: AuditTrial, factor: str) -> ConfoundedPair:
    return ConfoundedPair(a.key, b.key, tuple(n for n in moved(a, b) if n != acting(factor)), a.value - b.value)


def _best_level(claim: Claim, subjects: Subjects) -> Case | None:
    assert claim.factor is not None
    tried = subjects.levels(claim.factor)
    inside = tuple(level for level in tried if _within(level, claim))
    outside = [level for level in tried if level not in inside]
    if not inside or not (outside or claim.is_range):
        return None
    found = [_compared(claim, subjects, claim.factor, inside, (level,)) for level in outside]
    parts = [part for part in found if part is not None]
    if claim.is_range and not _is_bracketed(inside, outside):
        parts.append(_not_shown(claim, Reason.OPEN_SIDE))
    capped = [part for part in parts if part.verdict is not None]
    fixed = min(capped, key=lambda part: _STRENGTH[part.verdict or SupportVerdict.HOLDS], default=None)
    return replace(
        fixed or parts[0],
        questions=tuple(q for part in parts for q in part.questions),
        confounded=tuple(c for part in parts for c in part.confounded),
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


def _trend(claim: Claim, subjects: Subjects) -> Case | None:
    assert claim.factor is not None
    factor = acting(claim.factor)
    pairs = tuple(subjects.pairs(factor, [t for t in subjects.trained if level_in(t, factor) != UNSAID]))
    if not pairs:
        varied = len(subjects.levels(factor)) > 1
        return _not_shown(claim, Reason.CONFOUNDED) if varied else None
    trials = tuple(dict.fromkeys(key for pair in pairs for key in pair))
    return Case(claim=claim, questions=(Question(pairs, claim.direction),), trials=trials)


def _boundary(claim: Claim, subjects: Subjects) -> Case | None:
    factor, sign, edge = claim.factor or "", claim.direction, claim.levels[0]
    assert isinstance(edge, int | float)

    def beyond(trial: AuditTrial) -> bool:
        level = level_in(trial, factor)
        if not isinstance(level, int | float) or level == UNSAID:
            return False
        return level == edge if claim.exact else sign * level >= sign * edge

    known = [t for t in subjects.table.trials if not t.unread and beyond(t)]
    failed = [t for t in known if t.failed]
    counts_edge = claim.exact or claim.inclusive or any(level_in(t, factor) == edge for t in failed)
    trained = [t for t in known if t in subjects.trained and (counts_edge or level_in(t, factor) != edge)]
    worked = tuple(t.key for t in trained if not t.row.said_to_fail and not _is_far_below(t, subjects.trained))
    trials = tuple(t.key for t in failed)
    if worked and failed and claim.exact:
        return _not_shown(claim, Reason.MIXED_RUNS, trials, worked=worked)
    if worked:
        return _fixed(claim, SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED, trials, worked=worked)
    if not failed:
        return None
    of_factor = (b for b in subjects.structure.boundaries if b.factor == acting(factor) and b.above == (sign > 0))
    boundary = next(of_factor, None)
    nearest = subjects.table.get(boundary.trained) if boundary is not None else None
    if boundary is None or nearest is None:
        unsaid = any(level_in(t, factor) == UNSAID for t in subjects.table.trials)
        return None if unsaid else _not_shown(claim, Reason.CONFOUNDED, trials)
    if len(boundary.moves) > 1 and not (claim.exact and boundary.clean):
        pair = _confounded(subjects.table.get(boundary.failed[0]) or failed[0], nearest, boundary.factor)
        return replace(_not_shown(claim, Reason.CONFOUNDED, trials, boundary=boundary), confounded=(pair,))
    if len(failed) < ENOUGH_FAILURES or not counts_edge:
        return _not_shown(claim, Reason.FEW_RUNS, trials, boundary=boundary)
    return _fixed(claim, SupportVerdict.HOLDS, Reason.FAILED, trials, boundary=boundary)


def _is_far_below(trial: AuditTrial, others: Sequence[AuditTrial]) -> bool:
    """Whether a result is so far below all others (a fifth of the next) that somebody may call the training broken."""
    values = [t.value for t in others if t.key != trial.key]
    return bool(values) and trial.value < min(values) - 0.2 * abs(min(values))


def _no_effect(claim: Claim, subjects: Subjects) -> Case | None:
    assert claim.factor is not None
    factor, levels = acting(claim.factor), subjects.levels(claim.factor)
    named = {t.key for t in subjects.scored if not claim.levels or level_in(t, claim.factor) in claim.levels}
    pairs = [pair for pair in subjects.pairs(factor, subjects.scored) if named & set(pair)]
    if pairs:
        return Case(claim=claim, questions=tuple(Question((pair,)) for pair in pairs))
    if len(levels) < 2:
        return None
    folded = factor == "gradient_checkpointing" or len(subjects.levels(factor)) == 1
    return _same_training(claim) if folded else _not_shown(claim, Reason.CONFOUNDED)


def _importance(claim: Claim, subjects: Subjects) -> Case | None:
    """The order of factors is a comparison of differences, which a record cannot carry; the first factor's own largest
    difference is shown beside where the table has this order."""
    assert claim.factor is not None
    if any(name not in subjects.table.factors for name in claim.order):
        return None
    widest = [subjects.widest(acting(name)) for name in claim.order or (claim.factor,)]
    values = {trial.key: trial.value for trial in subjects.scored}
    sizes = [abs(sum(values[a] - values[b] for a, b in q.pairs)) for q in widest if q is not None]
    if widest[0] is None:
        return _not_shown(claim, Reason.CONFOUNDED)
    case = _not_shown(claim, Reason.ORDER_UNKNOWN)
    return replace(case, questions=(widest[0],)) if sizes == sorted(sizes, reverse=True) else case


def _trials(claim: Claim, subjects: Subjects) -> Case | None:
    treatment = subjects.named(claim.trials[0], claim.section) if claim.trials else None
    against = (claim.against_trials or ("baseline",))[0]
    control = subjects.best_before(treatment) if against == "best" else subjects.named(against, claim.section)
    if treatment is None or control is None or treatment.key == control.key:
        return None
    trials = (treatment.key, control.key)
    if treatment.failed and claim.direction < 0:
        return _fixed(claim, SupportVerdict.HOLDS, Reason.FAILED, trials)
    if treatment.score is None or control.score is None:
        return None
    if not (treatment.unread or control.unread) and not moved(treatment, control):
        return _same_training(claim, trials, (trials,))
    pairs = tuple((a.key, b.key) for a in subjects.runs(treatment) for b in subjects.runs(control))
    return Case(claim=claim, questions=(Question(pairs, claim.direction),), trials=trials)


def _best_trial(claim: Claim, subjects: Subjects) -> Case | None:
    found = subjects.matching(claim.values) if claim.values and not claim.trials else []
    treatment = subjects.named(claim.trials[0], claim.section) if claim.trials else found[0] if found else None
    if treatment is None or treatment.score is None:
        return None
    pool, own, values = subjects.within(claim, treatment), label_key(treatment), dict[str, list[float]]()
    for trial in pool:
        values.setdefault(label_key(trial), []).append(trial.value)
    if len(values) < len(pool):  # a run a seed: the best by its mean, or by its best run
        means = {key: sum(each) / len(each) for key, each in values.items()}
        second = max((key for key in means if key != own), key=means.__getitem__, default=None)
        if second is not None and means[own] >= means[second]:
            others = [t.key for t in pool if label_key(t) == second]
            pairs = tuple(product((t.key for t in subjects.runs(treatment)), others))
            return Case(claim=claim, questions=(Question(pairs, 1),), trials=(treatment.key,))
        treatment = max(subjects.runs(treatment), key=lambda t: t.value)
    unit = treatment.score.unit if treatment.score else 0.0
    higher = [t for t in pool if t.score and t.value - treatment.value > (unit + t.score.unit) / 2 * (1 - 1e-9)]
    if higher:
        keys = tuple(t.key for t in sorted(higher, key=lambda t: -t.value))
        return _fixed(claim, SupportVerdict.CANNOT_HOLD, Reason.NOT_BEST, (treatment.key,), higher=keys)
    rivals = [t for t in pool if not t.failed and t.key != treatment.key and (t.unread or moved(t, treatment))]
    rival = max(rivals, key=lambda t: t.value, default=None)
    keys = tuple(dict.fromkeys(t.key for t in (rival, subjects.baseline) if t is not None and t in rivals))
    questions = tuple(Question(((treatment.key, key),), 1) for key in keys)
    return Case(claim=claim, questions=questions, trials=(treatment.key,)) if keys else None


_BUILDERS: dict[ClaimKind, Callable[[Claim, Subjects], Case | None]] = {
    ClaimKind.LEVELS: _levels,
    ClaimKind.BEST_LEVEL: _best_level,
    ClaimKind.TREND: _trend,
    ClaimKind.BOUNDARY: _boundary,
    ClaimKind.NO_EFFECT: _no_effect,
    ClaimKind.IMPORTANCE: _importance,
    ClaimKind.TRIALS: _trials,
    ClaimKind.BEST_TRIAL: _best_trial,
}
