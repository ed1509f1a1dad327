"""Greedy answers, token by token, of several adapters at once; an answer leaves the batch when it is complete.

Generation begins where the greedy answer departs from the gold completion (see `accepted`). Up to that point, the pass
that computes the likelihood of the gold completion has already computed everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from tunebook.core.ports import Scoring
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.cache import StepAttention, StepCache
from tunebook.engines.packed.scoring.passes import SlotRows, likeliest, run_rows

__all__ = ["Writer", "accepted", "write_answers"]

STEPS_UNREAD = 8
"""Number of tokens that a GPU writes for each answer before the host reads them. Answers that ended in between are cut
at their end."""


@dataclass
class Writer:
    """The answers of one adapter that are still being written.

    Attributes:
        cache: keys and values of all their tokens except the last one.
        answers: tokens so far of each answer, in the cache's order, at least one each.
        examples: the example of each answer.
        done: finished answers by example.
    """

    adapter: Adapter | None
    cache: StepCache
    answers: list[list[int]] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    done: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def join(self, other: Writer) -> None:
        """Add the answers of another writer, which has not continued them yet."""
        self.cache.join(other.cache)
        self.answers += other.answers
        self.examples += other.examples
        self.done |= other.done

    def take(self, steps: Sequence[Sequence[int]], scoring: Scoring) -> None:
        """Append the next tokens (one of every answer for each step), and remove the answers that are complete."""
        going = []
        for index, answer in enumerate(self.answers):
            if _ends(answer, [step[index] for step in steps], scoring):
                self.done[self.examples[index]] = tuple(answer)
            else:
                going.append(index)
        if len(going) < len(self.answers):
            self.answers = [self.answers[i] for i in going]
            self.examples = [self.examples[i] for i in going]
            self.cache.keep(going)

    def left(self, scoring: Scoring) -> int:
        """The most tokens that an answer may still get."""
        return scoring.max_new_tokens - min(map(len, self.answers))


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


def write_answers(
    packed: PackedModel, writers: Sequence[Writer], scoring: Scoring, on_step: Callable[[], None]
) -> None:
    """Continue all answers until a stop token or `max_new_tokens`. `on_step` may raise an exception to stop."""
    for writer in writers:
        if writer.answers:
            writer.cache.settle()
    unread = STEPS_UNREAD if packed.device.type == "cuda" else 1
    while going := [writer for writer in writers if writer.answers]:
        on_step()
        steps = min(unread, max(writer.left(scoring) for writer in going))
        tokens, start = _write(packed, going, steps), 0
        for writer in going:
            rows = slice(start, start + len(writer.answers))
            start = rows.stop
            writer.take([step[rows] for step in tokens], scoring)


def _write(packed: PackedModel, writers: Sequence[Writer], steps: int) -> list[list[int]]:
    """The next tokens of all answers, in order, for some steps, read once."""
    caches = [writer.cache for writer in writers]
    for cache in caches:
        cache.make_room(steps)
    ids, found = None, []
    for _ in range(steps):
        slots = [_next_rows(writer) for writer in writers]
        hidden = run_rows(packed, slots, StepAttention(caches), ids=ids)
        ids = likeliest(packed, hidden[: sum(len(slot.tokens) for slot in slots)])
        found.append(ids)
        for cache in caches:
            cache.grown()
    read: list[list[int]] = torch.stack(found).tolist()
    return read


def _next_rows(writer: Writer) -> SlotRows:
    positions = [n + writer.cache.n_shared for n in writer.cache.lengths]
    return SlotRows(writer.adapter, [answer[-1] for answer in writer.answers], positions)
