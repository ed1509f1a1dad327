"""Names of class numbers, where a data set says them: in Parquet files of `datasets`, in dataset_info.json."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["class_names"]

INFO_FILES = ("dataset_info.json", "dataset_infos.json")
MOST_BYTES = 4 * 1024 * 1024


def class_names(path: Path, data: bytes) -> dict[str, tuple[str, ...]]:
    """The names of the numbers 0, 1, ... by column; empty where nothing says them, or nothing readable.

    Args:
        path: the data file.
        data: its bytes.
    """
    told = list(_of_table(data, path.suffix.lower()))
    told += [_json(path.parent / name) for name in INFO_FILES]
    found: dict[str, tuple[str, ...]] = {}
    for info in told:
        for features in _features(info):
            for column, kind in features.items():
                names = kind.get("names") if isinstance(kind, dict) else None
                if isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) for name in names):
                    found.setdefault(column, tuple(names))
    return found


def _of_table(data: bytes, suffix: str) -> Iterator[Any]:
    """What `datasets` writes into the schema of a Parquet or Arrow file."""
    if suffix not in (".parquet", ".arrow"):
        return
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(io.BytesIO(data)) if suffix == ".parquet" else ipc.open_stream(data).schema
        yield json.loads((schema.metadata or {})[b"huggingface"])["info"]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError):
        return


def _json(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None


def _features(info: Any) -> Iterator[dict[str, Any]]:
    """The features of a data set, or of each configuration of it."""
    if isinstance(info, dict):
        for each in (info, *info.values()):
            if isinstance(each, dict) and isinstance(each.get("features"), dict):
                yield each["features"]
