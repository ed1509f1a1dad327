"""Rows that are made for another training than on one right answer a prompt, and what they are made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunebook.core.row_template import column_template
from tunebook.data.marked_chats import marked_column
from tunebook.data.rows import keys_of
from tunebook.data.unused import data_line
from tunebook.errors import DataError
from tunebook.phrases import Phrase

__all__ = ["refuse_other_kinds"]

WHOLE_TEXTS = ("text", "content")
"""Columns that hold a whole document where they stand alone."""
BESIDE_WHOLE_TEXTS = ("id", "_id", "url", "title", "timestamp", "date", "meta", "metadata", "source")
"""Columns that say where a document comes from, and nothing of what is to be answered."""
OF_CRAWLS = ("dump", "file_path", "language", "language_score", "token_count", "domain", "added", "created")
"""Columns beside the url of a document that was crawled."""
ANSWERS = ("completion", "answer", "response")
ASKED = ("prompt", "question", "instruction", "input", "query")
"""Columns that hold what was asked, of preference data."""
RIGHT_OR_WRONG = (True, False, 0, 1)


def refuse_other_kinds(rows: Sequence[dict[str, Any]], where: str) -> None:
    """Refuse rows that are made for another training.

    Raises:
        DataError: what they are made for, and what to do.
    """
    row = rows[0]
    kind = _kind(row, is_chat=marked_column(rows) is not None)
    if kind is not None:
        raise DataError("{where}: found {keys_of}; {kind}", where=where, keys_of=keys_of(row), kind=kind)


def _kind(row: dict[str, Any], is_chat: bool) -> Phrase | None:
    if "chosen" in row and "rejected" in row:
        return Phrase(
            "chosen and rejected are preference data (DPO), and tunebook tunes on one answer a prompt. To train on the "
            "chosen answers {how}.",
            how=_chosen(row),
        )
    if _is_marked(row):
        return Phrase(
            "an answer with a label that says whether it is right or wrong is preference data (KTO), and tunebook "
            "tunes on one right answer a prompt. Keep the rows whose label is true, and remove the column."
        )
    if "input_ids" in row:
        return Phrase(
            "input_ids are tokens of some other model, and tunebook makes its own from texts. Give the texts."
        )
    if {"message_id", "parent_id"} <= row.keys():
        return Phrase(
            "these are trees of answers with one message a row, and tunebook reads a whole chat in a row. Write each "
            "path of a tree as messages (turns of role and content)."
        )
    if isinstance(row.get("tokens"), list) and any(key.endswith("tags") for key in row):
        return Phrase(
            "a tag for each token is no answer in words. Write the text as the prompt, and what is to be found in it "
            'as the answer, for example {{"person": ["Ann"]}}.'
        )
    if isinstance(row.get("labels"), list) and "label" not in row:
        return Phrase(
            "several labels in a row have no answer of their own. Write them as one text, and say which columns are "
            "which with data.prompt and data.completion."
        )
    if _is_whole_text(row) and not is_chat:
        return Phrase(
            "whole texts are pretraining data, in which no answer can be scored. Give the question and the answer "
            "columns of their own."
        )
    return None


def _chosen(row: dict[str, Any]) -> Phrase:
    """How the chosen answers are trained on: chats as they are, answers by templates, marked chats by themselves."""
    asked = next((name for name in ASKED if isinstance(row.get(name), str)), None)
    if isinstance(row["chosen"], list):
        return Phrase("write data: {columns: {messages: chosen}}")
    if asked is None:
        return Phrase("rename chosen to text and remove rejected")
    return Phrase("write {line}", line=data_line(column_template(asked), column_template("chosen")))


def _is_marked(row: dict[str, Any]) -> bool:
    """Whether an answer has a mark of right or wrong beside it."""
    asked = any(key in row for key in ("prompt", "question"))
    answered = any(isinstance(row.get(key), str | list) for key in ANSWERS)
    return asked and answered and type(row.get("label")) in (bool, int) and row["label"] in RIGHT_OR_WRONG


def _is_whole_text(row: dict[str, Any]) -> bool:
    others = [key for key in row if key.casefold() not in WHOLE_TEXTS]
    texts = [value for key, value in row.items() if key not in others]
    beside = (*BESIDE_WHOLE_TEXTS, *(OF_CRAWLS if "url" in row else ()))
    return (
        len(texts) == 1
        and isinstance(texts[0], str)
        and all(key.casefold() in beside for key in others)
        and ("title" not in row or len(others) > 1)  # a title and a text alone may be a headline to be written
    )
