"""What `init` takes for prompt and answer in columns of unknown names: it looks at what stands in them.

An answer is a column called so, a column of few different values, or the second of two columns of text; a prompt is the
column called so, else the longest column of text, after its title. Thoughts, wrong answers and the row written out once
more are neither. What is not plain is refused, and the user says it.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.row_template import RowTemplate, column_template

__all__ = [
    "Guess",
    "are_labels",
    "are_marks",
    "are_questions",
    "guess_columns",
    "in_one_number",
    "is_about_the_row",
    "is_asked",
    "is_beside",
    "is_named_like_an_answer",
    "is_written_out",
    "looks_like_a_row",
    "named_language",
    "names_above",
    "opened",
    "text_answer",
    "titles_of",
    "words_of",
]

MOST_LABELS = 100
ROWS_A_LABEL = 3
"""A label stands in at least so many rows on average."""
ANSWER_NAMES = (
    "label", "class", "category", "intent", "sentiment", "topic", "target", "answer", "output", "response",
    "completion", "summary", "translation", "rating", "stars", "kind", "verdict", "decision", "outcome",
    "标签", "类别", "分类", "意图", "情感", "答案", "回答",
)  # fmt: skip
NO_PROMPTS = (
    "id", "idx", "index", "uuid", "guid", "url", "link", "date", "time", "timestamp", "split", "编号", "序号", "时间",
    "日期", "链接",
)  # fmt: skip
"""Columns of such names are never taken."""
TITLES = ("title", "headline", "subject", "标题")
"""Columns of such names stand before the text that they are the title of."""
NEVER_LABELS = (
    "source", "license", "locale", "model", "version", "subset", "dump", "annotator", "author", "path", "file",
    "filename", "来源", "版本", "作者",
)  # fmt: skip
SELDOM_LABELS = ("type", "task", "lang", "language", "domain", "channel", "status", "region", "country", "语言", "渠道")
"""Columns of such names are the answer only where no other may be, and the row has one text."""
NO_TEXTS = ("system", "system_prompt", "meta", "metadata")
CONTEXTS = (
    "context", "contexts", "passage", "passages", "paragraph", "paragraphs", "article", "document", "documents",
    "story", "dialogue", "dialog", "transcript", "table", "schema", "premise", "hypothesis", "evidence", "background",
    "history",
    "上下文", "背景", "材料", "文章", "段落", "原文",
)  # fmt: skip
"""Columns of such names are what a question is about."""
CHOICES = ("choices", "choice", "options", "option", "endings", "选项")
"""A question with such a column that could not be read as options is not to be asked without them."""
PROMPTS = (
    "question", "prompt", "query", "problem", "instruction", "input", "inputs", "request", "src", "问题", "输入",
    "提问", "指令",
)  # fmt: skip
"""A column of texts of such a name is what is asked."""
TEXT_ANSWERS = (
    "completion", "response", "output", "solution", "answer", "reply", "summary", "tldr", "highlights", "translation",
    "simplification", "correction", "paraphrase", "truth", "reference", "tgt", "答案", "回答", "回复", "摘要", "译文",
)  # fmt: skip
"""A column of texts of such a name is the answer, whatever else repeats; of several the first of these."""
MEDIA = ("text", "desc", "description")
"""What a name may end in after the word that says what the texts are: reply_text."""
THOUGHTS = (
    "reasoning", "cot", "rationale", "explanation", "justification", "thinking", "thought", "thoughts", "analysis",
    "attempt", "feedback", "解析", "思考", "推理",
)  # fmt: skip
WRONG = ("incorrect", "wrong", "rejected", "bad", "distractor", "distractor1", "distractor2", "distractor3")
"""Columns with such a word in their names are neither asked nor answered."""
LANGUAGES = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "sw", "ta", "th", "tr", "uk", "ur",
    "vi", "zh", "arabic", "chinese", "czech", "dutch", "english", "finnish", "french", "german", "hindi", "indonesian",
    "italian", "japanese", "korean", "polish", "portuguese", "russian", "spanish", "swedish", "turkish", "vietnamese",
    "中文", "汉语", "英文", "英语", "日文", "日语", "法语", "德语", "韩语", "俄语", "西班牙语",
)  # fmt: skip
"""Columns of such names hold the same text in several languages, where there are two of them."""
SHORT = 2
"""How much longer the texts are than what may be their labels."""
LONGEST_NAME = 60
"""A name of a column has at most so many characters."""
FAR_SHORTER = 8
"""How much longer a question is than an answer of unknown name that may be its title."""
FEWEST_MARKS, MOST_ALIKE = 5, 0.9
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*%?")
_MARK, _MARKED = re.compile(r"[\w.:@/\\#?&=%~-]+", re.ASCII), re.compile(r"[\d@/\\]")
"""What ids, addresses and names of files are of, and what stands in them and hardly in words."""
MARKED, LONGEST_MARKS = 2, 20
"""A text with marks in it is at most so many times as long as without, and so many characters more."""
FEWEST_OF_A_TEXT = 3
"""A text has so many different words."""
_WORD = re.compile(r"\w+")
_DATE = re.compile(r"\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")


@dataclass(frozen=True)
class Guess:
    """The templates of prompt and answer."""

    prompt: str
    completion: str


def guess_columns(rows: Sequence[dict[str, Any]]) -> Guess | None:
    """Which columns are prompt and answer, or None where that is not plain."""
    needed = (name for name, value in rows[0].items() if not isinstance(value, str) or name.casefold() in CHOICES)
    if any(name.strip().casefold() in (*CONTEXTS, *CHOICES) for name in needed):
        return None  # what the question is about could not be left out
    flat = [_flat(row) for row in rows]
    names = [name for name in flat[0] if not is_about_the_row(name) and name.casefold() not in NO_TEXTS]
    columns = {name: values for name in names if (values := _values(flat, name))}
    repeated = [name for name, values in columns.items() if are_labels(values)]
    texts = [n for n, values in columns.items() if n not in repeated and all(isinstance(v, str) for v in values)]
    texts = [name for name in texts if not is_beside(name)]
    texts = [name for name in texts if not is_written_out(name, columns, texts)]
    texts = [name for name in texts if not any(is_marked_up(columns[name], columns[n]) for n in texts if n != name)]
    labels = _labels(repeated, texts)
    if _are_versions(texts):
        return None
    lists = _lists(rows)
    answer = _object(rows, texts, labels) or _references(rows, lists, texts, labels) or _answer(texts, labels, lists)
    if answer is not None and _may_be_the_other_way(answer, texts, labels, columns):
        return None
    others = [name for name in texts if name != answer]
    prompts = [name for name in others if not is_named_like_an_answer(name)] or others
    if answer is not None and texts == [answer] and len(lists) == 1:
        return Guess(column_template(lists[0]), column_template(answer))
    if answer is None or not prompts:
        return None
    asked = list(filter(is_asked, prompts))
    lengths = {name: statistics.fmean(len(str(value)) for value in columns[name]) for name in prompts}
    longest = asked[0] if len(asked) == 1 else max(prompts, key=lambda name: lengths[name])
    titles = titles_of(flat, longest, (answer,))
    return Guess("\n".join(map(column_template, [*titles[:1], longest])), column_template(answer))


def is_written_out(name: str, columns: Mapping[str, Sequence[str | int]], texts: Sequence[str]) -> bool:
    """Whether every text of a column has in it those of two others: it is the row once more, as a finished prompt."""
    inside = [
        other
        for other in texts
        if other != name
        and all(str(part).strip() in str(whole) for part, whole in zip(columns[other], columns[name], strict=True))
    ]
    return len(inside) > 1


def is_marked_up(texts: Sequence[str | int], known: Sequence[str | int]) -> bool:
    """Whether a column has the words of another with little between them: the same text with marks, or not cleaned."""
    pairs = [(str(text), str(other)) for text, other in zip(known, texts, strict=True)]
    if all("".join(text.split()) == "".join(other.split()) for text, other in pairs):
        return sum(len(other) - len(text) for text, other in pairs) > 0  # its words are parted, as in Chinese
    words = [({*_WORD.findall(text)}, {*_WORD.findall(other)}) for text, other in pairs]
    is_no_longer = all(len(text) <= len(other) <= MARKED * len(text) + LONGEST_MARKS for text, other in pairs)
    return is_no_longer and all(len(some) >= FEWEST_OF_A_TEXT and some <= others for some, others in words)


def is_beside(name: str) -> bool:
    """Whether a column is called like thoughts or a wrong answer, which are neither asked nor answered."""
    return bool({*THOUGHTS, *WRONG} & {*words_of(name), *words_of(name.casefold())})


def _are_versions(texts: Sequence[str]) -> bool:
    """Whether several columns are the same but for a number or a letter, so that something is to be chosen from them:
    response_0 and response_1, human_ref_A and human_ref_B."""
    heads = [words_of(name)[:-1] for name in texts if len((words_of(name) or [""])[-1]) == 1]
    return any(heads.count(head) > 1 for head in heads if head)


def _lists(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The columns that hold a list of texts in every row."""
    return [
        name
        for name in rows[0]
        if all(
            isinstance(row.get(name), list) and row[name] and all(isinstance(each, str) for each in row[name])
            for row in rows
        )
    ]


