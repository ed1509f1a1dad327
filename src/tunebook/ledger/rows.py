"""Converts core values to table rows and back. Knows nothing of transactions, locks or states.

Everything read is checked against its checksum, so a value returned from here is the value that was written.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Table, delete, insert, select

from tunebook.core.facts import (
    Cost,
    Curve,
    ExampleText,
    Floats,
    Outcomes,
    StudyFacts,
    TrialFact,
)
from tunebook.core.findings import Finding
from tunebook.core.study import StudySpec, Trial, TrialState, Wave
from tunebook.ledger.blob import pack, unpack
from tunebook.ledger.codec import CodecError, decode, encode
from tunebook.ledger.digest import Row, check_row, damaged, examples_digest, result_digest, sealed_row
from tunebook.ledger.earlier import spec_text, trial_text, with_typed_decisions
from tunebook.ledger.schema import (
    examples,
    findings,
    results,
    scored_splits,
    studies,
    trials,
    waves,
)

__all__ = [
    "PreparedResult",
    "decoded",
    "decoded_spec",
    "decoded_trial",
    "forget_findings",
    "forget_result",
    "insert_findings",
    "insert_many",
    "insert_results",
    "insert_study",
    "insert_wave",
    "prepared_result",
    "read_facts",
    "read_findings",
    "read_trial_facts",
    "read_waves",
    "study_row",
    "wave_text",
]

T = TypeVar("T")


def decoded(hint: type[T], text: str, place: str) -> T:
    """`codec.decode`, but damaged text raises LedgerDamaged."""
    try:
        return decode(hint, text)
    except CodecError as error:
        raise damaged(place, str(error)) from error


def decoded_spec(text: str, place: str) -> StudySpec:
    """A study, of this or an earlier version."""
    return decoded(StudySpec, spec_text(text), place)


def decoded_trial(text: str, place: str) -> Trial:
    """A trial's definition, of this or an earlier schema."""
    return decoded(Trial, trial_text(text), place)


# --- the study ---------------------------------------------------------------------------------------------------


def study_row(spec: StudySpec, facts: StudyFacts, version: str, now: float) -> dict[str, Any]:
    """The row of a study. Its examples have their own rows; `facts` keeps the names of their splits, and further right
    answers."""
    splits: dict[str, tuple[ExampleText, ...]] = {split: () for split in facts.examples}
    references = {
        split: tuple(example.references for example in of_split)
        for split, of_split in facts.examples.items()
        if any(example.references for example in of_split)
    }
    tests = {
        split: tuple(example.tests for example in of_split)
        for split, of_split in facts.examples.items()
        if any(example.tests for example in of_split)
    }
    values = {
        "name": spec.name,
        "spec": encode(spec),
        "facts": encode(replace(facts, examples=splits, references=references, tests=tests)),
        "examples_digest": examples_digest(facts.examples),
        "tunebook_version": version,
        "created_at": now,
    }
    return sealed_row(studies, values)


def insert_study(connection: Connection, row: Row, facts: StudyFacts) -> int:
    """Write a study with its examples. Returns its number."""
    study_id = int(connection.execute(insert(studies).values(row).returning(studies.c.id)).scalar_one())
    insert_many(
        connection,
        examples,
        [
            {
                "study_id": study_id,
                "split": split,
                "position": position,
                "example_index": example.index,
                "prompt": example.prompt,
                "gold": example.gold,
                "group_name": example.group,
            }
            for split, of_split in facts.examples.items()
            for position, example in enumerate(of_split)
        ],
    )
    return study_id


def read_facts(connection: Connection, row: Row, place: str) -> StudyFacts:
    """A study's facts with its examples."""
    facts = decoded(StudyFacts, row["facts"], place)
    texts: dict[str, list[ExampleText]] = {split: [] for split in facts.examples}
    asked = select(examples).where(examples.c.study_id == row["id"]).order_by(examples.c.split, examples.c.position)
    for e in connection.execute(asked):
        texts.setdefault(e.split, []).append(ExampleText(e.example_index, e.prompt, e.gold, e.group_name))
    by_split = {split: tuple(of_split) for split, of_split in texts.items()}
    for split, others in facts.references.items():
        if len(others) != len(by_split.get(split, ())):
            raise damaged(place, f"facts: the references of {split} are not as many as its examples")
        by_split[split] = tuple(replace(e, references=r) for e, r in zip(by_split[split], others, strict=True))
    for split, texts_of in facts.tests.items():
        if len(texts_of) != len(by_split.get(split, ())):
            raise damaged(place, f"facts: the tests of {split} are not as many as its examples")
        by_split[split] = tuple(replace(e, tests=t) for e, t in zip(by_split[split], texts_of, strict=True))
    if examples_digest(by_split) != row["examples_digest"]:
        raise damaged(place, "table examples: the checksum does not match")
    return replace(facts, examples=by_split, references={}, tests={})


