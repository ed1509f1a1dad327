"""tunebook tunes a LoRA fine-tune and keeps the tuning record.

    from tunebook import Study

    study = Study.load("study.yaml")
    study.run()

Importing this does not import torch; that happens when a study is planned or run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tunebook.api import Study
    from tunebook.core.configuration import Configuration
    from tunebook.core.factor import Factor
    from tunebook.core.metric import ExampleMetric, Metric
    from tunebook.core.ports import Engine, EngineEntry, EngineOptions, Observer, Planner, Tracker
    from tunebook.core.score import ScoreKind, ScoreScale
    from tunebook.core.service_metric import AskedAnswers, ServiceExampleMetric, ServiceMetric
    from tunebook.core.space import SearchSpace
    from tunebook.core.study import Budget, DataSpec, SeedCounts, StudySpec
    from tunebook.errors import TunebookError, UserError

__all__ = [
    "AskedAnswers",
    "Budget",
    "Configuration",
    "DataSpec",
    "Engine",
    "EngineEntry",
    "EngineOptions",
    "ExampleMetric",
    "Factor",
    "Metric",
    "Observer",
    "Planner",
    "ScoreKind",
    "ScoreScale",
    "SearchSpace",
    "SeedCounts",
    "ServiceExampleMetric",
    "ServiceMetric",
    "Study",
    "StudySpec",
    "Tracker",
    "TunebookError",
    "UserError",
    "__version__",
]

_HOMES = {
    "Budget": "tunebook.core.study",
    "Configuration": "tunebook.core.configuration",
    "DataSpec": "tunebook.core.study",
    "Engine": "tunebook.core.ports",
    "EngineEntry": "tunebook.core.ports",
    "EngineOptions": "tunebook.core.ports",
    "AskedAnswers": "tunebook.core.service_metric",
    "ExampleMetric": "tunebook.core.metric",
    "Factor": "tunebook.core.factor",
    "Metric": "tunebook.core.metric",
    "Observer": "tunebook.core.ports",
    "Planner": "tunebook.core.ports",
    "ScoreKind": "tunebook.core.score",
    "ScoreScale": "tunebook.core.score",
    "ServiceExampleMetric": "tunebook.core.service_metric",
    "ServiceMetric": "tunebook.core.service_metric",
    "SearchSpace": "tunebook.core.space",
    "SeedCounts": "tunebook.core.study",
    "Study": "tunebook.api",
    "StudySpec": "tunebook.core.study",
    "Tracker": "tunebook.core.ports",
    "TunebookError": "tunebook.errors",
    "UserError": "tunebook.errors",
}


def __getattr__(name: str) -> Any:
    """Public names are loaded at first use, so that `import tunebook` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tunebook' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, also those not loaded yet."""
    return sorted(__all__)
