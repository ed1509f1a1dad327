"""The words by which columns, settings and comparisons are recognised, in English and Chinese.

Header words are compared after `compact` (lower case; blanks, signs and units removed). Everything here is data; how
it is used stands in `tables`, `settings` and `claims`.
"""

from __future__ import annotations

import re

from tunebook.core.factor import ALIASES, FACTOR_KINDS

__all__ = [
    "COLUMN_WORDS",
    "FACTOR_WORDS",
    "RESULT_RANK",
    "compact",
    "factor_of_header",
    "factors_of_header",
    "is_effective_batch",
    "round_of",
]

FACTOR_WORDS: dict[str, tuple[str, ...]] = {
    "learning_rate": ("learning rate", "learning_rate", "lr", "peak lr", "学习率", "学习速率"),
    "per_device_train_batch_size": (
        "per_device_train_batch_size",
        "train batch size",
        "micro batch size",
        "micro-batch",
        "micro batch",
        "batch size",
        "batch_size",
        "batchsize",
        "batch",
        "bs",
        "批大小",
        "批次大小",
        "批量大小",
        "批处理大小",
        "批次",
        "批量",
    ),
    "gradient_accumulation_steps": (
        "gradient_accumulation_steps",
        "gradient accumulation steps",
        "gradient accumulation",
        "grad accumulation",
        "grad_accum",
        "grad accum",
        "gradient_accumulation",
        "accumulation",
        "accum",
        "ga",
        "gas",
        "梯度累积步数",
        "梯度累积",
        "梯度累计",
        "累积步数",
    ),
    "num_train_epochs": (
        "num_train_epochs",
        "training epochs",
        "train epochs",
        "num epochs",
        "epochs",
        "epoch",
        "ep",
        "训练轮数",
        "训练轮次",
        "轮数",
        "轮次",
        "训练周期",
    ),
    "lora_r": ("lora_r", "lora rank", "lora r", "rank", "r", "lora秩", "lora 秩", "秩"),
    "lora_alpha": ("lora_alpha", "lora alpha", "alpha", "α", "缩放系数", "缩放因子"),
    "lora_dropout": ("lora_dropout", "lora dropout", "dropout", "drop", "d", "丢弃率", "随机失活"),
    "max_length": (
        "max_seq_length",
        "max_seq_len",
        "max sequence length",
        "max_length",
        "max length",
        "max_len",
        "maxlen",
        "cutoff_len",
        "sequence length",
        "seq_len",
        "最大序列长度",
        "最大长度",
        "序列长度",
        "截断长度",
    ),
    "gradient_checkpointing": (
        "gradient_checkpointing",
        "gradient checkpointing",
        "grad ckpt",
        "grad_checkpoint",
        "grad checkpointing",
        "grad checkpoint",
        "checkpointing",
        "gc",
        "梯度检查点",
    ),
    "lr_scheduler_type": (
        "lr_scheduler_type",
        "lr scheduler",
        "lr_scheduler",
        "scheduler",
        "schedule",
        "学习率调度器",
        "学习率调度",
        "调度器",
    ),
    "warmup_steps": (
        "warmup_steps",
        "warmup ratio",
        "warmup_ratio",
        "warmup steps",
        "warm-up",
        "warmup",
        "预热步数",
        "预热比例",
        "预热",
    ),
    "weight_decay": ("weight_decay", "weight decay", "wd", "权重衰减"),
    "target_modules": ("target_modules", "target modules", "lora_target", "目标模块"),
    "use_rslora": ("use_rslora", "rslora"),
}
"""Words by factor, longest forms included; `core.factor.ALIASES` is added below."""

COLUMN_WORDS: dict[str, tuple[str, ...]] = {
    "trial": (
        "trial",
        "trials",
        "exp",
        "expid",
        "experiment",
        "experimentid",
        "id",
        "run",
        "runid",
        "no",
        "number",
        "name",
        "实验",
        "实验号",
        "实验编号",
        "实验id",
        "实验名称",
        "实验名",
        "编号",
        "序号",
        "试验",
        "试验号",
        "试验编号",
        "运行",
    ),
    "change": (
        "change",
        "changes",
        "changed",
        "whatchanged",
        "whatwaschanged",
        "modification",
        "modifications",
        "parameterchange",
        "parameterchanges",
        "strategy",
        "setting",
        "settings",
        "config",
        "configuration",
        "description",
        "hyperparameters",
        "parameters",
        "variation",
        "参数修改策略",
        "修改策略",
        "参数修改",
        "参数调整",
        "参数变化",
        "参数改动",
        "修改",
        "修改内容",
        "改动",
        "改动内容",
        "变更",
        "变化",
        "调整",
        "调整策略",
        "策略",
        "配置",
        "参数",
        "参数配置",
        "设置",
        "说明",
        "描述",
        "做了什么",
        "实验内容",
        "实验设置",
        "内容",
        "方案",
        "操作",
    ),
    "analysis": (
        "analysis",
        "resultanalysis",
        "note",
        "notes",
        "comment",
        "comments",
        "remark",
        "remarks",
        "conclusion",
        "observation",
        "observations",
        "finding",
        "findings",
        "takeaway",
        "verdict",
        "结果分析",
        "分析",
        "备注",
        "结论",
        "评价",
        "观察",
        "发现",
        "点评",
    ),
    "seed": ("seed", "randomseed", "随机种子", "种子"),
    "round": ("round", "phase", "stage", "轮", "轮次号", "阶段", "第几轮"),
    "status": ("status", "state", "状态"),
    "delta": (
        "delta",
        "difference",
        "improvement",
        "gain",
        "vsbaseline",
        "againstbaseline",
        "deltabaseline",
        "Δ",
        "δ",
        "vsbase",
        "deltavsbase",
        "Δvsbase",
        "δvsbase",
        "提升",
        "与基线之差",
        "相比基线",
        "较基线",
        "提升幅度",
        "变化幅度",
    ),
}

