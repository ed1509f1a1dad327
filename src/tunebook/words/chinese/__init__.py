"""The record in Chinese, by subject, in the words of those who write such records by hand."""

from __future__ import annotations

from tunebook.words.chinese.opening import ChineseOpening
from tunebook.words.chinese.rounds import ChineseRounds
from tunebook.words.chinese.whole import ChineseWhole

__all__ = ["Chinese"]


class Chinese(ChineseOpening, ChineseRounds, ChineseWhole):
    """Every sentence of the record in Chinese."""
