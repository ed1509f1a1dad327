"""Sentences of a record to claims: "r=32 is better than r=8", "学习率超过 0.001 会导致训练失败".

Only forms that are read for certain become claims: every word of the sentence (or of its clause) must be known, and it
must say one thing. Any other sentence with a word of comparison, failure, importance or advice is kept as `unread`, so
that none is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tunebook.audit.model import Claim, ClaimKind, Difference, Measure, MeasureKind, Said, Score
from tunebook.audit.read.cells import Number, read_number
from tunebook.audit.read.documents import Statement
from tunebook.audit.read.levels import level_of
from tunebook.audit.read.lexicon import Token, cut
from tunebook.audit.read.mentions import NUMBER, Mention, trial_labels
from tunebook.audit.read.vocabulary import round_of, split_words
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = ["Context", "claims_of", "said_of"]

_NO_MEASURE = Measure("")


@dataclass(frozen=True)
class Context:
    """Where a sentence stands: the trial of its table row with that row's settings and what it builds on, empty for
    running text; its round; `labels` finds the record's labels that have a form of their own; `measure` is what the
    results are. `has_baseline`: the record names its baseline, so that "better" by itself is better than that."""

    trial: str | None = None
    values: Mapping[str, Level] | None = None
    builds_on: str | None = None
    labels: re.Pattern[str] | None = None
    round: str = ""
    measure: Measure = _NO_MEASURE
    has_baseline: bool = True


_NOT_A_CLAIM = re.compile(
    r"^\W{0,6}(?:(?:not (?:known|shown)|unknown|goals?|aims?|purpose|objective|hypothes[ie]s|question|"
    r"next(?: steps?)?|plan|idea|todo)\b|(?:try|test whether|find out|see whether)\s|"
    r"(?:本轮|实验)?(?:未知|尚不清楚|目标|目的|假设|问题|下一步|计划|思路|方法|待办|验证)\w{0,4}\s?[:：])|[?？]\W*$",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?:[。；!！\n]|(?<!TL);)+|[.?](?=\s|$)")
_CLAUSES = re.compile(
    r"[,，](?!\d{3}(?!\d))\s?|[:：]\s?|\s(?:but|while|whereas|and so)\s|\s-\s|但是|但|而且|并且|不过|然而"
)
_CONJUNCTION = re.compile(r"^\s*(?:(?:but|and|while|whereas|however|yet|so)\s|但是?|而)", re.IGNORECASE)
_RESTRICTS = re.compile(
    r"\b(?:only|if|when|unless|except|provided|for|on|in|not|without|within|until|at|with|after|once|may|might)\b|"
    r"n't|[只仅若除当]|"
    r"如果|情况下|前提|可能|或许|不一定|[下时]$",
    re.IGNORECASE,
)
_CLAIMING = set(
    split_words(
        "FAIL|NOFAIL|NOEFF|NODOWN|NOUP|SAME|ORDER|IMP|IMPLESS|IMPMORE|W|BEST|WORST|"
        "UPTHAN|DOWNTHAN|UP|DOWN|GT|RECOMMEND|BAD|BADLOW|GAP|VAGUE"
    )
)
_SILENT = {"SOFAR", "THISROUND", "TO", "ACCURACY", "AND"}
_DIRECTIONS = ("HIGHER", "LOWER", "MORE", "LESS")
_UPS, _DOWNS = {"UP", "UPTHAN"}, {"DOWN", "DOWNTHAN"}
_ENTITIES = ("F", "T", "B", "PREVIOUS", "NUM")


def claims_of(statement: Statement, context: Context | None = None) -> list[Claim]:
    """The claims of one line of text, in order; what claims something and was not read among them as `UNREAD`."""
    context = context or Context()
    if _NOT_A_CLAIM.search(statement.text):
        return []
    found: list[Claim] = []
    before: list[Token] = []
    for sentence in _SENTENCES.split(statement.text):
        tokens = cut(sentence, context.labels)
        claiming = {t.kind for t in tokens if t.kind in _CLAIMING}
        about = context.trial or any(
            t.kind in ("F", "T", "B", "GAP", "LIMIT", "NUM", "SHARE", "ACCURACY") for t in tokens
        )
        kinds = {t.kind for t in tokens}
        beside = {"UNKNOWN", "METRIC", "ACCURACY", "GAP", "B", "T"}
        vague = kinds & {"THAN", "NOTTHAN", "COMPARED"} or (kinds & beside and kinds & {"HIGHER", "LOWER"})
        if about and (vague or any(t.kind == "F" and re.search(r"[<>]", t.text) for t in tokens)):
            claiming |= {"VAGUE"}
        if claiming and (about or claiming - {"SAME", "W", "BEST", "GT"}):
            found += _claims(sentence, tokens, statement, context, before)
        before = tokens or before
    return found


def _claims(
    sentence: str, tokens: list[Token], statement: Statement, context: Context, before: Sequence[Token]
) -> list[Claim]:
    """The whole sentence as one claim, else clause by clause. A clause that was not read and may restrict the others,
    by a setting, a trial, a number or a word such as "only", leaves the whole sentence unread."""
    base = Claim(
        kind=ClaimKind.UNREAD,
        text=sentence.strip(" ,-*•:："),
        line=statement.line,
        section=statement.section,
        trials=(context.trial,) if context.trial else (),
    )
    whole = _Form(base, tokens, context, before).claim()
    if whole is not None:
        return [whole]
    read: list[Claim] = []
    unread = False
    last = list(before)
    for part in (p for p in _CLAUSES.split(sentence) if p.strip()):
        part = _CONJUNCTION.sub("", part)
        pieces = cut(part, context.labels)
        claims_something = any(t.kind in _CLAIMING or t.kind in ("HIGHER", "LOWER") for t in pieces)
        clause = replace(base, text=part.strip(" ,-*•:："))
        claim = _Form(clause, pieces, context, last).claim() if claims_something else None
        if claim is not None:
            read.append(claim)
        elif any(t.kind in (*_ENTITIES, "LIMIT", "LIMITLOW") for t in pieces) or _RESTRICTS.search(part):
            return [base]
        else:
            unread = unread or claims_something
        last = pieces or last
    if not read and context.trial and {t.kind for t in tokens if t.kind in _CLAIMING} <= {"FAIL", "NOFAIL"}:
        return []  # "diverged" in a row says what its result says
    return read + ([base] if unread or not read else [])


class _Form:
    """One clause, held against the forms that are read for certain."""

    def __init__(self, base: Claim, tokens: Sequence[Token], context: Context, before: Sequence[Token]) -> None:
        self.base = base
        self.context = context
        self.before = before
        self.tokens = self._settled(tokens)
        self.kinds = {t.kind for t in self.tokens}
        self.tokens = self._spoken_of(self.tokens)
        self.factors = [t.value for t in self.tokens if isinstance(t.value, Mention)]
        self.labels = [str(t.value) for t in self.tokens if t.kind == "T"]
        self.numbers = [t.value for t in self.tokens if t.kind == "NUM" and isinstance(t.value, float)]
        self.gap = _gap([t for t in self.tokens if t.kind == "GAP"])

    def _settled(self, tokens: Sequence[Token]) -> list[Token]:
        """ "Higher" beside a setting without a value is its direction, elsewhere the result's."""
        result: list[Token] = []
        for i, token in enumerate(tokens):
            if token.kind in ("HIGHER", "LOWER"):
                of_result = tokens[i + 1].kind in ("ACCURACY", "GAP") if i + 1 < len(tokens) else False
                turned = i > 1 and tokens[i - 1].kind == "F" and tokens[i - 2].kind in _DIRECTIONS
                sides = [] if of_result or turned else [tokens[j] for j in (i - 1, i + 1) if 0 <= j < len(tokens)]
                beside = any(t.kind == "F" and isinstance(t.value, Mention) and not t.value.values for t in sides)
                following = tokens[i + 1].value if i + 1 < len(tokens) else None
                if isinstance(following, Mention) and following.values:
                    continue  # "higher dropout (0.2)"
                up = token.kind == "HIGHER"
                kind = ("MORE" if up else "LESS") if beside else ("UP" if up else "DOWN")
                token = Token(kind, token.text)
            elif token.kind == "IT" and self.context.trial is None:
                named = [t for t in self.before if t.kind == "T"]
                token = Token("T", token.text, named[0].value) if len(named) == 1 else Token("UNKNOWN", token.text)
            result.append(token)
        return [t for t in result if t.kind not in ("IT",)]

    def _spoken_of(self, tokens: list[Token]) -> list[Token]:
        """ "From 3e-4 to 9e-4" with no factor of its own speaks of the one in the clause before."""
        numbers = [i for i, t in enumerate(tokens) if t.kind == "NUM"]
        spoken = {t.value.factor for t in self.before if isinstance(t.value, Mention)}
        if len(numbers) != 2 or len(spoken) != 1 or any(t.kind == "F" for t in tokens):
            return tokens
        first, last = numbers
        between = [t.kind for t in tokens[first + 1 : last]]
        levels = [level_of(next(iter(spoken)), float(str(tokens[i].value))) for i in numbers]
        if between != ["TO"] or None in levels:
            return tokens
        mention = Mention(next(iter(spoken)), tuple(levels), 0, 0, "to")
        return [*tokens[:first], Token("F", "", mention), *tokens[last + 1 :]]

    def claim(self) -> Claim | None:
        kinds = self.kinds
        if not self._understood():
            return None
        said = kinds & (_CLAIMING - {"GAP", "GT", "W", "BAD", "BADLOW"})
        groups = {self._group(kind) for kind in said}
        if "ORDER" in kinds or ("GT" in kinds and not groups):
            return self._order()
        if len(groups) == 1:
            form = {
                "FAIL": self._fails,
                "NOEFF": self._no_effect,
                "IMP": self._important,
                "IMPMORE": self._more_important,
                "BEST": self._best,
                "COMPARED": self._compared,
            }[groups.pop()]
            return form()
        if groups == {"BEST", "COMPARED"} and "GAP" in kinds and not self.factors:
            return self._best()
        if not groups and "W" in kinds and (self.factors or self.labels):
            return self._best()
        return self._compared() if not groups and kinds & {"BAD", "BADLOW"} and self.context.trial else None

    @staticmethod
    def _group(kind: str) -> str:
        if kind in ("IMPLESS", "IMPMORE"):
            return "IMPMORE"
        return kind if kind in ("FAIL", "NOEFF", "IMP", "BEST") else "COMPARED"

    def _understood(self) -> bool:
        """Whether nothing is left over, and the sentence speaks of the results that the table gives."""
        measure = self.context.measure
        if self.kinds & {"UNKNOWN", "RECOMMEND", "WORST", "NOFAIL", "PREVIOUS", "VAGUE"}:
            return False
        if "VALIDATION" in self.kinds and measure.split != "validation":
            return False
        if "TEST" in self.kinds and measure.split == "validation":
            return False
        if "ACCURACY" in self.kinds and measure.kind is not MeasureKind.SHARE:
            return False
        metrics = [t.text.lower() for t in self.tokens if t.kind == "METRIC"]
        fails = "FAIL" in self.kinds and set(metrics) <= {"loss", "损失"}
        return fails or all(metric in measure.name.lower() for metric in metrics)

    # -- forms -------------------------------------------------------------------------------------

    def _order(self) -> Claim | None:
        """ "Importance: learning rate > rank > epochs", or "4 epochs > 3 epochs"."""
        if self.kinds - _SILENT - {"F", "GT", "ORDER"} or len(self.factors) < 2:
            return None
        names = tuple(m.factor for m in self.factors)
        if "ORDER" in self.kinds and len(set(names)) == len(names) and not any(m.values for m in self.factors):
            return replace(self.base, kind=ClaimKind.IMPORTANCE, factor=names[0], order=names, trials=())
        if "ORDER" in self.kinds or len(self.factors) != 2:
            return None
        return self._levels(self.factors[0], self.factors[1], 1, 0)

    def _fails(self) -> Claim | None:
        """ "A learning rate above 0.001 fails"; the factor may stand in the clause before; in a row its own value."""
        allowed = _SILENT | {"F", "FAIL", "LIMIT", "LIMITLOW", "METRIC", "BAD", "BADLOW", "MORE", "LESS", "BEYOND"}
        limits = [t for t in self.tokens if t.kind in ("LIMIT", "LIMITLOW")]
        if self.kinds - allowed or len(self.factors) > 1 or len(limits) > 1:
            return None
        if limits and not (self.factors and self.factors[0].values):
            spoken = self.factors or [t.value for t in self.before if isinstance(t.value, Mention)]
            number = limits[0].value
            if len({m.factor for m in spoken}) != 1 or not isinstance(number, float):
                return None
            level = level_of(spoken[0].factor, number)
            return self._boundary(spoken[0].factor, level, -1 if limits[0].kind == "LIMITLOW" else 1)
        if not self.factors:
            return None
        mention = self.factors[0]
        if self.kinds & {"MORE", "LESS"} and not mention.values:
            return None
        own = (self.context.values or {}).get(mention.factor)
        level = mention.values[-1] if mention.values else own
        if len(mention.values) > 1:
            return None
        side = self._side(mention) or ("BADLOW" not in self.kinds) - ("BAD" not in self.kinds)
        side = side or (1 if "BEYOND" in self.kinds else 0)
        return self._boundary(mention.factor, level, side or 1, exact=not side)

    def _boundary(self, factor: str, level: Level | None, direction: int, exact: bool = False) -> Claim | None:
        if isinstance(level, bool) or not isinstance(level, int | float):
            return None
        return replace(
            self.base, kind=ClaimKind.BOUNDARY, factor=factor, levels=(level,), direction=direction, exact=exact,
            trials=(),
        )  # fmt: skip

    def _side(self, mention: Mention) -> int:
        """+1 for "above" inside a mention ("rank above 16"), -1 for "below", 0 without."""
        text = next(t.text for t in self.tokens if t.value is mention)
        if re.search(r"above|beyond|over\b|higher|larger|greater|超过|高于|大于|>|≥", text, re.IGNORECASE):
            return 1
        return -1 if re.search(r"below|under\b|lower|smaller|低于|小于|<|≤", text, re.IGNORECASE) else 0

    def _no_effect(self) -> Claim | None:
        if self.kinds - _SILENT - {"F", "NOEFF", "TEST", "VALIDATION", "MORE", "LESS"} or len(self.factors) > 1:
            return None
        if self.factors:
            mention = self.factors[0]
            if self._side(mention):
                return None
            return replace(self.base, kind=ClaimKind.NO_EFFECT, factor=mention.factor, levels=mention.values,
                           direction=0,                            trials=())  # fmt: skip
        return self._trials((), 0, 0) if self.context.trial else None

    def _important(self) -> Claim | None:
        if (
            self.kinds - _SILENT - {"F", "IMP", "TEST", "VALIDATION"}
            or len(self.factors) != 1
            or self.factors[0].values
        ):
            return None
        return replace(self.base, kind=ClaimKind.IMPORTANCE, factor=self.factors[0].factor, trials=())

    def _more_important(self) -> Claim | None:
        """ "Learning rate matters more than rank", "秩的影响小于学习率"."""
        if self.kinds - _SILENT - {"F", "IMPLESS", "IMPMORE", "THAN", "DOWNTHAN", "BIG"} or len(self.factors) != 2:
            return None
        first, second = (m.factor for m in self.factors)
        if first == second or any(m.values for m in self.factors):
            return None
        less = "IMPLESS" in self.kinds or "DOWNTHAN" in self.kinds
        order = (second, first) if less else (first, second)
        return replace(self.base, kind=ClaimKind.IMPORTANCE, factor=order[0], order=order, trials=())

    def _best(self) -> Claim | None:
        allowed = _SILENT | {
            "F",
            "T",
            "B",
            "BEST",
            "W",
            "NUM",
            "GAP",
            "THAN",
            "TEST",
            "VALIDATION",
            "SHARE",
            "LIMIT",
            "UPTHAN",
            "UP",
        }
        if self.kinds - allowed or len(self.labels) > 1 or ("B" in self.kinds and "GAP" not in self.kinds):
            return None
        text = self.base.text
        within = round_of(text) or (self.context.round if "THISROUND" in self.kinds else "")
        base = replace(self.base, so_far="SOFAR" in self.kinds, round=within, gap=self.gap)
        if self.gap is not None:
            base = replace(base, against_trials=("baseline",))
        valued = [m for m in self.factors if m.values]
        if any(self._side(m) for m in valued) or (self.labels and valued):
            return None
        if self.labels:
            return replace(base, kind=ClaimKind.BEST_TRIAL, trials=tuple(self.labels))
        order = "".join(t.kind[0] for t in self.tokens if t.kind in ("F", "BEST", "W"))
        if re.search(r"F[BW]+F", order):  # "dropout 0.1 is best with r=32"
            return None
        if len(valued) > 1 and len({m.factor for m in valued}) == len(valued) and len(valued) == len(self.factors):
            if any(len(m.values) > 1 for m in valued):
                return None
            return replace(base, kind=ClaimKind.BEST_TRIAL, trials=(), values={m.factor: m.values[0] for m in valued})
        if len(self.factors) == 1:
            return self._best_level(base, self.factors[0])
        if not self.factors and self.context.trial and "NUM" not in self.kinds:
            return replace(base, kind=ClaimKind.BEST_TRIAL)
        return None

    def _best_level(self, base: Claim, mention: Mention) -> Claim | None:
        levels = mention.values
        is_range = mention.joined in ("range", "to") and len(levels) == 2
        if not levels and self.numbers:  # "4e-4 is the sweet spot for the learning rate"
            read = [level_of(mention.factor, number) for number in self.numbers]
            if len(read) > 2 or any(level is None for level in read) or (len(read) == 2 and "TO" not in self.kinds):
                return None
            levels, is_range = tuple(read), len(read) == 2
        elif self.numbers:
            return None
        if not levels or "MORE" in self.kinds or "LESS" in self.kinds:
            return None
        return replace(
            base, kind=ClaimKind.BEST_LEVEL, factor=mention.factor, levels=levels, is_range=is_range, trials=()
        )

    def _compared(self) -> Claim | None:
        """Better, worse, the same, no better: of two trials, two levels, more of a factor, or the row's own trial."""
        direction, no_more = self._direction()
        if direction is None:
            return None
        first, second = self._sides()
        if len(first) > 1 or len(second) > 1:
            return None
        if not second and self.kinds & {"THAN", "NOTTHAN", "UPTHAN", "DOWNTHAN", "COMPARED"}:
            return None  # "above 70 %"
        if "W" in self.kinds:
            against = not first and [t.kind for t in second] in (["B"], []) and "B" in self.kinds
            return self._trials(("best", "baseline"), direction, no_more) if against and not self.factors else None
        if any(t.kind == "T" for t in (*first, *second)) or not self.factors:
            if self.factors or self.numbers:
                return None
            names = [str(t.value) if t.kind == "T" else "baseline" for t in (*first, *second)]
            if not first:
                if self.context.trial is None:
                    return None
                return self._trials((self.context.trial, *names), direction, no_more)
            return self._trials(tuple(names), direction, no_more) if first[0].kind == "T" else None
        return self._of_settings(first, second, direction, no_more)

    def _direction(self) -> tuple[int | None, int]:
        kinds = self.kinds
        up, down = bool(kinds & _UPS), bool(kinds & _DOWNS)
        if kinds & {"NOUP", "NODOWN", "SAME"}:
            if len(kinds & {"NOUP", "NODOWN", "SAME"}) > 1 or up or down or kinds & {"BAD", "BADLOW"}:
                return None, 0
            return 0, 1 if "NOUP" in kinds else -1 if "NODOWN" in kinds else 0
        if "NOTTHAN" in kinds:
            return (None, 0) if up == down else (0, 1 if up else -1)
        if kinds & {"BAD", "BADLOW"}:
            down = True
        return (None, 0) if up == down else (1 if up else -1, 0)

    def _sides(self) -> tuple[list[Token], list[Token]]:
        """The entities compared: what is judged, and what it is compared with."""
        comparing = {"THAN", "NOTTHAN", "UPTHAN", "DOWNTHAN"}
        tokens = [t for t in self.tokens if t.kind in (*_ENTITIES, *comparing, "COMPARED", "AND", "SAME")]
        first: list[Token] = []
        second: list[Token] = []
        after = "SAME" in self.kinds and tokens and tokens[0].kind == "AND"
        for token in tokens:
            paired = bool(first) and "SAME" in self.kinds and token.kind in ("SAME", "AND")
            if token.kind in comparing or paired:
                after = True
            elif token.kind == "COMPARED":  # "与 B 相比，A …", and "A 相比 B …"
                named_before = bool(first) and tokens[0].kind == "AND"
                if named_before:
                    first, second = [], first
                after = not named_before
            elif token.kind in _ENTITIES:
                (second if after else first).append(token)
                after = bool(first) and after
        if any(t.kind == "B" for t in first) and not second and self.context.trial:
            first, second = [], first
        return first, second

    def _of_settings(self, first: list[Token], second: list[Token], direction: int, no_more: int) -> Claim | None:
        mention = first[0].value if first else second[0].value
        if not isinstance(mention, Mention) or self._side(mention) or len({m.factor for m in self.factors}) > 1:
            return None
        if self.kinds & {"LIMIT", "LIMITLOW", "SHARE"}:
            return None
        other = second[0] if first and second else None
        more, less = "MORE" in self.kinds, "LESS" in self.kinds
        if not mention.values:
            return self._trend(mention, more, less, direction, no_more) if other is None and not self.numbers else None
        if not first:  # "worse than r=16" in a row: the row's own level
            own = (self.context.values or {}).get(mention.factor)
            if own is None or own in mention.values:
                return None
            return self._levels(replace(mention, values=(own,), joined=""), mention, direction, no_more)
        if other is not None and other.kind == "NUM" and isinstance(other.value, float):
            level = level_of(mention.factor, other.value)
            return (
                None
                if level is None
                else self._levels(mention, replace(mention, values=(level,), joined=""), direction, no_more)
            )
        if other is not None and isinstance(other.value, Mention):
            return None if self._side(other.value) else self._levels(mention, other.value, direction, no_more)
        if other is not None and other.kind != "B":
            return None
        if mention.joined in ("to", "range") and len(mention.values) == 2:
            then, now = mention.values
            return self._levels(
                replace(mention, values=(now,), joined=""), replace(mention, values=(then,)), direction, no_more
            )
        if mention.joined == "list" and direction == 0 and len(mention.values) == 2:
            a, b = mention.values
            return self._levels(replace(mention, values=(a,), joined=""), replace(mention, values=(b,)), 0, no_more)
        return self._levels(mention, None, direction, no_more)

    def _levels(self, one: Mention, other: Mention | None, direction: int, no_more: int) -> Claim | None:
        if one.factor != (other or one).factor or not one.values or (other is not None and not other.values):
            return None
        if any(self._side(m) for m in self.factors) or "range" in (one.joined, other.joined if other else ""):
            return None
        levels, against = one.values, other.values if other else ()
        if set(levels) & set(against) or not (against or self.context.has_baseline):
            return None
        return replace(self.base, kind=ClaimKind.LEVELS, factor=one.factor, levels=levels, against=against,
                       direction=direction, no_more=no_more, gap=self.gap)  # fmt: skip

    def _trend(self, mention: Mention, more: bool, less: bool, direction: int, no_more: int) -> Claim | None:
        bad = bool(self.kinds & {"BAD", "BADLOW"})
        if FACTOR_KINDS[mention.factor].value_type is bool:
            return None if more or less else replace(
                self.base, kind=ClaimKind.LEVELS, factor=mention.factor, levels=(True,), direction=direction,
                no_more=no_more
            )  # fmt: skip
        if self.context.trial and (more or less or bad):  # a row's remark speaks of the row
            return self._trials((self.context.trial,), direction, no_more)
        if more == less:
            return None
        sign = -1 if less else 1
        return replace(self.base, kind=ClaimKind.TREND, factor=mention.factor, direction=direction * sign,
                       no_more=no_more * sign,                        gap=self.gap, trials=())  # fmt: skip

    def _trials(self, names: tuple[str, ...], direction: int, no_more: int) -> Claim | None:
        subject = names[0] if names else self.context.trial
        default = self.context.builds_on if self.context.trial else None
        against = names[1] if len(names) > 1 else default or "baseline"
        if len(names) < 2 and default is None and not (self.context.has_baseline and self.context.trial):
            return None
        if subject is None or subject == against:
            return None
        return replace(self.base, kind=ClaimKind.TRIALS, trials=(subject,), against_trials=(against,),
                       direction=direction,                        no_more=no_more, gap=self.gap)  # fmt: skip


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
_ACCURACY = re.compile(r"accuracy|\bacc\b|准确率|正确率|精度", re.IGNORECASE)


def said_of(statement: Statement, labels: re.Pattern[str] | None = None) -> list[Said]:
    """The accuracies that a line of text gives right behind a trial's name: "exp5 achieved 57.5%". A number without a
    per cent sign counts where the word accuracy stands before it."""
    found = []
    for label, _, end in trial_labels(statement.text, labels):
        match = _SAID.match(statement.text, end)
        if match and (match.group(2) or _ACCURACY.search(match.group(0))):
            number = read_number(match.group(1))
            if isinstance(number, Number) and 0 <= number.value <= 100:
                scale = 100.0 if number.percent or number.value > 1 else 1.0
                score = Score(number.value / scale, number.unit / scale)
                found.append(Said(label, score, statement.line, statement.section))
    return found
