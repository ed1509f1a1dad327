"""From a claim to the comparisons that decide it, and from their verdicts to the claim's.

`case_of` finds the trials that a claim is about and the pairs that bear on it; `conclude` gives the verdict when the
pairs are judged. A claim about a factor is decided by pairs that differ by this factor alone. Where there is none the
record cannot show it, however large the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from statistics import fmean
from typing import Any

from tunebook.audit.judge.structure import Structure, acting, level_in, moved, number_in, surely_moved
from tunebook.audit.judge.trials import AuditTrial, difference_fits
from tunebook.audit.judge.verdicts import Comparison, Question, Reason, SupportVerdict
from tunebook.audit.model import Claim, ClaimKind, MeasureKind
from tunebook.audit.words.sentences import OF_ALL
from tunebook.core.factor import Level

ENOUGH_FAILURES = 5
"""With five of five failed, the share that fails is above one half (exact binomial, one-sided 95 %: 0.05^(1/5))."""

Answer = tuple[SupportVerdict, Reason]


@dataclass(frozen=True)
class ConfoundedPair:
    """Two trials that a claim could have been read from, though they differ in more than the claimed factor."""

    treatment: str
    control: str
    also: tuple[str, ...]

    @classmethod
    def of(cls, a: AuditTrial, b: AuditTrial, names: Iterable[str], factor: str) -> ConfoundedPair:
        """Two trials that surely differ in `names`, of which a claim is about one."""
        return cls(a.key, b.key, tuple(n for n in names if n != acting(factor)))


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim, with what decides it and, once that is judged, its verdict; trials by key."""

    claim: Claim
    trials: tuple[str, ...] = ()  # that it is about
    questions: tuple[Question, ...] = ()  # comparisons that all must hold
    fixed: tuple[Answer, ...] = ()  # what needs no comparison, or caps them
    confounded: tuple[ConfoundedPair, ...] = ()  # pairs with further differences, where there are no others
    facts: Mapping[str, Any] = field(default_factory=dict)  # further values for the sentence
    verdict: SupportVerdict = SupportVerdict.UNCHECKED
    reason: Reason = Reason.UNREAD
    comparisons: tuple[Comparison, ...] = ()
    deciding: Comparison | None = None  # the comparison that decided it
    wrong_gap: Comparison | None = None  # of an unread one: the pair of which its difference is not that of the table


def case_of(claim: Claim, structure: Structure) -> Judged:
    """What decides a claim. One that no trial of the tables bears on is better listed as not read: the tables may have
    been misread as well as the sentence."""
    known = claim.factor is None or claim.factor in structure.table.factors
    build = _BUILDERS.get(claim.kind) if known else None
    return (build(claim, structure) if build else None) or _listed(claim)


def _listed(claim: Claim, wrong_gap: Comparison | None = None) -> Judged:
    unread = (SupportVerdict.UNCHECKED, Reason.UNREAD)
    return Judged(claim=replace(claim, kind=ClaimKind.UNREAD), fixed=(unread,), wrong_gap=wrong_gap)


_WEAKEST_FIRST = (
    SupportVerdict.CANNOT_HOLD,
    SupportVerdict.WITHIN_CHANCE,
    SupportVerdict.NOT_SHOWN,
    SupportVerdict.UNCHECKED,
    SupportVerdict.NOT_CORRECTED,
    SupportVerdict.DEPENDS,
    SupportVerdict.HOLDS,
)
_FALSE = (Reason.CONTRADICTED, Reason.NOT_BEST, Reason.MIXED_SIGNS, Reason.NO_DIFFERENCE)


