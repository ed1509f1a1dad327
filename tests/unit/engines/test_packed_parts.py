"""Small parts of the packed engine: schedule, optimiser, loss, bank, resume state, memory, targets, initial values."""

from __future__ import annotations

import math

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, get_scheduler

from tunebook.core.configuration import Configuration
from tunebook.core.facts import EvaluationRecord, StepRecord
from tunebook.core.order import warmup_count
from tunebook.core.schedule import rate_factor
from tunebook.engines.initial import initial_values
from tunebook.engines.packed.model import targets
from tunebook.engines.packed.model.bank import Adapter, ModuleShape, new_adapter
from tunebook.engines.packed.trainable import unsupported_config
from tunebook.engines.packed.training import checkpoint
from tunebook.engines.packed.training.losses import Labels, label_losses
from tunebook.engines.packed.training.optim import TrialOptimizer
from tunebook.errors import ModelError

SHAPES = (ModuleShape("a.q_proj", 6, 5, "a.q_proj"), ModuleShape("a.k_proj", 6, 3, "a.q_proj"),
          ModuleShape("a.o_proj", 5, 6, "a.o_proj"))  # fmt: skip


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant", "constant_with_warmup"])
@pytest.mark.parametrize("warmup", [0, 3, 0.25, 40])
def test_the_schedule_is_that_of_transformers(kind, warmup):
    total = 11
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = get_scheduler(kind, optimizer, warmup_count(warmup, total), total)
    configuration = Configuration(lr_scheduler_type=kind, warmup_steps=warmup)
    for step in range(total):
        assert rate_factor(configuration, step, total) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        schedule.step()


