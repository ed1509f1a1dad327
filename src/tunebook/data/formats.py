"""Chats and instructions as people hand them over: turns before the answer, and the answer.

In a chat the answer is the last turn of the assistant whose `weight` is not 0; turns after it are left out. Columns,
turns and roles that have other names are renamed before (`Reading`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.core.row_template import RowTemplate
from tunebook.data.examples import Message, quoted
from tunebook.data.guess import words_of
from tunebook.data.rows import Parts, Where, answers_at, clean, filled, optional_text, text_at
from tunebook.phrases import Phrase

__all__ = [
    "HISTORY",
    "ROLES",
    "Names",
    "alpaca",
    "are_exchanges",
    "chat",
    "pair",
    "system_column",
    "templated",
    "turns_of",
]

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "chatbot": "assistant",
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


EXCHANGES = (
    ("human", "assistant"),
    ("user", "assistant"),
    ("human", "gpt"),
    ("input", "output"),
    ("question", "answer"),
    ("prompt", "response"),
    ("query", "response"),
)
"""Keys of objects that hold a question with its answer, two turns in one."""
SYSTEM = (["system"], ["system", "prompt"], ["system", "message"], ["系统"], ["系统提示"])
"""The words of the names of columns that hold a system message."""
HISTORY = "history"
"""The column of what was said before a question: pairs of question and answer."""


@dataclass(frozen=True)
class _Turn:
    """A turn of a chat; `learnt` unless its weight is 0."""

    role: str
    text: str
    learnt: bool = True


Names = Mapping[str, str]
"""What the columns of a row, the keys of its turns and its roles are called, by their standard names."""


def pair(row: dict[str, Any], prompt: str, answer: str, where: Where) -> Parts:
    """A row with a prompt and an answer; both may be lists of turns."""
    if not isinstance(row.get(prompt), list):
        return templated(row, RowTemplate(f"{{{prompt}}}"), RowTemplate(f"{{{answer}}}"), where)
    turns = _turns(row[prompt], prompt, {}, where)
    if isinstance(row.get(answer), list):
        turns += _turns(row[answer], answer, {}, where)
    else:
        turns += (_Turn("assistant", text_at(row, answer, where)),)
    return _before_answer(turns, _system(row, {}, where), _tools(row, "tools", where), answer, where)


def templated(row: dict[str, Any], prompt: RowTemplate, completion: RowTemplate, where: Where) -> Parts:
    """A row whose prompt and answer are written by templates. An answer of one column may be a list: the first is
    learnt, all are right."""
    system = _system(row, {}, where)
    head: tuple[Message, ...] = (("system", system),) if system.strip() else ()
    said = row.get(HISTORY) if HISTORY not in prompt.columns and are_exchanges(row.get(HISTORY)) else None
    head += tuple(turn for pair in said or () for turn in zip(("user", "assistant"), pair, strict=True))
    messages, tools = (*head, ("user", filled(prompt, row, where))), _known_tools(row)
    if completion.alone is None:
        return Parts(messages, filled(completion, row, where, is_answer=True), tools)
    answer, *others = answers_at(row, completion.alone, where)
    return Parts(messages, answer, tools, references=tuple(others))


def alpaca(row: dict[str, Any], names: Names, where: Where) -> Parts:
    """An instruction with an input and its output, and what was said before."""
    columns = {name: names.get(name, name) for name in ("instruction", "input", "output", "history")}
    instruction, extra = text_at(row, columns["instruction"], where), optional_text(row, columns["input"], where)
    system = _system(row, names, where)
    turns: list[Message] = [("system", system)] if system else []
    history, key = row.get(columns["history"]) or [], columns["history"]
    if not isinstance(history, list):
        raise where.error(key, quoted(history), "must be a list of pairs [question, answer]", "Write it so.")
    for i, said in enumerate(history):
        if not are_exchanges([said]):
            raise where.error(f"{key}[{i}]", quoted(said), "must be a pair [question, answer]", "Write both texts.")
        turns += [("user", clean(said[0], key, where)), ("assistant", clean(said[1], key, where))]
    turns.append(("user", f"{instruction}\n{extra}" if extra.strip() else instruction))
    answer, *others = answers_at(row, columns["output"], where)
    return Parts(tuple(turns), answer, references=tuple(others))


def are_exchanges(value: Any) -> bool:
    """Whether a value is a list of pairs of texts, or nothing: what was said before, question by question."""
    if value is None or value == "":
        return True
    return isinstance(value, list) and all(
        isinstance(said, list) and len(said) == 2 and all(isinstance(text, str) for text in said) for said in value
    )


def system_column(row: dict[str, Any]) -> str | None:
    """The column of a row's system message: system, system_prompt, systemPrompt; None: there is none."""
    return next((name for name in row if words_of(name) in SYSTEM), None)


def chat(row: dict[str, Any], names: Names, where: Where) -> Parts:
    """Turns of a role and a text."""
    key = names["messages"]
    turns = _turns(_list(row, key, where), key, names, where)
    system = _system(row, names, where)
    return _before_answer(turns, system, _tools(row, names.get("tools", "tools"), where), key, where)


