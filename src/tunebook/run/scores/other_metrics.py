"""The metrics of a study beside the one that decides: computed from the answers that the ledger keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunebook.core.facts import Floats, History, Outcomes, StudyFacts, TrialFact
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.metric import LikelihoodMetric, Metric
from tunebook.core.study import StudySpec
from tunebook.evaluation import likelihood_scores, load_metric, standard_scores
from tunebook.record.view import OtherMetric, assumed_scale
from tunebook.statistics import judge_round
from tunebook.statistics.evidence import Evidence

__all__ = ["other_metrics", "with_limits"]

VALIDATION = "validation"


def with_limits(history: History, spec: StudySpec, facts: StudyFacts) -> History:
    """The history with the configurations that the study's limits keep out of being the best (`max`): those whose mean
    over all their validation answers is above one; and whether the metric's results have bounds."""
    history = replace(history, has_bounds=assumed_scale(spec).is_bounded_statistic)
    excluded: set[str] = set()
    for name, most in (spec.at_most or {}).items():
        metric = load_metric(name)
        results: dict[str, list[float]] = {}
        for fact in _judged_by(history, metric, facts).trials.values():
            if VALIDATION in fact.outcomes:
                mean = metric.scale.score(fact.outcomes[VALIDATION].accuracy)
                results.setdefault(fact.trial.effective.key, []).append(mean)
        excluded |= {key for key, means in results.items() if np.mean(means) > most}
    return replace(history, excluded=tuple(sorted(excluded))) if excluded else history


def other_metrics(
    spec: StudySpec, facts: StudyFacts, history: History, conclusions: StudyFindings
) -> tuple[OtherMetric, ...]:
    """What the further metrics say of the baseline and of the best, on validation."""
    found = []
    for name in spec.metrics[1:]:
        metric = load_metric(name)
        evidence = Evidence(_judged_by(history, metric, facts), spec.baseline)
        baseline, best = evidence.baseline_key, conclusions.best.key if conclusions.best else None
        found.append(
            OtherMetric(
                scale=metric.scale.called(name),
                baseline=_result(evidence, baseline),
                best=None if best is None else _result(evidence, best),
                difference=None if best in (None, baseline) else _difference(evidence, str(best), spec, facts),
                at_most=(spec.at_most or {}).get(name),
                configurations={key: mean for key in evidence.by_key if (mean := _result(evidence, key)) is not None},
            )
        )
    return tuple(found)


def _result(evidence: Evidence, key: str) -> tuple[float, tuple[float, float]] | None:
    return evidence.accuracy(_replicates(evidence, key))


def _replicates(evidence: Evidence, key: str) -> list[TrialFact]:
    """A configuration's trials, without those that only chose a learning rate."""
    return [fact for fact in evidence.by_key.get(key, ()) if not fact.trial.purpose.only_chooses]


def _difference(evidence: Evidence, best: str, spec: StudySpec, facts: StudyFacts) -> Finding | None:
    sides = [[f.trial.id for f in _replicates(evidence, key)] for key in (best, evidence.baseline_key)]
    if not all(sides):
        return None
    alone = replace(facts.data, groups=())
    judged = judge_round.compare(evidence.history, sides[0], sides[1], spec, alone)
    return judged[0] if judged and not np.isnan(judged[0].effect) else None


def _judged_by(history: History, metric: Metric, facts: StudyFacts) -> History:
    """The same trials with the scores of another metric, where what it judges was kept."""
    trials = {number: _fact_judged_by(fact, metric, facts) for number, fact in history.trials.items()}
    return replace(history, trials=trials, has_bounds=metric.scale.is_bounded_statistic)


def _fact_judged_by(fact: TrialFact, metric: Metric, facts: StudyFacts) -> TrialFact:
    old = fact.outcomes.get(VALIDATION)
    scores = None if old is None else _scores(old, metric, facts)
    outcomes = {} if old is None or scores is None else {VALIDATION: Outcomes(scores, old.nll, old.answers)}
    return replace(fact, outcomes=outcomes)


def _scores(outcomes: Outcomes, metric: Metric, facts: StudyFacts) -> Floats | None:
    if isinstance(metric, LikelihoodMetric):
        tokens = facts.answer_tokens.get(VALIDATION)
        return likelihood_scores(metric, outcomes.nll, tokens) if tokens else None
    return standard_scores(metric, outcomes.answers, facts.examples[VALIDATION]) if outcomes.answers else None
