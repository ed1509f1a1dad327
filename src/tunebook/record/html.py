"""record.html: the record as one self-contained page.

It needs no network: script, style, data and figures are in the file. The content security policy allows only this
script and this style sheet, by their hash. All text, above all that of data and models, is escaped (decision 051).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tunebook.escaping import json_block
from tunebook.record.inline_svg import StyleSheet, inline
from tunebook.record.model import Record
from tunebook.record.plots import Drawing
from tunebook.record.text import html_text

__all__ = ["render"]

FIRST_FIGURES = ("curve_best", "more_rows", "trade_offs")
"""Figures that stand beside the text; the others stand together."""
SCRIPT_LABELS = (
    "trial", "factor", "here", "baseline", "curve", "training_loss", "validation_loss", "epoch", "differs", "gains",
    "losses", "no_difference", "no_outcomes", "compared_with", "prompt", "gold", "trial_answer", "baseline_answer",
    "group", "shortened", "state", "rows_shown", "number", "configuration", "colon", "word_gap",
    "other_settings", "as_baseline", "copy", "copied",
    "list_gap", "stop", "sentence_gap",
)  # fmt: skip
"""Labels that the page's script uses."""


_UNBROKEN = re.compile(
    r"[（(][-+.\d ]+(?:to|至)[-+.\d ]+[)）]"
    r"|(?<![\w#&;])[-+]?\d[\d.,]*(?: ?%|e-\d+|(?:-\d+)+)(?!\w)"
)
"""Text in which no line break may occur: intervals, percentages, rates such as 6e-4 and trials such as 8-9."""


def render(record: Record, drawings: Sequence[Drawing], details: dict[str, Any]) -> str:
    """The page as text."""
    sheet = StyleSheet()
    figures = {d.name: (d, Markup(inline(d.svg, d.name, f"{d.title} {d.says}".strip(), sheet))) for d in drawings}
    script, style = _asset("record.js"), _asset("record.css") + sheet.css()
    data = json_block({**details, "labels": {name: record.labels[name] for name in SCRIPT_LABELS}})
    return _template().render(
        record=record,
        label=record.labels,
        figures=figures,
        script=Markup(script),
        style=Markup(style),
        data=Markup(data),
        script_hash=_hash(script),
        style_hash=_hash(style),
        others=[name for name in figures if name not in FIRST_FIGURES],
        states=list(dict.fromkeys(row.state.value for row in record.trials)),
        state_names={row.state.value: row.cells[_state_column(record)].text for row in record.trials},
    )


@cache
def _template() -> Template:
    """The page's template, compiled once: a run writes its record after each round."""
    environment = Environment(
        loader=PackageLoader("tunebook.record", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["t"] = lambda text: Markup(_UNBROKEN.sub(r'<span class="nb">\g<0></span>', html_text(text)))
    return environment.get_template("record.html.j2")


def _state_column(record: Record) -> int:
    return record.trial_columns.index(record.labels["state"])


def _asset(name: str) -> str:
    return resources.files("tunebook.record").joinpath(f"assets/{name}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
