"""Settings and trials named in free text: "combined best (lr=0.0003, r=32)", "学习率提高到 5e-4".

`mentions` finds factor words and the numbers that belong to them; `settings` reduces them to values. A number belongs
to a factor word when only filler words stand between them, so that "rank has an effect of 3 points" names no rank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tunebook.audit.read.cells import level_of
from tunebook.audit.words.columns import BASELINE, FACTOR_WORDS
from tunebook.audit.words.sentences import NUMBER
from tunebook.core.factor import FACTOR_KINDS, Level

LONGEST_TEXT = 4_000
_MOST_VALUES = 12
MAY_BE_NONE = ("lora_dropout", "weight_decay", "warmup_steps")
"""Factors of which none is 0: "no dropout"."""


@dataclass(frozen=True)
class Mention:
    """A factor named in a text."""

    factor: str  # its full name
    values: tuple[Level, ...]  # the numbers (or flags) that belong to it, in order
    start: int  # character range of word and numbers together
    end: int
    joined: str = ""  # "to" after "from A to B" or an arrow, "range" between "A to B" without "from", "list", or ""
    side: int = 0  # +1 for "above" before the number ("rank above 16"), -1 for "below"


def to_float(token: str) -> float:
    """The value of a `NUMBER`."""
    token = re.sub(r"^10(?=\^)", "1×10", re.sub(r"\s", "", token))
    if token.startswith("1/"):
        return 1 / float(token[2:])
    return float(re.sub(r"[x×*·]10\^?[({]?([-+]?\d+)[)}]?", r"e\1", token))


_SHORT = (
    r"(?=\s?[=:从由取为改设调提加增升降减越]|\s?\d|\s(?:of|from)\s\d|\s?[、>＞一-鿿]|"
    r"(?:(?<=[、>＞是为]r)|(?<=[是为]\sr))\s?$)"
)
"""What follows a factor's word of one or two letters, which may be something else: "r 从 8 提到 16", "r = 8"."""


def _word_pattern(word: str) -> str:
    if not word.isascii() and word != "α":
        return re.escape(word)
    short = len(word) <= 2 and word != "lr"
    return r"(?<![A-Za-z0-9_])" + re.escape(word) + (_SHORT if short else r"(?:e?s)?(?![A-Za-z_])")


