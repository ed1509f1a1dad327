"""`run --final`: the recommended configuration, trained once on all training rows.

The ranking was found on a part of the rows; whether it is the same on all of them is not known, and the sentence that
goes with the adapter says so.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from tunebook.core.ports import TrialJob
from tunebook.core.space import effective
from tunebook.run.best import best_trial, configuration_yaml
from tunebook.run.observer import Observer
from tunebook.run.preparation import Prepared
from tunebook.run.reading import StudyRead
from tunebook.run.single import train_single
from tunebook.run.writing import writing

__all__ = ["final_seed", "train_final"]

FINAL_SEED_OFFSET = 900_000
"""The final training's seed lies far from those of all trials."""


def final_seed(study_seed: int) -> int:
    """Seed of the final training: the study's own, moved away from every trial's."""
    return study_seed + FINAL_SEED_OFFSET


def train_final(prepared: Prepared, found: StudyRead, observer: Observer) -> Path | None:
    """Train on all rows and write `final/` (adapter, config.yaml, final.json); does nothing where it is there already.

    Returns: the folder, or None while the study recommends nothing.
    Raises: TrialFailed: it could not be trained.
    """
    target = prepared.place.folder / "final"
    fact = best_trial(found)
    if fact is None or target.exists():
        return target if target.exists() else None
    rows = prepared.data.train_all
    observer.phase(f"training the recommended configuration on all {len(rows)} rows")
    configuration = effective(fact.trial.configuration, prepared.engine.folding, None)
    scratch = prepared.place.folder / ".final.writing"
    shutil.rmtree(scratch, ignore_errors=True)
    job = TrialJob(0, configuration, final_seed(prepared.spec.seed), ("validation",), str(scratch))
    judged = train_single(_with_rows(prepared, rows), job, observer)
    outcome = judged.outcomes.get("validation")
    summary = {
        "training_rows": len(rows),
        "study_rows": found.facts.data.n_train,
        "seed": job.seed,
        "validation_accuracy": outcome.accuracy if outcome else None,
        "note": "The configuration was chosen on a part of the rows; that it is also the best on all of them is not "
        "known. This is one training with one seed."
        if len(rows) > found.facts.data.n_train
        else "The study used all training rows already. This is one further training with a fresh seed.",
    }
    with writing(target):
        scratch.mkdir(exist_ok=True)
        (scratch / "config.yaml").write_text(configuration_yaml(found, fact), encoding="utf-8")
        (scratch / "final.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        scratch.rename(target)
    return target


def _with_rows(prepared: Prepared, rows: tuple[object, ...]) -> Prepared:
    """The same study with all its training rows."""
    workload = replace(prepared.data.workload, train=rows)  # type: ignore[arg-type]
    return replace(prepared, data=replace(prepared.data, workload=workload))
