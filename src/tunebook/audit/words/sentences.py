"""The words of sentences that make claims: one table of what a word does in a sentence, in English and in Chinese.

A sentence is cut into settings, trials, numbers and these words; what is left over makes it unread (decision 065).
"""
# ruff: noqa: E501

from __future__ import annotations

import re

from tunebook.audit.words.columns import any_of

NUMBER = (
    r"(?:1/[1-9]\d{2,5}(?![\d/]|\.\d)|10\s?\^\s?[({]?\s?-\d{1,3}[)}]?|(?:\d+(?:\.\d+)?|\.\d+)(?:\s?[x×*·]\s?10\s?(?:\^\s?[({]?\s?[-+]?\d{1,3}[)}]?|[-+]\d{1,3})|[eE][-+]?\d{1,3}"
    r"(?![A-Za-z0-9_]|\.\d))?)"
)
"""A number without sign in a cleaned text: decimals, e-notation, x 10^, or a rate such as 1/5000."""


def _forms(verb: str) -> str:
    """A regular verb in all its forms: "improve" -> improve, improves, improved, improving."""
    if verb.endswith("e"):
        return rf"{verb[:-1]}(?:e[sd]?|ing)"
    if re.search("[^aeiou]y$", verb):
        return rf"{verb[:-1]}(?:y|ies|ied|ying)"
    if re.search("(?:[sxz]|[cs]h)$", verb):
        return rf"{verb}(?:es|ed|ing)?"
    last = verb[-1] if re.fullmatch("[^aeiou]*[aeiou][^aeiouwy]", verb) else ""  # "drop" -> "dropped"
    return rf"{verb}(?:s|{last}ed|{last}ing)?"


def _verbs(words: str) -> str:
    return "|".join(map(_forms, words.split()))


_NEARLY = "almost|nearly|virtually|practically|next to|basically|essentially"
_NONE = rf"hardly any|barely any|(?:(?:{_NEARLY}) )?no"
_DEGREE = "clear|real|visible|measurable|noticeable|substantial|further|additional|particular|obvious|detectable"
_POINTS = r"(?:percentage |%-?)?(?:points?|pp|pts?)"
_HALF = (
    "significantly|statistically|much|that|far|quite|as|so|too|very|enough|only|just|sure|always|necessarily|all|every"
)
"""Behind a negation: it denies less than the word after it."""
_NAMES = (
    "run|trial|experiment|setup|config(?:uration)?|combination|setting|model|choice|option|variant|value|recipe|adapter"
)

_ABOUT = "(?:only|just|about|roughly|around|almost|nearly|a mere|another|a further|an extra|a full|some|up to)"
_BY = (
    rf"(?: (?:us|me))?(?: {_ABOUT})*(?: (?:a little|a bit|just|slightly|well))?(?: (?:under|over|above|below))? "
    rf"(?:(?:(?:a|one|half|half a|a good) (?=point)|{NUMBER}\s?){_POINTS}|\d*\.\d+)"
    r"(?=\s*(?:$|[,;:()]|(?:over|against|compared|relative|versus|vs|more|than|on|at|of|in (?:accuracy|f1|em))\b))"
)
"""How much is gained or lost: " only 0.1 point". A number without a unit has decimals and ends its clause."""

