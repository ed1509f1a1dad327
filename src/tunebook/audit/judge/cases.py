"""From a claim to the comparisons that decide it, and from their verdicts to the claim's.

`case_of` finds the trials that a claim is about and the one-factor pairs that bear on it; `conclude` gives the verdict
when the pairs are judged. A claim about a factor is decided by pairs that differ by this factor alone. Where there is
none the record cannot show it, however large the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tunebook.audit.judge.structure import EFFECTIVE_BATCH, Boundary, Structure, level_in, moved
from tunebook.audit.judge.trials import UNSAID, AuditTrial, TrialTable
from tunebook.audit.judge.verdicts import Comparison, Question, Reason, SupportVerdict
from tunebook.audit.model import Claim, ClaimKind
from tunebook.core.factor import Level

__all__ = ["Case", "ConfoundedPair", "Judged", "Subjects", "case_of", "conclude"]

ENOUGH_FAILURES = 5
"""With five of five failed, the share that fails is above one half (exact binomial, one-sided 95 %: 0.05^(1/5))."""

_BATCH_PARTS = ("per_device_train_batch_size", "gradient_accumulation_steps")


@dataclass(frozen=True)
class ConfoundedPair:
    """Two trials that a claim could have been read from, though they differ in more than the claimed factor."""

    treatment: str
    control: str
    also: tuple[str, ...]
    effect: float


@dataclass(frozen=True)
class Case:
    """A claim with what decides it.

    Attributes:
        questions: comparisons that all must hold.
        verdict, reason: when no comparison decides it, or what caps it.
        confounded: pairs with further differences that bear on it.
        trials: keys of the trials it is about.
        facts: further values for the sentence.
    """

    claim: Claim
    questions: tuple[Question, ...] = ()
    verdict: SupportVerdict | None = None
    reason: Reason | None = None
    confounded: tuple[ConfoundedPair, ...] = ()
    trials: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict. `deciding`: the comparison that decided it, None where none did."""

    claim: Claim
    verdict: SupportVerdict
    reason: Reason
    comparisons: tuple[Comparison, ...] = ()
    deciding: Comparison | None = None
    confounded: tuple[ConfoundedPair, ...] = ()
    trials: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


class Subjects:
    """Finds a record's trials by label, by level and by settings."""

    def __init__(self, table: TrialTable, structure: Structure) -> None:
        self.table = table
        self.structure = structure
        self.scored = [t for t in table.trials if t.accuracy is not None]
        self.trained = [t for t in self.scored if not t.failed]
        found = table.get(table.baseline)
        assert found is not None
        self.baseline = found
        self.best = max(self.trained, key=value_of, default=found)

    def named(self, name: str, section: str) -> AuditTrial | None:
        """A trial by the name a text gives it; "baseline" and "best" are allowed."""
        if name == "baseline":
            return self.baseline
        return self.best if name == "best" else self.table.resolve(name, section)

    def best_before(self, trial: AuditTrial | None) -> AuditTrial | None:
        """The best of the trials that stand before a trial: what "the best so far" meant when it was planned."""
        earlier = [t for t in self.trained if trial is not None and t.order < trial.order]
        return max(earlier, key=value_of, default=None)

    def within(self, claim: Claim, trial: AuditTrial) -> list[AuditTrial]:
        """The scored trials among which a claim says that a trial is the best: all, those up to it, or its round's."""
        if claim.so_far:
            return [t for t in self.scored if t.order <= trial.order]
        rows = ((row, key) for row, key in self.table.text_rows)
        keys = {key for row, key in rows if claim.round and row.round == claim.round}
        keys |= {t.key for t in self.scored if claim.round and t.row.round == claim.round}
        return [t for t in self.scored if t.key in keys] if trial.key in keys else self.scored

    def matching(self, values: Mapping[str, Level]) -> list[AuditTrial]:
        """Trials with these settings, the best first."""
        found = [t for t in self.scored if all(level_in(t.configuration, n) == v for n, v in values.items())]
        return sorted(found, key=value_of, reverse=True)

    def at(self, factor: str, levels: Sequence[Level], only_trained: bool = False) -> list[AuditTrial]:
        """Scored trials at one of the levels of a factor, settings known."""
        pool = self.trained if only_trained else self.scored
        return [t for t in pool if not t.unread and level_in(t.configuration, factor) in levels]

    def levels(self, factor: str) -> list[Level]:
        """All levels of a factor among scored trials."""
        return list(dict.fromkeys(level_in(t.configuration, factor) for t in self.scored if not t.unread))


def value_of(trial: AuditTrial) -> float:
    """A trial's accuracy; 0 for one that failed without a number."""
    return trial.accuracy.value if trial.accuracy else 0.0


