"""How a base model's weights may be kept, and what transformers calls it."""

from __future__ import annotations

from typing import Any

__all__ = ["BITS", "NONE", "bitsandbytes_keywords"]

NONE = "none"
BITS = {"nf4": 4, "fp4": 4, "int8": 8}
"""Bits a weight of what bitsandbytes keeps. A model's folder may also be quantised by another library."""


def bitsandbytes_keywords(quantization: str, dtype: str = "float32") -> dict[str, Any]:
    """Arguments of transformers' BitsAndBytesConfig for "nf4" or "int8".

    Args:
        dtype: the model's type, in which it computes.
    """
    if quantization == "int8":
        return {"load_in_8bit": True}
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": dtype,
    }
