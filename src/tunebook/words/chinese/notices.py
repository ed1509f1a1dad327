"""Warnings and refusals in Chinese, for everything that happens once the study's language is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tunebook.core.notice import Notice
from tunebook.escaping import quoted
from tunebook.words.chinese.common import ChinesePieces
from tunebook.words.numbers import number

__all__ = ["ChineseNotices"]

LISTED = 5
_SPLITS = {"train": "训练集", "training": "训练集", "validation": "验证集", "test": "测试集"}


def _split(name: str) -> str:
    return _SPLITS.get(name, name)


def _place(text: str) -> str:
    """Where a row stands; rows of files without lines by their number."""
    return re.sub(r", row (\d+)", r" 第 \1 行", text)


def _first(rows: Sequence[str], count: int) -> str:
    return "，".join(map(_place, rows)) + ("……" if count > len(rows) else "")


def _brought(commands: Sequence[str]) -> str:
    return "请用" + "、".join(f" `{command}` " for command in commands) + "取回。"


class ChineseNotices(ChinesePieces):
    """`notice_<code>` for each code of a `core.notice.Notice`; `refused_...` for what ends a command."""

    def notice(self, notice: Notice) -> str:
        """A warning as a sentence."""
        values = {
            name: self.translated(each) if isinstance(each, str) else each for name, each in notice.values.items()
        }
        text: str = getattr(self, f"notice_{notice.code}")(**values)
        return text

    # data

    def notice_no_groups(self, metric: str) -> str:
        return f"{metric} 是对全部样本计算的一个数，因此不按 data.group 分组报告。"

    def notice_absent_parts(self, source: str, names: Sequence[str], count: int) -> str:
        return f"{source} 只是一组文件中的一个，其余 {count} 个没有读取（{_first(names, count)}）。"

    def notice_encoding(self, source: str, encoding: str) -> str:
        return f"{source} 不是 UTF-8，按 {encoding} 读取。请看几行，确认文字没有乱码。"

    def notice_no_answers(self, source: str) -> str:
        return f"{source} 没有答案列，无法用来评分，因此不使用。"

    def notice_unanswerable(self, source: str, count: int, of: int) -> str:
        return (
            f"{source}：{of} 条中有 {count} 条的答案列表为空，不使用，因此既不学习也不衡量没有答案的问题。要使用它们，"
            "请在列表里写上模型应当说的话。"
        )

    def notice_few_validation_rows(self, count: int) -> str:
        return f"验证样本只有 {count} 个：只能检出非常大的差异。"

    def _stand_in(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        return f"{_split(split)}有 {count} 条同时出现在{_split(other)}里（{_first(rows, count)}）"

    def notice_overlap(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        return f"{self._stand_in(split, other, count, rows)}；已设置为允许，这些样本的得分只反映记忆。"

    def refused_overlap(self, source: str, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        return (
            f"{source}：{self._stand_in(split, other, count, rows)}，这些样本的得分只反映记忆。"
            "请删除它们；如果是有意的，请设置 data.allow_overlap: true。"
        )

    def notice_shared_questions(self, split: str, other: str, count: int, rows: Sequence[str]) -> str:
        return f"{_split(split)}有 {count} 条与{_split(other)}中某一条问题相同而答案不同（{_first(rows, count)}）。"

    def notice_duplicates(self, source: str, split: str, count: int, contradicting: int) -> str:
        tail = f"，其中 {contradicting} 条答案不同" if contradicting else ""
        return f"{source}：{_split(split)}有 {count} 条与前面的问题重复{tail}。"

    def notice_one_label(self, source: str, split: str, count: int, label: str) -> str:
        return (
            f"{source}：{_split(split)}全部 {count} 条的答案都是 {quoted(label)}；"
            "答案只有一种时，得分说明不了配置的好坏。"
        )

    def refused_one_label(self, source: str, split: str, count: int, label: str) -> str:
        said = self.notice_one_label(source, split, count, label)
        return f"{said}文件是否按答案排过序？请打乱顺序，或提供答案不同的样本。"

    def notice_unseen_labels(self, split: str, labels: Sequence[str], rows: int) -> str:
        listed = "、".join(map(quoted, labels[:LISTED]))
        return f"{_split(split)}有 {len(labels)} 种答案（{listed}；{rows} 条）在训练集中从未出现，任何配置都学不到。"

    def notice_truncated(self, max_length: int, count: int, total: int) -> str:
        return f"max_length {max_length} 会截断 {total} 条训练数据中 {count} 条的答案。"

    def notice_answers_cut_off(self, max_length: int, count: int, total: int) -> str:
        return (
            f"max_length {max_length} 时，{total} 条训练数据中有 {count} 条的答案被全部截去；在该长度下跳过这些数据。"
        )

    def notice_beyond_context(self, count: int, longest: int, context: int, place: str) -> str:
        return (
            f"有 {count} 条训练数据超过模型的上下文长度 {context} 个 token"
            f"（最长的 {_place(place)} 有 {longest} 个），超出部分被截去。"
        )

    def notice_beyond_context_scored(self, split: str, count: int, longest: int, context: int, place: str) -> str:
        return (
            f"{_split(split)}有 {count} 条超过模型的上下文长度 {context} 个 token"
            f"（最长的 {_place(place)} 有 {longest} 个）；截去提示的开头，使提示和答案放得下。"
        )

    def notice_similar_choices(self, choices: Sequence[Sequence[str]]) -> str:
        groups = "；".join("、".join(map(quoted, group)) for group in choices[:LISTED])
        return (
            f"有些选项只在大小写或空白上不同，会互相竞争：{groups}。选中另一个即算错。"
            "如非有意，请在各条数据中统一写法。"
        )

    def refused_not_a_choice(self, place: str, answer: str, choices: int, split: str, rows: int) -> str:
        return (
            f"{_place(place)}：答案 {quoted(answer)} 不在 {choices} 个选项之中（{_split(split)}共 {rows} 条）。"
            "请把它加入 data.choices，或改正这一条。"
        )

    def refused_max_length(self, level: int, shortest: int) -> str:
        return (
            f"max_length: 当前为 {level}；训练数据的提示至少有 {shortest} 个 token，答案会被全部截去。"
            f"请写大于 {shortest} 的值。"
        )

    def refused_long_prompts(self, place: str, shortest: int, context: int) -> str:
        return (
            f"{_place(place)}：训练数据的提示至少有 {shortest} 个 token，而模型的上下文长度是 {context}，答案无法学到。"
            "请缩短提示，或换用上下文更长的模型。"
        )

    def refused_long_answer(self, place: str, length: int, context: int, split: str, rows: int) -> str:
        return (
            f"{_place(place)}：答案有 {length} 个 token，而模型的上下文长度是 {context}；要评分的答案必须完整放得下"
            f"（{_split(split)}共 {rows} 条过长）。请缩短或删除这些样本，或换用上下文更长的模型。"
        )

    def refused_token(self, place: str, token: str, number: int, rows: int) -> str:
        return (
            f"{_place(place)}：token {quoted(token)} 的编号是 {number}，"
            f"而模型的词嵌入只有 {rows} 行（0 至 {rows - 1}）。分词器添加了 token，模型却没有扩展："
            "请扩展模型的词嵌入（resize_token_embeddings）并保存，"
            "或从数据和模板中去掉这个 token。"
        )

    def refused_many_choices(self, source: str, found: int, most: int) -> str:
        return (
            f"{source}：评价指标 choice 要比较每个选项的似然，而训练数据有 {found} 种不同的答案（最多 {most} 种）。"
            "请改用 exact_match，或在 data.choices 中列出选项。"
        )

    def refused_one_choice(self, source: str) -> str:
        return f"{source}：评价指标 choice 需要两个选项，而所有答案都相同。请在 data.choices 中列出选项。"

    # the study

    def notice_long_golds(self, characters: int, all_numbers: bool) -> str:
        step = "number" if all_numbers else "contains 或 module:function"
        return f"exact_match 要求全文一致，而标准答案平均有 {characters} 个字符；可考虑 {step}。"

    def notice_code_not_confined(self, missing: list[str]) -> str:
        names = {"files": "读写您的文件", "calls": "启动进程和使用网络"}
        what = self.listed([names[each] for each in missing])
        return (
            f"pass@1 会运行模型写的代码；本机无法阻止它{what}，只限制了时间、内存和文件大小。"
            "有 Landlock 和 seccomp 的 Linux 可以阻止。"
        )

    def notice_task_from_hub(self, source: str) -> str:
        return f"该任务的文档是 hub 上的数据集 {source}：没有缓存时会下载。"

    def notice_task_doubts_its_answers(self, task: str, share: float) -> str:
        return (
            f"按任务 {task} 自己的规则，它的标准答案只有 {100 * share:.0f} % 算对。"
            "请查看标签是否被隐藏，或过滤器是否不合适。"
        )

    def notice_said(self, text: str) -> str:
        return text

    def notice_engine_replaced(self, engine: str, why: str, instead: str) -> str:
        return f"训练引擎 {engine} 不能运行这个模型（{why.rstrip('.')}）{f'，改用 {instead}' if instead else ''}"

    def notice_engine_refuses(self, engine: str, why: str, instead: str) -> str:
        return f"训练引擎 {engine} 不能训练本研究的部分配置（{why.rstrip('.')}），这些配置改用 {instead}"

    def notice_tracker_failed(self, tracker: str, reason: str) -> str:
        return f"跟踪器 {tracker} 出错（{reason}）；研究继续进行，不再使用它。"

    def notice_columns_ignored(self, file: str, columns: Sequence[str]) -> str:
        return f"{file}：忽略不是参数的列：{'、'.join(columns)}"

    def notice_seeds_not_used(self, keys: Sequence[str], design: str) -> str:
        what = {
            "model": "design: model 自行决定每个配置（包括基线）用几个随机种子",
            "balanced": "design: balanced 中每个组合只训练一次",
            "table": "实验表只用 seeds.configuration 和 seeds.baseline",
        }.get(design, f"design: {design} 用不到")
        return f"{'、'.join(keys)} 未被使用：{what}。可用 `tunebook add` 为某个配置增加随机种子。"

    def notice_not_measured(self, reason: str) -> str:
        return f"无法测量本机速度（{reason.rstrip('.')}），因此不预测时间。"

    def notice_versions_changed(self, changed: Mapping[str, tuple[str, str]]) -> str:
        named = self.comma.join(f"{name} {a} → {b}" for name, (a, b) in changed.items())
        return f"自上次运行以来有变化：{named}。结果的末位数字可能不同；记录中会注明。"

    def notice_late_result(self, trial: int) -> str:
        return f"实验 {trial}：结果到得太晚，已拒收：该实验已重新开始或已经结束"

    def notice_no_figures(self, figures: Sequence[str], reason: str) -> str:
        return (
            f"图（{'、'.join(figures)}）无法绘制（{reason}），其余都已写入。"
            "`tunebook doctor` 可检查 matplotlib 和字体；`pip install --force-reinstall matplotlib` 多半可以解决；"
            "之后用 `tunebook report` 重新绘制。"
        )

    def notice_no_curves(self, folder: str, reason: str) -> str:
        return (
            f"tensorboard：{folder} 无法写入（{reason}）；曲线只存入账本。研究继续进行；"
            "文件夹可写后，用 `tunebook report` 可以重新写出。"
        )

    def refused_study_changed(
        self, file: str, study: str, keys: Sequence[str], larger: Sequence[str], any_value: Sequence[str]
    ) -> str:
        option = "（若文件未改，则是命令行选项所改）" if any(key.startswith("budget.") for key in keys) else ""
        return (
            f"{file}：研究 {study} 开始之后有改动：{'、'.join(keys)}{option}。"
            f"已开始的研究可以增大 {'、'.join(larger)}，可以任意更改 {'、'.join(any_value)}，"
            "也可以用 `tunebook add` 添加自己的实验；其他改动会使已有实验的含义改变。请撤销改动，或给研究另起名字。"
        )

    def refused_other_data(self, source: str, role: str, then: str, now: str) -> str:
        return (
            f"{source}：{_split(role)}文件与研究开始时的不同（SHA-256 原为 {then}，现为 {now}）。"
            "不同数据上的结果不能比较。请恢复原文件，或给研究另起名字。"
        )

    def refused_other_model(self, model: str, then: str, now: str) -> str:
        return f"{model}：模型与研究开始时的不同（指纹原为 {then}，现为 {now}）。请恢复原模型，或给研究另起名字。"

    def _known_trials(self, ids: Sequence[int]) -> str:
        return f"{min(ids)} 至 {max(ids)}" if ids else "还没有"

    def refused_trial(self, text: str, ids: Sequence[int]) -> str:
        return f"{text}：没有这个实验；本研究的实验号：{self._known_trials(ids)}。"

    def refused_reference(self, text: str, keys: Sequence[str], ids: Sequence[int]) -> str:
        what = {"best": "本研究还没有最优配置", "cheapest": "本研究尚未发现与最优效果相当的配置"}.get(text) or (
            f"对应 {len(keys)} 个配置（{'、'.join(keys)}）" if keys else "本研究中没有这个实验或配置"
        )
        return (
            f"{text}：{what}。可以给出实验号（{self._known_trials(ids)}）、baseline、best、cheapest、"
            "参数及其取值（如 lora_r=32），或配置的键（`tunebook status` 会列出）。"
        )

    def refused_unfinished(self, trial: int, finished: int) -> str:
        return f"{trial}：没有这个已完成的实验；本研究已完成 {finished} 个。用 `tunebook status` 查看。"

    def refused_nothing_trained(self, folder: str) -> str:
        return f"{folder}：还没有训练过实验，没有可以导出的内容。"

    def no_adapter(self, engine: str) -> str:
        return f"没有，引擎 {engine} 不做训练，该处的文件是虚构的"

    def refused_simulated(self, engine: str) -> str:
        return (
            f"merged：本研究的引擎 {engine} 不做训练，没有可以合并的适配器。"
            "请用会训练的引擎（packed 或 peft）另起名字重做研究。"
        )

    def refused_nothing_learned(self, folder: str) -> str:
        return (
            f"{folder}：没有证据表明有配置学会了任务，因此不推荐任何配置，也没有可以导出的内容。"
            "记录里写有可以尝试的办法。如仍要导出领先的配置，请在研究文件里写 `floor: go_on`，"
            "先用 `tunebook run`，再用 `tunebook export`。"
        )

    def notice_done_nothing_learned(self) -> str:
        return (
            "不再训练：该研究因没有学到任何东西而停止，增大预算不会改变这一点。"
            "记录里写有可以尝试的办法；在研究文件里写 `floor: go_on` 后可以继续。"
        )

    def notice_done_little_to_gain(self, gain: float, chance: float, margin: float) -> str:
        return (
            "预算虽已增大，但不再训练：按目前全部实验的模型，本搜索空间内还有设置比最优高出"
            f"您设定的 {self.exactly(margin)} {self.unit}以上的概率为 {number(100 * chance, 2)}%，"
            f"平均还能提高 {self.size(gain)} {self.unit}。在研究文件里减小 `margin` 后可以继续，"
            "`tunebook add` 可以训练您自己的设置，新的研究可以搜索更大的空间。"
        )

    def notice_done_no_question(self) -> str:
        return (
            "预算虽已增大，但不再训练：预算容得下的设置都已训练过，或不值得再做实验。"
            "再增大预算或许可以继续，`tunebook add` 可以训练您自己的设置，新的研究可以搜索更大的空间。"
        )

    def notice_adapters_elsewhere(self, count: int, commands: Sequence[str]) -> str:
        return f"该研究此前在别处运行过，有 {count} 个适配器不在此文件夹中。{_brought(commands)}"

    def refused_adapter_elsewhere(self, trial: int, folder: str, commands: Sequence[str]) -> str:
        where = _brought(commands) if commands else "请将其恢复到原处。"
        return (
            f"{folder}：最优实验 {trial} 的适配器不在此文件夹中，因此没有 best/。所有结果均已保存，记录已写出。"
            f"{where}然后再次运行本命令。"
        )

    def refused_no_adapter(self, adapter: str, trial: int, command: str) -> str:
        return (
            f"{adapter}：实验 {trial} 的适配器不在（外部训练程序不一定留下适配器，或文件夹已被删除）。"
            f"用 `{command}` 重新训练。"
        )
