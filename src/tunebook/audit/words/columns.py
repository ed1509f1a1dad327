"""The words by which columns, settings and results are recognised: one table of column names, English and Chinese.

Header words are compared after `compact` (lower case; blanks, signs and units removed). How they are used stands in
`read.columns`, `read.mentions` and `read.sentences`.
"""
# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass

from tunebook.audit.model import MeasureKind
from tunebook.core.factor import ALIASES, FACTOR_KINDS

FACTOR_WORDS: dict[str, str] = {
    "learning_rate": "learning rate|learning_rate|learning-rate|lr|peak lr|学习率|学习速率",
    "per_device_train_batch_size": "per_device_train_batch_size|train_batch_size|train batch size|micro batch size|micro-batch|micro batch|mbs|batch size|batch_size|batch-size|batchsize|batch|bs|批大小|批次大小|批量大小|批处理大小|批尺寸|批次|批量",
    "gradient_accumulation_steps": "gradient_accumulation_steps|gradient accumulation steps|gradient accumulation|grad accumulation|grad_accum|grad accum|gradient_accumulation|accumulation|accum|ga|gas|梯度累积步数|梯度累积|梯度累计|累积步数",
    "num_train_epochs": "num_train_epochs|num_epochs|training epochs|train epochs|num epochs|epochs|epoch|ep|训练轮数|训练轮次|轮数|轮次|训练周期|epoch数|epoch 数",
    "lora_r": "lora_r|lora_rank|lora rank|lora r|lora_dim|lora dim|rank|r|lora秩|lora 秩|lora秩大小|秩",
    "lora_alpha": "lora_alpha|lora alpha|lora-alpha|alpha|α|缩放系数|缩放因子",
    "lora_dropout": "lora_dropout|lora dropout|dropout rate|dropout|drop|d|丢弃率|随机失活",
    "max_length": "max_length|max length|max_len|max len|max_seq_length|max_seq_len|max seq length|max seq len|maxlen|cutoff_len|sequence length|seq_len|seq len|ml|最大序列长度|最大长度|序列长度|截断长度",
    "gradient_checkpointing": "gradient_checkpointing|gradient checkpointing|grad ckpt|grad_checkpoint|grad checkpointing|grad checkpoint|checkpointing|gc|梯度检查点",
    "lr_scheduler_type": "lr_scheduler_type|lr_scheduler|lr scheduler|lr schedule|scheduler|schedule|学习率调度器|学习率调度|调度器|调度|退火",
    "warmup_steps": "warmup_steps|warmup ratio|warmup_ratio|warmup steps|warm-up|warmup|预热步数|预热比例|预热",
    "weight_decay": "weight_decay|weight decay|wd|权重衰减",
    "target_modules": "target_modules|target modules|lora_target|目标模块",
    "use_rslora": "use_rslora|rslora",
}
"""Words by factor, also in sentences; `core.factor.ALIASES` counts in headers too."""

_ROLES: dict[str, str] = {
    "trial": "队员|选手|成员|参赛者|参赛队|队伍|姓名|team|member|player|participant|contestant|trial|trials|exp|expid|expno|experiment|experimentid|experimentname|id|run|runid|runname|trialid|no|number|name|trialnumber|tagsmlflowrunname|实验|实验号|实验编号|实验id|实验名称|实验名|编号|序号|试验|试验号|试验编号|运行|名称|组别|组号|组|代号|entry|submission",
    "change": "change|changes|changed|whatchanged|whatichanged|whatwaschanged|modification|modifications|parameterchange|parameterchanges|strategy|setting|settings|config|configuration|description|hyperparameters|parameters|variation|loraconfig|参数修改策略|修改策略|参数修改|参数调整|参数变化|参数改动|修改|修改内容|改动|改动内容|变更|变化|调整|调整策略|策略|配置|参数|参数配置|设置|说明|描述|做了什么|实验内容|实验设置|内容|方案|操作|超参数",
    "analysis": "analysis|resultanalysis|note|notes|comment|comments|remark|remarks|conclusion|observation|observations|finding|findings|takeaway|verdict|whatitis|结果分析|分析|备注|结论|评价|观察|发现|点评",
    "seed": "seed|randomseed|随机种子|种子",
    "round": "round|phase|stage|batchno|轮|轮次|轮次号|阶段|第几轮",
    "status": "status|state|trialstate|状态",
    "kind": "kind",
    "purpose": "purpose",
}
PLACES = ("rank", "place", "position", "pos", "ranking", "排名", "名次", "排行", "位次")
"""Headers of the place in a leaderboard; "rank" may also be the adapter's."""
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split("|")}
NAMES = frozenset(["name", "entry", "submission", "runname", "tagsmlflowrunname", "实验名称", "实验名", "名称"])
"""Headers of labels that go before a number."""


