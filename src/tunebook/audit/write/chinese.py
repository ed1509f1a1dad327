"""The audit in Chinese, in the words of those who write such records by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tunebook.audit.judge.counts import Examples
from tunebook.audit.judge.report import Detectable
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.model import Note
from tunebook.audit.write.words import AuditShared, Bounds, BreakPoint, Gap, Mixed, level_text
from tunebook.words.chinese.common import ChineseShared
from tunebook.words.chinese.labels import FACTORS
from tunebook.words.marks import strong
from tunebook.words.numbers import about, count, p_phrase, p_value, points

__all__ = ["ChineseAudit"]


def _points(share: float) -> str:
    return f"{share * 100:.1f}"


_LATIN = "|".join(
    re.escape(word)
    for word in sorted(FACTORS.values(), key=len, reverse=True)
    if word[0].isascii() or word[-1].isascii()
)
_TIGHT = re.compile(rf"(?<=[一-鿿])(?={_LATIN})|(?:(?<=[A-Za-z])(?=[一-鿿]))")


def _spaced(text: str) -> str:
    """A sentence of ours with a blank between a Latin factor word and a Chinese character: "仅 dropout 不同"."""
    return _TIGHT.sub(" ", text)


class ChineseAudit(ChineseShared, AuditShared):
    """与英文版逐句对应。"""

    labels: ClassVar = {
        "title": "记录审计：",
        "answer": "结论",
        "fact": "项目",
        "value": "内容",
        "baseline": "基线",
        "the_baseline": "基线",
        "trials": "实验",
        "examples": "测试样本数",
        "one_trial": "单次实验的 95% 置信区间",
        "noise": "种子噪声",
        "detectable": "这份记录能看出多大差别",
        "tied": "与最佳无法区分",
        "claims": "逐条核对",
        "line": "行",
        "claim": "原文说法",
        "verdict": "判定",
        "why": "理由",
        "against": "各实验与基线之差",
        "trial": "实验号",
        "differs": "与基线的不同",
        "right": "答对数",
        "accuracy": "准确率（95%）",
        "difference": "差（条）",
        "difference_points": "差（百分点）",
        "p": "校正后 p",
        "told": "能否与偶然区分",
        "same": "重复的同一训练",
        "factors": "各参数的效应",
        "factor": "参数",
        "levels": "取值数",
        "pairs": "仅此一项不同的实验对",
        "widest": "其中最大的差",
        "alone": "单因素实验",
        "confounded": "这份记录分不开什么",
        "boundary": "训练在哪里崩溃",
        "disagree": "记录自相矛盾之处",
        "next": "下一步训练什么",
        "new": "新的或重复",
        "cost": "代价",
        "method": "判定方法",
        "reading": "如何读取这份记录",
        "no_pair": "无",
        "block": "（最佳配置）",
        "again": "重复：",
        "is_new": "新",
        "failed": "失败",
        "unread": "（未能读懂）",
        "nothing": "没有起作用的不同",
        "same_as": "同一训练：",
        "one_factor": "只改一项",
        "several": "同时改了多项",
        "trials_csv": "可直接作为研究文件的 `trials:`",
        "trials_csv_part": "可直接作为研究文件的 `trials:`，其中略去了研究不接受的设置，例如半个 epoch",
        "colon": "：",
        "a_failure": "失败",
        "examples_unit": "条",
    }
    factor_names: ClassVar = {**FACTORS, "effective_batch_size": "有效批大小"}
    verdicts: ClassVar = {
        SupportVerdict.HOLDS: "成立",
        SupportVerdict.DEPENDS: "取决于样本如何配对",
        SupportVerdict.CANNOT_HOLD: "任何配对下都不能成立",
        SupportVerdict.NOT_SHOWN: "未能证实",
        SupportVerdict.UNCHECKED: "无法核对",
    }
    told: ClassVar = {
        SupportVerdict.HOLDS: "能",
        SupportVerdict.DEPENDS: "取决于样本如何配对",
        SupportVerdict.CANNOT_HOLD: "任何配对下都不能",
        SupportVerdict.NOT_SHOWN: "两次运行能，参数设置未能证实",
        SupportVerdict.UNCHECKED: "无法核对",
    }
    stop = "。"
    more = " 等另外 {n} 项"

    def tally(self, counts: Mapping[SupportVerdict, int]) -> str:
        total = sum(counts.values())
        parts = [f"{counts[v]} 条{_VERBS[v]}" for v in SupportVerdict if counts.get(v)]
        return f"记录文字中的 {total} 条说法里，{'，'.join(parts)}。"

    def no_claims(self, n_trials: int) -> str:
        return f"这份记录没有文字结论，因此把 {n_trials} 次实验逐一与基线比较。"

    def trial_tally(self, told: Mapping[SupportVerdict, Sequence[str]], failed: Sequence[str]) -> str:
        real, depends = told.get(SupportVerdict.HOLDS, ()), told.get(SupportVerdict.DEPENDS, ())
        runs = told.get(SupportVerdict.NOT_SHOWN, ())
        compared = sum(len(names) for names in told.values())
        text = f"设置与基线不同且有结果的 {compared} 次实验里，能与基线区分的有 {len(real)} 次"
        if real:
            text += f"（{self.cut_list(real)}{'，训练失败' if len(failed) == len(real) == 1 else ''}）"
        if depends:
            text += f"；有 {len(depends)} 次（{self.cut_list(depends)}）取决于答对的是哪些样本"
        if runs:
            text += (
                f"；有 {len(runs)} 次（{self.cut_list(runs)}）两次运行确有差别，但各只有一个种子，不能说明是参数"
                "设置造成的"
            )
        return text + "。"

    def best_sentence(
        self,
        gap: Gap,
        n: int | None,
        accuracies: tuple[float, float],
        verdict: SupportVerdict,
        bounds: Bounds,
    ) -> str:
        ahead = (
            f"{count(n or 0)} 条里多对 {count(gap.examples)} 条"
            if gap.examples is not None
            else f"高 {_points(gap.effect)} 个百分点"
        )
        lead = (
            f"最佳的 {gap.treatment}（{self.percent(accuracies[0])}）比"
            f"{self.baseline(gap.control)}（{self.percent(accuracies[1])}）{ahead}"
        )
        if verdict is SupportVerdict.UNCHECKED:
            return f"{lead}；不知道测试样本数，无法判断是否超出偶然。"
        alone = f"即使样本以最有利的方式配对，{p_phrase(bounds.favourable)}"
        if bounds.favourable > 0.05:
            return f"{lead}：{alone}，因此没有任何配对能支持它。"
        if verdict is SupportVerdict.CANNOT_HOLD:
            return (
                f"{lead}：{alone}，按从中挑选的 {bounds.family_size} 次实验校正后为 "
                f"{p_value(bounds.favourable_adjusted)}，"
                "因此没有任何配对能支持它。"
            )
        if verdict is SupportVerdict.HOLDS:
            return f"{lead}。这一点成立：即使两次实验的结果互不相关，校正后 {p_phrase(bounds.independent_adjusted)}。"
        if verdict is SupportVerdict.NOT_SHOWN:
            return f"{lead}。两次运行确有差别，但各只有一个种子，不能说明是参数设置造成的。"
        return (
            f"{lead}。是否超出偶然取决于各自答对的是哪些样本：校正后 p 在 {p_value(bounds.favourable_adjusted)} 与 "
            f"{p_value(bounds.independent_adjusted)} 之间。"
        )

    def baseline_is_best(self, name: str) -> str:
        return f"没有实验高于{self.baseline(name)}。"

    def could_see(self, d: Detectable) -> str:
        return "这份记录最多能看出：" + self.detectable_fact(d)

    def examples_unknown(self, examples: Examples, needed: int | None) -> str:
        if examples.smallest is None:
            text = "无法推断测试样本数：没有一个整数能使全部准确率都是整分数。"
        else:
            text = (
                f"无法推断测试样本数：最小的可能是 {count(examples.smallest)}，但以这样的小数位数，"
                f"毫不相干的准确率也有 {examples.luck:.2g} 的概率凑得出这么小的数。"
            )
        text += "请用 --examples 给出；在此之前只能核对方向和实验设计。"
        if needed:
            text += f"至少要有 {count(needed)} 条样本，最佳与基线之差才有可能成立。"
        return text

    def disagreements(self, n: int) -> str:
        return f"记录有 {n} 处自相矛盾。"

    def examples_fact(self, examples: Examples, misfits: Sequence[str], slack: int) -> str:
        n = count(examples.n or 0)
        text = {
            "given": f"{n}（由使用者给出）",
            "fractions": f"{n}（来自表中的分数）",
            "stated": f"{n}（原文给出）",
            "inferred": f"{n}：使全部准确率在所印精度下都是整分数的最小数",
        }[examples.how]
        if examples.how == "inferred" and examples.alternatives:
            text += (
                f"（{'、'.join(count(a) for a in examples.alternatives[:3])} 也符合；若是两倍，则所有答对数都须"
                "为偶数，"
                f"概率 {p_value(examples.common_factor_chance)}）"
            )
        if misfits:
            text += f"。不是其整分数：{self.cut_list(misfits)}，已取最近的整数"
        if slack:
            text += f"。按所印精度，每个答对数可能相差 {slack}，两个界限已计入"
        if examples.stated_misfit:
            text += f"。原文说是 {count(examples.stated_misfit)}，与准确率矛盾"
        return text

    def baseline_fact(self, name: str, named: bool, settings: str) -> str:
        return f"{name}{'' if named else '（第一行；原文未指明）'}{'：' if settings else ''}{settings}"

    def trials_fact(self, n: int, failed: Sequence[str], unread: Sequence[str]) -> str:
        text = f"{n} 次"
        if failed:
            text += f"；失败：{self.cut_list(failed)}"
        if unread:
            text += f"；未能读懂设置：{self.cut_list(unread)}"
        return text

    def one_trial_fact(self, name: str, low: float, high: float) -> str:
        return f"{name}：{self.interval(low, high)}，约 ±{_points((high - low) / 2)} 个百分点"

    def noise_fact(
        self,
        measured: float | None,
        freedom: int,
        interval: tuple[float, float] | None,
        used: float,
    ) -> str:
        if measured is None:
            return f"没有重复训练的设置，无法测量；采用给定的先验：标准差 {_points(used)} 个百分点"
        text = f"标准差 {measured * 100:.2f} 个百分点，自由度 {freedom}"
        if interval:
            text += f"（95%：{interval[0] * 100:.2f} 至 {interval[1] * 100:.2f}"
            text += "，区间太宽，说明不了多少）" if freedom < 4 else "）"
        return text + f"；与先验合并后为 {_points(used)} 个百分点"

    def detectable_fact(self, d: Detectable) -> str:
        low = f"{_points(d.favourable)} 个百分点" if d.favourable is not None else "无"
        return (
            f"最有利的配对下 {low}，两次实验的结果互不相关时 {_points(d.independent)} 个百分点"
            f"（功效 80%，{d.comparisons} 个比较）；若只做一个事先定好的比较，则为 "
            f"{_optional(d.single_favourable)} 和 "
            f"{_points(d.single_independent)}；若要说参数设置而不只是两次运行，加上每边一个种子的噪声，为 "
            f"{_points(d.with_seed)}"
        )

    def tied_fact(self, names: Sequence[str]) -> str:
        return f"{self.cut_list(names, 20)}：即使只做一个比较、以最有利的方式配对"

    def gaps(self, shown: Sequence[Gap], n_pairs: int, total: str) -> str:
        unit = "条" if shown[0].examples is not None else "个百分点"
        if n_pairs == 1:
            return f"{shown[0].treatment} 与 {shown[0].control} 之差：{total} {unit}。"
        listed = "、".join(f"{g.treatment} - {g.control}: {g.text()}" for g in shown)
        more = f" 等另外 {n_pairs - len(shown)} 对" if n_pairs > len(shown) else ""
        return f"有 {n_pairs} 对实验仅此一项不同（{listed}{more}）：合计 {total} {unit}。"

    def significant(self, bounds: Bounds) -> str:
        return f"即使结果互不相关，校正后 {p_phrase(bounds.independent_adjusted)}。"

    def pairing(self, bounds: Bounds) -> str:
        return (
            f"校正后 p 在 {p_value(bounds.favourable_adjusted)}（最有利的配对）与 "
            f"{p_value(bounds.independent_adjusted)}（结果互不相关）之间。"
        )

    def too_small(self, bounds: Bounds) -> str:
        text = f"最有利的配对下 {p_phrase(bounds.favourable)}"
        if bounds.favourable <= 0.05:
            text += f"，校正后 {p_value(bounds.favourable_adjusted)}"
        return text + "。"

    def contradicted(self) -> str:
        return "表中的数字恰好相反。"

    def no_difference(self) -> str:
        return "表中没有差别。"

    def seed_noise(self, bounds: Bounds, used: float) -> str:
        return (
            f"两次运行确有差别（即使结果互不相关，校正后 {p_phrase(bounds.independent_adjusted)}），但各只有"
            "一个种子，"
            f"而种子噪声为 {_points(used)} 个百分点，不能说明是参数设置造成的（校正后 "
            f"{p_phrase(bounds.seed_adjusted)}）。"
        )

    def same_training(self, pairs: Sequence[tuple[str, str]]) -> str:
        a, b = pairs[0]
        return f"{a} 与 {b} 是同一训练（有效设置相同），差别只是偶然。"

    def changes_nothing(self, factor: str) -> str:
        return _spaced(f"无需检验：{factor}在这里的改动不影响数学结果。")

    def confounded(self, factor: str | None, mixed: Sequence[Mixed]) -> str:
        text = f"没有仅{factor}不同的实验对。" if factor else "没有能单独说明它的实验对。"
        return _spaced(text) + "".join(
            f"{m.gap.treatment} 与 {m.gap.control} 还有{self.factor_list(m.also)}不同。" for m in mixed[:2] if m.also
        )

    def naive(self, m: Mixed) -> str:
        base = self.baseline(m.gap.control)
        unit = "条" if m.gap.examples is not None else "个百分点"
        return (
            f"与{base}{'' if base == self.labels['the_baseline'] else ' '}相比，{m.gap.treatment} 为 "
            f"{m.gap.text()} {unit}，但"
            f"{self.factor_list(m.also)}也不同。"
        )

    def renamed(self, text: str, table: str) -> str:
        return f"{text}（总表中的 {table}）"

    def edge_open(self, b: BreakPoint) -> str:
        return (
            f"{b.trained_level}（{b.trained}，训练成功）与 {b.failed_level}（{b.failed[0]}，失败）之间没有试过，"
            "边界可能在其间任何一处。"
        )

    def all_failed(self, failed: Sequence[str]) -> str:
        n = len(failed)
        return (
            f"那里的 {n} 次实验全部失败（{self.cut_list(failed)}），且有一对实验仅此一项不同。"
            f"{n} 次运行只能说明那里至少有 {self.percent(0.05 ** (1 / n), 0)} 会失败（95%）。"
        )

    def worked(self, names: Sequence[str]) -> str:
        return f"在那里照样训练成功：{self.cut_list(names, 5)}。"

    def absence(self, interval: tuple[float, float] | None) -> str:
        text = "没有发现差别，并不说明没有差别"
        if interval:
            text += (
                f"：按互不相关的样本计算，差别最大的一对可能在 {points(interval[0])} 至 {points(interval[1])} 个"
                "百分点之间"
            )
        return text + "。"

    def difference_found(self) -> str:
        return "差别是存在的。"

    def order_unknown(self, factor: str, bounds: Bounds | None) -> str:
        return _spaced(f"仅{factor}不同的最大差别可能是真的，但它是否大于其他参数是另一个比较，这些实验支持不了。")

    def not_best(self, name: str, higher: Sequence[str]) -> str:
        return f"{self.cut_list(higher, 5)} 高于 {name}。"

    def failed_trial(self, name: str) -> str:
        return f"{name} 失败了，无需检验；这是一个种子的一次运行。"

    def no_trial(self) -> str:
        return "表中没有与这句话对应的实验。"

    def not_varied(self, factor: str) -> str:
        return _spaced(f"表中没有{factor}的两个不同取值。")

    def unread(self) -> str:
        return "这句话作了比较，但未能读懂其形式，请人工核对。"

    def count_unknown(self) -> str:
        return "需要知道测试样本数。"

    def break_point(self, b: BreakPoint) -> str:
        side = "以上" if b.above else "以下"
        word = self.factor(b.factor)
        if len(b.failed) == 1:
            text = (
                f"{word} {b.trained_level} {side}会失败，只有一次实验为据：{b.failed[0]}（{b.failed_level}），一个"
                "种子。"
            )
        else:
            text = f"{word} {b.trained_level} {side}的 {len(b.failed)} 次实验全部失败：{self.cut_list(b.failed)}。"
        if len(b.moves) > 1:
            moves = [b.factor, *(n for n in b.moves if n != b.factor)]
            text += (
                f"{b.trained}（{b.trained_level}，训练成功）与 {b.failed[0]}（{b.failed_level}，失败）之间同时改"
                "了 "
                f"{len(b.moves)} 项：{self.factor_list(moves)}。是哪一项造成的并不清楚。"
            )
        if b.clean:
            text += (
                f"仅{word}不同的最近一对是 {b.clean[0]}（{b.clean[1]}，训练成功）和 {b.clean[2]}（{b.clean[3]}，"
                "失败）："
                "在它们的其余设置下，边界位于两者之间。"
            )
        else:
            text += f"没有仅{word}不同的一成一败的实验对。"
        return _spaced(text)

    def equal(self, names: Sequence[str], counts: Sequence[int | None]) -> str:
        return (
            f"{self.listed(names)} 的有效设置相同{_counts(counts)}：是同一训练的不同偶然结果，其差别正好用来衡量噪声。"
        )

    def equal_if_short(
        self,
        tokens: int,
        names: Sequence[str],
        counts: Sequence[int | None],
        spread: int | None,
        gain: int | None,
    ) -> str:
        text = f"如果没有训练样本超过 {tokens} 个 token，{self.listed(names)} 也是同一训练{_counts(counts)}"
        if spread is not None and gain is not None and spread >= gain > 0:
            text += f"；那么仅凭偶然就差了 {spread} 条，不小于最佳与基线之间的 {gain} 条"
        return text + "。"

    def ratio_constant(self, ratio: str) -> str:
        return f"所有实验的 alpha/r 都是 {ratio}。随 rank 改变的只是这一比例下的 rank，alpha 的作用无法与它分开。"

    def ratio_unknown(self) -> str:
        return "rank 有变化，但没有记录 alpha：alpha/r 是否随之改变不得而知。"

    def one_to_one(self, a: str, b: str) -> str:
        return _spaced(f"{a}与{b}总是一起改变，两者的作用无法分开。")

    def not_isolated(self, factor: str, levels: Sequence[str], companions: Sequence[str]) -> str:
        text = f"没有两次实验仅以{factor} {'、'.join(levels)} 与基线取值相比"
        return _spaced(text + (f"：{self.listed(companions)}每次都一起变了。" if companions else "。"))

    def inconsistency(self, note: Note) -> str:
        return _INCONSISTENCIES[note.code](self, note.values)

    def next_why(self, why: str, factor: str | None, level: str) -> str:
        word = self.factor(factor) if factor else ""
        said = {
            "baseline": "更多种子：衡量噪声，也使其他比较公平",
            "best": "更多种子：它到底是否更好？",
            "boundary_factor": f"{word} {level}，其余用训练成功的设置：单凭它会崩溃吗？",
            "boundary_again": "另一个种子：还会崩溃吗？",
            "boundary_rest": f"{word} {level}，其余用失败实验的设置：没有它也会崩溃吗？",
            "alpha": f"单独的{word} {level}：把 rank 与 alpha 分开",
            "level": f"单独的{word} {level}",
            "claim": f"单独的{word} {level}，即原文所说",
            "pair": "另一个种子：它与基线之差取决于样本如何配对",
        }
        return _spaced(said[why])

    def next_lead(self, n: int, cost: float, to_settle: tuple[int, int] | None) -> str:
        text = f"能回答未决问题的最便宜的实验：{n} 个配置，每个种子合计为基线训练一次的 {cost:.3g} 倍（只按轮数计）。"
        if to_settle:
            text += (
                f"多用种子代替不了样本：要看清最佳与基线之间的差别，最有利的配对下需要 {about(to_settle[0])} 条"
                "样本，"
                f"结果互不相关时需要 {about(to_settle[1])} 条（功效 80%，只做这一个比较）。"
            )
        return text

    def method(self, family: int, all_pairs: int, used: float, prior: float, prior_freedom: int) -> Sequence[str]:
        return (
            "两次实验在同样的样本上评测，而记录没有说各自答对了哪些。因此每个差别都取两个界限："
            + strong("最有利的配对")
            + "，即所有不同的样本都算在较高的一方（精确 McNemar 检验，双侧；差 D 条时 p = 2^(1-D)）；"
            + strong("结果互不相关")
            + "，即好像各自用了不同的样本（Fisher 精确检验，双侧；多对合计时用正态近似）。不考虑比互不相关还要相反的"
            "结果。",
            strong("任何配对下都不能成立")
            + "：连第一个界限也不低于 0.05，或者表中的数字恰好相反。"
            + strong("成立")
            + "：第二个界限也低于 0.05，加上种子噪声之后仍然如此。"
            + strong("取决于样本如何配对")
            + "：介于两者之间"
            "。这不是半个“成立”：在毫无差别的记录里它几乎总"
            "会出现。"
            + strong("未能证实")
            + "：没有实验能单独说明它，或者各只有一个种子。"
            + strong("无法核对")
            + "：表中没有可以对照的内容。没有一种判定是说“没有差别”。",
            f"多重比较校正：各实验与基线的比较用 Holm 法，共 {family} 个，两个界限都校正。由说法或参数挑出的实验对："
            f"第一个界限对所判定的实验对用 Holm 法，第二个界限对全部 {count(all_pairs)} 对设置不同、可供挑选的实验用 "
            "Bonferroni 法。",
            f"种子噪声：{_points(used)} 个百分点，由测得的方差与先验（{_points(prior)} 个百分点，相当于 "
            f"{prior_freedom} 个自由度）"
            "合并而来。它只用来阻止一条说法成立，从不用来否定一条说法。",
        )

    def reading_note(self, note: Note) -> str:
        return _READING[note.code](self, note.values)

    def assumed_note(self, n: int) -> str:
        return f"有 {n} 次实验的空白设置取自基线。"


_VERBS = {
    SupportVerdict.HOLDS: "成立",
    SupportVerdict.DEPENDS: "取决于样本如何配对",
    SupportVerdict.CANNOT_HOLD: "在任何配对下都不能成立",
    SupportVerdict.NOT_SHOWN: "未能由这些实验证实",
    SupportVerdict.UNCHECKED: "无法核对",
}


def _optional(share: float | None) -> str:
    return _points(share) if share is not None else "无"


def _counts(counts: Sequence[int | None]) -> str:
    known = [str(c) for c in counts if c is not None]
    return f"（答对 {'、'.join(known)} 条）" if len(known) == len(counts) else ""


_Say = Callable[[ChineseAudit, Mapping[str, Any]], str]


def _wrong(w: ChineseAudit, settings: Mapping[str, tuple[Any, Any]]) -> str:
    return "、".join(
        f"{w.factor(n)}原文为 {level_text(n, text)}，表中为 {level_text(n, table)}"
        for n, (text, table) in settings.items()
    )


def _renumbered(w: ChineseAudit, v: Mapping[str, Any]) -> str:
    pairs = "，".join(f"{text} 即 {table}" for text, table in v["pairs"])
    where = f"“{v['section']}”" if v["section"] else "一个表"
    return f"{where}（第 {v['line']} 行）的编号与总表不一致；按设置和结果对应，前者为原文：{pairs}。"


def _short(w: ChineseAudit, v: Mapping[str, Any]) -> str:
    text = (
        f"{v['trial']}（第 {v['line']} 行）只说改了{w.factor_list(v['named'])}，但总表中它与 {v['reference']} 还有"
        f"{w.factor_list(v['undeclared'])}不同。"
    )
    return text + (f"与 {w.listed(v['fits'])} 相比才只有所说的不同。" if v["fits"] else "")


_INCONSISTENCIES: dict[str, _Say] = {
    "missing_numbers": lambda w, v: f"表中缺少的编号：{w.cut_list([str(n) for n in v['numbers']])}。",
    "renumbered": _renumbered,
    "repeated": lambda w, v: (
        f"{v['trial']} 在第 {v['line']} 行再次出现，"
        + ("设置不同" if v["settings"] else f"设置相同而结果不同（{w.said(v['text'])}，前一次为 {w.said(v['table'])}）")
        + "；采用第一次的。"
    ),
    "only_in_text": lambda w, v: f"出现在各轮表格却不在总表中：{w.cut_list(v['trials'])}。",
    "not_in_text": lambda w, v: f"在总表中却不在任何一轮的表格中：{w.cut_list(v['trials'])}。",
    "result_differs": lambda w, v: (
        f"{v['trial']}（第 {v['line']} 行）：该轮写的是 {w.said(v['text'])}，总表是 {w.said(v['table'])}。"
    ),
    "settings_differ": lambda w, v: f"{v['trial']}（第 {v['line']} 行）：{_wrong(w, v['settings'])}。",
    "described_short": _short,
    "said_differs": lambda w, v: (
        f"{v['trial']}（第 {v['line']} 行）：原文写的是 {w.said(v['text'])}，表中是 {w.said(v['table'])}。"
    ),
    "said_gap_differs": lambda w, v: (
        f"{v['trial']} 与 {v['reference']}（第 {v['line']} 行）：原文说相差 {v['said']:g} 个百分点，"
        f"按准确率计算为 {v['points']:+.1f}。"
    ),
    "difference_wrong": lambda w, v: (
        f"{v['trial']}（第 {v['line']} 行）：差值一列写的是 {v['said']:+g}；"
        f"按准确率计算应为 {v['points']:+.1f} 个百分点，即基线的 {v['relative']:+.1f}%。"
    ),
    "differences_unread": lambda w, v: (
        f"差值一列（第 {v['line']} 行起）在 {w.cut_list(v['trials'])} 处与基线准确率不符，可能是与别的实验相比。"
    ),
    "best_block_no_trial": lambda w, v: f"最佳配置（第 {v['line']} 行）不是任何一次实验。",
    "best_block_settings": lambda w, v: (
        f"最佳配置（第 {v['line']} 行）写明是 {v['trial']}，但{_wrong(w, v['settings'])}。"
    ),
    "best_block_result": lambda w, v: (
        f"最佳配置（第 {v['line']} 行）写的是 {w.said(v['text'])}，表中 {v['trial']} 是 {w.said(v['table'])}。"
    ),
    "best_block_not_best": lambda w, v: f"最佳配置（第 {v['line']} 行）是 {v['trial']}，但 {v['best']} 更高。",
}

_READING: dict[str, _Say] = {
    "baseline_unsaid": lambda w, v: (
        f"记录没有写明基线 {v['trial']} 的{w.factor_list(v['factors'])}；写明了的实验按与基线不同处理。"
    ),
    "columns_unused": lambda w, v: (
        f"未使用的列（第 {v['line']} 行的表）：{w.cut_list(v['columns'])}。如果其中有改变"
        "过的设置，"
        "所谓仅一项不同的实验对可能不止一项不同。"
    ),
    "table_skipped": lambda w, v: (
        f"第 {v['line']} 行的表有结果，但没有说明设置的列（{w.cut_list(v['columns'])}），未采用。"
    ),
    "column_varies": lambda w, v: (
        f"“{v['column']}”一列（第 {v['line']} 行的表）未使用，但各实验的内容不同"
        f"（{w.cut_list(v['words'], 5)}）。如果它是一项设置，所谓仅一项不同的实验对可能在这上面也不同。"
    ),
    "spread_unused": lambda w, v: (
        f"第 {v['line']} 行的表中结果带有 ±。后面的数没有使用，前面的数按一次运行处理：如果它是多个种子的平均，"
        "偶然造成的差别就比这里说的小。"
    ),
    "columns_doubled": lambda w, v: f"有两列都是{w.factor_list(v['factors'])}，采用第一列。",
    "numbers_restart": lambda w, v: "各表都从头编号；2.1 表示第二个表的 1 号。",
    "rows_numbered": lambda w, v: f"第 {v['line']} 行的表没有实验号一列，各行从 1 起编号。",
    "no_result": lambda w, v: (
        f"{v['trial']}（第 {v['line']} 行）没有可读的结果" + (f"：“{v['cell']}”。" if v["cell"] else "。")
    ),
    "cell_unread": lambda w, v: (
        f"{v['trial']}（第 {v['line']} 行）：{w.factor(v['factor'])}“{v['cell']}”无法读取，取基线的值。"
    ),
    "decoded": lambda w, v: f"文件不是 UTF-8，按 {v['encoding']} 读取。",
    "claims_cut": lambda w, v: f"只判定了前 {v['limit']} 条说法。",
}
