"""What `tunebook init` does: look at a dataset and write a study file that runs, with a comment for each value.

Nothing is tokenised here (no model is needed); lengths are estimated from the texts, and `plan` counts them exactly.
"""

from __future__ import annotations

import json
import math
import os
import re
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tunebook.core.metric import compared
from tunebook.core.notice import Notice
from tunebook.core.outlook import RoundOutlook
from tunebook.data.checks import left_out
from tunebook.data.decoding import PACKED, ending
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.guess import guess_columns, looks_like_a_row, names_above
from tunebook.data.labels import repeated_labels
from tunebook.data.other_kinds import refuse_other_kinds
from tunebook.data.parts import ROLE_NAMES, is_pattern, pattern_in, role_of, sibling
from tunebook.data.reading import TESTS, Reading, load_rows, recognise, refuse_what_is_open
from tunebook.data.rows import value_at
from tunebook.data.sources import TEXT, is_hub_id, read_source
from tunebook.data.split import split_off_validation, validation_size
from tunebook.data.training_configs import data_section
from tunebook.errors import DataError
from tunebook.escaping import is_hidden, one_line, quoted, shorten, yaml_comment, yaml_scalar
from tunebook.phrases import Phrase
from tunebook.words import Words, words_for

__all__ = ["Findings", "Shown", "find_files", "inspect_data", "study_file_text"]

Shown = Callable[[str, int, int, int], RoundOutlook | None]
"""From the text of a study file and its numbers of training, validation and test rows to the first
round that compares, with the smallest difference that it detects."""

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".ndjson", ".arrow", TEXT)
NO_MODEL = "none"
"""The model of a study that is only tried: nothing is trained."""
PART = "-00000-of-00001"
"""What `datasets` and the hub append to the name of a split's only file."""
GROUP_FIELDS = (
    "group",
    "category",
    "kind",
    "type",
    "subject",
    "topic",
    "difficulty",
    "level",
    "domain",
    "task",
    "label",
)
MANY_ROWS, PART_ROWS = 750, 500
"""With more training rows than the first, the study file trains on this many of them, to save time."""
FEW_TRIALS = 30
MOST_OPTIONS, LEAST_ROWS_OF_AN_OPTION = 20, 3
"""Up to so many different answers, each in so many training rows, are the options of metric choice."""
NO_ANSWERS = (None, "", -1, "-1")
"""What stands for an answer where it is kept back."""
SHOWN_FILES = 5
SEED = 0
BASELINE = {
    "learning_rate": "2e-4",
    "per_device_train_batch_size": "8",
    "gradient_accumulation_steps": "1",
    "num_train_epochs": "3",
    "lora_r": "8",
    "lora_alpha": "16",
    "lora_dropout": "0.05",
}
LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
TEMPLATE_TOKENS = 64
LONG_ANSWER_CHARACTERS = 60
OPEN_TEXT_CHARACTERS = 400
"""Of answers of this median length, hardly any words that are generated are those of the gold text."""
LABEL_CHARACTERS = 40
"""An answer in a comment is cut to this length."""

_CODE_TEST = re.compile(r"\bassert\b|\bdef test|\bself\.assert")
_FINAL_NUMBER = re.compile(r"(?s)(.*####\s*)?[-+]?[$€£]?\d[\d,]*(\.\d+)?\s*%?")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was seen in a dataset.

    Attributes:
        sources: role ("train", "validation", "test") to source, as it goes into the study file.
        rows: what was read, by role.
        group: a field worth reporting accuracy by, or None.
        metric: the metric that fits the answers, and why.
        longest_tokens: estimate for the longest row.
        reading: what the study file has to say about how rows are read.
        is_guess: whether that was guessed from what stands in the columns.
        without_answers: files of a split that were found and have no column of answers, as of a competition.
    """

    sources: dict[str, str]
    rows: dict[str, LoadedRows]
    group: str | None
    metric: tuple[str, str]
    longest_tokens: int
    reading: Reading
    is_guess: bool = False
    without_answers: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What may mislead: parts of a set of files, and files or rows without answers, that are left out."""
        without = (Notice("no_answers", {"source": source}) for source in self.without_answers)
        return (*left_out(self.rows), *without)

    @property
    def unused(self) -> tuple[str, ...]:
        """The columns of the training rows that nothing is made of."""
        return tuple(column for column in self.rows["train"].unused if column != self.group)

    @property
    def is_oddly_named(self) -> bool:
        """Whether the training file has a name of its own, so that no other file was looked for beside it."""
        path = Path(self.sources["train"])
        roles = role_of(path.name.replace("*", "0")), role_of(path.parent.name)
        return ending(path.name) in SUFFIXES and "train" not in roles

    @property
    def n_train(self) -> int:
        """Training rows that are left after splitting validation off."""
        n = len(self.rows["train"].examples)
        return n if "validation" in self.rows else n - self.n_validation

    @property
    def n_validation(self) -> int:
        """Validation rows: those of the file, else about as many as will be split off."""
        if "validation" in self.rows:
            return len(self.rows["validation"].examples)
        return validation_size(len(self.rows["train"].examples))


