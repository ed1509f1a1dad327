"""The definition of one factor: type, bounds, default, its names in other tools and in the record.

A factor is one field of `core.configuration.Configuration`, made by `row`. This module does not know which factors
exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tunebook.phrases import Phrase

__all__ = ["UNKNOWN", "FactorKind", "Key", "Level", "Scale", "Tool", "row"]

Level = float | int | bool | str | tuple[str, ...] | None
"""One value of a factor."""

UNKNOWN = object()
"""What `Key.write` returns for a level that the tool cannot express."""


class Scale(StrEnum):
    """How distances between levels are measured."""

    LOG = "log"
    LINEAR = "linear"
    CHOICE = "choice"
    FLAG = "flag"


class Tool(StrEnum):
    """A tool that a configuration can be written for, with the name that people know it by."""

    PEFT = "PEFT"
    TRAINER = "the Trainer"
    LLAMA_FACTORY = "LLaMA-Factory"
    AXOLOTL = "axolotl"


def _same(level: Level) -> Any:
    """The level unchanged, but tuples as lists and whole numbers as integers."""
    if isinstance(level, tuple):
        return list(level)
    return int(level) if isinstance(level, float) and level.is_integer() else level


@dataclass(frozen=True, kw_only=True)
class Key:
    """How a tool writes a factor.

    Attributes:
        name: the tool's key.
        values: levels that the tool writes differently. A mapping replaces this key by other keys ({}: left out);
            UNKNOWN marks a level that the tool cannot express.
        write: converts all other levels.
        whole: whether the tool accepts only whole numbers; others are rounded.
    """

    name: str
    values: Mapping[Any, Any] = field(default_factory=dict)
    write: Callable[[Any], Any] = _same
    whole: bool = False

    def entries(self, level: Level) -> dict[str, Any] | None:
        """The tool's keys and values for a level; None when the tool cannot express it."""
        value = self.values[level] if level in self.values else self.write(level)
        if value is UNKNOWN:
            return None
        if isinstance(value, Mapping):
            return dict(value)
        return {self.name: round(value) if self.whole else value}

    def exact(self, level: Level) -> bool:
        """Whether the written value means exactly this level."""
        rounded = self.whole and isinstance(level, float) and not level.is_integer()
        return self.entries(level) is not None and not rounded


@dataclass(frozen=True, kw_only=True)
class FactorKind:
    """A known factor.

    Attributes:
        name: the library's name, used in code, ledger, command line and record.
        value_type: `float`, `int`, `bool` or `str`.
        default: the default of PEFT or the Trainer.
        scale: how levels are spaced.
        minimum, maximum: inclusive bounds unless `minimum_open`/`maximum_open`; None: unbounded.
        choices: the allowed words, for `str` factors with a closed list.
        pattern: a regular expression for further allowed words, and the form in which messages show it.
        is_list: whether a level may also be a list of words.
        count_or_share: whether values from 1 on are whole counts and values below 1 are shares of the whole.
        null: what a null value means; None: the factor cannot be null.
        moves_learning_rate: whether the best learning rate depends on it, so that a fair comparison re-tunes the rate.
        description: one line for the documentation, with the unit.
        example: a value as written in the study file, for messages.
        aliases: short names that are accepted and written back in full.
        english, chinese: its name in the record, in each language.
        keys: its key in each other tool; a tool that is not listed cannot set it.
        later: whether the factor was added after the first release; it is then left out of a configuration's key while
            it has its default, so that older keys stay valid.
    """

    name: str
    value_type: type
    default: Level
    scale: Scale
    description: str
    english: str
    chinese: str
    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False
    choices: tuple[str, ...] = ()
    pattern: tuple[str, str] | None = None
    is_list: bool = False
    count_or_share: bool = False
    null: str | None = None
    moves_learning_rate: bool = False
    example: str = "4"
    aliases: tuple[str, ...] = ()
    keys: Mapping[Tool, Key] = field(default_factory=dict)
    later: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The allowed words, as messages show them."""
        return (*self.choices, self.pattern[1]) if self.pattern else self.choices

    def problem(self, value: Any) -> Phrase | None:
        """The rule that a value breaks ("must be at least 1"), or None if it is valid."""
        if self.value_type is bool:
            return None if isinstance(value, bool) or value is None else Phrase("must be true or false")
        if self.value_type is str:
            return self._word_problem(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Phrase("must be a number")
        if value != value or value in (float("inf"), float("-inf")):
            return Phrase("must be a finite number")
        if self.value_type is int and int(value) != value:
            return Phrase("must be a whole number")
        low, high = self.minimum, self.maximum
        if low is not None and (value < low or (self.minimum_open and value == low)):
            return Phrase("must be above {end:g}" if self.minimum_open else "must be at least {end:g}", end=low)
        if high is not None and (value > high or (self.maximum_open and value == high)):
            return Phrase("must be below {end:g}" if self.maximum_open else "must be at most {end:g}", end=high)
        return None

    def _word_problem(self, value: Any) -> Phrase | None:
        if self.is_list:
            words = (value,) if isinstance(value, str) else value
            if isinstance(words, list | tuple) and words and all(isinstance(w, str) and w for w in words):
                return None
            return Phrase('must be "all-linear" or a list of module names')
        known = isinstance(value, str) and (
            value in self.choices or (self.pattern is not None and re.fullmatch(self.pattern[0], value) is not None)
        )
        return None if known else Phrase("must be one of {words}", words=", ".join(self.words))


def row(
    default: Any,
    scale: Scale,
    description: str,
    *,
    words: tuple[str, str],
    peft: str | Key | None = None,
    trainer: str | Key | None = None,
    llama_factory: str | Key | None = None,
    axolotl: str | Key | None = None,
    **facts: Any,
) -> Any:
    """Define a factor as a field of `Configuration`: the only place that a new factor needs.

    Args:
        words: its name in English and in Chinese.
        peft: its keyword of `peft.LoraConfig`.
        trainer: its keyword of `transformers.TrainingArguments`.
        llama_factory, axolotl: its key in that tool's configuration file; None: the tool cannot set it.
        facts: the remaining attributes of `FactorKind`; name, type and default are taken from the field.
    """
    given = {
        Tool.PEFT: peft,
        Tool.TRAINER: trainer,
        Tool.LLAMA_FACTORY: llama_factory,
        Tool.AXOLOTL: axolotl,
    }
    keys = {tool: Key(name=key) if isinstance(key, str) else key for tool, key in given.items() if key is not None}
    english, chinese = words
    known = {"default": default, "scale": scale, "description": description, "keys": keys}
    return field(default=default, metadata={"factor": {**known, "english": english, "chinese": chinese, **facts}})
