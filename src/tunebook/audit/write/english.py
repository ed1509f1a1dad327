"""The audit in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tunebook.audit.judge.counts import Examples
from tunebook.audit.judge.report import Detectable
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.model import Note
from tunebook.audit.write.words import AuditShared, Bounds, BreakPoint, Gap, Mixed, level_text
from tunebook.words.english.common import EnglishShared, plural
from tunebook.words.english.labels import FACTORS
from tunebook.words.marks import strong
from tunebook.words.numbers import about, count, p_phrase, p_value, points

__all__ = ["EnglishAudit"]


def _points(share: float) -> str:
    return f"{share * 100:.1f}"


class EnglishAudit(EnglishShared, AuditShared):
    """Sentences for readers without statistics that a statistician finds no fault with."""

    labels: ClassVar = {
        "title": "Audit of",
        "answer": "Answer",
        "fact": "What",
        "value": "Found",
        "baseline": "Baseline",
        "the_baseline": "the baseline",
        "trials": "Trials",
        "examples": "Test examples",
        "one_trial": "One trial's 95 % interval",
        "noise": "Seed noise",
        "detectable": "What this record could see",
        "tied": "Not told from the best",
        "claims": "Claim by claim",
        "line": "Line",
        "claim": "Claim",
        "verdict": "Verdict",
        "why": "Why",
        "against": "Each trial against the baseline",
        "trial": "Trial",
        "differs": "Differs in",
        "right": "Right",
        "accuracy": "Accuracy (95 %)",
        "difference": "Difference",
        "difference_points": "Difference (points)",
        "p": "p, adjusted",
        "told": "Told apart from chance?",
        "same": "The same training more than once",
        "factors": "Each factor",
        "factor": "Factor",
        "levels": "Levels",
        "pairs": "Pairs differing in it alone",
        "widest": "Largest difference among them",
        "alone": "One factor at a time",
        "confounded": "What this record cannot separate",
        "boundary": "Where training broke",
        "disagree": "Where the record disagrees with itself",
        "next": "What to train next",
        "new": "New or again",
        "cost": "Cost",
        "method": "How it was judged",
        "reading": "How the record was read",
        "no_pair": "none",
        "block": "(the best-configuration block)",
        "again": "again:",
        "is_new": "new",
        "failed": "failed",
        "unread": "(not read)",
        "nothing": "nothing that acts",
        "same_as": "same training as",
        "one_factor": "One factor",
        "several": "Several factors",
        "trials_csv": "As a file for a study's `trials:`",
        "trials_csv_part": "As a file for a study's `trials:`, without settings that a study does not take, such as "
        "half an epoch",
        "colon": ":",
        "a_failure": "a failure",
        "examples_unit": "examples",
    }
    factor_names: ClassVar = {**FACTORS, "effective_batch_size": "effective batch size"}
    verdicts: ClassVar = {
        SupportVerdict.HOLDS: "holds",
        SupportVerdict.DEPENDS: "depends on the pairing",
        SupportVerdict.CANNOT_HOLD: "cannot hold under any pairing",
        SupportVerdict.NOT_SHOWN: "not shown",
        SupportVerdict.UNCHECKED: "not checked",
    }
    told: ClassVar = {
        SupportVerdict.HOLDS: "yes",
        SupportVerdict.DEPENDS: "depends on the pairing",
        SupportVerdict.CANNOT_HOLD: "under no pairing",
        SupportVerdict.NOT_SHOWN: "the runs yes, the settings not shown",
        SupportVerdict.UNCHECKED: "not checked",
    }
    stop = "."
    more = " and {n} more"

    def tally(self, counts: Mapping[SupportVerdict, int]) -> str:
        """How the record's claims fared."""
        total = sum(counts.values())
        parts = [f"{counts[v]} {_VERBS[v][counts[v] != 1]}" for v in SupportVerdict if counts.get(v)]
        return f"Of {plural(total, 'claim')} in the record's text, {self.listed(parts)}."

    def no_claims(self, n_trials: int) -> str:
        """A record without sentences: what is judged instead."""
        return (
            f"The record makes no claims in words; each of its {n_trials} trials is held against the baseline instead."
        )

    def trial_tally(self, told: Mapping[SupportVerdict, Sequence[str]], failed: Sequence[str]) -> str:
        """Which trials can be told from the baseline, by verdict; `failed` are those of the told ones that failed."""
        real, depends = told.get(SupportVerdict.HOLDS, ()), told.get(SupportVerdict.DEPENDS, ())
        runs = told.get(SupportVerdict.NOT_SHOWN, ())
        compared = sum(len(names) for names in told.values())
        text = (
            f"Of {plural(compared, 'trial')} with a result and other settings, {len(real) or 'none'} can be told "
            "from the baseline"
        )
        if real:
            text += f" ({self.cut_list(real)}{', which failed' if len(failed) == len(real) == 1 else ''})"
        if depends:
            text += f"; for {len(depends)} ({self.cut_list(depends)}) it depends on which examples were right"
        if runs:
            differ = "differs" if len(runs) == 1 else "differ"
            text += (
                f"; {len(runs)} ({self.cut_list(runs)}) {differ} as runs, but one seed each does not show that the "
                "settings do"
            )
        return text + "."

    def best_sentence(
        self,
        gap: Gap,
        n: int | None,
        accuracies: tuple[float, float],
        verdict: SupportVerdict,
        bounds: Bounds,
    ) -> str:
        """Best against baseline, the record's standing claim."""
        ahead = (
            f"{count(gap.examples)} of {count(n or 0)} examples"
            if gap.examples is not None
            else f"{_points(gap.effect)} points"
        )
        lead = (
            f"The best, {gap.treatment} ({self.percent(accuracies[0])}), is {ahead} ahead of "
            f"{self.baseline(gap.control)} ({self.percent(accuracies[1])})"
        )
        if verdict is SupportVerdict.UNCHECKED:
            return f"{lead}; whether that is more than chance cannot be said without the number of examples."
        alone = f"even in the most favourable pairing of the examples {p_phrase(bounds.favourable)}"
        if bounds.favourable > 0.05:
            return f"{lead}: {alone}, so no pairing supports it."
        if verdict is SupportVerdict.CANNOT_HOLD:
            return (
                f"{lead}: {alone} alone and {p_value(bounds.favourable_adjusted)} adjusted for the "
                f"{bounds.family_size} trials it was picked from, so no pairing supports it."
            )
        if verdict is SupportVerdict.HOLDS:
            return f"{lead}. That holds: adjusted {p_phrase(bounds.independent_adjusted)} even for unrelated outcomes."
        if verdict is SupportVerdict.NOT_SHOWN:
            return f"{lead}. The two runs differ, but one seed each does not show that the settings are the reason."
        return (
            f"{lead}. Whether that is more than chance depends on which examples each got right: adjusted p "
            "between "
            f"{p_value(bounds.favourable_adjusted)} and {p_value(bounds.independent_adjusted)}."
        )

    def baseline_is_best(self, name: str) -> str:
        return f"No trial scored higher than {self.baseline(name)}."

    def could_see(self, d: Detectable) -> str:
        return "What it could have shown: " + self.detectable_fact(d)

    def examples_unknown(self, examples: Examples, needed: int | None) -> str:
        if examples.smallest is None:
            text = "The number of test examples cannot be inferred: no whole number fits all accuracies."
        else:
            text = (
                f"The number of test examples cannot be inferred: {count(examples.smallest)} is the smallest that "
                f"fits, but with these decimals unrelated accuracies would fit some number as small with "
                f"probability {examples.luck:.2g}."
            )
        text += " Give it with --examples; until then only directions and the plan of the trials are checked."
        if needed:
            text += f" Best against baseline could hold only with at least {count(needed)} examples."
        return text

    def disagreements(self, n: int) -> str:
        return f"The record disagrees with itself in {plural(n, 'place')}."

    def examples_fact(self, examples: Examples, misfits: Sequence[str], slack: int) -> str:
        n = count(examples.n or 0)
        text = {
            "given": f"{n}, as given",
            "fractions": f"{n}, from the fractions in the table",
            "stated": f"{n}, as the text says",
            "inferred": f"{n}: the smallest number of which every accuracy is a whole fraction at the printed "
            "precision",
        }[examples.how]
        if examples.how == "inferred" and examples.alternatives:
            text += (
                f" ({', '.join(count(a) for a in examples.alternatives[:3])} would fit too; for twice as many, "
                f"every count would have to be even, chance {p_value(examples.common_factor_chance)})"
            )
        if misfits:
            text += f". No whole number of them: {self.cut_list(misfits)}; these were rounded to the nearest"
        if slack:
            text += f". At the printed precision each count may be off by {slack}, which the bounds allow for"
        if examples.stated_misfit:
            text += f". The text says {count(examples.stated_misfit)}, which the accuracies contradict"
        return text

    def baseline_fact(self, name: str, named: bool, settings: str) -> str:
        return f"{name}{'' if named else ' (the first row; none is named)'}{': ' if settings else ''}{settings}"

    def trials_fact(self, n: int, failed: Sequence[str], unread: Sequence[str]) -> str:
        text = str(n)
        if failed:
            text += f"; failed: {self.cut_list(failed)}"
        if unread:
            text += f"; settings not understood: {self.cut_list(unread)}"
        return text

    def one_trial_fact(self, name: str, low: float, high: float) -> str:
        return f"{name}: {self.interval(low, high)}, about ±{_points((high - low) / 2)} points"

    def noise_fact(
        self,
        measured: float | None,
        freedom: int,
        interval: tuple[float, float] | None,
        used: float,
    ) -> str:
        if measured is None:
            return (
                "no settings were trained twice, so it is not measured; a stated prior is used: standard "
                "deviation "
                f"{_points(used)} points"
            )
        text = f"standard deviation {measured * 100:.2f} points from {plural(freedom, 'degree')} of freedom"
        if interval:
            text += f" (95 %: {interval[0] * 100:.2f} to {interval[1] * 100:.2f}"
            text += ", so wide that it says little)" if freedom < 4 else ")"
        return text + f"; with the prior: {_points(used)} points"

    def detectable_fact(self, d: Detectable) -> str:
        low = f"{_points(d.favourable)} points" if d.favourable is not None else "nothing"
        return (
            f"differences of {low} or more in the most favourable pairing, {_points(d.independent)} points if the "
            f"outcomes of two trials are unrelated (power 80 %, {plural(d.comparisons, 'comparison')}); for one "
            f"comparison fixed beforehand {_optional(d.single_favourable)} and {_points(d.single_independent)} "
            "points; as a "
            f"statement about settings, with the noise of one seed on each side, {_points(d.with_seed)} points"
        )

    def tied_fact(self, names: Sequence[str]) -> str:
        return f"{self.cut_list(names, 20)}: not even in the most favourable pairing, one comparison alone"

    def gaps(self, shown: Sequence[Gap], n_pairs: int, total: str) -> str:
        """Differences of the first pairs, and of all together when there are several."""
        unit = "points" if shown[0].examples is None else "example" if total in ("+1", "-1") else "examples"
        if n_pairs == 1:
            return f"{shown[0].treatment} against {shown[0].control}: {total} {unit}."
        listed = ", ".join(f"{g.treatment} - {g.control}: {g.text()}" for g in shown)
        more = f" and {n_pairs - len(shown)} more" if n_pairs > len(shown) else ""
        return f"{n_pairs} pairs differ in this alone ({listed}{more}): together {total} {unit}."

    def significant(self, bounds: Bounds) -> str:
        return f"Adjusted {p_phrase(bounds.independent_adjusted)} even for unrelated outcomes."

    def pairing(self, bounds: Bounds) -> str:
        return (
            f"Adjusted p between {p_value(bounds.favourable_adjusted)} (most favourable pairing) and "
            f"{p_value(bounds.independent_adjusted)} (unrelated outcomes)."
        )

    def too_small(self, bounds: Bounds) -> str:
        text = f"In the most favourable pairing {p_phrase(bounds.favourable)}"
        if bounds.favourable <= 0.05:
            text += f", adjusted {p_value(bounds.favourable_adjusted)}"
        return text + "."

    def contradicted(self) -> str:
        return "The table says the opposite."

    def no_difference(self) -> str:
        return "The table has no difference."

    def seed_noise(self, bounds: Bounds, used: float) -> str:
        return (
            f"The two runs differ (adjusted {p_phrase(bounds.independent_adjusted)} even for unrelated "
            "outcomes), "
            f"but one seed each, with a seed noise of {_points(used)} points, does not show that the settings are "
            f"the reason (adjusted {p_phrase(bounds.seed_adjusted)})."
        )

    def same_training(self, pairs: Sequence[tuple[str, str]]) -> str:
        a, b = pairs[0]
        return f"{a} and {b} are the same training (equal effective settings), so their difference is chance."

    def changes_nothing(self, factor: str) -> str:
        return f"True without a test: {factor}, as it was varied here, does not change the mathematics."

    def confounded(self, factor: str | None, mixed: Sequence[Mixed]) -> str:
        text = f"No pair of trials differs in {factor} alone." if factor else "No pair of trials isolates it."
        if mixed:
            text += " " + " ".join(
                f"{m.gap.treatment} against {m.gap.control} also differs in {self.factor_list(m.also)}."
                for m in mixed[:2]
                if m.also
            )
        return text

    def naive(self, m: Mixed) -> str:
        """The pair that the text will have looked at, though it differs in more."""
        unit = "points" if m.gap.examples is None else "example" if abs(m.gap.examples) == 1 else "examples"
        return (
            f"{m.gap.treatment} against {self.baseline(m.gap.control)}: {m.gap.text()} {unit}, but it also differs in "
            f"{self.factor_list(m.also)}."
        )

    def renamed(self, text: str, table: str) -> str:
        """A trial by the text's label, with the full table's."""
        return f"{text} ({table} in the full table)"

    def edge_open(self, b: BreakPoint) -> str:
        return (
            f"Nothing was tried between {b.trained_level} ({b.trained}, trained) and {b.failed_level} "
            f"({b.failed[0]}, failed), so the edge may be anywhere between."
        )

    def all_failed(self, failed: Sequence[str]) -> str:
        n = len(failed)
        return (
            f"{_all(n)} there failed ({self.cut_list(failed)}), and one pair differs in this alone. From {n} "
            f"runs it follows only that at least {self.percent(0.05 ** (1 / n), 0)} of runs fail there (95 %)."
        )

    def worked(self, names: Sequence[str]) -> str:
        """Trials that trained where the claim says they fail."""
        return f"Trained there all the same: {self.cut_list(names, 5)}."

    def absence(self, interval: tuple[float, float] | None) -> str:
        text = "That no difference was found does not show that there is none"
        if interval:
            text += (
                f": as unrelated samples, anything from {points(interval[0])} to {points(interval[1])} points "
                "fits "
                "the largest of the pairs"
            )
        return text + "."

    def difference_found(self) -> str:
        return "There is a difference."

    def order_unknown(self, factor: str, bounds: Bounds | None) -> str:
        return (
            f"The largest difference in {factor} alone may be real, but that it exceeds those of the other factors "
            "is another comparison, which these trials cannot carry."
        )

    def not_best(self, name: str, higher: Sequence[str]) -> str:
        return f"{self.cut_list(higher, 5)} scored higher than {name}."

    def failed_trial(self, name: str) -> str:
        return f"{name} failed, which needs no test; it is one run with one seed."

    def no_trial(self) -> str:
        return "No trial of the tables fits the sentence."

    def not_varied(self, factor: str) -> str:
        return f"The tables hold no two levels of {factor}."

    def unread(self) -> str:
        return "The sentence compares something, but not in a form that is understood. Check it by hand."

    def count_unknown(self) -> str:
        return "Needs the number of test examples."

    def break_point(self, b: BreakPoint) -> str:
        side = "above" if b.above else "below"
        word = self.factor(b.factor)
        if len(b.failed) == 1:
            text = (
                f"Failure {side} {word} {b.trained_level} rests on one trial, {b.failed[0]} ({b.failed_level}), "
                "one seed."
            )
        else:
            text = f"{_all(len(b.failed))} {side} {word} {b.trained_level} failed: {self.cut_list(b.failed)}."
        if len(b.moves) > 1:
            moves = [b.factor, *(n for n in b.moves if n != b.factor)]
            text += (
                f" Between {b.trained} ({b.trained_level}, trained) and {b.failed[0]} ({b.failed_level}, failed) "
                f"{len(b.moves)} things changed: {self.factor_list(moves)}. Which of them broke it is not known."
            )
        if b.clean:
            text += (
                f" The nearest pair that differs in {word} alone is {b.clean[0]} ({b.clean[1]}, trained) and "
                f"{b.clean[2]} ({b.clean[3]}, failed): with their other settings the edge lies between."
            )
        else:
            text += f" No pair of a trained and a failed trial differs in {word} alone."
        return text

    def equal(self, names: Sequence[str], counts: Sequence[int | None]) -> str:
        return (
            f"{self.listed(names)} have the same effective settings{_counts(counts)}: they are one training with "
            "different chance, and their difference is a free measure of the noise."
        )

    def equal_if_short(
        self,
        tokens: int,
        names: Sequence[str],
        counts: Sequence[int | None],
        spread: int | None,
        gain: int | None,
    ) -> str:
        text = (
            f"If no training example is longer than {tokens} tokens, {self.listed(names)} are one training "
            f"too{_counts(counts)}"
        )
        if spread is not None and gain is not None and spread >= gain > 0:
            text += f"; then chance alone made {spread} examples, no less than the {gain} between best and baseline"
        return text + "."

    def ratio_constant(self, ratio: str) -> str:
        return (
            f"alpha/r is {ratio} in every trial. What changed with the rank is the rank at this ratio; the "
            "effect of "
            "alpha cannot be told from it."
        )

    def ratio_unknown(self) -> str:
        return "The rank was varied, but alpha is not recorded: whether alpha/r moved with it is unknown."

    def one_to_one(self, a: str, b: str) -> str:
        return f"{a} and {b} always changed together; nothing tells their effects apart."

    def not_isolated(self, factor: str, levels: Sequence[str], companions: Sequence[str]) -> str:
        text = f"No two trials compare {factor} {_either(levels)} with the baseline's level and nothing else"
        return text + (f": {self.listed(companions)} changed as well every time." if companions else ".")

    def inconsistency(self, note: Note) -> str:
        return _INCONSISTENCIES[note.code](self, note.values)

    def next_why(self, why: str, factor: str | None, level: str) -> str:
        word = self.factor(factor) if factor else ""
        return {
            "baseline": "more seeds: the noise, and a fair comparison for all others",
            "best": "more seeds: is it better at all?",
            "boundary_factor": f"{word} {level} with the settings that trained: does it break by itself?",
            "boundary_again": "another seed: does it break again?",
            "boundary_rest": f"{word} {level} with the other settings of the failed trial: do they break without it?",
            "alpha": f"{word} {level} by itself: rank and alpha apart",
            "level": f"{word} {level} by itself",
            "claim": f"{word} {level} by itself, as the text claims",
            "pair": "another seed: its difference from the baseline depends on the pairing",
        }[why]

    def next_lead(self, n: int, cost: float, to_settle: tuple[int, int] | None) -> str:
        text = (
            f"The cheapest trials that would answer what is open: {plural(n, 'configuration')}, in all "
            f"{cost:.3g} times one training of the baseline for each seed (by epochs alone)."
        )
        if to_settle:
            text += (
                f" More seeds do not replace examples: for the difference seen between best and baseline it takes "
                f"{about(to_settle[0])} examples in the most favourable pairing and {about(to_settle[1])} if "
                "outcomes "
                "are unrelated (power 80 %, this one comparison)."
            )
        return text

    def method(self, family: int, all_pairs: int, used: float, prior: float, prior_freedom: int) -> Sequence[str]:
        return (
            "Two trials were scored on the same examples, and the record does not say which. So each difference is "
            "bounded: "
            + strong("most favourable pairing")
            + ", every example on which they differ counts for the higher one (exact McNemar test, two-sided; D "
            "examples "
            "give p = 2^(1-D)); " + strong("unrelated outcomes") + ", as if each had its own examples (Fisher's "
            "exact test, "
            "two-sided; for sums over pairs the normal approximation). Outcomes that disagree even more often than "
            "unrelated ones are not considered.",
            strong("cannot hold under any pairing") + ": not even the first bound is below 0.05, or the table says the "
            "opposite. "
            + strong("holds")
            + ": even the second is, also with seed noise added. "
            + strong("depends on the pairing")
            + ": between. That is no half yes: it comes up in nearly every record "
            "in which nothing matters. " + strong("not shown") + ": no trials "
            "of this record "
            "isolate it, or one seed each is too few. " + strong("not checked") + ": nothing in the tables to hold "
            "it against. "
            "No verdict says that there is no difference.",
            f"Adjusted for many comparisons: trials against the baseline by Holm's method over {family}, both bounds. "
            "Pairs picked by a claim or a factor: the first bound by Holm over the pairs judged, the second by "
            "Bonferroni "
            f"over all {count(all_pairs)} pairs of trials with different settings that could have been picked.",
            f"Seed noise: {_points(used)} points, the measured variance weighed with a prior of {_points(prior)} "
            "points "
            f"worth {prior_freedom} degrees of freedom. It is used only to keep a claim from holding, never to "
            "refute one.",
        )

    def reading_note(self, note: Note) -> str:
        return _READING[note.code](self, note.values)

    def assumed_note(self, n: int) -> str:
        return f"Blank settings were taken from the baseline in {plural(n, 'trial')}."


