"""Every name of target_modules is trained, or refused before anything is spent."""

import pytest

torch = pytest.importorskip("torch")
from peft import PeftModel  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig  # noqa: E402

from benchmarks.soak import make_real_study  # noqa: E402
from tunebook import Study  # noqa: E402
from tunebook.core.configuration import Configuration  # noqa: E402
from tunebook.core.ports import EngineOptions, Scoring, TokenizedExample, TrialJob, Workload  # noqa: E402
from tunebook.engines.base_model import quiet_transformers  # noqa: E402
from tunebook.engines.merge import merge  # noqa: E402
from tunebook.engines.packed.trainable import refusal  # noqa: E402
from tunebook.engines.peft import PeftEngine  # noqa: E402
from tunebook.engines.target_modules import check_targets  # noqa: E402
from tunebook.errors import ModelError  # noqa: E402
from tunebook.testing.event_recorder import EventRecorder  # noqa: E402
from tunebook.testing.tiny_model import write_tiny_model  # noqa: E402

HEAD = Configuration(
    learning_rate=1e-2, per_device_train_batch_size=4, num_train_epochs=1, target_modules=("q_proj", "lm_head")
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model"), ["in", "out", "left", "right"])


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (("w_pack",), '"w_pack" matches no linear module'),
        (("q_proj", "w_pack"), '"w_pack" matches no linear module'),
        (("q_proj", "embed_tokens"), 'means "model.embed_tokens", which is no linear module'),
        (("mlp",), 'means "model.layers.0.mlp", which is no linear module'),
    ],
)
def test_a_name_that_cannot_be_trained_is_refused_with_those_that_can(model, targets, said):
    with pytest.raises(ModelError) as caught:
        check_targets(model, [None, "all-linear", targets])
    assert said in str(caught.value)
    assert "its linear modules are down_proj, gate_proj, k_proj, lm_head, o_proj" in str(caught.value)


def test_names_that_can_be_trained_are_taken(model):
    check_targets(model, [None, "all-linear", ("q_proj", "lm_head"), ("layers.1.mlp.up_proj",)])


def test_plan_refuses_a_name_that_matches_nothing(tmp_path):
    file = make_real_study(tmp_path, 6)
    file.write_text(file.read_text().replace("baseline: {", "baseline: {target_modules: [q_proj, w_pack], "))
    with pytest.raises(ModelError, match=r'study.yaml:\d+: target_modules: "w_pack" matches no linear module'):
        Study.load(file).plan()


def test_the_head_is_left_to_engine_peft():
    assert refusal(HEAD) == "it does not train the output head, lm_head"
    assert PeftEngine(EngineOptions(model="", threads=torch.get_num_threads())).refuses(HEAD) is None


@pytest.mark.parametrize("tied", [True, False])
def test_an_adapted_head_is_trained_saved_and_merged(model, tmp_path, tied):
    """With tied embeddings the head's change must not reach the input embedding."""
    config = LlamaConfig.from_pretrained(model)
    config.tie_word_embeddings = tied
    torch.manual_seed(0)
    base = tmp_path / "base"
    AutoModelForCausalLM.from_config(config).save_pretrained(base)
    AutoTokenizer.from_pretrained(model).save_pretrained(base)
    examples = tuple(TokenizedExample((5, 7 + i % 4), (8 + i % 3, 3)) for i in range(8))
    workload = Workload(examples, {"validation": examples[:4]}, Scoring(max_new_tokens=2, stop_ids=(3,)), 2)
    recorder = EventRecorder(
        [TrialJob(id=1, configuration=HEAD, seed=0, splits=("validation",), folder=str(tmp_path / "1"))]
    )
    PeftEngine(EngineOptions(model=str(base), threads=torch.get_num_threads())).run(recorder, workload, recorder)
    names = load_file(tmp_path / "1" / "adapter_model.safetensors").keys()
    assert {name for name in names if "lm_head" in name} == {
        f"base_model.model.lm_head.lora_{side}.weight" for side in "AB"
    }
    ids = torch.tensor([[5, 7, 8, 9]])
    with torch.no_grad(), quiet_transformers():  # PEFT warns of the tied head
        plain = AutoModelForCausalLM.from_pretrained(base)
        before = plain(ids).logits
        expected = PeftModel.from_pretrained(plain, tmp_path / "1")(ids).logits
        merged = AutoModelForCausalLM.from_pretrained(merge(base, tmp_path / "1", tmp_path / "merged"))(ids).logits
    assert not torch.allclose(expected, before, atol=1e-3)
    assert torch.allclose(merged, expected, atol=1e-5)