def turns_of(value: Any) -> Any:
    """The turns in a column, also where they are JSON text, texts of user and assistant in turn, or objects that hold a
    question with its answer; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:2].rstrip() in ("[", "[{", "[]"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if not isinstance(value, list) or not value:
        return value
    if len(value) > 1 and all(isinstance(text, str) for text in value):
        return [_said(("user", "assistant")[i % 2], text) for i, text in enumerate(value)]
    asked = next((pair for pair in EXCHANGES if isinstance(value[0], dict) and set(pair) <= value[0].keys()), None)
    if asked is None or not all(isinstance(each, dict) for each in value):
        return value
    roles = (("system", "system"), *zip(("user", "assistant"), asked, strict=True))
    said = [_said(role, each.get(key)) for each in value for role, key in roles if each.get(key) is not None]
    return [turn for turn in said if turn["role"] != "system" or turn["content"] != ""]


def _said(role: str, text: Any) -> dict[str, Any]:
    return {"role": role, "content": text}


def _system(row: dict[str, Any], names: Names, where: Where) -> str:
    """The row's system message; empty: it has none."""
    column = names.get("system") or system_column(row)
    return "" if column is None else optional_text(row, column, where)


def _list(row: dict[str, Any], key: str, where: Where) -> list[Any]:
    if key not in row:
        raise where.absent(key, row, Phrase("every row has {name}", name=key))
    value = turns_of(row[key])
    if isinstance(value, list) and value:
        return value
    raise where.error(key, quoted(row[key]), "must be a list of turns", "Write the turns, or remove the row.")


def _turns(values: list[Any], key: str, names: Names, where: Where) -> tuple[_Turn, ...]:
    role_key, text_key = names.get("role", "role"), names.get("content", "content")
    own = {names[role].casefold(): role for role in ("user", "assistant") if role in names}
    roles = ROLES | own
    keys = Phrase("a turn has {role} and {text}", role=role_key, text=text_key)
    turns: list[_Turn] = []
    for i, value in enumerate(values):
        at = f"{key}[{i}]"
        if not isinstance(value, dict):
            raise where.error(at, quoted(value), keys, "Write it as an object.")
        if role_key not in value:
            raise where.absent(f"{at}.{role_key}", value, keys)
        role = value[role_key]
        if not isinstance(role, str) or role.casefold() not in roles:
            raise where.error(
                f"{at}.{role_key}",
                quoted(role),
                Phrase("must be one of {words}", words=", ".join(roles)),
                "Rename the role, or remove the row.",
            )
        learnt = value.get("weight") is None or bool(value["weight"])
        turns.append(_Turn(roles[role.casefold()], _turn_text(value, at, text_key, where), learnt))
    return tuple(turns)


def _turn_text(turn: dict[str, Any], at: str, text_key: str, where: Where) -> str:
    content, calls = turn.get(text_key), turn.get("tool_calls")
    if isinstance(turn.get("function_call"), dict) and not calls:
        calls = [turn["function_call"]]
    if isinstance(calls, list) and calls and not content:
        return json.dumps(
            [call.get("function", call) if isinstance(call, dict) else call for call in calls],
            ensure_ascii=False,
            default=str,
        )
    if isinstance(content, list) and content and all(isinstance(part, dict) for part in content):
        kinds = [part.get("type", "text") for part in content]
        other = next((kind for kind in kinds if kind != "text"), None)
        if isinstance(other, str):
            raise where.error(
                f"{at}.{text_key}",
                Phrase("a part of type {kind}", kind=quoted(other)),
                "only texts are trained, no images, sounds or files",
                "Remove the part or the row.",
            )
        if all(isinstance(part.get("text"), str) for part in content):
            content = "".join(part["text"] for part in content)
    if text_key not in turn:
        raise where.absent(f"{at}.{text_key}", turn, Phrase("a turn has {key}", key=text_key))
    if not isinstance(content, str):
        raise where.error(f"{at}.{text_key}", quoted(content), "must be a text", "Write a text, or remove the row.")
    return clean(content, f"{at}.{text_key}", where)


def _before_answer(turns: tuple[_Turn, ...], system: str, tools: str, key: str, where: Where) -> Parts:
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
    return Parts(before, turns[last].text, tools)


def _tools(row: dict[str, Any], key: str, where: Where) -> str:
    value = row.get(key)
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, list):
        return clean(json.dumps(value, ensure_ascii=False, default=str), key, where)
    if not isinstance(value, str):
        raise where.error(key, quoted(value), "must be a list of tools or its JSON text", "Write it so.")
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        raise where.error(key, quoted(value), "must be a list of tools or its JSON text", "Correct the JSON.") from None
    return clean(value, key, where) if parsed else ""


def _known_tools(row: dict[str, Any]) -> str:
    """The tools beside a question; empty where the column holds something else."""
    try:
        value = json.loads(row["tools"]) if isinstance(row.get("tools"), str) else row.get("tools")
    except (ValueError, RecursionError):
        return ""
    is_list = isinstance(value, list) and bool(value) and all(isinstance(tool, dict) for tool in value)
    return json.dumps(value, ensure_ascii=False, default=str) if is_list else ""
