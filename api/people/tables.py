"""Where people are kept in the store: accounts, their sessions, tokens of programs, and wrong attempts to sign in.

The migration ``0003`` makes these tables; a test holds both to each other.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, MetaData, String, Table

from outages.tables import Utc

METADATA = MetaData()

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("key", String, primary_key=True),  # the name, casefolded: two names that differ in case only are one
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String),  # none: signs in elsewhere, or is a demo account
    Column("subject", String, unique=True),  # who it is at the identity provider: issuer and subject
    Column("must_change", Boolean, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("disabled_at", Utc),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String, primary_key=True),  # SHA-256 of what the browser holds
    Column("account", String, ForeignKey("accounts.key"), nullable=False, index=True),
    Column("begun_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False),  # SHA-256 of the secret part
    Column("permissions", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    Column("revoked_at", Utc),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("digest", String, primary_key=True),  # SHA-256 of the casefolded name: people type passwords there by mistake
    Column("wrong", Integer, nullable=False),  # in a row
    Column("last_at", Utc, nullable=False, index=True),
    Column("locked_until", Utc),
)
