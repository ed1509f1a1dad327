"""What `init` takes for prompt and answer in columns of unknown names: it looks at what stands in them.

An answer is a column of few different values, or the second of two columns of text; a prompt is the column of text
that is longest. What is not plain is refused, and the user says it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.row_template import column_template

__all__ = ["Guess", "guess_columns", "is_about_the_row", "named_like_a_value"]

MOST_LABELS = 100
ROWS_A_LABEL = 3
"""A label stands in at least so many rows on average."""
ANSWER_NAMES = (
    "label", "class", "category", "intent", "sentiment", "topic", "target", "answer", "output", "response",
    "completion", "summary", "translation", "标签", "类别", "分类", "意图", "情感", "答案", "回答",
)  # fmt: skip
NO_PROMPTS = ("id", "index", "uuid", "guid", "url", "link", "date", "time", "timestamp", "split", "编号", "序号")
"""Columns of such names are never taken."""


@dataclass(frozen=True)
class Guess:
    """The templates of prompt and answer."""

    prompt: str
    completion: str


def guess_columns(rows: Sequence[dict[str, Any]]) -> Guess | None:
    """Which columns are prompt and answer, or None where that is not plain."""
    flat = [_flat(row) for row in rows]
    names = [name for name in flat[0] if not is_about_the_row(name)]
    columns = {name: values for name in names if (values := _values(flat, name))}
    texts = {name: values for name, values in columns.items() if all(isinstance(value, str) for value in values)}
    labels = [name for name, values in columns.items() if _are_labels(values)]
    named = [name for name in columns if any(word in name.casefold() for word in ANSWER_NAMES)]
    answer = _only(labels) or _only([name for name in labels if name in named])
    prompts = [name for name in texts if name != answer and name not in labels]
    if answer is None and not labels and len(texts) == 2:
        answer = _only([name for name in texts if name in named]) or list(texts)[1]
        prompts = [name for name in texts if name != answer]
    if answer is None or not prompts:
        return None
    longest = max(prompts, key=lambda name: statistics.fmean(len(str(value)) for value in texts[name]))
    return Guess(column_template(longest), column_template(answer))


def named_like_a_value(rows: Sequence[dict[str, Any]]) -> str | None:
    """A column of labels that is called like one of them, as where a CSV file has no header; None: there is none."""
    columns = {name: values for name in rows[0] if (values := _values(rows, name))}
    labels = {name: {str(value).strip() for value in values} for name, values in columns.items() if _are_labels(values)}
    return next((name for name, values in labels.items() if name.strip() in values), None)


def is_about_the_row(name: str) -> bool:
    """Whether a column of that name numbers or dates a row."""
    return name.rpartition(".")[2].strip().casefold().replace(" ", "_").rpartition("_")[2] in NO_PROMPTS


def _flat(row: dict[str, Any], head: str = "") -> dict[str, Any]:
    """A row with its nested columns by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= _flat(value, f"{head}{name}.") if isinstance(value, dict) else {f"{head}{name}": value}
    return flat


def _values(rows: Sequence[dict[str, Any]], name: str) -> list[str | int] | None:
    """The values of a column of texts or whole numbers that no row leaves empty; None for others."""
    values = [row.get(name) for row in rows]
    if "{" in name or "}" in name or not all(isinstance(value, str | int) and str(value).strip() for value in values):
        return None
    return [value for value in values if isinstance(value, str | int)]


def _are_labels(values: Sequence[str | int]) -> bool:
    different = len({str(value).strip() for value in values})
    return 2 <= different <= MOST_LABELS and ROWS_A_LABEL * different <= len(values)


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None
