"""Makes untrusted text safe for each format that tunebook writes: one function per format, used everywhere.

Text from datasets, models, file names, ledgers and programs is not trusted: it may hold line breaks, control sequences
or markup. It is stored unchanged and escaped when it is written. docs/security.md says what is trusted.
"""

from __future__ import annotations

import html as _html
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from typing import Any

__all__ = [
    "clean",
    "csv_cell",
    "excerpt",
    "html_text",
    "is_hidden",
    "json_block",
    "markdown_code",
    "markdown_text",
    "one_line",
    "quoted",
    "shell_line",
    "shorten",
    "terminal_text",
    "without_control_sequences",
    "yaml_comment",
    "yaml_scalar",
    "yaml_takes_plain",
]

_CONTROL_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-_])")
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MARKDOWN_SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet read a cell as a formula; some programs accept the full-width forms too."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YAML_PLAIN = re.compile(r"((\.{1,2}/)+|/)?[^\W\d][\w./@-]*")
_YAML_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
"""Words that YAML 1.1 or 1.2 does not read as text, in upper or lower case."""


def is_hidden(character: str) -> bool:
    """Whether a character has an effect without being visible, or cannot be written: control, format and direction
    characters, line and paragraph separators, surrogates, private-use and unassigned characters. Spaces of any width
    are not hidden."""
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def one_line(text: str) -> str:
    r"""The text on one line, with every hidden character replaced by its escape: \n, \x1b, \u2028."""
    return "".join(_visible(c) if is_hidden(c) else c for c in text)


def _visible(character: str) -> str:
    code = ord(character)
    numbered = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT_ESCAPES.get(character, numbered)


def quoted(value: Any, limit: int = 60) -> str:
    """A value for a message: quoted if it is text, on one line, at most about `limit` characters."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value) if isinstance(value, int | float) else repr(value)
    text = one_line(text[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "..."


def excerpt(text: str, limit: int = 160) -> str:
    """A text on one line with its beginning and its end, as `one_line`; a middle that is left out is marked."""
    line = one_line(text)
    return line if len(line) <= limit else f"{line[: limit // 2]} […] {line[-(limit // 2) :]}"


def terminal_text(text: str) -> str:
    """Text for a terminal: line breaks and tabs stay, every other hidden character is replaced by one visible sign."""
    return "".join(c if c in "\n\t" or not is_hidden(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def without_control_sequences(text: str) -> str:
    """The text without the control sequences (ECMA-48) by which programs colour their output."""
    return _CONTROL_SEQUENCE.sub("", text)


def shell_line(arguments: Iterable[str]) -> str:
    """A command as one line that can be pasted into a shell (bash, zsh)."""
    return " ".join(map(_shell_word, arguments))


def _shell_word(text: str) -> str:
    if not any(map(is_hidden, text)):
        return shlex.quote(text)
    return "$'" + "".join(_shell_character(c) for c in text) + "'"


def _shell_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not valid text
        return f"\\x{code - 0xDC00:02x}"
    if is_hidden(character):
        return _SHORT_ESCAPES.get(character, f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "\\" + character if character in "\\'" else character


def yaml_comment(text: str) -> str:
    """Text to follow `#` in YAML: nothing in it ends the comment's line."""
    return one_line(text)


def yaml_scalar(text: str) -> str:
    """A text as a YAML value: unquoted if every version of YAML reads it as text, else in double quotes."""
    if yaml_takes_plain(text) and _YAML_PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_yaml_character(c) for c in text) + '"'


def yaml_takes_plain(text: str) -> bool:
    """Whether YAML 1.1 and 1.2 both read the unquoted text as text: not as a number, time, truth value or null."""
    acts = not text or text[0] in "+-.~=<0123456789" or text.casefold() in _YAML_WORDS
    return not acts or text.startswith(("./", "../"))


def _yaml_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return _visible(character) if is_hidden(character) else character


def clean(text: str) -> str:
    """The text without control, private-use, surrogate and direction-changing characters. Line breaks are kept."""
    kept = (c for c in text.replace("\r\n", "\n") if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return "".join(kept)


def shorten(text: str, limit: int) -> str:
    """Cleaned text of at most `limit` characters; a cut is marked."""
    text = clean(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def markdown_text(text: str) -> str:
    """Text for a Markdown paragraph or table cell, on one line."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def markdown_code(text: str) -> str:
    """Text as inline code, fenced with more backticks than the text has in a row. Text with a pipe is escaped as plain
    text instead, because Markdown readers treat a pipe inside code in a table differently."""
    flat = " ".join(clean(text).split())
    if "|" in flat:
        return markdown_text(flat)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    padding = " " if "`" in flat else ""
    return f"{fence}{padding}{flat}{padding}{fence}" if flat else ""


def html_text(text: str) -> str:
    """Text for HTML content and quoted attributes."""
    return _html.escape(text, quote=True)


def json_block(value: Any) -> str:
    """JSON for a <script type="application/json"> block; nothing in it can end the block or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def csv_cell(value: Any) -> Any:
    """A value for a CSV cell. Text that a spreadsheet would run as a formula is prefixed with an apostrophe; numbers,
    also negative ones, stay numbers."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = clean(value)
    if text.lstrip(" ").startswith(_FORMULA_START) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text
