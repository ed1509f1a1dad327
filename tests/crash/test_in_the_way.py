"""Whatever stands in the way of a command, it ends with a sentence and the right exit code, never with a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import make_real_study
from tunebook.cli.main import main as command_line
from tunebook.engines import calibration
from tunebook.run.commands.doctor import _locks

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]
PROGRAM = [sys.executable, "-c", "from tunebook.cli.entry import main; main()"]
FAILED, BAD_INPUT, STOPPED, INTERRUPTED = 1, 2, 75, 130


def folder_of(study: Path) -> Path:
    return study.parent / "runs" / "soak"


@pytest.mark.parametrize("form", ["peft", "axolotl", "llama-factory"])
def test_an_export_that_cannot_be_written_says_so(study, form, capsys):
    (folder_of(study) / "export").write_text("in the way")
    assert command_line(["export", str(study), "--format", form]) == STOPPED
    assert f"export/{form}: cannot be written" in capsys.readouterr().err
    assert command_line(["export", str(study), "--format", form, "--to", str(study.parent / "elsewhere")]) == 0


@pytest.mark.parametrize(("name", "is_folder"), [("manifest.json", True), ("best", False), ("record.md", True)])
def test_a_run_that_cannot_write_what_it_leaves_says_what(study, name, is_folder, capsys):
    place = folder_of(study) / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    if is_folder:
        place.mkdir()
    else:
        place.write_text("in the way")
    assert command_line(["run", str(study), "--quiet"]) == STOPPED
    said = capsys.readouterr().err
    assert f"{name}: cannot be written" in said
    assert "`tunebook run` goes on from here" in said
    place.rmdir() if is_folder else place.unlink()
    assert command_line(["run", str(study), "--quiet"]) == 0


def test_a_study_that_was_never_begun_has_lost_nothing_and_is_not_told_to_go_on(study, capsys):
    shutil.rmtree(study.parent / "runs")
    (study.parent / "runs").write_text("in the way")
    assert command_line(["run", str(study), "--quiet"]) == STOPPED
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert "goes on from here" not in said


def test_a_study_file_that_cannot_be_made_is_bad_input(study, capsys):
    for output, says in (("no such folder/study.yaml", "there is no folder"), (".", "cannot be written")):
        place = str(study.parent / output)
        assert command_line(["init", str(study.parent / "train.jsonl"), "-o", place, "--force"]) == BAD_INPUT
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "run", "status", "report", "export", "init"])
def test_a_path_too_long_for_the_system_is_bad_input(tmp_path, command, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command_line([command, "a" * 5000]) == BAD_INPUT
    assert "the name is too long" in capsys.readouterr().err


def test_data_that_is_no_file_is_refused_and_not_waited_for(study, capsys):
    (study.parent / "test.jsonl").unlink()
    os.mkfifo(study.parent / "test.jsonl")
    assert command_line(["plan", str(study)]) == BAD_INPUT
    assert "test.jsonl: not a file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["with blanks", "中文".encode(), "a\nb", "a%20b?mode=memory#x", b"no text \xff"])
def test_a_study_may_lie_under_any_name(study, name, capfd):
    place = os.path.join(os.fsencode(study.parents[1]), os.fsencode(name))
    os.rename(study.parent, place)
    moved = os.path.join(os.fsdecode(place), "study.yaml")
    for command in (["run", moved, "--quiet"], ["status", moved], ["doctor", "--ledger", moved]):
        assert command_line(command) == 0, capfd.readouterr().err
    capfd.readouterr()
    assert command_line(["export", moved, "--json"]) == 0
    paths = json.loads(capfd.readouterr().out)["paths"]
    assert Path(paths["folder"]).is_dir()


SEVERAL = """
import sys
from tunebook.cli.main import main
for command in ["status"], ["status", "--json"], ["export"], ["export", "--json"]:
    print("code", main([command[0], sys.argv[1], *command[1:]]))
"""


def test_an_output_of_few_characters_is_no_error(study):
    """Windows consoles and containers without a locale."""
    place = study.parents[1] / os.fsdecode("中文".encode())  # the tests' own locale may have few characters too
    study.parent.rename(place)
    answer = subprocess.run(
        [sys.executable, "-c", SEVERAL, str(place / "study.yaml")],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False,
    )  # fmt: skip
    said = [line for line in answer.stderr.splitlines() if not line.startswith(b"warning: Simulated. ")]
    assert (answer.returncode, said) == (0, [])
    _, status, _, export, rest = answer.stdout.split(b"code 0\n")
    assert json.loads(status)
    assert json.loads(export)
    assert rest == b""


def test_a_repetition_beside_a_damaged_adapter_differs(study, capsys):
    adapter = folder_of(study) / "adapters" / "3" / "adapter_model.safetensors"
    adapter.write_bytes(b"rubbish")
    command_line(["rerun", str(study), "3", "--quiet", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["adapter_equal"], found["bit_for_bit"], found["answers_differ"]) == (False, False, 0)


STRIKE = """
import os, sys

