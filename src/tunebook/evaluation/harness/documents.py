"""Which documents of a task choose between configurations, and which confirm the choice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tunebook.core.facts import ExampleText
from tunebook.core.ports import TokenizedExample

__all__ = ["Document", "digest_of", "divided", "fewest"]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document of a task.

    Attributes:
        index: its position in the harness's own order.
        text: prompt, right answer and further right answers.
    """

    index: int
    text: ExampleText

    @property
    def key(self) -> str:
        """SHA-256 of its texts: equal documents are never parted, and none moves when others are added."""
        texts = [self.text.prompt, *self.text.golds]
        return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()


def divided(documents: Sequence[Document], test_share: float) -> tuple[list[Document], list[Document]]:
    """The documents of one split as validation and test, by their texts alone: a document is in the test part when
    the first 52 bits of its key, as a fraction, are below `test_share`."""
    is_test = [int(document.key[:13], 16) / 16**13 < test_share for document in documents]
    parts = [
        [document for document, test in zip(documents, is_test, strict=True) if test is want] for want in (False, True)
    ]
    return parts[0], parts[1]


def fewest(documents: Sequence[Document], limit: int | None) -> list[Document]:
    """At most so many, those of the lowest keys, in their own order."""
    if limit is None or len(documents) <= limit:
        return list(documents)
    kept = {id(document) for document in sorted(documents, key=lambda each: each.key)[:limit]}
    return [document for document in documents if id(document) in kept]


def digest_of(examples: Iterable[ExampleText], rows: Iterable[TokenizedExample]) -> str:
    """SHA-256 of documents and requests."""
    told = [[asdict(example) for example in examples], [[row.prompt_ids, row.completion_ids] for row in rows]]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
