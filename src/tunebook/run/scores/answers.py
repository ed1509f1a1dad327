"""Turns an engine's raw answers into outcomes: decodes them, judges them with the study's metric, detects a
collapse.

Runs in the worker, so that a user's own metric cannot crash the runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.core.divergence import collapse_reason, worse_than_untrained
from tunebook.core.events import EngineEvent, Failed, Finished, Noted
from tunebook.core.facts import ExampleText, Floats, Outcomes, TrialFact
from tunebook.core.harness_metric import HarnessMetric
from tunebook.core.metric import LikelihoodMetric, Metric
from tunebook.core.ports import Sink
from tunebook.core.service_metric import ServiceMetric
from tunebook.core.study import Trial, TrialState
from tunebook.core.trial_result import JudgedTrial, RawScores, RawTrial
from tunebook.errors import UserError
from tunebook.evaluation import likelihood_scores, load_metric, standard_scores
from tunebook.run.scores.documents import AskedSettings, asked_model, check_documents

__all__ = ["JudgeSpec", "JudgingSink", "as_fact", "judged_trial", "judging_sink"]


@dataclass(frozen=True, kw_only=True)
class JudgeSpec:
    """What a worker needs in order to judge answers.

    Attributes:
        metric: name of the metric.
        options: the metric's options in the study file.
        base_folder: the folder in which a user's own metric module is searched.
        model: folder of the tokenizer; None when answers are text already, or a tokenizer is passed in.
        examples: the scored examples by split.
        choices: the options' texts for kind "choice".
        commonest_share: share of the commonest gold answer.
        asked: for a task of a harness: what its requests were written with.
    """

    metric: str
    base_folder: str
    model: str | None
    examples: dict[str, tuple[ExampleText, ...]]
    options: tuple[tuple[str, Any], ...] = ()
    choices: tuple[str, ...] = ()
    commonest_share: float = 0.0
    trust_remote_code: bool = False
    asked: AskedSettings | None = None


class JudgingSink:
    """A sink that judges finished trials before passing them on; all other events pass through.

    The answers to a metric that asks a service are only decoded here: `run.service_scores` has them scored beside the
    training.
    """

    def __init__(self, inner: Sink, spec: JudgeSpec, tokenizer: Any = None) -> None:
        self._inner, self._spec = inner, spec
        self._metric = load_metric(spec.metric, Path(spec.base_folder), dict(spec.options))
        self._tokenizer, self._is_open = tokenizer, False

    def emit(self, event: EngineEvent) -> None:
        """Pass on the event. A finished trial is judged first; it becomes a failed one if a user's metric raises."""
        match event:
            case Finished(RawTrial() as result):
                try:
                    event = Finished(
                        self._documents_judged(result, self._metric)
                        if isinstance(self._metric, HarnessMetric)
                        else self._judged(self._decoded(result))
                    )
                    self._tell_failures(result.id, event.result)
                except UserError as error:  # a user's metric failed: this trial fails, the others go on
                    event = Failed(result.id, str(error))
        self._inner.emit(event)

    def _tell_failures(self, trial_id: int, judged: JudgedTrial | RawTrial) -> None:
        """How the answers of a trial failed, where the metric can tell."""
        tell = getattr(self._metric, "failures", None)
        outcomes = getattr(judged, "outcomes", {}).get("validation")
        if tell is not None and outcomes is not None:
            counts = tell(outcomes.answers, self._spec.examples["validation"])
            self._inner.emit(Noted("answers_failed", {"trial": trial_id, "counts": counts}))

    def _documents_judged(self, result: RawTrial, metric: HarnessMetric) -> JudgedTrial:
        """A trial whose answers are to the requests of a harness's task."""
        if not self._is_open:
            assert self._spec.asked is not None
            check_documents(metric.open(asked_model(self._own_tokenizer(), self._spec.asked)), self._spec.examples)
            self._is_open = True
        judged = {split: metric.judge(split, raw) for split, raw in result.scores.items()}
        of_documents = replace(result, scores={split: each.raw for split, each in judged.items()})
        scores = {split: each.scores for split, each in judged.items()}
        return judged_trial(of_documents, scores, metric, self._spec.commonest_share)

    def _judged(self, result: RawTrial) -> RawTrial | JudgedTrial:
        if isinstance(self._metric, ServiceMetric):
            return result
        scores = {
            split: likelihood_scores(self._metric, np.asarray(raw.nll, dtype=float), raw.n_label_tokens)
            if isinstance(self._metric, LikelihoodMetric)
            else standard_scores(self._metric, raw.texts, self._spec.examples[split])
            for split, raw in result.scores.items()
        }
        return judged_trial(result, scores, self._metric, self._spec.commonest_share)

    def _decoded(self, result: RawTrial) -> RawTrial:
        """The same with its answers as texts."""
        scores = {
            split: replace(raw, answers=(), texts=tuple(self._texts(raw))) for split, raw in result.scores.items()
        }
        return replace(result, scores=scores)

    def _texts(self, raw: RawScores) -> list[str]:
        if raw.texts:
            return list(raw.texts)
        if raw.answers and isinstance(raw.answers[0], int | np.integer):
            return [self._spec.choices[int(index)] for index in raw.answers]
        decode = self._own_tokenizer().decode
        texts = [decode(list(ids), skip_special_tokens=True) for ids in raw.answers]  # type: ignore[arg-type]
        # an answer that was cut at its longest may end within a character, which decodes to replacement characters
        return [text.rstrip("\N{REPLACEMENT CHARACTER}") for text in texts]

    def _own_tokenizer(self) -> Any:
        if self._tokenizer is None:
            from tunebook.engines.base_model import load_tokenizer

            assert self._spec.model is not None
            self._tokenizer = load_tokenizer(self._spec.model, self._spec.trust_remote_code)
        return self._tokenizer

    def should_stop(self) -> bool:
        """As the inner sink says."""
        return self._inner.should_stop()

    def is_cancelled(self, trial_id: int) -> bool:
        """As the inner sink says."""
        return self._inner.is_cancelled(trial_id)


