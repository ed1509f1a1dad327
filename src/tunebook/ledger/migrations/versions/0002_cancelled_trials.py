"""A trial may be cancelled. No table changes; versions that do not know this state must refuse the ledger.

Revision: 0002_cancelled, after 0001.
"""

revision = "0002_cancelled"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `trials.state` is text."""