_NAME_OF = {word.lower(): name for name, words in FACTOR_WORDS.items() for word in words.split("|")}
FACTOR_WORD = "|".join(f"(?:{_word_pattern(word)})" for word in sorted(_NAME_OF, key=len, reverse=True))
_ANY_WORD = re.compile(rf"{FACTOR_WORD}|(?<=\d)\s?轮(?![数次对问])", re.IGNORECASE)
_FILLER_WORDS = (
    "stays at|stayed at|remains at|left at|"
    "kept at|held at|value of|values of|set to|raised|increased|decreased|reduced|lowered|changed|raise|increase|"
    "decrease|reduce|goes|went|going|above|below|beyond|under|over|from|about|around|up|down|of|at|is|was|than|higher|"
    "lower|larger|smaller|greater|between|介于|only|fixed|always|固定|统一|均|都|一律|提高|增大|增加|增至|升至|升高|提升|"
    "降低|降至|降到|减小|减少|减至|改为|改成|设为|设置|设定|调整|调高|调低|调到|调至|取|在|从|由|为|是|用|加到|拉到|拉高|压到|开到|放到|再|加大|大于|小于|"
    "高于|低于|超过|达到|达|约|的|了|值|升|降|较高|更高|过高|过大|扩大|不能|不宜|不要|不可|不应|进一步|区间|范围|取值"
)
_ARROWS = ("->", "→", "⇒", "=>", "⟶")
_TO = "|".join([r"\bto\b", "到", "至", *map(re.escape, _ARROWS)])
_FILLERS = "|".join(rf"(?:(?<![A-Za-z]){w}(?![A-Za-z]))" if w.isascii() else w for w in _FILLER_WORDS.split("|"))
_GAP = re.compile(rf"(?:[\s=:(（\"'“<>≤≥≈~,]|{_FILLERS}|{_TO}){{0,8}}", re.IGNORECASE)
_ABOVE = re.compile(r"above|beyond|over\b|higher|larger|greater|超过|高于|大于|>|≥", re.IGNORECASE)
_BELOW = re.compile(r"below|under\b|lower|smaller|低于|小于|<|≤", re.IGNORECASE)
_VALUE = re.compile(
    rf"({NUMBER})(?!\s?(?:%|％|points?|pp\b|pts?\b|个?百分点|个?点))"
    r"(?![\d.]*\d|(?!x\s?\d)[A-Za-z]|\s?(?:[×*·]\s?(?:$|(?:lora[ _])?r)|x\s?r\b))"
)
CHANGED_TO = (
    r"(?:再|又|继续|进一步|直接|一路)?"
    r"(?:增加|增大|提高|提升|降低|减小|减少|翻倍|加倍|增|升|降|减|改|调|加|提|拉[高满]?|压|放|开|换)(?:到|至|为)"
)
_JOIN = re.compile(
    rf"\s?(?:(?P<to>{CHANGED_TO}|{'|'.join(map(re.escape, _ARROWS))})|{_TO}|\.\.+|[-~–]|"
    r"(?P<list>,\s?and\b|,|/|、|\band\b|\bor\b|和|与|或|以及))\s?",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"[\s=:]{0,3}(?:(true|on|enabled|开启|打开|启用|开)|false|off|disabled|关闭|禁用|关)(?![A-Za-z])", re.IGNORECASE
)
_CHOICES = {"余弦": "cosine", "线性": "linear", "恒定": "constant"}
_CHOICE = r"(cosine|linear|constant|余弦|线性|恒定)"
_CHOICE_BEFORE = re.compile(rf"(?<![A-Za-z_-]){_CHOICE}(?:退火)?\s?(?:lr |learning rate |学习率)?$", re.IGNORECASE)
_CHOICE_AFTER = re.compile(
    rf"\s?(?:统一|均|都)?(?:用|采用|为|是|was|is|=|:)?\s?{_CHOICE}|\s?[=:]\s?([A-Za-z_][\w-]{{0,40}})", re.IGNORECASE
)
_ZERO = re.compile(r"(?:\b(?:no|without|zero)|不[加用]|没(?:有|加|用))\s?$", re.IGNORECASE)
_NONE_IS = re.compile(r"\s(?:is|was|gives?|gave)\b.{0,30}\bthan\b", re.IGNORECASE)
"""Behind it: "no dropout is better than 0.1" may mean that none is, or that no other level is."""
_BEFORE = re.compile(
    rf"(?<![A-Za-z0-9_.第-])(?<!第\s)(?:\bfrom\s({NUMBER})\s(?:to|->)\s)?({NUMBER})\s?(?:个|的|x\b)?\s?(?:full\s|training\s)?$",
    re.IGNORECASE,
)
"""Before a factor's word: "3 epochs", "from 3 to 6 epochs"."""
_TIMES = re.compile(r"\s?[x×*]\s?([1-9]\d{0,5})(?![\d.^])")
"""The accumulation of "batch 2x4"."""


def mentions(text: str) -> list[Mention]:
    """Every factor named in a cleaned text, in order, with the numbers that belong to it."""
    text = text[:LONGEST_TEXT]
    found: list[Mention] = []
    words = list(_ANY_WORD.finditer(text))
    for word, limit in zip(words, [*(later.start() for later in words[1:]), len(text)], strict=False):
        found.append(_mention(text, word, limit, found[-1].end if found else 0))
    return found


def _mention(text: str, match: re.Match[str], limit: int, free_from: int) -> Mention:
    word, start, end = match.group(0).lower(), match.start(), match.end()
    singular = (word, word.removesuffix("s"), word.removesuffix("es"))
    factor = next((_NAME_OF[name] for name in singular if name in _NAME_OF), "num_train_epochs")
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        flag = _FLAG.match(text, end, limit)
        return Mention(factor, (flag[1] is not None,), start, flag.end()) if flag else Mention(factor, (), start, end)
    if kind.value_type is str:
        for said in (_CHOICE_BEFORE.search(text, free_from, start), _CHOICE_AFTER.match(text, end, limit)):
            level = said[said.lastindex or 0].lower() if said else ""
            if said and kind.problem(_CHOICES.get(level, level)) is None:
                return Mention(factor, (_CHOICES.get(level, level),), min(start, said.start()), max(end, said.end()))
        return Mention(factor, (), start, end)
    found = _numbers(text, match, limit, factor)
    none = _ZERO.search(text, free_from, start) if factor in MAY_BE_NONE else None
    unclear = none and none.group().strip().lower() == "no" and _NONE_IS.match(text, end)
    if none and not found.values and not unclear:
        return Mention(factor, (0,), none.start(), end)
    before = _BEFORE.search(text, max(free_from, start - 40), start)
    levels = [level_of(factor, to_float(number)) for number in before.groups() if number] if before else [None]
    if found.values or before is None or None in levels:
        return found
    known = tuple(level for level in levels if level is not None)
    return Mention(factor, known, before.start() if len(known) > 1 else before.start(2), end, "to" * (len(known) > 1))


