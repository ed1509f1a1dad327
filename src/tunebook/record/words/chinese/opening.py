"""The opening in Chinese: goal, answer, what is cheaper, what is not known, and the table of facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding
from tunebook.core.study import RoundKind
from tunebook.record.numbers import about, bytes_text, count, margin_text, number, percent, points
from tunebook.record.text import clean, strong
from tunebook.record.words.chinese.codes import ROUNDS
from tunebook.record.words.chinese.common import ChinesePieces, gap
from tunebook.record.words.values import Aim, Gain, Price
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR

__all__ = ["ChineseOpening"]


class ChineseOpening(ChinesePieces):
    """What stands above the first round."""

    def aim(self, aim: Aim) -> str:
        score = f"{clean(aim.metric)} 得分最高" if aim.is_score else f"准确率（{clean(aim.metric)}）最高"
        parts = [f"{self.factor(name)}（{levels}）" for name, levels in aim.factors]
        ways = f"为此选择{gap('、'.join(parts)).rstrip()}" if parts else "在所给表格的配置中选择"
        limits = [f"{aim.trials} 个实验"] if aim.trials is not None else []
        limits += [f"{aim.hours:g} 小时"] if aim.hours is not None else []
        return f"让 {clean(aim.model)} 的{gap(score).strip()}；{ways}。预算：{'、'.join(limits)}。"

    def span(self, low: str, high: str) -> str:
        return f"{low} 至 {high}"

    def in_progress(self, n_final: int, n_known: int) -> str:
        return f"{strong('进行中')}。已规划 {n_known} 个实验，完成 {n_final} 个；以下是目前所知，后面可能还有轮次。"

    def nothing_yet(self) -> str:
        return "还没有训练过任何配置，暂无推荐。"

    def use_best(self, settings: str, chosen_by: str, is_baseline: bool) -> str:
        if is_baseline:
            return f"保持基线（{strong(settings)}）：试过的配置里没有一个被证实更好。"
        if chosen_by == "leading":
            return f"{strong(settings)} 在验证集上领先，但未能证实优于基线，用基线也许一样好。"
        return f"使用 {strong(settings)}。"

    def confirmed_gain(self, gain: Gain, counts_right: bool, unused: bool) -> str:
        fresh = "从未用过的 " if unused else " "
        text = self._gain_on(gain, counts_right, fresh, "测试", "新")
        return text if gain.told_apart else text + "这个差与零无法区分。"

    def shown_before(self, round_heading: str) -> str:
        return f"{round_heading}曾在验证集上证实它更好；测试集没有确认这一点。"

    def validation_gain(self, gain: Gain, counts_right: bool) -> str:
        text = self._gain_on(gain, counts_right, " ", "验证", "")
        if gain.provisional:
            text += "暂定：种子间噪声的估计所依据的种子太少。"
        return text if gain.told_apart else text + "这个差与零无法区分。"

    def corrected_accuracy(self, raw: float, corrected: float, interval: tuple[float, float]) -> str:
        said = f"{percent(corrected)}（95 % 区间 {self.plain_range(interval[0] * 100, interval[1] * 100)}）"
        if corrected >= raw:
            return f"就它由这些实验挑出作校正后，它在那里的验证准确率是 {said}。"
        return f"挑出它所依据的那些实验会高估它：校正后，它在那里的验证准确率是 {said}，而不是 {percent(raw)}。"

    def not_confirmed(self, has_test: bool) -> str:
        return "尚未在测试集上确认。" if has_test else "没有测试集，因此没有在未参与挑选的样本上确认。"

    def cheaper(self, what: str, margin: float, price: Price) -> str:
        costs = self._price(price)
        shown = f"已证实比最优配置差不超过 {margin_text(margin)} 个百分点（您的容差）"
        return f"{strong('同样好且更省')}：{what} {shown}{'；' + costs if costs else ''}。"

    def cheapest_is_best(self) -> str:
        return f"{strong('更省的配置')}：试过且效果相当的配置里，没有更省的。"

    def nothing_cheaper_near(self, margin: float) -> str:
        within = f"没有一个与最优相差在您的容差（{margin_text(margin)} 个百分点）以内"
        return f"{strong('更省的配置')}：试过的更省的配置里，{within}。"

    def not_shown_as_good(self, what: str, worse_by: float | None, price: Price) -> str:
        costs = self._price(price)
        worse = "" if worse_by is None else f"，可能差至多 {number(worse_by * 100, 2)} 个百分点"
        lead = f"{strong('更省的配置')}：没有更省的配置被证实同样好。"
        return f"{lead}最省的候选是{gap(what).rstrip()}{worse}{'；' + costs if costs else ''}。"

    def not_known(self, items: Sequence[str]) -> str:
        return f"{strong('尚不清楚')}：{'；'.join(items)}。"

    def unknown_factor(self, factor: str, nothing_above: float) -> str:
        return f"{gap(factor).lstrip()}是否有影响（没有看到 {number(nothing_above * 100, 2)} 个百分点以上的影响）"

    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str:
        return f"{gap(what).lstrip()}与{gap(against)}是否不同（{self.effect_points(finding)}；{self._settle(finding)}）"

    def unknown_pairs(self, n: int) -> str:
        return "各项改动的效果能否相加、是否互相影响（没有做能说明它的实验）" if n else ""

    def unseen(self, effect: float) -> str:
        return f"约 {number(effect * 100, 2)} 个百分点以下的差别，本研究多半看不出来"

    # The table of facts

    def device_fact(self, name: str, memory_bytes: float | None, system: str) -> str:
        memory = f"内存 {bytes_text(memory_bytes)}" if memory_bytes else ""
        cores = re.sub(r", (\d+) cores?\b", r"，\1 核", name)
        return clean("，".join(filter(None, [cores, memory, system])))

    def model_fact(self, name: str, revision: str, parameters: float | None, dtype: str, engine: str) -> str:
        size = ""
        if parameters:
            large = parameters >= 1e8
            size = f"{number(parameters / (1e8 if large else 1e4))} {'亿' if large else '万'}参数"
        parts = [name, f"版本 {revision}" if revision else "", size, dtype]
        return clean("，".join(filter(None, parts)) + f"；训练引擎 {engine}")

    def data_fact(self, facts: Mapping[str, Any]) -> str:
        used, read = facts["used"], facts.get("read")
        train = (
            f"训练数据 {count(read)} 条中的 {count(used)} 条（种子 {facts['seed']}）"
            if read and read != used
            else f"训练数据 {count(used)} 条"
        )
        parts = [
            train,
            f"验证 {count(facts['validation'])} 条",
            f"测试 {count(facts['test'])} 条" if facts["test"] else "无测试集",
        ]
        tail = (
            "同一条可能出现在两个数据集里（data.allow_overlap）"
            if facts["overlap"]
            else "没有一条同时出现在两个数据集里"
        )
        text = f"{'，'.join(parts)}；{tail}"
        if facts.get("split_off"):
            text += "；验证集按种子从训练数据中分出"
        if facts.get("truncated"):
            text += f"；{count(facts['truncated'])} 条训练数据在 {facts['length']} 个 token 处截断"
        return text

    def reference_fact(self, base: float | None, commonest: float | None, answer: str | None) -> str:
        parts = []
        if base is not None:
            parts.append(f"不加适配器的基座模型 {percent(base)}")
        if commonest:
            quoted = f"“{clean(answer)}”" if answer else ""
            parts.append(f"总答最常见的答案{quoted} {percent(commonest)}")
        return "；".join(parts)

    def noise_fact(self, deviation: float, degrees: float, from_prior: bool) -> str:
        if from_prior:
            return f"还没有配置有两个种子：假定种子间相差 {number(deviation * 100, 2)} 个百分点，所有判断都是暂定的"
        text = f"同样的设置换一个种子，相差 {number(deviation * 100, 2)} 个百分点（标准差，{degrees:.3g} 个自由度）"
        if degrees < PROVISIONAL_DF:
            prior = number(SEED_DEVIATION_PRIOR * 100, 2)
            text += f"；自由度太少，区间按假定的 {prior} 个百分点补足到 {PROVISIONAL_DF} 个"
        return text

    def detectable_fact(self, by_round: Mapping[str, float], smallest_margin: float, margin: float) -> str:
        seen = "、".join(
            f"{ROUNDS[RoundKind(k)]}轮 {number(v * 100, 2)} 个百分点" for k, v in by_round.items() if v < 1
        )
        text = f"{seen}的差有 80 % 的机会被看出，更小的差常会漏掉。" if seen else ""
        text += f"两个配置最多能证实相差不超过 {number(smallest_margin * 100, 2)} 个百分点"
        if smallest_margin > margin:
            text += f"；在您的容差 {margin_text(margin)} 个百分点以内，什么都无法证实相当"
        return text

    def cost_fact(self, counts: Mapping[str, int], seconds: float, one_by_one: float | None) -> str:
        parts = [f"训练 {counts['trained']} 个"]
        parts += [
            f"{word} {counts[key]} 个"
            for key, word in (
                ("folded", "合并"),
                ("checkpoints", "取自更长实验的检查点"),
                ("failed", "失败"),
                ("cancelled", "取消"),
            )
            if counts[key]
        ]
        text = f"{count(counts['all'])} 个实验（{'，'.join(parts)}），用时 {self.duration(seconds)}"
        return text + (f"；逐个训练约需 {self.duration(one_by_one)}" if one_by_one else "")

    def reading_fact(self) -> str:
        return "结果后的括号是它自身的 95 % 区间；差后面的括号是该轮所有差同时成立的区间。“无法区分”从不表示“没有差别”"

    def error_fact(self) -> str:
        return (
            "规则保证：二十个研究里至多一个会作出任何不实的“有差别”的结论；"
            "这 5 % 按轮分配（首轮 2 %，细化 1 %，组合 0.5 %，探边界 0.5 %，确认 1 %），"
            "差后面的括号取该轮份额所余的水平"
        )

    def alpha_fact(self, rule: str) -> str:
        return (
            "改变秩时保持 alpha/r 不变：这里无法分开秩与 alpha 的作用"
            if rule == "proportional"
            else "改变秩时保持 alpha 不变，因此 alpha/r 随秩增大而减小"
        )

    def defaults_fact(self, names: Sequence[str]) -> str:
        return "研究文件未给出，取 PEFT 与 Trainer 的默认值：" + "、".join(names)

    # Pieces

    def _gain_on(self, gain: Gain, counts_right: bool, fresh: str, split: str, seeds: str) -> str:
        what = "答对" if counts_right else "平均得分"
        relative = "" if gain.relative is None else f"；相对 {gain.relative * 100:+.0f} %"
        difference = (
            f"{strong(points(gain.effect) + ' 个百分点')}（{percent(gain.level, 0 if gain.level < 0.995 else 1)} "
            f"同时置信区间 {self.range(gain.interval)}{relative}）"
        )
        mine, theirs = gain.seeds
        used = f"各用 {mine} 个{seeds}种子" if mine == theirs else f"{mine} 个{seeds}种子对 {theirs} 个"
        return (
            f"在{fresh}{count(gain.n_examples)} 个{split}样本上，它{what} {strong(percent(gain.accuracy))}，"
            f"基线为 {percent(gain.baseline_accuracy)}：{difference}，{used}。"
        )

    def _price(self, price: Price) -> str:
        parts = []
        if price.seconds and price.best_seconds:
            parts.append(f"训练 {self.duration(price.seconds)}（最优 {self.duration(price.best_seconds)}）")
        if price.size and price.best_size:
            parts.append(f"适配器 {bytes_text(price.size)}（最优 {bytes_text(price.best_size)}）")
        return "，".join(parts)

    def _settle(self, finding: Finding) -> str:
        ways = []
        if finding.examples_needed:
            ways.append(f" {about(finding.examples_needed)} 个样本")
        if finding.seeds_needed:
            ways.append(f"双方各 {finding.seeds_needed} 个种子")
        return f"总共约需{'或'.join(ways)}才能定论" if ways else "数据增到二十倍也定不下来"