# fmt: off
WORDS: tuple[tuple[str, str, str], ...] = (
    (",", r"", r"[;；]|[,，](?!\d{3}(?!\d))\s?(?:(?:but|and|while|whereas|yet)\s)?|\s?\band (?=(?:is|was|are|were)\b)|[:：]\s?|\s(?:but|while|whereas|and so)\s|\s-\s|但是|但|而且|并且|不过|然而"),
    # what leaves a sentence unread
    ("~", rf"not (?:{_HALF})|no (?:longer|more than|doubt)|(?:almost|nearly) as good as|used to|train(?:ing)?[ -](?:accuracy|acc|loss|score|set|data|split)|(?:small|large|big)(?:er|est)? models?|far from|anything but|according to|sometimes|mostly|often|usually|generally|typically|in most|once|(?:in order )?to (?:improve|boost|help|gain|beat|outperform|get|see|find|check|test|raise|increase|lift|avoid|prevent|reduce)|(?:one|some) of the|second[- ]best|second best|among the|too (?:high|low|large|small|big|many|few|long|short|timid|cautious|conservative|aggressive|hot|cold|strong|weak|greedy)|overshoots?|overshot|undershoots?|isn['’]t enough|(?:the )?previous(?: (?:run|trial|best|round|one))?|worst|(?:could|would|should|might|may|can|must)(?: (?:be|have|not))?|perhaps|probably|expect(?!ed$)\w*|hop(?:e|ed|ing)|recommend\w*|suggest\w*|prefer\w*|choos\w*|chose\w*|go with|went with|avoid|paper|(?:over|under)fit\w*|unstable|robust\w*|important|critical|crucial|sensitive|worth(?!{_BY})\w*",
     "为了|以便|用来|(?<!理)想要?|打算|尝试|试图|试试|看看|可能|训练集(?:上)?|训练(?:准确率|精度|损失)|有没有|是不是|会不会|能不能|有时|有些|偶尔|往往|多数|上[次回]|上一次|据说|听说|觉得|以为|未必|不一定|不见得|最好[用不别]|本轮之前|或许|也许|大概|理论上|预期|预计|希望|是否|曾|最差|推荐|建议|选用|避免|应该|不宜|优先|仅次于|过[高低大小多少长短头]了?|[太过]猛|[太过于]激进|[太过于]保守|不够用|别试了?|太[高低大小]|上一[轮次个组]|前一[轮次个组]|之前|过拟合|欠拟合|不稳定|稳健|值得|不显著"),
    ("H", r"(?:within|after|around|at|by|in|before) (?:only |just |about |roughly |around |the first |the )*(?:\d+(?:k|,\d{3})?|(?:a |one |two |three |few |a few |a couple of )?(?:hundred|thousand)|few) (?:steps|iterations|updates|batches)|(?:at|around|after|by|near|before) (?:about )?(?:step|iteration) \d+|early on|right away|from the start|within minutes|almost immediately", "(?:在|到|跑到|训到)?第?\\s?\\d+\\s?步(?:左右|附近|之?后|时|以?内|前)?(?:就)?|一开始就|很快就|没多久就|中途|一跑就|[两几三]次都是"),
    ("ug", rf"(?:worth|adds?|added|buys?|bought|nets?|netted|earn(?:s|ed)?|gain(?:s|ed)?){_BY}", ""),
    ("dg", rf"(?:costs?|loses?|lost|forfeit(?:s|ed)?|gives? up|gave up|shed(?:s)?){_BY}", ""),
    ("x", r"(?:fails?|failed) to (?:train|converge)|(?:do|does|did)(?:n['’]?t| not) (?:train|converge|survive)(?: at all)?|never (?:trains?|converge[sd]?)|(?:blows?|blew|blowing) up|broken?|breaks?(?: (?:the )?(?:training|runs?))?|died|dies|nan|(?:goes|went|becomes|became) (?:to )?nan|(?:fails?|failed|failing|failures?)(?! to)|diverge(?:nt|nce)|" + _verbs("diverge crash collapse explode kill"), "训练失败|[训跑]?练?不起来|失败|发散|(?:直接)?[训跑]?崩[溃掉了坏]?(?!盘)|[训跑]?炸了?|(?:[不没未](?:有|能)?|无法|难以|不能)收敛|爆炸|无法训练|(?:跑|训)飞了?|飞了"),
    ("mf", r"(?:longer|more) training|train(?:ing)?(?: for)? longer", "多[训跑练]几轮"),
    # effect, difference, importance
    ("e", rf"insensitive|ma(?:kes?|de) (?:absolutely )?(?:{_NONE}|little) (?:(?:{_DEGREE}) )?difference|(?:changes?|changed) nothing", "不敏感|不影响|影响不到|无所谓|没有?(?:什么|明显|太大|多大|任何)?效果|无效果|效果不(?:明显|大)"),
    ("o", r"(?:the |in )*(?:order of |ranking by |ranked by |sorted by |relative )?importance(?: order| ranking)?|(?:in )?order of (?:impact|influence|effect)|ranking of (?:the )?(?:factors|parameters|hyperparameters)", "(?:参数)?(?:的)?(?:重要|敏感|影响)(?:性|程度|度|力)(?:排序|排名|顺序)?|影响(?:程度|力)?(?:从|由)大到小(?:依次)?|影响(?:排序|排名|顺序|大小)|敏感度排序|(?:按|从)重要到不重要"),
    ("i", r"(?:matter|count)(?:s|ed)? (?:the )?most|(?:the )?(?:most|single most) (?:important|influential|sensitive|critical|crucial|relevant)|(?:the )?(?:biggest|largest|strongest|greatest|main|dominant|deciding) (?:effect|impact|influence|lever|factor|driver)|matter(?:s|ed)? more than anything(?: else)?|dominates (?:everything|all)(?: else)?|(?:is|was) what (?:really )?matter(?:s|ed)(?: most)?", "最为?(?:重要|关键|敏感)|影响力?(?:程度)?(?:最大|最显著|最明显|最强)|首要|主导"),
    ("j", r"(?:matter(?:s|ed)? )?(?:far |much )?less (?:important|influential|sensitive|critical)|matter(?:s|ed)? (?:far |much )?less|(?:a )?(?:smaller|weaker|less) (?:effect|impact|influence)", "(?:影响力?|作用|重要性)(?:远|明显|略)?(?:小于|不如|不及|弱于|低于)|影响力?更?小(?=$|\\W)|更不重要"),
    ("k", r"matter(?:s|ed)? (?:far |much |a lot |way )?more|affects? (?:the )?(?:scores?|results?|outcome|accuracy) more|more (?:important|influential|sensitive|critical)|(?:a )?(?:bigger|larger|stronger|greater|more) (?:effect|impact|influence)|dominates", "(?:影响力?|作用|重要性)(?:远|明显)?(?:大于|强于|超过|高于)|更重要|更关键|影响力?更?大(?=$|\\W)|重要(?!性|程度)"),
    ("=", r"(?:about |roughly |exactly |(?:" + _NEARLY + r") )?(?:(?:the )?same(?: as)?(?! (?:\d|test|questions?|examples?|data))|equal(?:s|led)?(?: to)?|equally (?:good|well)|identical(?:ly)?(?: to)?|unchanged|indistinguishable|equivalent(?: to)?)|(?:just )?as (?:good|well|strong) as|match(?:es|ed)?|on (?:a )?par(?: with)?|comparabl[ey](?: to| with)?|similar(?:ly)?(?: to)?|no different(?: from)?|tie[sd]?(?: with)?|(?:with)?in (?:the )?noise|neck and neck|a (?:wash|tie|draw|toss-?up)|level with|no different than", "≈|(?:几乎|基本上?)?(?:持平|相同|一样|一致|相当|差不多|相近|几乎不变|不变|(?:相差|差距|差得)(?:不大|很小|不多|无几)|接近|不相上下|没差|打平|差异不明显)"),
    ("F", r"differences?|change(?: in (?:accuracy|score))?|gap", "区别|差别|差异|变化|不同|差距"),
    ("I", r"effects?|impact|influence|matter(?:s|ed)?|affect(?:s|ed)?|ma(?:ke|kes|de) (?:a|any|much|much of a) difference", "影响力?|作用(?![于在])"),
    ("S", r"(?<!a )little|negligible|minimal|(?:hardly|barely|scarcely)(?! any)", "不大|很小|较小|不太?明显|甚微|有限|微乎其微|可以?忽略(?:不计)?"),
    ("L", r"(?:comes?|came|is|ranks?|ranked) last", "排(?:在)?最后|垫底"),
    ("G", r"(?:,|and)? ?then|(?:,|and)? ?followed by|(?:,|and)? ?next(?: comes)?", r"[>＞≫]|[,，]?\s?(?:其次|然后|再次|接着|最后)(?:才?是|为)?"),
    # negation, and what is better, worse or the same
    ("!u", r"useless|in vain|pointless|(?:brought|brings?|gain(?:s|ed)?|add(?:s|ed)?|gives?|gave|yield(?:s|ed)?|d(?:oes|id)|buys?|bought)(?: us| me)? nothing(?: more)?", "无效|无益|没用|白费|没[什啥]么?用|没有用|没有?帮助|不管用|不起作用"),
    ("!", rf"(?:(?:do|does|did|is|are|was|were|has|have|had)(?:n['’]?t| not)|fail(?:s|ed)? to|can(?:not|['’]t)|could(?:n['’]t| not)|not (?:any|clearly|really)|not|never|(?:{_NONE})(?: (?:{_DEGREE}))?|without)(?! (?:{_HALF})\b)", "没有?[看见观][到出察]+(?:什么|明显|任何)?|看不[到出](?:什么|明显|任何)?|(?:几乎|基本上?|并|也|都)?(?:没有?能?|未能|未见|未|并未|无法|不能|不会|难以|无)(?:什么|啥|任何|再|带来|产生)?(?:太大|多大|太多|明显|显著|实质|进一步)?的?|不再|(?:并|也|还|都)?不(?=比|[优好高]于|提|升|增|降|下|变|更|差|劣)"),
    ("s", r"so far|until now|currently|to date|new(?= best)|yet", "目前|当前|至今|截至目前|暂时|迄今"),
    ("R", r"(?:in |of |within )?(?:this|the) (?:round|phase|stage)|(?:in |of )?round \d+", r"本轮|这一?轮|该轮|本阶段|第\s?[一二三四五六七八九十\d]+\s?轮"),
    ("w", rf"(?:the |our |my )?(?:best|tuned|optimal|winning|top)(?:[- ]performing)?(?: overall| single)? (?:{_NAMES}|result)s?|tuning|the tuned model", "(?:最佳|最优|最好)(?:的)?(?:组合|配置|参数组合|方案|模型|超参数?|参数|结果|设置)|调参|调优|最终(?=准确率|比|较|相比|提升)"),
    ("*", r"(?:the )?(?:(?:over)?all[- ]?(?:time )?)?best(?: one)?(?: (?:that )?(?:i|we) (?:could |can |have |ever )*(?:get|got|found|find|seen|saw))?(?: of (?:(?:all )?(?:the )?(?:\d+|(?:four|six|seven|eight|nine)teen|ten|eleven|twelve|thirteen|fifteen|twenty)(?: (?:runs|trials|rounds|experiments))?|all|them|the (?:bunch|lot|sweep|series)))?(?: (?:runs|trials))?|(?:the )?(?:clear |overall )?winner|wins?(?! over\b)|won(?! over\b)|optimal(?:ly)?|optimum|sweet ?spot|ideal|(?:comes?|came|ends?|ended|is|was) (?:out |up )?(?:on top|first|ahead of (?:all|everything))|ranks? first|(?:takes?|took|in) (?:the )?(?:first place|top spot|lead)|tops (?:the )?(?:table|list|ranking|board)|peak(?:s|ed)?", "最佳|最优|最好|最理想|甜[点蜜](?:点|区间?)?|最合适|最适合|最强|胜出|(?:排名?|位列|位居)?第一(?![轮次个组步])|最准"),
    ("^", r"(?:the )?(?:highest|most|maximum|biggest|largest|greatest)|new (?:high|record)", "最高|最大|新高"),
    ("_", r"(?:the )?(?:lowest|least|minimum|smallest)", "最低|最小"),
    ("y", r"and (?:above|higher|up|beyond|more)|or (?:more|higher|above|larger)", "及?以上|或更[高大]"),
    ("0", r"without (?:it|any)|none(?! of)", "(?:不|没)(?:加|用)(?:它|的)?"),
    ("A", r"above|beyond|exceed(?:s|ed|ing)?|surpass(?:es|ed)?|(?:higher|larger|more|greater|bigger) than|ahead of", "超过|超越|高于|高出|大于"),
    ("B", r"below|under(?! this)|(?:lower|smaller|less|fewer) than|short of|behind", "低于|小于"),
    ("D", r"(?:is|was|are|were|gets?|got|been) (?:\w+ly )?(?:beaten|outperformed|surpassed|exceeded|outscored|overtaken|topped) by", "被(?=.{1,16}(?:超过|反超))"),
    ("U", r"superior to|a (?:\w+ )?step up from|improv(?:es?|ed|ing|ements?) (?:up)?(?:on|over)|outperform(?:s|ed|ing)?|outscore[sd]?|beat(?:s|en|ing)?|wins? over|won (?:out )?over|edge[sd]? out|overtakes?|overtook", "优于|好于|胜过|胜于|强于|赢过?"),
    ("D", r"inferior to|a (?:\w+ )?step (?:down|back) from|lag(?:s|ged)? (?:behind)?|trail(?:s|ed|ing)?(?: behind)?|(?:falls?|fell) (?:behind|short of)|underperform(?:s|ed|ing)?|los(?:es?|t|ing) (?:out )?to", "劣于|差于|不如|不及|弱于|逊于|输给"),
    ("c", r"", "相比之?下?|相较|相对(?=于?\\s?[^最来])|对比|比起来?"),
    (">", r"than|(?:when |as )?compared? (?:to|with|against)|in comparison (?:to|with)|relative to|vs\.?|versus|over|against|instead of|rather than|as opposed to|from(?= the baseline)", "比|较(?=\\s?(?:$|基线|基准|默认|\\d))"),
    ("W", r"with|(?:as|when)(?= (?:the |we |\w+ )*(?:go|went|increas|rais|lower|mov|grow|ris))", "随着?|当(?![前时中天初地])"),
    ("u", r"better|superior|stronger|more accurate|beneficial|helpful|useful|(?:pay|pays|paid|paying) off|" + _verbs("improve help benefit gain boost strengthen") + "|did the trick|paid dividends|a (?:step|move) (?:up|forward)" + "|improvements?|advantages?|upside", "更好(?!用)|更优|改善|(?<!(?<!线)上)涨了?|有效|有帮助|有益|有利|有助于(?:提升|提高)?|受益|变好|越好|增益|收益|好处|优势|好(?=$|\\W|很多|得多|不少|一点|一些|了|些)|更准|强(?=$|\\W|一些|一点|不少)|更强|有(?:一?点)?用|更?管用|帮助|进步|变强"),
    ("d", r"wors(?:e|ens?|ened|ening)|inferior|weaker|poor(?:er|ly)|harmful|" + _verbs("hurt harm degrade lose suffer deteriorate regress backfire worsen tank crater") + "|(?:takes?|took) a hit|a step (?:back|backwards?|down)" + "|lost|costs?(?= (?:half a|\\d+(?:\\.\\d+)?) (?:percentage )?points?)|declines?|penalty", "(?<!下)[跌掉]了?(?![点分队])|掉[点分]|(?:不够|不足)(?=$|\\W)|更差|变差|较差|越差|有害|退化|差(?=$|\\W|了|一些|一点|很多|不少|得多)|恶化|变坏|损失(?=\\s?\\d)|受损|拉胯|倒退|打了?折扣|走低|走弱|吃亏"),
    ("m", r"larger|bigger|longer|greater|additional|extra|wider", "增大|加大|加长|扩大|延长|调大|变大|变长|更大的?|更多的?|更长的?|较大的?|越大|越多|越长|增多"),
    ("l", r"smaller|fewer|shorter", "减小|缩短|缩小|调小|变小|变短|更小的?|更少的?|较小的?|越小|越少|越短"),
    ("h", r"higher|more|rose|risen|grew|grown|(?:goes|going|gone|went|go) up|up(?= by)|upwards?|" + _verbs("increase raise rise grow climb lift jump bump crank push"), "上涨|提(?=了|$)|走高|抬[高升]|拉[高升大]|提高|提升|升高|上升|增加|增长|调高|攀升|更高的?|较高的?|越高|变高|升(?!级)|高(?=$|\\W|了|一些|一点|不少|出?约|很多)"),
    ("z", r"lower(?:s|ed|ing)?|less|fell|fallen|shr[aiu]nk|(?:goes|going|gone|went|go) down|down(?= by)|" + _verbs("drop fall decrease reduce decline dip sink slip shrink"), "回落|滑落|缩水|走低|降低|下降|下滑|减少|调低|更低的?|较低的?|越低|变低|降了?|低(?=$|\\W|了|一些|一点|不少|约|很多)"),
    ("~", r"matter\w*|can", r"更[一-鿿]|关键|重要"),
    # numbers
    ("g", rf"by (?:roughly |about |around |almost |nearly )?(?:one|two|three|four|five|six|half a) (?:percentage )?(?:points?|problems?|questions?|examples?|items?)|half a (?:percentage )?point|(?:about |almost |nearly |just )*(?:a|one) (?:full |percentage )*point(?=\s(?:below|above|better|worse|higher|lower|more|less|behind|ahead|under|over)\b)|(?:by )?(?:about |roughly |around )?[-+]\s?{NUMBER}\s?(?:%|{_POINTS})?(?![\d.]*\d|[A-Za-z])|(?:by |of |is |about |roughly |around |almost |nearly )*(?:a )?{NUMBER}\s?{_POINTS}|by (?:about |roughly |around )?{NUMBER}(?:\s?%|\s?(?=(?:bleu|rouge\S*|f1|chrf|comet|qwk)\b|$))|{NUMBER}\s?(?=(?:bleu|rouge\S*|f1)\s(?:below|above|points?|more|less|higher|lower))", rf"[-+]\s?{NUMBER}\s?%?(?![\d.]*\d|[A-Za-z])|(?:约|大约|近|将近)?{NUMBER}\s?个?(?:百分点|点|分(?![钟之类]))(?:以上|多)?|(?<=[升高低降了约好差涨掉])\s?{NUMBER}(?:\s?%|\s?(?=$|[,，;；。)）]))"),
    ("%", rf"{NUMBER}\s?%", rf"{NUMBER}\s?%"),
    ("r", rf"between {NUMBER}\s?and\s?{NUMBER}|{NUMBER}\s?(?:to|-|~)\s?{NUMBER}", rf"{NUMBER}\s?(?:到|至|-|~)\s?{NUMBER}"),
    ("n", NUMBER, NUMBER),
    # trials, measures
    ("b", r"(?:the |our |this )?(?:base\s?line|defaults?|(?:released|published|shipped|reference)(?= (?:one|run|config|setting|value|recipe)))(?: (?:run|one|values?|recipe|config(?:uration)?|settings?|accuracy|result|score))?|run 1's", "(?:这个?)?(?:基线|基准|默认)(?:配置|参数|设置|模型|准确率)?"),
    ("V", r"(?:on |in |the )*(?:validation|val|dev|eval)(?: set| split| data)?", "验证集?(?:上|的)?|开发集上?"),
    ("T", r"(?:on |in |the )*(?:held[- ]out|test)(?: set| split| data)?", "测试集?(?:上|的)?"),
    ("E", r"bleu|rouge(?:-\w+)?|(?:macro-)?f1|cv|lb|leaderboard|qwk|comet|chrf|wer|cer|perplexity|ppl|loss(?:es)?|reward|average(?= score| accuracy)|speed|faster|slower|memory|time|runtime|duration|throughput|cheaper|convergence|converges", "线[上下]|平均(?=分|值|成绩)|损失|困惑度|速度|更快|更慢|显存|时间|用时|耗时|时长|成本|开销|收敛"),
    ("C", r"accuracy|acc|accuracies|exact match", "准确率|正确率|准确度|精度"),
    ("P", r"results?(?! in)|scores?|performance|quality|outcome|metrics?|right", "分数|得分|成绩|分(?=越|最|更|$)|效果|表现|性能|结果|指标"),
    ("&", r"and|or|both|as well as", "和|与|或|及|以及|同|跟"),
    ("1", r"will|always|any(?! (?:\w+ )?(?:gain|improve|benefit|help|better|effect|difference|impact|advantage|change|influence))|anything|everything|every|all(?= the)", "会|能|可以?|总[是能会]|任何|凡是|只要"),
    # what says nothing to the claim
    (" ", r"(?:on|for|with|across|in) (?:both|all|every|either|each)(?: (?:of )?(?:the |our |my )?(?:two|three|four|five|\d+))? (?:seeds?|cases)|of (?:everything|all|anything|the ones)(?: that)? (?:i|we)(?:'ve| have)? (?:tried|ran|run|tested|trained)|(?:in|of) the (?:whole |entire )?(?:sweep|table|study|series|campaign|lot|set|list)|either(?=\W*$)|(?:comes?|came|coming) out(?= (?:\w+ly |a bit |a little |just |well )?(?:above|below|ahead|behind|better|worse|higher|lower)\b)|only(?= (?:over|under)fit)|appl(?:y|ies|ied|ying)|(?:seem|appear|continue|prove|tend|turn(?:s|ed)? out|keep|start|begin|began)(?:s|ed|d)? to|we (?:note|find|found|see|saw|observed?) that|in (?:our|my|this) case|contrary to (?:what (?:we|i) (?:had )?(?:expected|thought)|expectations?)|as (?:we )?expected|as so often|to (?:my|our) surprise|on the other hand|of (?:the|all|my|our) (?:\w+ )?(?:runs|trials)|(?:for|on|in|with|at|across) (?:this|our|my|these|all|the)(?: own)? (?:sweep|runs?|experiments?|study|setup|tasks?|data|data ?sets?|budget|grid|tests?|model|case)|so that|in (?:the end|general|short|summary|total|conclusion|practice|fact|terms of)|to sum(?: it)? up|all in all|by (?:a )?(?:far|lot|margin|hair)|a lot|of course|for(?: the)?(?=\s*$)|first(?=,? (?:and )?then)|(?:keeping|leaving) it(?= at)|at all|(?:to|for) (?:me|us)|only(?= (?:slightly|marginally|by|a bit|half a)\b)", "还能再?(?=(?:涨|升|提升|提高|高)\\s?\\d)|翻倍[到至]?(?=\\s?\\d)|在?(?:我们|我)的?(?:这[个次批])?(?:实验|任务|数据集?)?[里上中]?|(?:对|在)(?:于)?(?:这个?|本|该)(?:任务|数据集|项目|场景)(?:[上里中]|来说|而言)?|值得一提的是|有意思的是|有趣的是|意外的是|(?:比较)?意外|出乎意料(?:的是)?|遗憾的是|不出(?:所料|意料)|总的?来[说看]|总体(?:来[看说]|上|而言)?|综合来看|整体(?:来[看说]|上)?|综上|从(?:结果|表中?)[上来]?看|可以看[到出]|看得出"),
    (" ", r"to|->|→|-|through|between|a|an|the|my|lora|adapters?|from|is|are|was|were|be|been|being|has|have|had|having|does|do|did|of|at|in|on|for|so|number|(?<=than )one|(?<=linear )one|(?<=cosine )one|ones|doubl(?:ing|ed)|halv(?:ing|ed)|its|thus|hence|therefore|also|too|still|again|already|even|just|simply|actually|really|indeed|definitely|certainly|obviously|interestingly|surprisingly|unsurprisingly|unexpectedly|unfortunately|notably|remarkably|curiously|sadly|finally|ultimately|overall|very|quite|rather|pretty|fairly|much|way|far|clear(?:ly)?|slight(?:ly)?|small|big|huge|modest|solid|nice|decent|tiny|bit|(?<=a )little|any|somewhat|marginal(?:ly)?|significant(?:ly)?|noticeabl[ey]|considerabl[ey]|visibl[ey]|measurabl[ey]|marked(?:ly)?|dramatic(?:ally)?|drastic(?:ally)?|massive(?:ly)?|consistent(?:ly)?|stead(?:y|ily)|monotonic(?:ally)?|gradual(?:ly)?|strong(?:ly)?|substantial(?:ly)?|further|continues?|keeps?|final", "甚至|综合(?:下来|起来)?[看说]?|最[终后]选(?:择|用|定)?(?:了|的是)?|适配器|[只仅]?作用[于在]|(?:两|三|四|五|\\d|所有|每|各)个?(?:随机)?种子[上下里]?|拉到|开到|压到|放到|减到|似乎|看起来|感觉|反倒|反而|所(?=[下上升降]|提|改)|[它其](?=也|是)|[只仅](?=训|用|跑|比)|[训跑练](?=\\s*$|\\s?\\d)|之所以|方案|很多|得多|不少|一点点|一点|一些|些(?=$|\\W)|已经|一[个组次](?=是)|基本上?|要(?=[差好])|[一二三四五六七八九十\\d]+[组次]里|值(?=越|最|更)|一[个组次种](?=$|\\W)|来说|而言|到|至|→|远(?=好|优|高|胜|不)|一定(?!要|会|能)|来自|以(?=\\s?\\d)|把|组合|之间|介于|左右|附近|大(?=$|\\W)|的|了|是|为|时候?|有|略微?|稍微?|稍|明显|显著|大幅|小幅|轻微|有所|更|较为?|比较|都|均|也|还|就|则|而|模型|训练|微调|取(?!得)|用|使用|采用|设置|设为|设成|配置|取值|超?参数"),
    (" ", r"gives?|gave|giving|brings?|brought|ma(?:kes?|de|king)|leads?|led|g[eo]ts?|got|gets|ha[sd]|becomes?|became|becoming|comes?|came|goes|going|went|go|gone|shows?|shown|sees?|saw|seen|finds?|found|ends?(?: up)?|ended(?: up)?|(?:turn|turns|turned)(?: out)?|do(?:es)? (?:seem|appear)|prove[sdn]?|remain(?:s|ed)?|(?:seem|appear|look)(?:s|ed)?|" + _verbs("cause yield result score achieve obtain attain reach produce deliver provide work perform observe note") + "|(?:us|train|mov|switch|add|chang)(?:ed|ing)" + rf"|our|that|there|then|here|range|region|point|level|levels|parameters?|hyper-?parameters?|factors?|knobs?|(?:{_NAMES})s?|exp|rates?|training|fine-?tuning|schedule|steps?|things|it(?= made)|(?<=made )it|(?<=makes )it|(?<=: )it|(?<=['’])s|(?<=best )of them|each|tl;?dr|conclusion|note|summary|findings?|in|into|what|we|i|well|decay|immediately|instantly|completely|totally|outright|ranks?(?= the)|(?<=for )me", "可见|说明|表明|发现|结论|因此|所以|最终|达到|带来|导致|使得?|让|得到|取得|获得|拿到|出现|产生|区间|范围|处|在|从|由|对|于|直接|全部|所有|实验|组|号|各|中|里|上|后(?!来|期)|再|又|个|约|大约|约为|值|总结|因素|将|改为|改成|换成|换为?|调整|变|完全|非常|很|太|最为|方面|这|该|及其|仍|依然|本周|这周|加到|提到|调到|升到|降到|步(?=比|更|最)|以(?=.{1,16}为最)|逐渐|逐步|继续|进一步|稳定地?|持续|啊|吧|呢|其实|确实|果然|当然|整个|此时|期间"),
)
# fmt: on
"""Kind (one character), English, Chinese; the first that fits a place in a sentence counts. A comma separates clauses.

x fails; e no effect; ! denies what follows; = the same; F difference, I effect: with a negation or S (little) = and e;
o order of importance; i matters most; L least; j, k matters less, more; G >; s so far; R this round; w the best setup; * the best;
^, _ the highest, lowest; y and beyond; c compared; > than; U, D better, worse than; A, B above, below; u, d better, worse;
m, l more, less of a setting; h, z the same of a setting or of the result; W with, as; g a difference; % a share; r a range;
n a number; b the baseline; V validation; T test; H when training failed; E another measure; C accuracy; P results; & and; 0 none of the setting
named; 1 always; ~ what no form reads; ? a word not listed here; blank: nothing to the claim. `cut` adds v, p, q, f (a
factor with one value, a step or range, a list, none), t (a trial) and N (a result of the record).
"""

