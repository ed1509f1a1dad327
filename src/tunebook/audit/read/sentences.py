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
from tunebook.audit.read.mentions import MAY_BE_NONE, Mention, mentions, to_float, trial_labels
from tunebook.audit.words.columns import round_of
from tunebook.audit.words.sentences import (
    CLAIMS,
    CLAUSE_ENDS,
    GENERAL,
    NO_CLAIM,
    NUMBER,
    OF_ALL,
    RESTRICTS,
    SENTENCE_ENDS,
    SPELLED,
    STRONG,
    WORDS,
)
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
    results: tuple[str, ...] = ()  # the names of the record's columns of results, the longest first
    extras: re.Pattern[str] | None = None  # finds settings of the record that tunebook does not know, and their levels
    levels: Mapping[str, frozenset[Level]] = field(default_factory=dict)  # the record's, by factor
    after_results: bool = False  # the sentence stands below a table of results
    has_baseline: bool = True  # "better" by itself is better than the named baseline
    base: Mapping[str, Level] | None = field(default_factory=dict)  # the named baseline's settings; None without one


@dataclass(frozen=True)
class Token:
    """A piece of a sentence: its kind (one character, see `words.sentences`), its text, and what it stands for."""

    kind: str
    text: str
    value: Mention | str | float | tuple[float, ...] | None = None


def _pattern() -> re.Pattern[str]:
    parts = []
    for i, (kind, english, chinese) in enumerate(WORDS):
        bare = english if kind == "G" else rf"(?<![A-Za-z0-9_.])(?:{english})(?![A-Za-z_])(?!\d)"
        parts.append(rf"(?P<k{i}>{bare}|{chinese})" if english else rf"(?P<k{i}>{chinese})")
    return re.compile("|".join(parts), re.IGNORECASE)


_PATTERN = _pattern()
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[一-鿿]|\d+")
_SKIPPED = re.compile(r"[^A-Za-z0-9一-鿿<>＞≫→≈+-]+|[-+→]")


