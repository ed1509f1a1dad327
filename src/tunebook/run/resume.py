"""Creates a study in its ledger, continues one that was begun, and retries failed trials."""

from __future__ import annotations

import os
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import StudyFacts
from tunebook.core.notice import Notice
from tunebook.core.ports import Ledger, Observer
from tunebook.core.study import StudySpec, TrialState, last_waves
from tunebook.errors import DataError, ModelError, StudyFileError
from tunebook.run.environment import changed_versions
from tunebook.run.prepare import Prepared
from tunebook.run.reading import last_note
from tunebook.run.study_words import study_words
from tunebook.study_file import accepted_changes, changed_keys
from tunebook.words import Words

__all__ = ["begin_or_go_on", "check_same_study", "retry_failed"]


def begin_or_go_on(ledger: Ledger, prepared: Prepared, observer: Observer) -> StudySpec:
    """Write a new study, or check an existing one against what was begun and accept harmless changes.

    Returns: the specification to run. Raises: LedgerDamaged: the ledger is damaged; nothing was written.
    StudyFileError: the study file now asks another question. DataError, ModelError: a data file or the model changed.
    """
    known = ledger.spec()
    if known is None:
        ledger.create_study(prepared.spec, prepared.facts)
        ledger.note("environment", prepared.facts.environment)
        # relative, so that a study folder copied with its data works on another machine
        ledger.note("data_root", {"relative": os.path.relpath(prepared.base, prepared.paths.folder.absolute())})
        return prepared.spec
    ledger.history()  # checks every row against its checksum before anything is written
    check_same_study(known, ledger.facts(), prepared)
    _check_versions(ledger, prepared.facts.environment, observer, study_words(prepared.spec))
    if known != prepared.spec:
        _note_changes(ledger, known, prepared.spec)
        ledger.update_spec(prepared.spec)
    return prepared.spec


def check_same_study(known: StudySpec, begun: StudyFacts, prepared: Prepared) -> None:
    """Check that a study goes on with what it was begun with. Reads only.

    Raises: StudyFileError: the study file, or its table, now asks another question. DataError, ModelError: a data file
    or the model changed.
    """
    _check_spec(known, prepared.spec, prepared)
    _check_hashes(begun.hashes, prepared)
    _check_table(begun.table, prepared)


def _note_changes(ledger: Ledger, old: StudySpec, new: StudySpec) -> None:
    """Keep what later rounds are planned or judged with, and from which round on. A run that is killed between this and
    the next step notes it twice, which reads the same."""
    pairs = (
        ("margin", old.margin, new.margin),
        ("seeds.configuration", old.seeds.configuration, new.seeds.configuration),
        ("seeds.baseline", old.seeds.baseline, new.seeds.baseline),
    )
    changes = {name: [then, now] for name, then, now in pairs if then != now}
    judged = max(ledger.history().closed_rounds, default=0)
    if changes and judged:
        ledger.note("study_changed", {"round": judged, **changes})


def _check_spec(old: StudySpec, new: StudySpec, prepared: Prepared) -> None:
    harmful = [key for key, harmless in changed_keys(old, new).items() if not harmless]
    if not harmful:
        return
    file = prepared.paths.file or prepared.paths.folder
    accepted = accepted_changes()
    larger, any_value = ([key for key, is_any in accepted.items() if is_any is wanted] for wanted in (False, True))
    words = study_words(new)
    raise StudyFileError(words.refused_study_changed(str(file), old.name, harmful, larger, any_value))


def _check_hashes(old: dict[str, str], prepared: Prepared) -> None:
    spec, new = prepared.spec, prepared.facts.hashes
    words = study_words(spec)
    for role in ("train", "validation", "test"):
        if role in old and old[role] != new.get(role):
            then, now = old[role][:12], str(new.get(role))[:12]
            raise DataError(words.refused_other_data(str(getattr(spec.data, role) or spec.metric), role, then, now))
    if old.get("metric") != new.get("metric"):
        raise StudyFileError(
            "metric: what {metric} judges by (a rubric in a file) is not what the study was begun with. Restore it, or "
            "give the study another name.",
            metric=spec.metric,
        )
    if "model" in old and old["model"] != new.get("model"):
        raise ModelError(words.refused_other_model(spec.model, old["model"][:12], str(new.get("model"))[:12]))


def _check_table(old: tuple[Configuration, ...], prepared: Prepared) -> None:
    new = prepared.facts.table
    if old and old != new:
        raise StudyFileError(
            "{trials}: the table is not the one the study was begun with (it had {n_old} rows, now it has "
            "{n_new}, or other values in them). Its rows are what the study asks. Restore the file, or give the "
            "study another name.",
            trials=prepared.spec.trials,
            n_old=len(old),
            n_new=len(new),
        )


def _check_versions(ledger: Ledger, now: dict[str, Any], observer: Observer, words: Words) -> None:
    then = last_note(ledger.notes(), "environment") or ledger.facts().environment
    changed = changed_versions(then, now)
    if not changed:
        return
    ledger.note("environment", now)
    ledger.note("versions_changed", {name: list(pair) for name, pair in changed.items()})
    observer.warning(words.notice(Notice("versions_changed", {"changed": changed})))


def retry_failed(ledger: Ledger, observer: Observer, words: Words) -> None:
    """Put failed trials back to planned, and keep a note of what their rounds had found without them.

    The note is written first. If the run is killed in between, repeating the command retries the trials.
    """
    history = ledger.history()
    failed = [number for number, fact in history.trials.items() if fact.state is TrialState.FAILED]
    if not failed:
        observer.phase(words.phase_retrying(()))
        return
    opened = {wave.round for wave in last_waves(history.waves)} & {history.trials[n].trial.round for n in failed}
    before = {f.label: f.verdict.value for f in history.findings if f.round in opened and f.family == "main"}
    ledger.note("retried", {"trials": failed, "rounds": sorted(opened), "findings_before": before})
    ledger.retry_failed()
    observer.phase(words.phase_retrying(failed))
