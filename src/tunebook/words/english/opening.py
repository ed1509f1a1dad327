"""The opening in English: goal, answer, what is cheaper, what is not known, and the table of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Finding, LowSeed, NothingLearned
from tunebook.core.study import RoundKind
from tunebook.escaping import clean
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR
from tunebook.words.english.codes import BROKEN_WAYS, PLUGIN_KINDS, ROUNDS
from tunebook.words.english.common import EnglishPieces, numeral, plural, signed_percent
from tunebook.words.marks import strong
from tunebook.words.numbers import (
    about,
    bytes_text,
    count,
    count_text,
    duration,
    number,
    rate,
    times,
    trial_list,
)
from tunebook.words.shared import is_empty
from tunebook.words.values import Aim, Gain, OneByOne, Price, Spent

__all__ = ["EnglishOpening"]


class EnglishOpening(EnglishPieces):
    """The text above the first round."""

    def aim(self, aim: Aim) -> str:
        """What the study is for, what it varies and what it may spend."""
        score = f"the {self._top} {clean(self.measure)}" + (
            "" if clean(aim.metric) == self.measure else f" ({clean(aim.metric)})"
        )
        parts = [f"{self.factor(name)} ({levels})" for name, levels in aim.factors]
        by = f"by choosing {self.listed(parts)}" if parts else "by choosing among the configurations of the given table"
        limits = [plural(aim.trials, "trial")] if aim.trials is not None else []
        limits += [f"{aim.hours:g} h"] if aim.hours is not None else []
        model = "the simulated model" if aim.is_simulated and aim.model == "none" else clean(aim.model)
        within = f" with {self._at_most(aim.limits)}" if aim.limits else ""
        return f"{score} of {model}{within}, {by}, with at most {' and '.join(limits)}."

    def _at_most(self, limits: Mapping[str, float]) -> str:
        return self.listed([f"{clean(name)} at most {most:g}" for name, most in limits.items()])

    def span(self, low: str, high: str) -> str:
        """A range of a factor."""
        return f"{low} to {high}"

    def simulated(self, engine: str) -> str:
        """The engine trained nothing."""
        return (
            f"{strong('Simulated')}. Engine {clean(engine)} trains nothing: its results are made up, and no number "
            "here says anything about the model or the data."
        )

    def in_progress(self, n_final: int, n_known: int) -> str:
        return (
            f"{strong('In progress')}. {n_final} of the {plural(n_known, 'trial')} planned so far are done; "
            "this is what is known now, and more rounds may follow."
        )

    def nothing_yet(self, n_broken: int = 0) -> str:
        """No result so far; `n_broken` trials broke or collapsed."""
        if n_broken:
            why = f"{plural(n_broken, 'trial')} broke or collapsed"
            return f"No configuration was trained to a result ({why}), so there is nothing to recommend."
        return "No configuration has a result yet, so there is nothing to recommend."

    def nothing_compared_yet(self, accuracy: str) -> str:
        return f"Nothing has been compared yet, so nothing can be recommended. The baseline so far: {accuracy}."

    def none_within(self, limits: Mapping[str, float]) -> str:
        """Every configuration that trained is above a limit (`max`)."""
        return (
            f"No configuration that trained keeps within the limits of the study file ({self._at_most(limits)}), so "
            "none is recommended. Raise a limit, or try other settings; what was measured is under Other metrics."
        )

    def leads_so_far(self, settings: str, accuracy: str) -> str:
        """What leads on validation while nothing has been compared."""
        return (
            "Nothing has been compared yet, so nothing can be recommended. "
            f"Leading on validation so far ({self._leads_by()}): {strong(settings)}, {accuracy}."
        )

    def keep_baseline(self, settings: str, was_shown_better: bool) -> str:
        """The baseline is recommended; `was_shown_better`: something was shown better and did not hold."""
        why = (
            "what was shown better did not hold" if was_shown_better else "nothing that was tried is shown to be better"
        )
        return f"Keep the baseline, {strong(settings)}: {why}."

    def use_best(self, settings: str, chosen_by: str, has_baseline: bool = True, is_compared: bool = True) -> str:
        """The recommended configuration; `has_baseline`: the baseline was trained to a result; `is_compared`: the two
        were compared."""
        if chosen_by == "leading":
            led = f"{strong(settings)} led on validation ({self._leads_by()})"
            if not has_baseline:
                return f"{led}; no trial of the baseline has a result that it could be compared with."
            if not is_compared:
                return f"{led}; it has not been compared with the baseline yet."
            return f"{led}, but it is not shown to be better than the baseline, which may serve as well."
        return f"Use {strong(settings)}."

    def _leads_by(self) -> str:
        return f"of those within one standard error of the highest {self.measure}, the one of lowest validation loss"

    def why(self, reasons: Sequence[str]) -> str:
        """The paragraph on why the recommended configuration lies where it does."""
        return f"{strong('Why this configuration')}: {' '.join(reasons)}"

    def dropped(self, changes: Sequence[tuple[str, float, tuple[float, float]]]) -> str:
        """What dropping each change of the recommended configuration does, in points."""
        parts = [
            f"dropping {what} changes it by {self.change(-effect)} {self.unit} ({self.range((-high, -low))})"
            for what, effect, (low, high) in changes
        ]
        return f"over all seeds on validation, {self.listed(parts)}."

    def nothing_dropped(self) -> str:
        return "What each of its changes brings is not known: no trial has all of them but one."

    def not_dropped(self, settings: Sequence[str]) -> str:
        """The changes without which the recommended configuration was not tried."""
        brings, each = ("brings", "it") if len(settings) == 1 else ("bring", "each of them")
        return (
            f"what {self.listed(settings)} {brings} beside the other changes is not known: it was not compared with "
            f"the same settings without {each}."
        )

    def under_trained(self, quarters: Sequence[float]) -> str:
        """The baseline's loss was still falling: several changes cure the same."""
        losses = ", ".join(number(loss) for loss in quarters)
        return (
            f"the baseline is under-trained: its training loss was still falling at the end ({losses} nats a token by "
            "quarter), and a higher learning rate, a larger rank or more epochs may each make up for that."
        )

    def over_fitted(self, epoch: float) -> str:
        """The recommended configuration's validation loss rose again."""
        return f"its validation loss was lowest after epoch {epoch:g} and rose again: fewer epochs may do as well."

    def elsewhere_alone(self, what: str, span: str) -> str:
        """A single-factor finding that points elsewhere."""
        return (
            f"changed alone, {span} did best; together with its other changes {what} did: what suits the baseline need "
            "not suit another configuration."
        )

    def near_edge(self, failed_at: float, ratio: float) -> str:
        """How near a learning rate is to one that failed."""
        return f"training fails at {rate(failed_at)}, {ratio:.1f} times its learning rate."

    def outside_range(self, settings: Sequence[tuple[str, str]]) -> str:
        """Values of the recommendation that the study file does not cover, with what it gives."""
        parts = [f"{what} lies outside what the study file gives ({given})" for what, given in settings]
        return f"Note that {self.listed(parts)}."

    def one_seed(self) -> str:
        """The recommendation rests on one trained trial."""
        return "It rests on one seed: another seed may do worse."

    def one_low_seed(self, low: LowSeed) -> str:
        """A seed of the recommendation came out far below its others."""
        gap = self.amount(low.others - low.accuracy)
        return (
            f"Seeds differ: its trial {low.trial} came out {gap} {self.unit} below the mean of its other seeds on "
            "validation."
        )

    def ahead_unconfirmed(self, settings: str, accuracy: float, recommended: float, trials: Sequence[int]) -> str:
        """A configuration that was added after the confirmation and leads."""
        named = f"{settings} (trial{'' if len(trials) == 1 else 's'} {trial_list(trials)})"
        return (
            f"{strong('Trained later and not confirmed')}: {named} has {self.measured(accuracy)} on validation, what "
            f"is recommended {self.measured(recommended)}. The confirmation came before and is made once; a new study "
            "with it as the baseline would tell."
        )

    def nothing_learned(self, settings: str, found: NothingLearned, n: int, commonest: str | None) -> str:
        """Instead of a recommendation."""
        quoted = f' ("{clean(commonest)}")' if commonest else ""
        bar = "the untrained model" if found.bar_is == "untrained" else f"always giving the commonest answer{quoted}"
        has, of = ("is right on", "of") if self.scale.counts_right_answers else (f"has a {self.measure} of", "on")
        return (
            f"{strong('No configuration is shown to have learned the task')}, so nothing is recommended. The one that "
            f"leads ({self._leads_by()}), {settings}, {has} {self.measured(found.accuracy)} {of} {count(n)} validation "
            "examples (95 % interval, corrected for having been chosen, "
            f"{self.score_range(*found.corrected_interval)}); {bar} {has} {self.measured(found.bar)}."
        )

    def other_seeds(self, accuracy: float, n: int) -> str:
        """The leading configuration with the seeds by which it was not chosen, on the same examples."""
        reached = self.measured(accuracy)
        if n == 1:
            return f"Another seed of it reaches {reached} on the same examples."
        return f"The mean of {numeral(n)} other seeds of it on the same examples is {reached}."

    def would_help(self, found: NothingLearned, n_answers: int | None) -> str:
        """What to try next; `n_answers`: so few distinct answers that they can be chosen among."""
        ways = []
        if found.still_falling is not None:
            before, after = (number(loss) for loss in found.still_falling)
            ways.append(
                f"more training, because the training loss was still falling at the end ({before} nats a token in the "
                f"third quarter of the steps, {after} in the last): more epochs, more rows or a higher learning rate"
            )
        else:
            ways.append("more training rows or epochs, or other learning rates")
        if n_answers is not None:
            ways.append(f"`metric: choice`, which picks the likeliest of the {n_answers} answers and generates nothing")
        ways.append("other data, or a larger base model")
        return f"{strong('What may help')}: {'; '.join(ways)}."

    def stopped_early(self) -> str:
        """The study ended after its first round."""
        return (
            "The study stopped here, because comparing further settings would compare nothing; with `floor: go_on` in "
            "the study file, `tunebook run` goes on all the same."
        )

    def by_loss(self, effects: Sequence[tuple[str, float, tuple[float, float]]]) -> str:
        """Changes that lower the loss, with the plain 95 % interval in nats an example."""
        parts = [f"{what} {effect:+.3g} ({low:+.3g} to {high:+.3g})" for what, effect, (low, high) in effects]
        return (
            f"{strong('By loss')}, in nats an example against what each was compared with (lower is better, 95 % "
            f"intervals): {'; '.join(parts)}."
        )

    def confirmed_gain(self, gain: Gain, counts_right: bool, unused: bool) -> str:
        fresh = " never used before" if unused else ""
        text = self._gain_on(gain, counts_right, f"test examples{fresh}", fresh=True) + self._provisional(gain)
        return text if gain.told_apart else text + " This difference is not distinguishable from zero."

    def untrained(self, accuracy: float, baseline: tuple[float, float] | None) -> str:
        """The untrained model on the same examples; `baseline`: the baseline's interval, where it lies below that."""
        told = f"The untrained model has {self.measured(accuracy)} on the same examples"
        if baseline is None:
            return f"{told}."
        return (
            f"{told}; {strong('the baseline is below the untrained model')} (its own 95 % interval "
            f"{self.score_range(*baseline)}): training as it does makes the model worse, and part of the gain "
            "undoes that."
        )

    def shown_before(self, round_heading: str, on_test: bool) -> str:
        """An earlier round showed a gain that the confirm round does not confirm."""
        where = "the test split does" if on_test else "fresh seeds do"
        return f"{strong('Not confirmed')}: {round_heading} showed a gain on the validation split; {where} not show it."

    def confirmation_broke(self, what: str, n: int, of: int, ways: Sequence[str]) -> str:
        """The configuration that was to be confirmed did not train with a fresh seed."""
        how = " or ".join(BROKEN_WAYS[way] for way in ways)
        lead = f"{strong('The confirmation failed')}: {what} led before it"
        return f"{lead}, and {how} with {n} of {plural(of, 'fresh seed')}."

    def confirmation_worse(self, what: str, gain: Gain, counts_right: bool, on_test: bool) -> str:
        """The configuration that was to be confirmed was shown worse than the baseline."""
        told = self._gain_on(gain, counts_right, "test examples" if on_test else "validation examples", fresh=True)
        return f"{strong('The confirmation failed')}: {what} led before it. {told}"

    def against_runner_up(self, what: str, gain: Gain, counts_right: bool, *, on_test: bool, unused: bool) -> str:
        """The baseline led: the configuration that came next, with fresh seeds."""
        examples = f"{'test' if on_test else 'validation'} examples{' never used before' if unused else ''}"
        told = self._gain_on(gain, counts_right, examples, fresh=True)
        text = f"Next by the same rule came {what}. {told}"
        return text if gain.told_apart else text + " This difference is not distinguishable from zero."

    def baseline_alone(self, accuracy: str, untrained: float | None, on_test: bool) -> str:
        """The baseline led, and nothing else was there to compare it with."""
        where = "On the test split" if on_test else "On the validation split"
        without = "" if untrained is None else f", the untrained model {self.measured(untrained)}"
        alone = "no other configuration was there to compare it with"
        return f"{where} it has {accuracy} with fresh seeds{without}; {alone}."

    def validation_gain(self, gain: Gain, counts_right: bool) -> str:
        text = self._gain_on(gain, counts_right, "validation examples", fresh=False) + self._provisional(gain)
        return text if gain.told_apart else text + " This difference is not distinguishable from zero."

    def measured_accuracy(self, raw: float, n: int) -> str:
        """The mean validation {self.measure} of n seeds."""
        chosen_by = "the one seed" if n == 1 else f"mean of the {numeral(n)} seeds"
        return f"Its validation {self.measure} is {self.measured(raw)} ({chosen_by} that it was chosen by)."

    def corrected_accuracy(self, corrected: float, interval: tuple[float, float]) -> str:
        return (
            f"Corrected for having been chosen by it, this {self.measure} is {self.measured(corrected)} "
            f"(95 % interval {self.score_range(interval[0], interval[1])})."
        )

    def not_confirmed(self, has_test: bool) -> str:
        return (
            "Not yet confirmed on the test split."
            if has_test
            else "There is no test split, so this is not confirmed on examples that played no part in the choice."
        )

    def tested_alone(self, accuracy: str) -> str:
        """The recommended configuration on the test split, where the baseline has no result."""
        return (
            f"On the test split it has {accuracy} with fresh seeds; no trial of the baseline there has a result, so "
            "nothing is known of the difference."
        )

    def cheaper(self, what: str, margin: float, price: Price) -> str:
        costs = self._price(price)
        return (
            f"{strong('As good and cheaper')}: {what} is shown not to be worse than the best by more than "
            f"{self.exactly(margin)} {self.unit} (your margin){'; ' + costs if costs else ''}."
        )

    def cheapest_is_best(self) -> str:
        return f"{strong('Cheaper')}: of the configurations that were tried and did as well, none is cheaper."

    def nothing_cheaper_near(self, margin: float) -> str:
        within = f"within your margin of {self.exactly(margin)} {self.unit} of the best"
        return f"{strong('Cheaper')}: no cheaper configuration that was tried came {within}."

    def not_shown_as_good(self, what: str, worse_by: float | None, price: Price) -> str:
        costs = self._price(price)
        worse = "" if worse_by is None else f"may be up to {self.size(worse_by)} {self.unit} worse"
        details = "; ".join(filter(None, [worse, costs])) or "is not shown to be"
        return (
            f"{strong('Cheaper')}: nothing cheaper is shown to be as good. The cheapest candidate, {what}, {details}."
        )

    def unknown_factor(self, factor: str, nothing_above: float) -> str:
        """A factor of which no effect was seen, with the farthest end of its intervals."""
        return factor if nothing_above >= 1 else f"{factor} (at most {self.size(nothing_above)} {self.unit})"

    def unknown_factors(self, factors: Sequence[str], settle: str) -> str:
        """Whether factors matter, and what would settle it."""
        matter = "matters" if len(factors) == 1 else "matter"
        return f"Whether {self.listed(factors)} {matter}{'; ' + settle if settle else ''}."

    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str:
        return f"Whether {what} differs from {against} ({self.change(finding.effect)}): {self.settle(finding)}."

    def not_varied(self, factors: Sequence[str], settings: Sequence[str]) -> str:
        """Factors of the study that are the same in every trial, and what they are there."""
        matter, them = ("matters", "it") if len(factors) == 1 else ("matter", "them")
        same = f"no trial with a result varied {them}, every one has {self.listed(settings)}"
        return f"Whether {self.listed(factors)} {matter}: {same}."

    def beyond(self, edges: Sequence[tuple[str, str, bool]]) -> str:
        """Factors whose best level is at an edge of what was tried: name, level, whether it is the highest."""
        parts = [f"{factor} {'above' if is_highest else 'below'} {level}" for factor, level, is_highest in edges]
        return f"Whether {self.listed(parts)} would do better: the best is at the edge of what was tried."

    def unseen(self, effect: float) -> str:
        """Differences too small for this study to detect."""
        return f"Differences below about {self.size(effect)} {self.unit}: this study would often miss them."

    # The table of facts

    def device_fact(self, name: str, memory_bytes: float | None, system: str) -> str:
        memory = f"{bytes_text(memory_bytes)} RAM" if memory_bytes else ""
        return clean(", ".join(filter(None, [name, memory, system])))

    def model_fact(
        self, name: str, revision: str, parameters: float | None, quantization: str, dtype: str, engine: str
    ) -> str:
        size = f"{number(parameters / 1e6)} M parameters" if parameters else ""
        parts = [name, f"revision {revision}" if revision else "", size, self.weights_kept(quantization), dtype]
        return clean(", ".join(filter(None, parts)) + f"; engine {engine}")

    def data_fact(self, facts: Mapping[str, Any]) -> str:
        """Rows of each split, and what was done to them; `facts` are those of `record.opening`."""
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
        if facts.get("task"):
            text += f"; scored by {self.task_fact(facts['task'])}"
        if facts.get("split_off"):
            text += "; validation was split off the training rows by the seed"
        if facts.get("truncated"):
            length = self.length(facts["length"], facts["in_words"])
            text += f"; {count(facts['truncated'])} training rows are cut at {length}"
        return "; ".join([text, *(sentence.rstrip(".") for sentence in facts.get("warnings", ()))])

    def plugin(self, kind: str, name: str, package: str) -> str:
        """A metric, planner, ... of another package; `kind` is the study file's key."""
        return f"{PLUGIN_KINDS.get(kind, kind)} {name} from {package}"

    def reference_fact(
        self, base: float | None, commonest: float | None, answer: str | None, on_test: float | None = None
    ) -> str:
        """What is reached without training, on validation; the untrained model also on the test split."""
        parts = []
        if base is not None:
            also = "" if on_test is None else f", {self.measured(on_test)} on test"
            parts.append(f"base model without adapter {self.measured(base)} on validation{also}")
        if commonest:
            quoted = f' ("{clean(answer)}")' if answer else ""
            parts.append(f"always the commonest answer{quoted} {self.measured(commonest)} on validation")
        return "; ".join(parts)

    def answers_failed(self, role: str, n: int, counts: Mapping[str, int]) -> str:
        """How the answers of the baseline or the best failed."""
        parts = [f"{count} {self.label(f'failed_{kind}')}" for kind, count in counts.items()]
        return f"{self.label(role)}: of {n} answers {self.listed(parts) or 'none'}."

    def noise_fact(self, deviation: float, degrees: float, from_prior: bool) -> str:
        """The noise between seeds: its standard deviation on the standard scale, and its degrees of freedom."""
        if from_prior:
            return (
                f"no configuration has two seeds yet: {self.size(deviation)} {self.unit} between seeds are "
                "assumed, and verdicts are provisional"
            )
        freedom = "1 degree of freedom" if f"{degrees:.3g}" == "1" else f"{degrees:.3g} degrees of freedom"
        text = (
            f"the same settings with another seed differ by {self.size(deviation)} {self.unit} "
            f"(standard deviation, {freedom})"
        )
        if degrees < PROVISIONAL_DF:
            prior = self.size(SEED_DEVIATION_PRIOR)
            text += f"; with fewer than {PROVISIONAL_DF}, intervals also use an assumed {prior} {self.unit}"
        return text

    def detectable_fact(self, by_round: Mapping[str, float], smallest_margin: float, margin: float) -> str:
        seen = self.listed(
            [f"{self.size(v)} {self.unit} in {ROUNDS[RoundKind(k)]}" for k, v in by_round.items() if v < 1]
        )
        text = f"a difference of {seen} is found with a chance of 80 %; smaller ones are often missed. " if seen else ""
        if smallest_margin >= 1:
            return text + "No two configurations can be shown equal"
        text += f"Two configurations can be shown equal within {self.size(smallest_margin)} {self.unit}, not closer"
        if smallest_margin > margin:
            text += f"; nothing can be shown equal within your margin of {self.exactly(margin)} {self.unit}"
        return text

    def cost_remark(self) -> str:
        """Above the table of costs: what its columns mean."""
        return (
            "Steps and tokens are counted, with the multiple of the baseline's behind them. Time and memory alone are "
            "predicted for one trial at a time with this engine, at the speed measured at the start. Wall times, of "
            "training and scoring, are shares of what ran side by side, on a machine that others may have used."
        )

    def cost_fact(self, spent: Spent) -> str:
        """Trials, tokens, time and price of the study."""
        parts = [f"{spent.counts['trained']} trained"]
        parts += [
            f"{spent.counts[key]} {word}"
            for key, word in (
                ("broke", "did not train"),
                ("checkpoints", "checkpoints of longer trials"),
                ("failed", "failed"),
                ("cancelled", "cancelled"),
                ("stopped", "stopped early"),
            )
            if spent.counts[key]
        ]
        text = f"{plural(spent.counts['all'], 'trial')} ({', '.join(parts)})"
        if folded := spent.counts["folded"]:
            text += f", and {numeral(folded)} more folded into others without training"
        if spent.computed_tokens and spent.steps:
            text += f": {count_text(spent.computed_tokens)} tokens computed in training, in {spent.steps:,} steps"
            text += f" (one after another they would be {count_text(spent.raw_tokens)} tokens)" * (
                spent.raw_tokens > spent.computed_tokens
            )
        passed = "in the simulated world" if spent.is_simulated else "as it passed, whatever else the machine did"
        text += f"; {duration(spent.seconds)} of device time {passed}"
        if spent.processor_seconds >= 1:
            text += f" ({duration(spent.processor_seconds)} of processor time)"
        if spent.ahead_seconds >= 1:
            text += "; " + self.trained_ahead(spent.ahead_seconds, spent.n_taken_ahead)
        if spent.one_by_one:
            text += "; " + self._one_by_one(spent.one_by_one)
        return text + (f"; price {spent.price:,.2f}" if spent.price is not None else "")

    def _one_by_one(self, spent: OneByOne) -> str:
        here, peft = (" to ".join(dict.fromkeys(map(duration, seconds))) for seconds in (spent.here, spent.peft))
        told = f"one after another about {here} with this engine, {peft} with PEFT and the Trainer"
        if here == peft:
            told = f"one after another about {here}"
        if spent.peft[0] == spent.peft[1]:
            return told
        return f"{told}: at the speed measured at the start, and at that of the study, for the machine's load changed"

    def reading_fact(self) -> str:
        """How to read the brackets in the tables."""
        return (
            "brackets behind a result are its own 95 % interval; brackets behind a difference hold for all differences "
            'of their round together. "No difference was found" never means that there is no difference'
        )

    def error_fact(self, design: str = "one_factor", outside: Sequence[int] = ()) -> str:
        shares = {
            "balanced": "explore 4 %, confirm 1 %; rounds in between claim nothing",
            "model": "all of it confirm; the rounds before claim nothing",
        }.get(design, "first round 2 %, refine 1 %, combine 0.5 %, boundary 0.5 %, confirm 1 %")
        return (
            "made so that at most one study in twenty has any false verdict; what says that it describes is outside of "
            "this. The 5 % are spent by "
            f"round ({shares}), and the brackets "
            "behind a difference are at the level that its round's share leaves" + self._rounds_outside(outside)
        )

    def _rounds_outside(self, numbers: Sequence[int]) -> str:
        if not numbers:
            return ""
        who = f"Round {numbers[0]} is" if len(numbers) == 1 else f"Rounds {trial_list(numbers)} are"
        return (
            f". {who} outside of this: planned after the share of such a round had been spent, or of trials that were "
            "added with results in sight; each judges its own questions at the share of such a round, "
            "2 % for trials of your own"
        )

    def alpha_fact(self, rule: str) -> str:
        return (
            "alpha/r is kept while the rank is varied: rank and alpha cannot be told apart here"
            if rule == "proportional"
            else "alpha is kept while the rank is varied, so alpha/r falls with the rank"
        )

    def defaults_fact(self, names: Sequence[str]) -> str:
        return "not given in the study file, so PEFT's and the Trainer's defaults: " + ", ".join(names)

    # Pieces

    def _gain_on(self, gain: Gain, counts_right: bool, examples: str, fresh: bool) -> str:
        what = "it is right on" if counts_right else f"its {self.measure} is"
        other = "the baseline on" if counts_right else "the baseline's"
        relative = (
            "" if gain.relative is None or not self.scale.in_points else f"; {signed_percent(gain.relative)} relative"
        )
        level = self.percent(gain.level, 0 if gain.level < 0.995 else 1)
        named = "" if is_empty(gain.interval) else f"{level} simultaneous interval "
        difference = (
            f"{strong(f'{self.change(gain.effect)} {self.unit}')} ({named}{self.range(gain.interval)}{relative})"
        )
        return (
            f"On {count(gain.n_examples)} {examples} {what} {strong(self.measured(gain.accuracy))}, "
            f"{other} {self.measured(gain.baseline_accuracy)}: {difference}, {self.seeds(*gain.seeds, fresh)}."
        )

    def _provisional(self, gain: Gain) -> str:
        return " Provisional: the noise between seeds was estimated from too few seeds." if gain.provisional else ""

    def _price(self, price: Price) -> str:
        parts = []
        if price.work is not None and times(price.work) != times(1):
            parts.append(f"it takes {times(price.work)} the training work")
        if size := self.told_apart(price.size, price.best_size, bytes_text):
            parts.append(f"its adapter has {size[0]} instead of {size[1]}")
        return ", ".join(parts)

    def settle(self, finding: Finding) -> str:
        """What would settle an open comparison."""
        if not finding.is_tested:
            return "one seed was described, and not tested; that takes two seeds a side"
        ways = []
        if finding.examples_needed:
            ways.append(f"{about(finding.examples_needed)} examples")
        if finding.seeds_needed:
            ways.append(f"{numeral(finding.seeds_needed)} seeds a side")
        return (
            f"about {' or '.join(ways)} in all would settle it"
            if ways
            else "neither twenty times the examples nor twenty times the seeds alone would settle it"
        )
