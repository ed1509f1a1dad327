"""From what a study file names (a path or a hub id) to plain rows."""

from __future__ import annotations

import glob
import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tunebook.data.class_names import class_names
from tunebook.data.decoding import PACKED, decode, ending, unpacked
from tunebook.data.examples import place, quoted
from tunebook.data.parts import files_of, is_pattern, other_parts, pattern_in
from tunebook.data.text_files import Row, kind_of_text, read_csv, read_fasttext, read_json
from tunebook.errors import DataError
from tunebook.files import reason

__all__ = ["SUFFIXES", "TEXT", "RawRows", "check_source", "is_hub_id", "read_source"]

_Result = TypeVar("_Result")

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
"""Endings of data files, and what they are read as."""
TEXT = ".txt"
"""A text file is read where what stands in it is a table or rows of JSON."""
_ENDINGS = " ".join(SUFFIXES)
_ARCHIVES = (*PACKED, ".zst", ".zip", ".tar", ".tgz", ".7z", ".rar")
_WORKBOOKS = (".xlsx", ".xls", ".ods")
_HUB_ID = re.compile(
    r"(?P<id>[\w.-]+/[\w.-]+)(/(?P<config>[\w.-]+))?(@(?P<revision>[\w.-]+))?"
    r"(:(?P<split>[\w.\[\]%+:-]+))?"
)


@dataclass(frozen=True, kw_only=True)
class RawRows:
    """Rows as they were read: each with its line (text files) or row number (Parquet, hub), from 1.

    `classes` has by column the names of the numbers 0, 1, ... in it, where the data set says them. Of a source in
    several files, `files` has by row the file that it stands in; else it is empty. Of one part given alone, `absent`
    has the names of the other parts. `encoding` is that of a text that is not UTF-8; else empty.
    """

    source: str
    container: str
    unit: str
    rows: list[Row]
    sha256: str
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    encoding: str = ""

    def place(self, index: int) -> str:
        """Where a row stands, as messages name it."""
        return place(self.files[index] if self.files else self.source, self.unit, self.rows[index][0])


def is_hub_id(source: str) -> bool:
    """Whether a source is written like a hub id (owner/name, with optional /config, @revision and :split)."""
    return (
        ending(source) not in (*SUFFIXES, TEXT)
        and _HUB_ID.fullmatch(source) is not None
        and not source.startswith((".", "/", "~"))
    )


def read_source(source: str, base_folder: str | Path, split: str = "train") -> RawRows:
    """Read all rows of a source.

    Args:
        source: a path relative to `base_folder`, a pattern of paths, a folder of parts, or a hub id:
            owner/name[/config][@revision][:split].
        split: the split of a hub data set, or of a folder, when the source names none.

    Raises:
        DataError: it cannot be read; the message names file and line.
    """
    names = _files(source, base_folder, split)
    if not names:
        return _read_hub(source, split)
    if names == [source]:
        path = _path(source, base_folder)
        return replace(_read_file(path, source), absent=other_parts(path.name))
    return _read_parts(source, [_read_file(Path(base_folder) / name, name) for name in names])


def check_source(source: str, base_folder: str | Path, split: str = "train") -> None:
    """Refuse, in the words of `read_source`, a source whose files are not there or cannot be opened. Quick: no rows are
    read, and a hub is not asked.

    Raises:
        DataError: the message names the file.
    """
    names = _files(source, base_folder, split)
    paths = [_path(source, base_folder)] if names == [source] else [Path(base_folder) / name for name in names]
    for name, path in zip(names, paths, strict=True):
        _kind(path, name)
        _opened(path, name, lambda each: each.open("rb").close())


def _path(source: str, base_folder: str | Path) -> Path:
    return Path(base_folder) / os.path.expanduser(source)  # Path's own takes ./~ for ~


