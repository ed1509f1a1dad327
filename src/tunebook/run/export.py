"""Writes what is taken away from a study: adapter, merged model, or the configuration for another trainer."""

from __future__ import annotations

import json
from pathlib import Path

from tunebook.core.facts import TrialFact
from tunebook.data import read_splits
from tunebook.errors import NotFoundError, UserError
from tunebook.escaping import shell_line
from tunebook.export import FORMATS, ExportTarget, export_texts
from tunebook.export.messages import rows
from tunebook.run.best import best_trial, copy_adapter
from tunebook.run.place import StudyPlace
from tunebook.run.reading import StudyRead, read_study
from tunebook.run.writing import writing

__all__ = ["export_study"]

TRAIN_FILE = "train.messages.jsonl"


def export_study(place: StudyPlace, form: str, to: Path | None) -> dict[str, Path]:
    """Write one export and give the paths by name.

    Args:
        form: one of `export.FORMATS`.
        to: the folder; default `export/<form>` in the study folder. Its files of the same names are replaced.

    Raises: UserError: an unknown format. NotFoundError: the study recommends nothing yet, or its adapter is gone.
        DiskFull, UnwritableFolder: it cannot be written.
    """
    if form not in FORMATS:
        raise UserError(f"format: found {form!r}; it is one of {', '.join(FORMATS)}.")
    found = read_study(place)
    fact = best_trial(found)
    if fact is None:
        raise NotFoundError(f"{place.folder}: no trial has been trained yet, so there is nothing to export.")
    adapter = place.folder / "adapters" / str(fact.trial.id)
    rerun = shell_line(["tunebook", "rerun", str(place.folder), str(fact.trial.id)])
    if form in ("peft", "merged") and not (adapter / "adapter_config.json").is_file():
        raise NotFoundError(
            f"{adapter}: the adapter of trial {fact.trial.id} is not there (a simulated or external study has none, or "
            f"the folder was deleted). `{rerun}` trains it again."
        )
    target = to or place.folder / "export" / form
    paths = {"folder": target}
    data = None if form in ("peft", "merged") else _training_data(found, place)
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        if form == "peft":
            copy_adapter(adapter, target)
        elif form == "merged":
            _merge(found, place, adapter, target)
        if data is not None:
            paths["training data"] = _written(target / TRAIN_FILE, data)
        for name, text in export_texts(form, _target(found, fact, adapter)).items():
            paths[name] = _written(target / name, text)
    return paths


def _target(found: StudyRead, fact: TrialFact, adapter: Path) -> ExportTarget:
    model, _, revision = found.spec.model.partition("@")
    return ExportTarget(
        study=found.spec.name,
        configuration=fact.trial.configuration,
        model=_loadable(model),
        n_train=found.facts.data.n_train,
        revision=revision or None,
        seed=fact.trial.seed,
        targets=_targets(adapter),
        train_file=TRAIN_FILE,
        dtype=found.facts.model.get("dtype", "float32"),
        accuracy=_accuracy(found),
    )


def _loadable(model: str) -> str:
    """The model under a name that other tools know."""
    from tunebook.engines.base_model import BUILT_IN, BUILT_IN_HUB_ID

    return BUILT_IN_HUB_ID if model == BUILT_IN else model


def _targets(adapter: Path) -> tuple[str, ...]:
    file = adapter / "adapter_config.json"
    if not file.is_file():
        return ()
    modules = json.loads(file.read_text(encoding="utf-8")).get("target_modules") or ()
    return tuple(sorted(modules)) if isinstance(modules, list) else ()


def _accuracy(found: StudyRead) -> str:
    best = found.conclusions.best
    assert best is not None
    low, high = best.corrected_interval
    return (
        f"Validation accuracy {100 * best.corrected:.1f} % ({100 * low:.1f} to {100 * high:.1f}), corrected for having "
        "been chosen."
    )


def _merge(found: StudyRead, place: StudyPlace, adapter: Path, target: Path) -> None:
    from tunebook.engines.base_model import resolve_model
    from tunebook.engines.merge import merge

    merge(resolve_model(found.spec.model, place.base), adapter, target, found.facts.model.get("dtype", "float32"))


def _training_data(found: StudyRead, place: StudyPlace) -> str:
    """The study's training rows as chat messages, in the study's order."""
    splits = read_splits(found.spec.data, found.spec.seed, place.base)
    examples = ((example.messages, example.completion) for example in splits.train)
    return rows(examples, found.spec.data.system)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
