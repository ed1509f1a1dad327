"""Data in several files: which files a folder or a pattern stands for, and whether all of them are there."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tunebook.data.class_names import NAME_FILES
from tunebook.data.decoding import ending, whole_ending
from tunebook.errors import DataError
from tunebook.escaping import quoted

__all__ = ["ROLE_NAMES", "files_of", "is_pattern", "other_parts", "pattern_in", "role_of", "sibling"]

ROLE_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
"""File names (without ending) by the role that they stand for."""
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", *NAME_FILES)
"""Files beside the parts in which `datasets` describes them."""
_SHARD = re.compile(r"(?P<head>.*?)-(?P<at>\d{5})-of-(?P<total>\d{5})(?P<tail>.*)")
_WORD = re.compile(r"[a-z]+")
_MARK = re.compile(r"-[0-9a-f]{16}(?=\.)")


def is_pattern(source: str) -> bool:
    """Whether a source is written as a pattern of file names, with *, ? or [...]."""
    return glob.has_magic(source)


def role_of(name: str) -> str | None:
    """The role that a word in the name of a file says: train-00000-of-00004.parquet, train_sft.jsonl, sql_test.parquet;
    None where none does, or several do."""
    words = {*_WORD.findall(name.casefold())}
    roles = [role for role, names in ROLE_NAMES.items() if words & {*names}]
    return roles[0] if len(roles) == 1 else None


def sibling(path: Path, role: str) -> Path | None:
    """The file beside a training file whose name differs in the word of the role alone: sql_test beside sql_train."""
    for own in ROLE_NAMES["train"]:
        for word in ROLE_NAMES[role]:
            name = re.sub(rf"(?i)(?<![a-z]){own}(?![a-z])", word, path.name)
            if name != path.name and (path.parent / name).is_file():
                return path.parent / name
    return None


def pattern_in(folder: Path, role: str, suffixes: Sequence[str]) -> str | None:
    """The pattern, which begins with `folder`, of a role's parts in a folder; None: there are none.

    Parts have the role in their names, lie in a folder with the role's name, or, for training, are all files of the
    folder where their names differ in numbers alone. Where the folder has but one folder with data in it, its files
    count, as where a hub data set keeps those of its only configuration.

    Raises:
        DataError: the names of the parts differ in more than numbers, so that they are parts of several sets.
    """
    if not folder.is_dir():
        return None
    places = [place for place in (folder, folder / "data", *_only_folder(folder, suffixes))]
    for place in places:
        files = _data_files(place, suffixes)
        parts = [name for name in files if role_of(name) == role and not _is_whole(name)]
        if parts:
            if not _are_alike(parts):
                _refuse_several(place, parts)
            return _pattern(place, parts, files)
    for place in (folder / above / name for above in ("", "data") for name in ROLE_NAMES[role]):
        if files := _data_files(place, suffixes):
            return _pattern(place, files, files)
    files = _data_files(folder, suffixes)
    if role == "train" and files and _are_alike(files) and role_of(files[0]) is None:
        return _pattern(folder, files, files)
    return None


def _only_folder(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The folder in a folder that holds data, where it is the only one and no role's."""
    if _data_files(folder, suffixes):
        return []
    found = [path for path in sorted(folder.iterdir()) if path.name[0] not in "._" and _data_files(path, suffixes)]
    return found if len(found) == 1 and role_of(found[0].name) is None else []


def _are_alike(names: Sequence[str]) -> bool:
    """Whether names differ in numbers alone, or in the marks that the hub puts behind them."""
    return len({re.sub(r"\d+", "0", _MARK.sub("", name)) for name in names}) == 1


def _refuse_several(folder: Path, parts: Sequence[str]) -> NoReturn:
    first = next(name for name in parts if not _are_alike([name, parts[0]]))
    raise DataError(
        "{folder}: found {first} and {last}, parts of several sets by their names. Give one of them, or a pattern.",
        folder=str(folder),
        first=quoted(parts[0]),
        last=quoted(first),
    )


