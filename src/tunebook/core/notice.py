"""What the user should know, as a value: `words` puts it into a sentence of the study's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Notice"]


@dataclass(frozen=True)
class Notice:
    """Something that may mislead; the study goes on.

    Attributes:
        code: a stable name for programs and for the words, which have a method `notice_<code>`.
        values: JSON values, the arguments of that method.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_json(cls, kept: Any) -> Notice:
        """What `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(str(kept["code"]), dict(kept["values"]))