def test_a_step_clips_as_torch_does_and_equals_adamw_on_separate_tensors():
    configuration = Configuration(learning_rate=0.1, weight_decay=0.3, lr_scheduler_type="constant", lora_r=2)
    adapter = new_adapter(SHAPES, configuration, seed=1)
    separate = [torch.nn.Parameter(view.clone()) for s in SHAPES for view in (adapter.a(s.name), adapter.b(s.name))]
    plain = torch.optim.AdamW(separate, lr=0.1, weight_decay=0.3)
    adapter.want_grads()
    mine = TrialOptimizer(adapter, configuration, 5)
    for step in range(5):
        generator = torch.Generator().manual_seed(step)
        views = [view for s in SHAPES for view in (adapter.grad_a(s.name), adapter.grad_b(s.name))]
        for view, parameter in zip(views, separate, strict=True):
            view.normal_(std=0.5 * step, generator=generator)
            parameter.grad = view.clone()
        norm = torch.nn.utils.clip_grad_norm_(separate, 1.0)
        plain.step()
        rate, my_norm = mine.step(step)
        assert (rate, my_norm) == (0.1, pytest.approx(float(norm), rel=1e-5))
        assert not adapter.grads.any()
    now = [view for s in SHAPES for view in (adapter.a(s.name), adapter.b(s.name))]
    for view, parameter in zip(now, separate, strict=True):
        torch.testing.assert_close(view, parameter.detach(), rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_finite_changes_nothing():
    adapter = new_adapter(SHAPES, Configuration(lora_r=2), seed=1)
    adapter.want_grads()
    before = adapter.values.clone()
    adapter.grads.fill_(float("inf"))
    _, norm = TrialOptimizer(adapter, Configuration(), 5).step(0)
    assert math.isinf(norm)
    assert torch.equal(adapter.values, before)


@pytest.mark.parametrize("rows", [1, 15, 16, 50])
def test_the_losses_of_several_trials_and_their_gradient_equal_autograd(rows):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(11, 4, generator=generator, dtype=torch.float64)
    hidden = torch.randn(2 * rows + 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    at = (*range(rows), *[rows] * 5, *range(rows + 1, 2 * rows))  # a row of five labels; padding rows at the end
    tokens = tuple([3, 3, 7, 1, 9] * (rows + 1))[: len(at)]
    labels = Labels(at, tokens, counts=(rows, rows + 4), n_items=(700, 30))
    logits = hidden[list(labels.rows)] @ weight.T
    each = torch.nn.functional.cross_entropy(logits, torch.tensor(labels.tokens), reduction="none")
    plain = torch.stack([each[:rows].sum() / 700, each[rows:].sum() / 30])
    plain.sum().backward()
    tables = labels.tables([torch.from_numpy(array) for array in labels.arrays(len(hidden))])
    losses, grad = label_losses(lambda h: h @ weight.T, hidden.detach(), tables, at_once=16)
    torch.testing.assert_close(losses, plain.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(grad, hidden.grad)


def test_an_adapter_is_one_vector_with_aligned_views_and_stacked_as():
    adapter = Adapter(SHAPES, rank=3, scaling=2.0)
    for shape in SHAPES:
        assert adapter.a(shape.name).shape == (3, shape.n_in)
        assert adapter.b(shape.name).shape == (3, shape.n_out)
        assert adapter.b(shape.name).storage_offset() % 16 == 0
    adapter.a("a.q_proj").fill_(1)
    adapter.a("a.k_proj").fill_(2)
    stacked = adapter.stacked_a(["a.q_proj", "a.k_proj"])
    assert stacked[:, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert adapter.stacked_a(["a.k_proj", "a.q_proj"]) is None
    assert int((adapter.values != 0).sum()) == 2 * 3 * 6


def test_initial_values_depend_on_seed_and_module_alone():
    a, b = initial_values(1, "x.q_proj", 4, 25, 9)
    assert torch.equal(a, initial_values(1, "x.q_proj", 4, 25, 9)[0])
    assert not torch.equal(a, initial_values(2, "x.q_proj", 4, 25, 9)[0])
    assert not torch.equal(a, initial_values(1, "x.k_proj", 4, 25, 9)[0])
    assert float(a.abs().max()) <= 1 / 5
    assert not b.any()
    gaussian, _ = initial_values(1, "x.q_proj", 4, 10_000, 9, "gaussian")
    assert float(gaussian.std()) == pytest.approx(0.25, rel=0.02)
    with pytest.raises(ValueError, match="got 'zeros' with rank 4; it is one of kaiming, gaussian, orthogonal"):
        initial_values(1, "x", 4, 25, 9, "zeros")


def test_an_orthogonal_start_is_the_base_model_with_a_and_b_as_pefts_are_spread():
    a, b = initial_values(1, "x.q_proj", 8, 4000, 3000, "orthogonal")
    assert float((b @ a).abs().max()) < 1e-6 < float(b.abs().max())
    layer = get_peft_model(torch.nn.Sequential(torch.nn.Linear(4000, 3000)), LoraConfig(
        r=8, init_lora_weights="orthogonal", target_modules=["0"]
    )).base_model.model[0]  # fmt: skip
    for mine, theirs in ((a, layer.lora_A.default.weight), (b, layer.lora_B.default.weight)):
        assert mine.shape == theirs.shape
        assert float(mine.norm()) == pytest.approx(float(theirs.detach().norm()), rel=0.05)


def test_resume_state_round_trips_exactly_nan_included(tmp_path):
    steps = (StepRecord(1, 0.5, 0.1 + 0.2, 1e-5, float("nan")), StepRecord(2, 1.0, float("inf"), 0.0, 1.0))
    evaluations = (EvaluationRecord(2, 1.0, "validation", 1 / 3),)
    saved = checkpoint.Saved({"values": torch.randn(5)}, steps, evaluations, {"max_rows": 3, "scored": [7]})
    checkpoint.save_state(tmp_path, {"seed": 1}, saved)
    checkpoint.save_state(tmp_path, {"seed": 1}, saved)
    back = checkpoint.load_state(tmp_path, {"seed": 1})
    assert torch.equal(back.tensors["values"], saved.tensors["values"])
    assert repr(back.steps) == repr(steps)
    assert (back.evaluations, back.facts) == (evaluations, saved.facts)
    assert checkpoint.load_state(tmp_path, {"seed": 2}) is None
    checkpoint.clear_state(tmp_path)
    assert checkpoint.load_state(tmp_path, {"seed": 1}) is None


def test_a_kill_between_the_renames_leaves_a_state_that_is_read(tmp_path):
    saved = checkpoint.Saved({"values": torch.zeros(2)}, (), (), {})
    checkpoint.save_state(tmp_path, {}, saved)
    (tmp_path / "resume").rename(tmp_path / ".resume.old")
    assert checkpoint.load_state(tmp_path, {}) is not None


def test_target_modules_mean_what_they_mean_in_peft():
    def chosen(wanted):
        return [shape.name for shape in targets.chosen_shapes(SHAPES, "llama", wanted)]

    assert chosen("all-linear") == ["a.q_proj", "a.k_proj", "a.o_proj"]
    assert chosen(None) == ["a.q_proj"]  # q_proj and v_proj are PEFT's default for llama
    assert chosen(("o_proj", "k_proj")) == ["a.k_proj", "a.o_proj"]
    assert chosen(r".*\.[qo]_proj") == ["a.q_proj", "a.o_proj"]
    with pytest.raises(ModelError, match=r"matches no linear module.*k_proj, o_proj, q_proj"):
        chosen(("fc1",))
    with pytest.raises(ModelError, match="PEFT has no default for model type 'phi3'"):
        targets.chosen_shapes(SHAPES, "phi3", None)


def test_what_cannot_be_packed_is_said_from_the_configuration_alone():
    assert unsupported_config(LlamaConfig()) is None
    assert "attention_dropout 0.1" in unsupported_config(LlamaConfig(attention_dropout=0.1))
    dynamic = LlamaConfig(rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4})
    assert "dynamic" in unsupported_config(dynamic)