CLAIMS = any_of(
    r"better|best|worse|worst|than|another|roughly|suspect\w*|hunch|feeling|guess\w*|believ\w*|think|thought|spoil\w*|everything|blam\w*|culprit|reason|explain\w*|bottleneck|limit\w*|noisy|spread|vari(?:es|ed|ance)|likely|trail\w*|lag\w*|ahead|behind|sweet|second|needs?|requires?|costs?|higher|lower|twice|goes? with|go with|went with|choose|chosen?|chose|picks?|picked|would|use|high|low|more|less|large[r]?|small|bigger|improv\w*|increas\w*|decreas\w*|ris(?:e[sn]?|ing)|fall\w*|fell|drop(?:s|ped)?|gain\w*|loses?|lost|came? out|help\w*|hurts?|harm\w*|matter\w*|effects?|impact\w*|influen\w*|importan\w*|sensitiv\w*|insensitive|critical|crucial|key|ties?|tied|same(?! (?:\d|test|questions?|examples?|data))|equals?|similar\w*|differ\w*|enough|suffic\w*|should|must|recommend\w*|suggest\w*|prefer\w*|optim[au]\w*|ideal|sweet ?spot|(?:un)?stable|overfit\w*|underfit\w*|converge\w*|fail\w*|diverg\w*|crash\w*|collaps\w*|explod\w*|broke|breaks|beat(?:s|en|ing)?|outperform\w*|match(?:es|ed)|benefi\w*|worth\w*|safe|robust\w*|dominat\w*|good|bad|poor|strong\w*|weak\w*|wins?|degrad\w*|plateau\w*|saturat\w*|peaks?|avoid|highest|lowest|most|least|nothing|unchanged|chang\w*|barely|hardly|scarcely|use(?:less|ful)|equally|winner|beyond|negligible|surpass\w*|exceeds?|above|below|cannot|can't|otherwise|order|other way|revers\w*|oom|out of memory|memory|maybe|perhaps|probably|seems?|unclear|unsure|fine|works?|worked|surviv\w*|kills?|ruin\w*|wreck\w*|dies|died|blew|blows|depends?",
    "怀疑|猜|觉得|感觉|认为|推测|推断|估计|瓶颈|原因|导致|拖累|甜|涨|跌|掉|拉胯|翻车|香|优|好|差|佳|坏|高|低|提升|下降|上升|增大|增加|减小|减少|比|较|不如|相当|持平|一样|相同|相近|接近|影响|作用|效果|重要|关键|敏感|足够|不够|不足|过[强弱]|拟合|收敛|失败|崩|发散|稳定|推荐|建议|应|宜|明显|显著|有效|无效|区别|差别|差异|相差|收益|帮助|最|没用|无用|忽略|意义|变化|有用|饱和|退化|合适|合理|值得|优先|避免|一般|次于|更|稳健|需要|快|慢|不[能可要得]|必须|不然|否则|顺序|相反|反过来|[掉涨][点分]|去掉|[<>＞＜≫≥≤≧≦]|用处|管用|[点些没]用|也许|或许|可能|大概|似乎|好像|说不准|不好说|不确定|显存|爆|炸|一致|矛盾|走势|趋势",
)
"""A sentence with one of these about a setting, a trial or the results claims something, and is read or listed."""

