"""Everything that `plan` shows: what would run, why, how long, how much memory, and what can be detected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunebook.core.cost import Prediction, predict_trials
from tunebook.core.facts import DataFacts, History
from tunebook.core.notice import Notice
from tunebook.core.outlook import Outlook
from tunebook.core.ports import Calibration, Observer, Planner
from tunebook.core.score import ScoreScale
from tunebook.core.service_metric import ExpectedRequests, ServiceMetric
from tunebook.core.study import RoundKind, StudySpec, Trial, Wave
from tunebook.data import ShownExample
from tunebook.errors import TrialFailed
from tunebook.planning.foresight import waiting_waves
from tunebook.planning.planner import foreseen
from tunebook.run.observers import Silent
from tunebook.run.paths import StudyPaths
from tunebook.run.prepare import Prepared, computes_elsewhere, prepare
from tunebook.run.reading import as_begun, has_ledger, planner_of, read_study, why_done
from tunebook.run.requests.consent import require_confirmed
from tunebook.run.resume import check_same_study
from tunebook.run.speeds import kept_speeds, measured_speeds, telling_progress

__all__ = ["StudyPlan", "plan_study"]


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """A plan as plain values.

    Attributes:
        waves: the next trials: those that are planned and have no result yet, by wave if several are trained together,
            else the wave that will be planned next; empty when the study is done.
        outlook: the trials that wait and the rounds to come, what was folded and cut, what can be detected.
        next_cost: predicted cost of these trials.
        total_cost: predicted cost of all trials to come; those of later rounds are assumed to cost as much as the
            baseline.
        calibration: the measured speeds behind the predictions; None for an engine that cannot be measured.
        memory_bytes: free memory on the device; None: other machines compute, whose memory is not known.
        summary: facts of the data: rows, lengths, truncation, labels.
        model: facts of the model.
        example: one training example as the model sees it; None for an engine without a model.
        warnings: warnings to read before running the study.
        service: what scoring the trials to come asks of a service, at most; None: the metric asks none.
        scale: what the metric measures.
        engine_calibrates: whether the engine's speeds can be measured.
        why_done: what keeps a study that is done from going on, other than its budget.
    """

    spec: StudySpec
    data: DataFacts
    waves: tuple[Wave, ...]
    outlook: Outlook
    next_cost: Prediction
    total_cost: Prediction
    calibration: Calibration | None
    memory_bytes: int | None
    summary: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    example: ShownExample | None = None
    warnings: tuple[Notice, ...] = ()
    service: ExpectedRequests | None = None
    scale: ScoreScale | None = None
    engine_calibrates: bool = True
    why_done: Notice | None = None


def plan_study(
    spec: StudySpec,
    paths: StudyPaths,
    trust_remote_code: bool = False,
    trust_study_code: bool = False,
    *,
    measure: bool = True,
    observer: Observer | None = None,
) -> StudyPlan:
    """Check everything and predict what a run would do. Trains nothing and writes nothing.

    Raises: UserError: bad input, as `run` would raise it.
    """
    require_confirmed(spec, paths, starts_program=False, trusted=trust_study_code)
    observer = observer or Silent()
    prepared = prepare(spec, paths, trust_remote_code, observer)
    facts, history, calibration = prepared.facts, History(), None
    if has_ledger(paths):
        study = read_study(paths)
        check_same_study(study.spec, study.facts, prepared)
        facts, history, calibration = as_begun(study.facts, facts), study.history, study.calibration
    if calibration is None:
        calibration = kept_speeds(prepared)
    if calibration is None and measure:
        executor = prepared.make_executor(logs=False)
        try:
            with telling_progress(prepared, observer):
                calibration = measured_speeds(prepared, executor)
        except TrialFailed as error:
            prepared = replace(prepared, warnings=(*prepared.warnings, Notice("not_measured", {"reason": str(error)})))
        finally:
            executor.close()
    planner = planner_of(spec, facts, history, calibration)
    return _plan(prepared, planner, history, calibration)


def _plan(prepared: Prepared, planner: Planner, history: History, calibration: Calibration | None) -> StudyPlan:
    from tunebook.run.environment import free_bytes

    spec, data = prepared.spec, prepared.facts.data
    outlook = planner.outlook(history)
    # the reference needs no training, so the plan shows the wave after it
    waves = waiting_waves(history) or foreseen(planner, history)[-1:]
    trials = tuple(trial for wave in waves for trial in wave.trials)
    next_cost = total_cost = Prediction()
    if calibration is not None:
        next_cost = predict_trials(trials, data, calibration)
        total_cost = next_cost + _later(prepared, outlook, trials, calibration)
    return StudyPlan(
        spec=spec,
        data=data,
        waves=waves,
        outlook=outlook,
        next_cost=next_cost,
        total_cost=total_cost,
        calibration=calibration,
        memory_bytes=None if computes_elsewhere(spec) else free_bytes(prepared.options.device),
        summary=prepared.facts.summary,
        model=prepared.facts.model,
        example=prepared.data.shown,
        warnings=tuple(prepared.warnings),
        service=_service(prepared, outlook, history),
        scale=prepared.facts.scale,
        engine_calibrates=prepared.engine.calibrates,
        why_done=None if waves else why_done(planner, history),
    )


def _service(prepared: Prepared, outlook: Outlook, history: History) -> ExpectedRequests | None:
    """Of all trials to come, the untrained model and the test split of the confirm round among them."""
    metric, examples = prepared.metric, prepared.data.examples
    if not isinstance(metric, ServiceMetric):
        return None
    trained = sum(each.n_trials for each in outlook.all_rounds)
    confirmed = sum(each.n_trials for each in outlook.all_rounds if each.kind is RoundKind.CONFIRM)
    counts = {"validation": trained + (not history.trials), "test": confirmed + 1 if confirmed else 0}
    parts = [(n, metric.expected(examples[split])) for split, n in counts.items() if n and split in examples]
    prices = [n * part.price for n, part in parts if part.price is not None]
    return ExpectedRequests(
        requests=sum(n * part.requests for n, part in parts),
        tokens=(sum(n * part.tokens[0] for n, part in parts), sum(n * part.tokens[1] for n, part in parts)),
        price=sum(prices) if prices else None,
    )


def _later(prepared: Prepared, outlook: Outlook, next_: Sequence[Trial], calibration: Calibration) -> Prediction:
    """The trials after the next ones, each like the baseline."""
    from tunebook.core.cost import predict_trial

    later = max(0, outlook.most_trials - sum(trial.has_training for trial in next_))
    one = predict_trial(prepared.spec.baseline, ("validation",), prepared.facts.data, calibration)
    return sum((one for _ in range(later)), Prediction())
