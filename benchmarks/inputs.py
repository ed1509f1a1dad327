"""What happens with inputs as people hand them over: odd rows, templates, settings and records. Prints a table.

    python -m benchmarks.inputs            # every kind
    python -m benchmarks.inputs choice     # those whose name has this word

Each kind makes files of its own, does what `init`, `plan` (up to the measuring), `run` or `audit` would do, and looks
for what a user should be told or shown. Exit 1 when a kind does not go as it should.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.soak import make_simulated_study
from tunebook import Study
from tunebook.audit.api import audit_path
from tunebook.data import inspect_data, load_rows, study_file_text
from tunebook.errors import UserError
from tunebook.escaping import markdown_text, one_line, shorten
from tunebook.run.prepare import prepare
from tunebook.study_file import parse_study
from tunebook.testing.tiny_model import letter_tokenizer, write_letter_model
from tunebook.words import words_for

__all__ = ["KINDS", "Kind", "replay"]

Rows = Sequence[dict[str, Any]]
SPECIAL = ("<eos>", "<turn>", "<end>", "<bos>")
TURNS = "{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}<end>\n{% endfor %}"
ASK = "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
ALTERNATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('turns must alternate') }}{% endif %}{% endfor %}"
)
LABELS = ("billing", "network", "access")
STUDY = """\
study: kinds
model: ./model
data: {{train: train.jsonl{data}}}
metric: {metric}
baseline: {{learning_rate: 2e-4, lora_r: 4, lora_alpha: 8, max_length: 256{baseline}}}
space: {{learning_rate: {{low: 5e-5, high: 2e-3}}}}
design: one_factor
budget: {{trials: 14}}
"""


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        happens: does it in an empty folder; gives what the user is told or shown.
        wanted: texts that must all occur in that.
        unwanted: texts that must not.
    """

    name: str
    happens: Callable[[Path], str]
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ("null", "Traceback")


def pairs(before: str = "", after: str = "", labels: Sequence[str] = LABELS, n: int = 120, **more: Any) -> Rows:
    """Rows of questions and labels."""
    return [
        {"prompt": f"Ticket {i}: who takes it?", "completion": f"{before}{labels[i % len(labels)]}{after}", **more}
        for i in range(n)
    ]


def chats(*turns: dict[str, Any], n: int = 120, **more: Any) -> Rows:
    """Rows of one chat each; "?" in a text is the row's number, "!" its label."""
    return [
        {
            "messages": json.loads(json.dumps(turns).replace("?", str(i)).replace("!", LABELS[i % len(LABELS)])),
            **more,
        }
        for i in range(n)
    ]


