"""The words in which a study speaks: its language, and the unit of its metric."""

from __future__ import annotations

from tunebook.core.score import SHARE
from tunebook.core.study import StudySpec
from tunebook.errors import UserError
from tunebook.evaluation import scale_of
from tunebook.words import Words, words_for

__all__ = ["study_words"]


def study_words(spec: StudySpec) -> Words:
    """The words for a study; a metric that cannot be used is told where it is loaded, not here."""
    try:
        return words_for(spec.language, scale_of(spec.metric, dict(spec.metric_options)))
    except (UserError, TypeError, ValueError):
        return words_for(spec.language, SHARE)
