"""What the record says about the study as a whole, in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.findings import Interaction, LowSeed, MoreMoney
from tunebook.core.service_metric import ServiceUsage
from tunebook.escaping import clean
from tunebook.words.english.codes import NOTES, SERVICE_FAILURES
from tunebook.words.english.common import EnglishPieces, plural
from tunebook.words.numbers import about, count, trial_list
from tunebook.words.shared import change_text, with_values

__all__ = ["EnglishWhole"]


class EnglishWhole(EnglishPieces):
    """The sections after the rounds."""

    def interaction(self, interaction: Interaction) -> str:
        a, b = (self.factor(name) for name in interaction.factors)
        if not interaction.known or interaction.effect is None or interaction.interval is None:
            return f"Whether {a} and {b} interact is unknown: the trials that would tell were not run."
        text = (
            f"{a} and {b} together give {self.change(interaction.effect)} {self.unit} "
            f"({self.range(interaction.interval)}) on top of the sum of their effects"
        )
        low, high = interaction.interval
        if low > 0 or high < 0:
            return text + ". This describes the trials, at 95 % on its own; it is not one of the study's claims."
        return text + ": an interaction is not shown."

    def factors_not_tested(self) -> str:
        return (
            "Whether a factor matters beyond chance: no round tested it. design: one_factor compares every level "
            "with the baseline; design: balanced tests each factor over all trials."
        )

    def unknown_interactions(self, pairs: Sequence[str]) -> str:
        return (
            f"Whether these interact is unknown, because the trials that would tell were not run: {'; '.join(pairs)}."
        )

    def tie_set(self, n: int) -> str:
        which = "One other configuration is" if n == 1 else f"{count(n)} other configurations are"
        return f"{which} not distinguishable from the best; the table shows what each costs."

    def ahead_of_best(self) -> str:
        """Why a tied configuration may show a higher accuracy than the best."""
        return (
            f"Where one shows a {self._more} {self.measure} than the best: the difference is within the noise, and the "
            "best was chosen for its lower validation loss."
        )

    def needs(self, n: int | None) -> str:
        """The number of examples or seeds that would settle a question."""
        return "> 20 ×" if n is None else about(n)

    def more_money(self, more: MoreMoney) -> str:
        """What more trials, or more examples, would do to the interval of the main finding."""
        now, trials, examples = (
            self.size(2 * half)
            for half in (more.half_width, more.half_width_with_trials, more.half_width_with_examples)
        )
        on_test = more.split == "test"
        lead = "More spending, in a new study, for the test split is opened once" if on_test else "More spending"
        rows = f"{count(more.extra_examples)} more {'test' if on_test else 'validation'} examples"
        if now == trials:
            return (
                f"{lead}: {plural(more.extra_trials, 'more trial')} of best and baseline would hardly narrow the "
                f"interval of the main finding, best against baseline, which is {now} {self.unit} wide; {rows} would "
                f"bring it to {examples}."
            )
        return (
            f"{lead}: {plural(more.extra_trials, 'more trial')} of best and baseline would narrow the interval of the "
            f"main finding, best against baseline, from {now} to {trials} {self.unit}; {rows} to {examples}."
        )

    def nothing_open(self) -> str:
        return "No comparison was inconclusive."

    def winners_curse(self, raw: float, n: int, corrected: float, confirmed: float | None) -> str:
        """The accuracies of the recommended configuration, each with its name."""
        seeds = "one seed" if n == 1 else f"mean of the {count(n)} seeds that it was chosen by"
        tested = "" if confirmed is None else f"; test {self.measured(confirmed)}, with fresh seeds"
        lead = "Its accuracies: validation" if self.scale.counts_right_answers else f"Its {self.measure}: validation"
        return (
            f"{lead} {self.measured(raw)} ({seeds}); the same corrected for having been chosen "
            f"{self.measured(corrected)}{tested}."
        )

    def where_the_adapter_is(self) -> str:
        return (
            "Its trained adapter is in best/ next to this record: the seed with the median validation loss, not "
            "the luckiest. tunebook export writes it for PEFT, as a merged model, or as a configuration for "
            "LLaMA-Factory or axolotl."
        )

    def english_figures(self) -> str:
        """The labels inside the figures are in English because no font was found."""
        return (
            "The text inside the figures is in English, because no font with Chinese characters was found. Install one "
            "(Debian and Ubuntu: apt install fonts-noto-cjk), then `tunebook report` draws them again."
        )

    def suspects(self, n: int, n_trials: int, shown: int) -> str:
        is_wrong = "answered wrongly by" if self.scale.counts_right_answers else f"given the worst {self.measure} in"
        if not n:
            return f"No example was {is_wrong} all {plural(n_trials, 'trained trial')}."
        text = (
            f"{plural(n, 'validation example')} {'was' if n == 1 else 'were'} {is_wrong} all "
            f"{plural(n_trials, 'trained trial')}. The label may be wrong, or the example too hard; a person "
            "has to look. Those on which the trials agree most come first."
        )
        return text + (f" The first {shown} are shown." if shown < n else "")

    def failed_trial(self, trial: int, reason: str) -> str:
        return f"Trial {trial} could not be trained: {reason.rstrip('.') or 'no reason was recorded'}."

    def cancelled_trial(self, trial: int) -> str:
        return f"Trial {trial} was cancelled before it had a result; it counts for no claim."

    def low_seed(self, low: LowSeed) -> str:
        others = "two seeds" if low.n_others == 2 else f"{low.n_others} seeds"
        return (
            f"Trial {low.trial} came out {self.amount(low.others - low.accuracy)} {self.unit} below the mean of the "
            f"other {others} of the same settings ({self.measured(low.accuracy)} against {self.measured(low.others)}), "
            "further than the noise between the study's other seeds explains. Whoever trains these settings again may "
            "meet such a seed."
        )

    def stopped_trials(self, trials: Sequence[int]) -> str:
        who = f"Trial {trials[0]} was" if len(trials) == 1 else f"Trials {trial_list(trials)} were"
        return (
            f"{who} stopped early: two others of the same wave had a lower "
            "validation loss after as much of their training, one of them clearly. What was seen of them until then "
            "enters no claim; the budget counts the part that was trained."
        )

    def note(self, code: str, values: Mapping[str, Any]) -> str | None:
        """A ledger note that readers should know, or None for other notes."""
        v = {clean(str(name)): clean(change_text(item)) for name, item in values.items()}
        if code == "study_changed":
            v["changes"] = self.comma.join(f"{name} {text}" for name, text in v.items() if name != "round")
        if code == "versions_changed":
            return (
                "Versions changed while the study ran, so results from before and after are mixed: "
                + "; ".join(f"{name}: {item}" for name, item in v.items())
                + "."
            )
        if code == "rescued":
            return (
                "The ledger was damaged and rescued; what could not be read again is missing here: "
                + "; ".join(v.values())
                + "."
            )
        ids = v.get("trials", "")
        if code == "engine_refused":
            trials = f"Trials {ids} were" if "," in ids or "-" in ids else f"Trial {ids} was"
            return f"{trials} trained by engine {v['taken_by']}: engine {v['engine']} cannot ({v['reason']})."
        text = with_values(NOTES.get(code), v)
        return text.replace("{trials}", f"Trial{'s' if ',' in ids or '-' in ids else ''} {ids}") if text else None

    def service_usage(self, metric: str, usage: ServiceUsage, between: float | None) -> str:
        """What a metric's service was asked, what it cost and how much it differs from itself.

        Args:
            between: half of the 95 % interval between two trials that its noise alone makes up.
        """
        models = self.comma.join(f"{clean(name) or 'no name'}: {count(n)}" for name, n in usage.models.items())
        cost = f", for {usage.price:,.2f}" if usage.price is not None else ""
        tokens = f", with {count(usage.prompt_tokens)} tokens in and {count(usage.completion_tokens)} out"
        text = f"Metric {metric} asked its service {plural(usage.requests, 'time')}{tokens}{cost}, and got "
        text += plural(usage.judgements, "judgement") + (f" ({models})." if models else ".")
        if usage.failures:
            kinds = self.comma.join(
                f"{clean(SERVICE_FAILURES.get(kind, kind))}: {count(n)}" for kind, n in usage.failures.items()
            )
            text += f" Requests that gave none: {kinds}; they were repeated."
        if between is not None:
            twice = f"Of {plural(usage.judged_twice, 'question')} asked twice {usage.judged_the_same} got the same"
            text += f" {twice} judgement. Its own noise alone makes a 95 % interval of ±{self.amount(between)} "
            text += f"{self.unit} between two trials; it is part of every interval here."
        if usage.first_preferred is not None:
            first = self.percent(usage.first_preferred, 0)
            text += f" Where it decided between two answers, it preferred the first {first} of the time; each pair was "
            text += "asked about in both orders."
        return text

    def unscored_answers(self, which: Sequence[tuple[int, str, int, int]]) -> str:
        """Answers that got no judgement: (trial, split, how many, of how many)."""
        each = self.comma.join(f"trial {t}: {n} of {of} on {self.label(split)}" for t, split, n, of in which)
        return f"Answers that were not judged count with the mean of the trial's other answers ({each})."

    def same_everywhere(self, settings: str) -> str:
        return f"The same in every trial: {settings}."

    def not_a_number(self) -> str:
        return "not a number"