def turn(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


ASKED, ANSWERED = turn("user", "Ticket ?"), turn("assistant", "!")


def _write(folder: Path, rows: Rows) -> None:
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def init(rows: Rows | bytes, name: str = "train.jsonl") -> Callable[[Path], str]:
    """What `init` makes of a file: form, first example, metric; or what it says."""

    def happens(folder: Path) -> str:
        if isinstance(rows, bytes):
            (folder / name).write_bytes(rows)
        else:
            _write(folder, rows)
        seen = inspect_data(str(folder / name), folder)
        spec = parse_study(study_file_text(seen, name, model="smollm2", trials=75, language="en"))
        read = load_rows(name, folder)
        first = read.examples[0]
        given = " | ".join(f"{role}: {text}" for role, text in first.messages)
        return f"{read.format}; {given} -> {first.completion!r}; metric {spec.metric}; engine {spec.engine}"

    return happens


def plan(
    rows: Rows, template: str | None = TURNS + ASK, *, metric: str = "exact_match", data: str = "", baseline: str = "",
    added: str = "",
) -> Callable[[Path], str]:  # fmt: skip
    """What `plan` checks and shows of a study on a tiny model: the example and the warnings; or what it says."""

    def happens(folder: Path) -> str:
        _write(folder, rows)
        tokenizer = letter_tokenizer(template, SPECIAL, "<eos>")
        n_rows = len(tokenizer)
        if added:
            tokenizer.add_tokens([added])
        write_letter_model(folder / "model", tokenizer, n_rows)
        file = folder / "study.yaml"
        file.write_text(STUDY.format(metric=metric, data=data, baseline=baseline), encoding="utf-8")
        study, words = Study.load(file), words_for("en")
        prepared = prepare(study.spec, study.paths)
        e = prepared.data.shown
        assert e is not None
        lines = words.plan_example(
            e.place, prompt=e.prompt, learnt=e.learnt, stops=e.stops, options=e.options, metric=metric
        )
        return "; ".join([*map(str.strip, lines), *map(words.notice, prepared.warnings)])

    return happens


def record(text: str, name: str = "notes.md") -> Callable[[Path], str]:
    """What `audit` makes of a hand-written record."""

    def happens(folder: Path) -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return audit_path(str(folder / name)).markdown()

    return happens


def go_on(folder: Path) -> str:
    """What `run` does with a simulated study that has ended: as it was, and with another metric."""
    file = make_simulated_study(folder, 6)
    Study.load(file).run()
    trained = Study.load(file).status().spent_trials
    Study.load(file).run()
    again = Study.load(file).status().spent_trials
    file.write_text(re.sub(r"(?m)^metric:.*$", "metric: contains", file.read_text("utf-8")), "utf-8")
    try:
        Study.load(file).run()
        refused = "taken"
    except UserError as error:
        refused = str(error)
    return f"{trained} trials, again {again}; {refused}"


def study_file(text: str) -> Callable[[Path], str]:
    """What is said of a study file."""

    def happens(folder: Path) -> str:
        parse_study(text, "study.yaml")
        return "taken"

    return happens


TOOLS = [{"name": "lookup", "parameters": {"ticket": {"type": "string"}}}]
CSV = "\ufeff问题,答案\n" + "".join(f"第{i}号的工单,{LABELS[i % 3]}\n" for i in range(60))
ATTACK = "yes\nengine: command\ncommand: [touch, started]\n#"
PLACES = """\
| Rank | Test Acc | LR | Rank | What it is |
|---|---|---|---|---|
| 1 | 60.00% | 3e-4 | 64 | Big rank |
| 2 | 67.50% | 9e-4 | 16 | High LR |
| 3 | 55.00% | 3e-4 | 16 | Baseline |
| 4 | 52.50% | 3e-4 | 8 | Small rank |

40 test examples. Learning rate 9e-4 is better than 3e-4.
"""
SCORES = """\
| Run | Learning rate | BLEU | ROUGE-L |
|---|---|---|---|
| Baseline | 1e-4 | 0.41 | 0.5 |
| a | 2e-4 | 0.43 | 0.6 |
"""
DIFFERENCES = "| Run | LR | Accuracy Diff |\n|---|---|---|\n| a | 1e-4 | -0.1 |\n| b | 2e-4 | 0.2 |\n"
ON_TRAINING = "| Run | LR | Training accuracy |\n|---|---|---|\n| a | 1e-4 | 85.0 |\n| b | 2e-4 | 96.0 |\n"
HEADED = "prompt,completion\n" + "".join(f"Ticket {i},{LABELS[i % 3]}\n" for i in range(60))
HEADLESS = "".join(f"Ticket {i} broke,{LABELS[i % 3]}\n" for i in range(60))
APART = """\
| Experiment | LoRA LR |
|---|---|
| Baseline | 2e-4 |
| Higher | 2e-2 |
| Lower | 2e-5 |

| Experiment | Accuracy |
|---|---|
| Baseline | 88.2% |
| Higher | 50.0% |
| Lower | 87.6% |
"""
BOTH = """\
测试集共 1068 条。

| 实验 | 学习率 | Dropout | 最佳验证集 Accuracy | 测试集 Accuracy |
|---|---|---|---|---|
| Baseline | 2e-4 | 0.1 | 81.6% | 82.02% |
| lr-1 | 1e-4 | 0.1 | 82.2% | 82.12% |
| Dropout-005 | 2e-4 | 0.05 | 82% | 83.15% |

- Dropout 降到 0.05 效果最好。
"""
TWICE = """\
| 实验 | 学习率 | Epoch | 验证准确率 |
|---|---|---|---|
| **原始** | 2e-4 | 3 | 75% |
| **原始** | 2e-4 | 6 | 73% |
| **修复1** | 5e-5 | 3 | 待测 |

训练 6 轮不如 3 轮。
"""
MEANS = """\
5 seeds each, 200 test questions

| lora_r | Accuracy (mean ± std) |
|---:|:---|
| 8 | 71.30 ± 1.20 |
| 16 | 72.10 ± 0.90 |
| 64 | 73.90 ± 0.80 |
"""
GRID = """\
# Accuracy on 300 held-out rows, by rank (rows) and learning rate (columns)

| rank \\ lr | 1e-5 | 1e-4 | 1e-3 |
|---|---|---|---|
| 4 | 61.0 | 70.3 | 66.7 |
| 16 | 62.3 | 71.7 | 65.3 |
"""
HTML = """\
<table><tr><th>lr</th><th>rank</th><th>accuracy</th></tr>
<tr><td rowspan="2">1e-4</td><td>8</td><td>70.5</td></tr><tr><td>32</td><td>72.0</td></tr></table>
"""
RUNS = """\
Name,State,learning_rate,lora_r,eval/accuracy
a,finished,1e-4,8,0.70
b,crashed,2e-4,8,
c,finished,3e-4,8,0.75
"""
NUMBERS = """\
| Run | LR | Accuracy |
|---|---|---|
| Baseline | 1e-4 | 85.0 |
| a | $5 \\times 10^{-4}$ | 86.0 |
| b | 1/2000 | 0.865 |
| c | 3e-4 | 86,5 |

On 200 test questions.
"""
FORMS = ("messages (turns", "instruction and output", "question/answer")

KINDS = (
    Kind("roles that the template refuses", plan(chats(turn("system", "s"), ASKED, ANSWERED), NO_SYSTEM + TURNS + ASK),
         ("train.jsonl:", "refuses these turns (system, user)", "no system turn")),
    Kind("tools, and a template without tools or system", plan(chats(ASKED, ANSWERED, tools=TOOLS), NO_SYSTEM + TURNS),
         ("takes no tools", "put into a system turn")),
    Kind("data.system, and a template without system",
         plan(pairs(), NO_SYSTEM + TURNS + ASK, data=', system: "Be brief."'), ("data.system: ", "Remove data.system")),
    Kind("two turns of the user in a row", plan(chats(ASKED, ASKED, ANSWERED), ALTERNATE + TURNS + ASK),
         ("refuses these turns (user, user)", "turns must alternate")),
    Kind("function_call without a text",
         init(chats(ASKED, turn("assistant", None, function_call={"name": "lookup", "arguments": "{}"}))),
         ("messages;", '"name": "lookup"')),
    Kind("answer of a tool", init([{"conversations": [
        {"from": "human", "value": f"Ticket {i}"}, {"from": "function_call", "value": "{}"},
        {"from": "observation", "value": "open"}, {"from": "gpt", "value": LABELS[i % 3]}]} for i in range(60)]),
        ("sharegpt;", "tool: open", "'billing'")),
    Kind("messages as JSON text", init([{"messages": json.dumps([ASKED, ANSWERED])}] * 60), ("user: Ticket ? -> '!'",)),
    Kind("preference data", init([{"prompt": "a", "chosen": "b", "rejected": "c"}] * 60),
         ("preference data", 'completion: "{chosen}"')),
    Kind("a text alone", init([{"text": "Ticket 1: billing"}] * 60), ('found the keys "text"', "pretraining data")),
    Kind("keys of one's own", init([{"ticket": "a", "desk": "b"}] * 60), ('found the keys "ticket", "desk"', *FORMS)),
    Kind("keys of two forms in a turn",
         init([{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "content": "b"}]}] * 60),
         ("conversations[1].value: found no such key", '"from", "content"')),
    Kind("content in parts", init(chats(turn("user", [{"type": "text", "text": "Ticket ?"}]), ANSWERED)),
         ("user: Ticket 0", "'billing'")),
    Kind("weight 0 in an earlier turn", init(chats(ASKED, turn("assistant", "x", weight=0), ASKED, ANSWERED)),
         ("assistant: x", "-> 'billing'")),
    Kind("weight 0 in the last turn",
         init(chats(ASKED, ANSWERED, turn("user", "Thanks"), turn("assistant", "x", weight=0))),
         ("user: Ticket 0 -> 'billing'",)),
    Kind("several answers", init([{"question": "a", "answers": {"text": ["b", "c"]}}] * 60), ("user: a -> 'b'",)),
    Kind("choices and answerKey", init([{"question": "a", "choices": ["b", "c"], "answerKey": "A"}] * 60),
         ("A. b", "-> 'A'")),
    Kind("instruction, input and label", init([{"instruction": "a", "input": "b", "label": "c"}] * 60),
         ("alpaca", "-> 'c'")),
    Kind("numbers as labels", init([{"text": "a", "label": 1}] * 60), ("user: a -> '1'",)),
    Kind("CSV of a spreadsheet, Chinese keys", init(CSV.encode(), "train.csv"),
         ("user: 第0号的工单 -> 'billing'", "metric choice")),
    Kind("thoughts before the answer", init(pairs(labels=[f"<think>\n{x}\n</think>\n\n{x}" for x in LABELS])),
         ("<think>", "metric choice")),
    Kind("answers that look like keys of a study file", init(pairs(labels=("no", ATTACK))), ("engine packed",)),
    Kind("few and fixed answers", init(pairs()), ("metric choice",)),
    Kind("options with a line break, metric choice", plan(pairs(after="\n"), metric="choice"),
         (r"learnt: billing\n<end>", r"3 options: billing\n<end>")),
    Kind("options with leading blanks, no template", plan(pairs(before="  "), None, metric="choice"),
         ("learnt:   billing<eos>", "3 options:   billing<eos>")),
    Kind("options that differ in case", plan(pairs(labels=("Access", "access", "billing")), metric="choice"),
         ("options that differ only in case or blanks", '"Access", "access"')),
    Kind("the end of a turn is not end-of-text", plan(pairs()), ("learnt: billing<end>", "up to <end> or <eos>")),
    Kind("a template that writes bos", plan(pairs(), "<bos>" + TURNS + ASK),
         ("prompt: <bos><turn>user",), ("<bos><bos>",)),
    Kind("tokens beyond the embedding",
         plan([*pairs(), {"prompt": "<TICKET> 7", "completion": "access"}], added="<TICKET>"),
         ('token "<TICKET>" is number 260', "260 rows of embeddings (0 to 259)")),
    Kind("a layer that the model has not", plan(pairs(), baseline=", target_modules: [q_proj, w_pack]"),
         ('"w_pack" matches no linear module', "down_proj, gate_proj")),
    Kind("the embedding as a layer", plan(pairs(), baseline=", target_modules: [embed_tokens]"),
         ('"model.embed_tokens", which is no linear module',)),
    Kind("the output head as a layer", plan(pairs(), baseline=", target_modules: [q_proj, lm_head]"),
         ("engine packed refuses some configurations", "lm_head", "engine peft trains them")),
    Kind("a prompt beyond the context", plan([{**row, "prompt": row["prompt"] * 30} for row in pairs()]),
         ("the model's context is 512", "no answer can be learnt")),
    Kind("a name that holds a command", init(HEADED.encode(), "a'b; touch x #.csv"),
         ("prompt_completion", "engine packed")),
    Kind("lines that end as on Windows, with a mark of byte order",
         init(b"\xef\xbb\xbf" + "".join(json.dumps(row) + "\r\n" for row in pairs()).encode()), ("'billing'",)),
    Kind("lines that end in carriage returns", init(CSV.replace("\n", "\r").encode(), "train.csv"), ("第0号的工单",)),
    Kind("a file in GBK", init(CSV.lstrip("\ufeff").encode("gbk"), "train.csv"),
         ("user: 第0号的工单", "metric choice")),
    Kind("a compressed file", init(gzip.compress(CSV.encode()), "train.csv"), ("user: 第0号的工单", "metric choice")),
    Kind("an archive", init(b"PK\x03\x04", "train.zip"), ('ends in ".zip"', "Unpack it")),
    Kind("CSV without a header", init(HEADLESS.encode(), "a.csv"),
         ('found "billing" as the name of a column', "looks like a row")),
    Kind("an empty file", init(b"\n"), ("the file is empty",)),
    Kind("the study again, and asked something else", go_on, ("6 trials, again 6;", "metric", "begun")),
    Kind("a place beside the rank", record(PLACES),
         ("Place in the ranking: Rank", "#3, with learning rate 3e-4 and rank 16", "#2 against #3")),
    Kind("a score that is no share of right answers", record(SCORES), ("a score, higher is better: order only",)),
    Kind("settings in one table, results in another", record(APART), ("joined with the settings on line", "2e-2")),
    Kind("differences instead of results", record(DIFFERENCES), ('"Accuracy Diff" holds differences',)),
    Kind("validation and test accuracy, Chinese", record(BOTH), ("结果：**测试集 Accuracy**", "dropout 0.05"),
         ("缺少的编号",)),
    Kind("one label twice, planned rows", record(TWICE), ("原始 (2) 与 原始 之差：-2 个百分点", "不算实验：修复1")),
    Kind("means of seeds", record(MEANS), ("Accuracy (mean ± std)", "200")),
    Kind("a grid of rank by rate", record(GRID), ("a grid of rank and learning rate", "16 / 1e-4 (71.7 %)")),
    Kind("a table in HTML", record(HTML), ("Result: **accuracy**", "rank 32")),
    Kind("runs of another tool as CSV", record(RUNS, "runs.csv"),
         ("Result: **eval/accuracy**", "b (table on line 1)", "the run did not finish")),
    Kind("numbers as people write them", record(NUMBERS), ("learning rate 5e-4", "86.5 %"), ("0.9 %",)),
    Kind("training accuracy alone", record(ON_TRAINING), ("no share of held-out examples",)),
    Kind("keys of another tool", study_file(STUDY.format(metric="exact_match", data=", cutoff_len: 512", baseline="")),
         ("study.yaml:3: data.cutoff_len",)),
)  # fmt: skip


def replay(kind: Kind, folder: Path) -> tuple[str, bool]:
    """(what happens, whether it is as it should)."""
    try:
        told = kind.happens(folder)
    except UserError as error:
        told = str(error)
    right = all(text in told for text in kind.wanted) and not any(text in told for text in kind.unwanted)
    return told, right


def main(only: Sequence[str]) -> int:
    wrong = 0
    print("| kind | what happens | as it should |\n|---|---|---|")
    for kind in KINDS:
        if only and not any(word in kind.name for word in only):
            continue
        with tempfile.TemporaryDirectory() as name:
            told, right = replay(kind, Path(name))
        wrong += not right
        cells = [markdown_text(kind.name), markdown_text(shorten(one_line(told), 200)), "yes" if right else "NO"]
        print(f"| {' | '.join(cells)} |")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
