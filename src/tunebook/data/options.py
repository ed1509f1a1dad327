"""Questions with options: the options stand in the prompt under letters, and the answer is a letter.

Options are a list of texts, a list of objects, an object of texts by letter, columns of their own (A to D, option1 and
option2, ending0 to ending3), or the two lists of ARC ({"text": [...], "label": [...]}); the key is a letter, a number,
or the text of an option. Numbers count from 0, or from 1 where 0 never occurs and the number of options does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from tunebook.data.examples import quoted
from tunebook.data.guess import opened, words_of
from tunebook.data.rows import Parts, Where, optional_text, text_at, value_at, with_lines
from tunebook.phrases import Phrase

__all__ = ["OptionColumns", "as_choice", "option_columns"]

QUESTIONS = (
    "question", "question_stem", "stem", "query", "prompt", "ctx", "problem", "goal", "startphrase", "sentence", "问题",
    "题目",
)  # fmt: skip
OPTIONS = ("choices", "options", "endings", "choice", "选项")
NUMBERED = "answers"
"""Holds options where the key is the number of one; else several right answers."""
ANSWERS = (
    "answerkey", "answer_key", "answer_idx", "answer_index", "correct_answer", "correct_option", "correct", "answer",
    "label", "gold", "cop", "答案",
)  # fmt: skip
CONTEXTS = ("passage", "context", "article", "premise", "para", "paragraph", "story", "support", "dialogue")
OTHER_COLUMN = re.compile(r"(?P<head>[a-z][a-z_ ]*?)_?(?P<end>(?<=_)[a-h]|[0-8])", re.IGNORECASE)
"""Names of columns that hold an option each where the key of every row is the letter or the number of one."""
NO_HEADS = [[each] for each in ("sentence", "question", "text", "response", "output", "completion", "summary", "ref")]
"""What columns of texts to be compared, or of answers that are preferred, are called before their numbers."""
COLUMN = re.compile(r"(?P<head>|option|choice|answer|ending|op|opt|sol)_?(?P<end>[a-h]|[0-8])", re.IGNORECASE)
"""Names of columns that hold an option each."""
FEWEST_LETTERS = 4
"""Columns called by a letter alone are options where there are so many."""
MARK = re.compile(r"\s*\(?(?P<letter>[A-Z])\s?[).:]\s*")
"""The letter that an option's own text may begin with."""


@dataclass(frozen=True)
class OptionColumns:
    """Which columns of a row are a question with options.

    Attributes:
        options: the column of the options, or those that hold one each.
        base: where numbers in the answer count from.
    """

    question: str
    options: tuple[str, ...]
    answer: str
    context: str | None = None
    base: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.question, *self.options, self.answer)

    def held(self, row: dict[str, Any]) -> Any:
        """What holds a row's options."""
        if len(self.options) == 1:
            return value_at(row, self.options[0])
        return [row[name] for name in self.options if row.get(name) not in (None, "")]


def option_columns(rows: Sequence[dict[str, Any]]) -> OptionColumns | None:
    """The columns of questions with options, or None where the rows are none; columns match in any case."""
    rows = [opened(row, QUESTIONS) for row in rows]
    row = rows[0]
    own = {key.rpartition(".")[2].strip().casefold(): key for key in reversed(row) if isinstance(key, str)}
    ending = {words[-1]: name for name in reversed(own.values()) if (words := words_of(name))}
    question = next((found[key] for found in (own, ending) for key in QUESTIONS if key in found), None)
    answer = next((own[key] for key in ANSWERS if key in own and row[own[key]] is not None), None)
    if question is None or answer is None:
        return None
    listed = next((own[key] for key in OPTIONS if key in own and len(_options(row[own[key]])) > 1), None)
    if listed is None and NUMBERED in own and own[NUMBERED] != answer and _are_numbers(rows, answer, own[NUMBERED]):
        listed = own[NUMBERED]
    options = (listed,) if listed is not None else _columns_of_options(row, COLUMN)
    options = options or _other_columns(rows, answer)
    if not options:
        return None
    context = next((own[key] for key in CONTEXTS if key in own and own[key] != question), None)
    n_options = len(options) if listed is None else len(_options(row[listed]))
    return OptionColumns(question, options, answer, context, _base([each.get(answer) for each in rows], n_options))