def find_files(data: str, folder: str | Path) -> dict[str, str]:
    """The files of a dataset by role, as paths relative to `folder` (absolute when on another drive).

    Args:
        data: a training file, a pattern of its parts, a folder with train, validation and test files, or a hub id.
            Beside a file called
            train.*, files called validation.* (or valid, val, dev, eval) and test.* are found too.
        folder: where the study file will stand.

    Raises:
        DataError: a folder without a training file.
    """
    path = Path(os.path.expanduser(data))
    if not path.exists() and is_hub_id(data):
        return {"train": data}
    if path.is_dir():
        found = {role: file for role in ROLE_NAMES if (file := _in_folder(path, role))}
        if "train" not in found:
            raise DataError(
                "{data}: found no file train{suffixes} in this folder, but {files}; that is how a training file is "
                "found. Give the file to train on itself.",
                data=data,
                suffixes="|".join(SUFFIXES),
                files=", ".join(map(quoted, _some_files(path))) or Phrase("no data file"),
            )
    elif not path.exists() and is_pattern(data):
        found = {"train": path}
        if role_of(path.name.replace("*", "0")) == "train":
            others = ((role, _in_folder(path.parent, role)) for role in ("validation", "test"))
            found |= {role: file for role, file in others if file}
    else:
        found = {"train": path}
        if path.stem.removesuffix(PART).casefold() in ROLE_NAMES["train"]:
            others = ((role, _named(path.parent, role, (path.suffix, *SUFFIXES))) for role in ("validation", "test"))
            found |= {role: file for role, file in others if file}
        elif role_of(path.name) == "train":
            others = ((role, sibling(path, role)) for role in ("validation", "test"))
            found |= {role: file for role, file in others if file}
    sources = {role: _relative(file, folder) for role, file in found.items()}
    for source in sources.values():
        if any(map(is_hidden, source)):
            raise DataError(
                "{source}: a path with control or invisible characters, which no study file can name. Rename the "
                "file or the folder.",
                source=quoted(source),
            )
    return sources


def _some_files(folder: Path) -> list[str]:
    """Data files in a folder and those in it, as paths from there; at most so many as a message shows."""
    files = (path for depth in ("*", "*/*") for path in sorted(folder.glob(depth)))
    return [path.relative_to(folder).as_posix() for path in files if ending(path.name) in SUFFIXES][:SHOWN_FILES]


def _in_folder(folder: Path, role: str) -> Path | None:
    """A role's file in a folder, or the pattern of its parts."""
    named = _named(folder, role, SUFFIXES)
    pattern = None if named is not None else pattern_in(folder, role, SUFFIXES)
    return Path(pattern) if pattern is not None else named


def _named(folder: Path, role: str, suffixes: tuple[str, ...]) -> Path | None:
    suffixes = (*suffixes, *(f"{suffix}{packed}" for packed in PACKED for suffix in suffixes))
    names = [f"{name}{part}{suffix}" for part in ("", PART) for suffix in suffixes for name in ROLE_NAMES[role]]
    names += [f"data/{name}" for name in names]
    names += [f"{name}/data{PART}.arrow" for name in ROLE_NAMES[role]]  # as `save_to_disk` lays out several splits
    names += [f"data{PART}.arrow"] if role == "train" else []
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _relative(path: Path, folder: str | Path) -> str:
    try:
        text = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path.absolute())
    return f"./{text}" if text[0] == "~" or text[0].isspace() else text  # else read as a home folder, or cut


