"""Training rows as chat messages, the form that both LLaMA-Factory and axolotl put through the model's template."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

__all__ = ["rows"]


def rows(examples: Iterable[tuple[Sequence[tuple[str, str]], str]], system: str | None = None) -> str:
    """JSON Lines of `{"messages": [{"role", "content", "train"}, ...]}`.

    Args:
        examples: the turns before the answer as (role, text), and the answer.
        system: the study's system message, put first in examples that have none of their own.

    Only the answer has `"train": true`, as in tunebook, where the loss covers only the answer.
    """
    lines = []
    for turns, answer in examples:
        before = list(turns)
        if system and not any(role == "system" for role, _ in before):
            before.insert(0, ("system", system))
        messages = [{"role": role, "content": text, "train": False} for role, text in before]
        messages.append({"role": "assistant", "content": answer, "train": True})
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False))
    return "\n".join(lines) + ("\n" if lines else "")
