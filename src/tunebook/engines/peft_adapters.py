"""Adapters as PEFT makes, begins, optimises and saves them."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import Trainer, TrainingArguments

from tunebook.core.configuration import Configuration
from tunebook.core.keywords import lora_keywords
from tunebook.core.ports import EngineOptions
from tunebook.engines.base_model import load_model, quiet_transformers
from tunebook.engines.initial import initial_values
from tunebook.engines.starts import DRAWN
from tunebook.files import replaced_folder

__all__ = ["adapted_model", "lora_config", "lora_plus_optimiser", "save_adapter", "taken_from_base"]


def lora_config(configuration: Configuration) -> Any:
    """PEFT's LoraConfig for a configuration."""
    from peft import LoraConfig

    return LoraConfig(**lora_keywords(configuration))


def adapted_model(options: EngineOptions, configuration: Configuration, seed: int) -> Any:
    """A fresh base model with an adapter whose initial values are those of every engine."""
    from peft import get_peft_model

    o = options
    model = load_model(o.model, o.dtype, o.device, o.trust_remote_code, o.quantization)
    with quiet_transformers():
        adapted = get_peft_model(model, lora_config(configuration))
    _initialise(adapted, configuration, seed)
    return adapted


def _initialise(model: Any, configuration: Configuration, seed: int) -> None:
    """Give the adapter the initial values that every engine starts from; those of the base weights are PEFT's.

    Raises: ValueError: a module has not as many singular values as the rank asks for.
    """
    from peft.tuners.lora import LoraLayer

    kind = configuration.init_lora_weights
    for name, module in model.get_base_model().named_modules():
        if not isinstance(module, LoraLayer):
            continue
        a_RD, b_OR = module.lora_A["default"].weight, module.lora_B["default"].weight
        if len(a_RD) < configuration.lora_r:
            raise ValueError(
                f"lora_r: got {configuration.lora_r} with init_lora_weights {kind}, which takes its directions from "
                f"the weights; {name} has {len(a_RD)}. Choose ranks up to that."
            )
        if kind in DRAWN:
            values = initial_values(seed, name, len(a_RD), a_RD.shape[1], len(b_OR), kind)
            with torch.no_grad():
                a_RD.copy_(values[0])
                b_OR.copy_(values[1])


def lora_plus_optimiser(model: Any, configuration: Configuration, arguments: TrainingArguments) -> Any:
    """PEFT's optimiser with two rates, or None: the Trainer makes its own."""
    from peft.optimizers import create_loraplus_optimizer

    if configuration.lora_plus_lr_ratio == 1:
        return None
    kind, values = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    return create_loraplus_optimizer(
        model,
        kind,
        loraplus_lr_ratio=configuration.lora_plus_lr_ratio,
        loraplus_weight_decay=configuration.weight_decay,
        **values,
    )


def taken_from_base(model: Any, configuration: Configuration) -> dict[str, torch.Tensor]:
    """The adapter as it begins, where PEFT has taken it out of the base weights; else nothing."""
    from peft import get_peft_model_state_dict

    if not configuration.init_lora_weights.startswith(("pissa", "olora")):
        return {}
    return {name: value.detach().clone() for name, value in get_peft_model_state_dict(model).items()}


def save_adapter(model: Any, folder: Path, taken: dict[str, torch.Tensor]) -> int:
    """Write the adapter in PEFT's format, atomically; gives its size in bytes.

    Args:
        taken: what was taken out of the base weights when training began (`taken_from_base`).

    Raises: DiskFull, UnwritableFolder: what was there before is untouched.
    """
    with quiet_transformers(), replaced_folder(folder) as scratch:
        if model.peft_config["default"].init_lora_weights in (True, *DRAWN):
            # of an adapted head PEFT would write the base weights too
            model.save_pretrained(scratch, safe_serialization=True, save_embedding_layers=False)
        else:
            _save_plain(model, scratch, taken)
    return (folder / "adapter_model.safetensors").stat().st_size


def _save_plain(model: Any, folder: Path, taken: dict[str, torch.Tensor]) -> None:
    """Write an adapter that begins in the base weights as an ordinary one, B A - B0 A0, of twice the rank.

    Saved as it is, PEFT would decompose the weights again when it is loaded, and other tools would not.
    Source: peft.tuners.lora.LoraModel.subtract_mutated_init.
    """
    from peft import get_peft_model_state_dict
    from peft.utils import SAFETENSORS_WEIGHTS_NAME

    tensors = {name: value.detach() for name, value in get_peft_model_state_dict(model).items()}
    config = copy.deepcopy(model.peft_config["default"])
    config.init_lora_weights, config.inference_mode = True, True
    if taken:
        for name, first in taken.items():
            is_a = "lora_A" in name
            tensors[name] = torch.cat([tensors[name], first if is_a else -first], dim=0 if is_a else 1)
        config.r *= 2
        config.lora_alpha *= math.sqrt(2) if config.use_rslora else 2  # the scaling stays
    folder.mkdir(exist_ok=True)
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, folder / SAFETENSORS_WEIGHTS_NAME)
    config.save_pretrained(folder)
