"""What each factor does around the best configuration, where no round asked: described by the model of the loss.

The model is `statistics.surrogate`, over everything that was trained. Of each factor the other levels that were tried
are put into the best configuration in its place, and the model says how the validation loss would change. The intervals
average over the model's settings (scale, length, noise), each as likely as the trials leave it: of a few trials one
choice of them would be too sure. They are plain 95 % intervals and claim nothing; `benchmarks.described` says how often
they hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, Role, is_ordered, position
from tunebook.core.facts import DataFacts, TrialFact
from tunebook.core.findings import DescribedFactor, DescribedLevel
from tunebook.core.study import RoundKind, StudySpec
from tunebook.statistics.evidence import Evidence
from tunebook.statistics.observations import (
    RATE,
    Observations,
    accuracy_by_log_loss,
    has_ended,
    observations,
    places,
)

__all__ = ["described_factors", "told_worse"]

Floats = NDArray[np.float64]

FEWEST = 6
"""Trials to their end from which the factors are described."""
STEP = 2.0
"""Ratio of the learning rates at which the loss is told."""
FINE = 4
"""Steps within that ratio at which the range of good rates is looked for: between what is told the loss may change."""
TWO_SIDED_95 = 1.96
TOLD = 2.0
"""Standard errors from which a slope of accuracy on loss is told."""


def described_factors(evidence: Evidence, spec: StudySpec, facts: DataFacts) -> tuple[DescribedFactor, ...]:
    """The factors by how much the loss of the best configuration hangs on them, those that are told to matter first.
    Empty where a round asked about single factors, or too little was trained."""
    best, history = evidence.leading, evidence.history
    ended = [fact for fact in history.trials.values() if has_ended(fact)]
    planned = [wave for wave in history.waves if wave.kind is not RoundKind.OWN]
    asked = any(contrast.factor is not None for wave in planned for contrast in wave.contrasts)
    if best is None or asked or len(ended) < FEWEST:
        return ()
    tried = _tried(spec, ended)
    if not tried:
        return ()
    others = {name: _others(name, levels, best.configuration) for name, levels in tried.items()}
    rates = _rates(tried[RATE], best.configuration, FINE) if RATE in tried else []
    changed = [_with(spec, best.configuration, name, level) for name, every in others.items() for level in every]
    if not changed:
        return ()
    near = [_with(spec, best.configuration, RATE, rate) for rate in rates]
    mean, half = _differences(observations(history, facts, tried), places(tried, [best.configuration, *changed, *near]))
    span = _good_around(rates, mean[len(changed) :] - half[len(changed) :], best.configuration.learning_rate)
    found, k = [], 0
    for name, every in others.items():
        levels = tuple(
            DescribedLevel(
                level=level,
                change=math.expm1(mean[at]),
                interval=(math.expm1(mean[at] - half[at]), math.expm1(mean[at] + half[at])),
                difference=_accuracy_change(ended, float(mean[at])),
                trials=tuple(f.trial.id for f in ended if getattr(f.trial.configuration, name) == level),
            )
            for at, level in enumerate(every, start=k)
        )
        k += len(levels)
        if levels:
            own = getattr(best.configuration, name)
            found.append(DescribedFactor(factor=name, own=own, levels=levels, span=span if name == RATE else None))
    return tuple(sorted(found, key=lambda each: (not each.matters, -abs(each.worst.change))))


def told_worse(evidence: Evidence, spec: StudySpec, factor: str, own: Level) -> list[float]:
    """Levels of a numeric factor that the trials themselves contradict, whatever the model leaves open: of two
    configurations that differ in this factor alone, the one farther from `own` has an accuracy whose 95 % interval lies
    below that of the other."""
    at = float(str(own))
    alike: dict[Configuration, list[tuple[float, float, float]]] = {}
    for candidate in evidence.candidates.values():
        measured = evidence.accuracy(candidate.trained)
        level = getattr(candidate.configuration, factor)
        if measured is not None and isinstance(level, int | float):
            alike.setdefault(_with(spec, candidate.configuration, factor, own), []).append((float(level), *measured[1]))
    return [
        level
        for group in alike.values()
        for level, _, high in group
        if any(high < low and (level < other <= at or at <= other < level) for other, low, _ in group)
    ]


def _differences(seen: Observations, at: Floats) -> tuple[Floats, Floats]:
    """Log loss at every place but the first less that at the first, with half of its 95 % interval, (m - 1,) each."""
    contrasts = np.concatenate([-np.ones((len(at) - 1, 1)), np.eye(len(at) - 1)], axis=1)
    models = seen.weighed()
    weights = np.array([weight for weight, _ in models])
    means = np.array([contrasts @ model.mean(at) for _, model in models])
    variances = np.array([np.diag(contrasts @ model.covariance(at) @ contrasts.T) for _, model in models])
    mean = weights @ means
    variance = weights @ (np.maximum(variances, 0.0) + (means - mean) ** 2)
    return mean, TWO_SIDED_95 * np.sqrt(variance)


def _tried(spec: StudySpec, ended: list[TrialFact]) -> dict[str, tuple[Level, ...]]:
    """Every factor of the study with the levels at which a trial ended, where there are two at least."""
    found: dict[str, tuple[Level, ...]] = {}
    for factor in spec.space:
        levels = list(dict.fromkeys(getattr(f.trial.configuration, factor.name) for f in ended))
        if factor.role is Role.FIXED or len(levels) < 2 or None in levels:
            continue
        if is_ordered(factor.name):
            levels.sort(key=partial(position, factor.name))
        found[factor.name] = tuple(levels)
    return found


def _others(name: str, levels: tuple[Level, ...], best: Configuration) -> list[Level]:
    """Levels to put in place of the best's: of the learning rate, from the lowest to the highest tried by steps."""
    own = getattr(best, name)
    if name != RATE:
        return [level for level in levels if level != own]
    return [*_rates(levels, best, 1)]


