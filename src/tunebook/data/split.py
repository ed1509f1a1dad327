"""Who is trained on and who is scored: splitting validation off, taking a part, finding the same question twice.

Two examples ask the same question when their turns (without the system message) are equal after Unicode normalisation
(NFKC), casefold and collapsing of blanks; they are the same example when their answers are equal too, compared in the
same way. Punctuation counts: "3 + 2" is not "3 - 2".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tunebook.data.examples import DataExample
from tunebook.data.labels import repeated_labels
from tunebook.errors import DataError

__all__ = [
    "Repeats",
    "find_repeats",
    "question_key",
    "seeded_part",
    "split_off_validation",
    "validation_size",
]

VALIDATION_SHARE = 0.2
VALIDATION_LEAST = 50
VALIDATION_MOST = 500
"""A fifth of the rows, but at least 50 (at most half) and at most 500: docs/decisions/071."""
LEAST_ROWS_TO_SPLIT = 10

_SPLIT_STREAM, _PART_STREAM = 2**32 + 1, 2**32 + 2
"""Second key words of the Philox streams; those of the data order are epochs, far below."""


def question_key(example: DataExample) -> str:
    """Text that is equal for examples that ask the same question."""
    return _normalised("\n\n".join(f"{role}\n{text}" for role, text in example.messages if role != "system"))


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def validation_size(n_rows: int) -> int:
    """How many of n rows are split off for validation."""
    return min(max(round(VALIDATION_SHARE * n_rows), VALIDATION_LEAST), VALIDATION_MOST, n_rows // 2)


def split_off_validation(
    examples: Sequence[DataExample], seed: int, source: str
) -> tuple[tuple[DataExample, ...], tuple[DataExample, ...]]:
    """Training and validation examples, both in file order, drawn by the seed.

    Rows that ask the same question stay on one side, so the parts may differ by a few from `validation_size`.

    Raises:
        DataError: fewer than ten rows, or all ask the same question.
    """
    if len(examples) < LEAST_ROWS_TO_SPLIT:
        raise DataError(
            "{source}: found {n_examples} rows; splitting validation off takes at least {least_rows_to_split}. "
            "Give more rows, or data.validation.",
            source=source,
            n_examples=len(examples),
            least_rows_to_split=LEAST_ROWS_TO_SPLIT,
        )
    keys = [question_key(example) for example in examples]
    unique = list(dict.fromkeys(keys))
    counts = dict.fromkeys(unique, 0)
    for key in keys:
        counts[key] += 1
    chosen: set[str] = set()
    n_chosen, target = 0, validation_size(len(examples))
    for i in np.random.Generator(np.random.Philox(key=[seed, _SPLIT_STREAM])).permutation(len(unique)):
        if n_chosen + counts[unique[i]] <= target:
            chosen.add(unique[i])
            n_chosen += counts[unique[i]]
    if not chosen:
        raise DataError(
            "{source}: found {n_unique} different questions in {n_examples} rows; validation needs questions "
            "that training has not. Give data.validation.",
            source=source,
            n_unique=len(unique),
            n_examples=len(examples),
        )
    train = tuple(example for example, key in zip(examples, keys, strict=True) if key not in chosen)
    return train, tuple(example for example, key in zip(examples, keys, strict=True) if key in chosen)


def seeded_part(examples: Sequence[DataExample], n: int, seed: int, source: str) -> tuple[DataExample, ...]:
    """n of the examples in file order, drawn by the seed.

    Where answers are labels, each keeps its share of the rows (largest remainders), and at least one row where n
    allows it: a rare answer must not vanish from what is trained on.

    Raises:
        DataError: there are fewer.
    """
    if n > len(examples):
        raise DataError(
            "{source}: data.train_rows is {n}, but there are {n_examples} training rows. Write a smaller number, "
            "or remove train_rows.",
            source=source,
            n=n,
            n_examples=len(examples),
        )
    order = np.random.Generator(np.random.Philox(key=[seed, _PART_STREAM])).permutation(len(examples)).tolist()
    rooms = _rooms(repeated_labels(examples) or {}, n)
    if rooms:
        order = [i for i in order if _take(rooms, examples[i].completion.strip())]
    return tuple(examples[i] for i in sorted(order[:n]))


def _take(rooms: dict[str, int], label: str) -> bool:
    rooms[label] -= 1
    return rooms[label] >= 0


def _rooms(labels: dict[str, int], n: int) -> dict[str, int]:
    """How many of n rows each label gets; empty where n is too small to give each one."""
    if not labels or n < len(labels):
        return {}
    total = sum(labels.values())
    shares = {label: divmod(n * count, total) for label, count in labels.items()}
    rooms = {label: max(1, whole) for label, (whole, _) in shares.items()}
    # a label that got its one row has been rounded up already
    by_remainder = sorted(labels, key=lambda label: (not shares[label][0], -shares[label][1], label))
    while sum(rooms.values()) < n:
        open_labels = [label for label in by_remainder if rooms[label] < labels[label]]
        for label in open_labels[: n - sum(rooms.values())]:
            rooms[label] += 1
    while sum(rooms.values()) > n:  # the commonest label gives what rare ones were rounded up by
        rooms[max(rooms, key=lambda label: (rooms[label], label))] -= 1
    return rooms


Pair = tuple[DataExample, DataExample]


@dataclass(frozen=True)
class Repeats:
    """Pairs of examples that ask the same question, the later one first.

    Attributes:
        same: pairs that are the same example, question and answer.
        other_answer: pairs that share the question only.
    """

    same: list[Pair] = field(default_factory=list)
    other_answer: list[Pair] = field(default_factory=list)


def find_repeats(splits: Mapping[str, Sequence[DataExample]]) -> dict[tuple[str, str], Repeats]:
    """What repeats in a split, by (split, split), and what an earlier split has too, by (split, earlier split).

    Cost: every text is normalised once.
    """
    repeats: dict[tuple[str, str], Repeats] = {}
    asked: dict[str, _Questions] = {}
    for name, examples in splits.items():
        asked[name] = _Questions()
        repeats |= {(name, other): Repeats() for other in asked}
        for example in examples:
            question, answer = question_key(example), _normalised(example.completion)
            for other, questions in asked.items():
                questions.compare(example, question, answer, repeats[name, other])
            asked[name].add(example, question, answer)
    return repeats


class _Questions:
    """The first example of every question of a split, and of every question with its answer."""

    def __init__(self) -> None:
        self._by_question: dict[str, DataExample] = {}
        self._by_both: dict[tuple[str, str], DataExample] = {}

    def add(self, example: DataExample, question: str, answer: str) -> None:
        self._by_question.setdefault(question, example)
        self._by_both.setdefault((question, answer), example)

    def compare(self, example: DataExample, question: str, answer: str, repeats: Repeats) -> None:
        if (question, answer) in self._by_both:
            repeats.same.append((example, self._by_both[question, answer]))
        elif question in self._by_question:
            repeats.other_answer.append((example, self._by_question[question]))
