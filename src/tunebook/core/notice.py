"""A warning for the user, as a value; `words` turns it into a sentence in the study's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Notice"]


@dataclass(frozen=True)
class Notice:
    """A warning about something that may mislead; the study goes on.

    Attributes:
        code: a stable name; the class of each language in `words` has a method `notice_<code>`.
        values: the arguments of that method, as JSON values.
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
