"""What a whole study supports, from its history: `conclude`.

Findings of closed rounds are taken as they were judged; nothing printed is judged again. What is worked out here beside
them makes no further claims of better or worse: it describes (noise, accuracies, importance, sweet spots, the bracket)
or leaves open (tie set, what more money would buy).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy import special

from tunebook.core.cost import relative_cost
from tunebook.core.divergence import tried_rates
from tunebook.core.factor import FACTOR_KINDS, Scale
from tunebook.core.facts import DataFacts, Floats, History, TrialFact
from tunebook.core.findings import (
    BestConfiguration,
    CheapestAsGood,
    Confirmation,
    DivergenceBracket,
    Finding,
    Importance,
    Interaction,
    LevelMean,
    MoreMoney,
    Neighbour,
    Noise,
    NothingLearned,
    RateTried,
    StudyFindings,
    SweetSpot,
    Verdict,
)
from tunebook.core.study import ContrastKind, Purpose, RoundKind, StudySpec
from tunebook.statistics.balanced import FEWEST_DF
from tunebook.statistics.curves import still_falling
from tunebook.statistics.effects import factor_variances
from tunebook.statistics.evidence import VALIDATION, Candidate, Evidence
from tunebook.statistics.intervals import largest_difference
from tunebook.statistics.judge_fitted import balanced_model
from tunebook.statistics.low_seeds import low_seeds
from tunebook.statistics.multiple import MaxT
from tunebook.statistics.power import POWER
from tunebook.statistics.response import divergence_bracket, fitted_interval, tied_levels
from tunebook.statistics.selection import corrected_accuracy, tie_set
from tunebook.statistics.verdicts import side_of

__all__ = ["boundary", "conclude"]

EXTRA_TRIALS = 12
"""How many more trials the sentence about more money considers, half on each side."""
TEST = "test"
JUDGED_FIRST = (RoundKind.TABLE, RoundKind.EXPLORE)
"""The rounds after which it is known whether anything was learned."""


def conclude(history: History, spec: StudySpec, facts: DataFacts) -> StudyFindings:
    """Everything that the study supports, as of now. Works from the first finished trial on.

    Args:
        history: `findings` are those of the closed rounds, as `statistics.judge_round.judge_round` gave them.
    """
    evidence = Evidence(history, spec.baseline)
    leads = _best(evidence)
    nothing = _nothing_learned(evidence, leads, facts)
    best = leads if nothing is None else None
    candidate = evidence.candidates[best.key] if best is not None else None
    edge = boundary(evidence)
    return StudyFindings(
        noise=_noise(evidence),
        findings=tuple(history.findings),
        accuracies=_accuracies(evidence),
        best=best,
        nothing_learned=nothing,
        tie_set=_tie_set(evidence, candidate),
        cheapest=_cheapest(evidence, candidate, spec.margin, facts) if candidate is not None else None,
        importance=_importance(evidence) if nothing is None else (),
        interactions=_interactions(evidence),
        sweet_spots=_sweet_spots(evidence, edge) if nothing is None else (),
        boundary=edge,
        confirmation=_confirmation(evidence),
        more_money=_more_money(evidence, best),
        neighbours=_neighbours(evidence, candidate),
        level_means=_level_means(evidence, spec),
        low_seeds=low_seeds(evidence),
    )


def _accuracies(evidence: Evidence) -> dict[str, tuple[float, float, float]]:
    """By effective key: mean accuracy on validation with its 95 % interval."""
    measured = {key: evidence.accuracy(candidate.trained) for key, candidate in evidence.candidates.items()}
    return {key: (each[0], *each[1]) for key, each in measured.items() if each is not None}


def _noise(evidence: Evidence) -> Noise:
    noise, joint = evidence.noise, evidence.joint_noise
    detectable: dict[str, list[float]] = {}
    margins = []
    for finding in evidence.history.findings:
        if finding.family == "main" and finding.kind.is_two_sided and not math.isnan(finding.effect):
            reach, df = _critical(finding), min(finding.degrees_of_freedom, 1e6)
            found = (reach + float(special.stdtrit(df, POWER))) * finding.standard_error
            detectable.setdefault(finding.round_kind.value, []).append(found)
            margins.append((reach + float(special.stdtrit(df, (1 + POWER) / 2))) * finding.standard_error)
    return Noise(
        seed_deviation=noise.deviation,
        degrees_of_freedom=noise.df,
        from_prior=noise.from_prior,
        smallest_detectable_effect={kind: min(1.0, float(np.median(values))) for kind, values in detectable.items()},
        smallest_margin=min(1.0, *margins) if margins else 1.0,
        loss_deviation=math.sqrt(joint.covariance[1, 1]) if joint.covariance[1, 1] > 0 else None,
        noisier={key: noise.of(key) for key in noise.own},
    )


def _critical(finding: Finding) -> float:
    """The family's critical value, read back from the interval (its ends may be cut at -1 and 1)."""
    half = max(finding.interval[1] - finding.effect, finding.effect - finding.interval[0])
    return half / finding.standard_error if finding.standard_error > 0 else 0.0


