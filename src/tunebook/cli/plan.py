"""`tunebook plan`: what would run, why, how long, how much memory, what can be detected. Spends nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunebook.cli.consent import ask_for_code
from tunebook.cli.options import Folder, Json, Language, NoMeasure, StudyArgument, TrustRemoteCode, TrustStudyCode
from tunebook.cli.output import messages, print_json, results, table_of
from tunebook.core.cost import time_range
from tunebook.escaping import shell_line
from tunebook.plugins import counts_words, is_simulated
from tunebook.words.marks import plain_text
from tunebook.words.numbers import value

if TYPE_CHECKING:
    from tunebook.core.study import StudySpec, Wave
    from tunebook.run.commands.plan import StudyPlan
    from tunebook.words import Words

EXAMPLE = "Example: tunebook plan study.yaml"


def plan(
    study: StudyArgument,
    folder: Folder = None,
    every: Annotated[bool, typer.Option("--trials", help="List every trial of the next part.")] = False,
    language: Language = None,
    no_measure: NoMeasure = False,
    trust_remote_code: TrustRemoteCode = False,
    trust_study_code: TrustStudyCode = False,
    as_json: Json = False,
) -> None:
    """Show what would run, why, how long, how much memory, and what can be detected. Trains nothing."""
    from tunebook.api import Study
    from tunebook.cli.progress import TerminalObserver
    from tunebook.run.study_words import study_words
    from tunebook.run.without_torch import leave_out_torch

    opened = Study.load(study, folder, trust_remote_code, trust_study_code).with_language(language)
    ask_for_code(opened, starts_program=False)
    leave_out_torch(opened.spec, opened.paths.base)
    messages().print(opened.words.plan_checking())
    with TerminalObserver(1, False, opened.words) as observer:
        study_plan = opened.plan(not no_measure, observer)
    if as_json:
        print_json(study_plan, warnings=[opened.words.notice(warning) for warning in study_plan.warnings])
    else:
        _show(study_plan, every, results(), study_words(opened.spec, study_plan.scale))


def _show(p: StudyPlan, every: bool, console: Console, words: Words) -> None:
    if is_simulated(p.spec.engine):
        console.print(Text(plain_text(words.simulated(p.spec.engine)), style="yellow"))
    for line in _opening(p, words):
        console.print(Text(line))
    for warning in p.warnings:
        console.print(Text(words.warning_line(words.notice(warning)), style="yellow"))
    console.print()
    if not p.waves and not p.outlook.all_rounds:
        console.print(words.plan_nothing_left() if p.why_done is None else words.notice(p.why_done))
        return
    console.print(_rounds(p, words))
    for wave in (wave for wave in p.waves if wave.trials):
        counted = Counter(trial.purpose for trial in wave.trials if trial.has_training)
        units = sum(trial.costs_budget for trial in wave.trials)
        free = len(wave.trials) - counted.total()
        console.print(Text("\n" + words.plan_next(wave.kind, counted, units, free)))
        if levels := _levels(wave, p.spec):
            base = p.spec.baseline
            console.print(Text(words.plan_levels(levels, {name: value(name, getattr(base, name)) for name in levels})))
        if every:
            console.print(_trials(wave, p.spec, words))
    folds = [words.plan_fold(fold, p.data.longest_tokens, counts_words(p.spec.engine)) for fold in p.outlook.folds]
    for text in (*folds, *map(words.plan_cut, p.outlook.cuts), *_closing(p, words)):
        console.print(Text(text))


def _opening(p: StudyPlan, words: Words) -> list[str]:
    spec, d = p.spec, p.data
    kept = str(p.model.get("quantization") or "")
    lines = [words.plan_study(spec.name, spec.model, kept, spec.engine, spec.metric)]
    if len(spec.metrics) > 1:
        lines.append(words.plan_metrics(spec.metric, spec.metrics[1:]))
    if spec.command:
        lines.append(words.plan_program(shell_line(spec.command)))
    lines.append(words.plan_data(d.n_train, d.n_validation, d.n_test, str(p.summary.get("format") or "")))
    if unused := p.summary.get("unused"):
        lines.append(words.not_used(unused))
    if d.mean_tokens is not None and d.longest_tokens is not None:
        lines.append(words.plan_lengths(d.mean_tokens, d.longest_tokens, counts_words(spec.engine)))
    task = p.summary.get("task")
    if p.example is not None:
        e, metric = p.example, "" if task else spec.metric
        lines += words.plan_example(
            e.place, prompt=e.prompt, learnt=e.learnt, stops=e.stops, options=e.options, metric=metric
        )
    if task:
        lines += words.plan_task(task)
    return lines


def _rounds(p: StudyPlan, words: Words) -> Table:
    table = table_of(zip(words.plan_columns(), ("left", "right", "right", "left"), strict=True))
    for each in p.outlook.all_rounds:
        smallest = each.smallest_detectable_effect
        seen = words.plan_sees(smallest, each.on_test) if smallest is not None else ""
        if each.n_described:
            seen = ", ".join(filter(None, [seen, words.plan_describes(each.n_described, each.n_comparisons)]))
        table.add_row(words.round_name(None, each.kind), f"<= {each.n_trials}", str(each.n_comparisons or ""), seen)
    if p.outlook.most_trials < sum(each.n_trials for each in p.outlook.all_rounds):
        table.add_row(words.plan_in_all(), f"<= {p.outlook.most_trials}", "", "")
    return table


def _levels(wave: Wave, spec: StudySpec) -> dict[str, list[str]]:
    """What each factor of the space takes in a wave beside the baseline's level, from low to high."""
    found: dict[str, list[str]] = {}
    for factor in spec.space:
        own = getattr(spec.baseline, factor.name)
        levels = {getattr(trial.configuration, factor.name) for trial in wave.trials} - {own}
        ordered = sorted(levels) if all(isinstance(level, int | float) for level in levels) else list(levels)
        if ordered:
            found[factor.name] = [value(factor.name, level) for level in ordered]
    return found


