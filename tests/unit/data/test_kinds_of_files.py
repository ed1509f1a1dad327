"""Files as people download them, with what lies beside them: read as they are meant, by the command that judges it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.layouts import judge_layout, main

N = 30
ASK = [f"Could you say why parcel {i} was late again this week?" for i in range(N)]
SAY = [f"Parcel {i} was handed over on day {i}, and nobody looked at it before the weekend came." for i in range(N)]
KIND = [("late", "lost", "broken")[(i * 7 + i // 5) % 3] for i in range(N)]
NUMBER = [{"late": 0, "lost": 1, "broken": 2}[kind] for kind in KIND]
ZH = [f"请问第{i}号订单的快递为什么还没有处理好？" for i in range(N)]


@dataclass(frozen=True)
class Kind:
    """Files by name, the first of which (or its folder) is given; `more` is what expected.json says besides."""

    files: dict[str, Any]
    asked: tuple[str, ...] = (ASK[0],)
    answer: str = SAY[0]
    more: dict[str, Any] = field(default_factory=dict)


def rows(row: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    return [row(i) for i in range(N)]


def table(mark: str, *columns: list[Any], head: str = "") -> str:
    return head + "".join(mark.join(map(str, cells)) + "\n" for cells in zip(*columns, strict=True))


PAIRS = rows(lambda i: {"question": ASK[i], "answer": SAY[i]})
LABELLED = rows(lambda i: {"text": ASK[i], "label": NUMBER[i]})
CARD = (
    "---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
    "          '0': late\n          '1': lost\n          '2': broken\n---\n# Parcels\n"
)
KINDS = {
    "rows under a key": Kind({"a.json": {"version": "1", "data": PAIRS}}),
    "rows by their ids": Kind({"a.json": {f"q{i}": row for i, row in enumerate(PAIRS)}}),
    "columns": Kind({"a.json": {"question": ASK, "answer": SAY}}),
    "columns by numbers": Kind({"a.json": {"question": dict(enumerate(ASK)), "answer": dict(enumerate(SAY))}}),
    "articles, paragraphs, questions": Kind(
        {
            "a.json": {
                "version": "2",
                "data": [
                    {"title": "t", "paragraphs": [{"context": SAY[i], "qas": [{"question": ASK[i], "id": str(i),
                     "answers": [{"text": f"day {i}", "answer_start": 3}] if i != 5 else []}]}]}
                    for i in range(N)
                ],
            }
        },
        (ASK[0], SAY[0]),
        "day 0",
    ),
    "several lists": Kind({"a.json": {"train": PAIRS, "test": PAIRS}}, more={"loads": False}),
    "packed": Kind({"d/train.jsonl.gz": PAIRS, "d/test.jsonl.gz": PAIRS}),
    "fastText": Kind({"a.txt": "".join(f"__label__{k} {a}\n" for k, a in zip(KIND, ASK, strict=True))}, answer=KIND[0]),
    "a text with tabs and a header": Kind({"a.txt": table("\t", ASK, KIND, head="text\tlabel\n")}, answer=KIND[0]),
    "a text with semicolons": Kind({"a.txt": table(";", ASK, KIND)}, more={"loads": False}),
    "a table without a header": Kind({"a.tsv": table("\t", ASK, ASK[1:] + ASK[:1], NUMBER)}, more={"loads": False}),
    "a tag for each token": Kind(
        {"a.txt": "".join(f"Ann\tB\nsleeps\tO\n{word}\tO\n\n" for word in KIND)}, more={"loads": False}
    ),
    "quotes in a table with tabs": Kind(
        {"a.tsv": table("\t", ['"Late" again, ' + ask for ask in ASK], KIND, head="text\tlabel\n")},
        ('"Late" again',),
        KIND[0],
    ),
    "a list of names": Kind({"d/train.jsonl": LABELLED, "d/classes.txt": "late\nlost\nbroken\n"}, answer=KIND[0]),
    "a list of names for numbers from 1": Kind(
        {
            "d/train.jsonl": [row | {"label": row["label"] + 1} for row in LABELLED],
            "d/classes.txt": "late\nlost\nbroken\n",
        },
        answer=KIND[0],
    ),
    "a list that names something else": Kind({"d/train.jsonl": PAIRS, "d/labels.txt": "late\nlost\n"}),
    "names in the card": Kind({"d/train.jsonl": LABELLED, "d/README.md": CARD}, answer=KIND[0]),
    "labels kept back": Kind(
        {"d/train.jsonl": LABELLED, "d/test.jsonl": [row | {"label": -1} for row in LABELLED], "d/README.md": CARD},
        answer=KIND[0],
    ),
    "an index without a name": Kind(
        {"a.csv": table(",", range(N), ASK, KIND, head=",statement,status\n")}, answer=KIND[0]
    ),
    "a title and a text": Kind(
        {"a.jsonl": rows(lambda i: {"title": f"Claim {i} about parcels", "text": SAY[i], "label": KIND[i]})},
        ("Claim 0", SAY[0]),
        KIND[0],
    ),
    "marks around the same text": Kind(
        {"a.jsonl": rows(lambda i: {"id": i, "body": ASK[i], "body_html": f"<p>{ASK[i]}</p>", "category": KIND[i]})},
        answer=KIND[0],
        more={"must_not_be_in_prompt": ["<p>"]},
    ),
    "addresses and dates": Kind(
        {"a.jsonl": rows(lambda i: {"from": f"a{i}@b.org", "subject": f"About parcel {i} again", "body": SAY[i],
                                    "sent_at": f"2024-01-{i + 1:02d} 10:00", "priority": KIND[i]})},
        ("About parcel 0", SAY[0]),
        KIND[0],
    ),
    "names in Chinese": Kind(
        {"a.csv": table(",", range(N), KIND, ZH, SAY_ZH := [f"第{i}号订单已经转给负责的同事。" for i in range(N)],
                        head="序号,分类,用户问题,标准答案\n")},
        (ZH[0],),
        SAY_ZH[0],
    ),
    "what was said before": Kind(
        {"a.jsonl": rows(lambda i: {"query": ASK[i], "response": SAY[i], "history": [["Hello?", "Good day."]]})},
        ("Hello?", "Good day.", ASK[0]),
    ),
    "a system message in other letters": Kind(
        {"a.jsonl": rows(lambda i: {"systemPrompt": "Be brief.", "userPrompt": ASK[i], "assistantResponse": SAY[i]})},
        ("Be brief.", ASK[0]),
    ),
    "a system message in a turn": Kind(
        {"a.jsonl": rows(lambda i: {"conversation": [{"system": "Be brief.", "input": ASK[i], "output": SAY[i]}]})},
        ("Be brief.", ASK[0]),
    ),
    "a question with its options inside": Kind(
        {"a.jsonl": rows(lambda i: {"question": {"stem": ASK[i], "choices": [{"text": "rain", "label": "A"},
                                    {"text": "snow", "label": "B"}]}, "answerKey": "AB"[i % 2]})},
        (ASK[0], "rain", "snow"),
        "A",
    ),
    "marked turns": Kind(
        {"a.jsonl": rows(lambda i: {"text": f"<s>[INST] <<SYS>>Be brief.<</SYS>> {ASK[i]} [/INST] {SAY[i]} </s>"})},
        ("Be brief.", ASK[0]),
        more={"must_not_be_in_prompt": ["INST", "SYS"]},
    ),
    "marked parts": Kind(
        {"a.jsonl": rows(lambda i: {"text": f"Below is a task.\n### Instruction:\n{ASK[i]}\n### Input:\nnow\n"
                                            f"### Response:\n{SAY[i]}"})},
        ("Below is a task.", ASK[0], "now"),
        more={"must_not_be_in_prompt": ["###"]},
    ),
    "a short name and what it stands for": Kind(
        {"a.csv": table(";", [f"Actor {i}" for i in range(N)], [say * 3 for say in SAY], head="act;prompt\n")},
        ("Actor 0",),
        SAY[0] * 3,
        {"loads": "needs_choice"},
    ),
    "a question, its answer and a topic": Kind(
        {"a.jsonl": rows(lambda i: {"title": ZH[i], "content": ZH[i].rstrip("？") * 3, "topic": KIND[i]})},
        (ZH[0],),
        ZH[0].rstrip("？") * 3,
        {"loads": "needs_choice"},
    ),
}  # fmt: skip


def written(kind: Kind, folder: Path) -> Path:
    for name, content in kind.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str):
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
            content = json.dumps(content, ensure_ascii=False, indent=1) if path.suffix == ".json" else lines
        path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    expected = {
        "data": next(iter(kind.files)).split("/")[0], "loads": True, "prompt_must_contain": kind.asked,
        "completion": kind.answer,
    }  # fmt: skip
    (folder / "expected.json").write_text(json.dumps(expected | kind.more, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_files_are_read_as_they_are_meant(name: str, tmp_path: Path) -> None:
    judged = judge_layout(written(KINDS[name], tmp_path))
    wanted = {True: "read", False: "refused rightly", "needs_choice": "asked"}[KINDS[name].more.get("loads", True)]
    assert judged.kind == wanted, judged.said


def test_the_command_counts_and_fails_where_something_is_read_wrongly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    written(KINDS["columns"], tmp_path / "good")
    written(Kind(KINDS["columns"].files, answer="something else"), tmp_path / "bad")
    assert main([str(tmp_path), "--quiet"]) == 1
    said = capsys.readouterr().out
    assert "bad: WRONG: answers" in said
    assert "good:" not in said
    assert "1 of 2 as they are meant: 1 WRONG, 1 read" in said
    assert main([str(tmp_path), "--only", "good"]) == 0
