"""Tables of known trials in random published layouts: whatever the audit reads of them must be right.

    python -m benchmarks.audit_layouts [--records 300] [--seed 0] [--keep FOLDER]

Each record is made up from a random table of trials, a layout (a row a trial, changes in words, a grid, two tables to
be joined, a column a trial, one table a factor; Markdown, HTML, LaTeX or CSV), headers and ways to write numbers, among
them some that the audit does not know, columns that are no settings, and sentences. Prints how much was read and every
reading that is wrong; what is not read, or refused, is no mistake. `--keep` writes the records with a misreading.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.audit_collection import WHAT, Score, score_record

Settings = dict[str, Any]

LEVELS: dict[str, tuple[Any, ...]] = {
    "learning_rate": (5e-5, 1e-4, 2e-4, 5e-4, 1e-3),
    "lora_r": (4, 8, 16, 32, 64),
    "lora_alpha": (8, 16, 32, 64),
    "num_train_epochs": (1, 2, 3, 5),
    "lora_dropout": (0, 0.05, 0.1),
    "per_device_train_batch_size": (4, 8, 16),
    "warmup_steps": (0, 50, 100),
    "weight_decay": (0, 0.01, 0.1),
}
HEADERS = {  # English, Chinese
    "learning_rate": ("lr|LR|Learning rate|learning_rate|peak lr|step size|η", "学习率|lr|学习速率|步长|学习率 (lr)"),
    "lora_r": ("r|rank|Rank|LoRA rank|lora_r|LoRA r|bottleneck dim", "秩|r|LoRA秩|rank|秩 (r)|低秩维度"),
    "lora_alpha": ("alpha|α|lora_alpha|LoRA alpha|Alpha|scaling", "alpha|α|缩放系数|缩放因子"),
    "num_train_epochs": ("epochs|Epochs|num_train_epochs|ep|training epochs|passes", "轮数|训练轮数|epoch|epochs|遍数"),
    "lora_dropout": ("dropout|Dropout|lora_dropout|LoRA dropout|drop rate", "dropout|丢弃率|随机失活"),
    "per_device_train_batch_size": ("batch size|bs|Batch|batch_size|BS", "batch size|批大小|批次大小|bs"),
    "warmup_steps": ("warmup|warmup steps|warm-up", "warmup|预热步数"),
    "weight_decay": ("weight decay|wd|weight_decay|WD", "权重衰减|wd|weight decay"),
}
RESULTS = ("Accuracy|acc|Test acc|test accuracy|Acc (test)|Exact match", "准确率|测试准确率|acc|正确率|测试集准确率")
LABELS = ("Run|run|Exp|id|Trial|Name||#", "编号|实验|名称|序号|组别||run")
OTHERS = {  # header to role ("" for none) and cells
    "Val acc|验证准确率": ("other_result", "score"),
    "eval loss|验证 loss": ("other_result", "loss"),
    "train loss|训练 loss": ("", "loss"),
    "time (h)|耗时（h）": ("", "hours"),
    "GPU mem (GB)|显存（GB）": ("", "hours"),
    "trainable params|可训练参数量": ("", "params"),
    "optimizer|优化器": ("setting", "optimizer"),
    "sec/epoch|每轮秒数": ("", "count"),
    "tokens/s|吞吐": ("", "count"),
    "date|日期": ("", "date"),
    "wall-clock|墙钟时间": ("", "clock"),
    "best step|最佳步": ("", "count"),
    "worker|负责人": ("", "people"),
    "Place|名次": ("place", "place"),
    "seed|种子": ("", "constant"),
    "Δ acc|较上一行": ("difference", "signed"),
    "macro-F1|宏平均F1": ("other_result", "loss"),
    "notes|备注": ("", "remarks"),
    "examples/s|样本每秒": ("", "count"),
    "adapter size (MB)|权重大小（MB）": ("", "hours"),
    "final step|最终步数": ("", "count"),
    "perplexity|困惑度": ("other_result", "loss"),
    "cost ($)|电费（元）": ("", "hours"),
    "epochs done|已训轮数": ("", "small"),
    "max grad norm|梯度裁剪": ("max_grad_norm", "constant"),
    "train samples|训练样本数": ("setting", "count"),
}
FAILURES = ("NaN|diverged|failed|loss exploded", "NaN|发散|失败|训练崩了")
PENDING = ("TBD|?|queued|running", "待测|?|排队中|未跑")
SAID = {  # template to reading; {a}, {b} are levels or labels, {f} a factor's word
    "level": (
        "{f} {a} is better than {b}.|{f} {a} outperforms {f} {b}.|Going from {f} {b} to {a} helps.|"
        "{a} beats {b} for {f}.",
        "{f} {a} 比 {b} 好。|{f} {a} 优于 {f} {b}。|把{f}从 {b} 提到 {a} 有提升。|{f}取 {a} 要好过 {b}。",
    ),
    "worse": (
        "{f} {a} is worse than {b}.|{f} {a} underperforms {b}.|Compared with {f} {b}, {f} {a} hurts.",
        "{f} {a} 不如 {b}。|{f} {a} 比 {b} 差。|与{f} {b} 相比，{f} {a} 更差。",
    ),
    "none": (
        "{f} {a} is no better than {b}.|{f} {a} does not beat {f} {b}.|Going from {f} {b} to {a} brought nothing.",
        "{f} {a} 没有比 {b} 更好。|{f} {a} 并不比 {b} 好。|{f}从 {b} 提到 {a}，没有带来提升。",
    ),
    "trend": (
        "Higher {f} is better.|The larger the {f}, the better.|More {f} always wins.",
        "{f}越大越好。|{f}越高，效果越好。|增大{f}总有好处。",
    ),
    "best": (
        "{t} is the best.|The best run is {t}.|{t} scored highest.|Nothing beats {t}.",
        "{t} 最好。|最佳的是 {t}。|{t} 的准确率最高。|没有哪个超过 {t}。",
    ),
    "open": (  # claims that must be listed and not read as anything
        "{f} {a} may be better than {b}.|If data were larger, {f} {a} would win.|Others report that {f} {a} beats {b}.|"
        "{f} {a} is better than {b} only with long texts.|{f} {a} is faster than {b}.|We expected {f} {a} to beat {b}.|"
        "I doubt that {f} {a} is better than {b}.|{f} {a} is better than {b} on the training set.|"
        "It is not true that {f} {a} is better than {b}.|Is {f} {a} better than {b}? Hardly.|"
        "{f} {a} is better than {b}, except at high rates.|{f} {a} nearly beats {b}.",
        "{f} {a} 可能比 {b} 好。|如果数据更多，{f} {a} 会更好。|有人说 {f} {a} 比 {b} 好。|"
        "只有长文本上 {f} {a} 才比 {b} 好。|"
        "{f} {a} 比 {b} 快。|原以为 {f} {a} 会比 {b} 好。|很难说 {f} {a} 比 {b} 好。|{f} {a} 在训练集上比 {b} 好。|"
        "并不是 {f} {a} 比 {b} 好。|{f} {a} 差点就比 {b} 好了。|除了高学习率，{f} {a} 都比 {b} 好。",
    ),
}


@dataclass
class World:
    """The trials of a record, and how they are written."""

    rng: random.Random
    chinese: bool = field(init=False)
    factors: list[str] = field(init=False)
    trials: list[Settings] = field(init=False)
    scores: list[float | str] = field(init=False)  # "failed", "pending", or in [0, 1]

    def __post_init__(self) -> None:
        rng = self.rng
        self.chinese = rng.random() < 0.5
        self.factors = rng.sample(list(LEVELS), rng.randint(2, 4))
        self.levels = {name: sorted(rng.sample(LEVELS[name], min(3, len(LEVELS[name])))) for name in self.factors}
        self.base = {name: rng.choice(levels) for name, levels in self.levels.items()}
        self.headers = {name: self.one(HEADERS[name]) for name in self.factors}
        self.percent, self.places = rng.random() < 0.7, rng.choice((1, 1, 2))
        self.style = rng.choice(("sign", "sign", "bare", "spread"))
        self.rate = rng.choice(("plain", "e", "e", "times", "tex", "upper", "fraction"))

    def one(self, words: Sequence[str]) -> str:
        return self.rng.choice(words[self.chinese].split("|"))

    def draw(self, trials: Sequence[Settings], odd: bool = True) -> None:
        """Results of these trials, some of them failed or still to come where `odd`."""
        self.trials = list(trials)
        share = [round(self.rng.uniform(0.5, 0.9), 2 + self.places) for _ in trials]
        self.scores = [*share]
        for i in range(2, len(trials)):
            roll = self.rng.random() if odd else 1.0
            self.scores[i] = "failed" if roll < 0.1 else "pending" if roll < 0.15 else share[i]

    def one_factor(self) -> list[Settings]:
        """The baseline and trials that each change one factor, now and then two."""
        found = [self.base]
        for name in self.factors:
            found += [{**self.base, name: level} for level in self.levels[name] if level != self.base[name]]
        both = {**self.base, **{n: self.rng.choice(self.levels[n]) for n in self.factors[:2]}}
        found = [found[0], *self.rng.sample(found[1:], min(len(found) - 1, 6)), both]
        return [t for i, t in enumerate(found) if t not in found[:i]]

    def level(self, name: str, level: Any) -> str:
        if name != "learning_rate":
            return f"{level}"
        digits, exponent = f"{level:.0e}".split("e")
        power = int(exponent)
        raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        styles = {
            "plain": f"{level:.6f}".rstrip("0"),
            "e": f"{digits}e{power}",
            "upper": f"{digits}E{exponent}",
            "times": f"{digits}×10{raised}",
            "tex": f"${digits}\\times 10^{{{power}}}$",
            "fraction": f"1/{1 / level:.0f}",
        }
        return styles[self.rate]

    def score(self, score: float | str) -> str:
        if score == "failed":
            return self.one(FAILURES)
        if score == "pending":
            return self.one(PENDING)
        assert isinstance(score, float)
        number = f"{100 * score:.{self.places}f}" if self.percent else f"{score:.{2 + self.places}f}"
        number += {"sign": "%" * self.percent, "bare": "", "spread": " ± " + ("0.4", "0.004")[not self.percent]}[
            self.style
        ]
        return f"**{number}**" if score == max(s for s in self.scores if isinstance(s, float)) else number


@dataclass
class Written:
    """A record's text so far, with its right reading."""

    text: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Settings] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    hard: list[int] = field(default_factory=list)
    suffix: str = ".md"

    def add(self, *lines: str) -> None:
        self.text += "".join(f"{line}\n" for line in lines) + "\n"


