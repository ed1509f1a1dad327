"""Sentences of a record to claims: "r=32 is better than r=8", "学习率超过 0.001 会导致训练失败".

A clause becomes a claim when it has a predicate (better, worse, fails, best, no effect, matters most) and a subject
that can be found in a table: levels of a factor, a factor, trials, or the settings of a trial. What has a predicate
and something of a subject but fits no form is kept as `unread`, so that the audit can say that it did not check it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from tunebook.audit.model import Claim, ClaimKind, Difference, Said
from tunebook.audit.read.grid import Statement
from tunebook.audit.read.numbers import NUMBER, read_accuracy, to_float
from tunebook.audit.read.settings import Mention, level_of, mentions, trial_labels
from tunebook.audit.read.vocabulary import round_of
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = ["Context", "Predicate", "claims_of", "said_of"]


class Predicate(StrEnum):
    """What a sentence says of something."""

    FAILS = "fails"
    NO_EFFECT = "no_effect"
    IMPORTANT = "important"
    BEST = "best"
    BETTER = "better"
    WORSE = "worse"
    RECOMMENDED = "recommended"


@dataclass(frozen=True)
class Context:
    """Where a sentence stands: the trial of its table row, with that row's settings, its round and the trial that it
    builds on, empty for running text; `labels` finds the record's labels that have a form of their own."""

    trial: str | None = None
    values: Mapping[str, Level] | None = None
    builds_on: str | None = None
    labels: re.Pattern[str] | None = None
    round: str = ""


def _words(english: str, chinese: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{english})|{chinese}", re.IGNORECASE)


