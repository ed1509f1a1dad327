"""The protocols that the other packages implement, and the values they exchange.

    runner -- TrialJob --> Executor -- TrialJob --> Engine
    Engine -- EngineEvent --> Executor -- TrialEvent --> runner -- TrialFact --> Ledger

An engine knows nothing about studies: it receives a `Workload` (token ids) and `TrialJob`s, and returns curves, raw
answers, likelihoods and adapters. Answers are judged outside the engine. All values here are picklable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from tunebook.core.configuration import Configuration
from tunebook.core.events import EngineEvent, Event, PartScored, TrialEvent
from tunebook.core.facts import DataFacts, History, StudyFacts, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.notice import Notice
from tunebook.core.outlook import Outlook
from tunebook.core.space import Folding
from tunebook.core.study import StudySpec, Trial, Wave
from tunebook.core.trial_result import RawScores, RawTrial

__all__ = [
    "SECRET_VARIABLES",
    "Calibration",
    "CancelsTrials",
    "Engine",
    "EngineEntry",
    "EngineOptions",
    "Executor",
    "ExecutorFactory",
    "ExecutorSetup",
    "Ledger",
    "LooksAhead",
    "Observer",
    "OnEvents",
    "Planner",
    "PlannerFactory",
    "RawScores",
    "RawTrial",
    "SaysWhyDone",
    "Scoring",
    "ScoringPart",
    "Sink",
    "SinkWrapper",
    "TokenizedExample",
    "Tracker",
    "TrackerFactory",
    "TrainsAhead",
    "TrialEnd",
    "TrialJob",
    "TrialSource",
    "Workload",
    "trained_examples",
]


SECRET_VARIABLES = frozenset({"TUNEBOOK_LEDGER", "TUNEBOOK_JUDGE_URL", "TUNEBOOK_JUDGE_KEY"})
"""Environment variables that may hold a password; no worker and no external program gets them."""


@dataclass(frozen=True)
class TokenizedExample:
    """One example as token ids: the prompt after the chat template, and the gold completion with its end-of-text
    token."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    @property
    def n_tokens(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)

    def cut(self, max_length: int) -> TokenizedExample:
        """The first `max_length` token ids of prompt and completion together."""
        if self.n_tokens <= max_length:
            return self
        room = max(0, max_length - len(self.prompt_ids))
        return TokenizedExample(self.prompt_ids[:max_length], self.completion_ids[:room])


@dataclass(frozen=True)
class Scoring:
    """How answers are obtained.

    Attributes:
        kind: "generate" (greedy), "choice" (the option of highest summed log-likelihood, end-of-text included), or
            "likelihood" (no answers: the gold completions' likelihoods alone).
        max_new_tokens: largest length of a generated answer.
        stop_ids: tokens that end an answer.
        choices: the options, each as token ids with end-of-text, for kind "choice".
        per_token: compare mean instead of summed log-likelihood.
    """

    kind: str = "generate"
    max_new_tokens: int = 16
    stop_ids: tuple[int, ...] = ()
    choices: tuple[tuple[int, ...], ...] = ()
    per_token: bool = False


@dataclass(frozen=True)
class ChatExample:
    """An example as text, for programs with their own tokenizer.

    Attributes:
        prompt: the question, or the turns of a chat without its system message.
        completion: the gold answer.
        messages: (role, text) of every turn before the answer, system message included.
        tools: JSON text of the tools that the model's chat template takes; empty: none.
    """

    prompt: str
    completion: str
    messages: tuple[tuple[str, str], ...]
    tools: str = ""


@dataclass(frozen=True)
class Workload:
    """The data that all trials of a study are trained and scored on.

    Attributes:
        train: training examples in file order (a trial's own order comes from `core.order.example_order`); an engine
            cuts them to a trial's max_length by `trained_examples`.
        splits: "validation" and, only when it is opened, "test"; never truncated by max_length.
        scoring: how answers are obtained.
        curve_examples: number of validation examples, from the first on, whose loss is measured after each epoch for
            the curve; 0: none.
        chats: the same examples as text, by split, "train" included, for engines that pass them to programs with their
            own tokenizer; empty when no engine needs them.
    """

    train: tuple[TokenizedExample, ...]
    splits: dict[str, tuple[TokenizedExample, ...]]
    scoring: Scoring
    curve_examples: int = 0
    chats: dict[str, tuple[ChatExample, ...]] = field(default_factory=dict)