def words(*alternatives: str) -> re.Pattern[str]:
    """A pattern of any of these, in any case."""
    return re.compile("|".join(alternatives), re.IGNORECASE)


def any_of(english: str, chinese: str = "(?!)") -> re.Pattern[str]:
    """One of these words, English ones whole."""
    return words(rf"(?<![A-Za-z])(?:{english})(?![A-Za-z])", chinese)


BASELINE = words(r"\bbase\s?line\b|\bdefaults?\b|\breference\b|[(（]\s?base\s?[)）]|基线|基准|默认|初始配置|对照组")
_LINES = r"(?:base\s?line|default\w*|基线|基准|默认)"
AGAINST_BASELINE = words(
    rf"\b(?:vs\.?|than|versus|over|above|below|against|from|to|with|as|match\w*|equals?|beats?|the|relative to|under)\s+(?:the\s+|our\s+)?{_LINES}",
    rf"(?:比|与|和|于|较|相比|对比|低于|高于|优于|同|如|超过|过|跟|持平|离)\s?{_LINES}",
    rf"{_LINES}\s*(?:[+]|with\b|but\b|plus\b|基础|上|相比|持平|低|高|差|好|一样|相同|之)",
)
"""A trial that is compared with the baseline, or is built on it."""
UNCHANGED = any_of("nothing|no changes?|none|unchanged|base(?: recipe| config)?", "无改动|没有?改|不变")
"""The whole cell of changes of a row that is the baseline."""
REFERENCE = words(
    r"\W*(?:reference|(?:zero|few)[- ]?shot|base model.{0,30}|un-?tuned|(?:原始|基座|底座)(?:模型)?|未(?:训练|微调).{0,6}|零样本)\W*"
)
"""A label of the model without training."""
UNTRAINED = words(r"base(?: model)?|vanilla|raw|pre-?trained|original|off[- ]the[- ]shelf|instruct|原版|原模型")
"""A label of a row without settings: the model without training, where the text gives no baseline's settings."""
MODEL_NAME = words(r"(?:qwen|llama|mi[sx]tral|phi-|glm|deepseek|internlm|gemma|pythia|bert|gpt|\bt5)[\w.-]*")
"""In labels: the base model, which then is a setting."""
DONE = words(r"finished|completed?|terminated|done|success(?:ful)?|ok|成功|完成|已完成")
ERROR = words(r"err(?:or)?(?:ed)?|错误|出错|报错")
"""A status that says that a run broke off, and not whether its training did."""
ABOVE = words(r"(?:\b(?:above|beyond|over|(?:higher|larger|greater) than)|高于|超过|大于|>)\s*$")
"""Before a setting and its level: all levels above it."""
OF_STATUS = any_of("stat(?:e|us)|all|every|each|marked|means?|runs", "状态|都|均|表示|是指|state|status")
"""In a sentence that names a status: it says what the status means."""
PREVIOUS = any_of("prev(?:ious)?|row above|cumulative|added|best", "上一|累[计加积]|逐步|叠加|最佳")
"""In the header of changes or of differences: each is one from the row above, or from the best."""
MEASUREMENT = words(
    r"(?<![A-Za-z])(?:time|hours?|hrs?|minutes|mins?|seconds|secs?|duration|runtime|memory|mem|vram|gpu|gpus|speed\w*|throughput|tokens?(?: per second|/s)|params?|parameters|trainable|cost|date|datetime\w*|start\w*|complete|end\w*|created|timestamp|latency|flops|epoch time|bytes|iteration|iterations|path|uri|user|reduction|gap|rank (?:min|max|avg)|done|pid|downloads?|links?|urls?|commits?|authors?|energy|factor|reason|effective key|checkpoint of|diverged step|hostname|ip|node|who|owner|by|operator|priority|machine|server|device|devices|host|hardware|day|week)(?![A-Za-z])",
    r"负责人|人员|执行人|优先级|显卡|机器|设备|服务器|时间|耗时|用时|时长|显存|内存|速度|参数量|参数占比|成本|日期|吞吐|过拟合|下载|链接|网址|作者|能耗|功耗|电费|费用|秒",
    r"/\s?(?:s|sec|second|min|minute|h|hr|hour|day)\b|/\s?(?:秒|分钟|小时|天)|\b(?:s|sec|ms|min|time)\s?/\s?(?:it|iter|step|epoch)\b|\bper (?:s|sec|second|min|minute|hour)\b|每(?:秒|分钟|小时)",
    r"[(（\[]\s?(?:s|secs?|seconds|mins?|minutes|h|hrs?|hours|ms|gb|gib|mb|mib|kwh?|w|usd|\$|€|秒|分钟?|小时|时|元)\s?[)）\]]",
)
"""In a header: something measured, not set, or its unit ("tokens/s", "peak (GB)")."""
SETTING = any_of(
    r"optim\w*|models?|base|backbone|data|datasets?|train(?:ing)? (?:set|data)|template|prompt|quant\w*|\w*bits?|precision|dtype|packing|neftune\w*|methods?|peft|adapter|init\w*|augment\w*|mix\w*|shots?|max steps|train size|layers?|freez\w*|frozen|clip\w*|grad norm|beta\w*|eps\w*|momentum|strategy|variant|format|tokenizer|dora|rslora|lora\+?|qlora|kernel|attention|flash\w*|loss (?:fn|function)|seed|label smoothing|temperature|top p|sampling|gamma|lambda",
    "优化器|模型|底座|数据|模板|提示|量化|精度|方法|初始化|增强|层|冻结|裁剪|策略|格式|训练集|样本|损失函数|温度|种子|平滑|采样|位宽|打包",
)
"""A header of a setting that tunebook does not know. What varies under another header is not surely one."""
GROUP = words(r"(?:hyper-?)?parameters?|settings?|config\w*|outcomes?|results?|metrics?|超?参数|设置|配置|结果|指标")
"""A header over several columns that says nothing of which each is."""
EXPORT_PREFIX = words(r"^(?:params?|config|hparams|hp|metrics?|summary|user_attrs|logs|result)[_./:]\s?")
_ADJECTIVES = words(
    r"^(?:(?:q?lora|peak|initial|init|max|training|train|base|optimi[sz]er|adapter|no\.? of|number of|per[\s-]?(?:device|gpu))[\s_-]+|[单每](?:张?卡|设备)的?)",
    r"[\s_-]+per[\s-]?(?:device|gpu)$",
)
_BRACKET = re.compile(r"[(\[（【]([^()\[\]（）【】]{0,60})[)\]）】]")
_SCALED = words(r"[(（]\s?[x×*]?\s?(?:\d{0,2}e-?\d+|10\s?\^?\s?-?\d+|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s?[)）]|%.*rank")
"""A header that scales its cells, "lr (1e-4)": whether they are scaled already is not known."""


