"""The pictures. Each answers the one question in its title, or is not drawn because its data are missing."""

from __future__ import annotations

from tunebook.record.plots.gallery import Drawing, draw_all

__all__ = ["Drawing", "draw_all"]
