"""The cheapest trials that would settle what a record leaves open, as configurations for a study's own table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.structure import Structure, level_in, moved
from tunebook.audit.judge.trials import AuditTrial
from tunebook.audit.judge.verdicts import Reason
from tunebook.audit.model import UNSAID, ClaimKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

MOST_TRIALS = 12
_FIRST = ("baseline", "best")
_ORDER = (*_FIRST, "boundary_factor", "boundary_again", "boundary_rest", "claim", "alpha", "level", "pair")


@dataclass(frozen=True, kw_only=True)
class NextTrial:
    """A configuration worth training."""

    configuration: Configuration
    why: str  # one of `_ORDER`, the most wanted first
    factor: str | None = None  # what it isolates, where it does
    level: Level = None
    again: str | None = None  # label of the trial of the record with equal settings: this is another seed of it
    cost: float = 1.0  # in trainings of the baseline, by epochs alone


def next_trials(
    structure: Structure, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]
) -> tuple[NextTrial, ...]:
    """What to train, each configuration once: baseline and best first, then the others from the cheapest.

    Args:
        open_trials: trials whose comparison with the baseline depends on the pairing.
    """
    if structure.baseline.unread:  # what was not surely read is never proposed
        return ()
    found: list[tuple[AuditTrial, NextTrial]] = []
    for configuration, why, factor, level in _wanted(structure, claims, open_trials):
        trial = replace(structure.baseline, key="", configuration=configuration)
        if all(trial.acts != other.acts for other, _ in found):
            wish = NextTrial(configuration=configuration, why=why, factor=factor, level=level)
            found.append((trial, _priced(wish, trial, structure)))
    wanted = sorted((wish for _, wish in found), key=lambda t: (_urgency(t), t.cost))[:MOST_TRIALS]
    return tuple(sorted(wanted, key=lambda t: (t.why not in _FIRST, t.cost if t.why not in _FIRST else 0.0)))


Wish = tuple[Configuration, str, str | None, Level]
"""The configuration, why, and the factor and the level that it isolates."""


def _wanted(structure: Structure, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]) -> Iterator[Wish]:
    base, best = structure.baseline.configuration, structure.best
    yield base, "baseline", None, None
    if not best.unread and best.key != structure.baseline.key:
        yield best.configuration, "best", None, None
    yield from _corners(structure)
    for judged in claims:
        claim = judged.claim
        if claim.factor and judged.reason is Reason.CONFOUNDED and claim.kind is not ClaimKind.BOUNDARY:
            for level in claim.levels[:2]:
                yield _with_level(base, claim.factor, level), "claim", claim.factor, level
    if structure.ratio_is_constant:  # the best rank other than the baseline's, at the baseline's alpha
        ranks = [r for r in structure.levels("lora_r") if isinstance(r, int) and r != base.lora_r]
        rank = best.configuration.lora_r if best.configuration.lora_r in ranks else max(ranks, default=base.lora_r)
        if rank != base.lora_r:
            yield base.with_values(lora_r=rank), "alpha", "lora_alpha", base.lora_alpha
            yield _with_level(base, "lora_r", rank), "alpha", "lora_r", rank
    for confounding in structure.confounded if not best.unread else ():
        factor = confounding.factors[0]
        level = level_in(best, factor)
        if confounding.code == "level_not_isolated" and level in confounding.levels and factor in FACTOR_KINDS:
            yield _with_level(base, factor, level), "level", factor, level
    for trial in open_trials:
        if not trial.unread:
            yield trial.configuration, "pair", None, None


def _corners(structure: Structure) -> Iterator[Wish]:
    """The two missing corners: the failed level with the settings that trained, and the other way round."""
    trials = {t.key: t for t in structure.known}
    for boundary in structure.boundaries:
        factor, several = boundary.factor, len(boundary.moves) > 1
        trained, failed = trials[boundary.trained], trials[boundary.failed[0]]
        if factor in FACTOR_KINDS:
            level = level_in(failed, factor)
            why = "boundary_factor" if several else "boundary_again"
            yield trained.configuration.with_values(**{factor: level}), why, factor, level
            if several:
                level = level_in(trained, factor)
                yield failed.configuration.with_values(**{factor: level}), "boundary_rest", factor, level


def _with_level(base: Configuration, factor: str, level: Level) -> Configuration:
    """The baseline with one level changed; a rank takes alpha along, so that alpha/r stays."""
    if factor == "lora_r" and isinstance(level, int) and UNSAID not in (base.lora_r, base.lora_alpha):
        return base.with_values(lora_r=level, lora_alpha=base.lora_alpha * level / base.lora_r)
    return base.with_values(**{factor: level})


def _urgency(wish: NextTrial) -> int:
    place = _ORDER.index(wish.why)
    return 2 if wish.why.startswith("boundary") else place


def _priced(wish: NextTrial, trial: AuditTrial, structure: Structure) -> NextTrial:
    again = next((t.label for t in structure.known if not moved(t, trial)), None)
    epochs = wish.configuration.num_train_epochs, structure.baseline.configuration.num_train_epochs
    return replace(wish, again=again, cost=1.0 if UNSAID in epochs else epochs[0] / max(epochs[1], 1e-9))