def compact(header: str) -> str:
    """A header as the word lists write it: lower case, no brackets, blanks and signs ("LoRA r (rank)" -> "lorar")."""
    return "".join(c for c in _BRACKET.sub("", header).lower() if c.isalnum() or c in "Δδα")


_BY_HEADER = {compact(word): name for name, words in FACTOR_WORDS.items() for word in words.split("|")}
_BY_HEADER |= {compact(word): name for word, name in ALIASES.items()} | {compact(name): name for name in FACTOR_KINDS}
_BY_HEADER |= {"eta": "learning_rate", "η": "learning_rate"}
_BATCHES = FACTOR_WORDS["per_device_train_batch_size"].split("|")
_PRODUCTS = ("eff", "effective", "global", "total", "有效", "等效", "总", "全局")
_ROLE_OF |= {compact(product + batch): "effective_batch" for product in _PRODUCTS for batch in _BATCHES}
_JOINED = re.compile(r"[/×*&\\＼|]|\s[x+]\s|\bby\b|\bvs\.?\b|[→↓←↑]|(?<=[一-鿿])\s?(?=[A-Za-z])")


def factors_of_header(header: str) -> tuple[str, ...]:
    """The factors that a column header names: one of "秩 (r)", "轮数（epochs）" and "缩放系数alpha", several of "LoRA (r/α)",
    "batch × accum" and "rank \\ lr"; none where it scales its cells, "lr (1e-4)"."""
    plain = "" if _SCALED.search(header) else EXPORT_PREFIX.sub("", header.strip())
    brackets = _BRACKET.findall(plain)
    for text in (plain, *brackets):
        parts = [compact(part) for part in _JOINED.split(text) if compact(part)]
        if len(parts) > 1 and all(part in _BY_HEADER for part in parts):
            return tuple(dict.fromkeys(_BY_HEADER[part] for part in parts))
    texts = (plain, _ADJECTIVES.sub("", plain), *brackets)
    return tuple(_BY_HEADER[compact(text)] for text in texts if compact(text) in _BY_HEADER)[:1]


def factor_of_header(header: str) -> str | None:
    """The one factor that a column header names, or None."""
    names = factors_of_header(header)
    return names[0] if len(names) == 1 else None


