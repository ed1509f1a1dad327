"""The opening in Chinese: goal, answer, what is cheaper, what is not known, and the table of facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding, LowSeed, NothingLearned
from tunebook.core.study import RoundKind
from tunebook.escaping import clean
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.words.chinese.codes import BROKEN_WAYS, PLUGIN_KINDS, ROUNDS
from tunebook.words.chinese.common import ChinesePieces, fold, gap, span
from tunebook.words.marks import strong
from tunebook.words.numbers import about, bytes_text, count, count_text, number, rate, times, trial_list
from tunebook.words.shared import is_empty
from tunebook.words.values import Aim, Gain, OneByOne, Price, Spent

__all__ = ["ChineseOpening"]


class ChineseOpening(ChinesePieces):
    """What stands above the first round."""

    def aim(self, aim: Aim) -> str:
        named = "" if clean(aim.metric) == self.measure else f"（{clean(aim.metric)}）"
        noun = clean(self._noun).strip() if named else clean(self._noun).lstrip()
        score = f"{noun}{named}{self._top}"
        parts = [f"{self.factor_phrase(name)}（{levels}）" for name, levels in aim.factors]
        what = f"上调整{gap('、'.join(parts)).rstrip()}" if parts else "上比较所给表格中的配置"
        limits = [f"{aim.trials} 个实验"] if aim.trials is not None else []
        limits += [f"{aim.hours:g} 小时"] if aim.hours is not None else []
        model = "模拟模型" if aim.is_simulated and aim.model == "none" else f" {clean(aim.model)} "
        within = f"限制：{self._at_most(aim.limits)}。" if aim.limits else ""
        return f"在{model}{what}，使{gap(score).rstrip()}。{within}预算：{'、'.join(limits)}。"

    def _at_most(self, limits: Mapping[str, float]) -> str:
        return self.listed([f"{clean(name)} 至多 {most:g}" for name, most in limits.items()])

    def span(self, low: str, high: str) -> str:
        return f"{low}～{high}"

    def simulated(self, engine: str) -> str:
        lead = f"{strong('模拟结果')}。引擎 {clean(engine)} 不做训练，结果都是虚构的"
        return f"{lead}：这里的数字不能说明模型或数据的任何情况。"

    def in_progress(self, n_final: int, n_known: int) -> str:
        return f"{strong('进行中')}。已规划 {n_known} 个实验，完成 {n_final} 个；以下是目前所知，后面可能还有轮次。"

    def nothing_yet(self, n_broken: int = 0) -> str:
        if n_broken:
            return f"没有任何配置训练出结果（{n_broken} 个实验训练失败或只输出一个答案），暂无推荐。"
        return "还没有配置得出结果，暂无推荐。"

    def nothing_compared_yet(self, accuracy: str) -> str:
        return f"还没有作出任何比较，暂无推荐。基线目前的{self._noun}：{accuracy}。"

    def none_within(self, limits: Mapping[str, float]) -> str:
        return (
            f"训练成功的配置都超出了研究文件的限制（{self._at_most(limits)}），因此没有推荐。请放宽限制，或尝试其他设置；"
            "测得的值见“其他指标”。"
        )

    def leads_so_far(self, settings: str, accuracy: str) -> str:
        leads = f"目前在验证集上领先的是 {strong(settings)}（{self._leads_by()}）：{accuracy}。"
        return f"还没有作出任何比较，暂无推荐。{leads}"

    def keep_baseline(self, settings: str, was_shown_better: bool) -> str:
        why = "曾被证实更好的配置没有经受住确认" if was_shown_better else "尚未证实有更好的配置"
        return f"保持基线（{strong(settings)}）：{why}。"

    def use_best(self, settings: str, chosen_by: str, has_baseline: bool = True, is_compared: bool = True) -> str:
        if chosen_by == "leading":
            led = f"{strong(settings)} 在验证集上领先（{self._leads_by()}）"
            if not has_baseline:
                return f"{led}；基线没有得到结果的实验，无法与它比较。"
            if not is_compared:
                return f"{led}；尚未与基线比较。"
            return f"{led}，但尚未证实优于基线，基线也许同样好。"
        return f"使用 {strong(settings)}。"

    def _leads_by(self) -> str:
        return f"{self._noun.lstrip()}与最高者相差不超过一个标准误的各配置中，验证损失最低的一个"

    def why(self, reasons: Sequence[str]) -> str:
        return f"{strong('为什么选它')}：{''.join(reasons)}"

    def dropped(self, changes: Sequence[tuple[str, float, tuple[float, float]]]) -> str:
        parts = [
            f"去掉{gap(what).rstrip()}：{self.change(-effect)}（{self.range((-high, -low))}）"
            for what, effect, (low, high) in changes
        ]
        return f"去掉一项改动后的变化（验证集，全部随机种子，{self.unit.removeprefix('个')}）：{'；'.join(parts)}。"

    def nothing_dropped(self) -> str:
        return "各项改动各带来多少尚不清楚：没有只去掉其中一项的实验。"

    def not_dropped(self, settings: Sequence[str]) -> str:
        one = "它" if len(settings) == 1 else "其中一项"
        return f"{gap('、'.join(settings)).lstrip()}带来多少尚不清楚：没有与只去掉{one}的配置比较过。"

    def under_trained(self, quarters: Sequence[float]) -> str:
        losses = "、".join(number(loss) for loss in quarters)
        return (
            f"基线训练不足：训练损失到最后仍在下降（每 token，按四分之一段为 {losses}），"
            "提高学习率、加大 rank 或增加 epoch 都可能弥补这一点。"
        )

    def over_fitted(self, epoch: float) -> str:
        return f"它的验证损失在第 {epoch:g} 个 epoch 后最低，随后回升：减少 epoch 也许同样好。"

    def elsewhere_alone(self, what: str, span: str) -> str:
        return f"单独改动时 {span} 最好，与其他改动合用时{gap(what)}更好：适合基线的取值不一定适合别的配置。"

    def near_edge(self, failed_at: float, ratio: float) -> str:
        return f"学习率 {rate(failed_at)} 时训练失败，是它的 {ratio:.1f} 倍。"

    def outside_range(self, settings: Sequence[tuple[str, str]]) -> str:
        parts = "，".join(f"{what} 超出研究文件给出的范围（{given}）" for what, given in settings)
        return f"请注意：{parts}。"

    def one_seed(self) -> str:
        return "这一结果只有 1 个随机种子，换随机种子可能更差。"

    def one_low_seed(self, low: LowSeed) -> str:
        gap = self.amount(low.others - low.accuracy)
        return f"随机种子之间差别很大：它的实验 {low.trial} 在验证集上比其余种子的平均低 {gap} {self.unit}。"

    def ahead_unconfirmed(self, settings: str, accuracy: float, recommended: float, trials: Sequence[int]) -> str:
        return (
            f"{strong('后来训练、未经确认')}：{settings}（实验 {trial_list(trials)}）在验证集上为 "
            f"{self.measured(accuracy)}，推荐配置为 {self.measured(recommended)}。"
            "确认只做一次，当时还没有它；可以另建一个研究，以它为基线来确认。"
        )

    def nothing_learned(self, settings: str, found: NothingLearned, n: int, commonest: str | None) -> str:
        has = "答对" if self.scale.counts_right_answers else f"的{self._noun}为"
        bar = "未训练的模型" if found.bar_is == "untrained" else "始终回答最常见类别"
        bar += f"（{clean(commonest)}）" if commonest and found.bar_is == "commonest" else ""
        return (
            f"{strong('没有证据表明有配置学会了任务')}，因此不推荐任何配置。领先的配置（{self._leads_by()}：{settings}）"
            f"在 {count(n)} 个验证样本上{has} {self.measured(found.accuracy)}"
            f"（校正选择偏差后的 95% 置信区间 {self.score_range(*found.corrected_interval)}）；"
            f"{bar}{has} {self.measured(found.bar)}。"
        )

    def other_seeds(self, accuracy: float, n: int) -> str:
        which = "另一个随机种子" if n == 1 else f"另外 {n} 个随机种子平均"
        return f"在同样的样本上，它的{which}为 {self.measured(accuracy)}。"

    def would_help(self, found: NothingLearned, n_answers: int | None) -> str:
        ways = []
        if found.still_falling is not None:
            before, after = (number(loss) for loss in found.still_falling)
            ways.append(
                f"加大训练量，因为训练损失到最后仍在下降（每 token：第三个四分之一 {before}，最后四分之一 {after}）："
                "增加 epoch、增加训练数据或提高学习率"
            )
        else:
            ways.append("增加训练数据或 epoch，或改用其他学习率")
        if n_answers is not None:
            ways.append(f"改用 `metric: choice`，不生成文字，而在 {n_answers} 个答案中取概率最高的一个")
        ways.append("换数据，或换更大的基座模型")
        return f"{strong('可以尝试')}：{'；'.join(ways)}。"

    def stopped_early(self) -> str:
        return (
            "此时再比较其他设置没有意义，研究到此停止；"
            "如仍要继续，请在研究文件里写 `floor: go_on`，再用 `tunebook run`。"
        )

    def by_loss(self, effects: Sequence[tuple[str, float, tuple[float, float]]]) -> str:
        parts = [
            f"{gap(what).lstrip()}{effect:+.3g}（{low:+.3g} 至 {high:+.3g}）" for what, effect, (low, high) in effects
        ]
        return (
            f"{strong('从损失看')}（每样本，与各自的对照相比，越低越好；括号内为 95% 置信区间）：{'；'.join(parts)}。"
        )

    def confirmed_gain(self, gain: Gain, counts_right: bool, unused: bool) -> str:
        fresh = "从未用过的 " if unused else " "
        text = self._gain_on(gain, counts_right, fresh, "测试", "新随机") + self._provisional(gain)
        return text if gain.told_apart else text + "这一差异与零无法区分。"

    def untrained(self, accuracy: float, baseline: tuple[float, float] | None) -> str:
        told = f"在同样的样本上，未训练的模型为 {self.measured(accuracy)}"
        if baseline is None:
            return f"{told}。"
        return (
            f"{told}，{strong('基线低于未训练的模型')}（基线自身的 95% 置信区间 {self.score_range(*baseline)}）："
            "按基线训练会使模型变差，提高的一部分只是弥补这一点。"
        )

    def shown_before(self, round_heading: str, on_test: bool) -> str:
        where = "测试集" if on_test else "新随机种子"
        return f"{strong('未能确认')}：{round_heading}曾在验证集上证实有提升，{where}没有显示这一提升。"

    def confirmation_broke(self, what: str, n: int, of: int, ways: Sequence[str]) -> str:
        how = "或".join(BROKEN_WAYS[way] for way in ways)
        share = f"{of} 个新随机种子全部{how}" if n == of else f"{of} 个新随机种子中有 {n} 个{how}"
        return f"{strong('确认失败')}：此前领先的{gap(what).rstrip()}，{share}。"

    def confirmation_worse(self, what: str, gain: Gain, counts_right: bool, on_test: bool) -> str:
        told = self._gain_on(gain, counts_right, " ", "测试" if on_test else "验证", "新随机")
        return f"{strong('确认失败')}：此前领先的是{gap(what).rstrip()}。{told}"

    def against_runner_up(self, what: str, gain: Gain, counts_right: bool, *, on_test: bool, unused: bool) -> str:
        fresh = "从未用过的 " if unused else " "
        told = self._gain_on(gain, counts_right, fresh, "测试" if on_test else "验证", "新随机")
        text = f"按同一规则次优的是{gap(what).rstrip()}。{told}"
        return text if gain.told_apart else text + "这一差异与零无法区分。"

    def baseline_alone(self, accuracy: str, untrained: float | None, on_test: bool) -> str:
        where = "测试集" if on_test else "验证集"
        without = "" if untrained is None else f"，未训练的模型为 {self.measured(untrained)}"
        return f"用新随机种子，它在{where}上是 {accuracy}{without}；没有其他配置可以与它比较。"

    def validation_gain(self, gain: Gain, counts_right: bool) -> str:
        text = self._gain_on(gain, counts_right, " ", "验证", "随机") + self._provisional(gain)
        return text if gain.told_apart else text + "这一差异与零无法区分。"

    def measured_accuracy(self, raw: float, n: int) -> str:
        seeds = f"选中它所依据的 {n} 个随机种子" + ("" if n == 1 else "的平均")
        return f"它的验证{self._noun}是 {self.measured(raw)}（{seeds}）。"

    def corrected_accuracy(self, corrected: float, interval: tuple[float, float]) -> str:
        said = f"{self.measured(corrected)}（95% 置信区间 {self.score_range(interval[0], interval[1])}）"
        return f"它因得分高而被选中，这一{self._noun}校正选择偏差后是 {said}。"

    def not_confirmed(self, has_test: bool) -> str:
        return "尚未在测试集上确认。" if has_test else "没有测试集，因此没有在未参与挑选的样本上确认。"

    def tested_alone(self, accuracy: str) -> str:
        return f"用新随机种子，它在测试集上是 {accuracy}；基线在那里没有得出结果的实验，因此差距无从得知。"

    def cheaper(self, what: str, margin: float, price: Price) -> str:
        costs = self._price(price)
        shown = f"已证实最多比最优配置{self._worse} {self.exactly(margin)} {self.unit}（您的容差）"
        return f"{strong('效果相当且更省')}：{what} {shown}{'；' + costs if costs else ''}。"

    def cheapest_is_best(self) -> str:
        return f"{strong('更省的配置')}：尚未发现效果相当而更省的配置。"

    def nothing_cheaper_near(self, margin: float) -> str:
        within = f"与最优的差距都超过您的容差（{self.exactly(margin)} {self.unit}）"
        return f"{strong('更省的配置')}：试过的更省的配置里，{within}。"

    def not_shown_as_good(self, what: str, worse_by: float | None, price: Price) -> str:
        costs = self._price(price)
        worse = "" if worse_by is None else f"，最多可能{self._worse} {self.size(worse_by)} {self.unit}"
        lead = f"{strong('更省的配置')}：尚未发现效果相当而更省的配置。"
        return f"{lead}最省的候选是{gap(what).rstrip()}{worse}{'；' + costs if costs else ''}。"

    def unknown_factor(self, factor: str, nothing_above: float) -> str:
        return factor if nothing_above >= 1 else f"{factor}（至多 {self.size(nothing_above)} {self.unit}）"

    def unknown_factors(self, factors: Sequence[str], settle: str) -> str:
        return f"{gap(self.listed(factors)).lstrip()}是否有影响{'；' + settle if settle else ''}。"

    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str:
        difference = f"（{self.change(finding.effect)}）"
        return f"{gap(what).lstrip()}与{gap(against)}是否不同{difference}：{self.settle(finding)}。"

    def not_varied(self, factors: Sequence[str], settings: Sequence[str]) -> str:
        them = "它" if len(factors) == 1 else "它们"
        named = gap("、".join(factors)).lstrip()
        return f"{named}是否有影响：得出结果的实验都没有改动{them}，都是{gap('、'.join(settings)).rstrip()}。"

    def beyond(self, edges: Sequence[tuple[str, str, bool]]) -> str:
        sides = ((factor, "高于" if is_highest else "低于", level) for factor, level, is_highest in edges)
        parts = [f"{gap(factor).lstrip()}{side} {level} 时" for factor, side, level in sides]
        return f"{'、'.join(parts)}是否更好：最优取在试过的边缘，再往外没有试过。"

    def unseen(self, effect: float) -> str:
        return f"约 {self.size(effect)} {self.unit}以下的差异：本研究常会漏掉。"

    # The table of facts

    def device_fact(self, name: str, memory_bytes: float | None, system: str) -> str:
        memory = f"内存 {bytes_text(memory_bytes)}" if memory_bytes else ""
        cores = re.sub(r", (\d+) cores?\b", r"，\1 核", name)
        return clean("，".join(filter(None, [cores, memory, system])))

    def model_fact(
        self, name: str, revision: str, parameters: float | None, quantization: str, dtype: str, engine: str
    ) -> str:
        size = ""
        if parameters:
            large = parameters >= 1e8
            size = f"{number(parameters / (1e8 if large else 1e4))} {'亿' if large else '万'}参数"
        parts = [name, f"版本 {revision}" if revision else "", size, self.weights_kept(quantization), dtype]
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
        tail = "各数据集之间可能有重复（data.allow_overlap）" if facts["overlap"] else "各数据集之间没有重复"
        text = f"{'，'.join(parts)}；{tail}"
        if facts.get("task"):
            text += f"；评分用 {self.task_fact(facts['task'])}"
        if facts.get("split_off"):
            text += "；验证集按种子从训练数据中分出"
        if facts.get("truncated"):
            text += (
                f"；{count(facts['truncated'])} 条训练数据在 {self.length(facts['length'], facts['in_words'])}处截断"
            )
        return "；".join([text, *(sentence.rstrip("。") for sentence in facts.get("warnings", ()))])

    def plugin(self, kind: str, name: str, package: str) -> str:
        return f"{PLUGIN_KINDS.get(kind, kind)} {name}（{package}）"

    def reference_fact(
        self, base: float | None, commonest: float | None, answer: str | None, on_test: float | None = None
    ) -> str:
        parts = []
        if base is not None:
            also = "" if on_test is None else f"，测试集 {self.measured(on_test)}"
            parts.append(f"不加适配器的基座模型：验证集 {self.measured(base)}{also}")
        if commonest:
            quoted = f"（{clean(answer)}）" if answer else ""
            parts.append(f"始终回答最常见类别{quoted}：验证集 {self.measured(commonest)}")
        return "；".join(parts)

    def answers_failed(self, role: str, n: int, counts: Mapping[str, int]) -> str:
        parts = [f"{count} 个{self.label(f'failed_{kind}')}" for kind, count in counts.items()]
        return f"{self.label(role)}：{n} 个回答中，{self.listed(parts) or '没有失败的'}。"

    def noise_fact(self, deviation: float, degrees: float, from_prior: bool) -> str:
        if from_prior:
            return f"各配置都只有一个随机种子：假定随机种子间相差 {self.size(deviation)} {self.unit}，判断都是暂定的"
        text = f"同样的设置换随机种子，相差 {self.size(deviation)} {self.unit}（标准差，{degrees:.3g} 个自由度）"
        if degrees < PROVISIONAL_DF:
            prior = self.size(SEED_DEVIATION_PRIOR)
            text += f"；自由度太少，区间按假定的 {prior} {self.unit}补足到 {PROVISIONAL_DF} 个"
        return text

    def detectable_fact(self, by_round: Mapping[str, float], smallest_margin: float, margin: float) -> str:
        seen = "、".join(f"{ROUNDS[RoundKind(k)]}轮 {self.size(v)} {self.unit}" for k, v in by_round.items() if v < 1)
        text = f"{seen}的差异有 80% 的概率被检出，更小的差异常会漏掉。" if seen else ""
        if smallest_margin >= 1:
            return text + "无法证实任何两个配置效果相当"
        text += f"两个配置效果相当，最多只能证实到相差 {self.size(smallest_margin)} {self.unit}以内"
        if smallest_margin > margin:
            text += f"；您的容差是 {self.exactly(margin)} {self.unit}，在这个范围内无法证实相当"
        return text

    def cost_remark(self) -> str:
        return (
            "步数与 token 数为实际计数，括号内为基线的倍数。单独运行的用时与内存，按本引擎在开始时测得的速度预测。"
            "“用时（分摊）”包括训练和评测，是并行实验各自分摊的实际时间，机器上可能还有其他任务。"
        )

    def cost_fact(self, spent: Spent) -> str:
        parts = [f"训练正常 {spent.counts['trained']} 个"]
        parts += [
            f"{word} {spent.counts[key]} 个"
            for key, word in (
                ("broke", "训练失败"),
                ("checkpoints", "中间检查点"),
                ("failed", "出错"),
                ("cancelled", "取消"),
                ("stopped", "提前停止"),
            )
            if spent.counts[key]
        ]
        text = f"共 {spent.counts['all']} 个实验（{'，'.join(parts)}）"
        if spent.counts["folded"]:
            text += f"，另有 {spent.counts['folded']} 个与其他实验等价，无需训练"
        if spent.computed_tokens and spent.steps:
            text += f"：训练计算 {count_text(spent.computed_tokens)} 个 token，{spent.steps:,} 步"
            text += f"（逐个训练为 {count_text(spent.raw_tokens)} 个）" * (spent.raw_tokens > spent.computed_tokens)
        passed = "模拟世界中的时间" if spent.is_simulated else "实际经过的时间，含机器上其他任务的影响"
        text += f"；设备用时 {self.duration(spent.seconds)}（{passed}）"
        if spent.processor_seconds >= 1:
            text += f"，处理器时间 {self.duration(spent.processor_seconds)}"
        if spent.ahead_seconds >= 1:
            text += "；" + self.trained_ahead(spent.ahead_seconds, spent.n_taken_ahead)
        if spent.one_by_one:
            text += "；" + self._one_by_one(spent.one_by_one)
        return text + (f"；费用 {spent.price:,.2f}" if spent.price is not None else "")

    def _one_by_one(self, spent: OneByOne) -> str:
        here, peft = (span(*map(self.duration, seconds)) for seconds in (spent.here, spent.peft))
        told = f"逐个训练：用本引擎约 {here}，用 PEFT 和 Trainer 约 {peft}"
        if here == peft:
            told = f"逐个训练约需 {here}"
        if spent.peft[0] == spent.peft[1]:
            return told
        return f"{told}（分别按开始时测得的速度和研究期间的速度计算，期间机器负载有变化）"

    def reading_fact(self) -> str:
        return (
            "结果后的括号是其自身的 95% 置信区间；差值后的括号是该轮所有差值的同时置信区间。"
            "“无法区分”只表示未检出差异，并不表示没有差异"
        )

    def error_fact(self, design: str = "one_factor", outside: Sequence[int] = ()) -> str:
        shares = {
            "balanced": "探索 4%，确认 1%，其间各轮不下结论",
            "model": "全部用于确认，此前各轮不下结论",
        }.get(design, "首轮 2%，细化 1%，组合 0.5%，探边界 0.5%，确认 1%")
        return (
            "整份记录的判定中出现任一误报的概率不超过 5%，注明“仅作描述”的内容不在其内；"
            f"这 5% 按轮分配（{shares}），差值后的区间按该轮分到的错误率计算" + self._rounds_outside(outside)
        )

    def _rounds_outside(self, numbers: Sequence[int]) -> str:
        if not numbers:
            return ""
        return (
            f"。第 {trial_list(numbers)} 轮不在其内：这类轮次的份额此前已经用完，或者是看到结果后添加的实验；"
            "这些轮次各自按同类轮次的份额判定，自己添加的实验为 2%"
        )

    def alpha_fact(self, rule: str) -> str:
        return (
            "改变 rank 时保持 alpha/r 不变：这里无法分开 rank 与 alpha 的作用"
            if rule == "proportional"
            else "改变 rank 时保持 alpha 不变，因此 alpha/r 随 rank 增大而减小"
        )

    def defaults_fact(self, names: Sequence[str]) -> str:
        return "研究文件未给出，取 PEFT 与 Trainer 的默认值：" + "、".join(names)

    # Pieces

    def _gain_on(self, gain: Gain, counts_right: bool, fresh: str, split: str, seeds: str) -> str:
        what = "答对" if counts_right else f"的{self._noun}为"
        is_relative = gain.relative is not None and self.scale.in_points
        relative = f"；相对 {(gain.relative or 0.0) * 100:+.0f}%" if is_relative else ""
        level = self.percent(gain.level, 0 if gain.level < 0.995 else 1)
        named = "" if is_empty(gain.interval) else f"{level} 同时置信区间 "
        difference = (
            f"{strong(f'{self.change(gain.effect)} {self.unit}')}（{named}{self.range(gain.interval)}{relative}）"
        )
        mine, theirs = gain.seeds
        used = f"各用 {mine} 个{seeds}种子" if mine == theirs else f"{mine} 个{seeds}种子对 {theirs} 个"
        return (
            f"在{fresh}{count(gain.n_examples)} 个{split}样本上，它{what} {strong(self.measured(gain.accuracy))}，"
            f"基线为 {self.measured(gain.baseline_accuracy)}：{difference}，{used}。"
        )

    def _provisional(self, gain: Gain) -> str:
        return "暂定：估计噪声所用的随机种子太少。" if gain.provisional else ""

    def _price(self, price: Price) -> str:
        parts = []
        if price.work is not None and times(price.work) != times(1):
            parts.append(f"训练计算量为最优的 {fold(price.work)}")
        if size := self.told_apart(price.size, price.best_size, bytes_text):
            parts.append(f"适配器 {size[0]}（最优 {size[1]}）")
        return "，".join(parts)

    def settle(self, finding: Finding) -> str:
        if not finding.is_tested:
            return "只有一个种子，仅作描述，不作检验；检验须双方各有两个种子"
        ways = []
        if finding.examples_needed:
            ways.append(f" {about(finding.examples_needed)} 个样本")
        if finding.seeds_needed:
            ways.append(f"双方各 {finding.seeds_needed} 个随机种子")
        return f"总共约需{'或'.join(ways)}才能定论" if ways else "单把样本或单把随机种子增到二十倍，也无法定论"
