"""Which trials of a record can be compared for what: equal ones, one-factor pairs, and what was never separated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import combinations

from tunebook.audit.judge.trials import UNSAID, AuditTrial, TrialTable
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level
from tunebook.core.space import Folding, effective

__all__ = [
    "EFFECTIVE_BATCH",
    "Boundary",
    "Confounding",
    "Pair",
    "Structure",
    "level_in",
    "moved",
    "structure_of",
]

EFFECTIVE_BATCH = "effective_batch_size"
"""Stands for batch size and accumulation together: only their product acts."""

_FOLDING = Folding(batch_split=True, gradient_checkpointing=True, scaling=True)
"""What is folded without seeing the data. `max_length` is folded only under a condition that the record can't show."""


@dataclass(frozen=True)
class Pair:
    """Two trials that differ in exactly one factor (`factor`), the lower level first; "" for none at all."""

    factor: str
    low: str
    high: str


@dataclass(frozen=True)
class Confounding:
    """Factors that this record cannot separate.

    Attributes:
        code: "ratio_constant" (alpha/r is the same everywhere), "ratio_unknown" (rank moves, alpha is not recorded),
            "one_to_one" (two factors always move together), "level_not_isolated" (a level without a trial that differs
            from one at the baseline's level by this factor alone).
        factors: the factor first; then the one (or all those) it moved with.
        levels: the ratio, or the levels that are not isolated.
    """

    code: str
    factors: tuple[str, ...]
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Boundary:
    """Failures on one side of a factor's levels.

    Attributes:
        above: they lie above (else below) all levels that trained.
        failed: keys of the failed trials, first the one of the nearest level with fewest differences from `trained`.
        trained: key of the trained trial nearest in level, and of those the one with fewest other differences.
        moves: factors on which it and the first failed trial differ; more than one: confounded.
        clean: key of the nearest trained trial that differs from a failed one by this factor alone, or None.
        clean_failed: the failed trial of that pair.
    """

    factor: str
    above: bool
    failed: tuple[str, ...]
    trained: str
    moves: tuple[str, ...]
    clean: str | None = None
    clean_failed: str | None = None


@dataclass(frozen=True)
class Structure:
    """Attributes:
    moves: by key, the factors on which a trial differs from the baseline; not for trials whose settings are unread.
    equal: groups of keys with equal effective configurations, two or more each.
    equal_if_short: groups that are equal if no example is longer than the given number of tokens.
    pairs: all pairs that differ by one factor, failures included.
    varied: factors with at least two levels, in the record's order.
    confounded, boundaries: see there.
    """

    moves: dict[str, tuple[str, ...]]
    equal: tuple[tuple[str, ...], ...]
    equal_if_short: tuple[tuple[int, tuple[str, ...]], ...]
    pairs: tuple[Pair, ...]
    varied: tuple[str, ...]
    confounded: tuple[Confounding, ...]
    boundaries: tuple[Boundary, ...]


def level_in(trial: AuditTrial, factor: str) -> Level:
    """The level of a factor or of another setting; `effective_batch_size` is allowed."""
    if factor in trial.extra:
        return trial.extra[factor]
    return getattr(trial.configuration, factor, None)


def moved(a: AuditTrial, b: AuditTrial) -> tuple[str, ...]:
    """The settings on which two trials differ, after folding.

    Batch size and accumulation count as `effective_batch_size`. Rank and alpha count as rank alone when alpha/r or
    alpha is the same in both: a rank may be changed at fixed alpha/r or at fixed alpha, either is one factor.
    """
    left, right = _vector(a.configuration), _vector(b.configuration)
    names = [name for name, x, y in zip(_NAMES, left, right, strict=True) if x != y] if left != right else []
    if "per_device_train_batch_size" in names:
        names[names.index("per_device_train_batch_size")] = EFFECTIVE_BATCH
    if "lora_r" in names and "lora_alpha" in names and _close(_scaling(left), _scaling(right)):
        names.remove("lora_alpha")
    return (*names, *(n for n in dict.fromkeys([*a.extra, *b.extra]) if a.extra.get(n) != b.extra.get(n)))


