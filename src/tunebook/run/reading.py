"""Finds the study that the user named and reads its specification and its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import History, StudyFacts
from tunebook.core.findings import StudyFindings
from tunebook.core.notice import Notice
from tunebook.core.outlook import Outlook
from tunebook.core.ports import Calibration, Ledger, Planner, SaysWhyDone
from tunebook.core.study import Purpose, RoundKind, StudySpec
from tunebook.errors import NotFoundError
from tunebook.ledger import KnownFacts, ledger_address, open_ledger
from tunebook.planning.own_trials import with_own_trials
from tunebook.planning.problem import Problem
from tunebook.plugins import ENGINES, PLANNERS
from tunebook.run.paths import StudyPaths, locate
from tunebook.run.scores.other_metrics import with_limits
from tunebook.statistics.conclusions import conclude
from tunebook.study_file import load_study

__all__ = [
    "StudyRead",
    "StudyReader",
    "added_trials",
    "as_begun",
    "has_ledger",
    "last_note",
    "load",
    "planner_of",
    "read_ledger",
    "read_study",
    "study_folder",
]


@dataclass(frozen=True, kw_only=True)
class StudyRead:
    """Everything that a study's ledger holds, and what follows from it; what can be detected only `plan` computes."""

    spec: StudySpec
    facts: StudyFacts
    history: History
    conclusions: StudyFindings
    outlook: Outlook
    notes: Sequence[tuple[str, dict[str, Any]]]
    calibration: Calibration | None


def has_ledger(paths: StudyPaths) -> bool:
    """Whether the study has been started."""
    return paths.ledger.exists() or ledger_address() is not None


class StudyReader:
    """Reads a study again and again: what has not changed since is neither read nor computed anew."""

    def __init__(self, paths: StudyPaths) -> None:
        self._paths = paths
        self._known: KnownFacts = {}
        self._last: StudyRead | None = None

    def read(self) -> StudyRead:
        """The study now. Works while another process runs it.

        Raises: NotFoundError: it has not been started.
        """
        if not has_ledger(self._paths):
            raise NotFoundError(
                "{folder}: this study has not been run yet; there is no ledger. `tunebook plan` shows what it would "
                "do, `tunebook run` starts it.",
                folder=self._paths.folder,
            )
        with open_ledger(self._paths.folder, write=False, study=self._paths.study) as ledger:
            ledger.known = self._known
            self._last = read_ledger(ledger, self._last)
            self._known = ledger.known
        return self._last


def read_study(paths: StudyPaths) -> StudyRead:
    """Read a study once; see `StudyReader`."""
    return StudyReader(paths).read()


def read_ledger(ledger: Ledger, before: StudyRead | None = None) -> StudyRead:
    """Everything in an open ledger.

    Args:
        before: of the same study, as it was read earlier.
    """
    spec = ledger.spec()
    if spec is None:
        raise NotFoundError("the ledger holds no study yet. `tunebook run` starts it.")
    notes = ledger.notes()
    facts = ledger.facts() if before is None else before.facts
    history = with_limits(ledger.history(), spec, facts)
    measured = last_note(notes, "calibration")
    calibration = Calibration(**measured) if measured else None
    if before is not None and (before.spec, before.calibration) == (spec, calibration) and _is_same(before, history):
        return replace(before, notes=notes)
    return StudyRead(
        spec=spec,
        facts=facts,
        history=history,
        conclusions=conclude(history, spec, facts.data),
        outlook=planner_of(spec, facts, history, calibration).outlook(history, effects=False),
        notes=notes,
        calibration=calibration,
    )


def _is_same(before: StudyRead, now: History) -> bool:
    """Whether nothing has changed. A trial's fact is the same object as long as its row is."""
    old = before.history
    same_trials = old.trials.keys() == now.trials.keys() and all(
        fact is old.trials[number] for number, fact in now.trials.items()
    )
    return same_trials and replace(old, trials={}) == replace(now, trials={})


