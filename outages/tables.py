"""The tables of the store, the same on SQLite and PostgreSQL. The migrations make them; a test holds both to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)


class Utc(TypeDecorator[datetime]):
    """A moment in UTC. SQLite knows no zones: they are taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the database takes it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Position = BigInteger().with_variant(Integer(), "sqlite")
"""A number given by the one writer, one more than the last: without gaps, in the order of commits."""

METADATA = MetaData()

EVENTS = Table(
    "events",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("outage_id", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("recorded_at", Utc, nullable=False),
    Column("recorded_by", String, nullable=False),
    UniqueConstraint("outage_id", "seq"),
)

COMMANDS = Table(
    "commands",
    METADATA,
    Column("key", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("outage_id", String, nullable=False),
    Column("last_seq", Integer, nullable=False),
)

IMPACTS = Table(
    "impacts",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("outage_id", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("network_version", String, nullable=False),
    Column("rules", String, nullable=False),
    Column("given", JSON, nullable=False),  # the other outages that were off: [[id, seq], …]
    Column("counts", JSON, nullable=False),
    Column("customers", LargeBinary, nullable=False),  # zlib
    Index("impacts_of_outage", "outage_id", "seq"),
)

NETWORKS = Table(
    "networks",
    METADATA,
    Column("number", Position, primary_key=True, autoincrement=True),
    Column("version", String, nullable=False, unique=True),  # the hash of the content
    Column("about", JSON, nullable=False),
    Column("parts", Integer, nullable=False),
)

NETWORK_PARTS = Table(
    "network_parts",
    METADATA,
    Column("version", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("recorded_at", Utc, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("what", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("hash", String(64), nullable=False),
)
