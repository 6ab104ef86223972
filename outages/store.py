"""Where events are kept: append-only, durable before `EventStore.append` returns, in SQLite or PostgreSQL.

Two people cannot overwrite each other: who writes says which state was seen, and whoever is second is told the newer one. A
repeated command (same key) is answered with what the first one did. The database itself refuses to change or delete an event,
and the audit log tells of every one. Appends of several threads share one transaction (`outages.grouped`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from outages import shelf
from outages.appending import (
    Batch,
    Command,
    KeyReusedError,
    Remembered,
    Request,
    StaleWriteError,
    UnknownOutageError,
    UnreadableEventError,
    event_of,
    history,
    repeat,
)
from outages.checkup import Finding, check_store
from outages.database import Database, open_database
from outages.driver import FirstCommand
from outages.events import Event, Outage
from outages.failures import (
    DRIVER_ERRORS,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnreachableError,
)
from outages.grouped import GroupCommit, Turn
from outages.kept import KeptImpact
from outages.tables import COMMANDS, EVENTS
from outages.waiting import Bell

__all__ = [
    "Command",
    "EventStore",
    "Finding",
    "KeyReusedError",
    "Recorded",
    "StaleWriteError",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnreachableError",
    "UnknownOutageError",
    "UnreadableEventError",
    "open_store",
]


@dataclass(frozen=True)
class Recorded:
    """An event as it lies in the store. ``position`` grows with every event of any outage, in the order of commits."""

    position: int
    outage_id: str
    seq: int
    event: Event


class EventStore:
    """The events of all outages. Safe to share between threads; several may be open on one database, in any process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._appends: GroupCommit[Request, Outage] = GroupCommit(self._carry_out)
        self._remembered = Remembered()  # only the leader of a group commit touches it
        self._bell = Bell(database, self.position)

    def append(
        self,
        outage_id: str,
        expected_seq: int,
        events: Sequence[Event],
        *,
        command: Command | None = None,
        kept: Sequence[KeptImpact] = (),
    ) -> Outage:
        """Append ``events`` to an outage seen at ``expected_seq`` (0: a new one), and return the outage after them.

        They are on disk when this returns, with the impacts ``kept`` and a row each in the audit log. A ``command`` seen before
        changes nothing and returns the outage as that command left it. Raises StaleWriteError, UnknownOutageError,
        KeyReusedError, TransitionError and StoreError; then nothing was written, except that of a StoreUnreachableError nobody
        knows: repeat the command.
        """
        return self._appends.submit(Request(outage_id, expected_seq, events, command=command, kept=kept))

    def find_command(self, command: Command) -> Outage | None:
        """Return the outage as ``command`` left it, or None where no such command came before; raises KeyReusedError."""
        query = select(COMMANDS.c.digest, COMMANDS.c.outage_id, COMMANDS.c.last_seq).where(COMMANDS.c.key == command.key)
        with self.database.reading() as connection:
            first = connection.execute(query).one_or_none()
            return None if first is None else repeat(connection, command, FirstCommand(*first))

    def read(self, outage_id: str) -> tuple[Event, ...]:
        """Return the events of one outage, in order; raises UnknownOutageError where there are none."""
        with self.database.reading() as connection:
            events = history(connection, outage_id)
        if not events:
            raise UnknownOutageError(outage_id)
        return events

    def read_since(self, position: int = 0, *, limit: int | None = None) -> list[Recorded]:
        """Return the events after ``position`` in the order of commits, at most ``limit``; 0 reads from the first.

        None is ever added before the last one that was read: who goes on from there misses nothing. They end before one that
        cannot be read; where that comes next, raises UnreadableEventError, and who goes on from its position passes it over.
        """
        query = select(EVENTS).where(EVENTS.c.position > position).order_by(EVENTS.c.position).limit(limit)
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found: list[Recorded] = []
        for row in rows:
            try:
                found.append(Recorded(row["position"], row["outage_id"], row["seq"], event_of(row)))
            except UnreadableEventError:
                if not found:
                    raise
                break
        return found

    def position(self) -> int:
        """Return the position of the newest event; 0 where there is none."""
        with self.database.reading() as connection:
            return connection.execute(select(func.max(EVENTS.c.position))).scalar() or 0

    def wait(self, position: int, timeout_s: float) -> int:
        """Return the newest position as soon as it is beyond ``position``, whoever wrote it, or after ``timeout_s`` seconds."""
        return self._bell.wait(position, timeout_s)

    def find_impact(self, outage_id: str, seq: int) -> KeptImpact | None:
        """Return the newest impact kept of the outage at or before revision ``seq``, or None."""
        return shelf.find_impact(self.database, outage_id, seq)

    def keep_network(self, version: str, about: dict[str, Any], parts: Iterable[bytes]) -> None:
        """Keep a network under the hash of its content; does nothing where it is kept. ``parts`` are some MB each, and ready."""
        shelf.keep_network(self.database, version, about, parts)

    def find_network(self, version: str) -> tuple[dict[str, Any], Iterator[bytes]] | None:
        """Return what is known of a network, and its parts one by one; None where it is not kept."""
        return shelf.find_network(self.database, version)

    def list_networks(self) -> dict[str, dict[str, Any]]:
        """Return version → what is known of it, in the order in which they were kept."""
        return shelf.list_networks(self.database)

    def check(self, now: datetime) -> list[Finding]:
        """Return everything that makes the store unfit for service at ``now``, errors and warnings."""
        return check_store(self.database, now)

    def close(self) -> None:
        """Wake everybody who waits, and give back every connection."""
        self._bell.close()
        self.database.close()

    def _carry_out(self, turns: Sequence[Turn[Request, Outage]]) -> None:
        with self.database.writing() as connection:
            batch = Batch(connection, self._remembered, [turn.asked for turn in turns])
            for turn in turns:
                _take(batch, turn)
            batch.write()
        self._remembered.add(batch.outages, batch.position)
        self._bell.ring(batch.position)


def _take(batch: Batch, turn: Turn[Request, Outage]) -> None:
    try:
        turn.answer = batch.take(turn.asked)
    except DRIVER_ERRORS:
        raise  # the transaction is lost, for all
    except Exception as error:  # whatever is wrong with this one is not the fault of the others
        turn.error = error


def open_store(url: str, *, create: bool = True) -> EventStore:
    """Open the store at ``url`` (``sqlite:///FILE`` or ``postgresql://…``), making what is not there unless ``create`` is False.

    Raises StoreError where the address is not understood, or what is there is not ours.
    """
    return EventStore(open_database(url, create=create))
