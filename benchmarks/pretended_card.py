"""A pretended GPU on a machine without one: CPU tensors that say they are on "cuda:0".

    with PretendedCard() as card:
        model = card.put(model)
        ...                       # card.kernels, card.copies, card.reads, card.waits

What a real card would refuse raises here: an operation on tensors of the card and of the host (other than single
numbers), and NumPy's or a native library's look at the card's memory. Counted are kernels (every operation that is no
view, on tensors of the card), copies to the card, reads from it, and where the host waits for it: each read, each copy
from memory that is not pinned, and operations whose result's size depends on values.

The numbers are real, as everything computes on the CPU. Triton's kernels do not run here; `as_launches` counts what
takes their place.
"""

from __future__ import annotations

import contextlib
import traceback
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

__all__ = ["CARD", "MixedDevices", "PretendedCard"]

CARD, HOST = torch.device("cuda:0"), torch.device("cpu")
_NO_KERNELS = {
    "view", "_unsafe_view", "t", "transpose", "permute", "expand", "slice", "select", "as_strided", "detach", "alias",
    "unsqueeze", "squeeze", "split", "chunk", "unbind", "split_with_sizes", "_reshape_alias", "lift_fresh", "empty",
    "empty_like", "new_empty", "empty_strided", "new_empty_strided", "is_same_size", "_local_scalar_dense", "diagonal",
    "narrow", "unfold",
}  # fmt: skip
_SIZE_FROM_VALUES = {"nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "equal", "bincount"}
_FACTORIES = {
    "tensor", "as_tensor", "zeros", "ones", "empty", "full", "arange", "rand", "randn", "eye", "linspace", "zeros_like",
    "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint", "new_empty", "new_zeros", "new_ones",
    "new_full", "new_tensor", "empty_strided", "tril_indices", "triu_indices", "randperm",
}  # fmt: skip
_FROM_HOST = {"tensor", "as_tensor", "new_tensor"}


class MixedDevices(RuntimeError):
    """What a card would refuse."""


class PretendedCard:
    """While it is entered, devices called "cuda" are this one.

    Attributes:
        kernels, copies, reads, waits: counted since `forget`; `by_name` counts kernels by operation.
        trace: names and shapes of what was launched, in order, if `traced` is set.
    """

    def __init__(self) -> None:
        self._storages: dict[int, Any] = {}
        self._pinned: dict[int, Any] = {}
        self._inside = 0
        self.traced = False
        self.forget()
        self._stack = contextlib.ExitStack()

    def forget(self) -> None:
        """Count from now on."""
        self.kernels = self.copies = self.reads = self.waits = 0
        self.by_name: Counter[str] = Counter()
        self.trace: list[tuple[str, tuple[Any, ...]]] = []

    def __enter__(self) -> PretendedCard:
        real = torch.autograd.function.BackwardCFunction.apply
        card = self

        def apply(self: Any, *args: Any) -> Any:  # the function mode is off inside of the backward pass
            with _Functions(card):
                return real(self, *args)

        for one in (
            _Functions(self), _Operations(self),
            patch.object(torch.autograd.function.BackwardCFunction, "apply", apply),
            patch.object(torch.cuda, "Event", _Event), patch.object(torch.cuda, "synchronize", self._synchronize),
            patch.object(torch.cuda, "current_stream", lambda *_: None),
            patch.object(torch.cuda, "max_memory_allocated", lambda *_: 0),
            patch.object(torch.cuda, "reset_peak_memory_stats", lambda *_: None),
            patch.object(torch.cuda, "empty_cache", lambda *_: None),
            patch.object(torch.cuda, "memory_reserved", lambda *_: 0),
            patch.object(torch.cuda, "memory_allocated", lambda *_: 0),
            patch.object(torch.cuda, "mem_get_info", lambda *_: (24 * 2**30, 24 * 2**30)),
        ):  # fmt: skip
            self._stack.enter_context(one)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def put(self, model: Any) -> Any:
        """A model whose weights and buffers lie on the card."""
        for tensor in [*model.parameters(), *model.buffers()]:
            self.take(tensor)
        return model

    def take(self, tensor: Tensor) -> Tensor:
        """The same tensor, now on the card."""
        _note(self._storages, tensor)
        return tensor

    def has(self, value: Any) -> bool:
        """Whether a value is a tensor on the card."""
        return isinstance(value, Tensor) and value.untyped_storage()._cdata in self._storages

    def as_launches(self, work: Callable[..., Any], kernels: int, name: str = "") -> Callable[..., Any]:
        """A function that counts as so many kernels, whatever it does here."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            if not self._inside:
                self.kernels += kernels
                self.by_name[name or work.__name__] += kernels
                if self.traced:
                    self.trace.append((name or work.__name__, _shapes(args)))
            with self.unseen():
                return work(*args, **kwargs)

        return counted

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """Nothing is counted or refused inside."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    # -- what the modes see

    def operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        name = func._schema.name.split("::")[1]
        given = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        on = [t for t in given if self.has(t)]
        if on and not self._inside:
            self._look(name, on, given, args)
        out = func(*args, **kwargs)
        if on and not _is_copy_to_host(name, args, self):
            for tensor in tree_flatten(out)[0]:
                if isinstance(tensor, Tensor):
                    self.take(tensor)
        return out

    def _look(self, name: str, on: list[Tensor], given: list[Tensor], args: Any) -> None:
        off = [t for t in given if not self.has(t) and t.dim() > 0]
        if off and name == "copy_":
            target, source = args[:2]
            if self.has(target):
                self.copies += 1
                self.waits += source.untyped_storage()._cdata not in self._pinned
            else:
                self.reads += 1
                self.waits += target.untyped_storage()._cdata not in self._pinned
            return
        if off:
            lines = [f"{f.filename}:{f.lineno}" for f in traceback.extract_stack() if "tunebook" in f.filename]
            shapes = [tuple(t.shape) for t in off]
            raise MixedDevices(f"{name}: tensors of the card and of the host, {shapes}; at {', '.join(lines[-3:])}")
        by_mask = name in ("index", "index_put", "index_put_") and any(t.dtype == torch.bool for t in given[1:])
        if name == "_local_scalar_dense" or name in _SIZE_FROM_VALUES or by_mask:
            self.reads += 1
            self.waits += 1
        if name not in _NO_KERNELS:
            self.kernels += 1
            self.by_name[name] += 1
            if self.traced:
                self.trace.append((name, _shapes(args)))

    def function(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        name = getattr(func, "__name__", "")
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return CARD if self.has(args[0]) else HOST
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return self.has(args[0])
        if args and self.has(args[0]):
            if name == "tolist" and not self._inside:
                self.reads += 1
                self.waits += 1
            elif name in ("numpy", "__array__") and not self._inside:
                raise MixedDevices(f"{name}: the tensor is on the card")
        if name in ("to", "cpu", "cuda") and args and isinstance(args[0], Tensor):
            return self._moved(func, name, args, kwargs)
        if name in _FACTORIES:
            return self._made(func, name, args, kwargs)
        return func(*args, **kwargs)

    def _made(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Tensor:
        device, pinned = kwargs.pop("device", None), kwargs.pop("pin_memory", False)
        out: Tensor = func(*args, **kwargs)
        like = name.endswith("_like") or name.startswith("new_")
        on_card = torch.device(device).type == "cuda" if device is not None else like and self.has(args[0])
        if pinned:
            _note(self._pinned, out)
        if not on_card:
            return out
        if name in _FROM_HOST and not self._inside:
            self.copies += 1
            self.waits += 1
        elif name not in _NO_KERNELS and not like and not self._inside:
            self.kernels += 1
            self.by_name[name] += 1
        return self.take(out)

    def _moved(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Tensor:
        source: Tensor = args[0]
        target: torch.device | None = HOST if name == "cpu" else CARD if name == "cuda" else None
        rest: list[Any] = []
        for value in args[1:]:
            if isinstance(value, (str, torch.device)):
                target = torch.device(value)
            elif isinstance(value, Tensor):
                target = CARD if self.has(value) else HOST
                rest.append(value.dtype)
            elif not isinstance(value, bool):
                rest.append(value)
        if kwargs.get("device") is not None:
            target = torch.device(kwargs["device"])
        others = {key: value for key, value in kwargs.items() if key != "device"}
        out: Tensor = torch.Tensor.to(source, *rest, **others) if rest or others.get("dtype") else source
        if target is None or (target.type == "cuda") == self.has(source):
            return out
        with self.unseen():
            copied = torch.empty_strided(out.shape, out.stride(), dtype=out.dtype).copy_(out.detach())
        if target.type == "cuda":
            self.copies += not self._inside
            self.waits += not self._inside and source.untyped_storage()._cdata not in self._pinned
            return self.take(copied)
        self._storages.pop(copied.untyped_storage()._cdata, None)
        self.reads += not self._inside
        self.waits += not self._inside
        return copied

    def _synchronize(self, *_: Any) -> None:
        self.waits += 1


class _Event:
    """In the place of torch.cuda.Event: what is pretended has always been done."""

    def record(self, *_: Any) -> None: ...

    def synchronize(self) -> None: ...


class _Operations(TorchDispatchMode):
    def __init__(self, card: PretendedCard) -> None:
        super().__init__()
        self._card = card

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._card.operation(func, args, kwargs or {})


class _Functions(TorchFunctionMode):
    def __init__(self, card: PretendedCard) -> None:
        super().__init__()
        self._card = card

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._card.function(func, args, dict(kwargs or {}))


def _is_copy_to_host(name: str, args: Any, card: PretendedCard) -> bool:
    return name == "copy_" and not card.has(args[0])


def _note(storages: dict[int, Any], tensor: Tensor) -> None:
    storage = tensor.untyped_storage()
    key = storage._cdata
    if key not in storages:
        storages[key] = weakref.ref(storage, lambda _: storages.pop(key, None))


def _shapes(args: Any) -> tuple[Any, ...]:
    return tuple(
        (tuple(value.shape), value.dtype) if isinstance(value, Tensor) else value
        for value in tree_flatten(args)[0]
        if isinstance(value, (Tensor, int, float, bool))
    )
