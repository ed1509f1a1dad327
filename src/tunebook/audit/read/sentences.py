"""Sentences of a record to claims: "r=32 is better than r=8", "学习率超过 0.001 会导致训练失败".

A sentence is cut into settings, trials, numbers and the words of `words.sentences`, one character each. Only forms that
are read for certain become claims: every word of the sentence (or of its clause) must be known, and it must say one
thing. Any other sentence that claims something is kept as `unread`, so that none is dropped (decision 065).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import Claim, ClaimKind, Difference, Measure, MeasureKind, Said, Score
from tunebook.audit.read.cells import Number, level_of, read_number
from tunebook.audit.read.documents import Statement
from tunebook.audit.read.mentions import CHANGED_TO, FACTOR_WORD, MAY_BE_NONE, Mention, mentions, to_float, trial_labels
from tunebook.audit.words import sentences as words
from tunebook.audit.words.columns import round_of
from tunebook.audit.words.sentences import NUMBER
from tunebook.core.factor import FACTOR_KINDS, Level

_NO_MEASURE = Measure("")


@dataclass(frozen=True)
class Context:
    """Where a sentence stands."""

    trial: str | None = None  # of its table row; None in running text
    values: Mapping[str, Level] | None = None  # that row's settings
    builds_on: str | None = None  # and what it builds on
    labels: re.Pattern[str] | None = None  # finds the record's labels that have a form of their own
    round: str = ""
    measure: Measure = _NO_MEASURE
    scores: frozenset[float] = frozenset()  # the record's results
    extras: re.Pattern[str] | None = None  # finds settings of the record that tunebook does not know, and their levels
    levels: Mapping[str, frozenset[Level]] = field(default_factory=dict)  # the record's, by factor
    after_results: bool = False  # the sentence stands below a table of results
    has_baseline: bool = True  # "better" by itself is better than the named baseline
    base: Mapping[str, Level] | None = field(default_factory=dict)  # the named baseline's settings; None without one


@dataclass(frozen=True)
class Token:
    """A piece of a sentence: its kind (one character, see `words.sentences`), its place, and what it stands for."""

    kind: str
    text: str
    start: int
    value: Mention | str | float | tuple[float, ...] | None = None

    @property
    def end(self) -> int:
        return self.start + len(self.text)


# -- words ---------------------------------------------------------------------------------------------


def _pattern() -> re.Pattern[str]:
    parts = []
    for i, (kind, english, chinese) in enumerate(words.WORDS):
        whole = english if kind == "G" else rf"(?<![A-Za-z0-9_.])(?:{english})(?![A-Za-z_])(?!\d)"
        parts.append(f"(?P<k{i}>{'|'.join(filter(None, (english and whole, chinese)))})")
    return re.compile("|".join(parts), re.IGNORECASE)


_PATTERN = _pattern()
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[一-鿿]|\d+")
_SKIPPED = re.compile(r"[^A-Za-z0-9一-鿿<>＞≫→≈,;:+-]+|[-+→]")
_SHORTEST_CHOICE = 4
_SMALL = 0.02
_FROM = re.compile(r"(?:\bfrom|从|由)\s?$", re.IGNORECASE)
_STEP = re.compile(rf"\s?(?:({CHANGED_TO}|变[为成])|\bto\b|->|→|到|至)\s?$", re.IGNORECASE)


def cut(text: str, context: Context) -> list[Token]:
    """A cleaned sentence as tokens, in order, without words that say nothing. The longest of what overlaps counts."""
    spans = [Token("t", text[start:end], start, label) for label, start, end in trial_labels(text, context.labels)]
    name = re.sub(r"\s*\(.*", "", context.measure.name)
    if len(name) > 1 and not _PATTERN.fullmatch(name):  # the results by their name in the table
        spans += [
            Token("E", m[0], m.start())
            for m in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text, re.IGNORECASE)
        ]
    for m in (*mentions(text), *_choices(text, context)):
        kind = "f" if not m.values else "v" if len(m.values) == 1 else "q" if m.joined == "list" else "p"
        spans.append(Token(kind, text[m.start : m.end], m.start, m))
    kept: list[Token] = []
    for token in sorted(spans, key=lambda t: -len(t.text)):
        if not any(token.start < other.end and other.start < token.end for other in kept):
            kept.append(token)
    result: list[Token] = []
    at = 0
    for token in sorted(kept, key=lambda t: t.start):
        result += [*_between(text, at, token.start, context), token]
        at = token.end
    return _joined(text, [*result, *_between(text, at, len(text), context)])


def _joined(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Tokens with those put together that say one thing."""
    result: list[Token] = []
    for b in tokens:
        a = result[-1] if result else Token("", "", 0)
        x, y = a.value, b.value
        same = isinstance(x, Mention) and isinstance(y, Mention) and x.factor == y.factor
        between = text[a.end : b.start]
        if a.kind == "t" and b.kind in ("v", ",") and "(" in text[a.end : b.end] and ")" not in between:
            continue  # "run 9 (alpha 32)"
        compares = len(result) > 1 and result[-2].kind in "vtbng"  # "5e-4 is above 1e-4"
        if a.kind in ("A", "B") and not compares and isinstance(y, Mention) and _is_guessed(y):  # "above 1e-3"
            result[-1] = replace(b, value=replace(y, side=1 if a.kind == "A" else -1))
        elif isinstance(x, Mention) and isinstance(y, Mention) and same and "f" not in (a.kind, b.kind):
            step = a.kind == b.kind == "v" and _STEP.search(text[: b.start], a.end)
            said = step and (step[1] or _FROM.search(text[: a.start]))
            to = Mention(x.factor, x.values + y.values, x.start, y.end, "to")  # "from rank 16 to rank 64"
            result[-1:] = [replace(b, kind="p", value=to)] if said else [a, b]
        elif same:  # "target modules: all-linear"
            result[-1] = b if a.kind == "f" else a
        elif a.kind != "N" or b.kind != ">":  # "(0.841 vs. 0.827)"
            result.append(b)
    return result