def conclude(case: Judged, answers: Mapping[Question, Comparison], structure: Structure) -> Judged:
    """The verdict on a claim: the least supported of its comparisons and of what needs none. What another result column
    bears out, or a difference that is not that of its pair, leaves it unread."""
    comparisons = tuple(answers[question] for question in case.questions)
    wrong = _wrong_gap(case.claim, comparisons, structure)
    if wrong is not None:
        return _listed(case.claim, wrong)
    if case.claim.direction == 0:
        return _no_difference(replace(case, comparisons=comparisons))
    by_strength = sorted(comparisons, key=lambda c: (_WEAKEST_FIRST.index(c.verdict), -c.p_favourable))
    found = (*case.fixed, *((c.verdict, c.reason) for c in by_strength))
    verdict, reason = min(found, key=lambda answer: _WEAKEST_FIRST.index(answer[0]))
    of_each = case.claim.kind is ClaimKind.TREND  # "the more the better" is said of every step
    if of_each and any(len(c.signs) == 2 for c in comparisons):
        kept = (SupportVerdict.CANNOT_HOLD, SupportVerdict.UNCHECKED)
        verdict, reason = verdict if verdict in kept else SupportVerdict.NOT_SHOWN, Reason.MIXED_SIGNS
    if reason in _FALSE and "worked" not in case.facts and _borne_out_elsewhere(case, structure):
        return _listed(case.claim)
    deciding = by_strength[0] if by_strength else None
    return replace(case, comparisons=comparisons, verdict=verdict, reason=reason, deciding=deciding)


def _wrong_gap(claim: Claim, comparisons: Sequence[Comparison], structure: Structure) -> Comparison | None:
    """The comparison of one pair of which a sentence gives the difference, and not as the table does."""
    gap, scores = claim.gap, {t.key: t.score for t in structure.scored}
    single = [c for c in comparisons if len(c.pairs) == 1]
    known = [(a, b) for c in single for a, b in [map(scores.get, c.pairs[0])] if a is not None and b is not None]
    if gap is None or not known or structure.table.measure.kind is not MeasureKind.SHARE:
        return None
    return None if any(difference_fits(gap, a, b, signed=False) for a, b in known) else single[0]


def _borne_out_elsewhere(case: Judged, structure: Structure) -> bool:
    """Whether some other result column has every comparison of the claim on the claimed side."""
    rows, measure = {t.key: t.row for t in structure.table.trials}, structure.table.measure
    pairs = [(pair, q.sign) for q in case.questions for pair in q.pairs]
    pairs += [((case.trials[0], key), 1) for key in case.facts.get("higher", ())]
    for name, kind in zip(measure.others, measure.other_kinds, strict=True) if pairs and not measure.decided else ():
        both = [(rows[a].others.get(name), rows[b].others.get(name), sign) for (a, b), sign in pairs]
        logged = kind is MeasureKind.LOSS and measure.kind is not kind  # of which sentences seldom speak
        if not logged and all(a and b and (a.value - b.value) * sign * kind.sign > 0 for a, b, sign in both):
            return True
    return False


def _no_difference(case: Judged) -> Judged:
    """ "No effect", "no better": refuted by a difference on the side that is denied, true of settings that change
    nothing and of a difference that holds on the other side, else never shown."""
    side = case.claim.no_more
    held = [c for c in case.comparisons if c.verdict is SupportVerdict.HOLDS]
    denied = [c for c in held if not side or c.effect * side > 0]
    verdict, reason = SupportVerdict.NOT_SHOWN, Reason.ABSENCE
    if denied:
        verdict, reason = SupportVerdict.CANNOT_HOLD, Reason.DIFFERENCE_FOUND
    elif case.fixed:
        verdict, reason = case.fixed[0]
    elif len(held) == len(case.comparisons):
        verdict, reason = SupportVerdict.HOLDS, Reason.SIGNIFICANT
    deciding = max(denied or held or case.comparisons, key=lambda c: abs(c.effect), default=None)
    return replace(case, verdict=verdict, reason=reason, deciding=deciding)


def _fixed(claim: Claim, answer: Answer, trials: Iterable[AuditTrial] = (), **facts: object) -> Judged:
    return Judged(claim=claim, fixed=(answer,), trials=tuple(t.key for t in trials), facts=facts)


def _not_shown(claim: Claim, reason: Reason, trials: Iterable[AuditTrial] = (), **facts: object) -> Judged:
    return _fixed(claim, (SupportVerdict.NOT_SHOWN, reason), trials, **facts)


