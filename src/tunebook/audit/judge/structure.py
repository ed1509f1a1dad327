"""Which trials of a record can be compared for what: equal ones, one-factor pairs, and what was never separated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import combinations

from tunebook.audit.judge.trials import ACCUMULATION, BATCH, AuditTrial, TrialTable
from tunebook.audit.model import UNSAID
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level
from tunebook.core.space import Folding, effective

EFFECTIVE_BATCH = "effective_batch_size"
"""Stands for batch size and accumulation together: only their product acts."""

_FOLDING = Folding(batch_split=True, gradient_checkpointing=True, scaling=True)
"""What is folded without seeing the data. `max_length` is folded only under a condition that the record can't show."""


@dataclass(frozen=True)
class Pair:
    """Keys of two trials that differ in exactly one factor, the lower level first."""

    factor: str
    low: str
    high: str


@dataclass(frozen=True)
class Confounding:
    """Factors that this record cannot separate.

    `code`: "ratio_constant" (alpha/r is the same everywhere), "ratio_unknown" (rank moves, alpha is not recorded),
    "one_to_one" (two factors always move together), "level_not_isolated" (a level without a trial that differs from one
    at the baseline's level by this factor alone).
    """

    code: str
    factors: tuple[str, ...]  # the factor first; then the one (or all those) it moved with
    levels: tuple[Level, ...] = ()  # the ratio, or the levels that are not isolated


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """Failures above (or below) all levels of a factor that trained; trials by key."""

    factor: str
    above: bool
    failed: tuple[str, ...]  # first the one of the nearest level with fewest differences from `trained`
    trained: str  # nearest in level, and of those the one with fewest other differences
    moves: tuple[str, ...]  # factors on which it and the first failed trial differ; more than one: confounded
    clean: str | None = None  # the nearest trained trial that differs from a failed one by this factor alone
    clean_failed: str | None = None  # the failed trial of that pair


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What can be compared with what; trials by key."""

    moves: Mapping[str, tuple[str, ...]]  # factors in which a trial differs from the baseline; none if unread
    equal: tuple[tuple[str, ...], ...]  # groups with equal effective configurations
    equal_if_short: tuple[tuple[int, tuple[str, ...]], ...]  # equal if no example is longer than so many tokens
    pairs: tuple[Pair, ...]  # that differ by one factor, failures included
    varied: tuple[str, ...]  # factors with at least two levels, in the record's order
    confounded: tuple[Confounding, ...]
    boundaries: tuple[Boundary, ...]

    @property
    def ratio_is_constant(self) -> bool:
        """Whether alpha/r is the same in every trial."""
        return any(c.code == "ratio_constant" for c in self.confounded)


def acting(factor: str) -> str:
    """The factor that acts: the effective batch size for its two parts."""
    return EFFECTIVE_BATCH if factor in (BATCH, ACCUMULATION) else factor


def level_in(trial: AuditTrial, factor: str) -> Level:
    """The level of a factor or of another setting; `effective_batch_size` is allowed."""
    return trial.extra[factor] if factor in trial.extra else getattr(trial.configuration, factor, None)


def moved(a: AuditTrial, b: AuditTrial) -> tuple[str, ...]:
    """The settings on which two trials differ, after folding.

    Batch size and accumulation count as `effective_batch_size`. Rank and alpha count as rank alone when alpha/r or
    alpha is the same in both: a rank may be changed at fixed alpha/r or at fixed alpha, either is one factor.
    """
    left, right = _vector(a.configuration), _vector(b.configuration)
    names = [name for name, x, y in zip(_NAMES, left, right, strict=True) if x != y] if left != right else []
    names = [EFFECTIVE_BATCH if name == BATCH else name for name in names]
    if "lora_r" in names and "lora_alpha" in names and _close(_scaling(left), _scaling(right)):
        names.remove("lora_alpha")
    names += [n for n in dict.fromkeys([*a.extra, *b.extra]) if a.extra.get(n) != b.extra.get(n)]
    unsettled = a.row.unsettled.items() ^ b.row.unsettled.items() if not names and a.key != b.key else ()
    return (*names, *sorted({name for name, _ in unsettled}))  # equal only where nothing may differ


_NAMES = tuple(field.name for field in fields(Configuration))
_R, _ALPHA = _NAMES.index("lora_r"), _NAMES.index("lora_alpha")


@lru_cache(maxsize=4096)
def _vector(configuration: Configuration) -> tuple[object, ...]:
    """What acts in a configuration, in the order of `_NAMES`; cached because every pair of trials is compared."""
    unsaid = UNSAID in (configuration.lora_r, configuration.lora_alpha)  # of what is not known nothing is folded
    folded = effective(configuration, replace(_FOLDING, scaling=not unsaid), None)
    return tuple(getattr(folded, name) for name in _NAMES)


def _scaling(vector: tuple[object, ...]) -> float:
    r, alpha = vector[_R], vector[_ALPHA]
    return float(alpha) / float(r)  # type: ignore[arg-type]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def structure_of(table: TrialTable) -> Structure:
    """What can be compared in a record, and what cannot."""
    base = table.get(table.baseline)
    assert base is not None
    trials = [trial for trial in table.trials if not trial.unread]
    pairs = tuple(_ordered(names[0], a, b) for a, b in combinations(trials, 2) if len(names := moved(a, b)) == 1)
    given = dict.fromkeys(acting(n) for n in (*table.factors, *table.extras) if n != "gradient_checkpointing")
    varied = tuple(n for n in given if len(_levels(trials, n)) > 1)
    return Structure(
        moves={trial.key: moved(trial, base) for trial in trials} if not base.unread else {},
        equal=tuple(tuple(t.key for t in group) for group in _groups(trials, _acts)),
        equal_if_short=tuple(_short_groups(trials)),
        pairs=pairs,
        varied=varied,
        confounded=tuple(_confounded(table, trials, pairs, varied, base)),
        boundaries=tuple(_boundaries(trials, pairs, varied)),
    )


def _ordered(factor: str, a: AuditTrial, b: AuditTrial) -> Pair:
    first, second = level_in(a, factor), level_in(b, factor)
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    swap = second < first if numbers else str(second) < str(first)  # type: ignore[operator]
    return Pair(factor, b.key, a.key) if swap else Pair(factor, a.key, b.key)


def _acts(trial: AuditTrial) -> object:
    return _vector(trial.configuration), tuple(sorted(trial.extra.items())), tuple(sorted(trial.row.unsettled.items()))


def _acts_if_short(trial: AuditTrial) -> object:
    return _acts(replace(trial, configuration=trial.configuration.with_values(max_length=1)))


def _groups(trials: Sequence[AuditTrial], key: Callable[[AuditTrial], object]) -> list[list[AuditTrial]]:
    groups: dict[object, list[AuditTrial]] = {}
    for trial in trials:
        groups.setdefault(key(trial), []).append(trial)
    return [members for members in groups.values() if len(members) > 1]


def _short_groups(trials: Sequence[AuditTrial]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Groups that differ at most in max_length, and do; with the smallest of their lengths."""
    for members in _groups(trials, _acts_if_short):
        lengths = {trial.configuration.max_length for trial in members} - {UNSAID}
        if len(lengths) > 1:
            yield int(min(lengths)), tuple(trial.key for trial in members)


