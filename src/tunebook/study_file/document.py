"""A YAML file as plain values with line numbers; nothing is ever constructed from it but text, numbers, lists, maps.

Limits keep a hostile file from costing memory or time: size, depth, number of aliases, number of values after the
aliases are followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tunebook.errors import StudyFileError
from tunebook.study_file.problems import KeyPath, Problems, shown

__all__ = ["MAX_BYTES", "Document", "parse_document", "read_text"]

MAX_BYTES = 64 * 1024
"""A study file is a page or two; anything larger is another kind of file."""
MAX_DEPTH = 16
MAX_ALIASES = 32
MAX_VALUES = 5_000

_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")}


@dataclass
class Document:
    """A parsed file: its values, the line of every key path, and the problems found on the way."""

    values: Any
    problems: Problems
    lines: dict[KeyPath, int] = field(default_factory=dict)


def read_text(path: Path) -> str:
    """The text of a study file.

    Raises:
        StudyFileError: missing, a folder, too large, not UTF-8.
    """
    name = path.name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise StudyFileError(
            "{path}: there is no such file. Give the path of a study file, or write one with `tunebook init DATA`.",
            path=path,
        ) from None
    except IsADirectoryError:
        raise StudyFileError("{path} is a folder; a study is a YAML file. Give the file's path.", path=path) from None
    except (OSError, ValueError) as error:
        raise StudyFileError(
            "{path} cannot be read ({error}). Give the path of a readable YAML file.",
            path=shown(str(path)),
            error=error,
        ) from None
    if len(data) > MAX_BYTES:
        raise StudyFileError(
            "{name}: more than {value} KiB; a study file is a page of YAML. Is this the data file? Then try "
            "`tunebook init` on it.",
            name=name,
            value=MAX_BYTES // 1024,
        )
    return _decode(data, name)


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise StudyFileError("{name}:1: the file is UTF-16; study files are UTF-8. Save it as UTF-8.", name=name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StudyFileError(
            "{name}:{line}: byte 0x{byte:02x} is not UTF-8; study files are UTF-8. Save it as UTF-8.",
            name=name,
            line=line,
            byte=data[error.start],
        ) from None


def parse_document(text: str, name: str) -> Document:
    """Parse the text of a YAML file.

    Args:
        name: the file's name for messages.

    Raises:
        StudyFileError: not YAML, or beyond the limits.
    """
    try:
        _check_events(text, name)
        root = _yaml().compose(text)
    except StudyFileError:
        raise
    except MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from None
    except YAMLError as error:
        raise _character_error(error, text, name) from None
    except (ValueError, RecursionError) as error:
        raise StudyFileError(
            "{name}: not readable as YAML ({error}). Write it as in docs/study-file.md.", name=name, error=error
        ) from None
    lines: dict[KeyPath, int] = {}
    builder = _Builder(Problems(name, lines), lines)
    return Document(builder.plain(root, ()) if root is not None else None, builder.problems, lines)


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.version = (1, 2)
    return yaml


def _check_events(text: str, name: str) -> None:
    depth = aliases = n_values = 0
    anchors: set[str] = set()
    for event in _yaml().parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, AliasEvent):
            aliases += 1
        else:
            n_values += 1
        anchor = None if isinstance(event, AliasEvent) else getattr(event, "anchor", None)
        if anchor in anchors:
            raise StudyFileError(
                "{name}:{line}: the anchor {anchor} stands twice; an anchor names one value. Write the values out.",
                name=name,
                line=line,
                anchor=shown(f"&{anchor}"),
            )
        if anchor is not None:
            anchors.add(anchor)
        if depth > MAX_DEPTH:
            raise StudyFileError(
                "{name}:{line}: values nested more than {max_depth} deep; a study file needs four. Write it as in "
                "docs/study-file.md.",
                name=name,
                line=line,
                max_depth=MAX_DEPTH,
            )
        if aliases > MAX_ALIASES:
            raise StudyFileError(
                "{name}:{line}: more than {max_aliases} aliases (*name). Write the values out.",
                name=name,
                line=line,
                max_aliases=MAX_ALIASES,
            )
        if n_values > MAX_VALUES:
            raise _too_many(name, line)


def _too_many(name: str, line: int) -> StudyFileError:
    return StudyFileError(
        "{name}:{line}: more than {most} values (aliases counted each time). Write a smaller file.",
        name=name,
        line=line,
        most=MAX_VALUES,
    )


def _syntax_error(error: MarkedYAMLError, text: str, name: str) -> StudyFileError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    what = " ".join(str(error.problem or error.context or "a syntax error").split())
    source = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    if "\\t" in what or "\t" in source:
        return StudyFileError(
            "{name}:{line}: a tab; YAML is indented with spaces only. Replace the tab by spaces.", name=name, line=line
        )
    return StudyFileError(
        "{name}:{line}: not YAML: {what}; found {source}. Correct this line or the one before it.",
        name=name,
        line=line,
        what=what,
        source=shown(source.strip()),
    )


def _character_error(error: YAMLError, text: str, name: str) -> StudyFileError:
    position = getattr(error, "position", None)
    line = text[:position].count("\n") + 1 if isinstance(position, int) else 1
    character = text[position] if isinstance(position, int) and position < len(text) else "?"
    return StudyFileError(
        "{name}:{line}: character U+{code:04X} is not allowed in YAML. Remove it.",
        name=name,
        line=line,
        code=ord(character),
    )


class _Builder:
    def __init__(self, problems: Problems, lines: dict[KeyPath, int]) -> None:
        self.problems = problems
        self._lines = lines
        self._count = 0
        self._open: set[int] = set()

    def plain(self, node: Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _too_many(self.problems.file, node.start_mark.line + 1)
        if id(node) in self._open:
            self.problems.add(path, "an alias that contains itself; values are finite. Write the value out.")
            return None
        if str(node.tag) not in _PLAIN_TAGS:
            self.problems.add(
                path,
                "found the tag {tag}; values are text, numbers, true or false, lists and maps. Remove the tag.",
                tag=shown(str(node.tag)),
            )
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        value = self._map(node, path) if isinstance(node, MappingNode) else self._list(node, path)
        self._open.discard(id(node))
        return value

    def _list(self, node: Node, path: KeyPath) -> list[Any]:
        assert isinstance(node, SequenceNode)
        for i, item in enumerate(node.value):
            self._lines[(*path, i)] = item.start_mark.line + 1
        return [self.plain(item, (*path, i)) for i, item in enumerate(node.value)]

    def _map(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.problems.add(path, "found a list or map as a key; keys are words. Write a word.", at_line=line)
                continue
            key = _whole_characters(str(key_node.value), "replace")
            here = (*path, key)
            if key in values:
                self._lines[here] = line
                self.problems.add(
                    here,
                    "written twice, first on line {first}; every key stands once. Remove one of them.",
                    first=first[key],
                )
                continue
            self._lines[here] = first[key] = line
            values[key] = self.plain(value_node, here)
        return values

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        text, kind = str(node.value), str(node.tag).removeprefix(_PREFIX)
        try:
            if kind == "int":
                return _integer(text)
            if kind == "float":
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan").lower())
        except ValueError:
            self.problems.add(
                path, "found {text}, which is not a number tunebook can read. Write it in decimal.", text=shown(text)
            )
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        try:
            return _whole_characters(text, "strict")
        except UnicodeDecodeError:
            self.problems.add(
                path,
                "found half a character (a single surrogate); texts are whole Unicode characters. Write the "
                "character itself.",
            )
            return None


def _whole_characters(text: str, errors: str) -> str:
    """Text whose escaped surrogate pairs, which JSON writes for an emoji, are the characters that they mean."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", errors)


def _integer(text: str) -> int:
    clean = text.replace("_", "")
    if len(clean) > 40:
        raise ValueError("too long")
    if re.fullmatch(r"[+-]?0\d+", clean):
        return int(clean, 10)
    return int(clean, 0)
