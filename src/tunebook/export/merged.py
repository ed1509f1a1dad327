"""The README of a merged model: what it was merged from."""

from __future__ import annotations

from tunebook.core.quantisation import NONE
from tunebook.escaping import markdown_text
from tunebook.export.peft import lora_config
from tunebook.export.target import ExportTarget

__all__ = ["render"]


_QUANTISED = (
    "The base model's weights were kept in {}, and the adapter was trained on them so. What it was added to is these "
    "weights given back in full precision, not the original ones. Quantised again, this model answers otherwise than "
    "the study's.\n\n"
)


def render(target: ExportTarget) -> dict[str, str]:
    """`README.md` of a merged model."""
    base = target.model + (f", revision {target.revision}" if target.revision else "")
    base = markdown_text(base)
    settings = ", ".join(f"{name} {value}" for name, value in lora_config(target).items())
    text = (
        f"# {markdown_text(target.study)}: merged model\n\n"
        f"The base model ({base}) with the LoRA adapter that the tunebook study recommends added into its weights "
        f"in float32 and stored as {target.dtype}. {target.accuracy}\n\n"
        f"{_QUANTISED.format(target.quantization) if target.quantization != NONE else ''}"
        f"Adapter: {markdown_text(settings)}; seed {target.seed}.\n\n"
        "Load it with `transformers.AutoModelForCausalLM.from_pretrained(folder)`; PEFT is not needed. Rounding to a "
        "shorter number format can change single answers; the record's scores are those of the adapter.\n"
    )
    return {"README.md": text}
