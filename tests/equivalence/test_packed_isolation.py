"""Each adapter is alone: a trial's numbers do not depend, in a single bit, on the trials beside it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_runs import losses, packed_model, train_cohort, trainee
from tiny_models import examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.engines.packed.model.dropout import Masks, step_key

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=1, lora_r=4, lora_alpha=8, lora_dropout=0.2,
    target_modules="all-linear",
)  # fmt: skip
MENU = (
    BASE,
    BASE.with_values(lora_r=1, lora_dropout=0.0),
    BASE.with_values(lora_r=16, per_device_train_batch_size=3, learning_rate=1e-3),
    BASE.with_values(target_modules=("q_proj", "down_proj"), lora_dropout=0.5),
    BASE.with_values(learning_rate=1e9, lora_dropout=0.0),  # blows up
    BASE.with_values(num_train_epochs=2, per_device_train_batch_size=1, max_length=15),
)
DATA = examples(10)


@pytest.fixture(scope="module")
def packed():
    return packed_model(tiny_model())


@pytest.fixture(scope="module")
def alone(packed):
    """Every trial of the menu, trained by itself."""
    results = []
    for seed, configuration in enumerate(MENU):
        one = trainee(packed, configuration, DATA, seed)
        train_cohort(packed, [one])
        results.append(one)
    return results


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from(range(len(MENU))), min_size=1, max_size=6, unique=True), st.integers(20, 400))
def test_a_trial_is_the_same_to_the_last_bit_in_any_cohort(packed, alone, chosen, rows):
    cohort = [trainee(packed, MENU[i], DATA, i) for i in chosen]
    train_cohort(packed, cohort, rows)
    for i, one in zip(chosen, cohort, strict=True):
        assert losses(one) == losses(alone[i]) or i == 4
        assert torch.equal(one.adapter.values.view(torch.int32), alone[i].adapter.values.view(torch.int32))


def test_a_trial_that_is_not_finite_leaves_its_neighbour_untouched(packed, alone):
    broken, sound = trainee(packed, MENU[0], DATA, 0), trainee(packed, MENU[2], DATA, 2)
    broken.adapter.values.fill_(float("nan"))
    train_cohort(packed, [broken, sound])
    assert broken.broke == (1, "non_finite_loss")
    assert broken.n_done == 1
    assert torch.equal(sound.adapter.values, alone[2].adapter.values)


def _masks(packed, one):
    """All masks of a trainee's next step, by module and (node key, position)."""
    found = {}
    for micro in one.micro_batches():
        part, masks = one.part(micro, one.adapter), Masks()
        batch = packed.lay_out([part])
        places = [(n.key, n.start + i) for n in part.tree.nodes for i in range(len(n.tokens))]
        for shape in packed.all_shapes:
            kept = masks.of(batch.runs[0], [shape]).kept[shape.name]
            found.update({(shape.name, *place): row for place, row in zip(places, kept, strict=True)})
    return found


def test_dropout_masks_do_not_depend_on_the_micro_batch(packed):
    whole, cut = trainee(packed, BASE, DATA, 7), trainee(packed, BASE, DATA, 7, max_rows=30)
    assert len(cut.micro_batches()) > 1
    expected, found = _masks(packed, whole), _masks(packed, cut)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[at], expected[at]) for at in expected)


def test_rows_that_are_read_alone_keep_their_masks(packed):
    one = trainee(packed, BASE, DATA, 7)
    (micro,) = one.micro_batches()
    picked = sorted(set(micro.label_rows))
    batch = packed.lay_out([one.part(micro, one.adapter)], [picked])
    masks, shapes = Masks(), packed.all_shapes[-1:]
    whole = masks.of(batch.runs[0], shapes).kept[shapes[0].name]
    read = masks.of(batch.reading.batch.runs[0], shapes).kept[shapes[0].name]
    assert torch.equal(read, whole[picked])


def test_dropout_masks_differ_between_steps_seeds_modules_and_tokens(packed):
    half = BASE.with_values(lora_dropout=0.5)  # equal masks by chance: less than once in 10,000 such tests
    one, other = trainee(packed, half, DATA, 7), trainee(packed, half, DATA, 8)
    first = _masks(packed, one)
    rows = {tuple(row.tolist()) for row in first.values() if len(row) == 32}
    assert len(rows) == sum(len(row) == 32 for row in first.values())
    assert not any(torch.equal(row, first[at]) for at, row in _masks(packed, other).items() if at in first)
    assert step_key(7, 0) != step_key(7, 1)


def test_dropout_drops_the_share_it_was_asked_for_and_no_pair_of_features_together(packed):
    rows = torch.stack([row for row in _masks(packed, trainee(packed, BASE, DATA, 3)).values() if len(row) == 32])
    share = 1 - rows.float().mean()
    deviation = (0.2 * 0.8 / rows.numel()) ** 0.5
    assert abs(float(share) - 0.2) < 4 * deviation
    correlation = torch.corrcoef(rows.T.float()) - torch.eye(32)
    assert float(correlation.abs().max()) < 5 / len(rows) ** 0.5
