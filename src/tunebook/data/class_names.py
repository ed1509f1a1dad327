"""Names of class numbers, where a data set says them: in Parquet files of `datasets`, in dataset_info.json."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunebook.data.guess import text_answer

__all__ = ["ANY_COLUMN", "NAME_FILES", "class_names", "names_of"]

INFO_FILES = ("dataset_info.json", "dataset_infos.json")
NAME_FILES = (
    *(f"{name}.json" for name in ("categories", "labels", "label_names", "classes", "id2label", "label2id")),
    *(f"{name}.txt" for name in ("classes", "class", "labels", "label_names", "categories")),
)
"""Files beside the data that list the names of the labels, in the order of their numbers."""
ANY_COLUMN = ""
"""Stands for the column of the answers, whatever it is called: of it such a file says the names."""
NO_NAME = "0"
"""What stands for number 0 where numbers count from 1; it never occurs."""
MOST_DIGITS = 10
MOST_BYTES = 4 * 1024 * 1024
CARD = "README.md"
"""The card of a data set of the hub, which begins with what it says about the data between lines of dashes."""


def class_names(path: Path, data: bytes) -> dict[str, tuple[str, ...]]:
    """The names of the numbers 0, 1, ... by column; empty where nothing says them, or nothing readable.

    Args:
        path: the data file.
        data: its bytes.
    """
    told = list(_of_table(data, path.suffix.lower()))
    told += [_json(path.parent / name) for name in INFO_FILES]
    told += filter(None, map(_of_card, (path.parent / CARD, path.parent.parent / CARD)))
    found: dict[str, tuple[str, ...]] = {}
    for info in told:
        for features in _features(info):
            for column, kind in features.items():
                names = kind.get("names") if isinstance(kind, dict) else None
                if isinstance(names, list) and len(names) > 1 and all(isinstance(name, str) for name in names):
                    found.setdefault(column, tuple(names))
    for names in filter(None, (_listed(_read(path.parent / name)) for name in NAME_FILES)):
        found.setdefault(ANY_COLUMN, names)
    return found


def names_of(values: Sequence[Any], column: str, classes: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What the numbers 0, 1, ... in a column of answers stand for; empty: nothing says it.

    A file that lists names says of no column that it is meant; it is where all values are numbers of its names, from 0,
    or from 1 to the last, and the column is not called like an answer in words.
    """
    if column in classes:
        return classes[column]
    names = classes.get(ANY_COLUMN, ())
    texts = {str(value).strip() for value in values}
    if (
        not names
        or text_answer(column) is not None
        or not all(text.isdecimal() and len(text) < MOST_DIGITS for text in texts)
    ):
        return ()
    numbers = {*map(int, texts)}
    if max(numbers) < len(names):
        return names
    return (NO_NAME, *names) if max(numbers) == len(names) and 0 not in numbers else ()


def _read(file: Path) -> Any:
    """The value of a JSON file, or the lines of a text file."""
    if file.suffix == ".json":
        return _json(file)
    text = _text(file)
    return None if text is None else [line.strip() for line in text.splitlines() if line.strip()]


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


def _of_card(file: Path) -> Any:
    """What the card of a hub data set says about its columns, laid out as in dataset_info.json; None: nothing."""
    parts = (_text(file) or "").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip() or "class_label" not in parts[1]:
        return None
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        info = (YAML(typ="safe").load(parts[1]) or {}).get("dataset_info")
    except (YAMLError, ValueError, AttributeError, RecursionError):
        return None
    configurations = info if isinstance(info, list) else [info]
    return {str(i): {"features": _named_features(each)} for i, each in enumerate(configurations)}


def _named_features(info: Any) -> dict[str, Any]:
    """By column the names of its classes, from a card's list of features."""
    found = {}
    for feature in (info.get("features") or []) if isinstance(info, dict) else []:
        kind = feature.get("dtype") if isinstance(feature, dict) else None
        names = (kind.get("class_label") or {}).get("names") if isinstance(kind, dict) else None
        if isinstance(names, dict | list):
            found[str(feature.get("name"))] = {"names": list(_listed(names))}
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file) or "")
    except (ValueError, RecursionError):
        return None


def _text(file: Path) -> str | None:
    """What stands in a file that may say names; None: it is not there, cannot be read or is too large for that."""
    try:
        return None if file.stat().st_size > MOST_BYTES else file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None


def _features(info: Any) -> Iterator[dict[str, Any]]:
    """The features of a data set, or of each configuration of it."""
    if isinstance(info, dict):
        for each in (info, *info.values()):
            if isinstance(each, dict) and isinstance(each.get("features"), dict):
                yield each["features"]
