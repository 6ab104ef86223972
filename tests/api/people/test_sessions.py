"""Sessions: what the browser holds opens them, for as long as it should, and the store gives nothing away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.people import accounts
from api.people.accounts import Account
from api.people.sessions import Lifetime, Session, begin_session, csrf_of, end_session, find_session, sweep_sessions
from api.people.tables import SESSIONS
from outages.audit import read_audit
from outages.database import Database
from tests.api.people.conftest import CHEAP, LIFETIME, SECRET

NOW = datetime(2026, 5, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def account(database: Database) -> Account:
    return accounts.add_account(database, "ana", "desk", SECRET, now=NOW, by="root", hasher=CHEAP)


def begin(database: Database, account: Account, now: datetime = NOW, ends: str | None = None) -> str:
    return begin_session(database, account, now=now, lifetime=LIFETIME, how="password", address="::1", ends=ends)


def find(database: Database, token: str, now: datetime = NOW) -> Session | None:
    return find_session(database, token, now=now, lifetime=LIFETIME)


def count(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(SESSIONS)) or 0


def test_a_session_tells_who_is_signed_in(database: Database, account: Account) -> None:
    assert find(database, begin(database, account)) == Session("ana", "desk", must_change=False)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 10_000, "' OR 1=1 --"])
def test_what_no_browser_was_given_opens_nothing(database: Database, account: Account, token: str) -> None:
    begin(database, account)
    assert find(database, token) is None


def test_every_session_has_a_word_of_its_own_of_32_random_bytes(database: Database, account: Account) -> None:
    tokens = {begin(database, account) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize(
    ("visits", "hours", "lives"),
    [
        ([], 7.9, True),
        ([], 8, False),
        ([7, 14], 21.9, True),  # each visit begins the eight hours anew
        ([7, 14], 22, False),
        (range(7, 168, 7), 167.9, True),
        (range(7, 168, 7), 168, False),  # and after seven days it is over in any case
    ],
)
def test_a_session_lasts_as_long_as_it_is_used_and_a_week_at_most(
    database: Database, account: Account, visits: list[int], *, hours: float, lives: bool
) -> None:
    token = begin(database, account)
    for visit in visits:
        assert find(database, token, NOW + visit * HOUR)
    assert (find(database, token, NOW + hours * HOUR) is not None) == lives


def test_a_change_of_role_holds_from_the_next_request(database: Database, account: Account) -> None:
    token = begin(database, account)
    accounts.set_role(database, "ana", "viewer", now=NOW, by="root")
    found = find(database, token)
    assert found is not None
    assert found.role == "viewer"


def test_signing_out_ends_the_session_and_no_other(database: Database, account: Account) -> None:
    first, second = begin(database, account), begin(database, account)
    end_session(database, first, now=NOW)
    end_session(database, first, now=NOW)
    assert find(database, first) is None
    assert find(database, second)
    assert [row.entry.what for row in read_audit(database)][1:] == ["signed in", "signed in", "signed out"]


def test_signing_in_gives_a_new_word_and_ends_the_session_before(database: Database, account: Account) -> None:
    planted = begin(database, account)
    fresh = begin(database, account, ends=planted)
    assert fresh != planted
    assert find(database, planted) is None


def test_sessions_that_are_over_are_swept(database: Database, account: Account) -> None:
    begin(database, account)
    begin(database, account, NOW + 9 * HOUR)
    assert count(database) == 1
    sweep_sessions(database, now=NOW + 20 * HOUR, lifetime=Lifetime(HOUR, HOUR))
    assert count(database) == 0


def test_the_store_holds_nothing_that_opens_a_session(database: Database, account: Account, tmp_path: Path) -> None:
    token = begin(database, account)
    database.close()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in held
    assert csrf_of(token).encode() not in held


def test_the_word_of_forms_belongs_to_one_session_and_does_not_tell_it() -> None:
    assert csrf_of("a" * 43) == csrf_of("a" * 43) != csrf_of("a" * 42 + "b")
    assert len(csrf_of("a")) == 43
    assert "aaa" not in csrf_of("a" * 43)
