"""The first released schema.

Revision: 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""PostgreSQL's counters are 64 bits wide; SQLite only counts up in a column called exactly INTEGER."""


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("examples_digest", sa.Text(), nullable=False),
        sa.Column("tunebook_version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("name", name=op.f("uq_studies_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "writers",
        sa.Column("study_name", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("study_name", name=op.f("pk_writers")),
    )
    op.create_table(
        "examples",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("example_index", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("gold", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_examples_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "split", "position", name=op.f("pk_examples")),
    )
    op.create_table(
        "notes",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_notes_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sa.UniqueConstraint("nonce", name=op.f("uq_notes_nonce")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notes_study_id"), "notes", ["study_id"], unique=False)
    op.create_table(
        "rounds",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("n_findings", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_rounds_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "number", name=op.f("pk_rounds")),
    )
    op.create_table(
        "sealed",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("effective_key", sa.Text(), nullable=False),
        sa.Column("n_roles", sa.Integer(), nullable=False),
        sa.Column("sealed_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_sealed_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "role", name=op.f("pk_sealed")),
    )
    op.create_table(
        "findings",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "round_number"],
            ["rounds.study_id", "rounds.number"],
            name=op.f("fk_findings_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "round_number", "position", name=op.f("pk_findings")),
    )
    op.create_table(
        "waves",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "round_number"],
            ["rounds.study_id", "rounds.number"],
            name=op.f("fk_waves_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "round_number", "number", name=op.f("pk_waves")),
        sa.UniqueConstraint("study_id", "position", name="uq_waves_position"),
    )
    op.create_table(
        "trials",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("wave_number", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("effective_key", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token", _COUNTER, nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("diverged_step", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cost", sa.Text(), nullable=True),
        sa.Column("result_digest", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "round_number", "wave_number"],
            ["waves.study_id", "waves.round_number", "waves.number"],
            name=op.f("fk_trials_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_trials")),
    )
    op.create_index("ix_trials_state", "trials", ["study_id", "state", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("token", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_attempts_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_attempts")),
        sa.UniqueConstraint("nonce", name=op.f("uq_attempts_nonce")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attempts_trial", "attempts", ["study_id", "trial_id"], unique=False)
    op.create_table(
        "curve_steps",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Double(), nullable=True),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("learning_rate", sa.Double(), nullable=True),
        sa.Column("gradient_norm", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_curve_steps_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "trial_id", "position", name=op.f("pk_curve_steps")),
    )
    op.create_table(
        "evaluations",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Double(), nullable=True),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("has_accuracy", sa.Boolean(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_evaluations_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "trial_id", "position", name=op.f("pk_evaluations")),
    )
    op.create_table(
        "outcomes",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("nll", sa.Double(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_outcomes_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "trial_id", "split", "position", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "scored_splits",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("n_examples", sa.Integer(), nullable=False),
        sa.Column("has_answers", sa.Boolean(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
            name=op.f("fk_scored_splits_study_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "trial_id", "split", name=op.f("pk_scored_splits")),
    )


def downgrade() -> None:
    op.drop_table("scored_splits")
    op.drop_table("outcomes")
    op.drop_table("evaluations")
    op.drop_table("curve_steps")
    op.drop_table("attempts")
    op.drop_table("trials")
    op.drop_table("waves")
    op.drop_table("findings")
    op.drop_table("sealed")
    op.drop_table("rounds")
    op.drop_table("notes")
    op.drop_table("examples")
    op.drop_table("writers")
    op.drop_table("studies")
