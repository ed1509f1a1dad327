"""Whole studies on the simulated engine through the public API: rounds, record, going on, refusals."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from filelock import FileLock

from tunebook import Study
from tunebook.core.events import Event, Recorded, Step, TrialEvent
from tunebook.core.ports import OnEvents, TrialJob
from tunebook.data.splits import read_splits
from tunebook.errors import DataError, Interrupted, LedgerLocked, NotFoundError, StudyFileError, UserError
from tunebook.ledger import SqlLedger
from tunebook.run.engines import RoutingExecutor
from tunebook.run.observers import Silent

pytestmark = pytest.mark.usefixtures("few_pictures")

ROWS = 60
STUDY = """
study: small
model: none
engine: simulated
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl, group: label}
metric: exact_match
baseline: {learning_rate: 2e-4, per_device_train_batch_size: 8, lora_r: 8, lora_alpha: 16, num_train_epochs: 2}
space:
  learning_rate: {low: 5e-5, high: 2e-3}
  lora_r: [8, 16]
design: one_factor
budget: {trials: TRIALS}
"""


def write_split(path: Path, first: int, n: int) -> None:
    labels = ("red", "green", "blue", "grey")
    rows = [{"prompt": f"Question {i}?", "completion": labels[i * 7 % 4], "label": "ab"[i % 2]}
            for i in range(first, first + n)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def write_study(folder: Path) -> Path:
    for number, split in enumerate(("train", "validation", "test")):
        write_split(folder / f"{split}.jsonl", 1000 * number, ROWS)
    file = folder / "study.yaml"
    file.write_text(STUDY.replace("TRIALS", "14"), encoding="utf-8")
    return file


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A study that has not begun."""
    return write_study(tmp_path)


