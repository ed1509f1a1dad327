"""No table changes, but the JSON does: a wave's decisions are fields of its definition, and the study's facts hold the
user's table and the engine's folding. Versions that know only 0001 would ignore both, so they must not open such a
ledger. Definitions written under 0001 stay as they are and are read by `ledger.earlier`.

Revision: 0002, after 0001.
"""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to do."""


def downgrade() -> None:
    """Nothing to do."""
