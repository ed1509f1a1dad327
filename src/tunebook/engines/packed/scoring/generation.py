"""Greedy answers, token by token, of several adapters at once; an answer leaves the batch when it is complete.

Generation begins where the greedy answer departs from the gold completion (see `accepted`). Up to that point, the pass
that computes the likelihood of the gold completion has already computed everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tunebook.core.ports import Scoring
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.transfer import to_device
from tunebook.engines.packed.scoring.group_attention import KeyValue
from tunebook.engines.packed.scoring.pages import Pages, Rows, StepAttention, StepRows
from tunebook.engines.packed.scoring.passes import SlotRows, likeliest, run_rows

__all__ = ["Begun", "Writing", "accepted"]

STEPS_UNREAD = 8
"""Number of tokens that a GPU writes for each answer before the host reads them. Answers that ended in between are cut
at their end."""


@dataclass(frozen=True)
class Begun:
    """What a group of examples says of one adapter's answers.

    Attributes:
        done: complete answers by example.
        unfinished: of every other answer its example and its tokens so far, at least one.
        rows: of each of these the rows of all its tokens except the last one, among those of `layers`.
        layers: keys and values of rows in every layer, each (G, n, E).
    """

    done: Mapping[int, tuple[int, ...]]
    unfinished: Sequence[tuple[int, list[int]]]
    rows: Sequence[Rows]
    layers: Sequence[KeyValue]


@dataclass
class _Answer:
    """An answer that is being written.

    Attributes:
        rows: where its keys and values lie, those of the shared prompt first, with room behind them.
        n_keys: how many it has: those of all tokens except the last one.
    """

    example: int
    tokens: list[int]
    rows: Rows
    n_keys: int


class Writing:
    """The answers of several adapters, written together; each adapter's by itself in `done`, by example.

    Args:
        adapters: of each slot; None: the base model alone.
        shared: keys and values of the shared prompt for each slot, in every layer, (G, P, E) each, or None.
        n_shared: its tokens.
    """

    def __init__(
        self, packed: PackedModel, adapters: Sequence[Adapter | None], shared: Sequence[Sequence[KeyValue] | None],
        n_shared: int, scoring: Scoring,
    ) -> None:  # fmt: skip
        self._packed, self._adapters, self._scoring = packed, adapters, scoring
        self._shared, self._n_shared = shared, n_shared
        self._pages = Pages()
        self._prompts: list[Rows | None] = [None] * len(adapters)
        self._going: list[list[_Answer]] = [[] for _ in adapters]
        self.done: list[dict[int, tuple[int, ...]]] = [{} for _ in adapters]

    @property
    def n_answers(self) -> int:
        """Answers that are not complete."""
        return sum(map(len, self._going))

    @property
    def n_rows(self) -> int:
        """Tokens whose keys and values these answers hold when they are complete, at most."""
        return sum(a.n_keys - self._n_shared + self._left(a) for going in self._going for a in going)

    def add(self, slot: int, begun: Begun) -> None:
        """Take over what a group says of one slot's answers."""
        self.done[slot] |= begun.done
        if not begun.unfinished:
            return
        prompt, stored = self._prompt(slot), self._pages.store(begun.layers)
        for (example, tokens), own in zip(begun.unfinished, begun.rows, strict=True):
            self._pages.take(stored[own])
            rows = np.concatenate([prompt, stored[own]])
            self._going[slot].append(_Answer(example, tokens, rows, len(rows)))

    def step(self) -> None:
        """Write the next token of every answer, on a GPU the next few; complete answers leave."""
        steps = min(STEPS_UNREAD, self._most_left()) if self._packed.device.type == "cuda" else 1
        tokens = iter(zip(*self._write(steps), strict=True))
        for slot, going in enumerate(self._going):
            left = []
            for answer in going:
                answer.n_keys += steps
                if _ends(answer.tokens, next(tokens), self._scoring):
                    self.done[slot][answer.example] = tuple(answer.tokens)
                    self._pages.give_back(answer.rows[self._n_shared :])
                else:
                    left.append(answer)
            self._going[slot] = left

    def _left(self, answer: _Answer) -> int:
        return self._scoring.max_new_tokens - len(answer.tokens)

    def _most_left(self) -> int:
        return max(self._left(answer) for going in self._going for answer in going)

    def _prompt(self, slot: int) -> Rows:
        found, shared = self._prompts[slot], self._shared[slot]
        if found is None:
            found = np.zeros(0, dtype=np.int64) if shared is None else self._pages.store(shared)
            self._pages.take(found)
            self._prompts[slot] = found
        return found

    def _write(self, steps: int) -> list[list[int]]:
        """The next tokens of all answers, in order, for some steps, read once."""
        writing = [slot for slot, going in enumerate(self._going) if going]
        rows = self._step_rows(writing, steps)
        ids, found = None, []
        for step in range(steps):
            slots = [self._next_rows(slot, step) for slot in writing]
            hidden = run_rows(self._packed, slots, StepAttention(self._pages, rows.after(step)), ids=ids)
            ids = likeliest(self._packed, hidden[: self.n_answers])
            found.append(ids)
        read: list[list[int]] = torch.stack(found).tolist()
        return read

    def _step_rows(self, writing: Sequence[int], steps: int) -> StepRows:
        answers = [answer for slot in writing for answer in self._going[slot]]
        for answer in answers:
            if answer.n_keys + steps > len(answer.rows):
                more = self._pages.room(answer.n_keys + steps - len(answer.rows))
                self._pages.take(more)
                answer.rows = np.concatenate([answer.rows, more])
        table = np.zeros((len(answers), max(a.n_keys for a in answers) + steps), dtype=np.int64)
        for row, answer in zip(table, answers, strict=True):
            n = answer.n_keys + steps
            row[:n] = answer.rows[:n]
        there, counts = to_device(self._packed.device, table, np.array([a.n_keys for a in answers], dtype=np.int64))
        return StepRows(
            table=there, counts=counts, longest=[max(a.n_keys for a in self._going[slot]) for slot in writing],
            sizes=[len(self._going[slot]) for slot in writing], shared=[self._shared[slot] for slot in writing],
            n_shared=self._n_shared,
        )  # fmt: skip

    def _next_rows(self, slot: int, step: int) -> SlotRows:
        going = self._going[slot]
        return SlotRows(self._adapters[slot], [a.tokens[-1] for a in going], [a.n_keys + step for a in going])


def _ends(answer: list[int], tokens: Sequence[int], scoring: Scoring) -> bool:
    """Append tokens to an answer up to its end; returns whether the end was reached."""
    for token in tokens:
        if token in scoring.stop_ids:
            return True
        answer.append(token)
        if len(answer) >= scoring.max_new_tokens:
            return True
    return False


def accepted(gold: Sequence[int], greedy: Sequence[int], scoring: Scoring) -> tuple[list[int], bool]:
    """The greedy answer as far as it is known from the greedy tokens along the gold completion.

    Args:
        gold: the gold completion's tokens.
        greedy: for each of them, the most likely token given the gold tokens before it.

    Returns: the answer's tokens so far, and whether it is complete. An incomplete answer's last token has not been
        run yet; all its others are gold and have been.
    """
    answer: list[int] = []
    for expected, token in zip(gold, greedy, strict=True):
        if token in scoring.stop_ids:
            return answer, True
        answer.append(token)
        if len(answer) >= scoring.max_new_tokens:
            return answer, True
        if token != expected:
            return answer, False
    return answer, False
