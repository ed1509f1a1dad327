"""Numbers, flags and results as people write them."""

from __future__ import annotations

import pytest

from tunebook.audit.read.numbers import clean_text, is_failure, read_accuracy, read_flag, read_number


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2e-4", 2e-4),
        ("0.0002", 2e-4),
        ("2×10⁻⁴", 2e-4),
        ("2 x 10^-4", 2e-4),
        ("2*10^(-4)", 2e-4),
        ("**5e-5** ⭐", 5e-5),
        ("5e−4", 5e-4),
        ("1,024", 1024),
        ("１．５", 1.5),
        (".05", 0.05),
        ("约 0.1", 0.1),
        ("r=32", 32),
        ("-3", -3),
    ],
)
def test_numbers_are_read_in_every_notation(cell: str, value: float) -> None:
    assert read_number(cell) == pytest.approx(value)


@pytest.mark.parametrize("cell", ["", "—", "n/a", "exp16", "default"])
def test_cells_without_a_number_give_none(cell: str) -> None:
    assert read_number(cell) is None


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("**0.3128** 🏆", 0.3128, 1e-4),
        ("31.28%", 0.3128, 1e-4),
        ("31.3 % (best)", 0.313, 1e-3),
        ("0.3128 (+1.4%)", 0.3128, 1e-4),
        ("✅ 0.30", 0.30, 1e-2),
        ("准确率31.01%", 0.3101, 1e-4),
        ("0.0000 💥", 0.0, 1e-4),
    ],
)
def test_accuracies_keep_value_and_precision(cell: str, value: float, unit: float) -> None:
    accuracy = read_accuracy(cell, percent=False)
    assert accuracy.value == pytest.approx(value)
    assert accuracy.unit == pytest.approx(unit)


def test_fractions_keep_their_counts() -> None:
    accuracy = read_accuracy("112/358 (31.3 %)", percent=False)
    assert (accuracy.correct, accuracy.total) == (112, 358)


def test_what_cannot_be_an_accuracy_is_none() -> None:
    assert read_accuracy("12.5", percent=False) is None
    assert read_accuracy("failed", percent=False) is None
    assert read_accuracy("9/4", percent=False) is None


@pytest.mark.parametrize(
    "cell", ["failed", "❌ diverged", "NaN", "崩溃", "训练失败", "blew up 💥", "loss exploded", "不收敛"]
)
def test_failures_are_recognised(cell: str) -> None:
    assert is_failure(cell)


@pytest.mark.parametrize("cell", ["0.0000", "31 %", "❌ 0.2709", "nothing special", "information"])
def test_bad_results_are_not_failures(cell: str) -> None:
    assert not is_failure(cell)


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        ("True", True),
        ("✓", True),
        ("✅", True),
        ("开启", True),
        ("yes", True),
        ("False", False),
        ("✗", False),
        ("❌", False),
        ("否", False),
        ("off", False),
        ("maybe", None),
    ],
)
def test_flags_are_read_as_written(cell: str, flag: bool | None) -> None:
    assert read_flag(cell) is flag


def test_marks_links_tags_and_control_characters_go() -> None:
    text = clean_text("**bold** `code` [text](http://x) <br> a\x1b[31mb \u202eright ~~gone~~ grad_accum")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text == "bold code text a [31mb right gone grad_accum"
