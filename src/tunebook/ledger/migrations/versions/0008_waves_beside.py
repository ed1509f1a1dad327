"""A wave may be planned beside another one. No table changes; versions that do not know such waves must refuse the
ledger.

Revision: 0008, after 0007.
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: `waves.definition` is text."""
