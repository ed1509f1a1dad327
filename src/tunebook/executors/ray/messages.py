"""What the runner, the gateway and the seats tell each other. Imports nothing of Ray."""

from __future__ import annotations

import ipaddress
import platform
from dataclasses import dataclass
from importlib import metadata

from tunebook.executors.worker import Assignment

__all__ = [
    "ADAPTER",
    "ADDRESS",
    "HOME",
    "INSECURE",
    "Node",
    "Piece",
    "SeatOrder",
    "Wanted",
    "is_safe",
    "own_versions",
]

ADDRESS = "RAY_ADDRESS"
INSECURE = "TUNEBOOK_INSECURE_CLUSTER"
ADAPTER = "adapter"
"""Message of a seat: a `Piece` of an adapter's file."""
HOME = "home"
"""Message of a seat: all files of this trial's adapter have been sent."""

_LIBRARIES = ("tunebook", "torch", "transformers", "peft", "numpy")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The devices that a study asks the cluster for.

    Attributes:
        address: the cluster's, as Ray reads it ("auto", "10.0.0.1:6379").
        insecure: whether a cluster without a token, beyond the loopback address, is used.
        gpu: whether each seat needs a GPU; else it needs `cpus` processors.
        cpus: processors of a seat; beside a GPU, 1.
    """

    address: str
    insecure: bool
    gpu: bool
    cpus: int


@dataclass(frozen=True, kw_only=True)
class SeatOrder:
    """What a seat is to hold.

    Attributes:
        seat: number, never used again.
        assignment: the worker's, without the workload and the transform, which go through the object store.
        workload: key of what was sent before.
        model_hash: fingerprint of the model that must lie at the same path on the node; empty: no model is needed.
        versions: of Python and the libraries, which must be the same.
    """

    seat: int
    assignment: Assignment
    workload: int
    model_hash: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Node:
    """The node of the cluster that a seat is on: the name of its host, and Ray's own id."""

    host: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a file of an adapter.

    Attributes:
        sha256: of the whole file, with its last piece; else empty.
    """

    trial: int
    name: str
    offset: int
    data: bytes
    sha256: str


def is_safe(head: str, asks_for_token: bool, insecure: bool) -> bool:
    """Whether a cluster may be used: whoever reaches one can run programs on it.

    Args:
        head: address of the machine that its head runs on.
        asks_for_token: whether only those with its token may use it.
        insecure: whether the user has said that its network is closed.
    """
    return insecure or asks_for_token or _is_loopback(head)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def own_versions() -> tuple[tuple[str, str], ...]:
    """Python's version and those of the libraries that results depend on."""
    return (("python", platform.python_version()), *((name, _version(name)) for name in _LIBRARIES))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"
