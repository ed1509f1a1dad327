"""What the keys of a study file must say about each other. Parts that are themselves wrong are passed over here."""

from __future__ import annotations

import re
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor, Level
from tunebook.core.row_template import template_problem
from tunebook.errors import StudyFileError
from tunebook.phrases import Phrase
from tunebook.plugins import (
    ENGINES,
    EXECUTORS,
    HARNESSES,
    METRICS,
    PLANNERS,
    TRACKERS,
    PluginGroup,
    harness_of,
)
from tunebook.study_file.keys import KEYS
from tunebook.study_file.problems import KeyPath, Problems, shown

__all__ = ["cross_check"]

_FILE = re.compile(r"\.(jsonl|ndjson|json|csv|tsv|parquet)$", re.IGNORECASE)
LEAST_PROPOSED = 5
"""With fewer trials nothing that a model proposes is compared with the baseline."""
_FUNCTION = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


def cross_check(
    values: dict[str, Any], baseline: dict[str, Level], factors: tuple[Factor, ...], problems: Problems
) -> None:
    """Note every contradiction between keys.

    Args:
        values: the file's plain values, not all of them valid.
        baseline: the valid factors of the baseline.
        factors: the valid factors of the space.
    """
    _check_space_is_not_empty(values, problems)
    _check_baseline_in_space(baseline, factors, problems)
    _check_budget(values, problems)
    _check_doubtful(values, problems)
    _check_files(values, problems)
    _check_templates(values, problems)
    _check_names(values, problems)
    _check_command(values, problems)
    _check_metric(values, problems)


def _check_space_is_not_empty(values: dict[str, Any], problems: Problems) -> None:
    if values.get("space", {}) == {} and not values.get("trials"):
        found = Phrase("found an empty map" if "space" in values else "the key is missing")
        problems.add(
            ("space",),
            "{found}; a study varies at least one factor, or has its own table of trials. Add space: "
            "{{learning_rate: {{low: 5e-5, high: 2e-3}}}}, for example.",
            found=found,
        )


def _check_baseline_in_space(baseline: dict[str, Level], factors: tuple[Factor, ...], problems: Problems) -> None:
    defaults = Configuration()
    for factor in factors:
        if problems.has(("baseline",)) and factor.name not in baseline:
            continue
        value = baseline.get(factor.name, getattr(defaults, factor.name))
        if _contains(factor, value):
            continue
        given = factor.name in baseline
        path = ("baseline", factor.name) if given else ("space", factor.name)
        problems.add(
            path,
            "found {value}; the baseline must lie in its own space, which is {space}. Change one of the two."
            if given
            else "the baseline has no {factor}, so it is {value}; the baseline must lie in its own space, which is "
            "{space}. Write baseline.{factor}.",
            factor=factor.name,
            value=shown(value),
            space=_space_text(factor),
        )


def _contains(factor: Factor, value: Any) -> bool:
    if factor.is_range:
        assert factor.low is not None
        assert factor.high is not None
        return isinstance(value, int | float) and factor.low <= value <= factor.high
    return value in factor.levels or (isinstance(value, list | tuple) and tuple(value) in factor.levels)


def _space_text(factor: Factor) -> Phrase:
    if factor.is_range:
        return Phrase("{low:g} to {high:g}", low=factor.low, high=factor.high)
    return Phrase(shown([list(level) if isinstance(level, tuple) else level for level in factor.levels]))


