"""The study file: what it says, what is wrong with it, and that it can be written back."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from bad_studies import BAD, GOOD, changed
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Factor, Role
from tunebook.core.space import SearchSpace
from tunebook.core.study import Budget, CommandLimits, DataSpec, SeedCounts, StudySpec
from tunebook.errors import StudyFileError
from tunebook.study_file import changed_keys, load_study, parse_study, write_study


def message(text: str) -> str:
    with pytest.raises(StudyFileError) as caught:
        parse_study(text)
    return str(caught.value)


def test_contract_example_is_read_in_full() -> None:
    spec = parse_study(GOOD)
    assert (spec.name, spec.model, spec.metric, spec.budget) == ("trec", "smollm2", "exact_match", Budget(75))
    assert spec.baseline == Configuration(
        learning_rate=2e-4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        num_train_epochs=3,
        lora_r=8,
        lora_alpha=32.0,
        lora_dropout=0.1,
        max_length=512,
    )
    assert spec.space.get("learning_rate") == Factor("learning_rate", (), 5e-5, 2e-3)
    assert spec.space.get("lora_r") == Factor("lora_r", (8, 16, 32, 64))
    assert spec.data.train_rows == 500
    assert spec.data.group == "label"


def test_2e_minus_4_is_a_number_and_yes_is_a_text() -> None:
    spec = parse_study(
        changed(
            baseline="baseline: {learning_rate: 2e-4}",
            data="data: {train: a.jsonl, choices: [yes, no]}",
            metric="metric: choice",
        )
    )
    assert spec.baseline.learning_rate == 2e-4
    assert spec.data.choices == ("yes", "no")


def test_aliases_are_accepted_and_written_back_in_full() -> None:
    text = changed(
        baseline="baseline: {lr: 1e-4, r: 16, alpha: 32, dropout: 0.1, epochs: 3, batch_size: 2, grad_accum: 4}",
        space="space: {lr: [1e-4, 2e-4]}",
    )
    spec = parse_study(text)
    assert spec.baseline == Configuration(
        learning_rate=1e-4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        num_train_epochs=3,
        lora_r=16,
        lora_alpha=32.0,
        lora_dropout=0.1,
    )
    written = write_study(spec)
    assert not re.search(r"\b(lr|r|alpha|dropout|epochs|batch_size|grad_accum):", written)
    assert parse_study(written) == spec


def test_one_hub_id_may_give_every_split() -> None:
    spec = parse_study(changed(data="data: {train: owner/name.v1, validation: owner/name.v1}"))
    assert spec.data.train == spec.data.validation == "owner/name.v1"


def test_every_optional_key_is_read() -> None:
    spec = parse_study(
        GOOD + "engine: command\nexecutor: local\ndevice: cuda:1\ndtype: float64\n"
        "seeds: {configuration: 3, baseline: 6}\nextrapolate: 1\ntrials: mine.csv\nmax_new_tokens: 9\n"
        "final: true\nshare_prompts: false\ncommand: [python, train.py]\n"
        "command_limits: {hours: 0.5, output_megabytes: 2}\n"
    )
    assert spec.seeds == SeedCounts(3, 6)
    assert (spec.engine, spec.device, spec.dtype, spec.extrapolate) == ("command", "cuda:1", "float64", 1.0)
    assert (spec.trials, spec.max_new_tokens, spec.final, spec.share_prompts) == ("mine.csv", 9, True, False)
    assert spec.command == ("python", "train.py")
    assert spec.command_limits == CommandLimits(0.5, 2.0)
    assert parse_study(write_study(spec)) == spec


def test_baseline_given_names_what_the_file_named_and_the_rest_takes_defaults() -> None:
    spec = parse_study(changed(baseline="baseline: {lora_r: 16}", space="space: {lora_r: [8, 16]}"))
    assert spec.baseline_given == ("lora_r",)
    assert spec.baseline.learning_rate == Configuration().learning_rate


def test_lists_of_module_names_are_levels() -> None:
    spec = parse_study(
        changed(
            baseline="baseline: {target_modules: [q_proj, v_proj]}",
            space="space: {target_modules: [[q_proj, v_proj], all-linear]}",
        )
    )
    assert spec.baseline.target_modules == ("q_proj", "v_proj")
    assert spec.space.get("target_modules") == Factor("target_modules", (("q_proj", "v_proj"), "all-linear"))
    one = parse_study(changed(baseline="baseline: {target_modules: q_proj}"))
    assert one.baseline.target_modules == ("q_proj",)
    assert parse_study(write_study(spec)) == spec


def test_a_factor_may_be_nuisance() -> None:
    spec = parse_study(
        changed(
            space="space: {learning_rate: {low: 1e-4, high: 1e-3, role: nuisance}, "
            "lora_r: {levels: [8, 16], role: nuisance}}"
        )
    )
    assert {factor.role for factor in spec.space} == {Role.NUISANCE}
    assert parse_study(write_study(spec)) == spec


@pytest.mark.parametrize("name", BAD)
def test_bad_study_file_is_told_with_line_and_key(name: str) -> None:
    text, parts = BAD[name]
    told = message(text)
    for part in parts:
        assert part in told
    assert "Traceback" not in told
    assert "pydantic" not in told


def test_all_problems_are_told_at_once() -> None:
    told = message(
        changed(
            model="modle: x",
            seed="seed: -1",
            budget="budget: {trials: 0}",
            margin="margin: 3",
            baseline="baseline: {lora_r: 0, lr: 1}",
        )
    )
    for part in ("modle", "model: the key is missing", "seed", "budget.trials", "margin", "baseline.lora_r"):
        assert part in told
    lines = [int(line) for line in re.findall(r"study\.yaml:(\d+)", told)]
    assert lines == sorted(lines)


def test_alias_bomb_is_refused_without_expanding_it() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 9)}]\n" for i in range(1, 12)
    )
    assert "aliases" in message(bomb)
    assert "values" in message("a: &a [" + "x, " * 2000 + "x]\nb: [*a, *a, *a, *a]\n")


def test_one_alias_is_fine() -> None:
    spec = parse_study(changed(baseline="baseline: {learning_rate: &rate 2e-4, weight_decay: *rate}"))
    assert spec.baseline.weight_decay == 2e-4


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"study: " + b"x" * 10_000_000, "more than 64 KiB"),
        ("study: trec".encode("utf-16"), "UTF-16"),
        (b"study: a\nmodel: \xff\xfe\n", "study.yaml:2: byte 0xff is not UTF-8"),
        (b"\x00", "character U+0000"),
    ],
)
def test_file_that_is_no_text_is_told(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    with pytest.raises(StudyFileError, match=re.escape(part)):
        load_study(file)


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(StudyFileError, match="is a folder"):
        load_study(tmp_path)


def test_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_study(file) == parse_study(GOOD)


def test_larger_budget_and_language_are_harmless_and_data_is_not() -> None:
    old = parse_study(GOOD)
    new = dataclasses.replace(
        old,
        budget=Budget(80, 3.0),
        language="zh",
        device="cpu",
        seed=1,
        data=dataclasses.replace(old.data, train="other.jsonl"),
        baseline=old.baseline.with_values(lora_r=16),
    )
    assert changed_keys(old, new) == {
        "data.train": False,
        "baseline.lora_r": False,
        "budget.trials": True,
        "budget.hours": False,
        "seed": False,
        "report.language": True,
        "device": True,
    }


def test_smaller_budget_is_not_harmless_and_dropping_a_limit_is() -> None:
    old = dataclasses.replace(parse_study(GOOD), budget=Budget(75, 4.0))
    assert changed_keys(old, dataclasses.replace(old, budget=Budget(70, 4.0))) == {"budget.trials": False}
    assert changed_keys(old, dataclasses.replace(old, budget=Budget(75, None))) == {"budget.hours": True}


def test_limits_of_a_command_may_be_changed_while_the_study_runs() -> None:
    old = parse_study(GOOD)
    new = dataclasses.replace(old, command_limits=CommandLimits(8.0, 10.0))
    assert changed_keys(old, new) == {"command_limits.hours": True}


def test_factor_added_or_removed_is_named() -> None:
    old = parse_study(GOOD)
    new = parse_study(changed(space="space: {learning_rate: {low: 5e-5, high: 2e-3}, weight_decay: [0, 0.1]}"))
    assert changed_keys(old, new) == {
        "space.lora_r": False,
        "space.lora_dropout": False,
        "space.num_train_epochs": False,
        "space.weight_decay": False,
    }


def test_default_written_out_is_no_change() -> None:
    old = parse_study(GOOD)
    assert changed_keys(old, parse_study(GOOD.replace("max_length: 512", "max_length: 512, weight_decay: 0"))) == {}


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).map(str.strip)
texts = words.filter(bool)
rates = st.floats(1e-8, 1.0, allow_nan=False)


@st.composite
def specs(draw) -> StudySpec:
    names = draw(
        st.lists(
            st.sampled_from(["learning_rate", "lora_r", "lora_dropout", "weight_decay", "max_length"]),
            min_size=1,
            unique=True,
        )
    )
    factors, values = [], {}
    for name in names:
        kind = FACTOR_KINDS[name]
        level = st.integers(1, 1024) if kind.value_type is int else st.floats(1e-6, 0.99)
        levels = draw(st.lists(level, min_size=2, max_size=5, unique=True))
        is_range = draw(st.booleans())
        factors.append(Factor(name, (), min(levels), max(levels)) if is_range else Factor(name, tuple(levels)))
        values[name] = levels[0]
    return StudySpec(
        name=draw(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,20}\Z")),
        model=draw(texts),
        data=DataSpec(
            train=draw(texts) + ".jsonl",
            group=draw(st.none() | texts),
            system=draw(st.none() | words),
            train_rows=draw(st.none() | st.integers(1, 10**6)),
        ),
        metric=draw(st.sampled_from(["exact_match", "choice", "number", "my.module:score"])),
        baseline=Configuration(**values),
        baseline_given=tuple(names),
        space=SearchSpace(tuple(factors)),
        budget=Budget(draw(st.integers(5, 10**6)), draw(st.none() | st.floats(0.01, 1e6))),
        margin=draw(st.floats(1e-6, 0.999)),
        seed=draw(st.integers(0, 2**32 - 1)),
        language=draw(st.sampled_from(["en", "zh"])),
        extrapolate=draw(st.floats(1, 1000)),
    )


@settings(deadline=None, max_examples=60)
@given(specs())
def test_any_study_survives_writing_and_reading(spec: StudySpec) -> None:
    assert parse_study(write_study(spec)) == spec
