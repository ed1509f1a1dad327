"""Data files that are wrong, each in one way, and what must be said about them."""

from __future__ import annotations

import json

GOOD_ROWS = [{"prompt": f"What is {i} + {i}?", "completion": str(2 * i)} for i in range(10)]


def lines(*rows: object) -> bytes:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


def with_row(row: object, at: int = 7) -> bytes:
    """Ten good rows, with one of them (by line, from 1) replaced."""
    return lines(*GOOD_ROWS[: at - 1], row, *GOOD_ROWS[at:])


TURN = {"role": "user", "content": "Hello"}

BAD: dict[str, tuple[str, bytes, dict[str, object], list[str]]] = {
    "empty file": ("a.jsonl", b"", {}, ["a.jsonl: the file is empty"]),
    "only blank lines": ("a.jsonl", b"\n \n\n", {}, ["a.jsonl: the file is empty"]),
    "empty array": ("a.json", b"[]", {}, ["a.json: no rows in it"]),
    "csv with a header only": ("a.csv", b"prompt,completion\n", {}, ["a.csv: no rows in it"]),
    "UTF-16 without mark": (
        "a.jsonl",
        lines(*GOOD_ROWS).decode().encode("utf-16-le"),
        {},
        ["a.jsonl:1:", "UTF-16", "iconv"],
    ),
    "Cyrillic in another encoding": (
        "a.csv",
        ("prompt,completion\n" + "Что это за билет и куда мне с ним идти,метро\n" * 3).encode("cp1251"),
        {},
        ["a.csv:2: byte 0xd7 is not UTF-8"],
    ),
    "cut last line": ("a.jsonl", lines(*GOOD_ROWS)[:-20], {}, ["a.jsonl:10: the last line is cut off"]),
    "cut after a value": ("a.jsonl", lines(*GOOD_ROWS)[:-2], {}, ["a.jsonl:10: the last line is cut off"]),
    "a picture in a turn": (
        "a.jsonl",
        lines(
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x.png"}}]}, TURN]}
        ),
        {},
        ['a.jsonl:1: messages[0].content: found a part of type "image_url"; only texts are trained'],
    ),
    "broken line in the middle": (
        "a.jsonl",
        with_row('{"prompt": "x", completion: "y"}'),
        {},
        ["a.jsonl:7: not JSON at column"],
    ),
    "number on a line": ("a.jsonl", with_row(7), {}, ["a.jsonl:7: found 7; a row is a JSON object"]),
    "key twice": (
        "a.jsonl",
        with_row('{"prompt": "x", "prompt": "z", "completion": "y"}'),
        {},
        ['a.jsonl:7: key "prompt" stands twice'],
    ),
    "deeply nested": ("a.jsonl", with_row("[" * 100_000), {}, ["a.jsonl:7: not readable as JSON"]),
    "missing key": (
        "a.jsonl",
        with_row({"prompt": "What is 6 + 6?"}),
        {},
        ["a.jsonl:7: completion: found no such key", "every row has completion"],
    ),
    "null": (
        "a.jsonl",
        with_row({"prompt": "What?", "completion": None}),
        {},
        ["a.jsonl:7: completion: found null; must be a text or a number"],
    ),
    "number that is none": (
        "a.jsonl",
        with_row('{"prompt": "What?", "completion": NaN}'),
        {},
        ["a.jsonl:7: completion: found nan; must be a text or a number"],
    ),
    "object where text belongs": (
        "a.jsonl",
        with_row({"prompt": {"a": 1}, "completion": "x"}),
        {},
        ["a.jsonl:7: prompt: found {'a': 1}; must be a text or a number"],
    ),
    "list with an object in it": (
        "a.jsonl",
        with_row({"prompt": "What?", "completion": ["x", {}]}),
        {},
        ["a.jsonl:7: completion: found {}; must be a text or a number"],
    ),
    "no answer in a list": (
        "a.jsonl",
        with_row({"prompt": "What?", "completion": []}),
        {},
        ["a.jsonl:7: completion: found an empty list"],
    ),
    "pretraining": ("a.jsonl", lines({"text": "A whole page."}), {}, ["pretraining data"]),
    "preferences": (
        "a.jsonl",
        lines({"prompt": "a", "chosen": "b", "rejected": "c"}),
        {},
        ["preference data (DPO)", 'data: {prompt: "{prompt}", completion: "{chosen}"}'],
    ),
    "unpaired preferences": (
        "a.jsonl",
        lines({"prompt": "a", "completion": "b", "label": True}),
        {},
        ["preference data (KTO)"],
    ),
    "token ids": ("a.jsonl", lines({"input_ids": [1, 2], "labels": [1, 2]}), {}, ["tokens of some other model"]),
    "template with a column that a row lacks": (
        "a.jsonl",
        lines({"ticket": {"title": "a"}, "desk": "b"}, {"ticket": {}, "desk": "b"}),
        {"prompt": "{ticket.title}", "completion": "{desk}"},
        ['a.jsonl:2: ticket.title: found no such key, but the keys "ticket", "desk"'],
    ),
    "template with a list in the prompt": (
        "a.jsonl",
        lines({"words": ["a", 2], "desk": "c"}),
        {"prompt": "{words}", "completion": "{desk}"},
        ["a.jsonl:1: words: found ['a', 2]; must be a text or a number"],
    ),
    "key that is no option": (
        "a.jsonl",
        lines({"question": "a", "choices": ["x", "y"], "answer": 2}),
        {},
        ["a.jsonl:1: answer: found 2; must be one of A, B, the number of an option from 0 to 1, or its text"],
    ),
    "number without a name": (
        "a.jsonl",
        lines({"text": "a", "label": 1}, {"text": "b", "label": -1}),
        {"names": ("no", "yes")},
        ['a.jsonl:2: label: found "-1"; must be the number of one of the 2 names, from 0 (no) to 1 (yes)'],
    ),
    "empty completion": (
        "a.jsonl",
        with_row({"prompt": "What?", "completion": " \n"}),
        {},
        ["a.jsonl:7: completion: found an empty text"],
    ),
    "empty prompt": (
        "a.jsonl",
        with_row({"prompt": "", "completion": "x"}),
        {},
        ["a.jsonl:7: prompt: found an empty prompt"],
    ),
    "half a character": (
        "a.jsonl",
        with_row('{"prompt": "x\\ud83d", "completion": "y"}'),
        {},
        ["a.jsonl:7: prompt: found half a character (U+D83D) at position 1"],
    ),
    "unknown keys": (
        "a.jsonl",
        lines({"frage": "x", "antwort": "y"}),
        {},
        ['a.jsonl:1: found the keys "frage", "antwort"', 'data: {prompt: "{frage}", completion: "{antwort}"}'],
    ),
    "no keys": ("a.jsonl", lines({}), {}, ["a.jsonl:1: found no keys;"]),
    "csv named jsonl": ("a.jsonl", b"prompt,completion\nx,y\n", {}, ["a.jsonl:1:", "Is it a CSV file?"]),
    "jsonl named csv": ("a.csv", lines(*GOOD_ROWS), {}, ["a.csv:1:", "Is it JSON?"]),
    "text file": ("a.txt", b"hello", {}, ['the name ends in ".txt"', ".jsonl .ndjson .json .csv .tsv .parquet"]),
    "one object": (
        "a.json",
        json.dumps({"train": GOOD_ROWS, "test": GOOD_ROWS}, indent=1).encode(),
        {},
        ["a.json:1: found one object", 'Several lists stand in it ("train", "test")'],
    ),
    "array cut off": ("a.json", json.dumps(GOOD_ROWS, indent=1).encode()[:-4], {}, ["not JSON at column"]),
    "array without end": ("a.json", json.dumps(GOOD_ROWS, indent=1).encode()[:-1], {}, ["the array is cut off"]),
    "array without comma": (
        "a.json",
        b'[{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}]',
        {},
        ['a.json:2: found "{" between two rows'],
    ),
    "array with something after": ("a.json", json.dumps(GOOD_ROWS).encode() + b"\n[1]", {}, ["after the array"]),
    "array of texts": ("a.json", b'["a", "b"]', {}, ['a.json:1: found "a"; a row is a JSON object']),
    "array with a wrong row": (
        "a.json",
        json.dumps([*GOOD_ROWS[:3], {"prompt": "x"}], indent=0).encode(),
        {},
        ["a.json:14: completion: found no such key"],
    ),
    "csv with too many fields": (
        "a.csv",
        b"prompt,completion\na,b\nc,d,e\n",
        {},
        ["a.csv:3: found 3 fields; the header has 2"],
    ),
    "csv with an open quote": ("a.csv", b'prompt,completion\na,"b\n', {}, ["a.csv:2: not CSV"]),
    "csv with a column twice": (
        "a.csv",
        b"prompt,prompt,completion\na,b,c\n",
        {},
        ['a.csv:1: column "prompt" stands twice'],
    ),
    "csv with an empty completion": ("a.csv", b'prompt,completion\n"a\nb",c\nd,\n', {}, ["a.csv:4: completion"]),
    "csv with chats": ("a.csv", b"messages\n[1]\n", {}, ['a.csv:2: messages: found "[1]"; must be a list of turns']),
    "parquet that is none": ("a.parquet", b"PAR1 no", {}, ["a.parquet: not readable as Parquet"]),
    "empty parquet": ("a.parquet", b"", {}, ["a.parquet: the file is empty"]),
    "missing group": (
        "a.jsonl",
        lines(*({**row, "kind": "sum"} for row in GOOD_ROWS[:3]), GOOD_ROWS[3]),
        {"group": "kind"},
        ["a.jsonl:4: kind: found no such key", 'but the keys "prompt", "completion"'],
    ),
    "group that is null": (
        "a.jsonl",
        lines({**GOOD_ROWS[0], "kind": None}),
        {"group": "kind"},
        ["a.jsonl:1: kind: found null"],
    ),
    "format that does not fit": (
        "a.jsonl",
        lines(*GOOD_ROWS),
        {"format": "messages"},
        ["a.jsonl:1: messages: found no such key"],
    ),
    "chat without answer": (
        "a.jsonl",
        lines({"messages": [TURN]}),
        {},
        ["a.jsonl:1: messages: found no turn of the assistant"],
    ),
    "chat without turns": ("a.jsonl", lines({"messages": []}), {}, ["a.jsonl:1: messages: found []"]),
    "chat with an unknown role": (
        "a.jsonl",
        lines({"messages": [{"role": "robot", "content": "x"}]}),
        {},
        ['a.jsonl:1: messages[0].role: found "robot"'],
    ),
    "turn that is a text": ("a.jsonl", lines({"messages": ["x"]}), {}, ['messages[0]: found "x"; a turn has role']),
    "turn without text": (
        "a.jsonl",
        lines({"messages": [TURN, {"role": "assistant", "content": None}]}),
        {},
        ["a.jsonl:1: messages[1].content: found null; must be a text"],
    ),
    "chat that only answers": (
        "a.jsonl",
        lines({"messages": [{"role": "assistant", "content": "x"}]}),
        {},
        ["messages: found an empty prompt"],
    ),
    "tools that are no JSON": (
        "a.jsonl",
        lines({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}], "tools": "[{"}),
        {},
        ["a.jsonl:1: tools: found"],
    ),
    "alpaca with half a history": (
        "a.jsonl",
        lines({"instruction": "x", "output": "y", "history": [["a"]]}),
        {},
        ["a.jsonl:1: history[0]: found ['a']"],
    ),
    "alpaca with a wrong history": (
        "a.jsonl",
        lines({"instruction": "x", "output": "y", "history": 3}),
        {},
        ["a.jsonl:1: history: found 3"],
    ),
}
