"""tunebook tunes a LoRA fine-tune and keeps the tuning record.

Importing this does not import torch; that happens when a study is planned or run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tunebook.api import Study
    from tunebook.core.configuration import Configuration
    from tunebook.core.factor import Factor
    from tunebook.core.space import SearchSpace

__all__ = ["Configuration", "Factor", "SearchSpace", "Study", "__version__"]

_HOMES = {
    "Configuration": "tunebook.core.configuration",
    "Factor": "tunebook.core.factor",
    "SearchSpace": "tunebook.core.space",
    "Study": "tunebook.api",
}


def __getattr__(name: str) -> Any:
    """Public names are loaded at first use, so that `import tunebook` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tunebook' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
