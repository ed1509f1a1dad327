"""Measures a machine for some seconds, to predict the time and memory of trials before the study starts.

It measures what the study will do: steps of a small cohort on examples of the workload, a scoring pass with answers of
the length that trained models give, and, on a machine with time and memory to spare, some steps of plain PEFT, for
the line that says how long training one trial after another would take. `core.cost` turns the figures into predictions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch

from tunebook.core.configuration import Configuration
from tunebook.core.cost import ONE_BY_ONE_SCORING
from tunebook.core.ports import Calibration, EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.engines.base_model import load_model, quiet_transformers
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.lanes import Lanes
from tunebook.engines.packed.scheduling.memory import MemoryPlan, free_bytes, give_back, peak_bytes, trial_bytes
from tunebook.engines.packed.scoring.score import score
from tunebook.engines.packed.training.loop import Training, choose, train_together
from tunebook.engines.packed.training.trainee import Trainee
from tunebook.engines.quantised_modules import weight_bytes
from tunebook.errors import is_out_of_memory

__all__ = ["MEASURED", "measure", "plain_peft_rate", "plain_scoring_rate", "scoring_rate", "training_rate"]

LIMIT_SECONDS = 25.0
"""After so long no further part of the measurement is begun; what was not measured is estimated."""
TRAIN_SECONDS = 3.0
"""For how long a cohort's steps are timed, at least one forward."""
HIGH_RANKS, HIGH_RANK_SECONDS = (64, 32, 16), 1.5
"""A second, higher rank, the first of these that fits, and for how long it is timed: what rank costs differs from
machine to machine."""
COHORTS = {"cpu": 2, "cuda": 8}
"""Trials in a lane's measured cohort: enough to fill a forward pass, few enough to be quick. On a card a few more take
hardly more time."""
WARM_ROUNDS = {"cpu": 0, "cuda": 12}
"""Steps before the clock starts, beside a first forward: on a card passes are recorded when they come again."""
FEW_SCORED, SCORED = 4, 12
"""Examples scored for the scoring rate, at first and where there is time."""
PLAIN_SECONDS = 8.0
"""So much of the time must be left to measure plain PEFT as well: a second copy of the model is loaded."""
BUSY = 0.3
"""Where other programs have taken more than this share of the processors so far, plain PEFT is not measured: to import
it and to load the model again would take them longest, and say least."""
PLAIN_ROWS = 2
"""Rows of a micro-batch of plain PEFT: a usual number on small machines."""
PLAIN_STEPS = 2
PLAIN_SCORED = 8
"""Examples that plain generation is timed on."""
PLAIN_SHARE, PLAIN_SCORING_SHARE = 0.22, 0.35
"""Shares of the packed rates that plain PEFT is taken to reach where it cannot be measured: the least favourable ratios
of benchmarks.speed with a long common prompt (docs/log.md)."""

MEASURED = Configuration(
    per_device_train_batch_size=8, num_train_epochs=10**6, lora_r=8, lora_alpha=16, lora_dropout=0.1,
    max_length=10**9, target_modules="all-linear",
)  # fmt: skip
"""What is trained while measuring; the epochs never end."""


class OtherPrograms:
    """Watches from its creation on how much of the processors other programs take."""

    def __init__(self) -> None:
        self._before = self._seconds()

    def share(self) -> float:
        """The share of all processors, in [0, 1], that others have taken since."""
        (busy, all_, own), (busy_before, all_before, own_before) = self._seconds(), self._before
        passed = all_ - all_before
        return min(1.0, max(0.0, (busy - busy_before - (own - own_before)) / passed)) if passed > 0 else 0.0

    @staticmethod
    def _seconds() -> tuple[float, float, float]:
        """Processor seconds that were busy, that there were, and that this process took."""
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        every = sum(machine) - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
        return every - idle, every, time.process_time()


@dataclass(frozen=True)
class _Rates:
    """Raw tokens a second of a cohort of one rank, and computed tokens a second."""

    raw: float
    computed: float


@dataclass(frozen=True)
class _PlainRates:
    """Raw tokens a second in training, and examples a second in scoring, of plain PEFT."""

    training: float
    scoring: float


