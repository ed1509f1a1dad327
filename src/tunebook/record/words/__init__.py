"""Every sentence of the record, once for each language, behind one abstract class that the type checker holds both to.

`words_for("en")` and `words_for("zh")` give the two. Sentences are functions of the numbers they state, so that a
sentence cannot be printed without its effect, interval and verdict.
"""

from __future__ import annotations

from tunebook.record.words.base import Words

__all__ = ["LANGUAGES", "Words", "words_for"]

LANGUAGES = ("en", "zh")


def words_for(language: str) -> Words:
    """The words of a language; English for one that is not known."""
    if language == "zh":
        from tunebook.record.words.chinese import Chinese

        return Chinese()
    from tunebook.record.words.english import English

    return English()
