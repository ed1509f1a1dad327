"""Data sections of other trainers, read as they are: LLaMA-Factory's dataset_info.json and axolotl's YAML.

They become what a study file says: a file for each split, and how its rows are read. What has no place there is
refused, never left out in silence.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tunebook.data.examples import quoted
from tunebook.data.reading import Reading
from tunebook.errors import DataError
from tunebook.files import reason
from tunebook.phrases import Phrase

__all__ = ["DataSection", "data_section"]

MOST_BYTES = 1024 * 1024
LLAMA_FACTORY = "dataset_info.json"
_FILE_KEYS = ("file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
_ALPACA = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
_SHAREGPT = {"messages": "messages", "system": "system", "tools": "tools"}
_TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
_PASSED_OVER = ("observation_tag", "function_tag", "system_tag")
"""Roles whose usual names are known; other ones are told by the reader, with their row."""


@dataclass(frozen=True)
class DataSection:
    """A data section as a study file says it.

    Attributes:
        sources: role to path or hub id; empty where a file beside the section was named.
        reading: how the rows are read.
    """

    sources: Mapping[str, str]
    reading: Reading


def data_section(data: str) -> DataSection | None:
    """The data section that a path names, or None where it names data itself.

    Args:
        data: dataset_info.json, or an axolotl .yml; ":name" behind it chooses one of several data sets. For a data
            file, the entry of a dataset_info.json beside it is used.

    Raises:
        DataError: the section cannot be read, names several data sets, or says what tunebook does not do.
    """
    path, name = Path(os.path.expanduser(data)), ""
    if not path.exists() and ":" in data:
        head, _, name = data.rpartition(":")
        path = Path(os.path.expanduser(head))
    if path.name == LLAMA_FACTORY and path.is_file():
        return _llama_factory(path, name)
    if path.suffix.lower() in (".yml", ".yaml") and path.is_file():
        return _axolotl(path, name)
    info = path.parent / LLAMA_FACTORY
    if path.is_file() and info.is_file():
        entries = _entries(_json(info))
        own = [key for key, entry in entries.items() if entry.get("file_name") == path.name]
        return DataSection({}, _of_entry(info, own[0], entries[own[0]]).reading) if len(own) == 1 else None
    return None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError("{path}: cannot be read ({why}). Give a readable file.", path=path, why=reason(error)) from None
    if len(data) > MOST_BYTES:
        raise DataError(
            "{path}: more than 1 MiB; a data section is a page or two. Give the data file itself.", path=path
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("{path}: not UTF-8. Save the file as UTF-8.", path=path) from None


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(
            "{path}: not readable as JSON ({error}). Fix the file.", path=path, error=quoted(str(error))
        ) from None


def _entries(values: Any) -> dict[str, dict[str, Any]]:
    """The data sets of a dataset_info.json of LLaMA-Factory; none in one of `datasets`, which has the same name."""
    items = values.items() if isinstance(values, dict) else ()
    return {name: each for name, each in items if isinstance(each, dict) and any(key in each for key in _FILE_KEYS)}


def _llama_factory(path: Path, name: str) -> DataSection:
    entries = _entries(_json(path))
    if not entries:
        raise DataError("{path}: no entry with a file_name in it. Give the data file itself.", path=path)
    if not name and len(entries) == 1:
        name = next(iter(entries))
    if name not in entries:
        found = (
            Phrase("found no entry {name}", name=quoted(name))
            if name
            else Phrase("found {n} data sets", n=len(entries))
        )
        listed = ", ".join(list(entries)[:12])
        raise DataError(
            "{path}: {found}; they are {listed}. Name one: {path}:{first}.",
            path=path,
            found=found,
            listed=listed,
            first=next(iter(entries)),
        )
    return _of_entry(path, name, entries[name])


def _of_entry(path: Path, name: str, entry: dict[str, Any]) -> DataSection:
    place = f"{path}: {name}"
    if entry.get("ranking"):
        raise DataError(
            "{place}: found ranking: true; that is preference data, and tunebook tunes on one answer a prompt. "
            "Name another data set.",
            place=place,
        )
    columns = _map(entry, "columns", place)
    refused = [key for key in ("chosen", "rejected", "kto_tag", "images", "videos", "audios") if columns.get(key)]
    if refused:
        raise DataError(
            "{place}: found columns.{refused}; tunebook tunes on one text answer a prompt. Name another data set.",
            place=place,
            refused=refused[0],
        )
    form = entry.get("formatting", "alpaca")
    if form not in ("alpaca", "sharegpt"):
        raise DataError(
            "{place}: found formatting {form}; must be alpaca or sharegpt. Correct it.", place=place, form=quoted(form)
        )
    known = _ALPACA if form == "alpaca" else _SHAREGPT
    given = {known[key]: _name(value, f"{place}: columns.{key}") for key, value in columns.items() if key in known}
    tags = _map(entry, "tags", place)
    given |= {_TAGS[key]: _name(value, f"{place}: tags.{key}") for key, value in tags.items() if key in _TAGS}
    unknown = [*(key for key in columns if key not in known), *(k for k in tags if k not in (*_TAGS, *_PASSED_OVER))]
    if unknown:
        raise DataError(
            "{place}: found {unknown}, which tunebook does not know. Remove it.",
            place=place,
            unknown=quoted(unknown[0]),
        )
    usual = {name: name for name in known.values()} | {"role": "from", "content": "value"}
    if form == "sharegpt":
        usual |= {"messages": "conversations", "user": "human", "assistant": "gpt"}
    changed = {key: value for key, value in given.items() if usual.get(key) != value}
    source = _beside(path, _source(entry, place))
    return DataSection({"train": source}, Reading(format="alpaca" if form == "alpaca" else None, columns=changed))


def _beside(config: Path, source: str) -> str:
    """A source as it is found: beside the file that names it, in the working folder, or a hub id."""
    file = config.parent / source
    return str(file) if file.exists() else source


def _source(entry: dict[str, Any], place: str) -> str:
    if isinstance(entry.get("file_name"), str):
        return str(entry["file_name"])
    hub = entry.get("hf_hub_url")
    if not isinstance(hub, str):
        raise DataError(
            "{place}: found no file_name; tunebook reads files and hub data sets. Give the data file.", place=place
        )
    subset, split = entry.get("subset"), entry.get("split")
    return hub + (f"/{subset}" if subset else "") + (f":{split}" if split else "")


def _map(entry: dict[str, Any], key: str, place: str) -> dict[str, Any]:
    value = entry.get(key) or {}
    if isinstance(value, dict):
        return value
    raise DataError(
        "{place}: {key}: found {value}; must be a map of names. Correct it.", place=place, key=key, value=quoted(value)
    )


def _name(value: Any, place: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise DataError(
        "{place}: found {value}; must be the name of a column. Correct it.", place=place, value=quoted(value)
    )


# --- axolotl -------------------------------------------------------------------------------------------------------

_PREFERENCES = ("dpo", "ipo", "kto", "orpo", "simpo", "grpo")


def _axolotl(path: Path, name: str) -> DataSection | None:
    values = _yaml(path)
    sets = values.get("datasets") if isinstance(values, dict) else None
    if not isinstance(sets, list) or not sets or not all(isinstance(each, dict) for each in sets):
        return None
    place = f"{path}: datasets"
    if values.get("rl"):
        raise DataError(
            "{path}: found rl: {value}; that is preference data, and tunebook tunes on one answer a prompt. "
            "Give another configuration.",
            path=path,
            value=quoted(values["rl"]),
        )
    if len(sets) > 1 and not name:
        listed = ", ".join(f"{i}: {quoted(each.get('path'))}" for i, each in enumerate(sets, 1))
        raise DataError(
            "{place}: found {n_sets} data sets ({listed}); a study has one. Name one: {path}:1.",
            place=place,
            n_sets=len(sets),
            listed=listed,
            path=path,
        )
    if name and not (name.isdecimal() and 1 <= int(name[:6]) <= len(sets)):
        raise DataError(
            "{place}: found no data set {name}; they count from 1 to {n_sets}. Correct it.",
            place=place,
            name=quoted(name),
            n_sets=len(sets),
        )
    chosen = sets[int(name) - 1 if name else 0]
    sources = {"train": _beside(path, _axolotl_source(chosen, place))}
    tests = values.get("test_datasets")
    if isinstance(tests, list) and tests and isinstance(tests[0], dict):
        sources["validation"] = _beside(path, _axolotl_source(tests[0], f"{path}: test_datasets"))
    return DataSection(sources, _axolotl_reading(chosen, place))


def _yaml(path: Path) -> Any:
    text = _text(path)
    if "&" in text and "*" in text and any(line.lstrip().startswith("<<") for line in text.splitlines()):
        raise DataError("{path}: found merged maps (<<). Write the data section out.", path=path)
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise DataError(
            "{path}: not readable as YAML ({error}). Fix the file.", path=path, error=quoted(str(error))
        ) from None


def _axolotl_source(entry: dict[str, Any], place: str) -> str:
    path = _name(entry.get("path"), f"{place}: path")
    files = entry.get("data_files")
    if isinstance(files, list) and len(files) == 1:
        files = files[0]
    if isinstance(files, str):
        return files if path in ("json", "csv", "parquet") else str(Path(path) / files)
    subset, split = entry.get("name"), entry.get("split")
    if Path(path).suffix:
        return path
    return path + (f"/{subset}" if subset else "") + (f":{split}" if split else "")


def _axolotl_reading(entry: dict[str, Any], place: str) -> Reading:
    kind = entry.get("type")
    if isinstance(kind, dict):
        return _own_format(kind, f"{place}: type")
    if not isinstance(kind, str):
        raise DataError(
            "{place}: type: found {kind}; must be a prompt style or a map. Correct it.", place=place, kind=quoted(kind)
        )
    style = kind.partition(":")[0].partition(".")[0]
    if style in ("completion", "pretrain"):
        raise DataError(
            "{place}: found type {kind}; whole texts are pretraining data, in which no answer can be scored. "
            "Name another data set.",
            place=place,
            kind=kind,
        )
    if any(word in kind.casefold() for word in _PREFERENCES):
        raise DataError(
            "{place}: found type {kind}; that is preference data. Name another data set.", place=place, kind=kind
        )
    if style == "alpaca":
        return Reading(format="alpaca")
    if style in ("chat_template", "sharegpt"):
        turns = entry.get("message_property_mappings")
        turns = turns if isinstance(turns, dict) else {}
        columns = {
            "messages": entry.get("field_messages"),
            "system": entry.get("field_system"),
            "tools": entry.get("field_tools"),
            "role": turns.get("role", entry.get("message_field_role")),
            "content": turns.get("content", entry.get("message_field_content")),
        }
        columns |= _axolotl_roles(entry.get("roles"))
        given = {name: _name(value, f"{place}: {name}") for name, value in columns.items() if value is not None}
        return Reading(columns={name: value for name, value in given.items() if name != value})
    raise DataError(
        "{place}: found type {kind}; tunebook reads chat_template, sharegpt, alpaca and maps of fields. Give "
        "the data file itself.",
        place=place,
        kind=quoted(kind),
    )


def _axolotl_roles(roles: Any) -> dict[str, str]:
    """The names of the roles; of several names for one role the first that is not a usual one."""
    found = {}
    for role in ("user", "assistant"):
        names = roles.get(role) if isinstance(roles, dict) else None
        own = [name for name in names or () if isinstance(name, str) and name not in ("human", "gpt", role)]
        if own:
            found[role] = own[0]
    return found


def _own_format(kind: dict[str, Any], place: str) -> Reading:
    """A map of fields with a format: "[INST] {instruction} [/INST]" is left to the model's chat template."""
    fields = {name: kind.get(f"field_{name}") for name in ("instruction", "input", "output", "system")}
    given = {name: _name(value, f"{place}: field_{name}") for name, value in fields.items() if value is not None}
    if kind.get("system_prompt"):
        raise DataError("{place}: found system_prompt; in a study it is data.system. Move it there.", place=place)
    return Reading(format="alpaca", columns={name: value for name, value in given.items() if name != value})