_VERBS = {
    SupportVerdict.HOLDS: ("holds", "hold"),
    SupportVerdict.DEPENDS: ("depends on how the examples pair", "depend on how the examples pair"),
    SupportVerdict.CANNOT_HOLD: ("cannot hold under any pairing", "cannot hold under any pairing"),
    SupportVerdict.NOT_SHOWN: ("is not shown by these trials", "are not shown by these trials"),
    SupportVerdict.UNCHECKED: ("could not be checked", "could not be checked"),
}


def _all(n: int) -> str:
    return "Both trials" if n == 2 else f"All {n} trials"


def _either(levels: Sequence[str]) -> str:
    return levels[0] if len(levels) == 1 else ", ".join(levels[:-1]) + " or " + levels[-1]


def _optional(share: float | None) -> str:
    return _points(share) if share is not None else "none"


def _counts(counts: Sequence[int | None]) -> str:
    known = [str(c) for c in counts if c is not None]
    return f" ({', '.join(known)} right)" if len(known) == len(counts) else ""


_Say = Callable[[EnglishAudit, Mapping[str, Any]], str]


def _wrong(w: EnglishAudit, settings: Mapping[str, tuple[Any, Any]]) -> str:
    return w.listed(
        [
            f"{w.factor(n)} {level_text(n, text)} in the text, {level_text(n, table)} in the table"
            for n, (text, table) in settings.items()
        ]
    )


