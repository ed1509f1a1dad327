"""All sentences about a study in English, one module per subject."""

from __future__ import annotations

from tunebook.words.english.notices import EnglishNotices
from tunebook.words.english.opening import EnglishOpening
from tunebook.words.english.page import EnglishPage
from tunebook.words.english.study_file import EnglishStudyFile
from tunebook.words.english.terminal import EnglishTerminal
from tunebook.words.english.whole import EnglishWhole

__all__ = ["English"]


class English(EnglishOpening, EnglishPage, EnglishWhole, EnglishTerminal, EnglishNotices, EnglishStudyFile):
    """Every sentence in English."""
