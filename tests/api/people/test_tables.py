"""The tables that the migration makes are those that the code reads and writes, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect

from api.people import accounts
from api.people.accounts import MOST_WRONG, LockedError, WrongCredentialsError
from api.people.sessions import begin_session, end_session, find_session
from api.people.tables import METADATA
from api.people.tokens import add_token, find_machine, list_tokens
from outages.audit import verify_audit
from outages.database import Database, open_database
from tests.api.people.conftest import CHEAP, LIFETIME, SECRET
from tests.postgres import Cluster

NOW = datetime(2026, 5, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, database: Database, cluster: Cluster) -> Iterator[Database]:
    if request.param == "sqlite":
        yield database
        return
    on_server = open_database(cluster.new_database())
    yield on_server
    on_server.close()


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_the_migration_makes_what_the_code_expects(either: Database, table: str) -> None:
    expected = METADATA.tables[table]
    with either.reading() as connection:
        inspector = inspect(connection)
        found = {column["name"]: column for column in inspector.get_columns(table)}
        assert set(found) == {column.name for column in expected.columns}
        for column in expected.columns:
            made = found[column.name]["type"].compile(connection.dialect)
            assert made == column.type.compile(connection.dialect), column.name
            assert found[column.name]["nullable"] == column.nullable, column.name
        assert inspector.get_pk_constraint(table)["constrained_columns"] == [column.name for column in expected.primary_key]
        indexes = {index["name"] for index in inspector.get_indexes(table) if not index["unique"]}
        assert indexes == {index.name for index in expected.indexes}


def test_people_sign_in_and_are_locked_out_on_either_database(either: Database) -> None:
    account = accounts.add_account(either, "王芳", "desk", SECRET, now=NOW, by="root", hasher=CHEAP)
    for number in range(MOST_WRONG):
        with pytest.raises(LockedError if number == MOST_WRONG - 1 else WrongCredentialsError):
            accounts.check_credentials(either, "王芳", "wrong", now=NOW, hasher=CHEAP)
    assert accounts.list_accounts(either)[0].locked_until == NOW + accounts.LOCKED_FOR
    accounts.unlock(either, "王芳", now=NOW, by="root")
    assert accounts.check_credentials(either, "王芳", SECRET, now=NOW, hasher=CHEAP) == account
    token = begin_session(either, account, now=NOW, lifetime=LIFETIME, how="password")
    assert find_session(either, token, now=NOW + timedelta(hours=1), lifetime=LIFETIME)
    end_session(either, token, now=NOW)
    assert find_session(either, token, now=NOW, lifetime=LIFETIME) is None
    made = add_token(either, "OMS", ["read"], expires_at=NOW + timedelta(days=1), now=NOW, by="root")
    assert find_machine(either, made.text, now=NOW)
    assert list_tokens(either)[0].used_at == NOW
    assert verify_audit(either).problems == ()
