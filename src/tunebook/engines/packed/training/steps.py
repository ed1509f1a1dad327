"""One optimiser step of one trial as micro-batches: prompt trees with the label positions of each.

Examples whose prompts begin with the same tokens share them (`share=True`); those among them that go on alike share
more. What is shared is settled for the whole step, before it is cut into micro-batches, so that neither the gradient
nor the dropout masks depend on the cut. The last token of an example predicts nothing and is not computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunebook.core.ports import TokenizedExample
from tunebook.engines.packed.model.batches import Node, Tree, cut, evenly

__all__ = ["MicroBatch", "micro_batches"]

Indexed = tuple[int, TokenizedExample]
"""An example and its index in the training data."""


@dataclass(frozen=True, kw_only=True)
class MicroBatch:
    """A part of a step that is computed at once.

    Attributes:
        tree: its tokens.
        label_rows: rows of the tree whose next token is a label; a row of a shared prompt may come more than once.
        labels: those next tokens.
        n_examples: examples in it.
        weights: what each label counts in the loss; empty: all the same.
        raw_tokens: tokens of its examples as one-after-another training counts them.
    """

    tree: Tree
    label_rows: tuple[int, ...]
    labels: tuple[int, ...]
    n_examples: int
    raw_tokens: int
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Shared:
    """Tokens [start, stop) that several prompts of a step have in common, after the same ones before them."""

    key: int
    start: int
    stop: int


_Path = tuple[_Shared, ...]
"""What an example shares with others, from its first token on."""


def micro_batches(
    examples: Sequence[Indexed], max_rows: int, share: bool = True, weights: Mapping[int, float] | None = None
) -> tuple[MicroBatch, ...]:
    """The examples of one step as micro-batches of at most `max_rows` computed tokens (or one example), an even number
    of about equal ones where one is not enough.

    Args:
        share: compute the tokens with which prompts begin alike once.
        weights: what each example counts in the loss, by its index; None: all the same.
    """
    ordered, paths = _shared(examples) if share else (list(examples), [()] * len(examples))
    sizes = [
        (example.n_tokens - 1, _n_reused(before, path))
        for (_, example), before, path in zip(ordered, [(), *paths], paths, strict=False)
    ]
    pieces = evenly(lambda rows: cut(sizes, rows), lambda piece: piece[2], max_rows)
    return tuple(_micro_batch(ordered[start:stop], paths[start:stop], weights) for start, stop, _ in pieces)


def _shared(examples: Sequence[Indexed]) -> tuple[list[Indexed], list[_Path]]:
    """The examples, sorted by their prompts, and what each shares with its neighbours."""
    ordered = sorted(examples, key=lambda item: (item[1].prompt_ids, item[0]))
    common = [_n_common(a[1].prompt_ids, b[1].prompt_ids) for a, b in pairwise(ordered)]
    paths: list[_Path] = [()] * len(ordered)
    spans: list[tuple[int, int, _Path]] = [(0, len(ordered), ())]  # neighbours, and what is known that they share
    key = 0
    while spans:
        start, stop, path = spans.pop()
        if stop - start > 1:
            least, known = min(common[start : stop - 1]), path[-1].stop if path else 0
            if least > known:
                key -= 1
                path = (*path, _Shared(key, known, least))
            ends = [at + 1 for at in range(start, stop - 1) if common[at] == least]
            spans += [(a, b, path) for a, b in pairwise([start, *ends, stop])]
        paths[start:stop] = [path] * (stop - start)
    return ordered, paths


def _n_common(a: Sequence[int], b: Sequence[int]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def _n_reused(before: _Path, path: _Path) -> int:
    """Tokens of an example that the one before it has computed."""
    both = [mine.stop for mine, other in zip(path, before, strict=False) if mine == other]
    return max(both, default=0)


def _micro_batch(members: Sequence[Indexed], paths: Sequence[_Path], weights: Mapping[int, float] | None) -> MicroBatch:
    nodes: list[Node] = []
    label_rows: list[int] = []
    labels: list[int] = []
    places: dict[_Shared, tuple[int, int]] = {}  # the node of what is shared, and its last row
    row = 0
    for (index, example), path in zip(members, paths, strict=True):
        parent, last, known = -1, -1, 0
        for shared in path:
            if shared not in places:
                nodes.append(Node(example.prompt_ids[shared.start : shared.stop], parent, shared.start, shared.key))
                row += shared.stop - shared.start
                places[shared] = len(nodes) - 1, row - 1
            (parent, last), known = places[shared], shared.stop
        own = (example.prompt_ids + example.completion_ids)[known:-1]
        if own:
            nodes.append(Node(own, parent, known, index))
        first = row + len(example.prompt_ids) - known - 1  # the row of the prompt's last token
        for offset, label in enumerate(example.completion_ids):
            label_rows.append(first + offset if first + offset >= row else last)
            labels.append(label)
        row += len(own)
    raw = sum(example.n_tokens for _, example in members)
    each = () if weights is None else (weights[i] for i, example in members for _ in example.completion_ids)
    return MicroBatch(
        tree=Tree(tuple(nodes)), label_rows=tuple(label_rows), labels=tuple(labels), n_examples=len(members),
        raw_tokens=raw, weights=tuple(each),
    )  # fmt: skip
