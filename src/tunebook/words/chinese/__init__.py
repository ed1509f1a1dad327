"""Every sentence of a study in Chinese, a module for each subject."""

from __future__ import annotations

from tunebook.words.chinese.notices import ChineseNotices
from tunebook.words.chinese.opening import ChineseOpening
from tunebook.words.chinese.page import ChinesePage
from tunebook.words.chinese.study_file import ChineseStudyFile
from tunebook.words.chinese.terminal import ChineseTerminal
from tunebook.words.chinese.whole import ChineseWhole

__all__ = ["Chinese"]


class Chinese(ChineseOpening, ChinesePage, ChineseWhole, ChineseTerminal, ChineseNotices, ChineseStudyFile):
    """Every sentence in Chinese."""
