"""How often findings on every kind of metric are untrue, and how often their intervals hold the truth.

    python -m benchmarks.metricworlds --quick                      # a few studies of each cell, half a minute
    python -m benchmarks.metricworlds --studies 200 --cells macro_f1-null

Whole studies as in `benchmarks.nullworld`, but a trial's answers are texts, and the metric itself judges them. In null
worlds no configuration differs; in planted worlds higher ranks are better. A claim is held against the true results by
the metric; coverage is that of the 95 % intervals of single comparisons (decision 117), and beside it what it would be
with the chance on single answers counted twice, as in what verdicts are judged by (decision 030), and that of the
simultaneous intervals. Cells "pairs" look at the scores of the examples
alone: two trials, no seeds.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from benchmarks.simulate import (
    PLAIN_SPACE,
    claims_of,
    options_of,
    run_cells,
    run_study,
    study_spec,
    upper95,
)
from benchmarks.worlds import Floats, World, no_effect
from tunebook.core.configuration import Configuration
from tunebook.core.facts import ExampleText, Outcomes
from tunebook.core.metric import LikelihoodMetric
from tunebook.core.study import Trial
from tunebook.evaluation import likelihood_scores, load_metric, standard_scores, statistic
from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import estimate

__all__ = ["CELLS", "MetricWorld", "main", "run_cell"]

RESULTS = Path(__file__).parent / "results" / "metricworlds.json"
QUICK_STUDIES = 4
TRIALS = 24
PLANTED = 0.08
LABELS = ("billing", "access", "hardware", "network", "other")
SHARES = (0.5, 0.25, 0.15, 0.07, 0.03)
WORDS = 10
KINDS = ("null", "planted", "pairs")
PAIRS_A_STUDY = 10
POPULATION, SEEDS = 4000, 30
"""Examples and seeds over which a configuration's true result is averaged."""

METRICS: dict[str, dict[str, Any]] = {
    "exact_match": {},
    "macro_f1": {},
    "balanced_accuracy": {},
    "matthews": {},
    "bleu": {},
    "rouge_l": {},
    "token_f1": {},
    "spearman": {},
    "mae": {"span": 4},
    "length": {"span": 40},
    "perplexity": {},
}


def _labels(chance: np.random.Generator, n: int) -> list[str]:
    return [LABELS[i] for i in chance.choice(len(LABELS), size=n, p=SHARES)]


def _sentences(chance: np.random.Generator, n: int) -> list[str]:
    return [" ".join(f"w{word}" for word in chance.integers(0, 500, WORDS)) for _ in range(n)]


def _ratings(chance: np.random.Generator, n: int) -> list[str]:
    return [str(each) for each in chance.integers(1, 6, n)]


def _other_labels(chance: np.random.Generator, golds: Sequence[str], right: Floats) -> list[str]:
    """The gold label with that chance, else one of the others."""
    wrong = chance.choice(len(LABELS), size=len(golds), p=SHARES)
    draws = chance.random(len(golds))
    return [gold if draw < p else LABELS[w] for gold, draw, p, w in zip(golds, draws, right, wrong, strict=True)]


def _other_words(chance: np.random.Generator, golds: Sequence[str], right: Floats) -> list[str]:
    """Every word stays with that chance; a sentence loses some of its end, or goes on."""
    answers = []
    for gold, p in zip(golds, right, strict=True):
        kept = chance.random(WORDS) < 0.4 + 0.6 * p
        words = [word if keep else f"x{chance.integers(0, 500)}" for word, keep in zip(gold.split(), kept, strict=True)]
        answers.append(
            " ".join([*words, *["y"] * int(chance.integers(0, 3))][: int(chance.integers(WORDS - 2, WORDS + 3))])
        )
    return answers


def _other_ratings(chance: np.random.Generator, golds: Sequence[str], right: Floats) -> list[str]:
    """The rating with noise that is the smaller the likelier the answer is right."""
    noise = chance.standard_normal(len(golds)) * (0.2 + 2 * (1 - right))
    return [f"{min(5.0, max(1.0, float(gold) + e)):.1f}" for gold, e in zip(golds, noise, strict=True)]


def _other_lengths(chance: np.random.Generator, golds: Sequence[str], right: Floats) -> list[str]:
    """Answers that are the shorter the likelier they are right; some are very long."""
    sizes = np.exp(3.5 - right + 0.6 * chance.standard_normal(len(golds)))
    return ["a" * max(1, int(size)) for size in sizes]


def _texts_with_lengths(chance: np.random.Generator, n: int) -> list[str]:
    """Numbers of tokens, some texts ten times as long as others."""
    return [str(int(size)) for size in np.exp(4 + 0.8 * chance.standard_normal(n)) + 2]


