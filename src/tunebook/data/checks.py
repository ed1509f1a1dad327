"""What can be wrong with data that reads well: repeats, leaks, one label, unseen labels, rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunebook.core.ports import TokenizedExample
from tunebook.core.study import DataSpec
from tunebook.data.examples import DataExample, DataWarning, LoadedRows, quoted
from tunebook.data.split import repeats_across, repeats_within
from tunebook.data.summary import labels_of, truncation
from tunebook.errors import DataError

__all__ = ["check_golds_are_choices", "check_lengths", "check_splits"]

FEW_VALIDATION_ROWS = 50
"""Below this a difference of 20 points can hardly be told from chance."""
LISTED = 5

Place = Callable[[str, DataExample], str]
Pairs = Sequence[tuple[DataExample, DataExample]]


def check_splits(
    sources: dict[str, LoadedRows],
    train: Sequence[DataExample],
    validation: Sequence[DataExample],
    test: Sequence[DataExample],
    data: DataSpec,
    metric: str,
) -> list[DataWarning]:
    """Refuse data that cannot answer the study's question; warn of what may mislead.

    Raises:
        DataError: the same example in two splits (unless allowed), or one single answer in a split.
    """
    warnings = _leaks(sources, train, validation, test, data)
    warnings += _repeats(data.train, train, "train") + _repeats(data.validation or data.train, validation, "validation")
    own_function = ":" in metric
    for name, examples in (("training", train), ("validation", validation)):
        warnings += _one_label(name, examples, data, refuse=not own_function)
    for name, examples in (("validation", validation), ("test", test)):
        warnings += _unseen_labels(name, examples, train)
    if len(validation) < FEW_VALIDATION_ROWS:
        warnings.append(
            DataWarning(
                "few_validation_rows",
                {"count": len(validation)},
                (f"{len(validation)} validation examples: only very large differences can be told from chance."),
            )
        )
    return warnings


def _leaks(
    sources: dict[str, LoadedRows],
    train: Sequence[DataExample],
    validation: Sequence[DataExample],
    test: Sequence[DataExample],
    data: DataSpec,
) -> list[DataWarning]:
    warnings = []
    validation_rows = sources.get("validation", sources["train"])
    for name, examples, rows, other_name, others, other_rows in (
        ("validation", validation, validation_rows, "train", train, sources["train"]),
        ("test", test, sources.get("test"), "train", train, sources["train"]),
        ("test", test, sources.get("test"), "validation", validation, validation_rows),
    ):
        if rows is None:
            continue
        repeats = repeats_across(examples, others)
        if repeats.same:
            warnings.append(_leak(name, repeats.same, rows, other_name, other_rows, data.allow_overlap))
        if repeats.other_answer:
            warnings.append(_shared_questions(name, repeats.other_answer, rows, other_name, other_rows))
    return warnings


def _leak(name: str, pairs: Pairs, rows: LoadedRows, other: str, other_rows: LoadedRows, allowed: bool) -> DataWarning:
    count = len(pairs)
    what = (
        f"{_rows(count)} of {name} {'stands' if count == 1 else 'stand'} in {other} too "
        f"({_listed(pairs, rows, other_rows)})"
    )
    if not allowed:
        raise DataError(
            f"{rows.source}: {what}; accuracy on such rows measures memory. Remove "
            f"{'it' if count == 1 else 'them'}, or set data.allow_overlap: true if that is meant."
        )
    return DataWarning(
        "overlap",
        {"split": name, "other": other, "count": count},
        (f"{what}; this was allowed, and accuracy on them measures memory."),
    )


def _shared_questions(name: str, pairs: Pairs, rows: LoadedRows, other: str, other_rows: LoadedRows) -> DataWarning:
    count = len(pairs)
    return DataWarning(
        "shared_questions",
        {"split": name, "other": other, "count": count},
        (
            f"{_rows(count)} of {name} {'asks' if count == 1 else 'ask'} the same question as a row of {other} and "
            f"{'has' if count == 1 else 'have'} another answer ({_listed(pairs, rows, other_rows)})."
        ),
    )


def _listed(pairs: Pairs, rows: LoadedRows, other_rows: LoadedRows) -> str:
    listed = ", ".join(f"{rows.place(a)} = {other_rows.place(b)}" for a, b in pairs[:LISTED])
    return listed + (", ..." if len(pairs) > LISTED else "")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _repeats(source: str, examples: Sequence[DataExample], name: str) -> list[DataWarning]:
    repeats = repeats_within(examples)
    count, contradicting = len(repeats.same) + len(repeats.other_answer), len(repeats.other_answer)
    if not count:
        return []
    values = {"split": name, "count": count, "contradicting": contradicting}
    text = f"{source}: {_rows(count)} of {name} repeat an earlier question"
    if contradicting:
        text += f", {contradicting} of them with another answer"
    return [DataWarning("duplicates", values, text + ".")]


def _one_label(name: str, examples: Sequence[DataExample], data: DataSpec, refuse: bool) -> list[DataWarning]:
    answers = {example.completion.strip() for example in examples}
    if len(answers) != 1 or len(examples) < 2:
        return []
    source = data.validation if name == "validation" and data.validation else data.train
    text = (
        f"{source}: all {len(examples)} {name} rows have the same answer, {quoted(next(iter(answers)))}; "
        "with one answer accuracy says nothing about a configuration."
    )
    if refuse:
        raise DataError(f"{text} Is the file sorted by answer? Mix it, or give rows with different answers.")
    return [DataWarning("one_label", {"split": name, "label": next(iter(answers))}, text)]


def _unseen_labels(name: str, examples: Sequence[DataExample], train: Sequence[DataExample]) -> list[DataWarning]:
    known = labels_of(train)
    # Answers that hardly ever repeat are texts, where unseen ones are the rule.
    if known is None or 2 * len(known) > len(train) or not examples:
        return []
    unseen = {label: count for label, count in (labels_of(examples) or {}).items() if label not in known}
    if not unseen:
        return []
    rows = sum(unseen.values())
    listed = ", ".join(quoted(label) for label in list(unseen)[:LISTED])
    return [
        DataWarning(
            "unseen_labels",
            {"split": name, "labels": list(unseen), "rows": rows},
            (
                f"{'1 answer' if len(unseen) == 1 else f'{len(unseen)} answers'} of {name} ({listed}; {_rows(rows)}) "
                f"never {'occurs' if len(unseen) == 1 else 'occur'} in the training rows, so no configuration can "
                f"learn {'it' if len(unseen) == 1 else 'them'}."
            ),
        )
    ]


def check_golds_are_choices(place: Place, splits: dict[str, Sequence[DataExample]], choices: Sequence[str]) -> None:
    """Refuse scored rows whose answer is none of the options of metric `choice`.

    Raises:
        DataError: names the first such row.
    """
    known = set(choices)
    for name, examples in splits.items():
        wrong = [example for example in examples if example.completion.strip() not in known]
        if wrong:
            raise DataError(
                f"{place(name, wrong[0])}: the answer {quoted(wrong[0].completion.strip())} is none of the "
                f"{len(choices)} choices ({_rows(len(wrong))} of {name}). Add it to data.choices, or "
                "correct the row."
            )


def check_lengths(
    place: Place,
    train: Sequence[DataExample],
    tokens: Sequence[TokenizedExample],
    scored: dict[str, tuple[Sequence[DataExample], Sequence[TokenizedExample]]],
    levels: Sequence[int],
    baseline_length: int,
    context_tokens: int | None,
) -> list[DataWarning]:
    """Refuse rows that cannot be trained on or scored; warn of those that are cut.

    Args:
        place: names a row for messages.
        train, tokens: training examples and their ids.
        scored: split to its examples and their ids.
        levels: every max_length of the study.
        baseline_length: that of the baseline.
        context_tokens: longest input of the model, or None.

    Raises:
        DataError: a max_length that leaves no training answer; a scored answer longer than the model's context.
    """
    warnings: list[DataWarning] = []
    for level in levels:
        cut = truncation(tokens, level)
        if cut["without_answer"] == len(tokens):
            shortest = min(len(example.prompt_ids) for example in tokens)
            raise DataError(
                f"max_length: found {level}; every training prompt has at least {shortest} tokens, so no "
                f"answer would be left. Write more than {shortest} in the study file."
            )
        if cut["without_answer"]:
            warnings.append(_cut_answers(level, cut["without_answer"], len(tokens), level == baseline_length))
        elif cut["truncated"]:
            warnings.append(
                DataWarning(
                    "truncated",
                    {"max_length": level, "count": cut["truncated"]},
                    (f"max_length {level} cuts the answers of {cut['truncated']} of {len(tokens)} training rows."),
                )
            )
    if context_tokens is not None:
        warnings += _beyond_context(place, train, tokens, context_tokens)
        for name, (examples, ids) in scored.items():
            warnings += _beyond_context_scored(place, name, examples, ids, context_tokens)
    return warnings


def _cut_answers(level: int, count: int, total: int, is_baseline: bool) -> DataWarning:
    text = (
        f"max_length {level} leaves nothing of the answer in {count} of {total} training rows; "
        "they are passed over at that length."
    )
    return DataWarning("answers_cut_off", {"max_length": level, "count": count, "baseline": is_baseline}, text)


def _beyond_context(
    place: Place, examples: Sequence[DataExample], tokens: Sequence[TokenizedExample], context: int
) -> list[DataWarning]:
    long = [(ids.n_tokens, example) for example, ids in zip(examples, tokens, strict=True) if ids.n_tokens > context]
    if not long:
        return []
    longest, example = max(long, key=lambda pair: pair[0])
    text = (
        f"{_rows(len(long))} of training {'is' if len(long) == 1 else 'are'} longer than the model's context "
        f"of {context} tokens (the longest, {place('train', example)}, has {longest}); they are cut there."
    )
    return [DataWarning("beyond_context", {"count": len(long), "longest": longest, "context": context}, text)]


def _beyond_context_scored(
    place: Place, name: str, examples: Sequence[DataExample], tokens: Sequence[TokenizedExample], context: int
) -> list[DataWarning]:
    pairs = list(zip(examples, tokens, strict=True))
    hopeless = [(example, len(ids.completion_ids)) for example, ids in pairs if len(ids.completion_ids) >= context]
    if hopeless:
        example, length = hopeless[0]
        raise DataError(
            f"{place(name, example)}: the answer has {length} tokens; the model's context is {context}, "
            f"and a scored answer fits into it whole ({_rows(len(hopeless))} of {name} too long). Shorten "
            "or remove such rows, or use a model with a longer context."
        )
    long = [(ids.n_tokens, example) for example, ids in pairs if ids.n_tokens > context]
    if not long:
        return []
    longest, example = max(long, key=lambda pair: pair[0])
    values = {"split": name, "count": len(long), "longest": longest, "context": context}
    text = (
        f"{_rows(len(long))} of {name} {'is' if len(long) == 1 else 'are'} longer than the model's context, "
        f"{context} tokens (the longest, {place(name, example)}, has {longest}); the beginning of the prompt is left "
        "out so that prompt and answer fit."
    )
    return [DataWarning("beyond_context_scored", values, text)]
