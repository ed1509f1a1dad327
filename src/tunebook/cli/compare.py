"""`tunebook compare`: compare any two trials or configurations example by example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tunebook.cli.options import Folder, Json, Language, StudyArgument
from tunebook.cli.output import print_json, results

if TYPE_CHECKING:
    from tunebook.core.score import ScoreScale
    from tunebook.run.commands.compare import Comparison

EXAMPLE = "Example: tunebook compare runs/demo best baseline"
SHOWN = 5
"""Differing examples that are shown; --json has them all."""
NAMING = (
    'A trial\'s number, "baseline", "best", "cheapest", a level such as "lora_r=32" or "lr=5e-3", '
    "or a configuration's key."
)


def compare(
    study: StudyArgument,
    a: Annotated[str, typer.Argument(metavar="A", help=NAMING)],
    b: Annotated[str, typer.Argument(metavar="B", help=NAMING)],
    folder: Folder = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Compare two trials or configurations example by example: overall, by group, and where they differ."""
    from tunebook.api import Study

    opened = Study.load(study, folder)
    comparison = opened.compare(a, b)
    if as_json:
        print_json(comparison)
    else:
        spoken, scale = language or opened.spec.language, opened.words.scale
        results().print(Text(_text(comparison, opened.spec.margin, spoken, scale)))


def _text(comparison: Comparison, margin: float, language: str, scale: ScoreScale) -> str:
    from tunebook.record.comparison import comparison_text

    sides, counts = (comparison.a.text, comparison.b.text), (comparison.won, comparison.lost)
    shown = [(each.index, each.prompt, each.gold, each.a, each.b) for each in comparison.differing[:SHOWN]]
    return comparison_text(
        sides,
        comparison.changes,
        comparison.overall,
        comparison.groups,
        counts,
        margin,
        language,
        scale,
        shown,
        comparison.n_examples,
    )
