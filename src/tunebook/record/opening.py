"""The opening of the record: the answer in a few sentences, and the table of facts. Pure."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.findings import Finding, NothingLearned, StudyFindings, Verdict
from tunebook.core.notice import Notice
from tunebook.core.study import PROCESSOR_TIME, ContrastKind, RoundKind, TrialState
from tunebook.escaping import clean, one_line
from tunebook.record.cost import one_by_one, relative_work, trial_cost
from tunebook.record.view import View
from tunebook.statistics.curves import loss_by_quarter, rose_again, still_falling
from tunebook.words import Words
from tunebook.words.numbers import value
from tunebook.words.values import Aim, Gain, Price, Spent

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
    "why",
]

MORE_TRAINING = {"learning_rate", "lora_r", "num_train_epochs"}
"""Changes that train a model further."""
NEAR_EDGE = 4.0
"""A learning rate within this ratio below one that failed is near the edge."""
MOST_CHOICES = 50
"""With at most so many distinct gold answers, choosing among them by likelihood is worth a try."""
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
    if conclusions.nothing_learned is not None:
        return _nothing_learned(view, words, conclusions.nothing_learned)
    if conclusions.best is None or not view.has_comparison:
        return () if not view.trials else (_not_compared_yet(view, words),)
    best = conclusions.best
    is_baseline = best.key == view.baseline_key
    first = [
        _failed_confirmation(view, words),
        words.keep_baseline(_settings(view, words, best.key), _was_shown_better(view))
        if is_baseline
        else words.use_best(_settings(view, words, best.key), best.chosen_by),
    ]
    first += _limits(view, words)
    first += _gain_sentences(view, words) if not is_baseline else [*_measured(view, words), _baseline(view, words)]
    paragraphs = [words.join([words.capital(sentence) for sentence in first])]
    reasons = [] if is_baseline else why(view, words)
    if reasons:
        paragraphs.append(words.why([words.capital(reason) for reason in reasons]))
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
    return [*list(filter(None, items))[:OPENING_ITEMS], *([words.unseen(unseen)] if 0 < unseen < 1 else [])]


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


def boundary_sentence(view: View, words: Words, number: int | None = None) -> str:
    """Where training breaks, with the settings that the trials of the bracket share; empty when it was not tested.

    Args:
        number: as it was known at the end of this round; None: as it is known now.
    """
    boundary = view.conclusions.boundary if number is None else view.boundary_after(number)
    if boundary is None:
        return ""
    rate = view.spec.baseline.learning_rate
    shared = {
        view.history.trials[i].trial.configuration.with_values(learning_rate=rate)
        for i in boundary.trials
        if i in view.history.trials
    }
    where = words.changes(shared.pop(), view.spec.baseline) if len(shared) == 1 else ""
    return words.bracket(boundary, "" if where == words.label("baseline") else where)


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
        ("error", words.error_fact(spec.design, _outside(view))),
        ("alpha", words.alpha_fact(spec.alpha_rule) if spec.space.get("lora_r") else ""),
        ("cost", words.cost_fact(_spent(view)) if view.trials else ""),
        ("defaults", _defaults(view, words)),
    ]
    return tuple((words.label(label), text) for label, text in rows if text)


def _outside(view: View) -> tuple[int, ...]:
    """The rounds whose findings are outside the study's error rate: trials of the user's own, and further rounds of a
    kind after the budget was raised."""
    return tuple(sorted({f.round for f in view.history.findings if "exploratory" in f.warnings}))


def counts(view: View) -> dict[str, int]:
    """Numbers of trials: in all, trained, folded, checkpoints, failed, cancelled, stopped."""
    checkpoints = sum(f.trial.checkpoint_of is not None for f in view.final)
    folded = sum(
        fold.saved_trials for wave in view.history.waves for fold in wave.folds if "checkpoint" not in fold.reasons
    )
    failed = sum(f.state is TrialState.FAILED for f in view.final)
    cancelled = sum(f.state is TrialState.CANCELLED for f in view.final)
    stopped = sum(f.state is TrialState.STOPPED for f in view.final)
    trained = len(view.final) - checkpoints - failed - cancelled - stopped
    return {
        "all": len(view.final) + folded,
        "trained": trained,
        "folded": folded,
        "checkpoints": checkpoints,
        "failed": failed,
        "cancelled": cancelled,
        "stopped": stopped,
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
        return [words.confirmed_gain(_gain(view, finding), right, not view.spec.data.allow_overlap)]
    if finding is not None:
        sentences.append(words.validation_gain(_gain(view, finding), right))
        sentences += _measured(view, words)
    else:
        sentences += _measured(view, words)
    sentences.append(words.not_confirmed(view.facts.data.n_test > 0))
    return sentences


def why(view: View, words: Words) -> list[str]:
    """Why the recommended configuration lies where it does, as sentences: what dropping each change costs, what the
    curves say, single-factor findings that point elsewhere, how near the edge it is."""
    best, evidence = view.conclusions.best, view.evidence
    configuration = view.configurations.get(best.key) if best is not None else None
    baseline = evidence.candidates.get(view.baseline_key)
    if best is None or configuration is None:
        return []
    neighbours = view.conclusions.neighbours
    dropped = [(words.setting(each.factor, each.level), each.effect, each.interval) for each in neighbours]
    changes = set(configuration.changes_from(view.spec.baseline)) - {"lora_alpha"}
    found = [words.dropped(dropped)] if dropped else []
    if not dropped and len(changes) > 1:
        found.append(words.nothing_dropped())
    quarters = [loss_by_quarter(f.curve) for f in baseline.trained if still_falling(f.curve)] if baseline else []
    if baseline and quarters and len(quarters) == len(baseline.trained) and changes & MORE_TRAINING:
        found.append(words.under_trained(quarters[0] or ()))
    turns = [rose_again(f.curve) for f in evidence.candidates[best.key].trained]
    if turns and all(turns):
        found.append(words.over_fitted((turns[0] or (0.0,))[0]))
    for spot in view.conclusions.sweet_spots:
        level = getattr(configuration, spot.factor)
        if len(changes) > 1 and isinstance(level, int | float) and not spot.low * 0.999 <= level <= spot.high * 1.001:
            low, high = (value(spot.factor, end) for end in (spot.low, spot.high))
            span = words.span(low, high) if low != high else low
            found.append(words.elsewhere_alone(words.setting(spot.factor, level), span))
    found.append(_near_the_edge(view, words, configuration))
    return [sentence for sentence in found if sentence]


def _near_the_edge(view: View, words: Words, configuration: Configuration) -> str:
    """How far below the rate that failed the recommended one lies, if the edge was looked for at its own settings."""
    boundary = view.conclusions.boundary
    if boundary is None or boundary.failed_at is None:
        return ""
    own = configuration.with_values(learning_rate=1.0)
    asked = [view.history.trials[i].trial.configuration for i in boundary.trials if i in view.history.trials]
    ratio = boundary.failed_at / configuration.learning_rate
    here = any(each.with_values(learning_rate=1.0) == own for each in asked)
    return words.near_edge(boundary.failed_at, ratio) if here and 1 < ratio <= NEAR_EDGE else ""


def _limits(view: View, words: Words) -> list[str]:
    """What must be said of a recommendation at once: values outside what the study file gives, a single seed."""
    best = view.conclusions.best
    configuration = view.configurations.get(best.key) if best is not None else None
    leads = view.evidence.leading
    if configuration is None or leads is None:
        return []
    outside = []
    for factor in view.spec.space.factors:
        level, own = getattr(configuration, factor.name), getattr(view.spec.baseline, factor.name)
        given = [factor.low, factor.high] if factor.is_range else list(factor.levels)
        numbers = [float(x) for x in given if isinstance(x, int | float)]
        if level == own or not isinstance(level, int | float) or not numbers or min(numbers) <= level <= max(numbers):
            continue
        ends = (value(factor.name, min(numbers)), value(factor.name, max(numbers)))
        outside.append((words.setting(factor.name, level), words.span(*ends)))
    one_seed = len(view.evidence.candidates[leads.key].trained) == 1
    return [words.outside_range(outside) if outside else "", words.one_seed() if one_seed else ""]


def _nothing_learned(view: View, words: Words, found: NothingLearned) -> tuple[str, ...]:
    """Instead of a recommendation: that nothing was shown to be learned, what would help, and what the loss says."""
    n_answers = len({example.gold for example in view.examples("validation")})
    may_choose = view.spec.metric != "choice" and 1 < n_answers <= MOST_CHOICES
    common = _reference(view)[2]
    by_loss = [
        (name(view, words, f.treatment_key), f.loss_effect, f.loss_interval)
        for f in sorted(view.findings(), key=lambda f: f.loss_effect or 0.0)
        if f.loss_effect is not None and f.loss_interval is not None and f.loss_interval[1] < 0 and f.treatment_key
    ]
    return (
        words.join(
            [
                words.capital(_failed_confirmation(view, words)),
                words.nothing_learned(_settings(view, words, found.key), found, view.facts.data.n_validation, common),
            ]
        ),
        words.join(
            [
                words.would_help(found, n_answers if may_choose else None),
                words.stopped_early() if _is_stopped(view) else "",
            ]
        ),
        words.by_loss(by_loss[:OPENING_ITEMS]) if by_loss else "",
    )


def _is_stopped(view: View) -> bool:
    """Whether the study ended after its first round because nothing was learned."""
    at_its_end = view.outlook is not None and not view.outlook.rounds and all(f.state.is_final for f in view.trials)
    return view.spec.floor == "ask" and at_its_end and len(view.rounds) == 1


def _was_shown_better(view: View) -> bool:
    """Whether a configuration was shown better than the baseline at any time, whatever became of it."""
    return any(
        f.verdict is Verdict.BETTER and f.treatment_key and f.control_key == view.baseline_key for f in view.findings()
    )


def _measured(view: View, words: Words) -> list[str]:
    """The recommended configuration's accuracy over the seeds that it was chosen by, then the same corrected. What a
    comparison says of it may be of other seeds, and then is another number."""
    best = view.conclusions.best
    if best is None or best.key not in view.conclusions.accuracies:
        return []
    n = len(view.evidence.leading.trained) if view.evidence.leading is not None else 0
    return [words.measured_accuracy(best.raw, n), words.corrected_accuracy(best.corrected, best.corrected_interval)]


def _baseline(view: View, words: Words) -> str:
    """How a baseline that led did with fresh seeds: against the runner-up, or against no training if there is none."""
    confirmation, on_test = view.conclusions.confirmation, view.evidence.confirm_split == "test"
    if confirmation is None or confirmation.outcome != "baseline" or "baseline" not in confirmation.accuracies:
        return ""
    finding = view.evidence.confirm_finding("runner_up")
    if finding is not None:
        what = control_name(view, words, finding.treatment_key)
        unused = on_test and not view.spec.data.allow_overlap
        return words.against_runner_up(
            what, _gain(view, finding), view.scale.counts_right_answers, on_test=on_test, unused=unused
        )
    untrained = [f.outcomes["test"].accuracy for f in view.references if "test" in f.outcomes]
    mine = words.accuracy(confirmation.accuracies["baseline"], confirmation.intervals["baseline"])
    return words.baseline_alone(mine, untrained[-1] if on_test and untrained else None, on_test)


def _failed_confirmation(view: View, words: Words) -> str:
    """The first sentence, if what was to be confirmed was not: what failed, and with what."""
    confirmation = view.conclusions.confirmation
    if confirmation is None:
        return ""
    about = [f for f in view.findings() if f.round_kind is RoundKind.CONFIRM and f.label == "best"]
    finding = about[-1] if about and not math.isnan(about[-1].effect) else None
    what = name(view, words, confirmation.keys["best"])
    if confirmation.outcome == "broke":
        trained, asked = confirmation.trained["best"]
        return words.confirmation_broke(what, asked - trained, asked, confirmation.endings)
    if finding is None:
        return ""
    if confirmation.outcome == "worse":
        gain = _gain(view, finding)
        return words.confirmation_worse(what, gain, view.scale.counts_right_answers, finding.split == "test")
    before = _shown_before(view, finding)
    if confirmation.outcome == "not_shown" and before is not None:
        return words.shown_before(words.round_heading(before.round, before.round_kind), finding.split == "test")
    return ""


def _shown_before(view: View, confirmed: Finding) -> Finding | None:
    """The latest finding that the confirm round does not support."""
    shown = [
        f
        for f in view.findings()
        if f.verdict is Verdict.BETTER
        and f is not confirmed
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
        return words.cheaper(control_name(view, words, cheapest.key), _margin_of_cheapest(view), price)
    if cheapest.candidate is not None and cheapest.candidate != best.key:
        price = _price(view, cheapest.candidate, best.key)
        what = control_name(view, words, cheapest.candidate)
        worse_by = cheapest.may_be_worse_by
        return words.not_shown_as_good(what, None if worse_by is None or worse_by >= 1 else worse_by, price)
    return ""


def _margin_of_cheapest(view: View) -> float:
    """The margin that the cheaper configuration was shown not to be worse by: its finding's, not a later one."""
    shown = [f for f in view.findings() if f.verdict is Verdict.NOT_INFERIOR]
    return view.margin_of(shown[-1].round) if shown else view.spec.margin


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
        computed_tokens=0 if view.counts_words else sum(f.cost.computed_tokens for f in view.final),
        raw_tokens=0 if view.counts_words else sum(f.cost.raw_tokens for f in view.final),
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
