"""What bad input is told, as text files that are reviewed when they change.

`TUNEBOOK_GOLDEN=rewrite` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bad_data import BAD as BAD_DATA
from bad_studies import BAD as BAD_STUDIES

from tunebook.data import Reading, load_rows
from tunebook.errors import UserError
from tunebook.study_file import parse_study
from tunebook.words import words_for

FOLDER = Path(__file__).parent / "messages"


def compare(name: str, text: str) -> None:
    file = FOLDER / name
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def told(action, language: str = "en") -> str:
    with pytest.raises(UserError) as caught:
        action()
    return words_for(language).translated(caught.value.phrase)


@pytest.mark.parametrize(("language", "file"), [("en", "study_file.txt"), ("zh", "study_file.zh.txt")])
def test_messages_about_study_files_are_as_reviewed(language: str, file: str) -> None:
    texts = {name: text for name, (text, _) in BAD_STUDIES.items()}
    parts = [f"## {name}\n{told(lambda text=text: parse_study(text), language)}\n" for name, text in texts.items()]
    compare(file, "\n".join(parts))


def test_messages_about_data_files_are_as_reviewed(tmp_path: Path) -> None:
    parts = []
    for name, (file, content, options, _) in BAD_DATA.items():
        (tmp_path / file).write_bytes(content)
        parts.append(f"## {name}\n{told(lambda: load_rows(file, tmp_path, Reading(**options)))}\n")  # noqa: B023
    compare("data.txt", "\n".join(parts))
