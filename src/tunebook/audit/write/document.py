"""The audit of a hand-written record as Markdown: how it was read, the answer, claim by claim, then the rest.

Only layout stands here. Every sentence comes from the languages; strangers' text (trial names, quoted sentences,
headings) is cleaned and every cell escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tunebook.audit.judge.cases import ConfoundedPair, Judged
from tunebook.audit.judge.report import AuditReport, Detectable, TrialVerdict
from tunebook.audit.judge.structure import Boundary, Confounding, level_in
from tunebook.audit.judge.trials import difference_fits
from tunebook.audit.judge.verdicts import Comparison, Reason, SupportVerdict
from tunebook.audit.labels import key_of
from tunebook.audit.model import UNSAID, ClaimKind, MeasureKind, Note, Score
from tunebook.audit.words.languages import ChineseAudit, EnglishAudit, level_text, signed
from tunebook.audit.write.values import next_trials_csv
from tunebook.escaping import clean, shorten
from tunebook.record.text import markdown_text
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.words.marks import strong
from tunebook.words.numbers import about, count, p_phrase, p_value, points

LONGEST_QUOTE = 160
LONGEST_NAME = 40
MOST_MOVES = 6
MOST_PAIRS = 4
MOST_CELLS = 20


def audit_markdown(report: AuditReport, language: str) -> str:
    """The whole audit as one Markdown document. `language`: "en" or "zh"."""
    return _Writer(report, ChineseAudit() if language == "zh" else EnglishAudit()).document()


class _Writer:
    def __init__(self, report: AuditReport, words: EnglishAudit | ChineseAudit) -> None:
        self._report = report
        self._words = words
        self._say = words.say
        self._label = words.labels
        self._trials = {v.trial.key: v for v in report.trials}
        self._n = report.examples.n
        self._measure = report.table.measure
        self._kind = self._measure.kind
        self._share = self._kind is MeasureKind.SHARE
        self._read = [j for j in report.claims if j.reason is not Reason.UNREAD]
        self._unread = [j for j in report.claims if j.reason is Reason.UNREAD]

    def document(self) -> str:
        label, structure = self._label, self._report.structure
        name = shorten(self._report.record.source, 120)
        parts = [f"# {markdown_text(label['title'] + self._words.sentence_gap + name)}"]
        for heading, body in (
            ("reading", self._reading()),
            ("answer", self._opening()),
            ("claims", self._claims()),
            ("unread_claims", _bullets([f"{j.claim.line}{label['colon']} {self._quote(j)}" for j in self._unread])),
            ("against", self._against()),
            ("same", _bullets(self._same())),
            ("factors", self._factors()),
            ("confounded", _bullets(self._confounding(c) for c in structure.confounded)),
            ("boundary", _bullets(self._break_point(b) for b in structure.boundaries)),
            ("disagree", _bullets(self._note(note) for note in self._report.inconsistencies)),
            ("next", self._next()),
            ("method", self._method()),
        ):
            if body:
                parts += [f"## {markdown_text(label[heading])}", body]
        return "\n\n".join(parts) + "\n"

    # -- how it was read ---------------------------------------------------------------------------

    def _reading(self) -> str:
        record, say, counted = self._report.record, self._say, self._words.count
        lines = [self._table_line(line) for line in dict.fromkeys(use.line for use in record.columns)]
        lines += [self._note(note) for note in (*record.notes, *self._report.table.notes)]
        assumed = sum(bool(v.trial.assumed) for v in self._report.trials)
        lines += [say("assumed", trials=counted(assumed, "trial"))] if assumed else []
        if self._unread:
            lines.append(say("unread_sentences", sentences=counted(len(self._unread), "sentence")))
        parts = [_bullets(lines)]
        cells = [
            say("unread_cell", line=c.line, trial=_readable(c.trial), column=_quoted(c.column), cell=_quoted(c.cell),
                why=say(f"why_{c.why}"))
            for c in record.unread_cells
        ]  # fmt: skip
        if cells:
            more = [say("unread_cut", n=len(cells) - MOST_CELLS)] if len(cells) > MOST_CELLS else []
            parts.append(markdown_text(say("unread_cells", cells=counted(len(cells), "cell"))))
            parts.append(_bullets(cells[:MOST_CELLS] + more))
        return "\n\n".join([*parts, markdown_text(say("mend"))])

    def _table_line(self, line: int) -> str:
        words, say = self._words, self._say
        uses = [use for use in self._report.record.columns if use.line == line and use.header]

        def named(*roles: str) -> list[str]:
            return [_quoted(use.header) for use in uses if use.role in roles]

        factors = []
        for use in uses:
            if use.role in _SETTINGS:
                name = words.factor_list(use.factor.split(" / ")) if use.factor else ""
                factors.append(_quoted(use.header) + (f" = {name}" if name not in ("", use.header) else ""))
        result = named("result")
        parts = [say("read_result", header=strong(result[0]), kind=say(f"kind_{self._kind.value}"))] if result else []
        others = {role: named(role) for role in ("other_result", "place", "trial", "ambiguous", "unsure", "analysis")}
        known = {*_SETTINGS, *_SAID_ELSEWHERE, *others}
        others["unused"] = [_quoted(use.header) for use in uses if use.role not in known]
        for role, names in {"factors": factors, **others}.items():
            parts += [say(f"read_{role}", names=words.cut_list(names, 20))] if names else []
        return say("read_line", line=line, parts=words.semicolon.join(parts))

    # -- the opening -------------------------------------------------------------------------------

    def _opening(self) -> str:
        words, report, say = self._words, self._report, self._say
        verdicts = Counter(j.verdict for j in self._read)
        parts = [words.count(verdicts[v], v.value) for v in SupportVerdict if verdicts[v]]
        sentences = [
            say("tally", claims=words.count(len(self._read), "claim"), parts=words.listed(parts))
            if parts
            else say("no_claims", trials=words.count(len(report.trials), "trial")),
            self._best(),
            self._trial_tally() if self._n is not None else self._examples_unknown(),
        ]
        if report.inconsistencies:
            sentences.append(say("disagreements", places=words.count(len(report.inconsistencies), "place")))
        seen = self._could_see(report.detectable) if report.detectable else ""
        facts = _table((self._label["fact"], self._label["value"]), list(self._facts()))
        return "\n\n".join(filter(None, [markdown_text(words.join(sentences)), markdown_text(seen), facts]))

    def _best(self) -> str:
        report, say, c = self._report, self._say, self._report.best_claim
        base = self._trials[report.table.baseline]
        baseline = self._words.baseline(self._name(report.table.baseline))
        if c is not None and c.verdict is SupportVerdict.CANNOT_HOLD:  # as many right answers
            return say("baseline_is_best", name=baseline)
        if c is None:
            return say("baseline_is_best", name=baseline) if report.best == report.table.baseline else ""
        gap = self._gap(*c.pairs[0]).lstrip("+-")
        if c.differences:
            gap = say("of_examples", k=count(sum(c.differences)), n=count(self._n or 0))
        best = self._trials[report.best]
        lead = say("best", best=self._name(report.best), a=self._result(best), b=self._result(base), baseline=baseline,
                   gap=gap)  # fmt: skip
        code = "order" if c.verdict is SupportVerdict.UNCHECKED and not self._share else c.verdict.value
        p = c.p_independent_adjusted if c.verdict is SupportVerdict.HOLDS else c.p_favourable
        low, high = p_value(c.p_favourable_adjusted), p_value(c.p_independent_adjusted)
        return lead + say(f"best_{code}", p=p_phrase(p), n=c.n_judged, low=low, high=high)

    def _trial_tally(self) -> str:
        words, say = self._words, self._say
        told: dict[SupportVerdict, list[str]] = {v: [] for v in SupportVerdict}
        for v in self._report.trials:
            if v.comparison is not None:
                told[v.comparison.verdict].append(v.trial.key)
        if not any(told.values()):
            return ""
        real = told[SupportVerdict.HOLDS]
        names = words.cut_list(self._names(real))
        names += say("which_failed") if len(real) == 1 and self._trials[real[0]].trial.failed else ""
        others = {
            code: say(f"tally_{code}", n=len(keys), names=words.cut_list(self._names(keys))) if keys else ""
            for code, keys in (("depends", told[SupportVerdict.DEPENDS]), ("runs", told[SupportVerdict.NOT_SHOWN]))
        }
        return say(
            "trial_tally",
            trials=words.count(sum(map(len, told.values())), "trial"),
            real=len(real) or say("none"),
            names=f"{words.bracket_gap}{words.bracketed(names)}" if real else "",
            **others,
        )

    def _examples_unknown(self) -> str:
        examples, say = self._report.examples, self._say
        if not self._share:
            return ""
        if self._report.record.averaged:
            return say("give_examples")
        stated = self._report.record.stated_examples
        needed = self._report.needed_examples_if_unknown
        return self._words.join([
            ""
            if self._report.record.seeds
            else say("unknown_none")
            if examples.smallest is None
            else say("unknown", n=count(examples.smallest), luck=f"{examples.luck:.2g}"),
            say("unknown_stated", n=count(stated[0])) if stated else "",
            say("give_examples"),
            say("needed", n=count(needed)) if needed else "",
        ])  # fmt: skip

    def _could_see(self, d: Detectable) -> str:
        shares = {"low": d.favourable, "high": d.independent, "one_low": d.single_favourable,
                  "one_high": d.single_independent, "seed": d.with_seed}  # fmt: skip
        shown = {name: self._say("nothing") if x is None else f"{x * 100:.1f}" for name, x in shares.items()}
        return self._say("could_see", comparisons=self._words.count(d.comparisons, "comparison"), **shown)

    def _facts(self) -> Iterator[tuple[str, str]]:
        words, report, label, say = self._words, self._report, self._label, self._say
        failed = self._names([v.trial.key for v in report.trials if v.trial.failed])
        unread = self._names([v.trial.key for v in report.trials if v.trial.unread])
        trials = str(len(report.trials)) + (say("failed_fact", names=words.cut_list(failed)) if failed else "")
        yield label["trials"], trials + (say("unread_fact", names=words.cut_list(unread)) if unread else "")
        base = self._trials[report.table.baseline]
        name = self._name(base.trial.key)
        levels = {n: level_in(base.trial, n) for n in (*report.table.factors, *report.table.extras)}
        known = {n: level for n, level in levels.items() if level not in (None, UNSAID, "")}
        settings = words.comma.join(f"{words.factor(n)} {level_text(n, level)}" for n, level in known.items())
        lead = label["colon"] + words.sentence_gap if settings else ""
        yield label["baseline"], name + ("" if report.table.baseline_named else say("first_row")) + lead + settings
        if self._n is not None:
            yield label["examples"], self._examples_fact(self._n)
        if base.interval:
            low, high = base.interval
            half = f"{(high - low) * 50:.1f}"
            yield label["one_trial"], say("interval_fact", name=name, interval=words.interval(low, high), half=half)
        if self._share:
            yield label["noise"], self._noise_fact()
        if report.tied_with_best:
            names = words.cut_list(self._names(report.tied_with_best), 20)
            yield label["tied"], say("tied_fact", names=names)

    def _examples_fact(self, n: int) -> str:
        examples, say, words = self._report.examples, self._say, self._words
        text, seeds = say(f"how_{examples.how}", n=count(n)), self._report.record.seeds
        text += say("means", seeds=seeds, n=count(n)) if seeds else ""
        if examples.how == "inferred" and examples.alternatives:
            others = words.comma.join(count(a) for a in examples.alternatives[:3])
            text += say("alternatives", others=others, chance=p_value(examples.common_factor_chance))
        scored = [v.trial.key for v in self._report.trials if v.trial.score is not None]
        if examples.misfits:
            text += say("misfits", names=words.cut_list(self._names([scored[i] for i in examples.misfits])))
        text += say("slack", slack=self._report.slack) if self._report.slack else ""
        return text + (say("contradicted_n", n=count(examples.stated_misfit)) if examples.stated_misfit else "")

    def _noise_fact(self) -> str:
        noise, say, interval = self._report.noise, self._say, ""
        if noise.measured is None:
            return say("noise_prior", used=_tenths(noise.used))
        if noise.interval:
            low, high = (f"{end * 100:.2f}" for end in noise.interval)
            interval = say("noise_wide" if noise.freedom < 4 else "noise_interval", low=low, high=high)
        return say("noise", measured=f"{noise.measured * 100:.2f}", degrees=self._words.count(noise.freedom, "degree"),
                   interval=interval, used=_tenths(noise.used))  # fmt: skip

    # -- claims ------------------------------------------------------------------------------------

    def _claims(self) -> str:
        words, label = self._words, self._label
        rows = [
            (str(j.claim.line), self._quote(j), words.verdicts[j.verdict], words.join([*filter(None, self._why(j))]))
            for j in self._read
        ]
        return _table((label["line"], label["claim"], label["verdict"], label["why"]), rows, (0,)) if rows else ""

    def _quote(self, judged: Judged) -> str:
        claim = judged.claim
        text = shorten(claim.text, LONGEST_QUOTE)
        subject = claim.trials[0] if claim.trials and claim.trials[0] not in ("best", "baseline") else ""
        if subject and claim.kind in (ClaimKind.TRIALS, ClaimKind.BEST_TRIAL, ClaimKind.UNREAD):
            resolved = self._name(judged.trials[0]) if judged.trials else _readable(subject)
            renumbered = key_of(resolved) != key_of(subject) and bool(judged.trials)
            named = f"{_readable(subject)} = {resolved}" if renumbered else resolved
            if renumbered or subject.casefold() not in text.casefold():
                text = f"{named}{self._label['colon']}{self._words.sentence_gap}{text}"
        return text

    def _why(self, judged: Judged) -> Iterator[str]:
        reason, deciding, facts, say = judged.reason, judged.deciding, judged.facts, self._say
        if deciding is not None and reason not in _SILENT_ABOUT_PAIRS:
            yield self._differences(deciding)
            yield self._number_fits(judged, deciding)
        boundary, no_more = facts.get("boundary"), judged.claim.no_more
        if isinstance(boundary, Boundary) and reason is not Reason.FAILED:
            yield self._break_point(boundary)
        elif reason is Reason.CONFOUNDED:
            yield from self._mixed(judged)
        else:
            denied = reason is Reason.ABSENCE and no_more and deciding is not None and deciding.effect * no_more <= 0
            if denied or (reason is Reason.EXAMPLES_UNKNOWN and judged.claim.direction):
                yield say("agrees")
            yield say(_special_reason(judged) or reason.value, **self._facts_of(judged))

    def _number_fits(self, judged: Judged, deciding: Comparison) -> str:
        """That the difference which a sentence gives is the table's, beside a verdict that does not support it."""
        said = judged.claim.gap
        if said is None or len(deciding.pairs) != 1 or judged.verdict is SupportVerdict.HOLDS or not self._share:
            return ""
        first, second = (self._trials[key].trial.score for key in deciding.pairs[0])
        return self._say("gap_fits") if first and second and difference_fits(said, first, second, signed=False) else ""

    def _facts_of(self, judged: Judged) -> dict[str, object]:
        """Values for every reason's sentence; each takes what it has a place for."""
        words, c, facts = self._words, judged.deciding, judged.facts
        names = self._names(judged.trials)
        same = facts.get("same")
        a, b = same[0] if isinstance(same, tuple) and same else ("", "")
        found: dict[str, object] = {
            "factor": words.factor(judged.claim.factor) if judged.claim.factor else "",
            "name": names[0] if names else "",
            "names": words.cut_list(names),
            "n": len(names),
            "share": words.percent(0.05 ** (1 / max(1, len(names))), 0),
            "worked": words.cut_list(self._names(facts.get("worked")), 5),
            "higher": words.cut_list(self._names(facts.get("higher")), 5),
            "a": self._name(a),
            "b": self._name(b),
            "measure": _quoted(self._measure.name),
            "used": _tenths(self._report.noise.used),
            "interval": "",
        }
        if c is not None:
            significant = judged.reason in (Reason.SIGNIFICANT, Reason.SEED_NOISE)
            found |= {
                "p": p_phrase(c.p_independent_adjusted if significant else c.p_favourable),
                "low": p_value(c.p_favourable_adjusted),
                "high": p_value(c.p_independent_adjusted),
                "seed": p_phrase(c.p_seed_adjusted),
                "comparisons": words.count(c.n_judged, "comparison"),
            }
            if c.interval:
                low, high = map(points, c.interval)
                found["interval"] = self._say("absence_interval", low=low, high=high)
        return found

    def _mixed(self, judged: Judged) -> Iterator[str]:
        words, claim, say, facts = self._words, judged.claim, self._say, judged.facts
        factor = words.factor(claim.factor) if claim.factor else ""
        levels, against = facts.get("levels"), facts.get("against")
        if claim.factor and isinstance(levels, tuple) and isinstance(against, tuple) and levels and against:
            listed = [self._label["or"].join(level_text(claim.factor, x) for x in side) for side in (levels, against)]
            yield say("confounded_levels", factor=factor, levels=listed[0], against=listed[1])
        else:
            alone = factor and claim.kind is not ClaimKind.BOUNDARY
            yield say("confounded" if alone else "confounded_any", factor=factor)
        for pair in judged.confounded[:2]:
            if isinstance(pair, ConfoundedPair) and pair.also:
                others = words.factor_list(pair.also)
                yield say("also", a=self._name(pair.treatment), b=self._name(pair.control), factors=others)

    # -- trials ------------------------------------------------------------------------------------

    def _against(self) -> str:
        words, label, moves = self._words, self._label, self._report.structure.moves
        result = label["accuracy"] if self._share else _quoted(self._measure.name)
        difference = label["difference_points" if self._share and not self._n else "difference"]
        columns = (label["trial"], label["differs"], label["right"], result, difference, label["p"], label["told"])
        split = {"one_factor": [k for k, m in moves.items() if len(m) == 1],
                 "several": [k for k, m in moves.items() if len(m) > 1]}  # fmt: skip
        gap = label["colon"] + words.sentence_gap
        lines = [
            f"{strong(label[name])}{gap}{words.cut_list(self._names(keys), 60)}{words.stop}"
            for name, keys in split.items()
            if keys
        ]
        table = _table(columns, [self._trial_row(v) for v in self._report.trials], (2, 4))
        return "\n\n".join([table, *map(markdown_text, lines)])

    def _trial_row(self, v: TrialVerdict) -> tuple[str, ...]:
        words, label, c = self._words, self._label, v.comparison
        name = self._name(v.trial.key)
        right = str(v.correct) if v.correct is not None else ""
        result = self._result(v) if v.trial.score is not None else label["failed"] if v.trial.failed else ""
        if v.interval and v.trial.score is not None:
            result += f" ({words.interval(*v.interval)})"
        if v.trial.key == self._report.table.baseline:
            return strong(name), label["baseline"], right, result, "", "", ""
        if v.moves == ():
            told = label["same_as"] + words.sentence_gap + _readable(v.same_as) if v.same_as else ""
            return name, label["nothing"], right, result, "", "", told
        shown = [f"{words.factor(n)} {level_text(n, level_in(v.trial, n))}" for n in (v.moves or ())]
        differs = words.comma.join(shown[:MOST_MOVES]) + ("…" if len(shown) > MOST_MOVES else "")
        differs = label["unread"] if v.trial.unread or v.moves is None else differs
        if c is None:
            return name, differs, right, result, "", "", ""
        difference = signed(sum(c.differences)) if c.differences else self._raw_gap(*c.pairs[0])
        return name, differs, right, result, difference, *self._told(c)

    def _told(self, c: Comparison | None) -> tuple[str, str]:
        """A comparison's p between its bounds, and whether it can be told from chance; nothing without counts."""
        if c is None or self._n is None:
            return "", ""
        bounds = f"{p_value(c.p_favourable_adjusted)} … {p_value(c.p_independent_adjusted)}"
        return bounds, self._words.told[c.verdict]

    def _same(self) -> Iterator[str]:
        words, report, say = self._words, self._report, self._say
        for keys in report.noise.groups:
            yield say("equal", names=words.listed(self._names(keys)), counts=self._right(keys))
        best, base = self._trials[report.best].correct, self._trials[report.table.baseline].correct
        gain = best - base if best is not None and base is not None else 0
        for tokens, keys in report.noise.if_short_groups:
            known = [n for key in keys if (n := self._trials[key].correct) is not None]
            spread = max(known) - min(known) if len(known) == len(keys) else 0
            text = say("spread", spread=spread, gain=gain) if spread >= gain > 0 else ""
            names = words.listed(self._names(keys))
            yield say("equal_short", tokens=tokens, names=names, counts=self._right(keys), spread=text)

    def _right(self, keys: Sequence[str]) -> str:
        known = [str(n) for key in keys if (n := self._trials[key].correct) is not None]
        return self._say("right_counts", counts=self._words.comma.join(known)) if len(known) == len(keys) else ""

    # -- factors and what they cannot say ----------------------------------------------------------

    def _factors(self) -> str:
        label, words = self._label, self._words
        rows = [
            (words.factor(e.factor), str(e.levels), str(e.n_pairs),
             self._pair(*e.widest.pairs[0]) if e.widest else label["no_pair"], *self._told(e.widest))
            for e in self._report.effects
        ]  # fmt: skip
        columns = [label[name] for name in ("factor", "levels", "pairs", "widest", "p", "told")]
        return _table(columns, rows, (1, 2)) if rows else ""

    def _confounding(self, c: Confounding) -> str:
        words, say = self._words, self._say
        names = [words.factor(n) for n in c.factors]
        if c.code == "level_not_isolated":
            levels = self._label["or"].join(level_text(c.factors[0], level) for level in c.levels)
            companions = say("companions", factors=words.listed(names[1:])) if names[1:] else ""
            return say("not_isolated", factor=names[0], levels=levels, companions=companions)
        return say(c.code, a=names[0], b=names[1], ratio=level_text("", c.levels[0]) if c.levels else "")

    def _break_point(self, b: Boundary) -> str:
        words, say = self._words, self._say
        values: dict[str, Any] = {
            "factor": words.factor(b.factor),
            "side": self._label["above" if b.above else "below"],
            "names": words.cut_list(self._names(b.failed)),
            "n": len(b.failed),
        }

        def pair(trained: str, failed: str) -> dict[str, Any]:
            return {"trained": self._name(trained), "trained_level": self._level(trained, b.factor),
                    "failed": self._name(failed), "failed_level": self._level(failed, b.factor)}  # fmt: skip

        values |= pair(b.trained, b.failed[0])
        first = say("break_one" if len(b.failed) == 1 else "break_many", **values)
        first = words.join([first, say("break_gap", **values)])
        if len(b.moves) == 1:
            return words.join([first, say("break_alone", **values)])
        moves = words.factor_list([b.factor, *(n for n in b.moves if n != b.factor)])
        second = say("break_moves", **{**values, "n": len(b.moves), "factors": moves})
        if b.clean and b.clean_failed:
            return words.join([first, second, say("break_clean", **{**values, **pair(b.clean, b.clean_failed)})])
        return words.join([first, second, say("break_no_clean", **values)])

    # -- what next, how ----------------------------------------------------------------------------

    def _next(self) -> str:
        report, words, label, say = self._report, self._words, self._label, self._say
        if not report.next_trials or not report.table.factors:
            return ""
        rows = []
        for i, t in enumerate(report.next_trials, 1):
            again = f"{label['again']}{words.sentence_gap}{_readable(t.again)}" if t.again else label["is_new"]
            factor = words.factor(t.factor) if t.factor else ""
            why = say(f"why_{t.why}", factor=factor, level=level_text(t.factor or "", t.level))
            rows.append((str(i), why, again, f"{t.cost:.3g}"))
        cost = f"{sum(t.cost for t in report.next_trials):.3g}"
        lead = say("next", configurations=words.count(len(rows), "configuration"), cost=cost)
        settle = report.detectable.to_settle if report.detectable else None
        enough = settle is None or settle[1] <= (self._n or 0)
        more = say("settle", low=about(settle[0]), high=about(settle[1])) if settle and not enough else ""
        table = _table(("#", label["why"], label["new"], label["cost"]), rows, (0, 3))
        parts = [markdown_text(words.join([lead, more])), table]
        text, left_out = next_trials_csv(report)
        if text:
            introduction = label["trials_csv_part" if left_out else "trials_csv"]
            parts += [f"{introduction}{label['colon']}", f"```csv\n{text}```"]
        return "\n\n".join(parts)

    def _method(self) -> str:
        if self._n is None:
            return ""
        family, pairs = self._report.family_sizes
        return _bullets([
            self._say("method_bounds"),
            self._say("method_verdicts"),
            self._say("method_families", family=family, pairs=count(pairs)),
            self._say("method_noise", used=_tenths(self._report.noise.used), prior=_tenths(SEED_DEVIATION_PRIOR),
                      degrees=self._words.count(PROVISIONAL_DF, "degree")),
        ])  # fmt: skip

    # -- notes -------------------------------------------------------------------------------------

    def _note(self, note: Note) -> str:
        """A note in words: labels fit to be read, other strangers' text quoted, lists cut."""
        values = {name: self._value(name, value) for name, value in note.values.items()}
        code = note.code
        if code == "repeated":
            code = "repeated_settings" if note.values["settings"] else "repeated_result"
        elif code == "blanks_filled":
            code = f"blanks_{note.values['how']}"
        more = self._say("described_fits", fits=values["fits"]) if note.values.get("fits") else ""
        return self._words.join([self._say(code, **values), more])

    def _value(self, name: str, value: object) -> object:
        words = self._words
        if name == "settings" and isinstance(value, dict):
            return words.listed([
                self._say("setting_differs", factor=words.factor(n), text=level_text(n, pair[0]),
                          table=level_text(n, pair[1]))
                for n, pair in value.items() if isinstance(pair, tuple)
            ])  # fmt: skip
        if isinstance(value, dict):
            return words.listed([f"{words.factor(n)} {level_text(n, level)}" for n, level in value.items()])
        if isinstance(value, Score) or (value is None and name in ("text", "table")):
            return words.score(value, self._kind)
        if isinstance(value, tuple):
            if name == "pairs":
                return words.comma.join(self._say("renumbered_pair", a=a, b=b) for a, b in value)
            if name in ("factors", "named", "undeclared"):
                return words.factor_list([str(each) for each in value])
            return words.cut_list([_readable(str(v)) if name in _LABELS else _quoted(str(v)) for v in value])
        if isinstance(value, float):
            return f"{value:g}" if name == "said" else f"{value:+.1f}"
        return (_readable(value) if name in _LABELS else _quoted(value)) if isinstance(value, str) else value

    # -- names and numbers -------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        known = self._trials.get(key)
        return _readable(known.trial.label if known else key)

    def _names(self, keys: object) -> list[str]:
        return [self._name(key) for key in keys] if isinstance(keys, list | tuple) else []

    def _result(self, v: TrialVerdict) -> str:
        """A trial's result: from its count where known, else as printed."""
        score = v.trial.score
        if score is None:
            return str(self._label["failed"])
        if not self._share:
            return f"{score.value:g}"
        return self._words.percent(v.correct / self._n if v.correct is not None and self._n else score.value)

    def _level(self, key: str, factor: str) -> str:
        return level_text(factor, level_in(self._trials[key].trial, factor))

    def _effect(self, a: str, b: str) -> tuple[int | None, float]:
        """A difference in examples where they are counted, and as printed."""
        one, other = self._trials[a], self._trials[b]
        counted = one.correct - other.correct if one.correct is not None and other.correct is not None else None
        first, second = one.trial.score, other.trial.score
        return counted, (first.value if first else 0.0) - (second.value if second else 0.0)

    def _gap(self, a: str, b: str) -> str:
        return self._words.gap(*self._effect(a, b), self._kind)

    def _raw_gap(self, a: str, b: str) -> str:
        _, effect = self._effect(a, b)
        return points(effect) if self._share else f"{effect:+.4g}"

    def _pair(self, a: str, b: str) -> str:
        examples, _ = self._effect(a, b)
        shown = signed(examples) if examples is not None else self._raw_gap(a, b)
        return f"{self._name(a)} - {self._name(b)}: {shown}"

    def _differences(self, c: Comparison) -> str:
        """The pairs of a comparison with their differences."""
        if len(c.pairs) == 1:
            a, b = c.pairs[0]
            return self._say("pair_gap", a=self._name(a), b=self._name(b), gap=self._gap(a, b))
        examples = sum(c.differences) if c.differences else None
        total = self._words.gap(examples, sum(self._effect(a, b)[1] for a, b in c.pairs), self._kind)
        listed = self._words.comma.join(self._pair(a, b) for a, b in c.pairs[:MOST_PAIRS])
        more = self._say("pair_more", n=len(c.pairs) - MOST_PAIRS) if len(c.pairs) > MOST_PAIRS else ""
        return self._say("pair_gaps", n=len(c.pairs), listed=listed + more, total=total)


