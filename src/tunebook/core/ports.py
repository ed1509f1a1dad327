"""The protocols that the adapters fulfil, and the values they exchange.

    runner -- TrialJob --> Executor -- TrialJob --> Engine
    Engine -- EngineEvent --> Executor -- TrialEvent --> runner -- TrialFact --> Ledger

An engine knows nothing of studies: it is handed a `Workload` (token ids) and `TrialJob`s, and gives back curves, raw
answers, likelihoods and adapters. Judging text is pure and happens outside it. All values here are picklable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from tunebook.core.configuration import Configuration
from tunebook.core.events import EngineEvent, Event, TrialEvent
from tunebook.core.facts import DataFacts, History, StudyFacts, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.outlook import Outlook
from tunebook.core.space import Folding
from tunebook.core.study import StudySpec, Trial, Wave
from tunebook.core.trial_result import RawScores, RawTrial

__all__ = [
    "Calibration",
    "CancelsTrials",
    "Engine",
    "EngineEntry",
    "EngineOptions",
    "Executor",
    "ExecutorFactory",
    "ExecutorSetup",
    "Ledger",
    "Observer",
    "Planner",
    "PlannerFactory",
    "RawScores",
    "RawTrial",
    "Scoring",
    "Sink",
    "SinkWrapper",
    "TokenizedExample",
    "Tracker",
    "TrackerFactory",
    "TrialJob",
    "TrialSource",
    "Workload",
    "trained_examples",
]


@dataclass(frozen=True)
class TokenizedExample:
    """One example as token ids: the prompt through the chat template, the gold completion with end-of-text."""

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
        kind: "generate" (greedy) or "choice" (the option of highest summed log-likelihood, end-of-text included).
        max_new_tokens: bound of a generated answer.
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
    """An example as people read it, for programs with a tokenizer of their own.

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
    """Everything that the trials of a study are trained on and scored on.

    Attributes:
        train: training examples in file order (a trial's own order comes from `core.order.example_order`); an engine
            cuts them to a trial's max_length by `trained_examples`.
        splits: "validation" and, only when it is opened, "test"; scored whole, never truncated by max_length.
        scoring: how answers are obtained.
        curve_examples: of how many validation examples (the first ones) the loss is taken after each epoch, for the
            curve; 0: none.
        chats: the same examples as people read them, "train" among the splits, for engines that hand them to programs
            with a tokenizer of their own; empty where no engine needs them.
    """

    train: tuple[TokenizedExample, ...]
    splits: dict[str, tuple[TokenizedExample, ...]]
    scoring: Scoring
    curve_examples: int = 0
    chats: dict[str, tuple[ChatExample, ...]] = field(default_factory=dict)


def trained_examples(examples: Sequence[TokenizedExample], max_length: int) -> tuple[tuple[int, TokenizedExample], ...]:
    """What a trial trains on, with the index of each: examples cut to `max_length` token ids, without those that keep
    no completion token."""
    cut = ((index, example.cut(max_length)) for index, example in enumerate(examples))
    return tuple((index, example) for index, example in cut if example.completion_ids)


@dataclass(frozen=True)
class EngineOptions:
    """What does not belong to a trial but to the machine.

    Attributes:
        model: folder of the base model (safetensors), already resolved.
        device: "cpu", "cuda", "cuda:1"; already resolved.
        dtype: "float32", "bfloat16" or "float64"; already resolved.
        threads: threads of this worker; fixed for a study because results depend on it in the last bit.
        share_prompts: compute tokens that examples of a step have in common once (ENGINE.md; docs/engine.md).
        memory_bytes: most that may be used; None: what the device has.
        checkpoint_seconds: an interrupted trial loses at most about this much.
        trust_remote_code: only ever true when said on the command line.
        extra: engine-specific settings, e.g. the argument list of engine `command`.
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


@dataclass(frozen=True)
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
    """

    id: int
    configuration: Configuration
    seed: int
    splits: tuple[str, ...]
    folder: str
    checkpoints: tuple[tuple[int, int], ...] = ()


