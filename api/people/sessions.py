"""Sessions of people who signed in with a browser. The browser holds 32 random bytes, the store only their SHA-256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from api.people.accounts import KEPT_ATTEMPTS, Account
from api.people.tables import ACCOUNTS, ATTEMPTS, SESSIONS
from outages.audit import AuditEntry, write_audit
from outages.database import Database, StoreError

COOKIE = "gridnotice_session"
NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was last used: a write for each request would be too many."""


@dataclass(frozen=True)
class Lifetime:
    """How long a session lasts without a request, and at most."""

    idle: timedelta
    most: timedelta


@dataclass(frozen=True)
class Session:
    """Who is signed in, as every request needs to know it."""

    name: str
    role: str
    must_change: bool


def begin_session(
    database: Database,
    account: Account,
    *,
    now: datetime,
    lifetime: Lifetime,
    how: str,
    address: str = "",
    ends: str | None = None,
) -> str:
    """Begin a session for somebody who has shown who they are, and return what the browser is to hold.

    The session that the browser held before, ``ends``, ends: an id that somebody planted there is worth nothing.
    """
    token = secrets.token_urlsafe(32)
    with database.writing() as connection:
        _sweep(connection, now, lifetime)
        if ends:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest_of(ends)))
        values = {"begun_at": now, "seen_at": now, "expires_at": now + lifetime.most}
        connection.execute(insert(SESSIONS).values(digest=digest_of(token), account=account.key, **values))
        write_audit(connection, [AuditEntry(now, account.name, "signed in", account.name, {"how": how, "address": address})])
    return token


def find_session(database: Database, token: str, *, now: datetime, lifetime: Lifetime) -> Session | None:
    """Return the session that a browser holds ``token`` of, and note that it is used; None where it is over or unknown."""
    digest = digest_of(token)
    held = select(ACCOUNTS.c.name, ACCOUNTS.c.role, ACCOUNTS.c.must_change, SESSIONS.c.seen_at).where(
        SESSIONS.c.digest == digest,
        SESSIONS.c.account == ACCOUNTS.c.key,
        SESSIONS.c.expires_at > now,
        SESSIONS.c.seen_at > now - lifetime.idle,
        ACCOUNTS.c.disabled_at.is_(None),
    )
    with database.reading() as connection:
        row = connection.execute(held).one_or_none()
    if row is None:
        return None
    if now - row.seen_at >= NOTED_EVERY:
        with suppress(StoreError), database.writing() as connection:  # a busy store must not sign people out
            connection.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=now))
    return Session(row.name, row.role, row.must_change)


def end_session(database: Database, token: str, *, now: datetime) -> None:
    """End a session; one that is over already is passed over."""
    name = select(ACCOUNTS.c.name).where(SESSIONS.c.digest == digest_of(token), SESSIONS.c.account == ACCOUNTS.c.key)
    with database.writing() as connection:
        owner = connection.scalar(name)
        connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest_of(token)))
        if owner is not None:
            write_audit(connection, [AuditEntry(now, owner, "signed out", owner, {})])


def sweep_sessions(database: Database, *, now: datetime, lifetime: Lifetime) -> None:
    """Take out what is over: sessions, and wrong attempts of long ago. Each sign-in does it too."""
    with database.writing() as connection:
        _sweep(connection, now, lifetime)


def _sweep(connection: Connection, now: datetime, lifetime: Lifetime) -> None:
    over = (SESSIONS.c.expires_at <= now) | (SESSIONS.c.seen_at <= now - lifetime.idle)
    connection.execute(delete(SESSIONS).where(over))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last_at <= now - KEPT_ATTEMPTS))


def digest_of(secret: str) -> str:
    """Return what the store keeps of a secret. It is long and random, so that nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(token: str) -> str:
    """Return the word that forms of this session carry: it follows from what only the browser holds, and does not lead back."""
    made = hmac.digest(token.encode("utf-8", "surrogatepass"), b"form", "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
