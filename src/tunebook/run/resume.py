"""Creates a study in its ledger, goes on with one that was begun, and puts failed trials back to be tried again."""

from __future__ import annotations

import os
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.ports import Ledger
from tunebook.core.study import StudySpec, TrialState
from tunebook.errors import DataError, ModelError, StudyFileError
from tunebook.run.environment import changed_versions
from tunebook.run.observer import Observer
from tunebook.run.prepare import Prepared
from tunebook.run.reading import last_note
from tunebook.study_file import changed_keys

__all__ = ["begin_or_go_on", "retry_failed"]


def begin_or_go_on(ledger: Ledger, prepared: Prepared, observer: Observer) -> StudySpec:
    """Write the study when it is new; else check it against what was begun, and accept harmless changes.

    Returns: the specification to run.
    Raises: LedgerDamaged: nothing was written. StudyFileError: the study file changed in a way that changes the
        question. DataError, ModelError: a data file or the model changed.
    """
    known = ledger.spec()
    if known is None:
        ledger.create_study(prepared.spec, prepared.facts)
        ledger.note("environment", prepared.facts.environment)
        # relative, so that a study folder copied with its data opens on another machine
        ledger.note("data_root", {"relative": os.path.relpath(prepared.base, prepared.place.folder.absolute())})
        return prepared.spec
    ledger.history()  # holds every row against its checksum before anything is written
    _check_spec(known, prepared.spec, prepared)
    begun = ledger.facts()
    _check_hashes(begun.hashes, prepared)
    _check_table(begun.table, prepared)
    _check_versions(ledger, prepared.facts.environment, observer)
    if known != prepared.spec:
        ledger.update_spec(prepared.spec)
    return prepared.spec


def _check_spec(old: StudySpec, new: StudySpec, prepared: Prepared) -> None:
    harmful = [key for key, harmless in changed_keys(old, new).items() if not harmless]
    if not harmful:
        return
    file = prepared.place.file or prepared.place.folder
    raise StudyFileError(
        f"{file}: changed since the study {old.name!r} was begun: {', '.join(harmful)}. A study is one question; a "
        "larger budget, another language or device are accepted, this is not. Undo the change, or give the study "
        "another name."
    )


def _check_hashes(old: dict[str, str], prepared: Prepared) -> None:
    new = prepared.facts.hashes
    for role in ("train", "validation", "test"):
        if role in old and old[role] != new.get(role):
            source = getattr(prepared.spec.data, role)
            raise DataError(
                f"{source}: the {role} file is not the one the study was begun with (its SHA-256 was "
                f"{old[role][:12]}, now it is {str(new.get(role))[:12]}). Results on different data cannot be "
                "compared. Restore the file, or give the study another name."
            )
    if "model" in old and old["model"] != new.get("model"):
        raise ModelError(
            f"{prepared.spec.model}: the model is not the one the study was begun with (fingerprint "
            f"{old['model'][:12]}, now {str(new.get('model'))[:12]}). Restore it, or give the study another name."
        )


def _check_table(old: tuple[Configuration, ...], prepared: Prepared) -> None:
    new = prepared.facts.table
    if old and old != new:
        raise StudyFileError(
            f"{prepared.spec.trials}: the table is not the one the study was begun with (it had {len(old)} rows, now "
            f"it has {len(new)}, or other values in them). Its rows are what the study asks. Restore the file, or give "
            "the study another name."
        )


def _check_versions(ledger: Ledger, now: dict[str, Any], observer: Observer) -> None:
    then = last_note(ledger.notes(), "environment") or ledger.facts().environment
    changed = changed_versions(then, now)
    if not changed:
        return
    ledger.note("environment", now)
    ledger.note("versions_changed", {name: list(pair) for name, pair in changed.items()})
    named = ", ".join(f"{name} {a} -> {b}" for name, (a, b) in changed.items())
    observer.warning(f"changed since the last run: {named}. Results may differ in the last digits; the record says so.")


def retry_failed(ledger: Ledger, observer: Observer) -> None:
    """Put failed trials back to planned, and keep in a note what their round had found without them.

    The note is written first: a run that is killed between the two is told to try again by whoever repeats it.
    """
    history = ledger.history()
    failed = [number for number, fact in history.trials.items() if fact.state is TrialState.FAILED]
    if not failed:
        observer.phase("no trial has failed: there is nothing to try again")
        return
    last = max(wave.round for wave in history.waves)
    before = {f.label: f.verdict.value for f in history.findings if f.round == last and f.family == "main"}
    ledger.note("retried", {"trials": failed, "round": last, "findings_before": before})
    ledger.retry_failed()
    observer.phase(f"trying again: trial{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))}")
