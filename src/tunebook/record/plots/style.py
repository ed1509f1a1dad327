"""The style of the figures: colours for colour-blind readers and grey print, and a font with the needed characters.

Colours are those of Okabe and Ito (2008, "Color universal design"), darkened to a contrast of 4.5 to 1 on white. No
figure relies on colour alone: series also differ in marker or line style. The page replaces every colour by a variable
of its own, so that figures follow a dark page. Figures are narrow: on a telephone they are shown at about their own
size, on a wide page two stand side by side.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PAPER",
    "PURPLE",
    "RULE",
    "SERIES",
    "SKY",
    "VERMILLION",
    "WIDTH",
    "Paper",
    "chinese_font",
    "styled",
]

BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE = "#0072b2", "#b84f00", "#007a58", "#946200", "#126d9e", "#a3487c"
GREY = "#68707a"
INK, RULE, PAPER = "#1b1f24", "#d8dee4", "#fefefe"
SERIES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"))
"""Colour, marker and line style of the first, second, ... series."""

WIDTH = 5.2
"""Width of every figure, inches."""
CHINESE_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Heiti SC",
    "SimHei",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
)
PROBE = "学习率验证损失秩"
"""A font that has these characters is assumed to have all others used in labels."""


class Paper:
    """Makes figures without pyplot, so that matplotlib's global state and display are not used.

    Attributes:
        values: what the marks of the present figure say when they are pointed at, by the mark's identifier.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def mark(self, axes: Any, x: float, y: float, says: str, **style: Any) -> None:
        """One mark with the text that is shown when it is pointed at, or reached by keyboard."""
        (line,) = axes.plot([x], [y], ls="", **style)
        name = f"v{len(self.values)}"
        line.set_gid(name)
        self.values[name] = says

    def subplots(self, *shape: int, figsize: tuple[float, float], **options: Any) -> Any:
        """(figure, axes), as `pyplot.subplots` returns them."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=figsize, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(*shape, **options)

    def formatter(self, text: Callable[[float], str]) -> Any:
        """A tick formatter from a function of the value."""
        from matplotlib.ticker import FuncFormatter

        return FuncFormatter(lambda x, _: text(x))

    def log_ticks(self, axis: Any, text: Callable[[float], str]) -> None:
        """Ticks at 1, 2 and 5 on a logarithmic axis, labelled by `text`."""
        from matplotlib.ticker import LogLocator, NullFormatter

        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(self.formatter(text))
        axis.set_minor_formatter(NullFormatter())


@contextmanager
def styled(font: str | None) -> Iterator[Paper]:
    """A `Paper` in the record's style; `font` is a family with Chinese characters."""
    import matplotlib

    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "tunebook",
        "font.family": ["DejaVu Sans", *([font] if font else [])],
        "font.size": 10.5,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "figure.facecolor": PAPER,
        "axes.facecolor": "none",
        "legend.frameon": False,
        "legend.fontsize": 9,
        "axes.unicode_minus": False,
    }
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with matplotlib.rc_context(settings):
        yield Paper()


@lru_cache(maxsize=1)
def chinese_font() -> str | None:
    """The family of an installed font with Chinese characters, or None: labels are then in English."""
    from matplotlib import font_manager

    for path in _candidate_files():
        try:
            font_manager.fontManager.addfont(path)
            glyphs = font_manager.get_font(path).get_charmap()
        except (OSError, RuntimeError):
            continue
        if all(ord(character) in glyphs for character in PROBE):
            return _family(path)
    return None


def _family(path: str) -> str:
    """The family of a font file; of a collection the best-known one, which for Noto is the simplified Chinese face."""
    from matplotlib import font_manager

    faces = [font.name for font in font_manager.fontManager.ttflist if font.fname == path]
    known = [family for family in CHINESE_FAMILIES if family in faces]
    return (known or faces or [str(font_manager.get_font(path).family_name)])[0]


def _candidate_files() -> list[str]:
    """Font files that may have Chinese characters, best-known families first."""
    listed = _fontconfig()
    if not listed:
        from matplotlib import font_manager

        listed = [(font.name, font.fname) for font in font_manager.fontManager.ttflist]
    ranked = [
        (CHINESE_FAMILIES.index(name), "Regular" not in path, path)
        for names, path in listed
        for name in names.split(",")
        if name in CHINESE_FAMILIES and Path(path).is_file()
    ]
    known = list(dict.fromkeys(path for _, _, path in sorted(ranked)))
    return known or [path for _, path in listed if _fontconfig()]


def _fontconfig() -> list[tuple[str, str]]:
    """(families, file) of every font that fontconfig lists for Chinese; empty without fontconfig."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    try:
        completed = subprocess.run(
            [program, ":lang=zh", "-f", "%{family}\t%{file}\n"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [tuple(line.split("\t", 1)) for line in completed.stdout.splitlines() if "\t" in line]  # type: ignore[misc]