class Strike:
    def find_spec(self, name, *rest):
        if name == os.environ.get("STRIKE_AT"):
            del os.environ["STRIKE_AT"]
            os.kill(os.getpid(), int(os.environ["STRIKE_WITH"]))

sys.meta_path.insert(0, Strike())
from tunebook.cli.entry import main
main()
"""


def struck(command: list[str], number: int, module: str) -> subprocess.CompletedProcess[str]:
    """The program, which gets a signal when it imports that module."""
    environment = {**os.environ, "STRIKE_AT": module, "STRIKE_WITH": str(int(number))}
    program = [sys.executable, "-c", STRIKE, *command]
    return subprocess.run(program, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("module", ["typer", "numpy", "tunebook.run.session"])
def test_ctrl_c_before_a_command_has_begun_is_quiet(study, module):
    """While libraries are imported: at exactly that module."""
    answer = struck(["run", str(study), "--quiet"], signal.SIGINT, module)
    assert (answer.returncode, answer.stderr) == (INTERRUPTED, "")


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_closed_standard_streams_are_no_error(study, closed):
    """As schedulers start programs; and no file of ours may get the number of a stream that others print to."""
    command = [*PROGRAM, "status", str(study)]
    answer = subprocess.run(command, preexec_fn=lambda: [os.close(n) for n in closed], check=False)
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("number", "module"),
    [
        (signal.SIGINT, "matplotlib.figure"),
        (signal.SIGTERM, "tunebook.record.plots.effects"),
    ],
)
def test_a_signal_while_the_record_is_written_leaves_whole_files(study, number, module):
    folder = folder_of(study)
    before = {name: (folder / name).read_bytes() for name in ("record.md", "record.html", "results.json", "trials.csv")}
    answer = struck(["report", str(study)], number, module)
    assert answer.returncode in (INTERRUPTED, -number)
    assert "Traceback" not in answer.stderr
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert command_line(["report", str(study)]) == 0


def test_a_plan_says_when_memory_is_short(tmp_path, monkeypatch, capsys):
    file = make_real_study(tmp_path, 8, where="device: cpu\nexecutor: inline")
    monkeypatch.setattr(calibration, "TRAIN_SECONDS", 0.1)  # the machine is measured for a moment only
    monkeypatch.setattr(calibration, "HIGH_RANK_SECONDS", 0.1)
    for free, told in ((1 << 10, True), (8 << 40, False)):
        monkeypatch.setattr("tunebook.run.environment.free_bytes", lambda device, free=free: free)
        assert command_line(["plan", str(file)]) == 0
        assert ("more than is free" in " ".join(capsys.readouterr().out.split())) == told


@pytest.fixture
def small(study):
    """The study on a file system of its own, which is grown or filled by asking for so many free kilobytes."""
    place = study.parent.with_name("small")
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(place), "-o"]
    answer = subprocess.run([*mount, "size=64m"], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"no file system can be mounted here: {answer.stderr.strip()}")
    shutil.copytree(study.parent, place / "copy")

    def leave(kilobytes: int) -> Path:
        (place / "filler").unlink(missing_ok=True)
        free = shutil.disk_usage(place).free // 1024
        (place / "filler").write_bytes(bytes(max(0, free - kilobytes) * 1024))
        return place / "copy" / "study.yaml"

    yield leave
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("kilobytes", [0, 60])
@pytest.mark.parametrize("command", [["report"], ["export"], ["export", "--format", "axolotl"], ["run", "--quiet"]])
def test_a_full_disk_while_files_are_written_ends_with_75(small, command, kilobytes, capsys):
    file = small(kilobytes)
    numbers = json.loads((folder_of(file) / "results.json").read_text())
    code = command_line([command[0], str(file), *command[1:]])
    said = capsys.readouterr().err
    assert code == STOPPED or (code == 0 and kilobytes), said
    assert code == 0 or "no room" in said or "No space left" in said or "is full" in said
    assert json.loads((folder_of(file) / "results.json").read_text()) == numbers
    assert not list(folder_of(file).rglob("*.tmp"))
    file = small(40_000)
    assert command_line([command[0], str(file), *command[1:]]) == 0


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["export"],
        ["run", "--quiet"],
        ["run", "--quiet", "--retry-failed"],
        ["export", "--format", "axolotl"],
    ],
)
def test_a_read_only_file_system_is_named(small, command, capsys):
    file = small(40_000)
    place = file.parents[1]
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    assert command_line([command[0], str(file), *command[1:]]) == STOPPED
    assert "read-only file system" in capsys.readouterr().err
    for reading in (["status"], ["plan"], ["doctor", "--ledger"]):
        assert command_line([*reading, str(file)]) == 0
    assert _locks(place).level == "missing"
