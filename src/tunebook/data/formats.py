"""The forms in which people hand over examples, recognised by their keys.

Prompt/completion, alpaca, messages and ShareGPT are all turned into the turns before the answer, and the answer. In a
chat the answer is the last turn of the assistant whose `weight` is not 0; turns after it are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.data.examples import DataExample, LoadedRows, Message, place, quoted
from tunebook.data.sources import RawRows, read_source
from tunebook.errors import DataError

__all__ = ["FORMATS", "load_rows", "recognise"]

PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("query", "response"),
    ("input", "output"),
    ("source", "target"),
    ("text", "label"),
    ("sentence", "label"),
)
"""Names under which a prompt and its completion are found, in this order."""

_FORMS = (
    "messages (turns of role and content), or conversations (turns of from and value), or instruction and output "
    "(or response), or one of " + ", ".join("/".join(pair) for pair in PAIRS)
)
"""The keys of every form, for messages."""

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "observation": "tool",
    "tool": "tool",
    "function": "tool",
    "tool_response": "tool",
}
"""Names of roles in the wild, and what they are."""


@dataclass(frozen=True)
class _Where:
    """A row's place, for messages."""

    text: str

    def error(self, key: str, found: str, expected: str, step: str) -> DataError:
        return DataError(f"{self.text}: {key}: found {found}; {expected}. {step}")

    def absent(self, path: str, values: dict[str, Any], expected: str, step: str = "") -> DataError:
        """A key that a row or a turn has not, with those that it has; one that is called otherwise is renamed."""
        key = path.rpartition(".")[2]
        step = step or f"Rename one of them to {key}, or add it."
        return self.error(path, f"no such key, but {_keys_of(values)}", expected, step)


@dataclass(frozen=True)
class _Turn:
    """A turn of a chat; `learnt` unless its weight is 0."""

    role: str
    text: str
    learnt: bool = True


Parts = tuple[tuple[Message, ...], str, str]
"""Turns before the answer, the answer, tools as JSON text."""


def load_rows(
    source: str, base_folder: str | Path, format: str | None = None, group: str | None = None, split: str = "train"
) -> LoadedRows:
    """Read a source and turn its rows into examples.

    Args:
        source: a path relative to `base_folder` (.jsonl, .json, .csv, .parquet), or a hub id
            owner/name[/config][@revision][:split].
        format: one of `FORMATS`; None: recognised by the keys of the first row.
        group: name of the field that is kept as each example's group.
        split: which split of a hub data set, when the id names none.

    Raises:
        DataError: with file, line, key, what was found, what was expected and what to do.
    """
    raw = read_source(source, base_folder, split)
    first = raw.rows[0]
    name, keys = recognise(first[1], format, place(raw.source, raw.unit, first[0]))
    convert = FORMATS[name]
    examples = tuple(_example(i, raw, convert, keys, group) for i in range(len(raw.rows)))
    return LoadedRows(
        source=raw.source,
        container=raw.container,
        format=name,
        keys=keys,
        examples=examples,
        sha256=raw.sha256,
        unit=raw.unit,
    )


def recognise(row: dict[str, Any], format: str | None, where: str) -> tuple[str, tuple[str, ...]]:
    """The form of a row, and the keys it is read from.

    Raises:
        DataError: no form fits; the message lists the keys found and those that would do.
    """
    for name, keys in _candidates(row):
        if format in (None, name):
            return name, keys
    if _is_preference(row):
        raise DataError(
            f"{where}: found {_keys_of(row)}; chosen and rejected are preference data (DPO), and tunebook tunes on one "
            "answer a prompt. To train on the chosen answers, rename chosen to completion and keep prompt."
        )
    if format is not None:
        # The reader of the named form then says which key is missing.
        return format, {
            "prompt_completion": PAIRS[0],
            "alpaca": ("instruction", "output"),
            "messages": ("messages",),
            "sharegpt": ("conversations",),
        }[format]
    raise DataError(f"{where}: found {_keys_of(row)}; a row has {_FORMS}. Rename the keys of all rows.")


def _keys_of(values: dict[str, Any]) -> str:
    return "the keys " + ", ".join(quoted(key) for key in list(values)[:12]) if values else "no keys"