def render(rng: random.Random, header: Sequence[str], rows: Sequence[Sequence[str]], only: str = "") -> str:
    """A table in Markdown, HTML, LaTeX or between commas."""
    how = only or rng.choice(("pipe", "pipe", "pipe", "html", "latex"))
    if how == "pipe":
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    if how == "html":
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
        return "<table>\n<tr>" + "".join(f"<th>{h}</th>" for h in header) + f"</tr>\n{body}</table>"
    if how == "latex":
        escaped = [[cell.replace("%", "\\%").replace("#", "\\#") for cell in row] for row in (header, *rows)]
        lines = [" & ".join(row) + " \\\\" for row in escaped]
        return "\\begin{tabular}{" + "c" * len(header) + "}\n\\hline\n" + lines[0] + "\n\\hline\n" + "\n".join(
            lines[1:]
        ) + "\n\\end{tabular}"  # fmt: skip
    return "\n".join(",".join(row) for row in (header, *rows))


def _labels(world: World, n: int) -> list[str]:
    form = world.rng.choice(("A{}", "exp{}", "run-{}", "{}", "v{}", "E-0{}"))
    return [form.format(i + 1) for i in range(n)]


def _others(world: World, n: int) -> dict[str, tuple[str, list[str]]]:
    """Columns beside the settings: header to role and cells."""
    rng, found = world.rng, dict[str, tuple[str, list[str]]]()
    people = ("Ann", "Bo", "Cy") if not world.chinese else ("小王", "小李", "老张")
    for words in rng.sample(list(OTHERS), rng.randint(0, 3)):
        role, kind = OTHERS[words]
        fill: dict[str, Callable[[int], str]] = {
            "score": lambda i: world.score(round(rng.uniform(0.3, 0.49), 2 + world.places)),
            "loss": lambda i: f"{rng.uniform(0.3, 1.5):.3f}",
            "hours": lambda i: f"{rng.uniform(1, 30):.1f}",
            "params": lambda i: f"{rng.choice((2.1, 4.2, 8.4))}M",
            "optimizer": lambda i: ("adamw", "lion")[i % 2],
            "count": lambda i: str(rng.choice((187, 188, 189, 400))),
            "date": lambda i: f"03-{10 + i}",
            "clock": lambda i: f"0{rng.randint(1, 3)}:{rng.randint(10, 59)}",
            "people": lambda i: people[i % 3],
            "place": lambda i: str(i + 1),
            "constant": lambda i: "1",
            "signed": lambda i: f"{rng.uniform(-3, 3):+.1f}" if i else "",
            "remarks": lambda i: rng.choice(("", "", "restarted once", "机器重启过", "ok")),
            "small": lambda i: f"{rng.uniform(1, 3):.2f}",
        }
        found[words.split("|")[world.chinese]] = (role, [fill[kind](i) for i in range(n)])
    return found


