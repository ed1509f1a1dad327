"""Writes the best adapter, ready to use, to `best/` in the study folder, and `tunebook export` for other tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tunebook.core.facts import TrialFact
from tunebook.core.quantisation import NONE
from tunebook.core.study import Purpose, TrialState
from tunebook.data import read_splits
from tunebook.data.template import Encoder
from tunebook.errors import NotFoundError, UserError
from tunebook.escaping import markdown_text, shell_line
from tunebook.export import FORMATS, ExportTarget, export_texts
from tunebook.export.messages import rows
from tunebook.export.quantised import adapter_readme
from tunebook.export.yaml_text import yaml_text
from tunebook.files import replaced_folder, writing
from tunebook.plugins import is_simulated
from tunebook.run.homes import bringing_commands
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import StudyRead, read_study
from tunebook.run.study_words import study_words
from tunebook.words.marks import plain_text

__all__ = ["best_trial", "configuration_yaml", "export_study", "write_best"]


def best_trial(study: StudyRead) -> TrialFact | None:
    """The best configuration's replicate of median validation loss, from confirm's own replicates if there are any.

    Where nothing is shown to have been learned there is no best one; with `floor: go_on` in the study file it is then
    the one that leads all the same.
    """
    best = study.conclusions.best or (study.conclusions.nothing_learned if study.spec.floor == "go_on" else None)
    if best is None:
        return None
    trained = [
        fact
        for fact in study.history.trials.values()
        if fact.trial.effective.key == best.key and fact.state is TrialState.COMPLETED and "validation" in fact.outcomes
    ]
    confirmed = [fact for fact in trained if fact.trial.purpose is Purpose.CONFIRM]
    ranked = sorted(confirmed or trained, key=lambda fact: (fact.outcomes["validation"].loss, fact.trial.id))
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def write_best(study: StudyRead, paths: StudyPaths) -> Path | None:
    """Write `best/` in the study folder: the adapter in PEFT's format and `config.yaml`. It is replaced as a whole.

    Returns: the folder, or None while there is no best trial. Raises: DiskFull, UnwritableFolder: it cannot be written;
    the previous folder stays.
    """
    fact = best_trial(study)
    if fact is None:
        if study.conclusions.nothing_learned is not None:  # what an earlier run recommended is not recommended any more
            shutil.rmtree(paths.folder / "best", ignore_errors=True)
        return None
    target, source = paths.folder / "best", paths.folder / "adapters" / str(fact.trial.id)
    with replaced_folder(target) as scratch:
        if source.is_dir():  # an external trainer need not return its weights
            copy_adapter(source, scratch)
        _tell_simulated(study, scratch)
        (scratch / "config.yaml").write_text(configuration_yaml(study, fact), encoding="utf-8")
        if _quantization(study) != NONE:
            wanted = _target(study, fact, source, paths)
            (scratch / "README.md").write_text(adapter_readme(wanted), encoding="utf-8")
    return target


def _tell_simulated(study: StudyRead, folder: Path) -> None:
    """A README beside what an engine left that trains nothing: the files look like an adapter and are none."""
    if is_simulated(study.spec.engine):
        text = plain_text(study_words(study.spec).simulated(study.spec.engine))
        (folder / "README.md").write_text(f"# {markdown_text(study.spec.name)}\n\n{text}\n", encoding="utf-8")


def copy_adapter(source: Path, target: Path) -> None:
    """Copy an adapter's folder without links, because a study folder may come from a stranger and a link may point
    anywhere.

    Raises: UserError: the folder itself is a link.
    """
    if source.is_symlink():
        raise UserError(
            "{source}: a link; an adapter lies in the study folder itself. Put the folder in its place.", source=source
        )
    shutil.copytree(source, target, ignore=_links, dirs_exist_ok=True)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]


def configuration_yaml(study: StudyRead, fact: TrialFact) -> str:
    """The configuration in the form of a study file's baseline, with a comment on its origin."""
    outcome = fact.outcomes["validation"]
    values: dict[str, Any] = {
        "study": study.spec.name,
        "model": study.spec.model,
        **({"quantization": _quantization(study)} if _quantization(study) != NONE else {}),
        "trial": fact.trial.id,
        "seed": fact.trial.seed,
        "validation_accuracy": outcome.accuracy,
        "validation_loss": outcome.loss,
        "configuration": {k: v for k, v in fact.trial.configuration.as_dict().items() if v is not None},
    }
    return yaml_text(values)


TRAIN_FILE = "train.messages.jsonl"