def _best(evidence: Evidence) -> BestConfiguration | None:
    best = evidence.leading
    if best is None:
        return None
    index = [candidate.key for candidate in evidence.chosen_from].index(best.key)
    found = corrected_accuracy(evidence.field(evidence.chosen_from), index)
    return BestConfiguration(
        key=best.key,
        trials=evidence.candidates[best.key].trained_ids,
        raw=found.raw,
        corrected=found.corrected,
        corrected_interval=(found.low, found.high),
        chosen_by=_chosen_by(evidence, best.key),
    )


def _nothing_learned(evidence: Evidence, leads: BestConfiguration | None, facts: DataFacts) -> NothingLearned | None:
    """That the leading configuration is not shown better than no training; None before a round has been judged, or the
    pilots have shown it."""
    closed = [wave for wave in evidence.history.waves if wave.round in evidence.history.closed_rounds and wave.trials]
    reference = evidence.history.trials.get(0)
    untrained = reference.outcomes.get(VALIDATION) if reference is not None else None
    bar, bar_is = evidence.bar(facts)
    is_judged = any(wave.kind in JUDGED_FIRST for wave in closed)
    is_shown_by_pilots = not is_judged and any(wave.floor is not None for wave in evidence.history.waves)
    if leads is None or not (is_shown_by_pilots or (is_judged and leads.corrected_interval[0] <= bar)):
        return None
    passed_over = [c for c in evidence.claiming.values() if c.trained and c not in evidence.contenders]
    if evidence.confirmed_as == "worse":
        passed_over += [c for c in evidence.contenders if c.key == evidence.history.sealed["best"]]
    intervals = [evidence.accuracy(candidate.trained) for candidate in passed_over]
    if any(each is not None and each[1][0] > bar for each in intervals):
        return None  # something learned, although it did not hold
    trained = evidence.leading.trained if evidence.leading is not None else ()
    falls = [still_falling(fact.curve) for fact in trained]
    loss = evidence.leading.loss if evidence.leading is not None else math.inf
    replicates = (f for f in evidence.replicates().get(leads.key, ()) if not f.trial.purpose.only_chooses)
    leading = [fact.trial.id for fact in trained]
    others = [fact for fact in replicates if fact.trial.id not in leading]
    by_others = evidence.accuracy(others)
    return NothingLearned(
        key=leads.key,
        trials=tuple(leading),
        accuracy=leads.raw,
        corrected_interval=leads.corrected_interval,
        bar=bar,
        bar_is=bar_is,
        untrained_loss=untrained.loss if untrained is not None and math.isfinite(untrained.loss) else None,
        loss=loss if math.isfinite(loss) else None,
        still_falling=falls[0] if falls and all(falls) else None,
        other_seeds_accuracy=by_others[0] if by_others is not None else None,
        n_other_seeds=len(others) if by_others is not None else 0,
    )


def _chosen_by(evidence: Evidence, key: str) -> str:
    better = [
        f
        for f in evidence.history.findings
        if f.family == "main" and f.treatment_key == key and f.verdict is Verdict.BETTER
    ]
    if any(f.split == TEST for f in better):
        return "confirmed"
    refuted = evidence.history.sealed.get("best") == key and evidence.confirmed_as == "not_shown"
    return "claim" if better and not refuted else "leading"


def _tie_set(evidence: Evidence, best: Candidate | None) -> tuple[str, ...]:
    """The best first, then the others in order of accuracy."""
    candidates = evidence.contenders
    if best is None or best not in candidates:
        return (best.key,) if best is not None else ()
    tied = tie_set(evidence.field(candidates), candidates.index(best))
    others = [
        candidate for candidate, is_tied in zip(candidates, tied, strict=True) if is_tied and candidate is not best
    ]
    return (best.key, *(candidate.key for candidate in sorted(others, key=lambda each: -each.accuracy)))