_NAMES = tuple(field.name for field in fields(Configuration))
_R, _ALPHA = _NAMES.index("lora_r"), _NAMES.index("lora_alpha")


@lru_cache(maxsize=4096)
def _vector(configuration: Configuration) -> tuple[object, ...]:
    """What acts in a configuration, in the order of `_NAMES`; cached because every pair of trials is compared."""
    folded = effective(configuration, _FOLDING, None)
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
    varied = _varied(table, trials)
    return Structure(
        {trial.key: moved(trial, base) for trial in trials} if not base.unread else {},
        tuple(tuple(t.key for t in group) for group in _groups(trials, _acting)),
        _short_groups(trials),
        pairs,
        varied,
        _confounded(table, trials, pairs, varied, base),
        _boundaries(trials, pairs, varied),
    )


def _ordered(factor: str, a: AuditTrial, b: AuditTrial) -> Pair:
    first, second = level_in(a, factor), level_in(b, factor)
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    swap = second < first if numbers else str(second) < str(first)  # type: ignore[operator]
    return Pair(factor, b.key, a.key) if swap else Pair(factor, a.key, b.key)


def _acting(trial: AuditTrial) -> object:
    return _vector(trial.configuration), tuple(sorted(trial.extra.items()))


def _groups(trials: Sequence[AuditTrial], key: Callable[[AuditTrial], object]) -> list[list[AuditTrial]]:
    groups: dict[object, list[AuditTrial]] = {}
    for trial in trials:
        groups.setdefault(key(trial), []).append(trial)
    return [members for members in groups.values() if len(members) > 1]