def _is_guessed(mention: Mention) -> bool:
    return mention.start == mention.end


def _choices(text: str, context: Context) -> Iterator[Mention]:
    """Levels in words that the record's tables give ("all-linear"), where one factor alone has them."""
    for factor, levels in context.levels.items():
        for level in levels:
            if isinstance(level, str) and (len(level) > _SHORTEST_CHOICE or "," in level) and level not in FACTOR_KINDS:
                for found in re.finditer(rf"(?<![\w-]){re.escape(level)}(?![\w-])", text, re.IGNORECASE):
                    if FACTOR_KINDS[factor].value_type is str:
                        yield Mention(factor, (level,), *found.span())


def _between(text: str, at: int, end: int, context: Context) -> Iterator[Token]:
    """The words and numbers between settings and trials."""
    while at < end:
        match = _PATTERN.match(text, at, end)
        if match is None or match.end() == at:
            skipped = _SKIPPED.match(text, at, end)
            word = None if skipped else _WORD.match(text, at, end)
            if word:
                yield Token("?", word.group(), at)
            at = skipped.end() if skipped else word.end() if word else at + 1
            continue
        kinds, said = words.WORDS[int((match.lastgroup or "k0")[1:])][0], match.group()
        numbers = tuple(map(to_float, re.findall(NUMBER, said))) if set(kinds) & set("nrg%") else ()
        for kind in kinds.strip():
            results = kind in "nr%" and all(_is_result(n, context) for n in re.findall(rf"{NUMBER}\s?%?", said))
            value: Mention | float | tuple[float, ...] | None = numbers if kind == "r" else (*numbers, None)[0]
            if kind == "n" and (factor := _factor_of(numbers[0], context)) is not None:
                kind, value = "v", Mention(factor, numbers, at, at)
            if kind == "r" and _FROM.search(text[:at]) and len({_factor_of(n, context) for n in numbers}) == 1:
                factor = _factor_of(numbers[0], context)  # "from 1e-4 to 2e-4"
                kind, value = ("p", Mention(factor, numbers, at, at, "to")) if factor else (kind, value)
            value = Mention("num_train_epochs", (), at, match.end()) if kind == "f" else value  # "longer training"
            yield Token("N" if results else kind, said, at, value)
        at = match.end()


def _factor_of(number: float, context: Context) -> str | None:
    """The factor of a number by itself, as in "2e-3 breaks training": the one of which the record has this level.
    Larger numbers may be labels or differences ("0.1 better")."""
    fits = [name for name, known in context.levels.items() if len(known) > 1 and number in known]
    return fits[0] if len(fits) == 1 and number <= _SMALL else None


def _is_result(said: str, context: Context) -> bool:
    """Whether a number with decimals or a per cent sign is one of the record's results, as printed or in per cent."""
    number, places = to_float(said.rstrip(" %")), len(said.rstrip(" %").partition(".")[2])
    known = any(number in levels for levels in context.levels.values())
    scaled = (round(scale * score, places) for score in context.scores for scale in (1, 100))
    return (places > 0 or "%" in said) and not known and number in scaled


# -- sentences and clauses -----------------------------------------------------------------------------

