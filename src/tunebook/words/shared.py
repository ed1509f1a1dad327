"""What the two languages share: helpers that follow from a few attributes of a language.

Effects, scores and margins come in on the standard scale (`core.score`), and are shown in the metric's own unit; times
in seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from tunebook.core.configuration import Configuration
from tunebook.core.findings import Finding
from tunebook.core.learning_curve import CurvePoint, Forecast
from tunebook.core.score import SHARE, ScoreScale
from tunebook.core.study import ContrastKind, RoundKind
from tunebook.escaping import clean, one_line
from tunebook.phrases import as_phrase
from tunebook.words import numbers
from tunebook.words.marks import strong
from tunebook.words.numbers import bound, signed, value

__all__ = ["MOST_NAMED", "SILENT_NOTES", "Shared", "StudyShared", "change_text", "is_empty", "with_values"]

MAIN_FACTORS = ("lora_r", "lora_alpha", "learning_rate", "lora_dropout", "num_train_epochs")
"""Named first, and always, when a configuration is written in words."""
MOST_NAMED = 4
"""Levels or configurations named one by one; of more the first are named."""

SILENT_NOTES = frozenset(
    {
        "answers_failed",
        "calibration",
        "data_root",
        "environment",
        "home",
        "learning_curve",
        "own_trials",
        "processor_time",
        "remark",
        "scored_part",
        "taken_ahead",
        "trained_ahead",
        "trial_span",
    }
)
"""The ledger's notes that are facts for other places: no sentence of their own."""


WaveNotes = Sequence[tuple[str, Mapping[str, Any]]]


def change_text(item: Any) -> str:
    """A value of a note; a pair (then, now) as "then → now"."""
    if isinstance(item, list | tuple) and len(item) == 2:
        return f"{item[0]} → {item[1]}"
    return str(item)


def with_values(text: str | None, values: Mapping[str, str]) -> str | None:
    """A note's sentence with its values in the places that name them; "trials" is left to the language."""
    if text is None:
        return None
    names = "|".join(re.escape(name) for name in values if name != "trials")
    return re.sub("{(" + names + ")}", lambda found: values[found[1]], text) if names else text


def is_empty(interval: tuple[float, float]) -> bool:
    """Whether an interval of a difference, in [-1, 1], excludes nothing."""
    return interval[0] <= -1 and interval[1] >= 1


def _main_first(name: str) -> int:
    return MAIN_FACTORS.index(name) if name in MAIN_FACTORS else len(MAIN_FACTORS)


NATS_A_TOKEN = "nats/token"
MOST_NATS = 50.0
"""The perplexity of more is not written out."""


