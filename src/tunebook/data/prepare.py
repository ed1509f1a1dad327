"""A study's data, ready for an engine: read, split, checked, tokenised and described.

The test split is tokenised with the others so that its problems are found before anything is spent, but it stays out
of the workload until `with_test` opens it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tunebook.core.facts import DataFacts, ExampleText
from tunebook.core.metric import AnswerSource
from tunebook.core.notice import Notice
from tunebook.core.ports import ChatExample, Scoring, TokenizedExample, Workload
from tunebook.core.study import StudySpec
from tunebook.data import checks
from tunebook.data.encoded import EncodedSplit, encode_split
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.splits import Splits, read_splits
from tunebook.data.summary import commonest_share, length_levels, summarise
from tunebook.data.template import Encoder
from tunebook.errors import DataError
from tunebook.words import Words, words_for

__all__ = ["PreparedData", "ShownExample", "may_exceed", "prepare"]

ROOM_TOKENS = 8
"""A generated answer may be this much longer than the longest gold answer of the training data."""
MOST_CHOICES = 50
TEMPLATE_TOKENS = 256
"""More than a template puts around a short chat, the system message of its own included."""
CURVE_EXAMPLES = 32
"""How many validation examples the loss after each epoch is taken on."""


@dataclass(frozen=True, kw_only=True)
class ShownExample:
    """One training example as the model sees it, special tokens and all, for `plan`.

    Attributes:
        place: where it stands.
        prompt: what is not learnt.
        learnt: the answer with its end, cut to the baseline's max_length.
        stops: the tokens that end a generated answer.
        options: those of metric `choice`, as they are scored.
    """

    place: str
    prompt: str
    learnt: str
    stops: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PreparedData:
    """Everything about the data that a study needs.

    Attributes:
        workload: training and validation examples and how answers are obtained; without the test split.
        facts: counts and lengths for the planner.
        examples: the scored examples as text, by split.
        hashes: sha256 by role ("train", "validation", "test").
        summary: JSON facts for `plan` and the record.
        choices: the options of metric `choice`, in the order of `workload.scoring.choices`; else empty.
        warnings: what may mislead.
        places: where each scored example stands ("validation.jsonl:7"), by split, for messages.
        shown: one training example as the model sees it; None where no model of the study's is at hand.
        test: the test split, tokenised and closed.
        encode_pool: tokenises all training rows; called when `train_all` is first asked for.
    """

    workload: Workload
    facts: DataFacts
    examples: dict[str, tuple[ExampleText, ...]]
    hashes: dict[str, str]
    summary: dict[str, Any]
    choices: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    places: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    shown: ShownExample | None = None
    test: tuple[TokenizedExample, ...] = field(default=(), repr=False)
    test_chats: tuple[ChatExample, ...] = field(default=(), repr=False)
    encode_pool: Callable[[], tuple[TokenizedExample, ...]] = field(default=tuple, repr=False)

    @cached_property
    def train_all(self) -> tuple[TokenizedExample, ...]:
        """All training examples, for a final training; with `train_rows`, `workload.train` is a part of them."""
        return self.encode_pool()

    def with_test(self) -> Workload:
        """The workload with the test split opened. Call it only when the confirm list is sealed."""
        chats = {**self.workload.chats, "test": self.test_chats}
        return replace(self.workload, splits={**self.workload.splits, "test": self.test}, chats=chats)


def prepare(
    spec: StudySpec,
    tokenizer: Any,
    base_folder: str | Path,
    context_tokens: int | None = None,
    answers: AnswerSource = AnswerSource.GENERATION,
    stops: Sequence[int] = (),
    vocabulary: int | None = None,
    with_tests: bool = False,
    documents: Mapping[str, LoadedRows] | None = None,
) -> PreparedData:
    """Read, split, check, tokenise and describe a study's data.

    Args:
        tokenizer: the base model's (a transformers tokenizer).
        base_folder: the study file's folder; relative paths start there.
        context_tokens: the longest input of the model; None: unknown or unbounded.
        answers: where the metric's answers come from.
        stops: tokens that end the model's answers, beside the template's end of a turn.
        vocabulary: rows of the model's embedding; None: not known, and no example is shown.
        with_tests: keep the rows' tests, for a metric that runs them.
        documents: what is scored, by split, where the metric brings it.

    Raises:
        DataError: the data cannot be used; nothing was written.
    """
    words = words_for(spec.language)
    splits = read_splits(spec.data, spec.seed, base_folder, documents)
    warnings = checks.check_splits(splits, spec.data, spec.metric, words)
    encoder = Encoder(tokenizer, spec.data.system, stops)
    encoded = _encoded(splits, encoder, vocabulary, words)
    train, scored = encoded["train"], [encoded["validation"], encoded["test"]]
    warnings += checks.check_lengths(train, scored, length_levels(spec), context_tokens, words)
    choices: tuple[str, ...] = ()
    if answers is AnswerSource.CHOICE:
        choices = _choices(spec, splits.train_pool, words)
        checks.check_golds_are_choices(scored, choices, words)
    warnings += checks.similar_choices(choices)
    scoring = _scoring(spec, encoder, train, answers, _as_trained(choices, splits.train_pool))
    workload = _workload(encoded, scoring, context_tokens)
    named = {split.name: split for split in scored if len(split)}
    return PreparedData(
        workload=workload,
        facts=_facts(spec, splits, workload.train),
        examples={name: _texts(split.examples, with_tests) for name, split in named.items()},
        hashes={role: rows.sha256 for role, rows in splits.sources.items()},
        summary=summarise(spec, splits, encoded, encoder),
        choices=choices,
        warnings=tuple(warnings),
        places={name: split.places for name, split in named.items()},
        shown=None if vocabulary is None else _shown(spec, train, encoder, scoring),
        test=_scored_within(encoded["test"].ids, context_tokens, scoring),
        test_chats=encoded["test"].chats,
        encode_pool=partial(_pool, splits, encoder, context_tokens),
    )


def may_exceed(spec: StudySpec, base_folder: str | Path, context_tokens: int) -> bool:
    """Whether a row could be longer than the model's context; a text has at most one token a byte, and some for the
    template.

    Raises:
        DataError: the data cannot be read.
    """
    splits = read_splits(spec.data, spec.seed, base_folder)
    texts = (
        "".join((*(text for _, text in example.messages), example.completion, example.tools))
        for examples in splits.used.values()
        for example in examples
    )
    return any(len(text.encode()) + TEMPLATE_TOKENS > context_tokens for text in texts)


def _encoded(splits: Splits, encoder: Encoder, vocabulary: int | None, words: Words) -> dict[str, EncodedSplit]:
    """Every split's rows with their token ids, each within the model's vocabulary."""
    encoded = {}
    for name, examples in splits.used.items():
        encoded[name] = encode_split(name, examples, partial(splits.place, name), encoder)
        if vocabulary is not None:
            checks.check_vocabulary(encoded[name], vocabulary, encoder.token_text, words)
    return encoded


def _pool(splits: Splits, encoder: Encoder, context_tokens: int | None) -> tuple[TokenizedExample, ...]:
    """All training rows, for a final training."""
    rows = encode_split("train", splits.train_pool, partial(splits.place, "train"), encoder)
    return _within(rows.ids, context_tokens)


def _workload(encoded: dict[str, EncodedSplit], scoring: Scoring, context_tokens: int | None) -> Workload:
    """Training and validation, cut to the model's context."""
    train, validation = encoded["train"], encoded["validation"]
    return Workload(
        train=_within(train.ids, context_tokens),
        splits={"validation": _scored_within(validation.ids, context_tokens, scoring)},
        scoring=scoring,
        curve_examples=min(CURVE_EXAMPLES, len(validation)),
        chats={"train": train.chats, "validation": validation.chats},
    )