_PATTERNS: tuple[tuple[Predicate, re.Pattern[str]], ...] = (
    (
        Predicate.NO_EFFECT,
        _words(
            r"(?:no|little|hardly any|negligible|without)\s(?:\w+\s){0,2}(?:effect|impact|difference|influence|benefit|"
            r"gain|"
            r"improvement|help)|(?:does|do|did|is|are|was)(?:n't|\snot)\s(?:\w+\s)?(?:matter|help|improve|change|better|"
            r"affect)|(?:hardly|barely|scarcely) (?:\w+ )?(?:matters?|helps?|affects?|changes?)|"
            r"no (?:better|worse)|(?:not|never) (?:\w+\s)?(?:better|worse|help\w*|improve\w*)|cannot improve|"
            r"insensitive",
            r"(?:没有?|无|几乎没有?)(?:什么|明显)?变化|几乎不变|"
            r"(?:没有|没|无|并无|未见|未)(?:什么|任何|明显|显著|太大|多大|有)?(?:的)?(?:影响|差别|差异|区别|作用|效果|帮"
            r"助|提升|提高|改善)|"
            r"影响(?:不大|很小|较小|甚微|有限)|不敏感|不影响|差别不大|效果有限|(?:没有|并不|不)(?:更好|优于|重要)|"
            r"(?:不能|不会|并未|没能|未能|不再|难以|无法)(?:带来|继续|进一步|明显)?(?:提升|提高|改善|受益)|持平|相当"
            r"(?=\W|$)",
        ),
    ),
    (
        Predicate.FAILS,
        _words(
            r"fail\w*|diverg\w+|crash\w*|collaps\w+|explod\w+|breaks?\b|broke\b|NaN\b|unstable|"
            r"does not (?:train|converge)",
            r"失败|发散|崩溃|崩掉|崩坏|不收敛|无法收敛|不稳定|爆炸|无法训练",
        ),
    ),
    (
        Predicate.IMPORTANT,
        _words(
            r"matters? (?:the )?(?:most|more|less)|less (?:important|influential|sensitive|critical)|"
            r"(?:bigger|larger|stronger|greater|more|smaller|weaker|less)(?: of an)? "
            r"(?:effect|impact|influence|difference)|"
            r"(?:most|more) (?:important|influential|sensitive|critical)|"
            r"(?:biggest|largest|strongest|greatest) (?:effect|impact|influence|factor|lever)|key factor|"
            r"(?:order of |ranking by )?importance(?=\W)|dominates",
            r"影响(?:力)?(?:远|明显|略)?(?:小于|大于|不如|不及|弱于|强于|超过)|不如.{0,12}(?:重要|关键|敏感|影响大|大(?=\W|$))|"
            r"(?:更|比.{0,12}影响.?)(?:重要|关键|敏感|大(?=\W|$))|最重要|影响(?:最大|最显著|最明显)|最关键|最敏感|重要性(?:排序|排名|顺序)?(?=\W|$)|首要因素|关键因素",
        ),
    ),
    (
        Predicate.BEST,
        _words(
            r"best\b|optimal|optimum|sweet ?spot|ideal\b|highest (?:accuracy|score)|top score|peaks?\b",
            r"最佳|最优|最好|最理想|甜点|甜蜜点|(?:准确率|精度|效果)?最高(?:准确率|精度)?|最合适",
        ),
    ),
    (
        Predicate.WORSE,
        _words(
            r"worse\b|hurts?\b|harm\w*|degrad\w+|inferior|reduc\w+ (?:the )?accuracy|lower(?:s|ed)? (?:the )?accuracy|"
            r"accuracy (?:drops?|falls?|decreas\w+|goes down)|drops?\b|decline\w*|lower than|below\b|underperform\w*|"
            r"overfit\w*|"
            r"underfit\w*|worst|avoid\b|(?:not|n't) (?:use|recommend\w*)",
            r"不推荐|不建议|避免|越差|更差|变差|较差|劣于|差于|不如|有害|下降|下滑|变低|(?:准确率|精度|效果|性能)(?:有所|明显|略有|大幅)?降低|"
            r"低(?:了)?\s?\d+(?:\.\d+)?\s?(?:%|个?百分点|个?点|pp)|"
            r"降低(?:了)?(?:准确率|精度|效果|性能)|低于(?!\s?\d)|过拟合|欠拟合|退化|最差|更低|比.{0,40}差",
        ),
    ),
    (
        Predicate.BETTER,
        _words(
            r"better\b|improv\w+|outperform\w*|beats?\b|helps?\b|superior|benefi\w+|gains?\b|boosts?\b|higher "
            r"(?:accuracy|than)|"
            r"above\b|works? well|pays? off|effective\b|wins?\b|useful\b",
            r"越好|更好|更优|优于|好于|胜过|超过(?!\s?\d)|超越|高于(?!\s?\d)|提升|提高|改善|有效|有帮助|有益|有利|受益|上升|"
            r"(?:效果|表现)好|更高|变好|增益|比.{0,40}好|高(?:了|出)?\s?\d+(?:\.\d+)?\s?(?:%|个?百分点|个?点|pp)",
        ),
    ),
    (
        Predicate.RECOMMENDED,
        _words(
            r"recommend\w*(?! (?:try|test|explor|next))|prefer\b|should use|"
            r"(?:i'd|we'd|would|let's|we|i) (?:go|went) with|"
            r"^\W*(?:we |i )?(?:use|choose|pick|go with|stick (?:to|with))\b",
            r"建议(?!.{0,8}(?:尝试|试|下一|后续|继续|进一步|探索))|推荐|应该?(?:使用|采用|用|选)|选用|优先(?:使用|选)",
        ),
    ),
)

