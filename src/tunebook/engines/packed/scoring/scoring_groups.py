"""Lays out what is run to score examples: the shared prompt once, then only the tokens of each example that are new.

An example's *path* is what follows the shared prompt: the rest of its prompt (its tail), then the continuations whose
likelihood is wanted (the gold completion, or every option of a choice), merged as far as they begin with
the same tokens. The last token of a continuation is only predicted, never run. Paths are sorted, so that neighbours
have similar beginnings: a path reuses the rows of the one before it as far as their tails agree.

A `Group` is as many paths as fit one forward. It depends on the examples alone, never on the adapters that are scored
or how many of them there are. Nothing here runs a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.packed.model.batches import cut, evenly

__all__ = ["Block", "Group", "Path", "Wanted", "group_of", "groups_of", "n_groups", "paths_of", "shared_prompt"]

MIN_SHARED = 8
"""A shared prompt of fewer tokens is not worth a forward of its own."""
_PADDING = 1 << 40
BLOCKS = 4
"""Padded blocks in which attention runs over a group: more blocks need less padding but more calls."""


@dataclass(frozen=True)
class Wanted:
    """A likelihood to read: of `token` after the path's row `row`, as part of continuation `continuation`."""

    row: int
    token: int
    continuation: int


@dataclass(frozen=True)
class Path:
    """The tokens of one example after the shared prompt.

    Attributes:
        example: its index.
        tokens: token ids; the tail, then the tree of continuations, parents before children.
        parents: for each token the index of the one before it in its sequence; -1: the shared prompt.
        n_tail: tokens of the prompt among them, at least 1.
        wanted: likelihoods to read, continuation by continuation in order.
    """

    example: int
    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    n_tail: int
    wanted: tuple[Wanted, ...]

    @property
    def forks(self) -> bool:
        """Whether its continuations branch."""
        return self.parents != tuple(range(-1, len(self.parents) - 1))


