"""From what the user named to a study's specification and place."""

from __future__ import annotations

from pathlib import Path

from tunebook.core.study import StudySpec
from tunebook.ledger import open_ledger
from tunebook.run.paths import StudyPaths, locate
from tunebook.run.reading import last_note
from tunebook.study_file import load_study

__all__ = ["load", "study_folder"]


def study_folder(study: str | Path) -> Path:
    """The folder of a study given as its file or as that folder; whether a ledger is in it is not looked at."""
    path = Path(study)
    return locate(path, load_study(path).name).folder if path.is_file() else path


def load(study: str | Path, folder: Path | None) -> tuple[StudySpec, StudyPaths]:
    """The specification and the place of a study given as file or folder. See `api.Study.load` for the errors."""
    place = locate(study)
    if place.file is not None:
        spec = load_study(place.file)
        place = locate(study, spec.name)
        return spec, StudyPaths(place.file, folder or place.folder, spec.name)
    copy = place.folder / "study.yaml"
    if copy.is_file():  # its own study file, as `tunebook demo` writes it
        spec = load_study(copy)
        return spec, StudyPaths(copy, place.folder, spec.name)
    ledger = open_ledger(place.folder, write=False)
    try:
        spec_found, root = ledger.spec(), last_note(ledger.notes(), "data_root")
    finally:
        ledger.close()
    assert spec_found is not None, "a ledger without a study is never left behind"
    data_root = place.folder / root["relative"] if root else None
    return spec_found, StudyPaths(None, place.folder, spec_found.name, data_root)
