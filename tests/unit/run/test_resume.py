"""A study that is taken up again with something changed underneath: said, refused, or written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.soak import make_real_study, make_simulated_study
from tunebook import Study
from tunebook.errors import DataError, ModelError, StudyFileError
from tunebook.ledger import open_ledger
from tunebook.run.observers import Silent
from tunebook.run.prepare import prepare
from tunebook.run.resume import begin_or_go_on


class Listener(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def begin(file: Path, listener: Listener) -> None:
    """What a run does before it trains anything."""
    study = Study.load(file)
    prepared = prepare(study.spec, study.paths)
    with open_ledger(study.paths.folder, write=True, study=study.spec.name) as ledger:
        begin_or_go_on(ledger, prepared, listener)


def test_a_changed_model_is_refused_by_name(tmp_path: Path) -> None:
    file = make_real_study(tmp_path, 6)
    begin(file, Listener())
    begin(file, Listener())
    weights = tmp_path / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"\./model: the model is not the one the study was begun with"):
        begin(file, Listener())


def test_plan_refuses_changed_data_and_a_changed_question_as_run_does(tmp_path: Path) -> None:
    file = make_simulated_study(tmp_path / "study", 6)
    begin(file, Listener())
    data, text = file.parent / "validation.jsonl", file.read_text(encoding="utf-8")
    rows = data.read_text(encoding="utf-8")
    for path, changed, error in (
        (data, rows.split("\n", 1)[1], DataError),
        (file, text.replace("trials: 6", "trials: 6\nmetric: macro_f1"), StudyFileError),
    ):
        before = path.read_text(encoding="utf-8")
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(error) as by_run:
            begin(file, Listener())
        with pytest.raises(error) as by_plan:
            Study.load(file).plan()
        assert str(by_plan.value) == str(by_run.value)
        path.write_text(before, encoding="utf-8")
    Study.load(file).plan()
    with pytest.raises(StudyFileError, match=r"changed .* begun: budget\.trials, by an option if not in the file"):
        Study.load(file).with_budget(5).plan()


def test_a_changed_library_is_warned_of_and_written_down_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version's metadata stands first on the path, as after an upgrade."""
    file = make_simulated_study(tmp_path / "study", 6)
    begin(file, Listener())
    upgraded = tmp_path / "site" / "scipy-99.0.dist-info"
    upgraded.mkdir(parents=True)
    (upgraded / "METADATA").write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(str(upgraded.parent))
    told, again = Listener(), Listener()
    begin(file, told)
    begin(file, again)
    [warning] = told.warnings
    assert "-> 99.0" in warning
    assert again.warnings == []
    with open_ledger(file.parent / "runs" / "soak", write=False) as ledger:
        [noted] = [values for code, values in ledger.notes() if code == "versions_changed"]
    assert noted["scipy"][1] == "99.0"
    assert json.dumps(noted)