def role_of(header: str) -> str | None:
    """What a column is that is neither a setting nor a result, by its header: trial, change, analysis, ..."""
    if header.strip() in ("#", "№", "No."):
        return "trial"
    return _ROLE_OF.get(compact(EXPORT_PREFIX.sub("", header.strip()))) or _ROLE_OF.get(compact(header))


DIFFERENCE = words(
    r"[Δδ]|\b(?:delta|diff\w*|change vs|gains?|improv\w+|vs)\b|提升|之差|差值|相比|(?:[较与比]|相对于?)基线|变化幅度"
)
_NO_RESULT = {
    "objective": words(r"^(?:values?(?: \d)?|objective(?: value)?)$"),
    "expected": any_of("expected|predicted|projected|target|estimated?|goal|hoped", "预期|预计|期望|目标|预估|估计"),
    "training": any_of("train|training|token|per[- ]token", "训练|词元"),
    "smoothed": any_of("smooth(?:ed)?|ema|moving|running", "平滑|滑动|移动平均"),
    "difference": words(
        rf"{DIFFERENCE.pattern}|\b(?:change|drop|loss of|retention|retained|relative|over|against|lift)\b|下降|变化|差异|保持率|相对|增益|较"
    ),
    "measured": any_of(
        r"before|base|baseline|zero[- ]?shot|few[- ]?shot|pre[- ]?(?:trained|tuning)|untuned|prior|old|best epoch",
        "(?:微调|训练|调参)[之以]?前|原始|基座|底座|基线|零样本|旧",
    ),
    "bound": any_of("low|high|lower|upper|min|max|std|stdev|ci|variance|sd|stderr", "标准差|下界|上界|方差"),
}
"""Why a column that names results is none of a trial's."""
_SPLITS = {
    "overall": any_of("overall|total", "总体|整体|总(?!分)"),
    "test": any_of("test|held[- ]?out|holdout", "测试|留出"),
    "": words(""),
    "validation": any_of("val|valid|validation|dev|eval|evaluation", "验证|开发集|评估|评测"),
}
_KINDS = {
    MeasureKind.LOSS: any_of(
        "loss|nll|cross[- ]?entropy|ce|ppl|perplexity|wer|cer|error rate|error",
        "损失|困惑度|错误率|误[改判报检]率|漏[报检]率|误差|loss",
    ),
    MeasureKind.SCORE: any_of(
        r"bleu(?:-\d)?|sacrebleu|rouge[- ]?(?:l|lsum|\d)?|meteor|bertscore|chrf|f1|f1[- ]score|macro[- ]?f1|mcc|kappa|auc|auroc|precision|recall|reward|pearson|spearman|win[- ]?rate|mrr|ndcg|qwk|comet",
        "F1值|召回率|精确率|胜率",
    ),
    MeasureKind.SHARE: any_of(
        r"accuracy|acc|accuracies|exact[- ]match|em|pass@1|correct|solved|success rate|right(?=\s?[(（]\s?[%％])",
        "准确率|正确率|准确度|正确数|[答做]对|精度|精确匹配",
    ),
    None: words(
        r"(?<![A-Za-z])(?:results?|scores?|outcome|cv|lb|leaderboard)(?![A-Za-z])|结果|成绩|得分|分数|评分|[AB]\s?榜",
        r"^(?:avg|average|mean|平均[分值]?|均[分值]|总分)\W*$",
        _NO_RESULT["objective"].pattern,
    ),
}
"""What a header says that results are; the first that it names counts. None: a "result" or "score" may be anything."""
_USED_FIRST = (MeasureKind.SHARE, None, MeasureKind.SCORE, MeasureKind.LOSS)
_UNEVEN = any_of(r"balanced|macro|weighted|top[- ]?[2-9]\d*|average of|mean of", "宏平均|加权|均衡")
_AVERAGED = words(r"[(（][^()（）]*(?:±|mean|avg|平均)[^()（）]*[)）]|\bmean\b(?! of| token)(?=.*\w)|±\s?\w+")
MEANS = any_of(r"means?|averag\w*|avg", r"±|\+/-|平均|均值")
"""That results are means, over seeds or runs."""
_ONE_OF_SEVERAL = words(r"seed|\bruns?\b|fold|种子|折")
"""In the header of one seed's results, beside which their mean may stand."""
_TOTAL = words(r"(?:[(（]\s?[/／]\s?|\bout of\s|[(（]\s?(?:共|of)\s?)([1-9]\d{0,8})\s?(?:题|道|条|个)?\s?(?:[)）]|$)")


@dataclass(frozen=True)
class ResultWord:
    """What a header says of a column of results."""

    kind: MeasureKind | None  # None: "result" or "score", which may be anything
    split: str
    refused: str  # why it is no result of a trial (expected, training, ...), "" when it may be one
    rank: int  # which of several is used, the smallest first