def _is_whole(name: str) -> bool:
    """Whether a name is that of a split in one file."""
    return name.rpartition(".")[0].casefold() in {each for names in ROLE_NAMES.values() for each in names}


def _data_files(folder: Path, suffixes: Sequence[str]) -> list[str]:
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if path.name not in _DESCRIPTIONS and path.name[0] not in "._")
    return sorted(name for name in names if ending(name) in suffixes and (ending(name) != ".txt" or role_of(name)))


def _pattern(folder: Path, parts: Sequence[str], files: Sequence[str]) -> str:
    """A pattern that matches the parts and no other of the files in their folder.

    Raises:
        DataError: there is none.
    """
    first, suffix = parts[0], whole_ending(parts[0])
    shard = _SHARD.fullmatch(first)
    head = os.path.commonprefix(list(parts)).removesuffix(suffix).rstrip("0123456789")  # noqa: RUF071 - of names
    is_alone = len(parts) == 1 and (shard is None or int(shard["total"]) == 1)
    ways = [glob.escape(first)] if is_alone else []
    ways += [f"{glob.escape(shard['head'])}-*-of-{shard['total']}{glob.escape(shard['tail'])}"] if shard else []
    for way in (*ways, f"{glob.escape(head)}*{suffix}", f"*{suffix}"):
        if [name for name in files if fnmatch.fnmatchcase(name, way)] == list(parts):
            return str(Path(glob.escape(str(folder))) / way)
    raise DataError(
        "{folder}: found {first} and {last}, which no one pattern of names takes in without other files. Give the "
        "parts of a split a folder of their own, in one format.",
        folder=str(folder),
        first=quoted(first),
        last=quoted(parts[-1]),
    )


def files_of(source: str, base_folder: str | Path) -> list[str]:
    """The files that a pattern matches, in the order of their names and the numbers in them, as paths like the pattern.

    Raises:
        DataError: it matches none, or of files that are numbered as in train-00002-of-00004 one is absent.
    """
    found = sorted(glob.glob(os.path.expanduser(source), root_dir=base_folder), key=_in_order)
    found = [name for name in found if Path(name).name not in _DESCRIPTIONS and (Path(base_folder) / name).is_file()]
    if not found:
        raise DataError(
            "{source}: no file in {folder} has a name of this pattern. Correct the pattern; it starts at the study "
            "file's folder.",
            source=source,
            folder=Path(base_folder).resolve(),
        )
    _refuse_absent(source, found)
    return [Path(name).as_posix() for name in found]


def other_parts(name: str) -> tuple[str, ...]:
    """The names of the other parts of a set, by the name of one: of train-00000-of-00004.parquet three."""
    shard = _SHARD.fullmatch(name)
    if shard is None:
        return ()
    numbers = (f"{number:05d}" for number in range(int(shard["total"])) if number != int(shard["at"]))
    return tuple(f"{shard['head']}-{number}-of-{shard['total']}{shard['tail']}" for number in numbers)


def _in_order(name: str) -> list[tuple[int, str]]:
    """Names in the order of the numbers in them: part-2 before part-10."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", name)]


def _refuse_absent(source: str, found: Sequence[str]) -> None:
    sets: dict[tuple[str, str], set[int]] = {}
    for shard in filter(None, map(_SHARD.fullmatch, found)):
        sets.setdefault((shard["head"], shard["total"]), set()).add(int(shard["at"]))
    suffix = whole_ending(found[0])
    for (head, total), numbers in sets.items():
        absent = [at for at in range(int(total)) if at not in numbers]
        if absent:
            raise DataError(
                "{source}: {name} is absent; the names of the other parts say that there are {total}. Copy it beside "
                "them.",
                source=source,
                name=f"{Path(head).name}-{absent[0]:05d}-of-{total}{suffix}",
                total=int(total),
            )
