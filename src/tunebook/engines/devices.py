"""Which devices a study computes on, from what its file says; one worker for each."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence

from tunebook.errors import ModelError

__all__ = ["cuda_free_bytes", "cuda_name", "device_names", "has_driver"]


def device_names(wanted: str | Sequence[str], foreign: bool = False, elsewhere: bool = False) -> tuple[str, ...]:
    """One name for each worker.

    Args:
        wanted: "auto" (every GPU, else the processor), "cpu", "cpu:2" (two workers that share the processor), "cuda"
            (every GPU), "cuda:1", or several of these.
        foreign: an external program computes; GPUs named by number are taken as they are named, because the program
            may see them where tunebook's own torch cannot.
        elsewhere: other machines compute, each worker on one device; the kind of device must be named.

    Returns: ("cuda:0", "cuda:1"), or ("cpu",), or ("cpu:0", "cpu:1") for equal parts of the processor.

    Raises: ModelError: none of these, a GPU that is not there or is named twice, or GPUs beside the processor.
    """
    each = [wanted] if isinstance(wanted, str) else list(wanted)
    if elsewhere:
        each = [_of_its_kind(one) for one in each]
    names = [name for one in each for name in _expanded(one, foreign or elsewhere)]
    told = ", ".join(each)
    if len({name.partition(":")[0] for name in names}) > 1:
        raise ModelError(
            "device: found {told}; the processor and GPUs do not give the same results in the last bits, so a "
            "study has one kind. Name one of them.",
            told=told,
        )
    if names[0] == "cpu":
        return ("cpu",) if len(names) == 1 else tuple(f"cpu:{number}" for number in range(len(names)))
    if len(set(names)) < len(names):
        raise ModelError("device: found {told}; a GPU has one worker. Name each once.", told=told)
    return tuple(names)


def _of_its_kind(wanted: str) -> str:
    """A device of another machine, as a name that `_expanded` does not look for here."""
    if wanted == "auto" or wanted.startswith("cuda:"):
        raise ModelError(
            "device: found {found!r}, but the executor computes on other machines. Name the kind of device that each "
            "worker has there: cuda, cpu, or cpu:N for an N-th of this machine's number of processors.",
            found=wanted,
        )
    return "cuda:0" if wanted == "cuda" else wanted


def _expanded(wanted: str, foreign: bool) -> list[str]:
    kind, _, number = wanted.strip().partition(":")
    if kind == "cpu" and (not number or (number.isdecimal() and int(number) > 0)):
        return ["cpu"] * int(number or 1)
    if kind == "cuda" and number.isdecimal():
        n = 0 if foreign else _n_gpus()
        if not foreign and n == 0:
            raise _no_gpu(wanted)
        if not foreign and int(number) >= n:
            raise ModelError(
                'device: found "{wanted}", but this machine has {n} usable CUDA devices. GPUs are numbered from 0; '
                "`tunebook doctor` lists them. Use auto or cpu, or another number.",
                wanted=wanted,
                n=n,
            )
        return [f"cuda:{int(number)}"]
    if wanted in ("auto", "cuda"):
        n = _n_gpus()
        if n == 0 and wanted == "cuda":
            raise _no_gpu(wanted)
        return [f"cuda:{index}" for index in range(n)] or ["cpu"]
    raise ModelError(
        'device: found "{wanted}"; must be auto, cpu, cpu:N (N workers that share the processor), cuda, cuda:N (the '
        "GPU with that number), or a list. Correct `device` in the study file.",
        wanted=wanted,
    )


def _no_gpu(wanted: str) -> ModelError:
    return ModelError(
        'device: found "{wanted}", but this machine has no usable CUDA device. Use auto or cpu.', wanted=wanted
    )


def _n_gpus() -> int:
    """GPUs that torch can use; without the driver it need not be imported, which takes seconds."""
    if not has_driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def has_driver() -> bool:
    """Whether a driver of NVIDIA's is installed."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def cuda_name(device: str) -> str:
    """Name and memory of a CUDA device; `device` itself where an external program alone can use it."""
    if _n_gpus() <= int(device.partition(":")[2] or 0):
        return device
    import torch

    facts = torch.cuda.get_device_properties(torch.device(device))
    return f"{facts.name} {facts.total_memory / 2**30:.0f} GB"


def cuda_free_bytes(device: str) -> int:
    """Bytes free on a CUDA device."""
    import torch

    return int(torch.cuda.mem_get_info(torch.device(device))[0])
