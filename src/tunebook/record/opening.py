"""The opening of the record: the answer in a few sentences, and the table of facts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tunebook.core.findings import DivergenceBracket, Finding, StudyFindings, Verdict
from tunebook.core.notice import Notice
from tunebook.core.study import PROCESSOR_TIME, ContrastKind, TrialState
from tunebook.escaping import clean, one_line
from tunebook.record.cost import one_by_one, relative_work, trial_cost
from tunebook.record.view import View
from tunebook.words import Words
from tunebook.words.numbers import value
from tunebook.words.values import Aim, Edge, Gain, Price, Spent

__all__ = [
    "aim",
    "answer",
    "boundary_sentence",
    "control_name",
    "counts",
    "fact_rows",
    "is_baseline",
    "name",
    "open_items",
    "retuned_rate",
    "sides",
    "simulated",
    "status",
]

OPENING_ITEMS = 3
"""Number of unknowns named in the opening; the section lists all."""


def status(view: View, words: Words) -> str:
    """The sentence that the study is not finished, or nothing."""
    if not view.trials:
        return words.nothing_yet()
    confirmed = view.conclusions.confirmation is not None
    waiting = [f for f in view.trials if not f.state.is_final]
    more_to_come = bool(view.outlook and view.outlook.rounds)
    if waiting or (more_to_come and not confirmed):
        return words.in_progress(len(view.final), len(view.trials))
    return ""


def simulated(view: View, words: Words) -> str:
    """The sentence that the engine trained nothing, or nothing."""
    return words.simulated(view.spec.engine) if view.is_simulated else ""


def aim(view: View, words: Words) -> str:
    """What the study is for: metric, model, the factors that are varied with their values, and the budget."""
    spec = view.spec
    factors = []
    for factor in spec.space.factors:
        levels = [factor.low, factor.high] if factor.is_range else list(factor.levels)
        shown = [value(factor.name, level) for level in levels]
        factors.append(
            (factor.name, words.span(shown[0], shown[1]) if factor.is_range else words.label("enum_gap").join(shown))
        )
    score = not view.scale.counts_right_answers
    model = str(view.facts.model.get("name") or spec.model)
    return words.aim(
        Aim(
            metric=spec.metric,
            model=model,
            is_score=score,
            factors=tuple(factors),
            trials=spec.budget.trials,
            hours=spec.budget.hours,
        )
    )


def answer(view: View, words: Words) -> tuple[str, ...]:
    """What to use, what it gains, what is as good and cheaper, and what is not known: one paragraph each."""
    conclusions = view.conclusions
    if conclusions.best is None or not view.has_comparison:
        return () if not view.trials else (_not_compared_yet(view, words),)
    is_baseline = conclusions.best.key == view.baseline_key
    first = [words.use_best(_settings(view, words, conclusions.best.key), conclusions.best.chosen_by, is_baseline)]
    if not is_baseline:
        first += _gain_sentences(view, words)
    elif conclusions.best.key in conclusions.accuracies:
        first.append(
            words.corrected_accuracy(
                conclusions.best.raw, conclusions.best.corrected, conclusions.best.corrected_interval
            )
        )
    text = words.join(first)
    paragraphs = [words.capital(text)]
    cheaper = _cheaper(view, words, conclusions)
    items = open_items(view, words)
    if cheaper:
        paragraphs.append(cheaper)
    if items:
        paragraphs.append(words.not_known(items))
    return tuple(paragraphs)


def _not_compared_yet(view: View, words: Words) -> str:
    """What is known while no round has been judged: the baseline's accuracy, if it has one."""
    accuracy = view.accuracy(view.replicates(view.baseline_key))
    return words.nothing_yet() if accuracy is None else words.nothing_compared_yet(words.accuracy(*accuracy))


def open_items(view: View, words: Words) -> list[str]:
    """What is not known, as clauses: factors below the noise, open comparisons of the best configuration, interactions;
    at most `OPENING_ITEMS` of them, followed by what is too small to be detected."""
    conclusions = view.conclusions
    items = [
        words.unknown_factor(words.factor_phrase(i.factor), i.nothing_above)
        for i in conclusions.importance
        if not i.ranked
    ]
    best = conclusions.best.key if conclusions.best else None
    for finding in view.findings():
        if (
            finding.verdict is Verdict.INCONCLUSIVE
            and finding.kind is ContrastKind.DIFFERENCE
            and finding.treatment_key == best
            and finding.control_key != view.baseline_key
        ):
            items.append(
                words.unknown_contrast(
                    name(view, words, finding.treatment_key), finding, control_name(view, words, finding.control_key)
                )
            )
    items.append(words.unknown_pairs(sum(not i.known for i in conclusions.interactions)))
    unseen = min(conclusions.noise.smallest_detectable_effect.values(), default=0.0)
    return [*list(filter(None, items))[:OPENING_ITEMS], *([words.unseen(unseen)] if unseen else [])]


def name(view: View, words: Words, key: str) -> str:
    """A configuration in words: its differences from the baseline."""
    if key == view.baseline_key:
        return words.label("the_baseline")
    configuration = view.configurations.get(key)
    return words.changes(configuration, view.spec.baseline) if configuration else key


