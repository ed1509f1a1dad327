"""The audit of a hand-written record as a record in Markdown: the answer first, then claim by claim, then the rest.

Only layout stands here. Every sentence comes from `audit_words`; strangers' text (trial names, quoted sentences,
headings) is cleaned and every cell escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tunebook.audit.judge.cases import ConfoundedPair, Judged
from tunebook.audit.judge.report import AuditReport, TrialVerdict
from tunebook.audit.judge.structure import Boundary, level_in
from tunebook.audit.judge.trials import UNSAID, AuditTrial, key_of
from tunebook.audit.judge.verdicts import Comparison, Reason, SupportVerdict
from tunebook.audit.model import ClaimKind, Note
from tunebook.audit.write.languages import AuditWords, audit_words
from tunebook.audit.write.values import n_left_out, next_trials_csv
from tunebook.audit.write.words import Bounds, BreakPoint, Gap, Mixed, level_text, signed
from tunebook.escaping import clean, shorten
from tunebook.record.text import markdown_text
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.words.marks import strong
from tunebook.words.numbers import p_value, points

__all__ = ["audit_markdown"]

LONGEST_QUOTE = 160
LONGEST_NAME = 40
MOST_MOVES = 6
MOST_PAIRS = 4


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
        self._trials = {v.trial.key: v for v in report.trials}
        self._n = report.examples.n

    def document(self) -> str:
        label = self._words.labels
        name = shorten(self._report.record.source, 120)
        parts = [f"# {markdown_text(label['title'] + self._words.sentence_gap + name)}", *self._opening()]
        for heading, body in (
            ("claims", self._claims()),
            ("against", self._against()),
            ("same", self._same()),
            ("factors", self._factors()),
            ("confounded", self._confounded()),
            ("boundary", self._boundaries()),
            ("disagree", self._disagreements()),
            ("next", self._next()),
            ("method", self._method()),
            ("reading", self._reading()),
        ):
            if body:
                parts += [f"## {markdown_text(label[heading])}", body]
        return "\n\n".join(part for part in parts if part) + "\n"

    # -- the opening -------------------------------------------------------------------------------

    def _opening(self) -> list[str]:
        words, report = self._words, self._report
        sentences = []
        counts = Counter(j.verdict for j in report.claims)
        sentences.append(words.tally(counts) if counts else words.no_claims(len(report.trials)))
        sentences.append(self._best())
        if self._n is None:
            sentences.append(words.examples_unknown(report.examples, report.needed_examples_if_unknown))
        else:
            sentences.append(self._trial_tally())
        if report.inconsistencies:
            sentences.append(words.disagreements(len(report.inconsistencies)))
        lead = strong(words.labels["answer"]) + words.labels["colon"] + words.sentence_gap
        text = lead + words.sentence_gap.join(s for s in sentences if s)
        seen = words.could_see(report.detectable) + words.stop if report.detectable else ""
        return [markdown_text(text), markdown_text(seen), self._facts()]

    def _best(self) -> str:
        report = self._report
        if report.best_claim is None:
            return (
                self._words.baseline_is_best(self._name(report.table.baseline))
                if report.best == (report.table.baseline)
                else ""
            )
        gap = self._gap(*report.best_claim.pairs[0])
        values = (self._share(self._trials[report.best]), self._share(self._trials[report.table.baseline]))
        return self._words.best_sentence(gap, self._n, values, report.best_claim.verdict, _bounds(report.best_claim))

    def _trial_tally(self) -> str:
        told: dict[SupportVerdict, list[str]] = {}
        for v in self._report.trials:
            if v.comparison is not None:
                told.setdefault(v.comparison.verdict, []).append(self._name(v.trial.key))
        real = told.get(SupportVerdict.HOLDS, [])
        failed = [name for v in self._report.trials if v.trial.failed and (name := self._name(v.trial.key)) in real]
        return self._words.trial_tally(told, failed) if told else ""

    def _facts(self) -> str:
        words, report, label = self._words, self._report, self._words.labels
        failed = [self._name(v.trial.key) for v in report.trials if v.trial.failed]
        unread = [self._name(v.trial.key) for v in report.trials if v.trial.unread]
        base = self._trials[report.table.baseline]
        rows = [
            (label["trials"], words.trials_fact(len(report.trials), failed, unread)),
            (
                label["baseline"],
                words.baseline_fact(
                    self._name(base.trial.key), report.table.baseline_named, self._settings(base.trial)
                ),
            ),
        ]
        if self._n is not None:
            scored = [self._name(v.trial.key) for v in report.trials if v.trial.accuracy is not None]
            misfits = [scored[i] for i in report.examples.misfits]
            rows.append((label["examples"], words.examples_fact(report.examples, misfits, report.slack)))
        if base.interval:
            rows.append((label["one_trial"], words.one_trial_fact(self._name(base.trial.key), *base.interval)))
        noise = report.noise
        rows.append((label["noise"], words.noise_fact(noise.measured, noise.freedom, noise.interval, noise.used)))
        if report.tied_with_best:
            rows.append((label["tied"], words.tied_fact([self._name(k) for k in report.tied_with_best])))
        return _table((label["fact"], label["value"]), rows)

    # -- claims ------------------------------------------------------------------------------------

    def _claims(self) -> str:
        label = self._words.labels
        rows = [
            (str(j.claim.line), self._quote(j), self._words.verdicts[j.verdict], self._why(j))
            for j in self._report.claims
        ]
        return _table((label["line"], label["claim"], label["verdict"], label["why"]), rows, (0,)) if rows else ""

    def _quote(self, judged: Judged) -> str:
        claim = judged.claim
        text = shorten(claim.text, LONGEST_QUOTE) or self._words.labels["block"]
        subject = claim.trials[0] if claim.trials and claim.trials[0] not in ("best", "baseline") else ""
        about_row = claim.kind in (ClaimKind.TRIALS, ClaimKind.BEST_TRIAL, ClaimKind.UNREAD)
        if subject and about_row:
            resolved = self._name(judged.trials[0]) if judged.trials else subject
            name, renumbered = self._name_of_label(subject), key_of(resolved) != key_of(subject)
            named = self._words.renamed(name, resolved) if renumbered else name
            if renumbered or subject.casefold() not in text.casefold():
                text = f"{named}{self._words.labels['colon']}{self._words.sentence_gap}{text}"
        return text

    def _why(self, judged: Judged) -> str:
        sentences = [s for s in self._reasons(judged) if s]
        return self._words.sentence_gap.join(sentences)

    def _reasons(self, judged: Judged) -> Iterator[str]:
        words, reason, deciding = self._words, judged.reason, judged.deciding
        if deciding is not None and reason not in _SILENT_ABOUT_PAIRS:
            yield self._differences(deciding)
        bounds = _bounds(deciding) if deciding is not None else None
        if bounds is not None and reason in _BOUND_REASONS:
            yield self._bound_sentence(reason, bounds)
        else:
            yield self._plain_reason(judged, bounds)
        naive = judged.facts.get("naive")
        if isinstance(naive, ConfoundedPair):
            yield words.naive(self._mixed_pair(naive))
        boundary = judged.facts.get("boundary")
        if isinstance(boundary, Boundary) and reason in (Reason.CONFOUNDED, Reason.ONE_TRIAL):
            yield words.break_point(self._break_point(boundary))

    def _bound_sentence(self, reason: Reason, bounds: Bounds) -> str:
        words = self._words
        if reason is Reason.SIGNIFICANT:
            return words.significant(bounds)
        if reason is Reason.PAIRING:
            return words.pairing(bounds)
        if reason is Reason.TOO_SMALL:
            return words.too_small(bounds)
        return words.seed_noise(bounds, self._report.noise.used)

    def _plain_reason(self, judged: Judged, bounds: Bounds | None) -> str:
        words, claim = self._words, judged.claim
        factor = words.factor(claim.factor) if claim.factor else ""
        names = [self._name(key) for key in judged.trials]
        interval = judged.deciding.interval if judged.deciding else None
        sayings: dict[Reason, Callable[[], str]] = {
            Reason.CONTRADICTED: lambda: self._contradicted(judged),
            Reason.NO_DIFFERENCE: words.no_difference,
            Reason.SAME_TRAINING: lambda: self._same_training(judged, factor),
            Reason.CONFOUNDED: lambda: (
                "" if "boundary" in judged.facts else words.confounded(factor or None, self._mixed(judged))
            ),
            Reason.ONE_TRIAL: lambda: "",
            Reason.EDGE_OPEN: lambda: self._edge_open(judged.facts.get("boundary")),
            Reason.ABSENCE: lambda: words.absence(interval),
            Reason.DIFFERENCE_FOUND: words.difference_found,
            Reason.ORDER_UNKNOWN: lambda: words.order_unknown(factor, bounds),
            Reason.NOT_BEST: lambda: words.not_best(names[0], self._names(judged.facts.get("higher"))),
            Reason.FEW_RUNS: lambda: words.all_failed(names),
            Reason.FAILED: lambda: (
                words.all_failed(names) if claim.kind is ClaimKind.BOUNDARY else words.failed_trial(names[0])
            ),
            Reason.NO_TRIAL: words.no_trial,
            Reason.NOT_VARIED: lambda: words.not_varied(factor),
            Reason.UNREAD: words.unread,
            Reason.EXAMPLES_UNKNOWN: words.count_unknown,
        }
        return sayings[judged.reason]()

    def _edge_open(self, boundary: object) -> str:
        return self._words.edge_open(self._break_point(boundary)) if isinstance(boundary, Boundary) else ""

    def _contradicted(self, judged: Judged) -> str:
        worked = self._names(judged.facts.get("worked"))
        if worked:
            return self._words.worked(worked)
        text = self._words.contradicted()
        if judged.deciding is None and judged.confounded:
            gaps = [self._words.gaps([m.gap], 1, m.gap.text()) for m in self._mixed(judged)[:2]]
            return self._words.sentence_gap.join([*gaps, text])
        return text

    def _same_training(self, judged: Judged, factor: str) -> str:
        pairs = judged.facts.get("same")
        if judged.verdict is SupportVerdict.HOLDS and not pairs:
            return self._words.changes_nothing(factor)
        assert isinstance(pairs, tuple)
        return self._words.same_training([(self._name(a), self._name(b)) for a, b in pairs])

    def _mixed(self, judged: Judged) -> list[Mixed]:
        return [self._mixed_pair(pair) for pair in judged.confounded]

    def _mixed_pair(self, p: ConfoundedPair) -> Mixed:
        examples = self._examples(p.treatment, p.control)
        return Mixed(Gap(self._name(p.treatment), self._name(p.control), examples, p.effect), p.also)

    # -- trials ------------------------------------------------------------------------------------

    def _against(self) -> str:
        label = self._words.labels
        rows = [self._trial_row(v) for v in self._report.trials]
        columns = (
            label["trial"],
            label["differs"],
            label["right"],
            label["accuracy"],
            label["difference" if self._n else "difference_points"],
            label["p"],
            label["told"],
        )
        alone = self._alone()
        return _table(columns, rows, (2, 4)) + (f"\n\n{alone}" if alone else "")

    def _trial_row(self, v: TrialVerdict) -> tuple[str, ...]:
        words = self._words
        name = self._name(v.trial.key)
        right = str(v.correct) if v.correct is not None else ""
        if v.trial.accuracy is None:
            accuracy = words.labels["failed"] if v.trial.failed else ""
        else:
            accuracy = words.percent(self._share(v)) + (f" ({words.interval(*v.interval)})" if v.interval else "")
        if v.trial.key == self._report.table.baseline:
            return strong(name), words.labels["baseline"], right, accuracy, "", "", ""
        if v.moves == ():
            told = words.labels["same_as"] + words.sentence_gap + self._name_of_label(v.same_as) if v.same_as else ""
            return name, words.labels["nothing"], right, accuracy, "", "", told
        differs = words.labels["unread"] if v.moves is None else self._moves(v)
        if v.comparison is None:
            return name, differs, right, accuracy, "", "", ""
        gap = self._gap(*v.comparison.pairs[0])
        p = f"{p_value(v.comparison.p_favourable_adjusted)} … {p_value(v.comparison.p_independent_adjusted)}"
        return (
            name,
            differs,
            right,
            accuracy,
            gap.text(),
            p if self._n else "",
            words.told[v.comparison.verdict] if self._n else "",
        )

    def _moves(self, v: TrialVerdict) -> str:
        words = self._words
        shown = [f"{words.factor(n)} {level_text(n, level_in(v.trial.configuration, n))}" for n in (v.moves or ())]
        return words.comma.join(shown[:MOST_MOVES]) + ("…" if len(shown) > MOST_MOVES else "")

    def _alone(self) -> str:
        """Which trials changed one thing, and which several."""
        words, moves = self._words, self._report.structure.moves
        one = [self._name(k) for k, m in moves.items() if len(m) == 1]
        several = [self._name(k) for k, m in moves.items() if len(m) > 1]
        gap = words.labels["colon"] + words.sentence_gap
        lines = [
            strong(words.labels[name]) + gap + words.cut_list(keys, 60) + words.stop
            for name, keys in (("one_factor", one), ("several", several))
            if keys
        ]
        return "\n\n".join(markdown_text(line) for line in lines)

    def _same(self) -> str:
        words, report = self._words, self._report
        sentences = [words.equal(*self._names_and_counts(keys)) for keys in report.noise.groups]
        best, base = self._trials[report.best].correct, self._trials[report.table.baseline].correct
        gain = best - base if best is not None and base is not None else None
        for tokens, keys in report.noise.if_short_groups:
            names, counts = self._names_and_counts(keys)
            known = [c for c in counts if c is not None]
            spread = max(known) - min(known) if len(known) == len(counts) else None
            sentences.append(words.equal_if_short(tokens, names, counts, spread, gain))
        return _bullets(sentences)

    # -- factors and what they cannot say ----------------------------------------------------------

    def _factors(self) -> str:
        label, words = self._words.labels, self._words
        rows = []
        for effect in self._report.effects:
            c = effect.widest
            gap = self._gap(*c.pairs[0]) if c else None
            shown = f"{gap.treatment} - {gap.control}: {gap.text()}" if gap else label["no_pair"]
            p = f"{p_value(c.p_favourable_adjusted)} … {p_value(c.p_independent_adjusted)}" if c and self._n else ""
            verdict = words.told[c.verdict] if c and self._n else ""
            rows.append((words.factor(effect.factor), str(effect.levels), str(effect.n_pairs), shown, p, verdict))
        columns = (label["factor"], label["levels"], label["pairs"], label["widest"], label["p"], label["told"])
        return _table(columns, rows, (1, 2)) if rows else ""

    def _confounded(self) -> str:
        words = self._words
        sentences = []
        for c in self._report.structure.confounded:
            if c.code == "ratio_constant":
                sentences.append(words.ratio_constant(level_text("", c.levels[0])))
            elif c.code == "ratio_unknown":
                sentences.append(words.ratio_unknown())
            elif c.code == "one_to_one":
                sentences.append(words.one_to_one(words.factor(c.factors[0]), words.factor(c.factors[1])))
            else:
                levels = [level_text(c.factors[0], level) for level in c.levels]
                sentences.append(
                    words.not_isolated(
                        words.factor(c.factors[0]), levels, [words.factor(name) for name in c.factors[1:]]
                    )
                )
        return _bullets(sentences)

    def _boundaries(self) -> str:
        return _bullets([self._words.break_point(self._break_point(b)) for b in self._report.structure.boundaries])

    def _break_point(self, b: Boundary) -> BreakPoint:
        first = b.failed[0]
        clean_pair = (
            (
                self._name(b.clean),
                self._level(b.clean, b.factor),
                self._name(b.clean_failed),
                self._level(b.clean_failed, b.factor),
            )
            if b.clean and b.clean_failed
            else None
        )
        return BreakPoint(
            b.factor,
            b.above,
            tuple(self._name(k) for k in b.failed),
            self._level(first, b.factor),
            self._name(b.trained),
            self._level(b.trained, b.factor),
            b.moves,
            clean_pair,
        )

    def _disagreements(self) -> str:
        return _bullets([self._words.inconsistency(_cleaned(note)) for note in self._report.inconsistencies])

    # -- what next, how ----------------------------------------------------------------------------

    def _next(self) -> str:
        report, words, label = self._report, self._words, self._words.labels
        if not report.next_trials or not report.table.factors:
            return ""
        rows = []
        for i, t in enumerate(report.next_trials, 1):
            name = self._name_of_label(t.again)
            again = f"{label['again']}{words.sentence_gap}{name}" if t.again else label["is_new"]
            level = level_text(t.factor or "", t.level)
            rows.append((str(i), words.next_why(t.why, t.factor, level), again, f"{t.cost:.3g}"))
        settle = report.detectable.to_settle if report.detectable else None
        if settle and self._n is not None and settle[1] <= self._n:
            settle = None  # there are enough examples already
        lead = words.next_lead(len(rows), sum(t.cost for t in report.next_trials), settle)
        table = _table(("#", label["why"], label["new"], label["cost"]), rows, (0, 3))
        parts = [markdown_text(lead), table]
        if text := next_trials_csv(report):
            introduction = label["trials_csv_part" if n_left_out(report) else "trials_csv"]
            parts += [f"{introduction}{label['colon']}", f"```csv\n{text}```"]
        return "\n\n".join(parts)

    def _method(self) -> str:
        if self._n is None:
            return ""
        family, pairs = self._report.family_sizes
        used = self._report.noise.used
        return _bullets(self._words.method(family, pairs, used, SEED_DEVIATION_PRIOR, PROVISIONAL_DF))

    def _reading(self) -> str:
        words = self._words
        notes = (*self._report.record.notes, *self._report.table.notes)
        sentences = [words.reading_note(_cleaned(note)) for note in notes]
        assumed = sum(bool(v.trial.assumed) for v in self._report.trials)
        if assumed:
            sentences.append(words.assumed_note(assumed))
        return _bullets(sentences)

    # -- names and numbers -------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        known = self._trials.get(key)
        return self._name_of_label(known.trial.label if known else key)

    def _name_of_label(self, label: str | None) -> str:
        """A label fit to be read in a sentence: bare numbers as "#6"."""
        return _readable(label or "")

    def _share(self, v: TrialVerdict) -> float:
        """A trial's accuracy: from its count where known, else as printed."""
        if v.correct is not None and self._n:
            return v.correct / self._n
        return v.trial.accuracy.value if v.trial.accuracy else 0.0

    def _names(self, keys: object) -> list[str]:
        return [self._name(key) for key in keys] if isinstance(keys, tuple) else []

    def _names_and_counts(self, keys: Sequence[str]) -> tuple[list[str], list[int | None]]:
        return [self._name(key) for key in keys], [self._trials[key].correct for key in keys]

    def _level(self, key: str, factor: str) -> str:
        return level_text(factor, level_in(self._trials[key].trial.configuration, factor))

    def _settings(self, trial: AuditTrial) -> str:
        return self._words.comma.join(
            f"{self._words.factor(name)} {level_text(name, level_in(trial.configuration, name))}"
            for name in self._report.table.factors
            if level_in(trial.configuration, name) not in (None, UNSAID)
        )

    def _examples(self, a: str, b: str) -> int | None:
        first, second = self._trials[a].correct, self._trials[b].correct
        return first - second if first is not None and second is not None else None

    def _gap(self, a: str, b: str) -> Gap:
        one, other = self._trials[a].trial.accuracy, self._trials[b].trial.accuracy
        effect = (one.value if one else 0.0) - (other.value if other else 0.0)
        return Gap(self._name(a), self._name(b), self._examples(a, b), effect)

    def _differences(self, c: Comparison) -> str:
        """The pairs of a comparison with their differences."""
        total = signed(sum(c.differences)) if c.differences else points(c.effect * len(c.pairs))
        shown = [self._gap(a, b) for a, b in c.pairs[:MOST_PAIRS]]
        return self._words.gaps(shown, len(c.pairs), total)