def _candidates(row: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    if "messages" in row:
        found.append(("messages", ("messages",)))
    if "conversations" in row:
        turns = row["conversations"]
        is_messages = isinstance(turns, list) and turns and isinstance(turns[0], dict) and "role" in turns[0]
        found.append(("messages" if is_messages else "sharegpt", ("conversations",)))
    if "instruction" in row and ("output" in row or "response" in row):
        found.append(("alpaca", ("instruction", "output" if "output" in row else "response")))
    found += [("prompt_completion", pair) for pair in PAIRS if pair[0] in row and pair[1] in row]
    if not found and "prompt" in row and not _is_preference(row):
        found.append(("prompt_completion", PAIRS[0]))
    return found


def _is_preference(row: dict[str, Any]) -> bool:
    return "chosen" in row and "rejected" in row


def _example(
    index: int,
    raw: RawRows,
    convert: Callable[[dict[str, Any], tuple[str, ...], _Where], Parts],
    keys: tuple[str, ...],
    group: str | None,
) -> DataExample:
    line, row = raw.rows[index]
    where = _Where(place(raw.source, raw.unit, line))
    messages, completion, tools = convert(row, keys, where)
    if not completion.strip():
        raise where.error(
            keys[-1],
            "an empty text",
            "every row has an answer to learn or to compare with",
            "Write the answer, or remove the row.",
        )
    if not any(role != "system" and text.strip() for role, text in messages):
        raise where.error(keys[0], "an empty prompt", "every row asks something", "Write it, or remove the row.")
    return DataExample(
        index=index, messages=messages, completion=completion, group=_group(row, group, where), line=line, tools=tools
    )


def _group(row: dict[str, Any], group: str | None, where: _Where) -> str | None:
    if group is None:
        return None
    value = row.get(group)
    if isinstance(value, str | int | float) and not (isinstance(value, str) and not value.strip()):
        return _clean(str(value), group, where)
    if group not in row:
        step = "Write it in every row, or name another field."
        raise where.absent(group, row, "data.group names a field that every row has", step)
    raise where.error(group, quoted(value), "data.group names a field that every row has", "Write it in every row.")


def _text(row: dict[str, Any], key: str, where: _Where) -> str:
    if key not in row:
        raise where.absent(key, row, f"every row has {key}")
    value = row[key]
    if not isinstance(value, str):
        raise where.error(key, quoted(value), "it is a text", _as_text_step(value))
    return _clean(value, key, where)


def _as_text_step(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'Write it in quotes: "{value}".' if is_number else "Write a text, or remove the row."


def _clean(value: str, key: str, where: _Where) -> str:
    """The text itself; half a surrogate pair cannot be written in UTF-8 and no tokenizer takes it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise where.error(
            key,
            f"half a character (U+{ord(value[error.start]):04X}) at position {error.start}",
            "texts are whole Unicode characters",
            "Write the character whole, or remove it.",
        ) from None
    return value


def _optional_text(row: dict[str, Any], key: str, where: _Where) -> str:
    return "" if row.get(key) is None else _text(row, key, where)


def _prompt_completion(row: dict[str, Any], keys: tuple[str, ...], where: _Where) -> Parts:
    prompt_key, completion_key = keys
    system = _optional_text(row, "system", where)
    if isinstance(row.get(prompt_key), list):
        turns = _turns(row[prompt_key], prompt_key, "role", "content", where)
        answer = row.get(completion_key)
        if isinstance(answer, list):
            turns += _turns(answer, completion_key, "role", "content", where)
        else:
            turns += (_Turn("assistant", _text(row, completion_key, where)),)
        return _before_answer(turns, system, _tools(row, where), completion_key, where)
    head: tuple[Message, ...] = (("system", system),) if system else ()
    return (*head, ("user", _text(row, prompt_key, where))), _text(row, completion_key, where), ""


def _alpaca(row: dict[str, Any], keys: tuple[str, ...], where: _Where) -> Parts:
    instruction, extra = _text(row, keys[0], where), _optional_text(row, "input", where)
    system = _optional_text(row, "system", where)
    turns: list[Message] = [("system", system)] if system else []
    history = row.get("history") or []
    if not isinstance(history, list):
        raise where.error("history", quoted(history), "it is a list of pairs [question, answer]", "Write it so.")
    for i, pair in enumerate(history):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise where.error(f"history[{i}]", quoted(pair), "it is a pair [question, answer]", "Write both texts.")
        turns += [("user", _clean(pair[0], "history", where)), ("assistant", _clean(pair[1], "history", where))]
    turns.append(("user", f"{instruction}\n{extra}" if extra.strip() else instruction))
    return tuple(turns), _text(row, keys[1], where), ""


def _messages(row: dict[str, Any], keys: tuple[str, ...], where: _Where) -> Parts:
    turns = _turns(_list(row, keys[0], where), keys[0], "role", "content", where)
    return _before_answer(turns, _optional_text(row, "system", where), _tools(row, where), keys[0], where)


def _sharegpt(row: dict[str, Any], keys: tuple[str, ...], where: _Where) -> Parts:
    turns = _turns(_list(row, keys[0], where), keys[0], "from", "value", where)
    return _before_answer(turns, _optional_text(row, "system", where), _tools(row, where), keys[0], where)


FORMATS: dict[str, Callable[[dict[str, Any], tuple[str, ...], _Where], Parts]] = {
    "prompt_completion": _prompt_completion,
    "alpaca": _alpaca,
    "messages": _messages,
    "sharegpt": _sharegpt,
}
"""The known forms of rows."""


def _list(row: dict[str, Any], key: str, where: _Where) -> list[Any]:
    if key not in row:
        raise where.absent(key, row, f"every row has {key}")
    value = row[key]
    if isinstance(value, list) and value:
        return value
    raise where.error(key, quoted(value), "it is a list of turns", "Write the turns, or remove the row.")


def _turns(values: list[Any], key: str, role_key: str, text_key: str, where: _Where) -> tuple[_Turn, ...]:
    turns: list[_Turn] = []
    for i, value in enumerate(values):
        at = f"{key}[{i}]"
        if not isinstance(value, dict):
            raise where.error(at, quoted(value), f"a turn has {role_key} and {text_key}", "Write it as an object.")
        if role_key not in value:
            raise where.absent(f"{at}.{role_key}", value, f"a turn has {role_key} and {text_key}")
        role = value[role_key]
        if not isinstance(role, str) or role.casefold() not in ROLES:
            raise where.error(
                f"{at}.{role_key}",
                quoted(role),
                f"it is one of {', '.join(ROLES)}",
                "Rename the role, or remove the row.",
            )
        learnt = value.get("weight") is None or bool(value["weight"])
        turns.append(_Turn(ROLES[role.casefold()], _turn_text(value, at, text_key, where), learnt))
    return tuple(turns)


def _turn_text(turn: dict[str, Any], at: str, text_key: str, where: _Where) -> str:
    content, calls = turn.get(text_key), turn.get("tool_calls")
    if isinstance(turn.get("function_call"), dict) and not calls:
        calls = [turn["function_call"]]
    if isinstance(calls, list) and calls and not content:
        return json.dumps(
            [call.get("function", call) if isinstance(call, dict) else call for call in calls],
            ensure_ascii=False,
            default=str,
        )
    if (
        isinstance(content, list)
        and content
        and all(
            isinstance(part, dict) and isinstance(part.get("text"), str) and part.get("type", "text") == "text"
            for part in content
        )
    ):
        content = "".join(part["text"] for part in content)
    if text_key not in turn:
        raise where.absent(f"{at}.{text_key}", turn, f"a turn has {text_key}")
    if not isinstance(content, str):
        raise where.error(f"{at}.{text_key}", quoted(content), "it is a text", _as_text_step(content))
    return _clean(content, f"{at}.{text_key}", where)


def _before_answer(turns: tuple[_Turn, ...], system: str, tools: str, key: str, where: _Where) -> Parts:
    answers = [i for i, turn in enumerate(turns) if turn.role == "assistant"]
    if not answers:
        raise where.error(
            key, "no turn of the assistant", "the last one is the answer to learn", "Add it, or remove the row."
        )
    last = max((i for i in answers if turns[i].learnt), default=None)
    if last is None:
        raise where.error(
            key,
            "weight 0 in every turn of the assistant",
            "the last one of another weight is the answer to learn",
            "Give one the weight 1, or remove the row.",
        )
    before = tuple((turn.role, turn.text) for turn in turns[:last])
    if system and not any(role == "system" for role, _ in before):
        before = (("system", system), *before)
    return before, turns[last].text, tools


def _tools(row: dict[str, Any], where: _Where) -> str:
    value = row.get("tools")
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, list):
        return _clean(json.dumps(value, ensure_ascii=False, default=str), "tools", where)
    if not isinstance(value, str):
        raise where.error("tools", quoted(value), "it is a list of tools or its JSON text", "Write it so.")
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        raise where.error("tools", quoted(value), "it is a list of tools or its JSON text", "Mend the JSON.") from None
    return _clean(value, "tools", where) if parsed else ""