def _levels(trials: Sequence[AuditTrial], factor: str) -> list[Level]:
    return list(dict.fromkeys(level_in(trial, factor) for trial in trials))


def _confounded(
    table: TrialTable, trials: Sequence[AuditTrial], pairs: Sequence[Pair], varied: Sequence[str], base: AuditTrial
) -> Iterator[Confounding]:
    factors = list(varied)
    if "lora_r" in varied and "lora_alpha" not in table.factors:
        yield Confounding("ratio_unknown", ("lora_r", "lora_alpha"))
    elif "lora_r" in varied and all(_close(t.configuration.scaling, trials[0].configuration.scaling) for t in trials):
        yield Confounding("ratio_constant", ("lora_r", "lora_alpha"), (trials[0].configuration.scaling,))
        factors = [n for n in factors if n != "lora_alpha"]
    for a, b in combinations(factors, 2):
        together = {(level_in(t, a), level_in(t, b)) for t in trials}
        one_to_one = len(together) == len({x for x, _ in together}) == len({y for _, y in together})
        if one_to_one and {a, b} != {"lora_r", "lora_alpha"}:
            yield Confounding("one_to_one", (a, b))
    by_key = {trial.key: trial for trial in trials}
    for factor in factors if not base.unread else ():
        reference = level_in(base, factor)
        of_pairs = [{level_in(by_key[k], factor) for k in (p.low, p.high)} for p in pairs if p.factor == factor]
        isolated = {reference}.union(*(levels for levels in of_pairs if reference in levels))
        alone = tuple(level for level in _levels(trials, factor) if level not in isolated)
        if alone:  # with what also differs from the baseline in every trial at these levels
            sets = [set(moved(t, base)) for t in trials if level_in(t, factor) in alone]
            companions = sorted(set.intersection(*sets) - {factor})
            yield Confounding("level_not_isolated", (factor, *companions), alone)


def _boundaries(trials: Sequence[AuditTrial], pairs: Sequence[Pair], varied: Sequence[str]) -> Iterator[Boundary]:
    failed = [t for t in trials if t.failed]
    trained = [t for t in trials if not t.failed and t.score is not None]
    for factor in varied if failed and trained else ():
        numeric = factor == EFFECTIVE_BATCH or (
            factor in FACTOR_KINDS and FACTOR_KINDS[factor].value_type in (int, float)
        )
        if not numeric or any(level_in(trial, factor) == UNSAID for trial in (*failed, *trained)):
            continue  # which side of the others an unsaid level lies on is not known
        for sign in (1, -1):
            boundary = _boundary(factor, sign, failed, trained, [p for p in pairs if p.factor == factor])
            if boundary is not None:
                yield boundary


def _boundary(
    factor: str, sign: int, failed: Sequence[AuditTrial], trained: Sequence[AuditTrial], pairs: Sequence[Pair]
) -> Boundary | None:
    def level(trial: AuditTrial) -> float:
        return sign * float(level_in(trial, factor))  # type: ignore[arg-type]

    highest = max(level(t) for t in trained)
    beyond = {t.key: t for t in failed if level(t) > highest}
    if not beyond:
        return None
    lowest = min(level(t) for t in beyond.values())
    moves, edge, first = min(
        ((moved(t, f), t, f) for t in trained if level(t) == highest for f in beyond.values() if level(f) == lowest),
        key=lambda found: len(found[0]),
    )
    by_key = {t.key: t for t in trained}
    alone = [
        (level(beyond[f]) - level(by_key[t]), t, f)
        for pair in pairs
        for t, f in ((pair.low, pair.high), (pair.high, pair.low))
        if t in by_key and f in beyond
    ]
    _, clean, clean_failed = min(alone) if alone else (0.0, None, None)
    keys = (first.key, *(key for key in beyond if key != first.key))
    return Boundary(
        factor=factor,
        above=sign > 0,
        failed=keys,
        trained=edge.key,
        moves=moves,
        clean=clean,
        clean_failed=clean_failed,
    )
