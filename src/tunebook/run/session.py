"""One call of `run`: opens the ledger for writing, prepares, runs the rounds, writes the record and the best
adapter."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import asdict

from tunebook.core.facts import History
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.notice import Notice
from tunebook.core.ports import Calibration, Executor, Ledger, Observer
from tunebook.core.study import PROCESSOR_TIME, StudySpec, Wave
from tunebook.errors import EnvironmentStop, TrialFailed
from tunebook.escaping import shell_line
from tunebook.files import write_atomically, writing
from tunebook.json_values import to_json
from tunebook.ledger import open_ledger
from tunebook.run.commands.export import best_trial, write_best
from tunebook.run.commands.report import round_paragraph, write_record
from tunebook.run.event_log import EventLog
from tunebook.run.homes import adapters_missing, bringing_commands, note_home
from tunebook.run.observers import Observers, Trackers
from tunebook.run.paths import MANIFEST_FILE, StudyPaths
from tunebook.run.prepare import Prepared, prepare
from tunebook.run.reading import as_begun, last_note, planner_of, read_ledger, why_done
from tunebook.run.requests.cancel_requests import CancelRequests
from tunebook.run.requests.consent import require_confirmed
from tunebook.run.requests.user_requests import keep_requests
from tunebook.run.resume import begin_or_go_on, retry_failed
from tunebook.run.runner import Runner, RunnerParts
from tunebook.run.signals import StopRequest, ignores_interrupts, stop_on_signals
from tunebook.run.speeds import kept_speeds, measured_speeds, telling_progress
from tunebook.run.study_words import study_words

__all__ = ["run_study"]


def run_study(
    spec: StudySpec,
    paths: StudyPaths,
    observer: Observer,
    trust_remote_code: bool = False,
    final: bool = False,
    again: bool = False,
    *,
    trust_study_code: bool = False,
    measure: bool = True,
) -> StudyFindings:
    """Run a study or continue it; see `api.Study.run`."""
    require_confirmed(spec, paths, starts_program=True, trusted=trust_study_code)
    words = study_words(spec)
    observer.phase(words.phase_reading())
    prepared = prepare(spec, paths, trust_remote_code, observer)
    for warning in prepared.warnings:
        observer.warning(words.notice(warning))
    with open_ledger(paths.folder, write=True, study=spec.name) as ledger:
        with writing(paths.folder):  # a ledger in a database makes no folder
            paths.folder.mkdir(parents=True, exist_ok=True)
        spec = begin_or_go_on(ledger, prepared, observer)
        _write_manifest(prepared)
        note_home(ledger, paths.folder)
        _warn_of_missing_adapters(ledger, prepared, observer)
        keep_requests(ledger, paths.folder)
        if again:
            retry_failed(ledger, observer, words)
        with closing(prepared.make_executor()) as executor:
            calibration = _calibration(ledger, prepared, executor, observer, measure)
            conclusions = _Session(prepared, ledger, executor, calibration, observer).run()
        if final:
            from tunebook.run.commands.single import train_final

            train_final(prepared, read_ledger(ledger), observer)
    return conclusions


class _Session:
    """The rounds of one run, with its trackers, then its record and best adapter."""

    def __init__(
        self,
        prepared: Prepared,
        ledger: Ledger,
        executor: Executor,
        calibration: Calibration | None,
        observer: Observer,
    ) -> None:
        self._prepared, self._ledger, self._executor, self._observer = prepared, ledger, executor, observer
        self._folder = prepared.paths.folder
        self._calibration = calibration
        self._trackers = Trackers(prepared.spec, self._folder, observer.warning)

    def run(self) -> StudyFindings:
        runner: Runner | None = None

        def on_stop(request: StopRequest) -> None:
            if runner is not None:
                runner.stop(now=request.count > 1)

        self._say_whether_interrupts_are_ignored()
        with EventLog(self._folder, self._observer.warning) as log, stop_on_signals(on_stop) as stop:
            parts = self._parts(stop, log)
            runner = Runner(parts)
            before, known = sum(os.times()[:4]), _n_finished(self._ledger.history())
            try:
                history = runner.run()
            finally:
                self._trackers.close()
                # the times of this process and of its workers, which have ended by now
                self._ledger.note(PROCESSOR_TIME, {"seconds": sum(os.times()[:4]) - before})
            words = study_words(self._prepared.spec)
            if _n_finished(history) == known:
                why = why_done(parts.planner, history)
                self._observer.phase(words.plan_nothing_left() if why is None else words.notice(why))
            self._observer.phase(words.phase_writing())
            study = read_ledger(self._ledger)
            best = best_trial(study)
            is_elsewhere = best is not None and best.trial.id in adapters_missing(study.history, self._folder)
            if not is_elsewhere:
                write_best(study, self._prepared.paths)
            write_record(study, self._folder, warn=self._observer.warning)
            if best is not None and is_elsewhere:
                commands = bringing_commands(study.notes, self._folder)
                words = study_words(study.spec)
                raise EnvironmentStop(words.refused_adapter_elsewhere(best.trial.id, str(self._folder), commands))
            return study.conclusions

    def _say_whether_interrupts_are_ignored(self) -> None:
        if ignores_interrupts():
            command = shell_line(["tunebook", "stop", str(self._prepared.paths.file or self._folder)])
            words = study_words(self._prepared.spec)
            self._observer.phase(words.phase_ignores_interrupts(f"kill -TERM {os.getpid()}", command))

    def _parts(self, stop: StopRequest, log: EventLog) -> RunnerParts:
        prepared = self._prepared
        begun = as_begun(self._ledger.facts(), prepared.facts)
        return RunnerParts(
            spec=prepared.spec,
            facts=prepared.facts,
            ledger=self._ledger,
            planner=planner_of(prepared.spec, begun, self._ledger.history(), self._calibration),
            executor=self._executor,
            open_test=lambda: prepared.open_test(self._executor),
            on_round=self._on_round,
            observer=Observers((log, self._trackers, self._observer)),
            stop=stop,
            adapters=self._folder / "adapters",
            requests=CancelRequests(self._folder),
            keep_requests=lambda: keep_requests(self._ledger, self._folder),
            devices=len(prepared.devices),
        )

    def _on_round(self, history: History, wave: Wave, findings: tuple[Finding, ...]) -> str:
        study = read_ledger(self._ledger)
        write_record(study, self._folder, figures=False)
        return round_paragraph(study, wave)


def _warn_of_missing_adapters(ledger: Ledger, prepared: Prepared, observer: Observer) -> None:
    """Warn about adapters that were saved on another machine or in another folder and are not here."""
    commands = bringing_commands(ledger.notes(), prepared.paths.folder)
    missing = adapters_missing(ledger.history(), prepared.paths.folder) if commands else ()
    if missing:
        notice = Notice("adapters_elsewhere", {"count": len(missing), "commands": commands})
        observer.warning(study_words(prepared.spec).notice(notice))


def _calibration(
    ledger: Ledger, prepared: Prepared, executor: Executor, observer: Observer, measure: bool
) -> Calibration | None:
    """This machine's speeds: those in the ledger, those kept from an earlier study, or measured now."""
    known = last_note(ledger.notes(), "calibration")
    if known is not None:
        return Calibration(**known)
    speeds = kept_speeds(prepared)
    if speeds is None and measure and prepared.engine.calibrates:
        words = study_words(prepared.spec)
        try:
            with telling_progress(prepared, observer):
                speeds = measured_speeds(prepared, executor)
        except TrialFailed as error:  # only predictions of time need it
            observer.warning(words.notice(Notice("not_measured", {"reason": str(error)})))
    if speeds is not None:
        ledger.note("calibration", asdict(speeds))
    return speeds


def _write_manifest(prepared: Prepared) -> None:
    """Write manifest.json: versions, hashes of model, data and study file, device."""
    facts = prepared.facts
    manifest = {
        "study": prepared.spec.name,
        "hashes": facts.hashes,
        "model": facts.model,
        "environment": facts.environment,
    }
    text = json.dumps(to_json(manifest), indent=2, ensure_ascii=False) + "\n"
    write_atomically(prepared.paths.folder / MANIFEST_FILE, text)


def _n_finished(history: History) -> int:
    """Trials that have an end."""
    return sum(fact.state.is_final for fact in history.trials.values())
