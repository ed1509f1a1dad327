"""Runs the packed training core on in-memory models, as the cohort does, without scoring."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample, TrialJob
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.batches import Part
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.transfer import to_device
from tunebook.engines.packed.training.loop import choose, train_together
from tunebook.engines.packed.training.losses import Labels, label_losses
from tunebook.engines.packed.training.steps import MicroBatch
from tunebook.engines.packed.training.trainee import Trainee


def packed_model(base: Any) -> PackedModel:
    """A packed copy of a model."""
    return PackedModel(copy.deepcopy(base))


def trainee(
    packed: PackedModel, configuration: Configuration, examples: Sequence[TokenizedExample], seed: int,
    share: bool = True, max_rows: int = 512,
) -> Trainee:  # fmt: skip
    job = TrialJob(id=seed, configuration=configuration, seed=seed, splits=(), folder="")
    shapes = packed.shapes(configuration.target_modules)
    return Trainee(job, examples, shapes, max_rows, share, None, packed.adapter_dtype, packed.device)


def gradients_of(packed: PackedModel, adapter: Adapter, micro: MicroBatch, training: bool = False) -> float:
    """The loss of a micro-batch that is a whole step; its gradient is added to the adapter's."""
    rows = sorted(set(micro.label_rows))
    hidden = packed.forward(packed.lay_out([Part(adapter, micro.tree)], [rows]), training=training)
    labels = Labels.of([(micro, len(micro.labels))], [rows])
    tables = labels.tables(to_device(packed.device, *labels.arrays(len(hidden))))
    losses_S, grad = label_losses(packed.logits, hidden.detach(), tables, 16, packed.ops.cross_entropy)
    hidden.backward(grad)
    return float(losses_S)


def train_cohort(packed: PackedModel, trainees: Sequence[Trainee], rows: int = 512) -> None:
    """Train all to their end, in turn, as many together as fit into a forward."""
    queue = list(trainees)
    while queue:
        chosen = choose(queue, rows)
        train_together(packed, chosen)
        for one in chosen:
            queue.remove(one)
            if not one.is_trained:
                queue.append(one)


def losses(one: Trainee) -> list[float]:
    return [record.loss for record in one.steps]
