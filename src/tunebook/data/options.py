"""Questions with options: the options stand in the prompt under letters, and the answer is a letter.

Options are a list of texts, a list of objects, an object of texts by letter, columns A to D, or the two lists of ARC
({"text": [...], "label": [...]}); the key is a letter, a number counted from 0, or the text of an option.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from tunebook.data.examples import quoted
from tunebook.data.rows import Parts, Where, optional_text, text_at
from tunebook.phrases import Phrase

__all__ = ["OptionColumns", "as_choice", "option_columns"]

QUESTIONS = ("question", "question_stem", "query", "prompt", "ctx", "problem", "问题", "题目")
OPTIONS = ("choices", "options", "endings", "选项")
LETTERS = ("A", "B", "C", "D")
ANSWERS = (
    "answerKey", "answer_key", "answer_idx", "answer_index", "correct_answer", "correct", "answer", "label", "gold",
    "cop", "答案",
)  # fmt: skip
CONTEXTS = ("passage", "context", "article")


@dataclass(frozen=True)
class OptionColumns:
    """Which columns of a row are a question with options; `options` is empty where they are the columns A to D."""

    question: str
    options: str
    answer: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.question, *((self.options,) if self.options else LETTERS), self.answer)


def option_columns(row: dict[str, Any]) -> OptionColumns | None:
    """The columns of a question with options, or None where a row is none."""
    question = next((key for key in QUESTIONS if key in row), None)
    answer = next((key for key in ANSWERS if key in row), None)
    if question is None or answer is None:
        return None
    for key in OPTIONS:
        if key in row and len(_options(row[key])) > 1:
            return OptionColumns(question, key, answer)
    return OptionColumns(question, "", answer) if all(letter in row for letter in LETTERS) else None


def as_choice(row: dict[str, Any], columns: OptionColumns, where: Where) -> Parts:
    """A row as a prompt with lettered options and the letter of the right one.

    Raises:
        DataError: fewer than two options, or a key that is none of them.
    """
    held = row.get(columns.options) if columns.options else {letter: row.get(letter) for letter in LETTERS}
    options = _options(held)
    if len(options) < 2:
        name = columns.options or "A"
        raise where.error(name, quoted(held), "must hold at least two options", "Write them, or remove the row.")
    letter = _letter(row.get(columns.answer), options)
    if letter is None:
        names = ", ".join(label for label, _ in options)
        raise where.error(
            columns.answer,
            quoted(row.get(columns.answer)),
            Phrase(
                "must be one of {names}, the number of an option from 0 to {last}, or its text",
                names=names,
                last=len(options) - 1,
            ),
            "Correct it, or remove the row.",
        )
    head = next((optional_text(row, key, where) for key in CONTEXTS if key in row and key != columns.question), "")
    lines = [f"{ascii_uppercase[i]}. {text}" for i, (_, text) in enumerate(options)]
    question = text_at(row, columns.question, where)
    prompt = "\n".join([*((head, "") if head.strip() else ()), question, *lines])
    return Parts((("user", prompt),), letter)


def _options(value: Any) -> list[tuple[str, str]]:
    """(label, text) of every option, or nothing where the value holds no options."""
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        labels = value.get("label")
        pairs = list(zip(labels, value["text"], strict=False)) if isinstance(labels, list) else value["text"]
    elif isinstance(value, dict):
        pairs = [(label, text) for label, text in value.items() if text is not None]
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "text" in each for each in value):
        pairs = [(each.get("label", ascii_uppercase[i % 26]), each["text"]) for i, each in enumerate(value)]
    else:
        pairs = value if isinstance(value, list) else []
    found = [pair if isinstance(pair, tuple) else (ascii_uppercase[i % 26], pair) for i, pair in enumerate(pairs)]
    is_plain = all(isinstance(text, str) and isinstance(label, str | int) for label, text in found)
    return [(str(label), text) for label, text in found] if is_plain and len(found) <= 26 else []


def _letter(key: Any, options: list[tuple[str, str]]) -> str | None:
    """The letter of the right option; a label counts before a number, a number before a text."""
    labels, texts = [label.strip() for label, _ in options], [text.strip() for _, text in options]
    if isinstance(key, list) and len(key) == 1:
        key = key[0]
    if isinstance(key, bool) or not isinstance(key, str | int):
        return None
    text = str(key).strip().strip("().")
    for known in (labels, list(ascii_uppercase[: len(options)]), [str(i) for i in range(len(options))], texts):
        if text in known and (known is not texts or known.count(text) == 1):
            return ascii_uppercase[known.index(text)]
    return ascii_uppercase[texts.index(str(key).strip())] if str(key).strip() in texts else None
