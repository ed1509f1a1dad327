"""Results by kind of example: by group, by gold answer, and what was answered in place of it. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunebook.core.facts import TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import TrialState
from tunebook.escaping import clean
from tunebook.record.model import Cell, Table
from tunebook.record.names import control_name, is_baseline
from tunebook.record.view import View
from tunebook.words import Words

__all__ = ["by_class", "by_group", "confusions"]

MOST_CLASSES = 12
"""With more distinct gold answers the table of answers is not shown."""
LONGEST_CLASS = 24


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """Two configurations on one split: what the tables by kind compare; one where the other has no result there.

    Attributes:
        split: where both were scored.
        names: column titles, the baseline first.
        trials: of each side.
        findings: the verdicts by group, of the same trials.
        decided: whether any of them is more than inconclusive.
    """

    split: str
    names: tuple[str, ...]
    trials: tuple[tuple[TrialFact, ...], ...]
    findings: dict[str, Finding]
    decided: bool


def _sides(view: View, words: Words) -> _Sides:
    """The best against the baseline, on the trials and the split that the groups' verdicts are based on."""
    best = _shown_key(view)
    verdicts = {
        f.family.removeprefix("group:"): f
        for f in view.conclusions.findings
        if f.family.startswith("group:") and f.treatment_key == best and is_baseline(view, f.control_key)
    }
    last = max(verdicts.values(), key=lambda f: f.round, default=None) or view.told_apart(best)
    verdicts = {group: f for group, f in verdicts.items() if last and f.round == last.round}
    decided = any(f.verdict is not Verdict.INCONCLUSIVE for f in verdicts.values())
    keys = [view.baseline_key, *([best] if best and best != view.baseline_key else [])]
    ids = (
        [last.control_trials, last.treatment_trials]
        if last
        else [tuple(f.trial.id for f in view.replicates(key)) for key in keys]
    )
    names = [
        control_name(view, words, last.control_key) if last else words.label("baseline"),
        words.label("best_role" if view.conclusions.best is not None else "leads_role"),
    ]
    split = last.split if last else "validation"
    facts = [tuple(view.history.trials[i] for i in side if i in view.history.trials) for side in ids]
    shown = [k for k, of in enumerate(facts) if _mean_scores(of, split) is not None] or [0]
    return _Sides(
        split=split,
        names=tuple(names[k] for k in shown),
        trials=tuple(facts[k] for k in shown),
        findings=verdicts,
        decided=decided and len(shown) > 1,
    )


def _shown_key(view: View) -> str:
    """The configuration that is shown: the best, or the one that leads where nothing was learned."""
    found = view.conclusions
    return found.best.key if found.best else found.nothing_learned.key if found.nothing_learned else ""


def by_group(view: View, words: Words) -> tuple[str, Table | None]:
    """(lead, table) of the groups that the data name; none with fewer than two, nor where examples have no scores of
    their own."""
    if not view.scale.is_by_example:
        return "", None
    both = _sides(view, words)
    names = [e.group or "" for e in view.examples(both.split)] or list(view.facts.data.groups)
    lead = words.groups_lead(words.label(both.split), both.decided, len(both.trials) > 1)
    return lead, _by_kind(view, words, both, names, "group")


def by_class(view: View, words: Words) -> tuple[str, Table | None]:
    """(lead, table) of the gold answers where they are few, and are not the groups; none where examples have no scores
    of their own, which alone have a mean by class."""
    if not view.scale.is_by_example:
        return "", None
    both = _sides(view, words)
    examples = view.examples(both.split)
    golds = [e.gold for e in examples]
    pairs = {(e.group, e.gold) for e in examples}
    if not _few(golds) or len(pairs) == len(set(golds)) == len({e.group for e in examples}):
        return "", None
    lead = words.by_class_lead(words.label(both.split), len(both.trials) > 1)
    return lead, _by_kind(view, words, both, golds, "class")


def _few(golds: Sequence[str]) -> bool:
    return 2 <= len(set(golds)) <= MOST_CLASSES and max(map(len, golds)) <= LONGEST_CLASS


