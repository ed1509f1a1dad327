"""Settings named in free text, English and Chinese."""

from __future__ import annotations

import pytest

from tunebook.audit.read.cells import clean_text
from tunebook.audit.read.mentions import base_trial, mentions, settings

LR, R, ALPHA, D, EP = "learning_rate", "lora_r", "lora_alpha", "lora_dropout", "num_train_epochs"
BS, GA, ML, GC = ("per_device_train_batch_size", "gradient_accumulation_steps", "max_length", "gradient_checkpointing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("combined best (lr=0.0003, r=32, ep=4, d=0.05)", {LR: 3e-4, R: 32, EP: 4, D: 0.05}),
        ("学习率提高到 5e-4", {LR: 5e-4}),
        ("将学习率从 2e-4 降至 1e-4", {LR: 1e-4}),
        ("learning rate 2e-4 → 5e-4", {LR: 5e-4}),
        ("raise the learning rate from 2e-4 to 5e-4", {LR: 5e-4}),
        ("5 epochs", {EP: 5}),
        ("训练轮数增加到5轮", {EP: 5}),
        ("训练 4 轮", {EP: 4}),
        ("秩从8增至32（alpha=128）", {R: 32, ALPHA: 128}),
        ("rank 32, alpha 64, 4 epochs", {R: 32, ALPHA: 64, EP: 4}),
        ("batch 1 x accumulation 8", {BS: 1, GA: 8}),
        ("批大小 4，梯度累积 2", {BS: 4, GA: 2}),
        ("max_length=768 + gradient checkpointing", {ML: 768, GC: True}),
        ("最大长度 768，开启梯度检查点", {ML: 768, GC: True}),
        ("梯度检查点=False", {GC: False}),
        ("lr:2×10⁻⁴", {LR: 2e-4}),
        ("a 0.001 learning rate", {LR: 1e-3}),
        ("dropout=0.2", {D: 0.2}),
        ("第2轮", {}),
        ("rank has an effect of 3 points", {}),
        ("提升 4.6 %", {}),
        ("r=8,16,32", {}),
        ("warmer colours", {}),
    ],
)
def test_descriptions_give_settings(text: str, expected: dict) -> None:
    assert settings(clean_text(text)) == expected


def test_a_range_and_a_list_keep_all_their_values() -> None:
    (between,) = mentions("sweet spot lr 2e-4 to 1e-3")
    assert (between.values, between.joined) == ((2e-4, 1e-3), "range")
    (several,) = mentions("r=8, 16 and 32")
    assert (several.values, several.joined) == ((8, 16, 32), "list")


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("exp16 + max_length 768", "16"),
        ("基于实验16，秩 64", "16"),
        ("best settings with r=64", "best"),
        ("在最优组合基础上将秩增至 64", "best"),
        ("baseline with dropout 0.2", "baseline"),
        ("学习率 5e-4", None),
    ],
)
def test_what_a_change_builds_on(text: str, base: str | None) -> None:
    assert base_trial(clean_text(text)) == base
