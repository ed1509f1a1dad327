"""Records in which nothing matters: hardly any may have a difference that is said to hold."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.audit.judge import audit
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.read import read_record

RATES, RANKS = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3), (8, 16, 32)
N_RECORDS = 40


def null_record(rng: np.random.Generator, n: int, seed_deviation: float) -> bytes:
    """Fifteen trials of equal accuracy on the same examples, each with a seed effect that moves all examples."""
    lines = ["trial,lr,r,alpha,accuracy"]
    for i, (rate, rank) in enumerate((rate, rank) for rate in RATES for rank in RANKS):
        share = 0.3 + rng.normal(0, seed_deviation)
        lines.append(f"exp{i + 1},{rate},{rank},{4 * rank},{rng.binomial(n, share) / n:.4f}")
    return "\n".join(lines).encode()


@pytest.mark.parametrize("seed_deviation", [0.0, 0.02])
def test_records_without_an_effect_have_hardly_any_claim_that_holds(seed_deviation: float) -> None:
    """Expected share of records below 5 %; more than 6 of 40 would come up with probability 0.003 at exactly 5 %."""
    rng = np.random.default_rng(20240607)
    false = 0
    for _ in range(N_RECORDS):
        report = audit(read_record(null_record(rng, 358, seed_deviation), "null.csv"), 358)
        judged = [v.comparison for v in report.trials if v.comparison] + [e.widest for e in report.effects if e.widest]
        false += any(c.verdict is SupportVerdict.HOLDS for c in judged)
    assert false <= 6


def test_a_large_effect_holds() -> None:
    rows = "\n".join(f"exp{i},{rate},{k}/400" for i, (rate, k) in enumerate([(1e-4, 120), (1e-3, 300)], 1))
    report = audit(read_record(f"trial,lr,accuracy\n{rows}\n".encode(), "x.csv"))
    assert report.best_claim.verdict is SupportVerdict.HOLDS