def _check_budget(values: dict[str, Any], problems: Problems) -> None:
    budget = values.get("budget")
    if not isinstance(budget, dict) or problems.has(("budget",)):
        return
    trials, hours = budget.get("trials"), budget.get("hours")
    if trials is None and hours is None:
        problems.add(("budget",), "found neither trials nor hours; a study has a budget. Add trials: 75.")
    if isinstance(trials, int) and trials < LEAST_PROPOSED and _proposes(values):
        problems.add(
            ("budget", "trials"),
            "found {trials}; must be at least {needed}: a few pilots, and the best and the baseline compared. Write "
            "{needed} or more.",
            trials=trials,
            needed=LEAST_PROPOSED,
        )
    if _proposes(values):
        return
    seeds = values.get("seeds")
    chosen = seeds.get("baseline") if isinstance(seeds, dict) else None
    needed = chosen if isinstance(chosen, int) else KEYS["seeds", "baseline"].default
    if isinstance(trials, int) and trials < needed:
        problems.add(
            ("budget", "trials"),
            "found {trials}; must be at least {needed}, as seeds.baseline is. Write {needed} or more, or seeds: "
            "{{baseline: 3}}."
            if trials >= 3 and needed > 3
            else "found {trials}; must be at least {needed}, as seeds.baseline is. Write {needed} or more.",
            trials=trials,
            needed=needed,
        )


def _check_doubtful(values: dict[str, Any], problems: Problems) -> None:
    seeds = values.get("seeds")
    if not isinstance(seeds, dict) or not seeds.get("doubtful") or problems.has(("seeds",)):
        return
    if values.get("design") != "one_factor" or values.get("trials"):
        problems.add(
            ("seeds", "doubtful"),
            "found {n}; only design: one_factor without a table of trials gives further seeds to levels in doubt. "
            "Write design: one_factor, or remove this line.",
            n=seeds["doubtful"],
        )
    elif seeds.get("configuration") == 1:
        problems.add(
            ("seeds", "doubtful"),
            "found {n} beside seeds.configuration: 1; a level's only seed does not tell whether it came out low by "
            "chance, and what would be claimed of it is false too often. Write configuration: 2, or remove this line.",
            n=seeds["doubtful"],
        )


def _proposes(values: dict[str, Any]) -> bool:
    """Whether every trial is proposed, so that no number of seeds is asked for."""
    return values.get("design", KEYS["design",].default) == "model" and not values.get("trials")


def _check_files(values: dict[str, Any], problems: Problems) -> None:
    data = values.get("data")
    if not isinstance(data, dict):
        return
    seen: dict[str, str] = {}
    for role in ("train", "validation", "test"):
        source = data.get(role)
        if not isinstance(source, str) or not source.strip():
            continue
        if source in seen and _FILE.search(source):  # one hub id has several splits
            problems.add(
                ("data", role),
                "found {source}, the file of data.{other} too; every split has its own rows. Give another file, or "
                "leave validation out: it is split off train."
                if role == "validation"
                else "found {source}, the file of data.{other} too; every split has its own rows. Give another file.",
                source=shown(source),
                other=seen[source],
            )
        seen.setdefault(source, role)


def _check_templates(values: dict[str, Any], problems: Problems) -> None:
    data = values.get("data")
    if not isinstance(data, dict):
        return
    given = {name: data[name] for name in ("prompt", "completion") if isinstance(data.get(name), str)}
    tests = {"tests": data["tests"]} if isinstance(data.get("tests"), str) else {}
    for name, text in (given | tests).items():
        problem = template_problem(text)
        if problem is not None:
            problems.add(
                ("data", name),
                "found {problem}; must be a text with columns in braces, and braces of its own are doubled. Write "
                '"{{text}}", for example.',
                problem=problem,
            )
    if len(given) == 1:
        name, other = next(iter(given)), "completion" if "prompt" in given else "prompt"
        problems.add(
            ("data", name), "found no data.{other} beside it; a template needs the other one. Add {other}.", other=other
        )
    others = [name for name in ("format", "columns") if data.get(name)]
    if given and others:
        problems.add(
            ("data", others[0]),
            "found beside the templates data.{given}, which say all. Remove one of them.",
            given=" and data.".join(given),
        )