def _rates(levels: Sequence[Level], best: Configuration, fine: int) -> list[float]:
    """Rates around the best's, `fine` of them to each ratio of `STEP`, two ratios each way, as far as was tried."""
    low, high = float(levels[0]), float(levels[-1])  # type: ignore[arg-type]
    rates = [best.learning_rate * STEP ** (k / fine) for k in range(-2 * fine, 2 * fine + 1) if k]
    return [float(f"{rate:.2g}") for rate in rates if low / 1.01 <= rate <= high * 1.01]


def _good_around(rates: Sequence[float], least: Floats, own: float) -> tuple[float, float]:
    """The lowest and the highest of the rates, in order, from `own` up to which none has a loss that is told to be
    higher; `least`: the lower ends of the intervals of the change of the log loss."""
    ends = []
    for side in ([i for i, rate in enumerate(rates) if rate < own][::-1], [i for i, x in enumerate(rates) if x > own]):
        good = list(takewhile(lambda i: least[i] <= 0, side))
        ends.append(rates[good[-1]] if good else own)
    return ends[0], ends[1]


def _with(spec: StudySpec, best: Configuration, name: str, level: Level) -> Configuration:
    """The best with another level; alpha follows the rank where the study says so."""
    changed = best.with_values(**{name: level})
    if name == "lora_r" and spec.alpha_rule == "proportional":
        changed = changed.with_values(lora_alpha=best.lora_alpha * changed.lora_r / best.lora_r)
    return changed


def _accuracy_change(ended: list[TrialFact], change: float) -> float | None:
    """What goes in accuracy with a change of the log loss, by a line over the better half of the trials, and as far up
    as the change reaches: near the best the line is another one than among trials that learned little. None where the
    trials do not tell it from a level one, or it rises."""
    outcomes = sorted((f.outcomes["validation"] for f in ended), key=lambda o: o.loss)
    reach = outcomes[0].loss * math.exp(abs(change))
    among = outcomes[: max(FEWEST, len(outcomes) // 2, sum(o.loss <= reach for o in outcomes))]
    x, y = np.log([o.loss for o in among]), np.array([o.accuracy for o in among])
    slope = accuracy_by_log_loss(among)
    if slope is None or slope <= 0:
        return None
    rest = y - y.mean() + slope * (x - x.mean())
    error = math.sqrt(float((rest**2).sum()) / (len(x) - 2) / float(((x - x.mean()) ** 2).sum()))
    return -slope * change if slope > TOLD * error else None
