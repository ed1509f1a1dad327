"""tunebook tunes a LoRA fine-tune and keeps the tuning record."""

from __future__ import annotations

__version__ = "0.1.0"