def _same_training(claim: Claim, trials: Iterable[AuditTrial] = (), **facts: object) -> Judged:
    """Equal effective settings: a difference is chance, and no difference is true without a test."""
    verdict = SupportVerdict.CANNOT_HOLD if claim.direction else SupportVerdict.HOLDS
    return _fixed(claim, (verdict, Reason.SAME_TRAINING), trials, **facts)


def _asked(claim: Claim, pairs: Iterable[tuple[AuditTrial, AuditTrial]]) -> Question:
    return Question(tuple((a.key, b.key) for a, b in pairs), claim.direction)


def _levels(claim: Claim, structure: Structure) -> Judged | None:
    against = claim.against or (level_in(structure.baseline, claim.factor or ""),)
    return _compared(claim, structure, [level for level in claim.levels if level not in against], against)


def _compared(claim: Claim, structure: Structure, levels: Sequence[Level], against: Sequence[Level]) -> Judged | None:
    """Levels against others, by the pairs that differ in the factor alone; else by why there is none."""
    factor, unsure = claim.factor or "", structure.table.unsure
    treatments, controls = (
        [t for t in structure.at(factor, of) if all(level_in(t, n) == level for n, level in claim.given.items())]
        for of in (levels, against)
    )
    if not treatments or not controls:
        return None
    changed = [(moved(a, b), a, b) for a, b in product(treatments, controls)]
    clean = [(a, b) for names, a, b in changed if names == (acting(factor),)]
    own = structure.named(claim.trials[0], claim.section) if claim.trials else None
    clean = [pair for pair in clean if own in pair] or clean  # a remark speaks of its row's own comparison
    facts = {"levels": tuple(levels), "against": tuple(against)}
    if clean:
        trials = tuple(t.key for t in treatments)
        return Judged(claim=claim, questions=(_asked(claim, clean),), trials=trials, facts=facts)
    same = tuple((a.key, b.key) for names, a, b in changed if not names)
    if same:
        return _same_training(claim, treatments, same=same)
    mixed = [[(surely_moved(x, b, unsure), len(names), x, b) for names, x, b in changed if x is a] for a in treatments]
    nearest = [min(pairs, key=lambda pair: (len(pair[0]), pair[1])) for pairs in mixed]
    found = tuple(ConfoundedPair.of(a, b, names, factor) for names, _, a, b in nearest)
    if not all(pair.also for pair in found) or not structure.is_given(factor):
        return None  # what was not read may be the same in both, and other trials may be at these levels
    return replace(_not_shown(claim, Reason.CONFOUNDED, treatments, **facts), confounded=found)


def _best_level(claim: Claim, structure: Structure) -> Judged | None:
    """The level (or those of the range) against each other level, under the heading of a round against those that the
    round tried; a range also needs levels tried on both sides."""
    of_round = [t for t in structure.read if claim.section and t.row.section == claim.section]
    varied = len(structure.levels(claim.factor or "", of_round)) > 1 and not OF_ALL.search(claim.text)
    tried = structure.levels(claim.factor or "", of_round if varied else None)
    ends = [v for v in claim.levels if isinstance(v, int | float)] if claim.is_range else []
    numbers = [v for v in tried if isinstance(v, int | float)]
    within = [v for v in numbers if ends and min(ends) <= v <= max(ends)]
    inside = [v for v in tried if v in (within if ends else claim.levels)]
    found = [_compared(claim, structure, inside, (level,)) for level in tried if level not in inside]
    parts = [part for part in found if part is not None]
    # a side where training failed was tried
    tested = [v for v in structure.levels(claim.factor or "", structure.known) if isinstance(v, int | float)]
    if within and not (min(tested) < min(within) and max(within) < max(tested)):
        parts.append(_not_shown(claim, Reason.OPEN_SIDE))
    if not parts or None in found:
        return None
    return replace(
        min(parts, key=lambda part: not part.fixed),
        questions=tuple(q for part in parts for q in part.questions),
        fixed=tuple(answer for part in parts for answer in part.fixed),
        confounded=tuple(c for part in parts for c in part.confounded),
    )


