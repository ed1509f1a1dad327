"""What the commands print, in Chinese: plan, status, progress, run, rerun, compare, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import NothingLearned
from tunebook.core.reproduction import Reproduction
from tunebook.core.study import Cut, Fold, Purpose, RoundKind, TrialState
from tunebook.escaping import excerpt, quoted
from tunebook.words.chinese.codes import PURPOSES, ROUNDS
from tunebook.words.chinese.common import gap, numeral, span
from tunebook.words.chinese.labels import PATHS, ROUND_STATES
from tunebook.words.chinese.rounds import ChineseRounds
from tunebook.words.numbers import bytes_text, p_phrase, trial_list
from tunebook.words.values import Spending

__all__ = ["ChineseTerminal"]

LISTED = 5

_PHASES = {"train": "训练", "score": "评分", "judge": "评判"}


def _step(step: int, total: int | None) -> str:
    return f"第 {step} 步" + ("" if total is None else f"（共 {total} 步）")


class ChineseTerminal(ChineseRounds):
    """One section for each command."""

    def trials_named(self, ids: Sequence[int]) -> str:
        return f"实验 {trial_list(ids)}"

    def path_name(self, key: str) -> str:
        return PATHS.get(key, key)

    def changed_pairs(self, changed: Mapping[str, tuple[str, str]]) -> str:
        return self.comma.join(f"{name} {then} → {now}" for name, (then, now) in changed.items())

    # plan

    def plan_checking(self) -> str:
        return "正在检查数据和模型。"

    def warning_line(self, text: str) -> str:
        return f"注意：{text}"

    def plan_study(self, name: str, model: str, quantization: str, engine: str, metric: str) -> str:
        kept = self.weights_kept(quantization)
        return f"研究 {name}：模型 {model}{f'（{kept}）' if kept else ''}，训练引擎 {engine}，评价指标 {metric}"

    def plan_metrics(self, decides: str, others: Sequence[str]) -> str:
        return f"多个指标：由 {decides} 决定，下面的差异和容差都按它计算；{'、'.join(others)} 一并报告"

    def plan_data(self, train: int, validation: int, test: int, form: str) -> str:
        tail = f"（格式 {form}）" if form else ""
        return f"数据：训练 {train} 条，验证 {validation} 条，{f'测试 {test} 条' if test else '无测试集'}{tail}"

    def not_used(self, columns: Sequence[str]) -> str:
        return f"未使用的列：{'、'.join(map(quoted, columns))}"

    def plan_task(self, task: Mapping[str, Any]) -> list[str]:
        lines = [f"评分方式：{self.task_fact(task)}"]
        if shown := task.get("shown"):
            prompt, right, *others = shown
            lines += [f"  文档：{excerpt(str(prompt))}", f"  正确答案：{excerpt(str(right))}"]
            if others:
                lines.append(f"  与之比较：{'、'.join(excerpt(str(each)) for each in others[:LISTED])}")
        return lines

    def plan_program(self, command: str) -> str:
        return f"程序：{command}"

    def plan_lengths(self, mean: float, longest: int, in_words: bool) -> str:
        return f"长度：训练样本平均 {self.length(round(mean), in_words).rstrip()}，最长 {longest} 个"

    def plan_example(
        self, place: str, *, prompt: str, learnt: str, stops: Sequence[str], options: Sequence[str], metric: str
    ) -> list[str]:
        scored = f"模型在提示之后写出的内容，到 {' 或 '.join(map(excerpt, stops))} 为止，评价指标 {metric}"
        if options:
            first = "、".join(map(excerpt, options[:LISTED])) + ("……" if len(options) > LISTED else "")
            scored = f"{len(options)} 个选项各自的似然：{first}"
        return [
            f"样本示例：{place}，模型看到的文本",
            f"  提示：{excerpt(prompt)}",
            f"  学习：{excerpt(learnt)}",
            *([f"  评分：{scored}"] if metric else []),
        ]

    def plan_nothing_left(self) -> str:
        return "计划的实验已全部完成；增大预算后可以继续。"

    def plan_columns(self) -> tuple[str, str, str, str]:
        return "轮次", "实验数", "比较数", "能检出的差异"

    def plan_in_all(self) -> str:
        return "合计"

    def plan_sees(self, effect: float, on_test: bool) -> str:
        return f"{self.amount(effect)} {self.unit}以上，{'测试集' if on_test else '验证集'}"

    def plan_next(self, kind: RoundKind, counts: Mapping[Purpose, int], units: int, free: int) -> str:
        listed = self.comma.join(f"{PURPOSES[purpose]} {n} 个" for purpose, n in counts.items())
        on_the_way = f"；另有 {free} 个在训练途中评分，不另外训练" if free else ""
        counted = f"，计入预算 {units} 个" if units != sum(counts.values()) else ""
        return f"接下来（{ROUNDS[kind]}）：{sum(counts.values())} 个实验（{listed}）{counted}{on_the_way}。"

    def plan_levels(self, levels: Mapping[str, Sequence[str]], baseline: Mapping[str, str]) -> str:
        parts = [
            f"{self.factor(name)} {self.comma.join(values)}（基线 {baseline[name]}）" for name, values in levels.items()
        ]
        return f"取值：{'；'.join(parts)}"

    def plan_trial_columns(self) -> tuple[str, str, str, str]:
        return "实验号", "目的", "与基线的不同", "随机种子"

    def plan_fold(self, fold: Fold, longest: int | None, in_words: bool) -> str:
        level = fold.configuration.as_dict()[fold.factor] if fold.factor else None
        what = self.setting(fold.factor, level) if fold.factor else "某一配置"
        return f"合并：{what}。{self.fold(fold.reasons, longest, in_words)}节省 {fold.saved_trials} 个实验。"

    def plan_cut(self, cut: Cut) -> str:
        return f"因预算删去：{self.cut(cut)}"

    def plan_margin(self, smallest: float, margin: float, on_test: bool) -> list[str]:
        split = "测试" if on_test else "验证"
        lines = [f"两个配置效果相当，最多只能证实到相差 {self.amount(smallest)} {self.unit}以内"]
        if margin < smallest:
            lines.append(
                f"您的容差是 {self.exactly(margin)} {self.unit}，小于这个值：本研究无法证实效果相当；"
                f"需要更多的{split}样本或随机种子"
            )
        if not self.scale.counts_right_answers:
            lines.append(f"以上是估计，假定{self._noun}在样本间的波动与对错得分相同；实际波动见记录")
        return lines

    def plan_without_cuts(self, trials: int, effect: float) -> str:
        return f"若不删减（{trials} 个实验），全面探索轮能检出 {self.amount(effect)} {self.unit}的差异"

    def plan_memory(self, needed: float, slots: int, free: float) -> list[str]:
        lines = [f"内存：{slots} 个实验同时训练约需 {bytes_text(needed)}，可用 {bytes_text(free)}"]
        if needed > free:
            lines.append("超出可用内存，实验会失败：请关闭其他程序，减小 max_length 或 lora_r，或换用更小的模型")
        return lines

    def plan_not_measured(self) -> str:
        return "时间与内存：未作预测，因为没有在本机测量过该模型"

    def plan_time(
        self,
        one_by_one: tuple[float, float],
        here: tuple[float, float],
        effect: float | None,
        prices: tuple[float, float] | None,
        simulated: bool,
    ) -> str:
        finds = f"，能检出 {self.amount(effect)} {self.unit}以上的差异" if effect else ""
        priced = f"，费用 {prices[0]:,.2f} 至 {prices[1]:,.2f}" if prices else ""
        lead, together = ("按模拟世界的时间，", "并行") if simulated else ("", "在本机并行")
        alone = f"{lead}用 PEFT 和 Trainer 逐个训练约需 {self._between(one_by_one)}"
        return f"{alone}；{together}约需 {self._between(here)}{priced}{finds}。"

    def plan_service(self, requests: float, tokens: tuple[float, float], price: float | None) -> str:
        counted = f"，约 {tokens[0]:,.0f} 个输入 token、{tokens[1]:,.0f} 个输出 token" if any(tokens) else ""
        priced = f"，费用约 {price:,.2f}" if price is not None else ""
        return f"评判最多需要 {requests:,.0f} 次请求{counted}{priced}，失败的请求不计在内；相同的回答只询问一次。"

    def _rounded(self, seconds: float) -> str:
        minutes = max(1, round(seconds / 60))
        return f"{minutes} 分钟" if minutes < 60 else f"{minutes // 60} 小时 {minutes % 60} 分"

    def _between(self, seconds: tuple[float, float]) -> str:
        low, high = map(self._rounded, seconds)
        return span(low, high)

    # status

    def status_title(self, study: str, finished: bool) -> str:
        return f"研究 {study}：{'已完成' if finished else '未完成'}"

    def status_columns(self) -> tuple[str, str, str]:
        return "轮次", "状态", "实验"

    def round_name(self, number: int | None, kind: RoundKind) -> str:
        return ROUNDS[kind] if number is None else f"{number} {ROUNDS[kind]}"

    def round_state(self, state: str) -> str:
        return ROUND_STATES[state]

    def state_counts(self, trials: Mapping[TrialState, int]) -> str:
        return "，".join(f"{self.state(state)} {n} 个" for state, n in trials.items())

    def running_round(self, name: str, counts: str) -> str:
        return f"轮次 {name}（{counts}）"

    def leading(self, accuracy: float, interval: tuple[float, float] | None, changes: str) -> str:
        text = f"领先：{self.accuracy(accuracy, interval)}"
        return f"{text}，{changes}" if changes else text

    def status_nothing_learned(self, found: NothingLearned) -> str:
        bar = "未训练的模型" if found.bar_is == "untrained" else "始终回答最常见类别"
        return (
            f"没有证据表明有配置学会了任务：领先者 {self.measured(found.accuracy)}，{bar}为 {self.measured(found.bar)}"
        )

    def baseline_accuracy(self, accuracy: float) -> str:
        return f"基线：{self.measured(accuracy)}"

    def status_configurations(self) -> tuple[str, str, str, str]:
        return "键", self.measure, "实验", "与基线的不同"

    def spent(self, spending: Spending) -> str:
        trials = "" if spending.budget_trials is None else f"（预算 {spending.budget_trials} 个）"
        hours = "" if spending.budget_hours is None else f"（预算 {spending.budget_hours:g} 小时）"
        return f"已用：{spending.trials} 个实验{trials}，{self.duration(spending.seconds)}{hours}"

    def training_now(self, ids: Sequence[int]) -> str:
        return f"正在训练：{len(ids)} 个并行，{self.trials_named(ids)}"

    def waiting(self, ids: Sequence[int]) -> str:
        return f"等待运行：{self.trials_named(ids)}"

    def speed(self, trials_per_hour: float) -> str:
        return f"速度：每小时 {trials_per_hour:.1f} 个实验"

    def time_left(self, seconds: float) -> str:
        return f"剩余：最多约 {self.duration(seconds)}"

    def not_trained(self, ids: Sequence[int]) -> str:
        return f"无法训练：{self.trials_named(ids)}"

    def workers_died(self, count: int, worker: str, reason: str) -> str:
        return f"已退出的工作进程：{count} 个，最近一个为 {worker}：{reason}"

    def phase_no_device(self) -> str:
        return "等待中：没有空闲设备（有空闲时自动继续；Ctrl-C 结束，之后可以继续运行）"

    def worker_died(self, worker: str, reason: str, retired: bool) -> str:
        then = "该进程无法启动，不再使用" if retired else "其未完成的工作将重做"
        return f"工作进程 {worker} 已退出：{reason}；{then}"

    def interrupted_trials(self, trials: Sequence[tuple[int, int | None, int | None]]) -> str:
        parts = [
            f"实验 {trial} 将从头开始" if saved is None else f"实验 {trial} 将从{_step(saved, total)}之后继续"
            for trial, saved, total in trials
        ]
        return f"已中断：{'；'.join(parts)}"

    def running_trial(
        self,
        trial: int,
        *,
        phase: str,
        done: float,
        step: int | None,
        loss: float | None,
        saved_step: int | None,
        total_steps: int | None,
        silent_seconds: float | None,
    ) -> str:
        doing = _PHASES.get(phase, phase)
        parts = [f"{doing} {100 * done:.0f}%"] if phase else []
        parts += [_step(step, total_steps)] if step is not None else []
        parts += [f"损失 {loss:.3g}"] if loss is not None else []
        parts += [f"已保存至第 {saved_step} 步"] if saved_step is not None else []
        parts += [f"最近一次消息在 {silent_seconds:.0f} 秒前"] if silent_seconds is not None else []
        return f"  实验 {trial}：{'，'.join(parts) or '已开始'}"

    # run

    def bar_study(self) -> str:
        return "研究"

    def bar_left(self) -> str:
        return "剩余"

    def bar_trial(self, trial: int, phase: str) -> str:
        return f"实验 {trial} {_PHASES.get(phase, phase)}"

    def wave_line(self, number: int, kind: RoundKind, part: int, trials: int) -> str:
        which = f"，第 {part} 部分" if part > 1 else ""
        name = f"第{numeral(number)}轮（{ROUNDS[kind]}{which}）" if number else f"训练之前（{ROUNDS[kind]}{which}）"
        return f"{name}：{trials} 个实验"

    def trial_line(
        self, trial: int, purpose: Purpose, factor: str | None, accuracy: float | None, on_test: bool, ending: str
    ) -> str:
        what = PURPOSES[purpose] + (f"，{self.factor(factor)}" if factor else "")
        scored = "" if accuracy is None else self.measured(accuracy) + ("（测试集）" if on_test else "")
        return f"实验 {trial}（{what}）：{'，'.join(filter(None, [scored, ending]))}"

    def trial_ending(self, state: TrialState, step: int | None, reason: str) -> str:
        at = "" if step is None else f"（第 {step} 步）"
        return f"{self.state(state)}{at}{f'（{reason}）' if reason else ''}"

    def demo_begins(self, trials: int, model: str, file: str) -> str:
        return f"tunebook demo：在 {model} 上做 {trials} 个实验，研究文件 {file}"

    def phase_reading(self) -> str:
        return "正在读取数据和模型"

    def phase_converting(self) -> str:
        return "正在转换内置模型，只需一次，供所有研究使用：约 15 秒"

    def phase_converted(self, done: int, total: int, seconds: float) -> str:
        how_far = f"{total} 个张量中已完成 {done} 个" if total else "正在读取分词器和张量列表"
        return f"仍在转换，已 {seconds:.0f} 秒：{how_far}"

    def phase_measuring(self) -> str:
        return "正在测量本机速度，结果用于同一模型的所有研究：约 20 秒（--no-measure 可跳过）"

    def phase_measured_for(self, seconds: float) -> str:
        return f"仍在测量，已 {seconds:.0f} 秒；机器繁忙时，载入模型最花时间"

    def phase_writing(self) -> str:
        return "正在写记录"

    def phase_stopping(self) -> str:
        return "当前步结束后停止；再按一次 Ctrl-C 立即停止"

    def phase_ignores_interrupts(self, kill: str, stop: str) -> str:
        return (
            f"Ctrl-C（SIGINT）对本次运行无效：启动它的程序（nohup 或后台任务）已设为忽略。"
            f"要在当前步之后停止，请用 {stop}，或 {kill}"
        )

    def stop_asked(self) -> str:
        return "运行将在当前步之后停止，只需几秒；之后用 `tunebook run` 继续。"

    def stop_of_trial_asked(self, trial: int) -> str:
        return f"实验 {trial}：若研究正在运行，几秒内取消；否则在下次运行时取消。"

    def phase_retrying(self, ids: Sequence[int]) -> str:
        return f"重新训练：{self.trials_named(ids)}" if ids else "没有失败的实验，不需要重新训练"

    def phase_final(self, rows: int) -> str:
        return f"正在用全部 {rows} 条训练数据训练推荐的配置"

    def final_note(self, more_rows: bool) -> str:
        if more_rows:
            return "配置是在部分数据上选出的；在全部数据上是否仍为最优尚不清楚。这是一个随机种子的一次训练。"
        return "研究已用了全部训练数据。这是换用新随机种子的又一次训练。"

    def code_to_confirm(self) -> str:
        return "本研究会以您的权限运行下列代码；您尚未确认，或确认后有改动："

    def trust_question(self) -> str:
        return "是否信任？"

    def refused_untrusted(self) -> str:
        return "没有启动任何程序。请先阅读研究文件中写明的代码，再重复命令。"

    def stopped(self, command: str) -> str:
        return f"已停止，完成的部分都已保存。继续运行：{command}"

    def at_price(self, price: float) -> str:
        return f"，费用 {price:,.2f}"

    def own_added(self, changes: str, seeds: int) -> str:
        return f"已添加：{changes}；{seeds} 个新随机种子，单独作为一轮与基线比较。"

    def own_begins(self, command: str, is_running: bool) -> str:
        return "研究正在运行：当前这一轮结束后开始。" if is_running else f"开始训练：{command}"

    def other_language(self, command: str) -> str:
        return f"这份记录取代了用研究自身语言写的那份。重新写出原来的：{command}"

    def remark_kept(self, trial: int) -> str:
        return f"已记在实验 {trial} 下；下次写记录时显示（`tunebook report` 可立即写出）。"

    def failed_trials(self, ids: Sequence[int], command: str) -> str:
        return f"无法训练：{self.trials_named(ids)}，原因见记录。排除原因后运行：{command}"

    def wrote(self, file: str, commands: Sequence[str], part: tuple[int, int] | None = None) -> str:
        rows = f"为节省时间，只用 {part[1]} 条数据中的 {part[0]} 条训练（`train_rows`）。" if part else ""
        return f"已写入 {file}。{rows}接下来：{'，然后 '.join(commands)}"

    # rerun

    def reproduction(self, r: Reproduction) -> str:
        difference = f"似然的相对差异最大 {r.largest_loss_difference or 0:.1e}"
        if r.bit_for_bit:
            text = f"实验 {r.trial} 可逐位复现（{r.n_examples} 个样本，适配器也相同）。"
        elif r.reproduces:
            text = f"实验 {r.trial} 可复现：{r.n_examples} 个回答全部相同；{difference}。"
        elif r.states[0] is not r.states[1]:
            text = f"实验 {r.trial} 结果不同：原来是{self.state(r.states[0])}，现在是{self.state(r.states[1])}。"
        else:
            text = f"实验 {r.trial} 结果不同：{r.n_examples} 个回答中有 {r.answers_differ} 个不同；{difference}。"
        if r.adapter_equal is False:
            text += "适配器与保存的不同。"
        if r.changed_versions:
            text += f"研究开始以来的变化：{self.changed_pairs(r.changed_versions)}。"
        return text

    # compare

    def compared_side(self, name: str, what: str, ids: Sequence[int]) -> str:
        named = self.trials_named(ids)
        return f"{name}：{named}" if what == trial_list(ids) else f"{name}：{what}（{named}）"

    def compared_on(self, split: str, n: int) -> str:
        return f"在{self.label(split)}的 {n} 个样本上比较。"

    def compared_changes(self, changes: Mapping[str, tuple[Any, Any]]) -> str:
        if not changes:
            return "A 与 B 是同一配置，差别只是偶然。"
        parts = [
            f"{self.setting(name, a)}（B 为{gap(self.alone(name, b)).rstrip()}）" for name, (b, a) in changes.items()
        ]
        return f"A 与 B 的不同之处：{self.comma.join(parts)}。"

    def compared_both(self, ids: Sequence[int]) -> str:
        return f"两边都计入了{self.trials_named(ids)}，因此显示的差异比实际小。"

    def compared_counts(self, won: int, lost: int) -> str:
        return f"A 更好的样本 {won} 个，B 更好的 {lost} 个，其余相同。"

    def compared_p(self, p: float) -> str:
        return f"{p_phrase(p)}；这是计划之外的单独比较，属探索性结果。"

    def compared_mcnemar(self, p: float) -> str:
        return f"只看这两次实验、不计随机种子噪声的精确 McNemar 检验：{p_phrase(p)}。"

    def compared_disagree(self) -> str:
        return f"{self._noun.lstrip()}与损失的方向不一致。"

    def compared_groups(self) -> str:
        return f"按组，单位为{self.unit.removeprefix('个')}（各组之间单独校正）："

    def compared_examples(self, shown: int, total: int) -> str:
        return f"结果不同的样本（列出 {total} 个中的 {shown} 个）："

    def compared_example(self, index: int, prompt: str, gold: str, a: str, b: str) -> str:
        return f"  {index}：{prompt} | 标准答案：{gold} | A：{a} | B：{b}"

    def compared_nothing(self) -> str:
        return "无法比较：其中一方没有训练正常且有评分的实验。"

    # export

    def merged_from_quantised(self, quantization: str) -> str:
        return (
            f"基座模型的权重以 {quantization} 保存：适配器是加到反量化后的权重上，而不是加到原始模型上。"
            "合并后的模型若再次量化，回答会与研究中的不同。"
        )

    def exported_accuracy(self, accuracy: float, interval: tuple[float, float]) -> str:
        return f"验证{self._noun.rstrip()} {self.accuracy(accuracy, interval)}，已校正选择偏差。"
