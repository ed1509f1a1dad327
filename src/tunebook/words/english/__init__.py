"""The record in English, by subject: opening, rounds, the whole study; labels and codes beside them."""

from __future__ import annotations

from tunebook.words.english.opening import EnglishOpening
from tunebook.words.english.rounds import EnglishRounds
from tunebook.words.english.whole import EnglishWhole

__all__ = ["English"]


class English(EnglishOpening, EnglishRounds, EnglishWhole):
    """Every sentence of the record in English."""
