"""Cells as people write them, read strictly: a number with how it was printed, or why it is not one.

A cell counts as a number only when everything in it is understood: 2e-4, 2×10⁻⁴, $2 \\times 10^{-4}$, 1/5000, 31.28 %,
112/358, 71.2 ± 0.6, "**0.3128** 🏆", "86,5", "86.5¹". Ranges, "~82", ">80" and anything with words left over are not.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Number",
    "Why",
    "clean_text",
    "has_failed",
    "is_blank",
    "is_ditto",
    "is_pending",
    "read_flag",
    "read_number",
    "without_marks",
]

LONGEST_CELL = 2_000


class Why(StrEnum):
    """Why a cell was not read."""

    RANGE = "range"
    ABOUT = "about"  # "~82"
    LIMIT = "limit"  # "> 80"
    COMMA = "comma"  # 1,024 or 1.024?
    POWER = "power"  # 10² or a footnote?
    WORDS = "words"  # something is left over
    SCALE = "scale"  # a share among per cents
    SIZE = "size"  # cannot be this quantity
    BLANK = "blank"  # as above, as the baseline, or nothing?
    POINTER = "pointer"  # "= run 3"
    MEMORY = "memory"
    STATUS = "status"  # the run did not finish


@dataclass(frozen=True)
class Number:
    """A number as printed.

    Attributes:
        value: as written, the per cent sign not applied.
        unit: one in its last printed place; 0 for a fraction.
        percent: a per cent sign stands behind it.
        signed: a + or - stands before it.
        correct, total: of a fraction.
        spread: what stands behind a ±.
    """

    value: float
    unit: float = 0.0
    percent: bool = False
    signed: bool = False
    correct: int | None = None
    total: int | None = None
    spread: float | None = None


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_TEN_TO = re.compile(r"(?<![\d.])10([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_SUPERSCRIPT = re.compile(r"(?<=[\w.%）)*_`])[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:[,，][⁰¹²³⁴⁵⁶⁷⁸⁹]+)*")
_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "－": "-", "﹣": "-"})
_MARKS = re.compile(r"\*\*|__|~~|`|(?<!\S)[*_](?=\S)|(?<=\S)[*_](?!\S)")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,20}\]|<sup>[^<>]{0,12}</sup>", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()]{0,500}\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_TEX = (
    (re.compile(r"\\(?:mathbf|textbf|underline|mathrm|text|boldsymbol|bf|rm)\s?\{([^{}]{0,80})\}"), r"\1"),
    (re.compile(r"\\(?:times|cdot)"), "×"),
    (re.compile(r"\\pm"), "±"),
    (re.compile(r"\\(alpha|eta|lambda)"), r"\1"),
    (re.compile(r"\\([%$#&_])"), r"\1"),
    (re.compile(r"\\(?:sim|approx)\b"), "~"),
    (re.compile(r"\\[,;:!]"), " "),
    (re.compile(r"\^\{\s*([-+]?\d+)\s*\}"), r"^\1"),
    (re.compile(r"(?<!\\)\$"), ""),
)
_FAILURE = re.compile(
    r"fail|diverg|crash|collaps|explod|broke|bl[eo]w\w* up|\bnan\b|\binf\b|not converge"
    r"|失败|发散|崩溃|崩掉|不收敛|未收敛|爆炸|溢出|无法训练|训练中断",
    re.IGNORECASE,
)
_NOT_FAILED = re.compile(r"\b(?:not|n't|never|no|without|nearly|almost)\b.{0,20}|[未没不无].{0,4}", re.IGNORECASE)
_MEMORY = re.compile(r"\boom\b|out of memory|爆显存|显存不足|显存溢出|内存不足", re.IGNORECASE)
_PENDING = re.compile(
    r"[?？]+|tbd|tba|todo|pending|planned|running|queued|in progress|wip|待测|待定|待跑|待补|未跑|未测|进行中|计划中|"
    r"排队",
    re.IGNORECASE,
)
_BLANK = re.compile(r"(?:[-/.·…]*|n/?a\.?|none|null|无|空|暂无)", re.IGNORECASE)
_DITTO = re.compile(r"[\"”“″〃]|''|-?\"-?|ditto|idem|as above|same|same as above|同上|同前", re.IGNORECASE)
_POINTER = re.compile(r"(?:[=≈]|same as|see|同|见)\s?\S.*", re.IGNORECASE)
_POWER = r"(?:\s?[eE]\s?([-+]?\d{1,3})|\s?[x×*·]\s?10\s?(?:\^\s?[({]?\s?([-+]?\d{1,3})[)}]?|([-+]\d{1,3})))?"
_DIGITS = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
_NUMBER = re.compile(rf"([-+]?)({_DIGITS}){_POWER}")
_TEN_POWER = re.compile(r"([-+]?)10\^[({]?(-?\d{1,3})[)}]?")
_FRACTION = re.compile(r"(\d{1,9})\s?(?:/|of|out of|÷)\s?(\d{1,9})", re.IGNORECASE)
_RANGE = re.compile(rf"{_DIGITS}\S{{0,6}}\s?(?:-|~|～|to|到|至)\s?{_DIGITS}\S{{0,6}}", re.IGNORECASE)
_ABOUT = re.compile(r"(?:~|≈|≃|about|around|approx\.?|ca?\.|约|大约|左右)\s?\d.*|\d.*左右", re.IGNORECASE)
_LIMIT = re.compile(r"(?:[<>≤≥＜＞]|at least|at most|up to|至少|至多|不低于|超过)=?\s?\d.*", re.IGNORECASE)
_REMARK = re.compile(r"\s?[(\[（【]([^()\[\]（）【】]{0,60})[)\]）】]")
_CHANGE_REMARK = re.compile(r"\s?[(（]\s?[-+↑↓▲▼]\s?[\d.]+\s?(?:%|pp|pts?|points?|个?百分点|个?点)?\s?[)）]")
_TRUE = frozenset(["true", "yes", "on", "y", "✓", "✔", "✅", "☑", "是", "开", "开启", "启用", "有", "√", "enabled"])
_FALSE = frozenset(["false", "no", "off", "n", "✗", "✘", "❌", "×", "x", "否", "关", "关闭", "禁用", "无", "disabled"])


def clean_text(text: str) -> str:
    """A cell or a sentence with Markdown marks, TeX, footnote marks, links' targets, HTML tags and control characters
    removed, full-width letters and digits made half-width, dashes before numbers made "-", blanks collapsed. Emoji
    stay."""
    text = _TEN_TO.sub(lambda m: "10^" + m.group(1).translate(_SUPERSCRIPTS), _FOOTNOTE.sub("", text))
    text = unicodedata.normalize("NFKC", _SUPERSCRIPT.sub("", text)).translate(_DASHES)
    if re.search(r"\$|\\[A-Za-z%{]", text):
        for pattern, plain in _TEX:
            text = pattern.sub(plain, text)
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c for c in text)
    return " ".join(_MARKS.sub("", text).split())


def without_marks(text: str) -> str:
    """A cleaned cell without emoji, arrows, footnote signs and remarks in words: "85.0 ⭐ (best)*" to "85.0"."""
    text = _CHANGE_REMARK.sub("", text)
    text = _REMARK.sub(lambda m: m.group() if any(c.isdigit() for c in m.group(1)) else " ", text)
    kept = "".join(c for c in text if unicodedata.category(c) not in ("So", "Sk", "Mn", "Co", "Cn") or c == "^")
    kept = re.sub(r"[↑↓▲▼†‡§]|\*+$|^\*+", " ", kept)
    return " ".join(kept.split()).strip(" ;；。")


def read_number(text: str) -> Number | Why:
    """The one number that a cleaned cell holds, or why it holds none. A result cell may be a fraction or a mean ± its
    spread; "1/2000" is a fraction too."""
    text = without_marks(text[:LONGEST_CELL])
    fraction = re.fullmatch(rf"(.+?)\s?[(（=]\s?({_FRACTION.pattern})\s?[)）]?|({_FRACTION.pattern})(.*)", text, re.I)
    if fraction and (read := _fraction(fraction)) is not None:
        return read
    head, mark, tail = re.sub(r"\+/-|\(\s?(?=±)", "±", text).replace("±±", "±").partition("±")
    number = _plain(head.strip())
    if not mark or isinstance(number, Why):
        return number
    spread = _plain(tail.strip(" ()（）"))
    if isinstance(spread, Why) or (spread.percent and not number.percent and number.value <= 1):
        return Why.WORDS
    return Number(number.value, number.unit, number.percent or spread.percent, number.signed, spread=spread.value)


def _fraction(match: re.Match[str]) -> Number | None:
    """ "112/358", with or without the same as a per cent beside it."""
    said, correct, total, rest = (
        (match[1], match[3], match[4], "") if match[1] else ("", match[6], match[7], match[8] or "")
    )
    said = said or rest.strip(" =()（）")
    known = _plain(said) if said else None
    if int(total) == 0 or isinstance(known, Why):
        return None
    share = int(correct) / int(total)
    if known is not None:
        scale = 100.0 if known.percent or known.value > 1 else 1.0
        if abs(known.value / scale - share) > known.unit / scale:
            return None
    return Number(share, 0.0, correct=int(correct), total=int(total))


def _plain(text: str) -> Number | Why:
    sign = re.search(r"\s?(%|％|‰|pct\.?|percent|per cent)$", text, re.IGNORECASE)
    body = text[: sign.start()] if sign else text
    power = _TEN_POWER.fullmatch(body)
    if power:
        exponent = int(power[2])
        return Number(10.0**exponent, 0.0, signed=bool(power[1])) if exponent < 0 and not power[1] else Why.POWER
    match = _NUMBER.fullmatch(body)
    if match is None:
        return _why(text)
    digits = _without_commas(match[2])
    if digits is None:
        return Why.COMMA
    exponent_text = match[3] or match[4] or match[5]
    value = float(f"{digits}e{exponent_text or 0}")
    if not math.isfinite(value):
        return Why.SIZE
    places = len(digits.split(".", 1)[1]) if "." in digits and not exponent_text else 0
    scale = 10.0 if sign and sign[1] == "‰" else 1.0
    unit = 0.0 if exponent_text else 10.0 ** -min(places, 15) / scale
    return Number((-value if match[1] == "-" else value) / scale, unit, bool(sign), bool(match[1]))


def _without_commas(digits: str) -> str | None:
    """86,5 is a decimal, 1,234,567 and 1,234.5 have groups; 1,234 by itself could be either: None."""
    if "," not in digits:
        return digits
    if re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d{1,3},\d{3}\.\d+", digits):
        return digits.replace(",", "")
    if re.fullmatch(r"\d+,\d+", digits) and (len(digits.split(",")[1]) != 3 or digits.startswith("0,")):
        return digits.replace(",", ".")
    return None


def _why(text: str) -> Why:
    for why, pattern in ((Why.ABOUT, _ABOUT), (Why.LIMIT, _LIMIT), (Why.RANGE, _RANGE), (Why.POINTER, _POINTER)):
        if pattern.fullmatch(text):
            return why
    return Why.MEMORY if _MEMORY.search(text) else Why.WORDS


def is_blank(text: str) -> bool:
    """Whether a cleaned cell says nothing: empty, a dash, "n/a"."""
    return _BLANK.fullmatch(without_marks(text) or text.strip(" -")) is not None


def is_ditto(text: str) -> bool:
    """Whether a cleaned cell repeats the one above."""
    return _DITTO.fullmatch(text.strip()) is not None


def is_pending(text: str) -> bool:
    """Whether a result cell is that of a run still to come: "?", "待测", "TBD"."""
    return _PENDING.fullmatch(without_marks(text)) is not None


def has_failed(text: str) -> bool:
    """Whether a text says that the training did not work. A machine out of memory says nothing of training, and "did
    not diverge" is no failure."""
    if _MEMORY.search(text):
        return False
    for match in _FAILURE.finditer(text[:LONGEST_CELL]):
        before = text[max(0, match.start() - 24) : match.start()]
        if match.group() in ("不收敛", "未收敛", "无法训练") or not re.search(
            rf"(?:{_NOT_FAILED.pattern})$", before, re.I
        ):
            return True
    return any(mark in text for mark in ("💥", "☠"))


def read_flag(text: str) -> bool | None:
    """True and False as people write them (✓, True, 开启), or None."""
    for word in (text.strip(), without_marks(text)):
        lowered = word.lower().strip(" ️")
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
    return None