def planner_of(spec: StudySpec, facts: StudyFacts, history: History, calibration: Calibration | None) -> Planner:
    """A study's planner. It is created only here, so that `run`, `plan`, `status` and `report` foresee the same
    rounds.

    Args:
        facts: the facts with which the study was begun, from its ledger, or the present ones if it has none yet.
        history: the source of the user's table if an earlier version of tunebook began the study and did not keep the
            table.
    """
    folding = facts.folding or ENGINES.load(spec.engine).folding
    table = facts.table or _planned_table(spec, history)
    planner = PLANNERS.load(spec.planner)(spec, facts.data, folding, table, calibration)
    return with_own_trials(
        planner, Problem(spec=spec, facts=facts.data, folding=folding, table=table, calibration=calibration)
    )


def added_trials(study: StudyRead) -> tuple[int, ...]:
    """The numbers that trials which the user added will have, while they are what `run` plans next; without those at a
    checkpoint of another."""
    history = study.history
    planned = sum(wave.kind is RoundKind.OWN for wave in history.waves)
    if len(history.own) == planned or any(wave.round not in history.closed_rounds for wave in history.waves):
        return ()
    wave = planner_of(study.spec, study.facts, history, study.calibration).next_wave(history)
    if wave is None or wave.kind is not RoundKind.OWN:
        return ()
    return tuple(trial.id for trial in wave.trials if trial.checkpoint_of is None)


def why_done(planner: Planner, history: History) -> Notice | None:
    """Why a planner has no further question, where a larger budget alone would not change that; None where it would, or
    where the planner cannot say."""
    return planner.why_done(history) if isinstance(planner, SaysWhyDone) else None


def as_begun(begun: StudyFacts, now: StudyFacts) -> StudyFacts:
    """The facts with which a study was begun; those that earlier versions of tunebook did not keep are taken from
    now."""
    return replace(begun, table=begun.table or now.table, folding=begun.folding or now.folding)


def _planned_table(spec: StudySpec, history: History) -> tuple[Configuration, ...]:
    """The rows of a table that were planned; rows that were cut are missing."""
    if not any(wave.kind is RoundKind.TABLE for wave in history.waves):
        return ()
    rows = dict.fromkeys(
        fact.trial.configuration for fact in history.trials.values() if fact.trial.purpose is Purpose.TABLE
    )
    return tuple(rows) or (spec.baseline,)


def untrained_answers(paths: StudyPaths) -> dict[str, tuple[str, ...]]:
    """The untrained model's answers by split, as far as the study has them."""
    trials = read_study(paths).history.trials.values() if has_ledger(paths) else ()
    references = [fact for fact in trials if fact.trial.purpose is Purpose.REFERENCE]
    return {split: of.answers for fact in references for split, of in fact.outcomes.items() if of.answers}


def last_note(notes: Sequence[tuple[str, dict[str, Any]]], code: str) -> dict[str, Any] | None:
    """The values of the newest note with this code."""
    return next((values for each, values in reversed(notes) if each == code), None)


def study_folder(study: str | Path) -> Path:
    """The folder of a study given as its file or as that folder. Does not check whether it has a ledger."""
    path = Path(study)
    return locate(path, load_study(path).name).folder if path.is_file() else path


def load(study: str | Path, folder: Path | None) -> tuple[StudySpec, StudyPaths]:
    """The specification and the paths of a study given as file or folder. See `api.Study.load` for the errors."""
    paths = locate(study)
    if paths.file is not None:
        spec = load_study(paths.file)
        paths = locate(study, spec.name)
        return spec, StudyPaths(paths.file, folder or paths.folder, spec.name)
    copy = paths.folder / "study.yaml"
    if copy.is_file():  # its own study file, as `tunebook demo` writes it
        spec = load_study(copy)
        return spec, StudyPaths(copy, paths.folder, spec.name)
    ledger = open_ledger(paths.folder, write=False, study=paths.study)
    try:
        spec_found, root = ledger.spec(), last_note(ledger.notes(), "data_root")
    finally:
        ledger.close()
    assert spec_found is not None, "a ledger without a study is never left behind"
    data_root = paths.folder / root["relative"] if root else None
    return spec_found, StudyPaths(None, paths.folder, spec_found.name, data_root)
