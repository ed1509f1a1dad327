"""The opening of the record: the goal and the answer in a few sentences. Pure."""

from __future__ import annotations

import math

from tunebook.core.findings import Finding, NothingLearned, StudyFindings, Verdict
from tunebook.core.study import Floor, RoundKind
from tunebook.record.cost import relative_work, trial_cost
from tunebook.record.facts import counts, reference, untrained
from tunebook.record.names import control_name, is_baseline, name
from tunebook.record.view import View
from tunebook.record.why import why
from tunebook.words import Words
from tunebook.words.numbers import value
from tunebook.words.values import Aim, Gain, Price

__all__ = ["aim", "answer", "floor_sentence", "simulated", "status"]

MOST_CHOICES = 50
"""With at most so many distinct gold answers, choosing among them by likelihood is worth a try."""
MOST_BY_LOSS = 3
"""Number of changes named whose loss fell."""


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
            is_simulated=view.is_simulated,
            factors=tuple(factors),
            trials=spec.budget.trials,
            hours=spec.budget.hours,
            limits=spec.at_most or {},
        )
    )


def answer(view: View, words: Words) -> tuple[str, ...]:
    """What to use and what it gains, why, and what is as good and cheaper: one paragraph each."""
    conclusions = view.conclusions
    if conclusions.nothing_learned is not None:
        return _nothing_learned(view, words, conclusions.nothing_learned)
    if conclusions.best is None or not view.has_comparison:
        return () if not view.trials else (_not_compared_yet(view, words),)
    best = conclusions.best
    keeps = best.key == view.baseline_key
    first = [
        _failed_confirmation(view, words),
        words.keep_baseline(_settings(view, words, best.key), _was_shown_better(view))
        if keeps
        else words.use_best(
            _settings(view, words, best.key),
            best.chosen_by,
            _has_result(view, view.baseline_key),
            any(f.treatment_key == best.key and is_baseline(view, f.control_key) for f in view.findings()),
        ),
    ]
    first += _limits(view, words)
    first += _gain_sentences(view, words) if not keeps else [*_measured(view, words), _baseline(view, words)]
    first += [_low_seed(view, words, best.key), _unconfirmed(view, words)]
    paragraphs = [words.join([words.capital(sentence) for sentence in first])]
    reasons = [] if keeps else why(view, words)
    if reasons:
        paragraphs.append(words.why([words.capital(reason) for reason in reasons]))
    cheaper = _cheaper(view, words, conclusions)
    if cheaper:
        paragraphs.append(cheaper)
    return tuple(paragraphs)


def _has_result(view: View, key: str) -> bool:
    """Whether a configuration was trained to a result; none has it whose every trial broke or collapsed."""
    return view.accuracy(view.replicates(key)) is not None


def _not_compared_yet(view: View, words: Words) -> str:
    """What is known while no round has been judged: the baseline's accuracy, or what leads where it was not trained;
    or that nothing keeps within the study file's limits."""
    best = view.conclusions.best
    floor = next((wave.floor for wave in view.history.waves if wave.floor is not None), None)
    if best is None and floor is not None and not view.findings():
        return floor_sentence(view, words, floor)
    if best is None and view.history.excluded:
        return words.none_within(view.spec.at_most or {})
    accuracy = view.accuracy(view.replicates(view.baseline_key))
    if accuracy is not None:
        return words.nothing_compared_yet(words.accuracy(*accuracy))
    if best is None:
        return words.nothing_yet(counts(view)["broke"])
    mean, *interval = view.conclusions.accuracies[best.key]
    return words.leads_so_far(_settings(view, words, best.key), words.accuracy(mean, (interval[0], interval[1])))


def floor_sentence(view: View, words: Words, floor: Floor) -> str:
    """Nothing was shown to be learned at any piloted rate, and whether the study goes on."""
    return words.floor(floor, view.spec.floor == "ask", view.evidence.bar(view.facts.data)[1])


def _settings(view: View, words: Words, key: str) -> str:
    return words.settings(view.configurations.get(key, view.spec.baseline))


def _gain_sentences(view: View, words: Words) -> list[str]:
    conclusions = view.conclusions
    assert conclusions.best is not None
    right = view.scale.counts_right_answers
    finding = view.told_apart(conclusions.best.key)
    sentences: list[str] = []
    if finding is not None and finding.split == "test":
        told = words.confirmed_gain(_gain(view, finding), right, not view.spec.data.allow_overlap)
        return [told, _untrained(view, words, finding)]
    if finding is not None:
        sentences += [words.validation_gain(_gain(view, finding), right), _untrained(view, words, finding)]
        sentences += _measured(view, words)
    else:
        sentences += _measured(view, words)
    sentences.append(_tested_alone(view, words) or words.not_confirmed(view.facts.data.n_test > 0))
    return sentences


def _untrained(view: View, words: Words, finding: Finding) -> str:
    """The untrained model on the test split, and on any split that the baseline is below it when its interval is."""
    without = untrained(view, finding.split)
    control = [view.history.trials[i] for i in finding.control_trials if i in view.history.trials]
    baseline = view.accuracy(control, finding.split)
    if without is None or baseline is None:
        return ""
    above = baseline[1] if baseline[1][1] < without else None
    return words.untrained(without, above) if above or finding.split == "test" else ""


def _tested_alone(view: View, words: Words) -> str:
    """How the recommended configuration did on the test split where the baseline has no result there."""
    best, confirmation = view.conclusions.best, view.conclusions.confirmation
    if best is None or confirmation is None or view.evidence.confirm_split != "test":
        return ""
    role = next((role for role in confirmation.accuracies if confirmation.keys[role] == best.key), None)
    if role is None:
        return ""
    return words.tested_alone(words.accuracy(confirmation.accuracies[role], confirmation.intervals[role]))


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
    common = reference(view)[2]
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
                words.other_seeds(found.other_seeds_accuracy, found.n_other_seeds)
                if found.other_seeds_accuracy is not None
                else "",
            ]
        ),
        words.join(
            [
                words.would_help(found, n_answers if may_choose else None),
                words.stopped_early() if _is_stopped(view) else "",
            ]
        ),
        words.by_loss(by_loss[:MOST_BY_LOSS]) if by_loss else "",
    )


def _is_stopped(view: View) -> bool:
    """Whether the study ended after its first round because nothing was learned."""
    at_its_end = view.outlook is not None and not view.outlook.rounds and all(f.state.is_final for f in view.trials)
    return view.spec.floor == "ask" and at_its_end and len(view.rounds) == 1


def _unconfirmed(view: View, words: Words) -> str:
    """What leads among trials that were added after the confirmation, and so was not confirmed."""
    ahead, leads = view.evidence.unconfirmed, view.evidence.leading
    if ahead is None or leads is None:
        return ""
    return words.ahead_unconfirmed(_settings(view, words, ahead.key), ahead.accuracy, leads.accuracy, ahead.trained_ids)


def _low_seed(view: View, words: Words, key: str) -> str:
    """That a seed of the recommended configuration came out far below its others."""
    own = {fact.trial.id for fact in view.by_key.get(key, ())}
    low = next((each for each in view.conclusions.low_seeds if each.trial in own), None)
    return words.one_low_seed(low) if low is not None else ""


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
    mine = words.accuracy(confirmation.accuracies["baseline"], confirmation.intervals["baseline"])
    return words.baseline_alone(mine, untrained(view, "test") if on_test else None, on_test)


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
        told_apart=finding.is_difference,
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
