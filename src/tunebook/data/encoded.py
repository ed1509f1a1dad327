"""A split as an engine needs it: every row's token ids and chat, made in one pass, and the rows' lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunebook.core.ports import ChatExample, TokenizedExample
from tunebook.data.examples import DataExample
from tunebook.data.template import Encoder

__all__ = ["EncodedSplit", "encode_split"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class EncodedSplit:
    """The rows of one split, in order.

    Attributes:
        name: "train", "validation" or "test".
        examples: the rows as they were read.
        places: where they stand, for messages.
        ids: their token ids.
        chats: the rows as chats, in text.
    """

    name: str
    examples: tuple[DataExample, ...]
    places: tuple[str, ...]
    ids: tuple[TokenizedExample, ...]
    chats: tuple[ChatExample, ...]

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def prompt_tokens(self) -> Counts:
        """Number of prompt tokens of each row, shape (rows,)."""
        return np.array([len(row.prompt_ids) for row in self.ids], dtype=np.int64)

    @cached_property
    def answer_tokens(self) -> Counts:
        """Number of answer tokens of each row, with the end token, shape (rows,)."""
        return np.array([len(row.completion_ids) for row in self.ids], dtype=np.int64)

    @cached_property
    def n_tokens(self) -> Counts:
        """Number of tokens of each row, prompt and answer, shape (rows,)."""
        return self.prompt_tokens + self.answer_tokens

    def truncation(self, max_length: int) -> dict[str, int]:
        """How many rows are longer than max_length, and how many keep no token of their answer."""
        return {
            "truncated": int((self.n_tokens > max_length).sum()),
            "without_answer": int((self.prompt_tokens >= max_length).sum()),
        }


def encode_split(
    name: str, examples: Sequence[DataExample], place: Callable[[DataExample], str], encoder: Encoder
) -> EncodedSplit:
    """Encode the rows of a split.

    Args:
        place: where a row stands, for messages.

    Raises:
        DataError: the chat template refuses a row's turns.
    """
    places = tuple(map(place, examples))
    return EncodedSplit(
        name=name,
        examples=tuple(examples),
        places=places,
        ids=tuple(encoder.encode(example, where) for example, where in zip(examples, places, strict=True)),
        chats=tuple(map(encoder.chat, examples)),
    )