def _cheapest(evidence: Evidence, best: Candidate, margin: float, facts: DataFacts) -> CheapestAsGood | None:
    """From the contrasts that were fixed beforehand; without one that succeeded, the candidate and its bound."""
    tests = [
        f
        for f in evidence.history.findings
        if f.kind is ContrastKind.NON_INFERIORITY and f.family == "main" and not math.isnan(f.effect)
    ]
    if tests:
        last = tests[-1]
        shown = last.treatment_key if last.verdict is Verdict.NOT_INFERIOR else None
        ratio = _cost_ratio(evidence.candidates[last.treatment_key], best, facts)
        return CheapestAsGood(shown, last.treatment_key, max(0.0, -last.interval[0]), ratio)
    cheaper = evidence.cheaper_than(best, facts)
    if not cheaper:
        return CheapestAsGood(best.key, best.key, 0.0, 1.0)
    nearest = evidence.cheapest_near(best, facts, margin)
    if nearest is None:
        return None
    judged = [
        f
        for f in evidence.history.findings
        if (f.treatment_key, f.control_key, f.kind) == (best.key, nearest.key, ContrastKind.DIFFERENCE)
        and f.family == "main"
        and not math.isnan(f.effect)
    ]
    # where the two were compared, the record has that interval: another bound beside it would contradict it
    bound = judged[-1].interval[1] if judged else float(_worse_by(evidence, cheaper, best)[cheaper.index(nearest)])
    return CheapestAsGood(None, nearest.key, max(0.0, bound), _cost_ratio(nearest, best, facts))


def _worse_by(evidence: Evidence, candidates: list[Candidate], best: Candidate) -> Floats:
    """How much worse than the best each may be: simultaneous one-sided 95 % bounds."""
    estimates = evidence.estimates([(each.trained_ids, best.trained_ids) for each in candidates])
    limit = MaxT(estimates.correlation, np.zeros(len(candidates), bool)).critical(0.05, estimates.df)
    bounds = limit * estimates.standard_error - estimates.effect
    return np.asarray(np.minimum(largest_difference(best.scores), bounds))


def _cost_ratio(candidate: Candidate, best: Candidate, facts: DataFacts) -> float:
    """Training time over the best's: measured where both were, else as the configurations let expect."""
    measured = [
        np.mean([f.cost.train_seconds for f in p.trained if f.trial.checkpoint_of is None] or [0.0])
        for p in (candidate, best)
    ]
    if min(measured) > 0:
        return float(measured[0] / measured[1])
    return relative_cost(candidate.effective, facts)[0] / relative_cost(best.effective, facts)[0]


def _importance(evidence: Evidence) -> tuple[Importance, ...]:
    """By the variance that each factor's levels explain. A factor is ranked when a level of it is better or worse: that
    it matters at all is then as sure as the verdicts are; the order among those that do describes."""
    levels = evidence.levels
    factors = list(dict.fromkeys(str(f.factor) for f in levels))
    if not factors:
        return ()
    estimates = evidence.estimates([(f.treatment_trials, f.control_trials) for f in levels])
    members = [np.array([i for i, f in enumerate(levels) if f.factor == name]) for name in factors]
    variances = factor_variances(estimates.effect, estimates.covariance, members)
    found = []
    for name, own, variance in zip(factors, members, variances, strict=True):
        seen = max(max(abs(end) for end in levels[i].interval) for i in own)
        values = dict.fromkeys([evidence.control_value(levels[own[0]]), *(evidence.value_of(levels[i]) for i in own)])
        found.append(
            Importance(
                factor=name,
                share=variance.share,
                rank=variance.rank,
                rank_interval=variance.rank_interval,
                first_share=variance.first_share,
                ranked=any(levels[i].is_difference for i in own),
                nothing_above=seen,
                levels=tuple(values),
            )
        )
    return tuple(sorted(found, key=lambda importance: importance.rank))


def _interactions(evidence: Evidence) -> tuple[Interaction, ...]:
    """For every pair of explored factors: known when the four cells exist in the combine round."""
    cells = _cells(evidence)
    known: dict[tuple[str, str], tuple[tuple[int, ...], ...]] = {}
    names = sorted({name for cell in cells for name in cell})
    for a, b in combinations(names, 2):
        four = [cells.get(frozenset(which)) for which in ((a, b), (a,), (b,), ())]
        if all(cell is not None for cell in four):
            known[a, b] = tuple(cell for cell in four if cell is not None)
    numbers = _interaction_numbers(evidence, known)
    explored = sorted({str(f.factor) for f in evidence.levels})
    pairs = dict.fromkeys([*known, *combinations(explored, 2)])
    return tuple(Interaction(pair, pair in numbers, *numbers.get(pair, (None, None))) for pair in pairs)


