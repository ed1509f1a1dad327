"""A state machine drives the ledger and a model of it side by side; closing, crashing and reopening included."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tunebook.core.facts import TrialFact
from tunebook.core.ports import TrialEnd
from tunebook.core.study import TrialState
from tunebook.errors import IllegalTransition, StaleToken
from tunebook.ledger import open_ledger
from tunebook.testing.fake_clock import FakeClock
from tunebook.testing.ledger_suite import same_fact
from tunebook.testing.sample_study import finding_of, result_of, sample_facts, sample_spec, sample_wave

FINAL = [state for state in TrialState if state.is_final]


class LedgerMachine(RuleBasedStateMachine):
    """The model: facts by trial, the token each running trial is held by, tokens that are dead, what is judged."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.open()
        self.facts: dict[int, TrialFact] = {}
        self.held: dict[int, int] = {}
        self.dead: list[tuple[int, int]] = []
        self.finished: list[tuple[int, int]] = []
        self.highest = 0
        self.waves = 0
        self.closed = False
        self.notes: list[int] = []

    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = self.reopened()

    def reopened(self):
        return open_ledger(self.folder, write=True, clock=self.clock)

    @initialize()
    def create(self) -> None:
        self.ledger.create_study(sample_spec(), sample_facts())

    @precondition(lambda self: not self.closed and self.waves < 3)
    @rule()
    def add_wave(self) -> None:
        self.waves += 1
        wave = sample_wave(self.waves)
        self.ledger.add_wave(wave)
        self.facts |= {trial.id: TrialFact(trial=trial) for trial in wave.trials}

    @precondition(lambda self: self.waves)
    @rule()
    def add_the_last_wave_again(self) -> None:
        self.ledger.add_wave(sample_wave(self.waves))

    @precondition(lambda self: self.facts)
    @rule(data=st.data())
    def start(self, data) -> None:
        number = data.draw(st.sampled_from(sorted(self.facts)))
        if self.facts[number].state is not TrialState.PLANNED:
            with pytest.raises(IllegalTransition):
                self.ledger.start_trial(number, "w")
            return
        self.hold(number, self.ledger.start_trial(number, "w"))

    @precondition(lambda self: any(fact.state is TrialState.PLANNED for fact in self.facts.values()))
    @rule(n=st.integers(2, 4))
    def start_together(self, n: int) -> None:
        free = [number for number, fact in self.facts.items() if fact.state is TrialState.PLANNED][:n]
        for number, token in zip(free, self.ledger.start_trials(free, "w"), strict=True):
            self.hold(number, token)

    def hold(self, number: int, token: int) -> None:
        assert token > self.highest
        self.highest = token
        self.held[number] = token
        self.facts[number] = replace(self.facts[number], state=TrialState.RUNNING)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=st.sampled_from(FINAL))
    def finish(self, data, state: TrialState) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        token = self.held.pop(number)
        fact = result_of(self.facts[number].trial, state)
        self.ledger.finish_trial(fact, token)
        self.facts[number] = fact
        self.finished.append((number, token))

    @precondition(lambda self: self.held and self.dead)
    @rule(data=st.data(), state=st.sampled_from(FINAL))
    def finish_together(self, data, state: TrialState) -> None:
        """All that run, and a late result of another attempt, which alone is refused."""
        number, token = data.draw(st.sampled_from(self.dead))
        ended = {n: result_of(self.facts[n].trial, state) for n in self.held if n != number}
        ends = [TrialEnd(fact=fact, token=self.held.pop(n)) for n, fact in ended.items()]
        late = TrialEnd(fact=result_of(self.facts[number].trial), token=token)
        assert list(self.ledger.finish_trials([late, *ends])) == [number]
        self.facts |= ended
        self.finished += [(end.fact.trial.id, end.token) for end in ends]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        token = self.held.pop(number)
        self.ledger.release_trial(number, token, "again")
        self.put_back(number, token)

    def put_back(self, number: int, token: int) -> None:
        self.dead.append((number, token))
        self.facts[number] = TrialFact(trial=self.facts[number].trial)

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def a_dead_token_is_refused(self, data) -> None:
        number, token = data.draw(st.sampled_from(self.dead))
        with pytest.raises(StaleToken):
            self.ledger.finish_trial(result_of(self.facts[number].trial), token)

    @precondition(lambda self: any(self.facts[n].state.is_final for n, _ in self.finished))
    @rule(data=st.data())
    def a_repeated_finish_changes_nothing(self, data) -> None:
        still = [(n, t) for n, t in self.finished if self.facts[n].state.is_final]
        number, token = data.draw(st.sampled_from(still))
        self.ledger.finish_trial(result_of(self.facts[number].trial, TrialState.COMPLETED), token)

    @rule()
    def retry_failed(self) -> None:
        failed = [number for number, fact in self.facts.items() if fact.state is TrialState.FAILED]
        assert self.ledger.retry_failed() == failed
        for number in failed:
            self.facts[number] = TrialFact(trial=self.facts[number].trial)
        self.closed = self.closed and not failed  # all trials belong to the only, and so the last, round

    @precondition(lambda self: self.waves and not self.closed)
    @rule()
    def close_round(self) -> None:
        self.ledger.close_round(1, [finding_of(1)])
        self.closed = True

    @rule()
    def note(self) -> None:
        self.notes.append(len(self.notes))
        self.ledger.note("n", {"n": self.notes[-1]})

    @rule()
    def close_and_open(self) -> None:
        """A runner that ends, however it ends, leaves the lock; what it had running is taken back by the next."""
        self.ledger.close()
        self.ledger = self.reopened()
        self.ledger.release_running("runner_ended")
        for number, token in list(self.held.items()):
            del self.held[number]
            self.put_back(number, token)

    @rule(seconds=st.floats(-1e6, 1e6))
    def the_clock_jumps(self, seconds: float) -> None:
        """Back or on by days: nothing may change."""
        self.clock.advance(seconds)

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        if self.ledger.spec() is None:
            return
        history = self.ledger.history()
        assert list(history.trials) == sorted(self.facts)
        assert all(same_fact(history.trials[number], fact) for number, fact in self.facts.items())
        assert len(history.waves) == self.waves
        assert history.closed_rounds == ((1,) if self.closed else ())
        assert [values["n"] for _, values in self.ledger.notes()] == self.notes

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresLedgerMachine(LedgerMachine):
    """The same on a server, by the server's clock, which no test moves."""

    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.study = f"s{uuid4().hex}"
        self.ledger = self.reopened()

    def reopened(self):
        return open_ledger(os.environ["TUNEBOOK_TEST_POSTGRES"], write=True, study=self.study)

    @initialize()
    def create(self) -> None:
        self.ledger.create_study(sample_spec(self.study), sample_facts())


TestSqliteMachine = LedgerMachine.TestCase
TestSqliteMachine.settings = settings(deadline=None, max_examples=6, stateful_step_count=25)

TestPostgresMachine = pytest.mark.postgres(
    pytest.mark.skipif(not os.environ.get("TUNEBOOK_TEST_POSTGRES"), reason="TUNEBOOK_TEST_POSTGRES names no server")(
        PostgresLedgerMachine.TestCase
    )
)
TestPostgresMachine.settings = settings(deadline=None, max_examples=5, stateful_step_count=25)
