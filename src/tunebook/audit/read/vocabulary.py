"""The words by which columns, settings and results are recognised, in English and Chinese.

Header words are compared after `compact` (lower case; blanks, signs and units removed). Everything here is data and its
look-up; how it is used stands in `columns`, `mentions` and `sentences`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunebook.audit.model import MeasureKind
from tunebook.core.factor import ALIASES, FACTOR_KINDS

__all__ = [
    "BASELINE",
    "FACTOR_WORDS",
    "ResultWord",
    "compact",
    "factor_of_header",
    "factors_of_header",
    "is_effective_batch",
    "is_measurement",
    "is_place",
    "is_reference",
    "result_of",
    "role_of",
    "round_of",
    "split_words",
]


def split_words(text: str) -> tuple[str, ...]:
    """Words written as "a|b|c"."""
    return tuple(text.split("|"))


FACTOR_WORDS: dict[str, tuple[str, ...]] = {
    "learning_rate": split_words("learning rate|learning_rate|learning-rate|lr|peak lr|学习率|学习速率"),
    "per_device_train_batch_size": split_words(
        "per_device_train_batch_size|train_batch_size|train batch size|micro batch size|micro-batch|micro batch|mbs|"
        "batch size|batch_size|batch-size|batchsize|batch|bs|批大小|批次大小|批量大小|批处理大小|批尺寸|批次|批量"
    ),
    "gradient_accumulation_steps": split_words(
        "gradient_accumulation_steps|gradient accumulation steps|gradient accumulation|grad accumulation|grad_accum|"
        "grad accum|gradient_accumulation|accumulation|accum|ga|gas|梯度累积步数|梯度累积|梯度累计|累积步数"
    ),
    "num_train_epochs": split_words(
        "num_train_epochs|num_epochs|training epochs|train epochs|num epochs|epochs|epoch|ep|训练轮数|训练轮次|轮数|"
        "轮次|"
        "训练周期|epoch数|epoch 数"
    ),
    "lora_r": split_words("lora_r|lora_rank|lora rank|lora r|lora_dim|lora dim|rank|r|lora秩|lora 秩|lora秩大小|秩"),
    "lora_alpha": split_words("lora_alpha|lora alpha|lora-alpha|alpha|α|缩放系数|缩放因子"),
    "lora_dropout": split_words("lora_dropout|lora dropout|dropout rate|dropout|drop|d|丢弃率|随机失活"),
    "max_length": split_words(
        "max_length|max length|max_len|max len|max_seq_length|max_seq_len|max seq length|max seq len|maxlen|cutoff_len|"
        "sequence length|seq_len|seq len|ml|最大序列长度|最大长度|序列长度|截断长度"
    ),
    "gradient_checkpointing": split_words(
        "gradient_checkpointing|gradient checkpointing|grad ckpt|grad_checkpoint|grad checkpointing|grad checkpoint|"
        "checkpointing|gc|梯度检查点"
    ),
    "lr_scheduler_type": split_words(
        "lr_scheduler_type|lr_scheduler|lr scheduler|lr schedule|scheduler|schedule|学习率调度器|学习率调度|调度器"
    ),
    "warmup_steps": split_words(
        "warmup_steps|warmup ratio|warmup_ratio|warmup steps|warm-up|warmup|预热步数|预热比例|预热"
    ),
    "weight_decay": split_words("weight_decay|weight decay|wd|权重衰减"),
    "target_modules": split_words("target_modules|target modules|lora_target|目标模块"),
    "use_rslora": split_words("use_rslora|rslora"),
}
"""Words by factor, longest forms included; `core.factor.ALIASES` is added below."""

_ROLES: dict[str, tuple[str, ...]] = {
    "trial": split_words(
        "trial|trials|exp|expid|expno|experiment|experimentid|experimentname|id|run|runid|runname|trialid|no|number|"
        "name|"
        "trialnumber|tagsmlflowrunname|实验|实验号|实验编号|实验id|实验名称|实验名|编号|序号|试验|试验号|试验编号|运"
        "行|名称"
    ),
    "change": split_words(
        "change|changes|changed|whatchanged|whatichanged|whatwaschanged|modification|modifications|parameterchange|"
        "parameterchanges|strategy|setting|settings|config|configuration|description|hyperparameters|parameters|"
        "variation|"
        "loraconfig|参数修改策略|修改策略|参数修改|参数调整|参数变化|参数改动|修改|修改内容|改动|改动内容|变更|变化|"
        "调整|调整策略|"
        "策略|配置|参数|参数配置|设置|说明|描述|做了什么|实验内容|实验设置|内容|方案|操作|超参数"
    ),
    "analysis": split_words(
        "analysis|resultanalysis|note|notes|comment|comments|remark|remarks|conclusion|observation|observations|"
        "finding|"
        "findings|takeaway|verdict|whatitis|结果分析|分析|备注|结论|评价|观察|发现|点评"
    ),
    "seed": split_words("seed|randomseed|随机种子|种子"),
    "round": split_words("round|phase|stage|轮|轮次号|阶段|第几轮"),
    "status": split_words("status|state|trialstate|状态"),
    "kind": ("kind",),
    "purpose": ("purpose",),
}

BASELINE = re.compile(r"\bbase\s?line\b|\bdefaults?\b|\breference\b|基线|基准|默认|初始配置|对照组", re.IGNORECASE)

_UNIT = re.compile(r"[(\[（【][^()\[\]（）【】]{0,60}[)\]）】]")
_SIGNS = re.compile(r"[\s_\-./:：#*`%％,，、·↑↓]+")
_EXPORT_PREFIX = re.compile(
    r"^(?:params?|config|hparams|hp|hyperparameters?|metrics?|summary|user_attrs|logs|result)[_./:]\s?", re.IGNORECASE
)
_ADJECTIVES = re.compile(
    r"^(?:q?lora|peak|initial|init|max|training|train|base|optimi[sz]er|adapter)[\s_-]+", re.IGNORECASE
)
_SCALED = re.compile(
    r"[(（]\s?[x×*]?\s?(?:1?\d?e-?\d+|10\s?\^?\s?[-⁻]?\d+|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s?[)）]|%.*rank", re.IGNORECASE
)
"""A header that scales its cells, "lr (1e-4)": whether the cells are scaled already is not known."""


def compact(header: str) -> str:
    """A header as the word lists write it: lower case, no brackets, blanks and signs ("LoRA r (rank)" -> "lorar")."""
    text = _SIGNS.sub("", _UNIT.sub("", header).lower())
    return "".join(c for c in text if c.isalnum() or c in "Δδα")


_BY_HEADER = {compact(word): name for name, words in FACTOR_WORDS.items() for word in words}
_BY_HEADER |= {compact(word): name for word, name in ALIASES.items()}
_BY_HEADER |= {compact(name): name for name in FACTOR_KINDS} | {"eta": "learning_rate", "η": "learning_rate"}


def factor_of_header(header: str) -> str | None:
    """The factor that a column header names, or None. The bracket is tried too: "秩 (r)", "轮数（epochs）"."""
    if _SCALED.search(header):
        return None
    plain = _EXPORT_PREFIX.sub("", header.strip())
    brackets = [bracket[1:-1] for bracket in _UNIT.findall(plain)]
    for text in (plain, _ADJECTIVES.sub("", plain), *brackets):
        found = _BY_HEADER.get(compact(text))
        if found:
            return found
    return None


_JOINED = re.compile(r"[/×*&\\＼|]|\s[x+]\s|\bby\b|\bvs\.?\b")


def factors_of_header(header: str) -> tuple[str, ...]:
    """The factors of a header that names two, as "LoRA (r/α)", "batch × accum" and "rank \\ lr"; empty for others."""
    for text in (header, *(bracket[1:-1] for bracket in _UNIT.findall(header))):
        parts = [re.sub(r"[→↓←↑]", "", part).strip() for part in _JOINED.split(text)]
        found = [_BY_HEADER.get(compact(part)) for part in parts]
        if len(found) == 2 and len(set(found)) == 2 and all(found):
            return tuple(name for name in found if name)
    return ()


_EFFECTIVE_BATCH = {
    compact(f"{word} {batch}")
    for word in split_words("eff|effective|global|total|有效|等效|总|全局")
    for batch in split_words("batch|batch size|bs|批大小|批次大小|批量大小|批次|批量|batchsize")
}


def is_effective_batch(header: str) -> bool:
    """Whether a column holds the product of batch size and accumulation."""
    return compact(header) in _EFFECTIVE_BATCH


def role_of(header: str) -> str | None:
    """What a column is that is neither a setting nor a result, by its header: trial, change, analysis, ..."""
    if header.strip() in ("#", "№", "No."):
        return "trial"
    word = compact(_EXPORT_PREFIX.sub("", header.strip()))
    return next((role for role, words in _ROLES.items() if word in words or compact(header) in words), None)


_PLACE = {compact(word) for word in split_words("rank|place|position|pos|ranking|排名|名次|排行|位次")}


def is_place(header: str) -> bool:
    """Whether a header may be that of the place in a leaderboard; "rank" may also be the adapter's."""
    return compact(header) in _PLACE


