"""The tables that span the whole study: trials, comparisons, costs, progress by round. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.facts import TrialFact
from tunebook.core.findings import ONE_SEED, Finding, Verdict
from tunebook.core.study import RoundKind
from tunebook.escaping import clean
from tunebook.record.cost import trial_cost
from tunebook.record.model import Cell, Table, TrialRow
from tunebook.record.names import control_name, name, sides
from tunebook.record.view import View
from tunebook.words import Words, words_for
from tunebook.words.numbers import bytes_text, count_text, number, p_value, times, trial_list, value

__all__ = ["comparisons", "costs", "level_table", "others", "tied", "trial_table", "varying", "way"]

MOST_TIED = 12
"""Largest number of rows in the cost table; a longer tie set is in results.json."""


def varying(view: View) -> tuple[list[str], list[str]]:
    """(factors with more than one value among the trials, the other factors), in field order."""
    values: dict[str, set[str]] = {}
    for fact in view.trials:
        for factor, level in fact.trial.configuration.as_dict().items():
            values.setdefault(factor, set()).add(str(level))
    named = {factor for fact in view.trials for factor in fact.trial.configuration.as_told()}
    values = {factor: seen for factor, seen in values.items() if factor in named}
    return [f for f, seen in values.items() if len(seen) > 1], [f for f, seen in values.items() if len(seen) == 1]


def trial_table(view: View, words: Words) -> tuple[tuple[str, ...], frozenset[int], tuple[TrialRow, ...]]:
    """Column titles, the numeric columns, and one row per trial."""
    factors, _ = varying(view)
    tested = any("test" in f.outcomes for f in view.trials)
    grouped = [("trial", True), ("round", True), ("purpose", False)]
    tail = [("seed", True), ("state", False), ("accuracy", True)]
    tail += [("test_accuracy", True)] if tested else []
    tail += [("loss", True), ("seconds", True), ("memory", True), ("size", True)]
    tail += [("remarks", False)] if view.remarks else []
    titles = (
        [words.label(k) for k, _ in grouped] + [words.factor(f) for f in factors] + [words.label(k) for k, _ in tail]
    )
    numeric = [n for _, n in grouped] + [_is_number(view, f) for f in factors] + [n for _, n in tail]
    rows = tuple(
        TrialRow(f.trial.id, f.state, tuple(_trial_cells(view, words, f, factors, tested)), _tone(view, f))
        for f in view.final
    )
    return tuple(titles), frozenset(i for i, n in enumerate(numeric) if n), rows


def _trial_cells(view: View, words: Words, fact: TrialFact, factors: Sequence[str], tested: bool) -> list[Cell]:
    trial, none = fact.trial, Cell(words.label("none"), math.inf)
    cells = [Cell(str(trial.id), trial.id), Cell(str(trial.round), trial.round), Cell(words.purpose(trial.purpose))]
    for factor in factors:
        level = getattr(trial.configuration, factor)
        cells.append(Cell(clean(value(factor, level)), float(level) if isinstance(level, int | float) else str(level)))
    cells += [Cell(str(trial.seed), trial.seed), Cell(words.state(fact.state))]
    scored = view.accuracy([fact])
    outcomes = fact.outcomes.get("validation")
    if scored:
        cells.append(Cell(words.accuracy(*scored), scored[0]))
    else:
        cells.append(none if outcomes is None else Cell(words.measured(outcomes.accuracy), outcomes.accuracy))
    if tested:
        test = fact.outcomes.get("test")
        cells.append(Cell(words.measured(test.accuracy), test.accuracy) if test else none)
    loss = outcomes.loss if outcomes is not None else None
    cells.append(
        none
        if loss is None
        else Cell(
            number(loss) if math.isfinite(loss) else words.not_a_number(), loss if math.isfinite(loss) else math.inf
        )
    )
    cost = fact.cost
    cells.append(Cell(words.duration(cost.seconds), cost.seconds) if cost.seconds else none)
    cells += [Cell(bytes_text(n), n) if n else none for n in (cost.peak_bytes, cost.adapter_bytes)]
    if view.remarks:
        said = view.remark(trial.id)
        text = clean(" ".join(filter(None, [*(f"[{tag}]" for tag in said.tags), said.note])))
        cells.append(Cell(text) if text else none)
    return cells


def _tone(view: View, fact: TrialFact) -> str:
    if fact.state.is_final and not fact.state.did_train:
        return "failed"
    best = view.conclusions.best
    return "best" if best is not None and fact.trial.effective.key == best.key else ""


def _is_number(view: View, factor: str) -> bool:
    return all(isinstance(getattr(f.trial.configuration, factor), int | float) for f in view.trials)


def comparisons(view: View, words: Words) -> Table | None:
    """Every judged contrast of the main family: the verdict, what it rests on, and what would settle an open one. The
    differences stand in the rounds."""
    findings = view.findings()
    if not findings:
        return None
    columns = ("round", "question", "verdict", "p", "evidence", "needs_examples", "needs_seeds")
    none = Cell(words.label("none"), -math.inf)
    rows = tuple(
        (
            Cell(str(f.round), f.round),
            Cell(_question(view, words, f)),
            _verdict_cell(words, f),
            Cell(
                words.label("none") if math.isnan(f.p_adjusted) or math.isnan(f.effect) else p_value(f.p_adjusted),
                f.p_adjusted,
            ),
            Cell(f"{trial_list(f.treatment_trials)} / {trial_list(f.control_trials)}"),
            Cell(words.needs(f.examples_needed), f.examples_needed or math.inf) if _is_open(f) else none,
            Cell(words.needs(f.seeds_needed), f.seeds_needed or math.inf) if _is_open(f) else none,
        )
        for f in findings
    )
    return Table(tuple(words.label(c) for c in columns), rows, frozenset({0, 3, 5, 6}))


def _is_open(finding: Finding) -> bool:
    return finding.verdict is Verdict.INCONCLUSIVE and finding.is_tested


def _verdict_cell(words: Words, finding: Finding) -> Cell:
    text = words.label(finding.verdict.value if finding.is_tested else ONE_SEED)
    if finding.provisional:
        text += f" ({words.label('provisional')})"
    tone = {Verdict.BETTER: "best", Verdict.WORSE: "failed", Verdict.DIVERGED: "failed"}.get(finding.verdict, "")
    return Cell(text, tone=tone)


def _question(view: View, words: Words, f: Finding) -> str:
    what, against = sides(view, words, f)
    if not f.kind.is_fitted:
        what = control_name(view, words, f.treatment_key)
    if f.control_key == view.baseline_key:  # the baseline at another rate differs from the baseline by its rate
        what = name(view, words, f.treatment_key)
    return words.question(f.kind, what, against)


def level_table(view: View, words: Words) -> Table | None:
    """Every level of a balanced design with its adjusted accuracy and 95 % interval; None without such a design."""
    means = view.conclusions.level_means
    if not means:
        return None
    rows = tuple(
        (
            Cell(words.factor(mean.factor)),
            Cell(value(mean.factor, mean.level)),
            Cell(words.accuracy(mean.mean, mean.interval), mean.mean),
            Cell(trial_list(mean.trials)),
        )
        for mean in means
    )
    return Table(tuple(words.label(c) for c in ("factor", "level", "adjusted", "trials")), rows, frozenset({2}))


def costs(view: View, words: Words) -> Table | None:
    """The best, the cheapest that is as good, and the baseline: accuracy against what a trial costs."""
    conclusions = view.conclusions
    roles: dict[str, str] = {}
    if conclusions.best:
        roles[conclusions.best.key] = words.label("best_role")
    if conclusions.cheapest and conclusions.cheapest.key:
        roles.setdefault(conclusions.cheapest.key, words.label("cheapest_role"))
    roles.setdefault(view.baseline_key, words.label("baseline"))
    return _cost_table(view, words, roles)


def tied(view: View, words: Words) -> Table | None:
    """The other configurations that cannot be told from the best, with what they cost."""
    best = view.conclusions.best
    keys = [key for key in view.conclusions.tie_set if best is not None and key != best.key][:MOST_TIED]
    return _cost_table(view, words, dict.fromkeys(keys, words.label("tie_role"))) if keys else None


def _cost_table(view: View, words: Words, roles: Mapping[str, str]) -> Table | None:
    shown = [(key, role, trial_cost(view, key)) for key, role in roles.items() if key in view.by_key]
    base = trial_cost(view, view.baseline_key)
    columns = [name for name in _COSTS if any(getattr(cost, name) is not None for _, _, cost in shown)]
    for better, worse in (("seconds_alone", "seconds"), ("bytes_alone", "peak_bytes")):
        if better in columns and worse in columns:
            columns.remove(worse)
    rows = tuple(
        (
            Cell(role),
            Cell(control_name(view, words, key)),
            _accuracy_cell(view, words, key),
            *(_cost_cell(words, name, getattr(cost, name), getattr(base, name)) for name in columns),
        )
        for key, role, cost in shown
    )
    titles = ("role", "configuration", "accuracy_all", *(_COSTS[name] for name in columns))
    return Table(tuple(words.label(c) for c in titles), rows, frozenset(range(3, len(titles)))) if rows else None


_COSTS = {
    "steps": "steps",
    "tokens": "tokens",
    "seconds_alone": "seconds_alone",
    "seconds": "seconds",
    "bytes_alone": "bytes_alone",
    "peak_bytes": "memory",
    "adapter_bytes": "size",
}
"""The columns of the cost table: what `TrialCost` calls each, and its label."""


def _accuracy_cell(view: View, words: Words, key: str) -> Cell:
    accuracy = view.accuracy(view.replicates(key))
    return Cell(words.accuracy(*accuracy), accuracy[0]) if accuracy else Cell(words.label("none"))


def _cost_cell(words: Words, name: str, amount: float | None, base: float | None) -> Cell:
    """An amount in its unit; of counts also the multiple of the baseline's."""
    if name not in ("steps", "tokens") or amount is None:
        return _amount(words, amount, words.duration if name.startswith("seconds") else bytes_text)
    text = count_text(amount)
    if base and times(amount / base) != times(1):
        text += words.bracket_gap + words.bracketed(times(amount / base))
    return Cell(text, amount)


