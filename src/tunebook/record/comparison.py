"""`compare` in words: two trials or configurations, paired, overall and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding, Verdict
from tunebook.core.score import SHARE, ScoreScale
from tunebook.escaping import clean, excerpt
from tunebook.words import words_for
from tunebook.words.marks import plain_text

__all__ = ["comparison_text"]

MOST_CHARACTERS = 60
"""Of a prompt or an answer that is shown."""


def comparison_text(
    sides: tuple[str, str],
    changes: Mapping[str, tuple[Any, Any]],
    overall: Finding | None,
    groups: Sequence[Finding],
    counts: tuple[int, int],
    margin: float,
    language: str,
    scale: ScoreScale = SHARE,
    differing: Sequence[tuple[int, str, str, str, str]] = (),
    n_examples: int = 0,
) -> str:
    """The comparison as lines of plain text.

    Args:
        sides: what the user typed for A and B.
        changes: (B's value, A's value) by factor.
        overall, groups: the findings of `statistics.judge_round.compare`; `overall` is None when there was nothing to
            judge.
        counts: number of examples on which A's mean score is above B's, and below.
        scale: what the study's metric measures.
        differing: some of these examples: index, prompt, gold answer, A's answer, B's answer.
        n_examples: on which they are compared.
    """
    words = words_for(language, scale)
    if overall is None:
        return words.compared_nothing()
    lines = [
        words.compared_side("A", clean(sides[0]), overall.treatment_trials),
        words.compared_side("B", clean(sides[1]), overall.control_trials),
        words.compared_changes(changes),
    ]
    lines += [words.compared_on(overall.split, n_examples)] if n_examples else []
    both = set(overall.treatment_trials) & set(overall.control_trials)
    if both:
        lines.append(words.compared_both(sorted(both)))
    lines.append(words.found(overall, "A", "B", margin))
    if overall.verdict is Verdict.DIVERGED:
        return plain_text("\n".join(lines))
    lines += [words.compared_counts(*counts), words.compared_p(overall.p_adjusted)]
    if overall.p_mcnemar is not None:
        lines.append(words.compared_mcnemar(overall.p_mcnemar))
    if overall.witnesses_disagree:
        lines.append(words.compared_disagree())
    if groups:
        lines.append(words.compared_groups())
        lines += [f"  {words.colon(clean(f.family.partition(':')[2]), words.effect(f))}" for f in groups]
    told = plain_text("\n".join(lines))
    if not differing:
        return told
    shown = [
        words.compared_example(index, *(excerpt(t, MOST_CHARACTERS) for t in texts)) for index, *texts in differing
    ]
    return "\n".join([told, words.compared_examples(len(shown), sum(counts)), *shown])