class Shared:
    """Helpers of every text, of studies and of audits.

    Attributes:
        language: "en" or "zh".
        labels: headings, column titles and short fixed phrases by name.
        factor_names: factors in words.
        phrases: the translation of each template of `phrases.Phrase`; empty: English needs none.
        sentence_gap, bracket_gap: what stands between sentences, and before a bracket.
        comma, last_comma: between the items of a list, and before the last one.
        brackets: the two.
        to: between the ends of a range, with its blanks.
        percent_sign: with its blank.
        accuracy_word: the noun for a share of right answers.

    Args:
        scale: what the study's metric measures.
    """

    language: ClassVar[str]
    labels: ClassVar[Mapping[str, str]]
    factor_names: ClassVar[Mapping[str, str]]
    phrases: ClassVar[Mapping[str, str]] = {}
    sentence_gap: ClassVar[str]
    bracket_gap: ClassVar[str]
    comma: ClassVar[str]
    last_comma: ClassVar[str]
    brackets: ClassVar[tuple[str, str]]
    to: ClassVar[str]
    percent_sign: ClassVar[str]
    accuracy_word: ClassVar[str]

    def __init__(self, scale: ScoreScale = SHARE) -> None:
        # a metric's name may be a stranger's
        self.scale = replace(scale, noun=one_line(clean(scale.noun)), unit=one_line(clean(scale.unit)))

    def label(self, key: str) -> str:
        """A heading, column title or short fixed phrase; what says accuracy says the metric's noun instead."""
        text = self.labels[key]
        return text if self.scale.counts_right_answers else self._of_measure(text)

    def _of_measure(self, text: str) -> str:
        found = self.with_noun(text)
        found = found.replace(self.accuracy_word.capitalize(), self.measure[:1].upper() + self.measure[1:])
        if found != text:
            found = found.replace(f"{self.percent_sign.strip()}{self.brackets[1]}", f"{self.unit}{self.brackets[1]}")
        points = self.labels["points"]
        if self.unit != points:
            found = found.replace(points, self.unit).replace(points.removeprefix("个"), self.unit)
        return found

    def translated(self, text: str) -> str:
        """A text from a place that knows no language, in this one; a text that is no phrase stays as it is."""
        return as_phrase(text).told(lambda template: self.phrases.get(template, template))

    def with_noun(self, text: str) -> str:
        """A text with the metric's noun in place of the word for accuracy."""
        return text.replace(self.accuracy_word, self.measure)

    @property
    def measure(self) -> str:
        """The noun for what the metric measures: "accuracy", "macro-F1"."""
        return self.accuracy_word if self.scale.counts_right_answers else self.scale.noun or self.accuracy_word

    @property
    def unit(self) -> str:
        """The unit of a difference."""
        return self.labels["points"] if self.scale.in_points else self._unit_name or self.scale.noun

    @property
    def _unit_name(self) -> str:
        """The metric's own unit, in the language where it has a word for it."""
        return self.labels.get(f"unit_{self.scale.unit}", self.scale.unit)

    def measured(self, standard: float) -> str:
        """A mean score: "71.2 %" of right answers, "31.2" BLEU, "123 characters"."""
        if self.scale.counts_right_answers:
            return self.percent(standard)
        text = self.shown(standard)
        named = self.scale.unit and self.scale.unit.casefold() != self.scale.noun.casefold()
        return f"{text} {self._unit_name}{self._perplexity(standard)}" if named else text

    def _perplexity(self, standard: float) -> str:
        """Of nats a token what people know it by, in brackets."""
        if self.scale.unit != NATS_A_TOKEN:
            return ""
        value = math.exp(min(self.scale.shown(standard), MOST_NATS))
        return self.bracket_gap + self.bracketed(f"{self.labels['perplexity']} {f'{value:#.3g}'.rstrip('.')}")

    def shown(self, standard: float) -> str:
        """A mean score as a bare number."""
        return f"{self.scale.shown(standard):.{self.scale.decimals}f}"

    def score_range(self, low: float, high: float) -> str:
        """An interval of mean scores, without unit."""
        ends = sorted((self.scale.shown(low), self.scale.shown(high)))
        return f"{ends[0]:.{self.scale.decimals}f}{self.to}{ends[1]:.{self.scale.decimals}f}"

    def change(self, difference: float) -> str:
        """A difference with its sign, without unit."""
        return signed(self.scale.shown_difference(difference), self.scale.decimals)

    def size(self, difference: float) -> str:
        """The size of a difference with two digits, without unit."""
        return numbers.number(difference * self.scale.step, 2)

    def amount(self, difference: float) -> str:
        """The size of a difference with the result's decimals, without unit."""
        return f"{difference * self.scale.step:.{self.scale.decimals}f}"

    def exactly(self, margin: float) -> str:
        """A margin as the user wrote it, without unit: 0.03 as "3", 0.025 as "2.5"."""
        return f"{margin * self.scale.step:.4g}"

    def factor(self, name: str) -> str:
        """A factor's name for people; its own name when there is no word."""
        return self.factor_names.get(name, name)

    def join(self, sentences: Sequence[str]) -> str:
        """Sentences as one paragraph."""
        return self.sentence_gap.join(sentence for sentence in sentences if sentence)

    def listed(self, items: Sequence[str]) -> str:
        """ "a, b and c"."""
        return self.last_comma.join(filter(None, [self.comma.join(items[:-1]), *items[-1:]]))

    def factor_list(self, names: Sequence[str]) -> str:
        """Factors in words, as a list."""
        return self.listed([self.factor(name) for name in names])

    def bracketed(self, text: str) -> str:
        """In brackets."""
        return self.brackets[0] + text + self.brackets[1]

    def percent(self, share: float, decimals: int = 1) -> str:
        """0.712 as "71.2 %"."""
        return numbers.percent(share, decimals) + self.percent_sign

    def plain_range(self, low: float, high: float) -> str:
        """Two numbers with one decimal."""
        return f"{numbers.fixed(low, 1)}{self.to}{numbers.fixed(high, 1)}"

    def bound(self, difference: float) -> str:
        """An end of an interval, as `change`, but never zero unless it is: which side it lies on decides."""
        return bound(self.scale.shown_difference(difference), self.scale.decimals)

    def range(self, interval: tuple[float, float]) -> str:
        """Interval of a difference, with signs; one that excludes nothing has no numbers."""
        if is_empty(interval):
            return self.label("no_interval")
        low, high = sorted(interval, key=self.scale.shown_difference)
        return f"{self.bound(low)}{self.to}{self.bound(high)}"


def _curve_means(points: Sequence[CurvePoint]) -> dict[int, list[float]]:
    """Means of the completed points, by rows."""
    means: dict[int, list[float]] = {}
    for point in points:
        means.setdefault(point.rows, [])
        if point.scores:
            means[point.rows].append(sum(point.scores) / len(point.scores))
    return means


