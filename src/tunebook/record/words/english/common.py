"""The small pieces that English sentences are made of: numbers, intervals, names of settings and configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.study import Purpose, TrialState
from tunebook.record.numbers import bound, count, duration, rate
from tunebook.record.words.base import Words
from tunebook.record.words.english.codes import PURPOSES
from tunebook.record.words.english.labels import FACTORS, LABELS

__all__ = ["EnglishPieces", "listed", "numeral", "plural", "signed_percent"]

_NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def numeral(n: int) -> str:
    """A small number as a word."""
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def plural(n: int, word: str) -> str:
    """ "1 trial", "2 trials"."""
    return f"{count(n)} {word}" if n == 1 else f"{count(n)} {word}s"


def listed(items: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def signed_percent(share: float) -> str:
    """ "+11 %"."""
    return f"{share * 100:+.0f} %"


class EnglishPieces(Words):
    """What the parts of the English record share."""

    language = "en"
    labels = LABELS
    factor_names = FACTORS
    sentence_gap = " "
    title_gap = ": "

    def setting(self, name: str, level: Any) -> str:
        if name == "num_train_epochs":
            return f"{level} epoch" if level == 1 else f"{level} epochs"
        if name.startswith("use_"):
            return self.factor(name) if level else f"no {self.factor(name)}"
        if name == "gradient_checkpointing":
            state = "left to the machine" if level is None else "on" if level else "off"
            return f"gradient checkpointing {state}"
        if name == "target_modules" and level is None:
            return "PEFT's own choice of layers"
        return super().setting(name, level)

    def factor_phrase(self, name: str) -> str:
        return {
            "num_train_epochs": "the number of epochs",
            "max_length": "max_length",
            "lr_scheduler_type": "the schedule",
        }.get(name, self.factor(name))

    def range(self, interval: tuple[float, float]) -> str:
        return f"{bound(interval[0])} to {bound(interval[1])}"

    def at_least(self, low: str) -> str:
        return f"at least {low}"

    def plain_range(self, low: float, high: float) -> str:
        return f"{low:.1f} to {high:.1f}"

    def duration(self, seconds: float) -> str:
        return duration(seconds)

    def batch(self, configuration: Configuration) -> str:
        return f"effective batch {configuration.effective_batch_size}"

    def purpose(self, purpose: Purpose) -> str:
        return PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        return state.value

    def baseline_at(self, rate_: float) -> str:
        return f"the baseline at learning rate {rate(rate_)}"

    def versus(self, against: str) -> str:
        return f" against {against}"

    def n_trials(self, n: int) -> str:
        return plural(n, "trial")

    def n_slots(self, n: int) -> str:
        return plural(n, "slot")

    def seeds(self, mine: int, theirs: int, fresh: bool) -> str:
        """How many seeds the two sides of a comparison have."""
        word = "fresh seed" if fresh else "seed"
        first = f"{numeral(mine)} {word}{'s' if mine != 1 else ''}"
        return f"{first} each" if mine == theirs else f"{first} against {numeral(theirs)}"
