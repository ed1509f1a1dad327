"""Where a study is: its file, its folder, and the folder that its data paths are relative to (decision 004)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tunebook.errors import NotFoundError
from tunebook.files import reason
from tunebook.ledger import ledger_address

__all__ = ["LEDGER_FILE", "MANIFEST_FILE", "StudyPaths", "locate"]

LEDGER_FILE = "ledger.sqlite"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class StudyPaths:
    """A study's file and folder.

    Attributes:
        file: the study file, or None when only the study folder was given.
        folder: the study folder; by default `runs/<study>/` next to the study file.
        study: the study's name, once known.
        data_root: the folder that the study's relative paths start from, when there is no study file.
    """

    file: Path | None
    folder: Path
    study: str | None = None
    data_root: Path | None = None

    @property
    def base(self) -> Path:
        """The absolute folder that relative paths of the study file start from."""
        return (self.file.parent if self.file else self.data_root or self.folder).absolute()

    @property
    def ledger(self) -> Path:
        """The ledger's file, if the ledger is not in a database."""
        return self.folder / LEDGER_FILE


def locate(study: str | Path, name: str | None = None) -> StudyPaths:
    """The file and folder of a study given on the command line.

    Args:
        study: a study file, or a study folder (one that holds a ledger).
        name: the study's name, when a file is given. Its folder is `runs/<name>` next to the file, or the file's own
            folder if that is already called `runs/<name>`.

    Raises: NotFoundError: there is no such file or folder, or the folder holds no ledger.
    """
    path = Path(study)
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise NotFoundError(
            "{path}: not a valid path ({strerror}). Give a study file or folder.",
            path=str(path)[:100],
            strerror=reason(error),
        ) from None
    if is_folder:
        in_database = ledger_address() is not None and (path / MANIFEST_FILE).is_file()
        if not in_database and not (path / LEDGER_FILE).exists():
            raise NotFoundError(
                "{path}: found a folder without {ledger_file}. A study is its file (study.yaml) or the folder that a "
                "run has made (runs/<study>). Give one of these; for a study in PostgreSQL set TUNEBOOK_LEDGER as "
                "for its run.",
                path=path,
                ledger_file=LEDGER_FILE,
            )
        return StudyPaths(None, path, _named_in_manifest(path) if in_database else None)
    if not path.is_file():
        raise NotFoundError(
            "{path}: no such file or folder. A study is its file (study.yaml) or the folder that a run has made "
            "(runs/<study>). `tunebook init DATA` writes a study file for a dataset.",
            path=path,
        )
    own = path.absolute().parent
    if name and own.name == name and own.parent.name == "runs":
        return StudyPaths(path, path.parent)
    return StudyPaths(path, path.parent / "runs" / (name or path.stem))


def _named_in_manifest(folder: Path) -> str | None:
    """The study's name by its manifest; None: it cannot be read, and the folder's name has to do."""
    try:
        name = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return name if isinstance(name, str) else None
