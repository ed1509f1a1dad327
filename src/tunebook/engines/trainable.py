"""What the engines that train can do of a configuration: reasons, without loading anything."""

from __future__ import annotations

from tunebook.core.configuration import Configuration

__all__ = ["packed_refusal", "peft_refusal"]


def peft_refusal(configuration: Configuration, device: str) -> str | None:
    """Why no engine that trains can take the configuration on this machine, as one clause, or None."""
    return None


def packed_refusal(configuration: Configuration) -> str | None:
    """Why engine `packed` leaves the configuration to engine `peft`, as one clause, or None."""
    return None
