"""What an audit says, in English and in Chinese: fills the sentences of `says.toml`.

A sentence has places for values, each with the form in which the value is written: `{n:trial}` is "2 trials",
`{best:name}` a trial by its label. What stands in [brackets] is said only where its values are there. The writer
escapes whole sentences, so nothing here knows Markdown.
"""

from __future__ import annotations

import math
import pkgutil
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tunebook.audit.model import MeasureKind, Score
from tunebook.core.factor import Level
from tunebook.escaping import shorten
from tunebook.words import numbers
from tunebook.words.chinese.common import ChineseShared
from tunebook.words.chinese.labels import FACTORS as CHINESE_FACTORS
from tunebook.words.english.common import EnglishShared
from tunebook.words.english.labels import FACTORS as ENGLISH_FACTORS
from tunebook.words.marks import strong
from tunebook.words.shared import Shared

__all__ = ["ChineseAudit", "EnglishAudit", "level_text"]

MOST_NAMED, MOST_MIXED = 12, 2
LONGEST_TEXT, LONGEST_NAME = 160, 40

_SAYS = tomllib.loads((pkgutil.get_data(__package__, "says.toml") or b"").decode())
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"{(\w+):?(\w*)}")
_OF_SEVERAL = ("accuracies", "deviations", "differences", "mixed", "renumbered")
"""Forms of several values together; with any other a list is written one by one."""


def level_text(factor: str, level: Level) -> str:
    """A level as in a configuration file; "?" where the record does not say it."""
    return "?" if level is None else shorten(numbers.value(factor, level), LONGEST_NAME)


class AuditShared(Shared):
    """Sentences about a record.

    Args:
        labels: the trials' labels by key.
        kind: what the results are.
    """

    says: ClassVar[Mapping[str, str]]
    counted: ClassVar[Mapping[str, tuple[str, str]]]  # "{n} example" and "{n} examples", by what is counted

    def __init__(self, labels: Mapping[str, str], kind: MeasureKind) -> None:
        super().__init__()
        self._labels = labels
        self._share = kind is MeasureKind.SHARE
        self._forms: Mapping[str, Callable[[Any], str]] = {
            "": str,
            "about": numbers.about,
            "factor": self.factor,
            "hundredths": lambda x: f"{x * 100:.2f}",
            "if": lambda _: "",
            "n": numbers.count,
            "name": self.name,
            "number": "{:g}".format,
            "p": numbers.p_phrase,
            "p_value": numbers.p_value,
            "percent": self.percent,
            "points": numbers.points,
            "result": self.result,
            "settings": lambda levels: self.listed([self._setting(*each) for each in levels.items()]),
            "short": "{:.2g}".format,
            "signed": "{:+.1f}".format,
            "strong": lambda text: strong(shorten(text, LONGEST_TEXT)),
            "tenths": lambda x: "-" if x is None else f"{x * 100:.1f}",
            "text": lambda text: shorten(str(text), LONGEST_TEXT),
            "accuracies": lambda ends: numbers.percent(ends[0]) + self.to + self.percent(ends[1]),
            "changed": lambda levels: self.listed([self._changed(n, *both) for n, both in levels.items()]),
            "deviations": lambda ends: self.to.join(f"{end * 100:.2f}" for end in ends),
            "differences": lambda ends: self.to.join(map(numbers.points, ends)),
            "mixed": lambda pairs: self.join([self.say("also", **vars(pair)) for pair in pairs[:MOST_MIXED]]),
            "renumbered": lambda pairs: self.listed([self.say("renumbered_pair", a=a, b=b) for a, b in pairs]),
        }

    def say(self, code: str, **values: Any) -> str:
        """A sentence with its values in place."""

        def optional(part: re.Match[str]) -> str:
            needed = [values.get(place[1]) for place in _PLACE.finditer(part[1])]
            return part[1] if all(value or isinstance(value, float) for value in needed) else ""

        text = _OPTIONAL.sub(optional, self.says[code])
        return _PLACE.sub(lambda place: self._written(values[place[1]], place[2]), text)

    def _written(self, value: Any, form: str) -> str:
        """A value in a form: what is counted, the beginning of another sentence's code, or how one value is written, of
        which there may be a list."""
        if form in self.counted:
            return self.count(value if isinstance(value, int) else len(value), form)
        if isinstance(value, list | tuple) and form not in _OF_SEVERAL:
            items = [self._written(each, form) for each in value]
            return self.listed(items[:MOST_NAMED]) + self.say("more", n=items[MOST_NAMED:])
        return self._forms[form](value) if form in self._forms else self.says[f"{form}_{value}"]

    def _setting(self, factor: str, level: Level) -> str:
        code = "setting_not_given" if level is None else "setting"
        return self.say(code, factor=factor, level=level_text(factor, level))

    def _changed(self, factor: str, text: Level, table: Level) -> str:
        levels = {"text": level_text(factor, text), "table": level_text(factor, table)}
        return self.say("setting_differs", factor=factor, **levels)

    def count(self, n: int, what: str) -> str:
        """ "1 trial", "2 trials"."""
        return self.counted[what][n != 1].format(n=numbers.count(n))

    def name(self, key: str) -> str:
        """A trial by its label, fit to be read in a sentence: bare numbers as "#6"."""
        text = shorten(self._labels.get(key, key), LONGEST_NAME)
        return f"#{text}" if text.replace(".", "").isdigit() else text

    def gap(self, difference: float) -> str:
        """A difference with its sign: a whole number of examples, else points, else a plain number."""
        if isinstance(difference, int):
            return f"{difference:+d}" if difference else "0"
        return f"{difference * (100 if self._share else 1):+.4g}"

    def amount(self, difference: float) -> str:
        """A difference with its sign and unit."""
        if isinstance(difference, int):
            return self.counted["example"][abs(difference) != 1].format(n=self.gap(difference))
        return self.say("points", x=self.gap(difference)) if self._share else self.gap(difference)

    def result(self, score: Score | None) -> str:
        """A result as printed; a failed trial has none."""
        if score is None:
            return self.says["no_result"]
        places = round(-math.log10(score.unit)) if score.unit > 0 else 0
        return self.percent(score.value, max(0, places - 2)) if self._share else f"{score.value:.{max(0, places)}f}"


def _words(section: str, language: int) -> dict[str, Any]:
    return {code: both[language] for code, both in _SAYS[section].items()}


class EnglishAudit(EnglishShared, AuditShared):
    """An audit in English: sentences for readers without statistics that a statistician finds no fault with."""

    factor_names: ClassVar = {**ENGLISH_FACTORS, "effective_batch_size": "effective batch size", "table": "table"}
    says: ClassVar = _words("says", 0)
    counted: ClassVar = _words("counted", 0)


_LATIN = "|".join(
    re.escape(word) for word in sorted(CHINESE_FACTORS.values(), key=len, reverse=True) if word[0].isascii()
)
_TIGHT = re.compile(rf"(?<=[一-鿿])(?={_LATIN})|(?<=[A-Za-z])(?=[一-鿿])")
"""Between a Latin word and a Chinese character stands a blank: "仅 dropout 不同"."""


class ChineseAudit(ChineseShared, AuditShared):
    """An audit in Chinese, in the words of those who write such records by hand."""

    factor_names: ClassVar = {**CHINESE_FACTORS, "effective_batch_size": "有效批大小", "table": "所在表格"}
    says: ClassVar = _words("says", 1)
    counted: ClassVar = _words("counted", 1)

    def say(self, code: str, **values: Any) -> str:
        return _TIGHT.sub(" ", super().say(code, **values))
