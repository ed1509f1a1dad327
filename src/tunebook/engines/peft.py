"""Engine `peft`: PEFT and the Hugging Face Trainer, one trial after another. Slow, plain, and the reference that the
packed engine is held against.

How the effective batch is split into micro-batches and whether activations are recomputed is decided here, to fit
memory: the loss is normalised over the label tokens of the effective batch, so neither changes the mathematics.
The Trainer hides non-finite losses by default; here it does not.
"""

from __future__ import annotations

import copy
import gc
import importlib.util
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors.torch import save_file
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback, TrainingArguments

from tunebook.core.class_weights import example_weights
from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.divergence import DivergenceMonitor
from tunebook.core.events import Cancelled, Evaluation, Failed, Finished, Noted, Progress, Step
from tunebook.core.factor_kind import Tool
from tunebook.core.facts import Cost, Curve, EvaluationRecord, StepRecord
from tunebook.core.keywords import lora_keywords, training_keywords
from tunebook.core.order import example_order
from tunebook.core.ports import (
    Calibration,
    EngineOptions,
    RawScores,
    RawTrial,
    Sink,
    TokenizedExample,
    TrialJob,
    TrialSource,
    Workload,
    trained_examples,
)
from tunebook.core.quantisation import NONE
from tunebook.core.space import Folding
from tunebook.engines.base_model import load_model, quiet_transformers
from tunebook.engines.batched_scoring import IGNORED, padded, score, summed_nll
from tunebook.engines.initial import DRAWN, initial_problem, initial_values
from tunebook.engines.quantised_modules import weight_bytes
from tunebook.errors import EnvironmentStop, ModelError, OutOfMemory, TunebookError, is_out_of_memory
from tunebook.files import replaced_folder
from tunebook.phrases import Phrase

__all__ = ["PeftEngine", "lora_config"]

MICRO_BATCH_TOKENS = 4096
"""Tokens of a micro-batch that are tried first; halved whenever memory does not suffice."""
_BY_HAND = frozenset({"max_length", "lora_plus_lr_ratio", "class_weights"})
"""Factors that are no keyword of PEFT or the Trainer and are realised here."""


_Row = tuple[TokenizedExample, float | None]
"""A training example, and its weight in the loss where examples have any."""


class _Stop(Exception):
    """Raised inside the Trainer or scoring to leave it, after `Sink.should_stop` or `Sink.is_cancelled`."""


def lora_config(configuration: Configuration) -> Any:
    """PEFT's LoraConfig for a configuration."""
    from peft import LoraConfig

    return LoraConfig(**lora_keywords(configuration))


