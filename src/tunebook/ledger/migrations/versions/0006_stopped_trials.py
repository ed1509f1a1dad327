"""A trial may be stopped by the planner. No table changes; versions that do not know this state must refuse the ledger.

Revision: 0006, after 0005.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `trials.state` is text."""