def _every_pair(claim: Claim, structure: Structure) -> Judged | None:
    """A trend, or no effect: every pair that differs in the factor alone, the higher level first."""
    factor, claimed = acting(claim.factor or ""), claim.levels or structure.levels(claim.factor or "")
    trained = [t for t in structure.trained if level_in(t, factor) is not None]
    named = structure.at(claim.factor or "", claimed)
    pairs = [pair for pair in structure.one_factor(factor, trained) if pair[0] in named or pair[1] in named]
    if pairs and claim.direction:
        trials = tuple(dict.fromkeys(t.key for pair in pairs for t in pair))
        return Judged(claim=claim, questions=(_asked(claim, pairs),), trials=trials)
    if pairs:
        return Judged(claim=claim, questions=tuple(_asked(claim, (pair,)) for pair in pairs))
    if len(structure.levels(claim.factor or "")) < 2 or not structure.is_given(claim.factor or ""):
        return None
    folded = factor == "gradient_checkpointing" or len(structure.levels(factor)) == 1
    return _same_training(claim) if folded and not claim.direction else _not_shown(claim, Reason.CONFOUNDED)


def _boundary(claim: Claim, structure: Structure) -> Judged | None:
    factor, sign, edge = claim.factor or "", claim.direction, claim.levels[0]
    assert isinstance(edge, int | float)
    levels = {t.key: number for t in structure.known if (number := number_in(t, factor)) is not None}
    beyond = {key for key, at in levels.items() if at == edge or (not claim.exact and at * sign > edge * sign)}
    failed = [t for t in structure.known if t.failed and t.key in beyond]
    counts_edge = claim.exact or claim.inclusive or any(levels[t.key] == edge for t in failed)
    trained = [t for t in structure.trained if t.key in beyond and (counts_edge or levels[t.key] != edge)]
    worked = tuple(t.key for t in trained if not t.row.said_to_fail and not _is_far_below(t, structure.trained))
    if worked:
        mixed = (SupportVerdict.NOT_SHOWN, Reason.MIXED_RUNS)
        false = (SupportVerdict.CANNOT_HOLD, Reason.CONTRADICTED)
        return _fixed(claim, mixed if failed and claim.exact else false, failed, worked=worked)
    found = (b for b in structure.boundaries if b.factor == acting(factor) and b.above == (sign > 0))
    boundary = next(found, None) if failed else None
    if boundary is None:
        return None
    if len(boundary.moves) > 1 and not (claim.exact and boundary.clean):
        a, b = (next(t for t in structure.known if t.key == key) for key in (boundary.failed[0], boundary.trained))
        pair = ConfoundedPair.of(a, b, surely_moved(a, b, structure.table.unsure), factor)
        case = _not_shown(claim, Reason.CONFOUNDED, failed, boundary=boundary)
        return replace(case, confounded=(pair,)) if pair.also else None
    enough = len(failed) >= ENOUGH_FAILURES and counts_edge
    holds, open_ = (SupportVerdict.HOLDS, Reason.FAILED), (SupportVerdict.NOT_SHOWN, Reason.FEW_RUNS)
    return _fixed(claim, holds if enough else open_, failed, boundary=boundary)


def _is_far_below(trial: AuditTrial, others: Sequence[AuditTrial]) -> bool:
    """Whether a result is so far below all others (a fifth of the next) that somebody may call the training broken."""
    values = [t.value for t in others if t.key != trial.key]
    return bool(values) and trial.value < min(values) - 0.2 * abs(min(values))


def widest(factor: str, structure: Structure) -> Question | None:
    """The pair of trained trials with the largest difference by a factor alone."""
    pairs = structure.one_factor(factor, structure.trained)
    pair = max(pairs, key=lambda pair: abs(pair[0].value - pair[1].value), default=None)
    return Question(((pair[0].key, pair[1].key),)) if pair else None