def acting(factor: str) -> str:
    """The factor that acts: the effective batch size for its two parts."""
    return EFFECTIVE_BATCH if factor in _BATCH_PARTS else factor


def case_of(claim: Claim, subjects: Subjects) -> Case:
    """What decides a claim."""
    if claim.factor is not None and claim.factor not in subjects.table.factors:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NOT_VARIED)
    builder = _BUILDERS.get(claim.kind)
    if builder is None:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.UNREAD)
    return builder(claim, subjects)


def conclude(case: Case, answers: Mapping[Question, Comparison]) -> Judged:
    """The verdict on a claim: the least supported of its comparisons, capped by what the case says."""
    comparisons = tuple(answers[question] for question in case.questions)
    deciding = min(comparisons, key=lambda c: (_STRENGTH[c.verdict], -c.p_favourable), default=None)
    if case.claim.kind in (ClaimKind.NO_EFFECT,) or (case.claim.kind is ClaimKind.TRIALS and case.claim.direction == 0):
        return _no_difference(case, comparisons)
    if deciding is None:
        verdict, reason = case.verdict or SupportVerdict.UNCHECKED, case.reason or Reason.UNREAD
    elif case.verdict is not None and _STRENGTH[case.verdict] < _STRENGTH[deciding.verdict]:
        verdict, reason = case.verdict, case.reason or Reason.CONFOUNDED
    else:
        verdict, reason = deciding.verdict, deciding.reason
    return Judged(case.claim, verdict, reason, comparisons, deciding, case.confounded, case.trials, case.facts)


_STRENGTH = {
    SupportVerdict.CANNOT_HOLD: 0,
    SupportVerdict.UNCHECKED: 1,
    SupportVerdict.NOT_SHOWN: 2,
    SupportVerdict.DEPENDS: 3,
    SupportVerdict.HOLDS: 4,
}


def _no_difference(case: Case, comparisons: tuple[Comparison, ...]) -> Judged:
    """ "No effect": refuted by a difference that holds, true of settings that change nothing, else never shown."""
    found = next((c for c in comparisons if c.verdict is SupportVerdict.HOLDS), None)
    largest = max(comparisons, key=lambda c: abs(c.effect), default=None)
    if found is not None:
        verdict, reason = SupportVerdict.CANNOT_HOLD, Reason.DIFFERENCE_FOUND
    elif case.reason is not None:
        verdict, reason = case.verdict or SupportVerdict.UNCHECKED, case.reason
    else:
        verdict, reason = SupportVerdict.NOT_SHOWN, Reason.ABSENCE
    return Judged(case.claim, verdict, reason, comparisons, found or largest, case.confounded, case.trials, case.facts)


def _levels(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    against = claim.against or (level_in(subjects.baseline.configuration, claim.factor),)
    levels = tuple(level for level in claim.levels if level not in against)
    if not levels:
        others = tuple(level for level in subjects.levels(claim.factor) if level not in claim.levels)
        levels, against = claim.levels, others
    return _compared(claim, subjects, claim.factor, levels, against)


def _compared(
    claim: Claim,
    subjects: Subjects,
    factor: str,
    levels: Sequence[Level],
    against: Sequence[Level],
) -> Case:
    treatments, controls = subjects.at(factor, levels), subjects.at(factor, against)
    if not treatments or not controls:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL, facts={"levels": levels, "against": against})
    clean, same, mixed = _sorted_pairs(treatments, controls, factor)
    trials = tuple(t.key for t in treatments)
    confounded = tuple(_confounded(a, b, factor) for a, b in mixed)
    if clean:
        pairs = tuple((a.key, b.key) for a, b in clean)
        return Case(
            claim,
            (Question(pairs, claim.direction),),
            None,
            None,
            confounded,
            trials,
            _naive(treatments, controls, clean, subjects, factor),
        )
    if same:
        return Case(
            claim,
            (),
            SupportVerdict.CANNOT_HOLD,
            Reason.SAME_TRAINING,
            (),
            trials,
            {"same": tuple((a.key, b.key) for a, b in same)},
        )
    if claim.direction and all(pair.effect * claim.direction <= 0 for pair in confounded):
        return Case(claim, (), SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED, confounded, trials)
    return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED, confounded, trials)


def _naive(
    treatments: Sequence[AuditTrial],
    controls: Sequence[AuditTrial],
    clean: _Pairs,
    subjects: Subjects,
    factor: str,
) -> dict[str, object]:
    """The nearest trial against the baseline, which a text is often read from though it is no one-factor pair."""
    base = subjects.baseline
    trained = [t for t in treatments if not t.failed]
    if not trained or all(c.key != base.key for c in controls) or any(b.key == base.key for _, b in clean):
        return {}
    nearest = min(trained, key=lambda t: len(moved(t.configuration, base.configuration)))
    return {"naive": _confounded(nearest, base, factor)}


