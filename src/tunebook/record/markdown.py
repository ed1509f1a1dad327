"""record.md: the record as Markdown that also reads well as plain text. Figures are linked by relative path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunebook.escaping import markdown_code
from tunebook.record.model import Cell, Record, RoundSection, Table
from tunebook.record.text import markdown_text
from tunebook.words.marks import strong

__all__ = ["render"]

MARKS = {"best": "★ ", "failed": "✗ "}
"""Mark before the first cell of a highlighted row, for readers who see no colour."""


def render(record: Record) -> str:
    """The whole record as one Markdown document."""
    label = record.labels
    parts: list[str] = [f"# {markdown_text(record.title)}"]
    if record.status:
        parts.append(markdown_text(record.status))
    parts.append(markdown_text(_lead(label, "goal") + record.aim))
    if record.answer:
        first, *others = record.answer
        parts.append(markdown_text(_lead(label, "answer") + first))
        parts += [markdown_text(text) for text in others]
    parts.append(_facts(record.facts))
    parts += [_round(section, label) for section in record.rounds]
    parts += _whole_study(record)
    return "\n\n".join(part for part in parts if part) + "\n"


def _whole_study(record: Record) -> list[str]:
    label = record.labels
    parts: list[str] = []
    if record.insights:
        parts += [_heading(label["insights"]), _bullets(record.insights)]
    if record.best:
        parts += [
            _heading(record.best.heading),
            f"```yaml\n{record.best.yaml}```",
            *[markdown_text(s) for s in record.best.sentences],
        ]
    if record.sweet_spots:
        parts += [_heading(label["sweet_spots"]), label["sweet_lead"], _bullets(record.sweet_spots)]
    if record.importance_lead:
        parts += [_heading(label["importance"]), markdown_text(record.importance_lead)]
        parts += [_table(record.importance)] if record.importance else []
        parts += [_bullets([*record.below_noise, *record.interactions])]
    if record.others:
        parts += [_heading(label["other_metrics"]), markdown_text(label["other_metrics_lead"]), _table(record.others)]
    if record.more_rows:
        parts += [_heading(label["more_rows"]), markdown_text(label["more_rows_lead"]), _bullets(record.more_rows)]
    if record.costs:
        parts += [_heading(label["cost_gain"]), markdown_text(record.cost_lead), _table(record.costs)]
    if record.way:
        parts += [_heading(label["way"]), _table(record.way)]
    if record.figures:
        parts += [_heading(label["figures"]), markdown_text(record.figures_lead)]
        parts += [
            f"### {markdown_text(f.title)}\n\n![{markdown_text(f.alt)}](figures/{f.name}.svg)" for f in record.figures
        ]
    if record.groups:
        parts += [_heading(label["groups"]), markdown_text(record.groups_lead), _table(record.groups)]
    if record.unsettled or record.unknown:
        parts += [_heading(label["unknown"])]
        parts += [markdown_text(record.unknown_lead), _table(record.unsettled)] if record.unsettled else []
        parts += [_bullets(record.unknown)]
    parts += _suspects(record)
    if record.notes:
        parts += [_heading(label["notes"]), _bullets(record.notes)]
    return parts + _reference(record)


def _reference(record: Record) -> list[str]:
    """The tables for looking things up, at the end: every comparison and every trial (decision 054)."""
    parts: list[str] = []
    if record.comparisons:
        parts += [_heading(record.labels["all_findings"]), _table(record.comparisons)]
    if record.trials:
        rows = tuple((_marked(row.cells[0], row.tone), *row.cells[1:]) for row in record.trials)
        table = Table(record.trial_columns, rows, record.trial_numeric)
        parts += [_heading(record.labels["full_table"]), _table(table), markdown_text(record.same_everywhere)]
    return parts


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    lines = ["| | |", "|---|---|"]
    lines += [f"| {markdown_text(name)} | {markdown_text(text)} |" for name, text in facts]
    return "\n".join(lines)


def _round(section: RoundSection, label: Mapping[str, str]) -> str:
    parts = [_heading(section.heading), f"*{markdown_text(section.goal)}* {markdown_text(section.how)}".strip()]
    if section.levels is not None:
        parts.append(_table(section.levels))
    columns = tuple(label[c] for c in ("trials", "changed", "result", "against", "analysis"))
    rows = tuple(
        (_marked(Cell(r.label), r.tone), Cell(r.changed), Cell(r.result), Cell(r.against), Cell(r.analysis))
        for r in section.rows
    )
    parts.append(_table(Table(columns, rows)))
    parts += [markdown_text(remark) for remark in section.remarks]
    for heading, sentences in ((section.found_heading, section.found), (label["shown_equal"], section.equal)):
        if sentences:
            parts.append(f"**{markdown_text(heading)}**\n\n{_bullets(sentences)}")
    for name, items, after in (("not_shown", section.not_shown, section.chance), ("cut", section.cuts, "")):
        if items:
            text = _lead(label, name) + label["list_gap"].join(items) + label["stop"]
            parts.append(markdown_text(text + label["word_gap"] + after))
    tail = [_lead(label, "cost") + section.cost + label["stop"]]
    if section.following:
        tail.append(_lead(label, "next") + section.following)
    parts.append(markdown_text(label["word_gap"].join(tail)))
    return "\n\n".join(part for part in parts if part)


def _lead(label: Mapping[str, str], name: str) -> str:
    """A bold label that begins a paragraph. The colon stands outside the bold text, because next to Chinese characters
    Markdown requires it."""
    return strong(label[name]) + label["colon"] + label["word_gap"]


def _suspects(record: Record) -> list[str]:
    if not record.suspects_lead:
        return []
    label = record.labels
    parts = [_heading(label["suspects"]), markdown_text(record.suspects_lead)]
    if record.suspects:
        columns = tuple(label[c] for c in ("number", "group", "prompt", "gold", "answers"))
        lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for s in record.suspects:
            given = f" ({s.given_by}/{s.n_trials})" if s.given_by else ""
            cells = (
                str(s.index),
                markdown_text(s.group or ""),
                markdown_code(s.prompt),
                markdown_code(s.gold),
                markdown_code(s.commonest) + given,
            )
            lines.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return parts


def _heading(text: str) -> str:
    return f"## {markdown_text(text)}"


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences)


def _marked(cell: Cell, tone: str) -> Cell:
    return Cell(MARKS.get(tone, "") + cell.text, cell.sort, tone)


def _table(table: Table) -> str:
    rule = "|".join("---:" if i in table.numeric else "---" for i in range(len(table.columns)))
    lines = ["| " + " | ".join(markdown_text(c) for c in table.columns) + " |", f"|{rule}|"]
    lines += ["| " + " | ".join(markdown_text(cell.text) for cell in row) + " |" for row in table.rows]
    return "\n".join(lines)
