"""YAML for tools that read YAML 1.1, which would read a float without a point, such as 5e-05, as text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from tunebook.escaping import is_hidden, yaml_comment, yaml_takes_plain

__all__ = ["yaml_text"]


class _Representer(RoundTripRepresenter):
    """Writes floats that YAML 1.1 and 1.2 both read as floats."""


def _float(representer: Any, value: float) -> Any:
    text = repr(value)
    if "e" in text and "." not in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}.0e{exponent}"
    return representer.represent_scalar("tag:yaml.org,2002:float", text)


def _text(representer: Any, value: str) -> Any:
    # YAML 1.1 does not read no, 1e3 and 1:30 as text; ruamel leaves U+0085 unquoted, which is read as a space
    style = None if yaml_takes_plain(value) and not any(map(is_hidden, value)) else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Representer.add_representer(float, _float)
_Representer.add_representer(str, _text)


def yaml_text(values: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """A YAML document that begins with the comments, one per line."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.width = 4096
    out = io.StringIO()
    yaml.dump(dict(values), out)
    head = "".join(f"# {yaml_comment(comment)}\n" for comment in comments if comment)
    return head + out.getvalue()