def control_name(view: View, words: Words, key: str) -> str:
    """The other side of a comparison in words. The baseline at another learning rate is still called the baseline
    (decision 053)."""
    rate = retuned_rate(view, key)
    return words.baseline_at(rate) if rate is not None else name(view, words, key)


def sides(view: View, words: Words, finding: Finding, alone: bool = True) -> tuple[str, str]:
    """What a finding compares with what: two configurations, or two levels of a balanced design.

    Args:
        alone: whether the sentence has to say for itself that the other settings are averaged over.
    """
    if not finding.kind.is_fitted or finding.factor is None:
        return name(view, words, finding.treatment_key), control_name(view, words, finding.control_key)
    factor = finding.factor
    if len(finding.levels) < 2:
        what, against = words.factor(factor), words.label("their_ends")
    elif finding.kind is ContrastKind.CURVATURE:
        low, high = (value(factor, level) for level in finding.levels)
        what, against = words.middle_of(factor, low, high), words.label("their_ends")
    else:
        what, against = words.setting(factor, finding.levels[1]), words.setting(factor, finding.levels[0])
    return (words.on_average(what) if alone else what), against


def is_baseline(view: View, key: str) -> bool:
    """Whether it is the baseline, possibly at another learning rate."""
    return key == view.baseline_key or retuned_rate(view, key) is not None


def retuned_rate(view: View, key: str) -> float | None:
    """The learning rate of a configuration that differs from the baseline only in its rate; None for any other."""
    configuration = view.configurations.get(key)
    if configuration is None or set(configuration.changes_from(view.spec.baseline)) != {"learning_rate"}:
        return None
    return configuration.learning_rate


def boundary_sentence(view: View, words: Words) -> str:
    """Where training breaks, with the settings that the trials of the bracket share; empty when it was not tested."""
    boundary = view.conclusions.boundary
    if boundary is None:
        return ""
    rate = view.spec.baseline.learning_rate
    shared = {
        view.history.trials[i].trial.configuration.with_values(learning_rate=rate)
        for i in boundary.trials
        if i in view.history.trials
    }
    where = words.changes(shared.pop(), view.spec.baseline) if len(shared) == 1 else ""
    return words.bracket(boundary, _edge(view, boundary), "" if where == words.label("baseline") else where)


def _edge(view: View, boundary: DivergenceBracket) -> Edge:
    facts = [view.history.trials[i] for i in boundary.trials if i in view.history.trials]

    def trained_at(wanted: Callable[[float], bool]) -> list[bool]:
        return [f.state.did_train for f in facts if wanted(f.trial.effective.learning_rate)]

    low, high = boundary.highest_trained, boundary.lowest_failed
    beyond = trained_at(lambda rate: rate > low if high is None else rate == high)
    return Edge(sum(trained_at(lambda rate: rate == low)), len(beyond) - sum(beyond), len(beyond))


def fact_rows(view: View, words: Words) -> tuple[tuple[str, str], ...]:
    """The table below the answer: device, versions, model, data, reference, noise, detectable effects, cost."""
    found, spec = view.conclusions, view.spec
    rows = [
        ("device", _device(view, words)),
        ("versions", _versions(view, words)),
        ("model", _model(view, words)),
        ("data", words.data_fact(_data(view, words))),
        ("metric", _metric(view)),
        ("plugins", _plugins(view, words)),
        ("reference", words.reference_fact(*_reference(view))),
        ("noise", words.noise_fact(found.noise.seed_deviation, found.noise.degrees_of_freedom, found.noise.from_prior)),
        (
            "detectable",
            words.detectable_fact(found.noise.smallest_detectable_effect, found.noise.smallest_margin, spec.margin)
            if view.has_comparison
            else "",
        ),
        ("reading", words.reading_fact()),
        ("error", words.error_fact(spec.design)),
        ("alpha", words.alpha_fact(spec.alpha_rule) if spec.space.get("lora_r") else ""),
        ("cost", words.cost_fact(_spent(view)) if view.trials else ""),
        ("defaults", _defaults(view, words)),
    ]
    return tuple((words.label(label), text) for label, text in rows if text)


def counts(view: View) -> dict[str, int]:
    """Numbers of trials: in all, trained, folded, checkpoints, failed, cancelled."""
    checkpoints = sum(f.trial.checkpoint_of is not None for f in view.final)
    folded = sum(
        fold.saved_trials for wave in view.history.waves for fold in wave.folds if "checkpoint" not in fold.reasons
    )
    failed = sum(f.state is TrialState.FAILED for f in view.final)
    cancelled = sum(f.state is TrialState.CANCELLED for f in view.final)
    trained = len(view.final) - checkpoints - failed - cancelled
    return {
        "all": len(view.final) + folded,
        "trained": trained,
        "folded": folded,
        "checkpoints": checkpoints,
        "failed": failed,
        "cancelled": cancelled,
    }


def _settings(view: View, words: Words, key: str) -> str:
    return words.settings(view.configurations.get(key, view.spec.baseline))


