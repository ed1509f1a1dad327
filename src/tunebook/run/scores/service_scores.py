"""Scores the answers of trained trials with a metric that asks a service, beside the training of the next ones.

The workers train and hand over answers as texts; they neither wait for the service nor know its key. What is trained
and not scored yet lies in the study's folder, so that an interruption or a service that is down costs no training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tunebook.core.events import Failed, Finished, Noted, Progress, TrialEvent
from tunebook.core.facts import ExampleText, Floats
from tunebook.core.ports import Calibration, Executor, OnEvents, SinkWrapper, TrainsAhead, TrialJob, Workload
from tunebook.core.service_metric import SERVICE_USAGE, UNSCORED_ANSWERS, AskedAnswers, ServiceMetric
from tunebook.core.trial_result import RawScores, RawTrial
from tunebook.errors import EnvironmentStop, UserError
from tunebook.run.scores import unscored
from tunebook.run.scores.answers import judged_trial

__all__ = ["ScoringExecutor"]

MOST_UNSCORED = 0.05
"""Share of a split's answers that may be without a score; they count with the mean of the others (decision 096)."""
_LOOK_SECONDS = 0.2

Answers = Mapping[str, tuple[str, ...]]


class ScoringExecutor:
    """Scores what another executor trains; implements `core.ports.Executor`.

    Args:
        inner: trains; its finished trials have texts as answers.
        examples: the scored examples by split.
        commonest_share: share of the commonest gold answer.
        folder: the study's.
        untrained: gives the untrained model's answers by split, as far as they are known.
        keeps: whether what is trained and not scored yet is kept, for trials of the study's ledger.
    """

    def __init__(
        self,
        inner: Executor,
        metric: ServiceMetric,
        *,
        examples: Mapping[str, Sequence[ExampleText]],
        commonest_share: float,
        folder: Path,
        untrained: Callable[[], Answers],
        keeps: bool,
    ) -> None:
        self._inner, self._metric, self._examples = inner, metric, examples
        self._commonest_share, self._folder, self._find_untrained = commonest_share, folder, untrained
        self.keeps = keeps
        self._untrained: dict[str, tuple[str, ...]] | None = None
        self._stopping = False
        self._is_open = False

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train and score all jobs; see `core.ports.Executor`.

        Raises: EnvironmentStop: the service does not answer any more.
        """
        self._open()
        with ThreadPoolExecutor(1, thread_name_prefix="scores") as pool:
            round_ = _Round(self, pool, jobs, on_events)
            try:
                self._inner.run(round_.take_up(), round_.on_events)
                round_.finish()
            except BaseException:
                self._stopping = True  # ends the scoring under way
                raise

    def offer(self, jobs: Sequence[TrialJob]) -> None:
        """As the inner executor."""
        if isinstance(self._inner, TrainsAhead):
            self._inner.offer(jobs)

    def is_wanted(self) -> bool:
        """Whether scores are still asked for."""
        return not self._stopping

    def calibrate(self) -> Calibration:
        """As the inner executor."""
        return self._inner.calibrate()

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """As the inner executor; examples of every split are known here."""
        self._inner.use(workload, transform)

    def cancel(self, trial_id: int) -> None:
        """As the inner executor; a trial that is trained gets its scores."""
        self._inner.cancel(trial_id)

    def stop(self, now: bool = False) -> None:
        """End the training as the inner executor does, and the scoring after the requests under way."""
        self._stopping = True
        self._inner.stop(now)

    def close(self) -> None:
        """End the workers."""
        self._inner.close()

    # -- scoring, in the scoring thread

    def scored(self, result: RawTrial) -> list[TrialEvent]:
        """The events of a trial whose answers were scored: notes, then the result; nothing when nobody wants it.

        Raises: EnvironmentStop: the service does not answer any more.
        """
        notes: list[TrialEvent] = []
        try:
            scores = {split: self._scores(result.id, split, raw, notes) for split, raw in result.scores.items()}
            end: TrialEvent = Finished(judged_trial(result, scores, self._metric, self._commonest_share))
        except EnvironmentStop:
            raise
        except UserError as error:
            end = Failed(result.id, str(error))
        except Exception as error:  # another package's metric may raise anything
            end = Failed(result.id, f"metric {self._metric.name} failed with {type(error).__name__}: {error}")
        if not self.is_wanted():
            return []
        usage = self._metric.usage()
        return [*notes, *([Noted(SERVICE_USAGE, asdict(usage))] if usage is not None else []), end]

    def _scores(self, trial: int, split: str, raw: RawScores, notes: list[TrialEvent]) -> Floats:
        """On the standard scale; answers without a score count with the mean of the others, and are noted."""
        metric = self._metric
        untrained = self.untrained()[split] if metric.needs_untrained else ()
        asked = AskedAnswers(answers=raw.texts, examples=tuple(self._examples[split]), untrained=untrained)
        found = np.array(metric.score_answers(asked), dtype=float)
        missing = np.flatnonzero(np.isnan(found))
        if len(missing) > max(1.0, MOST_UNSCORED * len(found)) or len(missing) == len(found):
            raise UserError(
                "metric {metric}: {n} of {of} answers on {split} were not judged, and at most {most:g} % may be; the "
                "others' judgements are kept: try again with --retry-failed",
                metric=metric.name,
                n=len(missing),
                of=len(found),
                split=split,
                most=100 * MOST_UNSCORED,
            )
        wrong = [score for score in found if not (math.isnan(score) or metric.scale.contains(score))]
        if wrong:
            raise UserError(
                "metric {metric}: gave {score:g}; it promises {scale}. Correct the metric.",
                metric=metric.name,
                score=wrong[0],
                scale=metric.scale,
            )
        if len(missing):
            found[missing] = np.nanmean(found)
            values = {"trial": trial, "split": split, "n": len(missing), "of": len(found)}
            notes.append(Noted(UNSCORED_ANSWERS, {**values, "examples": missing.tolist()}))
        return np.array([metric.scale.standard(score) for score in found])

    def can_score(self, result: RawTrial) -> bool:
        """Whether everything that its scores depend on is known."""
        return not self._metric.needs_untrained or result.scores.keys() <= self.untrained().keys()

    def no_untrained(self, result: RawTrial) -> TrialEvent:
        """The end of a trial that has nothing to be compared with."""
        why = "the untrained model has no answers to compare with, because its own trial has no result"
        return Failed(result.id, f"metric {self._metric.name}: {why}")

    def untrained(self) -> dict[str, tuple[str, ...]]:
        """The untrained model's answers by split, as far as they are known."""
        if self._untrained is None:
            self._untrained = dict(self._find_untrained())
        return self._untrained

    def _open(self) -> None:
        if not self._is_open:
            self._metric.open(str(self._folder), self.is_wanted)
            self._is_open = True