def _trials(wave: Wave, spec: StudySpec, words: Words) -> Table:
    table = table_of((heading, "left") for heading in words.plan_trial_columns())
    for trial in wave.trials:
        changes = words.changes(trial.configuration, spec.baseline)
        table.add_row(str(trial.id), words.purpose(trial.purpose), changes, str(trial.seed))
    return table


def _closing(p: StudyPlan, words: Words) -> list[str]:
    lines = []
    if p.outlook.smallest_margin is not None:
        lines += words.plan_margin(p.outlook.smallest_margin, p.spec.margin, p.outlook.margin_on_test)
    whole = p.outlook.detectable_without_cuts
    # with fewer levels, the remaining comparisons can be more sensitive: then more trials would not help them
    if whole is not None and p.outlook.cuts and whole < (p.outlook.first_effect or 0):
        lines.append(words.plan_without_cuts(p.outlook.wanted_trials, whole))
    if p.calibration is None and p.engine_calibrates:
        lines.append(words.plan_not_measured())
    if p.calibration is not None:
        simulated = is_simulated(p.spec.engine)
        slots = int(p.calibration.values.get("slots", 1))
        if p.memory_bytes is not None and not simulated:
            lines += words.plan_memory(p.next_cost.peak_bytes, slots, p.memory_bytes)
        here, alone = (
            time_range(seconds, p.calibration) for seconds in (p.total_cost.seconds, p.total_cost.one_by_one_seconds)
        )
        price = p.spec.price_per_hour
        prices = None if price is None else (price * here[0] / 3600, price * here[1] / 3600)
        lines.append(words.plan_time(alone, here, p.outlook.first_effect, prices, simulated))
    if p.service is not None:
        lines.append(words.plan_service(p.service.requests, p.service.tokens, p.service.price))
    return lines
