"""The cheapest trials that would settle what a record leaves open, as configurations for a study's own table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tunebook.audit.judge.cases import Judged, Subjects
from tunebook.audit.judge.structure import level_in, moved
from tunebook.audit.judge.trials import ACCUMULATION, BATCH, AuditTrial
from tunebook.audit.judge.verdicts import Reason, SupportVerdict
from tunebook.audit.model import UNSAID, ClaimKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

MOST_TRIALS = 12
_ORDER = {"boundary_factor": 0, "boundary_again": 0, "boundary_rest": 0, "claim": 1, "alpha": 2, "level": 3, "pair": 4}


@dataclass(frozen=True, kw_only=True)
class NextTrial:
    """A configuration worth training."""

    configuration: Configuration
    why: str  # baseline, best, boundary_factor, boundary_again, boundary_rest, alpha, level, claim, pair
    factor: str | None = None  # what it isolates, where it does
    level: Level = None
    again: str | None = None  # label of the trial of the record with equal settings: this is another seed of it
    cost: float = 1.0  # in trainings of the baseline, by epochs alone


def next_trials(
    subjects: Subjects, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]
) -> tuple[NextTrial, ...]:
    """What to train, each configuration once: baseline and best first, then the others from the cheapest.

    Args:
        open_trials: trials whose comparison with the baseline depends on the pairing.
    """
    wanted: dict[str, NextTrial] = {}
    for wish in _wishes(subjects, claims, open_trials):
        key = repr(sorted(_acting_values(wish.configuration).items()))
        if key not in wanted:
            wanted[key] = _priced(wish, subjects)
    first = [t for t in wanted.values() if t.why in ("baseline", "best")]
    rest = sorted((t for t in wanted.values() if t not in first), key=lambda t: (_ORDER[t.why], t.cost))
    kept = (first + rest)[:MOST_TRIALS]
    return tuple(sorted(kept, key=lambda t: (t not in first, t.cost)))


def _wish(configuration: Configuration, why: str, factor: str | None = None, level: Level = None) -> NextTrial:
    return NextTrial(configuration=configuration, why=why, factor=factor, level=level)


def _wishes(subjects: Subjects, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]) -> Iterator[NextTrial]:
    structure, base = subjects.structure, subjects.baseline.configuration
    if subjects.baseline.unread:  # what was not surely read is never proposed
        return
    yield _wish(base, "baseline")
    if subjects.best.key != subjects.baseline.key and not subjects.best.unread:
        yield _wish(subjects.best.configuration, "best")
    yield from _boundary_wishes(subjects)
    for judged in claims:
        claim = judged.claim
        confounded = judged.verdict is SupportVerdict.NOT_SHOWN and judged.reason is Reason.CONFOUNDED
        if claim.factor and confounded and claim.kind in (ClaimKind.LEVELS, ClaimKind.BEST_LEVEL):
            for level in claim.levels[:2]:
                yield _wish(_with_level(base, claim.factor, level), "claim", claim.factor, level)
    if structure.ratio_is_constant:  # the best rank other than the baseline's, at the baseline's alpha
        others = [r for r in subjects.levels("lora_r") if isinstance(r, int) and r != base.lora_r]
        rank = base.lora_r if subjects.best.unread else subjects.best.configuration.lora_r
        rank = rank if rank != base.lora_r else max(others, default=base.lora_r)
        if rank != base.lora_r:
            yield _wish(base.with_values(lora_r=rank), "alpha", "lora_alpha", base.lora_alpha)
            yield _wish(_with_level(base, "lora_r", rank), "alpha", "lora_r", rank)
    for confounding in structure.confounded if not subjects.best.unread else ():
        factor = confounding.factors[0]
        level = level_in(subjects.best, factor)
        if confounding.code == "level_not_isolated" and level in confounding.levels and factor in FACTOR_KINDS:
            yield _wish(_with_level(base, factor, level), "level", factor, level)
    for trial in (t for t in open_trials if not t.unread):
        yield _wish(trial.configuration, "pair")


def _boundary_wishes(subjects: Subjects) -> Iterator[NextTrial]:
    """The two missing corners: the failed level with the settings that trained, and the other way round."""
    for boundary in subjects.structure.boundaries:
        factor = boundary.factor
        trained, failed = subjects.table.get(boundary.trained), subjects.table.get(boundary.failed[0])
        if trained is None or failed is None or factor not in FACTOR_KINDS:
            continue
        several = len(boundary.moves) > 1
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


def _acting_values(configuration: Configuration) -> dict[str, object]:
    values = configuration.as_dict()
    values.pop("gradient_checkpointing")
    return {**values, "batch": values.pop(BATCH) * values.pop(ACCUMULATION)}


def _priced(wish: NextTrial, subjects: Subjects) -> NextTrial:
    as_trial = replace(subjects.baseline, configuration=wish.configuration)
    again = next((t.label for t in subjects.table.trials if not t.unread and not moved(t, as_trial)), None)
    epochs = wish.configuration.num_train_epochs, subjects.baseline.configuration.num_train_epochs
    return replace(wish, again=again, cost=1.0 if UNSAID in epochs else epochs[0] / max(epochs[1], 1e-9))
