"""Round table: the user's own configurations, each against the baseline."""

from __future__ import annotations

from tunebook.core.configuration import Configuration
from tunebook.core.planning.board import Board
from tunebook.core.planning.design import BASELINE_SEEDS_LEAST
from tunebook.core.planning.draft import Draft
from tunebook.core.planning.explore import level_label
from tunebook.core.planning.folds import fold_of, with_checkpoint_folds
from tunebook.core.planning.seeds import SeedUse, seed_numbers
from tunebook.core.study import Purpose, RoundKind, Wave

__all__ = ["changed_factor", "table_wave"]


def table_wave(board: Board, round_number: int) -> Wave:
    """Every row with the study's seeds, or with fewer, or only the first rows, as the share allows."""
    ground = board.ground
    room = board.allowance(RoundKind.TABLE)
    draft = Draft(board, RoundKind.TABLE, round_number, 1, room)
    rows = _distinct_rows(draft)
    n_seeds, n_baseline, n_rows = _fit(board, len(rows), draft)
    baseline = draft.replicates(
        ground.spec.baseline, seed_numbers(ground.spec.seed, SeedUse.CLAIM, n_baseline), Purpose.BASELINE
    )
    seeds = seed_numbers(ground.spec.seed, SeedUse.CLAIM, n_seeds)
    for number, configuration in rows[:n_rows]:
        factor = changed_factor(configuration, ground.spec.baseline, ground.spec.alpha_rule)
        label = f"row {number}" if factor is None else level_label(factor, getattr(configuration, factor))
        draft.contrast(draft.replicates(configuration, seeds, Purpose.TABLE, factor), baseline, label, factor)
    return with_checkpoint_folds(draft.wave())


def changed_factor(configuration: Configuration, baseline: Configuration, alpha_rule: str) -> str | None:
    """The one factor in which a configuration differs from the baseline, alpha following the rank; else None."""
    changed = set(configuration.changes_from(baseline))
    follows = abs(configuration.lora_alpha * baseline.lora_r - baseline.lora_alpha * configuration.lora_r) < 1e-9
    if alpha_rule == "proportional" and follows and {"lora_r", "lora_alpha"} <= changed:
        changed.discard("lora_alpha")
    return changed.pop() if len(changed) == 1 else None


def _distinct_rows(draft: Draft) -> list[tuple[int, Configuration]]:
    """The rows (numbered from 1) that are neither the baseline nor another row in other words; the rest are folds."""
    ground = draft.board.ground
    seen = {ground.effective(ground.spec.baseline): ground.spec.baseline}
    rows = []
    for number, configuration in enumerate(ground.table, start=1):
        effective = ground.effective(configuration)
        if effective not in seen:
            seen[effective] = configuration
            rows.append((number, configuration))
        elif configuration != seen[effective]:
            saved = ground.spec.seeds.configuration
            draft.folds.append(fold_of(ground, configuration, seen[effective], saved))
    return rows


def _fit(board: Board, n_rows: int, draft: Draft) -> tuple[int, int, int]:
    """Seeds a row, seeds of the baseline, and rows, cut in this order: second seeds, baseline seeds, last rows."""
    spec = board.ground.spec
    n_seeds, n_baseline, rows = spec.seeds.configuration, spec.seeds.baseline, n_rows
    seconds = board.seconds(spec.baseline)

    def covered() -> bool:
        n = n_seeds * rows + n_baseline
        return draft.room.covers(n, n * seconds)

    while n_seeds > 1 and not covered():
        n_seeds -= 1
    while n_baseline > BASELINE_SEEDS_LEAST and not covered():
        n_baseline -= 1
    while rows > 1 and not covered():
        rows -= 1
    for code, count in (
        ("second_seeds", (spec.seeds.configuration - n_seeds) * n_rows),
        ("baseline_seeds", spec.seeds.baseline - n_baseline),
        ("rows", (n_rows - rows) * n_seeds),
    ):
        if count:
            draft.cut(code, count)
    return n_seeds, n_baseline, rows
