"""The record in Chinese, in the words of those who write such records by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.findings import DivergenceBracket, Finding, Importance, Interaction, MoreMoney, SweetSpot, Verdict
from tunebook.core.stats.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.core.study import ContrastKind, Cut, Purpose, RoundKind, TrialState
from tunebook.record.numbers import about, bound, count, margin_text, number, percent, points, rate, trial_list, value
from tunebook.record.text import clean, strong
from tunebook.record.words.base import Ending, Gain, Words, change_text
from tunebook.record.words.chinese_labels import FACTORS, LABELS

__all__ = ["Chinese"]

_NUMERALS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十")

_GOALS = {
    RoundKind.REFERENCE: "未训练的模型和“总答最常见答案”各得多少分？",
    RoundKind.TABLE: "给定表格里的各个配置与基线相比如何？",
    RoundKind.EXPLORE: "找出哪些参数真正有影响，以及合理范围。",
    RoundKind.REFINE: "在留下的区间里，最好的取值在哪里？",
    RoundKind.COMBINE: "各个有效的改动合在一起，效果能相加，还是会互相影响？",
    RoundKind.BOUNDARY: "推到多远会崩溃，或者不再划算？",
    RoundKind.CONFIRM: "换上新种子和从未用过的样本，结论还成立吗？",
}
_ROUNDS = {
    RoundKind.REFERENCE: "参照",
    RoundKind.TABLE: "给定的表格",
    RoundKind.EXPLORE: "全面探索",
    RoundKind.REFINE: "细化",
    RoundKind.COMBINE: "组合",
    RoundKind.BOUNDARY: "探边界",
    RoundKind.CONFIRM: "确认",
}
_PURPOSES = {
    Purpose.REFERENCE: "参照",
    Purpose.BASELINE: "基线",
    Purpose.LEVEL: "单参数",
    Purpose.BRACKET: "选学习率",
    Purpose.CHOSEN: "选定学习率后",
    Purpose.TABLE: "给定表格",
    Purpose.REFINE: "细化",
    Purpose.COMBINE: "组合",
    Purpose.BOUNDARY: "探边界",
    Purpose.CONFIRM: "确认",
}
_STATES = {
    TrialState.PLANNED: "待运行",
    TrialState.RUNNING: "运行中",
    TrialState.COMPLETED: "完成",
    TrialState.DIVERGED: "发散",
    TrialState.COLLAPSED: "坍缩",
    TrialState.FAILED: "失败",
}
_FOLDS = {
    "batch_split": "有效批大小相同，数学上是同一回事。",
    "gradient_checkpointing": "梯度检查点只影响显存和时间，不影响结果。",
    "rslora": "rsLoRA 只是这个 alpha 的另一种写法。",
    "warmup": "恒定学习率没有预热，是同一调度的另一种写法。",
    "checkpoint": "是更长实验的中间检查点：训练一次，评分两次。",
}
_CUTS = {
    "bracket_ends": "学习率搜索的两端",
    "bracket": "学习率搜索",
    "middle_levels": "中间取值",
    "minor_boundary": "次要参数的边界",
    "second_seeds": "第二个种子",
    "baseline_seeds": "基线的种子",
    "whole_round": "整轮",
    "end_levels": "两端取值",
    "factors": "全部取值",
    "cheapest": "最省配置的确认",
    "confirm_seeds": "确认轮的种子",
}
_REASONS = {
    "non_finite_loss": "损失不再是有限数值",
    "non_finite_gradient": "梯度不再是有限数值",
    "loss_rose": "训练损失持续高于起始值的 1.5 倍",
    "worse_than_untrained": "训练后的验证损失高于未训练的模型",
    "constant_answer": "90 % 以上的样本得到同一个回答",
    "unparsable_answers": "90 % 以上的样本没有可用的回答",
}
_NOT_REFINED = {
    "not_explored": "没有探索过",
    "no_effect_seen": "没有看到影响",
    "no_level_helped": "没有取值被证实有效",
    "no_room_between_levels": "取值之间没有余地",
}
_WARNINGS = {
    "treatment_trials_failed": "它有部分实验无法训练，结论不含这些实验。",
    "control_trials_failed": "对照一方有部分实验无法训练，结论不含这些实验。",
    "control_diverged": "对照一方没有训练成功。",
    "no_outcomes": "没有可比较的结果。",
    "exploratory": "不在计划的比较之内：不计入研究的错误率。",
    "unequal_noise": "该配置的种子间差异大于其他配置，按其自身的噪声判断。",
    "correlated_examples": "相邻样本彼此相关，区间已相应放宽。",
    "alpha_over_r_constant": "alpha/r 不变：秩与 alpha 的作用无法分开。",
    "treatment_replicates_diverged": "部分种子没有训练成功，未计入估计：结果只对训练成功的种子成立。",
    "control_replicates_diverged": "对照一方有部分种子没有训练成功，未计入估计。",
}


class Chinese(Words):
    language = "zh"
    labels = LABELS
    factor_names = FACTORS
    sentence_gap = ""
    title_gap = "："

    def setting(self, name: str, level: Any) -> str:
        if name == "num_train_epochs":
            return f"{level} 个 epoch"
        if name == "use_rslora":
            return "使用 rsLoRA" if level else "不用 rsLoRA"
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

    def accuracy(self, mean: float, interval: tuple[float, float] | None) -> str:
        return super().accuracy(mean, interval).replace(" （", "（")

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
        return _PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        return _STATES[state]

    # The opening

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
        what = "答对" if counts_right else "平均得分"
        fresh = "从未用过的 " if unused else " "
        text = (
            f"在{fresh}{count(gain.n_examples)} 个测试样本上，它{what} {strong(percent(gain.accuracy))}，"
            f"基线为 {percent(gain.baseline_accuracy)}：{self._gain(gain)}，{self._seeds(gain.seeds, '新')}。"
        )
        return text if gain.told_apart else text + "这个差与零无法区分。"

    def shown_before(self, round_heading: str) -> str:
        return f"{round_heading}曾在验证集上证实它更好；测试集没有确认这一点。"

    def validation_gain(self, gain: Gain, counts_right: bool) -> str:
        what = "答对" if counts_right else "平均得分"
        text = (
            f"在 {count(gain.n_examples)} 个验证样本上，它{what} {strong(percent(gain.accuracy))}，"
            f"基线为 {percent(gain.baseline_accuracy)}：{self._gain(gain)}，{self._seeds(gain.seeds, '')}。"
        )
        if gain.provisional:
            text += "暂定：种子间噪声的估计所依据的种子太少。"
        return text if gain.told_apart else text + "这个差与零无法区分。"

    def corrected_accuracy(self, raw: float, corrected: float, interval: tuple[float, float]) -> str:
        return (
            f"从多个配置里挑出最好的，会高估它：校正后的验证准确率是 {percent(corrected)}"
            f"（95 % 区间 {self.plain_range(interval[0] * 100, interval[1] * 100)}），而不是 {percent(raw)}。"
        )

    def not_confirmed(self, has_test: bool) -> str:
        return "尚未在测试集上确认。" if has_test else "没有测试集，因此没有在未参与挑选的样本上确认。"

    def cheaper(self, what: str, margin: float, time_ratio: float | None, size_ratio: float | None) -> str:
        costs = []
        if time_ratio is not None:
            costs.append(f"训练时间是最优配置的 {percent(time_ratio, 0)}")
        if size_ratio is not None:
            costs.append(f"适配器大小是其 {percent(size_ratio, 0)}")
        tail = f"；{'，'.join(costs)}" if costs else ""
        shown = f"已证实比最优配置差不超过 {margin_text(margin)} 个百分点（您的容差）"
        return f"{strong('同样好且更省')}：{what} {shown}{tail}。"

    def cheapest_is_best(self) -> str:
        return "没有更省的配置被证实同样好。"

    def not_shown_as_good(self, what: str, worse_by: float | None) -> str:
        tail = "" if worse_by is None else f"：它可能差至多 {number(worse_by * 100, 2)} 个百分点"
        return f"{strong('更省的配置')}：未能证实{_gap(what)}同样好{tail}。"

    def not_known(self, items: Sequence[str]) -> str:
        return f"{strong('尚不清楚')}：{'；'.join(items)}。"

    def unknown_factor(self, factor: str, nothing_above: float) -> str:
        return f"{_gap(factor).lstrip()}是否有影响（没有看到 {number(nothing_above * 100, 2)} 个百分点以上的影响）"

    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str:
        numbers = f"{points(finding.effect)}，区间 {self.range(finding.interval)}"
        return f"{what} 与{_gap(against)}是否不同（{numbers}；{self._settle(finding)}）"

    # The table of facts

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
            parts.append(f"不加适配器的基础模型 {percent(base)}")
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
        seen = "，".join(f"{_ROUNDS[RoundKind(k)]} {number(v * 100, 2)}" for k, v in by_round.items())
        text = f"至少这么大的差（百分点，功效 80 %）：{seen}；" if seen else ""
        text += f"能证实相当的最小容差是 {number(smallest_margin * 100, 2)} 个百分点"
        if smallest_margin > margin:
            text += f"，大于您的容差 {margin_text(margin)}：在该容差内无法证实相当"
        return text

    def cost_fact(self, counts: Mapping[str, int], seconds: float, one_by_one: float | None) -> str:
        parts = [f"训练 {counts['trained']} 个"]
        parts += [
            f"{word} {counts[key]} 个"
            for key, word in (("folded", "合并"), ("checkpoints", "取自更长实验的检查点"), ("failed", "失败"))
            if counts[key]
        ]
        text = f"{count(counts['all'])} 个实验（{'，'.join(parts)}），用时 {self.duration(seconds)}"
        return text + (f"；逐个训练约需 {self.duration(one_by_one)}" if one_by_one else "")

    def error_fact(self) -> str:
        return (
            "规则保证：二十个研究里至多一个会作出任何不实的“有差别”的结论；"
            "这 5 % 按轮分配（首轮 2 %，细化 1 %，组合 0.5 %，探边界 0.5 %，确认 1 %）。"
            "表中结果后的括号是它自身的 95 % 区间；差后面的括号是该轮的同时置信区间，水平由该轮的份额决定"
        )

    def alpha_fact(self, rule: str) -> str:
        return (
            "改变秩时保持 alpha/r 不变：这里无法分开秩与 alpha 的作用"
            if rule == "proportional"
            else "改变秩时保持 alpha 不变，因此 alpha/r 随秩增大而减小"
        )

    def defaults_fact(self, names: Sequence[str]) -> str:
        return "研究文件未给出，取 PEFT 与 Trainer 的默认值：" + "、".join(names)

    # Rounds

    def round_heading(self, number: int, kind: RoundKind) -> str:
        return f"第{_numeral(number)}轮：{_ROUNDS[kind]}" if number else "训练之前：参照"

    def found_heading(self, number: int) -> str:
        return f"第{_numeral(number)}轮发现"

    def goal(self, kind: RoundKind, has_test: bool = True) -> str:
        if kind is RoundKind.CONFIRM and not has_test:
            return "换上新种子，结论还成立吗？没有测试集，样本仍是挑选时用过的验证集。"
        return _GOALS[kind]

    def seeds_used(self, baseline: int, others: Sequence[int]) -> str:
        parts = [f"基线 {baseline} 个种子"] if baseline else []
        if others:
            low, high = min(others), max(others)
            parts.append(f"每个配置 {low} 个种子" if low == high else f"每个配置 {low} 至 {high} 个种子")
        return "，".join(parts) + "。" if parts else ""

    def verdict(self, finding: Finding, against: str, margin: float) -> str:
        m = margin_text(margin)
        first = {
            Verdict.BETTER: f"优于{_gap(against).rstrip()}。",
            Verdict.WORSE: f"劣于{_gap(against).rstrip()}。",
            Verdict.EQUIVALENT: f"已证实与{_gap(against)}相差不超过 {m} 个百分点。",
            Verdict.NOT_INFERIOR: f"已证实比{_gap(against)}差不超过 {m} 个百分点。",
            Verdict.INCONCLUSIVE: self._inconclusive(finding, against, m),
            Verdict.DIVERGED: "训练崩溃。",
        }[finding.verdict]
        return self.join([first, *self._limits(finding)])

    def seeds_range(self, accuracies: Sequence[float]) -> str:
        return f"{len(accuracies)} 个种子的范围是 {self.plain_range(min(accuracies) * 100, max(accuracies) * 100)} %。"

    def ending(self, ending: Ending) -> str:
        by_state: dict[TrialState, list[int]] = {}
        for trial, state in ending.states.items():
            if state is not TrialState.COMPLETED:
                by_state.setdefault(state, []).append(trial)
        sentences = [self._ended(state, len(trials), len(ending.states)) for state, trials in by_state.items()]
        if ending.reasons:
            sentences.append("原因：" + "；".join(_REASONS.get(r, clean(r).rstrip(".")) for r in ending.reasons) + "。")
        step, total = ending.steps
        if step is not None:
            of = f"（共 {total} 步）" if total else ""
            losses = f"，损失从 {number(ending.losses[0])} 升到 {number(ending.losses[1])}" if ending.losses else ""
            sentences.append(f"实验 {ending.broke} 在第 {step} 步崩溃{of}{losses}。")
        return self.join(sentences)

    def bracket_row(self, chosen: float | None, learned: bool) -> str:
        if chosen is None:
            return "只用于挑选学习率，不参与任何结论。"
        return f"只用于按验证损失挑选学习率：选定 {rate(chosen)}。这些实验不参与任何结论，结论来自新种子。"

    def no_verdict(self) -> str:
        return "未作比较，不下判断。"

    def checkpoint(self, of: int) -> str:
        return f"取自实验 {of} 的检查点，没有另行训练。"

    def against_other(self, effect: str, against: str) -> str:
        return f"与{_gap(against)}之差为 {effect}。"

    def rates_tried(self, level: str, rates: str) -> str:
        return f"{level}，学习率试了 {rates.replace(', ', '、')}"

    def same_as(self, trials: str) -> str:
        return f"= 实验 {trials}"

    def question(self, kind: ContrastKind, what: str, against: str) -> str:
        return {
            ContrastKind.DIFFERENCE: f"{what}：与{_gap(against)}不同吗？",
            ContrastKind.EQUIVALENCE: f"{what}：与{_gap(against)}相当吗？",
            ContrastKind.NON_INFERIORITY: f"{what}：不比{_gap(against)}差吗？",
        }[kind]

    def failed_trial(self, trial: int, reason: str) -> str:
        return f"实验 {trial} 无法训练：{reason.rstrip('.') or '没有记录原因'}。"

    def still_falling(self, trial: int, before: float, after: float) -> str:
        losses = f"训练的第三个四分之一为 {number(before)}，最后四分之一为 {number(after)}"
        return f"实验 {trial} 的训练损失仍在下降：{losses}。"

    def overfits(self, trial: int, best_epoch: float, best: float, last: float, n: int) -> str:
        seeds = "" if n == 1 else f"{n} 个种子都如此，"
        return (
            f"验证损失降到最低后又回升（{seeds}实验 {trial}：第 {best_epoch:g} 个 epoch 后 {number(best)}，"
            f"结束时 {number(last)}）。"
        )

    def fold(self, reasons: Sequence[str], longest: int | None) -> str:
        sentences = []
        for reason in reasons:
            if reason == "max_length":
                sentences.append(f"没有超过 {longest} 个 token 的样本。" if longest else "没有那么长的样本。")
            else:
                sentences.append(_FOLDS.get(reason, clean(reason)))
        return self.join([*sentences, "没有重复训练。"])

    def cut(self, cut: Cut) -> str:
        of = f"{'、'.join(self.factor(name) for name in cut.factors)}的" if cut.factors else ""
        return f"{of}{_CUTS.get(cut.code, cut.code)}（{cut.count} 个实验）"

    def found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        effect = f"{self.effect(finding)}{'，暂定' if finding.provisional else ''}"
        if finding.split == "test":
            effect += "，在测试集上"
        m = margin_text(margin)
        return {
            Verdict.BETTER: f"{what} 优于{_gap(against).rstrip()}：{effect}。",
            Verdict.WORSE: f"{what} 劣于{_gap(against).rstrip()}：{effect}。",
            Verdict.EQUIVALENT: f"{what} 与{_gap(against)}相差不超过 {m} 个百分点：{effect}。",
            Verdict.NOT_INFERIOR: f"{what} 比{_gap(against)}差不超过 {m} 个百分点：{effect}。",
            Verdict.INCONCLUSIVE: self._open(finding, what, against, m),
            Verdict.DIVERGED: f"{what}：训练崩溃。",
        }[finding.verdict]

    def baseline_at(self, rate_: float) -> str:
        return f"学习率 {rate(rate_)} 的基线"

    def retuned_baseline(self, trials: Sequence[int]) -> str:
        return f"同样重新选过学习率的基线：其他取值与实验 {trial_list(trials)} 比较。"

    def only_whether_it_trains(self) -> str:
        return "只看训练是否成立：成立。"

    def part_of_the_sum(self) -> str:
        return "用来看各项改动的效果能否相加，本身不作判断。"

    def some_seeds(self, trained: int, all_: int) -> str:
        return f"{all_} 个种子中的 {trained} 个"

    def unknown_interactions(self, pairs: Sequence[str]) -> str:
        return f"以下参数之间是否互相影响尚不清楚，因为没有做能说明它的实验：{'；'.join(pairs)}。"

    def versus(self, against: str) -> str:
        return f" 对{_gap(against).rstrip()}"

    def round_cost(self, n: int, seconds: float) -> str:
        return f"{n} 个实验，{self.duration(seconds)}"

    def bracket(self, bracket: DivergenceBracket, where: str = "") -> str:
        lead = f"{_gap(where).lstrip()}时：" if where else ""
        if bracket.lowest_failed is None:
            return (
                f"{lead}试过的学习率都没有让训练失败：直到 {rate(bracket.highest_trained)} 都成立。在哪里崩溃尚不清楚。"
            )
        how = {"diverged": "发散", "collapsed": "坍缩"}.get(bracket.how, "发散或坍缩")
        text = (
            f"{lead}学习率直到 {rate(bracket.highest_trained)}，所有种子都训练成功；"
            f"从 {rate(bracket.lowest_failed)} 起，多数种子{how}（实验 {trial_list(bracket.trials)}）。"
        )
        return text + (
            "两者之间有的种子成功、有的失败：界线并不分明。" if bracket.mixed else "两者之间的情况尚不清楚。"
        )

    # What the study says as a whole

    def sweet_spot(self, spot: SweetSpot) -> str:
        low, high, best = (value(spot.factor, x) for x in (spot.low, spot.high, spot.best))
        span = f"{low} 至 {high}" if low != high else low
        how = "由训练成功的学习率拟合的曲线得出" if spot.fitted else "只是试过的取值，不足以拟合曲线"
        return f"{strong(self.factor(spot.factor))}：{span} 与最优（{best}）无法区分（{how}）。"

    def importance_lead(self, top: Importance | None) -> str:
        if top is None:
            return "在试过的范围内，没有参数的影响超出噪声。"
        return (
            f"在试过的范围内，{strong(self.factor(top.factor))} 最重要"
            f"（{percent(top.first_share, 0)} 的重抽样中居首）。"
            "换一个范围，次序可能不同。"
        )

    def below_noise(self, importance: Importance) -> str:
        return f"{self.factor(importance.factor)}：{self.below(number(importance.nothing_above * 100, 2))}。"

    def below(self, points: str) -> str:
        return f"没有看到 {points} 个百分点以上的影响"

    def interaction(self, interaction: Interaction) -> str:
        a, b = (self.factor(name) for name in interaction.factors)
        if not interaction.known or interaction.effect is None or interaction.interval is None:
            return f"{_gap(a).lstrip()}与{_gap(b)}是否互相影响尚不清楚：没有做能说明它的实验。"
        low, high = interaction.interval
        tail = "两者互相影响" if low > 0 or high < 0 else "未能证实互相影响"
        return (
            f"{_gap(a).lstrip()}与{_gap(b)}同时改动，比各自效果之和多 {points(interaction.effect)} 个百分点"
            f"（{self.range(interaction.interval)}）：{tail}。"
        )

    def tie_set(self, n: int) -> str:
        return f"另有 {count(n)} 个配置与最优无法区分；下表列出各自的开销。"

    def more_money(self, more: MoreMoney) -> str:
        return (
            f"再花钱能换来什么：再做 {more.extra_trials} 个实验，"
            f"主要结论的区间宽度从 {number(more.half_width * 200, 2)} "
            f"缩到 {number(more.half_width_with_trials * 200, 2)} 个百分点；"
            f"再加 {count(more.extra_examples)} 个样本，缩到 {number(more.half_width_with_examples * 200, 2)}。"
        )

    def nothing_open(self) -> str:
        return "所作的比较都有定论。"

    def winners_curse(self, raw: float, corrected: float, confirmed: float | None) -> str:
        text = f"验证准确率实测 {percent(raw)}，校正选择偏差后 {percent(corrected)}"
        return text + (f"，测试集上用新种子得 {percent(confirmed)}。" if confirmed is not None else "。")

    def suspects(self, n: int, n_trials: int, shown: int) -> str:
        if not n:
            return f"没有哪个样本被全部 {n_trials} 个训练成功的实验答错。"
        text = (
            f"有 {count(n)} 个验证样本被全部 {n_trials} 个训练成功的实验答错。"
            "可能是标注有误，也可能是样本太难，需要人工查看。"
            "各实验回答最一致的排在前面。"
        )
        return text + (f"这里列出前 {shown} 个。" if shown < n else "")

    def groups_lead(self, split: str) -> str:
        return f"{split}上的各组准确率。组内样本少；只有给出判断的地方，组内差别才有结论。"

    def warning(self, code: str) -> str:
        return _WARNINGS.get(code, clean(code))

    def note(self, code: str, values: Mapping[str, Any]) -> str | None:
        v = {clean(str(name)): clean(change_text(item)) for name, item in values.items()}
        if code == "versions_changed":
            return (
                "研究期间版本有变化，前后的结果混在一起：" + "；".join(f"{k}：{item}" for k, item in v.items()) + "。"
            )
        if code == "cohort_split":
            return "一批实验内存放不下，已拆开；结果不变。"
        if code == "rescued":
            return "账本曾经损坏，已抢救；读不出的部分这里没有：" + "；".join(v.values()) + "。"
        if code == "engine_fallback":
            return "该模型退回使用引擎 peft：" + "；".join(v.values()) + "。"
        return None

    def wave_note(self, code: str, values: Mapping[str, Any]) -> str | None:
        if code == "not_refined":
            why = _NOT_REFINED.get(str(values.get("why")), clean(str(values.get("why"))))
            return f"未细化：{self.factor(str(values.get('factor')))}（{why}）。"
        if code == "only_leading":
            names = "、".join(self.factor(str(name)) for name in values.get("factors", ()))
            return f"虽未证实有效也一并带上：{names}。只是目前领先的取值。"
        if code == "round_skipped" and values.get("kind") in list(RoundKind):
            return f"没有“{_ROUNDS[RoundKind(values['kind'])]}”这一轮：没有要问的，或预算放不下。"
        return None

    def same_everywhere(self, settings: str) -> str:
        return f"所有实验都相同的设置：{settings}。"

    def not_a_number(self) -> str:
        return "不是有限数值"

    # Pieces

    def duration(self, seconds: float) -> str:
        """Times in Chinese units."""
        if seconds < 90:
            return f"{seconds:.1f} 秒" if seconds < 10 else f"{seconds:.0f} 秒"
        if seconds < 600:
            return f"{int(seconds) // 60} 分 {int(seconds) % 60:02d} 秒"
        minutes = round(seconds / 60)
        return f"{minutes} 分钟" if minutes < 60 else f"{minutes // 60} 小时 {minutes % 60} 分"

    def _gain(self, gain: Gain) -> str:
        relative = "" if gain.relative is None else f"；相对 {gain.relative * 100:+.0f} %"
        return (
            f"{strong(points(gain.effect) + ' 个百分点')}（{percent(gain.level, 0 if gain.level < 0.995 else 1)} "
            f"同时置信区间 {self.range(gain.interval)}{relative}）"
        )

    def _seeds(self, seeds: tuple[int, int], fresh: str) -> str:
        mine, theirs = seeds
        return f"各用 {mine} 个{fresh}种子" if mine == theirs else f"{mine} 个{fresh}种子对 {theirs} 个"

    def _inconclusive(self, finding: Finding, against: str, m: str) -> str:
        if finding.kind is ContrastKind.NON_INFERIORITY:
            worst = max(0.0, -finding.interval[0])
            return f"未能证实与{_gap(against)}同样好：可能差至多 {number(worst * 100, 2)} 个百分点。"
        if finding.kind is ContrastKind.EQUIVALENCE:
            return f"未能证实与{_gap(against)}相差不超过 {m} 个百分点。"
        return f"无法与{_gap(against)}区分；并不说明“没有差别”。"

    def _open(self, finding: Finding, what: str, against: str, m: str) -> str:
        lead = {
            ContrastKind.DIFFERENCE: f"{what} 与{_gap(against)}是否不同",
            ContrastKind.EQUIVALENCE: f"{what} 与{_gap(against)}是否相差不超过 {m} 个百分点",
            ContrastKind.NON_INFERIORITY: f"{what} 是否比{_gap(against)}差不超过 {m} 个百分点",
        }[finding.kind]
        return f"{lead}：{self.effect(finding)}{'，暂定' if finding.provisional else ''}；{self._settle(finding)}。"

    def _settle(self, finding: Finding) -> str:
        ways = []
        if finding.examples_needed:
            ways.append(f"{about(finding.examples_needed)} 个样本")
        if finding.seeds_needed:
            ways.append(f"每个配置 {finding.seeds_needed} 个种子")
        if not ways:
            return "无定论；样本或种子增到二十倍也定不下来"
        return (
            f"无定论；这么大的差，总共约需{'或'.join(' ' + way if way[0].isdigit() else way for way in ways)}才能定论"
        )

    def _limits(self, finding: Finding) -> list[str]:
        out = []
        if finding.provisional:
            out.append("暂定：种子间噪声的估计所依据的种子太少。")
        if finding.witnesses_disagree and finding.loss_effect is not None:
            out.append(f"损失给出相反的结果（每个样本 {finding.loss_effect:+.3f} nat，越低越好）。")
        if finding.p_mcnemar is not None:
            out.append(f"双方各一个种子；McNemar 精确检验 p = {finding.p_mcnemar:.2g}。")
        return out + [self.warning(code) for code in finding.warnings]

    def _ended(self, state: TrialState, trials: int, n: int) -> str:
        what = {TrialState.FAILED: "无法训练", TrialState.PLANNED: "尚未开始", TrialState.RUNNING: "正在运行"}.get(
            state, _STATES[state]
        )
        if n == 1:
            return f"{what}。"
        return f"{n} 个种子全部{what}。" if trials == n else f"{n} 个种子中有 {trials} 个{what}。"


def _numeral(n: int) -> str:
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def _gap(text: str) -> str:
    """A blank on each side where a name has a Latin letter or digit, none beside Chinese characters."""
    return (" " if text[:1].isascii() else "") + text + (" " if text[-1:].isascii() else "")
