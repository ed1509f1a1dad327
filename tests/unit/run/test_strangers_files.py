"""Study folders, ledgers and model folders of somebody else: nothing in them runs or leads out of the study folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tunebook.core.study import Trial
from tunebook.data.examples import DataExample
from tunebook.data.template import Encoder
from tunebook.errors import DataError, UserError
from tunebook.ledger.codec import CodecError, decode, encode
from tunebook.run.commands.export import copy_adapter
from tunebook.testing.sample_study import bare_trial
from tunebook.testing.tiny_model import write_tiny_model

TRIAL = bare_trial(3, seed=7)


@pytest.mark.parametrize("number", ["../../elsewhere", ["/../../x"], {"a": 1}, True, 1.5, None])
def test_a_trials_number_that_is_none_never_becomes_a_path(number: object) -> None:
    values = json.loads(encode(TRIAL))
    assert decode(Trial, json.dumps(values)) == TRIAL
    with pytest.raises(CodecError, match="is not int"):
        decode(Trial, json.dumps({**values, "id": number}))


def test_links_in_an_adapters_folder_are_left_behind(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    source = tmp_path / "3"
    source.mkdir()
    (source / "adapter_config.json").write_text("{}")
    (source / "notes.txt").symlink_to(tmp_path / "secret")
    (source / "more").symlink_to(tmp_path)
    copy_adapter(source, tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["adapter_config.json"]


def test_an_adapters_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "3").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="a link"):
        copy_adapter(tmp_path / "3", tmp_path / "copy")


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.__class__.__mro__[-1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('touch started') }}",
        "{% set x = messages.append({'role': 'user', 'content': 'more'}) %}",
        "{% for i in range(1000000000) %}{{ i }}{% endfor %}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_models_chat_template_runs_in_a_sandbox(tmp_path: Path, template: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(write_tiny_model(tmp_path / "model", ["a", "b"]))
    tokenizer.chat_template = template
    example = DataExample(index=0, messages=(("user", "a"),), completion="b")
    with pytest.raises(DataError, match="chat template refuses"):
        Encoder(tokenizer).encode(example, "train.jsonl:1")
    assert not Path("started").exists()
