"""What a language must be able to say. Effects, accuracies and margins come in as [0, 1]; times in seconds."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.findings import DivergenceBracket, Finding, Importance, Interaction, MoreMoney, SweetSpot
from tunebook.core.study import ContrastKind, Cut, Purpose, RoundKind, TrialState
from tunebook.record.numbers import bound, percent, points, value
from tunebook.record.text import strong
from tunebook.record.words.values import Aim, Edge, Ending, Gain, Price

__all__ = ["SILENT_NOTES", "SILENT_WAVE_NOTES", "Words", "change_text", "with_values"]

MAIN_FACTORS = ("lora_r", "lora_alpha", "learning_rate", "lora_dropout", "num_train_epochs")
"""Named first, and always, when a configuration is written in words."""
SILENT_NOTES = frozenset({"calibration", "data_root", "environment", "trial_span"})
"""The ledger's notes that are facts for other places: no sentence of their own."""
SILENT_WAVE_NOTES = frozenset({"bracket", "budget", "chosen_rate", "combined", "edge", "sealed"})
"""The planner's notes to itself, or told in a table."""


def change_text(item: Any) -> str:
    """A value of a note; a pair (then, now) as "then → now"."""
    if isinstance(item, list | tuple) and len(item) == 2:
        return f"{item[0]} → {item[1]}"
    return str(item)


def with_values(text: str | None, values: Mapping[str, str]) -> str | None:
    """A note's sentence with its values in the places that name them; "trials" is left to the language."""
    if text is None:
        return None
    names = "|".join(re.escape(name) for name in values if name != "trials")
    return re.sub("{(" + names + ")}", lambda found: values[found[1]], text) if names else text


def _main_first(name: str) -> int:
    return MAIN_FACTORS.index(name) if name in MAIN_FACTORS else len(MAIN_FACTORS)


