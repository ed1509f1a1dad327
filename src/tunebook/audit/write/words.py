"""What a language must be able to say about a hand-written record.

Differences come in examples where their number is known (`Gap.examples`), else as accuracies. Names and quoted text
come in cleaned; the writer escapes whole sentences, so nothing here knows Markdown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tunebook.audit.judge.counts import Examples
from tunebook.audit.judge.report import Detectable
from tunebook.audit.judge.trials import UNSAID
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.model import Note
from tunebook.core.factor import Level
from tunebook.record.numbers import percent, points, rate

__all__ = ["AuditWords", "Bounds", "BreakPoint", "Gap", "Mixed", "level_text", "p_text", "signed"]


@dataclass(frozen=True)
class Gap:
    """The difference of two trials: names, and treatment minus control."""

    treatment: str
    control: str
    examples: int | None
    effect: float

    def text(self) -> str:
        """ "+7" examples, or "+1.4" points without a number of examples."""
        return signed(self.examples) if self.examples is not None else points(self.effect)


@dataclass(frozen=True)
class Bounds:
    """The p-values of one comparison: most favourable pairing and unrelated outcomes, alone and adjusted."""

    favourable: float
    favourable_adjusted: float
    independent: float
    independent_adjusted: float
    seed_adjusted: float
    family_size: int
    picked: bool


@dataclass(frozen=True)
class Mixed:
    """A pair that differs in more than the factor in question."""

    gap: Gap
    also: tuple[str, ...]


@dataclass(frozen=True)
class BreakPoint:
    """Where training broke, in names and levels.

    Attributes:
        failed: failed trials beyond all that trained; failed_level: the level of the first.
        trained, trained_level: the trained trial nearest in level.
        moves: factors on which it and the first failed trial differ.
        clean: (trained trial, its level, failed trial, its level) that differ in this factor alone, or None.
    """

    factor: str
    above: bool
    failed: tuple[str, ...]
    failed_level: str
    trained: str
    trained_level: str
    moves: tuple[str, ...]
    clean: tuple[str, str, str, str] | None


def signed(n: int) -> str:
    """7 as "+7"; 0 has no sign."""
    return f"{n:+d}" if n else "0"


def level_text(factor: str, level: Level) -> str:
    """A level as in a configuration file; learning rates as 2e-4."""
    if level == UNSAID and not isinstance(level, bool):
        return "?"
    if factor == "learning_rate" and isinstance(level, int | float):
        return rate(float(level))
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float):
        return f"{level:g}"
    return ", ".join(level) if isinstance(level, tuple | list) else str(level)


def p_text(p: float) -> str:
    """Three significant digits; "< 0.0001" below that, "1" for what rounds to it."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.2g}" if p >= 0.1 else f"{p:.3g}"


_BASELINE_NAMES = {"baseline", "base", "default", "基线", "基准", "默认"}


