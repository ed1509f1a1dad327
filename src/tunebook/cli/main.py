"""The command line: registers the commands and turns exceptions into messages and exit codes.

Exit codes: 0 done; 1 the study ended with failed trials, `rerun` differs, or a bug in tunebook; 2 bad input; 75 stopped
by the machine, 130 and 143 interrupted (`run` continues after both).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

import tunebook
from tunebook.cli.output import messages, printable
from tunebook.errors import EnvironmentStop, Interrupted, TrialFailed, UserError
from tunebook.files import reason
from tunebook.phrases import Phrase

__all__ = ["app", "main"]

UsageError: type[typer.BadParameter] = typer.BadParameter.__base__  # type: ignore[assignment]
"""The exception for a wrong option or argument; typer exports only its subclasses."""
EXIT_FAILED, EXIT_INPUT, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 1, 2, 75, 130

app = typer.Typer(
    name="tunebook",
    help="Tunes a LoRA fine-tune and keeps the tuning record: many adapters at once on one frozen model, and findings "
    "that survive replication.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(tunebook.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    # silences the libraries' messages; offline use must not wait for a hub
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _register() -> None:
    from tunebook.cli import (
        add,
        audit,
        compare,
        demo,
        doctor,
        export,
        init,
        note,
        plan,
        report,
        rerun,
        rows,
        run,
        status,
        stop,
    )

    for module in (demo, init, plan, run, status, stop, add, note, report, rows, compare, audit, export, rerun, doctor):
        name = module.__name__.rsplit(".", 1)[-1]
        app.command(name, epilog=getattr(module, "EXAMPLE", None))(getattr(module, name))


_register()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code, or leaves the process with it when called as a program."""
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        sys.exit(code)
    return code


def _run(arguments: list[str]) -> int:
    try:
        result = typer.main.get_command(app).main(arguments, prog_name="tunebook", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Abort:
        return EXIT_INTERRUPTED
    except UsageError as error:
        error.show()
        return EXIT_INPUT
    except UserError as error:
        _say(error.phrase, arguments)
        return EXIT_INPUT
    except EnvironmentStop as error:
        _say(error.phrase, arguments)
        if error.goes_on:
            _say(Phrase("Nothing is lost: `tunebook run` goes on from here."), arguments)
        return EXIT_ENVIRONMENT
    except TrialFailed as error:  # from a single training: `rerun`, or `run --final` after the rounds
        _say(error.phrase, arguments)
        return EXIT_FAILED
    except Interrupted as error:
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has closed it, as `head` does
        sys.stderr.close()
        return 0
    except SystemExit as ended:  # which click makes of it
        if isinstance(ended.__context__, BrokenPipeError):
            return 0
        raise
    except OSError as error:  # from the file system, without a better message of our own
        what = Phrase("{file}: {why}", file=error.filename, why=reason(error)) if error.filename else reason(error)
        _say(Phrase("{what}. Fix that, then repeat the command.", what=what), arguments)
        return EXIT_INPUT if error.errno == errno.ENAMETOOLONG else EXIT_ENVIRONMENT


def _say(message: Phrase, arguments: Sequence[str]) -> None:
    """Print one message; control characters in untrusted text never reach the terminal."""
    from tunebook.cli.language import spoken_language
    from tunebook.words import words_for

    text = words_for(spoken_language(arguments)).translated(message)
    messages().print(Text("tunebook: ", style="bold red") + Text(printable(text)), soft_wrap=True)


if __name__ == "__main__":
    main()
