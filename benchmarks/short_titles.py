"""Short Chinese news titles of a few topics, as rows that a recorded trial can learn in seconds.

    python -m benchmarks.short_titles DATA OUT [--topics 股票,社会,游戏] [--longest 18] [--validation 80]

DATA has train.jsonl and validation.jsonl with prompts that end in `标题：TITLE\\n类别：` and the topic as completion.
The rows of these topics whose title has at most so many characters are kept, in their order; the instruction before the
title is left out, since its tokens are most of a trial's cost. The last ones are OUT/validation.jsonl, the others
OUT/train.jsonl.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def short_titles(folder: Path, topics: list[str], longest: int) -> list[dict[str, str]]:
    """Rows {"prompt", "completion"} of these topics whose title has at most `longest` characters."""
    kept = []
    for split in ("train", "validation"):
        for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            title = row["prompt"].rpartition("标题：")[2].removesuffix("\n类别：")
            if row["completion"] in topics and len(title) <= longest:
                kept.append({"prompt": f"{title}\n类别：", "completion": row["completion"]})
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--topics", default="股票,社会,游戏")
    parser.add_argument("--longest", type=int, default=18, help="characters of a title")
    parser.add_argument("--validation", type=int, default=80, help="rows of validation.jsonl")
    arguments = parser.parse_args()
    rows = short_titles(arguments.data, arguments.topics.split(","), arguments.longest)
    arguments.out.mkdir(parents=True, exist_ok=True)
    cut = len(rows) - arguments.validation
    for split, part in (("train", rows[:cut]), ("validation", rows[cut:])):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (arguments.out / f"{split}.jsonl").write_text(text, encoding="utf-8")
    print(f"{cut} training rows, {arguments.validation} validation rows in {arguments.out}")


if __name__ == "__main__":
    main()
