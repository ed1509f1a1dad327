"""A `StudySpec` as the text of a study file: full names, only what was given or differs from the default."""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor, Role
from tunebook.core.study import Budget, CommandLimits, DataSpec, SeedCounts, StudySpec
from tunebook.escaping import is_hidden

__all__ = ["number_text", "write_study"]

_OPTIONAL = (
    "engine",
    "executor",
    "planner",
    "trackers",
    "device",
    "dtype",
    "extrapolate",
    "design",
    "floor",
    "trials",
    "max_new_tokens",
    "final",
    "share_prompts",
    "per_token",
)


def write_study(spec: StudySpec) -> str:
    """YAML text that `parse_study` reads back as an equal spec."""
    root = CommentedMap()
    root["study"] = spec.name
    root["model"] = spec.model
    root["data"] = _data(spec.data)
    root["metric"] = _flow({"name": spec.metric, **_options(spec)}) if spec.metric_options else spec.metric
    root["baseline"] = CommentedMap({name: _plain(getattr(spec.baseline, name)) for name in _given(spec)})
    root["space"] = CommentedMap((factor.name, _factor(factor)) for factor in spec.space)
    root["alpha_rule"] = spec.alpha_rule
    root["budget"] = _flow({name: value for name, value in _items(spec.budget) if value is not None})
    root["margin"] = _plain(spec.margin)
    root["seed"] = spec.seed
    if spec.seeds != SeedCounts():
        root["seeds"] = _flow(dict(_items(spec.seeds)))
    defaults = {field.name: field.default for field in fields(StudySpec)}
    root.update({name: _plain(getattr(spec, name)) for name in _OPTIONAL if getattr(spec, name) != defaults[name]})
    if spec.command:
        root["command"] = _plain(spec.command)
    if spec.command_limits != CommandLimits():
        root["command_limits"] = _flow({name: _plain(value) for name, value in _items(spec.command_limits)})
    root["report"] = _flow({"language": spec.language})
    return _dumped(root)


def _given(spec: StudySpec) -> list[str]:
    """The factors named in the file, in its order, and any other that is not at its default."""
    defaults = Configuration()
    moved = [f.name for f in fields(Configuration) if getattr(spec.baseline, f.name) != getattr(defaults, f.name)]
    return list(dict.fromkeys([*spec.baseline_given, *moved]))


def _options(spec: StudySpec) -> dict[str, Any]:
    return {name: _plain(value) for name, value in spec.metric_options}


def _data(data: DataSpec) -> CommentedMap:
    defaults = {field.name: field.default for field in fields(DataSpec)}
    return CommentedMap((name, _plain(value)) for name, value in _items(data) if value != defaults[name])


def _factor(factor: Factor) -> Any:
    role = {} if factor.role is Role.SCIENTIFIC else {"role": factor.role.value}
    if factor.is_range:
        return _flow({"low": _plain(factor.low), "high": _plain(factor.high), **role})
    levels = _plain(factor.levels)
    return _flow({"levels": levels, **role}) if role else levels


def _items(value: Budget | SeedCounts | DataSpec | CommandLimits) -> list[tuple[str, Any]]:
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _flow(values: dict[str, Any]) -> CommentedMap:
    block = CommentedMap(values)
    block.fa.set_flow_style()
    return block


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        items = CommentedSeq(_plain(item) for item in value)
        items.fa.set_flow_style()
        return items
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _dumped(root: CommentedMap) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096  # never breaks a line inside a list or map
    yaml.representer.add_representer(float, lambda r, v: r.represent_scalar("tag:yaml.org,2002:float", number_text(v)))
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.representer.add_representer(str, _represent_text)
    text = io.StringIO()
    yaml.dump(root, text)
    return text.getvalue()


def _represent_text(representer: Any, text: str) -> Any:
    style = '"' if any(map(is_hidden, text)) else None  # without quotes U+0085 and others read back as blanks
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def number_text(value: float) -> str:
    """A number as people write it: 0.0002 as 2e-4, 0.05 as 0.05. Reads back as the same float."""
    short = repr(float(value))
    if "e" in short or 0 < abs(value) < 1e-3:
        digits, _, exponent = f"{value:.17e}".partition("e")
        for places in range(18):
            digits, _, exponent = f"{value:.{places}e}".partition("e")
            if float(f"{digits}e{exponent}") == value:
                break
        return f"{digits}e{int(exponent)}"
    return short.removesuffix(".0")
