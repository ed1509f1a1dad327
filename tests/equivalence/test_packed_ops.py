"""The Triton form of what lies between the base multiplies equals the torch form.

Triton's interpreter runs the kernels on the CPU (TRITON_INTERPRET, set before triton is imported), so small shapes.
"""

from __future__ import annotations

import copy
import os
import random

import pytest
import torch

os.environ.setdefault("TRITON_INTERPRET", "1")
pytest.importorskip("triton")

from packed_runs import gradients_of, losses, train_cohort, trainee
from tiny_models import examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.engines.packed.model.attention import attend
from tunebook.engines.packed.model.bank import Adapter, ModuleShape, new_adapter
from tunebook.engines.packed.model.batches import Node, Part, Tree, lay_out
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.ops import GroupCall, TorchOps
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.triton_ops import MASK_BLOCK, TritonOps, attend_tree, mask_arrays, until
from tunebook.engines.packed.training.losses import Labels
from tunebook.engines.packed.training.optim import TrialOptimizer
from tunebook.engines.packed.training.steps import micro_batches

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
CPU = torch.device("cpu")
TORCH, TRITON = TorchOps(CPU), TritonOps(CPU)


def group(widths, n_in=24):
    return [ModuleShape(f"l.{name}", n_in, width, "l.q") for name, width in zip("qkv", widths, strict=False)]


def adapters_of(shapes, ranks, dropouts):
    made = []
    for index, (rank, dropout) in enumerate(zip(ranks, dropouts, strict=True)):
        own = shapes if index != 1 else shapes[:1]  # one of them has a part of the modules alone
        adapter = Adapter(own, rank, scaling=1.5 + index, dropout=dropout, seed=index)
        adapter.values.normal_(std=0.3, generator=torch.Generator().manual_seed(index))
        adapter.want_grads()
        made.append(adapter)
    return made


def batch_of(adapters, lengths):
    parts = [
        Part(adapter, Tree((Node(tuple(range(n)), key=index),)), step_key=77 + index)
        for index, (adapter, n) in enumerate(zip(adapters, lengths, strict=True))
    ]
    return lay_out(parts, RowSizes(16))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("ranks", "dropouts", "lengths", "widths"),
    [
        ((8,), (0.0,), (5,), (40,)),
        ((1, 64, 7), (0.1, 0.0, 0.99), (33, 1, 40), (70, 20, 20)),
        ((16, 4), (0.25, 0.1), (32, 3), (64, 65)),
    ],
    ids=["one", "three of unequal ranks", "two"],
)
def test_updates_and_their_gradients_equal_the_torch_form(ranks, dropouts, lengths, widths, dtype):
    shapes = group(widths, n_in=27)  # neither a multiple of a block nor of four
    found = []
    for ops in (TORCH, TRITON):
        adapters = adapters_of(shapes, ranks, dropouts)
        batch = batch_of([None, *adapters], [2, *lengths])
        call = GroupCall(batch, shapes, Masks())
        generator = torch.Generator().manual_seed(3)
        n = len(batch.input_ids)
        x = torch.randn(n, 27, generator=generator).to(dtype)
        outputs = [torch.randn(n, width, generator=generator).to(dtype) for width in widths]
        grads = [torch.randn(n, width, generator=generator).to(dtype) for width in widths]
        grad_x = torch.randn(n, 27, generator=generator).to(dtype)
        kept = ops.add_updates(call, x, outputs)
        ops.backward_updates(call, x, grads, kept, grad_x)
        found.append(([*outputs, grad_x], [adapter.grads for adapter in adapters]))
    coarse = 1e-4 if dtype == torch.float32 else 0.05
    for mine, theirs in zip(found[1][0], found[0][0], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=coarse, atol=coarse)
    for mine, theirs in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-3)


