"""Codes of the core, the engines and the planner in Chinese: one phrase for each."""

from __future__ import annotations

from tunebook.core.study import Purpose, RoundKind, TrialState

__all__ = [
    "BROKEN_WAYS",
    "CONTROL_WARNINGS",
    "CUTS",
    "FOLDS",
    "GOALS",
    "NOTES",
    "NOT_REFINED",
    "NO_ROUND",
    "PLUGIN_KINDS",
    "PURPOSES",
    "REASONS",
    "ROUNDS",
    "STATES",
    "WARNINGS",
]  # fmt: skip

GOALS = {
    RoundKind.REFERENCE: "未训练的模型，以及始终回答最常见类别，各得多少分？",
    RoundKind.TABLE: "给定表格里的各个配置与基线相比如何？",
    RoundKind.PILOT: "多大的学习率能学到东西，多大时训练会失败？",
    RoundKind.EXPLORE: "找出哪些参数真正有影响，以及合理范围。",
    RoundKind.REFINE: "在目前最好的设置附近，哪里更好？",
    RoundKind.COMBINE: "各项改动合在一起，效果能相加，还是会互相影响？",
    RoundKind.BOUNDARY: "推到多远训练会失败，或者不再划算？",
    RoundKind.CONFIRM: "换用新的随机种子和从未用过的样本，结论还成立吗？",
    RoundKind.OWN: "自己添加的实验与基线相比如何？",
}
ROUNDS = {
    RoundKind.REFERENCE: "参照",
    RoundKind.TABLE: "给定的表格",
    RoundKind.PILOT: "预跑",
    RoundKind.EXPLORE: "全面探索",
    RoundKind.REFINE: "细化",
    RoundKind.COMBINE: "组合",
    RoundKind.BOUNDARY: "探边界",
    RoundKind.CONFIRM: "确认",
    RoundKind.OWN: "自己添加的实验",
}
PURPOSES = {
    Purpose.REFERENCE: "参照",
    Purpose.BASELINE: "基线",
    Purpose.PILOT: "预跑",
    Purpose.FIRST_RATE: "预跑",
    Purpose.DESIGN: "均衡设计",
    Purpose.LEVEL: "单参数",
    Purpose.BRACKET: "选学习率",
    Purpose.CHOSEN: "选定学习率后",
    Purpose.TABLE: "给定表格",
    Purpose.REFINE: "细化",
    Purpose.COMBINE: "组合",
    Purpose.BOUNDARY: "探边界",
    Purpose.CONFIRM: "确认",
    Purpose.OWN: "自己添加",
}
STATES = {
    TrialState.PLANNED: "待运行",
    TrialState.RUNNING: "运行中",
    TrialState.COMPLETED: "完成",
    TrialState.DIVERGED: "发散",
    TrialState.COLLAPSED: "崩溃",
    TrialState.FAILED: "失败",
    TrialState.CANCELLED: "已取消",
    TrialState.STOPPED: "提前停止",
}
FOLDS = {
    "batch_split": "有效批大小相同，数学上等价。",
    "gradient_checkpointing": "梯度检查点只影响显存和时间，不影响结果。",
    "max_length": "没有超过 {longest}的样本。",
    "rslora": "rsLoRA 只是这个 alpha 的另一种写法。",
    "warmup": "恒定学习率没有预热，是同一调度的另一种写法。",
    "checkpoint": "是更长实验的中间检查点：训练一次，评分两次。",
}
CUTS = {
    "bracket_ends": "学习率搜索的两端",
    "bracket": "学习率搜索",
    "middle_levels": "中间取值",
    "minor_boundary": "边界",
    "second_seeds": "第二个随机种子",
    "baseline_seeds": "基线的随机种子",
    "end_levels": "两端取值",
    "factors": "全部取值",
    "rows": "所给表格中的行",
    "cheapest": "最省配置的确认",
    "confirm_seeds": "确认轮的随机种子",
}
REASONS = {
    "non_finite_loss": "损失不再是有限数值",
    "non_finite_gradient": "梯度不再是有限数值",
    "loss_rose": "训练损失持续高于起始值的 1.5 倍",
    "worse_than_untrained": "训练后的验证损失高于未训练的模型",
    "constant_answer": "90% 以上的样本得到同一个回答",
    "unparsable_answers": "90% 以上的样本没有可用的回答",
    "by_user": "由用户取消",
    "by_planner": "由规划器取消",
}
NO_ROUND = {
    "": "没有待答的问题，或预算不够",
    "budget": "剩余的预算不够",
    "nothing_to_ask": "没有待答的问题",
}

NOT_REFINED = {
    "not_explored": "没有探索过",
    "no_effect_seen": "未检出影响",
    "no_level_helped": "尚未证实有取值优于基线",
    "no_room_between_levels": "相邻取值之间没有可取的中间值",
}
WARNINGS = {
    "treatment_trials_failed": "它有部分实验失败或被取消，结论不含这些实验。",
    "no_outcomes": "没有可比较的结果。",
    "one_seed": "只有一个种子，仅作描述，不作检验。",
    "exploratory": "不计入研究的误报率。",
    "unequal_noise": "该配置随机种子间波动明显更大，单独估计其方差。",
    "uneven_noise": "各配置的随机种子波动相差很大，区间已相应放宽。",
    "correlated_examples": "相邻样本彼此相似，区间已相应放宽。",
    "alpha_over_r_constant": "alpha/r 保持不变：rank 与 alpha 的作用无法分开。",
    "treatment_replicates_diverged": "只按训练正常的随机种子估计。",
}
CONTROL_WARNINGS = {
    "control_trials_failed": "{control}有部分实验失败或被取消，与它的比较不含这些实验。",
    "control_diverged": "{control}的实验多半训练失败。",
    "control_unequal_noise": "{control}各随机种子间波动明显更大，单独估计其方差。",
    "control_replicates_diverged": "与{control}的比较只按它训练正常的随机种子估计。",
}
NOTES = {
    "study_changed": "第 {round} 轮之后改动了研究文件：{changes}。此前的结论仍按当时的设置判断。",
    "cohort_split": "一批实验显存放不下，已拆开训练；结果不变。",
    "scoring_split": "有一批评分样本显存放不下，已减半；结果不变。",
    "out_of_memory": "有微批次显存放不下，已改小；有效批大小不变。",
    "retried": "实验 {trials} 曾失败，后来重新训练。当时已被后续轮次用作依据的各轮结论保持原判，不含这些实验。",
    "worker_died": "一个工作进程意外结束（{worker}：{reason}），其未完成的工作已重做。",
    "worker_retired": "一个工作进程无法启动，已停用（{worker}：{reason}）。",
    "no_device_free": "超过一分钟没有空闲设备，研究在等待。",
    "fewer_together": "主机内存不足；此后 {worker} 最多同时训练 {most_together} 个实验，结果不变。",
    "trial_resumed": "实验 {trials} 在中断后从检查点继续训练，结果与不中断时相同。",
}
SERVICE_FAILURES = {
    "timeout": "超时",
    "no connection": "无法连接",
    "reply without a grade": "回复里没有评分",
    "reply too long": "回复过长",
    "no chat completion in the reply": "回复格式不符",
}
PLUGIN_KINDS = {
    "metric": "评价指标",
    "planner": "规划器",
    "engine": "训练引擎",
    "executor": "执行器",
    "trackers": "跟踪器",
}
"""By the study file's key."""
BROKEN_WAYS = {
    "diverged": "发散",
    "collapsed": "崩溃",
    "learned_nothing": "没有学到东西",
}
"""How a trial ended that did not train; see `core.divergence.how_it_ended`."""
