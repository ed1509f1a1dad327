"""Writes the predictions that tunebook's engine `command` reads, for an adapter that any trainer has left.

    python recipes/score_adapter.py CONFIG_JSON ADAPTER_FOLDER

One line for each example of each scored split: the greedy answer, and the negative log-likelihood of the gold
completion with the token that ends it, summed, in nats. An answer ends where tunebook's own engines end it: at the
template's end of a turn, at end-of-text, or at a token that the model's generation_config.json names. Without an
adapter folder the base model is scored.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from trainer_files import answer_text, model_and_revision, prompt_text, read_lines, turn_end
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(name: str) -> tuple[Any, Any]:
    """The base model on the best device there is, and its tokenizer."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source, revision = model_and_revision(name)
    model = AutoModelForCausalLM.from_pretrained(source, revision=revision, dtype=torch.float32).to(device)
    return model, AutoTokenizer.from_pretrained(source, revision=revision)


def encode(tokenizer: Any, example: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Prompt through the chat template, and gold completion with its end, as token ids."""
    end = turn_end(tokenizer)
    prompt = tokenizer(prompt_text(tokenizer, example), add_special_tokens=False)["input_ids"]
    completion = tokenizer(answer_text(end, example["completion"]), add_special_tokens=False)["input_ids"]
    return prompt, [*completion, tokenizer.convert_tokens_to_ids(end.token)]


def stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer."""
    named = model.generation_config.eos_token_id
    named = model.config.eos_token_id if named is None else named
    own = named if isinstance(named, list) else [] if named is None else [named]
    return list(
        dict.fromkeys([tokenizer.convert_tokens_to_ids(turn_end(tokenizer).token), tokenizer.eos_token_id, *own])
    )


@torch.no_grad()
def predict(model: Any, tokenizer: Any, example: dict[str, Any], scoring: dict[str, Any]) -> dict[str, Any]:
    """One line of predictions; without an answer where only likelihoods are judged."""
    prompt, completion = encode(tokenizer, example)
    ids = torch.tensor([prompt + completion], device=model.device)
    log_p = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
    nll = -log_p.gather(1, ids[0, len(prompt) :, None]).sum().item()
    likelihood = {"index": example["index"], "nll": nll, "n_tokens": len(completion)}
    if scoring["kind"] == "likelihood":
        return likelihood
    start, stops = ids[:, : len(prompt)], stop_ids(model, tokenizer)
    answer = model.generate(
        input_ids=start,
        attention_mask=torch.ones_like(start),
        max_new_tokens=scoring["max_new_tokens"],
        do_sample=False,
        pad_token_id=tokenizer.eos_token_id,
        eos_token_id=stops,
    )
    written = [token for token in answer[0, len(prompt) :].tolist() if token not in stops]
    text = tokenizer.decode(written, skip_special_tokens=True)
    return {**likelihood, "answer": text}


def score(model: Any, tokenizer: Any, config: dict[str, Any]) -> None:
    """Write the predictions of every split that is asked for."""
    model.eval()
    for split, path in config["predictions"].items():
        lines = (
            json.dumps(predict(model, tokenizer, example, config["scoring"]))
            for example in read_lines(config["data"][split])
        )
        Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    base, words = load(told["model"])
    if len(sys.argv) > 2:
        from peft import PeftModel

        base = PeftModel.from_pretrained(base, sys.argv[2])
    score(base, words, told)