@dataclass(frozen=True)
class Fork:
    """Which tokens of one path's continuations must not attend to one another.

    Attributes:
        path: its index in the block.
        query, key: where its continuations begin among its queries and keys.
        unseen: which of the c queries must not see which of the c keys, shape (c, c), bool.
    """

    path: int
    query: int
    key: int
    unseen: Tensor

    def hide(self, hidden: Tensor, queries: slice) -> None:
        """Mark the unseen keys in `hidden`, shape (B, l, W), which covers these queries of the block."""
        n = len(self.unseen)
        first, stop = max(self.query, queries.start), min(self.query + n, queries.stop)
        if first < stop:
            own = hidden[self.path, first - queries.start : stop - queries.start, self.key : self.key + n]
            own |= self.unseen[first - self.query : stop - self.query]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Paths whose new rows are attended together, padded; row numbers are within the group of one adapter.

    Attributes:
        query_rows: new rows of each path, shape (B, L), int64.
        key_rows: all rows of each path, shape (B, W), int64.
        query_depths: how many tokens of its path's own come before each query, shape (B, L), int64; 0 for padding.
        key_depths: likewise of each key, shape (B, W), int64; very large for padding.
        forks: one for each path whose continuations branch.
        n_shared: tokens of the shared prompt before them.
        last_position: the largest position of a query.
    """

    query_rows: Tensor
    key_rows: Tensor
    query_depths: Tensor
    key_depths: Tensor
    forks: tuple[Fork, ...]
    n_shared: int
    last_position: int

    def hidden(self, queries: slice, window: int | None) -> Tensor:
        """Which keys some queries must not see, shape (B, l, W), bool; padding is hidden too."""
        depths = self.query_depths[:, queries, None]
        hidden = self.key_depths[:, None] > depths
        if window is not None:
            hidden |= depths - self.key_depths[:, None] >= window
        for fork in self.forks:
            fork.hide(hidden, queries)
        return hidden

    def hidden_shared(self, queries: slice, window: int | None) -> Tensor | None:
        """Which shared keys some queries must not see, shape (B, l, P), bool; None: they see all."""
        if window is None or not self.n_shared or self.last_position < window:
            return None
        positions = self.query_depths[:, queries, None] + self.n_shared
        return positions - torch.arange(self.n_shared, device=positions.device) >= window


@dataclass(frozen=True, kw_only=True)
class Group:
    """Paths that are run in one forward.

    Attributes:
        n_shared: tokens of the shared prompt before them.
        paths: in the order of their rows.
        path_rows: the group's row of every token of each path.
        tokens, positions: of each row.
        blocks: the padded blocks in which attention is computed.
        gather: where each row's attention lies in the blocks' outputs, one after another, shape (N,), int64.
        label_rows: rows whose logits are needed, M of them.
        wanted: (path, continuation, index into label_rows, token) of every likelihood, in order.
    """

    n_shared: int
    paths: tuple[Path, ...]
    path_rows: tuple[tuple[int, ...], ...]
    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    blocks: tuple[Block, ...]
    gather: Tensor
    label_rows: tuple[int, ...]
    wanted: tuple[tuple[int, int, int, int], ...] = field(default=())

    @property
    def n_rows(self) -> int:
        """Computed tokens of one adapter."""
        return len(self.tokens)


def shared_prompt(examples: Sequence[TokenizedExample]) -> tuple[int, ...]:
    """The tokens with which every prompt begins, leaving each at least one of its own; empty if they are few."""
    if len(examples) < 2:
        return ()
    prompts = [example.prompt_ids for example in examples]
    first, last = min(prompts), max(prompts)  # in lexicographic order these two differ the earliest
    longest = min(len(prompt) for prompt in prompts) - 1
    n = _agreeing(first, last, longest)
    return first[:n] if n >= MIN_SHARED else ()


def paths_of(examples: Sequence[TokenizedExample], scoring: Scoring | None, n_shared: int) -> list[Path]:
    """Every example's path, sorted by its tail.

    Args:
        scoring: if it is a choice, its options are continuations too; None: the gold completion alone.
    """
    options = scoring.choices if scoring is not None and scoring.kind == "choice" else ()
    paths = [_path(index, example.prompt_ids[n_shared:], (*options, example.completion_ids))
             for index, example in enumerate(examples)]  # fmt: skip
    return sorted(paths, key=lambda path: (path.tokens[: path.n_tail], path.example))


def groups_of(
    paths: Sequence[Path], n_shared: int, max_rows: int, device: torch.device | str = "cpu", part: int = 0, of: int = 1
) -> list[Group]:
    """Cut sorted paths into groups of at most `max_rows` rows (a longer path has a group to itself), an even number of
    about equal ones where one is not enough; gives one of `of` parts of these groups."""
    pieces = _pieces(paths, max_rows)
    mine = pieces[part * len(pieces) // of : (part + 1) * len(pieces) // of]
    return [group_of(paths[start:stop], n_shared, device) for start, stop, _ in mine]


def n_groups(examples: Sequence[TokenizedExample], scoring: Scoring, max_rows: int) -> int:
    """How many groups some examples are cut into."""
    return len(_pieces(paths_of(examples, scoring, len(shared_prompt(examples))), max_rows))


def _pieces(paths: Sequence[Path], max_rows: int) -> list[tuple[int, int, int]]:
    """Where sorted paths are cut: first and last one, and rows, of each group."""
    if not paths:
        return []
    sizes = [(len(path.tokens), reused) for path, reused in zip(paths, _all_reused(paths), strict=True)]
    return evenly(lambda rows: cut(sizes, rows), lambda piece: piece[2], max_rows)


def group_of(paths: Sequence[Path], n_shared: int, device: torch.device | str = "cpu") -> Group:
    """Lay the new rows of sorted paths end to end, the shortest paths first."""
    reused = _all_reused(paths)
    own = [len(path.tokens) - n for path, n in zip(paths, reused, strict=True)]
    order = sorted(range(len(paths)), key=lambda k: own[k])
    starts, total = dict[int, int](), 0
    for k in order:
        starts[k], total = total, total + own[k]
    path_rows: list[tuple[int, ...]] = []
    for k in range(len(paths)):
        before = path_rows[k - 1][: reused[k]] if reused[k] else ()
        path_rows.append((*before, *range(starts[k], starts[k] + own[k])))
    laid = [(paths[k], path_rows[k], reused[k]) for k in order]
    return _group([item for item in laid if item[1]], n_shared, total, device)


_Laid = tuple[Path, tuple[int, ...], int]
"""A path, its rows in the group, and how many of them are another path's."""


