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
from tunebook.audit.judge.structure import Boundary, level_in
from tunebook.audit.judge.trials import UNSAID, key_of
from tunebook.audit.judge.verdicts import Comparison, Reason, SupportVerdict
from tunebook.audit.model import ClaimKind, MeasureKind, Note, Score
from tunebook.audit.write.languages import AuditWords, audit_words
from tunebook.audit.write.values import n_left_out, next_trials_csv
from tunebook.audit.write.words import level_text, signed
from tunebook.escaping import clean, shorten
from tunebook.record.text import markdown_text
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.words.marks import strong
from tunebook.words.numbers import about, count, p_phrase, p_value, points

__all__ = ["audit_markdown"]

LONGEST_QUOTE = 160
LONGEST_NAME = 40
MOST_MOVES = 6
MOST_PAIRS = 4
MOST_CELLS = 20


def audit_markdown(report: AuditReport, language: str) -> str:
    """The whole audit as one Markdown document.

    Args:
        language: "en" or "zh".
    """
    return _Writer(report, audit_words(language)).document()


class _Writer:
    def __init__(self, report: AuditReport, words: AuditWords) -> None:
        self._report = report
        self._words = words
        self._say = words.say
        self._trials = {v.trial.key: v for v in report.trials}
        self._n = report.examples.n
        self._measure = report.table.measure
        self._kind = self._measure.kind
        self._read = [j for j in report.claims if j.reason is not Reason.UNREAD]
        self._unread = [j for j in report.claims if j.reason is Reason.UNREAD]

    def document(self) -> str:
        label = self._words.labels
        name = shorten(self._report.record.source, 120)
        parts = [f"# {markdown_text(label['title'] + self._words.sentence_gap + name)}"]
        for heading, body in (
            ("reading", self._reading()),
            ("answer", self._opening()),
            ("claims", self._claims()),
            ("unread_claims", _bullets([f"{j.claim.line}{label['colon']} {self._quote(j)}" for j in self._unread])),
            ("against", self._against()),
            ("same", self._same()),
            ("factors", self._factors()),
            ("confounded", self._confounded()),
            ("boundary", _bullets([self._break_point(b) for b in self._report.structure.boundaries])),
            ("disagree", _bullets([self._note(note) for note in self._report.inconsistencies])),
            ("next", self._next()),
            ("method", self._method()),
        ):
            if body:
                parts += [f"## {markdown_text(label[heading])}", body]
        return "\n\n".join(part for part in parts if part) + "\n"

    # -- how it was read ---------------------------------------------------------------------------

    def _reading(self) -> str:
        record, say = self._report.record, self._say
        lines = [self._table_line(line) for line in dict.fromkeys(use.line for use in record.columns)]
        lines += [self._note(note) for note in (*record.notes, *self._report.table.notes)]
        assumed = sum(bool(v.trial.assumed) for v in self._report.trials)
        if assumed:
            lines.append(say("assumed", trials=self._words.count(assumed, "trial")))
        if self._unread:
            lines.append(say("unread_sentences", sentences=self._words.count(len(self._unread), "sentence")))
        parts = [_bullets(lines)]
        cells = record.unread_cells
        if cells:
            shown = [
                say("unread_cell", line=c.line, trial=_readable(c.trial), column=_quoted(c.column),
                    cell=_quoted(c.cell),
                    why=say(f"why_{c.why}"))
                for c in cells[:MOST_CELLS]
            ]  # fmt: skip
            shown += [say("unread_cut", n=len(cells) - MOST_CELLS)] if len(cells) > MOST_CELLS else []
            parts += [markdown_text(say("unread_cells", cells=self._words.count(len(cells), "cell"))), _bullets(shown)]
        return "\n\n".join([*parts, markdown_text(say("mend"))])

    def _table_line(self, line: int) -> str:
        words, say = self._words, self._say
        uses = [use for use in self._report.record.columns if use.line == line and use.header]
        by_role = {role: [_quoted(use.header) for use in uses if use.role in roles] for role, roles in _READ_AS.items()}
        factors = [
            _quoted(use.header)
            + (f" = {name}" if (name := self._factors_named(use.factor)) not in ("", use.header) else "")
            for use in uses
            if use.role in ("factor", "effective_batch", "setting", "change")
        ]
        result = next((_quoted(use.header) for use in uses if use.role == "result"), "")
        parts = [say("read_result", header=strong(result), kind=say(f"kind_{self._kind.value}"))] if result else []
        parts += [say("read_factors", names=words.cut_list(factors, 20))] if factors else []
        parts += [say(f"read_{role}", names=words.cut_list(names, 20)) for role, names in by_role.items() if names]
        known = _SAID_ELSEWHERE.union(*_READ_AS.values())
        unused = [_quoted(use.header) for use in uses if use.role not in known]
        parts += [say("read_unused", names=words.cut_list(unused, 20))] if unused else []
        return say("read_line", line=line, parts="; ".join(parts) if words.language == "en" else "；".join(parts))

    def _factors_named(self, factors: str) -> str:
        return self._words.factor_list(factors.split(" / ")) if factors else ""

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
        return "\n\n".join(
            part for part in (markdown_text(words.join(sentences)), markdown_text(seen), self._facts()) if part
        )

    def _best(self) -> str:
        report, say, c = self._report, self._say, self._report.best_claim
        if c is None:
            name = self._words.baseline(self._name(report.table.baseline))
            return say("baseline_is_best", name=name) if report.best == report.table.baseline else ""
        best, base = self._trials[report.best], self._trials[report.table.baseline]
        lead = say(
            "best",
            best=self._name(report.best),
            a=self._result(best),
            b=self._result(base),
            baseline=self._words.baseline(self._name(base.trial.key)),
            gap=say("of_examples", k=count(sum(c.differences)), n=count(self._n or 0))
            if c.differences
            else self._gap(*c.pairs[0]).lstrip("+"),
        )
        codes = {
            SupportVerdict.UNCHECKED: "best_unknown" if self._kind is MeasureKind.SHARE else "best_order",
            SupportVerdict.CANNOT_HOLD: "best_too_small",
            SupportVerdict.NOT_CORRECTED: "best_corrected",
            SupportVerdict.HOLDS: "best_holds",
            SupportVerdict.NOT_SHOWN: "best_seed",
            SupportVerdict.DEPENDS: "best_pairing",
        }
        holds = c.verdict is SupportVerdict.HOLDS
        return lead + say(
            codes[c.verdict],
            p=p_phrase(c.p_independent_adjusted if holds else c.p_favourable),
            adjusted=p_value(c.p_favourable_adjusted),
            n=c.n_judged,
            low=p_value(c.p_favourable_adjusted),
            high=p_value(c.p_independent_adjusted),
        )

    def _trial_tally(self) -> str:
        words, say = self._words, self._say
        told: dict[SupportVerdict, list[str]] = {}
        for v in self._report.trials:
            if v.comparison is not None:
                told.setdefault(v.comparison.verdict, []).append(v.trial.key)
        if not told:
            return ""
        real, depends, runs = (
            told.get(verdict, [])
            for verdict in (SupportVerdict.HOLDS, SupportVerdict.DEPENDS, SupportVerdict.NOT_SHOWN)
        )
        failed = len(real) == 1 and self._trials[real[0]].trial.failed
        names = words.cut_list(self._names(tuple(real))) + (say("which_failed") if failed else "")
        return say(
            "trial_tally",
            trials=words.count(sum(map(len, told.values())), "trial"),
            real=len(real) or say("none"),
            names=f"{words.bracket_gap}{words.bracketed(names)}" if real else "",
            depends=say("tally_depends", n=len(depends), names=words.cut_list(self._names(tuple(depends))))
            if depends
            else "",
            runs=say("tally_runs", n=len(runs), names=words.cut_list(self._names(tuple(runs)))) if runs else "",
        )

    def _examples_unknown(self) -> str:
        examples, say = self._report.examples, self._say
        if self._kind is not MeasureKind.SHARE:
            return ""
        known = examples.smallest is not None
        text = (
            say("unknown", n=count(examples.smallest or 0), luck=f"{examples.luck:.2g}")
            if known
            else say("unknown_none")
        )
        stated = self._report.record.stated_examples
        needed = self._report.needed_examples_if_unknown
        return self._words.join([
            text,
            say("unknown_stated", n=count(stated[0])) if stated else "",
            say("give_examples"),
            say("needed", n=count(needed)) if needed else "",
        ])  # fmt: skip

    def _could_see(self, d: Detectable) -> str:
        def shown(share: float | None) -> str:
            return self._say("nothing") if share is None else f"{share * 100:.1f}"

        return self._say(
            "could_see",
            low=shown(d.favourable),
            high=shown(d.independent),
            comparisons=self._words.count(d.comparisons, "comparison"),
            one_low=shown(d.single_favourable),
            one_high=shown(d.single_independent),
            seed=shown(d.with_seed),
        )

    def _facts(self) -> str:
        words, report, label, say = self._words, self._report, self._words.labels, self._say
        failed = [self._name(v.trial.key) for v in report.trials if v.trial.failed]
        unread = [self._name(v.trial.key) for v in report.trials if v.trial.unread]
        base = self._trials[report.table.baseline]
        settings = words.comma.join(
            f"{words.factor(name)} {level_text(name, level)}"
            for name in (*report.table.factors, *report.table.extras)
            if (level := level_in(base.trial, name)) not in (None, UNSAID, "")
        )
        trials = str(len(report.trials)) + (say("failed_fact", names=words.cut_list(failed)) if failed else "")
        trials += say("unread_fact", names=words.cut_list(unread)) if unread else ""
        named = "" if report.table.baseline_named else say("first_row")
        lead = label["colon"] + words.sentence_gap if settings else ""
        rows = [(label["trials"], trials), (label["baseline"], f"{self._name(base.trial.key)}{named}{lead}{settings}")]
        if self._n is not None:
            rows.append((label["examples"], self._examples_fact(self._n)))
        if base.interval:
            low, high = base.interval
            text = say("interval_fact", name=self._name(base.trial.key), interval=words.interval(low, high),
                       half=f"{(high - low) * 50:.1f}")  # fmt: skip
            rows.append((label["one_trial"], text))
        if self._kind is MeasureKind.SHARE:
            rows.append((label["noise"], self._noise_fact()))
        if report.tied_with_best:
            names = words.cut_list(self._names(report.tied_with_best), 20)
            rows.append((label["tied"], say("tied_fact", names=names)))
        return _table((label["fact"], label["value"]), rows)

    def _examples_fact(self, n: int) -> str:
        examples, say, words = self._report.examples, self._say, self._words
        text = say(f"how_{examples.how}", n=count(n))
        seeds = self._report.record.seeds
        if seeds:
            text += say("means", seeds=seeds, n=count(n))
        if examples.how == "inferred" and examples.alternatives:
            others = words.comma.join(count(a) for a in examples.alternatives[:3])
            text += say("alternatives", others=others, chance=p_value(examples.common_factor_chance))
        scored = [self._name(v.trial.key) for v in self._report.trials if v.trial.score is not None]
        if examples.misfits:
            text += say("misfits", names=words.cut_list([scored[i] for i in examples.misfits]))
        if self._report.slack:
            text += say("slack", slack=self._report.slack)
        return text + (say("contradicted_n", n=count(examples.stated_misfit)) if examples.stated_misfit else "")

    def _noise_fact(self) -> str:
        noise, say = self._report.noise, self._say
        used = f"{noise.used * 100:.1f}"
        if noise.measured is None:
            return say("noise_prior", used=used)
        interval = ""
        if noise.interval:
            low, high = (f"{end * 100:.2f}" for end in noise.interval)
            interval = say("noise_wide" if noise.freedom < 4 else "noise_interval", low=low, high=high)
        degrees = self._words.count(noise.freedom, "degree")
        return say("noise", measured=f"{noise.measured * 100:.2f}", degrees=degrees, interval=interval, used=used)

    # -- claims ------------------------------------------------------------------------------------

    def _claims(self) -> str:
        label = self._words.labels
        rows = [
            (str(j.claim.line), self._quote(j), self._words.verdicts[j.verdict], self._words.join(list(self._why(j))))
            for j in self._read
        ]
        return _table((label["line"], label["claim"], label["verdict"], label["why"]), rows, (0,)) if rows else ""

    def _quote(self, judged: Judged) -> str:
        claim = judged.claim
        text = shorten(claim.text, LONGEST_QUOTE) or self._words.labels["block"]
        subject = claim.trials[0] if claim.trials and claim.trials[0] not in ("best", "baseline") else ""
        if subject and claim.kind in (ClaimKind.TRIALS, ClaimKind.BEST_TRIAL, ClaimKind.UNREAD):
            resolved = self._name(judged.trials[0]) if judged.trials else _readable(subject)
            renumbered = key_of(resolved) != key_of(subject) and bool(judged.trials)
            named = f"{_readable(subject)} = {resolved}" if renumbered else resolved
            if renumbered or subject.casefold() not in text.casefold():
                text = f"{named}{self._words.labels['colon']}{self._words.sentence_gap}{text}"
        return text

    def _why(self, judged: Judged) -> Iterator[str]:
        reason, deciding, say = judged.reason, judged.deciding, self._say
        if deciding is not None and reason not in _SILENT_ABOUT_PAIRS:
            yield self._differences(deciding)
        boundary = judged.facts.get("boundary")
        if isinstance(boundary, Boundary) and reason in (Reason.CONFOUNDED, Reason.ONE_TRIAL):
            yield self._break_point(boundary)
        elif reason is Reason.CONFOUNDED:
            yield from self._mixed(judged)
        elif reason is Reason.EXAMPLES_UNKNOWN and deciding is not None and judged.claim.direction:
            yield say("agrees")
            yield say("examples_unknown")
        elif reason is Reason.SAME_TRAINING and "same" not in judged.facts:
            yield say("changes_nothing", factor=self._words.factor(judged.claim.factor or ""))
        elif reason is Reason.CONTRADICTED and "worked" in judged.facts:
            yield say("worked", names=self._words.cut_list(self._names(judged.facts["worked"]), 5))
        elif reason is Reason.FAILED and judged.claim.kind is not ClaimKind.BOUNDARY:
            yield say("failed", name=self._name(judged.trials[0]))
        elif reason is not Reason.ONE_TRIAL:
            yield say(_CODES.get(reason, reason.value), **self._facts_of(judged))

    def _facts_of(self, judged: Judged) -> dict[str, object]:
        """Values for every reason's sentence; each takes what it has a place for."""
        words, c, claim = self._words, judged.deciding, judged.claim
        names = self._names(judged.trials)
        boundary, same = judged.facts.get("boundary"), judged.facts.get("same")
        pair = same[0] if isinstance(same, tuple) and same else ("", "")
        interval = c.interval if c is not None else None
        found: dict[str, object] = {
            "factor": words.factor(claim.factor) if claim.factor else "",
            "name": names[0] if names else "",
            "names": words.cut_list(names),
            "n": len(names),
            "share": words.percent(0.05 ** (1 / max(1, len(names))), 0),
            "worked": words.cut_list(self._names(judged.facts.get("worked")), 5),
            "higher": words.cut_list(self._names(judged.facts.get("higher")), 5),
            "a": self._name(pair[0]),
            "b": self._name(pair[1]),
            "measure": _quoted(self._measure.name),
            "others": words.cut_list([_quoted(name) for name in self._measure.others]),
            "used": f"{self._report.noise.used * 100:.1f}",
            "interval": self._say("absence_interval", low=points(interval[0]), high=points(interval[1]))
            if interval
            else "",
        }
        if isinstance(boundary, Boundary):
            found |= {
                "trained": self._level(boundary.trained, boundary.factor),
                "failed": self._level(boundary.failed[0], boundary.factor),
            }
        if c is not None:
            significant = judged.reason in (Reason.SIGNIFICANT, Reason.SEED_NOISE)
            found |= {
                "p": p_phrase(c.p_independent_adjusted if significant else c.p_favourable),
                "low": p_value(c.p_favourable_adjusted),
                "high": p_value(c.p_independent_adjusted),
                "adjusted": p_value(c.p_favourable_adjusted),
                "seed": p_phrase(c.p_seed_adjusted),
                "comparisons": words.count(c.n_judged, "comparison"),
            }
        return found

    def _mixed(self, judged: Judged) -> Iterator[str]:
        words, claim, say = self._words, judged.claim, self._say
        factor = words.factor(claim.factor) if claim.factor else ""
        levels, against = judged.facts.get("levels"), judged.facts.get("against")
        if claim.factor and isinstance(levels, tuple) and isinstance(against, tuple) and levels and against:
            listed = [words.labels["or"].join(level_text(claim.factor, x) for x in side) for side in (levels, against)]
            yield say("confounded_levels", factor=factor, levels=listed[0], against=listed[1])
        else:
            yield say("confounded", factor=factor) if factor else say("confounded_any")
        for pair in judged.confounded[:2]:
            if isinstance(pair, ConfoundedPair) and pair.also:
                yield say("also", a=self._name(pair.treatment), b=self._name(pair.control),
                          factors=words.factor_list(pair.also))  # fmt: skip

    # -- trials ------------------------------------------------------------------------------------

    def _against(self) -> str:
        label = self._words.labels
        share = self._kind is MeasureKind.SHARE
        columns = (
            label["trial"],
            label["differs"],
            label["right"],
            label["accuracy"] if share else _quoted(self._measure.name),
            label["difference" if (self._n and share) or not share else "difference_points"],
            label["p"],
            label["told"],
        )
        words, moves = self._words, self._report.structure.moves
        gap = label["colon"] + words.sentence_gap
        lines = [
            strong(label[name]) + gap + words.cut_list(self._names(keys), 60) + words.stop
            for name, keys in (
                ("one_factor", tuple(k for k, m in moves.items() if len(m) == 1)),
                ("several", tuple(k for k, m in moves.items() if len(m) > 1)),
            )
            if keys
        ]
        table = _table(columns, [self._trial_row(v) for v in self._report.trials], (2, 4))
        return "\n\n".join([table, *map(markdown_text, lines)])

    def _trial_row(self, v: TrialVerdict) -> tuple[str, ...]:
        words = self._words
        name = self._name(v.trial.key)
        right = str(v.correct) if v.correct is not None else ""
        result = self._result(v) if v.trial.score is not None else words.labels["failed"] if v.trial.failed else ""
        if v.interval and v.trial.score is not None:
            result += f" ({words.interval(*v.interval)})"
        if v.trial.key == self._report.table.baseline:
            return strong(name), words.labels["baseline"], right, result, "", "", ""
        if v.moves == ():
            told = words.labels["same_as"] + words.sentence_gap + _readable(v.same_as) if v.same_as else ""
            return name, words.labels["nothing"], right, result, "", "", told
        shown = [f"{words.factor(n)} {level_text(n, level_in(v.trial, n))}" for n in (v.moves or ())]
        differs = words.comma.join(shown[:MOST_MOVES]) + ("…" if len(shown) > MOST_MOVES else "")
        differs = words.labels["unread"] if v.trial.unread or v.moves is None else differs
        c = v.comparison
        if c is None:
            return name, differs, right, result, "", "", ""
        difference = signed(sum(c.differences)) if c.differences else self._raw_gap(*c.pairs[0])
        p = f"{p_value(c.p_favourable_adjusted)} … {p_value(c.p_independent_adjusted)}" if self._n else ""
        return name, differs, right, result, difference, p, words.told[c.verdict] if self._n else ""

    def _same(self) -> str:
        words, report, say = self._words, self._report, self._say
        sentences = []
        for keys in report.noise.groups:
            sentences.append(say("equal", names=words.listed(self._names(keys)), counts=self._right(keys)))
        best, base = self._trials[report.best].correct, self._trials[report.table.baseline].correct
        gain = best - base if best is not None and base is not None else None
        for tokens, keys in report.noise.if_short_groups:
            known = [n for key in keys if (n := self._trials[key].correct) is not None]
            spread = max(known) - min(known) if len(known) == len(keys) else 0
            wide = gain is not None and spread >= gain > 0
            text = say("spread", spread=spread, gain=gain) if wide else ""
            names = words.listed(self._names(keys))
            sentences.append(say("equal_short", tokens=tokens, names=names, counts=self._right(keys), spread=text))
        return _bullets(sentences)

    def _right(self, keys: Sequence[str]) -> str:
        known = [str(n) for key in keys if (n := self._trials[key].correct) is not None]
        return self._say("right_counts", counts=self._words.comma.join(known)) if len(known) == len(keys) else ""

    # -- factors and what they cannot say ----------------------------------------------------------

    def _factors(self) -> str:
        label, words = self._words.labels, self._words
        rows = []
        for effect in self._report.effects:
            c = effect.widest
            counted = c is not None and self._n is not None
            shown = f"{self._pair(*c.pairs[0])}" if c else label["no_pair"]
            p = f"{p_value(c.p_favourable_adjusted)} … {p_value(c.p_independent_adjusted)}" if c and counted else ""
            verdict = words.told[c.verdict] if c and counted else ""
            rows.append((words.factor(effect.factor), str(effect.levels), str(effect.n_pairs), shown, p, verdict))
        columns = (label["factor"], label["levels"], label["pairs"], label["widest"], label["p"], label["told"])
        return _table(columns, rows, (1, 2)) if rows else ""

    def _confounded(self) -> str:
        words, say = self._words, self._say
        sentences = []
        for c in self._report.structure.confounded:
            if c.code == "ratio_constant":
                sentences.append(say("ratio_constant", ratio=level_text("", c.levels[0])))
            elif c.code == "ratio_unknown":
                sentences.append(say("ratio_unknown"))
            elif c.code == "one_to_one":
                sentences.append(say("one_to_one", a=words.factor(c.factors[0]), b=words.factor(c.factors[1])))
            else:
                levels = words.labels["or"].join(level_text(c.factors[0], level) for level in c.levels)
                others = words.factor_list(c.factors[1:])
                companions = say("companions", factors=others) if others else ""
                factor = words.factor(c.factors[0])
                sentences.append(say("not_isolated", factor=factor, levels=levels, companions=companions))
        return _bullets(sentences)

    def _break_point(self, b: Boundary) -> str:
        words, say = self._words, self._say
        values: dict[str, Any] = {
            "factor": words.factor(b.factor),
            "side": words.labels["above" if b.above else "below"],
            "failed": self._name(b.failed[0]),
            "failed_level": self._level(b.failed[0], b.factor),
            "trained": self._name(b.trained),
            "trained_level": self._level(b.trained, b.factor),
            "names": words.cut_list(self._names(b.failed)),
        }
        parts = [say("break_one", **values) if len(b.failed) == 1 else say("break_many", n=len(b.failed), **values)]
        if len(b.moves) == 1:
            return words.join([*parts, say("break_alone", **values)])
        moves = words.factor_list([b.factor, *(n for n in b.moves if n != b.factor)])
        parts.append(say("break_moves", **{**values, "n": len(b.moves), "factors": moves}))
        if b.clean and b.clean_failed:
            values |= {
                "trained": self._name(b.clean),
                "trained_level": self._level(b.clean, b.factor),
                "failed": self._name(b.clean_failed),
                "failed_level": self._level(b.clean_failed, b.factor),
            }
            return words.join([*parts, say("break_clean", **values)])
        return words.join([*parts, say("break_no_clean", **values)])

    # -- what next, how ----------------------------------------------------------------------------

    def _next(self) -> str:
        report, words, label, say = self._report, self._words, self._words.labels, self._say
        if not report.next_trials or not report.table.factors:
            return ""
        rows = []
        for i, t in enumerate(report.next_trials, 1):
            again = f"{label['again']}{words.sentence_gap}{_readable(t.again)}" if t.again else label["is_new"]
            factor = words.factor(t.factor) if t.factor else ""
            why = say(f"why_{t.why}", factor=factor, level=level_text(t.factor or "", t.level))
            rows.append((str(i), why, again, f"{t.cost:.3g}"))
        settle = report.detectable.to_settle if report.detectable else None
        if settle and self._n is not None and settle[1] <= self._n:
            settle = None  # there are enough examples already
        cost = f"{sum(t.cost for t in report.next_trials):.3g}"
        lead = say("next", configurations=words.count(len(rows), "configuration"), cost=cost)
        more = say("settle", low=about(settle[0]), high=about(settle[1])) if settle else ""
        table = _table(("#", label["why"], label["new"], label["cost"]), rows, (0, 3))
        parts = [markdown_text(words.join([lead, more])), table]
        if text := next_trials_csv(report):
            introduction = label["trials_csv_part" if n_left_out(report) else "trials_csv"]
            parts += [f"{introduction}{label['colon']}", f"```csv\n{text}```"]
        return "\n\n".join(parts)

    def _method(self) -> str:
        if self._n is None:
            return ""
        family, pairs = self._report.family_sizes
        prior, degrees = f"{SEED_DEVIATION_PRIOR * 100:.1f}", self._words.count(PROVISIONAL_DF, "degree")
        return _bullets([
            self._say("method_bounds"),
            self._say("method_verdicts"),
            self._say("method_families", family=family, pairs=count(pairs)),
            self._say("method_noise", used=f"{self._report.noise.used * 100:.1f}", prior=prior, degrees=degrees),
        ])  # fmt: skip

    # -- notes -------------------------------------------------------------------------------------

    def _note(self, note: Note) -> str:
        """A note in words: labels fit to be read, other strangers' text quoted, lists cut."""
        words, code = self._words, note.code
        values = {name: self._value(name, value) for name, value in note.values.items()}
        if code == "repeated":
            code = "repeated_settings" if note.values["settings"] else "repeated_result"
        elif code == "blanks_filled":
            code = f"blanks_{note.values['how']}"
        text = self._say(code, **values)
        fits = note.values.get("fits")
        if code == "described_short" and isinstance(fits, tuple) and fits:
            text = words.join([text, self._say("described_fits", fits=values["fits"])])
        return text

    def _value(self, name: str, value: object) -> object:
        words = self._words
        if name == "settings" and isinstance(value, dict):
            return words.listed([
                self._say("setting_differs", factor=words.factor(n), text=level_text(n, a), table=level_text(n, b))
                for n, (a, b) in value.items()
            ])  # fmt: skip
        if name in ("text", "table") and (isinstance(value, Score) or value is None):
            return words.score(value, self._kind)
        if name == "pairs" and isinstance(value, tuple):
            return words.comma.join(self._say("renumbered_pair", a=a, b=b) for a, b in value)
        if name in ("factors", "named", "undeclared") and isinstance(value, tuple):
            return words.factor_list([str(each) for each in value])
        if isinstance(value, tuple):
            return words.cut_list([_readable(str(v)) if name in _LABELS else _quoted(str(v)) for v in value])
        if name == "said" and isinstance(value, float):
            return f"{value:+g}" if "relative" in name else f"{value:g}"
        if isinstance(value, float):
            return f"{value:+.1f}"
        return (_readable(value) if name in _LABELS else _quoted(value)) if isinstance(value, str) else value

    # -- names and numbers -------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        known = self._trials.get(key)
        return _readable(known.trial.label if known else key)

    def _names(self, keys: object) -> list[str]:
        return [self._name(key) for key in keys] if isinstance(keys, tuple) else []

    def _result(self, v: TrialVerdict) -> str:
        """A trial's result: from its count where known, else as printed."""
        score = v.trial.score
        if score is None:
            return self._words.labels["failed"]
        if self._kind is not MeasureKind.SHARE:
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
        examples, effect = self._effect(a, b)
        return self._words.gap(examples, effect, self._kind)

    def _raw_gap(self, a: str, b: str) -> str:
        _, effect = self._effect(a, b)
        return points(effect) if self._kind is MeasureKind.SHARE else f"{effect:+.4g}"

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