EDGES = " ,-*•:："
"""What a quoted sentence neither begins nor ends with."""
_NUMBERED = re.compile(
    r"^\W{0,3}(?:\d{1,2}\s?[、.)）](?!\d)|(?:第|要点|结论|观察|发现|体会|经验|心得|takeaway|finding|observation|conclusion|lesson)\s?"
    r"#?(?:\d{1,2}|[一二三四五六七八九十]{1,2})?\s?[条点]?\s?[:：、.])\s?",
    re.IGNORECASE,
)
_DERIVED = re.compile(
    r"[/×*]\s?(?:r|rank|秩)(?![A-Za-z])|\d\s?[x×*]?\s?r(?![A-Za-z])|\bepoch\s?\d+|第\s?\d+\s?(?:轮|个 ?epoch)",
    re.IGNORECASE,
)
"""What looks like a setting and is another quantity: "alpha/r = 2", "2r", a checkpoint ("epoch 3")."""
_EVERYWHERE = re.compile(
    r"(?<!not )(?<!nearly )(?<!almost )\b(?:at|under|for|across) (?:all|both|every|each)"
    r"(?: (?:of )?(?:the |our )?(?:two|three|four|five|\d))? "
    rf"(?:{FACTOR_WORD})(?= *(?:[,;:]|$))|在?(?:两|三|四|五|\d|所有|每|各)个?(?:{FACTOR_WORD})[上下里中](?=都)",
    re.IGNORECASE,
)
"""At every level of another factor: "under both learning rates", 三个秩上都."""
_UNDER = (
    (r"^\W*(?:at|for|with|under) (?:an? |the )?$", r"\s?,"),
    (r"\s(?:at|for|under) (?:an? |the )?$", r"\W*$"),
    (r"^\W*[在当]?\s?$", r"\s?(?:时|的?时候|[的]?(?:情况|条件)?下)\s?,?(?!\w*最)"),
)
"""What stands before and behind a setting under which alone a sentence speaks."""
_NAMES = frozenset("fvpqtbwgnr%CN")
_COMPARES = frozenset("xe!=oijk*^UDABudhzcg>~IF")
_NO_RESULT = re.compile("speed|faster|slower|memory|time|cheaper|速度|更快|更慢|显存|时间", re.IGNORECASE)
_MOST_JOINED = 3
"""Clauses that are read as one."""


def claims_of(statement: Statement, context: Context | None = None) -> list[Claim]:
    """The claims of one line of text, in order; what claims something and was not read among them as `UNREAD`."""
    context = context or Context()
    found: list[Claim] = []
    parts = words.SENTENCE_ENDS.split(statement.text)
    for i, (sentence, end) in enumerate(zip(parts[::2], [*parts[1::2], ""], strict=True)):
        answered = any(part.strip() for part in parts[2 * i + 2 :: 2])
        if ("?" in end and not answered) or words.NO_CLAIM.search(sentence):
            continue
        sentence = _NUMBERED.sub("", sentence)
        digits = sentence
        if words.EPOCH.search(sentence):
            digits = words.COUNT.sub(lambda m: words.COUNTS[m[0].lower()].rjust(len(m[0])), sentence)
        scope = None if context.trial else _EVERYWHERE.search(digits)
        if scope and not any(m.values for m in mentions(scope[0])):
            digits = digits[: scope.start()] + " " * len(scope[0]) + digits[scope.end() :]
        tokens = cut(digits, context)
        under, given = _without_condition(digits, tokens)
        base = Claim(
            kind=ClaimKind.UNREAD, text=sentence.strip(EDGES), line=statement.line, section=statement.section,
            trials=(context.trial,) if context.trial else (),
        )  # fmt: skip
        read = [] if "?" in end or _is_derived(sentence, context) else _claims(sentence, under, base, context)
        if scope or given:
            read = _under(read, given)
        found += read or _unread(sentence, tokens, base, context)
    return found


def _without_condition(sentence: str, tokens: Sequence[Token]) -> tuple[Sequence[Token], dict[str, Level]]:
    """The tokens without a setting of another factor under which alone the sentence speaks, and that setting."""
    factors = [t.value.factor for t in tokens if isinstance(t.value, Mention)]
    for t in tokens:
        m = t.value
        if t.kind != "v" or not isinstance(m, Mention) or m.side or _is_guessed(m) or len(set(factors)) != 2:
            continue
        for before, after in _UNDER:
            first, then = re.search(before, sentence[: t.start], re.I), re.match(after, sentence[t.end :], re.I)
            if first and then and factors.count(m.factor) == 1:
                end = t.end + then.end()
                return [o for o in tokens if not first.start() <= o.start < end], {m.factor: m.values[0]}
    return tokens, {}


def _under(read: Sequence[Claim], given: Mapping[str, Level]) -> list[Claim]:
    """What was read of a sentence with a condition: one comparison of levels, else nothing is sure."""
    sure = [claim.kind for claim in read if claim.kind is not ClaimKind.UNREAD] == [ClaimKind.LEVELS]
    return [replace(c, given=given) if c.kind is ClaimKind.LEVELS else c for c in read] if sure else []


