"""pass@1: what code is told of, and what it cannot do. The attacks are run, not mocked."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from init_text import init_text

from tunebook import Study
from tunebook.core.facts import ExampleText
from tunebook.errors import DataError, UserError
from tunebook.evaluation import load_metric
from tunebook.evaluation.sandbox import Limits, confinement, run_code

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes")
LIMITS = Limits(seconds=0.5, memory_bytes=300_000_000)
CONFINED = {"files", "calls"} <= confinement()
needs_confinement = pytest.mark.skipif(not CONFINED, reason="this machine has no Landlock or no seccomp")


UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(f(1), 2)"


@pytest.mark.parametrize(
    ("code", "tests", "kind"),
    [
        ("def f(x): return x + 1", "assert f(1) == 2", "passed"),
        ("def f(x): return x + 1", "def test_it():\n    assert f(1) == 2", "passed"),
        ("def f(x): return x", "def test_it():\n    assert f(1) == 2", "assertion"),
        ("def f(x) return x", "assert f(1) == 2", "syntax"),
        ("def f(x): return x", "assert f(1) == 2", "assertion"),
        ("def f(x): return y", "assert f(1) == 2", "error"),
        ("def f(x): return f(x)", "assert f(1) == 2", "error"),
        ("def f(x):\n    while True: pass", "assert f(1) == 2", "timeout"),
        ("def f(x): return [0] * 10**9", "assert f(1) == 2", "memory"),
        ("import os\nos._exit(0)", "assert False", "exit"),
        ("import sys\nsys.exit(0)", "assert False", "exit"),
        ("def f(x): return x", UNITTEST, "assertion"),
    ],
)  # fmt: skip
def test_how_code_ended_is_told(code: str, tests: str, kind: str) -> None:
    assert run_code(code, tests, LIMITS).kind == kind


REFUSED = {
    "a fork bomb": "import os\nwhile True: os.fork()",
    "another program": "import subprocess\nsubprocess.run(['true'])",
    "a write outside": "open('{outside}/evil', 'w')",
    "a secret file": "open('{outside}/secret').read()",
    "the judge's environment": "import os\nopen(f'/proc/{os.getppid()}/environ').read()",
    "killing the judge": "import os\nos.kill(os.getppid(), 9)",
    "killing everything": "import os\nos.kill(-1, 9)",
    "the network": "import socket\nsocket.create_connection(('127.0.0.1', {port}))",
    "a mode": "import os\nos.chmod('{outside}', 0o777)",
    "more memory": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
}  # fmt: skip


@needs_confinement
@pytest.mark.parametrize("attack", REFUSED, ids=str)
def test_attacks_are_refused(attack: str, tmp_path: Path) -> None:
    import socket

    (tmp_path / "secret").write_text("hunter2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = REFUSED[attack].replace("{outside}", str(tmp_path)).replace("{port}", str(server.getsockname()[1]))
        verdict = run_code(code, "", LIMITS)
    assert (verdict.kind, verdict.detail.split(":")[0]) in (("error", "PermissionError"), ("error", "ValueError"))
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_endless_output_and_many_files_end(tmp_path: Path) -> None:
    assert run_code("while True: print('x' * 10000)", "", LIMITS).kind == "timeout"
    many = "import itertools\nfor i in itertools.count():\n    open(str(i), 'w').write('x' * 9000000)"
    assert run_code(many, "", Limits(seconds=3)).kind in ("output", "timeout")
    assert run_code("open('one', 'w').write('x' * 20000000)", "", LIMITS).kind in ("error", "output")


def test_code_sees_no_environment_no_files_of_ours_and_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    open_file, other = os.pipe()
    os.set_inheritable(open_file, True)
    look = (
        "import os\n"
        "assert 'hunter2' not in str(dict(os.environ)) and len(os.environ) < 9, dict(os.environ)\n"
        "assert os.listdir('.') == []\n"
        "def is_open(n):\n    try: os.fstat(n)\n    except OSError: return False\n    return True\n"
        "assert sum(map(is_open, range(3, 64))) <= 1\n"
    )
    try:
        assert run_code(look, "", LIMITS).kind == "passed"
    finally:
        os.close(open_file)
        os.close(other)


def row(tests: str, gold: str = "def f(x): return x + 1", prompt: str = "") -> ExampleText:
    return ExampleText(0, prompt, gold, tests=tests)


def test_code_blocks_of_an_answer_are_what_runs() -> None:
    metric, example = load_metric("pass@1"), row("assert f(1) == 2")
    said = "Here it is:\n```python\ndef f(x):\n    return x + 1\n```\nIt adds one."
    assert metric.score(said, example.gold, example) == 1
    assert metric.score("It adds one.", example.gold, example) == 0
    assert metric.failures([said, "def f(x): return 3"], [example] * 2) == {"assertion": 1}


def test_rows_without_tests_and_gold_answers_that_fail_are_refused() -> None:
    metric = load_metric("pass@1")

    def check(example: ExampleText) -> None:
        metric.check({"validation": [example]}, {"validation": ["v.jsonl:1"]})

    check(row("assert f(1) == 2"))
    with pytest.raises(DataError, match=r"v\.jsonl:1: no tests"):
        check(row(""))
    with pytest.raises(DataError, match=r"fails its own tests \(assertion"):
        check(row("assert f(1) == 3"))
    with pytest.raises(DataError, match=r"fails its own tests \(timeout\)"):
        load_metric("pass@1", options={"seconds": 0.3}).check(
            {"validation": [row("while True: pass")]}, {"validation": ["v.jsonl:1"]}
        )
    with pytest.raises(DataError, match="with_prompt: true"):
        check(row("assert f(1) == 2", gold="    return x + 1\n", prompt="def f(x):\n"))


@pytest.mark.usefixtures("few_pictures")
def test_code_goes_from_init_to_a_record_and_is_asked_for_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    rows = [
        {"text": f"Add {i}.", "code": f"def f(x):\n    return x + {i}", "test_list": [f"assert f(1) == {i + 1}"]}
        for i in range(16)
    ]
    for split, part in (("train", rows[:12]), ("validation", rows[12:])):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, part)), encoding="utf-8")
    text = init_text(str(tmp_path / "train.jsonl"), tmp_path, trials=5)
    assert "metric: pass@1" in text
    assert 'tests: "{test_list}"' in text
    more = "engine: simulated\nexecutor: inline\ntrackers: []\nseeds: {configuration: 2, baseline: 3}\n"
    (tmp_path / "study.yaml").write_text(text + more, encoding="utf-8")
    with pytest.raises(UserError, match="runs code that the model writes"):
        Study.load(tmp_path / "study.yaml").run()
    Study.load(tmp_path / "study.yaml", trust_study_code=True).run()
    record = next((tmp_path / "runs").glob("*/record.md")).read_text(encoding="utf-8")
    assert "How answers failed" in record
    assert "fail a test" in record