_MORE = re.compile(
    r"(?:(?<![A-Za-z])(?:higher|larger|bigger|more|longer|greater|increas\w+|rais\w+|extra|additional)\s(?:the\s|"
    r"of\s)?|"
    r"(?:提高|增大|增加|加大|升高|扩大|延长|更大的?|更高的?|更多的?|更长的?|较大的?|较高的?|大|高))$",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"(?:(?<![A-Za-z])(?:lower|smaller|fewer|less|shorter|reduc\w+|decreas\w+|lowering)\s(?:the\s|of\s)?|"
    r"(?:降低|减小|减少|缩短|更小的?|更低的?|更少的?|较小的?|较低的?))$",
    re.IGNORECASE,
)
_MORE_AFTER = re.compile(
    r"^\s?(?:的)?(?:提高|增大|增加|加大|升高|越大|越高|越多|越长|更大|更高|increases?\b|is "
    r"increased)(?!到|至|为)"
)
_LESS_AFTER = re.compile(r"^\s?(?:的)?(?:降低|减小|减少|越小|越低|越少|更小|更低|decreases?\b|is reduced)(?!到|至|为)")
_AGAINST = re.compile(
    r"(?:\b(?:than|over|instead of|rather than|versus|vs\.?|compared (?:with|to)|relative to|beats?|outperforms?|"
    r"against|below|above)\s(?:the\s)?|"
    r"(?:相比于?|相较于?|对比|而不是|而非|比|优于|劣于|不如|好于|差于|胜过|超过|低于|高于|较|和|与))\s?\S{0,3}$",
    re.IGNORECASE,
)
_BELOW = re.compile(r"\b(?:below|under|less than|lower than|smaller than)\b|<|低于|小于|以下", re.IGNORECASE)
_BASELINE = re.compile(r"\bbase\s?line\b|\bdefaults?\b|基线|基准|默认", re.IGNORECASE)
_WHOLE = re.compile(
    r"\b(?:best|final|tun(?:ed|ing)|overall|total|combined?|optimi[sz]ed)\b|最终|最佳|调参|调优|总体|"
    r"整体|优化|组合",
    re.IGNORECASE,
)
_LESSER = re.compile(r"\bless\b|\bsmaller\b|\bweaker\b|小于|不如|不及|弱于", re.IGNORECASE)
_PRONOUN = re.compile(r"^\W*(?:it|this|that|which)\b|^\W*(?:它|其|该)", re.IGNORECASE)
_SO_FAR = re.compile(
    r"so far|until now|currently|to date|\bnew (?:best|high|top|record)\b|目前|当前|至今|截至|暂时|"
    r"新高|新的?最[佳优好高]|刷新",
    re.IGNORECASE,
)
_THIS_ROUND = re.compile(r"\b(?:this|the) (?:round|phase|stage)\b|本轮|这一?轮|该轮|本阶段", re.IGNORECASE)
_NOT_A_CLAIM = re.compile(
    r"^\W{0,6}(?:(?:not (?:known|shown)|unknown|goals?|aims?|purpose|objective|hypothes[ie]s|question|"
    r"next(?: steps?)?|plan|idea|todo)\b|"
    r"(?:try|test whether)\s|(?:本轮|实验)?(?:未知|尚不清楚|目标|目的|假设|问题|下一步|计划|思路|"
    r"方法|待办|验证)\w{0,4}\s?:)|[?？"
    r"]\W*$",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?:[。；!！\n]|(?<!TL);)+|[.?](?=\s|$)")
_CLAUSES = re.compile(r"[,，](?!\d{3}(?!\d))\s?|\s(?:but|while|whereas)\s|但是|但|而且|并且|不过|然而")
_BARE_LIMIT = re.compile(
    rf"(above|beyond|over|below|under|超过|高于|大于|低于|小于|>|<)\s?({NUMBER})(?!\s?[%％])", re.IGNORECASE
)
_BETTER = dict(_PATTERNS)[Predicate.BETTER]
_CONJUNCTION = re.compile(r"^(?:but|and|while|whereas|so)\s|^(?:但是|但|而且|并且|而|不过)", re.IGNORECASE)
_LEVEL_FIRST = re.compile(
    rf"\W*(?:(?:so|thus|hence|overall),?\s)?({NUMBER})\s?(?:is|was|seems|looks|是|为)", re.IGNORECASE
)
_GAP_SAID = re.compile(
    r"(?<![\d.])(\d{1,2}(?:\.(\d+))?)\s?(?:个?百分点|(?:percentage |per cent )?points?\b|pp\b|pts?\b)", re.IGNORECASE
)
_GREATER_LIST = re.compile(r"[>＞≫]")


def claims_of(statement: Statement, context: Context | None = None) -> list[Claim]:
    """The claims of one line of text, in order."""
    context = context or Context()
    if _NOT_A_CLAIM.search(statement.text):
        return []
    found = []
    spoken_of: str | None = None
    last_trial: str | None = None
    for sentence in _SENTENCES.split(statement.text):
        for clause in _clauses(sentence, context):
            speaks_on = context.trial is None and bool(_PRONOUN.search(clause))
            here = replace(context, trial=last_trial) if speaks_on else context
            claim = _claim(clause, statement, here) or _elliptic_boundary(clause, statement, spoken_of)
            named = mentions(clause)
            spoken_of = named[-1].factor if named else spoken_of
            labels = trial_labels(clause, context.labels)
            last_trial = labels[0][0] if labels and not speaks_on else last_trial
            if claim is not None:
                found.append(claim)
    return found


