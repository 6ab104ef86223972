"""The outages as they stand, folded from the store as events arrive, from whichever process wrote them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from outages.events import Outage
from outages.lifecycle import begin, step, when
from outages.store import EventStore, UnknownOutageError


@dataclass(frozen=True)
class Board:
    """All outages at one moment: going on (the longest first), to come (the next first), over (the latest first)."""

    current: tuple[Outage, ...]
    planned: tuple[Outage, ...]
    past: tuple[Outage, ...]


class LiveOutages:
    """Keeps every outage in memory; each question first folds the events that the store has had since the last one."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._outages: dict[str, Outage] = {}
        self._position = 0
        self._lock = threading.Lock()

    def get_outage(self, outage_id: str) -> Outage:
        """Return one outage; raises UnknownOutageError."""
        with self._lock:
            self._catch_up()
            if outage_id not in self._outages:
                raise UnknownOutageError(outage_id)
            return self._outages[outage_id]

    def list_outages(self) -> tuple[Outage, ...]:
        """Return all outages, in the order in which they were entered."""
        with self._lock:
            self._catch_up()
            return tuple(self._outages.values())

    def board(self, now: datetime) -> Board:
        """Return all outages, sorted by whether they are going on at ``now``."""
        found: dict[str, list[Outage]] = {"current": [], "planned": [], "past": []}
        for outage in sorted(self.list_outages(), key=lambda outage: outage.facts.start):
            found[when(outage, now)].append(outage)
        latest_first = sorted(found["past"], key=lambda outage: outage.changed_at, reverse=True)
        return Board(tuple(found["current"]), tuple(found["planned"]), tuple(latest_first))

    def _catch_up(self) -> None:
        for one in self._store.read_since(self._position):
            before = self._outages.get(one.outage_id)
            self._outages[one.outage_id] = begin(one.outage_id, one.event) if before is None else step(before, one.event)
            self._position = one.position
