"""The input of an export."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.configuration import ALL_LINEAR, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.keywords import differences

__all__ = ["ExportTarget"]


@dataclass(frozen=True, kw_only=True)
class ExportTarget:
    """A configuration with what an export needs to know about its study.

    Attributes:
        study: the study's name, for the first line of each file.
        configuration: as asked for (batch size and accumulation as the user wrote them).
        model: folder or hub id of the base model.
        n_train: training rows.
        revision: revision of the hub id, if pinned.
        seed: seed of the recommended trial.
        targets: names of the modules that have an adapter, as in the trained adapter; empty: not known.
        train_file: name of the file with the training data as chat messages (`messages.rows`).
        dtype: "float32" or "bfloat16".
        accuracy: the claim about its accuracy in words, for a comment; may be empty.
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
    def settled(self) -> Configuration:
        """The configuration with the modules that were actually trained."""
        return self.configuration.with_values(target_modules=self.modules)

    @property
    def total_steps(self) -> int:
        """Number of optimiser steps."""
        return self.configuration.total_steps(self.n_train)

    @property
    def modules(self) -> tuple[str, ...] | str | None:
        """Module names, "all-linear", or None if only PEFT knows them."""
        if self.configuration.target_modules == ALL_LINEAR:
            return ALL_LINEAR
        if self.targets:
            return self.targets
        asked = self.configuration.target_modules
        return (asked,) if isinstance(asked, str) else asked

    def differences(self, tool: Tool) -> list[str]:
        """Comments on what the tool cannot do as the study did it."""
        comments = [f"Differs from the study: {clause}." for clause in differences(self.settled, tool)]
        if self.modules is None:
            comments.append("Differs from the study: the adapted layers are not known; all linear ones are taken here.")
        return comments