class TrialSource(Protocol):
    """Where an engine takes trials from. Engines that train many at once take more as slots get free."""

    def take(self, n: int) -> Sequence[TrialJob]:
        """Up to n further trials, in order; empty when there are none now. Asking in vain costs nothing."""
        ...


class Sink(Protocol):
    """Where an engine reports to. All calls come from the engine's own thread."""

    def emit(self, event: EngineEvent) -> None:
        """Report what has happened. `Progress` is due at least every few seconds of work."""
        ...

    def should_stop(self) -> bool:
        """Asked after every step and every scoring batch: save and return as soon as possible."""
        ...

    def is_cancelled(self, trial_id: int) -> bool:
        """Asked where `should_stop` is: end this trial alone, free its slot and emit `Cancelled`."""
        ...


@dataclass(frozen=True)
class Calibration:
    """Seconds measured on this machine, from which time and memory are predicted.

    Attributes:
        train_tokens_per_second: raw training tokens a second of one trial after another.
        score_examples_per_second: scored examples a second.
        one_by_one_tokens_per_second: what PEFT and the Trainer reach, when measured or estimated; for the line that
            says what one-after-another training would take.
        base_bytes, trial_bytes: memory of the base model, and of each further trial of rank 8.
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

        Asked in the runner's process before anything is loaded, once for each configuration of a wave and by `plan`;
        it must be fast, load no model and depend on the configuration alone. A refused trial goes to the next engine
        that can (`run.engines`)."""
        ...

    def calibrate(self, workload: Workload) -> Calibration:
        """Measure this machine for a few seconds (at most about 20) on examples of the workload; changes nothing."""
        ...

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Train and score trials from the source until it is empty or `sink.should_stop()`.

        One trial's trouble is reported as `Failed` and never touches the others. Raises `ModelError` when the
        base model cannot be used at all, `EnvironmentStop` when the machine stops the study.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """An engine as the study file names it: what has to be known of it before it is loaded. Importing it is light.

    Attributes:
        factory: "module:class", called with `EngineOptions` in the worker and, to ask `Engine.refuses`, in the runner.
        folding: what the engine promises not to change the mathematics (equal to the class's own attribute).
        in_process: run in the runner's own process; for engines that train nothing.
        needs_model: whether a base model and its tokenizer are loaded.
        trains: whether its adapters are real ones.
        calibrates: whether anything can be measured before it has trained.
        runs_command: whether the study file's `command` and `command_limits` are for it.
        fallbacks: names of engines that take over a model or a configuration that this one refuses, in order.
        refuses_model: "module:function", called with the model's folder and whether its own code is trusted; gives why
            the engine cannot run that model, or None. Empty: it runs every model.
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


class Planner(Protocol):
    """Decides what to ask next. Pure: the same history gives the same answer."""

    def next_wave(self, history: History) -> Wave | None:
        """The next trials with their contrasts, or None when the study is done. Never repeats an equal effective
        configuration and seed. Called only when every planned trial is final and every finished round is judged."""
        ...

    def outlook(self, history: History) -> Outlook:
        """The rounds to come as far as they can be foreseen, for `plan` and `status`."""
        ...


@runtime_checkable
class CancelsTrials(Protocol):
    """A planner that may also end trials under way whose results it does not need any more."""

    def to_cancel(self, history: History) -> Sequence[int]:
        """Trials to cancel; asked whenever a trial of the open wave has a result. Pure, as `next_wave`."""
        ...


PlannerFactory = Callable[
    [StudySpec, DataFacts, Folding, tuple[Configuration, ...], "Calibration | None"],
    Planner,
]
"""Makes a planner of a study: its file, counts and lengths of its data, what the engine folds, the configurations of
the user's own table (empty: none), and the measured rates (None: unknown)."""


class SinkWrapper(Protocol):
    """Wraps the sink that an engine reports to; picklable, used in the worker."""

    def wrap(self, sink: Sink) -> Sink: ...


