"""Converts what earlier versions wrote to this version's form when it is read. The ledger itself is not changed.

Schema 0001 kept the decisions of a wave among its notes, as codes with values (decision 028). Schemas 0004 and 0005
kept with a trial what it counts against a budget, which now follows from how far it was trained (decision 039). The
first versions had one design only (decision 123).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tunebook.core.study import BracketPlan, Budget, ChosenRate, Wave

__all__ = ["spec_text", "trial_text", "with_typed_decisions"]

Values = Mapping[str, Any]


def trial_text(text: str) -> str:
    """A trial's definition as JSON, without what it counted."""
    if '"units"' not in text:
        return text
    values = json.loads(text)
    values.pop("units", None)
    return json.dumps(values)


def spec_text(text: str) -> str:
    """A study as JSON, with its design: while there was no choice, that was one factor at a time."""
    if '"design"' in text or not text.startswith('{"'):
        return text
    return '{"design": "one_factor", ' + text[1:]


def with_typed_decisions(wave: Wave) -> Wave:
    """The wave with its decisions in fields; its other notes stay notes."""
    decisions = [note for note in wave.notes if _decides(*note)]
    for code, values in decisions:
        wave = _FIELDS[code](wave, values)
    return replace(wave, notes=tuple(note for note in wave.notes if note not in decisions)) if decisions else wave


def _decides(code: str, values: Values) -> bool:
    return code in _FIELDS and _KEYS.get(code, frozenset()) <= values.keys()


def _bracket(wave: Wave, values: Values) -> Wave:
    rates, seeds = tuple(map(float, values["rates"])), {name: int(n) for name, n in values["seeds"].items()}
    return replace(wave, bracket=BracketPlan(rates, int(values["baseline_seeds"]), seeds))


def _chosen_rate(wave: Wave, values: Values) -> Wave:
    losses = tuple((rate, loss) for rate, loss in values["losses"])
    chosen = ChosenRate(values["factor"], values["level"], values["learning_rate"], losses)
    return replace(wave, chosen_rates=(*wave.chosen_rates, chosen))


def _nothing(wave: Wave, values: Values) -> Wave:
    return wave


_KEYS = {
    "bracket": frozenset({"rates", "seeds", "baseline_seeds"}),
    "chosen_rate": frozenset({"factor", "level", "learning_rate", "losses"}),
}
"""The keys that a note must have to be one of the planner's decisions."""
_FIELDS: dict[str, Callable[[Wave, Values], Wave]] = {
    "bracket": _bracket,
    "chosen_rate": _chosen_rate,
    "combined": lambda wave, values: replace(wave, combined=dict(values)),
    "sealed": lambda wave, values: replace(wave, sealed=dict(values)),
    "budget": lambda wave, values: replace(wave, budget=Budget(**values)),
    "edge": _nothing,  # the end of the search for the breaking rate; never read
}
