"""The audit of a hand-written record as Markdown: how it was read, the answer, claim by claim, then the rest.

Here stand the order of the sections and what each sentence is told; the sentences come from the languages. Strangers'
text (trial names, quoted sentences, headings) is cleaned there, and every sentence and cell is escaped here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.report import AuditReport, TrialVerdict
from tunebook.audit.judge.structure import Boundary, Confounding, level_in
from tunebook.audit.judge.verdicts import Comparison, Reason, SupportVerdict
from tunebook.audit.labels import key_of
from tunebook.audit.model import ClaimKind, ColumnUse, MeasureKind, Note
from tunebook.audit.words.languages import AuditShared, ChineseAudit, EnglishAudit, level_text
from tunebook.audit.write.values import next_trials_csv
from tunebook.record.text import markdown_bullets, markdown_heading, markdown_table, markdown_text
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR

MOST_PAIRS = 4
MOST_CELLS = 20
_SHOWN_AS = {
    **dict.fromkeys(("factor", "effective_batch", "setting", "change"), "settings"),
    **{role: role for role in ("result", "other_result", "place", "trial", "unsure", "analysis")},
    **dict.fromkeys(("seed", "status", "round", "kind", "purpose", "difference", "constant"), "said elsewhere"),
}
"""Under which name a column's role is listed; a column of another role is not used."""
_NUMBER = re.compile(r"[+-]?[\d.,]+")


def audit_markdown(report: AuditReport, language: str) -> str:
    """The whole audit as one Markdown document. `language`: "en" or "zh"."""
    words = ChineseAudit if language == "zh" else EnglishAudit
    labels = {trial.key: trial.label for trial in report.table.trials}
    return _Document(report, words(labels, report.table.measure.kind)).text()


