"""A study's configuration in the terms of other tools, and its data as chat messages.

Pure: text from values. Adapters are copied and weights merged in `run` and the engines.
"""

from __future__ import annotations

from tunebook.export.target import ExportTarget

__all__ = ["FORMATS", "ExportTarget", "export_texts"]

FORMATS = ("peft", "merged", "llama-factory", "axolotl")
"""What `tunebook export --format` takes."""


def export_texts(form: str, target: ExportTarget) -> dict[str, str]:
    """The text files of one format, by file name.

    Raises: KeyError: a format that is not in `FORMATS`.
    """
    from tunebook.export import axolotl, llama_factory, merged, peft

    writers = {"peft": peft.render, "merged": merged.render, "llama-factory": llama_factory.render,
               "axolotl": axolotl.render}  # fmt: skip
    return writers[form](target)
