"""A study may hold rounds that the user added. No table changes; versions that do not know this kind of round must
refuse the ledger.

Revision: 0005, after 0004.
"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `rounds.kind` and `trials.purpose` are text, and what is asked for is a note."""
