"""Writes the built-in study into a folder: its study file and its data."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from tunebook.demo.questions import write_questions
from tunebook.files import write_atomically, writing

__all__ = ["write_demo"]

STUDY_FILE = "study.yaml"
DATA_FOLDER = "data"


def write_demo(
    folder: str | Path, *, trials: int | None = None, engine: str | None = None, language: str | None = None
) -> Path:
    """Write the built-in study into its folder, or update the one that is there.

    Existing files are kept, including an edited study file, in which only the values given here are changed.

    Args:
        folder: the study folder; created if missing. The data go into its subfolder "data".
        trials: the budget; None: unchanged.
        engine: the engine's name; None: unchanged.
        language: the study's language, "en" or "zh"; None: unchanged.

    Returns: the study file.

    Raises:
        DiskFull, UnwritableFolder: it cannot be written.
    """
    folder = Path(folder)
    file, data = folder / STUDY_FILE, folder / DATA_FOLDER
    with writing(folder):
        data.mkdir(parents=True, exist_ok=True)
        if not all((data / f"{split}.jsonl").exists() for split in ("train", "validation", "test")):
            write_questions(data)
        old = file.read_text(encoding="utf-8") if file.exists() else None
        text = _with_values(
            old or files(__package__).joinpath("demo.yaml").read_text(encoding="utf-8"),
            {
                "budget": f"{{trials: {trials}}}" if trials is not None else None,
                "engine": engine,
                "report": f"{{language: {language}}}" if language is not None else None,
            },
        )
        if text != old:
            write_atomically(file, text)
    return file


def _with_values(text: str, values: dict[str, str | None]) -> str:
    for key, value in values.items():
        if value is not None:
            text, n = re.subn(rf"(?m)^{key}:.*$", lambda _, line=f"{key}: {value}": line, text)  # type: ignore[misc]
            text += "" if n else f"{key}: {value}\n"
    return text
