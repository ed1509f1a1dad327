"""One section per round: its table, what was found, what was not shown. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from tunebook.core.divergence import COLLAPSED_SHARE
from tunebook.core.facts import TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind, Fold, Purpose, RoundKind, TrialState
from tunebook.record.boundary import boundary_sentence
from tunebook.record.grouped import factor_sentences, others_decided
from tunebook.record.model import RoundRow, RoundSection
from tunebook.record.names import control_name, is_baseline, retuned_rate, sides
from tunebook.record.opening import floor_sentence
from tunebook.record.tables import level_table
from tunebook.record.view import View
from tunebook.statistics.curves import rose_again, still_falling
from tunebook.words import Words
from tunebook.words.numbers import rate, trial_list, value
from tunebook.words.values import Ending

__all__ = ["chance_to_see", "round_sections"]

START_STEPS = 3


def round_sections(view: View, words: Words) -> tuple[RoundSection, ...]:
    """Every planned round, in order."""
    sections = [_section(view, words, number, kind) for number, kind in view.rounds]
    goals = [words.join([section.heading + words.label("stop"), section.goal]) for section in sections[1:]]
    if sections and view.outlook and view.outlook.rounds:
        goals.append(words.goal(view.outlook.rounds[0].kind, view.facts.data.n_test > 0))
    return tuple(
        replace(section, following=goals[i]) if i < len(goals) else section for i, section in enumerate(sections)
    )


def _section(view: View, words: Words, number: int, kind: RoundKind) -> RoundSection:
    rows = [row for row in view.rows(number) if any(fact.state.is_final for fact in row)]
    waves = view.waves(number)
    told = _in_rows(view, rows)
    bracketed = any(row[0].trial.purpose.only_chooses for row in rows)
    levels = level_table(view, words) if kind is RoundKind.EXPLORE else None
    remarks = [words.bracket_remark()] if bracketed else []
    remarks += [words.waiting_remark(trial_list(view.waiting(number)))] if view.waiting(number) else []
    if kind is RoundKind.CONFIRM:
        sealed = view.history.sealed
        leads = bool(sealed) and sealed["best"] == view.baseline_key
        remarks.append(words.confirm_baseline_remark() if leads else words.confirm_remark())
    remarks += [words.own_remark(view.results_before(number))] if kind is RoundKind.OWN else []
    remarks += _of_the_controls(view, words, number)
    remarks += words.wave_notes([note for wave in waves for note in wave.notes])
    remarks += [boundary_sentence(view, words, number)] if kind is RoundKind.BOUNDARY else []
    chosen = [c.learning_rate for w in waves if kind is RoundKind.PILOT for c in w.chosen_rates]
    ends_here = view.spec.floor == "ask" and any(w.floor is not None for w in waves)
    remarks += [words.pilot_remark(rate, view.spec.layout) for rate in chosen if not ends_here]
    remarks += [floor_sentence(view, words, wave.floor) for wave in waves if wave.floor is not None]
    remarks += [words.balanced_remark()] if levels is not None else []
    trained, spent = view.round_cost(number)
    return RoundSection(
        number=number,
        kind=kind.value,
        heading=words.round_heading(number, kind),
        goal=words.goal(kind, view.facts.data.n_test > 0),
        how=_how(words, rows),
        rows=tuple(_row(view, words, row) for row in rows)
        + tuple(_folded(view, words, fold, number) for wave in waves for fold in wave.folds),
        found=_found(view, words, view.findings(number), told),
        not_shown=_not_shown(view, words, number, told),
        chance=_chance(view, words, number),
        cuts=tuple(words.cut(cut) for wave in waves for cut in wave.cuts),
        remarks=tuple(dict.fromkeys(filter(None, remarks))),
        found_heading=words.found_heading(number),
        cost=words.round_cost(trained, spent),
        levels=levels,
    )


def _of_the_controls(view: View, words: Words, number: int) -> list[str]:
    """What limits the comparisons with one side: the same for all of them, so it is not said in each row."""
    return [
        words.control_warning(code, control_name(view, words, finding.control_key))
        for finding in view.findings(number)
        if not finding.kind.is_fitted
        for code in finding.warnings
        if code.startswith("control_")
    ]


def _in_rows(view: View, rows: Sequence[Sequence[TrialFact]]) -> set[int]:
    """The findings (by identity) that stand in full in the round's table."""
    mine = (view.finding_for(row) for row in rows if not row[0].trial.purpose.only_chooses)
    return {id(finding) for finding in mine if finding is not None}


