"""With the built-in model's tokenizer: prompt and answer, tokenised apart, are the chat as its template writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.data import prepare
from tunebook.demo import write_demo
from tunebook.study_file import load_study

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tokenizer():
    base_model = pytest.importorskip("tunebook.engines.base_model")
    if not base_model.built_in_is_cached():
        pytest.skip("the built-in model is not on this machine")
    return base_model.load_tokenizer(base_model.resolve_model("smollm2"))


def test_prompt_and_answer_are_the_chat_as_the_template_writes_it(tokenizer, tmp_path: Path) -> None:
    spec = load_study(write_demo(tmp_path))
    data = prepare(spec, tokenizer, tmp_path, 8192)
    for ids, text in zip(data.workload.splits["validation"], data.examples["validation"], strict=True):
        chat = [
            {"role": "system", "content": spec.data.system},
            {"role": "user", "content": text.prompt},
            {"role": "assistant", "content": text.gold},
        ]
        whole = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)
        assert [*ids.prompt_ids, *ids.completion_ids] == whole[: ids.n_tokens]
        assert tokenizer.decode(whole[ids.n_tokens :]).strip() == ""


def test_built_in_rows_are_short(tokenizer, tmp_path: Path) -> None:
    data = prepare(load_study(write_demo(tmp_path)), tokenizer, tmp_path, 8192)
    assert data.facts.mean_tokens < 36
    assert data.facts.longest_tokens < 48
    assert data.warnings == ()