@dataclass(frozen=True, kw_only=True)
class ExecutorSetup:
    """What an executor is for.

    Attributes:
        engine: "module:class" of the engine, called with `options`.
        in_process: the engine trains nothing and needs no worker.
        options: of the first device; `executors.options_by_device` gives those of each.
        devices: "cpu:0", "cuda:1", ...
        transform: judges answers in the worker.
        logs: folder for what workers print; empty: it is not kept.
    """

    engine: str
    in_process: bool
    options: EngineOptions
    devices: tuple[str, ...]
    workload: Workload
    transform: SinkWrapper
    logs: str


class Executor(Protocol):
    """Runs trials on the devices there are."""

    def calibrate(self) -> Calibration:
        """Measure the machine, see `Engine.calibrate`; whatever was loaded for it is used again by `run`.

        Raises: TrialFailed: it could not be measured; trials may train all the same.
        """
        ...

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """Train and score on this from the next `run` on, with the engines that are loaded: a further split opens."""
        ...

    def run(self, jobs: Sequence[TrialJob], on_event: Callable[[TrialEvent], None]) -> None:
        """Train all jobs; calls `on_event` in the caller's thread for every event of every worker, in order for each
        trial, and for what the executor itself has to tell. Returns when every job is finished, failed or cancelled,
        or soon after `stop`."""
        ...

    def cancel(self, trial_id: int) -> None:
        """End one trial: `Cancelled` is told when it has ended, at once where it still waits, else after its running
        step. A trial that has a result by then keeps it. May be called from any thread."""
        ...

    def stop(self, now: bool = False) -> None:
        """Ask for an end after the running step (`now`: at once). May be called from a signal handler."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


ExecutorFactory = Callable[[ExecutorSetup], Executor]


class Tracker(Protocol):
    """Follows a run, to show it elsewhere. Called from the runner's thread, in order.

    An error that it raises is a warning, and it is then told nothing more: a tracker never ends a study.
    """

    def event(self, event: Event) -> None:
        """Something has happened, see `core.events`. Events of running trials carry the trial's number;
        `WaveStarted.history` has the trials."""
        ...

    def close(self) -> None:
        """This run is over; the study may go on in another."""
        ...


TrackerFactory = Callable[[str, StudySpec, Callable[[str], None]], Tracker]
"""Makes a tracker of a study: a folder of its own inside the study folder (not made yet), the study's file, and whom
to tell what may mislead, one sentence a call."""


class Observer(Protocol):
    """Whoever watches a study: a terminal, a file, a tracker, a test. Calls come from the runner's thread, in order."""

    def event(self, event: Event) -> None:
        """Something has happened, see `core.events`."""
        ...

    def phase(self, text: str) -> None:
        """Something that takes a while begins: loading, calibrating, writing the record."""
        ...

    def warning(self, text: str) -> None:
        """Something may mislead; the study goes on."""
        ...


class Ledger(Protocol):
    """The durable record of one study. Every method is one transaction: after it returns, its effect survives a crash.

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

    def start_trial(self, trial_id: int, worker: str) -> int:
        """Planned to running; gives the attempt's fencing token."""
        ...

    def finish_trial(self, fact: TrialFact, token: int) -> None:
        """Write curve, outcomes, cost and final state in one transaction. Raises StaleLease for an old token."""
        ...

    def release_trial(self, trial_id: int, token: int, reason: str) -> None:
        """Running back to planned, the attempt closed with a reason."""
        ...

    def release_running(self, reason: str) -> None:
        """Every running trial whose lease has ended (SQLite: every one, since we hold the lock) back to planned."""
        ...

    def retry_failed(self) -> list[int]:
        """Every failed trial back to planned; the last round is opened again when one of them belongs to it."""
        ...

    def close_round(self, round_number: int, findings: Sequence[Finding]) -> None:
        """Write a round's findings, once; the same again changes nothing."""
        ...

    def seal(self, configurations: dict[str, str]) -> None:
        """Fix the confirm list (role to effective key) before the test split is opened; only once."""
        ...

    def note(self, code: str, values: dict[str, Any]) -> None:
        """Keep something that happened (a split cohort, changed versions, a calibration), with the time."""
        ...

    def notes(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """All notes in order, as (code, values)."""
        ...

    def trials(self) -> Sequence[Trial]: ...

    def close(self) -> None: ...
