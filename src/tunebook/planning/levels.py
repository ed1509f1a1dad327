"""Where a factor's levels lie: those of a list, those placed in a range, points between two levels or beyond the last.

Distances are measured on the factor's own scale: the logarithm for rates, ranks and batch sizes.
"""

from __future__ import annotations

import math

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Factor, FactorKind, Level, Scale, is_ordered, position

__all__ = [
    "between",
    "bracket_rates",
    "explored_levels",
    "is_ordered",
    "level_label",
    "outward",
    "position",
    "rate_limits",
]

RATE_STEP = 3.0
"""Ratio of neighbouring learning rates: of the bracket, and about that of the levels placed in a range."""
LOG_STEP = 2.0
"""Ratio of neighbouring levels of the other logarithmic factors, where a range is given."""
MOST_STEPS = {True: 3, False: 2}
"""Levels placed on each side of the baseline: for the learning rate, and for others."""
SNAP = 1.5
"""A bracket's rate takes the value of a planned level of the learning rate within this ratio: the two then share
trials."""
CLOSEST_RATIO = 1.15
"""Points on a logarithmic scale nearer than this are not worth telling apart."""
POWERS_OF_TWO = ("lora_r", "per_device_train_batch_size", "gradient_accumulation_steps", "max_length")


def level_label(factor: str, value: Level) -> str:
    """The short stable name of a level: "lora_r=32"."""
    if isinstance(value, float):
        return f"{factor}={value:g}"
    return f"{factor}={'+'.join(value) if isinstance(value, tuple) else value}"


def explored_levels(factor: Factor, baseline: Configuration) -> tuple[Level, ...]:
    """The levels to explore, the baseline's own left out; a list keeps its order, a range is filled from low to high.

    A range gets its ends and points between them and the baseline, evenly spaced on the factor's scale.
    """
    own = getattr(baseline, factor.name)
    if not factor.is_range:
        return tuple(dict.fromkeys(level for level in factor.levels if level != own))
    assert factor.low is not None
    assert factor.high is not None
    low = _side(factor.kind, float(own), factor.low)
    high = _side(factor.kind, float(own), factor.high)
    return tuple(dict.fromkeys(level for level in (*reversed(low), *high) if level != own))


def _side(kind: FactorKind, start: float, end: float) -> list[Level]:
    """Levels from next to `start` up to and including `end`."""
    n = _n_steps(kind, start, end)
    return [_placed(kind, start, end, i / n) if i < n else _exact(kind, end) for i in range(1, n + 1)]


def _n_steps(kind: FactorKind, start: float, end: float) -> int:
    if start == end:
        return 0
    is_rate = kind.name == "learning_rate"
    if kind.scale is Scale.LOG:
        wanted = round(abs(math.log(end / start)) / math.log(RATE_STEP if is_rate else LOG_STEP))
    else:
        wanted = abs(int(end - start)) if kind.value_type is int else MOST_STEPS[False]
    return max(1, min(wanted, MOST_STEPS[is_rate]))


def _placed(kind: FactorKind, a: float, b: float, share: float) -> Level:
    """The point that lies `share` of the way from a to b, rounded to a value a person would write."""
    if kind.scale is Scale.LOG:
        value = math.exp(math.log(a) + share * (math.log(b) - math.log(a)))
        if kind.name in POWERS_OF_TWO:
            power: int = 2 ** math.floor(math.log2(value) + 0.5 + 1e-9)  # ties upwards, on every machine
            return power if min(a, b) < power < max(a, b) else round(value)
    else:
        value = a + share * (b - a)
    return round(value) if kind.value_type is int else float(f"{value:.2g}")


def _exact(kind: FactorKind, value: float) -> Level:
    return int(value) if kind.value_type is int else float(value)


def between(name: str, a: Level, b: Level) -> Level | None:
    """The point halfway between two levels on the factor's scale, or None when they are too close for one: of a factor
    whose levels are powers of two, when no such power lies between them (nobody asks for a rank of 23)."""
    kind = FACTOR_KINDS[name]
    low, high = sorted((float(a), float(b)))  # type: ignore[arg-type]
    if kind.scale is Scale.LOG and low > 0 and high / low < CLOSEST_RATIO**2:
        return None
    middle = _placed(kind, low, high, 0.5)
    if name in POWERS_OF_TWO and not math.log2(float(middle)).is_integer():  # type: ignore[arg-type]
        return None
    return middle if low < float(middle) < high else None  # type: ignore[arg-type]


def outward(name: str, last: Level, before: Level, limit: float) -> Level | None:
    """The next level beyond `last`, going on in the direction from `before`, or None at the limit.

    Logarithmic factors double or halve (the learning rate: times three); others take the last step again.
    """
    kind = FACTOR_KINDS[name]
    value, previous = float(last), float(before)  # type: ignore[arg-type]
    if kind.scale is Scale.LOG:
        ratio = RATE_STEP if name == "learning_rate" else LOG_STEP
        further = value * ratio if value > previous else value / ratio
    else:
        further = 2 * value - previous
    further = min(further, limit) if value > previous else max(further, limit)
    rounded: Level = round(further) if kind.value_type is int else float(f"{further:.2g}")
    return None if rounded == last or kind.problem(rounded) else rounded


def rate_limits(factor: Factor) -> tuple[float, float]:
    """Lowest and highest learning rate that the study file names."""
    if factor.is_range:
        assert factor.low is not None
        assert factor.high is not None
        return factor.low, factor.high
    rates = [float(level) for level in factor.levels]  # type: ignore[arg-type]
    return min(rates), max(rates)


def bracket_rates(factor: Factor | None, baseline: Configuration) -> tuple[float, ...]:
    """The learning rates among which every level, and the baseline, chooses: a third, one and three times its own.

    Held within the rates that the study file names, and moved onto a planned level of the learning rate when one is
    near. Empty when the learning rate is not in the space, or when only its own rate is left.
    """
    if factor is None:
        return ()
    own = baseline.learning_rate
    low, high = rate_limits(factor)
    planned = [float(level) for level in explored_levels(factor, baseline)]  # type: ignore[arg-type]
    wanted = (max(own / RATE_STEP, low), min(own * RATE_STEP, high))
    rates = {_snapped(rate, planned) for rate in wanted}
    others = {rate for rate in rates if max(rate, own) / min(rate, own) >= CLOSEST_RATIO}
    return tuple(sorted({own, *others})) if others else ()


def _snapped(rate: float, planned: list[float]) -> float:
    near = [level for level in planned if max(level, rate) / min(level, rate) <= SNAP]
    if near:
        return min(near, key=lambda level: abs(math.log(level / rate)))
    return float(f"{rate:.2g}")
