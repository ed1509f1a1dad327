"""How much of the audit's collection of records is read, and how much of that rightly.

    python -m benchmarks.audit_collection [FOLDER]

Each record of the folder has its right reading beside it, as NAME.yaml; tests/fixtures/audit_collection/README.md says
in which form. Prints precision (of what the audit read, how much is right) and recall (of what there is to read, how
much was read) of columns, cells, sentences and verdicts, and every difference.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tunebook.audit.judge import audit
from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.report import AuditReport
from tunebook.audit.judge.verdicts import Reason
from tunebook.audit.model import ClaimKind
from tunebook.audit.read import read_record
from tunebook.errors import RecordTableError

__all__ = ["COLLECTION", "Score", "meaning", "records_in", "score_record", "total"]

COLLECTION = Path(__file__).parents[1] / "tests" / "fixtures" / "audit_collection"
WHAT = ("columns", "cells", "sentences", "verdicts")
_SETTLED = ("factor", "effective_batch", "setting", "result", "other_result", "place", "trial", "change", "difference")


_CONTRADICTS = (
    Reason.CONTRADICTED, Reason.NOT_BEST, Reason.MIXED_SIGNS, Reason.NO_DIFFERENCE, Reason.DIFFERENCE_FOUND,
    Reason.MIXED_RUNS,
)  # fmt: skip
_FAILED = (Reason.FAILED, Reason.FEW_RUNS)
_OPEN = (Reason.CONFOUNDED, Reason.ORDER_UNKNOWN, Reason.OPEN_SIDE, Reason.SAME_TRAINING)


@dataclass
class Score:
    """Counts of one kind: read rightly, read wrongly, there to be read. `wrong` and `missed` name them."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        read = self.right + len(self.wrong)
        return self.right / read if read else 1.0

    @property
    def recall(self) -> float:
        known = self.right + len(self.missed)
        return self.right / known if known else 1.0


