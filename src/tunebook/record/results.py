"""results.json: the record for programs. Numbers are not rounded; the schema is shipped with the package and
documented.

JSON has no NaN: a number that is not finite is null, and `loss_finite` or `effect_defined` next to it says so.
"""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import Any

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import TrialFact
from tunebook.core.findings import DivergenceBracket, Finding, Importance, Interaction, Noise
from tunebook.core.study import TrialState
from tunebook.escaping import clean
from tunebook.record.opening import calibration, counts
from tunebook.record.view import View

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
    conclusions = view.conclusions
    return {
        "schema_version": SCHEMA_VERSION,
        "study": _study(view),
        "device": {k: _plain(v) for k, v in view.facts.environment.items() if k != "versions"},
        "versions": {k: _plain(v) for k, v in dict(view.facts.environment.get("versions") or {}).items()},
        "data": _data(view),
        "reference": _reference(view),
        "noise": _noise(conclusions.noise),
        "trials": [_trial(view, fact) for fact in view.trials],
        "findings": [_finding(finding) for finding in conclusions.findings],
        "best": _best(view),
        "cheapest_as_good": _cheapest(view),
        "tie_set": [{"key": k, "configuration": _configuration(view, k)} for k in conclusions.tie_set],
        "importance": [_importance(i) for i in conclusions.importance],
        "interactions": [_interaction(i) for i in conclusions.interactions],
        "sweet_spots": [
            {"factor": s.factor, "low": s.low, "high": s.high, "best": s.best, "fitted": s.fitted}
            for s in conclusions.sweet_spots
        ],
        "boundary": _boundary(conclusions.boundary),
        "confirmation": _confirmation(view),
        "savings": _savings(view),
    }


def _study(view: View) -> dict[str, Any]:
    spec = view.spec
    return {
        "name": clean(spec.name),
        "model": clean(spec.model),
        "metric": clean(spec.metric),
        "seed": spec.seed,
        "engine": spec.engine,
        "margin": spec.margin,
        "alpha_rule": spec.alpha_rule,
        "baseline": spec.baseline.as_dict(),
        "baseline_key": view.baseline_key,
        "budget": {"trials": spec.budget.trials, "hours": spec.budget.hours},
        "seeds": {"configuration": spec.seeds.configuration, "baseline": spec.seeds.baseline},
        "space": {
            f.name: {"levels": _levels(f.levels)} if not f.is_range else {"low": f.low, "high": f.high}
            for f in spec.space.factors
        },
    }


def _data(view: View) -> dict[str, Any]:
    facts = view.facts
    return {
        "n_train": facts.data.n_train,
        "n_validation": facts.data.n_validation,
        "n_test": facts.data.n_test,
        "longest_tokens": facts.data.longest_tokens,
        "hashes": dict(facts.hashes),
        "summary": _plain(facts.summary),
        "model": _plain(facts.model),
    }


def _noise(noise: Noise) -> dict[str, Any]:
    return {
        "seed_deviation": noise.seed_deviation,
        "degrees_of_freedom": _finite(noise.degrees_of_freedom),
        "from_prior": noise.from_prior,
        "smallest_detectable_effect": _plain(noise.smallest_detectable_effect),
        "smallest_margin": _finite(noise.smallest_margin),
        "loss_deviation": _finite(noise.loss_deviation),
    }


def _importance(i: Importance) -> dict[str, Any]:
    return {
        "factor": i.factor,
        "share": _finite(i.share),
        "rank": i.rank if i.ranked else None,
        "rank_interval": list(i.rank_interval) if i.ranked else None,
        "first_share": _finite(i.first_share),
        "ranked": i.ranked,
        "nothing_above": _finite(i.nothing_above),
        "levels": _levels(i.levels),
    }


def _interaction(i: Interaction) -> dict[str, Any]:
    return {
        "factors": list(i.factors),
        "known": i.known,
        "effect": _finite(i.effect),
        "interval": _interval(i.interval),
    }


def _boundary(bracket: DivergenceBracket | None) -> dict[str, Any] | None:
    if bracket is None:
        return None
    return {
        "highest_trained": bracket.highest_trained,
        "lowest_failed": bracket.lowest_failed,
        "trials": list(bracket.trials),
        "how": bracket.how,
        "mixed": bracket.mixed,
    }


def _trial(view: View, fact: TrialFact) -> dict[str, Any]:
    trial, cost = fact.trial, fact.cost
    validation, test = fact.outcomes.get("validation"), fact.outcomes.get("test")
    measured = view.accuracy([fact]) if fact.state is TrialState.COMPLETED else None
    return {
        "id": trial.id,
        "round": trial.round,
        "kind": trial.kind.value,
        "purpose": trial.purpose.value,
        "factor": trial.factor,
        "configuration": trial.configuration.as_dict(),
        "effective_configuration": trial.effective.as_dict(),
        "key": trial.effective.key,
        "seed": trial.seed,
        "state": fact.state.value,
        "accuracy": validation.accuracy if validation else None,
        "interval": _interval(measured[1]) if measured else None,
        "groups": _groups(view, fact),
        "loss": _finite(validation.loss) if validation else None,
        "loss_finite": math.isfinite(validation.loss) if validation else None,
        "test_accuracy": test.accuracy if test else None,
        "diverged_step": fact.diverged_step,
        "reason": fact.reason,
        "checkpoint_of": trial.checkpoint_of,
        "cost": {
            "train_seconds": cost.train_seconds,
            "score_seconds": cost.score_seconds,
            "raw_tokens": cost.raw_tokens,
            "computed_tokens": cost.computed_tokens,
            "peak_bytes": cost.peak_bytes,
            "adapter_bytes": cost.adapter_bytes,
        },
    }


