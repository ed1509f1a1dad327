"""Judges the coefficients of one model over a balanced design; see `statistics.balanced` for the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.facts import Floats, History
from tunebook.core.findings import Finding
from tunebook.core.study import Contrast, ContrastKind, RoundKind
from tunebook.statistics.balanced import BalancedModel
from tunebook.statistics.evidence import VALIDATION
from tunebook.statistics.intervals import largest_difference
from tunebook.statistics.paired import Estimates
from tunebook.statistics.verdicts import FamilyNumbers, Side, side_of

__all__ = ["balanced_model", "judge_fitted"]


def judge_fitted(
    contrasts: Sequence[Contrast],
    history: History,
    baseline: Configuration,
    alpha: float,
    margin: float,
    judged_in: tuple[int, RoundKind],
) -> tuple[Finding, ...]:
    """Judge the coefficients of one model over a balanced design as one family at error rate alpha.

    Groups of examples are not judged. What the trials that trained cannot tell (a level of which none is left) stays
    inconclusive.

    Args:
        contrasts: all about the same trials.
        judged_in: number and kind of the round.
    """
    side = side_of(contrasts[0].treatment, history, VALIDATION)
    model = balanced_model(contrasts, history, baseline)
    findings = [_blank(contrast, side, model, alpha, judged_in) for contrast in contrasts]
    rows = {} if model is None else {k: model.row(contrast) for k, contrast in enumerate(contrasts)}
    asked = {k: row for k, row in rows.items() if row is not None}
    if model is None or not asked:
        return tuple(findings)
    coefficients = np.array(list(asked.values()))
    estimates = model.estimate(coefficients)
    kinds = [contrasts[k].kind for k in asked]
    losses = _losses(model, coefficients, side)
    numbers = FamilyNumbers(
        estimates=estimates,
        kinds=kinds,
        alpha=alpha,
        margin=margin,
        losses=losses,
        limit=largest_difference(model.scores),
    )
    doubts = (*side.warnings("treatment"), *(("correlated_examples",) if estimates.inflation > 1 else ()))
    for j, k in enumerate(asked):
        findings[k] = numbers.judged(replace(findings[k], warnings=doubts), j)
    return tuple(findings)


def balanced_model(contrasts: Sequence[Contrast], history: History, baseline: Configuration) -> BalancedModel | None:
    """The model that a round's fitted contrasts are about, over those of its trials that trained; None: none did."""
    counted = side_of(contrasts[0].treatment, history, VALIDATION).counted
    if not counted:
        return None
    return BalancedModel(
        [fact.trial.configuration for fact in counted],
        np.stack([fact.outcomes[VALIDATION].scores for fact in counted]),
        [str(contrast.factor) for contrast in contrasts],
        baseline,
        [str(contrast.factor) for contrast in contrasts if contrast.kind is ContrastKind.CURVATURE],
    )


def _losses(model: BalancedModel, rows: Floats, side: Side) -> Estimates | None:
    losses = np.stack([fact.outcomes[VALIDATION].nll for fact in side.counted])
    return model.estimate(rows, losses, pseudo=0.0) if np.all(np.isfinite(losses)) else None


def _blank(
    contrast: Contrast, side: Side, model: BalancedModel | None, alpha: float, judged_in: tuple[int, RoundKind]
) -> Finding:
    """The finding of a contrast that the trials cannot tell."""
    levels: tuple[Level, ...] = ()
    if model is not None and contrast.factor in model.columns:
        ends = model.columns[contrast.factor].levels
        levels = (ends[0], contrast.level if contrast.kind is ContrastKind.LEVEL else ends[-1])
    return Finding.without_numbers(
        contrast,
        judged_in,
        alpha,
        treatment_trials=side.ids,
        levels=levels,
        warnings=(*side.warnings("treatment"), "no_outcomes"),
    )
