"""The libraries of metrics: imported when a metric is asked for, and missed with the way to install them."""

from __future__ import annotations

import importlib
from types import ModuleType

from tunebook.errors import StudyFileError

__all__ = ["library"]


def library(metric: str, module: str, package: str) -> ModuleType:
    """An optional library's module.

    Raises:
        StudyFileError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StudyFileError(
            "metric: found {metric}, which is computed by {package}, and that is not installed ({error}). Run "
            "pip install 'tunebook[metrics]'.",
            metric=metric,
            package=package,
            error=error,
        ) from error