def inspect_data(data: str, folder: str | Path, language: str = "en", told: Reading | None = None) -> Findings:
    """Read a dataset and see what it is.

    Args:
        data: a data file, a folder with train, validation and test files, or a hub id.
        folder: where the study file will stand; paths in it are relative to that folder.
        language: of the comment on the metric, en or zh.
        told: how the rows are read; None: as they are recognised.

    Raises:
        DataError: the data cannot be read, or it is not plain what prompt and answer are.
    """
    section = data_section(data)
    sources = find_files(data, folder)
    if section is not None and section.sources:
        sources = {role: find_files(source, folder)["train"] for role, source in section.sources.items()}
    told = told or (Reading() if section is None else section.reading)
    reading = _reading(sources["train"], folder, told)
    is_guess = reading != told
    reading = replace(reading, tests=reading.tests or _tests(sources["train"], folder))
    without = {}
    if section is None or not section.sources:
        without = _without_answers(sources, folder, reading)
        sources = {role: source for role, source in sources.items() if role not in without}
    rows = {role: load_rows(source, folder, reading, role) for role, source in sources.items()}
    train = rows["train"].examples
    return Findings(
        sources=sources,
        rows=rows,
        group=_group(sources["train"], folder, rows["train"]),
        metric=("pass@1", words_for(language).comment("code")) if reading.tests else _metric(rows, words_for(language)),
        longest_tokens=max(_estimated_tokens(example) for example in train),
        reading=reading,
        is_guess=is_guess,
        without_answers=tuple(without.values()),
    )


def _reading(source: str, folder: str | Path, told: Reading) -> Reading:
    """How the rows are read: as told, as their columns are usually called, or as what stands in them lets guess."""
    if told != Reading():
        return told
    raw = read_source(source, folder)
    values = [row for _, row in raw.rows]
    where = raw.place(0)
    refuse_other_kinds(values, where)
    try:
        form = recognise(values, told, where)
    except DataError:
        if raw.container == "csv" and (name := looks_like_a_row(values)) is not None:
            raise DataError(
                "{source}:1: found {column} as the name of a column: the first line looks like a row. A table begins "
                "with the names of its columns: write a line above it, for example {names}, separated as the rows are.",
                source=raw.source,
                column=quoted(name),
                names=", ".join(names_above(values)),
            ) from None
        guess = guess_columns(values)
        if guess is None:
            raise
        told = Reading(prompt=guess.prompt, completion=guess.completion)
        form = recognise(values, told, where)
    refuse_what_is_open(values, form, where, is_guess=told != Reading())
    return told


def _without_answers(sources: dict[str, str], folder: str | Path, reading: Reading) -> dict[str, str]:
    """Of the files of validation and test, by role, those in whose rows the column of the answer is absent, or hidden
    as data sets with a leaderboard hide it."""
    raw = read_source(sources["train"], folder)
    answer = recognise([row for _, row in raw.rows], reading, raw.place(0)).answer
    others = {role: source for role, source in sources.items() if role != "train"}
    return {
        role: source
        for role, source in others.items()
        if all(value_at(row, answer) in NO_ANSWERS for _, row in read_source(source, folder, role).rows)
    }


def _tests(source: str, folder: str | Path) -> str | None:
    """The template of the code that tests the rows' answers, where a column holds some."""
    rows = [values for _, values in read_source(source, folder).rows]
    for name in TESTS:
        if all(name in row and _CODE_TEST.search(str(row[name])) for row in rows):
            calls = "entry_point" in rows[0] and "def check(" in str(rows[0][name])  # as in HumanEval
            return f"{{{name}}}" + ("\ncheck({entry_point})" if calls else "")
    return None


def _group(source: str, folder: str | Path, rows: LoadedRows) -> str | None:
    raw = [values for _, values in read_source(source, folder).rows]
    for field in GROUP_FIELDS:
        if field in rows.keys or not all(isinstance(row.get(field), str) and row[field].strip() for row in raw):
            continue
        counts = Counter(row[field] for row in raw)
        if 2 <= len(counts) <= 20 and len(counts) <= len(raw) / 5:
            return field
    return None


