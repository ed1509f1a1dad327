"""How examples are laid out for scoring: what is shared, what is new, which likelihoods are read."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.packed.scoring.scoring_groups import groups_of, paths_of, shared_prompt

TEN = tuple(range(10))


def example(prompt, completion=(7, 2)):
    return TokenizedExample(tuple(prompt), tuple(completion))


def test_shared_prompt_is_the_longest_common_beginning():
    assert shared_prompt([example((*TEN, 5, 6)), example((*TEN, 5, 8, 9)), example((*TEN, 5, 7))]) == (*TEN, 5)


def test_shared_prompt_leaves_every_example_a_token_of_its_own():
    assert shared_prompt([example(TEN), example((*TEN, 5))]) == TEN[:-1]
    assert shared_prompt([example(TEN), example(TEN)]) == TEN[:-1]


def test_few_common_tokens_or_one_example_share_nothing():
    assert shared_prompt([example((1, 2, 3, 4)), example((1, 2, 3, 5))]) == ()
    assert shared_prompt([example(TEN)]) == ()
    assert shared_prompt([]) == ()


def test_path_runs_the_prompt_tail_and_the_completion_without_its_last_token():
    (path,) = paths_of([example((1, 2, 3), (7, 8, 2))], None, n_shared=1)
    assert path.tokens == (2, 3, 7, 8)
    assert [(want.row, want.token) for want in path.wanted] == [(1, 7), (2, 8), (3, 2)]


def test_options_of_a_choice_share_what_they_begin_with():
    scoring = Scoring("choice", choices=((5, 6, 2), (5, 7, 2), (5, 2)))
    (path,) = paths_of([example((1, 2), (5, 7, 2))], scoring, n_shared=0)
    assert path.tokens == (1, 2, 5, 6, 7)
    assert path.parents == (-1, 0, 1, 2, 2)
    by_option = [[(want.row, want.token) for want in path.wanted if want.continuation == k] for k in range(4)]
    assert by_option == [[(1, 5), (2, 6), (3, 2)], [(1, 5), (2, 7), (4, 2)], [(1, 5), (2, 2)],
                         [(1, 5), (2, 7), (4, 2)]]  # fmt: skip


def test_neighbours_compute_common_tails_once():
    paths = paths_of([example((3, 4, 5, 6)), example((3, 4, 5, 9)), example((3, 8))], None, n_shared=0)
    (group,) = groups_of(paths, 0, max_rows=100)
    assert group.n_rows == (4 + 1) + (1 + 1) + (1 + 1)


tokens = st.lists(st.integers(3, 6), min_size=1, max_size=6).map(tuple)
data = st.lists(st.builds(TokenizedExample, tokens, tokens), min_size=1, max_size=12)
choices = st.lists(tokens, min_size=1, max_size=4).map(tuple)


@settings(deadline=None, max_examples=60)
@given(data=data, choices=choices, max_rows=st.integers(1, 40), n_shared=st.sampled_from([0, 3]))
def test_every_row_has_the_tokens_and_sees_the_rows_of_its_own_sequence(data, choices, max_rows, n_shared):
    """Follows the masks back: what a wanted row sees is exactly its example's prompt and the continuation so far."""
    scoring = Scoring("choice", choices=choices)
    groups = groups_of(paths_of(data, scoring, 0), n_shared, max_rows)
    found = {}
    for group in groups:
        seen = rows_seen(group)
        for k, continuation, label, token in group.wanted:
            row = int(group.label_rows[label])
            in_order = sorted(seen[row], key=lambda r: group.positions[r])
            assert [group.positions[r] - n_shared for r in in_order] == list(range(len(in_order)))
            text = (*(group.tokens[r] for r in in_order), token)
            found.setdefault((group.paths[k].example, continuation), []).append(text)
    for index, one in enumerate(data):
        for number, continuation in enumerate((*choices, one.completion_ids)):
            expected = [one.prompt_ids + continuation[: n + 1] for n in range(len(continuation))]
            assert found.pop((index, number)) == expected
    assert not found


def rows_seen(group):
    """For every row of a group the rows that it attends to, found through blocks and gather index."""
    seen_in_output = []
    for block in group.blocks:
        length = block.query_rows.shape[1]
        hidden = block.hidden(slice(0, length), None)
        by_one = [block.hidden(slice(i, i + 1), None) for i in range(length)]
        assert torch.equal(torch.cat(by_one, dim=1), hidden)
        for b in range(block.query_rows.shape[0]):
            for i in range(block.query_rows.shape[1]):
                visible = block.key_rows[b][~hidden[b, i]].tolist()
                seen_in_output.append((int(block.query_rows[b, i]), visible))
    found = {}
    for row, place in enumerate(group.gather.tolist()):
        query_row, visible = seen_in_output[place]
        assert query_row == row
        found[row] = visible
    return found


@settings(deadline=None, max_examples=40)
@given(data=data, max_rows=st.integers(1, 40))
def test_groups_hold_every_example_once_and_stay_within_their_rows(data, max_rows):
    groups = groups_of(paths_of(data, None, 0), 0, max_rows)
    assert sorted(path.example for group in groups for path in group.paths) == list(range(len(data)))
    assert all(group.n_rows <= max_rows or len(group.paths) == 1 for group in groups)
