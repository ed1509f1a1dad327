"""What can be wrong with data that reads well: repeats, leaks, one label, unseen labels, rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tunebook.core.metric import compared
from tunebook.core.notice import Notice
from tunebook.core.study import DataSpec
from tunebook.data.encoded import EncodedSplit
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.labels import labels_of, repeated_labels
from tunebook.data.split import Pair, Repeats, find_repeats
from tunebook.data.splits import Splits
from tunebook.errors import DataError
from tunebook.words import Words

__all__ = [
    "check_golds_are_choices",
    "check_lengths",
    "check_splits",
    "check_vocabulary",
    "left_out",
    "similar_choices",
]

FEW_VALIDATION_ROWS = 50
"""Below this a difference of 20 points can hardly be told from chance."""
LISTED = 5


def left_out(sources: Mapping[str, LoadedRows]) -> tuple[Notice, ...]:
    """A warning for each source that is one part of a set of files, given without the others, for each of whose rows
    some have no answer, and for each whose encoding was guessed."""
    parts = (
        Notice("absent_parts", {"source": rows.source, "names": list(rows.absent[:LISTED]), "count": len(rows.absent)})
        for rows in sources.values()
        if rows.absent
    )
    rows_without = (
        Notice(
            "unanswerable",
            {"source": rows.source, "count": rows.unanswerable, "of": rows.unanswerable + len(rows.examples)},
        )
        for rows in sources.values()
        if rows.unanswerable
    )
    encoded = (
        Notice("encoding", {"source": rows.source, "encoding": rows.encoding})
        for rows in sources.values()
        if rows.encoding
    )
    return (*parts, *rows_without, *encoded)


def check_splits(splits: Splits, data: DataSpec, metric: str, words: Words) -> list[Notice]:
    """Refuse data that cannot answer the study's question, in its words; warn of what may mislead.

    Raises:
        DataError: the same example in two splits (unless allowed), or one single answer in a split.
    """
    repeats = find_repeats(splits.used)
    warnings = [*left_out(splits.sources), *_leaks(splits, repeats, data, words)]
    warnings += _repeated(data.train, repeats["train", "train"], "train")
    warnings += _repeated(data.validation or data.train, repeats["validation", "validation"], "validation")
    own_function = ":" in metric
    for name, examples in (("training", splits.train), ("validation", splits.validation)):
        warnings += _one_label(name, examples, data, None if own_function else words)
    known = repeated_labels(splits.train)
    for name in ("validation", "test"):
        warnings += _unseen_labels(name, splits.used[name], known)
    if len(splits.validation) < FEW_VALIDATION_ROWS:
        warnings.append(Notice("few_validation_rows", {"count": len(splits.validation)}))
    return warnings


def _leaks(splits: Splits, repeats: dict[tuple[str, str], Repeats], data: DataSpec, words: Words) -> list[Notice]:
    warnings = []
    for split, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        found = repeats[split, other]
        if found.same:
            values = _values(splits, split, other, found.same)
            if not data.allow_overlap:
                raise DataError(words.refused_overlap(splits.source(split).source, **values))
            warnings.append(Notice("overlap", values))
        if found.other_answer:
            warnings.append(Notice("shared_questions", _values(splits, split, other, found.other_answer)))
    return warnings


def _values(splits: Splits, split: str, other: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Values of a notice: how many rows of two splits are alike, and where the first of them stand."""
    first = [f"{splits.place(split, a)} = {splits.place(other, b)}" for a, b in pairs[:LISTED]]
    return {"split": split, "other": other, "count": len(pairs), "rows": first}


def _repeated(source: str, repeats: Repeats, name: str) -> list[Notice]:
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


def _unseen_labels(name: str, examples: Sequence[DataExample], known: dict[str, int] | None) -> list[Notice]:
    """Labels of a split that training has not; `known` are those of training, None where answers are texts."""
    if known is None or not examples:
        return []
    unseen = {label: count for label, count in (labels_of(examples) or {}).items() if label not in known}
    if not unseen:
        return []
    return [Notice("unseen_labels", {"split": name, "labels": list(unseen), "rows": sum(unseen.values())})]