def _expect(world: World, written: Written, labels: Sequence[str], trials: Sequence[Settings]) -> None:
    for label, trial, score in zip(labels, trials, world.scores, strict=True):
        if score != "pending":
            written.rows[label] = {**trial, "result": score}


def columns(world: World, written: Written) -> list[str]:
    """A row a trial, settings in columns, in any order, with columns that are neither."""
    rng = world.rng
    world.draw(world.one_factor())
    n = len(world.trials)
    labels, head, result = _labels(world, n), world.one(LABELS), world.one(RESULTS)
    table = {head: ("trial", labels)} if head else {}
    comma = rng.random() < 0.15 and world.rate != "tex"
    last = rng.random() < 0.1  # the labels stand behind
    settings = {world.headers[f]: (f, [world.level(f, t[f]) for t in world.trials]) for f in world.factors}
    others = _others(world, n)
    middle = [*settings.items(), *others.items(), (result, ("result", [world.score(s) for s in world.scores]))]
    rng.shuffle(middle)
    table = {**dict(middle), **table} if last else {**table, **dict(middle)}
    fixed = {}
    if "lora_alpha" not in world.factors and rng.random() < 0.3:
        fixed = {"lora_alpha": 16}
        written.add(("All runs use alpha = 16.", "所有实验均用 alpha=16。")[world.chinese])
    written.columns = {header: role for header, (role, _) in table.items() if role}
    if not comma:
        _leave_out(world, written, table)
    rows = list(zip(*(cells for _, cells in table.values()), strict=True))
    if comma:
        written.text, written.suffix, fixed = "", ".csv", {}
        written.text = render(rng, list(table), rows, "comma") + "\n"
    else:
        written.add(render(rng, list(table), rows))
    labels = labels if head else [str(i + 1) for i in range(n)]
    _expect(world, written, labels, [{**t, **fixed} for t in world.trials])
    return labels if head and not comma else []


