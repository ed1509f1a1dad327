"""Exports in the other tools' documented names, read back as those tools read YAML (1.1, PyYAML)."""

import json
from pathlib import Path

import pytest
import yaml
from factor_levels import levels_beside_the_default
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.keywords import config_entries, differences
from tunebook.export import FORMATS, ExportTarget, export_texts
from tunebook.export.messages import rows
from tunebook.export.yaml_text import yaml_text

DOCUMENTED = json.loads((Path(__file__).parent / "documented_keys.json").read_text(encoding="utf-8"))
CONFIGURATION = Configuration(
    learning_rate=5e-5, per_device_train_batch_size=2, gradient_accumulation_steps=4, num_train_epochs=4, lora_r=32,
    lora_alpha=128, lora_dropout=0.05, max_length=512, warmup_steps=0.1, weight_decay=0.01,
)  # fmt: skip
VARIANTS = [
    CONFIGURATION,
    Configuration(),
    CONFIGURATION.with_values(use_rslora=True, lora_alpha=11.3, gradient_checkpointing=False, warmup_steps=20),
    CONFIGURATION.with_values(target_modules="all-linear", init_lora_weights="gaussian", gradient_checkpointing=True),
    CONFIGURATION.with_values(target_modules=("q_proj", "v_proj")),
    *(
        CONFIGURATION.with_values(**{name: level})
        for name, kind in FACTOR_KINDS.items()
        for level in levels_beside_the_default(kind)
    ),
]


def target(configuration=CONFIGURATION, **changes):
    values = {"study": "trec", "configuration": configuration, "model": "Qwen/Qwen2.5-0.5B-Instruct", "seed": 7,
              "n_train": 398, "targets": ("q_proj", "v_proj")}  # fmt: skip
    return ExportTarget(**{**values, **changes})


def exported(form, name, given_target):
    return yaml.safe_load(export_texts(form, given_target)[name])


def documented(form):
    return {key for keys in DOCUMENTED[form]["keys"].values() for key in keys}


@pytest.mark.parametrize("configuration", VARIANTS)
@pytest.mark.parametrize(("form", "name"), [("llama-factory", "train.yaml"), ("axolotl", "axolotl.yaml")])
def test_every_key_is_documented_by_its_tool(form, name, configuration):
    for given_target in (
        target(configuration, revision="989aa79", dtype="bfloat16"),
        target(configuration, targets=()),
    ):
        assert set(exported(form, name, given_target)) <= documented(form)


@pytest.mark.parametrize("kind", ["nf4", "int8"])
@pytest.mark.parametrize(("form", "name"), [("llama-factory", "train.yaml"), ("axolotl", "axolotl.yaml")])
def test_keys_for_a_quantised_base_are_documented_too(form, name, kind):
    given_target = target(quantization=kind, dtype="float16")
    assert set(exported(form, name, given_target)) <= documented(form)
    assert exported(form, name, given_target)["fp16"] is True
    rounds = "rounds activations to 8 bits" in export_texts(form, given_target)[name]
    assert rounds == (kind == "int8")


def test_a_folder_that_is_quantised_already_is_not_quantised_again():
    kept = {"quantization": "nf4", "quantised_folder": True}
    assert exported("axolotl", "axolotl.yaml", target(**kept)) == exported("axolotl", "axolotl.yaml", target())
    assert exported("llama-factory", "train.yaml", target(**kept)) == exported("llama-factory", "train.yaml", target())
    readme = export_texts("peft", target(**kept))["README.md"]
    assert "BitsAndBytesConfig" not in readme
    assert "kept in nf4 (as its folder has them)" in readme


def test_an_adapter_on_a_quantised_base_says_how_the_base_is_loaded():
    odd = 'Qwen"), exec("x'
    readme = export_texts("peft", target(quantization="int8", model=odd, revision="989aa79"))["README.md"]
    code = readme.split("```python\n")[1].split("```")[0]
    compile(code, "README.md", "exec")
    assert '"Qwen\\"), exec(\\"x", dtype=torch.float32, revision="989aa79"' in code
    assert "quantization = BitsAndBytesConfig(load_in_8bit=True)" in code
    assert "LLM.int8()" in readme
    assert "README.md" not in export_texts("peft", target())


