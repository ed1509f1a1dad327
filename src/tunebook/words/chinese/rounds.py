"""The rounds in Chinese: headings, analyses, findings, what was folded, cut and left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import DivergenceBracket, Finding, RateTried, Verdict
from tunebook.core.study import ContrastKind, Cut, Floor, RoundKind, TrialState
from tunebook.escaping import clean
from tunebook.words.chinese.codes import (
    BROKEN_WAYS,
    CONTROL_WARNINGS,
    CUTS,
    FOLDS,
    GOALS,
    NO_ROUND,
    NOT_REFINED,
    REASONS,
    ROUNDS,
    STATES,
    WARNINGS,
)
from tunebook.words.chinese.common import ChinesePieces, gap, numeral
from tunebook.words.numbers import number, p_phrase, rate, trial_list
from tunebook.words.shared import MOST_NAMED
from tunebook.words.values import Ending

__all__ = ["ChineseRounds"]

_ENDED = {TrialState.FAILED: "无法训练", TrialState.PLANNED: "尚未开始", TrialState.RUNNING: "正在运行"}


class ChineseRounds(ChinesePieces):
    """One section for each round."""

    def round_heading(self, number: int, kind: RoundKind) -> str:
        return f"第{numeral(number)}轮：{ROUNDS[kind]}" if number else "训练之前：参照"

    def found_heading(self, number: int) -> str:
        return f"第{numeral(number)}轮发现"

    def goal(self, kind: RoundKind, has_test: bool = True) -> str:
        if kind is RoundKind.CONFIRM and not has_test:
            return "换用新的随机种子，结论还成立吗？没有测试集，样本仍是挑选时用过的验证集。"
        return GOALS[kind]

    def seeds_used(self, baseline: int, others: Sequence[int]) -> str:
        parts = [f"基线 {baseline} 个随机种子"] if baseline else []
        if others:
            low, high = min(others), max(others)
            parts.append(f"每个配置 {low} 个随机种子" if low == high else f"每个配置 {low} 至 {high} 个随机种子")
        return "，".join(parts) + "。" if parts else ""

    def verdict(self, finding: Finding, against: str, margin: float) -> str:
        m = self.exactly(margin)
        first = {
            Verdict.BETTER: f"优于{gap(against).rstrip()}。",
            Verdict.WORSE: f"劣于{gap(against).rstrip()}。",
            Verdict.EQUIVALENT: f"已证实与{gap(against)}相差不超过 {m} {self.unit}。",
            Verdict.NOT_INFERIOR: f"已证实最多比{gap(against)}{self._worse} {m} {self.unit}。",
            Verdict.INCONCLUSIVE: self._inconclusive(finding, against, m),
            Verdict.DIVERGED: "多数或全部随机种子训练失败。",
        }[finding.verdict]
        return self.join([first, *self._limits(finding)])

    def seeds_range(self, accuracies: Sequence[float]) -> str:
        return f"{len(accuracies)} 个随机种子：{self.score_range(min(accuracies), max(accuracies))}{self._sign}。"

    def ending(self, ending: Ending) -> str:
        reasons = "；".join(REASONS.get(r, clean(r).rstrip(".")) for r in ending.reasons)
        sentences = [f"{self._ended(ending)}{'：' + reasons if reasons else ''}。"]
        step, total = ending.steps
        if step is not None:
            of = f"（共 {total} 步）" if total else ""
            losses = f"，损失从 {number(ending.losses[0])} 升到 {number(ending.losses[1])}" if ending.losses else ""
            sentences.append(f"实验 {ending.broke} 在第 {step} 步发散{of}{losses}。")
        return self.join(sentences)

    def bracket_row(self, chosen: float | None) -> str:
        return "没有选出学习率。" if chosen is None else f"按验证损失选定 {rate(chosen)}。"

    def confirm_remark(self) -> str:
        return (
            f"进入确认的配置：在验证集{self._noun}与{self._top}者相差不超过一个标准误的各配置中，取验证损失最低的一个；"
            "若有更省而可能同样好的配置，再取其中最省的一个。同一规则下的次优配置已一并写定；"
            "若最优配置有随机种子训练失败，就改为确认次优配置。"
        )

    def confirm_baseline_remark(self) -> str:
        return (
            f"领先的就是基线本身：在验证集{self._noun}与{self._top}者相差不超过一个标准误的各配置中，它的验证损失最低。"
            "因此这一轮拿它与同一规则下的次优配置比较；若有更省而可能同样好的配置，也与其中最省的一个比较。"
        )

    def waiting_remark(self, trials: str) -> str:
        return f"已规划、尚无结果的实验：{trials}。"

    def own_remark(self, results: int) -> str:
        return (
            f"这些实验由您在 {results} 个实验已有结果时添加，不占研究的预算；"
            "其比较也不计入研究的误报率，自己添加的每一轮误报率为 2%。"
        )

    def bracket_remark(self) -> str:
        return "列有多个学习率的行只用来挑选学习率，不参与任何结论；结论来自另外的新随机种子。"

    def control_warning(self, code: str, control: str) -> str:
        return CONTROL_WARNINGS[code].format(control=control)

    def only_its_loss(self, loss: float) -> str:
        return f"验证损失每样本 {number(loss)} nat。"

    def checkpoint(self, of: int) -> str:
        return f"取自实验 {of} 的检查点，没有另行训练。"

    def still_falling(self, trial: int, losses: tuple[float, float] | None) -> str:
        if losses is None:
            return "训练损失仍在下降。"
        before, after = map(number, losses)
        return f"训练损失仍在下降（实验 {trial}：第三个四分之一 {before}，最后四分之一 {after}）。"

    def overfits(self, trial: int, best_epoch: float, best: float, last: float, n: int) -> str:
        seeds = "" if n == 1 else f"{n} 个随机种子都如此，"
        return (
            f"验证损失降到最低后又回升（{seeds}实验 {trial}：第 {best_epoch:g} 个 epoch 后 {number(best)}，"
            f"结束时 {number(last)}，每 token）。"
        )

    def against_other(self, effect: str, against: str) -> str:
        return f"与{gap(against)}之差为 {effect}。"

    def rates_tried(self, level: str, rates: str) -> str:
        return f"{level}，学习率试了 {rates.replace(', ', '、')}"

    def same_as(self, trials: str) -> str:
        return f"= 实验 {trials}"

    def retuned_baseline(self, trials: Sequence[int]) -> str:
        return f"同样重新选过学习率的基线：其他取值都与它（实验 {trial_list(trials)}）比较。"

    def only_whether_it_trains(self, n: int) -> str:
        return f"只看能否训练：{f'{n} 个随机种子都' if n > 1 else ''}训练正常。"

    def learned_nothing(self, n: int, of: int, usual: float) -> str:
        who = "" if of == 1 else f"（{of} 个随机种子中有 {n} 个）"
        return f"没有学到东西{who}：几乎没有答对的样本，而基线为 {self.measured(usual)}。"

    def one_answer(self, share: float, n: int, of: int) -> str:
        who = "" if of == 1 else f"（{of} 个随机种子中有 {n} 个）"
        return f"偏弱：{self.percent(share, 0)} 的样本得到同一个回答{who}。"

    def flat(self, right: bool, effect: float | None, interval: tuple[float, float] | None) -> str:
        same = "全部答对" if right else "全部答错"
        if effect is None or interval is None:
            return f"双方{same}。"
        low, high = interval
        return f"双方{same}；每样本损失相差 {effect:+.3g}（{low:+.3g} 至 {high:+.3g}，越低越好）。"

    def won_and_lost(self, won: int, lost: int) -> str:
        return f"逐个随机种子相比，平均新答对 {won} 个、新答错 {lost} 个。"

    def part_of_the_sum(self) -> str:
        return "用来看各项改动的效果能否相加，本身不作判断。"

    def some_seeds(self, trained: int, all_: int) -> str:
        return f"{all_} 个随机种子中的 {trained} 个"

    def fold(self, reasons: Sequence[str], longest: int | None, in_words: bool = False) -> str:
        told = ["没有那么长的样本。" if r == "max_length" and not longest else FOLDS.get(r, clean(r)) for r in reasons]
        length = self.length(longest or 0, in_words)
        return self.join([*(text.replace("{longest}", length) for text in told), "没有重复训练。"])

    def cut(self, cut: Cut) -> str:
        of = f"{gap('、'.join(self.factor(name) for name in cut.factors)).lstrip()}的" if cut.factors else ""
        return f"{of}{CUTS.get(cut.code, clean(cut.code))}（{cut.count} 个实验）"

    def found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        m, subject = self.exactly(margin), gap(what).lstrip()
        claim = {
            Verdict.BETTER: f"{subject}优于{gap(against).rstrip()}",
            Verdict.WORSE: f"{subject}劣于{gap(against).rstrip()}",
            Verdict.EQUIVALENT: f"已证实{gap(what)}与{gap(against)}相差不超过 {m} {self.unit}",
            Verdict.NOT_INFERIOR: f"已证实{gap(what)}最多比{gap(against)}{self._worse} {m} {self.unit}",
            Verdict.INCONCLUSIVE: self.question(finding.kind, what, against)
            + ("无定论" if finding.is_tested else "有一方只有一个种子，未检验"),
            Verdict.DIVERGED: f"{what}：多数或全部随机种子训练失败",
        }[finding.verdict]
        if finding.verdict is Verdict.DIVERGED:
            return claim + "。"
        where = "在测试集上，" if finding.split == "test" else ""
        provisional = "（暂定）" if finding.provisional else ""
        return f"{where}{claim}{provisional}：{self.effect_points(finding)}。"

    def question(self, kind: ContrastKind, what: str, against: str) -> str:
        return {
            ContrastKind.EQUIVALENCE: f"{what}：与{gap(against)}相当吗？",
            ContrastKind.NON_INFERIORITY: f"{what}：不比{gap(against)}差吗？",
        }.get(kind, f"{what}：与{gap(against)}不同吗？")

    def on_average(self, what: str) -> str:
        return f"在合适学习率附近的各种设置上平均而言，{gap(what).lstrip()}"

    def middle_of(self, factor: str, low: str, high: str) -> str:
        return f"{self.factor(factor)} {low} 到 {high} 的中段"

    def balanced_remark(self) -> str:
        return (
            "各参数同时改变，每个取值出现的次数相同。这里对每个参数的结论来自本轮全部实验的同一个模型："
            "沿其取值的一条直线，是在合适学习率附近的各种设置上的平均结果，并不针对某一个具体设置。"
            f"各取值的{self._noun}已调整到其他参数取平均时的水平；其 95% 区间只作描述，不是结论。"
        )

    def pilot_remark(self, chosen: float, layout: str) -> str:
        if layout != "one_factor":
            later = "后续各轮在它附近寻找" if layout == "balanced" else "后续各轮依据此前的全部实验"
            return f"预跑按验证损失估计的学习率（所有配置共用）：{rate(chosen)}。{later}。"
        return f"后续使用的学习率：{rate(chosen)}，按验证损失选出，所有配置共用。"

    def floor(self, floor: Floor, stops: bool, bar_is: str) -> str:
        bar = "不训练" if bar_is == "untrained" else "始终回答最常见类别"
        what = (
            f"没有证据表明学到了什么：学习率 {'、'.join(rate(each) for each in floor.rates)}，"
            f"训练 {floor.epochs} 个 epoch 后，"
            f"{self._top}{self._noun} {self.measured(floor.accuracy)}，"
            f"不能证实好于{bar}（{self.measured(floor.bar)}）。"
        )
        if not stops:
            return what + "研究文件写明 `floor: go_on`，因此仍继续比较。"
        return (
            what + "此时比较各种设置没有意义，研究到此停止。请在新的研究里增加训练数据或训练轮数，或改用其他学习率；"
            "如仍要比较，请写 `floor: go_on`。"
        )

    def part_of_design(self) -> str:
        return "均衡设计中的一个实验，单独不作判断。"

    def few(self, named: Sequence[str]) -> list[str]:
        more = len(named) - MOST_NAMED
        return [*named[:MOST_NAMED], *([f"上表中另有 {more} 个"] if more > 0 else [])]

    def no_difference_for(self, named: Sequence[str]) -> str:
        return f"未检出显著差异的有{gap(self.comma.join(named)).rstrip()}"

    def not_tested_for(self, named: Sequence[str]) -> str:
        return f"只有一个种子，仅作描述、不作检验的有{gap(self.comma.join(named)).rstrip()}"

    def chance_to_see(self, margin: float, chance: float) -> str:
        share = "不到 1%" if chance < 0.01 else f"约 {self.percent(chance, 0)}"
        return f"若真实差异为 {self.exactly(margin)} {self.unit}（您的容差），检出概率{share}。"

    def round_cost(self, n: int, seconds: float) -> str:
        return f"{n} 个实验，{self.duration(seconds)}"

    def bracket(self, bracket: DivergenceBracket, where: str = "") -> str:
        lead = f"{where}：" if where else ""
        held = bracket.at(bracket.held_at)
        first = f"{lead}学习率 {rate(held.rate)} 时{self._share_of_seeds(held.trained, held)}训练正常"
        between = "，".join(f"{rate(r.rate)} 时{self._share_of_seeds(r.trained, r)}训练正常" for r in bracket.between)
        evidence = f"依据：实验 {trial_list(bracket.trials)}。"
        if bracket.failed_at is None:
            top = f"；更高处，{between}" if between else "，这是试过的最高值"
            return f"{first}{top}。从哪里开始失败尚不清楚。{evidence}"
        failed = bracket.at(bracket.failed_at)
        how = "或".join(BROKEN_WAYS[way] for way in failed.endings)
        share = self._share_of_seeds(failed.tried - failed.trained, failed)
        sentences = [f"{first}，{rate(failed.rate)} 时{share}{how}。"]
        sentences += [f"两者之间，{between}。"] if between else []
        return self.join([*sentences, self._not_excluded(bracket, min(held.tried, failed.tried)), evidence])

    def no_break(self, highest: float) -> str:
        return f"试过的学习率（最高 {rate(highest)}）都没有训练失败；从哪里开始失败尚不清楚。"

    def bracket_fixed(self, settings: Sequence[str]) -> str:
        return f"只在 {'、'.join(settings)} 下试过；其他取值下开始失败的位置可能不同。"

    def warning(self, code: str) -> str:
        return WARNINGS.get(code, clean(code))

    def wave_notes(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
        told, why = [], self.not_refined(notes)
        if why:
            parts = [
                f"{'、'.join(self.factor(n) for n in names)}（{NOT_REFINED.get(w, w)}）" for w, names in why.items()
            ]
            told.append(f"未细化：{'；'.join(parts)}。")
        for code, values in notes:
            if code == "nothing_claimed":
                told.append("实验太少，无法判断各参数：这些实验只用来选配置。")
            if code == "runner_up":
                told.append(
                    f"最优配置有随机种子训练失败（实验 {trial_list(values['trials'])}），"
                    "因此改为确认与它一同写定的次优配置。"
                )
            if code == "curves_cross":
                told.append(
                    "跑完的先导实验在训练过半之后改变了次序，半程的比较因此说明不了多少："
                    f"被提前停止的（学习率 {'、'.join(number(r, 2) for r in values['rates'])}）重新训练到底。"
                )
            if code == "little_to_gain":
                told.append(
                    "到此停止：按目前全部实验的模型，还有设置比最优高出"
                    f"您设定的 {self.exactly(values['margin'])} {self.unit}以上的概率为 "
                    f"{number(100 * values['chance'], 2)}%，平均还能提高 {self.size(values['gain'])} {self.unit}。"
                )
            if code == "beside":
                others = "、".join(f"“{ROUNDS[RoundKind(kind)]}”" for kind in values["rounds"])
                told.append(f"没有等待{others}轮：所问只依据它们之前各轮的结果。")
            if code == "begun_beside":
                others = "、".join(f"“{ROUNDS[RoundKind(kind)]}”" for kind in values["rounds"])
                told.append(
                    f"学习率的细调与{others}轮的最后一部分同时进行（那一部分与学习率无关），其余设置等该轮结束后再细调。"
                )
            if code == "only_leading":
                names = "、".join(self.factor(str(name)) for name in values.get("factors", ()))
                told.append(f"一并带上尚未证实有效的改动：{names}（取目前领先的取值）。")
            if code == "only_by_loss":
                names = "、".join(self.factor(str(name)) for name in values.get("factors", ()))
                told.append(f"仅因损失更低而带上的改动：{names}（对{self._noun}的作用尚未证实）。")
        for reason, kinds in self.skipped_rounds(notes).items():
            skipped = "、".join(f"“{ROUNDS[kind]}”" for kind in kinds)
            told.append(f"没有{skipped}轮：{NO_ROUND.get(reason, NO_ROUND[''])}。")
        return told

    # Pieces

    def _share_of_seeds(self, n: int, of: RateTried) -> str:
        if n == of.tried:
            return "唯一的随机种子" if n == 1 else f" {n} 个随机种子全部"
        return f" {of.tried} 个随机种子中有 {n} 个"

    def _not_excluded(self, bracket: DivergenceBracket, n: int) -> str:
        low = f"低至 {rate(bracket.highest_trained)}" if bracket.highest_trained < bracket.held_at else ""
        high = bracket.lowest_failed is not None and bracket.lowest_failed > (bracket.failed_at or 0.0)
        ends = " 或".join(filter(None, [low, f"高至 {rate(bracket.lowest_failed or 0.0)}" if high else ""]))
        return f"{n} 个随机种子还不能排除界线{ends}。" if ends else ""

    def _inconclusive(self, finding: Finding, against: str, m: str) -> str:
        if not finding.is_tested:
            return ""
        if finding.kind is ContrastKind.NON_INFERIORITY:
            worst = max(0.0, -finding.interval[0])
            by = "" if worst >= 1 else f"：最多可能{self._worse} {self.size(worst)} {self.unit}"
            return f"尚未证实与{gap(against)}效果相当{by}。"
        if finding.kind is ContrastKind.EQUIVALENCE:
            return f"尚未证实与{gap(against)}相差在 {m} {self.unit}以内。"
        return f"无法与{gap(against)}区分。"

    def _limits(self, finding: Finding) -> list[str]:
        out = []
        if finding.provisional:
            out.append("暂定：估计噪声所用的随机种子太少。")
        if finding.witnesses_disagree and finding.loss_effect is not None:
            out.append(f"损失给出相反的结果（每样本 {finding.loss_effect:+.3f}，越低越好）。")
        if finding.p_mcnemar is not None:
            out.append(f"双方各一个随机种子；McNemar 精确检验 {p_phrase(finding.p_mcnemar)}。")
        return out + [self.warning(code) for code in finding.warnings if code not in CONTROL_WARNINGS]

    def _ended(self, ending: Ending) -> str:
        n = len(ending.states)
        counted: dict[TrialState, int] = {}
        for state in ending.states.values():
            if state is not TrialState.COMPLETED:
                counted[state] = counted.get(state, 0) + 1
        names = {state: _ENDED.get(state, STATES[state]) for state in counted}
        if n == 1:
            return next(iter(names.values()))
        if list(counted.values()) == [n]:
            return f"{n} 个随机种子全部{next(iter(names.values()))}"
        return f"{n} 个随机种子中有 " + "，".join(f"{k} 个{names[state]}" for state, k in counted.items())