def _numbers(text: str, match: re.Match[str], limit: int, factor: str) -> Mention:
    """The numbers behind a factor's word, as far as they are one list, range or step."""
    gap = _GAP.match(text, match.end(), limit)
    end, at = match.end(), gap.end() if gap else match.end()
    filler = text[end:at].lower()
    values: list[Level] = []
    joined = ""
    while len(values) < _MOST_VALUES and (number := _VALUE.match(text, at, limit)):
        level = level_of(factor, to_float(number.group(1)))
        if level is None:
            break
        values.append(level)
        end = number.end()
        join = _JOIN.match(text, end, limit)
        following = _VALUE.match(text, join.end(), limit) if join else None
        belongs_to_next = following and limit < len(text) and not text[following.end() : limit].strip(" 个")
        if not join or not following or belongs_to_next:
            break
        step = join["to"] or any(word in filler for word in ("from", "从", "由"))
        joined = joined or ("list" if join["list"] else "to" if step else "range")
        at = join.end()
    before = text[max(0, match.end() - 4) : at]
    between = "between" in filler or "介于" in before or text[end : end + 3].strip()[:2] == "之间"
    joined = "" if len(values) < 2 else "range" if joined == "list" and len(values) == 2 and between else joined
    side = 1 if _ABOVE.search(filler) else -1 if _BELOW.search(filler) else 0
    return Mention(factor, tuple(values), match.start(), end, joined, side if values else 0)


def settings(text: str) -> dict[str, Level]:
    """What a description sets each factor to. "2e-4 -> 5e-4" sets 5e-4; of a factor named twice the last counts;
    factors named without a value, or with a list of values, are left out."""
    values: dict[str, Level] = {}
    for mention in mentions(text):
        if mention.values and mention.joined != "list":
            values[mention.factor] = mention.values[-1]
            times = _TIMES.match(text, mention.end) if mention.factor == "per_device_train_batch_size" else None
            if times:
                values["gradient_accumulation_steps"] = int(times.group(1))
        elif FACTOR_KINDS[mention.factor].value_type is bool and re.match(r".*[+加开启]", text[: mention.start][-6:]):
            values[mention.factor] = True
    return values


_LABELS = (
    re.compile(
        r"(?<![A-Za-z0-9])(?:exp(?:eriment)?s?|trial|run|test|实验|试验|编号)\s?[#_\-.:№]?\s?(\d{1,5})(?![\d.]\d|\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![A-Za-z0-9&])#(\d{1,5})(?!\d)|(?<![\d.月])(\d{1,4})\s?号(?:实验|配置|模型|方案)?(?![服机卡楼店])|第\s?(\d{1,4})\s?组"
    ),
    re.compile(  # a number alone that names a trial: "the best run is 4"
        r"(?<=\bbest )(?:run|trial|exp(?:eriment)?)(?: (?:so far|overall))? (?:is|was) (\d{1,5})(?![\d%]|[.,]\d)|"
        r"(?<=最[佳优好])的?(?:一[次组])?(?:实验|试验|配置|组合)(?:是|为)\s?(\d{1,5})(?![\d%]|[.,]\d)",
        re.IGNORECASE,
    ),
)
_BUILDS = r"(?:\b(?:on top of|based on|builds? on|starting from|on)\b|基于|在|以|沿用)\s{0,2}"
_ENDS_IN_BUILDS = re.compile(rf"{_BUILDS}$", re.IGNORECASE)
_BARE_BASE = re.compile(
    r"(?:\b(?:on top of|based on|builds? on|starting from|same as)|基于|沿用)\s?(\d{1,4})(?![\d.]|[eE]-?\d)|"
    r"(?:在|以)\s?(\d{1,4})\s?号?\s?(?:的)?(?:基础|配置|设置|上)",
    re.IGNORECASE,
)
"""A trial by its bare number, as what a change builds on: "在 9 的基础上", "on top of 9"."""
_BEST_BASE = re.compile(
    rf"(?P<on>{_BUILDS})?(?:\b(?:the )?(?:best|incumbent)(?: so far)?\b|最佳|最优|最好)"
    r"(?P<more>.{0,14}?(?:[+]|with|but|plus|基础|上|再|并)|"
    r"\s?(?:config\w*|settings?|combination|组合|配置|设置|参数)?\s?[,，、])?",
    re.IGNORECASE,
)
_AS_A_NAME = r"(?:(?<=onfig )|(?<=onfiguration )|(?<=[Rr]un )|(?<=[Tt]rial )|(?<=xperiment )){0}|{0}(?!\s[a-z])"


