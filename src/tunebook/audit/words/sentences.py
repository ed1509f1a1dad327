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

_NO = "没有|没|无|并无|未见|未|并未|没能|未能|不能|无法|不会|不再|难以|并不能?"
_MUCH = r"(?:什么|任何|明显|显著|太大|多大|太多|实质)?的?"
_PARTS = r"(?!\s?(?:%|points?|pp|个?百分点|个?点))"

# fmt: off
WORDS: tuple[tuple[str, str, str], ...] = (
    (" ", r"(?:excluding|except for|apart from|leaving out|not counting) (?:the )?(?:failed|failures|diverged|crashed|broken)(?: runs?| ones?| trials?)?", "(?:崩溃|失败|发散|崩掉?)的?(?:实验|那[次组个])?(?:不算|除外|不计)|除(?:去|了)?(?:崩溃|失败|发散)的(?:之?外)?|不算(?:崩溃|失败|发散)的"),
    # phrases with a negation come first; X: trains, x: fails, e: no effect, -: not worse, +: not better
    ("X", r"(?:does|do|did|is|was)(?:n't| not) (?:diverge|fail|crash|collapse|explode|unstable)|never (?:diverge[sd]?|fail(?:s|ed)?)|without (?:diverging|failing)|stable|stably", rf"(?:{_NO}|不)(?:再)?(?:发散|崩(?:溃|掉|了)?|失败)|稳定(?!性)"),
    ("x", r"fail(?:s|ed|ing)?(?: to (?:train|converge))?(?! to)|diverg(?:e|es|ed|ing)|crash(?:es|ed)?|collaps(?:es|ed|e)|explod(?:es|ed|e)|breaks?(?: (?:the )?(?:training|runs?))?|broke(?: (?:the )?(?:training|runs?))?|blows? up|blew up|nan|dies|died|kills?(?: (?:the )?(?:training|runs?))?|(?:does|did)(?:n't| not) (?:train|converge|survive)(?: at all)?", "训练失败|[训跑]?练?不起来|失败|发散|[训跑]?崩[溃掉了坏]?(?!盘)|[训跑]?炸了?|[不没未](?:有|能)?收敛|无法收敛|爆炸|无法训练"),
    ("e", r"(?:has |have |had |with |shows? )?(?:no|little|hardly any|negligible|minimal|almost no) (?:clear |real |visible |measurable |noticeable )?(?:effect|impact|influence)|(?:does|do|did)(?:n't| not) (?:really |seem to )?(?:matter|affect)(?: much| at all)?|(?:hardly|barely|scarcely) matters?|ma(?:kes?|de) (?:almost )?(?:no|little) difference|insensitive", rf"(?:{_NO}|几乎没有|基本没有|没有?多大){_MUCH}(?:影响|作用|效果)|影响(?:不大|很小|较小|甚微|有限|不明显)|不敏感|不影响|(?:作用|效果)不(?:明显|大)"),
    ("!", r"(?:(?:does|do|did|could|can)(?:n't| not)|never|not) (?:beat|outperform|exceed|surpass)s?", rf"没有?(?:能)?超过(?!\s?\d)|未能?超过(?!\s?\d)|并没有比|并不比|没有比|不比|(?:{_NO}|不)[优好]于"),
    ("-", r"(?:not|n't|no|never) (?:worse|hurt|harm|degrade)", rf"(?:{_NO}|不)(?:变差|更差|下降|降低|损失)|不差于|不劣于"),
    ("+", r"no (?:further |real |clear |additional |measurable )?(?:gains?|improvements?|benefits?|advantage|help|better)|(?:does|do|did|is|are|was|were|can)?\s?(?:not|n't|never)\s(?:(?:clearly|really|any|actually) )?(?:better|help|helped|improve|improved|beats?|outperforms?)|never (?:beats?|outperforms?)|cannot (?:help|improve)|fail(?:s|ed)? to (?:improve|help|beat)|without (?:gain|improvement)", rf"(?:{_NO}|不)(?:再|能|可)?(?:带来|有|继续|进一步|产生|获得|看到)?{_MUCH}(?:提升|提高|改善|帮助|增益|收益|优势|更好|更优)|(?<![大])不再提升|(?:并)?没有更好"),
    ("=", r"(?:about |roughly |almost |nearly )?(?:the )?same(?: as)?(?! (?:\d|test|questions?|examples?|data))|equal(?:s|led)?(?: to)?|identical(?: to)?|(?:just )?as good as|match(?:es|ed)?|on par with|comparable(?: to| with)?|similar(?: to)?|no difference|no different|unchanged|no change|tie[sd]?(?: with)?|within noise", rf"(?:{_NO}|几乎没有|几乎|基本上?没有?){_MUCH}(?:区别|差别|差异|变化|不同)|≈|持平|相同|一样|相当|差不多|相近|几乎不变|不变|(?:差别|相差|差距)(?:不大|很小)|接近"),
    ("o", r"(?:the )?(?:order of |ranking by |ranked by |relative )?importance(?: order| ranking)?|order of (?:impact|influence)|ranking of (?:the )?(?:factors|parameters|hyperparameters)", "(?:参数)?(?:的)?(?:重要|敏感|影响)(?:性|程度|度|力)(?:排序|排名|顺序)?|影响(?:程度|力)?(?:从|由)大到小|影响(?:排序|排名|顺序|大小)|敏感度排序"),
    ("i", r"matter(?:s|ed)? (?:the )?most|(?:the )?most (?:important|influential|sensitive|critical)|(?:the )?(?:biggest|largest|strongest|greatest) (?:effect|impact|influence|lever)|matter(?:s|ed)? more than anything(?: else)?", "最为?(?:重要|关键|敏感)|影响力?(?:最大|最显著|最明显)|首要"),
    ("j", r"matter(?:s|ed)? less|less (?:important|influential|sensitive|critical)|(?:a )?(?:smaller|weaker|less) (?:effect|impact|influence)", "(?:影响力?|作用|重要性)(?:远|明显|略)?(?:小于|不如|不及|弱于)|影响力?更?小(?=$|\\W)|没有.{0,1}重要|更不重要"),
    ("k", r"matter(?:s|ed)? more|more (?:important|influential|sensitive|critical)|(?:a )?(?:bigger|larger|stronger|greater|more) (?:effect|impact|influence)|dominates", "(?:影响力?|作用|重要性)(?:远|明显)?(?:大于|强于|超过)|更重要|更关键|影响力?更?大(?=$|\\W)|重要(?!性|程度)"),
    ("s", r"so far|until now|currently|to date|new(?= best)", "目前|当前|至今|截至目前|暂时|迄今"),
    ("R", r"(?:in |of |within )?(?:this|the) (?:round|phase|stage)|(?:in |of )?round \d+", r"本轮|这一?轮|该轮|本阶段|第\s?[一二三四五六七八九十\d]+\s?轮"),
    ("w", r"(?:the |our )?(?:best|tuned) (?:setup|config(?:uration)?s?|combination|settings?|model|run|trial)|tuning|the tuned model", "(?:最佳|最优)(?:的)?(?:组合|配置|参数组合|方案)|调参|调优|最终(?=准确率|比|较|相比|提升)"),
    ("*", r"(?:the )?(?:overall )?best(?: one)?(?: of (?:all|them all|them|the (?:bunch|lot)))?(?: (?:runs|trials))?|(?:the )?(?:clear |overall )?winner|wins(?! over)|optimal|optimum|sweet ?spot|ideal|highest|new (?:high|record)", "最佳|最优|最好(?![用不别])|最理想|甜[点蜜](?:点|区间?)?|最高|最合适|新高"),
    ("~", r"used to|train(?:ing)?[ -](?:accuracy|acc|loss|score|set|data|split)|(?:small|large|big)(?:er|est)? models?|can|far from|anything but|according to|paper|sometimes|mostly|often|in most|second[- ]best|no longer|once|would|should|could|might|may|perhaps|probably|expect\w*|hop(?:e|ed|ing)|worst|lowest|least|second best|among the best|one of the best|recommend\w*|suggest\w*|prefer\w*|choose|chose|chosen|go with|went with|avoid", "可能|训练集(?:上)?|训练(?:准确率|精度|损失)|有时|有些|偶尔|往往|多数|上[次回]|上一次|据说|听说|觉得|以为|未必|不一定|不见得|最好用|最好不|本轮之前|或许|也许|大概|理论上|预期|预计|希望|是否|曾|最差|最低|推荐|建议|选用|避免|应该|不宜|优先|仅次于"),
    ("~", r"too (?:high|low|large|small|big|many|few|long|short)", "过[高低大小多少长短]|太[高低大小]"),
    ("L", rf"(?:above|beyond|exceeding|higher than|larger than)\s{NUMBER}{_PARTS}|[>≥]=?\s?{NUMBER}{_PARTS}", rf"(?:超过|高于|大于)\s?{NUMBER}{_PARTS}"),
    ("M", rf"(?:below|under|lower than|smaller than)\s{NUMBER}{_PARTS}|[<≤]=?\s?{NUMBER}{_PARTS}", rf"(?:低于|小于)\s?{NUMBER}{_PARTS}"),
    ("y", r"and (?:above|higher|up|beyond)|or (?:more|higher|above)", "及?以上|或更[高大]"),
    ("0", r"without (?:it|any)|none(?! of)", "(?:不|没)(?:加|用)(?:它|的)?"),
    ("c", r"", "相比之?下?|相较|对比|比起来"),
    (">", r"than|compared (?:to|with)|relative to|vs\.?|versus|over|against|instead of|rather than|from(?= the baseline)", "比|相比于?|相较于?|较(?=基线|基准|默认)"),
    ("U", r"superior to|improv(?:es|ed) (?:up)?on|above|ahead of|exceeds?|surpass(?:es|ed)?|outperform(?:s|ed)?|beats?|wins? over", "优于|好于|胜过|超过|超越|高于|高出"),
    ("D", r"inferior to|(?:falls?|fell|lags?) behind|short of|below|underperform(?:s|ed)?", "劣于|差于|不如|不及|低于"),
    ("u", r"better|improv(?:es?|ed|ing|ements?)|help(?:s|ed|ful)?|superior|benefi(?:ts?|cial)|gain(?:s|ed)?|boost(?:s|ed)?|rais(?:es|ed)(?= \w* ?accuracy| accuracy)|pa(?:ys?|id) off|(?:higher|more) accura(?:cy|te)|increas(?:es|ed)(?= \w* ?accuracy)", "更好|更优|改善|(?<!(?<!线)上)涨了?|有效|有帮助|有益|有利|有助于(?:提升|提高)?|受益|上升|变好|越好|增益|好(?=$|\\W)|更准|有提升|高(?=了)|高(?=\\s?\\d)|强(?=$|\\W)|好(?=很多|得多|不少|一点|一些)|有(?:一?点)?用"),
    ("d", r"wors(?:e|ens?|ened)|hurts?|harm(?:s|ed|ful)?|degrad(?:es?|ed|ing)|inferior|drop(?:s|ped)|loses?|costs?(?= (?:half a|\d+(?:\.\d+)?) (?:percentage )?points?)|lower(?:s|ed)?(?= (?:the )?(?:macro-)?f1)|decreas(?:es|ed)(?= \w* ?accuracy)|fall(?:s|en)?|fell|declin(?:es?|ed)|lower(?:s|ed)? (?:the )?accuracy|accuracy drops?|reduc(?:es|ed) (?:the )?accuracy", "(?<!下)[跌掉]了?|降了|(?:不够|不足)(?=$|\\W)|变低|更差|变差|较差|越差|有害|下降|下滑|变低|差(?=$|\\W)|略差|退化|低(?=了)|低(?=\\s?\\d)"),
    ("m", r"larger|bigger|longer|greater|additional|extra|increas(?:ing|e[ds]?)|rais(?:ing|e)", "增大|增加|加大|加长|扩大|延长|更大的?|更多的?|更长的?|较大的?|越大|越高|越多|越长|增多"),
    ("l", r"smaller|fewer|shorter|decreas(?:ing|e)|reduc(?:ing|e)|lowering", "减小|减少|缩短|更小的?|更少的?|较小的?|越小|越低|越少|越短"),
    ("h", r"higher|more", "提高|提升|升高|更高的?|较高的?|高(?=$|\\W)"),
    ("z", r"lower|less|drops?", "降低|更低的?|较低的?|低(?=$|\\W)"),
    ("~", r"(?:over|under)fit\w*|unstable|robust\w*|matters?|important|critical|crucial|worth\w*", r"更[一-鿿]|过拟合|欠拟合|不稳定|稳健|关键|重要|值得|不明显|不显著"),
    ("g", rf"by (?:roughly |about )?(?:one|two|three|four|five|six|half a) (?:points?|problems?|questions?|examples?|items?)|half a point|(?:by )?(?:about )?[-+]\s?{NUMBER}\s?(?:%|percentage points?|points?|pp|pts?)|(?:by |of |is )?(?:a )?{NUMBER}\s?(?:percentage |%-?)?(?:points?|pp|pts?)|by {NUMBER}(?:\s?%|\s?(?=(?:bleu|rouge\S*|f1|chrf|comet|qwk)\b|$))|{NUMBER}\s?(?=(?:bleu|rouge\S*|f1)\s(?:below|above|points?|more|less|higher|lower))", rf"[-+]\s?{NUMBER}\s?%|{NUMBER}\s?个?(?:百分点|点|分(?![钟之类]))|(?<=[升高低降了约好差涨掉])\s?{NUMBER}(?:\s?%|\s?(?=$|[,，;；。]))"),
    ("%", rf"{NUMBER}\s?%", rf"{NUMBER}\s?%"),
    ("r", rf"between {NUMBER}\s?and\s?{NUMBER}|{NUMBER}\s?(?:to|-|~)\s?{NUMBER}", rf"{NUMBER}\s?(?:到|至|-|~)\s?{NUMBER}"),
    ("n", NUMBER, NUMBER),
    ("G", r"[>＞≫]|(?:,|and)? ?then|(?:,|and)? ?followed by|(?:,|and)? ?next(?: comes)?", r"[>＞≫]|[,，]?\s?(?:其次|然后|再次|接着|最后)(?:才?是|为)?"),
    ("b", r"(?:the |our |this )?(?:base\s?line|defaults?)(?: (?:run|config(?:uration)?|settings?|accuracy|result))?|run 1's", "(?:这个?)?(?:基线|基准|默认)(?:配置|参数|设置|模型|准确率)?"),
    ("~", r"(?:the )?previous(?: (?:run|trial|best|round|one))?", "上一[轮次个组]|前一[轮次个组]|之前"),
    ("V", r"(?:on |in |the )*(?:validation|val|dev|eval)(?: set| split| data)?", "验证集?(?:上|的)?|开发集上?"),
    ("T", r"(?:on |in |the )*(?:held[- ]out|test)(?: set| split| data)?", "测试集?(?:上|的)?"),
    ("E", r"bleu|rouge(?:-\w+)?|(?:macro-)?f1|cv|lb|leaderboard|qwk|comet|chrf|wer|cer|perplexity|ppl|loss(?:es)?|reward|average(?= score| accuracy)|speed|faster|slower|memory|time|cheaper|convergence|converges|gap", "平均(?=分|值|成绩)|损失|困惑度|速度|更快|更慢|显存|时间|收敛"),
    ("C", r"accuracy|acc|exact match", "准确率|正确率|准确度|精度"),
    ("&", r"and|or|both", "和|与|或|及|以及|同|跟"),
    ("1", r"will|always|any|anything|every|all(?= the)", "会|能|可以?|总是?|任何|凡是|只要"),
    (" ", r"we (?:note|find|found|see|saw|observe|observed) that|in (?:our|my) case|contrary to what (?:we|i) (?:had )?(?:expected|thought)|on the other hand|of (?:the|all|my|our) (?:\w+ )?(?:runs|trials)|for(?: the)?(?=\s*$)|to|->|→|-|through|between|a|an|the|from|is|are|was|were|be|been|has|have|had|does|do|did|of|at|with|by|in|on|for|in (?:this|our|these|all) (?:sweep|runs?|experiments?|study|setup)|so|number|(?<=than )one|doubling|its|attains?|(?<=for )me|thus|hence|therefore|also|too|still|again|already|very|quite|rather|much|clear|clearly|slight|slightly|small|big|a bit|bit|little|somewhat|marginal|marginally|significant|significantly|noticeabl[ey]|considerabl[ey]|consistent(?:ly)?|strong(?:ly)?|substantial(?:ly)?|overall|in total|final(?:ly)?|works?|worked|working|perform(?:s|ed|ing|ance)?|gives?|gave|yields?|brings?|brought|makes?|made|causes?|caused|leads?|led|results?|score[sd]?|achiev(?:es|ed)|obtain(?:s|ed)?|reach(?:es|ed)|our|that|there|using|used|value|values|setting|settings|choice|range|region|point|level|levels|parameter|hyper-?parameter|hyperparameters|factor|config|configuration|run|trial|experiment|exp|training|train|model|here|then|going|moving|changed?|changing|even|tl;?dr|conclusion|note|summary|shows?|it(?= made)|(?<=['’])s|at all|(?:to|for) (?:me|us)|each|runs|trials|(?:do(?:es)? )?(?:seem|appear|look)(?:s|ed)?|halving|becomes?|became|(?<=best )of them|ends(?= \d)|(?<=made )it|(?<=makes )it|(?<=: )it|ranks?(?= the)", "似乎|看起来|感觉|反倒|所(?=[下上]|提|改|降)|[它其](?=也|是)|只(?=训|用|跑|有\\s?\\d)|方案(?=\\s?[A-Za-z])|很多|得多|不少|一点点|参数(?=[,，]|$)|已经|一[个组次](?=是)|基本上?(?=没|不)|要(?=[差好])|[一二三四五六七八九十\\d]+[组次]里|分数|得分|成绩|分(?=越|最|更)|值(?=越|最|更)|一[个组次种](?=$|\\W)|来说|而言|到|至|→|远(?=好|优|高|胜)|把|组合|之间|介于|大(?=$|\\W)|的|了|是|为|时|有|略微?|稍微?|稍|明显|显著|大幅|小幅|有所|一点|一些|更|较为?|比较|都|均|也|还|就|则|而|效果|表现|结果|性能|模型|训练|取|用|使用|采用|设置|配置|取值|超?参数|综合来看|总体(?:来看|上|而言)?|整体(?:来看|上)?|总的来说|可见|说明|表明|结论|因此|所以|最终|达到|带来|导致|使得?|让|得到|取得|获得|区间|范围|处|在|从|由|对|直接|全部|所有|实验|组|号|各|中|里|上|后(?!来|期)|再|又|反而|个|约|大约|约为|值|总结|因素|将|改为|调整|变化|完全|非常|很|太|最为|方面|这|该|及其|仍|依然|本周|这周|加到|提到|步(?=比|更|最)|以(?=.{1,16}为最)|实验中"),
)
# fmt: on
"""Kind (one character), English, Chinese; the first that fits a place in a sentence counts.

X trains; x fails; e no effect; - not worse; + not better; ! not ... than; = the same; o order of importance; i matters most; j, k matters less, more; s so far; R this round; w the best setup; * the best; L, M above, below a number; y and beyond; c compared;
> than; U, D better, worse than; u, d better, worse; m, l more, less of a setting; h, z higher, lower: of a setting or of the result; g a
difference; % a share; r a range; n a number; G >; b the baseline; V validation; T test; E another measure; C accuracy; & and;
~ what no form reads; ? a word not listed here; 0 none of the setting named; blank: nothing to the claim. `cut` adds A (at each level of another setting), v, p, q, f (a factor with one value, a step or range, a list, none) and t (a trial).
"""

