"""Draws every figure whose data exist, as SVG with real text and as PNG."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.escaping import html_text
from tunebook.record.plots import curves, effects, learning_curve, overview, trade_offs
from tunebook.record.plots.style import Paper, chinese_font, styled
from tunebook.record.view import View
from tunebook.words import Words, words_for
from tunebook.words.marks import plain_text

__all__ = ["Drawing", "draw_all"]

PNG_DOTS_PER_INCH = 144
TITLE_CHARACTERS = {"en": 50, "zh": 28}
_GROUP = re.compile(r'<g id="(v\d+)">')

Painter = Callable[[Paper, View, Words], tuple[Any, str] | None]
PAINTERS: tuple[tuple[str, str, Painter], ...] = (
    ("effects", "fig_effects", effects.effects),
    ("learning_rate", "fig_rate", effects.learning_rate),
    ("curve_best", "fig_curve_best", curves.best),
    ("curves", "fig_curves", curves.everyone),
    ("importance", "fig_importance", effects.importance),
    ("cost", "fig_cost", overview.cost),
    ("rounds", "fig_rounds", overview.rounds),
    ("confirmation", "fig_confirm", overview.confirmation),
    ("more_rows", "more_rows", learning_curve.more_rows),
    ("trade_offs", "fig_trade_offs", trade_offs.trade_offs),
    ("timeline", "fig_timeline", overview.timeline),
)
"""File stem, label of the question, and the function that draws it, in reading order."""


@dataclass(frozen=True)
class Drawing:
    """One figure: file stem, the question it answers and the answer in one sentence, in the record's language, and both
    files."""

    name: str
    title: str
    says: str
    svg: str
    png: bytes


def draw_all(
    view: View,
    language: str,
    only: Collection[str] | None = None,
    on_failure: Callable[[str, Exception], None] | None = None,
) -> tuple[Drawing, ...]:
    """Every figure whose data exist, or those with the given file stems. Takes about a third of a second each.

    Args:
        on_failure: called with the file stem and the error of a figure that cannot be drawn; the others are still
            drawn. None: the error is raised.
    """
    font = chinese_font() if language == "zh" else None
    words = words_for(language if font or language != "zh" else "en", view.scale)  # inside the figures
    titles = words_for(language, view.scale)
    drawings = []
    with styled(font) as paper:
        for name, label, paint in PAINTERS:
            paper.values.clear()
            if only is not None and name not in only:
                continue
            try:
                painted = paint(paper, view, words)
                drawing = _drawing(name, titles.label(label), _wrapped(words, label), painted, paper.values)
            except Exception as error:  # any failure of a figure must not lose the record's numbers
                if on_failure is None:
                    raise
                on_failure(name, error)
                continue
            if drawing is not None:
                drawings.append(drawing)
    return tuple(drawings)


def _wrapped(words: Words, label: str) -> str:
    """A title in lines that fit the figure."""
    width = TITLE_CHARACTERS[words.language]
    return "\n".join(textwrap.wrap(words.label(label), width)) if words.language == "en" else words.label(label)


def _drawing(
    name: str, title: str, drawn_title: str, painted: tuple[Any, str] | None, values: Mapping[str, str]
) -> Drawing | None:
    if painted is None:
        return None
    figure, says = painted
    figure.suptitle(drawn_title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return Drawing(name, title, plain_text(says), _svg(figure, values), _png(figure))


def _svg(figure: Any, values: Mapping[str, str]) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "tunebook"})
    figure.set_layout_engine("none")  # reusing the first file's layout for the second halves the time
    return _GROUP.sub(lambda found: _with_value(found, values), out.getvalue())


def _with_value(found: re.Match[str], values: Mapping[str, str]) -> str:
    """A mark's group with its text as title, which browsers show when it is pointed at."""
    says = values.get(found[1])
    if says is None:
        return found[0]
    return f'<g id="{found[1]}" class="v" role="img" tabindex="-1"><title>{html_text(plain_text(says))}</title>'


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=PNG_DOTS_PER_INCH, metadata={"Software": "tunebook"})
    return out.getvalue()
