"""Where events are kept: an append-only table in SQLite, durable before `EventStore.append` returns.

One writer at a time (``BEGIN IMMEDIATE``), any number of readers (WAL). Two people cannot overwrite each other: who
writes says which state was seen, and whoever is second is told the newer one. A repeated command (same key) is answered
with what the first one did. The database itself refuses to change or delete an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select

from outages.database import COMMANDS, EVENTS, StoreError, open_engine, transaction
from outages.events import Event, Outage, event_from_json
from outages.lifecycle import fold

__all__ = [
    "Command",
    "EventStore",
    "KeyReusedError",
    "Recorded",
    "StaleWriteError",
    "StoreError",
    "UnknownOutageError",
    "open_store",
]


class UnknownOutageError(LookupError):
    """No outage has this id."""

    def __init__(self, outage_id: str) -> None:
        self.outage_id = outage_id
        super().__init__(f"There is no outage {outage_id!r}. Check the id in the list of outages.")


class StaleWriteError(RuntimeError):
    """Somebody else changed the outage first; `newer` is how it stands now."""

    def __init__(self, expected_seq: int, newer: Outage) -> None:
        self.expected_seq = expected_seq
        self.newer = newer
        super().__init__(
            f"Outage {newer.id} was changed by someone else: it is at revision {newer.seq} ({newer.status}), "
            f"your change was made on revision {expected_seq}. Look at the newer state and repeat the change if it still holds."
        )


class KeyReusedError(ValueError):
    """An idempotency key came back with another command than the first time."""

    def __init__(self, key: str, outage_id: str) -> None:
        super().__init__(
            f"The key {key!r} was used for another command before (it changed outage {outage_id}). "
            "Use a new key for a new command."
        )


@dataclass(frozen=True)
class Command:
    """What makes a repeat recognisable: the client's key, and a digest of what was asked."""

    key: str
    digest: str


@dataclass(frozen=True)
class Recorded:
    """An event as it lies in the store. ``position`` grows with every event of any outage, in the order of commits."""

    position: int
    outage_id: str
    seq: int
    event: Event


class EventStore:
    """The events of all outages. Safe to share between threads and between processes on one machine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(begin="IMMEDIATE")

    def append(self, outage_id: str, expected_seq: int, events: Sequence[Event], *, command: Command | None = None) -> Outage:
        """Append ``events`` to an outage seen at ``expected_seq`` (0: a new one), and return the outage after them.

        They are on disk when this returns. A ``command`` seen before changes nothing and returns the outage as that command
        left it. Raises StaleWriteError, UnknownOutageError, KeyReusedError, TransitionError and StoreError; then nothing
        was written.
        """
        with transaction(self._writer) as connection:
            if command is not None and (first := _find_command(connection, command.key)) is not None:
                return _repeat(connection, command, first)
            history = _history(connection, outage_id)
            _check_seen(outage_id, expected_seq, history)
            outage = fold(outage_id, [*history, *events])
            connection.execute(insert(EVENTS), [_row(outage_id, seq, e) for seq, e in enumerate(events, expected_seq + 1)])
            if command is not None:
                row = {"key": command.key, "digest": command.digest, "outage_id": outage_id, "last_seq": outage.seq}
                connection.execute(insert(COMMANDS), [row])
            return outage

    def find_command(self, command: Command) -> Outage | None:
        """Return the outage as ``command`` left it, or None where no such command came before; raises KeyReusedError."""
        with transaction(self._engine) as connection:
            first = _find_command(connection, command.key)
            return None if first is None else _repeat(connection, command, first)

    def read(self, outage_id: str) -> tuple[Event, ...]:
        """Return the events of one outage, in order; raises UnknownOutageError where there are none."""
        with transaction(self._engine) as connection:
            history = _history(connection, outage_id)
        if not history:
            raise UnknownOutageError(outage_id)
        return history

    def read_since(self, position: int = 0) -> list[Recorded]:
        """Return every event after ``position`` in the order of commits; 0 reads all."""
        with transaction(self._engine) as connection:
            query = select(EVENTS).where(EVENTS.c.position > position).order_by(EVENTS.c.position)
            rows = connection.execute(query).mappings().all()
        return [Recorded(row["position"], row["outage_id"], row["seq"], _event(row)) for row in rows]

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()


def open_store(url: str) -> EventStore:
    """Open the store at ``url`` (``sqlite:///FILE``), making the file where there is none.

    Raises StoreError where the address is not understood, the folder is missing, or the file is not one of ours.
    """
    return EventStore(open_engine(url))


def _find_command(connection: Connection, key: str) -> RowMapping | None:
    return connection.execute(select(COMMANDS).where(COMMANDS.c.key == key)).mappings().one_or_none()


def _repeat(connection: Connection, command: Command, first: RowMapping) -> Outage:
    outage_id: str = first["outage_id"]
    if first["digest"] != command.digest:
        raise KeyReusedError(command.key, outage_id)
    return fold(outage_id, _history(connection, outage_id)[: first["last_seq"]])


def _check_seen(outage_id: str, expected_seq: int, history: Sequence[Event]) -> None:
    if len(history) == expected_seq:
        return
    if not history:
        raise UnknownOutageError(outage_id)
    raise StaleWriteError(expected_seq, fold(outage_id, history))


def _history(connection: Connection, outage_id: str) -> tuple[Event, ...]:
    query = select(EVENTS).where(EVENTS.c.outage_id == outage_id).order_by(EVENTS.c.seq)
    return tuple(_event(row) for row in connection.execute(query).mappings())


def _event(row: RowMapping) -> Event:
    return event_from_json(row["kind"], row["body"], at=row["recorded_at"], by=row["recorded_by"])


def _row(outage_id: str, seq: int, entry: Event) -> dict[str, Any]:
    return {
        "outage_id": outage_id,
        "seq": seq,
        "kind": entry.kind,
        "body": entry.body(),
        "recorded_at": entry.at,
        "recorded_by": entry.by,
    }
