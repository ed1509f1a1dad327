"""Numbers as people write them in tables: 2e-4, 2×10⁻⁴, 31.28 %, 112/358, "**0.3128** 🏆", "崩溃"."""

from __future__ import annotations

import math
import re
import unicodedata

from tunebook.audit.model import Accuracy

__all__ = [
    "NUMBER",
    "clean_text",
    "is_failure",
    "is_out_of_memory",
    "read_accuracy",
    "read_flag",
    "read_number",
    "to_float",
]

_POWER = r"(?:\s?[x×*·]\s?10\s?\^?\s?[({]?\s?[-+]?\d{1,3}[)}]?|[eE][-+]?\d{1,3}(?![A-Za-z0-9_.]))?"
NUMBER = rf"(?:\d+(?:\.\d+)?|\.\d+){_POWER}"
"""A number without sign, after `clean_text`: decimals, e-notation or x 10^."""

_CELL_NUMBER = rf"(?:(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?|\.\d+){_POWER}"
_BEFORE = r"(?<![A-Za-z0-9_.])"
_LONGEST_CELL = 2_000
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT_RUN = re.compile(r"(?<=10)([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)")
_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "－": "-", "﹣": "-"})
_MARKS = re.compile(r"\*\*|__|~~|`|(?<!\S)[*_](?=\S)|(?<=\S)[*_](?!\S)")
_MEMORY = re.compile(r"\boom\b|out of memory|爆显存|显存不足|显存溢出|内存不足", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,20}\]")
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()]{0,500}\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_FAILURE = re.compile(
    r"fail|diverg|crash|collaps|explod|broke|bl[eo]w\w* up|\bnan\b|\binf\b|unstable|not converge"
    r"|失败|发散|崩溃|崩掉|不收敛|未收敛|爆炸|溢出|无法训练|训练中断",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(?<![\d./])(\d{1,9})\s?/\s?(\d{1,9})(?![\d/])")
_SAME_AS = re.compile(
    r"\W{0,3}(?:[=≈]|same as|as)\s?(?:trials?|exp\w*|runs?|#|baseline|实验|试验|基线)|(?:同|等同于)\s?\S", re.IGNORECASE
)
"""A result cell that points to another trial: "= trials 1-5"."""
_DECIMAL = re.compile(rf"{_BEFORE}({_CELL_NUMBER})\s?(%|％|‰|pct|percent)?", re.IGNORECASE)
_TRUE = {"true", "yes", "on", "y", "1", "✓", "✔", "✅", "☑", "是", "开", "开启", "启用", "有", "√", "enabled"}
_FALSE = {"false", "no", "off", "n", "0", "✗", "✘", "❌", "×", "x", "否", "关", "关闭", "禁用", "无", "-", "disabled"}


def clean_text(text: str) -> str:
    """A cell or a sentence with Markdown marks, footnote marks, links' targets, HTML tags and control characters
    removed, full-width letters and digits made half-width, dashes before numbers made "-", blanks collapsed. Emoji
    stay."""
    text = _SUPERSCRIPT_RUN.sub(lambda m: "^" + m.group(1).translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    text = _TAG.sub(" ", _LINK.sub(r"\1", _FOOTNOTE.sub("", text)))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c for c in text)
    return " ".join(_MARKS.sub("", text).split())


def read_number(text: str) -> float | None:
    """The number that a short cell begins with (marks and words before it are skipped), or None."""
    match = re.search(rf"{_BEFORE}([-+]?)({_CELL_NUMBER})", clean_text(text[:_LONGEST_CELL]))
    if not match:
        return None
    value = to_float(match.group(2))
    if value is None:
        return None
    return -value if match.group(1) == "-" else value


def to_float(token: str) -> float | None:
    """The value of a `NUMBER` match; None when it is not finite."""
    token = re.sub(r"[\s,]", "", token)
    token = re.sub(r"[x×*·]10\^?[({]?([-+]?\d+)[)}]?", r"e\1", token)
    try:
        value = float(token)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_failure(text: str) -> bool:
    """Whether a result cell says that the training did not work. A machine out of memory says nothing of training."""
    if is_out_of_memory(text):
        return False
    return bool(_FAILURE.search(text[:_LONGEST_CELL])) or any(mark in text for mark in ("💥", "☠"))


def is_out_of_memory(text: str) -> bool:
    """Whether a cell says that the machine's memory did not suffice."""
    return bool(_MEMORY.search(text[:_LONGEST_CELL]))


def read_flag(text: str) -> bool | None:
    """True and False as people write them (✓, True, 开启), or None."""
    for word in (text.strip(), clean_text(text)):
        lowered = word.lower().strip(" ️")
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
    return None


def read_accuracy(text: str, percent: bool) -> Accuracy | None:
    """The first accuracy of a result cell.

    Args:
        percent: the column's numbers are percentages even without a sign.

    Returns None when there is no number, or none that can be an accuracy (above 100 %, or above 1 without a sign).
    """
    cleaned = clean_text(text[:_LONGEST_CELL])
    if _SAME_AS.match(cleaned):
        return None
    fraction = _FRACTION.search(cleaned)
    if fraction and int(fraction.group(2)) > 0 and int(fraction.group(1)) <= int(fraction.group(2)):
        correct, total = int(fraction.group(1)), int(fraction.group(2))
        return Accuracy(correct / total, 0.0, correct, total)
    for match in _DECIMAL.finditer(cleaned):
        accuracy = _scaled(match.group(1), match.group(2), percent)
        if accuracy is not None:
            return accuracy
    return None


def _scaled(token: str, sign: str | None, percent: bool) -> Accuracy | None:
    value = to_float(token)
    if value is None:
        return None
    places = len(token.split(".", 1)[1]) if "." in token and "e" not in token.lower() else 0
    if sign == "‰":
        scale = 1000.0
    elif sign:
        scale = 100.0
    else:
        scale = 100.0 if percent else 1.0
    value = value / scale
    return Accuracy(value, 10.0 ** -min(places, 15) / scale) if 0.0 <= value <= 1.0 else None
