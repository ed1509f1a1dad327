"""The number of test examples from the granularity of accuracies."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.audit.judge.counts import correct_of, infer_examples, settle_examples
from tunebook.audit.model import Score


def printed(counts: list[int], n: int, places: int = 4) -> list[Score]:
    return [Score(round(k / n, places), 10.0**-places) for k in counts]


@pytest.mark.parametrize("n", [97, 358, 1000, 1319])
def test_the_number_is_found_from_many_accuracies(n: int) -> None:
    counts = [
        int(n * share) for share in (0.21, 0.234, 0.257, 0.278, 0.29, 0.301, 0.317, 0.333, 0.35, 0.371, 0.4, 0.43)
    ]
    counts[0] += 1 - counts[0] % 2  # one odd count, so that no half of n fits
    found = infer_examples(printed(counts, n))
    assert n % found.smallest == 0
    assert found.how == "inferred"
    assert [correct_of(a, n) for a in printed(counts, n)] == counts


def test_two_decimals_say_nothing_about_the_number() -> None:
    found = infer_examples(printed([62, 65, 71, 58], 200, places=2))
    assert found.n is None
    assert found.how == "unknown"
    assert found.smallest <= 100


def test_believed_numbers_are_seldom_wrong_when_there_is_none() -> None:
    """Accuracies that are no fractions of a common number: belief must come at most as often as CHANCE_LIMIT says."""
    rng = np.random.default_rng(20240501)
    believed = 0
    for _ in range(400):
        values = np.round(rng.uniform(0.2, 0.8, size=6), 4)
        believed += infer_examples([Score(float(v), 1e-4) for v in values]).n is not None
    assert believed <= 12  # expected at most 4 of 400; P(more than 12) < 0.001


def test_zero_and_one_say_nothing() -> None:
    assert infer_examples([Score(0.0, 1e-4), Score(1.0, 1e-4)]).how == "unknown"


def test_multiples_are_listed_with_the_chance_of_a_common_factor() -> None:
    found = infer_examples(printed([107, 100, 103, 97, 105, 101, 111], 358))
    assert found.smallest == 358
    assert found.alternatives[:2] == (716, 1074)
    assert found.common_factor_chance == pytest.approx(0.5**7)


def test_fractions_give_the_number_at_once() -> None:
    found = settle_examples([Score(0.5, 0.0, 60, 120), Score(0.25, 0.0, 30, 120)], None, ())
    assert (found.n, found.how) == (120, "fractions")


def test_a_given_number_wins_and_what_does_not_fit_is_named() -> None:
    found = settle_examples([*printed([107, 112], 358), Score(0.3333, 1e-4)], 358, ())
    assert (found.n, found.how, found.misfits) == (358, "given", (2,))


def test_a_stated_number_is_used_when_it_fits_and_reported_when_it_does_not() -> None:
    accuracies = printed([107, 100, 103, 97, 105, 101, 111], 358)
    assert settle_examples(accuracies, None, (716,)).how == "stated"
    contradicted = settle_examples(accuracies, None, (400,))
    assert (contradicted.n, contradicted.how, contradicted.stated_misfit) == (358, "inferred", 400)
