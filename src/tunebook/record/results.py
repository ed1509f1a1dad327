"""results.json: the record for programs. Numbers are not rounded; the schema is shipped with the package and
documented.

JSON has no NaN: a number that is not finite is null, and `loss_finite` or `effect_defined` next to it says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib import resources
from typing import Any

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import TrialFact
from tunebook.core.findings import Finding, Importance, Noise
from tunebook.core.learning_curve import points_of
from tunebook.core.study import RoundKind, TrialState
from tunebook.escaping import clean
from tunebook.json_values import to_json
from tunebook.record.cost import one_by_one
from tunebook.record.facts import counts
from tunebook.record.results_types import (
    AccuracyResult,
    BestResult,
    CheapestResult,
    CurvePointResult,
    DataResult,
    Evidence,
    FindingResult,
    ImportanceResult,
    KeyedConfiguration,
    LearningCurveResult,
    NoiseResult,
    PluginResult,
    ReferenceResult,
    Results,
    RoundResult,
    SavingsResult,
    StudyResult,
    TrialCost,
    TrialResult,
)
from tunebook.record.view import View
from tunebook.statistics.curves import loss_by_quarter
from tunebook.statistics.learning_curve import forecast

__all__ = ["SCHEMA_VERSION", "as_dict", "render", "schema"]

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or is removed; not raised for new keys."""


