"""What the data is, in numbers: for `plan`, the record and the planner."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.core.metric import compared
from tunebook.core.study import StudySpec
from tunebook.data.encoded import EncodedSplit
from tunebook.data.examples import DataExample
from tunebook.data.labels import labels_of
from tunebook.data.splits import Splits
from tunebook.data.template import Encoder

__all__ = ["commonest_share", "length_levels", "summarise"]


def commonest_share(examples: Sequence[DataExample]) -> float:
    """Share of the commonest answer, compared as exact_match compares; in [0, 1], 0 without examples."""
    counts = Counter(compared(example.completion) for example in examples)
    return counts.most_common(1)[0][1] / len(examples) if examples else 0.0


def length_levels(spec: StudySpec) -> tuple[int, ...]:
    """Every max_length that the study may use, ascending."""
    factor = spec.space.get("max_length")
    levels: list[Any] = [spec.baseline.max_length]
    if factor is not None:
        levels += [factor.low, factor.high] if factor.is_range else list(factor.levels)
    return tuple(sorted({int(level) for level in levels if level is not None}))


def summarise(
    spec: StudySpec,
    splits: Splits,
    encoded: Mapping[str, EncodedSplit],
    encoder: Encoder,
) -> dict[str, Any]:
    """JSON facts of the data: where it came from, how many rows, labels, lengths, truncation."""
    source = splits.sources["train"]
    return {
        "format": source.format,
        "container": source.container,
        "keys": list(source.keys),
        "unused": list(source.unused),
        "template": encoder.format,
        "system": spec.data.system or None,
        "tools": encoder.tools_place if any(e.tools for e in splits.train) else None,
        "validation_from": splits.validation_from,
        "rows": {
            "train": {"read": len(source.examples), "used": len(splits.train)},
            "validation": {"used": len(splits.validation)},
            "test": {"used": len(splits.test)},
        },
        "labels": {name: labels_of(examples) for name, examples in splits.used.items() if examples},
        "groups": dict(Counter(e.group for e in splits.validation).most_common()) if spec.data.group else None,
        "tokens": {name: _lengths(split) for name, split in encoded.items() if len(split)},
        "by_max_length": {str(level): encoded["train"].truncation(level) for level in length_levels(spec)},
    }


def _lengths(split: EncodedSplit) -> dict[str, float]:
    totals, answers = split.n_tokens.tolist(), split.answer_tokens.tolist()
    return {
        "mean": statistics.fmean(totals),
        "median": statistics.median(totals),
        "max": max(totals),
        "shortest_prompt": int(split.prompt_tokens.min()),
        "answer_mean": statistics.fmean(answers),
        "answer_max": max(answers),
    }
