"""From the bytes of a data file to its text: unpacked, and in the encoding in which spreadsheets save it.

UTF-8 is what data files are. UTF-16 with its byte-order mark is certain too. Of other bytes, Chinese text in GB18030
and Western text in Windows-1252 are told apart by how bytes above 127 stand: in Chinese next to each other, in Western
texts alone between letters. Whoever reads them is told.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from pathlib import PurePath

from tunebook.errors import DataError

__all__ = ["PACKED", "decode", "ending", "unpacked", "whole_ending"]

PACKED = (".gz", ".bz2", ".xz")
"""Endings after a data file's own under which it is packed and read nevertheless."""
_UNPACKERS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
_ARCHIVES = {b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}
"""How packed files begin."""
MOST_WESTERN = 0.05
"""Of the bytes of a Western text at most so many stand for no letter of ASCII; of a Cyrillic one most do."""
ENOUGH_UTF8 = 8
"""So many places beyond ASCII are not UTF-8 by chance."""
COMMON = "的一是不了在有我人这中大来上个们到说国和地也子时道出而要于就下得可你年生，。？！："
LEAST_COMMON = 0.03
"""Of Chinese text at least so much is of the commonest characters; Korean bytes read as GB18030 give rare ones."""
_HIGH = re.compile(rb"[\x80-\xff]+")


def ending(name: str) -> str:
    """The ending that says what a file holds: .jsonl of train.jsonl.gz."""
    path = PurePath(name)
    return PurePath(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


def whole_ending(name: str) -> str:
    """The same with what says that it is packed, as it is written: .jsonl.gz."""
    path = PurePath(name)
    return PurePath(path.stem).suffix + path.suffix if path.suffix.lower() in PACKED else path.suffix


def unpacked(data: bytes, name: str) -> bytes:
    """The bytes themselves, or what is packed in them.

    Raises:
        DataError: an archive, or packed bytes that are damaged.
    """
    archive = next((how for magic, how in _ARCHIVES.items() if data.startswith(magic)), None)
    if archive is not None:
        raise DataError(
            "{name}: the file is packed ({packed}), not text. Unpack it, and give the file in it.",
            name=name,
            packed=archive,
        )
    unpack = next((how for magic, how in _UNPACKERS.items() if data.startswith(magic)), None)
    try:
        return data if unpack is None else unpack(data)
    except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            "{name}: packed, and cannot be unpacked ({error}). Copy the file again.", name=name, error=error
        ) from None


def decode(data: bytes, name: str) -> tuple[str, str]:
    """The text of a data file, and its encoding where that is another than UTF-8.

    Raises:
        DataError: UTF-16 without byte-order mark, another encoding (with the line of the first wrong byte), nothing in
            it.
    """
    data = unpacked(data, name)
    encoding = ""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "UTF-16"
    elif len(data) > 3 and 0 in (data[0], data[1]) and data[0] != data[1]:
        raise DataError(
            "{name}:1: the file is UTF-16; data files are UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 old > new.",
            name=name,
        )
    else:
        encoding = _other_encoding(data)
    try:
        text = data.decode(encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "{name}:{line}: byte 0x{byte:02x} is not UTF-8; data files are UTF-8. Save the file as UTF-8, or convert "
            "it: iconv -f ENCODING -t UTF-8 old > new.",
            name=name,
            line=data[: error.start].count(b"\n") + 1,
            byte=data[error.start],
        ) from None
    if not text.strip():
        raise DataError("{name}: the file is empty; it holds one row a line. Give a file with rows.", name=name)
    # carriage returns alone are the line breaks of old spreadsheets; within a JSON text they would be escaped
    return (text.replace("\r", "\n") if "\r" in text and "\n" not in text else text), encoding


def _other_encoding(data: bytes) -> str:
    """GB18030 or Windows-1252 where the bytes are no UTF-8 and plainly in it; else empty."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(_HIGH.findall(data[: error.start])) >= ENOUGH_UTF8:
            return ""  # UTF-8 that is damaged further on
    else:
        return ""
    runs = _HIGH.findall(data)
    n_high = sum(map(len, runs))
    for encoding, fits in (("GB18030", _is_chinese(data, runs)), ("Windows-1252", n_high <= MOST_WESTERN * len(data))):
        if fits and _decodes(data, encoding):
            return encoding
    return ""


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return not any("\x80" <= character <= "\x9f" for character in text)


def _is_chinese(data: bytes, runs: list[bytes]) -> bool:
    """Whether bytes read as GB18030 with Chinese characters for nearly all that is not ASCII, common ones among them,
    and stand together as those of words do: accents stand alone between letters."""
    if sum(len(run) for run in runs if len(run) > 1) < 0.9 * sum(map(len, runs)):
        return False
    try:
        other = [character for character in data.decode("gb18030") if ord(character) > 127]
    except UnicodeDecodeError:
        return False
    n_chinese = sum("\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in other)
    n_common = sum(character in COMMON for character in other)
    return n_chinese > 0.9 * len(other) > 0 and n_common >= LEAST_COMMON * len(other)
