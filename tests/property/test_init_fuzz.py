"""Whatever a dataset, its path or a model's name hold: what `init` wrote parses to exactly the values meant."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from init_text import init_text
from ruamel.yaml import YAML
from search_depth import examples

from tunebook.errors import DataError
from tunebook.escaping import is_hidden
from tunebook.study_file import parse_study

ATTACK = "yes\nengine: command\ncommand: [touch, started]\n#"
PIECES = (
    "\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1b[31m", "\x1b]0;title\x07", "\x00", "\ufeff",
    "\u202e", "\u2066", "'", '"', "#", " #", ": ", ":", "%YAML 1.1", "---", "...", "&a", "*a",
    "!!python/object:os.system ",
    "!", "|", ">", "[", "{", "- ", "? ", "@", "`", "\\", "\\n", "\\x41", "~", "null", "yes", "0x10", "1e3", ".inf",
    "engine: command", "command: [touch, started]", " ", "\t", "<think>", "𝒳", "é", "学习率", "\ud83d", "①",
)  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), min_size=1, max_size=6).map("".join)
names = hostile.map(lambda text: text.replace("/", "").replace("\x00", "")[:40] or "x")
KEYS = [
    "study",
    "model",
    "data",
    "metric",
    "baseline",
    "space",
    "alpha_rule",
    "design",
    "budget",
    "margin",
    "seed",
    "report",
]


def yaml_values(text: str) -> dict:
    return YAML(typ="safe", pure=True).load(text)


def write_rows(file: Path, answers: list[str], prompts: list[str]) -> None:
    rows = [
        {"prompt": f"{i} {prompts[i % len(prompts)]}", "completion": answers[i % len(answers)], "group": f"g{i % 2}"}
        for i in range(40)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def meant(tmp_path_factory) -> dict:
    """What is written for harmless answers."""
    folder = tmp_path_factory.mktemp("plain")
    write_rows(folder / "train.jsonl", ["a", "b"], ["c"])
    return yaml_values(init_text(str(folder / "train.jsonl"), folder))


@given(st.lists(hostile, min_size=1, max_size=3), st.lists(hostile, min_size=1, max_size=3))
@example([ATTACK, "no"], ["Is it open?"])
@example(["12 Oak Road\nNorthtown", "3 Elm Lane\nSouthtown"], ["Where?"])
@example(["def f():\n    return 1", "def g():\n    return 2"], ["Write it."])
@example(["<think>\nIt is the screen.\n</think>\n\nhardware", "<think>\n</think>\n\naccess"], ["Which desk?"])
@example(["a\rb", "c\u2028d", "e\x85f"], ["\x1b[31m"])
@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
def test_answers_never_become_values(meant, answers, prompts):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "train.jsonl", answers, prompts)
        try:
            text = init_text(str(folder / "train.jsonl"), folder)
        except DataError:  # an answer that is empty, or half a character
            return
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        written = (folder / "study.yaml").read_text(encoding="utf-8")
    found = yaml_values(written)
    assert list(found) == KEYS
    assert found["metric"] in ("exact_match", "number", "choice")
    found["baseline"]["max_length"] = meant["baseline"]["max_length"]  # follows the texts' lengths
    assert found | {"metric": "", "study": ""} == meant | {"metric": "", "study": ""}
    assert not any(is_hidden(c) for c in written.replace("\n", ""))
    spec = parse_study(written)
    assert (spec.engine, spec.command) == ("packed", ())


@given(names, names, hostile)
@example("a\nengine: command\ncommand: [touch, started]\n#", "train", "smollm2")
@example(" lead", "~", "no")
@example("---", "%YAML", "!!python/name:os.system")
@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
def test_names_of_folders_files_and_models_are_values_and_no_more(folder_name, file_name, model):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "x"
        folder = home / folder_name
        file = folder / f"{file_name}x.jsonl"
        try:
            folder.mkdir(parents=True)
            write_rows(file, ["yes", "no"], ["?"])
        except (OSError, ValueError):  # no name of a file here
            return
        try:
            text = init_text(str(file), home, model=model)
        except DataError:
            assert any(map(is_hidden, folder_name + file_name))
            return
        found = yaml_values(text)
        assert list(found) == KEYS
        assert found["model"].encode("utf-16", "surrogatepass") == model.encode("utf-16", "surrogatepass")
        assert list(found["data"]) == ["train", "group"]
        train = found["data"]["train"]
        assert train == train.strip()
        assert (home / train).samefile(file)
        spec = parse_study(text.replace(text.splitlines()[1], "model: smollm2"))  # not every text names a model
        assert (home / spec.data.train).samefile(file)
