"""Builds the record from a study's facts and findings. Pure: the same facts give the same record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tunebook.core.findings import Finding
from tunebook.core.learning_curve import points_of
from tunebook.core.service_metric import SERVICE_USAGE, UNSCORED_ANSWERS, ServiceUsage
from tunebook.core.study import RoundKind, TrialState
from tunebook.escaping import clean, shorten
from tunebook.record import classes, factors, facts, opening, tables
from tunebook.record.boundary import boundary_sentence
from tunebook.record.cost import trial_cost
from tunebook.record.grouped import others_decided
from tunebook.record.model import FEW_SUSPECTS, Best, Record, Suspect
from tunebook.record.round_sections import round_sections
from tunebook.record.unknown import unknown
from tunebook.record.view import View
from tunebook.statistics.learning_curve import forecast
from tunebook.words import Words, words_for
from tunebook.words.numbers import trial_list, value

__all__ = ["best_yaml", "build"]

FEWEST_TRIALS_FOR_SUSPECTS = 5
"""With fewer trained trials, an example that all get wrong says little about its label."""
MOST_SUSPECTS = 20
PROMPT_CHARACTERS = 600
ANSWER_CHARACTERS = 200
TWO_SIDED_95 = 1.96
"""Standard errors in half of a 95 % interval."""


def build(view: View, language: str) -> Record:
    """The whole record in one language; parts that are not known yet are empty. Works at any time during a study."""
    words = words_for(language, view.scale)
    columns, numeric, trials = tables.trial_table(view, words)
    _, constant = tables.varying(view)
    suspects, n_suspects, n_trained = _suspects(view)
    tells_suspects = n_trained >= FEWEST_TRIALS_FOR_SUSPECTS and view.conclusions.nothing_learned is None

    def suspects_lead(shown: int) -> str:
        return words.suspects(n_suspects, n_trained, shown) if tells_suspects else ""

    groups_lead, groups = classes.by_group(view, words)
    class_lead, by_class = classes.by_class(view, words)
    answered_lead, answered = classes.confusions(view, words)
    tied = tables.tied(view, words) if view.has_comparison else None
    costs = tables.costs(view, words) if view.has_comparison else None
    return Record(
        language=words.language,
        title=f"{words.label('title')}{words.title_gap}{clean(view.spec.name)}",
        status=words.join([opening.simulated(view, words), opening.status(view, words)]),
        aim=opening.aim(view, words),
        answer=opening.answer(view, words),
        facts=facts.setting_rows(view, words),
        best=_best(view, words),
        factors_heading=words.label("importance" if factors.has_order(view) else "factors_alone"),
        importance=factors.importance_line(view, words),
        factors=factors.factor_table(view, words),
        insights=_insights(view, words),
        others=tables.others(view, words),
        others_lead=words.join(
            [
                words.label("other_metrics_lead"),
                words.label("other_metrics_limit") if any(o.at_most is not None for o in view.others) else "",
            ]
        ),
        more_rows=_more_rows(view, words),
        more_rows_lead=words.label("more_rows_best" if view.conclusions.best else "more_rows_leading")
        + words.label("word_gap")
        + words.label("more_rows_lead"),
        cost=facts.cost_sentence(view, words),
        cost_lead=words.cost_remark() if costs else "",
        costs=costs,
        board=_board(view),
        unknown=unknown(view, words),
        rounds=round_sections(view, words),
        way=tables.way(view, words),
        classes_lead=answered_lead,
        classes=answered,
        by_class_lead=class_lead,
        by_class=by_class,
        groups_lead=groups_lead,
        groups=groups,
        tied_lead=_tied(view, words),
        tied=tied,
        sure=facts.sure_rows(view, words),
        interactions=tuple(words.interaction(i) for i in view.conclusions.interactions if i.known),
        comparisons=tables.comparisons(view, words),
        method=facts.method_rows(view, words),
        trial_columns=columns,
        trial_numeric=numeric,
        trials=trials,
        same_everywhere=words.same_everywhere(_settings(view, words, constant)) if trials and constant else "",
        suspects=suspects,
        suspects_lead=suspects_lead(len(suspects)),
        short_suspects_lead=suspects_lead(min(len(suspects), FEW_SUSPECTS)),
        notes=_notes(view, words),
        labels={name: words.label(name) for name in words.labels},
    )


def _more_rows(view: View, words: Words) -> tuple[str, ...]:
    """The learning curve, one sentence a line, and what twice the rows would bring; empty: it was not measured."""
    points = points_of(view.notes)
    return words.curve_lines(points, forecast(points, view.facts.data.n_train)) if points else ()


def best_yaml(view: View, key: str) -> str:
    """A configuration as YAML with every factor under its library name."""
    configuration = view.configurations[key]
    lines = []
    for name, level in configuration.as_told().items():
        if level is None:
            continue
        text = "[" + ", ".join(level) + "]" if isinstance(level, list) else _yaml(name, level)
        lines.append(f"{name}: {text}")
    return "\n".join(lines) + "\n"


def _yaml(name: str, level: object) -> str:
    return value(name, level) if not isinstance(level, str) else level


def _settings(view: View, words: Words, names: list[str]) -> str:
    configuration = view.trials[0].trial.configuration
    return words.comma.join(
        f"{name} {clean(value(name, getattr(configuration, name)))}"
        for name in names
        if getattr(configuration, name) is not None
    )


def _best(view: View, words: Words) -> Best | None:
    best = view.conclusions.best
    if best is None or best.key not in view.configurations or not view.has_comparison:
        return None
    confirmation = view.conclusions.confirmation
    confirmed = None
    if confirmation is not None and view.evidence.confirm_split == "test":
        confirmed = next(
            (confirmation.accuracies.get(r) for r, key in confirmation.keys.items() if key == best.key), None
        )
    n = len(view.evidence.leading.trained) if view.evidence.leading is not None else 0
    sentences = [words.winners_curse(best.raw, n, best.corrected, confirmed)]
    trained = trial_cost(view, best.key).adapter_bytes and not view.is_simulated
    if trained and not opening.status(view, words):
        sentences.append(words.where_the_adapter_is())
    return Best(words.label("best"), best_yaml(view, best.key), tuple(sentences), best.trials)


def _insights(view: View, words: Words) -> tuple[str, ...]:
    """What to take away beside the answer and the table of factors: other comparisons that were decided, where training
    breaks, what went against a rule of thumb, what to do first next time."""
    if view.conclusions.nothing_learned is not None:
        return ()
    last: dict[tuple[str, str, str], Finding] = {}
    for f in view.findings():
        question = (f.treatment_key, f.control_key, f.kind.value)
        last.pop(question, None)
        if f.round_kind is not RoundKind.CONFIRM:  # what was confirmed is the answer
            last[question] = f
    planned, own = ([f for f in last.values() if ("exploratory" in f.warnings) is e] for e in (False, True))
    others, outside = (others_decided(view, words, each) for each in (planned, own))
    return tuple(
        filter(
            None,
            [
                words.found_elsewhere(others) if others else "",
                words.join([words.found_elsewhere(outside), words.warning("exploratory")]) if outside else "",
                boundary_sentence(view, words),
                *factors.wisdom(view, words),
                factors.strategy(view, words),
            ],
        )
    )


def _board(view: View) -> str:
    """The command that shows the curves, to be run in the study's folder."""
    has_curves = any(fact.curve.steps for fact in view.final)
    return "tensorboard --logdir tensorboard" if "tensorboard" in view.spec.trackers and has_curves else ""


