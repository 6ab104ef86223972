"""Tokens of programs: ``gnt_<id>_<secret>``, shown once; the store keeps the SHA-256 of the secret part."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from api.people.accounts import AccountError, check_name
from api.people.roles import TOKEN_PERMISSIONS, Actor
from api.people.sessions import NOTED_EVERY, digest_of
from api.people.tables import TOKENS
from outages.audit import AuditEntry, write_audit
from outages.database import Database, StoreError

LONGEST_LIFE = timedelta(days=730)

_SHAPE = re.compile(r"gnt_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Token:
    """What a program may do, until when. It never holds the secret."""

    id: str
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token opens anything at ``now``."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class NewToken:
    """A token with its text, which is never to be had again."""

    token: Token
    text: str = field(repr=False)


def add_token(
    database: Database, name: str, permissions: Iterable[str], *, expires_at: datetime, now: datetime, by: str
) -> NewToken:
    """Make a token and return it with its text. Raises AccountError for permissions that no program gets, and a wrong end."""
    chosen = tuple(one for one in TOKEN_PERMISSIONS if one in set(permissions))
    if unknown := sorted(set(permissions) - set(TOKEN_PERMISSIONS)):
        says = f"A token cannot hold {', '.join(unknown)}. Choose from {', '.join(TOKEN_PERMISSIONS)}."
        raise AccountError("permission_unknown", says)
    if not chosen:
        raise AccountError("permission_missing", f"Name what the token may do: {', '.join(TOKEN_PERMISSIONS)}.")
    if not now < expires_at <= now + LONGEST_LIFE:
        raise AccountError("expiry", f"A token ends after now and within {LONGEST_LIFE.days} days. Give another end.")
    made = Token(secrets.token_hex(6), check_name(name), chosen, now, by, expires_at)
    secret = secrets.token_urlsafe(32)
    values = {"id": made.id, "name": made.name, "permissions": list(chosen), "created_at": now, "created_by": by}
    detail = {"name": made.name, "permissions": list(chosen), "expires_at": expires_at.isoformat()}
    with database.writing() as connection:
        connection.execute(insert(TOKENS).values(digest=digest_of(secret), expires_at=expires_at, **values))
        write_audit(connection, [AuditEntry(now, by, "token added", made.id, detail)])
    return NewToken(made, f"gnt_{made.id}_{secret}")


def revoke_token(database: Database, token_id: str, *, now: datetime, by: str) -> None:
    """End a token for ever; one that is revoked already stays as it is. Raises AccountError where there is none."""
    with database.writing() as connection:
        row = connection.execute(select(TOKENS).where(TOKENS.c.id == token_id)).one_or_none()
        if row is None:
            raise AccountError("token_unknown", f"There is no token {token_id!r}. Look at the list of tokens.")
        if row.revoked_at is None:
            connection.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(revoked_at=now))
            write_audit(connection, [AuditEntry(now, by, "token revoked", token_id, {"name": row.name})])


def list_tokens(database: Database) -> list[Token]:
    """Return all tokens, the newest first."""
    with database.reading() as connection:
        rows = connection.execute(select(TOKENS).order_by(TOKENS.c.created_at.desc(), TOKENS.c.id)).all()
    return [_token(row) for row in rows]


def find_machine(database: Database, text: str, *, now: datetime) -> Actor | None:
    """Return the program whose token ``text`` is, and note that it is used; None for any other text, and a token that is over."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    with database.reading() as connection:
        row = connection.execute(select(TOKENS).where(TOKENS.c.id == shape[1])).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, digest_of(shape[2])) or not _token(row).is_valid(now):
        return None
    if row.used_at is None or now - row.used_at >= NOTED_EVERY:
        with suppress(StoreError), database.writing() as connection:  # a busy store must not turn programs away
            connection.execute(update(TOKENS).where(TOKENS.c.id == row.id).values(used_at=now))
    return Actor(f"program:{row.name}", "machine", frozenset(row.permissions), is_machine=True)


def _token(row: Row[Any]) -> Token:
    permissions = tuple(row.permissions)
    return Token(row.id, row.name, permissions, row.created_at, row.created_by, row.expires_at, row.used_at, row.revoked_at)
