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
from functools import cached_property

from tunebook.audit.model import ColumnUse, Measure, MeasureKind, TableKind
from tunebook.audit.read import cells
from tunebook.audit.read.cells import Number
from tunebook.audit.read.documents import Grid
from tunebook.audit.read.mentions import settings
from tunebook.audit.words import columns as words
from tunebook.core.factor import ALIASES, FACTOR_KINDS

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
LONGEST_CELL = 4_000
MOST_COLUMNS = 300
"""A wider table is none of trials written by hand."""
_SETTINGS_COLUMNS = 2
"""A table with a description column and fewer factor columns than this gives its settings in words."""
_LONGEST_NAME, _LONG_TEXT = 24, 40
_LINK = re.compile(r"\]\([^()\s]+\)|https?://")
_MEASURES = {"accuracy": MeasureKind.SHARE, "score": MeasureKind.SCORE, "loss": MeasureKind.LOSS}
ROLES_TO_NAME = (*_MEASURES, "label", "place", "setting", "ignore")
"""What `--columns` may say beside factors."""
_TOLD = {"label": "trial", "ignore": "ignored"}
_HEADER_PARTS = re.compile(r"[\s.]+|(?<=[一-鿿])(?=[A-Za-z])|[(（].*")
PARTS = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
"""The numbers of a cell of several settings."""
_SINGLE = ("trial", "change", "seed", "status", "round", "kind", "purpose", "place")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column of a grid is what, by index."""

    factors: Mapping[int, str] = field(default_factory=dict)
    joined: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # the two factors of "r/alpha"
    extras: Mapping[int, str] = field(default_factory=dict)  # other settings, by name
    results: tuple[int, ...] = ()  # the one used first
    measure: Measure | None = None  # what they are, None without
    equals: tuple[str, ...] = ()  # headers of results that might as well have been taken
    texts: tuple[int, ...] = ()  # remarks, read for claims
    unsettled: tuple[int, ...] = ()  # what their cells alone say to be no settings: trials that differ there may differ
    roles: Mapping[str, int] = field(default_factory=dict)  # trial, change, seed, status, round, kind, delta, place
    uses: tuple[ColumnUse, ...] = ()  # every column with what it was taken for

    @property
    def settings(self) -> list[int]:
        """Columns of settings."""
        return sorted((*self.factors, *self.joined, *self.extras))

    @property
    def kind(self) -> TableKind:
        """Whether rows give their settings in columns, or in words as changes."""
        n_settings = len(self.settings) + len(self.joined)
        described = "change" in self.roles and n_settings < _SETTINGS_COLUMNS
        return TableKind.CHANGES if described or not n_settings else TableKind.SETTINGS

    @property
    def has_settings(self) -> bool:
        """Whether anything names settings."""
        return bool(self.factors or self.joined or "change" in self.roles)


@dataclass
class _Column:
    """A column's header and cells, and what it was taken for so far."""

    index: int
    header: str
    cells: list[str]
    has_links: bool
    told: str  # what the caller says that it is, "" for nothing
    role: str = ""
    factors: tuple[str, ...] = ()
    word: words.ResultWord | None = None  # what its header says of results
    extra: str = ""  # a setting's own name
    unsettled: bool = False

    def take(self, role: str, *factors: str, extra: str = "") -> None:
        self.role, self.factors, self.extra = role, factors, extra

    @cached_property
    def said(self) -> list[str]:
        return [cell for cell in self.cells if not cells.is_blank(cell)]

    @cached_property
    def numbers(self) -> list[Number]:
        return [number for cell in self.said if isinstance(number := cells.read_number(cell), Number)]

    @property
    def is_unique(self) -> bool:
        return bool(self.cells) and all(self.cells) and len(set(self.cells)) == len(self.cells)

    def counts_up(self, tied: bool = False) -> bool:
        """Whether its numbers are 1, 2, 3 … in row order; medals and dashes may stand for some of them."""
        digits = [re.sub(r"[^\d.]", "", cell) for cell in self.cells]
        places = [(n, (str(i + 1), digits[i - 1] if tied and i else "")) for i, n in enumerate(digits) if n]
        return bool(places) and all(n in place for n, place in places)

    def holds(self, factors: Sequence[str]) -> bool:
        """Whether half of its cells are levels of a factor, or give each of several, and not their ratio."""
        said = [cell for cell in self.said if not cells.is_ditto(cell)]
        if len(factors) == 1:
            return 2 * sum(isinstance(cells.read_level(factors[0], cell), cells.Why) for cell in said) <= len(said)
        return 2 * sum(len(PARTS.findall(cell)) == len(factors) for cell in said) >= len(said)

    def holds_names(self) -> bool:
        """Whether its cells are short names, each another, and no settings beside "r32"."""
        named = (re.fullmatch(r"[A-Za-z0-9_.+-]+", cell) or not settings(cell) for cell in self.cells)
        return self.is_unique and max(map(len, self.cells)) <= _LONGEST_NAME and all(named)


