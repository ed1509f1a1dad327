"""What the text around the tables says of settings: the baseline's, those of all trials or of one table's, and what a
round builds on. What a text gives in two ways is not taken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from tunebook.audit.read.cells import has_diverged, has_failed
from tunebook.audit.read.documents import Grid, Statement
from tunebook.audit.read.mentions import Mention, base_trial, is_fully_described, mentions, settings, trial_labels
from tunebook.audit.read.sentences import EDGES
from tunebook.audit.words import columns as words
from tunebook.audit.words.sentences import CLAIMS, SENTENCE_ENDS
from tunebook.core.factor import Level

_LISTED_SETTING = re.compile(r"[-*+\s]*[\w ]{1,40}\s?[:=：]\s?[\w.+-]{1,16}")
_TITLE_ABOVE = 3  # lines
_TITLE = re.compile(r"[^.。!?()]{1,40}\([^()]{1,80}\)\s?:?")
"""The title of one of several tables, with its settings in brackets: "Rank (lr 2e-4)"."""
_CLAUSE_ENDS = re.compile("[,，;；()（）]")
_SHARED_CODE = re.compile(rf"(?m)^{words.SHARED_CODE.pattern}([^)}}]*)", re.IGNORECASE)
Levels = dict[str, Level]


@dataclass(frozen=True, kw_only=True)
class Said:
    """Settings by full factor name."""

    baseline: Levels  # "Baseline: lr=2e-4, r=8"
    everywhere: Levels  # of all trials, where their table says nothing else
    tables: dict[int, Levels]  # of one table, by the line of its header: its caption, or what its round keeps fixed
    alpha: dict[int, float]  # as a multiple of the rank, by the line of a table; 0: of all trials
    keeps_the_best: bool  # a round takes over what was best, or another choice, of the one before
    used: set[str]  # sentences of which this was taken


def said_of_settings(statements: Sequence[Statement], grids: Sequence[Grid]) -> Said:
    """What the text says, by where it says it. A sentence before the tables speaks of all, unless only some of them
    stand under its heading; one between tables speaks of those that follow under its heading."""
    prose = list(_with_code(statements))
    given: dict[int, dict[str, set[Level]]] = {line: defaultdict(set) for line in (0, *(grid.line for grid in grids))}
    plain: dict[str, set[Level | None]] = defaultdict(set)  # None: not surely of all
    kept_on: list[tuple[str, Level | None]] = []  # what lines before later tables name, None without a level
    used: set[str] = set()
    captions = _captions(prose, grids)
    for statement in prose:
        caption = captions.get(statement)
        text = words.CAPTION.sub("", statement.text) if caption else statement.text
        for printed in SENTENCE_ENDS.split(text)[::2]:
            sentence = words.SET_TO.sub("=", printed)
            said = mentions(sentence)
            scope = [caption] if caption else _scope(statement, sentence, grids)
            if not scope and words.OF_EVERY_TRIAL.search(sentence) and words.FIXED.search(sentence):
                scope = [0]  # below the tables
            first = scope not in ([], [0]) and _is_first(statement, grids)
            bare = first and _is_setup(sentence)
            kept = first and words.KEPT.search(printed) and _tells_nothing_else(sentence)
            if first and any(grid.line < statement.line for grid in grids):
                kept_on += _kept_on(sentence, said)
            fixed = bare or kept or words.FIXED.search(sentence)
            if caption or (fixed and not words.OTHERWISE.search(sentence)):
                for line in scope:
                    for m in said:
                        given[line][m.factor].update(m.values)
                    for name, level in settings(sentence).items():  # "batch 4×2"
                        given[line][name].add(level)
                if scope and said and all(len(m.values) == 1 and not m.side for m in said):
                    used.add(printed.strip(EDGES))
                continue
            for m in said:
                clause = _clause(sentence, m)
                unsure = scope != [0] or any(p.search(clause) for p in (words.OTHERWISE, words.TRIED, CLAIMS))
                unsure = unsure or (isinstance(next(iter(m.values), 0), str) and sum(bool(m.values) for m in said) < 2)
                unsure = unsure or words.EXCEPT.search(sentence) is not None
                plain[m.factor].update([None] if unsure and m.values else m.values)
    multiples = _alpha(prose, grids)
    for name in words.CONSTANT:
        if name not in given[0] and not (name == "lora_alpha" and 0 in multiples):
            given[0][name].update(level for level in plain[name] if None not in plain[name])
    for name, level in {**_in_code(statements), **_listed_above(prose)}.items():
        given[0][name].add(level)
    once = {line: {n: next(iter(levels)) for n, levels in of.items() if len(levels) == 1} for line, of in given.items()}
    baseline = _of_baseline(prose)
    _take_other_tables(once, captions)
    alpha = {line: of.pop() for line, of in multiples.items() if len(of) == 1}
    for line, times in list(alpha.items()):
        apart = [of for of in ((baseline, *once.values()) if line == 0 else (once[line],)) if not _fits(times, of)]
        for levels in apart:  # alpha given in two ways
            del levels["lora_alpha"]
        if apart:
            del alpha[line]
    best = any(words.KEEPS_THE_BEST.search(s.text) for s in prose)
    everywhere = once.pop(0)
    begun = {**everywhere, **baseline}
    best = best or any(begun.get(name, level) != level for name, level in kept_on)
    return Said(baseline=baseline, everywhere=everywhere, tables=once, alpha=alpha, keeps_the_best=best, used=used)


def _kept_on(sentence: str, said: Sequence[Mention]) -> Iterator[tuple[str, Level | None]]:
    """The levels that a line before a later table names, None where it says without one that it keeps a factor."""
    for m in said:
        yield from ((m.factor, level) for level in m.values)
        if not m.values and words.KEPT.search(_clause(sentence, m)):
            yield m.factor, None


def _clause(sentence: str, mention: Mention) -> str:
    """The clause in which a factor is named."""
    return _CLAUSE_ENDS.split(sentence[: mention.start])[-1] + _CLAUSE_ENDS.split(sentence[mention.start :])[0]


def _take_other_tables(once: dict[int, Levels], captions: Mapping[Statement, int]) -> None:
    """Gives a table the settings of another to which its caption points: "As Table 2, but for 8 epochs"."""
    numbered = {match[1]: line for s, line in captions.items() if (match := words.CAPTION.match(s.text))}
    for statement, line in captions.items():
        other = words.AS_TABLE.search(statement.text)
        source = numbered.get(other[1] or other[2]) if other else None
        once[line] = {**(once[source] if source is not None else {}), **once[line]}


def _is_setup(sentence: str) -> bool:
    """Whether a sentence holds nothing but settings with one level each: "Learning rate 2e-4, r=32." """
    said = mentions(sentence)
    plain = bool(said) and all(len(m.values) == 1 and not m.side for m in said) and is_fully_described(sentence)
    return plain and CLAIMS.search(sentence) is None


def _tells_nothing_else(sentence: str) -> bool:
    """Whether a line that keeps settings claims nothing, and speaks of no other trials."""
    others = (words.TRIED, words.OF_THE_PAST, CLAIMS)
    return not has_failed(sentence) and not any(pattern.search(sentence) for pattern in others)


def _is_first(statement: Statement, grids: Sequence[Grid]) -> bool:
    """Whether a line stands before every table of its section."""
    return all(grid.line > statement.line for grid in grids if grid.section == statement.section)


def _with_code(statements: Sequence[Statement]) -> Iterator[Statement]:
    """The lines of text; one that announces the settings of the baseline or of all trials with the code below it."""
    for i, statement in enumerate(statements):
        announces = words.FIXED.search(statement.text) or words.BASELINE_SAID.search(statement.text)
        if announces and statement.text.endswith((":", "：")):
            code = [s.text.rstrip("\\ ") for s in takewhile(lambda s: s.is_code, statements[i + 1 :])]
            statement = replace(statement, text=" ".join([statement.text, ", ".join(code)]).strip())
        if not statement.is_code:
            yield statement


def _alpha(prose: Sequence[Statement], grids: Sequence[Grid]) -> dict[int, set[float]]:
    """What the text says of alpha as a multiple of the rank, by the line of the table that it speaks of; 0: of all."""
    found: dict[int, set[float]] = defaultdict(set)
    for statement in prose:
        times = words.alpha_multiple(statement.text)
        if times is not None:
            for line in _scope(statement, statement.text, grids) or [0]:
                found[line].add(times)
    return found


def _fits(times: float, levels: Levels) -> bool:
    alpha, rank = levels.get("lora_alpha"), levels.get("lora_r")
    return alpha is None or (isinstance(rank, int | float) and alpha == times * rank)


def _captions(prose: Sequence[Statement], grids: Sequence[Grid]) -> dict[Statement, int]:
    """The line above a table where it is its caption or title, with the line of the table."""
    found = {}
    for grid in grids:
        above = next((s for s in reversed(prose) if s.line < grid.line), None)
        near = above is not None and len(grids) > 1 and grid.line - above.line <= _TITLE_ABOVE
        if above is not None and (words.CAPTION.match(above.text) or (near and _TITLE.fullmatch(above.text))):
            found[above] = grid.line
    return found


def _scope(statement: Statement, sentence: str, grids: Sequence[Grid]) -> list[int]:
    """The tables of which a sentence speaks, by line; 0 stands for all."""
    after = [grid for grid in grids if grid.line > statement.line]
    own = [grid.line for grid in after if grid.section == statement.section]
    if len(after) == len(grids):
        return [0] if not own or len(own) == len(grids) or words.OF_EVERY_TRIAL.search(sentence) else own
    return own


def _of_baseline(prose: Iterable[Statement]) -> Levels:
    """What a line, or a heading and the line below it, says the baseline is; the first that names two settings. Only
    the text after the colon or bracket counts."""
    for statement in prose:
        said = words.BASELINE_SAID.search(statement.text)
        headed = words.BASELINE_SAID.search(f"{statement.section}:")
        values = settings(statement.text[said.end() if said else 0 :]) if said or headed else {}
        if len(values) > 1:
            return values
    return {}


def _listed_above(prose: Sequence[Statement]) -> Levels:
    """The settings of a list, one a line, that a later sentence says all else is kept at ("as listed above")."""
    until = next((s.line for s in prose if words.AS_LISTED.search(s.text)), 0)
    lines = (settings(s.text) for s in prose if s.line < until and _LISTED_SETTING.fullmatch(s.text))
    found = {name: level for values in lines for name, level in values.items()}
    return found if len(found) > 1 else {}


def _in_code(statements: Iterable[Statement]) -> Levels:
    """The settings of a block of code that is named as that of all trials: "common = dict(...)"."""
    found = _SHARED_CODE.search("\n".join(s.text for s in statements if s.is_code))
    return settings(found[1].replace("\n", "; ")) if found else {}


def failures_said(prose: Iterable[Statement]) -> list[str]:
    """The sentences that say that a training diverged."""
    return [part for s in prose for part in SENTENCE_ENDS.split(s.text)[::2] if has_diverged(part)]


def untrained_said(prose: Iterable[Statement]) -> str:
    """The clauses that say of something that it is the model without training."""
    parts = (part for s in prose for part in re.split("[,，;；。]", s.text))
    return "\n".join(part for part in parts if words.UNTRAINED_SAID.search(part))


def blanks_said(prose: Iterable[Statement]) -> str:
    """What a note says that blank cells of settings mean: "above", "baseline", the words that name the trial of which
    they are, or "" without."""
    said = words.BLANKS_SAID.search("\n".join(statement.text for statement in prose))
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
        near = [s.text for s in before if 0 < above < s.line or (grid.section and s.section == grid.section)]
        bases = (_built_on(text, wordy) for text in (*near, grid.section))
        base = next((base for base in bases if base is not None), None)
        if base or (base is not None and above):
            yield grid.line, base
        above = grid.rows[-1][0] if grid.rows else grid.line


def _built_on(text: str, wordy: re.Pattern[str] | None) -> str | None:
    """What a heading or a sentence before a table says that its trials build on: a trial's label, "best", "baseline";
    "" where that is not sure, None where it says nothing."""
    for match in (*words.GROUND.finditer(text), *words.BUILT_ON.finditer(text)):
        said = next(filter(None, match.groups()), match.group())
        named = {label for label, _, _ in trial_labels(said, wordy)}
        base = named.pop() if len(named) == 1 else base_trial(f"{match.group()}，", wordy)
        if base or not words.NO_GROUND.search(said):
            return "" if named else base or ""
    return None