def schema() -> dict[str, Any]:
    """The JSON Schema of results.json (draft 2020-12)."""
    text = resources.files("tunebook.record").joinpath("assets/results.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def render(view: View) -> str:
    """results.json as text."""
    return json.dumps(as_dict(view), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def as_dict(view: View) -> dict[str, Any]:
    """The content of results.json as plain values."""
    return dict(to_json(_results(view), clean))


def _results(view: View) -> Results:
    found, environment = view.conclusions, dict(view.facts.environment)
    versions, plugins = environment.pop("versions", None) or {}, environment.pop("plugins", None) or ()
    return Results(
        schema_version=SCHEMA_VERSION,
        study=_study(view),
        device=environment,
        versions=versions,
        plugins=tuple(PluginResult(**each) for each in plugins),
        data=_data(view),
        reference=_reference(view),
        noise=_noise(found.noise),
        trials=tuple(_trial(view, fact) for fact in view.trials),
        rounds=tuple(_round(view, number, kind) for number, kind in view.rounds),
        accuracies=tuple(each for key in view.by_key for each in _accuracy(view, view.replicates(key), "validation")),
        findings=tuple(_finding(f, view.margin_of(f.round), view.won_and_lost(f)) for f in found.findings),
        best=_best(view),
        nothing_learned=found.nothing_learned,
        neighbours=found.neighbours,
        cheapest_as_good=_cheapest(view),
        tie_set=tuple(KeyedConfiguration(key=k, configuration=_configuration(view, k)) for k in found.tie_set),
        importance=tuple(map(_importance, found.importance)),
        interactions=found.interactions,
        level_means=found.level_means,
        described=view.described,
        sweet_spots=found.sweet_spots,
        boundary=found.boundary,
        confirmation=found.confirmation,
        learning_curve=_learning_curve(view),
        savings=_savings(view),
    )


def _learning_curve(view: View) -> LearningCurveResult | None:
    points = points_of(view.notes)
    if not points:
        return None
    told = forecast(points, view.facts.data.n_train)
    return LearningCurveResult(
        key=points[0].key,
        points=tuple(
            CurvePointResult(
                rows=point.rows,
                seed=point.seed,
                state=point.state,
                accuracy=float(np.mean(point.scores)) if point.scores else None,
            )
            for point in points
        ),
        rows=told.rows,
        gain=told.gain,
        gain_interval=told.interval,
        why_not=told.why_not,
    )


def _study(view: View) -> StudyResult:
    spec = view.spec
    return StudyResult(
        name=spec.name,
        model=spec.model,
        metric=spec.metric,
        scale=view.scale,
        metric_options=dict(spec.metric_options),
        seed=spec.seed,
        engine=spec.engine,
        is_simulated=view.is_simulated,
        margin=spec.margin,
        alpha_rule=spec.alpha_rule,
        design=spec.layout,
        baseline=spec.baseline.as_dict(),
        baseline_key=view.baseline_key,
        budget=spec.budget,
        seeds=spec.seeds,
        space={f.name: {"low": f.low, "high": f.high} if f.is_range else {"levels": f.levels} for f in spec.space},
    )


def _data(view: View) -> DataResult:
    facts = view.facts
    return DataResult(
        n_train=facts.data.n_train,
        n_validation=facts.data.n_validation,
        n_test=facts.data.n_test,
        longest_tokens=facts.data.longest_tokens,
        hashes=facts.hashes,
        summary=facts.summary,
        model=facts.model,
    )


def _noise(noise: Noise) -> NoiseResult:
    return NoiseResult(**{field.name: getattr(noise, field.name) for field in fields(NoiseResult)})


def _importance(i: Importance) -> ImportanceResult:
    return ImportanceResult(
        factor=i.factor,
        share=i.share,
        rank=i.rank if i.ranked else None,
        rank_interval=i.rank_interval if i.ranked else None,
        first_share=i.first_share,
        ranked=i.ranked,
        nothing_above=i.nothing_above,
        levels=i.levels,
    )


def _trial(view: View, fact: TrialFact) -> TrialResult:
    trial = fact.trial
    validation, test = fact.outcomes.get("validation"), fact.outcomes.get("test")
    measured = view.accuracy([fact]) if fact.state is TrialState.COMPLETED else None
    return TrialResult(
        id=trial.id,
        round=trial.round,
        kind=trial.kind,
        purpose=trial.purpose,
        factor=trial.factor,
        configuration=trial.configuration.as_dict(),
        effective_configuration=trial.effective.as_dict(),
        key=trial.effective.key,
        seed=trial.seed,
        state=fact.state,
        accuracy=validation.accuracy if validation else None,
        interval=measured[1] if measured else None,
        groups=_groups(view, fact),
        loss=validation.loss if validation else None,
        loss_finite=math.isfinite(validation.loss) if validation else None,
        test_accuracy=test.accuracy if test else None,
        loss_by_quarter=loss_by_quarter(fact.curve),
        validation_losses=tuple((e.epoch, e.loss) for e in fact.curve.evaluations if math.isfinite(e.loss)),
        diverged_step=fact.diverged_step,
        reason=fact.reason,
        checkpoint_of=trial.checkpoint_of,
        cost=TrialCost(**asdict(fact.cost)),
        tags=view.remark(trial.id).tags,
        note=view.remark(trial.id).note,
    )


def _groups(view: View, fact: TrialFact) -> dict[str, float] | None:
    names, scores = view.facts.data.groups, fact.scores()
    if not names or scores is None or len(names) != len(scores) or not view.scale.is_by_example:
        return None
    labels = np.array(names)
    return {str(name): float(scores[labels == name].mean()) for name in sorted(set(names))}


def _round(view: View, number: int, kind: RoundKind) -> RoundResult:
    rows = [row for row in view.rows(number) if not row[0].trial.purpose.only_chooses]
    return RoundResult(
        round=number, kind=kind, rows=tuple(each for row in rows for each in _accuracy(view, row, view.split_of(row)))
    )


def _accuracy(view: View, facts: Sequence[TrialFact], split: str) -> list[AccuracyResult]:
    """The trials of one configuration together; nothing where none trained."""
    measured = view.accuracy(facts, split)
    if measured is None:
        return []
    mean, interval = measured
    ids = tuple(fact.trial.id for fact in facts)
    key = facts[0].trial.effective.key
    loss = view.loss(facts, split)
    return [AccuracyResult(key=key, trials=ids, split=split, accuracy=mean, interval=interval, loss=loss)]


def _finding(f: Finding, margin: float, exchanged: tuple[int, int] | None) -> FindingResult:
    return FindingResult(
        claim=f.label,
        kind=f.kind,
        round=f.round,
        round_kind=f.round_kind,
        split=f.split,
        factor=f.factor,
        family=f.family,
        treatment=f.treatment_key or None,
        control=f.control_key or None,
        effect=f.effect,
        effect_defined=math.isfinite(f.effect),
        interval=f.interval,
        interval_level=1 - f.alpha,
        margin=margin,
        plain_interval_95=f.plain_interval,
        p_raw=f.p_raw,
        p_adjusted=f.p_adjusted,
        alpha=f.alpha,
        verdict=f.verdict,
        provisional=f.provisional,
        standard_error=f.standard_error,
        degrees_of_freedom=f.degrees_of_freedom,
        loss_effect=f.loss_effect,
        loss_interval=f.loss_interval,
        witnesses_disagree=f.witnesses_disagree,
        p_mcnemar=f.p_mcnemar,
        examples_needed=f.examples_needed,
        seeds_needed=f.seeds_needed,
        examples_gained=exchanged[0] if exchanged else None,
        examples_lost=exchanged[1] if exchanged else None,
        evidence=Evidence(treatment=f.treatment_trials, control=f.control_trials),
        levels=f.levels,
        warnings=f.warnings,
    )


def _reference(view: View) -> ReferenceResult:
    base = next((f for f in view.references if "validation" in f.outcomes), None)
    outcomes = base.outcomes["validation"] if base else None
    return ReferenceResult(
        base_accuracy=outcomes.accuracy if outcomes else None,
        base_loss=outcomes.loss if outcomes else None,
        commonest_answer_accuracy=view.facts.data.score_of_commonest if view.judges_answers else None,
    )


def _best(view: View) -> BestResult | None:
    best = view.conclusions.best
    if best is None:
        return None
    return BestResult(
        key=best.key,
        configuration=_configuration(view, best.key),
        trials=best.trials,
        chosen_by=best.chosen_by,
        accuracy_raw=best.raw,
        accuracy_corrected=best.corrected,
        corrected_interval=best.corrected_interval,
    )


def _cheapest(view: View) -> CheapestResult | None:
    c = view.conclusions.cheapest
    if c is None:
        return None
    return CheapestResult(
        key=c.key,
        configuration=_configuration(view, c.key),
        candidate=c.candidate,
        candidate_configuration=_configuration(view, c.candidate),
        may_be_worse_by=c.may_be_worse_by,
        cost_ratio=c.cost_ratio,
    )


def _savings(view: View) -> SavingsResult:
    by_count, price, in_a_row = counts(view), view.spec.price_per_hour, one_by_one(view)
    return SavingsResult(
        folded_trials=by_count["folded"],
        checkpoint_trials=by_count["checkpoints"],
        trained_trials=by_count["trained"],
        broken_trials=by_count["broke"],
        failed_trials=by_count["failed"],
        raw_tokens=sum(f.cost.raw_tokens for f in view.final),
        computed_tokens=sum(f.cost.computed_tokens for f in view.final),
        seconds=view.history.spent_seconds,
        one_by_one_seconds=in_a_row.peft if in_a_row is not None else None,
        price=None if price is None else price * view.history.spent_seconds / 3600,
    )


def _configuration(view: View, key: str | None) -> dict[str, Any] | None:
    configuration: Configuration | None = view.configurations.get(key) if key else None
    return configuration.as_dict() if configuration else None
