"""What comes of one trial: as the engine gives it back, and judged."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.facts import Cost, Curve, Floats, Outcomes

__all__ = ["JudgedTrial", "RawScores", "RawTrial"]


@dataclass(frozen=True)
class RawScores:
    """What a model did on one split, before judging.

    Attributes:
        answers: generated token ids an example, without the stop token; for kind "choice" the index of the option.
        nll: summed negative log-likelihood of the gold completion, nats, shape (n,).
        n_label_tokens: label tokens an example, shape (n,), to turn sums into means.
        texts: the answers as text, from engines that have no token ids; `answers` is then empty.
    """

    answers: tuple[tuple[int, ...], ...] | tuple[int, ...]
    nll: Floats
    n_label_tokens: tuple[int, ...]
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawTrial:
    """What an engine gives back of a trial.

    Attributes:
        scores: by split; empty when training broke before it could be scored.
        broke_at_step: the step with a non-finite loss or gradient, or whose smoothed loss was above the limit of
            `core.divergence`; training stopped there. None: it ran to its end.
        reason: code of why it broke, from `core.divergence`.
    """

    id: int
    scores: dict[str, RawScores]
    curve: Curve
    cost: Cost
    broke_at_step: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class JudgedTrial:
    """A raw trial with its answers judged. `collapse` is the reason code when the answers show a collapsed model."""

    id: int
    outcomes: dict[str, Outcomes]
    curve: Curve
    cost: Cost
    broke_at_step: int | None = None
    reason: str | None = None
    collapse: str | None = None