def others(view: View, words: Words) -> Table | None:
    """The metrics that do not decide, each in its own unit: the baseline, the best, their difference, the limit."""
    rows, has_limits = [], any(each.at_most is not None for each in view.others)
    for each in view.others:
        own, none = words_for(words.language, each.scale), Cell(words.label("none"))
        if each.baseline is None and each.best is None:
            continue
        means = [Cell(own.accuracy(*mean), mean[0]) if mean else none for mean in (each.baseline, each.best)]
        difference = Cell(own.effect_points(each.difference)) if each.difference else none
        limit = Cell(f"{each.at_most:g}", each.at_most) if each.at_most is not None else none
        rows.append((Cell(each.scale.noun), *means, difference, *([limit] if has_limits else [])))
    columns = ("metric", "baseline", "best_role", "difference_best", *(["limit"] if has_limits else []))
    return Table(tuple(words.labels[c] for c in columns), tuple(rows)) if rows else None


def _amount(words: Words, amount: float | None, form: Any) -> Cell:
    return Cell(words.label("none"), math.inf) if amount is None else Cell(form(amount), amount)


def way(view: View, words: Words) -> Table | None:
    """What each round cost and which configuration led after it; the row of confirm has the result on the test
    split."""
    rows: list[tuple[Cell, ...]] = []
    before: float | None = None
    for round_number, kind in view.rounds:
        n, spent = view.round_cost(round_number)
        leader = None if kind is RoundKind.CONFIRM else view.leader_after(round_number)
        gained = leader[1] - before if leader and before is not None else None
        led = (
            f"{name(view, words, leader[0])}{_colon(words)}{words.measured(leader[1])}"
            if leader
            else words.label("none")
        )
        rows.append(
            (
                Cell(words.round_heading(round_number, kind), round_number),
                Cell(str(n), n),
                Cell(words.duration(spent), spent),
                Cell(_confirmed(view, words) if kind is RoundKind.CONFIRM else led),
                Cell(words.change(gained) if gained is not None else words.label("none")),
            )
        )
        before = leader[1] if leader else before
    columns = ("round", "n_trials", "time", "leader", "gained")
    return Table(tuple(words.label(c) for c in columns), tuple(rows), frozenset({1, 2, 4})) if rows else None


def _confirmed(view: View, words: Words) -> str:
    confirmed, best = view.conclusions.confirmation, view.conclusions.best
    if confirmed is None or best is None:
        return words.label("none")
    named = (role for role in ("best", "runner_up") if role in confirmed.accuracies)
    role = next((role for role in named if confirmed.keys[role] == best.key), None)
    if role is None:
        return words.label("none")
    text = f"{name(view, words, confirmed.keys[role])}{_colon(words)}{words.measured(confirmed.accuracies[role])}"
    split = "test" if view.facts.data.n_test else "validation"
    return text + words.label("word_gap") + words.bracketed(words.label(split))


def _colon(words: Words) -> str:
    return words.label("colon") + words.label("word_gap")