class StudyShared(Shared):
    """Helpers of the texts about a study.

    Attributes:
        least: a one-sided interval, with a place for its end.
        title_gap: between a heading's number and its name.
    """

    least: ClassVar[str]
    title_gap: ClassVar[str]

    def curve_lines(self, points: Sequence[CurvePoint], found: Forecast) -> tuple[str, ...]:
        """A learning curve: one line for each number of rows, then what twice the rows would bring."""
        lines = []
        for rows, means in _curve_means(points).items():
            share = self.percent(rows / found.rows, 0)
            shown = self.listed([self.measured(mean) for mean in means]) or self.label("curve_broke")
            lines.append(self.colon(self.label("curve_rows").format(rows=f"{rows:,}", share=share), shown))
        if found.gain is None or found.interval is None:
            why = self.label(f"curve_{found.why_not}")
            return (*lines, self.label("curve_unknown").format(rows=f"{found.rows:,}", why=why))
        text = self.label("curve_forecast").format(
            rows=f"{found.rows:,}", gain=self.change(found.gain), unit=self.unit, interval=self.range(found.interval)
        )
        return (*lines, text)

    def setting(self, name: str, level: Any) -> str:
        """One factor with its value, "rank 32"."""
        return f"{self.factor(name)} {value(name, level)}"

    def alone(self, name: str, level: Any) -> str:
        """A level without its factor's name, where that stands in front: "2e-4" beside "learning rate 3e-4"."""
        return self.setting(name, level).removeprefix(f"{self.factor(name)} ")

    def effect(self, finding: Finding, bold: bool = False) -> str:
        """ "+4.5 (+1.1 to +7.9)", points, with the simultaneous interval."""
        head = self.change(finding.effect)
        one_sided = finding.kind is ContrastKind.NON_INFERIORITY
        bounded = one_sided and finding.interval[0] > -1
        span = self.least.format(self.bound(finding.interval[0])) if bounded else self.range(finding.interval)
        return f"{strong(head) if bold else head}{self.bracket_gap}{self.bracketed(span)}"

    def accuracy(self, mean: float, interval: tuple[float, float] | None, bold: bool = False) -> str:
        """ "62.9 % (59.0 to 66.6)"."""
        head = strong(self.measured(mean)) if bold else self.measured(mean)
        if interval is None or interval == (0.0, 1.0):
            return head
        return f"{head}{self.bracket_gap}{self.bracketed(self.score_range(*interval))}"

    def batch(self, configuration: Configuration) -> str:
        """The effective batch size."""
        return f"{self.label('batch')} {configuration.effective_batch_size}"

    def settings(self, configuration: Configuration) -> str:
        """The main settings of a configuration in one line, with every factor of `MAIN_FACTORS`."""
        parts = [self.setting(name, getattr(configuration, name)) for name in MAIN_FACTORS]
        return self.comma.join([*parts, self.batch(configuration)])

    def changes(self, configuration: Configuration, baseline: Configuration) -> str:
        """What differs from the baseline, in words; alpha beside rank in brackets."""
        changed = configuration.changes_from(baseline)
        parts = []
        for name in sorted(changed, key=_main_first):
            if name == "lora_alpha" and "lora_r" in changed:
                continue
            text = self.setting(name, changed[name][1])
            if name == "lora_r" and "lora_alpha" in changed:
                text += self.bracket_gap + self.bracketed(f"alpha {value('lora_alpha', configuration.lora_alpha)}")
            parts.append(text)
        return self.comma.join(parts) or self.label("baseline")

    def colon(self, lead: str, text: str) -> str:
        """ "lead: text"."""
        return f"{lead}{self.label('colon')}{self.label('word_gap')}{text}"

    def told_apart(
        self, amount: float | None, other: float | None, form: Callable[[float], str]
    ) -> tuple[str, str] | None:
        """Two amounts as they are printed; None where one is unknown, or where both are printed alike."""
        if not amount or not other:
            return None
        texts = form(amount), form(other)
        return texts if texts[0] != texts[1] else None

    def open_contrast(self, finding: Finding, what: str, against: str, missing: str = "") -> str:
        """An inconclusive finding in a list: name and effect, or that there is none; `against` is empty for the
        baseline, `missing` is the other side where that one has no result."""
        if not math.isnan(finding.effect):
            return self.colon(what + against, self.effect_points(finding))
        why = self.label("no_result_of").format(who=missing) if missing else self.label("no_result")
        return self.colon(what + against, why)

    def effect_points(self, finding: Finding) -> str:
        """The effect with its unit: "+4.5 points (+1.1 to +7.9)"."""
        before, bracket, after = self.effect(finding).partition(self.bracket_gap + self.brackets[0])
        return f"{before} {self.unit}{bracket}{after}"

    def skipped_rounds(self, notes: WaveNotes) -> dict[str, list[RoundKind]]:
        """Kinds of rounds that were left out, by the reason's code; "" where an older study did not keep it."""
        why: dict[str, list[RoundKind]] = {}
        known = [values for code, values in notes if code == "round_skipped" and values.get("kind") in list(RoundKind)]
        for kind, reason in {RoundKind(values["kind"]): str(values.get("why", "")) for values in known}.items():
            why.setdefault(reason, []).append(kind)
        return why

    def not_refined(self, notes: WaveNotes) -> dict[str, list[str]]:
        """Factors that were not refined, by the reason's code."""
        why: dict[str, list[str]] = {}
        for code, values in notes:
            if code == "not_refined":
                why.setdefault(str(values.get("why")), []).append(str(values.get("factor")))
        return why