class AuditWords(ABC):
    """One language. `labels` are headings, column titles and single words by name; `verdicts` are those of claims,
    `told` the same of the question whether two trials can be told apart."""

    labels: ClassVar[Mapping[str, str]]
    factors: ClassVar[Mapping[str, str]]
    verdicts: ClassVar[Mapping[SupportVerdict, str]]
    told: ClassVar[Mapping[SupportVerdict, str]]
    list_gap: ClassVar[str]
    last_gap: ClassVar[str]
    stop: ClassVar[str]
    sentence_gap: ClassVar[str]

    def factor(self, name: str) -> str:
        """A factor in words; its own name when there is no word."""
        return self.factors.get(name, name)

    def baseline(self, name: str) -> str:
        """The baseline by its name; one that is called baseline is not named twice."""
        word = self.labels["the_baseline"]
        return word if name.casefold() in _BASELINE_NAMES else f"{word} {name}"

    def factor_list(self, names: Sequence[str]) -> str:
        return self.listed([self.factor(name) for name in names])

    def listed(self, items: Sequence[str]) -> str:
        """ "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return self.list_gap.join(items[:-1]) + self.last_gap + items[-1]

    def cut_list(self, items: Sequence[str], limit: int = 12) -> str:
        """A list of at most `limit` items, and how many more there are."""
        if len(items) <= limit:
            return self.listed(items)
        return self.list_gap.join(items[:limit]) + self.more(len(items) - limit)

    def interval(self, low: float, high: float) -> str:
        """Accuracies as "25.4 to 34.8 %"."""
        return self.range_text(percent(low).removesuffix(" %"), percent(high))

    def p_phrase(self, p: float) -> str:
        """ "p = 0.0625" or "p < 0.0001"."""
        text = p_text(p)
        return f"p {text}" if text.startswith("<") else f"p = {text}"

    @abstractmethod
    def range_text(self, low: str, high: str) -> str: ...

    @abstractmethod
    def more(self, n: int) -> str: ...

    @abstractmethod
    def tally(self, counts: Mapping[SupportVerdict, int]) -> str:
        """How the record's claims fared."""

    @abstractmethod
    def no_claims(self, n_trials: int) -> str:
        """A record without sentences: what is judged instead."""

    @abstractmethod
    def trial_tally(self, told: Mapping[SupportVerdict, Sequence[str]], failed: Sequence[str]) -> str:
        """Which trials can be told from the baseline, by verdict; `failed` are those of the told ones that failed."""

    @abstractmethod
    def best_sentence(
        self,
        gap: Gap,
        n: int | None,
        accuracies: tuple[float, float],
        verdict: SupportVerdict,
        bounds: Bounds,
    ) -> str:
        """Best against baseline, the record's standing claim."""

    @abstractmethod
    def baseline_is_best(self, name: str) -> str: ...

    @abstractmethod
    def could_see(self, d: Detectable) -> str: ...

    @abstractmethod
    def examples_unknown(self, examples: Examples, needed: int | None) -> str: ...

    @abstractmethod
    def disagreements(self, n: int) -> str: ...

    @abstractmethod
    def examples_fact(self, examples: Examples, misfits: Sequence[str], slack: int) -> str: ...

    @abstractmethod
    def baseline_fact(self, name: str, named: bool, settings: str) -> str: ...

    @abstractmethod
    def trials_fact(self, n: int, failed: Sequence[str], unread: Sequence[str]) -> str: ...

    @abstractmethod
    def one_trial_fact(self, name: str, low: float, high: float) -> str: ...

    @abstractmethod
    def noise_fact(
        self,
        measured: float | None,
        freedom: int,
        interval: tuple[float, float] | None,
        used: float,
    ) -> str: ...

    @abstractmethod
    def detectable_fact(self, d: Detectable) -> str: ...

    @abstractmethod
    def tied_fact(self, names: Sequence[str]) -> str: ...

    @abstractmethod
    def gaps(self, shown: Sequence[Gap], n_pairs: int, total: str) -> str:
        """Differences of the first pairs, and of all together when there are several."""

    @abstractmethod
    def significant(self, bounds: Bounds) -> str: ...

    @abstractmethod
    def pairing(self, bounds: Bounds) -> str: ...

    @abstractmethod
    def too_small(self, bounds: Bounds) -> str: ...

    @abstractmethod
    def contradicted(self) -> str: ...

    @abstractmethod
    def no_difference(self) -> str: ...

    @abstractmethod
    def seed_noise(self, bounds: Bounds, used: float) -> str: ...

    @abstractmethod
    def same_training(self, pairs: Sequence[tuple[str, str]]) -> str: ...

    @abstractmethod
    def changes_nothing(self, factor: str) -> str: ...

    @abstractmethod
    def confounded(self, factor: str | None, mixed: Sequence[Mixed]) -> str: ...

    @abstractmethod
    def naive(self, m: Mixed) -> str:
        """The pair that the text will have looked at, though it differs in more."""

    @abstractmethod
    def renamed(self, text: str, table: str) -> str:
        """A trial by the text's label, with the full table's."""

    @abstractmethod
    def edge_open(self, b: BreakPoint) -> str: ...

    @abstractmethod
    def all_failed(self, failed: Sequence[str]) -> str: ...

    @abstractmethod
    def worked(self, names: Sequence[str]) -> str:
        """Trials that trained where the claim says they fail."""

    @abstractmethod
    def absence(self, interval: tuple[float, float] | None) -> str: ...

    @abstractmethod
    def difference_found(self) -> str: ...

    @abstractmethod
    def order_unknown(self, factor: str, bounds: Bounds | None) -> str: ...

    @abstractmethod
    def not_best(self, name: str, higher: Sequence[str]) -> str: ...

    @abstractmethod
    def failed_trial(self, name: str) -> str: ...

    @abstractmethod
    def no_trial(self) -> str: ...

    @abstractmethod
    def not_varied(self, factor: str) -> str: ...

    @abstractmethod
    def unread(self) -> str: ...

    @abstractmethod
    def count_unknown(self) -> str: ...

    @abstractmethod
    def break_point(self, b: BreakPoint) -> str: ...

    @abstractmethod
    def equal(self, names: Sequence[str], counts: Sequence[int | None]) -> str: ...

    @abstractmethod
    def equal_if_short(
        self,
        tokens: int,
        names: Sequence[str],
        counts: Sequence[int | None],
        spread: int | None,
        gain: int | None,
    ) -> str: ...

    @abstractmethod
    def ratio_constant(self, ratio: str) -> str: ...

    @abstractmethod
    def ratio_unknown(self) -> str: ...

    @abstractmethod
    def one_to_one(self, a: str, b: str) -> str: ...

    @abstractmethod
    def not_isolated(self, factor: str, levels: Sequence[str], companions: Sequence[str]) -> str: ...

    @abstractmethod
    def inconsistency(self, note: Note) -> str: ...

    @abstractmethod
    def next_why(self, why: str, factor: str | None, level: str) -> str: ...

    @abstractmethod
    def next_lead(self, n: int, cost: float, to_settle: tuple[int, int] | None) -> str: ...

    @abstractmethod
    def method(self, family: int, all_pairs: int, used: float, prior: float, prior_freedom: int) -> Sequence[str]: ...

    @abstractmethod
    def reading_note(self, note: Note) -> str: ...

    @abstractmethod
    def assumed_note(self, n: int) -> str: ...
