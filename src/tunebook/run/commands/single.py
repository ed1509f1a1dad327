"""Trains one trial outside the study's rounds: a repetition to compare with the ledger (`rerun`), or the recommended
configuration on all training rows (`run --final`). The results are not written to the ledger."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tunebook.core.events import Failed, Finished, TrialEvent
from tunebook.core.facts import TrialFact
from tunebook.core.ports import Executor, Observer, TrialJob
from tunebook.core.reproduction import Reproduction
from tunebook.core.space import effective
from tunebook.core.trial_result import JudgedTrial
from tunebook.errors import Interrupted, NotFoundError, TrialFailed
from tunebook.files import replaced_folder
from tunebook.phrases import Phrase
from tunebook.run.commands.export import best_trial, configuration_yaml
from tunebook.run.paths import StudyPaths
from tunebook.run.prepare import Prepared, prepare
from tunebook.run.reading import StudyRead, read_study
from tunebook.run.requests.consent import require_confirmed
from tunebook.run.runner import job_of
from tunebook.run.scores.answers import as_fact
from tunebook.run.signals import stop_on_signals
from tunebook.run.study_words import study_words

__all__ = ["Reproduction", "final_seed", "rerun_trial", "train_final", "train_jobs", "train_single"]


def train_single(prepared: Prepared, job: TrialJob, observer: Observer) -> JudgedTrial:
    """Train one job and score it on its splits.

    Raises: TrialFailed: it could not be trained, with the reason. Interrupted: after a signal.
    """
    judged: list[JudgedTrial] = []
    failures = train_jobs(prepared.make_executor(job.splits, keeps=False), [job], observer, judged.append)
    if not judged:
        raise TrialFailed(
            "trial {trial} could not be trained: {reason}",
            trial=job.id,
            reason=failures[-1] if failures else Phrase("no result came"),
        )
    return judged[0]


def train_jobs(
    executor: Executor, jobs: Sequence[TrialJob], observer: Observer, keep: Callable[[JudgedTrial], None]
) -> list[str]:
    """Train jobs outside the rounds, and close the executor.

    Args:
        keep: takes each result as it comes.

    Returns: why jobs failed, in the order in which they did.

    Raises: Interrupted: after a signal.
    """
    failures: list[str] = []

    def on_events(events: Sequence[TrialEvent]) -> None:
        for event in events:
            match event:
                case Finished(JudgedTrial() as result):
                    keep(result)
                case Failed():
                    failures.append(event.message)
            observer.event(event)

    try:
        with stop_on_signals(lambda request: executor.stop(now=request.count > 1)) as stop:
            executor.run(jobs, on_events)
    finally:
        executor.close()
    if stop:
        raise Interrupted(stop.exit_code)
    return failures


FINAL_SEED_OFFSET = 900_000
"""Offset that keeps the seed of the final training away from the seeds of all trials."""


def final_seed(study_seed: int) -> int:
    """Seed of the final training: the study's own plus an offset, so that it differs from every trial's."""
    return study_seed + FINAL_SEED_OFFSET


def train_final(prepared: Prepared, study: StudyRead, observer: Observer) -> Path | None:
    """Train on all rows and write `final/` (adapter, config.yaml, final.json). Does nothing if it exists already.

    Returns: the folder, or None while the study recommends nothing.
    Raises: TrialFailed: it could not be trained.
    """
    target = prepared.paths.folder / "final"
    fact = best_trial(study)
    if fact is None or target.exists():
        return target if target.exists() else None
    rows = prepared.data.train_all
    words = study_words(prepared.spec)
    observer.phase(words.phase_final(len(rows)))
    configuration = effective(fact.trial.configuration, prepared.engine.folding, None)
    with replaced_folder(target) as scratch:
        job = TrialJob(
            id=0,
            configuration=configuration,
            seed=final_seed(prepared.spec.seed),
            splits=("validation",),
            folder=str(scratch),
        )
        judged = train_single(_with_rows(prepared, rows), job, observer)
        outcome = judged.outcomes.get("validation")
        summary = {
            "training_rows": len(rows),
            "study_rows": study.facts.data.n_train,
            "seed": job.seed,
            "validation_accuracy": outcome.accuracy if outcome else None,
            "note": words.final_note(len(rows) > study.facts.data.n_train),
        }
        (scratch / "config.yaml").write_text(configuration_yaml(study, fact), encoding="utf-8")
        (scratch / "final.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _with_rows(prepared: Prepared, rows: tuple[object, ...]) -> Prepared:
    """The prepared study with all its training rows."""
    workload = replace(prepared.data.workload, train=rows)  # type: ignore[arg-type]
    return replace(prepared, data=replace(prepared.data, workload=workload))


def rerun_trial(
    paths: StudyPaths, trial_id: int, observer: Observer, trust_remote_code: bool, trust_study_code: bool = False
) -> Reproduction:
    """Train a finished trial again in a scratch folder. The ledger is only read.

    Raises: NotFoundError: there is no such trial, or it is not finished. TrialFailed: it cannot be trained now.
    """
    study = read_study(paths)
    then = study.history.trials.get(trial_id)
    if then is None or not then.state.is_final:
        finished = sum(f.state.is_final for f in study.history.trials.values())
        raise NotFoundError(study_words(study.spec).refused_unfinished(trial_id, finished))
    require_confirmed(study.spec, paths, starts_program=True, trusted=trust_study_code)
    prepared = prepare(study.spec, paths, trust_remote_code)
    reference = study.history.trials.get(0)
    untrained = reference.outcomes["validation"].loss if reference and "validation" in reference.outcomes else None
    with tempfile.TemporaryDirectory(prefix="tunebook-rerun-") as scratch:
        judged = train_single(prepared, job_of(then.trial, Path(scratch)), observer)
        now = as_fact(then.trial, judged, untrained)
        equal = _same_adapter(paths.folder / "adapters" / str(trial_id), Path(scratch) / str(trial_id))
    return _compared(then, now, equal, prepared.changed_since(study.facts))


def _compared(
    then: TrialFact, now: TrialFact, adapter_equal: bool | None, changed: dict[str, tuple[str, str]]
) -> Reproduction:
    differ, total, largest, identical = 0, 0, 0.0, then.state == now.state
    for split, old in then.outcomes.items():
        new = now.outcomes.get(split)
        if new is None:  # it broke before it could be scored
            identical = False
            continue
        total += len(old.scores)
        differ += sum(a != b for a, b in zip(old.answers, new.answers, strict=True))
        scale = np.maximum(np.abs(old.nll), 1e-6)
        with np.errstate(invalid="ignore"):
            gaps = np.abs(new.nll - old.nll) / scale
        largest = max(largest, float(np.nan_to_num(gaps, nan=0.0).max(initial=0.0)))
        identical = identical and np.array_equal(old.nll, new.nll, equal_nan=True) and old.answers == new.answers
    return Reproduction(
        trial=then.trial.id,
        states=(then.state, now.state),
        bit_for_bit=identical and adapter_equal is not False,
        answers_differ=differ,
        n_examples=total,
        largest_loss_difference=largest if total else None,
        adapter_equal=adapter_equal,
        changed_versions=changed,
    )


def _same_adapter(old: Path, new: Path) -> bool | None:
    files = [folder / "adapter_model.safetensors" for folder in (old, new)]
    if not all(path.is_file() for path in files):
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        a, b = (load(path.read_bytes()) for path in files)
    except SafetensorError:  # the file was damaged after it was written
        return False
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
