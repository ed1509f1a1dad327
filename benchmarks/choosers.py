"""Ways of choosing a configuration beside tunebook's: by hand, at random, by libraries. All see one seed a trial.

Each gives its way: after each trial the units used so far and the configuration it would recommend then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.grounds import Ground
from tunebook.core.configuration import Configuration

__all__ = ["CHOOSERS", "Step", "hand"]

Point = tuple[float, ...]
BROKE = 20.0
"""Loss that methods which need a number are told of a broken trial, nats."""
SHARES = (1 / 9, 1 / 3, 1.0)
"""Rungs of successive halving."""
FIRST_POINTS = 6
CANDIDATES = 300
START: Point = (2e-4, 8, 0.1, 3)


@dataclass(frozen=True)
class Step:
    """After one more trial."""

    units: float
    chosen: Configuration


Chooser = Callable[[Ground, float], Iterator[Step]]


def hand(ground: Ground) -> Iterator[Step]:
    """Nineteen experiments as people make them: seven rates, then rank, dropout and epochs one after another, each at
    the best so far, then rates near the best, always the highest accuracy."""
    low, high = ground.rates
    start = (*START[:3], ground.epochs[min(2, len(ground.epochs) - 1)] if ground.epochs[0] == 1 else ground.epochs[0])
    best: tuple[float, Point] = (-1.0, start)
    used, done, seen = 0.0, 0, set[Point]()

    def tried(points: list[Point]) -> Iterator[Step]:
        nonlocal best, used, done
        for point in points:
            if point in seen or done >= 19:
                continue
            seen.add(point)
            c = ground.configuration(point)
            result = ground.trial(c, 1)
            used, done = used + ground.units(c), done + 1
            best = max(best, (result.accuracy, point))
            yield Step(used, ground.configuration(best[1]))

    yield from tried([(rate, *start[1:]) for rate in np.geomspace(low, high, 7).tolist()])
    for place in (1, 2, 3):
        levels = ground.levels[place - 1]
        yield from tried([(*best[1][:place], level, *best[1][place + 1 :]) for level in levels])
    for _ in range(3):
        yield from tried([(min(high, best[1][0] * f), *best[1][1:]) for f in (0.7, 1.4)])


def _random_point(ground: Ground, draw: np.random.Generator) -> Point:
    low, high = np.log(ground.rates)
    return (float(np.exp(draw.uniform(low, high))), *(float(draw.choice(each)) for each in ground.levels))


def _seed(ground: Ground, which: int) -> list[int]:
    return [which, ground.number, sum(map(ord, ground.family))]


def random_search(ground: Ground, budget: float) -> Iterator[Step]:
    """Drawn from the space; the highest accuracy wins."""
    draw, used = np.random.default_rng(_seed(ground, 5)), 0.0
    best: tuple[float, Point] = (-1.0, START)
    while used < budget:
        point = _random_point(ground, draw)
        c = ground.configuration(point)
        best = max(best, (ground.trial(c, 1).accuracy, point))
        used += ground.units(c)
        yield Step(used, ground.configuration(best[1]))


def tpe(ground: Ground, budget: float) -> Iterator[Step]:
    """Optuna's TPE on the validation loss."""
    yield from _optuna(ground, budget, pruned=False)


def asha(ground: Ground, budget: float) -> Iterator[Step]:
    """Optuna's asynchronous successive halving of random configurations, on the validation loss."""
    yield from _optuna(ground, budget, pruned=True)


def _optuna(ground: Ground, budget: float, pruned: bool) -> Iterator[Step]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = int(np.random.default_rng(_seed(ground, 7)).integers(2**31))
    samplers = optuna.samplers
    study = optuna.create_study(
        sampler=samplers.RandomSampler(seed) if pruned else samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    )
    used, best = 0.0, (math.inf, START)
    while used < budget:
        trial = study.ask()
        rank, dropout, epochs = (
            trial.suggest_categorical(name, list(levels))
            for name, levels in zip(("rank", "dropout", "epochs"), ground.levels, strict=True)
        )
        point = (trial.suggest_float("rate", *ground.rates, log=True), rank, dropout, epochs)
        c = ground.configuration(point)
        reached, loss = 1.0, BROKE
        for rung, share in enumerate(SHARES if pruned else (1.0,)):
            loss = min(BROKE, ground.trial(c, 1, share).loss)
            reached = share
            trial.report(loss, 3**rung)
            if loss >= BROKE or (pruned and share < 1 and trial.should_prune()):
                break
        used += ground.units(c, reached)
        if reached == 1.0:
            study.tell(trial, loss)
            best = min(best, (loss, point))
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        if math.isfinite(best[0]):
            yield Step(used, ground.configuration(best[1]))


