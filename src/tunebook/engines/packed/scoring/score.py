"""Scores several adapters on a split: greedy answers or choices, and the gold completion's likelihood, nearly for free.

The common beginning of all prompts runs once for each adapter. Each example then branches off it: the rest of its
prompt and the gold completion go through in one pass, which gives the likelihood, and with it the greedy answer as far
as it agrees with the gold one. Only answers that part from it are written on token by token, many of them together:
those that are complete leave, and further groups of examples bring new ones.
For a choice every option is a branch of the same pass, and nothing is generated.

Groups of examples are spread over the lanes that are idle, a window of them at a time. What is computed for an adapter
depends on the examples alone, not on the adapters beside it nor on the lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tunebook.core.facts import Floats
from tunebook.core.ports import RawScores, Scoring, ScoringPart, TokenizedExample
from tunebook.core.trial_result import PartialScores
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.generation import Begun, Writing, accepted
from tunebook.engines.packed.scoring.group_attention import GroupAttention, KeyValue
from tunebook.engines.packed.scoring.passes import Reading, SlotRows, read_head, run_rows
from tunebook.engines.packed.scoring.scoring_groups import Group, Path, group_of, groups_of, paths_of, shared_prompt
from tunebook.engines.packed.spread import Spread, one_by_one

__all__ = ["ScoringLimits", "losses", "score", "score_part"]

OnBatch = Callable[[float], None]
"""Told the share done after every forward; may raise to leave."""
SMALLEST_ROWS = 32
WINDOW = 4
"""Groups that are spread together; between windows it is looked whether answers are to be written on."""


@dataclass(frozen=True)
class ScoringLimits:
    """What bounds the memory of scoring.

    Attributes:
        rows: computed tokens of a forward (one long example may have more).
        held_rows: tokens whose keys and values the unfinished answers of all adapters may come to hold; with more of
            them answers are written before the next window (which may still add its own).
        answers: likewise how many answers are unfinished; so many are written together as long as there are examples.
    """

    rows: int = 512
    held_rows: int = 16384
    answers: int = 128

    def halved(self) -> ScoringLimits | None:
        """Half of each, or None where less would not help."""
        if self.rows <= SMALLEST_ROWS:
            return None
        return ScoringLimits(self.rows // 2, self.held_rows // 2, max(1, self.answers // 2))


CPU_LIMITS = ScoringLimits()
"""512 rows reach the multiply rate of a CPU within its caches, 128 nine tenths of it; 16384 rows are 755 MB with
SmolLM2-135M."""
GPU_LIMITS = ScoringLimits(rows=8192, held_rows=1 << 20, answers=512)


@torch.inference_mode()
def score(
    packed: PackedModel,
    adapters: Sequence[Adapter | None],
    examples: Sequence[TokenizedExample],
    scoring: Scoring,
    on_batch: OnBatch = lambda share: None,
    spread: Spread = one_by_one,
    limits: ScoringLimits | None = None,
) -> list[RawScores]:
    """Answers and likelihoods of a whole split, for each adapter (None: the base model alone).

    Args:
        on_batch: told the share done after every forward; may raise to leave. Called by the thread that computed.
        spread: computes groups of examples.
        limits: bounds of memory; None: those of the model's device.

    Returns: one RawScores an adapter, examples in their own order.
    """
    walk = _Pass(packed, adapters, examples, scoring, on_batch, spread, limits)
    return [slot.result(scoring, range(len(examples))) for slot in walk.run()]


@torch.inference_mode()
def score_part(
    packed: PackedModel,
    adapters: Sequence[Adapter | None],
    examples: Sequence[TokenizedExample],
    scoring: Scoring,
    part: ScoringPart,
    on_batch: OnBatch = lambda share: None,
    spread: Spread = one_by_one,
    limits: ScoringLimits = ScoringLimits(),
) -> list[PartialScores]:
    """What `score` would find of one part of a split's groups; all parts together have each example once.

    Args: as for `score`; `examples` is the whole split.
    """
    limits = replace(limits, rows=part.rows)
    walk = _Pass(packed, adapters, examples, scoring, on_batch, spread, limits, part)
    slots = walk.run()
    return [PartialScores(walk.scored, slot.result(scoring, walk.scored)) for slot in slots]


@torch.inference_mode()
def losses(
    packed: PackedModel,
    adapters: Sequence[Adapter | None],
    examples: Sequence[TokenizedExample],
    on_batch: OnBatch = lambda share: None,
    spread: Spread = one_by_one,
    limits: ScoringLimits | None = None,
) -> list[Floats]:
    """Summed negative log-likelihood of each example's gold completion, nats, for each adapter. Generates nothing."""
    return [slot.nll[:, -1] for slot in _Pass(packed, adapters, examples, None, on_batch, spread, limits).run()]