def _by_kind(view: View, words: Words, both: _Sides, names: Sequence[str], title: str) -> Table | None:
    """A line for each kind: how many examples, right on either side, gained and lost, the difference."""
    if len(set(names)) < 2:
        return None
    means = [_mean_scores(facts, both.split) for facts in both.trials]
    if any(mean is not None and len(mean) != len(names) for mean in means):
        return None
    counted = view.scale.counts_right_answers and len(means) > 1 and all(mean is not None for mean in means)
    rows = []
    for kind in sorted(set(names)):
        mask = np.array([n == kind for n in names])
        shares = [None if mean is None else float(mean[mask].mean()) for mean in means]
        cells = [Cell(clean(kind)), Cell(str(int(mask.sum())), int(mask.sum()))]
        cells += [Cell(words.measured(s), s) if s is not None else Cell(words.label("none")) for s in shares]
        if counted:
            cells += _exchanged(means, mask)
        if len(means) > 1:
            cells.append(_difference(words, both.findings.get(kind), shares))
            cells += [_verdict(words, both.findings.get(kind))] if both.decided else []
        rows.append(tuple(cells))
    titles = [words.label(title), words.label("examples"), *both.names]
    titles += [words.label("won"), words.label("lost")] if counted else []
    titles += [words.label("difference")] if len(means) > 1 else []
    titles += [words.label("verdict")] if both.decided and len(means) > 1 else []
    return Table(tuple(titles), tuple(rows), frozenset(range(1, 2 + len(means) + (2 if counted else 0))))


def _exchanged(means: Sequence[NDArray[np.float64] | None], mask: NDArray[np.bool_]) -> list[Cell]:
    """Examples of a kind that the best has right and the baseline has not, and the reverse, over pairs of trials."""
    control, treatment = (mean[mask] for mean in means if mean is not None)
    amounts = (float(np.sum(treatment * (1 - control))), float(np.sum(control * (1 - treatment))))
    return [Cell(str(round(amount)), amount) for amount in amounts]


def _difference(words: Words, finding: Finding | None, shares: Sequence[float | None]) -> Cell:
    if finding is not None and not math.isnan(finding.effect):
        return Cell(words.effect(finding), finding.effect)
    a, b = shares[0], shares[1]
    return Cell(words.change(b - a), b - a) if a is not None and b is not None else Cell(words.label("none"))


def _verdict(words: Words, finding: Finding | None) -> Cell:
    if finding is None:
        return Cell(words.label("no_verdict"))
    tone = {"better": "best", "worse": "failed", "diverged": "failed"}.get(finding.verdict.value, "")
    return Cell(words.label(finding.verdict.value), tone=tone)


def _mean_scores(facts: Sequence[TrialFact], split: str) -> NDArray[np.float64] | None:
    scores = [s for f in facts if f.state is TrialState.COMPLETED and (s := f.scores(split)) is not None]
    return np.asarray(np.mean(scores, axis=0)) if scores else None


def confusions(view: View, words: Words) -> tuple[str, Table | None]:
    """(lead, table) of gold answers against given ones, mean number of examples over the trials; only where the gold
    answers are few and short."""
    both = _sides(view, words)
    golds = [e.gold for e in view.examples(both.split)]
    facts = [f for f in both.trials[-1] if both.split in f.outcomes and f.outcomes[both.split].answers]
    if not golds or not facts or not _few(golds) or not view.scale.counts_right_answers:
        return "", None
    counted: Counter[tuple[str, str]] = Counter()
    named = {clean(gold).strip().casefold(): gold for gold in golds}
    for fact in facts:
        outcomes = fact.outcomes[both.split]
        for gold, answer, score in zip(golds, outcomes.answers, outcomes.scores, strict=True):
            given = gold if score == 1 else named.get(clean(answer).strip().casefold(), "")
            counted[gold, given if given != gold or score == 1 else ""] += 1
    kinds = [gold for gold, _ in Counter(golds).most_common()]
    others = any(counted[gold, ""] for gold in kinds)
    rows = []
    for gold in kinds:
        amounts = [(answer, counted[gold, answer] / len(facts)) for answer in [*kinds, *([""] if others else [])]]
        rows.append(
            (
                Cell(clean(gold)),
                *(Cell(f"{x:.0f}" if x else "", x, "best" if answer == gold else "") for answer, x in amounts),
            )
        )
    titles = (words.label("class"), *map(clean, kinds), *((words.label("other_answer"),) if others else ()))
    lead = words.classes_lead(words.label(both.split), len(facts))
    return lead, Table(titles, tuple(rows), frozenset(range(1, len(titles))))