def test_dropout_masks_are_the_same_bits():
    """With inputs of powers of two, whatever is kept shows in a sum of a row."""
    (shape,) = group((8,), n_in=20)
    adapter = Adapter([shape], 16, 1.0, dropout=0.3, seed=1)
    adapter.a(shape.name)[:, :] = 0
    x = torch.zeros(16, 20)
    for feature in range(16):
        adapter.a(shape.name)[feature, feature] = 1.0
    x[:, :16] = 1.0
    batch = batch_of([adapter], [16])
    call = GroupCall(batch, [shape], Masks())
    thin = TRITON.add_updates(call, x, [torch.zeros(16, 8)])
    mask = Masks().of(batch.runs[0], [shape])
    assert torch.equal(thin[0] != 0, mask.kept[shape.name][:, :16])
    assert 0 < int((thin[0] != 0).sum()) < 256


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_norms_and_gates_equal_the_torch_form(dtype):
    generator = torch.Generator().manual_seed(0)
    x, grad, up = (torch.randn(5, 20, generator=generator).to(dtype) for _ in range(3))
    close = {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 0.02, "atol": 0.02}
    for scale in (torch.rand(20, generator=generator).to(dtype), torch.rand(20, generator=generator)):
        ours, theirs = TRITON.rms_norm(x, scale, 1e-6), TORCH.rms_norm(x, scale, 1e-6)
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, **close)
        back = [ops.rms_norm_backward(grad, x, scale, theirs[1]) for ops in (TRITON, TORCH)]
        torch.testing.assert_close(*back, **close)
    torch.testing.assert_close(TRITON.silu_gate(x, up), TORCH.silu_gate(x, up), **close)
    pairs = zip(TRITON.silu_gate_backward(grad, x, up), TORCH.silu_gate_backward(grad, x, up), strict=True)
    for mine, other in pairs:
        torch.testing.assert_close(mine, other, **close)


@pytest.mark.parametrize("softcap", [None, 2.0], ids=["plain", "capped"])
@pytest.mark.parametrize("window", [None, 4], ids=["whole", "window"])
def test_flex_attention_over_the_tree_equals_the_blocks(window, softcap):
    trees = [micro_batches(list(enumerate(examples(5, seed=seed))), 10**6)[0].tree for seed in (0, 1)]
    batch = lay_out([Part(None, tree) for tree in trees], RowSizes(16))
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(h, len(batch.input_ids), 16, generator=generator, dtype=torch.float64) for h in (4, 2, 2))
    ours = attend_tree(batch, q, k, v, 0.25, window, softcap)
    theirs = attend(batch, q, k, v, 0.25, window, softcap)
    torch.testing.assert_close(ours[: batch.n_rows], theirs[: batch.n_rows], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", ["llama", "mistral_window", "gemma2", "phi3_window"])
def test_the_whole_model_gives_the_same_loss_and_gradient(family):
    """One family has a second micro-batch, whose gradient is added to the first's, and one has a second layer:
    in gemma2 its attention has no window."""
    attention, layers = ("eager", 2) if family == "gemma2" else ("sdpa", 1)
    base = tiny_model(family, attention=attention, layers=layers)
    seeds = (0, 1) if family == "llama" else (0,)
    micros = [micro_batches(list(enumerate(examples(2, seed=seed))), 10**6)[0] for seed in seeds]
    found = []
    for ops in (TORCH, TRITON):
        packed = PackedModel(copy.deepcopy(base), ops)
        adapter = new_adapter(packed.all_shapes, Configuration(lora_r=4, lora_alpha=8, lora_dropout=0.2), 0)
        for shape in packed.all_shapes:
            adapter.b(shape.name).normal_(std=0.2, generator=torch.Generator().manual_seed(1))
        adapter.want_grads()
        nats = [gradients_of(packed, adapter, micro, training=True) for micro in micros]
        found.append((nats, adapter.grads))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    largest = float(found[0][1].abs().max())
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-3, atol=1e-5 * largest)


