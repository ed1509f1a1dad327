"""Every sentence that a study's readers see, in two languages: the record, the terminal, the study file's comments.

`words_for("en")` and `words_for("zh")` give the two. Sentences are functions of the numbers they state, so that a
sentence cannot be printed without its effect, interval and verdict. `Words` is the union of the two classes: the type
checker refuses the use of a sentence that one of them lacks.
"""

from __future__ import annotations

from typing import TypeAlias

from tunebook.core.score import SHARE, ScoreScale
from tunebook.words.chinese import Chinese
from tunebook.words.english import English

__all__ = ["LANGUAGES", "Words", "words_for"]

LANGUAGES = ("en", "zh")
Words: TypeAlias = English | Chinese


def words_for(language: str, scale: ScoreScale = SHARE) -> Words:
    """The words of a language; English for one that is not known.

    Args:
        scale: what the study's metric measures.
    """
    return Chinese(scale) if language == "zh" else English(scale)