def _unread(sentence: str, tokens: Sequence[Token], base: Claim, context: Context) -> list[Claim]:
    """A sentence that is not read, where it claims something. Below the results it does where it names anything."""
    kinds = {t.kind for t in tokens}
    if context.trial and kinds <= {"x", ","}:  # "diverged": the row's result says so
        return []
    other = context.extras is not None and context.extras.search(sentence)
    named = context.trial or kinds & _NAMES or kinds & words.STRONG or other
    concludes = context.after_results and (kinds & _NAMES or words.CONCLUDES.search(sentence))
    claims = concludes or kinds & _COMPARES or words.CLAIMS.search(sentence)
    if not (claims and (named or context.after_results)) and not words.GENERAL.search(sentence):
        return []
    return [replace(base, why=next((t.text for t in tokens if t.kind in "?~"), ""))]


def _is_derived(sentence: str, context: Context) -> bool:
    """Whether a sentence speaks of what looks like a setting and is none; "epoch 3" is one where it was varied."""
    levels = context.levels.get("num_train_epochs", frozenset())
    found = [match.group() for match in _DERIVED.finditer(sentence)]
    return not all(len(levels) > 1 and re.match(r"epoch\s?\d", said, re.IGNORECASE) for said in found)


def _claims(sentence: str, tokens: Sequence[Token], base: Claim, context: Context) -> list[Claim]:
    """The whole sentence as one claim, else each longest run of its clauses that is one. What is left over is listed;
    where it may change what the others say nothing is read."""
    ends = [-1, *(i for i, t in enumerate(tokens) if t.kind == ","), len(tokens)]
    starts = [0, *(t.start + len(t.text) for t in tokens if t.kind == ",")]
    stops = [*(t.start for t in tokens if t.kind == ","), len(sentence)]
    read, left, subject, topic = list[Claim](), list[Claim](), None, ""
    i, last = 0, len(ends) - 1
    while i < last:
        for j in range(last if i == 0 else min(last, i + _MOST_JOINED), i, -1):
            clause, text = tokens[ends[i] + 1 : ends[j]], sentence[starts[i] : stops[j - 1]].strip(EDGES)
            own = base if j - i == last else replace(base, text=text)
            claim = _Clause(own, clause, context).claim()
            if claim is not None:
                break
            if (read or subject) and j == i + 1:
                carried = _carried_on(clause, subject, read[-1] if read else None, context)
                claim = _Clause(own, carried, context).claim()
        kinds = "".join(t.kind for t in clause)
        before = {c.factor for c in read if c.kind is ClaimKind.LEVELS}
        if claim is not None and claim.kind is ClaimKind.LEVELS and not claim.against and claim.factor in before:
            return []  # "r=32 beats r=8, r=16 is worse": than which?
        if claim is not None and topic and claim.factor != topic:
            return []
        if claim is not None:
            if read and _is_instance(claim, read[-1]):
                read.pop()
            read.append(claim)
            subject = next((t for t in clause if t.kind in "vt"), None) if clause[0].kind in "vt" else None
        elif not (read or left) and kinds == "f" and isinstance(clause[0].value, Mention):
            topic = clause[0].value.factor  # "rank: rank 16 beats rank 8"
        elif read and read[-1].kind is ClaimKind.IMPORTANCE and "G" in kinds:
            return []  # the order goes on
        elif read and _says_again(clause, read[-1], own, context):
            pass
        elif _is_remark(clause):
            subject = next((t for t in clause if t.kind in "vt"), None)
            left += _unread(text, clause, own, context)
        elif _may_change_the_rest(text, clause) and not (read and words.REASON.match(text)):
            return []
        else:
            left += _unread(text, clause, own, context)
        i = j
    return [*read, *left] if read else []


def _is_instance(claim: Claim, before: Claim) -> bool:
    """Whether a claim says what the one before it means: "more epochs did not help: 6 scored lower than 3"."""
    denied = before.kind is ClaimKind.TREND and before.no_more
    return bool(denied) and claim.kind is ClaimKind.LEVELS and claim.factor == before.factor


_REMARK = re.compile(
    "too |(?:not|isn['’]t) enough|(?:over|under)sh[oi]|(?:over|under)fit|不够用|别试|[太过]|[过欠]拟合", re.IGNORECASE
)


def _is_remark(clause: Sequence[Token]) -> bool:
    """Whether a clause only gives an opinion of what the next one compares: "rank 4 is too small"."""
    opinion = clause[-1].kind == "~" and _REMARK.match(clause[-1].text) if clause else None
    return bool(opinion) and re.fullmatch("[ml]?[fvt]~", "".join(t.kind for t in clause)) is not None


def _says_again(clause: Sequence[Token], claim: Claim, own: Claim, context: Context) -> bool:
    """Whether a clause gives the change of the result that the claim before it means: "秩 32 更好,损失下降 0.02"."""
    kinds = {t.kind for t in clause}
    if not (kinds & set("CEP") and kinds & set("hzud") and kinds <= set("CEPVThzudgnN")):
        return False
    said = _Clause(own, clause, context)
    direction, _ = said.direction_of_result()
    return claim.kind in (ClaimKind.LEVELS, ClaimKind.TRIALS) and direction == claim.direction


