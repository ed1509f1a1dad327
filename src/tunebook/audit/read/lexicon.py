"""The words of sentences that make claims, in English and Chinese, and the cutting of a sentence into them.

A sentence is cut into settings, trials, numbers and the words listed here; what is left over is an `UNKNOWN` token, and
a sentence with one is not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunebook.audit.read.mentions import NUMBER, Mention, mentions, to_float, trial_labels

__all__ = ["Token", "cut"]


@dataclass(frozen=True)
class Token:
    """A piece of a sentence: its kind, its text, and a mention, a label, a number or None."""

    kind: str
    text: str
    value: Mention | str | float | None = None


_NO = "没有|没|无|并无|未见|未|并未|没能|未能|不能|无法|不会|不再|难以|并不能?"
_MUCH = r"(?:什么|任何|明显|显著|太大|多大|太多|实质)?的?"
_WORDS: tuple[tuple[str, str, str], ...] = (
    # phrases with a negation come first
    ("NOFAIL", r"(?:does|do|did|is|was)(?:n't| not) (?:diverge|fail|crash|collapse|explode|unstable)|"
    r"without (?:diverging|"
     r"failing)|stable|stably", rf"(?:{_NO}|不)(?:再)?(?:发散|崩溃|失败)|稳定(?!性)"),
    ("FAIL", r"fail(?:s|ed|ing)?(?! to)|diverg(?:e|es|ed|ing)|crash(?:es|ed)?|collaps(?:es|ed|e)|explod(?:es|ed|e)|"
    r"breaks?"
     r"(?: training)?|broke|blows? up|blew up|nan|(?:does|did)(?:n't| not) (?:train|converge)",
     "训练失败|失败|发散|崩溃|崩掉|不收敛|无法收敛|爆炸|无法训练"),
    ("NOEFF", r"(?:has |have |had |with |shows? )?(?:no|little|hardly any|negligible|minimal|almost no) (?:clear |"
    r"real |"
     r"visible |measurable |noticeable )?(?:effect|impact|influence)|(?:does|do|did)(?:n't| not) (?:really |seem to )?"
     r"(?:matter|affect)(?: much)?|(?:hardly|barely|scarcely) matters?|makes? (?:no|little) difference|insensitive",
     rf"(?:{_NO}|几乎没有){_MUCH}(?:影响|作用|效果)|影响(?:不大|很小|较小|甚微|有限|不明显)|不敏感|不影响|(?:作用|"
     rf"效果)不明显"),
    ("NODOWN", r"(?:not|n't|no|never) (?:\w+ )?(?:worse|hurt|harm|degrade)", rf"(?:{_NO}|不)(?:变差|更差|下降|降低|"
    rf"损失)|不差于|不劣于"),
    ("NOUP", r"no (?:further |real |clear |additional |measurable )?(?:gains?|improvements?|benefits?|advantage|help|"
    r"better)|"
     r"(?:does|do|did|is|are|was|were|can)?\s?(?:not|n't|never)\s(?:\w+ )?(?:better|help|helped|improve|improved|beat|"
     r"outperform)|cannot (?:help|improve)|fail(?:s|ed)? to (?:improve|help|beat)|without (?:gain|improvement)",
     rf"(?:{_NO}|不)(?:再|能|可)?(?:带来|有|继续|进一步|产生|获得|看到)?{_MUCH}(?:提升|提高|改善|帮助|增益|收益|优势|"
     rf"更好|优于|更优)|不优于|提升有限|"
     "不再提升"),
    ("NOTTHAN", r"not (?:than)", "并没有比|并不比|没有比|不比"),
    ("SAME", r"(?:about |roughly |almost |nearly )?(?:the )?same(?: as)?|equal(?:s|led)?(?: to)?|identical(?: to)?|"
    r"(?:just )?as good as|match(?:es|ed)?|"
     r"on par with|comparable(?: to| with)?|similar(?: to)?|no difference|no different|unchanged|no change|"
     r"tie[sd]? with|"
     r"within noise",
     rf"(?:{_NO}|几乎没有){_MUCH}(?:区别|差别|差异|变化|不同)|持平|相同|一样|相当|差不多|相近|几乎不变|不变|差别不大|"
     rf"接近"),
    ("ORDER", r"(?:the )?(?:order of |ranking by |ranked by |relative )?importance(?: order| ranking)?|"
    r"order of (?:impact|influence)",
     "(?:参数)?(?:的)?重要(?:性|程度)(?:排序|排名|顺序)?|影响(?:力|程度)?(?:排序|排名|顺序)|敏感度排序"),
    ("IMP", r"matter(?:s|ed)? (?:the )?most|(?:the )?most (?:important|influential|sensitive|critical)|"
    r"(?:the )?(?:biggest|"
     r"largest|strongest|greatest) (?:effect|impact|influence|lever)", "最重要|影响力?(?:最大|最显著|最明显)|最关键|"
     "最敏感|首要"),
    ("IMPLESS", r"matter(?:s|ed)? less|less (?:important|influential|sensitive|critical)|(?:a )?(?:smaller|weaker|"
    r"less) (?:effect|"
     r"impact|influence)", "影响力?(?:远|明显|略)?(?:小于|不如|不及|弱于)|没有.{0,1}重要|更不重要"),
    ("IMPMORE", r"matter(?:s|ed)? more|more (?:important|influential|sensitive|critical)|(?:a )?(?:bigger|larger|"
    r"stronger|"
     r"greater|more) (?:effect|impact|influence)|dominates", "影响力?(?:远|明显)?(?:大于|强于|超过)|更重要|更关键|影"
     "响力?更?大(?=$|\\W)|重要(?!性|程度)"),
    ("SOFAR", r"so far|until now|currently|to date|new(?= best)", "目前|当前|至今|截至目前|暂时|迄今"),
    ("THISROUND", r"(?:in |of |within )?(?:this|the) (?:round|phase|stage)|(?:in |of )?round \d+", r"本轮|这一?轮|"
    r"该轮|本阶段|第\s?[一二三四五六七八九十\d]+\s?轮"),
    ("W", r"(?:the |our )?(?:best|tuned) (?:setup|config(?:uration)?s?|combination|settings?|model|run|trial)|tuning|"
     r"the tuned model", "(?:最佳|最优)(?:的)?(?:组合|配置|参数组合|方案)|调参|调优|最终(?=准确率)"),
    ("BEST", r"(?:the )?(?:overall )?best|optimal|optimum|sweet ?spot|ideal|highest|peaks?|new (?:high|record)",
     "最佳|最优|最好|最理想|甜点区?|甜蜜点|最高|最合适|新高"),
    ("WORST", r"worst|lowest|least", "最差|最低"),
    ("BAD", r"too (?:high|large|big|many|long)", "过高|过大|太高|太大|过多|过长"),
    ("BADLOW", r"too (?:low|small|few|short)", "过低|过小|太低|太小"),
    ("RECOMMEND", r"recommend\w*|suggest\w*|(?:should|would) (?:use|be|pick|go with)|prefer\w*|choose|chose|chosen|"
    r"go with|went with|avoid", "推荐|建议|选用|避免|应该|不宜|优先"),
    ("LIMIT", rf"(?:above|beyond|exceeding|higher than|larger than)\s{NUMBER}(?!\s?(?:%|points?|pp|个?百分点|个?点))|"
    rf"[>≥]=?\s?{NUMBER}(?!\s?(?:%|points?|pp|个?百分点|个?点))", rf"(?:超过|高于|大于)\s?{NUMBER}(?!\s?(?:%|points?|"
    rf"pp|个?百分点|个?点))"),
    ("LIMITLOW", rf"(?:below|under|lower than|smaller than)\s{NUMBER}(?!\s?(?:%|points?|pp|个?百分点|个?点))|"
    rf"[<≤]=?\s?{NUMBER}(?!\s?(?:%|points?|pp|个?百分点|个?点))", rf"(?:低于|小于)\s?{NUMBER}(?!\s?(?:%|points?|pp|"
    rf"个?百分点|个?点))"),
    ("BEYOND", r"and (?:above|higher|up|beyond)|or (?:more|higher|above)", "及?以上|或更[高大]"),
    ("COMPARED", r"", "相比之?下?|相较|对比|比起来"),
    ("THAN", r"than|compared (?:to|with)|relative to|vs\.?|versus|over|against|instead of|rather than|"
    r"from(?= the baseline)", "比|相比于?|相较于?|较(?=基线|基准|默认)"),
    ("UPTHAN", r"above|ahead of|exceeds?|surpass(?:es|ed)?|outperform(?:s|ed)?|beats?|wins? over", "优于|好于|胜过|超"
    "过|超越|高于|高出"),
    ("DOWNTHAN", r"below|underperform(?:s|ed)?", "劣于|差于|不如|不及|低于"),
    ("UP", r"better|improv(?:es?|ed|ing|ements?)|help(?:s|ed|ful)?|superior|benefi(?:ts?|cial)|gain(?:s|ed)?|"
    r"boost(?:s|ed)?|rais(?:es|ed)(?= \w* ?accuracy| accuracy)|"
     r"pays? off|(?:higher|more) accura(?:cy|te)|increas(?:es|ed)(?= \w* ?accuracy)", "更好|更优|改善|有效|有帮助|有"
     "益|有利|受益|上升|变好|越好|增益|好(?=$|\\W)|更准|有提升|高(?=了)|高(?=\\s?\\d)"),
    ("DOWN", r"wors(?:e|ens?|ened)|hurts?|harm(?:s|ed|ful)?|degrad(?:es?|ed|ing)|inferior|drop(?:s|ped)|decreas(?:es|"
    r"ed)(?= \w* ?accuracy)|"
     r"fall(?:s|en)?|fell|declin(?:es?|ed)|lower(?:s|ed)? (?:the )?accuracy|accuracy drops?|reduc(?:es|"
     r"ed) (?:the )?accuracy",
     "更差|变差|较差|越差|有害|下降|下滑|变低|差(?=$|\\W)|略差|退化|低(?=了)|低(?=\\s?\\d)"),
    ("MORE", r"larger|bigger|longer|greater|additional|extra|increas(?:ing|e[ds]?)|rais(?:ing|e)", "增大|增加|加大|加"
    "长|扩大|延长|更大的?|更多的?|更长的?|较大的?|越大|越高|越多|越长|增多"),
    ("LESS", r"smaller|fewer|shorter|decreas(?:ing|e)|reduc(?:ing|e)|lowering", "减小|减少|缩短|更小的?|更少的?|较小"
    "的?|越小|越低|越少|越短"),
    ("HIGHER", r"higher|more", "提高|提升|升高|更高的?|较高的?"),
    ("LOWER", r"lower|less|drops?", "降低|更低的?|较低的?"),
    ("VAGUE", r"(?:over|under)fit\w*|unstable|robust\w*|matters?|important|critical|crucial|worth\w*", r"更[一-鿿]|"
    r"过拟合|欠拟合|不稳定|稳健|关键|重要|值得"),
    ("GAP", rf"(?:by )?(?:about )?[-+]\s?{NUMBER}\s?(?:%|percentage points?|points?|pp|pts?)|(?:by |of |"
    rf"is )?(?:a )?{NUMBER}\s?(?:percentage |%-?)?(?:points?|pp|pts?)|by {NUMBER}\s?%",
     rf"[-+]\s?{NUMBER}\s?%|{NUMBER}\s?个?(?:百分点|点)|(?<=[升高低降了约])\s?{NUMBER}\s?%"),
    ("SHARE", rf"{NUMBER}\s?%", rf"{NUMBER}\s?%"),
    ("NUM", NUMBER, NUMBER),
    ("GT", r"[>＞≫]|(?:,|and) then", "[>＞≫]"),
    ("B", r"(?:the |our |this )?(?:base\s?line|defaults?)(?: (?:run|config(?:uration)?|settings?|accuracy|result))?|"
    r"run 1's", "(?:这个?)?(?:基线|基准|默认)(?:配置|参数|设置|模型|准确率)?"),
    ("PREVIOUS", r"(?:the )?previous(?: (?:run|trial|best|round|one))?", "上一[轮次个组]|前一[轮次个组]|之前"),
    ("IT", r"it|this|that|which", "它|其"),
    ("VALIDATION", r"(?:on |in |the )*(?:validation|val|dev|eval)(?: set| split| data)?", "验证集?(?:上|的)?|开发集上"
    "?"),
    ("TEST", r"(?:on |in |the )*(?:held[- ]out|test)(?: set| split| data)?", "测试集?(?:上|的)?"),
    ("METRIC", r"bleu|rouge(?:-\w+)?|f1|perplexity|ppl|loss(?:es)?|reward|speed|faster|slower|memory|time|cheaper|"
    r"convergence|converges|gap", "损失|困惑度|速度|更快|更慢|显存|时间|收敛"),
    ("ACCURACY", r"accuracy|acc|exact match", "准确率|正确率|准确度|精度"),
    ("BIG", r"(?!)", r"大(?=$|\W)"),
    ("AND", r"and|or|both", "和|与|或|及|以及|同|跟"),
    ("TO", r"to|->|→|-|through|between", "到|至|→|之间|介于"),
    ("FILL", r"for(?: the)?(?=\s*$)|a|an|the|from|is|are|was|were|be|been|has|have|had|does|do|did|will|can|"
     r"could|should|to|of|at|with|by|"
    r"in|on|for this "
     r"(?:task|dataset|data set|model)|in (?:this|our|these|all) (?:sweep|runs?|experiments?|tests?|study|setup)|so|"
     r"thus|hence|"
     r"therefore|also|too|still|again|already|very|quite|rather|much|far|clear|clearly|slight|slightly|small|big|bit|"
     r"little|"
     r"somewhat|marginal|marginally|significant|significantly|noticeabl[ey]|considerabl[ey]|consistent(?:ly)?|"
     r"strong(?:ly)?|"
     r"substantial(?:ly)?|overall|on average|in general|generally|in total|finally|final|works?|worked|working|"
     r"perform(?:s|ed|ing|ance)?|gives?|gave|yields?|brings?|brought|makes?|made|causes?|caused|"
     r"leads?|led|results?|score[sd]?|achiev(?:es|ed)|reach(?:es|ed)|quality|seems?|appears?|looks?|turns out|found|"
     r"we|our|i|that|there|use|using|"
     r"used|value|values|setting|settings|choice|range|region|point|level|levels|parameter|hyper-?parameter|"
     r"hyperparameters|factor|config|configuration|run|trial|"
     r"experiment|exp|training|train|model|starting|here|among all|of all|all|others?|every|any|then|now|just|even|"
     r"going|moving|switching|change|changed|changing|as|"
     r"always|when|if it|instead|long|run|tl;?dr|conclusion|finding|findings|note|summary|result|shows?|it",
     "的|了|是|为|时|有|会|能|可以|可|略微?|稍微?|稍|明显|显著|大幅|小幅|有所|一点|一些|更|较为?|比较|都|均|也|还|就|"
     "则|而|效果|表现|结果|性能|模型|训练|取|用|"
     "使用|采用|设置|配置|取值|参数|综合来看|总体(?:来看|上|而言)?|整体(?:来看|上)?|总的来说|可见|说明|表明|结论|因此"
     "|所以|最终|达到|带来|导致|使得?|让|得到|取得|"
     "获得|区间|范围|处|在|从|由|对|实验|全部|所有|各|中|里|上|后|之后|再|又|反而|进一步|继续|后续|其他|其它|一轮|个|"
     "约|大约|约为|值|轮|总结|发现|因素|当|将|改为|"
     "调整|变化|完全|非常|很|太|最为|组|次|方面|这|该|及其"),
)  # fmt: skip


def _pattern() -> re.Pattern[str]:
    parts = []
    for kind, english, chinese in _WORDS:
        latin = rf"(?<![A-Za-z0-9_.])(?:{english})(?![A-Za-z_])(?!\d)" if english else r"(?!)"
        parts.append(rf"(?P<{kind}>{latin}|{chinese})" if kind not in ("GT",) else rf"(?P<{kind}>{english}|{chinese})")
    return re.compile("|".join(parts), re.IGNORECASE)


_PATTERN = _pattern()
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[一-鿿]|\d+")
_SKIPPED = re.compile(r"[^A-Za-z0-9一-鿿<>＞≫→+-]+|[-+→]")


def cut(text: str, labels: re.Pattern[str] | None) -> list[Token]:
    """A cleaned sentence as tokens, in order."""
    spans: list[tuple[int, int, Token]] = []
    named = trial_labels(text, labels)
    for mention in mentions(text):
        if not any(start <= mention.start and mention.end <= end for _, start, end in named):
            spans.append((mention.start, mention.end, Token("F", text[mention.start : mention.end], mention)))
    for label, start, end in named:
        if not any(start < known_end and known_start < end for known_start, known_end, _ in spans):
            spans.append((start, end, Token("T", text[start:end], label)))
    spans.sort(key=lambda span: span[0])
    result: list[Token] = []
    at = 0
    for start, end, token in spans:
        result += _between(text, at, start)
        result.append(token)
        at = max(at, end)
    return result + _between(text, at, len(text))


def _between(text: str, start: int, end: int) -> list[Token]:
    found: list[Token] = []
    at = start
    while at < end:
        match = _PATTERN.match(text, at, end)
        if match is None or match.end() == at:
            skipped = _SKIPPED.match(text, at, end)
            word = None if skipped else _WORD.match(text, at, end)
            if word:
                found.append(Token("UNKNOWN", word.group()))
            at = skipped.end() if skipped else word.end() if word else at + 1
            continue
        kind = match.lastgroup or "FILL"
        if kind != "FILL":
            number = re.search(NUMBER, match.group()) if kind in ("NUM", "LIMIT", "LIMITLOW", "SHARE", "GAP") else None
            found.append(Token(kind, match.group(), to_float(number.group()) if number else None))
        at = match.end()
    return found
