"""record.md: the record as Markdown that also reads well as plain text. Figures are linked by relative path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunebook.escaping import markdown_code
from tunebook.record.model import FEW_SUSPECTS, Cell, Record, RoundSection, Table
from tunebook.record.text import markdown_bullets, markdown_heading, markdown_table, markdown_text
from tunebook.words.marks import strong

__all__ = ["render"]

MARKS = {"best": "★ ", "failed": "✗ "}
"""Mark before the first cell of a highlighted row, for readers who see no colour."""
FIGURES = {
    "best": ("curve_best",),
    "importance": ("effects", "learning_rate"),
    "other_metrics": ("trade_offs",),
    "more_rows": ("more_rows",),
    "cost_gain": ("cost",),
}
"""The figures under each heading; the others are named with a link."""


def render(record: Record) -> str:
    """The whole record as one Markdown document: first what the page shows at once, then what it folds away. Short, so
    that it is read: the page lists every comparison, every confusion and every suspect, `results.json` every number."""
    sections = [*_first_page(record), *(_round(section, record.labels) for section in record.rounds), *_lookup(record)]
    return "\n\n".join(["\n".join(filter(None, lines)) for lines in sections if any(lines)]) + "\n"


def _first_page(record: Record) -> list[list[str]]:
    label, gap = record.labels, record.labels["sentence_gap"]
    parts = [[f"# {markdown_text(record.title)}"], [markdown_text(record.status)]]
    parts.append([markdown_text(_lead(label, "goal") + record.aim), _facts(record.facts, label)])
    if record.answer:
        first, *others = record.answer
        parts.append([_lines([_lead(label, "answer") + first, *others])])
    if record.best:
        parts.append([markdown_heading(record.best.heading), f"```yaml\n{record.best.yaml}```"])
        parts.append([markdown_text(gap.join(record.best.sentences)), *_figures(record, "best")])
    if record.importance or record.factors:
        lead = markdown_text(record.importance)
        parts.append([markdown_heading(record.factors_heading), lead, *_figures(record, "importance")])
        parts.append([_table(record.factors)] if record.factors else [])
    if record.insights:
        parts.append([markdown_heading(label["insights"]), markdown_bullets(record.insights)])
    if record.others:
        parts += [
            [markdown_heading(label["other_metrics"]), markdown_text(record.others_lead)],
            [_table(record.others)],
            _figures(record, "other_metrics"),
        ]
    if record.more_rows:
        parts.append([markdown_heading(label["more_rows"]), markdown_text(record.more_rows_lead)])
        parts.append([markdown_bullets(record.more_rows), *_figures(record, "more_rows")])
    if record.cost:
        lead = markdown_text(gap.join(filter(None, [record.cost, record.cost_lead])))
        parts.append([markdown_heading(label["cost_gain"]), lead, *_figures(record, "cost_gain")])
        parts.append([_table(record.costs)] if record.costs else [])
    if record.unknown:
        parts.append([markdown_heading(label["unknown"]), markdown_bullets(record.unknown)])
    return [*parts, _more(record)]


def _lines(sentences: Sequence[str]) -> str:
    """A line each, in one paragraph."""
    return "  \n".join(markdown_text(sentence) for sentence in sentences if sentence)


def _figures(record: Record, heading: str) -> list[str]:
    """The figures under a heading, each with its sentence behind it."""
    return [
        f"![{markdown_text(f.title)}](figures/{f.name}.svg) {markdown_text(f.says)}"
        for f in record.figures
        if f.name in FIGURES[heading]
    ]


def _more(record: Record) -> list[str]:
    """Where to see more: the other figures, the curves."""
    label = record.labels
    shown = {name for names in FIGURES.values() for name in names}
    links = [f"[{markdown_text(f.title)}](figures/{f.name}.svg)" for f in record.figures if f.name not in shown]
    told = [markdown_text(_lead(label, "figures")) + label["word_gap"] + " ".join(links)] if links else []
    if record.board:
        lead = markdown_text(_lead(label, "tensorboard") + label["board"]) + label["word_gap"]
        told.append(f"{lead}`{record.board}`{label['stop']}")
    return [" ".join([*told, markdown_text(record.figures_lead)]).strip()]


def _lookup(record: Record) -> list[list[str]]:
    """Results by kind of example, all statistics, and every trial."""
    label = record.labels
    parts: list[list[str]] = []
    if record.groups:
        parts.append([markdown_heading(label["groups"]), _kinds(record.groups_lead, record.groups, label)])
    if record.by_class:
        parts.append([markdown_heading(label["by_class"]), _kinds(record.by_class_lead, record.by_class, label)])
    parts.append([markdown_heading(label["sure"]), _facts(record.sure, label), markdown_bullets(record.interactions)])
    if lead := record.short_suspects_lead:
        parts.append([markdown_heading(label["suspects"]), markdown_text(lead), _suspects(record)])
    if record.notes:
        parts.append([markdown_heading(label["notes"]), markdown_bullets(record.notes)])
    if record.trials:
        rows = tuple((_marked(row.cells[0], row.tone), *row.cells[1:]) for row in record.trials)
        table = Table(record.trial_columns, rows, record.trial_numeric)
        parts.append([markdown_heading(label["full_table"]), _table(table)])
    method = [name + label["colon"] + label["word_gap"] + text + label["stop"] for name, text in record.method]
    parts.append([_lines([record.same_everywhere, label["sentence_gap"].join(method)])])
    return parts


def _kinds(lead: str, table: Table, label: Mapping[str, str]) -> str:
    """A table by kind of example as one paragraph: "human (87): baseline 54.8 %, best 69.0 %, gained 17, lost 5"."""
    kinds, colon = [], label["colon"] + label["word_gap"]
    for kind, number, *others in table.rows:
        named = list(zip(table.columns[2:], others, strict=True))
        told = [
            cell.text if title == label["verdict"] else f"{title} {cell.text}"
            for title, cell in named
            if cell.text and title != label["difference"]
        ]
        kinds.append(
            f"{strong(kind.text)}{label['in_brackets'].format(number.text)}{colon}{label['enum_gap'].join(told)}"
        )
    return markdown_text(label["sentence_gap"].join([lead, label["list_gap"].join(kinds) + label["stop"]]))


def _facts(facts: Sequence[tuple[str, str]], label: Mapping[str, str]) -> str:
    colon = label["colon"] + label["word_gap"]
    return "\n".join(f"- {markdown_text(name + colon + text)}" for name, text in facts)


def _round(section: RoundSection, label: Mapping[str, str]) -> list[str]:
    """A heading with the round's question, its table, and one paragraph."""
    gap = label["sentence_gap"]
    columns = tuple(label[c] for c in ("trials", "changed", "result", "against", "analysis"))
    rows = tuple(
        (_marked(Cell(r.label), r.tone), Cell(r.changed), Cell(r.result), Cell(r.against), Cell(r.analysis))
        for r in section.rows
    )
    told = [section.how, *section.remarks]
    if section.found:
        told.append(strong(section.found_heading) + label["colon"] + label["word_gap"] + gap.join(section.found))
    for name, items, after in (("not_shown", section.not_shown, section.chance), ("cut", section.cuts, "")):
        if items:
            told += [_lead(label, name) + label["list_gap"].join(items) + label["stop"], after]
    told.append(_lead(label, "cost") + section.cost + label["stop"])
    levels = [_table(section.levels) + "\n"] if section.levels is not None else []
    heading = markdown_heading(section.heading) + label["heading_gap"] + markdown_text(section.goal)
    return [heading, *levels, _table(Table(columns, rows)), "\n" + markdown_text(gap.join(filter(None, told)))]


def _lead(label: Mapping[str, str], name: str) -> str:
    """A bold label that begins a paragraph. The colon stands outside the bold text, because next to Chinese characters
    Markdown requires it."""
    return strong(label[name]) + label["colon"] + label["word_gap"]


def _suspects(record: Record) -> str:
    """The first suspects, a line for each."""
    lines = []
    for s in record.suspects[:FEW_SUSPECTS]:
        given = f" {markdown_code(s.commonest)} ({s.given_by}/{s.n_trials})" if s.given_by else ""
        kind = f" {markdown_text(s.group)}" if s.group else ""
        lines.append(f"{s.index}{kind}: {markdown_code(s.prompt)} → {markdown_code(s.gold)};{given}")
    return "  \n".join(lines)


def _marked(cell: Cell, tone: str) -> Cell:
    return Cell(MARKS.get(tone, "") + cell.text, cell.sort, tone)


def _table(table: Table) -> str:
    rows = [[cell.text for cell in row] for row in table.rows]
    return markdown_table(table.columns, rows, table.numeric)
