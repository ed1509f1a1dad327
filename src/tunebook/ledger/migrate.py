"""Migrates a ledger's schema to the newest revision. Old ledgers stay readable; newer ones are refused."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, inspect, text

from tunebook.errors import LedgerUnavailable
from tunebook.ledger.schema import SCHEMA_REVISION

__all__ = ["migrate", "revision_of"]

KNOWN_REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision that this version can read, oldest first; the last is `SCHEMA_REVISION`."""


def revision_of(connection: Connection) -> str | None:
    """The schema revision of a ledger, or None if it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def migrate(connection: Connection, place: str) -> None:
    """Apply the missing migrations in the connection's transaction.

    Raises: LedgerUnavailable: the ledger was written by a newer version of tunebook.
    """
    revision = revision_of(connection)
    if revision == SCHEMA_REVISION:
        return
    if revision is not None and revision not in KNOWN_REVISIONS:
        raise LedgerUnavailable(
            "{place}: schema revision {revision}; this version of tunebook knows revisions up to "
            "{schema_revision}. The ledger was written by a newer version: install that one (`pip install "
            "--upgrade tunebook`).",
            place=place,
            revision=revision,
            schema_revision=SCHEMA_REVISION,
        )
    from alembic import command  # a fifth of a second that only a ledger of another version need wait for
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("tunebook.ledger") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
