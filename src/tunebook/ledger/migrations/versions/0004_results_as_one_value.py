"""A trial's curve and outcomes become one compressed value; scores by split stay rows.

Everything happens in the transaction that the caller opened: a process killed here leaves the ledger as it was. Digests
of results stay as they are, because they are taken from the numbers and not from how these are stored.

Revision: 0004, after 0003.
"""

import math
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from tunebook.core.facts import Curve, EvaluationRecord, Outcomes, StepRecord
from tunebook.ledger.blob import pack
from tunebook.ledger.schema import AnyText

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TRIAL = "WHERE study_id = :study_id AND trial_id = :trial_id ORDER BY"
_ANSWERS = AnyText()


def upgrade() -> None:
    op.create_table(
        "results",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_results_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "trial_id", name=op.f("pk_results")),
    )
    connection = op.get_bind()
    finished = sa.text("SELECT study_id, id FROM trials WHERE result_digest IS NOT NULL")
    written = sa.text("INSERT INTO results (study_id, trial_id, content) VALUES (:study_id, :trial_id, :content)")
    for study_id, trial_id in connection.execute(finished).all():
        key = {"study_id": study_id, "trial_id": trial_id}
        content = pack(_curve(connection, key), _outcomes(connection, key))
        connection.execute(written, {**key, "content": content})
    for table in ("outcomes", "evaluations", "curve_steps"):
        op.drop_table(table)


def _curve(connection: sa.Connection, key: dict[str, Any]) -> Curve:
    steps = connection.execute(
        sa.text(f"SELECT step, epoch, loss, learning_rate, gradient_norm FROM curve_steps {_TRIAL} position"), key
    )
    evaluations = connection.execute(
        sa.text(f"SELECT step, epoch, split, loss, has_accuracy, accuracy FROM evaluations {_TRIAL} position"), key
    )
    return Curve(
        tuple(StepRecord(step, *map(_measured, rest)) for step, *rest in steps),
        tuple(
            EvaluationRecord(step, _measured(epoch), split, _measured(loss), _measured(score) if has_score else None)
            for step, epoch, split, loss, has_score, score in evaluations
        ),
    )


def _outcomes(connection: sa.Connection, key: dict[str, Any]) -> dict[str, Outcomes]:
    found = {}
    splits = connection.execute(sa.text(f"SELECT split, has_answers FROM scored_splits {_TRIAL} split"), key).all()
    for split, has_answers in splits:
        rows = connection.execute(
            sa.text(
                "SELECT score, nll, answer FROM outcomes WHERE study_id = :study_id AND trial_id = :trial_id "
                "AND split = :split ORDER BY position"
            ),
            {**key, "split": split},
        ).all()
        read = (_ANSWERS.process_result_value(row.answer, connection.dialect) for row in rows)
        answers = tuple(answer or "" for answer in read)
        scores, nll = (np.array([_measured(row[i]) for row in rows], dtype=np.float64) for i in (0, 1))
        found[split] = Outcomes(scores, nll, answers if has_answers else ())
    return found


def _measured(value: Any) -> float:
    """A measured number; NULL is NaN, and anything else is damage, which the result's digest will tell."""
    return float(value) if isinstance(value, int | float) else math.nan


def downgrade() -> None:
    """Nothing: a ledger is not taken back to an earlier schema."""
