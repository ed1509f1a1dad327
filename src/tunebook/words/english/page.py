"""What the record's first page says beside the answer, and the sentence under each figure, in English."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.findings import DescribedFactor, DescribedLevel, Finding, Importance, Verdict
from tunebook.words.english.common import EnglishPieces, numeral, plural
from tunebook.words.marks import strong
from tunebook.words.numbers import count, number, rate, signed, times, value
from tunebook.words.shared import MOST_NAMED

__all__ = ["EnglishPage"]


class EnglishPage(EnglishPieces):
    """The factors, what to do next, the classes, and the figures' sentences."""

    def importance_line(self, ranked: Sequence[Importance], below: Sequence[str]) -> str:
        """The order of importance in one line; `below`: factors whose effect is not above the noise."""
        if not ranked:
            return "Over the ranges tried, no factor's effect rises above the noise."
        parts = [f"{strong(self.factor(i.factor))} ({self._weight(i)})" for i in ranked]
        rest = f"; not above the noise: {', '.join(map(self.factor, below))}" if below else ""
        return (
            f"In order of importance over the ranges tried, by share of the variance beyond noise: {', '.join(parts)}"
            f"{rest}. Other ranges could change the order."
        )

    def described_line(self, factors: Sequence[DescribedFactor]) -> str:
        """What each factor does by the model of the loss, those that matter first, in one line."""
        told = [
            f"{strong(self.factor(f.factor))} ({value(f.factor, f.worst.level)} instead of {value(f.factor, f.own)}: "
            f"{self.described_level(f.worst)})"
            for f in factors
            if f.matters
        ]
        rest = [f for f in factors if not f.matters]
        most = self.percent(max((f.at_most for f in rest), default=0.0), 0)
        text = (
            "What each factor does is described here, not tested: a model of the validation loss over all trials says "
            "what changing one setting of the best configuration would do. "
        )
        if told:
            text += f"In order of importance: {', then '.join(told)}. "
        if rest:
            named = self.listed([self.factor(f.factor) for f in rest])
            what = f"Of {named} no effect" if told else "No factor's effect"
            text += f"{what} can be told from none; another level may change the loss by up to {most}. "
        return text + "Far from the best configuration the order may be another one."

    def too_few_to_describe(self) -> str:
        """Instead of the line of described factors."""
        return "Too few trials were trained to their end to describe what each factor does, and no round tested it."

    def accuracies_point_elsewhere(self, level: str, change: float) -> str:
        """What the trials' own scores say where they contradict the model of the loss."""
        return (
            f"but compared directly, over all seeds on validation, {level} changes {self.measure} by "
            f"{self.change(change)} {self.unit}"
        )

    def described_level(self, level: DescribedLevel) -> str:
        """How the loss of the best configuration changes with another level."""
        low, high = (signed(100 * end, 0) for end in level.interval)
        points = ""
        if level.difference is not None:
            points = f", about {self.change(level.difference)} {self.unit}"
        return f"loss {signed(100 * level.change, 0)} % ({low}{self.to}{high}){points}"

    def _weight(self, i: Importance) -> str:
        low, high = i.rank_interval
        place = f"place {i.rank}" + ("" if low == high else f", 95 % {low} to {high}")
        return f"{self.percent(i.share, 0)}, {place}, first in {self.percent(i.first_share, 0)} of resamplings"

    def against_baseline(self, verdict: Verdict, items: Sequence[tuple[str, float]], margin: float) -> str:
        """Levels or configurations with one verdict, each with its difference from the baseline."""
        named = [what if effect != effect else f"{what} ({self.change(effect)})" for what, effect in items]
        more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
        who = self.listed([*named[:MOST_NAMED], *more])
        m = f"{self.exactly(margin)} {self.unit}"
        return {
            Verdict.BETTER: f"{who} better than the baseline",
            Verdict.WORSE: f"{who} worse than the baseline",
            Verdict.EQUIVALENT: f"{who} equal to the baseline within {m}",
            Verdict.NOT_INFERIOR: f"{who} not worse than the baseline by more than {m}",
            Verdict.DIVERGED: f"training broke at {who}",
            Verdict.INCONCLUSIVE: f"no difference found for {who}",
        }[verdict]

    def of_factor(self, factor: str, parts: Sequence[str]) -> str:
        """What a round found of one factor."""
        return f"{strong(self.factor(factor))}: {'; '.join(parts)}."

    def found_elsewhere(self, parts: Sequence[str]) -> str:
        """What a round found of configurations that change several factors."""
        return self.capital("; ".join(parts)) + "."

    def short_found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        """A finding whose numbers stand in the round's table."""
        m = f"{self.exactly(margin)} {self.unit}"
        claim = {
            Verdict.BETTER: f"{what} is better than {against}",
            Verdict.WORSE: f"{what} is worse than {against}",
            Verdict.EQUIVALENT: f"{what} equals {against} within {m}",
            Verdict.NOT_INFERIOR: f"{what} is not worse than {against} by more than {m}",
            Verdict.DIVERGED: f"training broke at {what}",
            Verdict.INCONCLUSIVE: f"{what} against {against}",
        }[finding.verdict]
        where = " on the test split" if finding.split == "test" and finding.verdict is not Verdict.DIVERGED else ""
        number_ = "" if finding.effect != finding.effect else f" ({self.change(finding.effect)})"
        return f"{claim}{where}{number_}"

    def no_effect_above(self, above: float) -> str:
        """Nothing is shown of a factor, with the farthest end of the intervals."""
        return "too few seeds to see any" if above >= 1 else f"not shown; at most {self.size(above)} {self.unit}"

    def share_of(self, share: float) -> str:
        """A factor that was only varied together with others."""
        return f"{self.percent(share, 0)} of the variance; not compared alone"

    def good_levels(self, low: str, high: str, edge: str, alone: bool) -> str:
        """The levels that do not differ from the best one.

        Args:
            edge: `all` where no other was tried, `lowest` or `highest` where none beyond that end was; else empty.
            alone: whether other levels were tried, but only together with other changes.
        """
        span = low if low == high else f"{low} to {high}"
        by_itself = " alone" if alone else ""
        if edge == "all":
            return f"{span} (all tried{by_itself})"
        end = f"{high if edge == 'highest' else low} is " if low != high else ""
        return f"{span} ({end}the {edge} tried{by_itself})" if edge else span

    def added_by_you(self, what: str) -> str:
        """A level or configuration of a trial that the user added."""
        return f"your own {what}"

    def open_effect(self, what: str, against: str, finding: Finding) -> str:
        """A difference between two levels that was tested and not shown."""
        low, high = map(self.change, finding.interval)
        return f"{what} against {against}: {self.change(finding.effect)} ({low}{self.to}{high}), not shown"

    def advice(self, how: str, level: str) -> str:
        """What to do with one factor."""
        return {
            "use": f"use {level}",
            "leads": f"{level} in the best; alone not shown to help",
            "keep": f"keep {level}; nothing else is shown better",
            "keep_alone": f"keep {level}; others were better alone, not shown so beside the other changes",
        }[how]

    def strategy(
        self, order: Sequence[str], span: tuple[str, str] | None, failed_at: float | None, leave: Sequence[str]
    ) -> str:
        """What to do first when tuning this again, as far as this study shows it."""
        steps = []
        if order:
            steps.append(f"tune {self.listed(order)} first")
        if span is not None:
            steps.append(
                f"take a rate from {span[0]} to {span[1]}" if span[0] != span[1] else f"begin at rate {span[0]}"
            )
        if failed_at is not None:
            steps.append(f"stay below {rate(failed_at)}, where training fails")
        if leave:
            plural_it = "it" if len(leave) == 1 else "them"
            steps.append(f"leave {self.listed(leave)} for later: nothing above the noise was seen of {plural_it}")
        return f"{strong('Strategy, should you tune this again')}: {'; '.join(steps)}."

    def wisdom(self, code: str, level: str, finding: Finding) -> str:
        """What went against a common rule of thumb, with the finding that shows it."""
        rule = {
            "rate_high": "LoRA is mostly trained at 1e-4 to 3e-4",
            "rank_more": "more rank is mostly expected to help",
            "epochs_more": "more epochs are mostly expected to help",
            "dropout_more": "dropout is mostly expected to help on little data",
            "batch_more": "a larger batch is mostly expected to train more steadily",
        }[code]
        word = "better" if finding.verdict is Verdict.BETTER else "worse"
        return (
            f"{strong('Against the rule of thumb')}: {rule}; here {level} is shown {word} than the baseline "
            f"({self.change(finding.effect)} {self.unit})."
        )

    def classes_lead(self, split: str, n_trials: int) -> str:
        """Above the table of gold answers against given ones."""
        return (
            f"The best configuration on the {split} split, mean of {plural(n_trials, 'trial')}: rows are the gold "
            "answers, columns what was answered, cells numbers of examples."
        )

    def by_class_lead(self, split: str, is_compared: bool) -> str:
        if not is_compared:
            return f"On the {split} split."
        return (
            f"On the {split} split; gained and lost are examples against the baseline, on average over pairs of seeds."
        )

    def groups_lead(self, split: str, has_verdicts: bool, is_compared: bool) -> str:
        """Above the table of groups; `is_compared`: the baseline and another configuration have results there."""
        if not is_compared:
            return f"On the {split} split."
        text = f"On the {split} split; gained and lost are examples against the baseline, seed against seed."
        if has_verdicts:
            return f"{text} A difference within a group has a verdict only where one is given."
        return f"{text} The groups are too small for verdicts: the differences describe."

    # Under the figures

    def says_effects(self, better: int, worse: int, open_: int, to_baseline: bool) -> str:
        counted = [(better, "better"), (worse, "worse"), (open_, "undecided")]
        parts = [f"{numeral(n)} {what}" for n, what in counted if n]
        n = better + worse + open_
        if n == 1:
            what = next(what for k, what in counted if k)
            return (
                f"The one difference from the baseline is {what}." if to_baseline else f"The one comparison is {what}."
            )
        asked = f"{plural(n, 'difference')} from the baseline" if to_baseline else plural(n, "comparison")
        return f"{asked}: {', '.join(parts)}."

    def says_rate(self, spot: tuple[str, str] | None, failed_at: float | None) -> str:
        """Which rates serve, and where training fails."""
        low, high = spot or ("", "")
        best = f"{low} does best" if low == high else f"{low} to {high} do best and cannot be told apart"
        fails = "" if failed_at is None else f"training fails at {rate(failed_at)}"
        told = "; ".join(filter(None, [best if spot else "", fails]))
        return f"{self.capital(told)}." if told else ""

    def says_loss(self, trial: int, epoch: float, loss: float) -> str:
        return f"trial {trial}, epoch {epoch:.3g}: {number(loss)}"

    def says_importance(self, factor: str | None, share: float) -> str:
        if factor is None:
            return "No factor's effect rises above the noise."
        return f"{self.capital(self.factor(factor))}: {self.percent(share, 0)} of the variance beyond noise."

    def says_curve(self, trend: str, values: tuple[float, float] | None) -> str:
        """Whether the best configuration's loss still fell, rose again or levelled off. A training loss that falls says
        nothing of overfitting by itself."""
        if trend == "rose" and values is not None:
            return (
                f"It overfits: the validation loss rose from {number(values[0])} to {number(values[1])} nats a token."
            )
        if values is not None:
            before, after = map(number, values)
            fell = f"training loss {before} in the third quarter of the steps, {after} in the last"
            if trend == "falls":
                return f"It still learns: {fell}, and the validation loss did not clearly rise again."
            return (
                f"It still fits the training data better: {fell}. Whether it overfits is not known: the validation "
                "loss was not followed."
            )
        return "It has levelled off: the loss neither falls clearly at the end nor rises again."

    def says_curves_differ(self, fell: int, rose: int, trials: int) -> str:
        """In how many of the best configuration's trials the training loss still fell, and the validation loss rose."""
        seen = (fell, "training loss was still falling at the end"), (rose, "validation loss rose again")
        parts = [f"in {'all ' if n == trials else ''}{n} the {what}" for n, what in seen if n]
        return f"Its {plural(trials, 'trial')} do not agree: {', '.join(parts)}."

    def says_curves(self, trained: int, broke: int) -> str:
        return f"{plural(trained, 'trial')} trained; {numeral(broke)} did not."

    def says_cost(self, gain: float, work: float) -> str:
        return f"The best gains {self.change(gain)} {self.unit} over the baseline for {times(work)} its training work."

    def says_trade_off(self, other: str, n: int, best: tuple[str, str], ends: tuple[str, str]) -> str:
        """The configurations that none beats in both metrics: `n` of them, and the results by the deciding metric and
        by `other` (with its noun) at the two ends."""
        return (
            f"{self.capital(numeral(n))} configurations are beaten by none in both {self.measure} and {other}: from "
            f"{self.measure} {best[0]} with {other} {best[1]} to {self.measure} {ends[0]} with {other} {ends[1]}."
        )

    def says_rounds(self, heading: str, gain: float) -> str:
        """The round after which the leader rose most."""
        return f"The leader rose most in {heading}: {self.change(gain)} {self.unit}."

    def says_first_round(self, accuracy: float) -> str:
        return f"The first round found the leader, at {self.measured(accuracy)}; later rounds did not raise it."

    def says_confirmed(self, before: float, after: float) -> str:
        return f"{self.measured(after)} with fresh seeds, after {self.measured(before)} when it was chosen."

    def says_timeline(self, trials: int, slots: int, is_beside: bool) -> str:
        """`is_beside`: workers did something beside their own trials, which is drawn below their slots."""
        text = f"{plural(trials, 'trial')} in {plural(slots, 'slot')}, up to {count(slots)} at a time."
        return text + " Below a worker's slots: what it did beside its own trials." * is_beside