def _references(
    rows: Sequence[dict[str, Any]], lists: Sequence[str], texts: Sequence[str], labels: Sequence[str]
) -> str | None:
    """The only column of lists of texts beside one text: several right answers."""
    return lists[0] if len(lists) == 1 and len(texts) == 1 and not labels and len(rows[0]) == 2 else None


def _labels(repeated: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Of the columns of few different values those that may be an answer."""
    possible = [name for name in repeated if _last_word(name) not in NEVER_LABELS]
    often = [name for name in possible if _last_word(name) not in SELDOM_LABELS]
    return often if often or len(texts) > 1 else possible


def _object(rows: Sequence[dict[str, Any]], texts: Sequence[str], labels: Sequence[str]) -> str | None:
    """The only column of objects beside one of texts; of an object with one field, the field is meant."""
    objects = [name for name in rows[0] if name not in NO_TEXTS and "meta" not in name and _are_objects(rows, name)]
    if len(objects) != 1 or (isinstance(rows[0][objects[0]], dict) and len(rows[0][objects[0]]) < 2):
        return None
    held = rows[0][objects[0]]
    if isinstance(held, list) and any(text_answer(key) is not None for key in held[0]):
        return None  # rows in a row: answers among them
    if isinstance(held, dict) and all(isinstance(each, list) for each in held.values()):
        return None  # lists side by side: several questions' answers
    beside = [name for name in (*texts, *labels) if not name.startswith(f"{objects[0]}.")]
    return objects[0] if len(beside) == 1 and beside[0] in texts else None


def _answer(texts: Sequence[str], labels: Sequence[str], lists: Sequence[str]) -> str | None:
    if len(texts) == 1 and len(lists) == 1 and not labels and is_named_like_an_answer(texts[0]):
        return texts[0]  # to a list, as of words
    replies = [name for name in texts if text_answer(name) is not None]
    if replies and len(texts) > len(replies):
        rank = min(map(text_answer, replies), key=lambda at: len(TEXT_ANSWERS) if at is None else at)
        first = [name for name in replies if text_answer(name) == rank]
        if len(first) == 1:
            return first[0]
        return None
    prompts = list(filter(is_asked, texts))
    if len(texts) == 2 and len(prompts) == 1 and not any(map(is_named_like_an_answer, labels)):
        return next(name for name in texts if name not in prompts)  # a question and what is said to it
    if labels:
        asked = [name for name in texts if not is_named_like_an_answer(name) and name.strip().casefold() not in TITLES]
        return _only(list(filter(is_named_like_an_answer, labels))) or (_only(labels) if len(asked) < 2 else None)
    return (_only(list(filter(is_named_like_an_answer, texts))) or texts[1]) if len(texts) == 2 else None


def _may_be_the_other_way(
    answer: str, texts: Sequence[str], labels: Sequence[str], columns: Mapping[str, Sequence[str | int]]
) -> bool:
    """Whether what stands in the columns speaks against an answer: a label of questions that have a longer text beside
    them, or a text that is far shorter than what is asked and not called like an answer."""
    if answer not in columns:
        return False
    length = {name: statistics.fmean(len(str(value)) for value in columns[name]) for name in (*texts, answer)}
    others = [name for name in texts if name != answer]
    if answer in labels:
        asked = [name for name in others if are_questions(columns[name])]
        return len(asked) == 1 and any(length[name] > length[asked[0]] for name in others)
    is_called = is_named_like_an_answer(answer) or named_language(column_template(answer))
    return not is_called and bool(others) and FAR_SHORTER * length[answer] < min(length[name] for name in others)


def are_questions(values: Sequence[str | int]) -> bool:
    """Whether most texts end with a question mark."""
    return 2 * sum(str(value).rstrip().endswith(("?", "？")) for value in values) > len(values)


def titles_of(rows: Sequence[dict[str, Any]], text: str, without: Sequence[str]) -> list[str]:
    """The columns that hold the titles of a text."""
    names = [name for name in rows[0] if name not in (text, *without) and _is_title(name, text)]
    held = {name: [row.get(name) for row in rows] for name in names}
    return [name for name in names if _are_often_texts(held[name]) and not are_labels(held[name])]


def _are_often_texts(values: Sequence[Any]) -> bool:
    """Whether values are texts, at most half of them empty."""
    return all(isinstance(value, str) for value in values) and 2 * sum(map(bool, values)) >= len(values)


def _is_title(name: str, text: str) -> bool:
    """Whether a column is the title of a text: called so, or review_headline beside review_body."""
    words = words_of(name)
    return name.strip().casefold() in TITLES or (
        words[-1:] != [] and words[-1] in TITLES and words[:-1] == words_of(text)[:-1]
    )


def is_asked(name: str) -> bool:
    """Whether a column is called like a question, by the word that it ends in."""
    return any(word in PROMPTS for word in forms_of(*words_of(name)[-1:]))


def text_answer(name: str) -> int | None:
    """The position in TEXT_ANSWERS of what a column's name ends in, in one number or several."""
    words = [word for word in words_of(name) if word not in MEDIA] or words_of(name)
    return next((TEXT_ANSWERS.index(each) for each in forms_of(*words[-1:]) if each in TEXT_ANSWERS), None)


def forms_of(word: str = "") -> tuple[str, ...]:
    """A word as it is, and in one number: summaries and summary. In Chinese, whose words stand together, what it may
    end in too."""
    if not word.isascii():
        return tuple(word[at:] for at in range(max(1, len(word) - 1)))
    return (word, in_one_number(word))


def in_one_number(word: str) -> str:
    """summary of summaries, answer of answers."""
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: correctAnswer, correct_answer and Correct Answer have the same."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rpartition(".")[2])
    return [word for word in re.split(r"[\W_]+", parted.casefold()) if word]


def is_named_like_an_answer(name: str) -> bool:
    """Whether a column is called like an answer, by the word that it ends in."""
    words = [word for word in words_of(name) if word not in (*MEDIA, "name")]
    return any(each in ANSWER_NAMES or each in TEXT_ANSWERS for each in forms_of(*words[-1:]))


def named_language(template: str) -> str:
    """The column of a template of one column that is called like a language; empty: it is not."""
    column = RowTemplate(template).alone
    words = [] if column is None else words_of(column)
    return column if column is not None and len(words) == 1 and words[0] in LANGUAGES else ""


def looks_like_a_row(rows: Sequence[dict[str, Any]]) -> str | None:
    """What among the names of the columns is the value of a row, as where a CSV file has no header; None: nothing.

    It is a number or a whole sentence, or stands in its own column too.
    """
    for name in rows[0]:
        values = {str(row.get(name)).strip() for row in rows}
        is_sentence = len(name) > LONGEST_NAME or name.rstrip().endswith(("。", "！", "？"))
        if name.strip() and (name.strip() in values or _NUMBER.fullmatch(name.strip()) or is_sentence):
            return name
    return None


def names_above(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Names that the columns of rows without a header may have, by what stands in them."""
    columns = {name: [str(row.get(name)) for row in rows] for name in rows[0]}
    lengths = {name: statistics.fmean(map(len, values)) for name, values in columns.items()}
    short = [name for name in columns if SHORT * lengths[name] < max(lengths.values())]
    marks = [name for name, values in columns.items() if are_marks(values) and not are_labels(values)]
    kinds = ["id" if name in marks else "label" if name in short else "text" for name in columns]
    return [kind if kinds.count(kind) == 1 else f"{kind}{kinds[: i + 1].count(kind)}" for i, kind in enumerate(kinds)]


def is_about_the_row(name: str) -> bool:
    """Whether a column of that name numbers or dates a row: also one without a name, as tables write their index."""
    return any(each in NO_PROMPTS for each in forms_of(_last_word(name))) or words_of(name)[:1] in ([], ["unnamed"])


def _last_word(name: str) -> str:
    return name.rpartition(".")[2].strip().casefold().replace(" ", "_").rpartition("_")[2]


def _are_objects(rows: Sequence[dict[str, Any]], name: str) -> bool:
    """Whether a column holds an object, or a list of objects, in every row."""
    values = [row.get(name) for row in rows]
    return all(
        value
        and (isinstance(value, dict) or (isinstance(value, list) and all(isinstance(each, dict) for each in value)))
        for value in values
    )


def opened(row: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A row in which objects with a key of these names stand as their parts, by dotted names."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        is_opened = isinstance(value, dict) and any(key in names for key in value)
        found |= {f"{name}.{key}": each for key, each in value.items()} if is_opened else {name: value}
    return found


def _flat(row: dict[str, Any], head: str = "") -> dict[str, Any]:
    """A row with its nested columns by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= _flat(value, f"{head}{name}.") if isinstance(value, dict) else {f"{head}{name}": value}
    return flat


def _values(rows: Sequence[dict[str, Any]], name: str) -> list[str | int] | None:
    """The values of a column of texts or whole numbers that no row leaves empty and that are not all the same, nor
    dates, or None."""
    values = [row.get(name) for row in rows]
    if len(values) > 1 and all(value == values[0] for value in values):
        return None
    if "{" in name or "}" in name or not all(isinstance(value, str | int) and str(value).strip() for value in values):
        return None
    found = [value for value in values if isinstance(value, str | int)]
    is_answer = is_named_like_an_answer(name) or are_labels(found)
    return None if are_marks(found) and not is_answer else found


def are_marks(values: Sequence[str | int]) -> bool:
    """Whether values number, date or identify rows rather than say something: numbers, dates, or single words of
    letters and digits (ids, addresses, names of files), nearly all of them different."""
    texts = [str(value).strip() for value in values]
    if len(texts) < FEWEST_MARKS:
        return False
    return any(all(map(match, texts)) for match in (_NUMBER.fullmatch, _DATE.match)) or (
        len({*texts}) > MOST_ALIKE * len(texts)
        and all(_MARK.fullmatch(text) and _MARKED.search(text) for text in texts)
    )


def are_labels(values: Sequence[Any]) -> bool:
    different = len({str(value).strip() for value in values})
    return 2 <= different <= MOST_LABELS and ROWS_A_LABEL * different <= len(values)


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None
