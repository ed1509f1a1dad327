"""What an audit says, in English and in Chinese: the words of `says.toml`, and what both languages share.

Names and quoted text come in cleaned; the writer escapes whole sentences, so nothing here knows Markdown.
"""

from __future__ import annotations

import pkgutil
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tunebook.audit.model import UNSAID, MeasureKind, Score
from tunebook.core.factor import Level
from tunebook.words import numbers
from tunebook.words.chinese.common import ChineseShared
from tunebook.words.chinese.labels import FACTORS as CHINESE_FACTORS
from tunebook.words.english.common import EnglishShared
from tunebook.words.english.labels import FACTORS as ENGLISH_FACTORS
from tunebook.words.numbers import points, value
from tunebook.words.shared import Shared

__all__ = ["ChineseAudit", "EnglishAudit", "level_text", "signed"]

_SAYS = tomllib.loads((pkgutil.get_data(__package__, "says.toml") or b"").decode())
_BASELINE_NAMES = {"baseline", "base", "default", "基线", "基准", "默认"}


def signed(n: int) -> str:
    """7 as "+7"; 0 has no sign."""
    return f"{n:+d}" if n else "0"


def level_text(factor: str, level: Level) -> str:
    """A level as in a configuration file; "?" where the record does not say it."""
    if level is None or (level == UNSAID and not isinstance(level, bool)):
        return "?"
    return value(factor, level)


class AuditShared(Shared):
    """Helpers of the sentences about a record."""

    labels: ClassVar[Mapping[str, str]]
    says: ClassVar[Mapping[str, str]]  # sentences by code, with places for values
    verdicts: ClassVar[Mapping[str, str]]  # of claims
    told: ClassVar[Mapping[str, str]]  # the same verdicts on the question whether two trials can be told apart
    counted: ClassVar[Mapping[str, tuple[str, str]]]  # "1 example" and "{n} examples", by what is counted
    stop: ClassVar[str]
    semicolon: ClassVar[str]
    more: ClassVar[str]  # after a list that was cut

    def say(self, code: str, **values: object) -> str:
        """A sentence with its values in place."""
        return self.says[code].format(**values)

    def count(self, n: int, what: str) -> str:
        """ "1 trial", "2 trials"."""
        return self.counted[what][n != 1].format(n=numbers.count(n))

    def gap(self, examples: int | None, effect: float, kind: MeasureKind) -> str:
        """A difference with its sign and unit: examples where they are counted, else points, else a plain number."""
        if examples is not None:
            return ("+" if examples > 0 else "-" if examples < 0 else "") + self.count(abs(examples), "example")
        return self.say("points", x=points(effect)) if kind is MeasureKind.SHARE else f"{effect:+.4g}"

    def baseline(self, name: str) -> str:
        """The baseline by its name; one that is called baseline is not named twice."""
        word = self.labels["the_baseline"]
        return word if name.casefold() in _BASELINE_NAMES else f"{word} {name}"

    def cut_list(self, items: Sequence[str], limit: int = 12) -> str:
        """A list of at most `limit` items, and how many more there are."""
        if len(items) <= limit:
            return self.listed(items)
        return self.comma.join(items[:limit]) + self.more.format(n=len(items) - limit)

    def interval(self, low: float, high: float) -> str:
        """Accuracies as "25.4 to 34.8 %"."""
        return numbers.percent(low) + self.to + self.percent(high)

    def score(self, score: Score | None, kind: MeasureKind) -> str:
        """A printed result; a failed trial has none."""
        if score is None:
            return self.labels["a_failure"]
        return self.percent(score.value, 2) if kind is MeasureKind.SHARE else f"{score.value:g}"


def _words(section: str, language: int) -> dict[str, Any]:
    return {code: both[language] for code, both in _SAYS[section].items()}


class EnglishAudit(EnglishShared, AuditShared):
    """An audit in English: sentences for readers without statistics that a statistician finds no fault with."""

    stop = "."
    semicolon = "; "
    more = " and {n} more"
    factor_names: ClassVar = {**ENGLISH_FACTORS, "effective_batch_size": "effective batch size", "table": "table"}
    counted: ClassVar = _words("counted", 0)
    verdicts: ClassVar[Mapping[str, str]] = _words("verdicts", 0)
    told: ClassVar[Mapping[str, str]] = _words("told", 0)
    labels: ClassVar[Mapping[str, str]] = _words("labels", 0)
    says: ClassVar[Mapping[str, str]] = _words("says", 0)


_LATIN = "|".join(
    re.escape(w) for w in sorted(CHINESE_FACTORS.values(), key=len, reverse=True) if w[0].isascii() or w[-1].isascii()
)
_TIGHT = re.compile(rf"(?<=[一-鿿])(?={_LATIN})|(?<=[A-Za-z])(?=[一-鿿])")
"""Between a Latin word and a Chinese character stands a blank: "仅 dropout 不同"."""


class ChineseAudit(ChineseShared, AuditShared):
    """An audit in Chinese, in the words of those who write such records by hand."""

    stop = "。"
    semicolon = "；"
    more = " 等另外 {n} 项"
    factor_names: ClassVar = {**CHINESE_FACTORS, "effective_batch_size": "有效批大小", "table": "所在表格"}
    counted: ClassVar = _words("counted", 1)
    verdicts: ClassVar[Mapping[str, str]] = _words("verdicts", 1)
    told: ClassVar[Mapping[str, str]] = _words("told", 1)
    labels: ClassVar[Mapping[str, str]] = _words("labels", 1)
    says: ClassVar[Mapping[str, str]] = _words("says", 1)

    def say(self, code: str, **values: object) -> str:
        return _TIGHT.sub(" ", super().say(code, **values))
