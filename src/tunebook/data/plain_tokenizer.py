"""A tokenizer for engines that bring no model: one id a word. Lengths are then counted in words.

Chinese and Japanese have no blanks between words; there every character counts as a word, as in the metrics.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tunebook.core.metric import CJK

__all__ = ["PlainTokenizer"]

_WORDS = re.compile(rf"\s*(?:[{CJK}]|[^\s{CJK}]+)")


class PlainTokenizer:
    """What `data.template.Encoder` and the judging need of a transformers tokenizer, and no more."""

    eos_token_id = 0
    chat_template = None

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._words: list[str] = [""]

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, Any]:
        return {"input_ids": [self._id(word) for word in _WORDS.findall(text)]}

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """The text of ids, end-of-text left out."""
        return "".join(self._words[i] for i in ids).strip()

    def _id(self, word: str) -> int:
        if word not in self._ids:
            self._ids[word] = len(self._words)
            self._words.append(word)
        return self._ids[word]
