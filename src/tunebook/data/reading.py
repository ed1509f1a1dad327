"""From a source to examples: in which form its rows are, and each row in that form.

The study file decides first (`data.prompt` and `data.completion`, `data.columns`, `data.format`); else the form is
recognised by the columns of the first row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook.core.row_template import RowTemplate, column_template
from tunebook.core.study import DataSpec
from tunebook.data.class_names import names_of
from tunebook.data.examples import DataExample, LoadedRows, quoted
from tunebook.data.formats import HISTORY, alpaca, are_exchanges, chat, pair, system_column, templated, turns_of
from tunebook.data.guess import are_labels, named_language, text_answer, titles_of
from tunebook.data.marked_chats import marked_column, turns_in
from tunebook.data.options import as_choice, option_columns
from tunebook.data.other_kinds import refuse_other_kinds
from tunebook.data.rows import Parts, Where, clean, filled, has_no_answer, keys_of, value_at, with_lines
from tunebook.data.sources import RawRows, read_source
from tunebook.data.unused import data_line, likely_reading, missing_parts, unused_columns, with_parts
from tunebook.data.usual import PAIRS, usual_columns
from tunebook.errors import DataError
from tunebook.phrases import Phrase

__all__ = ["FORMATS", "Form", "Reading", "load_rows", "recognise", "refuse_what_is_open"]

FORMATS = ("prompt_completion", "alpaca", "messages", "sharegpt", "options")
"""The names of the forms."""
CHATS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "contents")
"""Columns that hold the turns of a chat."""
TESTS = ("tests", "test", "test_list")
"""Columns that hold the code that tests an answer."""
OUTPUTS = ("output", "response", "label", "answer", "completion")
"""Columns that hold the answer beside an instruction."""

_FORMS = Phrase(
    "messages (turns of role and content), or conversations (turns of from and value), or instruction and output, or a "
    "question with choices and its key, or a pair such as {pairs}",
    pairs=", ".join("/".join(names) for names in PAIRS[:12]),
)
"""The keys of every form, for messages."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How rows are to be read.

    Attributes:
        format: one of `FORMATS`; None: recognised.
        group: name of the column that is kept as each example's group.
        prompt, completion: templates over the columns; both or neither.
        tests: template of the code that tests an answer; None: one of the columns `TESTS`, if there is one.
        names: what the numbers 0, 1, ... in the answers stand for.
        columns: other names of columns, of the keys of turns and of roles, by their standard names.
    """

    format: str | None = None
    group: str | None = None
    prompt: str | None = None
    completion: str | None = None
    tests: str | None = None
    names: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: DataSpec) -> Reading:
        """What a study file says."""
        return cls(
            format=data.format,
            group=data.group,
            prompt=data.prompt,
            completion=data.completion,
            tests=data.tests,
            names=data.names,
            columns=data.columns.given,
        )


@dataclass(frozen=True)
class Form:
    """The form of a source's rows.

    Attributes:
        name: one of `FORMATS`.
        keys: the columns that prompt and answer come from, the answer's last.
        convert: a row in parts.
        prompt, completion: the templates of a pair or an instruction; empty in other forms.
        beside: the columns that a row may have besides.
    """

    name: str
    keys: tuple[str, ...]
    convert: Callable[[dict[str, Any], Where], Parts]
    prompt: str = ""
    completion: str = ""
    beside: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """The column of the answer."""
        return self.keys[-1]


def load_rows(source: str, base_folder: str | Path, reading: Reading | None = None, split: str = "train") -> LoadedRows:
    """Read a source and turn its rows into examples.

    Args:
        source: a path, a pattern or a folder relative to `base_folder` (.jsonl, .json, .csv, .parquet), or a hub id
            owner/name[/config][@revision][:split].
        reading: what the study file says about the rows; None: nothing.
        split: which split of a hub data set, when the id names none.

    Raises:
        DataError: with file, line, key, what was found, what was expected and what to do.
    """
    reading = reading or Reading()
    raw = read_source(source, base_folder, split)
    form = recognise([row for _, row in raw.rows], reading, raw.place(0))
    known = reading.names or names_of([value_at(row, form.answer) for _, row in raw.rows], form.answer, raw.classes)
    unanswerable = _unanswerable([row for _, row in raw.rows], form)
    examples = tuple(_example(i, raw, form, reading, known) for i in range(len(raw.rows)) if i not in unanswerable)
    return LoadedRows(
        source=raw.source,
        container=raw.container,
        format=form.name,
        keys=form.keys,
        examples=examples,
        sha256=raw.sha256,
        unit=raw.unit,
        unused=_unused(raw.rows[0][1], form, reading),
        absent=raw.absent,
        unanswerable=len(unanswerable),
        encoding=raw.encoding,
    )


def _unanswerable(rows: Sequence[dict[str, Any]], form: Form) -> frozenset[int]:
    """The rows that a data set of lists of answers says have none. An empty list among texts is a mistake, and refused
    where the row is read; so are rows that all have none."""
    column = RowTemplate(form.completion).alone if form.completion else None
    if column is None:
        return frozenset()
    values = [value_at(row, column) for row in rows]
    if not all(isinstance(value, list | dict) for value in values):
        return frozenset()
    found = frozenset(i for i, value in enumerate(values) if has_no_answer(value))
    return found if len(found) < len(rows) else frozenset()


def _unused(row: dict[str, Any], form: Form, reading: Reading) -> tuple[str, ...]:
    """The columns of a row that are left out."""
    tests = TESTS if reading.tests is None else RowTemplate(reading.tests).columns
    history = HISTORY if form.name == "prompt_completion" and are_exchanges(row.get(HISTORY)) else None
    beside = (*form.keys, *form.beside, "tools", *tests, *filter(None, [system_column(row), history, reading.group]))
    return unused_columns(row, (*beside, *reading.columns.values()))


def refuse_what_is_open(rows: Sequence[dict[str, Any]], form: Form, where: str, is_guess: bool) -> None:
    """Refuse to read where a column is left out that the question may hang on (of a guess any column of texts may be),
    and where prompt and answer are the same in two languages.

    Raises:
        DataError: with the lines that may be meant, the likeliest first.
    """
    if not form.prompt:
        return
    languages = named_language(form.prompt), named_language(form.completion)
    if all(languages):
        raise DataError(
            "{where}: {first} and {second} are two languages, and either may be translated into the other. Say which: "
            "{likely}, or the other way round {other}. `tunebook init` takes the same as --prompt and --completion.",
            where=where,
            first=quoted(languages[0]),
            second=quoted(languages[1]),
            likely=data_line(form.prompt, form.completion),
            other=data_line(form.completion, form.prompt),
        )
    unused = _unused(rows[0], form, Reading())
    parts = missing_parts(rows, unused, form.prompt, form.completion, is_guess)
    if not parts:
        return
    replies = [name for name in parts if text_answer(name) is not None]
    if replies:
        likely, other = (form.prompt, column_template(replies[0])), (form.prompt, form.completion)
    else:
        likely, other = (with_parts(rows, parts, form.prompt), form.completion), (form.prompt, form.completion)
    raise DataError(
        "{where}: {column} would not be used, and it may belong to the question or be the answer. Say which columns "
        "are which: {likely}, or without it {other}. `tunebook init` takes the same as --prompt and --completion.",
        where=where,
        column=", ".join(map(quoted, parts)),
        likely=data_line(*likely),
        other=data_line(*other),
    )


def recognise(rows: Sequence[dict[str, Any]], reading: Reading, where: str) -> Form:
    """The form of rows, by the columns of the first.

    Args:
        where: the place of the first, for messages.

    Raises:
        DataError: no form fits; the message lists the keys found and those that would do.
    """
    if reading.prompt is not None and reading.completion is not None:
        return _template_form(reading.prompt, reading.completion)
    row = rows[0]
    if reading.format is None and not reading.columns:
        refuse_other_kinds(rows, where)
    for form in _candidates(rows, reading.columns):
        if reading.format in (None, form.name):
            return form
    if reading.format is not None:  # its reader then says which key is missing
        return _named_form(reading.format, reading.columns)
    raise DataError(
        "{where}: found {keys_of}; a row has {forms}. {advice}",
        where=where,
        keys_of=keys_of(row),
        forms=_FORMS,
        advice=_advice(rows),
    )


def _advice(rows: Sequence[dict[str, Any]]) -> Phrase:
    likely = likely_reading(rows)
    if likely is None:
        return Phrase("Write the question and its answer in columns of their own.")
    return Phrase("Say which columns are which, for example {line}.", line=data_line(*likely))


def _template_form(prompt: str, completion: str) -> Form:
    asked, answered = RowTemplate(prompt), RowTemplate(completion)
    keys = (*asked.columns, *answered.columns)
    return Form(
        "prompt_completion", keys, lambda row, where: templated(row, asked, answered, where), prompt, completion
    )


def _pair_form(prompt: str, answer: str) -> Form:
    both = column_template(prompt), column_template(answer)
    return Form("prompt_completion", (prompt, answer), lambda row, where: pair(row, prompt, answer, where), *both)


def _chat_form(row: dict[str, Any], columns: Mapping[str, str], key: str) -> Form:
    turns = turns_of(row.get(key))
    first = turns[0] if isinstance(turns, list) and turns and isinstance(turns[0], dict) else {}
    usual = {"role": "from"} if "role" not in first and "from" in first else {}
    usual |= {"content": "value"} if "content" not in first and ("value" in first or usual) else {}
    usual |= {"content": "parts"} if "content" not in first and "parts" in first else {}
    names = usual | dict(columns) | {"messages": key}
    name = "sharegpt" if "role" in usual and "role" not in columns else "messages"
    return Form(name, (key,), lambda each, where: chat(each, names, where))


def _alpaca_form(row: dict[str, Any], columns: Mapping[str, str], output: str) -> Form:
    names = {"input": "context"} if "input" not in row and "context" in row else {}
    names |= dict(columns) | {"output": output}
    asked, extra = names.get("instruction", "instruction"), names.get("input", "input")
    templates = column_template(asked), column_template(output)
    beside = (extra, names.get("history", "history"), "text", *names.values())  # text: the row as a whole prompt
    return Form("alpaca", (asked, output), lambda row, where: alpaca(row, names, where), *templates, beside)


def _named_form(name: str, columns: Mapping[str, str]) -> Form:
    if name == "options":
        return Form(name, ("question", "choices", "answer"), _options)
    if name == "prompt_completion":
        return _pair_form(*PAIRS[0])
    if name == "alpaca":
        return _alpaca_form({}, columns, columns.get("output", "output"))
    key = columns.get("messages", "messages" if name == "messages" else "conversations")
    usual = {} if name == "messages" else {"role": "from", "content": "value"}
    names = usual | dict(columns) | {"messages": key}
    return Form(name, (key,), lambda row, where: chat(row, names, where))


def _candidates(rows: Sequence[dict[str, Any]], columns: Mapping[str, str]) -> list[Form]:
    row, found = rows[0], list[Form]()
    if "messages" in columns:
        found.append(_chat_form(row, columns, columns["messages"]))
    is_about_a_chat = "question" in row
    found += [
        _chat_form(row, columns, key)
        for key in CHATS
        if key in row and (key in CHATS[:2] or (_is_chat(row[key]) and not is_about_a_chat))
    ]
    output = columns.get("output") or next((key for key in OUTPUTS if key in row), None)
    if columns.get("instruction", "instruction") in row and output is not None:
        found.append(_alpaca_form(row, columns, output))
    options = option_columns(rows)
    if options is not None:
        beside = tuple(filter(None, [options.context]))
        found.append(Form("options", options.keys, lambda each, where: as_choice(each, options, where), beside=beside))
    usual = usual_columns(row)
    if usual is not None:
        alone = RowTemplate(usual.prompt).alone
        titles = [] if alone is None else _titles(rows, alone, usual.answer)
        found.append(
            _pair_form(alone, usual.answer)
            if alone is not None and not titles
            else _template_form("\n".join([*map(column_template, titles), usual.prompt]), column_template(usual.answer))
        )
    marked = marked_column(rows) if not found else None
    if marked is not None:
        found.append(_marked_form(marked))
    return found


def _titles(rows: Sequence[dict[str, Any]], text: str, answer: str) -> list[str]:
    """The title of a text that has a label; what is written about a text may be its title in other words."""
    labels = [row.get(answer) for row in rows]
    if not all(isinstance(label, str | int) for label in labels) or not are_labels(labels):
        return []
    return titles_of(rows, text, (answer,))[:1]


def _marked_form(key: str) -> Form:
    names = {"messages": key}
    return Form("messages", (key,), lambda row, where: chat({**row, key: turns_in(row.get(key))}, names, where))


def _options(row: dict[str, Any], where: Where) -> Parts:
    found = option_columns([row])
    if found is None:
        raise where.error("choices", keys_of(row), "a row has a question, its choices and a key", "Add what is absent.")
    return as_choice(row, found, where)


def _is_chat(value: Any) -> bool:
    turns = turns_of(value)
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict)


def _example(index: int, raw: RawRows, form: Form, reading: Reading, names: tuple[str, ...]) -> DataExample:
    line, row = raw.rows[index]
    where = Where(raw.place(index))
    parts = form.convert(row, where)
    if names:
        parts = _named(parts, names, form.answer, where)
    if not parts.completion.strip():
        raise where.error(
            form.answer,
            "an empty text",
            "every row has an answer to learn or to compare with",
            "Write the answer, or remove the row.",
        )
    if not any(role != "system" and text.strip() for role, text in parts.messages):
        raise where.error(form.keys[0], "an empty prompt", "every row asks something", "Write it, or remove the row.")
    return DataExample(
        index=index,
        messages=parts.messages,
        completion=parts.completion,
        group=_group(row, reading.group, where),
        line=line,
        tools=parts.tools,
        references=tuple(text for text in parts.references if text.strip() and text != parts.completion),
        tests=_tests(row, reading.tests, where),
        file=raw.files[index] if raw.files else "",
    )


def _tests(row: dict[str, Any], template: str | None, where: Where) -> str:
    """The code that tests a row's answer; empty: it has none."""
    if template is not None:
        return filled(RowTemplate(template), with_lines(row), where)
    given = with_lines({name: row[name] for name in TESTS if name in row})
    return next((value for value in given.values() if isinstance(value, str)), "")


