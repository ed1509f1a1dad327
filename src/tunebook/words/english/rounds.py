"""The rounds in English: headings, analyses, findings, what was folded, cut and left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import DivergenceBracket, Finding, RateTried, Verdict
from tunebook.core.study import ContrastKind, Cut, Floor, RoundKind, TrialState
from tunebook.escaping import clean
from tunebook.words.english.codes import (
    BROKEN_WAYS,
    CONTROL_WARNINGS,
    CUTS,
    ENDINGS,
    FOLDS,
    GOALS,
    NO_ROUND,
    NOT_REFINED,
    REASONS,
    ROUNDS,
    WARNINGS,
)
from tunebook.words.english.common import EnglishPieces, numeral, plural
from tunebook.words.numbers import count, duration, number, p_phrase, rate, trial_list
from tunebook.words.shared import MOST_NAMED
from tunebook.words.values import Ending

__all__ = ["EnglishRounds"]


class EnglishRounds(EnglishPieces):
    """The section of each round."""

    def round_heading(self, number: int, kind: RoundKind) -> str:
        return f"Round {number}: {ROUNDS[kind]}" if number else "Before training: the reference"

    def found_heading(self, number: int) -> str:
        return "Found"

    def goal(self, kind: RoundKind, has_test: bool = True) -> str:
        """The question of a round. Without a test split, confirm can only use fresh seeds."""
        if kind is RoundKind.CONFIRM and not has_test:
            return "Does it hold with fresh seeds? There is no test split, so the examples are those of the choice."
        return GOALS[kind]

    def seeds_used(self, baseline: int, others: Sequence[int]) -> str:
        parts = [f"baseline with {numeral(baseline)} seed{'s' if baseline != 1 else ''}"] if baseline else []
        if others:
            low, high = min(others), max(others)
            seeds = numeral(low) if low == high else f"{numeral(low)} to {numeral(high)}"
            parts.append(f"each configuration with {seeds} seed{'s' if high != 1 else ''}")
        text = ", ".join(parts)
        return text[:1].upper() + text[1:] + "." if text else ""

    def verdict(self, finding: Finding, against: str, margin: float) -> str:
        """The analysis cell for a finding: its verdict and what limits it."""
        other = "" if against == self.label("the_baseline") else f" than {against}"
        m = self.exactly(margin)
        first = {
            Verdict.BETTER: f"Better{other}.",
            Verdict.WORSE: f"Worse{other}.",
            Verdict.EQUIVALENT: f"Shown equal to {against} within {m} {self.unit}.",
            Verdict.NOT_INFERIOR: f"Shown not to be worse than {against} by more than {m} {self.unit}.",
            Verdict.INCONCLUSIVE: self._inconclusive(finding, against, m),
            Verdict.DIVERGED: "Training broke with most or all of its seeds.",
        }[finding.verdict]
        return self.join([first, *self._limits(finding)])

    def seeds_range(self, accuracies: Sequence[float]) -> str:
        span = self.score_range(min(accuracies), max(accuracies))
        sign = self.percent_sign if self.scale.counts_right_answers else ""
        return f"The {numeral(len(accuracies))} seeds range from {span}{sign}."

    def ending(self, ending: Ending) -> str:
        """How the replicates of a row ended, and where the first one broke."""
        reasons = "; ".join(REASONS.get(r, clean(r).rstrip(".")) for r in ending.reasons)
        sentences = [f"{self._ended(ending)}{': ' + reasons if reasons else ''}."]
        step, total = ending.steps
        if step is not None:
            of = f" of {total}" if total else ""
            losses = (
                f" (loss {number(ending.losses[0])} at the start, {number(ending.losses[1])} at the end)"
                if ending.losses
                else ""
            )
            sentences.append(f"Trial {ending.broke} broke at step {step}{of}{losses}.")
        return self.join(sentences)

    def bracket_row(self, chosen: float | None) -> str:
        return "No rate was chosen." if chosen is None else f"Chosen by validation loss: {rate(chosen)}."

    def confirm_remark(self) -> str:
        """The remark below confirm's table: by which rule its configurations were chosen."""
        return (
            "Confirm tests the configuration with the lowest validation loss among those within one standard error of "
            f"the {self._top} validation {self.measure}, and the cheapest one that may be as good, if there is one. "
            "The next one by the same rule was written down with it, to take its place should a seed of it break."
        )

    def confirm_baseline_remark(self) -> str:
        """The same where the baseline leads."""
        return (
            "The baseline itself leads: of the configurations within one standard error of the "
            f"{self._top} validation {self.measure} it has the lowest validation loss. So confirm compares it with the "
            "next configuration by the same rule, and with the cheapest one that may be as good, if there are any."
        )

    def waiting_remark(self, trials: str) -> str:
        """The remark below a round's table while some of its trials have no result."""
        return f"Planned, and without a result yet: {'trials' if ',' in trials or '-' in trials else 'trial'} {trials}."

    def own_remark(self, results: int) -> str:
        """The remark below the trials that the user added, when so many trials had results."""
        return (
            f"You added these trials when {plural(results, 'trial')} had results. They take nothing of the study's "
            "budget, and their comparisons are outside its error rate: each round of your own has one of 2 %."
        )

    def bracket_remark(self) -> str:
        """The remark below a table with rows that only choose a learning rate."""
        return "Rows with several learning rates only choose one. Claims use fresh seeds, never these trials."

    def control_warning(self, code: str, control: str) -> str:
        """What limits every comparison with this other side: below the table, once."""
        return CONTROL_WARNINGS[code].format(control=control)

    def only_its_loss(self, loss: float) -> str:
        """Of a row that was compared with nothing, and has its accuracy in the table."""
        return f"Validation loss {number(loss)} nats an example."

    def checkpoint(self, of: int) -> str:
        return f"Checkpoint of trial {of}: no training of its own."

    def still_falling(self, trial: int, losses: tuple[float, float] | None) -> str:
        """The training loss had not levelled off; with its means over the third and the last quarter of the steps."""
        if losses is None:
            return "Training loss still falling."
        before, after = map(number, losses)
        return f"Training loss still falling (trial {trial}: {before} in the third quarter, {after} in the last)."

    def overfits(self, trial: int, best_epoch: float, best: float, last: float, n: int) -> str:
        seeds = "" if n == 1 else f"with each of the {numeral(n)} seeds "
        return (
            f"After its lowest point the validation loss rose again {seeds}(trial {trial}: {number(best)} nats a token "
            f"after epoch {best_epoch:g}, {number(last)} at the end)."
        )

    def against_other(self, effect: str, against: str) -> str:
        return f"The difference from {against} is {effect}."

    def rates_tried(self, level: str, rates: str) -> str:
        return f"{level}, at learning rates {rates}"

    def same_as(self, trials: str) -> str:
        return f"= trial{'s' if '-' in trials or ',' in trials else ''} {trials}"

    def retuned_baseline(self, trials: Sequence[int]) -> str:
        return (
            "The baseline with its learning rate re-tuned like that of the other rows, which are compared with it "
            f"(trials {trial_list(trials)})."
        )

    def only_whether_it_trains(self, n: int) -> str:
        seeds = {1: "", 2: ", with both seeds"}.get(n, f", with all {numeral(n)} seeds")
        return f"Run only to see whether training holds: it does{seeds}."

    def learned_nothing(self, n: int, of: int, usual: float) -> str:
        """Completed trials of which nothing was learned; `usual` is the baseline's accuracy."""
        who = "" if of == 1 else f" with {n} of {of} seeds"
        return f"Did not train{who}: next to no right answer, where the baseline has {self.measured(usual)}."

    def one_answer(self, share: float, n: int, of: int) -> str:
        """Nearly every example gets the same answer, and the model is still better than that answer alone."""
        who = "" if of == 1 else f" ({n} of {of} seeds)"
        return f"Weak: one answer on {self.percent(share, 0)} of the examples{who}."

    def flat(self, right: bool, effect: float | None, interval: tuple[float, float] | None) -> str:
        """Both sides have every answer wrong (or right): only the loss can tell, nats an example."""
        same = "right on every example" if right else "right on no example"
        if effect is None or interval is None:
            return f"Both sides are {same}."
        low, high = interval
        return f"Both sides are {same}; the loss changes by {effect:+.3g} nats an example ({low:+.3g} to {high:+.3g})."

    def won_and_lost(self, won: int, lost: int) -> str:
        """Examples that one side has right and the other has not, seed against seed."""
        return f"Seed against seed it gains {plural(won, 'example')} and loses {count(lost)}."

    def part_of_the_sum(self) -> str:
        return "Trained to see whether the changes add up; no verdict of its own."

    def some_seeds(self, trained: int, all_: int) -> str:
        return f"{trained} of {all_} seeds"

    def fold(self, reasons: Sequence[str], longest: int | None, in_words: bool = False) -> str:
        sentences = [
            "No example is that long." if r == "max_length" and not longest else FOLDS.get(r, clean(r)) for r in reasons
        ]
        return self.join(
            [
                *(text.replace("{longest}", self.length(longest or 0, in_words)) for text in sentences),
                "Not trained again.",
            ]
        )

    def cut(self, cut: Cut) -> str:
        of = f" of {self.factor_list(cut.factors)}" if cut.factors else ""
        return f"{CUTS.get(cut.code, clean(cut.code))}{of} ({plural(cut.count, 'trial')})"

    def found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        """A finding as a complete sentence."""
        m = f"{self.exactly(margin)} {self.unit}"
        claim = {
            Verdict.BETTER: f"{what}: better than {against}",
            Verdict.WORSE: f"{what}: worse than {against}",
            Verdict.EQUIVALENT: f"{what}: equal to {against} within {m}",
            Verdict.NOT_INFERIOR: f"{what}: not worse than {against} by more than {m}",
            Verdict.INCONCLUSIVE: self.question(finding.kind, what, against)
            + (" Inconclusive" if finding.is_tested else " Not tested, for a side has one seed"),
            Verdict.DIVERGED: f"{what}: training broke with most or all of its seeds",
        }[finding.verdict]
        if finding.verdict is Verdict.DIVERGED:
            return claim + "."
        where = " on the test split" if finding.split == "test" else ""
        provisional = " (provisional)" if finding.provisional else ""
        return f"{claim}{provisional}, {self.effect_points(finding)}{where}."

    def question(self, kind: ContrastKind, what: str, against: str) -> str:
        word = {
            ContrastKind.EQUIVALENCE: "equal to",
            ContrastKind.NON_INFERIORITY: "not worse than",
        }.get(kind, "different from")
        return f"{what}: {word} {against}?"

    def on_average(self, what: str) -> str:
        """A level of a balanced design, as what is compared: all other settings are averaged over."""
        return f"on average over the settings around the good rate, {what}"

    def middle_of(self, factor: str, low: str, high: str) -> str:
        return f"the middle of the {self.factor(factor)}s from {low} to {high}"

    def balanced_remark(self) -> str:
        """Above a balanced design's levels."""
        return (
            "All factors were changed at once, each level equally often. What is said about a factor here comes from "
            "one model over all trials of the round: a straight line over its levels, averaged over the settings "
            "around the good rate. It need not hold at every single setting. The accuracies by level are adjusted to "
            "the mean of the other factors; their 95 % intervals are descriptive, not findings."
        )

    def pilot_remark(self, chosen: float, layout: str) -> str:
        """The pilot's learning rate, and what a design (`core.study.StudySpec.layout`) does with it."""
        if layout != "one_factor":
            later = "Later rounds look around it" if layout == "balanced" else "Later rounds go by all trials so far"
            return (
                f"The pilot's estimate of the learning rate, by validation loss for all configurations: {rate(chosen)}"
                f". {later}."
            )
        return f"Learning rate for the next rounds: {rate(chosen)}, chosen by validation loss for all configurations."

    def floor(self, floor: Floor, stops: bool, bar_is: str) -> str:
        """Nothing was shown to be learned at any piloted rate; `bar_is`: untrained or commonest."""
        bar = "without training" if bar_is == "untrained" else "always giving the commonest answer"
        what = (
            f"Nothing is shown to have been learned: after {plural(floor.epochs, 'epoch')} at learning rates "
            f"{self.listed([rate(each) for each in floor.rates])} the best {self.measure} is "
            f"{self.measured(floor.accuracy)}, not better than {bar} ({self.measured(floor.bar)}) beyond chance."
        )
        if not stops:
            return self.join([what, "The study file says `floor: go_on`, so the comparisons went on."])
        return self.join(
            [
                what,
                "Comparing settings would be meaningless, so the study stops here. Try more rows, more epochs or other "
                "learning rates in a new study, or write `floor: go_on` to compare anyway.",
            ]
        )

    def part_of_design(self) -> str:
        return "One trial of the design: no verdict of its own."

    def few(self, named: Sequence[str]) -> list[str]:
        """The first of what stands in a round's table, and how many more there are."""
        more = len(named) - MOST_NAMED
        return [*named[:MOST_NAMED], *([f"{more} more of the table above"] if more > 0 else [])]

    def no_difference_for(self, named: Sequence[str]) -> str:
        """The factors and levels for which no difference was shown; continues "Not shown"."""
        return f"a difference for {self.listed(named)}"

    def not_tested_for(self, named: Sequence[str]) -> str:
        """The factors and levels that were not tested, having one seed; continues "Not shown"."""
        return f"anything for {self.listed(named)} (one seed: described, not tested)"

    def chance_to_see(self, margin: float, chance: float) -> str:
        """The probability that a true difference of the size of the margin was found."""
        share = "less than 1 %" if chance < 0.01 else f"about {self.percent(chance, 0)}"
        difference = f"A true difference of {self.exactly(margin)} {self.unit}, your margin,"
        return f"{difference} had a chance of {share} of being found."

    def round_cost(self, n: int, seconds: float) -> str:
        return f"{plural(n, 'trial')}, {duration(seconds)}"

    def bracket(self, bracket: DivergenceBracket, where: str = "") -> str:
        """Where training breaks; `where` names the settings that the trials share, if not the baseline's."""
        lead = f"With {where}, training" if where else "Training"
        held = bracket.at(bracket.held_at)
        first = f"{lead} held at a learning rate of {rate(held.rate)} with {self._share_of_seeds(held.trained, held)}"
        between = self.listed([f"at {rate(r.rate)} with {self._share_of_seeds(r.trained, r)}" for r in bracket.between])
        evidence = f"Evidence: trials {trial_list(bracket.trials)}."
        if bracket.failed_at is None:
            unknown = "Where it breaks is not known."
            top = f"Above that it held {between}. " if between else ""
            return f"{first}{'' if between else ', the highest rate tried'}. {top}{unknown} {evidence}"
        failed = bracket.at(bracket.failed_at)
        how = " or ".join(BROKEN_WAYS[way] for way in failed.endings)
        share = self._share_of_seeds(failed.tried - failed.trained, failed)
        sentences = [f"{first}; it {how} at {rate(failed.rate)} with {share}."]
        sentences += [f"In between it held {between}."] if between else []
        return self.join([*sentences, self._not_excluded(bracket, min(held.tried, failed.tried)), evidence])

    def no_break(self, highest: float) -> str:
        """Training broke at no learning rate that was tried."""
        return f"Training broke at no learning rate tried, up to {rate(highest)}; where it breaks is not known."

    def bracket_fixed(self, settings: Sequence[str]) -> str:
        """Settings at which alone it was tried where training breaks, and which the study varies."""
        return f"Tried with {self.listed(settings)} only; at other levels the edge may lie elsewhere."

    def warning(self, code: str) -> str:
        return WARNINGS.get(code, clean(code))

    def wave_notes(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
        """A sentence for each reason why the planner left something out."""
        sentences, why = [], self.not_refined(notes)
        if why:
            parts = [f"{self.factor_list(names)} ({NOT_REFINED.get(w, w)})" for w, names in why.items()]
            sentences.append(f"Not refined: {'; '.join(parts)}.")
        for code, values in notes:
            if code == "nothing_claimed":
                sentences.append(
                    "Too few trials to judge the factors: the design only served to choose a configuration."
                )
            if code == "runner_up":
                sentences.append(
                    f"Training broke for a seed of the best (trial {trial_list(values['trials'])}); the runner-up that "
                    "was sealed with it was confirmed in its place."
                )
            if code == "curves_cross":
                rates = self.listed([number(rate, 2) for rate in values["rates"]])
                sentences.append(
                    "The pilots that ended had changed their order since half of their training, so the look there "
                    f"says little: stopped pilots (learning rate {rates}) were trained anew to their end."
                )
            if code == "little_to_gain":
                sentences.append(
                    "Stopped here: by the model of all trials so far, the chance that any setting is better than the "
                    f"best by more than your margin of {self.exactly(values['margin'])} {self.unit} is "
                    f"{number(100 * values['chance'], 2)} %; on average {self.size(values['gain'])} {self.unit} are "
                    "left to gain."
                )
            if code == "beside":
                others = self.listed([f'"{ROUNDS[RoundKind(kind)]}"' for kind in values["rounds"]])
                sentences.append(f"Trained without waiting for {others}: what it asks rests on the rounds before them.")
            if code == "begun_beside":
                others = self.listed([f'"{ROUNDS[RoundKind(kind)]}"' for kind in values["rounds"]])
                sentences.append(
                    f"The learning rate was refined beside the last part of {others}, which says nothing about it; "
                    "other settings waited for its end."
                )
            if code == "only_leading":
                names = self.listed([self.factor(str(name)) for name in values.get("factors", ())])
                sentences.append(
                    f"Included although not shown to help: {names}. The level used is only the one that leads so far."
                )
            if code == "only_by_loss":
                names = self.listed([self.factor(str(name)) for name in values.get("factors", ())])
                sentences.append(f"Included for a lower loss alone, with no effect on {self.measure} shown: {names}.")
        for reason, kinds in self.skipped_rounds(notes).items():
            skipped = " or ".join(f'"{ROUNDS[kind]}"' for kind in kinds)
            sentences.append(f"There is no round {skipped}: it {NO_ROUND.get(reason, NO_ROUND[''])}.")
        return sentences

    # Pieces

    def _share_of_seeds(self, n: int, of: RateTried) -> str:
        return "its one seed" if n == of.tried == 1 else f"{n} of {plural(of.tried, 'seed')}"

    def _not_excluded(self, bracket: DivergenceBracket, n: int) -> str:
        """How far beyond the two rates the edge may still lie."""
        low = f"as low as {rate(bracket.highest_trained)}" if bracket.highest_trained < bracket.held_at else ""
        high = bracket.lowest_failed is not None and bracket.lowest_failed > (bracket.failed_at or 0.0)
        ends = " or ".join(filter(None, [low, f"as high as {rate(bracket.lowest_failed or 0.0)}" if high else ""]))
        who = f"{numeral(n).capitalize()} seed{' does' if n == 1 else 's do'}"
        return f"{who} not exclude an edge {ends}." if ends else ""

    def _inconclusive(self, finding: Finding, against: str, m: str) -> str:
        if not finding.is_tested:
            return ""  # the warning says it
        if finding.kind is ContrastKind.NON_INFERIORITY:
            worst = max(0.0, -finding.interval[0])
            by = "" if worst >= 1 else f": it may be up to {self.size(worst)} {self.unit} worse"
            return f"Not shown as good as {against}{by}."
        if finding.kind is ContrastKind.EQUIVALENCE:
            return f"Not shown equal to {against} within {m} {self.unit}."
        return f"No difference from {against} was found."

    def _limits(self, finding: Finding) -> list[str]:
        out = []
        if finding.provisional:
            out.append("Provisional: the noise between seeds was estimated from too few seeds.")
        if finding.witnesses_disagree and finding.loss_effect is not None:
            out.append(f"The loss says the opposite ({finding.loss_effect:+.3f} nats an example; lower is better).")
        if finding.p_mcnemar is not None:
            out.append(f"One seed a side; exact McNemar {p_phrase(finding.p_mcnemar)}.")
        return out + [self.warning(code) for code in finding.warnings if code not in CONTROL_WARNINGS]

    def _ended(self, ending: Ending) -> str:
        """ "One of two seeds diverged", "Two of four seeds diverged, two collapsed", "Diverged"."""
        n = len(ending.states)
        counted: dict[TrialState, int] = {}
        for state in ending.states.values():
            if state is not TrialState.COMPLETED:
                counted[state] = counted.get(state, 0) + 1
        if n == 1:
            return ENDINGS[next(iter(counted))].capitalize()
        parts: list[str] = []
        for state, k in counted.items():
            verb = (
                ""
                if state in (TrialState.DIVERGED, TrialState.COLLAPSED, TrialState.FAILED)
                else "was "
                if k == 1
                else "were "
            )
            all_of = k == n
            who = ("both seeds" if n == 2 else f"all {numeral(n)} seeds") if all_of else numeral(k)
            of = f" of {numeral(n)} seeds" if not all_of and not parts else ""
            parts.append(f"{who}{of} {verb}{ENDINGS[state]}")
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]