def result_of(header: str) -> ResultWord | None:
    """Whether a header is that of results, and of which."""
    text = _AVERAGED.sub(" ", re.sub(r"[_./]", " ", EXPORT_PREFIX.sub("", header.strip()))).strip()
    kinds = [kind for kind, pattern in _KINDS.items() if pattern.search(text)]
    if not kinds:
        return None
    kind = MeasureKind.SCORE if kinds[0] is MeasureKind.SHARE and _UNEVEN.search(text) else kinds[0]
    refused = next((why for why, pattern in _NO_RESULT.items() if pattern.search(text)), "")
    split = next(name for name in ("test", "validation", "overall", "") if _SPLITS[name].search(text))
    rank = 10 * _USED_FIRST.index(kind) + [*_SPLITS].index(split) + 5 * bool(_ONE_OF_SEVERAL.search(text))
    return ResultWord(kind, split, refused, rank)


def total_of(header: str) -> int | None:
    """The number of examples that a header of counts gives, "correct (/350)", "正确数（/350）", "correct out of 350"; 0 where
    it gives none, and None for a score "out of 100"."""
    match = _TOTAL.search(header)
    return (int(match[1]) if match else 0) if re.search("correct|正确数|答对(?!率)", header, re.IGNORECASE) else None


def result_named(text: str) -> str:
    """The results that a line of text speaks of, as a header names them: "Accuracy (%)"; "" without."""
    for clause in re.split(r"[,;:。](?!\d)|\.(?=\s|$)", text):
        word = result_of(clause)
        if word is not None and not word.refused:
            split = _SPLITS[word.split].search(clause) if word.split == "validation" else None
            kind = re.search(rf"(?:{_KINDS[word.kind].pattern})(?:\s?\(\s?%\s?\))?", clause, re.IGNORECASE)
            return " ".join(found.group() for found in (split, kind) if found)
    return ""


_NUMERALS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10, "两": 2}
_NUMERALS |= {"twice": 2, "double": 2, "equal to": 1} | {c: i for i, c in enumerate("一二三四五六七八九十", start=1)}
_ROUND = words(r"\b(?:round|phase|stage)\s?#?(\d{1,3})(?!\d)", r"第\s?([一二三四五六七八九十\d]{1,3})\s?(?:轮|阶段)")


def round_of(text: str) -> str:
    """The number of the round that a heading or a sentence names ("Round 2", "第二轮"), "" without."""
    match = _ROUND.search(text)
    number = (match[1] or match[2]) if match else ""
    return str(_NUMERALS.get(number, number))