def _metric(rows: dict[str, LoadedRows], words: Words) -> tuple[str, str]:
    train = rows["train"].examples
    answers = [example.completion.strip() for example in train]
    if all(map(_is_json, answers)):
        return "json_fields", words.comment("json_answers")
    labels = repeated_labels(train)
    if labels is not None:
        shown = [shorten(one_line(label), LABEL_CHARACTERS) for label in list(labels)[:6]]
        name = "choice" if _are_options(labels, rows) else "exact_match"
        return name, words.comment_labels(len(labels), shown)
    if all(_FINAL_NUMBER.fullmatch(answer) for answer in answers):
        return "number", words.comment("numbers")
    longest = max(len(answer) for answer in answers)
    if longest <= LONG_ANSWER_CHARACTERS:
        return "exact_match", words.comment_short_answers(longest)
    if statistics.median(map(len, answers)) >= OPEN_TEXT_CHARACTERS:
        return "perplexity", words.comment("open_texts")
    return "token_f1", words.comment("free_texts")


def _is_json(answer: str) -> bool:
    """Whether an answer is a JSON object or list."""
    try:
        return isinstance(json.loads(answer), dict | list)
    except (ValueError, RecursionError):
        return False


def _are_options(labels: dict[str, int], rows: dict[str, LoadedRows]) -> bool:
    """Whether the answers are few and fixed: none is rare, none differs from another in case or blanks alone, and
    every scored row has one of them, also where validation is split off by the file's seed."""
    if not 2 <= len(labels) <= MOST_OPTIONS or min(labels.values()) < LEAST_ROWS_OF_AN_OPTION:
        return False
    if len({compared(label) for label in labels}) < len(labels):
        return False
    train, scored = rows["train"].examples, [*rows["validation"].examples] if "validation" in rows else []
    if not scored:
        try:
            train, validation = split_off_validation(train, SEED, "")
        except DataError:  # too few rows; plan says so
            return False
        scored += validation
    scored += rows["test"].examples if "test" in rows else ()
    known = {example.completion.strip() for example in train}
    return all(example.completion.strip() in known for example in scored)


def _estimated_tokens(example: DataExample) -> int:
    text = "".join(text for _, text in example.messages) + example.completion + example.tools
    n_ascii = sum(map(str.isascii, text))
    return math.ceil(n_ascii / 3 + 1.5 * (len(text) - n_ascii)) + TEMPLATE_TOKENS


def study_file_text(
    seen: Findings, data: str, *, model: str, trials: int, language: str, shown: Shown | None = None
) -> str:
    """Text of a study file for what was seen in a dataset, with a comment for each value.

    Args:
        data: what was given as the dataset, after which the study is named.
        model: as in the study file.
        trials: the budget.
        language: of the comments and the record, en or zh.
        shown: says which differences the study would detect, for a comment; None: the comment is left out.
    """
    words = words_for(language)

    def text(compared: RoundOutlook | None) -> str:
        opening = [f"study: {_name(data)}", f"model: {yaml_scalar(model)}", "data:"]
        opening += _data_lines(seen, compared, words)
        return "\n".join([*opening, *_setting_lines(seen, trials, language, words), *engine]) + "\n"

    engine = [_line("engine: simulated", words.comment("simulated"))] if model == NO_MODEL else []

    if shown is None or seen.metric[0] == "perplexity":  # whose differences are in nats, which nobody can say before
        return text(None)
    n_test = len(seen.rows["test"].examples) if "test" in seen.rows else 0
    return text(shown(text(None), seen.n_train, max(1, seen.n_validation), n_test))


def _setting_lines(seen: Findings, trials: int, language: str, words: Words) -> list[str]:
    return [
        _line(f"metric: {_metric_text(seen)}", seen.metric[1]),
        "baseline:",
        *_baseline_lines(seen, words),
        "space:",
        *_space_lines(trials, words),
        _line("alpha_rule: proportional", words.comment("alpha_rule")),
        _line("design: model", words.comment("design")),
        _line(f"budget: {{trials: {trials}}}", words.comment("budget")),
        _line("margin: 0.03", words.comment("margin_nats" if seen.metric[0] == "perplexity" else "margin")),
        _line(f"seed: {SEED}", words.comment("seed")),
        _line(f"report: {{language: {language}}}", words.comment("report")),
    ]


def _metric_text(seen: Findings) -> str:
    """The metric as it is written; answers that continue their prompts are run with them."""
    first = seen.rows["train"].examples[0]
    continues = seen.metric[0] == "pass@1" and first.completion[:1].isspace() and "def " not in first.completion
    return "{name: pass@1, with_prompt: true}" if continues else seen.metric[0]


