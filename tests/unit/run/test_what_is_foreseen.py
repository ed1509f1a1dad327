"""`run`, `plan`, `status` and `report` foresee the same study: the planner is built in one place, from one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.run.test_whole_simulated_study import STUDY, StopAfter, write_split
from tunebook import Study
from tunebook.errors import Interrupted, StudyFileError

ROWS = "learning_rate,lora_r\n1e-4,8\n5e-4,8\n2e-4,16\n5e-4,16\n"


@pytest.fixture
def with_table(tmp_path: Path) -> Path:
    """A study whose first round is a table of four rows."""
    for number, split in enumerate(("train", "validation", "test")):
        write_split(tmp_path / f"{split}.jsonl", 1000 * number, 60)
    (tmp_path / "mine.csv").write_text(ROWS, encoding="utf-8")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.replace("TRIALS", "75") + "trials: mine.csv\n", encoding="utf-8")
    return file


def foreseen_by_plan(study: Study) -> list[tuple[str, int]]:
    return [(str(each.kind), each.n_trials) for each in study.plan().outlook.all_rounds]


def foreseen_by_status(study: Study) -> list[tuple[str, int]]:
    from tunebook.run.reading import read_study

    return [(str(each.kind), each.n_trials) for each in read_study(study.paths).outlook.all_rounds]


def test_a_table_of_four_rows_wants_the_same_number_of_trials_everywhere(with_table: Path) -> None:
    study = Study.load(with_table)
    assert study.plan().outlook.wanted_trials == 26
    with pytest.raises(Interrupted):
        study.run(StopAfter(4))
    waiting, *later = foreseen_by_plan(study)
    assert waiting == ("table", len(study.status().planned)), "the trials that wait are still to be trained"
    assert later
    assert foreseen_by_plan(study) == foreseen_by_status(study)
    assert study.plan().outlook.wanted_trials == 26
    assert "explore" not in study.report()["record.md"].read_text(encoding="utf-8")


def test_before_the_table_is_planned_status_foresees_it_and_no_explore_round(with_table: Path) -> None:
    study = Study.load(with_table)
    with pytest.raises(Interrupted):
        study.run(StopAfter(1))  # the reference has been scored, the table's wave is not written
    kinds = [kind for kind, _ in foreseen_by_status(study)]
    assert kinds[0] == "table"
    assert "explore" not in kinds
    assert foreseen_by_plan(study) == foreseen_by_status(study)


def test_another_table_in_its_place_is_refused(with_table: Path) -> None:
    study = Study.load(with_table)
    with pytest.raises(Interrupted):
        study.run(StopAfter(1))
    (with_table.parent / "mine.csv").write_text(ROWS + "3e-4,8\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match=r"mine\.csv: the table is not the one the study was begun with"):
        Study.load(with_table).run()
