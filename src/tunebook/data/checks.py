"""What can be wrong with data that reads well: repeats, leaks, one label, unseen labels, rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunebook.core.notice import Notice
from tunebook.core.ports import TokenizedExample
from tunebook.core.study import DataSpec
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.labels import compared, labels_of, repeated_labels
from tunebook.data.split import repeats_across, repeats_within
from tunebook.data.summary import truncation
from tunebook.errors import DataError
from tunebook.words import Words

__all__ = ["check_golds_are_choices", "check_lengths", "check_splits", "check_vocabulary", "similar_choices"]

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
    words: Words,
) -> list[Notice]:
    """Refuse data that cannot answer the study's question, in its words; warn of what may mislead.

    Raises:
        DataError: the same example in two splits (unless allowed), or one single answer in a split.
    """
    warnings = _leaks(sources, train, validation, test, data, words)
    warnings += _repeats(data.train, train, "train") + _repeats(data.validation or data.train, validation, "validation")
    own_function = ":" in metric
    for name, examples in (("training", train), ("validation", validation)):
        warnings += _one_label(name, examples, data, None if own_function else words)
    for name, examples in (("validation", validation), ("test", test)):
        warnings += _unseen_labels(name, examples, train)
    if len(validation) < FEW_VALIDATION_ROWS:
        warnings.append(Notice("few_validation_rows", {"count": len(validation)}))
    return warnings


def _leaks(
    sources: dict[str, LoadedRows],
    train: Sequence[DataExample],
    validation: Sequence[DataExample],
    test: Sequence[DataExample],
    data: DataSpec,
    words: Words,
) -> list[Notice]:
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
            which = _which(name, other_name, repeats.same, rows, other_rows)
            if not data.allow_overlap:
                raise DataError(words.refused_overlap(rows.source, **which))
            warnings.append(Notice("overlap", which))
        if repeats.other_answer:
            which = _which(name, other_name, repeats.other_answer, rows, other_rows)
            warnings.append(Notice("shared_questions", which))
    return warnings


def _which(split: str, other: str, pairs: Pairs, rows: LoadedRows, other_rows: LoadedRows) -> dict[str, Any]:
    """Values of a notice: how many rows of two splits are alike, and where the first of them stand."""
    first = [f"{rows.place(a)} = {other_rows.place(b)}" for a, b in pairs[:LISTED]]
    return {"split": split, "other": other, "count": len(pairs), "rows": first}


def _repeats(source: str, examples: Sequence[DataExample], name: str) -> list[Notice]:
    repeats = repeats_within(examples)
    count, contradicting = len(repeats.same) + len(repeats.other_answer), len(repeats.other_answer)
    if not count:
        return []
    values = {"source": source, "split": name, "count": count, "contradicting": contradicting}
    return [Notice("duplicates", values)]


def _one_label(name: str, examples: Sequence[DataExample], data: DataSpec, refuse: Words | None) -> list[Notice]:
    """A warning that all answers are the same; with words, a refusal in them."""
    answers = {example.completion.strip() for example in examples}
    if len(answers) != 1 or len(examples) < 2:
        return []
    source = data.validation if name == "validation" and data.validation else data.train
    label = next(iter(answers))
    if refuse is not None:
        raise DataError(refuse.refused_one_label(source, name, len(examples), label))
    return [Notice("one_label", {"source": source, "split": name, "count": len(examples), "label": label})]


def _unseen_labels(name: str, examples: Sequence[DataExample], train: Sequence[DataExample]) -> list[Notice]:
    known = repeated_labels(train)  # of texts unseen ones are the rule
    if known is None or not examples:
        return []
    unseen = {label: count for label, count in (labels_of(examples) or {}).items() if label not in known}
    if not unseen:
        return []
    return [Notice("unseen_labels", {"split": name, "labels": list(unseen), "rows": sum(unseen.values())})]


def check_golds_are_choices(
    place: Place, splits: Mapping[str, Sequence[DataExample]], choices: Sequence[str], words: Words
) -> None:
    """Refuse scored rows whose answer is none of the options of metric `choice`.

    Raises:
        DataError: names the first such row.
    """
    known = set(choices)
    for name, examples in splits.items():
        wrong = [example for example in examples if example.completion.strip() not in known]
        if wrong:
            where, answer = place(name, wrong[0]), wrong[0].completion.strip()
            raise DataError(words.refused_not_a_choice(where, answer, len(choices), name, len(wrong)))


def similar_choices(choices: Sequence[str]) -> list[Notice]:
    """A notice of options that differ only in case or blanks: they compete, and one of them is likely a slip."""
    groups: dict[str, list[str]] = {}
    for choice in choices:
        groups.setdefault(compared(choice), []).append(choice)
    alike = [group for group in groups.values() if len(group) > 1]
    return [Notice("similar_choices", {"choices": alike})] if alike else []


def check_lengths(
    place: Place,
    train: Sequence[DataExample],
    tokens: Sequence[TokenizedExample],
    scored: dict[str, tuple[Sequence[DataExample], Sequence[TokenizedExample]]],
    levels: Sequence[int],
    context_tokens: int | None,
    words: Words,
) -> list[Notice]:
    """Refuse rows that cannot be trained on or scored; warn of those that are cut.

    Args:
        place: names a row for messages.
        train, tokens: training examples and their ids.
        scored: split to its examples and their ids.
        levels: every max_length of the study.
        context_tokens: longest input of the model, or None.

    Raises:
        DataError: a max_length or a context that leaves no training answer; a scored answer longer than the model's
            context.
    """
    shortest = min(len(example.prompt_ids) for example in tokens)
    if context_tokens is not None and shortest >= context_tokens:
        raise DataError(words.refused_long_prompts(place("train", train[0]), shortest, context_tokens))
    warnings: list[Notice] = []
    for level in levels:
        cut = truncation(tokens, level)
        if cut["without_answer"] == len(tokens):
            raise DataError(words.refused_max_length(level, shortest))
        values = {"max_length": level, "total": len(tokens)}
        if cut["without_answer"]:
            warnings.append(Notice("answers_cut_off", {**values, "count": cut["without_answer"]}))
        elif cut["truncated"]:
            warnings.append(Notice("truncated", {**values, "count": cut["truncated"]}))
    if context_tokens is not None:
        warnings += _beyond_context(place, train, tokens, context_tokens)
        for name, (examples, ids) in scored.items():
            warnings += _beyond_context_scored(place, name, examples, ids, context_tokens, words)
    return warnings


def check_vocabulary(
    place: Place,
    split: str,
    examples: Sequence[DataExample],
    tokens: Sequence[TokenizedExample],
    rows: int,
    token_text: Callable[[int], str],
    words: Words,
) -> None:
    """Refuse token ids for which the model has no embedding: its tokenizer was given tokens, the model was not.

    Args:
        rows: of the model's embedding.
        token_text: a token as the tokenizer writes it.

    Raises:
        DataError: names the first such row, the token and its number.
    """
    for example, ids in zip(examples, tokens, strict=True):
        highest = max(*ids.prompt_ids, *ids.completion_ids, 0)
        if highest >= rows:
            raise DataError(words.refused_token(place(split, example), token_text(highest), highest, rows))


def _beyond_context(
    place: Place, examples: Sequence[DataExample], tokens: Sequence[TokenizedExample], context: int
) -> list[Notice]:
    long = [(ids.n_tokens, example) for example, ids in zip(examples, tokens, strict=True) if ids.n_tokens > context]
    if not long:
        return []
    longest, example = max(long, key=lambda pair: pair[0])
    values = {"count": len(long), "longest": longest, "context": context, "place": place("train", example)}
    return [Notice("beyond_context", values)]


def _beyond_context_scored(
    place: Place,
    name: str,
    examples: Sequence[DataExample],
    tokens: Sequence[TokenizedExample],
    context: int,
    words: Words,
) -> list[Notice]:
    pairs = list(zip(examples, tokens, strict=True))
    hopeless = [(example, len(ids.completion_ids)) for example, ids in pairs if len(ids.completion_ids) >= context]
    if hopeless:
        example, length = hopeless[0]
        raise DataError(words.refused_long_answer(place(name, example), length, context, name, len(hopeless)))
    long = [(ids.n_tokens, example) for example, ids in pairs if ids.n_tokens > context]
    if not long:
        return []
    longest, example = max(long, key=lambda pair: pair[0])
    values = {"split": name, "count": len(long), "longest": longest, "context": context}
    return [Notice("beyond_context_scored", {**values, "place": place(name, example)})]