RESULT_RANK: tuple[tuple[str, ...], ...] = (
    (
        "overallaccuracy",
        "overallacc",
        "totalaccuracy",
        "总体准确率",
        "整体准确率",
        "总准确率",
        "总体正确率",
        "总体精度",
    ),
    ("testaccuracy", "testacc", "测试准确率", "测试集准确率", "测试精度"),
    (
        "evalaccuracy",
        "evalacc",
        "evaluationaccuracy",
        "validationaccuracy",
        "valaccuracy",
        "valacc",
        "devaccuracy",
        "验证准确率",
        "验证集准确率",
        "评估准确率",
        "评测准确率",
    ),
    ("accuracy", "acc", "exactmatch", "em", "准确率", "正确率", "精度", "准确度"),
    ("result", "results", "score", "outcome", "correct", "结果", "成绩", "得分", "实验结果", "正确数", "答对"),
)
"""Words for the result column, the most telling first; of several columns the first in this order is used."""

_UNIT = re.compile(r"[(\[（【][^()\[\]（）【】]{0,60}[)\]）】]")
_SIGNS = re.compile(r"[\s_\-./:：#*`%％,，、·]+")


def compact(header: str) -> str:
    """A header as the word lists write it: lower case, no brackets, blanks and signs ("LoRA r (rank)" -> "lorar")."""
    text = _SIGNS.sub("", _UNIT.sub("", header).lower())
    return "".join(c for c in text if c.isalnum() or c in "Δδα")


_BY_HEADER = {compact(word): name for name, words in FACTOR_WORDS.items() for word in words}
_BY_HEADER |= {compact(word): name for word, name in ALIASES.items()}
_BY_HEADER |= {compact(name): name for name in FACTOR_KINDS}


def factor_of_header(header: str) -> str | None:
    """The factor that a column header names, or None. The bracket is tried too: "秩 (r)", "轮数（epochs）"."""
    found = _BY_HEADER.get(compact(header))
    if found:
        return found
    for bracket in _UNIT.findall(header):
        found = _BY_HEADER.get(compact(bracket[1:-1]))
        if found:
            return found
    return None


_JOINED = re.compile(r"[/×*&]|\s[x+]\s")


def factors_of_header(header: str) -> tuple[str, ...]:
    """The factors of a column that gives two at once, as "LoRA (r/α)" and "batch × accum"; empty for others."""
    for text in (header, *(bracket[1:-1] for bracket in _UNIT.findall(header))):
        found = [_BY_HEADER.get(compact(part)) for part in _JOINED.split(text)]
        if len(found) == 2 and len(set(found)) == 2 and all(found):
            return tuple(name for name in found if name)
    return ()


_EFFECTIVE_BATCH = {
    compact(f"{word} {batch}")
    for word in ("eff", "effective", "global", "total", "有效", "等效", "总", "全局")
    for batch in ("batch", "batch size", "bs", "批大小", "批次大小", "批量大小", "批次", "批量", "batchsize")
}


def is_effective_batch(header: str) -> bool:
    """Whether a column holds the product of batch size and accumulation."""
    return compact(header) in _EFFECTIVE_BATCH


_ROUND = re.compile(
    r"\b(?:round|phase|stage)\s?#?(\d{1,3})(?!\d)|第\s?([一二三四五六七八九十\d]{1,3})\s?(?:轮|阶段)", re.IGNORECASE
)
_DIGITS = {character: str(i) for i, character in enumerate("一二三四五六七八九十", start=1)}


def round_of(text: str) -> str:
    """The number of the round that a heading or a sentence names ("Round 2", "第二轮"), "" without."""
    match = _ROUND.search(text)
    number = (match.group(1) or match.group(2)) if match else ""
    return _DIGITS.get(number, number)