def _tied(view: View, words: Words) -> str:
    conclusions = view.conclusions
    best = conclusions.best.key if conclusions.best else ""
    others = [key for key in conclusions.tie_set if key != best]
    if not others:
        return ""
    top = view.accuracy(view.replicates(best))
    measured = filter(None, (view.accuracy(view.replicates(key)) for key in others))
    is_ahead = top is not None and any(accuracy[0] > top[0] for accuracy in measured)
    return words.join([words.tie_set(len(others)), words.ahead_of_best() if is_ahead else ""])


def _suspects(view: View) -> tuple[tuple[Suspect, ...], int, int]:
    """(suspects to show, how many there are, number of trained trials): validation examples that no trained trial
    answered correctly."""
    trained = [
        f
        for f in view.trials
        if f.state is TrialState.COMPLETED and view.evidence.how_it_ended(f) is None and "validation" in f.outcomes
    ]
    examples = view.examples("validation") if view.conclusions.nothing_learned is None else ()
    if len(trained) < FEWEST_TRIALS_FOR_SUSPECTS or not examples or not view.scale.is_by_example:
        return (), 0, len(trained)
    if None in (view.scale.low, view.scale.high):
        return (), 0, 0  # 0 on the standard scale is not the worst score, and may be the best
    wrong = [i for i in range(len(examples)) if all(f.outcomes["validation"].scores[i] == 0 for f in trained)]
    suspects = []
    for i in wrong:
        answers = Counter(f.outcomes["validation"].answers[i] for f in trained if f.outcomes["validation"].answers)
        commonest, times = answers.most_common(1)[0] if answers else ("", 0)
        example = examples[i]
        suspects.append(
            Suspect(
                index=example.index,
                group=clean(example.group) if example.group is not None else None,
                prompt=shorten(example.prompt, PROMPT_CHARACTERS),
                gold=shorten(example.gold, ANSWER_CHARACTERS),
                commonest=shorten(commonest, ANSWER_CHARACTERS),
                given_by=times,
                n_trials=len(trained),
            )
        )
    suspects.sort(key=lambda s: (-s.given_by, s.index))
    return tuple(suspects[:MOST_SUSPECTS]), len(wrong), len(trained)