def _likelihoods(chance: np.random.Generator, golds: Sequence[str], right: Floats) -> list[str]:
    """Nats of each text: a token takes the fewer the likelier an answer would be right."""
    tokens = np.array(golds, float)
    each = 0.5 + 2 * (1 - right) + chance.standard_normal(len(golds)) / np.sqrt(tokens)
    return [repr(float(max(0.01, a) * n)) for a, n in zip(each, tokens, strict=True)]


def _scores(judge: Any, answers: Sequence[str], examples: Sequence[ExampleText]) -> Floats:
    """Of answers; of a metric that judges likelihoods these stand in the answers, and tokens in the gold texts."""
    if isinstance(judge, LikelihoodMetric):
        return likelihood_scores(judge, np.array(answers, float), [int(e.gold) for e in examples])
    return standard_scores(judge, answers, examples)


TASKS: dict[str, tuple[Callable[..., list[str]], Callable[..., list[str]]]] = {
    "exact_match": (_labels, _other_labels),
    "macro_f1": (_labels, _other_labels),
    "balanced_accuracy": (_labels, _other_labels),
    "matthews": (_labels, _other_labels),
    "bleu": (_sentences, _other_words),
    "rouge_l": (_sentences, _other_words),
    "token_f1": (_sentences, _other_words),
    "spearman": (_ratings, _other_ratings),
    "mae": (_ratings, _other_ratings),
    "length": (_ratings, _other_lengths),
    "perplexity": (_texts_with_lengths, _likelihoods),
}
"""By metric how gold texts are made, and answers out of them and their chances to be right."""


@cache
def _metric(name: str) -> Any:
    return load_metric(name, options=METRICS[name])


def higher_rank(configuration: Configuration) -> float:
    """The planted world: ranks above the baseline's are right more often."""
    return PLANTED if configuration.lora_r > 8 else 0.0


@dataclass(frozen=True)
class MetricWorld(World):
    """A world whose answers are texts.

    Attributes:
        metric: judges them.
    """

    metric: str = "macro_f1"

    @cached_property
    def _golds(self) -> dict[str, list[ExampleText]]:
        made = {}
        for split, n in (("validation", self.n_validation), ("test", self.n_test)):
            texts = TASKS[self.metric][0](self._generator("golds", split), n)
            made[split] = [ExampleText(i, f"question {i}", gold) for i, gold in enumerate(texts)]
        return made

    def _outcomes(self, trial: Trial, split: str) -> Outcomes:
        difficulty, _ = self._examples[split]
        logits = difficulty + self._shift(self._level(trial)) + self._seed_shift(trial) * self._logits_per_point
        chance, examples = self._generator("trial", trial, split), self._golds[split]
        answers = TASKS[self.metric][1](chance, [e.gold for e in examples], special.expit(logits))
        scores = _scores(_metric(self.metric), answers, examples)
        return Outcomes(scores, np.logaddexp(0.0, -logits) + chance.gamma(1.0, 0.02, len(examples)), tuple(answers))

    def true_accuracy(self, configuration: Configuration) -> float:
        """The share of right answers that the answers are made with; `true_result` is that of the metric."""
        return self.accuracy + self.effect(configuration)


@cache
def true_result(metric: str, accuracy: float, seed_deviation: float) -> float:
    """The metric's result on a large population, over many seeds, on the standard scale."""
    world = MetricWorld(10**6, n_validation=POPULATION, metric=metric, seed_deviation=seed_deviation)
    results = []
    for seed in range(SEEDS):
        chance = np.random.default_rng([seed, 5])
        difficulty = world.difficulty_spread * chance.standard_normal(POPULATION)
        golds = TASKS[metric][0](chance, POPULATION)
        examples = [ExampleText(i, "", gold) for i, gold in enumerate(golds)]
        shift = seed_deviation * chance.standard_normal() * world._logits_per_point
        right = special.expit(difficulty + world._shift(accuracy) + shift)
        answers, judge = TASKS[metric][1](chance, golds, right), _metric(metric)
        if judge.scale.is_by_example or isinstance(judge, LikelihoodMetric):
            results.append(float(_scores(judge, answers, examples).mean()))
        else:
            results.append(judge.scale.standard(statistic(judge, answers, examples)))
    return float(np.mean(results))


@dataclass(frozen=True)
class Cell:
    """A metric in a null or a planted world, or in pairs of trials alone."""

    name: str
    metric: str
    kind: str


CELLS = {f"{metric}-{kind}": Cell(f"{metric}-{kind}", metric, kind) for metric in METRICS for kind in KINDS}


@dataclass
class Tally:
    """What a cell's studies came to."""

    studies: int = 0
    false_studies: int = 0
    found: int = 0
    planted: int = 0
    intervals: int = 0
    covered: int = 0
    covered_twice: int = 0
    covered_together: int = 0


def _truth(metric: str, world: MetricWorld, configuration: Configuration) -> float:
    """A configuration's true result by the metric, on the standard scale; in null worlds all have the same."""
    accuracy = world.true_accuracy(configuration)
    return 0.0 if world.effect is no_effect else true_result(metric, accuracy, world.seed_deviation)


