"""The facts of a study: device, versions, model, data, reference, noise, detectable effects, cost. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tunebook.core.notice import Notice
from tunebook.core.study import PROCESSOR_TIME, TrialState, time_ahead
from tunebook.escaping import clean, one_line
from tunebook.record.cost import one_by_one
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.values import Spent

__all__ = ["cost_sentence", "counts", "method_rows", "reference", "setting_rows", "sure_rows", "untrained"]


Rows = tuple[tuple[str, str], ...]

_UNJUDGED = (TrialState.FAILED, TrialState.CANCELLED, TrialState.STOPPED)


def setting_rows(view: View, words: Words) -> Rows:
    """What the answer is about: model, data, metric, and what is reached without training."""
    rows = [
        ("model", _model(view, words)),
        ("data", words.data_fact(_data(view, words))),
        ("metric", _metric(view) if view.spec.metric_options or view.spec.per_token else ""),
        ("plugins", _plugins(view, words)),
        ("reference", words.reference_fact(*reference(view), on_test=untrained(view, "test"))),
        ("answers_failed", words.join([words.answers_failed(*each) for each in _failures(view)])),
    ]
    return _labelled(words, rows)


def sure_rows(view: View, words: Words) -> Rows:
    """All statistics in one place: noise, detectable effects, how to read intervals, the error rate."""
    found, spec = view.conclusions, view.spec
    rank_varies = spec.space.get("lora_r") is not None and len(view.levels_tried("lora_r")) > 1
    rows = [
        ("noise", words.noise_fact(found.noise.seed_deviation, found.noise.degrees_of_freedom, found.noise.from_prior)),
        (
            "detectable",
            words.detectable_fact(found.noise.smallest_detectable_effect, found.noise.smallest_margin, spec.margin)
            if view.has_comparison and view.findings()
            else "",
        ),
        ("reading", words.reading_fact()),
        ("error", words.error_fact(spec.layout, _outside(view))),
        ("alpha", words.alpha_fact(spec.alpha_rule) if rank_varies else ""),
    ]
    return _labelled(words, rows)


def method_rows(view: View, words: Words) -> Rows:
    """The machine, the versions, and what the study file left to the defaults."""
    known = {"device": _device, "versions": _versions, "defaults": _defaults}
    return _labelled(words, [(label, text(view, words)) for label, text in known.items()])


def cost_sentence(view: View, words: Words) -> str:
    """What the whole study cost."""
    return words.cost_fact(_spent(view)) + words.label("stop") if view.trials else ""


def _labelled(words: Words, rows: list[tuple[str, str]]) -> Rows:
    return tuple((words.label(label), text) for label, text in rows if text)


def _failures(view: View) -> list[tuple[str, int, dict[str, int]]]:
    """Of the baseline and of the best, or of what leads where nothing was learned, how many answers failed in which
    way, where the metric told it; with the number of answers."""
    told = {int(values["trial"]): values["counts"] for code, values in view.notes if code == "answers_failed"}
    found = []
    best, nothing = view.conclusions.best, view.conclusions.nothing_learned
    leads = ("leg_best", best.key) if best else ("leads_role", nothing.key) if nothing else None
    for role, key in filter(None, [("baseline", view.baseline_key), leads]):
        facts = [f for f in view.trials if f.trial.effective.key == key and f.trial.id in told]
        counts: Counter[str] = Counter()
        for fact in facts:
            counts.update(told[fact.trial.id])
        if facts:
            found.append((role, sum(len(f.outcomes["validation"].scores) for f in facts), dict(counts.most_common())))
    return found


def _outside(view: View) -> tuple[int, ...]:
    """The rounds whose findings are outside the study's error rate: trials of the user's own, and further rounds of a
    kind after the budget was raised."""
    return tuple(sorted({f.round for f in view.history.findings if "exploratory" in f.warnings}))


def counts(view: View) -> dict[str, int]:
    """Numbers of trials: in all, and of these each once: checkpoints of longer trials, failed, cancelled, stopped, that
    did not train (see `core.divergence.how_it_ended`), trained; and of those that were folded, which are none."""
    found = dict.fromkeys(("trained", "broke", "checkpoints", "failed", "cancelled", "stopped"), 0)
    for fact in view.final:
        if fact.trial.checkpoint_of is not None:
            found["checkpoints"] += 1
        elif fact.state in _UNJUDGED:
            found[fact.state.value] += 1
        else:
            found["broke" if view.evidence.how_it_ended(fact) is not None else "trained"] += 1
    folded = sum(
        fold.saved_trials for wave in view.history.waves for fold in wave.folds if "checkpoint" not in fold.reasons
    )
    return {"all": sum(found.values()), **found, "folded": folded}


def _spent(view: View) -> Spent:
    seconds, price = view.history.spent_seconds, view.spec.price_per_hour
    steps = [view.total_steps(f.trial) or 0 for f in view.final if f.trial.has_training]
    ahead_seconds, n_taken_ahead = time_ahead(view.notes)
    return Spent(
        counts=counts(view),
        steps=sum(steps),
        computed_tokens=0 if view.counts_words else sum(f.cost.computed_tokens for f in view.final),
        raw_tokens=0 if view.counts_words else sum(f.cost.raw_tokens for f in view.final),
        seconds=seconds,
        processor_seconds=sum(float(v["seconds"]) for code, v in view.notes if code == PROCESSOR_TIME),
        ahead_seconds=ahead_seconds,
        n_taken_ahead=n_taken_ahead,
        one_by_one=one_by_one(view),
        price=None if price is None else price * seconds / 3600,
        is_simulated=view.is_simulated,
    )


def _device(view: View, words: Words) -> str:
    e = view.facts.environment
    memory = float(e["memory_bytes"]) if e.get("memory_bytes") else None
    return words.device_fact(str(e.get("device_name") or e.get("device") or ""), memory, str(e.get("system") or ""))


def _versions(view: View, words: Words) -> str:
    e = view.facts.environment
    known = {"Python": e.get("python"), **dict(e.get("versions") or {})}
    return clean(words.comma.join(f"{library} {version}" for library, version in known.items() if version))


def _model(view: View, words: Words) -> str:
    m = view.facts.model
    name, revision, quantization, dtype = (
        str(m.get(key) or "") for key in ("name", "revision", "quantization", "dtype")
    )
    parameters = float(m["parameters"]) if m.get("parameters") else None
    return words.model_fact(name or view.spec.model, revision, parameters, quantization, dtype, view.spec.engine)


def _data(view: View, words: Words) -> dict[str, Any]:
    d, summary = view.facts.data, view.facts.summary
    rows = summary.get("rows", {}).get("train", {})
    length = view.spec.baseline.max_length
    cut = summary.get("by_max_length", {}).get(str(length), {}).get("truncated", 0)
    return {
        "used": d.n_train,
        "read": rows.get("read"),
        "seed": view.spec.seed,
        "validation": d.n_validation,
        "test": d.n_test,
        "overlap": view.spec.data.allow_overlap,
        "longest": d.longest_tokens,
        "task": summary.get("task"),
        "split_off": summary.get("validation_from") == "train",
        "truncated": cut,
        "length": length,
        "in_words": view.counts_words,
        "warnings": _warnings(summary.get("warnings"), words),
    }


def _warnings(kept: Any, words: Words) -> list[str]:
    """What the terminal warned of, as sentences; without those that another version of the ledger alone knows."""
    sentences = []
    for each in kept or ():
        try:
            sentences.append(one_line(words.notice(Notice.from_json(each))))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return sentences


def _metric(view: View) -> str:
    options = [
        f"{name}: {option if isinstance(option, str) else json.dumps(option, ensure_ascii=False)}"
        for name, option in view.spec.metric_options
    ]
    options += ["per token"] if view.spec.per_token else []
    return clean(view.spec.metric + (f" ({', '.join(options)})" if options else ""))


def _plugins(view: View, words: Words) -> str:
    """What the study takes from other packages than tunebook."""
    found = view.facts.environment.get("plugins") or ()
    each = [words.plugin(p["kind"], clean(p["name"]), clean(f"{p['package']} {p['version']}".strip())) for p in found]
    return words.label("list_gap").join(each)


def untrained(view: View, split: str) -> float | None:
    """The untrained model's accuracy on a split, where it was scored there."""
    return next((f.outcomes[split].accuracy for f in view.references if split in f.outcomes), None)


def reference(view: View) -> tuple[float | None, float | None, str | None]:
    """On validation: the untrained model's accuracy, and that of always giving the commonest answer, with it."""
    base = untrained(view, "validation")
    golds = [example.gold for example in view.examples("validation")]
    counted = Counter(golds)
    commonest = max(sorted(counted), key=lambda gold: counted[gold]) if golds else None
    if not view.judges_answers:
        return base, None, None
    score = view.facts.data.score_of_commonest
    if commonest is not None and view.scale.counts_right_answers:
        score = counted[commonest] / len(golds)
    return base, score, commonest if commonest is not None and len(commonest) <= 40 else None


def _defaults(view: View, words: Words) -> str:
    given = set(view.spec.baseline_given)
    if not given:
        return ""
    names = [words.setting(key, level) for key, level in view.spec.baseline.as_told().items() if key not in given]
    return words.defaults_fact(names) if names else ""