def _found(view: View, words: Words, findings: Sequence[Finding], told: set[int]) -> tuple[str, ...]:
    """What the round showed, by factor; a finding without a row of its own stands here in full."""
    decided = [f for f in findings if f.verdict is not Verdict.INCONCLUSIVE]
    in_table = [f for f in decided if id(f) in told]
    sentences = factor_sentences(view, words, in_table)
    others = others_decided(view, words, in_table)
    sentences += [words.found_elsewhere(others)] if others else []
    for finding in decided:
        if id(finding) not in told:
            what, against = sides(view, words, finding)
            sentences.append(words.capital(words.found(finding, what, against, view.margin_of(finding.round))))
    return tuple(sentences)


def _not_shown(view: View, words: Words, number: int, told: set[int]) -> tuple[str, ...]:
    """What the round left open: levels of single factors in one sentence, other comparisons by name; with their numbers
    where they have no row in the table. Of what has a row only a few are named."""
    levels: dict[str, list[str]] = {}
    described: dict[str, list[str]] = {}
    rows, others = [], []
    for finding in view.findings(number):
        if finding.verdict is not Verdict.INCONCLUSIVE:
            continue
        single = finding.kind is ContrastKind.DIFFERENCE and is_baseline(view, finding.control_key)
        configuration = view.configurations.get(finding.treatment_key)
        if single and finding.factor is not None and configuration is not None:
            level = value(finding.factor, getattr(configuration, finding.factor))
            (levels if finding.is_tested else described).setdefault(finding.factor, []).append(level)
            continue
        what, against = sides(view, words, finding, alone=False)
        if not finding.kind.is_fitted:
            what = control_name(view, words, finding.treatment_key)
        versus = "" if finding.control_key == view.baseline_key else words.versus(against)
        in_table = id(finding) in told and not math.isnan(finding.effect)
        tried, control = (_has_result(view, finding, t) for t in (finding.treatment_trials, finding.control_trials))
        missing = against if tried and not control else ""
        if in_table:
            rows.append(what + versus)
        else:
            others.append(words.open_contrast(finding, what, versus, missing))
    gap, comma = words.label("word_gap"), words.label("enum_gap")
    named, one_seed = (
        [f"{words.factor(f)}{gap}{words.bracketed(comma.join(words.few(seen)))}" for f, seen in found.items()]
        for found in (levels, described)
    )
    opened = [words.no_difference_for(named)] if named else []
    opened += [words.not_tested_for(one_seed)] if one_seed else []
    return (*opened, *words.few(rows), *others)


def _has_result(view: View, finding: Finding, trials: Sequence[int]) -> bool:
    """Whether any of a finding's trials trained and was scored on its split."""
    facts = [view.history.trials[trial] for trial in trials]
    return any(fact.state is TrialState.COMPLETED and finding.split in fact.outcomes for fact in facts)


def _chance(view: View, words: Words, number: int) -> str:
    """The probability that a true difference of the size of the margin was found; the median over the round's open
    differences."""
    margin = view.margin_of(number)
    chances = [
        chance_to_see(finding, margin)
        for finding in view.findings(number)
        if finding.verdict is Verdict.INCONCLUSIVE
        and finding.is_tested
        and finding.kind.is_two_sided
        and finding.standard_error > 0
    ]
    return words.chance_to_see(margin, float(np.median(chances))) if chances else ""


def chance_to_see(finding: Finding, effect: float) -> float:
    """Probability that this comparison would have found a true difference of size `effect`, two-sided.

    The family's critical value is recovered from the interval; the estimate is t-distributed around the effect.
    """
    half = max(finding.interval[1] - finding.effect, finding.effect - finding.interval[0])
    critical, shift = half / finding.standard_error, effect / finding.standard_error
    df = min(finding.degrees_of_freedom, 1e6)
    return float(special.stdtr(df, shift - critical) + special.stdtr(df, -shift - critical))


def _how(words: Words, rows: Sequence[Sequence[TrialFact]]) -> str:
    """How many seeds the round gave to the baseline and to the other configurations; several rows may have the same
    one."""
    seeds: dict[str, int] = {}
    baseline = 0
    for row in rows:
        if row[0].trial.purpose is Purpose.BASELINE:
            baseline = len(row)
        elif not row[0].trial.purpose.only_chooses:
            key = row[0].trial.effective.key
            seeds[key] = seeds.get(key, 0) + len(row)
    return words.seeds_used(baseline, list(seeds.values()))


