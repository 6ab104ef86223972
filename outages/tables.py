"""The tables of the store, the same on SQLite and PostgreSQL. The migrations make them; a test holds both to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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

NOTICES = Table(
    "notices",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("notice_id", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("recorded_at", Utc, nullable=False),
    Column("recorded_by", String, nullable=False),
    UniqueConstraint("notice_id", "seq"),
    Index("notices_of_kind", "kind", "recorded_at"),
)

NOTICE_DRAFTS = Table(
    "notice_drafts",
    METADATA,
    Column("notice_id", String, primary_key=True),
    Column("text_key", String, primary_key=True),  # first/zh/sms, first/zh/radio/30
    Column("version", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("body", String, nullable=False),
    Column("saved_at", Utc, nullable=False),
    Column("saved_by", String, nullable=False),
    Column("authors", JSON, nullable=False),  # everybody who saved it since it was generated
)

NOTICE_TOLD = Table(
    "notice_told",
    METADATA,
    Column("notice_id", String, primary_key=True),
    Column("customers", LargeBinary, nullable=False),  # zlib of the ids, sorted, one a line
    Column("count", Integer, nullable=False),
)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("notice_id", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("language", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("slot_s", Integer),  # of a radio script
    Column("audience", String, nullable=False),
    Column("address", String, nullable=False),
    Column("personal", JSON, nullable=False),
    Column("needs_ack", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("claimed_by", String),
    Column("claimed_until", Utc),
    Column("settled_at", Utc),
    Column("last_error", String, nullable=False),
    UniqueConstraint("notice_id", "recipient", "channel"),
    Index("messages_due", "state", "channel", "due_at"),
)

PROOFS = Table(
    "proofs",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("message", Position, nullable=False),  # its position
    Column("at", Utc, nullable=False),
    Column("what", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("by", String, nullable=False),
    Index("proofs_of_message", "message"),
)

SUBSCRIBERS = Table(
    "subscribers",
    METADATA,
    Column("id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("language", String, nullable=False),
    Column("place_id", String, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("confirmed_at", Utc),
    Column("ended_at", Utc),
    Column("secret_digest", String, nullable=False),  # SHA-256 of what is in the link that confirms or ends it
    Index("subscribers_of_place", "place_id"),
)

OPT_OUTS = Table(
    "opt_outs",
    METADATA,
    Column("channel", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
)

ACKNOWLEDGEMENTS = Table(
    "acknowledgements",
    METADATA,
    Column("notice_id", String, primary_key=True),
    Column("customer_id", String, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("by", String, nullable=False),
    Column("how", String, nullable=False),
)
