"""The data behind a click on a trial in the page: configuration, curve, and the examples on which it differs from the
baseline. Pure.

The data is compact: each text is stored once, answers are numbers, and only the examples are kept that a trial scores
differently from the baseline trial it is compared with. 100 trials on 1,000 examples stay well below the page's 15 MB;
longer texts are shortened further, and the page says so (decision 052).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunebook.core.facts import Curve, TrialFact
from tunebook.core.study import TrialState
from tunebook.escaping import clean, shorten
from tunebook.record.plots.curves import smoothed
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import trial_list, value

__all__ = ["details"]

LIMITS = ((1500, 400), (600, 200), (240, 80), (100, 30))
"""Largest number of characters of a prompt and of an answer; the next pair is used when the data would exceed
MOST_BYTES."""
MOST_BYTES = 9_000_000
DIGITS = 4


def details(view: View, words: Words) -> dict[str, Any]:
    """The page's data as plain JSON values."""
    data: dict[str, Any] = {}
    for prompt_limit, answer_limit in LIMITS:
        data = _coded(view, words, prompt_limit, answer_limit)
        if len(json.dumps(data, ensure_ascii=False)) <= MOST_BYTES:
            break
    return data


class _Texts:
    """Texts by number, each stored once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.texts: list[str] = []
        self.shortened = False
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(shorten(text, self.limit))
            self.shortened = self.shortened or len(text) > self.limit
        return self._numbers[text]


def _coded(view: View, words: Words, prompt_limit: int, answer_limit: int) -> dict[str, Any]:
    answers, prompts = _Texts(answer_limit), _Texts(prompt_limit)
    examples: dict[str, dict[int, list[Any]]] = {}
    trials = {}
    for fact in view.trials:
        entry: dict[str, Any] = {
            "t": _title(view, words, fact),
            "s": _summary(view, words, fact),
            "c": _configuration(view, words, fact),
            "k": _curve(fact.curve),
        }
        other = _compared_with(view, fact)
        split = _common_split(fact, other) if other else None
        if other is not None and split is not None:
            entry["b"], entry["p"] = other.trial.id, words.label(split)
            entry["x"] = split
            entry["d"] = _differences(view, fact, other, split, answers, prompts, examples.setdefault(split, {}))
        trials[str(fact.trial.id)] = entry
    return {
        "trials": trials,
        "answers": answers.texts,
        "prompts": prompts.texts,
        "examples": examples,
        "shortened": answers.shortened or prompts.shortened,
    }


def _title(view: View, words: Words, fact: TrialFact) -> str:
    trial = fact.trial
    changed = (
        words.label("baseline")
        if trial.effective.key == view.baseline_key
        else words.changes(trial.configuration, view.spec.baseline)
    )
    return clean(
        f"{words.label('trial_title')} {trial_list([trial.id])}{words.label('colon')}{words.label('word_gap')}{changed}"
    )


def _summary(view: View, words: Words, fact: TrialFact) -> str:
    """How the trial ended, its validation accuracy and what it took: "completed; accuracy 69.0 %; 4 min 37 s"."""
    parts = [words.state(fact.state)]
    measured = view.accuracy([fact])
    if measured:
        parts.append(f"{words.label('accuracy').lower()} {words.accuracy(*measured)}")
    if fact.cost.seconds:
        parts.append(f"{words.label('seconds').lower()} {words.duration(fact.cost.seconds)}")
    return words.label("list_gap").join(parts)


def _configuration(view: View, words: Words, fact: TrialFact) -> list[list[Any]]:
    """Rows of (factor, value here, value in the baseline, whether they differ)."""
    mine, base = fact.trial.configuration.as_dict(), view.spec.baseline.as_dict()
    rows: list[list[Any]] = []
    for name, level in mine.items():
        if level is None and base[name] is None:
            continue
        here, there = (words.label("none") if v is None else clean(value(name, v)) for v in (level, base[name]))
        rows.append([name, here, there, int(level != base[name])])
    return [*sorted(rows, key=lambda row: not row[3]), ["seed", str(fact.trial.seed), "", 0]]


def _curve(curve: Curve) -> list[list[float]]:
    """[epochs, training losses, validation epochs, validation losses], thinned."""
    epochs, losses = smoothed(curve)
    taken = [(e.epoch, e.loss) for e in curve.evaluations if math.isfinite(e.loss)]
    return [
        _rounded(epochs.tolist()),
        _rounded(losses.tolist()),
        _rounded([e for e, _ in taken]),
        _rounded([loss for _, loss in taken]),
    ]


def _compared_with(view: View, fact: TrialFact) -> TrialFact | None:
    """The baseline's trial that a trial is compared with: the first one scored on a split that both have."""
    for other in view.by_key.get(view.baseline_key, []):
        if (
            other.state is TrialState.COMPLETED
            and other is not fact
            and not other.trial.purpose.only_chooses
            and _common_split(fact, other)
        ):
            return other
    return None


def _common_split(fact: TrialFact, other: TrialFact) -> str | None:
    return next((s for s in ("validation", "test") if s in fact.outcomes and s in other.outcomes), None)


def _differences(
    view: View,
    fact: TrialFact,
    other: TrialFact,
    split: str,
    answers: _Texts,
    prompts: _Texts,
    examples: dict[int, list[Any]],
) -> list[list[int]]:
    """[position, 1 if better here, number of the answer here, number of the baseline's answer] per example; -1: answer
    not kept."""
    mine, theirs = fact.outcomes[split], other.outcomes[split]
    texts = view.examples(split)
    rows = []
    for i in np.flatnonzero(np.abs(mine.scores - theirs.scores) > 1e-9):
        place = int(i)
        if not view.scale.is_by_example and mine.answers and mine.answers[place] == theirs.answers[place]:
            continue  # of a statistic of all rows, a pseudo-value moves with the other rows too
        if place < len(texts) and place not in examples:
            text = texts[place]
            examples[place] = [prompts.number(text.prompt), answers.number(text.gold), clean(text.group or "")]
        rows.append(
            [
                place,
                int(mine.scores[place] > theirs.scores[place]),
                answers.number(mine.answers[place]) if mine.answers else -1,
                answers.number(theirs.answers[place]) if theirs.answers else -1,
            ]
        )
    return rows


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [float(f"{x:.{DIGITS}g}") for x in numbers]