def _check_names(values: dict[str, Any], problems: Problems) -> None:
    """Every plugin that is named is installed and can be imported."""
    named: list[tuple[PluginGroup[Any], KeyPath, Any]] = []
    metric = _metric_name(values)
    if isinstance(metric, str) and ":" not in metric:
        named.append((METRICS, ("metric",), metric))
    elif isinstance(metric, str) and harness_of(metric) is not None:
        named.append((HARNESSES, ("metric",), metric))
    elif isinstance(metric, str) and not _FUNCTION.match(metric):
        problems.add(
            ("metric",),
            "found {metric}; a function must be written as module:function. Write mine:score, for example.",
            metric=shown(metric),
        )
    for group in (ENGINES, EXECUTORS, PLANNERS):
        named.append((group, (group.key,), values.get(group.key)))
    listed = values.get("metrics")
    if isinstance(listed, list):
        others = enumerate(listed[1:], 1)
        named += [(METRICS, ("metrics", i), name) for i, name in others if isinstance(name, str) and ":" not in name]
    trackers = values.get("trackers")
    if isinstance(trackers, list):
        named += [(TRACKERS, ("trackers", i), name) for i, name in enumerate(trackers)]
    for group, path, name in named:
        if not isinstance(name, str) or problems.has(path):
            continue
        try:
            group.load(name.strip())
        except StudyFileError as error:
            problems.add(path, "{problem}", problem=error.phrase.values["problem"])


def _metric_name(values: dict[str, Any]) -> Any:
    metric = values.get("metric")
    return metric.get("name") if isinstance(metric, dict) else metric


def _check_command(values: dict[str, Any], problems: Problems) -> None:
    engine, command = values.get("engine", KEYS[("engine",)].default), values.get("command")
    if not isinstance(engine, str) or problems.has(("engine",)):
        return
    runs_command = ENGINES.load(engine).runs_command
    if runs_command and not command:
        problems.add(
            ("engine",),
            "found {engine} without a command; this engine runs your own trainer. Add command: [python, train.py].",
            engine=engine,
        )
    if command and not runs_command:
        problems.add(
            ("command",),
            "found a command with engine {engine}; only engine command runs one. Write engine: command, or "
            "remove the command.",
            engine=shown(engine),
        )
    if values.get("command_limits") and not runs_command:
        problems.add(
            ("command_limits",),
            "found limits of a command with engine {engine}; only engine command has them. Write engine: "
            "command, or remove command_limits.",
            engine=shown(engine),
        )


def _check_metrics(values: dict[str, Any], deciding: Any, problems: Problems) -> None:
    listed = values.get("metrics")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    if names and isinstance(deciding, str) and names[0] != deciding:
        problems.add(
            ("metrics",),
            "found {names} first, and metric {deciding}; the first of metrics decides. Write metrics alone, or "
            "{deciding} first.",
            names=names[0],
            deciding=deciding,
        )
    for i, name in enumerate(names[1:], 1):
        if ":" in name or name in ("choice", "judge"):
            problems.add(
                ("metrics", i),
                "found {name}; beside the first, metrics are installed ones that judge a given answer. Write "
                "exact_match, for example.",
                name=name,
            )
    limits = values.get("max")
    for name in limits if isinstance(limits, dict) else ():
        if name not in names[1:]:
            problems.add(
                ("max", str(name)),
                "found {name}, which is none of the further metrics. Add it there.",
                name=shown(name),
            )


def _check_metric(values: dict[str, Any], problems: Problems) -> None:
    metric = _metric_name(values)
    if values.get("per_token") is True and metric != "choice":
        problems.add(
            ("per_token",),
            "found true with metric {metric}; only choice compares likelihoods. Write metric: choice, or remove "
            "per_token.",
            metric=shown(metric),
        )
    _check_metrics(values, metric, problems)
    data = values.get("data")
    if isinstance(metric, str) and harness_of(metric) is not None and isinstance(data, dict):
        for name in ("validation", "test", "group"):
            if data.get(name) is not None:
                problems.add(
                    ("data", name),
                    "found {value} with metric {metric}; the documents of a task are what is scored. Remove it.",
                    value=shown(data[name]),
                    metric=shown(metric),
                )
    choices = data.get("choices") if isinstance(data, dict) else None
    if isinstance(choices, list) and len({str(c) for c in choices}) < len(choices):
        problems.add(("data", "choices"), "found an answer twice; every choice stands once. Remove one of them.")
