"""The cache folder, for what can be made again: built kernels, the converted built-in model."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_cache"]


def user_cache() -> Path:
    """`TUNEBOOK_CACHE` where it is set, else the user's cache folder on this system."""
    root = os.environ.get("TUNEBOOK_CACHE")
    if root:
        return Path(root)
    try:
        from platformdirs import user_cache_path
    except ImportError:  # the engine alone needs nothing but torch, transformers, peft, numpy and safetensors
        return Path.home() / ".cache" / "tunebook"
    return user_cache_path("tunebook")