def test_reading_and_several_adapters_give_what_each_gives_alone():
    packed = PackedModel(tiny_model(layers=1), TRITON)
    (micro,) = micro_batches(list(enumerate(examples(2))), 10**6)
    adapters = []
    for seed in range(2):
        adapter = new_adapter(packed.all_shapes, Configuration(lora_r=2 + seed, lora_alpha=8), seed)
        for shape in packed.all_shapes:
            adapter.b(shape.name).normal_(std=0.2, generator=torch.Generator().manual_seed(seed))
        adapters.append(adapter)
    rows = sorted(set(micro.label_rows))
    with torch.no_grad():
        together = packed.forward(packed.lay_out([Part(adapter, micro.tree) for adapter in adapters], [rows] * 2))
        for index, adapter in enumerate(adapters):
            alone = packed.forward(packed.lay_out([Part(adapter, micro.tree)], [rows]))
            mine = together[index * len(rows) : (index + 1) * len(rows)]
            torch.testing.assert_close(mine, alone[: len(rows)], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ratio", [1.0, 16.0], ids=["plain", "LoRA+"])
def test_joint_updates_equal_each_trials_own_optimizer(ratio):
    """Trials of unequal size, rate, decay and step; one whose gradient is not finite stays as it is."""
    shapes = group((40, 30))
    found = []
    for joint in (False, True):
        optimizers = []
        for index in range(3):
            c = Configuration(
                learning_rate=10.0**-index, weight_decay=0.1 * index, lora_r=3 + index, lora_plus_lr_ratio=ratio,
                max_grad_norm=1.0 + index,
            )  # fmt: skip
            adapter = new_adapter(shapes, c, index)
            adapter.want_grads()
            optimizers.append((TrialOptimizer(adapter, c, 10), adapter))
        norms = []
        for step in range(3):
            generator = torch.Generator().manual_seed(step)
            for index, (_, adapter) in enumerate(optimizers):
                adapter.grads.normal_(std=0.01 if index else 3.0, generator=generator)
                if index == 2 and step == 2:
                    adapter.grads[5] = float("nan")
            if joint:
                vectors = [optimizer.vectors() for optimizer, _ in optimizers]
                norms = TRITON.norms(vectors)
                TRITON.adamw(vectors, [optimizer.facts(step)[1] for optimizer, _ in optimizers], norms)
                norms = norms.tolist()[:3]
            else:
                norms = [optimizer.step(step)[1] for optimizer, _ in optimizers]
        found.append((norms, [adapter.values for _, adapter in optimizers], [o.state() for o, _ in optimizers]))
    assert found[1][0][:2] == pytest.approx(found[0][0][:2], rel=1e-5)
    assert not torch.isfinite(torch.tensor(found[1][0][2]))
    for mine, theirs in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
    for mine, theirs in zip(found[1][2][:2], found[0][2], strict=False):  # the third has broken
        assert mine.keys() == theirs.keys()
        assert float(mine["step"]) == float(theirs["step"])


def test_training_equals_the_torch_form():
    c = Configuration(
        learning_rate=5e-3, lora_alpha=8, lora_dropout=0.1, num_train_epochs=1, per_device_train_batch_size=1,
        target_modules="all-linear",
    )  # fmt: skip
    runs = []
    for ops in (TORCH, TRITON):
        packed = PackedModel(tiny_model(layers=1), ops)
        trials = [trainee(packed, c.with_values(lora_r=rank), examples(2), rank) for rank in (2, 5)]
        train_cohort(packed, trials)
        runs.append([losses(one) for one in trials])
    for mine, theirs in zip(*runs, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("window", [None, 40, 300], ids=["whole", "window 40", "window 300"])
def test_the_mask_that_is_made_on_the_host_is_that_of_flex_attention(window):
    """Several trees with long and short nodes, so that blocks are seen in whole, in part and not at all."""
    source = random.Random(3)
    trees = []
    for _ in range(3):
        nodes = [Node(tuple(range(300)), key=-1)]
        for index in range(6):
            nodes.append(Node(tuple(range(source.randrange(1, 180))), 0, 300, index))
        trees.append(Tree((*nodes, Node(tuple(range(90)), len(nodes) - 1, nodes[-1].start + len(nodes[-1].tokens)))))
    batch = lay_out([Part(None, tree) for tree in trees], RowSizes(few=True))
    size = batch.layout.size
    last, positions = torch.from_numpy(until(batch.layout)), batch.position_ids
    q, k = torch.arange(size)[:, None], torch.arange(size)[None]
    seen = (k <= q) & (q < last[k]) & (positions[q] - positions[k] < (window or size))
    blocks = -(-size // MASK_BLOCK)
    padded = torch.zeros(blocks * MASK_BLOCK, blocks * MASK_BLOCK, dtype=torch.bool)
    padded[:size, :size] = seen
    inside = torch.zeros_like(padded)
    inside[:size, :size] = True
    by_block = [t.view(blocks, MASK_BLOCK, blocks, MASK_BLOCK).transpose(1, 2).flatten(2) for t in (padded, inside)]
    some, whole = by_block[0].any(2), (by_block[0] | ~by_block[1]).all(2)
    assert window == 40 or int(whole.sum()) > 0
    assert int(whole.sum()) < int(some.sum()) < blocks * blocks
    _, kv, kv_at, full, full_at, q_n, q_at, full_q, full_q_at = map(torch.from_numpy, mask_arrays(batch.layout, window))
    partly, wholly = dense(kv, kv_at), dense(full, full_at)
    assert not (partly & wholly).any()
    assert not (wholly & ~whole).any(), "what is taken to be seen whole is"
    assert not (some & ~(partly | wholly)).any(), "nothing that is seen is left out"
    if window is None:
        assert torch.equal(wholly, whole)
        assert torch.equal(partly, some & ~whole)
    assert torch.equal(dense(q_n, q_at), partly.T)
    assert torch.equal(dense(full_q, full_q_at), wholly.T)


def dense(numbers, indices):
    out = torch.zeros(indices.shape[2:], dtype=torch.bool)
    for row, n in enumerate(numbers[0, 0].tolist()):
        out[row, indices[0, 0, row, :n].long()] = True
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_the_loss_of_labels_equals_the_torch_form(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(9, 2500, generator=generator)).to(dtype)
    rows = (0, 0, 2, 3, 3, 3, 6)  # several labels of a row, none, and the same label twice
    labels = Labels(rows, (5, 2499, 0, 7, 7, 2048, 11), counts=(3, 4), n_items=(5, 30))
    tables = labels.tables([torch.from_numpy(array) for array in labels.arrays(9, n_labels=10, n_pieces=4)])
    found = []
    for ops in (TORCH, TRITON):
        nll = torch.zeros(10, dtype=torch.float64)
        grads = [ops.cross_entropy(logits[a:b], a, tables, nll) for a, b in ((0, 4), (4, 9))]
        found.append((nll, torch.cat(grads)))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-5, atol=1e-5)
    close = {"rtol": 1e-5, "atol": 1e-7} if dtype == torch.float32 else {"rtol": 0.01, "atol": 1e-4}
    torch.testing.assert_close(found[1][1], found[0][1], **close)
    assert float(found[1][1][0].abs().max()) > 0
    assert not found[1][1][[1, 4, 5, 7, 8]].any()


def test_an_adapter_that_lies_where_another_lay_is_not_taken_for_it():
    """Torch gives a trial's memory to the next one at once."""
    (shape,) = group((8,), n_in=20)
    first = adapters_of([shape], [16], [0.0])[0]
    second = Adapter([shape], 4, 3.0)
    second.want_grads()
    for name in ("values", "grads"):
        getattr(second, name).set_(getattr(first, name).untyped_storage(), 0, getattr(second, name).shape)
    second._views, second._grad_views = second._view(second.values), second._view(second.grads)
    second.values.normal_()
    x, found = torch.ones(16, 20), []
    TRITON.add_updates(GroupCall(batch_of([first], [16]), [shape], None), x, [torch.zeros(16, 8)])
    for ops in (TORCH, TRITON):
        out = torch.zeros(16, 8)
        ops.add_updates(GroupCall(batch_of([second], [16]), [shape], None), x, [out])
        found.append(out)
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