def _with_trials(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A note's values with its list of trials as text, because a list of two would be read as a change from one to the
    other."""
    trials = values.get("trials")
    return {**values, "trials": trial_list(list(trials))} if isinstance(trials, list | tuple) else values


def _service(view: View, words: Words) -> list[str]:
    """What a metric that asks a service was told, and what it was not."""
    used = [values for code, values in view.notes if code == SERVICE_USAGE]
    unscored = {(v["trial"], v["split"]): (v["n"], v["of"]) for code, v in view.notes if code == UNSCORED_ANSWERS}
    sentences = []
    if used:
        usage = ServiceUsage(**used[-1])
        between = None
        if usage.noise is not None:
            between = TWO_SIDED_95 * usage.noise * math.sqrt(2 / max(1, view.facts.data.n_validation))
        sentences.append(words.service_usage(clean(view.spec.metric), usage, between))
    if unscored:
        sentences.append(words.unscored_answers([(*which, *counts) for which, counts in unscored.items()]))
    return sentences


def _notes(view: View, words: Words) -> tuple[str, ...]:
    together = ("trial_resumed", SERVICE_USAGE, UNSCORED_ANSWERS)
    sentences = [words.note(code, _with_trials(values)) for code, values in view.notes if code not in together]
    sentences += _service(view, words)
    resumed = [int(values["trial"]) for code, values in view.notes if code == "trial_resumed"]
    sentences += [words.note("trial_resumed", {"trials": trial_list(resumed)})] if resumed else []
    failed = [f for f in view.trials if f.state is TrialState.FAILED]
    sentences += [words.failed_trial(f.trial.id, clean(f.reason or "")) for f in failed]
    sentences += [words.cancelled_trial(f.trial.id) for f in view.trials if f.state is TrialState.CANCELLED]
    stopped = [f.trial.id for f in view.trials if f.state is TrialState.STOPPED]
    sentences += [words.stopped_trials(stopped)] if stopped else []
    sentences += [words.low_seed(each) for each in view.conclusions.low_seeds]
    return tuple(dict.fromkeys(text for text in sentences if text))