BASELINE_SAID = words(
    r"(?:\bbase\s?line|\bbase (?=recipe|config|settings?)|\bdefaults?|\brecipe of|\bstarting (?:point|values)|基线|基准|默认|起点|起始|初始)\s?`?(?:[a-z]{0,6}-?\d{1,3}(?!\d)`?)?\s?(?:config\w*|settings?|(?:hyper)?parameters?|recipe|run|command|script|配置|参数|设置|超参数?|命令|脚本)?(?:如下)?\s?(?:(?:is|are|was|uses?|为|是)\s?[:：(（]?|[:：(（])"
)
BASELINE_TRIAL = words(
    r"\bbase\s?line\s?(?:is|was|:)|(?:\b(?:is|as|was)|,)\s(?:the|our)\sbase\s?line",
    r"(?:基线|基准|对照组?)\s?(?:是|为|取|:|：)|(?:为|作为|当作|是)(?:基线|基准|对照)",
)
"""Beside the one trial that a sentence names: that it is the baseline."""
BLANKS_SAID = words(
    r"(?:\b(?:blank|empty)\b|空白|空格|空着|留空).{0,24}?"
    r"(?:(?P<above>\b(?:row above|previous row|line above|as above)|上一?行|上面|上方|同上)"
    r"|(?P<baseline>\bbase\s?line|\bdefault|\bunchanged|\bnot changed|基线|默认|没有?改|未改|不变)"
    r"|\bsame (?:value |setting )?as (?:in |for )?(?:the )?(?P<trial>[\w -]{1,24}))"
)
"""What a note says that blank cells of settings mean; as in a trial that it names, where that is the first row."""
CONSTANT = tuple(
    name
    for name in FACTOR_WORDS
    if name == "lr_scheduler_type"
    or (FACTOR_KINDS[name].value_type in (int, float) and name not in ("gradient_accumulation_steps", "warmup_steps"))
)
"""Settings that a text before the tables gives for all trials: levels beside their words are seldom something else."""
FIXED = words(
    r"\bunless\b|\b(?:everywhere|throughout)\b|\ball (?:runs|trials|experiments)\s?:|\bin (?:all|every|each) (?:cases?|experiments?|trials?|of them|runs?)\b",
    r"\b(?:all|every|each)\b[^,.;:]{0,24}\b(?:use[sd]?|share[sd]?|ha(?:ve|d|s)|fine-?tuned?|trained?|ran|run)\b",
    r"\b(?:fixed|constant)\b(?! (?:lr|schedule))|\bkept at\b|\beverything else\b|\b(?:common|shared|other) (?:settings?|(?:hyper)?parameters?)\b",
    "固定|不动|不变|统一|一律|共同|(?:除(?:非)?.{0,12}|若?[无未没](?:有)?.{0,6})(?:说明|注明|标明|写明)|(?:均|都)(?:为|是|用)|(?:参数|设置)都一样",
    r"\bfrom (?:here|now|this point) on(?:wards?)?\b|\bin (?:everything|all) that follows\b|从(?:此|这里|现在|这一?轮)(?:开始|起)|(?:此后|往后|之后|后面|后续)(?:都|均|一律|全部)",
    r"\b(?:I|we) kept (?:the )?[`\w ]{1,30}=|其[余他](?:均|都)?保持",
    r"(?:全部|所有)\s?(?:实验|训练|模型|trials?|runs?)\s?[:：]|(?:全部|所有|每)[^，。；]{0,8}用|(?:全部|所有)\s?(?:实验|组|训练|模型|run)|其[余他](?:参数|超参数?|设置|配置)",
)
"""In a sentence before the tables: its settings are those of all trials, where a table does not say otherwise."""
OF_EVERY_TRIAL = words(
    r"\b(?:all|every|each) (?:\w+ )?(?:runs?|trials?|experiments?|models?|adapters?|rows?|tables?)\b|\beverywhere\b|\bthroughout\b|所有|全部|每[个组次]"
)
"""In such a sentence: it speaks of all tables, also where it stands under the heading of some."""
OTHERWISE = any_of(
    r"better|worse|best|worst|than|beats?|previous\w*|earlier|last|before|ago|(?:except|apart from)(?! (?:where|when|if|as)\b)",
    "比|好|差(?!不多)|优|不如|最(?!大(?:序列)?长度)|上次|之前|以前|此前|上一|除了(?!.{0,8}[说注标写]明)",
)
"""In such a sentence: it compares, or speaks of other trials, or not of all."""
TRIED = any_of(r"tr(?:y|ies|ied)|plan\w*|next|later|another", "试(?!验)|打算|计划|下[次周一]|以后")
"""In such a clause: its setting is one of several, or still to come."""
EXCEPT = words(r"\b(?:except|apart from)\b|除了?")
AS_LISTED = words(
    r"\bchanges? (?:only |exactly )?one (?:value|setting|parameter|thing)\b|\b(?:(?:everything|all) else|the rest)\b[^.]{0,24}\babove\b",
    "其[余他].{0,10}(?:同上|如上|[与和]上[面述文].{0,6}(?:相同|一致|一样))",
)
"""That the settings of the baseline are those of a list above."""
SHARED_CODE = words(r"\s*(?:common|shared|fixed|defaults?|base)\w*\s?=\s?(?:dict\(|\{)")
"""A line of code that begins the settings of all trials."""
CAPTION = words(r"\W{0,3}(?:table|tab\.|表)\s?(\d+(?:\.\d+)*)(?!\d)")
"""How the line above a table begins that is its caption."""
DECIDES = words(
    r"\bcompar(?:e|ed|isons?)\b[^.;]{0,20}\b(?:by|on|uses?|one of)\b|\bdecid(?:e|es|ing)\b|\btrust(?:s|ed)?\b",
    r"\b(?:we|are|is|was|were) (?:rank|select|choose|pick|sort)(?:ed)? (?:models? |runs? |trials? |checkpoints? )?by\b",
    r"\b(?:main|primary|headline|target) (?:metric|measure)\b",
    "(?<!如果)(?:只|一律)看|以.{1,16}为(?:准|(?:主|主要|核心|最终)(?:评测|评价|评估)?指标)|按.{1,16}(?:比较|排序)",
)
"""In a sentence: it names the result by which trials are compared."""
SPEAKS_OF_ACCURACY = words(r"accura|\bacc\b|exact match|准确率|正确率|准确度|精度")
GROUND = words(
    r"(?:在|基于|以|沿用|固定).{0,12}(?:最佳|最优|最好|(?:实验|exp)\s?[-#]?\d+).{0,10}(?:基础|上|下|配置|之上)|(?:在|基于|以|沿用)\s?\d{1,4}\s?号?(?:的)?(?:基础|配置)",
    r"\b(?:on top of|based on|start(?:s|ing) from|built? on|around|in|with|from|for|keeping) (?:the )?(?:best|exp\w*\s?#?\d+|run\s?#?\d+)",
)
"""What a round says that its trials build on."""
BUILT_ON = words(
    r"(?:在|基于|沿用|延续|承接)(?P<zh>[^，。；,;]{1,24}?)(?:的?(?:基础|配置|设置|参数)|之上|上?继续)|以(?P<as>[^，。；,;]{1,16}?)为(?:基础|起点)",
    r"\b(?:on top of|based on|buil[dt]s? on|start(?:s|ing) from|continu(?:es|ed|ing) (?:from|with))\s(?P<en>[^,.;:()]{1,40})",
)
"""In the heading of a round or before its table: that its trials start from something, which is one of the groups."""
NO_GROUND = words(
    MODEL_NAME.pattern,
    r"\b(?:results?|findings?|observations?|above|these|this|model|instruct|chat|\w*\d+b)\b|结果|结论|分析|观察|发现|数据|以上|上述|模型|底座|集|卡|显存|机器|GPU",
)
"""What a text may speak of building on that is no setup of a trial."""
_ALPHA_RULE = words(
    r"(?:\b|_)(?:alpha|α)`?\s?(?:is|was|=|:|stays|at)?\s?(?:always |kept |set |fixed |at |to )*(twice|double|equal to|[1-9]\d?(?:\.\d)?(?=\s?[x×*·]|\stimes|r\b))\s?(?:[x×*·]|times)?\s?(?:the )?(?:lora[ _])?(?:rank|r)\b",
    r"(?:alpha|α)`?\s?(?:始终|都|均|总|固定|统一|一律)*(?:取|是|为|设为|等于|保持)+\s?(?:秩|r|rank)\s?的\s?(\d{1,2}|[一两二三四])\s?倍",
    r"(?:alpha|α)`?\s?(?:始终|都|均|总|固定|统一|一律)*(?:取|是|为|设为|等于|保持)+\s?(\d{1,2})\s?[×x*·]?\s?(?:秩|(?:rank|r)(?![A-Za-z]))",
)
"""A sentence that gives alpha as a multiple of the rank for all trials."""
KEEPS_THE_BEST = words(
    r"\b(?:keep(?:s|ing)?|carr(?:y|ies|ied)|fix(?:ed|ing)?|tak(?:e|es|ing)|adopt\w*)\b[^.;]{0,24}\b(?:best|winner|winning)\b|\b(?:best|winner)\b[^.;]{0,24}\b(?:carried|next round|forward)\b|\bgreed\w+",
    "(?:每|各|上)一?[轮步阶].{0,16}(?:最好|最优|最佳)|(?:最好|最优|最佳).{0,16}(?:下一[轮步阶]|带入|进入下)|贪心",
)
"""In a text: a round takes over what was best in the one before, so that what a later table leaves out is not the baseline's."""
KEPT = words(
    r"(?:定[为在成]|(?<![使采套沿可])用|沿用|采用|取|保持|固定)\s?(?=\S)",
    r"^\W*(?:with|at|using|now at)\s|\b(?:keep\w*|kept|fix(?:ed|ing)?|stay\w*|settled?|go(?:es|ing)? (?:on )?with)\b",
)
"""In a line before a later table: its settings are what the trials of this table have."""
OF_THE_PAST = words(
    r"\b(?:ran|were|was|did|had|would|oom|memory|earlier|previous\w*|above|round|instead)\b|显存|内存|结果|上[面述文]|曾|如果|可能|之前|[高低升降涨跌]"
)
"""In such a line: it tells of something else than the settings of the table below it."""
SET_TO = words(r"\s?定[为在成]\s?(?=\d)")
"""Between a setting and its level: "lr 定为 2e-4"."""
UNTRAINED_SAID = words(
    r"(?:没有?|未)(?:经过?)?(?:训练|微调)过?的?|\b(?:untrained|not (?:been )?(?:fine-?)?(?:tuned|trained)|without (?:any )?(?:training|fine-?tuning)|zero-?shot)\b"
)
"""In a clause that names a trial: it is the model without training."""
AS_TABLE = words(r"\b(?:as|same as|like) (?:in )?(?:table|tab\.)\s?(\d+(?:\.\d+)*)|(?:同|与|如)\s?表\s?(\d+(?:\.\d+)*)")
"""In a caption: the table has the settings of another, by its number."""
_OBJECTIVE = words(
    r"(?:\bobjective\b|目标)[^.。;；\n]{0,24}?(?P<way>maximi[sz]\w*|minimi[sz]\w*|最大化|最小化)\s?(?P<what>[^,.;，。；(（\n]{1,40})",
    r"(?:\bvalue`?(?: column)?|(?<=value)`?\s?列)\s?(?:is|holds|=|就?是|为|即)\s?(?P<is>[^,.;，。；(（\n]{1,40})",
)


