"""Findings grouped by factor, so that a record names a factor once: for the rounds, the table of factors and the
insights. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind, RoundKind
from tunebook.record.names import control_name, is_baseline, name, retuned_rate
from tunebook.record.view import View
from tunebook.words import Words

__all__ = ["by_factor", "by_verdict", "factor_sentences", "others_decided"]

ORDER = (
    Verdict.BETTER,
    Verdict.EQUIVALENT,
    Verdict.NOT_INFERIOR,
    Verdict.WORSE,
    Verdict.DIVERGED,
    Verdict.INCONCLUSIVE,
)
SIGNED = (Verdict.BETTER, Verdict.WORSE)
"""Verdicts whose differences are named; of the others none is claimed."""


def by_factor(view: View, findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Comparisons of a single factor's level with the baseline, the latest of each level, by factor; the baseline at
    another learning rate is a level of the rate. What the user's own trials say of a level gives way to a round of the
    study, which is inside its error rate."""
    latest: dict[tuple[str, str], Finding] = {}
    for finding in sorted(findings, key=lambda f: f.round_kind is not RoundKind.OWN):
        factor = _factor(view, finding)
        if factor is not None:
            latest.pop((factor, finding.treatment_key), None)
            latest[factor, finding.treatment_key] = finding
    grouped: dict[str, list[Finding]] = {}
    for (factor, _), finding in latest.items():
        grouped.setdefault(factor, []).append(finding)
    return grouped


def _factor(view: View, finding: Finding) -> str | None:
    """The one factor that a comparison with the baseline is about, if it is about one."""
    configuration = view.configurations.get(finding.treatment_key)
    if finding.kind is not ContrastKind.DIFFERENCE or configuration is None:
        return None  # what is shown equal, or no worse, is told with its margin and the other side
    if not is_baseline(view, finding.control_key):
        return None
    changed = set(configuration.changes_from(view.spec.baseline)) - {"lora_alpha"}
    if retuned_rate(view, finding.control_key) is not None:  # both sides have the same rate
        changed.discard("learning_rate")
    if len(changed) > 1:
        return None
    return changed.pop() if changed else finding.factor


def by_verdict(view: View, words: Words, findings: Sequence[Finding], with_open: bool = False) -> list[str]:
    """A clause for each verdict, with the levels that it holds for."""
    clauses = []
    for verdict in ORDER if with_open else ORDER[:-1]:
        found = sorted((f for f in findings if f.verdict is verdict), key=lambda f: _level(view, f))
        items = [(_what(view, words, f), f.effect if verdict in SIGNED else math.nan) for f in found]
        if items:
            clauses.append(words.against_baseline(verdict, items, view.margin_of(found[-1].round)))
    return clauses


def _level(view: View, finding: Finding) -> float:
    """Where a level stands among the others of its factor."""
    factor = _factor(view, finding)
    level = getattr(view.configurations[finding.treatment_key], factor) if factor is not None else 0.0
    return float(level) if isinstance(level, int | float) else 0.0


def _what(view: View, words: Words, finding: Finding) -> str:
    factor = _factor(view, finding)
    configuration = view.configurations[finding.treatment_key]
    if factor is None:
        what = name(view, words, finding.treatment_key)
    else:
        what = words.alone(factor, getattr(configuration, factor))
    return words.added_by_you(what) if finding.round_kind is RoundKind.OWN else what


def factor_sentences(view: View, words: Words, findings: Iterable[Finding], with_open: bool = False) -> list[str]:
    """A sentence for each factor of which something is shown."""
    told = []
    for factor, about in by_factor(view, findings).items():
        clauses = by_verdict(view, words, about, with_open)
        if clauses:
            told.append(words.of_factor(factor, clauses))
    return told


def others_decided(view: View, words: Words, findings: Iterable[Finding]) -> list[str]:
    """A clause for each decided comparison that is about no single factor; its numbers stand elsewhere."""
    clauses, plain = [], []
    for finding in findings:
        if _factor(view, finding) is not None or finding.verdict is Verdict.INCONCLUSIVE or finding.kind.is_fitted:
            continue
        is_difference = finding.kind is ContrastKind.DIFFERENCE
        if is_difference and is_baseline(view, finding.control_key) and finding.split == "validation":
            plain.append(finding)
            continue
        what, against = name(view, words, finding.treatment_key), control_name(view, words, finding.control_key)
        clauses.append(words.short_found(finding, what, against, view.margin_of(finding.round)))
    return [*by_verdict(view, words, plain), *clauses]