def _files(source: str, base_folder: str | Path, split: str) -> list[str]:
    """The files that a source stands for, as paths that start at `base_folder`: itself or its parts; none for a hub id.

    Raises:
        DataError: no path, or parts that are not there.
    """
    path = _path(source, base_folder)
    try:
        exists = path.exists()
    except OSError as error:
        raise _unreadable(source, error) from None
    except ValueError as error:
        raise DataError(
            "{source}: not a path ({error}). Give the path of a data file.", source=quoted(source), error=error
        ) from None
    if not exists and is_hub_id(source):
        return []
    if exists and path.is_dir():
        pattern = pattern_in(path, split, (*SUFFIXES, TEXT))
        if pattern is None:
            _refuse_folder(source)
        inside = os.path.relpath(pattern, glob.escape(str(path)))
        return files_of(f"{glob.escape(source.rstrip('/'))}/{inside}", base_folder)
    if not exists and is_pattern(source):
        return files_of(source, base_folder)
    return [source]


def _refuse_folder(source: str) -> NoReturn:
    raise DataError(
        "{source}: a folder in which no parts of one data set are found ({endings}). Give the file in it, or a pattern "
        "such as {source}/*.jsonl.",
        source=source,
        endings=_ENDINGS,
    )


def _read_parts(source: str, parts: Sequence[RawRows]) -> RawRows:
    """The rows of all files of a source, one after the other."""
    kinds = {part.container: part.source for part in parts}
    if len(kinds) > 1:
        raise DataError(
            "{source}: found {first} and {second}; the parts of one data set have one format. Let the pattern end in "
            "it, for example *.jsonl.",
            source=source,
            first=quoted(parts[0].source),
            second=quoted([*kinds.values()][-1]),
        )
    digests = "\n".join(part.sha256 for part in parts)
    return RawRows(
        source=source,
        container=parts[0].container,
        unit=parts[0].unit,
        rows=[row for part in parts for row in part.rows],
        sha256=parts[0].sha256 if len(parts) == 1 else hashlib.sha256(digests.encode()).hexdigest(),
        classes=parts[0].classes,
        encoding=next((part.encoding for part in parts if part.encoding), ""),
        files=tuple(part.source for part in parts for _ in part.rows),
    )


def _kind(path: Path, source: str) -> str:
    """What a file is read as.

    Raises:
        DataError: neither its name nor, in a text file, its content says a kind that is read, or it is not a file.
    """
    exists, kind = path.exists(), SUFFIXES.get(ending(path.name))
    if kind is None and ending(path.name) == TEXT and path.is_file():
        kind = kind_of_text(decode(_opened(path, source, Path.read_bytes), source)[0])
    if kind is None:
        raise _unread(source, path.suffix, exists)
    if exists and not path.is_file():  # a pipe may never end, a device never does
        raise DataError(
            "{source}: not a file; data is read more than once. Write it to a file and give that.", source=source
        )
    return kind


def _read_file(path: Path, source: str) -> RawRows:
    kind = _kind(path, source)
    data = _opened(path, source, Path.read_bytes)
    is_table, encoding = kind in ("parquet", "arrow"), ""
    if is_table:
        rows = _read_table(unpacked(data, source), source, kind)
    else:
        text, encoding = decode(data, source)
        rows = _read_text(text, source, kind)
    if not rows:
        raise DataError(
            "{source}: no rows in it; a data file holds at least one. Give a file with rows.", source=source
        )
    return RawRows(
        source=source,
        container=kind,
        unit="row" if is_table else "line",
        rows=rows,
        sha256=hashlib.sha256(data).hexdigest(),
        classes=class_names(path, data),
        encoding=encoding,
    )


def _unread(source: str, suffix: str, exists: bool) -> DataError:
    """What is said of a file of no kind that is read."""
    values = {"source": source, "suffix": quoted(suffix), "endings": _ENDINGS}
    if not exists:
        return DataError(
            "{source}: no such file, and the name ends in {suffix}; data files end in {endings}, hub ids are "
            "owner/name. Correct the name.",
            **values,
        )
    if suffix.lower() in _ARCHIVES:
        return DataError(
            "{source}: the name ends in {suffix}; data files end in {endings}. Unpack it, and give the file in it.",
            **values,
        )
    if suffix.lower() in _WORKBOOKS:
        return DataError(
            "{source}: the name ends in {suffix}; data files end in {endings}. Save the sheet as CSV (UTF-8).", **values
        )
    return DataError(
        "{source}: the name ends in {suffix}; data files end in {endings}. Rename or convert it.", **values
    )


