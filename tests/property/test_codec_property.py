"""Every value of the core goes through the ledger's text unchanged."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st
from search_depth import examples

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import Cost, Curve, EvaluationRecord, StepRecord, StudyFacts
from tunebook.core.findings import Finding, StudyFindings
from tunebook.core.study import StudySpec, Trial, Wave
from tunebook.ledger.codec import CodecError, decode, encode

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["~float", "~tuple", "~dict"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.sampled_from(["~float", "~dict"])), inner, max_size=3),
    ),
    max_leaves=8,
)


def same(one, other) -> bool:
    """Equality in which NaN equals NaN and 1, 1.0 and True are three things."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=True)
        return len(one) == len(other) and all(same(a, b) for a, b in pairs)
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return one == other


@given(ANYTHING)
@settings(deadline=None, max_examples=examples(300))
def test_untyped_values_come_back_with_their_types(value):
    text = encode(value)
    assert same(decode(object, text), value)
    json.loads(text, parse_constant=lambda word: 1 / 0)  # real JSON: no NaN, no Infinity
    assert text.isascii()


@given(st.one_of(*(st.from_type(cls) for cls in (Configuration, StepRecord, EvaluationRecord, Cost, Curve, Factor))))
@settings(deadline=None, max_examples=examples(200))
def test_small_dataclasses_come_back_exactly(value):
    assert same(decode(type(value), encode(value)), value)


JSON_LIKE = st.dictionaries(st.text(), ANYTHING, max_size=2)


@given(st.data())
@settings(deadline=None, max_examples=examples(150))
def test_large_dataclasses_come_back_exactly(data):
    with_any = {StudyFacts: ("model", "summary", "environment")}
    cls = data.draw(st.sampled_from([StudySpec, Trial, Wave, Finding, StudyFacts]))
    given_fields = {name: JSON_LIKE for name in with_any.get(cls, ())}
    if cls is Wave:
        given_fields["notes"] = st.lists(st.tuples(st.text(), JSON_LIKE), max_size=2).map(tuple)
    value = data.draw(st.builds(cls, **given_fields))
    assert same(decode(cls, encode(value)), value)


@given(st.text())
@example("null")
@settings(deadline=None, max_examples=examples(200))
def test_rubbish_is_refused_as_rubbish(text):
    try:
        decode(StudyFindings, text)
    except CodecError:
        return
    raise AssertionError("rubbish was read as findings")


@given(st.builds(Trial))
@settings(deadline=None, max_examples=examples(50))
def test_equal_values_have_equal_texts(trial):
    assert encode(trial) == encode(decode(Trial, encode(trial)))
