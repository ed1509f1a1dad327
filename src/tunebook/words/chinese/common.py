"""The small pieces that Chinese sentences are made of: numbers, intervals, names of settings and configurations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunebook.core.findings import Finding
from tunebook.core.quantisation import BITS, NONE
from tunebook.core.study import Purpose, TrialState
from tunebook.escaping import clean
from tunebook.words.chinese.codes import PURPOSES, STATES
from tunebook.words.chinese.labels import FACTORS, LABELS
from tunebook.words.chinese.phrases import PHRASES
from tunebook.words.numbers import rate, times
from tunebook.words.shared import Shared, StudyShared

__all__ = ["ChinesePieces", "ChineseShared", "fold", "gap", "numeral", "span"]

_NUMERALS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十")


def numeral(n: int) -> str:
    """A small number as a word."""
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def gap(text: str) -> str:
    """A blank on each side where a name has a Latin letter or digit, none beside Chinese characters."""
    return (" " if text[:1].isascii() else "") + text + (" " if text[-1:].isascii() else "")


def fold(ratio: float) -> str:
    """A multiple: "1.7 倍"."""
    return f"{times(ratio).removesuffix('×')} 倍"


def span(low: str, high: str) -> str:
    """From one amount to another; a unit that both have is told once: "23 至 39 分钟"."""
    (start, _, unit), (_, _, same) = low.partition(" "), high.partition(" ")
    if low == high:
        return low
    return f"{start} 至 {high}" if unit == same and " " not in unit else f"{low} 至 {high}"


class ChineseShared(Shared):
    """What Chinese texts share, of studies and of audits."""

    language = "zh"
    factor_names = FACTORS
    sentence_gap = bracket_gap = ""
    comma = last_comma = "、"
    brackets = ("（", "）")
    to = " 至 "
    percent_sign = "%"
    accuracy_word = "准确率"
    phrases = PHRASES

    def with_noun(self, text: str) -> str:
        return re.sub(" (?=[（，。：])", "", text.replace(self.accuracy_word, self._noun)).strip()

    @property
    def _noun(self) -> str:
        """The metric's noun within a sentence, with the blanks that Latin words take."""
        return self.measure if self.scale.counts_right_answers else f" {self.measure} "

    @property
    def _top(self) -> str:
        return "最高" if self.scale.higher_is_better else "最低"

    @property
    def _worse(self) -> str:
        return "低" if self.scale.higher_is_better else "高"

    @property
    def _more(self) -> str:
        return "高" if self.scale.higher_is_better else "低"

    @property
    def _sign(self) -> str:
        """The sign of a share of right answers, nothing for other scores."""
        return self.percent_sign if self.scale.counts_right_answers else ""

    def capital(self, text: str) -> str:
        """The beginning of a sentence: a name that begins it stays as it is."""
        return text

    def length(self, n: int, in_words: bool) -> str:
        """A length of text; an engine without a model counts words."""
        return f"{n} 个词" if in_words else f"{n} 个 token "


class ChinesePieces(ChineseShared, StudyShared):
    """What the texts about a study share."""

    labels = LABELS
    title_gap = "："
    least = "不低于 {}"

    def weights_kept(self, quantization: str) -> str:
        if quantization in ("", NONE):
            return ""
        bits = BITS.get(quantization)
        return f"权重为 {bits} 比特（{quantization}）" if bits else f"权重由 {quantization} 量化"

    def setting(self, name: str, level: Any) -> str:
        if name == "num_train_epochs":
            return f"{level} 个 epoch"
        if name.startswith("use_"):
            return f"{'使用' if level else '不用'} {self.factor(name)}"
        if name == "gradient_checkpointing":
            return "梯度检查点由机器决定" if level is None else f"梯度检查点{'开' if level else '关'}"
        if name == "target_modules" and level is None:
            return "适配层按 PEFT 默认"
        return super().setting(name, level)

    def task_fact(self, task: Mapping[str, Any]) -> str:
        shots = f"每个文档之前有 {task['shots']} 个带答案的示例" if task["shots"] else "零样本"
        text = (
            f"{task['harness']} {task['version']} 的任务 {task['task']}（{task['kind']}，{shots}），{task['measure']}；"
            f"验证集和测试集是该任务的文档，来自 {task['source']}"
        )
        return clean(f"{text}，由同一个数据划分按文档内容分成两部分" if task["divided"] else text)

    def factor_phrase(self, name: str) -> str:
        """A factor as the subject of a sentence."""
        return "LoRA rank" if name == "lora_r" else self.factor(name)

    def open_contrast(self, finding: Finding, what: str, against: str, missing: str = "") -> str:
        return super().open_contrast(finding, gap(what).lstrip() if against else what, against, gap(missing).lstrip())

    def trained_ahead(self, seconds: float, n_taken: int) -> str:
        text = f"设备空闲时预先训练了确认轮可能需要的实验，用时 {self.duration(seconds)}"
        return text + f"，其中 {n_taken} 个实验由此继续" * (n_taken > 0)

    def duration(self, seconds: float) -> str:
        """A length of time."""
        if seconds < 90:
            return f"{seconds:.1f} 秒" if seconds < 10 else f"{seconds:.0f} 秒"
        if seconds < 600:
            return f"{int(seconds) // 60} 分 {int(seconds) % 60:02d} 秒"
        minutes = round(seconds / 60)
        return f"{minutes} 分钟" if minutes < 60 else f"{minutes // 60} 小时 {minutes % 60} 分"

    def purpose(self, purpose: Purpose) -> str:
        """Why a trial is trained."""
        return PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        """How far a trial is."""
        return STATES[state]

    def baseline_at(self, rate_: float) -> str:
        """The baseline with another learning rate."""
        return f"学习率 {rate(rate_)} 的基线"

    def versus(self, against: str) -> str:
        """Goes on from a name: against what it was compared."""
        return f"对{gap(against).rstrip()}"
