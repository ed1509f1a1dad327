"""The input of an export."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.configuration import ALL_LINEAR, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.keywords import differences
from tunebook.core.quantisation import NONE

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
        dtype: "float32", "bfloat16" or "float16".
        quantization: how the base model's weights are kept: "none", "nf4", "int8", ...
        quantised_folder: whether the model's own folder has them so.
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
    quantization: str = NONE
    quantised_folder: bool = False
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

    @property
    def quantised_here(self) -> str:
        """How the tool must quantise the base model: "nf4", "int8", or "" where it loads the folder as it is."""
        return "" if self.quantization == NONE or self.quantised_folder else self.quantization

    def differences(self, tool: Tool) -> list[str]:
        """Comments on what the tool cannot do as the study did it."""
        comments = [f"Differs from the study: {clause}." for clause in differences(self.settled, tool)]
        if self.modules is None:
            comments.append("Differs from the study: the adapted layers are not known; all linear ones are taken here.")
        if self.quantization == "int8":
            comments.append("Differs from the study: the tool also rounds activations to 8 bits (LLM.int8()).")
        return comments