def _row(view: View, words: Words, row: Sequence[TrialFact]) -> RoundRow:
    if row[0].trial.purpose.only_chooses:
        return _bracket_row(view, words, row)
    trial = row[0].trial
    split = view.split_of(row)
    finding = view.finding_for(row)
    accuracy = view.accuracy(row, split)
    is_best = view.conclusions.best is not None and trial.effective.key == view.conclusions.best.key
    broken = [f for f in row if f.state.is_final and not f.state.did_train]
    result = words.accuracy(*accuracy, bold=is_best) if accuracy else words.label("none")
    completed = sum(f.state is TrialState.COMPLETED for f in row)
    if accuracy and completed < len(row):
        result += words.label("word_gap") + words.bracketed(words.some_seeds(completed, len(row)))
    if split == "test" and accuracy:
        result += words.label("word_gap") + words.bracketed(words.label("test"))
    return RoundRow(
        trials=tuple(f.trial.id for f in row),
        label=trial_list([f.trial.id for f in row]),
        changed=_changed(view, words, row),
        result=result,
        against=_against(view, words, finding),
        analysis=words.join(_analysis(view, words, row, finding)),
        tone="failed" if len(broken) == len(row) else "best" if is_best else "",
    )


def _changed(view: View, words: Words, row: Sequence[TrialFact]) -> str:
    trial = row[0].trial
    if trial.effective.key == view.baseline_key:
        if trial.purpose is Purpose.BASELINE:
            colon = words.label("colon") + words.label("word_gap")
            return f"{words.label('baseline')}{colon}{words.settings(trial.configuration)}"
        return words.label("baseline")
    return words.changes(trial.configuration, view.spec.baseline)


def _against(view: View, words: Words, finding: Finding | None) -> str:
    """The difference from the baseline, or from the baseline at its re-tuned learning rate."""
    if finding is None or math.isnan(finding.effect) or not is_baseline(view, finding.control_key):
        return ""
    return words.effect(finding, bold=finding.is_difference)


def _analysis(view: View, words: Words, row: Sequence[TrialFact], finding: Finding | None) -> list[str]:
    sentences = [_judged(view, words, row, finding)]
    completed = [f for f in row if f.state is TrialState.COMPLETED]
    if len(completed) < len(row):
        sentences.append(words.ending(_ending(view, row)))
    for fact in row:
        if fact.trial.checkpoint_of is not None:
            sentences.append(words.checkpoint(fact.trial.checkpoint_of))
    return [*sentences, _one_answer(view, words, completed), _curve_remark(view, words, completed, finding)]


def _one_answer(view: View, words: Words, completed: Sequence[TrialFact]) -> str:
    """That trials give nearly the same answer to everything and are still better than that answer alone."""
    shares = []
    for fact in completed:
        answers = fact.outcomes["validation"].answers if "validation" in fact.outcomes else ()
        if answers:
            shares.append(Counter(answers).most_common(1)[0][1] / len(answers))
    common = view.facts.data.commonest_share
    weak = [share for share in shares if share > COLLAPSED_SHARE >= common + 0.1]
    return words.one_answer(max(weak), len(weak), len(completed)) if weak else ""


def _judged(view: View, words: Words, row: Sequence[TrialFact], finding: Finding | None) -> str:
    """The verdict of a row's finding, or the text shown in place of one."""
    trial, split = row[0].trial, view.split_of(row)
    completed = [f for f in row if f.state is TrialState.COMPLETED]
    if finding is not None:
        return "" if finding.verdict is Verdict.DIVERGED else _verdict(view, words, finding)
    if not completed:
        return ""
    if trial.effective.key == view.baseline_key:
        accuracies = [f.outcomes[split].accuracy for f in completed if split in f.outcomes]
        return words.seeds_range(accuracies) if len(accuracies) > 1 else ""
    control = next((f for f in view.findings(trial.round) if f.control_key == trial.effective.key), None)
    if control is not None and retuned_rate(view, trial.effective.key) is not None:
        return words.retuned_baseline(control.control_trials)
    then = view.evidence.up_to(trial.round)
    nothing = [f for f in completed if then.how_it_ended(f) is not None]
    if nothing:
        return words.learned_nothing(len(nothing), len(row), then.usual_accuracy)
    if trial.purpose is Purpose.BOUNDARY:
        return words.only_whether_it_trains(len(row)) if len(completed) == len(row) else ""
    if trial.purpose is Purpose.DESIGN:
        return words.part_of_design()
    if trial.purpose is Purpose.COMBINE:
        return words.part_of_the_sum()
    loss = view.loss(completed, split)
    return words.only_its_loss(loss) if loss is not None and split == "validation" else ""


