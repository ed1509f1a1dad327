"""The study file that `init` writes, without what the planner adds to its comments."""

from __future__ import annotations

from pathlib import Path

from tunebook.data import inspect_data, study_file_text


def init_text(data: str, folder: str | Path, *, model="smollm2", trials=75, language="en", shown=None) -> str:
    seen = inspect_data(data, folder, language)
    return study_file_text(seen, data, model=model, trials=trials, language=language, shown=shown)