def cut(text: str, context: Context) -> list[Token]:
    """A cleaned sentence as tokens, in order; words that say nothing are left out."""
    spans: list[tuple[int, int, Token]] = []
    named = trial_labels(text, context.labels)
    for m in (*mentions(text), *_choices(text, context)):
        if not any(start <= m.start and m.end <= end for _, start, end in named):
            kind = "f" if not m.values else "v" if len(m.values) == 1 else "q" if m.joined == "list" else "p"
            spans.append((m.start, m.end, Token(kind, text[m.start : m.end], m)))
    for label, start, end in named:
        if not any(start < known_end and known_start < end for known_start, known_end, _ in spans):
            spans.append((start, end, Token("t", text[start:end], label)))
    for name in context.results:
        for found in re.finditer(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", text, re.IGNORECASE):
            if not any(start < found.end() and found.start() < end for start, end, _ in spans):
                spans.append((*found.span(), Token("E", name)))
    result: list[Token] = []
    at = 0
    for start, end, token in sorted(spans, key=lambda span: span[0]):
        result += [*_between(text, at, start), token]
        at = max(at, end)
    return result + _between(text, at, len(text))


def _choices(text: str, context: Context) -> Iterator[Mention]:
    """Levels in words that the record's tables give ("all-linear"), where one factor alone has them."""
    for factor, levels in context.levels.items():
        for level in levels:
            if isinstance(level, str) and len(level) > _SHORTEST_CHOICE and level not in FACTOR_KINDS:
                for found in re.finditer(rf"(?<![\w-]){re.escape(level)}(?![\w-])", text):
                    if FACTOR_KINDS[factor].value_type is str:
                        yield Mention(factor, (level,), *found.span())


def _between(text: str, at: int, end: int) -> list[Token]:
    found: list[Token] = []
    while at < end:
        match = _PATTERN.match(text, at, end)
        if match is None or match.end() == at:
            skipped = _SKIPPED.match(text, at, end)
            word = None if skipped else _WORD.match(text, at, end)
            if word:
                found.append(Token("?", word.group()))
            at = skipped.end() if skipped else word.end() if word else at + 1
            continue
        kind = WORDS[int((match.lastgroup or "k0")[1:])][0]
        if kind != " ":
            numbers = tuple(map(to_float, re.findall(NUMBER, match.group()))) if kind in "nrLMg%" else ()
            found.append(Token(kind, match.group(), numbers if kind == "r" else numbers[0] if numbers else None))
        at = match.end()
    return found


EDGES = " ,-*•:："
"""What a quoted sentence neither begins nor ends with."""
_NUMBERED = re.compile(
    r"^\W{0,3}(?:\d{1,2}\s?[、.)）](?!\d)|(?:第|要点|结论|观察|发现|体会|经验|心得|takeaway|finding|observation|conclusion|lesson)\s?"
    r"#?(?:\d{1,2}|[一二三四五六七八九十]{1,2})?\s?[条点]?\s?[:：、.])\s?",
    re.IGNORECASE,
)
_BOTH_RESULTS = re.compile(
    r"[,，]\s?(?:an? )?(?:accuracy|acc|f1|准确率|正确率)\s?(?:=|为|是|达到?|of|:)?\s?[\d.]+\s?%?\s?$|"
    r"\s?[(（]\s?(?:[\d.]+\s?%?\s?(?:vs\.?|->|→|to|against|比|对)?\s?){2}[)）]",
    re.IGNORECASE,
)
"""The results that a sentence gives besides: "(88.1 vs. 87.2)", "acc 0.851" at its end."""
_SHORTEST_CHOICE = 4
_NAMES = frozenset("fvpqtbwgLMnr%C")
_COMPARES = frozenset("xXe+-=!oijk*UDudcg>~")
_DERIVED = re.compile(
    r"[/×*]\s?(?:r|rank|秩)(?![A-Za-z])|\d\s?[x×*]?\s?r(?![A-Za-z])|\bepoch\s?\d+|第\s?\d+\s?(?:轮|个 ?epoch)",
    re.IGNORECASE,
)
"""What looks like a setting and is another quantity: "alpha/r = 2", "2r", a checkpoint ("epoch 3")."""


def claims_of(statement: Statement, context: Context | None = None) -> list[Claim]:
    """The claims of one line of text, in order; what claims something and was not read among them as `UNREAD`."""
    context = context or Context()
    found: list[Claim] = []
    parts = SENTENCE_ENDS.split(statement.text)
    ends = [*parts[1::2], ""]
    for i, (sentence, end) in enumerate(zip(parts[::2], ends, strict=True)):
        answered = any(part.strip() for part in parts[2 * i + 2 :: 2])
        if ("?" in end and not answered) or NO_CLAIM.search(sentence):
            continue
        sentence = _BOTH_RESULTS.sub(" ", _NUMBERED.sub("", sentence))
        written = sentence.strip(EDGES)
        for pattern, plain in SPELLED:
            sentence = pattern.sub(plain, sentence)
        tokens = cut(sentence, context)
        unread = Claim(
            kind=ClaimKind.UNREAD,
            text=written,
            line=statement.line,
            section=statement.section,
            trials=(context.trial,) if context.trial else (),
        )
        read = [] if "?" in end or _is_derived(sentence, context) else _claims(sentence, tokens, unread, context)
        found += read or ([unread] if _claims_something(sentence, tokens, context) else [])
    return found


def _is_derived(sentence: str, context: Context) -> bool:
    """Whether a sentence speaks of what looks like a setting and is none; "epoch 3" is one where it was varied."""
    levels = context.levels.get("num_train_epochs", frozenset())
    found = [match.group() for match in _DERIVED.finditer(sentence)]
    return not all(len(levels) > 1 and re.match(r"epoch\s?\d", said, re.IGNORECASE) for said in found)


def _claims_something(sentence: str, tokens: Sequence[Token], context: Context) -> bool:
    """Whether a sentence that is not read is listed. Below the results it is where it names anything."""
    kinds = {t.kind for t in tokens}
    if context.trial and kinds <= {"x"}:  # "diverged": the row's result says so
        return False
    other = context.extras is not None and context.extras.search(sentence)
    named = context.trial or kinds & _NAMES or kinds & STRONG or other
    concludes = context.after_results and kinds & set("?~g%") and kinds & set("fvpqtbwgrLM%")
    claims = concludes or kinds & _COMPARES or CLAIMS.search(sentence)
    return bool((claims and (named or context.after_results)) or GENERAL.search(sentence))


def _claims(sentence: str, tokens: list[Token], base: Claim, context: Context) -> list[Claim]:
    """The whole sentence as one claim, else each longest run of its clauses that is one. What is left over is listed;
    where it may restrict the others nothing is read."""
    whole = _Clause(base, tokens, context).claim()
    if whole is not None:
        return [whole]
    ends = [(0, 0), *(match.span() for match in CLAUSE_ENDS.finditer(sentence)), (len(sentence), len(sentence))]
    read, left, i, last = list[Claim](), list[Claim](), 0, len(ends) - 1
    while i < last and last > 1:
        for j in range(min(last, i + _MOST_JOINED), i, -1):
            part = sentence[ends[i][1] : ends[j][0]]
            own = replace(base, text=part.strip(EDGES)) if part in base.text else base
            cut_up = cut(part, context)
            claim = _Clause(own, cut_up, context).claim() if part.strip() else None
            if claim is not None:
                break
        before = {c.factor for c in read if c.kind is ClaimKind.LEVELS}
        if claim is not None and claim.kind is ClaimKind.LEVELS and not claim.against and claim.factor in before:
            return []  # "r=32 beats r=8, r=16 is worse": than which?
        if claim is not None:
            read.append(claim)
        elif _may_change_the_rest(part, cut_up):
            return []
        elif _claims_something(part, cut_up, context):
            left.append(own)
        i = j
    return [*read, *left] if read else []


def _may_change_the_rest(clause: str, tokens: Sequence[Token]) -> bool:
    """Whether a clause that is not read may restrict the others of its sentence, go on with what they say ("r comes
    last", "not better"), or say by which result they compare."""
    kinds = {t.kind for t in tokens}
    of_result = kinds & set("CVT") or any(t.kind == "E" and not _NO_RESULT.fullmatch(t.text) for t in tokens)
    goes_on = kinds & set("fvpqtb") or (kinds & STRONG and "?" not in kinds)
    return bool(of_result or goes_on or "~" in kinds or RESTRICTS.search(clause))


_NO_RESULT = re.compile("speed|faster|slower|memory|time|cheaper|速度|更快|更慢|显存|时间", re.IGNORECASE)
_SMALL = 0.02
_MOST_JOINED = 3
"""Clauses that are read as one."""


def _completed(tokens: Sequence[Token], levels: Mapping[str, frozenset[Level]]) -> Sequence[Token]:
    """Tokens of a sentence with the factors that it leaves out: of "2e-3 breaks training" the one factor of which the
    record has this level, of "dropout 0.1 比不加好" that of the sentence. Larger numbers may be labels or differences
    ("0.1 better"), and stay."""
    named = {t.value.factor for t in tokens if isinstance(t.value, Mention)}
    if any(t.kind == "0" for t in tokens) and len(named) == 1 and named <= {*MAY_BE_NONE}:
        none = Mention(named.pop(), (0,), 0, 0)
        return [replace(t, kind="v", value=none) if t.kind == "0" else t for t in tokens]
    numbers = [t.value for t in tokens if t.kind in "nLM" and isinstance(t.value, float)]
    fits = [name for name, known in levels.items() if len(known) > 1 and all(number in known for number in numbers)]
    goes_on = any(t.kind in "mlhz" for t in tokens)  # "raising it further to 4e-4"
    if named or goes_on or not numbers or len(fits) != 1 or max(numbers) > _SMALL:
        return tokens
    side = {"L": 1, "M": -1}
    return [
        replace(t, kind="v", value=Mention(fits[0], (t.value,), 0, 0, side=side.get(t.kind, 0)))
        if t.kind in "nLM" and isinstance(t.value, float)
        else t
        for t in tokens
    ]


class _Clause:
    """One clause, held against the forms that are read for certain. `code` has one character a token."""

    def __init__(self, base: Claim, tokens: Sequence[Token], context: Context) -> None:
        self.base = base
        self.context = context
        self.tokens = _completed(tokens, context.levels)
        self.factors = [t.value for t in self.tokens if isinstance(t.value, Mention)]
        self.labels = [str(t.value) for t in self.tokens if t.kind == "t"]
        self.gap = _gap([t for t in self.tokens if t.kind == "g"])
        self.by_number = False  # "higher" is said of the printed number, not of its worth
        self.code = self._code()

    def _code(self) -> str:
        """ "Higher" beside a setting without a value is its direction, elsewhere the result's. What is silent goes:
        rounds, splits and measures (held against the table's by `_understood`), differences."""
        steps = [i for i, t in enumerate(self.tokens) if t.kind in "mlhz" and t.text.startswith("越")]
        last = steps[-1] if len(steps) > 1 else None  # "学习率越大，分数越低"
        kinds = ["ud"[t.kind in "lz"] if i == last else t.kind for i, t in enumerate(self.tokens)]
        code, self.by_number = "".join(kinds), last is not None
        code = re.sub(r"[hz](?=v)", "", code)  # "higher dropout (0.2)"
        for word, of_setting, of_result in (("h", "m", "u"), ("z", "l", "d")):
            code = re.sub(rf"(?<=[mlhz]f){word}|{word}(?=[Cg])", of_result, code)
            code = re.sub(rf"{word}(?=f)|(?<=f){word}", of_setting, code)
            code = code.replace(word, of_result)
        turned = sum(kind in "ud" for kind in code) > sum(kind in "ud" for kind in kinds)
        self.by_number |= turned or any(t.kind in "UDud*" and _OF_NUMBER.search(t.text) for t in self.tokens)
        return re.sub(r"[sRCVTEg1]", "", code).replace("e>", "=")  # "makes no difference compared with"

    def claim(self) -> Claim | None:
        """The clause as a claim, or None when it is none or not surely read."""
        if not self._understood():
            return None
        plain = self.code.replace("&", "")
        groups = {"U" if kind in "XU+-=!uDdc" else "o" if kind in "oijk" else kind for kind in plain if kind in _SAYING}
        if "o" in groups:
            return self._importance(plain)
        if groups == {"*", "U"} and self.gap is not None and not self.factors:
            return self._best(plain)
        if not groups:
            return self._best(plain) if "w" in plain and (self.factors or self.labels) else None
        forms = {"x": self._fails, "e": self._no_effect, "*": self._best}
        kind = groups.pop()
        if groups:
            return None
        return forms[kind](plain) if kind in forms else self._compared()

    def _understood(self) -> bool:
        """Whether nothing is left over, and the sentence speaks of the results that the table gives."""
        measure, kinds = self.context.measure, {t.kind for t in self.tokens}
        if "b" in kinds and self.context.base is None:
            return False  # which trial "the baseline" is, the record does not say
        if {"%", "b"} <= kinds:
            return False  # "the baseline of 70 %" may be another one
        if kinds & {"?", "~", "X", "0"} or ("1" in kinds and not kinds & set("xmlhz")):
            return False
        if measure.kind is MeasureKind.LOSS and self.by_number and "E" not in kinds:
            return False  # a lower loss is better
        if ("V" in kinds and measure.split != "validation") or ("T" in kinds and measure.split == "validation"):
            return False
        if "C" in kinds and measure.kind is not MeasureKind.SHARE:
            return False
        metrics = [t.text.lower() for t in self.tokens if t.kind == "E"]
        fails = "x" in kinds and set(metrics) <= {"loss", "损失"}
        return fails or all(metric in measure.name.lower() for metric in metrics)

    # -- forms -------------------------------------------------------------------------------------

    def _importance(self, plain: str) -> Claim | None:
        """ "Learning rate matters more than rank", "importance: rank > epochs", "影响最大的是学习率，其次是秩"."""
        names = tuple(m.factor for m in self.factors)
        order = names[::-1] if re.search("[jD]", plain) else names
        forms = r"f[jk]>?f|f[>D]f[jk]|of(?:G*f)+|f(?:G*f)+o|(?:fi|if)(?:Gf)*"
        if not re.fullmatch(forms, plain) or len(set(names)) < len(names):
            return None
        order = order if len(names) > 1 else ()
        return replace(self.base, kind=ClaimKind.IMPORTANCE, factor=(order or names)[0], order=order, trials=())

    def _fails(self, plain: str) -> Claim | None:
        """ "A learning rate above 0.001 fails"."""
        if not re.fullmatch(r"[ml]*[fv]?[LM]?y?[ml]*x[fv]?[LM]?", plain) or len(self.factors) != 1:
            return None
        mention, limit = self.factors[0], next((t for t in self.tokens if t.kind in "LM"), None)
        if limit is not None and not mention.values and isinstance(limit.value, float):
            level = level_of(mention.factor, limit.value)
            return self._boundary(mention.factor, level, -1 if limit.kind == "M" else 1)
        if limit is not None or not mention.values:
            return None
        side = mention.side or int("y" in plain)
        found = self._boundary(mention.factor, mention.values[-1], side or 1, exact=not side)
        inclusive = any(t.kind == "y" and t.text != "以上" for t in self.tokens)  # which may mean "above"
        return replace(found, inclusive=inclusive) if found else None

    def _boundary(self, factor: str, level: Level | None, direction: int, exact: bool = False) -> Claim | None:
        if isinstance(level, bool) or not isinstance(level, int | float):
            return None
        return replace(
            self.base, kind=ClaimKind.BOUNDARY, factor=factor, levels=(level,), direction=direction, exact=exact,
            trials=(),
        )  # fmt: skip

    def _no_effect(self, plain: str) -> Claim | None:
        if not re.fullmatch(r"[ml]?[fvpq]?[ml]?e[fvpq]?", plain) or len(self.factors) > 1:
            return None
        if not self.factors:
            return self._trials((), 0, 0) if self.context.trial else None
        mention = self.factors[0]
        return None if mention.side else replace(
            self.base, kind=ClaimKind.NO_EFFECT, factor=mention.factor, levels=mention.values, direction=0, trials=()
        )  # fmt: skip

    def _best(self, plain: str) -> Claim | None:
        """ "lr=1e-3 is optimal", "the sweet spot is 2e-4 to 1e-3", "exp16 is the best so far"."""
        if not re.fullmatch(r"[fvpqtbw*nr>LUu%]+", plain) or len(self.labels) > 1:
            return None
        if self.labels and re.search("[nrLM]", plain):
            return None  # "run 3 or 4 is best"
        if "b" in plain and not self.context.has_baseline:
            return None
        if ("b" in plain and self.gap is None) or any(m.side for m in self.factors):
            return None
        by_number = any(re.search("highest|高", t.text, re.IGNORECASE) for t in self.tokens if t.kind == "*")
        if by_number and self.context.measure.kind is MeasureKind.LOSS:
            return None  # the highest loss is the worst
        if by_number and self.factors and not any(t.kind in "CE" for t in self.tokens):
            return None  # "the highest learning rate is 2e-3"
        kinds = {t.kind for t in self.tokens}
        in_round = "R" in kinds or (self.context.round.isdigit() and not OF_ALL.search(self.base.text))
        within = round_of(self.base.text) or (self.context.round if in_round else "")
        base = replace(self.base, so_far="s" in kinds, round=within, gap=self.gap)
        base = replace(base, against_trials=("baseline",)) if self.gap is not None else base
        valued = [m for m in self.factors if m.values]
        if self.labels:
            return (
                None if valued or ">t" in plain else replace(base, kind=ClaimKind.BEST_TRIAL, trials=tuple(self.labels))
            )
        if len({m.factor for m in self.factors}) > 1 and re.search(r"[fvpq].*[*w].*[fvpq]", plain):
            return None  # "dropout 0.1 is best with r=32"
        if len(valued) > 1 and _CONDITION.match(self.base.text):
            return None  # "with r=32, lr 3e-4 is best"
        if re.fullmatch(r"[*w]*v{2,}[*w]*", plain) and len({m.factor for m in valued}) == len(valued):
            return replace(base, kind=ClaimKind.BEST_TRIAL, trials=(), values={m.factor: m.values[0] for m in valued})
        if len(self.factors) == 1 or (len(valued) == 1 and valued[0].factor == self.factors[-1].factor):
            return self._best_level(base, (valued or self.factors)[0])  # "rank 16 is the best rank"
        if not self.factors and self.context.trial and not re.search("[nr]", plain):
            return replace(base, kind=ClaimKind.BEST_TRIAL)
        return None

    def _best_level(self, base: Claim, mention: Mention) -> Claim | None:
        levels = mention.values
        is_range = mention.joined in ("range", "to") and len(levels) == 2
        others = [t.value for t in self.tokens if t.kind in "nr"]
        if others:  # "4e-4 is the sweet spot for the learning rate"
            numbers = others[0] if isinstance(others[0], tuple) else (others[0],)
            read = [level_of(mention.factor, number) for number in numbers if isinstance(number, float)]
            if levels or len(others) > 1 or None in read:
                return None
            levels, is_range = tuple(read), len(read) == 2
        if not levels:
            return None
        return replace(
            base, kind=ClaimKind.BEST_LEVEL, factor=mention.factor, levels=levels, is_range=is_range, trials=()
        )

    def _compared(self) -> Claim | None:
        """Better, worse, the same, no better: of two trials, two levels, more of a factor, or the row's own trial."""
        direction, no_more = self._direction()
        if self.context.measure.kind is MeasureKind.LOSS and self.by_number and direction is not None:
            direction, no_more = -direction, -no_more
        sides = self._sides()
        if direction is None or sides is None or any(t.kind == "R" for t in self.tokens):
            return None
        first, second = sides
        if "w" in self.code:
            best = first is not None and first.kind == "w" and second is not None and second.kind == "b"
            return self._trials(("best", "baseline"), direction, no_more) if best and not self.factors else None
        named = [t for t in sides if t is not None]
        if any(t.kind == "t" for t in named) or not self.factors:
            if self.factors or any(t.kind in "nr" for t in named):
                return None
            names = tuple(str(t.value) if t.kind == "t" else "baseline" for t in named)
            if first is None and self.context.trial:
                return self._trials((self.context.trial, *names), direction, no_more)
            return self._trials(names, direction, no_more) if first is not None and first.kind == "t" else None
        return self._of_settings(first, second, direction, no_more)

    def _direction(self) -> tuple[int | None, int]:
        """+1 better, -1 worse, 0 no difference; and of 0 which side alone is denied. None: several."""
        up, down = bool(re.search("[uU]", self.code)), bool(re.search("[dD]", self.code))
        denied = set(self.code) & set("+-=")
        if denied:
            return (None, 0) if len(denied) > 1 or up or down else (0, {"+": 1, "-": -1, "=": 0}[denied.pop()])
        if "!" in self.code and not (up and down):
            return 0, -1 if down else 1
        return (None, 0) if up == down else (1 if up else -1, 0)

    def _sides(self) -> tuple[Token | None, Token | None] | None:
        """What is judged, and what it is compared with; None when that is not sure."""
        order = re.sub(r"[ud+mlLM%-]", "", re.sub(r"[UD!>]+", ">", self.code))
        entities = [t for t in self.tokens if t.kind in "fvpqtbwnr"]
        for form, sides in _SIDES:
            if re.fullmatch(form, re.sub(r"[fvpqtbwnr]", "x", order)):
                first, second = (entities[i] if i is not None else None for i in sides)
                if first is not None and first.kind == "b" and second is None and self.context.trial:
                    return None, first  # "与基线持平" in a row
                return first, second
        return None

    def _of_settings(self, first: Token | None, second: Token | None, direction: int, no_more: int) -> Claim | None:
        said = first or second
        mention = said.value if said is not None else None
        if not isinstance(mention, Mention) or any(m.side or m.factor != mention.factor for m in self.factors):
            return None
        if re.search("[LM%]", self.code):
            return None
        if not mention.values:
            return self._trend(mention, direction, no_more) if second is None else None
        if first is None:  # "worse than r=16" in a row: the row's own level
            own = (self.context.values or {}).get(mention.factor)
            return None if own is None else self._levels(mention.factor, (own,), mention, direction, no_more)
        if second is None:
            if len(mention.values) == 2 and (mention.joined in ("to", "range") or direction == 0):
                then, now = mention.values if mention.joined != "list" else mention.values[::-1]
                against = replace(mention, values=(then,), joined="")
                return self._levels(mention.factor, (now,), against, direction, no_more)
            return self._levels(mention.factor, mention.values, None, direction, no_more)
        other: Mention | None = None
        if second.kind == "n" and isinstance(second.value, float):
            level = level_of(mention.factor, second.value)
            other = replace(mention, values=(level,), joined="") if level is not None else None
        elif isinstance(second.value, Mention):
            other = second.value
        if (other is None or not other.values) and second.kind != "b":
            return None
        if mention.joined in ("to", "range") or (other is not None and other.joined in ("to", "range")):
            return None
        return self._levels(mention.factor, mention.values, other, direction, no_more)

    def _levels(
        self, factor: str, levels: tuple[Level, ...], other: Mention | None, direction: int, no_more: int
    ) -> Claim | None:
        against = other.values if other is not None else ()
        if (other is not None and other.factor != factor) or set(levels) & set(against):
            return None
        if not against and (not self.context.has_baseline or (self.context.base or {}).get(factor) in levels):
            return None
        return replace(self.base, kind=ClaimKind.LEVELS, factor=factor, levels=levels, against=against,
                       direction=direction, no_more=no_more, gap=self.gap)  # fmt: skip

    def _trend(self, mention: Mention, direction: int, no_more: int) -> Claim | None:
        more, less = "m" in self.code, "l" in self.code
        if FACTOR_KINDS[mention.factor].value_type is bool:
            return None if more or less else replace(
                self.base, kind=ClaimKind.LEVELS, factor=mention.factor, levels=(True,), direction=direction,
                no_more=no_more,
            )  # fmt: skip
        if self.context.trial and (more or less):  # a row's remark speaks of the row
            return self._trials((self.context.trial,), direction, no_more)
        if more == less:
            return None
        sign = -1 if less else 1
        return replace(self.base, kind=ClaimKind.TREND, factor=mention.factor, direction=direction * sign,
                       no_more=no_more * sign, gap=self.gap, trials=())  # fmt: skip

    def _trials(self, names: tuple[str, ...], direction: int, no_more: int) -> Claim | None:
        in_row = self.context.trial is not None
        subject = names[0] if names else self.context.trial
        against = names[1] if len(names) > 1 else (self.context.builds_on if in_row else None)
        if against is None and self.context.has_baseline and in_row:
            against = "baseline"
        if subject is None or against is None or subject == against:
            return None
        return replace(self.base, kind=ClaimKind.TRIALS, trials=(subject,), against_trials=(against,),
                       direction=direction, no_more=no_more, gap=self.gap)  # fmt: skip


_OF_NUMBER = re.compile(
    r"below|above|exceed|high|low|peak|drop|f[ae]ll|decreas|reduc|declin|rais|increas|record|surpass|[高低超]|下[降滑]|上升",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\W*(?:(?:with|at|for|under|when|if|given|in|using)\b[^,]{1,40},|[^,，]{1,24}[时下][,，的]?)", re.IGNORECASE
)
"""What begins a sentence about trials of one level of another setting."""
_SAYING = frozenset("xe+-!=oijk*UDudc")
_SIDES: tuple[tuple[str, tuple[int | None, int | None]], ...] = (
    (r"x=?", (0, None)),  # "r=32 helps", "r=8 and r=32 are the same"
    (r"=?", (None, None)),  # "better", "no difference" in a row
    (r"x&?[>=]x=?", (0, 1)),  # "r=32 is better than r=8", "r=32 比 r=8 好"
    (r"[>=&]+x=?", (None, 0)),  # "better than r=8" in a row, "与 r=8 持平"
    (r"[>c]x&?x", (1, 0)),  # "compared with r=8, r=32 gains"
    (r"&xc", (None, 0)),  # "与基线相比" in a row
    (r"&xcx", (1, 0)),  # "与 r=8 相比，r=32 更好"
    (r"x&?cx", (0, 1)),  # "r=32 相比 r=8 更好"
    (r"x&?x=", (0, 1)),  # "r=32 与 r=8 相同"
)
"""What stands in a clause without its words of direction (x: a setting, trial, baseline or number), and which of these
is judged and which it is compared with."""


def _gap(tokens: Sequence[Token]) -> Difference | None:
    if len(tokens) != 1 or not isinstance(tokens[0].value, float):
        return None
    number = re.search(NUMBER, tokens[0].text)
    places = len(number.group().partition(".")[2]) if number else 0
    points = re.search(r"point|pp|pt|点", tokens[0].text, re.IGNORECASE) is not None
    return Difference(tokens[0].value, 10.0**-places, points)


_SAID = re.compile(
    rf"\W{{0,3}}(?:(?:with|at|reach\w*|achiev\w*|got|gets|scor\w*|has|had|is|was|gives?|gave|an?|the|of|overall|test|"
    rf"accuracy|acc|的|总体|测试|准确率|正确率|精度|为|是|达到?|取得|了|[:=])\s?){{0,6}}({NUMBER}\s?(%?))"
    r"(?=\s?(?:$|[^\w\s.>-]|\.(?!\d)|and\b|on\b|but\b|accuracy\b|acc\b))",
    re.IGNORECASE,
)
_OTHER_RESULT = re.compile(r"\bval|\bdev\b|train|loss|\bf1\b|验证|训练|损失|开发集", re.IGNORECASE)
_ACCURACY = re.compile(r"accuracy|\bacc\b|准确率|正确率|精度", re.IGNORECASE)


def said_of(statement: Statement, labels: re.Pattern[str] | None = None) -> list[Said]:
    """The accuracies that a line of text gives right behind a trial's name: "exp5 achieved 57.5%". A number without a
    per cent sign counts where the word accuracy stands before it."""
    found = []
    for label, _, end in trial_labels(statement.text, labels):
        match = _SAID.match(statement.text, end)
        other = _OTHER_RESULT.search(statement.text, end)
        if match and not other and (match.group(2) or _ACCURACY.search(match.group(0))):
            score = share_of(match.group(1))
            found += [Said(label, score, statement.line, statement.section)] if score else []
    return found


def share_of(text: str) -> Score | None:
    """An accuracy in a sentence; above 1 it is in per cent."""
    number = read_number(text)
    if not isinstance(number, Number) or not 0 <= number.value <= 100:
        return None
    scale = 100.0 if number.percent or number.value > 1 else 1.0
    return Score(number.value / scale, number.unit / scale)
