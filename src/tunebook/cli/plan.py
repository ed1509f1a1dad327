"""`tunebook plan`: what would run, why, how long, how much memory, what can be detected. Spends nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tunebook.cli.consent import ask_for_code
from tunebook.cli.options import Folder, Json, StudyArgument, TrustRemoteCode, TrustStudyCode
from tunebook.cli.output import messages, print_json, results
from tunebook.escaping import shell_line

if TYPE_CHECKING:
    from tunebook.core.study import Cut, Fold, Trial
    from tunebook.run.plan import StudyPlan

EXAMPLE = "Example: tunebook plan study.yaml"
GIB = 2**30

REASONS = {
    "batch_split": "only batch size x accumulation acts",
    "gradient_checkpointing": "recomputing activations changes memory and time, never the result",
    "max_length": "no example is longer",
    "rslora": "rsLoRA is another way to write alpha",
    "warmup": "this schedule has no such warm-up",
    "checkpoint": "an earlier point of a longer trial",
}
CUTS = {
    "bracket_ends": "ends of the learning-rate bracket",
    "bracket": "the whole learning-rate bracket",
    "middle_levels": "levels in the middle",
    "minor_boundary": "boundary of minor factors",
    "second_seeds": "second seeds",
    "baseline_seeds": "baseline seeds",
    "whole_round": "a whole round",
    "end_levels": "levels at the ends",
    "factors": "whole factors",
    "rows": "rows of the table",
    "cheapest": "the cheapest candidate in confirm",
    "confirm_seeds": "further seeds in confirm",
}


def plan(
    study: StudyArgument,
    folder: Folder = None,
    every: Annotated[bool, typer.Option("--trials", help="List every trial of the next part.")] = False,
    trust_remote_code: TrustRemoteCode = False,
    trust_study_code: TrustStudyCode = False,
    as_json: Json = False,
) -> None:
    """Show what would run, why, how long, how much memory, and what can be detected. Trains nothing."""
    from tunebook.api import Study

    opened = Study.load(study, folder, trust_remote_code, trust_study_code)
    ask_for_code(opened, starts_program=False)
    messages().print("Checking data and model; before a study's first run this machine is measured too (some seconds).")
    found = opened.plan()
    if as_json:
        print_json(found)
    else:
        _show(found, every, results())


def _show(p: StudyPlan, every: bool, console: Console) -> None:
    for line in _opening(p):
        console.print(Text(line))
    for warning in p.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))
    console.print()
    if p.wave is None and not p.outlook.rounds:
        console.print("Nothing is left to do; a larger budget would go on from here.")
        return
    console.print(_rounds(p))
    if p.wave and p.wave.trials:
        console.print(Text(f"\nNext: {_purposes(p.wave.trials)}."))
        if every:
            console.print(_trials(p))
    for text in (*map(_fold, p.outlook.folds), *map(_cut, p.outlook.cuts)):
        console.print(Text(text))
    for line in _closing(p):
        console.print(Text(line))


def _opening(p: StudyPlan) -> list[str]:
    d, s = p.data, p.summary
    program = [f"program: {shell_line(p.spec.command)}"] if p.spec.command else []
    lines = [
        f"study {p.spec.name}: model {p.spec.model}, engine {p.spec.engine}, metric {p.spec.metric}",
        *program,
        f"data: {d.n_train} training, {d.n_validation} validation, {d.n_test or 'no'} test examples"
        + (f" (format {s['format']})" if s.get("format") else ""),
    ]
    if d.mean_tokens is not None and d.longest_tokens is not None:
        lines.append(f"lengths: {d.mean_tokens:.0f} tokens a training example on average, longest {d.longest_tokens}")
    return lines


def _rounds(p: StudyPlan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("round")
    table.add_column("trials", justify="right")
    table.add_column("comparisons", justify="right")
    table.add_column("sees differences of")
    for each in p.outlook.rounds:
        smallest = each.smallest_detectable_effect
        seen = f"{100 * smallest:.1f} points or more" if smallest is not None else ""
        table.add_row(str(each.kind), f"<= {each.n_trials}", str(each.n_comparisons or ""), seen)
    return table


def _purposes(trials: tuple[Trial, ...]) -> str:
    counts = Counter(str(trial.purpose) for trial in trials)
    return ", ".join(f"{n} {purpose}" for purpose, n in counts.items())


def _trials(p: StudyPlan) -> Table:
    assert p.wave is not None
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("trial", "purpose", "changed from the baseline", "seed"):
        table.add_column(heading)
    for trial in p.wave.trials:
        changes = trial.configuration.changes_from(p.spec.baseline)
        text = ", ".join(f"{name}={_value(new)}" for name, (_, new) in changes.items())
        table.add_row(str(trial.id), str(trial.purpose), text, str(trial.seed))
    return table


def _fold(fold: Fold) -> str:
    why = "; ".join(REASONS.get(reason, reason) for reason in fold.reasons)
    level = f"{fold.factor}={_value(fold.configuration.as_dict()[fold.factor])}" if fold.factor else "a configuration"
    return f"folded: {level} is not trained again ({why}); saves {fold.saved_trials} trials"


def _cut(cut: Cut) -> str:
    factors = f" ({', '.join(cut.factors)})" if cut.factors else ""
    return f"cut, the budget does not allow it: {CUTS.get(cut.code, cut.code)}{factors}: {cut.count} trials"


def _closing(p: StudyPlan) -> list[str]:
    lines = []
    if p.outlook.smallest_margin is not None:
        smallest, margin = p.outlook.smallest_margin, p.spec.margin
        lines.append(f"smallest margin that could be shown equivalent: {100 * smallest:.1f} points")
        if margin < smallest:
            lines.append(
                f"your margin of {100 * margin:.1f} points is below that: this study can show nothing equivalent or "
                "as good; more validation examples or seeds would"
            )
    whole = p.outlook.detectable_without_cuts
    # leaving out levels can make the rest more sensitive; then the cuts cost questions, not sensitivity
    if whole is not None and p.outlook.cuts and whole < (_first_effect(p) or 0):
        lines.append(
            f"without the cuts ({p.outlook.wanted_trials} trials) explore would see differences of "
            f"{100 * whole:.1f} points"
        )
    if p.calibration is not None:
        slots = int(p.calibration.values.get("slots", 1))
        trials = "one trial" if slots == 1 else f"{slots} trials at a time"
        lines.append(
            f"memory: about {p.next_cost.peak_bytes / GIB:.1f} GiB for {trials}, {p.memory_bytes / GIB:.1f} GiB free"
        )
        if p.next_cost.peak_bytes > p.memory_bytes:
            lines.append(
                "that is more than is free: trials would fail for want of memory; close other programs, lower "
                "max_length or lora_r, or take a smaller model"
            )
        lines.append(_payer(p))
    return lines


def _payer(p: StudyPlan) -> str:
    """The one line for the person who pays."""
    first = _first_effect(p)
    finds = f"; it finds differences of {100 * first:.1f} points or more" if first else ""
    one, here = p.total_cost.one_by_one_seconds, p.total_cost.seconds
    return f"One after another this would take {_time(one)}; here about {_time(here)}{finds}."


def _first_effect(p: StudyPlan) -> float | None:
    """Smallest detectable effect of the first round that compares anything."""
    return next((r.smallest_detectable_effect for r in p.outlook.rounds if r.smallest_detectable_effect), None)


def _time(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