_SETTINGS = ("factor", "effective_batch", "setting", "change")
_SAID_ELSEWHERE = ("result", "seed", "status", "round", "kind", "purpose", "difference", "constant")
_SILENT_ABOUT_PAIRS = (Reason.NOT_BEST, Reason.CONFOUNDED)
_LABELS = ("trial", "as", "reference", "best", "trials", "fits")
"""Values of notes that are trials' labels."""


def _special_reason(judged: Judged) -> str:
    """The sentence for a reason that is said otherwise of some claims; "" for the usual one."""
    if judged.reason is Reason.FAILED and judged.claim.kind is ClaimKind.BOUNDARY:
        return "all_failed"
    if judged.reason is Reason.SAME_TRAINING and "same" not in judged.facts:
        return "changes_nothing"
    return "worked" if judged.reason is Reason.CONTRADICTED and "worked" in judged.facts else ""


def _quoted(text: str) -> str:
    return shorten(clean(text), LONGEST_QUOTE)


def _readable(label: str | None) -> str:
    """A label fit to be read in a sentence: bare numbers as "#6"."""
    text = shorten(clean(label or ""), LONGEST_NAME)
    return f"#{text}" if text.replace(".", "").isdigit() else text


def _tenths(deviation: float) -> str:
    return f"{deviation * 100:.1f}"


def _bullets(sentences: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences if sentence)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    rule = "|".join("---:" if i in right else "---" for i in range(len(columns)))
    lines = [f"| {' | '.join(map(markdown_text, columns))} |", f"|{rule}|"]
    lines += [f"| {' | '.join(map(markdown_text, row))} |" for row in rows]
    return "\n".join(lines)
