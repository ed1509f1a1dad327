"""The same suite over SQLite and, where TUNEBOOK_TEST_POSTGRES names a server, PostgreSQL."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest

from tunebook.ledger import open_ledger
from tunebook.testing.ledger_suite import LedgerSuite


class TestSqlite(LedgerSuite):
    @pytest.fixture
    def opener(self, tmp_path):
        return lambda **options: open_ledger(tmp_path / "study", **options)


@pytest.mark.postgres
@pytest.mark.skipif(not os.environ.get("TUNEBOOK_TEST_POSTGRES"), reason="TUNEBOOK_TEST_POSTGRES names no server")
class TestPostgres(LedgerSuite):
    @pytest.fixture
    def opener(self, monkeypatch):
        schema = f"t{uuid4().hex}"
        address = os.environ["TUNEBOOK_TEST_POSTGRES"]
        import psycopg

        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        separator = "&" if "?" in address else "?"
        own = f"{address}{separator}options=-csearch_path%3D{schema}"
        yield lambda **options: open_ledger(own, study="sample", **options)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
