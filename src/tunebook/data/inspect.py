"""What `tunebook init` does: look at a dataset and write a study file that runs, with a comment for each value.

Nothing is tokenised here (no model is needed); lengths are estimated from the texts, and `plan` counts them exactly.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tunebook.core.study import ERROR_SHARES, RoundKind
from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.formats import load_rows
from tunebook.data.sources import is_hub_id, read_source
from tunebook.data.split import validation_size
from tunebook.data.summary import labels_of
from tunebook.errors import DataError
from tunebook.statistics.power import ContrastDesign, smallest_detectable_effect

__all__ = ["Findings", "find_files", "inspect_data", "write_study_file"]

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".ndjson")
ROLE_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test",),
}
"""File names (without ending) by the role that they stand for."""
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
LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
TEMPLATE_TOKENS = 64
USUAL_SEEDS = (2, 5)
"""Seeds of a configuration and of the baseline, as they are by default."""
USUAL_COMPARISONS = 8
LONG_ANSWER_CHARACTERS = 60

_YAML_WORDS = ("true", "false", "null", "yes", "no", "on", "off", ".inf", ".nan")
_FINAL_NUMBER = re.compile(r"(?s)(.*####\s*)?[-+]?[$€£]?\d[\d,]*(\.\d+)?\s*%?")


@dataclass(frozen=True)
class Findings:
    """What was seen in a dataset.

    Attributes:
        sources: role ("train", "validation", "test") to source, as it goes into the study file.
        rows: what was read, by role.
        group: a field worth reporting accuracy by, or None.
        metric: the metric that fits the answers, and why.
        longest_tokens: estimate for the longest row.
    """

    sources: dict[str, str]
    rows: dict[str, LoadedRows]
    group: str | None
    metric: tuple[str, str]
    longest_tokens: int

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
        data: a training file, a folder with train, validation and test files, or a hub id. Beside a file called
            train.*, files called validation.* (or valid, val, dev, eval) and test.* are found too.
        folder: where the study file will stand.

    Raises:
        DataError: a folder without a training file.
    """
    path = Path(data).expanduser()
    if not path.exists() and is_hub_id(data):
        return {"train": data}
    if path.is_dir():
        found = {role: file for role in ROLE_NAMES if (file := _named(path, role, SUFFIXES))}
        if "train" not in found:
            raise DataError(
                f"{data}: found no file train{'|'.join(SUFFIXES)} in this folder; that is how a training "
                "file is found. Give the training file itself."
            )
    else:
        found = {"train": path}
        if path.stem.casefold() in ROLE_NAMES["train"]:
            others = ((role, _named(path.parent, role, (path.suffix, *SUFFIXES))) for role in ("validation", "test"))
            found |= {role: file for role, file in others if file}
    return {role: _relative(file, folder) for role, file in found.items()}


def _named(folder: Path, role: str, suffixes: tuple[str, ...]) -> Path | None:
    files = (folder / f"{name}{suffix}" for suffix in suffixes for name in ROLE_NAMES[role])
    return next((file for file in files if file.is_file()), None)


def _relative(path: Path, folder: str | Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path.absolute())


def inspect_data(data: str, folder: str | Path) -> Findings:
    """Read a dataset and see what it is. Arguments and errors as for `write_study_file`."""
    sources = find_files(data, folder)
    rows = {role: load_rows(source, folder, split=role) for role, source in sources.items()}
    train = rows["train"].examples
    return Findings(
        sources,
        rows,
        _group(sources["train"], folder, rows["train"]),
        _metric(train),
        max(_estimated_tokens(example) for example in train),
    )


def _group(source: str, folder: str | Path, rows: LoadedRows) -> str | None:
    raw = [values for _, values in read_source(source, folder).rows]
    for field in GROUP_FIELDS:
        if field in rows.keys or not all(isinstance(row.get(field), str) and row[field].strip() for row in raw):
            continue
        counts = Counter(row[field] for row in raw)
        if 2 <= len(counts) <= 20 and len(counts) <= len(raw) / 5:
            return field
    return None


def _metric(train: tuple[DataExample, ...]) -> tuple[str, str]:
    answers = [example.completion.strip() for example in train]
    labels = labels_of(train)
    if labels is not None and 2 * len(labels) <= len(train):
        listed = ", ".join(list(labels)[:6]) + (", ..." if len(labels) > 6 else "")
        return "exact_match", f"{len(labels)} different answers: {listed}"
    if all(_FINAL_NUMBER.fullmatch(answer) for answer in answers):
        return "number", "the answers end in a number; the last number of an answer counts"
    longest = max(len(answer) for answer in answers)
    if longest <= LONG_ANSWER_CHARACTERS:
        return "exact_match", f"short answers, at most {longest} characters"
    return "exact_match", (
        "answers are free texts, which hardly ever match word for word: "
        "write your own module:function, or expect accuracies near 0"
    )


def _estimated_tokens(example: DataExample) -> int:
    text = "".join(text for _, text in example.messages) + example.completion + example.tools
    n_ascii = sum(map(str.isascii, text))
    return math.ceil(n_ascii / 3 + 1.5 * (len(text) - n_ascii)) + TEMPLATE_TOKENS


