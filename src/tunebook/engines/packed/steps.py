"""One optimiser step of one trial as micro-batches: prompt trees with the label positions of each.

Examples whose prompts begin with the same tokens share them (`share=True`); a micro-batch holds one or more groups
with a shared prompt, or parts of them. Which prompts are shared is settled for the whole step, before it is cut into
micro-batches, so that neither the gradient nor the dropout masks depend on the cut. The last token of an example
predicts nothing and is not computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunebook.core.ports import TokenizedExample
from tunebook.engines.packed.batches import Node, Tree, evenly

__all__ = ["MicroBatch", "micro_batches", "truncated"]

MIN_SHARED = 4
"""Shorter common beginnings are computed again: a node of its own costs more than it saves."""
_MAX_GROUP = 64
"""Most examples considered for one shared prompt, so that grouping costs at most 64 x the step's examples."""

Indexed = tuple[int, TokenizedExample]
"""An example and its index in the training data."""


@dataclass(frozen=True)
class MicroBatch:
    """A part of a step that is computed at once.

    Attributes:
        tree: its tokens.
        label_rows: rows of the tree whose next token is a label; a row of a shared prompt may come more than once.
        labels: those next tokens.
        n_examples: examples in it.
        raw_tokens: tokens of its examples as one-after-another training counts them.
    """

    tree: Tree
    label_rows: tuple[int, ...]
    labels: tuple[int, ...]
    n_examples: int
    raw_tokens: int


@dataclass(frozen=True)
class _Group:
    key: int
    n_shared: int
    members: tuple[Indexed, ...]


def truncated(examples: Sequence[TokenizedExample], max_length: int) -> tuple[Indexed, ...]:
    """Examples cut to `max_length` tokens with their index; those without any completion token left are dropped."""
    kept = []
    for index, e in enumerate(examples):
        room = max_length - len(e.prompt_ids)
        if room > 0 and e.completion_ids:
            short = e if room >= len(e.completion_ids) else TokenizedExample(e.prompt_ids, e.completion_ids[:room])
            kept.append((index, short))
    return tuple(kept)


def micro_batches(examples: Sequence[Indexed], max_rows: int, share: bool = True) -> tuple[MicroBatch, ...]:
    """The examples of one step as micro-batches of at most `max_rows` computed tokens (or one example), an even number
    of about equal ones where one is not enough.

    Args:
        share: compute the tokens with which prompts begin alike once.
    """
    groups = _groups(examples) if share else [_Group(-1, 0, tuple(examples))]
    batches = evenly(lambda rows: _cut(groups, rows), lambda pieces: sum(_n_rows(p) for p in pieces), max_rows)
    return tuple(_micro_batch(pieces) for pieces in batches)


def _cut(groups: Sequence[_Group], max_rows: int) -> list[list[_Group]]:
    """Groups, or pieces of them, together as long as they fit."""
    batches: list[list[_Group]] = []
    rows = 0
    for piece in _pieces(groups, max_rows):
        size = _n_rows(piece)
        if batches and rows + size <= max_rows:
            batches[-1].append(piece)
        else:
            batches.append([piece])
            rows = 0
        rows += size
    return batches


def _groups(examples: Sequence[Indexed]) -> list[_Group]:
    """Split sorted prompts into runs with a common beginning so that the fewest tokens are computed (exact, by
    dynamic programming over the sorted order)."""
    ordered = sorted(examples, key=lambda item: (item[1].prompt_ids, item[0]))
    common = [_n_common(a[1].prompt_ids, b[1].prompt_ids) for a, b in pairwise(ordered)]
    best, cut = [0], [0]
    for stop in range(1, len(ordered) + 1):
        saved, start_of_best = best[stop - 1], stop - 1
        shared = len(ordered[stop - 1][1].prompt_ids)
        for start in range(stop - 2, max(-1, stop - 1 - _MAX_GROUP), -1):
            shared = min(shared, common[start])
            if shared < MIN_SHARED:
                break
            if best[start] + shared * (stop - start - 1) > saved:
                saved, start_of_best = best[start] + shared * (stop - start - 1), start
        best.append(saved)
        cut.append(start_of_best)
    spans, stop = [], len(ordered)
    while stop > 0:
        spans.append((cut[stop], stop))
        stop = cut[stop]
    return [
        _Group(-1 - i, min(common[a : b - 1], default=0), tuple(ordered[a:b])) for i, (a, b) in enumerate(spans[::-1])
    ]


def _n_common(a: Sequence[int], b: Sequence[int]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def _pieces(groups: Sequence[_Group], max_rows: int) -> Iterator[_Group]:
    """Groups cut so that each piece fits; every piece keeps its group's key and shared prompt."""
    for group in groups:
        members: list[Indexed] = []
        rows = group.n_shared
        for member in group.members:
            size = _n_own(member[1], group.n_shared)
            if members and rows + size > max_rows:
                yield _Group(group.key, group.n_shared, tuple(members))
                members, rows = [], group.n_shared
            members.append(member)
            rows += size
        yield _Group(group.key, group.n_shared, tuple(members))


def _n_own(example: TokenizedExample, n_shared: int) -> int:
    return example.n_tokens - 1 - n_shared


def _n_rows(group: _Group) -> int:
    return group.n_shared + sum(_n_own(example, group.n_shared) for _, example in group.members)


def _micro_batch(pieces: Sequence[_Group]) -> MicroBatch:
    nodes: list[Node] = []
    label_rows: list[int] = []
    labels: list[int] = []
    row = 0
    for piece in pieces:
        root = -1
        root_end = row + piece.n_shared
        if piece.n_shared:
            root = len(nodes)
            nodes.append(Node(piece.members[0][1].prompt_ids[: piece.n_shared], -1, 0, piece.key))
        row = root_end
        for index, example in piece.members:
            own = (example.prompt_ids + example.completion_ids)[piece.n_shared : -1]
            if own:
                nodes.append(Node(own, root, piece.n_shared, index))
            first = row + len(example.prompt_ids) - piece.n_shared - 1  # the row of the prompt's last token
            for offset, label in enumerate(example.completion_ids):
                at = first + offset
                label_rows.append(at if at >= row else root_end - 1)
                labels.append(label)
            row += len(own)
    members = [member for piece in pieces for member in piece.members]
    raw = sum(example.n_tokens for _, example in members)
    return MicroBatch(Tree(tuple(nodes)), tuple(label_rows), tuple(labels), len(members), raw)