class PeftEngine:
    """Fulfils `core.ports.Engine` with PEFT and the Trainer."""

    name = "peft"
    folding = Folding.everything()

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        torch.set_num_threads(options.threads)

    def refuses(self, configuration: Configuration) -> str | None:
        """Why neither PEFT nor the Trainer can train a configuration here, or None."""
        for name, kind in FACTOR_KINDS.items():
            keyword = kind.keys.get(Tool.PEFT) or kind.keys.get(Tool.TRAINER)
            level = getattr(configuration, name)
            if keyword is None and name not in _BY_HAND and level != kind.default:
                return f"it does not train {name} {level}"
        return (
            initial_problem(configuration)
            or _quantised_problem(configuration, self._options.quantization)
            or _optimiser_problem(configuration, self._options.device)
        )

    def calibrate(self, workload: Workload) -> Calibration:
        """A few training steps and one scoring batch, timed."""
        configuration = Configuration(target_modules="all-linear", num_train_epochs=1)
        model = self._adapted(configuration, seed=0)
        examples = [e for e in workload.train[:16] if e.completion_ids]
        began = time.perf_counter()
        torch.autograd.backward(self._loss(model, examples[:8]))  # the first one warms up
        _wait(self._options.device)
        warm = time.perf_counter()
        torch.autograd.backward(self._loss(model, examples[-8:]))
        _wait(self._options.device)
        seconds = max(time.perf_counter() - warm, 1e-6)
        tokens = sum(e.n_tokens for e in examples[-8:])
        scored = next(iter(workload.splits.values()))[:8]
        began = time.perf_counter()
        score(model, scored, workload.scoring, self._pad_id(model), lambda _: None)
        score_seconds = max(time.perf_counter() - began, 1e-6)
        rate = tokens / seconds
        base = weight_bytes(model)
        peak = _peak_bytes(self._options.device)
        return Calibration(
            train_tokens_per_second=rate,
            score_examples_per_second=len(scored) / score_seconds,
            one_by_one_tokens_per_second=rate,
            base_bytes=base,
            trial_bytes=max(peak - base, 0),
            device=self._options.device,
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """One trial after another, as `core.ports.Engine` says."""
        while not sink.should_stop():
            jobs = source.take(1)
            if not jobs:
                return
            began = time.perf_counter()
            try:
                sink.emit(Finished(_TrialRun(self, jobs[0], workload, sink).run()))
            except _Stop:
                if sink.should_stop():
                    return
                sink.emit(Cancelled(jobs[0].id, Cost(train_seconds=time.perf_counter() - began)))
            except (EnvironmentStop, ModelError):  # what ends the study, not this trial alone
                raise
            except (RuntimeError, ValueError, MemoryError) as error:  # one trial's trouble must not end the others
                kind = "" if isinstance(error, TunebookError) else f"{type(error).__name__}: "
                sink.emit(Failed(jobs[0].id, f"{kind}{error}", out_of_memory=is_out_of_memory(error)))
            gc.collect()

    def _adapted(self, configuration: Configuration, seed: int) -> Any:
        """A fresh base model with an adapter whose initial values are those of every engine."""
        from peft import get_peft_model

        o = self._options
        model = load_model(o.model, o.dtype, o.device, o.trust_remote_code, o.quantization)
        with quiet_transformers():
            adapted = get_peft_model(model, lora_config(configuration))
        _initialise(adapted, configuration, seed)
        return adapted

    def _loss(self, model: Any, examples: Sequence[TokenizedExample]) -> torch.Tensor:
        batch = {
            k: v.to(self._options.device)
            for k, v in _collated([(e, None) for e in examples], self._pad_id(model)).items()
        }
        loss: torch.Tensor = model(**batch).loss
        return loss

    @staticmethod
    def _pad_id(model: Any) -> int:
        """Any valid id will do: padding is masked everywhere."""
        return int(model.config.pad_token_id or 0)


def _quantised_problem(configuration: Configuration, quantization: str) -> Phrase | None:
    """Why a configuration needs a base model in full precision, as the end of a sentence, or None."""
    kind = configuration.init_lora_weights
    if quantization == NONE or kind in DRAWN:
        return None
    return Phrase(
        "init_lora_weights {kind} begins in the base weights, and these are kept in {quantization}",
        kind=kind,
        quantization=quantization,
    )


def _optimiser_problem(configuration: Configuration, device: str) -> Phrase | None:
    """What bitsandbytes' optimisers lack here, as the end of a sentence, or None."""
    if configuration.optim == FACTOR_KINDS["optim"].default:
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        return Phrase('optim {optim} needs bitsandbytes: pip install "tunebook[quant]"', optim=configuration.optim)
    if not device.startswith("cuda"):
        return Phrase("optim {optim} needs a GPU, and the device is {device}", optim=configuration.optim, device=device)
    return None


def _initialise(model: Any, configuration: Configuration, seed: int) -> None:
    """Give the adapter the initial values that every engine starts from; those of the base weights are PEFT's.

    Raises: ValueError: a module has not as many singular values as the rank asks for.
    """
    from peft.tuners.lora import LoraLayer

    kind = configuration.init_lora_weights
    for name, module in model.get_base_model().named_modules():
        if not isinstance(module, LoraLayer):
            continue
        a_RD, b_OR = module.lora_A["default"].weight, module.lora_B["default"].weight
        if len(a_RD) < configuration.lora_r:
            raise ValueError(
                f"lora_r: got {configuration.lora_r} with init_lora_weights {kind}, which takes its directions from "
                f"the weights; {name} has {len(a_RD)}. Choose ranks up to that."
            )
        if kind in DRAWN:
            values = initial_values(seed, name, len(a_RD), a_RD.shape[1], len(b_OR), kind)
            with torch.no_grad():
                a_RD.copy_(values[0])
                b_OR.copy_(values[1])


def _lora_plus(model: Any, configuration: Configuration, arguments: TrainingArguments) -> Any:
    """PEFT's optimiser with two rates, or None: the Trainer makes its own."""
    from peft.optimizers import create_loraplus_optimizer

    if configuration.lora_plus_lr_ratio == 1:
        return None
    kind, values = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    return create_loraplus_optimizer(
        model,
        kind,
        loraplus_lr_ratio=configuration.lora_plus_lr_ratio,
        loraplus_weight_decay=configuration.weight_decay,
        **values,
    )


def _collated(rows: Sequence[_Row], pad_id: int) -> dict[str, torch.Tensor]:
    examples = [example for example, _ in rows]
    ids = [e.prompt_ids + e.completion_ids for e in examples]
    labels = [(IGNORED,) * len(e.prompt_ids) + e.completion_ids for e in examples]
    return {
        "input_ids": padded(ids, pad_id),
        "labels": padded(labels, IGNORED),
        "attention_mask": padded([(1,) * len(row) for row in ids], 0),
        **({} if rows[0][1] is None else {"weights": torch.tensor([weight for _, weight in rows])}),
    }


class _EpochOrder(Sampler[int]):
    """The trial's own data order, one permutation an epoch."""

    def __init__(self, seed: int, n: int) -> None:
        self._seed, self._n, self._epoch = seed, n, 0

    def __iter__(self) -> Any:
        order = example_order(self._seed, self._epoch, self._n)
        self._epoch += 1
        return iter(order.tolist())

    def __len__(self) -> int:
        return self._n


class _OrderedTrainer(Trainer):  # type: ignore[misc]
    """The stock Trainer with a given data order, and a loss in which examples may have weights."""

    order: _EpochOrder

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **keywords: Any) -> Any:
        weights_B = inputs.pop("weights", None)
        if weights_B is None:
            return super().compute_loss(model, inputs, *arguments, **keywords)
        labels_BT = inputs.pop("labels")[:, 1:]
        logits_BTV = model(**inputs).logits[:, :-1].float()
        nll_BT = torch.nn.functional.cross_entropy(
            logits_BTV.transpose(1, 2), labels_BT, ignore_index=IGNORED, reduction="none"
        )
        return (nll_BT.sum(dim=1) * weights_B).sum() / keywords["num_items_in_batch"]

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return self.order


