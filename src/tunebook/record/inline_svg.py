"""Turns a figure's SVG file into markup inside the page.

The page's content security policy allows no style attributes, so each one becomes a class of the page's style sheet;
equal styles share a class (decision 051). Identifiers get a prefix, so that those of different figures do not clash.
Colours become the page's own, so that figures follow a dark page.
"""

from __future__ import annotations

import re

from tunebook.record.plots.style import BLUE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, RULE, SKY, VERMILLION
from tunebook.record.text import html_text

__all__ = ["StyleSheet", "inline"]

_PAGE_COLOURS = {
    INK: "var(--ink)",
    RULE: "var(--rule)",
    PAPER: "var(--card)",
    BLUE: "var(--blue)",
    VERMILLION: "var(--vermillion)",
    GREEN: "var(--green)",
    ORANGE: "var(--orange)",
    SKY: "var(--sky)",
    PURPLE: "var(--purple)",
    GREY: "var(--grey)",
}
"""The style sheet defines each for a light and a dark page."""


class StyleSheet:
    """Collects style attributes as CSS classes."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def name(self, style: str) -> str:
        """The class for the text of a style attribute."""
        for colour, variable in _PAGE_COLOURS.items():
            style = re.sub(re.escape(colour), variable, style, flags=re.IGNORECASE)
        return self._classes.setdefault(style.strip().rstrip(";"), f"f{len(self._classes)}")

    def css(self) -> str:
        """The rules of all classes."""
        return "".join(f".{name}{{{style}}}" for style, name in self._classes.items())


def inline(svg: str, name: str, description: str, sheet: StyleSheet) -> str:
    """One figure as an <svg> element with role and description. The input is not validated, because matplotlib wrote it
    for us."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'(xlink:href|href)="#([^"]*)"', rf'href="#{name}-\2"', body)
    body = re.sub(r'style="([^"]*)"', lambda m: f'class="{sheet.name(m.group(1))}"', body)
    body = re.sub(r">\s+<", "><", body)
    opening = re.search(r'viewBox="[^"]*"', body)
    box = opening.group(0) if opening else ""
    rest = body[body.index(">") + 1 :]
    return (
        f'<svg class="plot" role="group" aria-label="{html_text(description)}" {box} '
        f'xmlns="http://www.w3.org/2000/svg">{rest.strip()}'
    )