def objective_said(text: str) -> ResultWord | None:
    """What a text says that an optimiser's objective is ("maximise validation accuracy"), None where it says nothing,
    two things, or the wrong way."""
    found = set()
    for match in _OBJECTIVE.finditer(text):
        word = result_of(match["what"] or match["is"])
        lower = (match["way"] or "").lower().startswith(("min", "最小"))
        if word is not None and word.kind is not None:
            found.add(word if not match["way"] or lower == (word.kind is MeasureKind.LOSS) else None)
    return found.pop() if len(found) == 1 else None


_EVALUATION = r"(?:test|validation|held[- ]out|unseen|evaluation|eval|dev)"
_THINGS = r"(?:examples?|samples?|rows?|questions?|items?|cases?|utterances?|tickets?|titles?|sentences?|reviews?)"
_EXAMPLES_SAID = words(
    rf"(?<![\d.,])(\d[\d,]*)\s{_EVALUATION}\s(?:\w+\s)?{_THINGS}\b|(?<![\d.,])(\d[\d,]*)\s(?:test|validation)\s?[|)]?\s?$",
    rf"\b(?:(?:scored|evaluated|tested|measured)\son|(?:on|over)\s(?:the\s)?(?:same|all))\s(\d[\d,]*)\s(?:(?:\w+\s)?{_THINGS}|that|which)\b",
    rf"\b{_EVALUATION}\s(?:set|split)\s?(?:of|has|with|contains|size|[:=(])?\s?:?\s?(?:n\s?=\s?)?(\d[\d,]*)(?![\w.]|\s?%)",
    r"(?:测试|验证|评测|评估)[^\d高低多少差对错升降涨掉]{0,12}?(\d[\d,]*)\s?(?:条|个|例|题|道|样本)|同样的?\s?(\d[\d,]*)\s?[条个道例]",
    r"(\d[\d,]*)\s?[条个例道题]?(?:测试|评测|验证)(?:数据|样本|样例|题|$)|共\s?(\d[\d,]*)\s?道?题",
)
_SEEDS_SAID = words(
    r"(\d{1,2}|two|three|four|five|ten|[两二三四五十])\s?个?(?:不同的?|random |different )?(?:随机)?(?:seeds|种子)",
    r"(?:mean|average[ds]?|avg\.?)\s(?:of|over|across)\s(\d{1,2}|two|three|four|five|ten)\sruns",
    r"(\d{1,2}|two|three|four|five|ten|[两二三四五十])\s?(?:runs\s(?:each|per|averaged)|次的?(?:运行)?取?(?:平均|均值))",
)
_OF_EACH = words(rf"{MEANS.pattern}|\beach\b|\bevery\b|\bper\b|每")


