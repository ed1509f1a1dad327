"""Columns that a reading leaves out: which they are, and which of them the question may hang on.

A question without its passage, or a sentence without the word that is asked about, is learnt without complaint and
wrongly. So `init` reads nothing where a column that is left out has longer texts than the prompt, or is called like a
part of a question; it names the line that takes the column in.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tunebook.core.row_template import RowTemplate, column_template
from tunebook.data.guess import (
    CHOICES,
    CONTEXTS,
    NEVER_LABELS,
    NO_TEXTS,
    SELDOM_LABELS,
    TITLES,
    are_labels,
    are_marks,
    are_questions,
    in_one_number,
    is_about_the_row,
    is_asked,
    is_beside,
    is_marked_up,
    is_named_like_an_answer,
    is_written_out,
    text_answer,
    words_of,
)
from tunebook.data.rows import value_at
from tunebook.phrases import Phrase

__all__ = ["data_line", "likely_reading", "missing_parts", "unused_columns", "with_parts"]

ASKED_ABOUT = ("aspect", "entity", "mention", "span", "word", "term", "phrase", "keyword", "concept")
"""Columns of such names say what of a text is asked about."""
KNOWN = (*TITLES, *CONTEXTS, *CHOICES, *ASKED_ABOUT)
TECHNICAL = ("parse", "token", "tag", "pos", "html", "raw", "embedding", "seed", "comment", "author", "name")
"""Columns of such names have nothing that a prompt shows."""
FEWEST_WORDS = 3
"""Texts of fewer words on average are names and notes."""
MOST_REPEATED = 1.25
"""Where prompts are repeated so often on average, a column may tell their answers apart."""
MOST_ROWS = 200
"""So many rows tell which columns are long."""


_CHINESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]+")


def unused_columns(row: dict[str, Any], used: Iterable[str]) -> tuple[str, ...]:
    """The columns of a row that are not used; of an object of which a part is used, its other parts."""
    known = {*used}
    nested = {name.partition(".")[0] for name in known if name not in row}
    found = []
    for name, value in row.items():
        if name in nested and isinstance(value, dict) and name not in known:
            inner = (each.partition(".")[2] for each in known if each.startswith(f"{name}."))
            found += [f"{name}.{each}" for each in unused_columns(value, inner)]
        elif name not in known:
            found.append(name)
    return tuple(found)


def missing_parts(
    rows: Sequence[dict[str, Any]], unused: Sequence[str], prompt: str, answer: str, is_guess: bool = False
) -> tuple[str, ...]:
    """Of the columns that are not used those without which the rows may not be understood.

    Args:
        prompt, answer: the templates of the reading.
        is_guess: whether the prompt was guessed, so that any other column of texts may be part of it.
    """
    rows = rows[:MOST_ROWS]
    asked, answers = RowTemplate(prompt).columns, RowTemplate(answer).columns
    columns = {name: [_text(value_at(row, name)) for row in rows] for name in (*asked, *answers, *unused)}
    length = sum(_length(columns[name]) for name in asked)
    is_label = are_labels([text for name in answers for text in columns[name]])
    prompts = [*zip(*(columns[name] for name in asked), strict=True)]
    given = [*zip(*(columns[name] for name in answers), strict=True)]
    found = []
    for name in unused:
        texts = columns[name]
        if 2 * sum(map(bool, map(str.strip, texts))) < len(texts) or len({*texts}) < min(2, len(texts)):
            continue
        if is_written_out(name, columns, (*asked, *answers)) or _holds_questions(name, columns, asked):
            continue
        if any(texts == columns[each] or is_marked_up(texts, columns[each]) for each in asked):
            continue
        if are_marks(texts) and text_answer(name) is None:
            continue
        is_text = all(isinstance(value_at(row, name), str) for row in rows)
        is_long = is_text and (_length(texts) > length or (is_guess and _are_sentences(texts)))
        may_be_asked = _is_part(name, asked, rows) or (is_long and _is_shown(name))
        is_rival = (is_label or (is_guess and is_text)) and _is_reply(name, texts)
        if may_be_asked or _parts_answers(texts, prompts, given) or is_rival:
            found.append(name)
    return tuple(found)


def _is_part(name: str, asked: Sequence[str], rows: Sequence[dict[str, Any]]) -> bool:
    """Whether a column is called like a part of a question that no column of the prompt is called like. What of a text
    is asked about stands in a question itself."""
    last, is_question = _last(name), any(map(is_asked, asked))
    if last not in (*CONTEXTS, *CHOICES, *(() if is_question else ASKED_ABOUT)):
        return False
    return all(_last(other) != last for other in asked) and all(
        map(_is_writable, (value_at(row, name) for row in rows))
    )


def _is_writable(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _holds_questions(name: str, columns: dict[str, list[str]], asked: Sequence[str]) -> bool:
    """Whether every text of a column has the question in it: it is the question in a prompt's template."""
    questions, texts = [columns[each] for each in asked if is_asked(each)], columns[name]
    return bool(questions) and all(q.strip() in t for each in questions for q, t in zip(each, texts, strict=True))


def _parts_answers(texts: Sequence[str], prompts: Sequence[Any], answers: Sequence[Any]) -> bool:
    """Whether a column of few values tells apart what prompts that are the same are answered, as the language does into
    which each is to be translated."""
    if not are_labels(texts) or MOST_REPEATED * len({*prompts}) > len(prompts):
        return False
    given = defaultdict(set)
    for text, prompt, answer in zip(texts, prompts, answers, strict=True):
        given[prompt, text].add(answer)
    n_answers = len({*zip(prompts, answers, strict=True)})
    return n_answers > len({*prompts}) and all(len(each) == 1 for each in given.values()) and len(given) == n_answers


