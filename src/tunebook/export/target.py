"""What an export is made of."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.configuration import Configuration
from tunebook.core.order import steps_per_epoch, warmup_count

__all__ = ["ExportTarget"]


@dataclass(frozen=True)
class ExportTarget:
    """A configuration with what surrounds it.

    Attributes:
        study: the study's name, for the files' first line.
        configuration: as asked for (batch size and accumulation as the user wrote them).
        model: folder or hub id of the base model.
        n_train: training rows.
        revision: of the hub id, if pinned.
        seed: of the trial that the study recommends.
        targets: module names that carry an adapter, as the trained adapter has them; empty: not known.
        train_file: training data as chat messages, beside the written file (`messages.rows`).
        dtype: "float32" or "bfloat16".
        accuracy: what the study claims of it, in words, for a comment; may be empty.
    """

    study: str
    configuration: Configuration
    model: str
    n_train: int
    revision: str | None = None
    seed: int = 0
    targets: tuple[str, ...] = ()
    train_file: str = "train.messages.jsonl"
    dtype: str = "float32"
    accuracy: str = ""

    @property
    def warmup_steps(self) -> int:
        """Warm-up as a count: not every version of these tools takes a fraction, nor under the same name."""
        c = self.configuration
        return warmup_count(c.warmup_steps, c.num_train_epochs * steps_per_epoch(self.n_train, c.effective_batch_size))

    @property
    def modules(self) -> tuple[str, ...] | str | None:
        """Module names, "all-linear", or None where only PEFT knows them."""
        if self.configuration.target_modules == "all-linear":
            return "all-linear"
        if self.targets:
            return self.targets
        asked = self.configuration.target_modules
        return (asked,) if isinstance(asked, str) else asked