_SAID = re.compile(
    rf"\W{{0,3}}(?:(?:with|at|reach\w*|achiev\w*|got|gets|scor\w*|has|had|is|was|gives?|gave|an?|the|of|overall|"
    rf"accuracy|acc|的|总体|准确率|正确率|精度|为|是|达到?|取得|了|[:=])\s?){{0,6}}({NUMBER}\s?(%?))"
    r"(?=\s?(?:$|[^\w\s.>-]|\.(?!\d)|and\b|on\b|but\b|accuracy\b|acc\b))",
    re.IGNORECASE,
)
_ACCURACY = re.compile(r"accuracy|\bacc\b|准确率|正确率|精度", re.IGNORECASE)


def said_of(statement: Statement, labels: re.Pattern[str] | None = None) -> list[Said]:
    """The accuracies that a line of text gives right behind a trial's name: "exp5 achieved 57.5%". A number without a
    per cent sign counts where the word accuracy stands before it."""
    found = []
    for label, _, end in trial_labels(statement.text, labels):
        match = _SAID.match(statement.text, end)
        if match and (match.group(2) or _ACCURACY.search(match.group(0))):
            accuracy = read_accuracy(match.group(1), percent=(to_float(match.group(1).rstrip(" %")) or 0.0) > 1)
            if accuracy is not None:
                found.append(Said(label, accuracy, statement.line, statement.section))
    return found


def _elliptic_boundary(clause: str, statement: Statement, factor: str | None) -> Claim | None:
    """ "... above 1e-3 it diverges", of the factor that the sentence before spoke of."""
    match = _BARE_LIMIT.search(clause)
    if factor is None or match is None or mentions(clause) or _predicate(clause) is not Predicate.FAILS:
        return None
    number = to_float(match.group(2))
    level = level_of(factor, number) if number is not None else None
    if level is None:
        return None
    direction = -1 if _BELOW.search(match.group(1)) else 1
    return Claim(
        ClaimKind.BOUNDARY,
        clause.strip(" ,-*•:"),
        statement.line,
        statement.section,
        factor,
        (level,),
        direction=direction,
    )


def _clauses(sentence: str, context: Context) -> list[str]:
    """Parts of a sentence with one predicate each; parts without one stay with the part before them."""
    groups: list[str] = []
    pending = ""
    for part in _CLAUSES.split(sentence):
        text = f"{pending}, {part}" if pending else part
        if _predicate(_blanked(text, mentions(text))) is not None:
            groups.append(text)
            pending = ""
        elif groups and not pending and not trial_labels(part, context.labels):
            groups[-1] = f"{groups[-1]}, {part}"
        else:
            pending = text
    return groups


def _blanked(text: str, named: list[Mention]) -> str:
    """The text without its settings and the words of direction beside them, so that "higher" is no predicate there."""
    characters = list(text)
    for mention in named:
        start, end = mention.start, mention.end
        before = (_MORE.search(text[:start]) or _LESS.search(text[:start])) if not mention.values else None
        after = (_MORE_AFTER.search(text[end:]) or _LESS_AFTER.search(text[end:])) if not mention.values else None
        start = before.start() if before else start
        end = end + after.end() if after else end
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def _predicate(text: str) -> Predicate | None:
    return next((predicate for predicate, pattern in _PATTERNS if pattern.search(text)), None)


def _claim(clause: str, statement: Statement, context: Context) -> Claim | None:
    named = mentions(clause)
    predicate = _predicate(_blanked(clause, named))
    if predicate is None:
        return None
    base = Claim(
        ClaimKind.UNREAD,
        _CONJUNCTION.sub("", clause.strip(" ,-*•:")),
        statement.line,
        statement.section,
        trials=(context.trial,) if context.trial else (),
    )
    build = _BUILDERS[predicate]
    claim = build(base, clause, named, context)
    if claim is not None:
        return claim
    worth_naming = named or trial_labels(clause, context.labels) or context.trial or _BASELINE.search(clause)
    silent = predicate in (Predicate.FAILS, Predicate.RECOMMENDED)
    return base if worth_naming and not silent else None