def _opened(path: Path, source: str, use: Callable[[Path], _Result]) -> _Result:
    """What is made of a file.

    Raises:
        DataError: the system does not open it.
    """
    try:
        return use(path)
    except FileNotFoundError:
        raise DataError(
            "{source}: no such file in {folder}. Correct the path.", source=source, folder=path.parent.resolve()
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(source, error) from None


def _unreadable(source: str, error: OSError | ValueError) -> DataError:
    return DataError(
        "{source}: cannot be read ({why}). Give a readable file.", source=quoted(source), why=reason(error)
    )


def _read_text(text: str, source: str, kind: str) -> list[Row]:
    if kind == "fasttext":
        return read_fasttext(text)
    return read_csv(text, source) if kind == "csv" else read_json(text, source, lines=kind == "jsonl")


def _read_table(data: bytes, source: str, kind: str) -> list[Row]:
    """Rows of a Parquet or an Arrow file."""
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import pyarrow.parquet as pq

    if not data:
        raise DataError("{source}: the file is empty; it holds rows. Give a file with rows.", source=source)
    try:
        if kind == "parquet":
            table = pq.read_table(io.BytesIO(data))
        else:
            is_file = data.startswith(b"ARROW1")  # else a stream, as `datasets` writes it
            table = (ipc.open_file(data) if is_file else ipc.open_stream(data)).read_all()
        values = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(
            "{source}: not readable as {kind} ({error}). Write it again.",
            source=source,
            kind=kind.capitalize(),
            error=quoted(str(error)),
        ) from None
    return [(i + 1, _without_padding(row)) for i, row in enumerate(values)]


def _without_padding(row: dict[str, Any]) -> dict[str, Any]:
    """A row of Arrow without the nulls inside its values: all rows of a column have the same fields there, so that the
    arguments of one tool appear in every other tool as null."""
    return {name: _not_null(value) for name, value in row.items()}


def _not_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _not_null(each) for name, each in value.items() if each is not None}
    return [_not_null(each) for each in value] if isinstance(value, list) else value


def _read_hub(source: str, split: str) -> RawRows:
    match = _HUB_ID.fullmatch(source)
    assert match is not None, "the caller asked is_hub_id"
    from datasets import load_dataset

    split = match["split"] or split
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)  # five warnings a failed request; the one error below says it
    try:
        dataset = load_dataset(match["id"], match["config"], revision=match["revision"], split=split)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise DataError(
            "{source}: not a file here, and the hub did not give split {split} ({error}). Without a network give "
            "the path of a file; a hub id is owner/name[/config][@revision][:split].",
            source=source,
            split=quoted(split),
            error=quoted(str(error)),
        ) from None
    finally:
        logger.setLevel(level)
    rows = [(i + 1, row) for i, row in enumerate(_named_classes(dataset))]
    text = json.dumps([row for _, row in rows], sort_keys=True, ensure_ascii=False, default=str)
    if not rows:
        raise DataError(
            "{source}: split {split} has no rows. Name another split: owner/name:split.",
            source=source,
            split=quoted(split),
        )
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    named = [(number, _without_padding(row)) for number, row in rows]
    return RawRows(source=source, container="hub", unit="row", rows=named, sha256=sha256)


def _named_classes(dataset: Any) -> list[dict[str, Any]]:
    """The rows with class numbers replaced by their names."""
    classes = {name: kind.int2str for name, kind in dataset.features.items() if hasattr(kind, "int2str")}
    return [
        {
            name: classes[name](value) if name in classes and isinstance(value, int) and value >= 0 else value
            for name, value in row.items()
        }
        for row in dataset
    ]
