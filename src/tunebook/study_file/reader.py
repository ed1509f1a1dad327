"""From the text of a study file to a `StudySpec`: the parts are read one after another, the problems told together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tunebook.core.configuration import Configuration
from tunebook.core.space import SearchSpace
from tunebook.core.study import StudySpec
from tunebook.errors import StudyFileError
from tunebook.phrases import Phrase, joined
from tunebook.study_file.checks import cross_check
from tunebook.study_file.document import parse_document, read_text
from tunebook.study_file.factors import looks_numeric, read_baseline, read_space
from tunebook.study_file.keys import CHILDREN, KEYS
from tunebook.study_file.problems import KeyPath, Problems, nearest, shown
from tunebook.study_file.schema import StudySection

__all__ = ["load_study", "parse_study", "raise_together", "with_line"]


def load_study(path: str | Path) -> StudySpec:
    """Read a study file.

    Args:
        path: a YAML file; paths inside it are kept as written (they are relative to its folder).

    Raises:
        StudyFileError: one error that names every problem: file, line, key, what was found, what was expected, what to
            do.
    """
    path = Path(path)
    return parse_study(read_text(path), path.name)


def parse_study(text: str, name: str = "study.yaml") -> StudySpec:
    """Read a study from YAML text; `name` is how messages call the file. Raises StudyFileError as `load_study`."""
    document = parse_document(text, name)
    values, problems = document.values, document.problems
    if not isinstance(values, dict):
        found = Phrase("found an empty file") if values is None else Phrase("found {value}", value=shown(values))
        raise StudyFileError(
            "{name}:1: {found}; a study file is a map of keys (study, model, data, ...). Write one with "
            "`tunebook init DATA`, or see docs/study-file.md.",
            name=name,
            found=found,
        )
    listed = values.get("metrics")
    if "metric" not in values and isinstance(listed, list) and listed:
        values["metric"] = listed[0]  # the first decides
    section = _validated(values, problems)
    baseline = read_baseline(_as_map(values.get("baseline")), problems)
    factors = read_space(_as_map(values.get("space")), problems)
    cross_check(values, baseline, factors, problems)
    problems.raise_if_any()
    assert section is not None, "no problem was told, so the section is valid"
    return _spec(
        section,
        baseline=Configuration(**baseline),  # type: ignore[arg-type]
        baseline_given=tuple(baseline),
        space=SearchSpace(factors),
    )


def _as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _validated(values: dict[str, Any], problems: Problems) -> BaseModel | None:
    try:
        return StudySection.model_validate(values)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False):
            path = _file_path(item["loc"])
            if not problems.has(path):
                problems.add(path, _text(item["type"], path, item["input"]))
        return None


def _file_path(location: tuple[int | str, ...]) -> KeyPath:
    """Pydantic's location, whose parts below a list may name the type tried; only keys and positions are kept."""
    return tuple(part for part in location if isinstance(part, int) or not part.startswith(("function-", "list[")))


def _text(kind: str, path: KeyPath, value: Any) -> Phrase:
    if kind == "extra_forbidden":
        return _unknown_key(path)
    what, example = _described(path)
    if kind == "missing":
        return Phrase(
            "the key is missing; it must be {what}. Add {addition}.", what=what, addition=f"{path[-1]}: {example}"
        )
    if isinstance(value, str) and kind in ("int_type", "float_type") and looks_numeric(value):
        return Phrase("found the text {value}; must be {what}. Write it without quotes.", value=shown(value), what=what)
    if kind == "string_type" and isinstance(value, bool | int | float):
        return Phrase(
            'found {value}; must be {what}. To mean the text, write it in quotes: "{value}".',
            value=shown(value),
            what=what,
        )
    return Phrase(
        "found {value}; must be {what}. Write {example}, for example.", value=shown(value), what=what, example=example
    )


def _unknown_key(path: KeyPath) -> Phrase:
    known = [key.path[-1] for key in CHILDREN[tuple(str(part) for part in path[:-1])]]
    guess = nearest(str(path[-1]), known)
    if guess is not None:
        return Phrase("there is no such key. Did you mean {guess}?", guess=guess)
    return Phrase("there is no such key; known here are {known}. Remove it.", known=", ".join(known))


def _described(path: KeyPath) -> tuple[Phrase, str]:
    names = tuple(str(part) for part in path if not isinstance(part, int))
    while names not in KEYS:  # within a map of names that the user chose
        names = names[:-1]
    about = KEYS[names].about
    return Phrase("a text that is not empty" if isinstance(path[-1], int) else about.what), about.example


def _spec(section: BaseModel, **others: Any) -> StudySpec:
    """The specification that a valid file's values make, with `others` among its attributes."""
    values = section.model_dump()
    arguments: dict[str, Any] = {}
    for key in reversed(KEYS.values()):  # what is in a map comes before the map
        if key.path not in CHILDREN:
            value = _at(values, key.path)
            _put(arguments, key.attribute, tuple(value) if isinstance(value, list) else value)
        elif key.attribute:
            _put(arguments, key.attribute, key.hint(**_at(arguments, key.attribute)))
    options = tuple((name, value) for name, value in values["metric"].items() if ("metric", name) not in KEYS)
    return StudySpec(**arguments | {"metric_options": options} | others)


def _at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    return _at(values[path[0]], path[1:]) if len(path) > 1 else values[path[0]]


def _put(arguments: dict[str, Any], attribute: tuple[str, ...], value: Any) -> None:
    for name in attribute[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[attribute[-1]] = value


def raise_together(found: Mapping[KeyPath, Phrase], file: Path | None) -> None:
    """Raise one StudyFileError for what is wrong with values that the study file has no mistake in, each with its line;
    nothing is raised where nothing was found.

    Args:
        found: by key path, what is wrong there.
        file: the study file; None: only its folder is there, and no lines are known.
    """
    if file is None:
        if found:
            raise StudyFileError(joined(found.values()))
        return
    try:
        lines = parse_document(read_text(file), file.name).lines
    except StudyFileError:  # it is no more what was read
        lines = {}
    problems = Problems(file.name, lines)
    for path, text in found.items():
        problems.add(path, text)
    problems.raise_if_any()


def with_line(message: Phrase, file: Path) -> Phrase:
    """A message that begins with a key of the study file ("model: ...", "metric.floor: ..."), after its file and line.

    A factor is looked for in `baseline`, then in `space`. A message that begins with anything else is given back as it
    is; so is one about a file that cannot be read any more.
    """
    key = message.partition(":")[0]
    path = tuple(key.split("."))
    paths = [path, path[:1]] if path[:1] in KEYS else [("baseline", key), ("space", key)]
    try:
        lines = parse_document(read_text(file), file.name).lines
    except StudyFileError:
        return message
    line = next((lines[path] for path in paths if path in lines), None)
    if line is None:
        return message
    return Phrase("{place}: {message}", place=f"{file.name}:{line}", message=message)