def _shown(spec: StudySpec, train: EncodedSplit, encoder: Encoder, scoring: Scoring) -> ShownExample:
    first = train.ids[0]
    cut = first.cut(spec.baseline.max_length) if spec.baseline.max_length else first
    return ShownExample(
        place=train.places[0],
        prompt=encoder.text(cut.prompt_ids),
        learnt=encoder.text(cut.completion_ids),
        stops=tuple(map(encoder.token_text, scoring.stop_ids)),
        options=tuple(map(encoder.text, scoring.choices)),
    )


def _within(examples: Sequence[TokenizedExample], context_tokens: int | None) -> tuple[TokenizedExample, ...]:
    """Training examples cut to the model's context, as max_length would cut them; nothing else changes."""
    if context_tokens is None:
        return tuple(examples)
    return tuple(example.cut(context_tokens) for example in examples)


def _scored_within(
    examples: Sequence[TokenizedExample], context_tokens: int | None, scoring: Scoring
) -> tuple[TokenizedExample, ...]:
    """Scored examples whose prompt loses its beginning where prompt and answer would not fit into the context."""
    if context_tokens is None:
        return tuple(examples)
    room = min(scoring.max_new_tokens, context_tokens // 2) if scoring.kind == "generate" else 0
    return tuple(
        TokenizedExample(
            example.prompt_ids[-(context_tokens - max(room, len(example.completion_ids))) :],
            example.completion_ids,
        )
        for example in examples
    )


def _choices(spec: StudySpec, pool: Sequence[DataExample], words: Words) -> tuple[str, ...]:
    choices = spec.data.choices or tuple(dict.fromkeys(example.completion.strip() for example in pool))
    if len(choices) > MOST_CHOICES:
        raise DataError(words.refused_many_choices(spec.data.train, len(choices), MOST_CHOICES))
    if len(choices) < 2:
        raise DataError(words.refused_one_choice(spec.data.train))
    return choices


def _as_trained(choices: Sequence[str], pool: Sequence[DataExample]) -> tuple[str, ...]:
    """The options with the blanks and line breaks that the training answers have around them, so that their tokens are
    the learnt ones; an option that training lacks has the commonest ones."""
    texts = Counter(example.completion for example in pool)
    around = Counter[tuple[str, str]]()
    form: dict[str, str] = {}
    for text, count in texts.most_common():
        option = text.strip()
        before, _, after = text.partition(option)
        around[before, after] += count
        form.setdefault(option, text)
    before, after = around.most_common(1)[0][0]
    return tuple(form.get(choice, f"{before}{choice}{after}") for choice in choices)


def _scoring(
    spec: StudySpec, encoder: Encoder, train: EncodedSplit, answers: AnswerSource, choices: tuple[str, ...]
) -> Scoring:
    """How answers are obtained; `choices` as they are trained."""
    longest = int(train.answer_tokens.max()) - 1
    return Scoring(
        kind=answers.value,
        max_new_tokens=spec.max_new_tokens or longest + ROOM_TOKENS,
        stop_ids=encoder.stop_ids,
        choices=tuple(encoder.completion_ids(choice) for choice in choices),
        per_token=spec.per_token,
    )


def _facts(spec: StudySpec, splits: Splits, train: Sequence[TokenizedExample]) -> DataFacts:
    lengths = [example.n_tokens for example in train]
    return DataFacts(
        n_train=len(splits.train),
        n_validation=len(splits.validation),
        n_test=len(splits.test),
        longest_tokens=max(lengths),
        mean_tokens=sum(lengths) / len(lengths),
        groups=tuple(e.group or "" for e in splits.validation) if spec.data.group else (),
        commonest_share=commonest_share(splits.validation),
    )


def _texts(examples: Sequence[DataExample], with_tests: bool) -> tuple[ExampleText, ...]:
    return tuple(example.text(i, with_tests) for i, example in enumerate(examples))
