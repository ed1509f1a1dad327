"""Decides which engine trains what: the engine in the study file, and the fallbacks for what it refuses.

An engine may be unable to run a model (`EngineEntry.refuses_model`) or to train a configuration exactly
(`Engine.refuses`). Its `fallbacks` are then tried in order, and the engine that takes over is noted in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tunebook.core.configuration import Configuration
from tunebook.core.events import Failed, Noted, TrialEvent
from tunebook.core.notice import Notice
from tunebook.core.ports import (
    Calibration,
    EngineEntry,
    EngineOptions,
    Executor,
    OnEvents,
    SinkWrapper,
    TrainsAhead,
    TrialJob,
    Workload,
)
from tunebook.core.space import Folding, effective
from tunebook.core.study import StudySpec
from tunebook.errors import StudyFileError
from tunebook.executors import resolve
from tunebook.phrases import Phrase, as_phrase, joined
from tunebook.plugins import ENGINES

__all__ = ["EngineChoice", "Refusal", "RoutingExecutor", "able", "check_space"]

Refuses = Callable[[Configuration], str | None]


@dataclass(frozen=True)
class Refusal:
    """Trials that an engine cannot train, and the engine that trains them instead; None: no engine can."""

    engine: str
    reason: str
    taken_by: str | None


@dataclass(frozen=True)
class EngineChoice:
    """The engines that a study may use, in order of preference.

    Attributes:
        names: names of the engines; the first one trains whatever it does not refuse.
        options: engine options, the same for all.
    """

    names: tuple[str, ...]
    options: EngineOptions
    _known: dict[str, Refuses] = field(default_factory=dict, compare=False, repr=False)

    @property
    def first(self) -> EngineEntry:
        return ENGINES.load(self.names[0])

    def of(self, configuration: Configuration) -> tuple[str | None, str]:
        """(the engine that trains a configuration, None if none can; the reason why the first one does not, or
        None)."""
        reasons: dict[str, str] = {}
        for name in self.names:
            reason = self._refuses(name)(configuration)
            if reason is None:
                return name, next(iter(reasons.values()), "")
            reasons[name] = reason
        told = [Phrase("engine {name}: {reason}", name=name, reason=reason) for name, reason in reasons.items()]
        return None, joined(told, "; ")

    def _refuses(self, name: str) -> Refuses:
        """What says why an engine does not train a configuration, looked up when it is first needed: where its entry
        names nothing cheaper, an engine is made for it, without a model, and its libraries may be slow to import."""
        if name not in self._known:
            entry = ENGINES.load(name)
            self._known[name] = (
                partial(resolve(entry.refuses), options=self.options)
                if entry.refuses
                else resolve(entry.factory)(self.options).refuses
            )
        return self._known[name]

    def refusals(self, configurations: Iterable[Configuration]) -> tuple[Refusal, ...]:
        """What the first engine refuses of these configurations, each reason once."""
        chosen = dict.fromkeys(self.of(each) for each in configurations)
        return tuple(Refusal(self.names[0], reason, name) for name, reason in chosen if name != self.names[0])


def able(name: str, options: EngineOptions) -> tuple[EngineChoice, tuple[Notice, ...]]:
    """The engines that can run the study's model, and a notice if the first one cannot.

    Raises: StudyFileError: none of them can.
    """
    asked = ENGINES.load(name)
    names: list[str] = []
    refusals: list[tuple[str, Phrase]] = []
    for each in (name, *asked.fallbacks):
        entry = ENGINES.load(each)
        why = resolve(entry.refuses_model)(options.model, options.trust_remote_code) if entry.refuses_model else None
        if why is not None:
            refusals.append((each, as_phrase(why)))
        elif not names or _promises(entry.folding, ENGINES.load(names[0]).folding):
            names.append(each)
    if not names:
        reasons = joined(
            [Phrase("engine {name} cannot run this model: {why}", name=each, why=why) for each, why in refusals], "; "
        )
        raise StudyFileError(
            "engine: found {name}; {reasons}. Use another engine or another model.", name=name, reasons=reasons
        )
    instead = names[0] if names[0] != name else ""
    notices = (
        Notice("engine_replaced", {"engine": each, "why": why, "instead": instead}) for each, why in refusals[:1]
    )
    return EngineChoice(tuple(names), options), tuple(notices)


def _promises(folding: Folding, needed: Folding) -> bool:
    """Whether an engine folds at least as much as another, so that it may train a trial planned for the other."""
    return all(getattr(folding, name) for name in needed.__dataclass_fields__ if getattr(needed, name))


def check_space(spec: StudySpec, table: tuple[Configuration, ...], choice: EngineChoice) -> tuple[Notice, ...]:
    """Notices about configurations that an engine other than the first will train: the baseline, each level of each
    factor, and the user's own table.

    Raises: StudyFileError: a configuration that no engine can train. ModelError: `target_modules` has a name that
        means no linear module of the model.
    """
    asked = _asked(spec, table, choice.first.folding)
    if choice.first.needs_model:
        from tunebook.engines.target_modules import check_targets

        targets = [configuration.target_modules for _, configuration in asked]
        check_targets(choice.options.model, targets, choice.options.trust_remote_code)
    for key, configuration in asked:
        name, reasons = choice.of(configuration)
        if name is None:
            raise StudyFileError(
                "{key}: no engine can train this ({reasons}). Change it, or name another engine.",
                key=key,
                reasons=reasons,
            )
    return tuple(
        Notice("engine_refuses", {"engine": each.engine, "why": each.reason, "instead": each.taken_by})
        for each in choice.refusals(configuration for _, configuration in asked)
    )


def _asked(spec: StudySpec, table: tuple[Configuration, ...], folding: Folding) -> list[tuple[str, Configuration]]:
    """(key in the study file, effective configuration) of the baseline, of the baseline with one factor at each of its
    levels or ends, and of the rows of the table."""
    asked = [("baseline", spec.baseline)]
    for factor in spec.space:
        ends = (factor.kind.value_type(end) for end in (factor.low, factor.high)) if factor.is_range else factor.levels
        asked += [(factor.name, spec.baseline.with_values(**{factor.name: level})) for level in ends]
    asked += [("trials", each) for each in table]
    return [(key, effective(each, folding, None)) for key, each in asked]


class RoutingExecutor:
    """Passes each trial to the executor of the engine that trains it; implements `core.ports.Executor` and
    `TrainsAhead`.

    Engines run one after another, in order of preference, because two at once would share the device's memory.

    Args:
        make: creates the executor for an engine name; called when it is first needed.
    """

    def __init__(self, choice: EngineChoice, make: Callable[[str], Executor]) -> None:
        self._choice, self._make = choice, make
        self._current: tuple[str, Executor] | None = None
        self._stopping = False
        self._cancelled: set[int] = set()
        self._offered: tuple[TrialJob, ...] = ()
        self._further: tuple[Workload, SinkWrapper | None] | None = None

    def offer(self, jobs: Sequence[TrialJob]) -> None:
        """See `core.ports.TrainsAhead`."""
        self._offered = tuple(jobs)

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train all jobs; see `core.ports.Executor`. A job that no engine can train is reported as failed."""
        chosen = [(job, *self._choice.of(job.configuration)) for job in jobs]
        offered, self._offered = self._offered, ()
        on_events(list(_routing_events(chosen, self._choice.names[0])))
        for name in self._choice.names:
            mine = [job for job, taken_by, _ in chosen if taken_by == name]
            if mine and not self._stopping:
                executor = self._executor(name)
                for job in mine:
                    if job.id in self._cancelled:
                        executor.cancel(job.id)
                if isinstance(executor, TrainsAhead):
                    executor.offer([job for job in offered if self._choice.of(job.configuration)[0] == name])
                executor.run(mine, on_events)

    def calibrate(self) -> Calibration:
        """What the first engine's executor measures."""
        return self._executor(self._choice.names[0]).calibrate()

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """Train and score on this from the next run on; also executors that are made later."""
        self._further = (workload, transform)
        if self._current is not None:
            self._current[1].use(workload, transform)

    def cancel(self, trial_id: int) -> None:
        """Cancel one trial. A trial that waits for its engine is cancelled when that engine begins."""
        self._cancelled.add(trial_id)
        if self._current is not None:
            self._current[1].cancel(trial_id)

    def stop(self, now: bool = False) -> None:
        """Ask for an end after the running step; engines that have not begun do not begin."""
        self._stopping = True
        if self._current is not None:
            self._current[1].stop(now)

    def close(self) -> None:
        """End all workers."""
        if self._current is not None:
            self._current[1].close()
            self._current = None

    def _executor(self, name: str) -> Executor:
        """The executor of an engine. That of another engine is closed first, because its idle workers keep a model in
        memory."""
        if self._current is None or self._current[0] != name:
            self.close()
            self._current = (name, self._make(name))
            if self._further is not None:
                self._current[1].use(*self._further)
        return self._current[1]


def _routing_events(chosen: Sequence[tuple[TrialJob, str | None, str]], first: str) -> list[TrialEvent]:
    """A note for each reason why trials go to another engine, and a failure for each trial that no engine can train."""
    events: list[TrialEvent] = []
    for name, reason in dict.fromkeys((name, reason) for _, name, reason in chosen if name != first):
        trials = [job.id for job, *other in chosen if other == [name, reason]]
        if name is None:
            events += [Failed(trial, f"no engine can train this configuration ({reason})") for trial in trials]
        else:
            values = {"trials": trials, "engine": first, "taken_by": name, "reason": reason}
            events.append(Noted("engine_refused", values))
    return events
