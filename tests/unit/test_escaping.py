"""Each format's one escaping function: what is read back is the text, and nothing but the text."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tunebook.escaping import (
    csv_cell,
    is_hidden,
    one_line,
    quoted,
    shell_line,
    terminal_text,
    yaml_comment,
    yaml_scalar,
)
from tunebook.export.yaml_text import yaml_text

PIECES = ("\n", "\r", "\u2028", "\x85", "\x1b[31m", "'", '"', "\\", "#", ": ", "---", "...", "&a", "*a", "no", "~",
          "!!python/name:os", "1e3", "1:30", "0o7", "=", "$(id)", "`id`", "\u202e", " ", "x", "学", "𝒳")  # fmt: skip
hostile = st.one_of(
    st.sampled_from(PIECES),
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


@given(hostile)
@example("a\nengine: command")
@example("...")
@example(".5")
@settings(max_examples=80)
def test_a_yaml_value_is_the_text_for_either_version_of_yaml(text: str) -> None:
    written = f"key: {yaml_scalar(text)} # {yaml_comment(text)}\nother: 1\n"
    assert YAML(typ="safe", pure=True).load(written) == {"key": text, "other": 1}
    assert yaml.safe_load(written) == {"key": text, "other": 1}


@given(hostile)
@example("no")
@settings(max_examples=50)
def test_an_exported_file_holds_the_text_for_either_version_of_yaml(text: str) -> None:
    written = yaml_text({"key": text, "other": [text]}, [text])
    assert YAML(typ="safe", pure=True).load(written) == {"key": text, "other": [text]}
    assert yaml.safe_load(written) == {"key": text, "other": [text]}


@given(st.text())
def test_what_is_shown_on_a_terminal_does_not_act(text: str) -> None:
    assert not any(is_hidden(c) for c in one_line(text) + quoted(text))
    assert not any(is_hidden(c) for c in terminal_text(text) if c not in "\n\t")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "a b",
        "$(touch x)",
        "`id`",
        "it's",
        "a\nb",
        "\x1b]0;x\x07",
        "a\\'\u202eb",
        "\x85\u2028",
        "",
        "-rf",
        "学习",
    ],
)
def test_a_shell_reads_the_copied_line_as_the_words_it_was_made_of(text: str) -> None:
    line = shell_line(["printf", "%s", text])
    assert not any(map(is_hidden, line))
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    found = subprocess.run([b"bash", b"-c", line.encode()], capture_output=True, check=True, env=environment)
    assert found.stdout.decode() == text


@pytest.mark.parametrize("text", ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "\x1b=1"])
def test_a_csv_cell_is_no_formula(text: str) -> None:
    assert csv_cell(text).startswith("'")


@pytest.mark.parametrize("value", ["-1.5", "+2e-4", "a=b", "", 3, -0.5])
def test_a_csv_cell_that_is_none_stays_as_it_is(value: object) -> None:
    assert csv_cell(value) == value