def _features(ground: Ground, points: list[Point]) -> NDArray[np.float64]:
    low, high = np.log(ground.rates)
    rows = []
    for rate, *others in points:
        places = [each.index(value) / max(1, len(each) - 1) for each, value in zip(ground.levels, others, strict=True)]
        rows.append([(math.log(rate) - low) / (high - low), *places])
    return np.array(rows)


def gaussian_process(ground: Ground, budget: float) -> Iterator[Step]:
    """scikit-learn's Gaussian process on the log of the validation loss, expected improvement; six points first."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    draw = np.random.default_rng(_seed(ground, 9))
    points: list[Point] = []
    losses: list[float] = []
    used = 0.0
    kernel = ConstantKernel(1.0) * Matern([0.3, 1.0, 1.0, 1.0], (0.05, 20.0), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    for number in count():
        if used >= budget:
            return
        point = _random_point(ground, draw)
        if number >= FIRST_POINTS:
            finite = [loss for loss in losses if loss < BROKE]
            worst = max(finite, default=1.0)
            y = np.log([min(loss, 1.5 * worst) for loss in losses])
            model = GaussianProcessRegressor(kernel, normalize_y=True)
            with catch_warnings():
                simplefilter("ignore")
                model.fit(_features(ground, points), y)
            kernel = model.kernel_
            candidates = [_random_point(ground, draw) for _ in range(CANDIDATES)]
            mean, sd = model.predict(_features(ground, candidates), return_std=True)
            gain = y.min() - mean
            z = gain / np.maximum(sd, 1e-9)
            point = candidates[int(np.argmax(gain * stats.norm.cdf(z) + sd * stats.norm.pdf(z)))]
        c = ground.configuration(point)
        points.append(point)
        losses.append(min(BROKE, ground.trial(c, 1).loss))
        used += ground.units(c)
        yield Step(used, ground.configuration(points[int(np.argmin(losses))]))


def rate_first(ground: Ground, budget: float, own_schedule: bool = False) -> Iterator[Step]:
    """Six rates to a quarter at a middling configuration, the two best to their end, then variants of the better one in
    the same way, again and again.

    Args:
        own_schedule: pilots run a schedule of their own that ends after a quarter of the epochs (rounded up to whole
            ones); False: they are evaluated on the way of a long one.
    """
    draw, used = np.random.default_rng(_seed(ground, 15)), 0.0
    middle = (16, 0.05, ground.epochs[len(ground.epochs) // 2])
    done: dict[Point, float] = {}
    batch: list[Point] = [(float(rate), *middle) for rate in np.geomspace(*ground.rates, 6)]
    for wave in count():
        early = {}
        for point in batch:
            c = ground.configuration(point)
            if own_schedule:
                short = c.with_values(num_train_epochs=math.ceil(c.num_train_epochs / 4))
                early[point] = ground.trial(short, 1).loss
                used += ground.units(short)
            else:
                early[point] = ground.trial(c, 1, 0.25).loss
                used += ground.units(c, 0.25)
        for point in sorted(early, key=lambda each: early[each])[:2]:
            c = ground.configuration(point)
            done[point] = ground.trial(c, 1).loss
            used += ground.units(c, 1.0 if own_schedule else 0.75)
            yield Step(used, ground.configuration(min(done, key=lambda each: done[each])))
        if used >= budget or wave > 20:
            return
        best = min(done, key=lambda each: done[each])
        batch = [_variant(ground, best, draw) for _ in range(6)]


def _variant(ground: Ground, point: Point, draw: np.random.Generator) -> Point:
    rate = float(np.clip(point[0] * np.exp(draw.uniform(np.log(0.7), np.log(1.4))), *ground.rates))
    others = [
        float(draw.choice(levels)) if draw.random() < 0.5 else value
        for levels, value in zip(ground.levels, point[1:], strict=True)
    ]
    return (rate, *others)


def rate_first_own(ground: Ground, budget: float) -> Iterator[Step]:
    """`rate_first` whose pilots run their own short schedule."""
    yield from rate_first(ground, budget, own_schedule=True)


CHOOSERS: dict[str, Chooser] = {
    "random": random_search,
    "tpe": tpe,
    "gaussian_process": gaussian_process,
    "asha": asha,
    "rate_first": rate_first,
    "rate_first_own": rate_first_own,
}