def is_reference(text: str) -> bool:
    """Whether a row's kind or label is that of an untrained reference, such as the base model itself."""
    return (
        re.fullmatch(
            r"\W*(?:reference|zero[- ]?shot|few[- ]?shot|base model.{0,30}|untuned|no (?:fine-?)?tuning|原始模型|"
            r"基座模型?|"
            r"未微调.{0,6}|零样本)\W*",
            text,
            re.IGNORECASE,
        )
        is not None
    )


def _any(english: str, chinese: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{english})(?![A-Za-z])|{chinese}", re.IGNORECASE)


_NO_RESULT = {
    "expected": _any("expected|predicted|projected|target|estimated?|goal|hoped", "预期|预计|期望|目标|预估|估计"),
    "training": _any("train|training|token|per[- ]token", "训练|词元"),
    "smoothed": _any("smooth(?:ed)?|ema|moving|running", "平滑|滑动|移动平均"),
    "difference": _any(
        r"diff\w*|delta|change|gains?|drop|loss of|improv\w*|retention|retained|relative|vs\.?|over|against|lift",
        "提升|下降|变化|之差|差值|差异|保持率|相对|增益|较|相比|Δ|δ",
    ),
    "bound": _any("low|high|lower|upper|min|max|std|stdev|ci|variance|sd|stderr", "标准差|下界|上界|方差"),
}
_SPLITS = {
    "test": _any("test|held[- ]?out|holdout", "测试|留出"),
    "validation": _any("val|valid|validation|dev|eval|evaluation", "验证|开发集|评估|评测"),
    "overall": _any("overall|total", "总体|整体|总"),
}
_SHARE = _any(
    r"accuracy|acc|accuracies|exact[- ]match|em|pass@1|correct|success rate",
    "准确率|正确率|准确度|正确数|答对|精度|精确匹配",
)
_UNEVEN = _any(r"balanced|macro|weighted|top[- ]?[2-9]\d*|average of|mean of", "宏平均|加权|均衡")
_SCORE = _any(
    r"bleu(?:-\d)?|sacrebleu|rouge[- ]?(?:l|lsum|\d)?|meteor|bertscore|chrf|f1|f1[- ]score|macro[- ]?f1|mcc|kappa|"
    r"auc|auroc|"
    r"precision|recall|reward|pearson|spearman|win[- ]?rate|mrr|ndcg",
    "F1值|召回率|精确率|胜率",
)
_LOSS = _any("loss|nll|cross[- ]?entropy|ce|ppl|perplexity|wer|cer|error rate|error", "损失|困惑度|错误率|误差|loss")
_VAGUE = _any("results?|score|outcome", "结果|成绩|得分|分数|实验结果|评分")
_AVERAGED = re.compile(
    r"[(（][^()（）]*(?:±|mean|avg|平均)[^()（）]*[)）]|\bmean\b(?! of| token)|±\s?\w+", re.IGNORECASE
)
_OBJECTIVE = re.compile(r"values?(?:_\d)?|objective(?:_value)?", re.IGNORECASE)