def _named(parts: Parts, names: tuple[str, ...], key: str, where: Where) -> Parts:
    """The answers with their numbers replaced by names; an answer that is a name already stays."""
    flags = {"false": "0", "true": "1"}

    def name(answer: str) -> str:
        text = answer.strip()
        if text in names:
            return text
        number = flags.get(text.casefold(), text)
        if number.isdecimal() and len(number) < 10 and int(number) < len(names):
            return names[int(number)]
        raise where.error(
            key,
            quoted(answer),
            Phrase(
                "must be the number of one of the {n} names, from 0 ({first}) to {end} ({last})",
                n=len(names),
                first=names[0],
                end=len(names) - 1,
                last=names[-1],
            ),
            "Correct data.names or the row; a row without a label is removed.",
        )

    return replace(parts, completion=name(parts.completion), references=tuple(map(name, parts.references)))


def _group(row: dict[str, Any], group: str | None, where: Where) -> str | None:
    if group is None:
        return None
    value = row.get(group)
    if isinstance(value, str | int | float) and not (isinstance(value, str) and not value.strip()):
        return clean(str(value), group, where)
    if group not in row:
        step = "Write it in every row, or name another field."
        raise where.absent(group, row, "data.group names a field that every row has", step)
    raise where.error(group, quoted(value), "data.group names a field that every row has", "Write it in every row.")