def _short_groups(trials: Sequence[AuditTrial]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Groups that differ at most in max_length, and do; with the smallest of their lengths."""
    found = []
    for members in _groups(
        trials, lambda t: _acting(replace(t, configuration=t.configuration.with_values(max_length=1)))
    ):
        lengths = {trial.configuration.max_length for trial in members} - {UNSAID}
        if len(lengths) > 1:
            found.append((int(min(lengths)), tuple(trial.key for trial in members)))
    return tuple(found)


def _levels(trials: Sequence[AuditTrial], factor: str) -> list[Level]:
    return list(dict.fromkeys(level_in(trial, factor) for trial in trials))


def _varied(table: TrialTable, trials: Sequence[AuditTrial]) -> tuple[str, ...]:
    names = [
        EFFECTIVE_BATCH if n in ("per_device_train_batch_size", "gradient_accumulation_steps") else n
        for n in (*table.factors, *table.extras)
        if n != "gradient_checkpointing"
    ]
    return tuple(n for n in dict.fromkeys(names) if len(_levels(trials, n)) > 1)


def _confounded(
    table: TrialTable,
    trials: Sequence[AuditTrial],
    pairs: Sequence[Pair],
    varied: tuple[str, ...],
    base: AuditTrial,
) -> tuple[Confounding, ...]:
    found = _rank_and_alpha(table, trials, varied)
    hidden = {"lora_alpha"} if any(c.code == "ratio_constant" for c in found) else set()
    factors = [n for n in varied if n not in hidden]
    for a, b in combinations(factors, 2):
        if {a, b} != {"lora_r", "lora_alpha"} and _one_to_one(trials, a, b):
            found.append(Confounding("one_to_one", (a, b)))
    by_key = {trial.key: trial for trial in trials}
    for factor in factors if not base.unread else ():
        alone = _not_isolated(trials, pairs, factor, base, by_key)
        if alone:
            found.append(Confounding("level_not_isolated", (factor, *_companions(trials, factor, alone, base)), alone))
    return tuple(found)


def _rank_and_alpha(table: TrialTable, trials: Sequence[AuditTrial], varied: tuple[str, ...]) -> list[Confounding]:
    if "lora_r" not in varied:
        return []
    if "lora_alpha" not in table.factors:
        return [Confounding("ratio_unknown", ("lora_r", "lora_alpha"))]
    ratios = [trial.configuration.scaling for trial in trials]
    if all(_close(ratio, ratios[0]) for ratio in ratios):
        return [Confounding("ratio_constant", ("lora_r", "lora_alpha"), (ratios[0],))]
    return []


def _one_to_one(trials: Sequence[AuditTrial], a: str, b: str) -> bool:
    together = {(level_in(t, a), level_in(t, b)) for t in trials}
    return len(together) == len({x for x, _ in together}) == len({y for _, y in together})


def _not_isolated(
    trials: Sequence[AuditTrial],
    pairs: Sequence[Pair],
    factor: str,
    base: AuditTrial,
    by_key: dict[str, AuditTrial],
) -> tuple[Level, ...]:
    """Levels without a one-factor pair against the baseline's level."""
    reference = level_in(base, factor)
    isolated = {reference}
    for pair in pairs:
        if pair.factor == factor:
            levels = {level_in(by_key[key], factor) for key in (pair.low, pair.high)}
            isolated |= levels if reference in levels else set()
    return tuple(level for level in _levels(trials, factor) if level not in isolated)


def _companions(
    trials: Sequence[AuditTrial],
    factor: str,
    levels: Sequence[Level],
    base: AuditTrial,
) -> tuple[str, ...]:
    """Factors that also differ from the baseline in every trial at these levels."""
    sets = [set(moved(t, base)) for t in trials if level_in(t, factor) in levels]
    common = set.intersection(*sets) - {factor} if sets else set()
    return tuple(sorted(common))


def _boundaries(trials: Sequence[AuditTrial], pairs: Sequence[Pair], varied: tuple[str, ...]) -> tuple[Boundary, ...]:
    failed = [t for t in trials if t.failed]
    trained = [t for t in trials if not t.failed and t.score is not None]
    if not failed or not trained:
        return ()
    found = []
    for factor in varied:
        if any(level_in(trial, factor) == UNSAID for trial in (*failed, *trained)):
            continue  # which side of the others it lies on is not known
        if factor != EFFECTIVE_BATCH and (
            factor not in FACTOR_KINDS or FACTOR_KINDS[factor].value_type not in (int, float)
        ):
            continue
        for above in (True, False):
            boundary = _boundary(factor, above, failed, trained, pairs)
            if boundary is not None:
                found.append(boundary)
    return tuple(found)


def _boundary(
    factor: str,
    above: bool,
    failed: Sequence[AuditTrial],
    trained: Sequence[AuditTrial],
    pairs: Sequence[Pair],
) -> Boundary | None:
    sign = 1 if above else -1

    def level(trial: AuditTrial) -> float:
        return sign * float(level_in(trial, factor))  # type: ignore[arg-type]

    highest = max(level(t) for t in trained)
    beyond = [t for t in failed if level(t) > highest]
    if not beyond:
        return None
    lowest = min(level(t) for t in beyond)
    moves, edge, first = min(
        ((moved(t, f), t, f) for t in trained if level(t) == highest for f in beyond if level(f) == lowest),
        key=lambda found: len(found[0]),
    )
    clean = _clean_bracket(factor, beyond, trained, pairs, level)
    failed_keys = (first.key, *(t.key for t in beyond if t.key != first.key))
    return Boundary(factor, above, failed_keys, edge.key, moves, *clean)


def _clean_bracket(
    factor: str,
    beyond: Sequence[AuditTrial],
    trained: Sequence[AuditTrial],
    pairs: Sequence[Pair],
    level: Callable[[AuditTrial], float],
) -> tuple[str | None, str | None]:
    """The one-factor pair of a failed and a trained trial whose levels lie nearest, as (trained, failed) keys."""
    failed_keys = {t.key: t for t in beyond}
    trained_keys = {t.key: t for t in trained}
    found = [
        (level(failed_keys[f]) - level(trained_keys[t]), t, f)
        for pair in pairs
        if pair.factor == factor
        for t, f in ((pair.low, pair.high), (pair.high, pair.low))
        if t in trained_keys and f in failed_keys
    ]
    if not found:
        return None, None
    _, nearest, first = min(found)
    return nearest, first
