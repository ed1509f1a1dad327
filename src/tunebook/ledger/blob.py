"""A trial's curve and outcomes as one compressed value (decision 049).

A trial of 1,000 examples and 120 steps is 1,120 rows, 81 kB and 50 ms to write; as one value it is 8 kB and under 1 ms.
Programs need these numbers only together, and `scored_splits` keeps what is searched for.

The value is deflated: the length of the head (4 bytes, little-endian), the head (JSON: the kinds of what follows, and
the answers), then float64 numbers, little-endian: the columns of the steps, those of the evaluations, and each split's
scores and losses. Whether it is what was written is for `digest.result_digest` to tell.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunebook.core.facts import Curve, EvaluationRecord, Floats, Outcomes, StepRecord

__all__ = ["MOST_BYTES", "pack", "unpack"]

MOST_BYTES = 1 << 30
"""Largest size of an unpacked value: a ledger may come from a stranger."""
_LEVEL = 1  # losses hardly compress; level 6 takes three times as long for 2 % less
_N_STEP, _N_EVALUATION = 5, 4


def pack(curve: Curve, outcomes: Mapping[str, Outcomes]) -> bytes:
    """The value of a curve and of outcomes by split."""
    steps = [(s.step, s.epoch, s.loss, s.learning_rate, s.gradient_norm) for s in curve.steps]
    evaluations = [(e.step, e.epoch, e.loss, 0.0 if e.accuracy is None else e.accuracy) for e in curve.evaluations]
    head = {
        "steps": len(steps),
        "evaluations": [[e.split, e.accuracy is not None] for e in curve.evaluations],
        "splits": [[split, len(of_split.scores), list(of_split.answers)] for split, of_split in outcomes.items()],
    }
    parts = [_columns(steps, _N_STEP), _columns(evaluations, _N_EVALUATION)]
    parts += [values for of_split in outcomes.values() for values in (of_split.scores, of_split.nll)]
    text = json.dumps(head, separators=(",", ":")).encode()
    numbers = np.concatenate([np.asarray(part, dtype="<f8").ravel() for part in parts])
    return zlib.compress(len(text).to_bytes(4, "little") + text + numbers.tobytes(), _LEVEL)


def unpack(value: bytes) -> tuple[Curve, dict[str, Outcomes]]:
    """The inverse of `pack`.

    Raises: ValueError: this is no such value.
    """
    try:
        head, numbers = _opened(value)
        n_steps, evaluated, splits = int(head["steps"]), head["evaluations"], head["splits"]
        lengths = [n_steps * _N_STEP, len(evaluated) * _N_EVALUATION, *(n for _, n, _ in splits for _ in range(2))]
        if min(lengths) < 0 or sum(lengths) != len(numbers):
            raise ValueError(f"it has {len(numbers)} numbers where {sum(lengths)} are expected")
        parts = np.split(numbers, np.cumsum(lengths)[:-1])
        steps, evaluations = parts[0].reshape(_N_STEP, -1).T, parts[1].reshape(_N_EVALUATION, -1).T
        curve = Curve(
            tuple(StepRecord(int(step), *rest) for step, *rest in steps.tolist()),
            tuple(
                EvaluationRecord(int(step), epoch, split, loss, accuracy if has_accuracy else None)
                for (step, epoch, loss, accuracy), (split, has_accuracy) in zip(
                    evaluations.tolist(), evaluated, strict=True
                )
            ),
        )
        outcomes = {
            split: Outcomes(scores.copy(), nll.copy(), tuple(answers))
            for (split, _, answers), scores, nll in zip(splits, parts[2::2], parts[3::2], strict=True)
        }
    except (zlib.error, KeyError, TypeError, OverflowError, ValueError) as error:
        raise ValueError(f"its curve and outcomes cannot be read ({error})") from error
    return curve, outcomes


def _columns(rows: Sequence[tuple[float, ...]], n: int) -> Floats:
    """Column after column, which compresses better than row after row."""
    return np.array(rows, dtype=np.float64).reshape(-1, n).T


def _opened(value: bytes) -> tuple[dict[str, Any], Floats]:
    reader = zlib.decompressobj()
    content = reader.decompress(value, MOST_BYTES)
    if not reader.eof or reader.unused_data:
        raise ValueError(f"it is cut off, or more than {MOST_BYTES} bytes")
    end = 4 + int.from_bytes(content[:4], "little")
    head = json.loads(content[4:end])
    if not isinstance(head, dict):
        raise ValueError("its head is not an object")
    return head, np.frombuffer(content[end:], dtype="<f8").astype(np.float64)