CONCLUDES = any_of(
    r"half|third|quarter|main(?:ly)?|major(?:ity)?|primar(?:y|ily)|chief(?:ly)?|nearly|almost|still|remain\w*|source|takes?|took|"
    r"slow\w*|fast\w*|quick\w*|hard\w*|difficult\w*|problems?|errors?|mistakes?|wrong\w*|all|every|always|never|none",
    "主要|仍|依然|还是|来源|错误|出错|一半|大部分|大多|多数|少数|占了?|倍|集中|困难|容易|难|几乎|全是|都是|总是|从不",
)
"""The same below the results, where a sentence with one of these says what was seen."""

STRONG = frozenset("xe!oijkuUdDAB~*")
"""Kinds of words that claim something even where nothing is named."""

NO_CLAIM = re.compile(
    r"^\W{0,6}(?:(?:goals?|aims?|purpose|objective|question|next(?: steps?)?)\b|(?:try|test whether|find out|see whether)\s|"
    r"(?:本轮|实验)?(?:目标|目的|问题|下一步|待办)\w{0,4}\s?[:：])(?!.*(?:should|would|might|应该|可能))",
    re.IGNORECASE,
)
"""A sentence that says what is to be done or found out."""
GENERAL = re.compile(
    r"\bcorrelat|波动|\b(?:every|any|no)thing (?:else|of)\b|\bdoubles?\b.*\btimes?\b|同一(?:设置|配置|参数).*差|\bsav(?:es|ed)\b|节省|省[了下]|\bwaste\b|\blesson|\bsurpris|\bnoise\b|\bluck\b|浪费|白[费跑加]|成立|结论|意外|运气|噪声|"
    r"\b(?:no|any|every|each|most|all)(?: of)?(?: the)? (?:hyper-?)?parameters?\b|\btop (?:two|three|\d+)\b|参数.{0,4}(?:不用|不必|无需|都)|前[一二两三四五六七八九十\d]+名|(?:误差|噪声)(?:以?内|范围)",
    re.IGNORECASE,
)
"""A claim about the settings or results together, of which none is named."""
SENTENCE_ENDS = re.compile(
    r"((?:[。!！\n])+|\?+|(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bet al)[.](?=\s|$))", re.IGNORECASE
)
"""What it ends with is kept: a question claims nothing."""
RESTRICTS = re.compile(
    r"^\W*(?:if|when\w*|with|at|for|on|in|under|given|except|unless|until|without|provided|as long as|even|although|though|once|after|"
    r"before|up to|beyond|using)\b|\b(?:only|except|unless|at least|as long as|provided|until)\b|"
    r"\b(?:think|sure|says?|said|paper|hypothes[ie]s|guess\w*|believe|assum\w*|claims?|not)\b|假设|猜|认为|[不未]|论文|文献|据|估计|当(?!前)|如果|若|只有|只要|除|至少|仅|前提|以内|之?[后前]$|[时上下中]$|范围|但|不过|然而|只是",
    re.IGNORECASE,
)
"""A clause that may restrict what the others of its sentence say."""
REASON = re.compile(
    r"^\W*(?:probably |presumably |most likely |perhaps |maybe |可能|应该|估计|大概)?"
    r"(?:because|since|due to|which is why|which (?:we|i) (?:use|used|keep|kept|take|took|submit|submitted)\b|so\b|hence|(?:it )?(?:just |clearly |already |simply )?(?:over|under)fit|(?:后面|后期|后来|是|就是|已经?|开始|明显|有点|出现|有些)*了?(?:因为|由于|过拟合|欠拟合)|原因|说明|所以|因此|为了)",
    re.IGNORECASE,
)
"""Begins a clause that explains or concludes, and so leaves the others as they are."""
HALF_DENIED = any_of(
    r"much|a lot|significant(?:ly)?|considerabl[ey]|substantial(?:ly)?|dramatic(?:ally)?|drastic(?:ally)?", "很多|多少"
)
"""Beside a negation: "does not help much"."""
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINALS = ("single", "second", "third", "fourth", "fifth", "sixth")
COUNTS = {word: str(n) for said in (_COUNTED, _ORDINALS) for n, word in enumerate(said, 1)}
COUNT = re.compile(
    rf"\b(?:{'|'.join(_COUNTED)})\b(?= (?:full |training )?epochs?\b)|(?<=\ba )(?:{'|'.join(_ORDINALS)})(?= epoch\b)|"
    rf"(?:(?<=\bthan )|(?<=\bof )|(?<=\bon )|(?<=\bover )|(?<=\bagainst )|(?<=\bto )|(?<=\bwith ))(?:{'|'.join(_COUNTED)})"
    r"(?=\s*(?:$|[,;:()]))",
    re.IGNORECASE,
)
"""A number of epochs in words, in a sentence about epochs: "a third epoch", "than three"."""
EPOCH = re.compile(r"\bepochs?\b", re.IGNORECASE)
OF_ALL = any_of(r"overall|of all|all runs|all trials|final", "全部|所有|总体|整体|最终")
"""The best of the record, also where a sentence stands under the heading of a round."""
