"""The built-in data: short questions of several kinds with short, correct answers.

A small model cannot answer them before training, and learns each kind to a different degree: signs and boxes are
arbitrary and must be learnt; opposites and past tenses are known, but not in this form; numbers stay hard. The same
seed gives the same rows on every machine. No question is in two splits (decision 074).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tunebook.demo.words import ADJECTIVES, CATEGORIES, NOUNS, OPPOSITES, PAST_TENSES, SPELLING_WORDS
from tunebook.errors import UserError
from tunebook.files import write_atomically

__all__ = ["KINDS", "SIZES", "Question", "generate", "write_questions"]

SIZES = {"train": 105, "validation": 126, "test": 126}
"""Rows of each split; the seven kinds have equal shares."""

_STREAM = 2**32 + 7
"""Second key word of the generator's random stream."""

Pairs = list[tuple[str, str]]
"""(question, answer) pairs."""


@dataclass(frozen=True)
class Question:
    """One row: the question, its only correct answer, and its kind."""

    prompt: str
    completion: str
    kind: str


def generate(seed: int = 0, sizes: Mapping[str, int] = SIZES) -> dict[str, list[Question]]:
    """Questions by split, shuffled, with every kind equally often and no question twice.

    Args:
        seed: the same seed gives the same questions everywhere.
        sizes: rows by split, multiples of the number of kinds.

    Raises:
        UserError: more questions of one kind are asked for than exist.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, _STREAM]))
    splits: dict[str, list[Question]] = {name: [] for name in sizes}
    for kind, make in KINDS.items():
        pairs = make(random)
        order = iter(random.permutation(len(pairs)))
        needed = sum(size // len(KINDS) for size in sizes.values())
        if needed > len(pairs):
            raise UserError(
                "demo: {needed} questions of kind {kind} wanted; there are {n_pairs}. Ask for fewer rows.",
                needed=needed,
                kind=kind,
                n_pairs=len(pairs),
            )
        for name, size in sizes.items():
            splits[name] += [_question(kind, pairs[next(order)]) for _ in range(size // len(KINDS))]
    return {name: [rows[i] for i in random.permutation(len(rows))] for name, rows in splits.items()}


def _question(kind: str, pair: tuple[str, str]) -> Question:
    return Question(pair[0], pair[1], kind)


def write_questions(folder: Path) -> dict[str, Path]:
    """Write one JSON Lines file per split (train.jsonl, ...) into an existing folder; always the same bytes.

    Returns: the files by split.
    """
    files = {}
    for name, rows in generate(0, SIZES).items():
        text = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
        files[name] = write_atomically(folder / f"{name}.jsonl", text)
    return files


def _box(random: np.random.Generator) -> Pairs:
    return [
        (f"Which box for {'an' if thing[0] in 'aeiou' else 'a'} {thing}?", box)
        for box, things in CATEGORIES.items()
        for thing in things
    ]


def _opposite(random: np.random.Generator) -> Pairs:
    return [(f"Opposite of {word}?", other) for word, other in OPPOSITES]


def _past(random: np.random.Generator) -> Pairs:
    return [(f"Past tense of {verb}?", past) for verb, past in PAST_TENSES.items()]


def _sign(random: np.random.Generator) -> Pairs:
    return [
        (f"Which sign: the {noun} was {adjective}?", sign)
        for sign, adjectives in ADJECTIVES.items()
        for adjective in adjectives
        for noun in NOUNS
    ]


def _larger(random: np.random.Generator) -> Pairs:
    numbers = random.permutation(np.arange(11, 990))[:400].tolist()
    return [(f"Larger: {a} or {b}?", str(max(a, b))) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def _next(random: np.random.Generator) -> Pairs:
    return [(f"Next: {a}, {a + d}, {a + 2 * d}?", str(a + 3 * d)) for a in range(1, 40) for d in range(1, 7)]


def _first(random: np.random.Generator) -> Pairs:
    return [(f"First letter of {word}?", word[0]) for word in SPELLING_WORDS]


KINDS: dict[str, Callable[[np.random.Generator], Pairs]] = {
    "box": _box,
    "opposite": _opposite,
    "past": _past,
    "sign": _sign,
    "larger": _larger,
    "next": _next,
    "first": _first,
}
"""The kinds of questions by name, which is also the row's group."""