def _groups(view: View, fact: TrialFact) -> dict[str, float] | None:
    names, scores = view.facts.data.groups, fact.scores()
    if not names or scores is None or len(names) != len(scores):
        return None
    labels = np.array(names)
    return {str(name): float(scores[labels == name].mean()) for name in sorted(set(names))}


def _finding(f: Finding) -> dict[str, Any]:
    return {
        "claim": f.label,
        "kind": f.kind.value,
        "round": f.round,
        "round_kind": f.round_kind.value,
        "split": f.split,
        "factor": f.factor,
        "family": f.family,
        "treatment": f.treatment_key,
        "control": f.control_key,
        "effect": _finite(f.effect),
        "effect_defined": math.isfinite(f.effect),
        "interval": _interval(f.interval),
        "interval_level": 1 - f.alpha,
        "plain_interval_95": _interval(f.plain_interval),
        "p_raw": _finite(f.p_raw),
        "p_adjusted": _finite(f.p_adjusted),
        "alpha": f.alpha,
        "verdict": f.verdict.value,
        "provisional": f.provisional,
        "standard_error": _finite(f.standard_error),
        "degrees_of_freedom": _finite(f.degrees_of_freedom),
        "loss_effect": _finite(f.loss_effect),
        "loss_interval": _interval(f.loss_interval),
        "witnesses_disagree": f.witnesses_disagree,
        "p_mcnemar": _finite(f.p_mcnemar),
        "examples_needed": f.examples_needed,
        "seeds_needed": f.seeds_needed,
        "evidence": {"treatment": list(f.treatment_trials), "control": list(f.control_trials)},
        "warnings": list(f.warnings),
    }


def _reference(view: View) -> dict[str, Any]:
    base = next((f for f in view.references if "validation" in f.outcomes), None)
    outcomes = base.outcomes["validation"] if base else None
    return {
        "base_accuracy": outcomes.accuracy if outcomes else None,
        "base_loss": _finite(outcomes.loss) if outcomes else None,
        "commonest_answer_accuracy": view.facts.data.commonest_share,
    }


def _best(view: View) -> dict[str, Any] | None:
    best = view.conclusions.best
    if best is None:
        return None
    return {
        "key": best.key,
        "configuration": _configuration(view, best.key),
        "trials": list(best.trials),
        "chosen_by": best.chosen_by,
        "accuracy_raw": _finite(best.raw),
        "accuracy_corrected": _finite(best.corrected),
        "corrected_interval": _interval(best.corrected_interval),
    }


def _cheapest(view: View) -> dict[str, Any] | None:
    c = view.conclusions.cheapest
    if c is None:
        return None
    return {
        "key": c.key,
        "configuration": _configuration(view, c.key),
        "candidate": c.candidate,
        "candidate_configuration": _configuration(view, c.candidate),
        "may_be_worse_by": _finite(c.may_be_worse_by),
        "cost_ratio": _finite(c.cost_ratio),
    }


def _confirmation(view: View) -> dict[str, Any] | None:
    c = view.conclusions.confirmation
    if c is None:
        return None
    return {
        "n_examples": c.n_examples,
        "keys": dict(c.keys),
        "accuracies": {role: _finite(a) for role, a in c.accuracies.items()},
        "intervals": {role: _interval(i) for role, i in c.intervals.items()},
        "gain": _finite(c.gain),
        "gain_interval": _interval(c.gain_interval),
    }


def _savings(view: View) -> dict[str, Any]:
    raw = sum(f.cost.raw_tokens for f in view.final)
    computed = sum(f.cost.computed_tokens for f in view.final)
    by_count = counts(view)
    return {
        "folded_trials": by_count["folded"],
        "checkpoint_trials": by_count["checkpoints"],
        "trained_trials": by_count["trained"],
        "failed_trials": by_count["failed"],
        "raw_tokens": raw,
        "computed_tokens": computed,
        "seconds": view.history.spent_seconds,
        "one_by_one_seconds": _finite(calibration(view).get("one_by_one_seconds")),
    }


def _configuration(view: View, key: str | None) -> dict[str, Any] | None:
    configuration: Configuration | None = view.configurations.get(key) if key else None
    return configuration.as_dict() if configuration else None


def _finite(x: float | None) -> float | None:
    return None if x is None or not math.isfinite(x) else float(x)


def _interval(interval: tuple[float, float] | None) -> list[float | None] | None:
    return None if interval is None else [_finite(interval[0]), _finite(interval[1])]


def _levels(levels: Any) -> list[Any]:
    return [_plain(level) for level in levels]


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, dict):
        return {clean(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return clean(str(value))
