"""The figures. Each answers the one question in its title, and is left out when its data are missing."""

from __future__ import annotations

from tunebook.record.plots.gallery import Drawing, draw_all

__all__ = ["Drawing", "draw_all"]