def judging_sink(inner: Sink, spec: JudgeSpec, tokenizer: Any = None) -> Sink:
    """Wrap a worker's sink; a factory for the executors. Without a tokenizer, the model's own is loaded when needed."""
    return JudgingSink(inner, spec, tokenizer)


def judged_trial(result: RawTrial, scores: Mapping[str, Floats], metric: Metric, commonest_share: float) -> JudgedTrial:
    """A trial whose answers are texts, with their scores.

    Args:
        scores: on the metric's standard scale, by split.
    """
    outcomes = {
        split: Outcomes(scores[split], np.asarray(raw.nll, dtype=float), raw.texts)
        for split, raw in result.scores.items()
    }
    collapse = None
    if "validation" in outcomes and result.broke_at_step is None:
        answers = outcomes["validation"].answers
        parsable = [metric.parsable(answer) for answer in answers]
        collapse = collapse_reason(answers, parsable, commonest_share, outcomes["validation"].accuracy)
    return JudgedTrial(
        id=result.id,
        outcomes=outcomes,
        curve=result.curve,
        cost=result.cost,
        broke_at_step=result.broke_at_step,
        reason=result.reason,
        collapse=collapse,
    )


def as_fact(trial: Trial, judged: JudgedTrial, untrained_loss: float | None) -> TrialFact:
    """A judged trial as a fact of the ledger, with its state by the rules of `core.divergence`.

    Args:
        untrained_loss: mean validation loss of the reference, nats per example; None when there is none.
    """
    state, step, reason = TrialState.COMPLETED, judged.broke_at_step, judged.reason
    validation = judged.outcomes.get("validation")
    trained = trial.effective.num_train_epochs > 0
    if step is not None:
        state = TrialState.DIVERGED
    elif trained and validation is not None and untrained_loss is not None:
        if worse_than_untrained(validation.loss, untrained_loss):
            state, reason = TrialState.DIVERGED, "worse_than_untrained"
        elif judged.collapse:
            state, reason = TrialState.COLLAPSED, judged.collapse
    return TrialFact(
        trial=trial,
        state=state,
        outcomes=judged.outcomes,
        curve=judged.curve,
        cost=judged.cost,
        diverged_step=step,
        reason=reason,
    )
