"""Which trials step together, and steps that are computed in pieces.

Short steps of several trials go through together. A long step, one of several micro-batches, is
computed in two streams, in two lanes where one is idle; each sums its own gradient, and their sum is the step's. Which
micro-batch belongs to which stream depends on the step alone. What a trial computes does not depend on which others are
beside it, only when it is computed does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunebook.core.facts import StepRecord
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.spread import Spread, one_by_one
from tunebook.engines.packed.training.graphs import graphs_of
from tunebook.engines.packed.training.step import Known, Piece, Unread, gradients, update
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["Training", "choose", "train_together"]


def choose(trainees: Sequence[Trainee], max_rows: int) -> list[Trainee]:
    """The trials whose next steps go through together: in order, as long as they fit; a long step alone."""
    chosen: list[Trainee] = []
    rows = 0
    for trainee in trainees:
        micros = trainee.micro_batches()
        if not chosen and len(micros) > 1:
            return [trainee]
        size = micros[0].tree.n_tokens
        if len(micros) == 1 and (not chosen or rows + size <= max_rows):
            chosen.append(trainee)
            rows += size
    return chosen


class Training:
    """Computes steps of trials.

    Where the device computes while the host goes on, the losses and norms of a step are read when the forward and the
    backward pass of the next one have been launched, and before its update: a trial that has broken is left out of
    that, so its weights and its last step are the same as if they had been read at once. What ends an epoch or a trial
    is read at once. Everything else that looks at a trial calls `settle` first.

    Args:
        clock: tells the seconds that a step is charged with, shared by computed tokens. It is looked at when the device
            has done the step.
        spread: computes the two streams of a long step.
        on_micro_batch: called before each of its micro-batches; may raise to leave.
    """

    def __init__(
        self, packed: PackedModel, clock: Callable[[], float] = time.perf_counter, spread: Spread = one_by_one,
        on_micro_batch: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._packed, self._clock, self._spread, self._on_micro_batch = packed, clock, spread, on_micro_batch
        self._graphs = graphs_of(packed)
        self._unread: _Charged | None = None
        self._known: list[Known] = []  # read and not given yet

    def step(self, trainees: Sequence[Trainee]) -> list[Known]:
        """The next step of each trial that was chosen (`choose`); the records that are known by now."""
        began = self._clock()
        tokens = {trainee: sum(m.tree.n_tokens for m in trainee.micro_batches()) for trainee in trainees}
        if len(trainees[0].micro_batches()) > 1:
            losses_S = self._long(*trainees)
        else:
            losses_S = gradients(
                self._packed, [Piece(t, t.micro_batches()[0], t.adapter) for t in trainees], self._graphs
            )
        ended = self._read() or began
        going = [trainee for trainee in trainees if trainee.broke is None]
        if not going:
            return self._given()
        kept = losses_S
        if len(going) < len(trainees):
            kept = torch.stack([losses_S[trainees.index(one)] for one in going])
        done = update(self._packed.ops, going, kept)
        if isinstance(done, Unread):
            self._unread = _Charged(done, tokens, ended)
            if any(one.epochs_done is not None or one.is_trained for one in going):
                self._read()
            return self._given()
        if self._packed.device.type == "cuda":
            torch.cuda.synchronize(self._packed.device)  # the update may still be running
        _charge(tokens, self._clock() - ended)
        return self._given() + done

    def settle(self) -> list[Known]:
        """Read what has not been read; the records that have not been given."""
        self._read()
        return self._given()

    @property
    def graphs(self) -> int:
        """How many passes are recorded."""
        return len(self._graphs)

    def give_back(self) -> bool:
        """Give back the memory of passes that were recorded, and record no more; says whether there was any."""
        return self._graphs.give_up()

    def _read(self) -> float | None:
        """Read what has not been read; gives when the device had done it."""
        if self._unread is None:
            return None
        unread, self._unread = self._unread, None
        self._known += unread.step.read()
        now = self._clock()
        _charge(unread.tokens, now - unread.began)
        return now

    def _given(self) -> list[Known]:
        known, self._known = self._known, []
        return known

    def _long(self, trainee: Trainee) -> Tensor:
        """The gradient and the loss, (1,), of a step of several micro-batches."""
        micros, twin = trainee.micro_batches(), trainee.adapter.twin()

        def stream(which: int) -> Tensor:
            losses = []
            for micro in micros[which::2]:
                self._on_micro_batch()
                losses.append(gradients(self._packed, [Piece(trainee, micro, (trainee.adapter, twin)[which])]))
            return torch.cat(losses).sum()

        losses: list[Tensor] = self._spread(stream, (0, 1))
        assert trainee.adapter.grads is not None
        assert twin.grads is not None
        trainee.adapter.grads.add_(twin.grads)
        return (losses[0] + losses[1])[None]


@dataclass(frozen=True)
class _Charged:
    """A step that has not been read; the computed tokens of each trial in it, and since when its time counts."""

    step: Unread
    tokens: Mapping[Trainee, int]
    began: float


def _charge(tokens: Mapping[Trainee, int], seconds: float) -> None:
    for trainee, own in tokens.items():
        trainee.train_seconds += seconds * own / sum(tokens.values())


def train_together(
    packed: PackedModel, trainees: Sequence[Trainee], clock: Callable[[], float] = time.perf_counter,
    spread: Spread = one_by_one,
) -> list[StepRecord]:  # fmt: skip
    """The next step of each trial that was chosen (`choose`), read at once; its record."""
    training = Training(packed, clock, spread)
    return [record for _, record in training.step(trainees) + training.settle()]