@dataclass(frozen=True)
class ResultWord:
    """What a header says of a column of results.

    Attributes:
        kind: None: "result" or "score", which may be anything.
        refused: why it is no result of a trial (expected, training, ...), "" when it may be one.
        rank: which of several is used, the smallest first.
    """

    kind: MeasureKind | None
    split: str
    refused: str
    rank: int


def result_of(header: str) -> ResultWord | None:
    """Whether a header is that of results, and of which."""
    text = _AVERAGED.sub(" ", re.sub(r"[_./]", " ", _EXPORT_PREFIX.sub("", header)))
    kind = _measure_kind(text)
    if kind is None and not (_VAGUE.search(text) or _OBJECTIVE.fullmatch(header.strip())):
        return None
    refused = next((why for why, pattern in _NO_RESULT.items() if pattern.search(text)), "")
    if _OBJECTIVE.fullmatch(header.strip()):
        refused = "objective"
    split = next((name for name, pattern in _SPLITS.items() if pattern.search(text)), "")
    by_kind = {MeasureKind.SHARE: 0, None: 10, MeasureKind.SCORE: 20, MeasureKind.LOSS: 30}[kind]
    return ResultWord(kind, split, refused, by_kind + ("overall", "test", "", "validation").index(split))


def _measure_kind(text: str) -> MeasureKind | None:
    if _SHARE.search(text) and not _LOSS.search(text):
        return MeasureKind.SCORE if _UNEVEN.search(text) else MeasureKind.SHARE
    if _SCORE.search(text):
        return MeasureKind.SCORE
    return MeasureKind.LOSS if _LOSS.search(text) else None


