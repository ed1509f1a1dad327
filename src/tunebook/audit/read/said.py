"""What the text around the tables says of settings: the baseline's, those of all trials or of one table's, and what a
round builds on. What a text gives in two ways is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tunebook.audit.read.documents import Grid, Statement
from tunebook.audit.read.mentions import base_trial, mentions, settings, trial_labels
from tunebook.audit.read.sentences import EDGES
from tunebook.audit.words.columns import (
    AS_LISTED,
    BASELINE_SAID,
    BLANKS_SAID,
    BUILT_ON,
    CAPTION,
    CONSTANT,
    EXCEPT,
    FIXED,
    GROUND,
    LIKE_TABLE,
    NO_GROUND,
    OF_EVERY_TRIAL,
    OTHERWISE,
    SHARED_CODE,
    alpha_multiple,
)
from tunebook.audit.words.sentences import CLAIMS, SENTENCE_ENDS
from tunebook.core.factor import Level

_LISTED_SETTING = re.compile(r"[-*+\s]*[\w ]{1,40}\s?[:=：]\s?[\w.+-]{1,16}")
_TITLE_ABOVE = 3  # lines
_TITLE = re.compile(r"[^.。!?()]{1,40}\([^()]{1,80}\)\s?:?")
Levels = Mapping[str, Level]


@dataclass
class Said:
    """Settings by full factor name."""

    baseline: Levels  # "Baseline: lr=2e-4, r=8"
    everywhere: Levels  # of all trials, where their table says nothing else
    tables: Mapping[int, Levels]  # of one table, by the line of its header: its caption, or what its round keeps fixed
    alpha: float | None = None  # as a multiple of the rank, in all trials
    used: set[str] = field(default_factory=set)  # sentences of which this was taken


def said_of_settings(statements: Sequence[Statement], grids: Sequence[Grid]) -> Said:
    """What the text says, by where it says it. A sentence before the tables speaks of all, unless only some of them
    stand under its heading; one between tables speaks of those that follow under its heading."""
    prose = [statement for statement in statements if not statement.is_code]
    grids = sorted(grids, key=lambda grid: grid.line)
    given: dict[int, dict[str, set[Level]]] = {line: {} for line in (0, *(grid.line for grid in grids))}
    used: set[str] = set()
    above = [(s, grid) for grid in grids if (s := _above(prose, grid)) is not None]
    captions = {s: grid for s, grid in above if CAPTION.match(s.text) or _is_title(s, grid, grids)}
    plain: dict[str, set[Level | None]] = {}
    for statement in prose:
        caption = captions.get(statement)
        for sentence in SENTENCE_ENDS.split(CAPTION.sub("", statement.text) if caption else statement.text)[::2]:
            said, others = mentions(sentence), OTHERWISE.search(sentence)
            named = said if (FIXED.search(sentence) and not others) or caption else []
            scope = [caption.line] if caption else _scope(statement, sentence, grids)
            for m in said if not named else ():
                clause = next(part for part, end in _clauses(sentence) if m.start < end)
                unsure = scope != [0] or EXCEPT.search(sentence) or any(p.search(clause) for p in (OTHERWISE, CLAIMS))
                plain.setdefault(m.factor, set()).update([None] if unsure and m.values else m.values)
            for m in named if scope else ():
                for line in scope:
                    given[line].setdefault(m.factor, set()).update(m.values)
            for line in scope if named else ():  # "batch 4×2"
                for name, level in settings(sentence).items():
                    given[line].setdefault(name, set()).add(level)
            if scope and named and all(len(m.values) == 1 and not m.side for m in named):
                used.add(sentence.strip(EDGES))
    multiples = {times for s in prose if (times := alpha_multiple(s.text)) is not None}
    if multiples:
        plain.pop("lora_alpha", None)
    alone = {n: next(iter(plain[n])) for n in CONSTANT if len(plain.get(n, ())) == 1 and n not in given[0]}
    in_lists = {**_in_code(statements), **_listed_above(prose)}
    for name, level in (*alone.items(), *in_lists.items()):
        if level is not None:
            given[0].setdefault(name, set()).add(level)
    once = {line: {n: next(iter(levels)) for n, levels in of.items() if len(levels) == 1} for line, of in given.items()}
    _like_others(captions, once)
    baseline = _of_baseline(prose)
    alpha = multiples.pop() if len(multiples) == 1 else None
    apart = [of for of in (baseline, *once.values()) if alpha is not None and not _fits(alpha, of)]
    for levels in apart:  # alpha given in two ways
        del levels["lora_alpha"]
    alpha = None if apart else alpha
    return Said(baseline=baseline, everywhere=once.pop(0), tables=once, alpha=alpha, used=used)


def _fits(times: float, levels: Levels) -> bool:
    alpha, rank = levels.get("lora_alpha"), levels.get("lora_r")
    return alpha is None or (isinstance(rank, int | float) and alpha == times * rank)


def _clauses(sentence: str) -> Iterator[tuple[str, int]]:
    """The clauses of a sentence, with where each ends."""
    start = 0
    for end in (*(match.end() for match in re.finditer("[,，;；()（）]", sentence)), len(sentence) + 1):
        yield sentence[start:end], end
        start = end


def _above(prose: Sequence[Statement], grid: Grid) -> Statement | None:
    return next((s for s in reversed(prose) if s.line < grid.line), None)


def _is_title(statement: Statement, grid: Grid, grids: Sequence[Grid]) -> bool:
    """Whether the line right above one of several tables is its title, with settings in brackets: "Rank (lr 2e-4)"."""
    near = 0 < grid.line - statement.line <= _TITLE_ABOVE and len(grids) > 1
    return near and _TITLE.fullmatch(statement.text) is not None and not BASELINE_SAID.search(statement.text)


def _scope(statement: Statement, sentence: str, grids: Sequence[Grid]) -> list[int]:
    """The tables of which a sentence speaks, by line; 0 stands for all."""
    after = [grid for grid in grids if grid.line > statement.line]
    own = [grid.line for grid in after if grid.section == statement.section]
    if len(after) == len(grids):
        return [0] if not own or len(own) == len(grids) or OF_EVERY_TRIAL.search(sentence) else own
    return own


def _like_others(captions: Mapping[Statement, Grid], said: dict[int, dict[str, Level]]) -> None:
    """A caption may begin with the settings of another table ("as Table 2 with ..."); where it names a trial of that
    table, nothing of the table is known."""
    lines = {m[1]: grid.line for s, grid in captions.items() if (m := CAPTION.match(s.text))}
    for statement, grid in captions.items():
        if like := LIKE_TABLE.search(statement.text):
            said[grid.line] = {**said.get(lines.get(like[1], -1), {}), **said[grid.line]}


def _of_baseline(prose: Iterable[Statement]) -> dict[str, Level]:
    """What a line, or a heading and the line below it, says the baseline is; the first that names two settings. Only
    the text after the colon or bracket counts."""
    for statement in prose:
        said = BASELINE_SAID.search(statement.text)
        values = settings(statement.text[said.end() :]) if said else {}
        if said is None and BASELINE_SAID.search(f"{statement.section}:"):
            values = settings(statement.text)
        if len(values) > 1:
            return values
    return {}


def _listed_above(prose: Sequence[Statement]) -> dict[str, Level]:
    """The settings of a list, one a line, that a later sentence says all else is kept at ("as listed above")."""
    until = next((s.line for s in prose if AS_LISTED.search(s.text)), 0)
    lines = [settings(s.text) for s in prose if s.line < until and _LISTED_SETTING.fullmatch(s.text)]
    found = {name: level for values in lines for name, level in values.items()}
    return found if len(found) > 1 else {}


def _in_code(statements: Iterable[Statement]) -> dict[str, Level]:
    """The settings of a block of code that is named as that of all trials: "common = dict(...)"."""
    found: dict[str, Level] = {}
    inside = False
    for statement in statements:
        text = statement.text if statement.is_code else ""
        inside = bool(SHARED_CODE.match(text)) or (inside and bool(text) and text.strip() not in (")", "}"))
        found |= settings(text) if inside else {}
    return found


def blanks_said(prose: Iterable[Statement]) -> str:
    """What a note says that blank cells of settings mean: "above", "baseline", the words that name the trial of which
    they are, or "" without."""
    said = BLANKS_SAID.search("\n".join(statement.text for statement in prose))
    return (said["trial"] or said.lastgroup or "") if said else ""


def grounds_said(
    prose: Sequence[Statement], grids: Sequence[Grid], wordy: re.Pattern[str] | None
) -> Iterator[tuple[int, str]]:
    """By line of a table what its trials build on, where the text right above it, its heading or an earlier sentence of
    its section says so ("on top of exp16", "based on E2"); "" where it is not sure which trial is meant. The first
    table has nothing before it to build on."""
    above = 0  # the last line of the table before
    for grid in grids:
        before = [s for s in reversed(prose) if s.line < grid.line]
        near = [s.text for s in before if above and s.line > above]
        earlier = [s.text for s in before if grid.section and s.section == grid.section]
        found = next(
            (base for text in (*near, grid.section, *earlier) if (base := _built_on(text, wordy)) is not None), None
        )
        if found or (found is not None and above):
            yield grid.line, found
        above = grid.rows[-1][0] if grid.rows else grid.line


def _built_on(text: str, wordy: re.Pattern[str] | None) -> str | None:
    """What a heading or a sentence before a table says that its trials build on: a trial's label, "best", "baseline";
    "" where that is not sure, None where it says nothing."""
    ground = GROUND.search(text)
    if ground is not None:
        labels = trial_labels(ground.group(), wordy)
        return labels[0][0] if labels else base_trial(ground.group() + "，") or "best"
    for match in BUILT_ON.finditer(text):
        said = next(filter(None, match.groups()))
        named = {label for label, _, _ in trial_labels(said, wordy)}
        if len(named) == 1:
            return named.pop()
        if not NO_GROUND.search(said):
            best = not named and base_trial(f"{match.group()}，")
            return best if best in ("best", "baseline") else ""
    return None