def _carried_on(
    clause: Sequence[Token], subject: Token | None, last: Claim | None, context: Context
) -> Sequence[Token]:
    """A clause with what it leaves out, since the clause before it says it: "r=16 比 r=8 好，但不如 r=32"."""
    if subject is not None and last is None:  # "1e-4 is too low, 3e-4 beats it", "2e-3 is too high, diverges"
        clause = [subject if t.text.lower() in ("it", "它") else t for t in clause]
    forms = "[EPCg]*[>UDAB!]" if last is not None else "[EPCg]*(?:[>UDAB!]|x$)"
    if subject is not None and re.match(forms, "".join(t.kind for t in clause)):
        clause = [subject, *clause]
    factor = last.factor if last is not None and last.kind in (ClaimKind.LEVELS, ClaimKind.TREND) else None
    if factor is None or any(isinstance(t.value, Mention) for t in clause):
        return clause
    levels = [level_of(factor, t.value) if isinstance(t.value, float) else None for t in clause]
    known = [level if level in context.levels.get(factor, ()) else None for level in levels]
    return [
        t if level is None or t.kind != "n" else replace(t, kind="v", value=Mention(factor, (level,), t.start, t.end))
        for t, level in zip(clause, known, strict=True)
    ]


def _may_change_the_rest(clause: str, tokens: Sequence[Token]) -> bool:
    """Whether a clause that is not read may restrict the others of its sentence, go on with what they say ("r comes
    last", "not better"), or say by which result they compare."""
    kinds = {t.kind for t in tokens}
    of_result = kinds & set("CVT") or any(t.kind == "E" and not _NO_RESULT.fullmatch(t.text) for t in tokens)
    goes_on = kinds & set("fvpqtb") or (kinds & words.STRONG and not kinds & set("?F"))
    small = kinds & set("=eS")  # "but within the noise"
    return bool(of_result or goes_on or small or "~" in kinds or words.RESTRICTS.search(clause))


# -- forms ---------------------------------------------------------------------------------------------

_ENTITIES = "fvpqtbwnr"
_PREDICATES = frozenset("xe=uUdDhzAB*^IF")
_ADJECTIVE = re.compile(
    "higher|lower|more|less|larger|bigger|longer|greater|additional|extra|wider|smaller|fewer|shorter", re.IGNORECASE
)
_PHRASES = (
    (r"!S?I|SI|IS", "e"),  # "no effect"
    (r"!S?F|SF|FS", "="),  # "no difference"
    (r"I\^", "i"),
    (r"^=q$", "q="),  # "no difference between 0.1 and 0"
    (r"e>", "="),  # "makes no difference compared with"
    (r"^([vtb])!([vtbn])u$", r"\1D\2"),  # "r=8 没有 r=16 好"
)
_IMPORTANCE = r"f[jk]>?f|f[>D]f[jk]|f!fk|fI>f|[oI]f(?:Gf)+|of(?:G*f)+|f(?:G*f)+o|(?:fi|if)(?:G*f)*(?:fL)?"
_SIDES: tuple[tuple[str, tuple[int | None, int | None]], ...] = (
    (r"x=?", (0, None)),  # "r=32 helps", "r=8 and r=32 are the same"
    (r"=?", (None, None)),  # "better", "no difference" in a row
    (r"x&?[>=c]x=?|x&?x[=c]|=x&x", (0, 1)),  # "r=32 is better than r=8", "r=32 与 r=8 相同"
    (r"[>=&]+x=?|&xc", (None, 0)),  # "better than r=8" and "与基线相比" in a row
    (r"[>c]x&?x|&x[c>]x", (1, 0)),  # "compared with r=8, r=32 gains"
)
"""What stands in a clause without its words of direction (x: a setting, trial, baseline or number), and which of these
is judged and which it is compared with."""
_CONDITION = re.compile(r"\W*(?:(?:with|at|for|under|when|if|given|in|using)\b|[^,]{1,24}[时下])", re.IGNORECASE)
"""What begins a sentence about trials of one level of another setting."""


_GOES_ON = re.compile(r"\b(?:it|further|again|even|still|more)\b|[再又它其]|继续|进一步", re.IGNORECASE)
"""Goes on from a level that the sentence does not name."""


