"""What `target_modules` means for a base model, by PEFT's own rule, and what of it cannot be trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from tunebook.core.configuration import ALL_LINEAR
from tunebook.engines.base_model import load_config, load_error, quiet_transformers
from tunebook.errors import ModelError
from tunebook.escaping import quoted

# peft is imported where it is used: on its way in come seconds of other libraries, and "all-linear" needs none of it

__all__ = ["Targets", "check_targets", "chosen"]

Targets = str | Sequence[str] | None
"""Names (each the end of a module's name), one regular expression, "all-linear", or None for PEFT's choice."""


def chosen(targets: Targets, names: Sequence[str], linear: Collection[str], model_type: str) -> tuple[str, ...]:
    """The modules that `target_modules` means, in their order.

    Args:
        targets: anything but "all-linear".
        names: of the model's modules.
        linear: those of them that can be trained.

    Raises: ModelError: a name matches no module, or one that is not linear, which PEFT would silently leave out or
        could not train; None is given, and PEFT has no default for this type of model.
    """
    from peft import LoraConfig
    from peft.tuners.tuners_utils import check_target_module_exists

    wanted = _default(model_type) if targets is None else targets
    as_one = targets is None or isinstance(wanted, str)
    found: set[str] = set()
    for part in [wanted] if as_one else [(name,) for name in wanted]:
        config = LoraConfig(target_modules=part if isinstance(part, str) else list(part))
        matched = [name for name in names if check_target_module_exists(config, name)]
        _refuse(part, matched, linear, model_type)
        found.update(matched)
    return tuple(name for name in names if name in found)


def check_targets(
    folder: Path | str, asked: Iterable[str | tuple[str, ...] | None], trust_remote_code: bool = False
) -> None:
    """Refuse what `chosen` refuses, before anything is spent.

    Args:
        folder: the base model's.
        asked: every `target_modules` of a study.

    Raises: ModelError: as `chosen`.
    Cost: nothing for "all-linear"; else the model's modules are made without their weights (about a second).
    """
    wanted = [targets for targets in dict.fromkeys(asked) if targets != ALL_LINEAR]
    if not wanted:
        return
    config = load_config(folder, trust_remote_code)
    if wanted == [None]:
        _default(config.model_type)
        return
    modules = _modules(folder, config, trust_remote_code)
    linear = {name for name, module in modules.items() if _is_linear(module)}
    for targets in wanted:
        chosen(targets, tuple(modules), linear, config.model_type)


def _refuse(targets: str | Sequence[str], matched: Sequence[str], linear: Collection[str], model_type: str) -> None:
    other = next((name for name in matched if name not in linear), None)
    if matched and other is None:
        return
    text = targets if isinstance(targets, str) else ", ".join(targets)
    raise ModelError(
        "target_modules: {text} means {other}, which is no linear module of this {model_type} model; its linear "
        "modules are {linear}. Set target_modules to some of them."
        if other
        else "target_modules: {text} matches no linear module of this {model_type} model; its linear modules are "
        "{linear}. Set target_modules to some of them.",
        text=quoted(text),
        other=quoted(other),
        model_type=model_type,
        linear=", ".join(sorted({name.rsplit(".", 1)[-1] for name in linear})),
    )


def _default(model_type: str) -> str | Sequence[str]:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

    if model_type not in TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING:
        raise ModelError(
            "target_modules: not given, and PEFT has no default for model type {model_type!r}. Set "
            'target_modules to "all-linear" or a list of names.',
            model_type=model_type,
        )
    targets: str | Sequence[str] = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING[model_type]
    return targets


def _modules(folder: Path | str, config: Any, trust_remote_code: bool) -> dict[str, Any]:
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with quiet_transformers(), torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    except Exception as error:  # as in base_model.load_model
        raise load_error(folder, "model", error) from error
    return {name: module for name, module in model.named_modules() if name}


def _is_linear(module: Any) -> bool:
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, nn.Linear | Conv1D)
