"""The audit in Chinese, in the words of those who write such records by hand."""

from __future__ import annotations

import re
from typing import ClassVar

from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.write.words import AuditShared
from tunebook.words.chinese.common import ChineseShared
from tunebook.words.chinese.labels import FACTORS

__all__ = ["ChineseAudit"]

_LATIN = "|".join(
    re.escape(word)
    for word in sorted(FACTORS.values(), key=len, reverse=True)
    if word[0].isascii() or word[-1].isascii()
)
_TIGHT = re.compile(rf"(?<=[一-鿿])(?={_LATIN})|(?<=[A-Za-z])(?=[一-鿿])")
"""Between a Latin word and a Chinese character stands a blank: "仅 dropout 不同"."""


class ChineseAudit(ChineseShared, AuditShared):
    """与英文版逐句对应。"""

    stop = "。"
    more = " 等另外 {n} 项"
    factor_names: ClassVar = {**FACTORS, "effective_batch_size": "有效批大小", "table": "所在表格"}
    counted: ClassVar = {
        "example": ("{n} 条", "{n} 条"),
        "trial": ("{n} 次实验", "{n} 次实验"),
        "claim": ("{n} 条说法", "{n} 条说法"),
        "place": ("{n} 处", "{n} 处"),
        "degree": ("{n} 个自由度", "{n} 个自由度"),
        "comparison": ("{n} 个比较", "{n} 个比较"),
        "configuration": ("{n} 个配置", "{n} 个配置"),
        "sentence": ("{n} 句带有结论的话", "{n} 句带有结论的话"),
        "cell": ("{n} 个单元格", "{n} 个单元格"),
        "holds": ("{n} 条成立", "{n} 条成立"),
        "depends_on_pairing": ("{n} 条取决于样本如何配对", "{n} 条取决于样本如何配对"),
        "not_after_correction": ("{n} 条校正后不成立", "{n} 条校正后不成立"),
        "cannot_hold": ("{n} 条在任何配对下都不能成立", "{n} 条在任何配对下都不能成立"),
        "not_shown": ("{n} 条未能由这些实验证实", "{n} 条未能由这些实验证实"),
        "unchecked": ("{n} 条无法核对", "{n} 条无法核对"),
    }
    verdicts: ClassVar = {
        SupportVerdict.HOLDS: "成立",
        SupportVerdict.DEPENDS: "取决于样本如何配对",
        SupportVerdict.NOT_CORRECTED: "校正后不成立",
        SupportVerdict.CANNOT_HOLD: "任何配对下都不能成立",
        SupportVerdict.NOT_SHOWN: "未能证实",
        SupportVerdict.UNCHECKED: "无法核对",
    }
    told: ClassVar = {
        **verdicts,
        SupportVerdict.HOLDS: "能",
        SupportVerdict.CANNOT_HOLD: "任何配对下都不能",
        SupportVerdict.NOT_SHOWN: "两次运行能，参数设置未能证实",
    }
    labels: ClassVar = {
        "title": "记录审计：",
        "answer": "结论",
        "fact": "项目",
        "value": "内容",
        "baseline": "基线",
        "the_baseline": "基线",
        "trials": "实验",
        "examples": "测试样本数",
        "one_trial": "单次实验的 95% 区间",
        "noise": "种子噪声",
        "tied": "与最佳无法区分",
        "claims": "逐条核对",
        "line": "行",
        "claim": "原文说法",
        "verdict": "判定",
        "why": "理由",
        "unread_claims": "带有结论但未能读懂的句子",
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
        "a_failure": "失败",
        "unread": "（未能读懂）",
        "nothing": "没有起作用的不同",
        "same_as": "同一训练：",
        "one_factor": "只改一项",
        "several": "同时改了多项",
        "trials_csv": "可直接作为研究文件的 `trials:`",
        "trials_csv_part": "可直接作为研究文件的 `trials:`，其中略去了研究不接受的设置，例如半个 epoch",
        "colon": "：",
        "above": "以上",
        "below": "以下",
        "or": "、",
    }
    says: ClassVar = {
        "points": "{x} 个百分点",
        "of_examples": "{n} 条里的 {k} 条",
        "tally": "记录文字中读懂的 {claims}里，{parts}。",
        "no_claims": "没有读懂的文字结论，因此把 {trials}逐一与基线比较。",
        "trial_tally": "设置与基线不同且有结果的 {trials}里，能与基线区分的有 {real} 次{names}{depends}{runs}。",
        "none": "0",
        "which_failed": "，训练失败",
        "tally_depends": "；有 {n} 次（{names}）取决于答对的是哪些样本",
        "tally_runs": "；有 {n} 次（{names}）两次运行确有差别，但各只有一个种子，不能说明是参数设置造成的",
        "best": "最佳的 {best}（{a}）比{baseline}（{b}）高 {gap}",
        "best_unknown": "；不知道测试样本数，无法判断是否超出偶然。",
        "best_order": "；这类结果只能核对高低顺序，无法判断是否超出偶然。",
        "best_too_small": "：即使样本以最有利的方式配对，{p}，因此没有任何配对能支持它。",
        "best_corrected": "：单独看，最有利的配对下 {p}，但按从中挑选的 {n} 次实验校正后为 {adjusted}。",
        "best_holds": "。这一点成立：即使两次实验的结果互不相关，校正后 {p}。",
        "best_seed": "。两次运行确有差别，但各只有一个种子，不能说明是参数设置造成的。",
        "best_pairing": "。是否超出偶然取决于各自答对的是哪些样本：校正后 p 在 {low} 与 {high} 之间。",
        "baseline_is_best": "没有实验高于{name}。",
        "could_see": "这份记录最多能看出：最有利的配对下 {low} 个百分点，两次实验的结果互不相关时 {high} 个百分点（功"
        "效 80%，"
        "{comparisons}）；若只做一个事先定好的比较，则为 {one_low} 和 {one_high}；若要说参数设置而不只是两次运行，加"
        "上每边"
        "一个种子的噪声，为 {seed}。",
        "nothing": "无",
        "unknown_none": "无法推断测试样本数：没有一个整数能使全部准确率都是整分数。",
        "unknown": "无法推断测试样本数：最小的可能是 {n}，但以这样的小数位数，毫不相干的准确率也有 {luck} 的概率凑得"
        "出这么小的数。",
        "unknown_stated": "原文说有 {n} 条样本，但这些准确率与之不符。",
        "give_examples": "请用 --examples 给出；在此之前只能核对方向和实验设计。",
        "needed": "至少要有 {n} 条样本，最佳与基线之差才有可能成立。",
        "disagreements": "记录有 {places}自相矛盾。",
        "how_given": "{n}（由使用者给出）",
        "how_fractions": "{n}（来自表中的分数）",
        "how_stated": "{n}（原文给出）",
        "how_inferred": "{n}：使全部准确率在所印精度下都是整分数的最小数",
        "alternatives": "（{others} 也符合；若是两倍，则所有答对数都须为偶数，概率 {chance}）",
        "means": "；结果是 {seeds} 个种子的均值，因此是 {seeds} × {n} 的整分数",
        "misfits": "。不是其整分数：{names}，已取最近的整数",
        "slack": "。按所印精度，每个答对数可能相差 {slack}，两个界限已计入",
        "contradicted_n": "。原文说是 {n}，与准确率矛盾",
        "first_row": "（第一行；原文未指明）",
        "failed_fact": "；失败：{names}",
        "unread_fact": "；未能读懂设置：{names}",
        "interval_fact": "{name}：{interval}，约 ±{half} 个百分点",
        "noise_prior": "没有重复训练的设置，无法测量；采用给定的先验：标准差 {used} 个百分点",
        "noise": "标准差 {measured} 个百分点，{degrees}{interval}；与先验合并后为 {used} 个百分点",
        "noise_interval": "（95%：{low} 至 {high}）",
        "noise_wide": "（95%：{low} 至 {high}，区间太宽，说明不了多少）",
        "tied_fact": "{names}：即使只做一个比较、以最有利的方式配对",
        "pair_gap": "{a} 与 {b} 之差：{gap}。",
        "pair_gaps": "有 {n} 对实验仅此一项不同（{listed}）：合计 {total}。",
        "pair_more": " 等另外 {n} 对",
        "significant": "即使结果互不相关，校正后 {p}。",
        "pairing": "校正后 p 在 {low}（最有利的配对）与 {high}（结果互不相关）之间。",
        "too_small": "最有利的配对下 {p}。",
        "corrected": "单独看，最有利的配对下 {p}；按 {comparisons}校正后为 {adjusted}。",
        "seed_noise": "两次运行确有差别（即使结果互不相关，校正后 {p}），但各只有一个种子，而种子噪声为 {used} 个百分"
        "点，"
        "不能说明是参数设置造成的（校正后 {seed}）。",
        "contradicted": "表中的高低与此相反。",
        "mixed_signs": "各对的方向不一致。",
        "no_difference": "表中没有差别。",
        "same_training": "{a} 与 {b} 是同一训练（有效设置相同），差别只是偶然。",
        "changes_nothing": "无需检验：{factor}在这里的改动不影响数学结果。",
        "confounded": "没有仅{factor}不同的实验对。",
        "confounded_levels": "{factor} {levels} 与 {against} 之间，没有仅此一项不同的实验对。",
        "confounded_any": "没有能单独说明它的实验对。",
        "also": "{a} 与 {b} 还有{factors}不同。",
        "edge_open": "{trained}（训练成功）与 {failed}（失败）之间没有试过，边界可能在其间任何一处。",
        "all_failed": "那里的 {n} 次实验全部失败（{names}），且有一对实验仅此一项不同。{n} 次运行只能说明那里至少有 "
        "{share} 会失败"
        "（95%）。",
        "failed": "{name} 没有训练成功，无需检验。",
        "worked": "在那里照样训练成功：{names}。",
        "open_side": "这一区间有一侧没有试过。",
        "mixed_runs": "在那里训练成功：{worked}；失败：{names}。",
        "absence": "没有发现差别，并不说明没有差别{interval}。",
        "absence_interval": "：按互不相关的样本计算，可能在 {low} 至 {high} 个百分点之间",
        "difference_found": "差别是存在的，而且成立。",
        "order_unknown": "仅{factor}不同的最大差别可能是真的，但它是否大于其他参数是另一个比较，这些实验支持不了。",
        "not_best": "{higher} 高于 {name}。",
        "no_trial": "表中没有与这句话对应的实验。",
        "not_varied": "表中没有{factor}的两个不同取值。",
        "examples_unknown": "不知道测试样本数，无法判断是否超出偶然。",
        "no_share": "{measure} 只能核对高低顺序；表中的顺序与这句话一致。",
        "other_result": "按 {measure} 并非如此，但按 {others} 则是；这句话没有说明指的是哪一个。",
        "agrees": "表中的方向与此一致。",
        "equal": "{names} 的有效设置相同{counts}：是同一训练的不同偶然结果，其差别正好用来衡量噪声。",
        "equal_short": "如果没有训练样本超过 {tokens} 个 token，{names} 也是同一训练{counts}{spread}。",
        "right_counts": "（答对 {counts} 条）",
        "spread": "；那么仅凭偶然就差了 {spread} 条，不小于最佳与基线之间的 {gain} 条",
        "ratio_constant": "所有实验的 alpha/r 都是 {ratio}。随 rank 改变的只是这一比例下的 rank，alpha 的作用无法与它"
        "分开。",
        "ratio_unknown": "rank 有变化，但没有记录 alpha：alpha/r 是否随之改变不得而知。",
        "one_to_one": "{a}与{b}总是一起改变，两者的作用无法分开。",
        "not_isolated": "没有两次实验仅以{factor} {levels} 与基线取值相比{companions}。",
        "companions": "：{factors}每次都一起变了",
        "break_one": "{factor} {trained_level} {side}会失败，只有一次实验为据：{failed}（{failed_level}），一个种子。",
        "break_many": "{factor} {trained_level} {side}的 {n} 次实验全部失败：{names}，最近的在 {failed_level}。",
        "break_moves": "{trained}（{trained_level}，训练成功）与 {failed}（{failed_level}，失败）之间同时改了 {n} 项"
        "：{factors}。是哪一项"
        "造成的并不清楚。",
        "break_alone": "{trained}（{trained_level}，训练成功）与 {failed}（{failed_level}，失败）仅此一项不同。",
        "break_clean": "仅{factor}不同的最近一对是 {trained}（{trained_level}，训练成功）和 {failed}（"
        "{failed_level}，失败）：在它们的"
        "其余设置下，边界位于两者之间。",
        "break_no_clean": "没有仅{factor}不同的一成一败的实验对。",
        "next": "能回答未决问题的最便宜的实验：{configurations}，每个种子合计为基线训练一次的 {cost} 倍（只按轮数计）"
        "。",
        "settle": "多用种子代替不了样本：要看清最佳与基线之间的差别，最有利的配对下需要 {low} 条样本，结果互不相关时"
        "需要 {high} 条"
        "（功效 80%，只做这一个比较）。",
        "why_baseline": "更多种子：衡量噪声，也使其他比较公平",
        "why_best": "更多种子：它到底是否更好？",
        "why_boundary_factor": "{factor} {level}，其余用训练成功的设置：单凭它会崩溃吗？",
        "why_boundary_again": "另一个种子：还会崩溃吗？",
        "why_boundary_rest": "{factor} {level}，其余用失败实验的设置：没有它也会崩溃吗？",
        "why_alpha": "单独的{factor} {level}：把 rank 与 alpha 分开",
        "why_level": "单独的{factor} {level}",
        "why_claim": "单独的{factor} {level}，即原文所说",
        "why_pair": "另一个种子：它与基线之差取决于样本如何配对",
        "method_bounds": "两次实验在同样的样本上评测，而记录没有说各自答对了哪些。因此每个差别都取两个界限：最有利的"
        "配对，即所有不同的"
        "样本都算在较高的一方（精确 McNemar 检验，双侧；差 D 条时 p = 2^(1-D)）；结果互不相关，即好像各自用了不同的样本"
        "（Fisher 精确检验，双侧；多对合计和种子均值用正态近似）。",
        "method_verdicts": "任何配对下都不能成立：连第一个界限也不低于 0.05，或者这句话所指的每一对在表中都是相反方向"
        "。校正后不成立："
        "第一个界限单独看低于 0.05，按比较的个数校正后则不然。取决于样本如何配对：第一个界限低于 0.05，第二个不低于；"
        "这不是半个“成立”，在毫无差别的记录里它几乎总会出现。成立：第二个界限也低于 0.05，加上种子噪声之后仍然如此。"
        "未能证实：没有实验能单独说明它，或者各只有一个种子。没有一种判定是说“没有差别”。",
        "method_families": "多重比较校正：各实验与基线的比较用 Holm 法，共 {family} 个，两个界限都校正。由说法或参数"
        "挑出的实验对："
        "第一个界限对所判定的实验对用 Holm 法，第二个界限对全部 {pairs} 对设置不同、可供挑选的实验用 Bonferroni 法。",
        "method_noise": "种子噪声：{used} 个百分点，由测得的方差与先验（{prior} 个百分点，相当于 {degrees}）合并而来"
        "。它只用来阻止一条"
        "说法成立，从不用来否定一条说法。",
        "read_result": "{header} 是结果（{kind}）",
        "kind_share": "答对的比例",
        "kind_score": "越高越好的得分，只核对顺序",
        "kind_loss": "越低越好，只核对顺序",
        "read_factors": "设置：{names}",
        "read_others": "其他结果：{names}",
        "read_place": "名次：{names}",
        "read_labels": "实验名：{names}",
        "read_unused": "未使用：{names}",
        "read_ambiguous": "两列都像同一项设置，分开处理：{names}",
        "read_line": "第 {line} 行的表：{parts}。",
        "unread_cells": "有 {cells}未能读懂，未使用：",
        "unread_cell": "第 {line} 行，{trial}，{column}：“{cell}”（{why}）",
        "unread_sentences": "有 {sentences}未能读懂，列在下文。",
        "mend": "如有读错：用 --columns '列名=参数' 指明列的含义，用 --examples N 给出样本数。",
        "unread_cut": "等另外 {n} 个",
        "why_range": "是一个范围",
        "why_about": "是约数",
        "why_limit": "是上下限",
        "why_comma": "逗号是小数点还是千分位？",
        "why_power": "是幂还是脚注？",
        "why_words": "不是单独的数",
        "why_scale": "百分数中的比例？",
        "why_size": "不可能是这个量",
        "why_blank": "空白：同上、同基线，还是没有？",
        "why_pointer": "指向另一次实验",
        "why_memory": "显存不足不说明训练好坏",
        "why_status": "运行没有完成",
        "assumed": "{trials}的空白设置取自基线。",
        "baseline_unsaid": "记录没有给出基线（{trial}）的{factors}。写明了这一项的实验都视为与基线不同。",
        "table_skipped": "第 {line} 行的表有结果而没有设置（{columns}），未采用。",
        "results_apart": "第 {line} 行的表有结果而没有设置（{columns}），其实验名与任何设置表都不一致，未采用。",
        "settings_apart": "第 {line} 行的表有设置而没有结果，其实验名与结果不一致，未采用。如果它给出的就是这些实验的"
        "设置，那么所谓只有"
        "一项不同的实验对可能还有别的不同。",
        "other_results": "第 {line} 行的表是另一种结果（{column}），未采用。",
        "tables_joined": "第 {line} 行的结果与第 {settings} 行的设置按实验名合并。",
        "grid_spread": "第 {line} 行的表是{factors}的网格：每格一次实验。",
        "planned_rows": "尚未进行，不算实验：{trials}（第 {line} 行的表）。",
        "reference_row": "{trial}（第 {line} 行）是未训练的模型，不算实验。",
        "blanks_above": "第 {line} 行的表中空白或合并的设置取自上一行。",
        "blanks_baseline": "第 {line} 行的表中空白的设置取自基线。",
        "spread_unused": "结果带有 ±，而原文没有说明是几个种子。± 后面的数未使用，前面的数视为一次运行。",
        "numbers_restart": "各表都从头编号；2.1 是第二个表的 1 号。",
        "rows_numbered": "第 {line} 行的表没有编号列；各行从 1 编号。",
        "decoded": "文件不是 UTF-8，按 {encoding} 读取。",
        "claims_cut": "只判定了前 {limit} 条说法。",
        "missing_numbers": "表中缺少的编号：{numbers}。",
        "renumbered": "“{section}”（第 {line} 行）的编号与总表不一致；按设置和结果对应，前者为原文：{pairs}。",
        "renumbered_pair": "{a} 即 {b}",
        "repeated_settings": "{trial} 在第 {line} 行再次出现，设置不同；采用第一次的。",
        "repeated_result": "{trial} 在第 {line} 行再次出现，设置相同而结果不同（{text}，前一次为 {table}）；采用第一"
        "次的。",
        "only_in_text": "出现在各轮表格却不在总表中：{trials}。",
        "not_in_text": "在总表中却不在任何一轮的表格中：{trials}。",
        "result_differs": "{trial}（第 {line} 行）：该轮写的是 {text}，总表是 {table}。",
        "settings_differ": "{trial}（第 {line} 行）：{settings}。",
        "setting_differs": "{factor}原文为 {text}，表中为 {table}",
        "described_short": "{trial}（第 {line} 行）只说改了{named}，但总表中它与 {reference} 还有{undeclared}不同。",
        "described_fits": "与 {fits} 相比才只有所说的不同。",
        "said_differs": "{trial}（第 {line} 行）：原文写的是 {text}，表中是 {table}。",
        "said_gap_differs": "{trial} 与 {reference}（第 {line} 行）：原文说相差 {said}，按准确率为 {points} 个百分点。",
        "difference_wrong": "{trial}（第 {line} 行）：差值一列写的是 {said}；按准确率为 {points} 个百分点，即基线的 "
        "{relative}%。",
        "differences_unread": "差值一列（第 {line} 行）在 {trials} 与基线的准确率不符；它可能是与另一次实验相比。",
        "best_block_no_trial": "最佳配置（第 {line} 行）不是任何一次实验。",
        "best_block_settings": "最佳配置（第 {line} 行）写明是 {trial}，但{settings}。",
        "best_block_result": "最佳配置（第 {line} 行）写的是 {text}，表中 {trial} 是 {table}。",
        "best_block_not_best": "最佳配置（第 {line} 行）是 {trial}，但 {best} 更高。",
    }

    def say(self, code: str, **values: object) -> str:
        return _TIGHT.sub(" ", super().say(code, **values))
