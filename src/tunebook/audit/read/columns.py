"""Which column of a table is what: settled by its header and by what its cells hold.

A column "Rank" that runs 1, 2, 3 … is a place; an "accuracy" with signs is a difference; expected, training and
smoothed values are no results; of several results test comes before validation. What varies like a setting and has no
known name is kept as a setting of its own, so that trials that differ in it are never said to differ in something
else alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import ColumnUse, Measure, MeasureKind, TableKind
from tunebook.audit.read.cells import Number, Why, clean_text, has_failed, is_blank, is_ditto, is_pending, read_number
from tunebook.audit.read.documents import Grid
from tunebook.audit.read.levels import read_level, read_product
from tunebook.audit.read.mentions import settings
from tunebook.audit.read.vocabulary import (
    ResultWord,
    compact,
    factor_of_header,
    factors_of_header,
    is_effective_batch,
    is_measurement,
    is_place,
    result_of,
    role_of,
)
from tunebook.core.factor import ALIASES, FACTOR_KINDS

__all__ = ["ACCUMULATION", "BATCH", "Columns", "settle"]

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
LONGEST_CELL = 4_000
MOST_COLUMNS = 300
"""A wider table is none of trials written by hand."""
_SETTINGS_COLUMNS = 2
"""A table with a description column and fewer factor columns than this gives its settings in words."""
_LONG_TEXT = 40
_MEASURES = {"accuracy": MeasureKind.SHARE, "score": MeasureKind.SCORE, "loss": MeasureKind.LOSS}
_SINGLE = ("trial", "change", "seed", "status", "round", "kind", "purpose", "place")
_NAME_WORDS = ("name", "runname", "tagsmlflowrunname", "实验名称", "实验名", "名称")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column of a grid is what, by index.

    Attributes:
        factors, joined, extras: index to factor, to the two factors of "r/alpha", to the name of another setting.
        results: result columns, the one used first; `measure` says what they are, None without.
        texts: columns of remarks, read for claims.
        roles: index of trial, change, seed, status, round, kind, delta, place.
        uses: every column with what it was taken for.
    """

    factors: Mapping[int, str] = field(default_factory=dict)
    joined: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    extras: Mapping[int, str] = field(default_factory=dict)
    results: tuple[int, ...] = ()
    measure: Measure | None = None
    texts: tuple[int, ...] = ()
    roles: Mapping[str, int] = field(default_factory=dict)
    uses: tuple[ColumnUse, ...] = ()

    @property
    def n_factors(self) -> int:
        """How many settings have a column."""
        return len(self.factors) + len(self.extras) + sum(len(names) for names in self.joined.values())

    @property
    def kind(self) -> TableKind:
        """Whether rows give their settings in columns, or in words as changes."""
        described = "change" in self.roles and self.n_factors < _SETTINGS_COLUMNS
        return TableKind.CHANGES if described or not self.n_factors else TableKind.SETTINGS

    @property
    def has_settings(self) -> bool:
        """Whether anything names settings."""
        return bool(self.factors or self.joined or "change" in self.roles)


def settle(grid: Grid, speaks_of_accuracy: bool, named: Mapping[str, str]) -> Columns:
    """What each column of a grid is.

    Args:
        speaks_of_accuracy: the document's text speaks of accuracies, so that a column "Result" holds them.
        named: what the caller says that columns are, by compact header: a factor, accuracy, score, loss, label, place,
            setting or ignore.
    """
    return _Settling(grid, speaks_of_accuracy, named).columns() if len(grid.header) <= MOST_COLUMNS else Columns()