def measure(
    packed: PackedModel, plan: MemoryPlan, options: EngineOptions, workload: Workload, lanes: Lanes
) -> Calibration:
    """Calibrate the packed engine on a workload; takes some 10 seconds, less where a step is quick, and on a busy
    machine little more than `LIMIT_SECONDS`: a step of training and a few scored examples are always measured.

    Of the result, `base_bytes` is what the process needs beside its trials (model, activations, libraries), measured;
    `values` has the rates by rank and the rows of a forward.
    """
    train, a_trial = workload.train, trial_bytes(packed.all_shapes, MEASURED.lora_r)
    until, others = time.monotonic() + LIMIT_SECONDS, OtherPrograms()
    with lanes:
        low = training_rate(packed, plan, options, train, MEASURED, TRAIN_SECONDS, lanes)
        own_bytes = peak_bytes(options.device) - _cohort(packed, plan) * lanes.n * a_trial
        scored = next((split for split in workload.splits.values() if split), train)
        scoring = scoring_rate(packed, scored[:FEW_SCORED], workload.scoring, lanes)
        if time.monotonic() + SCORED / scoring < until:
            scoring = scoring_rate(packed, scored[:SCORED], workload.scoring, lanes)
        high_rank, high = MEASURED.lora_r, low
        if time.monotonic() < until - HIGH_RANK_SECONDS:
            high_rank, high = _highest_that_fits(packed, plan, options, train, lanes, low)
    weights = weight_bytes(packed.model)
    plain = None
    if time.monotonic() < until - PLAIN_SECONDS and others.share() < BUSY:
        plain = _plain_rates_if_they_fit(options, train, scored[:PLAIN_SCORED], workload.scoring, weights)
    return Calibration(
        train_tokens_per_second=low.raw,
        score_examples_per_second=scoring,
        one_by_one_tokens_per_second=plain.training if plain is not None else PLAIN_SHARE * low.raw,
        base_bytes=max(weights, own_bytes),
        trial_bytes=a_trial,
        device=options.device,
        values={
            "rows": plan.rows, "slots": plan.slots, "weights_bytes": weights,
            "rank_cost": max(0.0, (low.raw / high.raw - 1) / max(1, high_rank - MEASURED.lora_r)),
            "computed_tokens_per_second": {str(MEASURED.lora_r): low.computed, str(high_rank): high.computed},
            "one_by_one_measured": plain is not None, "others_busy": others.share(),
            ONE_BY_ONE_SCORING: plain.scoring if plain is not None else PLAIN_SCORING_SHARE * scoring,
        },
    )  # fmt: skip


def _highest_that_fits(
    packed: PackedModel, plan: MemoryPlan, options: EngineOptions, train: Sequence[TokenizedExample], lanes: Lanes,
    low: _Rates,
) -> tuple[int, _Rates]:  # fmt: skip
    """Rates of the highest rank that memory has room for; those of the low rank where it has room for none."""
    for rank in HIGH_RANKS:
        ranked = replace(MEASURED, lora_r=rank)
        try:
            return rank, training_rate(packed, plan, options, train, ranked, HIGH_RANK_SECONDS, lanes)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        give_back(options.device)
    return MEASURED.lora_r, low


def training_rate(
    packed: PackedModel, plan: MemoryPlan, options: EngineOptions, train: Sequence[TokenizedExample],
    configuration: Configuration, seconds: float, lanes: Lanes,
) -> _Rates:  # fmt: skip
    """Tokens a second of whole optimiser steps of a small cohort in each lane, after one forward to warm up."""

    kind = packed.device.type

    def one_lane() -> tuple[int, int, float]:
        warm = _trainee(packed, plan, options, train, configuration, 0)
        train_together(packed, choose([warm], plan.rows))
        trainees = [_trainee(packed, plan, options, train, configuration, n) for n in range(_cohort(packed, plan))]
        training = Training(packed)
        for _ in range(WARM_ROUNDS.get(kind, 0)):
            _in_turn(training, trainees, plan.rows)
        training.settle()
        done = [(t.raw_tokens, t.computed_tokens) for t in trainees]
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            _in_turn(training, trainees, plan.rows)
        training.settle()
        passed = time.perf_counter() - began
        return (sum(t.raw_tokens for t in trainees) - sum(raw for raw, _ in done),
                sum(t.computed_tokens for t in trainees) - sum(computed for _, computed in done), passed)  # fmt: skip

    found = lanes.each(one_lane)
    return _Rates(sum(raw / passed for raw, _, passed in found), sum(n / passed for _, n, passed in found))


def _in_turn(training: Training, trainees: list[Trainee], rows: int) -> None:
    """A step of the trials that come first; they go to the end."""
    chosen = choose(trainees, rows)
    training.step(chosen)
    for trainee in chosen:
        trainees.remove(trainee)
        trainees.append(trainee)