Builder = Callable[[Claim, str, list[Mention], Context], Claim | None]


def _fails(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
    for mention in named:
        value = mention.values[-1] if mention.values else (context.values or {}).get(mention.factor)
        if isinstance(value, int | float) and not isinstance(value, bool):
            around = clause[max(0, mention.start - 10) : mention.end + 4]
            direction = -1 if _BELOW.search(around) else 1
            return replace(
                base, kind=ClaimKind.BOUNDARY, factor=mention.factor, levels=(value,), direction=direction, trials=()
            )
    return None


def _no_effect(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
    if named:
        return replace(
            base, kind=ClaimKind.NO_EFFECT, factor=named[0].factor, levels=named[0].values, direction=0, trials=()
        )
    if context.trial is None:
        return None
    against = "baseline" if _BASELINE.search(clause) else context.builds_on or "baseline"
    return replace(base, kind=ClaimKind.TRIALS, direction=0, against_trials=(against,))


def _important(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
    if not named or (re.search(r"importance|重要性", clause) and not _GREATER_LIST.search(clause) and len(named) > 1):
        return None
    if not _LESSER.search(clause):
        if _AGAINST.search(clause[: named[0].start]):  # "more important than rank": of what, another clause says
            return None
        return replace(base, kind=ClaimKind.IMPORTANCE, factor=named[0].factor, trials=())
    if len({mention.factor for mention in named}) > 1:  # "rank matters less than the rate": the rate is said to lead
        return replace(base, kind=ClaimKind.IMPORTANCE, factor=named[-1].factor, trials=())
    return _no_effect(base, clause, named, context)


def _recommended(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
    """ "We recommend r=16": the best level; over another: better than it; several settings: the best trial."""
    valued = [m for m in named if m.values]
    over = len(valued) > 1 or (valued and _bare_against(clause, valued[0].factor, valued[0].values))
    if over and len({m.factor for m in valued}) == 1:
        return _levels(base, clause, valued, context)
    return _best(base, clause, named, replace(context, trial=None)) if valued else None


def _best(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
    labels = tuple(label for label, _, _ in trial_labels(clause, context.labels))
    first = _LEVEL_FIRST.match(clause)
    if first and len(named) == 1 and not named[0].values:  # "4e-4 is the sweet spot for the learning rate"
        level = level_of(named[0].factor, to_float(first.group(1)) or 0.0)
        named = named if level is None else [replace(named[0], values=(level,))]
    valued = [m for m in named if m.values]
    within = round_of(clause) or (context.round if _THIS_ROUND.search(clause) else "")
    base = replace(base, so_far=bool(_SO_FAR.search(clause)), round=within)
    if labels:
        return replace(base, kind=ClaimKind.BEST_TRIAL, trials=labels[:1])
    if len({m.factor for m in valued}) >= 2:
        return replace(base, kind=ClaimKind.BEST_TRIAL, trials=(), values={m.factor: m.values[-1] for m in valued})
    if valued:
        mention = valued[0]
        is_range = mention.joined in ("range", "to") and len(mention.values) == 2
        return replace(
            base, kind=ClaimKind.BEST_LEVEL, factor=mention.factor, levels=mention.values, is_range=is_range, trials=()
        )
    if context.trial:
        return replace(base, kind=ClaimKind.BEST_TRIAL)
    if _BASELINE.search(clause) and _BETTER.search(clause):  # "our best setup beats the baseline"
        return replace(base, kind=ClaimKind.TRIALS, trials=("best",), against_trials=("baseline",), points=_gap(clause))
    return None


def _compares(sign: int) -> Builder:
    def build(base: Claim, clause: str, named: list[Mention], context: Context) -> Claim | None:
        claim = replace(base, direction=sign)
        labels = trial_labels(clause, context.labels)
        valued = [m for m in named if m.values]
        if labels:
            return _trials(claim, clause, labels)
        if valued:
            return _levels(claim, clause, valued, context)
        if named:
            return _trend(claim, clause, named[0], sign, context)
        if context.trial:
            against = "baseline" if _BASELINE.search(clause) else context.builds_on or "baseline"
            return replace(claim, kind=ClaimKind.TRIALS, against_trials=(against,))
        if _BASELINE.search(clause) and _WHOLE.search(clause):
            return replace(
                claim, kind=ClaimKind.TRIALS, trials=("best",), against_trials=("baseline",), points=_gap(clause)
            )
        return None

    return build


def _trials(claim: Claim, clause: str, labels: list[tuple[str, int, int]]) -> Claim:
    against = tuple(label for label, start, _ in labels if _AGAINST.search(clause[:start]))
    subject = tuple(label for label, start, _ in labels if not _AGAINST.search(clause[:start]))
    if not subject and claim.trials:
        subject = claim.trials
    if not subject:
        subject, against = against[:1], against[1:]
    said = _gap(clause) if len(labels) <= 2 else None
    to = against[:1] or ("baseline",)
    return replace(claim, kind=ClaimKind.TRIALS, trials=subject[:1], against_trials=to, points=said)


def _gap(clause: str) -> Difference | None:
    """The difference in points that a clause gives."""
    said = _GAP_SAID.search(clause)
    return Difference(float(said[1]), 10.0 ** -len(said[2] or ""), True) if said else None


def _levels(claim: Claim, clause: str, valued: list[Mention], context: Context) -> Claim:
    factors = {m.factor for m in valued}
    first = valued[0].factor
    if len(factors) > 1:
        values = {m.factor: m.values[-1] for m in valued}
        return replace(claim, kind=ClaimKind.TRIALS, values=values, against_trials=("baseline",))
    against = [m for m in valued if _AGAINST.search(clause[: m.start])]
    subject = [m for m in valued if m not in against]
    own = (context.values or {}).get(first)
    if not subject and own is not None and own not in against[0].values:
        other = tuple(v for m in against for v in m.values)  # in a row of r=32, "worse than r=16" speaks of 32
        return replace(claim, kind=ClaimKind.LEVELS, factor=first, levels=(own,), against=other, trials=())
    if not subject:
        subject, against = against[:1], against[1:]
    levels = tuple(v for m in subject for v in (m.values if m.joined == "list" else m.values[-1:]))
    other = tuple(v for m in against for v in m.values)
    if not other and subject[0].joined == "to":
        other = subject[0].values[:1]
    if not other:
        other = _bare_against(clause, first, levels)
    return replace(claim, kind=ClaimKind.LEVELS, factor=first, levels=levels, against=other, trials=())


def _bare_against(clause: str, factor: str, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The 8 of "rank 32 beats 8": a number after a word of comparison, without the factor's name."""
    match = re.search(
        r"(?:than|over|instead of|beats|outperforms|vs\.?|versus|而不是|而非|优于|好于|不如|比"
        r")\s?(\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?!\s?[%\d.])",
        clause,
    )
    if not match or FACTOR_KINDS[factor].value_type not in (int, float):
        return ()
    value = float(match.group(1))
    number = int(value) if value == int(value) else value
    return (number,) if number not in levels else ()


def _trend(claim: Claim, clause: str, mention: Mention, sign: int, context: Context) -> Claim:
    if FACTOR_KINDS[mention.factor].value_type is bool:
        return replace(claim, kind=ClaimKind.LEVELS, factor=mention.factor, levels=(True,), trials=())
    before, after = clause[: mention.start], clause[mention.end :]
    less = bool(_LESS.search(before) or _LESS_AFTER.search(after))
    return replace(claim, kind=ClaimKind.TREND, factor=mention.factor, direction=-sign if less else sign, trials=())


_BUILDERS: dict[Predicate, Builder] = {
    Predicate.FAILS: _fails,
    Predicate.NO_EFFECT: _no_effect,
    Predicate.IMPORTANT: _important,
    Predicate.BEST: _best,
    Predicate.BETTER: _compares(1),
    Predicate.WORSE: _compares(-1),
    Predicate.RECOMMENDED: _recommended,
}