def _gain_sentences(view: View, words: Words) -> list[str]:
    conclusions = view.conclusions
    assert conclusions.best is not None
    right = view.scale.counts_right_answers
    finding = view.told_apart(conclusions.best.key)
    sentences: list[str] = []
    if finding is not None and finding.split == "test":
        unused = not view.spec.data.allow_overlap
        gain = _gain(view, finding)
        before = _shown_before(view, finding)
        earlier = words.shown_before(words.round_heading(before.round, before.round_kind)) if before else ""
        return [words.confirmed_gain(gain, right, unused), earlier]
    if finding is not None:
        sentences.append(words.validation_gain(_gain(view, finding), right))
    sentences.append(
        words.corrected_accuracy(conclusions.best.raw, conclusions.best.corrected, conclusions.best.corrected_interval)
    )
    sentences.append(words.not_confirmed(view.facts.data.n_test > 0))
    return sentences


def _shown_before(view: View, confirmed: Finding) -> Finding | None:
    """The latest finding on validation that the confirmation on the test split does not support."""
    if confirmed.verdict is Verdict.BETTER:
        return None
    shown = [
        f
        for f in view.findings()
        if f.verdict is Verdict.BETTER
        and (f.treatment_key, f.control_key) == (confirmed.treatment_key, confirmed.control_key)
    ]
    return shown[-1] if shown else None


def _gain(view: View, finding: Finding) -> Gain:
    mine = view.accuracy(
        [view.history.trials[i] for i in finding.treatment_trials if i in view.history.trials], finding.split
    )
    theirs = view.accuracy(
        [view.history.trials[i] for i in finding.control_trials if i in view.history.trials], finding.split
    )
    base = theirs[0] if theirs else float("nan")
    n = view.facts.data.n_test if finding.split == "test" else view.facts.data.n_validation
    return Gain(
        accuracy=mine[0] if mine else float("nan"),
        baseline_accuracy=base,
        effect=finding.effect,
        interval=finding.interval,
        level=1 - finding.alpha,
        relative=finding.effect / base if base > 0 else None,
        n_examples=n,
        seeds=(len(finding.treatment_trials), len(finding.control_trials)),
        told_apart=finding.verdict in (Verdict.BETTER, Verdict.WORSE),
        provisional=finding.provisional,
    )


def _cheaper(view: View, words: Words, conclusions: StudyFindings) -> str:
    cheapest, best = conclusions.cheapest, conclusions.best
    if best is None or best.key == view.baseline_key:
        return ""
    if cheapest is None:
        return words.nothing_cheaper_near(view.spec.margin)
    if cheapest.key == best.key:
        return words.cheapest_is_best()
    if cheapest.key is not None:
        price = _price(view, cheapest.key, best.key)
        return words.cheaper(control_name(view, words, cheapest.key), view.spec.margin, price)
    if cheapest.candidate is not None and cheapest.candidate != best.key:
        price = _price(view, cheapest.candidate, best.key)
        what = control_name(view, words, cheapest.candidate)
        return words.not_shown_as_good(what, cheapest.may_be_worse_by, price)
    return ""


def _price(view: View, key: str, best: str) -> Price:
    mine, its = (relative_work(view, each) for each in (key, best))
    ratio = mine / its if mine and its else None
    return Price(ratio, trial_cost(view, key).adapter_bytes, trial_cost(view, best).adapter_bytes)


def _spent(view: View) -> Spent:
    seconds, price = view.history.spent_seconds, view.spec.price_per_hour
    steps = [view.total_steps(f.trial) or 0 for f in view.final if f.trial.has_training]
    return Spent(
        counts=counts(view),
        steps=sum(steps),
        computed_tokens=sum(f.cost.computed_tokens for f in view.final),
        raw_tokens=sum(f.cost.raw_tokens for f in view.final),
        seconds=seconds,
        processor_seconds=sum(float(v["seconds"]) for code, v in view.notes if code == PROCESSOR_TIME),
        one_by_one=one_by_one(view),
        price=None if price is None else price * seconds / 3600,
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
        "split_off": summary.get("validation_from") == "train",
        "truncated": cut,
        "length": length,
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
    options = [f"{name}: {option}" for name, option in view.spec.metric_options]
    options += ["per token"] if view.spec.per_token else []
    return clean(view.spec.metric + (f" ({', '.join(options)})" if options else ""))


def _plugins(view: View, words: Words) -> str:
    """What the study takes from other packages than tunebook."""
    found = view.facts.environment.get("plugins") or ()
    each = [words.plugin(p["kind"], clean(p["name"]), clean(f"{p['package']} {p['version']}".strip())) for p in found]
    return words.label("list_gap").join(each)


def _reference(view: View) -> tuple[float | None, float | None, str | None]:
    base = next((f.outcomes["validation"].accuracy for f in view.references if "validation" in f.outcomes), None)
    golds = [example.gold for example in view.examples("validation")]
    counted = Counter(golds)
    commonest = max(sorted(counted), key=lambda gold: counted[gold]) if golds else None
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