def _cells(evidence: Evidence) -> dict[frozenset[str], tuple[int, ...]]:
    """Trials by which of the combined levels they have; the empty set is the baseline."""
    combined = next((wave.combined for wave in evidence.history.waves if wave.combined), None)
    baseline = evidence.candidates.get(evidence.baseline_key)
    if combined is None or baseline is None or not baseline.trained:
        return {}
    cells: dict[frozenset[str], tuple[int, ...]] = {frozenset(): baseline.trained_ids}
    for finding in evidence.levels:
        same_level = finding.factor in combined and evidence.value_of(finding) == combined[finding.factor]
        if same_level and finding.factor is not None and _moves_nothing_else(evidence, finding, finding.factor):
            cells[frozenset({finding.factor})] = finding.treatment_trials
    for candidate in evidence.candidates.values():
        own = [f for f in candidate.trained if f.trial.purpose is Purpose.COMBINE]
        if own:
            configuration = own[0].trial.configuration
            has = frozenset(name for name, value in combined.items() if getattr(configuration, name) == value)
            cells[has] = tuple(f.trial.id for f in own)
    return cells


def _moves_nothing_else(evidence: Evidence, finding: Finding, factor: str) -> bool:
    """Whether a level was judged at the baseline's own learning rate: at a re-tuned one it is no cell of one change."""
    if factor == "learning_rate" or evidence.baseline is None:
        return True
    treatment = evidence.history.trials[finding.treatment_trials[0]].trial
    return treatment.effective.learning_rate == evidence.baseline.learning_rate


def _interaction_numbers(
    evidence: Evidence, known: dict[tuple[str, str], tuple[tuple[int, ...], ...]]
) -> dict[tuple[str, str], tuple[float, tuple[float, float]]]:
    """Effect (together - first alone - second alone + neither) with simultaneous 95 % intervals."""
    if not known:
        return {}
    trials = sorted({trial for cells in known.values() for cell in cells for trial in cell})
    column = {trial: j for j, trial in enumerate(trials)}
    weights = np.zeros((len(known), len(trials)))
    for row, cells in enumerate(known.values()):
        for sign, cell in zip((1, -1, -1, 1), cells, strict=True):
            for trial in cell:
                weights[row, column[trial]] += sign / len(cell)
    estimates = evidence.weighted(weights, trials)
    half = MaxT(estimates.correlation).critical(0.05, estimates.df) * estimates.standard_error
    return {
        pair: (float(e), (float(e - h), float(e + h))) for pair, e, h in zip(known, estimates.effect, half, strict=True)
    }


def _sweet_spots(evidence: Evidence, edge: DivergenceBracket | None) -> tuple[SweetSpot, ...]:
    factors = dict.fromkeys(str(f.factor) for f in evidence.levels)
    numeric = [name for name in factors if FACTOR_KINDS[name].scale in (Scale.LOG, Scale.LINEAR)]
    spots = (_sweet_spot(evidence, name) for name in numeric)
    return tuple(_below(edge, spot) for spot in spots if spot is not None)


def _below(edge: DivergenceBracket | None, spot: SweetSpot) -> SweetSpot:
    """A range of learning rates that ends, at the latest, where a replicate did not train; the best rate stays in."""
    if edge is None or spot.factor != "learning_rate":
        return spot
    return replace(spot, high=min(spot.high, max(edge.held_at, spot.best)))


