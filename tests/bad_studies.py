"""Study files that are wrong, each in one way, and what must be said about them."""

from __future__ import annotations

import re

GOOD = """\
study: trec
model: smollm2
data:
  train: train.jsonl
  validation: validation.jsonl
  test: test.jsonl
  group: label
  train_rows: 500
  system: ""
metric: exact_match
baseline: {learning_rate: 2e-4, per_device_train_batch_size: 2, gradient_accumulation_steps: 4, lora_r: 8,
           lora_alpha: 32, lora_dropout: 0.1, num_train_epochs: 3, max_length: 512}
space:
  learning_rate: {low: 5e-5, high: 2e-3}
  lora_r: [8, 16, 32, 64]
  lora_dropout: [0.0, 0.05, 0.1, 0.2]
  num_train_epochs: [3, 4, 5]
alpha_rule: proportional
budget: {trials: 75}
margin: 0.03
seed: 0
report: {language: en}
"""


def changed(**replacements: str) -> str:
    """The good file with whole top-level entries replaced (or removed, with an empty text)."""
    text = GOOD
    for key, new in replacements.items():
        text, n = re.subn(rf"(?m)^{key}:.*\n(?:[ \t]+.*\n)*", lambda _, new=new: new and new + "\n", text)
        assert n == 1, key
    return text


