"""Which labels of trials mean the same trial."""

from __future__ import annotations

import re

_NUMBERED = re.compile(
    r"(?:exp(?:eriment)?|trial|run|test|config|实验|试验|编号|第|no\.?|#)?[\s\-_#.:№]*(\d{1,6})\s?(?:号|次)?",
    re.IGNORECASE,
)


def key_of(label: str) -> str:
    """The number of a label that is one ("exp16" -> "16"), else the label in lower case without blanks."""
    match = _NUMBERED.fullmatch(label.strip())
    return str(int(match[1])) if match else whole(label)


def whole(label: str) -> str:
    """A label in lower case without blanks."""
    return re.sub(r"\s+", "", label).casefold()