def _renumbered(w: EnglishAudit, v: Mapping[str, Any]) -> str:
    pairs = ", ".join(f"{text} is {table}" for text, table in v["pairs"])
    where = f'"{v["section"]}"' if v["section"] else "a table"
    return (
        f"{where} (line {v['line']}) numbers its trials differently from the full table; by settings and results, "
        f"text first: {pairs}."
    )


def _short(w: EnglishAudit, v: Mapping[str, Any]) -> str:
    text = (
        f"{v['trial']} (line {v['line']}) is described by {w.factor_list(v['named'])} alone, but in the full "
        "table it "
        f"also differs from {v['reference']} in {w.factor_list(v['undeclared'])}."
    )
    return text + (f" Only what is named differs from {w.listed(v['fits'])}." if v["fits"] else "")


_INCONSISTENCIES: dict[str, _Say] = {
    "missing_numbers": lambda w, v: f"Numbers missing from the table: {w.cut_list([str(n) for n in v['numbers']])}.",
    "renumbered": _renumbered,
    "repeated": lambda w, v: (
        f"{v['trial']} is given again on line {v['line']} with "
        + (
            "other settings"
            if v["settings"]
            else f"the same settings and another result ({w.said(v['text'])}, before {w.said(v['table'])})"
        )
        + "; the first was used."
    ),
    "only_in_text": lambda w, v: f"In a round's table but not in the full table: {w.cut_list(v['trials'])}.",
    "not_in_text": lambda w, v: f"In the full table but in no round's table: {w.cut_list(v['trials'])}.",
    "result_differs": lambda w, v: (
        f"{v['trial']} (line {v['line']}): the round says {w.said(v['text'])}, the full table {w.said(v['table'])}."
    ),
    "settings_differ": lambda w, v: f"{v['trial']} (line {v['line']}): {_wrong(w, v['settings'])}.",
    "described_short": _short,
    "said_differs": lambda w, v: (
        f"{v['trial']} (line {v['line']}): the text says {w.said(v['text'])}, the table {w.said(v['table'])}."
    ),
    "said_gap_differs": lambda w, v: (
        f"{v['trial']} against {v['reference']} (line {v['line']}): the text says {v['said']:g} points, the accuracies "
        f"give {v['points']:+.1f}."
    ),
    "difference_wrong": lambda w, v: (
        f"{v['trial']} (line {v['line']}): the column of differences says "
        f"{v['said']:+g}; the accuracies give {v['points']:+.1f} points, "
        f"{v['relative']:+.1f} % of the baseline's."
    ),
    "differences_unread": lambda w, v: (
        f"The column of differences (line {v['line']}) does not fit the baseline's "
        f"accuracy in {w.cut_list(v['trials'])}; it may compare with another trial."
    ),
    "best_block_no_trial": lambda w, v: f"The best configuration (line {v['line']}) is none of the trials.",
    "best_block_settings": lambda w, v: (
        f"The best configuration (line {v['line']}) names {v['trial']}, but has {_wrong(w, v['settings'])}."
    ),
    "best_block_result": lambda w, v: (
        f"The best configuration (line {v['line']}) says {w.said(v['text'])}; the table "
        "has "
        f"{w.said(v['table'])} for {v['trial']}."
    ),
    "best_block_not_best": lambda w, v: (
        f"The best configuration (line {v['line']}) is {v['trial']}, but {v['best']} scored higher."
    ),
}