class _Document:
    def __init__(self, report: AuditReport, words: AuditShared) -> None:
        self.report, self.words, self.say = report, words, words.say
        self.trials = {v.trial.key: v for v in report.trials}
        self.baseline = self.trials[report.table.baseline]
        self.n, self.measure = report.examples.n, report.table.measure
        self.share = self.measure.kind is MeasureKind.SHARE
        self.read = [j for j in report.claims if j.reason is not Reason.UNREAD]
        self.unread = [j for j in report.claims if j.reason is Reason.UNREAD]

    def text(self) -> str:
        structure = self.report.structure
        sections = {
            "reading": self._reading(),
            "answer": self._answer(),
            "claims": self._claims(),
            "unread": [markdown_bullets(map(self._unread_sentence, self.unread))],
            "against": self._against(),
            "same": [markdown_bullets(self._same())],
            "factors": self._factors(),
            "confounded": [markdown_bullets(map(self._confounding, structure.confounded))],
            "boundary": [markdown_bullets(map(self._break, structure.boundaries))],
            "disagree": [markdown_bullets(map(self._note, self.report.inconsistencies))],
            "next": self._next(),
            "method": [markdown_bullets(self._method())],
        }
        parts = [f"# {markdown_text(self.say('title', name=self.report.record.source))}"]
        for name, blocks in sections.items():
            shown = [block for block in blocks if block]
            parts += [markdown_heading(self.say(f"heading_{name}")), *shown] if shown else []
        return "\n\n".join(parts) + "\n"

    def _table(self, items: Iterable[Any], *columns: tuple[str, Callable[[Any], str]]) -> str:
        """A line for each item. A column in which nothing stands is left out; one of numbers is aligned right."""
        cells = [(title, [cell(item) for item in items]) for title, cell in columns]
        kept = [(title, column) for title, column in cells if any(column)]
        numeric = [i for i, (_, column) in enumerate(kept) if all(map(_NUMBER.fullmatch, filter(None, column)))]
        rows = list(zip(*(column for _, column in kept), strict=True))
        return markdown_table([title for title, _ in kept], rows, numeric) if rows else ""

    def _reading(self) -> Iterator[str]:
        record, say = self.report.record, self.say
        lines = [self._table_read(line) for line in dict.fromkeys(use.line for use in record.columns)]
        lines += [self._note(note) for note in (*record.notes, *self.report.table.notes)]
        lines.append(say("assumed", n=[v for v in self.report.trials if v.trial.assumed]))
        yield markdown_bullets([*lines, say("unread_sentences", n=self.unread)])
        cells = [say("unread_cell", **vars(cell)) for cell in record.unread_cells]
        yield markdown_text(say("unread_cells", n=cells))
        yield markdown_bullets([*cells[:MOST_CELLS], say("unread_cut", n=cells[MOST_CELLS:])])
        yield markdown_text(say("mend"))

    def _table_read(self, line: int) -> str:
        shown: dict[str, list[str]] = {}
        for use in self.report.record.columns:
            if use.line == line and use.header:
                shown.setdefault(_SHOWN_AS.get(use.role, "unused"), []).append(self._header(use))
        return self.say("table_read", line=line, kind=self.measure.kind, **shown)

    def _header(self, use: ColumnUse) -> str:
        """A header, with the factor that it was taken for where that has another name."""
        factor = self.words.factor_list(use.factor.split(" / ")) if use.factor else ""
        return use.header if factor in ("", use.header) else f"{use.header} = {factor}"

    def _note(self, note: Note) -> str:
        return self.say(note.code, **note.values)

    def _answer(self) -> Iterator[str]:
        report, say = self.report, self.say
        verdicts = Counter(j.verdict for j in self.read)
        parts = [self.words.count(verdicts[v], v.value) for v in SupportVerdict if verdicts[v]]
        tally = say("tally", n=self.read, parts=parts) if parts else say("no_claims", n=report.trials)
        told = self._examples_unknown() if self.n is None else self._told_apart()
        disagreements = say("disagreements", n=report.inconsistencies)
        yield markdown_text(self.words.join([tally, self._best(), told, disagreements]))
        yield markdown_text(say("could_see", **vars(report.detectable))) if report.detectable else ""
        yield markdown_bullets(self._facts())

    def _best(self) -> str:
        c, base = self.report.best_claim, self.baseline
        if c is None or c.verdict is SupportVerdict.CANNOT_HOLD:  # as many right answers
            none_is_better = c is not None or self.report.best == base.trial.key
            return self.say("baseline_is_best", name=base.trial.key) if none_is_better else ""
        a, b = map(self._result, (self.trials[self.report.best], base))
        gap = self.words.amount(sum(self._amounts(c))).lstrip("+-")
        return self.say("best", **self._of(c), best=self.report.best, base=base.trial.key, a=a, b=b, gap=gap)

    def _told_apart(self) -> str:
        compared = [(v.trial.key, v.comparison) for v in self.report.trials if v.comparison is not None]
        told: dict[str, list[str]] = {"holds_better": [], "holds_worse": []}
        for key, c in compared:
            side = ("_better" if c.effect > 0 else "_worse") if c.verdict is SupportVerdict.HOLDS else ""
            told.setdefault(f"{c.verdict}{side}", []).append(key)
        return self.say("told_tally", n=compared, **told) if compared else ""

    def _examples_unknown(self) -> str:
        report, record = self.report, self.report.record
        smallest = None if record.averaged or record.seeds else report.examples.smallest
        stated, needed = record.stated_examples[:1], report.needed_examples_if_unknown
        values = {"smallest": smallest, "luck": report.examples.luck, "stated": stated, "needed": needed}
        return self.say("n_unknown", **values) if self.share else ""

    def _facts(self) -> Iterator[str]:
        report, say, base, noise = self.report, self.say, self.baseline.trial, self.report.noise
        failed, unread = ([v.trial.key for v in report.trials if getattr(v.trial, x)] for x in ("failed", "unread"))
        yield say("fact_trials", n=len(report.trials), failed=failed, unread=unread)
        levels = {n: level_in(base, n) for n in (*report.table.factors, *report.table.extras) if n != "table"}
        known = {n: level for n, level in levels.items() if level not in (None, "")}
        yield say("fact_baseline", name=base.key, first=not report.table.baseline_named, levels=known)
        if self.n is not None:
            examples, scored = report.examples, [v.trial.key for v in report.trials if v.trial.score is not None]
            about = {"misfits": [scored[i] for i in examples.misfits], "also": examples.alternatives[:2]}
            say_of = {**vars(examples), **about, "seeds": report.record.seeds, "slack": report.slack}
            yield say("fact_examples", **say_of)
        if self.share:
            wide = noise.interval is not None and noise.freedom < 4
            yield say("fact_noise", **vars(noise), wide=wide, from_prior=noise.from_prior)
        yield say("fact_tied", names=report.tied_with_best)

    def _claims(self) -> Iterator[str]:
        yield self._table(
            self.read,
            (self.say("line"), lambda j: str(j.claim.line)),
            (self.say("claim"), self._quote),
            (self.say("verdict"), lambda j: self.say(f"verdict_{j.verdict}")),
            (self.say("why"), self._why),
        )

    def _unread_sentence(self, judged: Judged) -> str:
        return self.say("unread_sentence", line=judged.claim.line, text=self._quote(judged), why=judged.claim.why)

    def _quote(self, judged: Judged) -> str:
        """A claim's sentence, behind the trial that it is about where the sentence does not name it."""
        text, said = judged.claim.text, judged.claim.trials[:1]
        if not said or said[0] in ("best", "baseline") or judged.claim.kind is ClaimKind.LEVELS:
            return self.say("quote", text=text)
        trial = judged.trials[0] if judged.trials else said[0]
        is_named = said[0].casefold() in text.casefold() and key_of(self.words.name(trial)) == key_of(said[0])
        return self.say("quote", trial="" if is_named else trial, text=text)

    def _why(self, judged: Judged) -> str:
        c, claim, facts = judged.deciding, judged.claim, judged.facts
        pairs = self._pairs(c) if c is not None and judged.reason is not Reason.NOT_BEST else ""
        boundary = facts.get("boundary")
        if boundary is not None and judged.reason is not Reason.FAILED:
            return self.words.join([pairs, self._break(boundary)])
        about = {**vars(claim), **self._of(c), **facts, "used": self.report.noise.used}
        about |= {"trials": judged.trials, "name": judged.trials[:1], "share": 0.05 ** (1 / max(1, len(judged.trials)))}
        about["a"], about["b"] = facts.get("same", [("", "")])[0]
        side = claim.direction or -claim.no_more
        about |= {"agrees": side and c is not None and c.effect * side >= 0, "confounded": judged.confounded}
        return self.words.join([pairs, self.say("all_failed" if boundary else judged.reason.value, **about)])

    def _pairs(self, c: Comparison) -> str:
        """The pairs of a comparison with their differences."""
        amounts = self._amounts(c)
        total = self.words.amount(sum(amounts))
        if len(c.pairs) == 1:
            return self.say("pair_gap", a=c.pairs[0][0], b=c.pairs[0][1], gap=total)
        listed = self.words.comma.join(map(self._pair, c.pairs[:MOST_PAIRS], amounts))
        return self.say("pair_gaps", n=c.pairs, listed=listed, more=len(c.pairs[MOST_PAIRS:]), total=total)

    def _against(self) -> Iterator[str]:
        say = self.say
        gap = "difference" if not self.share else "difference_points" if self.n is None else "difference_examples"
        result = say("accuracy") if self.n is not None else say("quote", text=self.measure.name)
        yield self._table(
            self.report.trials,
            (say("trial"), lambda v: self.words.name(v.trial.key)),
            (say("differs"), self._differs),
            (say("right"), lambda v: "" if v.correct is None else str(v.correct)),
            (result, lambda v: say("result", text=self._result(v), interval=v.interval)),
            (say(gap), lambda v: self.words.gap(self._amounts(v.comparison)[0]) if v.comparison else ""),
            (say("p"), lambda v: say("bounds", **self._of(v.comparison))),
            (say("told"), lambda v: say("told_apart", **self._of(v.comparison), same=v.same_as)),
        )

    def _factors(self) -> Iterator[str]:
        say = self.say
        yield self._table(
            self.report.effects,
            (say("factor"), lambda e: self.words.factor(e.factor)),
            (say("levels"), lambda e: str(e.levels)),
            (say("pairs"), lambda e: str(e.n_pairs)),
            (say("widest"), lambda e: self._pair(e.widest.pairs[0], self._amounts(e.widest)[0]) if e.widest else "-"),
            (say("p"), lambda e: say("bounds", **self._of(e.widest))),
            (say("told"), lambda e: say("told_apart", **self._of(e.widest))),
        )

    def _differs(self, v: TrialVerdict) -> str:
        if v is self.baseline:
            return self.say("is_baseline")
        if v.trial.unread or v.moves is None:
            return self.say("not_read")
        levels = {name: level_in(v.trial, name) for name in v.moves}
        alpha = v.trial.levels.get("lora_alpha")
        if "lora_r" in levels and alpha not in (None, self.baseline.trial.levels.get("lora_alpha")):
            levels["lora_alpha"] = alpha  # one factor at a fixed alpha/r, and two numbers that the writer changed
        return self.say("differs_in", levels=levels) if levels else self.say("nothing")

    def _result(self, v: TrialVerdict) -> str:
        """A trial's result: from its count where known, else as printed."""
        if v.trial.score is None:
            return self.say("no_result") if v.trial.failed else ""
        if v.correct is not None and self.n is not None:
            return self.words.percent(v.correct / self.n)
        return self.words.result(v.trial.score)

    def _amounts(self, c: Comparison) -> Sequence[float]:
        """The differences of a comparison's pairs: in examples where these are counted, else of the results."""
        return c.differences or [self.measure.sign * effect for effect in c.effects]

    def _pair(self, pair: tuple[str, str], amount: float) -> str:
        return f"{self.words.name(pair[0])} - {self.words.name(pair[1])}: {self.words.gap(amount)}"

    def _of(self, c: Comparison | None) -> dict[str, Any]:
        return {**vars(c), "counted": self.n} if c is not None else {}

    def _same(self) -> Iterator[str]:
        noise = self.report.noise
        for tokens, keys in (*((None, keys) for keys in noise.groups), *noise.if_short_groups):
            counts = [self.trials[key].correct for key in keys]
            code = "equal_short" if tokens else "equal"
            yield self.say(code, tokens=tokens, names=keys, counts=() if None in counts else counts)

    def _confounding(self, c: Confounding) -> str:
        levels = [level_text(c.factors[0], level) for level in c.levels]
        return self.say(c.code, factor=c.factors[0], others=c.factors[1:], levels=levels)

    def _break(self, b: Boundary) -> str:
        codes = ["break_one" if len(b.failed) == 1 else "break_many", "break_gap"]
        apart = "break_clean" if b.clean else "break_no_clean"
        codes += ["break_moves", apart] if len(b.moves) > 1 else ["break_alone"]
        keys = {"trained": b.trained, "failed": b.failed[0], "clean": b.clean, "clean_failed": b.clean_failed}
        found = {name: level_in(self.trials[key].trial, b.factor) for name, key in keys.items() if key}
        levels = {f"{name}_level": level_text(b.factor, level) for name, level in found.items()}
        values = {**vars(b), **keys, **levels, "all": b.failed, "side": b.above}
        return self.words.join([self.say(code, **values) for code in codes])

    def _next(self) -> Iterator[str]:
        report, say = self.report, self.say
        if not report.next_trials or not report.table.factors:
            return
        settle = report.detectable.to_settle if report.detectable else None
        low, high = settle if settle and settle[1] > (self.n or 0) else (None, None)
        cost = f"{sum(t.cost for t in report.next_trials):.3g}"
        yield markdown_text(say("next", n=report.next_trials, cost=cost, low=low, high=high))
        yield self._table(
            report.next_trials,
            (say("why"), lambda t: say(f"next_{t.why}", factor=t.factor, level=level_text(t.factor or "", t.level))),
            (say("new"), lambda t: say("again", name=t.again) if t.again else say("is_new")),
            (say("cost"), lambda t: f"{t.cost:.3g}"),
        )
        if text := next_trials_csv(report):
            yield f"{say('trials_csv')}\n\n```csv\n{text}```"

    def _method(self) -> list[str]:
        given = {j.verdict for j in self.read} | {v.comparison.verdict for v in self.report.trials if v.comparison}
        codes = ("bounds", *(verdict.value for verdict in SupportVerdict if verdict in given), "families", "noise")
        (family, pairs), prior = self.report.family_sizes, {"prior": SEED_DEVIATION_PRIOR, "degrees": PROVISIONAL_DF}
        values = {"family": family, "pairs": pairs, "used": self.report.noise.used, **prior}
        return [self.say(f"method_{code}", **values) for code in codes] if self.n is not None else []
