"""The stages of `gpu_check`, each run in a process of its own."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, MistralConfig, Phi3Config, Qwen3Config

from benchmarks import gpu_speed
from benchmarks.gpu_checked import (
    BASE,
    GB,
    Checked,
    apart,
    copy_of,
    fill_b,
    lora_modules,
    peft_model,
    plain_backward,
    trainee,
)
from benchmarks.gpu_speed import LITTLE_CARD, little_card
from benchmarks.shapes import SHAPES, TINY, alpaca_like, model_of, trec_like
from tunebook.core.configuration import Configuration
from tunebook.core.events import EngineEvent, Failed, Finished, Noted, PartScored, Step
from tunebook.core.order import example_order
from tunebook.core.ports import EngineOptions, RawTrial, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.engines.base_model import load_model
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.model.dropout import limit
from tunebook.engines.packed.model.kernels import keep_mask
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.memory import ModelSize, row_bytes, trial_bytes
from tunebook.engines.packed.scoring.score import score
from tunebook.engines.packed.training import loop
from tunebook.engines.packed.training.loop import choose, train_together
from tunebook.engines.packed.training.trainee import Trainee
from tunebook.engines.quantised_modules import weight_bytes

__all__ = ["PREPARE", "RUN", "run_until"]

# -- facts


def facts(checked: Checked) -> None:
    n = 256 if checked.tiny else 8192
    if checked.cuda:
        properties = torch.cuda.get_device_properties(checked.device)
        free, total = torch.cuda.mem_get_info(checked.device)
        checked.note("card", properties.name, summary=True)
        checked.note("memory_gb", {"free": free / GB, "total": total / GB}, summary=True)
    source = torch.zeros(n * n, device=checked.device)
    target = torch.empty_like(source)
    seconds = min(checked.timed(lambda: target.copy_(source)) for _ in range(5))
    checked.note("copy_gb_per_second", round(2 * source.nbytes / seconds / GB, 1), summary=True)
    for dtype in (torch.bfloat16, torch.float32):
        a = torch.randn(n, n, device=checked.device).to(dtype)
        seconds = min(checked.timed(lambda a=a: a @ a) for _ in range(5))
        checked.note(f"tflops_{dtype}".replace("torch.", ""), round(2 * n**3 / seconds / 1e12, 2), summary=True)
    one = torch.zeros(1, device=checked.device)
    launches = 1000 if checked.tiny else 10_000

    def launch() -> None:
        for _ in range(launches):
            one.add_(1)

    checked.note("launch_microseconds", round(checked.timed(launch) / launches * 1e6, 2), summary=True)


# -- equality with PEFT


def families(checked: Checked) -> dict[str, Any]:
    sizes = {**TINY, "max_position_embeddings": 512}
    gemma = {**sizes, "sliding_window": 6}
    four_layers = {} if checked.tiny else {"num_hidden_layers": 4}
    return {
        "llama": SHAPES["135M"](**sizes), "qwen2": SHAPES["1.5B"](**sizes),
        "qwen3": Qwen3Config(**sizes), "mistral": MistralConfig(**sizes, sliding_window=6),
        "gemma2": Gemma2Config(**gemma), "gemma3": Gemma3TextConfig(**gemma),
        "phi3": Phi3Config(**sizes, pad_token_id=0), "135M shape": checked.config("135M", **four_layers),
    }  # fmt: skip


AT_TOY_SIZE = "llama", "gemma2"
"""Families that are compared at toy size; the tests compare all of them (tests/equivalence)."""


def equality(checked: Checked) -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch._dynamo.config.recompile_limit = 64  # a study has one model, and needs far fewer
    found = families(checked)
    for name, config in {name: found[name] for name in (AT_TOY_SIZE if checked.tiny else found)}.items():
        both = name in ("llama", "135M shape")
        for dtype in (torch.float32, torch.bfloat16)[: 1 + both]:
            try:
                _equal_to_plain(checked, f"{name} {str(dtype)[6:]}", model_of(config, dtype, checked.device))
            except Exception as error:  # the other families are to be looked at as well
                checked.expect(False, f"{name} {str(dtype)[6:]}", str(error).strip()[-1500:])
    rows = torch.randint(-(2**62), 2**62, (1000 if checked.tiny else 10_000,))
    words = torch.randint(-(2**62), 2**62, (250,))
    here = keep_mask(rows, words, limit(0.1))
    there = keep_mask(rows.to(checked.device), words.to(checked.device), limit(0.1)).cpu()
    checked.expect(torch.equal(here, there), "masks equal", here.numel())
    _gradients_in_bfloat16(checked)


def _equal_to_plain(checked: Checked, model_name: str, base: Any) -> None:
    """Losses, and in float32 weights, of some steps against plain PEFT."""
    steps = 2 if checked.tiny else 8
    configurations = [
        BASE.with_values(lora_r=4, lora_alpha=8),
        BASE.with_values(lora_r=8, per_device_train_batch_size=3, learning_rate=5e-4),
        BASE.with_values(lora_r=16, per_device_train_batch_size=5, learning_rate=2e-3),
    ][: 1 if checked.tiny else 3]
    data, trainees = trec_like(24, base.config.vocab_size), []
    for form in checked.forms():
        packed = PackedModel(copy_of(base, checked), form)
        own = [trainee(packed, c, data, seed, steps) for seed, c in enumerate(configurations)]
        training = loop.Training(packed)
        for _ in range(steps):
            training.step(choose(own, 10**6))
        training.settle()
        trainees += [(one, form.kind(packed.adapter_dtype)) for one in own]
    plain = [plain_steps(base, c, data, seed, steps) for seed, c in enumerate(configurations)]
    for one, kind in trainees:
        losses, weights = plain[one.job.seed]
        off = max(abs(r.loss - p) / p for r, p in zip(one.steps, losses, strict=True))
        at = f"{model_name} r{one.adapter.rank} {kind}"
        checked.expect(off < (1e-4 if base.dtype == torch.float32 else 1e-2), f"loss {at}", off)
        if base.dtype == torch.float32:
            off = apart({n: one.adapter.a(n) for n in one.adapter.shapes}, weights)
            checked.expect(off < 1e-3, f"weights {at}", off)


def _gradients_in_bfloat16(checked: Checked) -> None:
    """The gradient in bfloat16 against float32 of the same rounded weights, beside PEFT's."""
    rounded = model_of(checked.config("135M", num_hidden_layers=2), torch.bfloat16, checked.device)
    data, found = trec_like(8, rounded.config.vocab_size), []
    for model in (copy_of(rounded, checked).float(), copy_of(rounded, checked)):
        packed = PackedModel(model)
        one = trainee(packed, BASE, data, 0, 1)
        fill_b(one.adapter)
        assert one.optimizer is not None
        from tunebook.engines.packed.training.step import Piece, gradients

        gradients(packed, [Piece(one, micro, one.adapter) for micro in one.micro_batches()])
        found.append(torch.cat([one.adapter.grad_a(n).flatten() for n in one.adapter.shapes]).float())
    adapted = peft_model(copy_of(rounded, checked), BASE, 0)
    fill_b(one.adapter, adapted)
    plain_backward(adapted, data, sum(len(e.completion_ids) for e in data))
    plain = torch.cat([module.lora_A["default"].weight.grad.flatten().float() for _, module in lora_modules(adapted)])
    exact, packed_grad = found
    cosine = float(torch.cosine_similarity(packed_grad, exact, dim=0))
    own, peft = (float((grad - exact).norm() / exact.norm()) for grad in (packed_grad, plain))
    checked.expect(cosine > 0.999, "bfloat16 gradient cosine", cosine)
    checked.expect(own <= 1.2 * peft + 1e-6, "bfloat16 gradient error against PEFT's", [own, peft])