def _importance(claim: Claim, structure: Structure) -> Judged | None:
    """The order of factors is a comparison of differences, which a record cannot carry."""
    known = all(name in structure.table.factors for name in claim.order)
    return _not_shown(claim, Reason.ORDER_UNKNOWN) if known else None


def _trials(claim: Claim, structure: Structure) -> Judged | None:
    treatment = structure.named(claim.trials[0], claim.section) if claim.trials else None
    against = (claim.against_trials or ("baseline",))[0]
    control = structure.best_before(treatment) if against == "best" else structure.named(against, claim.section)
    if treatment is None or control is None or treatment is control:
        return None
    if treatment.failed and claim.direction < 0:
        return _fixed(claim, (SupportVerdict.HOLDS, Reason.FAILED), (treatment, control))
    if treatment.score is None or control.score is None:
        return None
    keys = (treatment.key, control.key)
    if not (treatment.unread or control.unread) and not moved(treatment, control):
        return _same_training(claim, (treatment, control), same=(keys,))
    pairs = product(structure.runs(treatment), structure.runs(control))
    return Judged(claim=claim, questions=(_asked(claim, pairs),), trials=keys)


def _best_trial(claim: Claim, structure: Structure) -> Judged | None:
    """A trial against the best of the others and the baseline; a label with several runs counts by their mean."""
    values = claim.values.items()
    fitting = [t for t in structure.read if all(level_in(t, n) == level for n, level in values)]
    treatment = max(fitting, key=lambda t: t.value, default=None) if values else None
    treatment = structure.named(claim.trials[0], claim.section) if claim.trials else treatment
    if treatment is None or treatment.score is None:
        return None
    pool, groups = _among(claim, treatment, structure), dict[str, list[AuditTrial]]()
    for trial in pool:
        groups.setdefault(trial.label_key, []).append(trial)
    own = groups.pop(treatment.label_key)
    lead = {key: fmean(t.value for t in own) - fmean(t.value for t in runs) for key, runs in groups.items()}
    units = {t.key: t.score.unit for t in pool if t.score}
    doubt = {key: (units[treatment.key] + units[runs[0].key]) / 2 * (1 - 1e-9) for key, runs in groups.items()}
    higher = [groups[key][0].key for key in sorted(lead, key=lead.__getitem__) if -lead[key] > doubt[key]]
    if higher and max(pool, key=lambda t: t.value) in own:
        return None  # the best single run, though not the best by its mean
    if higher:
        return _fixed(claim, (SupportVerdict.CANNOT_HOLD, Reason.NOT_BEST), (treatment,), higher=tuple(higher))
    rivals = [key for key, (t, *_) in groups.items() if not t.failed and (t.unread or moved(t, treatment))]
    rival = min(rivals, key=lead.__getitem__, default="")
    keys = dict.fromkeys(key for key in (rival, structure.baseline.label_key) if key in rivals)
    questions = tuple(replace(_asked(claim, product(own, groups[key])), sign=1) for key in keys)
    return Judged(claim=claim, questions=questions, trials=(treatment.key,)) if questions else None


def _among(claim: Claim, trial: AuditTrial, structure: Structure) -> list[AuditTrial]:
    """The scored trials among which a claim says that a trial is the best: all, those up to it, or its round's."""
    if claim.so_far:
        return [t for t in structure.scored if t.order <= trial.order]
    rows = [*structure.table.text_rows, *((t.row, t.key) for t in structure.scored)]
    keys = {key for row, key in rows if claim.round and row.round == claim.round}
    return [t for t in structure.scored if t.key in keys] if trial.key in keys else structure.scored


_BUILDERS: dict[ClaimKind, Callable[[Claim, Structure], Judged | None]] = {
    ClaimKind.LEVELS: _levels,
    ClaimKind.BEST_LEVEL: _best_level,
    ClaimKind.TREND: _every_pair,
    ClaimKind.BOUNDARY: _boundary,
    ClaimKind.NO_EFFECT: _every_pair,
    ClaimKind.IMPORTANCE: _importance,
    ClaimKind.TRIALS: _trials,
    ClaimKind.BEST_TRIAL: _best_trial,
}
