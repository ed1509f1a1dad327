"""`tunebook run`: run a study, or go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tunebook.cli.consent import ask_for_code
from tunebook.cli.options import Folder, NoMeasure, Quiet, StudyArgument, TrustRemoteCode, TrustStudyCode
from tunebook.cli.output import messages, path_lines, print_json, results
from tunebook.escaping import shell_line

if TYPE_CHECKING:
    from tunebook.api import Study

EXAMPLE = "Example: tunebook run study.yaml"


def run(
    study: StudyArgument,
    folder: Folder = None,
    budget: Annotated[int | None, typer.Option("--trials", help="Trials to use at most, not the file's.")] = None,
    hours: Annotated[float | None, typer.Option("--hours", help="Hours to use at most, not the file's.")] = None,
    final: Annotated[
        bool, typer.Option("--final", help="At the end train the recommended configuration on all training rows.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try trials again that have failed, once the cause is mended.")
    ] = False,
    no_measure: NoMeasure = False,
    quiet: Quiet = False,
    trust_remote_code: TrustRemoteCode = False,
    trust_study_code: TrustStudyCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where everything is as JSON.")] = False,
) -> int:
    """Run a study, or go on with it. Safe to interrupt (Ctrl-C) and repeat."""
    from tunebook.api import Study

    opened = Study.load(study, folder, trust_remote_code, trust_study_code).with_budget(budget, hours)
    ask_for_code(opened, starts_program=True)
    return run_and_show(
        opened, quiet=quiet, final=final, retry_failed=retry_failed, measure=not no_measure, as_json=as_json
    )


def run_and_show(
    study: Study,
    *,
    quiet: bool,
    final: bool = False,
    retry_failed: bool = False,
    measure: bool = True,
    as_json: bool = False,
) -> int:
    """Run with progress in the terminal; at the end say where everything lies. Gives the exit code."""
    from tunebook.cli.progress import TerminalObserver
    from tunebook.errors import Interrupted
    from tunebook.run.without_torch import leave_out_torch

    leave_out_torch(study.spec, study.paths.base)

    command = shell_line(["tunebook", "run", str(study.paths.file or study.paths.folder)])
    try:
        with TerminalObserver(study.spec.budget.trials or 1, quiet, study.words) as observer:
            study.run(observer, final=final, retry_failed=retry_failed, measure=measure)
    except Interrupted as stopped:
        messages().print(study.words.stopped(command), soft_wrap=True)
        return stopped.exit_code
    status = study.status()
    outputs = study.outputs()
    if as_json:
        print_json({"study": study.spec.name, "paths": outputs, "failed_trials": status.failed})
    else:
        board = study.paths.folder / "tensorboard"
        curves = {"curves": shell_line(["tensorboard", "--logdir", str(board)])} if board.is_dir() else {}
        results().print("\n".join(study.answer()), soft_wrap=True)
        shown = {**outputs, **curves}
        if "best adapter" in shown and status.simulated_by is not None:
            shown["best adapter"] = study.words.no_adapter(status.simulated_by)
        results().print(path_lines(shown, study.words))
    if status.failed:
        messages().print(
            study.words.failed_trials(status.failed, f"{command} --retry-failed"),
            soft_wrap=True,  # a command that is copied must not be cut
        )
    return 1 if status.failed else 0
