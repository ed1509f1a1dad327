"""Which column of a table is what: settled by its header and by what its cells hold.

A column "Rank" that runs 1, 2, 3 … is a place; an "accuracy" with signs is a difference; expected, training and
smoothed values are no results; of several results test comes before validation. What varies like a setting and has no
known name is kept as a setting of its own, so that trials that differ in it are never said to differ in something
else alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import ColumnUse, Measure, MeasureKind, TableKind
from tunebook.audit.read.cells import (
    Number,
    Why,
    clean_text,
    has_failed,
    is_blank,
    is_ditto,
    read_level,
    read_number,
    without_marks,
)
from tunebook.audit.read.documents import Grid
from tunebook.audit.read.mentions import settings
from tunebook.audit.words.columns import (
    COMPARES,
    COUNTED,
    DIFFERENCE,
    EXPORT_PREFIX,
    MEASURED_UNIT,
    MEASUREMENT,
    NAMES,
    SETTING,
    ResultWord,
    compact,
    factor_of_header,
    factors_of_header,
    is_place,
    is_scaled,
    result_of,
    role_of,
    total_of,
)
from tunebook.core.factor import ALIASES, FACTOR_KINDS

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
LONGEST_CELL = 4_000
MOST_COLUMNS = 300
"""A wider table is none of trials written by hand."""
_SETTINGS_COLUMNS = 2
"""A table with a description column and fewer factor columns than this gives its settings in words."""
_FEWEST_EXAMPLES, _FRACTIONS_RANK = 20, 8
"""Of fractions in a column without a known name; it comes after columns that are named."""
_LONG_TEXT = 40
_EXPORTED_SETTING = re.compile(r"(?:params?|config|hparams|hp|hyperparameters?)[_./:]", re.IGNORECASE)
_LINK = re.compile(r"\]\([^()\s]+\)|https?://")
_MEASURES = {"accuracy": MeasureKind.SHARE, "score": MeasureKind.SCORE, "loss": MeasureKind.LOSS}
ROLES_TO_NAME = (*_MEASURES, "label", "place", "setting", "ignore")
"""What `--columns` may say beside factors."""
REFUSALS = ("expected", "training", "smoothed", "difference", "bound", "objective", "counts", "size", "unread")
"""Roles of columns that look like results and are none."""
PARTS = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
"""The numbers of a cell of several settings."""
_UNSCALED = re.compile(r"[(（].*")
_MEDALS = {"🥇": "1", "🥈": "2", "🥉": "3"}
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


def settle(grid: Grid, speaks_of_accuracy: bool, named: Mapping[str, str], decides: str = "") -> Columns:
    """What each column of a grid is.

    Args:
        speaks_of_accuracy: the document's text speaks of accuracies, so that a column "Result" holds them.
        named: what the caller says that columns are, by compact header: a factor or one of `ROLES_TO_NAME`.
        decides: the sentences that say by which result the text compares.
    """
    return (
        _Settling(grid, speaks_of_accuracy, named, decides).columns() if len(grid.header) <= MOST_COLUMNS else Columns()
    )


class _Settling:
    def __init__(self, grid: Grid, speaks_of_accuracy: bool, named: Mapping[str, str], decides: str) -> None:
        self.grid = grid
        self.decides = decides
        self.speaks_of_accuracy = speaks_of_accuracy
        self.named = named
        self.headers = [clean_text(cell)[:80] for cell in grid.header]
        self.cells = [[clean_text(cell[:LONGEST_CELL]) for cell in grid.column(i)] for i in range(len(self.headers))]
        self.role: dict[int, str] = {}
        self.factor: dict[int, str] = {}
        self.joined: dict[int, tuple[str, ...]] = {}
        self.extras: dict[int, str] = {}
        self.words: dict[int, ResultWord] = {}
        self.unsettled: list[int] = []

    def columns(self) -> Columns:
        for index, header in enumerate(self.headers):
            self._by_header(index, header)
        self._remarks()
        self._places()
        self._log()
        self._batch()
        self._doubled()
        measure, results, equals = self._results()
        self._labels()
        for index in range(len(self.headers)):
            if index not in self.role:
                self.role[index] = self._by_header_word(index) or self._by_content(index)
        single = {role: index for index, role in reversed(self.role.items()) if role in (*_SINGLE, "difference")}
        delta = single.pop("difference", None)
        if delta is not None and results:
            single["delta"] = delta
        uses = (
            ColumnUse(self.grid.line, header, self.role[i], self.factor.get(i) or " / ".join(self.joined.get(i, ())))
            for i, header in enumerate(self.headers)
        )
        return Columns(
            factors=self.factor,
            joined=self.joined,
            extras=self.extras,
            results=results,
            measure=measure,
            equals=equals,
            texts=tuple(i for i, role in self.role.items() if role == "analysis"),
            unsettled=tuple(self.unsettled),
            roles=single,
            uses=tuple(uses),
        )

    def _by_header(self, index: int, header: str) -> None:
        said = self.named.get(compact(header))
        if said is not None:
            self._as_told(index, said)
        elif role_of(header) == "effective_batch":
            self.role[index] = "effective_batch"
        elif (names := factors_of_header(header)) and self._holds_parts(index, len(names)):
            self.role[index], self.joined[index] = "factor", names
        elif factor := factor_of_header(header) if not names else None:
            if self._holds_levels(index, factor):
                self.role[index], self.factor[index] = "factor", factor
            elif (role := role_of(header)) and role not in self.role.values():  # 轮次: rounds, or epochs
                self.role[index] = role
        elif is_scaled(header) and (factor := factor_of_header(_UNSCALED.sub("", header))):
            if all("10^" in cell for cell in self.cells[index]):
                self.role[index], self.factor[index] = "factor", factor
            else:
                self.role[index], self.extras[index] = "ambiguous", header
        elif (role := role_of(header)) and role not in self.role.values():
            self.role[index] = role
        elif word := result_of(header) or self._counted(index, header):
            self.words[index] = word

    def _as_told(self, index: int, said: str) -> None:
        factor = ALIASES.get(said, said)
        if factor in FACTOR_KINDS:
            self.role[index], self.factor[index] = "factor", factor
        elif said in _MEASURES:
            self.words[index] = ResultWord(_MEASURES[said], "", "", -1)
        else:
            self.role[index] = {"label": "trial", "place": "place", "setting": "setting"}.get(said, "ignored")
            if said == "setting":
                self.extras[index] = self.headers[index]

    def _holds_levels(self, index: int, factor: str) -> bool:
        said = [c for c in self.cells[index] if not is_blank(c) and not is_ditto(c)]
        read = [c for c in said if not isinstance(read_level(factor, c), Why)]
        return not said or 2 * len(read) >= len(said)

    def _counted(self, index: int, header: str) -> ResultWord | None:
        """A column without a known name that holds how many were right of one number of examples: "387/500"."""
        said = [c for c in self.cells[index] if not is_blank(c) and not has_failed(c)]
        totals = {n.total if isinstance(n := read_number(c), Number) else None for c in said}
        total = totals.pop() if len(totals) == 1 and len(set(said)) > 1 else None
        plain = total is not None and total >= _FEWEST_EXAMPLES and not MEASUREMENT.search(header)
        return ResultWord(MeasureKind.SHARE, "", "", _FRACTIONS_RANK) if plain else None

    def _holds_parts(self, index: int, count: int) -> bool:
        """Whether a column of several settings ("r/alpha") gives each of them, and not their ratio."""
        said = [c for c in self.cells[index] if not is_blank(c) and not is_ditto(c)]
        return 2 * sum(len(PARTS.findall(c)) == count for c in said) >= len(said)

    def _remarks(self) -> None:
        """A "description" beside labels and settings that has a sentence that compares, or is blank in some rows and
        names no setting, holds remarks."""
        index = next((i for i, role in self.role.items() if role == "change"), None)
        cells = self.cells[index] if index is not None else []
        compare = any(COMPARES.search(cell) for cell in cells)
        unnamed = not all(cells) and not any(map(settings, cells))
        if index is not None and self.factor and (compare or unnamed):
            self.role[index] = "analysis" if "analysis" not in self.role.values() else "measured"

    def _places(self) -> None:
        """Columns that run 1, 2, 3 … in row order; "Rank" counts as the adapter's where that is not sure."""
        for index, header in enumerate(self.headers):
            if not is_place(header) or compact(header) in self.named:
                continue
            numbers = [re.sub(r"[^\d.]", "", _MEDALS.get(cell[:1], cell)) for cell in self.cells[index]]
            count = len(numbers)
            ranked = [(n, str(i + 1)) for i, n in enumerate(numbers) if n or not is_blank(self.cells[index][i])]
            in_order = len(ranked) >= 2 and all(n == place for n, place in ranked)
            beside = any(i != index and name == "lora_r" for i, name in self.factor.items())
            tied = in_order or all(n in (str(i + 1), numbers[i - 1]) for i, n in enumerate(numbers))
            if (in_order and (count >= 3 or beside or index not in self.factor)) or (beside and count >= 2 and tied):
                self.factor.pop(index, None)
                self.role[index] = "place"
            elif in_order and index in self.factor:
                del self.factor[index]
                self.role[index], self.extras[index] = "ambiguous", header

    def _log(self) -> None:
        """Epochs 1, 2, 3 … beside a loss and no other setting are the course of one training, no trials."""
        epochs = [i for i, name in self.factor.items() if name == "num_train_epochs"]
        rates = [i for i, name in self.factor.items() if name == "learning_rate" and self._unique(i)]
        if (
            len(epochs) == 1
            and len(self.factor) == 1 + len(rates)
            and not self.joined
            and "change" not in self.role.values()
        ):
            counted = [str(i + 1) for i in range(len(self.grid.rows))] == self.cells[epochs[0]]
            loss = any((word := result_of(header)) and word.kind is MeasureKind.LOSS for header in self.headers)
            if counted and loss and len(self.grid.rows) > 2 and compact(self.headers[epochs[0]]) not in self.named:
                for index in (*epochs, *rates):
                    del self.factor[index]
                    self.role[index] = "measured"

    def _batch(self) -> None:
        """A product of batch size and accumulation stands for the batch size, unless both are given themselves."""
        product = next((i for i, role in self.role.items() if role == "effective_batch"), None)
        if product is None:
            return
        if {BATCH, ACCUMULATION} <= {*self.factor.values(), *sum(self.joined.values(), ())}:
            self.role[product] = "measured"
            return
        for index in [i for i, name in self.factor.items() if name in (BATCH, ACCUMULATION)]:
            del self.factor[index]
            self.role[index] = "measured"
        self.factor[product] = BATCH

    def _doubled(self) -> None:
        """Of two columns for one factor the one by its full name counts, or either where both say the same; else
        neither, and both are kept as settings of their own."""
        for name in set(self.factor.values()):
            indices = [i for i, other in self.factor.items() if other == name]
            exact = [i for i in indices if re.fullmatch(rf"(?:.*[_./])?{name}", self.headers[i], re.IGNORECASE)]
            same = all(self.cells[i] == self.cells[indices[0]] for i in indices)
            kept = exact[0] if len(exact) == 1 else indices[0] if same else None
            for index in indices if len(indices) > 1 else ():
                if index != kept:
                    del self.factor[index]
                    self.role[index] = "measured" if kept is not None else "ambiguous"
                    if kept is None:
                        self.extras[index] = f"{self.headers[index]} ({index + 1})"

    def _results(self) -> tuple[Measure | None, tuple[int, ...], tuple[str, ...]]:
        """What the results are, their columns, and the headers of those that might as well have been taken."""
        usable: list[tuple[int, int, MeasureKind, str]] = []
        for index, word in self.words.items():
            word = self._with_content(index, word)
            if word.refused or word.kind is None:
                self.role[index] = word.refused or "unused"
            else:
                usable.append((word.rank, index, word.kind, word.split))
        numeric = [found for found in usable if any(isinstance(read_number(c), Number) for c in self.cells[found[1]])]
        for index in {found[1] for found in usable} - {found[1] for found in numeric} if numeric else ():
            self.role[index] = "analysis" if "analysis" not in self.role.values() else "measured"
        usable = numeric or usable  # an export's "error" beside its metrics holds remarks
        if not usable:
            return None, (), ()
        decided = self._decided([index for _, index, _, _ in usable])
        usable.sort(key=lambda found: (found[1] != decided, *found[:2]))
        rank, first, kind, split = usable[0]
        for _, index, _, _ in usable:
            self.role[index] = "result" if index == first else "other_result"
        alike = sorted(usable[1:], key=lambda other: other[2] is not kind)
        others = tuple(self.headers[i] for _, i, _, _ in alike)
        equals = tuple(self.headers[i] for other, i, _, _ in usable[1:] if other == rank and decided is None)
        return (
            Measure(
                self.headers[first],
                kind,
                split,
                others,
                tuple(other for _, _, other, _ in alike),
                decided is not None,
            ),
            (first, *(i for _, i, _, _ in alike)),
            equals,
        )

    def _decided(self, results: Sequence[int]) -> int | None:
        """The one of several columns of results by which the text says that it compares: named by its header, or by a
        word of it that the others do not have ("线上")."""
        plain = {i: _UNSCALED.sub("", self.headers[i]).strip(" .") for i in results}
        for parts in ({i: [name] for i, name in plain.items() if name}, {i: name.split() for i, name in plain.items()}):
            said = {i: [part for part in of if self._decides_by(part)] for i, of in parts.items()}
            others = {i: [part for j, of in said.items() if j != i for part in of] for i in said}
            own = [i for i, of in said.items() if any(not any(part in other for other in others[i]) for part in of)]
            if len(own) == 1:
                return own[0]
        return None

    def _decides_by(self, word: str) -> bool:
        pattern = rf"(?<![A-Za-z]){re.escape(word)}(?:uracy)?(?![A-Za-z])"
        return re.search(pattern, self.decides, re.IGNORECASE) is not None

    def _with_content(self, index: int, word: ResultWord) -> ResultWord:
        """What the cells say of a column of results: signs make it a difference, numbers beyond 100 no accuracy."""
        cells = [c for c in self.cells[index] if not is_blank(c)]
        numbers = [n for cell in cells if isinstance(n := read_number(cell), Number)]
        fits = all(0 <= n.value <= 100 for n in numbers)
        if word.refused:
            return word
        if not numbers:
            return replace(word, refused="" if any(has_failed(c) for c in cells) and word.kind else "unread")
        counted = word.kind in (None, MeasureKind.SHARE)
        if any(n.signed and (counted or n.value >= 0) for n in numbers):  # a reward may be negative
            return replace(word, refused="difference")
        if word.kind is None:
            sure = fits and (self.speaks_of_accuracy or any(n.percent or n.total for n in numbers))
            return replace(word, kind=MeasureKind.SHARE if sure else MeasureKind.SCORE, rank=word.rank - (sure and 5))
        if word.kind is MeasureKind.SHARE:
            bare = [n for n in numbers if not n.percent and n.total is None]
            whole = bool(bare) and all(n.value == int(n.value) and n.unit == 1 for n in bare)
            if whole and max(n.value for n in bare) > 1 and COUNTED.search(self.headers[index]):
                total = total_of(self.headers[index])
                fits = total is not None and all(n.value <= total for n in bare)
                return word if fits else replace(word, refused="size" if total else "counts")
            return word if fits else replace(word, refused="size")
        return word

    def _labels(self) -> None:
        """The column of labels: of several a name before a number, and one that tells the rows apart before one that
        does not; a column with blanks groups rows and names none. Else a first column without a header, or short
        names under "config"."""
        trials = [
            i for i, h in enumerate(self.headers) if role_of(h) == "trial" and self.role.get(i, "trial") == "trial"
        ]
        order = [i for i in trials if compact(self.headers[i]) in NAMES and self._unique(i)]
        order += [i for i in trials if self._unique(i)] + [i for i in trials if all(self.cells[i])]
        for index in trials:
            is_place = index != next(iter(order), None) and self._counts_up(index)
            self.role[index] = "trial" if index == next(iter(order), None) else "place" if is_place else "measured"
        if "trial" in self.role.values():
            return
        change = next((i for i, role in self.role.items() if role == "change"), None)
        if change is not None and len(self.factor) >= _SETTINGS_COLUMNS and self._are_names(change):
            self.role[change] = "trial"
        elif self.headers and not self.headers[0] and 0 not in self.role and self._unique(0):
            self.role[0] = "trial"

    def _counts_up(self, index: int) -> bool:
        """Whether a "#" beside the labels holds places: 1, 2, 3 …, of which medals and dashes may stand for some."""
        digits = [re.sub(r"[^\d.]", "", cell) for cell in self.cells[index]]
        known = [(i, number) for i, number in enumerate(digits, 1) if number]
        return bool(known) and self.headers[index] == "#" and all(number == str(i) for i, number in known)

    def _unique(self, index: int) -> bool:
        cells = self.cells[index]
        return bool(cells) and all(cells) and len(set(cells)) == len(cells)

    def _are_names(self, index: int) -> bool:
        return self._unique(index) and all(
            len(cell) <= 24 and (not settings(cell) or re.fullmatch(r"[A-Za-z0-9_.+-]+", cell))
            for cell in self.cells[index]
        )

    def _by_header_word(self, index: int) -> str:
        """The role of a column that a word of its header, its links or signs settle, or ""."""
        header, cells = self.headers[index], [c for c in self.cells[index] if not is_blank(c)]
        plain = re.sub(r"[_./()]", " ", EXPORT_PREFIX.sub("", header))
        links = any(_LINK.search(cell) for cell in self.grid.column(index))
        if MEASUREMENT.search(plain) or MEASURED_UNIT.search(header) or links or index in self.words:
            return "measured"
        signed = any(isinstance(n := read_number(c), Number) and n.signed for c in cells)
        if DIFFERENCE.search(header) or signed:
            return "difference" if DIFFERENCE.search(header) else "measured"
        return "constant" if len(set(cells)) < 2 and len(cells) == len(self.cells[index]) else ""

    def _by_content(self, index: int) -> str:
        """The role of a column that no header word settles."""
        header, cells = self.headers[index], [c for c in self.cells[index] if not is_blank(c)]
        plain = re.sub(r"[_./()]", " ", EXPORT_PREFIX.sub("", header))
        numbers = sum(isinstance(read_number(c), Number) for c in cells)
        n_set = len(self.factor) + sum(len(names) for names in self.joined.values())
        taken = set(self.role.values())
        if _EXPORTED_SETTING.match(header):
            self.extras[index] = header
            return "setting"
        described = 3 * sum(bool(settings(c)) for c in cells) >= max(1, len(cells))
        if "change" not in taken and n_set < _SETTINGS_COLUMNS and described:
            return "change"
        leads = all(self.role.get(i) in ("place", "measured") for i in range(index))
        leads &= all(any(c.isalpha() for c in cell) for cell in cells)  # "01:42" is no name
        if "trial" not in taken and leads and self._unique(index) and numbers * 2 < len(cells):
            return "trial"
        if SETTING.search(plain) and (n_set or "change" in taken):
            self.extras[index] = header
            return "setting"
        different = len(set(cells))
        if numbers == len(cells) and 5 * different > 4 * len(cells):
            self.unsettled.append(index)
            return "measured"
        long = max((len(c) for c in cells), default=0) > _LONG_TEXT
        short = len(cells) == 1 and " " not in cells[0]  # "✓" in one row: a setting of that row
        if long or (different == len(cells) and not short) or (not n_set and "change" not in taken):
            self.unsettled += [] if long else [index]
            return "analysis"
        self.extras[index] = header or f"({index + 1})"
        return "unsure"


def refused(columns: Columns) -> Iterator[tuple[str, str]]:
    """Headers of columns that look like results and are none, with why."""
    return ((use.header, use.role) for use in columns.uses if use.role in REFUSALS)


def labels_of(grid: Grid, columns: Columns) -> Sequence[str]:
    """The label of each row, as it is compared with those of another table."""
    return [without_marks(clean_text(cell)).casefold() for cell in grid.column(columns.roles["trial"])]
