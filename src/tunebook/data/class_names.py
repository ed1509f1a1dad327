"""Names of class numbers, where a data set says them: in Parquet files of `datasets`, in dataset_info.json."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["class_names"]

INFO_FILES = ("dataset_info.json", "dataset_infos.json")
NAME_FILES = ("categories.json", "labels.json", "label_names.json", "classes.json", "id2label.json")
"""Files beside the data that list the names of the labels, in the order of their numbers."""
ANSWERS = ("label", "labels", "category", "class", "intent")
"""The columns whose numbers such a file names."""
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
    for names in filter(None, (_listed(_json(path.parent / name)) for name in NAME_FILES)):
        for column in ANSWERS:
            found.setdefault(column, names)
    return found


def _listed(kept: Any) -> tuple[str, ...]:
    """Names in a list, or by their numbers ({"0": "no"}) or with them ({"no": 0}); empty: something else."""
    if isinstance(kept, dict):
        pairs = [(int(key), name) for key, name in kept.items() if str(key).isdecimal()] or [
            (number, name) for name, number in kept.items() if type(number) is int
        ]
        in_order = sorted(pairs, key=lambda pair: pair[0])
        kept = [name for _, name in in_order] if [n for n, _ in in_order] == [*range(len(kept))] else None
    is_list = isinstance(kept, list) and len(kept) > 1 and all(isinstance(name, str) for name in kept)
    return tuple(kept) if is_list else ()


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
