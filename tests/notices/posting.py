"""Messages in an outbox, said in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from notices.history import Text, TextKey
from notices.outbox import NewMessage, Outbox, put
from outages.database import Database

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def message(recipient: str, channel: str = "sms", **changes: object) -> NewMessage:
    """A first notice to somebody whose name is theirs, at an address made of it."""
    values = {"kind": "first", "audience": "customers", "channel": channel, "language": "en", "slot_s": None}
    theirs = {"address": f"{recipient}@example.org", "personal": {"name": recipient.title()}, "needs_ack": False}
    return NewMessage(**{"recipient": recipient, **values, **theirs, **changes})


def post(database: Database, *messages: NewMessage, notice_id: str = "7.1", now: datetime = NOW) -> int:
    """Put messages in the outbox, as the issue of a notice does."""
    with database.writing() as connection:
        return put(connection, notice_id, messages, now=now)


def many(count: int, channel: str = "sms") -> list[NewMessage]:
    """Messages to r0, r1, …"""
    return [message(f"r{number}", channel) for number in range(count)]


def texts_of(notice_id: str) -> dict[TextKey, Text]:
    """The texts of every notice: a greeting by name, for each channel."""
    keys = [TextKey("first", "en", channel) for channel in ("sms", "email", "newspaper", "app", "letter")]
    return {key: Text(key, f"Power cut {notice_id}", "Dear [[name]],\nthe power will be off.") for key in keys}


def states(outbox: Outbox, notice_id: str = "7.1") -> dict[str, str]:
    """Recipient → state, of one notice."""
    return {one.recipient: one.state for one in outbox.list_of(notice_id, limit=10_000)}


def words(outbox: Outbox, positions: Iterable[int]) -> list[list[str]]:
    """What is on record of each message, in one word each."""
    return [[proof.what for proof in outbox.proofs(position)] for position in positions]