class Words(ABC):
    """One language."""

    language: str
    labels: Mapping[str, str]
    factor_names: Mapping[str, str]
    sentence_gap: str
    title_gap: str

    def label(self, key: str) -> str:
        """A heading, column title or short fixed phrase."""
        return self.labels[key]

    def factor(self, name: str) -> str:
        """A factor's name for people."""
        return self.factor_names.get(name, name)

    def setting(self, name: str, level: Any) -> str:
        """One factor with its value, "rank 32"."""
        return f"{self.factor(name)} {value(name, level)}"

    def join(self, sentences: Sequence[str]) -> str:
        """Sentences as one paragraph."""
        return self.sentence_gap.join(sentence for sentence in sentences if sentence)

    def effect(self, finding: Finding, bold: bool = False) -> str:
        """ "+4.5 (+1.1 to +7.9)", points, with the simultaneous interval."""
        head = points(finding.effect)
        one_sided = finding.kind is ContrastKind.NON_INFERIORITY
        span = self.at_least(bound(finding.interval[0])) if one_sided else self.range(finding.interval)
        return f"{strong(head) if bold else head} {self.bracketed(span)}"

    @abstractmethod
    def at_least(self, low: str) -> str:
        """A one-sided interval."""

    def bracketed(self, text: str) -> str:
        """In brackets."""
        return f"({text})"

    def accuracy(self, mean: float, interval: tuple[float, float] | None, bold: bool = False) -> str:
        """ "62.9 % (59.0 to 66.6)"."""
        head = strong(percent(mean)) if bold else percent(mean)
        if interval is None:
            return head
        return f"{head} {self.bracketed(self.plain_range(interval[0] * 100, interval[1] * 100))}"

    def settings(self, configuration: Configuration) -> str:
        """The main settings of a configuration in one line, with every factor of `MAIN_FACTORS`."""
        parts = [self.setting(name, getattr(configuration, name)) for name in MAIN_FACTORS]
        return ", ".join([*parts, self.batch(configuration)])

    def changes(self, configuration: Configuration, baseline: Configuration) -> str:
        """What differs from the baseline, in words; alpha beside rank in brackets."""
        changed = configuration.changes_from(baseline)
        parts = []
        for name in sorted(changed, key=_main_first):
            new = changed[name][1]
            if name == "lora_alpha" and "lora_r" in changed:
                continue
            text = self.setting(name, new)
            parts.append(
                f"{text} (alpha {value('lora_alpha', configuration.lora_alpha)})"
                if name == "lora_r" and "lora_alpha" in changed
                else text
            )
        return ", ".join(parts) or self.label("baseline")

    @abstractmethod
    def range(self, interval: tuple[float, float]) -> str:
        """Interval of a difference, in points with signs."""

    @abstractmethod
    def duration(self, seconds: float) -> str:
        """A length of time."""

    @abstractmethod
    def plain_range(self, low: float, high: float) -> str:
        """Two numbers with one decimal."""

    @abstractmethod
    def batch(self, configuration: Configuration) -> str:
        """The effective batch size."""

    @abstractmethod
    def purpose(self, purpose: Purpose) -> str: ...

    @abstractmethod
    def state(self, state: TrialState) -> str: ...

    @abstractmethod
    def n_trials(self, n: int) -> str: ...

    @abstractmethod
    def n_slots(self, n: int) -> str: ...

    # The opening

    @abstractmethod
    def aim(self, aim: Aim) -> str:
        """What the study is for, what it varies and what it may spend."""

    @abstractmethod
    def span(self, low: str, high: str) -> str:
        """A range of a factor."""

    @abstractmethod
    def in_progress(self, n_final: int, n_known: int) -> str: ...

    @abstractmethod
    def nothing_yet(self) -> str: ...

    @abstractmethod
    def use_best(self, settings: str, chosen_by: str, is_baseline: bool) -> str: ...

    @abstractmethod
    def confirmed_gain(self, gain: Gain, counts_right: bool, unused: bool) -> str: ...

    @abstractmethod
    def shown_before(self, round_heading: str) -> str:
        """An earlier round showed it better on validation, the test split does not."""

    @abstractmethod
    def validation_gain(self, gain: Gain, counts_right: bool) -> str: ...

    @abstractmethod
    def corrected_accuracy(self, raw: float, corrected: float, interval: tuple[float, float]) -> str: ...

    @abstractmethod
    def not_confirmed(self, has_test: bool) -> str: ...

    @abstractmethod
    def cheaper(self, what: str, margin: float, price: Price) -> str: ...

    @abstractmethod
    def cheapest_is_best(self) -> str: ...

    @abstractmethod
    def nothing_cheaper_near(self, margin: float) -> str: ...

    @abstractmethod
    def not_shown_as_good(self, what: str, worse_by: float | None, price: Price) -> str: ...

    @abstractmethod
    def not_known(self, items: Sequence[str]) -> str: ...

    def factor_phrase(self, name: str) -> str:
        """A factor as the subject of a sentence."""
        return self.factor(name)

    @abstractmethod
    def unknown_factor(self, factor: str, nothing_above: float) -> str: ...

    @abstractmethod
    def unknown_contrast(self, what: str, finding: Finding, against: str) -> str: ...

    @abstractmethod
    def unknown_pairs(self, n: int) -> str:
        """That interactions are unknown, when there are such pairs; else nothing."""

    @abstractmethod
    def unseen(self, effect: float) -> str:
        """Differences too small for this study."""

    # The table of facts

    @abstractmethod
    def device_fact(self, name: str, memory_bytes: float | None, system: str) -> str: ...

    @abstractmethod
    def model_fact(self, name: str, revision: str, parameters: float | None, dtype: str, engine: str) -> str: ...

    @abstractmethod
    def data_fact(self, facts: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def reference_fact(self, base: float | None, commonest: float | None, answer: str | None) -> str: ...

    @abstractmethod
    def noise_fact(self, deviation: float, degrees: float, from_prior: bool) -> str: ...

    @abstractmethod
    def detectable_fact(self, by_round: Mapping[str, float], smallest_margin: float, margin: float) -> str: ...

    @abstractmethod
    def cost_fact(self, counts: Mapping[str, int], seconds: float, one_by_one: float | None) -> str: ...

    @abstractmethod
    def reading_fact(self) -> str:
        """How the brackets in the tables are to be read."""

    @abstractmethod
    def error_fact(self) -> str: ...

    @abstractmethod
    def alpha_fact(self, rule: str) -> str: ...

    @abstractmethod
    def defaults_fact(self, names: Sequence[str]) -> str: ...

    # Rounds

    @abstractmethod
    def round_heading(self, number: int, kind: RoundKind) -> str: ...

    @abstractmethod
    def found_heading(self, number: int) -> str: ...

    @abstractmethod
    def goal(self, kind: RoundKind, has_test: bool = True) -> str:
        """What a round asks; without a test split confirm can only bring fresh seeds."""

    @abstractmethod
    def seeds_used(self, baseline: int, others: Sequence[int]) -> str: ...

    @abstractmethod
    def verdict(self, finding: Finding, against: str, margin: float) -> str:
        """The analysis cell of one finding: verdict, and what limits it."""

    @abstractmethod
    def seeds_range(self, accuracies: Sequence[float]) -> str: ...

    @abstractmethod
    def ending(self, ending: Ending) -> str: ...

    @abstractmethod
    def bracket_row(self, chosen: float | None) -> str: ...

    @abstractmethod
    def bracket_remark(self) -> str:
        """Under a table with rows that only choose a learning rate."""

    @abstractmethod
    def confirm_remark(self) -> str:
        """Under the confirm round's table: by what rule its configurations were nominated."""

    @abstractmethod
    def no_verdict(self) -> str: ...

    @abstractmethod
    def checkpoint(self, of: int) -> str: ...

    @abstractmethod
    def against_other(self, effect: str, against: str) -> str: ...

    @abstractmethod
    def rates_tried(self, level: str, rates: str) -> str: ...

    @abstractmethod
    def same_as(self, trials: str) -> str: ...

    @abstractmethod
    def question(self, kind: ContrastKind, what: str, against: str) -> str: ...

    @abstractmethod
    def failed_trial(self, trial: int, reason: str) -> str: ...

    @abstractmethod
    def cancelled_trial(self, trial: int) -> str: ...

    @abstractmethod
    def still_falling(self, trial: int, before: float, after: float) -> str: ...

    @abstractmethod
    def overfits(self, trial: int, best_epoch: float, best: float, last: float, n: int) -> str: ...

    @abstractmethod
    def fold(self, reasons: Sequence[str], longest: int | None) -> str: ...

    @abstractmethod
    def cut(self, cut: Cut) -> str: ...

    @abstractmethod
    def found(self, finding: Finding, what: str, against: str, margin: float) -> str:
        """One finding as a sentence that stands alone."""

    def open_contrast(self, finding: Finding, what: str, against: str) -> str:
        """An inconclusive finding in a list: name and effect, or that there is none; `against` is empty for the
        baseline."""
        nothing = math.isnan(finding.effect)
        text = self.label("no_result") if nothing else self.effect_points(finding)
        return f"{what}{against}{self.label('colon')}{self.label('word_gap')}{text}"

    @abstractmethod
    def no_difference_for(self, named: Sequence[str]) -> str:
        """The factors, each with its levels, for which no difference was shown; goes on from "Not shown"."""

    @abstractmethod
    def effect_points(self, finding: Finding) -> str:
        """The effect with its unit: "+4.5 points (+1.1 to +7.9)"."""

    @abstractmethod
    def chance_to_see(self, margin: float, chance: float) -> str:
        """With which probability a true difference of the margin would have been found."""

    @abstractmethod
    def baseline_at(self, rate: float) -> str: ...

    @abstractmethod
    def retuned_baseline(self, trials: Sequence[int]) -> str: ...

    @abstractmethod
    def only_whether_it_trains(self, n: int) -> str: ...

    @abstractmethod
    def part_of_the_sum(self) -> str: ...

    @abstractmethod
    def some_seeds(self, trained: int, all_: int) -> str: ...

    @abstractmethod
    def unknown_interactions(self, pairs: Sequence[str]) -> str: ...

    @abstractmethod
    def versus(self, against: str) -> str: ...

    @abstractmethod
    def round_cost(self, n: int, seconds: float) -> str: ...

    @abstractmethod
    def bracket(self, bracket: DivergenceBracket, edge: Edge, where: str = "") -> str:
        """Where training breaks; `where` names what else the trials have in common, if not the baseline."""

    # What the study says as a whole

    @abstractmethod
    def sweet_spot(self, spot: SweetSpot, levels: Sequence[float]) -> str: ...

    @abstractmethod
    def importance_lead(self, top: Importance | None) -> str: ...

    @abstractmethod
    def below_noise(self, importance: Importance) -> str: ...

    @abstractmethod
    def below(self, points: str) -> str:
        """Short form of `below_noise`, for a picture."""

    @abstractmethod
    def interaction(self, interaction: Interaction) -> str: ...

    @abstractmethod
    def tie_set(self, n: int) -> str: ...

    @abstractmethod
    def ahead_of_best(self) -> str:
        """Why a tied configuration may show a higher accuracy than the best."""

    @abstractmethod
    def unknown_lead(self) -> str: ...

    @abstractmethod
    def needs(self, n: int | None) -> str:
        """How many examples or seeds would settle a question."""

    @abstractmethod
    def more_money(self, more: MoreMoney) -> str: ...

    @abstractmethod
    def nothing_open(self) -> str: ...

    @abstractmethod
    def winners_curse(self, raw: float, corrected: float, confirmed: float | None) -> str: ...

    @abstractmethod
    def where_the_adapter_is(self) -> str: ...

    @abstractmethod
    def suspects(self, n: int, n_trials: int, shown: int) -> str: ...

    @abstractmethod
    def groups_lead(self, split: str) -> str: ...

    @abstractmethod
    def warning(self, code: str) -> str: ...

    @abstractmethod
    def note(self, code: str, values: Mapping[str, Any]) -> str | None:
        """A note of the ledger that readers must know, or None for the others."""

    @abstractmethod
    def wave_notes(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
        """Why the planner left something out, in a sentence for each reason; notes to itself say nothing."""

    def skipped_rounds(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[RoundKind]:
        """Kinds of rounds that were left out."""
        kinds = [values.get("kind") for code, values in notes if code == "round_skipped"]
        return [RoundKind(kind) for kind in dict.fromkeys(kinds) if kind in list(RoundKind)]

    def not_refined(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, list[str]]:
        """Factors that were not refined, by the reason's code."""
        why: dict[str, list[str]] = {}
        for code, values in notes:
            if code == "not_refined":
                why.setdefault(str(values.get("why")), []).append(str(values.get("factor")))
        return why

    @abstractmethod
    def same_everywhere(self, settings: str) -> str: ...

    @abstractmethod
    def not_a_number(self) -> str: ...