@pytest.fixture(scope="module")
def unbroken(few_pictures: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a study that ran to its end; only to be read."""
    file = write_study(tmp_path_factory.mktemp("unbroken"))
    Study.load(file).run()
    return file


@pytest.fixture
def ended(unbroken: Path, tmp_path: Path) -> Path:
    """The file of a copy of it."""
    shutil.copytree(unbroken.parent, tmp_path / "ended")
    return tmp_path / "ended" / "study.yaml"


class Listens(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.warnings: list[str] = []

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


class StopAfter(Listens):
    """Raises a real Ctrl-C in the runner's own process after so many trials."""

    def __init__(self, trials: int) -> None:
        super().__init__()
        self.left = trials

    def event(self, event: Event) -> None:
        import signal

        if not isinstance(event, Recorded):
            return
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


class StopAtFirstStep(Listens):
    """Raises a real Ctrl-C while the first trial trains."""

    def event(self, event: Event) -> None:
        import signal

        if isinstance(event, Step) and not any("stopping" in text for text in self.phases):
            signal.raise_signal(signal.SIGINT)


def results(folder: Path) -> dict:
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for name in ("versions", "device", "savings"):
        found.pop(name, None)
    return found


def test_who_presses_ctrl_c_is_told_that_it_was_heard(study_file: Path) -> None:
    observer = StopAtFirstStep()
    with pytest.raises(Interrupted):
        Study.load(study_file).run(observer)
    assert observer.phases[-1] == "stopping after the running step; a second Ctrl-C stops at once"


def test_a_study_runs_through_all_rounds_and_writes_everything(study_file: Path) -> None:
    study = Study.load(study_file)
    conclusions = study.run()
    folder = study_file.parent / "runs" / "small"
    found = results(folder)
    assert {t["round"] for t in found["trials"]} >= {1, 5} or len({t["round"] for t in found["trials"]}) >= 4
    assert conclusions.best is not None
    assert conclusions.confirmation is not None
    for name in ("record.md", "record.html", "trials.csv", "manifest.json", "best/config.yaml"):
        assert (folder / name).is_file(), name
    status = study.status()
    assert status.finished
    assert status.spent_trials <= 14


def test_a_part_of_the_rows_keeps_a_rare_label_and_every_warning_is_in_the_record(study_file: Path) -> None:
    folder = study_file.parent
    labels = [7] + [0, 0, 0, 1] * 30
    rows = [{"prompt": f"Row {i}?", "completion": label} for i, label in enumerate(labels)]
    folder.joinpath("train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    rows = [{"prompt": f"Other {i}?", "completion": i % 3} for i in range(40)]
    folder.joinpath("test.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    rows = [{"prompt": f"Third {i % 49}?", "completion": i % 49 % 2} for i in range(50)]
    folder.joinpath("validation.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = study_file.read_text().replace("trials: 14", "trials: 6")
    study_file.write_text(text.replace("group: label", "train_rows: 12"), encoding="utf-8")
    observer, study = Listens(), Study.load(study_file)
    study.run(observer)
    train = read_splits(study.spec.data, study.spec.seed, folder).train
    assert Counter(example.completion for example in train) == {"0": 8, "1": 3, "7": 1}
    record = (folder / "runs" / "small" / "record.md").read_text(encoding="utf-8")
    assert any("never occurs in the training rows" in text for text in observer.warnings)
    assert any("an earlier question" in text for text in observer.warnings)
    assert [text for text in observer.warnings if text.rstrip(".") not in record] == []


def test_every_file_of_a_study_has_the_rights_of_a_new_file(unbroken: Path) -> None:
    usual = (unbroken.parent / "train.jsonl").stat().st_mode
    files = [path for path in (unbroken.parent / "runs").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert [path for path in files if path.stat().st_mode != usual] == []


def test_an_interrupted_study_goes_on_and_ends_like_an_unbroken_one(study_file: Path, unbroken: Path) -> None:
    study = Study.load(study_file)
    for stop_after in (3, 1, 4):
        with pytest.raises(Interrupted) as stopped:
            study.run(StopAfter(stop_after))
        assert stopped.value.exit_code == 130
    study.run()
    assert results(study.paths.folder) == results(unbroken.parent / "runs" / "small")


def test_results_that_come_together_are_written_together_and_the_study_is_the_same(
    study_file: Path, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one, written = RoutingExecutor.run, []

    def all_at_once(self: RoutingExecutor, jobs: list[TrialJob], on_events: OnEvents) -> None:
        told: list[TrialEvent] = []
        one_by_one(self, jobs, told.extend)
        on_events(told)

    finish_trials = SqlLedger.finish_trials
    monkeypatch.setattr(RoutingExecutor, "run", all_at_once)
    monkeypatch.setattr(
        SqlLedger, "finish_trials", lambda self, ends: (written.append(len(ends)), finish_trials(self, ends))[1]
    )
    study = Study.load(study_file)
    study.run()
    assert max(written) > 3
    assert results(study.paths.folder) == results(unbroken.parent / "runs" / "small")


def test_running_a_finished_study_again_trains_nothing(ended: Path) -> None:
    study = Study.load(ended)
    observer = StopAfter(1)
    study.run(observer)
    assert observer.left == 1
    assert "Nothing is left to do. With a larger budget the study would go on." in observer.phases


def test_a_larger_budget_is_accepted_and_another_baseline_is_not(ended: Path) -> None:
    ended.write_text(STUDY.replace("TRIALS", "18"), encoding="utf-8")
    Study.load(ended).run()
    ended.write_text(STUDY.replace("TRIALS", "18").replace("2e-4", "3e-4"), encoding="utf-8")
    with pytest.raises(StudyFileError, match="baseline"):
        Study.load(ended).run()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_changed_data_file_is_refused_by_name(ended: Path, split: str) -> None:
    write_split(ended.parent / f"{split}.jsonl", 5000, ROWS)
    with pytest.raises(DataError, match=f"{split}.jsonl"):
        Study.load(ended).run()


def test_a_second_runner_is_told_who_holds_the_study(ended: Path) -> None:
    study = Study.load(ended)
    with FileLock(study.paths.folder / "ledger.lock"), pytest.raises(LedgerLocked, match="process"):
        study.run()


def test_a_copied_study_folder_opens_elsewhere(ended: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    study = Study.load(ended)
    elsewhere = tmp_path_factory.mktemp("other") / "copy"
    shutil.copytree(study.paths.folder, elsewhere)
    copied = Study.load(elsewhere)
    assert copied.status().best == study.status().best
    copied.report("zh")
    assert "第" in (elsewhere / "record.md").read_text(encoding="utf-8")


def test_compare_takes_trials_names_levels_and_keys(ended: Path) -> None:
    study = Study.load(ended)
    found = study.compare("best", "baseline")
    assert found.overall is not None
    assert study.compare("1", "2").won >= 0
    assert study.compare(found.a.key[:6], "baseline").a.key == found.a.key
    with pytest.raises(NotFoundError, match="zebra"):
        study.compare("zebra", "baseline")


def test_rerun_reproduces_a_trial_bit_for_bit(ended: Path) -> None:
    study = Study.load(ended)
    found = study.rerun(3)
    assert found.reproduces
    assert found.answers_differ == 0
    assert "reproduces" in study.words.reproduction(found)


def test_plan_spends_and_writes_nothing(study_file: Path) -> None:
    plan = Study.load(study_file).plan()
    [wave] = plan.waves
    assert wave.trials
    assert plan.outlook.smallest_margin is not None
    assert not (study_file.parent / "runs").exists()


def test_balanced_study_goes_from_file_to_record(study_file: Path):
    text = study_file.read_text().replace("trials: 14", "trials: 24").replace("[8, 16]", "[8, 16, 32]")
    study_file.write_text(text.replace("one_factor", "balanced"), encoding="utf-8")
    conclusions = Study.load(study_file).run()
    folder = study_file.parent / "runs" / "small"
    found, record = results(folder), (folder / "record.md").read_text(encoding="utf-8")
    assert conclusions.best is not None
    assert Study.load(study_file).status().spent_trials <= 24  # short pilots count their share of a trial
    assert found["study"]["design"] == "balanced"
    asked = {(f["factor"], f["kind"]) for f in found["findings"] if f["round_kind"] == "explore"}
    assert asked == {("learning_rate", "trend"), ("learning_rate", "curvature"), ("lora_r", "trend")}
    assert {mean["factor"] for mean in found["level_means"]} == {"learning_rate", "lora_r"}
    assert "adjusted accuracy" in record
    assert "averaged over the settings around the good rate" in record


def test_a_study_by_model_describes_the_factors_without_claiming_anything_of_them(study_file: Path):
    text = study_file.read_text().replace("trials: 14", "trials: 20").replace("[8, 16]", "[8, 16, 32]")
    study_file.write_text(text.replace("one_factor", "model"), encoding="utf-8")
    with pytest.raises(Interrupted):
        Study.load(study_file).run(StopAfter(4))
    folder = study_file.parent / "runs" / "small"
    so_far = Study.load(study_file).report()["record.md"].read_text(encoding="utf-8")
    assert "Leading on validation so far (" in so_far
    assert "has a result yet" not in so_far
    Study.load(study_file).run()
    found, record = results(folder), (folder / "record.md").read_text(encoding="utf-8")
    assert {f["round_kind"] for f in found["findings"]} == {"confirm"}
    assert {each["factor"] for each in found["described"]} <= {"learning_rate", "lora_r"}
    first = found["described"][0]
    assert first["factor"] == "learning_rate"
    assert any(not level["interval"][0] <= 0 <= level["interval"][1] for level in first["levels"])
    assert "described here, not tested" in record
    assert "In order of importance: **learning rate** (" in record
    study_file.write_text(study_file.read_text().replace("trials: 20", "trials: 24"), encoding="utf-8")
    observer = Listens()
    Study.load(study_file).run(observer)
    assert any("although the budget is larger" in phase for phase in observer.phases)
    why = Study.load(study_file).plan(measure=False).why_done
    assert why is not None
    assert why.code == "done_little_to_gain"


def test_balanced_study_that_learns_nothing_says_so_and_stops(study_file: Path):
    text = study_file.read_text().replace("trials: 14", "trials: 24")
    text = text.replace("learning_rate: {low: 5e-5, high: 2e-3}", "learning_rate: {low: 1e-8, high: 1e-7}")
    text = text.replace("learning_rate: 2e-4", "learning_rate: 5e-8")
    study_file.write_text(text.replace("one_factor", "balanced"), encoding="utf-8")
    Study.load(study_file).run()
    record = (study_file.parent / "runs" / "small" / "record.md").read_text(encoding="utf-8")
    observer = Listens()
    Study.load(study_file).run(observer)
    assert any("because nothing was learned" in phase for phase in observer.phases)
    assert "Nothing is shown to have been learned" in record
    assert "floor: go_on" in record
    assert "## Round 2" not in record


def test_a_simulated_study_says_everywhere_that_nothing_was_trained(ended: Path) -> None:
    said = "Engine simulated trains nothing"
    study = Study.load(ended)
    folder = study.paths.folder
    assert said in (folder / "record.md").read_text(encoding="utf-8").split("\n\n")[1]
    assert results(folder)["study"]["is_simulated"] is True
    assert study.status().simulated_by == "simulated"
    assert said in study.answer()[0]
    assert said in (folder / "best" / "README.md").read_text(encoding="utf-8")
    warned: list[str] = []
    assert said in (study.export("peft", warn=warned.append)["folder"] / "README.md").read_text(encoding="utf-8")
    assert [said in text for text in warned] == [True]
    for form, file in (("llama-factory", "train.yaml"), ("axolotl", "axolotl.yaml"), ("peft", "config.yaml")):
        assert said in (study.export(form)["folder"] / file).read_text(encoding="utf-8")
    with pytest.raises(UserError, match="simulated, trains nothing and leaves no adapter to merge"):
        study.export("merged")


def test_an_export_replaces_nothing_that_others_wrote(ended: Path, tmp_path: Path) -> None:
    study, mine = Study.load(ended), tmp_path / "mine"
    mine.mkdir()
    study.export("peft", mine)
    study.export("peft", mine)
    for name in ("config.yaml", "README.md"):
        others = tmp_path / name.lower()
        others.mkdir()
        (others / name).write_text("mine\n", encoding="utf-8")
        with pytest.raises(UserError, match=f"holds {name}, which tunebook did not write"):
            study.export("peft", others)
        assert [path.name for path in others.iterdir()] == [name]
        assert (others / name).read_text(encoding="utf-8") == "mine\n"
    with pytest.raises(UserError, match="is a file; an export is a folder"):
        study.export("peft", others / "README.md")
    study.export("peft", others, force=True)
    assert (others / "config.yaml").is_file()
