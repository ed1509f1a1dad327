"""Cells as people write them, read strictly: a number with how it was printed, a level of a factor, or why it is none.

A cell counts as a number only when everything in it is understood: 2e-4, 2×10⁻⁴, $2 \\times 10^{-4}$, 1/5000, 31.28 %,
112/358, 71.2 ± 0.6, "**0.3128** 🏆", "86,5", "86.5¹". Ranges, "~82", ">80" and anything with words left over are not.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from tunebook.audit.words.columns import factor_of_header, words
from tunebook.core.factor import FACTOR_KINDS, Level

LONGEST_CELL = 2_000


class Why(StrEnum):
    """Why a cell was not read."""

    RANGE = "range"
    ABOUT = "about"  # "~82"
    LIMIT = "limit"  # "> 80"
    COMMA = "comma"  # 1,024 or 1.024?
    WORDS = "words"  # something is left over
    SCALE = "scale"  # a share among per cents
    SIZE = "size"  # cannot be this quantity
    BLANK = "blank"  # as above, as the baseline, or nothing?
    MEMORY = "memory"
    STATUS = "status"  # the run did not finish
    CHANGE = "change"  # a description with words that were not understood
    STEP = "step"  # "+ r=16": on top of the row above, or of the baseline?
    GROUND = "ground"  # the text says that it builds on something, which was not found among the trials


@dataclass(frozen=True)
class Number:
    """A number as printed."""

    value: float  # as written, the per cent sign not applied
    unit: float = 0.0  # one in its last printed place; 0 for a fraction
    percent: bool = False  # a per cent sign stands behind it
    signed: bool = False  # a + or - stands before it
    correct: int | None = None  # of a fraction
    total: int | None = None
    spread: float | None = None  # what stands behind a ±


_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_BEFORE_FOLDING = {  # superscripts are told apart before they are made digits
    r"\[\^[^\[\]\s]{1,20}\]|<sup>[^<>]{0,12}</sup>": "",  # footnotes
    r"~~(?=\S)[^~]{1,400}~~|<(s|del|strike)>.{0,400}?</\1>": " ",  # crossed out
    rf"(?<![\d.])10(?=[⁻⁺]?[{_SUPERSCRIPTS}])": "10^",
    rf"(?<=[\w.%）)*_`])(?<![{_SUPERSCRIPTS}])(?:[{_SUPERSCRIPTS}]+(?:[,，][{_SUPERSCRIPTS}]+)*|[①-⑳])": "",
}
_AFTER_FOLDING = {
    r"[−–—‐‑－﹣]": "-",
    r"\\(?:mathbf|textbf|underline|mathrm|text|boldsymbol|bf|rm)\s?\{([^{}]{0,80})\}": r"\1",
    r"\\(?:times|cdot)": "×",
    r"\\pm": "±",
    r"\\(alpha|eta|lambda|[%$#&_])": r"\1",
    r"\\[,;:!]": " ",
    r"\^\{\s*([-+]?\d+)\s*\}": r"^\1",
    r"\$": "",
    r"!?\[([^\[\]]{0,200})\]\([^()]{0,500}\)": r"\1",  # links
    r"</?[A-Za-z][^<>]{0,200}>": " ",
}
_MARKS = re.compile(r"\*\*|__|`|(?<!\S)[*_](?=\S)|(?<=\S)[*_](?!\S)")
_BROKE = r"diverg|collaps|explod|bl[eo]w\w* up|\bnan\b|\binf\b|发散|崩(?!盘)|炸了|loss ?飞|爆炸|无法训练"
_DIVERGED = words(_BROKE, "(?:n't|not|never) converge|[不未没](?:有|能)?收敛|无法收敛")
_FAILED = words(_DIVERGED.pattern, "fail|crash|broke|失败|溢出|[💥☠]")
_NOT_FAILED = words(
    r"(?:\b(?:not|never|no|without|nearly|almost)\b.{0,20}?|n't\b.{0,20}?|(?:[未没不无]|差点|险些|几乎).{0,4}?)"
    rf"(?:fail|crash|broke|失败|溢出|{_BROKE})"
)
_MACHINE = words(
    r"power (?:cut|outage|failure|loss)|pre-?empt|reboot|time[- ]?limit|timed? ?out|\bcuda error\b",
    r"\b(?:nodes?|disk|quota|network|driver|killed|hardware|machine|cluster)\b",
    "停电|断电|断网|抢占|重启|节点|磁盘|配额|超时|网络|驱动|硬件|机器|集群|掉卡|被杀",
)
"""What stops a run from outside."""
_MEMORY = words(r"\boom\b|out of memory|爆显存|显存不足|显存溢出|内存不足")
_BLANK = words(r"(?:[-/.·…]*|n/?a\.?|none|null|无|空|暂无)")
_DITTO = words(r"[\"”“″〃]|''|′′|-?\"-?|ditto|idem|as above|same|same as above|同上|同前")
_DIGITS = r"\d+(?:\.\d+)?|\.\d+|\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d{1,3},\d{3}\.\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})"
_POWER = r"\s?e\s?([-+]?\d{1,3})|\s?[x×*·]\s?10\s?(?:\^\s?[({]?\s?([-+]?\d{1,3})[)}]?|([-+]\d{1,3}))"
_NUMBER = words(rf"([-+]?)({_DIGITS})(?:{_POWER})?")
_PERCENT = words(r"\s?(?:%|％|pct\.?|percent|per cent)$")
_FRACTION = words(r"(?<![\d.,])(\d{1,9})\s?(?:/|of|out of|÷)\s?(\d{1,9})(?![\d.,])")
_SPREAD = re.compile(r"[\s(（]*(?:±|\+/-)\s*")
_NO_NUMBER = {
    Why.ABOUT: words(r"(?:~|≈|≃|about|around|approx\.?|ca?\.|约|大约|左右)\s?\d.*|\d.*左右"),
    Why.LIMIT: words(r"(?:[<>≤≥＜＞]|at least|at most|up to|至少|至多|不低于|超过)=?\s?\d.*"),
    Why.COMMA: words(r"[-+]?\d[\d,]*(?:\.\d+)?\s?[%％]?"),
    Why.RANGE: words(r"[\d.]\S*\s?(?:-|~|～|to|到|至)\s?[\d.]\S{0,6}"),
    Why.MEMORY: words(rf".*(?:{_MEMORY.pattern}).*"),
}
_REMARK = re.compile(r"\s?[(\[（【]([^()\[\]（）【】]{0,60})[)\]）】]")
_CHANGE_REMARK = re.compile(r"\s?[(（]\s?[-+↑↓▲▼]\s?[\d.]+\s?(?:%|pp|pts?|points?|个?百分点|个?点)?\s?[)）]")
_FLAGS = {
    True: words(r"true|yes|on|y|enabled|[✓✔✅☑√是开有]|开启|启用"),
    False: words(r"false|no|off|n|x|disabled|[✗✘❌×否关无]|关闭|禁用"),
}
_LEVEL = words(
    r"(?:([a-zα_ 一-鿿]{1,24}?)\s?[=:]\s?)?(.+?)(?:(?<=\d)\s?(?:epochs?|eps?|tokens?|steps?|rows?|轮|个|步|条))?"
)


def clean_text(text: str) -> str:
    """A cell or a sentence without Markdown marks, what is crossed out, TeX, footnote marks, links' targets, HTML tags
    and control characters; full-width letters and digits made half-width, dashes before numbers made "-", blanks
    collapsed. Emoji stay."""
    for pattern, plain in _BEFORE_FOLDING.items():
        text = re.sub(pattern, plain, text)
    text = unicodedata.normalize("NFKC", text)
    for pattern, plain in _AFTER_FOLDING.items():
        text = re.sub(pattern, plain, text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c for c in text)
    return " ".join(_MARKS.sub("", text).split())


def without_marks(text: str) -> str:
    """A cleaned cell without emoji, arrows, footnote signs and remarks in words: "85.0 ⭐ (best)*" to "85.0"."""
    text = _CHANGE_REMARK.sub("", text)
    text = _REMARK.sub(lambda m: m.group() if any(c.isdigit() for c in m.group(1)) else " ", text)
    kept = "".join(c for c in text if unicodedata.category(c) not in ("So", "Sk", "Mn", "Co", "Cn") or c == "^")
    return " ".join(re.sub(r"[↑↓▲▼†‡§]|\*+$|^\*+", " ", kept).split()).strip(" ;；。")


def read_number(text: str) -> Number | Why:
    """The one number that a cleaned cell holds, or why it holds none. A result cell may be a fraction, beside which the
    same may be said ("31.3 % (112/358)"), or a mean ± its spread; "1/2000" is a fraction too."""
    text = without_marks(text[:LONGEST_CELL])
    if (match := _FRACTION.search(text)) and (total := int(match[2])):
        share = Number(int(match[1]) / total, correct=int(match[1]), total=total)
        said = _plain((text[: match.start()] + text[match.end() :]).strip(" =()（）") or str(share.value))
        if not isinstance(said, Why):
            scale = 100.0 if said.percent or said.value > 1 else 1.0
            if abs(said.value / scale - share.value) <= said.unit / scale:
                return share
    head, *tail = _SPREAD.split(text, maxsplit=1)
    number = _plain(head)
    if not tail or isinstance(number, Why):
        return number
    spread = _plain(tail[0].strip(" ()（）"))
    if isinstance(spread, Why) or (spread.percent and not number.percent and number.value <= 1):
        return Why.WORDS
    return Number(number.value, number.unit, number.percent or spread.percent, number.signed, spread=spread.value)


def _plain(text: str) -> Number | Why:
    sign = _PERCENT.search(text)
    body = text[: sign.start()] if sign else text
    match = _NUMBER.fullmatch(re.sub(r"^10(?=\^[({]?-)", "1×10", body))
    if match is None:
        return next((why for why, pattern in _NO_NUMBER.items() if pattern.fullmatch(text)), Why.WORDS)
    grouped = "." in match[2] or match[2].count(",") > 1  # 1,234,567 and 1,234.5, but 86,5
    digits, exponent = match[2].replace(",", "" if grouped else "."), match[3] or match[4] or match[5]
    value = float(f"{match[1]}{digits}e{exponent or 0}")
    unit = 0.0 if exponent else 10.0 ** -min(len(digits.partition(".")[2]), 15)
    return Number(value, unit, bool(sign), bool(match[1])) if math.isfinite(value) else Why.SIZE


def is_blank(text: str) -> bool:
    """Whether a cleaned cell says nothing: empty, a dash, "n/a"."""
    return _BLANK.fullmatch(without_marks(text) or text.strip(" -")) is not None


def is_ditto(text: str) -> bool:
    """Whether a cleaned cell repeats the one above."""
    return _DITTO.fullmatch(text.strip()) is not None


def has_failed(text: str) -> bool:
    """Whether a text says that the training did not work. A machine out of memory or without power says nothing of
    training, and "did not diverge" is no failure."""
    return _says(_FAILED, text)


def has_diverged(text: str) -> bool:
    """Whether a remark says so of the training itself: "loss exploded at step 60", not "crashed"."""
    return _says(_DIVERGED, text)


def was_stopped(text: str) -> bool:
    """Whether a text says that something outside stopped the run: a machine, a network, a queue."""
    return _MACHINE.search(text) is not None


def _says(failed: re.Pattern[str], text: str) -> bool:
    from_outside = _MEMORY.search(text) or _MACHINE.search(text)
    return not from_outside and failed.search(_NOT_FAILED.sub(" ", text[:LONGEST_CELL])) is not None


def read_flag(text: str) -> bool | None:
    """True and False as people write them (✓, True, 开启), or None."""
    said = [word.strip(" ️") for word in (text, without_marks(text))]
    return next((flag for flag, pattern in _FLAGS.items() if any(map(pattern.fullmatch, said))), None)


def level_of(factor: str, number: float) -> Level | None:
    """A number as a level of a factor, or None when it cannot be one (a rank of 0.5)."""
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        return bool(number) if number in (0, 1) else None
    if kind.value_type is str or not math.isfinite(number):
        return None
    if number == int(number) and abs(number) < 2**53:
        number = int(number)
    if factor == "num_train_epochs":  # a table may hold half an epoch, which the study file does not take
        return number if number > 0 else None
    return None if kind.problem(number) else number


def read_level(factor: str, text: str) -> Level | Why:
    """A cleaned cell as a level, or why it is none. "r = 8" is 8; 10 % of a share is 0.1."""
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        flag = read_flag(text)
        return Why.WORDS if flag is None else flag
    plain = without_marks(text)
    said = _LEVEL.fullmatch(plain)
    if said and (not said[1] or factor_of_header(said[1]) == factor):
        plain = said[2]
    if kind.value_type is str:
        word = plain.lower() if kind.choices else plain
        return word if word and not is_ditto(word) and kind.problem(word) is None else Why.WORDS
    number = read_number(plain)
    if number is Why.COMMA and kind.value_type is int:
        number = read_number(plain.replace(",", ""))
    if isinstance(number, Why):
        return number
    negative = number.signed and number.value < 0
    if number.spread is not None or negative or (number.total and factor != "learning_rate"):
        return Why.WORDS
    level = level_of(factor, number.value / 100 if number.percent else number.value)
    return Why.SIZE if level is None else level
