"""A trial's curve and outcomes as one value: what goes in comes out, and other bytes are refused."""

from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_depth import examples

from tunebook.core.facts import Curve, EvaluationRecord, Outcomes, StepRecord
from tunebook.ledger import blob
from tunebook.ledger.blob import pack, unpack
from tunebook.ledger.digest import result_digest

NUMBERS, STEPS, TEXT = st.floats(), st.integers(0, 2**52), st.text(st.characters())  # half surrogate pairs among them
CURVES = st.builds(
    Curve,
    st.lists(st.builds(StepRecord, STEPS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=4).map(tuple),
    st.lists(st.builds(EvaluationRecord, STEPS, NUMBERS, TEXT, NUMBERS, st.one_of(st.none(), NUMBERS)), max_size=4).map(
        tuple
    ),
)


@st.composite
def outcomes(draw):
    n = draw(st.integers(0, 5))
    numbers = st.lists(NUMBERS, min_size=n, max_size=n).map(lambda values: np.array(values, dtype=np.float64))
    answers = draw(st.one_of(st.just(()), st.lists(TEXT, min_size=n, max_size=n).map(tuple)))
    return Outcomes(draw(numbers), draw(numbers), answers)


RESULTS = st.tuples(CURVES, st.dictionaries(TEXT, outcomes(), max_size=3))


@given(RESULTS)
@settings(deadline=None, max_examples=examples(200))
def test_what_is_packed_comes_back(result):
    curve, by_split = result
    value = pack(curve, by_split)
    again, splits = unpack(value)
    assert result_digest(again, splits) == result_digest(curve, by_split)
    assert list(splits) == list(by_split)
    assert pack(again, splits) == value
    assert all(type(step.step) is int for step in again.steps)


@given(st.one_of(st.binary(), st.binary().map(zlib.compress)))
@settings(deadline=None, max_examples=examples(200))
def test_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(content)


@given(RESULTS, st.data())
@settings(deadline=None, max_examples=examples(100))
def test_a_changed_or_cut_value_never_passes_as_something_else(result, data):
    whole = pack(*result)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    changed = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    try:
        read = unpack(changed)  # zlib checks its own contents
    except ValueError:
        pass
    else:  # deflate writes the same content in more ways than one: a copy of zeros may come from another place
        assert result_digest(*read) == result_digest(*result)
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_a_changed_bit_that_leaves_the_content_alone_is_no_damage():
    curve = Curve((), tuple(EvaluationRecord(step, 0.0, "validation", 0.0, None) for step in range(8)))
    whole = pack(curve, {})
    same = 0
    for at in range(8 * len(whole)):
        changed = whole[: at // 8] + bytes([whole[at // 8] ^ 1 << at % 8]) + whole[at // 8 + 1 :]
        try:
            assert result_digest(*unpack(changed)) == result_digest(curve, {})
            same += 1
        except ValueError:
            continue
    assert 0 < same < len(whole)  # most bits are noticed; padding, and copies of zeros from another place, are not


def test_a_small_value_that_unpacks_to_a_giant_is_refused(monkeypatch):
    monkeypatch.setattr(blob, "MOST_BYTES", 1 << 20)
    bomb = zlib.compress(bytes(1 << 26))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 1048576 bytes"):
        unpack(bomb)
    assert tracemalloc.get_traced_memory()[1] < 1 << 23
    tracemalloc.stop()
