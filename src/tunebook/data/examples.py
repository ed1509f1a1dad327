"""Examples as tunebook holds them after reading, whatever form they came in."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.facts import ExampleText
from tunebook.escaping import quoted

__all__ = ["DataExample", "LoadedRows", "Message", "quoted"]

Message = tuple[str, str]
"""A turn: role ("system", "user", "assistant" or "tool") and text."""


@dataclass(frozen=True, kw_only=True)
class DataExample:
    """One row: a chat up to the answer, and the answer.

    Attributes:
        index: position in its source, from 0.
        messages: everything before the answer; the last turn of the assistant is the completion.
        completion: the gold answer.
        group: value of the study's group field, if it has one.
        line: line in a text file, from 1; row number, from 1, elsewhere.
        tools: JSON text of the tools that the chat may call; empty: none.
        references: other answers that are as right; the completion is the one that is learnt.
        tests: code that tests an answer; empty: there is none.
        file: the file that it stands in, where its source is several; else empty.
    """

    index: int
    messages: tuple[Message, ...]
    completion: str
    group: str | None = None
    line: int = 0
    tools: str = ""
    references: tuple[str, ...] = ()
    tests: str = ""
    file: str = ""

    @property
    def prompt(self) -> str:
        """The prompt as people read it: the question alone, or the turns of a chat without its system message."""
        turns = [message for message in self.messages if message[0] != "system"]
        if len(turns) == 1:
            return turns[0][1]
        return "\n".join(f"{role}: {text}" for role, text in turns)

    def text(self, index: int, with_tests: bool = False) -> ExampleText:
        """The example as the ledger keeps it, at a position of its split."""
        tests = self.tests if with_tests else ""
        return ExampleText(index, self.prompt, self.completion, self.group, self.references, tests)


@dataclass(frozen=True, kw_only=True)
class LoadedRows:
    """What was read from one source.

    Attributes:
        source: as written in the study file.
        container: jsonl, json, csv, parquet or hub.
        format: one of `reading.FORMATS`.
        keys: the row keys that the prompt and the completion came from.
        examples: in the source's order.
        sha256: of the file's bytes; of the files' hashes, one a line, where there are several; of the rows' canonical
            JSON for a hub data set.
        unit: what `DataExample.line` counts, "line" or "row".
        unused: the columns of the first row that no part of an example comes from.
        absent: the names of files that belong to the source by its name and were not read.
        unanswerable: how many rows are left out because their list of answers is empty.
        encoding: of a text file that is not UTF-8; else empty.
    """

    source: str
    container: str
    format: str
    keys: tuple[str, ...]
    examples: tuple[DataExample, ...]
    sha256: str
    unit: str = "line"
    unused: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unanswerable: int = 0
    encoding: str = ""

    def place(self, example: DataExample) -> str:
        """Where an example stands, as messages name it."""
        return place(example.file or self.source, self.unit, example.line)


def place(source: str, unit: str, number: int) -> str:
    """A place in a source: train.jsonl:7, or train.parquet, row 7."""
    return f"{source}:{number}" if unit == "line" else f"{source}, row {number}"