def _line(text: str, comment: str) -> str:
    return f"{text:<40} # {yaml_comment(comment)}"


def _data_lines(seen: Findings, compared: RoundOutlook | None, words: Words) -> list[str]:
    effect = compared.smallest_detectable_effect if compared else None
    of_validation, of_test = (None, effect) if compared and compared.on_test else (effect, None)
    train, source = seen.rows["train"], {role: yaml_scalar(text) for role, text in seen.sources.items()}
    n = seen.n_validation
    lines = [
        _line(
            f"  train: {source['train']}",
            words.comment_train(len(train.examples), train.format, "/".join(train.keys)),
        ),
        _line(f"  validation: {source['validation']}", words.comment_validation(n, of_validation))
        if "validation" in source
        else _line(
            "  # validation: validation.jsonl", words.comment_no_validation(n, of_validation, seen.is_oddly_named)
        ),
        _line(f"  test: {source['test']}", words.comment_test(len(seen.rows["test"].examples), of_test))
        if "test" in source
        else _line("  # test: test.jsonl", words.comment("test_not_looked_for" if seen.is_oddly_named else "no_test")),
    ]
    lines += _reading_lines(seen, words)
    if seen.unused:
        lines.append(f"  # {yaml_comment(words.not_used(seen.unused))}")
    if seen.group:
        lines.append(_line(f"  group: {seen.group}", words.comment("group")))
    if seen.n_train > MANY_ROWS:
        lines.append(_line(f"  train_rows: {PART_ROWS}", words.comment_train_rows(seen.n_train)))
    return lines


def _reading_lines(seen: Findings, words: Words) -> list[str]:
    reading, lines = seen.reading, []
    for name in ("prompt", "completion"):
        template = getattr(reading, name)
        if template is not None:
            comment = "data.prompt_told" if name == "prompt" and not seen.is_guess else f"data.{name}"
            lines.append(_line(f"  {name}: {yaml_scalar(template)}", words.comment(comment)))
    if reading.format is not None:
        lines.append(_line(f"  format: {reading.format}", words.comment("data.format")))
    if reading.columns:
        names = ", ".join(f"{name}: {yaml_scalar(own)}" for name, own in reading.columns.items())
        lines.append(_line(f"  columns: {{{names}}}", words.comment("data.columns")))
    if reading.tests is not None:
        lines.append(_line(f"  tests: {yaml_scalar(reading.tests)}", words.comment("data.tests")))
    answers = {example.completion.strip() for example in seen.rows["train"].examples}
    if 2 <= len(answers) <= MOST_OPTIONS and all(answer.isdecimal() for answer in answers):
        lines.append(_line("  # names: [first, second]", words.comment("data.names")))
    return lines


def _baseline_lines(seen: Findings, words: Words) -> list[str]:
    length = next((level for level in LENGTHS if level >= seen.longest_tokens), LENGTHS[-1])
    lines = [_line(f"  {name}: {value}", words.comment(name)) for name, value in BASELINE.items()]
    return [*lines, _line(f"  max_length: {length}", words.comment_max_length(seen.longest_tokens))]


def _space_lines(trials: int, words: Words) -> list[str]:
    lines = [_line("  learning_rate: {low: 5e-5, high: 2e-3}", words.comment("space.learning_rate"))]
    if trials < FEW_TRIALS:
        return [*lines, _line("  lora_r: [8, 32]", words.comment_few_levels(trials))]
    levels = {"lora_r": "[8, 16, 32]", "lora_dropout": "[0, 0.05, 0.1]", "num_train_epochs": "[2, 3, 4]"}
    return lines + [_line(f"  {name}: {text}", words.comment(f"space.{name}")) for name, text in levels.items()]


def _name(data: str) -> str:
    path = Path(data).absolute()
    path = path.parent if is_pattern(data) and not path.exists() else path
    path = path.resolve() if path.is_dir() else path  # `.` is a folder with a name
    stem = path.name if path.is_dir() else path.stem
    generic = stem.casefold() in (*ROLE_NAMES["train"], "data", "")
    text = path.parent.name if generic else stem
    text = "".join(c if c.isalpha() or c.isdecimal() or c in "-_" else " " for c in text)  # the form of a study's name
    name = re.sub(" +", "-", text).strip("-_")[:64]
    return yaml_scalar(name or "study")