def _leave_out(world: World, written: Written, table: dict[str, tuple[str, list[str]]]) -> None:
    """Settings that repeat those above as ditto marks, or those of the baseline as empty cells with a note."""
    rng, how = world.rng, world.rng.random()
    mark = rng.choice(('"', "〃", "同上", "ditto", "″")) if how < 0.15 else ""
    if 0.15 <= how < 0.3:
        note = (
            "空着的格子与基线相同；第一行是基线。"
            if world.chinese
            else "Empty cells: as in the baseline, the first row."
        )
        written.add(note)
    for name in world.factors if how < 0.3 else ():
        cells = table[world.headers[name]][1]
        same = [i and cells[i] == cells[i - 1 if mark else 0] for i in range(len(cells))]
        cells[:] = [mark if same[i] else cell for i, cell in enumerate(cells)]


def changes(world: World, written: Written) -> list[str]:
    """The baseline in a sentence, and a description of what each trial changes."""
    world.headers = {f: rngless.split("|")[0] for f, rngless in ((f, HEADERS[f][world.chinese]) for f in world.factors)}
    world.draw(world.one_factor())
    said = {f: f"{world.headers[f]}={world.level(f, world.base[f])}" for f in world.factors}
    written.add(("Baseline: ", "基线：")[world.chinese] + "，, "[not world.chinese :: 2].strip(" ").join(said.values()))
    to = world.one(
        ("{f} {b}|{f} = {b}|{f} to {b}|{f} {a} -> {b}", "{f} 改为 {b}|{f}={b}|{f} 从 {a} 提到 {b}|{f}调到 {b}")
    )
    cells = []
    for trial in world.trials:
        moved = [
            to.format(f=world.headers[f], a=world.level(f, world.base[f]), b=world.level(f, trial[f]))
            for f in world.factors if trial[f] != world.base[f]
        ]  # fmt: skip
        cells.append((", ", "，")[world.chinese].join(moved) or ("baseline", "基线")[world.chinese])
    labels = _labels(world, len(cells))
    header = [("Run", "编号")[world.chinese], ("Change", "改动")[world.chinese], world.one(RESULTS)]
    written.columns = dict(zip(header, ("trial", "change", "result"), strict=True))
    scores = [world.score(s) for s in world.scores]
    written.add(render(world.rng, header, list(zip(labels, cells, scores, strict=True))))
    _expect(world, written, labels, world.trials)
    return labels


