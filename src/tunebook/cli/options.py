"""Arguments and options shared by several commands."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

__all__ = ["Folder", "Json", "Language", "NoMeasure", "Quiet", "StudyArgument", "TrustRemoteCode", "TrustStudyCode"]

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="Study file, or the folder of a study.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Folder = Annotated[
    str | None, typer.Option("--folder", help="Study folder; default: runs/<study> beside the study file.")
]
Language = Annotated[Literal["en", "zh"] | None, typer.Option("--language", help="Language; default: the study's own.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
NoMeasure = Annotated[
    bool, typer.Option("--no-measure", help="Don't measure the machine; without kept speeds no times are predicted.")
]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model. Only if you trust it.")
]
TrustStudyCode = Annotated[
    bool,
    typer.Option(
        "--trust-study-code", help="Run the program and the metric that the study names without asking, as in scripts."
    ),
]