def _group(laid: Sequence[_Laid], n_shared: int, n_rows: int, device: torch.device | str) -> Group:
    tokens, positions = [0] * n_rows, [0] * n_rows
    labels: dict[int, int] = {}
    wanted = []
    for k, (path, rows, reused) in enumerate(laid):
        depths = _depths(path)
        for j in range(reused, len(rows)):
            tokens[rows[j]], positions[rows[j]] = path.tokens[j], n_shared + depths[j]
        for want in path.wanted:
            label = labels.setdefault(rows[want.row], len(labels))
            wanted.append((k, want.continuation, label, want.token))
    with_rows = [item for item in laid if len(item[1]) > item[2]]
    chunks = _chunks(with_rows)
    blocks = tuple(_block(chunk, n_shared, device) for chunk in chunks)
    gather = torch.tensor(_gather_index(chunks), dtype=torch.int64, device=device)
    return Group(
        n_shared=n_shared, paths=tuple(path for path, _, _ in laid), path_rows=tuple(rows for _, rows, _ in laid),
        tokens=tuple(tokens), positions=tuple(positions), blocks=blocks, gather=gather, label_rows=tuple(labels),
        wanted=tuple(wanted),
    )  # fmt: skip


def _chunks(laid: Sequence[_Laid]) -> list[Sequence[_Laid]]:
    size = -(-len(laid) // BLOCKS)
    return [laid[start : start + size] for start in range(0, len(laid), size)]


def _gather_index(chunks: Sequence[Sequence[_Laid]]) -> list[int]:
    """Rows are laid in the order of the chunks, so that each is found in the padded outputs by its own length."""
    index: list[int] = []
    offset = 0
    for chunk in chunks:
        length = max(len(rows) - reused for _, rows, reused in chunk)
        for k, (_, rows, reused) in enumerate(chunk):
            index.extend(range(offset + k * length, offset + k * length + len(rows) - reused))
        offset += len(chunk) * length
    return index


def _block(chunk: Sequence[_Laid], n_shared: int, device: torch.device | str) -> Block:
    length = max(len(rows) - reused for _, rows, reused in chunk)
    width = max(len(rows) for _, rows, _ in chunk)
    query_rows = torch.zeros(len(chunk), length, dtype=torch.int64)
    key_rows = torch.zeros(len(chunk), width, dtype=torch.int64)
    query_depths = torch.zeros(len(chunk), length, dtype=torch.int64)
    key_depths = torch.full((len(chunk), width), _PADDING, dtype=torch.int64)
    forks = []
    for k, (path, rows, reused) in enumerate(chunk):
        n, new = len(rows), len(rows) - reused
        query_rows[k, :new] = torch.tensor(rows[reused:])
        key_rows[k, :n] = torch.tensor(rows)
        key_depths[k, :n] = torch.tensor(_depths(path))
        query_depths[k, :new] = key_depths[k, reused:n]
        if path.forks:
            forks.append(Fork(k, path.n_tail - reused, path.n_tail, ~_seen(path).to(device)))
    return Block(
        query_rows=query_rows.to(device), key_rows=key_rows.to(device), query_depths=query_depths.to(device),
        key_depths=key_depths.to(device), forks=tuple(forks), n_shared=n_shared,
        last_position=n_shared + int(query_depths.max()),
    )  # fmt: skip


def _path(example: int, tail: tuple[int, ...], continuations: Sequence[tuple[int, ...]]) -> Path:
    tokens, parents = list(tail), list(range(-1, len(tail) - 1))
    children: dict[tuple[int, int], int] = {}
    wanted = []
    for index, continuation in enumerate(continuations):
        row = len(tail) - 1
        for j, token in enumerate(continuation):
            wanted.append(Wanted(row, token, index))
            if j == len(continuation) - 1:
                break
            if (row, token) not in children:
                children[row, token] = len(tokens)
                tokens.append(token)
                parents.append(row)
            row = children[row, token]
    return Path(example, tuple(tokens), tuple(parents), len(tail), tuple(wanted))


def _depths(path: Path) -> list[int]:
    depths: list[int] = []
    for parent in path.parents:
        depths.append(0 if parent < 0 else depths[parent] + 1)
    return depths


def _seen(path: Path) -> Tensor:
    """Which tokens of its continuations each of them may attend to: itself and those before it in its sequence."""
    n = len(path.tokens) - path.n_tail
    seen = torch.eye(n, dtype=torch.bool)
    for j in range(n):
        parent = path.parents[path.n_tail + j] - path.n_tail
        if parent >= 0:
            seen[j] |= seen[parent]
    return seen


def _all_reused(paths: Sequence[Path]) -> list[int]:
    """For each path how many tokens of its tail are those of the path before it."""
    pairs = pairwise(paths)
    return [0, *(_agreeing(a.tokens, b.tokens, min(a.n_tail, b.n_tail)) for a, b in pairs)]


def _agreeing(a: Sequence[int], b: Sequence[int], limit: int) -> int:
    return next((i for i in range(limit) if a[i] != b[i]), limit)