def settle(
    grid: Grid,
    speaks_of_accuracy: bool,
    named: Mapping[str, str],
    decides: str = "",
    objective: words.ResultWord | None = None,
) -> Columns:
    """What each column of a grid is.

    Args:
        speaks_of_accuracy: the document's text speaks of accuracies, so that a column "Result" holds them.
        named: what the caller says that columns are, by compact header: a factor or one of `ROLES_TO_NAME`.
        decides: the sentences that say by which result the text compares.
        objective: what the text says that an optimiser's objective is.
    """
    if len(grid.header) > MOST_COLUMNS:
        return Columns()
    return _Settling(grid, speaks_of_accuracy, named, decides, objective).columns()


class _Settling:
    def __init__(
        self,
        grid: Grid,
        speaks_of_accuracy: bool,
        named: Mapping[str, str],
        decides: str,
        objective: words.ResultWord | None,
    ) -> None:
        self.line, self.speaks_of_accuracy, self.decides, self.objective = (
            grid.line,
            speaks_of_accuracy,
            decides,
            objective,
        )
        self.all: list[_Column] = []
        for i, header in enumerate(grid.header):
            plain, raw = cells.clean_text(header)[:80], grid.column(i)
            cleaned, links = [cells.clean_text(cell[:LONGEST_CELL]) for cell in raw], any(map(_LINK.search, raw))
            self.all.append(_Column(i, plain, cleaned, links, named.get(words.compact(plain), "")))

    def columns(self) -> Columns:
        for column in self.all:
            self._by_header(column)
        self._remarks()
        self._places()
        self._log()
        self._once()
        measure, results, equals = self._results()
        self._labels()
        for column in self.all:
            if not column.role:
                column.role = self._unnamed(column)
        single = {c.role: c.index for c in reversed(self.all) if c.role in (*_SINGLE, "difference")}
        if (delta := single.pop("difference", None)) is not None and results:
            single["delta"] = delta
        return Columns(
            factors={c.index: c.factors[0] for c in self.all if len(c.factors) == 1},
            joined={c.index: c.factors for c in self.all if len(c.factors) > 1},
            extras={c.index: c.extra for c in self.all if c.extra},
            results=results,
            measure=measure,
            equals=equals,
            texts=tuple(c.index for c in self.all if c.role == "analysis"),
            unsettled=tuple(c.index for c in self.all if c.unsettled),
            roles=single,
            uses=tuple(ColumnUse(self.line, c.header, c.role, " / ".join(c.factors)) for c in self.all),
        )

    def _of(self, role: str) -> _Column | None:
        """The first column of a role."""
        return next((column for column in self.all if column.role == role), None)

    def _varied(self) -> list[str]:
        """Every factor that a column gives."""
        return [factor for column in self.all for factor in column.factors]

    def _by_header(self, column: _Column) -> None:
        told, role, factors = column.told, words.role_of(column.header), words.factors_of_header(column.header)
        if told in _MEASURES:
            column.word = words.ResultWord(_MEASURES[told], "", "", -1)
        elif told in ROLES_TO_NAME:
            column.take(_TOLD.get(told, told), extra=column.header if told == "setting" else "")
        elif told:
            column.take("factor", ALIASES.get(told, told))
        elif factors and column.holds(factors):
            column.take("factor", *factors)
        elif role and self._of(role) is None:  # 轮次: rounds, or epochs
            column.role = role
        elif not factors:
            column.word = words.result_of(column.header)
            if column.word and column.word.refused == "objective" and self.objective:
                column.word = self.objective

    def _remarks(self) -> None:
        """A "description" beside settings that has a sentence that compares, or is blank in some rows and names no
        setting, holds remarks."""
        change = self._of("change")
        if change is not None and self._varied():
            unnamed = not all(change.cells) and not any(map(settings, change.cells))
            change.role = "analysis" if unnamed or any(map(words.OTHERWISE.search, change.cells)) else "change"

    def _places(self) -> None:
        """Columns that run 1, 2, 3 … in row order; "Rank" counts as the adapter's where that is not sure."""
        for column in self.all:
            if column.told or words.compact(column.header) not in words.PLACES:
                continue
            beside = any("lora_r" in other.factors for other in self.all if other is not column)
            in_order = column.counts_up() and len(column.said) > 1
            if (in_order and (len(column.cells) > 2 or not column.factors)) or (beside and column.counts_up(tied=True)):
                column.take("place")
            elif in_order:
                column.take("")

    def _log(self) -> None:
        """Epochs 1, 2, 3 … beside a loss and no other setting than a rate are the course of one training."""
        given = {name: column for column in self.all for name in column.factors}
        epochs, known = given.get("num_train_epochs"), {"num_train_epochs", "learning_rate"}
        loss = any(column.word and column.word.kind is MeasureKind.LOSS for column in self.all)
        log = loss and given.keys() <= known and not self._of("change")
        if epochs and log and len(epochs.cells) > 2 and epochs.counts_up() and not epochs.told:
            for column in given.values():
                column.take("measured")

    def _once(self) -> None:
        """A product of batch size and accumulation stands for both. Of columns for one factor the first counts where
        all say the same, else none."""
        if product := self._of("effective_batch"):
            for column in self.all:
                if column.factors in ((BATCH,), (ACCUMULATION,)):
                    column.take("measured")
            product.factors = (BATCH,)
        for name in FACTOR_KINDS:
            doubled = [column for column in self.all if column.factors == (name,)]
            same = all(column.cells == doubled[0].cells for column in doubled)
            for column in doubled[same:] if len(doubled) > 1 else ():
                column.take("measured" if same else "")

    def _results(self) -> tuple[Measure | None, tuple[int, ...], tuple[str, ...]]:
        """What the results are, their columns, and the headers of those that might as well have been taken."""
        found: list[tuple[_Column, words.ResultWord, MeasureKind]] = []
        for column in self.all:
            word = self._checked(column, column.word) if column.word else None
            if word is not None and not word.refused and word.kind is not None:
                found.append((column, word, word.kind))
            elif word is not None:
                column.role = word.refused or "unused"
        numeric = [each for each in found if each[0].numbers] or found  # an export's "error" beside them holds remarks
        if not numeric:
            return None, (), ()
        decided = self._decided([column for column, _, _ in numeric])
        (first, word, kind), *others = sorted(numeric, key=lambda f: (f[0] is not decided, f[1].rank, f[0].index))
        for column, _, _ in found:
            column.role = "other_result" if column.numbers else "analysis"
        first.role = "result"
        alike = sorted(others, key=lambda other: other[2] is not kind)
        names, kinds = tuple(c.header for c, _, _ in alike), tuple(other for _, _, other in alike)
        equals = tuple(c.header for c, other, _ in others if other.rank == word.rank and decided is None)
        measure = Measure(first.header, kind, word.split, names, kinds, decided is not None)
        return measure, (first.index, *(column.index for column, _, _ in alike)), equals

    def _decided(self, results: Sequence[_Column]) -> _Column | None:
        """The one of several columns of results by which the text says that it compares: by a word of its header that
        the others do not have ("线上")."""
        parts = {column.index: _HEADER_PARTS.split(column.header) for column in results}
        patterns = {part: words.any_of(rf"{re.escape(part)}(?:uracy)?") for of in parts.values() for part in of if part}
        said = {i: [p for p in of if p and patterns[p].search(self.decides)] for i, of in parts.items()}
        others = {i: " ".join(part for j, of in said.items() if j != i for part in of) for i in said}
        own = [column for column in results if any(part not in others[column.index] for part in said[column.index])]
        return own[0] if len(own) == 1 else None

    def _checked(self, column: _Column, word: words.ResultWord) -> words.ResultWord:
        """What the cells say of a column of results: signs make it a difference, numbers beyond 100 no accuracy."""
        numbers, share = column.numbers, word.kind in (None, MeasureKind.SHARE)
        whole = max((n.value for n in numbers if n.unit == 1 and not n.percent), default=0) > 1
        total = words.total_of(column.header) if whole and share else None
        refusals = {
            "unread": not numbers and not (word.kind and any(map(cells.has_failed, column.said))),
            "difference": any(n.signed and (share or n.value >= 0) for n in numbers),  # a reward may be negative
            "counts": total == 0,
            "size": word.kind is MeasureKind.SHARE and any(not 0 <= n.value <= (total or 100) for n in numbers),
        }
        refused = word.refused or next((why for why, holds in refusals.items() if holds), "")
        if refused or word.kind:
            return replace(word, refused=refused)
        sure = self.speaks_of_accuracy or any(n.percent or n.total for n in numbers)
        if sure and all(0 <= n.value <= 100 for n in numbers):
            return replace(word, kind=MeasureKind.SHARE, rank=word.rank - 5)
        return replace(word, kind=MeasureKind.SCORE)

    def _labels(self) -> None:
        """The column of labels: of several a name before a number, and one that tells the rows apart before one that
        does not; a column with blanks groups rows and names none. Else a first column without a header, or short
        names under "config"."""
        trials = [c for c in self.all if words.role_of(c.header) == "trial" and c.role in ("", "trial")]
        best = sorted(trials, key=lambda c: (not c.is_unique, words.compact(c.header) not in words.NAMES, c.index))
        label = next((c for c in best if all(c.cells)), None)
        for column in trials:
            column.role = "place" if column.header == "#" and column.counts_up() else "measured"
        change = self._of("change")
        if label is not None:
            label.role = "trial"
        elif self._of("trial"):
            return
        elif change is not None and len(self._varied()) >= _SETTINGS_COLUMNS and change.holds_names():
            change.role = "trial"
        elif self.all and not self.all[0].header and not self.all[0].role and self.all[0].is_unique:
            self.all[0].role = "trial"

    def _unnamed(self, column: _Column) -> str:
        """The role of a column that its header does not name: by a word of the header, links or signs, else by what its
        cells hold."""
        said, change, n_set = column.said, self._of("change"), len(self._varied())
        numeric, different, bare = len(column.numbers), len(set(said)), words.EXPORT_PREFIX.sub("", column.header)
        plain = re.sub(r"[_./()]", " ", bare)
        if any(map(words.MEASUREMENT.search, (bare, plain))) or column.has_links or column.word:
            return "measured"
        if words.DIFFERENCE.search(column.header) or any(number.signed for number in column.numbers):
            return "difference" if words.DIFFERENCE.search(column.header) else "measured"
        if different < 2 and len(said) == len(column.cells):
            return "constant"
        described = 3 * sum(bool(settings(cell)) for cell in said) >= max(1, len(said))
        if change is None and n_set < _SETTINGS_COLUMNS and described:
            return "change"
        leads = all(other.role in ("place", "measured") for other in self.all[: column.index])
        named = all(any(c.isalpha() for c in cell) for cell in said)  # "01:42" is no name
        if leads and named and not self._of("trial") and column.is_unique and numeric * 2 < len(said):
            return "trial"
        known = bool(words.SETTING.search(plain)) and bool(n_set or change)
        long = max(map(len, said), default=0) > _LONG_TEXT
        short = len(said) == 1 and " " not in said[0]  # "✓" in one row: a setting of that row
        counted = numeric == len(said) and 5 * different > 4 * len(said)
        if not known and (counted or long or (different == len(said) and not short) or not (n_set or change)):
            column.unsettled = counted or not long
            return "measured" if counted else "analysis"
        column.extra = column.header or f"({column.index + 1})"
        return "setting" if known else "unsure"


def labels_of(grid: Grid, columns: Columns) -> Sequence[str]:
    """The label of each row, as it is compared with those of another table."""
    return [cells.without_marks(cells.clean_text(cell)).casefold() for cell in grid.column(columns.roles["trial"])]