def grid(world: World, written: Written) -> list[str]:
    """Levels of two factors down and across."""
    down, across = world.factors[:2]
    world.factors = [down, across]
    pairs = product(world.levels[down], world.levels[across])
    world.draw([dict(zip((down, across), pair, strict=True)) for pair in pairs])
    corner = f"{world.headers[down]} {world.rng.choice('/＼×')} {world.headers[across]}"
    result = ("Accuracy", "准确率")[world.chinese]
    written.add(f"## {result}")
    tops = [world.level(across, level) for level in world.levels[across]]
    scores = [world.score(s) for s in world.scores]
    rows = [
        [world.level(down, level), *scores[i * len(tops) : (i + 1) * len(tops)]]
        for i, level in enumerate(world.levels[down])
    ]
    written.add(render(world.rng, [corner, *tops], rows, world.rng.choice(("pipe", "html"))))
    plain = [f"{a} / {b}" for a in (world.level(down, x) for x in world.levels[down]) for b in tops]
    written.columns = {"trial": "trial", down: down, across: across, result: "result"}
    _expect(world, written, [_as_label(label) for label in plain], world.trials)
    return []


def _as_label(text: str) -> str:
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    text = text.replace("10⁻", "10^⁻").translate(raised)
    return text.replace("$", "").replace("\\times ", "× ").replace("{", "").replace("}", "").replace("^", "")


def joined(world: World, written: Written) -> list[str]:
    """Settings in one table, results in another, sometimes in another order."""
    world.draw(world.one_factor())
    labels = _labels(world, len(world.trials))
    head, result = ("Run", "编号")[world.chinese], world.one(RESULTS)
    rows = [
        [label, *(world.level(f, t[f]) for f in world.factors)] for label, t in zip(labels, world.trials, strict=True)
    ]
    written.add(render(world.rng, [head, *(world.headers[f] for f in world.factors)], rows))
    scores = [[label, world.score(s)] for label, s in zip(labels, world.scores, strict=True)]
    world.rng.shuffle(scores)
    written.add(render(world.rng, [head, result], scores))
    written.columns = {head: "trial", result: "result", **{world.headers[f]: f for f in world.factors}}
    _expect(world, written, labels, world.trials)
    return labels


def turned(world: World, written: Written) -> list[str]:
    """A column a trial."""
    world.draw(world.one_factor())
    labels, result = _labels(world, len(world.trials)), world.one(RESULTS)
    rows = [[world.headers[f], *(world.level(f, t[f]) for t in world.trials)] for f in world.factors]
    rows += [[result, *(world.score(s) for s in world.scores)]]
    written.add(render(world.rng, ["", *labels], rows))
    written.columns = {"trial": "trial", result: "result", **{world.headers[f]: f for f in world.factors}}
    _expect(world, written, labels, world.trials)
    return labels


