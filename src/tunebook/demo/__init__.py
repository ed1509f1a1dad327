"""The built-in data, generated, and the built-in study."""

from __future__ import annotations

from tunebook.demo.files import write_demo
from tunebook.demo.questions import KINDS, SIZES, generate, write_questions

__all__ = ["KINDS", "SIZES", "generate", "write_demo", "write_questions"]
