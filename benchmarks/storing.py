"""Goal 14: events appended durably, against a file that the same bytes are appended to, and many writers against one.

Waiting for the disk is what is measured, so the clock is the one on the wall, and both sides write to one folder of one disk.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.measure import Result, compare, shown
from outages.audit import canonical, read_audit, verify_audit
from outages.events import Entered
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.store import EventStore, open_store
from tests.postgres import INSTALL, Cluster

if TYPE_CHECKING:
    from benchmarks.town import Say

WRITERS = 64
EVENTS = 192
"""That one writer appends in a round; as many as each of the many do, ten times over."""

ROUNDS = 9
FILE_BOUND = 0.8
GROUP_BOUND = 14

_NOW = datetime(2026, 5, 1, tzinfo=UTC)
_FACTS = OutageFacts(
    "planned",
    Switching(open=(Operation("S1", "AB"),)),
    (Window(_NOW, _NOW + timedelta(hours=4)),),
    "线路检修",
    contact="李, 5550142",
)
_ENTERED = Entered(_FACTS, _NOW, "control")
_SERVERS = Path("/usr/lib/postgresql")


def measure_storing(say: Say, *, events: int = EVENTS, writers: int = WRITERS) -> Iterator[Result]:
    """Yield the results on SQLite, and on PostgreSQL where it is installed; ``events`` by one writer in a round.

    One writer is also compared with the driver alone: the least that a database does for as many bytes.
    """
    with stores(say) as (folder, urls):
        for name, url in urls.items():
            store = open_store(url)
            writing = _Writing(store, folder / f"{name}.lines")
            with _bare(url) as insert:
                yield from _measure(writing, insert, name, say, events=events, writers=writers)
            writing.check()
            store.close()


@contextmanager
def stores(say: Say) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder, and addresses of empty stores on its disk by the name of the database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite:///{folder}/outages.db"}
        if any(_SERVERS.glob("*/bin/postgres")):
            cluster = Cluster()
            stack.callback(cluster.remove)
            urls["PostgreSQL"] = cluster.new_database()
        else:
            say(f"nothing is measured on PostgreSQL: {INSTALL}")
        yield folder, urls


def _measure(
    writing: _Writing, insert: Callable[[str], object], name: str, say: Say, *, events: int, writers: int
) -> Iterator[Result]:
    each = max(events // 10, 1)
    say(f"{name}: {events} events a round by one writer, {each * writers} by {writers}")
    size, line = f"{name}, {len(writing.line)} bytes an event", writing.line.decode()
    one, many = partial(writing.append, events), partial(writing.append_together, each, writers)
    file, bare = partial(writing.sync, events), lambda: [insert(line) for _ in range(events)]
    for run in (one, many, file, bare):
        run()
    alone, synced = (seconds / events for seconds in compare(one, file, rounds=ROUNDS, clock=_wall))
    alone_again, bared = (seconds / events for seconds in compare(one, bare, rounds=ROUNDS, clock=_wall))
    together, single = compare(many, one, rounds=ROUNDS, clock=_wall)
    together, single = together / (each * writers), single / events
    say(f"{name}: {1 / alone:,.0f} events a second by one writer, {1 / together:,.0f} by {writers}; fdatasync {shown(synced)}")
    what = "one event, by one writer"
    peers = f"the same bytes to a file, and fdatasync: {shown(synced)}", "a row of the same bytes, by the driver alone"
    yield Result(14, what, peers[0], size, alone, synced, FILE_BOUND, is_faster=True)
    yield Result(14, what, peers[1], size, alone_again, bared, is_faster=True)
    yield Result(14, f"one event, by {writers} writers", "by one writer", size, together, single, GROUP_BOUND, is_faster=True)


@contextmanager
def _bare(url: str) -> Iterator[Callable[[str], object]]:
    """Give what inserts a line into a table beside those of the store, by the driver of the database alone."""
    if url.startswith("sqlite:"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        statement = "INSERT INTO bare VALUES (?)"
    else:
        connection, statement = psycopg.connect(url, autocommit=True), "INSERT INTO bare VALUES (%s)"
    with closing(connection):
        connection.execute("CREATE TABLE bare (line TEXT)")
        yield lambda line: connection.execute(statement, [line])


def _wall() -> float:
    return time.perf_counter()


class _Writing:
    """Outages entered into a store, and the same bytes appended to a file beside it."""

    def __init__(self, store: EventStore, file: Path) -> None:
        self._store = store
        self._numbers = count(1)
        self._enter()
        self.line = _line_of(store)
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._synced = 0

    def append(self, events: int) -> None:
        """Enter outages one after the other."""
        for _ in range(events):
            self._enter()

    def append_together(self, each: int, writers: int) -> None:
        """Enter outages by several threads at once, ``each`` by each."""
        threads = [threading.Thread(target=self.append, args=(each,)) for _ in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sync(self, events: int) -> None:
        """Write the bytes of that many events to the file, each on disk before the next."""
        for _ in range(events):
            os.write(self._file, self.line)
            os.fdatasync(self._file)
        self._synced += events

    def check(self) -> None:
        """Nothing that was said to be on disk is missing."""
        entered = next(self._numbers) - 1
        assert self._store.position() == entered
        log = verify_audit(self._store.database)
        assert (log.count, log.problems) == (entered, ())
        assert os.fstat(self._file).st_size == self._synced * len(self.line)
        os.close(self._file)

    def _enter(self) -> None:
        self._store.append(f"20260501-{next(self._numbers):06}", 0, [_ENTERED])


def _line_of(store: EventStore) -> bytes:
    """Return what the store holds of its first event, its row in the audit log included, as a line of text."""
    (recorded,), (row,) = store.read_since(0, limit=1), read_audit(store.database, limit=1)
    event, entry = recorded.event, row.entry
    told = [recorded.position, recorded.outage_id, recorded.seq, event.kind, event.body(), str(event.at), event.by]
    logged = [row.position, str(entry.at), entry.by, entry.what, entry.subject, entry.detail, row.hash]
    return f"{canonical([told, logged])}\n".encode()


if __name__ == "__main__":
    for result in measure_storing(lambda text: print(text, flush=True)):
        print(" | ".join(result.cells()), flush=True)
