"""The recipes for engine `command`: plain PEFT really trains a tiny model; the others write what they document."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from pathlib import Path

import pytest
from forked import Forked, script

from tunebook.core.configuration import Configuration
from tunebook.core.keywords import training_keywords
from tunebook.core.ports import ChatExample, EngineOptions, Scoring, TrialJob, Workload
from tunebook.data.examples import DataExample
from tunebook.data.template import Encoder
from tunebook.engines import command as command_module
from tunebook.engines.base_model import stop_tokens
from tunebook.engines.command import CommandEngine
from tunebook.engines.command_files import trainer_entries
from tunebook.engines.command_process import Ended
from tunebook.testing.event_recorder import EventRecorder
from tunebook.testing.tiny_model import letter_tokenizer, write_letter_model, write_tiny_model

RECIPES = Path(__file__).parents[3] / "recipes"
WORDS = ["red", "green", "what", "colour", "has", *map(str, range(20))]
EXAMPLES = tuple(
    ChatExample(q := f"what colour has {i}", ("red", "green")[i % 2], (("system", "One word."), ("user", q)))
    for i in range(6)
)
WORKLOAD = Workload((), {}, Scoring(max_new_tokens=3), chats={"train": EXAMPLES, "validation": EXAMPLES})


def in_a_forked_process(arguments, *rest):
    """`run_program` for a Python file, without what the imports of a new process cost."""
    process = Forked(script(Path(arguments[1]), *arguments[2:]))
    return Ended(process.errors if process.wait() else None, stopped=False, tail=process.errors)


@pytest.mark.slow
def test_the_plain_peft_recipe_trains_and_scores(tmp_path, monkeypatch):
    """In a process of its own; the reference, which the recipe only scores, in a forked one."""
    model = write_tiny_model(tmp_path / "model", WORDS)
    command = [sys.executable, str(RECIPES / "command_peft.py"), "{config}"]
    engine = CommandEngine(EngineOptions(model=str(model), extra={"command": command}))
    trained = Configuration(learning_rate=0.01, per_device_train_batch_size=2, gradient_accumulation_steps=2)
    jobs = [
        TrialJob(
            id=0,
            configuration=trained.with_values(num_train_epochs=0),
            seed=0,
            splits=("validation",),
            folder=str(tmp_path / "0"),
        ),
        TrialJob(id=1, configuration=trained, seed=7, splits=("validation",), folder=str(tmp_path / "1")),
    ]
    results = []
    for job, run in zip(jobs, (in_a_forked_process, command_module.run_program), strict=True):
        monkeypatch.setattr(command_module, "run_program", run)
        recorder = EventRecorder([job])
        engine.run(recorder, WORKLOAD, recorder)
        assert recorder.failures == {}
        results += recorder.results.values()
    reference, result = results
    assert len(result.curve.steps) == 6  # two steps an epoch, three epochs
    assert result.curve.steps[-1].loss < result.curve.steps[0].loss
    assert (tmp_path / "1" / "adapter_model.safetensors").is_file()
    assert all(math.isfinite(value) for value in result.scores["validation"].nll)
    assert result.scores["validation"].nll.sum() < reference.scores["validation"].nll.sum()
    assert len(reference.scores["validation"].texts) == 6


def load(name, monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPES))
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_plain_peft_recipe_leaves_no_setting_out_in_silence(monkeypatch):
    recipe = load("command_peft", monkeypatch)
    varied = Configuration(lr_scheduler_type="warmup_stable_decay", max_grad_norm=0.5, adam_beta2=0.9, warmup_steps=3)
    known = training_keywords(varied, 40)
    plain, weighted = ({"class_weights": kind} for kind in ("none", "balanced"))
    recipe.check_known({"training_arguments": known, "configuration": plain})
    with pytest.raises(SystemExit, match="adam_epsilon"):
        recipe.check_known({"training_arguments": known | {"adam_epsilon": 1e-6}, "configuration": plain})
    with pytest.raises(SystemExit, match="class_weights"):
        recipe.check_known({"training_arguments": known, "configuration": weighted})


def config_of(**values):
    configuration = Configuration(lora_r=16, lora_alpha=32, warmup_steps=0.1).with_values(**values)
    return {
        "model": "some/model", "seed": 5, "output": "/out", "data": {"train": "/data/train.jsonl"},
        "configuration": configuration.as_dict(), **trainer_entries(configuration, n_rows=100),
    }  # fmt: skip


CONFIG = config_of()


OWN = {
    "save_strategy", "logging_nan_inf_filter",  # transformers.TrainingArguments
    "template",  # LLaMA-Factory: src/llamafactory/hparams/data_args.py
    "train_on_inputs",  # axolotl: src/axolotl/utils/schemas/training.py
    "excess_length_strategy", "dataset_prepared_path", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel",
    "lora_embedding_kernel",  # axolotl: src/axolotl/utils/schemas/config.py
}  # fmt: skip


def test_names_written_for_other_trainers_are_the_documented_ones(monkeypatch):
    """The export package keeps the documented names with their sources; recipes use those and a few of their own."""
    documented = json.loads((Path(__file__).parents[1] / "export" / "documented_keys.json").read_text())
    llama = load("command_llama_factory", monkeypatch).training_file(CONFIG)
    axolotl = load("command_axolotl", monkeypatch).training_file(CONFIG, Path("/data/texts.jsonl"))
    known = json.dumps(documented)
    assert [key for key in (*llama, *axolotl) if f'"{key}"' not in known and key not in OWN] == []
    assert (llama["lora_rank"], axolotl["lora_r"]) == (16, 16)
    assert (llama["warmup_steps"], axolotl["warmup_steps"]) == (4, 4)  # a tenth of 13 steps in each of 3 epochs
    assert "warmup_ratio" not in {*llama, *axolotl}
    kernels = [value for key, value in axolotl.items() if key.endswith("_kernel")]
    assert kernels == [False] * 4, "left to axolotl they are on, and fail without a GPU"


def test_what_a_trainer_cannot_do_ends_the_trial(monkeypatch):
    llama, axolotl = load("command_llama_factory", monkeypatch), load("command_axolotl", monkeypatch)
    gaussian = config_of(init_lora_weights="gaussian")
    with pytest.raises(SystemExit, match="init_lora_weights"):
        llama.training_file(gaussian)
    assert axolotl.training_file(gaussian, Path("texts.jsonl"))["peft_init_lora_weights"] == "gaussian"
    halved = config_of(lora_alpha=2.5)
    with pytest.raises(SystemExit, match="whole number"):
        axolotl.training_file(halved, Path("texts.jsonl"))


def test_a_revision_goes_its_own_way(monkeypatch, tmp_path):
    llama, axolotl = load("command_llama_factory", monkeypatch), load("command_axolotl", monkeypatch)
    asked = {**CONFIG, "model": "some/model@v1.5"}
    written = llama.training_file(asked)
    assert (written["model_name_or_path"], written["model_revision"]) == ("some/model", "v1.5")
    written = axolotl.training_file(asked, Path("texts.jsonl"))
    assert (written["base_model"], written["revision_of_model"]) == ("some/model", "v1.5")
    (tmp_path / "a@b").mkdir()
    assert llama.model_and_revision(str(tmp_path / "a@b")) == (str(tmp_path / "a@b"), None)


def test_the_trainers_log_becomes_the_curve(monkeypatch, tmp_path):
    row = {"epoch": 0.5, "grad_norm": 1.5, "learning_rate": 1e-4, "loss": 2.25, "step": 1}
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [row, {"train_loss": 2.0, "step": 1}]}))
    [step] = load("command_llama_factory", monkeypatch).steps(tmp_path)
    assert step == {"step": 1, "epoch": 0.5, "loss": 2.25, "learning_rate": 1e-4, "gradient_norm": 1.5}


TURNS = (("system", "has"), ("user", "what"), ("assistant", "red"), ("user", "colour"))
LINE = {
    "index": 0,
    "prompt": "colour",
    "completion": "green",
    "messages": [{"role": role, "content": text} for role, text in TURNS],
}
PROMPT = "<system> has <user> what <assistant> red </s><user> colour <assistant> "


def model_with_tools(folder):
    """A model whose chat template takes tools."""
    write_tiny_model(folder, WORDS)
    template = folder / "chat_template.jinja"
    template.write_text("{% for tool in tools or [] %}<system> {{ tool['name'] }} {% endfor %}" + template.read_text())
    return folder


@pytest.mark.parametrize("tools", ["", '[{"name": "13"}, {"name": "7"}]'])
def test_what_is_trained_on_and_scored_is_what_tunebook_itself_reads(tmp_path, monkeypatch, tools):
    from transformers import AutoTokenizer

    model = model_with_tools(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    wanted = Encoder(tokenizer).encode(
        DataExample(index=0, messages=TURNS, completion="green", tools=tools), "train.jsonl, line 1"
    )
    line = {**LINE, **({"tools": json.loads(tools)} if tools else {})}
    prompt, completion = load("score_adapter", monkeypatch).encode(tokenizer, line)
    assert (tuple(prompt), tuple(completion)) == (wanted.prompt_ids, wanted.completion_ids)

    (tmp_path / "train.jsonl").write_text(json.dumps(line) + "\n")
    config = {"model": str(model), "data": {"train": str(tmp_path / "train.jsonl")}}
    [(text, answer)] = load("trainer_files", monkeypatch).training_texts(config)
    assert (text, answer) == (("<system> 13 <system> 7 " if tools else "") + PROMPT, "green </s>")
    trained_on = [tuple(tokenizer(part, add_special_tokens=False)["input_ids"]) for part in (text, answer)]
    assert trained_on == [wanted.prompt_ids, wanted.completion_ids]


TURN = "{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}<end>\n{% endfor %}"
ASKED = "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"


@pytest.mark.parametrize(
    ("template", "answer", "learnt"),
    [
        (TURN + ASKED, "yes\n", "yes\n<end>"),
        (TURN.replace("m.content", "m.content | trim") + ASKED, " yes\n", "yes<end>"),
        (TURN.replace("<end>", " <end>") + ASKED, "yes", "yes <end>"),
        (TURN.replace("<end>", "") + ASKED, "yes", "yes<eos>"),
        ("{{ raise_exception('one turn only') if messages | length > 1 }}" + TURN + ASKED, "yes", "yes<eos>"),
    ],
)
def test_answers_end_where_tunebook_ends_them(tmp_path, monkeypatch, template, answer, learnt):
    """In training and in scoring: at the template's end of a turn, at end-of-text, at the model's own stop tokens."""
    tokenizer = letter_tokenizer(template, ("<turn>", "<end>", "<eos>", "<stop>"), "<eos>")
    folder = write_letter_model(tmp_path / "model", tokenizer)
    own = tokenizer.convert_tokens_to_ids("<stop>")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [tokenizer.eos_token_id, own]}))
    encoder = Encoder(tokenizer, stops=stop_tokens(folder))
    line = {"index": 0, "messages": [{"role": "user", "content": "?"}], "completion": answer}

    scorer = load("score_adapter", monkeypatch)
    model, words = scorer.load(str(folder))
    completion = tuple(scorer.encode(words, line)[1])
    assert completion == encoder.completion_ids(answer)
    assert encoder.text(completion) == learnt
    assert tuple(scorer.stop_ids(model, words)) == encoder.stop_ids

    (tmp_path / "train.jsonl").write_text(json.dumps(line) + "\n")
    config = {"model": str(folder), "data": {"train": str(tmp_path / "train.jsonl")}}
    [(_, text)] = load("trainer_files", monkeypatch).training_texts(config)
    assert text == learnt


@pytest.mark.parametrize(
    ("recipe", "program", "row"),
    [
        ("command_llama_factory", "llamafactory-cli", {"prompt": PROMPT, "response": "green </s>"}),
        (
            "command_axolotl",
            "axolotl",
            {"segments": [{"label": False, "text": PROMPT}, {"label": True, "text": "green </s>"}]},
        ),
    ],
)
def test_other_trainers_are_started_with_their_files(tmp_path, recipe, program, row):
    """With a program in their place that only writes down what it was given."""
    write_tiny_model(tmp_path / "model", WORDS)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    trainer = f'#!/bin/sh\necho "$@" > {tmp_path}/started\necho out of luck >&2\nexit 7\n'
    (bin_folder / program).write_text(trainer)
    (bin_folder / program).chmod(0o755)
    (tmp_path / "train.jsonl").write_text(json.dumps(LINE) + "\n")
    config = {**CONFIG, "model": str(tmp_path / "model"), "output": str(tmp_path / "out")}
    config["data"] = {"train": str(tmp_path / "train.jsonl")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    process = Forked(script(RECIPES / f"{recipe}.py", tmp_path / "config.json"), environment)
    code = process.wait()
    assert (code, process.errors) == (7, "out of luck\n"), "its last lines are the reason, no traceback"
    verb, file, *_ = (tmp_path / "started").read_text().split()
    assert verb == "train"
    written = json.loads(Path(file).read_text(encoding="utf-8"))
    assert written["seed"] == 5
    assert json.loads((tmp_path / "texts.jsonl").read_text()) == row
    if recipe == "command_axolotl":
        [data] = written["datasets"]
        assert (data["path"], data["type"]) == (str(tmp_path / "texts.jsonl"), "input_output")
    else:
        entry = json.loads((tmp_path / "dataset_info.json").read_text())["tunebook"]
        assert entry == {"file_name": "texts.jsonl", "columns": {"prompt": "prompt", "response": "response"}}
        assert written["template"] == "empty", "the texts have the model's own template already"


def test_a_trainer_that_is_not_installed_is_named(monkeypatch):
    files = load("trainer_files", monkeypatch)
    with pytest.raises(SystemExit, match=r"no-such-trainer: found neither beside .* nor on the PATH"):
        files.start(["no-such-trainer", "train"])


def test_a_trainer_beside_this_python_comes_before_the_path(monkeypatch, tmp_path):
    """An environment that was not activated: the program, and what it starts in turn, are found in it."""
    files = load("trainer_files", monkeypatch)
    for folder, code in (("environment", 3), ("path", 4)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / folder / "trainer").write_text("#!/bin/sh\nhelper\n")
        for name in ("helper", "trainer"):
            (tmp_path / folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "environment" / "python"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    with pytest.raises(SystemExit) as ended:
        files.start(["trainer"])
    assert ended.value.code == 3


def test_a_trainer_that_was_killed_says_so(monkeypatch):
    with pytest.raises(SystemExit, match="sh was killed by signal 9"):
        load("trainer_files", monkeypatch).start(["sh", "-c", "kill -9 $$"])