def _verdict(view: View, words: Words, finding: Finding) -> str:
    against = control_name(view, words, finding.control_key)
    text = words.verdict(finding, against, view.margin_of(finding.round))
    end = view.common_end(finding)
    exchanged = view.won_and_lost(finding)
    if exchanged is not None:
        text = words.join([text, words.won_and_lost(*exchanged)])
    if end is not None:
        text = words.join([text, words.flat(end == 1.0, finding.loss_effect, finding.loss_interval)])
    if is_baseline(view, finding.control_key):
        return text
    return words.join([text, words.against_other(words.effect(finding), against)])


def _curve_remark(view: View, words: Words, completed: Sequence[TrialFact], finding: Finding | None) -> str:
    """What the curves of all replicates show: a validation loss that rose again, or a training loss that still falls;
    with the numbers where that may be why the row is worse, and for the baseline."""
    turns = [rose_again(fact.curve) for fact in completed]
    if turns and all(turns):
        epoch, lowest, last = turns[0] or (0.0, 0.0, 0.0)
        return words.overfits(completed[0].trial.id, epoch, lowest, last, len(turns))
    falls = [still_falling(fact.curve) for fact in completed]
    if falls and all(falls):
        is_worse = finding is not None and finding.verdict is Verdict.WORSE
        told = is_worse or completed[0].trial.effective.key == view.baseline_key
        return words.still_falling(completed[0].trial.id, falls[0] if told else None)
    return ""


def _ending(view: View, row: Sequence[TrialFact]) -> Ending:
    broken = [f for f in row if f.state.is_final and not f.state.did_train]
    reasons = tuple(
        dict.fromkeys(
            (f.reason or "").partition(":")[0] if f.state is not TrialState.FAILED else (f.reason or "") for f in broken
        )
    )
    stepped = next((f for f in broken if f.diverged_step is not None), None)
    losses = None
    if stepped is not None:
        finite = [s.loss for s in stepped.curve.steps if math.isfinite(s.loss)]
        if len(finite) > START_STEPS:
            losses = (float(np.mean(finite[:START_STEPS])), finite[-1])
    return Ending(
        states={f.trial.id: f.state for f in row},
        reasons=tuple(r for r in reasons if r),
        steps=(stepped.diverged_step, view.total_steps(stepped.trial)) if stepped else (None, None),
        broke=stepped.trial.id if stepped else None,
        losses=losses,
    )


def _bracket_row(view: View, words: Words, row: Sequence[TrialFact]) -> RoundRow:
    by_rate: dict[float, list[TrialFact]] = {}
    for fact in row:
        by_rate.setdefault(fact.trial.effective.learning_rate, []).append(fact)
    results = []
    for learning_rate, facts in sorted(by_rate.items()):
        accuracy = view.accuracy(facts)
        shown = words.measured(accuracy[0]) if accuracy else words.state(facts[0].state)
        results.append(f"{rate(learning_rate)}{words.label('colon')}{words.label('word_gap')}{shown}")
    config = row[0].trial.configuration.with_values(learning_rate=view.spec.baseline.learning_rate)
    level = words.changes(config, view.spec.baseline)
    rates = ", ".join(rate(learning_rate) for learning_rate in sorted(by_rate))
    return RoundRow(
        trials=tuple(f.trial.id for f in row),
        label=trial_list([f.trial.id for f in row]),
        changed=words.rates_tried(level, rates),
        result=words.label("list_gap").join(results),
        against="",
        analysis=words.bracket_row(view.chosen_rate(row)),
    )


def _folded(view: View, words: Words, fold: Fold, number: int) -> RoundRow:
    same = [
        f.trial.id
        for f in view.by_key.get(fold.same_as, [])
        if not f.trial.purpose.only_chooses and f.trial.round <= number
    ]
    return RoundRow(
        trials=(),
        label=words.label("folded"),
        changed=words.changes(fold.configuration, view.spec.baseline),
        result=words.same_as(trial_list(same)) if same else "",
        against="",
        analysis=words.fold(fold.reasons, view.facts.data.longest_tokens, view.counts_words),
        tone="folded",
    )