class _Round:
    """One call of `run`: what is being scored, and what waits for the untrained model's answers."""

    def __init__(
        self,
        executor: ScoringExecutor,
        pool: ThreadPoolExecutor,
        jobs: Sequence[TrialJob],
        on_events: OnEvents,
    ) -> None:
        self._executor, self._pool, self._jobs, self._tell = executor, pool, jobs, on_events
        self._job_of = {trial: job for job in jobs for trial in (job.id, *(rider for _, rider in job.checkpoints))}
        self._references = {job.id for job in jobs if job.configuration.num_train_epochs == 0}
        self._waiting: list[RawTrial] = []
        self._scoring: list[tuple[RawTrial, Future[list[TrialEvent]]]] = []

    def take_up(self) -> list[TrialJob]:
        """The jobs that have to be trained: those whose answers wait are scored at once."""
        left = []
        for job in self._jobs:
            found = unscored.read(job) if self._executor.keeps else None
            if found is None:
                left.append(job)
            for result in found or ():
                self._tell(self._take(result))
        return left

    def on_events(self, events: Sequence[TrialEvent]) -> None:
        """Take events of the inner executor; called in the runner's thread."""
        others: list[TrialEvent] = []
        for event in events:
            match event:
                case Finished(RawTrial() as result):
                    if self._executor.keeps:
                        unscored.write(self._job_of[result.id], result)
                    others += self._take(result)
                case _:
                    others.append(event)
        self._tell(others)
        self._pass_on()

    def finish(self) -> None:
        """Wait for the scores of everything that was trained."""
        while self._scoring and self._executor.is_wanted():
            wait([future for _, future in self._scoring], timeout=_LOOK_SECONDS)
            self._pass_on()
        if self._executor.is_wanted():
            self._tell([self._executor.no_untrained(result) for result in self._waiting])

    def _take(self, result: RawTrial) -> list[TrialEvent]:
        """Have what can be scored scored; gives the events that tell so."""
        told: list[TrialEvent] = []
        self._waiting.append(result)
        if result.id in self._references:
            for split, raw in result.scores.items():
                self._executor.untrained()[split] = raw.texts
        still = []
        for each in self._waiting:
            if self._executor.can_score(each):
                told.append(Progress(each.id, 0.0, "judge"))
                self._scoring.append((each, self._pool.submit(self._executor.scored, each)))
            else:
                still.append(each)
        self._waiting = still
        return told

    def _pass_on(self) -> None:
        """Tell what has been scored, in order."""
        while self._scoring and self._scoring[0][1].done():
            result, future = self._scoring.pop(0)
            events = future.result()
            self._tell(events)
            if self._executor.keeps and any(isinstance(event, Finished) for event in events):
                unscored.forget(self._job_of[result.id], result.id)