def _cohort(packed: PackedModel, plan: MemoryPlan) -> int:
    """Trials of a measured cohort."""
    return max(COHORTS["cpu"], min(COHORTS.get(packed.device.type, COHORTS["cpu"]), plan.slots))


def scoring_rate(packed: PackedModel, examples: Sequence[TokenizedExample], scoring: Scoring, lanes: Lanes) -> float:
    """Examples scored a second, each lane scoring them all. The untrained model's answers are cut at the length of
    the median gold completion: a trained one stops there."""
    bounded = _bounded(examples, scoring)

    def one_lane() -> float:
        return len(examples) / _timed(lambda: score(packed, [None], examples, bounded))

    return sum(lanes.each(one_lane))


def _bounded(examples: Sequence[TokenizedExample], scoring: Scoring) -> Scoring:
    length = round(statistics.median(len(example.completion_ids) for example in examples))
    return replace(scoring, max_new_tokens=max(1, min(length, scoring.max_new_tokens)))


def plain_peft_rate(model: Any, examples: Sequence[TokenizedExample]) -> float:
    """Raw tokens a second of plain PEFT in padded micro-batches of two, forward and backward, after one to warm up.

    Args:
        model: a stock causal language model; it is given an adapter.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=MEASURED.lora_r, lora_alpha=int(MEASURED.lora_alpha), lora_dropout=MEASURED.lora_dropout,
        target_modules="all-linear", task_type="CAUSAL_LM",
    )  # fmt: skip
    with quiet_transformers():
        adapted = get_peft_model(model, config).train()
    batches = [examples[i * PLAIN_ROWS : (i + 1) * PLAIN_ROWS] for i in range(1 + PLAIN_STEPS)]
    batches = [batch or examples[:PLAIN_ROWS] for batch in batches]
    seconds = [_timed(lambda batch=batch: _plain_step(adapted, batch)) for batch in batches]  # type: ignore[misc]
    return sum(example.n_tokens for batch in batches[1:] for example in batch) / sum(seconds[1:])


def _plain_step(model: Any, batch: Sequence[TokenizedExample]) -> None:
    from tunebook.engines.batched_scoring import IGNORED, padded

    ids = padded([example.prompt_ids + example.completion_ids for example in batch], 0)
    labels = padded([(IGNORED,) * len(e.prompt_ids) + e.completion_ids for e in batch], IGNORED)
    mask = padded([(1,) * example.n_tokens for example in batch], 0)
    values = {"input_ids": ids, "labels": labels, "attention_mask": mask}
    model(**{name: value.to(model.device) for name, value in values.items()}).loss.backward()
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)


def plain_scoring_rate(model: Any, examples: Sequence[TokenizedExample], scoring: Scoring) -> float:
    """Examples scored a second by transformers' own generation in padded batches, answers as in `scoring_rate`; the
    likelihood is taken only where nothing is generated."""
    from tunebook.engines.batched_scoring import chosen, generated, summed_nll

    if scoring.kind == "likelihood":
        return len(examples) / _timed(lambda: summed_nll(model.eval(), examples, 0))
    bounded, answer = _bounded(examples, scoring), chosen if scoring.kind == "choice" else generated
    return len(examples) / _timed(lambda: answer(model.eval(), examples, bounded, 0))


def _plain_rates_if_they_fit(
    options: EngineOptions, train: Sequence[TokenizedExample], scored: Sequence[TokenizedExample], scoring: Scoring,
    weights: int,
) -> _PlainRates | None:  # fmt: skip
    """The rates of plain PEFT on a second copy of the model, or None where there is no room for one.

    Room is twice the weights: the copy, and activations with whole logits.
    """
    room = free_bytes(options.device) if options.memory_bytes is None else options.memory_bytes - 2 * weights
    if room < 2 * weights:
        return None
    try:
        model = load_model(
            options.model, options.dtype, options.device, options.trust_remote_code, options.quantization
        )
        return _PlainRates(plain_peft_rate(model, train), plain_scoring_rate(model, scored, scoring))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        model = None
        give_back(options.device)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return max(time.perf_counter() - began, 1e-9)


def _trainee(
    packed: PackedModel, plan: MemoryPlan, options: EngineOptions, train: Sequence[TokenizedExample],
    configuration: Configuration, seed: int,
) -> Trainee:  # fmt: skip
    job = TrialJob(id=seed, configuration=configuration, seed=seed, splits=(), folder="")
    return Trainee(job, train, packed.all_shapes, plan.rows, options.share_prompts, None, packed.adapter_dtype,
                   packed.device)  # fmt: skip
