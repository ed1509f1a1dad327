"""Engine `command`: every way in which somebody else's program can misbehave is seen and said."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Finished
from tunebook.core.ports import ChatExample, EngineOptions, Scoring, TrialJob, Workload
from tunebook.engines.command import CommandEngine
from tunebook.errors import StudyFileError
from tunebook.executors import LocalExecutor, options_by_device
from tunebook.testing.event_recorder import EventRecorder

EXAMPLES = tuple(
    ChatExample(q := f"question {i} \x00 \ud83d", f"answer {i}", (("system", "Be brief."), ("user", q)))
    for i in range(3)
)
WORKLOAD = Workload((), {}, Scoring(max_new_tokens=9), chats={"train": EXAMPLES * 2, "validation": EXAMPLES})

GOOD = """
    for line in open(config["data"]["validation"]):
        example = json.loads(line)
        print(json.dumps({"index": example["index"], "answer": example["completion"], "nll": 0.5}), file=out)
"""


def run(
    tmp_path: Path, body: str, stop_after: float = math.inf, cancelled=(), workload=WORKLOAD, **extra
) -> EventRecorder:
    """Run one trial with a program whose body is given; `config` is what it was told, `out` its predictions."""
    script = tmp_path / "trainer.py"
    script.write_text(
        "import json, os, sys, time, subprocess, pathlib\n"
        "config = json.load(open(sys.argv[1]))\n"
        "output = pathlib.Path(sys.argv[2])\n"
        "print('the trainer has begun', flush=True)\n"
        'with open(config["predictions"]["validation"], "w") as out:\n' + (body if body.strip() else "    pass\n")
    )
    command = [sys.executable, str(script), "{config}", "{output}", '{"a": 1}', "$(touch hacked); `id`"]
    engine = CommandEngine(EngineOptions(model="some/model", extra={"command": command, **extra}))
    job = TrialJob(
        id=7,
        configuration=Configuration(lora_r=16),
        seed=11,
        splits=("validation",),
        folder=str(tmp_path / "adapters" / "7"),
    )
    end = time.monotonic() + stop_after
    recorder = EventRecorder([job], lambda told: time.monotonic() > end, cancelled)
    engine.run(recorder, workload, recorder)
    return recorder


def test_the_program_of_a_worker_on_a_gpu_sees_that_gpu_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    script = tmp_path / "trainer.py"
    script.write_text(
        "import json, os, sys\n"
        "config = json.load(open(sys.argv[1]))\n"
        'out = open(config["predictions"]["validation"], "w")\n'
        'seen = os.environ["CUDA_VISIBLE_DEVICES"]\n'
        "for i in range(3):\n"
        '    print(json.dumps({"index": i, "answer": seen, "nll": 0.5}), file=out)\n'
    )
    options = EngineOptions(
        model="some/model", extra={"command": [sys.executable, str(script), "{config}", "{output}"]}
    )
    executor = LocalExecutor(
        "tunebook.engines.command:CommandEngine", options_by_device(options, ("cuda:1",)), WORKLOAD
    )
    folder = str(tmp_path / "adapters" / "7")
    job, events = TrialJob(id=7, configuration=Configuration(), seed=11, splits=("validation",), folder=folder), []
    try:
        executor.run([job], events.extend)
    finally:
        executor.close()
    [finished] = [event for event in events if isinstance(event, Finished)]
    assert finished.result.scores["validation"].texts == ("6", "6", "6")


def test_a_good_program_gives_texts_and_likelihoods(tmp_path):
    recorder = run(tmp_path, GOOD)
    result = recorder.results[7]
    scores = result.scores["validation"]
    assert scores.texts == ("answer 0", "answer 1", "answer 2")
    assert scores.nll.tolist() == [0.5] * 3
    assert result.cost.train_seconds > 0
    assert not recorder.failures


def test_the_program_is_told_everything(tmp_path):
    run(tmp_path, GOOD + "    (output / 'first.json').write_text(open(config['data']['train']).readline())\n")
    config = json.loads((tmp_path / "adapters/7/command/config.json").read_text())
    assert config["configuration"]["lora_r"] == 16
    assert (config["seed"], config["model"], config["scoring"]["max_new_tokens"]) == (11, "some/model", 9)
    assert set(config["data"]) == {"train", "validation"}
    kept = json.loads((tmp_path / "adapters/7/command/output/first.json").read_text())
    assert kept["messages"][0] == {"role": "system", "content": "Be brief."}
    assert kept["messages"][1] == {"role": "user", "content": kept["prompt"]}
    assert "tools" not in kept


def test_paths_are_whole_even_when_the_study_is_named_by_a_relative_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorder = run(Path(), GOOD)
    assert not recorder.failures
    config = json.loads((tmp_path / "adapters/7/command/config.json").read_text())
    paths = [config["output"], *config["data"].values(), *config["predictions"].values()]
    assert all(Path(path).is_absolute() for path in paths)


def test_colours_of_a_program_stay_out_of_the_message(tmp_path):
    body = "    print('\\x1b[1;31mno such \\x1b]0;title\\x07column\\x1b[0m', flush=True)\n    sys.exit(1)\n"
    assert "no such column" in run(tmp_path, body).failures[7].message


def test_arguments_reach_no_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body = GOOD + "    open(output / 'argv.json', 'w').write(json.dumps(sys.argv[3:]))\n"
    run(tmp_path, body)
    assert not (tmp_path / "hacked").exists()
    argv = json.loads((tmp_path / "adapters/7/command/output/argv.json").read_text())
    assert argv == ['{"a": 1}', "$(touch hacked); `id`"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    sys.exit(3)\n", "code 3"),
        ("    os.kill(os.getpid(), 9)\n", "signal 9"),
        ("    raise ValueError('no such dataset column')\n", "no such dataset column"),
        ("", "0 predictions for 3 examples"),
        ("    os.unlink(config['predictions']['validation'])\n", "no such file"),
        ("    out.write('rubbish\\n')\n", "not JSON"),
        ("    out.write('[1, 2]\\n')\n", "not a JSON object"),
        ("    out.write('[' * 100000 + '\\n')\n", "not JSON"),
        ("    out.write('x' * (2 << 20) + '\\n')\n", "longer than"),
        (GOOD + '    out.write(\'{"index": 0, "answer": "", "nll": 1}\\n\')\n', "one more than"),
        (
            "    for i in (0, 1, 1): out.write(json.dumps({'index': i, 'answer': '', 'nll': 1}) + '\\n')\n",
            "predicted before",
        ),
        ("    for i in (0, 2): out.write(json.dumps({'index': i, 'answer': '', 'nll': 1}) + '\\n')\n", "example 1"),
        ('    out.write(\'{"index": 3, "answer": "", "nll": 1}\\n\')\n', "from 0 to 2"),
        ('    out.write(\'{"index": true, "answer": "", "nll": 1}\\n\')\n', "index is True"),
        ('    out.write(\'{"index": 0, "answer": 5, "nll": 1}\\n\')\n', "answer is 5"),
        ('    out.write(\'{"index": 0, "answer": ""}\\n\')\n', "nll is None"),
        ('    out.write(\'{"index": 0, "answer": "", "nll": -2.5}\\n\')\n', "nll is -2.5; a negative log-likeli"),
        (GOOD + "    (output / 'steps.jsonl').write_text('{\"step\": 1}')\n", "epoch is None"),
    ],
)
def test_a_bad_result_fails_the_trial_and_says_why(tmp_path, body, said):
    recorder = run(tmp_path, body)
    assert recorder.results == {}
    message = recorder.failures[7].message
    assert said in message
    assert "the trainer has begun" in message


def test_a_program_that_is_not_there_is_named(tmp_path):
    engine = CommandEngine(EngineOptions(model="m", extra={"command": ["/no/such/program", "{config}"]}))
    recorder = EventRecorder(
        [TrialJob(id=7, configuration=Configuration(), seed=0, splits=("validation",), folder=str(tmp_path / "1"))]
    )
    engine.run(recorder, WORKLOAD, recorder)
    assert "/no/such/program: there is no such program" in recorder.failures[7].message


def test_a_study_without_a_command_is_refused():
    with pytest.raises(StudyFileError, match="command"):
        CommandEngine(EngineOptions(model="m"))


def test_time_is_bounded(tmp_path):
    started = time.monotonic()
    recorder = run(tmp_path, "    time.sleep(60)\n", time_limit_seconds=1.0)
    assert "after 1 seconds, its time limit" in recorder.failures[7].message
    assert time.monotonic() - started < 20


def test_output_is_bounded_and_its_end_is_kept(tmp_path):
    body = "    for i in range(2000): print('x' * 1000)\n    print('the last words', flush=True)\n    sys.exit(1)\n"
    recorder = run(tmp_path, body, output_limit_bytes=10_000)
    assert "the last words" in recorder.failures[7].message
    assert (tmp_path / "adapters/7/command/output.log").stat().st_size < 200_000


def pids_in(path: Path) -> list[int]:
    return [int(word) for word in path.read_text(encoding="utf-8").split()]


DAEMON = """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    hidden = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    orphan = subprocess.run([sys.executable, "-c", '''
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True,
      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)'''], capture_output=True, text=True)
    pathlib.Path(sys.argv[0] + ".pids").write_text(f"{child.pid} {hidden.pid} {orphan.stdout}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
@pytest.mark.parametrize("ending", ["    pass\n", "    sys.exit(1)\n", "    time.sleep(300)\n"])
def test_everything_the_program_started_is_ended(tmp_path, ending):
    recorder = run(tmp_path, DAEMON + GOOD + ending, time_limit_seconds=5.0)
    assert len(recorder.results) == (1 if "pass" in ending else 0), recorder.failures
    pids = pids_in(tmp_path / "trainer.py.pids")
    assert len(pids) == 3
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_stopped_study_ends_the_program_and_reports_nothing(tmp_path):
    recorder = run(tmp_path, "    time.sleep(60)\n", stop_after=0.5)
    assert recorder.results == {}
    assert recorder.failures == {}


def test_a_cancelled_trial_ends_the_program_and_says_so(tmp_path):
    recorder = run(tmp_path, "    time.sleep(60)\n", cancelled=[7])
    assert recorder.of(Cancelled) == [Cancelled(7)]
    assert (recorder.results, recorder.failures) == ({}, {})


def test_predictions_of_an_earlier_attempt_are_not_taken_for_new_ones(tmp_path):
    run(tmp_path, GOOD)
    recorder = run(tmp_path, "    os.unlink(config['predictions']['validation'])\n")
    assert recorder.results == {}


def test_losses_that_the_program_wrote_are_judged_like_everywhere(tmp_path):
    line = '{"step": 1, "epoch": 0.1, "loss": NaN, "learning_rate": 1e-3, "gradient_norm": 1}'
    recorder = run(tmp_path, GOOD + f"    (output / 'steps.jsonl').write_text({line!r})\n")
    result = recorder.results[7]
    assert (result.broke_at_step, result.reason, result.scores) == (1, "non_finite_loss", {})


def test_an_adapter_is_taken_over(tmp_path):
    body = GOOD + "    (output / 'adapter_model.safetensors').write_bytes(b'12345')\n"
    result = run(tmp_path, body).results[7]
    assert result.cost.adapter_bytes == 5
    assert (tmp_path / "adapters/7/adapter_model.safetensors").read_bytes() == b"12345"


def test_the_ledgers_address_is_kept_from_the_program(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEBOOK_LEDGER", "postgresql://me:secret@host/db")
    body = GOOD + "    (output / 'env.json').write_text(json.dumps(dict(os.environ)))\n"
    run(tmp_path, body)
    seen = (tmp_path / "adapters/7/command/output/env.json").read_text()
    assert "secret" not in seen
    assert os.environ["TUNEBOOK_LEDGER"]


def test_the_data_is_not_kept_once_for_each_trial(tmp_path):
    run(tmp_path, GOOD)
    assert not list((tmp_path / "adapters/7/command").glob("*.jsonl"))
