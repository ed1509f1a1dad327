"""The small parts of English sentences: numbers, intervals, names of settings and configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunebook.core.quantisation import BITS, NONE
from tunebook.core.study import Purpose, TrialState
from tunebook.escaping import clean
from tunebook.words.english.codes import PURPOSES
from tunebook.words.english.labels import FACTORS, LABELS
from tunebook.words.marks import OPEN
from tunebook.words.numbers import count, duration, rate
from tunebook.words.shared import Shared, StudyShared

__all__ = ["EnglishPieces", "EnglishShared", "numeral", "plural", "signed_percent"]

_NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def numeral(n: int) -> str:
    """A small number as a word."""
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def plural(n: int, word: str) -> str:
    """ "1 trial", "2 trials"."""
    return f"{count(n)} {word}" if n == 1 else f"{count(n)} {word}s"


def signed_percent(share: float) -> str:
    """ "+11 %"."""
    return f"{share * 100:+.0f} %"


class EnglishShared(Shared):
    """What the English texts about studies and about audits share."""

    language = "en"
    factor_names = FACTORS
    sentence_gap = bracket_gap = " "
    comma, last_comma = ", ", " and "
    brackets = ("(", ")")
    to = " to "
    percent_sign = " %"
    accuracy_word = "accuracy"

    @property
    def _top(self) -> str:
        """ "highest", or "lowest" where less is better."""
        return "highest" if self.scale.higher_is_better else "lowest"

    @property
    def _far(self) -> str:
        """ "high", or "low" where less is better."""
        return "high" if self.scale.higher_is_better else "low"

    @property
    def _more(self) -> str:
        """ "higher", or "lower" where less is better."""
        return "higher" if self.scale.higher_is_better else "lower"

    def capital(self, text: str) -> str:
        """The text with a capital first letter, which may follow a bold mark."""
        first = 1 if text.startswith(OPEN) else 0
        return text[:first] + text[first : first + 1].upper() + text[first + 1 :]

    def length(self, n: int, in_words: bool) -> str:
        """A length of text; an engine without a model counts words."""
        return f"{n} {'word' if in_words else 'token'}{'' if n == 1 else 's'}"


class EnglishPieces(EnglishShared, StudyShared):
    """What all texts about a study share."""

    labels = LABELS
    title_gap = ": "
    least = "at least {}"

    def weights_kept(self, quantization: str) -> str:
        """How a quantised base model's weights are kept; nothing for one in full precision."""
        if quantization in ("", NONE):
            return ""
        bits = BITS.get(quantization)
        return f"weights in {bits} bits ({quantization})" if bits else f"weights quantised by {quantization}"

    def setting(self, name: str, level: Any) -> str:
        """A factor with its value: "rank 32"."""
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

    def task_fact(self, task: Mapping[str, Any]) -> str:
        """The task of a harness that scores, and where its documents come from; `task` is `TaskAbout` as a map."""
        shots = f"{plural(int(task['shots']), 'solved example')} before each document" if task["shots"] else "zero-shot"
        text = (
            f"task {task['task']} of {task['harness']} {task['version']} ({task['kind']}, {shots}), {task['measure']}; "
            f"its documents are validation and test, from {task['source']}"
        )
        return clean(f"{text}, one split divided by the documents' texts" if task["divided"] else text)

    def factor_phrase(self, name: str) -> str:
        """A factor as the subject of a sentence."""
        return {
            "num_train_epochs": "the number of epochs",
            "max_length": "max_length",
            "lr_scheduler_type": "the schedule",
        }.get(name, self.factor(name))

    def trained_ahead(self, seconds: float, n_taken: int) -> str:
        """For how long idle devices trained trials ahead of the last round, and how many of its trials went on from
        that."""
        text = f"while they had nothing else to do, devices trained ahead for the confirm round for {duration(seconds)}"
        return text + f", and {plural(n_taken, 'trial')} went on from there" * (n_taken > 0)

    def duration(self, seconds: float) -> str:
        """A length of time."""
        return duration(seconds)

    def purpose(self, purpose: Purpose) -> str:
        """Why a trial is trained."""
        return PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        """The state of a trial."""
        return state.value

    def baseline_at(self, rate_: float) -> str:
        """The baseline at another learning rate."""
        return f"the baseline at learning rate {rate(rate_)}"

    def versus(self, against: str) -> str:
        """Continues a name: what it was compared with."""
        return f" against {against}"

    def seeds(self, mine: int, theirs: int, fresh: bool) -> str:
        """How many seeds the two sides of a comparison have."""
        word = "fresh seed" if fresh else "seed"
        first = f"{numeral(mine)} {word}{'s' if mine != 1 else ''}"
        return f"{first} each" if mine == theirs else f"{first} against {numeral(theirs)}"
