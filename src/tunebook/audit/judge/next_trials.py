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
_URGENCY = ("bound", "claim", "alpha", "level", "pair")
"""Reasons by their first letters, the most wanted first; the baseline and the best come before them."""


@dataclass(frozen=True, kw_only=True)
class NextTrial:
    """A configuration worth training."""

    configuration: Configuration
    why: str  # baseline, best, boundary_factor, boundary_again, boundary_rest, claim, alpha, level, pair
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
    found: dict[object, NextTrial] = {}
    if structure.baseline.unread:  # what was not surely read is never proposed
        return ()
    for wish in _wishes(structure, claims, open_trials):
        trial = replace(structure.baseline, key="", configuration=wish.configuration)
        again = next((t.label for t in structure.known if not moved(t, trial)), None)
        epochs = wish.configuration.num_train_epochs, structure.baseline.configuration.num_train_epochs
        cost = 1.0 if UNSAID in epochs else epochs[0] / max(epochs[1], 1e-9)
        found.setdefault(frozenset(trial.acts.items()), replace(wish, again=again, cost=cost))
    first = [wish for wish in found.values() if wish.why in ("baseline", "best")]
    rest = sorted((w for w in found.values() if w not in first), key=lambda w: (_URGENCY.index(w.why[:5]), w.cost))
    return (*first, *sorted(rest[: MOST_TRIALS - len(first)], key=lambda wish: wish.cost))


def _wish(configuration: Configuration, why: str, factor: str | None = None, level: Level = None) -> NextTrial:
    return NextTrial(configuration=configuration, why=why, factor=factor, level=level)


def _wishes(structure: Structure, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]) -> Iterator[NextTrial]:
    base, best = structure.baseline.configuration, structure.best
    yield _wish(base, "baseline")
    if not best.unread:
        yield _wish(best.configuration, "best")
    yield from _corners(structure)
    for judged in claims:
        claim = judged.claim
        if claim.factor and judged.reason is Reason.CONFOUNDED and claim.kind is not ClaimKind.BOUNDARY:
            for level in claim.levels[:2]:
                yield _wish(_with_level(base, claim.factor, level), "claim", claim.factor, level)
    if structure.ratio_is_constant:  # the best rank other than the baseline's, at the baseline's alpha
        ranks = [r for r in structure.levels("lora_r") if isinstance(r, int) and r != base.lora_r]
        rank = best.configuration.lora_r if best.configuration.lora_r in ranks else max(ranks, default=base.lora_r)
        if rank != base.lora_r:
            yield _wish(base.with_values(lora_r=rank), "alpha", "lora_alpha", base.lora_alpha)
            yield _wish(_with_level(base, "lora_r", rank), "alpha", "lora_r", rank)
    for confounding in structure.confounded if not best.unread else ():
        factor = confounding.factors[0]
        level = level_in(best, factor)
        if confounding.code == "level_not_isolated" and level in confounding.levels and factor in FACTOR_KINDS:
            yield _wish(_with_level(base, factor, level), "level", factor, level)
    yield from (_wish(trial.configuration, "pair") for trial in open_trials if not trial.unread)


def _corners(structure: Structure) -> Iterator[NextTrial]:
    """The two missing corners: the failed level with the settings that trained, and the other way round."""
    trials = {t.key: t for t in structure.known}
    for boundary in structure.boundaries:
        factor, several = boundary.factor, len(boundary.moves) > 1
        trained, failed = trials[boundary.trained], trials[boundary.failed[0]]
        if factor in FACTOR_KINDS:
            level = level_in(failed, factor)
            why = "boundary_factor" if several else "boundary_again"
            yield _wish(trained.configuration.with_values(**{factor: level}), why, factor, level)
            if several:
                level = level_in(trained, factor)
                yield _wish(failed.configuration.with_values(**{factor: level}), "boundary_rest", factor, level)


def _with_level(base: Configuration, factor: str, level: Level) -> Configuration:
    """The baseline with one level changed; a rank takes alpha along, so that alpha/r stays."""
    if factor == "lora_r" and isinstance(level, int) and UNSAID not in (base.lora_r, base.lora_alpha):
        return base.with_values(lora_r=level, lora_alpha=base.lora_alpha * level / base.lora_r)
    return base.with_values(**{factor: level})