# --- waves and trials --------------------------------------------------------------------------------------------


def wave_text(wave: Wave) -> str:
    """A wave's definition as JSON. Its trials have their own rows and are listed by id."""
    return encode({"wave": replace(wave, trials=()), "trials": [trial.id for trial in wave.trials]})


def insert_wave(connection: Connection, study_id: int, wave: Wave, position: int, now: float) -> None:
    """Write a wave and its trials, all in state planned."""
    own = {
        "study_id": study_id,
        "round_number": wave.round,
        "number": wave.number,
        "position": position,
        "definition": wave_text(wave),
        "planned_at": now,
    }
    connection.execute(insert(waves).values(sealed_row(waves, own)))
    insert_many(connection, trials, [_trial_row(study_id, wave, trial) for trial in wave.trials])


def _trial_row(study_id: int, wave: Wave, trial: Trial) -> dict[str, Any]:
    values = {
        "study_id": study_id,
        "id": trial.id,
        "round_number": wave.round,
        "wave_number": wave.number,
        "purpose": trial.purpose.value,
        "effective_key": trial.effective.key,
        "seed": trial.seed,
        "definition": encode(trial),
        "state": TrialState.PLANNED.value,
    }
    # name every column: all rows of one statement must have the same ones
    every = {column.name: values.get(column.name) for column in trials.columns if column.name != "digest"}
    return sealed_row(trials, every)


def read_waves(
    connection: Connection, study_id: int, all_trials: Mapping[int, Trial], place: str, only: int | None = None
) -> tuple[Wave, ...]:
    """Every wave in the order of planning, with its trials; or only the one at a position."""
    asked = select(waves).where(waves.c.study_id == study_id).order_by(waves.c.position)
    waves_read = []
    for row in connection.execute(asked if only is None else asked.where(waves.c.position == only)).mappings():
        check_row(waves, row, place)
        parts = decoded(dict[str, Any], row["definition"], place)
        missing = [number for number in parts["trials"] if number not in all_trials]
        if missing:
            raise damaged(place, f"table trials: trial {missing[0]} of round {row['round_number']} is missing")
        wave = with_typed_decisions(decoded(Wave, encode(parts["wave"]), place))
        waves_read.append(replace(wave, trials=tuple(all_trials[number] for number in parts["trials"])))
    return tuple(waves_read)


# --- results -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PreparedResult:
    """A result as it is written.

    Attributes:
        columns: those of `trials` that it fills.
        content: its curve and outcomes as one value; summaries: its row of `scored_splits` for each split.
    """

    trial_id: int
    columns: dict[str, Any]
    content: bytes
    summaries: tuple[dict[str, Any], ...]


def prepared_result(fact: TrialFact) -> PreparedResult:
    """A result's columns, content and means by split: all that can be computed before the transaction begins."""
    columns = {
        "diverged_step": fact.diverged_step,
        "reason": fact.reason,
        "cost": encode(fact.cost),
        "result_digest": result_digest(fact.curve, fact.outcomes),
    }
    summaries = tuple(
        {
            "split": split,
            "n_examples": len(of_split.scores),
            "has_answers": bool(of_split.answers),
            "accuracy": _mean(of_split.scores),
            "loss": _mean(of_split.nll),
        }
        for split, of_split in fact.outcomes.items()
    )
    content = pack(fact.curve, fact.outcomes)
    return PreparedResult(trial_id=fact.trial.id, columns=columns, content=content, summaries=summaries)


def insert_results(connection: Connection, study_id: int, prepared: Sequence[PreparedResult]) -> None:
    """Write curves and outcomes of several trials, and their means by split."""
    keys = [{"study_id": study_id, "trial_id": each.trial_id} for each in prepared]
    insert_many(
        connection, results, [{**key, "content": each.content} for key, each in zip(keys, prepared, strict=True)]
    )
    of_splits = [{**key, **own} for key, each in zip(keys, prepared, strict=True) for own in each.summaries]
    insert_many(connection, scored_splits, of_splits)


def forget_result(connection: Connection, study_id: int, trial_id: int) -> None:
    """Delete the result of a failed trial before it is tried again."""
    for table in (results, scored_splits):
        connection.execute(delete(table).where(table.c.study_id == study_id, table.c.trial_id == trial_id))


def _mean(values: Floats) -> float | None:
    return float(np.mean(values)) if len(values) else None