def alpha_multiple(text: str) -> float | None:
    """How many times the rank a sentence says that alpha is in all trials; None where it says nothing of it."""
    match = _ALPHA_RULE.search(text)
    said = next(filter(None, match.groups())).lower() if match else ""
    return float(_NUMERALS.get(said, said)) if said else None


def examples_said(text: str, split: str) -> tuple[int, ...]:
    """Numbers of examples that a text gives, without those of training and of another split than the results'."""
    found = set()
    for clause in re.split(r"[,，、;；。|\n](?!\d)|\.\s|\band\b", text):
        said = {name for name in ("test", "validation") if _SPLITS[name].search(clause)}
        for match in _EXAMPLES_SAID.finditer(clause) if not said or split in ("", "overall", *said) else ():
            if not re.search(r"\btrain|训练", clause[: match.end() + 8], re.IGNORECASE):
                found.add(int(next(filter(None, match.groups())).replace(",", "")))
    return tuple(sorted(found - {0})[:10])


def seeds_said(text: str) -> int | None:
    """Over how many seeds results are means, where a text says one number and speaks of means."""
    sentences = [s for s in re.split(r"[;；。\n]|\.\s", text) if _OF_EACH.search(s)] if MEANS.search(text) else []
    said = {next(filter(None, m.groups())).lower() for s in sentences for m in _SEEDS_SAID.finditer(s)}
    counts = {int(_NUMERALS.get(word, word)) for word in said}
    return counts.pop() if len(counts) == 1 and min(counts) > 1 else None
