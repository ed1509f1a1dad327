"""Every code that the planner, the statistics or an engine can emit has words in both languages.

The codes are read from the source: a code that is added there without words fails here, not in somebody's record.
"""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

import tunebook
from tunebook.core.findings import ONE_SEED
from tunebook.core.study import Purpose, RoundKind
from tunebook.words import LANGUAGES, words_for
from tunebook.words.chinese import codes as chinese
from tunebook.words.english import codes as english
from tunebook.words.shared import SILENT_NOTES

SOURCE = Path(tunebook.__file__).parent
CODES = {"en": english, "zh": chinese}
TOLD_IN_SENTENCES = {"versions_changed", "rescued", "engine_refused"}
WAVE_NOTES_WITH_WORDS = {
    "beside",
    "curves_cross",
    "little_to_gain",
    "nothing_claimed",
    "not_refined",
    "only_leading",
    "only_by_loss",
    "round_skipped",
    "runner_up",
}


def test_a_trial_of_the_pilot_round_is_called_a_pilot_whatever_it_is_for():
    for codes in CODES.values():
        assert codes.PURPOSES[Purpose.FIRST_RATE] == codes.PURPOSES[Purpose.PILOT] == codes.ROUNDS[RoundKind.PILOT]


def trees(*places: str):
    for place in places:
        path = SOURCE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield ast.parse(file.read_text(encoding="utf-8"))


def called_with(method: str, *places: str) -> set[str]:
    """First arguments of every call of a method or class of that name, where they are written out."""
    found = set()
    for node in itertools.chain.from_iterable(map(ast.walk, trees(*places))):
        named = isinstance(node, ast.Call) and method in (
            getattr(node.func, "attr", None),
            getattr(node.func, "id", None),
        )
        first = node.args[0] if named and node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            found.add(first.value)
    return found


def constants(place: str, *functions: str) -> set[str]:
    """Every text constant within those functions of a module that could be a code."""
    found = set()
    for tree in trees(place):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                body = [n for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                found |= {n.value for n in body if n.value.replace("_", "").isalpha() and n.value.islower()}
    return found


def cut_codes() -> set[str]:
    planned = constants("planning/explore_design.py", "_steps")
    in_tables = {code for code in constants("planning/rounds/table.py", "_fit") if not code.startswith("lora")}
    return called_with("cut", "planning") | planned | in_tables


def warning_codes() -> set[str]:
    plain = constants("statistics/judge_round.py", "_doubts", "_without_numbers") - {"treatment", "control", "main"}
    sides = {f"{side}_{what}" for side in ("treatment", "control") for what in ("replicates_diverged", "trials_failed")}
    return (plain | sides | {"exploratory", ONE_SEED}) - {"lora_r", "lora_alpha"}


def divergence_codes() -> set[str]:
    return constants("core/divergence.py", "observe", "collapse_share") | {"worse_than_untrained"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cut_has_words(language):
    codes = cut_codes()
    assert {"bracket_ends", "end_levels", "factors", "rows", "cheapest", "confirm_seeds"} <= codes
    assert codes == set(CODES[language].CUTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fold_warning_and_ending_has_words(language):
    codes = CODES[language]
    assert constants("core/space.py", "_canonical") & set(codes.FOLDS) == set(codes.FOLDS) - {"checkpoint"}
    assert warning_codes() == set(codes.WARNINGS) | set(codes.CONTROL_WARNINGS)
    assert divergence_codes() | {"by_user", "by_planner"} == set(codes.REASONS)
    assert constants("planning/rounds/refine.py", "_why_not") - {"learning_rate"} == set(codes.NOT_REFINED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_note_has_words_or_is_meant_for_another_place(language):
    assert called_with("note", "planning") | {"beside", "round_skipped"} == WAVE_NOTES_WITH_WORDS
    others = called_with("Noted", "engines", "executors", "run") | called_with("note", "executors", "run", "ledger")
    assert others - SILENT_NOTES == set(CODES[language].NOTES) | TOLD_IN_SENTENCES
    words = words_for(language)
    for code in sorted(others - SILENT_NOTES):
        values = {"trials": "3-4", "torch": ["2.12", "2.13"], "engine": "a", "taken_by": "b", "reason": "no DoRA"} | {
            "worker": "worker 0",
            "most_together": 2,
            "round": 2,
        }
        said = words.note(code, values)
        assert said
        assert "{" not in said
    assert all(words.note(code, {}) is None for code in SILENT_NOTES)


@pytest.mark.parametrize(("language", "said"), [("en", "Trials 3-4 went on"), ("zh", "实验 3-4 在中断后")])
def test_interrupted_trials_are_told_together(language, said):
    assert words_for(language).note("trial_resumed", {"trials": "3-4"}).startswith(said)


@pytest.mark.parametrize(("language", "off", "on"), [
    ("en", "gradient checkpointing off", "gradient checkpointing on"),
    ("zh", "梯度检查点关", "梯度检查点开"),
])  # fmt: skip
def test_a_switch_reads_as_a_switch(language, off, on):
    words = words_for(language)
    assert words.setting("gradient_checkpointing", False) == off
    assert words.setting("gradient_checkpointing", True) == on
