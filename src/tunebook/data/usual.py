"""The names under which people keep a prompt and its answer, and how such rows become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.row_template import RowTemplate
from tunebook.data.rows import has_column

__all__ = ["PAIRS", "USUAL", "Usual", "usual_columns"]

PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("query", "response"),
    ("input", "output"),
    ("source", "target"),
    ("text", "label"),
    ("sentence", "label"),
    ("question", "solution"),
    ("question", "query"),
    ("question", "sql"),
    ("question", "correct_answer"),
    ("inputs", "targets"),
    ("text", "category"),
    ("text", "intent"),
    ("text", "sentiment"),
    ("text", "class"),
    ("text", "target"),
    ("utterance", "intent"),
    ("message", "intent"),
    ("query", "intent"),
    ("review", "sentiment"),
    ("review", "label"),
    ("tweet", "sentiment"),
    ("content", "label"),
    ("content", "category"),
    ("title", "label"),
    ("title", "category"),
    ("message", "label"),
    ("question", "answers"),
    ("query", "answer"),
    ("query", "answers"),
    ("intent", "snippet"),
    ("sentence", "corrections"),
    ("prompt", "canonical_solution"),
    ("text", "code"),
    ("problem", "solution"),
    ("problem", "answer"),
    ("document", "summary"),
    ("article", "highlights"),
    ("article", "summary"),
    ("article", "abstract"),
    ("content", "summary"),
    ("dialogue", "summary"),
    ("text", "summary"),
    ("context", "response"),
    ("question", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("prompt", "label"),
    ("input", "label"),
    ("input", "target"),
    ("文本", "标签"),
    ("文本", "类别"),
    ("内容", "标签"),
    ("标题", "类别"),
    ("标题", "标签"),
    ("评论", "情感"),
    ("问题", "答案"),
    ("问题", "回答"),
    ("输入", "输出"),
)
"""Names under which a prompt and its completion are found, in this order, in any case."""

CONTEXTS = (
    "context", "passage", "body", "support", "story", "paragraph", "article", "document", "text", "tweet", "transcript",
    "dialogue", "report",
)  # fmt: skip
CONTEXT_ANSWERS = ("answer", "answers", "answers_spans", "correct_answer", "label")
"""The answers to a question on a context."""
TWO_TEXTS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("sentence_1", "sentence_2"),
    ("claim", "evidence"),
    ("question", "sentence"),
    ("title", "content"),
    ("title", "description"),
    ("title", "body"),
    ("subject", "body"),
)
"""Two texts that have one label together."""
LABELS = ("label", "gold_label", "is_duplicate", "category", "class", "class index", "score", "similarity")


LABEL_ANSWERS = ("label", "category", "intent", "类别", "标签")
FREE_ANSWERS = ("answer", "response", "reply", "答案", "回答", "回复")
"""Where a row has one of these, what is called like a label says what kind of row it is."""

NAMES = ("name", "text", "desc", "des", "description", "str")
"""What follows the name of a column of class numbers in that of their names: label_text beside label."""


@dataclass(frozen=True)
class Usual:
    """A usual shape of rows: the prompt as a template, and the column of the answer."""

    prompt: str
    answer: str


USUAL = (
    *(Usual(f"{{{context}}}\n\n{{question}}", answer) for context in CONTEXTS for answer in CONTEXT_ANSWERS),
    Usual("{definition}\n{inputs}", "targets"),
    Usual("{sql_context}\n\n{sql_prompt}", "sql"),
    *(Usual(f"{{{a}}}\n{{{b}}}", label) for a, b in TWO_TEXTS for label in LABELS),
    *(Usual(f"{{{prompt}}}", answer) for prompt, answer in PAIRS),
)
"""Every shape, in the order in which they are looked for."""


def usual_columns(row: dict[str, Any]) -> Usual | None:
    """The first usual shape that a row has, in the names that the row has; columns match in any case."""
    folded = {key.strip().casefold(): key for key in reversed(row) if isinstance(key, str)}
    own = {key: key for key in row} | {name: key for name, key in folded.items() if name not in row}
    for shape in USUAL:
        prompt = RowTemplate(shape.prompt)
        if shape.answer in own and all(has_column(own, column) for column in prompt.columns):
            if not _fits(shape, {name: row[key] for name, key in own.items()}, prompt.columns):
                continue
            text = "".join(f"{{{own[piece]}}}" if is_column else piece for piece, is_column in prompt.pieces)
            named = next((own[name] for end in NAMES if (name := f"{shape.answer}_{end}") in own), None)
            return Usual(text, own[shape.answer] if named is None else named)
    return None


def _fits(shape: Usual, values: dict[str, Any], asked: Sequence[str]) -> bool:
    """Whether what stands in the columns speaks against their names: tokens for texts, a context that is the question
    and its answer written once more, or a label beside an answer."""
    if any(isinstance(values.get(name), list) and _are_numbers(values[name]) for name in (*asked, shape.answer)):
        return False
    if shape.answer in LABEL_ANSWERS and any(isinstance(values.get(name), str) for name in FREE_ANSWERS):
        return "question" in asked and shape.answer == "label"
    question = values.get("question")
    return not (
        len(asked) == 2 and asked[0] in CONTEXTS and isinstance(question, str) and question in str(values[asked[0]])
    )


def _are_numbers(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(each, int | float) for each in values)
