"""Numbers as people read them: percentages with one decimal, points with their sign, learning rates as 6e-4.

Probabilities and accuracies come in as [0, 1]. Nothing here depends on the language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

__all__ = [
    "about",
    "bound",
    "bytes_text",
    "count",
    "count_text",
    "duration",
    "fixed",
    "margin_text",
    "number",
    "p_phrase",
    "p_value",
    "percent",
    "points",
    "rate",
    "rounded_time",
    "signed",
    "times",
    "trial_list",
    "value",
]

_KIB = 1024


def percent(share: float, decimals: int = 1) -> str:
    """0.712 as "71.2"; the sign is the language's: `Shared.percent`."""
    return _no_minus_zero(share * 100, decimals)


def signed(difference: float, decimals: int = 1) -> str:
    """7.3 as "+7.3"; a difference that rounds to zero has no sign."""
    text = _no_minus_zero(difference, decimals)
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"


def points(difference: float) -> str:
    """0.073 as "+7.3", `signed`."""
    return signed(difference * 100)


def bound(difference: float, decimals: int = 1) -> str:
    """An end of an interval, as `signed`, but never "0.0" unless it is exactly zero: which side it lies on decides."""
    text = signed(difference, decimals)
    return f"{difference:+.1g}" if float(text) == 0 and difference else text


def rate(learning_rate: float) -> str:
    """0.00062 as "6.2e-4": at most three significant digits."""
    if learning_rate == 0 or not math.isfinite(learning_rate):
        return f"{learning_rate:g}"
    mantissa, exponent = f"{learning_rate:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def number(x: float, digits: int = 3) -> str:
    """A plain number with that many significant digits, never in scientific notation for everyday sizes."""
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else ("inf" if x > 0 else "-inf")
    if x == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(x))))
    return _no_minus_zero(x, min(decimals, 6))


def value(name: str, level: Any) -> str:
    """A factor's value as in a configuration file."""
    if name == "learning_rate":
        return rate(float(level))
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float):
        return f"{level:g}"
    if isinstance(level, list | tuple):
        return ", ".join(str(item) for item in level)
    return str(level)


def count(n: int) -> str:
    """1000 as "1,000"."""
    return f"{n:,}"


def about(n: int) -> str:
    """A number that is only an estimate, with two significant digits: 2015 as "2,000"."""
    digits = max(0, len(str(abs(n))) - 2)
    return count(round(n, -digits))


def margin_text(share: float) -> str:
    """A margin as the user wrote it, in points: 0.03 as "3", 0.025 as "2.5"."""
    return f"{share * 100:.4g}"


def duration(seconds: float) -> str:
    """ "2 h 10", "14 min", "3 min 05 s", "35 s" or "0.4 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def rounded_time(seconds: float) -> str:
    """A predicted time, to the minute: "2 h 10", "14 min"."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def bytes_text(n: float) -> str:
    """ "4.6 MiB", "1.20 GiB"."""
    if n < _KIB**2:
        return f"{n / _KIB:.0f} KiB"
    return f"{n / _KIB**2:.1f} MiB" if n < _KIB**3 else f"{n / _KIB**3:.2f} GiB"


def p_value(p: float) -> str:
    """Four decimals, so that a column of them can be read down; "< 0.0001" below that."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def p_phrase(p: float) -> str:
    """ "p = 0.0625" or "p < 0.0001"."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def trial_list(ids: Sequence[int]) -> str:
    """1, 2, 3, 5 as "1-3, 5"."""
    runs: list[list[int]] = []
    for i in sorted(set(ids)):
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _no_minus_zero(x: float, decimals: int) -> str:
    text = fixed(x, decimals)
    return text.lstrip("-") if float(text) == 0 else text


def fixed(x: float, decimals: int) -> str:
    """With that many decimals, halves away from zero. What floats add is cleared first, so that one mean that was
    computed in two ways is written in one: 65.25 and 65.24999999999999 are both "65.3"."""
    if not math.isfinite(x):
        return f"{x:.{decimals}f}"
    return f"{Decimal(f'{x:.9f}').quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"


def count_text(n: float) -> str:
    """A large count in three digits: "12.3 M", "4,560"."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n:,.0f}"


def times(ratio: float) -> str:
    """A multiple in two digits: "0.5x" with a multiplication sign."""
    return f"{float(f'{ratio:.2g}'):g}×"
