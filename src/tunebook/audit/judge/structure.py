"""Which trials of a record can be compared for what: equal ones, one-factor pairs, and what was never separated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isclose, nan

from tunebook.audit.judge.trials import ACCUMULATION, BATCH, EFFECTIVE_BATCH, RATIO, AuditTrial, TrialTable
from tunebook.core.factor import Level


@dataclass(frozen=True)
class Confounding:
    """Factors that this record cannot separate.

    `code`: "ratio_constant" (alpha/r is the same everywhere), "ratio_unknown" (rank moves, alpha is not recorded),
    "level_not_isolated" (a level without a trial that differs from one at the baseline's level by this factor alone).
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


def acting(factor: str) -> str:
    """The factor that acts: the effective batch size for its two parts."""
    return EFFECTIVE_BATCH if factor in (BATCH, ACCUMULATION) else factor


def level_in(trial: AuditTrial, factor: str) -> Level:
    """The level of a factor or of another setting, None where the record does not give it; `effective_batch_size` is
    allowed."""
    return trial.levels[factor] if factor in trial.levels else trial.acts.get(factor)


def number_in(trial: AuditTrial, factor: str) -> float | None:
    """The level of a factor where it is a number that the record gives, else None."""
    level = level_in(trial, factor)
    return float(level) if isinstance(level, int | float) and not isinstance(level, bool) else None


def moved(a: AuditTrial, b: AuditTrial) -> tuple[str, ...]:
    """The settings on which two trials differ, after folding; where none do, the columns that may be settings.

    Rank and alpha count as rank alone when alpha/r or alpha is the same in both: a rank may be changed at fixed alpha/r
    or at fixed alpha, either is one factor.
    """
    changed = {name for name, _ in a.acts.items() ^ b.acts.items()}
    if not changed:
        unsettled = a.row.unsettled.items() ^ b.row.unsettled.items() if a.key != b.key else set()
        return tuple(sorted({name for name, _ in unsettled}))
    if changed >= RATIO and isclose(_ratio(a), _ratio(b)):
        changed.remove("lora_alpha")
    return tuple(name for name in {**a.acts, **b.acts} if name in changed)


def surely_moved(a: AuditTrial, b: AuditTrial, unsure: Iterable[str]) -> tuple[str, ...]:
    """Those of them on which two trials differ for certain: both give them, and they surely are settings."""
    both = a.acts.keys() & b.acts.keys() - {"table", *unsure}
    return tuple(name for name in moved(a, b) if name in both)


def _ratio(trial: AuditTrial) -> float:
    """Alpha over rank; not equal to any where one of them is not given."""
    given = trial.acts.keys() >= RATIO
    return float(trial.acts["lora_alpha"]) / float(trial.acts["lora_r"]) if given else nan  # type: ignore[arg-type]


_NO_FACTOR = ("gradient_checkpointing", "table")
"""What makes no difference, and what only says that two tables give different settings."""


class Structure:
    """What of a record can be compared with what; finds its trials by label, by level and by settings.

    Attributes:
        scored, trained: trials with a result; of these the ones that did not fail.
        known: trials whose settings were read.
        read: of these the ones with a result.
        moves: factors in which a known trial differs from the baseline, by key; empty if the baseline's are unread.
        equal: keys of the trials with equal effective settings.
        equal_if_short: the same if no example is longer than so many tokens, where their `max_length` differs.
        pairs: (factor, trial of the higher level, the other) of trials that differ by one factor, failures included.
        varied: factors with at least two levels, or given in one of a pair only, in the record's order.
    """

    def __init__(self, table: TrialTable) -> None:
        self.table = table
        self.baseline = next(trial for trial in table.trials if trial.key == table.baseline)
        self.scored = [t for t in table.trials if t.score is not None]
        self.trained = [t for t in self.scored if not t.failed]
        self.known = [t for t in table.trials if not t.unread]
        self.read = [t for t in self.scored if not t.unread]
        self.best = max(self.trained, key=lambda t: t.value, default=self.baseline)
        self.moves = {t.key: moved(t, self.baseline) for t in self.known if not self.baseline.unread}
        self.equal = tuple(tuple(t.key for t in group) for group in self._groups(_settings))
        short = [
            (g, {int(n) for t in g if (n := number_in(t, "max_length")) is not None})
            for g in self._groups(_settings_if_short)
        ]
        self.equal_if_short = tuple((min(each), tuple(t.key for t in g)) for g, each in short if len(each) > 1)
        alone = [(names[0], a, b) for a, b in combinations(self.known, 2) if len(names := moved(a, b)) == 1]
        self.pairs = [(n, b, a) if _order(a, n) <= _order(b, n) else (n, a, b) for n, a, b in alone]
        given = dict.fromkeys(acting(n) for n in (*table.factors, *table.extras) if n not in _NO_FACTOR)
        alone_in = {name for name, _, _ in self.pairs}
        self.varied = tuple(n for n in given if n in alone_in or len({*self.levels(n, self.known)} - {None}) > 1)
        self.confounded = tuple(self._confounded())
        self.boundaries = tuple(b for n in self.varied for sign in (1, -1) if (b := self._boundary(n, sign)))

    @property
    def ratio_is_constant(self) -> bool:
        """Whether alpha/r is the same in every trial."""
        return any(c.code == "ratio_constant" for c in self.confounded)

    def named(self, name: str, section: str) -> AuditTrial | None:
        """A trial by the name a text gives it; "baseline" and "best" are allowed."""
        return {"baseline": self.baseline, "best": self.best}.get(name) or self.table.resolve(name, section)

    def best_before(self, trial: AuditTrial | None) -> AuditTrial | None:
        """The best of the trials that stand before a trial: what "the best so far" meant when it was planned."""
        earlier = [t for t in self.trained if trial is not None and t.order < trial.order]
        return max(earlier, key=lambda t: t.value, default=None)

    def at(self, factor: str, levels: Sequence[Level]) -> list[AuditTrial]:
        """Scored trials at one of the levels of a factor, settings known."""
        return [t for t in self.read if level_in(t, factor) in levels]

    def runs(self, trial: AuditTrial) -> list[AuditTrial]:
        """The scored runs of a label, of which a record may give one a seed."""
        return [t for t in self.scored if t.label_key == trial.label_key]

    def levels(self, factor: str, trials: Sequence[AuditTrial] | None = None) -> list[Level]:
        """All levels of a factor among some trials; None: among those scored and known."""
        return list(dict.fromkeys(level_in(t, factor) for t in (self.read if trials is None else trials)))

    def one_factor(self, factor: str, trials: Sequence[AuditTrial]) -> list[tuple[AuditTrial, AuditTrial]]:
        """The pairs among these trials that differ in a factor alone, the higher level first."""
        keys = {t.key for t in trials}
        return [(high, low) for name, high, low in self.pairs if name == factor and {high.key, low.key} <= keys]

    def is_given(self, factor: str) -> bool:
        """Whether the level of a factor is known of every trial with a result."""
        return all(not t.unread and level_in(t, factor) is not None for t in self.scored)

    def _groups(self, settings: Callable[[AuditTrial], object]) -> list[list[AuditTrial]]:
        groups: dict[object, list[AuditTrial]] = {}
        for trial in self.known:
            groups.setdefault(settings(trial), []).append(trial)
        return [members for members in groups.values() if len(members) > 1]

    def _confounded(self) -> Iterator[Confounding]:
        factors = list(self.varied)
        if "lora_r" in factors and not all(t.levels.keys() >= RATIO for t in self.known if "lora_r" in t.levels):
            yield Confounding("ratio_unknown", ("lora_r", "lora_alpha"))
        elif "lora_r" in factors and all(isclose(_ratio(t), _ratio(self.known[0])) for t in self.known):
            yield Confounding("ratio_constant", ("lora_r", "lora_alpha"), (_ratio(self.known[0]),))
            factors = [n for n in factors if n != "lora_alpha"]
        for factor in factors if not self.baseline.unread else ():
            reference = level_in(self.baseline, factor)
            of_pairs = [{level_in(a, factor), level_in(b, factor)} for name, a, b in self.pairs if name == factor]
            isolated = {reference}.union(*(levels for levels in of_pairs if reference in levels))
            alone = tuple(n for n in self.levels(factor, self.known) if n not in isolated and n is not None)
            if alone and reference is not None:  # with what surely changed as well in every trial at these levels
                at, unsure = [t for t in self.known if level_in(t, factor) in alone], self.table.unsure
                sets = [set(surely_moved(t, self.baseline, unsure)) for t in at]
                companions = sorted(set.intersection(*sets) - {factor})
                yield Confounding("level_not_isolated", (factor, *companions), alone)

    def _boundary(self, factor: str, sign: int) -> Boundary | None:
        tried = [t for t in self.known if t.failed or t.score is not None]
        levels = {t.key: sign * number for t in tried if (number := number_in(t, factor)) is not None}
        trained = [t for t in tried if not t.failed]
        if not trained or len(levels) < len(tried):  # which side of the others an unsaid level lies on is not known
            return None
        highest = max(levels[t.key] for t in trained)
        beyond = [t for t in tried if t.failed and levels[t.key] > highest]
        pairs = [(levels[f.key] - levels[t.key], moved(t, f), t.key, f.key) for f in beyond for t in trained]
        if not pairs:
            return None
        _, moves, nearest, first = min(pairs, key=lambda pair: (pair[0], len(pair[1])))
        alone = [(gap, t, f) for gap, names, t, f in pairs if names == (factor,)]
        _, clean, clean_failed = min(alone) if alone else (0.0, None, None)
        keys = (first, *(f.key for f in beyond if f.key != first))
        return Boundary(
            factor=factor, above=sign > 0, failed=keys, trained=nearest, moves=moves, clean=clean,
            clean_failed=clean_failed,
        )  # fmt: skip


def _settings(trial: AuditTrial) -> object:
    return frozenset({**trial.acts, **trial.row.unsettled}.items())


def _settings_if_short(trial: AuditTrial) -> object:
    return frozenset({**trial.acts, **trial.row.unsettled, "max_length": None}.items())


def _order(trial: AuditTrial, factor: str) -> tuple[float, str]:
    level = level_in(trial, factor)
    return (float(level), "") if isinstance(level, int | float) else (0.0, str(level))