def write_study_file(
    data: str, folder: str | Path, *, model: str = "smollm2", trials: int = 75, language: str = "en"
) -> str:
    """Text of a study file for a dataset, with a comment for each value.

    Args:
        data: a data file, a folder with train, validation and test files, or a hub id.
        folder: where the study file will stand; paths in it are relative to that folder.
        model: as in the study file.
        trials: the budget.
        language: of the record, en or zh.

    Raises:
        DataError: the data cannot be read.
    """
    seen = inspect_data(data, folder)
    lines = [
        f"study: {_name(data)}",
        f"model: {_scalar(model)}",
        "data:",
        *_data_lines(seen),
        _line(f"metric: {seen.metric[0]}", seen.metric[1]),
        "baseline:",
        *_baseline_lines(seen),
        "space:",
        *_space_lines(trials),
        _line("alpha_rule: proportional", "while lora_r varies, keep alpha/r; fixed keeps alpha"),
        _line(f"budget: {{trials: {trials}}}", "or hours: 8, or both"),
        _line("margin: 0.03", "differences of accuracy below 3 points do not matter to you"),
        _line("seed: 0", "everything random follows from it"),
        _line(f"report: {{language: {language}}}", "en or zh"),
    ]
    return "\n".join(lines) + "\n"


def _line(text: str, comment: str) -> str:
    return f"{text:<40} # {comment}"


def _data_lines(seen: Findings) -> list[str]:
    train = seen.rows["train"]
    keys = "/".join(train.keys)
    lines = [
        _line(f"  train: {_scalar(seen.sources['train'])}", f"{len(train.examples)} rows, {train.format} ({keys})")
    ]
    meaning = f"show differences of about {_detectable_points(seen)} points or more"
    if "validation" in seen.rows:
        lines.append(
            _line(
                f"  validation: {_scalar(seen.sources['validation'])}", f"{seen.n_validation} examples; they {meaning}"
            )
        )
    else:
        lines.append(
            _line(
                "  # validation: validation.jsonl",
                f"none found: about {seen.n_validation} rows are split off train; they {meaning}",
            )
        )
    if "test" in seen.rows:
        lines.append(
            _line(
                f"  test: {_scalar(seen.sources['test'])}",
                f"{len(seen.rows['test'].examples)} examples, opened once, at the end",
            )
        )
    else:
        lines.append(_line("  # test: test.jsonl", "none found: without one nothing is confirmed on fresh examples"))
    if seen.group:
        lines.append(_line(f"  group: {seen.group}", "accuracy is also reported by this field"))
    if seen.n_train > MANY_ROWS:
        lines.append(
            _line(
                f"  train_rows: {PART_ROWS}",
                f"of {seen.n_train}, drawn by the seed, to save time; remove it to train on all",
            )
        )
    return lines


def _detectable_points(seen: Findings) -> int:
    """The difference between two configurations that a usual first round finds with a chance of 80 %, in points."""
    n = max(1, seen.n_validation)  # of a single row nothing is split off
    m_treatment, m_control = USUAL_SEEDS
    design = ContrastDesign(
        n_examples=n,
        m_treatment=m_treatment,
        m_control=m_control,
        alpha=ERROR_SHARES[RoundKind.EXPLORE],
        n_comparisons=USUAL_COMPARISONS,
    )
    return max(1, round(100 * smallest_detectable_effect(design)))


def _baseline_lines(seen: Findings) -> list[str]:
    length = next((level for level in LENGTHS if level >= seen.longest_tokens), LENGTHS[-1])
    return [
        _line("  learning_rate: 2e-4", "what people start from; the study looks for better"),
        _line("  per_device_train_batch_size: 8", "times accumulation = rows an optimiser step"),
        _line("  gradient_accumulation_steps: 1", "how a batch is split over memory is found out; leave it"),
        _line("  num_train_epochs: 3", "passes over the training rows"),
        _line("  lora_r: 8", "rank of the adapter"),
        _line("  lora_alpha: 16", "acts as alpha/r"),
        _line("  lora_dropout: 0.05", "what many recipes start from"),
        _line(
            f"  max_length: {length}",
            f"the longest row has at most about {seen.longest_tokens} tokens; plan counts them",
        ),
    ]


def _space_lines(trials: int) -> list[str]:
    lines = [_line("  learning_rate: {low: 5e-5, high: 2e-3}", "a range; the planner places the levels")]
    if trials < FEW_TRIALS:
        return [*lines, _line("  lora_r: [8, 32]", f"few levels, because {trials} trials allow few comparisons")]
    return [
        *lines,
        _line("  lora_r: [8, 16, 32]", "a list of levels"),
        _line("  lora_dropout: [0, 0.05, 0.1]", "the baseline's own value is among them"),
        _line("  num_train_epochs: [2, 3, 4]", "each gets a learning rate of its own where the budget allows"),
    ]


def _name(data: str) -> str:
    path = Path(data)
    stem = path.name if path.is_dir() else path.stem
    generic = stem.casefold() in (*ROLE_NAMES["train"], "data", "")
    name = re.sub(r"[^\w-]+", "-", path.absolute().parent.name if generic else stem).strip("-_")[:64]
    return _scalar(name or "study")


def _scalar(text: str) -> str:
    """A text as YAML: plain where it cannot be taken for anything else, else in double quotes (JSON is YAML)."""
    is_plain = re.fullmatch(r"[A-Za-z_./][\w./@-]*", text) and text.casefold() not in _YAML_WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)
