"""The Python API: a thin, typed layer over `run`. The command line is a thin layer over this.

from tunebook import Study
Study.load("study.yaml").run()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunebook.core.findings import StudyFindings
from tunebook.core.ports import Observer
from tunebook.core.reproduction import Reproduction
from tunebook.core.study import Budget, StudySpec
from tunebook.errors import EnvironmentStop, LedgerDamaged, UserError
from tunebook.run.commands.compare import Comparison
from tunebook.run.commands.learning_curve import LearningCurve, learning_curve
from tunebook.run.commands.plan import StudyPlan
from tunebook.run.commands.status import StudyStatus
from tunebook.run.observers import Silent
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import has_ledger
from tunebook.run.requests.user_requests import Added
from tunebook.run.study_words import study_words
from tunebook.words import Words

if TYPE_CHECKING:
    from tunebook.run.reading import StudyReader

__all__ = ["Study"]


class Study:
    """One study: its file or its folder.

    Use `Study.load`. Every method opens the ledger for as long as it runs; `run` alone writes to it.
    """

    def __init__(
        self, spec: StudySpec, paths: StudyPaths, trust_remote_code: bool = False, trust_study_code: bool = False
    ) -> None:
        self.spec = spec
        self.paths = paths
        self._reader: StudyReader | None = None
        self.trusts_study_code = trust_study_code
        self._trust = trust_remote_code

    @classmethod
    def load(
        cls,
        study: str | Path,
        folder: str | Path | None = None,
        trust_remote_code: bool = False,
        trust_study_code: bool = False,
    ) -> Study:
        """A study from its file (study.yaml) or from the folder that a run has made.

        Args:
            folder: where the study folder is; default `runs/<study>/` beside the study file.
            trust_remote_code: run Python code that comes with the model.
            trust_study_code: run the program (engine `command`) and the metric (`module:function`) that the study
                names, also where this user has not confirmed them in a terminal. Without it `plan`, `run` and `rerun`
                raise UserError before anything of it has run.

        Raises: StudyFileError: every problem of the file, with lines. NotFoundError: nothing there.
        """
        from tunebook.run.reading import load

        spec, paths = load(study, Path(folder) if folder else None)
        return cls(spec, paths, trust_remote_code, trust_study_code)

    def with_budget(self, trials: int | None = None, hours: float | None = None) -> Study:
        """The same study with another budget; what is not given stays as it is.

        Raises: UserError: a budget that is not above 0.
        """
        for name, value in (("trials", trials), ("hours", hours)):
            if value is not None and not 0 < value < math.inf:
                raise UserError(
                    "{name}: got {value}; a budget is a number above 0. Give one, or leave {name} out.",
                    name=name,
                    value=value,
                )
        budget = Budget(trials or self.spec.budget.trials, hours or self.spec.budget.hours)
        return Study(replace(self.spec, budget=budget), self.paths, self._trust, self.trusts_study_code)

    def with_language(self, language: str | None) -> Study:
        """The same study read in another language, "en" or "zh"; None: as it is."""
        spec = replace(self.spec, language=language) if language else self.spec
        return Study(spec, self.paths, self._trust, self.trusts_study_code)

    @property
    def words(self) -> Words:
        """Sentences in the study's language."""
        return study_words(self.spec)

    def plan(self, measure: bool = True, observer: Observer | None = None) -> StudyPlan:
        """What would run, why, how long, how much memory, and what can be detected. Trains nothing, writes nothing into
        the study's folder.

        Args:
            measure: measure the machine where its speeds are not kept; else no times are predicted.
            observer: told what takes a while.
        """
        from tunebook.run.commands.plan import plan_study

        return plan_study(
            self.spec, self.paths, self._trust, self.trusts_study_code, measure=measure, observer=observer
        )

    def run(
        self,
        observer: Observer | None = None,
        final: bool = False,
        retry_failed: bool = False,
        measure: bool = True,
    ) -> StudyFindings:
        """Run the study, or go on with it, and write the record. Safe to interrupt and repeat.

        Args:
            final: afterwards train the recommended configuration on all training rows.
            retry_failed: first put the trials that ended as failed back to planned, so that they are tried again.
            measure: measure the machine where its speeds are not kept; else no times are predicted, and a budget in
                hours is kept by what trials took.

        Raises: Interrupted: after a signal; UserError: bad input, nothing written; EnvironmentStop: the machine
            stopped us. In each case `run` goes on from there.
        """
        from tunebook.run.session import run_study

        final = final or self.spec.final
        try:
            return run_study(
                self.spec,
                self.paths,
                observer or Silent(),
                self._trust,
                final,
                retry_failed,
                trust_study_code=self.trusts_study_code,
                measure=measure,
            )
        except EnvironmentStop as error:
            error.goes_on = has_ledger(self.paths) and not isinstance(error, LedgerDamaged)
            raise

    def outputs(self) -> dict[str, Path]:
        """Where a run has put what people want: record, page, numbers, figures, best adapter. Only what is there."""
        names = {
            "record": "record.md",
            "page": "record.html",
            "numbers": "results.json",
            "trials": "trials.csv",
            "pictures": "figures",
            "best adapter": "best",
            "final": "final",
        }
        files = {name: self.paths.folder / each for name, each in names.items()}
        return {name: path for name, path in files.items() if path.exists()}

    def status(self) -> StudyStatus:
        """Rounds, trials, best so far, time left. Reads only; works while another process runs the study. Asked again,
        it reads what has changed since."""
        from tunebook.run.commands.status import status_of
        from tunebook.run.reading import StudyReader

        if self._reader is None:
            self._reader = StudyReader(self.paths)
        return status_of(self.paths, self._reader)

    def cancel(self, trial: int) -> None:
        """Ask for one trial to be cancelled. The study's runner does so within seconds, or when it is run next.

        Raises: NotFoundError: no such trial. UserError: it has ended already, or is a checkpoint of another trial.
        """
        from tunebook.run.reading import added_trials, read_study
        from tunebook.run.requests.cancel_requests import CancelRequests

        study = read_study(self.paths)
        CancelRequests(self.paths.folder).write(trial, study.history, added_trials(study))

    def add(self, settings: Sequence[str], seeds: int | None = None, tags: Sequence[str] = (), note: str = "") -> Added:
        """Add trials of your own to a study that was begun: they make a round of their own, are compared with the
        baseline outside the study's error rate, and take nothing of its budget. `run` trains them.

        Args:
            settings: a configuration each: "lora_r=64 learning_rate=3e-4", or "baseline", "best", a trial's number, the
                beginning of a key.
            seeds: new seeds for each; default: the study's.
            tags, note: kept with each trial and shown in the record.

        Raises: NotFoundError: the study has not been begun, or there is no such configuration. UserError: a setting or
            a number that cannot be. ModelError: `target_modules` has a name that means no linear module of the model.
        """
        from tunebook.run.requests.user_requests import add_trials

        return add_trials(self.paths, settings, seeds, tags, note, trust_remote_code=self._trust)

    def remark(self, trial: int, note: str = "", tags: Sequence[str] = ()) -> None:
        """Keep a note (in the place of an earlier one) and tags with a trial; the record and trials.csv show them.

        Raises: NotFoundError: no such trial. UserError: nothing to keep.
        """
        from tunebook.run.requests.user_requests import remark

        remark(self.paths, trial, note, tags)

    def stop(self) -> None:
        """Ask the process that runs this study to end after its running step, within seconds, as SIGTERM does.

        Raises: NotFoundError: it has not been begun. UserError: nothing runs it.
        """
        from tunebook.run.requests.cancel_requests import ask_to_stop

        ask_to_stop(self.paths)

    def report(self, language: str | None = None) -> dict[str, Path]:
        """Write the record again from the ledger; gives the paths by name."""
        from tunebook.run.commands.report import write_record, write_tensorboard
        from tunebook.run.reading import read_study

        found = read_study(self.paths)
        write_tensorboard(found, self.paths.folder)
        return write_record(found, self.paths.folder, language)

    def answer(self) -> tuple[str, ...]:
        """What the record says first, one paragraph each: what to use, what it gains, why, what is cheaper."""
        from tunebook.run.commands.report import answer_paragraphs
        from tunebook.run.reading import read_study

        return answer_paragraphs(read_study(self.paths))

    def compare(self, a: str, b: str) -> Comparison:
        """Two trials or configurations, paired: see `tunebook.run.commands.compare.resolve` for how to name them."""
        from tunebook.run.commands.compare import compare
        from tunebook.run.reading import read_study

        found = read_study(self.paths)
        return compare(a, b, found.spec, found.facts, found.history, found.conclusions)

    def rerun(self, trial: int, observer: Observer | None = None) -> Reproduction:
        """Train a trial again, in a scratch folder, and say whether it reproduces."""
        from tunebook.run.commands.single import rerun_trial

        return rerun_trial(self.paths, trial, observer or Silent(), self._trust, self.trusts_study_code)

    def rows(self, observer: Observer | None = None) -> LearningCurve:
        """Train the best configuration on parts of the training rows, and forecast what twice as many would bring."""
        return learning_curve(self.paths, observer or Silent(), self._trust, self.trusts_study_code)

    def export(
        self,
        form: str = "peft",
        to: str | Path | None = None,
        warn: Callable[[str], None] = lambda text: None,
        *,
        force: bool = False,
    ) -> dict[str, Path]:
        """The best configuration's adapter ("peft"), the model with it merged in ("merged"), or its configuration for
        another trainer ("llama-factory", "axolotl"). `warn` is told what may mislead; `force` writes into a folder
        that holds other files."""
        from tunebook.run.commands.export import export_study

        return export_study(self.paths, form, Path(to) if to else None, warn, force=force)
