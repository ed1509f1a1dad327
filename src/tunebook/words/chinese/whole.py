"""What the study says as a whole, in Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Interaction, LowSeed, MoreMoney
from tunebook.core.service_metric import ServiceUsage
from tunebook.escaping import clean
from tunebook.words.chinese.codes import NOTES, SERVICE_FAILURES
from tunebook.words.chinese.common import ChinesePieces, gap
from tunebook.words.numbers import about, count, trial_list
from tunebook.words.shared import change_text, with_values

__all__ = ["ChineseWhole"]


class ChineseWhole(ChinesePieces):
    """The sections after the rounds."""

    def interaction(self, interaction: Interaction) -> str:
        a, b = (self.factor(name) for name in interaction.factors)
        if not interaction.known or interaction.effect is None or interaction.interval is None:
            return f"{gap(a).lstrip()}与{gap(b)}是否互相影响尚不清楚：没有安排相应的对照实验。"
        low, high = interaction.interval
        seen = low > 0 or high < 0
        tail = "这只是对这些实验的描述（单独的 95% 区间），不是本研究的结论" if seen else "未能证实互相影响"
        return (
            f"{gap(a).lstrip()}与{gap(b)}同时改动，与各自效果之和相差 {self.change(interaction.effect)} {self.unit}"
            f"（{self.range(interaction.interval)}）：{tail}。"
        )

    def factors_not_tested(self) -> str:
        return (
            "某个参数的影响是否超出偶然：没有一轮检验过。design: one_factor 把每个取值与基线比较，"
            "design: balanced 用全部实验检验每个参数。"
        )

    def unknown_interactions(self, pairs: Sequence[str]) -> str:
        return f"以下参数之间是否互相影响尚不清楚（没有安排相应的对照实验）：{'；'.join(pairs)}。"

    def tie_set(self, n: int) -> str:
        return f"另有 {count(n)} 个配置与最优无法区分；下表列出各自的开销。"

    def ahead_of_best(self) -> str:
        return f"个别配置的{self._noun}{self._more}于最优：差异在噪声之内，最优是按较低的验证损失选出的。"

    def needs(self, n: int | None) -> str:
        return "> 20 倍" if n is None else about(n)

    def more_money(self, more: MoreMoney) -> str:
        on_test = more.split == "test"
        lead = "增加投入的效果（测试集只打开一次，须另做一个研究）" if on_test else "增加投入的效果"
        rows = f"{count(more.extra_examples)} 个{'测试' if on_test else '验证'}样本"
        if self.size(2 * more.half_width) == self.size(2 * more.half_width_with_trials):
            return (
                f"{lead}：最优与基线再做 {more.extra_trials} 个实验，"
                f"主要结论（最优与基线之差）的置信区间宽度（{self.size(2 * more.half_width)} {self.unit}）几乎不变；"
                f"再加 {rows}，缩到 {self.size(2 * more.half_width_with_examples)}。"
            )
        return (
            f"{lead}：最优与基线再做 {more.extra_trials} 个实验，"
            f"主要结论（最优与基线之差）的置信区间宽度从 {self.size(2 * more.half_width)} "
            f"缩到 {self.size(2 * more.half_width_with_trials)} {self.unit}；"
            f"再加 {rows}，缩到 {self.size(2 * more.half_width_with_examples)}。"
        )

    def nothing_open(self) -> str:
        return "所做的比较都有定论。"

    def winners_curse(self, raw: float, n: int, corrected: float, confirmed: float | None) -> str:
        seeds = "1 个随机种子" if n == 1 else f"选中它所依据的 {n} 个随机种子的平均"
        tested = "" if confirmed is None else f"；测试{self._noun} {self.measured(confirmed)}（新随机种子）"
        return f"验证{self._noun} {self.measured(raw)}（{seeds}）；校正选择偏差后 {self.measured(corrected)}{tested}。"

    def where_the_adapter_is(self) -> str:
        return (
            "训练好的适配器在本记录旁的 best/：取各随机种子中验证损失居中的一个，而不是运气最好的一个。"
            "用 tunebook export 可导出为 PEFT 适配器、合并后的模型，或 LLaMA-Factory、axolotl 的配置文件。"
        )

    def english_figures(self) -> str:
        return (
            "图中文字是英文，因为没有找到含中文字符的字体。安装一种字体（Debian、Ubuntu：apt install fonts-noto-cjk）"
            "之后，用 `tunebook report` 重新绘制。"
        )

    def suspects(self, n: int, n_trials: int, shown: int) -> str:
        counts_right = self.scale.counts_right_answers
        is_wrong = "答错" if counts_right else f"得到最差{self._noun}"
        if not n:
            return f"全部 {n_trials} 个训练正常的实验都{is_wrong}的样本：无。"
        text = (
            f"有 {count(n)} 个验证样本{'被' if counts_right else '在'}全部 {n_trials} 个训练正常的实验"
            f"{'答错' if counts_right else f'里{is_wrong}'}。"
            "可能是标注有误，也可能是样本太难，需要人工查看。"
            "各实验回答最一致的排在前面。"
        )
        return text + (f"这里列出前 {shown} 个。" if shown < n else "")

    def failed_trial(self, trial: int, reason: str) -> str:
        return f"实验 {trial} 无法训练：{reason.rstrip('.') or '没有记录原因'}。"

    def cancelled_trial(self, trial: int) -> str:
        return f"实验 {trial} 在得出结果之前被取消，不参与任何结论。"

    def low_seed(self, low: LowSeed) -> str:
        return (
            f"实验 {low.trial} 比同一设置其余 {low.n_others} 个随机种子的平均低 "
            f"{self.amount(low.others - low.accuracy)} {self.unit}（{self.measured(low.accuracy)} 对 "
            f"{self.measured(low.others)}），超出其他随机种子之间的噪声所能解释的范围。用这些设置再训练时，可能再遇到这样的种子。"
        )

    def stopped_trials(self, trials: Sequence[int]) -> str:
        return (
            f"实验 {trial_list(trials)} 提前停止：训练到同样的进度时，同一批里已有两个实验的验证损失更低，"
            "其中至少一个明显更低。它们此前的结果不进入任何结论，预算只计已训练的部分。"
        )

    def note(self, code: str, values: Mapping[str, Any]) -> str | None:
        v = {clean(str(name)): clean(change_text(item)) for name, item in values.items()}
        if code == "study_changed":
            v["changes"] = self.comma.join(f"{name} {text}" for name, text in v.items() if name != "round")
        if code == "versions_changed":
            return (
                "研究期间版本有变化，前后的结果混在一起：" + "；".join(f"{k}：{item}" for k, item in v.items()) + "。"
            )
        if code == "rescued":
            return "账本曾经损坏，已抢救；读不出的部分这里没有：" + "；".join(v.values()) + "。"
        if code == "engine_refused":
            return f"实验 {v['trials']} 由引擎 {v['taken_by']} 训练：引擎 {v['engine']} 无法训练（{v['reason']}）。"
        text = with_values(NOTES.get(code), v)
        return text.replace("{trials}", v.get("trials", "")) if text else None

    def service_usage(self, metric: str, usage: ServiceUsage, between: float | None) -> str:
        models = self.comma.join(f"{clean(name) or '未命名'}：{count(n)}" for name, n in usage.models.items())
        cost = f"，费用 {usage.price:,.2f}" if usage.price is not None else ""
        tokens = f"，输入 {count(usage.prompt_tokens)} 个词元，输出 {count(usage.completion_tokens)} 个"
        text = (
            f"指标 {metric} 共请求服务 {count(usage.requests)} 次{tokens}{cost}；得到 {count(usage.judgements)} 个评判"
        )
        text += f"（{models}）。" if models else "。"
        if usage.failures:
            kinds = self.comma.join(
                f"{clean(SERVICE_FAILURES.get(kind, kind))}：{count(n)}" for kind, n in usage.failures.items()
            )
            text += f"没有得到评判的请求：{kinds}；这些请求都已重试。"
        if between is not None:
            text += f"{usage.judged_twice} 个问题问了两次，其中 {usage.judged_the_same} 个两次评判相同。"
            alone = f"±{self.amount(between)} {self.unit}"
            text += f"单是评判自身的噪声，两个实验之间的 95% 置信区间就有 {alone}；这里的区间都已包含它。"
        if usage.first_preferred is not None:
            first = self.percent(usage.first_preferred, 0)
            text += f"两个回答分出高下时，{first} 的情况选了排在前面的；每一对都按两种顺序各问一次。"
        return text

    def unscored_answers(self, which: Sequence[tuple[int, str, int, int]]) -> str:
        each = self.comma.join(f"实验 {t}：{self.label(split)} {of} 个中的 {n} 个" for t, split, n, of in which)
        return f"没有得到评判的回答，按该实验其他回答的平均分计（{each}）。"

    def same_everywhere(self, settings: str) -> str:
        return f"所有实验都相同的设置：{settings}。"

    def not_a_number(self) -> str:
        return "不是有限数值"