def export_study(
    paths: StudyPaths,
    form: str,
    to: Path | None,
    warn: Callable[[str], None] = lambda text: None,
    *,
    force: bool = False,
) -> dict[str, Path]:
    """Write one export. Returns the paths by name.

    Args:
        form: one of `export.FORMATS`.
        to: the folder; default `export/<form>` in the study folder. An earlier export there is replaced.
        warn: told, in the study's language, what may mislead.
        force: write into a folder that holds other files too, and replace those of the same names.

    Raises: UserError: an unknown format, nothing to merge in a simulated study, or a folder with files of others.
        NotFoundError: the study recommends nothing yet, or its adapter no longer exists. DiskFull, UnwritableFolder:
        it cannot be written.
    """
    if form not in FORMATS:
        raise UserError(
            "format: found {form!r}; must be one of {formats}. Choose one of them.",
            form=form,
            formats=", ".join(FORMATS),
        )
    study = read_study(paths)
    words, fact = study_words(study.spec), best_trial(study)
    if fact is None and study.conclusions.nothing_learned is not None:
        raise NotFoundError(words.refused_nothing_learned(str(paths.folder)))
    if fact is None:
        raise NotFoundError(words.refused_nothing_trained(str(paths.folder)))
    if form == "merged" and is_simulated(study.spec.engine):
        raise UserError(words.refused_simulated(study.spec.engine))
    if is_simulated(study.spec.engine):
        warn(plain_text(words.simulated(study.spec.engine)))
    adapter = paths.folder / "adapters" / str(fact.trial.id)
    rerun = shell_line(["tunebook", "rerun", str(paths.folder), str(fact.trial.id)])
    if form in ("peft", "merged") and not (adapter / "adapter_config.json").is_file():
        commands = bringing_commands(study.notes, paths.folder)
        if commands:
            raise NotFoundError(words.refused_adapter_elsewhere(fact.trial.id, str(paths.folder), commands))
        raise NotFoundError(words.refused_no_adapter(str(adapter), fact.trial.id, rerun))
    target = to or paths.folder / "export" / form
    texts = export_texts(form, _target(study, fact, adapter, paths))
    if to is not None and not force:
        _check_free(to, texts)
    written = {"folder": target}
    data = None if form in ("peft", "merged") else _training_data(study, paths)
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        if form == "peft":
            copy_adapter(adapter, target)
            _tell_simulated(study, target)
        elif form == "merged":
            _merge(study, paths, adapter, target)
            if _quantization(study) != NONE:
                warn(words.merged_from_quantised(_quantization(study)))
        if data is not None:
            written["training data"] = _written(target / TRAIN_FILE, data)
        for name, text in texts.items():
            written[name] = _written(target / name, text)
    return written


def _check_free(target: Path, texts: Iterable[str]) -> None:
    """Check that nothing of others is replaced: a folder that holds files must be an earlier export of that form, which
    is known by its texts, each of which names tunebook.

    Raises: UserError: it holds other files, or is a file.
    """
    if target.exists() and not target.is_dir():
        raise UserError("{target}: is a file; an export is a folder. Give another place with --to.", target=target)
    found = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    same = [name for name in texts if name in found]
    foreign = [name for name in same if b"tunebook" not in (target / name).read_bytes()]
    if foreign or (found and not same):
        raise UserError(
            "{target}: holds {name}, which tunebook did not write, and nothing is overwritten silently. Give another "
            "folder with --to, or --force.",
            target=target,
            name=(foreign or found)[0],
        )


def _target(study: StudyRead, fact: TrialFact, adapter: Path, paths: StudyPaths) -> ExportTarget:
    model, _, revision = study.spec.model.partition("@")
    return ExportTarget(
        study=study.spec.name,
        configuration=fact.trial.configuration,
        model=_loadable(model, paths),
        n_train=study.facts.data.n_train,
        revision=revision or None,
        seed=fact.trial.seed,
        targets=_targets(adapter),
        train_file=TRAIN_FILE,
        dtype=study.facts.model.get("dtype", "float32"),
        quantization=_quantization(study),
        quantised_folder=bool(study.facts.model.get("quantised_folder")),
        accuracy=_accuracy(study),
    )


def _loadable(model: str, paths: StudyPaths) -> str:
    """The model under a name that other tools can load, wherever they are started."""
    from tunebook.engines.base_model import BUILT_IN, BUILT_IN_HUB_ID

    folder = paths.base / model
    return BUILT_IN_HUB_ID if model == BUILT_IN else str(folder.resolve()) if folder.is_dir() else model


def _targets(adapter: Path) -> tuple[str, ...]:
    file = adapter / "adapter_config.json"
    if not file.is_file():
        return ()
    modules = json.loads(file.read_text(encoding="utf-8")).get("target_modules") or ()
    return tuple(sorted(modules)) if isinstance(modules, list) else ()


def _accuracy(study: StudyRead) -> str:
    words, best, nothing = study_words(study.spec), study.conclusions.best, study.conclusions.nothing_learned
    if is_simulated(study.spec.engine):
        return plain_text(words.simulated(study.spec.engine))
    if best is None:
        text = words.status_nothing_learned(nothing) if nothing is not None else ""
        return text[:1].upper() + text[1:]
    return words.exported_accuracy(best.corrected, best.corrected_interval)


def _merge(found: StudyRead, paths: StudyPaths, adapter: Path, target: Path) -> None:
    from tunebook.engines.base_model import load_tokenizer, resolve_model, stop_tokens
    from tunebook.engines.merge import merge

    base = resolve_model(found.spec.model, paths.base)
    stops = Encoder(load_tokenizer(base), stops=stop_tokens(base)).stop_ids
    dtype = found.facts.model.get("dtype", "float32")
    merge(base, adapter, target, dtype, stops=stops, quantization=_quantization(found))


def _quantization(study: StudyRead) -> str:
    """How the base model's weights were kept."""
    return str(study.facts.model.get("quantization") or NONE)


def _training_data(study: StudyRead, paths: StudyPaths) -> str:
    """The study's training rows as chat messages, in the study's order."""
    splits = read_splits(study.spec.data, study.spec.seed, paths.base)
    examples = ((example.messages, example.completion) for example in splits.train)
    return rows(examples, study.spec.data.system)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