def _sweet_spot(evidence: Evidence, factor: str) -> SweetSpot | None:
    # a level that was judged by its own noise is tied with everything: it would widen the range to whatever it is
    own = [f for f in evidence.levels if f.factor == factor and "unequal_noise" not in f.warnings]
    if not own:
        return None
    candidate: Callable[[float], float] = math.log if FACTOR_KINDS[factor].scale is Scale.LOG else float
    back: Callable[[float], float] = math.exp if FACTOR_KINDS[factor].scale is Scale.LOG else float
    values = [float(str(evidence.control_value(own[0]))), *(float(str(evidence.value_of(f))) for f in own)]
    if len(set(values)) < len(values) or (candidate is math.log and min(values) <= 0):
        return None
    estimates = evidence.estimates([(f.treatment_trials, f.control_trials) for f in own])
    effect = np.concatenate([[0.0], estimates.effect])
    covariance = np.pad(estimates.covariance, ((1, 0), (1, 0)))
    critical = _critical_of(own, estimates.standard_error)
    x = np.array([candidate(value) for value in values])
    fit = fitted_interval(x, effect, covariance, critical) if factor == "learning_rate" else None
    found = fit or tied_levels(x, effect, covariance, critical)
    low, high, best = (back(position) for position in (found.low, found.high, found.best))
    if fit is None:
        low, high, best = (_nearest(values, at) for at in (low, high, best))
    else:
        # a fit to a few rates is no more exact than two digits
        low, high = min(best, float(f"{low:.2g}")), max(best, float(f"{high:.2g}"))
    return SweetSpot(factor, low, high, best, fit is not None)


def _critical_of(findings: list[Finding], standard_error: Floats) -> float:
    """How many standard errors the verdicts on these findings took: a level that no verdict tells from its control is
    not told from it here either."""
    halves = [(f.interval[1] - f.interval[0]) / 2 for f in findings]
    return max(half / max(float(se), 1e-12) for half, se in zip(halves, standard_error, strict=True))


def _nearest(values: list[float], at: float) -> float:
    return min(values, key=lambda value: abs(value - at))


def boundary(evidence: Evidence) -> DivergenceBracket | None:
    """Where training breaks, of the settings at which the learning rate was pushed outwards, or else of those tried at
    most rates."""
    families: dict[object, list[TrialFact]] = {}
    for fact in evidence.history.trials.values():
        if fact.state.is_answer and fact.trial.purpose is not Purpose.REFERENCE:
            families.setdefault(fact.trial.effective.with_values(learning_rate=1.0), []).append(fact)
    pushed = [facts for facts in families.values() if any(_pushes_rate(f) for f in facts)]
    broke = [facts for facts in families.values() if any(evidence.how_it_ended(f) is not None for f in facts)]
    for group in (pushed, broke):
        if group:
            return _bracket_of(
                evidence, max(group, key=lambda facts: len({f.trial.effective.learning_rate for f in facts}))
            )
    return None


def _pushes_rate(fact: TrialFact) -> bool:
    return fact.trial.kind is RoundKind.BOUNDARY and fact.trial.factor == "learning_rate"


def _bracket_of(evidence: Evidence, facts: list[TrialFact]) -> DivergenceBracket | None:
    tried = tried_rates(facts, evidence.usual_accuracy)
    bracket = divergence_bracket(tried)
    if bracket.highest_trained is None or bracket.raw_trained is None:
        return None
    endings: dict[float, dict[str, None]] = {rate: {} for rate in sorted(tried)}
    for fact in facts:
        ending, at = evidence.how_it_ended(fact), fact.trial.effective.learning_rate
        if ending is not None and at in endings:
            endings[at][ending] = None
    ways = {way for rate, ended in endings.items() if rate > bracket.raw_trained for way in ended}
    return DivergenceBracket(
        rates=tuple(RateTried(rate, sum(tried[rate]), len(tried[rate]), tuple(endings[rate])) for rate in endings),
        held_at=bracket.raw_trained,
        failed_at=bracket.raw_failed,
        highest_trained=bracket.highest_trained,
        lowest_failed=bracket.lowest_failed,
        trials=tuple(sorted(f.trial.id for f in facts)),
        how="both" if len(ways) > 1 else next(iter(ways), "diverged"),
        mixed=bool(bracket.mixed),
    )


def _level_means(evidence: Evidence, spec: StudySpec) -> tuple[LevelMean, ...]:
    """The levels of a balanced design, by factor in the order in which they were asked about."""
    fitted = [c for wave in evidence.history.waves for c in wave.contrasts if c.kind.is_fitted]
    if not fitted or any(not evidence.history.trials[i].state.is_final for i in fitted[0].treatment):
        return ()
    model = balanced_model(fitted, evidence.history, spec.baseline)
    if model is None or model.df < FEWEST_DF:
        return ()
    ids = side_of(fitted[0].treatment, evidence.history, VALIDATION).ids
    return tuple(
        LevelMean(factor=factor, level=level, mean=mean, interval=interval, trials=tuple(ids[t] for t in own))
        for factor in model.columns
        for level, mean, interval, own in model.level_means(factor)
    )


