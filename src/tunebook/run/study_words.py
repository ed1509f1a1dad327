"""The words in which a study speaks: its language, and the unit of its metric."""

from __future__ import annotations

from tunebook.core.score import SHARE, ScoreScale
from tunebook.core.study import StudySpec
from tunebook.errors import UserError
from tunebook.evaluation import scale_of
from tunebook.words import Words, words_for

__all__ = ["study_words"]


def study_words(spec: StudySpec, scale: ScoreScale | None = None) -> Words:
    """The words for a study; a metric that cannot be used is told where it is loaded, not here.

    Args:
        scale: what its metric measures; None: as the metric's name says, which is all that is known before a task is
            open.
    """
    if scale is not None:
        return words_for(spec.language, scale)
    try:
        return words_for(spec.language, scale_of(spec.metric, dict(spec.metric_options)))
    except (UserError, TypeError, ValueError):
        return words_for(spec.language, SHARE)