class _Settling:
    def __init__(self, grid: Grid, speaks_of_accuracy: bool, named: Mapping[str, str]) -> None:
        self.grid = grid
        self.speaks_of_accuracy = speaks_of_accuracy
        self.named = named
        self.headers = [clean_text(cell)[:80] for cell in grid.header]
        self.cells = [[clean_text(cell[:LONGEST_CELL]) for cell in grid.column(i)] for i in range(len(self.headers))]
        self.role: dict[int, str] = {}
        self.factor: dict[int, str] = {}
        self.joined: dict[int, tuple[str, ...]] = {}
        self.extras: dict[int, str] = {}
        self.words: dict[int, ResultWord] = {}

    def columns(self) -> Columns:
        for index, header in enumerate(self.headers):
            self._by_header(index, header)
        self._places()
        self._batch()
        self._doubled()
        measure, results = self._results()
        self._labels()
        for index in range(len(self.headers)):
            if index not in self.role:
                self._by_content(index)
        roles: dict[str, int] = {}
        for index, role in self.role.items():
            roles.setdefault(role, index)
        single = {r: i for r, i in roles.items() if r in _SINGLE}
        if "difference" in roles and results:
            single["delta"] = roles["difference"]
        texts = tuple(i for i, role in self.role.items() if role == "analysis")
        uses = tuple(
            ColumnUse(self.grid.line, header, self.role[i], self.factor.get(i) or " / ".join(self.joined.get(i, ())))
            for i, header in enumerate(self.headers)
        )
        return Columns(
            factors=self.factor,
            joined=self.joined,
            extras=self.extras,
            results=results,
            measure=measure,
            texts=texts,
            roles=single,
            uses=uses,
        )

    def _by_header(self, index: int, header: str) -> None:
        said = self.named.get(compact(header))
        if said is not None:
            self._as_told(index, said)
        elif is_effective_batch(header):
            self.role[index] = "effective_batch"
        elif names := factors_of_header(header):
            self.role[index], self.joined[index] = "factor", names
        elif factor := factor_of_header(header):
            self.role[index], self.factor[index] = "factor", factor
            if not self._holds_levels(index, factor):
                del self.role[index], self.factor[index]
        elif (role := role_of(header)) and role not in self.role.values():
            self.role[index] = role
        elif word := result_of(header):
            self.words[index] = word

    def _as_told(self, index: int, said: str) -> None:
        factor = ALIASES.get(said, said)
        if factor in FACTOR_KINDS:
            self.role[index], self.factor[index] = "factor", factor
        elif said in _MEASURES:
            self.words[index] = ResultWord(_MEASURES[said], "", "", -1)
        elif said == "setting":
            self.role[index], self.extras[index] = "setting", self.headers[index]
        else:
            self.role[index] = {"label": "trial", "place": "place"}.get(said, "ignored")

    def _holds_levels(self, index: int, factor: str) -> bool:
        said = [c for c in self.cells[index] if not is_blank(c) and not is_ditto(c)]
        read = [c for c in said if not isinstance(read_level(factor, c), Why) or (factor == BATCH and read_product(c))]
        return not said or 2 * len(read) >= len(said)

    def _places(self) -> None:
        """Columns that run 1, 2, 3 … in row order; "Rank" counts as the adapter's where that is not sure."""
        for index, header in enumerate(self.headers):
            if not is_place(header) or compact(header) in self.named:
                continue
            numbers = [re.sub(r"[^\d.]", "", cell) for cell in self.cells[index]]
            count = len(numbers)
            in_order = count >= 2 and numbers == [str(i + 1) for i in range(count)]
            beside = any(i != index and name == "lora_r" for i, name in self.factor.items())
            tied = in_order or all(n in (str(i + 1), numbers[i - 1]) for i, n in enumerate(numbers))
            if (in_order and (count >= 3 or beside or index not in self.factor)) or (beside and count >= 2 and tied):
                self.factor.pop(index, None)
                self.role[index] = "place"
            elif in_order and self.factor.get(index):
                self.role[index] = "ambiguous"
                self.extras[index] = header
                del self.factor[index]

    def _batch(self) -> None:
        """A product of batch size and accumulation stands for the batch size, unless both are given themselves."""
        product = next((i for i, role in self.role.items() if role == "effective_batch"), None)
        if product is None:
            return
        parts = {*self.factor.values(), *sum(self.joined.values(), ())}
        if {BATCH, ACCUMULATION} <= parts:
            self.role[product] = "measured"
            return
        for index in [i for i, name in self.factor.items() if name in (BATCH, ACCUMULATION)]:
            del self.factor[index]
            self.role[index] = "measured"
        self.factor[product] = BATCH

    def _doubled(self) -> None:
        """Of two columns for one factor the one by its full name counts, or either where both say the same; else
        neither, and both are kept as settings of their own."""
        by_factor: dict[str, list[int]] = {}
        for index, name in self.factor.items():
            by_factor.setdefault(name, []).append(index)
        for name, indices in by_factor.items():
            if len(indices) < 2:
                continue
            exact = [i for i in indices if re.fullmatch(rf"(?:.*[_./])?{name}", self.headers[i], re.IGNORECASE)]
            same = all(self.cells[i] == self.cells[indices[0]] for i in indices)
            kept = exact[0] if len(exact) == 1 else indices[0] if same else None
            for index in indices:
                if index != kept:
                    del self.factor[index]
                    self.role[index] = "measured" if kept is not None else "ambiguous"
                    if kept is None:
                        self.extras[index] = f"{self.headers[index]} ({index + 1})"

    def _results(self) -> tuple[Measure | None, tuple[int, ...]]:
        usable: list[tuple[int, int, ResultWord]] = []
        for index, word in self.words.items():
            word = self._with_content(index, word)
            if word.refused or word.kind is None:
                self.role[index] = word.refused or "unused"
            else:
                usable.append((word.rank, index, word))
        usable.sort(key=lambda item: item[:2])
        if not usable:
            return None, ()
        _, first, word = usable[0]
        assert word.kind is not None
        alike = [index for _, index, other in usable[1:] if other.kind is word.kind]
        for _, index, _ in usable:
            self.role[index] = "result" if index == first else "other_result"
        names = tuple(self.headers[i] for i in alike)
        return Measure(self.headers[first], word.kind, word.split, names), (first, *alike)

    def _with_content(self, index: int, word: ResultWord) -> ResultWord:
        """What the cells say of a column of results: signs make it a difference, numbers beyond 100 no accuracy."""
        cells = [c for c in self.cells[index] if not is_blank(c) and not is_pending(c)]
        numbers = [n for cell in cells if isinstance(n := read_number(cell), Number)]
        if word.refused:
            return word
        if not numbers:
            return replace(word, refused="" if any(has_failed(c) for c in cells) and word.kind else "unread")
        if any(n.signed for n in numbers):
            return replace(word, refused="difference")
        fits = all(0 <= n.value <= 100 for n in numbers)
        if word.kind is None:
            sure = fits and (self.speaks_of_accuracy or any(n.percent or n.total for n in numbers))
            return replace(word, kind=MeasureKind.SHARE if sure else MeasureKind.SCORE, rank=word.rank - (sure and 5))
        if word.kind is MeasureKind.SHARE:
            bare = [n for n in numbers if not n.percent and n.total is None]
            whole = bool(bare) and all(n.value == int(n.value) and n.unit == 1 for n in bare)
            if whole and max(n.value for n in bare) > 1 and _COUNTED.search(self.headers[index]):
                return replace(word, refused="counts")
            if not fits:
                return replace(word, refused="size")
        return word

    def _labels(self) -> None:
        """The column of labels: a name before a number, a first column without a header, or short names under
        "config"."""
        trials = [
            i for i, h in enumerate(self.headers) if role_of(h) == "trial" and self.role.get(i, "trial") == "trial"
        ]
        named = [i for i in trials if compact(self.headers[i]) in _NAME_WORDS and self._unique(i)]
        if len(trials) > 1 and named:
            for index in trials:
                self.role[index] = "trial" if index == named[0] else "measured"
        change = next((i for i, role in self.role.items() if role == "change"), None)
        if "trial" in self.role.values():
            return
        if change is not None and len(self.factor) >= _SETTINGS_COLUMNS and self._are_names(change):
            self.role[change] = "trial"
        elif self.headers and not self.headers[0] and 0 not in self.role and self._unique(0):
            self.role[0] = "trial"

    def _unique(self, index: int) -> bool:
        cells = self.cells[index]
        return bool(cells) and all(cells) and len(set(cells)) == len(cells)

    def _are_names(self, index: int) -> bool:
        return self._unique(index) and all(
            len(cell) <= 24 and (not settings(cell) or re.fullmatch(r"[A-Za-z0-9_.+-]+", cell))
            for cell in self.cells[index]
        )

    def _by_content(self, index: int) -> None:
        """A column that no header word settles."""
        header, cells = self.headers[index], [c for c in self.cells[index] if not is_blank(c)]
        different = set(cells)
        numbers = [n for c in cells if isinstance(n := read_number(c), Number)]
        described = sum(bool(settings(c)) for c in cells)
        if is_measurement(header) or index in self.words:
            self.role[index] = "measured"
        elif _DIFFERENCE.search(header) or (numbers and any(n.signed for n in numbers)):
            self.role[index] = "difference" if _DIFFERENCE.search(header) else "measured"
        elif len(different) < 2 and len(cells) == len(self.cells[index]):
            self.role[index] = "constant"
        elif (
            "change" not in self.role.values()
            and self._n_set() < _SETTINGS_COLUMNS
            and described * 3 >= max(1, len(cells))
        ):
            self.role[index] = "change"
        elif "trial" not in self.role.values() and index == 0 and self._unique(0) and len(numbers) * 2 < len(cells):
            self.role[index] = "trial"
        elif len(numbers) == len(cells) and (len(different) * 5 > len(cells) * 4 or any("." in c for c in cells)):
            self.role[index] = "measured"
        elif max((len(c) for c in cells), default=0) > _LONG_TEXT or len(different) == len(cells):
            self.role[index] = "analysis"
        else:
            self.role[index] = "setting" if self._n_set() or "change" in self.role.values() else "analysis"
            if self.role[index] == "setting":
                self.extras[index] = header or f"({index + 1})"

    def _n_set(self) -> int:
        return len(self.factor) + sum(len(names) for names in self.joined.values())


_COUNTED = re.compile(r"correct|正确数|答对", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"[Δδ]|\bdelta\b|\bdiff\w*|\bchange vs\b|\bgains?\b|\bimprov\w+|\bvs\b|提升|之差|差值|相比|较基线|变化幅度|与基线",
    re.IGNORECASE,
)


def refusals(uses: Sequence[ColumnUse]) -> dict[str, str]:
    """Headers of columns that look like results and are none, with why."""
    why = ("expected", "training", "smoothed", "difference", "bound", "objective", "counts", "size", "unread")
    return {use.header: use.role for use in uses if use.role in why}