def trained_examples(
    examples: Sequence[TokenizedExample], max_length: int, rows: Sequence[int] = ()
) -> tuple[tuple[int, TokenizedExample], ...]:
    """The examples that a trial trains on, each with its index: those of `rows` (empty: all), cut to `max_length` token
    ids, without those that are left with no completion token."""
    cut = ((index, examples[index].cut(max_length)) for index in rows or range(len(examples)))
    return tuple((index, example) for index, example in cut if example.completion_ids)


def torch_device(worker: str) -> str:
    """The device that a worker's name means to torch: "cpu" for "cpu:1", one of the parts of the processor."""
    return "cpu" if worker.startswith("cpu") else worker


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Settings that belong to the machine rather than to a trial.

    Attributes:
        model: folder of the base model (safetensors), already resolved.
        device: "cpu", "cuda", "cuda:1"; already resolved.
        dtype: "float32", "bfloat16", "float16" or "float64"; already resolved.
        threads: threads of this worker; fixed for a study because results depend on it in the last bit.
        share_prompts: whether tokens that examples of a step have in common are computed once (docs/engine.md).
        memory_bytes: upper limit of the memory used; None: all of the device's.
        checkpoint_seconds: an interrupted trial loses at most about this much.
        trust_remote_code: true only when the user asked for it on the command line.
        extra: engine-specific settings, e.g. the argument list of engine `command`.
        quantization: how the base model's linear layers are kept: "none", "nf4", "int8", or as the model's folder has
            them; already resolved.
        unused: installed packages that a worker's process shall not find: some library would import them, for seconds,
            and nothing in the study needs them.
    """

    model: str
    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 2
    share_prompts: bool = True
    memory_bytes: int | None = None
    checkpoint_seconds: float = 60.0
    trust_remote_code: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    quantization: str = "none"
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoringPart:
    """A part of a trial's scoring. Which examples it has follows from these numbers and the examples alone.

    Attributes:
        index: which of the parts, from 0.
        of: how many there are.
        rows: the largest forward of the worker that has the trial, by which examples are grouped.
    """

    index: int
    of: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """One trial as an engine sees it.

    Attributes:
        id: the trial's number.
        configuration: the *effective* configuration; num_train_epochs 0 means no training (the reference).
        seed: drives initial values (`engines.initial`), data order (`core.order`) and dropout.
        splits: splits to score after training.
        checkpoints: epochs after which a copy of the adapter is scored too, with the id of the trial it stands for:
            ((3, 17),) scores trial 17 after the third epoch.
        folder: absolute path where the adapter is saved (PEFT format, `adapter_model.safetensors`); for checkpoints,
            the sibling folder named by their id. Resume state goes to `<folder>/resume/` and is deleted at the end.
        work: expected work relative to the other jobs, above 0; workers are dealt equal parts of it.
        rows: indices of the training rows that it trains on, ascending; empty: all.
        ahead: train it to its last step, keep its resume state, emit `TrainedAhead`, and score nothing: it is not known
            yet whether the study will ask for it. Only engines that ask a source for such jobs get them.
        part: score only this part of the splits, with the state after the last step in `folder`, which is another
            worker's: write nothing there, and emit `PartScored`. Only engines that divide their scoring
            (`TrialSource.divide`) get such jobs.
    """

    id: int
    configuration: Configuration
    seed: int
    splits: tuple[str, ...]
    folder: str
    checkpoints: tuple[tuple[int, int], ...] = ()
    work: float = 1.0
    rows: tuple[int, ...] = ()
    ahead: bool = False
    part: ScoringPart | None = None


class TrialSource(Protocol):
    """Where an engine gets its trials. Engines that train several at once take more as slots become free."""

    def take(self, n: int, ahead: int = 0, has_room: bool = False) -> Sequence[TrialJob]:
        """Up to n further trials, in order; where none are waiting, up to `ahead` to be trained ahead
        (`TrialJob.ahead`). Empty when there are neither. Calling it often is cheap.

        Args:
            has_room: whether parts of other workers' scorings (`TrialJob.part`) may come as well, now or with a later
                call, beyond the n.
        """
        ...

    def divide(self, trial_id: int, most: int, rows: int) -> int:
        """Into how many parts the scoring of a trial is divided, up to `most`: one more than there are other workers
        with room for one, 1 without any. All but the first are scored by these, from the trial's resume state.

        Args:
            rows: see `ScoringPart`.
        """
        ...

    def parts(self) -> Sequence[PartScored]:
        """What has become of the parts that others score, since the last call. Parts without scores are left to the
        caller."""
        ...


class Sink(Protocol):
    """Where an engine reports events. All calls come from the engine's own thread."""

    def emit(self, event: EngineEvent) -> None:
        """Report an event. Emit `Progress` at least every few seconds of work."""
        ...

    def should_stop(self) -> bool:
        """Whether to save and return as soon as possible. Call it after every step and every scoring batch."""
        ...

    def is_cancelled(self, trial_id: int) -> bool:
        """Whether to end this trial alone, free its slot and emit `Cancelled`. Call it wherever `should_stop` is
        called."""
        ...


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Speeds and sizes measured on this machine, from which time and memory are predicted.

    Attributes:
        train_tokens_per_second: raw training tokens per second, one trial after another.
        score_examples_per_second: scored examples per second.
        one_by_one_tokens_per_second: raw training tokens per second with PEFT and the Trainer, measured or estimated;
            used to say how long training one trial after another would take.
        base_bytes, trial_bytes: memory of the base model, and of each additional trial of rank 8.
        device: name of the device.
        values: engine-specific figures (the rate curve of rows per forward), JSON values.
    """

    train_tokens_per_second: float
    score_examples_per_second: float
    one_by_one_tokens_per_second: float
    base_bytes: int
    trial_bytes: int
    device: str
    values: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """Trains trials and scores them."""

    name: str
    folding: Folding

    def refuses(self, configuration: Configuration) -> str | None:
        """Why this engine cannot train a configuration exactly, as the end of a sentence ("it has no DoRA"), or None.

        Called in the runner's process before anything is loaded, once for each configuration of a wave and by `plan`.
        It must be fast, load no model and depend on the configuration alone. A refused trial goes to the next engine
        that can train it (`run.engines`).
        """
        ...

    def calibrate(self, workload: Workload) -> Calibration:
        """Measure this machine for a few seconds (at most about 20) on examples of the workload. Changes nothing."""
        ...

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Train and score trials from the source until it is empty or `sink.should_stop()`.

        A trial that cannot be trained is reported as `Failed` and never affects the others. Raises `ModelError` when
        the base model cannot be used at all, and `EnvironmentStop` when the machine stops the study.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """An engine's registration: what must be known about it before it is loaded. Importing an entry must be cheap.

    Attributes:
        factory: "module:class", called with `EngineOptions` in the worker.
        folding: the settings that the engine promises not to change the result (equal to the class's own attribute).
        in_process: whether it runs in the runner's own process; for engines that train nothing.
        needs_model: whether a base model and its tokenizer are loaded.
        trains: whether it produces usable adapters.
        calibrates: whether speeds can be measured before it has trained.
        runs_command: whether it uses the study file's `command` and `command_limits`.
        fallbacks: names of engines that take over a model or a configuration that this one refuses, in order.
        refuses_model: "module:function", called with the model's folder and whether code that comes with the model is
            trusted; returns why the engine cannot run that model, or None. Empty: it runs every model.
        refuses: "module:function", called with a configuration and `EngineOptions`; returns what `Engine.refuses` does,
            without the seconds that the engine's libraries take. Empty: the engine is made in the runner and asked.
    """

    factory: str
    folding: Folding = field(default_factory=Folding)
    in_process: bool = False
    needs_model: bool = True
    trains: bool = True
    calibrates: bool = True
    runs_command: bool = False
    fallbacks: tuple[str, ...] = ()
    refuses_model: str = ""
    refuses: str = ""


class Planner(Protocol):
    """Decides which trials come next. Pure: the same history always gives the same answer."""

    def next_wave(self, history: History) -> Wave | None:
        """The next trials with their contrasts, or None when the study is done. Never repeats a pair of effective
        configuration and seed. Called only when every planned trial is final and every finished round has been judged,
        except one that waits for a round before it (`History.to_judge`).
        """
        ...

    def outlook(self, history: History, *, effects: bool = True) -> Outlook:
        """The rounds to come, as far as they can be foreseen, for `plan` and `status`.

        Args:
            effects: whether to compute what can be detected, and what was cut, which takes seconds in wide studies.
        """
        ...


@runtime_checkable
class PlansBeside(Protocol):
    """A planner that may have several waves trained at a time."""

    def beside(self, history: History, devices: int) -> Wave | None:
        """A wave to train beside those whose trials are not final, or None. Asked before they are trained, until there
        is none, and again where a run goes on in the middle of them.

        Pure, as `next_wave`, which is asked when all these waves are final. The answer must not depend on results of
        the waves beside it: it would else depend on when they come, and on where a run was interrupted.

        Args:
            devices: how many devices there are, 1 or more.
        """
        ...


@runtime_checkable
class SaysWhyDone(Protocol):
    """A planner that may say why a study has no further question."""

    def why_done(self, history: History) -> Notice | None:
        """Why `next_wave` has nothing to ask, where a larger budget alone would not change that; else None. Pure."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A planner that may guess which trials the study will end with."""

    def ahead(self, history: History) -> Sequence[Trial]:
        """What it would ask for if the last round were opened now, most likely needed first; their numbers mean
        nothing. Pure, as `next_wave`, and asked at any time. A guess costs only time of devices that have nothing else
        to do, and decides nothing."""
        ...


@runtime_checkable
class CancelsTrials(Protocol):
    """A planner that may also end trials under way whose results it does not need any more."""

    def to_cancel(self, history: History) -> Sequence[int]:
        """Trials to cancel; asked whenever a trial of the open wave was evaluated or has a result. Pure, as
        `next_wave`. Trials under way have their evaluations so far in their curves. One that has been evaluated ends as
        *stopped*, another as *cancelled*."""
        ...


PlannerFactory = Callable[
    [StudySpec, DataFacts, Folding, tuple[Configuration, ...], "Calibration | None"],
    Planner,
]
"""Creates a planner from the study's specification, the facts of its data, the engine's folding, the configurations of
the user's own table (empty: none) and the measured rates (None: unknown)."""


class SinkWrapper(Protocol):
    """Wraps the sink that an engine reports to. Must be picklable; used in the worker."""

    def wrap(self, sink: Sink) -> Sink: ...


@dataclass(frozen=True, kw_only=True)
class ExecutorSetup:
    """What an executor needs to know.

    Attributes:
        engine: "module:class" of the engine, called with `options`.
        in_process: whether the engine runs in the runner's process, without workers.
        options: engine options for the first device; `executors.options_by_device` derives those of each device.
        devices: "cpu:0", "cuda:1", ...
        transform: judges answers in the worker.
        logs: folder for the workers' output; empty: the output is not kept.
        argument: what stands behind the executor's name in the study file, after a colon; else empty.
        model_hash: fingerprint of the base model (`engines.base_model.fingerprint`); empty: the engine loads none.
    """

    engine: str
    in_process: bool
    options: EngineOptions
    devices: tuple[str, ...]
    workload: Workload
    transform: SinkWrapper
    logs: str
    argument: str = ""
    model_hash: str = ""


OnEvents = Callable[[Sequence[TrialEvent]], None]
"""Takes events that have come together, in order. Every result among them is kept when it returns."""


class Executor(Protocol):
    """Runs trials on the available devices."""

    def calibrate(self) -> Calibration:
        """Measure the machine, see `Engine.calibrate`; whatever was loaded for it is used again by `run`.

        Raises: TrialFailed: it could not be measured; trials may train all the same.
        """
        ...

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """Train and score on this from the next `run` on, with the engines that are loaded: a further split opens."""
        ...

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train all jobs. Calls `on_events` in the caller's thread with the events that have come meanwhile, from
        workers or from the executor itself; the events of one trial come in order. Returns when every job is finished,
        failed or cancelled, or soon after `stop`."""
        ...

    def cancel(self, trial_id: int) -> None:
        """Cancel one trial: immediately if it is waiting, else after its running step. `Cancelled` is emitted when it
        has ended; a trial that has a result by then keeps it. May be called from any thread."""
        ...

    def stop(self, now: bool = False) -> None:
        """Ask all workers to end after the running step, or immediately if `now`. May be called from a signal
        handler."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


@runtime_checkable
class TrainsAhead(Protocol):
    """An executor that lets devices train ahead while they have nothing else to do."""

    def offer(self, jobs: Sequence[TrialJob]) -> None:
        """Jobs with `TrialJob.ahead` for the next `run`. Their numbers are below 0, and nothing is told of them but, at
        its end, how long devices trained ahead. They are left, their states saved, when devices are wanted for the jobs
        of the run, and at its end."""
        ...


ExecutorFactory = Callable[[ExecutorSetup], Executor]
"""Creates an executor. Where it has a true attribute `computes_elsewhere`, devices are those of other machines and are
not looked for on this one."""


class Tracker(Protocol):
    """Follows a run in order to show it elsewhere. Called from the runner's thread, in order.

    A tracker cannot end a study: the first error that it raises becomes a warning, and it is not called again.
    """

    def event(self, event: Event) -> None:
        """Receive an event (`core.events`). Events of running trials carry the trial's number; the trials are in
        `WaveStarted.history`."""
        ...

    def close(self) -> None:
        """This run is over; the study may be continued by another."""
        ...


TrackerFactory = Callable[[str, StudySpec, Callable[[str], None]], Tracker]
"""Creates a tracker from a folder of its own inside the study folder (not created yet), the study's specification, and
a function that takes a warning, one sentence per call."""


class Observer(Protocol):
    """Watches a study: a terminal, a file, a tracker, a test. Called from the runner's thread, in order."""

    def event(self, event: Event) -> None:
        """Receive an event (`core.events`)."""
        ...

    def phase(self, text: str) -> None:
        """Something that takes a while begins: loading, calibrating, writing the record."""
        ...

    def warning(self, text: str) -> None:
        """Receive a warning about something that may mislead; the study goes on."""
        ...


@dataclass(frozen=True, kw_only=True)
class TrialEnd:
    """A trial's result as it goes into the ledger.

    Attributes:
        token: of the attempt that it comes from.
        notes: to keep with it, as (code, values).
    """

    fact: TrialFact
    token: int
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()


class Ledger(Protocol):
    """The durable record of one study. Every method is one transaction: its effect survives a crash once it has
    returned.

    One writer at a time (SQLite: a file lock, else LedgerLocked). Reading needs no lock.
    """

    def create_study(self, spec: StudySpec, facts: StudyFacts) -> None:
        """Write the study, its examples and fingerprints."""
        ...

    def spec(self) -> StudySpec | None:
        """The study as it was created (with accepted later changes), or None before `create_study`."""
        ...

    def facts(self) -> StudyFacts: ...

    def update_spec(self, spec: StudySpec) -> None:
        """Accept a harmless change of the study file (a larger budget, another language)."""
        ...

    def history(self) -> History:
        """Everything the planner and the statistics may see."""
        ...

    def add_wave(self, wave: Wave) -> None:
        """Write a planned wave with its trials. Writing the same wave again changes nothing."""
        ...

    def start_trials(self, trial_ids: Sequence[int], worker: str) -> Sequence[int]:
        """Change trials from planned to running, all or none; returns the attempts' fencing tokens in this order."""
        ...

    def start_trial(self, trial_id: int, worker: str) -> int:
        """Change a trial from planned to running; returns the attempt's fencing token."""
        ...

    def finish_trials(self, ends: Sequence[TrialEnd]) -> Sequence[int]:
        """Write curves, outcomes, costs and final states, and notes with them, in one transaction. Returns the ids of
        the trials whose token is an old one; nothing of them is written."""
        ...

    def finish_trial(self, fact: TrialFact, token: int, notes: Sequence[tuple[str, dict[str, Any]]] = ()) -> None:
        """Write one result. Raises StaleToken for an old token."""
        ...

    def release_trial(self, trial_id: int, token: int, reason: str) -> None:
        """Change a trial from running back to planned, and close the attempt with a reason."""
        ...

    def release_running(self, reason: str) -> None:
        """Put every running trial back to planned: their runner has ended."""
        ...

    def retry_failed(self) -> list[int]:
        """Put every failed trial back to planned. Rounds that belong to the last waves (`core.study.last_waves`) are
        reopened when one of them belongs to them."""
        ...

    def close_round(self, round_number: int, findings: Sequence[Finding]) -> None:
        """Write a round's findings, once. Writing the same findings again changes nothing."""
        ...

    def seal(self, configurations: dict[str, str]) -> None:
        """Fix the confirm list (role to effective key) before the test split is opened; only once."""
        ...

    def note(self, code: str, values: dict[str, Any]) -> None:
        """Keep a note of something that happened (a split cohort, changed versions, a calibration), with the time."""
        ...

    def notes(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """All notes in order, as (code, values)."""
        ...

    def trials(self) -> Sequence[Trial]: ...

    def close(self) -> None: ...
