"""Cells: read strictly, or not at all."""

from __future__ import annotations

import pytest

from tunebook.audit.read.cells import (
    Number,
    Why,
    clean_text,
    has_failed,
    is_blank,
    read_flag,
    read_level,
    read_number,
)


def number(text: str) -> Number | Why:
    return read_number(clean_text(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("5 e-4", 5e-4),
        ("$5 \\times 10^{-4}$", 5e-4),
        ("2×10⁻⁴", 2e-4),
        ("5x10-4", 5e-4),
        ("10⁻⁴", 1e-4),
        ("1/2000", 5e-4),
        ("112/358", 112 / 358),
        ("173 of 200", 0.865),
        ("31.3% (112/358)", 112 / 358),
        ("112 / 358 = 31.3%", 112 / 358),
        ("**86.5**¹", 86.5),
        ("86.5[^1]", 86.5),
        ("86.5<sup>a</sup>", 86.5),
        ("86,5", 86.5),
        ("0,001", 0.001),
        ("1,234.5", 1234.5),
        ("**0.3128** 🏆", 0.3128),
        ("85.0 ⭐ (best)*", 85.0),
        ("86.5 (+1.5)", 86.5),
        ("29.9%↓", 29.9),
        ("$\\mathbf{84.0}\\%$", 84.0),
        ("71.2 ± 0.6", 71.2),
    ],
)
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    found = number(text)
    assert isinstance(found, Number)
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("82-84", Why.RANGE),
        ("72~74", Why.RANGE),
        ("~82", Why.ABOUT),
        ("约72", Why.ABOUT),
        (">80", Why.LIMIT),
        ("≤ 1e-4", Why.LIMIT),
        ("1,024", Why.COMMA),
        ("10²", Why.WORDS),
        ("8→16", Why.WORDS),
        ("8x104", Why.WORDS),
        ("86.5 / 85.0", Why.WORDS),
        ("112/358 (40%)", Why.WORDS),
        ("= run 3", Why.WORDS),
        ("OOM", Why.MEMORY),
        ("1e999", Why.SIZE),
    ],
)
def test_what_is_not_surely_a_number_is_named(text: str, why: Why) -> None:
    assert number(text) is why


def test_spread_precision_and_signs_are_kept() -> None:
    assert number("71.20 (±0.65)") == Number(71.2, 0.01, spread=0.65)
    assert number("+0.8 %") == Number(0.8, 0.1, percent=True, signed=True)
    assert number("112/358") == Number(112 / 358, correct=112, total=358)


@pytest.mark.parametrize(
    ("factor", "text", "level"),
    [
        ("lora_r", "r = 8", 8),
        ("lora_r", "8 (default)", 8),
        ("lora_r", "0.5", Why.SIZE),
        ("lora_r", "8-16", Why.RANGE),
        ("lora_alpha", "128.0", 128),
        ("lora_dropout", "10%", 0.1),
        ("max_length", "1,024", 1024),
        ("max_length", "512 tokens", 512),
        ("num_train_epochs", "3 轮", 3),
        ("learning_rate", "1/5000", 2e-4),
        ("learning_rate", "2e-4 → 5e-4", Why.WORDS),
        ("gradient_checkpointing", "✗", False),
        ("lr_scheduler_type", "Cosine", "cosine"),
    ],
)
def test_levels_of_a_factor(factor: str, text: str, level: object) -> None:
    assert read_level(factor, clean_text(text)) == level


def test_words_for_what_is_missing_and_for_failures() -> None:
    assert all(is_blank(clean_text(text)) for text in ("", "-", "—", "n/a", "无"))
    assert all(has_failed(text) for text in ("NaN", "diverged", "训练崩溃", "💥", "未收敛"))
    assert not any(has_failed(text) for text in ("did not diverge", "没有崩溃", "OOM", "unstable"))
    assert (read_flag("✓"), read_flag("关闭"), read_flag("maybe")) == (True, False, None)


def test_control_characters_and_marks_are_removed() -> None:
    assert clean_text("a\x1b[31m**b**\u200b [c](http://x) `d`") == "a [31mb c d"