class _Clause:
    """One clause, held against the forms that are read for certain. `code` has one character a token."""

    def __init__(self, base: Claim, tokens: Sequence[Token], context: Context) -> None:
        self.base = base
        self.context = context
        self.tokens = _with_none(tokens)
        self.kinds = {t.kind for t in self.tokens}
        self.factors = [t.value for t in self.tokens if isinstance(t.value, Mention)]
        self.gap = _gap([t for t in self.tokens if t.kind == "g"])
        heard = [t for t in self.tokens if t.kind not in "sR1NTVH"]
        kinds = [t.kind for t in heard]
        for i, token in enumerate(heard):
            if token.kind in "mlhz":
                kinds[i] = _of_setting_or_result(token, kinds, i)
        said = zip(kinds, heard, strict=True)  # "higher" is said of the printed number, not of its worth
        self.by_number = bool(self.kinds & set("AB^")) or any(k in "ud" and t.kind in "hz" for k, t in said)
        by_loss = context.measure.kind is MeasureKind.LOSS and "E" in kinds  # the lowest loss is the best
        self.code = re.sub(r"[CPEg,]", "", "".join(kinds)).replace("_", "*" if by_loss else "_")
        for pattern, phrase in _PHRASES:
            self.code = re.sub(pattern, phrase, self.code)

    def claim(self) -> Claim | None:
        """The clause as a claim, or None when it is none or not surely read."""
        if not self._understood():
            return None
        if set(self.code) & set("ml") and any(map(_is_guessed, self.factors)) and _GOES_ON.search(self.base.text):
            return None  # "raising it further to 4e-4"
        plain = self.code.replace("&", "").replace("W", "")
        names = tuple(m.factor for m in self.factors)
        if re.fullmatch(_IMPORTANCE, plain) and len(set(names)) == len(names):
            order = () if len(names) == 1 else names[::-1] if re.search("[jD!]", plain) else names
            return self._read(ClaimKind.IMPORTANCE, factor=(order or names)[0], order=order)
        if re.fullmatch(r"[ml]*v?y?[ml]*xv?y?", plain) and len(self.factors) == 1:
            return self._fails(self.factors[0])
        if re.fullmatch(r"[ml]?[fvpq]?[ml]?e|e[fvpq]|f=", plain) and len(self.factors) == 1:
            (mention,) = self.factors
            none = self._read(ClaimKind.NO_EFFECT, factor=mention.factor, levels=mention.values, direction=0)
            return None if mention.side else none
        if re.fullmatch(r"[fvpqtwnr*^]*[*^w][fvpqtwnr*^]*", plain):
            return self._best(plain)
        return self._compared()

    def _understood(self) -> bool:
        """Whether nothing is left over, and the sentence speaks of the results that the table gives."""
        measure, kinds = self.context.measure, self.kinds
        if "H" in kinds and "x" not in kinds:
            return False  # "ahead after 150 steps"
        if "b" in kinds and self.context.base is None:
            return False  # which trial "the baseline" is, the record does not say
        if set(self.code) & set("?~0%") or ("1" in kinds and not kinds & set("xmlhz")):
            return False
        if measure.kind is MeasureKind.LOSS and self.by_number and ("E" not in kinds or kinds & set("udUD")):
            return False  # a lower loss is better
        if ("V" in kinds and measure.split != "validation") or ("T" in kinds and measure.split == "validation"):
            return False
        if "C" in kinds and measure.kind is not MeasureKind.SHARE:
            return False
        metrics = {t.text.lower() for t in self.tokens if t.kind == "E"}
        fails = "x" in kinds and metrics <= {"loss", "损失"}
        return fails or all(metric in measure.name.lower() for metric in metrics)

    def _read(self, kind: ClaimKind, **fields: object) -> Claim:
        return replace(self.base, **{"kind": kind, "trials": (), **fields})  # type: ignore[arg-type]

    def _fails(self, mention: Mention) -> Claim | None:
        """ "A learning rate above 0.001 fails"."""
        level, side = mention.values[-1], mention.side or int("y" in self.kinds)
        inclusive = any(t.kind == "y" and t.text != "以上" for t in self.tokens)  # which may mean "above"
        if isinstance(level, bool) or not isinstance(level, int | float):
            return None
        return self._read(
            ClaimKind.BOUNDARY, factor=mention.factor, levels=(level,), direction=side or 1, exact=not side,
            inclusive=inclusive,
        )  # fmt: skip

    def _best(self, plain: str) -> Claim | None:
        """ "lr=1e-3 is optimal", "the sweet spot is 2e-4 to 1e-3", "exp16 is the best so far"."""
        context, text = self.context, self.base.text
        valued = [m for m in self.factors if m.values]
        if "^" in plain and (
            context.measure.kind is MeasureKind.LOSS or (self.factors and not self.kinds & set("CEP"))
        ):
            return None  # the highest loss is the worst, and "the highest learning rate is 2e-3" no claim
        if any(m.side for m in valued) or (len(valued) > 1 and _CONDITION.match(text)):
            return None  # "with r=32, lr 3e-4 is best"
        in_round = "R" in self.kinds or (context.round.isdigit() and not words.OF_ALL.search(text))
        within = round_of(text) or (context.round if in_round else "")
        self.base = replace(self.base, so_far="s" in self.kinds, round=within, gap=self.gap)
        labels = tuple(str(t.value) for t in self.tokens if t.kind == "t")
        if labels or not self.factors:
            sure = len(labels) == 1 or (not labels and context.trial)
            sure = sure and not valued and not re.search("[nr]", plain)  # not "run 3 or 4 is best"
            return self._read(ClaimKind.BEST_TRIAL, trials=labels or self.base.trials) if sure else None
        values = {m.factor: m.values[0] for m in valued}
        if re.fullmatch(r"[*^w]*v{2,}[*^w]*", plain) and len(values) == len(valued):
            return self._read(ClaimKind.BEST_TRIAL, values=values)
        if len({m.factor for m in self.factors}) != 1 or len(valued) > 1:
            return None
        return self._best_level((valued or self.factors)[0])  # "rank 16 is the best rank"

    def _best_level(self, mention: Mention) -> Claim | None:
        levels = mention.values
        is_range = mention.joined in ("range", "to") and len(levels) == 2
        others = [t.value for t in self.tokens if t.kind in "nr"]
        if len(others) == 1 and not levels:  # "4e-4 is the sweet spot for the learning rate"
            numbers = others[0] if isinstance(others[0], tuple) else (others[0],)
            read = [level_of(mention.factor, number) for number in numbers if isinstance(number, float)]
            levels, is_range = tuple(level for level in read if level is not None), len(read) == 2
        elif others:
            return None
        best = self._read(ClaimKind.BEST_LEVEL, factor=mention.factor, levels=levels, is_range=is_range)
        return best if levels else None

    def _compared(self) -> Claim | None:
        """Better, worse, the same, no better: of two trials, two levels, more of a factor, or the row's own trial."""
        direction, no_more = self.direction_of_result()
        sides = None if "x" in self.code else self._sides()
        if direction is None or sides is None or "R" in self.kinds:
            return None
        self.base = replace(self.base, direction=direction, no_more=no_more, gap=self.gap)
        return self._of_settings(*sides) if self.factors else self._of_trials(*sides)

    def direction_of_result(self) -> tuple[int | None, int]:
        """As `_direction`, with a lower loss as the better; None where the clause is not understood."""
        direction, no_more = self._direction() if self._understood() else (None, 0)
        if direction is not None and self.context.measure.kind is MeasureKind.LOSS and self.by_number:
            return -direction, -no_more
        return direction, no_more

    def _direction(self) -> tuple[int | None, int]:
        """+1 better, -1 worse, 0 no difference; and of 0 which side alone is denied. None: several, or none."""
        up, down, same = (bool(set(self.code) & set(kinds)) for kinds in ("uUA", "dDB", "="))
        signs = {t.text[0] for t in self.tokens if t.kind == "g" and re.match(r"[-+]\d", t.text)}
        compares = set(self.code) & set(">cp")  # "r=32: 0.841 (+0.5)" may be said against any other
        if not up + down + same and len(signs) == 1 and compares and not set(self.code) & set("!*^"):
            up, down = "+" in signs, "-" in signs  # "r=16 vs. r=8: +0.9"
        if up + down + same != 1:
            return None, 0
        if "!" not in self.code:
            return up - down, 0
        if any(t.kind in "ud" and re.search(r"\d", t.text) for t in self.tokens):
            return None, 0  # "not worth 0.5 points"
        denied = re.fullmatch(rf"[^!=udUDAB]*!(?:[ml]|>[{_ENTITIES}]+)?[udUDAB][^!]*", self.code)
        return (0, up - down) if denied and not words.HALF_DENIED.search(self.base.text) else (None, 0)

    def _sides(self) -> tuple[Token | None, Token | None] | None:
        """What is judged, and what it is compared with; None when that is not sure."""
        order = re.sub(r"[!udmlW]|(?<==)=", "", re.sub(r"[UDAB>]+", ">", self.code.replace("!", "")))
        entities = [t for t in self.tokens if t.kind in _ENTITIES]
        for form, sides in _SIDES:
            if re.fullmatch(form, re.sub(f"[{_ENTITIES}]", "x", order)):
                first, second = (entities[i] if i is not None else None for i in sides)
                if first is not None and first.kind == "b" and second is None and self.context.trial:
                    return None, first  # "与基线持平" in a row
                return first, second
        return None

    def _of_trials(self, first: Token | None, second: Token | None) -> Claim | None:
        """Without a side: the row's own trial, against what it builds on or the baseline."""
        context, names = self.context, {"b": "baseline", "w": "best"}
        subject = names.get(first.kind, str(first.value)) if first else context.trial
        against = names.get(second.kind, str(second.value)) if second else None
        if second is None and context.trial:
            against = context.builds_on or ("baseline" if context.has_baseline else None)
        if subject in (None, "baseline", against) or against is None or self.kinds & set("nr"):
            return None
        return self._read(ClaimKind.TRIALS, trials=(subject,), against_trials=(against,))

    def _of_settings(self, first: Token | None, second: Token | None) -> Claim | None:
        factor, own, base = self.factors[0].factor, self.context.values or {}, self.context.base or {}
        if any(m.side or m.factor != factor for m in self.factors) or self.kinds & set("tw"):
            return None
        mention = first.value if first else Mention(factor, (own[factor],), 0, 0) if factor in own else None
        if not isinstance(mention, Mention):
            return None
        if not mention.values:
            return self._trend(factor) if second is None else None
        levels, against = mention.values, _levels(second, factor)
        if second is None and len(levels) == 2 and (mention.joined in ("to", "range") or self.base.direction == 0):
            against, levels = levels[:1], levels[1:]
            levels, against = (levels, against) if mention.joined != "list" else (against, levels)
        elif mention.joined in ("to", "range"):
            return None
        if against is None or set(levels) & set(against):
            return None
        if not against and (not self.context.has_baseline or base.get(factor) in levels):
            return None
        return self._read(ClaimKind.LEVELS, factor=factor, levels=levels, against=against, trials=self.base.trials)

    def _trend(self, factor: str) -> Claim | None:
        more, less = "m" in self.code, "l" in self.code
        if more == less and (more or not re.search("[ud].*Wf", self.code)):  # "accuracy rises with the rank"
            return None
        if self.context.trial:  # a row's remark speaks of the row
            return self._of_trials(None, None)
        sign, base = -1 if less else 1, self.base
        return self._read(ClaimKind.TREND, factor=factor, direction=base.direction * sign, no_more=base.no_more * sign)