_MEASUREMENT = _any(
    r"time|hours?|hrs?|minutes|mins?|seconds|secs?|duration|runtime|memory|mem|vram|gpu|gpus|speed\w*|throughput|"
    r"tokens?(?: per second|/s)?|params?|parameters|trainable|size|cost|steps?|step|date|datetime\w*|start\w*|"
    r"complete|end\w*|created|timestamp|"
    r"latency|flops|epoch time|bytes|iteration|iterations|path|uri|user|reduction|gap|rank (?:min|max|avg)|done|pid|"
    r"factor|reason|effective key|checkpoint of|diverged step|hostname|ip|node",
    "时间|耗时|用时|时长|显存|内存|速度|参数量|参数占比|大小|成本|步数|日期|吞吐|过拟合",
)


def is_measurement(header: str) -> bool:
    """Whether a header is that of something measured (time, memory), not set."""
    return _MEASUREMENT.search(re.sub(r"[_./()]", " ", header)) is not None


_ROUND = re.compile(
    r"\b(?:round|phase|stage)\s?#?(\d{1,3})(?!\d)|第\s?([一二三四五六七八九十\d]{1,3})\s?(?:轮|阶段)", re.IGNORECASE
)
_NUMERALS = {character: str(i) for i, character in enumerate("一二三四五六七八九十", start=1)}


def round_of(text: str) -> str:
    """The number of the round that a heading or a sentence names ("Round 2", "第二轮"), "" without."""
    match = _ROUND.search(text)
    number = (match.group(1) or match.group(2)) if match else ""
    return _NUMERALS.get(number, number)
