"""Configurations by the study file's own words, what they differ on, and the keys that `status` prints."""

from __future__ import annotations

import pytest
from rich.console import Console

from tunebook.cli import status as command
from tunebook.cli.compare import _text
from tunebook.core.outlook import Outlook
from tunebook.core.score import SHARE
from tunebook.errors import NotFoundError
from tunebook.run.commands.compare import compare, resolve
from tunebook.run.commands.status import study_status
from tunebook.words import words_for


@pytest.mark.parametrize("text", ["lora_r=32", "r=32", "rank=32", " lora_r = 32 "])
def test_a_level_is_named_in_the_files_own_words(study, text) -> None:
    _, _, history, conclusions, _ = study
    assert resolve(text, history, conclusions).key == resolve("lora_r=32", history, conclusions).key


def test_aliases_numbers_and_the_baselines_own_level_are_understood(study) -> None:
    spec, _, history, conclusions, _ = study
    moved = next(f.trial for f in history.trials.values() if f.trial.factor == "learning_rate")
    rate = moved.configuration.learning_rate
    assert resolve(f"lr={rate:.1e}", history, conclusions).key == moved.effective.key
    own = resolve(f"lr={spec.baseline.learning_rate:.3e}", history, conclusions)
    assert own.key == resolve("baseline", history, conclusions).key
    with pytest.raises(NotFoundError, match="means no trial or configuration here"):
        resolve("lora_r=7", history, conclusions)


def test_examples_that_differ_are_shown_with_both_answers(study) -> None:
    spec, facts, history, conclusions, _ = study
    found = compare("best", "baseline", spec, facts, history, conclusions)
    assert len(found.differing) == found.won + found.lost > 5
    assert abs(found.differing[0].difference) == max(abs(each.difference) for each in found.differing)
    said = _text(found, 0.03, "en", SHARE)
    assert f"Examples on which they differ (5 of {found.won + found.lost}):" in said
    first = found.differing[0]
    assert f"  {first.index}: " in said
    assert f"gold: {first.gold} | A: {first.a} | B: {first.b}" in said
    assert f"结果不同的样本（列出 {found.won + found.lost} 个中的 5 个）：" in _text(found, 0.03, "zh", SHARE)


def test_the_answers_of_all_seeds_are_shown_where_they_disagree(study) -> None:
    """A difference of means over seeds beside two equal answers reads like a mistake."""
    spec, facts, history, conclusions, _ = study
    found = compare("best", "baseline", spec, facts, history, conclusions)
    assert all(each.a != each.b for each in found.differing if each.a and each.b)
    assert any(" / " in each.a or " / " in each.b for each in found.differing if each.a)


def test_status_prints_the_keys_that_compare_takes(study) -> None:
    status = study_status(study.spec, study.history, study.conclusions, Outlook(rounds=()))
    accuracies = [each.accuracy for each in status.configurations]
    assert accuracies == sorted(accuracies, reverse=True)
    console = Console(width=160)
    with console.capture() as capture:
        console.print(command._configurations(status, words_for("en")))
    lines = capture.get().splitlines()
    assert len(lines) == 1 + len(status.configurations)
    for line, each in zip(lines[1:], status.configurations, strict=True):
        assert resolve(line.split()[0], study.history, study.conclusions).key == each.key