def _with_none(tokens: Sequence[Token]) -> Sequence[Token]:
    """Tokens with "none" and 不加 as the level 0 of the one factor that is named: "dropout 0.1 比不加好"."""
    named = {t.value.factor for t in tokens if isinstance(t.value, Mention)}
    none = Mention(named.pop(), (0,), 0, 0) if len(named) == 1 and named <= {*MAY_BE_NONE} else None
    return [replace(t, kind="v", value=none) if t.kind == "0" and none else t for t in tokens]


def _levels(token: Token | None, factor: str) -> tuple[Level, ...] | None:
    """What a setting is compared with; nothing for the baseline, None where it is no level of the same factor."""
    if token is None or token.kind == "b":
        return ()
    if isinstance(token.value, Mention):
        return (token.value.values if token.value.joined in ("", "list") else ()) or None
    level = level_of(factor, token.value) if token.kind == "n" and isinstance(token.value, float) else None
    return None if level is None else (level,)


def _of_setting_or_result(token: Token, kinds: Sequence[str], i: int) -> str:
    """A word of more or less as m, l where it is said of a setting, u, d where of the result: "higher rank" and
    "提高学习率后" beside "higher accuracy" and "r=16 高"."""
    before, after = kinds[i - 1] if i else "", kinds[i + 1] if i + 1 < len(kinds) else ""
    beside = after in _SETTINGS or (before in _SETTINGS and not _ADJECTIVE.fullmatch(token.text))
    if token.kind in "ml":
        return token.kind if beside else "~"
    later = bool(_PREDICATES & set(kinds[i + 1 :]))
    measured = before in _RESULTS or (after in _RESULTS and not (later and before in _SETTINGS))
    if beside and not measured and (later or _PREDICATES & set(kinds[:i])):
        return "m" if token.kind == "h" else "l"
    if token.text.lower() in ("more", "less") and not measured and not {before, after} & {*"udUD"}:
        return "~"  # "r=16 has more parameters"
    return "u" if token.kind == "h" else "d"


