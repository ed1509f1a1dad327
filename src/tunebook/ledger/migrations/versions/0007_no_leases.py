"""Trials are no longer lent to workers for a time: a study has one runner, which gives them out.

Revision: 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("trials", "lease_until")


def downgrade() -> None:
    """Nothing: a ledger is not taken back to an earlier schema."""
