"""Steps as micro-batches: prompt trees, label rows, cuts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.ports import TokenizedExample, trained_examples
from tunebook.engines.packed.training.steps import micro_batches

EXAMPLE = st.builds(
    TokenizedExample,
    prompt_ids=st.lists(st.integers(1, 3), min_size=1, max_size=14).map(tuple),
    completion_ids=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
)


def paths(micro):
    """The whole token path of every row, by row, read back from the tree."""
    found, ends = [], []
    for node in micro.tree.nodes:
        before = ends[node.parent] if node.parent >= 0 else ()
        assert node.start == len(before)
        for i in range(len(node.tokens)):
            found.append(before + node.tokens[: i + 1])
        ends.append(before + node.tokens)
    return found


def predictions(micro):
    """(context, next token) of every label."""
    rows = paths(micro)
    return [(rows[row], label) for row, label in zip(micro.label_rows, micro.labels, strict=True)]


@settings(deadline=None, max_examples=200)
@given(st.lists(EXAMPLE, min_size=1, max_size=9), st.integers(1, 60), st.booleans())
def test_every_label_is_predicted_once_from_its_own_context(examples, max_rows, share):
    wanted = sorted(
        (e.prompt_ids + e.completion_ids[:i], label) for e in examples for i, label in enumerate(e.completion_ids)
    )
    batches = micro_batches(list(enumerate(examples)), max_rows, share)
    assert sorted(p for micro in batches for p in predictions(micro)) == wanted
    assert sum(micro.n_examples for micro in batches) == len(examples)
    assert sum(micro.raw_tokens for micro in batches) == sum(e.n_tokens for e in examples)


@settings(deadline=None, max_examples=100)
@given(st.lists(EXAMPLE, min_size=1, max_size=9), st.integers(1, 60))
def test_sharing_never_computes_more_and_a_cut_keeps_every_node_key(examples, max_rows):
    indexed = list(enumerate(examples))
    (shared,), (strict,) = micro_batches(indexed, 10**6), micro_batches(indexed, 10**6, share=False)
    assert shared.tree.n_tokens <= strict.tree.n_tokens
    whole = {(n.key, n.start, n.tokens) for n in shared.tree.nodes}
    cut = {(n.key, n.start, n.tokens) for micro in micro_batches(indexed, max_rows) for n in micro.tree.nodes}
    assert cut == whole


@settings(deadline=None, max_examples=100)
@given(st.lists(EXAMPLE, min_size=1, max_size=9), st.integers(1, 60))
def test_a_micro_batch_is_too_long_only_with_one_example(examples, max_rows):
    for micro in micro_batches(list(enumerate(examples)), max_rows):
        assert micro.tree.n_tokens <= max_rows or micro.n_examples == 1


def test_two_kinds_of_prompt_share_two_beginnings():
    a, b = (1,) * 6, (2,) * 8
    examples = [TokenizedExample((*start, own), (9, 10)) for start in (a, b) for own in (5, 6, 7)]
    (micro,) = micro_batches(list(enumerate(examples)), 10**6)
    roots = [node for node in micro.tree.nodes if node.parent < 0]
    assert {root.tokens for root in roots} == {a, b}
    assert micro.tree.n_tokens == 6 + 8 + 6 * 2  # the last token of an example predicts nothing


def test_what_goes_on_alike_shares_more():
    start, more = (1,) * 5, (2,) * 4
    prompts = [(*start, 3), (*start, *more, 4), (*start, *more, 5), (*start, 7, 6)]
    examples = [TokenizedExample(prompt, (9,)) for prompt in prompts]
    (micro,) = micro_batches(list(enumerate(examples)), 10**6)
    inner = next(node for node in micro.tree.nodes if node.tokens == more)
    assert (inner.parent, inner.start, inner.key < 0) == (0, 5, True)
    assert sum(node.parent == micro.tree.nodes.index(inner) for node in micro.tree.nodes) == 2
    assert micro.tree.n_tokens == 5 + 4 + 1 + 1 + 1 + 2


def test_thousands_of_prompts_that_go_on_in_one_another_are_no_trouble():
    examples = [TokenizedExample((1,) * (4 * n), (9,)) for n in range(1, 1001)]
    (micro,) = micro_batches(list(enumerate(examples)), 10**6)
    assert micro.tree.n_tokens == 4 * 1000


def test_examples_with_one_and_the_same_prompt_predict_from_its_last_row():
    examples = [TokenizedExample((1, 2, 3, 4), (answer,)) for answer in (5, 6)]
    (micro,) = micro_batches(list(enumerate(examples)), 10**6)
    assert micro.tree.n_tokens == 4
    assert micro.label_rows == (3, 3)
    assert sorted(micro.labels) == [5, 6]


def test_truncation_keeps_the_first_tokens_and_drops_examples_without_a_label():
    examples = [TokenizedExample((1, 2), (3, 4, 5)), TokenizedExample((1, 2, 3, 4), (5,)), TokenizedExample((1,), ())]
    assert trained_examples(examples, 4) == ((0, TokenizedExample((1, 2), (3, 4))),)
    assert [index for index, _ in trained_examples(examples, 100)] == [0, 1]
