"""A `StudySpec` as the text of a study file: full names, only what was given or differs from the default."""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor, Role
from tunebook.core.space import SearchSpace
from tunebook.core.study import StudySpec
from tunebook.escaping import is_hidden
from tunebook.study_file.keys import CHILDREN, FileKey, Path, value_at

__all__ = ["number_text", "write_study"]


def write_study(spec: StudySpec) -> str:
    """YAML text that `parse_study` reads back as an equal spec."""
    return _dumped(_map(spec, ()))


def _map(spec: StudySpec, path: Path) -> CommentedMap:
    """What stands in the map at a path: required keys, keys that are not at their default or are always written."""
    block = CommentedMap()
    for key in CHILDREN[path]:
        if key.path == ("metric",):
            options = {name: _node(value) for name, value in spec.metric_options}
            block["metric"] = _flow({"name": spec.metric, **options}) if options else spec.metric
        elif key.path in CHILDREN:
            inner = _map(spec, key.path)
            if inner:
                block[key.path[-1]] = inner if key.path == ("data",) else _flow(inner)
        else:
            value = value_at(spec, key)
            if key.is_required or key.about.always_written or value != key.default:
                block[key.path[-1]] = _values(spec, key, value)
    return block


def _values(spec: StudySpec, key: FileKey, value: Any) -> Any:
    if key.hint is Configuration:
        return CommentedMap({name: _node(getattr(value, name)) for name in _given(spec)})
    if key.hint is SearchSpace:
        return CommentedMap((factor.name, _factor(factor)) for factor in value)
    return _node(value)


def _given(spec: StudySpec) -> list[str]:
    """The factors named in the file, in its order, and any other that is not at its default."""
    defaults = Configuration()
    moved = [f.name for f in fields(Configuration) if getattr(spec.baseline, f.name) != getattr(defaults, f.name)]
    return list(dict.fromkeys([*spec.baseline_given, *moved]))


def _factor(factor: Factor) -> Any:
    role = {} if factor.role is Role.SCIENTIFIC else {"role": factor.role.value}
    if factor.is_range:
        return _flow({"low": _node(factor.low), "high": _node(factor.high), **role})
    levels = _node(factor.levels)
    return _flow({"levels": levels, **role}) if role else levels


def _flow(values: dict[str, Any]) -> CommentedMap:
    block = CommentedMap(values)
    block.fa.set_flow_style()
    return block


def _node(value: Any) -> Any:
    if isinstance(value, dict):
        return _flow({name: _node(each) for name, each in value.items()})
    if isinstance(value, tuple | list):
        items = CommentedSeq(_node(item) for item in value)
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