def check_golds_are_choices(scored: Iterable[EncodedSplit], choices: Sequence[str], words: Words) -> None:
    """Refuse scored rows whose answer is none of the options of metric `choice`.

    Raises:
        DataError: names the first such row.
    """
    known = set(choices)
    for split in scored:
        answers = [example.completion.strip() for example in split.examples]
        wrong = [i for i, answer in enumerate(answers) if answer not in known]
        if wrong:
            where, answer = split.places[wrong[0]], answers[wrong[0]]
            raise DataError(words.refused_not_a_choice(where, answer, len(choices), split.name, len(wrong)))


def similar_choices(choices: Sequence[str]) -> list[Notice]:
    """A notice of options that differ only in case or blanks: they compete, and one of them is likely a slip."""
    groups: dict[str, list[str]] = {}
    for choice in choices:
        groups.setdefault(compared(choice), []).append(choice)
    alike = [group for group in groups.values() if len(group) > 1]
    return [Notice("similar_choices", {"choices": alike})] if alike else []


def check_lengths(
    train: EncodedSplit,
    scored: Iterable[EncodedSplit],
    levels: Sequence[int],
    context_tokens: int | None,
    words: Words,
) -> list[Notice]:
    """Refuse rows that cannot be trained on or scored; warn of those that are cut.

    Args:
        levels: every max_length of the study.
        context_tokens: longest input of the model, or None.

    Raises:
        DataError: a max_length or a context that leaves no training answer; a scored answer longer than the model's
            context.
    """
    shortest = int(train.prompt_tokens.min())
    if context_tokens is not None and shortest >= context_tokens:
        raise DataError(words.refused_long_prompts(train.places[0], shortest, context_tokens))
    warnings: list[Notice] = []
    for level in levels:
        cut = train.truncation(level)
        if cut["without_answer"] == len(train):
            raise DataError(words.refused_max_length(level, shortest))
        values = {"max_length": level, "total": len(train)}
        if cut["without_answer"]:
            warnings.append(Notice("answers_cut_off", {**values, "count": cut["without_answer"]}))
        elif cut["truncated"]:
            warnings.append(Notice("truncated", {**values, "count": cut["truncated"]}))
    if context_tokens is not None:
        warnings += [Notice("beyond_context", values) for values in _beyond(train, context_tokens)]
        for split in scored:
            _check_answers_fit(split, context_tokens, words)
            beyond = _beyond(split, context_tokens)
            warnings += [Notice("beyond_context_scored", {"split": split.name, **values}) for values in beyond]
    return warnings


def check_vocabulary(split: EncodedSplit, rows: int, token_text: Callable[[int], str], words: Words) -> None:
    """Refuse token ids for which the model has no embedding: its tokenizer was given tokens, the model was not.

    Args:
        rows: of the model's embedding.
        token_text: a token as the tokenizer writes it.

    Raises:
        DataError: names the first such row, the token and its number.
    """
    for place, ids in zip(split.places, split.ids, strict=True):
        highest = max(*ids.prompt_ids, *ids.completion_ids, 0)
        if highest >= rows:
            raise DataError(words.refused_token(place, token_text(highest), highest, rows))


def _check_answers_fit(split: EncodedSplit, context: int, words: Words) -> None:
    hopeless = np.flatnonzero(split.answer_tokens >= context)
    if len(hopeless):
        place, length = split.places[hopeless[0]], int(split.answer_tokens[hopeless[0]])
        raise DataError(words.refused_long_answer(place, length, context, split.name, len(hopeless)))


def _beyond(split: EncodedSplit, context: int) -> list[dict[str, Any]]:
    """The values of a notice of rows longer than the context; none when there are no such rows."""
    count = int((split.n_tokens > context).sum())
    if not count:
        return []
    longest = int(split.n_tokens.argmax())
    values = {"count": count, "longest": int(split.n_tokens[longest]), "context": context}
    return [{**values, "place": split.places[longest]}]