_READING: dict[str, _Say] = {
    "baseline_unsaid": lambda w, v: (
        f"The record does not give {w.factor_list(v['factors'])} of the baseline "
        f"({v['trial']}). A trial that names one is taken to differ from it there."
    ),
    "columns_unused": lambda w, v: (
        f"Columns not used (table on line {v['line']}): {w.cut_list(v['columns'])}. If "
        "one of "
        "them is a setting that varied, pairs said to differ in one factor may differ in "
        "more."
    ),
    "table_skipped": lambda w, v: (
        f"The table on line {v['line']} has results but nothing that names settings "
        f"({w.cut_list(v['columns'])}); it was left out."
    ),
    "column_varies": lambda w, v: (
        f'Column "{v["column"]}" (table on line {v["line"]}) is not used, but its words '
        "differ "
        f"between trials ({w.cut_list(v['words'], 5)}). If it is a setting, pairs said to differ in one factor may "
        "differ in "
        "this too."
    ),
    "spread_unused": lambda w, v: (
        f"Results are given with ± (table on line {v['line']}). The number behind it is not used, and what stands "
        "before it is taken for one run: if it is a mean over seeds, less of a difference is chance than is said here."
    ),
    "columns_doubled": lambda w, v: f"Two columns stand for {w.factor_list(v['factors'])}; the first was used.",
    "numbers_restart": lambda w, v: "The tables each number from the start; 2.1 is number 1 of the second table.",
    "rows_numbered": lambda w, v: (
        f"The table on line {v['line']} has no column of labels; its rows are numbered from 1."
    ),
    "no_result": lambda w, v: (
        f"{v['trial']} (line {v['line']}) has no result that could be read"
        + (f': "{v["cell"]}".' if v["cell"] else ".")
    ),
    "cell_unread": lambda w, v: (
        f'{v["trial"]} (line {v["line"]}): {w.factor(v["factor"])} "{v["cell"]}" could not '
        "be "
        "read; the baseline's value was taken."
    ),
    "decoded": lambda w, v: f"The file is not UTF-8; it was read as {v['encoding']}.",
    "claims_cut": lambda w, v: f"Only the first {v['limit']} claims were judged.",
}