def records_in(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every record of a folder with its right reading."""
    yaml = YAML(typ="safe")
    for expected in sorted(folder.glob("*.yaml")):
        record = next(p for p in sorted(folder.glob(f"{expected.stem}.*")) if p.suffix != ".yaml")
        yield record, yaml.load(expected.read_text(encoding="utf-8")) or {}


def meaning(judged: Judged) -> str:
    """What a claim was read as, in one line: "levels lora_r 32 against 8 better"."""
    c = judged.claim
    said = {1: "better", -1: "worse", 0: "no difference"}[c.direction]
    if c.kind is ClaimKind.BOUNDARY:
        said = "at" if c.exact else "above" if c.direction > 0 else "below"
    elif c.no_more:
        said = "no better" if c.no_more > 0 else "no worse"
    elif c.kind in (ClaimKind.BEST_TRIAL, ClaimKind.BEST_LEVEL, ClaimKind.IMPORTANCE):
        said = ""
    parts = [c.kind.value, " > ".join(c.order) or c.factor or ""]
    parts.append(" to ".join(map(_plain, c.levels)) if c.is_range else ", ".join(map(_plain, c.levels)))
    if c.kind in (ClaimKind.TRIALS, ClaimKind.BEST_TRIAL):
        parts += [", ".join(c.trials), ", ".join(f"{n}={_plain(v)}" for n, v in c.values.items())]
    against = [*map(_plain, c.against), *(c.against_trials if c.kind is ClaimKind.TRIALS else ())]
    parts += [f"against {', '.join(against)}" if against else "", said]
    return " ".join(part for part in parts if part)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def score_record(record: Path, expected: dict[str, Any]) -> dict[str, Score]:
    """One record's scores, by what was read."""
    scores = {what: Score() for what in WHAT}
    try:
        hand = read_record(record.read_bytes(), record.name, expected.get("name_columns"))
    except RecordTableError as error:
        wanted = expected.get("refused")
        ok = wanted is not None and str(wanted) in str(error)
        scores["columns"].right += ok
        if not ok:
            scores["columns"].missed.append(f"{record.name}: refused ({error})")
            _score_refused(record, expected, scores)
        return scores
    if "refused" in expected:
        scores["columns"].wrong.append(f"{record.name}: read, and should be refused")
        return scores
    report = audit(hand, expected.get("examples"))
    _score_columns(record, report, expected, scores["columns"])
    _score_cells(record, report, expected, scores["cells"])
    _score_sentences(record, report, expected, scores["sentences"], scores["verdicts"])
    return scores


def _score_refused(record: Path, expected: dict[str, Any], scores: dict[str, Score]) -> None:
    """What there was to read in a record that was refused and should not be: all of it is missed."""
    name = record.name
    for label, values in expected.get("rows", {}).items():
        scores["cells"].missed += [f"{name}: {label}, {n} is {v}" for n, v in values.items() if v is not None]
    scores["columns"].missed += [f"{name}: {header} is {role}" for header, role in expected.get("columns", {}).items()]
    claims = [f"{name}:{c['line']}: {c['reads']}" for c in expected.get("claims", ())]
    scores["sentences"].missed += [*claims, *(f"{name}:{line}: too hard" for line in expected.get("too_hard", ()))]


def _score_columns(record: Path, report: AuditReport, expected: dict[str, Any], score: Score) -> None:
    wanted = {_in_words(str(header)): str(role) for header, role in expected["columns"].items()}
    found: dict[str, str] = {}
    for use in report.record.columns:
        if use.role in _SETTLED and use.header:
            found.setdefault(_in_words(use.header), use.factor or use.role)
    for header, role in found.items():
        if wanted.get(header) == role:
            score.right += 1
        else:
            score.wrong.append(f"{record.name}: {header} read as {role}, is {wanted.get(header)}")
    score.missed += [f"{record.name}: {header} is {role}" for header, role in wanted.items() if header not in found]


def _in_words(header: str) -> str:
    """A header with Greek letters as words: a label may write "α" or "alpha" for "$\\alpha$"."""
    return header.replace("α", "alpha").replace("η", "eta")


def _score_cells(record: Path, report: AuditReport, expected: dict[str, Any], score: Score) -> None:
    """Settings and results of every trial; `~` is a cell that says nothing sure, and must not be read."""
    rows: dict[str, dict[str, Any]] = {str(label): values for label, values in expected["rows"].items()}
    known = {t.label: t for t in report.table.trials}
    for label in known.keys() - rows.keys():
        score.wrong.append(f"{record.name}: {label} is no trial")
    for label, values in rows.items():
        trial = known.get(label)
        for name, value in values.items():
            where = f"{record.name}: {label}, {name}"
            found: object = None
            if trial is not None and name == "result":
                found = "failed" if trial.failed else trial.score.value if trial.score else None
            elif trial is not None and name in trial.extra:
                found = trial.extra[name]
            elif trial is not None and not trial.row.unknown and name in report.table.factors:
                found = trial.levels.get(name)
            if value is None and found is None:
                continue
            if found is None:
                score.missed.append(f"{where} is {value}")
            elif _same(found, value):
                score.right += 1
            else:
                score.wrong.append(f"{where} read as {found}, is {value}")


def _same(found: object, value: object) -> bool:
    if isinstance(found, int | float) and isinstance(value, int | float):
        return abs(found - value) <= 1e-9 + 1e-6 * abs(value)
    return found == value


def _score_sentences(
    record: Path, report: AuditReport, expected: dict[str, Any], sentences: Score, verdicts: Score
) -> None:
    """Claims by line. A line under `claims` that was not read, and each under `too_hard`, was there to be read."""
    wanted = [(int(c["line"]), str(c["reads"]), c) for c in expected.get("claims", ())]
    found = [(j.claim.line, meaning(j), j) for j in report.claims if j.claim.kind is not ClaimKind.UNREAD]
    listed = {j.claim.line for j in report.claims if j.claim.kind is ClaimKind.UNREAD}
    for line, said, judged in found:
        match = next((w for w in wanted if w[0] == line and _words(w[1]) == _words(said)), None)
        where = f"{record.name}:{line}: {said}"
        if match is None:
            sentences.wrong.append(where)
            continue
        wanted.remove(match)
        sentences.right += 1
        label = match[2]
        said = judged.verdict.value if "verdict" in label else _table_says(judged)
        if said == label.get("verdict", label.get("table", said)):
            verdicts.right += 1
        else:
            verdicts.wrong.append(f"{where}: {judged.verdict.value} ({judged.reason.value}), is {label}")
    sentences.missed += [f"{record.name}:{line}: {said}" for line, said, _ in wanted]
    for line in expected.get("too_hard", ()):
        sentences.missed.append(f"{record.name}:{line}: too hard" + ("" if line in listed else ", and not listed"))
        if line not in listed:
            sentences.wrong.append(f"{record.name}:{line}: claims something and is dropped")


def _words(said: str) -> list[str]:
    """What compares readings: the settings of a best trial may be given in any order."""
    words = said.casefold().replace(",", "").split()
    return sorted(words) if "=" in said else words


def _table_says(judged: Judged) -> str:
    """What the audit says that the printed numbers say: "agrees", "contradicts" or "open"."""
    if judged.claim.kind is ClaimKind.IMPORTANCE:
        return "open"
    if judged.reason in _CONTRADICTS:
        return "contradicts"
    if judged.claim.no_more and judged.deciding is not None:  # "no better": not higher in the table
        return "contradicts" if judged.deciding.effect * judged.claim.no_more > judged.deciding.doubt else "agrees"
    decided = judged.deciding is not None or judged.reason in _FAILED
    return "agrees" if decided and judged.claim.direction and judged.reason not in _OPEN else "open"


def total(folder: Path = COLLECTION) -> dict[str, Score]:
    """The whole folder's scores, by what was read."""
    sums = {what: Score() for what in WHAT}
    for record, expected in records_in(folder):
        for what, score in score_record(record, expected).items():
            sums[what].right += score.right
            sums[what].wrong += score.wrong
            sums[what].missed += score.missed
    return sums


def main() -> None:
    """Print the figures of a folder, and what they rest on."""
    parser = argparse.ArgumentParser(description="How much of a folder of records the audit reads, and how rightly.")
    parser.add_argument("folder", nargs="?", type=Path, default=COLLECTION)
    folder = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder; name one that holds records and their right reading (NAME.yaml)")
    print(f"{sum(1 for _ in records_in(folder))} records")
    for what, score in total(folder).items():
        read, known = score.right + len(score.wrong), score.right + len(score.missed)
        print(f"{what:10} precision {score.precision:6.1%} ({score.right} of {read})   "
              f"recall {score.recall:6.1%} ({score.right} of {known})")  # fmt: skip
        for line in score.wrong:
            print(f"    wrong  {line}")
        for line in score.missed:
            print(f"    missed {line}")


if __name__ == "__main__":
    main()
