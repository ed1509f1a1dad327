"""`tunebook init`: look at a dataset and write a study file that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tunebook.cli.output import messages, results
from tunebook.errors import UserError
from tunebook.escaping import shell_line
from tunebook.files import reason

if TYPE_CHECKING:
    from tunebook.data import Reading

EXAMPLE = "Example: tunebook init data/train.jsonl --model smollm2 --output study.yaml"


def _told(prompt: str | None, completion: str | None) -> Reading | None:
    """What --prompt and --completion say; a shell passes on no line breaks, so \\n stands for one.

    Raises:
        UserError: one without the other, or what is no template.
    """
    from tunebook.core.row_template import template_problem
    from tunebook.data import Reading

    if prompt is None and completion is None:
        return None
    if prompt is None or completion is None:
        raise UserError("--prompt and --completion: found one of them; give both, or none.")
    texts = {"--prompt": prompt.replace("\\n", "\n"), "--completion": completion.replace("\\n", "\n")}
    for option, text in texts.items():
        problem = template_problem(text)
        if problem is not None:
            raise UserError(
                "{option}: found {problem}; columns stand in braces, as in {{text}}. Correct it.",
                option=option,
                problem=problem,
            )
    return Reading(prompt=texts["--prompt"], completion=texts["--completion"])


def init(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Training data (.jsonl .json .csv .parquet, a pattern of parts, or a hub id), "
            "or a folder with train, validation and test files.",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", help="Study file to write; - for standard output.")
    ] = "study.yaml",
    model: Annotated[
        str, typer.Option("--model", help="Folder, hub id, smollm2, or none: results are simulated.")
    ] = "smollm2",
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Template of the prompt: columns in braces, \\n for a new line.")
    ] = None,
    completion: Annotated[str | None, typer.Option("--completion", help="Template of the answer.")] = None,
    trials: Annotated[int, typer.Option("--trials", help="Trials that may be used.")] = 75,
    language: Annotated[
        Literal["en", "zh"],
        typer.Option("--language", help="Language of the study: its comments, the terminal, the record."),
    ] = "en",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Look at a dataset and write a study file that runs, with a comment for each value."""
    from tunebook.run.commands.init import study_file_for
    from tunebook.run.prepare import check_model_and_rows
    from tunebook.study_file import parse_study
    from tunebook.words import words_for

    target = Path(output)
    if output != "-" and target.exists() and not force:
        raise UserError(
            "{output}: exists already, and nothing is overwritten silently. Give --output or --force.", output=output
        )
    folder = Path.cwd() if output == "-" else target.absolute().parent
    if not folder.is_dir():
        raise UserError(
            "{output}: there is no folder {folder}. Make it first, or give another --output.",
            output=output,
            folder=folder,
        )
    told = _told(prompt, completion)
    text, seen = study_file_for(data, folder, target.name, model=model, trials=trials, language=language, told=told)
    spec = parse_study(text, target.name)  # report now what would not run later: too few trials, an unknown model
    check_model_and_rows(spec, folder)
    if output == "-":
        results().print(text, end="", markup=False)
        return
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            "{output}: cannot be written ({strerror}). Name a file that can be made with --output.",
            output=output,
            strerror=reason(error),
        ) from error
    words = words_for(language)
    for notice in seen.notices:
        messages().print(words.warning_line(words.notice(notice)), style="yellow", markup=False)
    if unused := seen.unused:
        messages().print(words.not_used(unused), markup=False)
    commands = [shell_line(["tunebook", command, output]) for command in ("plan", "run")]
    # not wrapped, because the commands are copied
    part = (spec.data.train_rows, seen.n_train) if spec.data.train_rows else None
    messages().print(words.wrote(output, commands, part), soft_wrap=True)
