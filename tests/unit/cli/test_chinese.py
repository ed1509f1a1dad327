"""A study of language zh from init to export: no line of what people read is English prose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tunebook.cli.main import main

pytestmark = pytest.mark.usefixtures("few_pictures")  # what stands in pictures, test_record_plots looks at

COMMANDS = re.compile(r"(tunebook|tensorboard|pip) [-\w./ \"]+|`[^`]*`")
NAMES = re.compile(
    r"[\w-]+\.(csv|md|html|json|svg|png|ya?ml|jsonl)|LoRA rank|max_length|lora_r|LLaMA-Factory|Ctrl-C|[\w.-]*/[\w./-]*"
    r"|(?<=[AB]：)\w+|baseline、best、cheapest|Python|PEFT"
)
PROSE = re.compile(r"[A-Za-z]{2,},? +[A-Za-z]{2,}")
"""Two English words in a row."""
ENGLISH_WORDS = re.compile(
    r"\b(the|of|and|trials?|study|round|seeds?|warning|points|done|running|planned|completed|baseline|explore|left)\b"
)


def english(text: str) -> list[str]:
    """Lines with English prose; commands, paths, code and names are none."""
    found = []
    for line in text.splitlines():
        rest = NAMES.sub("，", COMMANDS.sub("，", line))
        if PROSE.search(rest) or ENGLISH_WORDS.search(rest):
            found.append(line)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number, split in enumerate(("train", "validation", "test")):
        rows = [
            {"prompt": f"问题 {number}-{i}？", "completion": ("红", "绿", "蓝")[i % 3], "category": "甲乙"[i % 2]}
            for i in range(60)
        ]
        if split == "train":
            rows.append(rows[0])  # a warning
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (tmp_path / f"{split}.jsonl").write_text(text + "\n", encoding="utf-8")
    return tmp_path


def test_a_chinese_study_is_chinese_everywhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "train.jsonl", "--language", "zh", "--trials", "16", "--output", "s.yaml"]) == 0
    file = folder / "s.yaml"
    text = file.read_text(encoding="utf-8")
    comments = "\n".join(line.partition("#")[2] for line in text.splitlines())
    assert english(comments.replace("validation.jsonl", "").replace("fixed", "").replace("hours: 8", "")) == []
    file.write_text(text.replace("model: smollm2", "model: none") + "engine: simulated\n", encoding="utf-8")
    capsys.readouterr()
    runs = "runs/" + re.search(r"study: (\S+)", text)[1]
    for command, code in (
        (["plan", "s.yaml", "--trials"], 0),
        (["run", "s.yaml"], 0),
        (["run", "s.yaml", "--retry-failed"], 0),
        (["plan", "s.yaml"], 0),
        (["status", "s.yaml"], 0),
        (["report", "s.yaml"], 0),
        (["compare", "s.yaml", "best", "baseline"], 0),
        (["compare", "s.yaml", "best", "nothing"], 2),
        (["rerun", "s.yaml", "1"], 0),
        (["rerun", "s.yaml", "999"], 2),
        (["export", "s.yaml", "--format", "llama-factory"], 0),
        (["export", "s.yaml", "--format", "peft"], 0),
    ):
        assert main(command) == code
        said = capsys.readouterr()
        assert said.out + said.err
        assert english(said.out + said.err.replace("tunebook: ", "")) == [], command
    record = (folder / runs / "record.md").read_text(encoding="utf-8")
    prose = re.sub(r"(?s)```.*?```|^(###|!\[).*?$", "", record, flags=re.M)  # titles of figures follow the fonts
    lines = [line for line in english(prose) if "Linux" not in line and "per_device" not in line]
    assert lines == []
    assert main(["report", "s.yaml", "--language", "en"]) == 0
    assert "`report` s.yaml --language zh" in capsys.readouterr().err.replace("tunebook report", "`report`")


def test_an_english_study_is_planned_in_chinese_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "train.jsonl", "--trials", "16", "--output", "s.yaml"]) == 0
    text = (folder / "s.yaml").read_text(encoding="utf-8")
    (folder / "s.yaml").write_text(
        text.replace("model: smollm2", "model: none") + "engine: simulated\n", encoding="utf-8"
    )
    capsys.readouterr()
    assert main(["plan", "s.yaml", "--language", "zh"]) == 0
    assert english(capsys.readouterr().out) == []
    assert main(["plan", "s.yaml"]) == 0
    assert "detects differences of" in capsys.readouterr().out