def plain_steps(
    base: Any, configuration: Configuration, data: Sequence[TokenizedExample], seed: int, steps: int
) -> tuple[list[float], dict[str, Tensor]]:
    """Losses and final A's of plain PEFT with AdamW, clipping at 1 and a constant rate, padded batches."""
    model = AutoModelForCausalLM.from_config(copy.deepcopy(base.config), attn_implementation="eager").to(base.dtype)
    model.load_state_dict(base.state_dict())
    adapted = peft_model(model.to(base.device).requires_grad_(False), configuration, seed)
    parameters = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=configuration.learning_rate, weight_decay=0.0)
    size, losses = configuration.effective_batch_size, []
    per_epoch = -(-len(data) // size)
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        batch = [data[i] for i in example_order(seed, epoch, len(data))[at * size : (at + 1) * size]]
        losses.append(plain_backward(adapted, batch, sum(len(e.completion_ids) for e in batch)))
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return losses, {name: module.lora_A["default"].weight.detach() for name, module in lora_modules(adapted)}


# -- determinism


def determinism(checked: Checked) -> None:
    steps = 2 if checked.tiny else 12
    for dtype in (torch.float32, torch.bfloat16)[: 1 if checked.tiny else 2]:
        config = checked.config("135M", num_hidden_layers=2 if checked.tiny else 4)
        packed = PackedModel(model_of(config, dtype, checked.device))
        data = trec_like(32, config.vocab_size)

        def values(cohort: int, graphs: bool = True, packed: PackedModel = packed, data: Any = data) -> Tensor:
            dropped = BASE.with_values(lora_dropout=0.1)
            trainees = [trainee(packed, dropped, data, seed, steps) for seed in range(cohort)]
            with patch.dict(os.environ, {} if graphs else {"TUNEBOOK_CUDA_GRAPHS": "0"}):
                training = loop.Training(packed)
            for _ in range(steps):
                training.step(trainees)
            training.settle()
            checked.note(f"{packed.dtype} cohort {cohort} graphs {graphs}".replace("torch.", ""), training.graphs)
            return trainees[0].adapter.values.clone()

        once, again, among, plainly = values(1), values(1), values(8), values(1, graphs=False)
        found = {"the same again": again, "in a cohort of 8": among, "without graphs": plainly}
        for what, other in found.items():
            equal = torch.equal(once, other)
            off = 0.0 if equal else float((once - other).norm() / once.norm())
            name = f"{str(dtype)[6:]} {what}"
            checked.note(f"{name}: equal bits, else relative difference", [equal, off], summary=True)
            if what == "without graphs" or (not checked.cuda and dtype == torch.float32):
                checked.expect(equal, name, off)


# -- memory


def memory(checked: Checked) -> None:
    config = checked.config("8B", **({} if checked.tiny else {"num_hidden_layers": 8}))
    dtype = torch.bfloat16 if checked.cuda else torch.float32
    packed = PackedModel(model_of(config, dtype, checked.device))
    data = alpaca_like(32, config.vocab_size, tokens=40 if checked.tiny else 206)
    longest = max(example.n_tokens for example in data)
    for recompute in (False, True):
        packed.recompute = recompute
        peaks = []
        for batch in (4, 16):
            one = trainee(packed, BASE.with_values(per_device_train_batch_size=batch), data, 0, rows=10**6)
            before = checked.allocated()
            if checked.cuda:
                torch.cuda.reset_peak_memory_stats(checked.device)
            train_together(packed, [one])
            train_together(packed, [one])
            peaks.append((one.computed_tokens // 2, checked.peak() - before))
        planned = row_bytes(ModelSize.of(packed), longest, recompute)
        slope = (peaks[1][1] - peaks[0][1]) / (peaks[1][0] - peaks[0][0])
        name = f"bytes a row, recomputed {recompute}: measured, planned"
        checked.expect(not checked.cuda or abs(slope / planned - 1) < 0.15, name, [slope, planned])
    before = checked.allocated()
    kept = trainee(packed, BASE, data, 0, rows=10**6)
    train_together(packed, [kept])
    checked.note("a trial's bytes: held, planned",
                 [checked.allocated() - before, trial_bytes(packed.all_shapes, BASE.lora_r)])  # fmt: skip


def two_waves(checked: Checked) -> None:
    """The plan of a card of 24 GB, twice in one process."""
    with little_card(checked), _folder_of(checked, "1.5B") as folder:
        options = _options(checked, folder)
        engine = PackedEngine(replace(options, memory_bytes=LITTLE_CARD) if checked.cuda else options)
        vocabulary = 97 if checked.tiny else 1000
        workload = _workload(alpaca_like(16, vocabulary, tokens=40 if checked.tiny else 206))
        plans: list[Any] = []
        real = engine._plan

        def seen(workload: Workload, jobs: Any) -> Any:
            plans.append(real(workload, jobs))
            return plans[-1]

        with patch.object(engine, "_plan", seen):
            for wave in range(2):
                jobs = [_job(i, wave, folder) for i in range(4)]
                done = _run(engine, jobs, workload)
                checked.note(f"wave {wave}: notes", sorted({code for code, _ in done.notes}))
                checked.expect(len(done.results) == len(jobs), f"wave {wave}: trials finished", len(done.results))
                checked.note(f"wave {wave}: peak_gb", checked.peak() / GB)
        shown = [[plan.slots, plan.rows] for plan in plans[1::2]]
        checked.expect(plans[1].slots >= 4 and plans[3].slots >= plans[1].slots, "slots and rows of two waves", shown)


# -- running out of memory


def out_of_memory(checked: Checked) -> None:
    with _folder_of(checked, "135M") as folder:
        data = alpaca_like(24, 97 if checked.tiny else 1000, tokens=40 if checked.tiny else 400)
        workload = _workload(data)
        jobs = [_job(i, 0, folder) for i in range(3)]
        whole = _run(PackedEngine(_options(checked, folder)), jobs, workload)
        before = checked.allocated()
        with _little_memory(checked):
            split = _run(PackedEngine(_options(checked, folder)), [_job(i, 1, folder) for i in range(3)], workload)
        if checked.cuda:
            time.sleep(1)
            held = checked.allocated() - before
            checked.note("bytes held one second later", held)
        notes = sorted({code for code, _ in split.notes})
        checked.expect("cohort_split" in notes, "notes", notes)
        checked.expect(len(split.results) == 3 and not split.failures, "trials finished", sorted(split.results))
        for number, result in split.results.items():
            pairs = zip(result.curve.steps, whole.results[number].curve.steps, strict=True)
            off = max(abs(a.loss - b.loss) / abs(b.loss) for a, b in pairs)
            checked.expect(off < 1e-3 if not checked.cuda else off < 2e-2, f"losses of trial {number}", off)


@contextlib.contextmanager
def _little_memory(checked: Checked) -> Iterator[None]:
    """On a card: less memory than the planned forward needs. Elsewhere forwards of many rows fail."""
    if checked.cuda:
        total = torch.cuda.get_device_properties(checked.device).total_memory
        torch.cuda.empty_cache()
        device = torch.device(checked.device)
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(device) + 2 * GB) / total, device)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
        return
    real = loop.Training.step

    def small(self: loop.Training, trainees: Sequence[Trainee]) -> Any:
        if len(trainees[0].micro_batches()) == 1 and (len(trainees) > 1 or trainees[0].max_rows > 300):
            raise RuntimeError("CUDA error: out of memory")
        return real(self, trainees)

    with patch.object(loop.Training, "step", small):
        yield


# -- scoring


def scoring(checked: Checked) -> None:
    config = checked.config("135M", **({} if checked.tiny else {"num_hidden_layers": 8}))
    n, new = (8, 4) if checked.tiny else (256, 16)
    data = trec_like(n, config.vocab_size, seed=1)
    model = model_of(config, torch.float32, checked.device)
    adapted = peft_model(copy_of(model, checked), BASE, 0).eval()
    packed = PackedModel(model)
    one = trainee(packed, BASE, data, 0)
    fill_b(one.adapter)
    fill_b(one.adapter, adapted)
    how = Scoring("generate", new, (2,))
    (found,) = score(packed, [one.adapter], data, how)
    same = 0
    for example, answer in zip(data[:64], found.answers, strict=False):
        ids = torch.tensor([example.prompt_ids], device=checked.device)
        out = adapted.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=False,
                               eos_token_id=2, pad_token_id=0)[0, ids.shape[1] :].tolist()  # fmt: skip
        same += tuple(out[: out.index(2)] if 2 in out else out) == answer
    checked.expect(same >= len(data[:64]) * 0.98, "answers equal to generate", [same, len(data[:64])])
    for adapters in (1, 8):
        seconds = min(checked.timed(lambda k=adapters: score(packed, [one.adapter] * k, data, how)) for _ in range(2))
        checked.note(f"scored examples/s, {adapters} adapters", round(adapters * n / seconds, 1), summary=True)


