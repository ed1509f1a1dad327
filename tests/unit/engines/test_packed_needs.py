"""What the packed engine needs to be installed, and how it knows that memory ran out."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tunebook.errors import is_out_of_memory

_OTHERS = (
    "bitsandbytes", "datasets", "platformdirs", "pydantic", "rich", "ruamel", "scipy", "sqlalchemy", "statsmodels",
)  # fmt: skip


def test_the_engine_is_imported_and_plans_with_nothing_but_the_training_libraries():
    """Beside torch, transformers, peft (which brings psutil), numpy and safetensors."""
    code = (
        "import sys, importlib.util\n"
        f"for name in {_OTHERS}:\n    sys.modules[name] = None\n"
        "import tunebook.engines.packed.engine, tunebook.engines.peft\n"
        "from tunebook.engines.packed.model.native import library\nlibrary()\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[-2000:]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA driver error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        getattr(torch, "AcceleratorError", RuntimeError)("CUDA error: out of memory"),
    ],
    ids=str,
)
def test_every_way_of_saying_that_memory_ran_out_is_known(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error: device-side assert triggered"), ValueError("out of memory")]
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_out_of_memory(error)
