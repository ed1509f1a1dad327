"""Adds an adapter into its base model's weights, so that the result needs no PEFT."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError

from tunebook.core.quantisation import NONE
from tunebook.engines.base_model import load_model, load_tokenizer, quiet_transformers
from tunebook.engines.packed.training.saving import CONFIG, WEIGHTS
from tunebook.errors import ModelError
from tunebook.escaping import quoted
from tunebook.files import as_umask_says

__all__ = ["merge"]

TAKEN = ("r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "rank_pattern", "alpha_pattern", "bias")
"""What of an adapter's configuration acts on the merged weights. The rest of the file, which may be anybody's, is left
out: PEFT would import modules and read files that it names."""


def merge(
    base: Path,
    adapter: Path,
    target: Path,
    dtype: str = "float32",
    stops: Sequence[int] = (),
    quantization: str = NONE,
) -> Path:
    """Write base + adapter as a plain model folder with its tokenizer.

    Args:
        base: folder of the base model (safetensors).
        adapter: PEFT folder.
        target: made; existing files of the same names are replaced.
        dtype: the number format the weights are stored in; the sum W + s B A is taken in float32.
        stops: the tokens that end an answer, for its generation_config.json; empty: as the base model has them.
        quantization: how the base model's weights were kept; the adapter is added to them as they are given back.

    Returns: target.
    Raises: ModelError: the base model cannot be loaded, or the adapter is none of LoRA in safetensors.
    Cost: the base model in float32 in memory, on the processor.
    """
    target.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        model = load_model(base, "float32", "cpu", quantization=quantization)
        model = _in_full_precision(model, quantization)
        adapted = _adapted(model, adapter)
        _untie_adapted_head(model)
        merged = adapted.merge_and_unload()
        if stops:
            merged.generation_config.eos_token_id = list(stops)
        merged.to(getattr(torch, dtype)).save_pretrained(target)
        as_umask_says(target, "model*.safetensors")
        load_tokenizer(base).save_pretrained(target)
    _name_for_other_programs(target)
    return target


def _name_for_other_programs(folder: Path) -> None:
    """Say in transformers 4's words too what transformers 5 has renamed: programs that convert or serve the model may
    have that version. A missing `rope_theta` would be taken for 10000 without a word."""
    config_file, tokenizer_file = folder / "config.json", folder / "tokenizer_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8"))
    rope = config.get("rope_parameters")
    if isinstance(rope, dict) and "rope_theta" in rope:  # one kind of layer; others have names of their own
        config["rope_theta"] = rope["rope_theta"]
        if rope.get("rope_type", "default") != "default":
            config["rope_scaling"] = {name: value for name, value in rope.items() if name != "rope_theta"}
    if "dtype" in config:
        config["torch_dtype"] = config["dtype"]
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    settings = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    kept = {name: value for name, value in settings.items() if name not in ("backend", "is_local", "local_files_only")}
    tokenizer_file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _in_full_precision(model: Any, quantization: str) -> Any:
    if quantization == NONE:
        return model
    try:
        return model.dequantize()
    except NotImplementedError:
        raise ModelError(
            "export merged: the base model's weights are kept by {quantization}, which cannot give them back. "
            "Export the adapter (--format peft) and load it with PEFT on that base.",
            quantization=quantization,
        ) from None


def _adapted(model: Any, adapter: Path) -> Any:
    config = _config(adapter)
    try:
        return PeftModel.from_pretrained(model, str(adapter), config=config)
    except (RuntimeError, TypeError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(
            "{adapter}: this adapter does not fit the model ({error}). Train it again.",
            adapter=adapter,
            error=quoted(str(error)),
        ) from error


def _untie_adapted_head(model: Any) -> None:
    """Give an adapted output head weights of its own: tied ones would carry its change into the input embedding."""
    head = model.get_output_embeddings()
    if isinstance(head, BaseTunerLayer) and model.config.tie_word_embeddings:
        layer = head.get_base_layer()
        layer.weight = torch.nn.Parameter(layer.weight.detach().clone(), requires_grad=False)
        model.config.tie_word_embeddings = False


def _config(adapter: Path) -> LoraConfig:
    weights, file = adapter / WEIGHTS, adapter / CONFIG
    if not weights.is_file():  # PEFT would take adapter_model.bin, a pickle
        raise ModelError(
            "{adapter}: found no {weights}; adapters are read as safetensors only. Train it again.",
            adapter=adapter,
            weights=WEIGHTS,
        )
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["peft_type"] != "LORA":
            raise ValueError(f"peft_type is {quoted(facts['peft_type'])}")
        taken = {name: facts[name] for name in TAKEN if name in facts}
        return LoraConfig(**taken, task_type="CAUSAL_LM", inference_mode=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "{file}: not the configuration of a LoRA adapter ({error}). Train it again.", file=file, error=error
        ) from None
