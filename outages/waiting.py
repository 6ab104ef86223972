"""Waiting for new events, from whichever process they come.

Within a process a condition rings. From other processes, PostgreSQL's NOTIFY rings (one connection listens, opened again when
it is lost); SQLite tells nobody, so its file is looked at five times a second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import psycopg

from outages.database import Database
from outages.driver import CHANNEL
from outages.failures import StoreError

_LOOK_S = 0.2  # between two looks at the store, where nobody tells us
_LOOK_ALTHOUGH_TOLD_S = 5.0  # and where a listener does, in case it is deaf without knowing
_RECONNECT_S = 1.0
_LISTEN_S = 0.5  # how long closing may take


class Bell:
    """Rings for new events. ``look`` asks the store for the newest position; `close` wakes everybody."""

    def __init__(self, database: Database, look: Callable[[], int]) -> None:
        self._database = database
        self._look = look
        self._condition = threading.Condition()
        self._newest = 0
        self._is_closed = False
        self._is_told = False
        self._listener: threading.Thread | None = None

    def ring(self, position: int) -> None:
        """Tell those who wait that the newest event is at ``position``."""
        with self._condition:
            self._newest = max(self._newest, position)
            self._condition.notify_all()

    def wait(self, position: int, timeout_s: float) -> int:
        """Return the newest position once it is beyond ``position``, or after ``timeout_s`` seconds, or when closed.

        Where the database is away, this waits on: whoever reads next is told.
        """
        self._listen()
        until = time.monotonic() + timeout_s
        while True:
            self._look_up()
            with self._condition:
                left = until - time.monotonic()
                if self._newest <= position and not self._is_closed and left > 0:
                    self._condition.wait(min(left, _LOOK_ALTHOUGH_TOLD_S if self._is_told else _LOOK_S))
                    left = until - time.monotonic()
                if self._newest > position or self._is_closed or left <= 0:
                    return self._newest

    def close(self) -> None:
        """Wake everybody who waits, and stop listening."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            listener = self._listener
        if listener is not None:
            listener.join()

    def _look_up(self) -> None:
        if self._is_closed:
            return
        with contextlib.suppress(StoreError):
            self.ring(self._look())

    def _listen(self) -> None:
        if self._database.dialect == "sqlite":
            return
        with self._condition:
            if self._listener is None and not self._is_closed:
                self._listener = threading.Thread(target=self._keep_listening, name="store-listener", daemon=True)
                self._listener.start()

    def _keep_listening(self) -> None:
        while not self._is_closed:
            try:
                with self._database.listening() as connection:
                    self._hear(connection)
            except psycopg.Error:
                self._is_told = False
                with self._condition:
                    if not self._is_closed:
                        self._condition.wait_for(lambda: self._is_closed, _RECONNECT_S)

    def _hear(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._is_told = True
        self._look_up()  # what was told while nobody listened
        while not self._is_closed:
            for notice in connection.notifies(timeout=_LISTEN_S, stop_after=1):
                self.ring(int(notice.payload))
