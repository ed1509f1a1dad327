"""Reads a study back from its ledger, for every command that only looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.facts import History, StudyFacts
from tunebook.core.findings import StudyFindings
from tunebook.core.outlook import Outlook
from tunebook.core.ports import Calibration, Ledger
from tunebook.core.study import StudySpec
from tunebook.errors import NotFoundError
from tunebook.ledger import ledger_address, open_ledger
from tunebook.planning.planner import StudyPlanner
from tunebook.run.engines import ENGINES
from tunebook.run.paths import StudyPaths
from tunebook.statistics.conclusions import conclude

__all__ = ["StudyRead", "has_ledger", "last_note", "read_ledger", "read_study"]


@dataclass(frozen=True)
class StudyRead:
    """Everything that a study's ledger says, and what follows from it."""

    spec: StudySpec
    facts: StudyFacts
    history: History
    conclusions: StudyFindings
    outlook: Outlook
    notes: Sequence[tuple[str, dict[str, Any]]]
    calibration: Calibration | None


def has_ledger(place: StudyPaths) -> bool:
    """Whether this study has been started."""
    return place.ledger.exists() or ledger_address() is not None


def read_study(place: StudyPaths) -> StudyRead:
    """Read a study; works while another process runs it.

    Raises: NotFoundError: it has not been started.
    """
    if not has_ledger(place):
        raise NotFoundError(
            f"{place.folder}: this study has not been run yet; there is no ledger. `tunebook plan` shows what it would "
            "do, `tunebook run` starts it."
        )
    ledger = open_ledger(place.folder, write=False, study=place.study)
    try:
        return read_ledger(ledger)
    finally:
        ledger.close()


def read_ledger(ledger: Ledger) -> StudyRead:
    """Everything in an open ledger."""
    spec = ledger.spec()
    if spec is None:
        raise NotFoundError("the ledger holds no study yet. `tunebook run` starts it.")
    facts, history, notes = ledger.facts(), ledger.history(), ledger.notes()
    calibration = last_note(notes, "calibration")
    table = tuple(t.configuration for wave in history.waves if wave.kind == "table" for t in wave.trials)
    planner = StudyPlanner(
        spec, facts.data, ENGINES[spec.engine].folding, table, Calibration(**calibration) if calibration else None
    )
    return StudyRead(
        spec,
        facts,
        history,
        conclude(history, spec, facts.data),
        planner.outlook(history),
        notes,
        Calibration(**calibration) if calibration else None,
    )


def last_note(notes: Sequence[tuple[str, dict[str, Any]]], code: str) -> dict[str, Any] | None:
    """Values of the newest note with that code."""
    return next((values for each, values in reversed(notes) if each == code), None)