def test_llama_factory_gets_the_configuration():
    found = exported("llama-factory", "train.yaml", target())
    assert found["learning_rate"] == 5e-5
    assert (found["lora_rank"], found["lora_alpha"], found["lora_dropout"]) == (32, 128, 0.05)
    assert found["lora_target"] == "q_proj,v_proj"
    assert (found["per_device_train_batch_size"], found["gradient_accumulation_steps"]) == (2, 4)
    assert (found["num_train_epochs"], found["cutoff_len"], found["warmup_steps"]) == (4.0, 512, 20)
    assert found["seed"] == 7
    info = json.loads(export_texts("llama-factory", target())["dataset_info.json"])
    assert info[found["dataset"]]["file_name"] == target().train_file


def test_axolotl_gets_the_configuration():
    found = exported("axolotl", "axolotl.yaml", target())
    assert found["learning_rate"] == 5e-5
    assert (found["lora_r"], found["lora_alpha"], found["lora_dropout"]) == (32, 128, 0.05)
    assert found["lora_target_modules"] == ["q_proj", "v_proj"]
    assert (found["micro_batch_size"], found["gradient_accumulation_steps"]) == (2, 4)
    assert (found["num_epochs"], found["sequence_len"], found["warmup_steps"]) == (4.0, 512, 20)
    assert set(found["datasets"][0]) <= set(DOCUMENTED["axolotl"]["dataset_keys"])
    assert found["datasets"][0]["roles_to_train"] == []


@pytest.mark.parametrize("configuration", VARIANTS)
def test_peft_and_trainer_take_the_exported_arguments(configuration, tmp_path):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    found = exported("peft", "config.yaml", target(configuration))
    lora = peft.LoraConfig(**found["lora_config"])
    assert (lora.r, lora.lora_alpha) == (configuration.lora_r, configuration.lora_alpha)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), use_cpu=True, report_to=[], **found["training_arguments"]
    )
    assert arguments.learning_rate == configuration.learning_rate
    assert arguments.lr_scheduler_type == configuration.lr_scheduler_type


def test_what_another_tool_cannot_do_is_said():
    rounded = export_texts("llama-factory", target(CONFIGURATION.with_values(lora_alpha=11.3)))["train.yaml"]
    assert "Differs from the study: lora_alpha is 11.3" in rounded
    gaussian = export_texts("llama-factory", target(CONFIGURATION.with_values(init_lora_weights="gaussian")))
    assert "init_lora_weights is gaussian, which LLaMA-Factory does not know" in gaussian["train.yaml"]
    unknown = export_texts("axolotl", target(targets=()))["axolotl.yaml"]
    assert "the adapted layers are not known" in unknown
    assert "Differs" not in export_texts("axolotl", target())["axolotl.yaml"]


@pytest.mark.parametrize("tool", [Tool.LLAMA_FACTORY, Tool.AXOLOTL])
@pytest.mark.parametrize("name", [name for name, kind in FACTOR_KINDS.items() if kind.null is None])
def test_no_tool_takes_another_level_for_the_one_asked(name, tool):
    """Every level is written in words of its own, or is said to be different."""
    kind = FACTOR_KINDS[name]
    written = [config_entries(Configuration(), tool, 20)]
    for level in levels_beside_the_default(kind):
        configuration = Configuration(**{name: level})
        if not differences(configuration, tool):
            entries = config_entries(configuration, tool, 20)
            assert entries not in written
            written.append(entries)


@pytest.mark.parametrize("form", FORMATS)
def test_a_name_cannot_leave_its_comment(form):
    texts = export_texts(form, target(study="x\nmodel_name_or_path: evil", accuracy="y\nadapter: evil"))
    for name, text in texts.items():
        if name.endswith(".yaml"):
            assert "evil" not in json.dumps(yaml.safe_load(text))


@given(st.floats(min_value=1e-12, max_value=1e12))
@settings(deadline=None, max_examples=60)
def test_floats_reach_readers_of_yaml_1_1_as_floats(value):
    assert yaml.safe_load(yaml_text({"x": value}))["x"] == value


def test_messages_train_on_the_answer_alone_and_keep_their_own_system_message():
    text = rows(
        [
            ((("user", "Which kind?"),), "billing"),
            ((("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c\nd")), "e"),
        ],
        system="Answer in one word.",
    )
    first, second = (json.loads(line)["messages"] for line in text.splitlines())
    assert [m["content"] for m in first] == ["Answer in one word.", "Which kind?", "billing"]
    assert [m["role"] for m in second] == ["system", "user", "assistant", "user", "assistant"]
    assert [m["train"] for m in second] == [False, False, False, False, True]
    assert second[0]["content"] == "Be brief."
