"""How many data sets `init` reads as they are meant: every folder of a collection is judged by its expected.json.

    python -m benchmarks.layouts FOLDER             # one line a data set, and the figure
    python -m benchmarks.layouts FOLDER --quiet     # those that are not read as they are meant, and the figure
    python -m benchmarks.layouts FOLDER --only squad

A folder of the collection is one data set, as its files are downloaded, and an expected.json:

    {"data": "squad",                   # what is given to `init`, below the folder
     "loads": true,                     # or "needs_choice": asking and loading are both right; or false: to be refused
     "prompt_must_contain": ["..."],    # of the first row
     "must_not_be_in_prompt": ["..."],
     "completion": "...",               # or null
     "completion_any_of": ["..."],      # further answers that are right
     "loads_also_fair": [false]}        # further values of loads that are right, where the data leaves it open

Read is what `init` reads without being told more. Asked is a refusal with lines for `data:`, one of which reads the
rows as they are meant. Exit 1 where anything was read that is not meant.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tunebook.data import Reading, inspect_data
from tunebook.data.examples import DataExample
from tunebook.errors import UserError
from tunebook.escaping import one_line, shorten

__all__ = ["Judged", "judge_layout", "main"]

LINES = re.compile(r"data: (\{prompt: \".*?\", completion: \".*?\"\})")
GOOD = ("read", "asked", "refused rightly")
"""What is as it is meant."""
WRONG = ("WRONG", "CRASH", "read, to be refused")
SHOWN = 500


@dataclass(frozen=True)
class Judged:
    """What became of a data set: a kind, and what was read or said."""

    name: str
    kind: str
    said: str


def judge_layout(folder: Path) -> Judged:
    """Read a data set as `init` does and hold it against its expected.json.

    Raises:
        OSError, ValueError: there is no expected.json, or it is not JSON.
    """
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    source = str(folder / expected["data"])
    try:
        seen = inspect_data(source, folder)
    except UserError as error:
        return Judged(folder.name, *_refused(str(error), source, folder, expected))
    except Exception as error:  # what no reader should ever raise is a result here, and the others are judged still
        return Judged(folder.name, "CRASH", repr(error))
    train = seen.rows["train"]
    faults = _faults(train.examples[0], expected)
    is_read = True in _fair(expected) or "needs_choice" in _fair(expected)
    kind = "read, to be refused" if not is_read else "WRONG" if faults else "read"
    return Judged(folder.name, kind, "; ".join([*faults, _shown(train.examples[0]), f"not used: {train.unused}"]))


def _refused(message: str, source: str, folder: Path, expected: dict[str, Any]) -> tuple[str, str]:
    """The kind of a refusal, by what the lines in it read."""
    faults = []
    for line in LINES.findall(message):
        try:
            told = inspect_data(source, folder, told=Reading(**yaml.safe_load(line)))
        except UserError as error:
            faults.append(str(error))
            continue
        found = _faults(told.rows["train"].examples[0], expected)
        if not found and _fair(expected) != {False}:
            return "asked", message
        faults += found
    kind = "refused" if _fair(expected) == {True} else "refused rightly"
    return kind, "; ".join([message, *(f"BY A LINE: {fault}" for fault in faults)])


def _fair(expected: dict[str, Any]) -> set[Any]:
    return {expected["loads"], *expected.get("loads_also_fair", ())}


def _faults(example: DataExample, expected: dict[str, Any]) -> list[str]:
    """What of an example is not as it is meant."""
    prompt = "\n".join([*(text for _, text in example.messages), example.tools])
    wanted = [
        answer
        for answer in (expected.get("completion"), *(expected.get("completion_any_of") or []))
        if answer is not None
    ]
    given = (example.completion, *example.references)
    faults = [
        f"lacks {shorten(text, 40)!r}" for text in expected.get("prompt_must_contain") or [] if text not in prompt
    ]
    faults += [f"asks {shorten(text, 40)!r}" for text in expected.get("must_not_be_in_prompt") or [] if text in prompt]
    if wanted and not any(_is_same(want, answer) for want in wanted for answer in given):
        faults.append(f"answers {shorten(given[0], 60)!r}, meant {shorten(str(wanted[0]), 60)!r}")
    return faults


def _is_same(wanted: Any, given: str) -> bool:
    """Whether an answer is the text that is wanted, or its JSON."""
    text = wanted if isinstance(wanted, str) else json.dumps(wanted)
    if text.replace("\r", "").strip() == given.replace("\r", "").strip():
        return True
    try:
        return bool(json.loads(text) == json.loads(given))
    except ValueError:
        return False


def _shown(example: DataExample) -> str:
    return f"{shorten(example.prompt, 160)!r} -> {shorten(example.completion, 80)!r}"


def main(arguments: Sequence[str]) -> int:
    """Judge every data set of a folder, and print how many there are of each kind."""
    named = [text for text in arguments if not text.startswith("--")]
    only = named.pop() if "--only" in arguments else ""
    folders = sorted(path.parent for path in Path(named[0]).glob("*/expected.json") if only in path.parent.name)
    counts: Counter[str] = Counter()
    for folder in folders:
        judged = judge_layout(folder)
        counts[judged.kind] += 1
        if judged.kind not in GOOD[:1] or "--quiet" not in arguments:
            print(f"{judged.name}: {judged.kind}: {shorten(one_line(judged.said), SHOWN)}")
    good = sum(counts[kind] for kind in GOOD)
    print(
        f"{good} of {len(folders)} as they are meant: " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common())
    )
    return int(any(counts[kind] for kind in WRONG))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
