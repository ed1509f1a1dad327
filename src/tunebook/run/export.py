"""What is taken away from a study: the best adapter, the merged model, or its configuration for another trainer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tunebook.core.facts import TrialFact
from tunebook.data.splits import read_splits
from tunebook.errors import DataError, NotFoundError, UserError
from tunebook.export import ExportTarget, export_texts, messages
from tunebook.record.files import write_atomically
from tunebook.run.best import best_trial
from tunebook.run.place import StudyPlace
from tunebook.run.reading import StudyRead, read_study

__all__ = ["export_study"]

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def export_study(
    place: StudyPlace, form: str, to: Path | None = None, trust_remote_code: bool = False
) -> dict[str, Path]:
    """Write what a study recommends; see `api.Study.export`.

    Args:
        form: one of `export.FORMATS`.
        to: where; default `export/<form>` in the study folder, written anew each time.

    Returns: path by what it is.
    Raises: NotFoundError: nothing to export yet, or no adapter. UserError: `to` holds something already.
    """
    found = read_study(place)
    fact = best_trial(found)
    if fact is None:
        raise NotFoundError(
            f"{found.spec.name}: found no configuration to recommend yet; an export needs one that has trained. "
            "Go on with `tunebook run`."
        )
    folder = _folder(place, form, to)
    target = _target(place, found, fact, form, folder)
    if form in ("peft", "merged"):
        adapter = _adapter(place, found)
        paths = _copied(adapter, folder) if form == "peft" else _merged(place, found, adapter, folder, trust_remote_code)
    else:
        paths = _training_data(place, found, folder / target.train_file)
    for name, text in export_texts(form, target).items():
        paths[name] = write_atomically(folder / name, text)
    return paths


def _folder(place: StudyPlace, form: str, to: Path | None) -> Path:
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"--to: found something in {to}; an export overwrites nothing. Name a new or empty folder.")
    folder = to or place.folder / "export" / form
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _target(place: StudyPlace, found: StudyRead, fact: TrialFact, form: str, folder: Path) -> ExportTarget:
    name, _, revision = found.spec.model.partition("@")
    local = _local_model(place, name)
    outcome = fact.outcomes["validation"]
    return ExportTarget(
        study=found.spec.name,
        configuration=fact.trial.configuration,
        model=str(local) if local else name,
        revision=revision or None if local is None else None,
        seed=fact.trial.seed,
        targets=_targets(place),
        dtype=str(found.facts.model.get("dtype") or "float32"),
        accuracy=f"Trial {fact.trial.id}: {outcome.accuracy:.1%} of {len(outcome.scores)} validation examples.",
    )


def _local_model(place: StudyPlace, name: str) -> Path | None:
    """The folder of a model that is a folder or the built-in one; None for a hub id."""
    from tunebook.engines.base_model import BUILT_IN, resolve_model

    if name == BUILT_IN or (place.base / name).is_dir():
        return resolve_model(name, place.base).absolute()
    return None


def _targets(place: StudyPlace) -> tuple[str, ...]:
    """Module names with an adapter, as the trained adapter says."""
    config = place.folder / "best" / "adapter_config.json"
    if not config.is_file():
        return ()
    modules = json.loads(config.read_text(encoding="utf-8")).get("target_modules") or ()
    return tuple(sorted(modules)) if isinstance(modules, list) else ()


def _adapter(place: StudyPlace, found: StudyRead) -> Path:
    adapter = place.folder / "best"
    if not all((adapter / name).is_file() for name in ADAPTER_FILES):
        raise NotFoundError(
            f"{adapter}: found no adapter (engine {found.spec.engine}); it holds {' and '.join(ADAPTER_FILES)} after a "
            "run that trains. `tunebook run` writes it; the formats llama-factory and axolotl need none."
        )
    return adapter


def _copied(adapter: Path, folder: Path) -> dict[str, Path]:
    for name in ADAPTER_FILES:
        shutil.copyfile(adapter / name, folder / name)
    return {"adapter": folder}


def _merged(
    place: StudyPlace, found: StudyRead, adapter: Path, folder: Path, trust_remote_code: bool
) -> dict[str, Path]:
    from tunebook.engines.base_model import resolve_model
    from tunebook.engines.merge import merge

    base = resolve_model(found.spec.model, place.base)
    dtype = str(found.facts.model.get("dtype") or "float32")
    return {"model": merge(base, adapter, folder, dtype, trust_remote_code)}


def _training_data(place: StudyPlace, found: StudyRead, path: Path) -> dict[str, Path]:
    """The rows that the study trained on, as chat messages."""
    splits = read_splits(found.spec.data, found.spec.seed, place.base)
    read, known = splits.sources["train"].sha256, found.facts.hashes.get("train")
    if known and read != known:
        raise DataError(
            f"data.train: {found.spec.data.train} has changed since the study began; an export of other data would not "
            "be the study's. Bring the file back, or start a new study."
        )
    rows = messages.rows(((e.messages, e.completion) for e in splits.train), found.spec.data.system)
    return {"data": write_atomically(path, rows)}