_READ_AS = {
    "others": ("other_result",),
    "place": ("place",),
    "labels": ("trial",),
    "ambiguous": ("ambiguous",),
}
_SAID_ELSEWHERE = frozenset((
    "factor", "effective_batch", "setting", "change", "result", "seed", "status", "round",
    "kind", "purpose", "analysis", "difference", "constant",
))  # fmt: skip
_CODES = {Reason.FEW_RUNS: "all_failed", Reason.FAILED: "all_failed"}
_SILENT_ABOUT_PAIRS = (Reason.NOT_BEST, Reason.CONFOUNDED, Reason.NO_TRIAL, Reason.NOT_VARIED, Reason.UNREAD)
_LABELS = ("trial", "as", "reference", "best", "trials", "fits")
"""Values of notes that are trials' labels."""


def _quoted(text: str) -> str:
    return shorten(clean(text), LONGEST_QUOTE)


def _readable(label: str | None) -> str:
    """A label fit to be read in a sentence: bare numbers as "#6"."""
    text = shorten(clean(label or ""), LONGEST_NAME)
    return f"#{text}" if text.replace(".", "").isdigit() else text


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences if sentence)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    rule = "|".join("---:" if i in right else "---" for i in range(len(columns)))
    lines = [f"| {' | '.join(map(markdown_text, columns))} |", f"|{rule}|"]
    lines += [f"| {' | '.join(map(markdown_text, row))} |" for row in rows]
    return "\n".join(lines)
