"""The best adapter, ready to use: the best configuration's replicate of median validation loss, never the luckiest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tunebook.core.facts import TrialFact
from tunebook.core.study import Purpose, TrialState
from tunebook.errors import UserError
from tunebook.export.yaml_text import yaml_text
from tunebook.run.reading import StudyRead
from tunebook.run.writing import writing

__all__ = ["best_trial", "configuration_yaml", "copy_adapter", "write_best"]


def best_trial(found: StudyRead) -> TrialFact | None:
    """The best configuration's replicate of median validation loss; confirm's own replicates where there are any."""
    best = found.conclusions.best
    if best is None:
        return None
    trained = [
        fact
        for fact in found.history.trials.values()
        if fact.trial.effective.key == best.key and fact.state is TrialState.COMPLETED and "validation" in fact.outcomes
    ]
    confirmed = [fact for fact in trained if fact.trial.purpose is Purpose.CONFIRM]
    ranked = sorted(confirmed or trained, key=lambda fact: (fact.outcomes["validation"].loss, fact.trial.id))
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def write_best(found: StudyRead, folder: Path) -> Path | None:
    """Write `best/` in the study folder: the adapter in PEFT's format and `config.yaml`; replaced as a whole.

    Returns: the folder, or None while there is no best trial.
    Raises: DiskFull, UnwritableFolder: it cannot be written; what was there before stays.
    """
    fact = best_trial(found)
    if fact is None:
        return None
    target, scratch = folder / "best", folder / ".best.writing"
    source = folder / "adapters" / str(fact.trial.id)
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with writing(target):
            if source.is_dir():  # an external trainer keeps its weights to itself
                copy_adapter(source, scratch)
            scratch.mkdir(exist_ok=True)
            (scratch / "config.yaml").write_text(configuration_yaml(found, fact), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def copy_adapter(source: Path, target: Path) -> None:
    """Copy an adapter's folder without links: a study folder may come from anyone, and a link leads anywhere.

    Raises: UserError: the folder itself is a link.
    """
    if source.is_symlink():
        raise UserError(f"{source}: a link; an adapter lies in the study folder itself. Put the folder in its place.")
    shutil.copytree(source, target, ignore=_links, dirs_exist_ok=True)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]


def configuration_yaml(found: StudyRead, fact: TrialFact) -> str:
    """The configuration as a study file's baseline takes it, with where it comes from."""
    outcome = fact.outcomes["validation"]
    values: dict[str, Any] = {
        "study": found.spec.name,
        "model": found.spec.model,
        "trial": fact.trial.id,
        "seed": fact.trial.seed,
        "validation_accuracy": outcome.accuracy,
        "validation_loss": outcome.loss,
        "configuration": {k: v for k, v in fact.trial.configuration.as_dict().items() if v is not None},
    }
    return yaml_text(values)
