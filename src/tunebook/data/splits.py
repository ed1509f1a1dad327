"""A study's examples by split: read, split off, and cut to the part that is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunebook.core.study import DataSpec
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.reading import Reading, load_rows
from tunebook.data.split import seeded_part, split_off_validation

__all__ = ["Splits", "read_splits"]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """A study's examples by split, with where they came from.

    Attributes:
        train: examples that are trained on (after `train_rows`).
        train_pool: all training examples.
        validation, test: scored examples; test is empty when there is none.
        sources: what was read, by role.
        validation_from: "file", or "train" when it was split off.
    """

    train: tuple[DataExample, ...]
    train_pool: tuple[DataExample, ...]
    validation: tuple[DataExample, ...]
    test: tuple[DataExample, ...]
    sources: dict[str, LoadedRows]
    validation_from: str

    @property
    def used(self) -> dict[str, tuple[DataExample, ...]]:
        """Examples by split: "train", "validation" and "test", which is empty when there is none."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def scored(self) -> dict[str, tuple[DataExample, ...]]:
        """The splits that trials are scored on, by name; "test" only when there is one."""
        return {name: examples for name, examples in self.used.items() if name != "train" and examples}

    def place(self, split: str, example: DataExample) -> str:
        """Where an example of a split stands, as messages name it."""
        return self.source(split).place(example)

    def source(self, split: str) -> LoadedRows:
        """What a split was read from; validation may have been split off from the training rows."""
        role = "train" if split == "validation" and self.validation_from == "train" else split
        return self.sources[role]


def read_splits(
    data: DataSpec, seed: int, base_folder: str | Path, documents: Mapping[str, LoadedRows] | None = None
) -> Splits:
    """Read a study's data files and make the splits.

    Args:
        documents: what is scored, by split, where the metric brings it; the files are then for training alone.

    Raises:
        DataError: a file cannot be used.
    """
    reading = Reading.of(data)
    files = {"train": data.train, "validation": data.validation, "test": data.test}
    sources = {role: load_rows(source, base_folder, reading, role) for role, source in files.items() if source}
    pool = sources["train"].examples
    sources |= documents or {}
    if "validation" in sources:
        validation, origin = sources["validation"].examples, "file"
    else:
        (pool, validation), origin = split_off_validation(pool, seed, data.train), "train"
    train = seeded_part(pool, data.train_rows, seed, data.train) if data.train_rows else pool
    test = sources["test"].examples if "test" in sources else ()
    return Splits(
        train=train, train_pool=pool, validation=validation, test=test, sources=sources, validation_from=origin
    )
