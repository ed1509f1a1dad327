"""Whatever an external trainer leaves, its predictions are read exactly or refused with a sentence."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from search_depth import examples

from tunebook.core.ports import ChatExample, Scoring, Workload
from tunebook.engines.command_files import Problem, read_scores, read_steps

N = 3
WORKLOAD = Workload((), {}, Scoring(), chats={"validation": (ChatExample("p", "g", (("user", "p"),)),) * N})
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, N + 1), st.just(10**400), st.floats(), st.text(max_size=5)
)
OBJECTS = st.fixed_dictionaries({}, optional={key: SCALARS for key in ("index", "answer", "nll", "step", "loss")})
LINES = st.one_of(OBJECTS.map(json.dumps), SCALARS.map(json.dumps), st.text(max_size=20))


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(LINES, max_size=5).map(lambda lines: "\n".join(lines).encode("utf-8", "replace")),
    )
)
@settings(deadline=None, max_examples=examples(300))
def test_rubbish_is_refused_with_a_sentence(contents):
    with tempfile.TemporaryDirectory() as folder:
        for name, read in (
            ("predictions.jsonl", lambda p: read_scores(p, "validation", WORKLOAD)),
            ("steps.jsonl", read_steps),
        ):
            (Path(folder) / name).write_bytes(contents)
            try:
                found = read(Path(folder))
            except Problem as problem:
                said = str(problem)
            else:
                said = "read"
                assert name == "steps.jsonl" or len(found.texts) == N
            assert said


@given(
    st.permutations(range(N)),
    st.lists(st.text(), min_size=N, max_size=N),
    st.lists(st.floats(min_value=0) | st.just(math.nan), min_size=N, max_size=N),
)
@settings(deadline=None, max_examples=examples(100))
def test_good_predictions_come_back_in_the_order_of_the_examples(order, answers, nll):
    with tempfile.TemporaryDirectory() as folder:
        lines = [json.dumps({"index": i, "answer": answers[i], "nll": nll[i]}) for i in order]
        (Path(folder) / "predictions.jsonl").write_text("\n".join(lines), encoding="utf-8")
        found = read_scores(Path(folder), "validation", WORKLOAD)
    assert list(found.texts) == answers
    assert [repr(float(value)) for value in found.nll] == [repr(value) for value in nll]