# -- kill and resume

_KILLED = """
import sys
from pathlib import Path
from benchmarks.gpu_stages import run_until
run_until(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "tiny", int(sys.argv[4]))
"""


def _killed_at(step: int, folder: Path, checked: Checked) -> int:
    """Exit code of a process that trains one trial and kills itself at a step; forked, which is quicker, where no card
    and no other threads are in use, which a forked process would lack."""
    if checked.cuda or torch.get_num_threads() > 1:
        arguments = [str(folder), checked.device, "tiny" if checked.tiny else "full", str(step)]
        return subprocess.run([sys.executable, "-c", _KILLED, *arguments], capture_output=True).returncode
    pid = os.fork()
    if pid == 0:
        try:
            run_until(folder, checked.device, checked.tiny, step)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_and_resume(checked: Checked) -> None:
    from safetensors.torch import load_file

    with _folder_of(checked, "135M") as folder:
        steps = _steps(checked.tiny)
        killed = _killed_at(steps // 2, folder, checked)
        checked.expect(killed == -signal.SIGKILL, "killed", killed)
        resumed = run_until(folder, checked.device, checked.tiny, None)
        checked.expect(any(code == "trial_resumed" for code, _ in resumed.notes), "resumed", len(resumed.notes))
        unbroken = run_until(folder, checked.device, checked.tiny, None, wave=8)
        weights = [load_file(folder / "trials" / str(number) / "adapter_model.safetensors") for number in (700, 800)]
        equal = all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        off = apart(weights[0], weights[1])
        checked.expect(off < 1e-3 and resumed.results.keys() == {700} and unbroken.results.keys() == {800},
                       "equal bits, else relative difference", [equal, off])  # fmt: skip


def _steps(tiny: bool) -> int:
    return 6 if tiny else 16


def run_until(folder: Path, device: str, tiny: bool, step: int | None, wave: int = 7) -> _Sink:
    """Train one trial; kill this process at a step, or go on to the end."""
    checked = Checked(device, tiny, lambda values: None)
    options = replace(_options(checked, folder), checkpoint_seconds=0.0)
    options.extra["max_steps"] = _steps(tiny)
    workload = _workload(trec_like(32, 97 if tiny else 1000))
    return _run(PackedEngine(options), [_job(0, wave, folder)], workload, step)


# -- quantised base


def quantised(checked: Checked) -> None:
    if importlib.util.find_spec("bitsandbytes") is None:
        checked.note("not_run", "bitsandbytes is not installed", summary=True)
        return
    config = checked.config("8B", **({} if checked.tiny else {"num_hidden_layers": 4}))
    data, dtype = trec_like(16, config.vocab_size), "bfloat16" if checked.cuda else "float32"
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        model_of(config, getattr(torch, dtype), checked.device).save_pretrained(folder)
        for kind in ("nf4", "int8"):
            base = load_model(folder, dtype, checked.device, quantization=kind)
            checked.note(f"{kind} weights_gb", [weight_bytes(base) / GB, checked.allocated() / GB])
            packed = PackedModel(base)
            one = trainee(packed, BASE, data, 0, 3)
            seconds = checked.timed(lambda packed=packed, one=one: [train_together(packed, [one]) for _ in range(3)])
            checked.note(f"{kind} seconds a step", seconds / 3)
            adapted = peft_model(load_model(folder, dtype, checked.device, quantization=kind), BASE, 0)
            loss = plain_backward(adapted, [data[i] for i in example_order(0, 0, 16)[:8]], 24)
            squares = sum(float(p.grad.float().square().sum()) for p in adapted.parameters() if p.grad is not None)
            off = abs(one.steps[0].loss / loss - 1), abs(one.steps[0].gradient_norm / squares**0.5 - 1)
            loss_off, norm_off = (2e-2, 5e-2) if checked.cuda else (1e-5, 1e-4)
            checked.expect(off[0] < loss_off and off[1] < norm_off, f"{kind} loss and norm against PEFT", off)
            del base, packed, one, adapted


# -- a whole study

_STUDY = "import sys; from tunebook.cli.main import main; sys.exit(main(sys.argv[1:]))"


def study(checked: Checked) -> None:
    """From a study file to its record, by the command line, with a worker on the device."""
    missing = [name for name in ("sqlalchemy", "typer", "psutil") if importlib.util.find_spec(name) is None]
    if missing:
        checked.note("not_run", f"not installed: {', '.join(missing)}", summary=True)
        return
    from benchmarks.soak import make_real_study

    trials = 5 if checked.tiny else 8
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        file = make_real_study(Path(folder), trials, where=f"device: {checked.device}")
        command = [
            sys.executable,
            "-c",
            _STUDY,
            "run",
            str(file),
            "--quiet",
            *(["--no-measure"] if checked.tiny else []),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            checked.expect(False, "exit code", [done.returncode, (done.stdout + done.stderr)[-1500:]])
            return
        results = Path(folder) / "runs" / "soak" / "results.json"
        states = [trial["state"] for trial in json.loads(results.read_text(encoding="utf-8"))["trials"]]
        checked.expect(bool(states) and set(states) == {"completed"}, "states of trials", states)
        checked.expect((results.parent / "record.md").exists(), "a record", sorted(os.listdir(results.parent)))


# -- the engine as a whole


@dataclass
class _Sink:
    """Keeps what an engine reports; may kill the process at a step."""

    kill_at: int | None = None
    results: dict[int, RawTrial] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    notes: list[tuple[str, Any]] = field(default_factory=list)

    def emit(self, event: EngineEvent) -> None:
        match event:
            case Step(record=record) if record.step == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            case Finished(result):
                self.results[result.id % 100 if result.id < 700 else result.id] = result
            case Failed(trial_id, message):
                self.failures[trial_id] = message
            case Noted(code, values):
                self.notes.append((code, dict(values)))

    def is_cancelled(self, trial_id: int) -> bool:
        return False

    def should_stop(self) -> bool:
        return False


@dataclass
class _Source:
    left: list[TrialJob]

    def take(self, n: int, ahead: int = 0, has_room: bool = False) -> Sequence[TrialJob]:
        taken, self.left = self.left[:n], self.left[n:]
        return taken

    def divide(self, trial_id: int, most: int, rows: int) -> int:
        return 1

    def parts(self) -> Sequence[PartScored]:
        return ()


def _run(engine: PackedEngine, jobs: list[TrialJob], workload: Workload, kill_at: int | None = None) -> _Sink:
    sink = _Sink(kill_at)
    engine.run(_Source(jobs), workload, sink)
    return sink


def _job(number: int, wave: int, folder: Path) -> TrialJob:
    trial = 100 * wave + number
    return TrialJob(
        id=trial, configuration=BASE, seed=number, splits=("validation",), folder=str(folder / "trials" / str(trial))
    )


def _workload(data: Sequence[TokenizedExample]) -> Workload:
    return Workload(tuple(data), {"validation": tuple(data[:8])}, Scoring("generate", 4, (2,)))


def _options(checked: Checked, folder: Path) -> EngineOptions:
    dtype = "bfloat16" if checked.cuda else "float32"
    return EngineOptions(
        model=str(folder),
        device=checked.device,
        dtype=dtype,
        threads=1 if checked.tiny else 2,
        extra={"max_steps": 3 if checked.tiny else 6},
    )


@contextlib.contextmanager
def _folder_of(checked: Checked, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        dtype = torch.bfloat16 if checked.cuda else torch.float32
        model_of(checked.config(name), dtype, checked.device).save_pretrained(folder)
        yield Path(folder)


PREPARE: dict[str, Callable[[Checked], None]] = gpu_speed.PREPARE
RUN: dict[str, Callable[[Checked], None]] = {
    **gpu_speed.RUN, "facts": facts, "equality": equality, "determinism": determinism, "memory": memory,
    "two_waves": two_waves, "out_of_memory": out_of_memory, "scoring": scoring, "kill_and_resume": kill_and_resume,
    "quantised": quantised, "study": study,
}  # fmt: skip
