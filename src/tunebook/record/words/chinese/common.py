"""The small pieces that Chinese sentences are made of: numbers, intervals, names of settings and configurations."""

from __future__ import annotations

from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.findings import Finding
from tunebook.core.study import Purpose, TrialState
from tunebook.record.numbers import bound, rate, value
from tunebook.record.words.base import Words
from tunebook.record.words.chinese.codes import PURPOSES, STATES
from tunebook.record.words.chinese.labels import FACTORS, LABELS

__all__ = ["ChinesePieces", "gap", "numeral"]

_NUMERALS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十")


def numeral(n: int) -> str:
    """A small number as a word."""
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def gap(text: str) -> str:
    """A blank on each side where a name has a Latin letter or digit, none beside Chinese characters."""
    return (" " if text[:1].isascii() else "") + text + (" " if text[-1:].isascii() else "")


class ChinesePieces(Words):
    """What the parts of the Chinese record share."""

    language = "zh"
    labels = LABELS
    factor_names = FACTORS
    sentence_gap = ""
    title_gap = "："

    def setting(self, name: str, level: Any) -> str:
        if name == "num_train_epochs":
            return f"{level} 个 epoch"
        if name.startswith("use_"):
            return f"{'使用' if level else '不用'} {self.factor(name)}"
        if name == "gradient_checkpointing":
            return "梯度检查点由机器决定" if level is None else f"梯度检查点{'开' if level else '关'}"
        if name == "target_modules" and level is None:
            return "适配层按 PEFT 默认"
        return f"{self.factor(name)} {value(name, level)}"

    def range(self, interval: tuple[float, float]) -> str:
        return f"{bound(interval[0])} 至 {bound(interval[1])}"

    def at_least(self, low: str) -> str:
        return f"不低于 {low}"

    def plain_range(self, low: float, high: float) -> str:
        return f"{low:.1f} 至 {high:.1f}"

    def effect(self, finding: Finding, bold: bool = False) -> str:
        return super().effect(finding, bold).replace(" （", "（")

    def effect_points(self, finding: Finding) -> str:
        return self.effect(finding).replace("（", " 个百分点（", 1)

    def accuracy(self, mean: float, interval: tuple[float, float] | None, bold: bool = False) -> str:
        return super().accuracy(mean, interval, bold).replace(" （", "（")

    def bracketed(self, text: str) -> str:
        return f"（{text}）"

    def settings(self, configuration: Configuration) -> str:
        return super().settings(configuration).replace(", ", "、")

    def changes(self, configuration: Configuration, baseline: Configuration) -> str:
        text = super().changes(configuration, baseline)
        return text.replace(" (alpha ", "（alpha ").replace(")", "）").replace(", ", "、")

    def batch(self, configuration: Configuration) -> str:
        return f"有效批大小 {configuration.effective_batch_size}"

    def purpose(self, purpose: Purpose) -> str:
        return PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        return STATES[state]

    def duration(self, seconds: float) -> str:
        """Times in Chinese units."""
        if seconds < 90:
            return f"{seconds:.1f} 秒" if seconds < 10 else f"{seconds:.0f} 秒"
        if seconds < 600:
            return f"{int(seconds) // 60} 分 {int(seconds) % 60:02d} 秒"
        minutes = round(seconds / 60)
        return f"{minutes} 分钟" if minutes < 60 else f"{minutes // 60} 小时 {minutes % 60} 分"

    def baseline_at(self, rate_: float) -> str:
        return f"学习率 {rate(rate_)} 的基线"

    def versus(self, against: str) -> str:
        return f"对{gap(against).rstrip()}"

    def open_contrast(self, finding: Finding, what: str, against: str) -> str:
        return super().open_contrast(finding, gap(what).lstrip() if against else what, against)

    def n_trials(self, n: int) -> str:
        return f"{n} 个实验"

    def n_slots(self, n: int) -> str:
        return f"{n} 个槽位"
