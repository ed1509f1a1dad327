"""A disk that fills up while an engine works: the run ends with 75, nothing half-written is read, and it goes on."""

from __future__ import annotations

import sys

import pytest

from benchmarks.soak import Child, make_simulated_study
from tunebook.core.configuration import Configuration
from tunebook.core.ports import ChatExample, EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.engines.command import CommandEngine
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.peft import PeftEngine
from tunebook.errors import DiskFull
from tunebook.executors.faults import stops_the_study
from tunebook.testing.event_recorder import EventRecorder
from tunebook.testing.tiny_model import write_tiny_model

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("few_pictures")]

EXAMPLES = tuple(TokenizedExample((5, 6, 7, 8 + i), (9 + i % 3, 0)) for i in range(6))
WORKLOAD = Workload(EXAMPLES, {"validation": EXAMPLES}, Scoring(max_new_tokens=2, stop_ids=(0,)))


@pytest.mark.parametrize("engine", [PackedEngine, PeftEngine])
@pytest.mark.parametrize("kilobytes", [4, 12])
def test_a_full_disk_is_no_trials_fault(tmp_path, small, engine, kilobytes):
    """`checkpoint_seconds` 0: the packed engine also writes its state after every step."""
    model = write_tiny_model(tmp_path / "model", ["red", "green", *map(str, range(40))])
    place = small(tmp_path / "small", kilobytes)
    job = TrialJob(
        id=1, configuration=Configuration(num_train_epochs=2), seed=3, splits=("validation",), folder=str(place / "1")
    )
    options = EngineOptions(model=str(model), threads=1, checkpoint_seconds=0.0)
    desk = EventRecorder([job])
    with pytest.raises(DiskFull, match="Free some"):
        engine(options).run(desk, WORKLOAD, desk)
    assert (desk.results, desk.failures) == ({}, {})
    assert not (place / "1" / "adapter_model.safetensors").exists()
    small(place, 20_000)
    desk = EventRecorder([job])
    engine(options).run(desk, WORKLOAD, desk)
    assert (len(desk.results), desk.failures) == (1, {})
    assert (place / "1" / "adapter_model.safetensors").is_file()


PROGRAM = """
import json, sys, time
config = json.load(open(sys.argv[1]))
print("begun", flush=True)
with open(config["output"] + "/weights", "wb") as file:
    file.write(bytes(200_000))
print("x" * 100_000, flush=True)
with open(config["predictions"]["validation"], "w") as out:
    for line in open(config["data"]["validation"]):
        out.write(json.dumps({"index": json.loads(line)["index"], "answer": "", "nll": 1}) + chr(10))
"""


@pytest.mark.parametrize("kilobytes", [4, 12, 40, 260])
def test_a_full_disk_is_no_fault_of_an_external_trainers_trial(tmp_path, small, kilobytes):
    """No room for its inputs, for its log, for what it writes, for the end of its log."""
    (tmp_path / "trainer.py").write_text(PROGRAM)
    chats = tuple(ChatExample(q := f"question {i}", "answer", (("user", q),)) for i in range(20))
    workload = Workload((), {}, Scoring(), chats={"train": chats, "validation": chats})
    place = small(tmp_path / "small", kilobytes)
    job = TrialJob(id=1, configuration=Configuration(), seed=3, splits=("validation",), folder=str(place / "1"))
    command = [sys.executable, str(tmp_path / "trainer.py"), "{config}"]
    engine = CommandEngine(EngineOptions(model="none", extra={"command": command, "time_limit_seconds": 200}))
    desk = EventRecorder([job])
    stopped = None
    try:
        engine.run(desk, workload, desk)
    except OSError as error:
        stopped = stops_the_study(error)
    assert isinstance(stopped, DiskFull) or len(desk.results) == 1, "only the log may be cut"
    assert desk.failures == {}
    small(place, 20_000)
    desk = EventRecorder([job])
    engine.run(desk, workload, desk)
    assert (len(desk.results), desk.failures) == (1, {})


def test_no_room_for_tensorboard_is_a_warning(tmp_path, small):
    """Its writer works in a thread of its own; the study must neither end nor hang with it."""
    file = make_simulated_study(tmp_path / "full", 8)
    small(tmp_path / "full" / "runs" / "soak" / "tensorboard", 12)
    child = Child(file, tmp_path / "out.log")
    said = (tmp_path / "out.log").read_text
    assert child.wait(600) == 0, said()[-2000:]
    assert "tensorboard: " in said()
    assert "Traceback" not in said()
