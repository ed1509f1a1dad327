"""Settings and trials named in free text: "combined best (lr=0.0003, r=32)", "学习率提高到 5e-4".

`mentions` finds factor words and the numbers that belong to them; `settings` reduces them to values. A number belongs
to a factor word when only filler words stand between them, so that "rank has an effect of 3 points" names no rank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tunebook.audit.read.cells import level_of
from tunebook.audit.words.columns import BASELINE, FACTOR_WORDS
from tunebook.audit.words.sentences import NUMBER
from tunebook.core.factor import FACTOR_KINDS, Level

LONGEST_TEXT = 4_000
_MOST_VALUES = 12


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


_SHORT = r"(?=\s?[=:从由取为改设调提加增升降减越]|\s?\d|\s(?:of|from)\s\d|\s?[、>＞一-鿿]|(?<=[、>＞]r)\s?$)"
"""What follows a factor's word of one or two letters, which may be something else: "r 从 8 提到 16", "r = 8"."""


def _word_pattern(word: str) -> str:
    escaped = re.escape(word)
    if not word.isascii() and word != "α":
        return escaped
    short = len(word) <= 2 and word != "lr"
    return r"(?<![A-Za-z0-9_])" + escaped + (_SHORT if short else r"(?:e?s)?(?![A-Za-z_])")