_BOUND_REASONS = (Reason.SIGNIFICANT, Reason.PAIRING, Reason.TOO_SMALL, Reason.SEED_NOISE)
_SILENT_ABOUT_PAIRS = (Reason.NOT_BEST, Reason.CONFOUNDED, Reason.NO_TRIAL, Reason.NOT_VARIED, Reason.UNREAD)


def _bounds(c: Comparison) -> Bounds:
    return Bounds(
        c.p_favourable,
        c.p_favourable_adjusted,
        c.p_independent,
        c.p_independent_adjusted,
        c.p_seed_adjusted,
        c.family_size,
        c.family == "picked",
    )


_LABELS = ("trial", "as", "reference", "best", "trials", "fits")
"""Values of notes that are trials' labels."""


def _cleaned(note: Note) -> Note:
    """A note with its strangers' text fit to be shown, and its labels fit to be read in a sentence."""
    values = {
        name: _clean_value(value, _readable if name in _LABELS else _quoted) for name, value in note.values.items()
    }
    return Note(note.code, values)


def _clean_value(value: object, show: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return show(value)
    return tuple(_clean_value(each, show) for each in value) if isinstance(value, tuple) else value


def _quoted(text: str) -> str:
    return shorten(clean(text), LONGEST_QUOTE)


def _readable(label: str) -> str:
    name = shorten(label, LONGEST_NAME)
    return f"#{name}" if name.isdigit() else name


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    rule = "|".join("---:" if i in numeric else "---" for i in range(len(columns)))
    lines = ["| " + " | ".join(markdown_text(c) for c in columns) + " |", f"|{rule}|"]
    lines += ["| " + " | ".join(markdown_text(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences)
