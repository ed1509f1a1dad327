"""Whatever strangers write, the record's structure stays its own: in HTML, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import html.parser
import importlib.util
import io
import json
import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from search_depth import examples

from tunebook.record import View, build
from tunebook.record import csv as trials_csv
from tunebook.record.details import details
from tunebook.record.html import render as render_html
from tunebook.record.markdown import render as render_markdown
from tunebook.record.results import render as render_results
from tunebook.words import words_for

RECORDS = Path(__file__).parents[1] / "golden" / "records"
NASTY = (
    "</script><script>alert(1)</script>", "=1+1|'x'!A0", "a|b\n# c\n\n- d", "<b onmouseover=x>", "`` ` ``",
    "\x1b]0;x\x07", "[x](javascript:alert(1))", "&lt;script&gt;", "\\|", "$x$ ~y~ *z* _w_", "\u202e\u2066abc", "'\"&<>",
)  # fmt: skip
strangers = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=25))


@lru_cache(maxsize=1)
def plain():
    spec = importlib.util.spec_from_file_location("property_handmade_study", RECORDS / "handmade_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return View(**module.make(n_validation=24, n_test=12, steps=3)._asdict())


def written_by(text):
    """The study with a stranger's text wherever one can write: names, prompts, answers, groups, reasons, notes."""
    view = plain()
    examples = {
        split: tuple(replace(e, prompt=text, gold=text if e.index % 2 else e.gold, group=text if e.index % 3 else "b")
                     for e in texts)
        for split, texts in view.facts.examples.items()
    }  # fmt: skip
    groups = tuple(e.group for e in examples["validation"])
    facts = replace(view.facts, examples=examples, data=replace(view.facts.data, groups=groups), model={"name": text},
                    environment={**view.facts.environment, "device_name": text})  # fmt: skip
    trials = {
        number: replace(fact, reason=text if fact.reason else None, outcomes={
            split: replace(o, answers=(text,) * len(o.answers)) for split, o in fact.outcomes.items()})
        for number, fact in view.history.trials.items()
    }  # fmt: skip
    spec = replace(view.spec, name=text, model=text, metric=text)
    notes = [*view.notes, ("versions_changed", {text: text}), ("engine_fallback", {"why": text})]
    return replace(view, spec=spec, facts=facts, history=replace(view.history, trials=trials), notes=notes)


def shape(page):
    """Kinds of tags, with the names of their attributes."""
    found = set()
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add((tag, tuple(name for name, _ in attrs)))
    parser.feed(page)
    return found


@lru_cache(maxsize=1)
def plain_shape():
    return shape(render_html(build(plain(), "en"), [], details(plain(), words_for("en"))))


@given(strangers)
@example(NASTY[0])
@example(NASTY[2])
@example("<b onmouseover=x>")  # markup that the page itself never has
@example('" onmouseover="x')  # out of an attribute
@settings(deadline=None, max_examples=examples(12), suppress_health_check=list(HealthCheck))
def test_strangers_text_changes_no_structure(text):
    view = written_by(text)
    record = build(view, "en")
    page = render_html(record, [], details(view, words_for("en")))
    assert shape(page) <= plain_shape()
    assert page.count("<script") == 2, "the page's own, whose kind every page has"
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL).group(1)
    json.loads(data)
    _check_markdown(render_markdown(record))
    _check_csv(trials_csv.render(view), len(view.history.trials))
    json.loads(render_results(view))


def _check_markdown(text):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    for before, line in pairwise(text.splitlines()):
        if before.startswith("|") and line.startswith("|"):
            cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in (before, line)]
            assert cells[0] == cells[1], line


def _check_csv(text, n_trials):
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == n_trials + 1
    assert len({len(row) for row in rows}) == 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "@")), cell
            if cell.startswith(("+", "-")):
                float(cell)