CLAIMS = any_of(
    r"better|best|worse|worst|than|second|needs?|requires?|costs?|higher|lower|twice|goes? with|go with|went with|choose|chosen?|chose|picks?|picked|would|use|high|low|more|less|large[r]?|small|bigger|improv\w*|increas\w*|decreas\w*|ris(?:e[sn]?|ing)|fall\w*|fell|drop(?:s|ped)|gain\w*|loses?|lost|came? out|help\w*|hurts?|harm\w*|matter\w*|effects?|impact\w*|influen\w*|importan\w*|sensitiv\w*|insensitive|critical|crucial|key|ties?|tied|same(?! (?:\d|test|questions?|examples?|data))|equals?|similar\w*|differ\w*|enough|suffic\w*|should|must|recommend\w*|suggest\w*|prefer\w*|optim[au]\w*|ideal|sweet ?spot|(?:un)?stable|overfit\w*|underfit\w*|converge\w*|fail\w*|diverg\w*|crash\w*|collaps\w*|explod\w*|broke|breaks|beat(?:s|en|ing)?|outperform\w*|match(?:es|ed)|benefi\w*|worth\w*|safe|robust\w*|dominat\w*|good|bad|poor|strong\w*|weak\w*|wins?|degrad\w*|plateau\w*|saturat\w*|peaks?|avoid|highest|lowest|most|least|nothing|unchanged|chang\w*|barely|hardly|scarcely|use(?:less|ful)|equally|winner|beyond|negligible|surpass\w*|exceeds?|above|below|cannot|can't|otherwise|order|other way|revers\w*|oom|out of memory|memory|maybe|perhaps|probably|seems?|unclear|unsure|fine|works?|worked|surviv\w*|kills?|ruin\w*|wreck\w*|dies|died|blew|blows|depends?",
    "优|好|差|佳|坏|高|低|提升|下降|上升|增大|增加|减小|减少|比|较|不如|相当|持平|一样|相同|相近|接近|影响|作用|效果|重要|关键|敏感|足够|不够|不足|过[强弱]|拟合|收敛|失败|崩|发散|稳定|推荐|建议|应|宜|明显|显著|有效|无效|区别|差别|差异|相差|收益|帮助|最|没用|无用|忽略|意义|变化|有用|饱和|退化|合适|合理|值得|优先|避免|一般|次于|更|稳健|需要|快|慢|不[能可要得]|必须|不然|否则|顺序|相反|反过来|[掉涨][点分]|去掉|[<>＞＜≫≥≤≧≦]|用处|管用|[点些没]用|也许|或许|可能|大概|似乎|好像|说不准|不好说|不确定|显存|爆|炸|一致|矛盾|走势|趋势",
)
"""A sentence with one of these about a setting, a trial or the results claims something, and is read or listed."""

