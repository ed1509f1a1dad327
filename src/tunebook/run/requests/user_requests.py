"""What the user asks of a study beside its file: trials of their own, and notes on trials.

A request is first a file in the study folder, because a ledger has one writer. Whoever may write to the ledger, the
study's runner or the command itself where nothing runs, moves it there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tunebook.core.configuration import ALL_LINEAR, Configuration
from tunebook.core.facts import History
from tunebook.core.ports import Ledger
from tunebook.core.study import OWN_TRIALS, REMARK, OwnTrials, Purpose, Remark, StudySpec
from tunebook.data.trials_table import settings_of
from tunebook.errors import LedgerLocked, NotFoundError, UserError
from tunebook.files import write_atomically
from tunebook.ledger import open_ledger
from tunebook.ledger.codec import CodecError, decode, encode
from tunebook.planning.problem import SeedUse, configured
from tunebook.plugins import ENGINES
from tunebook.run.commands.compare import resolve
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import StudyRead, read_study
from tunebook.words import words_for

__all__ = ["Added", "add_trials", "keep_requests", "remark"]

MOST_SEEDS = int(SeedUse.BOUNDARY - SeedUse.OWN)
"""Seeds of the user's own that one configuration can have: the numbers set aside for them."""


@dataclass(frozen=True, kw_only=True)
class Added:
    """What was added: configurations with new seeds; `is_running` tells whether a run of the study takes them up."""

    configurations: tuple[Configuration, ...]
    seeds: int
    is_running: bool


def add_trials(
    paths: StudyPaths,
    asked: Sequence[str],
    seeds: int | None = None,
    tags: Sequence[str] = (),
    note: str = "",
    *,
    trust_remote_code: bool = False,
) -> Added:
    """Ask for trials of the user's own: a round of its own, planned when the present one is judged.

    Args:
        asked: for each configuration its settings ("lora_r=64 learning_rate=3e-4", the others as in the baseline), or
            what `compare` takes: "baseline", "best", a trial's number, the beginning of a key.
        seeds: new seeds for each of them; default: the study's `seeds.configuration`.

    Raises: NotFoundError: the study has not been begun, or a name stands for nothing in it. UserError: a setting or a
        number that cannot be. ModelError: `target_modules` has a name that means no linear module of the model.
    """
    study = read_study(paths)
    n = study.spec.seeds.configuration if seeds is None else seeds
    configurations = tuple(_configuration(text, study) for text in asked)
    for configuration in configurations:
        _check_seeds(n, configuration, study.history)
    _check_lengths(study, configurations)
    _check_targets(study.spec, paths, configurations, trust_remote_code)
    own = OwnTrials(id=uuid4().hex, configurations=configurations, seeds=n, tags=tuple(tags), note=note)
    return Added(configurations=configurations, seeds=n, is_running=not _ask(paths, own))


def remark(paths: StudyPaths, trial: int, note: str = "", tags: Sequence[str] = ()) -> None:
    """Keep a note with a trial, in the place of an earlier one, and further tags.

    Raises: NotFoundError: there is no such trial. UserError: nothing to keep.
    """
    if trial not in read_study(paths).history.trials:
        raise NotFoundError("trial {trial}: not in this study. `tunebook status` shows its trials.", trial=trial)
    if not note and not tags:
        raise UserError("trial {trial}: nothing to keep. Give a text, or tags with --tag.", trial=trial)
    _ask(paths, Remark(id=uuid4().hex, trial=trial, tags=tuple(tags), note=note))


def keep_requests(ledger: Ledger, folder: Path) -> None:
    """Move every request into the ledger. A run that is killed between the two steps notes one twice, which is read as
    once."""
    for path in sorted((folder / "requests").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name)):
        request = _read(path)
        ledger.note(OWN_TRIALS if isinstance(request, OwnTrials) else REMARK, json.loads(encode(request)))
        path.unlink()


def _ask(paths: StudyPaths, request: OwnTrials | Remark) -> bool:
    """Write a request; gives whether it is in the ledger already."""
    write_atomically(paths.folder / "requests" / f"{request.id}.json", encode(request))
    try:
        with open_ledger(paths.folder, write=True, study=paths.study) as ledger:
            keep_requests(ledger, paths.folder)
    except LedgerLocked:
        return False
    return True


def _read(path: Path) -> OwnTrials | Remark:
    text = path.read_text(encoding="utf-8")
    with suppress(CodecError):
        return decode(OwnTrials, text)
    with suppress(CodecError):
        return decode(Remark, text)
    raise UserError("{path}: not a request that tunebook wrote. Remove the file.", path=path)


def _configuration(text: str, study: StudyRead) -> Configuration:
    if "=" not in text:
        found = resolve(text, study.history, study.conclusions, study.spec.language)
        facts = study.history.trials.values()
        return next(f.trial.configuration for f in facts if f.trial.effective.key == found.key)
    return _changed(study.spec, text)


def _changed(spec: StudySpec, text: str) -> Configuration:
    """The baseline with these settings; alpha follows the rank as the study file says, unless it is given."""
    settings = settings_of(text)
    follows = {name: level for name, level in settings.items() if name != "lora_alpha"}
    alpha = {"lora_alpha": settings["lora_alpha"]} if "lora_alpha" in settings else {}
    return configured(spec, follows).with_values(**alpha)


def _check_lengths(study: StudyRead, configurations: Sequence[Configuration]) -> None:
    """Refuse, as `plan` does, a max_length that leaves no answer; studies of older versions do not know."""
    shortest = study.facts.summary.get("tokens", {}).get("train", {}).get("shortest_prompt")
    for configuration in configurations:
        if shortest is not None and configuration.max_length <= shortest:
            words = words_for(study.spec.language)
            raise UserError(words.refused_max_length(configuration.max_length, shortest))


def _check_targets(
    spec: StudySpec, paths: StudyPaths, configurations: Sequence[Configuration], trust_remote_code: bool
) -> None:
    """What the study's own configurations name was checked when it was planned."""
    known = (spec.baseline.target_modules, ALL_LINEAR)
    targets = [each.target_modules for each in configurations if each.target_modules not in known]
    if targets and ENGINES.load(spec.engine).needs_model:
        from tunebook.engines.base_model import resolve_model
        from tunebook.engines.target_modules import check_targets

        check_targets(resolve_model(spec.model, paths.base), targets, trust_remote_code)


def _check_seeds(n: int, configuration: Configuration, history: History) -> None:
    own = [fact.trial for fact in history.trials.values() if fact.trial.purpose is Purpose.OWN]
    used = sum(trial.configuration == configuration for trial in own)
    waiting = sum(each.seeds for each in history.own if configuration in each.configurations) - used
    left = MOST_SEEDS - used - max(0, waiting)
    if not 1 <= n <= left:
        raise UserError(
            "--seeds {n}: this configuration can have 1 to {left} further seeds of your own.", n=n, left=left
        )