BAD = {
    "unknown key": (
        changed(model="modle: smollm2"),
        ["study.yaml:2: modle: ", "Did you mean model?", "study.yaml: model: the key is missing"],
    ),
    "unknown key in data": (
        changed(data="data: {train: a.jsonl, trian_rows: 5}"),
        ["study.yaml:3: data.trian_rows", "Did you mean train_rows?"],
    ),
    "unknown factor": (
        changed(baseline="baseline: {lora_rank: 8}"),
        ["study.yaml:11: baseline.lora_rank: there is no such factor", "Did you mean lora_r?"],
    ),
    "wrong type": (changed(seed="seed: zero"), ['study.yaml:21: seed: found "zero"', "whole number"]),
    "number in quotes": (
        changed(baseline='baseline: {learning_rate: "2e-4"}'),
        ['baseline.learning_rate: found "2e-4"', "without quotes"],
    ),
    "true where a number belongs": (changed(margin="margin: true"), ["margin: found true", "0.03"]),
    "low above high": (
        changed(space="space: {learning_rate: {low: 1e-3, high: 1e-4}}"),
        ["low is 0.001 and high is 0.0001; low must be below high", "Exchange"],
    ),
    "range without end": (changed(space="space: {learning_rate: {low: 1e-5}}"), ["a range has low and high"]),
    "empty levels": (changed(space="space: {lora_r: []}"), ["space.lora_r: found an empty list", "two levels"]),
    "one level": (changed(space="space: {lora_r: [8]}"), ["found one level, 8", "put this one under baseline.lora_r"]),
    "level twice": (changed(space="space: {lora_r: [8, 16, 8.0]}"), ["space.lora_r[2]: found 8.0 a second time"]),
    "scalar in space": (changed(space="space: {lora_r: 16}"), ["a list of levels or a range"]),
    "list in baseline": (changed(baseline="baseline: {lora_r: [8, 16]}"), ["the baseline has one value"]),
    "range of words": (changed(space="space: {lr_scheduler_type: {low: a, high: b}}"), ["has no order"]),
    "wrong word": (changed(baseline="baseline: {lr_scheduler_type: cosin}"), ["Did you mean cosine?"]),
    "negative rank": (changed(baseline="baseline: {lora_r: -8}"), ["baseline.lora_r: found -8; must be at least 1"]),
    "learning rate of 0": (changed(baseline="baseline: {learning_rate: 0}"), ["found 0; must be above 0"]),
    "dropout of 1": (changed(baseline="baseline: {lora_dropout: 1.0}"), ["found 1.0; must be below 1"]),
    "half an epoch": (changed(baseline="baseline: {num_train_epochs: 2.5}"), ["found 2.5; must be a whole number"]),
    "half a warm-up step": (changed(baseline="baseline: {warmup_steps: 2.5}"), ["whole number of steps, or below 1"]),
    "modules in one text": (
        changed(baseline="baseline: {target_modules: 'q_proj,v_proj'}"),
        ['found "q_proj,v_proj"; must be "all-linear" or a list of module names'],
    ),
    "warm-up range over 1": (
        changed(space="space: {warmup_steps: {low: 0, high: 100}}"),
        ["below 1 warmup_steps is a fraction of all steps"],
    ),
    "infinite": (changed(baseline="baseline: {lora_alpha: .inf}"), ["must be a finite number"]),
    "not a number": (changed(margin="margin: .nan"), ["margin: found nan"]),
    "absurd rank": (
        changed(baseline="baseline: {lora_r: 1" + 300 * "0" + "}"),
        ["study.yaml:11: baseline.lora_r: found", "Write it in decimal"],
    ),
    "absurd level": (changed(space="space: {lora_r: [8, 1" + 300 * "0" + "]}"), ["study.yaml:13: space.lora_r[1]"]),
    "absurd end": (changed(space="space: {lora_r: {low: 1, high: 1" + 300 * "0" + "}}"), ["space.lora_r.high"]),
    "baseline outside its space": (
        changed(baseline="baseline: {learning_rate: 1e-2}"),
        ["baseline.learning_rate: found 0.01; the baseline must lie in its own space", "5e-05 to 0.002"],
    ),
    "default outside the space": (
        changed(baseline="baseline: {learning_rate: 1e-4}", space="space: {lora_r: [16, 32]}"),
        ["the baseline has no lora_r, so it is 8", "Write baseline.lora_r"],
    ),
    "budget below the baseline's seeds": (
        changed(budget="budget: {trials: 3}\ndesign: one_factor"),
        ["budget.trials: found 3; must be at least 5, as seeds.baseline is"],
    ),
    "further seeds after a single one": (
        changed(seed="seed: 0\ndesign: one_factor\nseeds: {configuration: 1, doubtful: 3}"),
        ["seeds.doubtful: found 3 beside seeds.configuration: 1", "Write configuration: 2"],
    ),
    "further seeds where no single level is compared": (
        changed(seed="seed: 0\nseeds: {doubtful: 2}"),
        ["seeds.doubtful: found 2; only design: one_factor", "or remove this line"],
    ),
    "budget below what a model needs": (
        changed(budget="budget: {trials: 4}\nseeds: {baseline: 9}"),
        ["budget.trials: found 4; must be at least 5: a few pilots"],
    ),
    "no budget": (changed(budget="budget: {}"), ["neither trials nor hours"]),
    "nothing varied": (changed(space="space: {}"), ["varies at least one factor"]),
    "two names for one factor": (
        changed(baseline="baseline: {lr: 1e-4, learning_rate: 2e-4}"),
        ["a second name for learning_rate, which stands on line 11 as lr"],
    ),
    "duplicate key": (GOOD + "seed: 1\n", ["study.yaml:23: seed: written twice, first on line 21"]),
    "duplicate key inside": (
        changed(baseline="baseline:\n  lora_r: 8\n  lora_r: 16"),
        ["study.yaml:13: baseline.lora_r: written twice, first on line 12"],
    ),
    "tab": (changed(data="data:\n\ttrain: a.jsonl"), ["study.yaml:4: a tab"]),
    "broken": (changed(data="data: [train"), ["not YAML"]),
    "a list": ("- a\n- b\n", ["a study file is a map"]),
    "empty": ("", ["study.yaml:1: found an empty file"]),
    "only a comment": ("# nothing\n", ["an empty file"]),
    "path as a name": (changed(study="study: ../../etc"), ['study: found "../../etc"', "no path"]),
    "dots as a name": (changed(study="study: a..b"), ["study: found"]),
    "control characters in a path": (
        changed(data='data: {train: "a\\e[31m.jsonl"}'),
        ['data.train: found "a\\x1b[31m.jsonl"'],
    ),
    "blank name": (changed(study='study: " "'), ["study: found"]),
    "object": (changed(model="model: !!python/object/apply:os.system [ls]"), ["found the tag", "Remove the tag"]),
    "list as a key": ("? [a]\n: b\n" + GOOD, ["study.yaml:1: found a list or map as a key"]),
    "merge": (changed(budget="budget: {<<: {trials: 75}}"), ["there is no such key"]),
    "own tag": (changed(seed="seed: !env SEED"), ["study.yaml:21: seed: found the tag"]),
    "two documents": (GOOD + "---\n" + GOOD, ["not YAML"]),
    "metric": (changed(metric="metric: accuracy"), ['metric: found "accuracy"', "exact_match"]),
    "language": (changed(report="report: {language: de}"), ['report.language: found "de"; must be en or zh']),
    "same file twice": (changed(data="data: {train: a.jsonl, validation: a.jsonl}"), ["the file of data.train too"]),
    "command engine without command": (GOOD + "engine: command\n", ["found command without a command"]),
    "command without its engine": (GOOD + "command: [python]\n", ["only engine command runs one"]),
    "limits without a command": (
        GOOD + "command_limits: {hours: 1}\n",
        ["study.yaml:23: command_limits: found limits of a command with engine", "only engine command has them"],
    ),
    "no time for a command": (
        GOOD + "engine: command\ncommand: [python]\ncommand_limits: {hours: 0}\n",
        ["study.yaml:25: command_limits.hours: found 0; must be a number of hours above 0"],
    ),
    "unknown limit": (
        GOOD + "engine: command\ncommand: [python]\ncommand_limits: {hour: 2}\n",
        ["study.yaml:25: command_limits.hour: there is no such key. Did you mean hours?"],
    ),
    "rows beside a task's documents": (
        changed(metric="metric: lm_eval:arc_easy"),
        [
            'data.validation: found "validation.jsonl" with metric "lm_eval:arc_easy"; the documents',
            "data.test: found",
            "data.group: found",
        ],
    ),
    "per_token": (GOOD + "per_token: true\n", ["only choice compares likelihoods"]),
    "choice twice": (changed(data="data: {train: a.jsonl, choices: [a, a]}"), ["found an answer twice"]),
    "choices that are numbers": (
        changed(data="data: {train: a.jsonl, choices: [1, true]}"),
        [
            'data.choices[0]: found 1; must be a text that is not empty. To mean the text, write it in quotes: "1".',
            "data.choices[1]: found true",
        ],
    ),
    "one choice": (changed(data="data: {train: a.jsonl, choices: [a]}"), ["a list of at least two answers"]),
    "null": (changed(data="data:"), ["data: found null"]),
    "deep": (changed(data="data: " + "[" * 400 + "]" * 400), ["study.yaml:3: values nested more than 16 deep"]),
    "many aliases": (
        changed(data="data: {train: &a a.jsonl, choices: [" + ", ".join(["*a"] * 33) + "]}"),
        ["study.yaml:3: more than 32 aliases", "Write the values out"],
    ),
    "anchor twice": (
        changed(seed="seed: &n 21", margin="margin: &n 0.03"),
        ['study.yaml:21: the anchor "&n" stands twice', "Write the values out"],
    ),
    "alias of itself": (changed(data="data: &a {train: *a}"), ["contains itself"]),
    "control character": (GOOD + "x: \x07\n", ["study.yaml:23: character U+0007"]),
    "budget of two": (
        changed(budget="budget: {trials: 2}\ndesign: balanced"),
        ["must be at least 5, as seeds.baseline is. Write 5 or more."],
    ),
    "one template": (changed(data='data: {train: a.jsonl, prompt: "{q}"}'), ["found no data.completion beside it"]),
    "templates and columns": (
        changed(data='data: {train: a.jsonl, prompt: "{q}", completion: "{a}", format: messages}'),
        ["data.format: found beside the templates data.prompt and data.completion"],
    ),
    "template without a column": (
        changed(data='data: {train: a.jsonl, prompt: "q", completion: "{a"}'),
        ["data.prompt: found no column in it", "data.completion: found a single { at position 0"],
    ),
    "test is train": (changed(data="data: {train: a.jsonl, test: a.jsonl}"), ["the file of data.train too"]),
    "two deciding metrics": (
        changed(metric="metric: exact_match\nmetrics: [contains, exact_match]"),
        ["metrics: found contains first, and metric exact_match"],
    ),
    "function that is none": (changed(metric='metric: "my metric:score"'), ["must be written as module:function"]),
    "function as a further metric": (
        changed(metric="metrics: [exact_match, mine:score]"),
        ["metrics[1]: found mine:score; beside the first"],
    ),
    "limit of no metric": (changed(metric="metrics: [exact_match]\nmax: {length: 5}"), ["none of the further metrics"]),
    "limit that is no number": (
        changed(metric="metrics: [exact_match, length]\nmax: {length: short}"),
        ['max.length: found "short"', "a map of metrics to numbers"],
    ),
    "many values": (
        changed(data="data: {train: a.jsonl, choices: [" + ", ".join(map(str, range(5_001))) + "]}"),
        ["more than 5000 values"],
    ),
    "factor like none": (changed(baseline="baseline: {zzzzzz: 1}"), ["there is no such factor; known are"]),
    "role": (changed(space="space: {lora_r: {levels: [8, 16], role: fixed}}"), ["must be scientific"]),
    "levels that are no list": (changed(space="space: {lora_r: {levels: 8}}"), ["must be a list of levels"]),
    "many levels": (
        changed(space="space: {lora_r: [" + ", ".join(str(8 + i) for i in range(65)) + "]}"),
        ["found 65 levels; at most 64"],
    ),
    "key of a range": (
        changed(space="space: {lora_r: {low: 8, hgih: 16}}"),
        ["space.lora_r.hgih", "Did you mean high?"],
    ),
    "seed in quotes": (changed(seed='seed: "0"'), ['seed: found the text "0"', "without quotes"]),
}
