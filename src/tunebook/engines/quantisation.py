"""Base models in 4 or 8 bits: what a model folder holds, what is refused, how it is loaded. Imports no torch.

`quantised_modules.py` multiplies by such weights.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunebook.core.quantisation import BITS, NONE, bitsandbytes_keywords
from tunebook.errors import MissingExtraError, ModelError
from tunebook.phrases import Phrase

__all__ = [
    "count_weights",
    "loading_keywords",
    "needs_other_library",
    "quantization_of",
    "resolve_quantization",
]

_LIBRARIES = {"gptq": "gptqmodel", "awq": "gptqmodel", "torchao": "torchao"}
"""Other ways in which folders are quantised, and the package by which transformers and PEFT run them."""
_BESIDE_WEIGHTS = (
    ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".SCB", ".weight_format", ".qzeros", ".scales",
    ".g_idx", "._weight_scale", "._weight_zero_point",
)  # fmt: skip
"""Ends of the names of tensors that belong to a quantised weight."""
_STATE = ".quant_state."
_INSTEAD = "Point `model` at the model in full precision, with quantization: nf4 where memory is short."


# -- what a folder holds, and what is refused


def quantization_of(folder: Path | str) -> str:
    """How a model folder's weights are quantised: "none", "nf4", "fp4", "int8", or the name of another method."""
    facts = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    found = facts.get("quantization_config") or facts.get("text_config", {}).get("quantization_config")
    if not found:
        return NONE
    if found.get("load_in_8bit"):
        return "int8"
    if found.get("load_in_4bit"):
        return str(found.get("bnb_4bit_quant_type", "fp4"))
    return str(found.get("quant_method", "unknown"))


def resolve_quantization(folder: Path | str, wanted: str, dtype: str) -> str:
    """How the base model's weights will be kept: as the study asks, or as the folder has them.

    Args:
        wanted: of the study file; "none": as the folder has them.
        dtype: the type of everything else.

    Raises: ModelError: the folder is quantised in another way, or in one that cannot be trained on; MissingExtraError:
        the package that it takes is not installed.
    """
    found = quantization_of(folder)
    kind = wanted if found == NONE else found
    if kind == NONE:
        return kind
    if NONE not in (wanted, found) and wanted != found:
        raise ModelError(
            "quantization: found {wanted}, but the weights in {folder} are quantised already ({found}), and "
            "cannot be quantised again. Leave `quantization` out, or point `model` at the model in full "
            "precision.",
            wanted=wanted,
            folder=folder,
            found=found,
        )
    library, install = _library(kind)
    if library is None:
        raise ModelError(
            "model: the weights in {folder} are quantised by {kind}, which tunebook cannot train on. {instead}",
            folder=folder,
            kind=kind,
            instead=Phrase(_INSTEAD),
        )
    if importlib.util.find_spec(library) is None:
        key = "model" if wanted == NONE else "quantization"
        raise MissingExtraError(
            "{key}: weights in {kind} need the package {library}, which is not installed. Run: {install}",
            key=key,
            kind=kind,
            library=library,
            install=install,
        )
    if dtype == "float64":
        raise ModelError(
            "dtype: found float64, but weights in {kind} are given back in 32 bits at most. Use dtype float32, "
            "or a base model in full precision.",
            kind=kind,
        )
    return kind


def needs_other_library(folder: Path | str) -> Phrase | None:
    """Why the packed engine cannot multiply by a folder's weights, as one sentence, or None."""
    kind = quantization_of(folder)
    if kind in (NONE, *BITS):
        return None
    return Phrase(
        "its weights are quantised by {kind}, of which the packed multiplies have not been shown equal to PEFT's",
        kind=kind,
    )


def _library(kind: str) -> tuple[str | None, str]:
    """The package by which weights of a kind are used, None if there is none, and how it is installed."""
    if kind in BITS:
        return "bitsandbytes", 'pip install "tunebook[quant]"'
    library = _LIBRARIES.get(kind)
    return library, f"pip install {library}"


def count_weights(folder: Path, files: Sequence[Any]) -> int:
    """Weights of a model, whatever number of them lies in a byte.

    Args:
        files: the folder's safetensors files, open.
    """
    packed = _packed_shapes(files)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("quantization_config") or {}
    in_an_integer = 32 // int(config.get("bits") or 32)  # of GPTQ and AWQ
    total = 0
    for file in files:
        for name in file.keys():  # noqa: SIM118  (an open file is no dict)
            if name.endswith(_BESIDE_WEIGHTS) or _STATE in name:
                continue
            shape = packed.get(name) or file.get_slice(name).get_shape()
            total += math.prod(shape) * (in_an_integer if name.endswith(".qweight") else 1)
    return total


def _packed_shapes(files: Sequence[Any]) -> dict[str, list[int]]:
    """The true shapes of weights that bitsandbytes keeps in 4 bits, by name."""
    found = {}
    for file in files:
        for name in file.keys():  # noqa: SIM118
            weight, is_state, _ = name.partition(_STATE)
            if is_state:
                found[weight] = json.loads(file.get_tensor(name).tobytes())["shape"]
    return found


# -- loading


def loading_keywords(folder: Path | str, quantization: str, dtype: str, device: str) -> dict[str, Any]:
    """What `from_pretrained` must be told so that weights are quantised, and read straight to their device.

    Args:
        quantization: as resolved (`resolve_quantization`).
    """
    if quantization == NONE and device == "cpu":
        return {}
    keywords: dict[str, Any] = {"device_map": {"": device}}
    if quantization in BITS and quantization_of(folder) == NONE:
        from transformers import BitsAndBytesConfig

        keywords["quantization_config"] = BitsAndBytesConfig(**bitsandbytes_keywords(quantization, dtype))
    return keywords
