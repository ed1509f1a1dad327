"""A trial may be stopped by the planner. No table changes; versions that do not know this state must refuse the ledger.

Revision: 0004, after 0003.
"""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `trials.state` is text."""
