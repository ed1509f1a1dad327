"""The README of an adapter that was trained on a base model in 4 or 8 bits: which base it wants."""

from __future__ import annotations

from tunebook.core.quantisation import bitsandbytes_keywords
from tunebook.escaping import markdown_text
from tunebook.export.target import ExportTarget

__all__ = ["adapter_readme"]

_EIGHT_BITS = (
    "With `load_in_8bit` transformers also rounds the activations (LLM.int8()), which the study did not: single "
    "answers may differ.\n\n"
)


def adapter_readme(target: ExportTarget) -> str:
    """Markdown: the base model, how it is loaded, and what happens on another one."""
    how = "" if target.quantised_folder else _config(target.quantization, target.dtype)
    arguments = [f'"{_code(target.model)}"', f"dtype=torch.{target.dtype}"]
    if target.revision:
        arguments.append(f'revision="{_code(target.revision)}"')
    if how:
        arguments.append("quantization_config=quantization")
    by_whom = " (as its folder has them)" if target.quantised_folder else ""
    return (
        f"# {markdown_text(target.study)}: adapter for a quantised base model\n\n"
        f"A LoRA adapter, trained by tunebook on {markdown_text(target.model)} with the weights of its linear layers "
        f"kept in {target.quantization}{by_whom}. It belongs on that base:\n\n"
        "```python\n"
        "import torch\n"
        "from peft import PeftModel\n"
        f"from transformers import AutoModelForCausalLM{', BitsAndBytesConfig' if how else ''}\n\n"
        f"{how}"
        f"base = AutoModelForCausalLM.from_pretrained({', '.join(arguments)})\n"
        'model = PeftModel.from_pretrained(base, "this folder")\n'
        "```\n\n"
        f"{_EIGHT_BITS if target.quantization == 'int8' else ''}"
        "On the model in full precision it runs too, but its answers and scores are not those of the study.\n"
    )


def _config(quantization: str, dtype: str) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in bitsandbytes_keywords(quantization, dtype).items())
    return f"quantization = BitsAndBytesConfig({arguments})\n"


def _code(text: str) -> str:
    """A text inside a Python string and a Markdown block of code."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("`", "")