_SETTINGS, _RESULTS = frozenset("fvpq"), frozenset("CEP")


def _gap(tokens: Sequence[Token]) -> Difference | None:
    if len(tokens) != 1 or not isinstance(tokens[0].value, float) or re.search("以上|多", tokens[0].text):
        return None
    number = re.search(NUMBER, tokens[0].text)
    places = len(number.group().partition(".")[2]) if number else 0
    points = re.search(r"point|pp|pt|点", tokens[0].text, re.IGNORECASE) is not None
    return Difference(tokens[0].value, 10.0**-places, points)


def said_of(statement: Statement, labels: re.Pattern[str] | None = None) -> list[Said]:
    """The accuracies that a line of text gives right behind a trial's name: "exp5 achieved 57.5%". A number without a
    per cent sign counts where the word accuracy stands before it; above 1 it is in per cent."""
    found = []
    tokens = cut(statement.text, Context(labels=labels))
    for match in re.finditer(r"t[CPT,]*(?:%|(?<=C)n)(?=[CT&,]|$)(?!.*[EV~])", "".join(t.kind for t in tokens)):
        trial, number = str(tokens[match.start()].value), read_number(tokens[match.end() - 1].text)
        if isinstance(number, Number) and 0 <= number.value <= 100:
            scale = 100.0 if number.percent or number.value > 1 else 1.0
            score = Score(number.value / scale, number.unit / scale)
            found.append(Said(trial, score, statement.line, statement.section))
    return found
