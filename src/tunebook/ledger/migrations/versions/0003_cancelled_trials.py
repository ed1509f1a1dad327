"""A trial may be cancelled. No table changes; versions that do not know this state must refuse the ledger.

Revision: 0003, after 0002.
"""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `trials.state` is text."""