STRONG = frozenset("xXe+-oijkuUdD~*")
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
CLAUSE_ENDS = re.compile(
    r"[;；]|[,，](?!\d{3}(?!\d))\s?(?:(?:but|and|while|whereas|yet|so)\s)?|\s?\band (?=(?:is|was|are|were)\b)|[:：]\s?|\s(?:but|while|whereas|and so)\s|\s-\s|但是|但|而且|并且|不过|然而"
)
RESTRICTS = re.compile(
    r"^\W*(?:if|when\w*|with|at|for|on|in|under|given|except|unless|until|without|provided|as long as|even|although|though|once|after|"
    r"before|up to|beyond|using)\b|\b(?:only|except|unless|at least|as long as|provided|until)\b|"
    r"\b(?:think|sure|says?|said|paper|hypothes[ie]s|guess\w*|believe|assum\w*|claims?|not)\b|假设|猜|认为|[不未]|论文|文献|据|估计|当|如果|若|只有|只要|除|至少|仅|前提|以内|之?[后前]$|[时上下中]$|范围|但|不过|然而|只是",
    re.IGNORECASE,
)
"""A clause that may restrict what the others of its sentence say."""
SPELLED = (
    (
        re.compile(
            r"(?:\bfar |\bmuch )?\btoo (?:high|low|large|small|big|many|few|long|short)\s?[:,;]\s?(?:it\b)?|太[高低大小多少]了?\s?[,:]"
        ),
        " ",
    ),
    (
        re.compile(
            r"\b(?:keeps? )?(?:grow(?:s|ing)|ris(?:es|ing)) with (?:the )?(?!.{0,24}\b(?:larger|higher|smaller|lower|more)\b)",
            re.IGNORECASE,
        ),
        "is higher with larger ",
    ),
    (re.compile(r"\bthe (better|worse) the [A-Za-z ]{1,30}$", re.IGNORECASE), r"the \1"),
    (re.compile(r"的影响比(.{1,12}?)更?大(?=\W|$)"), r"比\1影响更大"),
    (
        re.compile(
            r"\baffects? (?:the )?(?:scores?|results?|outcome) (more|less) than\b(.{1,24}?)(?: does)?$", re.IGNORECASE
        ),
        r"matters \1 than\2",
    ),
)
"""Ways to say what another sentence says in the words that are read."""
OF_ALL = any_of(r"overall|of all|all runs|all trials|final", "全部|所有|总体|整体|最终")
"""The best of the record, also where a sentence stands under the heading of a round."""