def label_pattern(labels: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for labels that `trial_labels` does not know by their number ("A", "best-long", "lr4-r16"), or None
    without any. "A" and "I" count only where no word follows them or "config" stands before, since they are words
    themselves."""
    parts = [
        rf"(?<![-.]){label}(?![.%])" if label.isdigit()
        else _AS_A_NAME.format(label) if label in ("A", "I")
        else f"(?i:{re.escape(label)})" if len(label) > 3 else re.escape(label)
        for label in sorted(filter(_is_wordy, set(labels)), key=len, reverse=True)
    ]  # fmt: skip
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(parts)})(?![A-Za-z0-9_])") if parts else None


def _is_wordy(label: str) -> bool:
    known = any(pattern.fullmatch(label) for pattern in (re.compile(NUMBER), *_LABELS))
    zero_first = re.fullmatch(r"0\d+", label) is not None  # no number begins so
    return zero_first or (any(c.isalpha() for c in label) and not known and not BASELINE.fullmatch(label))


def trial_labels(text: str, wordy: re.Pattern[str] | None = None) -> list[tuple[str, int, int]]:
    """Trials named in a text, as (number or label, start, end) in order; the caller finds them in the tables. `wordy`,
    from `label_pattern`, finds labels of other forms."""
    found: list[tuple[str, int, int]] = []
    for pattern in (*_LABELS, *((wordy,) if wordy is not None else ())):
        for m in pattern.finditer(text[:LONGEST_TEXT]):
            if not any(m.start() < end and start < m.end() for _, start, end in found):
                found.append((m[m.lastindex or 0], m.start(), m.end()))
    return sorted(found, key=lambda f: f[1])


def base_trial(text: str, wordy: re.Pattern[str] | None = None) -> str | None:
    """What a change description builds on: a trial's label, "best", "baseline", or None when it says nothing.

    "exp16 + max_length 768", "基于 exp16", "best settings with r=64", "在最佳配置上".
    """
    text = text[:LONGEST_TEXT]
    for number, start, end in trial_labels(text, wordy)[:1]:
        extended = re.match(r"\s?[+,:]|\s?(?:with|but|settings|的|配置|基础|plus|and)", text[end:])
        if extended or _ENDS_IN_BUILDS.search(text[:start]):
            return number
    bare, best = _BARE_BASE.search(text), _BEST_BASE.search(text)
    if bare:
        return bare[1] or bare[2]
    if best and (best["on"] or best["more"]):
        return "best"
    return "baseline" if BASELINE.search(text) else None


_DESCRIBING = re.compile(
    r"\b(?:like|combined|unchanged|kept|fixed|is|was|stays|stayed|best|baseline|default|with|and|but|plus|on|top|of|settings?|config\w*|combination|same|as|the|to|"
    r"from|raised?|lowered?|increased?|decreased?|reduced?|higher|lower|larger|smaller|bigger|only|epochs?|training|x)"
    r"\b|最佳|最优|最好|基线|基准|默认|组合|配置|设置|参数|基础|上|在|将|把|的|并|和|与|提高|增大|增加|降低|减小|减少|"
    r"改为|提升|训练|开启|启用|打开|关闭|到|至|轮|步|单独|仅|只|较大|较小|更大|更小|同|但|其[余他]|一样|相同|不变|不动|[\W_]",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"\s?(?:不变|不动|unchanged|kept\b|(?:is |was |stays |stayed )?(?:the same|fixed|unchanged))", re.IGNORECASE
)
"""Behind a factor without a level: the description leaves it as it is."""


def is_fully_described(text: str, wordy: re.Pattern[str] | None = None) -> bool:
    """Whether a description of a change holds nothing but settings with values, trials and words of joining."""
    left = list(text[:LONGEST_TEXT])
    spans = [(start, end) for _, start, end in trial_labels(text, wordy)]
    spans += [match.span() for match in _BARE_BASE.finditer(text)]
    for mention in mentions(text):
        bare = not mention.values and FACTOR_KINDS[mention.factor].value_type is not bool
        if bare and not _KEPT.match(text, mention.end):
            return False  # "lr x2"
        times = _TIMES.match(text, mention.end) if mention.factor == "per_device_train_batch_size" else None
        spans.append((mention.start, times.end() if times else mention.end))
    for start, end in spans:
        left[start:end] = " " * (end - start)
    return not _DESCRIBING.sub("", "".join(left)).strip()