def _are_numbers(rows: Sequence[dict[str, Any]], answer: str, options: str) -> bool:
    """Whether the key of every row is the number of one of its several options."""
    numbers = [len(_options(row.get(options))) for row in rows]
    return all(
        n > 1 and type(row.get(answer)) is int and 0 <= row[answer] < n for row, n in zip(rows, numbers, strict=True)
    )


def _other_columns(rows: Sequence[dict[str, Any]], answer: str) -> tuple[str, ...]:
    """Numbered or lettered columns of which every row's key names one; empty: there are none."""
    columns = _columns_of_options(rows[0], OTHER_COLUMN)
    held = [[(ascii_uppercase[i], str(row.get(name))) for i, name in enumerate(columns)] for row in rows]
    base = _base([row.get(answer) for row in rows], len(columns))
    is_key = all(_letter(row.get(answer), options, base) for row, options in zip(rows, held, strict=True))
    return columns if columns and is_key else ()


def _columns_of_options(row: dict[str, Any], names: re.Pattern[str]) -> tuple[str, ...]:
    """The columns that hold an option each, in order; empty: there are none."""
    found: dict[str, dict[str, str]] = {}
    for name in row:
        match = names.fullmatch(name.strip()) if isinstance(name, str) and row[name] is not None else None
        if match is not None and words_of(match["head"])[-1:] not in NO_HEADS:
            found.setdefault(match["head"].casefold(), {})[match["end"].casefold()] = name
    for head, ends in found.items():
        first = next((start for start in "a01" if start in ends), None)
        if first is None or (not head and first != "a"):
            continue
        following = [chr(ord(first) + i) for i in range(len(ends))]
        if set(following) == ends.keys() and len(ends) >= (2 if head else FEWEST_LETTERS):
            return tuple(ends[end] for end in following)
    return ()


def _base(keys: Sequence[Any], n_options: int) -> int:
    """Where the numbers of the answers count from."""
    texts = {str(key).strip() for key in keys}
    are_numbers = all(text.isdecimal() and len(text) < 3 for text in texts)
    return int(are_numbers and "0" not in texts and {"1", str(n_options)} <= texts)


def as_choice(row: dict[str, Any], columns: OptionColumns, where: Where) -> Parts:
    """A row as a prompt with lettered options and the letter of the right one.

    Raises:
        DataError: fewer than two options, or a key that is none of them.
    """
    held = columns.held(row)
    options = _options(held)
    if len(options) < 2:
        raise where.error(
            columns.options[0], quoted(held), "must hold at least two options", "Write them, or remove the row."
        )
    letter = _letter(value_at(row, columns.answer), options, columns.base)
    if letter is None:
        names = ", ".join(label for label, _ in options)
        raise where.error(
            columns.answer,
            quoted(value_at(row, columns.answer)),
            Phrase(
                "must be one of {names}, the number of an option from {first} to {last}, or its text",
                names=names,
                first=columns.base,
                last=len(options) - 1 + columns.base,
            ),
            "Correct it, or remove the row.",
        )
    head = optional_text(with_lines(row), columns.context, where) if columns.context else ""
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
    is_plain = all(isinstance(text, str | int | float) and isinstance(label, str | int) for label, text in found)
    return _unmarked([(str(label), str(text)) for label, text in found]) if is_plain and len(found) <= 26 else []


def _unmarked(options: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The options without the letters that their texts begin with, where all do."""
    marks = [MARK.match(text) for _, text in options]
    if not all(mark and mark["letter"] == ascii_uppercase[i] for i, mark in enumerate(marks)):
        return options
    return [(label, text[mark.end() :]) for (label, text), mark in zip(options, marks, strict=True) if mark]


def _letter(key: Any, options: list[tuple[str, str]], base: int) -> str | None:
    """The letter of the right option; a label counts before a number, a number before a text."""
    labels, texts = [label.strip() for label, _ in options], [text.strip() for _, text in options]
    if isinstance(key, list) and len(key) == 1:
        key = key[0]
    if isinstance(key, bool) or not isinstance(key, str | int):
        return None
    text = str(key).strip().strip("().")
    for known in (labels, list(ascii_uppercase[: len(options)]), [str(i + base) for i in range(len(options))], texts):
        if text in known and (known is not texts or known.count(text) == 1):
            return ascii_uppercase[known.index(text)]
    return ascii_uppercase[texts.index(str(key).strip())] if str(key).strip() in texts else None