class _Slot:
    """What is known of one adapter so far. `nll`: by example and continuation, the gold one last."""

    def __init__(self, adapter: Adapter | None, examples: Sequence[TokenizedExample], n_continuations: int) -> None:
        self.adapter = adapter
        self.shared: list[KeyValue] | None = None
        self.nll = np.zeros((len(examples), n_continuations))
        self.answers: dict[int, tuple[int, ...]] = {}
        self._examples = examples

    def result(self, scoring: Scoring, of: Sequence[int]) -> RawScores:
        """The scores of some examples, in this order."""
        n_label_tokens = tuple(len(self._examples[index].completion_ids) for index in of)
        nll = self.nll[np.asarray(of, dtype=np.int64)]
        gold = nll[:, -1]
        if scoring.kind == "likelihood":
            return RawScores((), gold, n_label_tokens)
        if scoring.kind != "choice":
            return RawScores(tuple(self.answers[index] for index in of), gold, n_label_tokens)
        options = nll[:, :-1]
        if scoring.per_token:
            options = options / np.array([len(choice) for choice in scoring.choices])
        chosen = tuple(int(best) for best in np.argmin(options, axis=1))
        return RawScores(chosen, gold, n_label_tokens)


class _Pass:
    """One walk over the examples, or over a part of them.

    Attributes:
        scored: the examples that were walked over.
    """

    def __init__(
        self, packed: PackedModel, adapters: Sequence[Adapter | None], examples: Sequence[TokenizedExample],
        scoring: Scoring | None, on_batch: OnBatch, spread: Spread, limits: ScoringLimits | None,
        part: ScoringPart | None = None,
    ) -> None:  # fmt: skip
        self._part = part or ScoringPart(0, 1, 0)
        self.scored: tuple[int, ...] = ()
        self._packed, self._examples, self._scoring = packed, examples, scoring
        self._on_batch, self._spread = on_batch, spread
        self._limits = limits or (GPU_LIMITS if packed.device.type == "cuda" else CPU_LIMITS)
        self._generates = scoring is not None and scoring.kind == "generate"
        n_options = len(scoring.choices) if scoring is not None and scoring.kind == "choice" else 0
        self._slots = [_Slot(adapter, examples, n_options + 1) for adapter in adapters]
        self._prompt = shared_prompt(examples)
        self._rows, self._rows_done = 1, list[int]()  # a list, as lanes add to it side by side

    def run(self) -> list[_Slot]:
        if not self._examples or not self._slots:
            return self._slots
        if self._prompt:
            self._run_prompt()
        paths = paths_of(self._examples, self._scoring, len(self._prompt))
        part, rows = self._part, self._limits.rows
        groups = groups_of(paths, len(self._prompt), rows, self._packed.device, part.index, part.of)
        self.scored = tuple(sorted(path.example for group in groups for path in group.paths))
        self._rows = sum(group.n_rows for group in groups)
        writing = self._writing()
        for start in range(0, len(groups), WINDOW):
            for found in self._spread(self._run_group, groups[start : start + WINDOW]):
                for index, begun in enumerate(found):
                    writing.add(index, begun)
            while writing.n_answers >= self._limits.answers or writing.n_rows > self._limits.held_rows:
                self._step(writing)
        while writing.n_answers:
            self._step(writing)
        for slot, answers in zip(self._slots, writing.done, strict=True):
            slot.answers = answers
        return self._slots

    def _step(self, writing: Writing) -> None:
        self._tell()
        writing.step()

    def _writing(self) -> Writing:
        adapters, shared = [slot.adapter for slot in self._slots], [slot.shared for slot in self._slots]
        return Writing(self._packed, adapters, shared, len(self._prompt), self._scoring or Scoring("likelihood"))

    def _tell(self, rows: int = 0) -> None:
        self._rows_done.append(rows)
        self._on_batch(sum(self._rows_done) / self._rows)

    def _run_prompt(self) -> None:
        n = len(self._prompt)
        path = Path(0, self._prompt, tuple(range(-1, n - 1)), n, ())
        group = group_of([path], 0, self._packed.device)  # nothing of it is read, its keys and values are kept
        for batch in self._batches(n):
            _, attention = self._forward(group, self._slots[batch])
            for k, slot in enumerate(self._slots[batch]):
                rows = slice(k * n, (k + 1) * n)
                slot.shared = [(layer[0][:, rows].contiguous(), layer[1][:, rows].contiguous())
                               for layer in attention.kept if layer is not None]  # fmt: skip

    @torch.inference_mode()
    def _run_group(self, group: Group) -> list[Begun]:
        """Run a group for every adapter; gives each one's answers, finished or not, if any are wanted."""
        begun = []
        for batch in self._batches(group.n_rows):
            hidden, attention = self._forward(group, self._slots[batch])
            n_read = len(group.label_rows)
            for k, slot in enumerate(self._slots[batch]):
                reading = self._read(group, hidden[k * n_read : (k + 1) * n_read], slot)
                if self._generates:
                    begun.append(self._begun(group, reading, k * group.n_rows, attention))
        self._tell(group.n_rows)
        return begun

    def _batches(self, n_rows: int) -> list[slice]:
        """Which adapters go through one forward together."""
        size = max(1, self._limits.rows // n_rows)
        return [slice(start, start + size) for start in range(0, len(self._slots), size)]

    def _forward(self, group: Group, slots: Sequence[_Slot]) -> tuple[Tensor, GroupAttention]:
        rows = [SlotRows(slot.adapter, group.tokens, group.positions) for slot in slots]
        attention = GroupAttention(group, [slot.shared for slot in slots], self._packed.n_layers)
        return run_rows(self._packed, rows, attention, group.label_rows), attention

    def _read(self, group: Group, hidden_MD: Tensor, slot: _Slot) -> Reading:
        """Take what one adapter's label rows of a group say."""
        _, _, labels, tokens = zip(*group.wanted, strict=True)
        reading = read_head(self._packed, hidden_MD, labels, tokens, self._generates)
        examples = [group.paths[k].example for k, _, _, _ in group.wanted]
        np.add.at(slot.nll, (examples, [continuation for _, continuation, _, _ in group.wanted]), reading.nll)
        return reading

    def _begun(self, group: Group, reading: Reading, start: int, attention: GroupAttention) -> Begun:
        """The answers of one adapter, whose first row in the forward is `start`."""
        assert reading.greedy is not None
        assert self._scoring is not None
        greedy: list[list[int]] = [[] for _ in group.paths]
        for k, _, label, _ in group.wanted:
            greedy[k].append(reading.greedy[label])
        done, unfinished, known = {}, [], []
        for path, rows, tokens in zip(group.paths, group.path_rows, greedy, strict=True):
            answer, complete = accepted(self._examples[path.example].completion_ids, tokens, self._scoring)
            if complete:
                done[path.example] = tuple(answer)
            else:
                unfinished.append((path.example, answer))
                known.append(np.array(rows[: path.n_tail + len(answer) - 1], dtype=np.int64))
        if not unfinished:
            return Begun(done, (), (), ())
        needed = np.unique(np.concatenate(known))
        index = torch.from_numpy(needed + start).to(self._packed.device)
        layers = [(layer[0].index_select(1, index), layer[1].index_select(1, index))
                  for layer in attention.kept if layer is not None]  # fmt: skip
        return Begun(done, unfinished, [np.searchsorted(needed, rows) for rows in known], layers)
