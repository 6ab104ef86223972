"""Tokens of programs: shown once, bounded in what and how long, and worth nothing once they are revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.people.accounts import AccountError
from api.people.roles import TOKEN_PERMISSIONS
from api.people.tokens import NewToken, add_token, find_machine, list_tokens, revoke_token
from outages.audit import read_audit
from outages.database import Database

NOW = datetime(2026, 5, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def make(database: Database, *permissions: str, days: float = 90) -> NewToken:
    return add_token(database, "OMS link", permissions or ("read",), expires_at=NOW + days * DAY, now=NOW, by="root")


@pytest.mark.parametrize("permission", TOKEN_PERMISSIONS)
def test_a_token_makes_an_actor_with_what_it_was_given_and_no_more(database: Database, permission: str) -> None:
    actor = find_machine(database, make(database, permission).text, now=NOW)
    assert actor is not None
    assert (actor.name, actor.role, actor.permissions) == ("program:OMS link", "machine", {permission})
    assert actor.is_machine


@pytest.mark.parametrize(
    ("permissions", "days", "code"),
    [
        (["admin"], 1, "permission_unknown"),
        (["read", "approve"], 1, "permission_unknown"),
        (["fly"], 1, "permission_unknown"),
        ([], 1, "permission_missing"),
        (["read"], 0, "expiry"),
        (["read"], -1, "expiry"),
        (["read"], 731, "expiry"),
    ],
)
def test_a_token_that_must_not_be_is_refused(database: Database, permissions: list[str], days: int, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        add_token(database, "OMS", permissions, expires_at=NOW + days * DAY, now=NOW, by="root")
    assert caught.value.code == code
    assert list_tokens(database) == []


def test_a_token_is_over_when_its_time_has_come(database: Database) -> None:
    text = make(database, days=1).text
    assert find_machine(database, text, now=NOW + 0.99 * DAY)
    assert find_machine(database, text, now=NOW + DAY) is None


def test_a_revoked_token_opens_nothing_and_stays_listed(database: Database) -> None:
    made = make(database)
    for _ in range(2):
        revoke_token(database, made.token.id, now=NOW, by="root")
    assert find_machine(database, made.text, now=NOW) is None
    (listed,) = list_tokens(database)
    assert listed.revoked_at == NOW
    assert [row.entry.what for row in read_audit(database)] == ["token added", "token revoked"]
    with pytest.raises(AccountError, match="There is no token 'x'"):
        revoke_token(database, "x", now=NOW, by="root")


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: text.upper(), lambda text: text + "=", lambda _: "", lambda _: "gnt__"]
)
def test_what_is_not_quite_a_token_opens_nothing(database: Database, change) -> None:  # type: ignore[no-untyped-def]
    assert find_machine(database, change(make(database).text), now=NOW) is None


def test_the_id_of_one_token_and_the_secret_of_another_open_nothing(database: Database) -> None:
    one, other = make(database).text, make(database).text
    assert find_machine(database, one[:17] + other[17:], now=NOW) is None


def test_it_is_known_when_a_token_was_last_used(database: Database) -> None:
    text = make(database).text
    assert list_tokens(database)[0].used_at is None
    find_machine(database, text, now=NOW)
    find_machine(database, text, now=NOW + timedelta(seconds=59))  # to the minute
    assert list_tokens(database)[0].used_at == NOW
    find_machine(database, text, now=NOW + timedelta(seconds=60))
    assert list_tokens(database)[0].used_at == NOW + timedelta(seconds=60)


def test_the_text_of_a_token_is_in_no_repr_no_audit_and_not_in_the_store(database: Database, tmp_path: Path) -> None:
    made = make(database)
    secret = made.text.rpartition("_")[2]
    assert secret not in repr(made) + repr(read_audit(database)) + repr(find_machine(database, made.text, now=NOW))
    database.close()
    assert secret.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