def read_trial_facts(
    connection: Connection,
    study_id: int,
    place: str,
    known: Mapping[int, tuple[str, TrialFact]],
    only: int | None = None,
) -> dict[int, tuple[str, TrialFact]]:
    """Every trial with its result, ordered by id, each with its row's checksum.

    Args:
        known: facts read earlier; rows whose checksum has not changed are not read again.
        only: id of the one trial to read, so that damage to others does not matter.
    """
    asked = select(trials).where(trials.c.study_id == study_id).order_by(trials.c.id)
    rows = connection.execute(asked if only is None else asked.where(trials.c.id == only)).mappings().all()
    for row in rows:
        check_row(trials, row, place)
    fresh = {row["id"] for row in rows if row["id"] not in known or known[row["id"]][0] != row["digest"]}
    finished = {row["id"] for row in rows if row["id"] in fresh and TrialState(row["state"]).is_final}
    read = _read_results(connection, study_id, finished, place)
    return {
        row["id"]: (row["digest"], _trial_fact(row, read, place)) if row["id"] in fresh else known[row["id"]]
        for row in rows
    }


def _trial_fact(row: Row, read: Mapping[int, tuple[Curve, dict[str, Outcomes]]], place: str) -> TrialFact:
    trial, state = decoded_trial(row["definition"], place), TrialState(row["state"])
    if not state.is_final:
        return TrialFact(trial=trial, state=state)
    curve, of_trial = read.get(trial.id, (Curve(), {}))
    try:
        digest = result_digest(curve, of_trial)
    except (TypeError, ValueError) as error:
        raise damaged(place, f"trial {trial.id}: {error}") from error
    if digest != row["result_digest"]:
        raise damaged(place, f"trial {trial.id}: the checksum of its curve and outcomes does not match")
    cost = decoded(Cost, row["cost"], place)
    return TrialFact(
        trial=trial,
        state=state,
        outcomes=of_trial,
        curve=curve,
        cost=cost,
        diverged_step=row["diverged_step"],
        reason=row["reason"],
    )


def _of_trials(table: Table, study_id: int, wanted: set[int]) -> Any:
    """Rows of the wanted trials. Each query asks for a range of ids, because the wanted ids are mostly consecutive."""
    return (
        select(table)
        .where(table.c.study_id == study_id, table.c.trial_id >= min(wanted), table.c.trial_id <= max(wanted))
        .order_by(*table.primary_key.columns)
    )


def _read_results(
    connection: Connection, study_id: int, wanted: set[int], place: str
) -> dict[int, tuple[Curve, dict[str, Outcomes]]]:
    """Curve and outcomes of the wanted trials, the latter checked against their means."""
    if not wanted:
        return {}
    read = {}
    for row in connection.execute(_of_trials(results, study_id, wanted)):
        if row.trial_id in wanted:
            try:
                read[row.trial_id] = unpack(row.content)
            except ValueError as error:
                raise damaged(place, f"trial {row.trial_id}: {error}") from error
    for summary in connection.execute(_of_trials(scored_splits, study_id, wanted)):
        if summary.trial_id not in wanted:
            continue
        _, outcomes = read.get(summary.trial_id, (None, {}))
        of_split = outcomes.get(summary.split)
        if of_split is None or not (
            _is_mean(summary.accuracy, of_split.scores) and _is_mean(summary.loss, of_split.nll)
        ):
            problem = f"its scores on {summary.split!r} are not the means of its outcomes"
            raise damaged(place, f"trial {summary.trial_id}: {problem}")
    return read


def _is_mean(told: float, values: Floats) -> bool:
    """Whether a summary column still matches the values it was computed from; another processor may differ in the last
    bits."""
    expected = math.nan if len(values) == 0 else float(np.mean(values))
    return bool(np.isclose(told, expected, rtol=1e-9, atol=0.0, equal_nan=True))


# --- findings ----------------------------------------------------------------------------------------------------


def insert_findings(connection: Connection, study_id: int, round_number: int, judged: Sequence[Finding]) -> None:
    """Write a round's findings."""
    rows = [
        {
            "study_id": study_id,
            "round_number": round_number,
            "position": position,
            "label": finding.label,
            "family": finding.family,
            "verdict": finding.verdict.value,
            "definition": encode(finding),
        }
        for position, finding in enumerate(judged)
    ]
    insert_many(connection, findings, [sealed_row(findings, row) for row in rows])


def forget_findings(connection: Connection, study_id: int, round_number: int) -> None:
    """Delete a round's findings before it is judged again."""
    where = (findings.c.study_id == study_id, findings.c.round_number == round_number)
    connection.execute(delete(findings).where(*where))


def read_findings(connection: Connection, study_id: int, place: str) -> dict[int, tuple[Finding, ...]]:
    """Every finding by round, in order."""
    asked = select(findings).where(findings.c.study_id == study_id).order_by(*findings.primary_key.columns)
    findings_by_round: dict[int, list[Finding]] = defaultdict(list)
    for row in connection.execute(asked).mappings():
        check_row(findings, row, place)
        findings_by_round[row["round_number"]].append(decoded(Finding, row["definition"], place))
    return {number: tuple(of_round) for number, of_round in findings_by_round.items()}


def insert_many(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows with the same columns, if there are any."""
    batch = list(rows)
    if batch:
        connection.execute(insert(table), batch)
