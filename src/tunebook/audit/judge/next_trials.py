"""The cheapest trials that would settle what a record leaves open, as configurations for a study's own table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.structure import Structure, level_in, moved, number_in
from tunebook.audit.judge.trials import RATIO, AuditTrial
from tunebook.audit.judge.verdicts import Reason
from tunebook.audit.model import ClaimKind
from tunebook.core.factor import FACTOR_KINDS, Level

MOST_TRIALS = 12
_URGENCY = ("bound", "claim", "alpha", "level", "pair")
"""Reasons by their first letters, the most wanted first; the baseline and the best come before them."""


@dataclass(frozen=True, kw_only=True)
class NextTrial:
    """A configuration worth training."""

    configuration: Mapping[str, Level]  # settings that the record gives
    why: str  # baseline, best, boundary_factor, boundary_again, boundary_rest, claim, alpha, level, pair
    factor: str | None = None  # what it isolates, where it does
    level: Level = None
    again: str | None = None  # label of the trial of the record with equal settings: this is another seed of it
    cost: float = 1.0  # in trainings of the baseline, by epochs alone


def next_trials(
    structure: Structure, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]
) -> tuple[NextTrial, ...]:
    """What to train, each configuration once: baseline and best first, then the others from the cheapest. What a study
    does not take, such as half an epoch, is left out.

    Args:
        open_trials: trials whose comparison with the baseline depends on the pairing.
    """
    found: dict[object, NextTrial] = {}
    if structure.baseline.unread or not structure.baseline.levels:  # what is not known is never proposed
        return ()
    for wish in _wishes(structure, claims, open_trials):
        if any(FACTOR_KINDS[name].problem(level) is not None for name, level in wish.configuration.items()):
            continue
        trial = replace(structure.baseline, key="", levels=wish.configuration)
        again = next((t.label for t in structure.known if set(moved(t, trial)) <= {"table"}), None)
        epochs, usual = (number_in(t, "num_train_epochs") for t in (trial, structure.baseline))
        cost = epochs / usual if epochs and usual else 1.0
        found.setdefault(frozenset(trial.acts.items()), replace(wish, again=again, cost=cost))
    first = [wish for wish in found.values() if wish.why in ("baseline", "best")]
    rest = sorted((w for w in found.values() if w not in first), key=lambda w: (_URGENCY.index(w.why[:5]), w.cost))
    return (*first, *sorted(rest[: MOST_TRIALS - len(first)], key=lambda wish: wish.cost))


def _wish(configuration: Mapping[str, Level], why: str, factor: str | None = None, level: Level = None) -> NextTrial:
    return NextTrial(configuration=configuration, why=why, factor=factor, level=level)


def _wishes(structure: Structure, claims: Sequence[Judged], open_trials: Sequence[AuditTrial]) -> Iterator[NextTrial]:
    base, best = structure.baseline.levels, structure.best
    yield _wish(base, "baseline")
    if _is_given(best, structure):
        yield _wish(best.levels, "best")
    yield from _corners(structure)
    for judged in claims:
        claim = judged.claim
        if claim.factor and judged.reason is Reason.CONFOUNDED and claim.kind is not ClaimKind.BOUNDARY:
            for level in claim.levels[:2]:
                yield _wish(_with_level(structure, claim.factor, level), "claim", claim.factor, level)
    if structure.ratio_is_constant:  # the best rank other than the baseline's, at the baseline's alpha
        ranks = [r for r in structure.levels("lora_r") if isinstance(r, int) and r != base["lora_r"]]
        rank = best.levels.get("lora_r")
        for level in [rank if rank in ranks else max(ranks)] if ranks else []:
            yield _wish({**base, "lora_r": level}, "alpha", "lora_alpha", base["lora_alpha"])
            yield _wish(_with_level(structure, "lora_r", level), "alpha", "lora_r", level)
    for confounding in structure.confounded if not best.unread else ():
        factor = confounding.factors[0]
        level = level_in(best, factor)
        if confounding.code == "level_not_isolated" and level in confounding.levels and factor in FACTOR_KINDS:
            yield _wish(_with_level(structure, factor, level), "level", factor, level)
    yield from (_wish(trial.levels, "pair") for trial in open_trials if _is_given(trial, structure))


def _is_given(trial: AuditTrial, structure: Structure) -> bool:
    """Whether a study can train a trial again: all that the baseline gives is known of it, and nothing else was
    changed that no study knows."""
    extra, base = ({n: level for n, level in t.extra.items() if n != "table"} for t in (trial, structure.baseline))
    return not trial.unread and extra == base and trial.levels.keys() >= structure.baseline.levels.keys()


def _corners(structure: Structure) -> Iterator[NextTrial]:
    """The two missing corners: the failed level with the settings that trained, and the other way round."""
    trials = {t.key: t for t in structure.known}
    for boundary in structure.boundaries:
        factor, several = boundary.factor, len(boundary.moves) > 1
        trained, failed = trials[boundary.trained], trials[boundary.failed[0]]
        if factor in FACTOR_KINDS and _is_given(trained, structure) and _is_given(failed, structure):
            level = level_in(failed, factor)
            why = "boundary_factor" if several else "boundary_again"
            yield _wish({**trained.levels, factor: level}, why, factor, level)
            if several:
                level = level_in(trained, factor)
                yield _wish({**failed.levels, factor: level}, "boundary_rest", factor, level)


def _with_level(structure: Structure, factor: str, level: Level) -> Mapping[str, Level]:
    """The baseline with one level changed. A rank takes alpha along, so that alpha/r stays, unless the record has
    one alpha for all ranks."""
    base = structure.baseline.levels
    alphas = {t.levels.get("lora_alpha") for t in structure.known}
    if factor == "lora_r" and isinstance(level, int) and base.keys() >= RATIO and len(alphas) > 1:
        return {**base, "lora_r": level, "lora_alpha": base["lora_alpha"] * level / base["lora_r"]}  # type: ignore[operator]
    return {**base, factor: level}
