"""What the record's first page says beside the answer, and the sentence under each figure, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.findings import DescribedFactor, DescribedLevel, Finding, Importance, Verdict
from tunebook.words.chinese.common import ChinesePieces, fold, gap
from tunebook.words.marks import strong
from tunebook.words.numbers import number, rate, signed, value
from tunebook.words.shared import MOST_NAMED

__all__ = ["ChinesePage"]


class ChinesePage(ChinesePieces):
    """The factors, what to do next, the classes, and the figures' sentences."""

    def importance_line(self, ranked: Sequence[Importance], below: Sequence[str]) -> str:
        if not ranked:
            return "在试过的范围内，各参数的影响都在噪声之内。"
        parts = [f"{strong(self.factor(i.factor))}（{self._weight(i)}）" for i in ranked]
        rest = f"；影响在噪声之内：{'、'.join(map(self.factor, below))}" if below else ""
        return f"参数重要性（按扣除噪声后解释的方差占比）：{' > '.join(parts)}{rest}。换一个取值范围，次序可能不同。"

    def described_line(self, factors: Sequence[DescribedFactor]) -> str:
        told = [
            f"{strong(self.factor(f.factor))}（{value(f.factor, f.own)} 改为 {value(f.factor, f.worst.level)}："
            f"{self.described_level(f.worst)}）"
            for f in factors
            if f.matters
        ]
        rest = [f for f in factors if not f.matters]
        most = self.percent(max((f.at_most for f in rest), default=0.0), 0)
        text = (
            "各参数的作用在这里只是描述，没有检验：用全部实验的验证损失拟合一个模型，估计在最优配置上只改一个参数时，"
            "损失会怎样变化。"
        )
        if told:
            text += f"按重要性排列：{' > '.join(told)}。"
        if rest:
            named = gap("、".join(self.factor(f.factor) for f in rest)).lstrip() if told else "各参数"
            text += f"{named}的影响不能与零区分，换用其他取值时损失的变化最多可能达到 {most}。"
        return text + "离最优配置较远时，次序可能不同。"

    def too_few_to_describe(self) -> str:
        return "训练到底的实验太少，无法描述各参数的作用；也没有一轮检验过。"

    def accuracies_point_elsewhere(self, level: str, change: float) -> str:
        return f"但直接比较时（验证集，全部随机种子），{level} 使{self._noun}变化 {self.change(change)} {self.unit}"

    def described_level(self, level: DescribedLevel) -> str:
        low, high = (signed(100 * end, 0) for end in level.interval)
        points = ""
        if level.difference is not None:
            points = f"，约合 {self.change(level.difference)} {self.unit}"
        return f"损失 {signed(100 * level.change, 0)}%（{low}{self.to}{high}）{points}"

    def _weight(self, i: Importance) -> str:
        low, high = i.rank_interval
        place = f"第 {i.rank} 位" + ("" if low == high else f"，95% 区间 {low} 至 {high}")
        return f"{self.percent(i.share, 0)}，{place}，{self.percent(i.first_share, 0)} 的重抽样中居首"

    def against_baseline(self, verdict: Verdict, items: Sequence[tuple[str, float]], margin: float) -> str:
        named = [what if effect != effect else f"{what}（{self.change(effect)}）" for what, effect in items]
        who = "、".join(named[:MOST_NAMED]) + (f"等 {len(named)} 个" if len(named) > MOST_NAMED else "")
        subject, m = gap(who).lstrip(), f"{self.exactly(margin)} {self.unit}"
        return {
            Verdict.BETTER: f"{subject}优于基线",
            Verdict.WORSE: f"{subject}劣于基线",
            Verdict.EQUIVALENT: f"{subject}与基线相差不超过 {m}",
            Verdict.NOT_INFERIOR: f"{subject}最多比基线{self._worse} {m}",
            Verdict.DIVERGED: f"{subject}训练失败",
            Verdict.INCONCLUSIVE: f"{subject}无法与基线区分",
        }[verdict]

    def of_factor(self, factor: str, parts: Sequence[str]) -> str:
        return f"{strong(self.factor(factor))}：{'；'.join(parts)}。"

    def found_elsewhere(self, parts: Sequence[str]) -> str:
        return "；".join(parts) + "。"

    def short_found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        m, subject, other = f"{self.exactly(margin)} {self.unit}", gap(what).lstrip(), gap(against).rstrip()
        claim = {
            Verdict.BETTER: f"{subject}优于{other}",
            Verdict.WORSE: f"{subject}劣于{other}",
            Verdict.EQUIVALENT: f"{subject}与{gap(against)}相差不超过 {m}",
            Verdict.NOT_INFERIOR: f"{subject}最多比{gap(against)}{self._worse} {m}",
            Verdict.DIVERGED: f"{subject}训练失败",
            Verdict.INCONCLUSIVE: f"{subject}对{other}",
        }[finding.verdict]
        where = "在测试集上，" if finding.split == "test" and finding.verdict is not Verdict.DIVERGED else ""
        number_ = "" if finding.effect != finding.effect else f"（{self.change(finding.effect)}）"
        return f"{where}{claim}{number_}"

    def no_effect_above(self, above: float) -> str:
        return "随机种子太少，检不出影响" if above >= 1 else f"未证实，至多 {self.size(above)} {self.unit}"

    def share_of(self, share: float) -> str:
        return f"解释 {self.percent(share, 0)} 的方差；没有单独比较"

    def good_levels(self, low: str, high: str, edge: str, alone: bool) -> str:
        span = low if low == high else f"{low}～{high}"
        tried = "单独试过的" if alone else "试过的"
        if edge == "all":
            return f"{span}（{tried}全部）"
        end = f"{high if edge == 'highest' else low} 是" if low != high else ""
        return f"{span}（{end}{tried}最{'高' if edge == 'highest' else '低'}值）" if edge else span

    def added_by_you(self, what: str) -> str:
        return f"自行添加的{gap(what).rstrip()}"

    def open_effect(self, what: str, against: str, finding: Finding) -> str:
        low, high = map(self.change, finding.interval)
        difference = f"{gap(what).lstrip()}与{gap(against)}之差"
        return f"{difference}：{self.change(finding.effect)}（{low}{self.to}{high}），未证实"

    def advice(self, how: str, level: str) -> str:
        return {
            "use": f"使用 {level}",
            "leads": f"最优配置用 {level}；单独尚未证实有用",
            "keep": f"保持 {level}；尚未证实有更好的取值",
            "keep_alone": f"保持 {level}；其他取值单独改动时更好，与其他改动合用尚未证实",
        }[how]

    def strategy(
        self, order: Sequence[str], span: tuple[str, str] | None, failed_at: float | None, leave: Sequence[str]
    ) -> str:
        steps = []
        if order:
            steps.append(f"先调{gap('、'.join(order)).rstrip()}")
        if span is not None:
            steps.append(f"学习率取 {span[0]}～{span[1]}" if span[0] != span[1] else f"学习率从 {span[0]} 开始")
        if failed_at is not None:
            steps.append(f"不要达到 {rate(failed_at)}（训练失败）")
        if leave:
            steps.append(f"{gap('、'.join(leave)).lstrip()}可以放到最后（影响在噪声之内）")
        return f"{strong('调参策略（如再调一次）')}：{'；'.join(steps)}。"

    def wisdom(self, code: str, level: str, finding: Finding) -> str:
        rule = {
            "rate_high": "LoRA 的学习率通常取 1e-4～3e-4",
            "rank_more": "通常认为 rank 越大越好",
            "epochs_more": "通常认为多训练几个 epoch 更好",
            "dropout_more": "通常认为数据少时 dropout 有帮助",
            "batch_more": "通常认为批大小越大训练越稳",
        }[code]
        word = "优于" if finding.verdict is Verdict.BETTER else "劣于"
        return (
            f"{strong('与通常经验不同')}：{rule}；这里{gap(level)}已证实{word}基线"
            f"（{self.change(finding.effect)} {self.unit}）。"
        )

    def classes_lead(self, split: str, n_trials: int) -> str:
        return f"最优配置在{split}上的回答，{n_trials} 个实验的平均：行为标准答案，列为给出的回答，格内为样本数。"

    def by_class_lead(self, split: str, is_compared: bool) -> str:
        if not is_compared:
            return f"{split}上的结果。"
        return f"{split}上的结果；“新答对、新答错”与基线相比，逐个随机种子配对后取平均。"

    def groups_lead(self, split: str, has_verdicts: bool, is_compared: bool) -> str:
        if not is_compared:
            return f"{split}上的各组{self._noun}。"
        text = f"{split}上的各组{self._noun}；“新答对、新答错”与基线相比，逐个随机种子配对后取平均。"
        return text + (
            "只有给出判断的地方，组内差别才有结论。" if has_verdicts else "组内样本太少，不作判断，差值仅作描述。"
        )

    # Under the figures

    def says_effects(self, better: int, worse: int, open_: int, to_baseline: bool) -> str:
        n = better + worse + open_
        names = ("优于基线", "劣于基线") if to_baseline else ("更好", "更差")
        parts = [f"{k} 项{what}" for k, what in zip((better, worse, open_), (*names, "无法区分"), strict=True) if k]
        return f"{'与基线的' if to_baseline else '共'} {n} 项比较：{'，'.join(parts)}。"

    def says_rate(self, spot: tuple[str, str] | None, failed_at: float | None) -> str:
        low, high = spot or ("", "")
        best = f"{low} 最好" if low == high else f"{low}～{high} 最好，彼此无法区分"
        fails = "" if failed_at is None else f"{rate(failed_at)} 时训练失败"
        told = "；".join(filter(None, [best if spot else "", fails]))
        return f"{told}。" if told else ""

    def says_loss(self, trial: int, epoch: float, loss: float) -> str:
        return f"实验 {trial}，epoch {epoch:.3g}：{number(loss)}"

    def says_importance(self, factor: str | None, share: float) -> str:
        if factor is None:
            return "各参数的影响都在噪声之内。"
        return f"{self.factor(factor)}解释了扣除噪声后方差的 {self.percent(share, 0)}。"

    def says_curve(self, trend: str, values: tuple[float, float] | None) -> str:
        if trend == "rose" and values is not None:
            return f"已经过拟合：验证损失从 {number(values[0])} 回升到 {number(values[1])}（每 token）。"
        if values is not None:
            fell = f"训练损失在最后两个四分之一段从 {number(values[0])} 降到 {number(values[1])}（每 token）"
            if trend == "falls":
                return f"仍在学习：{fell}，验证损失没有明显回升。"
            return f"对训练数据的拟合仍在变好：{fell}。是否过拟合不清楚：训练途中没有记录验证损失。"
        return "已趋于平稳：最后既没有明显下降，也没有回升。"

    def says_curves_differ(self, fell: int, rose: int, trials: int) -> str:
        seen = ((fell, "训练损失到最后仍在下降"), (rose, "验证损失回升"))
        parts = [f"{'全部 ' if n == trials else ''}{n} 次{what}" for n, what in seen if n]
        return f"{trials} 次训练的情况不一致：{'，'.join(parts)}。"

    def says_curves(self, trained: int, broke: int) -> str:
        return f"{trained} 个实验训练正常，{broke} 个训练失败。"

    def says_cost(self, gain: float, work: float) -> str:
        return f"最优配置与基线相差 {self.change(gain)} {self.unit}，训练计算量为基线的 {fold(work)}。"

    def says_trade_off(self, other: str, n: int, best: tuple[str, str], ends: tuple[str, str]) -> str:
        noun = gap(self.measure)
        first, last = (f"{noun}为 {end[0]}、{gap(other).lstrip()}为 {end[1]}" for end in (best, ends))
        both = f"{noun}和{gap(other)}".rstrip()
        return f"兼顾{both}，有 {n} 个配置没有被其他配置全面超过：从{first}，到{last}。"

    def says_rounds(self, heading: str, gain: float) -> str:
        return f"领先者在“{heading}”提高最多：{self.change(gain)} {self.unit}。"

    def says_first_round(self, accuracy: float) -> str:
        return f"第一轮就找到了领先者（{self.measured(accuracy)}），后面各轮没有再提高。"

    def says_confirmed(self, before: float, after: float) -> str:
        return f"挑选时为 {self.measured(before)}，换用新随机种子为 {self.measured(after)}。"

    def says_timeline(self, trials: int, slots: int, is_beside: bool) -> str:
        return f"{trials} 个实验，{slots} 个并行槽。" + "并行槽下方是该设备在自己的实验之外所做的。" * is_beside