def _are_sentences(texts: Sequence[str]) -> bool:
    """Whether texts are of several words, and differ from row to row; in Chinese a word is two characters."""
    filled = [text for text in texts if text.strip()] or [*texts]
    words = [len(text.split()) + sum(map(len, _CHINESE.findall(text))) / 2 for text in filled]
    return statistics.fmean(words) >= FEWEST_WORDS and 2 * len({*filled}) > len(filled)


def _is_shown(name: str) -> bool:
    """Whether a column may be part of a prompt: it is not called like an answer, nor like what is about the row."""
    return not (
        is_beside(name)
        or is_about_the_row(name)
        or is_named_like_an_answer(name)
        or _last(name) in (*NEVER_LABELS, *SELDOM_LABELS, *NO_TEXTS, *TECHNICAL)
    )


def _is_reply(name: str, texts: Sequence[str]) -> bool:
    """Whether a column beside the answer is an answer in words too, so that either may be meant."""
    return text_answer(name) is not None and not are_labels(texts)


def likely_reading(rows: Sequence[dict[str, Any]]) -> tuple[str, str] | None:
    """The likeliest templates of prompt and answer where rows are not plain: everything that may be asked, and the
    column that is called most like an answer, else the longest text beside one of questions, else the last; None: there
    are no two that may be either."""
    rows = rows[:MOST_ROWS]
    columns = {name: [_text(row.get(name)) for row in rows] for name in rows[0]}
    names = [n for n, texts in columns.items() if all(t.strip() for t in texts) and not is_about_the_row(n)]
    names = [n for n in names if is_named_like_an_answer(n) or are_labels(columns[n]) or not are_marks(columns[n])]
    names = [n for n in names if not is_beside(n) and n not in NO_TEXTS] or names
    names = [n for n in names if not is_written_out(n, columns, names)] or names
    if len(names) < 2:
        return None
    labels = [
        name for name in names if are_labels(columns[name]) and _last(name) not in (*NEVER_LABELS, *SELDOM_LABELS)
    ]
    repeated = [name for name in names if are_labels(columns[name])]
    answer = min(reversed(names), key=lambda name: _rank(name, labels, repeated))
    if text_answer(answer) is None and any(are_questions(columns[name]) for name in names):
        longest = max(names, key=lambda name: _length(columns[name]))
        answer = answer if are_questions(columns[longest]) or is_asked(longest) else longest
    others = [name for name in names if name != answer]
    asked = [n for n in others if _is_shown(n) and (is_asked(n) or _last(n) in KNOWN or _are_sentences(columns[n]))]
    asked = asked or [max(others, key=lambda name: _length(columns[name]))]
    return _joined(asked, columns), column_template(answer)


def _rank(name: str, labels: Sequence[str], repeated: Sequence[str]) -> int:
    """How much a column is like an answer; low is more."""
    rank = text_answer(name)
    others = 100 if is_named_like_an_answer(name) else 200 if name in labels else 250 if name in repeated else 300
    return others if rank is None else rank


def with_parts(rows: Sequence[dict[str, Any]], parts: Sequence[str], prompt: str) -> str:
    """The template of a prompt with further columns in it, each where it usually stands."""
    alone = RowTemplate(prompt).alone
    columns = {name: [_text(row.get(name)) for row in rows[:MOST_ROWS]] for name in rows[0]}
    if alone in columns:
        return _joined([*parts, alone], columns)
    before = [name for name in parts if _place(name) < _LAST]
    after = [name for name in parts if _place(name) == _LAST]
    head = f"{_joined(before, columns)}\n\n" if before else ""
    return head + prompt + "".join(f"\n{column_template(name)}" for name in after)


_LAST = 3


def _place(name: str) -> int:
    """Where a column stands in a prompt: a title before its text, that before the question, its options last."""
    return 0 if _last(name) in TITLES else _LAST if _last(name) in CHOICES else 2 if is_asked(name) else 1


def _joined(names: Sequence[str], columns: dict[str, list[str]]) -> str:
    order = [*columns]
    ordered = sorted(names, key=lambda name: (_place(name), order.index(name)))
    text = ""
    for before, name in zip(("", *ordered), ordered, strict=False):
        gap = "\n" if _place(name) == _LAST or (before and _place(before) == 0) else "\n\n"
        text += (gap if text else "") + column_template(name)
    return text


def data_line(prompt: str, completion: str) -> Phrase:
    """What a study file says of two templates, ready to be pasted."""
    return Phrase(
        "data: {{prompt: {prompt}, completion: {completion}}}",
        prompt=json.dumps(prompt, ensure_ascii=False),
        completion=json.dumps(completion, ensure_ascii=False),
    )


def _last(name: str) -> str:
    """The word that a column's name ends in, in one number and without digits."""
    words = words_of(name.rstrip("0123456789"))
    last = words[-1] if words else ""
    return last if last in (*CHOICES, *CONTEXTS) else in_one_number(last)


def _length(texts: Sequence[str]) -> float:
    return statistics.fmean(map(len, texts)) if texts else 0.0


def _text(value: Any) -> str:
    """A value as a text, to see whether there is any and how long it is."""
    if isinstance(value, dict | list):
        return "\n".join(map(_text, value.values() if isinstance(value, dict) else value))
    return "" if value is None else str(value)
