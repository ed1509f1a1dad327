"""What `plan` shows fits together, and what a run shows of its budget is what it uses: several study files."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.soak import make_simulated_study
from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.study import Purpose
from tunebook.run.reading import read_study

pytestmark = pytest.mark.usefixtures("few_pictures")

STUDIES = {
    "small": {"budget": "{trials: 14}"},
    "more rates": {"budget": "{trials: 40}"},
    "balanced": {"budget": "{trials: 24}", "design": "balanced"},
    "hours": {"budget": "{hours: 5}"},
    "both": {"budget": "{trials: 20, hours: 100}", "seeds": "{configuration: 3, baseline: 4}"},
    "epochs": {
        "budget": "{trials: 30}",
        "baseline": "{learning_rate: 2e-3, lora_r: 4, num_train_epochs: 1, lr_scheduler_type: constant}",
        "space": "{num_train_epochs: [1, 2, 3], lora_r: [4, 8, 16], learning_rate: {low: 5e-4, high: 2e-2}}",
    },
}


def made(folder: Path, keys: dict[str, str]) -> Path:
    """The simulated study with other values of some keys."""
    file = make_simulated_study(folder, 14)
    blocks = re.split(r"\n(?=\S)", file.read_text("utf-8"))
    kept = [block for block in blocks if block.split(":")[0] not in keys]
    file.write_text("\n".join([*kept, *(f"{key}: {value}" for key, value in keys.items())]) + "\n", "utf-8")
    return file


@pytest.fixture(params=list(STUDIES))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return made(tmp_path, STUDIES[request.param])


def shown(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_numbers_of_a_plan_fit_one_another(file: Path) -> None:
    plan, text = Study.load(file).plan(), shown("plan", file)
    [wave] = plan.waves
    budget = plan.spec.budget.trials
    rounds = {each.kind: each.n_trials for each in plan.outlook.rounds}
    assert budget is None or plan.outlook.most_trials <= budget
    if plan.outlook.most_trials < sum(rounds.values()):
        assert re.search(rf"^in all +<= {plan.outlook.most_trials} *$", text, re.MULTILINE)
    units = sum(trial.costs_budget for trial in wave.trials)
    assert math.ceil(units) <= rounds[wave.kind]
    trained = sum(trial.has_training for trial in wave.trials)
    [line] = [line for line in text.splitlines() if line.startswith("Next part, ")]
    assert f": {trained} trials (" in line
    listed = line.partition("(")[2].partition(")")[0]
    assert sum(map(int, re.findall(r": (\d+)", listed))) == trained
    assert ("which count as" in line) == (math.ceil(units) != trained)
    assert len(wave.trials) - trained == sum(map(int, re.findall(r"; (\d+) more are scored", line)))


def test_a_plan_shows_the_levels_that_will_run(file: Path) -> None:
    plan, text = Study.load(file).plan(), shown("plan", file)
    [wave] = plan.waves
    [line] = [line for line in text.splitlines() if line.startswith("levels: ")]
    ranks = {t.configuration.lora_r for t in wave.trials} - {plan.spec.baseline.lora_r}
    if ranks:
        assert f"rank {', '.join(map(str, sorted(ranks)))} (baseline: 4)" in line
    rates = {t.configuration.learning_rate for t in wave.trials} - {plan.spec.baseline.learning_rate}
    named = re.search(r"learning rate ([^()]+) \(", line)
    shown_rates = sorted(map(float, named[1].split(", "))) if named else []
    assert shown_rates == pytest.approx(sorted(rates), rel=0.06)


@pytest.mark.parametrize("name", ["small", "balanced"])
def test_a_run_never_shows_more_than_its_budget_and_ends_full(name: str, tmp_path: Path) -> None:
    file = made(tmp_path, STUDIES[name])
    output = shown("run", file)
    counts = [(int(done), int(total)) for done, total in re.findall(r"\[(\d+)/(\d+) ", output)]
    assert counts
    assert all(done <= total for done, total in counts)
    status = Study.load(file).status()
    budget = Study.load(file).spec.budget.trials
    assert budget is not None
    assert status.spent_trials <= budget
    facts = read_study(Study.load(file).paths).history.trials.values()
    trained = sum(fact.trial.has_training and fact.trial.purpose is not Purpose.REFERENCE for fact in facts)
    assert counts[-1][0] == trained
    assert counts[-1][1] >= trained
    assert f"spent: {status.spent_trials} of {budget} trials" in shown("status", file)


def test_a_plan_of_a_simulated_study_says_so_first(file: Path) -> None:
    said = [line for line in shown("plan", file).splitlines() if line.strip()]
    assert any("Engine simulated trains nothing" in line for line in said[:3])
    assert any(line.startswith("In the time of the simulated world, one after another") for line in said)
    assert not any("here they take" in line or line.startswith("memory:") for line in said)