def by_factor(world: World, written: Written) -> list[str]:
    """One table a factor; the others are as a sentence says, or as nothing says."""
    rng, said = world.rng, world.rng.random() < 0.7
    names = [HEADERS[f][world.chinese].split("|")[0] for f in world.factors]
    world.headers = dict(zip(world.factors, names, strict=True))
    levels = [f"{world.headers[f]}={world.level(f, world.base[f])}" for f in world.factors]
    if said:
        opening = world.one(
            (
                "Baseline: |Unless stated otherwise, we use |All else is fixed at ",
                "基线：|若无说明，均用|其余参数固定为",
            )
        )
        written.add(opening + (", ", "，")[world.chinese].join(levels) + (".", "。")[world.chinese])
    result, every = world.one(RESULTS), list[Settings]()
    for name in world.factors:
        every += [{**world.base, name: level} if said else {name: level} for level in world.levels[name]]
    world.draw(every, odd=False)
    known: dict[str, float | str] = {}
    world.scores = [known.setdefault(repr(t), s) for t, s in zip(every, world.scores, strict=True)]
    at, base_seen = 0, False
    for number, name in enumerate(world.factors, 1):
        part = every[at : at + len(world.levels[name])]
        scores = world.scores[at : at + len(part)]
        rows = [[world.level(name, t[name]), world.score(s)] for t, s in zip(part, scores, strict=True)]
        written.add(render(rng, [world.headers[name], result], rows, "pipe"))
        for i, (trial, score) in enumerate(zip(part, scores, strict=True), 1):
            again = said and trial == world.base and base_seen
            base_seen |= said and trial == world.base
            if not again:
                written.rows[f"{number}.{i}"] = {**trial, "result": score}
        at += len(part)
    written.columns = {result: "result", **{world.headers[f]: f for f in world.factors}}
    return []


def sentences(world: World, written: Written, labels: Sequence[str]) -> None:
    """Sentences below the tables, with their readings; those of which the reading is not sure need only be listed."""
    written.add("## Findings" if not world.chinese else "## 结论")
    values = {label: s for label, s in zip(labels, world.scores, strict=True) if isinstance(s, float)} if labels else {}
    kinds = [*(k for k in SAID if k != "best"), *(["best"] if values else [])]
    for kind in world.rng.sample(kinds, 4):
        name = world.rng.choice(world.factors)
        a, b = world.rng.sample(world.levels[name], 2)
        label = world.rng.choice(list(values)) if values else ""
        word = world.headers[name]
        text = world.one(SAID[kind]).format(f=word, a=world.level(name, a), b=world.level(name, b), t=label)
        line = written.text.count("\n") + 1
        written.add(f"- {text}")
        said = {"level": "better", "worse": "worse", "none": "no better"}.get(kind)
        if kind == "open":
            written.hard.append(line)
        elif kind == "best":
            key, best = re.sub("^(exp|run-)", "", label), values[label] == max(values.values())
            claim = {"line": line, "reads": f"best_trial {key}", "table": "agrees" if best else "contradicts"}
            if not best and "other_result" in written.columns.values():
                del claim["table"]  # another result may bear it out
            written.claims.append(claim)
        elif kind == "trend":
            written.claims.append({"line": line, "reads": f"trend {name} better"})
        else:
            written.claims.append({"line": line, "reads": f"levels {name} {a:g} against {b:g} {said}"})


LAYOUTS = (columns, columns, columns, changes, grid, joined, turned, by_factor)


def made(seed: int) -> tuple[str, str, dict[str, Any]]:
    """A record's file name, its text and its right reading."""
    rng = random.Random(seed)
    world, written = World(rng), Written()
    written.add("# Results" if not world.chinese else "# 实验结果")
    layout = rng.choice(LAYOUTS)
    labels = layout(world, written)
    if written.suffix == ".md":
        sentences(world, written, labels)
    expected = {"columns": written.columns, "rows": written.rows, "claims": written.claims, "too_hard": written.hard}
    return f"{layout.__name__}_{seed}{written.suffix}", written.text, expected


def main() -> None:
    """Print how much was read, and what was read wrongly."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    sums = {what: Score() for what in WHAT}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.records):
            name, text, expected = made(seed)
            path = Path(folder, name)
            path.write_text(text, encoding="utf-8")
            scores = score_record(path, expected)
            for what, score in scores.items():
                sums[what].right += score.right
                sums[what].wrong += score.wrong
                sums[what].missed += score.missed
            if options.keep and any(score.wrong for score in scores.values()):
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / name).write_text(text, encoding="utf-8")
    for what, score in sums.items():
        read, known = score.right + len(score.wrong), score.right + len(score.missed)
        print(f"{what:10} precision {score.precision:6.1%} ({score.right} of {read})   recall {score.recall:6.1%} "
              f"({score.right} of {known})")  # fmt: skip
        for line in score.wrong:
            print(f"    wrong  {line}")


if __name__ == "__main__":
    main()
