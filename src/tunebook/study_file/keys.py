"""Every key of the study file by its path, out of the fields of `StudySpec` and their rows (`core.study_key`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from tunebook.core.study import StudySpec
from tunebook.core.study_key import StudyKey

__all__ = ["CHILDREN", "KEYS", "FileKey", "Path", "value_at"]

Path = tuple[str, ...]
"""Where a key stands: ("data", "train")."""


@dataclass(frozen=True, kw_only=True)
class FileKey:
    """A key of the study file.

    Attributes:
        path: where it stands.
        attribute: the attribute of `StudySpec` that it gives; empty: a map that no attribute holds.
        hint: the attribute's type.
        default: the attribute's default; MISSING: there is none.
        about: its row.
    """

    path: Path
    attribute: Path
    hint: Any
    default: Any
    about: StudyKey

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def is_required(self) -> bool:
        return self.default is MISSING


def _keys(cls: type, path: Path = (), attribute: Path = ()) -> Iterator[FileKey]:
    hints = get_type_hints(cls)
    for field in fields(cls):
        about: StudyKey | None = field.metadata.get("key")
        if about is None:
            continue
        here, own = (*path, *(about.path or field.name).split(".")), (*attribute, field.name)
        hint = hints[field.name]
        if about.section is not None:
            default: Any = MISSING if field.default is MISSING else {}
            yield FileKey(path=here[:-1], attribute=(), hint=dict, default=default, about=about.section)
        yield FileKey(path=here, attribute=own, hint=hint, default=field.default, about=about)
        if is_dataclass(hint):
            yield from _keys(hint, here, own)  # type: ignore[arg-type]


KEYS: dict[Path, FileKey] = {key.path: key for key in _keys(StudySpec)}
"""In the order in which they are written."""
CHILDREN: dict[Path, tuple[FileKey, ...]] = {
    parent: tuple(key for key in KEYS.values() if key.path[:-1] == parent)
    for parent in dict.fromkeys(key.path[:-1] for key in KEYS.values())
}
"""The keys of every map, by the map's path; () is the file itself. Maps of factors are not among them."""


def value_at(spec: StudySpec, key: FileKey) -> Any:
    """The value of a key in a specification."""
    value: Any = spec
    for name in key.attribute:
        value = getattr(value, name)
    return value
