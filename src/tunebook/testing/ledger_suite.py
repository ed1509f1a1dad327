"""A conformance suite for ledgers. Subclass `LedgerSuite` and give it a function that opens your ledger.

    class TestMyLedger(LedgerSuite):
        @pytest.fixture
        def opener(self, tmp_path):
            return lambda **options: open_my_ledger(tmp_path, **options)

`opener(write=True)` opens the same ledger every time; `opener(write=False)` opens it for reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tunebook.core.facts import History, Outcomes, TrialFact
from tunebook.core.ports import TrialEnd
from tunebook.core.study import TrialState
from tunebook.errors import IllegalTransition, NotFoundError, StaleToken, UserError
from tunebook.ledger.codec import encode
from tunebook.testing.sample_study import finding_of, result_of, sample_facts, sample_spec, sample_wave

__all__ = ["LedgerSuite", "same_fact", "same_history"]

Opener = Callable[..., Any]


def same_fact(one: TrialFact, other: TrialFact) -> bool:
    """Whether two facts are equal. NaN equals NaN, and arrays are compared by value."""
    if encode(replace(one, outcomes={})) != encode(replace(other, outcomes={})):
        return False
    if one.outcomes.keys() != other.outcomes.keys():
        return False
    return all(_same_outcomes(one.outcomes[split], other.outcomes[split]) for split in one.outcomes)


def _same_outcomes(one: Outcomes, other: Outcomes) -> bool:
    same_numbers = np.array_equal(one.scores, other.scores, equal_nan=True)
    return bool(same_numbers and np.array_equal(one.nll, other.nll, equal_nan=True) and one.answers == other.answers)


def same_history(one: History, other: History) -> bool:
    """Whether two histories are equal, regardless of the order in which their trials finished."""
    bare = (replace(one, trials={}), replace(other, trials={}))
    if encode(bare[0]) != encode(bare[1]) or one.trials.keys() != other.trials.keys():
        return False
    return all(same_fact(one.trials[number], other.trials[number]) for number in one.trials)


class LedgerSuite:
    """What every ledger must do. Each test opens its own ledger."""

    @pytest.fixture
    def ledger(self, opener: Opener) -> Iterator[Any]:
        """An open ledger with a study and a first wave of three trials."""
        opened = opener(write=True)
        opened.create_study(sample_spec(), sample_facts())
        opened.add_wave(sample_wave(1))
        yield opened
        opened.close()

    # --- what is written is read ---------------------------------------------------------------------------------

    def test_an_empty_ledger_has_no_study(self, opener: Opener) -> None:
        with opener(write=True) as ledger:
            assert ledger.spec() is None
            with pytest.raises(NotFoundError):
                ledger.history()

    def test_study_and_facts_come_back_exactly(self, ledger: Any) -> None:
        assert ledger.spec() == sample_spec()
        assert encode(ledger.facts()) == encode(sample_facts())

    def test_a_wave_comes_back_exactly(self, ledger: Any) -> None:
        history = ledger.history()
        assert encode(history.waves) == encode((sample_wave(1),))
        assert [fact.state for fact in history.trials.values()] == [TrialState.PLANNED] * 3
        assert list(ledger.trials()) == list(sample_wave(1).trials)

    @pytest.mark.parametrize("state", [state for state in TrialState if state.is_final])
    def test_a_result_comes_back_exactly(self, ledger: Any, state: TrialState) -> None:
        fact = result_of(sample_wave(1).trials[0], state)
        ledger.finish_trial(fact, ledger.start_trial(1, "here"))
        assert same_fact(ledger.history().trials[1], fact)

    def test_everything_survives_closing(self, ledger: Any, opener: Opener) -> None:
        ledger.finish_trial(result_of(sample_wave(1).trials[1]), ledger.start_trial(2, "here"))
        ledger.seal({"best": "0123456789ab", "baseline": "ba9876543210"})
        ledger.close_round(1, [finding_of(1)])
        ledger.note("calibration", {"seconds": float("nan"), "rates": (1, 2)})
        before, notes = ledger.history(), ledger.notes()
        ledger.close()
        with opener(write=False) as again:
            assert same_history(again.history(), before)
            assert encode(again.notes()) == encode(notes)
            assert again.spec() == sample_spec()

    def test_spent_seconds_are_those_of_finished_trials(self, ledger: Any) -> None:
        fact = result_of(sample_wave(1).trials[0])
        ledger.start_trial(2, "here")
        ledger.finish_trial(fact, ledger.start_trial(1, "here"))
        assert ledger.history().spent_seconds == fact.cost.train_seconds + fact.cost.score_seconds

    def test_notes_keep_their_order(self, ledger: Any) -> None:
        for number in range(5):
            ledger.note("count", {"number": number})
        assert [values["number"] for _, values in ledger.notes()] == list(range(5))

    # --- once is enough ------------------------------------------------------------------------------------------

    def test_the_same_study_again_changes_nothing(self, ledger: Any) -> None:
        ledger.create_study(sample_spec(), sample_facts())
        assert len(ledger.history().trials) == 3

    def test_another_study_in_its_place_is_refused(self, ledger: Any) -> None:
        with pytest.raises(UserError):
            ledger.create_study(replace(sample_spec(), margin=0.5), sample_facts())
        assert ledger.spec() == sample_spec()

    def test_a_changed_budget_is_kept(self, ledger: Any) -> None:
        larger = replace(sample_spec(), budget=replace(sample_spec().budget, trials=50))
        ledger.update_spec(larger)
        assert ledger.spec() == larger

    def test_a_study_keeps_its_name(self, ledger: Any) -> None:
        with pytest.raises(UserError):
            ledger.update_spec(sample_spec("another"))

    def test_the_same_wave_again_changes_nothing(self, ledger: Any) -> None:
        ledger.start_trial(1, "here")
        ledger.add_wave(sample_wave(1))
        assert ledger.history().trials[1].state is TrialState.RUNNING

    def test_another_wave_of_the_same_number_is_refused(self, ledger: Any) -> None:
        with pytest.raises(IllegalTransition):
            ledger.add_wave(sample_wave(1, n_trials=2))
        assert len(ledger.history().trials) == 3

    def test_a_trial_is_planned_once(self, ledger: Any) -> None:
        with pytest.raises(IllegalTransition):
            ledger.add_wave(sample_wave(2, first_id=3))
        assert len(ledger.history().waves) == 1

    def test_the_same_findings_again_change_nothing(self, ledger: Any) -> None:
        ledger.close_round(1, [finding_of(1), finding_of(1, "other")])
        ledger.close_round(1, [finding_of(1), finding_of(1, "other")])
        assert encode(ledger.history().findings) == encode((finding_of(1), finding_of(1, "other")))
        assert ledger.history().closed_rounds == (1,)

    def test_a_round_without_findings_is_closed_too(self, ledger: Any) -> None:
        assert ledger.history().closed_rounds == ()
        ledger.close_round(1, [])
        assert ledger.history().closed_rounds == (1,)

    def test_a_round_is_judged_once(self, ledger: Any) -> None:
        ledger.close_round(1, [finding_of(1)])
        with pytest.raises(IllegalTransition):
            ledger.close_round(1, [])

    def test_nothing_is_added_to_a_judged_round(self, ledger: Any) -> None:
        ledger.close_round(1, [])
        with pytest.raises(IllegalTransition):
            ledger.add_wave(sample_wave(2))

    def test_the_confirm_list_is_sealed_once(self, ledger: Any) -> None:
        ledger.seal({"best": "a"})
        ledger.seal({"best": "a"})
        with pytest.raises(IllegalTransition):
            ledger.seal({"best": "b"})
        with pytest.raises(IllegalTransition):
            ledger.seal({"best": "a", "baseline": "c"})
        assert ledger.history().sealed == {"best": "a"}

    def test_the_confirm_list_keeps_the_order_of_its_roles(self, ledger: Any) -> None:
        """Confirm's trials are numbered in this order, also after a kill between sealing and planning."""
        ledger.seal({"best": "b", "baseline": "a", "cheapest": "c"})
        assert list(ledger.history().sealed) == ["best", "baseline", "cheapest"]

    # --- states and tokens ---------------------------------------------------------------------------------------

    def test_tokens_only_grow(self, ledger: Any) -> None:
        tokens = []
        for trial_id in (1, 2, 1, 1):
            tokens.append(ledger.start_trial(trial_id, "here"))
            ledger.release_trial(trial_id, tokens[-1], "again")
        assert tokens == sorted(set(tokens))

    def test_trials_start_together_or_not_at_all(self, ledger: Any) -> None:
        ledger.start_trial(2, "here")
        with pytest.raises(IllegalTransition):
            ledger.start_trials([1, 2], "there")
        assert len(set(ledger.start_trials([1, 3], "there"))) == 2

    def test_a_note_comes_with_its_result_or_not_at_all(self, ledger: Any) -> None:
        fact, token = result_of(sample_wave(1).trials[0]), ledger.start_trial(1, "here")
        with pytest.raises(StaleToken):
            ledger.finish_trial(fact, token + 1000, [("trial_span", {"trial": 1})])
        assert ledger.notes() == []
        ledger.finish_trial(fact, token, [("trial_span", {"trial": 1})])
        ledger.finish_trial(fact, token, [("trial_span", {"trial": 1})])
        assert ledger.notes() == [("trial_span", {"trial": 1})]

    def test_a_running_trial_is_not_started_again(self, ledger: Any) -> None:
        ledger.start_trial(1, "here")
        with pytest.raises(IllegalTransition):
            ledger.start_trial(1, "there")

    def test_a_finished_trial_is_not_started_again(self, ledger: Any) -> None:
        ledger.finish_trial(result_of(sample_wave(1).trials[0]), ledger.start_trial(1, "here"))
        with pytest.raises(IllegalTransition):
            ledger.start_trial(1, "there")

    def test_a_released_trial_can_be_started_again(self, ledger: Any) -> None:
        ledger.release_trial(1, ledger.start_trial(1, "here"), "stopped")
        assert ledger.history().trials[1].state is TrialState.PLANNED
        ledger.start_trial(1, "there")

    def test_a_late_result_is_refused_and_leaves_nothing(self, ledger: Any) -> None:
        old = ledger.start_trial(1, "stalled")
        ledger.release_trial(1, old, "taken away")
        new = ledger.start_trial(1, "other")
        late = replace(result_of(sample_wave(1).trials[0]), reason="late")
        with pytest.raises(StaleToken):
            ledger.finish_trial(late, old)
        with pytest.raises(StaleToken):
            ledger.release_trial(1, -1, "never given")
        ledger.finish_trial(result_of(sample_wave(1).trials[0]), new)
        with pytest.raises(StaleToken):
            ledger.finish_trial(late, old)
        assert ledger.history().trials[1].reason != "late"

    def test_the_same_attempt_finishing_twice_changes_nothing(self, ledger: Any) -> None:
        fact = result_of(sample_wave(1).trials[0])
        token = ledger.start_trial(1, "here")
        ledger.finish_trial(fact, token)
        ledger.finish_trial(fact, token)
        assert same_fact(ledger.history().trials[1], fact)

    def test_a_token_is_good_for_its_own_trial_only(self, ledger: Any) -> None:
        token = ledger.start_trial(1, "here")
        ledger.start_trial(2, "here")
        with pytest.raises(StaleToken):
            ledger.finish_trial(result_of(sample_wave(1).trials[1]), token)
        assert ledger.history().trials[2].state is TrialState.RUNNING

    @pytest.mark.parametrize("state", [TrialState.PLANNED, TrialState.RUNNING])
    def test_a_result_has_a_final_state(self, ledger: Any, state: TrialState) -> None:
        token = ledger.start_trial(1, "here")
        with pytest.raises(IllegalTransition):
            ledger.finish_trial(TrialFact(trial=sample_wave(1).trials[0], state=state), token)
        assert ledger.history().trials[1].state is TrialState.RUNNING

    def test_a_result_belongs_to_the_trial_as_planned(self, ledger: Any) -> None:
        token = ledger.start_trial(1, "here")
        fact = result_of(replace(sample_wave(1).trials[0], seed=999))
        with pytest.raises(IllegalTransition):
            ledger.finish_trial(fact, token)

    def test_an_unknown_trial_is_named(self, ledger: Any) -> None:
        with pytest.raises(NotFoundError, match="17"):
            ledger.start_trial(17, "here")

    def test_what_a_dead_runner_left_running_is_taken_back(self, ledger: Any, opener: Opener) -> None:
        ledger.start_trial(1, "dies")
        ledger.finish_trial(result_of(sample_wave(1).trials[1]), ledger.start_trial(2, "dies"))
        ledger.close()
        with opener(write=True) as again:
            again.release_running("runner_ended")
            states = [fact.state for fact in again.history().trials.values()]
            assert states == [TrialState.PLANNED, result_of(sample_wave(1).trials[1]).state, TrialState.PLANNED]
            assert again.attempts()[0]["reason"] == "runner_ended"

    def test_a_failed_trial_can_be_tried_again(self, ledger: Any) -> None:
        first = sample_wave(1).trials[0]
        ledger.finish_trial(result_of(first, TrialState.FAILED), ledger.start_trial(1, "here"))
        assert ledger.retry_failed() == [1]
        ledger.finish_trial(result_of(first, TrialState.COMPLETED), ledger.start_trial(1, "here"))
        assert same_fact(ledger.history().trials[1], result_of(first, TrialState.COMPLETED))
        assert ledger.retry_failed() == []

    def test_trying_again_opens_the_last_round_and_no_other(self, ledger: Any) -> None:
        for trial in sample_wave(1).trials:
            ledger.finish_trial(result_of(trial, TrialState.FAILED), ledger.start_trial(trial.id, "here"))
        ledger.close_round(1, [finding_of(1)])
        assert ledger.retry_failed() == [1, 2, 3]
        assert ledger.closed_rounds() == {}
        assert ledger.history().findings == ()
        ledger.close_round(1, [finding_of(1, "judged anew")])
        ledger.add_wave(sample_wave(2, round_number=2))
        for trial in sample_wave(1).trials:
            ledger.finish_trial(result_of(trial, TrialState.FAILED), ledger.start_trial(trial.id, "here"))
        assert ledger.retry_failed() == [1, 2, 3]
        assert [finding.label for finding in ledger.closed_rounds()[1]] == ["judged anew"]

    def test_trying_again_opens_all_rounds_that_were_trained_side_by_side(self, ledger: Any) -> None:
        numbers = [trial.id for trial in sample_wave(1).trials]
        ledger.add_wave(replace(sample_wave(2, round_number=2), beside=True))
        beside = [trial.id for trial in sample_wave(2).trials if trial.id not in numbers][:1]
        for number in (numbers[0], *beside):
            trial = ledger.history().trials[number].trial
            ledger.finish_trial(result_of(trial, TrialState.FAILED), ledger.start_trial(number, "here"))
        for number in (1, 2):
            ledger.close_round(number, [finding_of(number)])
        assert ledger.retry_failed() == [numbers[0], *beside]
        assert ledger.closed_rounds() == {}

    # --- results that come together ------------------------------------------------------------------------------

    def test_results_that_come_together_are_written_together(self, ledger: Any, opener: Opener) -> None:
        facts = [result_of(trial) for trial in sample_wave(1).trials]
        tokens = ledger.start_trials([1, 2, 3], "here")
        ends = [
            TrialEnd(fact=f, token=t, notes=(("n", {"of": f.trial.id}),)) for f, t in zip(facts, tokens, strict=True)
        ]
        assert list(ledger.finish_trials(ends)) == []
        assert list(ledger.finish_trials(ends)) == [], "the same attempts again change nothing"
        ledger.close()
        with opener(write=False) as reader:
            assert all(same_fact(reader.history().trials[fact.trial.id], fact) for fact in facts)
            assert reader.notes() == [("n", {"of": 1}), ("n", {"of": 2}), ("n", {"of": 3})]

    def test_a_late_result_among_others_is_told_and_the_others_are_kept(self, ledger: Any) -> None:
        facts = [result_of(trial) for trial in sample_wave(1).trials]
        old = ledger.start_trial(2, "stalled")
        ledger.release_trial(2, old, "taken away")
        tokens = ledger.start_trials([1, 2, 3], "here")
        late = [
            TrialEnd(fact=f, token=t, notes=(("n", {}),))
            for f, t in zip(facts, (tokens[0], old, tokens[2]), strict=True)
        ]
        assert list(ledger.finish_trials(late)) == [2]
        states = [fact.state for fact in ledger.history().trials.values()]
        assert states == [facts[0].state, TrialState.RUNNING, facts[2].state]
        assert len(ledger.notes()) == 2

    def test_a_result_of_another_definition_keeps_all_that_came_with_it_out(self, ledger: Any) -> None:
        trials = sample_wave(1).trials
        tokens = ledger.start_trials([1, 2], "here")
        facts = [result_of(trials[0]), result_of(replace(trials[1], seed=999))]
        with pytest.raises(IllegalTransition):
            ledger.finish_trials([TrialEnd(fact=f, token=t) for f, t in zip(facts, tokens, strict=True)])
        assert ledger.history().trials[1].state is TrialState.RUNNING

    # --- reading -------------------------------------------------------------------------------------------------

    def test_a_reader_sees_what_was_committed_while_the_writer_goes_on(self, ledger: Any, opener: Opener) -> None:
        with opener(write=False) as reader:
            assert reader.history().trials[1].state is TrialState.PLANNED
            token = ledger.start_trial(1, "here")
            assert reader.history().trials[1].state is TrialState.RUNNING
            ledger.finish_trial(result_of(sample_wave(1).trials[0]), token)
            assert same_history(reader.history(), ledger.history())

    def test_a_reader_cannot_write(self, ledger: Any, opener: Opener) -> None:
        with opener(write=False) as reader, pytest.raises(OSError, match="reading"):
            reader.note("no", {})