_Pairs = list[tuple[AuditTrial, AuditTrial]]


def _sorted_pairs(
    treatments: Sequence[AuditTrial],
    controls: Sequence[AuditTrial],
    factor: str,
) -> tuple[_Pairs, _Pairs, _Pairs]:
    """Pairs that differ by the factor alone, pairs of equal training, and for each treatment its nearest other pair."""
    clean: _Pairs = []
    same: _Pairs = []
    mixed: _Pairs = []
    for a in treatments:
        moves = [(moved(a.configuration, b.configuration), b) for b in controls]
        clean += [(a, b) for names, b in moves if names == (acting(factor),)]
        same += [(a, b) for names, b in moves if not names]
        if not any(names in ((acting(factor),), ()) for names, _ in moves):
            mixed.append((a, min(moves, key=lambda m: len(m[0]))[1]))
    return clean, same, mixed


def _confounded(a: AuditTrial, b: AuditTrial, factor: str) -> ConfoundedPair:
    also = tuple(name for name in moved(a.configuration, b.configuration) if name != acting(factor))
    return ConfoundedPair(a.key, b.key, also, value_of(a) - value_of(b))


def _best_level(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor, tried = claim.factor, subjects.levels(claim.factor)
    inside = tuple(level for level in tried if _within(level, claim))
    outside = [level for level in tried if level not in inside]
    if not inside or not outside:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL, facts={"levels": claim.levels, "against": ()})
    parts = [_compared(claim, subjects, factor, inside, (level,)) for level in outside]
    questions = tuple(q for part in parts for q in part.questions)
    fixed = min(
        (p for p in parts if p.verdict is not None),
        key=lambda p: _STRENGTH[p.verdict or SupportVerdict.HOLDS],
        default=None,
    )
    return Case(
        claim,
        questions,
        fixed.verdict if fixed else None,
        fixed.reason if fixed else None,
        tuple(c for part in parts for c in part.confounded),
        parts[0].trials,
    )


def _within(level: Level, claim: Claim) -> bool:
    if not claim.is_range:
        return level in claim.levels
    numbers = [v for v in claim.levels if isinstance(v, int | float)]
    return isinstance(level, int | float) and bool(numbers) and min(numbers) <= level <= max(numbers)


def _trend(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor = acting(claim.factor)
    keys = {t.key for t in subjects.trained}
    unsaid = {t.key for t in subjects.trained if level_in(t.configuration, factor) == UNSAID}
    pairs = tuple(
        (p.high, p.low) for p in subjects.structure.pairs if p.factor == factor and {p.high, p.low} <= keys - unsaid
    )
    if len(subjects.levels(factor)) < 2:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NOT_VARIED)
    if not pairs:
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED)
    return Case(claim, (Question(pairs, claim.direction),), trials=tuple(dict.fromkeys(k for p in pairs for k in p)))


def _boundary(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    sign, edge = claim.direction, claim.levels[0]
    assert isinstance(edge, int | float)

    def beyond(trial: AuditTrial) -> bool:
        level = level_in(trial.configuration, claim.factor or "")
        return isinstance(level, int | float) and sign * level >= sign * edge

    known = [t for t in subjects.scored if not t.unread]
    failed = [
        t
        for t in (*known, *(t for t in subjects.table.trials if t.failed and t.accuracy is None))
        if t.failed and beyond(t)
    ]
    at_edge_failed = any(level_in(t.configuration, claim.factor) == edge for t in failed)
    worked = [
        t
        for t in subjects.trained
        if not t.unread and beyond(t) and (at_edge_failed or level_in(t.configuration, claim.factor) != edge)
    ]
    trials = tuple(t.key for t in failed)
    if worked:
        return Case(
            claim,
            (),
            SupportVerdict.CANNOT_HOLD,
            Reason.CONTRADICTED,
            (),
            trials,
            {"worked": tuple(t.key for t in worked)},
        )
    if not failed:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL, facts={"levels": (edge,), "against": ()})
    boundary = next(
        (b for b in subjects.structure.boundaries if b.factor == acting(claim.factor or "") and b.above == (sign > 0)),
        None,
    )
    return _with_boundary(claim, subjects, trials, boundary, failed)


