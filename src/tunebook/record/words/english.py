"""The record in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.findings import DivergenceBracket, Finding, Importance, Interaction, MoreMoney, SweetSpot, Verdict
from tunebook.core.stats.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.core.study import ContrastKind, Cut, Purpose, RoundKind, TrialState
from tunebook.record.numbers import (
    about,
    bound,
    count,
    duration,
    margin_text,
    number,
    percent,
    points,
    rate,
    trial_list,
    value,
)
from tunebook.record.text import clean, strong
from tunebook.record.words.base import Ending, Gain, Words, change_text
from tunebook.record.words.english_labels import FACTORS, LABELS

__all__ = ["English"]

_NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_GOALS = {
    RoundKind.REFERENCE: "What do the untrained model and the commonest answer score?",
    RoundKind.TABLE: "What do the configurations of the given table score against the baseline?",
    RoundKind.EXPLORE: "Which settings matter at all, and where is the useful range?",
    RoundKind.REFINE: "Where in the interval that survived is the best value?",
    RoundKind.COMBINE: "Do the changes that helped add up, or do they interact?",
    RoundKind.BOUNDARY: "How far can it be pushed before it breaks or stops paying?",
    RoundKind.CONFIRM: "Does it hold with fresh seeds, on examples never used before?",
}
_ROUNDS = {
    RoundKind.REFERENCE: "reference",
    RoundKind.TABLE: "the given table",
    RoundKind.EXPLORE: "explore",
    RoundKind.REFINE: "refine",
    RoundKind.COMBINE: "combine",
    RoundKind.BOUNDARY: "boundary",
    RoundKind.CONFIRM: "confirm",
}
_PURPOSES = {
    Purpose.REFERENCE: "reference",
    Purpose.BASELINE: "baseline",
    Purpose.LEVEL: "one factor",
    Purpose.BRACKET: "choosing a rate",
    Purpose.CHOSEN: "at the chosen rate",
    Purpose.TABLE: "given table",
    Purpose.REFINE: "refine",
    Purpose.COMBINE: "combine",
    Purpose.BOUNDARY: "boundary",
    Purpose.CONFIRM: "confirm",
}
_FOLDS = {
    "batch_split": "The same effective batch: the same mathematics.",
    "gradient_checkpointing": "Gradient checkpointing changes memory and time, not the result.",
    "rslora": "rsLoRA is another way to write this alpha.",
    "warmup": "A constant schedule has no warm-up: another name for the same schedule.",
    "checkpoint": "A checkpoint of a longer trial: trained once, scored twice.",
}
_CUTS = {
    "bracket_ends": "the ends of the learning-rate bracket",
    "bracket": "the learning-rate bracket",
    "middle_levels": "levels in the middle",
    "minor_boundary": "the boundary of minor factors",
    "second_seeds": "second seeds",
    "baseline_seeds": "seeds of the baseline",
    "whole_round": "a whole round",
    "end_levels": "levels at the ends",
    "factors": "all levels",
    "cheapest": "the cheapest configuration's place in the confirmation",
    "confirm_seeds": "seeds of the confirmation",
}
_REASONS = {
    "non_finite_loss": "the loss was no longer a number",
    "non_finite_gradient": "the gradient was no longer a number",
    "loss_rose": "the training loss stayed above 1.5 times its start",
    "worse_than_untrained": "after training the validation loss was above the untrained model's",
    "constant_answer": "one constant answer on more than 90 % of the examples",
    "unparsable_answers": "no usable answer on more than 90 % of the examples",
}
_NOT_REFINED = {
    "not_explored": "it was not explored",
    "no_effect_seen": "no effect was seen",
    "no_level_helped": "no level was shown to help",
    "no_room_between_levels": "there is no room between its levels",
}
_WARNINGS = {
    "treatment_trials_failed": "Some of its trials could not be trained; the finding goes without them.",
    "control_trials_failed": "Some trials of the other side could not be trained; the finding goes without them.",
    "control_diverged": "The other side did not train.",
    "no_outcomes": "There are no outcomes to compare.",
    "exploratory": "Not among the planned comparisons: outside the study's error rate.",
    "unequal_noise": "This configuration's seeds differ more than the others'; it is judged by its own noise.",
    "correlated_examples": "Neighbouring examples hang together; the interval is widened for it.",
    "alpha_over_r_constant": "alpha/r is constant: rank and alpha cannot be told apart.",
    "treatment_replicates_diverged": "Some replicates did not train and are not in the estimate: "
    "it holds for those that trained.",
    "control_replicates_diverged": "Some replicates of the other side did not train and are not in the estimate.",
}


def _numeral(n: int) -> str:
    return _NUMERALS[n] if 0 <= n < len(_NUMERALS) else str(n)


def _plural(n: int, word: str) -> str:
    return f"{count(n)} {word}" if n == 1 else f"{count(n)} {word}s"


class English(Words):
    language = "en"
    labels = LABELS
    factor_names = FACTORS
    sentence_gap = " "
    title_gap = ": "

    def setting(self, name: str, level: Any) -> str:
        if name == "num_train_epochs":
            return f"{level} epoch" if level == 1 else f"{level} epochs"
        if name == "use_rslora":
            return "rsLoRA" if level else "no rsLoRA"
        if name == "gradient_checkpointing" and level is None:
            return "gradient checkpointing left to the machine"
        if name == "target_modules" and level is None:
            return "PEFT's own choice of layers"
        return super().setting(name, level)

    def range(self, interval: tuple[float, float]) -> str:
        return f"{bound(interval[0])} to {bound(interval[1])}"

    def at_least(self, low: str) -> str:
        return f"at least {low}"

    def plain_range(self, low: float, high: float) -> str:
        return f"{low:.1f} to {high:.1f}"

    def duration(self, seconds: float) -> str:
        return duration(seconds)

    def batch(self, configuration: Configuration) -> str:
        return f"effective batch {configuration.effective_batch_size}"

    def purpose(self, purpose: Purpose) -> str:
        return _PURPOSES[purpose]

    def state(self, state: TrialState) -> str:
        return state.value

    # The opening

    def in_progress(self, n_final: int, n_known: int) -> str:
        return (
            f"{strong('In progress')}. {n_final} of the {_plural(n_known, 'trial')} planned so far are done; "
            "this is what is known now, and more rounds may follow."
        )

    def nothing_yet(self) -> str:
        return "No configuration has been trained yet, so there is nothing to recommend."

    def use_best(self, settings: str, chosen_by: str, is_baseline: bool) -> str:
        if is_baseline:
            return f"Keep the baseline, {strong(settings)}: nothing that was tried is shown to be better."
        if chosen_by == "leading":
            led = f"{strong(settings)} led on validation"
            return f"{led}, but it is not shown to be better than the baseline, which may serve as well."
        return f"Use {strong(settings)}."

    def confirmed_gain(self, gain: Gain, counts_right: bool, unused: bool) -> str:
        what = "it is right on" if counts_right else "its mean score is"
        fresh = " never used before" if unused else ""
        seeds = self._seeds(gain.seeds, "fresh ")
        text = (
            f"On {count(gain.n_examples)} test examples{fresh} {what} {strong(percent(gain.accuracy))}, "
            f"the baseline on {percent(gain.baseline_accuracy)}: {self._gain(gain)}, {seeds}."
        )
        return text if gain.told_apart else text + " This difference can't be told from zero."

    def shown_before(self, round_heading: str) -> str:
        return f"{round_heading} showed it better on the validation split; the test split does not confirm this."

    def validation_gain(self, gain: Gain, counts_right: bool) -> str:
        what = "it is right on" if counts_right else "its mean score is"
        text = (
            f"On {count(gain.n_examples)} validation examples {what} {strong(percent(gain.accuracy))}, "
            f"the baseline on {percent(gain.baseline_accuracy)}: {self._gain(gain)}, "
            f"{self._seeds(gain.seeds, '')}."
        )
        if gain.provisional:
            text += " Provisional: the noise between seeds rests on too few seeds."
        return text if gain.told_apart else text + " This difference can't be told from zero."

    def corrected_accuracy(self, raw: float, corrected: float, interval: tuple[float, float]) -> str:
        return (
            f"Having been chosen as the best flatters it: corrected for that, its validation accuracy is "
            f"{percent(corrected)} (95 % interval {self.plain_range(interval[0] * 100, interval[1] * 100)}), "
            f"not {percent(raw)}."
        )

    def not_confirmed(self, has_test: bool) -> str:
        return (
            "Not yet confirmed on the test split."
            if has_test
            else "There is no test split, so this is not confirmed on examples that played no part in the choice."
        )

    def cheaper(self, what: str, margin: float, time_ratio: float | None, size_ratio: float | None) -> str:
        costs = []
        if time_ratio is not None:
            costs.append(f"trains in {percent(time_ratio, 0)} of the time")
        if size_ratio is not None:
            costs.append(f"its adapter has {percent(size_ratio, 0)} of the size")
        tail = f"; it {' and '.join(costs)}" if costs else ""
        return (
            f"{strong('As good and cheaper')}: {what} is shown not worse than the best by more than "
            f"{margin_text(margin)} points (your margin){tail}."
        )

    def cheapest_is_best(self) -> str:
        return "No cheaper configuration is shown to be as good."

    def not_shown_as_good(self, what: str, worse_by: float | None) -> str:
        tail = "" if worse_by is None else f": it may be up to {number(worse_by * 100, 2)} points worse"
        return f"{strong('Cheaper')}: that {what} is as good is not shown{tail}."

    def not_known(self, items: Sequence[str]) -> str:
        return f"{strong('Not known')}: {'; '.join(items)}."

    def factor_phrase(self, name: str) -> str:
        return {
            "num_train_epochs": "the number of epochs",
            "max_length": "max_length",
            "lr_scheduler_type": "the schedule",
        }.get(name, self.factor(name))

    def unknown_factor(self, factor: str, nothing_above: float) -> str:
        return f"whether {factor} matters (no effect above {number(nothing_above * 100, 2)} points seen)"

    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str:
        return f"whether {what} differs from {against} ({self.effect(finding)} points; {self._settle(finding)})"

    # The table of facts

    def data_fact(self, facts: Mapping[str, Any]) -> str:
        used, read = facts["used"], facts.get("read")
        train = (
            f"{count(used)} of {count(read)} training rows (seed {facts['seed']})"
            if read and read != used
            else f"{count(used)} training rows"
        )
        parts = [
            train,
            f"{count(facts['validation'])} validation",
            f"{count(facts['test'])} test" if facts["test"] else "no test split",
        ]
        tail = "rows may be in two splits (data.allow_overlap)" if facts["overlap"] else "no row in two splits"
        text = f"{', '.join(parts)}; {tail}"
        if facts.get("split_off"):
            text += "; validation was split off the training rows by the seed"
        if facts.get("truncated"):
            text += f"; {count(facts['truncated'])} training rows are cut at {facts['length']} tokens"
        return text

    def reference_fact(self, base: float | None, commonest: float | None, answer: str | None) -> str:
        parts = []
        if base is not None:
            parts.append(f"base model without adapter {percent(base)}")
        if commonest:
            quoted = f' ("{clean(answer)}")' if answer else ""
            parts.append(f"always the commonest answer{quoted} {percent(commonest)}")
        return "; ".join(parts)

    def noise_fact(self, deviation: float, degrees: float, from_prior: bool) -> str:
        if from_prior:
            return (
                f"no configuration has two seeds yet: {number(deviation * 100, 2)} points between seeds are "
                "assumed, and every verdict is provisional"
            )
        text = (
            f"the same settings with another seed differ by {number(deviation * 100, 2)} points "
            f"(standard deviation, {degrees:.3g} degrees of freedom)"
        )
        if degrees < PROVISIONAL_DF:
            prior = number(SEED_DEVIATION_PRIOR * 100, 2)
            text += f"; that is few, so intervals fill up to {PROVISIONAL_DF} with an assumed {prior} points"
        return text

    def detectable_fact(self, by_round: Mapping[str, float], smallest_margin: float, margin: float) -> str:
        seen = ", ".join(f"{number(v * 100, 2)} in {_ROUNDS[RoundKind(k)]}" for k, v in by_round.items())
        text = f"differences of at least (points, with 80 % power): {seen}; " if seen else ""
        text += f"the smallest margin that could be shown equivalent is {number(smallest_margin * 100, 2)} points"
        if smallest_margin > margin:
            text += f", above your margin of {margin_text(margin)}: nothing can be shown equivalent within it"
        return text

    def cost_fact(self, counts: Mapping[str, int], seconds: float, one_by_one: float | None) -> str:
        parts = [f"{counts['trained']} trained"]
        parts += [
            f"{counts[key]} {word}"
            for key, word in (
                ("folded", "folded"),
                ("checkpoints", "checkpoints of longer trials"),
                ("failed", "failed"),
            )
            if counts[key]
        ]
        text = f"{_plural(counts['all'], 'trial')} ({', '.join(parts)}) in {duration(seconds)}"
        return text + (f"; one after another: about {duration(one_by_one)}" if one_by_one else "")

    def error_fact(self) -> str:
        return (
            "made so that at most one study in twenty makes any false claim of a difference; this 5 % is spent by "
            "round (first round 2 %, refine 1 %, combine 0.5 %, boundary 0.5 %, confirm 1 %). In the tables, brackets "
            "behind a result are its own 95 % interval; brackets behind a difference are simultaneous over their "
            "round, at the level left by its share"
        )

    def alpha_fact(self, rule: str) -> str:
        return (
            "alpha/r is kept while the rank is varied: rank and alpha cannot be told apart here"
            if rule == "proportional"
            else "alpha is kept while the rank is varied, so alpha/r falls with the rank"
        )

    def defaults_fact(self, names: Sequence[str]) -> str:
        return "not given in the study file, so PEFT's and the Trainer's defaults: " + ", ".join(names)

    # Rounds

    def round_heading(self, number: int, kind: RoundKind) -> str:
        return f"Round {number}: {_ROUNDS[kind]}" if number else "Before training: the reference"

    def found_heading(self, number: int) -> str:
        return "Found"

    def goal(self, kind: RoundKind, has_test: bool = True) -> str:
        if kind is RoundKind.CONFIRM and not has_test:
            return "Does it hold with fresh seeds? There is no test split, so the examples are those of the choice."
        return _GOALS[kind]

    def seeds_used(self, baseline: int, others: Sequence[int]) -> str:
        parts = [f"baseline with {_numeral(baseline)} seed{'s' if baseline != 1 else ''}"] if baseline else []
        if others:
            low, high = min(others), max(others)
            seeds = _numeral(low) if low == high else f"{_numeral(low)} to {_numeral(high)}"
            parts.append(f"each configuration with {seeds} seed{'s' if high != 1 else ''}")
        text = ", ".join(parts)
        return text[:1].upper() + text[1:] + "." if text else ""

    def verdict(self, finding: Finding, against: str, margin: float) -> str:
        other = "" if against == self.label("the_baseline") else f" than {against}"
        first = {
            Verdict.BETTER: f"Better{other}.",
            Verdict.WORSE: f"Worse{other}.",
            Verdict.EQUIVALENT: f"Shown equal to {against} within {margin_text(margin)} points.",
            Verdict.NOT_INFERIOR: f"Shown not worse than {against} by more than {margin_text(margin)} points.",
            Verdict.INCONCLUSIVE: self._inconclusive(finding, against, margin),
            Verdict.DIVERGED: "Training broke.",
        }[finding.verdict]
        return self.join([first, *self._limits(finding)])

    def seeds_range(self, accuracies: Sequence[float]) -> str:
        low, high = min(accuracies) * 100, max(accuracies) * 100
        return f"The {_numeral(len(accuracies))} seeds range from {self.plain_range(low, high)} %."

    def ending(self, ending: Ending) -> str:
        by_state: dict[TrialState, list[int]] = {}
        for trial, state in ending.states.items():
            if state is not TrialState.COMPLETED:
                by_state.setdefault(state, []).append(trial)
        sentences = [self._ended(state, trials, len(ending.states)) for state, trials in by_state.items()]
        if ending.reasons:
            sentences.append("Why: " + "; ".join(_REASONS.get(r, clean(r).rstrip(".")) for r in ending.reasons) + ".")
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

    def bracket_row(self, chosen: float | None, learned: bool) -> str:
        if chosen is None:
            return "Only for choosing a learning rate; these trials enter no claim."
        return (
            f"Only for choosing a learning rate, by validation loss: {rate(chosen)}. "
            "These trials enter no claim; fresh seeds make it."
        )

    def no_verdict(self) -> str:
        return "Not compared: no verdict."

    def checkpoint(self, of: int) -> str:
        return f"Checkpoint of trial {of}: no training of its own."

    def still_falling(self, trial: int, before: float, after: float) -> str:
        return (
            f"In trial {trial} the training loss was still falling: {number(before)} in the third quarter of the "
            f"training, {number(after)} in the last."
        )

    def against_other(self, effect: str, against: str) -> str:
        return f"The difference from {against} is {effect} points."

    def rates_tried(self, level: str, rates: str) -> str:
        return f"{level}, at learning rates {rates}"

    def same_as(self, trials: str) -> str:
        return f"= trial{'s' if '-' in trials or ',' in trials else ''} {trials}"

    def question(self, kind: ContrastKind, what: str, against: str) -> str:
        word = {
            ContrastKind.DIFFERENCE: "different from",
            ContrastKind.EQUIVALENCE: "equal to",
            ContrastKind.NON_INFERIORITY: "not worse than",
        }[kind]
        return f"{what}: {word} {against}?"

    def failed_trial(self, trial: int, reason: str) -> str:
        return f"Trial {trial} could not be trained: {reason.rstrip('.') or 'no reason was recorded'}."

    def overfits(self, trial: int, best_epoch: float, best: float, last: float, n: int) -> str:
        seeds = "" if n == 1 else f"with each of the {_numeral(n)} seeds "
        return (
            f"After its lowest point the validation loss rose again {seeds}(trial {trial}: {number(best)} after epoch "
            f"{best_epoch:g}, {number(last)} at the end)."
        )

    def fold(self, reasons: Sequence[str], longest: int | None) -> str:
        sentences = []
        for reason in reasons:
            if reason == "max_length":
                sentences.append(
                    f"No example is longer than {longest} tokens." if longest else "No example is that long."
                )
            else:
                sentences.append(_FOLDS.get(reason, clean(reason)))
        return self.join([*sentences, "Not trained again."])

    def cut(self, cut: Cut) -> str:
        of = f" of {', '.join(self.factor(name) for name in cut.factors)}" if cut.factors else ""
        return f"{_CUTS.get(cut.code, cut.code)}{of} ({_plural(cut.count, 'trial')})"

    def found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        effect = f"{self.effect(finding)} points"
        provisional = ", provisional" if finding.provisional else ""
        if finding.split == "test":
            effect += ", on the test split"
        m = f"{margin_text(margin)} points"
        return {
            Verdict.BETTER: f"{what} is better than {against}: {effect}{provisional}.",
            Verdict.WORSE: f"{what} is worse than {against}: {effect}{provisional}.",
            Verdict.EQUIVALENT: f"{what} equals {against} within {m}: {effect}{provisional}.",
            Verdict.NOT_INFERIOR: f"{what} is not worse than {against} by more than {m}: {effect}{provisional}.",
            Verdict.INCONCLUSIVE: self._open(finding, what, against, margin),
            Verdict.DIVERGED: f"{what}: training broke.",
        }[finding.verdict]

    def round_cost(self, n: int, seconds: float) -> str:
        return f"{_plural(n, 'trial')}, {duration(seconds)}"

    def bracket(self, bracket: DivergenceBracket, where: str = "") -> str:
        held = f"With {where}, training" if where else "Training"
        if bracket.lowest_failed is None:
            return (
                f"{held} held at every learning rate that was tried, up to {rate(bracket.highest_trained)}. "
                "Where it breaks is not known."
            )
        how = {"diverged": "diverged", "collapsed": "collapsed"}.get(bracket.how, "diverged or collapsed")
        text = (
            f"{held} held with every seed up to a learning rate of {rate(bracket.highest_trained)} and {how} in "
            f"most seeds from {rate(bracket.lowest_failed)} (trials {trial_list(bracket.trials)})."
        )
        if bracket.mixed:
            return text + " In between some seeds trained and some did not: the edge is not sharp."
        return text + " What happens in between is not known."

    # What the study says as a whole

    def sweet_spot(self, spot: SweetSpot) -> str:
        low, high, best = (value(spot.factor, x) for x in (spot.low, spot.high, spot.best))
        span = f"{low} to {high}" if low != high else low
        how = (
            "from a curve fitted through the rates that trained"
            if spot.fitted
            else "levels tried; too few for a fitted curve"
        )
        return f"{strong(self.factor(spot.factor))}: {span} can't be told from the best ({best}; {how})."

    def importance_lead(self, top: Importance | None) -> str:
        if top is None:
            return "Over the ranges tried, no factor's effect rises above the noise."
        return (
            f"Over the ranges tried, {strong(self.factor(top.factor))} matters most "
            f"(first in {percent(top.first_share, 0)} of resamplings). Other ranges could change the order."
        )

    def below_noise(self, importance: Importance) -> str:
        above = number(importance.nothing_above * 100, 2)
        return f"{self.factor(importance.factor)}: no effect above {above} points seen."

    def below(self, points: str) -> str:
        return f"nothing above {points} points seen"

    def interaction(self, interaction: Interaction) -> str:
        a, b = (self.factor(name) for name in interaction.factors)
        if not interaction.known or interaction.effect is None or interaction.interval is None:
            return f"Whether {a} and {b} interact is unknown: the trials that would tell were not run."
        text = (
            f"{a} and {b} together give {points(interaction.effect)} points "
            f"({self.range(interaction.interval)}) on top of the sum of their effects"
        )
        low, high = interaction.interval
        return text + (": they interact." if low > 0 or high < 0 else ": an interaction is not shown.")

    def tie_set(self, n: int) -> str:
        which = "One other configuration" if n == 1 else f"{count(n)} other configurations"
        return f"{which} can't be told from the best; the table says what each costs."

    def more_money(self, more: MoreMoney) -> str:
        return (
            f"More spending: {_plural(more.extra_trials, 'more trial')} would narrow the interval of the main "
            f"finding from {number(more.half_width * 200, 2)} to {number(more.half_width_with_trials * 200, 2)} "
            f"points; {count(more.extra_examples)} more examples to "
            f"{number(more.half_width_with_examples * 200, 2)}."
        )

    def nothing_open(self) -> str:
        return "None of the comparisons that were made is open."

    def winners_curse(self, raw: float, corrected: float, confirmed: float | None) -> str:
        text = (
            f"Validation accuracy {percent(raw)} as measured, {percent(corrected)} after correction for having "
            "been chosen as the best"
        )
        return text + (f", {percent(confirmed)} on the test split with fresh seeds." if confirmed is not None else ".")

    def suspects(self, n: int, n_trials: int, shown: int) -> str:
        if not n:
            return f"No example was answered wrongly by all {_plural(n_trials, 'trained trial')}."
        text = (
            f"{_plural(n, 'validation example')} {'was' if n == 1 else 'were'} answered wrongly by all "
            f"{_plural(n_trials, 'trained trial')}. The label may be wrong, or the example too hard; a person "
            "has to look. Those on which the trials agree most come first."
        )
        return text + (f" The first {shown} are shown." if shown < n else "")

    def groups_lead(self, split: str) -> str:
        return (
            f"On the {split} split. Groups are small: a difference within a group has a verdict "
            "only where one is given."
        )

    def warning(self, code: str) -> str:
        return _WARNINGS.get(code, clean(code))

    def note(self, code: str, values: Mapping[str, Any]) -> str | None:
        v = {clean(str(name)): clean(change_text(item)) for name, item in values.items()}
        if code == "versions_changed":
            return (
                "Versions changed while the study ran, so results from before and after are mixed: "
                + "; ".join(f"{name}: {item}" for name, item in v.items())
                + "."
            )
        if code == "cohort_split":
            return "A cohort did not fit in memory and was split; the results are the same."
        if code == "rescued":
            return (
                "The ledger was damaged and rescued; what could not be read again is missing here: "
                + "; ".join(v.values())
                + "."
            )
        if code == "engine_fallback":
            return "The model fell back to engine peft: " + "; ".join(v.values()) + "."
        return None

    def wave_note(self, code: str, values: Mapping[str, Any]) -> str | None:
        if code == "not_refined":
            why = _NOT_REFINED.get(str(values.get("why")), clean(str(values.get("why"))))
            return f"Not refined: {self.factor(str(values.get('factor')))} ({why})."
        if code == "only_leading":
            names = ", ".join(self.factor(str(name)) for name in values.get("factors", ()))
            return f"Taken along although not shown to help: {names}. The best level seen is ahead, no more."
        if code == "round_skipped" and values.get("kind") in list(RoundKind):
            kind = _ROUNDS[RoundKind(values["kind"])]
            return f'There is no round "{kind}": there was nothing to ask, or no room for it.'
        return None

    def same_everywhere(self, settings: str) -> str:
        return f"The same in every trial: {settings}."

    def not_a_number(self) -> str:
        return "not a number"

    # Pieces

    def _gain(self, gain: Gain) -> str:
        relative = "" if gain.relative is None else f"; {_relative(gain.relative)} relative"
        return (
            f"{strong(points(gain.effect) + ' points')} ({percent(gain.level, 0 if gain.level < 0.995 else 1)} "
            f"simultaneous interval {self.range(gain.interval)}{relative})"
        )

    def _seeds(self, seeds: tuple[int, int], fresh: str) -> str:
        mine, theirs = seeds
        if mine == theirs:
            return f"{_numeral(mine)} {fresh}seed{'s' if mine != 1 else ''} each"
        return f"{_numeral(mine)} {fresh}seed{'s' if mine != 1 else ''} against {_numeral(theirs)}"

    def _inconclusive(self, finding: Finding, against: str, margin: float) -> str:
        if finding.kind is ContrastKind.NON_INFERIORITY:
            worst = max(0.0, -finding.interval[0])
            return f"Not shown as good as {against}: it may be up to {number(worst * 100, 2)} points worse."
        if finding.kind is ContrastKind.EQUIVALENCE:
            return f"Not shown equal to {against} within {margin_text(margin)} points."
        return f"Can't be told from {against}."

    def _settle(self, finding: Finding) -> str:
        ways = []
        if finding.examples_needed:
            ways.append(f"{about(finding.examples_needed)} examples")
        if finding.seeds_needed:
            ways.append(f"{_plural(finding.seeds_needed, 'seed')} a configuration")
        if not ways:
            return "inconclusive; not to be settled with twenty times the examples or the seeds"
        return f"inconclusive; about {' or '.join(ways)} in all would settle an effect of this size"

    def _open(self, finding: Finding, what: str, against: str, margin: float) -> str:
        lead = {
            ContrastKind.DIFFERENCE: f"Whether {what} differs from {against}",
            ContrastKind.EQUIVALENCE: f"Whether {what} equals {against} within {margin_text(margin)} points",
            ContrastKind.NON_INFERIORITY: f"Whether {what} is not worse than {against} by more than "
            f"{margin_text(margin)} points",
        }[finding.kind]
        provisional = ", provisional" if finding.provisional else ""
        return f"{lead}: {self.effect(finding)} points{provisional}; {self._settle(finding)}."

    def baseline_at(self, rate_: float) -> str:
        return f"the baseline at learning rate {rate(rate_)}"

    def retuned_baseline(self, trials: Sequence[int]) -> str:
        return (
            "The baseline, its learning rate re-tuned like the others': those are compared with trials "
            f"{trial_list(trials)}."
        )

    def only_whether_it_trains(self) -> str:
        return "Asked only whether training holds: it does."

    def part_of_the_sum(self) -> str:
        return "Trained to see whether the changes add up; no verdict of its own."

    def some_seeds(self, trained: int, all_: int) -> str:
        return f"{trained} of {all_} seeds"

    def unknown_interactions(self, pairs: Sequence[str]) -> str:
        return f"Whether these interact is unknown, for the trials that would tell were not run: {'; '.join(pairs)}."

    def versus(self, against: str) -> str:
        return f" against {against}"

    def _limits(self, finding: Finding) -> list[str]:
        out = []
        if finding.provisional:
            out.append("Provisional: the noise between seeds rests on too few seeds.")
        if finding.witnesses_disagree and finding.loss_effect is not None:
            out.append(f"The loss says the opposite ({finding.loss_effect:+.3f} nats an example; lower is better).")
        if finding.p_mcnemar is not None:
            out.append(f"One seed a side; exact McNemar p = {finding.p_mcnemar:.2g}.")
        return out + [self.warning(code) for code in finding.warnings]

    def _ended(self, state: TrialState, trials: Sequence[int], n: int) -> str:
        words = {
            TrialState.DIVERGED: "diverged",
            TrialState.COLLAPSED: "collapsed",
            TrialState.FAILED: "could not be trained",
            TrialState.PLANNED: "not started yet",
            TrialState.RUNNING: "running",
        }[state]
        if n == 1:
            return f"{words.capitalize()}."
        who = {1: "one", n: "both" if n == 2 else f"all {_numeral(n)}"}.get(len(trials), _numeral(len(trials)))
        verb = "" if state in (TrialState.DIVERGED, TrialState.COLLAPSED, TrialState.FAILED) else " are"
        of = "" if len(trials) == n else f" of {_numeral(n)}"
        return f"{who.capitalize()}{of} seeds{verb} {words}."


def _relative(share: float) -> str:
    return f"{share * 100:+.0f} %"
