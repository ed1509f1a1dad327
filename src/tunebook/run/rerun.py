"""Trains a trial again from its ledger entry and says whether it reproduces."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunebook.core.facts import TrialFact
from tunebook.errors import NotFoundError
from tunebook.run.consent import require_confirmed
from tunebook.run.judging import as_fact
from tunebook.run.observer import Observer
from tunebook.run.place import StudyPlace
from tunebook.run.preparation import prepare
from tunebook.run.reading import read_study
from tunebook.run.runner import job_of
from tunebook.run.single import train_single

__all__ = ["Reproduction", "rerun_trial"]

LOSS_TOLERANCE = 1e-4
"""Largest relative difference of an example's negative log-likelihood that still counts as the same result."""


@dataclass(frozen=True)
class Reproduction:
    """A trial against its repetition.

    Attributes:
        states: state then and now.
        bit_for_bit: outcomes and adapter are identical.
        answers_differ: examples with another answer.
        largest_loss_difference: relative, over all examples; None without outcomes.
        adapter_equal: None where one of them is not there any more.
        changed_versions: libraries and devices that differ from when the study was created.
    """

    trial: int
    states: tuple[str, str]
    bit_for_bit: bool
    answers_differ: int
    n_examples: int
    largest_loss_difference: float | None
    adapter_equal: bool | None
    changed_versions: dict[str, tuple[str, str]]

    @property
    def reproduces(self) -> bool:
        """Same state, same answers, and likelihoods within the tolerance."""
        close = self.largest_loss_difference is None or self.largest_loss_difference <= LOSS_TOLERANCE
        return self.states[0] == self.states[1] and self.answers_differ == 0 and close

    def sentence(self) -> str:
        """What came of it, in a sentence or two."""
        if self.bit_for_bit:
            text = f"Trial {self.trial} reproduces bit for bit ({self.n_examples} examples, the adapter too)."
        elif self.reproduces:
            text = (
                f"Trial {self.trial} reproduces: the same {self.n_examples} answers; likelihoods differ by at most "
                f"{self.largest_loss_difference or 0:.1e} relative."
            )
        elif self.states[0] != self.states[1]:
            text = f"Trial {self.trial} differs: it was {self.states[0]}, now it is {self.states[1]}."
        else:
            text = (
                f"Trial {self.trial} differs: {self.answers_differ} of {self.n_examples} answers, likelihoods by up to "
                f"{self.largest_loss_difference or 0:.1e} relative."
            )
        if self.adapter_equal is False:
            text += " Its adapter is another one than the one that is kept."
        if self.changed_versions:
            named = ", ".join(f"{k} {a} -> {b}" for k, (a, b) in self.changed_versions.items())
            text += f" Changed since the study was created: {named}."
        return text


def rerun_trial(
    place: StudyPlace, trial_id: int, observer: Observer, trust_remote_code: bool, trust_study_code: bool = False
) -> Reproduction:
    """Train a finished trial again in a scratch folder; the ledger is only read.

    Raises: NotFoundError: no such trial, or it is not finished. TrialFailed: it cannot be trained now.
    """
    found = read_study(place)
    then = found.history.trials.get(trial_id)
    if then is None or not then.state.is_final:
        raise NotFoundError(
            f"{trial_id}: no finished trial of that number; this study has "
            f"{sum(f.state.is_final for f in found.history.trials.values())}. `tunebook status` shows them."
        )
    require_confirmed(found.spec, place, starts_program=True, trusted=trust_study_code)
    prepared = prepare(found.spec, place, trust_remote_code)
    reference = found.history.trials.get(0)
    untrained = reference.outcomes["validation"].loss if reference and "validation" in reference.outcomes else None
    with tempfile.TemporaryDirectory(prefix="tunebook-rerun-") as scratch:
        judged = train_single(prepared, job_of(then.trial, Path(scratch)), observer)
        now = as_fact(then.trial, judged, untrained)
        equal = _same_adapter(place.folder / "adapters" / str(trial_id), Path(scratch) / str(trial_id))
    return _compared(then, now, equal, prepared.changed_since(found.facts))


def _compared(
    then: TrialFact, now: TrialFact, adapter_equal: bool | None, changed: dict[str, tuple[str, str]]
) -> Reproduction:
    differ, total, largest, identical = 0, 0, 0.0, then.state == now.state
    for split, old in then.outcomes.items():
        new = now.outcomes.get(split)
        if new is None:  # it broke before it could be scored
            identical = False
            continue
        total += len(old.scores)
        differ += sum(a != b for a, b in zip(old.answers, new.answers, strict=True))
        scale = np.maximum(np.abs(old.nll), 1e-6)
        with np.errstate(invalid="ignore"):
            gaps = np.abs(new.nll - old.nll) / scale
        largest = max(largest, float(np.nan_to_num(gaps, nan=0.0).max(initial=0.0)))
        identical = identical and np.array_equal(old.nll, new.nll, equal_nan=True) and old.answers == new.answers
    return Reproduction(
        then.trial.id,
        (str(then.state), str(now.state)),
        identical and adapter_equal is not False,
        differ,
        total,
        largest if total else None,
        adapter_equal,
        changed,
    )


def _same_adapter(old: Path, new: Path) -> bool | None:
    files = [folder / "adapter_model.safetensors" for folder in (old, new)]
    if not all(path.is_file() for path in files):
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        a, b = (load(path.read_bytes()) for path in files)
    except SafetensorError:  # damaged since it was written
        return False
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
