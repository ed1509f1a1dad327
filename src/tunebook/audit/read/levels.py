"""One cell as a level of a factor: a number, a word or a flag, read strictly."""

from __future__ import annotations

import re

from tunebook.audit.read.cells import Why, is_ditto, read_flag, read_number, without_marks
from tunebook.audit.read.vocabulary import factor_of_header
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = ["level_of", "read_level", "read_product"]

_NAMED = re.compile(r"([A-Za-zα_ 一-鿿]{1,24}?)\s?[=:]\s?(.+)")
_COUNTED = re.compile(r"(.*\d)\s?(?:epochs?|eps?|tokens?|steps?|rows?|轮|个|步|条)", re.IGNORECASE)
_PRODUCT = re.compile(r"([1-9]\d{0,5})\s?[x×*]\s?([1-9]\d{0,5})(?:\s?=\s?(\d+))?", re.IGNORECASE)


def level_of(factor: str, number: float) -> Level | None:
    """A number as a level of a factor, or None when it cannot be one (a rank of 0.5)."""
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        return bool(number) if number in (0, 1) else None
    if kind.value_type is str:
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
    named = _NAMED.fullmatch(plain)
    if named and factor_of_header(named[1]) == factor:
        plain = named[2]
    if kind.value_type is str:
        word = plain.lower() if kind.choices else plain
        return word if word and not is_ditto(word) and kind.problem(word) is None else Why.WORDS
    counted = _COUNTED.fullmatch(plain)
    number = read_number(counted[1] if counted else plain)
    if number is Why.COMMA and kind.value_type is int:
        number = read_number(plain.replace(",", ""))
    if isinstance(number, Why):
        return number
    if (
        number.spread is not None
        or (number.signed and number.value < 0)
        or (number.total and factor != "learning_rate")
    ):
        return Why.WORDS
    level = level_of(factor, number.value / 100 if number.percent else number.value)
    return Why.SIZE if level is None else level


def read_product(text: str) -> tuple[int, int] | None:
    """A batch size given as rows times accumulation: "2x4", "2 × 4 = 8"."""
    match = _PRODUCT.fullmatch(without_marks(text))
    if match is None or (match[3] and int(match[1]) * int(match[2]) != int(match[3])):
        return None
    return int(match[1]), int(match[2])
