"""The cheapest trials that would settle what a record leaves open, as configurations for a study's own table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tunebook.audit.judge.cases import Judged, Subjects
from tunebook.audit.judge.structure import Structure, level_in, moved
from tunebook.audit.judge.trials import UNSAID, AuditTrial
from tunebook.audit.judge.verdicts import Reason, SupportVerdict
from tunebook.audit.model import ClaimKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = ["NextTrial", "next_trials"]

MOST_TRIALS = 12


@dataclass(frozen=True)
class NextTrial:
    """A configuration worth training.

    Attributes:
        configuration: its settings.
        why: a code for the templates: baseline, best, boundary_factor, boundary_again, boundary_rest, alpha, level,
            claim, pair.
        factor, level: what it isolates, where it does.
        again: label of the trial of the record with equal settings (this is then another seed of it), or None.
        cost: in trainings of the baseline, by epochs alone.
    """

    configuration: Configuration
    why: str
    factor: str | None
    level: Level
    again: str | None
    cost: float


def next_trials(
    subjects: Subjects,
    structure: Structure,
    claims: Sequence[Judged],
    open_trials: Sequence[AuditTrial],
) -> tuple[NextTrial, ...]:
    """What to train, each configuration once: baseline and best first, then the others from the cheapest.

    Args:
        open_trials: trials whose comparison with the baseline depends on the pairing.
    """
    wanted: dict[str, NextTrial] = {}
    for configuration, why, factor, level in _wishes(subjects, structure, claims, open_trials):
        key = repr(sorted(_acting_values(configuration).items()))
        if key not in wanted:
            wanted[key] = _priced(configuration, why, factor, level, subjects)
    first = [t for t in wanted.values() if t.why in ("baseline", "best")]
    rest = sorted((t for t in wanted.values() if t not in first), key=lambda t: (_ORDER[t.why], t.cost))
    kept = (first + rest)[:MOST_TRIALS]
    return tuple(sorted(kept, key=lambda t: (t not in first, t.cost)))


_ORDER = {"boundary_factor": 0, "boundary_again": 0, "boundary_rest": 0, "claim": 1, "alpha": 2, "level": 3, "pair": 4}

_Wish = tuple[Configuration, str, str | None, Level]


def _wishes(
    subjects: Subjects,
    structure: Structure,
    claims: Sequence[Judged],
    open_trials: Sequence[AuditTrial],
) -> Iterator[_Wish]:
    base = subjects.baseline.configuration
    yield base, "baseline", None, None
    if subjects.best.key != subjects.baseline.key:
        yield subjects.best.configuration, "best", None, None
    yield from _boundary_wishes(subjects, structure)
    yield from _claim_wishes(subjects, claims)
    yield from _alpha_wishes(subjects, structure)
    for confounding in structure.confounded:
        if confounding.code == "level_not_isolated":
            factor = confounding.factors[0]
            level = level_in(subjects.best, factor)
            if level in confounding.levels and factor in FACTOR_KINDS:
                yield _with_level(base, factor, level), "level", factor, level
    for trial in open_trials:
        yield trial.configuration, "pair", None, None


def _boundary_wishes(subjects: Subjects, structure: Structure) -> Iterator[_Wish]:
    """The two missing corners: the failed level with the settings that trained, and the other way round."""
    for boundary in structure.boundaries:
        trained, failed = subjects.table.get(boundary.trained), subjects.table.get(boundary.failed[0])
        if trained is None or failed is None or boundary.factor not in FACTOR_KINDS:
            continue
        failed_level = level_in(failed, boundary.factor)
        trained_level = level_in(trained, boundary.factor)
        yield (
            trained.configuration.with_values(**{boundary.factor: failed_level}),
            "boundary_factor" if len(boundary.moves) > 1 else "boundary_again",
            boundary.factor,
            failed_level,
        )
        if len(boundary.moves) > 1:
            yield (
                failed.configuration.with_values(**{boundary.factor: trained_level}),
                "boundary_rest",
                boundary.factor,
                trained_level,
            )


def _claim_wishes(subjects: Subjects, claims: Sequence[Judged]) -> Iterator[_Wish]:
    for judged in claims:
        claim = judged.claim
        if claim.factor is None or claim.kind not in (ClaimKind.LEVELS, ClaimKind.BEST_LEVEL):
            continue
        if judged.verdict is SupportVerdict.NOT_SHOWN and judged.reason is Reason.CONFOUNDED:
            for level in claim.levels[:2]:
                yield _with_level(subjects.baseline.configuration, claim.factor, level), "claim", claim.factor, level


def _alpha_wishes(subjects: Subjects, structure: Structure) -> Iterator[_Wish]:
    """The best rank other than the baseline's, at the baseline's alpha."""
    base = subjects.baseline.configuration
    if any(c.code == "ratio_constant" for c in structure.confounded):
        ranks = [r for r in subjects.levels("lora_r") if isinstance(r, int) and r != base.lora_r]
        rank = subjects.best.configuration.lora_r
        rank = rank if rank != base.lora_r else max(ranks, default=base.lora_r)
        if rank != base.lora_r:
            yield base.with_values(lora_r=rank), "alpha", "lora_alpha", base.lora_alpha
            yield _with_level(base, "lora_r", rank), "alpha", "lora_r", rank


def _with_level(base: Configuration, factor: str, level: Level) -> Configuration:
    """The baseline with one level changed; a rank takes alpha along, so that alpha/r stays."""
    if factor == "lora_r" and isinstance(level, int) and UNSAID not in (base.lora_r, base.lora_alpha):
        return base.with_values(lora_r=level, lora_alpha=base.lora_alpha * level / base.lora_r)
    return base.with_values(**{factor: level})


def _acting_values(configuration: Configuration) -> dict[str, object]:
    values = configuration.as_dict()
    values.pop("gradient_checkpointing")
    batch = values.pop("per_device_train_batch_size") * values.pop("gradient_accumulation_steps")
    return {**values, "batch": batch}


def _priced(
    configuration: Configuration,
    why: str,
    factor: str | None,
    level: Level,
    subjects: Subjects,
) -> NextTrial:
    again = next(
        (
            t.label
            for t in subjects.table.trials
            if not t.unread and not moved(t, replace(subjects.baseline, configuration=configuration))
        ),
        None,
    )
    epochs = configuration.num_train_epochs, subjects.baseline.configuration.num_train_epochs
    cost = 1.0 if UNSAID in epochs else epochs[0] / max(epochs[1], 1e-9)
    return NextTrial(configuration, why, factor, level, again, cost)