_WORDS = sorted(((w, name) for name, words in FACTOR_WORDS.items() for w in words.split("|")), key=lambda w: -len(w[0]))
_NAME_OF = {word.lower(): name for word, name in _WORDS}
_ANY_WORD = re.compile(
    "|".join([*(f"(?:{_word_pattern(word)})" for word, _ in _WORDS), r"(?<=\d)\s?轮(?![数次对问])"]), re.IGNORECASE
)
_FILLER_WORDS = (
    "kept at|held at|value of|values of|set to|raised|increased|decreased|reduced|lowered|changed|raise|increase|"
    "decrease|reduce|goes|went|going|above|below|beyond|under|over|from|about|around|up|down|of|at|is|was|than|higher|lower|"
    "larger|smaller|greater|between|介于|only|fixed|always|固定|统一|均|都|一律|提高|增大|增加|增至|升至|升高|提升|降低|降至|降到|减小|减少|减至|"
    "改为|改成|设为|设置|设定|调整|调高|调低|调到|调至|取|在|从|由|为|是|用|加到|加大|大于|小于|高于|低于|超过|"
    "达到|达|约|的|了|值|升|降|较高|更高|过高|过大|扩大|不能|不宜|不要|不可|不应|进一步|区间|范围|取值"
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
_CHANGED_TO = r"(?:增加|增大|提高|提升|降低|减小|减少|翻倍|加倍|增|升|降|减|改|调|加|提)(?:到|至|为)"
_JOIN = re.compile(
    rf"\s?(?:({_CHANGED_TO}|{_TO}|\.\.+)|(-|~|–|到|至)|(,|/|、|\band\b|\bor\b|和|与|或|以及|,\s?and\b))\s?",
    re.IGNORECASE,
)
_STEP = re.compile(rf"\s?(?:({_CHANGED_TO}|变[为成])|{_TO})\s?", re.IGNORECASE)
_FROM = re.compile(r"(?:\bfrom|从|由)\s?$", re.IGNORECASE)
_FLAG = re.compile(
    r"[\s=:]{0,3}(true|false|on|off|enabled|disabled|开启|打开|启用|开|关闭|禁用|关)(?![A-Za-z])", re.IGNORECASE
)
_ON_WORDS = {"true", "on", "enabled", "开启", "打开", "启用", "开"}
_CHOICES = {"余弦": "cosine", "线性": "linear", "恒定": "constant"}
_ZERO = re.compile(r"(?:\b(?:no|without|zero)|不[加用]|没(?:有|加|用))\s?$", re.IGNORECASE)
"""Before a factor's word, of factors of which none is 0: "no dropout"."""
_NONE_IS = re.compile(r"\s(?:is|was|gives?|gave)\b.{0,30}\bthan\b", re.IGNORECASE)
"""Behind it: "no dropout is better than 0.1" may mean that none is, or that no other level is."""
MAY_BE_NONE = ("lora_dropout", "weight_decay", "warmup_steps")
_WORD_VALUE = re.compile(r"\s?[=:]\s?([A-Za-z_][\w-]{0,40})")
_CHOICE = re.compile(
    r"\s?(?:统一|均|都)?(?:用|采用|为|是|was|is|=|:)?\s?(cosine|linear|constant|余弦|线性|恒定)", re.IGNORECASE
)
_BEFORE = re.compile(rf"(?<![A-Za-z0-9_.第-])(?<!第\s)({NUMBER})\s?(?:个|的|x\b)?\s?(?:full\s|training\s)?$")
_FROM_TO = re.compile(rf"\bfrom\s({NUMBER})\s(?:to|->)\s({NUMBER})\s$", re.IGNORECASE)
_TIMES = re.compile(r"\s?[x×*]\s?([1-9]\d{0,5})(?![\d.^])")
"""The accumulation of "batch 2x4"."""


def mentions(text: str) -> list[Mention]:
    """Every factor named in a cleaned text, in order, with the numbers that belong to it."""
    text = text[:LONGEST_TEXT]
    found: list[Mention] = []
    words = list(_ANY_WORD.finditer(text))
    for i, match in enumerate(words):
        limit = words[i + 1].start() if i + 1 < len(words) else len(text)
        found.append(_mention(text, match, limit, found[-1].end if found else 0))
    for a, b in pairwise(found):  # "from rank 16 to rank 64"
        step = _STEP.fullmatch(text, a.end, b.start)
        said = step and (step.group(1) or _FROM.search(text, max(0, a.start - 8), a.start))
        if said and a.factor == b.factor and len(a.values) == len(b.values) == 1 and not a.side | b.side:
            found[found.index(a) : found.index(b) + 1] = [Mention(a.factor, a.values + b.values, a.start, b.end, "to")]
            break
    return found


def _mention(text: str, match: re.Match[str], limit: int, free_from: int) -> Mention:
    word, start, end = match.group(0).lower(), match.start(), match.end()
    singular = (word, word.removesuffix("s"), word.removesuffix("es"))
    factor = next((_NAME_OF[name] for name in singular if name in _NAME_OF), "num_train_epochs")
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        flag = _FLAG.match(text, end, limit)
        values: tuple[Level, ...] = (flag.group(1).lower() in _ON_WORDS,) if flag else ()
        return Mention(factor, values, start, flag.end() if flag else end)
    if kind.value_type is str:
        before = re.search(r"([A-Za-z_]+|余弦|线性|恒定)(?:退火)?\s?(?:lr |学习率)?$", text[max(0, start - 32) : start])
        choice = _CHOICES.get(before.group(1), before.group(1).lower()) if before else ""
        if before and choice in kind.choices:
            return Mention(factor, (choice,), start - len(before.group()), end)
        after = _CHOICE.match(text, end, limit)
        if after and (choice := _CHOICES.get(after[1], after[1].lower())) in kind.choices:
            return Mention(factor, (choice,), start, after.end())
        said = _WORD_VALUE.match(text, end, limit)
        ok = said is not None and kind.problem(said.group(1)) is None
        return Mention(factor, (said.group(1),) if said and ok else (), start, said.end() if said and ok else end)
    found = _numbers(text, match, limit, factor)
    if found.values:
        return found
    none = _ZERO.search(text, free_from, start) if factor in MAY_BE_NONE else None
    if none and not _NONE_IS.match(text, end):
        return Mention(factor, (0,), none.start(), end)
    step = _FROM_TO.search(text, max(free_from, start - 40), start)  # "from 3 to 6 epochs"
    levels = [level_of(factor, to_float(number)) for number in step.groups()] if step else []
    if step and len(ends := [level for level in levels if level is not None]) == len(levels):
        return Mention(factor, tuple(ends), step.start(), end, "to")
    before = _BEFORE.search(text, max(free_from, start - 40), start)
    level = level_of(factor, to_float(before.group(1))) if before else None
    return Mention(factor, (level,), before.start(1), end) if before and level is not None else found


def _numbers(text: str, match: re.Match[str], limit: int, factor: str) -> Mention:
    """The numbers behind a factor's word, as far as they are one list, range or step."""
    gap = _GAP.match(text, match.end(), limit)
    at = gap.end() if gap else match.end()
    filler = text[match.end() : at].lower()
    values: list[Level] = []
    end, joined = match.end(), ""
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
        joined = joined or _how(join, any(word in filler for word in ("from", "从", "由")))
        at = join.end()
    before = text[max(0, match.end() - 4) : at]
    between = "between" in filler or "介于" in before or text[end : end + 3].strip()[:2] == "之间"
    joined = "" if len(values) < 2 else "range" if joined == "list" and len(values) == 2 and between else joined
    side = 1 if _ABOVE.search(filler) else -1 if _BELOW.search(filler) else 0
    return Mention(factor, tuple(values), match.start(), end, joined, side if values else 0)


def _how(join: re.Match[str], from_word: bool) -> str:
    if join.group(3):
        return "list"
    changed = join.group(1) is not None and (join.group(1) in _ARROWS or re.fullmatch(_CHANGED_TO, join.group(1)))
    return "to" if changed or from_word else "range"


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


_LABEL = re.compile(
    r"(?<![A-Za-z0-9])(?:exp(?:eriment)?s?|trial|run|test|实验|试验|编号)\s?[#_\-.:№]?\s?(\d{1,5})(?![\d.]\d|\d)",
    re.IGNORECASE,
)
_HASH_LABEL = re.compile(
    r"(?<![A-Za-z0-9&])#(\d{1,5})(?!\d)|(?<![\d.月])(\d{1,4})\s?号(?:实验|配置|模型|方案)?(?![服机卡楼店])|第\s?(\d{1,4})\s?组"
)
_BEST_IS = re.compile(
    r"\b(?:best|winning) (?:run|trial|exp(?:eriment)?)(?: (?:so far|overall))? (?:is|was) (\d{1,5})(?![\d%]|[.,]\d)|"
    r"(?:最佳|最优|最好)的?(?:一[次组])?(?:实验|试验|配置|组合)(?:是|为)\s?(\d{1,5})(?![\d%]|[.,]\d)",
    re.IGNORECASE,
)
"""A number alone that names a trial: "the best run is 4"."""
_BEST_WORD = re.compile(r"\b(?:the )?(?:best|incumbent)(?: so far)?\b|最佳|最优|最好", re.IGNORECASE)
_BUILDS = re.compile(
    r"(?:\b(?:on top of|based on|builds? on|starting from|on)\b|基于|在|以|沿用)\s{0,2}$", re.IGNORECASE
)
_BARE_BASE = re.compile(
    r"(?:\b(?:on top of|based on|builds? on|starting from|same as)|基于|沿用)\s?(\d{1,4})(?![\d.]|[eE]-?\d)|"
    r"(?:在|以)\s?(\d{1,4})\s?号?\s?(?:的)?(?:基础|配置|设置|上)",
    re.IGNORECASE,
)
"""A trial by its bare number, as what a change builds on: "在 9 的基础上", "on top of 9"."""
_AS_A_NAME = r"(?:(?<=onfig )|(?<=onfiguration )|(?<=[Rr]un )|(?<=[Tt]rial )|(?<=xperiment )){0}|{0}(?!\s[a-z])"


def label_pattern(labels: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for labels that `trial_labels` does not know by their number ("A", "best-long", "lr4-r16"), or None
    without any. "A" and "I" count only where no word follows them or "config" stands before, since they are words
    themselves."""
    wordy = sorted({label for label in labels if _is_wordy(label)}, key=len, reverse=True)
    parts = [
        rf"(?<![-.]){label}(?![.%])" if label.isdigit()
        else _AS_A_NAME.format(label) if label in ("A", "I")
        else f"(?i:{re.escape(label)})" if len(label) > 3 else re.escape(label)
        for label in wordy
    ]  # fmt: skip
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(parts)})(?![A-Za-z0-9_])") if parts else None


def _is_wordy(label: str) -> bool:
    if re.fullmatch(r"0\d+", label):  # no number begins so
        return True
    known = re.fullmatch(NUMBER, label) or _LABEL.fullmatch(label) or _HASH_LABEL.fullmatch(label)
    return any(c.isalpha() for c in label) and not known and not BASELINE.fullmatch(label)


def trial_labels(text: str, wordy: re.Pattern[str] | None = None) -> list[tuple[str, int, int]]:
    """Trials named in a text, as (number or label, start, end) in order; the caller finds them in the tables.

    Args:
        wordy: from `label_pattern`, for labels of other forms.
    """
    text = text[:LONGEST_TEXT]
    found = [(m.group(1), m.start(), m.end()) for m in _LABEL.finditer(text)]
    others = [(m.group(1) or m.group(2) or m.group(3), m.start(), m.end()) for m in _HASH_LABEL.finditer(text)]
    others += [(m[i], m.start(i), m.end(i)) for m in _BEST_IS.finditer(text) for i in (1, 2) if m[i]]
    others += [(m.group(0), m.start(), m.end()) for m in wordy.finditer(text)] if wordy is not None else []
    for label, start, end in others:
        if not any(start < known_end and known_start < end for _, known_start, known_end in found):
            found.append((label, start, end))
    return sorted(found, key=lambda f: f[1])


def base_trial(text: str, wordy: re.Pattern[str] | None = None) -> str | None:
    """What a change description builds on: a trial's label, "best", "baseline", or None when it says nothing.

    "exp16 + max_length 768", "基于 exp16", "best settings with r=64", "在最佳配置上".
    """
    text = text[:LONGEST_TEXT]
    for number, start, end in trial_labels(text, wordy)[:1]:
        extended = re.match(r"\s?[+,:]|\s?(?:with|but|settings|的|配置|基础|plus|and)", text[end:])
        if extended or _BUILDS.search(text[:start]):
            return number
    bare = _BARE_BASE.search(text)
    if bare:
        return bare.group(1) or bare.group(2)
    best = _BEST_WORD.search(text)
    if best and (
        re.match(r".{0,14}?(?:[+]|with|but|plus|基础|上|再|并)", text[best.end() :])
        or re.match(r"\s?(?:config\w*|settings?|combination|组合|配置|设置|参数)?\s?[,，、]", text[best.end() :])
        or _BUILDS.search(text[: best.start()])
    ):
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
