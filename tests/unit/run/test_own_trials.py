"""What is added to a study that was begun: trials of the user's own, seeds, another margin, notes on trials."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.events import Event, Started
from tunebook.core.facts import TrialFact
from tunebook.core.study import ContrastKind, Purpose, RoundKind, TrialState
from tunebook.errors import ModelError, NotFoundError, StudyFileError, UserError
from tunebook.ledger import open_ledger
from tunebook.record import View
from tunebook.run.observers import Silent
from tunebook.run.reading import StudyRead, planner_of, read_study
from tunebook.run.requests.user_requests import keep_requests
from tunebook.testing.simulated_study import with_wave

if TYPE_CHECKING:
    from benchmarks.soak import Soak

pytestmark = pytest.mark.usefixtures("few_pictures")


def tunebook(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def read(file: Path) -> StudyRead:
    return read_study(Study.load(file).paths)


def own(study: StudyRead) -> list[TrialFact]:
    return [fact for fact in study.history.trials.values() if fact.trial.purpose is Purpose.OWN]


def test_target_modules_of_ones_own_that_cannot_be_trained_are_refused_at_once(trained: Soak, tmp_path: Path) -> None:
    shutil.copytree(trained.file.parent, tmp_path / "study")
    study = Study.load(tmp_path / "study" / trained.file.name)
    for name in ("w_pack", "embed_tokens"):
        with pytest.raises(ModelError, match=f'"{name}" .*no linear module of this llama model'):
            study.add([f"target_modules=q_proj,{name}"])
    assert study.add(["target_modules=q_proj"]).configurations[0].target_modules == ("q_proj",)


def test_trials_of_ones_own_are_a_round_outside_budget_and_error_rate(study: Path) -> None:
    before = read(study)
    told = tunebook("add", study, "lora_r=64 learning_rate=3e-4", "best", "--seeds", "3", "--tag", "asked")
    assert "rank 64" in told
    assert "3 new seeds" in told
    assert f"tunebook run {study}" in told
    tunebook("run", study, "--quiet")
    after = read(study)
    [wave] = [wave for wave in after.history.waves if wave.kind is RoundKind.OWN]
    assert len(wave.trials) == len(own(after)) == 6
    assert all(fact.state.is_answer for fact in own(after))
    ours = [trial for trial in wave.trials if trial.configuration.lora_r == 64]
    assert {trial.configuration.learning_rate for trial in ours} == {3e-4}
    alpha_over_r = before.spec.baseline.lora_alpha / before.spec.baseline.lora_r
    assert {trial.configuration.lora_alpha / 64 for trial in ours} == {alpha_over_r}
    assert not {trial.seed for trial in wave.trials} & {f.trial.seed for f in before.history.trials.values()}
    for contrast in wave.contrasts:
        assert contrast.kind is ContrastKind.DIFFERENCE
        assert set(contrast.treatment) <= {trial.id for trial in wave.trials}
        controls = {after.history.trials[number].trial.effective for number in contrast.control}
        assert len(controls) == 1
    findings = [f for f in after.history.findings if f.round == wave.round]
    assert findings
    assert all("exploratory" in finding.warnings and finding.alpha == 0.02 for finding in findings)
    assert repr(after.history.findings[: len(before.history.findings)]) == repr(before.history.findings)
    assert after.history.waves[: len(before.history.waves)] == before.history.waves
    status = Study.load(study).status()
    assert status.spent_trials == sum(fact.budget_units for fact in before.history.trials.values())
    assert status.finished
    record = (study.parent / "runs" / "soak" / "record.md").read_text("utf-8")
    assert "You added these trials when" in record
    assert "outside its error rate" in record
    assert f"Round {wave.round} is outside of this: planned after" in record
    Study.load(study).report("zh")
    record = (study.parent / "runs" / "soak" / "record.md").read_text("utf-8")
    assert f"第 {wave.round} 轮不在其内" in record


def test_added_trials_have_numbers_before_they_begin_and_can_be_taken_back(study: Path) -> None:
    last = max(read(study).history.trials)
    tunebook("add", study, "lora_dropout=0.3", "learning_rate=5e-4", "--seeds", "1")
    assert f"waiting: trials {last + 1}-{last + 2}" in " ".join(tunebook("status", study).split())
    tunebook("stop", study, last + 1)
    assert CliRunner().invoke(app, ["stop", str(study), str(last + 3)]).exit_code != 0
    tunebook("run", study, "--quiet")
    states = {fact.trial.id: fact.state for fact in own(read(study))}
    assert states[last + 1] is TrialState.CANCELLED
    assert states[last + 2].is_answer


def test_they_come_before_the_next_round_and_the_planner_goes_on_as_it_would(study: Path) -> None:
    """The same study in which something is asked for after its first round."""
    ended = read(study).history
    first = next(wave for wave in ended.waves if wave.closes_round and wave.kind is not RoundKind.REFERENCE)
    until = replace(
        ended,
        waves=ended.waves[: ended.waves.index(first) + 1],
        trials={n: fact for n, fact in ended.trials.items() if fact.trial.round <= first.round},
        findings=tuple(f for f in ended.findings if f.round <= first.round),
        closed_rounds=tuple(n for n in ended.closed_rounds if n <= first.round),
        sealed={},
    )
    Study.load(study).add(["learning_rate=5e-4"], seeds=2)
    asked = read(study)
    planner = planner_of(asked.spec, asked.facts, until, None)
    theirs, mine = planner.next_wave(until), planner.next_wave(replace(until, own=asked.history.own))
    assert theirs is not None
    assert mine is not None
    assert (mine.kind, mine.round) == (RoundKind.OWN, first.round + 1)
    assert planner.outlook(replace(until, own=asked.history.own)).rounds[0].n_trials == 2
    later = with_wave(
        replace(until, own=asked.history.own), mine, lambda trial, _: TrialFact(trial=trial, state=TrialState.FAILED)
    )
    later = replace(later, closed_rounds=(*later.closed_rounds, mine.round))
    after = planner.next_wave(later)
    assert after is not None
    assert (after.kind, after.round) == (theirs.kind, theirs.round + 1)
    assert [(t.effective, t.seed) for t in after.trials] == [(t.effective, t.seed) for t in theirs.trials]


def test_more_seeds_of_the_baseline_are_no_comparison(study: Path) -> None:
    Study.load(study).add(["baseline"], seeds=2)
    Study.load(study).run()
    after = read(study)
    assert len(own(after)) == 2
    [wave] = [wave for wave in after.history.waves if wave.kind is RoundKind.OWN]
    assert wave.contrasts == ()


def test_what_is_asked_for_while_the_study_runs_begins_after_the_present_round(study: Path) -> None:
    (study.parent / "runs" / "soak").rename(study.parent / "before")
    file = Study.load(study)
    told: list[str] = []

    class Asks(Silent):
        def event(self, event: Event) -> None:
            if isinstance(event, Started) and event.trial == 3 and not told:
                told.append(tunebook("add", study, "lora_r=64", "--seeds", "1"))

    file.run(Asks())
    assert "begin after its present round" in told[0]
    assert len(own(read(study))) == 1
    assert not list((file.paths.folder / "requests").iterdir())


def test_a_request_that_is_noted_twice_is_one(study: Path) -> None:
    """As when a run is killed between the two steps."""
    opened = Study.load(study)
    opened.add(["lora_r=64"], seeds=1)
    with open_ledger(opened.paths.folder, write=True, study="soak") as ledger:
        [values] = [values for code, values in ledger.notes() if code == "own_trials"]
        (opened.paths.folder / "requests" / "again.json").write_text(json.dumps(values))
        keep_requests(ledger, opened.paths.folder)
        assert len(ledger.notes()) >= 2
        assert len(ledger.history().own) == 1


@pytest.mark.parametrize(
    ("settings", "seeds", "part"),
    [
        ("lora_rr=64", 1, "Did you mean lora_r"),
        ("lora_r=64 r=8", 1, "is there twice"),
        ("lora_r=-1", 1, "Correct the value"),
        ("lora_r=16,learning_rate=1e-4", 1, "separated by blanks"),
        ("lora_r=16, learning_rate=1e-4", 1, "separated by blanks"),
        ("lora_r=64", 0, "1 to 100"),
        ("lora_r=64", 101, "1 to 100"),
        ("no_such", 1, "no_such"),
        ("max_length=4", 1, "so no answer would be left. Write more than"),
    ],
)
def test_what_cannot_be_added_is_refused(finished, settings: str, seeds: int, part: str) -> None:
    with pytest.raises((UserError, NotFoundError), match=part):
        Study.load(finished.file).add([settings], seeds)
    assert not (finished.folder / "requests").exists()


def test_notes_and_tags_are_kept_and_shown(study: Path) -> None:
    folder = Study.load(study).paths.folder
    tunebook("note", study, "3", "a | b <b>: loss still falling", "--tag", "odd")
    tunebook("note", study, "3", "--tag", "again")
    tunebook("note", study, "4", "=1+1")
    tunebook("report", study)
    rows = {row["trial"]: row for row in csv.DictReader((folder / "trials.csv").read_text("utf-8").splitlines())}
    assert rows["3"]["tags"] == "odd again"
    assert "loss still falling" in rows["3"]["note"]
    assert not rows["4"]["note"].startswith("=")
    assert rows["5"]["note"] == rows["5"]["tags"] == ""
    record = (folder / "record.md").read_text("utf-8")
    assert "odd" in record
    assert "loss still falling" in record
    page = (folder / "record.html").read_text("utf-8")
    assert "a | b &lt;b&gt;: loss still falling" in page
    trials = {each["id"]: each for each in json.loads((folder / "results.json").read_text("utf-8"))["trials"]}
    assert trials[3]["tags"] == ["odd", "again"]
    with pytest.raises(NotFoundError):
        Study.load(study).remark(99, "nothing there")
    with pytest.raises(UserError):
        Study.load(study).remark(3)


def with_keys(file: Path, **keys: str) -> None:
    """The study file with other values of some keys."""
    lines = [line for line in file.read_text("utf-8").splitlines() if line.split(":")[0] not in keys]
    file.write_text("\n".join([*lines, *(f"{key}: {value}" for key, value in keys.items())]) + "\n", "utf-8")


def test_another_margin_holds_for_what_is_judged_afterwards(study: Path) -> None:
    before = read(study)
    with_keys(study, margin="0.2")
    Study.load(study).run()
    after = read(study)
    assert after.spec.margin == 0.2
    assert repr(after.history.findings) == repr(before.history.findings)  # NaN is not itself
    record = (Study.load(study).paths.folder / "record.md").read_text("utf-8")
    assert f"margin {before.spec.margin} → 0.2" in record
    view = View(
        spec=after.spec,
        facts=after.facts,
        history=after.history,
        conclusions=after.conclusions,
        notes=tuple(after.notes),
    )
    assert {view.margin_of(finding.round) for finding in after.history.findings} == {before.spec.margin}


def test_more_seeds_are_accepted_and_fewer_are_not(study: Path) -> None:
    seeds, text = read(study).spec.seeds, study.read_text("utf-8")
    with_keys(study, seeds=f"{{configuration: {seeds.configuration + 1}, baseline: {seeds.baseline}}}")
    Study.load(study).run()
    assert read(study).spec.seeds.configuration == seeds.configuration + 1
    assert "seeds.configuration" in (Study.load(study).paths.folder / "record.md").read_text("utf-8")
    study.write_text(text, "utf-8")
    with pytest.raises(StudyFileError, match=r"seeds\.configuration.*larger values of budget\.trials"):
        Study.load(study).run()
