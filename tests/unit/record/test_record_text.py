import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tunebook.escaping import clean, csv_cell, json_block, markdown_code, shorten
from tunebook.record.text import html_text, markdown_text
from tunebook.words.marks import strong

any_text = st.text(max_size=60)


def test_control_sequences_and_direction_marks_are_taken_out():
    assert clean("a\x1b[31mb\x07\u202ec\ue000d\r\ne") == "a[31mbcd\ne"


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx", "=HYPERLINK(1)"])
def test_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell):
    assert str(csv_cell(cell)).startswith("'")


@pytest.mark.parametrize("cell", [-0.5, "-0.5", "+3", "1e-4", "plain", 7, None])
def test_numbers_and_plain_text_stay_as_they_are_in_csv(cell):
    assert csv_cell(cell) == ("" if cell is None else cell)


def test_shortened_text_says_so_and_keeps_its_length():
    assert shorten("x" * 50, 10) == "x" * 9 + "…"
    assert shorten("short", 10) == "short"


def test_bold_survives_both_writers():
    assert markdown_text(strong("r=32")) == "**r=32**"
    assert html_text(strong("a<b")) == "<strong>a&lt;b</strong>"


@given(any_text)
@settings(deadline=None, max_examples=60)
def test_json_block_cannot_be_left_and_reads_back(text):
    block = json_block({"text": text})
    assert not set("<>&") & set(block)
    assert json.loads(block) == {"text": text}


@given(any_text)
@example("__0__")
@settings(deadline=None, max_examples=60)
def test_text_in_a_markdown_table_stays_one_cell_of_plain_text(text):
    table = f"| a | b |\n|---|---|\n| {markdown_text(clean(text))} | end |"
    tokens = [t for t in MarkdownIt("commonmark", {"html": True}).enable("table").parse(table) if t.type == "inline"]
    assert len(tokens) == 4
    assert tokens[3].content == "end"
    kinds = {child.type for child in tokens[2].children}
    assert kinds <= {"text", "text_special", "entity"}


@given(any_text)
@settings(deadline=None, max_examples=60)
def test_text_as_code_in_a_table_stays_one_cell(text):
    table = f"| a | b |\n|---|---|\n| {markdown_code(text)} | end |"
    tokens = [t for t in MarkdownIt("commonmark").enable("table").parse(table) if t.type == "inline"]
    assert len(tokens) == 4
    assert tokens[3].content == "end"
