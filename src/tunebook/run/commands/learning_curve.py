"""`tunebook rows`: the best configuration on parts of the training rows, and what twice as many would bring.

All parts are trained in one wave, so engine `packed` trains them together. Each result becomes a note in the ledger at
once: it is no trial of the study and enters no finding, and what was measured is not trained again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunebook.core.learning_curve import CURVE_NOTE, CurvePoint, Forecast, nested_order, points_of
from tunebook.core.ports import Ledger, Observer, TokenizedExample, TrialJob
from tunebook.core.space import effective
from tunebook.core.trial_result import JudgedTrial
from tunebook.errors import TrialFailed, UserError
from tunebook.ledger import open_ledger
from tunebook.run.commands.export import best_trial
from tunebook.run.commands.report import write_record
from tunebook.run.commands.single import train_jobs
from tunebook.run.paths import StudyPaths
from tunebook.run.prepare import Prepared, prepare
from tunebook.run.reading import read_study
from tunebook.run.requests.consent import require_confirmed
from tunebook.statistics.learning_curve import forecast

__all__ = ["LearningCurve", "learning_curve"]

SHARES = (0.12, 0.25, 0.5, 1.0)
SEEDS = 2
SEED_OFFSET = 800_000
"""Keeps the seeds of the parts away from the seeds of all trials."""
FEWEST_ROWS = 30
"""Of fewer training rows the smallest part would hold hardly any."""


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """What was measured, and what twice the rows would bring."""

    points: tuple[CurvePoint, ...]
    forecast: Forecast


def learning_curve(
    paths: StudyPaths, observer: Observer, trust_remote_code: bool = False, trust_study_code: bool = False
) -> LearningCurve:
    """Train what of the curve is not in the ledger yet, and write the record again.

    Raises: UserError: the study recommends nothing, or has too few training rows. TrialFailed: a part could not be
        trained. Interrupted: after a signal; what was measured stays.
    """
    study = read_study(paths)
    best = best_trial(study)
    if best is None:
        raise UserError("rows: this study recommends no configuration. Run it to its end, or raise its budget.")
    if study.facts.data.n_train < FEWEST_ROWS:
        raise UserError(
            "rows: found {n} training rows; parts of fewer than {fewest} say nothing. Give more rows.",
            n=study.facts.data.n_train,
            fewest=FEWEST_ROWS,
        )
    require_confirmed(study.spec, paths, starts_program=True, trusted=trust_study_code)
    prepared = prepare(study.spec, paths, trust_remote_code)
    configuration = effective(best.trial.configuration, prepared.engine.folding, None)
    with open_ledger(paths.folder, write=True, study=paths.study) as ledger, tempfile.TemporaryDirectory() as scratch:
        known = {(p.rows, p.seed) for p in points_of(ledger.notes()) if p.key == best.trial.effective.key}
        jobs = [
            TrialJob(id=number, configuration=configuration, seed=seed, splits=("validation",), rows=rows,
                     folder=str(Path(scratch) / str(number)), work=float(len(rows)))
            for number, (seed, rows) in enumerate(_parts(prepared.data.workload.train, study.spec.seed), 1)
            if (len(rows), seed) not in known
        ]  # fmt: skip
        if jobs:
            _train(prepared, jobs, ledger, best.trial.effective.key, observer)
    study = read_study(paths)
    write_record(study, paths.folder, warn=observer.warning)
    points = points_of(study.notes)
    return LearningCurve(points=points, forecast=forecast(points, study.facts.data.n_train))


def _parts(train: Sequence[TokenizedExample], seed: int) -> list[tuple[int, tuple[int, ...]]]:
    """(seed, rows) of every point; those of a seed lie within one another."""
    answers = [example.completion_ids for example in train]
    few = 2 * len(set(answers)) <= len(answers)
    labels: list[Hashable] = [answer if few else None for answer in answers]
    found = []
    for number in range(SEEDS):
        own = SEED_OFFSET + seed + number
        order = nested_order(labels, own)
        found += [(own, tuple(sorted(order[: max(1, round(share * len(train)))]))) for share in SHARES]
    return found


def _train(prepared: Prepared, jobs: Sequence[TrialJob], ledger: Ledger, key: str, observer: Observer) -> None:
    by_id = {job.id: job for job in jobs}

    def keep(result: JudgedTrial) -> None:
        job = by_id[result.id]
        ledger.note(CURVE_NOTE, _point(result, len(job.rows), job.seed, key).as_note())

    failures = train_jobs(prepared.make_executor(), jobs, observer, keep)
    if failures:
        raise TrialFailed("rows: a part could not be trained: {why}", why=failures[-1])


def _point(result: JudgedTrial, rows: int, seed: int, key: str) -> CurvePoint:
    state = "diverged" if result.broke_at_step is not None else "collapsed" if result.collapse else "completed"
    scores = result.outcomes["validation"].scores.tolist() if state == "completed" else ()
    return CurvePoint(key=key, rows=rows, seed=seed, state=state, scores=tuple(scores))