def run_cell(name: str, first: int, count: int) -> Tally:
    """Studies number `first` to `first + count - 1` of a cell; a study's number is its seed."""
    cell, tally = CELLS[name], Tally()
    if cell.kind == "pairs":
        return _pairs(cell, range(PAIRS_A_STUDY * first, PAIRS_A_STUDY * (first + count)))
    for number in range(first, first + count):
        world = MetricWorld(
            number, metric=cell.metric, seed_deviation=0.01, effect=higher_rank if cell.kind == "planted" else no_effect
        )
        spec = study_spec(seed=number, space=PLAIN_SPACE, trials=TRIALS)
        history = run_study(world, spec)
        tally.studies += 1
        true = partial(_truth, cell.metric, world)
        tally.false_studies += bool(claims_of(history, world, spec.margin, truth=true).false)
        for finding in history.findings:
            if math.isnan(finding.effect) or not finding.kind.is_two_sided:
                continue
            sides = (finding.treatment_trials, finding.control_trials)
            a, b = (true(history.trials[ids[0]].trial.effective) for ids in sides)
            truth = a - b
            tally.intervals += 1
            tally.covered += finding.plain_interval[0] <= truth <= finding.plain_interval[1]
            half = special.stdtrit(finding.degrees_of_freedom, 0.975) * finding.standard_error
            tally.covered_twice += abs(finding.effect - truth) <= half
            tally.covered_together += finding.interval[0] <= truth <= finding.interval[1]
            if a > b and finding.round_kind.value == "explore":
                tally.planted += 1
                tally.found += finding.verdict.value == "better"
    return tally


def _pairs(cell: Cell, numbers: range) -> Tally:
    """Two trials of different settings on the same examples, without noise between seeds: what the scores of the
    examples alone say of the difference. Of these there are `PAIRS_A_STUDY` times as many as studies."""
    tally, judge = Tally(), _metric(cell.metric)
    truth = true_result(cell.metric, 0.6 + PLANTED, 0.0) - true_result(cell.metric, 0.6, 0.0)
    for number in numbers:
        world = MetricWorld(number, metric=cell.metric)
        chance, n = np.random.default_rng([number, 6]), world.n_validation
        difficulty = world.difficulty_spread * chance.standard_normal(n)
        golds = TASKS[cell.metric][0](chance, n)
        examples = [ExampleText(i, "", gold) for i, gold in enumerate(golds)]
        made = [
            TASKS[cell.metric][1](chance, golds, special.expit(difficulty + world._shift(accuracy)))
            for accuracy in (0.6 + PLANTED, 0.6)
        ]
        one, other = (_scores(judge, answers, examples) for answers in made)
        found = estimate(
            np.stack([one, other]), np.array([[1.0, -1.0]]), SeedNoise(np.zeros((1, 1)), math.inf), pseudo=0.0
        )
        half = float(special.stdtrit(n - 1, 0.975)) * float(found.standard_error[0])
        tally.studies += 1
        tally.intervals += 1
        tally.covered += abs(float(found.effect[0]) - truth) <= half
        tally.planted += 1
        tally.found += float(found.effect[0]) > half
    return tally


def summary(cell: Cell, tally: Tally) -> dict[str, Any]:
    """A cell's row of the results."""
    return {
        "cell": cell.name,
        "metric": cell.metric,
        "kind": _metric(cell.metric).scale.kind.value,
        "studies": tally.studies,
        "seeds": [0, tally.studies - 1],
        "false_claims": tally.false_studies,
        "rate": tally.false_studies / tally.studies,
        "upper95": upper95(tally.false_studies, tally.studies),
        "intervals": tally.intervals,
        "coverage": tally.covered / max(1, tally.intervals),
        "coverage_counted_twice": tally.covered_twice / max(1, tally.intervals),
        "coverage_simultaneous": tally.covered_together / max(1, tally.intervals),
        "planted": tally.planted,
        "found": tally.found,
    }


def _row(name: str, tallies: list[Tally]) -> tuple[dict[str, Any], str]:
    tally = Tally(*(sum(values) for values in zip(*(vars(each).values() for each in tallies), strict=True)))
    row = summary(CELLS[name], tally)
    return row, (
        f"{name:28} false {tally.false_studies} of {tally.studies} (upper {row['upper95']:.3f})  "
        f"covered {row['coverage']:.3f} of {tally.intervals} (counted twice {row['coverage_counted_twice']:.3f}; "
        f"together {row['coverage_simultaneous']:.3f})  found {tally.found} of {tally.planted}"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the cells asked for, print a line as each is done and keep it in the results file."""
    options = options_of("metricworlds", __doc__, CELLS, argv)
    rows = run_cells(options, options.cells or list(CELLS), QUICK_STUDIES, run_cell, _row, RESULTS)
    print(json.dumps({row["cell"]: [row["false_claims"], row["studies"], round(row["coverage"], 4)] for row in rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