def _confirmation(evidence: Evidence) -> Confirmation | None:
    """What the confirm round said; None before it has a result."""
    sealed, split = evidence.history.sealed, evidence.confirm_split
    accuracies, intervals, trained, n = {}, {}, {}, 0
    for role, key in sealed.items():
        fresh = [f for f in evidence.by_key.get(key, ()) if f.trial.kind is RoundKind.CONFIRM and f.state.is_answer]
        trained[role] = (sum(f.state.did_train for f in fresh), len(fresh))
        measured = evidence.accuracy([f for f in fresh if f.state.did_train], split)
        if measured is not None:
            n = len(next(f for f in fresh if split in f.outcomes).outcomes[split].scores)
            accuracies[role], intervals[role] = measured
    if not any(asked for _, asked in trained.values()):
        return None
    leading = evidence.leading
    leads = leading is not None and leading.key == sealed.get("runner_up")
    runner_up = leads or sealed.get("best") == evidence.baseline_key
    gain = evidence.confirm_finding("runner_up" if runner_up else "best")
    best = [f for f in evidence.by_key.get(sealed.get("best", ""), ()) if f.trial.kind is RoundKind.CONFIRM]
    return Confirmation(
        keys=dict(sealed),
        outcome=evidence.confirmed_as,
        trained=trained,
        endings=tuple(dict.fromkeys(f.state.value for f in best if f.state.is_answer and not f.state.did_train)),
        accuracies=accuracies,
        intervals=intervals,
        gain=gain.effect if gain else None,
        gain_interval=gain.interval if gain else None,
        n_examples=n,
    )


def _neighbours(evidence: Evidence, best: Candidate | None) -> tuple[Neighbour, ...]:
    """The configurations that were trained and that lack one change of the best; the baseline is not among them."""
    if best is None or evidence.baseline is None or not best.trained:
        return ()
    found: dict[str, Candidate] = {}
    for candidate in evidence.claiming.values():
        changed = candidate.configuration.changes_from(best.configuration)
        factors = set(changed) - ({"lora_alpha"} if "lora_r" in changed else set())
        if len(factors) != 1 or not candidate.trained or candidate.key == evidence.baseline_key:
            continue
        factor = factors.pop()
        if getattr(candidate.configuration, factor) == getattr(evidence.baseline, factor):
            found.setdefault(factor, candidate)
    if not found:
        return ()
    estimates = evidence.estimates([(best.trained_ids, each.trained_ids) for each in found.values()])
    half = MaxT(estimates.correlation).critical(0.05, estimates.df) * estimates.standard_error
    return tuple(
        Neighbour(
            factor=factor,
            level=getattr(best.configuration, factor),
            key=candidate.key,
            effect=float(effect),
            interval=(max(-1.0, float(effect - h)), min(1.0, float(effect + h))),
        )
        for (factor, candidate), effect, h in zip(found.items(), estimates.effect, half, strict=True)
    )


def _more_money(evidence: Evidence, best: BestConfiguration | None) -> MoreMoney | None:
    """What more would buy for the main finding: the best against the baseline, the latest time it was judged."""
    about = [
        f
        for f in evidence.history.findings
        if best is not None
        and f.treatment_key == best.key
        and f.family == "main"
        and f.kind is ContrastKind.DIFFERENCE
        and not math.isnan(f.effect)
    ]
    if not about:
        return None
    main = about[-1]
    n = len(evidence.history.trials[main.treatment_trials[0]].outcomes[main.split].scores)
    m = (len(main.treatment_trials), len(main.control_trials))
    variance, critical = main.standard_error**2, _critical(main)
    from_seeds = min(variance, evidence.noise_on(main.split).assumed_deviation ** 2 * sum(1 / each for each in m))
    more_seeds = from_seeds * sum(1 / (each + EXTRA_TRIALS / 2) for each in m) / sum(1 / each for each in m)
    extra = max(100, round(n, -2))
    if critical * math.sqrt(variance) >= 1:
        return None
    return MoreMoney(
        half_width=critical * math.sqrt(variance),
        extra_trials=EXTRA_TRIALS,
        half_width_with_trials=critical * math.sqrt(variance - from_seeds + more_seeds),
        extra_examples=extra,
        half_width_with_examples=critical * math.sqrt((variance - from_seeds) * n / (n + extra) + from_seeds),
        split=main.split,
    )