class _TrialRun(TrainerCallback):  # type: ignore[misc]
    """One trial from start to end: trains, watches the real losses, scores, saves."""

    def __init__(self, engine: PeftEngine, job: TrialJob, workload: Workload, sink: Sink) -> None:
        self._engine, self._job, self._workload, self._sink = engine, job, workload, sink
        self._configuration = job.configuration
        kept = trained_examples(workload.train, self._configuration.max_length)
        weights = example_weights(self._configuration, workload.train)
        self._examples = [example for _, example in kept]
        self._rows: list[_Row] = [(example, None if weights is None else weights[index]) for index, example in kept]
        self._batch = self._configuration.effective_batch_size
        self._total = self._configuration.total_steps(len(self._examples))
        self._reset()

    def _reset(self) -> None:
        self._steps: list[StepRecord] = []
        self._evaluations: list[EvaluationRecord] = []
        self._monitor = DivergenceMonitor(self._total)
        self._broke: tuple[int, str] | None = None
        self._score_seconds = 0.0

    def run(self) -> RawTrial:
        if not self._examples and self._configuration.num_train_epochs:
            raise ValueError(
                f"max_length {self._configuration.max_length}: no training example keeps a completion token. Raise it."
            )
        device = self._engine._options.device
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
        began = time.perf_counter()
        model = self._trained()
        _wait(device)
        train_seconds = time.perf_counter() - began - self._score_seconds
        scores = {} if self._broke else self._scores(model, self._job.splits)
        adapter_bytes = _save(model, Path(self._job.folder), self._taken)
        return self._result(self._job.id, scores, train_seconds, adapter_bytes)

    def _result(self, trial_id: int, scores: dict[str, RawScores], seconds: float, adapter_bytes: int) -> RawTrial:
        steps_done = len(self._steps)
        tokens = sum(e.n_tokens for e in self._examples) * self._configuration.num_train_epochs
        raw = round(tokens * steps_done / self._total) if self._total else 0
        cost = Cost(
            train_seconds=seconds,
            score_seconds=self._score_seconds,
            raw_tokens=raw,
            computed_tokens=raw,
            peak_bytes=_peak_bytes(self._engine._options.device),
            adapter_bytes=adapter_bytes,
        )
        step, reason = self._broke or (None, None)
        curve = Curve(tuple(self._steps), tuple(self._evaluations))
        return RawTrial(id=trial_id, scores=scores, curve=curve, cost=cost, broke_at_step=step, reason=reason)

    def _trained(self) -> Any:
        """Train, with smaller micro-batches and then recomputed activations while memory does not suffice."""
        longest = max((e.n_tokens for e in self._examples), default=1)
        micro = max(1, min(self._batch, MICRO_BATCH_TOKENS // longest))
        while self._batch % micro:
            micro -= 1
        checkpointing = bool(self._configuration.gradient_checkpointing)
        while True:
            try:
                self._reset()
                return self._train_once(micro, checkpointing)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._sink.emit(Noted("out_of_memory", {"trial": self._job.id, "micro_batch": micro}))
                if micro == 1 and checkpointing:
                    raise OutOfMemory(
                        f"trial {self._job.id} does not fit in memory even one row at a time with recomputed "
                        f"activations (peak {_peak_bytes(self._engine._options.device)} bytes). Lower max_length "
                        f"(now {self._configuration.max_length}) or lora_r (now {self._configuration.lora_r})."
                    ) from error
                micro, checkpointing = (
                    (1, True) if micro == 1 else (_smaller_divisor(self._batch, micro), checkpointing)
                )
                gc.collect()

    def _train_once(self, micro: int, checkpointing: bool) -> Any:
        torch.manual_seed(self._job.seed)
        model = self._engine._adapted(self._configuration, self._job.seed)
        self._taken = _taken_from_base(model, self._configuration)
        if self._configuration.num_train_epochs == 0:
            return model
        if checkpointing:
            model.enable_input_require_grads()
        pad_id = self._engine._pad_id(model)
        with tempfile.TemporaryDirectory(prefix="tunebook-") as scratch, quiet_transformers():
            arguments = self._arguments(scratch, micro, checkpointing)
            trainer = _OrderedTrainer(
                model=model,
                args=arguments,
                optimizers=(_lora_plus(model, self._configuration, arguments), None),
                train_dataset=self._rows,
                data_collator=lambda rows: _collated(rows, pad_id),
                callbacks=[self],
            )
            trainer.order = _EpochOrder(self._job.seed, len(self._examples))
            trainer.remove_callback(_printer())
            trainer.train()
        return model

    def _arguments(self, scratch: str, micro: int, checkpointing: bool) -> TrainingArguments:
        values = {
            **training_keywords(self._configuration, self._total),
            "per_device_train_batch_size": micro,
            "gradient_accumulation_steps": self._batch // micro,
            "gradient_checkpointing": checkpointing,
        }
        return TrainingArguments(
            output_dir=scratch,
            seed=self._job.seed,
            logging_strategy="steps",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            use_cpu=self._engine._options.device == "cpu",
            bf16=False,
            fp16=self._engine._options.dtype == "float16",  # raises small gradients, and lowers them again
            **values,
        )

    # -- what the Trainer calls

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        record = StepRecord(
            state.global_step, float(state.epoch), logs["loss"], logs["learning_rate"], logs.get("grad_norm", 0.0)
        )
        self._steps.append(record)
        self._sink.emit(Step(self._job.id, record))
        self._sink.emit(Progress(self._job.id, state.global_step / self._total, "train"))
        reason = self._monitor.observe(record.loss, record.gradient_norm)
        if reason:
            self._broke = (record.step, reason)
            control.should_training_stop = True
        self._leave_if_told()

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if self._broke:
            return
        epoch = round(state.epoch)
        began = time.perf_counter()
        self._evaluate_curve(model, state.global_step, epoch)
        for checkpoint_epoch, trial_id in self._job.checkpoints:
            if checkpoint_epoch == epoch:
                scores = self._scores(model, self._job.splits)
                adapter_bytes = _save(model, Path(self._job.folder).with_name(str(trial_id)), self._taken)
                self._sink.emit(Finished(self._result(trial_id, scores, 0.0, adapter_bytes)))
        self._score_seconds += time.perf_counter() - began

    def _evaluate_curve(self, model: Any, step: int, epoch: int) -> None:
        examples = self._workload.splits["validation"][: self._workload.curve_examples]
        if not examples:
            return
        model.eval()
        pad_id = self._engine._pad_id(model)
        total = sum(sum(summed_nll(model, examples[i : i + 16], pad_id)) for i in range(0, len(examples), 16))
        record = EvaluationRecord(
            step, float(epoch), "validation", total / sum(len(e.completion_ids) for e in examples)
        )
        self._evaluations.append(record)
        self._sink.emit(Evaluation(self._job.id, record))

    def _scores(self, model: Any, splits: Sequence[str]) -> dict[str, RawScores]:
        def on_batch(done: float) -> None:
            self._sink.emit(Progress(self._job.id, done, "score"))
            self._leave_if_told()

        began = time.perf_counter()
        pad_id = self._engine._pad_id(model)
        result = {
            split: score(model, self._workload.splits[split], self._workload.scoring, pad_id, on_batch)
            for split in splits
        }
        self._score_seconds += time.perf_counter() - began
        return result

    def _leave_if_told(self) -> None:
        if self._sink.should_stop() or self._sink.is_cancelled(self._job.id):
            raise _Stop


def _printer() -> Any:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback


def _smaller_divisor(n: int, below: int) -> int:
    return next((d for d in range(below - 1, 0, -1) if n % d == 0), 1)


def _taken_from_base(model: Any, configuration: Configuration) -> dict[str, torch.Tensor]:
    """The adapter as it begins, where PEFT has taken it out of the base weights; else nothing."""
    from peft import get_peft_model_state_dict

    if not configuration.init_lora_weights.startswith(("pissa", "olora")):
        return {}
    return {name: value.detach().clone() for name, value in get_peft_model_state_dict(model).items()}


def _save(model: Any, folder: Path, taken: dict[str, torch.Tensor]) -> int:
    """Write the adapter in PEFT's format, atomically; gives its size in bytes.

    Args:
        taken: what was taken out of the base weights when training began (`_taken_from_base`).

    Raises: DiskFull, UnwritableFolder: what was there before is untouched.
    """
    with quiet_transformers(), replaced_folder(folder) as scratch:
        if model.peft_config["default"].init_lora_weights in (True, *DRAWN):
            # of an adapted head PEFT would write the base weights too
            model.save_pretrained(scratch, safe_serialization=True, save_embedding_layers=False)
        else:
            _save_plain(model, scratch, taken)
    return (folder / "adapter_model.safetensors").stat().st_size


def _save_plain(model: Any, folder: Path, taken: dict[str, torch.Tensor]) -> None:
    """Write an adapter that begins in the base weights as an ordinary one, B A - B0 A0, of twice the rank.

    Saved as it is, PEFT would decompose the weights again when it is loaded, and other tools would not.
    Source: peft.tuners.lora.LoraModel.subtract_mutated_init.
    """
    from peft import get_peft_model_state_dict
    from peft.utils import SAFETENSORS_WEIGHTS_NAME

    tensors = {name: value.detach() for name, value in get_peft_model_state_dict(model).items()}
    config = copy.deepcopy(model.peft_config["default"])
    config.init_lora_weights, config.inference_mode = True, True
    if taken:
        for name, first in taken.items():
            is_a = "lora_A" in name
            tensors[name] = torch.cat([tensors[name], first if is_a else -first], dim=0 if is_a else 1)
        config.r *= 2
        config.lora_alpha *= math.sqrt(2) if config.use_rslora else 2  # the scaling stays
    folder.mkdir(exist_ok=True)
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, folder / SAFETENSORS_WEIGHTS_NAME)
    config.save_pretrained(folder)


def _wait(device: str) -> None:
    """Until a device that computes while the host goes on has done everything."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _peak_bytes(device: str) -> int:
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))
