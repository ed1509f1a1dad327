"""Whole chats written into one text with marks before each turn, as prompts' templates leave them: back to turns.

"### Human: ...### Assistant: ...", "[INST] ... [/INST] ...", "<|im_start|>user\\n...<|im_end|>": the marks belong to
some model, and the model that is tuned has its own; so the turns are read, and written again as its template has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["marked_column", "turns_in"]

COLUMNS = ("text", "content", "chat", "conversation", "conversations", "dialogue", "sample", "formatted_text")
"""Columns that hold such texts."""
MARKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"<\|im_start\|>\s*(?P<role>system|user|assistant|tool)[ \t]*\n",
        r"<\|start_header_id\|>\s*(?P<role>system|user|assistant|tool)\s*<\|end_header_id\|>",
        r"<start_of_turn>(?P<role>user|model)[ \t]*\n",
        r"<\|(?P<role>system|user|assistant)\|>",
        r"(?P<role>\[/?INST\])",
        r"###\s*(?P<role>System|Human|User|Instruction|Question|Input|Assistant|Response|Answer|Output)\s*:",
        r"\b(?P<role>SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE):",
        r"(?m)^\s*(?P<role>System|Human|User|Assistant|AI|Bot|用户|助手|问|答)\s*[:：]",
    )
)
"""What stands before a turn, one pattern for each way of writing; a text has one of them throughout."""
ENDS = re.compile(
    r"</?s>|<\|im_end\|>|<\|eot_id\|>|<\|endoftext\|>|<\|end\|>|<end_of_turn>|<eos>|<bos>|<\|begin_of_text\|>|<\|end_of_text\|>"
)
"""What stands after a turn, or around the whole."""
SYSTEM = re.compile(r"\s*<<SYS>>(?P<system>.*?)<</SYS>>", re.DOTALL)
ROLES = {"system": "system", "function response": "tool", "tool": "tool"} | dict.fromkeys(
    ("assistant", "model", "[/inst]", "response", "answer", "output", "ai", "bot", "助手", "答"), "assistant"
)
"""By the words of the marks; all others are the user's."""


def turns_in(text: Any) -> list[dict[str, str]] | None:
    """The turns of a text with marks, what stands before the first as the system message; None: it is no such text."""
    if not isinstance(text, str):
        return None
    for marks in MARKS:
        found = list(marks.finditer(text))
        starts = [*(each.start() for each in found), len(text)]
        roles = [ROLES.get(each["role"].casefold(), "user") for each in found]
        if {"user", "assistant"} <= {*roles} and roles.index("user") < roles.index("assistant"):
            parts = [text[each.end() : end] for each, end in zip(found, starts[1:], strict=True)]
            return _joined(zip(("system", *roles), (text[: starts[0]], *parts), strict=True))
    return None


def _joined(said: Any) -> list[dict[str, str]]:
    """The turns that say something; of one role after another, as an instruction with its input, one."""
    turns: list[dict[str, str]] = []
    for role, text in said:
        words = ENDS.sub("", text)
        system = SYSTEM.match(words) if role == "user" else None
        parts = [("system", system["system"]), (role, words[system.end() :])] if system else [(role, words)]
        for each, part in parts:
            if not part.strip():
                continue
            if turns and turns[-1]["role"] == each:
                turns[-1]["content"] += f"\n{part.strip()}"
            else:
                turns.append({"role": each, "content": part.strip()})
    return turns


def marked_column(rows: Sequence[dict[str, Any]]) -> str | None:
    """The column in which every row has a chat with marks, or None."""
    for name in (key for key in COLUMNS if key in rows[0]):
        if all((turns := turns_in(row.get(name))) is not None and turns[-1]["role"] == "assistant" for row in rows):
            return name
    return None