def _with_boundary(
    claim: Claim,
    subjects: Subjects,
    trials: tuple[str, ...],
    boundary: Boundary | None,
    failed: Sequence[AuditTrial],
) -> Case:
    trained = subjects.table.get(boundary.trained) if boundary is not None else None
    if boundary is None or trained is None:
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED, (), trials)
    facts = {"boundary": boundary}
    if len(boundary.moves) > 1:
        first = subjects.table.get(boundary.failed[0]) or failed[0]
        pair = _confounded(first, trained, boundary.factor)
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED, (pair,), trials, facts)
    if len(failed) == 1:
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.ONE_TRIAL, (), trials, facts)
    if not any(level_in(t.configuration, claim.factor or "") == claim.levels[0] for t in failed):
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.EDGE_OPEN, (), trials, facts)
    if len(failed) < ENOUGH_FAILURES:
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.FEW_RUNS, (), trials, facts)
    return Case(claim, (), SupportVerdict.HOLDS, Reason.FAILED, (), trials, facts)


def _no_effect(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor = acting(claim.factor)
    if claim.factor == "gradient_checkpointing":
        return Case(claim, (), SupportVerdict.HOLDS, Reason.SAME_TRAINING)
    keys = {
        t.key for t in subjects.scored if not claim.levels or level_in(t.configuration, claim.factor) in claim.levels
    }
    scored = {t.key for t in subjects.scored}
    pairs = [
        p
        for p in subjects.structure.pairs
        if p.factor == factor and {p.low, p.high} <= scored and (p.low in keys or p.high in keys)
    ]
    if pairs:
        return Case(claim, tuple(Question(((p.high, p.low),)) for p in pairs))
    if len(subjects.levels(claim.factor)) < 2:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NOT_VARIED)
    if factor == EFFECTIVE_BATCH and len(subjects.levels(EFFECTIVE_BATCH)) == 1:
        return Case(claim, (), SupportVerdict.HOLDS, Reason.SAME_TRAINING)
    return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED)


def _importance(claim: Claim, subjects: Subjects) -> Case:
    assert claim.factor is not None
    factor = acting(claim.factor)
    by_key = {t.key: t for t in subjects.trained}
    pairs = [p for p in subjects.structure.pairs if p.factor == factor and p.low in by_key and p.high in by_key]
    if not pairs:
        return Case(claim, (), SupportVerdict.NOT_SHOWN, Reason.CONFOUNDED)
    widest = max(pairs, key=lambda p: abs(value_of(by_key[p.high]) - value_of(by_key[p.low])))
    return Case(claim, (Question(((widest.high, widest.low),)),), SupportVerdict.NOT_SHOWN, Reason.ORDER_UNKNOWN)


def _trials(claim: Claim, subjects: Subjects) -> Case:
    treatment = _subject(claim, subjects)
    against = (claim.against_trials or ("baseline",))[0]
    control = subjects.best_before(treatment) if against == "best" else subjects.named(against, claim.section)
    if treatment is None or control is None or treatment.key == control.key:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL)
    trials = (treatment.key, control.key)
    if treatment.failed and claim.direction < 0:
        return Case(claim, (), SupportVerdict.HOLDS, Reason.FAILED, (), trials)
    if treatment.accuracy is None or control.accuracy is None:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL, (), trials)
    if not (treatment.unread or control.unread) and not moved(treatment.configuration, control.configuration):
        verdict = SupportVerdict.CANNOT_HOLD if claim.direction else SupportVerdict.HOLDS
        return Case(claim, (), verdict, Reason.SAME_TRAINING, (), trials, {"same": ((treatment.key, control.key),)})
    return Case(claim, (Question(((treatment.key, control.key),), claim.direction),), None, None, (), trials)


def _subject(claim: Claim, subjects: Subjects) -> AuditTrial | None:
    if claim.trials:
        return subjects.named(claim.trials[0], claim.section)
    found = subjects.matching(claim.values) if claim.values else []
    return found[0] if found else None


def _best_trial(claim: Claim, subjects: Subjects) -> Case:
    treatment = _subject(claim, subjects)
    if treatment is None or treatment.accuracy is None:
        return Case(claim, (), SupportVerdict.UNCHECKED, Reason.NO_TRIAL)
    pool = subjects.within(claim, treatment)
    higher = [t for t in pool if value_of(t) > value_of(treatment)]
    if higher:
        return Case(
            claim,
            (),
            SupportVerdict.CANNOT_HOLD,
            Reason.NOT_BEST,
            (),
            (treatment.key,),
            {"higher": tuple(t.key for t in sorted(higher, key=value_of, reverse=True))},
        )
    rivals = [
        t
        for t in pool
        if not t.failed and t.key != treatment.key and (t.unread or moved(t.configuration, treatment.configuration))
    ]
    second = max(rivals, key=value_of, default=None)
    keys = dict.fromkeys(
        t.key for t in (subjects.baseline, second) if t is not None and t.key != treatment.key and t in rivals
    )
    return Case(claim, tuple(Question(((treatment.key, key),), 1) for key in keys), None, None, (), (treatment.key,))


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
